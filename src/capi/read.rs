// SPDX-License-Identifier: BSD-3-Clause
//! Reading what C hands over: structs that grow, strings, arrays.

use crate::error::{Error, Result, Step};
use core::ffi::{c_char, CStr};
use core::mem::{size_of, MaybeUninit};

/// As the kernel's copy_struct_from_user: no struct is larger than a page, so a larger size is a
/// mistake, and nothing that far is looked at.
const LARGEST: usize = 4096;

/// A struct of the C face whose first member is its size, whose fields are only ever appended, and
/// for which all zero is valid: the default.
///
/// # Safety
/// All zero bytes, and any others, are a valid value.
pub unsafe trait Extensible: Copy {
    /// Its size in version 0: frozen.
    const OLDEST: usize;
}

/// Reads one of an older, the same or a newer version of the header. EINVAL: smaller than it ever
/// was, or none of the older sizes. E2BIG: it asks for something that this library doesn't know.
///
/// # Safety
/// `from` is not NULL and points to a size, and to as many readable bytes as that says.
pub unsafe fn extensible<T: Extensible>(from: *const T) -> Result<T> {
    let ours = size_of::<T>();
    let from = from.cast::<u8>();
    // SAFETY: the caller's: the size is there. Not necessarily aligned: that is not asked of C.
    let size = unsafe { from.cast::<usize>().read_unaligned() };
    if size < T::OLDEST {
        return Err(Error::new(libc::EINVAL, Step::Args));
    }
    if size > LARGEST {
        return Err(Error::new(libc::E2BIG, Step::Args));
    }
    for at in ours..size {
        // SAFETY: below the size.
        if unsafe { from.add(at).read() } != 0 {
            return Err(Error::new(libc::E2BIG, Step::Args));
        }
    }
    if size >= ours {
        // SAFETY: there are so many bytes, and T takes any.
        return Ok(unsafe { from.cast::<T>().read_unaligned() });
    }
    // No version ends there: it would be half a pointer.
    if size % size_of::<usize>() != 0 {
        return Err(Error::new(libc::EINVAL, Step::Args));
    }
    let mut value = MaybeUninit::<T>::zeroed();
    // SAFETY: both have that many bytes; T takes any.
    unsafe {
        core::ptr::copy_nonoverlapping(from, value.as_mut_ptr().cast(), size);
        Ok(value.assume_init())
    }
}

/// A path, or None for NULL. One that the kernel would not take is refused as `step` would be.
///
/// # Safety
/// `at` is NULL or a string that stays as it is for 'a.
pub unsafe fn path<'a>(at: *const c_char, step: Step) -> Result<Option<&'a CStr>> {
    if at.is_null() {
        return Ok(None);
    }
    // SAFETY: the caller's.
    let string = unsafe { CStr::from_ptr(at) };
    if string.count_bytes() >= libc::PATH_MAX as usize {
        return Err(Error::new(libc::ENAMETOOLONG, step));
    }
    Ok(Some(string))
}

/// An array, or None for NULL. A count without an array is EINVAL.
///
/// # Safety
/// `at` is NULL or points to `count` values that stay as they are for 'a.
pub unsafe fn array<'a, T>(at: *const T, count: usize) -> Result<Option<&'a [T]>> {
    if at.is_null() && count == 0 {
        return Ok(None);
    }
    let fits = count.checked_mul(size_of::<T>()).is_some_and(|size| size <= isize::MAX as usize);
    if at.is_null() || !fits || !at.is_aligned() {
        return Err(Error::new(libc::EINVAL, Step::Args));
    }
    // SAFETY: not NULL, aligned, and of a size that can be; the rest is the caller's.
    Ok(Some(unsafe { core::slice::from_raw_parts(at, count) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[repr(C)]
    struct Now {
        size: usize,
        first: u64,
        second: u64,
    }

    // SAFETY: integers.
    unsafe impl Extensible for Now {
        const OLDEST: usize = 16;
    }

    fn read(words: &[u64]) -> core::result::Result<Now, i32> {
        assert!(words[0] as usize <= words.len() * 8 || words[0] > 4096 || words[0] < 16);
        // SAFETY: as many bytes as the size says.
        unsafe { extensible(words.as_ptr().cast::<Now>()) }.map_err(|error| error.errno)
    }

    #[test]
    fn older_same_newer() {
        assert_eq!(read(&[16, 7]), Ok(Now { size: 16, first: 7, second: 0 }));
        assert_eq!(read(&[24, 7, 9]), Ok(Now { size: 24, first: 7, second: 9 }));
        assert_eq!(read(&[32, 7, 9, 0]), Ok(Now { size: 32, first: 7, second: 9 }));
    }

    #[test]
    fn what_cannot_be_understood() {
        assert_eq!(read(&[0]), Err(libc::EINVAL));
        assert_eq!(read(&[15, 7]), Err(libc::EINVAL));
        assert_eq!(read(&[20, 7, 0xffff_ffff_0000_0009]), Err(libc::EINVAL));
        assert_eq!(read(&[32, 7, 9, 1 << 56]), Err(libc::E2BIG));
        assert_eq!(read(&[4097]), Err(libc::E2BIG));
        assert_eq!(read(&[u64::MAX]), Err(libc::E2BIG));
    }

    #[test]
    fn null_and_empty_differ() {
        let one = [1u32];
        // SAFETY: NULL, or one that is there.
        unsafe {
            assert_eq!(array::<u32>(core::ptr::null(), 0), Ok(None));
            assert!(array::<u32>(core::ptr::null(), 1).is_err());
            assert_eq!(array(one.as_ptr(), 0), Ok(Some(&[][..])));
            assert_eq!(array(one.as_ptr(), 1), Ok(Some(&one[..])));
            assert!(array(one.as_ptr(), usize::MAX / 2).is_err());
        }
    }

    #[test]
    fn a_path_has_a_limit() {
        let long = std::ffi::CString::new(vec![b'x'; libc::PATH_MAX as usize]).unwrap();
        let fits = std::ffi::CString::new(vec![b'x'; libc::PATH_MAX as usize - 1]).unwrap();
        // SAFETY: strings.
        unsafe {
            assert_eq!(
                path(long.as_ptr(), Step::Chdir),
                Err(Error::new(libc::ENAMETOOLONG, Step::Chdir))
            );
            assert!(path(fits.as_ptr(), Step::Chdir).unwrap().is_some());
            assert_eq!(path(core::ptr::null(), Step::Chdir), Ok(None));
        }
    }
}
