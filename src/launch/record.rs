// SPDX-License-Identifier: BSD-3-Clause
//! The record of a child, as its parent reads it, and where it lives when memory is not shared.

#![allow(unsafe_code)] // the promise that zero bytes are a record

use crate::child::Record;
use crate::error::{Error, Result, Step};
use crate::launch::outcome::Seen;
use crate::sys::SharedPage;
use core::sync::atomic::Ordering::Relaxed;

/// A record in a page that a child with its own memory shares.
pub fn shared() -> Result<SharedPage<Record>> {
    // SAFETY: a Record is three atomics.
    let page = unsafe { SharedPage::<Record>::new() };
    let page = page.map_err(|errno| Error::new(errno, Step::Memory))?;
    reset(&page);
    Ok(page)
}

/// As it is before the child has run.
pub fn fresh() -> Record {
    let record = Record::default();
    reset(&record);
    record
}

/// Makes it so.
pub fn reset(record: &Record) {
    record.step.store(Step::Clone as i32, Relaxed);
    record.index.store(-1, Relaxed);
}

/// Reads it.
#[inline(always)]
pub fn read(record: &Record) -> Seen {
    // The child may still run (emulators): the errno is stored last and must be read first.
    let errno = record.errno.load(core::sync::atomic::Ordering::Acquire);
    Seen {
        step: Step::from_number(record.step.load(Relaxed)).unwrap_or(Step::Clone),
        index: record.index.load(Relaxed),
        errno,
    }
}
