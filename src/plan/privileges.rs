// SPDX-License-Identifier: BSD-3-Clause
//! The calls that change capabilities and securebits (capabilities(7)), around those that change the user.
//! What is not asked for has to be known all the same: capset(2) sets three sets at once. Pure.
//!
//! The order: the bounding set goes first, while CAP_SETPCAP is there. A change from user 0 to another takes
//! the permitted set away, so it is kept (PR_SET_KEEPCAPS) where anything needs it; the effective and the
//! ambient set go in any case, hence come later. With the permitted set of before, the inheritable set is
//! set, and CAP_SETPCAP made effective; then the ambient set, which wants its capabilities in both of
//! those; then securebits, one of which forbids that; and last the permitted and the effective set,
//! which cannot grow any more.

#![forbid(unsafe_code)]

use super::{call, List};
use crate::attr::{Attr, Privileges};
use crate::error::Step;
use crate::sys::Sets;

/// What is to be known of the calling thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct Capabilities {
    /// Its sets.
    pub sets: Sets,
    /// The highest capability that the kernel knows.
    pub last: u32,
    /// Its real user id.
    pub uid: u32,
    /// Whether one of its real, effective and saved user id is 0.
    pub root: bool,
}

/// CAP_SETPCAP.
const SETPCAP: u64 = 1 << 8;

/// What the child is to do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Capabilities that leave the bounding set.
    drop: u64,
    /// Keep the permitted set.
    keep: bool,
    /// What is set first, and the step to blame.
    first: Option<(Step, Sets)>,
    /// The ambient set.
    ambient: Option<u64>,
    /// Securebits.
    securebits: Option<u32>,
    /// What is set in the end.
    last: Option<Sets>,
    /// That takes away from the permitted set.
    lowers: bool,
}

impl Wanted {
    /// What `attr` asks for, of a child whose caller is so.
    pub fn of(attr: &Attr<'_>, wanted: &Privileges, caller: &Capabilities) -> Wanted {
        let known = u64::MAX >> (63 - caller.last.min(63));
        // Whoever comes into a user namespace has all of them there.
        let changes = attr.changes_user_namespace();
        let have = match changes {
            true => Sets { permitted: known, effective: known, inheritable: 0 },
            false => caller.sets,
        };
        // In a namespace nobody knows here whose the ids are: then the less of two.
        let was_root = caller.root || changes;
        let loses = match attr.credential {
            Some(credential) => was_root && credential.uid != 0,
            None => attr.resetids && was_root && caller.uid != 0,
        };

        let given = wanted.inheritable.is_some() || wanted.ambient.is_some();
        let capset = wanted.permitted.is_some() || wanted.effective.is_some();
        let has_first = given || wanted.securebits.is_some();
        let keep = loses && (has_first || capset);
        let needed = wanted.ambient.unwrap_or(0) | wanted.effective.unwrap_or(0);
        let permitted = wanted.permitted.unwrap_or(if loses { needed } else { have.permitted });
        let kept = if loses { 0 } else { have.effective & permitted };
        let inheritable = match wanted.inheritable {
            Some(inheritable) => inheritable,
            None => have.inheritable | wanted.ambient.unwrap_or(0),
        };
        let end = Sets { permitted, effective: wanted.effective.unwrap_or(kept), inheritable };

        let step = match (wanted.inheritable, wanted.ambient) {
            (Some(_), _) => Step::Inheritable,
            (None, Some(_)) => Step::Ambient,
            (None, None) => Step::Securebits,
        };
        let effective = (end.effective | SETPCAP) & have.permitted;
        let first = Sets { permitted: have.permitted, effective, inheritable };
        let first = has_first.then_some((step, first));
        let goes_back = first.is_some_and(|(_, first)| first != end);
        let last = (keep || capset || goes_back).then_some(end);
        Wanted {
            drop: wanted.bounding.map_or(0, |bounding| known & !bounding),
            keep,
            first,
            ambient: wanted.ambient,
            securebits: wanted.securebits,
            last,
            lowers: last.is_some() && have.permitted & !permitted != 0,
        }
    }

    /// Whether the child comes to permit itself less than its caller. Whoever has no more than that may trace
    /// it (ptrace(2)), so its memory must not be the caller's.
    pub fn lowers(&self) -> bool {
        self.lowers
    }
}

fn each(set: u64) -> impl Iterator<Item = i32> {
    (0..64).filter(move |capability| set.wrapping_shr(*capability as u32) & 1 != 0)
}

impl<'a> List<'_, 'a> {
    /// Before the user changes.
    #[inline(never)] // for size
    pub(super) fn privileges_before(&mut self, wanted: &Wanted) {
        for capability in each(wanted.drop) {
            self.add([call::drop_bound(capability)]);
        }
        if wanted.keep {
            self.add([call::keepcaps()]);
        }
    }

    /// And after that.
    #[inline(never)] // for size
    pub(super) fn privileges_after(&mut self, wanted: &Wanted) {
        if let Some((step, sets)) = wanted.first {
            self.add([call::capset(step, sets)]);
        }
        if let Some(ambient) = wanted.ambient {
            self.add([call::clear_ambient()]);
            for capability in each(ambient) {
                self.add([call::raise_ambient(capability)]);
            }
        }
        if let Some(bits) = wanted.securebits {
            self.add([call::securebits(bits)]);
        }
        if let Some(sets) = wanted.last {
            self.add([call::capset(Step::Permitted, sets)]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::Credential;
    use crate::plan::tests::attr;

    const ALL: u64 = (1 << 41) - 1;
    const FULL: Sets = Sets { permitted: ALL, effective: ALL, inheritable: 0 };
    const ROOT: Capabilities = Capabilities { sets: FULL, last: 40, uid: 0, root: true };
    const USER: Capabilities = Capabilities {
        sets: Sets { permitted: 0x400, effective: 0x400, inheritable: 0x400 },
        last: 40,
        uid: 1000,
        root: false,
    };

    fn of(privileges: Privileges, uid: Option<u32>, caller: &Capabilities) -> Wanted {
        let mut all = attr();
        all.credential = uid.map(|uid| Credential { uid, gid: 1, groups: None });
        Wanted::of(&all, &privileges, caller)
    }

    const NONE: Privileges = Privileges {
        bounding: None,
        inheritable: None,
        permitted: None,
        effective: None,
        ambient: None,
        securebits: None,
    };

    #[test]
    fn nothing_asked_for_is_nothing_done() {
        assert_eq!(of(NONE, Some(1000), &ROOT), Wanted::default());
        let bounding = of(Privileges { bounding: Some(!6), ..NONE }, Some(1000), &ROOT);
        assert_eq!(bounding, Wanted { drop: 6, ..Wanted::default() });
    }

    #[test]
    fn a_user_with_one_ambient_capability_has_no_other() {
        let wanted = of(Privileges { ambient: Some(0x400), ..NONE }, Some(1000), &ROOT);
        assert!(wanted.keep && wanted.lowers);
        let first = Sets { permitted: ALL, effective: SETPCAP, inheritable: 0x400 };
        assert_eq!(wanted.first, Some((Step::Ambient, first)));
        let last = Sets { permitted: 0x400, effective: 0, inheritable: 0x400 };
        assert_eq!(wanted.last, Some(last));
    }

    #[test]
    fn who_stays_keeps_what_is_not_named() {
        for (uid, caller) in [(None, ROOT), (Some(0), ROOT), (Some(1000), USER), (None, USER)] {
            let wanted = of(Privileges { ambient: Some(0x400), ..NONE }, uid, &caller);
            assert!(!wanted.keep && !wanted.lowers);
            let (_, first) = wanted.first.unwrap();
            assert_eq!(first.permitted, caller.sets.permitted);
            assert_eq!(first.effective, caller.sets.effective);
            assert_eq!(first.inheritable, 0x400);
            assert_eq!(wanted.last, None);
        }
    }

    #[test]
    fn securebits_want_their_capability_for_a_moment() {
        let caller = Capabilities { sets: Sets { effective: 0, ..FULL }, ..ROOT };
        let wanted = of(Privileges { securebits: Some(3), ..NONE }, None, &caller);
        assert_eq!(wanted.first.unwrap().0, Step::Securebits);
        assert_eq!(wanted.first.unwrap().1.effective, SETPCAP);
        assert_eq!(wanted.last.unwrap().effective, 0);
        // Who does not have it does not ask for it.
        let wanted = of(Privileges { securebits: Some(3), ..NONE }, None, &USER);
        assert_eq!(wanted.first.unwrap().1, USER.sets);
        assert_eq!(wanted.last, None);
    }

    #[test]
    fn a_permitted_set_that_lowers_and_one_that_does_not() {
        let set = |permitted| of(Privileges { permitted: Some(permitted), ..NONE }, None, &ROOT);
        assert!(set(0).lowers() && set(ALL - 1).lowers());
        assert!(!set(ALL).lowers());
        assert_eq!(set(6).last, Some(Sets { permitted: 6, effective: 6, inheritable: 0 }));
        let effective = of(Privileges { effective: Some(0), ..NONE }, None, &ROOT);
        assert!(!effective.lowers());
        assert_eq!(effective.last, Some(Sets { effective: 0, ..FULL }));
        let other = of(Privileges { effective: Some(4), ..NONE }, Some(9), &ROOT);
        assert_eq!(other.last, Some(Sets { permitted: 4, effective: 4, inheritable: 0 }));
    }

    #[test]
    fn the_first_of_a_user_namespace_has_all() {
        let privileges = Privileges { inheritable: Some(2), ..NONE };
        let mut all = attr();
        all.cloneflags = libc::CLONE_NEWUSER as u64;
        let wanted = Wanted::of(&all, &privileges, &USER);
        let first = Sets { inheritable: 2, ..FULL };
        assert_eq!(wanted.first, Some((Step::Inheritable, first)));
        assert_eq!((wanted.keep, wanted.last), (false, None));
    }
}
