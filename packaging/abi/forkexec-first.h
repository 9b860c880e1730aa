/* SPDX-License-Identifier: BSD-3-Clause */
/* libforkexec: start processes on Linux. Link with `pkg-config --cflags --libs libforkexec`.
 * Generated from src/capi by `make header`; do not edit. */

#ifndef FORKEXEC_H
#define FORKEXEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * The child becomes the leader of a new session, without a controlling terminal: setsid(2). It
 * cannot be combined with FE_SETPGID, which the kernel always refuses to a session leader, nor
 * with FE_FOREGROUND.
 */
#define FE_SETSID UINT64_C(0x1)

/**
 * The child joins the process group `pgid`, or leads a new one of its own when pgid is 0:
 * setpgid(2).
 */
#define FE_SETPGID UINT64_C(0x2)

/**
 * The child's controlling terminal becomes its descriptor `ctty`: TIOCSCTTY of ioctl_tty(2), never
 * stealing one from another session. Needs FE_SETSID.
 */
#define FE_SETCTTY UINT64_C(0x4)

/**
 * The child gives up its controlling terminal, whatever its descriptor 0 is: TIOCNOTTY on
 * /dev/tty, which must exist and takes a free descriptor for a moment. Having none is no error.
 */
#define FE_NOCTTY UINT64_C(0x8)

/**
 * The child's process group becomes the foreground group of the terminal that is its descriptor
 * `ctty`: tcsetpgrp(3). Implies FE_SETPGID. Cannot be combined with FE_SETSID or FE_SETCTTY, since
 * a session leader that gets a controlling terminal is in its foreground already, nor with
 * FE_NOCTTY. When the spawn fails after that, the terminal's foreground group becomes again what
 * it was.
 */
#define FE_FOREGROUND UINT64_C(0x10)

/**
 * The child asks to be traced by the calling thread: PTRACE_TRACEME of ptrace(2). fe_spawn
 * succeeds once the child stands in its first stop, the SIGTRAP after exec, which is left for the
 * caller to wait for (Linux 3.11). A signal that comes before is pending for the child then. A
 * SIGSTOP or SIGTRAP that comes before stops the child, and so fe_spawn.
 */
#define FE_PTRACE UINT64_C(0x20)

/**
 * Every descriptor that `files` does not name is closed in the child; with `files` NULL, every one
 * but 0, 1 and 2. Uses close_range(2) (Linux 5.9), else /proc/self/fd, else one close for each
 * number up to the hard limit, which then must not have been lowered below an open descriptor.
 */
#define FE_CLOSE_OTHERS UINT64_C(0x40)

/**
 * A `path` without a slash is looked for in the directories of the caller's PATH ("/bin:/usr/bin"
 * when it is unset) as execvp(3) does, relative ones from the child's working directory. A
 * candidate that may not be executed (EACCES) is remembered while the search goes on. A shell is
 * never run.
 */
#define FE_SEARCH_PATH UINT64_C(0x80)

/**
 * `fe_child.pidfd` gets a descriptor that refers to the child: CLONE_PIDFD of clone(2) (Linux 5.3;
 * else ENOSYS at the step "pidfd"). It is close-on-exec. fe_wait and fe_kill then cannot hit a
 * recycled pid.
 */
#define FE_PIDFD UINT64_C(0x100)

/**
 * With `gid_mappings`, without which it is EINVAL: leave setgroups(2) permitted in the new user
 * namespace. Needs CAP_SETGID in the caller's (user_namespaces(7)). Without this flag "deny" is
 * written to /proc/PID/setgroups.
 */
#define FE_ALLOW_SETGROUPS UINT64_C(0x200)

/**
 * With `chroot`, without which it is EINVAL: do not change the working directory to the new root.
 * It is then a way out of it, unless `dir` is an absolute path.
 */
#define FE_CHROOT_KEEP_CWD UINT64_C(0x400)

/**
 * With CLONE_NEWNS, without which it is EINVAL: leave the propagation of the mounts as it is.
 * Without this flag, which a caller whose root is no mount point needs (EINVAL at "propagation"),
 * they become private (MS_REC | MS_PRIVATE of mount(2)), so that what the child mounts stays in
 * its namespace.
 */
#define FE_KEEP_PROPAGATION UINT64_C(0x800)

/**
 * Reserved; EINVAL.
 */
#define FE_DETACH UINT64_C(0x8000000000000000)

/**
 * The library chooses the cheapest way that is correct.
 */
#define FE_WAY_AUTO 0

/**
 * CLONE_VM and CLONE_VFORK: the child runs in the caller's memory while the calling thread is
 * suspended. The usual way. Cannot be forced (EINVAL) for a child whose user or group changes or
 * that gets a user namespace, since memory must not be shared across privileges, nor with
 * CLONE_NEWTIME or maps. Where it turns out that memory is not shared (emulators, valgrind), the
 * copy way is taken, and `fe_child.way` says so.
 */
#define FE_WAY_SHARED 1

/**
 * CLONE_VFORK without CLONE_VM: a copy of the caller's memory, the calling thread suspended.
 */
#define FE_WAY_COPY 2

/**
 * fork(2) and a close-on-exec pipe that carries the outcome. The only way with `uid_mappings` or
 * `gid_mappings`, which the parent writes while the child waits. A failed spawn raises SIGCHLD in
 * this way alone. Where there is no /proc, or SIGCHLD is ignored, a child that is killed inside
 * execve counts as started here; and without /proc fe_spawn waits for a process that another
 * thread has forked meanwhile and that keeps the pipe open.
 */
#define FE_WAY_PIPED 3

/**
 * No step: the spawn succeeded, or nothing was tried.
 */
#define FE_STEP_NONE 0

/**
 * The arguments: refused before anything was done.
 */
#define FE_STEP_ARGS 1

/**
 * Memory for the plan or for the record of the outcome.
 */
#define FE_STEP_MEMORY 2

/**
 * A pipe of the piped way.
 */
#define FE_STEP_PIPE 3

/**
 * clone3(2) or clone(2).
 */
#define FE_STEP_CLONE 4

/**
 * The descriptor of FE_PIDFD.
 */
#define FE_STEP_PIDFD 5

/**
 * Writing /proc/PID/uid_map, by the parent.
 */
#define FE_STEP_UID_MAP 6

/**
 * Writing "deny" to /proc/PID/setgroups, by the parent.
 */
#define FE_STEP_SETGROUPS_DENY 7

/**
 * Writing /proc/PID/gid_map, by the parent.
 */
#define FE_STEP_GID_MAP 8

/**
 * The child's wait for its maps.
 */
#define FE_STEP_MAPS_WAIT 9

/**
 * Setting caught signals to their default action, where clone3 could not do it.
 */
#define FE_STEP_SIGACTION 10

/**
 * mount(2), which makes the mounts of a new mount namespace private.
 */
#define FE_STEP_PROPAGATION 11

/**
 * FE_NOCTTY.
 */
#define FE_STEP_NOCTTY 12

/**
 * setsid(2).
 */
#define FE_STEP_SETSID 13

/**
 * setpgid(2).
 */
#define FE_STEP_SETPGID 14

/**
 * chroot(2).
 */
#define FE_STEP_CHROOT 15

/**
 * chdir(2) to the new root, after chroot.
 */
#define FE_STEP_CHROOT_CHDIR 16

/**
 * setgroups(2).
 */
#define FE_STEP_SETGROUPS 17

/**
 * Setting the group: setresgid(2).
 */
#define FE_STEP_SETGID 18

/**
 * Setting the user: setresuid(2).
 */
#define FE_STEP_SETUID 19

/**
 * chdir(2) to `dir`.
 */
#define FE_STEP_CHDIR 20

/**
 * The list of files; the index is the child's descriptor.
 */
#define FE_STEP_FILES 21

/**
 * FE_CLOSE_OTHERS.
 */
#define FE_STEP_CLOSE_OTHERS 22

/**
 * FE_SETCTTY.
 */
#define FE_STEP_SETCTTY 23

/**
 * FE_FOREGROUND.
 */
#define FE_STEP_FOREGROUND 24

/**
 * PR_SET_PDEATHSIG of prctl(2).
 */
#define FE_STEP_PDEATHSIG 25

/**
 * The check, after pdeathsig is set, that the parent still lives.
 */
#define FE_STEP_PARENT_ALIVE 26

/**
 * Setting the child's signal mask. A signal that is pending for the child strikes here.
 */
#define FE_STEP_SIGMASK 27

/**
 * PTRACE_TRACEME of ptrace(2).
 */
#define FE_STEP_PTRACE 28

/**
 * execve(2). With FE_SEARCH_PATH the index is the number of the element of PATH that holds the
 * program which could not be executed; -1 when it was found in none.
 */
#define FE_STEP_EXEC 29

/**
 * Who the child is to be. Start from FE_CREDENTIAL_INIT.
 */
typedef struct fe_credential {
  /**
   * sizeof(fe_credential).
   */
  size_t size;
  /**
   * Real, effective and saved user id: setresuid(2). -1 is EINVAL.
   */
  uid_t uid;
  /**
   * Real, effective and saved group id: setresgid(2). -1 is EINVAL.
   */
  gid_t gid;
  /**
   * Supplementary groups: setgroups(2). NULL keeps the caller's; not NULL with ngroups 0 drops
   * them all. With gid_mappings and setgroups denied (see FE_ALLOW_SETGROUPS), an empty list is
   * skipped, since the kernel keeps the groups there, and any other is EINVAL; in a user
   * namespace without gid mappings the kernel refuses any (EPERM).
   */
  const gid_t *groups;
  /**
   * How many groups.
   */
  size_t ngroups;
} fe_credential;

/**
 * One line of a uid or gid map (user_namespaces(7)). Its size is frozen.
 */
typedef struct fe_id_map {
  /**
   * First id inside the new user namespace.
   */
  uint32_t container_id;
  /**
   * First id outside, in the caller's user namespace.
   */
  uint32_t host_id;
  /**
   * How many ids; not 0.
   */
  uint32_t size;
} fe_id_map;

/**
 * What to start, and how. Start from FE_ATTR_INIT; zero is every field's default. fe_spawn reads
 * it and all it points to during the call only and keeps nothing.
 *
 * The order in which the child does things: uid and gid maps are waited for, mounts made private,
 * FE_NOCTTY, setsid, setpgid, chroot and chdir to the new root, groups, gid, uid, dir, files,
 * close others, FE_SETCTTY, FE_FOREGROUND, pdeathsig, signal mask, FE_PTRACE, exec.
 *
 * The child's signal mask is that of the calling thread before the call. Signals that the caller
 * catches are set to their default action, ignored ones stay ignored.
 */
typedef struct fe_attr {
  /**
   * sizeof(fe_attr).
   */
  size_t size;
  /**
   * FE_SETSID and the like, or-ed. An unknown flag is EINVAL.
   */
  uint64_t flags;
  /**
   * The program. NULL means argv[0]. Without FE_SEARCH_PATH it is a path, relative to the
   * child's working directory (and within `chroot`). "" is ENOENT at exec.
   */
  const char *path;
  /**
   * The arguments, ended by NULL; argv[0] is the program's name for itself. NULL or {NULL} is
   * EINVAL.
   */
  char *const *argv;
  /**
   * The environment, ended by NULL. NULL means the caller's `environ`.
   */
  char *const *envp;
  /**
   * The child's working directory; within `chroot`. NULL means the caller's.
   */
  const char *dir;
  /**
   * The child's root directory; needs CAP_SYS_CHROOT. NULL means the caller's. The working
   * directory becomes the new root (but see FE_CHROOT_KEEP_CWD).
   */
  const char *chroot;
  /**
   * The child's descriptors: i is a duplicate of the caller's files[i], or closed when that is
   * -1. 0, 1 and 2 beyond the list are closed. All others are left alone: those that are
   * close-on-exec go, the rest are inherited (but see FE_CLOSE_OTHERS). It is a parallel
   * assignment: permutations, duplicates and holes are fine, and a descriptor that stays in
   * place loses its close-on-exec flag. NULL leaves all descriptors as they are.
   */
  const int32_t *files;
  /**
   * How many files. One that is not open is EBADF at the step "files" with its index.
   */
  size_t nfiles;
  /**
   * User, group and supplementary groups. NULL keeps the caller's.
   */
  const struct fe_credential *credential;
  /**
   * The process group for FE_SETPGID and FE_FOREGROUND; 0 means one of its own. Not 0 without
   * either is EINVAL.
   */
  pid_t pgid;
  /**
   * The terminal for FE_SETCTTY and FE_FOREGROUND: a descriptor of the *child*, so with `files`
   * it must be in the list. Not 0 without either is EINVAL.
   */
  int32_t ctty;
  /**
   * The signal that the child gets when the calling *thread* ends: PR_SET_PDEATHSIG of prctl(2).
   * 0 means none. Set after the credential, which would clear it. When the parent is gone
   * already, the child gets the signal at once. An exec of a set-user-ID program clears it.
   */
  int32_t pdeathsig;
  /**
   * FE_WAY_AUTO, or the way that must be taken.
   */
  uint32_t way;
  /**
   * CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME (needs
   * clone3, Linux 5.6), CLONE_NEWUSER, CLONE_NEWUTS: namespaces(7). Others are EINVAL.
   */
  uint64_t cloneflags;
  /**
   * The uid map of the new user namespace; needs CLONE_NEWUSER. Written by the caller's process,
   * so the rules of user_namespaces(7) for the parent apply.
   */
  const struct fe_id_map *uid_mappings;
  /**
   * How many uid mappings. 0 with a list, and a count without one, are EINVAL.
   */
  size_t nuid_mappings;
  /**
   * The gid map, likewise. See FE_ALLOW_SETGROUPS.
   */
  const struct fe_id_map *gid_mappings;
  /**
   * How many gid mappings.
   */
  size_t ngid_mappings;
} fe_attr;

/**
 * A started child. Written by fe_spawn, whatever it held before; give it back with fe_child_close.
 * Empty (no child) is pid -1 and pidfd -1; all zero is empty too. Its size is frozen.
 */
typedef struct fe_child {
  /**
   * The process id, in the caller's pid namespace; -1 when empty. It is kept after fe_wait.
   */
  pid_t pid;
  /**
   * With FE_PIDFD: the pidfd, owned by this struct. Else -1.
   */
  int32_t pidfd;
  /**
   * The way that was taken.
   */
  uint32_t way;
  /**
   * Private to the library.
   */
  uint32_t state;
  /**
   * Zero.
   */
  uint64_t reserved[6];
} fe_child;

/**
 * Why a spawn failed. Written by fe_spawn, all clear on success; owns nothing. Its size is frozen.
 */
typedef struct fe_error {
  /**
   * The errno, as fe_spawn left it in errno too. ECANCELED: the child was killed before the
   * program ran.
   */
  int32_t errnum;
  /**
   * FE_STEP_...: what failed.
   */
  int32_t step;
  /**
   * Which of the step's items (see the steps); -1 where there is but one.
   */
  int32_t index;
  /**
   * With ECANCELED: the signal that killed the child; 0 when unknown.
   */
  int32_t signal;
  /**
   * The way that was tried; 0 when none was.
   */
  uint32_t way;
  /**
   * Zero.
   */
  uint32_t reserved[3];
  /**
   * Zero.
   */
  uint64_t reserved2[4];
} fe_error;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Starts a program. It returns 0 if and only if the kernel has accepted the exec, and fills in
 * `child`. Else it returns -1 with errno set, `child` empty and, unless it is NULL, `error`
 * telling which step failed; nothing is left behind: no process, no descriptor, no memory, no
 * SIGCHLD (but in the piped way). One thing cannot be told from success: a child that is killed
 * *inside* execve and at that moment reaped by another thread, which takes a wait with __WALL; in
 * the piped way any wait does.
 *
 * errno is the failing step's own (see the man page of its system call), or EINVAL for arguments
 * that contradict each other, E2BIG for an attr that asks for what this version does not know,
 * ENAMETOOLONG for a path of PATH_MAX bytes or more, EBADF for a descriptor that is not open,
 * ENOMEM, or ECANCELED when the child was killed before the program ran: by the signal in
 * `error->signal`, which may have been meant for the whole process group.
 *
 * It may be called from any thread, and 16 KiB of stack suffice. While it runs, and until `child`
 * is filled in, all signals are blocked for the calling thread, and with the default way the
 * thread sleeps until the exec: another thread's setuid(3) or the like waits for it. No other
 * thread may change the environment meanwhile when envp is NULL or with FE_SEARCH_PATH. It is no
 * cancellation point, never fails with EINTR, and is not async-signal-safe. A spawn, failed or
 * not, uses up a pid namespace that the caller has unshared: its child is that namespace's init.
 */
int fe_spawn(const struct fe_attr *attr, struct fe_child *child, struct fe_error *error);

/**
 * Waits until the child has ended and stores its wait(2) status in `status`, which may be NULL. It
 * waits for at most `timeout_ms` milliseconds of CLOCK_MONOTONIC; 0 only looks, and -1 waits for
 * ever (any other negative number is EINVAL). Returns 0, or -1 with errno: ETIMEDOUT when the time
 * is up, ECHILD when the child was waited for before, by this or by other means, when the caller
 * ignores SIGCHLD, or for an empty child; EINVAL for NULL. Never EINTR. With FE_PTRACE it returns
 * the stops of the child too, as wait(2) does for a tracer; the child is then still to be waited
 * for. No cancellation point. One fe_child must not be used from two threads at once; different
 * ones may.
 */
int fe_wait(struct fe_child *child, int timeout_ms, int *status);

/**
 * Sends the child a signal; with 0 only looks whether it is there. Returns 0, or -1 with errno:
 * ESRCH when it was waited for, by whomever, or for an empty child; EPERM when the caller may not
 * (the child has other credentials); EINVAL for NULL or a signal that does not exist. A child that
 * has ended but was not waited for takes any signal and does nothing. With FE_PIDFD a recycled pid
 * is never hit; without, not unless another thread waits for the child at the same moment, or has
 * and the pid is that of another child of the caller's by now. Async-signal-safe, but for errno.
 */
int fe_kill(struct fe_child *child, int sig);

/**
 * Gives back what the child holds (its pidfd) and makes it empty. Neither kills the child nor
 * waits for it: one that was not waited for is a zombie until the caller's own wait(2) or exit.
 * NULL and an empty child are fine.
 */
void fe_child_close(struct fe_child *child);

/**
 * The name of a step: "chdir", "exec" and so on; "unknown" for a number that is none. A static
 * string.
 */
const char *fe_step_name(int step);

/**
 * Writes what went wrong as a line of text without a newline, such as "chdir: No such file or
 * directory", "files 3: Bad file descriptor" or "exec: killed by signal 9". Like snprintf(3): at
 * most n bytes with the NUL, which is always there unless n is 0, and the return value is the
 * length that the whole text has. `buf` may be NULL if n is 0. An `error` that is NULL or clear
 * gives "success". The errno's text is that of strerror(3) in the current locale. Thread-safe.
 */
size_t fe_error_message(const struct fe_error *error, char *buf, size_t n);

/**
 * The version of the library that is running, such as "0.1.0". A static string.
 */
const char *fe_version(void);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

/** Initialisers: `fe_attr attr = FE_ATTR_INIT;` in C and in C++. */
#define FE_ATTR_INIT                                                             \
  {                                                                              \
    sizeof(fe_attr), 0, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0, 0,    \
      0, 0, NULL, 0, NULL, 0                                                     \
  }
#define FE_CREDENTIAL_INIT                                                       \
  {                                                                              \
    sizeof(fe_credential), 0, 0, NULL, 0                                         \
  }
#define FE_CHILD_INIT                                                            \
  {                                                                              \
    -1, -1, 0, 0, { 0, 0, 0, 0, 0, 0 }                                           \
  }
#define FE_ERROR_INIT                                                            \
  {                                                                              \
    0, 0, -1, 0, 0, { 0, 0, 0 }, { 0, 0, 0, 0 }                                  \
  }

#endif /* FORKEXEC_H */
