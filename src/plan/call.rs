// SPDX-License-Identifier: BSD-3-Clause
//! A prepared system call, and the typed constructors that are the only source of them.

#![forbid(unsafe_code)]

mod limits;
mod privilege;

pub use limits::*;
pub use privilege::*;

use crate::attr::{Action, CStrArray};
use crate::error::Step;
use core::ffi::CStr;
use core::marker::PhantomData;
use core::sync::atomic::AtomicUsize;

/// What the child does with a call's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Rule {
    /// It must succeed, but for the errno `Call::harmless`.
    Must = 0,
    /// It must not return: a candidate for exec. On an errno that says "not here" the next call is
    /// tried.
    Exec = 1,
    /// getppid(2) must give `args[0]`, or 0 (another pid namespace: cannot tell); else the parent
    /// has died before its death could be noticed, and the child sends itself the signal `args[1]`.
    ParentAlive = 2,
    /// Every descriptor from `args[0]` to `args[1]` is closed, by close_range(2) or what can be had
    /// instead.
    CloseRange = 3,
    /// As Must, for close(2): most of its errors say that the descriptor is closed.
    Close = 4,
    /// As Close, and not made either when argument 0 is `args[3]`.
    CloseUnless = 5,
    /// Comes last and is made only when a candidate gave ENOEXEC. That candidate becomes the word 1
    /// of the array `args[1]`.
    Shell = 6,
    /// No system call of its own: the child tells its parent that it stands there, and waits for a byte.
    /// Far from the others: the compiler makes a jump table of four numbers that lie together.
    Suspend = 64,
    /// As Must, but not made when argument 0 is `args[3]`, which the kernel does not look at: an errno that the kernel gives
    /// there can be told from the same by a filter.
    Unless = 65,
}

/// The child's registers: what is known only once it, or its launch, runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Register {
    /// The descriptor that a call has opened.
    Fd = 0,
    /// The child's process group.
    Group = 1,
    /// The address of the signal mask for the program.
    Mask = 2,
    /// The descriptor that exec needs, when it had to be moved; never closed before.
    Exec = 3,
    /// A user or group id.
    Id = 4,
}

/// How many registers there are.
pub const REGISTERS: usize = 5;

/// Where a register's value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum From {
    /// Nowhere.
    None = 0,
    /// Into the argument.
    Value = 1,
    /// Its address into the argument.
    Address = 2,
}

/// What of the arguments is borrowed: points to what belongs to the caller of fe_spawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Borrows {
    /// Nothing.
    Nothing,
    /// That argument is a string.
    String(u8),
    /// Argument 1 is an array of as many u32 as argument 0 says.
    Ids,
    /// That argument points to as many bytes.
    Bytes(u8, u16),
    /// Argument 1 is a `SigAction`.
    Disposition,
    /// That argument is a string, the next one an array of strings that ends with NULL, and so is
    /// the one after that.
    Exec(u8),
    /// Arguments 0 and 1 are strings.
    Strings,
    /// Argument 0 is a string, argument 1 the array of `shell`, and argument 2 one of strings.
    Shell,
    /// Argument 5 is an array of as many `Instruction`s as argument 4 says.
    Filter,
}

/// A system call with its arguments, what to blame if it fails, and what to do with its result.
/// Read by the child, which can't tell a good one from a bad one: only the constructors below make
/// them.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Call<'a> {
    /// System call number.
    pub nr: usize,
    /// Its arguments.
    pub args: [usize; 6],
    /// To blame: the step.
    pub step: Step,
    /// To blame: the item of the step; -1 where there is but one.
    pub index: i32,
    /// With `Rule::Must`: the errno that does not count as a failure; 0 for none.
    pub harmless: i32,
    /// What to do with the result.
    pub rule: Rule,
    /// Whether an argument comes from a register, and how.
    pub from: From,
    /// Which argument: less than 6.
    pub argument: u8,
    /// From which register, or into which (`into`).
    pub register: Register,
    /// Whether the result goes into the register.
    pub into: bool,
    /// Arguments `argument`, which is not above 2, and the next become the addresses of the words that stand two
    /// behind them. So a call has with it what it points to.
    pub words: bool,
    /// For a copy that outlives the caller's.
    pub borrows: Borrows,
    borrowed: PhantomData<&'a ()>,
}

/// For a place that is to be filled: all zero, and harmless.
pub const NOTHING: Call<'static> = Call {
    nr: libc::SYS_read as usize,
    args: [0; 6],
    step: Step::None,
    index: 0,
    harmless: 0,
    rule: Rule::Must,
    from: From::None,
    argument: 0,
    register: Register::Fd,
    into: false,
    words: false,
    borrows: Borrows::Nothing,
    borrowed: PhantomData,
};

fn call<'a>(step: Step, nr: libc::c_long, args: &[usize]) -> Call<'a> {
    let mut all = [0; 6];
    for (to, from) in all.iter_mut().zip(args) {
        *to = *from;
    }
    Call { nr: nr as usize, args: all, step, index: -1, ..NOTHING }
}

impl Call<'_> {
    fn index(mut self, index: i32) -> Self {
        self.index = index;
        self
    }

    fn harmless(mut self, errno: i32) -> Self {
        self.harmless = errno;
        self
    }

    fn borrows(mut self, borrows: Borrows) -> Self {
        self.borrows = borrows;
        self
    }

    /// The same with arguments that point elsewhere.
    pub fn with_args<'b>(self, args: [usize; 6]) -> Call<'b> {
        Call { args, borrowed: PhantomData, ..self }
    }

    fn rule(mut self, rule: Rule) -> Self {
        self.rule = rule;
        self
    }

    fn into(mut self, register: Register) -> Self {
        self.register = register;
        self.into = true;
        self
    }

    fn take(mut self, from: From, argument: u8, register: Register) -> Self {
        self.from = from;
        self.argument = argument;
        self.register = register;
        self
    }
}

fn text(s: &CStr) -> usize {
    s.as_ptr() as usize
}

fn fd(fd: i32) -> usize {
    fd as isize as usize
}

/// Moves itself to the cgroup whose directory that is: what it starts is there from its first instruction on.
pub fn enter_cgroup<'a>(dir: i32) -> [Call<'a>; 3] {
    let flags = libc::O_WRONLY | libc::O_CLOEXEC;
    let open = [fd(dir), text(c"cgroup.procs"), flags as usize];
    write_and_close(Step::Cgroup, call(Step::Cgroup, libc::SYS_openat, &open), c"0")
}

/// What `open` opens.
fn write_and_close<'a>(step: Step, open: Call<'a>, contents: &'a CStr) -> [Call<'a>; 3] {
    let it = |call: Call<'a>| call.take(From::Value, 0, Register::Fd);
    let write = [0, text(contents), contents.count_bytes()];
    [
        open.into(Register::Fd),
        it(call(step, libc::SYS_write, &write).borrows(Borrows::String(1))),
        it(call(step, libc::SYS_close, &[0]).rule(Rule::Close)),
    ]
}

/// setns(2).
pub fn setns<'a>(from: i32, kinds: i32, index: i32) -> Call<'a> {
    call(Step::Setns, libc::SYS_setns, &[fd(from), kinds as usize]).index(index)
}

/// unshare(2).
pub fn unshare<'a>(flags: u64) -> Call<'a> {
    call(Step::Unshare, libc::SYS_unshare, &[flags as usize])
}

/// Of the time namespace that the program gets: time_namespaces(7).
pub fn time_offsets(offsets: &CStr) -> [Call<'_>; 3] {
    let flags = libc::O_WRONLY | libc::O_CLOEXEC;
    let open = [fd(libc::AT_FDCWD), text(c"/proc/self/timens_offsets"), flags as usize];
    write_and_close(Step::TimeOffsets, call(Step::TimeOffsets, libc::SYS_openat, &open), offsets)
}

/// Makes `path` the root and unmounts the old one, with the new one mounted on the old for a moment, as
/// pivot_root(2) has it in its notes. It need not be a mount point: it is bound onto itself first.
pub fn pivot_root(path: &CStr) -> [Call<'_>; 5] {
    let step = Step::PivotRoot;
    let bind = libc::MS_BIND | libc::MS_REC;
    [
        call(step, libc::SYS_mount, &[text(path), text(path), 0, bind as usize, 0])
            .borrows(Borrows::Strings)
            .index(0),
        call(step, libc::SYS_chdir, &[text(path)]).borrows(Borrows::String(0)).index(1),
        call(step, libc::SYS_pivot_root, &[text(c"."), text(c".")]).index(2),
        call(step, libc::SYS_umount2, &[text(c"."), libc::MNT_DETACH as usize]).index(3),
        call(step, libc::SYS_chdir, &[text(c"/")]).index(4),
    ]
}

/// Every mount below the root becomes private.
pub fn private_mounts<'a>() -> Call<'a> {
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    call(Step::Propagation, libc::SYS_mount, &[text(c"none"), text(c"/"), 0, flags as usize, 0])
}

/// Gives up the controlling terminal by way of /dev/tty, which names it whatever descriptor 0 is.
pub fn noctty<'a>() -> [Call<'a>; 3] {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    [
        // ENXIO: there is none to give up. The register is then -1, and nothing is done with it.
        call(
            Step::Noctty,
            libc::SYS_openat,
            &[fd(libc::AT_FDCWD), text(c"/dev/tty"), flags as usize],
        )
        .harmless(libc::ENXIO)
        .into(Register::Fd),
        call(Step::Noctty, libc::SYS_ioctl, &[0, libc::TIOCNOTTY as usize, 0, fd(-1)])
            .rule(Rule::Unless)
            .take(From::Value, 0, Register::Fd),
        call(Step::Noctty, libc::SYS_close, &[0, 0, 0, fd(-1)]).rule(Rule::CloseUnless).take(
            From::Value,
            0,
            Register::Fd,
        ),
    ]
}

/// setsid(2).
pub fn setsid<'a>() -> Call<'a> {
    call(Step::Setsid, libc::SYS_setsid, &[])
}

/// setpgid(2) on itself.
pub fn setpgid<'a>(pgid: i32) -> Call<'a> {
    call(Step::Setpgid, libc::SYS_setpgid, &[0, pgid as usize])
}

/// chroot(2).
pub fn chroot(path: &CStr) -> Call<'_> {
    call(Step::Chroot, libc::SYS_chroot, &[text(path)]).borrows(Borrows::String(0))
}

/// chdir(2) to the new root: a working directory left outside is a way out.
pub fn chdir_root<'a>() -> Call<'a> {
    call(Step::ChrootChdir, libc::SYS_chdir, &[text(c"/")])
}

/// setgroups(2). By the raw call: libc's would change every thread of the caller.
pub fn setgroups(groups: &[u32]) -> Call<'_> {
    let args = [groups.len(), groups.as_ptr() as usize];
    call(Step::Setgroups, libc::SYS_setgroups, &args).borrows(Borrows::Ids)
}

/// All three group ids: setgid(2), as the seed has it, leaves the real one to an unprivileged
/// caller.
pub fn setgid<'a>(gid: u32) -> Call<'a> {
    call(Step::Setgid, libc::SYS_setresgid, &[gid as usize; 3])
}

/// All three user ids, likewise.
pub fn setuid<'a>(uid: u32) -> Call<'a> {
    call(Step::Setuid, libc::SYS_setresuid, &[uid as usize; 3])
}

/// chdir(2).
pub fn chdir(path: &CStr) -> Call<'_> {
    call(Step::Chdir, libc::SYS_chdir, &[text(path)]).borrows(Borrows::String(0))
}

/// Clears close-on-exec, which dup3(2) onto itself would not.
pub fn keep<'a>(target: i32) -> Call<'a> {
    call(Step::Files, libc::SYS_fcntl, &[fd(target), libc::F_SETFD as usize, 0]).index(target)
}

/// The same for item `index` of those that are kept.
pub fn inherit<'a>(target: i32, index: i32) -> Call<'a> {
    call(Step::Keep, libc::SYS_fcntl, &[fd(target), libc::F_SETFD as usize, 0]).index(index)
}

/// dup3(2).
pub fn dup<'a>(from: i32, to: i32) -> Call<'a> {
    call(Step::Files, libc::SYS_dup3, &[fd(from), fd(to), 0]).index(to)
}

/// A temporary at the lowest free number, into the register; close-on-exec from birth.
pub fn save<'a>(from: i32) -> Call<'a> {
    call(Step::Files, libc::SYS_fcntl, &[fd(from), libc::F_DUPFD_CLOEXEC as usize, 0])
        .index(from)
        .into(Register::Fd)
}

/// The temporary onto its target; closed then, so that the next cycle finds a free number even in a
/// full table.
pub fn restore<'a>(to: i32) -> [Call<'a>; 2] {
    [
        call(Step::Files, libc::SYS_dup3, &[0, fd(to), 0]).index(to).take(
            From::Value,
            0,
            Register::Fd,
        ),
        call(Step::Files, libc::SYS_close, &[0]).index(to).rule(Rule::Close).take(
            From::Value,
            0,
            Register::Fd,
        ),
    ]
}

/// close(2). It need not be open.
pub fn close<'a>(target: i32) -> Call<'a> {
    call(Step::Files, libc::SYS_close, &[fd(target)]).index(target).rule(Rule::Close)
}

/// Closes `first` to `last`.
pub fn close_others<'a>(first: i32, last: u32) -> Call<'a> {
    call(Step::CloseOthers, libc::SYS_close_range, &[fd(first), last as usize, 0])
        .rule(Rule::CloseRange)
}

/// pidfd_open(2) of the caller, to the number `at`.
pub fn caller_pidfd<'a>(caller: i32, at: i32) -> [Call<'a>; 3] {
    let step = Step::UnshareFiles;
    let open = call(step, libc::SYS_pidfd_open, &[caller as usize, 0]).into(Register::Fd);
    let [dup, close] = move_to(step, at, libc::O_CLOEXEC);
    // An index tells it from the unsharing itself.
    [open.index(at), dup.index(at), close.index(at)]
}

/// pidfd_getfd(2) (Linux 5.6), by the pidfd at `caller`, of the caller's `from`, to the number `to`.
pub fn fetch<'a>(caller: i32, from: i32, to: i32) -> [Call<'a>; 3] {
    let step = Step::UnshareFiles;
    let get = call(step, libc::SYS_pidfd_getfd, &[fd(caller), fd(from), 0]).into(Register::Fd);
    let [dup, close] = move_to(step, to, libc::O_CLOEXEC);
    [get.index(from), dup.index(from), close.index(from)]
}

/// The descriptor in the register to the number `to`.
fn move_to<'a>(step: Step, to: i32, cloexec: i32) -> [Call<'a>; 2] {
    let moved = |call: Call<'a>| call.take(From::Value, 0, Register::Fd);
    [
        // Neither when it is there already.
        moved(
            call(step, libc::SYS_dup3, &[0, fd(to), cloexec as usize, fd(to)]).rule(Rule::Unless),
        ),
        moved(call(step, libc::SYS_close, &[0, 0, 0, fd(to)]).rule(Rule::CloseUnless)),
    ]
}

/// A duplicate, into its register, of the descriptor that exec needs, for when its number is taken
/// from it: at `least` or above. A script can only be run by a descriptor that stays open.
pub fn hold<'a>(from: i32, least: i32, cloexec: bool) -> Call<'a> {
    let command = if cloexec { libc::F_DUPFD_CLOEXEC } else { libc::F_DUPFD };
    call(Step::Execfd, libc::SYS_fcntl, &[fd(from), command as usize, fd(least)])
        .into(Register::Exec)
}

/// Item `index` of the ordered actions. `spare` is a descriptor that is still needed, but not the program's.
pub fn action<'a>(
    action: &Action<'a>,
    index: i32,
    spare: Option<i32>,
) -> ([Call<'a>; ACTION_CALLS], usize) {
    let step = action.step();
    let nothing = call(step, 0, &[]);
    let one = |nr, args: &[usize]| ([call(step, nr, args), nothing, nothing, nothing], 1);
    let (mut calls, count) = match *action {
        Action::Open { fd: at, path, flags, mode } => (open_at(at, path, flags, mode), 4),
        // dup3(2) onto itself is EINVAL.
        Action::Dup2 { from, to } if from == to => {
            one(libc::SYS_fcntl, &[fd(to), libc::F_SETFD as usize, 0])
        }
        Action::Dup2 { from, to } => one(libc::SYS_dup3, &[fd(from), fd(to), 0]),
        Action::Close(at) => ([close(at), nothing, nothing, nothing], 1),
        Action::Chdir(path) => ([chdir(path), nothing, nothing, nothing], 1),
        Action::Fchdir(at) => one(libc::SYS_fchdir, &[fd(at)]),
        Action::Closefrom(first) => match spare.filter(|spare| *spare > first) {
            None => ([close_others(first, u32::MAX), nothing, nothing, nothing], 1),
            Some(spare) => {
                let below = close_others(first, (spare as u32).saturating_sub(1));
                let above = close_others(spare.saturating_add(1), u32::MAX);
                ([below, above, nothing, nothing], 2)
            }
        },
        Action::Tcsetpgrp(terminal) => {
            let [get, set] = foreground(terminal);
            ([get, set, nothing, nothing], 2)
        }
    };
    for call in &mut calls {
        (call.step, call.index) = (step, index);
    }
    (calls, count)
}

/// An action is that many calls at most.
pub const ACTION_CALLS: usize = 4;

/// What `at` held is closed first: so it works in a full table, and where a file can be open only
/// once.
fn open_at<'a>(at: i32, path: &'a CStr, flags: i32, mode: u32) -> [Call<'a>; ACTION_CALLS] {
    let step = Step::ActionOpen;
    let open = [fd(libc::AT_FDCWD), text(path), flags as usize, mode as usize];
    let [dup, close_moved] = move_to(step, at, flags & libc::O_CLOEXEC);
    let open = call(step, libc::SYS_openat, &open).into(Register::Fd).borrows(Borrows::String(1));
    [close(at), open, dup, close_moved]
}

/// Opens one of the list of files. What it becomes is closed already.
#[inline(never)] // for size
pub fn open_file(to: i32, path: &CStr, flags: i32, mode: u32) -> [Call<'_>; 3] {
    let [_, mut open, mut dup, mut close] = open_at(to, path, flags & !libc::O_CLOEXEC, mode);
    for call in [&mut open, &mut dup, &mut close] {
        (call.step, call.index) = (Step::Files, to);
    }
    [open, dup, close]
}

/// TIOCSCTTY with 0: a terminal of another session is not stolen.
pub fn setctty<'a>(terminal: i32) -> Call<'a> {
    call(Step::Setctty, libc::SYS_ioctl, &[fd(terminal), libc::TIOCSCTTY as usize, 0])
}

/// TIOCSPGRP with the group that the child is in by now, which the kernel reads from the register.
/// SIGTTOU, which a background process gets for this, is blocked.
pub fn foreground<'a>(terminal: i32) -> [Call<'a>; 2] {
    [
        call(Step::Foreground, libc::SYS_getpgid, &[0]).into(Register::Group),
        call(Step::Foreground, libc::SYS_ioctl, &[fd(terminal), libc::TIOCSPGRP as usize]).take(
            From::Address,
            2,
            Register::Group,
        ),
    ]
}

/// The child stands there until its parent lets it go.
pub fn suspend<'a>() -> Call<'a> {
    call(Step::Suspend, 0, &[]).rule(Rule::Suspend)
}

/// PR_SET_PDEATHSIG.
pub fn pdeathsig<'a>(signal: i32) -> Call<'a> {
    let args = [libc::PR_SET_PDEATHSIG as usize, signal as usize];
    call(Step::Pdeathsig, libc::SYS_prctl, &args)
}

/// The check that `parent` still lived when pdeathsig was set.
pub fn parent_alive<'a>(parent: i32, signal: i32) -> Call<'a> {
    call(Step::ParentAlive, libc::SYS_getppid, &[parent as usize, signal as usize])
        .rule(Rule::ParentAlive)
}

/// The effective group and user id become the real one, and with exec the saved one too, each as the child's user namespace
/// has it. The group first: it may need the privilege of the user.
pub fn resetids<'a>() -> [Call<'a>; 4] {
    let step = Step::Resetids;
    let keep = usize::MAX;
    [
        call(step, libc::SYS_getgid, &[]).into(Register::Id),
        call(step, libc::SYS_setresgid, &[keep, 0, keep]).take(From::Value, 1, Register::Id),
        call(step, libc::SYS_getuid, &[]).into(Register::Id),
        call(step, libc::SYS_setresuid, &[keep, 0, keep]).take(From::Value, 1, Register::Id),
    ]
}

/// The kernel's struct sigaction on both machines, as far as it matters here: handler, flags,
/// restorer, mask.
pub type SigAction = [usize; 4];

/// The kernel's SIGRTMIN, not libc's.
pub const FIRST_REAL_TIME: usize = 32;

/// rt_sigaction(2) with SIG_DFL or, if `ignore`, SIG_IGN.
pub fn disposition<'a>(signal: i32, ignore: bool) -> Call<'a> {
    static DEFAULT: SigAction = [libc::SIG_DFL, 0, 0, 0];
    static IGNORE: SigAction = [libc::SIG_IGN, 0, 0, 0];
    let action = if ignore { &IGNORE } else { &DEFAULT };
    let args = [signal as usize, action.as_ptr() as usize, 0, 8];
    // EINVAL: an emulator has not all of the real-time signals.
    let harmless = if (signal as usize) < FIRST_REAL_TIME { 0 } else { libc::EINVAL };
    call(Step::Sigaction, libc::SYS_rt_sigaction, &args)
        .index(signal)
        .harmless(harmless)
        .borrows(Borrows::Disposition)
}

/// The mask for the program.
pub fn sigmask<'a>() -> Call<'a> {
    call(Step::Sigmask, libc::SYS_rt_sigprocmask, &[libc::SIG_SETMASK as usize, 0, 0, 8]).take(
        From::Value,
        1,
        Register::Mask,
    )
}

/// All but SIGTRAP, for a child that is to be traced: any signal that reached it between
/// PTRACE_TRACEME and exec would stop it, even one that is ignored, while its tracer sleeps in
/// vfork. The tracer sets the mask of the calling thread when the child stands in its stop.
pub fn sigmask_traced<'a>() -> Call<'a> {
    static ALL_BUT_SIGTRAP: u64 = !(1 << (libc::SIGTRAP - 1));
    let mask = &raw const ALL_BUT_SIGTRAP as usize;
    call(Step::Sigmask, libc::SYS_rt_sigprocmask, &[libc::SIG_SETMASK as usize, mask, 0, 8])
}

/// PTRACE_TRACEME.
pub fn traceme<'a>() -> Call<'a> {
    call(Step::Ptrace, libc::SYS_ptrace, &[libc::PTRACE_TRACEME as usize])
}

/// execve(2).
pub fn exec<'a>(path: &'a CStr, argv: CStrArray<'a>, envp: CStrArray<'a>, index: i32) -> Call<'a> {
    let args = [text(path), argv.as_ptr() as usize, envp.as_ptr() as usize];
    call(Step::Exec, libc::SYS_execve, &args)
        .index(index)
        .rule(Rule::Exec)
        .borrows(Borrows::Exec(0))
}

/// execveat(2) (Linux 3.19): the file `at` itself when `path` is None. `held`: it is in its register
/// by now.
pub fn exec_at<'a>(
    at: i32,
    held: bool,
    path: Option<&'a CStr>,
    argv: CStrArray<'a>,
    envp: CStrArray<'a>,
) -> Call<'a> {
    let flags = if path.is_none() { libc::AT_EMPTY_PATH as usize } else { 0 };
    let path = text(path.unwrap_or_default());
    let args = [fd(at), path, argv.as_ptr() as usize, envp.as_ptr() as usize, flags];
    let exec =
        call(Step::Exec, libc::SYS_execveat, &args).rule(Rule::Exec).borrows(Borrows::Exec(1));
    if held {
        exec.take(From::Value, 0, Register::Exec)
    } else {
        exec
    }
}

/// From a child that shares its caller's memory to its stage, the program that is open as `image`, which
/// needs that and the pipe. `argv` is its name and NULL, which is its environment too.
pub fn stage(image: i32, pipe: i32, argv: &[usize; 2]) -> [Call<'_>; 3] {
    let flags = libc::AT_EMPTY_PATH as usize;
    let [argv, envp] = argv.each_ref().map(|at| core::ptr::from_ref(at) as usize);
    let args = [fd(image), text(c""), argv, envp, flags];
    let inherit = |at| call(Step::Stage, libc::SYS_fcntl, &[fd(at), libc::F_SETFD as usize, 0]);
    [inherit(image), inherit(pipe), call(Step::Stage, libc::SYS_execveat, &args)]
}

/// What the stage does first: gets the record, in place of the page at `record`; gives up `image`, where that
/// is at `offset`; gets the name by which its parent tells it from the program; and makes the pipe
/// close-on-exec again.
pub fn in_stage<'a>(
    image: i32,
    pipe: i32,
    record: usize,
    offset: usize,
    name: &'a CStr,
) -> [Call<'a>; 4] {
    let protection = (libc::PROT_READ | libc::PROT_WRITE) as usize;
    let flags = (libc::MAP_SHARED | libc::MAP_FIXED) as usize;
    let map = [record, RECORD_SIZE, protection, flags, fd(image), offset];
    let cloexec = [fd(pipe), libc::F_SETFD as usize, libc::FD_CLOEXEC as usize];
    let step = Step::Stage;
    [
        call(step, libc::SYS_mmap, &map),
        call(step, libc::SYS_close, &[fd(image)]).rule(Rule::Close),
        call(step, libc::SYS_prctl, &[libc::PR_SET_NAME as usize, text(name)])
            .borrows(Borrows::String(1)),
        call(step, libc::SYS_fcntl, &cloexec),
    ]
}

/// Of the mapping that has the record: the smallest page there is.
const RECORD_SIZE: usize = 4096;

/// execve(2) of the shell; its arguments are `argv`, in which the child fills in the script.
pub fn shell<'a>(argv: &'a [AtomicUsize], envp: CStrArray<'a>) -> Call<'a> {
    let args = [text(SHELL), argv.as_ptr() as usize, envp.as_ptr() as usize];
    call(Step::Shell, libc::SYS_execve, &args).rule(Rule::Shell).borrows(Borrows::Shell)
}

/// What execvp(3) runs.
const SHELL: &CStr = c"/bin/sh";
