#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# A few thousand cases of `make soak`, by another seed each time. `make check` sets the environment; by hand:
# BUILD=$PWD/build c-tests/soak.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/tap.sh"
outside
if [ "$(nice)" != 0 ]; then
  skip 'spawns of all kinds come to what they are to come to' 'some of its programs are to be nicer than it is'
  plan
fi
out=$(SPAWNS=${SPAWNS:-3000} SECONDS=20 timeout 100 "$BUILD/soak/soak" "$BUILD/t/verify" 2>&1)
result $? 'spawns of all kinds come to what they are to come to'
printf '%s\n' "$out" | grep -v '^  *[a-z_]*: ' | tail -n 60 | sed 's/^/# /'
# A program that looks at nothing is noticed.
out=$(SPAWNS=40 timeout 100 "$BUILD/soak/soak" /bin/true 2>&1)
is 'and what does not is noticed' "$? $(printf '%s\n' "$out" | grep -c '^programs that have run: [1-9][0-9]* before, 0 after')" '1 1'
plan
