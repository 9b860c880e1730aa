// SPDX-License-Identifier: BSD-3-Clause
//! What the kernel, and what stands between it and this process, offer: each asked for by a call that does nothing. The
//! answer is kept for the life of the process.

#![forbid(unsafe_code)]

use crate::sys;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What there may be: a bit each.
#[derive(Clone, Copy)]
#[repr(u64)]
pub enum Feature {
    /// CLONE_PIDFD and pidfd_open(2).
    Pidfd = 0x1,
    /// close_range(2).
    CloseRange = 0x2,
    /// CLONE_INTO_CGROUP.
    Cgroup = 0x4,
    /// execveat(2).
    Execveat = 0x8,
    /// Time namespaces.
    TimeNamespaces = 0x10,
    /// User namespaces.
    UserNamespaces = 0x20,
    /// seccomp(2) with filters.
    Seccomp = 0x40,
    /// landlock(7).
    Landlock = 0x80,
    /// PR_SCHED_CORE.
    CoreSched = 0x100,
    /// New terminals.
    Pty = 0x200,
}

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
        (Feature::Pidfd, sys::pidfd_open(sys::getpid()).is_ok()),
        (Feature::CloseRange, sys::close_range_is_known()),
        (Feature::Cgroup, sys::clone_into_cgroup_is_known()),
        (Feature::Execveat, sys::execveat_is_known()),
        (Feature::TimeNamespaces, sys::is_there(c"/proc/self/ns/time")),
        (Feature::UserNamespaces, sys::is_there(c"/proc/self/ns/user")),
        (Feature::Seccomp, sys::seccomp_is_known()),
        (Feature::Landlock, sys::landlock_version() > 0),
        (Feature::CoreSched, sys::core_sched_is_known()),
        (Feature::Pty, sys::is_there(c"/dev/ptmx")),
    ]
    .into_iter()
    .filter_map(|(feature, there)| there.then_some(feature as u64))
    .fold(0, |all, feature| all | feature)
}
