// SPDX-License-Identifier: BSD-3-Clause
//! What the moves are compared with: a table of descriptors with contents and close-on-exec flags.

use super::*;

/// Descriptor -> (content, close-on-exec).
pub type Table = [Option<(i32, bool)>; SIZE];
/// No descriptor is as high.
pub const SIZE: usize = 80;

fn lowest_free(table: &Table) -> usize {
    table.iter().position(Option::is_none).expect("the model's table is full")
}

fn run(table: &Table, moves: &[Move]) -> Table {
    let mut table = *table;
    let mut temporary = None;
    for m in moves {
        match *m {
            Move::Keep(fd) => table[fd as usize].as_mut().expect("kept one is open").1 = false,
            Move::Dup { from, to } => {
                assert_ne!(from, to);
                let (content, _) = table[from as usize].expect("source is open");
                table[to as usize] = Some((content, false));
            }
            Move::Save { from } => {
                assert_eq!(temporary, None, "one temporary at a time");
                let at = lowest_free(&table);
                table[at] = Some((table[from as usize].expect("source is open").0, true));
                temporary = Some(at);
            }
            Move::Restore { to } => {
                let at = temporary.take().expect("a temporary");
                table[to as usize] = Some((table[at].expect("it is open").0, false));
                table[at] = None;
            }
            Move::Close(fd) => table[fd as usize] = None,
        }
    }
    assert_eq!(temporary, None);
    table
}

/// What the seed's documentation promises, by looking at each descriptor on its own.
fn wanted(table: &Table, files: &[i32]) -> Table {
    let mut after = *table;
    for (fd, place) in after.iter_mut().enumerate().take(files.len().max(STDIO)) {
        let source = files.get(fd).copied().unwrap_or(-1);
        *place = usize::try_from(source).ok().map(|s| (table[s].expect("open").0, false));
    }
    after
}

/// The moves for `files` do to the table what they are to do.
pub fn check(table: &Table, files: &[i32]) {
    let moves = moves(files).unwrap();
    assert_eq!(run(table, &moves), wanted(table, files), "{files:?} by {moves:?}");
    let most = files.len() + files.len() / 2 + STDIO;
    assert!(moves.len() <= most && moves.capacity() >= moves.len(), "{files:?}: {moves:?}");
}
