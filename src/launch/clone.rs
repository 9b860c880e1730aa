// SPDX-License-Identifier: BSD-3-Clause
//! The clone of each way: flags, exit signal, clone3(2) or clone(2).

#![allow(unsafe_code)] // the one place where a child is made

use crate::attr::{Way, CLONE_NEWTIME};
use crate::child::{self, Start};
use crate::error::{Error, Result, Step};
use crate::launch::{kernel, pidns, Job};
use crate::sys::{self, Errno, Fd, Stack};
use core::mem::size_of;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A child that has been made; in the shared and the copy way it has execed or ended by now.
#[derive(Debug)]
pub struct Cloned {
    /// Its process id.
    pub pid: i32,
    /// Its pidfd, if asked for.
    pub pidfd: Option<Fd>,
}

/// clone3's flag that sets caught signals to their default in the child (Linux 5.5). It saves the
/// child a loop of up to 128 system calls.
const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;

/// The child is born in the cgroup of `CloneArgs::cgroup` (Linux 5.7).
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// struct clone_args of clone3(2), at the size of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Its size of Linux 5.3: all that a child without a cgroup needs, and that no kernel is too old for.
const FIRST_SIZE: usize = 64;

/// What clone3(2) is to make.
#[derive(Clone, Copy)]
struct What {
    flags: u64,
    exit_signal: i32,
    cgroup: Option<i32>,
}

/// Makes the child. All signals are blocked.
pub fn child(way: Way, job: &Job<'_>, start: Start<'_>) -> Result<Cloned> {
    // Memory is shared only with the parent suspended: the child runs on the parent's stack.
    let (flags, exit_signal) = match way {
        Way::Shared | Way::Staged => (libc::CLONE_VM | libc::CLONE_VFORK, 0),
        Way::Copy => (libc::CLONE_VFORK, 0),
        Way::Piped => (0, libc::SIGCHLD),
        Way::Concurrent => return Err(Error::new(libc::EINVAL, Step::Args)), // `beside`
    };
    // By the child's first step the table is its own again.
    let files = if start.table_below != 0 { libc::CLONE_FILES } else { 0 };
    let flags = (flags | files) as u64 | job.cloneflags;
    let what = What { flags, exit_signal, cgroup: job.cgroup };
    let _entered = pidns::enter(job)?;
    let at_clone = |errno| at_clone_or_cgroup(errno, job.cgroup);
    if !job.pidfd {
        let pid = clone(what, None, start).map_err(at_clone)?;
        return Ok(Cloned { pid, pidfd: None });
    }
    let mut pidfd = -1;
    match clone(what, Some(&mut pidfd), start) {
        Ok(pid) if pidfd >= 0 => Ok(Cloned { pid, pidfd: Some(Fd::own(pidfd)) }),
        Ok(pid) => late_pidfd(pid),
        Err(errno @ (libc::EMFILE | libc::ENFILE | NO_PIDFD)) => {
            Err(at_pidfd(if errno == NO_PIDFD { libc::ENOSYS } else { errno }))
        }
        // Emulators know fork's flags only. In the piped way the child stays ours until it is
        // reaped.
        Err(libc::EINVAL) if way == Way::Piped => {
            late_pidfd(clone(what, None, start).map_err(at_clone)?)
        }
        Err(errno) => Err(at_clone(errno)),
    }
}

/// Makes a child that shares memory and runs beside its parent, by clone3(2) alone. `tid` becomes 0, and
/// its waiters are woken, when the child has let go of the memory: by exec, or by its end. Its exit
/// signal is SIGCHLD: with another one, and not in vfork, debuggers would take it for a thread.
///
/// # Safety
/// `start` and all that it borrows, the stack and `tid` stay until `tid` is 0.
pub unsafe fn beside(
    job: &Job<'_>,
    start: &Start<'_>,
    stack: &Stack,
    tid: &AtomicU32,
) -> Result<Cloned> {
    let mut pidfd = -1;
    let pidfd_flag = if job.pidfd { libc::CLONE_PIDFD } else { 0 };
    let flags = libc::CLONE_VM | libc::CLONE_CHILD_CLEARTID | pidfd_flag;
    let (stack, stack_size) = stack.area();
    let args = CloneArgs {
        flags: flags as u64 | job.cloneflags | CLONE_CLEAR_SIGHAND,
        pidfd: &raw mut pidfd as u64,
        child_tid: tid.as_ptr() as u64,
        exit_signal: libc::SIGCHLD as u64,
        stack: stack as u64,
        stack_size: stack_size as u64,
        ..CloneArgs::default()
    };
    let _entered = pidns::enter(job)?;
    tid.store(1, Relaxed);
    let args = [&raw const args as usize, FIRST_SIZE, 0, 0, 0];
    match make(libc::SYS_clone3, args, start) {
        Ok(pid) => Ok(Cloned { pid, pidfd: job.pidfd.then(|| Fd::own(pidfd)) }),
        Err(errno @ (libc::EMFILE | libc::ENFILE)) if job.pidfd => Err(at_pidfd(errno)),
        Err(errno) => Err(Error::new(errno, Step::Clone)),
    }
}

/// What clone3(2) says of a cgroup, and a kernel that has none of this. The rest may have any
/// reason.
fn at_clone_or_cgroup(errno: Errno, cgroup: Option<i32>) -> Error {
    let of_cgroup = matches!(
        errno,
        libc::EACCES
            | libc::EBADF
            | libc::EBUSY
            | libc::ENODEV
            | libc::ENOENT
            | libc::ENOSYS
            | libc::EOPNOTSUPP
            | libc::E2BIG
    );
    let step = if of_cgroup && cgroup.is_some() { Step::Cgroup } else { Step::Clone };
    Error::new(errno, step)
}

/// The kernel has no pidfds: no errno, so that no system call can have said it.
const NO_PIDFD: Errno = -1;

fn at_pidfd(errno: Errno) -> Error {
    Error::new(errno, Step::Pidfd)
}

/// The pidfd of a child that was made without. The caller asked for one, so no child is better than
/// a child without.
fn late_pidfd(pid: i32) -> Result<Cloned> {
    match sys::pidfd_open(pid) {
        Ok(pidfd) => Ok(Cloned { pid, pidfd: Some(pidfd) }),
        Err(errno) => {
            let _ = sys::kill(pid, libc::SIGKILL);
            sys::reap(pid);
            Err(at_pidfd(errno))
        }
    }
}

/// clone3, or clone where it is refused: by an old kernel (ENOSYS, EINVAL, E2BIG) or a filter
/// (EPERM too). What is remembered is that clone did what clone3 would not, so that an error of the
/// flags themselves is not taken for one of the call.
fn clone(
    what: What,
    pidfd: Option<&mut i32>,
    start: Start<'_>,
) -> core::result::Result<i32, Errno> {
    let What { flags, exit_signal, cgroup } = what;
    let pidfd_flag = if pidfd.is_some() { libc::CLONE_PIDFD as u64 } else { 0 };
    let pidfd = pidfd.map_or(0, |pidfd| core::ptr::from_mut(pidfd) as usize);
    let flags = flags | pidfd_flag;
    let refused = if kernel::clone3_refused() {
        libc::ENOSYS
    } else {
        let into_cgroup = if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
        let size = if cgroup.is_some() { size_of::<CloneArgs>() } else { FIRST_SIZE };
        let args = CloneArgs {
            flags: flags | CLONE_CLEAR_SIGHAND | into_cgroup,
            pidfd: pidfd as u64,
            exit_signal: exit_signal as u64,
            cgroup: cgroup.unwrap_or(0) as u64,
            ..CloneArgs::default()
        };
        let args = [&raw const args as usize, size, 0, 0, 0];
        match make(libc::SYS_clone3, args, &start) {
            Err(e @ (libc::ENOSYS | libc::EINVAL | libc::E2BIG | libc::EPERM)) => e,
            result => return result,
        }
    };
    // A kernel before 5.2 takes this flag for an older one and ignores it. Those that know it have
    // pidfd_open too, nearly all.
    if pidfd_flag != 0 && !kernel::has_pidfds(|| sys::pidfd_open(sys::getpid()).err()) {
        return Err(NO_PIDFD);
    }
    // clone takes the one bit for a part of the exit signal, and knows nothing of cgroups.
    if flags & CLONE_NEWTIME != 0 || cgroup.is_some() {
        return Err(refused);
    }
    let start = Start { reset_handlers: true, ..start };
    let args = [flags as usize | exit_signal as usize, 0, pidfd, 0, 0];
    let result = make(libc::SYS_clone, args, &start);
    if result.is_ok() {
        kernel::learn_clone3_refused();
    }
    result
}

/// The system call. Never inlined: the child's stack begins below this frame. It needs less than a
/// page. Where a lowered RLIMIT_STACK leaves less than that, the child dies and the caller is told;
/// touching the page here instead would kill the caller.
#[inline(never)]
fn make(nr: libc::c_long, args: [usize; 5], start: &Start<'_>) -> core::result::Result<i32, Errno> {
    let start = core::ptr::from_ref(start).cast();
    // SAFETY: child() gives CLONE_VM with CLONE_VFORK only; what start borrows lives until this
    // returns, and with CLONE_VM the child is gone by then. beside() gives a stack, and its caller
    // keeps that and the rest for as long as the child needs it.
    let result = unsafe { sys::clone(nr as usize, args, child::run, start) };
    if result < 0 {
        Err(result.wrapping_neg() as Errno)
    } else {
        Ok(result as i32)
    }
}
