#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# miri.sh: cargo's unit tests under Miri, but for those that need system calls, which say so: src/sys/miri.rs is a kernel
# that has none. Needs rustup's nightly with the components miri and rust-src (make setup).
# Ends with a line "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
if ! cargo +nightly miri --version >/dev/null 2>&1; then
  echo "# skipped: no Miri (make setup)"
  [ -z "${CI:-}" ] && exit
  echo "0 passed, 1 failed"
  exit 1
fi
mkdir -p build
log=build/miri.log
# The arguments of a plan's calls are addresses as the kernel wants them, in words: what is exposed may be followed.
MIRIFLAGS='-Zmiri-permissive-provenance -Zmiri-disable-isolation' CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/miri \
  cargo +nightly miri test --locked --lib -- "$@" >"$log" 2>&1
status=$?
sed -n 's/^test \(.*\) \.\.\. ignored, \(.*\)/# skipped: \1 (\2)/p' "$log"
passed=$(grep -c '^test .* ok$' "$log")
if [ $status != 0 ]; then
  grep -v '^test .* ok$' "$log" | tail -n 60
  echo "$passed passed, 1 failed"
  exit 1
fi
echo "$passed passed, 0 failed"
[ "$passed" -gt 0 ]
