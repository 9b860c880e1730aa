// SPDX-License-Identifier: BSD-3-Clause
//! FORKEXEC_TRACE: a line for each spawn, on standard error or at the end of a file.
//!
//! The variable is read once, when the library is loaded and no thread can be changing the
//! environment. It is ignored in a program that has more privileges than its user (AT_SECURE).

use super::attr::way as way_of;
use super::error::name;
use super::read::extensible;
use super::text::Text;
use super::types::*;
use crate::attr::Way;
use crate::sys::{self, Fd};
use core::cell::UnsafeCell;
use core::ffi::{c_char, CStr};
use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

const OFF: u8 = 0;
const STDERR: u8 = 1;
const FILE: u8 = 2;

static WHERE: AtomicU8 = AtomicU8::new(OFF);
static PATH: Path = Path(UnsafeCell::new([0; 512]));

struct Path(UnsafeCell<[u8; 512]>);
// SAFETY: written by read_environment() only, before there is a second thread.
unsafe impl Sync for Path {}

// Miri would run it too, and does not know secure_getenv.
#[cfg(not(miri))]
#[used]
#[link_section = ".init_array"]
static AT_LOAD: extern "C" fn() = read_environment;

#[cfg_attr(miri, allow(dead_code))]
extern "C" fn read_environment() {
    extern "C" {
        fn secure_getenv(name: *const c_char) -> *const c_char;
    }
    // SAFETY: the loader is the only one who runs code of this process, or of the thread that waits
    // for dlopen; see getenv(3) for the latter.
    let value = unsafe { secure_getenv(c"FORKEXEC_TRACE".as_ptr()) };
    if value.is_null() {
        return;
    }
    // SAFETY: getenv returns a string.
    let value = unsafe { CStr::from_ptr(value) }.to_bytes_with_nul();
    if value == b"1\0" {
        WHERE.store(STDERR, Relaxed);
    }
    // SAFETY: nobody reads it yet.
    let path = unsafe { &mut *PATH.0.get() };
    if let (Some(b'/'), Some(place)) = (value.first(), path.get_mut(..value.len())) {
        place.copy_from_slice(value);
        WHERE.store(FILE, Relaxed);
    }
}

/// A spawn that may be traced.
pub struct Trace {
    began_ns: u64,
}

impl Trace {
    /// It begins; None where nobody wants to know.
    pub fn start() -> Option<Trace> {
        (WHERE.load(Relaxed) != OFF).then(|| Trace { began_ns: sys::now_ns() })
    }

    /// It has ended.
    ///
    /// # Safety
    /// `attr` is as fe_spawn has it.
    pub unsafe fn end(self, attr: *const fe_attr, pid: i32, way: u32, error: &fe_error) {
        let took_us = sys::now_ns().saturating_sub(self.began_ns) / 1000;
        let mut buffer = [0u8; 600];
        // SAFETY: the buffer outlives the text.
        let mut line = unsafe { Text::new(buffer.as_mut_ptr(), buffer.len()) };
        let field = |line: &mut Text, name: &[u8], value: i32| {
            line.push(name);
            if value < 0 {
                line.push(b"-");
            }
            line.push_number(value.checked_abs().unwrap_or(0));
        };
        field(&mut line, b"forkexec: caller=", sys::getpid());
        if error.errnum == 0 {
            field(&mut line, b" pid=", pid);
        } else {
            line.push(b" failed=");
            line.push(name(error.step).to_bytes());
            field(&mut line, b" index=", error.index);
            field(&mut line, b" errno=", error.errnum);
            field(&mut line, b" signal=", error.signal);
        }
        line.push(b" way=");
        line.push(way_of(way).ok().flatten().map_or(c"none", Way::name).to_bytes());
        field(&mut line, b" us=", i32::try_from(took_us).unwrap_or(i32::MAX));
        // SAFETY: the caller's.
        unsafe { push_program(&mut line, attr) };
        let length = line.end().min(buffer.len() - 1);
        if let Some(line) = buffer.get_mut(..=length) {
            // In place of the NUL, which comes last.
            if let Some(last) = line.last_mut() {
                *last = b'\n';
            }
            write(line);
        }
    }
}

/// # Safety
/// As `Trace::end`.
unsafe fn push_program(line: &mut Text, attr: *const fe_attr) {
    if attr.is_null() {
        return;
    }
    // SAFETY: the caller's, throughout.
    let Ok(attr) = (unsafe { extensible(attr) }) else { return };
    if attr.flags & FE_FEXECVE != 0 {
        line.push(b" execfd=");
        line.push_number(attr.execfd.max(0));
    }
    let mut argv0 = core::ptr::null();
    if !attr.argv.is_null() {
        // SAFETY: the caller's.
        argv0 = unsafe { *attr.argv }.cast_const();
    }
    // Without a path, argv[0] is one.
    for (name, string) in [(b" path=\"", attr.path), (b" argv=\"", argv0)] {
        if !string.is_null() {
            line.push(name);
            // SAFETY: the caller's.
            for byte in unsafe { CStr::from_ptr(string) }.to_bytes().iter().take(200) {
                // The line stays one, and can be taken apart.
                let plain = matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\');
                line.push(if plain { core::slice::from_ref(byte) } else { b"?" });
            }
            line.push(b"\"");
        }
    }
}

/// In one write, so that lines of many threads and processes do not mix. What cannot be written is
/// lost: the spawn is not to fail for it.
fn write(line: &[u8]) {
    // A pipe that nobody reads from any more is no reason to kill the caller.
    let _guard = sys::NoSignal::new(libc::SIGPIPE);
    if WHERE.load(Relaxed) == STDERR {
        let stderr = Fd::own(libc::STDERR_FILENO);
        let _ = sys::write(&stderr, line);
        let _ = stderr.release();
        return;
    }
    // SAFETY: since read_environment() nobody writes to it.
    let path = unsafe { &*PATH.0.get() };
    let flags = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_NOCTTY | libc::O_NONBLOCK;
    if let Ok(file) = CStr::from_bytes_until_nul(path).map_or(Err(0), |path| sys::open(path, flags))
    {
        let _ = sys::write(&file, line);
    }
}
