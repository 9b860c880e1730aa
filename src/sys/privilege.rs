// SPDX-License-Identifier: BSD-3-Clause
//! The capabilities of the calling thread.

use super::{call3, Errno};

/// Sets of capabilities: bit 0 is capability 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sets {
    /// What it may make effective.
    pub permitted: u64,
    /// What it has.
    pub effective: u64,
    /// What a program may get of it.
    pub inheritable: u64,
}

/// Of capget(2) and capset(2): sets of 64 bits.
pub const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// capget(2).
pub fn capabilities() -> Result<Sets, Errno> {
    let header = [CAPABILITY_VERSION, 0];
    let mut data = [[0u32; 3]; 2];
    // SAFETY: the header is readable and writable by type, the data has room for the two halves.
    unsafe {
        call3(libc::SYS_capget, &raw const header as usize, data.as_mut_ptr() as usize, 0)?;
    }
    let [low, high] = data;
    let set = |low: u32, high: u32| u64::from(low) | u64::from(high) << 32;
    Ok(Sets {
        effective: set(low[0], high[0]),
        permitted: set(low[1], high[1]),
        inheritable: set(low[2], high[2]),
    })
}

/// The highest capability that the kernel knows: PR_CAPBSET_READ of prctl(2), which does without /proc.
pub fn last_capability() -> Result<u32, Errno> {
    let read = |capability: u32| {
        // SAFETY: no pointer.
        unsafe { call3(libc::SYS_prctl, libc::PR_CAPBSET_READ as usize, capability as usize, 0) }
    };
    read(0)?;
    let (mut known, mut unknown) = (0u32, 64u32);
    while known.saturating_add(1) < unknown {
        let middle = known.midpoint(unknown);
        match read(middle) {
            Ok(_) => known = middle,
            Err(libc::EINVAL) => unknown = middle,
            // A filter's: none is to be left out for that.
            Err(errno) => return Err(errno),
        }
    }
    Ok(known)
}
