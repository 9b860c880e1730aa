#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# fuzz.sh: runs each target in fuzz/ for FUZZ_SECONDS (60), two at once, from the committed corpora, with AddressSanitizer.
# Needs a C++ compiler (libFuzzer is built from source) and no other Rust than the library: RUSTC_BOOTSTRAP opens the
# sanitizer of a stable one, and cargo-fuzz would add nothing. With MINIMIZE=1 what was found is merged into the corpora.
# Ends with a line "N passed, N failed".
set -u
cd "$(dirname "$0")/.." || exit 1
seconds=${FUZZ_SECONDS:-60}
work=$PWD/build/fuzz
host=$(rustc -vV | sed -n 's/^host: //p')
mkdir -p "$work"
coverage='-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
  -Cllvm-args=-sanitizer-coverage-trace-compares'
if ! command -v "${CXX:-c++}" >/dev/null; then
  echo "# skipped: no C++ compiler for libFuzzer (make setup)"
  [ -z "${CI:-}" ] && exit
  echo "0 passed, 1 failed"
  exit 1
fi
# For a target that is named, so that build scripts are not instrumented. One unit: the counters of several collide.
RUSTC_BOOTSTRAP=1 RUSTFLAGS="--cfg fuzzing -Zsanitizer=address -Ccodegen-units=1 ${coverage//$'\n'/ }" \
  cargo build -q --locked --release --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$work/target" --bins ||
  { echo "0 passed, 1 failed"; exit 1; }

fuzz() { # target
  local target=$1 corpus=$work/corpus/$1 log=$work/$1.log status
  local program=$work/target/$host/release/$1
  mkdir -p "$corpus" "$work/found"
  "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=512 -print_final_stats=1 \
    -artifact_prefix="$work/found/$target-" "$corpus" "fuzz/corpus/$target" >"$log" 2>&1
  status=$?
  if [ $status = 0 ]; then
    echo "ok - $target: $(sed -n 's/.*number_of_executed_units: *//p' "$log") executions," \
      "$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1) edges"
  else
    tail -n 40 "$log" | sed 's/^/# /'
    echo "not ok - $target"
  fi
  [ -z "${MINIMIZE:-}" ] || [ $status != 0 ] || {
    mkdir -p "$work/merged/$target"
    rm -f "$work/merged/$target"/*
    "$program" -merge=1 -max_len=256 "$work/merged/$target" "fuzz/corpus/$target" "$corpus" >"$log.merge" 2>&1 &&
      rm -f "fuzz/corpus/$target"/* && cp "$work/merged/$target"/* "fuzz/corpus/$target"
  }
  return $status
}

passed=0 failed=0
count() { if wait "$1"; then passed=$((passed + 1)); else failed=$((failed + 1)); fi; }
# The one of the moves is the fastest: it goes before the third.
fuzz reader & first=$!
fuzz plan & second=$!
count $first
fuzz moves & third=$!
count $second
count $third
echo "$passed passed, $failed failed"
[ $failed = 0 ]
