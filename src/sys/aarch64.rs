// SPDX-License-Identifier: BSD-3-Clause
//! System calls and the clone on aarch64.

use core::arch::asm;

/// A raw system call: no errno, no cancellation point. The result is the kernel's: -4095 to -1 is
/// an errno.
///
/// # Safety
/// As the system call's man page says of these arguments.
#[inline(always)]
pub unsafe fn syscall(nr: usize, args: [usize; 6]) -> isize {
    let [a, b, c, d, e, f] = args;
    let result;
    // SAFETY: the kernel's convention: every register but x0 is kept, nothing is pushed.
    unsafe {
        asm!(
            "svc 0",
            in("x8") nr,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e, in("x5") f,
            options(nostack),
        );
    }
    result
}

/// clone3(2) or clone(2) (`nr`), with a stack argument of 0: a child that shares memory runs on the
/// caller's own stack, below this frame. There it calls `child(start)`, which never returns, so it
/// never uses the caller's frames. Hence no `nostack`.
///
/// The ZA state of SME needs no care: the child calls no function that could use it, and exec
/// resets it.
///
/// # Safety
/// `args` as the man page says; with CLONE_VM also CLONE_VFORK, which keeps this thread suspended while
/// the child uses its stack. `start` is what `child` expects.
#[inline(always)]
pub unsafe fn clone(
    nr: usize,
    args: [usize; 5],
    child: unsafe extern "C" fn(*const u8) -> !,
    start: *const u8,
) -> isize {
    let [a, b, c, d, e] = args;
    let result;
    // SAFETY: the parent's side is a plain system call. The child's side never leaves the block,
    // and the registers that it overwrites are its own.
    unsafe {
        asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr", // the outermost frame, for debuggers

            "mov x0, x10",
            "blr x11",
            "brk 1",
            "2:",
            in("x8") nr,
            inlateout("x0") a => result,
            in("x1") b, in("x2") c, in("x3") d, in("x4") e,
            in("x10") start, in("x11") child,
        );
    }
    result
}

/// Calls `$child` with `$start` from the entry of a program, where nothing lies above the stack to return
/// to.
macro_rules! enter {
    ($child:path, $start:expr) => {
        core::arch::asm!(
            "mov x29, xzr",
            "bl {child}",
            "brk 1",
            child = sym $child,
            in("x0") $start,
            options(noreturn)
        )
    };
}
pub(crate) use enter;
