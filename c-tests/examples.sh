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

out=$("$BUILD/timeout_tree" 60 sh -c 'echo in time; exit 7')
is "timeout_tree: in time" "$?, $out" "7, in time"
"$BUILD/timeout_tree" 60 sh -c 'kill -KILL $$'
is "timeout_tree: killed" "$?" "137"
is "timeout_tree: a missing program" "$("$BUILD/timeout_tree" 60 /nonexistent 2>&1; echo "$?")" \
  "timeout_tree: /nonexistent: exec: No such file or directory
126"
# The second sleep's parent has ended; the third does not mind SIGTERM. No other sleeps as long.
long=1$$.125
out=$("$BUILD/timeout_tree" 0.5 sh -c "sleep $long & (sleep $long &) ; (trap '' TERM; sleep $long) & exec sleep $long" 2>&1)
is "timeout_tree: the time is up" "$?, $out" "124, timeout_tree: stopped by a sweep of /proc: Terminated"
# One that was killed may need a moment to be gone.
for ((i = 0; i < 50; i++)); do
  left=$(grep -lsxz -e "[1]${long#1}" /proc/[0-9]*/cmdline) # and not grep itself
  [ -n "$left" ] || break
  sleep 0.1
done
is "timeout_tree: nobody is left" "$left" ""

# Each waits until the other has written, and nobody is heard of before both run.
fifos=$(mktemp -d)
mkfifo "$fifos/a" "$fifos/b"
out=$("$BUILD/event_loop" "echo one; : <$fifos/a; printf 'with no end' >&2" "echo two; : >$fifos/a; : >$fifos/b" ": <$fifos/b; kill -9 \$\$")
is "event_loop: all at once, each line with its number" "$?, $(sort <<<"$out")" "1, [1] one
[1] with no end
[2] two
[3] killed by signal 9"
rm -r "$fifos"
out=$("$BUILD/event_loop" 'i=0; while [ $i -lt 3000 ]; do echo a line that is some characters long; i=$((i+1)); done' 'exit 3' true)
is "event_loop: much output" "$?, $(sort <<<"$out" | uniq -c | sed 's/^ *//')" "1, 3000 [1] a line that is some characters long
1 [2] exit status 3"
begun=$SECONDS
out=$("$BUILD/event_loop" 'sleep 30 & echo $!' 2>&1)
is "event_loop: does not wait for who is left behind" "$?, $((SECONDS - begun < 20))" "0, 1"
kill "${out#* }"

# The rest of it is in t/example_terminal.
out=$(echo word | "$BUILD/terminal" sh -c 'test -t 1 && read -r a && echo "got $a"; cat; exit 4')
is "terminal: without one of ours" "$?, $(tr -d '\r' <<<"$out")" "4, word
got word"
is "terminal: a missing program" "$("$BUILD/terminal" /nonexistent 2>&1; echo "$?")" "terminal: /nonexistent: exec: No such file or directory
126"

if [ -n "$(command -v "${CXX:-g++}")" ]; then
  own=$(mktemp)
  printf '#!/bin/sh\nexit 1\n' >"$own" && chmod 755 "$own"
  out=$("$BUILD/raii" "$own" sort no-such-program tr)
  is "raii: who is there, and who is not" "$?, $(sed 's/([^)]*) .*/.../' <<<"$out")" "1, no-such-program: missing
$own: of no version
sort: sort ...
tr: tr ..."
  chmod 644 "$own"
  is "raii: a failure names its step" "$("$BUILD/raii" sort "$own" 2>&1)" "raii: $own: exec: Permission denied"
  rm "$own"
else
  skip "raii" "needs a C++ compiler"
fi
plan
