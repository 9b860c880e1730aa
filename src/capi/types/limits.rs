// SPDX-License-Identifier: BSD-3-Clause
//! Scheduling and limits, as C has them.

use libc::{c_ulong, c_void, mode_t, size_t};

/// fe_scheduling.flags: the child gets `policy` and `priority`: sched_setscheduler(2), or
/// sched_setattr(2) for SCHED_DEADLINE.
pub const FE_SCHED_POLICY: u64 = 0x1;
/// fe_scheduling.flags, without FE_SCHED_POLICY: the child keeps its caller's policy and gets
/// `priority`: sched_setparam(2).
pub const FE_SCHED_PRIORITY: u64 = 0x2;
/// fe_scheduling.flags: the child gets `nice`.
pub const FE_SCHED_NICE: u64 = 0x4;
/// fe_scheduling.flags: the child gets `ioprio`.
pub const FE_SCHED_IOPRIO: u64 = 0x8;
/// fe_scheduling.flags: the child gets `mempolicy`.
pub const FE_SCHED_MEMPOLICY: u64 = 0x10;
/// fe_scheduling.flags: the child shares a core, whose threads one processor runs side by side, with
/// nobody but its descendants: PR_SCHED_CORE of prctl(2) (Linux 5.14; EINVAL when the kernel was
/// built without it, ENODEV where cores have one thread, at the step "core_sched").
pub const FE_SCHED_CORE: u64 = 0x20;

/// How the child is scheduled, and where it runs: sched(7). Start from FE_SCHEDULING_INIT; what is not
/// asked for stays as the calling thread has it. A struct that asks for nothing is EINVAL; so is a
/// value without its flag.
///
/// A real-time policy or turn at the disk, a nice value below 0, and what is more than the caller has is
/// set before privileges are given up; what is less after all else, so that a child which yields to all
/// others does not keep its caller waiting. Without the privilege it is EPERM at its step; at "nice",
/// EACCES.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_scheduling {
    /// sizeof(fe_scheduling).
    pub size: size_t,
    /// FE_SCHED_..., or-ed. Others are EINVAL.
    pub flags: u64,
    /// SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_FIFO, SCHED_RR or SCHED_DEADLINE, also or-ed with
    /// SCHED_RESET_ON_FORK. Others are EINVAL.
    pub policy: i32,
    /// 1 to 99 for SCHED_FIFO and SCHED_RR, else 0; outside that it is EINVAL.
    pub priority: i32,
    /// SCHED_DEADLINE: how many nanoseconds it needs in each period; at least 1024. Without
    /// SCHED_RESET_ON_FORK the program cannot fork. The kernel refuses it (EPERM) with an affinity to
    /// fewer than all processors, and when there is not enough time left (EBUSY).
    pub runtime_ns: u64,
    /// SCHED_DEADLINE: within how many nanoseconds of the period's start; at least `runtime_ns`.
    pub deadline_ns: u64,
    /// SCHED_DEADLINE: how long the period is; at least `deadline_ns`, and below 2^63. 0 means as long as
    /// that.
    pub period_ns: u64,
    /// FE_SCHED_NICE: -20 to 19, whatever the caller's is: setpriority(2). Outside that it is EINVAL.
    pub nice: i32,
    /// FE_SCHED_IOPRIO: IOPRIO_PRIO_VALUE(class, data) of ioprio_set(2). The real-time class takes
    /// CAP_SYS_ADMIN or CAP_SYS_NICE. An unknown class, and IOPRIO_CLASS_NONE with data, is EINVAL.
    pub ioprio: i32,
    /// The processors that it may run on, as in sched_setaffinity(2): a cpu_set_t, or CPU_ALLOC's. NULL
    /// means those of the calling thread. None at all is EINVAL; none that is online and in its cpuset
    /// is EINVAL at the step "affinity".
    pub affinity: *const c_void,
    /// How many bytes that is; at most 65535. 0 with a mask, and a size without one, are EINVAL.
    pub affinity_size: size_t,
    /// FE_SCHED_MEMPOLICY: the nodes for `mempolicy`, as in set_mempolicy(2). NULL with maxnode 0.
    pub nodemask: *const c_ulong,
    /// FE_SCHED_MEMPOLICY: how many bits the mask has, and one: the kernel looks at `maxnode` - 1. At
    /// most 32769.
    pub maxnode: size_t,
    /// FE_SCHED_MEMPOLICY: MPOL_DEFAULT, MPOL_BIND and the like: set_mempolicy(2). A kernel that does not
    /// know it gives EINVAL at the step "mempolicy"; one without NUMA, ENOSYS.
    pub mempolicy: i32,
    /// Zero.
    pub reserved: u32,
    /// By how many nanoseconds its timers may be late: PR_SET_TIMERSLACK of prctl(2); for a real-time
    /// policy the kernel ignores it. 0 means as much as those of the calling thread.
    pub timer_slack_ns: u64,
}

/// One resource limit: prlimit(2). Its size is frozen. FE_RLIMIT makes one.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_rlimit {
    /// RLIMIT_NOFILE and the like. One that Linux does not know, and one that is in the list already, is
    /// EINVAL.
    pub resource: i32,
    /// Zero.
    pub reserved: u32,
    /// The soft limit, or RLIM_INFINITY. More than `hard` is EINVAL.
    pub soft: u64,
    /// The hard limit, or RLIM_INFINITY. More than the caller's takes CAP_SYS_RESOURCE (EPERM).
    pub hard: u64,
}

/// fe_limits.flags: the child gets `umask`.
pub const FE_LIMIT_UMASK: u64 = 0x1;
/// fe_limits.flags: the child gets `oom_score_adj`.
pub const FE_LIMIT_OOM_SCORE_ADJ: u64 = 0x2;
/// fe_limits.flags: the child gets `personality`.
pub const FE_LIMIT_PERSONALITY: u64 = 0x4;

/// What the child may use. Start from FE_LIMITS_INIT; what is not asked for stays the caller's. A value
/// without its flag is EINVAL.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct fe_limits {
    /// sizeof(fe_limits).
    pub size: size_t,
    /// FE_LIMIT_..., or-ed. Others are EINVAL.
    pub flags: u64,
    /// Resource limits. What is more than the caller has is set before privileges are given up and files
    /// are moved, what is less after all that, so that a lower RLIMIT_NOFILE does not touch the child's
    /// files; of a limit with one of each, each in its time. What is wrong with one is EINVAL at "args"
    /// with its index.
    pub rlimits: *const fe_rlimit,
    /// How many. A count without a list is EINVAL.
    pub nrlimits: size_t,
    /// FE_LIMIT_UMASK: 0 to 0777, else EINVAL: umask(2). For the program: files that the child opens before
    /// (FE_OPEN, FE_OPEN_FILE) are made with the caller's.
    pub umask: mode_t,
    /// FE_LIMIT_OOM_SCORE_ADJ: -1000 to 1000, else EINVAL: proc_pid_oom_score_adj(5). Less than it was
    /// ever set to with privilege takes CAP_SYS_RESOURCE (EACCES). Written to /proc/self before
    /// `chroot`, for which a descriptor must be free. The concurrent way cannot be taken: the score is of
    /// all who share memory.
    pub oom_score_adj: i32,
    /// FE_LIMIT_PERSONALITY: ADDR_NO_RANDOMIZE and the like: personality(2). 0xffffffff is EINVAL.
    pub personality: u32,
    /// Zero.
    pub reserved: u32,
}
