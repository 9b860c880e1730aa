// SPDX-License-Identifier: BSD-3-Clause
//! The parent's side: choose the way, block signals, clone, hand over id maps, read the outcome,
//! reap, unblock.
//!
//! A failed spawn must leave nothing: what a way acquires, it holds in values that give it back
//! when dropped, and a child that failed is reaped before the error is returned.

// Safe but for `clone`, `record`, `owned`, `stack`, `concurrent` and `image`: the crate denies unsafe code, and
// each other file here forbids it.

mod clone;
mod concurrent;
mod copy;
mod foresee;
mod idmap;
mod image;
mod kernel;
mod newidmap;
mod outcome;
pub(crate) mod owned;
mod pending;
mod pidns;
mod piped;
mod privileges;
mod proof;
mod record;
mod script;
mod settle;
mod shared;
mod stack;
mod staged;
mod terminal;

mod way;

use crate::attr::{Attr, Group, IdMaps, Namespaces, Way};
use crate::child::{Record, Start};
use crate::error::{Error, Result, Step};
use crate::list::{numbers, Reserved};
use crate::plan::{Call, Caller, Candidates, Few, Plan, Table, Wanted};
use crate::redirect::{self, Ends};
use crate::sys::{self, Blocked, Fd};
use clone::Cloned;
use core::marker::PhantomData;
use core::sync::atomic::AtomicU32;
pub use foresee::foresee;
use pending::{Child, Context};
pub use pending::{Pending, Progress};
use privileges::Spare;

/// A child whose exec has succeeded.
#[derive(Debug)]
pub struct Started {
    /// Its process id.
    pub pid: i32,
    /// Its pidfd, if asked for.
    pub pidfd: Option<Fd>,
    /// The way that was taken.
    pub way: Way,
}

impl Started {
    fn new(child: Cloned, way: Way) -> Started {
        Started { pid: child.pid, pidfd: child.pidfd, way }
    }
}

/// A spawn that failed, and the way that was tried last.
#[derive(Clone, Copy, Debug)]
pub struct Failed {
    /// Why.
    pub error: Error,
    /// The way; None when it did not come to that.
    pub way: Option<Way>,
}

impl From<Error> for Failed {
    fn from(error: Error) -> Failed {
        Failed { error, way: None }
    }
}

/// What a way needs to know.
struct Job<'a> {
    calls: &'a [Call<'a>],
    cloneflags: u64,
    pidfd: bool,
    traced: bool,
    maps: IdMaps<'a>,
    cgroup: Option<i32>,
    /// The pid namespace that it is born in, with its place in the list.
    pidns: Option<(i32, i32)>,
    /// The child shares the table of descriptors at first, and copies what is below; 0: not.
    table_below: u32,
    /// For the numbers that it names.
    attr: &'a Attr<'a>,
    /// The signal mask for the program.
    mask: &'a u64,
}

impl<'a> Job<'a> {
    fn of(attr: &'a Attr<'a>, calls: &'a [Call<'a>], mask: &'a u64) -> Job<'a> {
        Job {
            calls,
            cloneflags: attr.cloneflags,
            pidfd: attr.pidfd,
            traced: attr.ptrace,
            maps: attr.maps,
            cgroup: attr.cgroup,
            pidns: attr.namespaces.and_then(Namespaces::pid),
            table_below: 0,
            attr,
            mask,
        }
    }

    /// What the child is started with, without pipes.
    fn start<'b>(&'b self, record: &'b Record, sentinel: &'b AtomicU32) -> Start<'b>
    where
        'a: 'b,
    {
        Start {
            calls: self.calls.as_ptr(),
            ncalls: self.calls.len(),
            record,
            table_below: self.table_below,
            sentinel,
            mask: self.mask,
            reset_handlers: false,
            error_pipe: [-1; 2],
            maps_pipe: [-1; 2],
            borrowed: PhantomData,
        }
    }
}

/// Starts what `attr` describes. Signals are still blocked when it returns a child, until the guard
/// is dropped: a handler that wants to pass a signal on must find the child where the caller keeps
/// it. The caller's ends of its pipes come to `ends`.
pub fn spawn(attr: &Attr<'_>, ends: &mut Ends) -> core::result::Result<(Started, Blocked), Failed> {
    let mut prepared = Prepared::default();
    prepare(attr, &mut prepared)?;
    if redirect::is_plain(attr) {
        return spawn_plain(attr, &prepared);
    }
    let made = redirect::make(attr)?;
    let spawned = spawn_plain(&made.attr(attr), &prepared)?;
    *ends = made.ends;
    Ok(spawned)
}

fn spawn_plain(
    attr: &Attr<'_>,
    prepared: &Prepared<'_>,
) -> core::result::Result<(Started, Blocked), Failed> {
    match attr.cgroup {
        None => spawn_once(attr, prepared, false),
        Some(_) => in_cgroup(attr, &mut |attr| spawn_once(attr, prepared, false)),
    }
}

/// Where it cannot be born in its cgroup it enters that as its first act.
#[inline(never)] // for size
fn in_cgroup<T>(
    attr: &Attr<'_>,
    once: &mut dyn FnMut(&Attr<'_>) -> core::result::Result<T, Failed>,
) -> core::result::Result<T, Failed> {
    if !kernel::cgroup_refused() {
        match once(attr) {
            Err(failed) if kernel::refuses_cgroup(&failed.error) => {}
            result => return result,
        }
    }
    once(&Attr { cgroup: None, enters_cgroup: attr.cgroup, ..*attr })
}

/// `again`: not in a stage, and its ruleset is out of the way.
#[inline(never)] // for size
fn spawn_once(
    attr: &Attr<'_>,
    prepared: &Prepared<'_>,
    again: bool,
) -> core::result::Result<(Started, Blocked), Failed> {
    let Prepared { candidates, caller, needs } = prepared;
    let needs = *needs;
    if !again && way::stages(attr.way, needs, staged::can_do(attr))? && is_worth_a_stage(attr)? {
        match by_stage(attr, candidates, caller) {
            Err(failed) if attr.way.is_none() && staged::is_refused(&failed.error) => {
                kernel::learn_from_stage(&failed.error);
            }
            result => return result,
        }
    }
    if !again && Spare::is_needed(attr) {
        let spare = Spare::of(attr)?;
        return spawn_once(&spare.attr(attr), prepared, true);
    }
    let asked = attr.way.filter(|way| *way != Way::Staged);
    let way = way::choose(asked, needs, kernel::memory())?;
    let mut table = match way {
        Way::Shared => table(attr)?,
        _ => None,
    };
    loop {
        match with_table(attr, candidates, table.as_ref(), caller, way) {
            // Then it takes the whole: the loop ends.
            Err(failed) if table.is_some() && kernel::refuses_table(&failed.error) => table = None,
            Err(failed) => return Err(script::explain(failed, attr, caller)),
            started => return started,
        }
    }
}

/// Starts it as `spawn` does, but with a deadline: of the attr's, if it has one.
pub fn spawn_by_deadline(
    attr: &Attr<'_>,
    ends: &mut Ends,
) -> core::result::Result<(Started, Blocked), Failed> {
    let (mut pending, blocked) = start(attr, false)?;
    loop {
        match pending.finish(None) {
            Progress::Done(result) => {
                let started = result?;
                *ends = pending.take_ends();
                return Ok((started, blocked));
            }
            Progress::In(..) => {}
        }
    }
}

/// Starts it and returns before the outcome is known, with signals still blocked.
/// `wants_ready`: with a descriptor that tells when it is.
pub fn start(
    attr: &Attr<'_>,
    wants_ready: bool,
) -> core::result::Result<(Pending, Blocked), Failed> {
    let deadline = attr.timeout_ms.map(|ms| sys::deadline_ms(ms.into()));
    let mut prepared = Prepared::default();
    prepare(attr, &mut prepared)?;
    let Prepared { candidates, caller, needs } = &prepared;
    let needs = *needs;
    let knows = || memory_is_shared(attr) && !kernel::clone3_refused();
    let way = way::choose_beside(attr.way, needs, attr.ptrace, knows)?;
    let made = if redirect::is_plain(attr) { None } else { Some(redirect::make(attr)?) };
    let plain = made.as_ref().map(|made| made.attr(attr));
    let attr = plain.as_ref().unwrap_or(attr);
    let mut once =
        |attr: &Attr<'_>| start_once(attr, candidates, caller, way, deadline, wants_ready);
    let (child, context, blocked) = match attr.cgroup {
        None => once(attr)?,
        Some(_) => in_cgroup(attr, &mut once)?,
    };
    let ends = made.map(|made| made.ends).unwrap_or_default();
    Ok((Pending::new(child, context, ends), blocked))
}

#[inline(never)] // for size
fn start_once(
    attr: &Attr<'_>,
    candidates: &Candidates<'_>,
    caller: &Caller,
    way: Way,
    deadline: Option<u64>,
    wants_ready: bool,
) -> core::result::Result<(Child, Context, Blocked), Failed> {
    let spare = if Spare::is_needed(attr) { Some(Spare::of(attr)?) } else { None };
    let spared = spare.as_ref().map(|spare| spare.attr(attr));
    let attr = spared.as_ref().unwrap_or(attr);
    let mut few = Few::default();
    let plan = Plan::new(attr, candidates, None, caller, false, &mut few)?;
    let blocked = Blocked::all().map_err(at_sigmask)?;
    let mask = attr.sigmask.unwrap_or(*blocked.before());
    let job = Job::of(attr, plan.calls(), &mask);
    let context = Context {
        deadline,
        traced: attr.ptrace,
        mask,
        terminal: terminal::Foreground::of(attr),
        script: attr.program.fd().is_some() && script::is_closed_script(attr, caller),
        suspends: attr.suspend,
    };
    let at = |way| move |error| Failed { error, way: Some(way) };
    let child = match way {
        Way::Concurrent => match concurrent::start(&job, wants_ready) {
            // clone3 may be refused by a filter.
            Err(error) if way::after_refusal(None, Way::Copy, &error).is_some() => {
                piped::start(&job).map(Child::Piped).map_err(at(Way::Piped))?
            }
            result => result.map(Child::Concurrent).map_err(at(way))?,
        },
        _ => piped::start(&job).map(Child::Piped).map_err(at(Way::Piped))?,
    };
    Ok((child, context, blocked))
}

/// Whether a stage can be had, and gains something or is asked for. EPERM when it is and cannot.
#[inline(never)] // for size
fn is_worth_a_stage(attr: &Attr<'_>) -> Result<bool> {
    let asked = attr.way.is_some();
    if !asked && kernel::stage_refused() {
        return Ok(false);
    }
    let caller = staged::Caller::look();
    if !(asked || caller.survives && caller.is_large) || !memory_is_shared(attr) {
        return Ok(false);
    }
    if caller.survives {
        Ok(true)
    } else {
        Err(Error::new(libc::EPERM, Step::Stage))
    }
}

#[inline(never)] // for size
fn by_stage(
    attr: &Attr<'_>,
    candidates: &Candidates<'_>,
    caller: &Caller,
) -> core::result::Result<(Started, Blocked), Failed> {
    // What is wanting here says that there can be no stage.
    let no_stage = |error| Error { step: Step::Stage, ..error };
    let spare =
        if attr.landlock().is_some() { Some(Spare::of(attr).map_err(no_stage)?) } else { None };
    let spared = spare.as_ref().map(|spare| spare.attr(attr));
    let attr = spared.as_ref().unwrap_or(attr);
    let mut few = Few::default();
    let plan = Plan::new(attr, candidates, None, caller, true, &mut few)?;
    let blocked = Blocked::all().map_err(at_sigmask)?;
    let mask = attr.sigmask.as_ref().unwrap_or(blocked.before());
    let (before, after) = plan.stages();
    let terminal = terminal::Foreground::of(attr);
    match staged::spawn(&Job::of(attr, before, mask), after) {
        Ok(started) => Ok((started, blocked)),
        Err(error) => {
            terminal.restore();
            Err(Failed { error, way: Some(Way::Staged) })
        }
    }
}

/// Whether this is a kernel on which memory can be shared. If no spawn has shown it yet, a child that
/// does nothing does; but not where that would be the first of a pid namespace, which ends with it.
fn memory_is_shared(attr: &Attr<'_>) -> bool {
    if kernel::memory() == kernel::Memory::Unknown && sys::children_stay_here() {
        let Ok(blocked) = Blocked::all() else { return false };
        let nothing = Job {
            cloneflags: 0,
            pidfd: false,
            traced: false,
            maps: IdMaps::default(),
            cgroup: None,
            pidns: None,
            ..Job::of(attr, &[], blocked.before())
        };
        let _ = shared::spawn(&nothing);
    }
    kernel::memory() == kernel::Memory::Shared
}

/// The part of the table of descriptors that the child is to take over, where it need not be the
/// whole.
fn table(attr: &Attr<'_>) -> Result<Option<Table>> {
    // Only a real kernel: valgrind ends the program on CLONE_FILES.
    if kernel::memory() != kernel::Memory::Shared || kernel::table_refused() {
        return Ok(None);
    }
    // In another pid namespace the child cannot name its caller; and a thread other than the first
    // may have a table of its own, which is not the one that pidfd_getfd(2) looks into.
    let new_pids = attr.cloneflags & libc::CLONE_NEWPID as u64 != 0;
    Table::of(attr, || {
        let caller = sys::getpid();
        let may = !kernel::fetch_refused() && !new_pids && sys::gettid() == caller;
        may.then_some(caller)
    })
}

#[inline(never)] // for size
fn with_table(
    attr: &Attr<'_>,
    candidates: &Candidates<'_>,
    table: Option<&Table>,
    caller: &Caller,
    way: Way,
) -> core::result::Result<(Started, Blocked), Failed> {
    let mut few = Few::default();
    let plan = Plan::new(attr, candidates, table, caller, false, &mut few)?;
    // From here to the end: a handler of the caller's must not run in the child, nor hold up the
    // parent.
    let blocked = Blocked::all().map_err(at_sigmask)?;
    let mask = attr.sigmask.as_ref().unwrap_or(blocked.before());
    let table_below = table.map_or(0, |table| table.below as u32);
    let job = Job { table_below, ..Job::of(attr, plan.calls(), mask) };
    let terminal = terminal::Foreground::of(attr);
    let result = by_some_way(&job, attr, way);
    if result.is_err() {
        terminal.restore();
    }
    Ok((result?, blocked))
}

fn at_sigmask(errno: sys::Errno) -> Error {
    Error::new(errno, Step::Sigmask)
}

/// What is refused or looked up before anything is chosen.
#[derive(Default)]
struct Prepared<'a> {
    candidates: Candidates<'a>,
    caller: Caller,
    needs: way::Needs,
}

#[inline(never)] // for size
fn prepare<'a>(attr: &Attr<'a>, prepared: &mut Prepared<'a>) -> Result<()> {
    attr.check()?;
    check_open(attr)?;
    prepared.candidates = Candidates::of(attr, sys::path_variable)?;
    look_up(attr, &mut prepared.caller)?;
    let lowers = prepared.caller.privileges.as_deref().is_some_and(Wanted::lowers);
    prepared.needs = way::Needs::of(attr, || (sys::user_ids(), sys::group_ids()), lowers);
    if prepared.needs.own_memory {
        prepared.caller.hides = way::hides(attr, lowers);
    }
    Ok(())
}

/// Looks up what the plan has to know.
fn look_up(attr: &Attr<'_>, caller: &mut Caller) -> Result<()> {
    if attr.pdeathsig != 0 {
        caller.pid = sys::getpid();
    }
    if let Some(fd) = attr.program.fd() {
        let is_cloexec = sys::is_cloexec(fd);
        caller.execfd_cloexec = is_cloexec.map_err(|errno| Error::new(errno, Step::Execfd))?;
    }
    if attr.scheduling.is_some() || attr.limits.is_some() {
        look_up_limits(attr, caller)?;
    }
    if let Some(restrictions) = attr.restrictions {
        caller.privileges = privileges::look(attr, restrictions)?;
    }
    Ok(())
}

/// What the caller has of that which is to change.
#[inline(never)] // for size
fn look_up_limits(attr: &Attr<'_>, caller: &mut Caller) -> Result<()> {
    if let Some(scheduling) = attr.scheduling {
        if scheduling.policy.is_some() {
            let at_scheduling = |errno| Error::new(errno, Step::Scheduling);
            caller.policy = sys::scheduling_policy().map_err(at_scheduling)?;
        }
        if scheduling.nice.is_some() {
            caller.nice = sys::nice().map_err(|errno| Error::new(errno, Step::Nice))?;
        }
    }
    let rlimits = attr.limits.map_or(&[][..], |limits| limits.rlimits);
    let raised = &mut caller.raised_rlimits;
    raised.try_reserve_exact(rlimits.len()).map_err(|_| Error::NO_MEMORY)?;
    for (index, limit) in numbers().zip(rlimits) {
        let at_limit = |errno| Error::at(errno, Step::Rlimits, index);
        raised.put(limit.raised(sys::rlimit(limit.resource).map_err(at_limit)?))?;
    }
    Ok(())
}

/// Spawns by `way` or, where the kernel refuses that, by one that asks less of it.
#[inline(never)] // for size
fn by_some_way(
    job: &Job<'_>,
    attr: &Attr<'_>,
    mut way: Way,
) -> core::result::Result<Started, Failed> {
    let mut refused: Option<Failed> = None;
    loop {
        let result = match way {
            Way::Shared => shared::spawn(job),
            Way::Copy => copy::spawn(job),
            Way::Piped | Way::Concurrent | Way::Staged => piped::spawn(job),
        };
        // The first spawn in the shared way may have shown that memory is not shared here.
        let taken = match (way, kernel::memory()) {
            (Way::Shared, kernel::Memory::Copied) => Way::Copy,
            _ => way,
        };
        let error = match result {
            Ok(started) => {
                learn_from(refused, way, attr.cloneflags);
                return Ok(Started { way: taken, ..started });
            }
            Err(error) => error,
        };
        // First without a part of the table: another way may have a pipe in it.
        let next = match job.table_below {
            0 => way::after_refusal(attr.way, way, &error),
            _ => None,
        };
        let failed = Failed { error, way: Some(taken) };
        match (next, refused) {
            (Some(next), None) => (way, refused) = (next, Some(failed)),
            (Some(next), _) => way = next,
            // When there was no child in any way, the first refusal is the one to tell; but what may be otherwise
            // the next time is what the caller can wait for.
            (None, Some(first)) if way::made_no_child(&error) => {
                return Err(if error.is_shortage() { failed } else { first })
            }
            (None, _) => {
                learn_from(refused, way, attr.cloneflags);
                return Err(failed);
            }
        }
    }
}

/// A way that asks less of clone has made a child after another was `refused`. If that was not for
/// want of a privilege, nor for the namespaces, it will always be so.
fn learn_from(refused: Option<Failed>, worked: Way, cloneflags: u64) {
    let errno = refused.map_or(0, |failed| failed.error.errno);
    if cloneflags != 0 || !matches!(errno, libc::EINVAL | libc::ENOSYS) {
        return;
    }
    kernel::learn_memory(match worked {
        Way::Piped => kernel::Memory::NotSuspended,
        _ => kernel::Memory::Copied,
    });
}

/// Refuses descriptors that are not open. The child would find out too, but in the piped way only
/// after a pipe of our own may have taken the number.
fn check_open(attr: &Attr<'_>) -> Result<()> {
    let check =
        |fd, step, index| sys::check_open(fd).map_err(|errno| Error::at(errno, step, index));
    for (index, file) in numbers().zip(attr.files.unwrap_or(&[])) {
        if *file >= 0 {
            check(*file, Step::Files, index)?;
        }
    }
    for (index, fd) in numbers().zip(attr.keep) {
        check(*fd, Step::Keep, index)?;
    }
    let joins = attr.namespaces.map_or(&[][..], |namespaces| namespaces.joins);
    for (index, join) in numbers().zip(joins) {
        check(join.fd, Step::Setns, index)?;
    }
    if let Some(cgroup) = attr.cgroup {
        check(cgroup, Step::Cgroup, -1)?;
    }
    let (terminal, step) = match attr.group {
        Group::Session { ctty: Some(fd) } => (fd, Step::Setctty),
        Group::Group { foreground: Some(fd), .. } => (fd, Step::Foreground),
        _ => return Ok(()),
    };
    // With files, attr.check has seen that it is one of them; an action may open it or another.
    if attr.files.is_none() && attr.actions.is_empty() {
        check(terminal, step, -1)?;
    }
    Ok(())
}
