// SPDX-License-Identifier: BSD-3-Clause
//! When and where the child runs: policy, nice value, processors, memory nodes, turns at the disk.

#![forbid(unsafe_code)]

use super::INVALID;
use crate::error::Result;

/// What is asked for; None keeps the calling thread's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Scheduling<'a> {
    /// sched(7).
    pub policy: Option<Policy>,
    /// -20 to 19.
    pub nice: Option<i32>,
    /// A bit for each processor.
    pub affinity: Option<&'a [u8]>,
    /// As ioprio_set(2) has it: class and data.
    pub ioprio: Option<i32>,
    /// Where memory comes from.
    pub mempolicy: Option<MemPolicy<'a>>,
    /// How late timers may be, in nanoseconds.
    pub timer_slack: Option<usize>,
    /// Shares a core with nobody but its descendants.
    pub core: bool,
}

/// The policy, the priority, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// sched_setscheduler(2).
    Set {
        /// SCHED_OTHER and the like.
        policy: i32,
        /// 1 to 99 with a real-time policy, else 0.
        priority: i32,
    },
    /// sched_setparam(2): the caller's policy.
    Priority(i32),
    /// sched_setattr(2).
    Deadline(Deadline),
}

/// The kernel's struct sched_attr in its first version, of SCHED_DEADLINE. Times are in nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Deadline {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// set_mempolicy(2).
#[derive(Clone, Copy, Debug)]
pub struct MemPolicy<'a> {
    /// MPOL_DEFAULT and the like.
    pub mode: i32,
    /// A bit for each node.
    pub nodes: &'a [libc::c_ulong],
    /// How many bits there are, and one.
    pub maxnode: usize,
}

/// Or-ed into a policy: sched(7).
const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;
/// SCHED_FLAG_RESET_ON_FORK, the same to sched_setattr(2).
const RESET_ON_FORK: u64 = 1;
/// The classes of ioprio_set(2), above 13 bits of data. The others take no privilege.
const IOPRIO_SHIFT: i32 = 13;
const IOPRIO_NONE: i32 = 0;
const IOPRIO_REAL_TIME: i32 = 1;
const IOPRIO_IDLE: i32 = 3;

impl Scheduling<'_> {
    /// Refuses what no kernel takes.
    pub fn check(&self) -> Result<()> {
        let bad = self.policy.is_some_and(|policy| !policy.is_valid())
            || self.nice.is_some_and(|nice| !(-20..=19).contains(&nice))
            || self.affinity.is_some_and(|mask| !is_mask(mask))
            || self.ioprio.is_some_and(|ioprio| !is_ioprio(ioprio));
        if bad {
            Err(INVALID)
        } else {
            Ok(())
        }
    }

    /// Whether the nice value may take a privilege that the credentials take away, given the caller's. A
    /// caller whose children do not get its priority (SCHED_RESET_ON_FORK) gives them 0 for a negative one.
    pub fn raises_nice(&self, current: i32) -> bool {
        self.nice.is_some_and(|nice| nice < 0 || nice < current)
    }

    /// Whether the turns at the disk take that privilege.
    pub fn raises_ioprio(&self) -> bool {
        self.ioprio.is_some_and(|ioprio| ioprio >> IOPRIO_SHIFT == IOPRIO_REAL_TIME)
    }
}

/// Somewhere it must run. That many processors no kernel has; a call says the size in 16 bits (`Borrows`).
fn is_mask(mask: &[u8]) -> bool {
    u16::try_from(mask.len()).is_ok() && mask.iter().any(|byte| *byte != 0)
}

fn is_ioprio(ioprio: i32) -> bool {
    let (class, data) = (ioprio >> IOPRIO_SHIFT, ioprio & ((1 << IOPRIO_SHIFT) - 1));
    (IOPRIO_NONE..=IOPRIO_IDLE).contains(&class) && (class != IOPRIO_NONE || data == 0)
}

impl Policy {
    /// Whether the kernel knows the policy and has the priority.
    fn is_valid(&self) -> bool {
        match self {
            Policy::Set { policy, priority } => match policy & !SCHED_RESET_ON_FORK {
                libc::SCHED_FIFO | libc::SCHED_RR => (1..=99).contains(priority),
                libc::SCHED_OTHER | libc::SCHED_BATCH | libc::SCHED_IDLE => *priority == 0,
                _ => false,
            },
            Policy::Priority(priority) => (0..=99).contains(priority),
            Policy::Deadline(deadline) => deadline.is_valid(),
        }
    }

    /// Whether it may take a privilege that the credentials take away, given the caller's policy:
    /// anything real-time, and what is more than the caller has. Else it can wait: a child that
    /// yields to all others keeps its caller waiting.
    pub fn raises(&self, current: i32) -> bool {
        let rank = |policy: i32| match policy & !SCHED_RESET_ON_FORK {
            libc::SCHED_IDLE => 0,
            libc::SCHED_OTHER | libc::SCHED_BATCH => 1,
            _ => 2,
        };
        let wanted = match self {
            Policy::Set { policy, .. } => rank(*policy),
            Policy::Priority(_) => rank(current),
            Policy::Deadline(_) => 2,
        };
        wanted == 2 || wanted > rank(current)
    }
}

impl Deadline {
    /// If that is what `policy` means, or-ed with SCHED_RESET_ON_FORK or not.
    pub fn of(policy: i32, runtime: u64, deadline: u64, period: u64) -> Option<Deadline> {
        (policy & !SCHED_RESET_ON_FORK == libc::SCHED_DEADLINE).then_some(Deadline {
            size: size_of::<Deadline>() as u32,
            policy: libc::SCHED_DEADLINE as u32,
            flags: if policy & SCHED_RESET_ON_FORK != 0 { RESET_ON_FORK } else { 0 },
            nice: 0,
            priority: 0,
            runtime,
            deadline,
            period,
        })
    }

    /// The kernel counts in units of 1024 ns, below 2^63; a period of 0 is as long as the deadline.
    fn is_valid(&self) -> bool {
        let period = if self.period == 0 { self.deadline } else { self.period };
        1024 <= self.runtime
            && self.runtime <= self.deadline
            && self.deadline <= period
            && period < 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_waits_only_when_it_goes_down() {
        let policy = |policy, priority| Policy::Set { policy, priority };
        let deadline = Policy::Deadline(Deadline::of(libc::SCHED_DEADLINE, 1, 1, 1).unwrap());
        for (wanted, current, raises) in [
            (policy(libc::SCHED_FIFO, 1), libc::SCHED_FIFO, true),
            (policy(libc::SCHED_RR, 99), libc::SCHED_OTHER, true),
            (policy(libc::SCHED_OTHER, 0), libc::SCHED_IDLE, true),
            (policy(libc::SCHED_BATCH, 0), libc::SCHED_IDLE, true),
            (policy(libc::SCHED_BATCH, 0), libc::SCHED_OTHER, false),
            (policy(libc::SCHED_IDLE, 0), libc::SCHED_OTHER, false),
            (policy(libc::SCHED_OTHER, 0), libc::SCHED_FIFO, false),
            (policy(0x4000_0000 | libc::SCHED_RR, 2), libc::SCHED_RR | 0x4000_0000, true),
            (Policy::Priority(0), libc::SCHED_OTHER, false),
            (Policy::Priority(50), libc::SCHED_RR, true),
            (deadline, libc::SCHED_FIFO, true),
        ] {
            assert_eq!(wanted.raises(current), raises, "{wanted:?} from {current}");
        }
    }

    #[test]
    fn the_times_of_a_deadline() {
        let is_valid = |runtime, deadline, period| {
            Deadline::of(libc::SCHED_DEADLINE, runtime, deadline, period).unwrap().is_valid()
        };
        assert!(
            is_valid(1024, 1024, 0) && is_valid(1024, 1024, 1024) && is_valid(5000, 6000, 7000)
        );
        assert!(is_valid(1024, (1 << 63) - 1, 0));
        assert!(
            !is_valid(1023, 2000, 0) && !is_valid(2000, 1999, 0) && !is_valid(2000, 2000, 1999)
        );
        assert!(!is_valid(2000, 1 << 63, 0) && !is_valid(2000, 3000, 1 << 63));
        assert_eq!(Deadline::of(libc::SCHED_FIFO, 1024, 1024, 0), None);
        assert_eq!(size_of::<Deadline>(), 48);
    }

    #[test]
    fn the_classes_of_ioprio() {
        for good in [0, 1 << 13, 2 << 13 | 7, 3 << 13, 3 << 13 | 7, 2 << 13 | 0x1fff] {
            assert!(is_ioprio(good), "{good:#x}");
        }
        for bad in [1, -1, 4 << 13, 7 << 13, 1 << 16, i32::MIN, i32::MAX] {
            assert!(!is_ioprio(bad), "{bad:#x}");
        }
    }

    #[test]
    fn a_nice_value_waits_only_when_it_goes_down() {
        let raises =
            |nice, current| Scheduling { nice, ..Scheduling::default() }.raises_nice(current);
        assert!(raises(Some(4), 5) && raises(Some(-5), -10) && raises(Some(-1), 0));
        assert!(!raises(Some(5), 5) && !raises(Some(0), -10) && !raises(Some(19), 0));
        assert!(!raises(None, 5));
    }
}
