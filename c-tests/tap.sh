# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the test scripts share: results in TAP, with FE_TEST_FIRST in the environment up to the first failure. Sourced.
number=0 failed=0

note() { printf '# %s\n' "$*"; }

result() { # good? name
  number=$((number + 1))
  if [ "$1" = 0 ]; then
    echo "ok $number - $2"
  else
    echo "not ok $number - $2"
    failed=1
    [ -z "${FE_TEST_FIRST:-}" ] || plan
  fi
}

# ok NAME COMMAND: the command, in this shell, succeeds.
ok() {
  eval "$2" >"${TMPDIR:-/tmp}/tap.$$" 2>&1
  local status=$?
  [ $status = 0 ] || sed 's/^/# /' "${TMPDIR:-/tmp}/tap.$$"
  rm -f "${TMPDIR:-/tmp}/tap.$$"
  result $status "$1"
}

# is NAME GOT WANTED
is() {
  if [ "$2" = "$3" ]; then
    result 0 "$1"
  else
    printf 'got:\n%s\nwanted:\n%s\n' "$2" "$3" | sed 's/^/# /'
    result 1 "$1"
  fi
}

# skip NAME REASON: where CI could have run it, that is a failure.
skip() {
  if [ -n "${CI:-}" ]; then
    note "$2"
    result 1 "$1"
  else
    number=$((number + 1))
    echo "ok $number - $1 # SKIP $2"
  fi
}

# need TOOL NAME...: without the tool all of these are skipped.
need() {
  local tool=$1 name
  shift
  [ -z "$(command -v "$tool")" ] || return 0
  for name; do skip "$name" "needs $tool"; done
  return 1
}

# For scripts that look at spawns from outside, by t/spawner, which makes two and says how they went.
outside() {
  : "${BUILD:?the directory of libforkexec.so and t/}"
  export FE_TEST_PROBE=${FE_TEST_PROBE:-$BUILD/t/probe}
  unset DEBUGINFOD_URLS
  work=$(mktemp -d /tmp/forkexec-test-XXXXXX)
  trap 'rm -rf "$work"' EXIT
}
twice() { printf '%s\n%s' "$1" "$1"; }

plan() {
  echo "1..$number"
  exit $failed
}
