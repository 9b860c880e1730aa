/* SPDX-License-Identifier: BSD-3-Clause */
/* The system calls of a spawn, with the errors that their man pages name, but for those that all get: EINTR, ENOSYS and
 * EPERM, as signals, old kernels and filters have it. */
#ifndef FAULT_CALLS_H
#define FAULT_CALLS_H

#include <errno.h>
#include <sys/syscall.h>

#ifndef SYS_landlock_restrict_self
#define SYS_landlock_restrict_self 446
#endif

#define PATHS EACCES, EFAULT, EIO, ELOOP, ENAMETOOLONG, ENOENT, ENOMEM, ENOTDIR
#define CLONES EAGAIN, EBUSY, EINVAL, ENOMEM, ENOSPC, EUSERS
#define EXECS                                                                                       \
  E2BIG, EAGAIN, EINVAL, EISDIR, ELIBBAD, EMFILE, ENFILE, ENOEXEC, ETXTBSY, PATHS

static const struct named_call {
  const char *name;
  int nr;
  int errnums[24];
} calls[] = {
#define CALL(name, ...) {#name, SYS_##name, {__VA_ARGS__}}
    CALL(capget, EFAULT, EINVAL, ESRCH),
    CALL(capset, EFAULT, EINVAL, ESRCH),
    CALL(chdir, PATHS),
    CALL(chroot, PATHS),
    CALL(clone, CLONES),
    CALL(clone3, EACCES, EBADF, EEXIST, EOPNOTSUPP, CLONES),
    CALL(close, EBADF, EIO, ENOSPC, EDQUOT),
    CALL(close_range, EINVAL, EMFILE, ENOMEM),
    CALL(dup3, EBADF, EBUSY, EINVAL, EMFILE),
    CALL(execve, EXECS),
    CALL(execveat, EBADF, EXECS),
    CALL(fchdir, EACCES, EBADF, ENOTDIR),
    CALL(fchmod, EIO, EROFS),
    CALL(fcntl, EACCES, EAGAIN, EBADF, EBUSY, EINVAL, EMFILE),
    CALL(fstat, EBADF, EFAULT, ENOMEM, EOVERFLOW),
    CALL(ftruncate, EBADF, EFBIG, EINVAL, EIO),
    CALL(futex, EACCES, EAGAIN, EFAULT, EINVAL, ETIMEDOUT),
    CALL(getgid, EINVAL),
    CALL(getpgid, ESRCH),
    CALL(getpid, EINVAL),
    CALL(getppid, EINVAL),
    CALL(getpriority, EINVAL, ESRCH),
    CALL(gettid, EINVAL),
    CALL(getresgid, EFAULT),
    CALL(getresuid, EFAULT),
    CALL(getsid, ESRCH),
    CALL(getuid, EINVAL),
    CALL(ioctl, EBADF, EFAULT, EINVAL, ENOTTY),
    CALL(ioprio_set, EINVAL, ESRCH),
    CALL(kill, EINVAL, ESRCH),
    CALL(landlock_restrict_self, EOPNOTSUPP, EINVAL, EBADF, E2BIG),
    CALL(memfd_create, EFAULT, EINVAL, EMFILE, ENFILE, ENOMEM),
    CALL(mmap, EACCES, EAGAIN, EBADF, EINVAL, ENFILE, ENODEV, ENOMEM, EOVERFLOW),
    CALL(mount, EBUSY, EINVAL, EMFILE, ENODEV, ENXIO, EROFS, PATHS),
    CALL(mprotect, EACCES, EINVAL, ENOMEM),
    CALL(munmap, EINVAL),
    CALL(nanosleep, EFAULT, EINVAL),
    CALL(openat, EBADF, EBUSY, EDQUOT, EEXIST, EFBIG, EINVAL, EISDIR, EMFILE, ENFILE, ENODEV, ENOSPC, ENXIO, EROFS, ETXTBSY,
         PATHS),
    CALL(personality, EINVAL),
    CALL(pidfd_getfd, EBADF, EINVAL, EMFILE, ENFILE, ESRCH),
    CALL(pidfd_open, EINVAL, EMFILE, ENFILE, ENODEV, ENOMEM, ESRCH),
    CALL(pipe2, EFAULT, EINVAL, EMFILE, ENFILE),
    CALL(pivot_root, EBUSY, EINVAL, ENOTDIR),
    CALL(ppoll, EFAULT, EINVAL, ENOMEM),
    CALL(prctl, EACCES, EBADF, EBUSY, EFAULT, EINVAL, ENODEV, ENXIO, EOPNOTSUPP, ERANGE),
    CALL(pread64, EAGAIN, EBADF, EFAULT, EINVAL, EIO, EISDIR, EOVERFLOW),
    CALL(prlimit64, EFAULT, EINVAL, ESRCH),
    CALL(ptrace, EBUSY, EFAULT, EIO, EINVAL, ESRCH),
    CALL(pwrite64, EAGAIN, EBADF, EFBIG, EINVAL, EIO, ENOSPC, EPIPE),
    CALL(read, EAGAIN, EBADF, EFAULT, EINVAL, EIO, EISDIR),
    CALL(readlinkat, EBADF, EINVAL, PATHS),
    CALL(rt_sigpending, EFAULT),
    CALL(rt_sigaction, EFAULT, EINVAL),
    CALL(rt_sigprocmask, EFAULT, EINVAL),
    CALL(rt_sigtimedwait, EAGAIN, EINVAL),
    CALL(sched_getscheduler, EINVAL, ESRCH),
    CALL(sched_setaffinity, EFAULT, EINVAL, ESRCH),
    CALL(sched_setattr, E2BIG, EBUSY, EINVAL, ESRCH),
    CALL(sched_setscheduler, EINVAL, ESRCH),
    CALL(seccomp, EACCES, EBUSY, ECANCELED, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH),
    CALL(sendto, EAGAIN, EBADF, ECONNRESET, EINVAL, ENOBUFS, ENOMEM, EPIPE),
    CALL(set_mempolicy, EFAULT, EINVAL, ENOMEM),
    CALL(setgroups, EFAULT, EINVAL, ENOMEM),
    CALL(setns, EBADF, EINVAL, ENOMEM, ESRCH),
    CALL(setpgid, EACCES, EINVAL, ESRCH),
    CALL(setpriority, EACCES, EINVAL, ESRCH),
    CALL(setresgid, EAGAIN, EINVAL),
    CALL(setresuid, EAGAIN, EINVAL),
    CALL(setsid, EINVAL),
    CALL(socketpair, EAFNOSUPPORT, EFAULT, EMFILE, ENFILE, EOPNOTSUPP, EPROTONOSUPPORT),
    CALL(umask, EINVAL),
    CALL(umount2, EAGAIN, EBUSY, EINVAL, PATHS),
    CALL(unshare, EINVAL, ENOMEM, ENOSPC, EUSERS),
    CALL(wait4, ECHILD, EINVAL, ESRCH),
    CALL(waitid, ECHILD, EINVAL, ESRCH),
    CALL(write, EAGAIN, EBADF, EFAULT, EFBIG, EINVAL, EIO, ENOSPC, EPIPE),
};
enum { CALLS = sizeof calls / sizeof *calls };

static inline const struct named_call *call_of(int nr) {
  for (int i = 0; i < CALLS; i++)
    if (calls[i].nr == nr) return &calls[i];
  return NULL;
}

/* The nth error that this call is to fail with; 0: there are no more. */
static inline int errnum_of(const struct named_call *call, int nth) {
  static const int all[] = {EINTR, ENOSYS, EPERM};
  return nth < 3 ? all[nth] : call->errnums[nth - 3];
}

#endif
