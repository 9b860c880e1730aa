/* SPDX-License-Identifier: BSD-3-Clause */
/* Ordered actions beside other attributes: FE_CLOSE_OTHERS, and the terminal. */
#include "test.h"

#include "actions.h"
#include "filter.h"
#include "pty.h"

/* ---- FE_CLOSE_OTHERS ---- */

static void others(unsigned way, const void *errnum) {
  only(3);
  for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
  for (int fd = 4; fd < 40; fd++) open_at(fd, false);
  open_at(600, false);
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);

  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_CLOSE_OTHERS;
  attr.actions = (const fe_file_action[]){
      FE_DUP2(20, 3),  FE_DUP2(21, 30), FE_OPEN(31, "/", O_RDONLY, 0),
      FE_DUP2(7, 7),   FE_DUP2(22, 33), FE_OPEN(9, "/", O_RDONLY | O_CLOEXEC, 0),
      FE_DUP2(23, 33), FE_DUP2(600, 34), FE_CLOSE(34),
  };
  attr.nactions = 9;
  char *seen = probe(&attr, way);
  CHECK_INT(number(seen, "fds"), 8);
  for (int fd = 0; fd < 3; fd++) CHECK_STR(seen_fd(seen, fd), identity(fd));
  CHECK_STR(seen_fd(seen, 3), identity(20));
  CHECK_STR(seen_fd(seen, 7), identity(7));
  CHECK_STR(seen_fd(seen, 30), identity(21));
  CHECK(*seen_fd(seen, 31) != 0);
  CHECK_STR(seen_fd(seen, 33), identity(23));
  free(seen);

  /* Beside a table: what it fills is kept, and what is only looked at is not. */
  static const int files[] = {10, 11, -1, 12, -1};
  attr.files = files;
  attr.nfiles = 5;
  attr.actions = (const fe_file_action[]){FE_DUP2(600, 601), FE_DUP2(13, 2), FE_CLOSE(3)};
  attr.nactions = 3;
  seen = probe(&attr, way);
  CHECK_INT(number(seen, "fds"), 4);
  CHECK_STR(seen_fd(seen, 0), identity(10));
  CHECK_STR(seen_fd(seen, 2), identity(13));
  CHECK_STR(seen_fd(seen, 601), identity(600));
  free(seen);

  /* Neighbours, so that there is nothing in between to be closed. */
  attr.files = NULL;
  attr.nfiles = 0;
  attr.actions = (const fe_file_action[]){FE_DUP2(4, 5), FE_DUP2(6, 4), FE_DUP2(7, 3)};
  attr.nactions = 3;
  seen = probe(&attr, way);
  CHECK_INT(number(seen, "fds"), 6);
  CHECK_STR(seen_fd(seen, 5), identity(4));
  free(seen);

  fe_attr failing = nothing();
  failing.flags = FE_CLOSE_OTHERS;
  failing.actions = (const fe_file_action[]){FE_DUP2(4, 5), FE_OPEN(17, "/", O_RDONLY, 0)};
  failing.nactions = 2;
  failing.path = "/nonexistent";
  spawn_fails(&failing, way, ENOENT, FE_STEP_EXEC, -1);
}

static void kept_by_close_others(void) {
  static const int errnums[] = {0, ENOSYS, EPERM};
  for (size_t i = 0; i < sizeof errnums / sizeof *errnums; i++) {
    EACH_WAY(way) apart(others, way, &errnums[i]);
  }
}

/* Between 1 and the next that is kept there is the list of /proc/self/fd itself, which must find a place
 * in a full table. */
static void full(unsigned way, const void *errnum) {
  only(3);
  for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
  struct rlimit limit, low;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  low = limit;
  low.rlim_cur = 40;
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_CLOSE_OTHERS;
  attr.actions = (const fe_file_action[]){FE_DUP2(0, 3), FE_DUP2(0, 39), FE_OPEN(8, "/", O_RDONLY, 0)};
  attr.nactions = 3;
  NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
  int fd;
  while ((fd = dup(0)) >= 0) continue;
  /* The report, and the pipe of the piped way. */
  for (fd = 30; fd < (way == FE_WAY_PIPED ? 33 : 31); fd++) close(fd);
  char *seen = probe(&attr, way);
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK_INT(number(seen, "fds"), 6);
  CHECK_STR(seen_fd(seen, 39), identity(0));
  free(seen);
}

static void kept_in_a_full_table(void) {
  static const int errnums[] = {0, ENOSYS};
  for (size_t i = 0; i < sizeof errnums / sizeof *errnums; i++) {
    EACH_WAY(way) apart(full, way, &errnums[i]);
  }
}

/* ---- the terminal ---- */

/* The terminal at 7, which is a descriptor of the child's only. */
static fe_attr foreground_by_action(fe_file_action *list, int slave) {
  const fe_file_action dup = FE_DUP2(slave, 7), set = FE_TCSETPGRP(7);
  list[0] = dup;
  list[1] = set;
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SETPGID;
  attr.actions = list;
  attr.nactions = 2;
  return attr;
}

static void own_group(void) {
  struct pty pty = own_terminal();
  fe_file_action list[2];
  EACH_WAY(way) {
    fe_attr attr = foreground_by_action(list, pty.slave);
    char *seen = probe(&attr, way);
    CHECK(number(seen, "pid") > 0);
    CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
    CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
    free(seen);
    /* The caller's group, from the background: SIGTTOU would stop it. */
    CHECK(tcgetpgrp(pty.slave) != getpgid(0));
    attr.flags = 0;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "foreground"), getpgid(0));
    CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
    free(seen);
  }
}

/* By all that can fail after it. */
static void given_back(void) {
  struct pty pty = own_terminal();
  fe_file_action list[3];
  EACH_WAY(way) {
    fe_attr attr = foreground_by_action(list, pty.slave);
    attr.path = "/nonexistent";
    attr.argv = nothing().argv;
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
    const fe_file_action bad = FE_FCHDIR(7);
    list[2] = bad;
    attr.nactions = 3;
    spawn_fails(&attr, way, ENOTDIR, FE_STEP_ACTION_FCHDIR, 2);
    CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
    /* And by what fails before it. */
    const fe_file_action closed = FE_CLOSE(7);
    list[2] = list[1];
    list[1] = closed;
    spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_TCSETPGRP, 2);
    CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
  }
}

/* To the group that had it, which need not be the caller's. */
static void given_back_to_another(void) {
  struct pty pty = own_terminal();
  int ready[2];
  char byte;
  NEED(pipe2(ready, O_CLOEXEC) == 0);
  pid_t other = fork_apart();
  NEED(other >= 0);
  if (other == 0) {
    NEED(setpgid(0, 0) == 0);
    /* It is there until its parent says so, or is no more. */
    close(ready[1]);
    if (read(ready[0], &byte, 1) < 0) _exit(1);
    _exit(0);
  }
  NEED(setpgid(other, other) == 0 || errno == EACCES);
  NEED(tcsetpgrp(pty.slave, other) == 0);
  fe_file_action list[2];
  EACH_WAY(way) {
    fe_attr attr = foreground_by_action(list, pty.slave);
    attr.path = "/nonexistent";
    attr.argv = nothing().argv;
    fe_child child;
    fe_error error;
    /* Not spawn_fails, which wants no other child. */
    attr.way = way;
    CHECK_INT(fe_spawn(&attr, &child, &error), -1);
    CHECK_INT(error.errnum, ENOENT);
    CHECK_INT(error.step, FE_STEP_EXEC);
    CHECK_INT(tcgetpgrp(pty.slave), other);
  }
  close(ready[1]);
  NEED(waitpid(other, NULL, 0) == other);
  restore(pty.slave);
}

/* FE_FOREGROUND on a terminal that only an action opens. */
static void foreground_of_an_opened_one(void) {
  struct pty pty = own_terminal();
  EACH_WAY(way) {
    for (int open = 0; open < 2; open++) {
      const fe_file_action by_dup = FE_DUP2(pty.slave, 7);
      const fe_file_action by_open = FE_OPEN(7, ttyname(pty.slave), O_RDWR | O_NOCTTY, 0);
      const fe_file_action action = open ? by_open : by_dup;
      fe_attr attr = FE_ATTR_INIT;
      attr.flags = FE_FOREGROUND;
      attr.ctty = 7;
      attr.actions = &action;
      attr.nactions = 1;
      char *seen = probe(&attr, way);
      CHECK(number(seen, "pid") > 0);
      CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
      free(seen);
      restore(pty.slave);
      attr.path = "/nonexistent";
      attr.argv = nothing().argv;
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
      CHECK_INT(tcgetpgrp(pty.slave), getpgid(0));
    }
  }
}

/* A new session takes it, by the number that the action has given it. */
static void setctty_of_an_opened_one(void) {
  EACH_WAY(way) {
    struct pty pty = new_pty();
    const fe_file_action action = FE_OPEN(7, ttyname(pty.slave), O_RDWR | O_NOCTTY, 0);
    const int files[] = {0, 1, 2};
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_SETSID | FE_SETCTTY;
    attr.ctty = 7;
    attr.files = files;
    attr.nfiles = 3;
    attr.actions = &action;
    attr.nactions = 1;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 1);
    CHECK(number(seen, "pid") > 0);
    CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
    free(seen);
    close(pty.master);
    close(pty.slave);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"FE_CLOSE_OTHERS keeps what actions open", kept_by_close_others},
      {"the same in a full table", kept_in_a_full_table},
      {"tcsetpgrp, own group and the caller's", own_group},
      {"the foreground is given back on failure", given_back},
      {"to the group that had it", given_back_to_another},
      {"FE_FOREGROUND on what an action opens", foreground_of_an_opened_one},
      {"FE_SETCTTY on what an action opens", setctty_of_an_opened_one},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
