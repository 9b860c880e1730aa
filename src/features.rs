// SPDX-License-Identifier: BSD-3-Clause
//! What the kernel, and what stands between it and this process, offer: each asked for by a call that does nothing. The
//! answer is kept for the life of the process.

#![forbid(unsafe_code)]

use crate::sys;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// CLONE_PIDFD and pidfd_open(2).
pub const PIDFD: u64 = 0x1;
/// close_range(2).
pub const CLOSE_RANGE: u64 = 0x2;
/// CLONE_INTO_CGROUP.
pub const CGROUP: u64 = 0x4;
/// execveat(2).
pub const EXECVEAT: u64 = 0x8;
/// Time namespaces.
pub const TIME_NAMESPACES: u64 = 0x10;
/// User namespaces.
pub const USER_NAMESPACES: u64 = 0x20;
/// seccomp(2) with filters.
pub const SECCOMP: u64 = 0x40;
/// landlock(7).
pub const LANDLOCK: u64 = 0x80;
/// PR_SCHED_CORE.
pub const CORE_SCHED: u64 = 0x100;
/// New terminals.
pub const PTY: u64 = 0x200;

/// It has been asked.
const KNOWN: u64 = 1 << 63;

/// All that there are, or-ed.
pub fn features() -> u64 {
    static FEATURES: AtomicU64 = AtomicU64::new(0);
    let known = FEATURES.load(Relaxed);
    if known != 0 {
        return known & !KNOWN;
    }
    let asked = ask();
    FEATURES.store(asked | KNOWN, Relaxed);
    asked
}

fn ask() -> u64 {
    [
        (PIDFD, sys::pidfd_open(sys::getpid()).is_ok()),
        (CLOSE_RANGE, sys::close_range_is_known()),
        (CGROUP, sys::clone_into_cgroup_is_known()),
        (EXECVEAT, sys::execveat_is_known()),
        (TIME_NAMESPACES, sys::is_there(c"/proc/self/ns/time")),
        (USER_NAMESPACES, sys::is_there(c"/proc/self/ns/user")),
        (SECCOMP, sys::seccomp_is_known()),
        (LANDLOCK, sys::landlock_version() > 0),
        (CORE_SCHED, sys::core_sched_is_known()),
        (PTY, sys::is_there(c"/dev/ptmx")),
    ]
    .into_iter()
    .filter_map(|(feature, there)| there.then_some(feature))
    .fold(0, |all, feature| all | feature)
}
