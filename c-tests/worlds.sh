#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What others see of a spawn: strace, gdb and valgrind; and what it costs in system calls. `make check`
# sets the environment; by hand: BUILD=$PWD/build c-tests/worlds.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/tap.sh"
: "${BUILD:?the directory of libforkexec.so and t/}" "${CC:=cc}"
export FE_TEST_PROBE=${FE_TEST_PROBE:-$BUILD/t/probe}
unset DEBUGINFOD_URLS

work=$(mktemp -d /tmp/forkexec-worlds-XXXXXX)
trap 'rm -rf "$work"' EXIT

# need TOOL NAME...: without the tool all of these are skipped.
need() {
  local tool=$1 name
  shift
  command -v "$tool" >"$work/tool" && return 0
  for name; do skip "$name" "needs $tool"; done
  return 1
}

# spawner WAY PROGRAM: spawns it twice and says how it went. System calls mark the second spawn.
cat >"$work/spawner.c" <<'END'
#include <errno.h>
#include <forkexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int main(int argc, char **argv) {
  static const char *const ways[] = {"auto", "shared", "copy", "piped"};
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  fe_error error;
  int status = -1;
  if (argc != 3) return 2;
  for (unsigned way = 0; way < 4; way++)
    if (strcmp(argv[1], ways[way]) == 0) attr.way = way;
  attr.argv = argv + 2;
  for (int i = 0; i < 2; i++) {
    umask(0111);
    int failed = fe_spawn(&attr, &child, &error);
    umask(0122);
    if (failed)
      printf("%s at %s by %s\n", error.errnum == ENOENT ? "ENOENT" : "other",
             fe_step_name(error.step), ways[error.way]);
    else if (fe_wait(&child, -1, &status) != 0)
      printf("not waited for\n");
    else
      printf("status %d by %s\n", status, ways[child.way]);
    fe_child_close(&child);
    fflush(stdout); /* valgrind ends the child of a failed spawn as if it had called exit(3) */
  }
  return 0;
}
END
if ! $CC -std=c99 -D_GNU_SOURCE -g -I"$here/../include" -o "$work/spawner" "$work/spawner.c" \
  -L"$BUILD" -lforkexec -Wl,-rpath,"$BUILD"; then
  result 1 'the spawner can be built'
  plan
fi

twice() { printf '%s\n%s' "$1" "$1"; }

# ---- strace ----

# The system calls of the second spawn in the log of strace -f: those of the parent up to fe_spawn's
# return, then those of the child up to its exec.
calls() {
  awk '
    !match($0, /^[0-9]+ +[a-z0-9_]+\(/) { next }        # not "resumed", nor a signal
    { name = $2; sub(/\(.*/, "", name) }
    !parent { parent = $1 }
    $1 == parent && name == "umask" { marks++; next }
    $1 == parent && marks == 3 { ours = ours " " name; next }
    $1 != parent && marks >= 3 && !execed { theirs = theirs " " name; execed = name == "execve" }
    END { print "parent:" ours; print "child:" theirs }
  ' "$1"
}

names=()
for way in shared copy piped; do names+=("strace -f follows: $way"); done
names+=("system calls of the parent" "system calls of the child")
if need strace "${names[@]}"; then
  for way in shared copy piped; do
    out=$(timeout 20 strace -f -qq -o "$work/log" "$work/spawner" $way /bin/true)
    parent=$(head -n 1 "$work/log" | cut -d ' ' -f 1)
    execs=$(awk -v parent="$parent" '
      $1 != parent && $2 ~ /^execve\("\/bin\/true"/ { seen[$1] = 1 }
      END { for (pid in seen) n++; print n + 0 }' "$work/log")
    is "strace -f follows: $way" "$out; $execs execs" "$(twice "status 0 by $way"); 2 execs"
  done
  # The default's budget. None of its calls makes a mapping, a pipe or a loop over the signals.
  timeout 20 strace -f -qq -o "$work/log" "$work/spawner" auto /bin/true >"$work/out"
  is 'system calls of the parent' "$(calls "$work/log" | head -n 1)" \
    'parent: rt_sigprocmask clone3 waitid rt_sigprocmask'
  is 'system calls of the child' "$(calls "$work/log" | tail -n 1)" \
    'child: rt_sigprocmask execve'
fi

# ---- gdb ----

names=()
for way in shared copy piped; do names+=("gdb stays with the parent: $way"); done
if need gdb "${names[@]}"; then
  for way in shared copy piped; do
    timeout 60 gdb -nx -batch -ex run -ex 'info inferiors' --args "$work/spawner" $way /bin/true \
      >"$work/log" 2>&1 </dev/null
    said=$(grep -c "^status 0 by $way" "$work/log")
    normal=$(grep -c 'exited normally' "$work/log")
    left=$(grep -c '^[* ] *[0-9]\+ .*process' "$work/log")
    is "gdb stays with the parent: $way" "$said said, $normal normal, $left left" \
      '2 said, 1 normal, 0 left'
    [ "$said$normal$left" = 210 ] || sed 's/^/# /' "$work/log"
  done
fi

# ---- valgrind ----

# clean NAME LOG: no error, no leak, no descriptor but those that it was given.
clean() {
  local open
  open=$(awk '/Open (file descriptor|AF_)/ { getline where; if (where !~ /inherited from/) print }' "$2")
  [ -z "$open" ] && grep -q 'ERROR SUMMARY: 0 errors' "$2" &&
    grep -q 'All heap blocks were freed\|definitely lost: 0 bytes' "$2" &&
    ! grep -q '\(indirectly\|possibly\) lost: [^0]' "$2"
  local status=$?
  [ $status = 0 ] || sed 's/^/# /' "$2"
  result $status "$1"
}

under_valgrind() { # LOG COMMAND...
  local log=$1
  shift
  timeout 300 valgrind --leak-check=full --track-fds=yes --child-silent-after-fork=yes \
    --log-file="$log" "$@"
}

# Test programs that make sense there. Not those with a filter (valgrind has no seccomp), with a pidfd (no
# CLONE_PIDFD), with a time that matters, with ptrace, nor exec: valgrind dies when an execve that passed
# its own checks fails.
programs='pass1 pass2 dir session pdeathsig credential posix_attr posix_path posix_actions posix_spawn posix_system
  posix_popen posix_flags'
# Cases that need FE_PIDFD, seccomp, a lower RLIMIT_NOFILE or signal 64; or that valgrind dies of (E2BIG).
not_there='a full descriptor table|impossible descriptors|open in a full table|too many arguments|no process'
not_there+='|killed before exec|exec gives ECANCELED|no descriptors|values without their flags|SETSIGDEF|SETCGROUP.*'
not_there+='|handlers become default, ignored stays ignored'
names=()
for way in shared copy piped; do
  names+=("valgrind: $way" "valgrind, a missing program: $way")
done
for program in $programs; do names+=("valgrind: the tests of $program"); done
if need valgrind "${names[@]}"; then
  for way in shared copy piped; do
    taken=${way/shared/copy}
    out=$(under_valgrind "$work/log" "$work/spawner" $way /bin/true)
    is "valgrind: $way" "$out" "$(twice "status 0 by $taken")"
    clean "valgrind finds nothing left: $way" "$work/log"
    out=$(under_valgrind "$work/log" "$work/spawner" $way /nonexistent)
    is "valgrind, a missing program: $way" "$out" "$(twice "ENOENT at exec by $taken")"
    clean "valgrind finds nothing left of a failure: $way" "$work/log"
  done
  for program in $programs; do
    # Its messages go to a descriptor of its own, close-on-exec; a log file's would be inherited.
    FE_TEST_WORLD=valgrind timeout 100 valgrind -q "$BUILD/t/$program" >"$work/out" 2>"$work/log"
    status=$?
    wrong=$(grep '^not ok' "$work/out" | grep -vE -- "- ($not_there)\$")
    errors=$(grep -c 'Invalid\|uninitialised\|lost' "$work/log")
    ended=$([ $status -le 1 ] && tail -n 1 "$work/out" | grep -c '^1\.\.')
    is "valgrind: the tests of $program" "$wrong, $errors errors, $ended ended" ', 0 errors, 1 ended'
    [ -z "$wrong" ] || sed 's/^/# /' "$work/out" | grep -v '^# ok' | head -n 30
  done
fi

plan
