// SPDX-License-Identifier: BSD-3-Clause
//! `fe_kill_group`, `fe_kill_tree` and `fe_stop`: signals to more than the child.

use super::child::result;
use super::types::*;
use crate::process::{stop, Kin, Means, Process, Scope, Tree};
use crate::sys::Errno;
use core::ffi::c_int;

/// The kernel's signals, and 0 for none.
fn is_signal(sig: c_int) -> bool {
    (0..=64).contains(&sig)
}

/// Sends the child's process group a signal; with 0 only looks whether anybody is in it. The child must have
/// been made its leader: FE_SETSID, or FE_SETPGID or FE_FOREGROUND with pgid 0. It reaches whoever is in that
/// group: not descendants that have gone to others, as in the jobs of an interactive shell.
///
/// Returns 0, or -1 with errno: ESRCH when the child was waited for, or is empty; EINVAL for NULL, for a child
/// that leads no group and for a signal that does not exist; EPERM when none of the group may be signalled.
/// The number of a group cannot become that of another one while its leader was not waited for, so none is hit
/// that is not of it; with FE_PIDFD and Linux 6.9 (PIDFD_SIGNAL_PROCESS_GROUP) not even when another thread
/// waits for the child at the same moment. Async-signal-safe, but for errno.
#[no_mangle]
pub unsafe extern "C" fn fe_kill_group(child: *mut fe_child, sig: c_int) -> c_int {
    // SAFETY: the C caller: as fe_wait.
    let Some(child) = (unsafe { child.as_ref() }).filter(|_| is_signal(sig)) else {
        return result(Err(libc::EINVAL));
    };
    result(match child.process() {
        None => Err(libc::ESRCH),
        Some(_) if !child.kin().group => Err(libc::EINVAL),
        Some(process) => process.kill_group(sig),
    })
}

/// Sends the child and all processes that it has brought about a signal, by the best means that there is, and
/// stores in `how`, which may be NULL, which that was (0 when it fails):
///
/// FE_TREE_CGROUP, with FE_OWN_CGROUP: all in the cgroup and in those below it, wherever they have gone
/// otherwise. SIGKILL by cgroup.kill (Linux 5.14); other signals, and SIGKILL before that, by cgroup.procs until
/// nobody new is in it. Processes that cannot be seen from the caller's pid namespace get SIGKILL alone.
///
/// FE_TREE_PIDNS, with CLONE_NEWPID, for SIGKILL: the kernel kills all in the namespace when its init is killed.
///
/// FE_TREE_SWEEP: the child, its children, theirs and so on, as /proc shows them, in sessions and groups of
/// their own too; and with FE_SETSID all in the child's session, also those whose parents have ended. What it
/// cannot reach is a process whose parent had ended before, and that has left the session (or the child has
/// none of its own): nothing shows any more where it came from, though the caller may be a child subreaper
/// (PR_SET_CHILD_SUBREAPER of prctl(2)). For SIGKILL all are stopped first, so that none can make another
/// and slip away; the caller may see SIGCHLD for that stop.
///
/// FE_TREE_GROUP, where the child leads a process group and /proc cannot be read or is of another pid namespace:
/// that group.
///
/// Each process gets the signal once, parents before children, those that are made meanwhile too. None is
/// signalled that does not belong to it: each is known by its pid and start, and is looked at again under a
/// pidfd (Linux 5.3; without it there is a moment in which a pid could be recycled). With 0 it only looks. A child
/// that has ended but was not waited for is fine: it is for the others then.
///
/// Returns 0, or -1 with errno: ESRCH when the child was waited for, or is empty; EINVAL for NULL and for a signal
/// that does not exist; EPERM when one of them may not be signalled, and the others were; EAGAIN when new ones
/// were found at each of a hundred looks; ENOSYS when there is no means; EMFILE, ENFILE or ENOMEM when it
/// could not look. It takes a few descriptors and some memory for the time of the call, and as long as it
/// takes to look at all processes a few times. No cancellation point; not async-signal-safe; as fe_wait says for
/// threads.
#[no_mangle]
pub unsafe extern "C" fn fe_kill_tree(child: *mut fe_child, sig: c_int, how: *mut c_int) -> c_int {
    // SAFETY: the C caller: child is as fe_wait says, how is NULL or writable.
    let (child, how) = unsafe { (child.as_ref(), how.as_mut()) };
    let sent = match child.filter(|_| is_signal(sig)) {
        None => Err(libc::EINVAL),
        Some(child) => child
            .process()
            .ok_or(libc::ESRCH)
            .and_then(|process| Tree::new(process, child.kin()).signal(sig)),
    };
    if let Some(how) = how {
        *how = match sent {
            Ok(Means::Cgroup) => FE_TREE_CGROUP,
            Ok(Means::Pidns) => FE_TREE_PIDNS,
            Ok(Means::Sweep) => FE_TREE_SWEEP,
            Ok(Means::Group) => FE_TREE_GROUP,
            Err(_) => 0,
        };
    }
    result(sent.map(drop))
}

/// Ends the child: sends `sig` (0: SIGTERM), waits for at most `grace_ms` milliseconds of CLOCK_MONOTONIC, sends
/// SIGKILL if it has not ended by then, never early, and waits for it. With `grace_ms` 0 it is SIGKILL at once
/// and no other signal. Its wait(2) status is stored in `status`, which may be NULL. For a child that has ended
/// already it is fe_wait.
///
/// `flags` says who gets the signals: 0 the child; FE_STOP_GROUP its process group, as fe_kill_group, and what
/// is left of that when the child has ended gets SIGKILL then; FE_STOP_TREE its tree, as fe_kill_tree, where the
/// grace is for all: those who outlive the child keep what is left of it, and SIGKILL is for whoever is there at
/// its end, also if its parent has ended since the first signal. Both are EINVAL.
///
/// Returns 0 when the child has ended and was waited for. Else -1 with errno: ECHILD when it was waited for
/// before, or by somebody else meanwhile (but see fe_wait for FE_PIDFD), or is empty; EPERM when the child may not
/// be signalled (others that may not are left); ETIMEDOUT when even SIGKILL has not ended it in ten seconds: it is
/// then still to be waited for; EINPROGRESS before fe_spawn_finish; EINVAL for NULL, an unknown flag, a signal that
/// does not exist, a negative `grace_ms`, FE_STOP_GROUP for a child that leads no group, and a child with
/// FE_PTRACE; with FE_STOP_TREE what fe_kill_tree fails with. Never EINTR. No cancellation point; as fe_wait says
/// for threads.
#[no_mangle]
pub unsafe extern "C" fn fe_stop(
    child: *mut fe_child,
    sig: c_int,
    grace_ms: c_int,
    flags: u32,
    status: *mut c_int,
) -> c_int {
    // SAFETY: the C caller: as fe_wait.
    let Some(child) = (unsafe { child.as_mut() }) else {
        return result(Err(libc::EINVAL));
    };
    let stopped = asked(child, sig, grace_ms, flags)
        .and_then(|(process, kin, scope, grace)| stop(process, kin, scope, sig_of(sig), grace));
    let told = child.told(stopped);
    if let (Ok(value), false) = (told, status.is_null()) {
        // SAFETY: the C caller: status is NULL or writable.
        unsafe { status.write(value) };
    }
    result(told.map(drop))
}

fn sig_of(sig: c_int) -> c_int {
    if sig == 0 {
        libc::SIGTERM
    } else {
        sig
    }
}

fn asked(
    child: &fe_child,
    sig: c_int,
    grace_ms: c_int,
    flags: u32,
) -> Result<(Process, Kin, Scope, u64), Errno> {
    let scope = match flags {
        0 => Scope::Process,
        FE_STOP_GROUP => Scope::Group,
        FE_STOP_TREE => Scope::Tree,
        _ => return Err(libc::EINVAL),
    };
    let grace = u64::try_from(grace_ms).map_err(|_| libc::EINVAL)?;
    if !is_signal(sig) {
        return Err(libc::EINVAL);
    }
    if child.is_pending() {
        return Err(libc::EINPROGRESS);
    }
    let (process, kin) = (child.process().ok_or(libc::ECHILD)?, child.kin());
    if process.traced || scope == Scope::Group && !kin.group {
        return Err(libc::EINVAL);
    }
    Ok((process, kin, scope, grace))
}
