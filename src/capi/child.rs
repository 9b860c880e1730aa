// SPDX-License-Identifier: BSD-3-Clause
//! `fe_child` and what is done with it.

use super::error::way_number;
use super::types::*;
use crate::launch::{Failed, Pending, Started};
use crate::process::Process;
use crate::redirect::Ends;
use crate::sys::{self, Errno, Fd};
use alloc::boxed::Box;
use core::ffi::c_int;

/// No child.
pub const EMPTY: fe_child = fe_child {
    pid: -1,
    pidfd: -1,
    way: 0,
    state: 0,
    ready: -1,
    reserved: 0,
    pending: 0,
    ends: [-1; 3],
    reserved2: [0; 5],
};

// fe_child.state. What isn't marked is not believed: an fe_child that is all zero owns no
// descriptor 0.
const OWNS_PIDFD: u32 = 1;
const WAITED_FOR: u32 = 2;
const TRACED: u32 = 4;
/// `pending` is a box of ours, which has the pidfd and the descriptor `ready`.
const PENDING: u32 = 8;
const OWNS_ENDS: u32 = 16;

/// A started child as C sees it.
pub fn fe_child_of(started: Started, traced: bool) -> fe_child {
    let owns = if started.pidfd.is_some() { OWNS_PIDFD } else { 0 };
    fe_child {
        pid: started.pid,
        pidfd: started.pidfd.map_or(-1, Fd::release),
        way: way_number(started.way),
        state: owns | if traced { TRACED } else { 0 },
        ..EMPTY
    }
}

/// A child on its way as C sees it.
pub fn fe_child_of_pending(place: Box<Option<Pending>>, traced: bool) -> fe_child {
    let Some(pending) = place.as_ref() else { return EMPTY };
    fe_child {
        pid: pending.pid(),
        pidfd: pending.pidfd().unwrap_or(-1),
        way: way_number(pending.way()),
        state: PENDING | if traced { TRACED } else { 0 },
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
    for (at, end) in ends.0 {
        if let Some(place) = child.ends.get_mut(at) {
            *place = end.release();
            child.state |= OWNS_ENDS;
        } else {
            // SAFETY: the caller's.
            unsafe { others.add(at).write(end.release()) };
        }
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
    let traced = child.state & TRACED != 0;
    if result.is_err() {
        drop(child.take_ends());
    }
    let (ends, owns) = (child.ends, child.state & OWNS_ENDS);
    drop(take_pending(child));
    if let Ok(started) = result {
        let started = fe_child_of(started, traced);
        *child = fe_child { ends, state: started.state | owns, ..started };
    }
}

/// Leaves the child empty.
fn take_pending(child: &mut fe_child) -> Option<Pending> {
    let (state, at) = (child.state, child.pending);
    *child = EMPTY;
    if state & PENDING == 0 {
        return None;
    }
    // SAFETY: as pending_of; it is forgotten now.
    *unsafe { Box::from_raw(at as *mut Option<Pending>) }
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

fn result(result: Result<(), Errno>) -> c_int {
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
/// called for; EINVAL for NULL. Never EINTR. With FE_PTRACE it returns
/// the stops of the child too, as wait(2) does for a tracer; the child is then still to be waited
/// for. No cancellation point. One fe_child must not be used from two threads at once; different
/// ones may.
#[no_mangle]
pub unsafe extern "C" fn fe_wait(
    child: *mut fe_child,
    timeout_ms: c_int,
    status: *mut c_int,
) -> c_int {
    // SAFETY: the C caller: child is NULL or one that fe_spawn has written, or all zero.
    let Some(child) = (unsafe { child.as_mut() }) else {
        return result(Err(libc::EINVAL));
    };
    if timeout_ms < -1 {
        return result(Err(libc::EINVAL));
    }
    if child.state & PENDING != 0 {
        return result(Err(libc::EINPROGRESS));
    }
    let waited = match child.process() {
        Some(process) => process.wait(timeout_ms),
        None => Err(libc::ECHILD),
    };
    result(match waited {
        Ok(Some(value)) => {
            // A traced child that has stopped is not gone.
            if value & 0xff != 0x7f {
                child.state |= WAITED_FOR;
            }
            if !status.is_null() {
                // SAFETY: the C caller: status is NULL or writable.
                unsafe { status.write(value) };
            }
            Ok(())
        }
        Ok(None) => Err(libc::ETIMEDOUT),
        Err(errno) => {
            if errno == libc::ECHILD && child.pid > 0 {
                child.state |= WAITED_FOR;
            }
            Err(errno)
        }
    })
}

/// Sends the child a signal; with 0 only looks whether it is there. Returns 0, or -1 with errno:
/// ESRCH when it was waited for, by whomever, or for an empty child; EPERM when the caller may not
/// (the child has other credentials); EINVAL for NULL or a signal that does not exist. A child that
/// has ended but was not waited for takes any signal and does nothing. With FE_PIDFD a recycled pid
/// is never hit; without, not unless another thread waits for the child at the same moment, or has
/// and the pid is that of another child of the caller's by now. Async-signal-safe, but for errno.
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

/// Gives back what the child holds (its pidfd and the `ends` of its pipes) and makes it empty. Neither kills the child nor
/// waits for it: one that was not waited for is a zombie until the caller's own wait(2) or exit.
/// NULL and an empty child are fine. With FE_ASYNC and before fe_spawn_finish the child goes on to its
/// exec, without a deadline; if that fails it exits with status 127, for the caller's own wait(2). To
/// cancel it, fe_kill it and call fe_spawn_finish.
#[no_mangle]
pub unsafe extern "C" fn fe_child_close(child: *mut fe_child) {
    // SAFETY: the C caller: as fe_wait.
    let Some(child) = (unsafe { child.as_mut() }) else {
        return;
    };
    if child.pid > 0 && child.state & OWNS_PIDFD != 0 {
        sys::close(child.pidfd);
    }
    drop(child.take_ends());
    if let Some(pending) = take_pending(child) {
        pending.abandon();
    }
}
