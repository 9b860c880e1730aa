// SPDX-License-Identifier: BSD-3-Clause
//! Ends a child: asks, waits, kills, and only then reaps it. Until then its pid, and with it the number of
//! its group and session, is nobody else's.

#![forbid(unsafe_code)]

use super::{Kin, Process, Tree, KILLED_MS};
use crate::sys::{self, Errno};

/// Who is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The child alone.
    Process,
    /// Its process group, which it leads.
    Group,
    /// All that belong to it.
    Tree,
}

/// How long to sleep between looks at those who have outlived the child.
const LOOK_US: u32 = 10_000;

/// Sends `signal`, and after `grace_ms` milliseconds SIGKILL to whoever is left; at once if that is 0. Then
/// waits for the child. ETIMEDOUT: even that has not ended it.
pub fn stop(
    process: Process,
    kin: Kin,
    scope: Scope,
    signal: i32,
    grace_ms: u64,
) -> Result<i32, Errno> {
    let mut tree = Tree::new(process, kin);
    let send = |tree: &mut Tree, signal| {
        let sent = match scope {
            Scope::Process => process.kill(signal),
            Scope::Group => process.kill_group(signal),
            Scope::Tree => tree.signal(signal).map(drop),
        };
        match sent {
            // It is gone, which the wait will tell.
            Err(libc::ESRCH) => Ok(()),
            // Others of them may be out of reach.
            Err(libc::EPERM) if scope != Scope::Process => process.kill(0),
            sent => sent,
        }
    };
    let mut ended = false;
    if grace_ms != 0 {
        send(&mut tree, signal)?;
        let deadline = sys::deadline_ms(grace_ms);
        ended = process.ends_until(deadline);
        // The grace is for all of them.
        while scope == Scope::Tree && sys::now_ms() < deadline && tree.is_left() {
            sys::sleep_us(LOOK_US);
        }
    }
    if !ended || scope != Scope::Process {
        send(&mut tree, libc::SIGKILL)?;
    }
    let killed_ms = i32::try_from(KILLED_MS).unwrap_or(i32::MAX);
    process.wait(killed_ms, None)?.ok_or(libc::ETIMEDOUT)
}
