// SPDX-License-Identifier: BSD-3-Clause
//! The structs and constants of the C face, exactly as `forkexec.h` shows them. Nothing here acts.
//!
//! Their layout is the ABI: fields are only ever appended to `fe_attr` and `fe_credential`, and the
//! structs that the library writes never change their size (capi/spawn.rs and c-tests/abi.c hold
//! both to it). The doc comments end up in the header: they are written for the C reader.

#![allow(non_camel_case_types)]

use libc::{c_char, gid_t, pid_t, size_t, uid_t};

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
/// Every descriptor that `files` does not name is closed in the child; with `files` NULL, every one
/// but 0, 1 and 2. Uses close_range(2) (Linux 5.9), else /proc/self/fd, else one close for each
/// number up to the hard limit, which then must not have been lowered below an open descriptor.
pub const FE_CLOSE_OTHERS: u64 = 0x40;
/// A `path` without a slash is looked for in the directories of the caller's PATH ("/bin:/usr/bin"
/// when it is unset) as execvp(3) does, relative ones from the child's working directory. A
/// candidate that may not be executed (EACCES) is remembered while the search goes on. A shell is
/// never run.
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
/// Reserved; EINVAL.
pub const FE_DETACH: u64 = 0x8000_0000_0000_0000;

/// The library chooses the cheapest way that is correct.
pub const FE_WAY_AUTO: u32 = 0;
/// CLONE_VM and CLONE_VFORK: the child runs in the caller's memory while the calling thread is
/// suspended. The usual way. Cannot be forced (EINVAL) for a child whose user or group changes or
/// that gets a user namespace, since memory must not be shared across privileges, nor with
/// CLONE_NEWTIME or maps. Where it turns out that memory is not shared (emulators, valgrind), the
/// copy way is taken, and `fe_child.way` says so.
pub const FE_WAY_SHARED: u32 = 1;
/// CLONE_VFORK without CLONE_VM: a copy of the caller's memory, the calling thread suspended.
pub const FE_WAY_COPY: u32 = 2;
/// fork(2) and a close-on-exec pipe that carries the outcome. The only way with `uid_mappings` or
/// `gid_mappings`, which the parent writes while the child waits. A failed spawn raises SIGCHLD in
/// this way alone. Where there is no /proc, or SIGCHLD is ignored, a child that is killed inside
/// execve counts as started here; and without /proc fe_spawn waits for a process that another
/// thread has forked meanwhile and that keeps the pipe open.
pub const FE_WAY_PIPED: u32 = 3;

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
/// Setting caught signals to their default action, where clone3 could not do it.
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
/// Setting the child's signal mask. A signal that is pending for the child strikes here.
pub const FE_STEP_SIGMASK: i32 = 27;
/// PTRACE_TRACEME of ptrace(2).
pub const FE_STEP_PTRACE: i32 = 28;
/// execve(2). With FE_SEARCH_PATH the index is the number of the element of PATH that holds the
/// program which could not be executed; -1 when it was found in none.
pub const FE_STEP_EXEC: i32 = 29;

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
    /// them all. With gid_mappings and setgroups denied (see FE_ALLOW_SETGROUPS), an empty list is
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
/// FE_NOCTTY, setsid, setpgid, chroot and chdir to the new root, groups, gid, uid, dir, files,
/// close others, FE_SETCTTY, FE_FOREGROUND, pdeathsig, signal mask, FE_PTRACE, exec.
///
/// The child's signal mask is that of the calling thread before the call. Signals that the caller
/// catches are set to their default action, ignored ones stay ignored.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_attr {
    /// sizeof(fe_attr).
    pub size: size_t,
    /// FE_SETSID and the like, or-ed. An unknown flag is EINVAL.
    pub flags: u64,
    /// The program. NULL means argv[0]. Without FE_SEARCH_PATH it is a path, relative to the
    /// child's working directory (and within `chroot`). "" is ENOENT at exec.
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
    /// place loses its close-on-exec flag. NULL leaves all descriptors as they are.
    pub files: *const i32,
    /// How many files. One that is not open is EBADF at the step "files" with its index.
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
    /// Zero.
    pub reserved: [u64; 6],
}

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
