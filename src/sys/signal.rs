// SPDX-License-Identifier: BSD-3-Clause
//! Signals: the mask, all 64 bits of it, and sending.

use super::{call3, check, syscall, Errno};
use core::marker::PhantomData;

/// All signals are blocked for this thread while it lives, those that libc keeps for itself
/// included; the mask of before comes back when it is dropped.
#[derive(Debug)]
pub struct Blocked {
    before: u64,
    // The mask is the thread's: not Send.
    thread: PhantomData<*const ()>,
}

impl Blocked {
    /// Blocks. Only a filter can forbid it.
    pub fn all() -> Result<Blocked, Errno> {
        let mut before = 0;
        set_mask(&u64::MAX, Some(&mut before))?;
        Ok(Blocked { before, thread: PhantomData })
    }

    /// The mask of before.
    pub fn before(&self) -> &u64 {
        &self.before
    }
}

impl Drop for Blocked {
    fn drop(&mut self) {
        let _ = set_mask(&self.before, None);
    }
}

/// Whether children vanish when they end, unseen: SIGCHLD is ignored, or SA_NOCLDWAIT set.
pub fn children_are_not_kept() -> bool {
    // The kernel's struct sigaction: handler, flags, restorer, mask.
    let mut action = [0usize; 4];
    let args = [libc::SIGCHLD as usize, 0, action.as_mut_ptr() as usize, 8, 0, 0];
    // SAFETY: action is writable; 8 is the size of the kernel's sigset_t.
    let _ = unsafe { syscall(libc::SYS_rt_sigaction as usize, args) };
    let [handler, flags, ..] = action;
    handler == libc::SIG_IGN || flags & libc::SA_NOCLDWAIT as usize != 0
}

/// rt_sigprocmask(2) with SIG_SETMASK.
fn set_mask(new: &u64, old: Option<&mut u64>) -> Result<(), Errno> {
    let old = old.map_or(0, |old| core::ptr::from_mut(old) as usize);
    let new = core::ptr::from_ref(new) as usize;
    // SAFETY: both are 8 bytes, the size that is given.
    check(unsafe {
        syscall(libc::SYS_rt_sigprocmask as usize, [libc::SIG_SETMASK as usize, new, old, 8, 0, 0])
    })
    .map(drop)
}

/// While it lives what this thread does may fail with an error that comes with a signal: SIGPIPE,
/// SIGXFSZ. The error alone is wanted.
#[derive(Debug)]
pub struct NoSignal {
    signal: i32,
    was_pending: bool,
    // Dropped last, when there is nothing left to be delivered.
    _blocked: Option<Blocked>,
}

impl NoSignal {
    /// From now on.
    pub fn new(signal: i32) -> NoSignal {
        let blocked = Blocked::all().ok();
        let mut pending = 0u64;
        let place = &raw mut pending as usize;
        // SAFETY: 8 bytes, the size that is given.
        let _ = unsafe { call3(libc::SYS_rt_sigpending, place, 8, 0) };
        NoSignal { signal, was_pending: pending & bit(signal) != 0, _blocked: blocked }
    }

    /// There was no such error: one that is pending by now is from somebody else.
    pub fn was_not_raised(mut self) {
        self.was_pending = true;
    }
}

/// Its place in a set.
fn bit(signal: i32) -> u64 {
    1u64.wrapping_shl((signal as u32).wrapping_sub(1))
}

impl Drop for NoSignal {
    fn drop(&mut self) {
        if !self.was_pending {
            let (set, now) = (bit(self.signal), [0u64; 2]);
            let (set, now) = (&raw const set as usize, &raw const now as usize);
            let args = [set, 0, now, 8, 0, 0];
            // SAFETY: a set of 8 bytes and a struct timespec; the siginfo is not wanted.
            let _ = unsafe { syscall(libc::SYS_rt_sigtimedwait as usize, args) };
        }
    }
}

/// kill(2), to one process only.
pub fn kill(pid: i32, signal: i32) -> Result<(), Errno> {
    if pid <= 0 {
        return Err(libc::ESRCH);
    }
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_kill, pid as usize, signal as usize, 0) }.map(drop)
}

/// pidfd_send_signal(2) (Linux 5.1).
pub fn pidfd_send_signal(pidfd: i32, signal: i32) -> Result<(), Errno> {
    pidfd_signal(pidfd, signal, 0)
}

/// The same to the process group that the process leads, or has led: PIDFD_SIGNAL_PROCESS_GROUP (Linux 6.9;
/// EINVAL before that).
pub fn pidfd_signal_group(pidfd: i32, signal: i32) -> Result<(), Errno> {
    pidfd_signal(pidfd, signal, 4)
}

fn pidfd_signal(pidfd: i32, signal: i32, flags: usize) -> Result<(), Errno> {
    let args = [pidfd as usize, signal as usize, 0, flags, 0, 0];
    // SAFETY: no siginfo is given.
    check(unsafe { syscall(libc::SYS_pidfd_send_signal as usize, args) }).map(drop)
}

/// PTRACE_SETSIGMASK (Linux 3.11) on a child that this thread traces. ESRCH unless it stands in a
/// stop.
pub fn ptrace_set_mask(pid: i32, mask: &u64) -> Result<(), Errno> {
    const PTRACE_SETSIGMASK: usize = 0x420b;
    let mask = core::ptr::from_ref(mask) as usize;
    // SAFETY: mask is readable for the 8 bytes that are announced.
    check(unsafe {
        syscall(libc::SYS_ptrace as usize, [PTRACE_SETSIGMASK, pid as usize, 8, mask, 0, 0])
    })
    .map(drop)
}
