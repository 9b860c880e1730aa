// SPDX-License-Identifier: BSD-3-Clause
//! A page that stays shared across a clone without CLONE_VM.

use super::{check, syscall, Errno};
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
        const { assert!(core::mem::size_of::<T>() <= PAGE) };
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_SHARED | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping at a place of the kernel's choice harms nobody.
        let at = check(unsafe {
            syscall(
                libc::SYS_mmap as usize,
                [0, PAGE, protection as usize, flags as usize, usize::MAX, 0],
            )
        })?;
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
