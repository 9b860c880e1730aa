// SPDX-License-Identifier: BSD-3-Clause
//! `fe_spawn`: from an `fe_attr` to an `Attr`, and from an outcome to `fe_child` and `fe_error`.

use super::child::{fe_child_of, EMPTY};
use super::error::{fe_error_of, CLEAR};
use super::read::{array, extensible, path, Extensible};
use super::trace::Trace;
use super::types::*;
use crate::attr::{
    Action, Attr, CStrArray, Chroot, Credential, Dispositions, Group, IdMap, IdMaps, Program,
    Scheduling, Way,
};
use crate::error::{Error, Result, Step};
use crate::launch::{self, Failed, Started};
use crate::sys::Blocked;
use alloc::vec::Vec;
use core::ffi::{c_char, c_int, CStr};

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_attr {
    const OLDEST: usize = 136;
}

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_credential {
    const OLDEST: usize = 32;
}

// SAFETY: integers.
unsafe impl Extensible for fe_scheduling {
    const OLDEST: usize = 24;
}

const KNOWN_FLAGS: u64 = FE_SETSID
    | FE_SETPGID
    | FE_SETCTTY
    | FE_NOCTTY
    | FE_FOREGROUND
    | FE_PTRACE
    | FE_CLOSE_OTHERS
    | FE_SEARCH_PATH
    | FE_PIDFD
    | FE_ALLOW_SETGROUPS
    | FE_CHROOT_KEEP_CWD
    | FE_KEEP_PROPAGATION
    | FE_RESETIDS
    | FE_FEXECVE
    | FE_EXECVEAT
    | FE_SHELL_FALLBACK
    | FE_CGROUP;

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

/// Starts a program. It returns 0 if and only if the kernel has accepted the exec, and fills in
/// `child`. Else it returns -1 with errno set, `child` empty and, unless it is NULL, `error`
/// telling which step failed; nothing is left behind: no process, no descriptor, no memory, no
/// SIGCHLD (but in the piped way). One thing cannot be told from success: a child that is killed
/// *inside* execve and at that moment reaped by another thread, which takes a wait with __WALL; in
/// the piped way any wait does.
///
/// errno is the failing step's own (see the man page of its system call), or EINVAL for arguments
/// that contradict each other, E2BIG for an attr that asks for what this version does not know,
/// ENAMETOOLONG for a path of PATH_MAX bytes or more, EBADF for a descriptor that is not open,
/// ENOMEM, or ECANCELED when the child was killed before the program ran: by the signal in
/// `error->signal`, which may have been meant for the whole process group.
///
/// It may be called from any thread, and 16 KiB of stack suffice. While it runs, and until `child`
/// is filled in, all signals are blocked for the calling thread, and with the default way the
/// thread sleeps until the exec: another thread's setuid(3) or the like waits for it. No other
/// thread may change the environment meanwhile when envp is NULL or with FE_SEARCH_PATH. It is no
/// cancellation point, never fails with EINTR, and is not async-signal-safe. A spawn, failed or
/// not, uses up a pid namespace that the caller has unshared: its child is that namespace's init.
#[no_mangle]
pub unsafe extern "C" fn fe_spawn(
    attr: *const fe_attr,
    child: *mut fe_child,
    error: *mut fe_error,
) -> c_int {
    if !child.is_null() {
        // SAFETY: the C caller: child is NULL or writable. It need not be initialised.
        unsafe { child.write(EMPTY) };
    }
    let trace = Trace::start();
    // SAFETY: the C caller: attr and all in it is as fe_attr says.
    let result = unsafe { spawn(attr, child.is_null()) };
    let (status, told) = match result {
        Ok((started, traced, blocked)) => {
            let started = fe_child_of(started, traced);
            // SAFETY: spawn has refused a child that is NULL.
            unsafe { child.write(started) };
            if let Some(trace) = trace {
                // SAFETY: the C caller: as above.
                unsafe { trace.end(attr, started.pid, started.way, &CLEAR) };
            }
            drop(blocked);
            (0, CLEAR)
        }
        Err(failed) => {
            let told = fe_error_of(&failed);
            if let Some(trace) = trace {
                // SAFETY: the C caller: as above.
                unsafe { trace.end(attr, -1, told.way, &told) };
            }
            errno::set_errno(errno::Errno(failed.error.errno));
            (-1, told)
        }
    };
    if !error.is_null() {
        // SAFETY: the C caller: error is NULL or writable.
        unsafe { error.write(told) };
    }
    status
}

/// # Safety
/// As fe_spawn.
unsafe fn spawn(
    attr: *const fe_attr,
    no_child: bool,
) -> core::result::Result<(Started, bool, Blocked), Failed> {
    // Without a child in hand nobody could ever reap it.
    if attr.is_null() || no_child {
        return Err(INVALID.into());
    }
    // SAFETY: the C caller's, throughout: the attr is as fe_attr says, and stays so during the
    // call.
    let attr = unsafe { extensible(attr) }?;
    if attr.flags & !KNOWN_FLAGS != 0 {
        return Err(INVALID.into());
    }
    // SAFETY: the C caller's.
    let credential = unsafe { credential(&attr) }?;
    // SAFETY: the C caller's.
    let (uid, gid) = unsafe {
        (maps(attr.uid_mappings, attr.nuid_mappings)?, maps(attr.gid_mappings, attr.ngid_mappings)?)
    };
    // SAFETY: the C caller's.
    let files = unsafe { files(&attr) }?;
    // SAFETY: the C caller's.
    let (argv, first) = unsafe { argv(attr.argv) }?;
    let has = |flag: u64| attr.flags & flag != 0;
    // SAFETY: the C caller's.
    let program = unsafe { program(&attr, first) }?;
    // SAFETY: the C caller's.
    let (dir, root, envp) = unsafe {
        (
            path(attr.dir, Step::Chdir)?,
            path(attr.chroot, Step::Chroot)?,
            if attr.envp.is_null() { CStrArray::environ() } else { CStrArray::new(attr.envp) },
        )
    };
    // SAFETY: the C caller's.
    let actions = unsafe { actions(&attr) }?;
    // SAFETY: the C caller's.
    let (sigmask, default, ignore, scheduling) = unsafe {
        (
            signal_set(attr.sigmask),
            signal_set(attr.sigdefault),
            signal_set(attr.sigignore),
            scheduling(attr.scheduling)?,
        )
    };
    let keeps_cwd = has(FE_CHROOT_KEEP_CWD);
    if keeps_cwd && root.is_none() || attr.cgroup != 0 && !has(FE_CGROUP) {
        return Err(INVALID.into());
    }
    let (started, blocked) = launch::spawn(&Attr {
        program,
        shell_fallback: has(FE_SHELL_FALLBACK),
        argv,
        envp,
        dir,
        chroot: root.map(|path| Chroot { path, keep_cwd: keeps_cwd }),
        files,
        actions: &actions,
        close_others: has(FE_CLOSE_OTHERS),
        credential,
        resetids: has(FE_RESETIDS),
        group: group(&attr)?,
        noctty: has(FE_NOCTTY),
        pdeathsig: attr.pdeathsig,
        dispositions: Dispositions { default: default.unwrap_or(0), ignore: ignore.unwrap_or(0) },
        sigmask,
        scheduling,
        cgroup: has(FE_CGROUP).then_some(attr.cgroup),
        ptrace: has(FE_PTRACE),
        cloneflags: attr.cloneflags,
        keep_propagation: has(FE_KEEP_PROPAGATION),
        maps: IdMaps { uid, gid, allow_setgroups: has(FE_ALLOW_SETGROUPS) },
        way: way(attr.way)?,
        pidfd: has(FE_PIDFD),
    })?;
    Ok((started, has(FE_PTRACE), blocked))
}

/// Where the program is; `first` is the first argument.
///
/// # Safety
/// As fe_spawn.
unsafe fn program<'a>(attr: &fe_attr, first: *const c_char) -> Result<Program<'a>> {
    let has = |flag: u64| attr.flags & flag != 0;
    let (search, itself, at) = (has(FE_SEARCH_PATH), has(FE_FEXECVE), has(FE_EXECVEAT));
    let unused = attr.execfd != 0 && !itself && !at || !attr.search_path.is_null() && !search;
    if unused || u32::from(search) + u32::from(itself) + u32::from(at) > 1 {
        return Err(INVALID);
    }
    if itself {
        return if attr.path.is_null() { Ok(Program::Fd(attr.execfd)) } else { Err(INVALID) };
    }
    // SAFETY: the C caller's.
    let (name, list) = unsafe {
        let program = if attr.path.is_null() { first } else { attr.path };
        let list = (!attr.search_path.is_null()).then(|| CStr::from_ptr(attr.search_path));
        (path(program, Step::Exec)?.ok_or(INVALID)?, list)
    };
    Ok(match (search, at) {
        (true, _) => Program::Search { name, list },
        (_, true) => Program::At { dir: attr.execfd, path: name },
        _ => Program::Path(name),
    })
}

/// # Safety
/// `set` is NULL or readable.
unsafe fn signal_set(set: *const libc::sigset_t) -> Option<u64> {
    // The kernel has 64 signals; the libcs' sets are larger, and begin with those.
    const { assert!(size_of::<libc::sigset_t>() >= size_of::<u64>()) };
    // SAFETY: the caller's.
    (!set.is_null()).then(|| unsafe { set.cast::<u64>().read_unaligned() })
}

/// # Safety
/// As fe_spawn.
unsafe fn scheduling(at: *const fe_scheduling) -> Result<Option<Scheduling>> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's.
    let fe_scheduling { flags, policy, priority, .. } = unsafe { extensible(at) }?;
    if flags & !(FE_SCHED_POLICY | FE_SCHED_PRIORITY) != 0 {
        return Err(INVALID);
    }
    if flags & FE_SCHED_POLICY != 0 {
        Ok(Some(Scheduling::Policy { policy, priority }))
    } else if flags & FE_SCHED_PRIORITY != 0 && policy == 0 {
        Ok(Some(Scheduling::Priority(priority)))
    } else {
        Err(INVALID)
    }
}

/// # Safety
/// As fe_spawn.
unsafe fn actions<'a>(attr: &fe_attr) -> Result<Vec<Action<'a>>> {
    // SAFETY: the caller's.
    let list = unsafe { array(attr.actions, attr.nactions) }?.unwrap_or_default();
    let mut actions = Vec::new();
    actions.try_reserve_exact(list.len()).map_err(|_| Error::NO_MEMORY)?;
    for (index, from) in (0..).zip(list) {
        // SAFETY: the caller's.
        actions.push(unsafe { action(from, index) }?);
    }
    Ok(actions)
}

/// # Safety
/// As fe_spawn.
unsafe fn action<'a>(from: &fe_file_action, index: i32) -> Result<Action<'a>> {
    let fe_file_action { fd, from: source, oflag, mode, .. } = *from;
    let invalid = Error::at(libc::EINVAL, Step::Args, index);
    let (opens, dups) = (from.action == FE_ACTION_OPEN, from.action == FE_ACTION_DUP2);
    let moves = from.action == FE_ACTION_CHDIR;
    let has_path = opens || moves;
    let unused = from.reserved != 0
        || from.reserved2 != [0; 2]
        || source != 0 && !dups
        || (oflag != 0 || mode != 0) && !opens
        || fd != 0 && moves
        || from.path.is_null() == has_path;
    if unused {
        return Err(invalid);
    }
    let step = if opens { Step::ActionOpen } else { Step::ActionChdir };
    // SAFETY: the caller's.
    let path = unsafe { path(from.path, step) }.map_err(|error| Error { index, ..error })?;
    let path = path.unwrap_or_default();
    Ok(match from.action {
        FE_ACTION_OPEN => Action::Open { fd, path, flags: oflag, mode },
        FE_ACTION_DUP2 => Action::Dup2 { from: source, to: fd },
        FE_ACTION_CLOSE => Action::Close(fd),
        FE_ACTION_CHDIR => Action::Chdir(path),
        FE_ACTION_FCHDIR => Action::Fchdir(fd),
        FE_ACTION_CLOSEFROM => Action::Closefrom(fd),
        FE_ACTION_TCSETPGRP => Action::Tcsetpgrp(fd),
        _ => return Err(invalid),
    })
}

/// The arguments, and the first of them.
///
/// # Safety
/// `argv` is NULL or an array of strings that ends with NULL.
unsafe fn argv<'a>(argv: *const *mut c_char) -> Result<(CStrArray<'a>, *const c_char)> {
    if argv.is_null() {
        return Err(INVALID);
    }
    // SAFETY: the caller's.
    let argv = unsafe { CStrArray::new(argv) };
    let first = argv.first().ok_or(INVALID)?;
    Ok((argv, first.as_ptr()))
}

/// # Safety
/// As fe_spawn.
unsafe fn files<'a>(attr: &fe_attr) -> Result<Option<&'a [i32]>> {
    if attr.nfiles > i32::MAX as usize {
        return Err(INVALID);
    }
    // SAFETY: the caller's.
    unsafe { array(attr.files, attr.nfiles) }
}

/// # Safety
/// As fe_spawn.
unsafe fn credential<'a>(attr: &fe_attr) -> Result<Option<Credential<'a>>> {
    if attr.credential.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's.
    let credential = unsafe { extensible(attr.credential) }?;
    // The kernel's own limit; it says EINVAL too.
    if credential.ngroups > 65536 {
        return Err(INVALID);
    }
    // SAFETY: the caller's.
    let groups = unsafe { array(credential.groups, credential.ngroups) }?;
    Ok(Some(Credential { uid: credential.uid, gid: credential.gid, groups }))
}

/// # Safety
/// As fe_spawn.
unsafe fn maps<'a>(at: *const fe_id_map, count: usize) -> Result<&'a [IdMap]> {
    const {
        assert!(size_of::<fe_id_map>() == size_of::<IdMap>());
        assert!(align_of::<fe_id_map>() == align_of::<IdMap>());
    }
    // SAFETY: the caller's; the two types are the same three words.
    match unsafe { array(at.cast::<IdMap>(), count) }? {
        Some([]) => Err(INVALID),
        lines => Ok(lines.unwrap_or_default()),
    }
}

fn way(way: u32) -> Result<Option<Way>> {
    match way {
        FE_WAY_AUTO => Ok(None),
        FE_WAY_SHARED => Ok(Some(Way::Shared)),
        FE_WAY_COPY => Ok(Some(Way::Copy)),
        FE_WAY_PIPED => Ok(Some(Way::Piped)),
        _ => Err(INVALID),
    }
}

/// Session, group and terminal, which the kernel allows in certain combinations only.
fn group(attr: &fe_attr) -> Result<Group> {
    let has = |flag: u64| attr.flags & flag != 0;
    let group = match (has(FE_SETSID), has(FE_SETPGID), has(FE_SETCTTY), has(FE_FOREGROUND)) {
        (false, false, false, false) => Group::Inherit,
        (true, false, ctty, false) => Group::Session { ctty: ctty.then_some(attr.ctty) },
        (false, _, false, foreground) => {
            Group::Group { pgid: attr.pgid, foreground: foreground.then_some(attr.ctty) }
        }
        _ => return Err(INVALID),
    };
    // A number without its flag is a flag forgotten.
    let pgid_used = matches!(group, Group::Group { .. });
    let ctty_used = has(FE_SETCTTY) || has(FE_FOREGROUND);
    if attr.pgid != 0 && !pgid_used || attr.ctty != 0 && !ctty_used {
        return Err(INVALID);
    }
    Ok(group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_0_is_frozen() {
        assert_eq!(<fe_attr as Extensible>::OLDEST, 136);
        assert_eq!(<fe_credential as Extensible>::OLDEST, 32);
        assert_eq!(<fe_scheduling as Extensible>::OLDEST, 24);
        assert_eq!(size_of::<fe_attr>(), 200);
        assert_eq!(size_of::<fe_credential>(), 32);
        assert_eq!(size_of::<fe_scheduling>(), 24);
        assert_eq!(size_of::<fe_id_map>(), 12);
        assert_eq!(size_of::<fe_file_action>(), 48);
    }
}
