// SPDX-License-Identifier: BSD-3-Clause
//! The structs and constants of the C face, exactly as `forkexec.h` shows them. Nothing here acts.
//!
//! Their layout is the ABI: fields are only ever appended to `fe_attr` and `fe_credential`, and the
//! structs that the library writes never change their size (capi/spawn.rs and c-tests/abi.c hold
//! both to it). The doc comments end up in the header: they are written for the C reader.

#![allow(non_camel_case_types)]

mod limits;

pub use limits::*;

use libc::{
    c_char, c_int, c_void, gid_t, mode_t, pid_t, rusage, sigset_t, size_t, sock_filter, timespec,
    uid_t, winsize,
};

/// The child becomes the leader of a new session, without a controlling terminal: setsid(2). It
/// cannot be combined with FE_SETPGID, which the kernel always refuses to a session leader, nor
/// with FE_FOREGROUND.
pub const FE_SETSID: u64 = 0x1;
/// The child joins the process group `pgid`, or leads a new one of its own when pgid is 0:
/// setpgid(2).
pub const FE_SETPGID: u64 = 0x2;
/// The child's controlling terminal becomes its descriptor `ctty`: TIOCSCTTY of ioctl_tty(2), never
/// stealing one from another session. Needs FE_SETSID.
pub const FE_SETCTTY: u64 = 0x4;
/// The child gives up its controlling terminal, whatever its descriptor 0 is: TIOCNOTTY on
/// /dev/tty, which must exist and takes a free descriptor for a moment. Having none is no error.
pub const FE_NOCTTY: u64 = 0x8;
/// The child's process group becomes the foreground group of the terminal that is its descriptor
/// `ctty`: tcsetpgrp(3). Implies FE_SETPGID. Cannot be combined with FE_SETSID or FE_SETCTTY, since
/// a session leader that gets a controlling terminal is in its foreground already, nor with
/// FE_NOCTTY. When the spawn fails after that, the terminal's foreground group becomes again what
/// it was.
pub const FE_FOREGROUND: u64 = 0x10;
/// The child asks to be traced by the calling thread: PTRACE_TRACEME of ptrace(2). fe_spawn
/// succeeds once the child stands in its first stop, the SIGTRAP after exec, which is left for the
/// caller to wait for (Linux 3.11). A signal that comes before is pending for the child then. A
/// SIGSTOP or SIGTRAP that comes before stops the child, and so fe_spawn.
pub const FE_PTRACE: u64 = 0x20;
/// Every descriptor that neither `files` nor `keep` names, nor an action opens or duplicates to, is closed in
/// the child; with `files` NULL, every one but 0, 1, 2 and those. Uses close_range(2) (Linux 5.9),
/// else /proc/self/fd, else one close for each number up to the hard limit, which then must not have
/// been lowered below an open descriptor. In the shared way the cost does not grow with the number of
/// open descriptors, but for one of `files` that is high where pidfd_getfd(2) is not permitted.
pub const FE_CLOSE_OTHERS: u64 = 0x40;
/// A `path` without a slash is looked for in the directories of `search_path` or, when that is NULL,
/// of the caller's PATH ("/bin:/usr/bin" when it is unset) as execvp(3) does, relative ones from the
/// child's working directory. A candidate that may not be executed (EACCES) is remembered while the
/// search goes on. A shell is not run (but see FE_SHELL_FALLBACK).
pub const FE_SEARCH_PATH: u64 = 0x80;
/// `fe_child.pidfd` gets a descriptor that refers to the child: CLONE_PIDFD of clone(2) (Linux 5.3;
/// else ENOSYS at the step "pidfd"). It is close-on-exec. fe_wait and fe_kill then cannot hit a
/// recycled pid.
pub const FE_PIDFD: u64 = 0x100;
/// With `gid_mappings`, without which it is EINVAL: leave setgroups(2) permitted in the new user
/// namespace. Needs CAP_SETGID in the caller's (user_namespaces(7)). Without this flag "deny" is
/// written to /proc/PID/setgroups.
pub const FE_ALLOW_SETGROUPS: u64 = 0x200;
/// With `chroot`, without which it is EINVAL: do not change the working directory to the new root.
/// It is then a way out of it, unless `dir` is an absolute path.
pub const FE_CHROOT_KEEP_CWD: u64 = 0x400;
/// With CLONE_NEWNS, without which it is EINVAL: leave the propagation of the mounts as it is.
/// Without this flag, which a caller whose root is no mount point needs (EINVAL at "propagation"),
/// they become private (MS_REC | MS_PRIVATE of mount(2)), so that what the child mounts stays in
/// its namespace.
pub const FE_KEEP_PROPAGATION: u64 = 0x800;
/// The effective user and group id become the real ones, as POSIX_SPAWN_RESETIDS of posix_spawn(3)
/// has it; exec makes the saved ones follow. Cannot be combined with `credential`.
pub const FE_RESETIDS: u64 = 0x1000;
/// The program is the file that is open as the caller's descriptor `execfd`: execveat(2) with
/// AT_EMPTY_PATH (Linux 3.19), as fexecve(3). `path` must be NULL. The child has the descriptor until
/// exec, whatever `files`, the actions and FE_CLOSE_OTHERS do to its number (it is then moved, to a
/// number above all that they name: EMFILE or EINVAL at "execfd" when there is none). O_PATH is
/// enough. A script needs its descriptor after exec too, for its interpreter to read: with one that is
/// close-on-exec, or FE_CLOSE_OTHERS, it fails with ENOENT at "script_fd". Cannot be combined with
/// FE_SEARCH_PATH, FE_EXECVEAT or FE_SHELL_FALLBACK.
pub const FE_FEXECVE: u64 = 0x2000;
/// `path`, if it is relative, is relative to the directory that is open as the caller's descriptor
/// `execfd`: execveat(2). What FE_FEXECVE says of the descriptor, of scripts and of other flags holds
/// here too.
pub const FE_EXECVEAT: u64 = 0x4000;
/// A file that is found and allowed, but of no format that the kernel knows (ENOEXEC), is run by the
/// shell, as execvp(3) does: "/bin/sh" with argv[0], the path that was found, argv[1] and so on. A
/// script without "#!" runs so, and any text with the right mode. What fails then is the step "shell".
pub const FE_SHELL_FALLBACK: u64 = 0x8000;
/// The child is born in the cgroup (version 2) whose directory is open as the caller's descriptor
/// `cgroup`: CLONE_INTO_CGROUP of clone(2) (Linux 5.7). Where that cannot be had, the child enters it as its first
/// act, by cgroup.procs: so all of the program's life is in it in any case.
pub const FE_CGROUP: u64 = 0x10000;
/// fe_spawn returns as soon as there is a child, and fe_spawn_finish tells the outcome. What `attr` points
/// to need not stay. `fe_child.ready` becomes readable when the outcome is known; it is for poll(2)
/// only. A process that another thread has forked meanwhile holds it back until it execs or ends, so
/// with such ones look by fe_spawn_finish now and then, which is not held back. Until
/// fe_spawn_finish the child can only be killed and closed. It is a child like any other from the
/// start: one that fails raises SIGCHLD, and a wait(2) of another thread for any child can take it
/// away (then it may be told as killed, without its signal). A process's first spawn may take as
/// long as without this flag. With FE_PTRACE fe_spawn_finish must be called by the same thread.
pub const FE_ASYNC: u64 = 0x20000;
/// With FE_CGROUP, without which it is EINVAL: nobody is or will be in that cgroup and those below it but the
/// child and its descendants. fe_kill_tree and fe_stop then reach all of them by it. `fe_child.cgroup` gets a
/// duplicate of the descriptor; that there is none to be had is EMFILE at the step "cgroup". Make a new cgroup for
/// each such child: Linux 6.18 kills whoever is born in one whose cgroup.kill has been used.
pub const FE_OWN_CGROUP: u64 = 0x40000;
/// fe_spawn returns when the child has done all steps but those from its signal mask on, and stands before
/// its exec. fe_resume lets it go. Meanwhile what belongs to a process can be set from outside, by its pid or
/// pidfd: its cgroup, prlimit(2), perf_event_open(2) with enable_on_exec, setpriority(2). Its signals are
/// blocked: but for SIGKILL and SIGSTOP they strike when it goes on. `timeout_ms` does not count that time.
/// When the caller ends, the child ends (status 127) unless a process that the caller has forked lives on.
/// With CLONE_NEWUSER and no maps the maps can be written too, for which the child stays dumpable (prctl(2)): whoever
/// is of the same user may trace it. With any other change of credentials or of the user namespace it is not.
/// Takes the piped way, since the caller's memory must not be the child's when it gets other limits, with what
/// FE_ASYNC says of waits and of other processes. A socket pair that cannot be made fails at "suspend". Cannot
/// be combined with FE_ASYNC.
pub const FE_SUSPEND: u64 = 0x80000;
/// The child gets a new pseudo-terminal (pty(7)) as its controlling terminal, in a new session (FE_SETSID is
/// implied), and is in its foreground. With `files` NULL its descriptors 0, 1 and 2 are that terminal; else those
/// whose element is FE_TERMINAL, at least one (without any it is EINVAL). The other end is `fe_child.pty`.
/// `winsize` is its size. With `credential`, and no user namespace, the terminal belongs to that user, if the
/// caller may give it away (CAP_CHOWN). Needs /dev/ptmx. Cannot be combined with FE_SETPGID, FE_FOREGROUND and
/// FE_SETCTTY. It is the controlling terminal before the actions are done, whatever they put in its place. What fails is
/// the step "pty".
pub const FE_PTY: u64 = 0x100000;
/// With `chroot` and a new mount namespace (CLONE_NEWNS in `cloneflags` or in `namespaces->unshare`), without which
/// it is EINVAL: the new root is mounted in place of the old one, and that is unmounted: pivot_root(2). Nothing is left
/// of the old root, so there is no way back (of several mounts on top of each other at "/" only the uppermost goes). `chroot` need not be a mount point. Needs CAP_SYS_ADMIN in the
/// namespace. "/" is EBUSY. Cannot be combined with FE_CHROOT_KEEP_CWD. With FE_KEEP_PROPAGATION the kernel may refuse it (EINVAL).
pub const FE_PIVOT_ROOT: u64 = 0x200000;
/// With maps, without which it is EINVAL: a map that the caller may not write (EPERM) is written by newuidmap(1)
/// or newgidmap(1) from the caller's PATH (of a caller with AT_SECURE, getauxval(3), from /usr/bin or /bin), which know the ranges that a user may have (subuid(5)). They are started
/// with 0, 1 and 2 on /dev/null, and raise SIGCHLD. ENOENT at "uid_map" or "gid_map": there is no such
/// program; EPERM: it would not.
pub const FE_NEWIDMAP: u64 = 0x400000;
/// No exec gives the program, or any that it makes, more privileges than it has: PR_SET_NO_NEW_PRIVS of
/// prctl(2) (Linux 3.5). It cannot be taken back. `sandbox` wants it of whoever has no CAP_SYS_ADMIN.
pub const FE_NO_NEW_PRIVS: u64 = 0x100_0000;
/// Reserved; EINVAL.
pub const FE_DETACH: u64 = 0x8000_0000_0000_0000;

/// The library chooses the cheapest way that is correct.
pub const FE_WAY_AUTO: u32 = 0;
/// CLONE_VM and CLONE_VFORK: the child runs in the caller's memory while the calling thread is
/// suspended. The usual way. Cannot be forced (EINVAL) for a child whose user or group changes, that
/// permits itself less (fe_privileges) or that gets a user namespace, since memory must not be shared across privileges, nor with
/// CLONE_NEWTIME or maps. Where it turns out that memory is not shared (emulators, valgrind), the
/// copy way is taken, and `fe_child.way` says so.
pub const FE_WAY_SHARED: u32 = 1;
/// CLONE_VFORK without CLONE_VM: a copy of the caller's memory, the calling thread suspended.
pub const FE_WAY_COPY: u32 = 2;
/// fork(2) and a close-on-exec pipe that carries the outcome. The only way with `uid_mappings` or
/// `gid_mappings`, which the parent writes while the child waits. A failed spawn raises SIGCHLD. Where SIGCHLD is ignored, a child that is
/// killed inside execve counts as started here. So does one in a session of its own (FE_SETSID), or of a caller to whom a filter
/// forbids setpgid(2), where there is no /proc; and for such a one fe_spawn waits for a process that another thread has forked
/// meanwhile and that keeps the pipe open.
pub const FE_WAY_PIPED: u32 = 3;
/// CLONE_VM without CLONE_VFORK, on a stack of its own: the child runs in the caller's memory, beside the
/// calling thread. For FE_ASYNC, timeout_ms and fe_spawn_many, where the piped way is the other one.
/// Cannot be forced for what the shared way cannot, nor with FE_CGROUP, FE_SUSPEND, FE_PTRACE or
/// FE_LIMIT_OOM_SCORE_ADJ. Where memory is not
/// shared, or clone3(2) refused (Linux 5.5), the piped way is taken. A failed spawn raises SIGCHLD.
pub const FE_WAY_CONCURRENT: u32 = 4;
/// As FE_WAY_SHARED until the credentials are to change; then the child execs a small program in a
/// memfd_create(2) of the library's own, which does the rest and execs in turn. Neither shares memory with
/// another user nor copies it: for a change of credentials or fewer permitted capabilities by a caller with
/// much memory in use (8 MiB resident), where a copy takes longer; then it is the usual way. Only for a caller whose ids and capabilities an
/// exec leaves alone: all user ids 0, one group id, all capabilities of the bounding set, no securebits,
/// no ambient set, no seccomp filter; and that does not ignore SIGCHLD (EPERM at "stage" if it is forced). Cannot be forced
/// (EINVAL) with what FE_WAY_SHARED cannot but a credential, FE_RESETIDS and fe_privileges, nor with FE_PTRACE,
/// FE_FEXECVE, FE_EXECVEAT, or an action or a terminal that needs a descriptor which `files` does not open.
/// Security modules see two execs. A failed spawn raises SIGCHLD. Where there is no /proc, what FE_WAY_PIPED says of sessions holds for all.
pub const FE_WAY_STAGED: u32 = 5;

/// No step: the spawn succeeded, or nothing was tried.
pub const FE_STEP_NONE: i32 = 0;
/// The arguments: refused before anything was done.
pub const FE_STEP_ARGS: i32 = 1;
/// Memory for the plan or for the record of the outcome.
pub const FE_STEP_MEMORY: i32 = 2;
/// A pipe of the piped way.
pub const FE_STEP_PIPE: i32 = 3;
/// clone3(2) or clone(2).
pub const FE_STEP_CLONE: i32 = 4;
/// The descriptor of FE_PIDFD.
pub const FE_STEP_PIDFD: i32 = 5;
/// Writing /proc/PID/uid_map, by the parent.
pub const FE_STEP_UID_MAP: i32 = 6;
/// Writing "deny" to /proc/PID/setgroups, by the parent.
pub const FE_STEP_SETGROUPS_DENY: i32 = 7;
/// Writing /proc/PID/gid_map, by the parent.
pub const FE_STEP_GID_MAP: i32 = 8;
/// The child's wait for its maps.
pub const FE_STEP_MAPS_WAIT: i32 = 9;
/// `sigdefault` and `sigignore`, with the number of the signal as index; and without an index setting
/// caught signals to their default action, where clone3 could not do it.
pub const FE_STEP_SIGACTION: i32 = 10;
/// mount(2), which makes the mounts of a new mount namespace private.
pub const FE_STEP_PROPAGATION: i32 = 11;
/// FE_NOCTTY.
pub const FE_STEP_NOCTTY: i32 = 12;
/// setsid(2).
pub const FE_STEP_SETSID: i32 = 13;
/// setpgid(2).
pub const FE_STEP_SETPGID: i32 = 14;
/// chroot(2).
pub const FE_STEP_CHROOT: i32 = 15;
/// chdir(2) to the new root, after chroot.
pub const FE_STEP_CHROOT_CHDIR: i32 = 16;
/// setgroups(2).
pub const FE_STEP_SETGROUPS: i32 = 17;
/// Setting the group: setresgid(2).
pub const FE_STEP_SETGID: i32 = 18;
/// Setting the user: setresuid(2).
pub const FE_STEP_SETUID: i32 = 19;
/// chdir(2) to `dir`.
pub const FE_STEP_CHDIR: i32 = 20;
/// The list of files; the index is the child's descriptor.
pub const FE_STEP_FILES: i32 = 21;
/// FE_CLOSE_OTHERS.
pub const FE_STEP_CLOSE_OTHERS: i32 = 22;
/// FE_SETCTTY.
pub const FE_STEP_SETCTTY: i32 = 23;
/// FE_FOREGROUND.
pub const FE_STEP_FOREGROUND: i32 = 24;
/// PR_SET_PDEATHSIG of prctl(2).
pub const FE_STEP_PDEATHSIG: i32 = 25;
/// The check, after pdeathsig is set, that the parent still lives.
pub const FE_STEP_PARENT_ALIVE: i32 = 26;
/// Setting the child's signal mask: a signal that is pending for the child strikes here. Or, where a filter forbids it, blocking the
/// caller's signals, before there is a child.
pub const FE_STEP_SIGMASK: i32 = 27;
/// PTRACE_TRACEME of ptrace(2).
pub const FE_STEP_PTRACE: i32 = 28;
/// execve(2) or execveat(2). With FE_SEARCH_PATH the index is the number of the element of PATH that holds the
/// program which could not be executed; -1 when it was found in none.
pub const FE_STEP_EXEC: i32 = 29;

/// FE_ACTION_OPEN, by its index in the list of actions; so are the six that follow.
pub const FE_STEP_ACTION_OPEN: i32 = 30;
/// FE_ACTION_DUP2.
pub const FE_STEP_ACTION_DUP2: i32 = 31;
/// FE_ACTION_CLOSE.
pub const FE_STEP_ACTION_CLOSE: i32 = 32;
/// FE_ACTION_CHDIR.
pub const FE_STEP_ACTION_CHDIR: i32 = 33;
/// FE_ACTION_FCHDIR.
pub const FE_STEP_ACTION_FCHDIR: i32 = 34;
/// FE_ACTION_CLOSEFROM.
pub const FE_STEP_ACTION_CLOSEFROM: i32 = 35;
/// FE_ACTION_TCSETPGRP.
pub const FE_STEP_ACTION_TCSETPGRP: i32 = 36;
/// The policy and priority of `scheduling`.
pub const FE_STEP_SCHEDULING: i32 = 37;
/// FE_RESETIDS.
pub const FE_STEP_RESETIDS: i32 = 38;
/// FE_CGROUP: the cgroup does not take the child, or the kernel knows no such thing.
pub const FE_STEP_CGROUP: i32 = 39;
/// The descriptor `execfd`: it is not open, or could not be moved out of the way.
pub const FE_STEP_EXECFD: i32 = 40;
/// A script was given by a descriptor that is closed when its interpreter wants to read it: FE_FEXECVE
/// or FE_EXECVEAT with close-on-exec or FE_CLOSE_OTHERS. The errno is execveat(2)'s ENOENT.
pub const FE_STEP_SCRIPT_FD: i32 = 41;
/// execve(2) of /bin/sh for FE_SHELL_FALLBACK.
pub const FE_STEP_SHELL: i32 = 42;
/// FE_CLOSE_OTHERS, where the child takes over no more of the caller's descriptor table than it needs. A
/// child can be killed there; when the kernel refuses, it is done in another way.
pub const FE_STEP_UNSHARE_FILES: i32 = 43;
/// The program between of FE_WAY_STAGED. A child can be killed there; when it cannot be had, and was not
/// forced, the copy way is taken.
pub const FE_STEP_STAGE: i32 = 44;
/// Of fe_run: the program was started, but not fed, drained or waited for as it should be.
pub const FE_STEP_COMMUNICATE: i32 = 45;
/// FE_SUSPEND: the child stands there, or the socket pair to wake it by could not be had.
pub const FE_STEP_SUSPEND: i32 = 46;
/// FE_PTY: making the terminal, by the parent.
pub const FE_STEP_PTY: i32 = 47;
/// Entering a namespace, with its place in `namespaces->joins`.
pub const FE_STEP_SETNS: i32 = 48;
/// unshare(2) of `namespaces->unshare`.
pub const FE_STEP_UNSHARE: i32 = 49;
/// Writing /proc/self/timens_offsets.
pub const FE_STEP_TIME_OFFSETS: i32 = 50;
/// FE_PIVOT_ROOT: index 0 is the mount onto itself, 1 chdir(2), 2 pivot_root(2), 3 umount2(2) of the old
/// root, 4 chdir(2) to the new one.
pub const FE_STEP_PIVOT_ROOT: i32 = 51;
/// umask(2).
pub const FE_STEP_UMASK: i32 = 52;
/// A resource limit, by its index in the list: prlimit(2).
pub const FE_STEP_RLIMITS: i32 = 53;
/// setpriority(2).
pub const FE_STEP_NICE: i32 = 54;
/// sched_setaffinity(2).
pub const FE_STEP_AFFINITY: i32 = 55;
/// set_mempolicy(2).
pub const FE_STEP_MEMPOLICY: i32 = 56;
/// ioprio_set(2).
pub const FE_STEP_IOPRIO: i32 = 57;
/// Writing /proc/self/oom_score_adj.
pub const FE_STEP_OOM_SCORE_ADJ: i32 = 58;
/// PR_SET_TIMERSLACK of prctl(2).
pub const FE_STEP_TIMER_SLACK: i32 = 59;
/// PR_SCHED_CORE of prctl(2).
pub const FE_STEP_CORE_SCHED: i32 = 60;
/// personality(2).
pub const FE_STEP_PERSONALITY: i32 = 61;
/// Keeping the permitted capabilities while the user changes: PR_SET_KEEPCAPS of prctl(2). EPERM where
/// SECBIT_KEEP_CAPS is locked.
pub const FE_STEP_KEEPCAPS: i32 = 62;
/// `fe_privileges.bounding`, with the number of the capability as index: PR_CAPBSET_DROP of prctl(2).
pub const FE_STEP_BOUNDING: i32 = 63;
/// `fe_privileges.inheritable`: capset(2).
pub const FE_STEP_INHERITABLE: i32 = 64;
/// `fe_privileges.ambient`, with the number of the capability as index: PR_CAP_AMBIENT of prctl(2); without an
/// index clearing the set, or adding to the inheritable set what it needs (EPERM: the caller does not have it).
pub const FE_STEP_AMBIENT: i32 = 65;
/// `fe_privileges.securebits`: PR_SET_SECUREBITS of prctl(2).
pub const FE_STEP_SECUREBITS: i32 = 66;
/// `fe_privileges.permitted` and `effective`, and giving up what was kept: capset(2).
pub const FE_STEP_PERMITTED: i32 = 67;
/// FE_NO_NEW_PRIVS.
pub const FE_STEP_NO_NEW_PRIVS: i32 = 68;
/// `fe_sandbox.landlock`: landlock_restrict_self(2). EBADF: not open, EBADFD: no ruleset, EPERM: neither
/// FE_NO_NEW_PRIVS nor CAP_SYS_ADMIN, E2BIG: the 17th ruleset upon each other, ENOSYS or EOPNOTSUPP: the kernel has
/// none, EMFILE: the descriptor must be moved and there is no number for it.
pub const FE_STEP_LANDLOCK: i32 = 69;
/// `fe_sandbox.filter`: seccomp(2). EACCES: neither FE_NO_NEW_PRIVS nor CAP_SYS_ADMIN, EINVAL: not a program that
/// the kernel takes, or no such flag, ENOMEM: too many filters, ENOSYS: the kernel has none.
pub const FE_STEP_SECCOMP: i32 = 70;
/// A descriptor of `keep`, with its place in the list.
pub const FE_STEP_KEEP: i32 = 71;

/// open(2) of `path` with `oflag` and `mode`, to the descriptor `fd`, which is closed first. It is
/// close-on-exec only with O_CLOEXEC.
pub const FE_ACTION_OPEN: i32 = 1;
/// dup2(2) of `from` to `fd`. When they are equal it becomes inheritable (loses close-on-exec).
pub const FE_ACTION_DUP2: i32 = 2;
/// close(2) of `fd`, which need not be open.
pub const FE_ACTION_CLOSE: i32 = 3;
/// chdir(2) to `path`.
pub const FE_ACTION_CHDIR: i32 = 4;
/// fchdir(2) to `fd`.
pub const FE_ACTION_FCHDIR: i32 = 5;
/// close(2) of `fd` and all above, as FE_CLOSE_OTHERS does it.
pub const FE_ACTION_CLOSEFROM: i32 = 6;
/// tcsetpgrp(3): the child's process group becomes the foreground group of the terminal `fd`. When the
/// spawn fails after that, the foreground of the caller's controlling terminal becomes again what it
/// was, provided that /dev/tty can be opened.
pub const FE_ACTION_TCSETPGRP: i32 = 7;

/// In `files`: a new pipe, from which the child reads. `fe_child.ends` has the other end.
pub const FE_FROM_PIPE: i32 = -2;
/// In `files`: a new pipe, into which the child writes. `fe_child.ends` has the other end.
pub const FE_TO_PIPE: i32 = -3;
/// In `files`: /dev/null of the caller's root, open for reading and writing.
pub const FE_NULL: i32 = -4;
/// In `files`, with FE_PTY: the new terminal.
pub const FE_TERMINAL: i32 = -5;

/// open(2) of `path` with `oflag` and `mode`.
pub const FE_REDIRECT_OPEN: i32 = 1;
/// A file that holds the `size` bytes at `data`, from which the child reads at offset 0 and which
/// nobody can write to: memfd_create(2) (Linux 3.17; else ENOSYS).
pub const FE_REDIRECT_DATA: i32 = 2;

/// What FE_REDIRECT(k) in `files` makes of a descriptor; each use makes it anew. What a kind does not
/// use must be zero, else EINVAL at "args" with the index of the child's descriptor (-1 if it is that of
/// none). Its size is frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_redirect {
    /// FE_REDIRECT_OPEN or FE_REDIRECT_DATA.
    pub kind: i32,
    /// FE_REDIRECT_OPEN: the flags of open(2). O_CLOEXEC has no effect.
    pub oflag: i32,
    /// FE_REDIRECT_OPEN: the mode of a file that is made, less the umask.
    pub mode: mode_t,
    /// Zero.
    pub reserved: u32,
    /// FE_REDIRECT_OPEN: relative to the child's working directory, and within `chroot`. It is the child
    /// that opens it, at the step "files" and with the rights of `credential`; timeout_ms covers it.
    pub path: *const c_char,
    /// FE_REDIRECT_DATA: the contents; NULL only with `size` 0.
    pub data: *const c_void,
    /// FE_REDIRECT_DATA: how many bytes.
    pub size: size_t,
    /// Zero.
    pub reserved2: [u64; 3],
}

/// One of the ordered actions. What an action does not use must be zero, else EINVAL at "args" with
/// its index. Descriptors are the child's; a negative one is EBADF at the action's step. Its size is
/// frozen. FE_OPEN, FE_DUP2 and so on make one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_file_action {
    /// FE_ACTION_...
    pub action: i32,
    /// The descriptor that is acted on.
    pub fd: i32,
    /// FE_ACTION_DUP2: the source.
    pub from: i32,
    /// FE_ACTION_OPEN: the flags of open(2).
    pub oflag: i32,
    /// FE_ACTION_OPEN: the mode of a file that is made, less the umask.
    pub mode: mode_t,
    /// Zero.
    pub reserved: u32,
    /// FE_ACTION_OPEN and FE_ACTION_CHDIR: relative to what is the working directory by then, and
    /// within `chroot`.
    pub path: *const c_char,
    /// Zero.
    pub reserved2: [u64; 2],
}

/// fe_privileges.flags: `bounding` is given.
pub const FE_PRIVILEGES_BOUNDING: u64 = 0x1;
/// fe_privileges.flags: `inheritable` is given.
pub const FE_PRIVILEGES_INHERITABLE: u64 = 0x2;
/// fe_privileges.flags: `permitted` is given.
pub const FE_PRIVILEGES_PERMITTED: u64 = 0x4;
/// fe_privileges.flags: `effective` is given.
pub const FE_PRIVILEGES_EFFECTIVE: u64 = 0x8;
/// fe_privileges.flags: `ambient` is given.
pub const FE_PRIVILEGES_AMBIENT: u64 = 0x10;
/// fe_privileges.flags: `securebits` is given.
pub const FE_PRIVILEGES_SECUREBITS: u64 = 0x20;

/// What the child may do: capabilities(7). Start from FE_PRIVILEGES_INIT. A set is a mask in which bit n is the
/// capability n, so FE_CAPABILITY(CAP_NET_BIND_SERVICE); it counts if its flag is in `flags`, 0 too, and one that is
/// not 0 without its flag is EINVAL. In all but `bounding` so is a capability that the running kernel does not know.
///
/// The order, of which each step says why the next is where it is: capabilities leave the bounding set, which needs
/// CAP_SETPCAP. If `credential` or FE_RESETIDS makes another user of user 0, the kernel takes the permitted set away: it
/// is kept if any of what follows is given. Groups, gid and uid change; the kernel clears the effective and the
/// ambient set. The inheritable set is set, and CAP_SETPCAP made effective again, if the caller has it. The ambient
/// set is raised. Securebits are set, of which SECBIT_NO_CAP_AMBIENT_RAISE forbids that. The permitted and the
/// effective set are set. Then `dir`, `files` and the rest, with these privileges.
///
/// What exec makes of them (capabilities(7)): a user other than 0 is permitted the ambient set, which is effective
/// too, and what the file's capabilities add; user 0 the bounding and the inheritable set, without
/// SECBIT_NOROOT. So for a program to have a capability as an ordinary user, `ambient` is what to ask for; and for user
/// 0 to lack one, `bounding` (and `inheritable`).
///
/// In a way that is not shared (EINVAL if that is forced) if the child permits itself less than its caller: whoever has
/// that much may trace it (ptrace(2)). What is not in the caller's permitted set is EPERM at the set's step.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_privileges {
    /// sizeof(fe_privileges).
    pub size: size_t,
    /// FE_PRIVILEGES_..., or-ed. Others are EINVAL.
    pub flags: u64,
    /// The bounding set that is left: all others are dropped, each by a call of its own (Linux 2.6.25). EPERM without
    /// CAP_SETPCAP, with the first to be dropped as index. Capabilities that the kernel does not know may be
    /// in it, so ~FE_CAPABILITY(n) is all but one.
    pub bounding: u64,
    /// The inheritable set. What is new in it must be in the bounding set, and be permitted to the caller unless it has
    /// CAP_SETPCAP (EPERM). Not given: the caller's, with `ambient` added.
    pub inheritable: u64,
    /// The permitted set until exec; after it too where FE_NO_NEW_PRIVS keeps exec from adding to it. (Where exec does,
    /// the kernel makes the program undumpable.) Not given: the
    /// caller's; but where a change of user from 0 takes it away, `ambient` and `effective`.
    pub permitted: u64,
    /// The effective set until exec, so what `dir`, `files` and `actions` are opened with; EINVAL if it is not within
    /// `permitted`. Not given: the caller's, within `permitted`; but nothing where a change of user from 0
    /// takes it away.
    pub effective: u64,
    /// The ambient set (Linux 4.3; else EINVAL at "ambient"). EINVAL if it is not within `inheritable` and `permitted`;
    /// to either, if it is not given, it is added. Not given: the caller's, which a change of user from 0
    /// clears. A set-user-ID program, and one with file capabilities, does not get it.
    pub ambient: u64,
    /// SECBIT_... of linux/securebits.h, all of them. EPERM without CAP_SETPCAP, for a locked one that would change, and
    /// for one that the kernel does not know. SECBIT_KEEP_CAPS is cleared by exec. Not given: the caller's.
    pub securebits: u32,
    /// Zero.
    pub reserved: u32,
}

/// fe_sandbox.flags: `landlock` is given.
pub const FE_SANDBOX_LANDLOCK: u64 = 0x1;

/// What the program cannot do whoever it is. Start from FE_SANDBOX_INIT. It can be made once and used for many
/// spawns, by several threads at once. It comes last of all, first landlock, then the filter, so the filter
/// need allow nothing but execve(2) (execveat(2) with FE_FEXECVE and FE_EXECVEAT); an exec that either refuses is told as
/// any other, at "exec". Both need FE_NO_NEW_PRIVS, or CAP_SYS_ADMIN in the effective set after `credential`
/// and `privileges`; the library does not set it by itself.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_sandbox {
    /// sizeof(fe_sandbox).
    pub size: size_t,
    /// FE_SANDBOX_LANDLOCK. Others are EINVAL.
    pub flags: u64,
    /// A seccomp filter: a BPF program as in seccomp(2) (Linux 3.17), struct sock_filter of linux/filter.h. NULL
    /// means none.
    pub filter: *const sock_filter,
    /// How many instructions: 1 to 4096 with a filter, else 0; EINVAL.
    pub nfilter: size_t,
    /// SECCOMP_FILTER_FLAG_LOG and SECCOMP_FILTER_FLAG_SPEC_ALLOW; others, and any without a filter, are EINVAL.
    pub filter_flags: u32,
    /// A ruleset of landlock_create_ruleset(2) (Linux 5.13): a descriptor of the *caller*. The child has it until it is
    /// needed, whatever `files`, the actions and FE_CLOSE_OTHERS do to its number (which takes another descriptor for the
    /// time of the call). The program has it only as any other that is not close-on-exec, as rulesets are. Not 0
    /// without its flag is EINVAL.
    pub landlock: i32,
    /// LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF, _LOG_NEW_EXEC_ON and _LOG_SUBDOMAINS_OFF (Linux 6.15; else EINVAL at
    /// "landlock"); others, and any without a ruleset, are EINVAL.
    pub landlock_flags: u32,
    /// Zero.
    pub reserved: u32,
}

/// One line of a uid or gid map (user_namespaces(7)). Its size is frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_id_map {
    /// First id inside the new user namespace.
    pub container_id: u32,
    /// First id outside, in the caller's user namespace.
    pub host_id: u32,
    /// How many ids; not 0.
    pub size: u32,
}

/// Who the child is to be. Start from FE_CREDENTIAL_INIT.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_credential {
    /// sizeof(fe_credential).
    pub size: size_t,
    /// Real, effective and saved user id: setresuid(2). -1 is EINVAL.
    pub uid: uid_t,
    /// Real, effective and saved group id: setresgid(2). -1 is EINVAL.
    pub gid: gid_t,
    /// Supplementary groups: setgroups(2). NULL keeps the caller's; not NULL with ngroups 0 drops
    /// them all; a group -1 is EINVAL. With gid_mappings and setgroups denied (see FE_ALLOW_SETGROUPS), an empty list is
    /// skipped, since the kernel keeps the groups there, and any other is EINVAL; in a user
    /// namespace without gid mappings the kernel refuses any (EPERM).
    pub groups: *const gid_t,
    /// How many groups.
    pub ngroups: size_t,
}

/// What to start, and how. Start from FE_ATTR_INIT; zero is every field's default. fe_spawn reads
/// it and all it points to during the call only and keeps nothing.
///
/// The order in which the child does things: uid and gid maps are waited for, mounts made private,
/// FE_NOCTTY, setsid, setpgid, oom_score_adj, what is raised (resource limits, affinity, nice, policy, I/O
/// priority), chroot and chdir to the new root, bounding set, groups, gid, uid or FE_RESETIDS, the other
/// privileges, dir, files, actions, close others, FE_SETCTTY, FE_FOREGROUND, what is lowered
/// (policy, nice, I/O priority), memory policy, timer slack, core, umask, resource limits that are lowered, personality, pdeathsig, signal
/// dispositions, signal mask, FE_PTRACE, FE_NO_NEW_PRIVS, landlock, seccomp, exec. It is born in its cgroup.
///
/// Signals that the caller catches are set to their default action, ignored ones stay ignored, but
/// for `sigdefault` and `sigignore`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_attr {
    /// sizeof(fe_attr).
    pub size: size_t,
    /// FE_SETSID and the like, or-ed. An unknown flag is EINVAL.
    pub flags: u64,
    /// The program. NULL means argv[0] (but see FE_FEXECVE). Without FE_SEARCH_PATH it is a path,
    /// relative to the child's working directory (and within `chroot`; but see FE_EXECVEAT). "" is
    /// ENOENT at exec.
    pub path: *const c_char,
    /// The arguments, ended by NULL; argv[0] is the program's name for itself. NULL or {NULL} is
    /// EINVAL.
    pub argv: *const *mut c_char,
    /// The environment, ended by NULL. NULL means the caller's `environ`.
    pub envp: *const *mut c_char,
    /// The child's working directory; within `chroot`. NULL means the caller's.
    pub dir: *const c_char,
    /// The child's root directory; needs CAP_SYS_CHROOT. NULL means the caller's. The working
    /// directory becomes the new root (but see FE_CHROOT_KEEP_CWD).
    pub chroot: *const c_char,
    /// The child's descriptors: i is a duplicate of the caller's files[i], or closed when that is
    /// -1. 0, 1 and 2 beyond the list are closed. All others are left alone: those that are
    /// close-on-exec go, the rest are inherited (but see FE_CLOSE_OTHERS). It is a parallel
    /// assignment: permutations, duplicates and holes are fine, and a descriptor that stays in
    /// place loses its close-on-exec flag. NULL leaves all descriptors as they are. In place of a
    /// descriptor there may stand FE_FROM_PIPE, FE_TO_PIPE, FE_NULL, FE_TERMINAL, FE_REDIRECT(k): what
    /// `redirects[k]` says, or FE_SAME_AS(n): a duplicate of what the child's descriptor n is in the end,
    /// earlier or later in the list. Any other number is EINVAL at "args" with its index; so are an n
    /// or k that is not in the list, an n that is closed, and a circle.
    pub files: *const i32,
    /// How many files. One that is not open is EBADF at the step "files" with its index, as is what a
    /// pipe, /dev/null, memory or the file in its place fails with.
    pub nfiles: size_t,
    /// User, group and supplementary groups. NULL keeps the caller's.
    pub credential: *const fe_credential,
    /// The process group for FE_SETPGID and FE_FOREGROUND; 0 means one of its own. Not 0 without
    /// either is EINVAL.
    pub pgid: pid_t,
    /// The terminal for FE_SETCTTY and FE_FOREGROUND: a descriptor of the *child*, so with `files`
    /// it must be in the list. Not 0 without either is EINVAL.
    pub ctty: i32,
    /// The signal that the child gets when the calling *thread* ends: PR_SET_PDEATHSIG of prctl(2).
    /// 0 means none. Set after the credential, which would clear it. When the parent is gone
    /// already, the child gets the signal at once. An exec of a set-user-ID program clears it.
    pub pdeathsig: i32,
    /// FE_WAY_AUTO, or the way that must be taken.
    pub way: u32,
    /// CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME (needs
    /// clone3, Linux 5.6), CLONE_NEWUSER, CLONE_NEWUTS: namespaces(7). Others are EINVAL.
    pub cloneflags: u64,
    /// The uid map of the new user namespace; needs CLONE_NEWUSER. Written by the caller's process,
    /// so the rules of user_namespaces(7) for the parent apply.
    pub uid_mappings: *const fe_id_map,
    /// How many uid mappings. 0 with a list, and a count without one, are EINVAL.
    pub nuid_mappings: size_t,
    /// The gid map, likewise. See FE_ALLOW_SETGROUPS.
    pub gid_mappings: *const fe_id_map,
    /// How many gid mappings.
    pub ngid_mappings: size_t,
    /// The child's signal mask. NULL means that of the calling thread before the call.
    pub sigmask: *const sigset_t,
    /// Signals that are set to their default action, ignored ones too. SIGKILL and SIGSTOP may be
    /// in it. NULL means none.
    pub sigdefault: *const sigset_t,
    /// Signals that are ignored. One that is in `sigdefault` too, SIGKILL and SIGSTOP are EINVAL. NULL
    /// means none.
    pub sigignore: *const sigset_t,
    /// Policy, nice value, processors and the like. NULL keeps those of the calling thread.
    pub scheduling: *const fe_scheduling,
    /// What is done, in this order, after `files`. All descriptors that it names are the child's.
    pub actions: *const fe_file_action,
    /// How many actions. A count without a list is EINVAL.
    pub nactions: size_t,
    /// With FE_SEARCH_PATH, without which it is EINVAL: the directories, as in the environment
    /// variable PATH. NULL means the caller's PATH.
    pub search_path: *const c_char,
    /// The descriptor for FE_FEXECVE and FE_EXECVEAT, of the *caller*. Not 0 without either is EINVAL.
    pub execfd: i32,
    /// The descriptor for FE_CGROUP, of the caller. Not 0 without it is EINVAL.
    pub cgroup: i32,
    /// How many milliseconds of CLOCK_MONOTONIC the spawn itself may take, from the call to the exec; 0
    /// means any time. A child that is still not there (in exec from a file system that does not answer,
    /// in open(2) of a FIFO, stopped, frozen) is killed and reaped: ETIMEDOUT, with the step that it was
    /// in. One that even SIGKILL does not end within a second is left alone; one that has execed in the
    /// very moment of the kill was started, and its wait status is SIGKILL. Takes the concurrent way or
    /// the piped one; with FE_ASYNC it is fe_spawn_finish that sees to it.
    pub timeout_ms: i32,
    /// Zero.
    pub reserved: i32,
    /// For FE_REDIRECT(k) in `files`.
    pub redirects: *const fe_redirect,
    /// How many redirects. A count without a list is EINVAL.
    pub nredirects: size_t,
    /// Room for `nfiles` numbers, which fe_spawn fills: the caller's ends of the pipes that are the child's
    /// descriptors 3 and up, close-on-exec and owned by the caller; -1 where there is none, and when it
    /// fails. (With FE_ASYNC they are the caller's when fe_spawn returns, whatever the outcome.) NULL makes
    /// a pipe at 3 or above EINVAL at "args" with its index.
    pub ends: *mut i32,
    /// The size of the terminal of FE_PTY; not all 0 without that is EINVAL. It can be changed at any time:
    /// TIOCSWINSZ of ioctl_tty(2) on `fe_child.pty`, which sends the foreground group SIGWINCH.
    pub winsize: winsize,
    /// Namespaces to enter, and to make in the child. NULL: none.
    pub namespaces: *const fe_namespaces,
    /// Resource limits, umask and the like. NULL keeps the caller's.
    pub limits: *const fe_limits,
    /// Capabilities and securebits. NULL means what the kernel leaves of the caller's.
    pub privileges: *const fe_privileges,
    /// A seccomp filter and a landlock ruleset. NULL means none.
    pub sandbox: *const fe_sandbox,
    /// Descriptors of the caller's that the program gets at their own numbers, close-on-exec or not, and that
    /// FE_CLOSE_OTHERS leaves open. One that is not open is EBADF at the step "keep" with its index; one whose number
    /// `files` fills or closes is EINVAL at "args" with its index. In any order; twice is as once. What the actions
    /// do comes later.
    pub keep: *const i32,
    /// How many. A count without a list is EINVAL.
    pub nkeep: size_t,
}

/// Namespaces that the child enters, and then makes of its own, before all else that it does. What paths and
/// descriptors mean later is meant there; the descriptors of fe_attr are the caller's still.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_namespaces {
    /// sizeof(fe_namespaces).
    pub size: size_t,
    /// Entered in this order: setns(2). A user namespace that comes first gives the rights for the others.
    pub joins: *const fe_join,
    /// How many. A count without a list is EINVAL.
    pub njoins: size_t,
    /// CLONE_NEWCGROUP and so on: unshare(2), after the joins. Unlike with `cloneflags` a new cgroup namespace has
    /// the cgroup of FE_CGROUP as its root; with CLONE_NEWPID it is the program's children that are in it, and
    /// with CLONE_NEWTIME the program is in it from its exec on (Linux 6.1). Not CLONE_NEWUSER (EINVAL).
    pub unshare: u64,
    /// What is added to CLOCK_MONOTONIC in the new time namespace of `unshare`, without which it is EINVAL; may be
    /// negative. NULL: nothing. Needs CAP_SYS_TIME; time_namespaces(7).
    pub monotonic_offset: *const timespec,
    /// And to CLOCK_BOOTTIME.
    pub boottime_offset: *const timespec,
}

/// Some of a process's namespaces, or one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_join {
    /// A descriptor of the *caller*: of a file in /proc/PID/ns, or a pidfd (Linux 5.8).
    pub fd: i32,
    /// CLONE_NEWNET and so on: the one that the file is of, or those of the process that are wanted. 0 is EINVAL.
    /// CLONE_NEWPID, in one of them only: the child is born in it, for which the calling thread enters it for the time of
    /// the clone (it says where its children go, not where itself is). fe_child.pid is the caller's number for
    /// it. CLONE_NEWUSER, CLONE_NEWTIME: not in a way that shares memory.
    pub nstype: i32,
}

/// A started child. Written by fe_spawn, whatever it held before; give it back with fe_child_close.
/// Empty (no child) is pid -1 and pidfd -1; all zero is empty too. Its size is frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_child {
    /// The process id, in the caller's pid namespace; -1 when empty. It is kept after fe_wait.
    pub pid: pid_t,
    /// With FE_PIDFD: the pidfd, owned by this struct. Else -1.
    pub pidfd: i32,
    /// The way that was taken.
    pub way: u32,
    /// Private to the library.
    pub state: u32,
    /// With FE_ASYNC and FE_SUSPEND, until the outcome is told: becomes readable when it is known. Owned by
    /// this struct. Else -1.
    pub ready: i32,
    /// With FE_PTY: the caller's end of the terminal, close-on-exec and owned by this struct. What is written
    /// to it is typed (Ctrl-C is the byte 3), and what the terminal shows is read; EIO is its end: nobody has
    /// the terminal open any more. tcsetattr(3) on it sets the terminal's modes. Else -1. Who closes it
    /// sets it to -1; the foreground group then gets SIGHUP.
    pub pty: i32,
    /// Private to the library.
    pub pending: u64,
    /// The caller's ends of the pipes that are the child's descriptors 0, 1 and 2: close-on-exec and owned
    /// by this struct; -1 where there is none. Who closes one sets it to -1.
    pub ends: [i32; 3],
    /// With FE_OWN_CGROUP: the cgroup's directory, close-on-exec and owned by this struct. Else -1.
    pub cgroup: i32,
    /// Zero.
    pub reserved2: [u32; 4],
}

/// fe_kill_tree: by the child's own cgroup (FE_OWN_CGROUP). Whoever is in it is reached.
pub const FE_TREE_CGROUP: i32 = 1;
/// fe_kill_tree: the child is the init of a pid namespace (CLONE_NEWPID), and with it the kernel kills all that
/// are in it. SIGKILL alone.
pub const FE_TREE_PIDNS: i32 = 2;
/// fe_kill_tree: the child, its descendants as /proc shows them, and with FE_SETSID all of its session.
pub const FE_TREE_SWEEP: i32 = 3;
/// fe_kill_tree: the child's process group, since there is no /proc of the caller's pid namespace.
pub const FE_TREE_GROUP: i32 = 4;

/// fe_stop: signals are for the child's process group, as fe_kill_group sends them.
pub const FE_STOP_GROUP: u32 = 0x1;
/// fe_stop: signals are for the child's tree, as fe_kill_tree sends them.
pub const FE_STOP_TREE: u32 = 0x2;

/// Why a spawn failed. Written by fe_spawn, all clear on success; owns nothing. Its size is frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_error {
    /// The errno, as fe_spawn left it in errno too. ECANCELED: the child was killed before the
    /// program ran.
    pub errnum: i32,
    /// FE_STEP_...: what failed.
    pub step: i32,
    /// Which of the step's items (see the steps); -1 where there is but one.
    pub index: i32,
    /// With ECANCELED: the signal that killed the child; 0 when unknown.
    pub signal: i32,
    /// The way that was tried; 0 when none was.
    pub way: u32,
    /// Zero.
    pub reserved: [u32; 3],
    /// Zero.
    pub reserved2: [u64; 4],
}

/// fe_io.flags: when the child is stopped, signals go to its process group, which it must lead
/// (FE_SETSID, or FE_SETPGID with pgid 0; else EINVAL). What is left of the group when the child has ended
/// gets SIGKILL then.
pub const FE_IO_GROUP: u64 = 0x1;

/// What fe_communicate and fe_run do with a child. Start from FE_IO_INIT; zero is every field's default.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_io {
    /// sizeof(fe_io).
    pub size: size_t,
    /// FE_IO_GROUP, or 0. An unknown flag is EINVAL.
    pub flags: u64,
    /// Written to the child's descriptor 0, which is closed then. NULL only with `ninput` 0.
    pub input: *const c_void,
    /// How many bytes.
    pub ninput: size_t,
    /// Called by the same thread with all that the child writes, as it comes, and with the child's
    /// descriptor, 1 or 2. When it returns anything but 0 it is not called again, the child is stopped as at
    /// its deadline, and the call fails with ECANCELED. It must return (not by longjmp or an exception, and
    /// the thread must not be cancelled in it) and leave the fe_child alone. NULL: what comes is collected.
    pub sink: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            fd: c_int,
            data: *const c_void,
            n: size_t,
        ) -> c_int,
    >,
    /// For the sink. Not NULL without one is EINVAL.
    pub context: *mut c_void,
    /// How many bytes are collected of each of the two streams. What goes beyond is read and thrown away,
    /// and FE_RESULT_OUTPUT_CUT or FE_RESULT_ERRORS_CUT says so. 0 means no limit. Nothing to the sink.
    pub max_output: size_t,
    /// The deadline: how many milliseconds of CLOCK_MONOTONIC the program may take until it has ended. One
    /// that has not is stopped, never early: FE_RESULT_TIMED_OUT. 0 means any time.
    pub timeout_ms: i32,
    /// The signal that a child which is to be stopped gets. 0 means SIGTERM. Not 0 without grace_ms is
    /// EINVAL.
    pub stop_signal: i32,
    /// How many milliseconds it has then until SIGKILL. It is read from meanwhile. 0 means SIGKILL at once,
    /// and no other signal.
    pub grace_ms: i32,
    /// How many milliseconds more is waited, when the child has ended, while some other process holds a
    /// pipe of its. Then what is in the pipes is taken, and if a pipe is still held FE_RESULT_HELD says so.
    /// 0 means not to wait: what the child itself has written is there by then.
    pub linger_ms: i32,
}

/// The program had not ended at its deadline, and was stopped.
pub const FE_RESULT_TIMED_OUT: u32 = 0x1;
/// There was more output than max_output, or after a failure.
pub const FE_RESULT_OUTPUT_CUT: u32 = 0x2;
/// The same of the errors.
pub const FE_RESULT_ERRORS_CUT: u32 = 0x4;
/// The child did not take all of the input.
pub const FE_RESULT_INPUT_CUT: u32 = 0x8;
/// Some other process still held a pipe, and may have written more later.
pub const FE_RESULT_HELD: u32 = 0x10;

/// What has come of it. Give it back with fe_result_free. All zero is empty. Its size is frozen.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_result {
    /// The child's wait(2) status.
    pub status: i32,
    /// FE_RESULT_..., or-ed.
    pub flags: u32,
    /// What the child wrote to its descriptor 1, from malloc(3), with a NUL behind the last byte, also when
    /// there is none. NULL when it was no pipe, and with a sink.
    pub output: *mut c_char,
    /// How many bytes, without that NUL.
    pub noutput: size_t,
    /// The same for its descriptor 2.
    pub errors: *mut c_char,
    /// How many bytes.
    pub nerrors: size_t,
    /// Nanoseconds of CLOCK_MONOTONIC from the call until the child's end was seen; 0 when it was not.
    pub elapsed_ns: u64,
    /// What the child, and those that it has waited for, have used: getrusage(2).
    pub usage: rusage,
    /// Zero.
    pub reserved: [u64; 4],
}
