// SPDX-License-Identifier: BSD-3-Clause
//! Why a program that is open could not be executed: execve(2) says ENOENT, as for a file that is
//! not there, when a script was given by a descriptor which is closed by the time its interpreter
//! wants to read it (execveat(2), BUGS).

#![forbid(unsafe_code)]

use super::Failed;
use crate::attr::{Attr, Program};
use crate::error::{Error, Step};
use crate::plan::Caller;
use crate::procfs::Text;
use crate::sys;
use core::ffi::CStr;

/// Puts the blame for that on the descriptor.
pub fn explain(failed: Failed, attr: &Attr<'_>, caller: &Caller) -> Failed {
    if failed.error.is_not_found() && is_closed_script(attr, caller) {
        let error = Error::new(failed.error.errno, Step::ScriptFd);
        return Failed { error, ..failed };
    }
    failed
}

/// Whether the program is such a script.
pub fn is_closed_script(attr: &Attr<'_>, caller: &Caller) -> bool {
    (caller.execfd_cloexec || attr.close_others) && is_script(attr.program)
}

/// Whether the file begins with "#!", if it can be read.
fn is_script(program: Program<'_>) -> bool {
    let mut start = [0; 2];
    // What exec takes for a program is a plain file: to open it has no effect.
    let flags = libc::O_RDONLY | libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut read_at = |dir, path: &CStr| {
        sys::open_at(dir, path, flags).and_then(|file| sys::pread(file.number(), &mut start))
    };
    let read = match program {
        Program::Fd(fd) => {
            // It may not be open for reading, or for nothing at all (O_PATH).
            let mut path = Text::new();
            path.push(b"/proc/self/fd/");
            path.push_number(fd as u32);
            path.push(b"\0");
            let read = path.as_c_str().map_or(Err(0), |path| read_at(libc::AT_FDCWD, path));
            // Without /proc.
            read.or_else(|_| sys::pread(fd, &mut start))
        }
        // An absolute one has nothing to do with the directory.
        Program::At { path, .. } if path.to_bytes().starts_with(b"/") => return false,
        Program::At { dir, path } => read_at(dir, path),
        Program::Path(_) | Program::Search { .. } => return false,
    };
    read == Ok(2) && start == *b"#!"
}
