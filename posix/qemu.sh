#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Under qemu-user, where the C library's posix_spawn cannot know how its child ended: a clone with CLONE_VFORK becomes a
# fork there, which shares no memory. The same aarch64 program with glibc alone and with the drop-in, side by side.
# `make check-posix` sets the environment; by hand: BUILD=$PWD/build posix/qemu.sh
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=c-tests/tap.sh
. "$here/../c-tests/tap.sh"
: "${BUILD:?the directory of aarch64/libforkexec-posix.so}" "${AARCH64_CC:=aarch64-linux-gnu-gcc}"
# Where its loader and its libc are.
: "${AARCH64_LDFLAGS=-Wl,--dynamic-linker=/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 -Wl,-rpath,/usr/aarch64-linux-gnu/lib}"
preload=$BUILD/aarch64/libforkexec-posix.so
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset LD_PRELOAD FORKEXEC_TRACE

for tool in qemu-aarch64 "$AARCH64_CC"; do
  command -v "$tool" >"$work/tool" || { skip "posix_spawn under qemu-user" "needs $tool"; plan; }
done
[ -e "$preload" ] || { skip "posix_spawn under qemu-user" "needs the drop-in for aarch64, and so Rust for it"; plan; }

# Each line is a case: what posix_spawn returns, and the child that it leaves.
cat >"$work/spawn.c" <<'END'
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

static void try(const char *name, int search, const char *path, posix_spawn_file_actions_t *actions) {
  static char argument[] = "x";
  static char *argv[] = {argument, NULL}, *envp[] = {NULL};
  pid_t pid = -1;
  int status;
  int result = search ? posix_spawnp(&pid, path, actions, NULL, argv, envp)
                      : posix_spawn(&pid, path, actions, NULL, argv, envp);
  printf("%s: %s", name, result == 0 ? "0" : result == ENOENT ? "ENOENT" : result == EACCES ? "EACCES"
                         : result == ENOEXEC ? "ENOEXEC" : result == EBADF ? "EBADF" : strerror(result));
  if (waitpid(-1, &status, 0) < 0)
    puts(errno == ECHILD ? ", no child" : ", no wait");
  else if (WIFEXITED(status))
    printf(", a child that exits with %d\n", WEXITSTATUS(status));
  else
    puts(", a child that is killed");
}

static void try_action(const char *name, int (*add)(posix_spawn_file_actions_t *)) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (add(&actions) == 0) try(name, 0, "/bin/true", &actions);
  posix_spawn_file_actions_destroy(&actions);
}
static int no_file(posix_spawn_file_actions_t *actions) {
  return posix_spawn_file_actions_addopen(actions, 0, "/nonexistent", 0, 0);
}
static int no_descriptor(posix_spawn_file_actions_t *actions) {
  return posix_spawn_file_actions_adddup2(actions, 99, 0);
}
static int no_directory(posix_spawn_file_actions_t *actions) {
  return posix_spawn_file_actions_addchdir_np(actions, "/nonexistent");
}

int main(void) {
  try("a program", 0, "/bin/true", NULL);
  try("a missing program", 0, "/nonexistent", NULL);
  try("a missing name", 1, "no-such-program-anywhere", NULL);
  try("a file that is not executable", 0, "/etc/passwd", NULL);
  try_action("an action on a missing file", no_file);
  try_action("an action on a closed descriptor", no_descriptor);
  try_action("an action on a missing directory", no_directory);
  return 0;
}
END
# shellcheck disable=SC2086
if ! $AARCH64_CC -D_GNU_SOURCE -o "$work/spawn" "$work/spawn.c" $AARCH64_LDFLAGS >"$work/log" 2>&1; then
  sed 's/^/# /' "$work/log"
  result 1 "the program compiles"
  plan
fi
timeout -k 5 60 qemu-aarch64 "$work/spawn" >"$work/glibc" 2>&1
is "glibc alone: exit status" $? 0
timeout -k 5 60 qemu-aarch64 -E LD_PRELOAD="$preload" -E FORKEXEC_TRACE="$work/trace" "$work/spawn" >"$work/dropin" 2>&1
is "the drop-in: exit status" $? 0

note "$(printf '%-34s %-38s %s' '' 'glibc alone' 'the drop-in')"
while IFS=: read -r name left <&3 && IFS=: read -r _ right <&4; do
  note "$(printf '%-34s%-38s %s' "$name" "$left" "$right")"
done 3<"$work/glibc" 4<"$work/dropin"

line() { sed -n "s/^$1: //p" "$work/$2"; }
lies='0, a child that exits with 127'
for case in 'a program/0, a child that exits with 0' 'a missing program/ENOENT' 'a missing name/ENOENT' \
  'a file that is not executable/EACCES' 'an action on a missing file/ENOENT' \
  'an action on a closed descriptor/EBADF' 'an action on a missing directory/ENOENT'; do
  name=${case%%/*} wanted=${case#*/}
  if [ "$name" = 'a program' ]; then
    is "glibc alone: $name" "$(line "$name" glibc)" "$wanted"
    is "the drop-in: $name" "$(line "$name" dropin)" "$wanted"
  else
    is "glibc alone, $name: success" "$(line "$name" glibc)" "$lies"
    is "the drop-in, $name: $wanted" "$(line "$name" dropin)" "$wanted, no child"
  fi
done
is "the drop-in: the trace has all seven, six failed, all in the piped way" \
  "$(wc -l <"$work/trace"), $(grep -c ' failed=' "$work/trace"), $(grep -c ' way=piped ' "$work/trace")" '7, 6, 7'
plan
