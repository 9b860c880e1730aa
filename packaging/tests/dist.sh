#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The tarballs: the same bytes whoever makes them, all that git tracks and nothing else; and the one with the crates in it builds
# where there is no network and nothing of cargo's, passes tests, and is installed by a user who has no compiler.
. "$(dirname "$0")/../../c-tests/tap.sh"

work=$(mktemp -d)
# Tests change their user, who must get here.
chmod 755 "$work"
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=libforkexec-$version
mkdir "$work/one" "$work/two" "$work/three" "$work/four"
# Of a copy in a folder of its own, which is no git repository: what make dist is in a tarball.
ok "make dist" '(umask 077; TZ=Asia/Tokyo LC_ALL=C.UTF-8 make -s --no-print-directory B="$work/one" dist)'
ok "make dist again, otherwise" '(umask 002; TZ=UTC LC_ALL=C make -s --no-print-directory B="$work/two" dist)'
ok "both are the same bytes" 'cmp "$work/one/$name.tar.gz" "$work/two/$name.tar.gz"'
if [ "$(git rev-parse --show-toplevel 2>/dev/null)" = "$PWD" ]; then
  is "it has what git tracks" "$(tar -tzf "$work/one/$name.tar.gz" | sed -n "s|^$name/\(.*[^/]\)$|\1|p" | sort)" "$(git ls-files | sort)"
fi
is "no owner, no mode of the maker's" "$(tar -tvzf "$work/one/$name.tar.gz" | awk '{print substr($1, 2), $2}' | sort -u)" \
  "rw-r--r-- 0/0
rwxr-xr-x 0/0"
tar -xzf "$work/one/$name.tar.gz" -C "$work/three"
ok "made from itself it is the same" '(cd "$work/three/$name" && GIT_CEILING_DIRECTORIES=$work make -s --no-print-directory dist) &&
  cmp "$work/one/$name.tar.gz" "$work/three/$name/build/$name.tar.gz"'

ok "make dist-vendored" 'make -s --no-print-directory B="$work/one" dist-vendored'
tar -xzf "$work/one/$name-vendored.tar.gz" -C "$work/four"
tree=$work/four/$name
# Nothing of this user's, and no network: not even by a mistake of cargo's.
alone() {
  (cd "$tree" && unshare -rn env -i PATH="$PATH" HOME="$work/home" CARGO_HOME="$work/home/cargo" TMPDIR="${TMPDIR:-/tmp}" \
    ${RUSTUP_HOME:+RUSTUP_HOME="$RUSTUP_HOME"} ${RUSTUP_TOOLCHAIN:+RUSTUP_TOOLCHAIN="$RUSTUP_TOOLCHAIN"} CC="$CC" "$@")
}
mkdir -p "$work/home/cargo"
[ -n "${RUSTUP_HOME:-}" ] || [ ! -d "$HOME/.rustup" ] || RUSTUP_HOME=$HOME/.rustup
if ! unshare -rn true 2>/dev/null; then
  skip "built without a network" "needs user and network namespaces"
else
  is "where it is built the network ends in itself" "$(alone sed -n 's/^ *\([a-z0-9]*\):.*/\1/p' /proc/net/dev)" lo
  ok "built without a network" 'alone make -s --no-print-directory'
  tests='abi exec child outcome badinput'
  ok "its tests are built" 'alone make -s --no-print-directory build/t/probe $(printf "build/t/%s " $tests)'
  for test in $tests; do
    ok "$test passes" '(cd "$tree" && FE_TEST_PROBE=$tree/build/t/probe BUILD=$tree/build build/t/$test)'
  done
  # Installing is the work of the one who may, not of a compiler.
  find "$tree" -type f -exec sha256sum {} + | sort >"$work/before"
  ok "make install runs no compiler" '(cd "$tree" && make -s --no-print-directory CC=false CXX=false CARGO=false RUSTC=false AR=false \
    DESTDIR="$work/root" prefix=/usr install)'
  find "$tree" -type f -exec sha256sum {} + | sort >"$work/after"
  ok "and leaves the tree as it was" 'diff "$work/before" "$work/after"'
  ok "what is installed runs" 'LD_LIBRARY_PATH=$work/root/usr/lib "$work/root/usr/bin/forkexec" true'
fi
plan
