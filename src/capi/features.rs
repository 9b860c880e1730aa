// SPDX-License-Identifier: BSD-3-Clause
//! `fe_features`.

use crate::features;

/// fe_features: pidfds, for FE_PIDFD (Linux 5.3).
pub const FE_HAS_PIDFD: u64 = 0x1;
/// fe_features: close_range(2) (Linux 5.9): FE_CLOSE_OTHERS costs what is kept and not what is open.
pub const FE_HAS_CLOSE_RANGE: u64 = 0x2;
/// fe_features: CLONE_INTO_CGROUP (Linux 5.7): with FE_CGROUP the child is born there; else it enters as its first act.
pub const FE_HAS_CGROUP: u64 = 0x4;
/// fe_features: execveat(2) (Linux 3.19), for FE_FEXECVE, FE_EXECVEAT and FE_WAY_STAGED.
pub const FE_HAS_EXECVEAT: u64 = 0x8;
/// fe_features: time namespaces (Linux 5.6), for CLONE_NEWTIME.
pub const FE_HAS_TIME_NAMESPACES: u64 = 0x10;
/// fe_features: user namespaces (Linux 3.8), for CLONE_NEWUSER. Whether this user may have one, a spawn tells.
pub const FE_HAS_USER_NAMESPACES: u64 = 0x20;
/// fe_features: filters of seccomp(2) (Linux 4.14 to be told of here, 3.17 to be used), for fe_sandbox.
pub const FE_HAS_SECCOMP: u64 = 0x40;
/// fe_features: landlock(7) (Linux 5.13), built in and enabled, for fe_sandbox.
pub const FE_HAS_LANDLOCK: u64 = 0x80;
/// fe_features: core scheduling (Linux 5.14), built in, for FE_SCHED_CORE.
pub const FE_HAS_CORE_SCHED: u64 = 0x100;
/// fe_features: /dev/ptmx is there, for FE_PTY.
pub const FE_HAS_PTY: u64 = 0x200;

/// What this kernel, and what stands between it and this process (a filter, a container without /dev), offer: FE_HAS_... or-ed.
/// What is not there fails at its step when it is asked for, never silently; this is for who wants to know before. It is
/// asked for once in the life of a process, by calls that have no effect (a filter that kills for an unknown call kills
/// for these too), and kept: a filter that is installed later is not seen. Bits that this version does not know may be
/// set by a later one. Thread-safe; async-signal-safe.
#[no_mangle]
pub extern "C" fn fe_features() -> u64 {
    features::features()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::Feature;

    #[test]
    fn the_same_bits_to_the_core() {
        for (bit, c) in [
            (Feature::Pidfd, FE_HAS_PIDFD),
            (Feature::CloseRange, FE_HAS_CLOSE_RANGE),
            (Feature::Cgroup, FE_HAS_CGROUP),
            (Feature::Execveat, FE_HAS_EXECVEAT),
            (Feature::TimeNamespaces, FE_HAS_TIME_NAMESPACES),
            (Feature::UserNamespaces, FE_HAS_USER_NAMESPACES),
            (Feature::Seccomp, FE_HAS_SECCOMP),
            (Feature::Landlock, FE_HAS_LANDLOCK),
            (Feature::CoreSched, FE_HAS_CORE_SCHED),
            (Feature::Pty, FE_HAS_PTY),
        ] {
            assert_eq!(bit as u64, c);
        }
    }
}
