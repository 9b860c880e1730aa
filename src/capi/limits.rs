// SPDX-License-Identifier: BSD-3-Clause
//! From an `fe_scheduling` and an `fe_limits` to what the core makes of them.

use super::read::{array, extensible, Extensible};
use super::types::*;
use crate::attr::{Deadline, Limits, MemPolicy, OomScoreAdj, Policy, Rlimit, Scheduling};
use crate::error::{Error, Result, Step};
use core::mem::{align_of, offset_of, size_of};

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_scheduling {
    const OLDEST: usize = 24;
}

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_limits {
    const OLDEST: usize = 48;
}

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

const KNOWN_SCHEDULING: u64 = FE_SCHED_POLICY
    | FE_SCHED_PRIORITY
    | FE_SCHED_NICE
    | FE_SCHED_IOPRIO
    | FE_SCHED_MEMPOLICY
    | FE_SCHED_CORE;
const KNOWN_LIMITS: u64 = FE_LIMIT_UMASK | FE_LIMIT_OOM_SCORE_ADJ | FE_LIMIT_PERSONALITY;

/// The kernel takes a mask of a page and no more.
const MOST_NODES: usize = 32768;

/// # Safety
/// As fe_spawn, of one that is not NULL.
#[inline(never)] // for size
pub unsafe fn read_scheduling<'a>(at: *const fe_scheduling) -> Result<Scheduling<'a>> {
    // SAFETY: the caller's.
    let from = unsafe { extensible(at) }?;
    let has = |flag: u64| from.flags & flag != 0;
    // SAFETY: the caller's.
    let (affinity, mempolicy) =
        unsafe { (array(from.affinity.cast::<u8>(), from.affinity_size)?, mempolicy(&from)?) };
    let timer_slack = (from.timer_slack_ns != 0).then_some(from.timer_slack_ns as usize);
    let nothing = from.flags == 0 && affinity.is_none() && timer_slack.is_none();
    let unused = from.nice != 0 && !has(FE_SCHED_NICE)
        || from.ioprio != 0 && !has(FE_SCHED_IOPRIO)
        || from.reserved != 0;
    if from.flags & !KNOWN_SCHEDULING != 0 || nothing || unused {
        return Err(INVALID);
    }
    Ok(Scheduling {
        policy: policy(&from)?,
        nice: has(FE_SCHED_NICE).then_some(from.nice),
        affinity,
        ioprio: has(FE_SCHED_IOPRIO).then_some(from.ioprio),
        mempolicy,
        timer_slack,
        core: has(FE_SCHED_CORE),
    })
}

fn policy(from: &fe_scheduling) -> Result<Option<Policy>> {
    let fe_scheduling { policy, priority, runtime_ns, deadline_ns, period_ns, .. } = *from;
    let (by_policy, by_priority) =
        (from.flags & FE_SCHED_POLICY != 0, from.flags & FE_SCHED_PRIORITY != 0);
    let deadline = Deadline::of(policy, runtime_ns, deadline_ns, period_ns).filter(|_| by_policy);
    if let Some(deadline) = deadline {
        return if priority == 0 { Ok(Some(Policy::Deadline(deadline))) } else { Err(INVALID) };
    }
    let unused = policy != 0 && !by_policy
        || priority != 0 && !by_policy && !by_priority
        || runtime_ns | deadline_ns | period_ns != 0;
    match (unused, by_policy, by_priority) {
        (true, ..) => Err(INVALID),
        (_, true, _) => Ok(Some(Policy::Set { policy, priority })),
        (_, _, true) => Ok(Some(Policy::Priority(priority))),
        _ => Ok(None),
    }
}

/// # Safety
/// As fe_spawn.
unsafe fn mempolicy<'a>(from: &fe_scheduling) -> Result<Option<MemPolicy<'a>>> {
    let fe_scheduling { mempolicy: mode, nodemask, maxnode, .. } = *from;
    if from.flags & FE_SCHED_MEMPOLICY == 0 {
        let unused = mode != 0 || !nodemask.is_null() || maxnode != 0;
        return if unused { Err(INVALID) } else { Ok(None) };
    }
    let bits = maxnode.saturating_sub(1);
    if bits > MOST_NODES || nodemask.is_null() != (maxnode == 0) {
        return Err(INVALID);
    }
    // SAFETY: the caller's: as many words as have those bits (set_mempolicy(2)).
    let nodes = unsafe { array(nodemask, bits.div_ceil(libc::c_ulong::BITS as usize)) }?;
    Ok(Some(MemPolicy { mode, nodes: nodes.unwrap_or_default(), maxnode }))
}

/// # Safety
/// As fe_spawn, of one that is not NULL.
#[inline(never)] // for size
pub unsafe fn read_limits<'a>(at: *const fe_limits) -> Result<Limits<'a>> {
    const {
        assert!(size_of::<fe_rlimit>() == size_of::<Rlimit>());
        assert!(align_of::<fe_rlimit>() == align_of::<Rlimit>());
        assert!(offset_of!(fe_rlimit, soft) == offset_of!(Rlimit, limits));
    }
    // SAFETY: the caller's.
    let from = unsafe { extensible(at) }?;
    let has = |flag: u64| from.flags & flag != 0;
    let unused = from.umask != 0 && !has(FE_LIMIT_UMASK)
        || from.oom_score_adj != 0 && !has(FE_LIMIT_OOM_SCORE_ADJ)
        || from.personality != 0 && !has(FE_LIMIT_PERSONALITY)
        || from.reserved != 0;
    if from.flags & !KNOWN_LIMITS != 0 || unused {
        return Err(INVALID);
    }
    // SAFETY: the caller's; the two types are the same words.
    let rlimits = unsafe { array(from.rlimits.cast::<Rlimit>(), from.nrlimits) }?;
    Ok(Limits {
        rlimits: rlimits.unwrap_or_default(),
        umask: has(FE_LIMIT_UMASK).then_some(from.umask),
        oom_score_adj: match has(FE_LIMIT_OOM_SCORE_ADJ) {
            true => Some(OomScoreAdj::new(from.oom_score_adj).ok_or(INVALID)?),
            false => None,
        },
        personality: has(FE_LIMIT_PERSONALITY).then_some(from.personality),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_0_is_frozen() {
        assert_eq!(<fe_scheduling as Extensible>::OLDEST, 24);
        assert_eq!(<fe_limits as Extensible>::OLDEST, 48);
        assert_eq!(size_of::<fe_scheduling>(), 104);
        assert_eq!(size_of::<fe_limits>(), 48);
        assert_eq!(size_of::<fe_rlimit>(), 24);
    }
}
