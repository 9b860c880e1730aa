// SPDX-License-Identifier: BSD-3-Clause
//! The program of a stage: an ELF file in memory, of the section `fe_child` and a plan. It has no
//! relocations, since it says itself where it wants to lie; no libc, no constants, no secrets: what it
//! knows of the caller is what the program that it execs will get.
//!
//! The file has three parts, each at a multiple of the largest page size there is: headers and code, the
//! page of the record, and the data.

#![allow(unsafe_code)] // the bytes of the section, and of the data

use super::owned::Owned;
use super::record;
use crate::child::{self, Record, Start};
use crate::error::{Error, Result, Step};
use crate::list::Reserved;
use crate::plan::{call, Call};
use crate::sys::{self, Errno, Fd, SharedPage};
use alloc::vec::Vec;
use core::ffi::CStr;
use core::marker::PhantomData;
use core::mem::{offset_of, size_of};

/// The largest page: aarch64 may have 64 KiB.
const PAGE: usize = 0x1_0000;

/// Where the parts are in the file, and in memory: far below all that the kernel places by itself, and
/// above what it forbids (vm.mmap_min_addr).
const RECORD_OFFSET: usize = PAGE;
const DATA_OFFSET: usize = 2 * PAGE;
const CODE: usize = 0x1000_0000;
const RECORD: usize = 0x1080_0000;
const DATA: usize = child::STAGE_START;

/// The section begins here, behind the headers.
const SECTION_OFFSET: usize = 4096;

/// An ELF header of 64 bits (elf(5)).
#[repr(C)]
struct Header {
    ident: [u8; 16],
    kind: u16,
    machine: u16,
    version: u32,
    entry: u64,
    segments: u64,
    sections: u64,
    flags: u32,
    size: u16,
    segment_size: u16,
    segment_count: u16,
    section_size: u16,
    section_count: u16,
    section_names: u16,
}

/// A program header.
#[repr(C)]
#[derive(Clone, Copy)]
struct Segment {
    kind: u32,
    flags: u32,
    offset: u64,
    at: u64,
    physical: u64,
    in_file: u64,
    in_memory: u64,
    align: u64,
}

#[repr(C)]
struct Headers {
    header: Header,
    segments: [Segment; 4],
}

/// What the data begins with.
#[repr(C)]
struct Data {
    start: Start<'static>,
    sentinel: u64,
    mask: u64,
}

#[cfg(target_arch = "x86_64")]
const MACHINE: u16 = libc::EM_X86_64;
#[cfg(target_arch = "aarch64")]
const MACHINE: u16 = libc::EM_AARCH64;

/// The bytes of the section.
fn section() -> &'static [u8] {
    extern "C" {
        // Defined by the linker for a section whose name is an identifier.
        static __start_fe_child: u8;
        static __stop_fe_child: u8;
    }
    let (start, stop) = (&raw const __start_fe_child, &raw const __stop_fe_child);
    // SAFETY: the linker's: all between the two is the section, which is mapped and never written to.
    unsafe { core::slice::from_raw_parts(start, (stop as usize).saturating_sub(start as usize)) }
}

/// The bytes of a value for the file.
///
/// # Safety
/// `T` is repr(C) and has no padding, or its padding is written to nowhere but to the stage.
unsafe fn bytes<T>(values: &[T]) -> &[u8] {
    // SAFETY: the caller's; the length is theirs.
    unsafe { core::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

fn segment(flags: u32, offset: usize, at: usize, size: usize) -> Segment {
    Segment {
        kind: libc::PT_LOAD,
        flags,
        offset: offset as u64,
        at: at as u64,
        physical: at as u64,
        in_file: size as u64,
        in_memory: size as u64,
        align: PAGE as u64,
    }
}

fn headers(code: &[u8], data: usize) -> Headers {
    let entry = (child::stage as *const () as usize).wrapping_sub(code.as_ptr() as usize);
    let (r, w, x) = (libc::PF_R, libc::PF_W, libc::PF_X);
    let stack = Segment { kind: libc::PT_GNU_STACK, align: 16, ..segment(r | w, 0, 0, 0) };
    let mut ident = [0; 16];
    let magic = [0x7f, b'E', b'L', b'F', libc::ELFCLASS64, libc::ELFDATA2LSB, 1];
    for (to, from) in ident.iter_mut().zip(magic) {
        *to = from;
    }
    Headers {
        header: Header {
            ident,
            kind: libc::ET_EXEC,
            machine: MACHINE,
            version: 1,
            entry: (CODE + SECTION_OFFSET).wrapping_add(entry) as u64,
            segments: offset_of!(Headers, segments) as u64,
            sections: 0,
            flags: 0,
            size: size_of::<Header>() as u16,
            segment_size: size_of::<Segment>() as u16,
            segment_count: 4,
            section_size: 0,
            section_count: 0,
            section_names: 0,
        },
        segments: [
            segment(r | x, 0, CODE, SECTION_OFFSET + code.len()),
            // Its own until it maps the file's.
            segment(r | w, RECORD_OFFSET, RECORD, PAGE),
            segment(r | w, DATA_OFFSET, DATA, data),
            stack,
        ],
    }
}

/// A stage that is ready to be started.
pub struct Image {
    /// The program. Close-on-exec.
    pub file: Fd,
    /// What it will tell.
    pub record: SharedPage<Record>,
}

/// The calls of the stage: `before`, which make it fit to do the rest, and those of the plan.
pub struct Content<'a> {
    /// The calls of the plan.
    pub calls: &'a [Call<'a>],
    /// The signal mask for the program.
    pub mask: u64,
    /// The pipe whose end tells the parent that the program has begun.
    pub pipe: i32,
    /// What the stage is called, so that its parent can tell it from the program.
    pub name: &'a CStr,
}

fn at_stage(errno: Errno) -> Error {
    Error::new(errno, Step::Stage)
}

/// An empty file, whose number the stage knows before it is written.
pub fn file() -> Result<Fd> {
    sys::executable_file().map_err(at_stage)
}

/// Writes the program to it.
pub fn write(file: Fd, content: &Content<'_>) -> Result<Image> {
    let Content { calls, mask, pipe, name } = *content;
    let first = call::in_stage(file.number(), pipe, RECORD, RECORD_OFFSET, name);
    let mut all: Vec<Call<'_>> = Vec::new();
    let count = calls.len().saturating_add(first.len());
    all.try_reserve_exact(count).map_err(|_| Error::NO_MEMORY)?;
    all.put_all(&first)?;
    all.put_all(calls)?;

    let calls_at = DATA + size_of::<Data>();
    let copies_at = calls_at.saturating_add(size_of_val(all.as_slice()));
    let owned = Owned::elsewhere(&all, copies_at)?;
    let at = |offset: usize| DATA.wrapping_add(offset);
    let data = Data {
        start: Start {
            calls: calls_at as *const Call<'static>,
            ncalls: count,
            record: RECORD as *const Record,
            table_below: 0,
            sentinel: at(offset_of!(Data, sentinel)) as *const _,
            mask: at(offset_of!(Data, mask)) as *const u64,
            reset_handlers: false,
            error_pipe: [-1, pipe],
            maps_pipe: [-1; 2],
            borrowed: PhantomData,
        },
        sentinel: 0,
        mask,
    };
    let code = section();
    // SAFETY: repr(C) all; what padding there is goes to the stage alone.
    let (data, calls, copies) = unsafe {
        (bytes(core::slice::from_ref(&data)), bytes(owned.calls()), bytes(owned.copies()))
    };
    let length = data.len().saturating_add(calls.len()).saturating_add(copies.len());
    let headers = headers(code, length);
    // SAFETY: as above.
    let headers = unsafe { bytes(core::slice::from_ref(&headers)) };
    let mut to = DATA_OFFSET;
    for (part, offset) in [(headers, 0), (code, SECTION_OFFSET)] {
        sys::write_at(&file, part, offset).map_err(at_stage)?;
    }
    for part in [data, calls, copies] {
        sys::write_at(&file, part, to).map_err(at_stage)?;
        to = to.saturating_add(part.len());
    }
    // SAFETY: a Record is three atomics; the file has a hole there, and is not cut.
    let record = unsafe { SharedPage::<Record>::of(&file, RECORD_OFFSET) }.map_err(at_stage)?;
    record::reset(&record);
    Ok(Image { file, record })
}
