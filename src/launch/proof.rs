// SPDX-License-Identifier: BSD-3-Clause
//! The proof of exec for a child whose exit signal is SIGCHLD: that it has lost the flag "forked but has not execed"
//! (PF_FORKNOEXEC of include/linux/sched.h), which a zombie still has. setpgid(2) goes by it (before Linux 3.14 by another one,
//! which exec sets behind it), and /proc/PID/stat (proc(5)) shows it.

#![forbid(unsafe_code)]

use crate::child::FAILED;
use crate::procfs::{is_ours, name_end, with_stat};
use crate::sys::{self, Change, Errno, Whom};

const PF_FORKNOEXEC: u64 = 0x40;

/// What is known of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It has execed.
    Execed,
    /// It has not.
    NotExeced,
    /// There is no /proc, or one of another pid namespace, and the child is in a session of its own, or a filter forbids
    /// to ask; or there is no such process any more.
    Unknown,
}

/// Asks about `pid`, a child of this process. That it has execed is known by two system calls where its session is the
/// caller's: two files of /proc would take longer than the whole call of an asynchronous spawn (c-tests/worlds.sh).
pub fn of(pid: i32) -> Proof {
    if has_execed(pid, sys::setpgid) || has_ended_as_a_program(pid) {
        return Proof::Execed;
    }
    match ours(pid, |stat| parse(stat, sys::getpid())) {
        Proof::Unknown if has_not_execed(pid, sys::setpgid, sys::getsid) => Proof::NotExeced,
        proof => proof,
    }
}

/// No process group has this number: it is above all that pids can be (PID_MAX_LIMIT of include/linux/threads.h).
const NO_GROUP: i32 = i32::MAX;

/// A parent may put its child into another group until the child has execed: from then on it is EACCES. Before that it is
/// EPERM, for a group that does not exist, and nothing has changed (kernel/sys.c, setpgid). For a child in another
/// session it is always EPERM.
fn has_execed(pid: i32, setpgid: impl Fn(i32, i32) -> Result<(), Errno>) -> bool {
    setpgid(pid, NO_GROUP) == Err(libc::EACCES) && is_the_kernels(pid, setpgid)
}

/// The other half, where nothing else is known: an emulator may look at the group first.
fn has_not_execed(
    pid: i32,
    setpgid: impl Fn(i32, i32) -> Result<(), Errno>,
    getsid: impl Fn(i32) -> Result<i32, Errno>,
) -> bool {
    // The session is looked at afterwards: nobody comes back from another one.
    setpgid(pid, NO_GROUP) == Err(libc::EPERM)
        && getsid(pid).is_ok_and(|session| Ok(session) == getsid(0))
        && is_the_kernels(pid, setpgid)
}

/// A filter that answers for the kernel does so for a negative number too, which the kernel looks at first.
fn is_the_kernels(pid: i32, setpgid: impl Fn(i32, i32) -> Result<(), Errno>) -> bool {
    setpgid(pid, -1) == Err(libc::EINVAL)
}

/// Whether it has ended as only a program can: before exec a child is killed, or exits with `FAILED`.
fn has_ended_as_a_program(pid: i32) -> bool {
    let options = libc::WNOHANG | libc::WEXITED | libc::WNOWAIT | libc::__WALL;
    let ended = |change: Change| change.code == libc::CLD_EXITED && change.status != FAILED;
    matches!(sys::waitid(Whom::Pid(pid), options), Ok(Some(change)) if ended(change))
}

/// The same of a child that has execed once, and been called `name` since then: exec gives another.
pub fn by_name(pid: i32, name: &[u8]) -> Proof {
    ours(pid, |stat| parse_by_name(stat, sys::getpid(), name))
}

/// In a /proc of another pid namespace the number is a stranger's, whose parent's may be that of this process.
fn ours(pid: i32, read: impl FnOnce(&[u8]) -> Proof) -> Proof {
    if is_ours() == Ok(true) {
        with_stat(pid, read)
    } else {
        Proof::Unknown
    }
}

fn parse_by_name(stat: &[u8], parent: i32, name: &[u8]) -> Proof {
    match (parse(stat, parent), name_of(stat) == name) {
        (Proof::Execed, true) => Proof::NotExeced,
        (proof, _) => proof,
    }
}

fn name_of(stat: &[u8]) -> &[u8] {
    let start = stat.iter().position(|byte| *byte == b'(').map_or(0, |at| at + 1);
    name_end(stat).and_then(|end| stat.get(start..end)).unwrap_or_default()
}

/// Reads the line. A process whose parent is not `parent` is another: this /proc has other numbers.
fn parse(stat: &[u8], parent: i32) -> Proof {
    let after_name = name_end(stat).map_or(0, |at| at + 2);
    let mut fields = stat.get(after_name..).unwrap_or_default().split(|byte| *byte == b' ');
    let mut number =
        |nth| -> Option<u64> { core::str::from_utf8(fields.nth(nth)?).ok()?.parse().ok() };
    // state ppid pgrp session tty tpgid flags
    let ppid = number(1);
    let flags = number(4);
    match flags {
        // gVisor has 0 there, whatever has happened.
        Some(flags @ 1..) if ppid == u64::try_from(parent).ok() => {
            if flags & PF_FORKNOEXEC == 0 {
                Proof::Execed
            } else {
                Proof::NotExeced
            }
        }
        _ => Proof::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_of_our_own_child_only() {
        let forked = b"77 (a) b) (c) S 5 77 1 0 -1 4194368 1 0";
        let execed = b"77 (x) Z 5 77 1 0 -1 4194304 1 0";
        assert_eq!(parse(forked, 5), Proof::NotExeced);
        assert_eq!(parse(execed, 5), Proof::Execed);
        assert_eq!(parse(execed, 6), Proof::Unknown);
        assert_eq!(parse(b"77 (x) S 5 77 1 0 -1 0 1 0", 5), Proof::Unknown);
        assert_eq!(parse(b"", 5), Proof::Unknown);
        for (name, proof) in [("x", Proof::NotExeced), ("xx", Proof::Execed), ("", Proof::Execed)] {
            assert_eq!(parse_by_name(execed, 5, name.as_bytes()), proof);
        }
        assert_eq!(parse_by_name(execed, 6, b"x"), Proof::Unknown);
        assert_eq!((name_of(forked), name_of(execed)), (&b"a) b) (c"[..], &b"x"[..]));
        assert_eq!(parse(b"77 (x) S 5 77 1", 5), Proof::Unknown);
    }

    /// Whether it has execed, and whether it has not, where setpgid says `answer` to a group that does not exist and
    /// `negative` to -1, of a child in the session `session`, of a caller in 7.
    fn by(answer: Errno, negative: Errno, session: Result<i32, Errno>) -> (bool, bool) {
        let setpgid = |pid, pgid| {
            assert_eq!(pid, 5);
            // None that could exist: the child would be put into it.
            assert!(pgid == -1 || pgid > 4 << 20);
            Err(if pgid == -1 { negative } else { answer })
        };
        let getsid = |pid| if pid == 0 { Ok(7) } else { session };
        (has_execed(5, setpgid), has_not_execed(5, setpgid, getsid))
    }

    #[test]
    fn what_setpgid_says() {
        let ours = Ok(7);
        assert_eq!(by(libc::EACCES, libc::EINVAL, ours), (true, false));
        assert_eq!(by(libc::EPERM, libc::EINVAL, ours), (false, true));
        assert_eq!(by(libc::EPERM, libc::EINVAL, Ok(5)), (false, false));
        assert_eq!(by(libc::EPERM, libc::EINVAL, Err(libc::EPERM)), (false, false));
        assert_eq!(by(libc::ESRCH, libc::EINVAL, ours), (false, false));
        // A filter's.
        for errno in [libc::EACCES, libc::EPERM, libc::ENOSYS] {
            assert_eq!(by(errno, errno, ours), (false, false));
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs system calls")]
    fn a_test_program_has_execed() {
        let parent = sys::getpid();
        let stat = std::fs::read("/proc/self/stat").unwrap();
        // Not our own child: but its own parent knows.
        assert_eq!(parse(&stat, parent), Proof::Unknown);
        let ppid = std::os::unix::process::parent_id() as i32;
        assert_eq!(parse(&stat, ppid), Proof::Execed);
    }
}
