// SPDX-License-Identifier: BSD-3-Clause
//! What the plan has to know of the caller's privileges, and the caller's landlock ruleset out of harm's way.

#![forbid(unsafe_code)]

use crate::attr::{Attr, Landlock, Restrictions};
use crate::error::{Error, Result, Step};
use crate::plan::{Capabilities, Wanted};
use crate::redirect::out_of_the_way;
use crate::sys::{self, Fd};
use alloc::boxed::Box;

/// Looks it up, and refuses capabilities that the kernel does not know and a ruleset that is not open.
#[inline(never)] // for size
pub fn look(attr: &Attr<'_>, restrictions: &Restrictions<'_>) -> Result<Option<Box<Wanted>>> {
    let at = |step| move |errno| Error::new(errno, step);
    if let Some(landlock) = restrictions.landlock {
        sys::check_open(landlock.fd).map_err(at(Step::Landlock))?;
    }
    let Some(wanted) = &restrictions.privileges else { return Ok(None) };
    let last = sys::last_capability().map_err(at(Step::Bounding))?;
    if wanted.named() & !(u64::MAX >> 63u32.saturating_sub(last)) != 0 {
        return Err(Error::new(libc::EINVAL, Step::Args));
    }
    let ids = sys::user_ids();
    let caller = Capabilities {
        sets: sys::capabilities().map_err(at(Step::Permitted))?,
        last,
        uid: ids.real,
        root: [ids.real, ids.effective, ids.saved].contains(&0),
    };
    Ok(Some(sys::try_box(Wanted::of(attr, wanted, &caller)).ok_or(Error::NO_MEMORY)?))
}

/// A duplicate of the descriptor of a ruleset, at a number that the child does not touch. Close-on-exec.
pub struct Spare<'a> {
    restrictions: Restrictions<'a>,
    // What they name; it lives as long as there may be a child to be made.
    _fd: Fd,
}

impl<'a> Spare<'a> {
    /// Not where there is none, or the child has it at its own number when it needs it.
    #[inline]
    pub fn is_needed(attr: &Attr<'_>) -> bool {
        attr.restrictions.is_some() && Spare::is_lost(attr)
    }

    #[inline(never)] // for size
    fn is_lost(attr: &Attr<'_>) -> bool {
        attr.landlock().is_some_and(|fd| attr.loses(fd))
    }

    /// Of an `attr` with a ruleset.
    #[inline(never)] // for size
    pub fn of(attr: &Attr<'a>) -> Result<Spare<'a>> {
        let restrictions = attr.restrictions.copied().unwrap_or_default();
        let Landlock { fd, flags } = restrictions.landlock.unwrap_or(Landlock { fd: -1, flags: 0 });
        let ours = sys::dup(fd).and_then(|fd| out_of_the_way(fd, attr));
        let ours = ours.map_err(|errno| Error::new(errno, Step::Landlock))?;
        let landlock = Some(Landlock { fd: ours.number(), flags });
        Ok(Spare { restrictions: Restrictions { landlock, ..restrictions }, _fd: ours })
    }

    /// `attr` with it.
    pub fn attr<'b>(&'b self, attr: &Attr<'b>) -> Attr<'b> {
        Attr { restrictions: Some(&self.restrictions), ..*attr }
    }
}
