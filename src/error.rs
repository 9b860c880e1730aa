// SPDX-License-Identifier: BSD-3-Clause
//! Why a spawn failed: errno, step, index, signal. Copy, without heap, and below every other room.

#![forbid(unsafe_code)]

/// What a spawn was doing. The numbers are ABI (`FE_STEP_*`): frozen, and not the order of
/// execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
#[allow(missing_docs)] // described one by one at FE_STEP_* in capi/types.rs
pub enum Step {
    None = 0,
    Args = 1,
    Memory = 2,
    Pipe = 3,
    Clone = 4,
    Pidfd = 5,
    UidMap = 6,
    SetgroupsDeny = 7,
    GidMap = 8,
    MapsWait = 9,
    Sigaction = 10,
    Propagation = 11,
    Noctty = 12,
    Setsid = 13,
    Setpgid = 14,
    Chroot = 15,
    ChrootChdir = 16,
    Setgroups = 17,
    Setgid = 18,
    Setuid = 19,
    Chdir = 20,
    Files = 21,
    CloseOthers = 22,
    Setctty = 23,
    Foreground = 24,
    Pdeathsig = 25,
    ParentAlive = 26,
    Sigmask = 27,
    Ptrace = 28,
    Exec = 29,
    ActionOpen = 30,
    ActionDup2 = 31,
    ActionClose = 32,
    ActionChdir = 33,
    ActionFchdir = 34,
    ActionClosefrom = 35,
    ActionTcsetpgrp = 36,
    Scheduling = 37,
    Resetids = 38,
    Cgroup = 39,
    Execfd = 40,
    ScriptFd = 41,
    Shell = 42,
    UnshareFiles = 43,
    Stage = 44,
}

/// Every step with its name, at the place of its number.
pub const STEPS: [(Step, &core::ffi::CStr); 45] = [
    (Step::None, c"none"),
    (Step::Args, c"args"),
    (Step::Memory, c"memory"),
    (Step::Pipe, c"pipe"),
    (Step::Clone, c"clone"),
    (Step::Pidfd, c"pidfd"),
    (Step::UidMap, c"uid_map"),
    (Step::SetgroupsDeny, c"setgroups_deny"),
    (Step::GidMap, c"gid_map"),
    (Step::MapsWait, c"maps_wait"),
    (Step::Sigaction, c"sigaction"),
    (Step::Propagation, c"propagation"),
    (Step::Noctty, c"noctty"),
    (Step::Setsid, c"setsid"),
    (Step::Setpgid, c"setpgid"),
    (Step::Chroot, c"chroot"),
    (Step::ChrootChdir, c"chroot_chdir"),
    (Step::Setgroups, c"setgroups"),
    (Step::Setgid, c"setgid"),
    (Step::Setuid, c"setuid"),
    (Step::Chdir, c"chdir"),
    (Step::Files, c"files"),
    (Step::CloseOthers, c"close_others"),
    (Step::Setctty, c"setctty"),
    (Step::Foreground, c"foreground"),
    (Step::Pdeathsig, c"pdeathsig"),
    (Step::ParentAlive, c"parent_alive"),
    (Step::Sigmask, c"sigmask"),
    (Step::Ptrace, c"ptrace"),
    (Step::Exec, c"exec"),
    (Step::ActionOpen, c"action_open"),
    (Step::ActionDup2, c"action_dup2"),
    (Step::ActionClose, c"action_close"),
    (Step::ActionChdir, c"action_chdir"),
    (Step::ActionFchdir, c"action_fchdir"),
    (Step::ActionClosefrom, c"action_closefrom"),
    (Step::ActionTcsetpgrp, c"action_tcsetpgrp"),
    (Step::Scheduling, c"scheduling"),
    (Step::Resetids, c"resetids"),
    (Step::Cgroup, c"cgroup"),
    (Step::Execfd, c"execfd"),
    (Step::ScriptFd, c"script_fd"),
    (Step::Shell, c"shell"),
    (Step::UnshareFiles, c"unshare_files"),
    (Step::Stage, c"stage"),
];

impl Step {
    /// The step of that number.
    pub fn from_number(number: i32) -> Option<Step> {
        let (step, _) = STEPS.get(usize::try_from(number).ok()?)?;
        Some(*step)
    }

    /// Whether the step runs the program: a child that is in it may have execed.
    pub fn is_exec(self) -> bool {
        matches!(self, Step::Exec | Step::Shell)
    }
}

/// A failed spawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The errno; `ECANCELED` when the child was killed before exec.
    pub errno: i32,
    /// What failed.
    pub step: Step,
    /// Which of the step's items; -1 where there is but one.
    pub index: i32,
    /// What killed the child; 0 when nothing did, or unknown.
    pub signal: i32,
}

/// The result of anything that can fail a spawn.
pub type Result<T> = core::result::Result<T, Error>;

impl Error {
    /// `errno` at `step`, where the step has but one item.
    pub const fn new(errno: i32, step: Step) -> Error {
        Error { errno, step, index: -1, signal: 0 }
    }

    /// `errno` at item `index` of `step`.
    pub const fn at(errno: i32, step: Step, index: i32) -> Error {
        Error { errno, step, index, signal: 0 }
    }

    /// The child was killed at `step`, before exec.
    pub const fn killed(signal: i32, step: Step, index: i32) -> Error {
        // Not EINTR: callers would try again.
        Error { errno: libc::ECANCELED, step, index, signal }
    }

    /// Whether it failed for want of what others give back.
    pub fn is_shortage(&self) -> bool {
        matches!(self.errno, libc::EAGAIN | libc::ENOMEM | libc::EMFILE | libc::ENFILE)
    }

    /// Whether exec found no such file.
    pub fn is_not_found(&self) -> bool {
        self.errno == libc::ENOENT && self.step == Step::Exec
    }

    /// No memory for the plan.
    pub const NO_MEMORY: Error = Error::new(libc::ENOMEM, Step::Memory);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_stands_at_its_number() {
        for (number, (step, _)) in STEPS.iter().enumerate() {
            assert_eq!(*step as usize, number);
        }
        assert_eq!(Step::from_number(STEPS.len() as i32), None);
        assert_eq!(Step::from_number(-1), None);
    }
}
