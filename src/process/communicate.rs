// SPDX-License-Identifier: BSD-3-Clause
//! Feeds a child by a pipe, drains two, and waits for its end, all at once: neither side can block the
//! other, and nobody who holds a pipe after the child's end, nor a child that does not end, can hold the
//! caller.

#![forbid(unsafe_code)]

use super::{Process, KILLED_MS};
use crate::sys::{self, Errno, Fd, Whom};
use alloc::vec::Vec;

/// Takes what the child writes, with its descriptor. Not true: it wants no more.
pub type Sink<'a> = dyn FnMut(i32, &[u8]) -> bool + 'a;

/// What is to be done with it.
pub struct Io<'a> {
    /// For its descriptor 0.
    pub input: &'a [u8],
    /// None: what comes is collected.
    pub sink: Option<&'a mut Sink<'a>>,
    /// How much is collected of each stream.
    pub max_output: usize,
    /// How long the program may take.
    pub timeout_ms: Option<u64>,
    /// The signal that asks it to end.
    pub stop_signal: i32,
    /// And how long it has for that; 0: it is not asked, but killed.
    pub grace_ms: u64,
    /// Signals are for its process group, which it leads.
    pub group: bool,
    /// How long after its end others are waited for who have its pipes.
    pub linger_ms: u64,
}

/// What has come of it.
pub struct Outcome {
    /// That of wait(2), unless an error says why there is none.
    pub status: Option<i32>,
    /// It was stopped because of the time.
    pub timed_out: bool,
    /// It did not take all of the input.
    pub input_cut: bool,
    /// Not all that came on that stream is there.
    pub cut: [bool; 2],
    /// Somebody held a pipe when nobody was waited for any more.
    pub held: bool,
    /// What was collected of each stream that there was; there is room for one byte more.
    pub collected: [Option<Vec<u8>>; 2],
    /// What it has used.
    pub usage: libc::rusage,
    /// When its end was seen, of `sys::now_ns`.
    pub ended_ns: u64,
    /// Why it was stopped, or not waited for.
    pub error: Option<Errno>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Running,
    /// It was asked to end.
    Stopping,
    Killed,
    /// It has ended; others may hold its pipes.
    Ended,
    Over,
}

struct Stream {
    fd: Option<Fd>,
    collected: Option<Vec<u8>>,
}

/// The most that is read at once; the size of a pipe.
const CHUNK: usize = 64 << 10;
const FIRST: usize = 4 << 10;

/// How long to sleep between looks at a child without a pidfd: at first and at most.
const SLEEP_MS: (u64, u64) = (1, 10);

struct Session<'a> {
    /// None: somebody else has waited for it.
    process: Option<Process>,
    io: Io<'a>,
    input: Option<Fd>,
    fed: usize,
    streams: [Stream; 2],
    /// For what is not collected.
    scratch: Vec<u8>,
    /// Nothing more is wanted from it.
    deaf: bool,
    /// It has ended when this is readable.
    pidfd: Option<i32>,
    sleep_ms: u64,
    stage: Stage,
    /// When the next stage begins, of `sys::now_ms`.
    due: Option<u64>,
    outcome: Outcome,
}

/// Feeds and drains by the other ends of the child's 0, 1 and 2, which are closed then. `process` is None
/// for a child that was waited for before.
pub fn communicate(process: Option<Process>, ends: [Option<Fd>; 3], io: Io<'_>) -> Outcome {
    // Its pid is its own until it is waited for, so a pidfd can still be had (Linux 5.3).
    let late = match process {
        Some(Process { pid, pidfd: None, .. }) => sys::pidfd_open(pid).ok(),
        _ => None,
    };
    let pidfd = process.and_then(|process| process.pidfd).or(late.as_ref().map(Fd::number));
    let [input, output, errors] = ends;
    let collects = io.sink.is_none();
    let stream =
        |fd: Option<Fd>| Stream { collected: (collects && fd.is_some()).then(Vec::new), fd };
    let mut session = Session {
        process,
        due: io.timeout_ms.map(sys::deadline_ms),
        io,
        input,
        fed: 0,
        streams: [output, errors].map(stream),
        scratch: Vec::new(),
        deaf: false,
        pidfd,
        sleep_ms: SLEEP_MS.0,
        stage: Stage::Running,
        outcome: Outcome {
            status: None,
            timed_out: false,
            input_cut: false,
            cut: [false; 2],
            held: false,
            collected: [None, None],
            usage: sys::no_usage(),
            ended_ns: 0,
            error: None,
        },
    };
    session.prepare();
    while session.stage != Stage::Over {
        session.go_on();
    }
    session.end()
}

impl Session<'_> {
    fn prepare(&mut self) {
        let first = FIRST.min(self.io.max_output.saturating_add(1));
        let mut enough = self.scratch.try_reserve_exact(CHUNK).is_ok();
        for stream in &mut self.streams {
            if let Some(collected) = &mut stream.collected {
                // One byte at least, so that there is always room for the NUL.
                enough = enough && collected.try_reserve_exact(first).is_ok();
            }
        }
        if !enough {
            // Without a place to read to it is stopped unheard.
            for stream in &mut self.streams {
                *stream = Stream { fd: None, collected: None };
            }
        }
        for fd in self.streams.iter().filter_map(|stream| stream.fd.as_ref()).chain(&self.input) {
            // The description is the caller's alone: the child has the pipe's other end.
            let _ = sys::set_nonblocking(fd);
        }
        if self.io.input.is_empty() {
            self.input = None;
        }
        if self.process.is_none() {
            self.ended(Err(libc::ECHILD));
        }
        if !enough {
            self.fail(libc::ENOMEM);
        }
    }

    fn go_on(&mut self) {
        let now = sys::now_ms();
        if self.due.is_some_and(|due| due <= now) {
            return self.time_is_up();
        }
        let number = |fd: &Option<Fd>| fd.as_ref().map_or(-1, Fd::number);
        let [output, errors] = &self.streams;
        let lives = self.stage != Stage::Ended;
        let watched = self.pidfd.filter(|_| lives);
        let blind = lives && watched.is_none();
        let left = self.due.map(|due| due.saturating_sub(now));
        let sleep = blind.then_some(self.sleep_ms);
        let ready = sys::poll_each(
            [
                (number(&self.input), libc::POLLOUT),
                (number(&output.fd), libc::POLLIN),
                (number(&errors.fd), libc::POLLIN),
                (watched.unwrap_or(-1), libc::POLLIN),
            ],
            left.into_iter().chain(sleep).min(),
        );
        let [may_feed, from_output, from_errors, end_seen] = match ready {
            Ok(ready) => ready,
            Err(libc::EINTR) => return,
            // A filter forbids it: nothing blocks.
            Err(_) => {
                sys::sleep_us(1000);
                [true; 4]
            }
        };
        if may_feed {
            self.feed();
        }
        if from_output {
            self.drain(0);
        }
        if from_errors {
            self.drain(1);
        }
        if end_seen || blind {
            self.look();
            // A tracer may keep it from being waited for: a pidfd would be readable all the time.
            self.pidfd = self.pidfd.filter(|_| !end_seen);
            self.sleep_ms = self.sleep_ms.saturating_mul(2).min(SLEEP_MS.1);
        }
        let open = self.streams.iter().any(|stream| stream.fd.is_some());
        if self.stage == Stage::Ended && !open {
            self.stage = Stage::Over;
        }
    }

    fn time_is_up(&mut self) {
        match self.stage {
            Stage::Running => {
                self.outcome.timed_out = true;
                self.stop();
            }
            Stage::Stopping => self.kill(),
            Stage::Killed => self.give_up(libc::ETIMEDOUT),
            Stage::Ended => self.last_look_at_the_pipes(),
            Stage::Over => {}
        }
    }

    fn stop(&mut self) {
        if self.io.grace_ms == 0 {
            return self.kill();
        }
        self.stage = Stage::Stopping;
        self.due = Some(sys::deadline_ms(self.io.grace_ms));
        self.signal(self.io.stop_signal);
    }

    fn kill(&mut self) {
        self.stage = Stage::Killed;
        self.due = Some(sys::deadline_ms(KILLED_MS));
        self.signal(libc::SIGKILL);
    }

    fn signal(&mut self, signal: i32) {
        let Some(process) = self.process else { return };
        let sent =
            if self.io.group { sys::kill_group(process.pid, signal) } else { process.kill(signal) };
        match sent {
            // It has ended, which will be seen.
            Ok(()) | Err(libc::ESRCH) => {}
            Err(errno) => self.give_up(errno),
        }
    }

    /// It lives on, and is left alone.
    fn give_up(&mut self, errno: Errno) {
        self.outcome.error = Some(errno);
        self.stage = Stage::Over;
    }

    /// It is not to go on.
    fn fail(&mut self, errno: Errno) {
        self.deaf = true;
        self.outcome.error = self.outcome.error.or(Some(errno));
        match self.stage {
            Stage::Running => self.stop(),
            Stage::Ended => self.stage = Stage::Over,
            Stage::Stopping | Stage::Killed | Stage::Over => {}
        }
    }

    fn feed(&mut self) {
        let Some(fd) = &self.input else { return };
        let rest = self.io.input.get(self.fed..).unwrap_or_default();
        match sys::write_without_sigpipe(fd, rest) {
            Ok(count) => self.fed = self.fed.saturating_add(count),
            Err(libc::EAGAIN | libc::EINTR) => {}
            Err(_) => self.input = None,
        }
        if self.fed == self.io.input.len() {
            self.input = None;
        }
    }

    /// Reads once, and says how much.
    fn drain(&mut self, which: usize) -> usize {
        let deaf = self.deaf;
        let (Some(stream), Some(cut)) =
            (self.streams.get_mut(which), self.outcome.cut.get_mut(which))
        else {
            return 0;
        };
        let Some(fd) = &stream.fd else { return 0 };
        let most = self.io.max_output;
        let collected =
            stream.collected.as_mut().filter(|collected| !deaf && collected.len() < most);
        let count = if let Some(collected) = collected {
            let left = most.saturating_sub(collected.len());
            if !has_room(collected, most) {
                self.fail(libc::ENOMEM);
                return 0;
            }
            let room = collected.spare_capacity_mut().len().saturating_sub(1);
            sys::read_into(fd, collected, room.min(left))
        } else {
            self.scratch.clear();
            let count = sys::read_into(fd, &mut self.scratch, CHUNK);
            match &mut self.io.sink {
                Some(sink) if !self.scratch.is_empty() && !deaf => {
                    if !sink(which as i32 + 1, &self.scratch) {
                        self.fail(libc::ECANCELED);
                        return 0;
                    }
                }
                _ => *cut = *cut || !self.scratch.is_empty(),
            }
            count
        };
        match count {
            Err(libc::EAGAIN | libc::EINTR) => 0,
            Ok(count) if count > 0 => count,
            // The end, also that of a terminal (EIO).
            _ => {
                if let Some(stream) = self.streams.get_mut(which) {
                    stream.fd = None;
                }
                0
            }
        }
    }

    /// Waits for it, if it has ended.
    fn look(&mut self) {
        let Some(process) = self.process else { return };
        if self.io.group && matches!(self.stage, Stage::Stopping | Stage::Killed) {
            let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
            // What is left of the group has had its time. Until its leader is waited for, the number
            // cannot be that of another one.
            if let Ok(Some(_)) = sys::waitid(Whom::Pid(process.pid), options) {
                let _ = sys::kill_group(process.pid, libc::SIGKILL);
            }
        }
        match process.look(libc::WNOHANG, Some(&mut self.outcome.usage)) {
            Ok(None) => {}
            Ok(Some(status)) => self.ended(Ok(status)),
            Err(errno) => self.ended(Err(errno)),
        }
    }

    fn ended(&mut self, result: Result<i32, Errno>) {
        self.process = None;
        self.outcome.ended_ns = sys::now_ns();
        self.stage = Stage::Ended;
        self.due = Some(sys::deadline_ms(self.io.linger_ms));
        match result {
            Ok(status) => self.outcome.status = Some(status),
            Err(errno) => self.outcome.error = self.outcome.error.or(Some(errno)),
        }
    }

    /// What is in the pipes by now is taken, and no more: whoever still writes may do so for ever.
    fn last_look_at_the_pipes(&mut self) {
        for which in 0..self.streams.len() {
            let mut left = self.open(which).map_or(0, sys::unread);
            while left > 0 {
                match self.drain(which) {
                    0 => break,
                    count => left = left.saturating_sub(count),
                }
            }
            self.drain(which);
            self.outcome.held |= self.open(which).is_some();
        }
        self.stage = Stage::Over;
    }

    fn open(&self, which: usize) -> Option<&Fd> {
        self.streams.get(which).and_then(|stream| stream.fd.as_ref())
    }

    fn end(mut self) -> Outcome {
        self.outcome.input_cut = self.fed < self.io.input.len();
        let [output, errors] = self.streams;
        self.outcome.collected = [output.collected, errors.collected];
        self.outcome
    }
}

/// Makes room for one byte at least, and the NUL. `most` has not been collected yet.
fn has_room(collected: &mut Vec<u8>, most: usize) -> bool {
    let (length, capacity) = (collected.len(), collected.capacity());
    let wanted = capacity.saturating_mul(2).max(FIRST).min(most.saturating_add(1));
    capacity > length.saturating_add(1)
        || collected.try_reserve_exact(wanted.saturating_sub(length)).is_ok()
}
