// SPDX-License-Identifier: BSD-3-Clause
//! Which way: the cheapest that is correct, or the one that is asked for. Pure.

#![forbid(unsafe_code)]

use crate::attr::{Attr, Namespaces, Way, CLONE_NEWTIME};
use crate::error::{Error, Result, Step};
use crate::launch::kernel::Memory;
use crate::sys::Ids;

/// What the attributes ask of the way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The parent must act while the child waits.
    pub maps: bool,
    /// Memory must not be shared with the child.
    pub own_memory: bool,
    /// Nor with one whose parent runs beside it.
    pub own_memory_beside: bool,
    /// It may be shared until the credentials change.
    pub own_memory_later: bool,
}

impl Needs {
    /// `ids` looks up the user's and the group's of the calling thread; `lowers`: the child permits itself less than that.
    pub fn of(attr: &Attr<'_>, ids: impl Fn() -> (Ids, Ids), lowers: bool) -> Needs {
        // A change of ids makes the kernel mark the memory undumpable, shared or not. The owner of
        // a user namespace may trace all in it, and so read what they share. A new time namespace
        // cannot be entered with shared memory.
        let namespaces = attr.new_user()
            || attr.cloneflags & CLONE_NEWTIME != 0
            || attr.namespaces.is_some_and(Namespaces::need_own_memory);
        let own_memory = namespaces
            || lowers
            // Not the effective ids alone, by which the kernel goes: whoever has the new ids may trace the child,
            // and so read what it shares with a caller that can have others again.
            || attr.credential.is_some_and(|new| {
                let (users, groups) = ids();
                users.differ_from(new.uid) || groups.differ_from(new.gid)
            })
            || attr.resetids && {
                let (users, groups) = ids();
                [users, groups].into_iter().any(|ids| {
                    ids.real != ids.effective || ids.real != ids.files
                })
            };
        // Out of memory, a cgroup kills all who share that of its victim, but for a parent in vfork; and
        // all who share memory with it get what a child writes to its oom_score_adj, likewise. And what is
        // set from outside for one that is suspended may be the memory's.
        let scores = attr.limits.is_some_and(|limits| limits.oom_score_adj.is_some());
        let own_memory_beside = own_memory || attr.cgroup.is_some() || attr.suspend || scores;
        let own_memory_later = !namespaces;
        Needs { maps: attr.maps.any(), own_memory, own_memory_beside, own_memory_later }
    }
}

/// The step before which a child with memory of its own hides what it has of its caller's, a copy of that memory and
/// all descriptors: from there on others may trace it than those who may trace the caller. None: nobody may.
#[inline(never)] // for size
pub fn hides(attr: &Attr<'_>, lowers: bool) -> Option<Step> {
    if attr.namespaces.is_some_and(Namespaces::enter_user) {
        Some(Step::Setns)
    // Not where the maps are yet to come from outside: their files are the user's only while it is dumpable.
    } else if attr.new_user() && (attr.maps.any() || !attr.suspend) {
        Some(Step::Unshare)
    } else if lowers {
        Some(Step::Permitted)
    } else {
        // FE_RESETIDS changes the effective ids or those for files, and by that the kernel does it.
        attr.credential.map(|_| Step::Setuid)
    }
}

/// The way to try first. One that is asked for but would do harm, or cannot work, is EINVAL.
pub fn choose(asked: Option<Way>, needs: Needs, memory: Memory) -> Result<Way> {
    let allowed = |way| match way {
        Way::Shared => !needs.maps && !needs.own_memory,
        Way::Copy => !needs.maps,
        Way::Piped => true,
        // Only for who does not wait: `choose_beside`.
        Way::Concurrent => false,
        // `stages`.
        Way::Staged => false,
    };
    if let Some(way) = asked {
        return match (allowed(way), way, memory) {
            (false, ..) => Err(Error::new(libc::EINVAL, Step::Args)),
            // It would be a copy all the same, but with its record where the child can't write it.
            (true, Way::Shared, Memory::Copied) => Ok(Way::Copy),
            (true, way, _) => Ok(way),
        };
    }
    let first = match memory {
        Memory::Unknown | Memory::Shared => Way::Shared,
        Memory::Copied => Way::Copy,
        Memory::NotSuspended => Way::Piped,
    };
    Ok([first, Way::Copy].into_iter().find(|way| allowed(*way)).unwrap_or(Way::Piped))
}

/// Whether to try the staged way first. `can_do`: it does for these attributes; asked for and not so is
/// EINVAL. It gains nothing where memory can be shared to the end.
pub fn stages(asked: Option<Way>, needs: Needs, can_do: bool) -> Result<bool> {
    let can_do = can_do && needs.own_memory_later && !needs.maps;
    match asked {
        None => Ok(can_do && needs.own_memory),
        Some(Way::Staged) if can_do => Ok(true),
        Some(Way::Staged) => Err(Error::new(libc::EINVAL, Step::Args)),
        Some(_) => Ok(false),
    }
}

/// The way of a child that its parent does not wait for, or not for ever. The others suspend it.
/// `knows`, asked only where it matters: the kernel has been seen to share memory, and clone3(2) has
/// not been refused.
pub fn choose_beside(
    asked: Option<Way>,
    needs: Needs,
    traced: bool,
    knows: impl FnOnce() -> bool,
) -> Result<Way> {
    // PTRACE_TRACEME is of the thread that waits.
    let shares = !needs.maps && !needs.own_memory_beside && !traced;
    match asked {
        // As with the shared way: where memory is not shared, a copy.
        None | Some(Way::Concurrent) if shares => {
            Ok(if knows() { Way::Concurrent } else { Way::Piped })
        }
        None | Some(Way::Piped) => Ok(Way::Piped),
        Some(_) => Err(Error::new(libc::EINVAL, Step::Args)),
    }
}

/// The way to try after `way` was refused by the kernel or a filter with `error`: one that asks
/// less of clone.
pub fn after_refusal(asked: Option<Way>, way: Way, error: &Error) -> Option<Way> {
    let refused = error.step == Step::Clone
        && matches!(error.errno, libc::EINVAL | libc::EPERM | libc::ENOSYS);
    match (asked, refused, way) {
        (None, true, Way::Shared) => Some(Way::Copy),
        (None, true, Way::Copy) => Some(Way::Piped),
        _ => None,
    }
}

/// Whether a spawn that failed so got no further than to its clone.
pub fn made_no_child(error: &Error) -> bool {
    matches!(error.step, Step::Memory | Step::Pipe | Step::Clone | Step::Pidfd)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Needs =
        Needs { maps: false, own_memory: false, own_memory_beside: false, own_memory_later: true };
    const OWN: Needs = Needs { own_memory: true, own_memory_beside: true, ..PLAIN };
    const MAPS: Needs = Needs { maps: true, own_memory_later: false, ..OWN };

    #[test]
    fn a_stage_is_for_other_credentials() {
        let auto = |needs, can_do| stages(None, needs, can_do).unwrap();
        assert!(auto(OWN, true) && !auto(OWN, false) && !auto(PLAIN, true) && !auto(MAPS, true));
        let user = Needs { own_memory_later: false, ..OWN };
        assert!(!auto(user, true));
        let asked = |needs, can_do| stages(Some(Way::Staged), needs, can_do).ok();
        assert_eq!((asked(OWN, true), asked(PLAIN, true)), (Some(true), Some(true)));
        assert_eq!((asked(OWN, false), asked(MAPS, true), asked(user, true)), (None, None, None));
        assert_eq!(stages(Some(Way::Copy), OWN, true), Ok(false));
    }

    #[test]
    fn the_cheapest_that_is_correct() {
        use Memory::*;
        let auto = |needs, memory| choose(None, needs, memory).unwrap();
        for (memory, plain, own) in [
            (Unknown, Way::Shared, Way::Copy),
            (Shared, Way::Shared, Way::Copy),
            (Copied, Way::Copy, Way::Copy),
            (NotSuspended, Way::Piped, Way::Piped),
        ] {
            assert_eq!(auto(PLAIN, memory), plain);
            assert_eq!(auto(MAPS, memory), Way::Piped);
            if memory != NotSuspended {
                assert_eq!(auto(OWN, memory), own);
            }
        }
    }

    #[test]
    fn an_emulator_that_does_not_suspend_gets_the_piped_way_for_all() {
        assert_eq!(choose(None, OWN, Memory::NotSuspended).unwrap(), Way::Piped);
    }

    #[test]
    fn what_does_harm_cannot_be_forced() {
        for (way, plain, own, maps) in [
            (Way::Shared, true, false, false),
            (Way::Copy, true, true, false),
            (Way::Piped, true, true, true),
        ] {
            for (needs, good) in [(PLAIN, plain), (OWN, own), (MAPS, maps)] {
                let choice = choose(Some(way), needs, Memory::Shared);
                assert_eq!(choice.ok(), good.then_some(way), "{way:?} {needs:?}");
            }
        }
        assert_eq!(choose(Some(Way::Shared), PLAIN, Memory::Copied).unwrap(), Way::Copy);
    }

    #[test]
    fn a_refused_clone_is_tried_with_less() {
        let refused = |errno| Error::new(errno, Step::Clone);
        for errno in [libc::EINVAL, libc::EPERM, libc::ENOSYS] {
            assert_eq!(after_refusal(None, Way::Shared, &refused(errno)), Some(Way::Copy));
            assert_eq!(after_refusal(None, Way::Copy, &refused(errno)), Some(Way::Piped));
            assert_eq!(after_refusal(None, Way::Piped, &refused(errno)), None);
            assert_eq!(after_refusal(Some(Way::Shared), Way::Shared, &refused(errno)), None);
        }
        assert_eq!(after_refusal(None, Way::Shared, &refused(libc::EAGAIN)), None);
        let exec = Error::new(libc::EPERM, Step::Exec);
        assert_eq!(after_refusal(None, Way::Shared, &exec), None);
    }

    #[test]
    fn beside_its_parent_a_child_shares_memory_or_not() {
        let beside =
            |asked, needs, traced, knows| choose_beside(asked, needs, traced, || knows).ok();
        let cgroup = Needs { own_memory_beside: true, ..PLAIN };
        assert_eq!(beside(None, PLAIN, false, true), Some(Way::Concurrent));
        for needs in [OWN, MAPS, cgroup] {
            assert_eq!(beside(None, needs, false, true), Some(Way::Piped));
            assert_eq!(beside(Some(Way::Concurrent), needs, false, true), None);
        }
        assert_eq!(beside(None, PLAIN, true, true), Some(Way::Piped));
        assert_eq!(beside(None, PLAIN, false, false), Some(Way::Piped));
        assert_eq!(beside(Some(Way::Concurrent), PLAIN, false, true), Some(Way::Concurrent));
        assert_eq!(beside(Some(Way::Concurrent), PLAIN, false, false), Some(Way::Piped));
        assert_eq!(beside(Some(Way::Piped), PLAIN, false, true), Some(Way::Piped));
        for way in [Way::Shared, Way::Copy] {
            assert_eq!(beside(Some(way), PLAIN, false, true), None);
        }
    }
}
