// SPDX-License-Identifier: BSD-3-Clause
//! `fe_explain`.

use super::attr::with_attr;
use super::error::fe_error_of;
use super::text::Text;
use super::types::*;
use crate::attr::Way;
use crate::error::{Error, Step};
use crate::explain::{explain, Form};
use crate::launch;
use core::ffi::c_char;
use libc::{size_t, ssize_t};

/// fe_explain: a line for each system call.
pub const FE_EXPLAIN_TEXT: u32 = 0;
/// fe_explain: one JSON object.
pub const FE_EXPLAIN_JSON: u32 = 1;

/// Writes what fe_spawn would do for `attr`, without doing it: the way and why it is taken, and each system call
/// of the child in its order, with its step, its index and its values. What attr asks for is checked as fe_spawn checks it
/// before there is a child, so contradictions fail here in the same way. Pipes, terminals and data of `files` are made
/// for a moment, to see that they can be, and given back; nothing else is changed.
///
/// `form` is FE_EXPLAIN_TEXT or FE_EXPLAIN_JSON (else EINVAL): an object with the members way, why and steps, an array
/// of objects with step, index (if the step has several items), call, args (numbers, strings, arrays, null, or {} for what is
/// not shown; "<fd>" and the like for what is known only then), into (where its result goes) and if; or by, for what is no system
/// call of the child. Of the environment only the count is shown. A byte of a string that is no UTF-8 is written as
/// the character of its number. What the texts say may change from version to version, their form does not.
///
/// Like snprintf(3): at most `size` bytes are written with the NUL, which is always there unless size is 0, and the
/// length of the whole text is returned. `text` may be NULL if size is 0. When fe_spawn would fail before it makes a child, -1
/// with errno, and `error` as fe_spawn fills it. Where no spawn of this process has shown yet whether memory can
/// be shared here, it is taken for granted. Thread-safe, no cancellation point, not async-signal-safe.
#[no_mangle]
pub unsafe extern "C" fn fe_explain(
    attr: *const fe_attr,
    form: u32,
    text: *mut c_char,
    size: size_t,
    error: *mut fe_error,
) -> ssize_t {
    let form = match form {
        FE_EXPLAIN_TEXT => Some(Form::Text),
        FE_EXPLAIN_JSON => Some(Form::Json),
        _ => None,
    };
    // SAFETY: the C caller: attr and all in it is as fe_attr says.
    let explained = unsafe {
        with_attr(attr, false, |attr, given| {
            let form = form.ok_or(Error::new(libc::EINVAL, Step::Args))?;
            let beside = given.flags & (FE_ASYNC | FE_SUSPEND) != 0
                || attr.timeout_ms.is_some()
                || attr.way == Some(Way::Concurrent);
            let mut length = 0;
            launch::foresee(attr, beside, &mut |planned, attr| {
                // SAFETY: the C caller: text has room for size bytes, or size is 0.
                let mut written = Text::new(text.cast(), if text.is_null() { 0 } else { size });
                explain(planned, attr, form, &mut |bytes| written.push(bytes));
                length = written.end();
            })?;
            Ok(length)
        })
    };
    let (result, told) = match &explained {
        Ok(length) => (*length as ssize_t, super::error::CLEAR),
        Err(failed) => (-1, fe_error_of(failed)),
    };
    if !error.is_null() {
        // SAFETY: the C caller: error is NULL or writable.
        unsafe { error.write(told) };
    }
    if result < 0 {
        errno::set_errno(errno::Errno(told.errnum));
    }
    result
}
