// SPDX-License-Identifier: BSD-3-Clause
//! The child's side: the only code between clone and exec.
//!
//! In the shared way it runs in the caller's memory, on the caller's stack, while the calling
//! thread is suspended and all others go on. Another thread may have held any lock when the clone
//! was made; this one holds the errno and the thread-local data of a libc that doesn't know the
//! child. So the child
//!
//! * makes raw system calls only: no libc, no errno, no allocation, no lock;
//! * cannot panic, format or index, and calls no function outside the ELF section `fe_child`: there
//!   is no jump table, memcpy or lazily bound symbol (c-tests/artefact.sh disassembles the release
//!   .so);
//! * writes to nothing but its own stack frame, the record, and one word of the shell's arguments;
//! * never returns: above its frame are frames that the caller goes on with.
//!
//! Signals are all blocked until `sigmask`, so no handler of the caller's can run in between; those
//! that are caught have been set to default before.

#![allow(unsafe_code)] // raw pointers and raw system calls are all that may be used here
#![deny(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic
)]

mod close;

use crate::error::Step;
use crate::plan::call::{From, Register, Rule, FIRST_REAL_TIME, REGISTERS};
use crate::plan::Call;
use crate::sys::{enter, syscall};
use core::marker::PhantomData;
use core::sync::atomic::{
    AtomicI32, AtomicU32, AtomicUsize,
    Ordering::{Relaxed, Release},
};

/// The status of a child that exits before exec. It has told its errno by then.
pub(crate) const FAILED: i32 = 127;

/// What the child has to tell, where its parent can read it.
#[derive(Debug, Default)]
#[repr(C)]
pub struct Record {
    /// The step that the child is in, as a number.
    pub step: AtomicI32,
    /// And the item of that step.
    pub index: AtomicI32,
    /// Not 0: that step failed.
    pub errno: AtomicI32,
}

/// What the child is started with. Addresses, since they may be those of another program (`stage`).
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub struct Start<'a> {
    /// The plan's calls.
    pub calls: *const Call<'a>,
    /// How many.
    pub ncalls: usize,
    /// Where to tell.
    pub record: *const Record,
    /// The table of descriptors is the caller's, and all below this is to be copied; 0: it is a copy.
    pub table_below: u32,
    /// Set to 1, to show the parent whether memory is shared.
    pub sentinel: *const AtomicU32,
    /// The signal mask for the program.
    pub mask: *const u64,
    /// Whether caught signals are still to be set to their default: where clone3 hasn't done it.
    pub reset_handlers: bool,
    /// Piped way: both ends of the error pipe; -1 for none.
    pub error_pipe: [i32; 2],
    /// Piped way with id maps: both ends of the pipe that tells when they are written; -1 for none.
    pub maps_pipe: [i32; 2],
    /// What the addresses lead to.
    pub borrowed: PhantomData<&'a Call<'a>>,
}

/// Runs the plan. `start` is a `Start`.
///
/// # Safety
/// `start` points to a `Start` that lives until this process execs or ends. Called as a new process only, with
/// all signals blocked.
#[link_section = "fe_child"]
#[inline(never)]
pub unsafe extern "C" fn run(start: *const u8) -> ! {
    // SAFETY: the caller's promise.
    unsafe {
        let start = &*start.cast::<Start<'_>>();
        let [outcome, error_pipe] = start.error_pipe;
        let child = Child { record: start.record, error_pipe };
        (*start.sentinel).store(1, Relaxed);
        let table = child.own_table(start.table_below);
        if outcome >= 0 {
            // The parent's end: the plan must find no descriptor open that the caller has not opened.
            child.close_own(outcome);
        }
        if start.reset_handlers {
            child.reset_handlers();
        }
        let [read_end, write_end] = start.maps_pipe;
        if read_end >= 0 {
            child.wait_for_maps(read_end, write_end);
        }
        child.run_calls(table, start.calls, start.calls.add(start.ncalls), start.mask as usize)
    }
}

/// Where the program of a stage (`launch/image.rs`) has its `Start`.
pub const STAGE_START: usize = 0x1100_0000;

/// Where that program begins. It consists of a copy of this section, and of what `Start` leads to.
///
/// # Safety
/// Not to be called: the entry of such a program.
#[link_section = "fe_child"]
#[inline(never)]
pub unsafe extern "C" fn stage() -> ! {
    // SAFETY: the promise: a new program, with its Start there, that is never returned to.
    unsafe { enter!(run, STAGE_START) }
}

/// Shows that the table of descriptors is the child's own: before that, nothing may touch one.
struct OwnTable(());

struct Child {
    record: *const Record,
    error_pipe: i32,
}

/// A raw system call of up to four arguments.
///
/// # Safety
/// As its man page says.
#[inline(always)]
unsafe fn call(nr: libc::c_long, a: usize, b: usize, c: usize, d: usize) -> isize {
    // SAFETY: the caller's.
    unsafe { syscall(nr as usize, [a, b, c, d, 0, 0]) }
}

/// An errno as the kernel would return it.
#[inline(always)]
fn error(errno: i32) -> isize {
    errno.wrapping_neg() as isize
}

/// Whether the kernel's result is an errno.
#[inline(always)]
fn is_error(result: isize) -> bool {
    (-4095..0).contains(&result)
}

impl Child {
    /// Says what is about to be done, for the parent to know if it is the last thing this process
    /// does.
    #[inline(always)]
    unsafe fn enter(&self, step: i32, index: i32) {
        // SAFETY: run()'s caller: the record is writable, and only this process writes to it.
        unsafe {
            (*self.record).step.store(step, Relaxed);
            (*self.record).index.store(index, Relaxed);
        }
    }

    /// Says what went wrong with it, and ends.
    #[inline(always)]
    unsafe fn fail(&self, result: isize) -> ! {
        // SAFETY: as enter. The byte only wakes the parent; the calls that end have no pointers.
        unsafe {
            (*self.record).errno.store(result.wrapping_neg() as i32, Release);
            if self.error_pipe >= 0 {
                // The errno too: a stage that could not map its record has no other place for it.
                let byte = result.wrapping_neg() as u8;
                let byte = &raw const byte as usize;
                // Of a pipe that nobody reads any more SIGPIPE would say that the child was killed.
                let all = u64::MAX;
                let all = &raw const all as usize;
                let set = libc::SIG_SETMASK as usize;
                let _ = call(libc::SYS_rt_sigprocmask, set, all, 0, 8);
                // If it can't be written, the end of file that follows tells the parent as well.
                let _ = call(libc::SYS_write, self.error_pipe as usize, byte, 1, 0);
            }
            loop {
                // A filter may forbid either.
                let _ = call(libc::SYS_exit, FAILED as usize, 0, 0, 0);
                let _ = call(libc::SYS_exit_group, FAILED as usize, 0, 0, 0);
                trap();
            }
        }
    }

    /// Makes the table of descriptors the child's own. If that fails the child is at its end: going on
    /// would wreck the caller's.
    #[inline(always)]
    unsafe fn own_table(&self, below: u32) -> OwnTable {
        const CLOSE_RANGE_UNSHARE: usize = 2;
        if below != 0 {
            // SAFETY: no pointers.
            unsafe {
                self.enter(Step::UnshareFiles as i32, -1);
                let last = u32::MAX as usize;
                let flags = CLOSE_RANGE_UNSHARE;
                let result = call(libc::SYS_close_range, below as usize, last, flags, 0);
                if is_error(result) {
                    self.fail(result);
                }
            }
        }
        OwnTable(())
    }

    /// The loop over the plan.
    #[inline(always)]
    unsafe fn run_calls(
        &self,
        _: OwnTable,
        calls: *const Call<'_>,
        end: *const Call<'_>,
        mask: usize,
    ) -> ! {
        // SAFETY: run()'s caller: calls to end are the calls of a Plan, which are made by their
        // constructors only: arguments fit their system call, argument < 6.
        unsafe {
            let mut registers: [usize; REGISTERS] = [0, 0, mask, usize::MAX, 0];
            let registers = (&raw mut registers).cast::<usize>();
            let mut next = calls;
            // The candidate that the kernel has no format for.
            let mut script = 0usize;
            // The first candidate for exec that was found but not allowed; -1: none was.
            let mut denied = -1i32;
            while next != end {
                let this = &*next;
                next = next.add(1);
                self.enter(this.step as i32, this.index);
                let register = registers.add(this.register as usize);
                let mut args = this.args;
                let argument = (&raw mut args).cast::<usize>().add(this.argument as usize);
                if this.from as u8 == From::Value as u8 {
                    *argument = *register;
                } else if this.from as u8 == From::Address as u8 {
                    *argument = register as usize;
                }
                // Not a fourth `From`: the compiler would make a jump table of those.
                if this.words {
                    *argument = argument.add(2) as usize;
                    *argument.add(1) = argument.add(3) as usize;
                }
                if this.rule as u8 == Rule::CloseRange as u8 {
                    self.close_range(args, *registers.add(Register::Exec as usize));
                    continue;
                }
                if this.rule as u8 == Rule::CloseUnless as u8
                    || this.rule as u8 == Rule::Unless as u8
                {
                    let [argument, _, _, unless, ..] = args;
                    if argument == unless {
                        continue;
                    }
                }
                if this.rule as u8 == Rule::Shell as u8 {
                    // The array is the plan's own (call::shell), and nobody else looks at it now.
                    let [_, argv, ..] = args;
                    let place = (argv as *const AtomicUsize).add(1);
                    (*place).store(script, Relaxed);
                }
                if this.rule as u8 == Rule::Suspend as u8 {
                    self.suspend();
                    continue;
                }
                let result = syscall(this.nr, args);
                if this.rule as u8 == Rule::ParentAlive as u8 {
                    self.check_parent(result, args);
                } else if this.rule as u8 == Rule::Exec as u8 {
                    let final_call = end.wrapping_sub(1);
                    let has_shell = (*final_call).rule as u8 == Rule::Shell as u8;
                    if has_shell && result == error(libc::ENOEXEC) {
                        [script, ..] = args;
                        next = final_call;
                        continue;
                    }
                    let last = next == if has_shell { final_call } else { end };
                    denied = self.exec_failed(result, this.index, denied, last);
                } else if this.rule as u8 == Rule::Close as u8
                    || this.rule as u8 == Rule::CloseUnless as u8
                {
                    self.check_closed(result);
                } else if is_error(result) && result.wrapping_neg() != this.harmless as isize {
                    self.fail(result);
                }
                if this.into {
                    // An error that is harmless leaves -1, no descriptor.
                    *register = if is_error(result) { usize::MAX } else { result as usize };
                }
            }
            // A plan ends with exec; this is for a plan without any.
            self.fail(error(libc::ENOEXEC))
        }
    }

    /// close(2) fails with EBADF when there was nothing to close, and with these others when the
    /// descriptor is gone but its file has something to say. Any other error comes from a filter,
    /// and the program would inherit what it must not.
    #[inline(always)]
    unsafe fn check_closed(&self, result: isize) {
        let closed = !is_error(result)
            || result == error(libc::EBADF)
            || result == error(libc::EINTR)
            || result == error(libc::EIO)
            || result == error(libc::ENOSPC)
            || result == error(libc::EDQUOT);
        if !closed {
            // SAFETY: as fail.
            unsafe { self.fail(result) }
        }
    }

    /// A candidate was not executed. Goes on (with the index of the first that was denied) where
    /// execvp(3) would, and there is another.
    #[inline(always)]
    unsafe fn exec_failed(&self, result: isize, index: i32, denied: i32, last: bool) -> i32 {
        let errno = result.wrapping_neg() as i32;
        let not_allowed = errno == libc::EACCES;
        let not_here = not_allowed
            || errno == libc::ENOENT
            || errno == libc::ENOTDIR
            || errno == libc::ESTALE
            || errno == libc::ENODEV
            || errno == libc::ENAMETOOLONG
            || errno == libc::ETIMEDOUT;
        let denied = if not_allowed && denied < 0 { index } else { denied };
        if !last && not_here {
            return denied;
        }
        // SAFETY: as run_calls.
        unsafe {
            if denied >= 0 && not_here {
                self.enter(Step::Exec as i32, denied);
                self.fail(error(libc::EACCES));
            }
            if index >= 0 && not_here {
                // Found in none of them: no element is to blame.
                self.enter(Step::Exec as i32, -1);
            }
            self.fail(result)
        }
    }

    /// Sends itself the death signal if the parent died before it was asked for. The signal strikes
    /// when the mask is set. 0: the parent is in another pid namespace, and cannot be told from a
    /// dead one.
    #[inline(always)]
    unsafe fn check_parent(&self, parent: isize, args: [usize; 6]) {
        let [expected, signal, ..] = args;
        if parent == expected as isize || parent == 0 {
            return;
        }
        // SAFETY: no pointers.
        unsafe {
            if is_error(parent) {
                self.fail(parent);
            }
            let me = call(libc::SYS_getpid, 0, 0, 0, 0);
            let result = call(libc::SYS_kill, me as usize, signal, 0, 0);
            if is_error(result) {
                self.fail(result);
            }
        }
    }

    /// Caught signals become default, ignored ones stay ignored.
    #[inline(always)]
    unsafe fn reset_handlers(&self) {
        // The kernel's struct sigaction on both machines: handler, flags, restorer, mask.
        #[repr(C)]
        struct Action {
            handler: usize,
            rest: [usize; 3],
        }
        // SAFETY: the action is readable and writable; 8 is the size of the kernel's sigset_t.
        unsafe {
            self.enter(Step::Sigaction as i32, -1);
            let mut signal = 1usize;
            while signal <= 64 {
                let mut action = Action { handler: 0, rest: [0; 3] };
                let place = &raw mut action as usize;
                let result = call(libc::SYS_rt_sigaction, signal, 0, place, 8);
                // EINVAL: an emulator has not all of the real-time signals.
                let is_there = signal < FIRST_REAL_TIME || result != error(libc::EINVAL);
                if is_error(result) && is_there {
                    self.fail(result);
                }
                if !is_error(result) && action.handler > libc::SIG_IGN {
                    action = Action { handler: libc::SIG_DFL, rest: [0; 3] };
                    let place = &raw const action as usize;
                    let result = call(libc::SYS_rt_sigaction, signal, place, 0, 8);
                    if is_error(result) {
                        self.fail(result);
                    }
                }
                signal = signal.wrapping_add(1);
            }
        }
    }

    /// Closes a descriptor of our own.
    #[inline(always)]
    unsafe fn close_own(&self, fd: i32) {
        // SAFETY: no pointers.
        unsafe {
            let result = call(libc::SYS_close, fd as usize, 0, 0, 0);
            if is_error(result) {
                self.fail(result);
            }
        }
    }

    /// Waits until the parent has written the id maps. End of file instead of the byte: it died.
    #[inline(always)]
    unsafe fn wait_for_maps(&self, read_end: i32, write_end: i32) {
        // SAFETY: no pointers.
        unsafe {
            self.enter(Step::MapsWait as i32, -1);
            // Else there would never be an end of file.
            self.close_own(write_end);
            self.wait_for_byte(read_end);
            self.close_own(read_end);
        }
    }

    /// Tells the parent that it stands before its exec, and waits until that lets it go.
    #[inline(always)]
    unsafe fn suspend(&self) {
        // SAFETY: the byte is readable.
        unsafe {
            let byte = 0u8;
            let byte = &raw const byte as usize;
            let result = call(libc::SYS_write, self.error_pipe as usize, byte, 1, 0);
            if is_error(result) {
                self.fail(result);
            }
            self.wait_for_byte(self.error_pipe);
        }
    }

    #[inline(always)]
    unsafe fn wait_for_byte(&self, fd: i32) {
        // SAFETY: byte is writable.
        unsafe {
            let mut byte = 0u8;
            loop {
                let byte = &raw mut byte as usize;
                let result = call(libc::SYS_read, fd as usize, byte, 1, 0);
                if result == 1 {
                    return;
                }
                if result == 0 {
                    self.fail(error(libc::EPIPE));
                }
                // EINTR: signals are blocked, but a tracer can interrupt.
                if result != error(libc::EINTR) {
                    self.fail(result);
                }
            }
        }
    }
}

/// An instruction that kills the process.
#[inline(always)]
fn trap() {
    // SAFETY: the process has tried to end in every other way.
    unsafe {
        #[cfg(target_arch = "x86_64")]
        core::arch::asm!("ud2");
        #[cfg(target_arch = "aarch64")]
        core::arch::asm!("brk 1");
    }
}
