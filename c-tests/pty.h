/* SPDX-License-Identifier: BSD-3-Clause */
/* Pseudo-terminals. Needs test.h. */
#ifndef PTY_H
#define PTY_H

#include "test.h"

#include <sys/ioctl.h>
#include <termios.h>

struct pty {
  int master, slave;
};

static inline struct pty new_pty(void) {
  struct pty pty;
  pty.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(pty.master >= 0 && grantpt(pty.master) == 0 && unlockpt(pty.master) == 0);
  pty.slave = open(ptsname(pty.master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(pty.slave >= 0);
  return pty;
}

/* The case leads a session with a controlling terminal, in whose foreground it is. */
static inline struct pty own_terminal(void) {
  struct pty pty = new_pty();
  NEED(setsid() == getpid());
  NEED(ioctl(pty.slave, TIOCSCTTY, 0) == 0);
  NEED(tcgetpgrp(pty.slave) == getpgid(0));
  return pty;
}

/* The caller's group comes back into the foreground, from the background. */
static inline void restore(int tty) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGTTOU);
  NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
  NEED(tcsetpgrp(tty, getpgid(0)) == 0);
  NEED(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
}

#endif
