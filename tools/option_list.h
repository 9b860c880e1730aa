/* SPDX-License-Identifier: BSD-3-Clause */
/* The long options: by which constant one is known, its name, and whether it has a
 * value. */
#ifndef OPTION_LIST_H
#define OPTION_LIST_H

#include <getopt.h>

#define OPTION_LIST(O) \
  O(DIR_, "dir", required_argument) \
  O(CHROOT, "chroot", required_argument) \
  O(CHROOT_KEEP_CWD, "chroot-keep-cwd", no_argument) \
  O(FD, "fd", required_argument) \
  O(CLOSE_OTHERS, "close-others", no_argument) \
  O(USER, "user", required_argument) \
  O(GROUPS, "groups", required_argument) \
  O(KEEP_GROUPS, "keep-groups", no_argument) \
  O(SETSID, "setsid", no_argument) \
  O(SETPGID, "setpgid", optional_argument) \
  O(SETCTTY, "setctty", optional_argument) \
  O(NOCTTY, "noctty", no_argument) \
  O(FOREGROUND, "foreground", optional_argument) \
  O(PDEATHSIG, "pdeathsig", required_argument) \
  O(UNSHARE, "unshare", required_argument) \
  O(PIVOT_ROOT, "pivot-root", required_argument) \
  O(ENTER, "enter", required_argument) \
  O(UNSHARE_INSIDE, "unshare-inside", required_argument) \
  O(MONOTONIC_OFFSET, "monotonic-offset", required_argument) \
  O(BOOTTIME_OFFSET, "boottime-offset", required_argument) \
  O(NEWIDMAP, "newidmap", no_argument) \
  O(MAP_ROOT, "map-root", no_argument) \
  O(UID_MAP, "uid-map", required_argument) \
  O(GID_MAP, "gid-map", required_argument) \
  O(ALLOW_SETGROUPS, "allow-setgroups", no_argument) \
  O(KEEP_PROPAGATION, "keep-propagation", no_argument) \
  O(PTY, "pty", no_argument) \
  O(SUSPEND, "suspend", no_argument) \
  O(PTRACE, "ptrace", no_argument) \
  O(CGROUP, "cgroup", required_argument) \
  O(OWN_CGROUP, "own-cgroup", required_argument) \
  O(ACTION, "action", required_argument) \
  O(RESET_IDS, "reset-ids", no_argument) \
  O(NO_NEW_PRIVS, "no-new-privs", no_argument) \
  O(BOUNDING, "bounding", required_argument) \
  O(INHERITABLE, "inheritable", required_argument) \
  O(PERMITTED, "permitted", required_argument) \
  O(EFFECTIVE, "effective", required_argument) \
  O(AMBIENT, "ambient", required_argument) \
  O(SECUREBITS, "securebits", required_argument) \
  O(SECCOMP, "seccomp", required_argument) \
  O(SECCOMP_FLAGS, "seccomp-flags", required_argument) \
  O(LANDLOCK, "landlock", required_argument) \
  O(LANDLOCK_FLAGS, "landlock-flags", required_argument) \
  O(SIGMASK, "sigmask", required_argument) \
  O(SIGDEFAULT, "sigdefault", required_argument) \
  O(SIGIGNORE, "sigignore", required_argument) \
  O(SEARCH_PATH, "search-path", required_argument) \
  O(SHELL_FALLBACK, "shell-fallback", no_argument) \
  O(FEXECVE, "fexecve", required_argument) \
  O(EXECVEAT, "execveat", required_argument) \
  O(SCHEDULING, "scheduling", required_argument) \
  O(DEADLINE, "deadline", required_argument) \
  O(RESET_ON_FORK, "reset-on-fork", no_argument) \
  O(NICE, "nice", required_argument) \
  O(CPUS, "cpus", required_argument) \
  O(IOPRIO, "ioprio", required_argument) \
  O(OWN_CORE, "own-core", no_argument) \
  O(MEMPOLICY, "mempolicy", required_argument) \
  O(TIMER_SLACK, "timer-slack", required_argument) \
  O(LIMIT, "limit", required_argument) \
  O(UMASK, "umask", required_argument) \
  O(OOM_SCORE_ADJ, "oom-score-adj", required_argument) \
  O(NO_RANDOMIZE, "no-randomize", no_argument) \
  O(PERSONALITY, "personality", required_argument) \
  O(ENV, "env", required_argument) \
  O(UNSETENV, "unsetenv", required_argument) \
  O(ARGV0, "argv0", required_argument) \
  O(WAY, "way", required_argument) \
  O(VERBOSE, "verbose", no_argument) \
  O(ASYNC, "async", no_argument) \
  O(TIMEOUT, "timeout", required_argument) \
  O(SIGNAL, "signal", required_argument) \
  O(KILL_AFTER, "kill-after", required_argument) \
  O(GROUP, "group", no_argument) \
  O(TREE, "tree", no_argument) \
  O(SPAWN_TIMEOUT, "spawn-timeout", required_argument) \
  O(CAPTURE, "capture", no_argument) \
  O(MAX_OUTPUT, "max-output", required_argument) \
  O(LINGER, "linger", required_argument) \
  O(JSON, "json", optional_argument) \
  O(EXPLAIN, "explain", optional_argument) \
  O(HELP, "help", optional_argument) \
  O(VERSION, "version", no_argument)

#endif
