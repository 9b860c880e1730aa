// SPDX-License-Identifier: BSD-3-Clause
//! From an `Attr` to a Plan: the list of prepared system calls that the child runs. Pure:
//! everything that has to be looked up comes in as `Caller`.
//!
//! The order of the calls is the contract that `fe_attr`'s documentation prints; each comment below
//! says what breaks in another order.

#![forbid(unsafe_code)]

pub mod call;
mod limits;
mod privileges;
mod search;
mod table;

pub use call::Call;
pub use privileges::{Capabilities, Wanted};
pub use search::Candidates;
pub use table::Table;

use crate::attr::{
    Action, Attr, Dispositions, Group, Landlock, Namespaces, Program, Restrictions, Rlimit,
    UNCATCHABLE,
};
use crate::error::{Error, Result, Step};
use crate::list::{numbers, NoRoom, Reserved};
use crate::redirect::Opened;
use crate::remap::{self, Move, STDIO};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// What the plan has to know of the caller; what it has not is 0.
#[derive(Debug, Default)]
pub struct Caller {
    /// Its process id.
    pub pid: i32,
    /// The scheduling policy of its thread.
    pub policy: i32,
    /// The nice value of its thread.
    pub nice: i32,
    /// For each of the resource limits, what is to be set while the child has its privileges.
    pub raised_rlimits: Vec<Option<Rlimit>>,
    /// Whether the descriptor that exec needs is close-on-exec.
    pub execfd_cloexec: bool,
    /// What is to become of its privileges.
    pub privileges: Option<Box<Wanted>>,
    /// The step before which what the child has of the caller's is hidden. There is one only where memory is
    /// not shared.
    pub hides: Option<Step>,
}

/// What the child will do.
#[derive(Debug)]
pub struct Plan<'r, 'a> {
    few: &'r [Call<'a>],
    /// All of them, where those were more.
    many: Vec<Call<'a>>,
    /// How many of them come before the credentials, if it is for a stage.
    before: usize,
}

/// Room for the calls of a plan. Most have no more, and such a spawn takes no memory: malloc and free were a
/// fifteenth of the instructions of a default one (c-tests/instructions.c, c-tests/budget.c).
pub struct Few<'a>([Call<'a>; FEW]);
const FEW: usize = 16;

impl Default for Few<'_> {
    fn default() -> Self {
        Few([call::NOTHING; FEW])
    }
}

/// What its calls are made of.
struct Parts<'a> {
    attr: &'a Attr<'a>,
    candidates: &'a Candidates<'a>,
    table: Option<&'a Table>,
    caller: &'a Caller,
    moves: Vec<Move>,
    others: Others,
    /// Where the landlock ruleset is.
    landlock: Option<i32>,
    staged: bool,
}

impl<'r, 'a> Plan<'r, 'a> {
    /// The plan for `attr`, which has passed its check. None for the table is the whole.
    #[inline(never)] // for size
    pub fn new(
        attr: &'a Attr<'a>,
        candidates: &'a Candidates<'a>,
        table: Option<&'a Table>,
        caller: &'a Caller,
        staged: bool,
        few: &'r mut Few<'a>,
    ) -> Result<Plan<'r, 'a>> {
        let files = table.and_then(|table| table.files.as_deref()).or(attr.files);
        let moves = files.map(remap::moves).transpose()?.unwrap_or_default();
        let landlock = table.map_or(attr.landlock(), |table| table.landlock);
        let others = Others::of(attr, landlock)?;
        let parts = Parts { attr, candidates, table, caller, moves, others, landlock, staged };
        let mut list = List { few, count: 0, many: Vec::new(), full: false };
        let before = list.all(&parts);
        let List { few: Few(few), count, many, full } = list;
        match few.get(..count) {
            Some(few) if !full => Ok(Plan { few, many, before }),
            _ => Err(Error::NO_MEMORY),
        }
    }

    /// Those that a child does which still has the privileges of its caller, and those that a stage does.
    pub fn stages(&self) -> (&[Call<'a>], &[Call<'a>]) {
        self.calls().split_at_checked(self.before).unwrap_or((self.calls(), &[]))
    }

    /// The calls in their order.
    pub fn calls(&self) -> &[Call<'a>] {
        if self.many.is_empty() {
            self.few
        } else {
            &self.many
        }
    }
}

/// The calls as they come.
struct List<'r, 'a> {
    few: &'r mut Few<'a>,
    /// How many are there.
    count: usize,
    many: Vec<Call<'a>>,
    /// A call found no room: none is left out in silence.
    full: bool,
}

impl<'a> List<'_, 'a> {
    fn add<const N: usize>(&mut self, calls: [Call<'a>; N]) {
        self.add_all(&calls);
    }

    fn add_all(&mut self, calls: &[Call<'a>]) {
        let end = self.count.saturating_add(calls.len());
        match self.few.0.get_mut(self.count..end) {
            Some(room) if self.many.is_empty() => {
                for (place, call) in room.iter_mut().zip(calls) {
                    *place = *call;
                }
                self.count = end;
            }
            _ => self.full |= self.add_to_many(calls).is_err(),
        }
    }

    /// With those that were there before it came to that.
    #[inline(never)] // for size
    fn add_to_many(&mut self, calls: &[Call<'a>]) -> core::result::Result<(), NoRoom> {
        if self.many.is_empty() {
            self.many.try_reserve_exact(4 * FEW).map_err(|_| NoRoom)?;
            self.many.put_all(self.few.0.get(..self.count).unwrap_or_default())?;
        }
        self.many.try_reserve(calls.len()).map_err(|_| NoRoom)?;
        self.many.put_all(calls)
    }

    fn len(&self) -> usize {
        self.many.len().max(self.count)
    }

    /// All of a plan, and how many of them come before the credentials.
    #[inline(never)] // for size
    fn all(&mut self, parts: &Parts<'a>) -> usize {
        let Parts { attr, candidates, table, caller, staged, landlock, .. } = *parts;
        let (moves, others) = (&parts.moves, &parts.others);
        let held = attr.program.fd().filter(|fd| attr.loses(*fd));
        if let Some(table) = table.filter(|table| !table.fetched.is_empty()) {
            self.fetch(table);
        }
        self.namespaces(attr, caller.hides);
        self.session(attr);
        // While it may: raised before privileges go, lowered when all else is done.
        self.raised(attr, caller);
        self.root(attr);
        // For a stage, which is an exec, they come first: its descriptors must outlive that one, and no
        // credential matters to them.
        let shuffles = !moves.is_empty() || !attr.keep.is_empty();
        if staged {
            self.moves(moves, attr.keep);
            if let Some(ruleset) = landlock {
                self.add([call::landlock_cloexec(ruleset, 0)]);
            }
        }
        let before = self.len();
        if let (Some(ruleset), true) = (landlock, staged) {
            self.add([call::landlock_cloexec(ruleset, libc::FD_CLOEXEC)]);
        }
        self.identity(attr, caller);
        if let Some(fd) = table.and_then(|table| table.execfd).or(held) {
            self.add([call::hold(
                fd,
                attr.above_all_named(),
                caller.execfd_cloexec || attr.close_others,
            )]);
        }
        if !staged && shuffles {
            self.moves(moves, attr.keep);
        }
        // A new one is the child's whatever the actions do to its descriptors.
        if attr.terminal.is_some() {
            self.terminal(attr);
        }
        self.actions(attr, landlock);
        self.close_others(others);
        if attr.terminal.is_none() {
            self.terminal(attr);
        }
        self.lowered(attr, caller);
        self.last(attr, caller);
        if let Some(restrictions) = attr.restrictions {
            self.restrictions(restrictions, landlock);
        }
        self.exec(attr, candidates, held.is_some());
        before
    }

    /// Descriptors that are too high for the part of the table that the child has. They come first:
    /// the credentials of the caller permit it. All else at those numbers is free by now.
    fn fetch(&mut self, table: &Table) {
        self.add(call::caller_pidfd(table.caller, table.below));
        let first = table.below.saturating_add(1);
        for (nth, fd) in numbers().zip(&table.fetched) {
            self.add(call::fetch(table.below, *fd, first.saturating_add(nth)));
        }
    }

    fn namespaces(&mut self, attr: &Attr<'a>, hides: Option<Step>) {
        if let Some(cgroup) = attr.enters_cgroup {
            self.add(call::enter_cgroup(cgroup));
        }
        if attr.namespaces.is_some() || hides.is_some() {
            self.own_namespaces(attr.namespaces, hides);
        }
        // Where the caller's mounts are shared, which systemd makes the rule, what the child mounts
        // would appear outside too.
        if attr.new_mounts() && !attr.keep_propagation {
            self.add([call::private_mounts()]);
        }
    }

    #[inline(never)] // for size
    fn own_namespaces(&mut self, namespaces: Option<&Namespaces<'a>>, hides: Option<Step>) {
        let offsets = namespaces.and_then(|namespaces| namespaces.time_offsets);
        // Before it comes to whoever may trace it there.
        match hides {
            Some(Step::Setns) => self.add([call::undumpable(Step::Setns)]),
            Some(Step::Unshare) if offsets.is_none() => {
                self.add([call::undumpable(Step::Unshare)]);
            }
            _ => {}
        }
        let Some(namespaces) = namespaces else { return };
        // A user namespace that is entered first gives the right to enter others.
        for (join, index) in namespaces.joins.iter().zip(numbers()) {
            if join.own_kinds() != 0 {
                self.add([call::setns(join.fd, join.own_kinds(), index)]);
            }
        }
        if namespaces.unshare != 0 {
            self.add([call::unshare(namespaces.unshare)]);
        }
        // Before anybody is in it.
        if let Some(offsets) = offsets {
            self.add(call::time_offsets(offsets));
            // A file in /proc/self, which is the user's no more once it is hidden.
            if hides == Some(Step::Unshare) {
                self.add([call::undumpable(Step::Unshare)]);
            }
        }
    }

    fn session(&mut self, attr: &Attr<'a>) {
        // Needs /dev/tty, so before chroot.
        if attr.noctty {
            self.add(call::noctty());
        }
        match &attr.group {
            Group::Inherit => {}
            Group::Session { .. } => self.add([call::setsid()]),
            Group::Group { pgid, .. } => self.add([call::setpgid(*pgid)]),
        }
    }

    fn raised(&mut self, attr: &Attr<'a>, caller: &'a Caller) {
        if let Some(limits) = attr.limits {
            self.raised_limits(limits, caller);
        }
        if let Some(scheduling) = attr.scheduling {
            self.raised_scheduling(scheduling, caller);
        }
    }

    fn lowered(&mut self, attr: &Attr<'a>, caller: &'a Caller) {
        if let Some(scheduling) = attr.scheduling {
            self.lowered_scheduling(scheduling, caller);
        }
        if let Some(limits) = attr.limits {
            self.lowered_limits(limits, caller);
        }
    }

    fn root(&mut self, attr: &Attr<'a>) {
        if let Some(chroot) = attr.chroot {
            if chroot.pivot {
                self.add(call::pivot_root(chroot.path));
                return;
            }
            self.add([call::chroot(chroot.path)]);
            if !chroot.keep_cwd {
                self.add([call::chdir_root()]);
            }
        }
    }

    fn identity(&mut self, attr: &Attr<'a>, caller: &Caller) {
        // Of a stage only here: until then it is in the caller's memory.
        if let Some(step @ (Step::Permitted | Step::Setuid)) = caller.hides {
            self.add([call::undumpable(step)]);
        }
        let privileges = caller.privileges.as_deref();
        if let Some(privileges) = privileges {
            self.privileges_before(privileges);
        }
        // Groups, then group, then user: each needs the privilege that the last one gives up.
        if let Some(credential) = attr.credential {
            match credential.groups {
                // The kernel refuses even an empty list there.
                Some([]) if attr.maps.denies_setgroups() => {}
                Some(groups) => self.add([call::setgroups(groups)]),
                None => {}
            }
            self.add([call::setgid(credential.gid), call::setuid(credential.uid)]);
        }
        if attr.resetids {
            self.add(call::resetids());
        }
        if let Some(privileges) = privileges {
            self.privileges_after(privileges);
        }
        // With the rights of the new user.
        if let Some(dir) = attr.dir {
            self.add([call::chdir(dir)]);
        }
    }

    /// They are all closed by now, so each finds a free number even in a full table.
    #[inline(never)] // for size
    fn opened(&mut self, opened: &[Opened<'a>]) {
        for opened in opened {
            match *opened {
                Opened::File { to, path, flags, mode } => {
                    self.add(call::open_file(to, path, flags, mode))
                }
                Opened::Same { from, to } => self.add([call::dup(from, to)]),
            }
        }
    }

    #[inline(never)] // for size
    fn moves(&mut self, moves: &[Move], keep: &[i32]) {
        for m in moves {
            match *m {
                Move::Keep(fd) => self.add([call::keep(fd)]),
                Move::Dup { from, to } => self.add([call::dup(from, to)]),
                Move::Save { from } => self.add([call::save(from)]),
                Move::Restore { to } => self.add(call::restore(to)),
                Move::Close(fd) => self.add([call::close(fd)]),
            }
        }
        for (fd, index) in keep.iter().zip(numbers()) {
            self.add([call::inherit(*fd, index)]);
        }
    }

    fn actions(&mut self, attr: &Attr<'a>, spare: Option<i32>) {
        self.opened(attr.opened);
        for (index, action) in numbers().zip(attr.actions) {
            let (calls, count) = call::action(action, index, spare);
            self.add_all(calls.get(..count).unwrap_or_default());
        }
    }

    fn close_others(&mut self, others: &Others) {
        for (first, last) in &others.0 {
            self.add([call::close_others(*first, *last)]);
        }
    }

    /// The terminal is a descriptor of the child: after the files.
    fn terminal(&mut self, attr: &Attr<'a>) {
        match &attr.group {
            Group::Session { ctty: Some(terminal) } => self.add([call::setctty(*terminal)]),
            Group::Group { foreground: Some(terminal), .. } => {
                self.add(call::foreground(*terminal))
            }
            _ => {}
        }
    }

    fn last(&mut self, attr: &Attr<'a>, caller: &Caller) {
        // After the credentials, since the kernel clears it when they change.
        if attr.pdeathsig != 0 {
            self.add([
                call::pdeathsig(attr.pdeathsig),
                call::parent_alive(caller.pid, attr.pdeathsig),
            ]);
        }
        // Signals are still blocked: one that is pending is thrown away when it becomes ignored.
        let Dispositions { default, ignore } = attr.dispositions;
        // From one to the next: hardly ever is there any.
        let mut left = (default | ignore) & !UNCATCHABLE;
        while left != 0 {
            let signal = left.trailing_zeros();
            left &= left - 1;
            self.add([call::disposition(signal as i32 + 1, ignore & 1 << signal != 0)]);
        }
        // All has been done but what may end it: a signal that is pending, a tracer.
        if attr.suspend {
            self.add([call::suspend()]);
        }
        if attr.ptrace {
            self.add([call::sigmask_traced(), call::traceme()]);
        } else {
            self.add([call::sigmask()]);
        }
    }

    /// Behind it nothing but exec: the filter may forbid all else. It comes last because it may forbid the
    /// others, and no_new_privs first because without it they take a privilege.
    #[inline(never)] // for size
    fn restrictions(&mut self, restrictions: &Restrictions<'a>, ruleset: Option<i32>) {
        if restrictions.no_new_privs {
            self.add([call::no_new_privs()]);
        }
        if let (Some(landlock), Some(fd)) = (restrictions.landlock, ruleset) {
            self.add([call::landlock(Landlock { fd, ..landlock })]);
        }
        if let Some(filter) = &restrictions.filter {
            self.add([call::seccomp(filter)]);
        }
    }

    fn exec(&mut self, attr: &Attr<'a>, candidates: &'a Candidates<'a>, held: bool) {
        let (argv, envp) = (attr.argv, attr.envp);
        match attr.program {
            Program::Fd(fd) => self.add([call::exec_at(fd, held, None, argv, envp)]),
            Program::At { dir, path } => {
                self.add([call::exec_at(dir, held, Some(path), argv, envp)])
            }
            Program::Path(_) | Program::Search { .. } => {
                candidates.each(|index, path| self.add([call::exec(path, argv, envp, index)]));
            }
        }
        if let Some(shell_argv) = candidates.shell_argv() {
            self.add([call::shell(shell_argv, envp)]);
        }
    }
}

/// By insertion: what is given is nearly always in order, and sort_unstable is 2 KiB with ways to panic.
fn sort(list: &mut [i32]) {
    for end in 1..list.len() {
        for at in (1..=end).rev() {
            match list.get_mut(at - 1..=at) {
                Some([low, high]) if *low > *high => core::mem::swap(low, high),
                _ => break,
            }
        }
    }
}

/// The ranges that FE_CLOSE_OTHERS closes: all above `files` but what is kept, what the actions have opened, and a
/// `spare` that is still needed.
struct Others(Vec<(i32, u32)>);

impl Others {
    fn of(attr: &Attr<'_>, spare: Option<i32>) -> Result<Others> {
        let mut others = Others(Vec::new());
        if !attr.close_others {
            return Ok(others);
        }
        let mut kept: Vec<i32> = Vec::new();
        let most = attr.actions.len().saturating_add(attr.keep.len()).saturating_add(1);
        let enough = kept.try_reserve_exact(most).is_ok()
            && others.0.try_reserve_exact(most.saturating_add(1)).is_ok();
        if !enough {
            return Err(Error::NO_MEMORY);
        }
        for fd in attr.actions.iter().filter_map(Action::opens).chain(spare) {
            kept.put(fd)?;
        }
        kept.put_all(attr.keep)?;
        sort(&mut kept);
        let mut first = attr.end_of_files().max(STDIO as i32);
        for next in kept.into_iter().filter(|fd| *fd >= STDIO as i32) {
            if next > first {
                others.0.put((first, (next as u32).saturating_sub(1)))?;
            }
            let Some(above) = next.checked_add(1) else { return Ok(others) };
            first = first.max(above);
        }
        others.0.put((first, u32::MAX))?;
        Ok(others)
    }
}

#[cfg(test)]
pub mod tests;
