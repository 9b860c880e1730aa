/* SPDX-License-Identifier: BSD-3-Clause */
/* A process that has the number of another one that is gone. Needs test.h, and root. */
#ifndef STRANGER_H
#define STRANGER_H

#include "test.h"

#include <linux/sched.h>
#include <sys/syscall.h>

/* Makes a process with that pid, which is not a child of this one, with these namespaces of its own. The descriptor
 * hangs up when it ends. */
static inline int stranger_with(pid_t pid, uint64_t cloneflags) {
  int ends[2];
  NEED(pipe(ends) == 0);
  pid_t between = fork_apart();
  NEED(between >= 0);
  if (between == 0) {
    struct clone_args args;
    memset(&args, 0, sizeof args);
    args.exit_signal = SIGCHLD;
    args.flags = cloneflags;
    args.set_tid = (uint64_t)(uintptr_t)&pid;
    args.set_tid_size = 1;
    long made = syscall(SYS_clone3, &args, sizeof args);
    if (made != 0) _exit(made < 0);
    alarm(20);
    for (;;) pause();
  }
  int status = -1;
  CHECK_INT(waitpid(between, &status, 0), between);
  CHECK_INT(status, 0);
  close(ends[1]);
  return ends[0];
}

static inline int stranger(pid_t pid) { return stranger_with(pid, 0); }

#endif
