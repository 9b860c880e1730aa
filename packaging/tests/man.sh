#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The manual pages: they are as man wants them, installed and found by name, and say of the header, the library and the command what
# these are; what their examples show is what happens (man.py).
# shellcheck source=c-tests/tap.sh
. "$(dirname "$0")/../../c-tests/tap.sh"
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export CC=${CC:-cc} CXX=${CXX:-c++}

# ---- built ----

if ! need scdoc "the pages"; then plan; fi
ok "make man" 'make -s --no-print-directory B="$BUILD" man'
pages=$(basename -s .scd -a man/*.scd)
ok "there are pages" '[ $(wc -l <<<"$pages") -gt 20 ]'
export SOURCE_DATE_EPOCH=86399
ok "again, elsewhere" 'TZ=Pacific/Kiritimati LC_ALL=de_DE.UTF-8 tools/man.sh "$work/a" && TZ=UTC tools/man.sh "$work/b"'
ok "they are the same" 'diff -r "$work/a" "$work/b"'
is "with the date that is asked for" "$(sed -n 's/^\.TH.* "\([0-9-]*\)".*/\1/p' "$work/a"/*.3 | sort -u)" 1970-01-01
unset SOURCE_DATE_EPOCH
is "without scdoc one line says so" "$(make -s --no-print-directory B="$BUILD" SCDOC=no-such-scdoc no-man)" \
  "no scdoc: the manual pages are not made"
ok "and all is without them" '! make -n B="$BUILD" SCDOC=no-such-scdoc all | grep -E "man\.sh" && make -n B="$BUILD" -W man/fe_spawn.3.scd all | grep "man\.sh"'

# What scdoc writes between two macros is nothing to a reader.
if need mandoc "lint" "narrow enough"; then
  for page in $pages; do
    is "$page: lint" "$(mandoc -T lint -W warning "$BUILD/man/$page" | grep -v 'skipping paragraph macro: PP \(empty\|after S[HS]\)$')" ""
  done
  ok "lint finds what is wrong" 'printf ".TH a\n.PP\n\\\\fX\n.SH\n.XX\n" >"$work/bad.3"; ! mandoc -T lint -W warning "$work/bad.3"'
  ok "code is no wider than a screen of 80 columns" 'python3 packaging/tests/man.py width >"$work/said"; cat "$work/said"; [ "$(wc -l <"$work/said")" = 1 ]'
fi

# ---- installed ----

install_=(make -s --no-print-directory B="$BUILD" DESTDIR="$work" prefix=/usr)
ok "installed" '"${install_[@]}" install'
symbols=$(sed -n 's/^ *\(fe_[a-z_]*\);/\1/p' libforkexec.map)
if need man "man finds each symbol"; then
  for symbol in $symbols; do
    ok "man 3 $symbol" 'LC_ALL=C MANPATH="$work/usr/share/man" man 3 $symbol 2>&1 | col -bx | grep -E "^ +[a-z].*[ *]$symbol\("'
  done
  ok "and not what there is not" '! MANPATH="$work/usr/share/man" man 3 fe_nothing'
  ok "man 1 forkexec, man 7 libforkexec" 'for page in "1 forkexec" "7 libforkexec" "7 libforkexec-posix" "3 forkexec.hpp"; do
    MANPATH="$work/usr/share/man" man $page | grep -q NAME || break; done'
fi
ok "uninstalled" '"${install_[@]}" uninstall'
is "nothing is left" "$(find "$work/usr" ! -type d)" ""

# ---- true ----

# How many things are looked at, so that a check that has found nothing to look at is none.
need python3 "man.py" || plan
while read -r check least; do
  if [ "$check" = examples ] && [ "$(id -u)" != 0 ]; then
    skip "examples for root" "needs root"
  fi
  timeout 300 python3 packaging/tests/man.py "$check" >"$work/said" 2>"$work/err" || echo "man.py has failed" >>"$work/said"
  is "$check: nothing is wrong" "$(sed '$d' "$work/said"; grep -v '^skipped: ' "$work/err")" ""
  count=$(sed -n '$s/ looked at$//p' "$work/said")
  ok "$check: $count looked at" '[ "${count:-0}" -ge $least ]'
done <<LIST
symbols $(($(wc -l <<<"$symbols") + 12))
named $(grep -c '^#define FE_' include/forkexec.h)
known 400
prototypes $(wc -l <<<"$symbols")
structs 150
steps $(grep -c '^#define FE_STEP_' include/forkexec.h)
order 100
sections 150
references 200
options $(grep -c '^  O(' tools/option_list.h)
json 16
kernels 1
examples 70
LIST
plan
