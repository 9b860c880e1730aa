#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The oldest Rust that Cargo.toml names, gcc and clang, a static program with musl, and aarch64 by a cross compiler: with each the
# library is built, and programs run on it.
. "$(dirname "$0")/../../c-tests/tap.sh"

work=$(mktemp -d)
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
export FE_TEST_PROBE=$BUILD/t/probe
make_() { make -s --no-print-directory "$@"; }
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
tests='abi exec child outcome redirect communicate posix_spawn'
make_ B="$BUILD" "$BUILD/t/probe"

# Builds it with those make variables, and runs some tests on it.
built() { # name, make variables
  local name=$1 test
  shift
  local make_it=(make_ B="$work/b" "$@")
  for test in $tests; do make_it+=("$work/b/t/$test"); done
  rm -rf "$work/b"
  ok "$name: built, without a warning" '{ CI=true "${make_it[@]}" > "$work/said" 2>&1 || { cat "$work/said"; false; }; } &&
    ! grep -A5 warning: "$work/said"'
  for test in $tests; do
    ok "$name: $test passes" 'BUILD=$work/b LD_LIBRARY_PATH= "$work/b/t/$test"'
  done
}

names=("Rust $oldest: built" "Rust $oldest: the unit tests")
old() { RUSTUP_TOOLCHAIN=$oldest "$@"; }
case $(rustc --version) in
  "rustc $oldest."*) old() { "$@"; } ;;
esac
if [[ $(old rustc --version 2>/dev/null) != "rustc $oldest."* ]]; then
  for name in "${names[@]}"; do skip "$name" "needs Rust $oldest"; done
else
  note "$(old rustc --version)"
  export CARGO_TARGET_DIR=target/oldest
  [[ $(rustc --version) = "rustc $oldest."* ]] || export RUSTUP_TOOLCHAIN=$oldest
  built "Rust $oldest" CC="$CC"
  ok "Rust $oldest: it is what the library was made by" \
    'readelf --debug-dump=info "$work/b/libforkexec.so" 2> "$work/said" | grep "rustc version $oldest\."'
  ok "${names[1]}" 'cargo test -q --locked --lib'
  unset CARGO_TARGET_DIR RUSTUP_TOOLCHAIN
fi

for compiler in gcc clang; do
  need $compiler "$compiler: built" || continue
  built $compiler CC=$compiler CXX=none
  ok "$compiler: it is what the drop-in was made by" \
    'readelf --debug-dump=info "$work/b/libforkexec-posix.so" 2> "$work/said" | grep -i "DW_AT_producer.* \(GNU C\|clang\)" | grep -i "$([ $compiler = gcc ] && echo "GNU C" || echo clang)"'
done

# The C library is the user's: nothing of it is in the archive, and a static program has one malloc.
target=$(uname -m)-unknown-linux-musl
names=("musl: built" "musl: a static program")
if need musl-gcc "${names[@]}"; then
  if [ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]; then
    for name in "${names[@]}"; do skip "$name" "needs Rust's library for $target"; done
  else
    ok "${names[0]}" 'make_ B="$work/musl" TARGET=$target CC=musl-gcc CARGO_TARGET_DIR=target/musl "$work/musl/libforkexec.a" "$work/musl/libforkexec.so.$version"'
    is "musl: the archive wants malloc, and defines the public symbols alone" \
      "$(nm "$work/musl/libforkexec.a" | awk '$2 == "T" {t++} $1 == "U" && $2 == "malloc" {m++} END {print t, m}')" \
      "$(grep -c . packaging/abi/FORKEXEC_0.1) 1"
    ok "${names[1]}" 'musl-gcc -static -D_GNU_SOURCE -DLATER -Iinclude packaging/abi/program.c -o "$work/static" "$work/musl/libforkexec.a" &&
      ! readelf -lW "$work/static" | grep INTERP'
    is "musl: it spawns" "$("$work/static" 2>&1 | tail -n 3)" "child
a later field: wait 0, status 1280, closed
a later flag: wait 0, status 1280, closed"
  fi
fi

names=("aarch64: built" "aarch64: a program runs")
if need aarch64-linux-gnu-gcc "${names[@]}" && need qemu-aarch64 "${names[@]}"; then
  ok "${names[0]}" 'make_ aarch64-posix'
  cross=build/aarch64
  ok "aarch64: that is what they are" 'readelf -h $cross/libforkexec.so | grep "Machine: *AArch64"'
  # What it starts is a program of this machine: there is no handler for those of the other.
  run() {
    aarch64-linux-gnu-gcc -D_GNU_SOURCE -Iinclude "$1" -o "$work/aarch64" -L$cross $2 -Wl,-rpath,"$PWD/$cross" &&
      qemu-aarch64 -L /usr/aarch64-linux-gnu "$work/aarch64" false
  }
  is "${names[1]}" "$(run packaging/tests/consumer/main.c -lforkexec)" "C, $version, status 256"
  is "aarch64: with the static library" "$(run packaging/tests/consumer/main.c $cross/libforkexec.a)" "C, $version, status 256"
fi
plan
