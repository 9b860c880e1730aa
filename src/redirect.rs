// SPDX-License-Identifier: BSD-3-Clause
//! From the list of files that is wanted to a list of plain descriptors: pipes, /dev/null, data, files
//! that the child opens, and duplicates of each other.
//!
//! What is made for it here is close-on-exec and owned: nothing is left of a spawn that fails, and
//! the child's part is closed as soon as there is a child. A list of plain descriptors never comes
//! further than the first look.

#![forbid(unsafe_code)]

use crate::attr::Attr;
use crate::error::{Error, Result, Step};
use crate::list::{count, filled, Reserved};
use crate::sys::{self, Errno, Fd};
use alloc::vec::Vec;
use core::ffi::CStr;

/// The numbers of the list that are no descriptors. C has them too, as macros.
pub const FROM_PIPE: i32 = -2;
/// As FROM_PIPE.
pub const TO_PIPE: i32 = -3;
/// As FROM_PIPE.
pub const NULL: i32 = -4;
/// As FROM_PIPE.
pub const TERMINAL: i32 = -5;
/// Less n, as the next.
pub const SAME_AS: i32 = -RANGE;
/// Less k: the two ranges lie below each other.
pub const REDIRECT: i32 = -2 * RANGE;
const RANGE: i32 = 0x1000_0000;

/// An element of the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Closed,
    Fd(i32),
    FromPipe,
    ToPipe,
    Null,
    Terminal,
    SameAs(usize),
    Redirect(usize),
}

impl Wanted {
    fn of(number: i32) -> Option<Wanted> {
        let below = |start: i32| {
            let n = start.checked_sub(number)?;
            (0..RANGE).contains(&n).then_some(n as usize)
        };
        match number {
            0.. => Some(Wanted::Fd(number)),
            -1 => Some(Wanted::Closed),
            FROM_PIPE => Some(Wanted::FromPipe),
            TO_PIPE => Some(Wanted::ToPipe),
            NULL => Some(Wanted::Null),
            TERMINAL => Some(Wanted::Terminal),
            _ => {
                below(SAME_AS).map(Wanted::SameAs).or_else(|| below(REDIRECT).map(Wanted::Redirect))
            }
        }
    }
}

/// Whether the number of the list stands for the redirection `k`.
pub fn is_redirect(file: i32, k: usize) -> bool {
    Wanted::of(file) == Some(Wanted::Redirect(k))
}

/// What a descriptor of the child is made of.
#[derive(Clone, Copy, Debug)]
pub enum Redirect<'a> {
    /// A file that the child opens.
    Open {
        /// The file.
        path: &'a CStr,
        /// Of open(2).
        flags: i32,
        /// Of open(2).
        mode: u32,
    },
    /// A file with these contents.
    Data(&'a [u8]),
}

/// What the child does when its plain descriptors are in their places, in this order.
#[derive(Clone, Copy, Debug)]
pub enum Opened<'a> {
    /// open(2) to `to`.
    File {
        /// The descriptor.
        to: i32,
        /// The file.
        path: &'a CStr,
        /// Of open(2).
        flags: i32,
        /// Of open(2).
        mode: u32,
    },
    /// dup2(2) of one that was opened so.
    Same {
        /// The source.
        from: i32,
        /// The target.
        to: i32,
    },
}

/// What the caller gets in hand.
#[derive(Debug, Default)]
pub struct Ends {
    /// His ends of pipes, each with the child's descriptor that is at the other end.
    pub pipes: Vec<(usize, Fd)>,
    /// The child's own cgroup.
    pub cgroup: Option<Fd>,
    /// The other end of its terminal.
    pub pty: Option<Fd>,
}

/// A list that has become plain.
#[derive(Debug)]
pub struct Made<'a> {
    files: Vec<i32>,
    opened: Vec<Opened<'a>>,
    /// The child's. To be dropped when it has them.
    held: Vec<Fd>,
    null: Option<i32>,
    terminal: Option<i32>,
    /// The caller's.
    pub ends: Ends,
}

/// Whether there is nothing to be made: the list has descriptors in it alone, and no cgroup is to be handed over.
pub fn is_plain(attr: &Attr<'_>) -> bool {
    !attr.own_cgroup && attr.files.unwrap_or_default().iter().all(|file| *file >= -1)
}

/// Refuses what names nothing.
pub fn check(attr: &Attr<'_>) -> Result<()> {
    if is_plain(attr) {
        return Ok(());
    }
    let files = attr.files.unwrap_or_default();
    if attr.terminal.is_none() {
        if let Some(index) = files.iter().position(|file| *file == TERMINAL) {
            return Err(Error::at(libc::EINVAL, Step::Args, index as i32));
        }
    }
    roots(files, attr.redirects.len()).map(drop)
}

/// Whether the element names what is there.
fn is_valid(files: &[i32], redirects: usize, file: i32) -> bool {
    match Wanted::of(file) {
        Some(Wanted::SameAs(n)) => files.get(n).is_some_and(|file| *file != -1),
        Some(Wanted::Redirect(k)) => k < redirects,
        wanted => wanted.is_some(),
    }
}

/// For each element the one that it is a duplicate of in the end, which may be itself.
fn roots(files: &[i32], redirects: usize) -> Result<Vec<usize>> {
    let invalid = |index: usize| Error::at(libc::EINVAL, Step::Args, index as i32);
    if let Some(index) = files.iter().position(|file| !is_valid(files, redirects, *file)) {
        return Err(invalid(index));
    }
    let next = |at: usize| match files.get(at).copied().and_then(Wanted::of) {
        Some(Wanted::SameAs(n)) => Some(n),
        _ => None,
    };
    const UNKNOWN: usize = usize::MAX;
    let mut roots = filled(files.len(), UNKNOWN)?;
    for start in 0..files.len() {
        let (mut root, mut steps) = (start, 0);
        while let Some(further) = next(root) {
            steps += 1;
            if steps > files.len() {
                // Round in a circle.
                return Err(invalid(start));
            }
            root = match roots.get(further) {
                Some(known) if *known != UNKNOWN => *known,
                _ => further,
            };
        }
        // Once more: whoever comes this way later need not go all of it.
        let mut at = start;
        while let Some(place) = roots.get_mut(at).filter(|place| **place == UNKNOWN) {
            *place = root;
            at = next(at).unwrap_or(at);
        }
    }
    Ok(roots)
}

/// Makes what the list wants. `attr` has passed its check, and its descriptors are known to be open: what
/// is made here takes the numbers of those that are not.
#[inline(never)] // for size
pub fn make<'a>(attr: &Attr<'a>) -> Result<Made<'a>> {
    let wanted = attr.files.unwrap_or_default();
    let roots = roots(wanted, attr.redirects.len())?;
    let count = count(wanted.iter().filter(|file| **file < -1));
    let mut made = Made {
        files: Vec::new(),
        opened: Vec::new(),
        held: Vec::new(),
        null: None,
        terminal: None,
        ends: Ends::default(),
    };
    let enough = made.files.try_reserve_exact(wanted.len()).is_ok()
        && made.opened.try_reserve_exact(count).is_ok()
        && made.held.try_reserve_exact(count).is_ok()
        && made.ends.pipes.try_reserve_exact(count).is_ok();
    if !enough {
        return Err(Error::NO_MEMORY);
    }
    if let Some(cgroup) = attr.cgroup.filter(|_| attr.own_cgroup) {
        let ours = sys::dup(cgroup).and_then(|fd| out_of_the_way(fd, attr));
        made.ends.cgroup = Some(ours.map_err(|errno| Error::new(errno, Step::Cgroup))?);
    }
    if let Some(size) = attr.terminal {
        made.terminal(attr, size).map_err(|errno| Error::new(errno, Step::Pty))?;
    }
    for (to, file) in wanted.iter().enumerate() {
        let fd =
            made.one(attr, to, *file).map_err(|errno| Error::at(errno, Step::Files, to as i32))?;
        made.files.put(fd)?;
    }
    for (to, root) in (0..roots.len()).zip(&roots).filter(|(to, root)| to != *root) {
        let fd = made.files.get(*root).copied().unwrap_or(-1);
        if fd < 0 {
            // Not there before the child opens it.
            made.opened.put(Opened::Same { from: *root as i32, to: to as i32 })?;
        }
        if let Some(place) = made.files.get_mut(to) {
            *place = fd;
        }
    }
    Ok(made)
}

impl<'a> Made<'a> {
    /// The descriptor that becomes the child's `to`; -1 where there is none yet.
    fn one(&mut self, attr: &Attr<'a>, to: usize, file: i32) -> core::result::Result<i32, Errno> {
        match Wanted::of(file) {
            Some(Wanted::Fd(fd)) => Ok(fd),
            Some(Wanted::FromPipe) => {
                let (read, write) = sys::pipe()?;
                self.pipe(attr, to, write, read)
            }
            Some(Wanted::ToPipe) => {
                let (read, write) = sys::pipe()?;
                self.pipe(attr, to, read, write)
            }
            Some(Wanted::Null) => {
                if let Some(null) = self.null {
                    return Ok(null);
                }
                let null = self.hold(attr, sys::open(c"/dev/null", libc::O_RDWR)?)?;
                self.null = Some(null);
                Ok(null)
            }
            Some(Wanted::Terminal) => Ok(self.terminal.unwrap_or(-1)),
            Some(Wanted::Redirect(k)) => match attr.redirects.get(k) {
                Some(Redirect::Data(bytes)) => {
                    let file = sys::sealed_file(bytes)?;
                    self.hold(attr, file)
                }
                Some(Redirect::Open { path, flags, mode }) => {
                    let (flags, mode) = (*flags, *mode);
                    let file = Opened::File { to: to as i32, path, flags, mode };
                    self.opened.put(file)?;
                    Ok(-1)
                }
                None => Ok(-1),
            },
            Some(Wanted::Closed | Wanted::SameAs(_)) | None => Ok(-1),
        }
    }

    fn pipe(
        &mut self,
        attr: &Attr<'_>,
        to: usize,
        ours: Fd,
        theirs: Fd,
    ) -> core::result::Result<i32, Errno> {
        self.ends.pipes.put((to, out_of_the_way(ours, attr)?))?;
        self.hold(attr, theirs)
    }

    fn terminal(
        &mut self,
        attr: &Attr<'_>,
        size: &libc::winsize,
    ) -> core::result::Result<(), Errno> {
        let (ours, theirs) = sys::new_terminal(size)?;
        if let Some(credential) = attr.credential.filter(|_| !attr.new_user()) {
            match sys::give_away(&theirs, credential.uid) {
                // It works all the same, but for who opens it by its name.
                Ok(()) | Err(libc::EPERM) => {}
                Err(errno) => return Err(errno),
            }
        }
        self.ends.pty = Some(out_of_the_way(ours, attr)?);
        self.terminal = Some(self.hold(attr, theirs)?);
        Ok(())
    }

    fn hold(&mut self, attr: &Attr<'_>, fd: Fd) -> core::result::Result<i32, Errno> {
        let fd = out_of_the_way(fd, attr)?;
        let number = fd.number();
        self.held.put(fd)?;
        Ok(number)
    }

    /// `attr` with the plain list.
    #[inline(never)] // for size
    pub fn attr<'b>(&'b self, attr: &Attr<'b>) -> Attr<'b> {
        Attr {
            files: attr.files.map(|_| &self.files[..]),
            opened: &self.opened,
            redirects: &[],
            ..*attr
        }
    }
}

/// A descriptor of our own at a number that the files and the actions leave alone, and that they do not
/// find open where the caller has it closed.
pub fn out_of_the_way(mut fd: Fd, attr: &Attr<'_>) -> core::result::Result<Fd, Errno> {
    while attr.names(fd.number()) {
        // The one that it had is given back with the next, so the search goes upwards.
        let least = fd.number().saturating_add(1).max(attr.end_of_files());
        // EINVAL: they reach to the limit.
        fd = sys::dup_at_least(&fd, least).map_err(|errno| {
            if errno == libc::EINVAL {
                libc::EMFILE
            } else {
                errno
            }
        })?;
    }
    Ok(fd)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[i32]) -> core::result::Result<Vec<usize>, i32> {
        roots(files, 2).map_err(|error| {
            assert_eq!((error.errno, error.step), (libc::EINVAL, Step::Args));
            error.index
        })
    }

    const fn same(n: i32) -> i32 {
        SAME_AS - n
    }

    #[test]
    fn no_number_has_two_meanings() {
        assert_eq!(Wanted::of(i32::MAX), Some(Wanted::Fd(i32::MAX)));
        assert_eq!(Wanted::of(-6), None);
        assert_eq!(Wanted::of(SAME_AS + 1), None);
        assert_eq!(Wanted::of(same(0)), Some(Wanted::SameAs(0)));
        assert_eq!(Wanted::of(same(RANGE - 1)), Some(Wanted::SameAs(RANGE as usize - 1)));
        assert_eq!(Wanted::of(REDIRECT), Some(Wanted::Redirect(0)));
        assert_eq!(Wanted::of(REDIRECT - RANGE), None);
        assert_eq!(Wanted::of(i32::MIN), None);
    }

    #[test]
    fn duplicates_of_duplicates() {
        assert_eq!(of(&[7, -1, 7]), Ok(vec![0, 1, 2]));
        assert_eq!(of(&[same(2), same(0), NULL, same(1)]), Ok(vec![2, 2, 2, 2]));
        assert_eq!(of(&[TO_PIPE, same(0), same(1), REDIRECT - 1]), Ok(vec![0, 0, 0, 3]));
        // Miri is a thousand times slower.
        let count: i32 = if cfg!(miri) { 100 } else { 100_000 };
        let mut long: Vec<i32> = (1..count).map(same).collect();
        long.push(5);
        assert_eq!(of(&long), Ok(vec![count as usize - 1; count as usize]));
        *long.last_mut().unwrap() = same(0);
        assert_eq!(of(&long), Err(0));
    }

    #[test]
    fn what_names_nothing() {
        assert_eq!(of(&[0, same(1)]), Err(1));
        assert_eq!(of(&[0, same(3), 5]), Err(1));
        assert_eq!(of(&[same(1), same(3), 5]), Err(1));
        assert_eq!(of(&[0, -1, same(1)]), Err(2));
        assert_eq!(of(&[same(2), same(0), -1]), Err(0));
        assert_eq!(of(&[same(1), same(2), -1]), Err(1));
        assert_eq!(of(&[-1, same(0), same(1)]), Err(1));
        assert_eq!(of(&[0, same(2), same(1)]), Err(1));
        assert_eq!(of(&[0, same(2), same(2)]), Err(1));
        assert_eq!(of(&[0, REDIRECT - 2]), Err(1));
        assert_eq!(of(&[0, 1, -6]), Err(2));
    }
}
