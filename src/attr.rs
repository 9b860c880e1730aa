// SPDX-License-Identifier: BSD-3-Clause
//! What to spawn: a safe, borrowed description, and the contradictions that it refuses.
//!
//! By the time an `Attr` exists its pointers are known to be good; `check` says whether its parts
//! go together.

#![forbid(unsafe_code)]

use crate::error::{Error, Result, Step};
use core::ffi::CStr;

pub use crate::sys::CStrArray;

/// The way to start the child (see `launch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// CLONE_VM and CLONE_VFORK.
    Shared,
    /// CLONE_VFORK alone.
    Copy,
    /// Neither.
    Piped,
}

/// Where the session, the process group and the terminal come from. The variants exclude each other
/// because the kernel does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Group {
    /// The caller's.
    #[default]
    Inherit,
    /// setsid(2), and the child's descriptor that becomes the controlling terminal.
    Session {
        /// The terminal.
        ctty: Option<i32>,
    },
    /// setpgid(2), and the child's descriptor whose foreground group it becomes.
    Group {
        /// 0: one of its own.
        pgid: i32,
        /// The terminal.
        foreground: Option<i32>,
    },
}

/// Who the child is to be.
#[derive(Clone, Copy, Debug)]
pub struct Credential<'a> {
    /// Real, effective and saved user id.
    pub uid: u32,
    /// Real, effective and saved group id.
    pub gid: u32,
    /// Supplementary groups; None keeps the caller's.
    pub groups: Option<&'a [u32]>,
}

/// A line of a uid or gid map.
#[derive(Clone, Copy, Debug)]
pub struct IdMap {
    /// First id inside.
    pub container_id: u32,
    /// First id outside.
    pub host_id: u32,
    /// How many.
    pub size: u32,
}

/// The maps of a new user namespace.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdMaps<'a> {
    /// uid_map.
    pub uid: &'a [IdMap],
    /// gid_map.
    pub gid: &'a [IdMap],
    /// Leave setgroups(2) permitted.
    pub allow_setgroups: bool,
}

impl IdMaps<'_> {
    /// Whether there is anything to write.
    pub fn any(&self) -> bool {
        !self.uid.is_empty() || !self.gid.is_empty()
    }

    /// Whether "deny" is written to /proc/PID/setgroups.
    pub fn denies_setgroups(&self) -> bool {
        !self.gid.is_empty() && !self.allow_setgroups
    }
}

/// The child's root.
#[derive(Clone, Copy, Debug)]
pub struct Chroot<'a> {
    /// Where.
    pub path: &'a CStr,
    /// Leave the working directory where it is.
    pub keep_cwd: bool,
}

/// What to spawn.
#[derive(Clone, Copy, Debug)]
pub struct Attr<'a> {
    /// The program.
    pub path: &'a CStr,
    /// Look for it in PATH.
    pub search_path: bool,
    /// Its arguments.
    pub argv: CStrArray<'a>,
    /// Its environment.
    pub envp: CStrArray<'a>,
    /// Its working directory.
    pub dir: Option<&'a CStr>,
    /// Its root.
    pub chroot: Option<Chroot<'a>>,
    /// Its descriptors; None leaves them as they are.
    pub files: Option<&'a [i32]>,
    /// Close all others.
    pub close_others: bool,
    /// User and groups.
    pub credential: Option<Credential<'a>>,
    /// Session, group, terminal.
    pub group: Group,
    /// Give up the controlling terminal.
    pub noctty: bool,
    /// Signal on the parent's death; 0 for none.
    pub pdeathsig: i32,
    /// PTRACE_TRACEME.
    pub ptrace: bool,
    /// CLONE_NEW*.
    pub cloneflags: u64,
    /// Leave the propagation of mounts as it is.
    pub keep_propagation: bool,
    /// The maps of a new user namespace.
    pub maps: IdMaps<'a>,
    /// The way that must be taken.
    pub way: Option<Way>,
    /// Return a pidfd.
    pub pidfd: bool,
}

/// A new time namespace (Linux 5.6); no libc has it yet for all targets.
pub const CLONE_NEWTIME: u64 = 0x80;
const CLONE_NEWNS: u64 = libc::CLONE_NEWNS as u64;
const CLONE_NEWUSER: u64 = libc::CLONE_NEWUSER as u64;
const CLONE_FLAGS: u64 = CLONE_NEWNS
    | CLONE_NEWUSER
    | CLONE_NEWTIME
    | libc::CLONE_NEWCGROUP as u64
    | libc::CLONE_NEWIPC as u64
    | libc::CLONE_NEWNET as u64
    | libc::CLONE_NEWPID as u64
    | libc::CLONE_NEWUTS as u64;

/// NSIG of the kernel: signals are 1 to 64.
const SIGNALS: i32 = 64;

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

impl Attr<'_> {
    /// Whether a new user namespace is asked for.
    pub fn new_user(&self) -> bool {
        self.cloneflags & CLONE_NEWUSER != 0
    }

    /// Whether a new mount namespace is asked for.
    pub fn new_mounts(&self) -> bool {
        self.cloneflags & CLONE_NEWNS != 0
    }

    /// Refuses what is wrong whatever the kernel thinks of it. Nothing has been done yet.
    pub fn check(&self) -> Result<()> {
        let maps_without_user = self.maps.any() && !self.new_user();
        let bad = self.cloneflags & !CLONE_FLAGS != 0
            || maps_without_user
            || self.maps.allow_setgroups && self.maps.gid.is_empty()
            || self.maps.uid.iter().chain(self.maps.gid).any(|map| map.size == 0)
            || !(0..=SIGNALS).contains(&self.pdeathsig)
            || self.keep_propagation && !self.new_mounts()
            || matches!(self.group, Group::Group { pgid, .. } if pgid < 0)
            || self.noctty && matches!(self.group, Group::Group { foreground: Some(_), .. });
        if bad {
            return Err(INVALID);
        }
        self.check_credential()?;
        self.check_files()?;
        self.check_terminal()
    }

    fn check_credential(&self) -> Result<()> {
        let Some(credential) = &self.credential else { return Ok(()) };
        // -1 means "no change" to the kernel: the child would keep the caller's.
        let groups = credential.groups.unwrap_or(&[]);
        let bad = credential.uid == u32::MAX
            || credential.gid == u32::MAX
            || groups.contains(&u32::MAX)
            || self.maps.denies_setgroups() && !groups.is_empty();
        if bad {
            Err(INVALID)
        } else {
            Ok(())
        }
    }

    fn check_files(&self) -> Result<()> {
        let files = self.files.unwrap_or(&[]);
        if i32::try_from(files.len()).is_err() {
            return Err(INVALID);
        }
        match (0..).zip(files).find(|(_, file)| **file < -1) {
            Some((index, _)) => Err(Error::at(libc::EINVAL, Step::Args, index)),
            None => Ok(()),
        }
    }

    /// The descriptor of a terminal must be one that the child will have.
    fn check_terminal(&self) -> Result<()> {
        let fd = match self.group {
            Group::Session { ctty: Some(fd) } => fd,
            Group::Group { foreground: Some(fd), .. } => fd,
            _ => return Ok(()),
        };
        let at = usize::try_from(fd).map_err(|_| INVALID)?;
        match self.files {
            Some(files) if files.get(at).is_none_or(|file| *file < 0) => Err(INVALID),
            _ => Ok(()),
        }
    }
}
