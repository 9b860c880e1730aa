// SPDX-License-Identifier: BSD-3-Clause
//! A plan as text, for people and for programs: what would be done, in order, with its values.

#![allow(unsafe_code)] // follows the pointers that the plan's constructors have put into its calls

mod calls;

use crate::attr::{Attr, Way};
use crate::error::{Name, Step};
use crate::list::count;
use crate::plan::call::{From, Register, Rule};
use crate::plan::Call;
use calls::{Kind, Known};
use core::ffi::CStr;

/// What is known of a spawn before it is made.
pub struct Planned<'a> {
    /// How the child would be made.
    pub way: Way,
    /// And why so.
    pub why: &'static CStr,
    /// What it would do.
    pub calls: &'a [Call<'a>],
    /// How many of these come before the program between of the staged way.
    pub before_stage: Option<usize>,
}

/// Where the text goes.
pub type Out<'a> = &'a mut dyn FnMut(&[u8]);

/// How it is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A line for each call.
    Text,
    /// One object.
    Json,
}

/// Writes it.
pub fn explain(planned: &Planned<'_>, attr: &Attr<'_>, form: Form, out: Out<'_>) {
    let mut writer = Writer { form, out, first: true };
    writer.begin(planned);
    for step in by_the_caller(attr) {
        writer.caller(step);
    }
    for (at, call) in planned.calls.iter().enumerate() {
        if planned.before_stage == Some(at) {
            writer.caller(Step::Stage);
        }
        // SAFETY: a call of a plan.
        unsafe { writer.call(call) };
    }
    if form == Form::Json {
        writer.push(b"]}");
    }
}

/// What the caller does while the child waits.
fn by_the_caller<'a>(attr: &'a Attr<'_>) -> impl Iterator<Item = Step> + 'a {
    let maps = &attr.maps;
    [
        (attr.namespaces.and_then(|all| all.pid()).is_some(), Step::Setns),
        (!maps.uid.is_empty(), Step::UidMap),
        (maps.denies_setgroups(), Step::SetgroupsDeny),
        (!maps.gid.is_empty(), Step::GidMap),
    ]
    .into_iter()
    .filter_map(|(there, step)| there.then_some(step))
}

struct Writer<'a> {
    form: Form,
    out: Out<'a>,
    first: bool,
}

impl Writer<'_> {
    fn push(&mut self, bytes: &[u8]) {
        (self.out)(bytes);
    }

    fn put(&mut self, text: &[u8], json: &[u8]) {
        self.push(if self.form == Form::Json { json } else { text });
    }

    fn begin(&mut self, planned: &Planned<'_>) {
        self.put(b"way: ", b"{\"way\":\"");
        self.push(planned.way.name().to_bytes());
        self.put(b", since ", b"\",\"why\":\"");
        self.push(planned.why.to_bytes());
        self.put(b"\n", b"\",\"steps\":[");
    }

    fn step(&mut self, step: Step, index: i32) {
        let name = Step::name(step as i32).unwrap_or_default();
        match self.form {
            Form::Text => {
                self.push(name.to_bytes());
                if index >= 0 {
                    self.push(b" ");
                    self.number(index.into());
                }
                self.push(b": ");
            }
            Form::Json => {
                self.push(if self.first { b"{\"step\":\"" } else { b",{\"step\":\"" });
                self.push(name.to_bytes());
                self.push(b"\"");
                if index >= 0 {
                    self.push(b",\"index\":");
                    self.number(index.into());
                }
                self.first = false;
            }
        }
    }

    /// What is no system call of the child's.
    fn caller(&mut self, step: Step) {
        self.step(step, -1);
        let by: &[u8] = if step == Step::Stage { b"the program between" } else { b"the caller" };
        match self.form {
            Form::Text => {
                self.push(b"by ");
                self.push(by);
                self.push(b"\n");
            }
            Form::Json => {
                self.push(b",\"by\":\"");
                self.push(by);
                self.push(b"\"}");
            }
        }
    }

    /// # Safety
    /// The call is one of a plan, whose constructors know what each argument is.
    unsafe fn call(&mut self, call: &Call<'_>) {
        self.step(call.step, call.index);
        let suspends = call.rule == Rule::Suspend;
        let known = calls::known(call.nr).filter(|_| !suspends);
        let name = match &known {
            _ if suspends => c"wait",
            Some(known) => known.name(),
            None => c"syscall",
        };
        match self.form {
            Form::Text => {
                self.push(name.to_bytes());
                self.push(b"(");
            }
            Form::Json => {
                self.push(b",\"call\":\"");
                self.push(name.to_bytes());
                self.push(b"\",\"args\":[");
            }
        }
        let kinds = known.map_or([Kind::End; 6], Known::kinds);
        for ((nth, kind), argument) in kinds.into_iter().enumerate().zip(call.args) {
            if kind == Kind::End {
                break;
            }
            if nth != 0 {
                self.push(if self.form == Form::Text { b", " } else { b"," });
            }
            if call.from != From::None && usize::from(call.argument) == nth {
                self.register(call.register);
            } else {
                // SAFETY: the caller's.
                unsafe { self.argument(kind, argument, call) };
            }
        }
        self.push(if self.form == Form::Text { b")" } else { b"]" });
        self.end(call);
    }

    fn end(&mut self, call: &Call<'_>) {
        let json = self.form == Form::Json;
        if call.into {
            self.push(if json { b",\"into\":" } else { b" = " });
            self.register(call.register);
        }
        if call.rule == Rule::Shell {
            self.push(if json { b",\"if\":\"ENOEXEC\"" } else { b" if ENOEXEC" });
        }
        self.push(if json { b"}" } else { b"\n" });
    }

    /// What is known only once the child runs.
    fn register(&mut self, register: Register) {
        static NAMES: [(Register, Name); 5] = [
            (Register::Fd, Name::of("\"<fd>\"")),
            (Register::Group, Name::of("\"<group>\"")),
            (Register::Mask, Name::of("\"<mask>\"")),
            (Register::Exec, Name::of("\"<execfd>\"")),
            (Register::Id, Name::of("\"<id>\"")),
        ];
        let known = NAMES.iter().find(|(known, _)| *known == register);
        let name = known.map_or(c"", |(_, name)| name.text()).to_bytes();
        let bare = name.get(1..name.len().saturating_sub(1)).unwrap_or_default();
        self.push(if self.form == Form::Json { name } else { bare });
    }

    /// # Safety
    /// The argument is of that kind.
    unsafe fn argument(&mut self, kind: Kind, argument: usize, call: &Call<'_>) {
        // SAFETY: throughout: the caller's.
        unsafe {
            match kind {
                Kind::End => {}
                Kind::Number => self.number(argument as i32 as i64),
                Kind::Unsigned => self.number(argument as u64 as i64),
                Kind::String if argument == 0 => self.null(),
                Kind::String => self.string(text(argument)),
                Kind::Argv => self.strings(argument),
                Kind::Envp => {
                    // Their values may be secret.
                    let count = count(addresses(argument));
                    self.push(b"\"");
                    self.number(count as i64);
                    self.push(b" variables\"");
                }
                Kind::Ids => {
                    let [count, ..] = call.args;
                    self.list(count, |nth| (*(argument as *const u32).add(nth)).into());
                }
                Kind::Int => self.list(1, |_| (*(argument as *const i32)).into()),
                Kind::Limits => self.list(2, |nth| *(argument as *const i64).add(nth)),
                // What a call has with it gets its address from the child.
                Kind::Bytes if argument == 0 && !call.words => self.null(),
                Kind::Bytes => self.push(if self.form == Form::Json { b"{}" } else { b"{...}" }),
            }
        }
    }

    fn null(&mut self) {
        self.push(if self.form == Form::Json { b"null" } else { b"NULL" });
    }

    fn number(&mut self, number: i64) {
        if number < 0 {
            self.push(b"-");
        }
        let (mut digits, mut at, mut left) = ([0; 20], 20, number.unsigned_abs());
        for place in digits.iter_mut().rev() {
            (*place, at) = (b'0' + (left % 10) as u8, at - 1);
            left /= 10;
            if left == 0 {
                break;
            }
        }
        self.push(digits.get(at..).unwrap_or_default());
    }

    fn list(&mut self, count: usize, item: impl Fn(usize) -> i64) {
        self.push(b"[");
        for nth in 0..count {
            if nth != 0 {
                self.push(b",");
            }
            self.number(item(nth));
        }
        self.push(b"]");
    }

    /// # Safety
    /// It is the address of an array of strings that ends with NULL.
    unsafe fn strings(&mut self, array: usize) {
        self.push(b"[");
        let mut separator: &[u8] = b"";
        // SAFETY: the caller's.
        for string in unsafe { addresses(array) } {
            self.push(core::mem::replace(&mut separator, b","));
            // SAFETY: the caller's.
            self.string(unsafe { text(string) });
        }
        self.push(b"]");
    }

    /// In quotes, as JSON has it. A byte of what is no UTF-8 becomes the character of that number.
    fn string(&mut self, string: &CStr) {
        let bytes = string.to_bytes();
        let is_text = core::str::from_utf8(bytes).is_ok();
        self.push(b"\"");
        for byte in bytes {
            match *byte {
                b'"' => self.push(b"\\\""),
                b'\\' => self.push(b"\\\\"),
                b'\n' => self.push(b"\\n"),
                b' '..=b'~' => self.push(&[*byte]),
                0x80.. if is_text => self.push(&[*byte]),
                _ => {
                    let digit =
                        |half: u8| *b"0123456789abcdef".get(usize::from(half)).unwrap_or(&b'?');
                    self.push(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
                }
            }
        }
        self.push(b"\"");
    }
}

/// # Safety
/// It is the address of a string.
unsafe fn text<'a>(address: usize) -> &'a CStr {
    // SAFETY: the caller's.
    unsafe { CStr::from_ptr(address as *const libc::c_char) }
}

/// # Safety
/// It is the address of an array that ends with 0, and stays.
unsafe fn addresses(array: usize) -> impl Iterator<Item = usize> {
    // As pointers: what is read as a number may be followed no more.
    let mut at = array as *const *const u8;
    core::iter::from_fn(move || {
        // SAFETY: the caller's: nothing is read behind the 0, where `at` stays.
        unsafe {
            let string = *at;
            (!string.is_null()).then(|| {
                at = at.add(1);
                string as usize
            })
        }
    })
}
