#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What the preload costs or saves: the same program with and without it. `make bench` sets the environment; by hand:
# BUILD=$PWD/build tools/bench/preload.sh [ROUNDS]
#
# Times of this machine at this moment: nothing here passes or fails by them. With and without take turns within a
# round, and what is compared is the ratio within a round, since a machine's speed drifts by more than the
# difference that is looked for. All is pinned to one processor: where a child begins is else the scheduler's whim.
set -u
here=$(cd "$(dirname "$0")" && pwd)
: "${BUILD:?the directory of libforkexec-posix.so}" "${CC:=cc}"
rounds=${1:-${ROUNDS:-21}}
if [ "$rounds" -lt 21 ]; then
  echo "bench: fewer than 21 rounds say nothing" >&2
  exit 2
fi
export LC_ALL=C
unset LD_PRELOAD FORKEXEC_TRACE MAKEFLAGS MFLAGS MAKELEVEL
preload=$BUILD/libforkexec-posix.so
work=$BUILD/bench/preload
mkdir -p "$work"

$CC -std=c99 -D_GNU_SOURCE -O2 -o "$work/spawn" "$here/preload.c" || exit 1
tiny=$BUILD/bench/tiny
[ -x "$tiny" ] || { echo "bench: no $tiny: make bench makes it" >&2; exit 1; }
targets=$(seq -s ' ' 100)
# No shell between: make spawns by itself what has none of the shell's characters.
printf 'all: %s\n%s: ; @%s\n' "$targets" "$targets" "$tiny" >"$work/targets.mk"

# The last one: the first has most of the machine's interrupts.
cpu=$(taskset -cp $$ | sed 's/.*[-, ]//')
taskset -cp "$cpu" $$ >"$work/out" || exit 1

declare -A name=(
  [tiny]='a tiny program' [missing]='a missing program' [big]='tiny, from 1 GiB'
  [make]='make -j2, 100 targets'
)
once() { # ROW: prints the microseconds of one spawn
  local start
  case $1 in
    tiny) "$work/spawn" 200 0 "$tiny" ;;
    missing) "$work/spawn" 400 0 /nonexistent ;;
    big) "$work/spawn" 100 1024 "$tiny" ;;
    make)
      start=${EPOCHREALTIME/./}
      make -s -r -R -j2 -f "$work/targets.mk" all >"$work/out" || return 1
      awk -v us=$((${EPOCHREALTIME/./} - start)) 'BEGIN { print us / 100 }'
      ;;
  esac
}
with() { LD_PRELOAD=$preload once "$1"; }

# A preload that did not take would give a fine ratio of 1.
rm -f "$work/trace"
export FORKEXEC_TRACE=$work/trace
with tiny >"$work/first" && with make >"$work/first" || exit 1
unset FORKEXEC_TRACE
spawned=$(grep -c . "$work/trace")
if [ "$spawned" != 300 ]; then
  echo "bench: 300 spawns, but $spawned of them by the library" >&2
  exit 1
fi

libc=$(getconf GNU_LIBC_VERSION 2>"$work/err" || echo 'a libc that is not GNU')
cpu_name=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
printf '%s %s, %s, %s; processor %s of %s, %s rounds\n' "$(uname -sr)" "$(uname -m)" \
  "${cpu_name:-a processor of no name}" "$libc" "$cpu" "$(getconf _NPROCESSORS_ONLN)" "$rounds"
printf 'microseconds a spawn, and the ratio with/without within a round: median (quartiles)\n'
printf '%-24s%-26s%-26s%s\n' '' without with ratio

for row in tiny missing big make; do
  log=$work/$row.tsv
  : >"$log"
  for ((round = 0; round <= rounds; round++)); do
    # By turns the first, lest the second always find the cache warm.
    if ((round % 2)); then
      a=$(once $row) && b=$(with $row) || exit 1
    else
      b=$(with $row) && a=$(once $row) || exit 1
    fi
    # The first round warms up.
    ((round == 0)) || printf '%s\t%s\n' "$a" "$b" >>"$log"
  done
  awk -v name="${name[$row]}" '
    function sort(list, n,    i, j, x) {
      for (i = 2; i <= n; i++) {
        x = list[i]
        for (j = i - 1; j >= 1 && list[j] > x; j--) list[j + 1] = list[j]
        list[j + 1] = x
      }
    }
    function at(list, n, part,    place, below) {
      place = 1 + (n - 1) * part
      below = int(place)
      return below >= n ? list[n] : list[below] + (place - below) * (list[below + 1] - list[below])
    }
    function quartiles(list, n, form) {
      return sprintf(form " (" form "-" form ")", at(list, n, .5), at(list, n, .25), at(list, n, .75))
    }
    { without[NR] = $1; with[NR] = $2; ratio[NR] = $2 / $1 }
    END {
      sort(without, NR); sort(with, NR); sort(ratio, NR)
      low = at(ratio, NR, .25); high = at(ratio, NR, .75)
      # Quartiles on both sides of 1: which is faster cannot be told from this.
      said = low <= 1 && high >= 1 ? sprintf("no difference shown (%.3f-%.3f)", low, high) \
                                   : quartiles(ratio, NR, "%.3f")
      printf "%-24s%-26s%-26s%s\n", name, quartiles(without, NR, "%.1f"), quartiles(with, NR, "%.1f"), said
    }' "$log"
done
