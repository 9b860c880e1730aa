// SPDX-License-Identifier: BSD-3-Clause
//! The calls of a plan with copies of all that they borrow, for a child that runs on when fe_spawn has
//! returned.

#![allow(unsafe_code)] // follows the pointers that the plan's constructors have put into its calls

use crate::attr::Instruction;
use crate::error::{Error, Result};
use crate::list::{filled, Reserved};
use crate::plan::call::{Borrows, SigAction};
use crate::plan::Call;
use alloc::vec::Vec;

/// The calls, and what they point to.
#[derive(Debug)]
pub struct Owned {
    calls: Vec<Call<'static>>,
    // Not touched again: the calls have its addresses.
    copies: Vec<u64>,
}

impl Owned {
    /// Copies.
    pub fn of(calls: &[Call<'_>]) -> Result<Owned> {
        Owned::at(calls, None)
    }

    /// The same for copies that will be at `base`, in another program.
    pub fn elsewhere(calls: &[Call<'_>], base: usize) -> Result<Owned> {
        Owned::at(calls, Some(base))
    }

    fn at(calls: &[Call<'_>], base: Option<usize>) -> Result<Owned> {
        let mut owned = Vec::new();
        owned.try_reserve_exact(calls.len()).map_err(|_| Error::NO_MEMORY)?;
        // Once to see how much it is, and once more to copy.
        let mut measure = Copier::new(core::ptr::null_mut(), 0);
        for call in calls {
            measure.args(call);
        }
        let words = measure.used / 8;
        let mut copies = filled(words, 0u64)?;
        let to = copies.as_mut_ptr().cast::<u8>();
        let mut copier = Copier::new(to, base.unwrap_or(to as usize));
        for call in calls {
            let args = copier.args(call);
            owned.put(call.with_args(args))?;
        }
        Ok(Owned { calls: owned, copies })
    }

    /// The calls in their order.
    pub fn calls(&self) -> &[Call<'static>] {
        &self.calls
    }

    /// What they point to.
    pub fn copies(&self) -> &[u64] {
        &self.copies
    }
}

struct Copier {
    /// NULL: nothing is copied, only measured.
    to: *mut u8,
    /// The address that the copies will have.
    base: usize,
    used: usize,
    /// Arrays of strings that were copied already, and where to: all candidates have the same two.
    seen: [(usize, usize); 2],
}

impl Copier {
    fn new(to: *mut u8, base: usize) -> Copier {
        Copier { to, base, used: 0, seen: [(0, 0); 2] }
    }

    /// The arguments of `call` with the addresses of the copies.
    fn args(&mut self, call: &Call<'_>) -> [usize; 6] {
        let mut args = call.args;
        let mut change = |nth: usize, copy: &mut dyn FnMut(usize) -> usize| {
            if let Some(place) = args.get_mut(nth) {
                *place = copy(*place);
            }
        };
        // SAFETY: throughout: a Call comes from its constructors only, which borrow what they point
        // to, of the type that `borrows` says.
        unsafe {
            match call.borrows {
                Borrows::Nothing => {}
                Borrows::String(nth) => change(nth.into(), &mut |at| self.string(at)),
                Borrows::Strings => {
                    change(0, &mut |at| self.string(at));
                    change(1, &mut |at| self.string(at));
                }
                Borrows::Ids => {
                    let [count, ..] = call.args;
                    change(1, &mut |at| self.bytes(at, count.saturating_mul(4)));
                }
                Borrows::Bytes(nth, count) => {
                    change(nth.into(), &mut |at| self.bytes(at, count.into()));
                }
                Borrows::Exec(nth) => {
                    let nth = usize::from(nth);
                    change(nth, &mut |at| self.string(at));
                    change(nth + 1, &mut |at| self.strings_once(at, 0));
                    change(nth + 2, &mut |at| self.strings_once(at, 1));
                }
                Borrows::Disposition => change(1, &mut |at| self.bytes(at, size_of::<SigAction>())),
                Borrows::Filter => {
                    let [.., count, _] = call.args;
                    let size = count.saturating_mul(size_of::<Instruction>());
                    change(5, &mut |at| self.bytes(at, size));
                }
                Borrows::Shell => {
                    change(0, &mut |at| self.string(at));
                    change(1, &mut |at| self.strings(at, Some(1)));
                    change(2, &mut |at| self.strings_once(at, 1));
                }
            }
        }
        args
    }

    /// Room for that many bytes, and the address that it will have.
    fn room(&mut self, count: usize) -> (*mut u8, usize) {
        let at = (self.to.wrapping_add(self.used), self.base.wrapping_add(self.used));
        self.used = self.used.saturating_add(count.saturating_add(7) & !7);
        at
    }

    /// # Safety
    /// There are `count` bytes at `at`.
    #[inline]
    unsafe fn bytes(&mut self, at: usize, count: usize) -> usize {
        let (copy, address) = self.room(count);
        if !self.to.is_null() {
            // SAFETY: the caller's; the first pass has made room for as many.
            unsafe { core::ptr::copy_nonoverlapping(at as *const u8, copy, count) };
        }
        address
    }

    /// # Safety
    /// There is a string at `at`.
    #[inline(always)] // for the many of an environment
    unsafe fn string(&mut self, at: usize) -> usize {
        // SAFETY: the caller's.
        unsafe { self.bytes(at, libc::strlen(at as *const libc::c_char).wrapping_add(1)) }
    }

    /// # Safety
    /// As `strings`.
    unsafe fn strings_once(&mut self, at: usize, which: usize) -> usize {
        if let Some((from, to)) = self.seen.get(which).copied() {
            if from == at {
                return to;
            }
        }
        // SAFETY: the caller's.
        let copy = unsafe { self.strings(at, None) };
        if let Some(seen) = self.seen.get_mut(which) {
            *seen = (at, copy);
        }
        copy
    }

    /// An array that ends with NULL, but for the element `hole`, which is NULL and no end.
    ///
    /// # Safety
    /// There is such an array of strings at `at`.
    unsafe fn strings(&mut self, at: usize, hole: Option<usize>) -> usize {
        // As pointers: what is read as a number may be followed no more.
        let from = at as *const *const u8;
        // SAFETY: the caller's: what comes before the end is there.
        let strings = unsafe {
            let mut count = 0usize;
            while hole == Some(count) || !(*from.add(count)).is_null() {
                count = count.wrapping_add(1);
            }
            core::slice::from_raw_parts(from, count)
        };
        let (copy, address) = self.room(strings.len().wrapping_add(1).saturating_mul(8));
        let copy = copy.cast::<usize>();
        for (nth, string) in strings.iter().enumerate() {
            if string.is_null() {
                continue;
            }
            // SAFETY: the caller's; the first pass has made room for the array, where the rest is zero already.
            unsafe {
                let string = self.string(*string as usize);
                if !self.to.is_null() {
                    copy.add(nth).write(string);
                }
            }
        }
        address
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attr::{
        Action, Credential, Deadline, Filter, Limits, MemPolicy, OomScoreAdj, Policy, Program,
        Restrictions, Rlimit, Scheduling,
    };
    use crate::plan::tests::attr;
    use crate::plan::{Caller, Candidates, Few, Plan};
    use core::ffi::CStr;

    fn text(at: usize) -> &'static CStr {
        // SAFETY: the tests give it the addresses of strings.
        unsafe { CStr::from_ptr(at as *const libc::c_char) }
    }

    fn word(at: usize, nth: usize) -> usize {
        // SAFETY: likewise, of arrays.
        unsafe { *(at as *const usize).add(nth) }
    }

    #[test]
    fn nothing_is_borrowed_any_more() {
        let strings: Vec<std::ffi::CString> =
            ["name", "one", ""].map(|s| std::ffi::CString::new(s).unwrap()).into();
        let mut argv: Vec<_> = strings.iter().map(|s| s.as_ptr().cast_mut()).collect();
        argv.push(core::ptr::null_mut());
        let groups = [7, 8, 9];
        let dir = std::ffi::CString::new("/some/dir").unwrap();
        let actions = [Action::Open { fd: 1, path: &dir, flags: 0, mode: 0 }, Action::Chdir(&dir)];
        let mut all = attr();
        all.argv = crate::sys::c_str_array_for_tests(&argv);
        all.program = Program::Search { name: c"x", list: Some(c"/a:/b") };
        all.shell_fallback = true;
        all.credential = Some(Credential { uid: 1, gid: 2, groups: Some(&groups) });
        all.dir = Some(&dir);
        all.dispositions.ignore = 1;
        all.actions = &actions;
        let nodes = [0x1234];
        let scheduling = Scheduling {
            policy: Deadline::of(libc::SCHED_DEADLINE, 1, 2, 3).map(Policy::Deadline),
            affinity: Some(&[7, 0, 0]),
            mempolicy: Some(MemPolicy { mode: 2, nodes: &nodes, maxnode: 17 }),
            ..Scheduling::default()
        };
        all.scheduling = Some(&scheduling);
        let rlimits = [Rlimit { resource: 3, reserved: 0, limits: [4, 5] }];
        let limits = Limits {
            rlimits: &rlimits,
            oom_score_adj: OomScoreAdj::new(-321),
            ..Limits::default()
        };
        all.limits = Some(&limits);
        let code = [7u64, 8, 9];
        // SAFETY: as large as a u64, less aligned, and valid whatever is in it.
        let code = unsafe { core::slice::from_raw_parts(code.as_ptr().cast::<Instruction>(), 3) };
        let filter = Some(Filter { code, flags: 0 });
        let restrictions = Restrictions { filter, ..Restrictions::default() };
        all.restrictions = Some(&restrictions);
        let candidates = Candidates::of(&all, || None).unwrap();
        let raised_rlimits = vec![Some(Rlimit { limits: [4, 6], ..rlimits[0] })];
        let caller = Caller { pid: 1, raised_rlimits, ..Caller::default() };
        let mut few = Few::default();
        let plan = Plan::new(&all, &candidates, None, &caller, false, &mut few).unwrap();
        let owned = Owned::of(plan.calls()).unwrap();
        assert_eq!(owned.calls().len(), plan.calls().len());
        let mut kinds = Vec::new();
        let mut sizes = Vec::new();
        let mut argvs = Vec::new();
        for (copy, call) in owned.calls().iter().zip(plan.calls()) {
            kinds.push(copy.borrows);
            let same_string = |nth: usize| {
                assert_ne!(copy.args[nth], call.args[nth]);
                assert_eq!(text(copy.args[nth]), text(call.args[nth]));
            };
            match copy.borrows {
                Borrows::Nothing => assert_eq!(copy.args, call.args),
                Borrows::String(nth) => same_string(nth.into()),
                Borrows::Strings => {
                    same_string(0);
                    same_string(1);
                }
                Borrows::Ids => {
                    assert_ne!(copy.args[1], call.args[1]);
                    // SAFETY: three groups.
                    let ids = unsafe { core::slice::from_raw_parts(copy.args[1] as *const u32, 3) };
                    assert_eq!(ids, groups);
                }
                Borrows::Bytes(nth, count) => {
                    let places = [copy.args, call.args].map(|args| args[usize::from(nth)]);
                    assert_ne!(places[0], places[1]);
                    // SAFETY: as many bytes.
                    let bytes = places.map(|at| unsafe {
                        core::slice::from_raw_parts(at as *const u8, count.into())
                    });
                    assert_eq!(bytes[0], bytes[1]);
                    sizes.push(count);
                }
                Borrows::Exec(nth) => {
                    same_string(nth.into());
                    argvs.push(copy.args[usize::from(nth) + 1]);
                }
                Borrows::Disposition => {
                    assert_ne!(copy.args[1], call.args[1]);
                    // SAFETY: a SigAction.
                    assert_eq!(unsafe { *(copy.args[1] as *const SigAction) }, [1, 0, 0, 0]);
                }
                Borrows::Filter => {
                    assert_ne!(copy.args[5], call.args[5]);
                    assert_eq!([0, 1, 2].map(|nth| word(copy.args[5], nth)), [7, 8, 9]);
                }
                Borrows::Shell => {
                    same_string(0);
                    let list = copy.args[1];
                    let names = [0, 2, 3].map(|nth| text(word(list, nth)));
                    assert_eq!(names, [c"name", c"one", c""]);
                    assert_eq!([word(list, 1), word(list, 4)], [0, 0]);
                }
            }
        }
        assert_eq!(argvs.len(), 2);
        assert_eq!(argvs[0], argvs[1]);
        assert_eq!(
            (0..3).map(|nth| text(word(argvs[0], nth))).collect::<Vec<_>>(),
            [c"name", c"one", c""]
        );
        assert_eq!(word(argvs[0], 3), 0);
        // The score, a limit up, the mask, the deadline, the nodes, the limit down.
        assert_eq!(sizes, [4, 16, 3, 48, 8, 16]);
        let kinds_wanted = [Borrows::String(0), Borrows::String(1), Borrows::Ids];
        for kind in kinds_wanted.into_iter().chain([Borrows::Disposition, Borrows::Filter]) {
            assert!(kinds.contains(&kind), "{kind:?}");
        }
        assert!(kinds.contains(&Borrows::Exec(0)) && kinds.contains(&Borrows::Shell));
    }
}
