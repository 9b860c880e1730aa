/* SPDX-License-Identifier: BSD-3-Clause */
/* Ordered actions that fail, by their step and index; those that are refused before anything is cloned;
 * and the piped way's own pipe, which no action may find. */
#include "test.h"

#include "actions.h"
#include "filter.h"
#include "pty.h"

#include <limits.h>
#include <sys/prctl.h>

static void each_by_its_step(void) {
  const char *file = kept_path("file");
  close(open(file, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  const char *below = kept_path("file/x"), *missing = kept_path("missing");
  EACH_WAY(way) {
    only(4);
    /* All but the last work; so the index is never that of the first. */
    FAILS(way, ENOENT, FE_STEP_ACTION_OPEN, 1, FE_CLOSE(1), FE_OPEN(1, missing, O_RDONLY, 0));
    FAILS(way, ENOENT, FE_STEP_ACTION_OPEN, 0, FE_OPEN(1, "", O_RDONLY, 0));
    FAILS(way, ENOTDIR, FE_STEP_ACTION_OPEN, 1, FE_CHDIR("/"), FE_OPEN(9, below, O_RDONLY, 0));
    FAILS(way, EISDIR, FE_STEP_ACTION_OPEN, 0, FE_OPEN(9, "/", O_WRONLY, 0));
    FAILS(way, EBADF, FE_STEP_ACTION_OPEN, 0, FE_OPEN(INT_MAX, "/", O_RDONLY, 0));
    FAILS(way, EBADF, FE_STEP_ACTION_DUP2, 2, FE_DUP2(0, 7), FE_CLOSE(7), FE_DUP2(7, 8));
    FAILS(way, EBADF, FE_STEP_ACTION_DUP2, 0, FE_DUP2(600, 8));
    FAILS(way, EBADF, FE_STEP_ACTION_DUP2, 0, FE_DUP2(0, INT_MAX - 1));
    FAILS(way, EBADF, FE_STEP_ACTION_DUP2, 1, FE_CLOSEFROM(3), FE_DUP2(3, 8));
    FAILS(way, ENOENT, FE_STEP_ACTION_CHDIR, 1, FE_CHDIR("/"), FE_CHDIR(missing));
    FAILS(way, ENOENT, FE_STEP_ACTION_CHDIR, 0, FE_CHDIR(""));
    FAILS(way, ENOTDIR, FE_STEP_ACTION_CHDIR, 0, FE_CHDIR(file));
    FAILS(way, EBADF, FE_STEP_ACTION_FCHDIR, 0, FE_FCHDIR(4));
    FAILS(way, ENOTDIR, FE_STEP_ACTION_FCHDIR, 1, FE_CLOSE(4), FE_FCHDIR(3));
    FAILS(way, EBADF, FE_STEP_ACTION_TCSETPGRP, 0, FE_TCSETPGRP(4));
    FAILS(way, ENOTTY, FE_STEP_ACTION_TCSETPGRP, 1, FE_CLOSE(4), FE_TCSETPGRP(3));
  }
}

static void what_fails_first_counts(void) {
  EACH_WAY(way) {
    only(3);
    FAILS(way, EBADF, FE_STEP_ACTION_FCHDIR, 1, FE_CLOSE(0), FE_FCHDIR(5),
          FE_OPEN(4, "/nonexistent", O_RDONLY, 0));
    /* After dir and files, before exec. */
    fe_attr attr = nothing();
    ACT(&attr, FE_FCHDIR(9));
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_FCHDIR, 0);
    attr.dir = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
  }
}

/* What an action has done by the time another fails is not undone: but nothing of it is the caller's. */
static void the_callers_are_untouched(void) {
  EACH_WAY(way) {
    only(8);
    FAILS(way, ENOENT, FE_STEP_ACTION_CHDIR, 6, FE_CHDIR("/"), FE_DUP2(4, 4), FE_DUP2(3, 0),
          FE_CLOSE(5), FE_OPEN(6, "/", O_RDONLY, 0), FE_CLOSEFROM(1), FE_CHDIR("/nonexistent"));
  }
}

static void errnos_of_close(unsigned way, const void *errnum) {
  /* Those that say that the descriptor is closed, and others. */
  int given = *(const int *)errnum;
  only(4);
  refuse_if(SYS_close, given, 0, UINT32_MAX, 777);
  fe_attr attr = nothing();
  ACT(&attr, FE_CHDIR("/"), FE_CLOSE(777));
  if (given == EINTR || given == EIO)
    spawn_exits(&attr, way, 0);
  else
    spawn_fails(&attr, way, given, FE_STEP_ACTION_CLOSE, 1);
}

static void close_that_fails(void) {
  static const int errnums[] = {EINTR, EIO, EPERM, ENOSYS};
  for (size_t i = 0; i < sizeof errnums / sizeof *errnums; i++) {
    EACH_WAY(way) apart(errnos_of_close, way, &errnums[i]);
  }
}

/* ---- refused ---- */

/* As in badinput.c: whoever clones is killed. */
static void no_clone(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
}

static void refused(const fe_file_action *bad, int errnum, int step) {
  const fe_file_action list[] = {FE_CLOSE(7), FE_CLOSE(8), *bad};
  fe_attr attr = nothing();
  attr.actions = list;
  for (int before = 0; before < 3; before++) {
    attr.actions = list + before;
    attr.nactions = (size_t)(3 - before);
    spawn_fails(&attr, FE_WAY_AUTO, errnum, step, 2 - before);
  }
}

static void unused_members(void) {
  no_clone();
  const fe_file_action good[] = {
      FE_OPEN(1, "/", 0, 0), FE_DUP2(1, 2),   FE_CLOSE(1),    FE_CHDIR("/"),
      FE_FCHDIR(1),          FE_CLOSEFROM(3), FE_TCSETPGRP(1),
  };
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    const int kind = good[i].action;
    const bool has_path = kind == FE_ACTION_OPEN || kind == FE_ACTION_CHDIR;
    fe_file_action bad = good[i];
    bad.path = has_path ? NULL : "/";
    refused(&bad, EINVAL, FE_STEP_ARGS);
    bad = good[i];
    bad.reserved = 1;
    refused(&bad, EINVAL, FE_STEP_ARGS);
    bad.reserved = 0;
    for (int word = 0; word < 2; word++) {
      bad.reserved2[word] = UINT64_C(1) << 63;
      refused(&bad, EINVAL, FE_STEP_ARGS);
      bad.reserved2[word] = 0;
    }
    if (kind != FE_ACTION_DUP2) {
      bad.from = 1;
      refused(&bad, EINVAL, FE_STEP_ARGS);
      bad.from = -1;
      refused(&bad, EINVAL, FE_STEP_ARGS);
      bad.from = 0;
    }
    if (kind != FE_ACTION_OPEN) {
      bad.oflag = O_CLOEXEC;
      refused(&bad, EINVAL, FE_STEP_ARGS);
      bad.oflag = 0;
      bad.mode = 1;
      refused(&bad, EINVAL, FE_STEP_ARGS);
      bad.mode = 0;
    }
    if (kind == FE_ACTION_CHDIR) {
      bad.fd = 1;
      refused(&bad, EINVAL, FE_STEP_ARGS);
    }
  }
}

static void unknown_kinds(void) {
  no_clone();
  static const int kinds[] = {0, -1, 8, 0x101, INT_MIN, INT_MAX};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    fe_file_action bad = FE_CLOSE(1);
    bad.action = kinds[i];
    refused(&bad, EINVAL, FE_STEP_ARGS);
    bad.path = "/";
    refused(&bad, EINVAL, FE_STEP_ARGS);
  }
}

static void negative_descriptors(void) {
  no_clone();
  static const int negative[] = {-1, -100 /* AT_FDCWD */, INT_MIN};
  for (size_t i = 0; i < sizeof negative / sizeof *negative; i++) {
    const int fd = negative[i];
    const fe_file_action bad[] = {
        FE_OPEN(fd, "/", 0, 0), FE_DUP2(fd, 2),   FE_DUP2(2, fd),   FE_DUP2(fd, fd), FE_CLOSE(fd),
        FE_FCHDIR(fd),          FE_CLOSEFROM(fd), FE_TCSETPGRP(fd),
    };
    for (size_t j = 0; j < sizeof bad / sizeof *bad; j++) refused(&bad[j], EBADF, step_of(&bad[j]));
  }
}

static void long_paths(void) {
  char path[PATH_MAX + 1];
  memset(path, 'x', PATH_MAX);
  path[PATH_MAX] = 0;
  const fe_file_action bad[] = {FE_OPEN(1, path, O_RDONLY, 0), FE_CHDIR(path)};
  /* One byte less is for the kernel to judge: the first name is too long all the same. */
  EACH_WAY(way) {
    FAILS(way, ENAMETOOLONG, FE_STEP_ACTION_CHDIR, 0, FE_CHDIR(path + 1));
    /* And that many slashes are a good path. */
    char slashes[PATH_MAX];
    memset(slashes, '/', PATH_MAX - 1);
    slashes[PATH_MAX - 1] = 0;
    fe_attr attr = nothing();
    ACT(&attr, FE_CHDIR(slashes));
    spawn_exits(&attr, way, 0);
  }
  no_clone();
  for (size_t i = 0; i < 2; i++) refused(&bad[i], ENAMETOOLONG, step_of(&bad[i]));
}

static void counts(void) {
  fe_file_action list[2] = {FE_CLOSE(900), FE_CLOSE(901)};
  fe_attr attr = nothing();
  attr.actions = list; /* a list without a count is an empty one */
  EACH_WAY(way) spawn_exits(&attr, way, 0);
  no_clone();
  attr.actions = NULL;
  attr.nactions = 1;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.actions = list;
  attr.nactions = SIZE_MAX;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.nactions = SIZE_MAX / sizeof *list + 1;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.actions = (const fe_file_action *)(const void *)((const char *)list + 1);
  attr.nactions = 1;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
}

/* ---- the error pipe ---- */

enum { LOW = 14 };

/* With id maps there are two pipes. */
static fe_attr with_maps(bool maps) {
  static const fe_id_map map = {0, 0, 1};
  fe_attr attr = nothing();
  if (!maps) return attr;
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = attr.gid_mappings = &map;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  return attr;
}

/* Every number that the caller has closed is closed for the child's actions too, though pipes of our own
 * are there meanwhile. */
static void never_found(void) {
  EACH_WAY(way) {
    for (int maps = 0; maps < (way == FE_WAY_PIPED && geteuid() == 0 ? 2 : 1); maps++) {
      for (int hole = -1; hole < 3; hole++) {
        only(3);
        open_at(6, true);
        if (hole >= 0) close(hole);
        for (int fd = 0; fd < LOW; fd++) {
          if (fcntl(fd, F_GETFD) >= 0) continue;
          const fe_file_action by_number[] = {
              FE_DUP2(fd, 20), FE_DUP2(fd, fd), FE_FCHDIR(fd), FE_TCSETPGRP(fd)};
          for (size_t i = 0; i < sizeof by_number / sizeof *by_number; i++) {
            /* With all below named as well. */
            fe_file_action list[LOW + 1];
            size_t count = 0;
            for (int below = 0; below < fd; below++) {
              const fe_file_action close_it = FE_CLOSE(below);
              list[count++] = close_it;
            }
            list[count] = by_number[i];
            fe_attr attr = with_maps(maps);
            attr.actions = list;
            attr.nactions = count + 1;
            spawn_fails(&attr, way, EBADF, step_of(&by_number[i]), (int)count);
            attr.actions = list + count;
            attr.nactions = 1;
            spawn_fails(&attr, way, EBADF, step_of(&by_number[i]), 0);
          }
        }
      }
    }
  }
}

static void never_in_the_way(void) {
  EACH_WAY(way) {
    only(3);
    fe_file_action list[LOW];
    for (int fd = 0; fd < LOW; fd++) {
      const fe_file_action to = FE_DUP2(2, fd);
      list[fd] = to;
    }
    fe_attr attr = FE_ATTR_INIT;
    attr.actions = list;
    for (size_t count = 1; count <= LOW; count++) {
      attr.nactions = count;
      char *seen = probe(&attr, way);
      CHECK_INT(number(seen, "fds"), count);
      for (int fd = 0; fd < (int)count; fd++) CHECK_STR(seen_fd(seen, fd), identity(2));
      free(seen);
      fe_attr failing = nothing();
      failing.actions = list;
      failing.nactions = count;
      failing.path = "/nonexistent";
      spawn_fails(&failing, way, ENOENT, FE_STEP_EXEC, -1);
    }
    /* One alone, beside which all others are free. */
    for (int fd = 0; fd < LOW; fd++) {
      attr.actions = list + fd;
      attr.nactions = 1;
      char *seen = probe(&attr, way);
      CHECK_INT(number(seen, "fds"), 1);
      CHECK_STR(seen_fd(seen, fd), identity(2));
      free(seen);
    }
  }
}

static void closes_all(unsigned way, const void *errnum) {
  only(3);
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);
  for (int first = 0; first < LOW; first++) {
    fe_attr attr = nothing();
    ACT(&attr, FE_CLOSEFROM(first), FE_OPEN(3, "/dev/null", O_RDONLY, 0), FE_CLOSEFROM(0));
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    FAILS(way, EBADF, FE_STEP_ACTION_FCHDIR, 1, FE_CLOSEFROM(first), FE_FCHDIR(first));
    char *seen;
    PROBE(way, seen, FE_DUP2(0, 5), FE_CLOSEFROM(first));
    CHECK_INT(number(seen, "fds"), first > 5);
    free(seen);
  }
}

static void closefrom_keeps_the_errno(void) {
  static const int errnums[] = {0, ENOSYS, EPERM};
  for (size_t i = 0; i < sizeof errnums / sizeof *errnums; i++) {
    EACH_WAY(way) apart(closes_all, way, &errnums[i]);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"each kind, by its step and index", each_by_its_step},
      {"what fails first counts", what_fails_first_counts},
      {"the caller's descriptors and directory are untouched", the_callers_are_untouched},
      {"close that fails", close_that_fails},
      {"unused members, reserved ones, no path", unused_members},
      {"unknown kinds", unknown_kinds},
      {"negative descriptors", negative_descriptors},
      {"paths that are too long", long_paths},
      {"a count without a list, and the other way round", counts},
      {"the error pipe is never found", never_found},
      {"the error pipe is never in the way", never_in_the_way},
      {"closefrom does not close the error pipe", closefrom_keeps_the_errno},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
