#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# mutants.sh [PATCH...]: applies each of mutants/*.patch to a copy of the tree and demands that the tests which its first
# line names ("Noticed by: NAME...", the quickest first; tests of `make check`, "rust" is cargo's) fail: as soon as one
# has, the next patch has its turn. One that does not apply or not compile proves nothing and counts as failed, as does a
# test that fails without any patch. Ends with a line "N passed, N failed".
# Several at once, each in a copy of its own: as many as there are processors, or JOBS.
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
[ $# -gt 0 ] || set -- mutants/*.patch

jobs=${JOBS:-$(nproc)}
[ -n "${WORKER:-}" ] || unset JOBS
[ -n "${WORKER:-}" ] || rm -rf build/mutants/limits
if [ -z "${WORKER:-}" ] && [ "$jobs" -gt 1 ] && [ $# -gt 1 ]; then
  mkdir -p build/mutants
  export JOBS=$((jobs < $# ? jobs : $#)) ALL_PATCHES="$*"
  for ((worker = 0; worker < JOBS; worker++)); do
    share=() number=0
    for patch in "$@"; do
      [ $((number++ % JOBS)) != "$worker" ] || share+=("$patch")
    done
    [ ${#share[@]} = 0 ] || WORKER=$worker "$0" "${share[@]}" | tee "build/mutants/said.$worker" | grep --line-buffered -v ' failed$' &
  done
  wait
  # A worker that has not counted has failed.
  awk -v workers="$JOBS" '/^[0-9]+ passed, [0-9]+ failed$/ {p += $1; f += $3; n++}
    END {f += workers - n; printf "%d passed, %d failed\n", p, f; exit f > 0}' build/mutants/said.*
  status=$?
  rm -f build/mutants/said.*
  exit $status
fi

work=$root/build/mutants/${WORKER:-0}
mkdir -p "$work/tree"
killed=0 survived=0

# With those that are not committed yet.
files() {
  local file
  git ls-files --cached --others --exclude-standard | while read -r file; do
    [ ! -e "$file" ] || echo "$file"
  done
}

# The copy stays, so that only what a patch touches is built again.
copy() {
  local file
  files >"$work/files"
  while read -r file; do
    cmp -s "$file" "$work/tree/$file" && continue
    mkdir -p "$work/tree/$(dirname "$file")"
    cp -p "$file" "$work/tree/$file"
    touch "$work/tree/$file"
  done <"$work/files"
  (cd "$work/tree" && find . -path ./build -prune -o -type f -print) | sed 's|^\./||' | grep -vxFf "$work/files" |
    while read -r file; do rm "$work/tree/$file"; done
}

# Without -Werror: a patch may leave something unused, which is not what is to notice it.
build() {
  CI='' make -s --no-print-directory -C "$work/tree" B=build CARGO_TARGET_DIR="$work/target" "$@"
}

# By SIGKILL, and the whole group: a mutant may hang with all signals blocked.
run() { # test seconds
  local b=$work/tree/build
  export LD_LIBRARY_PATH=$b FE_TEST_PROBE=$b/t/probe FORKEXEC=$b/forkexec BUILD=$b CC=${CC:-cc} OBJDUMP=objdump
  cd "$work/tree" || exit 1
  if [ "$1" = rust ]; then
    CARGO_TARGET_DIR="$work/target" timeout -s KILL "$2" cargo test -q --locked --lib
  elif [ -e "c-tests/$1.sh" ]; then
    timeout -s KILL "$2" bash "c-tests/$1.sh"
  else
    timeout -s KILL "$2" "$b/t/$1"
  fi
}

copy
build tests || exit 1

# All that is named must pass before it may count that it fails. It then has that time several times over. Workers share
# this: each runs every JOBS-th, and leaves the time, or nothing, in a file for the others.
limits=$root/build/mutants/limits
declare -A limit
mkdir -p "$limits"
number=0
# shellcheck disable=SC2086
tests=$(sed -s -n '1s/^Noticed by: //p' ${ALL_PATCHES:-"$@"} | tr ' ' '\n' | sort -u)
for test in $tests; do
  [ $((number++ % ${JOBS:-1})) = "${WORKER:-0}" ] || continue
  begun=$SECONDS
  if (run "$test" 300) >"$work/log" 2>&1; then
    echo $((20 + 5 * (SECONDS - begun))) >"$limits/.$test"
  else
    grep -v '^ok' "$work/log" | tail -n 20 | sed 's/^/# /'
    echo "not ok - $test fails without a mutant"
    survived=$((survived + 1))
    : >"$limits/.$test"
  fi
  mv "$limits/.$test" "$limits/$test"
done
for test in $tests; do
  for ((waited = 0; waited < 6000; waited++)); do
    [ ! -e "$limits/$test" ] || break
    sleep 0.1
  done
  limit[$test]=$(cat "$limits/$test")
done

for patch in "$@"; do
  name=$(basename "$patch" .patch)
  copy
  tests=$(sed -n '1s/^Noticed by: //p' "$patch")
  if ! (cd "$work/tree" && patch -s -p1 --fuzz=0 <"$root/$patch") >"$work/log" 2>&1; then
    sed 's/^/# /' "$work/log"
    echo "not ok - $name does not apply"
    survived=$((survived + 1))
    continue
  fi
  if ! build tests >"$work/log" 2>&1; then
    tail -n 20 "$work/log" | sed 's/^/# /'
    echo "not ok - $name does not compile"
    survived=$((survived + 1))
    continue
  fi
  by=
  for test in $tests; do
    if [ -n "${limit[$test]-}" ] && ! (run "$test" "${limit[$test]}") >"$work/log" 2>&1; then
      by=$test
      break
    fi
  done
  if [ -n "$by" ]; then
    echo "ok - $name: noticed by $by"
    killed=$((killed + 1))
  else
    echo "not ok - $name survives $tests"
    survived=$((survived + 1))
  fi
done
echo "$killed passed, $survived failed"
[ "$survived" = 0 ]
