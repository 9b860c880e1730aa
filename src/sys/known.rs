// SPDX-License-Identifier: BSD-3-Clause
//! Whether the kernel, and a filter, know a system call: each is made with arguments that cannot have an effect, and
//! its errno tells.

use super::{call3, check, syscall, Errno};
use core::ffi::CStr;

/// Whether the answer is of who knows the call, and refuses what it is asked.
fn is_known(result: Result<usize, Errno>) -> bool {
    !matches!(result, Err(libc::ENOSYS | libc::EPERM | libc::EACCES))
}

/// access(2).
pub fn is_there(path: &CStr) -> bool {
    let args = [libc::AT_FDCWD as usize, path.as_ptr() as usize, libc::F_OK as usize];
    // SAFETY: path is a string.
    unsafe { call3(libc::SYS_faccessat, args[0], args[1], args[2]) }.is_ok()
}

/// close_range(2): a range that ends before it begins.
pub fn close_range_is_known() -> bool {
    // SAFETY: no pointer.
    is_known(unsafe { call3(libc::SYS_close_range, 1, 0, 0) })
}

/// execveat(2): of no descriptor.
pub fn execveat_is_known() -> bool {
    let args = [usize::MAX, c"".as_ptr() as usize, 0, 0, libc::AT_EMPTY_PATH as usize, 0];
    // SAFETY: the path is a string, and without arguments and environment nothing is executed: there is no file.
    is_known(check(unsafe { syscall(libc::SYS_execveat as usize, args) }))
}

/// clone3(2) with CLONE_INTO_CGROUP: a thread without its parent's memory, which nobody makes. Who does not know the
/// field for the cgroup says E2BIG.
pub fn clone_into_cgroup_is_known() -> bool {
    const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;
    let cgroup = i32::MAX as u64;
    let flags = CLONE_INTO_CGROUP | libc::CLONE_THREAD as u64;
    let args = [flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, cgroup];
    let (at, size) = (args.as_ptr() as usize, core::mem::size_of_val(&args));
    // SAFETY: args is readable; there is no child.
    let result = unsafe { call3(libc::SYS_clone3, at, size, 0) };
    result == Err(libc::EINVAL)
}

/// seccomp(2): whether a filter can say "fail with an errno".
pub fn seccomp_is_known() -> bool {
    const GET_ACTION_AVAIL: usize = 2;
    let action = 0x0005_0000u32;
    // SAFETY: the action is readable.
    unsafe { call3(libc::SYS_seccomp, GET_ACTION_AVAIL, 0, &raw const action as usize) }.is_ok()
}

/// Of landlock(7); 0 without.
pub fn landlock_version() -> usize {
    const VERSION: usize = 1;
    // SAFETY: no attributes.
    unsafe { call3(libc::SYS_landlock_create_ruleset, 0, 0, VERSION) }.unwrap_or(0)
}

/// PR_SCHED_CORE of prctl(2): the cookie of this thread.
pub fn core_sched_is_known() -> bool {
    const SCHED_CORE: usize = 62;
    let mut cookie = 0u64;
    let args = [SCHED_CORE, 0, 0, 0, &raw mut cookie as usize, 0];
    // SAFETY: the cookie is writable.
    check(unsafe { syscall(libc::SYS_prctl as usize, args) }).is_ok()
}
