// SPDX-License-Identifier: BSD-3-Clause
//! The layout of the public structs, compared with the table that c-tests/abi.c compares with the C compiler's.

use super::*;
use core::mem::{offset_of, size_of, size_of_val, zeroed};

/// The lines of packaging/abi/layout.h, by rustc. Without `..` in the pattern, a field that is not named here does
/// not compile.
macro_rules! layout {
    ($($name:ident { $($field:ident)* })*) => {{
        let mut lines = Vec::new();
        $({
            // SAFETY: integers, pointers and an Option of one: all zero is valid.
            let value: $name = unsafe { zeroed() };
            lines.push(format!("SIZE({}, {})", stringify!($name), size_of::<$name>()));
            $(lines.push(format!("FIELD({}, {}, {}, {})", stringify!($name), stringify!($field),
                offset_of!($name, $field), size_of_val(&value.$field)));)*
            let $name { $($field: _),* } = value;
        })*
        lines
    }};
}

#[test]
fn rust_and_c_have_one_layout() {
    let ours = layout! {
        fe_credential {
            size uid gid groups ngroups
        }
        fe_id_map {
            container_id host_id size
        }
        fe_scheduling {
            size flags policy priority runtime_ns deadline_ns period_ns nice ioprio
            affinity affinity_size nodemask maxnode mempolicy reserved timer_slack_ns
        }
        fe_file_action {
            action fd from oflag mode reserved path reserved2
        }
        fe_redirect {
            kind oflag mode reserved path data size reserved2
        }
        fe_join {
            fd nstype
        }
        fe_namespaces {
            size joins njoins unshare monotonic_offset boottime_offset
        }
        fe_rlimit {
            resource reserved soft hard
        }
        fe_limits {
            size flags rlimits nrlimits umask oom_score_adj personality reserved
        }
        fe_privileges {
            size flags bounding inheritable permitted effective ambient securebits reserved
        }
        fe_sandbox {
            size flags filter nfilter filter_flags landlock landlock_flags reserved
        }
        fe_attr {
            size flags path argv envp dir chroot files nfiles credential pgid ctty
            pdeathsig way cloneflags uid_mappings nuid_mappings gid_mappings ngid_mappings
            sigmask sigdefault sigignore scheduling actions nactions search_path execfd
            cgroup timeout_ms reserved redirects nredirects ends winsize namespaces limits
            privileges sandbox keep nkeep
        }
        fe_child {
            pid pidfd way state ready pty pending ends cgroup reserved2
        }
        fe_error {
            errnum step index signal way reserved reserved2
        }
        fe_io {
            size flags input ninput sink context max_output timeout_ms stop_signal grace_ms
            linger_ms
        }
        fe_result {
            status flags output noutput errors nerrors elapsed_ns usage reserved
        }
    };
    let table = include_str!("../../packaging/abi/layout.h");
    let table: Vec<_> = table
        .lines()
        .filter(|line| line.starts_with("SIZE(") || line.starts_with("FIELD("))
        .collect();
    // One at a time, so that a failure shows the line.
    for (ours, table) in ours.iter().zip(&table) {
        assert_eq!(ours, table);
    }
    assert_eq!(ours.len(), table.len());
}
