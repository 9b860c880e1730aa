// SPDX-License-Identifier: BSD-3-Clause
//! Signals to all that belong to a child.
//!
//! What must never happen: that one is signalled which does not belong to it. So each is known by its
//! pid and the time of its start, belongs to the child only by what cannot be otherwise (its parent does, and
//! was there after it was seen; it is in the child's session, which one gets into by birth alone; it is in
//! the child's own cgroup), and is looked at again under a pidfd before it gets its signal.
//!
//! And none is to slip away. Whoever is to be killed is stopped first, parents before children, since a
//! process that is stopped cannot make another; the looks go on until one that has begun with all of them
//! stopped finds nobody new.

#![forbid(unsafe_code)]

use super::{cgroup, Process};
use crate::list::Reserved;
use crate::procfs::{self, Stat};
use crate::sys::{self, Errno};
use alloc::vec::Vec;

/// What it was started with that binds others to it.
#[derive(Clone, Copy, Debug)]
pub struct Kin {
    /// It leads a process group.
    pub group: bool,
    /// It leads a session.
    pub session: bool,
    /// It is the init of a pid namespace.
    pub init: bool,
    /// The directory of a cgroup that nobody else is in.
    pub cgroup: Option<i32>,
}

/// By what the others were reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// Its cgroup.
    Cgroup,
    /// Its pid namespace, which ends with it.
    Pidns,
    /// A look at all processes.
    Sweep,
    /// Its process group.
    Group,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Lives,
    Stopped,
    /// Or a zombie.
    Gone,
}

struct Member {
    pid: i32,
    start: u64,
    /// It is sure that it belongs to the child.
    is_sure: bool,
    /// It has had the signal, or may not have it.
    told: bool,
    state: State,
}

/// How often it is looked for new ones.
const LOOKS: u32 = 100;
/// How often it is looked whether all have stopped: one that waits for its vfork child never does.
const LOOKS_FOR_STOPPED: u32 = 30;
const BETWEEN_US: u32 = 500;

/// A child that was not waited for and those that belong to it. They are remembered from one signal to the
/// next, for a parent may end meanwhile.
pub struct Tree {
    process: Process,
    kin: Kin,
    /// First the child, then in such an order that parents come before children.
    members: Vec<Member>,
    denied: bool,
}

impl Tree {
    /// None of them is known yet.
    pub fn new(process: Process, kin: Kin) -> Tree {
        Tree { process, kin, members: Vec::new(), denied: false }
    }

    /// Sends each of them the signal. ESRCH when the child was waited for; EPERM when one of them may not be
    /// signalled, all others were; EAGAIN when there were new ones at each look; ENOSYS without a means.
    pub fn signal(&mut self, signal: i32) -> Result<Means, Errno> {
        if self.process.kill(0) == Err(libc::ESRCH) {
            return Err(libc::ESRCH);
        }
        self.denied = false;
        self.tell_anew();
        let means = self.by_the_best(signal)?;
        if self.denied {
            Err(libc::EPERM)
        } else {
            Ok(means)
        }
    }

    fn by_the_best(&mut self, signal: i32) -> Result<Means, Errno> {
        let kills = signal == libc::SIGKILL;
        if let Some(cgroup) = self.kin.cgroup {
            if kills && cgroup::kill(cgroup).is_ok() {
                // It may have been moved elsewhere.
                self.denied = self.process.kill(signal) == Err(libc::EPERM);
                return Ok(Means::Cgroup);
            }
            if self.each(signal).is_ok() {
                return Ok(Means::Cgroup);
            }
            self.kin.cgroup = None;
        }
        if kills && self.kin.init {
            return self.process.kill(signal).map(|()| Means::Pidns);
        }
        let swept = if kills { self.stop_and_kill() } else { self.each(signal) };
        match swept {
            Ok(()) => Ok(Means::Sweep),
            // Nobody could be looked for.
            Err(_) if self.members.is_empty() && self.kin.group => {
                self.process.kill_group(signal).map(|()| Means::Group)
            }
            Err(errno) => Err(errno),
        }
    }

    /// Whether others than the child live on.
    pub fn is_left(&mut self) -> bool {
        self.find().is_ok() && self.members.iter().skip(1).any(|one| one.state != State::Gone)
    }

    fn each(&mut self, signal: i32) -> Result<(), Errno> {
        for _ in 0..LOOKS {
            let found = self.find()?;
            self.tell(signal);
            if !found {
                return Ok(());
            }
        }
        Err(libc::EAGAIN)
    }

    fn stop_and_kill(&mut self) -> Result<(), Errno> {
        let stopped = self.stop();
        self.tell_anew();
        self.tell(libc::SIGKILL);
        stopped
    }

    fn stop(&mut self) -> Result<(), Errno> {
        let mut had_stopped = false;
        for _ in 0..LOOKS_FOR_STOPPED {
            let found = self.find()?;
            self.tell(libc::SIGSTOP);
            let have_stopped = !found && self.members.iter().all(|one| one.state != State::Lives);
            if have_stopped && had_stopped {
                return Ok(());
            }
            had_stopped = have_stopped;
            if !have_stopped {
                sys::sleep_us(BETWEEN_US);
            }
        }
        Ok(())
    }

    fn tell_anew(&mut self) {
        for one in &mut self.members {
            one.told = false;
        }
    }

    fn tell(&mut self, signal: i32) {
        for (at, one) in self.members.iter_mut().enumerate() {
            if one.told || !one.is_sure || one.state == State::Gone {
                continue;
            }
            one.told = true;
            let sent = if at == 0 { self.process.kill(signal) } else { one.send(signal) };
            self.denied |= sent == Err(libc::EPERM);
        }
    }

    /// Looks for more, and at how those are that are known: whether there is news.
    fn find(&mut self) -> Result<bool, Errno> {
        if self.members.is_empty() {
            let own =
                (procfs::is_ours() == Ok(true)).then(|| procfs::stat(self.process.pid)).flatten();
            self.add(&own.ok_or(libc::ENOSYS)?, true)?;
        }
        match self.kin.cgroup {
            Some(cgroup) => self.find_in(cgroup),
            None => self.find_by_parents(),
        }
    }

    fn find_by_parents(&mut self) -> Result<bool, Errno> {
        let all = procfs::all()?;
        let known = self.members.len();
        for one in &mut self.members {
            one.state = all.iter().find(|stat| one.is(stat)).map_or(State::Gone, state);
        }
        // The number of its session is its pid, which nobody else can have before it is waited for.
        let session = self.kin.session && self.process.is_there().is_ok();
        let mut at = 0;
        while let Some(one) = self.members.get(at) {
            let (pid, start) = (one.pid, one.start);
            // Its children have been seen: so the number was its all the time.
            let was_there = procfs::stat(pid).is_some_and(|stat| one.is(&stat));
            let is_child = |stat: &&Stat| was_there && stat.ppid == pid && stat.start >= start;
            let in_session = |stat: &&Stat| session && at == 0 && stat.session == pid;
            for stat in all.iter().filter(|stat| is_child(stat) || in_session(stat)) {
                self.add(stat, true)?;
            }
            at += 1;
        }
        Ok(self.members.len() > known)
    }

    fn find_in(&mut self, cgroup: i32) -> Result<bool, Errno> {
        let pids = cgroup::members(cgroup)?;
        let mut found = false;
        for one in &mut self.members {
            let now = pids.contains(&one.pid).then(|| procfs::stat(one.pid)).flatten();
            one.state = now.filter(|stat| one.is(stat)).map_or(State::Gone, |stat| state(&stat));
            // It was there before the list was, and is there after it.
            found |= !one.is_sure && one.state != State::Gone;
            one.is_sure |= one.state != State::Gone;
        }
        for pid in pids {
            if let Some(stat) = procfs::stat(pid) {
                found |= self.add(&stat, false)?;
            }
        }
        Ok(found)
    }

    /// Whether it was not known.
    fn add(&mut self, stat: &Stat, is_sure: bool) -> Result<bool, Errno> {
        if self.members.iter().any(|one| one.is(stat)) || stat.pid == sys::getpid() {
            return Ok(false);
        }
        let Stat { pid, start, .. } = *stat;
        let member = Member { pid, start, is_sure, told: false, state: state(stat) };
        self.members.add(member)?;
        Ok(true)
    }
}

fn state(stat: &Stat) -> State {
    match stat.state {
        b'Z' | b'X' => State::Gone,
        b'T' | b't' => State::Stopped,
        _ => State::Lives,
    }
}

impl Member {
    fn is(&self, stat: &Stat) -> bool {
        self.pid == stat.pid && self.start == stat.start
    }

    /// Gone is fine. Where pidfds are refused, one that ends in this very moment and whose number is given to
    /// another process at once could be taken for it.
    fn send(&self, signal: i32) -> Result<(), Errno> {
        let pidfd = sys::pidfd_open(self.pid);
        // The pidfd is of whoever has the number now.
        if !procfs::stat(self.pid).is_some_and(|stat| self.is(&stat)) {
            return Ok(());
        }
        let by_number = || sys::kill(self.pid, signal);
        let sent = pidfd.and_then(|fd| sys::pidfd_send_signal(fd.number(), signal));
        // EPERM: from a filter, or its other credentials, which kill(2) knows too.
        let sent = if matches!(sent, Ok(()) | Err(libc::ESRCH)) { sent } else { by_number() };
        match sent {
            Err(libc::ESRCH) => Ok(()),
            sent => sent,
        }
    }
}
