// SPDX-License-Identifier: BSD-3-Clause
//! What it takes to feed a child and to drain it: reads and writes that do not block, and a poll of several
//! descriptors.

use super::{call3, check, syscall, Errno, Fd, NoSignal};
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};

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
    unsafe { buffer.set_len(buffer.len().wrapping_add(count)) };
    Ok(count)
}

const RWF_NOSIGNAL: usize = 0x100;
static NOSIGNAL_REFUSED: AtomicBool = AtomicBool::new(false);

/// write(2), to what nobody may read from any more: EPIPE and no SIGPIPE. One system call with RWF_NOSIGNAL (Linux
/// 6.18); without it four, which block the signal and take it away.
pub fn write_without_sigpipe(fd: &Fd, bytes: &[u8]) -> Result<usize, Errno> {
    if !NOSIGNAL_REFUSED.load(Relaxed) {
        let part = [bytes.as_ptr() as usize, bytes.len()];
        let (part, here) = (part.as_ptr() as usize, usize::MAX);
        let args = [fd.number() as usize, part, 1, here, here, RWF_NOSIGNAL];
        // SAFETY: one struct iovec, of bytes that are there.
        let result = check(unsafe { syscall(libc::SYS_pwritev2 as usize, args) });
        // Older kernels, and filters that have never heard of it.
        if !matches!(result, Err(libc::EOPNOTSUPP | libc::ENOSYS | libc::EPERM)) {
            return result;
        }
        NOSIGNAL_REFUSED.store(true, Relaxed);
    }
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
    poll_all(&mut entries, timeout_ms)?;
    Ok(entries.map(|entry| entry.revents != 0))
}

/// The same of any number, which tell by their `revents`. EINVAL: more than RLIMIT_NOFILE.
pub fn poll_all(entries: &mut [libc::pollfd], timeout_ms: Option<u64>) -> Result<(), Errno> {
    let ms = timeout_ms.unwrap_or(0);
    let time =
        libc::timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000 * 1_000_000) as i64 };
    let time = if timeout_ms.is_some() { &raw const time as usize } else { 0 };
    let args = [entries.as_mut_ptr() as usize, entries.len(), time, 0, 0, 0];
    // SAFETY: entries and time live through the call; no mask is given.
    check(unsafe { syscall(libc::SYS_ppoll as usize, args) }).map(drop)
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
