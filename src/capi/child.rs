// SPDX-License-Identifier: BSD-3-Clause
//! `fe_child` and what is done with it.

use super::error::way_number;
use super::read::array;
use super::types::*;
use crate::attr::{Attr, Group};
use crate::launch::{Failed, Pending, Started};
use crate::process::{wait_any, Kin, Process};
use crate::redirect::Ends;
use crate::sys::{self, Errno, Fd};
use alloc::boxed::Box;
use core::ffi::c_int;
use libc::rusage;

/// No child.
pub const EMPTY: fe_child = fe_child {
    pid: -1,
    pidfd: -1,
    way: 0,
    state: 0,
    ready: -1,
    pty: -1,
    pending: 0,
    ends: [-1; 3],
    cgroup: -1,
    reserved2: [0; 4],
};

// fe_child.state. What isn't marked is not believed: an fe_child that is all zero owns no
// descriptor 0.
const OWNS_PIDFD: u32 = 1;
const WAITED_FOR: u32 = 2;
const TRACED: u32 = 4;
/// `pending` is a box of ours, which has the pidfd and the descriptor `ready`.
const PENDING: u32 = 8;
const OWNS_ENDS: u32 = 16;
const OWNS_CGROUP: u32 = 32;
/// By its attributes it leads a process group, and a session, and is the init of a pid namespace.
const LEADS_GROUP: u32 = 64;
const LEADS_SESSION: u32 = 128;
const IS_INIT: u32 = 256;
const OWNS_PTY: u32 = 512;
/// What stays when it is on its way no more.
const KEPT: u32 = OWNS_ENDS | OWNS_CGROUP | OWNS_PTY;

/// What is to be known of the child later.
pub fn kind_of(attr: &Attr<'_>) -> u32 {
    let flag = |has, flag| if has { flag } else { 0 };
    let group = match attr.group {
        Group::Session { .. } => LEADS_GROUP | LEADS_SESSION,
        Group::Group { pgid: 0, .. } => LEADS_GROUP,
        Group::Group { .. } | Group::Inherit => 0,
    };
    let is_init = attr.cloneflags & libc::CLONE_NEWPID as u64 != 0;
    group | flag(attr.ptrace, TRACED) | flag(is_init, IS_INIT)
}

/// A started child as C sees it.
pub fn fe_child_of(started: Started, kind: u32) -> fe_child {
    let owns = if started.pidfd.is_some() { OWNS_PIDFD } else { 0 };
    fe_child {
        pid: started.pid,
        pidfd: started.pidfd.map_or(-1, Fd::release),
        way: way_number(started.way),
        state: owns | kind,
        ..EMPTY
    }
}

/// A child on its way as C sees it.
pub fn fe_child_of_pending(place: Box<Option<Pending>>, kind: u32) -> fe_child {
    let Some(pending) = place.as_ref() else { return EMPTY };
    fe_child {
        pid: pending.pid(),
        pidfd: pending.pidfd().unwrap_or(-1),
        way: way_number(pending.way()),
        state: PENDING | kind,
        ready: pending.ready().unwrap_or(-1),
        pending: Box::into_raw(place) as u64,
        ..EMPTY
    }
}

/// Hands over the caller's ends of pipes: of the child's 0, 1 and 2 in the child, the others in an array.
///
/// # Safety
/// `others` has room for all that have no place in the child.
pub unsafe fn put_ends(ends: Ends, child: &mut fe_child, others: *mut i32) {
    for (at, end) in ends.pipes {
        if let Some(place) = child.ends.get_mut(at) {
            *place = end.release();
            child.state |= OWNS_ENDS;
        } else {
            // SAFETY: the caller's.
            unsafe { others.add(at).write(end.release()) };
        }
    }
    if let Some(cgroup) = ends.cgroup {
        child.cgroup = cgroup.release();
        child.state |= OWNS_CGROUP;
    }
    if let Some(pty) = ends.pty {
        child.pty = pty.release();
        child.state |= OWNS_PTY;
    }
}

/// Closes the ends of its pipes, its cgroup, and the end of its terminal.
fn close_ends(child: &mut fe_child) {
    if child.state & KEPT == 0 {
        return;
    }
    drop(child.take_ends());
    for (owns, fd) in [(OWNS_CGROUP, &mut child.cgroup), (OWNS_PTY, &mut child.pty)] {
        let fd = core::mem::replace(fd, -1);
        if child.state & owns != 0 && fd >= 0 {
            sys::close(fd);
        }
        child.state &= !owns;
    }
}

/// What is known of a child on its way.
pub fn pending_of(child: &mut fe_child) -> Option<&mut Pending> {
    if child.state & PENDING == 0 {
        return None;
    }
    // SAFETY: the C caller: child is one that fe_spawn has written, and in one thread's hands; so
    // this is from fe_child_of_pending.
    unsafe { (*(child.pending as *mut Option<Pending>)).as_mut() }
}

/// It is on its way no more.
pub fn finished(child: &mut fe_child, result: core::result::Result<Started, Failed>) {
    let kind = child.state & (TRACED | LEADS_GROUP | LEADS_SESSION | IS_INIT);
    if result.is_err() {
        close_ends(child);
    }
    let fe_child { ends, cgroup, pty, .. } = *child;
    let kept = child.state & KEPT;
    let pending = pending_box(child);
    // At once, and not empty for a moment: a handler of the caller's may send it a signal at any time.
    *child = match result {
        Err(_) => EMPTY,
        Ok(started) => {
            let started = fe_child_of(started, kind);
            fe_child { ends, cgroup, pty, state: started.state | kept, ..started }
        }
    };
    drop(pending);
}

/// Leaves the child empty.
fn take_pending(child: &mut fe_child) -> Option<Pending> {
    let pending = pending_box(child);
    *child = EMPTY;
    *pending?
}

/// It is for the caller to see that the child has it no more.
fn pending_box(child: &fe_child) -> Option<Box<Option<Pending>>> {
    if child.state & PENDING == 0 {
        return None;
    }
    // SAFETY: as pending_of; both callers forget it now.
    Some(unsafe { Box::from_raw(child.pending as *mut Option<Pending>) })
}

impl fe_child {
    /// Whether fe_spawn_finish is still to be called for it.
    pub fn is_pending(&self) -> bool {
        self.state & PENDING != 0
    }

    /// Whether there is the other end of the pipe that is the child's descriptor `at`.
    pub fn has_end(&self, at: usize) -> bool {
        self.state & OWNS_ENDS != 0 && self.ends.get(at).is_some_and(|end| *end >= 0)
    }

    /// Those that there are; it has them no more.
    pub fn take_ends(&mut self) -> [Option<Fd>; 3] {
        let has = [0, 1, 2].map(|at| self.has_end(at));
        let ends = core::mem::replace(&mut self.ends, [-1; 3]);
        let mut has = has.into_iter();
        ends.map(|end| has.next().unwrap_or(false).then(|| Fd::own(end)))
    }

    /// There is nothing to wait for any more.
    pub fn set_waited_for(&mut self) {
        self.state |= WAITED_FOR;
    }

    /// What belongs to it.
    pub fn kin(&self) -> Kin {
        let has = |bit| self.state & bit != 0;
        Kin {
            group: has(LEADS_GROUP),
            session: has(LEADS_SESSION),
            init: has(IS_INIT),
            cgroup: has(OWNS_CGROUP).then_some(self.cgroup),
        }
    }

    /// What a wait for it has told: whether it is still to be waited for.
    pub fn told(&mut self, waited: Result<i32, Errno>) -> Result<i32, Errno> {
        match waited {
            // A traced child that has stopped is not gone.
            Ok(status) if status & 0xff == 0x7f => {}
            Ok(_) | Err(libc::ECHILD) if self.pid > 0 => self.set_waited_for(),
            _ => {}
        }
        waited
    }

    /// The process, unless there is none or it was waited for.
    pub fn process(&self) -> Option<Process> {
        let has = |bit| self.state & bit != 0;
        (self.pid > 0 && !has(WAITED_FOR)).then_some(Process {
            pid: self.pid,
            pidfd: (has(OWNS_PIDFD) || has(PENDING) && self.pidfd >= 0).then_some(self.pidfd),
            traced: has(TRACED),
        })
    }
}

/// As C has it.
pub fn result(result: Result<(), Errno>) -> c_int {
    match result {
        Ok(()) => 0,
        Err(errno) => {
            errno::set_errno(errno::Errno(errno));
            -1
        }
    }
}

/// Waits until the child has ended and stores its wait(2) status in `status`, which may be NULL. It
/// waits for at most `timeout_ms` milliseconds of CLOCK_MONOTONIC; 0 only looks, and -1 waits for
/// ever (any other negative number is EINVAL). Returns 0, or -1 with errno: ETIMEDOUT when the time
/// is up, ECHILD when the child was waited for before, by this or by other means, when the caller
/// ignores SIGCHLD, or for an empty child; EINPROGRESS for one that fe_spawn_finish is still to be
/// called for; EINVAL for NULL. Never EINTR. With FE_PIDFD and Linux 6.15 the status is there once even
/// when somebody else has waited for the child, or the caller ignores SIGCHLD: PIDFD_GET_INFO. With
/// FE_PTRACE it returns
/// the stops of the child too, as wait(2) does for a tracer; the child is then still to be waited
/// for. No cancellation point. One fe_child must not be used from two threads at once; different
/// ones may.
#[no_mangle]
pub unsafe extern "C" fn fe_wait(
    child: *mut fe_child,
    timeout_ms: c_int,
    status: *mut c_int,
) -> c_int {
    // SAFETY: the C caller: as `wait_for`.
    result(unsafe { wait_for(child, timeout_ms, status, None) })
}

/// Waits as fe_wait does, and stores in `usage`, which may be NULL, what the child, and those that it has
/// waited for, have used: getrusage(2). All zero where the status is known by PIDFD_GET_INFO alone, and
/// untouched when it fails.
#[no_mangle]
pub unsafe extern "C" fn fe_wait_usage(
    child: *mut fe_child,
    timeout_ms: c_int,
    status: *mut c_int,
    usage: *mut rusage,
) -> c_int {
    let mut used = sys::no_usage();
    // SAFETY: the C caller: as `wait_for`.
    let waited = unsafe { wait_for(child, timeout_ms, status, Some(&mut used)) };
    if waited.is_ok() && !usage.is_null() {
        // SAFETY: the C caller: usage is NULL or writable.
        unsafe { usage.write(used) };
    }
    result(waited)
}

/// # Safety
/// `child` is NULL, one that fe_spawn has written, or all zero; `status` is NULL or writable.
unsafe fn wait_for(
    child: *mut fe_child,
    timeout_ms: c_int,
    status: *mut c_int,
    usage: Option<&mut rusage>,
) -> Result<(), Errno> {
    // SAFETY: the caller's.
    let child = unsafe { child.as_mut() }.ok_or(libc::EINVAL)?;
    if timeout_ms < -1 {
        return Err(libc::EINVAL);
    }
    if child.is_pending() {
        return Err(libc::EINPROGRESS);
    }
    let process = child.process().ok_or(libc::ECHILD)?;
    let waited = process.wait(timeout_ms, usage).transpose();
    let value = child.told(waited.unwrap_or(Err(libc::ETIMEDOUT)))?;
    if !status.is_null() {
        // SAFETY: the caller's.
        unsafe { status.write(value) };
    }
    Ok(())
}

/// Waits until any of `n` children has ended, and for that one as fe_wait does: its place in `children` is
/// stored in `index`, and its wait(2) status in `status`, which may be NULL. Of several that have ended it is
/// the one with the lowest place; the next call has the next. Places that hold NULL, an empty child or one
/// that was waited for are passed over, so the same list can be given again until there is none left.
///
/// `timeout_ms` is as for fe_wait. Returns 0, or -1 with errno, and `n` in `index` unless it is the fault of
/// one: ECHILD when there is none left; ECHILD with its place for one whose end somebody else has
/// waited for, or whose status is lost since the caller ignores SIGCHLD (but see fe_wait for FE_PIDFD), which
/// counts as waited for from then on; EINPROGRESS with its place for one that fe_spawn_finish is still to be
/// called for; ETIMEDOUT; EINVAL for `children` or `index` NULL. Never EINTR. With FE_PTRACE stops count, as
/// for fe_wait.
///
/// It sleeps in poll(2) on the children's pidfds; one that has none gets one for the time of the call
/// (Linux 5.3). Where they cannot be had (an older kernel, no free descriptors, more children than
/// RLIMIT_NOFILE) it looks every 10 ms at most. Other children of the caller, and its handlers of SIGCHLD,
/// are not touched. No cancellation point; as fe_wait says for threads.
#[no_mangle]
pub unsafe extern "C" fn fe_wait_any(
    children: *const *mut fe_child,
    n: usize,
    timeout_ms: c_int,
    index: *mut usize,
    status: *mut c_int,
) -> c_int {
    // SAFETY: the C caller: there are n places, or children is NULL; index is NULL or writable.
    let (places, index) = unsafe { (array(children, n), index.as_mut()) };
    let (Ok(places), Some(index), -1..) = (places, index, timeout_ms) else {
        return result(Err(libc::EINVAL));
    };
    let places = places.unwrap_or_default();
    *index = n;
    // SAFETY: the C caller: each place is NULL, or a child that is as fe_wait says.
    let child = |at: usize| unsafe { places.get(at)?.as_ref() };
    if let Some(at) = (0..n).find(|at| child(*at).is_some_and(fe_child::is_pending)) {
        *index = at;
        return result(Err(libc::EINPROGRESS));
    }
    let process = |at| child(at)?.process();
    result(wait_any(n, process, timeout_ms).and_then(|ended| {
        let (at, waited) = ended.ok_or(libc::ETIMEDOUT)?;
        *index = at;
        // SAFETY: the C caller: as above.
        let child = places.get(at).and_then(|child| unsafe { child.as_mut() });
        let value = child.map_or(Err(libc::ECHILD), |child| child.told(waited))?;
        if !status.is_null() {
            // SAFETY: the C caller: status is NULL or writable.
            unsafe { status.write(value) };
        }
        Ok(())
    }))
}

/// Sends the child a signal; with 0 only looks whether it is there. Returns 0, or -1 with errno:
/// ESRCH when it was waited for, by whomever, or for an empty child; EPERM when the caller may not
/// (the child has other credentials); EINVAL for NULL or a signal that does not exist. A child that
/// has ended but was not waited for takes any signal and does nothing. With FE_PIDFD a recycled pid
/// is never hit; without, not unless another thread waits for the child at the same moment, or has
/// and the pid is that of another child of the caller's by now. Async-signal-safe, but for errno, in the middle
/// of fe_spawn_finish and fe_resume for that very child too.
#[no_mangle]
pub unsafe extern "C" fn fe_kill(child: *mut fe_child, sig: c_int) -> c_int {
    // SAFETY: the C caller: as fe_wait.
    let Some(child) = (unsafe { child.as_ref() }) else {
        return result(Err(libc::EINVAL));
    };
    result(match child.process() {
        Some(process) => process.kill(sig),
        None => Err(libc::ESRCH),
    })
}

/// Gives back what the child holds (its pidfd, the `ends` of its pipes, its `cgroup`, its `pty`) and makes it empty. Neither kills the child nor
/// waits for it: one that was not waited for is a zombie until the caller's own wait(2) or exit.
/// NULL and an empty child are fine. With FE_ASYNC and before fe_spawn_finish the child goes on to its
/// exec, without a deadline; if that fails it exits with status 127, for the caller's own wait(2). To
/// cancel it, fe_kill it and call fe_spawn_finish. With FE_SUSPEND and before fe_resume the child is killed and
/// reaped: its program has never run.
#[no_mangle]
pub unsafe extern "C" fn fe_child_close(child: *mut fe_child) {
    // SAFETY: the C caller: as fe_wait.
    let Some(child) = (unsafe { child.as_mut() }) else {
        return;
    };
    if child.pid > 0 && child.state & OWNS_PIDFD != 0 {
        sys::close(child.pidfd);
    }
    close_ends(child);
    if let Some(pending) = take_pending(child) {
        pending.abandon();
    }
}
