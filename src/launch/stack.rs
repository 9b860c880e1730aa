// SPDX-License-Identifier: BSD-3-Clause
//! A pool of stacks for children that run beside their parent. Mapping one for each spawn would not
//! scale: two threads that do it wait for each other, and for each other's TLB.

#![allow(unsafe_code)] // a stack comes out of the pool once only

use crate::error::{Error, Result, Step};
use crate::sys::Stack;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering::AcqRel, Ordering::Relaxed};

/// More than that many at once are mapped and unmapped.
const POOLED: usize = 64;

static POOL: [AtomicPtr<u8>; POOLED] = [const { AtomicPtr::new(null_mut()) }; POOLED];

/// A stack that nobody is on. After a fork the new process has copies of those in the pool.
pub fn take() -> Result<Stack> {
    for place in &POOL {
        if place.load(Relaxed).is_null() {
            continue;
        }
        let at = place.swap(null_mut(), AcqRel);
        if !at.is_null() {
            // SAFETY: from give(), and nobody else has got it by that swap.
            return Ok(unsafe { Stack::from_raw(at) });
        }
    }
    Stack::new().map_err(|errno| Error::new(errno, Step::Memory))
}

/// Gives back one that its child has left.
pub fn give(stack: Stack) {
    let at = stack.into_raw();
    for place in &POOL {
        if place.load(Relaxed).is_null()
            && place.compare_exchange(null_mut(), at, AcqRel, Relaxed).is_ok()
        {
            return;
        }
    }
    // SAFETY: into_raw above, and no place has taken it.
    drop(unsafe { Stack::from_raw(at) });
}
