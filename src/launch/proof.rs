// SPDX-License-Identifier: BSD-3-Clause
//! The proof of exec for a child whose exit signal is SIGCHLD: the flags in /proc/PID/stat
//! (proc(5)), of which one says "forked but has not execed" (PF_FORKNOEXEC of
//! include/linux/sched.h). A zombie still has it.

#![forbid(unsafe_code)]

use crate::procfs::{is_ours, name_end, with_stat};
use crate::sys;

const PF_FORKNOEXEC: u64 = 0x40;

/// What /proc says of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It has execed.
    Execed,
    /// It has not.
    NotExeced,
    /// No /proc, one of another pid namespace, or no such process any more.
    Unknown,
}

/// Asks about `pid`, a child of this process.
pub fn of(pid: i32) -> Proof {
    ours(pid, |stat| parse(stat, sys::getpid()))
}

/// The same of a child that has execed once, and been called `name` since then: exec gives another.
pub fn by_name(pid: i32, name: &[u8]) -> Proof {
    ours(pid, |stat| parse_by_name(stat, sys::getpid(), name))
}

/// In a /proc of another pid namespace the number is a stranger's, whose parent's may be that of this process.
fn ours(pid: i32, read: impl FnOnce(&[u8]) -> Proof) -> Proof {
    if is_ours() {
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
        Some(flags) if ppid == u64::try_from(parent).ok() => {
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
        assert_eq!(parse(b"", 5), Proof::Unknown);
        for (name, proof) in [("x", Proof::NotExeced), ("xx", Proof::Execed), ("", Proof::Execed)] {
            assert_eq!(parse_by_name(execed, 5, name.as_bytes()), proof);
        }
        assert_eq!(parse_by_name(execed, 6, b"x"), Proof::Unknown);
        assert_eq!((name_of(forked), name_of(execed)), (&b"a) b) (c"[..], &b"x"[..]));
        assert_eq!(parse(b"77 (x) S 5 77 1", 5), Proof::Unknown);
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
