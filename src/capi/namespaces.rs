// SPDX-License-Identifier: BSD-3-Clause
//! `fe_namespaces`.

use super::read::{array, extensible, Extensible};
use super::types::*;
use crate::attr::{Join, Namespaces};
use crate::error::{Error, Result, Step};
use crate::procfs::Text;
use core::mem::{align_of, offset_of, size_of};
use libc::timespec;

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

// SAFETY: integers and raw pointers.
unsafe impl Extensible for fe_namespaces {
    const OLDEST: usize = 48;
}

/// Those of `at`, which is not NULL; `text` is for the offsets.
///
/// # Safety
/// As fe_spawn.
#[inline(never)] // for size
pub unsafe fn namespaces<'a>(
    at: *const fe_namespaces,
    text: &'a mut Text,
) -> Result<Namespaces<'a>> {
    const {
        assert!(size_of::<fe_join>() == size_of::<Join>());
        assert!(align_of::<fe_join>() == align_of::<Join>());
        assert!(offset_of!(fe_join, nstype) == offset_of!(Join, kinds));
    }
    // SAFETY: the caller's; the two types are the same two words.
    let (given, joins) = unsafe {
        let given = extensible(at)?;
        (given, array(given.joins.cast::<Join>(), given.njoins)?)
    };
    // SAFETY: the caller's.
    let offsets = unsafe { (given.monotonic_offset.as_ref(), given.boottime_offset.as_ref()) };
    let has_offsets = offsets.0.is_some() || offsets.1.is_some();
    for (name, offset) in [(&b"monotonic "[..], offsets.0), (b"boottime ", offsets.1)] {
        if let Some(offset) = offset {
            push_offset(text, name, offset)?;
        }
    }
    text.push(b"\0");
    let time_offsets = if has_offsets { Some(text.as_c_str().ok_or(INVALID)?) } else { None };
    Ok(Namespaces { joins: joins.unwrap_or_default(), unshare: given.unshare, time_offsets })
}

/// A line of /proc/self/timens_offsets.
fn push_offset(text: &mut Text, name: &[u8], offset: &timespec) -> Result<()> {
    let seconds = u32::try_from(offset.tv_sec.unsigned_abs()).map_err(|_| INVALID)?;
    let nanoseconds = u32::try_from(offset.tv_nsec).map_err(|_| INVALID)?;
    if nanoseconds >= 1_000_000_000 {
        return Err(INVALID);
    }
    text.push(name);
    if offset.tv_sec < 0 {
        text.push(b"-");
    }
    text.push_number(seconds);
    text.push(b" ");
    text.push_number(nanoseconds);
    text.push(b"\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_0_is_frozen() {
        assert_eq!(size_of::<fe_namespaces>(), 48);
        assert_eq!(size_of::<fe_join>(), 8);
    }

    #[test]
    fn offsets() {
        let at = |tv_sec, tv_nsec| timespec { tv_sec, tv_nsec };
        let mut text = Text::new();
        push_offset(&mut text, b"monotonic ", &at(-4_000_000_000, 999_999_999)).unwrap();
        push_offset(&mut text, b"boottime ", &at(4_000_000_000, 999_999_999)).unwrap();
        let wanted = b"monotonic -4000000000 999999999\nboottime 4000000000 999999999\n";
        assert_eq!(text.as_bytes(), wanted);
        assert!(push_offset(&mut text, b"", &at(0, -1)).is_err());
        assert!(push_offset(&mut text, b"", &at(0, 1_000_000_000)).is_err());
        assert!(push_offset(&mut text, b"", &at(1 << 32, 0)).is_err());
    }
}
