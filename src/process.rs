// SPDX-License-Identifier: BSD-3-Clause
//! What one does with a child: wait for it, with a time-out, send it signals, feed and drain it. Never to
//! a process that is not it.

#![forbid(unsafe_code)]

mod communicate;

pub use communicate::{communicate, Io, Outcome};

use crate::sys::{self, Errno, Whom};

/// A child that has not been waited for.
#[derive(Clone, Copy, Debug)]
pub struct Process {
    /// Its process id.
    pub pid: i32,
    /// Its pidfd.
    pub pidfd: Option<i32>,
    /// The caller traces it: waits see its stops too, and a pidfd does not tell of them.
    pub traced: bool,
}

/// How long to sleep between looks where nothing can be polled: at first and at most.
const SLEEP_US: (u32, u32) = (200, 10_000);

impl Process {
    /// Waits for it to end, or for a stop if the caller traces it, for at most `timeout_ms`
    /// (negative: for ever). The status is that of wait(2); None when the time is up.
    pub fn wait(&self, timeout_ms: i32) -> Result<Option<i32>, Errno> {
        let Ok(timeout_ms) = u64::try_from(timeout_ms) else {
            return self.look(0);
        };
        let deadline = sys::deadline_ms(timeout_ms);
        // Its pid is its own until it is waited for, so a pidfd can still be had (Linux 5.3).
        let late = match self.pidfd {
            None if timeout_ms > 0 => sys::pidfd_open(self.pid).ok(),
            _ => None,
        };
        let all = self.pidfd.or(late.as_ref().map(sys::Fd::number)).filter(|_| !self.traced);
        let mut pidfd = all;
        let mut sleep = SLEEP_US.0;
        loop {
            if let Some(status) = self.look(libc::WNOHANG)? {
                return Ok(Some(status));
            }
            let left = deadline.saturating_sub(sys::now_ms());
            if left == 0 {
                return Ok(None);
            }
            // Readable is a pidfd from the child's end on, which another tracer may keep from being
            // waited for: polled once, then slept.
            let polled = pidfd.take().map(|fd| sys::poll(fd, left as i64));
            if polled == Some(Err(libc::EINTR)) {
                pidfd = all;
            } else if polled.is_none() {
                let left_us = u32::try_from(left.saturating_mul(1000)).unwrap_or(u32::MAX);
                sys::sleep_us(sleep.min(left_us));
                sleep = (sleep * 2).min(SLEEP_US.1);
            }
        }
    }

    fn look(&self, options: i32) -> Result<Option<i32>, Errno> {
        let by_pid = || sys::wait_status(Whom::Pid(self.pid), options);
        loop {
            let result = match self.pidfd {
                // EINVAL: Linux 5.3 has pidfds but doesn't wait for them.
                Some(fd) => match sys::wait_status(Whom::Pidfd(fd), options) {
                    Err(libc::EINVAL) => by_pid(),
                    result => result,
                },
                None => by_pid(),
            };
            if result != Err(libc::EINTR) {
                return result;
            }
        }
    }

    /// Sends it a signal. ESRCH when it is gone, whoever has waited for it.
    pub fn kill(&self, signal: i32) -> Result<(), Errno> {
        if let Some(fd) = self.pidfd {
            match sys::pidfd_send_signal(fd, signal) {
                // EPERM: from a filter, or the child's other credentials, which kill(2) knows too.
                Err(libc::ENOSYS | libc::EPERM) => {}
                result => return result,
            }
        }
        // Somebody else may have waited for it, and its pid may be another's by now.
        let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;
        match sys::waitid(Whom::Pid(self.pid), options) {
            Err(libc::ECHILD) => Err(libc::ESRCH),
            _ => sys::kill(self.pid, signal),
        }
    }
}
