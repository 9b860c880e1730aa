// SPDX-License-Identifier: BSD-3-Clause
//! What the child may use and make: resource limits, umask; and what the kernel takes it for.

#![forbid(unsafe_code)]

use super::INVALID;
use crate::error::{Error, Result, Step};
use crate::list::numbers;

/// What is asked for; None, and what is not listed, keeps the caller's.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits<'a> {
    /// Resource limits.
    pub rlimits: &'a [Rlimit],
    /// Of the files that it makes.
    pub umask: Option<u32>,
    /// Who goes first when memory is short.
    pub oom_score_adj: Option<OomScoreAdj>,
    /// personality(2).
    pub personality: Option<u32>,
}

/// getrlimit(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Rlimit {
    /// RLIMIT_NOFILE and the like.
    pub resource: i32,
    /// Zero.
    pub reserved: u32,
    /// Soft and hard, as prlimit(2) reads them.
    pub limits: [u64; 2],
}

/// proc_pid_oom_score_adj(5): a number and what is written of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OomScoreAdj {
    text: [u8; 5],
    start: usize,
}

/// RLIM_NLIMITS of the kernel.
const RESOURCES: u32 = 16;
/// A permission for each bit.
const UMASK: u32 = 0o777;
/// personality(2) takes it for a question.
const NO_PERSONALITY: u32 = u32::MAX;

impl Limits<'_> {
    /// Refuses what no kernel takes, or what contradicts itself.
    pub fn check(&self) -> Result<()> {
        if self.umask.is_some_and(|umask| umask & !UMASK != 0)
            || self.personality == Some(NO_PERSONALITY)
        {
            return Err(INVALID);
        }
        let mut seen = 0u32;
        for (index, limit) in numbers().zip(self.rlimits) {
            let [soft, hard] = limit.limits;
            let number = u32::try_from(limit.resource).unwrap_or(RESOURCES);
            let bit = 1u32.checked_shl(number).unwrap_or(0);
            let is_new = number < RESOURCES && seen & bit == 0;
            if !is_new || limit.reserved != 0 || soft > hard {
                return Err(Error::at(libc::EINVAL, Step::Args, index));
            }
            seen |= bit;
        }
        Ok(())
    }
}

impl Rlimit {
    /// What is set before a privilege goes: neither less than the caller's `own` nor than wanted. None if
    /// that is what the caller has.
    pub fn raised(self, own: [u64; 2]) -> Option<Rlimit> {
        let ([soft, hard], [own_soft, own_hard]) = (self.limits, own);
        let limits = [soft.max(own_soft), hard.max(own_hard)];
        (limits != own).then_some(Rlimit { limits, ..self })
    }
}

impl OomScoreAdj {
    /// None: out of range.
    pub fn new(score: i32) -> Option<OomScoreAdj> {
        if !(-1000..=1000).contains(&score) {
            return None;
        }
        let (mut text, mut start, mut left) = ([0; 5], 5usize, score.unsigned_abs());
        for place in text.iter_mut().rev() {
            *place = b'0' + (left % 10) as u8;
            left /= 10;
            start = start.saturating_sub(1);
            if left == 0 {
                break;
            }
        }
        // Four digits at most: the first place is free.
        if score < 0 {
            start = start.saturating_sub(1);
            if let Some(place) = text.get_mut(start) {
                *place = b'-';
            }
        }
        Some(OomScoreAdj { text, start })
    }

    /// What is written.
    pub fn text(&self) -> &[u8] {
        self.text.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(resource: i32, soft: u64, hard: u64) -> Rlimit {
        Rlimit { resource, reserved: 0, limits: [soft, hard] }
    }

    #[test]
    fn a_score_as_text() {
        for score in -1000..=1000 {
            let text = OomScoreAdj::new(score).unwrap();
            assert_eq!(core::str::from_utf8(text.text()).unwrap(), score.to_string());
        }
        for score in [-1001, 1001, i32::MIN, i32::MAX] {
            assert_eq!(OomScoreAdj::new(score), None);
        }
    }

    #[test]
    fn first_up_then_down() {
        let wanted = |soft, hard| limit(7, soft, hard);
        let own = [10, 20];
        assert_eq!(wanted(10, 20).raised(own), None);
        assert_eq!(wanted(5, 20).raised(own), None);
        assert_eq!(wanted(5, 5).raised(own), None);
        assert_eq!(wanted(15, 20).raised(own), Some(wanted(15, 20)));
        assert_eq!(wanted(30, 30).raised(own), Some(wanted(30, 30)));
        assert_eq!(wanted(5, 30).raised(own), Some(wanted(10, 30)));
        assert_eq!(wanted(15, 15).raised(own), Some(wanted(15, 20)));
        assert_eq!(wanted(5, u64::MAX).raised(own), Some(wanted(10, u64::MAX)));
    }

    #[test]
    fn the_wrong_item_is_named() {
        let check = |rlimits: &[Rlimit]| {
            let limits = Limits { rlimits, ..Limits::default() };
            limits.check().err().map(|error| error.index)
        };
        assert_eq!(check(&[limit(0, 0, 0), limit(15, 1, u64::MAX), limit(7, 3, 3)]), None);
        assert_eq!(check(&[limit(0, 0, 0), limit(16, 0, 0)]), Some(1));
        assert_eq!(check(&[limit(-1, 0, 0)]), Some(0));
        assert_eq!(check(&[limit(i32::MAX, 0, 0)]), Some(0));
        assert_eq!(check(&[limit(1, 2, 1)]), Some(0));
        assert_eq!(check(&[limit(1, 0, 0), limit(2, 0, 0), limit(1, 0, 0)]), Some(2));
        assert_eq!(check(&[Rlimit { reserved: 1, ..limit(1, 0, 0) }]), Some(0));
    }
}
