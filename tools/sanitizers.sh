#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# sanitizers.sh: programs of c-tests built with AddressSanitizer and with ThreadSanitizer and linked with the static library, and
# cargo's unit tests with AddressSanitizer where there is a nightly toolchain. First each must report a fault that is made
# on purpose. `make check-sanitizers` sets the environment; by hand: BUILD=$PWD/build tools/sanitizers.sh
#
# The library's code is not instrumented in the C programs: its child must not call out of its section. What they see is
# what the library does to the memory of others, by way of libc's functions, and what their own threads and handlers do.
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
: "${BUILD:?the directory of libforkexec.a and t/}" "${CC:=cc}" "${CARGO:=cargo}"
# shellcheck source=c-tests/tap.sh
. "$root/c-tests/tap.sh"
outside
ulimit -c 0
# Messages do not come to the descriptors of the tests; the first fault ends a program.
echo "leak:kept_path" >"$work/suppressions" # the tests keep these to their ends
export LSAN_OPTIONS=suppressions=$work/suppressions:print_suppressions=0 ASAN_OPTIONS=log_path=$work/fault TSAN_OPTIONS=log_path=$work/fault:halt_on_error=1:exitcode=66

compile() { # SANITIZER OUTPUT FILE...
  local sanitizer=$1 output=$2
  shift 2
  $CC -std=c99 -D_GNU_SOURCE -DSANITIZED -O1 -g -fsanitize="$sanitizer" -I"$root/include" -o "$output" "$@" -lpthread
}

cat >"$work/address.c" <<'END'
#include <stdlib.h>
int main(void) { char *p = malloc(8); free(p); return *(volatile char *)p; }
END
cat >"$work/thread.c" <<'END'
#include <pthread.h>
static int shared;
static void *adds(void *with) { for (int i = 0; i < 1000; i++) shared++; return with; }
int main(void) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], 0, adds, 0);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], 0);
  return 0;
}
END

for sanitizer in address thread; do
  name=$sanitizer
  is_fault='heap-use-after-free'
  [ $sanitizer = address ] || is_fault='data race'
  if ! compile $sanitizer "$work/fault-of" "$work/$sanitizer.c" 2>"$work/out"; then
    skip "$name: a fault on purpose is reported" "needs the compiler's ${sanitizer}sanitizer"
    continue
  fi
  timeout 20 "$work/fault-of" >"$work/out" 2>&1
  ok "$name: a fault on purpose is reported" "grep -q '$is_fault' $work/fault.*"
  rm -f "$work"/fault.*
  programs='race communicate async'
  [ $sanitizer = address ] || programs='race wait_any suspend'
  for program in $programs; do
    compile $sanitizer "$work/$program" "$root/c-tests/$program.c" "$root/c-tests/test.c" "$BUILD/libforkexec.a" 2>"$work/out" || {
      sed 's/^/# /' "$work/out"
      ok "$name: $program" false
      continue
    }
    # Those with a limit of memory are not for them: they take terabytes of addresses.
    FE_TEST_FIRST='' timeout 100 "$work/$program" >"$work/out" 2>&1
    ended=$(tail -n 1 "$work/out" | grep -c '^1\.\.')
    faults=$(cat "$work"/fault.* 2>/dev/null | grep -c 'SUMMARY')
    wrong=$(grep '^not ok' "$work/out" | grep -vE -- '- memory within the limits$')
    is "$name: $program" "$wrong, $ended ended, $faults faults" ', 1 ended, 0 faults'
    [ "$faults" = 0 ] || sed 's/^/# /' "$work"/fault.* | head -n 60
    [ -z "$wrong" ] || sed 's/^/# /' "$work/out" | grep -v '^# ok' | head -n 20
    rm -f "$work"/fault.*
  done
done

# The unit tests, where that was asked for: it takes minutes to build.
if [ -n "${RUST:-}" ]; then
  flags=-Zsanitizer=address
  cat >"$work/fault.rs" <<'END'
fn main() {
    let gone = { let kept = Box::new(7); &raw const *kept };
    std::process::exit(unsafe { gone.read_volatile() });
}
END
  if ! rustup run nightly rustc -O $flags -o "$work/fault-of" "$work/fault.rs" 2>"$work/out"; then
    skip 'rust: the unit tests' 'needs the nightly toolchain of rustup'
  else
    timeout 20 "$work/fault-of" >"$work/out" 2>&1
    ok 'rust: a fault on purpose is reported' "grep -q heap-use-after-free $work/fault.*"
    rm -f "$work"/fault.*
    ok 'rust: the unit tests' "cd $root && RUSTFLAGS=$flags CARGO_TARGET_DIR=target/sanitizers \
      rustup run nightly cargo test --locked --lib --target $(rustc -vV | sed -n 's/^host: //p') && ! ls $work/fault.* 2>/dev/null"
  fi
fi
plan
