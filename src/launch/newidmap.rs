// SPDX-License-Identifier: BSD-3-Clause
//! Maps of ranges that the caller may not write, but newuidmap(1) and newgidmap(1) may, which are set-user-ID
//! and have a list of who may have which (subuid(5)). They are looked for in the caller's PATH.

#![forbid(unsafe_code)]

use crate::attr::{Attr, CStrArray, IdMap, Program};
use crate::process::Process;
use crate::procfs::Text;
use crate::redirect::{Ends, NULL};
use crate::sys::{self, Errno, Strings};
use core::ffi::CStr;

/// Has `helper` write the map of `pid`, and waits for it. Whether it has is for the caller to see: its status may
/// go to another thread's wait.
pub fn write(helper: &CStr, pid: i32, map: &[IdMap]) -> Result<(), Errno> {
    let mut strings = Strings::default();
    let mut fits = strings.push(helper);
    let numbers = map.iter().flat_map(|line| [line.container_id, line.host_id, line.size]);
    for number in core::iter::once(pid as u32).chain(numbers) {
        let mut text = Text::new();
        text.push_number(number);
        text.push(b"\0");
        fits = fits && strings.push(text.as_c_str().unwrap_or_default());
    }
    let argv = strings.array().filter(|_| fits).ok_or(libc::ENOMEM)?;
    // A program with more privileges than its user does not run what that user's PATH has for it.
    let list = sys::secure_path_variable().unwrap_or(c"/usr/bin:/bin");
    let program = Program::Search { name: helper, list: Some(list) };
    let attr = Attr {
        files: Some(&[NULL; 3]),
        close_others: true,
        // Those of the calling thread are all blocked by now.
        sigmask: Some(0),
        ..Attr::new(program, argv, CStrArray::environ())
    };
    let spawned = super::spawn(&attr, &mut Ends::default());
    let (started, _blocked) = spawned.map_err(|failed| failed.error.errno)?;
    let _ = Process { pid: started.pid, pidfd: None, traced: false }.wait(-1, None);
    Ok(())
}
