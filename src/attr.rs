// SPDX-License-Identifier: BSD-3-Clause
//! What to spawn: a safe, borrowed description, and the contradictions that it refuses.
//!
//! By the time an `Attr` exists its pointers are known to be good; `check` says whether its parts
//! go together.

#![forbid(unsafe_code)]

mod limits;
mod scheduling;

pub use limits::{Limits, OomScoreAdj, Rlimit};
pub use scheduling::{Deadline, MemPolicy, Policy, Scheduling};
mod privileges;
mod restrictions;

use crate::error::{Error, Name, Result, Step};
use crate::list::numbers;
use crate::redirect::{self, Opened, Redirect};
use crate::remap::STDIO;
use core::ffi::CStr;

pub use crate::sys::CStrArray;
pub use privileges::Privileges;
pub use restrictions::{Filter, Instruction, Landlock, Restrictions};

/// The way to start the child (see `launch`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// CLONE_VM and CLONE_VFORK.
    Shared,
    /// CLONE_VFORK alone.
    Copy,
    /// Neither.
    Piped,
    /// CLONE_VM, on a stack of its own.
    Concurrent,
    /// As Shared, but what needs other privileges is done by a program of its own, which execs in turn.
    Staged,
}

impl Way {
    /// Its name.
    pub fn name(self) -> &'static CStr {
        static NAMES: [(Way, Name); 5] = [
            (Way::Shared, Name::of("shared")),
            (Way::Copy, Name::of("copy")),
            (Way::Piped, Name::of("piped")),
            (Way::Concurrent, Name::of("concurrent")),
            (Way::Staged, Name::of("staged")),
        ];
        let known = NAMES.iter().find(|(way, _)| *way == self);
        known.map_or(c"", |(_, name)| name.text())
    }
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
    /// What the caller may not write is written by newuidmap(1) and newgidmap(1).
    pub by_helpers: bool,
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

mod namespaces;

pub use namespaces::{Join, Namespaces};

/// The child's root.
#[derive(Clone, Copy, Debug)]
pub struct Chroot<'a> {
    /// Where.
    pub path: &'a CStr,
    /// The old one is unmounted: pivot_root(2).
    pub pivot: bool,
    /// Leave the working directory where it is.
    pub keep_cwd: bool,
}

/// Where the program is.
#[derive(Clone, Copy, Debug)]
pub enum Program<'a> {
    /// At a path.
    Path(&'a CStr),
    /// In one of the directories of a list, unless the name has a slash.
    Search {
        /// Its name.
        name: &'a CStr,
        /// The directories, with colons between them; None: those of the caller's PATH.
        list: Option<&'a CStr>,
    },
    /// Open: a descriptor of the caller's, which the child has until exec whatever becomes of its
    /// number.
    Fd(i32),
    /// At a path that is relative to a directory, likewise a descriptor of the caller's.
    At {
        /// The directory.
        dir: i32,
        /// The path.
        path: &'a CStr,
    },
}

impl Program<'_> {
    /// The descriptor that exec needs.
    pub fn fd(&self) -> Option<i32> {
        match *self {
            Program::Fd(fd) | Program::At { dir: fd, .. } => Some(fd),
            Program::Path(_) | Program::Search { .. } => None,
        }
    }
}

/// What the child does to its descriptors and its working directory after `files`, in the order of
/// the list.
#[derive(Clone, Copy, Debug)]
pub enum Action<'a> {
    /// Closes `fd`, then open(2) to it.
    Open {
        /// The descriptor.
        fd: i32,
        /// The file.
        path: &'a CStr,
        /// Of open(2).
        flags: i32,
        /// Of open(2).
        mode: u32,
    },
    /// dup2(2); onto itself it clears close-on-exec.
    Dup2 {
        /// The source.
        from: i32,
        /// The target.
        to: i32,
    },
    /// close(2). It need not be open.
    Close(i32),
    /// chdir(2).
    Chdir(&'a CStr),
    /// fchdir(2).
    Fchdir(i32),
    /// Closes all from there on.
    Closefrom(i32),
    /// tcsetpgrp(3) with the child's process group.
    Tcsetpgrp(i32),
}

impl Action<'_> {
    /// To blame.
    pub fn step(&self) -> Step {
        match self {
            Action::Open { .. } => Step::ActionOpen,
            Action::Dup2 { .. } => Step::ActionDup2,
            Action::Close(_) => Step::ActionClose,
            Action::Chdir(_) => Step::ActionChdir,
            Action::Fchdir(_) => Step::ActionFchdir,
            Action::Closefrom(_) => Step::ActionClosefrom,
            Action::Tcsetpgrp(_) => Step::ActionTcsetpgrp,
        }
    }

    /// The descriptors that it names.
    fn names(&self) -> [Option<i32>; 2] {
        match *self {
            Action::Dup2 { from, to } => [Some(from), Some(to)],
            Action::Open { fd, .. }
            | Action::Close(fd)
            | Action::Fchdir(fd)
            | Action::Closefrom(fd)
            | Action::Tcsetpgrp(fd) => [Some(fd), None],
            Action::Chdir(_) => [None; 2],
        }
    }

    /// The descriptor that is open after it.
    pub fn opens(&self) -> Option<i32> {
        match *self {
            Action::Open { fd, .. } | Action::Dup2 { to: fd, .. } => Some(fd),
            _ => None,
        }
    }
}

/// Signals to act on before the mask is set: bit 0 is signal 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dispositions {
    /// SIG_DFL.
    pub default: u64,
    /// SIG_IGN.
    pub ignore: u64,
}

/// What to spawn.
#[derive(Clone, Copy, Debug)]
pub struct Attr<'a> {
    /// The program.
    pub program: Program<'a>,
    /// A file that the kernel has no format for (ENOEXEC) is run by the shell.
    pub shell_fallback: bool,
    /// Its arguments.
    pub argv: CStrArray<'a>,
    /// Its environment.
    pub envp: CStrArray<'a>,
    /// Its working directory.
    pub dir: Option<&'a CStr>,
    /// Its root.
    pub chroot: Option<Chroot<'a>>,
    /// Its descriptors; None leaves them as they are. What is below -1 is for `redirect` to make.
    pub files: Option<&'a [i32]>,
    /// What `files` refers to.
    pub redirects: &'a [Redirect<'a>],
    /// Those of `files` that the child opens, once all have been made plain.
    pub opened: &'a [Opened<'a>],
    /// What is done to them then.
    pub actions: &'a [Action<'a>],
    /// Inherited at their own numbers.
    pub keep: &'a [i32],
    /// Close all others.
    pub close_others: bool,
    /// User and groups.
    pub credential: Option<Credential<'a>>,
    /// The effective ids become the real ones.
    pub resetids: bool,
    /// Session, group, terminal.
    pub group: Group,
    /// Give up the controlling terminal.
    pub noctty: bool,
    /// Signal on the parent's death; 0 for none.
    pub pdeathsig: i32,
    /// Signals set to their default or ignored.
    pub dispositions: Dispositions,
    /// The signal mask; None: the calling thread's.
    pub sigmask: Option<u64>,
    /// Scheduling; None keeps the calling thread's.
    pub scheduling: Option<&'a Scheduling<'a>>,
    /// Resource limits and the like; None keeps the caller's.
    pub limits: Option<&'a Limits<'a>>,
    /// The cgroup that it is born in, a descriptor of its directory; None: the caller's.
    pub cgroup: Option<i32>,
    /// Nobody else is in it: it is kept, to reach all that are.
    pub own_cgroup: bool,
    /// A new terminal, of that size.
    pub terminal: Option<&'a libc::winsize>,
    /// It stands before its exec until it is let go.
    pub suspend: bool,
    /// PTRACE_TRACEME.
    pub ptrace: bool,
    /// The cgroup that it enters by itself, where it cannot be born in it.
    pub enters_cgroup: Option<i32>,
    /// CLONE_NEW*.
    pub cloneflags: u64,
    /// Those that it enters or makes by itself.
    pub namespaces: Option<&'a Namespaces<'a>>,
    /// Leave the propagation of mounts as it is.
    pub keep_propagation: bool,
    /// The maps of a new user namespace.
    pub maps: IdMaps<'a>,
    /// The way that must be taken.
    pub way: Option<Way>,
    /// Return a pidfd.
    pub pidfd: bool,
    /// How many milliseconds the spawn itself may take; None: any time.
    pub timeout_ms: Option<u32>,
    /// What it gives up; None, as for nearly all: nothing.
    pub restrictions: Option<&'a Restrictions<'a>>,
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
pub const SIGNALS: i32 = 64;

/// The two signals whose disposition the kernel does not let anybody change.
pub const UNCATCHABLE: u64 = 1 << (libc::SIGKILL - 1) | 1 << (libc::SIGSTOP - 1);

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

impl<'a> Attr<'a> {
    /// A program, and all else as the caller has it.
    pub fn new(program: Program<'a>, argv: CStrArray<'a>, envp: CStrArray<'a>) -> Attr<'a> {
        Attr {
            program,
            shell_fallback: false,
            argv,
            envp,
            dir: None,
            chroot: None,
            files: None,
            redirects: &[],
            opened: &[],
            actions: &[],
            keep: &[],
            close_others: false,
            credential: None,
            resetids: false,
            group: Group::Inherit,
            noctty: false,
            pdeathsig: 0,
            dispositions: Dispositions::default(),
            sigmask: None,
            scheduling: None,
            limits: None,
            cgroup: None,
            own_cgroup: false,
            terminal: None,
            suspend: false,
            ptrace: false,
            enters_cgroup: None,
            cloneflags: 0,
            namespaces: None,
            keep_propagation: false,
            maps: IdMaps::default(),
            way: None,
            pidfd: false,
            timeout_ms: None,
            restrictions: None,
        }
    }
}

impl Attr<'_> {
    /// Whether the child comes to be in another user namespace, where it has all capabilities.
    pub fn changes_user_namespace(&self) -> bool {
        self.new_user() || self.namespaces.is_some_and(Namespaces::enter_user)
    }

    /// Whether a new user namespace is asked for.
    pub fn new_user(&self) -> bool {
        self.cloneflags & CLONE_NEWUSER != 0
    }

    /// Whether a new mount namespace is asked for.
    pub fn new_mounts(&self) -> bool {
        let unshare = self.namespaces.map_or(0, |namespaces| namespaces.unshare);
        (self.cloneflags | unshare) & CLONE_NEWNS != 0
    }

    /// Refuses what is wrong whatever the kernel thinks of it. Nothing has been done yet.
    pub fn check(&self) -> Result<()> {
        let maps_without_user = self.maps.any() && !self.new_user();
        let bad = self.cloneflags & !CLONE_FLAGS != 0
            || maps_without_user
            || self.maps.allow_setgroups && self.maps.gid.is_empty()
            || self.maps.uid.iter().chain(self.maps.gid).any(|map| map.size == 0)
            || !(0..=SIGNALS).contains(&self.pdeathsig)
            || self.maps.by_helpers && !self.maps.any()
            || self.keep_propagation && !self.new_mounts()
            || self.chroot.is_some_and(|root| root.pivot && (root.keep_cwd || !self.new_mounts()))
            || matches!(self.group, Group::Group { pgid, .. } if pgid < 0)
            || self.noctty && matches!(self.group, Group::Group { foreground: Some(_), .. })
            || self.dispositions.ignore & (UNCATCHABLE | self.dispositions.default) != 0
            || self.shell_fallback && self.program.fd().is_some();
        if bad {
            return Err(INVALID);
        }
        if let Some(namespaces) = self.namespaces {
            namespaces.check()?;
        }
        self.scheduling.map_or(Ok(()), Scheduling::check)?;
        self.limits.map_or(Ok(()), Limits::check)?;
        if let Some(restrictions) = self.restrictions {
            restrictions.check()?;
        }
        self.check_credential()?;
        self.check_files()?;
        self.check_actions()?;
        self.check_terminal()
    }

    /// The descriptor of the landlock ruleset.
    pub fn landlock(&self) -> Option<i32> {
        Some(self.restrictions?.landlock?.fd)
    }

    fn check_credential(&self) -> Result<()> {
        let Some(credential) = &self.credential else { return Ok(()) };
        if self.resetids {
            return Err(INVALID);
        }
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
        if i32::try_from(files.len().max(self.keep.len())).is_err() {
            return Err(INVALID);
        }
        if !self.keep.is_empty() {
            self.check_keep()?;
        }
        redirect::check(self)
    }

    #[inline(never)] // for size
    fn check_keep(&self) -> Result<()> {
        let filled = self.end_of_files();
        match numbers().zip(self.keep).find(|(_, fd)| **fd < filled) {
            None => Ok(()),
            Some((index, ..0)) => Err(Error::at(libc::EBADF, Step::Keep, index)),
            Some((index, _)) => Err(Error::at(libc::EINVAL, Step::Args, index)),
        }
    }

    /// Whether an action finds its descriptor open is seen by the child: an earlier one may open or
    /// close it.
    fn check_actions(&self) -> Result<()> {
        if i32::try_from(self.actions.len()).is_err() {
            return Err(INVALID);
        }
        let is_negative =
            |action: &Action<'_>| action.names().into_iter().flatten().any(|fd| fd < 0);
        match numbers().zip(self.actions).find(|(_, action)| is_negative(action)) {
            Some((index, action)) => Err(Error::at(libc::EBADF, action.step(), index)),
            None => Ok(()),
        }
    }

    /// `files` fills or closes every number below this.
    pub fn end_of_files(&self) -> i32 {
        self.files.map_or(0, |files| files.len().max(STDIO)) as i32
    }

    /// Whether `files` fills or closes the number, or an action looks at it: a descriptor of our own
    /// must not be there.
    pub fn names(&self, fd: i32) -> bool {
        let named = |action: &Action<'_>| action.names().contains(&Some(fd));
        fd < self.end_of_files() || self.actions.iter().any(named)
    }

    /// A number above all those.
    pub fn above_all_named(&self) -> i32 {
        let of_actions = self.actions.iter().flat_map(Action::names).flatten();
        let highest = of_actions.chain(self.keep.iter().copied()).max();
        self.end_of_files().max(highest.map_or(0, |fd| fd.saturating_add(1)))
    }

    /// Whether the number is closed, by its number or with others, or becomes that of another file.
    pub fn loses(&self, fd: i32) -> bool {
        let closed =
            |action: &Action<'_>| matches!(*action, Action::Closefrom(first) if first <= fd);
        self.close_others || self.names(fd) || self.actions.iter().any(closed)
    }

    /// The descriptor of a terminal must be one that the child will have.
    fn check_terminal(&self) -> Result<()> {
        let fd = match self.group {
            Group::Session { ctty: Some(fd) } => fd,
            Group::Group { foreground: Some(fd), .. } => fd,
            _ => return Ok(()),
        };
        let at = usize::try_from(fd).map_err(|_| INVALID)?;
        // What the actions make of it is seen by the child.
        if self.actions.iter().any(|action| action.opens() == Some(fd)) {
            return Ok(());
        }
        match self.files {
            Some(files) if files.get(at).is_none_or(|file| *file == -1) => Err(INVALID),
            _ => Ok(()),
        }
    }
}
