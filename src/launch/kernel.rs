// SPDX-License-Identifier: BSD-3-Clause
//! What earlier spawns have shown of the kernel, or of what plays the kernel. Kept for the life of
//! the process and inherited by fork, after which it is still true.

#![forbid(unsafe_code)]

use crate::sys::Errno;
use core::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};

/// What CLONE_VM with CLONE_VFORK does here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Memory {
    /// Nobody has tried.
    Unknown = 0,
    /// What it says: a kernel.
    Shared = 1,
    /// A fork that suspends the parent: valgrind.
    Copied = 2,
    /// Something that does not suspend the parent, or that refuses an exit signal other than
    /// SIGCHLD: qemu-user.
    NotSuspended = 3,
}

static MEMORY: AtomicU8 = AtomicU8::new(Memory::Unknown as u8);
static CLONE3_REFUSED: AtomicBool = AtomicBool::new(false);
static HAS_PIDFDS: AtomicBool = AtomicBool::new(false);

/// What is known.
pub fn memory() -> Memory {
    match MEMORY.load(Relaxed) {
        1 => Memory::Shared,
        2 => Memory::Copied,
        3 => Memory::NotSuspended,
        _ => Memory::Unknown,
    }
}

/// A spawn has shown it.
pub fn learn_memory(memory: Memory) {
    MEMORY.store(memory as u8, Relaxed);
}

/// Whether clone3(2) with CLONE_CLEAR_SIGHAND (Linux 5.5) has been refused where clone(2) was not.
pub fn clone3_refused() -> bool {
    CLONE3_REFUSED.load(Relaxed)
}

/// It has.
pub fn learn_clone3_refused() {
    CLONE3_REFUSED.store(true, Relaxed);
}

/// Whether the kernel has pidfds (Linux 5.3); `probe` opens one and gives the errno if it can't. Any
/// refusal counts as no, a filter's too: on a kernel without them, the program would have run before
/// anybody knows. Only a yes is remembered.
pub fn has_pidfds(probe: impl FnOnce() -> Option<Errno>) -> bool {
    let has =
        HAS_PIDFDS.load(Relaxed) || matches!(probe(), None | Some(libc::EMFILE | libc::ENFILE));
    HAS_PIDFDS.store(has, Relaxed);
    has
}
