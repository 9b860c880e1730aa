// SPDX-License-Identifier: BSD-3-Clause
//! Lists without a way to panic: nothing of the library may end its caller, so neither an entry that finds no
//! room nor the number of one may call abort(3). Pure.

#![forbid(unsafe_code)]

use alloc::vec::Vec;

/// Without memory, or what was reserved was too little. It is ENOMEM where there are errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl From<NoRoom> for i32 {
    fn from(_: NoRoom) -> i32 {
        libc::ENOMEM
    }
}

/// Vec::push and the like into room that was reserved before. That they grow is all the same what the compiler
/// sees, and growing aborts without memory; here what does not fit is an error.
pub trait Reserved<T> {
    /// As push.
    fn put(&mut self, value: T) -> Result<(), NoRoom>;
    /// As push where nothing was reserved.
    fn add(&mut self, value: T) -> Result<(), NoRoom>;
    /// As extend_from_slice.
    fn put_all(&mut self, values: &[T]) -> Result<(), NoRoom>
    where
        T: Copy;
}

impl<T> Reserved<T> for Vec<T> {
    #[inline]
    fn put(&mut self, value: T) -> Result<(), NoRoom> {
        if self.len() == self.capacity() {
            return Err(NoRoom);
        }
        self.push(value);
        Ok(())
    }

    fn add(&mut self, value: T) -> Result<(), NoRoom> {
        self.try_reserve(1).map_err(|_| NoRoom)?;
        self.put(value)
    }

    #[inline]
    fn put_all(&mut self, values: &[T]) -> Result<(), NoRoom>
    where
        T: Copy,
    {
        if self.spare_capacity_mut().len() < values.len() {
            return Err(NoRoom);
        }
        self.extend(values.iter().copied());
        Ok(())
    }
}

/// As Iterator::count.
pub fn count<T>(each: impl Iterator<Item = T>) -> usize {
    each.fold(0, |count: usize, _| count.saturating_add(1))
}

/// A list of that many.
pub fn filled<T: Copy>(count: usize, value: T) -> Result<Vec<T>, NoRoom> {
    let mut list = Vec::new();
    list.try_reserve_exact(count).map_err(|_| NoRoom)?;
    let room = list.spare_capacity_mut().len();
    list.extend(core::iter::repeat_n(value, count.min(room)));
    Ok(list)
}

/// The numbers of a list's entries as an `Error` has them: 0, 1 and so on. The last is that of all beyond it; lists
/// that long are refused.
pub fn numbers() -> impl Iterator<Item = i32> + Clone {
    core::iter::successors(Some(0i32), |number| Some(number.saturating_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_list_grows() {
        let mut list: Vec<u8> = Vec::new();
        assert_eq!(list.put(1), Err(NoRoom));
        assert_eq!(i32::from(NoRoom), libc::ENOMEM);
        list.reserve_exact(3);
        let most = list.capacity();
        list.put(1).unwrap();
        assert_eq!(list.put_all(&vec![2; most]), Err(NoRoom));
        list.put_all(&vec![2; most - 1]).unwrap();
        assert_eq!(list.put(3), Err(NoRoom));
        assert_eq!((list.len(), list.capacity()), (most, most));
        list.add(3).unwrap();
        assert_eq!((list[most], count(list.iter())), (3, most + 1));
    }

    #[test]
    fn as_many_as_wanted_or_none() {
        assert_eq!(filled(3, 7), Ok(vec![7; 3]));
        assert_eq!(filled(0, 7), Ok(vec![]));
        assert_eq!(filled(usize::MAX, 7u64), Err(NoRoom));
    }

    #[test]
    fn numbers_end_nowhere() {
        assert!(numbers().take(3).eq([0, 1, 2]));
    }
}
