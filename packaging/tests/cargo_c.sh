#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What Cargo.toml tells cargo-c is what the Makefile does: soname, header, .pc. Where cargo-c 0.10 is at hand (it takes long to build,
# and Debian's is older) it also installs, and a program runs with that.
. "$(dirname "$0")/../../c-tests/tap.sh"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
soname=$(readelf -d "$BUILD/libforkexec.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')
names=("the soname by the metadata" "the headers" "the .pc")
if need python3 "${names[@]}"; then
  cargo metadata --no-deps --offline --format-version 1 >"$work/metadata"
  read -r by_metadata headers pc < <(python3 - "$work/metadata" <<'PY'
import json, sys
package = json.load(open(sys.argv[1]))["packages"][0]
capi = package["metadata"]["capi"]
assert "capi" in package["features"], "cargo-c refuses a package without it"
parts = package["version"].split(".")[:capi["library"]["version_suffix_components"]]
print(f"lib{package['targets'][0]['name']}.so.{'.'.join(parts)}",
      ",".join(sorted(asset["from"] for asset in capi["install"]["include"]["asset"])), capi["pkg_config"]["filename"] + ".pc")
PY
  )
  is "${names[0]}" "$by_metadata" "$soname"
  is "${names[1]}" "$headers" "$(printf '%s\n' include/*.h* | sort | paste -sd,)"
  is "${names[2]}" "$pc" libforkexec.pc
fi

case $(cargo-cinstall --version 2>/dev/null) in
  *" 0.1"[0-9].*)
    ok "cargo cinstall" 'CARGO_TARGET_DIR=target/capi cargo cinstall --locked --offline --release --prefix /usr --libdir /usr/lib --destdir "$work/root"'
    root=$work/root/usr
    is "the soname" "$(readelf -d "$root/lib/libforkexec.so" | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p')" "$soname"
    ok "the same headers" 'diff -r include "$root/include"'
    ok "each public symbol is there" '[ "$(nm -D --defined-only "$root/lib/libforkexec.so" | awk "{print \$3}" | grep -cxFf packaging/abi/FORKEXEC_0.1)" = "$(grep -c . packaging/abi/FORKEXEC_0.1)" ]'
    ok "a program by its .pc" '$CC packaging/tests/consumer/main.c -o "$work/program" \
      $(PKG_CONFIG_LIBDIR=$root/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$work/root pkg-config --cflags --libs libforkexec)'
    is "it runs" "$(LD_LIBRARY_PATH=$root/lib "$work/program" false | cut -d, -f 1,3)" "C, status 256"
    ;;
  *) note "cargo-c 0.10 is not at hand: what it installs was not looked at" ;;
esac
plan
