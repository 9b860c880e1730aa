/* SPDX-License-Identifier: BSD-3-Clause */
/* keep: descriptors that the program gets at their own numbers. */
#include "test.h"

#include "actions.h"
#include "beside.h"
#include "filter.h"
#include "staged.h"

#define EVERY_WAY(way)                                                                             \
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++)                              \
    if (expected_way(way) != 0)

#define KEEP(attr, ...)                                                                            \
  static const int32_t keep_[] = {__VA_ARGS__};                                                    \
  (attr)->keep = keep_;                                                                            \
  (attr)->nkeep = sizeof keep_ / sizeof *keep_

static void check_kept(char *seen, const int *fds, size_t n) {
  CHECK_INT(number(seen, "fds"), n);
  for (size_t i = 0; i < n; i++) CHECK_STR(seen_fd(seen, fds[i]), identity(fds[i]));
  free(seen);
}

/* Close-on-exec or not; in any order, high ones too, and twice; and no other. */
static void beside_no_others(unsigned way, const void *errnum) {
  only(30);
  for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
  open_at(40, false);
  open_at(700, true);
  open_at(701, false);
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);
  static const int all[] = {0, 1, 2, 5, 6, 9, 40, 700};
  fe_attr attr = FE_ATTR_INIT;
  KEEP(&attr, 700, 6, 5, 9, 40, 5, 1);
  attr.flags = FE_CLOSE_OTHERS;
  check_kept(probe(&attr, way), all, 8);
  /* With a pidfd, which takes a number of its own. */
  attr.flags |= world_has(HAS_PIDFD) ? FE_PIDFD : 0;
  check_kept(probe(&attr, way), all, 8);
  /* The caller's own are as they were. */
  CHECK_INT(fcntl(700, F_GETFD), FD_CLOEXEC);
  CHECK_INT(fcntl(5, F_GETFD), FD_CLOEXEC);
}

static void closing_the_others(void) {
  static const int errnums[] = {0, ENOSYS};
  for (int i = 0; i < (world() == WORLD_QEMU ? 1 : 2); i++) EVERY_WAY(way) apart(beside_no_others, way, &errnums[i]);
}

static void without_closing(void) {
  EVERY_WAY(way) {
    only(12);
    for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
    open_at(60, false);
    static const int all[] = {0, 1, 2, 8, 60};
    fe_attr attr = FE_ATTR_INIT;
    KEEP(&attr, 8);
    check_kept(probe(&attr, way), all, 5);
  }
}

static void beside_files_and_actions(void) {
  EVERY_WAY(way) {
    only(20);
    static const int files[] = {4, FE_NULL, 2, -1, 5};
    fe_attr attr = FE_ATTR_INIT;
    attr.files = files;
    attr.nfiles = 5;
    attr.flags = FE_CLOSE_OTHERS;
    KEEP(&attr, 12, 5, 13, 14);
    GIVE(&attr, act, FE_DUP2(12, 30), FE_CLOSE(13), FE_DUP2(15, 14));
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "fds"), 8);
    CHECK_STR(seen_fd(seen, 0), identity(4));
    CHECK_STR(seen_fd(seen, 4), identity(5));
    CHECK_STR(seen_fd(seen, 5), identity(5));
    CHECK_STR(seen_fd(seen, 12), identity(12));
    CHECK_STR(seen_fd(seen, 13), "");
    CHECK_STR(seen_fd(seen, 14), identity(15));
    CHECK_STR(seen_fd(seen, 30), identity(12));
    free(seen);
  }
}

static void through_a_stage(void) {
  need_stage();
  only(12);
  for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
  static const int all[] = {0, 1, 2, 8, 9};
  fe_attr attr = as_nobody();
  attr.argv = NULL;
  attr.path = NULL;
  KEEP(&attr, 9, 8);
  for (int others = 0; others < 2; others++) {
    attr.flags = others ? FE_CLOSE_OTHERS : 0;
    check_kept(probe(&attr, FE_WAY_STAGED), all, 5);
  }
}

/* The program that is open needs no number of its own then. */
static void the_program_itself(void) {
  EACH_WAY(way) {
    only(8);
    int script = open(kept_path("script"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    NEED(script >= 0 && dprintf(script, "#!/bin/sh\nexit 7\n") > 0);
    int fd = open(kept_path("script"), O_RDONLY);
    close(script);
    fe_attr attr = nothing();
    attr.path = NULL;
    attr.flags = FE_FEXECVE;
    attr.execfd = fd;
    const int32_t keep[] = {fd};
    attr.keep = keep;
    attr.nkeep = 1;
    spawn_exits(&attr, way, 7);
    close(fd);
  }
}

/* When the child comes to it: the item that it is at. */
static void refused_later(unsigned way, const void *unused) {
  (void)unused;
  fe_attr attr = nothing();
  KEEP(&attr, 2, 1, 0);
  refuse_if(SYS_fcntl, EIO, 1, UINT32_MAX, F_SETFD);
  spawn_fails(&attr, way, EIO, FE_STEP_KEEP, 0);
}

static void refused_in_the_child(void) {
  EVERY_WAY(way) if (way != FE_WAY_CONCURRENT) apart(refused_later, way, NULL);
}

static void refused(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  fe_attr attr = nothing();
  static int32_t keep[] = {0, 1, 2, 0};
  static const int files[] = {0, 1};
  static const int bad[] = {800, -1, INT32_MAX, INT32_MIN};
  attr.keep = keep;
  attr.nkeep = 4;
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    keep[3] = bad[i];
    spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_KEEP, 3);
  }
  keep[3] = 0;
  attr.files = files;
  attr.nfiles = 2;
  /* 0, 1 and 2 beyond the list are closed. */
  keep[0] = keep[1] = keep[3] = 3;
  open_at(3, true);
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, 2);
  keep[0] = 1;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, 0);
  attr.keep = NULL;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"with all others closed", closing_the_others},
      {"without closing", without_closing},
      {"beside files and actions", beside_files_and_actions},
      {"through a stage", through_a_stage},
      {"the program itself", the_program_itself},
      {"refused in the child", refused_in_the_child},
      {"refused", refused},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
