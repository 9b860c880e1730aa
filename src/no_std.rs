// SPDX-License-Identifier: BSD-3-Clause
//! What a Rust library needs in place of std when it is linked into C programs: memory from
//! malloc(3), so that the caller's allocator and its tools see it, and abort(3) for a panic, which the
//! library as it is linked has no way to: c-tests/artefact.sh looks.

#![allow(unsafe_code)] // the allocator's interface is unsafe

use core::alloc::{GlobalAlloc, Layout};

struct Malloc;

#[global_allocator]
static ALLOCATOR: Malloc = Malloc;

// SAFETY: malloc, realloc and free meet GlobalAlloc's contract for the alignments that malloc guarantees;
// larger ones, which nothing here asks for, are refused with NULL.
unsafe impl GlobalAlloc for Malloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.align() > 16 {
            return core::ptr::null_mut();
        }
        // SAFETY: malloc takes any size.
        unsafe { libc::malloc(layout.size()) }.cast()
    }

    // Large blocks grow in place or move by their pages: mremap(2).
    unsafe fn realloc(&self, block: *mut u8, _: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's part of GlobalAlloc: block is from alloc above.
        unsafe { libc::realloc(block.cast(), size) }.cast()
    }

    unsafe fn dealloc(&self, block: *mut u8, _: Layout) {
        // SAFETY: the caller's part of GlobalAlloc: block is from alloc above.
        unsafe { libc::free(block.cast()) }
    }
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: abort(3) may be called at any time.
    unsafe { libc::abort() }
}
