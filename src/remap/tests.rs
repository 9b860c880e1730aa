// SPDX-License-Identifier: BSD-3-Clause
//! The moves against the model.

use super::model::{check, Table, SIZE};
use super::*;

/// Every table of up to 5 targets drawn from {-1, 0..6}, on every open set of 0..7 that holds the
/// sources.
#[test]
#[cfg_attr(miri, ignore = "takes Miri hours")]
fn every_small_table() {
    let mut checked = 0u64;
    for n in 0..=5u32 {
        for code in 0..8u64.pow(n) {
            let files: Vec<i32> = (0..n).map(|i| (code / 8u64.pow(i) % 8) as i32 - 1).collect();
            let need = files.iter().filter(|f| **f >= 0).fold(0u32, |set, f| set | 1 << f);
            for open in 0..1u32 << 7 {
                if open & need != need {
                    continue;
                }
                let mut table: Table = [None; SIZE];
                for fd in (0..7).filter(|fd| open & 1 << fd != 0) {
                    table[fd as usize] = Some((100 + fd, true));
                }
                check(&table, &files);
                checked += 1;
            }
        }
    }
    assert_eq!(checked, 563_232, "open sets and tables");
}

/// A small generator (xorshift), so that a failure can be repeated by its seed.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % n
    }
}

#[test]
#[cfg_attr(miri, ignore = "takes Miri hours")]
fn random_large_tables() {
    for seed in 1..=100_000u64 {
        let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        random.below(1);
        let mut table: Table = [None; SIZE];
        let mut open = Vec::new();
        let limit = 2 + random.below(70) as usize;
        for (fd, place) in table.iter_mut().enumerate().take(limit) {
            if random.below(4) != 0 {
                *place = Some((1000 + fd as i32, random.below(2) == 0));
                open.push(fd as i32);
            }
        }
        let n = random.below(limit as u64 + 1) as usize;
        // Permutations and few duplicates for one half, so that long cycles are met.
        let mut files = open.clone();
        for i in (1..files.len()).rev() {
            files.swap(i, random.below(i as u64 + 1) as usize);
        }
        files.truncate(n);
        while files.len() < n {
            files.push(-1);
        }
        if seed % 2 == 0 && !open.is_empty() {
            for file in &mut files {
                match random.below(3) {
                    0 => *file = open[random.below(open.len() as u64) as usize],
                    1 if random.below(3) == 0 => *file = -1,
                    _ => {}
                }
            }
        }
        check(&table, &files);
    }
}

#[test]
fn a_cycle_of_64_takes_one_temporary() {
    let files: Vec<i32> = (0..64).map(|i| (i + 1) % 64).collect();
    let moves = moves(&files).unwrap();
    assert_eq!(moves.len(), 65);
    assert_eq!(moves.iter().filter(|m| matches!(m, Move::Save { .. })).count(), 1);
}

#[test]
fn nothing_but_what_is_needed() {
    assert_eq!(moves(&[0, 1, 2]).unwrap(), [Move::Keep(0), Move::Keep(1), Move::Keep(2)]);
    assert_eq!(
        moves(&[5, -1]).unwrap(),
        [Move::Dup { from: 5, to: 0 }, Move::Close(1), Move::Close(2)]
    );
    assert_eq!(moves(&[]).unwrap(), [Move::Close(0), Move::Close(1), Move::Close(2)]);
}
