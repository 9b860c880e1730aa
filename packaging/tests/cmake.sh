#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# find_package(forkexec), after what was installed has been moved: C and C++, shared and static.
. "$(dirname "$0")/../../c-tests/tap.sh"
need cmake "find_package(forkexec)" || plan

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
consumer=$PWD/packaging/tests/consumer
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# Moved from where it was installed for; the second has a libdir of its own, and one reaches it by a link as in /lib -> usr/lib.
for libdir in lib lib/x86_64-linux-gnu; do
  make -s --no-print-directory B="$BUILD" DESTDIR="$work/installed" prefix=/usr libdir=/usr/$libdir install
  mkdir "$work/moved"
  mv "$work/installed/usr" "$work/moved/"
  ln -s usr/lib "$work/moved/lib"
  root=$work/moved/usr
  configure() { cmake -S "$consumer" -B "$work/build" -DCMAKE_C_COMPILER="${CC%% *}" -DCMAKE_PREFIX_PATH="$root" "$@"; }
  ok "$libdir: found" 'configure -DWANTED=0.1'
  ok "$libdir: where it is, not where it was to be" 'grep "^forkexec_DIR:PATH=$root/$libdir/cmake/forkexec$" "$work/build/CMakeCache.txt"'
  ok "$libdir: programs are built" 'cmake --build "$work/build" --parallel 2'
  for kind in shared static; do
    is "$libdir: C, $kind" "$("$work/build/$kind-c" false)" "C, $version, status 256"
    is "$libdir: C++, $kind" "$("$work/build/$kind-cpp" false)" "C++, $version, status 256"
  done
  ok "$libdir: the shared one is loaded from there" 'LD_LIBRARY_PATH="" ldd "$work/build/shared-c" | grep "libforkexec.so.0 => $root/$libdir/"'
  ok "$libdir: the static one has it in it" '! readelf -d "$work/build/static-c" | grep libforkexec'
  rm -rf "$work/build"
  ok "$libdir: found by a link beside it" 'configure -Dforkexec_DIR="$work/moved/$libdir/cmake/forkexec"'
  rm -rf "$work/build"
  if [ $libdir = lib ]; then
    for wanted in 0.1...0.9 0.0.1 "$version;EXACT"; do
      ok "version $wanted is there" 'configure -DWANTED="$wanted"'
      rm -rf "$work/build"
    done
    for wanted in 0.2 1.0 "0.0...<$version" "0.2;EXACT"; do
      ok "version $wanted is not" '! configure -DWANTED="$wanted"'
      rm -rf "$work/build"
    done
    rm "$root/$libdir/libforkexec.a"
    mv "$root/include/forkexec.h" "$work/"
    ok "without the header it is not found" '! configure > "$work/said" 2>&1 && grep "There is no .*/include/forkexec.h" "$work/said"'
  fi
  rm -rf "$work/moved" "$work/build"
done
plan
