#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# check.sh RESULTS TEST...: runs each test (a program, or a .sh), lets prove(1) judge the TAP, compares the counts
# of ways with c-tests/ways.expected, and ends with one line "N passed, N failed". A test that is named
# RESULTS/NAME.tap already (cargo's, the header's) is counted too.
set -u
results=$1
shift
mkdir -p "$results"

run_one() {
  local name status
  name=$(basename "$1" .sh)
  case $1 in
    *.sh) bash "$1" ;;
    *) "$1" ;;
  esac >"$results/$name.tap" 2>"$results/$name.err"
  status=$?
  # A program that dies has not said so in its results.
  if [ $status != 0 ] && ! grep -q '^not ok' "$results/$name.tap"; then
    echo "not ok 999 - $name ended with status $status" >>"$results/$name.tap"
  fi
  if [ -s "$results/$name.err" ]; then sed 's/^/# stderr: /' "$results/$name.err" >>"$results/$name.tap"; fi
  rm -f "$results/$name.err"
}

for test in "$@"; do
  start=$SECONDS
  run_one "$test"
  name=$(basename "$test" .sh)
  printf '%-14s %s ok, %s not ok, %s skipped, %s s\n' "$name" \
    "$(grep -c '^ok' "$results/$name.tap")" "$(grep -c '^not ok' "$results/$name.tap")" \
    "$(grep -ci '^ok.*# skip' "$results/$name.tap")" $((SECONDS - start))
  grep -E '^not ok|# SKIP|^# .*\.(c|sh|h):[0-9]' "$results/$name.tap" | head -n 20
done

status=0
prove -Q --exec cat "$results"/*.tap >"$results/prove.log" 2>&1 || status=1

# Which ways were really taken.
if [ -n "${FE_WAYS_EXPECTED:-}" ]; then
  sed -n 's/^# ways //p' "$results"/*.tap | sort >"$results/ways"
  if ! diff -u "$FE_WAYS_EXPECTED" "$results/ways"; then
    echo "not ok - the counts of the ways taken are not those of $FE_WAYS_EXPECTED" >>"$results/ways.tap"
    status=1
  else
    echo "ok - the counts of the ways taken are as expected" >>"$results/ways.tap"
  fi
  awk '{for (i = 2; i <= NF; i++) {split($i, p, "="); n[p[1]] += p[2]}}
    END {printf "ways taken: %d shared, %d copy, %d piped\n", n["shared"], n["copy"], n["piped"]}' "$results/ways"
fi

passed=$(cat "$results"/*.tap | grep '^ok' | grep -vic '# skip')
failed=$(cat "$results"/*.tap | grep -c '^not ok')
skipped=$(cat "$results"/*.tap | grep '^ok' | grep -ic '# skip')
if [ $status != 0 ]; then
  sed -n '1,60p' "$results/prove.log"
  [ "$failed" = 0 ] && failed=1
fi
[ "$skipped" = 0 ] || echo "$skipped skipped: $(grep -h '# SKIP' "$results"/*.tap | sed 's/.*# SKIP //' | sort -u | tr '\n' ';')"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
