// SPDX-License-Identifier: BSD-3-Clause
//! What one does with a child: wait for it or for the first of many, with a time-out, send it signals or
//! those that belong to it, feed and drain it. Never to a process that is not it.

#![forbid(unsafe_code)]

mod any;
mod cgroup;
mod communicate;
mod stop;
mod tree;

pub use any::wait_any;
pub use communicate::{communicate, Io, Outcome};
pub use stop::{stop, Scope};
pub use tree::{Kin, Means, Tree};

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

/// What to look for.
enum Look<'a> {
    /// What a wait tells, and takes.
    Wait(Option<&'a mut libc::rusage>),
    /// Its end alone, which stays.
    AtItsEnd,
}

const PEEK: i32 = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT | libc::__WALL;

/// How long to wait for one that was killed: a process that hangs in the kernel may not even notice.
const KILLED_MS: u64 = 10_000;

/// How often to look for a status that is about to be there; a zombie of somebody else's never has one.
const REMEMBERED_LOOKS: u32 = 1000;

/// How long to sleep between looks where nothing can be polled: at first and at most.
const SLEEP_US: (u32, u32) = (200, 10_000);

impl Process {
    /// Waits for it to end, or for a stop if the caller traces it, for at most `timeout_ms`
    /// (negative: for ever). The status is that of wait(2), and `usage` what it has used; None when the
    /// time is up.
    pub fn wait(
        &self,
        timeout_ms: i32,
        usage: Option<&mut libc::rusage>,
    ) -> Result<Option<i32>, Errno> {
        let Ok(timeout_ms) = u64::try_from(timeout_ms) else {
            return self.look(0, usage);
        };
        let may_sleep = timeout_ms > 0;
        self.until(sys::deadline_ms(timeout_ms), may_sleep, Look::Wait(usage))
    }

    /// Looks until there is something to tell, or the deadline has come.
    fn until(
        &self,
        deadline: u64,
        may_sleep: bool,
        mut look: Look<'_>,
    ) -> Result<Option<i32>, Errno> {
        // Its pid is its own until it is waited for, so a pidfd can still be had (Linux 5.3).
        let late = match self.pidfd {
            None if may_sleep => sys::pidfd_open(self.pid).ok(),
            _ => None,
        };
        let all = self.pidfd.or(late.as_ref().map(sys::Fd::number)).filter(|_| !self.traced);
        let mut pidfd = all;
        let mut sleep = SLEEP_US.0;
        loop {
            let seen = match &mut look {
                Look::Wait(usage) => self.look(libc::WNOHANG, usage.as_deref_mut())?,
                Look::AtItsEnd => self.peek(),
            };
            if seen.is_some() {
                return Ok(seen);
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

    /// Waits until it has ended, or has been taken away, and leaves it to be waited for; whether it has.
    fn ends_until(&self, deadline: u64) -> bool {
        matches!(self.until(deadline, true, Look::AtItsEnd), Ok(Some(_)))
    }

    /// Something when it has ended. Never where a filter forbids to look.
    fn peek(&self) -> Option<i32> {
        match sys::waitid(Whom::Pid(self.pid), PEEK) {
            Ok(change) => change.map(|_| 0),
            Err(libc::ECHILD) => Some(0),
            Err(_) => None,
        }
    }

    /// One wait.
    fn look(
        &self,
        options: i32,
        mut usage: Option<&mut libc::rusage>,
    ) -> Result<Option<i32>, Errno> {
        loop {
            let mut wait = |whom| sys::wait_usage(whom, options, usage.as_deref_mut());
            let result = match self.pidfd {
                // EINVAL: Linux 5.3 has pidfds but doesn't wait for them.
                Some(fd) => match wait(Whom::Pidfd(fd)) {
                    Err(libc::EINVAL) => wait(Whom::Pid(self.pid)),
                    result => result,
                },
                None => wait(Whom::Pid(self.pid)),
            };
            match result {
                Err(libc::EINTR) => {}
                Err(libc::ECHILD) => return self.remembered().map(Some).ok_or(libc::ECHILD),
                result => return result,
            }
        }
    }

    /// The status of one that was reaped, by whomever or by nobody, if the kernel can tell. Only by a pidfd
    /// that has always been its own.
    fn remembered(&self) -> Option<i32> {
        let fd = self.pidfd?;
        // One that lives is no child of this process.
        if sys::poll(fd, 0) != Ok(true) {
            return None;
        }
        // Who is reaped vanishes for the waits a moment before its status is there.
        for _ in 0..REMEMBERED_LOOKS {
            match sys::pidfd_exit_status(fd) {
                Ok(None) => sys::sleep_us(SLEEP_US.0),
                result => return result.ok().flatten(),
            }
        }
        None
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
        self.is_there()?;
        sys::kill(self.pid, signal)
    }

    /// Sends the process group that it leads a signal. ESRCH when nobody is in it.
    pub fn kill_group(&self, signal: i32) -> Result<(), Errno> {
        if let Some(fd) = self.pidfd {
            match sys::pidfd_signal_group(fd, signal) {
                // EINVAL: it cannot be asked for the group, or the signal does not exist.
                Err(libc::ENOSYS | libc::EPERM | libc::EINVAL) => {}
                result => return result,
            }
        }
        // Until it is waited for, the number cannot be that of another group.
        self.is_there()?;
        sys::kill_group(self.pid, signal)
    }

    /// ESRCH when somebody else has waited for it: its pid may be another's by now.
    fn is_there(&self) -> Result<(), Errno> {
        match sys::waitid(Whom::Pid(self.pid), PEEK) {
            Err(libc::ECHILD) => Err(libc::ESRCH),
            _ => Ok(()),
        }
    }
}
