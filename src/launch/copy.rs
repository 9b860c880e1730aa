// SPDX-License-Identifier: BSD-3-Clause
//! The copy way: CLONE_VFORK without CLONE_VM, exit signal 0, the record in a shared page. For
//! children with other privileges, which must not have the caller's memory in their hands.
//!
//! CLONE_VFORK is there for debuggers, which take a child with another exit signal and without it
//! for a thread, and because a suspended parent needs no pipe.

#![forbid(unsafe_code)]

use super::kernel::{self, Memory};
use super::outcome::Circumstances;
use super::{clone, record, settle, Job, Started};
use crate::attr::Way;
use crate::error::Result;
use core::sync::atomic::AtomicU32;

/// Spawns.
pub fn spawn(job: &Job<'_>) -> Result<Started> {
    let record = record::shared()?;
    let sentinel = AtomicU32::new(0);
    let start = job.start(&record, &sentinel);
    let child = clone::child(Way::Copy, job, start)?;
    let may_block = matches!(kernel::memory(), Memory::Shared | Memory::Copied);
    let how = Circumstances { traced: job.traced, may_block };
    settle::settle(child.pid, &record, how, job.mask).result?;
    Ok(Started::new(child, Way::Copy))
}
