// SPDX-License-Identifier: BSD-3-Clause
//! Closing the others, with what the kernel has for it: close_range(2) (Linux 5.9), else
//! /proc/self/fd, else one close for each number. The rules of child.rs hold here too.

use super::{call, error, is_error, Child};

/// Of what getdents64(2) gives: the offsets of an entry's length and name, as the kernel lays it
/// out.
const ENTRY_LENGTH: usize = 16;
const ENTRY_NAME: usize = 19;

/// What fstatfs(2) says of /proc.
const PROC_SUPER_MAGIC: i64 = 0x9fa0;

/// Room for a few entries; the child's stack is the caller's, and may be small.
#[repr(C, align(8))]
struct Entries([u8; 512]);

/// What is to be closed, and what not.
#[derive(Clone, Copy)]
struct Range {
    first: usize,
    last: usize,
    held: usize,
}

/// "/proc/self/fd", made on the stack: a stage (`child::stage`) has this section and no constants. Volatile,
/// since the compiler would make it one.
#[inline(always)]
unsafe fn path() -> [u64; 2] {
    let mut path = core::mem::MaybeUninit::<[u64; 2]>::uninit();
    let at = path.as_mut_ptr().cast::<u64>();
    // SAFETY: two words, both written.
    unsafe {
        at.write_volatile(u64::from_ne_bytes(*b"/proc/se"));
        at.add(1).write_volatile(u64::from_ne_bytes(*b"lf/fd\0\0\0"));
        path.assume_init()
    }
}

impl Child {
    /// Closes all descriptors from `args[0]` to `args[1]` but the error pipe, which is close-on-exec
    /// and still needed, and `held`, which exec needs.
    #[inline(always)]
    pub(super) unsafe fn close_range(&self, args: [usize; 6], held: usize) {
        let [first, last, ..] = args;
        // SAFETY: no pointers.
        unsafe {
            let mut next = first;
            loop {
                // The first that stays, from there on.
                let pipe = self.error_pipe as usize;
                let mut stays = usize::MAX;
                if pipe >= next && pipe <= last {
                    stays = pipe;
                }
                if held >= next && held < stays && held <= last {
                    stays = held;
                }
                let end = if stays > last { last } else { stays.wrapping_sub(1) };
                if stays != next {
                    let result = call(libc::SYS_close_range, next, end, 0, 0);
                    if is_error(result) {
                        self.close_listed(Range { first, last, held });
                        return;
                    }
                }
                if stays > last {
                    return;
                }
                next = stays.wrapping_add(1);
                if next > last {
                    return;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn close_unless_kept(&self, fd: usize, range: Range) {
        let kept = fd == self.error_pipe as usize || fd == range.held;
        if fd >= range.first && fd <= range.last && !kept {
            // SAFETY: no pointers.
            unsafe { self.check_closed(call(libc::SYS_close, fd, 0, 0, 0)) };
        }
    }

    /// Those that /proc/self/fd lists.
    #[inline(always)]
    unsafe fn close_listed(&self, range: Range) {
        // SAFETY: the buffer is written by the kernel up to the length that it returns, and read
        // within it.
        unsafe {
            let path = path();
            let path = &raw const path as usize;
            let flags = (libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC) as usize;
            let mut list = call(libc::SYS_openat, libc::AT_FDCWD as usize, path, flags, 0);
            if list == error(libc::EMFILE) {
                // The table is full of what is to be closed, so a place is soon made.
                let Range { first, .. } = range;
                self.close_unless_kept(first, range);
                self.close_unless_kept(first.wrapping_add(1), range);
                self.close_unless_kept(first.wrapping_add(2), range);
                list = call(libc::SYS_openat, libc::AT_FDCWD as usize, path, flags, 0);
            }
            if is_error(list) {
                self.close_each(range);
                return;
            }
            let list = list as usize;
            // In another root, or without a /proc, it may be any directory.
            let mut system = core::mem::MaybeUninit::<libc::statfs>::uninit();
            let result = call(libc::SYS_fstatfs, list, system.as_mut_ptr() as usize, 0, 0);
            let magic = (&raw const (*system.as_ptr()).f_type).cast::<i64>();
            if is_error(result) || *magic != PROC_SUPER_MAGIC {
                let _ = call(libc::SYS_close, list, 0, 0, 0);
                self.close_each(range);
                return;
            }
            let mut entries = core::mem::MaybeUninit::<Entries>::uninit();
            let entries = entries.as_mut_ptr().cast::<u8>();
            loop {
                let got = call(
                    libc::SYS_getdents64,
                    list,
                    entries as usize,
                    core::mem::size_of::<Entries>(),
                    0,
                );
                if is_error(got) {
                    self.close_each(range);
                    return;
                }
                if got == 0 {
                    break;
                }
                let mut entry = entries;
                let end = entries.wrapping_add(got as usize);
                while entry < end {
                    let fd = number(entry.add(ENTRY_NAME));
                    // "." and ".." are no numbers; the list itself is closed last.
                    if fd != usize::MAX && fd != list {
                        self.close_unless_kept(fd, range);
                    }
                    let length = entry.add(ENTRY_LENGTH).cast::<u16>().read_unaligned();
                    entry = entry.wrapping_add(length as usize);
                }
            }
            let _ = call(libc::SYS_close, list, 0, 0, 0);
        }
    }

    /// Every number up to the hard limit: descriptors may lie above a soft one that was lowered
    /// since.
    #[inline(always)]
    unsafe fn close_each(&self, range: Range) {
        // SAFETY: limit is writable for the two words of a struct rlimit64.
        unsafe {
            let mut limit = [0u64; 2];
            let place = (&raw mut limit) as usize;
            let result = call(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE as usize, 0, place);
            if is_error(result) {
                self.fail(result);
            }
            let [_, hard] = limit;
            let mut fd = range.first;
            while (fd as u64) < hard && fd <= i32::MAX as usize && fd <= range.last {
                self.close_unless_kept(fd, range);
                fd = fd.wrapping_add(1);
            }
        }
    }
}

/// The decimal number that is the string at `at`; usize::MAX if it is none.
///
/// # Safety
/// `at` points to a string.
#[inline(always)]
unsafe fn number(at: *const u8) -> usize {
    // SAFETY: the caller's.
    unsafe {
        let mut at = at;
        let mut value = 0usize;
        while *at != 0 {
            let digit = (*at).wrapping_sub(b'0');
            if digit > 9 {
                return usize::MAX;
            }
            value = value.wrapping_mul(10).wrapping_add(digit as usize);
            at = at.wrapping_add(1);
        }
        value
    }
}
