// SPDX-License-Identifier: BSD-3-Clause
//! What the child may do: capabilities(7) and securebits. Sets are masks: bit 0 is capability 0.

#![forbid(unsafe_code)]

use super::INVALID;
use crate::error::Result;

/// None keeps what the child has anyway.
#[derive(Clone, Copy, Debug, Default)]
pub struct Privileges {
    /// What stays of the bounding set.
    pub bounding: Option<u64>,
    /// The inheritable set.
    pub inheritable: Option<u64>,
    /// The permitted set, until exec.
    pub permitted: Option<u64>,
    /// The effective set, until exec.
    pub effective: Option<u64>,
    /// The ambient set.
    pub ambient: Option<u64>,
    /// Securebits.
    pub securebits: Option<u32>,
}

impl Privileges {
    /// Refuses what the kernel would refuse, or cut down without a word, whoever asks.
    pub fn check(&self) -> Result<()> {
        let all = u64::MAX;
        let (ambient, effective) = (self.ambient.unwrap_or(0), self.effective.unwrap_or(0));
        let permitted = self.permitted.unwrap_or(all);
        let within = ambient & !self.inheritable.unwrap_or(all) == 0
            && (ambient | effective) & !permitted == 0;
        if within {
            Ok(())
        } else {
            Err(INVALID)
        }
    }

    /// Those that must be known to the kernel, since it would leave out the others without a word. Of
    /// the bounding set one that is not known has nothing to lose.
    pub fn named(&self) -> u64 {
        let sets = [self.inheritable, self.permitted, self.effective, self.ambient];
        sets.into_iter().flatten().fold(0, |all, set| all | set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_within_a_set() {
        let none = Privileges::default();
        assert!(none.check().is_ok());
        let ambient = Privileges { ambient: Some(6), ..none };
        assert!(ambient.check().is_ok());
        assert!(Privileges { inheritable: Some(7), permitted: Some(6), ..ambient }.check().is_ok());
        assert!(Privileges { inheritable: Some(2), ..ambient }.check().is_err());
        assert!(Privileges { permitted: Some(4), ..ambient }.check().is_err());
        assert!(Privileges { bounding: Some(0), ..ambient }.check().is_ok());
        let effective = Privileges { effective: Some(6), ..none };
        assert!(effective.check().is_ok());
        assert!(Privileges { permitted: Some(2), ..effective }.check().is_err());
    }

    #[test]
    fn the_bounding_set_names_nothing() {
        let all = Privileges {
            bounding: Some(u64::MAX),
            inheritable: Some(1),
            permitted: Some(2),
            effective: Some(4),
            ambient: Some(8),
            securebits: Some(16),
        };
        assert_eq!(all.named(), 15);
        assert_eq!(Privileges::default().named(), 0);
    }
}
