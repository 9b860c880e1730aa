// SPDX-License-Identifier: BSD-3-Clause
//! Who is in a cgroup (version 2) and in those below it: cgroups(7).

#![forbid(unsafe_code)]

use crate::list::Reserved;
use crate::procfs::Entries;
use crate::sys::{self, Errno, Fd};
use alloc::vec::Vec;

/// How far down it is looked. Deeper ones are an error, and take stack.
const DEPTH: u32 = 16;

/// Kills all of them at once (Linux 5.14).
pub fn kill(dir: i32) -> Result<(), Errno> {
    let file = sys::open_at(dir, c"cgroup.kill", libc::O_WRONLY)?;
    sys::write(&file, b"1").map(drop)
}

/// Those that there are now, but for zombies and those in other pid namespaces.
pub fn members(dir: i32) -> Result<Vec<i32>, Errno> {
    let mut pids = Vec::new();
    add_down_to(DEPTH, dir, &mut pids)?;
    Ok(pids)
}

fn add_down_to(depth: u32, dir: i32, pids: &mut Vec<i32>) -> Result<(), Errno> {
    let list = sys::open_at(dir, c"cgroup.procs", libc::O_RDONLY);
    match list.and_then(|list| add_numbers(&list, pids)) {
        Ok(()) => {}
        // Those of a threaded one are in the list of its domain, above it.
        Err(libc::EOPNOTSUPP) => {}
        // It was removed, so it was empty.
        Err(libc::ENOENT | libc::ENODEV) => return Ok(()),
        Err(errno) => return Err(errno),
    }
    let list = sys::open_at(dir, c".", libc::O_RDONLY | libc::O_DIRECTORY)?;
    let mut entries = Entries::of(list);
    while let Some((name, kind)) = entries.next()? {
        if kind != libc::DT_DIR || matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        match (sys::open_at(dir, name, libc::O_PATH | libc::O_DIRECTORY), depth) {
            (Err(libc::ENOENT | libc::ENODEV), _) => {}
            (Ok(_), 0) => return Err(libc::ELOOP),
            (Ok(below), _) => add_down_to(depth - 1, below.number(), pids)?,
            (Err(errno), _) => return Err(errno),
        }
    }
    Ok(())
}

/// Numbers, a line each. Those of processes that cannot be named here are 0.
fn add_numbers(list: &Fd, pids: &mut Vec<i32>) -> Result<(), Errno> {
    let mut buffer = [0; 512];
    let mut number = 0i32;
    loop {
        let got = sys::read(list, &mut buffer)?;
        if got == 0 {
            return Ok(());
        }
        for byte in buffer.iter().take(got) {
            if byte.is_ascii_digit() {
                number = number.wrapping_mul(10).wrapping_add(i32::from(byte - b'0'));
                continue;
            }
            if number > 0 {
                pids.add(number)?;
            }
            number = 0;
        }
    }
}
