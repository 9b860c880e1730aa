#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The code in the README and in docs/: what is whole is compiled and run, what is a piece is compiled where it would stand.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/c-tests/tap.sh"
: "${BUILD:?the directory of libforkexec.so}"
cd "$here" || exit 1
work=$(mktemp -d /tmp/forkexec-test-XXXXXX)
trap 'rm -rf "$work"' EXIT
strict=(-D_GNU_SOURCE -Wall -Wextra -Wpedantic -Werror -Iinclude)
library=(-L"$BUILD" -lforkexec "-Wl,-rpath,$BUILD")
compile() { ${CC:-cc} -std="$1" "${strict[@]}" "${@:2}"; }

# block FILE INFO [N]: the Nth fenced block whose info string is INFO.
block() {
  awk -v info="$2" -v n="${3:-1}" '
    /^```/ && inside { inside = 0; next }
    /^```/ { inside = 1; wanted = substr($0, 4) == info && ++seen == n; next }
    inside && wanted { print }' "$1"
}

# ---- whole programs ----

block README.md c >"$work/readme.c"
ok "README: the example compiles" 'compile c99 "$work/readme.c" -o "$work/readme" "${library[@]}"'
ok "README: it runs" '"$work/readme"'
sed 's|"/srv"|"/nonexistent"|' "$work/readme.c" >"$work/nowhere.c"
compile c99 "$work/nowhere.c" -o "$work/nowhere" "${library[@]}"
is "README: it says what its comment says" "$("$work/nowhere" 2>&1)" \
  "$(sed -n 's|.*fprintf.*/\* \(.*\) \*/$|\1|p' "$work/readme.c")"

# ---- the same job twice ----

printf 'int job(void);\nint main(void) { return job(); }\n' >"$work/main.c"
# What it prints, and its exit status.
does() {
  local out
  out=$("$work/$1" </dev/null 2>"$work/errors")
  echo "$out, status $?"
}
before() { # peer
  # shellcheck disable=SC2046
  case $1 in
    glib) ${CC:-cc} "$work/glib.before.c" "$work/main.c" -o "$work/glib.before" $(pkg-config --cflags --libs glib-2.0) ;;
    go) HOME=$work GO111MODULE=off GOCACHE=$work/cache go build -o "$work/go.before" "$work/go.before.go" ;;
    *) ${CC:-cc} -D_GNU_SOURCE "$work/$1.before.c" "$work/main.c" -o "$work/$1.before" ;;
  esac
}
for peer in posix_spawn fork reproc glib go; do
  block docs/coming-from.md "c $peer.after" >"$work/$peer.after.c"
  ok "coming from $peer: here it compiles" \
    'compile c99 "$work/$peer.after.c" "$work/main.c" -o "$work/$peer.after" "${library[@]}"'
  # Where there is nothing to compare it with.
  [ $peer = reproc ] && is "coming from reproc: what comes of it" "$(does reproc.after)" $'2\n1, status 0'
  case $peer in
    reproc) continue ;;
    glib) tool=pkg-config ;;
    go) tool=go ;;
    *) tool=${CC:-cc} ;;
  esac
  need "${tool%% *}" "coming from $peer: the same comes of both" || continue
  [ $peer = go ] && language=go || language=c
  block docs/coming-from.md "$language $peer.before" >"$work/$peer.before.$language"
  ok "coming from $peer: there it compiles" 'before "$peer"'
  is "coming from $peer: the same comes of both" "$(does "$peer.after")" "$(does "$peer.before")"
  ok "coming from $peer: which is something" '[ "$(does "$peer.after" | wc -c)" -gt 11 ]'
done

# ---- pieces ----

cat >"$work/around.h" <<'C'
#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
/* What stands above a piece. */
extern fe_attr attr;
extern fe_child child, a, b, c, *children;
extern fe_error error, *errors;
extern const fe_attr *const *attrs;
extern size_t n, which;
extern const char *text, *secret;
extern struct sock_filter code[3];
extern int ruleset, status, how;
extern fe_credential user;
extern struct rusage usage;
extern struct rlimit limit;
void piece(void);
C
pieces=$(grep -cxF '```c' docs/tour.md)
ok "the tour has pieces" '[ "$pieces" -ge 8 ]'
for ((i = 1; i <= pieces; i++)); do
  {
    printf '#include "around.h"\nvoid piece(void) {\n'
    block docs/tour.md c "$i" | sed 's/^\(if .*) \)\.\.\. /\1return; /'
    echo '}'
  } >"$work/piece.c"
  ok "the tour, piece $i" 'compile c11 -Wno-unused -I"$work" -c "$work/piece.c" -o "$work/piece.o"'
done
plan
