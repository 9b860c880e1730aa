/* SPDX-License-Identifier: BSD-3-Clause */
#include "stand_in.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif

bool was_killed(const fe_error *error) {
  /* Without a signal it may be the errno of a system call. */
  return error->errnum == ECANCELED && error->signal > 0;
}

/* A copy of one thread of the caller's: raw system calls only, since another may hold any lock. */
static _Noreturn void die(const fe_attr *attr, int signal) {
  if (attr->flags & FE_SETSID) syscall(SYS_setsid);
  if (attr->flags & FE_SETPGID) syscall(SYS_setpgid, 0, attr->pgid);
  /* A core of the caller's memory would tell nobody anything. */
  syscall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
  if (signal > 0) {
    /* The kernel's struct sigaction and sigset_t: SIG_DFL, no flags; only that signal unblocked. */
    unsigned long action[4] = {0}, blocked = ~(1UL << (signal - 1));
    syscall(SYS_rt_sigaction, signal, action, NULL, 8);
    syscall(SYS_kill, syscall(SYS_getpid), signal);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &blocked, NULL, 8);
  }
  for (;;) syscall(SYS_exit_group, 127);
}

int stand_in(const fe_attr *attr, const fe_error *error, fe_child *child) {
  unsigned long all = ~0UL, before;
  int pidfd = -1;
  /* CLONE_VFORK: it is in its session and group by the time that the caller looks for it there. */
  long flags = SIGCHLD | CLONE_VFORK | (attr->flags & FE_PIDFD ? CLONE_PIDFD : 0);
  *child = (fe_child)FE_CHILD_INIT;
  /* None of the caller's handlers runs in it. */
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, 8);
  /* Not fork(3), which runs the handlers of pthread_atfork(3). */
  long pid = syscall(SYS_clone, flags, 0, &pidfd, 0, 0);
  if (pid == 0) die(attr, error->signal);
  int result = pid < 0 ? errno : 0;
  syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
  if (result == 0) {
    child->pid = (pid_t)pid;
    child->pidfd = pidfd;
  }
  return result;
}
