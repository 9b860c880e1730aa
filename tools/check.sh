#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# check.sh RESULTS TEST...: runs each test (a program, or a .sh), lets prove(1) judge the TAP, compares the counts
# of ways with c-tests/ways.expected, and ends with one line "N passed, N failed". A test that is named
# RESULTS/NAME.tap already (cargo's, the header's) is counted too.
# As many at once as there are processors, but four at most, or JOBS; feature_table, which looks at all others' results, by itself.
set -u
one=
if [ "$1" = --one ]; then
  one=yes
  shift
fi
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

if [ -n "$one" ]; then
  start=$SECONDS
  run_one "$1"
  name=$(basename "$1" .sh)
  said=$(printf '%-14s %s ok, %s not ok, %s skipped, %s s' "$name" \
    "$(grep -c '^ok' "$results/$name.tap")" "$(grep -c '^not ok' "$results/$name.tap")" \
    "$(grep -ci '^ok.*# skip' "$results/$name.tap")" $((SECONDS - start)))
  # In one piece, since others write beside it.
  printf '%s\n%s' "$said" "$(grep -E '^not ok|# SKIP|^# .*\.(c|sh|h|list|md):[0-9]' "$results/$name.tap" | head -n 100)" | grep .
  exit
fi

# Programs of other users start the probe: it has to be where they may walk.
open_to_all() {
  local directory=$1
  while [ "$directory" != / ]; do
    directory=$(dirname "$directory")
    [ $((8#$(stat -c %a "$directory") & 1)) = 1 ] || return
  done
}
if [ -n "${FE_TEST_PROBE:-}" ] && ! open_to_all "$(realpath "$FE_TEST_PROBE")"; then
  shelter=$(mktemp -d /tmp/forkexec-probe-XXXXXX)
  trap 'rm -rf "$shelter"' EXIT
  chmod 755 "$shelter"
  mkdir "$shelter/t"
  cp "$FE_TEST_PROBE" "$shelter/t"
  ln -s "$(realpath "$(dirname "$FE_TEST_PROBE")/../terminal")" "$shelter"
  FE_TEST_PROBE=$shelter/t/probe
fi

# By xargs, which leaves signals as they are: what a shell starts in the background ignores SIGINT.
jobs=${JOBS:-$(nproc)}
[ "$jobs" -le 4 ] || [ -n "${JOBS:-}" ] || jobs=4
for test in "$@"; do
  case $test in *feature_table.sh) ;; *) printf '%s\0' "$test" ;; esac
done | xargs -0 -r -n 1 -P "$jobs" bash "$0" --one "$results"
for test in "$@"; do
  case $test in *feature_table.sh) bash "$0" --one "$results" "$test" ;; esac
done

status=0
if command -v prove >/dev/null; then
  prove -Q --exec cat "$results"/*.tap >"$results/prove.log" 2>&1 || status=1
else
  # Without it no more is judged than whether each has come to its plan.
  for tap in "$results"/*.tap; do
    [ "$(sed -n 's/^1\.\.//p' "$tap")" = "$(grep -cE '^(not )?ok ' "$tap")" ] || { echo "$tap: not as planned"; status=1; }
  done >"$results/prove.log"
fi

skipped=$(cat "$results"/*.tap | grep '^ok' | grep -ic '# skip')
reasons=$(grep -h '# SKIP' "$results"/*.tap | sed 's/.*# SKIP //' | sort | uniq -c)
extra=0

# CI is root on a current kernel and has all tools: there nothing is skipped but what an emulator lacks, and what takes a
# capability that not even root has on this machine (CAP_SYS_RESOURCE is number 24).
bounding=$(sed -n 's/^CapBnd:\t//p' /proc/self/status)
impossible=0
if [ -n "$bounding" ] && ! ((16#$bounding >> 24 & 1)); then
  impossible=$(cat "$results"/*.tap | grep '^ok' | grep -c '# SKIP needs CAP_SYS_RESOURCE$')
fi
# A tarball or a shallow clone has none.
[ "$(git rev-parse --is-shallow-repository 2>/dev/null)" = false ] ||
  impossible=$((impossible + $(cat "$results"/*.tap | grep '^ok' | grep -c '# SKIP needs the history$')))
if [ "$skipped" != 0 ]; then
  printf '%s skipped:\n%s\n' "$skipped" "$reasons"
  [ "$impossible" = 0 ] || echo "$impossible of them cannot run here, where root has no CAP_SYS_RESOURCE or the tree no history"
  if [ -n "${CI:-}" ] && [ -z "${FE_TEST_WORLD:-}" ] && [ "$skipped" != "$impossible" ]; then
    extra=1
  fi
fi

# Which ways were really taken; the numbers hold when nothing is skipped that FE_WAYS_EXPECTED has seen run.
sed -n 's/^# ways //p' "$results"/*.tap | sort >"$results/ways"
awk '{for (i = 2; i <= NF; i++) {split($i, p, "="); n[p[1]] += p[2]}}
  END {printf "ways taken: %d shared, %d copy, %d piped\n", n["shared"], n["copy"], n["piped"]}' "$results/ways"
if [ "$skipped" = "$impossible" ] || [ -n "${FE_TEST_WORLD:-}" ]; then
  if ! diff -u "$FE_WAYS_EXPECTED" "$results/ways"; then
    echo "they are not those of $FE_WAYS_EXPECTED"
    extra=$((extra + 1))
  fi
fi

passed=$(cat "$results"/*.tap | grep '^ok' | grep -vic '# skip')
failed=$(($(cat "$results"/*.tap | grep -c '^not ok') + extra))
if [ $status != 0 ]; then
  sed -n '1,60p' "$results/prove.log"
  [ "$failed" != 0 ] || failed=1
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
