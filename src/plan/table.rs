// SPDX-License-Identifier: BSD-3-Clause
//! How much of the caller's descriptor table the child takes over, where it closes the others anyway.
//! A clone copies the whole table, and exec closes the copies: 77 microseconds for each 1000
//! descriptors. A child that first shares the table (CLONE_FILES) and then asks for one of its own up
//! to a number (CLOSE_RANGE_UNSHARE of close_range(2)) has copied no more than that: at 19,000 open
//! descriptors a spawn takes 80 microseconds and not 1,550. Pure.

#![forbid(unsafe_code)]

use crate::attr::Attr;
use crate::error::{Error, Result};
use crate::list::{count, Reserved};
use crate::remap::STDIO;
use alloc::vec::Vec;

/// What the child takes over.
#[derive(Debug, PartialEq, Eq)]
pub struct Table {
    /// All below this number, and nothing else.
    pub below: i32,
    /// Of `files`, where each is by then.
    pub files: Option<Vec<i32>>,
    /// Where the descriptor is by then that exec needs.
    pub execfd: Option<i32>,
    /// And that of the landlock ruleset.
    pub landlock: Option<i32>,
    /// The caller's descriptors that the child fetches one by one. The first comes to the number
    /// `below` + 1, and so on.
    pub fetched: Vec<i32>,
    /// The process to fetch them from.
    pub caller: i32,
}

/// The kernel copies in words of that many.
const WORD: i32 = 64;

impl Table {
    /// None where the child needs the whole. `fetch_from` gives the process that descriptors can be had
    /// from with pidfd_getfd(2), if so.
    pub fn of(attr: &Attr<'_>, fetch_from: impl FnOnce() -> Option<i32>) -> Result<Option<Table>> {
        // A pidfd would be in the table already, and an action could find it open.
        let needs_more = attr.namespaces.is_some() || attr.enters_cgroup.is_some();
        if !attr.close_others || attr.pidfd && !attr.actions.is_empty() || needs_more {
            return Ok(None);
        }
        let named = attr.above_all_named().max(STDIO as i32);
        let low = (named / WORD).saturating_add(1).saturating_mul(WORD);
        let sources = || {
            let ours = [attr.program.fd(), attr.landlock()].into_iter().flatten();
            attr.files.unwrap_or(&[]).iter().copied().chain(ours)
        };
        let highest = sources().max().unwrap_or(0);
        let caller = if highest < low { None } else { fetch_from() };
        let mut table = Table {
            below: if caller.is_some() { low } else { low.max(highest.saturating_add(1)) },
            files: None,
            execfd: attr.program.fd(),
            landlock: attr.landlock(),
            fetched: Vec::new(),
            caller: caller.unwrap_or(0),
        };
        let high = count(sources().filter(|fd| *fd >= table.below));
        if high == 0 {
            return Ok(Some(table));
        }
        let no_memory = |_| Error::NO_MEMORY;
        table.fetched.try_reserve_exact(high).map_err(no_memory)?;
        if let Some(execfd) = attr.program.fd() {
            table.execfd = Some(table.place_of(execfd)?);
        }
        if let Some(landlock) = attr.landlock() {
            table.landlock = Some(table.place_of(landlock)?);
        }
        if let Some(files) = attr.files {
            let mut places = Vec::new();
            places.try_reserve_exact(files.len()).map_err(no_memory)?;
            for fd in files {
                places.put(table.place_of(*fd)?)?;
            }
            table.files = Some(places);
        }
        Ok(Some(table))
    }

    /// Where the caller's `fd` will be.
    fn place_of(&mut self, fd: i32) -> Result<i32> {
        if fd < self.below {
            return Ok(fd);
        }
        let known = self.fetched.iter().position(|fetched| *fetched == fd);
        let at = known.unwrap_or(self.fetched.len());
        if known.is_none() {
            self.fetched.put(fd)?;
        }
        Ok(self.below.saturating_add(1).saturating_add(at as i32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{Action, Program};
    use crate::plan::tests::attr;

    fn table(files: &[i32], actions: &[Action<'_>], execfd: Option<i32>, may: bool) -> Table {
        let mut all = attr();
        (all.files, all.actions, all.close_others) = (Some(files), actions, true);
        if let Some(fd) = execfd {
            all.program = Program::Fd(fd);
        }
        Table::of(&all, || may.then_some(77)).unwrap().unwrap()
    }

    #[test]
    fn no_more_than_what_is_named() {
        for may in [false, true] {
            assert_eq!(table(&[0, 1, 2], &[], None, may).below, 64);
            assert_eq!(table(&[63, 1, 2], &[], Some(5), may).below, 64);
            assert_eq!(table(&[0, 1], &[Action::Fchdir(64)], None, may).below, 128);
            assert_eq!(table(&[0, 1], &[Action::Closefrom(63)], None, may).below, 128);
            assert!(table(&[0, 1, 2], &[], None, may).fetched.is_empty());
        }
        assert_eq!(table(&[0, 200, 1], &[], None, false).below, 201);
        assert_eq!(table(&[0, 1], &[], Some(300), false).below, 301);
    }

    #[test]
    fn what_is_high_is_fetched_once() {
        let table = table(&[900, 1, -1, 64, 900], &[], Some(901), true);
        assert_eq!(table.below, 64);
        assert_eq!(table.fetched, [901, 900, 64]);
        assert_eq!(table.files.unwrap(), [66, 1, -1, 67, 66]);
        assert_eq!(table.execfd, Some(65));
        assert_eq!(table.caller, 77);
    }

    #[test]
    fn the_whole_for_who_does_not_close_or_could_find_the_pidfd() {
        let mut all = attr();
        assert_eq!(Table::of(&all, || None).unwrap(), None);
        all.close_others = true;
        all.pidfd = true;
        assert!(Table::of(&all, || None).unwrap().is_some());
        all.actions = &[Action::Fchdir(5)];
        assert_eq!(Table::of(&all, || None).unwrap(), None);
    }
}
