// SPDX-License-Identifier: BSD-3-Clause
//! The piped way, the seed's own: a plain fork, and a close-on-exec pipe whose end of file says
//! that the child has execed or died. For what the parent must do while the child waits (id maps),
//! and where CLONE_VFORK does not suspend.
//!
//! What happened stands in the record, in a shared page, as in the other ways. The pipe only wakes
//! the parent: so the step of a child that was killed is known, nothing can be read by halves, and
//! a child whose parent has died has nothing to write before exec that could kill it by SIGPIPE.
//!
//! A process that another thread forks meanwhile holds the pipe's write end open for as long as it
//! likes. So the parent looks at the child itself when the pipe stays silent for long.

#![forbid(unsafe_code)]

use super::clone::{self, Cloned};
use super::outcome::{Answer, Circumstances, Question};
use super::proof::{self, Proof};
use super::{idmap, record, settle, Job, Started};
use crate::attr::Way;
use crate::child::{Record, Start};
use crate::error::{Error, Result, Step};
use crate::procfs;
use crate::redirect::out_of_the_way;
use crate::sys::{self, Errno, Fd, SharedPage, Whom};
use core::sync::atomic::AtomicU32;

/// How long the pipe may be silent before the parent looks at the child: at first and at most. A
/// fork takes less than the first but in processes of many gigabytes.
pub const SILENCE_MS: (i64, i64) = (20, 200);

/// A child on its way.
pub struct Child {
    /// It.
    pub cloned: Cloned,
    /// What it tells.
    pub record: SharedPage<Record>,
    /// Readable when the outcome is known.
    pub outcome: Fd,
}

/// Spawns.
pub fn spawn(job: &Job<'_>) -> Result<Started> {
    let Child { cloned, record, outcome } = start(job)?;
    wait_for_end(cloned.pid, &outcome, None, || proof::of(cloned.pid));
    let how = Circumstances { traced: job.traced, may_block: true };
    let ask = |question| ask(cloned.pid, question, job.mask);
    settle::settle_by(cloned.pid, &record, how, ask).result?;
    Ok(Started::new(cloned, Way::Piped))
}

/// Makes the child, and gives it its maps.
pub fn start(job: &Job<'_>) -> Result<Child> {
    let record = record::shared()?;
    let sentinel = AtomicU32::new(0);
    let (outcome, error_pipe) = pipe(job)?;
    let maps_pipe = if job.maps.any() { Some(sys::pipe().map_err(at_pipe)?) } else { None };

    let numbers =
        maps_pipe.as_ref().map_or([-1; 2], |(read, write)| [read.number(), write.number()]);
    let start = Start {
        error_pipe: [outcome.number(), error_pipe.number()],
        maps_pipe: numbers,
        ..job.start(&record, &sentinel)
    };
    let child = clone::child(Way::Piped, job, start)?;
    drop(error_pipe);

    if let Some(maps_pipe) = maps_pipe {
        if let Err(error) = hand_over_maps(child.pid, job, maps_pipe) {
            // It waits for its maps, and would find its pipe at an end, but for a process that
            // another thread has forked meanwhile and that holds the pipe too: such a child of this
            // very call in another thread might wait for this one.
            let _ = sys::kill(child.pid, libc::SIGKILL);
            sys::reap(child.pid);
            return Err(error);
        }
    }
    Ok(Child { cloned: child, record, outcome })
}

/// The error pipe: the parent's end, and the child's. Where that is let go by it, it leads both ways.
pub fn pipe(job: &Job<'_>) -> Result<(Fd, Fd)> {
    let at_socket = |errno| Error::new(errno, Step::Suspend);
    let (outcome, error_pipe) = match job.attr.suspend {
        true => sys::socket_pair().map_err(at_socket)?,
        false => sys::pipe().map_err(at_pipe)?,
    };
    Ok((outcome, out_of_the_way(error_pipe, job.attr).map_err(at_pipe)?))
}

fn at_pipe(errno: Errno) -> Error {
    Error::new(errno, Step::Pipe)
}

/// Writes the maps and tells the child. The read end stays open until then: a child that is dead by
/// now is no reason for SIGPIPE.
fn hand_over_maps(pid: i32, job: &Job<'_>, (read_end, write_end): (Fd, Fd)) -> Result<()> {
    idmap::write(pid, &job.maps)?;
    sys::write(&write_end, &[1]).map_err(at_pipe)?;
    drop(read_end);
    Ok(())
}

/// Waits until the child has execed, failed or died, or until `limit` (of `sys::now_ms`): then None. Else the errno that
/// came by the pipe; 0 for none.
pub fn wait_for_end(
    pid: i32,
    pipe: &Fd,
    limit: Option<u64>,
    proof: impl Fn() -> Proof,
) -> Option<u8> {
    let mut byte = [0];
    let mut silence = SILENCE_MS.0;
    loop {
        let left = limit.map(|limit| limit.saturating_sub(sys::now_ms()));
        let patience = left.map_or(silence, |left| silence.min(left as i64));
        match sys::poll(pipe.number(), patience) {
            // A byte, end of file, or a pipe that cannot be read: there is no more to wait for.
            Ok(true) => match sys::read(pipe, &mut byte) {
                Err(libc::EINTR) => {}
                _ => break,
            },
            Ok(false) => {
                if proof() == Proof::Execed || is_dead(pid) {
                    break;
                }
                if left == Some(0) {
                    return None;
                }
                silence = silence.saturating_mul(2).min(SILENCE_MS.1);
            }
            Err(libc::EINTR) => {}
            // A filter forbids ppoll: read without a bound.
            Err(_) => {
                while sys::read(pipe, &mut byte) == Err(libc::EINTR) {}
                break;
            }
        }
    }
    let [errno] = byte;
    Some(errno)
}

/// How to look whether a child is dead.
const PEEK: i32 = libc::WNOHANG | libc::WEXITED | libc::WNOWAIT | libc::__WALL;

/// Whether it is dead, or gone. It stays to be waited for: where a filter forbids waitid(2), wait4(2) would take
/// away what is still to be asked.
pub fn is_dead(pid: i32) -> bool {
    match sys::waitid(Whom::Pid(pid), PEEK) {
        Err(errno) if sys::is_refusal(errno) => {
            procfs::stat(pid).is_some_and(|stat| stat.ppid == sys::getpid() && stat.state == b'Z')
        }
        answer => !matches!(answer, Ok(None) | Err(libc::EINTR)),
    }
}

/// As in the other ways, but with another proof of exec. Where there is none, end of file after exec was called
/// counts as success, as in the seed; and where SIGCHLD is ignored, which makes a dead child vanish.
pub fn ask(pid: i32, question: Question, mask: &u64) -> Answer {
    match question {
        Question::NotExeced => answer(|| proof::of(pid), || is_dead(pid)),
        question => settle::ask(pid, question, mask),
    }
}

/// How long to sleep before a child that is on its way through exec is looked at again.
const LOOK_US: u32 = 50;

/// The proof as an answer to `Question::NotExeced`. That a child has not execed holds only of one that was dead when
/// it was looked at: exec lets go of the memory before it takes the flag away, and closes the pipe before it gives the name
/// (fs/exec.c, begin_new_exec). One that is seen in between may have run its program, and ended, by the next question.
pub fn answer(proof: impl Fn() -> Proof, is_dead: impl Fn() -> bool) -> Answer {
    let mut was_dead = false;
    while proof() == Proof::NotExeced {
        if was_dead {
            return Answer::Nothing;
        }
        was_dead = is_dead();
        if !was_dead {
            sys::sleep_us(LOOK_US);
        }
    }
    Answer::NoSuchChild
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::Cell;

    /// What is answered of a child for which these come one after the other, the last for ever; it is dead from the
    /// `dies`th on.
    fn answered(proofs: &[Proof], dies: usize) -> Answer {
        let asked = Cell::new(0);
        let proof = || {
            asked.set(asked.get() + 1);
            proofs.get(asked.get() - 1).copied().unwrap_or(proofs[proofs.len() - 1])
        };
        answer(proof, || asked.get() >= dies)
    }

    #[test]
    #[cfg_attr(miri, ignore = "needs system calls")]
    fn that_it_has_not_execed_is_known_of_the_dead_alone() {
        use Proof::*;
        assert_eq!(answered(&[Execed], 9), Answer::NoSuchChild);
        assert_eq!(answered(&[Unknown], 9), Answer::NoSuchChild);
        assert_eq!(answered(&[NotExeced], 1), Answer::Nothing);
        assert_eq!(answered(&[NotExeced], 4), Answer::Nothing);
        // It has execed, and ended, between the two looks.
        assert_eq!(answered(&[NotExeced, Execed], 1), Answer::NoSuchChild);
        // It runs.
        assert_eq!(answered(&[NotExeced, NotExeced, Execed], 9), Answer::NoSuchChild);
    }
}
