#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# Spawns under valgrind, where no memory is shared: the outcomes are the same, and nothing is left. `make check` sets the
# environment; by hand: BUILD=$PWD/build c-tests/valgrind.sh
# With PROGRAMS these too: `make check-valgrind` names them all. Which of their cases cannot be, and why, is listed in
# c-tests/valgrind.expected.
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/tap.sh"
outside
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

# Lines of results, without those of the cases that are listed.
not_listed() { # PROGRAM
  awk -v program="$1" -v list="${listed:-/dev/null}" '
    BEGIN { while ((getline line < list) > 0) lines[++n] = line }
    { name = $0; sub(/^not ok [0-9]+ - /, "", name)
      for (i = 1; i <= n; i++) if (index(lines[i], program ": " name ": ") == 1) next
      print }'
}

# Test programs that make sense there. Not those with a filter (valgrind has no seccomp), with a pidfd (no
# CLONE_PIDFD), with a time that matters, with ptrace, nor exec: valgrind dies when an execve that passed
# its own checks fails.
programs='pass1 pass2 dir session pdeathsig credential posix_attr posix_path posix_actions posix_spawn posix_system
  posix_popen posix_flags redirect communicate run wait_any stop tree suspend explain feature_query'
# Cases that need FE_PIDFD, seccomp, a lower RLIMIT_NOFILE or signal 64; or that valgrind dies of (E2BIG).
not_there='a full descriptor table|impossible descriptors|open in a full table|too many arguments|no process'
not_there+='|killed before exec|exec gives ECANCELED|no descriptors|values without their flags|SETSIGDEF|SETCGROUP.*'
not_there+='|handlers become default, ignored stays ignored'
not_there+='|pidfds and ppoll refused|SIGCHLD ignored|.*, by wait4|the group without its system calls|system calls refused'
not_there+='|other ways, and refusals|no child|what a filter takes away|as a spawn says'
not_there+='|a child that is traced|by a sweep without pidfds|more than there are descriptors|a recycled pid'
listed='' others=''
if [ -n "${PROGRAMS:-}" ]; then
  listed=$here/valgrind.expected
  others=$(tr ' ' '\n' <<<"$PROGRAMS" | grep -vxFf <(tr -s ' \n' '\n' <<<"$programs"))
fi
names=()
for way in shared copy piped; do
  names+=("valgrind: $way" "valgrind, a missing program: $way")
done
names+=("valgrind: a long plan")
for program in $programs $others; do names+=("valgrind: the tests of $program"); done
if need valgrind "${names[@]}"; then
  for way in shared copy piped; do
    taken=${way/shared/copy}
    out=$(under_valgrind "$work/log" "$BUILD/t/spawner" $way /bin/true)
    is "valgrind: $way" "$out" "$(twice "status 0 by $taken")"
    clean "valgrind finds nothing left: $way" "$work/log"
    out=$(under_valgrind "$work/log" "$BUILD/t/spawner" $way /nonexistent)
    is "valgrind, a missing program: $way" "$out" "$(twice "ENOENT at exec by $taken")"
    clean "valgrind finds nothing left of a failure: $way" "$work/log"
  done
  out=$(under_valgrind "$work/log" "$BUILD/t/spawner" long /bin/true)
  is "valgrind: a long plan" "$out" "$(twice "status 0 by copy")"
  clean "valgrind finds nothing left: a long plan" "$work/log"
  # As many at once as there are processors.
  seconds=$([ -n "$listed" ] && echo 1500 || echo 200)
  for program in $programs $others; do
    while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
    # Its messages go to a descriptor of its own, close-on-exec; a log file's would be inherited.
    # All its cases, since some are expected to fail.
    {
      FE_TEST_FIRST='' FE_TEST_WORLD=valgrind timeout "$seconds" valgrind -q "$BUILD/t/$program" >"$work/$program.out" 2>"$work/$program.log"
      echo $? >"$work/$program.status"
    } &
  done
  wait
  for program in $programs $others; do
    out=$work/$program.out
    case $'\n'$others$'\n' in
      *$'\n'"$program"$'\n'*) wrong=$(grep '^not ok' "$out" | not_listed "$program") ;;
      *) wrong=$(grep '^not ok' "$out" | grep -vE -- "- ($not_there)\$") ;;
    esac
    errors=$(grep -q "^$program: errors: " "${listed:-/dev/null}" && echo 0 || grep -c 'Invalid\|uninitialised\|lost' "$work/$program.log")
    ended=$([ "$(cat "$work/$program.status")" -le 1 ] && tail -n 1 "$out" | grep -c '^1\.\.')
    is "valgrind: the tests of $program" "$wrong, $errors errors, $ended ended" ', 0 errors, 1 ended'
    [ -z "$wrong" ] || sed 's/^/# /' "$out" | grep -v '^# ok' | head -n 30
  done
fi

plan
