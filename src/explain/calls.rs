// SPDX-License-Identifier: BSD-3-Clause
//! The system calls of plans by name, and what their arguments are.

#![forbid(unsafe_code)]

use core::ffi::CStr;

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// There are no more.
    End,
    /// An int.
    Number,
    /// An unsigned long.
    Unsigned,
    /// A string, or NULL.
    String,
    /// An array of strings.
    Argv,
    /// The environment.
    Envp,
    /// Groups, whose count is the first argument.
    Ids,
    /// The address of an int.
    Int,
    /// The address of two limits.
    Limits,
    /// The address of what is not shown, or NULL.
    Bytes,
}

/// A system call. The texts themselves, for the reason that `error::Name` tells.
pub struct Known {
    nr: u16,
    name: [u8; 24],
    kinds: [u8; 6],
}

impl Known {
    /// Its name.
    pub fn name(&self) -> &CStr {
        CStr::from_bytes_until_nul(&self.name).unwrap_or_default()
    }

    /// Of each argument.
    pub fn kinds(&self) -> [Kind; 6] {
        self.kinds.map(|letter| match letter {
            b'd' => Kind::Number,
            b'u' => Kind::Unsigned,
            b's' => Kind::String,
            b'v' => Kind::Argv,
            b'e' => Kind::Envp,
            b'g' => Kind::Ids,
            b'i' => Kind::Int,
            b'l' => Kind::Limits,
            b'p' => Kind::Bytes,
            _ => Kind::End,
        })
    }
}

const fn call(nr: libc::c_long, name: &str, kinds: &str) -> Known {
    const fn copy<const N: usize>(text: &str) -> [u8; N] {
        let (bytes, mut copy, mut i) = (text.as_bytes(), [0; N], 0);
        while i < bytes.len() {
            copy[i] = bytes[i];
            i += 1;
        }
        copy
    }
    let name = copy(name);
    assert!(name[23] == 0);
    Known { nr: nr as u16, name, kinds: copy(kinds) }
}

/// All that `plan::call` makes.
static CALLS: [Known; 45] = [
    call(libc::SYS_capset, "capset", "pp"),
    call(libc::SYS_chdir, "chdir", "s"),
    call(libc::SYS_chroot, "chroot", "s"),
    call(libc::SYS_close, "close", "d"),
    call(libc::SYS_close_range, "close_range", "uuu"),
    call(libc::SYS_dup3, "dup3", "ddd"),
    call(libc::SYS_execve, "execve", "sve"),
    call(libc::SYS_execveat, "execveat", "dsved"),
    call(libc::SYS_fchdir, "fchdir", "d"),
    call(libc::SYS_fcntl, "fcntl", "ddd"),
    call(libc::SYS_getgid, "getgid", ""),
    call(libc::SYS_getpgid, "getpgid", "d"),
    call(libc::SYS_getppid, "getppid", ""),
    call(libc::SYS_getuid, "getuid", ""),
    call(libc::SYS_ioctl, "ioctl", "dud"),
    call(libc::SYS_ioprio_set, "ioprio_set", "ddd"),
    call(libc::SYS_landlock_restrict_self, "landlock_restrict_self", "dd"),
    call(libc::SYS_mount, "mount", "sssup"),
    call(libc::SYS_openat, "openat", "dsdd"),
    call(libc::SYS_personality, "personality", "u"),
    call(libc::SYS_pidfd_getfd, "pidfd_getfd", "ddd"),
    call(libc::SYS_pidfd_open, "pidfd_open", "dd"),
    call(libc::SYS_pivot_root, "pivot_root", "ss"),
    call(libc::SYS_prctl, "prctl", "duuuu"),
    call(libc::SYS_prlimit64, "prlimit64", "ddlp"),
    call(libc::SYS_ptrace, "ptrace", "d"),
    call(libc::SYS_rt_sigaction, "rt_sigaction", "dppd"),
    call(libc::SYS_rt_sigprocmask, "rt_sigprocmask", "dppd"),
    call(libc::SYS_sched_setaffinity, "sched_setaffinity", "ddp"),
    call(libc::SYS_sched_setattr, "sched_setattr", "dpd"),
    call(libc::SYS_sched_setparam, "sched_setparam", "di"),
    call(libc::SYS_sched_setscheduler, "sched_setscheduler", "ddi"),
    call(libc::SYS_seccomp, "seccomp", "ddp"),
    call(libc::SYS_set_mempolicy, "set_mempolicy", "dpu"),
    call(libc::SYS_setgroups, "setgroups", "dg"),
    call(libc::SYS_setns, "setns", "dd"),
    call(libc::SYS_setpgid, "setpgid", "dd"),
    call(libc::SYS_setpriority, "setpriority", "ddd"),
    call(libc::SYS_setresgid, "setresgid", "ddd"),
    call(libc::SYS_setresuid, "setresuid", "ddd"),
    call(libc::SYS_setsid, "setsid", ""),
    call(libc::SYS_umask, "umask", "d"),
    call(libc::SYS_umount2, "umount2", "sd"),
    call(libc::SYS_unshare, "unshare", "d"),
    call(libc::SYS_write, "write", "dpu"),
];

/// The call of that number.
pub fn known(nr: usize) -> Option<&'static Known> {
    CALLS.iter().find(|known| usize::from(known.nr) == nr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_kinds() {
        let openat = known(libc::SYS_openat as usize).unwrap();
        assert_eq!(openat.name(), c"openat");
        use Kind::*;
        assert_eq!(openat.kinds(), [Number, String, Number, Number, End, End]);
        assert!(known(9999).is_none());
    }
}
