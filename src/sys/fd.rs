// SPDX-License-Identifier: BSD-3-Clause
//! Descriptors: an owned one that closes itself, and what is done with them on the parent's side.

use super::{call3, check, syscall, Errno};
use core::ffi::CStr;

/// A descriptor that is closed when dropped.
#[derive(Debug)]
pub struct Fd(i32);

impl Fd {
    /// Takes ownership of `fd`, which nobody else closes.
    pub fn own(fd: i32) -> Fd {
        Fd(fd)
    }

    /// Its number.
    pub fn number(&self) -> i32 {
        self.0
    }

    /// Gives up ownership.
    pub fn release(self) -> i32 {
        let fd = self.0;
        core::mem::forget(self);
        fd
    }
}

impl Drop for Fd {
    fn drop(&mut self) {
        close(self.0);
    }
}

/// close(2), once: on Linux the descriptor is gone even after EINTR, and a second close might hit
/// another thread's new one.
pub fn close(fd: i32) {
    // SAFETY: no pointer.
    let _ = unsafe { call3(libc::SYS_close, fd as usize, 0, 0) };
}

/// pipe2(2) with O_CLOEXEC: the read end and the write end.
pub fn pipe() -> Result<(Fd, Fd), Errno> {
    let mut ends = [-1i32; 2];
    // SAFETY: ends has room for the two that the kernel writes.
    unsafe { call3(libc::SYS_pipe2, ends.as_mut_ptr() as usize, libc::O_CLOEXEC as usize, 0) }?;
    Ok((Fd(ends[0]), Fd(ends[1])))
}

/// socketpair(2) of streams, close-on-exec.
pub fn socket_pair() -> Result<(Fd, Fd), Errno> {
    let mut ends = [-1i32; 2];
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    let args = [libc::AF_UNIX as usize, kind as usize, 0, ends.as_mut_ptr() as usize, 0, 0];
    // SAFETY: ends has room for the two that the kernel writes.
    check(unsafe { syscall(libc::SYS_socketpair as usize, args) })?;
    Ok((Fd(ends[0]), Fd(ends[1])))
}

/// send(2) of one byte, without a signal when nobody is there to read it.
pub fn send_byte(socket: &Fd) -> Result<(), Errno> {
    let byte = 0u8;
    let flags = libc::MSG_NOSIGNAL as usize;
    let args = [socket.0 as usize, &raw const byte as usize, 1, flags, 0, 0];
    // SAFETY: the byte is readable.
    check(unsafe { syscall(libc::SYS_sendto as usize, args) }).map(drop)
}

/// shutdown(2): whoever reads from the other end finds it at its end.
pub fn stop_sending(socket: &Fd) {
    // SAFETY: no pointer.
    let _ = unsafe { call3(libc::SYS_shutdown, socket.0 as usize, libc::SHUT_WR as usize, 0) };
}

/// EBADF unless `fd` is open: F_GETFD, which works on O_PATH descriptors too.
pub fn check_open(fd: i32) -> Result<(), Errno> {
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_fcntl, fd as usize, libc::F_GETFD as usize, 0) }.map(drop)
}

/// Whether `fd` is close-on-exec.
pub fn is_cloexec(fd: i32) -> Result<bool, Errno> {
    // SAFETY: no pointer.
    let flags = unsafe { call3(libc::SYS_fcntl, fd as usize, libc::F_GETFD as usize, 0) }?;
    Ok(flags & libc::FD_CLOEXEC as usize != 0)
}

/// A close-on-exec duplicate of a descriptor of the caller's.
pub fn dup(fd: i32) -> Result<Fd, Errno> {
    // SAFETY: no pointer.
    let new = unsafe { call3(libc::SYS_fcntl, fd as usize, libc::F_DUPFD_CLOEXEC as usize, 0) }?;
    Ok(Fd(new as i32))
}

/// A close-on-exec duplicate of `fd` at `least` or above.
pub fn dup_at_least(fd: &Fd, least: i32) -> Result<Fd, Errno> {
    // SAFETY: no pointer.
    let new = unsafe {
        call3(libc::SYS_fcntl, fd.0 as usize, libc::F_DUPFD_CLOEXEC as usize, least as usize)
    }?;
    Ok(Fd(new as i32))
}

/// open(2), close-on-exec. What it creates is the user's alone.
pub fn open(path: &CStr, flags: i32) -> Result<Fd, Errno> {
    open_at(libc::AT_FDCWD, path, flags)
}

/// openat(2), likewise.
pub fn open_at(dir: i32, path: &CStr, flags: i32) -> Result<Fd, Errno> {
    let flags = flags | libc::O_CLOEXEC;
    let args = [dir as usize, path.as_ptr() as usize, flags as usize, 0o600, 0, 0];
    // SAFETY: path is a string.
    let fd = check(unsafe { syscall(libc::SYS_openat as usize, args) })?;
    Ok(Fd(fd as i32))
}

/// getdents64(2): how much of the buffer is filled; 0 at the end.
pub fn getdents(list: &Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    let (at, room) = (buffer.as_mut_ptr() as usize, buffer.len());
    // SAFETY: the buffer is writable for its length.
    unsafe { call3(libc::SYS_getdents64, list.0 as usize, at, room) }
}

/// pread(2) from the start.
pub fn pread(fd: i32, buffer: &mut [u8]) -> Result<usize, Errno> {
    let args = [fd as usize, buffer.as_mut_ptr() as usize, buffer.len(), 0, 0, 0];
    // SAFETY: the buffer is writable for its length.
    check(unsafe { syscall(libc::SYS_pread64 as usize, args) })
}

/// memfd_create(2) (Linux 3.17), close-on-exec. `newer`: a flag of Linux 6.3 that says whether the file is for
/// executing; an older kernel allows both without.
fn memfd(flags: u32, newer: u32) -> Result<Fd, Errno> {
    let create = |flags: u32| {
        let name = c"forkexec".as_ptr() as usize;
        // SAFETY: the name is a string.
        unsafe { call3(libc::SYS_memfd_create, name, flags as usize, 0) }
    };
    let flags = libc::MFD_CLOEXEC | flags;
    let fd = match create(flags | newer) {
        Err(libc::EINVAL) => create(flags)?,
        created => created?,
    };
    Ok(Fd(fd as i32))
}

/// A file without a name that can be executed.
pub fn executable_file() -> Result<Fd, Errno> {
    const MFD_EXEC: u32 = 0x10;
    memfd(0, MFD_EXEC)
}

/// A file without a name that has these contents, its offset at 0, sealed for good.
pub fn sealed_file(contents: &[u8]) -> Result<Fd, Errno> {
    const MFD_NOEXEC_SEAL: u32 = 8;
    let file = memfd(libc::MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL)?;
    write_at(&file, contents, 0)?;
    let seals = libc::F_SEAL_SEAL | libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_WRITE;
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_fcntl, file.0 as usize, libc::F_ADD_SEALS as usize, seals as usize) }?;
    Ok(file)
}

/// pwrite(2) of all. Where that is more than RLIMIT_FSIZE allows, the error comes without its signal.
pub fn write_at(file: &Fd, mut bytes: &[u8], mut offset: usize) -> Result<(), Errno> {
    let guard = super::NoSignal::new(libc::SIGXFSZ);
    while !bytes.is_empty() {
        let args = [file.0 as usize, bytes.as_ptr() as usize, bytes.len(), offset, 0, 0];
        // SAFETY: the bytes are readable for their length.
        match check(unsafe { syscall(libc::SYS_pwrite64 as usize, args) }) {
            Ok(0) => return Err(libc::EIO),
            Ok(count) => {
                bytes = bytes.get(count..).unwrap_or_default();
                offset = offset.saturating_add(count);
            }
            Err(libc::EINTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    guard.was_not_raised();
    Ok(())
}

/// read(2).
pub fn read(fd: &Fd, buffer: &mut [u8]) -> Result<usize, Errno> {
    // SAFETY: the buffer is writable for its length.
    unsafe { call3(libc::SYS_read, fd.0 as usize, buffer.as_mut_ptr() as usize, buffer.len()) }
}

/// write(2).
pub fn write(fd: &Fd, bytes: &[u8]) -> Result<usize, Errno> {
    // SAFETY: the bytes are readable for their length.
    unsafe { call3(libc::SYS_write, fd.0 as usize, bytes.as_ptr() as usize, bytes.len()) }
}

/// Waits until `fd` is readable or hung up, for at most `timeout_ms` (negative: for ever). EINTR as
/// it comes.
pub fn poll(fd: i32, timeout_ms: i64) -> Result<bool, Errno> {
    let mut entry = libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let time = libc::timespec { tv_sec: timeout_ms / 1000, tv_nsec: timeout_ms % 1000 * 1_000_000 };
    let time = if timeout_ms < 0 { 0 } else { &raw const time as usize };
    // SAFETY: entry and time live through the call; no mask is given.
    let ready = check(unsafe {
        syscall(libc::SYS_ppoll as usize, [&raw mut entry as usize, 1, time, 0, 0, 0])
    })?;
    Ok(ready > 0)
}

/// pidfd_open(2) (Linux 5.3).
pub fn pidfd_open(pid: i32) -> Result<Fd, Errno> {
    // SAFETY: no pointer.
    let fd = unsafe { call3(libc::SYS_pidfd_open, pid as usize, 0, 0) }?;
    Ok(Fd(fd as i32))
}
