#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The Debian packages: built without a network and by an ordinary user from the tarball of a release, looked at by lintian, installed in a
# new Debian, tried by their own tests there, and removed without a trace. Takes two minutes, and one more for the first root.
. "$(dirname "$0")/../../c-tests/tap.sh"

cases=("the packages are built without a network" "nothing is left in a new Debian")
for tool in dpkg-buildpackage dh lintian debootstrap setpriv; do need $tool "${cases[@]}" || plan; done
if [ "$(id -u)" != 0 ]; then
  for name in "${cases[@]}"; do skip "$name" "needs root"; done
  plan
fi

version=$(dpkg-parsechangelog -l debian/changelog -S Version) upstream=${version%-*}
work=$(mktemp -d /tmp/forkexec-deb-XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
tree=$work/libforkexec-$upstream
is "the changelog has the version of the library" "$upstream" "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)"

# ---- built ----

make -s --no-print-directory B="$work" dist-vendored >"$work/log" 2>&1 || sed 's/^/# /' "$work/log"
mv "$work/libforkexec-$upstream-vendored.tar.gz" "$work/libforkexec_$upstream.orig.tar.gz"
tar -xzf "$work/libforkexec_$upstream.orig.tar.gz" -C "$work"
chown -R nobody:nogroup "$work"

# With Debian's compiler, whatever else there is, and none of the caller's settings: as on a machine that builds packages.
as_builder() { # in-what command...
  local directory=$1
  shift
  unshare -n setpriv --reuid=nobody --regid=nogroup --clear-groups env -i -C "$directory" HOME=/nonexistent LC_ALL=C.UTF-8 \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin DEB_BUILD_OPTIONS="parallel=$(nproc)" "$@"
}
is "nocheck leaves out the tests" "$(as_builder "$tree" env DEB_BUILD_OPTIONS=nocheck debian/rules -n override_dh_auto_test | grep check-quick)" ""
if ! as_builder "$tree" dpkg-buildpackage -us -uc >"$work/log" 2>&1; then
  tail -n 40 "$work/log" | sed 's/^/# /'
  result 1 "${cases[0]}"
  plan
fi
result 0 "${cases[0]}"
ok "with the tests, of which none was left out" 'grep -q "^All tests successful" "$work/log"'
is "the packages" "$(cd "$work" && ls ./*.deb | sed 's|^\./||; s/_.*//' | grep -v dbgsym | tr '\n' ' ')" \
  "forkexec libforkexec-dev libforkexec-posix-dev libforkexec-posix0 libforkexec0 "
ok "lintian has no error and no warning" 'as_builder "$work" lintian --pedantic -i --fail-on error,warning "$work"/*.changes'

mkdir "$work/unpacked"
for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked/$(basename "$package" | sed 's/_.*//')"; done
is "no file has a path of the build in it, debug information included" "$(grep -rlF "$work" "$work/unpacked")" ""
library=$(echo "$work"/unpacked/libforkexec0/usr/lib/*/libforkexec.so.0)
posix=$(echo "$work"/unpacked/libforkexec-posix0/usr/lib/*/libforkexec-posix.so.0)
command=$work/unpacked/forkexec/usr/bin/forkexec
for file in "$library" "$posix" "$command"; do
  ok "$(basename "$file"): the flags of dpkg-buildflags" 'readelf -dW "$file" | grep -q BIND_NOW && readelf -lW "$file" | grep -q GNU_RELRO'
done
is "what is in C is fortified" "$(for file in "$posix" "$command"; do nm -D "$file" | grep -c -m 1 _chk; done | tr '\n' ' ')" "1 1 "

# ---- symbols: the same step as in the build, with another library in the place of ours ----

gensymbols() { # map flags...: what dh_makeshlibs says of a library that is linked like that
  local target
  target=$(readlink -f "$tree"/debian/libforkexec0/usr/lib/*/libforkexec.so.0)
  cc -shared -o "$target" -Wl,-soname,libforkexec.so.0 -Wl,--version-script="$1" -Wl,--whole-archive "$tree/build/libforkexec.a" \
    -Wl,--no-whole-archive "${@:2}" 2>&1 && as_builder "$tree" env DEB_RULES_REQUIRES_ROOT=no debian/rules override_dh_makeshlibs 2>&1
}
# Only what is in the map is an error of a link.
sed '/fe_stop;/d' libforkexec.map >"$work/less.map"
sed 's/fe_stop;/fe_stop; fe_start;/' libforkexec.map >"$work/more.map"
ok "the symbols file takes the library as it is" 'gensymbols libforkexec.map'
ok "and none that lacks a symbol" '! gensymbols "$work/less.map" >"$work/said" && grep -q "^-.*fe_stop@" "$work/said"'
ok "nor one that has one more" \
  '! gensymbols "$work/more.map" -Wl,--defsym=fe_start=fe_spawn >"$work/said" && grep -q "^+.*fe_start@" "$work/said"'

# ---- installed ----

. /etc/os-release
base=$(realpath "$BUILD")/debian-root-$VERSION_CODENAME
if [ ! -e "$base/complete" ]; then
  rm -rf "$base"
  mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sed -n "s/ $VERSION_CODENAME\$//p" | head -n 1)
  if [ -z "$mirror" ]; then
    skip "${cases[1]}" "needs Debian's archive among apt's sources"
    plan
  fi
  debootstrap --variant=minbase --include=gcc,libc6-dev,pkg-config "$VERSION_CODENAME" "$base" "$mirror" >"$work/log" 2>&1 &&
    rm -f "$base"/var/cache/apt/archives/*.deb && : >"$base/complete"
fi
ok "debootstrap: a new Debian with gcc, libc6-dev and pkg-config" '[ -e "$base/complete" ] || { tail -n 20 "$work/log"; false; }'
[ -e "$base/complete" ] || plan
mkdir "$work/root"
cp -a "$base/." "$work/root"
mkdir "$work/root/packages" "$work/root/source"
cp "$work"/*.deb "$work/root/packages"
rm "$work"/root/packages/*dbgsym*
cp -r "$tree/README.md" "$tree/debian" "$work/root/source"

inside() { # command..., as root there, without a network
  unshare --net --pid --mount --fork --kill-child --mount-proc="$work/root/proc" chroot "$work/root" env -i -C /source HOME=/root \
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
# What is logged, and apt's own notes, are not what a package leaves. Contents: of all but the list of packages and caches.
names() { (cd "$work/root" && find . -xdev \( -path ./proc -o -path ./var/log -o -path ./var/cache/apt -o -path ./tmp -o -name extended_states \) -prune -o -print | sort); }
contents() {
  (cd "$work/root" && find etc usr home root srv opt var/lib -xdev -type f ! -path 'var/lib/dpkg/status*' ! -path 'var/lib/apt/*' \
    ! -path etc/ld.so.cache -exec sha256sum {} + | sort -k 2)
}
# So that what any installation makes is there before.
inside apt-get -q -y install --reinstall --no-download bash >"$work/log" 2>&1
inside ldconfig
inside dpkg --clear-avail
names >"$work/names" && contents >"$work/contents"
ok "apt installs libforkexec0 and libforkexec-dev, which need nothing more" \
  'inside sh -c "apt-get -q -y install /packages/libforkexec0_*.deb /packages/libforkexec-dev_*.deb"'
is "autopkgtest would run these" "$(sed -n 's/^Tests: //p' debian/tests/control | tr '\n' ' ')" "readme command drop-in "
by_test() { inside setpriv --reuid=65534 --regid=65534 --clear-groups "debian/tests/$1"; }
ok "the README's example: compiled with pkg-config, shared and static, and run" 'by_test readme'
ok "apt installs the others" 'inside sh -c "apt-get -q -y install /packages/*.deb"'
for name in command drop-in; do ok "the packages' own test: $name" 'by_test $name'; done
ok "the installed files are those of the packages" 'inside dpkg --verify libforkexec0 libforkexec-dev libforkexec-posix0 forkexec'
ok "apt removes them" 'inside apt-get -q -y purge libforkexec0 libforkexec-dev libforkexec-posix0 libforkexec-posix-dev forkexec'
is "${cases[1]}: no file" "$(names | diff "$work/names" -)" ""
is "and none is changed" "$(contents | diff "$work/contents" -)" ""
is "nor does the loader know of it" "$(inside ldconfig -p | grep forkexec)" ""
plan
