// SPDX-License-Identifier: BSD-3-Clause
//! Limits and scheduling in two parts: what may take a privilege, before the credentials give that up; and
//! what would hinder the rest of the plan, or keep the caller waiting, behind all that.

#![forbid(unsafe_code)]

use super::{call, Caller, List};
use crate::attr::{Limits, Scheduling};
use crate::list::numbers;

impl<'a> List<'_, 'a> {
    /// Limits before what they allow: RLIMIT_NICE, RLIMIT_RTPRIO.
    #[inline(never)] // for size
    pub(super) fn raised_limits(&mut self, limits: &'a Limits<'a>, caller: &'a Caller) {
        // Needs /proc.
        if let Some(score) = &limits.oom_score_adj {
            self.add(call::oom_score_adj(score));
        }
        for (index, raised) in numbers().zip(&caller.raised_rlimits) {
            if let Some(raised) = raised {
                self.add([call::rlimit(raised, index)]);
            }
        }
    }

    #[inline(never)] // for size
    pub(super) fn raised_scheduling(&mut self, wanted: &'a Scheduling<'a>, caller: &Caller) {
        // A real-time policy with a deadline is for all processors or none.
        if let Some(mask) = wanted.affinity {
            self.add([call::affinity(mask)]);
        }
        if wanted.raises_nice(caller.nice) {
            self.nice(wanted);
        }
        if let Some(policy) = wanted.policy.as_ref().filter(|it| it.raises(caller.policy)) {
            self.add([call::policy(policy)]);
        }
        if wanted.raises_ioprio() {
            self.ioprio(wanted);
        }
    }

    #[inline(never)] // for size
    pub(super) fn lowered_scheduling(&mut self, wanted: &'a Scheduling<'a>, caller: &Caller) {
        if let Some(policy) = wanted.policy.as_ref().filter(|it| !it.raises(caller.policy)) {
            self.add([call::policy(policy)]);
        }
        if !wanted.raises_nice(caller.nice) {
            self.nice(wanted);
        }
        if !wanted.raises_ioprio() {
            self.ioprio(wanted);
        }
        // The memory may still be the caller's: as little as can be comes by the child's policy.
        if let Some(policy) = &wanted.mempolicy {
            self.add([call::mempolicy(policy)]);
        }
        // The kernel ignores it for a real-time policy.
        if let Some(ns) = wanted.timer_slack {
            self.add([call::timer_slack(ns)]);
        }
        if wanted.core {
            self.add([call::core_of_its_own()]);
        }
    }

    /// The files are all open: a limit on them, or on their size, is for the program.
    #[inline(never)] // for size
    pub(super) fn lowered_limits(&mut self, limits: &'a Limits<'a>, caller: &'a Caller) {
        if let Some(umask) = limits.umask {
            self.add([call::umask(umask)]);
        }
        for ((index, wanted), raised) in numbers().zip(limits.rlimits).zip(&caller.raised_rlimits) {
            if raised.as_ref() != Some(wanted) {
                self.add([call::rlimit(wanted, index)]);
            }
        }
        if let Some(personality) = limits.personality {
            self.add([call::personality(personality)]);
        }
    }

    fn nice(&mut self, wanted: &Scheduling<'_>) {
        if let Some(nice) = wanted.nice {
            self.add([call::nice(nice)]);
        }
    }

    fn ioprio(&mut self, wanted: &Scheduling<'_>) {
        if let Some(ioprio) = wanted.ioprio {
            self.add([call::ioprio(ioprio)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{MemPolicy, OomScoreAdj, Policy, Rlimit};
    use crate::error::Step;
    use crate::plan::tests::{attr, steps_from, CALLER};
    use alloc::vec::Vec;

    fn all_of(policy: i32, priority: i32, nice: i32, ioprio: i32) -> Scheduling<'static> {
        Scheduling {
            policy: Some(Policy::Set { policy, priority }),
            nice: Some(nice),
            affinity: Some(&[1]),
            ioprio: Some(ioprio),
            mempolicy: Some(MemPolicy { mode: 0, nodes: &[], maxnode: 0 }),
            timer_slack: Some(1),
            core: true,
        }
    }

    #[test]
    fn raised_before_the_root_lowered_behind_all() {
        let limit = |resource, soft, hard| Rlimit { resource, reserved: 0, limits: [soft, hard] };
        let rlimits = [limit(7, 3, 30), limit(0, 1, 1), limit(4, 2, 2)];
        let limits = Limits {
            rlimits: &rlimits,
            umask: Some(0),
            oom_score_adj: OomScoreAdj::new(0),
            personality: Some(0),
        };
        // The first goes up and down, the second down, the third up.
        let raised_rlimits = alloc::vec![Some(limit(7, 10, 30)), None, Some(rlimits[2])];
        let caller = Caller { raised_rlimits, pid: 1, ..Caller::default() };
        let up = all_of(libc::SCHED_FIFO, 1, -1, 1 << 13);
        let mut all = attr();
        (all.scheduling, all.limits, all.dir) = (Some(&up), Some(&limits), Some(c"/"));
        let expected = [
            Step::OomScoreAdj,
            Step::Rlimits,
            Step::Affinity,
            Step::Nice,
            Step::Scheduling,
            Step::Ioprio,
            Step::Chdir,
            Step::Mempolicy,
            Step::TimerSlack,
            Step::CoreSched,
            Step::Umask,
            Step::Rlimits,
            Step::Personality,
            Step::Sigmask,
            Step::Exec,
        ];
        assert_eq!(steps_from(&all, &caller), expected);
        let down = all_of(libc::SCHED_IDLE, 0, 1, 3 << 13);
        all.scheduling = Some(&down);
        let expected = [
            Step::OomScoreAdj,
            Step::Rlimits,
            Step::Affinity,
            Step::Chdir,
            Step::Scheduling,
            Step::Nice,
            Step::Ioprio,
            Step::Mempolicy,
            Step::TimerSlack,
            Step::CoreSched,
            Step::Umask,
            Step::Rlimits,
            Step::Personality,
            Step::Sigmask,
            Step::Exec,
        ];
        assert_eq!(steps_from(&all, &caller), expected);

        let candidates = crate::plan::Candidates::of(&all, || None).unwrap();
        let mut few = crate::plan::Few::default();
        let plan =
            crate::plan::Plan::new(&all, &candidates, None, &caller, false, &mut few).unwrap();
        let set = plan.calls().iter().filter(|call| call.step == Step::Rlimits);
        let set: Vec<_> = set.map(|call| (call.index, call.args[1], call.args[2])).collect();
        let at = |limit: &Rlimit| &raw const limit.limits as usize;
        let raised = |nth: usize| at(caller.raised_rlimits[nth].as_ref().unwrap());
        let expected = [
            (0, 7, raised(0)),
            (2, 4, raised(2)),
            (0, 7, at(&rlimits[0])),
            (1, 0, at(&rlimits[1])),
        ];
        assert_eq!(set, expected);
    }

    #[test]
    fn nothing_costs_nothing() {
        let mut all = attr();
        let limits = Limits::default();
        all.limits = Some(&limits);
        assert_eq!(steps_from(&all, &CALLER), [Step::Sigmask, Step::Exec]);
    }
}
