// SPDX-License-Identifier: BSD-3-Clause
//! From an `fe_attr` to an `Attr`: everything that C hands over is read and refused here.

use super::limits::{read_limits, read_scheduling};
use super::namespaces::namespaces;
use super::privileges::restrictions;
use super::read::{array, extensible, path, Extensible};
use super::types::*;
use crate::attr::{
    Action, Attr, CStrArray, Chroot, Credential, Dispositions, Group, IdMap, IdMaps, Program, Way,
};
use crate::error::{Error, Result, Step};
use crate::launch::Failed;
use crate::list::{numbers, Reserved};
use crate::procfs::Text;
use crate::redirect::{self, Redirect};
use alloc::vec::Vec;
use core::ffi::{c_char, CStr};
use libc::winsize;

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_attr {
    const OLDEST: usize = 136;
}

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_credential {
    const OLDEST: usize = 32;
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
    | FE_CGROUP
    | FE_ASYNC
    | FE_OWN_CGROUP
    | FE_SUSPEND
    | FE_PTY
    | FE_PIVOT_ROOT
    | FE_NEWIDMAP
    | FE_NO_NEW_PRIVS;

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

/// What is not for the core.
#[derive(Clone, Copy)]
pub struct Given {
    /// FE_ASYNC and the like.
    pub flags: u64,
    /// Where the caller wants his ends of pipes; or NULL.
    pub ends: *mut i32,
}

/// What `work` makes of the attributes. `spawns`: the caller's `ends` are to be filled.
///
/// # Safety
/// As fe_spawn.
pub unsafe fn with_attr<T>(
    attr: *const fe_attr,
    spawns: bool,
    work: impl Fn(&Attr<'_>, Given) -> core::result::Result<T, Failed>,
) -> core::result::Result<T, Failed> {
    let mut made = Err(INVALID.into());
    // SAFETY: the caller's.
    unsafe { read(attr, spawns, &mut |attr, given| made = work(attr, given)) }?;
    made
}

/// One copy, whatever the work.
///
/// # Safety
/// As fe_spawn.
unsafe fn read(
    attr: *const fe_attr,
    spawns: bool,
    work: &mut dyn FnMut(&Attr<'_>, Given),
) -> Result<()> {
    if attr.is_null() {
        return Err(INVALID);
    }
    // SAFETY: the C caller's, throughout: the attr is as fe_attr says, and stays so during the
    // call.
    let attr = unsafe { extensible(attr) }?;
    // SAFETY: the C caller's.
    unsafe { clear_ends(&attr, spawns) }?;
    if attr.flags & !KNOWN_FLAGS != 0 || attr.reserved != 0 {
        return Err(INVALID);
    }
    // SAFETY: the C caller's.
    let credential = unsafe { credential(&attr) }?;
    // SAFETY: the C caller's.
    let (uid, gid) = unsafe {
        (maps(attr.uid_mappings, attr.nuid_mappings)?, maps(attr.gid_mappings, attr.ngid_mappings)?)
    };
    // SAFETY: the C caller's.
    let files = unsafe { files(&attr) }?;
    let keep = match attr.nkeep {
        0 => &[][..],
        // SAFETY: the C caller's.
        _ => unsafe { array(attr.keep, attr.nkeep) }?.unwrap_or_default(),
    };
    let redirects = match attr.nredirects {
        0 => Vec::new(),
        // SAFETY: the C caller's.
        _ => unsafe { redirects(&attr, files.unwrap_or_default()) }?,
    };
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
    let actions = match attr.nactions {
        0 => Vec::new(),
        // SAFETY: the C caller's.
        _ => unsafe { actions(&attr) }?,
    };
    // SAFETY: the C caller's.
    let (sigmask, default, ignore) = unsafe {
        (signal_set(attr.sigmask), signal_set(attr.sigdefault), signal_set(attr.sigignore))
    };
    // Not made but for who wants them: they come to a sixth of what a default spawn costs in all.
    let (mut text, made);
    let namespaces = if attr.namespaces.is_null() {
        None
    } else {
        text = Text::new();
        // SAFETY: the C caller's.
        made = unsafe { namespaces(attr.namespaces, &mut text) }?;
        Some(&made)
    };
    let (scheduling_of_core, limits_of_core);
    let (mut scheduling, mut limits) = (None, None);
    if !attr.scheduling.is_null() {
        // SAFETY: the C caller's.
        scheduling_of_core = unsafe { read_scheduling(attr.scheduling) }?;
        scheduling = Some(&scheduling_of_core);
    }
    if !attr.limits.is_null() {
        // SAFETY: the C caller's.
        limits_of_core = unsafe { read_limits(attr.limits) }?;
        limits = Some(&limits_of_core);
    }
    let restricted;
    let none = attr.privileges.is_null() && attr.sandbox.is_null() && !has(FE_NO_NEW_PRIVS);
    let restrictions = if none {
        None
    } else {
        // SAFETY: the C caller's.
        restricted = unsafe { restrictions(&attr) }?;
        Some(&restricted)
    };
    let keeps_cwd = has(FE_CHROOT_KEEP_CWD);
    const GROUPS: u64 = FE_SETSID | FE_SETPGID | FE_SETCTTY | FE_FOREGROUND | FE_PTY;
    const COMPANIONS: u64 =
        FE_CGROUP | FE_OWN_CGROUP | FE_PTY | FE_SUSPEND | FE_CHROOT_KEEP_CWD | FE_PIVOT_ROOT;
    let winsize { ws_row, ws_col, ws_xpixel, ws_ypixel } = attr.winsize;
    let has_size = ws_row | ws_col | ws_xpixel | ws_ypixel != 0;
    if has(COMPANIONS) || has_size || attr.cgroup != 0 {
        check_companions(&attr, has_size)?;
    }
    let attr_of_core = Attr {
        program,
        shell_fallback: has(FE_SHELL_FALLBACK),
        argv,
        envp,
        dir,
        chroot: root.map(|path| Chroot { path, pivot: has(FE_PIVOT_ROOT), keep_cwd: keeps_cwd }),
        files,
        redirects: &redirects,
        opened: &[],
        actions: &actions,
        keep,
        close_others: has(FE_CLOSE_OTHERS),
        credential,
        resetids: has(FE_RESETIDS),
        group: match has(GROUPS) || attr.pgid != 0 || attr.ctty != 0 {
            false => Group::Inherit,
            true if has(FE_PTY) => on_new_terminal(&attr, files)?,
            true => group(&attr)?,
        },
        noctty: has(FE_NOCTTY),
        pdeathsig: attr.pdeathsig,
        dispositions: Dispositions { default: default.unwrap_or(0), ignore: ignore.unwrap_or(0) },
        sigmask,
        scheduling,
        limits,
        cgroup: has(FE_CGROUP).then_some(attr.cgroup),
        own_cgroup: has(FE_OWN_CGROUP),
        terminal: has(FE_PTY).then_some(&attr.winsize),
        suspend: has(FE_SUSPEND),
        ptrace: has(FE_PTRACE),
        enters_cgroup: None,
        cloneflags: attr.cloneflags,
        namespaces,
        keep_propagation: has(FE_KEEP_PROPAGATION),
        maps: IdMaps {
            uid,
            gid,
            allow_setgroups: has(FE_ALLOW_SETGROUPS),
            by_helpers: has(FE_NEWIDMAP),
        },
        way: way(attr.way)?,
        pidfd: has(FE_PIDFD),
        timeout_ms: match u32::try_from(attr.timeout_ms) {
            Ok(0) => None,
            Ok(timeout_ms) => Some(timeout_ms),
            Err(_) => return Err(INVALID),
        },
        restrictions,
    };
    work(&attr_of_core, Given { flags: attr.flags, ends: attr.ends });
    Ok(())
}

/// What goes with a flag alone, or never with another.
#[inline(never)] // for size
fn check_companions(attr: &fe_attr, has_size: bool) -> Result<()> {
    let has = |flag: u64| attr.flags & flag != 0;
    let lacks = |flag, there: bool| has(flag) && !there;
    let bad = attr.cgroup != 0 && !has(FE_CGROUP)
        || has_size && !has(FE_PTY)
        || lacks(FE_CHROOT_KEEP_CWD | FE_PIVOT_ROOT, !attr.chroot.is_null())
        || lacks(FE_OWN_CGROUP, has(FE_CGROUP))
        || lacks(FE_SUSPEND, !has(FE_ASYNC));
    if bad {
        Err(INVALID)
    } else {
        Ok(())
    }
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
unsafe fn actions<'a>(attr: &fe_attr) -> Result<Vec<Action<'a>>> {
    // SAFETY: the caller's.
    let list = unsafe { array(attr.actions, attr.nactions) }?.unwrap_or_default();
    let mut actions = Vec::new();
    actions.try_reserve_exact(list.len()).map_err(|_| Error::NO_MEMORY)?;
    for (index, from) in numbers().zip(list) {
        // SAFETY: the caller's.
        actions.put(unsafe { action(from, index) }?)?;
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
    let files = unsafe { array(attr.files, attr.nfiles) }?;
    let is_pipe = |file: &i32| matches!(*file, FE_FROM_PIPE | FE_TO_PIPE);
    // There is a place for the ends of the first three.
    let homeless = files.unwrap_or_default().iter().skip(3).position(is_pipe);
    match homeless.filter(|_| attr.ends.is_null()) {
        Some(above) => Err(Error::at(libc::EINVAL, Step::Args, (above as i32).saturating_add(3))),
        None if files.is_none() && attr.flags & FE_PTY != 0 => Ok(Some(&[FE_TERMINAL; 3])),
        None => Ok(files),
    }
}

/// No ends yet. Before all else that may fail. If nothing is spawned, those of an earlier spawn stay.
///
/// # Safety
/// As fe_spawn.
unsafe fn clear_ends(attr: &fe_attr, spawns: bool) -> Result<()> {
    if attr.ends.is_null() {
        return Ok(());
    }
    if attr.nfiles > i32::MAX as usize || !attr.ends.is_aligned() {
        return Err(INVALID);
    }
    for at in 0..if spawns { attr.nfiles } else { 0 } {
        // SAFETY: the caller's: there is room for so many.
        unsafe { attr.ends.add(at).write(-1) };
    }
    Ok(())
}

/// # Safety
/// As fe_spawn.
#[inline(never)] // for size
unsafe fn redirects<'a>(attr: &fe_attr, files: &[i32]) -> Result<Vec<Redirect<'a>>> {
    // SAFETY: the caller's.
    let list = unsafe { array(attr.redirects, attr.nredirects) }?.unwrap_or_default();
    let mut redirects = Vec::new();
    redirects.try_reserve_exact(list.len()).map_err(|_| Error::NO_MEMORY)?;
    for (k, from) in list.iter().enumerate() {
        // SAFETY: the caller's.
        let redirect = unsafe { redirect(from) }.map_err(|error| {
            let used = |file: &i32| redirect::is_redirect(*file, k);
            Error { index: files.iter().position(used).map_or(-1, |to| to as i32), ..error }
        })?;
        redirects.put(redirect)?;
    }
    Ok(redirects)
}

/// # Safety
/// As fe_spawn.
unsafe fn redirect<'a>(from: &fe_redirect) -> Result<Redirect<'a>> {
    let fe_redirect { oflag: flags, mode, size, .. } = *from;
    let opens = from.kind == FE_REDIRECT_OPEN;
    let unused = if opens {
        !from.data.is_null() || size != 0 || from.path.is_null()
    } else {
        !from.path.is_null() || flags != 0 || mode != 0 || from.kind != FE_REDIRECT_DATA
    };
    if unused || from.reserved != 0 || from.reserved2 != [0; 3] {
        return Err(INVALID);
    }
    // SAFETY: the caller's.
    unsafe {
        Ok(match path(from.path, Step::Files)? {
            Some(path) => Redirect::Open { path, flags, mode },
            None => Redirect::Data(array(from.data.cast::<u8>(), size)?.unwrap_or_default()),
        })
    }
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

/// The way of that number.
pub fn way(way: u32) -> Result<Option<Way>> {
    match way {
        FE_WAY_AUTO => Ok(None),
        FE_WAY_SHARED => Ok(Some(Way::Shared)),
        FE_WAY_COPY => Ok(Some(Way::Copy)),
        FE_WAY_PIPED => Ok(Some(Way::Piped)),
        FE_WAY_CONCURRENT => Ok(Some(Way::Concurrent)),
        FE_WAY_STAGED => Ok(Some(Way::Staged)),
        _ => Err(INVALID),
    }
}

/// The session that has the first of `files` that is the new terminal as its own.
fn on_new_terminal(attr: &fe_attr, files: Option<&[i32]>) -> Result<Group> {
    let other = FE_SETPGID | FE_SETCTTY | FE_FOREGROUND;
    let is_terminal = |file: &i32| *file == FE_TERMINAL;
    let at = files.unwrap_or_default().iter().position(is_terminal);
    match at {
        Some(at) if attr.flags & other == 0 && attr.pgid == 0 && attr.ctty == 0 => {
            Ok(Group::Session { ctty: Some(at as i32) })
        }
        _ => Err(INVALID),
    }
}

/// Session, group and terminal, which the kernel allows in certain combinations only.
#[inline(never)] // for size
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
        assert_eq!(size_of::<fe_attr>(), 288);
        assert_eq!(size_of::<fe_credential>(), 32);
        assert_eq!(size_of::<fe_id_map>(), 12);
        assert_eq!(size_of::<fe_file_action>(), 48);
        assert_eq!(size_of::<fe_redirect>(), 64);
    }

    #[test]
    fn what_stands_for_a_file_is_the_same_to_the_core() {
        assert_eq!(
            (FE_FROM_PIPE, FE_TO_PIPE, FE_NULL, FE_TERMINAL),
            (redirect::FROM_PIPE, redirect::TO_PIPE, redirect::NULL, redirect::TERMINAL)
        );
    }
}
