// SPDX-License-Identifier: BSD-3-Clause
//! The outcome of a child, from its record and what the kernel answers; a child that has failed is
//! reaped.

#![forbid(unsafe_code)]

use super::outcome::{self, Answer, Circumstances, Next, Question};
use super::record;
use crate::child::Record;
use crate::error::Result;
use crate::sys::{self, Change, Whom};

/// How long to sleep before the record is read again, at first and at most.
const SLEEP_US: (u32, u32) = (50, 2000);

/// An outcome, and how often the child was found neither execed nor dead.
pub struct Settled {
    /// The outcome.
    pub result: Result<()>,
    /// How often.
    pub found_running: u32,
}

/// Reads the outcome, and reaps the child if it is a failure.
pub fn settle(pid: i32, from: &Record, how: Circumstances, mask: &u64) -> Settled {
    settle_by(pid, from, how, |question| ask(pid, question, mask))
}

/// The same with another one to ask.
pub fn settle_by(
    pid: i32,
    from: &Record,
    how: Circumstances,
    ask: impl Fn(Question) -> Answer,
) -> Settled {
    let mut found_running = 0;
    let mut sleep = SLEEP_US.0;
    let mut asked = None;
    loop {
        match outcome::next(record::read(from), how, asked.take()) {
            Next::Ask(question) => asked = Some((question, ask(question))),
            Next::Again => {
                found_running = u32::saturating_add(found_running, 1);
                sys::sleep_us(sleep);
                sleep = sleep.saturating_mul(2).min(SLEEP_US.1);
            }
            Next::Done(result) => {
                if result.is_err() {
                    sys::reap(pid);
                }
                return Settled { result, found_running };
            }
        }
    }
}

/// By waitid(2), which uses nothing up (WNOWAIT), or by wait4(2) where a filter forbids that: it
/// reaps the child if it is dead, which is then a failure. `mask` is for a traced child.
pub fn ask(pid: i32, question: Question, mask: &u64) -> Answer {
    let block = |wait: bool| if wait { 0 } else { libc::WNOHANG };
    let options = match question {
        Question::NotExeced => libc::WNOHANG | libc::__WCLONE,
        Question::Dead { wait } => block(wait) | libc::__WALL,
        Question::Stopped => {
            return match sys::ptrace_set_mask(pid, mask) {
                Ok(()) => Answer::Yes,
                Err(libc::ESRCH) => Answer::Nothing,
                Err(_) => Answer::Refused,
            };
        }
    };
    loop {
        let answer = sys::waitid(Whom::Pid(pid), options | libc::WEXITED | libc::WNOWAIT);
        let answer = if answer.is_err_and(sys::is_refusal) {
            sys::wait4(pid, options).map(|status| status.map(Change::from_wait_status))
        } else {
            answer
        };
        return match answer {
            Ok(Some(change)) => Answer::Changed(change),
            Ok(None) => Answer::Nothing,
            Err(libc::ECHILD) => Answer::NoSuchChild,
            Err(libc::EINTR) => continue,
            Err(_) => Answer::Refused,
        };
    }
}
