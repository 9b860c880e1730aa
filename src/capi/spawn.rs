// SPDX-License-Identifier: BSD-3-Clause
//! `fe_spawn`, `fe_spawn_finish` and `fe_spawn_many`: from an outcome to `fe_child` and `fe_error`.

use super::attr::with_attr;
use super::child::{
    fe_child_of, fe_child_of_pending, finished, kind_of, pending_of, put_ends, EMPTY,
};
use super::error::{fe_error_of, CLEAR};
use super::trace::Trace;
use super::types::*;
use crate::attr::{Attr, Way};
use crate::error::{Error, Step};
use crate::launch::{self, Failed, Pending, Progress};
use crate::list::Reserved;
use crate::redirect::Ends;
use crate::sys::{self, Blocked};
use alloc::vec::Vec;
use core::ffi::c_int;
use core::mem::size_of;

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

/// Starts a program. It returns 0 if and only if the kernel has accepted the exec, and fills in
/// `child`. Else it returns -1 with errno set, `child` empty and, unless it is NULL, `error`
/// telling which step failed; nothing is left behind: no process, no descriptor, no memory, no
/// SIGCHLD (but in the piped, the concurrent and the staged way). One thing cannot be told from success: a
/// child that is killed *inside* execve and at that moment reaped by another thread, which takes a wait
/// with __WALL; in those three ways any wait does.
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
        Ok((started, blocked)) => {
            // SAFETY: spawn has refused a child that is NULL.
            unsafe { child.write(started) };
            // SAFETY: the C caller: as above.
            unsafe { trace_end(trace, attr, started.pid, started.way, &CLEAR) };
            drop(blocked);
            (0, CLEAR)
        }
        Err(failed) => {
            let told = fe_error_of(&failed);
            // SAFETY: the C caller: as above.
            unsafe { trace_end(trace, attr, -1, told.way, &told) };
            errno::set_errno(errno::Errno(told.errnum));
            (-1, told)
        }
    };
    // SAFETY: the C caller: error is NULL or writable.
    unsafe { tell(error, told) };
    status
}

/// # Safety
/// `error` is NULL or writable.
unsafe fn tell(error: *mut fe_error, told: fe_error) {
    if !error.is_null() {
        // SAFETY: the caller's.
        unsafe { error.write(told) };
    }
}

/// # Safety
/// As fe_spawn; or `attr` is NULL.
unsafe fn trace_end(
    trace: Option<Trace>,
    attr: *const fe_attr,
    pid: i32,
    way: u32,
    told: &fe_error,
) {
    if let Some(trace) = trace {
        // SAFETY: the caller's.
        unsafe { trace.end(attr, pid, way, told) };
    }
}

/// # Safety
/// As fe_spawn.
unsafe fn spawn(
    attr: *const fe_attr,
    no_child: bool,
) -> core::result::Result<(fe_child, Blocked), Failed> {
    // SAFETY: the caller's.
    unsafe {
        with_attr(attr, true, |attr, given| {
            // Without a child in hand nobody could ever reap it.
            if no_child {
                return Err(INVALID.into());
            }
            if given.flags & (FE_ASYNC | FE_SUSPEND) != 0 {
                // Before there is a child, so that there is a place to keep it.
                let mut place = sys::try_box(None).ok_or(Error::NO_MEMORY)?;
                let (mut pending, blocked) = launch::start(attr, true)?;
                if attr.suspend {
                    pending.suspend()?;
                }
                let ends = pending.take_ends();
                *place = Some(pending);
                let mut child = fe_child_of_pending(place, kind_of(attr));
                put_ends(ends, &mut child, given.ends);
                return Ok((child, blocked));
            }
            let beside = attr.timeout_ms.is_some() || attr.way == Some(Way::Concurrent);
            let mut ends = Ends::default();
            let start = if beside { launch::spawn_by_deadline } else { launch::spawn };
            let (started, blocked) = start(attr, &mut ends)?;
            let mut child = fe_child_of(started, kind_of(attr));
            put_ends(ends, &mut child, given.ends);
            Ok((child, blocked))
        })
    }
}

/// Waits until the outcome of a spawn with FE_ASYNC is known, for at most `timeout_ms` milliseconds of
/// CLOCK_MONOTONIC; 0 only looks, -1 waits for ever (any other negative number is EINVAL). Returns 0
/// when the program has been started: `child` is then as fe_spawn leaves it. Else -1 with errno:
/// EINPROGRESS when the time is up, with `error` naming the step that the child is in, and `child` still
/// to be finished; or what fe_spawn would say of the failure, and `child` is empty. EINVAL for NULL, and
/// for a child that is not pending, or with FE_PTRACE in another thread; ECHILD in another process than the one that called fe_spawn. Nor
/// does it fail with EINTR, or is it a cancellation point. One fe_child must not be used from two threads
/// at once, but the thread need not be the one that called fe_spawn.
#[no_mangle]
pub unsafe extern "C" fn fe_spawn_finish(
    child: *mut fe_child,
    timeout_ms: c_int,
    error: *mut fe_error,
) -> c_int {
    // SAFETY: the C caller: child is NULL or one that fe_spawn has written, or all zero; error is NULL or
    // writable.
    unsafe { finish(child, timeout_ms, error, |pending| !pending.is_suspended()) }
}

/// Lets a child of FE_SUSPEND go to its exec, and is fe_spawn_finish for it then: with `timeout_ms` -1 it
/// returns the outcome, with 0 it does not wait, and fe_spawn_finish can be called later. A child that
/// was killed while it stood there is a failure as any other: ECANCELED with the signal. EINVAL, besides for what
/// fe_spawn_finish says, for a child that does not stand there. To cancel the spawn instead, fe_child_close: it
/// kills the child and reaps it. No cancellation point.
#[no_mangle]
pub unsafe extern "C" fn fe_resume(
    child: *mut fe_child,
    timeout_ms: c_int,
    error: *mut fe_error,
) -> c_int {
    let let_go = |pending: &mut Pending| {
        let may = pending.is_suspended();
        pending.resume();
        may
    };
    // SAFETY: the C caller: as fe_spawn_finish.
    unsafe { finish(child, timeout_ms, error, let_go) }
}

/// `may` is asked for its pending child, if there is one and this thread may finish it.
///
/// # Safety
/// As fe_spawn_finish.
unsafe fn finish(
    child: *mut fe_child,
    timeout_ms: c_int,
    error: *mut fe_error,
    may: impl FnOnce(&mut Pending) -> bool,
) -> c_int {
    let trace = Trace::start();
    // SAFETY: the caller's.
    let child = unsafe { child.as_mut() }.filter(|_| timeout_ms >= -1);
    let told = child.and_then(|child| {
        let pending = pending_of(child).filter(|pending| pending.may_finish())?;
        if !may(pending) {
            return None;
        }
        Some(match pending.finish(u64::try_from(timeout_ms).ok()) {
            Progress::In(step, index) => {
                let error = Error::at(libc::EINPROGRESS, step, index);
                fe_error_of(&Failed { error, way: Some(pending.way()) })
            }
            Progress::Done(result) => {
                let told = result.as_ref().err().map_or(CLEAR, fe_error_of);
                finished(child, result);
                // SAFETY: no attr.
                unsafe { trace_end(trace, core::ptr::null(), child.pid, child.way, &told) };
                told
            }
        })
    });
    let told = told.unwrap_or_else(|| fe_error_of(&INVALID.into()));
    // SAFETY: the caller's.
    unsafe { tell(error, told) };
    if told.errnum == 0 {
        return 0;
    }
    errno::set_errno(errno::Errno(told.errnum));
    -1
}

/// How many children of fe_spawn_many are on their way at once.
const WINDOW: usize = 64;

/// Starts `n` programs, `attrs[i]` as `children[i]`, without waiting for one before the next is on its
/// way. Each is what a fe_spawn of its own would be (timeout_ms counts from its own start), but for
/// FE_ASYNC, FE_SUSPEND and the ways that suspend the caller, which are EINVAL. Returns 0 when all were started.
/// Else -1: the errno is that of the first that was not, and `errors[i]` tells of each; those that were
/// started are in `children`. `errors` may be NULL; `attrs` and `children` that are NULL, unless n is 0,
/// are EINVAL. Signals are blocked for the calling thread meanwhile.
#[no_mangle]
pub unsafe extern "C" fn fe_spawn_many(
    attrs: *const *const fe_attr,
    n: usize,
    children: *mut fe_child,
    errors: *mut fe_error,
) -> c_int {
    let mut many = Many { children, errors, flying: Vec::new(), first: (usize::MAX, 0) };
    let bad = n > isize::MAX as usize / size_of::<fe_child>()
        || n > 0 && (attrs.is_null() || children.is_null());
    if bad || many.flying.try_reserve_exact(WINDOW.min(n)).is_err() {
        errno::set_errno(errno::Errno(if bad { libc::EINVAL } else { libc::ENOMEM }));
        return -1;
    }
    if n == 0 {
        return 0;
    }
    let blocked = match Blocked::all() {
        Ok(blocked) => blocked,
        Err(errno) => {
            errno::set_errno(errno::Errno(errno));
            return -1;
        }
    };
    // SAFETY: the C caller: there are n of each.
    unsafe {
        for i in 0..n {
            children.add(i).write(EMPTY);
            tell(many.error(i), CLEAR);
        }
        for i in 0..n {
            while many.flying.len() == WINDOW {
                many.finish_one();
            }
            many.start(i, *attrs.add(i), *blocked.before());
        }
        while !many.flying.is_empty() {
            many.finish_one();
        }
    }
    drop(blocked);
    let (_, errno) = many.first;
    if errno == 0 {
        return 0;
    }
    errno::set_errno(errno::Errno(errno));
    -1
}

struct Flight {
    index: usize,
    pending: Pending,
    kind: u32,
    ends: *mut i32,
    attr: *const fe_attr,
    trace: Option<Trace>,
}

struct Many {
    children: *mut fe_child,
    errors: *mut fe_error,
    flying: Vec<Flight>,
    /// The failure with the lowest index: that, and its errno.
    first: (usize, i32),
}

impl Many {
    fn error(&self, index: usize) -> *mut fe_error {
        if self.errors.is_null() {
            self.errors
        } else {
            self.errors.wrapping_add(index)
        }
    }

    /// # Safety
    /// As fe_spawn_many.
    unsafe fn start(&mut self, index: usize, attr: *const fe_attr, mask: u64) {
        loop {
            let trace = Trace::start();
            // SAFETY: the caller's.
            let result = unsafe {
                with_attr(attr, true, |attr, given| {
                    if given.flags & (FE_ASYNC | FE_SUSPEND) != 0 {
                        return Err(INVALID.into());
                    }
                    let sigmask = Some(attr.sigmask.unwrap_or(mask));
                    let (pending, _) = launch::start(&Attr { sigmask, ..*attr }, false)?;
                    // All signals were blocked before.
                    Ok((pending, kind_of(attr), given.ends))
                })
            };
            match result {
                Ok((pending, kind, ends)) => {
                    // There is room: no more than WINDOW are on their way.
                    let flight = Flight { index, pending, kind, ends, attr, trace };
                    if self.flying.put(flight).is_err() {
                        // SAFETY: the caller's.
                        unsafe { self.failed(index, attr, None, &Error::NO_MEMORY.into()) };
                    }
                    return;
                }
                // The others on their way may hold what it lacks.
                Err(failed) if !self.flying.is_empty() && failed.error.is_shortage() => {
                    // SAFETY: the caller's.
                    unsafe { self.finish_one() };
                }
                Err(failed) => {
                    // SAFETY: the caller's.
                    unsafe { self.failed(index, attr, trace, &failed) };
                    return;
                }
            }
        }
    }

    /// # Safety
    /// As fe_spawn_many.
    unsafe fn failed(
        &mut self,
        index: usize,
        attr: *const fe_attr,
        trace: Option<Trace>,
        failed: &Failed,
    ) {
        let told = fe_error_of(failed);
        let (lowest, _) = self.first;
        if index < lowest {
            self.first = (index, told.errnum);
        }
        // SAFETY: the caller's.
        unsafe {
            trace_end(trace, attr, -1, told.way, &told);
            tell(self.error(index), told);
        }
    }

    /// Waits for the first, but no longer than to the next deadline of any, which is seen to.
    ///
    /// # Safety
    /// As fe_spawn_many. There is one on its way.
    unsafe fn finish_one(&mut self) {
        let deadlines = self.flying.iter().map(|flight| flight.pending.deadline());
        let next = deadlines.zip(0..).filter_map(|(when, at)| Some((when?, at))).min();
        let left = next.map(|(when, _)| when.saturating_sub(sys::now_ms()));
        // SAFETY: the caller's.
        unsafe {
            let due = next.map_or(0, |(_, at)| at);
            if !self.look_at(0, left) && due != 0 {
                self.look_at(due, Some(0));
            }
        }
    }

    /// Whether the outcome of that one has come to be known; it is on its way no more.
    ///
    /// # Safety
    /// As fe_spawn_many.
    unsafe fn look_at(&mut self, at: usize, timeout_ms: Option<u64>) -> bool {
        let progress = self.flying.get_mut(at).map(|flight| flight.pending.finish(timeout_ms));
        let Some(Progress::Done(result)) = progress else { return false };
        // As Vec::remove, which knows a way to panic.
        let Some(mut flight) = self.flying.pop() else { return false };
        for place in self.flying.iter_mut().skip(at).rev() {
            core::mem::swap(place, &mut flight);
        }
        let Flight { index, mut pending, kind, ends, attr, trace } = flight;
        match result {
            Ok(started) => {
                let mut child = fe_child_of(started, kind);
                // SAFETY: the caller's.
                unsafe {
                    put_ends(pending.take_ends(), &mut child, ends);
                    self.children.add(index).write(child);
                    trace_end(trace, attr, child.pid, child.way, &CLEAR);
                }
            }
            // SAFETY: the caller's.
            Err(failed) => unsafe { self.failed(index, attr, trace, &failed) },
        }
        true
    }
}
