// SPDX-License-Identifier: BSD-3-Clause
//! The maps of a new user namespace, written by the parent while the child waits:
//! user_namespaces(7).

#![forbid(unsafe_code)]

use super::newidmap;
use crate::attr::{IdMap, IdMaps};
use crate::error::{Error, Result, Step};
use crate::list::Reserved;
use crate::procfs::{is_ours, Text};
use crate::sys;
use alloc::vec::Vec;
use core::ffi::CStr;

/// Three numbers of ten digits, two blanks and a newline.
const LINE: usize = 33;

/// Writes those of `pid`.
pub fn write(pid: i32, maps: &IdMaps<'_>) -> Result<()> {
    // In a /proc of another pid namespace the files would be a stranger's.
    let at_first =
        |errno| Error::new(errno, if maps.uid.is_empty() { Step::GidMap } else { Step::UidMap });
    if !is_ours().map_err(at_first)? {
        return Err(at_first(libc::ENOENT));
    }
    let helper = |name| maps.by_helpers.then_some(name);
    write_map(pid, b"/uid_map\0", maps.uid, Step::UidMap, helper(c"newuidmap"))?;
    if maps.denies_setgroups() {
        // Since Linux 3.19 an unprivileged process must give up setgroups before it may write
        // gid_map. Before, there is no such file, and no need.
        match write_file(pid, b"/setgroups\0", b"deny") {
            Ok(()) | Err(libc::ENOENT) => {}
            Err(errno) => return Err(Error::new(errno, Step::SetgroupsDeny)),
        }
    }
    write_map(pid, b"/gid_map\0", maps.gid, Step::GidMap, helper(c"newgidmap"))
}

fn write_map(
    pid: i32,
    file: &[u8],
    map: &[IdMap],
    step: Step,
    helper: Option<&CStr>,
) -> Result<()> {
    if map.is_empty() {
        return Ok(());
    }
    let mut lines = Vec::new();
    let size = map.len().saturating_mul(LINE);
    lines.try_reserve_exact(size).map_err(|_| Error::NO_MEMORY)?;
    for line in map {
        let mut text = Text::new();
        text.push_number(line.container_id);
        text.push(b" ");
        text.push_number(line.host_id);
        text.push(b" ");
        text.push_number(line.size);
        text.push(b"\n");
        lines.put_all(text.as_bytes())?;
    }
    let written = match (write_file(pid, file, &lines), helper) {
        (Err(libc::EPERM), Some(helper)) => match newidmap::write(helper, pid, map) {
            Ok(()) if is_written(pid, file) => Ok(()),
            Ok(()) => Err(libc::EPERM),
            Err(errno) => Err(errno),
        },
        (written, _) => written,
    };
    written.map_err(|errno| Error::new(errno, step))
}

/// A map can be written once; before, it is empty.
fn is_written(pid: i32, file: &[u8]) -> bool {
    let path = path(pid, file);
    let file = path.as_c_str().ok_or(libc::EINVAL).and_then(|path| sys::open(path, libc::O_RDONLY));
    file.and_then(|file| sys::read(&file, &mut [0])) == Ok(1)
}

fn path(pid: i32, file: &[u8]) -> Text {
    let mut path = Text::new();
    path.push(b"/proc/");
    path.push_number(pid as u32);
    path.push(file);
    path
}

/// In one write, as the kernel wants it.
fn write_file(pid: i32, file: &[u8], bytes: &[u8]) -> core::result::Result<(), sys::Errno> {
    let path = path(pid, file);
    let file = sys::open(path.as_c_str().ok_or(libc::EINVAL)?, libc::O_WRONLY)?;
    match sys::write(&file, bytes) {
        Ok(written) if written == bytes.len() => Ok(()),
        Ok(_) => Err(libc::EIO),
        Err(errno) => Err(errno),
    }
}
