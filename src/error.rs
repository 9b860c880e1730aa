// SPDX-License-Identifier: BSD-3-Clause
//! Why a spawn failed: errno, step, index, signal. Copy, without heap, and below every other room.

#![forbid(unsafe_code)]

use crate::list::NoRoom;
use core::ffi::CStr;

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
    Communicate = 45,
    Suspend = 46,
    Pty = 47,
    Setns = 48,
    Unshare = 49,
    TimeOffsets = 50,
    PivotRoot = 51,
    Umask = 52,
    Rlimits = 53,
    Nice = 54,
    Affinity = 55,
    Mempolicy = 56,
    Ioprio = 57,
    OomScoreAdj = 58,
    TimerSlack = 59,
    CoreSched = 60,
    Personality = 61,
    Keepcaps = 62,
    Bounding = 63,
    Inheritable = 64,
    Ambient = 65,
    Securebits = 66,
    Permitted = 67,
    NoNewPrivs = 68,
    Landlock = 69,
    Seccomp = 70,
    Keep = 71,
}

/// Every step with its name, at the place of its number.
static STEPS: [(Step, Name); 72] = [
    (Step::None, Name::of("none")),
    (Step::Args, Name::of("args")),
    (Step::Memory, Name::of("memory")),
    (Step::Pipe, Name::of("pipe")),
    (Step::Clone, Name::of("clone")),
    (Step::Pidfd, Name::of("pidfd")),
    (Step::UidMap, Name::of("uid_map")),
    (Step::SetgroupsDeny, Name::of("setgroups_deny")),
    (Step::GidMap, Name::of("gid_map")),
    (Step::MapsWait, Name::of("maps_wait")),
    (Step::Sigaction, Name::of("sigaction")),
    (Step::Propagation, Name::of("propagation")),
    (Step::Noctty, Name::of("noctty")),
    (Step::Setsid, Name::of("setsid")),
    (Step::Setpgid, Name::of("setpgid")),
    (Step::Chroot, Name::of("chroot")),
    (Step::ChrootChdir, Name::of("chroot_chdir")),
    (Step::Setgroups, Name::of("setgroups")),
    (Step::Setgid, Name::of("setgid")),
    (Step::Setuid, Name::of("setuid")),
    (Step::Chdir, Name::of("chdir")),
    (Step::Files, Name::of("files")),
    (Step::CloseOthers, Name::of("close_others")),
    (Step::Setctty, Name::of("setctty")),
    (Step::Foreground, Name::of("foreground")),
    (Step::Pdeathsig, Name::of("pdeathsig")),
    (Step::ParentAlive, Name::of("parent_alive")),
    (Step::Sigmask, Name::of("sigmask")),
    (Step::Ptrace, Name::of("ptrace")),
    (Step::Exec, Name::of("exec")),
    (Step::ActionOpen, Name::of("action_open")),
    (Step::ActionDup2, Name::of("action_dup2")),
    (Step::ActionClose, Name::of("action_close")),
    (Step::ActionChdir, Name::of("action_chdir")),
    (Step::ActionFchdir, Name::of("action_fchdir")),
    (Step::ActionClosefrom, Name::of("action_closefrom")),
    (Step::ActionTcsetpgrp, Name::of("action_tcsetpgrp")),
    (Step::Scheduling, Name::of("scheduling")),
    (Step::Resetids, Name::of("resetids")),
    (Step::Cgroup, Name::of("cgroup")),
    (Step::Execfd, Name::of("execfd")),
    (Step::ScriptFd, Name::of("script_fd")),
    (Step::Shell, Name::of("shell")),
    (Step::UnshareFiles, Name::of("unshare_files")),
    (Step::Stage, Name::of("stage")),
    (Step::Communicate, Name::of("communicate")),
    (Step::Suspend, Name::of("suspend")),
    (Step::Pty, Name::of("pty")),
    (Step::Setns, Name::of("setns")),
    (Step::Unshare, Name::of("unshare")),
    (Step::TimeOffsets, Name::of("time_offsets")),
    (Step::PivotRoot, Name::of("pivot_root")),
    (Step::Umask, Name::of("umask")),
    (Step::Rlimits, Name::of("rlimits")),
    (Step::Nice, Name::of("nice")),
    (Step::Affinity, Name::of("affinity")),
    (Step::Mempolicy, Name::of("mempolicy")),
    (Step::Ioprio, Name::of("ioprio")),
    (Step::OomScoreAdj, Name::of("oom_score_adj")),
    (Step::TimerSlack, Name::of("timer_slack")),
    (Step::CoreSched, Name::of("core_sched")),
    (Step::Personality, Name::of("personality")),
    (Step::Keepcaps, Name::of("keepcaps")),
    (Step::Bounding, Name::of("bounding")),
    (Step::Inheritable, Name::of("inheritable")),
    (Step::Ambient, Name::of("ambient")),
    (Step::Securebits, Name::of("securebits")),
    (Step::Permitted, Name::of("permitted")),
    (Step::NoNewPrivs, Name::of("no_new_privs")),
    (Step::Landlock, Name::of("landlock")),
    (Step::Seccomp, Name::of("seccomp")),
    (Step::Keep, Name::of("keep")),
];

impl Step {
    /// The step of that number.
    pub fn from_number(number: i32) -> Option<Step> {
        let (step, _) = STEPS.get(usize::try_from(number).ok()?)?;
        Some(*step)
    }

    /// The name of that number.
    pub fn name(number: i32) -> Option<&'static CStr> {
        let (_, name) = STEPS.get(usize::try_from(number).ok()?)?;
        Some(name.text())
    }

    /// Whether the step runs the program: a child that is in it may have execed.
    pub fn is_exec(self) -> bool {
        matches!(self, Step::Exec | Step::Shell)
    }
}

/// A short text as C wants it. The bytes themselves: pointers to texts would be relocated when the
/// library is loaded, one by one, in every program.
pub struct Name([u8; 20]);

impl Name {
    /// Of a text that fits.
    pub const fn of(text: &str) -> Name {
        let (bytes, mut name, mut i) = (text.as_bytes(), [0; 20], 0);
        while i < bytes.len() {
            name[i] = bytes[i];
            i += 1;
        }
        assert!(name[19] == 0);
        Name(name)
    }

    /// It.
    pub fn text(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.0).unwrap_or_default()
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

impl From<NoRoom> for Error {
    fn from(_: NoRoom) -> Error {
        Error::NO_MEMORY
    }
}

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
    fn what_an_error_is() {
        assert_eq!(Error::from(NoRoom), Error::NO_MEMORY);
        for (errno, step, shortage, not_found) in [
            (libc::ENOMEM, Step::Exec, true, false),
            (libc::EMFILE, Step::Files, true, false),
            (libc::ENOENT, Step::Exec, false, true),
            (libc::ENOENT, Step::Chdir, false, false),
            (libc::EACCES, Step::Exec, false, false),
        ] {
            let error = Error::new(errno, step);
            assert_eq!((error.is_shortage(), error.is_not_found()), (shortage, not_found));
        }
    }

    #[test]
    fn every_step_is_found_by_its_number() {
        for ((step, name), number) in STEPS.iter().zip(0..) {
            assert_eq!(*step as i32, number);
            assert_eq!(Step::from_number(*step as i32), Some(*step));
            assert_eq!(Step::name(*step as i32), Some(name.text()));
        }
        for number in [-1, STEPS.len() as i32, i32::MAX, i32::MIN] {
            assert_eq!(Step::from_number(number), None);
        }
    }
}
