/* SPDX-License-Identifier: BSD-3-Clause */
/* What the test programs share. A program is a topic; a case is a function, run in a process of its
 * own under an alarm, so that it may close descriptors, change its ids or die. Output is TAP.
 *
 * A spawn in a test always says which way it expects. The ways taken are counted, printed, and
 * compared with c-tests/ways.expected by `make check`. */
#ifndef TEST_H
#define TEST_H

#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Fails the case, and goes on: got and wanted are printed with their source. */
#define CHECK(condition)                                                                           \
  check(__FILE__, __LINE__, (condition), #condition, NULL)
#define CHECK_INT(got, wanted)                                                                     \
  check_int(__FILE__, __LINE__, #got, (long long)(got), #wanted, (long long)(wanted))
#define CHECK_STR(got, wanted) check_str(__FILE__, __LINE__, #got, (got), #wanted, (wanted))
/* For what the case cannot go on without. */
#define NEED(condition)                                                                            \
  do {                                                                                             \
    if (!check(__FILE__, __LINE__, (condition), #condition, NULL)) exit(1);                        \
  } while (0)

bool check(const char *file, int line, bool good, const char *what, const char *detail);
bool check_int(const char *file, int line, const char *what, long long got, const char *wanted_text,
               long long wanted);
bool check_str(const char *file, int line, const char *what, const char *got,
               const char *wanted_text, const char *wanted);
const char *errno_name(int errnum);
/* A line of the output that is no result. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Runs the cases in order, with FE_TEST_FIRST in the environment up to the first failure. main is
 * `return run(argc, argv, cases)`; with arguments, only the cases that they name. */
struct test_case {
  const char *name;
  void (*function)(void);
};
int run(int argc, char **argv, const struct test_case *cases);
/* Ends the case as skipped. Where CI could have run it, that is a failure: so say which privilege
 * or kernel feature is missing. */
void skip(const char *reason) __attribute__((noreturn));
/* Runs a part of a case in a process of its own: for what cannot be undone, or is remembered for the
 * life of a process. If it skips, all of the case does. */
void apart(void (*part)(unsigned way, const void *with), unsigned way, const void *with);
/* skip() unless root. */
void need_root(void);
/* What a kernel, an emulator or a filter may lack, found out by system calls before the first case. */
enum {
  HAS_CLONE3 = 1,
  HAS_PIDFD = 2,
  HAS_EXECVEAT = 4,
  HAS_CLOSE_RANGE = 8,
  HAS_MEMFD = 0x10,
  HAS_P_PIDFD = 0x20,
  HAS_SECCOMP = 0x40,
  HAS_PTRACE = 0x80,
  HAS_CLONE_FLAGS = 0x100,
  HAS_SUBREAPER = 0x200,
  HAS_SIGNALS = 0x400,
  HAS_MEMORY_LIMITS = 0x800,
  HAS_AFFINITY = 0x1000,
  HAS_VFORK = 0x2000,
  HAS_ONE_THREAD = 0x4000,
  HAS_OWN_PROGRAMS = 0x8000,
  HAS_SMALL_STACKS = 0x10000,
  HAS_GSID = 0x20000,
  HAS_ANY_CLONE3 = 0x40000,
  HAS_PIDFD_GETFD = 0x80000,
  HAS_NAMESPACES = 0x100000,
  HAS_TIME_NAMESPACES = 0x200000,
  HAS_CGROUP_NAMESPACES = 0x400000,
  HAS_NO_FILTER = 0x800000,
  HAS_NEW_PRIVS = 0x1000000,
  HAS_AMBIENT = 0x2000000,
  HAS_PRIORITIES = 0x4000000,
  HAS_MEMPOLICY = 0x8000000,
  HAS_CORE_SCHED = 0x10000000,
};
bool world_has(unsigned what);
/* skip() unless all of it is there. */
void need(unsigned what);
/* Makes the case an ordinary process of user and group UNPRIVILEGED, without groups. */
enum { UNPRIVILEGED = 65534 };
void become_unprivileged(void);

/* The worlds that the tests run in. FE_TEST_WORLD is unset for a kernel. Under valgrind the shared
 * way turns into the copy way; under qemu-user only the piped way is open. */
enum world { WORLD_KERNEL, WORLD_VALGRIND, WORLD_QEMU };
enum world world(void);
/* The way that a spawn takes when `way` is forced, or 0 if it is not open in this world. */
unsigned expected_way(unsigned way);
/* `for each way that is open here`. */
#define EACH_WAY(way)                                                                              \
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_PIPED; way++)                                   \
    if (expected_way(way) != 0)
/* Those of FE_ASYNC, timeout_ms and fe_spawn_many. */
#define EACH_WAY_BESIDE(way) for (unsigned way = FE_WAY_PIPED; way <= FE_WAY_CONCURRENT; way++)
/* Only the ways in which memory is not shared: for changes of ids. */
#define EACH_WAY_BUT_SHARED(way)                                                                   \
  EACH_WAY(way)                                                                                    \
    if (way != FE_WAY_SHARED)

/* Without a pidfd, and with one where there are any. */
#define EACH_PIDFD(flag)                                                                           \
  for (unsigned flag = 0; flag <= (world_has(HAS_PIDFD) ? FE_PIDFD : 0); flag += FE_PIDFD)

/* Spawns with attr->way forced to `way`, or to the piped one where that is not open, checks success and that way, and counts it.
 * Attributes that this world cannot have skip the case. */
bool spawn(fe_attr *attr, unsigned way, fe_child *child);
/* The same, waits, and checks that it has exited with `status`. */
void spawn_exits(fe_attr *attr, unsigned way, int status);
/* The same, with exit status 0, when the library chooses, and checks that it chooses `way`. */
void auto_takes(fe_attr *attr, unsigned way);
/* Spawns, and checks that it fails with errno, step and index, and that nothing is left: child
 * empty, no zombie, no SIGCHLD (but in the piped way), same descriptors, mask, dumpable flag,
 * working directory, umask, signal actions, environment. */
void spawn_fails(fe_attr *attr, unsigned way, int errnum, int step, int index);
/* The same for a child that is killed before exec: ECANCELED and `signal`. */
void spawn_killed(fe_attr *attr, unsigned way, int signal, int step, int index);
/* spawn_fails for loops and for threads: only errno, step, way and the empty child are checked. */
bool spawn_fails_fast(fe_attr *attr, unsigned way, int errnum, int step);
/* Nothing to wait for, with __WALL neither. */
void check_no_child(void);

/* Whether the kernel tells by a pidfd how a process ended that was waited for (Linux 6.15). */
bool kernel_remembers(void);

/* What the calling process looks like, for a comparison. Free it. */
char *snapshot(void);

/* Runs c-tests/probe.c as `attr` says (argv is set to it, path too unless given) and returns what it
 * has seen of itself: lines of key=value. The report goes through a file, so that the probe's
 * descriptors are all the test's. NULL if it failed, which has been checked. */
char *probe(fe_attr *attr, unsigned way);
/* Its halves, for what is to be done in between. An argv in `attr` gives the probe its name (and its
 * path, unless that is given) and more arguments after the report's. */
bool probe_start(fe_attr *attr, unsigned way, fe_child *child);
char *probe_report(void);
/* Puts a copy of the probe there. */
void install_probe(const char *path);
/* The value of a key, "" if there is none; good until the next 8 calls. */
const char *value(const char *report, const char *key);
long long number(const char *report, const char *key);

/* The probe's path, and a scratch directory of mode 0777 that goes when the program ends. */
const char *probe_path(void);
const char *scratch(void);
/* A path below the scratch directory; good until the next 8 calls. */
const char *scratch_path(const char *name);
/* One that stays good. */
const char *kept_path(const char *name);

/* fork(2), in the way that works in this world. */
pid_t fork_apart(void);

/* A descriptor that can be told from all others by its identity (device:inode), at `at` exactly,
 * close-on-exec if so asked. Its identity is as probe prints it. */
void open_at(int at, bool cloexec);
const char *identity(int fd);
/* Descriptors 0 to `count` - 1 and no others (but the output of the tests) are open, each a file of its
 * own, close-on-exec. */
void only(int count);
/* Starts the probe with that table and compares what it sees, and that it sees no more, with what is
 * asked for. `inherited` is one that is not named and not close-on-exec, or -1. */
void check_table(const int *files, size_t nfiles, unsigned way, int inherited);
#define TABLE(way, inherited, ...)                                                                 \
  do {                                                                                             \
    const int table_[] = {__VA_ARGS__};                                                            \
    check_table(table_, sizeof table_ / sizeof *table_, way, inherited);                           \
  } while (0)

#ifdef __cplusplus
}
#endif

#endif
