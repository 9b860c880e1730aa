// SPDX-License-Identifier: BSD-3-Clause
//! `fe_error` and its texts.

use super::text::Text;
use super::types::*;
use crate::attr::Way;
use crate::error::{Error, Step};
use crate::launch::Failed;
use core::ffi::{c_char, c_int, CStr};

/// No error.
pub const CLEAR: fe_error = fe_error {
    errnum: 0,
    step: FE_STEP_NONE,
    index: -1,
    signal: 0,
    way: 0,
    reserved: [0; 3],
    reserved2: [0; 4],
};

/// The number of a way.
pub fn way_number(way: Way) -> u32 {
    match way {
        Way::Shared => FE_WAY_SHARED,
        Way::Copy => FE_WAY_COPY,
        Way::Piped => FE_WAY_PIPED,
        Way::Concurrent => FE_WAY_CONCURRENT,
        Way::Staged => FE_WAY_STAGED,
    }
}

/// A failure as C sees it.
pub fn fe_error_of(failed: &Failed) -> fe_error {
    let Error { errno, step, index, signal } = failed.error;
    let way = failed.way.map_or(0, way_number);
    fe_error { errnum: errno, step: step as i32, index, signal, way, ..CLEAR }
}

/// The name of a step: "chdir", "exec" and so on; "unknown" for a number that is none. A static
/// string.
#[no_mangle]
pub extern "C" fn fe_step_name(step: c_int) -> *const c_char {
    name(step).as_ptr()
}

/// The name of a step.
pub fn name(step: c_int) -> &'static CStr {
    Step::name(step).unwrap_or(c"unknown")
}

/// Writes what went wrong as a line of text without a newline, such as "chdir: No such file or
/// directory", "files 3: Bad file descriptor" or "exec: killed by signal 9". Like snprintf(3): at
/// most n bytes with the NUL, which is always there unless n is 0, and the return value is the
/// length that the whole text has. `buf` may be NULL if n is 0. An `error` that is NULL or clear
/// gives "success". The errno's text is that of strerror(3) in the current locale. Thread-safe.
#[no_mangle]
pub unsafe extern "C" fn fe_error_message(
    error: *const fe_error,
    buf: *mut c_char,
    n: usize,
) -> usize {
    // SAFETY: the C caller: buf has room for n bytes, or n is 0.
    let mut text = unsafe { Text::new(buf.cast(), if buf.is_null() { 0 } else { n }) };
    if error.is_null() {
        text.push(b"success");
        return text.end();
    }
    // SAFETY: the C caller: error is NULL or one that fe_spawn has written.
    let error = unsafe { error.read() };
    if error.errnum == 0 {
        text.push(b"success");
        return text.end();
    }
    text.push(name(error.step).to_bytes());
    if error.index >= 0 {
        text.push(b" ");
        text.push_number(error.index);
    }
    text.push(b": ");
    let killed = error.errnum == libc::ECANCELED
        && error.step >= Step::Clone as i32
        && error.step != FE_STEP_COMMUNICATE;
    if killed && error.signal > 0 {
        text.push(b"killed by signal ");
        text.push_number(error.signal);
    } else if killed {
        text.push(b"killed");
    } else if error.step == FE_STEP_SCRIPT_FD {
        text.push(b"The script's interpreter cannot open its close-on-exec descriptor");
    } else {
        let mut buffer = [0 as c_char; 256];
        // SAFETY: the buffer is writable for its length; the result is a string in it, whatever the
        // return value.
        let description = unsafe {
            libc::strerror_r(error.errnum, buffer.as_mut_ptr(), buffer.len());
            CStr::from_ptr(buffer.as_ptr())
        };
        text.push(description.to_bytes());
    }
    text.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(error: &fe_error, room: usize) -> (String, usize) {
        let mut buffer = [b'?' as c_char; 100];
        // SAFETY: room is at most the buffer's length.
        let length = unsafe { fe_error_message(error, buffer.as_mut_ptr(), room) };
        assert_eq!(buffer[room], b'?' as c_char);
        // SAFETY: the NUL is there.
        let text = unsafe { CStr::from_ptr(buffer.as_ptr()) };
        (text.to_str().unwrap().to_owned(), length)
    }

    #[test]
    fn step_numbers_are_those_of_the_core() {
        for (number, c) in [
            (Step::None, FE_STEP_NONE),
            (Step::Args, FE_STEP_ARGS),
            (Step::Memory, FE_STEP_MEMORY),
            (Step::Pipe, FE_STEP_PIPE),
            (Step::Clone, FE_STEP_CLONE),
            (Step::Pidfd, FE_STEP_PIDFD),
            (Step::UidMap, FE_STEP_UID_MAP),
            (Step::SetgroupsDeny, FE_STEP_SETGROUPS_DENY),
            (Step::GidMap, FE_STEP_GID_MAP),
            (Step::MapsWait, FE_STEP_MAPS_WAIT),
            (Step::Sigaction, FE_STEP_SIGACTION),
            (Step::Propagation, FE_STEP_PROPAGATION),
            (Step::Noctty, FE_STEP_NOCTTY),
            (Step::Setsid, FE_STEP_SETSID),
            (Step::Setpgid, FE_STEP_SETPGID),
            (Step::Chroot, FE_STEP_CHROOT),
            (Step::ChrootChdir, FE_STEP_CHROOT_CHDIR),
            (Step::Setgroups, FE_STEP_SETGROUPS),
            (Step::Setgid, FE_STEP_SETGID),
            (Step::Setuid, FE_STEP_SETUID),
            (Step::Chdir, FE_STEP_CHDIR),
            (Step::Files, FE_STEP_FILES),
            (Step::CloseOthers, FE_STEP_CLOSE_OTHERS),
            (Step::Setctty, FE_STEP_SETCTTY),
            (Step::Foreground, FE_STEP_FOREGROUND),
            (Step::Pdeathsig, FE_STEP_PDEATHSIG),
            (Step::ParentAlive, FE_STEP_PARENT_ALIVE),
            (Step::Sigmask, FE_STEP_SIGMASK),
            (Step::Ptrace, FE_STEP_PTRACE),
            (Step::Exec, FE_STEP_EXEC),
            (Step::ActionOpen, FE_STEP_ACTION_OPEN),
            (Step::ActionDup2, FE_STEP_ACTION_DUP2),
            (Step::ActionClose, FE_STEP_ACTION_CLOSE),
            (Step::ActionChdir, FE_STEP_ACTION_CHDIR),
            (Step::ActionFchdir, FE_STEP_ACTION_FCHDIR),
            (Step::ActionClosefrom, FE_STEP_ACTION_CLOSEFROM),
            (Step::ActionTcsetpgrp, FE_STEP_ACTION_TCSETPGRP),
            (Step::Scheduling, FE_STEP_SCHEDULING),
            (Step::Resetids, FE_STEP_RESETIDS),
            (Step::Cgroup, FE_STEP_CGROUP),
            (Step::Execfd, FE_STEP_EXECFD),
            (Step::ScriptFd, FE_STEP_SCRIPT_FD),
            (Step::Shell, FE_STEP_SHELL),
            (Step::UnshareFiles, FE_STEP_UNSHARE_FILES),
            (Step::Stage, FE_STEP_STAGE),
            (Step::Communicate, FE_STEP_COMMUNICATE),
            (Step::Suspend, FE_STEP_SUSPEND),
            (Step::Pty, FE_STEP_PTY),
            (Step::Setns, FE_STEP_SETNS),
            (Step::Unshare, FE_STEP_UNSHARE),
            (Step::TimeOffsets, FE_STEP_TIME_OFFSETS),
            (Step::PivotRoot, FE_STEP_PIVOT_ROOT),
            (Step::Umask, FE_STEP_UMASK),
            (Step::Rlimits, FE_STEP_RLIMITS),
            (Step::Nice, FE_STEP_NICE),
            (Step::Affinity, FE_STEP_AFFINITY),
            (Step::Mempolicy, FE_STEP_MEMPOLICY),
            (Step::Ioprio, FE_STEP_IOPRIO),
            (Step::OomScoreAdj, FE_STEP_OOM_SCORE_ADJ),
            (Step::TimerSlack, FE_STEP_TIMER_SLACK),
            (Step::CoreSched, FE_STEP_CORE_SCHED),
            (Step::Personality, FE_STEP_PERSONALITY),
            (Step::Keepcaps, FE_STEP_KEEPCAPS),
            (Step::Bounding, FE_STEP_BOUNDING),
            (Step::Inheritable, FE_STEP_INHERITABLE),
            (Step::Ambient, FE_STEP_AMBIENT),
            (Step::Securebits, FE_STEP_SECUREBITS),
            (Step::Permitted, FE_STEP_PERMITTED),
            (Step::NoNewPrivs, FE_STEP_NO_NEW_PRIVS),
            (Step::Landlock, FE_STEP_LANDLOCK),
            (Step::Seccomp, FE_STEP_SECCOMP),
            (Step::Keep, FE_STEP_KEEP),
        ] {
            assert_eq!(number as i32, c);
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "the texts are the C library's")]
    fn messages() {
        let error = fe_error { errnum: libc::ENOENT, step: FE_STEP_CHDIR, ..CLEAR };
        let whole = "chdir: No such file or directory";
        assert_eq!(message(&error, 99), (whole.to_owned(), whole.len()));
        assert_eq!(message(&error, 6), ("chdir".to_owned(), whole.len()));
        assert_eq!(message(&error, 1), (String::new(), whole.len()));
        // SAFETY: no room, no writing.
        assert_eq!(unsafe { fe_error_message(&error, core::ptr::null_mut(), 0) }, whole.len());
        let error = fe_error { errnum: libc::EBADF, step: FE_STEP_FILES, index: 120, ..CLEAR };
        assert_eq!(message(&error, 99).0, "files 120: Bad file descriptor");
        let mut error =
            fe_error { errnum: libc::ECANCELED, step: FE_STEP_EXEC, signal: 9, ..CLEAR };
        assert_eq!(message(&error, 99).0, "exec: killed by signal 9");
        error.signal = 0;
        assert_eq!(message(&error, 99).0, "exec: killed");
        assert_eq!(message(&CLEAR, 99).0, "success");
    }
}
