// SPDX-License-Identifier: BSD-3-Clause
//! What the exported functions do with nothing, in each argument: none of it needs a system call, so that Miri
//! sees it too.

use super::spawn::fe_resume;
use super::*;
use core::ptr::{null, null_mut};

fn errno_of(result: i32) -> i32 {
    assert_eq!(result, -1);
    errno::errno().0
}

#[test]
fn null_is_refused_or_nothing() {
    // SAFETY: the functions take NULL.
    unsafe {
        fe_child_close(null_mut());
        fe_result_free(null_mut());
        assert_eq!(fe_error_message(null(), null_mut(), 0), 7);
        assert!(!fe_step_name(i32::MIN).is_null() && !fe_step_name(i32::MAX).is_null());
        assert_eq!(errno_of(fe_spawn(null(), null_mut(), null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_spawn_finish(null_mut(), 0, null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_resume(null_mut(), 0, null_mut())), libc::EINVAL);
        assert_eq!(fe_spawn_many(null(), 0, null_mut(), null_mut()), 0);
        assert_eq!(errno_of(fe_spawn_many(null(), 1, null_mut(), null_mut())), libc::EINVAL);
        assert_eq!(
            errno_of(fe_spawn_many(null(), usize::MAX, null_mut(), null_mut())),
            libc::EINVAL
        );
        assert_eq!(errno_of(fe_wait(null_mut(), 0, null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_kill(null_mut(), 9)), libc::EINVAL);
        assert_eq!(errno_of(fe_kill_group(null_mut(), 9)), libc::EINVAL);
        assert_eq!(errno_of(fe_kill_tree(null_mut(), 9, null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_wait_any(null(), 0, 0, null_mut(), null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_stop(null_mut(), 15, 0, 0, null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_communicate(null_mut(), null(), null_mut())), libc::EINVAL);
        assert_eq!(errno_of(fe_run(null(), null(), null_mut(), null_mut())), libc::EINVAL);
        let explained = fe_explain(null(), FE_EXPLAIN_TEXT, null_mut(), 0, null_mut());
        assert_eq!(errno_of(explained as i32), libc::EINVAL);
    }
}

#[test]
fn a_size_that_cannot_be() {
    for (size, errno) in
        [(0, libc::EINVAL), (135, libc::EINVAL), (4097, libc::E2BIG), (usize::MAX, libc::E2BIG)]
    {
        let attr = [size];
        // SAFETY: no more is read of it than its size.
        let result = unsafe { fe_spawn(attr.as_ptr().cast(), null_mut(), null_mut()) };
        assert_eq!(errno_of(result), errno, "{size}");
    }
}
