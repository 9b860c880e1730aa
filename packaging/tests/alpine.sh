#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The APKBUILD, run as abuild does, by a POSIX shell, without a network: with musl, by Rust's own target for it, which stands in for Alpine's
# compiler. abuild itself is not asked, nor what it does by default for -dev, -doc and -static.
. "$(dirname "$0")/../../c-tests/tap.sh"

apkbuild=$PWD/packaging/alpine/APKBUILD
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
is "the APKBUILD has the version of the library" "$(sed -n 's/^pkgver=//p' "$apkbuild")" "$version"
# What abuild reads and what it sets is unused and unassigned to the linter.
need shellcheck "shellcheck has nothing against it" &&
  ok "shellcheck has nothing against it" 'shellcheck -s dash -e SC2034,SC2154 "$apkbuild"'

cases=("it is built with musl, without a network, and passes its check" "the packages")
for tool in musl-gcc dash unshare; do need $tool "${cases[@]}" || plan; done
target=$(uname -m)-unknown-linux-musl
if [ ! -d "$(rustc --print target-libdir --target "$target")" ]; then
  for name in "${cases[@]}"; do skip "$name" "needs Rust's library for $target"; done
  plan
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Tests change their user, who must get here.
chmod 755 "$work"
make -s --no-print-directory B="$work" dist-vendored >"$work/log" 2>&1 || sed 's/^/# /' "$work/log"
tar -xzf "$work/libforkexec-$version-vendored.tar.gz" -C "$work"
# The parts of abuild that the functions use.
cat >"$work/abuild" <<'SH'
set -e
startdir=$1 srcdir=$2
. "$startdir/APKBUILD"
builddir=$srcdir/$pkgname-$pkgver pkgdir=$srcdir/pkg/$pkgname
amove() {
  cd "$pkgdir"
  for file in $@; do
    mkdir -p "$subpkgdir/${file%/*}"
    mv "$file" "$subpkgdir/${file%/*}"
  done
}
for step in build check package; do (cd "$builddir" && $step); done
for subpackage in $subpackages; do
  case $subpackage in
    *:*) name=${subpackage%%:*} split=${subpackage#*:} ;;
    *-posix) name=$subpackage split=posix ;;
    *) continue ;;
  esac
  subpkgdir=$srcdir/pkg/$name
  mkdir -p "$subpkgdir"
  (set -e; $split)
done
SH
# The kernel's headers are not where musl-gcc looks.
include="-idirafter /usr/include -idirafter /usr/include/$(cc -print-multiarch)"
unshare -n env -u CI -u CFLAGS -u LDFLAGS TARGET="$target" CC="musl-gcc $include" CXX=none \
  dash "$work/abuild" "${apkbuild%/*}" "$work" >"$work/log" 2>&1
status=$?
[ $status = 0 ] && grep -q '^All tests successful' "$work/log" || tail -n 40 "$work/log" | sed 's/^/# /'
result $status "${cases[0]}"
[ $status = 0 ] || plan

# What Alpine's defaults do not take out of the main package is the library.
is "${cases[1]}" "$(cd "$work/pkg" && find . \( -type f -o -type l \) | grep -v -E '^\./libforkexec/usr/(include|share/man|lib/(cmake|pkgconfig|[a-z-]*\.(a|so)$))' |
  sort)" "./forkexec-bash-completion/usr/share/bash-completion/completions/forkexec
./forkexec-fish-completion/usr/share/fish/vendor_completions.d/forkexec.fish
./forkexec-zsh-completion/usr/share/zsh/site-functions/_forkexec
./forkexec/usr/bin/forkexec
./libforkexec-posix/usr/lib/libforkexec-posix.so.0
./libforkexec-posix/usr/lib/libforkexec-posix.so.$version
./libforkexec/usr/lib/libforkexec.so.0
./libforkexec/usr/lib/libforkexec.so.$version"
for library in libforkexec libforkexec-posix; do
  is "$library.so.0 needs musl, and nothing else" \
    "$(readelf -dW "$work/pkg/$library/usr/lib/$library.so.0" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p')" "libc.so"
done
is "and the command what it is to need" \
  "$(readelf -dW "$work/pkg/forkexec/usr/bin/forkexec" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | sort | tr '\n' ' ')" "libc.so libforkexec.so.0 "
is "it runs" "$(LD_LIBRARY_PATH=$work/pkg/libforkexec/usr/lib "$work/pkg/forkexec/usr/bin/forkexec" --dir /usr pwd)" "/usr"
plan
