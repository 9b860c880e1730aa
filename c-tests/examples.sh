#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The examples do what they are for. `make check` sets the environment; by hand: BUILD=$PWD/build c-tests/examples.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/tap.sh"
: "${BUILD:?the directory of the examples}"

is "pipeline: the most frequent words" "$("$BUILD/pipeline" LICENSE)" \
  "$(tr -cs '[:alpha:]' '\n' <LICENSE | tr '[:upper:]' '[:lower:]' | sort | uniq -c | sort -rn | head)"

is "capture: input, output and status" "$(echo 3 2 1 | "$BUILD/capture" tr ' ' '\n' | sed 's/[0-9.]* s$/T s/')" \
  "status 0, T s
6 bytes of output:
3
2
1

0 bytes of errors:"
out=$(echo | "$BUILD/capture" sh -c 'echo said; echo complained >&2; exit 3')
is "capture: a failure is its own" "$?, $(sed 1d <<<"$out")" "1, 5 bytes of output:
said

11 bytes of errors:
complained"
"$BUILD/capture" /nonexistent </dev/null 2>"${TMPDIR:-/tmp}/examples.$$"
is "capture: a missing program" "$?, $(cat "${TMPDIR:-/tmp}/examples.$$")" \
  "126, capture: /nonexistent: exec: No such file or directory"
rm -f "${TMPDIR:-/tmp}/examples.$$"
plan
