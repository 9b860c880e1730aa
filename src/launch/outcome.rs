// SPDX-License-Identifier: BSD-3-Clause
//! The truth table: from what the child has recorded and what the kernel answers to success or
//! failure. Pure.
//!
//! The proof of exec: a child that is cloned with exit signal 0 is visible to a wait with
//! `__WCLONE` until exec succeeds, which makes its exit signal SIGCHLD (fs/exec.c, de_thread). Of a
//! child whose exit signal is that from the start `proof.rs` knows the same answers.

#![forbid(unsafe_code)]

use crate::error::{Error, Result, Step};
use crate::sys::Change;

/// The record as it was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The last step that the child entered.
    pub step: Step,
    /// And its item.
    pub index: i32,
    /// Not 0: the step failed.
    pub errno: i32,
}

/// How the outcome is to be read.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// The child was to be traced: visible to its tracer whatever its exit signal, so that the
    /// proof of exec says nothing. It comes to stand in a stop instead.
    pub traced: bool,
    /// The child is sure to have execed, or to be dying, by now. Else the parent must not block.
    pub may_block: bool,
}

/// What to ask the kernel about the child. No answer uses it up (WNOWAIT).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// Is it still a child that has not execed?
    NotExeced,
    /// Is it dead? Waits for it if `wait`.
    Dead {
        /// Whether to wait.
        wait: bool,
    },
    /// Does it stand in a stop of its tracer's? By something that only works on one that does, not
    /// by waiting, since another thread's wait may have taken the event.
    Stopped,
}

/// What the kernel says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// ECHILD.
    NoSuchChild,
    /// There is one, and nothing has happened to it.
    Nothing,
    /// This has happened to it.
    Changed(Change),
    /// It does.
    Yes,
    /// A filter forbids the question.
    Refused,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Ask.
    Ask(Question),
    /// Wait a little, read the record again and start over.
    Again,
    /// The outcome.
    Done(Result<()>),
}

/// One row of the table.
pub fn next(seen: Seen, how: Circumstances, asked: Option<(Question, Answer)>) -> Next {
    use Answer::*;
    use Question::*;
    if seen.errno != 0 {
        // Whatever the wait status says, and whoever may have reaped it.
        return Next::Done(Err(Error::at(seen.errno, seen.step, seen.index)));
    }
    let success = Next::Done(Ok(()));
    let killed = |signal| Next::Done(Err(Error::killed(signal, seen.step, seen.index)));
    let dead = Dead { wait: how.may_block };
    match asked {
        None if !seen.step.is_exec() => Next::Ask(dead),
        None if how.traced => Next::Ask(Stopped),
        None => Next::Ask(NotExeced),

        // A filter that forbids all waiting leaves the record alone, which says that exec was
        // called and nothing of its failing.
        Some((NotExeced | Stopped, NoSuchChild | Refused | Yes)) => success,
        // The stop comes soon after exec has let the parent go on.
        Some((Stopped, Nothing)) => Next::Ask(Dead { wait: false }),

        Some((_, Changed(change))) if change.is_death() => killed(change.signal()),
        Some((NotExeced, Nothing)) => Next::Ask(dead),
        // Somebody else has reaped it: a wait with __WALL in another thread, or SIGCHLD ignored.
        Some((Dead { .. }, NoSuchChild | Refused)) => killed(0),
        Some((_, Nothing | Changed(_) | Yes)) => Next::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Answer::*;
    use Question::*;

    const PLAIN: Circumstances = Circumstances { traced: false, may_block: true };
    const TRACED: Circumstances = Circumstances { traced: true, may_block: true };
    const LOOSE: Circumstances = Circumstances { traced: false, may_block: false };
    const KILLED: Answer = Changed(Change { code: libc::CLD_KILLED, status: 9 });
    const EXITED: Answer = Changed(Change { code: libc::CLD_EXITED, status: 127 });
    const TRAPPED: Answer = Changed(Change { code: libc::CLD_TRAPPED, status: 5 });

    fn in_step(step: Step) -> Seen {
        Seen { step, index: 3, errno: 0 }
    }

    fn killed(signal: i32, step: Step) -> Next {
        Next::Done(Err(Error::killed(signal, step, 3)))
    }

    const SUCCESS: Next = Next::Done(Ok(()));

    #[test]
    fn an_errno_is_a_failure_whatever_else() {
        let seen = Seen { step: Step::Exec, index: 3, errno: libc::ENOENT };
        let failure = Next::Done(Err(Error::at(libc::ENOENT, Step::Exec, 3)));
        for how in [PLAIN, TRACED, LOOSE] {
            for answer in [NoSuchChild, Nothing, KILLED, EXITED, TRAPPED, Refused] {
                assert_eq!(next(seen, how, Some((NotExeced, answer))), failure);
            }
            assert_eq!(next(seen, how, None), failure);
        }
    }

    #[test]
    fn before_exec() {
        let seen = in_step(Step::Chdir);
        let wait = Dead { wait: true };
        for how in [PLAIN, TRACED] {
            assert_eq!(next(seen, how, None), Next::Ask(wait));
            assert_eq!(next(seen, how, Some((wait, KILLED))), killed(9, Step::Chdir));
            assert_eq!(next(seen, how, Some((wait, EXITED))), killed(0, Step::Chdir));
            assert_eq!(next(seen, how, Some((wait, NoSuchChild))), killed(0, Step::Chdir));
            assert_eq!(next(seen, how, Some((wait, Refused))), killed(0, Step::Chdir));
        }
    }

    #[test]
    fn at_exec() {
        let seen = in_step(Step::Exec);
        let wait = Dead { wait: true };
        assert_eq!(next(seen, PLAIN, None), Next::Ask(NotExeced));
        assert_eq!(next(seen, PLAIN, Some((NotExeced, NoSuchChild))), SUCCESS);
        assert_eq!(next(seen, PLAIN, Some((NotExeced, Refused))), SUCCESS);
        // It may not be a zombie yet, or it is one.
        assert_eq!(next(seen, PLAIN, Some((NotExeced, Nothing))), Next::Ask(wait));
        assert_eq!(next(seen, PLAIN, Some((NotExeced, KILLED))), killed(9, Step::Exec));
        assert_eq!(next(seen, PLAIN, Some((wait, KILLED))), killed(9, Step::Exec));
        assert_eq!(next(seen, PLAIN, Some((wait, NoSuchChild))), killed(0, Step::Exec));
    }

    #[test]
    fn a_traced_child_is_seen_by_its_stop() {
        let seen = in_step(Step::Exec);
        let peek = Dead { wait: false };
        assert_eq!(next(seen, TRACED, None), Next::Ask(Stopped));
        assert_eq!(next(seen, TRACED, Some((Stopped, Yes))), SUCCESS);
        assert_eq!(next(seen, TRACED, Some((Stopped, Refused))), SUCCESS);
        assert_eq!(next(seen, TRACED, Some((Stopped, Nothing))), Next::Ask(peek));
        assert_eq!(next(seen, TRACED, Some((peek, Nothing))), Next::Again);
        assert_eq!(next(seen, TRACED, Some((peek, TRAPPED))), Next::Again);
        assert_eq!(next(seen, TRACED, Some((peek, KILLED))), killed(9, Step::Exec));
        assert_eq!(next(seen, TRACED, Some((peek, NoSuchChild))), killed(0, Step::Exec));
    }

    #[test]
    fn a_parent_that_runs_beside_its_child_never_blocks() {
        let peek = Dead { wait: false };
        for step in [Step::Clone, Step::Chdir] {
            assert_eq!(next(in_step(step), LOOSE, None), Next::Ask(peek));
            assert_eq!(next(in_step(step), LOOSE, Some((peek, Nothing))), Next::Again);
            assert_eq!(next(in_step(step), LOOSE, Some((peek, KILLED))), killed(9, step));
        }
        let seen = in_step(Step::Exec);
        assert_eq!(next(seen, LOOSE, None), Next::Ask(NotExeced));
        assert_eq!(next(seen, LOOSE, Some((NotExeced, Nothing))), Next::Ask(peek));
        assert_eq!(next(seen, LOOSE, Some((peek, Nothing))), Next::Again);
        assert_eq!(next(seen, LOOSE, Some((NotExeced, NoSuchChild))), SUCCESS);
    }
}
