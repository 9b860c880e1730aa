// SPDX-License-Identifier: BSD-3-Clause
//! System calls, one thin typed function each.
//!
//! All are raw: libc's wrappers are cancellation points, and a cancelled thread would skip the
//! drops that close and unmap. libc's signal calls also leave out the two signals that it keeps for
//! itself.

#![allow(unsafe_code)] // the kernel's interface

#[cfg_attr(miri, path = "sys/miri.rs")]
#[cfg_attr(all(target_arch = "x86_64", not(miri)), path = "sys/x86_64.rs")]
#[cfg_attr(all(target_arch = "aarch64", not(miri)), path = "sys/aarch64.rs")]
mod arch;
mod fd;
mod known;
mod memory;
mod privilege;
mod signal;
mod stream;
mod tty;
mod wait;

pub(crate) use arch::enter;
pub use arch::{clone, syscall};
pub use fd::*;
pub use known::*;
#[cfg(test)]
pub use memory::c_str_array_for_tests;
pub use memory::{try_box, CStrArray, SharedPage, Stack, Strings};
pub use privilege::*;
pub use signal::*;
pub use stream::*;
pub use tty::*;
pub use wait::*;

use core::ffi::CStr;

/// An errno.
pub type Errno = i32;

/// The kernel's result as a Result.
#[inline]
fn check(result: isize) -> Result<usize, Errno> {
    if result < 0 && result > -4096 {
        Err(-result as Errno)
    } else {
        Ok(result as usize)
    }
}

/// A raw system call of up to three arguments.
///
/// # Safety
/// As the system call's man page says of these arguments.
#[inline(never)]
unsafe fn call3(nr: libc::c_long, a: usize, b: usize, c: usize) -> Result<usize, Errno> {
    // SAFETY: the caller's.
    check(unsafe { syscall(nr as usize, [a, b, c, 0, 0, 0]) })
}

/// getpid(2).
pub fn getpid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { call3(libc::SYS_getpid, 0, 0, 0) }.unwrap_or(0) as i32
}

/// setns(2).
pub fn setns(fd: i32, kinds: i32) -> Result<(), Errno> {
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_setns, fd as usize, kinds as usize, 0) }.map(drop)
}

/// gettid(2).
pub fn gettid() -> i32 {
    // SAFETY: takes nothing, cannot fail.
    unsafe { call3(libc::SYS_gettid, 0, 0, 0) }.unwrap_or(0) as i32
}

/// setpgid(2).
pub fn setpgid(pid: i32, pgid: i32) -> Result<(), Errno> {
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_setpgid, pid as usize, pgid as usize, 0) }.map(drop)
}

/// getsid(2).
pub fn getsid(pid: i32) -> Result<i32, Errno> {
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_getsid, pid as usize, 0, 0) }.map(|sid| sid as i32)
}

/// The user or the group ids of this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// Real.
    pub real: u32,
    /// Effective.
    pub effective: u32,
    /// Saved.
    pub saved: u32,
    /// For access to files.
    pub files: u32,
}

impl Ids {
    /// Whether one of them is another than this.
    pub fn differ_from(&self, id: u32) -> bool {
        [self.real, self.effective, self.saved, self.files].into_iter().any(|own| own != id)
    }

    /// Those that setfsuid(2) or setfsgid(2) tells of when it is asked for none, and that of the three.
    fn of(three: libc::c_long, files: libc::c_long) -> Ids {
        let mut ids = [u32::MAX; 3];
        let [real, effective, saved] = ids.each_mut().map(|id| core::ptr::from_mut(id) as usize);
        // SAFETY: three numbers are writable. It cannot fail then.
        let _ = unsafe { call3(three, real, effective, saved) };
        // SAFETY: takes no pointer, and -1 makes it a mere query.
        let files = unsafe { call3(files, u32::MAX as usize, 0, 0) };
        let [real, effective, saved] = ids;
        Ids { real, effective, saved, files: files.unwrap_or(usize::MAX) as u32 }
    }
}

/// Those of the user.
pub fn user_ids() -> Ids {
    Ids::of(libc::SYS_getresuid, libc::SYS_setfsuid)
}

/// And of the group.
pub fn group_ids() -> Ids {
    Ids::of(libc::SYS_getresgid, libc::SYS_setfsgid)
}

/// The scheduling policy of the calling thread.
pub fn scheduling_policy() -> Result<i32, Errno> {
    // SAFETY: no pointer.
    unsafe { call3(libc::SYS_sched_getscheduler, 0, 0, 0) }.map(|policy| policy as i32)
}

/// The nice value of the calling thread.
pub fn nice() -> Result<i32, Errno> {
    // SAFETY: no pointer.
    let result = unsafe { call3(libc::SYS_getpriority, libc::PRIO_PROCESS as usize, 0, 0) };
    // 40 to 1 (getpriority(2), C library/kernel differences).
    result.map(|priority| 20i32.wrapping_sub(priority as i32))
}

/// The caller's soft and hard limit.
pub fn rlimit(resource: i32) -> Result<[u64; 2], Errno> {
    let mut limits = [0u64; 2];
    let place = limits.as_mut_ptr() as usize;
    // SAFETY: a struct rlimit64 is two of them, and writable.
    let result =
        unsafe { syscall(libc::SYS_prlimit64 as usize, [0, resource as usize, 0, place, 0, 0]) };
    check(result).map(|_| limits)
}

/// Whether exec by root gives all capabilities and takes none, as it does by default: no securebits
/// (capabilities(7)).
pub fn has_no_securebits() -> bool {
    // SAFETY: no pointer.
    let bits = unsafe { call3(libc::SYS_prctl, libc::PR_GET_SECUREBITS as usize, 0, 0) };
    bits == Ok(0)
}

/// Nanoseconds of CLOCK_MONOTONIC.
pub fn now_ns() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: now is writable. libc's, for the vDSO; it is no cancellation point.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    (now.tv_sec as u64).wrapping_mul(1_000_000_000).wrapping_add(now.tv_nsec as u64)
}

/// A clock for deadlines: milliseconds of CLOCK_MONOTONIC.
pub fn now_ms() -> u64 {
    now_ns() / 1_000_000
}

/// When that many milliseconds are over for sure, of `now_ms`, which is rounded down.
pub fn deadline_ms(timeout_ms: u64) -> u64 {
    let rounding = u64::from(timeout_ms != 0);
    now_ms().saturating_add(timeout_ms).saturating_add(rounding)
}

/// Waits while `word` is `value`, for at most `timeout_ms` (None: for ever), or less when a signal
/// comes. Not FUTEX_PRIVATE: it is the kernel that wakes (CLONE_CHILD_CLEARTID of clone(2)).
pub fn futex_wait(word: &core::sync::atomic::AtomicU32, value: u32, timeout_ms: Option<u64>) {
    let ms = timeout_ms.unwrap_or(0);
    let time =
        libc::timespec { tv_sec: (ms / 1000) as i64, tv_nsec: (ms % 1000 * 1_000_000) as i64 };
    let time = if timeout_ms.is_some() { &raw const time as usize } else { 0 };
    let at = word.as_ptr() as usize;
    // SAFETY: word and time are readable through the call.
    let _ = unsafe {
        syscall(
            libc::SYS_futex as usize,
            [at, libc::FUTEX_WAIT as usize, value as usize, time, 0, 0],
        )
    };
}

/// Whether the next child of this thread will be in the same pid namespace. No after
/// unshare(CLONE_NEWPID), and when nobody can tell.
pub fn children_stay_here() -> bool {
    let read = |path: &CStr| {
        let mut buffer = [0u8; 32];
        let args = [
            libc::AT_FDCWD as usize,
            path.as_ptr() as usize,
            buffer.as_mut_ptr() as usize,
            buffer.len(),
            0,
            0,
        ];
        // SAFETY: path is a string, the buffer is writable for its length.
        let length = check(unsafe { syscall(libc::SYS_readlinkat as usize, args) });
        length.map(|_| buffer)
    };
    let own = read(c"/proc/thread-self/ns/pid");
    own.is_ok() && own == read(c"/proc/thread-self/ns/pid_for_children")
}

/// Sleeps for that many microseconds, or less when a signal comes.
pub fn sleep_us(us: u32) {
    let time = libc::timespec { tv_sec: 0, tv_nsec: i64::from(us) * 1000 };
    // SAFETY: time is readable; the remainder is not asked for.
    let _ = unsafe { call3(libc::SYS_nanosleep, &raw const time as usize, 0, 0) };
}

/// The value of the environment variable PATH.
pub fn path_variable<'a>() -> Option<&'a CStr> {
    // SAFETY: getenv(3)'s rule: nobody changes the environment meanwhile (fe_spawn(3), thread
    // safety).
    let value = unsafe { libc::getenv(c"PATH".as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: getenv returns a string; it lives as long as nobody changes the environment.
    Some(unsafe { CStr::from_ptr(value) })
}

/// The same, but None in a program with more privileges than its user (AT_SECURE of getauxval(3)).
pub fn secure_path_variable<'a>() -> Option<&'a CStr> {
    extern "C" {
        fn secure_getenv(name: *const libc::c_char) -> *const libc::c_char;
    }
    // SAFETY: as path_variable.
    let value = unsafe { secure_getenv(c"PATH".as_ptr()) };
    // SAFETY: likewise.
    (!value.is_null()).then(|| unsafe { CStr::from_ptr(value) })
}
