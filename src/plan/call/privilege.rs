// SPDX-License-Identifier: BSD-3-Clause
//! Calls that take something from the child: capabilities, securebits, landlock, seccomp.

#![forbid(unsafe_code)]

use super::{call, fd, Borrows, Call};
use crate::attr::{Filter, Landlock};
use crate::error::Step;
use crate::sys::{Sets, CAPABILITY_VERSION};

/// Of linux/prctl.h; not every libc has them.
const PR_CAP_AMBIENT: usize = 47;
const PR_CAP_AMBIENT_RAISE: usize = 2;
const PR_CAP_AMBIENT_CLEAR_ALL: usize = 4;

/// Of linux/seccomp.h.
const SECCOMP_SET_MODE_FILTER: usize = 1;

fn prctl<'a>(step: Step, option: libc::c_int, args: [usize; 2]) -> Call<'a> {
    let [first, second] = args;
    call(step, libc::SYS_prctl, &[option as usize, first, second])
}

/// PR_CAPBSET_DROP.
pub fn drop_bound<'a>(capability: i32) -> Call<'a> {
    prctl(Step::Bounding, libc::PR_CAPBSET_DROP, [capability as usize, 0]).index(capability)
}

/// PR_SET_KEEPCAPS. Exec clears it.
pub fn keepcaps<'a>() -> Call<'a> {
    prctl(Step::Keepcaps, libc::PR_SET_KEEPCAPS, [1, 0])
}

/// capset(2). Its header is one word, and its data are three.
pub fn capset<'a>(step: Step, sets: Sets) -> Call<'a> {
    let Sets { permitted, effective, inheritable } = sets;
    let low = |set: u64| set as u32;
    let high = |set: u64| (set >> 32) as u32;
    // Both machines are little-endian.
    let word = |first: u32, second: u32| first as usize | (second as usize) << 32;
    let args = [
        0,
        0,
        word(CAPABILITY_VERSION, 0),
        word(low(effective), low(permitted)),
        word(low(inheritable), high(effective)),
        word(high(permitted), high(inheritable)),
    ];
    call(step, libc::SYS_capset, &args).with_words(0)
}

/// PR_CAP_AMBIENT_CLEAR_ALL (Linux 4.3).
pub fn clear_ambient<'a>() -> Call<'a> {
    call(Step::Ambient, libc::SYS_prctl, &[PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL])
}

/// PR_CAP_AMBIENT_RAISE.
pub fn raise_ambient<'a>(capability: i32) -> Call<'a> {
    let args = [PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability as usize];
    call(Step::Ambient, libc::SYS_prctl, &args).index(capability)
}

/// PR_SET_SECUREBITS.
pub fn securebits<'a>(bits: u32) -> Call<'a> {
    prctl(Step::Securebits, libc::PR_SET_SECUREBITS, [bits as usize, 0])
}

/// PR_SET_DUMPABLE with 0, until exec. Never where memory is the caller's.
pub fn undumpable<'a>(step: Step) -> Call<'a> {
    prctl(step, libc::PR_SET_DUMPABLE, [0, 0])
}

/// PR_SET_NO_NEW_PRIVS.
pub fn no_new_privs<'a>() -> Call<'a> {
    prctl(Step::NoNewPrivs, libc::PR_SET_NO_NEW_PRIVS, [1, 0])
}

/// F_SETFD on the descriptor of the ruleset, around the exec of a stage.
pub fn landlock_cloexec<'a>(ruleset: i32, cloexec: i32) -> Call<'a> {
    let args = [fd(ruleset), libc::F_SETFD as usize, cloexec as usize];
    call(Step::Landlock, libc::SYS_fcntl, &args)
}

/// landlock_restrict_self(2) (Linux 5.13).
pub fn landlock<'a>(landlock: Landlock) -> Call<'a> {
    let args = [fd(landlock.fd), landlock.flags as usize];
    call(Step::Landlock, libc::SYS_landlock_restrict_self, &args)
}

/// seccomp(2) (Linux 3.17). Its struct sock_fprog is two words: how many instructions, and where.
pub fn seccomp<'a>(filter: &Filter<'a>) -> Call<'a> {
    let Filter { code, flags } = *filter;
    let (count, at) = (code.len(), code.as_ptr() as usize);
    let args = [SECCOMP_SET_MODE_FILTER, flags as usize, 0, 0, count, at];
    call(Step::Seccomp, libc::SYS_seccomp, &args).with_words(2).borrows(Borrows::Filter)
}

impl Call<'_> {
    /// Arguments `argument` and the next point to the words two behind them.
    fn with_words(mut self, argument: u8) -> Self {
        self.words = true;
        self.argument = argument;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_the_kernels_structs() {
        let sets = Sets {
            permitted: 0x1111_1111_2222_2222,
            effective: 0x3333_3333_4444_4444,
            inheritable: 0x5555_5555_6666_6666,
        };
        let words = &capset(Step::Permitted, sets).args[2..];
        let halves: Vec<u32> =
            words.iter().flat_map(|word| [*word as u32, (*word >> 32) as u32]).collect();
        let wanted = [
            0x2008_0522,
            0,
            0x4444_4444,
            0x2222_2222,
            0x6666_6666,
            0x3333_3333,
            0x1111_1111,
            0x5555_5555,
        ];
        assert_eq!(halves, wanted);
    }
}
