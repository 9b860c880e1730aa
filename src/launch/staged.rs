// SPDX-License-Identifier: BSD-3-Clause
//! The staged way, for a child with other privileges of a caller with much memory: docs/adr/0001. The child
//! does as in the shared way all that needs the caller's privileges, and execs a program of the library's
//! own, which changes the credentials, does the rest of the plan, and execs in turn. So memory is neither
//! shared with another user nor copied.
//!
//! The parent goes on at the first exec and waits as in the piped way. Its proof of the second exec is the
//! name of the process (comm of proc(5)): the stage gives itself one that exec cannot give, since it
//! has a slash in it, and exec replaces it at the point from where there is no return.

#![forbid(unsafe_code)]

use super::image::{self, Content};
use super::outcome::{Circumstances, Question};
use super::proof::{self, Proof};
use super::{clone, piped, record, settle, way, Job, Started};
use crate::attr::{Action, Attr, Group, Way};
use crate::child::Start;
use crate::error::{Error, Result, Step};
use crate::list::Reserved;
use crate::plan::{call, Call};
use crate::procfs::Text;
use crate::redirect::out_of_the_way;
use crate::sys;
use alloc::vec::Vec;
use core::sync::atomic::AtomicU32;

/// How much memory the caller must have in use before a stage is cheaper than a copy of the page tables,
/// in KiB: `make bench` has the two lines cross there.
const WORTHWHILE_KIB: u64 = 8 << 10;

/// Whether a stage can do what `attr` wants: it has those descriptors only that the program will have.
pub fn can_do(attr: &Attr<'_>) -> bool {
    let needs_no_other = |action: &Action<'_>| match *action {
        Action::Open { .. } | Action::Close(_) | Action::Chdir(_) | Action::Closefrom(_) => true,
        Action::Dup2 { from, .. } | Action::Fchdir(from) | Action::Tcsetpgrp(from) => {
            has(attr, from)
        }
    };
    let terminal = match attr.group {
        Group::Session { ctty } => ctty,
        Group::Group { foreground, .. } => foreground,
        Group::Inherit => None,
    };
    !attr.ptrace
        && attr.program.fd().is_none()
        && attr.actions.iter().all(needs_no_other)
        && terminal.is_none_or(|fd| has(attr, fd))
}

/// Whether `files` opens it.
fn has(attr: &Attr<'_>, fd: i32) -> bool {
    let named = usize::try_from(fd).ok().and_then(|fd| attr.files?.get(fd));
    named.is_some_and(|file| *file >= 0)
}

/// What /proc says of the calling thread.
pub struct Caller {
    /// An exec leaves its ids and capabilities as they are, and what is known of its child.
    pub survives: bool,
    /// It has so much memory that a copy costs more.
    pub is_large: bool,
}

impl Caller {
    /// Looks.
    pub fn look() -> Caller {
        let mut buffer = [0; 2048];
        let length = sys::open(c"/proc/thread-self/status", libc::O_RDONLY)
            .and_then(|file| sys::read(&file, &mut buffer));
        let status = length.ok().and_then(|length| buffer.get(..length)).unwrap_or_default();
        let mut caller = Caller::parse(status);
        caller.survives =
            caller.survives && sys::has_no_securebits() && !sys::children_are_not_kept();
        caller
    }

    /// Exec by root gives what inheritable and bounding set allow, and takes the rest (capabilities(7)); of
    /// several user ids it makes two. A filter may forbid what the library tries here, and kill.
    fn parse(status: &[u8]) -> Caller {
        let field = |name: &[u8]| {
            let mut lines = status.split(|byte| *byte == b'\n');
            lines.find_map(|line| line.strip_prefix(name)).map(<[u8]>::trim_ascii)
        };
        let set = |name| {
            let digits = core::str::from_utf8(field(name)?).ok()?;
            u64::from_str_radix(digits, 16).ok()
        };
        let is_root = |name| field(name).is_some_and(|ids| ids == b"0\t0\t0\t0");
        let sets = (set(b"CapInh:"), set(b"CapPrm:"), set(b"CapEff:"), set(b"CapBnd:"));
        let keeps = match sets {
            (Some(inheritable), Some(permitted), Some(effective), Some(bounding)) => {
                permitted == effective && permitted == inheritable | bounding
            }
            _ => false,
        };
        let ambient = set(b"CapAmb:") == Some(0);
        let groups = |name| field(name).is_some_and(one_id);
        let rss = field(b"VmRSS:").and_then(|rss| {
            let digits = rss.split(|byte| *byte == b' ').next()?;
            core::str::from_utf8(digits).ok()?.parse().ok()
        });
        Caller {
            survives: is_root(b"Uid:")
                && groups(b"Gid:")
                && keeps
                && ambient
                && field(b"Seccomp:") == Some(b"0"),
            is_large: rss.is_some_and(|kib: u64| kib >= WORTHWHILE_KIB),
        }
    }
}

/// Whether real, effective, saved and file system id are the same.
fn one_id(ids: &[u8]) -> bool {
    let mut ids = ids.split(|byte| *byte == b'\t');
    let first = ids.next();
    ids.all(|id| Some(id) == first)
}

/// Spawns. `job` has the calls that come before the stage, `calls` are its own.
pub fn spawn(job: &Job<'_>, calls: &[Call<'_>]) -> Result<Started> {
    let name = name();
    let name = name.as_c_str().ok_or(Error::new(libc::EINVAL, Step::Stage))?;
    let (outcome, pipe) = piped::pipe(job)?;
    let file = out_of_the_way(image::file()?, job.attr);
    let file = file.map_err(|errno| Error::new(errno, Step::Stage))?;
    let content = Content { calls, mask: *job.mask, pipe: pipe.number(), name };
    let image = image::write(file, &content)?;

    let argv = [c"forkexec-stage".as_ptr() as usize, 0];
    let last = call::stage(image.file.number(), pipe.number(), &argv);
    let mut all: Vec<Call<'_>> = Vec::new();
    let count = job.calls.len().saturating_add(last.len());
    all.try_reserve_exact(count).map_err(|_| Error::NO_MEMORY)?;
    all.put_all(job.calls)?;
    all.put_all(&last)?;

    let sentinel = AtomicU32::new(0);
    let start = Start {
        calls: all.as_ptr(),
        ncalls: all.len(),
        error_pipe: [outcome.number(), pipe.number()],
        ..job.start(&image.record, &sentinel)
    };
    let child = clone::child(Way::Staged, job, start)?;
    drop(pipe);
    let proof = || match record::read(&image.record).step.is_exec() {
        true => proof::by_name(child.pid, name.to_bytes()),
        false => Proof::NotExeced,
    };
    let told = piped::wait_for_end(child.pid, &outcome, None, proof);
    let how = Circumstances { traced: false, may_block: true };
    let ask = |question| match question {
        Question::NotExeced => piped::answer(proof, || piped::is_dead(child.pid)),
        question => settle::ask(child.pid, question, job.mask),
    };
    let settled = settle::settle_by(child.pid, &image.record, how, ask).result;
    settled.map_err(|error| by_pipe(error, told.unwrap_or(0)))?;
    Ok(Started::new(child, Way::Staged))
}

/// A stage that could not map its record is one that has exited without a word there.
fn by_pipe(error: Error, told: u8) -> Error {
    match (error.step, error.errno, error.signal, told) {
        (Step::Stage, libc::ECANCELED, 0, 1..) => Error { errno: told.into(), ..error },
        _ => error,
    }
}

/// A slash, and what nobody else is called.
fn name() -> Text {
    let mut name = Text::new();
    let now = sys::now_ns();
    name.push(b"/fe");
    name.push_number((now ^ now >> 32) as u32);
    name.push(b"\0");
    name
}

/// Whether the error says that a stage cannot be had, and not that the spawn failed: the copy way can do
/// it all, and with fewer descriptors.
pub fn is_refused(error: &Error) -> bool {
    // Killed, when it was not yet itself, by what the kernel does to a program that cannot be loaded.
    let unloadable = matches!(error.signal, 0 | libc::SIGSEGV | libc::SIGBUS | libc::SIGILL);
    way::made_no_child(error)
        || error.step == Step::Stage && (error.errno != libc::ECANCELED || unloadable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "Name:\tx\nUid:\t0\t0\t0\t0\nGid:\t5\t5\t5\t5\nVmRSS:\t  999999 kB\n\
        CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t000001ffffffffff\n\
        CapBnd:\t000001ffffffffff\nCapAmb:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:\t0\n";

    fn survives(status: &str) -> bool {
        Caller::parse(status.as_bytes()).survives
    }

    #[test]
    fn exec_must_change_nothing() {
        assert!(survives(ROOT));
        for (from, to) in [
            ("Uid:\t0\t0\t0\t0", "Uid:\t0\t0\t0\t1"),
            ("Uid:\t0\t0\t0\t0", "Uid:\t1000\t0\t0\t0"),
            ("Uid:\t0\t0\t0\t0", "Uid:\t7\t7\t7\t7"),
            ("Gid:\t5\t5\t5\t5", "Gid:\t5\t5\t5\t6"),
            ("CapEff:\t000001ffffffffff", "CapEff:\t0000000000000000"),
            ("CapPrm:\t000001ffffffffff", "CapPrm:\t000001fffffffffe"),
            ("CapBnd:\t000001ffffffffff", "CapBnd:\t000001fffffffffe"),
            ("CapAmb:\t0000000000000000", "CapAmb:\t0000000000000001"),
            ("Seccomp:\t0", "Seccomp:\t2"),
            ("Seccomp:\t0\n", ""),
            ("CapBnd:", "CapXXX:"),
        ] {
            assert_ne!(ROOT, ROOT.replace(from, to), "{from}");
            assert!(!survives(&ROOT.replace(from, to)), "{to}");
        }
        assert!(!survives(""));
    }

    #[test]
    fn only_a_large_caller_gains() {
        assert!(Caller::parse(ROOT.as_bytes()).is_large);
        assert!(!Caller::parse(ROOT.replace("999999", "999").as_bytes()).is_large);
        assert!(!Caller::parse(b"").is_large);
    }

    #[test]
    fn the_pipe_tells_what_the_record_cannot() {
        let lost = Error::killed(0, Step::Stage, -1);
        assert_eq!(by_pipe(lost, libc::ENOMEM as u8), Error::new(libc::ENOMEM, Step::Stage));
        let killed = Error::killed(libc::SIGKILL, Step::Stage, -1);
        let later = Error::killed(0, Step::Setuid, -1);
        for (error, told) in [(lost, 0), (killed, 12), (later, 12)] {
            assert_eq!(by_pipe(error, told), error);
        }
    }

    #[test]
    fn a_refusal_is_no_failure_of_the_spawn() {
        let at = |step| Error::new(libc::EACCES, step);
        assert!(is_refused(&at(Step::Pipe)) && is_refused(&at(Step::Stage)));
        assert!(!is_refused(&at(Step::Exec)) && !is_refused(&at(Step::Setuid)));
        let killed = |signal, step| Error::killed(signal, step, -1);
        assert!(is_refused(&killed(libc::SIGSEGV, Step::Stage)));
        assert!(!is_refused(&killed(libc::SIGKILL, Step::Stage)));
        assert!(!is_refused(&killed(libc::SIGSEGV, Step::Setuid)));
    }
}
