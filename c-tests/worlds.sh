#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# What others see of a spawn, strace and gdb; and what it costs in system calls. `make check`
# sets the environment; by hand: BUILD=$PWD/build c-tests/worlds.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/tap.sh"
outside
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
names+=("system calls of the parent" "system calls of the child" "system calls for an outcome" "system calls for the outcome of a program that has ended"
  "system calls of the parent with ten limits" "system calls of the child with ten limits")
if need strace "${names[@]}"; then
  for way in shared copy piped; do
    out=$(timeout 20 strace -f -qq -o "$work/log" "$BUILD/t/spawner" $way /bin/true)
    parent=$(head -n 1 "$work/log" | cut -d ' ' -f 1)
    execs=$(awk -v parent="$parent" '
      $1 != parent && $2 ~ /^execve\("\/bin\/true"/ { seen[$1] = 1 }
      END { for (pid in seen) n++; print n + 0 }' "$work/log")
    is "strace -f follows: $way" "$out; $execs execs" "$(twice "status 0 by $way"); 2 execs"
  done
  # The default's budget. None of its calls makes a mapping, a pipe or a loop over the signals.
  timeout 20 strace -f -qq -o "$work/log" "$BUILD/t/spawner" auto /bin/true >"$work/out"
  is 'system calls of the parent' "$(calls "$work/log" | head -n 1)" \
    'parent: rt_sigprocmask clone3 waitid rt_sigprocmask'
  is 'system calls of the child' "$(calls "$work/log" | tail -n 1)" \
    'child: rt_sigprocmask execve'
  # Not two files of /proc.
  out=$(timeout 20 strace -f -qq -o "$work/log" "$BUILD/t/spawner" ended /bin/true)
  is 'system calls for an outcome' "$out $(calls "$work/log" | head -n 1)" \
    "$(twice 'status 0 by concurrent') parent: getpid setpgid setpgid close"
  out=$(timeout 20 strace -f -qq -o "$work/log" "$BUILD/t/spawner" session /bin/true)
  is 'system calls for the outcome of a program that has ended' "$out $(calls "$work/log" | head -n 1)" \
    "$(twice 'status 0 by concurrent') parent: getpid setpgid waitid close"
  # A look at what is to be compared, and a call each; three for the file.
  timeout 20 strace -f -qq -o "$work/log" "$BUILD/t/spawner" limits /bin/true >"$work/out"
  is 'system calls of the parent with ten limits' "$(calls "$work/log" | head -n 1)" \
    'parent: sched_getscheduler getpriority prlimit64 rt_sigprocmask clone3 waitid rt_sigprocmask'
  of_files='openat write close'
  of_limits="sched_setaffinity sched_setscheduler setpriority ioprio_set set_mempolicy prctl umask prlimit64 personality"
  is 'system calls of the child with ten limits' "$(calls "$work/log" | tail -n 1)" \
    "child: $of_files $of_limits rt_sigprocmask execve"
fi

# ---- gdb ----

names=()
for way in shared copy piped; do names+=("gdb stays with the parent: $way"); done
if need gdb "${names[@]}"; then
  for way in shared copy piped; do
    timeout 60 gdb -nx -batch -ex run -ex 'info inferiors' --args "$BUILD/t/spawner" $way /bin/true \
      >"$work/log" 2>&1 </dev/null
    said=$(grep -c "^status 0 by $way" "$work/log")
    normal=$(grep -c 'exited normally' "$work/log")
    left=$(grep -c '^[* ] *[0-9]\+ .*process' "$work/log")
    is "gdb stays with the parent: $way" "$said said, $normal normal, $left left" \
      '2 said, 1 normal, 0 left'
    [ "$said$normal$left" = 210 ] || sed 's/^/# /' "$work/log"
  done
fi

plan
