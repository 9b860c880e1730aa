// SPDX-License-Identifier: BSD-3-Clause
//! Terminals: new ones, and who is in the foreground of one.

use super::{call3, open, Errno, Fd};

/// A new pseudo-terminal of that size, both ends close-on-exec and nobody's controlling terminal: the end of who
/// looks at it, and the terminal.
pub fn new_terminal(size: &libc::winsize) -> Result<(Fd, Fd), Errno> {
    let flags = libc::O_RDWR | libc::O_NOCTTY;
    let ours = open(c"/dev/ptmx", flags)?;
    let unlocked = 0i32;
    // The end itself, whatever is mounted at /dev/pts (Linux 4.13).
    let flags = flags | libc::O_CLOEXEC;
    // SAFETY: the two that point are read only, and no longer than the call.
    unsafe {
        ioctl(&ours, libc::TIOCSPTLCK as usize, &raw const unlocked as usize)?;
        ioctl(&ours, libc::TIOCSWINSZ as usize, core::ptr::from_ref(size) as usize)?;
        let theirs = ioctl(&ours, libc::TIOCGPTPEER as usize, flags as usize)?;
        Ok((ours, Fd::own(theirs as i32)))
    }
}

/// fchown(2), the user alone.
pub fn give_away(file: &Fd, uid: u32) -> Result<(), Errno> {
    let same = u32::MAX as usize;
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_fchown, file.number() as usize, uid as usize, same) }.map(drop)
}

/// The request is of another type in musl.
///
/// # Safety
/// The argument is what the request wants.
unsafe fn ioctl(fd: &Fd, request: usize, argument: usize) -> Result<usize, Errno> {
    // SAFETY: the caller's.
    unsafe { call3(libc::SYS_ioctl, fd.number() as usize, request, argument) }
}

/// TIOCGPGRP: the foreground process group of a terminal.
pub fn foreground(terminal: i32) -> Result<i32, Errno> {
    let mut pgid = 0i32;
    let place = &raw mut pgid as usize;
    // SAFETY: pgid is writable.
    unsafe { call3(libc::SYS_ioctl, terminal as usize, libc::TIOCGPGRP as usize, place) }?;
    Ok(pgid)
}

/// TIOCSPGRP: makes it `pgid`. SIGTTOU must be blocked.
pub fn set_foreground(terminal: i32, pgid: i32) -> Result<(), Errno> {
    let place = &raw const pgid as usize;
    // SAFETY: pgid is readable.
    unsafe { call3(libc::SYS_ioctl, terminal as usize, libc::TIOCSPGRP as usize, place) }.map(drop)
}
