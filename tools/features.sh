#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# features.sh check|write|cases [RESULTS [LIST [TABLE]]]: what docs/features.list says is there, held against the results of
# make check. `check` fails, and names it, if a case that a row names is missing or failed, or if the table of docs/features.md is not
# made of these rows. `write` makes the table, of those rows alone all of whose cases have passed. `cases` prints the cases.
# A row of which a case was skipped is not shown: it is named, with the reason, and may stand in the table from a run that
# skipped nothing.
set -u
cd "$(dirname "$0")/.." || exit 1
mode=${1:?check, write or cases} results=${2:-build/results} list=${3:-docs/features.list} page=${4:-docs/features.md}
begin='<!-- what make features writes, from docs/features.list -->' end='<!-- to here -->'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Results first, then the list. Each line is one of: row, skipped row, case, bad.
shopt -s nullglob
awk -v list="$list" '
  function trim(text) { gsub(/^[ \t]+|[ \t]+$/, "", text); return text }
  function bad(what) { print "bad\t" list ":" FNR ": " what }
  FILENAME != list {
    if (!match($0, /^(not )?ok [0-9]* ?- /)) next
    program = FILENAME; sub(/.*\//, "", program); sub(/\.tap$/, "", program)
    name = substr($0, RLENGTH + 1)
    reason = ""
    if (match(name, / # SKIP.*/)) { reason = substr(name, RSTART + 8); name = substr(name, 1, RSTART - 1) }
    key = program ": " trim(name)
    seen[key] = 1
    if (/^not/) failed[key] = 1
    else if (reason != "") skipped[key] = reason
    next
  }
  /^#($|[^#])/ || /^ *$/ || /^- [^|]+ \| [^|]+$/ { next }
  /^## / { if ($0 !~ /^## Not /) print "row\t| **" substr($0, 4) "** | | |"; next }
  {
    n = split($0, field, /\|/)
    if (n < 3) { bad("neither a row nor a reason"); next }
    why = programs = good = ""
    for (i = 1; i <= n; i++) if (trim(field[i]) == "") good = "no"
    if (good == "no") { bad("an empty field"); next }
    for (i = 3; i <= n; i++) {
      key = trim(field[i]); print "case\t" key
      if (!(key in seen)) { bad("no such result: " key); good = "no" }
      else if (key in failed) { bad("failed: " key); good = "no" }
      else if (key in skipped) why = skipped[key]
      program = key; sub(/:.*/, "", program)
      if (index(programs ",", " `" program "`,") == 0) programs = programs (programs == "" ? " " : ", ") "`" program "`"
    }
    row = "| " trim(field[1]) " | " trim(field[2]) " |" programs " |"
    if (good == "no") next
    if (why != "") { print "skipped\t" row; print "why\t" list ":" FNR ": not shown here: " trim(field[1]) " (" trim(why) ")" }
    else print "row\t" row
  }' "$results"/*.tap "$list" >"$work/all"
of() { sed -n "s/^$1\t//p" "$work/all"; }

if [ "$mode" = cases ]; then
  of case
  exit
fi
of why | sed 's/^/# /'
of bad | sed 's/^/# /'
[ -z "$(of bad)" ] || exit 1

of skipped >"$work/skipped"
{
  printf '| what | by | shown by |\n|---|---|---|\n'
  of row
} >"$work/table"
if [ "$(grep -cxF -e "$begin" -e "$end" "$page")" != 2 ]; then
  echo "# $page: the table's two marks are not there"
  exit 1
fi
if [ "$mode" = write ]; then
  awk -v begin="$begin" -v end="$end" -v table="$work/table" '
    $0 == end { inside = 0 }
    !inside { print }
    $0 == begin { inside = 1; while ((getline line < table) > 0) print line }' "$page" >"$work/readme"
  cat "$work/readme" >"$page"
else
  awk -v begin="$begin" -v end="$end" '$0 == end { exit } inside { print } $0 == begin { inside = 1 }' "$page" |
    grep -vxF -f "$work/skipped" >"$work/there"
  if ! diff -u --label "$page" --label "$list" "$work/there" "$work/table" >"$work/diff"; then
    sed 's/^/# /' "$work/diff"
    echo "# $page:1: its table is not what has passed: make features"
    exit 1
  fi
fi
