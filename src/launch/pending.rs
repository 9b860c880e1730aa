// SPDX-License-Identifier: BSD-3-Clause
//! A spawn whose outcome is not known yet: of a caller that does not wait, or that has a deadline.

#![forbid(unsafe_code)]

use super::outcome::Circumstances;
use super::proof::{self, Proof};
use super::terminal::Foreground;
use super::{concurrent, piped, record, settle, Failed, Started};
use crate::attr::Way;
use crate::child::Record;
use crate::error::{Error, Step};
use crate::process::Process;
use crate::redirect::Ends;
use crate::sys::{self, Blocked, Fd};

/// The child, by the way that it was made.
pub(super) enum Child {
    Piped(piped::Child),
    Concurrent(concurrent::Child),
}

/// What has to be known of it until its outcome is.
pub(super) struct Context {
    /// When it is killed, of `sys::now_ms`.
    pub deadline: Option<u64>,
    pub traced: bool,
    /// For its tracer to set.
    pub mask: u64,
    pub terminal: Foreground,
    /// If the program is not found: it is a script that its interpreter could not open.
    pub script: bool,
    /// It stands before its exec, or is on its way there.
    pub suspends: bool,
}

/// A child on its way.
pub struct Pending {
    child: Child,
    context: Context,
    /// The process that has made it. In one that was forked since, this is a copy that knows nothing.
    owner: i32,
    /// The thread that has made it, of one that is traced.
    thread: i32,
    ends: Ends,
}

/// What is known.
pub enum Progress {
    /// Nothing but the step that the child is in, and its item.
    In(Step, i32),
    /// The outcome.
    Done(core::result::Result<Started, Failed>),
}

/// How long to wait for a child that was killed because its time was up: one that hangs in the kernel
/// may not even notice. And how long to sleep between looks at it.
const GRACE_MS: u64 = 1000;
const LOOK_US: u32 = 100;

impl Pending {
    pub(super) fn new(child: Child, context: Context, ends: Ends) -> Pending {
        // Of no use for another, and a system call.
        let thread = if context.traced { sys::gettid() } else { 0 };
        Pending { child, context, owner: sys::getpid(), thread, ends }
    }

    /// The caller's ends of its pipes.
    pub fn take_ends(&mut self) -> Ends {
        core::mem::take(&mut self.ends)
    }

    /// Its process id.
    pub fn pid(&self) -> i32 {
        self.cloned().pid
    }

    /// Its pidfd, if asked for.
    pub fn pidfd(&self) -> Option<i32> {
        self.cloned().pidfd.as_ref().map(Fd::number)
    }

    /// The way.
    pub fn way(&self) -> Way {
        match self.child {
            Child::Piped(_) => Way::Piped,
            Child::Concurrent(_) => Way::Concurrent,
        }
    }

    /// The descriptor that becomes readable when the outcome is known.
    pub fn ready(&self) -> Option<i32> {
        self.outcome().map(Fd::number)
    }

    fn cloned(&self) -> &super::clone::Cloned {
        match &self.child {
            Child::Piped(child) => &child.cloned,
            Child::Concurrent(child) => &child.cloned,
        }
    }

    fn record(&self) -> &Record {
        match &self.child {
            Child::Piped(child) => &child.record,
            Child::Concurrent(child) => child.record(),
        }
    }

    fn process(&self) -> Process {
        Process { pid: self.pid(), pidfd: self.pidfd(), traced: false }
    }

    fn wait_for_end(&self, limit: Option<u64>) -> bool {
        match &self.child {
            Child::Piped(child) => self.wait_for_word(&child.outcome, limit),
            Child::Concurrent(child) => child.wait_for_end(limit),
        }
    }

    /// Waits until the child has said something, has execed or died.
    fn wait_for_word(&self, outcome: &Fd, limit: Option<u64>) -> bool {
        piped::wait_for_end(self.pid(), outcome, limit, || proof::of(self.pid())).is_some()
    }

    fn outcome(&self) -> Option<&Fd> {
        match &self.child {
            Child::Piped(child) => Some(&child.outcome),
            Child::Concurrent(child) => child.outcome.as_ref(),
        }
    }

    /// Whether it stands before its exec.
    pub fn is_suspended(&self) -> bool {
        self.context.suspends
    }

    /// Waits until it stands before its exec; whatever else it comes to is a failure.
    pub fn suspend(&mut self) -> core::result::Result<(), Failed> {
        let limit = self.context.deadline;
        let told = self.outcome().is_some_and(|outcome| self.wait_for_word(outcome, limit));
        let seen = record::read(self.record());
        if told && seen.errno == 0 && seen.step == Step::Suspend && !piped::is_dead(self.pid()) {
            // The time that it stands there does not count.
            let left = |deadline: u64| deadline.saturating_sub(sys::now_ms()).max(1);
            self.context.deadline = limit.map(left);
            return Ok(());
        }
        self.context.suspends = false;
        // It may stand there all the same, where this process was told otherwise.
        if let Some(outcome) = self.outcome().filter(|_| told) {
            sys::stop_sending(outcome);
        }
        loop {
            if let Progress::Done(result) = self.finish(None) {
                return match result {
                    // Of a child that was never let go there is none.
                    Ok(_) => Err(self.failed(Error::new(libc::ECANCELED, Step::Suspend))),
                    Err(failed) => Err(failed),
                };
            }
        }
    }

    /// Lets it go. One that is dead by now is for `finish` to tell of.
    pub fn resume(&mut self) {
        if self.is_mine() && core::mem::take(&mut self.context.suspends) {
            self.context.deadline = self.context.deadline.map(sys::deadline_ms);
            if let Some(outcome) = self.outcome() {
                // One that cannot be told, for want of memory, finds nobody to wait for: EPIPE.
                while let Err(errno) = sys::send_byte(outcome) {
                    if errno != libc::EINTR {
                        sys::stop_sending(outcome);
                        break;
                    }
                }
            }
        }
    }

    /// In a process that was forked since, this is a copy.
    fn is_mine(&self) -> bool {
        self.owner == sys::getpid()
    }

    fn failed(&self, error: Error) -> Failed {
        let _blocked = Blocked::all(); // SIGTTOU
        self.context.terminal.restore();
        Failed { error, way: Some(self.way()) }
    }

    /// When its time is up, of `sys::now_ms`.
    pub fn deadline(&self) -> Option<u64> {
        self.context.deadline
    }

    /// Whether this thread can know the outcome: only its tracer can tell that a traced child stands in
    /// its stop.
    pub fn may_finish(&self) -> bool {
        !self.context.traced || self.thread == sys::gettid()
    }

    /// Waits for the outcome, for at most `timeout_ms` (None: for ever). A child whose deadline passes
    /// is killed. When it is done, this is of no more use.
    pub fn finish(&mut self, timeout_ms: Option<u64>) -> Progress {
        if !self.is_mine() {
            let error = Error::new(libc::ECHILD, Step::Args);
            return Progress::Done(Err(Failed { error, way: None }));
        }
        let until = timeout_ms.map(sys::deadline_ms);
        let limit = [until, self.context.deadline].into_iter().flatten().min();
        if !self.wait_for_end(limit) {
            if self.context.deadline.is_some_and(|deadline| deadline <= sys::now_ms()) {
                return Progress::Done(self.overdue());
            }
            let seen = record::read(self.record());
            return Progress::In(seen.step, seen.index);
        }
        // A child that beside its parent has let go of the memory may be on its way through exec
        // still, or through its end: the parent must not block.
        let may_block = matches!(self.child, Child::Piped(_));
        let how = Circumstances { traced: self.context.traced, may_block };
        let ask = |question| piped::ask(self.pid(), question, &self.context.mask);
        let result = settle::settle_by(self.pid(), self.record(), how, ask).result;
        Progress::Done(match result {
            Ok(()) => Ok(self.started()),
            Err(error) if self.context.script && error.is_not_found() => {
                Err(self.failed(Error::new(error.errno, Step::ScriptFd)))
            }
            Err(error) => Err(self.failed(error)),
        })
    }

    fn started(&mut self) -> Started {
        let way = self.way();
        let cloned = match &mut self.child {
            Child::Piped(child) => &mut child.cloned,
            Child::Concurrent(child) => &mut child.cloned,
        };
        Started { pid: cloned.pid, pidfd: cloned.pidfd.take(), way }
    }

    /// The time is up. One that does not even end by SIGKILL is left alone. One that has execed at the
    /// last moment was started, and it is for the caller's wait to tell what became of it.
    fn overdue(&mut self) -> core::result::Result<Started, Failed> {
        let before = record::read(self.record());
        let _ = self.process().kill(libc::SIGKILL);
        let limit = sys::deadline_ms(GRACE_MS);
        while !piped::is_dead(self.pid()) && sys::now_ms() < limit {
            sys::sleep_us(LOOK_US);
        }
        let now = record::read(self.record());
        if now.errno == 0 && now.step.is_exec() && proof::of(self.pid()) == Proof::Execed {
            return Ok(self.started());
        }
        let _ = self.process().wait(0, None);
        // It may have failed by itself meanwhile.
        Err(self.failed(match now.errno {
            0 => Error::at(libc::ETIMEDOUT, before.step, before.index),
            errno => Error::at(errno, now.step, now.index),
        }))
    }

    /// Nobody wants to know any more. A child that has failed by now leaves nothing, nor does one that was
    /// never let go; one that fails later is a child that exits with 127.
    pub fn abandon(mut self) {
        self.context.deadline = None;
        if self.is_mine() && self.context.suspends {
            let _ = self.overdue();
        } else if self.may_finish() {
            let _ = self.finish(Some(0));
        }
    }
}
