// SPDX-License-Identifier: BSD-3-Clause
//! The calls that set limits and scheduling, each of the calling thread or process alone.

#![forbid(unsafe_code)]

use super::{call, fd, text, Borrows, Call, From, Register, Rule};
use crate::attr::{Deadline, MemPolicy, OomScoreAdj, Policy, Rlimit};
use crate::error::Step;

/// PR_SCHED_CORE of prctl(2), and PR_SCHED_CORE_CREATE.
const SCHED_CORE: usize = 62;
const SCHED_CORE_CREATE: usize = 1;
/// IOPRIO_WHO_PROCESS of ioprio_set(2).
const IOPRIO_WHO_PROCESS: usize = 1;

/// The address of what is borrowed.
fn place<T>(value: &T) -> usize {
    core::ptr::from_ref(value) as usize
}

/// sched_setscheduler(2), sched_setparam(2) or sched_setattr(2), of this thread alone.
pub fn policy(policy: &Policy) -> Call<'_> {
    let step = Step::Scheduling;
    match policy {
        Policy::Set { policy, priority } => {
            let args = [0, *policy as usize, place(priority)];
            call(step, libc::SYS_sched_setscheduler, &args).borrows(Borrows::Bytes(2, 4))
        }
        Policy::Priority(priority) => {
            let args = [0, place(priority)];
            call(step, libc::SYS_sched_setparam, &args).borrows(Borrows::Bytes(1, 4))
        }
        Policy::Deadline(deadline) => {
            let size = size_of::<Deadline>() as u16;
            let args = [0, place(deadline), 0];
            call(step, libc::SYS_sched_setattr, &args).borrows(Borrows::Bytes(1, size))
        }
    }
}

/// setpriority(2), of this thread alone.
pub fn nice<'a>(nice: i32) -> Call<'a> {
    let args = [libc::PRIO_PROCESS as usize, 0, nice as usize];
    call(Step::Nice, libc::SYS_setpriority, &args)
}

/// sched_setaffinity(2).
pub fn affinity(mask: &[u8]) -> Call<'_> {
    let args = [0, mask.len(), mask.as_ptr() as usize];
    let borrows = Borrows::Bytes(2, mask.len() as u16);
    call(Step::Affinity, libc::SYS_sched_setaffinity, &args).borrows(borrows)
}

/// ioprio_set(2).
pub fn ioprio<'a>(ioprio: i32) -> Call<'a> {
    call(Step::Ioprio, libc::SYS_ioprio_set, &[IOPRIO_WHO_PROCESS, 0, ioprio as usize])
}

/// set_mempolicy(2).
pub fn mempolicy<'a>(policy: &MemPolicy<'a>) -> Call<'a> {
    let mask = if policy.nodes.is_empty() { 0 } else { policy.nodes.as_ptr() as usize };
    let call = call(
        Step::Mempolicy,
        libc::SYS_set_mempolicy,
        &[policy.mode as usize, mask, policy.maxnode],
    );
    if mask == 0 {
        call
    } else {
        call.borrows(Borrows::Bytes(1, size_of_val(policy.nodes) as u16))
    }
}

/// PR_SET_TIMERSLACK of prctl(2).
pub fn timer_slack<'a>(ns: usize) -> Call<'a> {
    call(Step::TimerSlack, libc::SYS_prctl, &[libc::PR_SET_TIMERSLACK as usize, ns])
}

/// A core of its own, for this thread and whoever descends from it (Linux 5.14).
pub fn core_of_its_own<'a>() -> Call<'a> {
    call(Step::CoreSched, libc::SYS_prctl, &[SCHED_CORE, SCHED_CORE_CREATE, 0, 0, 0])
}

/// prlimit(2), item `index` of the list.
pub fn rlimit(limit: &Rlimit, index: i32) -> Call<'_> {
    let args = [0, limit.resource as usize, place(&limit.limits), 0];
    call(Step::Rlimits, libc::SYS_prlimit64, &args).index(index).borrows(Borrows::Bytes(2, 16))
}

/// umask(2).
pub fn umask<'a>(umask: u32) -> Call<'a> {
    call(Step::Umask, libc::SYS_umask, &[umask as usize])
}

/// personality(2).
pub fn personality<'a>(personality: u32) -> Call<'a> {
    call(Step::Personality, libc::SYS_personality, &[personality as usize])
}

/// Writes to /proc/self/oom_score_adj.
pub fn oom_score_adj(score: &OomScoreAdj) -> [Call<'_>; 3] {
    let step = Step::OomScoreAdj;
    let number = score.text();
    let open = [
        fd(libc::AT_FDCWD),
        text(c"/proc/self/oom_score_adj"),
        (libc::O_WRONLY | libc::O_CLOEXEC) as usize,
    ];
    let write = [0, number.as_ptr() as usize, number.len()];
    let of_it = |call: Call<'static>| call.take(From::Value, 0, Register::Fd);
    [
        call(step, libc::SYS_openat, &open).into(Register::Fd),
        call(step, libc::SYS_write, &write)
            .take(From::Value, 0, Register::Fd)
            .borrows(Borrows::Bytes(1, number.len() as u16)),
        of_it(call(step, libc::SYS_close, &[0]).rule(Rule::Close)),
    ]
}
