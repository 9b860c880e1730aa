/* SPDX-License-Identifier: BSD-3-Clause */
/* The controlling terminal and its foreground group. */
#include "test.h"

#include "pty.h"

#include <sys/sysmacros.h>

static char *name_only[] = {(char *)"true", NULL};
static char *sleep_argv[] = {(char *)"sleep", (char *)"60", NULL};

/* As tty_nr of proc(5) has it. */
static unsigned number_of(int tty) {
  struct stat st;
  NEED(fstat(tty, &st) == 0);
  return (minor(st.st_rdev) & 0xff) | major(st.st_rdev) << 8 | (minor(st.st_rdev) & ~0xffU) << 12;
}

static int has_terminal(void) {
  int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* ---- FE_SETCTTY ---- */

static void gets(fe_attr *attr, unsigned way, int tty) {
  char *seen = probe(attr, way);
  CHECK_INT(number(seen, "tty"), 1);
  CHECK_INT(number(seen, "tty_nr"), number_of(tty));
  CHECK(number(seen, "pid") > 0);
  CHECK_INT(number(seen, "sid"), number(seen, "pid"));
  CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
  CHECK_INT(has_terminal(), 0);
  free(seen);
}

/* Takes the terminal that is descriptor `ctty` of the child, with `files` or without. In the parent
 * that number is another terminal, if there are files. The end of a session is the end of its
 * terminal: so each time a new one. */
static void takes(unsigned way, int ctty, bool with_files) {
  enum { MOST = 8 };
  struct pty pty = new_pty(), other = new_pty();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  NEED(null >= 0 && ctty < MOST);
  NEED(dup3(with_files ? other.slave : pty.slave, ctty, O_CLOEXEC) == ctty);
  int files[MOST];
  for (int i = 0; i < MOST; i++) files[i] = i == ctty ? pty.slave : i < 3 ? null : -1;
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SETSID | FE_SETCTTY;
  attr.ctty = ctty;
  attr.files = with_files ? files : NULL;
  attr.nfiles = with_files ? (size_t)(ctty < 3 ? 3 : ctty + 1) : 0;
  gets(&attr, way, pty.slave);
  const int all[] = {pty.master, pty.slave, other.master, other.slave, null};
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) close(all[i]);
}

static void setctty_by_the_childs_number(void) {
  /* Out of the way of those that `takes` opens. */
  for (int fd = 3; fd < 10; fd++) NEED(dup3(2, fd, O_CLOEXEC) == fd);
  EACH_WAY(way) {
    takes(way, 0, true);
    takes(way, 5, true);
    takes(way, 7, true);
    takes(way, 0, false);
    takes(way, 7, false);
  }
}

static void not_stolen(void) {
  need(HAS_GSID);
  struct pty pty = new_pty();
  int ready[2], done[2];
  char byte = 0;
  NEED(pipe2(ready, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0);
  /* Its parent ends, so that it is no child when spawn_fails looks for any. */
  pid_t middle = fork_apart();
  NEED(middle >= 0);
  if (middle == 0) {
    if (fork_apart() > 0) _exit(0);
    close(done[1]);
    pid_t me = setsid();
    if (ioctl(pty.slave, TIOCSCTTY, 0) != 0) me = -1;
    if (write(ready[1], &me, sizeof me) < 0 || read(done[0], &byte, 1) < 0) _exit(1);
    _exit(0);
  }
  NEED(waitpid(middle, NULL, 0) == middle);
  pid_t holder = -1;
  NEED(read(ready[0], &holder, sizeof holder) == (ssize_t)sizeof holder && holder > 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = name_only;
    attr.path = "/bin/true";
    attr.flags = FE_SETSID | FE_SETCTTY;
    attr.ctty = pty.slave;
    spawn_fails(&attr, way, EPERM, FE_STEP_SETCTTY, -1);
    CHECK_INT(tcgetsid(pty.master), holder);
  }
  close(done[1]);
}

static void no_terminal_to_take(void) {
  struct pty pty = own_terminal();
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  NEED(null >= 0);
  const int files[] = {pty.slave, null, pty.slave};
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = name_only;
    attr.path = "/bin/true";
    attr.flags = FE_SETSID | FE_SETCTTY;
    attr.ctty = null;
    spawn_fails(&attr, way, ENOTTY, FE_STEP_SETCTTY, -1);
    attr.files = files;
    attr.nfiles = 3;
    attr.ctty = 1;
    spawn_fails(&attr, way, ENOTTY, FE_STEP_SETCTTY, -1);
    attr.flags = FE_FOREGROUND;
    spawn_fails(&attr, way, ENOTTY, FE_STEP_FOREGROUND, -1);
    attr.files = NULL;
    attr.nfiles = 0;
    attr.ctty = 800;
    spawn_fails(&attr, way, EBADF, FE_STEP_FOREGROUND, -1);
    attr.flags = FE_SETSID | FE_SETCTTY;
    spawn_fails(&attr, way, EBADF, FE_STEP_SETCTTY, -1);
    /* A terminal, but not the controlling one. */
    struct pty other = new_pty();
    attr.flags = FE_FOREGROUND;
    attr.ctty = other.slave;
    spawn_fails(&attr, way, ENOTTY, FE_STEP_FOREGROUND, -1);
    close(other.slave);
    close(other.master);
    CHECK_INT(has_terminal(), 1);
    CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
  }
}

/* ---- FE_NOCTTY ---- */

static void noctty_by_dev_tty(void) {
  struct pty pty = own_terminal();
  int ends[2];
  NEED(pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[0], 0) == 0);
  for (int fd = 3; fd < 900; fd++) fcntl(fd, F_SETFD, FD_CLOEXEC);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 1);
    free(seen);
    attr.flags = FE_NOCTTY;
    const int files[] = {0, 1, 2, pty.slave};
    for (int with_files = 0; with_files < 2; with_files++) {
      attr.files = with_files ? files : NULL;
      attr.nfiles = with_files ? 4 : 0;
      seen = probe(&attr, way);
      CHECK_INT(number(seen, "tty"), 0);
      CHECK_INT(number(seen, "tty_nr"), 0);
      CHECK_INT(number(seen, "sid"), getsid(0));
      CHECK_INT(number(seen, "fds"), 3 + with_files);
      free(seen);
    }
    CHECK_INT(has_terminal(), 1);
    CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
  }
}

static void noctty_before_chroot(void) {
  need_root();
  own_terminal();
  const char *root = kept_path("root");
  NEED(mkdir(root, 0777) == 0);
  install_probe(kept_path("root/probe"));
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_NOCTTY;
    attr.chroot = root;
    attr.path = "/probe";
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 0);
    free(seen);
  }
}

static void noctty_without_any(void) {
  NEED(setsid() == getpid());
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_NOCTTY;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 0);
    free(seen);
    attr.flags = FE_NOCTTY | FE_SETSID;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 0);
    free(seen);
  }
}

/* ---- FE_FOREGROUND ---- */

static void into_the_foreground(int slave) {
  EACH_WAY(way) {
    const int files[] = {0, 1, 2, -1, slave};
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_FOREGROUND;
    attr.files = files;
    attr.nfiles = 5;
    attr.ctty = 4;
    char *seen = probe(&attr, way);
    CHECK(number(seen, "pid") > 0);
    CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
    CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
    free(seen);

    fe_attr leads = FE_ATTR_INIT;
    fe_child leader;
    leads.path = "/bin/sleep";
    leads.argv = sleep_argv;
    leads.flags = FE_SETPGID;
    if (!spawn(&leads, way, &leader)) return;
    attr.flags = FE_FOREGROUND | FE_SETPGID;
    attr.pgid = leader.pid;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "pgid"), leader.pid);
    CHECK_INT(number(seen, "foreground"), leader.pid);
    CHECK_INT(tcgetpgrp(slave), leader.pid);
    free(seen);
    CHECK_INT(fe_kill(&leader, SIGKILL), 0);
    CHECK_INT(fe_wait(&leader, -1, NULL), 0);
  }
}

static void foreground(void) {
  struct pty pty = own_terminal();
  into_the_foreground(pty.slave);
  restore(pty.slave);
}

static void foreground_from_the_background(void) {
  /* A session leader's own group is orphaned, which SIGTTOU does not stop: so in a group apart. */
  struct pty pty = own_terminal();
  pid_t caller = fork_apart();
  NEED(caller >= 0);
  if (caller == 0) {
    NEED(setpgid(0, 0) == 0);
    NEED(tcgetpgrp(pty.slave) != getpgid(0));
    alarm(20);
    into_the_foreground(pty.slave);
    exit(0);
  }
  int status = -1;
  CHECK_INT(waitpid(caller, &status, WUNTRACED), caller);
  CHECK(!WIFSTOPPED(status));
  kill(caller, SIGKILL);
  restore(pty.slave);
}

/* A child that fails after it got the foreground would leave the terminal to a group that is no more. */
static void foreground_is_given_back(void) {
  struct pty pty = own_terminal();
  const int files[] = {0, 1, 2, pty.slave};
  EACH_WAY(way) {
    for (int with_files = 0; with_files < 2; with_files++) {
      fe_attr attr = FE_ATTR_INIT;
      attr.argv = name_only;
      attr.path = "/no/such";
      attr.flags = FE_FOREGROUND;
      attr.ctty = with_files ? 3 : pty.slave;
      attr.files = with_files ? files : NULL;
      attr.nfiles = with_files ? 4 : 0;
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
      CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
    }
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"FE_SETCTTY: a descriptor of the child", setctty_by_the_childs_number},
      {"FE_SETCTTY does not steal, even as root", not_stolen},
      {"no terminal to take", no_terminal_to_take},
      {"FE_NOCTTY, descriptor 0 a pipe", noctty_by_dev_tty},
      {"FE_NOCTTY before chroot", noctty_before_chroot},
      {"FE_NOCTTY without a controlling terminal", noctty_without_any},
      {"FE_FOREGROUND, own group and joined", foreground},
      {"FE_FOREGROUND from the background", foreground_from_the_background},
      {"the foreground is given back on failure", foreground_is_given_back},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
