// SPDX-License-Identifier: BSD-3-Clause
//! The shared way: CLONE_VM and CLONE_VFORK, exit signal 0, the record on the caller's stack. No
//! pipe, no mapping, four system calls in the parent.
//!
//! The first spawn asks what kind of kernel this is: its record lies in a page that even a forked
//! child shares, and a sentinel in ordinary memory shows whether memory is shared.

#![forbid(unsafe_code)]

use super::kernel::{self, Memory};
use super::outcome::Circumstances;
use super::settle::{self, Settled};
use super::{clone, record, Job, Started};
use crate::attr::Way;
use crate::child::Record;
use crate::error::Result;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Spawns.
pub fn spawn(job: &Job<'_>) -> Result<Started> {
    let sentinel = AtomicU32::new(0);
    if kernel::memory() == Memory::Shared {
        let (started, _) = run(job, &record::fresh(), &sentinel, true)?;
        return started;
    }
    let record = record::shared()?;
    let (started, found_running) = run(job, &record, &sentinel, false)?;
    let shared = sentinel.load(Relaxed) != 0;
    let killed = started.as_ref().is_err_and(|error| error.errno == libc::ECANCELED);
    if killed {
        // It may have been dying when it was found running, or have died before it could set the
        // sentinel: no answer.
    } else if found_running > 0 && !job.traced {
        kernel::learn_memory(Memory::NotSuspended);
    } else if shared {
        kernel::learn_memory(Memory::Shared);
    } else {
        kernel::learn_memory(Memory::Copied);
    }
    started
}

/// The outer result is that of the clone.
fn run(
    job: &Job<'_>,
    record: &Record,
    sentinel: &AtomicU32,
    may_block: bool,
) -> Result<(Result<Started>, u32)> {
    let start = job.start(record, sentinel);
    let child = clone::child(Way::Shared, job, start)?;
    let how = Circumstances { traced: job.traced, may_block };
    let Settled { result, found_running } = settle::settle(child.pid, record, how, job.mask);
    Ok((result.map(|()| Started::new(child, Way::Shared)), found_running))
}
