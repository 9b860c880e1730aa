// SPDX-License-Identifier: BSD-3-Clause
//! The C face: C pointers in, `0` or `-1` and errno out. Translation and validation of pointers,
//! sizes and flags, and the only room that knows the `fe_*` types.
//!
//! The C caller's part of each bargain is in the doc comment of the function, which is what the
//! caller gets to read in the header.

// Pointers from C, and symbols for it.
#![allow(unsafe_code)]
// What the C caller must see to is in the doc comments, in C's terms: they are the header's.
#![allow(clippy::missing_safety_doc)]

mod attr;
mod child;
mod communicate;
mod error;
mod explain;
mod features;
#[cfg(test)]
mod layout;
mod limits;
mod namespaces;
mod privileges;
mod read;
mod spawn;
mod stop;
#[cfg(test)]
mod tests;
mod text;
mod trace;
mod types;

#[cfg(any(test, fuzzing))]
pub mod fuzz;

pub use child::{fe_child_close, fe_kill, fe_wait, fe_wait_any, fe_wait_usage};
pub use communicate::{fe_communicate, fe_result_free, fe_run};
pub use error::{fe_error_message, fe_step_name};
pub use explain::{fe_explain, FE_EXPLAIN_JSON, FE_EXPLAIN_TEXT};
pub use features::*;
pub use spawn::{fe_spawn, fe_spawn_finish, fe_spawn_many};
pub use stop::{fe_kill_group, fe_kill_tree, fe_stop};
pub use types::*;

use core::ffi::c_char;

/// The version of the library that is running, such as "0.1.0". A static string.
#[no_mangle]
pub extern "C" fn fe_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
