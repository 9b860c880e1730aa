// SPDX-License-Identifier: BSD-3-Clause
//! waitid(2), wait4(2), and what the kernel still knows of who was waited for.

use super::{call3, check, syscall, Errno};

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
    waitid_usage(whom, options, None)
}

/// The same, with what the child, and those that it has waited for, have used: the system call has a
/// fifth argument.
fn waitid_usage(
    whom: Whom,
    options: i32,
    usage: Option<&mut libc::rusage>,
) -> Result<Option<Change>, Errno> {
    let (kind, id) = match whom {
        Whom::Pid(pid) => (libc::P_PID, pid),
        Whom::Pidfd(fd) => (libc::P_PIDFD, fd),
    };
    // SAFETY: all zero is a siginfo_t.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let place = &raw mut info as usize;
    let args = [kind as usize, id as usize, place, options as usize, address(usage), 0];
    // SAFETY: info is writable, and so is usage unless it is NULL.
    check(unsafe { syscall(libc::SYS_waitid as usize, args) })?;
    // SAFETY: the kernel filled in the fields of SIGCHLD, or left all zero.
    let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
    Ok((pid != 0).then_some(Change { code: info.si_code, status }))
}

fn address(usage: Option<&mut libc::rusage>) -> usize {
    usage.map_or(0, |usage| core::ptr::from_mut(usage) as usize)
}

/// Whether the answer to a waitid(2) says that it is not to be had: wait4(2) may be.
pub fn is_refusal(errno: Errno) -> bool {
    matches!(errno, libc::ENOSYS | libc::EPERM)
}

/// Waits for `whom` to end (or to stop, for its tracer) and gives the status of wait(2); None with
/// WNOHANG when there is none yet. A filter may forbid waitid(2): then by wait4(2).
pub fn wait_status(whom: Whom, options: i32) -> Result<Option<i32>, Errno> {
    wait_usage(whom, options, None)
}

/// The same, with what the child, and those that it has waited for, have used.
pub fn wait_usage(
    whom: Whom,
    options: i32,
    mut usage: Option<&mut libc::rusage>,
) -> Result<Option<i32>, Errno> {
    let errno = match waitid_usage(whom, libc::WEXITED | options, usage.as_deref_mut()) {
        Ok(change) => return Ok(change.map(Change::wait_status)),
        Err(errno) => errno,
    };
    match whom {
        Whom::Pid(pid) if is_refusal(errno) => wait4_usage(pid, options, usage),
        Whom::Pidfd(_) if is_refusal(errno) => Err(libc::EINVAL),
        _ => Err(errno),
    }
}

/// wait4(2) for one child; EINTR as it comes.
pub fn wait4(pid: i32, options: i32) -> Result<Option<i32>, Errno> {
    wait4_usage(pid, options, None)
}

fn wait4_usage(
    pid: i32,
    options: i32,
    usage: Option<&mut libc::rusage>,
) -> Result<Option<i32>, Errno> {
    let mut status = 0i32;
    let place = &raw mut status as usize;
    let args = [pid as usize, place, options as usize, address(usage), 0, 0];
    // SAFETY: status is writable, and so is usage unless it is NULL.
    let pid = check(unsafe { syscall(libc::SYS_wait4 as usize, args) })?;
    Ok((pid != 0).then_some(status))
}

/// Nothing used.
pub fn no_usage() -> libc::rusage {
    // SAFETY: numbers.
    unsafe { core::mem::zeroed() }
}

/// The status, as wait(2) gives it, of a process that was reaped, whoever has done it: PIDFD_GET_INFO of
/// linux/pidfd.h with PIDFD_INFO_EXIT (Linux 6.15). None: it was not, or not quite.
pub fn pidfd_exit_status(pidfd: i32) -> Result<Option<i32>, Errno> {
    // Its first version, which has room for all that is wanted: later kernels take any size from it on.
    #[repr(C)]
    struct Info {
        mask: u64,
        cgroupid: u64,
        ids: [u32; 11],
        exit_code: i32,
    }
    const { assert!(core::mem::size_of::<Info>() == 64) };
    const PIDFD_INFO_EXIT: u64 = 8;
    const PIDFD_GET_INFO: usize = 3 << 30 | 64 << 16 | 0xff << 8 | 11;
    let mut info = Info { mask: PIDFD_INFO_EXIT, cgroupid: 0, ids: [0; 11], exit_code: 0 };
    let place = &raw mut info as usize;
    // SAFETY: info is writable, and of the size that the number of the request tells.
    unsafe { call3(libc::SYS_ioctl, pidfd as usize, PIDFD_GET_INFO, place) }?;
    Ok((info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code))
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
