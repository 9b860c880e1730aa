#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The table in docs/features.md is made of docs/features.list and what has passed: tools/features.sh on results made up here, the
# list against the sources, and in `make check`, as the last of all, against the results of all others (FE_RESULTS).
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/tap.sh"
cd "$here/.." || exit 1
work=$(mktemp -d /tmp/forkexec-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
begin='<!-- what make features writes, from docs/features.list -->'

# ---- the script ----

# Two programs, all passed, and a page without a row.
anew() {
  rm -rf "$work/results"
  mkdir "$work/results"
  printf 'ok 1 - a, b; c\nok 2 - second\n1..2\n' >"$work/results/one.tap"
  printf 'ok 1 - third: #x\n1..1\n' >"$work/results/two.tap"
  printf '# comment\n## Topic\n\nthis | `x` | one: a, b; c | two: third: #x\nthat | `y` | one: second\n## Not here\n- other | why\n' >"$work/list"
  printf 'above\n%s\n<!-- to here -->\nbelow\n' "$begin" >"$work/features.md"
}
by() { tools/features.sh "$1" "$work/results" "$work/list" "$work/features.md"; }
said() { by "$1" | sed "s|$work/||"; }
# That nothing but this is said, that it fails, and that no table is made of it.
refused() { # name wanted
  is "$1" "$(said check)" "$2"
  by check >"$work/said" && result 1 "$1: it fails"
  by write >"$work/said" && result 1 "$1: no table is made"
  is "$1: nothing is written" "$(cat "$work/features.md")" "$page"
}
table='| what | by | shown by |
|---|---|---|
| **Topic** | | |
| this | `x` | `one`, `two` |
| that | `y` | `one` |'

anew
ok "what has passed is written" 'by write'
full="above
$begin
$table
<!-- to here -->
below"
is "between the marks, and nothing else" "$(cat "$work/features.md")" "$full"
ok "and is then what is wanted" 'by check'
ok "also the second time" 'by write && by check'
is "the cases" "$(by cases)" 'one: a, b; c
two: third: #x
one: second'

page=$full
sed -i 's/^ok 1/not ok 1/' "$work/results/one.tap"
refused "one case of two that failed" '# list:4: failed: one: a, b; c'
anew
page=$(cat "$work/features.md")
sed -i 's/second/2nd/' "$work/results/one.tap"
refused "a case that is not there" '# list:5: no such result: one: second'
rm "$work/results/two.tap"
refused "a program that did not run" '# list:4: no such result: two: third: #x
# list:5: no such result: one: second'
anew
printf 'not ok 3 - second\n' >>"$work/results/one.tap"
refused "two of a name, of which one failed" '# list:5: failed: one: second'
anew
echo 'without a case | `z`' >>"$work/list"
echo 'with an empty one | `z` | ' >>"$work/list"
echo '- without a reason' >>"$work/list"
refused "lines that are no rows" '# list:8: neither a row nor a reason
# list:9: an empty field
# list:10: neither a row nor a reason'

# As for an ordinary user, or on an old kernel.
anew
sed -i 's/^ok 2.*/& # SKIP needs root/' "$work/results/one.tap"
ok "what was skipped is not written" 'by write'
is "but all else" "$(grep '^|' "$work/features.md")" "$(head -n 4 <<<"$table")"
is "it is named, with the reason" "$(said check)" '# list:5: not shown here: that (needs root)'
ok "and fails nothing" 'by check'
echo "$full" >"$work/features.md"
ok "nor does a page that was written when it passed" 'by check'
sed -i 's/`y`/`z`/' "$work/features.md"
ok "unless it says something else" '! by check'

# Of a page, with one line changed, missing, too many or elsewhere.
for edit in 's/`x`/`z`/' '/| that/d' 's/^| that.*/&\n&/' '/^| this/{h;d};/^| that/{G}' 's/`one`, `two`/`one`/' '/Topic/d'; do
  anew
  sed "$edit" <<<"$full" >"$work/features.md"
  ok "a page that differs: $edit" '! by check'
  ok "is mended: $edit" "by write && by check && [ \"\$(cat '$work/features.md')\" = \"\$full\" ]"
done
anew
sed -i '/to here/d' "$work/features.md"
page=$(cat "$work/features.md")
refused "a page without a mark" '# features.md: the table'"'"'s two marks are not there'

# ---- the list ----

# Each is in the source of its program; some are run a second time with a suffix.
missing=$(tools/features.sh cases | while IFS= read -r case; do
  program=${case%%: *} name=${case#*: }
  name=${name%, clone3 refused}
  grep -qF -e "\"$name\"" -e "'$name'" "c-tests/$program".* || echo "$case"
done)
is "each case that the list names is in its program's source" "$missing" ''
ok "which are more than a hundred" '[ "$(tools/features.sh cases | wc -l)" -gt 100 ]'
# If each had passed.
rm -rf "$work/results"
mkdir "$work/results"
tools/features.sh cases | while IFS= read -r case; do
  echo "ok 1 - ${case#*: }" >>"$work/results/${case%%: *}.tap"
done
ok "the page's table is the list's" 'tools/features.sh check "$work/results"'

# ---- the results ----

if [ -n "${FE_RESULTS:-}" ]; then
  tools/features.sh check "$FE_RESULTS" >"$work/said"
  status=$?
  cat "$work/said"
  result $status "what the list names has passed, and is what the page says"
fi
plan
