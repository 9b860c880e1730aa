// SPDX-License-Identifier: BSD-3-Clause
//! What it takes to feed a child and to drain it: reads and writes that do not block, a poll of several
//! descriptors, and a wait that tells what the child has used.

use super::{call3, check, is_refusal, syscall, Change, Errno, Fd, NoSignal, Whom};
use alloc::vec::Vec;

/// From now on reads and writes by this open file description do not block.
pub fn set_nonblocking(fd: &Fd) -> Result<(), Errno> {
    let number = fd.number() as usize;
    // SAFETY: no pointer.
    unsafe {
        let flags = call3(libc::SYS_fcntl, number, libc::F_GETFL as usize, 0)?;
        let flags = flags | libc::O_NONBLOCK as usize;
        call3(libc::SYS_fcntl, number, libc::F_SETFL as usize, flags)
    }
    .map(drop)
}

/// read(2) of at most `most` bytes, behind what the buffer has and no further than its capacity.
pub fn read_into(fd: &Fd, buffer: &mut Vec<u8>, most: usize) -> Result<usize, Errno> {
    let spare = buffer.spare_capacity_mut();
    let (at, room) = (spare.as_mut_ptr() as usize, spare.len().min(most));
    // SAFETY: the spare part is writable for its length.
    let count = unsafe { call3(libc::SYS_read, fd.number() as usize, at, room) }?;
    // SAFETY: the kernel has filled in so many behind the length.
    unsafe { buffer.set_len(buffer.len() + count) };
    Ok(count)
}

/// write(2), to what nobody may read from any more: EPIPE and no SIGPIPE.
pub fn write_without_sigpipe(fd: &Fd, bytes: &[u8]) -> Result<usize, Errno> {
    let guard = NoSignal::new(libc::SIGPIPE);
    let result = super::write(fd, bytes);
    if result != Err(libc::EPIPE) {
        guard.was_not_raised();
    }
    result
}

/// How many bytes there are to be read at once: FIONREAD.
pub fn unread(fd: &Fd) -> usize {
    let mut count = 0i32;
    let place = &raw mut count as usize;
    // SAFETY: count is writable.
    let result =
        unsafe { call3(libc::SYS_ioctl, fd.number() as usize, libc::FIONREAD as usize, place) };
    result.map_or(0, |_| usize::try_from(count).unwrap_or(0))
}

/// Waits until one of them is as it says (POLLIN, POLLOUT) or hung up, for at most `timeout_ms` (None: for
/// ever): which ones. A negative descriptor never is. EINTR as it comes.
pub fn poll_each<const N: usize>(
    whom: [(i32, i16); N],
    timeout_ms: Option<u64>,
) -> Result<[bool; N], Errno> {
    let mut entries = whom.map(|(fd, events)| libc::pollfd { fd, events, revents: 0 });
    let ms = timeout_ms.unwrap_or(0);
    let time =
        libc::timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000 * 1_000_000) as i64 };
    let time = if timeout_ms.is_some() { &raw const time as usize } else { 0 };
    let args = [entries.as_mut_ptr() as usize, N, time, 0, 0, 0];
    // SAFETY: entries and time live through the call; no mask is given.
    check(unsafe { syscall(libc::SYS_ppoll as usize, args) })?;
    Ok(entries.map(|entry| entry.revents != 0))
}

/// As `wait_status`, with what the child, and those that it has waited for, have used.
pub fn wait_usage(
    whom: Whom,
    options: i32,
    usage: &mut libc::rusage,
) -> Result<Option<i32>, Errno> {
    let (kind, id) = match whom {
        Whom::Pid(pid) => (libc::P_PID, pid),
        Whom::Pidfd(fd) => (libc::P_PIDFD, fd),
    };
    let usage = core::ptr::from_mut(usage) as usize;
    // SAFETY: all zero is a siginfo_t.
    let mut info: libc::siginfo_t = unsafe { core::mem::zeroed() };
    let place = &raw mut info as usize;
    let flags = (libc::WEXITED | options) as usize;
    let args = [kind as usize, id as usize, place, flags, usage, 0];
    // SAFETY: info and usage are writable.
    match (check(unsafe { syscall(libc::SYS_waitid as usize, args) }), whom) {
        (Ok(_), _) => {
            // SAFETY: the kernel filled in the fields of SIGCHLD, or left all zero.
            let (pid, status) = unsafe { (info.si_pid(), info.si_status()) };
            let change = Change { code: info.si_code, status };
            Ok((pid != 0).then(|| change.wait_status()))
        }
        // A filter may forbid it.
        (Err(errno), Whom::Pid(pid)) if is_refusal(errno) => {
            let mut status = 0i32;
            let place = &raw mut status as usize;
            let args = [pid as usize, place, options as usize, usage, 0, 0];
            // SAFETY: status and usage are writable.
            let pid = check(unsafe { syscall(libc::SYS_wait4 as usize, args) })?;
            Ok((pid != 0).then_some(status))
        }
        (Err(errno), Whom::Pidfd(_)) if is_refusal(errno) => Err(libc::EINVAL),
        (Err(errno), _) => Err(errno),
    }
}

/// kill(2) of the process group that `leader` leads, or has led while it is not waited for.
pub fn kill_group(leader: i32, signal: i32) -> Result<(), Errno> {
    // kill(-1) is everybody.
    if leader <= 1 {
        return Err(libc::ESRCH);
    }
    let group = -(leader as isize);
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_kill, group as usize, signal as usize, 0) }.map(drop)
}

/// The process group of `pid`.
pub fn group_of(pid: i32) -> Result<i32, Errno> {
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_getpgid, pid as usize, 0, 0) }.map(|group| group as i32)
}

/// Nothing used.
pub fn no_usage() -> libc::rusage {
    // SAFETY: numbers.
    unsafe { core::mem::zeroed() }
}
