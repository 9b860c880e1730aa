// SPDX-License-Identifier: BSD-3-Clause
//! From an `Attr` to a Plan: the list of prepared system calls that the child runs. Pure:
//! everything that has to be looked up comes in as `Caller`.
//!
//! The order of the calls is the contract that `fe_attr`'s documentation prints; each comment below
//! says what breaks in another order.

#![forbid(unsafe_code)]

pub mod call;
mod search;

pub use call::Call;
pub use search::Candidates;

use crate::attr::{Attr, Group};
use crate::error::{Error, Result};
use crate::remap::{self, Move, STDIO};
use alloc::vec::Vec;

/// What the plan has to know of the caller.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// Its process id.
    pub pid: i32,
}

/// What the child will do.
#[derive(Debug)]
pub struct Plan<'a> {
    calls: Vec<Call<'a>>,
}

/// More than the calls that come at most once each.
const SINGLE_CALLS: usize = 24;

impl<'a> Plan<'a> {
    /// The plan for `attr`, which has passed its check.
    pub fn new(
        attr: &'a Attr<'a>,
        candidates: &'a Candidates<'a>,
        caller: Caller,
    ) -> Result<Plan<'a>> {
        let moves = attr.files.map(remap::moves).transpose()?.unwrap_or_default();
        // A move is two calls at most.
        let most = moves.len().saturating_mul(2).saturating_add(SINGLE_CALLS);
        let mut list = List(Vec::new());
        list.0
            .try_reserve_exact(most.saturating_add(candidates.count()))
            .map_err(|_| Error::NO_MEMORY)?;

        list.namespaces(attr);
        list.session(attr);
        list.root_and_identity(attr);
        list.files(attr, &moves);
        list.terminal(attr);
        list.last(attr, caller);
        for (index, path) in candidates.iter() {
            list.add([call::exec(path, attr.argv, attr.envp, index)]);
        }
        Ok(Plan { calls: list.0 })
    }

    /// The calls in their order.
    pub fn calls(&self) -> &[Call<'a>] {
        &self.calls
    }
}

struct List<'a>(Vec<Call<'a>>);

impl<'a> List<'a> {
    fn add<const N: usize>(&mut self, calls: [Call<'a>; N]) {
        self.0.extend_from_slice(&calls);
    }

    fn namespaces(&mut self, attr: &Attr<'a>) {
        // Where the caller's mounts are shared, which systemd makes the rule, what the child mounts
        // would appear outside too.
        if attr.new_mounts() && !attr.keep_propagation {
            self.add([call::private_mounts()]);
        }
    }

    fn session(&mut self, attr: &Attr<'a>) {
        // Needs /dev/tty, so before chroot.
        if attr.noctty {
            self.add(call::noctty());
        }
        match &attr.group {
            Group::Inherit => {}
            Group::Session { .. } => self.add([call::setsid()]),
            Group::Group { pgid, .. } => self.add([call::setpgid(*pgid)]),
        }
    }

    fn root_and_identity(&mut self, attr: &Attr<'a>) {
        if let Some(chroot) = attr.chroot {
            self.add([call::chroot(chroot.path)]);
            if !chroot.keep_cwd {
                self.add([call::chdir_root()]);
            }
        }
        // Groups, then group, then user: each needs the privilege that the last one gives up.
        if let Some(credential) = attr.credential {
            match credential.groups {
                // The kernel refuses even an empty list there.
                Some([]) if attr.maps.denies_setgroups() => {}
                Some(groups) => self.add([call::setgroups(groups)]),
                None => {}
            }
            self.add([call::setgid(credential.gid), call::setuid(credential.uid)]);
        }
        // With the rights of the new user.
        if let Some(dir) = attr.dir {
            self.add([call::chdir(dir)]);
        }
    }

    fn files(&mut self, attr: &Attr<'a>, moves: &[Move]) {
        for m in moves {
            match *m {
                Move::Keep(fd) => self.add([call::keep(fd)]),
                Move::Dup { from, to } => self.add([call::dup(from, to)]),
                Move::Save { from } => self.add([call::save(from)]),
                Move::Restore { to } => self.add(call::restore(to)),
                Move::Close(fd) => self.add([call::close(fd)]),
            }
        }
        if attr.close_others {
            let named = attr.files.map_or(0, <[i32]>::len).max(STDIO);
            self.add([call::close_from(named as i32)]);
        }
    }

    /// The terminal is a descriptor of the child: after the files.
    fn terminal(&mut self, attr: &Attr<'a>) {
        match &attr.group {
            Group::Session { ctty: Some(terminal) } => self.add([call::setctty(*terminal)]),
            Group::Group { foreground: Some(terminal), .. } => {
                self.add(call::foreground(*terminal))
            }
            _ => {}
        }
    }

    fn last(&mut self, attr: &Attr<'a>, caller: Caller) {
        // After the credentials, since the kernel clears it when they change.
        if attr.pdeathsig != 0 {
            self.add([
                call::pdeathsig(attr.pdeathsig),
                call::parent_alive(caller.pid, attr.pdeathsig),
            ]);
        }
        if attr.ptrace {
            self.add([call::sigmask_traced(), call::traceme()]);
        } else {
            self.add([call::sigmask()]);
        }
    }
}

#[cfg(test)]
mod tests;
