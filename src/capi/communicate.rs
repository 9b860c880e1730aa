// SPDX-License-Identifier: BSD-3-Clause
//! `fe_communicate` and `fe_run`: a child's input and output as memory.

use super::child::EMPTY;
use super::error::CLEAR;
use super::read::{array, extensible, Extensible};
use super::spawn::fe_spawn;
use super::types::*;
use super::{fe_child_close, fe_kill, fe_wait};
use crate::list::Reserved;
use crate::process::{communicate, Io, Outcome};
use crate::sys::{self, Errno};
use alloc::vec::Vec;
use core::ffi::{c_char, c_int};
use core::mem::MaybeUninit;

/// How long to wait for one that was killed.
const KILLED_MS: c_int = 10_000;

/// What a program has that is run without a list of files.
static FILES_OF_RUN: [i32; 3] = [FE_NULL, FE_TO_PIPE, FE_TO_PIPE];
static FILES_OF_RUN_WITH_INPUT: [i32; 3] = [FE_FROM_PIPE, FE_TO_PIPE, FE_TO_PIPE];

// SAFETY: integers, raw pointers and a pointer to a function.
unsafe impl Extensible for fe_io {
    const OLDEST: usize = 72;
}

fn nothing() -> fe_result {
    // SAFETY: numbers and raw pointers.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

/// Writes `io->input` to the child's descriptor 0, collects what it writes to 1 and 2, and waits for
/// its end: any amount both ways, by the pipes of `child->ends`, of which none need be there. `io` may
/// be NULL: all its defaults. `result` is written whatever it held before; give it back with
/// fe_result_free.
///
/// Returns 0 when the child has ended and was waited for, by itself or because its time was up. Else -1
/// with errno. Nothing was done: EINVAL for NULL, for an io that contradicts itself or the child, for
/// input without a pipe to it, and for a child with FE_PTRACE; E2BIG for an io that asks for what this
/// version does not know; EINPROGRESS before fe_spawn_finish. Or it was done, with what was collected by
/// then in `result`: ECHILD when somebody else has waited for the child, or the caller ignores SIGCHLD,
/// so that `status` and `usage` are not known (all output is there; but see fe_wait for FE_PIDFD); ECANCELED when the sink wanted no
/// more, and ENOMEM, when the child was stopped as at its deadline, and waited for; EPERM when it was to
/// be stopped and the caller may not send it signals, and ETIMEDOUT when even SIGKILL has not ended it in
/// ten seconds: it is then still to be waited for. In all these cases the ends are closed.
///
/// A process that has inherited a pipe and lives on does not hold it up (see `linger_ms`). A child that
/// does not read is no SIGPIPE for the caller, whose own pending one stays. The ends are made
/// non-blocking, which the child does not see: each end of a pipe is an open file of its own. It sleeps
/// until there is something to do: by a pidfd (Linux 5.3), without which it looks for the child's end
/// every 10 ms at most. No cancellation point, never EINTR; as fe_wait says for threads.
#[no_mangle]
pub unsafe extern "C" fn fe_communicate(
    child: *mut fe_child,
    io: *const fe_io,
    result: *mut fe_result,
) -> c_int {
    // SAFETY: the C caller: as fe_wait and fe_io say, and result is NULL or writable.
    let done = unsafe {
        if !result.is_null() {
            result.write(nothing());
        }
        match (child.as_mut(), result.as_mut()) {
            (Some(child), Some(result)) => {
                checked(io).and_then(|io| communicate_with(child, &io, result, sys::now_ns()))
            }
            _ => Err(libc::EINVAL),
        }
    };
    match done {
        Ok(()) => 0,
        Err(errno) => {
            errno::set_errno(errno::Errno(errno));
            -1
        }
    }
}

/// The io without what is wrong whatever child it is for.
///
/// # Safety
/// `io` is NULL or as fe_io says.
unsafe fn checked(io: *const fe_io) -> Result<fe_io, Errno> {
    if io.is_null() {
        // SAFETY: as Extensible has it: NULL, 0 and no function.
        return Ok(unsafe { MaybeUninit::zeroed().assume_init() });
    }
    // SAFETY: the caller's.
    let io = unsafe { extensible(io) }.map_err(|error| error.errno)?;
    // SAFETY: the caller's.
    unsafe { array(io.input.cast::<u8>(), io.ninput) }.map_err(|error| error.errno)?;
    let bad = io.flags & !FE_IO_GROUP != 0
        || io.timeout_ms < 0
        || io.grace_ms < 0
        || io.linger_ms < 0
        || !(0..=64).contains(&io.stop_signal)
        || io.stop_signal != 0 && io.grace_ms == 0
        || !io.context.is_null() && io.sink.is_none();
    if bad {
        Err(libc::EINVAL)
    } else {
        Ok(io)
    }
}

/// # Safety
/// `io` is checked, and as fe_io says.
unsafe fn communicate_with(
    child: &mut fe_child,
    io: &fe_io,
    result: &mut fe_result,
    began_ns: u64,
) -> Result<(), Errno> {
    if child.is_pending() {
        return Err(libc::EINPROGRESS);
    }
    let process = child.process();
    let group = io.flags & FE_IO_GROUP != 0;
    let leads = |pid| sys::group_of(pid) == Ok(pid);
    let bad = child.pid <= 0
        || process.is_some_and(|process| process.traced || group && !leads(process.pid))
        || io.ninput != 0 && !child.has_end(0);
    if bad {
        return Err(if child.pid <= 0 { libc::ECHILD } else { libc::EINVAL });
    }
    // SAFETY: the caller's; checked.
    let input = unsafe { array(io.input.cast::<u8>(), io.ninput) };
    let mut call_sink = io.sink.map(|sink| {
        move |fd, data: &[u8]| {
            // SAFETY: the C caller: the function takes this; it gets what it is declared to get.
            unsafe { sink(io.context, fd, data.as_ptr().cast(), data.len()) == 0 }
        }
    });
    let at_least_0 = |ms: i32| u64::try_from(ms).unwrap_or(0);
    let io = Io {
        input: input.ok().flatten().unwrap_or_default(),
        sink: match &mut call_sink {
            Some(call) => Some(call),
            None => None,
        },
        max_output: if io.max_output == 0 { usize::MAX } else { io.max_output },
        timeout_ms: (io.timeout_ms > 0).then_some(at_least_0(io.timeout_ms)),
        stop_signal: if io.stop_signal == 0 { libc::SIGTERM } else { io.stop_signal },
        grace_ms: at_least_0(io.grace_ms),
        group,
        linger_ms: at_least_0(io.linger_ms),
    };
    let outcome = communicate(process, child.take_ends(), io);
    let error = outcome.error;
    if !matches!(error, Some(libc::EPERM | libc::ETIMEDOUT)) || outcome.status.is_some() {
        child.set_waited_for();
    }
    tell(outcome, result, began_ns);
    error.map_or(Ok(()), Err)
}

fn tell(outcome: Outcome, result: &mut fe_result, began_ns: u64) {
    let [output, errors] = outcome.collected;
    let [output_cut, errors_cut] = outcome.cut;
    let flag = |flag, set| if set { flag } else { 0 };
    let (output, noutput) = give_away(output);
    let (errors, nerrors) = give_away(errors);
    *result = fe_result {
        status: outcome.status.unwrap_or(0),
        flags: flag(FE_RESULT_TIMED_OUT, outcome.timed_out)
            | flag(FE_RESULT_OUTPUT_CUT, output_cut)
            | flag(FE_RESULT_ERRORS_CUT, errors_cut)
            | flag(FE_RESULT_INPUT_CUT, outcome.input_cut)
            | flag(FE_RESULT_HELD, outcome.held),
        output,
        noutput,
        errors,
        nerrors,
        usage: outcome.usage,
        elapsed_ns: outcome.ended_ns.saturating_sub(began_ns),
        ..nothing()
    };
}

/// A string of C's, from malloc(3) as all memory here, and its length.
fn give_away(collected: Option<Vec<u8>>) -> (*mut c_char, usize) {
    let Some(mut bytes) = collected else { return (core::ptr::null_mut(), 0) };
    let length = bytes.len();
    // There is room for it, so it fits.
    if bytes.put(0).is_err() {
        return (core::ptr::null_mut(), 0);
    }
    let mut bytes = core::mem::ManuallyDrop::new(bytes);
    (bytes.as_mut_ptr().cast(), length)
}

/// Gives back what fe_communicate or fe_run has put into it (`output` and `errors`, by free(3), which the
/// caller may do as well) and makes it all zero. NULL and an empty one are fine.
#[no_mangle]
pub unsafe extern "C" fn fe_result_free(result: *mut fe_result) {
    // SAFETY: the C caller: result is NULL, all zero, or one that was written by this library.
    unsafe {
        let Some(result) = result.as_mut() else { return };
        libc::free(result.output.cast());
        libc::free(result.errors.cast());
        *result = nothing();
    }
}

/// Runs a program to its end: fe_spawn, fe_communicate and fe_child_close. With `attr->files` NULL its
/// descriptors 1 and 2 are pipes, and 0 is one if there is input, else /dev/null; a list that is given is
/// used as it is (input then needs FE_FROM_PIPE as its first element; pipes at 3 and above are the
/// caller's, as fe_spawn leaves them). `io` may be NULL. `attr->timeout_ms` is for the start,
/// `io->timeout_ms` begins after it, and `result->elapsed_ns` has both.
///
/// Returns 0 when the program was started and waited for, whatever its status is. Else -1 with errno
/// and `error`, which may be NULL: as fe_spawn, or as fe_communicate with the step "communicate". Nothing
/// is left behind: a program that was started was killed and waited for (but see EPERM and ETIMEDOUT at
/// fe_communicate). FE_ASYNC, FE_PTRACE, FE_SUSPEND and FE_PTY are EINVAL, and FE_IO_GROUP without FE_SETSID, FE_SETPGID or
/// FE_FOREGROUND with pgid 0. Threads, signals and stack: as fe_spawn and fe_communicate.
#[no_mangle]
pub unsafe extern "C" fn fe_run(
    attr: *const fe_attr,
    io: *const fe_io,
    result: *mut fe_result,
    error: *mut fe_error,
) -> c_int {
    let began_ns = sys::now_ns();
    // SAFETY: the C caller: as fe_spawn and fe_communicate.
    unsafe {
        if !result.is_null() {
            result.write(nothing());
        }
        let refused = |errno| fe_error { errnum: errno, step: FE_STEP_ARGS, ..CLEAR };
        let told = match (prepared(attr, io), result.as_mut()) {
            (Ok((attr, io)), Some(result)) => {
                let mut child = EMPTY;
                if fe_spawn(&attr, &mut child, error) != 0 {
                    return -1;
                }
                let done = communicate_with(&mut child, &io, result, began_ns);
                let way = child.way;
                // It is gone already, but where nothing was done.
                if !matches!(done, Ok(()) | Err(libc::EPERM | libc::ETIMEDOUT)) {
                    fe_kill(&mut child, libc::SIGKILL);
                    fe_wait(&mut child, KILLED_MS, core::ptr::null_mut());
                }
                fe_child_close(&mut child);
                let Err(errno) = done else { return 0 };
                fe_error { errnum: errno, step: FE_STEP_COMMUNICATE, way, ..CLEAR }
            }
            (Err(errno), _) => refused(errno),
            (Ok(_), None) => refused(libc::EINVAL),
        };
        if !error.is_null() {
            error.write(told);
        }
        errno::set_errno(errno::Errno(told.errnum));
        -1
    }
}

/// The two with what fe_run adds, and without what it cannot do.
///
/// # Safety
/// As fe_run.
unsafe fn prepared(attr: *const fe_attr, io: *const fe_io) -> Result<(fe_attr, fe_io), Errno> {
    if attr.is_null() {
        return Err(libc::EINVAL);
    }
    // SAFETY: the caller's.
    let (mut attr, io) = unsafe { (extensible(attr).map_err(|error| error.errno)?, checked(io)?) };
    attr.size = size_of::<fe_attr>();
    let has = |flag| attr.flags & flag != 0;
    let leads = has(FE_SETSID) || has(FE_SETPGID | FE_FOREGROUND) && attr.pgid == 0;
    let bad =
        has(FE_ASYNC | FE_PTRACE | FE_SUSPEND | FE_PTY) || io.flags & FE_IO_GROUP != 0 && !leads;
    let has_input = io.ninput != 0;
    if attr.files.is_null() && attr.nfiles == 0 {
        let files = if has_input { &FILES_OF_RUN_WITH_INPUT } else { &FILES_OF_RUN };
        (attr.files, attr.nfiles) = (files.as_ptr(), files.len());
    }
    // SAFETY: the caller's.
    let files = unsafe { array(attr.files, attr.nfiles) }.ok().flatten().unwrap_or_default();
    if bad || has_input && files.first() != Some(&FE_FROM_PIPE) {
        return Err(libc::EINVAL);
    }
    Ok((attr, io))
}
