// SPDX-License-Identifier: BSD-3-Clause
//! The seed's pass 1 and pass 2: from the table that is wanted to the moves that make it. Pure.
//!
//! Target `i` is to become a duplicate of the source `files[i]`, all at once. The seed first moved
//! every source out of the way, up to numbers that nobody had checked to be free. Here a target is
//! filled only when no other target still needs what it holds: chains of targets in the order that
//! makes this true, then cycles, each broken by one temporary at the lowest free number. So nothing
//! that isn't named is ever touched, and no number beyond the wanted ones is needed but a cycle's
//! temporary.
//!
//! By the time a cycle asks for its temporary, every wanted target outside the cycles is filled and
//! those inside are open, so the lowest free number cannot be one that a later move fills.

#![forbid(unsafe_code)]

use crate::error::{Error, Result};
use crate::list::{numbers, Reserved};
use alloc::vec::Vec;

/// A step of the shuffle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Target keeps what it has and loses close-on-exec.
    Keep(i32),
    /// dup3(from, to, 0).
    Dup {
        /// Source.
        from: i32,
        /// Target.
        to: i32,
    },
    /// The temporary becomes a duplicate of `from`, at the lowest free number, close-on-exec.
    Save {
        /// Source: a target of the cycle that follows.
        from: i32,
    },
    /// dup3(temporary, to, 0), and the temporary is closed.
    Restore {
        /// Target.
        to: i32,
    },
    /// Target is closed; it need not be open.
    Close(i32),
}

/// 0, 1 and 2 are closed when the list does not reach them.
pub const STDIO: usize = 3;

/// Target `i` gets its source by the moves in their order. `files` are -1 or descriptors, and no
/// more than i32::MAX of them.
pub fn moves(files: &[i32]) -> Result<Vec<Move>> {
    let mut moves = Vec::new();
    // A move for each target, and a Save for each cycle, which has two targets at least.
    let most = files.len().saturating_add(files.len() / 2).saturating_add(STDIO);
    moves.try_reserve_exact(most).map_err(|_| Error::NO_MEMORY)?;
    let mut waiting = Waiting::new(files)?;

    for (to, &from) in numbered(files) {
        if from == to {
            moves.put(Move::Keep(to))?;
        }
    }
    for start in 0..files.len() {
        let mut next = Some(start);
        // Filling one target may free the one that it was filled from.
        while let Some((from, to)) = next.and_then(|to| waiting.take_ready(to)) {
            moves.put(Move::Dup { from, to })?;
            next = usize::try_from(from).ok();
        }
    }
    for start in 0..files.len() {
        let Some((mut from, mut to)) = waiting.take(start) else { continue };
        let first = to;
        moves.put(Move::Save { from: first })?;
        while from != first {
            moves.put(Move::Dup { from, to })?;
            let Some(next) = usize::try_from(from).ok().and_then(|to| waiting.take(to)) else {
                break;
            };
            (from, to) = next;
        }
        moves.put(Move::Restore { to })?;
    }
    for (to, &from) in numbered(files) {
        if from == -1 {
            moves.put(Move::Close(to))?;
        }
    }
    for to in files.len()..STDIO {
        moves.put(Move::Close(to as i32))?;
    }
    Ok(moves)
}

fn numbered(files: &[i32]) -> impl Iterator<Item = (i32, &i32)> {
    numbers().zip(files)
}

/// The targets that are still to be filled from somewhere else.
struct Waiting<'a> {
    files: &'a [i32],
    /// How many unfilled targets need what target i holds; FILLED once it is filled or needs
    /// nothing.
    needed: Vec<u32>,
}

const FILLED: u32 = u32::MAX;

impl<'a> Waiting<'a> {
    fn new(files: &'a [i32]) -> Result<Self> {
        let mut needed = Vec::new();
        needed.try_reserve_exact(files.len()).map_err(|_| Error::NO_MEMORY)?;
        for (to, &from) in numbered(files) {
            needed.put(if from == to || from < 0 { FILLED } else { 0 })?;
        }
        let mut waiting = Waiting { files, needed };
        for (to, &from) in numbered(files) {
            if from != to {
                if let Some(count) = waiting.count(from) {
                    *count = count.saturating_add(1);
                }
            }
        }
        Ok(waiting)
    }

    /// The count of a target that is unfilled.
    fn count(&mut self, target: i32) -> Option<&mut u32> {
        let count = self.needed.get_mut(usize::try_from(target).ok()?)?;
        (*count != FILLED).then_some(count)
    }

    /// Takes `to` for filling: its source and itself.
    fn take(&mut self, to: usize) -> Option<(i32, i32)> {
        let from = *self.files.get(to)?;
        let to = i32::try_from(to).ok()?;
        *self.count(to)? = FILLED;
        if let Some(count) = self.count(from) {
            *count = count.saturating_sub(1);
        }
        Some((from, to))
    }

    /// The same if nobody needs any more what `to` holds.
    fn take_ready(&mut self, to: usize) -> Option<(i32, i32)> {
        match self.needed.get(to) {
            Some(0) => self.take(to),
            _ => None,
        }
    }
}

#[cfg(any(test, fuzzing))]
pub mod model;
#[cfg(test)]
mod tests;
