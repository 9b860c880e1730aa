// SPDX-License-Identifier: BSD-3-Clause
//! `fe_privileges` and `fe_sandbox`, read and refused.

use super::read::{array, extensible, Extensible};
use super::types::*;
use crate::attr::{Filter, Instruction, Landlock, Privileges, Restrictions};
use crate::error::{Error, Result, Step};

// SAFETY: integers.
unsafe impl Extensible for fe_privileges {
    const OLDEST: usize = 64;
}

// SAFETY: integers and a raw pointer.
unsafe impl Extensible for fe_sandbox {
    const OLDEST: usize = 48;
}

const INVALID: Error = Error::new(libc::EINVAL, Step::Args);

const SETS: u64 = FE_PRIVILEGES_BOUNDING
    | FE_PRIVILEGES_INHERITABLE
    | FE_PRIVILEGES_PERMITTED
    | FE_PRIVILEGES_EFFECTIVE
    | FE_PRIVILEGES_AMBIENT
    | FE_PRIVILEGES_SECUREBITS;

/// # Safety
/// As fe_spawn; not NULL.
unsafe fn privileges(at: *const fe_privileges) -> Result<Privileges> {
    // SAFETY: the caller's.
    let from = unsafe { extensible(at) }?;
    if from.flags & !SETS != 0 || from.reserved != 0 {
        return Err(INVALID);
    }
    // A set without its flag is a flag forgotten.
    let set = |flag: u64, set: u64| match (from.flags & flag != 0, set) {
        (true, set) => Ok(Some(set)),
        (false, 0) => Ok(None),
        (false, _) => Err(INVALID),
    };
    let securebits = set(FE_PRIVILEGES_SECUREBITS, from.securebits.into())?;
    Ok(Privileges {
        bounding: set(FE_PRIVILEGES_BOUNDING, from.bounding)?,
        inheritable: set(FE_PRIVILEGES_INHERITABLE, from.inheritable)?,
        permitted: set(FE_PRIVILEGES_PERMITTED, from.permitted)?,
        effective: set(FE_PRIVILEGES_EFFECTIVE, from.effective)?,
        ambient: set(FE_PRIVILEGES_AMBIENT, from.ambient)?,
        securebits: securebits.map(|bits| bits as u32),
    })
}

/// # Safety
/// As fe_spawn.
#[inline(never)] // for size
pub unsafe fn restrictions<'a>(attr: &fe_attr) -> Result<Restrictions<'a>> {
    let mut all =
        Restrictions { no_new_privs: attr.flags & FE_NO_NEW_PRIVS != 0, ..Restrictions::default() };
    // SAFETY: the caller's.
    unsafe {
        if !attr.privileges.is_null() {
            all.privileges = Some(privileges(attr.privileges)?);
        }
        if !attr.sandbox.is_null() {
            (all.landlock, all.filter) = sandbox(attr.sandbox)?;
        }
    }
    Ok(all)
}

/// # Safety
/// As fe_spawn; not NULL.
unsafe fn sandbox<'a>(at: *const fe_sandbox) -> Result<(Option<Landlock>, Option<Filter<'a>>)> {
    const {
        assert!(size_of::<Instruction>() == size_of::<libc::sock_filter>());
        assert!(align_of::<Instruction>() == align_of::<libc::sock_filter>());
    }
    // SAFETY: the caller's.
    let from = unsafe { extensible(at) }?;
    let (has_filter, has_landlock) =
        (!from.filter.is_null(), from.flags & FE_SANDBOX_LANDLOCK != 0);
    let bad = from.flags & !FE_SANDBOX_LANDLOCK != 0
        || from.reserved != 0
        || from.filter_flags != 0 && !has_filter
        || (from.landlock != 0 || from.landlock_flags != 0) && !has_landlock;
    if bad {
        return Err(INVALID);
    }
    let landlock = Landlock { fd: from.landlock, flags: from.landlock_flags };
    // SAFETY: the caller's; an Instruction is a struct sock_filter.
    let code = unsafe { array(from.filter.cast::<Instruction>(), from.nfilter) }?;
    let filter = code.map(|code| Filter { code, flags: from.filter_flags });
    Ok((has_landlock.then_some(landlock), filter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_0_is_frozen() {
        assert_eq!(<fe_privileges as Extensible>::OLDEST, 64);
        assert_eq!(<fe_sandbox as Extensible>::OLDEST, 48);
        assert_eq!((size_of::<fe_privileges>(), size_of::<fe_sandbox>()), (64, 48));
    }
}
