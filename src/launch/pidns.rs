// SPDX-License-Identifier: BSD-3-Clause
//! The pid namespace that a child is born in, if it is another one: its caller enters that for the time of the clone. It
//! is the calling thread's alone, and says where its children go, not where it is itself: pid_namespaces(7).

#![forbid(unsafe_code)]

use super::Job;
use crate::error::{Error, Result, Step};
use crate::redirect::out_of_the_way;
use crate::sys::{self, Fd};

/// Until it is dropped, children go there.
pub struct Entered {
    back: Option<Fd>,
}

/// Enters it, if there is one. What the way back is for must be known before.
pub fn enter(job: &Job<'_>) -> Result<Entered> {
    match job.pidns {
        None => Ok(Entered { back: None }),
        Some((namespace, index)) => enter_this(job, namespace, index),
    }
}

#[inline(never)] // for size
fn enter_this(job: &Job<'_>, namespace: i32, index: i32) -> Result<Entered> {
    let at = |errno| Error::at(errno, Step::Setns, index);
    let own = sys::open(c"/proc/thread-self/ns/pid_for_children", libc::O_RDONLY).map_err(at)?;
    let own = out_of_the_way(own, job.attr).map_err(at)?;
    sys::setns(namespace, libc::CLONE_NEWPID).map_err(at)?;
    Ok(Entered { back: Some(own) })
}

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(back) = &self.back {
            // With the rights that the thread has had a moment ago, to where it came from.
            let _ = sys::setns(back.number(), libc::CLONE_NEWPID);
        }
    }
}
