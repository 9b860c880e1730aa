// SPDX-License-Identifier: BSD-3-Clause
//! A prepared system call, and the typed constructors that are the only source of them.

#![forbid(unsafe_code)]

use crate::attr::CStrArray;
use crate::error::Step;
use core::ffi::CStr;
use core::marker::PhantomData;

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
    /// Every descriptor from `args[0]` on is closed, by close_range(2) or what can be had instead.
    CloseFrom = 3,
    /// As Must, for close(2): most of its errors say that the descriptor is closed.
    Close = 4,
}

/// The child's registers: what is known only once it, or its launch, runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Register {
    /// The descriptor that a call has opened.
    Fd = 0,
    /// The child's process group.
    Group = 1,
    /// The address of the signal mask that launch has saved.
    Mask = 2,
}

/// How many registers there are.
pub const REGISTERS: usize = 3;

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
    borrowed: PhantomData<&'a ()>,
}

fn call<'a>(step: Step, nr: libc::c_long, args: &[usize]) -> Call<'a> {
    let mut all = [0; 6];
    for (to, from) in all.iter_mut().zip(args) {
        *to = *from;
    }
    Call {
        nr: nr as usize,
        args: all,
        step,
        index: -1,
        harmless: 0,
        rule: Rule::Must,
        from: From::None,
        argument: 0,
        register: Register::Fd,
        into: false,
        borrowed: PhantomData,
    }
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

/// Every mount below the root becomes private.
pub fn private_mounts<'a>() -> Call<'a> {
    let flags = libc::MS_REC | libc::MS_PRIVATE;
    call(Step::Propagation, libc::SYS_mount, &[text(c"none"), text(c"/"), 0, flags as usize, 0])
}

/// Gives up the controlling terminal by way of /dev/tty, which names it whatever descriptor 0 is.
pub fn noctty<'a>() -> [Call<'a>; 3] {
    let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_CLOEXEC;
    [
        // ENXIO: there is none to give up. The register is then -1, and the two calls after this
        // one can fail with EBADF in no other case.
        call(
            Step::Noctty,
            libc::SYS_openat,
            &[fd(libc::AT_FDCWD), text(c"/dev/tty"), flags as usize],
        )
        .harmless(libc::ENXIO)
        .into(Register::Fd),
        call(Step::Noctty, libc::SYS_ioctl, &[0, libc::TIOCNOTTY as usize])
            .harmless(libc::EBADF)
            .take(From::Value, 0, Register::Fd),
        call(Step::Noctty, libc::SYS_close, &[0]).rule(Rule::Close).take(
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
    call(Step::Chroot, libc::SYS_chroot, &[text(path)])
}

/// chdir(2) to the new root: a working directory left outside is a way out.
pub fn chdir_root<'a>() -> Call<'a> {
    call(Step::ChrootChdir, libc::SYS_chdir, &[text(c"/")])
}

/// setgroups(2). By the raw call: libc's would change every thread of the caller.
pub fn setgroups(groups: &[u32]) -> Call<'_> {
    call(Step::Setgroups, libc::SYS_setgroups, &[groups.len(), groups.as_ptr() as usize])
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
    call(Step::Chdir, libc::SYS_chdir, &[text(path)])
}

/// Clears close-on-exec, which dup3(2) onto itself would not.
pub fn keep<'a>(target: i32) -> Call<'a> {
    call(Step::Files, libc::SYS_fcntl, &[fd(target), libc::F_SETFD as usize, 0]).index(target)
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

/// Closes `first` and all above.
pub fn close_from<'a>(first: i32) -> Call<'a> {
    call(Step::CloseOthers, libc::SYS_close_range, &[fd(first), u32::MAX as usize, 0])
        .rule(Rule::CloseFrom)
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

/// The mask that the calling thread had.
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
    call(Step::Exec, libc::SYS_execve, &args).index(index).rule(Rule::Exec)
}
