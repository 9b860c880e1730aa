// SPDX-License-Identifier: BSD-3-Clause
//! The candidates for exec: the path itself, or one for each directory of PATH; and the arguments of
//! the shell that is to run one which is no program.

#![forbid(unsafe_code)]

use crate::attr::{Attr, CStrArray, Program};
use crate::error::{Error, Result};
use crate::list::{count, numbers, Reserved};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::sync::atomic::AtomicUsize;

/// What execvp(3) of the C library falls back to, less the working directory.
const DEFAULT_PATH: &CStr = c"/bin:/usr/bin";

/// The candidates, in the order in which they are tried.
#[derive(Debug, Default)]
pub struct Candidates<'a> {
    paths: Paths<'a>,
    shell_argv: Vec<AtomicUsize>,
}

#[derive(Debug, Default)]
enum Paths<'a> {
    /// None: the program is open.
    #[default]
    None,
    /// Just this one.
    One(&'a CStr),
    /// Strings, one after the other, each with its NUL.
    Many(Vec<u8>),
}

impl<'a> Candidates<'a> {
    /// Those for `attr`; `variable` looks up the caller's PATH.
    pub fn of(
        attr: &Attr<'a>,
        variable: impl FnOnce() -> Option<&'a CStr>,
    ) -> Result<Candidates<'a>> {
        let paths = match attr.program {
            Program::Path(path) => Paths::One(path),
            Program::Search { name, list } => Paths::search(name, list.or_else(variable))?,
            Program::Fd(_) | Program::At { .. } => Paths::None,
        };
        let shell_argv = if attr.shell_fallback { shell_argv(attr.argv)? } else { Vec::new() };
        Ok(Candidates { paths, shell_argv })
    }

    /// Gives each with its index: that of the element of PATH, or -1. No iterator of both kinds: that takes 110 instructions
    /// more than the 2,800 of a default spawn (c-tests/instructions.c).
    pub fn each<'b>(&'b self, mut give: impl FnMut(i32, &'b CStr)) {
        match &self.paths {
            Paths::None => {}
            Paths::One(path) => give(-1, path),
            Paths::Many(strings) => {
                let strings = strings.split_inclusive(|byte| *byte == 0);
                for (index, string) in numbers().zip(strings) {
                    if let Ok(path) = CStr::from_bytes_with_nul(string) {
                        give(index, path);
                    }
                }
            }
        }
    }

    /// The arguments of the shell; None where there is no fallback to it.
    pub fn shell_argv(&self) -> Option<&[AtomicUsize]> {
        (!self.shell_argv.is_empty()).then_some(&self.shell_argv)
    }
}

impl<'a> Paths<'a> {
    /// `path` in every directory of `list`, unless it has a slash or is empty.
    fn search(path: &'a CStr, list: Option<&CStr>) -> Result<Paths<'a>> {
        let name = path.to_bytes();
        if name.is_empty() || name.contains(&b'/') {
            return Ok(Paths::One(path));
        }
        let list = list.unwrap_or(DEFAULT_PATH).to_bytes();
        let elements = || list.split(|byte| *byte == b':');
        // A slash and a NUL for each.
        let each = name.len().saturating_add(2);
        let size = count(elements()).saturating_mul(each).saturating_add(list.len());
        let mut strings = Vec::new();
        strings.try_reserve_exact(size).map_err(|_| Error::NO_MEMORY)?;
        for element in elements() {
            // An empty element is the working directory: the name alone.
            if !element.is_empty() {
                strings.put_all(element)?;
                strings.put(b'/')?;
            }
            strings.put_all(name)?;
            strings.put(0)?;
        }
        Ok(Paths::Many(strings))
    }
}

/// The arguments with which the shell runs a script, as POSIX has it for execvp: argv[0], the script
/// (which the child fills in), argv[1] and so on.
fn shell_argv(argv: CStrArray<'_>) -> Result<Vec<AtomicUsize>> {
    let count = count(argv.addresses());
    let mut words = Vec::new();
    // The script and the NULL.
    words.try_reserve_exact(count.saturating_add(2)).map_err(|_| Error::NO_MEMORY)?;
    let first = argv.addresses().take(1);
    let rest = argv.addresses().skip(1);
    for word in first.chain([0]).chain(rest).chain([0]) {
        words.put(AtomicUsize::new(word))?;
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(path: &CStr, list: Option<&CStr>) -> Vec<(i32, String)> {
        let paths = Paths::search(path, list).unwrap();
        let candidates = Candidates { paths, shell_argv: Vec::new() };
        let mut all = Vec::new();
        candidates.each(|i, s| all.push((i, s.to_str().unwrap().to_owned())));
        all
    }

    fn list(strings: &[&str]) -> Vec<(i32, String)> {
        numbers().zip(strings.iter().map(|s| s.to_string())).collect()
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
    #[test]
    fn the_shell_gets_the_script_second() {
        let text: Vec<&CStr> = vec![c"name", c"one", c"two"];
        let pointers = |take: usize| {
            let some = text.iter().take(take).map(|s| s.as_ptr().cast_mut());
            some.chain([core::ptr::null_mut()]).collect::<Vec<_>>()
        };
        for count in 0..4 {
            let argv = pointers(count);
            let words = shell_argv(crate::sys::c_str_array_for_tests(&argv)).unwrap();
            let words: Vec<usize> = words.into_iter().map(AtomicUsize::into_inner).collect();
            let mut wanted: Vec<usize> = argv.iter().map(|s| *s as usize).collect();
            wanted.insert(count.min(1), 0);
            assert_eq!(words, wanted);
        }
    }
}
