#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# mutants.sh [PATCH...]: applies each of mutants/*.patch to a copy of the tree and demands that the tests which its first
# line names ("Noticed by: NAME...", tests of `make check`; "rust" is cargo's) fail. One that does not apply or not
# compile proves nothing and counts as failed. Ends with a line "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
root=$PWD
work=$root/build/mutants
mkdir -p "$work"
killed=0 survived=0
[ $# -gt 0 ] || set -- mutants/*.patch

# The copy stays, so that only what a patch touches is built again.
copy() {
  local file
  git ls-files | while read -r file; do
    cmp -s "$file" "$work/tree/$file" && continue
    mkdir -p "$work/tree/$(dirname "$file")"
    cp -p "$file" "$work/tree/$file"
    touch "$work/tree/$file"
  done
}

build() {
  make -s --no-print-directory -C "$work/tree" B=build CARGO_TARGET_DIR="$work/target" "$@"
}

run() { # test
  local b=$work/tree/build
  case $1 in
    rust) (cd "$work/tree" && CARGO_TARGET_DIR="$work/target" timeout 300 cargo test -q --locked --lib) ;;
    *)
      export LD_LIBRARY_PATH=$b FE_TEST_PROBE=$b/t/probe FORKEXEC=$b/forkexec BUILD=$b CC=${CC:-cc} OBJDUMP=objdump
      cd "$work/tree" || exit 1
      if [ -e "c-tests/$1.sh" ]; then
        timeout 300 bash "c-tests/$1.sh"
      else
        timeout 300 "$b/t/$1"
      fi
      ;;
  esac
}

# All that is named must pass before it may count that they fail.
copy
build tests || exit 1

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
    if ! (run "$test") >"$work/log" 2>&1; then
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
