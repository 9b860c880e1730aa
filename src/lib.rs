// SPDX-License-Identifier: BSD-3-Clause
//! libforkexec starts processes on Linux. See `include/forkexec.h` for the C face and
//! `docs/architecture.md` for the house.
//!
//! Data flows one way, and each room imports only rooms below it: `capi -> attr -> redirect ->
//! plan (remap) -> launch -> child -> sys`, with `process` beside `launch` for what one does with a child, and
//! `error` under them all.

// With std the library would be twenty times as large and need libgcc_s. The unit tests need std;
// so do the integration tests, which Cargo builds with panic=unwind: hence the two conditions, and
// the same two on the panic handler.
#![cfg_attr(all(not(test), panic = "abort"), no_std)]

#[cfg(not(target_os = "linux"))]
compile_error!("libforkexec is for Linux");
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
compile_error!("libforkexec knows the clone of x86_64 and aarch64");

extern crate alloc;

pub mod attr;
pub mod capi;
mod child;
pub mod error;
mod explain;
mod features;
pub mod launch;
mod list;
pub mod plan;
pub mod process;
mod procfs;
pub mod redirect;
pub mod remap;
mod sys;

#[cfg(all(not(test), panic = "abort"))]
mod no_std;
