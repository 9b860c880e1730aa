#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# pkg-config's file and what stands on it: Meson's dependency('libforkexec'), after what was installed has been moved, C and C++,
# shared and static; the variant for this tree; and that nothing else need be linked.
. "$(dirname "$0")/../../c-tests/tap.sh"
need pkg-config "pkg-config and Meson" || plan

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
consumer=packaging/tests/consumer

# In this tree, without installing.
in_tree() { PKG_CONFIG_PATH=$BUILD pkg-config "$@"; }
is "in the tree: the version" "$(in_tree --modversion libforkexec)" "$version"
ok "in the tree: a program is built" '$CC $consumer/main.c -o "$work/program" $(in_tree --cflags --libs libforkexec)'
is "in the tree: it runs as it is" "$(LD_LIBRARY_PATH="" "$work/program" false)" "C, $version, status 256"
ok "in the tree: the drop-in" 'printf "#include <stdlib.h>\nint main(void) { return system(\"exit 3\") >> 8; }" |
  $CC -x c - -o "$work/program" $(in_tree --cflags --libs libforkexec-posix); LD_LIBRARY_PATH="" FORKEXEC_TRACE=1 "$work/program" 2> "$work/trace"
  [ $? = 3 ] && grep "^forkexec: .*sh" "$work/trace"'

make -s --no-print-directory B="$BUILD" DESTDIR="$work/installed" prefix=/usr install
mv "$work/installed/usr" "$work/moved"
root=$work/moved
printf '#!/bin/sh\nPKG_CONFIG_LIBDIR=%s exec pkg-config --define-prefix "$@"\n' "$root/lib/pkgconfig" >"$work/pkg-config"
chmod +x "$work/pkg-config"
for module in libforkexec libforkexec-posix; do
  is "$module: moved with what it describes" "$("$work/pkg-config" --variable=libdir $module)" "$root/lib"
  ok "$module: valid" '"$work/pkg-config" --validate $module'
done
ok "nothing more for a static program" '[ "$("$work/pkg-config" --libs-only-l --static libforkexec | tr -d " ")" = -lforkexec ]'
# What rustc would have linked beside it is all libc's today; a library that is new here belongs into Libs.private.
ok "nor does rustc name a library that is not libc's" '
  said=$(cargo rustc --release --locked --lib --crate-type staticlib -- --print native-static-libs 2>&1 | sed -n "s/.*native-static-libs: //p")
  echo "$said"; [ -n "$said" ] && ! tr " " "\n" <<<"$said" | grep -vxE -e "-l(c|m|rt|pthread|util|dl)|"'

names=("Meson: configured" "Meson: built")
if need meson "${names[@]}" && need ninja "${names[@]}"; then
  export PKG_CONFIG=$work/pkg-config
  ok "${names[0]}" 'meson setup "$work/build" $consumer -Dcmake_prefix_path="$root"'
  ok "${names[1]}" 'ninja -C "$work/build"'
  for kind in shared static cmake; do
    is "Meson: C, $kind" "$(LD_LIBRARY_PATH=$root/lib "$work/build/$kind-c" false)" "C, $version, status 256"
    is "Meson: C++, $kind" "$(LD_LIBRARY_PATH=$root/lib "$work/build/$kind-cpp" false)" "C++, $version, status 256"
  done
  ok "Meson: the static one has it in it" '! readelf -d "$work/build/static-c" | grep libforkexec'
fi
plan
