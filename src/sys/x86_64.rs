// SPDX-License-Identifier: BSD-3-Clause
//! System calls and the clone on x86_64.

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
    // SAFETY: the kernel's convention: rcx and r11 are clobbered, nothing is pushed.
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") nr as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e, in("r9") f,
            lateout("rcx") _, lateout("r11") _,
            options(nostack),
        );
    }
    result
}

/// clone3(2) or clone(2) (`nr`), with a stack argument of 0: a child that shares memory runs on the
/// caller's own stack, below this frame. There it calls `child(start)`, which never returns, so it
/// never uses the caller's frames. Hence no `nostack`: the red zone below this frame is the
/// child's.
///
/// A shadow stack is shared as the stack is (CLONE_VM with CLONE_VFORK), and for the same reason
/// the child must not return above here.
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
    // SAFETY: the parent's side is a plain system call. The child's side never leaves the block.
    unsafe {
        asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp", // the outermost frame, for debuggers
            "mov rdi, r12",
            "call r13",
            "ud2",
            "2:",
            inlateout("rax") nr as isize => result,
            in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d, in("r8") e,
            in("r12") start, in("r13") child,
            lateout("rcx") _, lateout("r11") _,
        );
    }
    result
}

/// Calls `$child` with `$start` from the entry of a program, where the stack is aligned otherwise than in
/// a function and nothing lies above it to return to.
macro_rules! enter {
    ($child:path, $start:expr) => {
        core::arch::asm!(
            "xor ebp, ebp",
            "and rsp, -16",
            "call {child}",
            "ud2",
            child = sym $child,
            in("rdi") $start,
            options(noreturn)
        )
    };
}
pub(crate) use enter;
