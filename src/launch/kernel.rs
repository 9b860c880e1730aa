// SPDX-License-Identifier: BSD-3-Clause
//! What earlier spawns have shown of the kernel, or of what plays the kernel. Kept for the life of
//! the process and inherited by fork, after which it is still true.

#![forbid(unsafe_code)]

use crate::error::{Error, Step};
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
static TABLE_REFUSED: AtomicBool = AtomicBool::new(false);
static FETCH_REFUSED: AtomicBool = AtomicBool::new(false);
static CGROUP_REFUSED: AtomicBool = AtomicBool::new(false);
static STAGE_REFUSED: AtomicBool = AtomicBool::new(false);

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

/// Whether a child cannot have a part of its caller's table of descriptors: CLOSE_RANGE_UNSHARE of
/// close_range(2) (Linux 5.9).
pub fn table_refused() -> bool {
    TABLE_REFUSED.load(Relaxed)
}

/// Whether a child cannot have single descriptors of its caller: pidfd_getfd(2) (Linux 5.6), which
/// asks for the rights of ptrace(2).
pub fn fetch_refused() -> bool {
    FETCH_REFUSED.load(Relaxed)
}

/// Whether no child can be born in a cgroup: CLONE_INTO_CGROUP (Linux 5.7).
pub fn cgroup_refused() -> bool {
    CGROUP_REFUSED.load(Relaxed)
}

/// Whether the error of a child that was to be born in a cgroup says that it cannot be: from a kernel that does
/// not know of it, or a filter. Where the cgroup itself forbids it, that is what the child is told too.
pub fn refuses_cgroup(error: &Error) -> bool {
    let always = matches!(error.errno, libc::ENOSYS | libc::E2BIG);
    let refuses = match error.step {
        Step::Cgroup => always,
        Step::Clone => matches!(error.errno, libc::EINVAL | libc::EPERM),
        _ => false,
    };
    if refuses && always {
        CGROUP_REFUSED.store(true, Relaxed);
    }
    refuses
}

/// Whether a stage cannot be had here: no file in memory may be executed.
pub fn stage_refused() -> bool {
    STAGE_REFUSED.load(Relaxed)
}

/// The error of a stage that could not be had. What may be otherwise the next time is not remembered.
pub fn learn_from_stage(error: &Error) {
    if error.step == Step::Stage && !error.is_shortage() && error.errno != libc::EFBIG {
        STAGE_REFUSED.store(true, Relaxed);
    }
}

/// Whether the error of a child with a part of the table says that it cannot have it so. What will
/// always be so is remembered; a right that is missing too, since all that it costs is time.
pub fn refuses_table(error: &Error) -> bool {
    let always = matches!(error.errno, libc::ENOSYS | libc::EINVAL | libc::EPERM);
    match error.step {
        // A filter may know a clone with CLONE_FILES for that of a thread.
        Step::Clone => true,
        Step::UnshareFiles if error.errno != libc::ECANCELED => {
            let refused = if error.index < 0 { &TABLE_REFUSED } else { &FETCH_REFUSED };
            if always {
                refused.store(true, Relaxed);
            }
            true
        }
        _ => false,
    }
}
