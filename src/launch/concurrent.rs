// SPDX-License-Identifier: BSD-3-Clause
//! The concurrent way: CLONE_VM without CLONE_VFORK, on a stack of its own, for a caller that does not
//! wait for the exec, or not for ever. The child reads the plan in the caller's memory, so that has
//! to be the library's own copy, which stays until the kernel says that the child has let go of it
//! (CLONE_CHILD_CLEARTID of clone(2): at exec, or at its end).
//!
//! Never with a change of credentials, a user namespace or a cgroup: those go piped.

#![allow(unsafe_code)] // what the child uses outlives every borrow that the compiler knows

use super::clone::{self, Cloned};
use super::owned::Owned;
use super::proof::{self, Proof};
use super::{piped, record, stack, Job};
use crate::child::{Record, Start};
use crate::error::{Error, Result};
use crate::sys::{self, Fd, Stack};
use alloc::boxed::Box;
use core::marker::PhantomData;
use core::ptr::{null_mut, NonNull};
use core::sync::atomic::{
    AtomicPtr, AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Release,
};

/// All that the child uses. It stays where it is, and is not touched but by atomics, until `tid` is 0.
struct Shared {
    tid: AtomicU32,
    record: Record,
    sentinel: AtomicU32,
    mask: u64,
    calls: Owned,
    stack: Option<Stack>,
    start: Option<Start<'static>>,
    /// In the list of those that nobody waits for any more.
    next: AtomicPtr<Shared>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Some(stack) = self.stack.take() {
            stack::give(stack);
        }
    }
}

/// A child on its way.
pub struct Child {
    /// It.
    pub cloned: Cloned,
    /// Readable when the outcome is known, if asked for.
    pub outcome: Option<Fd>,
    shared: NonNull<Shared>,
}

/// Makes the child.
pub fn start(job: &Job<'_>, wants_outcome: bool) -> Result<Child> {
    sweep();
    let pipe = if wants_outcome { Some(piped::pipe(job)?) } else { None };
    let numbers = pipe.as_ref().map_or([-1; 2], |(read, write)| [read.number(), write.number()]);
    let shared = Shared {
        tid: AtomicU32::new(0),
        record: record::fresh(),
        sentinel: AtomicU32::new(0),
        mask: *job.mask,
        calls: Owned::of(job.calls)?,
        stack: Some(stack::take()?),
        start: None,
        next: AtomicPtr::new(null_mut()),
    };
    let shared = sys::try_box(shared).ok_or(Error::NO_MEMORY)?;
    let shared = NonNull::from(Box::leak(shared));
    // SAFETY: shared is not moved, nor freed, until the child has let go of it: see Child's drop. What
    // the calls point to is theirs.
    let cloned = unsafe {
        let at = shared.as_ptr();
        let calls = (*at).calls.calls();
        let start: Start<'static> = Start {
            calls: calls.as_ptr(),
            ncalls: calls.len(),
            record: &raw const (*at).record,
            table_below: job.table_below,
            sentinel: &raw const (*at).sentinel,
            mask: &raw const (*at).mask,
            reset_handlers: false,
            error_pipe: numbers,
            maps_pipe: [-1; 2],
            borrowed: PhantomData,
        };
        (*at).start = Some(start);
        match (&(*at).start, &(*at).stack) {
            (Some(start), Some(stack)) => clone::beside(job, start, stack, &(*at).tid),
            _ => Err(Error::NO_MEMORY),
        }
    };
    match cloned {
        Ok(cloned) => Ok(Child { cloned, outcome: pipe.map(|(outcome, _)| outcome), shared }),
        Err(error) => {
            // SAFETY: there is no child.
            drop(unsafe { Box::from_raw(shared.as_ptr()) });
            Err(error)
        }
    }
}

/// How long a child may take from its failure to its end. It may be stopped there.
const ENDING_MS: u64 = 1000;

impl Child {
    fn shared(&self) -> &Shared {
        // SAFETY: it lives as long as self; the child changes atomics only.
        unsafe { self.shared.as_ref() }
    }

    /// What the child tells.
    pub fn record(&self) -> &Record {
        &self.shared().record
    }

    /// Waits until the child has let go of the memory, or until `limit`: then false.
    pub fn wait_for_end(&self, limit: Option<u64>) -> bool {
        let tid = &self.shared().tid;
        let mut limit = limit;
        let mut failed = false;
        let mut silence = piped::SILENCE_MS.0 as u64;
        loop {
            let value = tid.load(Acquire);
            if value == 0 {
                return true;
            }
            let left = limit.map(|limit| limit.saturating_sub(sys::now_ms()));
            if left == Some(0) {
                if self.is_seen_to_have_let_go() {
                    return true;
                }
                // One that has told of its failure, and so made its pipe readable, is about to end.
                if failed || record::read(self.record()).errno == 0 {
                    return false;
                }
                failed = true;
                limit = Some(sys::deadline_ms(ENDING_MS));
                continue;
            }
            sys::futex_wait(tid, value, Some(left.map_or(silence, |left| left.min(silence))));
            if tid.load(Acquire) != 0 && self.is_seen_to_have_let_go() {
                return true;
            }
            silence = (silence * 2).min(piped::SILENCE_MS.1 as u64);
        }
    }

    /// The same by what else can be seen of it. The kernel may fail to write its word, and passes over that
    /// (kernel/fork.c, mm_release): the page is to be copied since another thread forks, and memory is short, or
    /// SIGKILL has found the child in exec and does not let it wait for the lock of the mappings.
    fn is_seen_to_have_let_go(&self) -> bool {
        let pid = self.cloned.pid;
        // Of one that is gone and whose number is another's by now the answer holds as well. The proof comes first:
        // where a filter forbids waitid, the other question takes the status of one that has ended.
        let seen = proof::of(pid) == Proof::Execed || piped::is_dead(pid);
        if seen {
            self.shared().tid.store(0, Release);
        }
        seen
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let shared = self.shared;
        if self.shared().tid.load(Acquire) == 0 {
            // SAFETY: made by start(), and the child has let go of it.
            drop(unsafe { Box::from_raw(shared.as_ptr()) });
        } else {
            abandon(shared);
        }
    }
}

/// Those that are not waited for, while their children still use them.
static ABANDONED: AtomicPtr<Shared> = AtomicPtr::new(null_mut());

fn abandon(shared: NonNull<Shared>) {
    let mut first = ABANDONED.load(Acquire);
    loop {
        // SAFETY: it is in no list yet; the child does not look at this.
        unsafe { shared.as_ref() }.next.store(first, Release);
        match ABANDONED.compare_exchange(first, shared.as_ptr(), AcqRel, Acquire) {
            Ok(_) => return,
            Err(now) => first = now,
        }
    }
}

/// Frees those whose children have let go by now.
fn sweep() {
    if ABANDONED.load(Acquire).is_null() {
        return;
    }
    // Taken off whole: no other thread has it then, and nobody can be misled by an address that was
    // freed and used again.
    let mut next = ABANDONED.swap(null_mut(), AcqRel);
    while let Some(shared) = NonNull::new(next) {
        // SAFETY: from abandon(), and in this thread's hands alone.
        let this = unsafe { shared.as_ref() };
        next = this.next.load(Acquire);
        if this.tid.load(Acquire) == 0 {
            // SAFETY: and the child has let go of it.
            drop(unsafe { Box::from_raw(shared.as_ptr()) });
        } else {
            abandon(shared);
        }
    }
}
