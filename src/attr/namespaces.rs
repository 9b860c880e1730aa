// SPDX-License-Identifier: BSD-3-Clause
//! Namespaces that the child enters, or makes by itself once it is there.

use super::{CLONE_FLAGS, CLONE_NEWTIME, CLONE_NEWUSER, INVALID};
use crate::error::{Error, Result, Step};
use crate::list::numbers;
use core::ffi::CStr;

/// Namespaces to enter: setns(2).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Join {
    /// Of a namespace, or a pidfd.
    pub fd: i32,
    /// CLONE_NEW*: which.
    pub kinds: i32,
}

const CLONE_NEWPID: u64 = libc::CLONE_NEWPID as u64;

/// In the order in which it is done.
#[derive(Clone, Copy, Debug)]
pub struct Namespaces<'a> {
    /// Entered.
    pub joins: &'a [Join],
    /// CLONE_NEW* for unshare(2).
    pub unshare: u64,
    /// For /proc/self/timens_offsets.
    pub time_offsets: Option<&'a CStr>,
}

impl Join {
    fn has(&self, kind: u64) -> bool {
        self.kinds as u64 & kind != 0
    }

    /// Those that the child can enter. A pid namespace is for its caller to enter: one gets into it by birth.
    pub fn own_kinds(&self) -> i32 {
        self.kinds & !libc::CLONE_NEWPID
    }
}

impl<'a> Namespaces<'a> {
    /// Whether memory must be the child's own: the owner of a user namespace may trace all in it, and a time
    /// namespace cannot be entered with shared memory.
    pub fn need_own_memory(&self) -> bool {
        self.joins.iter().any(|join| join.has(CLONE_NEWUSER | CLONE_NEWTIME))
    }

    /// Whether a user namespace is entered.
    pub fn enter_user(&self) -> bool {
        self.joins.iter().any(|join| join.has(CLONE_NEWUSER))
    }

    /// The pid namespace that the child is born in: its descriptor, and its place in the list.
    pub fn pid(&self) -> Option<(i32, i32)> {
        let found = self.joins.iter().zip(numbers()).find(|(join, _)| join.has(CLONE_NEWPID));
        found.map(|(join, index)| (join.fd, index))
    }

    /// Refuses what goes wrong whatever the kernel thinks of it.
    #[inline(never)] // for size
    pub fn check(&self) -> Result<()> {
        if i32::try_from(self.joins.len()).is_err()
            || self.unshare & !CLONE_FLAGS != 0
            // Its maps could not be written.
            || self.unshare & CLONE_NEWUSER != 0
            || self.time_offsets.is_some() && self.unshare & CLONE_NEWTIME == 0
        {
            return Err(INVALID);
        }
        let pid = self.pid().map(|(_, index)| index);
        for (join, index) in self.joins.iter().zip(numbers()) {
            let twice = join.has(CLONE_NEWPID) && pid != Some(index);
            if join.kinds <= 0 || join.kinds as u64 & !CLONE_FLAGS != 0 || twice {
                return Err(Error::at(libc::EINVAL, Step::Args, index));
            }
            if join.fd < 0 {
                return Err(Error::at(libc::EBADF, Step::Setns, index));
            }
        }
        Ok(())
    }
}
