#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The RPM spec: parsed, looked at by rpmlint, and built without a network from the tarball of a release by an ordinary user. The
# machine is no Fedora, so what the spec demands of one is not asked for (--nodeps); what it builds, packs and leaves out is.
. "$(dirname "$0")/../../c-tests/tap.sh"

spec=packaging/rpm/libforkexec.spec
cases=("rpmspec takes the spec" "the packages are built without a network")
for tool in rpmspec rpmbuild rpmlint setpriv; do need $tool "${cases[@]}" || plan; done
if [ "$(id -u)" != 0 ]; then
  for name in "${cases[@]}"; do skip "$name" "needs root"; done
  plan
fi

work=$(mktemp -d /tmp/forkexec-rpm-XXXXXX)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
top=$work/rpm
mkdir -p "$top"/{SOURCES,SPECS,BUILD,RPMS,SRPMS} "$work/unpacked"

ok "${cases[0]}" 'rpmspec -P $spec >"$work/parsed"'
is "it has the version of the library" "$(rpmspec -q --srpm --qf '%{version}' $spec)" "$version"
for crate in errno libc; do
  is "it says which $crate is bundled" "$(sed -n "s/^Provides: *bundled(crate($crate)) = //p" $spec)" \
    "$(sed -n "/^name = \"$crate\"\$/{n;s/^version = \"\(.*\)\"/\1/p}" Cargo.lock)"
done
# Of the packages rpmlint would say what another distribution wants of them.
ok "rpmlint has nothing against it" \
  'rpmlint --rpmlintrc packaging/rpm/libforkexec.rpmlintrc $spec | tee "$work/lint" && grep -q " 0 errors, 0 warnings" "$work/lint"'

make -s --no-print-directory B="$top/SOURCES" dist-vendored >"$work/log" 2>&1 || sed 's/^/# /' "$work/log"
cp $spec "$top/SPECS"
chown -R nobody:nogroup "$work"
if ! unshare -n setpriv --reuid=nobody --regid=nogroup --clear-groups env -i HOME="$work" LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
  rpmbuild -ba --nodeps --define "_topdir $top" "$top/SPECS/${spec##*/}" >"$work/log" 2>&1; then
  tail -n 40 "$work/log" | sed 's/^/# /'
  result 1 "${cases[1]}"
  plan
fi
result 0 "${cases[1]}"
ok "with the tests, of which none was left out" 'grep -q "^All tests successful" "$work/log"'
packages=("$top"/RPMS/*/*.rpm)
is "the packages" "$(rpm -qp --qf '%{name}\n' "${packages[@]}" | grep -v debug | sort | tr '\n' ' ')" \
  "forkexec libforkexec libforkexec-devel libforkexec-posix libforkexec-static "
for package in "${packages[@]}"; do
  case $package in *debug*) ;; *) rpm2cpio "$package" | (cd "$work/unpacked" && cpio -idm --quiet) ;; esac
done
is "libforkexec needs nothing but libc" "$(rpm -qp --requires "$top"/RPMS/*/libforkexec-0*.rpm | grep -v -E '^(libc\.so|rpmlib|ld-linux|rtld)')" ""
ok "and provides its soname with the version of its symbols" \
  'rpm -qp --provides "$top"/RPMS/*/libforkexec-0*.rpm | grep -q "^libforkexec\.so\.0(FORKEXEC_0\.1)"'
is "no path of the build is in it" "$(grep -rlF "$work" "$work/unpacked")" ""
lib=$(dirname "$(find "$work/unpacked" -name libforkexec.so.0)")
sed -n '/^```c$/,/^```$/p' README.md | sed '/^```$/q' | grep -v '^```' >"$work/ls.c"
ok "the README's example, compiled with what is in them, runs" \
  'PKG_CONFIG_SYSROOT_DIR=$work/unpacked PKG_CONFIG_LIBDIR=$lib/pkgconfig; export PKG_CONFIG_SYSROOT_DIR PKG_CONFIG_LIBDIR
  $CC "$work/ls.c" $(pkg-config --cflags --libs libforkexec) -o "$work/ls" && LD_LIBRARY_PATH=$lib "$work/ls"'
plan
