#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The ABI as a whole: the libraries against the stored dumps, the symbol versions against those that were given out, and
# programs and libraries of different ages together. `make abi` writes the dumps anew when something was added.
. "$(dirname "$0")/../../c-tests/tap.sh"

abi=packaging/abi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Types are in the debug information, of which a release has too little: a build of its own.
dumps=("the dumps are made" "libforkexec: nothing is removed or changed" "libforkexec: nothing is missing in the dump"
  "libforkexec-posix: nothing is removed or changed" "libforkexec-posix: nothing is missing in the dump")
case $(uname -m) in
  x86_64)
    if need abidiff "${dumps[@]}"; then
      ok "${dumps[0]}" 'make -s --no-print-directory B="$BUILD" abi-dumps'
      for library in libforkexec libforkexec-posix; do
        dump=$abi/$library.abi built=$BUILD/abi/$library.abi
        ok "$library: nothing is removed or changed" 'abidiff --no-added-syms --suppressions $abi/extensible.suppr $dump $built'
        ok "$library: nothing is missing in the dump" 'abidiff $dump $built || { echo "if it is meant: make abi"; false; }'
      done
    fi
    ;;
  *) for name in "${dumps[@]}"; do skip "$name" "the dumps are of x86_64"; done ;;
esac
ok "the dumps know the types" '[ "$(grep -c "class-decl name=.fe_[a-z_]*. size-in-bits" $abi/libforkexec.abi)" -ge 16 ]'
ok "they have no path of the machine that made them" '! grep -n "=./" $abi/*.abi'

# A node of the map is for ever what it was when it was given out; what is new gets a node of its own.
for node in "$abi"/FORKEXEC_*; do
  is "the symbols of $(basename "$node")" \
    "$(sed -n "/^$(basename "$node") {/,/^}/p" libforkexec.map | sed -n 's/^ *\([a-z_]*\);/\1/p' | sort)" "$(sort "$node")"
done

# A release leaves its header here. The first is of the days before anything was appended: fe_attr had 136 bytes.
run() { LD_LIBRARY_PATH=$1 "$work/program"; }
compile() { # directory of the header, directory of the library
  $CC -std=c99 -D_GNU_SOURCE ${3:-} -I"$1" $abi/program.c -o "$work/program" -L"$2" -lforkexec
}
always='versions are numbers: 1
child
all of the first: wait 0, status 1280, pidfd, closed
a failure: chdir: No such file or directory
a flag of nobody'\''s: args: Invalid argument'
for header in "$abi"/forkexec-*.h; do
  name=$(basename "$header" .h)
  mkdir "$work/$name"
  cp "$header" "$work/$name/forkexec.h"
  ok "$name.h: a program compiles" 'compile "$work/$name" "$BUILD"'
  is "$name.h: it runs on the library of today" "$(run "$BUILD" 2>&1)" "$always"
done
ok "forkexec-first.h is an older one" \
  'printf "#include <forkexec.h>\nextern char a[sizeof(fe_attr) == 136 ? 1 : -1];\n" | $CC -I"$work/forkexec-first" -xc -c -o "$work/a.o" -'

# And the library of that day, from the history: a program that was compiled with the header of today.
first=f246a03
names=("the first library is built" "a program of today compiles" "a program of today runs on the first library")
if ! git rev-parse -q --verify $first^0 >/dev/null 2>&1; then
  # Not by skip: what a clone does not have CI cannot run either.
  for name in "${names[@]}"; do
    number=$((number + 1))
    echo "ok $number - $name # SKIP needs the history"
  done
else
  mkdir "$work/tree"
  git -C "$(git rev-parse --show-toplevel)" archive $first | tar -x -C "$work/tree"
  ok "${names[0]}" '(cd "$work/tree" && RUSTFLAGS= make -s --no-print-directory B=build CARGO_TARGET_DIR="$work/target" build/libforkexec.so.0.1.0)'
  ok "it is the one of forkexec-first.h" 'cmp "$work/tree/include/forkexec.h" $abi/forkexec-first.h'
  ok "${names[1]}" 'compile include "$BUILD" -DLATER'
  is "it runs on the library of today" "$(run "$BUILD" 2>&1)" "$always
child
a later field: wait 0, status 1280, closed
a later flag: wait 0, status 1280, closed"
  # What it cannot do it refuses, and has done nothing.
  is "${names[2]}" "$(run "$work/tree/build" 2>&1)" "$always
a later field: args: Argument list too long
a later flag: args: Invalid argument"
fi
plan
