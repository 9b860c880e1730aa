// SPDX-License-Identifier: BSD-3-Clause
//! Waits for the first of many children to end. It never takes the end of a process that is not one of
//! them, keeps no descriptor, and gets by without any.

#![forbid(unsafe_code)]

use super::Process;
use crate::list::Reserved;
use crate::sys::{self, Errno, Fd};
use alloc::vec::Vec;

/// How long to sleep between looks where not all can be polled: at first and at most.
const SLEEP_MS: (u64, u64) = (1, 10);

/// Those that are waited for: `process` has one for each number below `count`, or none.
struct Watch<F> {
    count: usize,
    process: F,
    /// Of each that can be polled the pidfd; -1 or nothing for the others, which are looked at.
    entries: Vec<libc::pollfd>,
}

/// Which one has ended, and its status, or the error of its own wait.
type Ended = (usize, Result<i32, Errno>);

/// Waits for at most `timeout_ms` (negative: for ever) until one of them has ended, and reaps that: the
/// first in the order of their numbers. None when the time is up; ECHILD when there is none.
pub fn wait_any(
    count: usize,
    process: impl Fn(usize) -> Option<Process>,
    timeout_ms: i32,
) -> Result<Option<Ended>, Errno> {
    if !(0..count).any(|at| process(at).is_some()) {
        return Err(libc::ECHILD);
    }
    let deadline = u64::try_from(timeout_ms).ok().map(sys::deadline_ms);
    let mut watch = Watch { count, process, entries: Vec::new() };
    let mut ended = watch.look(true);
    let mut late = Vec::new();
    if ended.is_none() && timeout_ms != 0 {
        watch.prepare(&mut late);
        // One that was reaped before it had its pidfd would never be told.
        ended = watch.look(true);
    }
    let mut sleep = SLEEP_MS.0;
    while ended.is_none() {
        let left = deadline.map(|deadline| deadline.saturating_sub(sys::now_ms()));
        if left == Some(0) {
            break;
        }
        let blind = watch.is_blind().then_some(sleep);
        let slept = watch.poll(left.into_iter().chain(blind).min());
        if slept {
            sleep = (sleep * 2).min(SLEEP_MS.1);
        }
        ended = watch.look(false);
    }
    Ok(ended)
}

/// The stops of a tracee are not told by a pidfd.
fn own_pidfd(process: Option<Process>) -> Option<i32> {
    process.filter(|process| !process.traced)?.pidfd
}

impl<F: Fn(usize) -> Option<Process>> Watch<F> {
    /// Finds pidfds: its own, or one for the time of the wait, which `late` holds.
    fn prepare(&mut self, late: &mut Vec<Fd>) {
        let enough = self.entries.try_reserve_exact(self.count).is_ok()
            && late.try_reserve_exact(self.count).is_ok();
        if !enough {
            return;
        }
        let mut may_open = true;
        for at in 0..self.count {
            let process = (self.process)(at);
            let mut fd = own_pidfd(process);
            let lacks = |process: &Process| process.pidfd.is_none() && !process.traced;
            if let Some(process) = process.filter(lacks).filter(|_| may_open) {
                // Its pid is its own until it is waited for, so a pidfd can still be had (Linux 5.3).
                match sys::pidfd_open(process.pid) {
                    Ok(opened) => {
                        fd = Some(opened.number());
                        if late.put(opened).is_err() {
                            break;
                        }
                    }
                    // The look will tell.
                    Err(libc::ESRCH) => {}
                    Err(_) => may_open = false,
                }
            }
            let (fd, events) = (fd.unwrap_or(-1), libc::POLLIN);
            if self.entries.put(libc::pollfd { fd, events, revents: 0 }).is_err() {
                break;
            }
        }
        if !may_open && !late.is_empty() {
            // The table is full, and other threads need descriptors too.
            for (at, entry) in self.entries.iter_mut().enumerate() {
                entry.fd = own_pidfd((self.process)(at)).unwrap_or(-1);
            }
            late.clear();
        }
    }

    /// Whether there is one that cannot be polled.
    fn is_blind(&self) -> bool {
        (0..self.count).any(|at| (self.process)(at).is_some() && !self.is_polled(at))
    }

    fn is_polled(&self, at: usize) -> bool {
        self.entries.get(at).is_some_and(|entry| entry.fd >= 0)
    }

    /// Whether it has slept, and seen nothing.
    fn poll(&mut self, timeout_ms: Option<u64>) -> bool {
        let polled = sys::poll_all(&mut self.entries, timeout_ms);
        match polled {
            Ok(()) => return self.entries.iter().all(|entry| entry.revents == 0),
            Err(libc::EINTR) => {}
            // There are more than may be polled.
            Err(_) if !self.entries.is_empty() => self.entries.clear(),
            // A filter forbids it.
            Err(_) => {
                let ms = timeout_ms.map_or(SLEEP_MS.1, |ms| ms.min(SLEEP_MS.1));
                sys::sleep_us(ms as u32 * 1000);
                return true;
            }
        }
        for entry in &mut self.entries {
            entry.revents = 0;
        }
        false
    }

    /// Reaps the first that has ended, of all or of those that may have.
    fn look(&mut self, all: bool) -> Option<Ended> {
        for at in 0..self.count {
            let told = self.entries.get(at).is_some_and(|entry| entry.revents != 0);
            if !all && !told && self.is_polled(at) {
                continue;
            }
            let Some(process) = (self.process)(at) else { continue };
            match process.look(libc::WNOHANG, None).transpose() {
                Some(result) => return Some((at, result)),
                // Its pidfd is readable, and another tracer keeps it from being waited for: it is
                // looked at from now on.
                None if told => {
                    if let Some(entry) = self.entries.get_mut(at) {
                        entry.fd = -1;
                    }
                }
                None => {}
            }
        }
        None
    }
}
