#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Real programs under the preload: what they make and say is the same as without it, result by result, and their
# spawns went through the library. `make check-posix` sets the environment; by hand: BUILD=$PWD/build posix/real.sh,
# with the names of sections (make ninja cargo rust clang java glib cpython) for these alone.
#
# How many spawns there must be is taken from the run without: strace counts the children that the C library's
# posix_spawn, popen and system make of it. Nobody else's have CLONE_VM, CLONE_VFORK and a stack of their own.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/../c-tests/tap.sh"
: "${BUILD:?the directory of libforkexec-posix.so}" "${CC:=cc}" "${CARGO:=cargo}" "${RUSTC:=rustc}"
preload=$BUILD/libforkexec-posix.so
# What was fetched stays; what was built goes.
fetched=$BUILD/real/fetched
mkdir -p "$fetched"
work=$(mktemp -d "$BUILD/real/work-XXXXXX")
trap 'rm -rf "$work"' EXIT
# What is compared must not depend on who runs it.
export LC_ALL=C
unset LD_PRELOAD FORKEXEC_TRACE MAKEFLAGS MFLAGS MAKELEVEL DEBUGINFOD_URLS JAVA_TOOL_OPTIONS G_MESSAGES_DEBUG

# shellcheck disable=SC2054
strace=(strace -f -qq -e trace=clone,clone3 -e signal=none)
"${strace[@]}" -o "$work/strace" true 2>"$work/err" || strace=()

# with COMMAND..., without COMMAND...: one that hangs is a difference, too.
with() {
  : >"$work/trace"
  timeout -k 5 200 env LD_PRELOAD="$preload" FORKEXEC_TRACE="$work/trace" "$@"
}
without() {
  rm -f "$work/strace"
  timeout -k 5 200 ${strace[@]+"${strace[@]}" -o "$work/strace"} "$@"
}

# counted NAME: the library made as many children as the C library made without it, and at least one.
counted() {
  local traced failures shape
  traced=$(wc -l <"$work/trace")
  failures=$(grep -c ' failed=' "$work/trace")
  note "traced $1: $traced spawns, $failures of them failed"
  [ "$traced" -gt 0 ]
  result $? "$1: spawns are traced"
  shape='^forkexec: caller=[0-9]+ (pid=[0-9]+|failed=[a-z_]+ index=-?[0-9]+ errno=[0-9]+ signal=[0-9]+) way=[a-z]+ us=[0-9]+ '
  is "$1: no other line is in the trace" "$(grep -vE "$shape" "$work/trace" | head -n 5)" ''
  if [ ${#strace[@]} = 0 ]; then
    skip "$1: as many spawns as the C library's posix_spawn made" "needs strace, and the right to trace"
  else
    is "$1: as many spawns as the C library's posix_spawn made" "$traced" \
      "$(grep -c 'CLONE_VM|CLONE_VFORK.*stack=0x' "$work/strace")"
  fi
}

# same NAME LEFT RIGHT: of two directories or files, byte by byte. There must be something.
same() {
  [ -n "$(find "$2" -type f -size +0)" ] && diff -r "$2" "$3" >"$work/diff" 2>&1
  local status=$?
  [ $status = 0 ] || head -n 40 "$work/diff" | sed 's/^/# /'
  result $status "$1"
}

# need TOOL...: in a section, else it is skipped.
need() {
  local tool
  for tool; do
    command -v "$tool" >"$work/tool" || { skip "$section" "needs $tool"; return 1; }
  done
}

# C projects come as crates that carry their sources. The versions are fixed, and cargo holds what it fetches to the
# checksums of its index.
sources() { # CRATE: its directory in $source
  source=$fetched/$1
  [ -e "$source/Cargo.toml" ] && return
  mkdir -p "$fetched/src"
  : >"$fetched/src/lib.rs"
  cat >"$fetched/Cargo.toml" <<'END'
[workspace]
[package]
name = "sources"
version = "0.0.0"
edition = "2021"
[dependencies]
bzip2-sys = "=0.1.13"
onig_sys = { version = "=69.9.3", default-features = false }
END
  if ! (cd "$fetched" && timeout 100 "$CARGO" vendor -q .vendored) >"$work/out" 2>&1; then
    sed 's/^/# /' "$work/out"
    skip "$section" "the sources of $1 cannot be fetched"
    return 1
  fi
  # Not before it is whole.
  rm -rf "$fetched/bzip2-sys" "$fetched/onig_sys"
  mv "$fetched/.vendored/bzip2-sys" "$fetched/.vendored/onig_sys" "$fetched"
  rm -rf "$fetched/.vendored"
}

# Both builds of a project are in the same directory, since paths get into what is built; then it is moved away.
section_make() { # bzip2 by its own makefile, which tests what it has built
  need make "$CC" && sources bzip2-sys || return
  local run name
  for run in without with; do
    cp -R "$source/bzip2-1.0.8" "$work/bzip2"
    (cd "$work/bzip2" && $run make -j2 CC="$CC") >"$work/out" 2>"$work/err"
    is "make, $run: exit status" $? 0
    # -j2 mixes the order of lines.
    sort "$work/out" >"$work/bzip2/output"
    mv "$work/bzip2" "$work/bzip2-$run"
  done
  for name in libbz2.a bzip2 bzip2recover sample1.rb2 sample2.tst output; do
    same "make: bzip2's $name" "$work/bzip2-without/$name" "$work/bzip2-with/$name"
  done
  same "make: the directory after it" "$work/bzip2-without" "$work/bzip2-with"
  counted make
}

section_ninja() { # oniguruma, configured by cmake; then its own tests
  need ninja cmake "$CC" && sources onig_sys || return
  local run test status
  cmake -G Ninja -S "$source/oniguruma" -B "$work/onig" -DCMAKE_C_COMPILER="$CC" -DENABLE_POSIX_API=ON \
    >"$work/out" 2>&1 || { sed 's/^/# /' "$work/out"; result 1 "ninja: cmake"; return; }
  mv "$work/onig" "$work/configured"
  for run in without with; do
    cp -R -p "$work/configured" "$work/onig"
    $run ninja -j2 -C "$work/onig" >"$work/out" 2>&1
    is "ninja, $run: exit status" $? 0
    for test in testc test_utf8 test_back test_options test_regset test_syntax testp; do
      "$work/onig/test/$test" >"$work/onig/$test.output" 2>&1
      status=$?
      is "ninja, $run: status of oniguruma's $test" $status 0
    done
    # In these are the times of each edge.
    rm -f "$work/onig/.ninja_log" "$work/onig/.ninja_deps"
    mv "$work/onig" "$work/onig-$run"
  done
  ok "ninja: there is the library" 'ls "$work"/onig-with/libonig.*'
  same "ninja: all that was built, and what its tests say" "$work/onig-without" "$work/onig-with"
  is "ninja: a spawn for each of its edges" "$(grep -c . "$work/trace")" \
    "$(ninja -C "$work/configured" -t commands 2>"$work/err" | grep -vc '^ninja: ')"
  counted ninja
}

section_cargo() { # this crate
  need "$CARGO" nm || return
  local run name
  note "cargo gives the compiler its job server in a pre_exec closure, and rustc searches for the linker in a PATH of"
  note "its own: for both std forks. What cargo and build scripts ask rustc before is spawned."
  mkdir "$work/crate"
  cp -R "$here/../Cargo.toml" "$here/../Cargo.lock" "$here/../src" "$work/crate"
  for run in without with; do
    (cd "$work/crate" && CARGO_TARGET_DIR=$work/target $run "$CARGO" rustc --offline --locked --release --lib \
      --crate-type staticlib) >"$work/out" 2>&1 || sed 's/^/# /' "$work/out"
    mkdir "$work/cargo-$run"
    nm -A --defined-only "$work/target/release/libforkexec.a" 2>"$work/err" | sed 's/^[^:]*://' \
      >"$work/cargo-$run/symbols"
    mv "$work/target/release/libforkexec.a" "$work/cargo-$run"
    rm -rf "$work/target"
  done
  is "cargo: libforkexec.a has fe_spawn" "$(grep -c ' T fe_spawn$' "$work/cargo-with/symbols")" 1
  for name in symbols libforkexec.a; do
    same "cargo: $name" "$work/cargo-without/$name" "$work/cargo-with/$name"
  done
  counted cargo
}

section_rust() { # std::process::Command
  need "$RUSTC" "$CC" || return
  local run
  ok "rust: compiles" '"$RUSTC" --edition 2021 -C linker="$CC" -o "$work/commands" "$here/commands.rs"'
  [ -x "$work/commands" ] || return
  for run in without with; do
    mkdir "$work/scratch"
    $run "$work/commands" "$work/scratch" >"$work/rust-$run" 2>&1
    is "rust, $run: exit status" $? 0
    rm -rf "$work/scratch"
  done
  same "rust: all that it prints" "$work/rust-without" "$work/rust-with"
  ok "rust: a missing program is NotFound" 'grep "^a missing path: NotFound, errno Some(2)" "$work/rust-with"'
  ok "rust: no child is left" 'tail -n 1 "$work/rust-with" | grep -E "^children left: (0|unknown)$"'
  counted rust
}

section_clang() { # each of its steps as a process
  need clang || return
  local run
  note "by default clang compiles in its own process and spawns the linker alone"
  cat >"$work/program.c" <<'END'
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char **argv) {
  long sum = 0;
  for (int i = 1; i < argc; i++) sum += strtol(argv[i], NULL, 10);
  printf("%ld\n", sum);
  return 0;
}
END
  for run in without with; do
    mkdir "$work/clang"
    (
      cd "$work/clang" || exit 1
      $run clang -O2 -g -fno-integrated-cc1 -save-temps "$work/program.c" -o program
    ) >"$work/out" 2>&1
    is "clang, $run: exit status" $? 0
    is "clang, $run: the program works" "$("$work/clang/program" 1 20 300 2>&1)" 321
    mv "$work/clang" "$work/clang-$run"
  done
  same "clang: each file that it made" "$work/clang-without" "$work/clang-with"
  counted clang
  echo 'int main(void) { return nothing; }' >"$work/wrong.c"
  for run in without with; do
    $run clang -fno-integrated-cc1 -c "$work/wrong.c" -o "$work/wrong.o" >"$work/wrong-$run" 2>&1
    is "clang, $run: exit status for an error" $? 1
  done
  same "clang: its message of an error" "$work/wrong-without" "$work/wrong-with"
  counted "clang, an error"
}

section_java() { # ProcessBuilder, whose helper is spawned
  need java javac || return
  local run
  ok "java: compiles" 'javac -d "$work/classes" "$here/Processes.java"'
  [ -e "$work/classes/Processes.class" ] || return
  for run in without with; do
    mkdir "$work/scratch"
    $run java -cp "$work/classes" Processes "$work/scratch" >"$work/java-$run" 2>&1
    is "java, $run: exit status" $? 0
    rm -rf "$work/scratch"
  done
  same "java: all that it prints" "$work/java-without" "$work/java-with"
  ok "java: a missing program is error 2" 'grep "^a missing path: .* error=2, " "$work/java-with"'
  is "java: nothing but its helper is spawned" "$(grep -v ' path="[^"]*/jspawnhelper" ' "$work/trace")" ''
  counted java
}

section_glib() { # its installed tests
  local tests=/usr/libexec/installed-tests/glib run name status
  [ -x $tests/spawn-singlethread ] || { skip glib "needs GLib's installed tests"; return; }
  note "GLib uses posix_spawn only for a child that keeps all descriptors and has neither a directory nor a setup"
  note "function of its own; else it forks"
  : >"$work/glib.strace"
  : >"$work/glib.trace"
  for name in spawn-test spawn-singlethread spawn-multithreaded spawn-path-search gsubprocess; do
    for run in without with; do
      mkdir "$work/scratch"
      (cd "$work/scratch" && TMPDIR=$work/scratch G_TEST_SRCDIR=$tests G_TEST_BUILDDIR=$tests \
        $run $tests/$name --tap) >"$work/out" 2>&1
      status=$?
      # Not what else it says, where there are pids.
      { grep -E '^(not )?ok |^1\.\.' "$work/out" | sort; echo "exit status $status"; } >"$work/glib-$run"
      rm -rf "$work/scratch"
    done
    note "glib $name: $(grep -c '^ok' "$work/glib-with") ok, $(grep -c '^not ok' "$work/glib-with") not"
    ok "glib: $name has results" 'grep "^ok" "$work/glib-with"'
    same "glib: each result of $name" "$work/glib-without" "$work/glib-with"
    cat "$work/strace" >>"$work/glib.strace" 2>"$work/err"
    cat "$work/trace" >>"$work/glib.trace" 2>"$work/err"
  done
  mv "$work/glib.strace" "$work/strace"
  mv "$work/glib.trace" "$work/trace"
  counted glib
}

# A line for each test, its name and what became of it, from a report in JUnit's format.
junit() {
  /usr/bin/python3 - "$1" <<'END'
import sys, xml.etree.ElementTree
lines = []
for case in xml.etree.ElementTree.parse(sys.argv[1]).iter("testcase"):
    said = [f"{child.tag} {child.get('message') or ''}".strip() for child in case if not child.tag.startswith("system-")]
    lines.append(f"{case.get('name')} {' '.join(said) or 'passed'}")
print("\n".join(sorted(lines)))
END
}
# cpython NAME ARGUMENT...: of regrtest.
cpython() {
  local name=$1 run status
  shift
  for run in without with; do
    mkdir "$work/scratch"
    (cd "$work/scratch" && $run /usr/bin/python3 -m test --tempdir "$work/scratch" --junit-xml "$work/junit.xml" "$@") \
      >"$work/out" 2>&1
    status=$?
    { junit "$work/junit.xml"; echo "exit status $status"; } >"$work/python-$run" 2>&1
    rm -rf "$work/scratch" "$work/junit.xml"
  done
  note "cpython $name: $(grep -c ' passed$' "$work/python-with") passed," \
    "$(grep -c ' skipped' "$work/python-with") skipped, $(grep -cE ' (failure|error)' "$work/python-with") failed"
  ok "cpython $name: has results" 'grep " passed$" "$work/python-with"'
  same "cpython $name: what becomes of each test" "$work/python-without" "$work/python-with"
  counted "cpython $name"
}
section_cpython() { # its own tests: of Debian's python, as the package with the tests is for that
  need /usr/bin/python3 || return
  /usr/bin/python3 -c 'import test.test_posix, test.test_subprocess' 2>"$work/err" ||
    { skip cpython "needs the tests of /usr/bin/python3"; return; }
  cpython test_posix test_posix
  cpython TestPosixSpawn -m TestPosixSpawn test_posix
  cpython TestPosixSpawnP -m TestPosixSpawnP test_posix
  note "subprocess uses posix_spawn only with close_fds=False and a path, else a vfork of its own"
  cpython test_subprocess test_subprocess
}

[ $# != 0 ] || set -- make ninja cargo rust clang java glib cpython
for section; do
  begun=$SECONDS
  "section_$section"
  note "took $section: $((SECONDS - begun)) s"
done
plan
