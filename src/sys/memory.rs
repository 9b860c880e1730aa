// SPDX-License-Identifier: BSD-3-Clause
//! A page that stays shared across a clone without CLONE_VM.

use super::{call3, check, syscall, Errno, Fd};
use crate::list::Reserved;
use alloc::vec::Vec;
use core::marker::PhantomData;

/// One `T` in zeroed memory that a forked child shares; unmapped when dropped.
#[derive(Debug)]
pub struct SharedPage<T> {
    at: *mut u8,
    holds: PhantomData<T>,
}

/// The smallest page there is: all that a `T` may fill.
const PAGE: usize = 4096;

impl<T> SharedPage<T> {
    /// Maps it.
    ///
    /// # Safety
    /// All zero bytes must be a valid `T`, and a `T` must be fit for use from two processes (atomics).
    pub unsafe fn new() -> Result<SharedPage<T>, Errno> {
        // SAFETY: the caller's.
        unsafe { SharedPage::map(libc::MAP_ANONYMOUS, usize::MAX, 0) }
    }

    /// Maps it from a file, at `offset`, for whom the file is handed to.
    ///
    /// # Safety
    /// As `new`; and the file has zero bytes there, and keeps its length.
    pub unsafe fn of(file: &Fd, offset: usize) -> Result<SharedPage<T>, Errno> {
        // SAFETY: the caller's.
        unsafe { SharedPage::map(0, file.number() as usize, offset) }
    }

    /// # Safety
    /// As `new` or `of`.
    unsafe fn map(flags: i32, file: usize, offset: usize) -> Result<SharedPage<T>, Errno> {
        const { assert!(core::mem::size_of::<T>() <= PAGE) };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | flags;
        let args = [0, PAGE, protection as usize, flags as usize, file, offset];
        // SAFETY: a new mapping at a place of the kernel's choice harms nobody.
        let at = check(unsafe { syscall(libc::SYS_mmap as usize, args) })?;
        Ok(SharedPage { at: at as *mut u8, holds: PhantomData })
    }
}

impl<T> core::ops::Deref for SharedPage<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: mapped until drop, page-aligned, and valid as new()'s caller promised.
        unsafe { &*self.at.cast() }
    }
}

impl<T> Drop for SharedPage<T> {
    fn drop(&mut self) {
        // SAFETY: new() mapped it, and no reference outlives self.
        let _ = unsafe { syscall(libc::SYS_munmap as usize, [self.at as usize, PAGE, 0, 0, 0, 0]) };
    }
}

/// A box; None without memory.
pub fn try_box<T>(value: T) -> Option<alloc::boxed::Box<T>> {
    const { assert!(core::mem::size_of::<T>() != 0) };
    let layout = core::alloc::Layout::new::<T>();
    // SAFETY: T has a size; the block is of its size and alignment, and from the allocator that a box
    // gives it back to.
    unsafe {
        let at = alloc::alloc::alloc(layout).cast::<T>();
        if at.is_null() {
            return None;
        }
        at.write(value);
        Some(alloc::boxed::Box::from_raw(at))
    }
}

/// A stack for a child that shares memory and runs beside its parent, with a guard below it; unmapped
/// when dropped.
#[derive(Debug)]
pub struct Stack {
    at: *mut u8,
}

/// Half of it is the guard. A page is 64 KiB at most; what isn't touched takes no memory, and the child
/// touches one page.
const STACK: usize = 128 << 10;

// SAFETY: memory is any thread's.
unsafe impl Send for Stack {}

impl Stack {
    /// Maps one.
    pub fn new() -> Result<Stack, Errno> {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
        let args = [0, STACK, libc::PROT_NONE as usize, flags as usize, usize::MAX, 0];
        // SAFETY: a new mapping at a place of the kernel's choice harms nobody.
        let at = check(unsafe { syscall(libc::SYS_mmap as usize, args) })?;
        let stack = Stack { at: at as *mut u8 };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the upper half of our own mapping.
        unsafe {
            call3(libc::SYS_mprotect, at.wrapping_add(STACK / 2), STACK / 2, protection as usize)
        }?;
        Ok(stack)
    }

    /// Its usable part: lowest address and length.
    pub fn area(&self) -> (usize, usize) {
        ((self.at as usize).wrapping_add(STACK / 2), STACK / 2)
    }

    /// Gives it up, to be had again.
    pub fn into_raw(self) -> *mut u8 {
        let at = self.at;
        core::mem::forget(self);
        at
    }

    /// One that was given up.
    ///
    /// # Safety
    /// `at` is from `into_raw`, and this is the only one made of it.
    pub unsafe fn from_raw(at: *mut u8) -> Stack {
        Stack { at }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: new() mapped it, and no child runs on it any more (its owner's promise).
        let _ = unsafe { call3(libc::SYS_munmap, self.at as usize, STACK, 0) };
    }
}

/// Strings of our own, for an array of them.
#[derive(Debug, Default)]
pub struct Strings {
    /// One behind the other, each with its NUL.
    bytes: Vec<u8>,
    starts: Vec<usize>,
    addresses: Vec<usize>,
}

impl Strings {
    /// Appends one; false without memory.
    pub fn push(&mut self, string: &core::ffi::CStr) -> bool {
        let bytes = string.to_bytes_with_nul();
        let start = self.bytes.len();
        self.bytes.try_reserve(bytes.len()).is_ok()
            && self.starts.add(start).is_ok()
            && self.bytes.put_all(bytes).is_ok()
    }

    /// The array; None without memory.
    pub fn array(&mut self) -> Option<CStrArray<'_>> {
        self.addresses.clear();
        self.addresses.try_reserve_exact(self.starts.len().saturating_add(1)).ok()?;
        let base = self.bytes.as_ptr() as usize;
        for start in &self.starts {
            self.addresses.put(base.wrapping_add(*start)).ok()?;
        }
        self.addresses.put(0).ok()?;
        Some(CStrArray { at: self.addresses.as_ptr().cast(), borrowed: PhantomData })
    }
}

/// A NULL-terminated array of C strings, as execve(2) takes it.
#[derive(Clone, Copy, Debug)]
pub struct CStrArray<'a> {
    at: *const *mut libc::c_char,
    borrowed: PhantomData<&'a libc::c_char>,
}

impl<'a> CStrArray<'a> {
    /// Borrows it.
    ///
    /// # Safety
    /// `at` is such an array, and it and its strings stay as they are for 'a.
    pub unsafe fn new(at: *const *mut libc::c_char) -> CStrArray<'a> {
        CStrArray { at, borrowed: PhantomData }
    }

    /// The caller's environment as it is now.
    pub fn environ() -> CStrArray<'a> {
        extern "C" {
            static environ: *const *mut libc::c_char;
        }
        static EMPTY: [usize; 1] = [0];
        // SAFETY: libc's variable, under getenv(3)'s rule that nobody changes it meanwhile
        // (fe_spawn(3), thread safety). clearenv(3) leaves it NULL.
        let at = unsafe { environ };
        let at = if at.is_null() { EMPTY.as_ptr().cast() } else { at };
        CStrArray { at, borrowed: PhantomData }
    }

    /// Its address.
    pub fn as_ptr(&self) -> *const *mut libc::c_char {
        self.at
    }

    /// The addresses of its strings.
    pub fn addresses(&self) -> impl Iterator<Item = usize> + '_ {
        let mut at = self.at;
        core::iter::from_fn(move || {
            // SAFETY: new()'s caller: what comes before the NULL, and the NULL, is there; behind it
            // `at` does not move.
            unsafe {
                let string = *at;
                (!string.is_null()).then(|| {
                    at = at.add(1);
                    string as usize
                })
            }
        })
    }

    /// Its first string.
    pub fn first(&self) -> Option<&'a core::ffi::CStr> {
        // SAFETY: new()'s caller: there is at least the NULL at the end, and what isn't NULL is a
        // string.
        unsafe {
            let first = *self.at;
            (!first.is_null()).then(|| core::ffi::CStr::from_ptr(first))
        }
    }
}

/// One of a unit test's.
#[cfg(test)]
pub fn c_str_array_for_tests(strings: &[*mut libc::c_char]) -> CStrArray<'_> {
    assert!(strings.last().is_some_and(|last| last.is_null()));
    CStrArray { at: strings.as_ptr(), borrowed: PhantomData }
}
