// SPDX-License-Identifier: BSD-3-Clause
//! waitid(2) and wait4(2).

use super::{check, syscall, Errno};

/// Whom to wait for.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    /// P_PID.
    Pid(i32),
    /// P_PIDFD (Linux 5.4).
    Pidfd(i32),
}

/// What waitid(2) saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// CLD_EXITED and the like.
    pub code: i32,
    /// Exit code or signal, after `code`.
    pub status: i32,
}

impl Change {
    /// As wait(2) gives it.
    pub fn wait_status(self) -> i32 {
        match self.code {
            libc::CLD_EXITED => (self.status & 0xff) << 8,
            libc::CLD_KILLED => self.status & 0x7f,
            libc::CLD_DUMPED => self.status & 0x7f | 0x80,
            libc::CLD_CONTINUED => 0xffff,
            _ => self.status << 8 | 0x7f, // stopped or trapped
        }
    }

    /// From what wait(2) gives.
    pub fn from_wait_status(status: i32) -> Change {
        let signal = status & 0x7f;
        let (code, status) = match signal {
            0 => (libc::CLD_EXITED, status >> 8 & 0xff),
            0x7f => (libc::CLD_STOPPED, status >> 8),
            _ if status & 0x80 != 0 => (libc::CLD_DUMPED, signal),
            _ => (libc::CLD_KILLED, signal),
        };
        Change { code, status }
    }

    /// The signal that killed it; 0 if none did.
    pub fn signal(self) -> i32 {
        match self.code {
            libc::CLD_KILLED | libc::CLD_DUMPED => self.status,
            _ => 0,
        }
    }

    /// Whether the process is dead: exited or killed, not stopped.
    pub fn is_death(self) -> bool {
        matches!(self.code, libc::CLD_EXITED | libc::CLD_KILLED | libc::CLD_DUMPED)
    }
}

/// waitid(2); None when WNOHANG was given and there is nothing to tell. EINTR as it comes.
pub fn waitid(whom: Whom, options: i32) -> Result<Option<Change>, Errno> {
    let (kind, id) = match whom {
        Whom::Pid(pid) => (libc::P_PID, pid),
        Whom::Pidfd(fd) => (libc::P_PIDFD, fd),
    };
    // SAFETY: all zero is a siginfo_t.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let place = &raw mut info as usize;
    // SAFETY: info is writable; usage is not asked for.
    check(unsafe {
        syscall(
            libc::SYS_waitid as usize,
            [kind as usize, id as usize, place, options as usize, 0, 0],
        )
    })?;
    // SAFETY: the kernel filled in the fields of SIGCHLD, or left all zero.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok((pid != 0).then_some(Change { code: info.si_code, status }))
}

/// Whether the answer to a waitid(2) says that it is not to be had: wait4(2) may be.
pub fn is_refusal(errno: Errno) -> bool {
    matches!(errno, libc::ENOSYS | libc::EPERM)
}

/// Waits for `whom` to end (or to stop, for its tracer) and gives the status of wait(2); None with
/// WNOHANG when there is none yet. A filter may forbid waitid(2): then by wait4(2).
pub fn wait_status(whom: Whom, options: i32) -> Result<Option<i32>, Errno> {
    let errno = match waitid(whom, libc::WEXITED | options) {
        Ok(change) => return Ok(change.map(Change::wait_status)),
        Err(errno) => errno,
    };
    match whom {
        Whom::Pid(pid) if is_refusal(errno) => wait4(pid, options),
        Whom::Pidfd(_) if is_refusal(errno) => Err(libc::EINVAL),
        _ => Err(errno),
    }
}

/// wait4(2) for one child; EINTR as it comes.
pub fn wait4(pid: i32, options: i32) -> Result<Option<i32>, Errno> {
    let mut status = 0i32;
    let place = &raw mut status as usize;
    // SAFETY: status is writable; usage is not asked for.
    let pid = check(unsafe {
        syscall(libc::SYS_wait4 as usize, [pid as usize, place, options as usize, 0, 0, 0])
    })?;
    Ok((pid != 0).then_some(status))
}

/// Reaps a child that is dead or dying, whatever its exit signal. When another thread was faster,
/// or the kernel does it alone (SIGCHLD ignored), there is nothing left to do.
pub fn reap(pid: i32) {
    loop {
        match wait_status(Whom::Pid(pid), libc::__WALL) {
            Err(libc::EINTR) => {}
            // The stop of a traced child: its tracer is here, not waiting for it.
            Ok(Some(status)) if status & 0xff == 0x7f => {
                let _ = super::kill(pid, libc::SIGKILL);
            }
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wait_statuses_there_and_back() {
        for status in [0, 0x100, 0xff00, 9, 11 | 0x80, 0x7f | 5 << 8] {
            assert_eq!(Change::from_wait_status(status).wait_status(), status);
        }
        assert!(Change::from_wait_status(9).is_death());
        assert_eq!(Change::from_wait_status(11 | 0x80).signal(), 11);
        assert_eq!(Change::from_wait_status(0x700).signal(), 0);
        assert!(!Change::from_wait_status(0x57f).is_death());
    }
}
