/* SPDX-License-Identifier: BSD-3-Clause */
/* libforkexec: start processes on Linux. Link with `pkg-config --cflags --libs libforkexec`.
 * Generated from src/capi by `make header`; do not edit. */

#ifndef FORKEXEC_H
#define FORKEXEC_H

#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/types.h>
#include <time.h>

struct sock_filter;

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
 * Every descriptor that neither `files` nor `keep` names, nor an action opens or duplicates to, is closed in
 * the child; with `files` NULL, every one but 0, 1, 2 and those. Uses close_range(2) (Linux 5.9),
 * else /proc/self/fd, else one close for each number up to the hard limit, which then must not have
 * been lowered below an open descriptor. In the shared way the cost does not grow with the number of
 * open descriptors, but for one of `files` that is high where pidfd_getfd(2) is not permitted.
 */
#define FE_CLOSE_OTHERS UINT64_C(0x40)

/**
 * A `path` without a slash is looked for in the directories of `search_path` or, when that is NULL,
 * of the caller's PATH ("/bin:/usr/bin" when it is unset) as execvp(3) does, relative ones from the
 * child's working directory. A candidate that may not be executed (EACCES) is remembered while the
 * search goes on. A shell is not run (but see FE_SHELL_FALLBACK).
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
 * The effective user and group id become the real ones, as POSIX_SPAWN_RESETIDS of posix_spawn(3)
 * has it; exec makes the saved ones follow. Cannot be combined with `credential`.
 */
#define FE_RESETIDS UINT64_C(0x1000)

/**
 * The program is the file that is open as the caller's descriptor `execfd`: execveat(2) with
 * AT_EMPTY_PATH (Linux 3.19), as fexecve(3). `path` must be NULL. The child has the descriptor until
 * exec, whatever `files`, the actions and FE_CLOSE_OTHERS do to its number (it is then moved, to a
 * number above all that they name: EMFILE or EINVAL at "execfd" when there is none). O_PATH is
 * enough. A script needs its descriptor after exec too, for its interpreter to read: with one that is
 * close-on-exec, or FE_CLOSE_OTHERS, it fails with ENOENT at "script_fd". Cannot be combined with
 * FE_SEARCH_PATH, FE_EXECVEAT or FE_SHELL_FALLBACK.
 */
#define FE_FEXECVE UINT64_C(0x2000)

/**
 * `path`, if it is relative, is relative to the directory that is open as the caller's descriptor
 * `execfd`: execveat(2). What FE_FEXECVE says of the descriptor, of scripts and of other flags holds
 * here too.
 */
#define FE_EXECVEAT UINT64_C(0x4000)

/**
 * A file that is found and allowed, but of no format that the kernel knows (ENOEXEC), is run by the
 * shell, as execvp(3) does: "/bin/sh" with argv[0], the path that was found, argv[1] and so on. A
 * script without "#!" runs so, and any text with the right mode. What fails then is the step "shell".
 */
#define FE_SHELL_FALLBACK UINT64_C(0x8000)

/**
 * The child is born in the cgroup (version 2) whose directory is open as the caller's descriptor
 * `cgroup`: CLONE_INTO_CGROUP of clone(2) (Linux 5.7). Where that cannot be had, the child enters it as its first
 * act, by cgroup.procs: so all of the program's life is in it in any case.
 */
#define FE_CGROUP UINT64_C(0x10000)

/**
 * fe_spawn returns as soon as there is a child, and fe_spawn_finish tells the outcome. What `attr` points
 * to need not stay. `fe_child.ready` becomes readable when the outcome is known; it is for poll(2)
 * only. A process that another thread has forked meanwhile holds it back until it execs or ends, so
 * with such ones look by fe_spawn_finish now and then, which is not held back. Until
 * fe_spawn_finish the child can only be killed and closed. It is a child like any other from the
 * start: one that fails raises SIGCHLD, and a wait(2) of another thread for any child can take it
 * away (then it may be told as killed, without its signal). A process's first spawn may take as
 * long as without this flag. With FE_PTRACE fe_spawn_finish must be called by the same thread.
 */
#define FE_ASYNC UINT64_C(0x20000)

/**
 * With FE_CGROUP, without which it is EINVAL: nobody is or will be in that cgroup and those below it but the
 * child and its descendants. fe_kill_tree and fe_stop then reach all of them by it. `fe_child.cgroup` gets a
 * duplicate of the descriptor; that there is none to be had is EMFILE at the step "cgroup". Make a new cgroup for
 * each such child: Linux 6.18 kills whoever is born in one whose cgroup.kill has been used.
 */
#define FE_OWN_CGROUP UINT64_C(0x40000)

/**
 * fe_spawn returns when the child has done all steps but those from its signal mask on, and stands before
 * its exec. fe_resume lets it go. Meanwhile what belongs to a process can be set from outside, by its pid or
 * pidfd: its cgroup, prlimit(2), perf_event_open(2) with enable_on_exec, setpriority(2). Its signals are
 * blocked: but for SIGKILL and SIGSTOP they strike when it goes on. `timeout_ms` does not count that time.
 * When the caller ends, the child ends (status 127) unless a process that the caller has forked lives on.
 * With CLONE_NEWUSER and no maps the maps can be written too, for which the child stays dumpable (prctl(2)): whoever
 * is of the same user may trace it. With any other change of credentials or of the user namespace it is not.
 * Takes the piped way, since the caller's memory must not be the child's when it gets other limits, with what
 * FE_ASYNC says of waits and of other processes. A socket pair that cannot be made fails at "suspend". Cannot
 * be combined with FE_ASYNC.
 */
#define FE_SUSPEND UINT64_C(0x80000)

/**
 * The child gets a new pseudo-terminal (pty(7)) as its controlling terminal, in a new session (FE_SETSID is
 * implied), and is in its foreground. With `files` NULL its descriptors 0, 1 and 2 are that terminal; else those
 * whose element is FE_TERMINAL, at least one (without any it is EINVAL). The other end is `fe_child.pty`.
 * `winsize` is its size. With `credential`, and no user namespace, the terminal belongs to that user, if the
 * caller may give it away (CAP_CHOWN). Needs /dev/ptmx. Cannot be combined with FE_SETPGID, FE_FOREGROUND and
 * FE_SETCTTY. It is the controlling terminal before the actions are done, whatever they put in its place. What fails is
 * the step "pty".
 */
#define FE_PTY UINT64_C(0x100000)

/**
 * With `chroot` and a new mount namespace (CLONE_NEWNS in `cloneflags` or in `namespaces->unshare`), without which
 * it is EINVAL: the new root is mounted in place of the old one, and that is unmounted: pivot_root(2). Nothing is left
 * of the old root, so there is no way back (of several mounts on top of each other at "/" only the uppermost goes). `chroot` need not be a mount point. Needs CAP_SYS_ADMIN in the
 * namespace. "/" is EBUSY. Cannot be combined with FE_CHROOT_KEEP_CWD. With FE_KEEP_PROPAGATION the kernel may refuse it (EINVAL).
 */
#define FE_PIVOT_ROOT UINT64_C(0x200000)

/**
 * With maps, without which it is EINVAL: a map that the caller may not write (EPERM) is written by newuidmap(1)
 * or newgidmap(1) from the caller's PATH (of a caller with AT_SECURE, getauxval(3), from /usr/bin or /bin), which know the ranges that a user may have (subuid(5)). They are started
 * with 0, 1 and 2 on /dev/null, and raise SIGCHLD. ENOENT at "uid_map" or "gid_map": there is no such
 * program; EPERM: it would not.
 */
#define FE_NEWIDMAP UINT64_C(0x400000)

/**
 * No exec gives the program, or any that it makes, more privileges than it has: PR_SET_NO_NEW_PRIVS of
 * prctl(2) (Linux 3.5). It cannot be taken back. `sandbox` wants it of whoever has no CAP_SYS_ADMIN.
 */
#define FE_NO_NEW_PRIVS UINT64_C(0x1000000)

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
 * suspended. The usual way. Cannot be forced (EINVAL) for a child whose user or group changes, that
 * permits itself less (fe_privileges) or that gets a user namespace, since memory must not be shared across privileges, nor with
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
 * `gid_mappings`, which the parent writes while the child waits. A failed spawn raises SIGCHLD. Where SIGCHLD is ignored, a child that is
 * killed inside execve counts as started here. So does one in a session of its own (FE_SETSID), or of a caller to whom a filter
 * forbids setpgid(2), where there is no /proc; and for such a one fe_spawn waits for a process that another thread has forked
 * meanwhile and that keeps the pipe open.
 */
#define FE_WAY_PIPED 3

/**
 * CLONE_VM without CLONE_VFORK, on a stack of its own: the child runs in the caller's memory, beside the
 * calling thread. For FE_ASYNC, timeout_ms and fe_spawn_many, where the piped way is the other one.
 * Cannot be forced for what the shared way cannot, nor with FE_CGROUP, FE_SUSPEND, FE_PTRACE or
 * FE_LIMIT_OOM_SCORE_ADJ. Where memory is not
 * shared, or clone3(2) refused (Linux 5.5), the piped way is taken. A failed spawn raises SIGCHLD.
 */
#define FE_WAY_CONCURRENT 4

/**
 * As FE_WAY_SHARED until the credentials are to change; then the child execs a small program in a
 * memfd_create(2) of the library's own, which does the rest and execs in turn. Neither shares memory with
 * another user nor copies it: for a change of credentials or fewer permitted capabilities by a caller with
 * much memory in use (8 MiB resident), where a copy takes longer; then it is the usual way. Only for a caller whose ids and capabilities an
 * exec leaves alone: all user ids 0, one group id, all capabilities of the bounding set, no securebits,
 * no ambient set, no seccomp filter; and that does not ignore SIGCHLD (EPERM at "stage" if it is forced). Cannot be forced
 * (EINVAL) with what FE_WAY_SHARED cannot but a credential, FE_RESETIDS and fe_privileges, nor with FE_PTRACE,
 * FE_FEXECVE, FE_EXECVEAT, or an action or a terminal that needs a descriptor which `files` does not open.
 * Security modules see two execs. A failed spawn raises SIGCHLD. Where there is no /proc, what FE_WAY_PIPED says of sessions holds for all.
 */
#define FE_WAY_STAGED 5

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
 * `sigdefault` and `sigignore`, with the number of the signal as index; and without an index setting
 * caught signals to their default action, where clone3 could not do it.
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
 * Setting the child's signal mask: a signal that is pending for the child strikes here. Or, where a filter forbids it, blocking the
 * caller's signals, before there is a child.
 */
#define FE_STEP_SIGMASK 27

/**
 * PTRACE_TRACEME of ptrace(2).
 */
#define FE_STEP_PTRACE 28

/**
 * execve(2) or execveat(2). With FE_SEARCH_PATH the index is the number of the element of PATH that holds the
 * program which could not be executed; -1 when it was found in none.
 */
#define FE_STEP_EXEC 29

/**
 * FE_ACTION_OPEN, by its index in the list of actions; so are the six that follow.
 */
#define FE_STEP_ACTION_OPEN 30

/**
 * FE_ACTION_DUP2.
 */
#define FE_STEP_ACTION_DUP2 31

/**
 * FE_ACTION_CLOSE.
 */
#define FE_STEP_ACTION_CLOSE 32

/**
 * FE_ACTION_CHDIR.
 */
#define FE_STEP_ACTION_CHDIR 33

/**
 * FE_ACTION_FCHDIR.
 */
#define FE_STEP_ACTION_FCHDIR 34

/**
 * FE_ACTION_CLOSEFROM.
 */
#define FE_STEP_ACTION_CLOSEFROM 35

/**
 * FE_ACTION_TCSETPGRP.
 */
#define FE_STEP_ACTION_TCSETPGRP 36

/**
 * The policy and priority of `scheduling`.
 */
#define FE_STEP_SCHEDULING 37

/**
 * FE_RESETIDS.
 */
#define FE_STEP_RESETIDS 38

/**
 * FE_CGROUP: the cgroup does not take the child, or the kernel knows no such thing.
 */
#define FE_STEP_CGROUP 39

/**
 * The descriptor `execfd`: it is not open, or could not be moved out of the way.
 */
#define FE_STEP_EXECFD 40

/**
 * A script was given by a descriptor that is closed when its interpreter wants to read it: FE_FEXECVE
 * or FE_EXECVEAT with close-on-exec or FE_CLOSE_OTHERS. The errno is execveat(2)'s ENOENT.
 */
#define FE_STEP_SCRIPT_FD 41

/**
 * execve(2) of /bin/sh for FE_SHELL_FALLBACK.
 */
#define FE_STEP_SHELL 42

/**
 * FE_CLOSE_OTHERS, where the child takes over no more of the caller's descriptor table than it needs. A
 * child can be killed there; when the kernel refuses, it is done in another way.
 */
#define FE_STEP_UNSHARE_FILES 43

/**
 * The program between of FE_WAY_STAGED. A child can be killed there; when it cannot be had, and was not
 * forced, the copy way is taken.
 */
#define FE_STEP_STAGE 44

/**
 * Of fe_run: the program was started, but not fed, drained or waited for as it should be.
 */
#define FE_STEP_COMMUNICATE 45

/**
 * FE_SUSPEND: the child stands there, or the socket pair to wake it by could not be had.
 */
#define FE_STEP_SUSPEND 46

/**
 * FE_PTY: making the terminal, by the parent.
 */
#define FE_STEP_PTY 47

/**
 * Entering a namespace, with its place in `namespaces->joins`.
 */
#define FE_STEP_SETNS 48

/**
 * unshare(2) of `namespaces->unshare`.
 */
#define FE_STEP_UNSHARE 49

/**
 * Writing /proc/self/timens_offsets.
 */
#define FE_STEP_TIME_OFFSETS 50

/**
 * FE_PIVOT_ROOT: index 0 is the mount onto itself, 1 chdir(2), 2 pivot_root(2), 3 umount2(2) of the old
 * root, 4 chdir(2) to the new one.
 */
#define FE_STEP_PIVOT_ROOT 51

/**
 * umask(2).
 */
#define FE_STEP_UMASK 52

/**
 * A resource limit, by its index in the list: prlimit(2).
 */
#define FE_STEP_RLIMITS 53

/**
 * setpriority(2).
 */
#define FE_STEP_NICE 54

/**
 * sched_setaffinity(2).
 */
#define FE_STEP_AFFINITY 55

/**
 * set_mempolicy(2).
 */
#define FE_STEP_MEMPOLICY 56

/**
 * ioprio_set(2).
 */
#define FE_STEP_IOPRIO 57

/**
 * Writing /proc/self/oom_score_adj.
 */
#define FE_STEP_OOM_SCORE_ADJ 58

/**
 * PR_SET_TIMERSLACK of prctl(2).
 */
#define FE_STEP_TIMER_SLACK 59

/**
 * PR_SCHED_CORE of prctl(2).
 */
#define FE_STEP_CORE_SCHED 60

/**
 * personality(2).
 */
#define FE_STEP_PERSONALITY 61

/**
 * Keeping the permitted capabilities while the user changes: PR_SET_KEEPCAPS of prctl(2). EPERM where
 * SECBIT_KEEP_CAPS is locked.
 */
#define FE_STEP_KEEPCAPS 62

/**
 * `fe_privileges.bounding`, with the number of the capability as index: PR_CAPBSET_DROP of prctl(2).
 */
#define FE_STEP_BOUNDING 63

/**
 * `fe_privileges.inheritable`: capset(2).
 */
#define FE_STEP_INHERITABLE 64

/**
 * `fe_privileges.ambient`, with the number of the capability as index: PR_CAP_AMBIENT of prctl(2); without an
 * index clearing the set, or adding to the inheritable set what it needs (EPERM: the caller does not have it).
 */
#define FE_STEP_AMBIENT 65

/**
 * `fe_privileges.securebits`: PR_SET_SECUREBITS of prctl(2).
 */
#define FE_STEP_SECUREBITS 66

/**
 * `fe_privileges.permitted` and `effective`, and giving up what was kept: capset(2).
 */
#define FE_STEP_PERMITTED 67

/**
 * FE_NO_NEW_PRIVS.
 */
#define FE_STEP_NO_NEW_PRIVS 68

/**
 * `fe_sandbox.landlock`: landlock_restrict_self(2). EBADF: not open, EBADFD: no ruleset, EPERM: neither
 * FE_NO_NEW_PRIVS nor CAP_SYS_ADMIN, E2BIG: the 17th ruleset upon each other, ENOSYS or EOPNOTSUPP: the kernel has
 * none, EMFILE: the descriptor must be moved and there is no number for it.
 */
#define FE_STEP_LANDLOCK 69

/**
 * `fe_sandbox.filter`: seccomp(2). EACCES: neither FE_NO_NEW_PRIVS nor CAP_SYS_ADMIN, EINVAL: not a program that
 * the kernel takes, or no such flag, ENOMEM: too many filters, ENOSYS: the kernel has none.
 */
#define FE_STEP_SECCOMP 70

/**
 * A descriptor of `keep`, with its place in the list.
 */
#define FE_STEP_KEEP 71

/**
 * open(2) of `path` with `oflag` and `mode`, to the descriptor `fd`, which is closed first. It is
 * close-on-exec only with O_CLOEXEC.
 */
#define FE_ACTION_OPEN UINT64_C(0x1)

/**
 * dup2(2) of `from` to `fd`. When they are equal it becomes inheritable (loses close-on-exec).
 */
#define FE_ACTION_DUP2 UINT64_C(0x2)

/**
 * close(2) of `fd`, which need not be open.
 */
#define FE_ACTION_CLOSE UINT64_C(0x3)

/**
 * chdir(2) to `path`.
 */
#define FE_ACTION_CHDIR UINT64_C(0x4)

/**
 * fchdir(2) to `fd`.
 */
#define FE_ACTION_FCHDIR UINT64_C(0x5)

/**
 * close(2) of `fd` and all above, as FE_CLOSE_OTHERS does it.
 */
#define FE_ACTION_CLOSEFROM UINT64_C(0x6)

/**
 * tcsetpgrp(3): the child's process group becomes the foreground group of the terminal `fd`. When the
 * spawn fails after that, the foreground of the caller's controlling terminal becomes again what it
 * was, provided that /dev/tty can be opened.
 */
#define FE_ACTION_TCSETPGRP UINT64_C(0x7)

/**
 * In `files`: a new pipe, from which the child reads. `fe_child.ends` has the other end.
 */
#define FE_FROM_PIPE (-2)

/**
 * In `files`: a new pipe, into which the child writes. `fe_child.ends` has the other end.
 */
#define FE_TO_PIPE (-3)

/**
 * In `files`: /dev/null of the caller's root, open for reading and writing.
 */
#define FE_NULL (-4)

/**
 * In `files`, with FE_PTY: the new terminal.
 */
#define FE_TERMINAL (-5)

/**
 * open(2) of `path` with `oflag` and `mode`.
 */
#define FE_REDIRECT_OPEN 1

/**
 * A file that holds the `size` bytes at `data`, from which the child reads at offset 0 and which
 * nobody can write to: memfd_create(2) (Linux 3.17; else ENOSYS).
 */
#define FE_REDIRECT_DATA 2

/**
 * fe_privileges.flags: `bounding` is given.
 */
#define FE_PRIVILEGES_BOUNDING UINT64_C(0x1)

/**
 * fe_privileges.flags: `inheritable` is given.
 */
#define FE_PRIVILEGES_INHERITABLE UINT64_C(0x2)

/**
 * fe_privileges.flags: `permitted` is given.
 */
#define FE_PRIVILEGES_PERMITTED UINT64_C(0x4)

/**
 * fe_privileges.flags: `effective` is given.
 */
#define FE_PRIVILEGES_EFFECTIVE UINT64_C(0x8)

/**
 * fe_privileges.flags: `ambient` is given.
 */
#define FE_PRIVILEGES_AMBIENT UINT64_C(0x10)

/**
 * fe_privileges.flags: `securebits` is given.
 */
#define FE_PRIVILEGES_SECUREBITS UINT64_C(0x20)

/**
 * fe_sandbox.flags: `landlock` is given.
 */
#define FE_SANDBOX_LANDLOCK UINT64_C(0x1)

/**
 * fe_kill_tree: by the child's own cgroup (FE_OWN_CGROUP). Whoever is in it is reached.
 */
#define FE_TREE_CGROUP 1

/**
 * fe_kill_tree: the child is the init of a pid namespace (CLONE_NEWPID), and with it the kernel kills all that
 * are in it. SIGKILL alone.
 */
#define FE_TREE_PIDNS 2

/**
 * fe_kill_tree: the child, its descendants as /proc shows them, and with FE_SETSID all of its session.
 */
#define FE_TREE_SWEEP 3

/**
 * fe_kill_tree: the child's process group, since there is no /proc of the caller's pid namespace.
 */
#define FE_TREE_GROUP 4

/**
 * fe_stop: signals are for the child's process group, as fe_kill_group sends them.
 */
#define FE_STOP_GROUP 1

/**
 * fe_stop: signals are for the child's tree, as fe_kill_tree sends them.
 */
#define FE_STOP_TREE 2

/**
 * fe_io.flags: when the child is stopped, signals go to its process group, which it must lead
 * (FE_SETSID, or FE_SETPGID with pgid 0; else EINVAL). What is left of the group when the child has ended
 * gets SIGKILL then.
 */
#define FE_IO_GROUP UINT64_C(0x1)

/**
 * The program had not ended at its deadline, and was stopped.
 */
#define FE_RESULT_TIMED_OUT 1

/**
 * There was more output than max_output, or after a failure.
 */
#define FE_RESULT_OUTPUT_CUT 2

/**
 * The same of the errors.
 */
#define FE_RESULT_ERRORS_CUT 4

/**
 * The child did not take all of the input.
 */
#define FE_RESULT_INPUT_CUT 8

/**
 * Some other process still held a pipe, and may have written more later.
 */
#define FE_RESULT_HELD 16

/**
 * fe_scheduling.flags: the child gets `policy` and `priority`: sched_setscheduler(2), or
 * sched_setattr(2) for SCHED_DEADLINE.
 */
#define FE_SCHED_POLICY UINT64_C(0x1)

/**
 * fe_scheduling.flags, without FE_SCHED_POLICY: the child keeps its caller's policy and gets
 * `priority`: sched_setparam(2).
 */
#define FE_SCHED_PRIORITY UINT64_C(0x2)

/**
 * fe_scheduling.flags: the child gets `nice`.
 */
#define FE_SCHED_NICE UINT64_C(0x4)

/**
 * fe_scheduling.flags: the child gets `ioprio`.
 */
#define FE_SCHED_IOPRIO UINT64_C(0x8)

/**
 * fe_scheduling.flags: the child gets `mempolicy`.
 */
#define FE_SCHED_MEMPOLICY UINT64_C(0x10)

/**
 * fe_scheduling.flags: the child shares a core, whose threads one processor runs side by side, with
 * nobody but its descendants: PR_SCHED_CORE of prctl(2) (Linux 5.14; EINVAL when the kernel was
 * built without it, ENODEV where cores have one thread, at the step "core_sched").
 */
#define FE_SCHED_CORE UINT64_C(0x20)

/**
 * fe_limits.flags: the child gets `umask`.
 */
#define FE_LIMIT_UMASK UINT64_C(0x1)

/**
 * fe_limits.flags: the child gets `oom_score_adj`.
 */
#define FE_LIMIT_OOM_SCORE_ADJ UINT64_C(0x2)

/**
 * fe_limits.flags: the child gets `personality`.
 */
#define FE_LIMIT_PERSONALITY UINT64_C(0x4)

/**
 * fe_explain: a line for each system call.
 */
#define FE_EXPLAIN_TEXT 0

/**
 * fe_explain: one JSON object.
 */
#define FE_EXPLAIN_JSON 1

/**
 * fe_features: pidfds, for FE_PIDFD (Linux 5.3).
 */
#define FE_HAS_PIDFD UINT64_C(0x1)

/**
 * fe_features: close_range(2) (Linux 5.9): FE_CLOSE_OTHERS costs what is kept and not what is open.
 */
#define FE_HAS_CLOSE_RANGE UINT64_C(0x2)

/**
 * fe_features: CLONE_INTO_CGROUP (Linux 5.7): with FE_CGROUP the child is born there; else it enters as its first act.
 */
#define FE_HAS_CGROUP UINT64_C(0x4)

/**
 * fe_features: execveat(2) (Linux 3.19), for FE_FEXECVE, FE_EXECVEAT and FE_WAY_STAGED.
 */
#define FE_HAS_EXECVEAT UINT64_C(0x8)

/**
 * fe_features: time namespaces (Linux 5.6), for CLONE_NEWTIME.
 */
#define FE_HAS_TIME_NAMESPACES UINT64_C(0x10)

/**
 * fe_features: user namespaces (Linux 3.8), for CLONE_NEWUSER. Whether this user may have one, a spawn tells.
 */
#define FE_HAS_USER_NAMESPACES UINT64_C(0x20)

/**
 * fe_features: filters of seccomp(2) (Linux 4.14 to be told of here, 3.17 to be used), for fe_sandbox.
 */
#define FE_HAS_SECCOMP UINT64_C(0x40)

/**
 * fe_features: landlock(7) (Linux 5.13), built in and enabled, for fe_sandbox.
 */
#define FE_HAS_LANDLOCK UINT64_C(0x80)

/**
 * fe_features: core scheduling (Linux 5.14), built in, for FE_SCHED_CORE.
 */
#define FE_HAS_CORE_SCHED UINT64_C(0x100)

/**
 * fe_features: /dev/ptmx is there, for FE_PTY.
 */
#define FE_HAS_PTY UINT64_C(0x200)



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
   * them all; a group -1 is EINVAL. With gid_mappings and setgroups denied (see FE_ALLOW_SETGROUPS), an empty list is
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
 * How the child is scheduled, and where it runs: sched(7). Start from FE_SCHEDULING_INIT; what is not
 * asked for stays as the calling thread has it. A struct that asks for nothing is EINVAL; so is a
 * value without its flag.
 *
 * A real-time policy or turn at the disk, a nice value below 0, and what is more than the caller has is
 * set before privileges are given up; what is less after all else, so that a child which yields to all
 * others does not keep its caller waiting. Without the privilege it is EPERM at its step; at "nice",
 * EACCES.
 */
typedef struct fe_scheduling {
  /**
   * sizeof(fe_scheduling).
   */
  size_t size;
  /**
   * FE_SCHED_..., or-ed. Others are EINVAL.
   */
  uint64_t flags;
  /**
   * SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR or SCHED_DEADLINE, also or-ed with
   * SCHED_RESET_ON_FORK. Others are EINVAL.
   */
  int32_t policy;
  /**
   * 1 to 99 for SCHED_FIFO and SCHED_RR, else 0; outside that it is EINVAL.
   */
  int32_t priority;
  /**
   * SCHED_DEADLINE: how many nanoseconds it needs in each period; at least 1024. Without
   * SCHED_RESET_ON_FORK the program cannot fork. The kernel refuses it (EPERM) with an affinity to
   * fewer than all processors, and when there is not enough time left (EBUSY).
   */
  uint64_t runtime_ns;
  /**
   * SCHED_DEADLINE: within how many nanoseconds of the period's start; at least `runtime_ns`.
   */
  uint64_t deadline_ns;
  /**
   * SCHED_DEADLINE: how long the period is; at least `deadline_ns`, and below 2^63. 0 means as long as
   * that.
   */
  uint64_t period_ns;
  /**
   * FE_SCHED_NICE: -20 to 19, whatever the caller's is: setpriority(2). Outside that it is EINVAL.
   */
  int32_t nice;
  /**
   * FE_SCHED_IOPRIO: IOPRIO_PRIO_VALUE(class, data) of ioprio_set(2). The real-time class takes
   * CAP_SYS_ADMIN or CAP_SYS_NICE. An unknown class, and IOPRIO_CLASS_NONE with data, is EINVAL.
   */
  int32_t ioprio;
  /**
   * The processors that it may run on, as in sched_setaffinity(2): a cpu_set_t, or CPU_ALLOC's. NULL
   * means those of the calling thread. None at all is EINVAL; none that is online and in its cpuset
   * is EINVAL at the step "affinity".
   */
  const void *affinity;
  /**
   * How many bytes that is; at most 65535. 0 with a mask, and a size without one, are EINVAL.
   */
  size_t affinity_size;
  /**
   * FE_SCHED_MEMPOLICY: the nodes for `mempolicy`, as in set_mempolicy(2). NULL with maxnode 0.
   */
  const unsigned long *nodemask;
  /**
   * FE_SCHED_MEMPOLICY: how many bits the mask has, and one: the kernel looks at `maxnode` - 1. At
   * most 32769.
   */
  size_t maxnode;
  /**
   * FE_SCHED_MEMPOLICY: MPOL_DEFAULT, MPOL_BIND and the like: set_mempolicy(2). A kernel that does not
   * know it gives EINVAL at the step "mempolicy"; one without NUMA, ENOSYS.
   */
  int32_t mempolicy;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * By how many nanoseconds its timers may be late: PR_SET_TIMERSLACK of prctl(2); for a real-time
   * policy the kernel ignores it. 0 means as much as those of the calling thread.
   */
  uint64_t timer_slack_ns;
} fe_scheduling;

/**
 * One of the ordered actions. What an action does not use must be zero, else EINVAL at "args" with
 * its index. Descriptors are the child's; a negative one is EBADF at the action's step. Its size is
 * frozen. FE_OPEN, FE_DUP2 and so on make one.
 */
typedef struct fe_file_action {
  /**
   * FE_ACTION_...
   */
  int32_t action;
  /**
   * The descriptor that is acted on.
   */
  int32_t fd;
  /**
   * FE_ACTION_DUP2: the source.
   */
  int32_t from;
  /**
   * FE_ACTION_OPEN: the flags of open(2).
   */
  int32_t oflag;
  /**
   * FE_ACTION_OPEN: the mode of a file that is made, less the umask.
   */
  mode_t mode;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * FE_ACTION_OPEN and FE_ACTION_CHDIR: relative to what is the working directory by then, and
   * within `chroot`.
   */
  const char *path;
  /**
   * Zero.
   */
  uint64_t reserved2[2];
} fe_file_action;

/**
 * What FE_REDIRECT(k) in `files` makes of a descriptor; each use makes it anew. What a kind does not
 * use must be zero, else EINVAL at "args" with the index of the child's descriptor (-1 if it is that of
 * none). Its size is frozen.
 */
typedef struct fe_redirect {
  /**
   * FE_REDIRECT_OPEN or FE_REDIRECT_DATA.
   */
  int32_t kind;
  /**
   * FE_REDIRECT_OPEN: the flags of open(2). O_CLOEXEC has no effect.
   */
  int32_t oflag;
  /**
   * FE_REDIRECT_OPEN: the mode of a file that is made, less the umask.
   */
  mode_t mode;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * FE_REDIRECT_OPEN: relative to the child's working directory, and within `chroot`. It is the child
   * that opens it, at the step "files" and with the rights of `credential`; timeout_ms covers it.
   */
  const char *path;
  /**
   * FE_REDIRECT_DATA: the contents; NULL only with `size` 0.
   */
  const void *data;
  /**
   * FE_REDIRECT_DATA: how many bytes.
   */
  size_t size;
  /**
   * Zero.
   */
  uint64_t reserved2[3];
} fe_redirect;

/**
 * Some of a process's namespaces, or one.
 */
typedef struct fe_join {
  /**
   * A descriptor of the *caller*: of a file in /proc/PID/ns, or a pidfd (Linux 5.8).
   */
  int32_t fd;
  /**
   * CLONE_NEWNET and so on: the one that the file is of, or those of the process that are wanted. 0 is EINVAL.
   * CLONE_NEWPID, in one of them only: the child is born in it, for which the calling thread enters it for the time of
   * the clone (it says where its children go, not where itself is). fe_child.pid is the caller's number for
   * it. CLONE_NEWUSER, CLONE_NEWTIME: not in a way that shares memory.
   */
  int32_t nstype;
} fe_join;

/**
 * Namespaces that the child enters, and then makes of its own, before all else that it does. What paths and
 * descriptors mean later is meant there; the descriptors of fe_attr are the caller's still.
 */
typedef struct fe_namespaces {
  /**
   * sizeof(fe_namespaces).
   */
  size_t size;
  /**
   * Entered in this order: setns(2). A user namespace that comes first gives the rights for the others.
   */
  const struct fe_join *joins;
  /**
   * How many. A count without a list is EINVAL.
   */
  size_t njoins;
  /**
   * CLONE_NEWCGROUP and so on: unshare(2), after the joins. Unlike with `cloneflags` a new cgroup namespace has
   * the cgroup of FE_CGROUP as its root; with CLONE_NEWPID it is the program's children that are in it, and
   * with CLONE_NEWTIME the program is in it from its exec on (Linux 6.1). Not CLONE_NEWUSER (EINVAL).
   */
  uint64_t unshare;
  /**
   * What is added to CLOCK_MONOTONIC in the new time namespace of `unshare`, without which it is EINVAL; may be
   * negative. NULL: nothing. Needs CAP_SYS_TIME; time_namespaces(7).
   */
  const struct timespec *monotonic_offset;
  /**
   * And to CLOCK_BOOTTIME.
   */
  const struct timespec *boottime_offset;
} fe_namespaces;

/**
 * One resource limit: prlimit(2). Its size is frozen. FE_RLIMIT makes one.
 */
typedef struct fe_rlimit {
  /**
   * RLIMIT_NOFILE and the like. One that Linux does not know, and one that is in the list already, is
   * EINVAL.
   */
  int32_t resource;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * The soft limit, or RLIM_INFINITY. More than `hard` is EINVAL.
   */
  uint64_t soft;
  /**
   * The hard limit, or RLIM_INFINITY. More than the caller's takes CAP_SYS_RESOURCE (EPERM).
   */
  uint64_t hard;
} fe_rlimit;

/**
 * What the child may use. Start from FE_LIMITS_INIT; what is not asked for stays the caller's. A value
 * without its flag is EINVAL.
 */
typedef struct fe_limits {
  /**
   * sizeof(fe_limits).
   */
  size_t size;
  /**
   * FE_LIMIT_..., or-ed. Others are EINVAL.
   */
  uint64_t flags;
  /**
   * Resource limits. What is more than the caller has is set before privileges are given up and files
   * are moved, what is less after all that, so that a lower RLIMIT_NOFILE does not touch the child's
   * files; of a limit with one of each, each in its time. What is wrong with one is EINVAL at "args"
   * with its index.
   */
  const struct fe_rlimit *rlimits;
  /**
   * How many. A count without a list is EINVAL.
   */
  size_t nrlimits;
  /**
   * FE_LIMIT_UMASK: 0 to 0777, else EINVAL: umask(2). For the program: files that the child opens before
   * (FE_OPEN, FE_OPEN_FILE) are made with the caller's.
   */
  mode_t umask;
  /**
   * FE_LIMIT_OOM_SCORE_ADJ: -1000 to 1000, else EINVAL: proc_pid_oom_score_adj(5). Less than it was
   * ever set to with privilege takes CAP_SYS_RESOURCE (EACCES). Written to /proc/self before
   * `chroot`, for which a descriptor must be free. The concurrent way cannot be taken: the score is of
   * all who share memory.
   */
  int32_t oom_score_adj;
  /**
   * FE_LIMIT_PERSONALITY: ADDR_NO_RANDOMIZE and the like: personality(2). 0xffffffff is EINVAL.
   */
  uint32_t personality;
  /**
   * Zero.
   */
  uint32_t reserved;
} fe_limits;

/**
 * What the child may do: capabilities(7). Start from FE_PRIVILEGES_INIT. A set is a mask in which bit n is the
 * capability n, so FE_CAPABILITY(CAP_NET_BIND_SERVICE); it counts if its flag is in `flags`, 0 too, and one that is
 * not 0 without its flag is EINVAL. In all but `bounding` so is a capability that the running kernel does not know.
 *
 * The order, of which each step says why the next is where it is: capabilities leave the bounding set, which needs
 * CAP_SETPCAP. If `credential` or FE_RESETIDS makes another user of user 0, the kernel takes the permitted set away: it
 * is kept if any of what follows is given. Groups, gid and uid change; the kernel clears the effective and the
 * ambient set. The inheritable set is set, and CAP_SETPCAP made effective again, if the caller has it. The ambient
 * set is raised. Securebits are set, of which SECBIT_NO_CAP_AMBIENT_RAISE forbids that. The permitted and the
 * effective set are set. Then `dir`, `files` and the rest, with these privileges.
 *
 * What exec makes of them (capabilities(7)): a user other than 0 is permitted the ambient set, which is effective
 * too, and what the file's capabilities add; user 0 the bounding and the inheritable set, without
 * SECBIT_NOROOT. So for a program to have a capability as an ordinary user, `ambient` is what to ask for; and for user
 * 0 to lack one, `bounding` (and `inheritable`).
 *
 * In a way that is not shared (EINVAL if that is forced) if the child permits itself less than its caller: whoever has
 * that much may trace it (ptrace(2)). What is not in the caller's permitted set is EPERM at the set's step.
 */
typedef struct fe_privileges {
  /**
   * sizeof(fe_privileges).
   */
  size_t size;
  /**
   * FE_PRIVILEGES_..., or-ed. Others are EINVAL.
   */
  uint64_t flags;
  /**
   * The bounding set that is left: all others are dropped, each by a call of its own (Linux 2.6.25). EPERM without
   * CAP_SETPCAP, with the first to be dropped as index. Capabilities that the kernel does not know may be
   * in it, so ~FE_CAPABILITY(n) is all but one.
   */
  uint64_t bounding;
  /**
   * The inheritable set. What is new in it must be in the bounding set, and be permitted to the caller unless it has
   * CAP_SETPCAP (EPERM). Not given: the caller's, with `ambient` added.
   */
  uint64_t inheritable;
  /**
   * The permitted set until exec; after it too where FE_NO_NEW_PRIVS keeps exec from adding to it. (Where exec does,
   * the kernel makes the program undumpable.) Not given: the
   * caller's; but where a change of user from 0 takes it away, `ambient` and `effective`.
   */
  uint64_t permitted;
  /**
   * The effective set until exec, so what `dir`, `files` and `actions` are opened with; EINVAL if it is not within
   * `permitted`. Not given: the caller's, within `permitted`; but nothing where a change of user from 0
   * takes it away.
   */
  uint64_t effective;
  /**
   * The ambient set (Linux 4.3; else EINVAL at "ambient"). EINVAL if it is not within `inheritable` and `permitted`;
   * to either, if it is not given, it is added. Not given: the caller's, which a change of user from 0
   * clears. A set-user-ID program, and one with file capabilities, does not get it.
   */
  uint64_t ambient;
  /**
   * SECBIT_... of linux/securebits.h, all of them. EPERM without CAP_SETPCAP, for a locked one that would change, and
   * for one that the kernel does not know. SECBIT_KEEP_CAPS is cleared by exec. Not given: the caller's.
   */
  uint32_t securebits;
  /**
   * Zero.
   */
  uint32_t reserved;
} fe_privileges;

/**
 * What the program cannot do whoever it is. Start from FE_SANDBOX_INIT. It can be made once and used for many
 * spawns, by several threads at once. It comes last of all, first landlock, then the filter, so the filter
 * need allow nothing but execve(2) (execveat(2) with FE_FEXECVE and FE_EXECVEAT); an exec that either refuses is told as
 * any other, at "exec". Both need FE_NO_NEW_PRIVS, or CAP_SYS_ADMIN in the effective set after `credential`
 * and `privileges`; the library does not set it by itself.
 */
typedef struct fe_sandbox {
  /**
   * sizeof(fe_sandbox).
   */
  size_t size;
  /**
   * FE_SANDBOX_LANDLOCK. Others are EINVAL.
   */
  uint64_t flags;
  /**
   * A seccomp filter: a BPF program as in seccomp(2) (Linux 3.17), struct sock_filter of linux/filter.h. NULL
   * means none.
   */
  const struct sock_filter *filter;
  /**
   * How many instructions: 1 to 4096 with a filter, else 0; EINVAL.
   */
  size_t nfilter;
  /**
   * SECCOMP_FILTER_FLAG_LOG and SECCOMP_FILTER_FLAG_SPEC_ALLOW; others, and any without a filter, are EINVAL.
   */
  uint32_t filter_flags;
  /**
   * A ruleset of landlock_create_ruleset(2) (Linux 5.13): a descriptor of the *caller*. The child has it until it is
   * needed, whatever `files`, the actions and FE_CLOSE_OTHERS do to its number (which takes another descriptor for the
   * time of the call). The program has it only as any other that is not close-on-exec, as rulesets are. Not 0
   * without its flag is EINVAL.
   */
  int32_t landlock;
  /**
   * LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF, _LOG_NEW_EXEC_ON and _LOG_SUBDOMAINS_OFF (Linux 6.15; else EINVAL at
   * "landlock"); others, and any without a ruleset, are EINVAL.
   */
  uint32_t landlock_flags;
  /**
   * Zero.
   */
  uint32_t reserved;
} fe_sandbox;

/**
 * What to start, and how. Start from FE_ATTR_INIT; zero is every field's default. fe_spawn reads
 * it and all it points to during the call only and keeps nothing.
 *
 * The order in which the child does things: uid and gid maps are waited for, mounts made private,
 * FE_NOCTTY, setsid, setpgid, oom_score_adj, what is raised (resource limits, affinity, nice, policy, I/O
 * priority), chroot and chdir to the new root, bounding set, groups, gid, uid or FE_RESETIDS, the other
 * privileges, dir, files, actions, close others, FE_SETCTTY, FE_FOREGROUND, what is lowered
 * (policy, nice, I/O priority), memory policy, timer slack, core, umask, resource limits that are lowered, personality, pdeathsig, signal
 * dispositions, signal mask, FE_PTRACE, FE_NO_NEW_PRIVS, landlock, seccomp, exec. It is born in its cgroup.
 *
 * Signals that the caller catches are set to their default action, ignored ones stay ignored, but
 * for `sigdefault` and `sigignore`.
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
   * The program. NULL means argv[0] (but see FE_FEXECVE). Without FE_SEARCH_PATH it is a path,
   * relative to the child's working directory (and within `chroot`; but see FE_EXECVEAT). "" is
   * ENOENT at exec.
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
   * place loses its close-on-exec flag. NULL leaves all descriptors as they are. In place of a
   * descriptor there may stand FE_FROM_PIPE, FE_TO_PIPE, FE_NULL, FE_TERMINAL, FE_REDIRECT(k): what
   * `redirects[k]` says, or FE_SAME_AS(n): a duplicate of what the child's descriptor n is in the end,
   * earlier or later in the list. Any other number is EINVAL at "args" with its index; so are an n
   * or k that is not in the list, an n that is closed, and a circle.
   */
  const int32_t *files;
  /**
   * How many files. One that is not open is EBADF at the step "files" with its index, as is what a
   * pipe, /dev/null, memory or the file in its place fails with.
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
  /**
   * The child's signal mask. NULL means that of the calling thread before the call.
   */
  const sigset_t *sigmask;
  /**
   * Signals that are set to their default action, ignored ones too. SIGKILL and SIGSTOP may be
   * in it. NULL means none.
   */
  const sigset_t *sigdefault;
  /**
   * Signals that are ignored. One that is in `sigdefault` too, SIGKILL and SIGSTOP are EINVAL. NULL
   * means none.
   */
  const sigset_t *sigignore;
  /**
   * Policy, nice value, processors and the like. NULL keeps those of the calling thread.
   */
  const struct fe_scheduling *scheduling;
  /**
   * What is done, in this order, after `files`. All descriptors that it names are the child's.
   */
  const struct fe_file_action *actions;
  /**
   * How many actions. A count without a list is EINVAL.
   */
  size_t nactions;
  /**
   * With FE_SEARCH_PATH, without which it is EINVAL: the directories, as in the environment
   * variable PATH. NULL means the caller's PATH.
   */
  const char *search_path;
  /**
   * The descriptor for FE_FEXECVE and FE_EXECVEAT, of the *caller*. Not 0 without either is EINVAL.
   */
  int32_t execfd;
  /**
   * The descriptor for FE_CGROUP, of the caller. Not 0 without it is EINVAL.
   */
  int32_t cgroup;
  /**
   * How many milliseconds of CLOCK_MONOTONIC the spawn itself may take, from the call to the exec; 0
   * means any time. A child that is still not there (in exec from a file system that does not answer,
   * in open(2) of a FIFO, stopped, frozen) is killed and reaped: ETIMEDOUT, with the step that it was
   * in. One that even SIGKILL does not end within a second is left alone; one that has execed in the
   * very moment of the kill was started, and its wait status is SIGKILL. Takes the concurrent way or
   * the piped one; with FE_ASYNC it is fe_spawn_finish that sees to it.
   */
  int32_t timeout_ms;
  /**
   * Zero.
   */
  int32_t reserved;
  /**
   * For FE_REDIRECT(k) in `files`.
   */
  const struct fe_redirect *redirects;
  /**
   * How many redirects. A count without a list is EINVAL.
   */
  size_t nredirects;
  /**
   * Room for `nfiles` numbers, which fe_spawn fills: the caller's ends of the pipes that are the child's
   * descriptors 3 and up, close-on-exec and owned by the caller; -1 where there is none, and when it
   * fails. (With FE_ASYNC they are the caller's when fe_spawn returns, whatever the outcome.) NULL makes
   * a pipe at 3 or above EINVAL at "args" with its index.
   */
  int32_t *ends;
  /**
   * The size of the terminal of FE_PTY; not all 0 without that is EINVAL. It can be changed at any time:
   * TIOCSWINSZ of ioctl_tty(2) on `fe_child.pty`, which sends the foreground group SIGWINCH.
   */
  struct winsize winsize;
  /**
   * Namespaces to enter, and to make in the child. NULL: none.
   */
  const struct fe_namespaces *namespaces;
  /**
   * Resource limits, umask and the like. NULL keeps the caller's.
   */
  const struct fe_limits *limits;
  /**
   * Capabilities and securebits. NULL means what the kernel leaves of the caller's.
   */
  const struct fe_privileges *privileges;
  /**
   * A seccomp filter and a landlock ruleset. NULL means none.
   */
  const struct fe_sandbox *sandbox;
  /**
   * Descriptors of the caller's that the program gets at their own numbers, close-on-exec or not, and that
   * FE_CLOSE_OTHERS leaves open. One that is not open is EBADF at the step "keep" with its index; one whose number
   * `files` fills or closes is EINVAL at "args" with its index. In any order; twice is as once. What the actions
   * do comes later.
   */
  const int32_t *keep;
  /**
   * How many. A count without a list is EINVAL.
   */
  size_t nkeep;
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
   * With FE_ASYNC and FE_SUSPEND, until the outcome is told: becomes readable when it is known. Owned by
   * this struct. Else -1.
   */
  int32_t ready;
  /**
   * With FE_PTY: the caller's end of the terminal, close-on-exec and owned by this struct. What is written
   * to it is typed (Ctrl-C is the byte 3), and what the terminal shows is read; EIO is its end: nobody has
   * the terminal open any more. tcsetattr(3) on it sets the terminal's modes. Else -1. Who closes it
   * sets it to -1; the foreground group then gets SIGHUP.
   */
  int32_t pty;
  /**
   * Private to the library.
   */
  uint64_t pending;
  /**
   * The caller's ends of the pipes that are the child's descriptors 0, 1 and 2: close-on-exec and owned
   * by this struct; -1 where there is none. Who closes one sets it to -1.
   */
  int32_t ends[3];
  /**
   * With FE_OWN_CGROUP: the cgroup's directory, close-on-exec and owned by this struct. Else -1.
   */
  int32_t cgroup;
  /**
   * Zero.
   */
  uint32_t reserved2[4];
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

/**
 * What fe_communicate and fe_run do with a child. Start from FE_IO_INIT; zero is every field's default.
 */
typedef struct fe_io {
  /**
   * sizeof(fe_io).
   */
  size_t size;
  /**
   * FE_IO_GROUP, or 0. An unknown flag is EINVAL.
   */
  uint64_t flags;
  /**
   * Written to the child's descriptor 0, which is closed then. NULL only with `ninput` 0.
   */
  const void *input;
  /**
   * How many bytes.
   */
  size_t ninput;
  /**
   * Called by the same thread with all that the child writes, as it comes, and with the child's
   * descriptor, 1 or 2. When it returns anything but 0 it is not called again, the child is stopped as at
   * its deadline, and the call fails with ECANCELED. It must return (not by longjmp or an exception, and
   * the thread must not be cancelled in it) and leave the fe_child alone. NULL: what comes is collected.
   */
  int (*sink)(void *context, int fd, const void *data, size_t n);
  /**
   * For the sink. Not NULL without one is EINVAL.
   */
  void *context;
  /**
   * How many bytes are collected of each of the two streams. What goes beyond is read and thrown away,
   * and FE_RESULT_OUTPUT_CUT or FE_RESULT_ERRORS_CUT says so. 0 means no limit. Nothing to the sink.
   */
  size_t max_output;
  /**
   * The deadline: how many milliseconds of CLOCK_MONOTONIC the program may take until it has ended. One
   * that has not is stopped, never early: FE_RESULT_TIMED_OUT. 0 means any time.
   */
  int32_t timeout_ms;
  /**
   * The signal that a child which is to be stopped gets. 0 means SIGTERM. Not 0 without grace_ms is
   * EINVAL.
   */
  int32_t stop_signal;
  /**
   * How many milliseconds it has then until SIGKILL. It is read from meanwhile. 0 means SIGKILL at once,
   * and no other signal.
   */
  int32_t grace_ms;
  /**
   * How many milliseconds more is waited, when the child has ended, while some other process holds a
   * pipe of its. Then what is in the pipes is taken, and if a pipe is still held FE_RESULT_HELD says so.
   * 0 means not to wait: what the child itself has written is there by then.
   */
  int32_t linger_ms;
} fe_io;

/**
 * What has come of it. Give it back with fe_result_free. All zero is empty. Its size is frozen.
 */
typedef struct fe_result {
  /**
   * The child's wait(2) status.
   */
  int32_t status;
  /**
   * FE_RESULT_..., or-ed.
   */
  uint32_t flags;
  /**
   * What the child wrote to its descriptor 1, from malloc(3), with a NUL behind the last byte, also when
   * there is none. NULL when it was no pipe, and with a sink.
   */
  char *output;
  /**
   * How many bytes, without that NUL.
   */
  size_t noutput;
  /**
   * The same for its descriptor 2.
   */
  char *errors;
  /**
   * How many bytes.
   */
  size_t nerrors;
  /**
   * Nanoseconds of CLOCK_MONOTONIC from the call until the child's end was seen; 0 when it was not.
   */
  uint64_t elapsed_ns;
  /**
   * What the child, and those that it has waited for, have used: getrusage(2).
   */
  struct rusage usage;
  /**
   * Zero.
   */
  uint64_t reserved[4];
} fe_result;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Starts a program. It returns 0 if and only if the kernel has accepted the exec, and fills in
 * `child`. Else it returns -1 with errno set, `child` empty and, unless it is NULL, `error`
 * telling which step failed; nothing is left behind: no process, no descriptor, no memory, no
 * SIGCHLD (but in the piped, the concurrent and the staged way). One thing cannot be told from success: a
 * child that is killed *inside* execve and at that moment reaped by another thread, which takes a wait
 * with __WALL; in those three ways any wait does.
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
int fe_spawn(const struct fe_attr *attr,
             struct fe_child *child,
             struct fe_error *error);

/**
 * Waits until the outcome of a spawn with FE_ASYNC is known, for at most `timeout_ms` milliseconds of
 * CLOCK_MONOTONIC; 0 only looks, -1 waits for ever (any other negative number is EINVAL). Returns 0
 * when the program has been started: `child` is then as fe_spawn leaves it. Else -1 with errno:
 * EINPROGRESS when the time is up, with `error` naming the step that the child is in, and `child` still
 * to be finished; or what fe_spawn would say of the failure, and `child` is empty. EINVAL for NULL, and
 * for a child that is not pending, or with FE_PTRACE in another thread; ECHILD in another process than the one that called fe_spawn. Nor
 * does it fail with EINTR, or is it a cancellation point. One fe_child must not be used from two threads
 * at once, but the thread need not be the one that called fe_spawn.
 */
int fe_spawn_finish(struct fe_child *child,
                    int timeout_ms,
                    struct fe_error *error);

/**
 * Lets a child of FE_SUSPEND go to its exec, and is fe_spawn_finish for it then: with `timeout_ms` -1 it
 * returns the outcome, with 0 it does not wait, and fe_spawn_finish can be called later. A child that
 * was killed while it stood there is a failure as any other: ECANCELED with the signal. EINVAL, besides for what
 * fe_spawn_finish says, for a child that does not stand there. To cancel the spawn instead, fe_child_close: it
 * kills the child and reaps it. No cancellation point.
 */
int fe_resume(struct fe_child *child,
              int timeout_ms,
              struct fe_error *error);

/**
 * Starts `n` programs, `attrs[i]` as `children[i]`, without waiting for one before the next is on its
 * way. Each is what a fe_spawn of its own would be (timeout_ms counts from its own start), but for
 * FE_ASYNC, FE_SUSPEND and the ways that suspend the caller, which are EINVAL. Returns 0 when all were started.
 * Else -1: the errno is that of the first that was not, and `errors[i]` tells of each; those that were
 * started are in `children`. `errors` may be NULL; `attrs` and `children` that are NULL, unless n is 0,
 * are EINVAL. Signals are blocked for the calling thread meanwhile.
 */
int fe_spawn_many(const struct fe_attr *const *attrs,
                  size_t n,
                  struct fe_child *children,
                  struct fe_error *errors);

/**
 * Waits until the child has ended and stores its wait(2) status in `status`, which may be NULL. It
 * waits for at most `timeout_ms` milliseconds of CLOCK_MONOTONIC; 0 only looks, and -1 waits for
 * ever (any other negative number is EINVAL). Returns 0, or -1 with errno: ETIMEDOUT when the time
 * is up, ECHILD when the child was waited for before, by this or by other means, when the caller
 * ignores SIGCHLD, or for an empty child; EINPROGRESS for one that fe_spawn_finish is still to be
 * called for; EINVAL for NULL. Never EINTR. With FE_PIDFD and Linux 6.15 the status is there once even
 * when somebody else has waited for the child, or the caller ignores SIGCHLD: PIDFD_GET_INFO. With
 * FE_PTRACE it returns
 * the stops of the child too, as wait(2) does for a tracer; the child is then still to be waited
 * for. No cancellation point. One fe_child must not be used from two threads at once; different
 * ones may.
 */
int fe_wait(struct fe_child *child,
            int timeout_ms,
            int *status);

/**
 * Waits as fe_wait does, and stores in `usage`, which may be NULL, what the child, and those that it has
 * waited for, have used: getrusage(2). All zero where the status is known by PIDFD_GET_INFO alone, and
 * untouched when it fails.
 */
int fe_wait_usage(struct fe_child *child,
                  int timeout_ms,
                  int *status,
                  struct rusage *usage);

/**
 * Waits until any of `n` children has ended, and for that one as fe_wait does: its place in `children` is
 * stored in `index`, and its wait(2) status in `status`, which may be NULL. Of several that have ended it is
 * the one with the lowest place; the next call has the next. Places that hold NULL, an empty child or one
 * that was waited for are passed over, so the same list can be given again until there is none left.
 *
 * `timeout_ms` is as for fe_wait. Returns 0, or -1 with errno, and `n` in `index` unless it is the fault of
 * one: ECHILD when there is none left; ECHILD with its place for one whose end somebody else has
 * waited for, or whose status is lost since the caller ignores SIGCHLD (but see fe_wait for FE_PIDFD), which
 * counts as waited for from then on; EINPROGRESS with its place for one that fe_spawn_finish is still to be
 * called for; ETIMEDOUT; EINVAL for `children` or `index` NULL. Never EINTR. With FE_PTRACE stops count, as
 * for fe_wait.
 *
 * It sleeps in poll(2) on the children's pidfds; one that has none gets one for the time of the call
 * (Linux 5.3). Where they cannot be had (an older kernel, no free descriptors, more children than
 * RLIMIT_NOFILE) it looks every 10 ms at most. Other children of the caller, and its handlers of SIGCHLD,
 * are not touched. No cancellation point; as fe_wait says for threads.
 */
int fe_wait_any(struct fe_child *const *children,
                size_t n,
                int timeout_ms,
                size_t *index,
                int *status);

/**
 * Sends the child a signal; with 0 only looks whether it is there. Returns 0, or -1 with errno:
 * ESRCH when it was waited for, by whomever, or for an empty child; EPERM when the caller may not
 * (the child has other credentials); EINVAL for NULL or a signal that does not exist. A child that
 * has ended but was not waited for takes any signal and does nothing. With FE_PIDFD a recycled pid
 * is never hit; without, not unless another thread waits for the child at the same moment, or has
 * and the pid is that of another child of the caller's by now. Async-signal-safe, but for errno, in the middle
 * of fe_spawn_finish and fe_resume for that very child too.
 */
int fe_kill(struct fe_child *child,
            int sig);

/**
 * Gives back what the child holds (its pidfd, the `ends` of its pipes, its `cgroup`, its `pty`) and makes it empty. Neither kills the child nor
 * waits for it: one that was not waited for is a zombie until the caller's own wait(2) or exit.
 * NULL and an empty child are fine. With FE_ASYNC and before fe_spawn_finish the child goes on to its
 * exec, without a deadline; if that fails it exits with status 127, for the caller's own wait(2). To
 * cancel it, fe_kill it and call fe_spawn_finish. With FE_SUSPEND and before fe_resume the child is killed and
 * reaped: its program has never run.
 */
void fe_child_close(struct fe_child *child);

/**
 * Sends the child's process group a signal; with 0 only looks whether anybody is in it. The child must have
 * been made its leader: FE_SETSID, or FE_SETPGID or FE_FOREGROUND with pgid 0. It reaches whoever is in that
 * group: not descendants that have gone to others, as in the jobs of an interactive shell.
 *
 * Returns 0, or -1 with errno: ESRCH when the child was waited for, or is empty; EINVAL for NULL, for a child
 * that leads no group and for a signal that does not exist; EPERM when none of the group may be signalled.
 * The number of a group cannot become that of another one while its leader was not waited for, so none is hit
 * that is not of it; with FE_PIDFD and Linux 6.9 (PIDFD_SIGNAL_PROCESS_GROUP) not even when another thread
 * waits for the child at the same moment. Async-signal-safe, but for errno.
 */
int fe_kill_group(struct fe_child *child,
                  int sig);

/**
 * Sends the child and all processes that it has brought about a signal, by the best means that there is, and
 * stores in `how`, which may be NULL, which that was (0 when it fails):
 *
 * FE_TREE_CGROUP, with FE_OWN_CGROUP: all in the cgroup and in those below it, wherever they have gone
 * otherwise. SIGKILL by cgroup.kill (Linux 5.14); other signals, and SIGKILL before that, by cgroup.procs until
 * nobody new is in it. Processes that cannot be seen from the caller's pid namespace get SIGKILL alone.
 *
 * FE_TREE_PIDNS, with CLONE_NEWPID, for SIGKILL: the kernel kills all in the namespace when its init is killed.
 *
 * FE_TREE_SWEEP: the child, its children, theirs and so on, as /proc shows them, in sessions and groups of
 * their own too; and with FE_SETSID all in the child's session, also those whose parents have ended. What it
 * cannot reach is a process whose parent had ended before, and that has left the session (or the child has
 * none of its own): nothing shows any more where it came from, though the caller may be a child subreaper
 * (PR_SET_CHILD_SUBREAPER of prctl(2)). For SIGKILL all are stopped first, so that none can make another
 * and slip away; the caller may see SIGCHLD for that stop.
 *
 * FE_TREE_GROUP, where the child leads a process group and /proc cannot be read or is of another pid namespace:
 * that group.
 *
 * Each process gets the signal once, parents before children, those that are made meanwhile too. None is
 * signalled that does not belong to it: each is known by its pid and start, and is looked at again under a
 * pidfd (Linux 5.3; without it there is a moment in which a pid could be recycled). With 0 it only looks. A child
 * that has ended but was not waited for is fine: it is for the others then.
 *
 * Returns 0, or -1 with errno: ESRCH when the child was waited for, or is empty; EINVAL for NULL and for a signal
 * that does not exist; EPERM when one of them may not be signalled, and the others were; EAGAIN when new ones
 * were found at each of a hundred looks; ENOSYS when there is no means; EMFILE, ENFILE or ENOMEM when it
 * could not look. It takes a few descriptors and some memory for the time of the call, and as long as it
 * takes to look at all processes a few times. No cancellation point; not async-signal-safe; as fe_wait says for
 * threads.
 */
int fe_kill_tree(struct fe_child *child,
                 int sig,
                 int *how);

/**
 * Ends the child: sends `sig` (0: SIGTERM), waits for at most `grace_ms` milliseconds of CLOCK_MONOTONIC, sends
 * SIGKILL if it has not ended by then, never early, and waits for it. With `grace_ms` 0 it is SIGKILL at once
 * and no other signal. Its wait(2) status is stored in `status`, which may be NULL. For a child that has ended
 * already it is fe_wait.
 *
 * `flags` says who gets the signals: 0 the child; FE_STOP_GROUP its process group, as fe_kill_group, and what
 * is left of that when the child has ended gets SIGKILL then; FE_STOP_TREE its tree, as fe_kill_tree, where the
 * grace is for all: those who outlive the child keep what is left of it, and SIGKILL is for whoever is there at
 * its end, also if its parent has ended since the first signal. Both are EINVAL.
 *
 * Returns 0 when the child has ended and was waited for. Else -1 with errno: ECHILD when it was waited for
 * before, or by somebody else meanwhile (but see fe_wait for FE_PIDFD), or is empty; EPERM when the child may not
 * be signalled (others that may not are left); ETIMEDOUT when even SIGKILL has not ended it in ten seconds: it is
 * then still to be waited for; EINPROGRESS before fe_spawn_finish; EINVAL for NULL, an unknown flag, a signal that
 * does not exist, a negative `grace_ms`, FE_STOP_GROUP for a child that leads no group, and a child with
 * FE_PTRACE; with FE_STOP_TREE what fe_kill_tree fails with. Never EINTR. No cancellation point; as fe_wait says
 * for threads.
 */
int fe_stop(struct fe_child *child,
            int sig,
            int grace_ms,
            uint32_t flags,
            int *status);

/**
 * Writes `io->input` to the child's descriptor 0, collects what it writes to 1 and 2, and waits for
 * its end: any amount both ways, by the pipes of `child->ends`, of which none need be there. `io` may
 * be NULL: all its defaults. `result` is written whatever it held before; give it back with
 * fe_result_free.
 *
 * Returns 0 when the child has ended and was waited for, by itself or because its time was up. Else -1
 * with errno. Nothing was done: EINVAL for NULL, for an io that contradicts itself or the child, for
 * input without a pipe to it, and for a child with FE_PTRACE; E2BIG for an io that asks for what this
 * version does not know; EINPROGRESS before fe_spawn_finish. Or it was done, with what was collected by
 * then in `result`: ECHILD when somebody else has waited for the child, or the caller ignores SIGCHLD,
 * so that `status` and `usage` are not known (all output is there; but see fe_wait for FE_PIDFD); ECANCELED when the sink wanted no
 * more, and ENOMEM, when the child was stopped as at its deadline, and waited for; EPERM when it was to
 * be stopped and the caller may not send it signals, and ETIMEDOUT when even SIGKILL has not ended it in
 * ten seconds: it is then still to be waited for. In all these cases the ends are closed.
 *
 * A process that has inherited a pipe and lives on does not hold it up (see `linger_ms`). A child that
 * does not read is no SIGPIPE for the caller, whose own pending one stays. The ends are made
 * non-blocking, which the child does not see: each end of a pipe is an open file of its own. It sleeps
 * until there is something to do: by a pidfd (Linux 5.3), without which it looks for the child's end
 * every 10 ms at most. No cancellation point, never EINTR; as fe_wait says for threads.
 */
int fe_communicate(struct fe_child *child,
                   const struct fe_io *io,
                   struct fe_result *result);

/**
 * Gives back what fe_communicate or fe_run has put into it (`output` and `errors`, by free(3), which the
 * caller may do as well) and makes it all zero. NULL and an empty one are fine.
 */
void fe_result_free(struct fe_result *result);

/**
 * Runs a program to its end: fe_spawn, fe_communicate and fe_child_close. With `attr->files` NULL its
 * descriptors 1 and 2 are pipes, and 0 is one if there is input, else /dev/null; a list that is given is
 * used as it is (input then needs FE_FROM_PIPE as its first element; pipes at 3 and above are the
 * caller's, as fe_spawn leaves them). `io` may be NULL. `attr->timeout_ms` is for the start,
 * `io->timeout_ms` begins after it, and `result->elapsed_ns` has both.
 *
 * Returns 0 when the program was started and waited for, whatever its status is. Else -1 with errno
 * and `error`, which may be NULL: as fe_spawn, or as fe_communicate with the step "communicate". Nothing
 * is left behind: a program that was started was killed and waited for (but see EPERM and ETIMEDOUT at
 * fe_communicate). FE_ASYNC, FE_PTRACE, FE_SUSPEND and FE_PTY are EINVAL, and FE_IO_GROUP without FE_SETSID, FE_SETPGID or
 * FE_FOREGROUND with pgid 0. Threads, signals and stack: as fe_spawn and fe_communicate.
 */
int fe_run(const struct fe_attr *attr,
           const struct fe_io *io,
           struct fe_result *result,
           struct fe_error *error);

/**
 * Writes what fe_spawn would do for `attr`, without doing it: the way and why it is taken, and each system call
 * of the child in its order, with its step, its index and its values. What attr asks for is checked as fe_spawn checks it
 * before there is a child, so contradictions fail here in the same way. Pipes, terminals and data of `files` are made
 * for a moment, to see that they can be, and given back; nothing else is changed.
 *
 * `form` is FE_EXPLAIN_TEXT or FE_EXPLAIN_JSON (else EINVAL): an object with the members way, why and steps, an array
 * of objects with step, index (if the step has several items), call, args (numbers, strings, arrays, null, or {} for what is
 * not shown; "<fd>" and the like for what is known only then), into (where its result goes) and if; or by, for what is no system
 * call of the child. Of the environment only the count is shown. A byte of a string that is no UTF-8 is written as
 * the character of its number. What the texts say may change from version to version, their form does not.
 *
 * Like snprintf(3): at most `size` bytes are written with the NUL, which is always there unless size is 0, and the
 * length of the whole text is returned. `text` may be NULL if size is 0. When fe_spawn would fail before it makes a child, -1
 * with errno, and `error` as fe_spawn fills it. Where no spawn of this process has shown yet whether memory can
 * be shared here, it is taken for granted. Thread-safe, no cancellation point, not async-signal-safe.
 */
ssize_t fe_explain(const struct fe_attr *attr,
                   uint32_t form,
                   char *text,
                   size_t size,
                   struct fe_error *error);

/**
 * What this kernel, and what stands between it and this process (a filter, a container without /dev), offer: FE_HAS_... or-ed.
 * What is not there fails at its step when it is asked for, never silently; this is for who wants to know before. It is
 * asked for once in the life of a process, by calls that have no effect (a filter that kills for an unknown call kills
 * for these too), and kept: a filter that is installed later is not seen. Bits that this version does not know may be
 * set by a later one. Thread-safe; async-signal-safe.
 */
uint64_t fe_features(void);

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
      0, 0, NULL, 0, NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, NULL, 0, 0,       \
      0, 0, NULL, 0, NULL, { 0, 0, 0, 0 }, NULL, NULL, NULL, NULL,               \
      NULL, 0                                                                    \
  }
#define FE_CREDENTIAL_INIT                                                       \
  {                                                                              \
    sizeof(fe_credential), 0, 0, NULL, 0                                         \
  }
#define FE_SCHEDULING_INIT                                                       \
  {                                                                              \
    sizeof(fe_scheduling), 0, 0, 0, 0, 0, 0, 0, 0, NULL, 0, NULL, 0, 0, 0, 0     \
  }
#define FE_LIMITS_INIT                                                           \
  {                                                                              \
    sizeof(fe_limits), 0, NULL, 0, 0, 0, 0, 0                                    \
  }
#define FE_NAMESPACES_INIT                                                       \
  {                                                                              \
    sizeof(fe_namespaces), NULL, 0, 0, NULL, NULL                                \
  }
#define FE_PRIVILEGES_INIT                                                       \
  {                                                                              \
    sizeof(fe_privileges), 0, 0, 0, 0, 0, 0, 0, 0                                \
  }
#define FE_SANDBOX_INIT                                                          \
  {                                                                              \
    sizeof(fe_sandbox), 0, NULL, 0, 0, 0, 0, 0                                   \
  }
#define FE_IO_INIT                                                               \
  {                                                                              \
    sizeof(fe_io), 0, NULL, 0, NULL, NULL, 0, 0, 0, 0, 0                         \
  }
#define FE_CHILD_INIT                                                            \
  {                                                                              \
    -1, -1, 0, 0, -1, -1, 0, { -1, -1, -1 }, -1, { 0, 0, 0, 0 }                  \
  }
#define FE_ERROR_INIT                                                            \
  {                                                                              \
    0, 0, -1, 0, 0, { 0, 0, 0 }, { 0, 0, 0, 0 }                                  \
  }

/** In `fe_privileges`: the set of the capability `n` (CAP_... of linux/capability.h). */
#define FE_CAPABILITY(n) (UINT64_C(1) << (n))

/** In `files`: a duplicate of what the child's descriptor `n` is. */
#define FE_SAME_AS(n) (-0x10000000 - (n))
/** In `files`: what the element `k` of `redirects` says. */
#define FE_REDIRECT(k) (-0x20000000 - (k))

/** Elements of a list of redirects: `fe_redirect redirects[] = {FE_OPEN_FILE("log", O_WRONLY, 0)};` */
#define FE_OPEN_FILE(path, oflag, mode) {FE_REDIRECT_OPEN, oflag, mode, 0, path, NULL, 0, {0, 0, 0}}
#define FE_DATA(data, size) {FE_REDIRECT_DATA, 0, 0, 0, NULL, data, size, {0, 0, 0}}

/** An element of a list of resource limits: `fe_rlimit rlimits[] = {FE_RLIMIT(RLIMIT_CORE, 0, 0)};` */
#define FE_RLIMIT(resource, soft, hard) {resource, 0, soft, hard}

/** Elements of a list of actions: `fe_file_action actions[] = {FE_CLOSE(0), FE_DUP2(5, 1)};` */
#define FE_OPEN(fd, path, oflag, mode) {FE_ACTION_OPEN, fd, 0, oflag, mode, 0, path, {0, 0}}
#define FE_DUP2(from, fd) {FE_ACTION_DUP2, fd, from, 0, 0, 0, NULL, {0, 0}}
#define FE_CLOSE(fd) {FE_ACTION_CLOSE, fd, 0, 0, 0, 0, NULL, {0, 0}}
#define FE_CHDIR(path) {FE_ACTION_CHDIR, 0, 0, 0, 0, 0, path, {0, 0}}
#define FE_FCHDIR(fd) {FE_ACTION_FCHDIR, fd, 0, 0, 0, 0, NULL, {0, 0}}
#define FE_CLOSEFROM(fd) {FE_ACTION_CLOSEFROM, fd, 0, 0, 0, 0, NULL, {0, 0}}
#define FE_TCSETPGRP(fd) {FE_ACTION_TCSETPGRP, fd, 0, 0, 0, 0, NULL, {0, 0}}

#endif /* FORKEXEC_H */
