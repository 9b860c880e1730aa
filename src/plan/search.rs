// SPDX-License-Identifier: BSD-3-Clause
//! The candidates for exec: the path itself, or one for each directory of PATH.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use alloc::vec::Vec;
use core::ffi::CStr;

/// What execvp(3) of the C library falls back to, less the working directory.
const DEFAULT_PATH: &CStr = c"/bin:/usr/bin";

/// The candidates, in the order in which they are tried.
#[derive(Debug)]
pub enum Candidates<'a> {
    /// Just this one.
    One(&'a CStr),
    /// Strings, one after the other, each with its NUL.
    Many(Vec<u8>),
}

impl<'a> Candidates<'a> {
    /// `path` alone.
    pub fn one(path: &'a CStr) -> Candidates<'a> {
        Candidates::One(path)
    }

    /// `path` in every directory of `variable`, unless it has a slash or is empty.
    pub fn search(path: &'a CStr, variable: Option<&CStr>) -> Result<Candidates<'a>> {
        let name = path.to_bytes();
        if name.is_empty() || name.contains(&b'/') {
            return Ok(Candidates::One(path));
        }
        let variable = variable.unwrap_or(DEFAULT_PATH).to_bytes();
        let elements = || variable.split(|byte| *byte == b':');
        // A slash and a NUL for each.
        let each = name.len().saturating_add(2);
        let size = elements().count().saturating_mul(each).saturating_add(variable.len());
        let mut strings = Vec::new();
        strings.try_reserve_exact(size).map_err(|_| Error::NO_MEMORY)?;
        for element in elements() {
            // An empty element is the working directory: the name alone.
            if !element.is_empty() {
                strings.extend_from_slice(element);
                strings.push(b'/');
            }
            strings.extend_from_slice(name);
            strings.push(0);
        }
        Ok(Candidates::Many(strings))
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// Each with its index: that of the element of PATH, or -1.
    pub fn iter(&self) -> impl Iterator<Item = (i32, &CStr)> {
        let (one, many) = match self {
            Candidates::One(path) => (Some((-1, *path)), &[][..]),
            Candidates::Many(strings) => (None, &strings[..]),
        };
        let many = many.split_inclusive(|byte| *byte == 0);
        one.into_iter().chain((0..).zip(many.filter_map(|s| CStr::from_bytes_with_nul(s).ok())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(path: &CStr, variable: Option<&CStr>) -> Vec<(i32, String)> {
        let candidates = Candidates::search(path, variable).unwrap();
        assert_eq!(candidates.count(), candidates.iter().count());
        candidates.iter().map(|(i, s)| (i, s.to_str().unwrap().to_owned())).collect()
    }

    fn list(strings: &[&str]) -> Vec<(i32, String)> {
        (0..).zip(strings.iter().map(|s| s.to_string())).collect()
    }

    #[test]
    fn each_element_in_its_order() {
        assert_eq!(candidates(c"ls", Some(c"/a:/b/")), list(&["/a/ls", "/b//ls"]));
        assert_eq!(candidates(c"ls", Some(c":rel::")), list(&["ls", "rel/ls", "ls", "ls"]));
        assert_eq!(candidates(c"ls", Some(c"")), list(&["ls"]));
        assert_eq!(candidates(c"ls", None), list(&["/bin/ls", "/usr/bin/ls"]));
    }

    #[test]
    fn no_search_with_a_slash_or_without_a_name() {
        assert_eq!(candidates(c"./ls", Some(c"/a")), [(-1, "./ls".to_owned())]);
        assert_eq!(candidates(c"", Some(c"/a")), [(-1, String::new())]);
    }
}
