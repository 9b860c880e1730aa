// SPDX-License-Identifier: BSD-3-Clause
//! The caller's terminal, whose foreground FE_FOREGROUND gives to the child.

#![forbid(unsafe_code)]

use crate::attr::{Attr, Group};
use crate::sys;

/// The descriptor and the group that it had before. A child that fails after it got the foreground
/// would leave it to a group that is no more, and the caller's reads from it would fail.
pub struct Foreground(Option<(i32, i32)>);

impl Foreground {
    /// Looks it up, if FE_FOREGROUND is asked for.
    pub fn of(attr: &Attr<'_>) -> Foreground {
        let Group::Group { foreground: Some(at), .. } = attr.group else {
            return Foreground(None);
        };
        // The child's descriptor is a duplicate of this one.
        let ours = match (attr.files, usize::try_from(at)) {
            (None, _) => Some(at),
            (Some(files), Ok(at)) => files.get(at).copied(),
            (Some(_), Err(_)) => None,
        };
        Foreground(ours.and_then(|fd| sys::foreground(fd).ok().map(|pgid| (fd, pgid))))
    }

    /// Gives it back after a failure. Signals are still blocked, SIGTTOU among them.
    pub fn restore(&self) {
        if let Some((fd, before)) = self.0 {
            if sys::foreground(fd) != Ok(before) {
                let _ = sys::set_foreground(fd, before);
            }
        }
    }
}
