// SPDX-License-Identifier: BSD-3-Clause
//! What /proc says of processes (proc(5)). A number in it means a process only if it is that of the
//! caller's own pid namespace, which `is_ours` tells.

#![forbid(unsafe_code)]

mod text;

pub use text::Text;

use crate::list::Reserved;
use crate::sys::{self, Errno, Fd};
use alloc::vec::Vec;
use core::ffi::CStr;

/// A line of /proc/PID/stat, as far as it is of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// The process.
    pub pid: i32,
    /// R, S, T, Z and so on.
    pub state: u8,
    /// Its parent.
    pub ppid: i32,
    /// Its session.
    pub session: i32,
    /// When it was started, in clock ticks since boot. With the pid it names one process for all time: a
    /// number does not come round within a tick.
    pub start: u64,
}

/// Hands the line to `read`; nothing where there is none.
pub fn with_stat<T>(pid: i32, read: impl FnOnce(&[u8]) -> T) -> T {
    let mut path = Text::new();
    path.push(b"/proc/");
    path.push_number(pid as u32);
    path.push(b"/stat\0");
    let mut buffer = [0; 512];
    let length = path
        .as_c_str()
        .and_then(|path| sys::open(path, libc::O_RDONLY).ok())
        .and_then(|file| sys::read(&file, &mut buffer).ok());
    read(length.and_then(|length| buffer.get(..length)).unwrap_or_default())
}

/// What is known of it now; None when there is no such process.
pub fn stat(pid: i32) -> Option<Stat> {
    with_stat(pid, parse)
}

/// Where the name ends. It stands in parentheses and may hold anything, parentheses too.
pub fn name_end(stat: &[u8]) -> Option<usize> {
    stat.iter().rposition(|byte| *byte == b')')
}

fn parse(stat: &[u8]) -> Option<Stat> {
    let pid = number(stat.split(|byte| *byte == b' ').next()?)?;
    let mut fields = stat.get(name_end(stat)? + 2..)?.split(|byte| *byte == b' ');
    // state ppid pgrp session, and the start is the 18th after that
    let state = *fields.next()?.first()?;
    let ppid = number(fields.next()?)?;
    let session = number(fields.nth(1)?)?;
    let start = number(fields.nth(15)?)?;
    Some(Stat { pid: pid as i32, state, ppid: ppid as i32, session: session as i32, start })
}

fn number(text: &[u8]) -> Option<u64> {
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// Whether the numbers of /proc are those of this process's pid namespace. An error where there is none.
pub fn is_ours() -> Result<bool, Errno> {
    let mut buffer = [0; 1024];
    let length = sys::read(&sys::open(c"/proc/self/status", libc::O_RDONLY)?, &mut buffer)?;
    let status = buffer.get(..length).unwrap_or_default();
    let says = |key| says_only(status, key, sys::getpid());
    Ok(says(b"NSpid:").or(says(b"Pid:")) == Some(true))
}

/// Whether that line has this number and no other. NSpid (Linux 4.1) has one for each namespace from that
/// of /proc to its own.
fn says_only(status: &[u8], key: &[u8], wanted: i32) -> Option<bool> {
    let line = status.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(key))?;
    Some(number(line.trim_ascii()) == u64::try_from(wanted).ok())
}

/// All processes that there are. One that is started or ends meanwhile may be there or not.
pub fn all() -> Result<Vec<Stat>, Errno> {
    let mut entries = Entries::of(sys::open(c"/proc", libc::O_RDONLY | libc::O_DIRECTORY)?);
    let mut all = Vec::new();
    while let Some((name, _)) = entries.next()? {
        if let Some(stat) = number(name.to_bytes()).and_then(|pid| stat(pid as i32)) {
            all.add(stat)?;
        }
    }
    Ok(all)
}

/// The names in a directory.
pub struct Entries {
    list: Fd,
    buffer: [u8; 1024],
    filled: usize,
    at: usize,
}

impl Entries {
    /// Of that one.
    pub fn of(list: Fd) -> Entries {
        Entries { list, buffer: [0; 1024], filled: 0, at: 0 }
    }

    /// The next, with its type: DT_DIR and so on.
    pub fn next(&mut self) -> Result<Option<(&CStr, u8)>, Errno> {
        // struct linux_dirent64 of getdents64(2): two numbers of 64 bits, its length, a type, the name.
        const LENGTH: usize = 16;
        const NAME: usize = 19;
        if self.at >= self.filled {
            self.filled = sys::getdents(&self.list, &mut self.buffer)?;
            self.at = 0;
        }
        let rest = self.buffer.get(self.at..self.filled).unwrap_or_default();
        let Some([low, high, kind]) = rest.get(LENGTH..NAME) else { return Ok(None) };
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        self.at = self.at.saturating_add(length.max(NAME));
        let name = CStr::from_bytes_until_nul(rest.get(NAME..length).unwrap_or_default());
        Ok(Some((name.unwrap_or_default(), *kind)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_with_any_name() {
        let line = b"77 (a) b (c) S 12 70 60 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 987654 9 9\n";
        let wanted = Stat { pid: 77, state: b'S', ppid: 12, session: 60, start: 987_654 };
        assert_eq!(parse(line), Some(wanted));
        assert_eq!(parse(b""), None);
        assert_eq!(parse(b"77 (a) S 12 70"), None);
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs system calls")]
    fn of_this_process() {
        let own = stat(sys::getpid()).unwrap();
        assert_eq!(
            (own.pid, own.ppid),
            (sys::getpid(), std::os::unix::process::parent_id() as i32)
        );
        assert_eq!(is_ours(), Ok(true));
        assert!(all().unwrap().iter().any(|stat| stat.pid == own.pid && stat.start == own.start));
    }

    #[test]
    fn a_proc_of_another_namespace() {
        let status = b"Name:\tx\nPid:\t7\nNSpid:\t7\t1\n";
        assert_eq!(says_only(status, b"NSpid:", 1), Some(false));
        assert_eq!(says_only(status, b"NSpid:", 7), Some(false));
        assert_eq!(says_only(status, b"Pid:", 7), Some(true));
        assert_eq!(says_only(b"NSpid:\t7\n", b"NSpid:", 7), Some(true));
        assert_eq!(says_only(b"", b"NSpid:", 7), None);
    }
}
