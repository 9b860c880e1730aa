// SPDX-License-Identifier: BSD-3-Clause
//! What the child gives up: privileges, a landlock ruleset, a seccomp filter.

#![forbid(unsafe_code)]

use super::{Privileges, INVALID};
use crate::error::Result;

/// struct sock_filter of the kernel.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Instruction {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    value: u32,
}

/// A seccomp filter.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Its program.
    pub code: &'a [Instruction],
    /// SECCOMP_FILTER_FLAG_...
    pub flags: u32,
}

/// A landlock ruleset.
#[derive(Clone, Copy, Debug)]
pub struct Landlock {
    /// A descriptor of the caller's; once `launch` has seen to it, of a number that the child still has
    /// when it wants it.
    pub fd: i32,
    /// LANDLOCK_RESTRICT_SELF_...
    pub flags: u32,
}

/// In the order in which they come.
#[derive(Clone, Copy, Debug, Default)]
pub struct Restrictions<'a> {
    /// Capabilities and securebits.
    pub privileges: Option<Privileges>,
    /// No exec gives privileges any more.
    pub no_new_privs: bool,
    /// The files.
    pub landlock: Option<Landlock>,
    /// The system calls.
    pub filter: Option<Filter<'a>>,
}

/// BPF_MAXINSNS.
const MOST_INSTRUCTIONS: usize = 4096;

/// Those that say what is logged, and that speculation stays as it is. The others want an answer
/// (a listener), or are for other threads, of which a child has none.
const FILTER_FLAGS: u32 =
    (libc::SECCOMP_FILTER_FLAG_LOG | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW) as u32;

/// LANDLOCK_RESTRICT_SELF_LOG_SAME_EXEC_OFF, _LOG_NEW_EXEC_ON and _LOG_SUBDOMAINS_OFF.
const LANDLOCK_FLAGS: u32 = 7;

impl Restrictions<'_> {
    /// Refuses what is wrong whatever the kernel.
    #[inline(never)] // for size
    pub fn check(&self) -> Result<()> {
        self.privileges.map_or(Ok(()), |privileges| privileges.check())?;
        let bad = self.filter.is_some_and(|filter| {
            !(1..=MOST_INSTRUCTIONS).contains(&filter.code.len())
                || filter.flags & !FILTER_FLAGS != 0
        }) || self.landlock.is_some_and(|landlock| landlock.flags & !LANDLOCK_FLAGS != 0);
        if bad {
            Err(INVALID)
        } else {
            Ok(())
        }
    }
}
