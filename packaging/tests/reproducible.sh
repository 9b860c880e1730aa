#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Two builds in two folders are equal byte for byte, and no path of either is in them; the user's flags reach each compiler.
. "$(dirname "$0")/../../c-tests/tap.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
cargo_home=$(realpath "${CARGO_HOME:-$HOME/.cargo}")
built="libforkexec.a libforkexec.so libforkexec-posix.so forkexec forkexec.installed"
unset RUSTFLAGS CARGO_TARGET_DIR CFLAGS CPPFLAGS CXXFLAGS LDFLAGS MAKEFLAGS MFLAGS
ok "make dist" 'make -s --no-print-directory B="$work" dist'

# Another place, reached by a link, another time, umask, locale, time zone and number of jobs, and cargo's home elsewhere, with what it has fetched.
unpack() { mkdir -p "$1" && tar -xzf "$work/libforkexec-$version.tar.gz" -C "$1"; }
home() { # of the crates that this takes
  mkdir -p "$1"
  (cd "$cargo_home" && find registry/index registry/cache -type f \( -name config.json -o -name libc -o -name 'libc-*.crate' \
    -o -name errno -o -name 'errno-*.crate' -o -name 'windows-*' \) -exec cp --parents {} "$1" \;)
}
unpack "$work/a"
unpack "$work/another/place/of/a/longer/name"
home "$work/cargo/home"
one=$work/a/libforkexec-$version two=$work/link
ln -s "$work/another/place/of/a/longer/name/libforkexec-$version" "$two"
targets="build/libforkexec.a build/libforkexec.so.$version build/libforkexec-posix.so.$version build/forkexec"
# shellcheck disable=SC2086
{
  ok "one build" '(umask 022; cd $one && TZ=Asia/Tokyo LC_ALL=C make -s --no-print-directory $targets)'
  sleep 1
  ok "another" '(umask 077; cd $two && TZ=UTC LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH=1 CARGO_HOME=$work/cargo/home make -j4 -s --no-print-directory $targets)'
}
for file in $built; do
  ok "$file is the same" 'cmp "$one/build/$file" "$two/build/$file"'
  ok "$file has no path of the build" \
    '! grep -aoE "[^ ]*($work|$cargo_home|${RUSTUP_HOME:-$HOME/.rustup}|$HOME/)[^ ]*" "$one/build/$file" "$two/build/$file"'
done
ok "they have the debug information in which it would be" 'readelf -SW "$one/build/libforkexec.so" | grep -q debug_line &&
  readelf --debug-dump=info "$one/build/libforkexec-posix.so" 2> "$work/said" | grep "posix/spawn.c"'

# Compilers that say what they were given.
for tool in cc rustc; do
  real=$(command -v ${CC%% *})
  [ $tool = cc ] || real='$1'
  printf '#!/bin/sh\necho "$*" >>%s/%s.log\n' "$work" "$tool" >"$work/$tool"
  if [ $tool = cc ]; then echo "exec $real \"\$@\""; else echo 'exec "$@"'; fi >>"$work/$tool"
  chmod +x "$work/$tool"
done
flagged() {
  rm -rf "$one/build" "$one/target" "$work"/*.log
  # shellcheck disable=SC2086
  (cd "$one" && env CC="$work/cc" RUSTC_WRAPPER="$work/rustc" "$@" make -s --no-print-directory $targets)
}
crates() { grep -E -- '--crate-name (libc|errno|forkexec) ' "$work/rustc.log"; }
ok "a build with flags in the environment" 'flagged RUSTFLAGS="--cfg fe_user" CFLAGS="-O1 -DFE_C" CPPFLAGS=-DFE_CPP LDFLAGS=-Wl,--build-id=0xfeedfe00'
is "rustc compiles three crates" "$(crates | sed 's/.*--crate-name \([a-z]*\).*/\1/' | sort | tr '\n' ' ')" "errno forkexec libc "
is "RUSTFLAGS reach each of them" "$(crates | grep -vc -- '--cfg fe_user')" 0
is "and no path stays all the same" "$(crates | grep -vc -- "--remap-path-prefix=$one=\\.")" 0
compiles=$(grep -E '\.c( |$)' "$work/cc.log")
is "the C compiler makes three things of C" "$(grep -c . <<<"$compiles")" 3
is "CFLAGS and CPPFLAGS reach each" "$(grep -c -- '-O1 -DFE_C .*-DFE_CPP' <<<"$compiles")" 3
for file in libforkexec.so libforkexec-posix.so forkexec forkexec.installed; do
  ok "LDFLAGS are seen in $file" 'readelf -nW "$one/build/$file" | grep "Build ID: feedfe00"'
done
# cargo's own place for flags, which RUSTFLAGS in the environment would hide.
printf '[build]\nrustflags = ["--cfg", "fe_configured"]\n' >"$work/cargo/home/config.toml"
ok "a build with flags in cargo's configuration" 'flagged CARGO_HOME="$work/cargo/home"'
is "they reach each crate, and no path stays" \
  "$(crates | grep -- '--cfg fe_configured' | grep -c -- "--remap-path-prefix=$one=\\.")" 3
plan
