// SPDX-License-Identifier: BSD-3-Clause
//! The caller's terminal, whose foreground FE_FOREGROUND or an action gives to the child.

#![forbid(unsafe_code)]

use crate::attr::{Action, Attr, Group};
use crate::sys::{self, Errno};

/// Where to find the terminal, and the group that it had before. A child that fails after it got the
/// foreground would leave it to a group that is no more, and the caller's reads from it would fail.
pub struct Foreground(Option<(Terminal, i32)>);

enum Terminal {
    /// A descriptor of the caller's.
    Fd(i32),
    /// The controlling one. It is opened for a moment only: a descriptor of ours must not be in the
    /// child's way.
    Controlling,
}

impl Terminal {
    fn with<T>(&self, work: impl FnOnce(i32) -> Result<T, Errno>) -> Result<T, Errno> {
        match self {
            Terminal::Fd(fd) => work(*fd),
            Terminal::Controlling => {
                let tty = sys::open(c"/dev/tty", libc::O_RDWR | libc::O_NOCTTY)?;
                work(tty.number())
            }
        }
    }
}

impl Foreground {
    /// Looks it up, if FE_FOREGROUND or an action may change it.
    pub fn of(attr: &Attr<'_>) -> Foreground {
        let by_action = attr.actions.iter().any(|action| matches!(action, Action::Tcsetpgrp(_)));
        let terminal = match attr.group {
            // It may be any that an action has opened.
            Group::Group { foreground: Some(_), .. } if !attr.actions.is_empty() => {
                Some(Terminal::Controlling)
            }
            // The child's descriptor is a duplicate of this one.
            Group::Group { foreground: Some(at), .. } => match (attr.files, usize::try_from(at)) {
                (None, _) => Some(Terminal::Fd(at)),
                (Some(files), Ok(at)) => files.get(at).copied().map(Terminal::Fd),
                (Some(_), Err(_)) => None,
            },
            _ => by_action.then_some(Terminal::Controlling),
        };
        Foreground(terminal.and_then(|terminal| {
            let before = terminal.with(sys::foreground).ok()?;
            Some((terminal, before))
        }))
    }

    /// Gives it back after a failure. Signals are still blocked, SIGTTOU among them.
    pub fn restore(&self) {
        if let Some((terminal, before)) = &self.0 {
            let _ = terminal.with(|fd| match sys::foreground(fd) {
                Ok(now) if now == *before => Ok(()),
                _ => sys::set_foreground(fd, *before),
            });
        }
    }
}
