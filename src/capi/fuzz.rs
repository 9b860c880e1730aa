// SPDX-License-Identifier: BSD-3-Clause
//! What fuzzing calls (make fuzz), and the unit tests with what it has found. Any bytes make an `fe_attr` with all that it
//! can point to, each object in memory of its own that ends where it ends.

use super::attr::with_attr;
use super::types::*;
use crate::attr::Attr;
use crate::error::Step;
use crate::explain::{explain, Form, Planned};
use crate::launch::owned::Owned;
use crate::plan::call::Rule;
use crate::plan::{Call, Caller, Candidates, Capabilities, Few, Plan, Table, Wanted};
use crate::redirect::{Opened, Redirect};
use crate::remap::model;
use crate::sys::Sets;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::ffi::c_char;
use core::mem::{size_of, zeroed};
use core::ptr::null;

/// The bytes that decide; zero when there are no more.
struct Input<'a>(&'a [u8]);

impl Input<'_> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn word(&mut self) -> u64 {
        (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte()))
    }

    fn one_in(&mut self, n: u8) -> bool {
        self.byte() % n == 1
    }

    /// Mostly small.
    fn number(&mut self) -> i32 {
        const LIMITS: [i32; 6] = [i32::MAX, i32::MIN, i32::MAX - 1, 1 << 16, 1024, 4096];
        match self.byte() {
            byte @ 0..=200 => i32::from(byte) - 8,
            byte => LIMITS.get(usize::from(byte - 201)).copied().unwrap_or(self.word() as i32),
        }
    }

    /// One or few of `known`, or any.
    fn flags(&mut self, known: u64, wild: bool) -> u64 {
        let flags = match self.byte() {
            bit @ 0..=63 => 1 << bit,
            _ => self.word() & self.word() & self.word(),
        };
        if wild && self.one_in(8) {
            flags
        } else {
            flags & known
        }
    }

    fn count(&mut self) -> usize {
        usize::from(self.byte() % 8)
    }
}

/// Bytes behind which there are no others. AddressSanitizer and Miri see to it; else the next page is not there.
struct Object {
    at: *mut u8,
    size: usize,
}

#[cfg(any(fuzzing, miri))]
impl Object {
    /// `size` bytes, all zero, aligned as by malloc(3).
    fn new(size: usize) -> Object {
        // SAFETY: not of size 0; 16 is a power of two.
        let at = unsafe { alloc::alloc::alloc_zeroed(Object::layout(size)) };
        assert!(!at.is_null());
        Object { at, size }
    }

    fn layout(size: usize) -> core::alloc::Layout {
        core::alloc::Layout::from_size_align(size.max(1), 16).expect("a size")
    }
}

#[cfg(any(fuzzing, miri))]
impl Drop for Object {
    fn drop(&mut self) {
        // SAFETY: new() has made it so.
        unsafe { alloc::alloc::dealloc(self.at, Object::layout(self.size)) };
    }
}

#[cfg(not(any(fuzzing, miri)))]
const PAGE: usize = 64 << 10;

#[cfg(not(any(fuzzing, miri)))]
impl Object {
    /// `size` bytes, all zero.
    fn new(size: usize) -> Object {
        let pages = size.next_multiple_of(PAGE);
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: memory of our own, of which the last page is taken away.
        let end = unsafe {
            let start = libc::mmap(null::<u8>().cast_mut().cast(), pages + PAGE, 3, flags, -1, 0);
            assert_ne!(start, libc::MAP_FAILED);
            let end = start.cast::<u8>().add(pages);
            assert_eq!(libc::mprotect(end.cast(), PAGE, libc::PROT_NONE), 0);
            end
        };
        Object { at: end.wrapping_sub(size), size }
    }
}

#[cfg(not(any(fuzzing, miri)))]
impl Drop for Object {
    fn drop(&mut self) {
        let pages = self.size.next_multiple_of(PAGE);
        let start = self.at.wrapping_add(self.size).wrapping_sub(pages);
        // SAFETY: new() has mapped it.
        unsafe { libc::munmap(start.cast(), pages + PAGE) };
    }
}

/// Objects for C.
struct Memory {
    objects: Vec<Object>,
    wild: bool,
}

impl Memory {
    /// `count` bytes behind `off` others.
    fn room(&mut self, count: usize, off: usize) -> *mut u8 {
        let object = Object::new(count + off);
        let at = object.at.wrapping_add(off);
        self.objects.push(object);
        at
    }

    fn array<T: Copy>(&mut self, input: &mut Input<'_>, values: &[T]) -> *const T {
        let off = usize::from(self.wild && input.one_in(32));
        let at = self.room(size_of_val(values), off).cast::<T>();
        for (nth, value) in values.iter().enumerate() {
            // SAFETY: there is room for as many.
            unsafe { at.add(nth).write_unaligned(*value) };
        }
        at
    }

    fn string(&mut self, input: &mut Input<'_>) -> *mut c_char {
        let mut bytes = Vec::new();
        match input.byte() {
            255 => bytes.resize(5000, b'x'),
            length => (0..length % 8)
                .for_each(|_| bytes.push(b"/:ab\n\"\\\xff"[usize::from(input.byte() % 8)])),
        }
        bytes.push(0);
        self.array(&mut Input(&[]), &bytes).cast_mut().cast()
    }

    fn string_or_null(&mut self, input: &mut Input<'_>) -> *mut c_char {
        if input.one_in(2) {
            self.string(input)
        } else {
            core::ptr::null_mut()
        }
    }

    fn strings(&mut self, input: &mut Input<'_>) -> *const *mut c_char {
        let mut list: Vec<_> = (0..input.count()).map(|_| self.string(input)).collect();
        list.push(core::ptr::null_mut());
        self.array(&mut Input(&[]), &list)
    }

    /// An extensible struct of some size, which comes first in it: of an older or a newer header, or none at all.
    fn extensible<T: Copy>(&mut self, input: &mut Input<'_>, value: T) -> *const T {
        let ours = size_of::<T>();
        let (mut size, mut off) = (ours, 0);
        if self.wild {
            size = match input.byte() {
                0..=127 => ours,
                byte @ 128..=200 => usize::from(byte - 128) * 8,
                201..=220 => ours + usize::from(input.byte()),
                221..=240 => usize::from(input.byte()),
                241 => 4096,
                242 => 4097,
                _ => input.word() as usize,
            };
            off = usize::from(input.one_in(16));
        }
        let there = if size > 4096 { 8 } else { size.max(8) };
        let at = self.room(there, off);
        // SAFETY: both have as many bytes.
        unsafe {
            core::ptr::copy_nonoverlapping((&raw const value).cast(), at, there.min(ours));
            at.cast::<usize>().write_unaligned(size);
            if there > ours && input.one_in(4) {
                at.add(ours + usize::from(input.byte()) % (there - ours)).write(1);
            }
        }
        at.cast()
    }

    fn credential(&mut self, input: &mut Input<'_>) -> *const fe_credential {
        let groups: Vec<u32> = (0..input.count()).map(|_| input.number() as u32).collect();
        let credential = fe_credential {
            size: 0,
            uid: input.number() as u32,
            gid: input.number() as u32,
            groups: self.array(input, &groups),
            ngroups: groups.len(),
        };
        self.extensible(input, credential)
    }

    fn maps(&mut self, input: &mut Input<'_>) -> (*const fe_id_map, usize) {
        if !input.one_in(4) {
            return (null(), usize::from(self.wild && input.one_in(16)));
        }
        let map = |input: &mut Input<'_>| fe_id_map {
            container_id: input.number() as u32,
            host_id: input.number() as u32,
            size: input.number() as u32,
        };
        let maps: Vec<_> = (0..input.count()).map(|_| map(input)).collect();
        (self.array(input, &maps), maps.len())
    }

    fn actions(&mut self, input: &mut Input<'_>) -> Vec<fe_file_action> {
        let count = input.count();
        (0..count)
            .map(|_| {
                let action = i32::from(input.byte() % 9);
                let has_path = action == FE_ACTION_OPEN || action == FE_ACTION_CHDIR;
                let path = if has_path { self.string(input) } else { core::ptr::null_mut() };
                let number = |input: &mut Input<'_>, is: bool| if is { input.number() } else { 0 };
                fe_file_action {
                    action,
                    fd: number(input, action != FE_ACTION_CHDIR),
                    from: number(input, action == FE_ACTION_DUP2),
                    oflag: number(input, action == FE_ACTION_OPEN),
                    mode: number(input, action == FE_ACTION_OPEN) as u32,
                    reserved: u32::from(self.wild && input.one_in(64)),
                    path,
                    reserved2: [0; 2],
                }
            })
            .collect()
    }

    fn redirects(&mut self, input: &mut Input<'_>) -> Vec<fe_redirect> {
        let count = input.count();
        (0..count)
            .map(|_| {
                // SAFETY: all zero is valid.
                let mut redirect: fe_redirect = unsafe { zeroed() };
                if input.one_in(2) {
                    redirect.kind = FE_REDIRECT_OPEN;
                    redirect.path = self.string(input);
                    redirect.oflag = input.number();
                } else {
                    let data: Vec<u8> = (0..input.count()).map(|_| input.byte()).collect();
                    redirect.kind = FE_REDIRECT_DATA;
                    redirect.data = self.array(&mut Input(&[]), &data).cast();
                    redirect.size = data.len();
                }
                redirect
            })
            .collect()
    }

    fn scheduling(&mut self, input: &mut Input<'_>) -> *const fe_scheduling {
        // SAFETY: all zero is valid.
        let mut from: fe_scheduling = unsafe { zeroed() };
        from.flags = input.flags(0x3f, self.wild);
        if from.flags & FE_SCHED_POLICY != 0 {
            from.policy = input.number();
            from.runtime_ns = input.word() >> (input.byte() % 64);
            from.deadline_ns = input.word() >> (input.byte() % 64);
        }
        if from.flags & (FE_SCHED_POLICY | FE_SCHED_PRIORITY) != 0 {
            from.priority = input.number();
        }
        if from.flags & FE_SCHED_NICE != 0 {
            from.nice = input.number();
        }
        if from.flags & FE_SCHED_IOPRIO != 0 {
            from.ioprio = input.number();
        }
        if input.one_in(2) {
            let mask: Vec<u8> = (0..input.byte()).collect();
            from.affinity = self.array(input, &mask).cast();
            from.affinity_size = mask.len();
        }
        if from.flags & FE_SCHED_MEMPOLICY != 0 {
            let nodes: Vec<u64> = (0..input.count()).map(|nth| nth as u64).collect();
            from.mempolicy = input.number();
            from.nodemask = self.array(input, &nodes).cast();
            from.maxnode = (nodes.len() * 64 + 1).saturating_sub(usize::from(input.byte() % 64));
        }
        from.timer_slack_ns = u64::from(input.byte());
        self.extensible(input, from)
    }

    fn limits(&mut self, input: &mut Input<'_>) -> *const fe_limits {
        // SAFETY: all zero is valid.
        let mut from: fe_limits = unsafe { zeroed() };
        from.flags = input.flags(0x7, self.wild);
        let limit = |input: &mut Input<'_>| {
            // SAFETY: all zero is valid.
            let mut limit: fe_rlimit = unsafe { zeroed() };
            limit.resource = i32::from(input.byte() % 18);
            (limit.soft, limit.hard) = (input.byte().into(), input.number() as u64);
            limit
        };
        let rlimits: Vec<_> = (0..input.count()).map(|_| limit(input)).collect();
        (from.rlimits, from.nrlimits) = (self.array(input, &rlimits), rlimits.len());
        let number = |input: &mut Input<'_>, is: bool| if is { input.number() } else { 0 };
        from.umask = number(input, from.flags & FE_LIMIT_UMASK != 0) as u32;
        from.oom_score_adj = number(input, from.flags & FE_LIMIT_OOM_SCORE_ADJ != 0);
        from.personality = number(input, from.flags & FE_LIMIT_PERSONALITY != 0) as u32;
        self.extensible(input, from)
    }

    fn namespaces(&mut self, input: &mut Input<'_>) -> *const fe_namespaces {
        let kind = |input: &mut Input<'_>| 1i32.wrapping_shl(u32::from(input.byte() % 32));
        let count = input.count();
        let joins: Vec<_> =
            (0..count).map(|_| fe_join { fd: input.number(), nstype: kind(input) }).collect();
        let mut offset = |memory: &mut Memory| {
            if !input.one_in(4) {
                return null();
            }
            let offset =
                libc::timespec { tv_sec: input.number().into(), tv_nsec: input.number().into() };
            memory.array(&mut Input(&[]), &[offset])
        };
        let offsets = [offset(self), offset(self)];
        let from = fe_namespaces {
            size: 0,
            joins: self.array(input, &joins),
            njoins: joins.len(),
            unshare: input.flags(0x7e02_0080, self.wild),
            monotonic_offset: offsets[0],
            boottime_offset: offsets[1],
        };
        self.extensible(input, from)
    }

    fn privileges(&mut self, input: &mut Input<'_>) -> *const fe_privileges {
        let flags = input.flags(0x3f, self.wild);
        let mut set = |flag: u64| if flags & flag != 0 { input.word() } else { 0 };
        let from = fe_privileges {
            size: 0,
            flags,
            bounding: set(FE_PRIVILEGES_BOUNDING),
            inheritable: set(FE_PRIVILEGES_INHERITABLE),
            permitted: set(FE_PRIVILEGES_PERMITTED),
            effective: set(FE_PRIVILEGES_EFFECTIVE),
            ambient: set(FE_PRIVILEGES_AMBIENT),
            securebits: set(FE_PRIVILEGES_SECUREBITS) as u32,
            reserved: 0,
        };
        self.extensible(input, from)
    }

    fn sandbox(&mut self, input: &mut Input<'_>) -> *const fe_sandbox {
        // SAFETY: all zero is valid.
        let mut from: fe_sandbox = unsafe { zeroed() };
        let filter: Vec<[u16; 4]> = (0..input.count()).map(|nth| [nth as u16; 4]).collect();
        if input.one_in(2) {
            let at = self.array(input, &filter);
            (from.filter, from.nfilter) = (at.cast(), filter.len());
        }
        if input.one_in(2) {
            (from.flags, from.landlock) = (FE_SANDBOX_LANDLOCK, input.number());
        }
        self.extensible(input, from)
    }

    fn attr(&mut self, input: &mut Input<'_>) -> *const fe_attr {
        // SAFETY: all zero is valid.
        let mut attr: fe_attr = unsafe { zeroed() };
        attr.flags = input.flags((1 << 24) - 1, self.wild);
        attr.path = self.string_or_null(input);
        attr.argv = self.strings(input);
        attr.envp = self.strings(input);
        attr.dir = self.string_or_null(input);
        attr.chroot = self.string_or_null(input);
        if attr.flags & FE_SEARCH_PATH != 0 {
            attr.search_path = self.string_or_null(input);
        }
        if input.one_in(2) {
            let files: Vec<i32> = (0..input.count()).map(|_| input.number()).collect();
            (attr.files, attr.nfiles) = (self.array(input, &files), files.len());
            attr.ends = self.room(files.len() * 4, 0).cast();
        }
        if input.one_in(2) {
            let keep: Vec<i32> = (0..input.count()).map(|_| input.number()).collect();
            (attr.keep, attr.nkeep) = (self.array(input, &keep), keep.len());
        }
        if input.one_in(2) {
            let actions = self.actions(input);
            (attr.actions, attr.nactions) = (self.array(input, &actions), actions.len());
        }
        if input.one_in(4) {
            let redirects = self.redirects(input);
            (attr.redirects, attr.nredirects) = (self.array(input, &redirects), redirects.len());
        }
        (attr.uid_mappings, attr.nuid_mappings) = self.maps(input);
        (attr.gid_mappings, attr.ngid_mappings) = self.maps(input);
        let any = |input: &mut Input<'_>| input.one_in(4);
        if any(input) {
            attr.credential = self.credential(input);
        }
        if any(input) {
            attr.scheduling = self.scheduling(input);
        }
        if any(input) {
            attr.limits = self.limits(input);
        }
        if any(input) {
            attr.namespaces = self.namespaces(input);
        }
        if any(input) {
            attr.privileges = self.privileges(input);
        }
        if any(input) {
            attr.sandbox = self.sandbox(input);
        }
        if any(input) {
            let sets = [input.word(), input.word()].map(|set| [set; 16]);
            attr.sigmask = self.array(&mut Input(&[]), &sets[..1]).cast();
            attr.sigdefault = self.array(&mut Input(&[]), &sets[1..]).cast();
            attr.sigignore = attr.sigmask;
        }
        let number = |input: &mut Input<'_>, is: bool| if is { input.number() } else { 0 };
        let has = |flags: u64| attr.flags & flags != 0;
        attr.pgid = number(input, has(FE_SETPGID | FE_FOREGROUND));
        attr.ctty = number(input, has(FE_SETCTTY | FE_FOREGROUND));
        attr.execfd = number(input, has(FE_FEXECVE | FE_EXECVEAT));
        attr.cgroup = number(input, has(FE_CGROUP));
        attr.winsize.ws_row = u16::from(has(FE_PTY)) * u16::from(input.byte());
        if any(input) {
            attr.pdeathsig = input.number();
            attr.way = u32::from(input.byte() % 7);
            attr.timeout_ms = input.number();
            attr.cloneflags = input.flags(0x7e02_0080, self.wild);
            attr.reserved = i32::from(self.wild && input.one_in(32));
        }
        self.extensible(input, attr)
    }
}

/// With the core's attr, if there is one without contradictions.
fn with(input: &mut Input<'_>, wild: bool, work: &dyn Fn(&Attr<'_>)) {
    let mut memory = Memory { objects: Vec::new(), wild };
    let attr = memory.attr(input);
    // SAFETY: an fe_attr, and all in it, lives as long as memory.
    let _ = unsafe {
        with_attr(attr, true, |attr, _| {
            attr.check()?;
            work(attr);
            Ok(())
        })
    };
}

/// Structs of any size, with any flags and numbers, are read or refused.
pub fn reader(bytes: &[u8]) {
    with(&mut Input(bytes), true, &|_| {});
}

/// The plan of any attr that is without contradictions can be made, explained and copied.
pub fn plan(bytes: &[u8]) {
    let (facts, rest) = bytes.split_at_checked(8).unwrap_or((bytes, &[]));
    with(&mut Input(rest), false, &|attr| check_plan(attr, &mut Input(facts)));
}

/// The moves for any list of files do to any table what they are to do.
pub fn moves(bytes: &[u8]) {
    let mut input = Input(bytes);
    let open = input.word();
    let mut table: model::Table = [None; model::SIZE];
    for (fd, place) in table.iter_mut().enumerate().take(64) {
        *place = (open & 1 << fd != 0).then_some((100 + fd as i32, fd % 3 != 0));
    }
    let is_open = |fd: i32| table.get(fd as usize).is_some_and(Option::is_some);
    let file = |byte: &u8| Some(i32::from(*byte)).filter(|fd| is_open(*fd)).unwrap_or(-1);
    let files: Vec<i32> = input.0.iter().take(64).map(file).collect();
    model::check(&table, &files);
}

/// Each element that stands for a file becomes a descriptor, as redirect::make does it.
fn plain<'a>(attr: &Attr<'a>) -> (Vec<i32>, Vec<Opened<'a>>) {
    let mut opened = Vec::new();
    let files = attr.files.unwrap_or_default().iter().enumerate().map(|(to, file)| {
        let used = |nth: &usize| crate::redirect::is_redirect(*file, *nth);
        match (0..attr.redirects.len()).find(used).and_then(|nth| attr.redirects.get(nth)) {
            Some(Redirect::Open { path, flags, mode }) => {
                opened.push(Opened::File { to: to as i32, path, flags: *flags, mode: *mode });
                -1
            }
            _ if *file < -1 => 500 + to as i32,
            _ => *file,
        }
    });
    (files.collect(), opened)
}

fn check_plan(attr: &Attr<'_>, facts: &mut Input<'_>) {
    let (files, opened) = plain(attr);
    let attr = &Attr { files: attr.files.map(|_| &files[..]), opened: &opened, ..*attr };
    let limits = attr.limits.map_or(&[][..], |limits| limits.rlimits);
    let sets = [0, 0, 0].map(|_| u64::from(facts.byte()) * 0x0101_0101_0101);
    let capabilities = Capabilities {
        sets: Sets { permitted: sets[0], effective: sets[1], inheritable: sets[2] },
        last: (facts.byte() % 64).into(),
        uid: facts.byte().into(),
        root: facts.one_in(2),
    };
    let wanted = attr.restrictions.and_then(|all| all.privileges.as_ref());
    let caller = Caller {
        pid: 7,
        policy: i32::from(facts.byte() % 7),
        nice: i32::from(facts.byte() % 40) - 20,
        raised_rlimits: limits.iter().map(|limit| limit.raised([10, 20])).collect(),
        execfd_cloexec: true,
        privileges: wanted.map(|wanted| Box::new(Wanted::of(attr, wanted, &capabilities))),
        hides: match facts.byte() % 5 {
            0 => None,
            1 => Some(Step::Setns),
            2 => Some(Step::Unshare),
            3 => Some(Step::Permitted),
            _ => Some(Step::Setuid),
        },
    };
    let candidates = Candidates::of(attr, || Some(c"/a::/b")).expect("memory");
    let parts = [None, Some(77)].map(|pid| Table::of(attr, || pid).expect("memory"));
    // Miri takes a minute for all six.
    let (tables, ways) = if cfg!(miri) { (1, 1) } else { (3, 2) };
    for table in parts.iter().map(Option::as_ref).chain([None]).take(tables) {
        for staged in [false, true].into_iter().take(ways) {
            let mut few = Few::default();
            let plan = Plan::new(attr, &candidates, table, &caller, staged, &mut few);
            let plan = plan.expect("room for each call");
            check_calls(attr, plan.calls());
            Owned::of(plan.calls()).expect("memory");
            let before_stage = staged.then_some(plan.stages().0.len());
            let (way, why) = (crate::attr::Way::Copy, c"");
            check_text(&Planned { way, why, calls: plan.calls(), before_stage }, attr);
        }
    }
}

fn check_calls(attr: &Attr<'_>, calls: &[Call<'_>]) {
    let last = calls.last().expect("a call");
    assert!(matches!(last.rule, Rule::Exec | Rule::Shell), "{last:?}");
    let others = calls.iter().filter(|call| call.step == Step::CloseOthers);
    let ranges = others.map(|call| call.args[0]..=call.args[1]);
    for range in ranges {
        let kept = attr.keep.iter().find(|fd| range.contains(&(**fd as usize)));
        assert_eq!(kept, None, "closed by {range:?}");
    }
}

fn check_text(planned: &Planned<'_>, attr: &Attr<'_>) {
    let text = |form| {
        let mut text = Vec::new();
        explain(planned, attr, form, &mut |bytes| text.extend_from_slice(bytes));
        text
    };
    assert!(text(Form::Text).split(|byte| *byte == b'\n').count() > planned.calls.len());
    let json = text(Form::Json);
    let json = core::str::from_utf8(&json).expect("UTF-8");
    let (mut open, mut quoted, mut escaped) = (Vec::new(), false, false);
    for byte in json.chars() {
        match (quoted, byte) {
            (true, _) if escaped => escaped = false,
            (true, '\\') => escaped = true,
            (_, '"') => quoted = !quoted,
            (true, _) => assert!(byte >= ' ', "{json}"),
            (false, '[' | '{') => open.push(byte),
            (false, ']') => assert_eq!(open.pop(), Some('['), "{json}"),
            (false, '}') => assert_eq!(open.pop(), Some('{'), "{json}"),
            _ => {}
        }
    }
    assert!(open.is_empty() && !quoted, "{json}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fuzzing has found to be worth keeping.
    fn replay(target: fn(&[u8]), name: &str) {
        let corpus =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
        let files = std::fs::read_dir(&corpus).unwrap();
        // By their names: Miri takes minutes to compare paths.
        let mut files: Vec<_> = files.map(|file| file.unwrap().file_name()).collect();
        files.sort();
        assert!(files.len() >= 20, "{name}: {} files", files.len());
        let step = if cfg!(miri) { files.len() / 8 } else { 1 };
        for file in files.iter().step_by(step) {
            std::println!("{name} {file:?}");
            target(&std::fs::read(corpus.join(file)).unwrap());
        }
    }

    #[test]
    fn the_corpus_of_the_reader() {
        replay(reader, "reader");
    }

    #[test]
    fn the_corpus_of_the_plan() {
        replay(plan, "plan");
    }

    #[test]
    fn the_corpus_of_the_moves() {
        replay(moves, "moves");
    }
}
