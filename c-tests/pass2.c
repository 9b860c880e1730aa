/* SPDX-License-Identifier: BSD-3-Clause */
/* The seed's pass 2, and the parallel assignment as a whole: child descriptor i is the caller's
 * files[i], -1 closes, 0 to 2 beyond the list are closed, what is not named stays as it is. */
#include "test.h"

#include <sys/resource.h>

static void identity_clears_cloexec(void) {
  EACH_WAY(way) {
    only(8);
    TABLE(way, -1, 0, 1, 2);
    TABLE(way, -1, 0, 1, 2, 3, 4, 5, 6, 7);
  }
}

static void minus_one_closes(void) {
  EACH_WAY(way) {
    only(8);
    TABLE(way, -1, -1, 1, -1, 3, -1);
    TABLE(way, -1, -1, -1, -1);
    TABLE(way, -1, -1, -1, -1, 0);
  }
}

static void stdio_beyond_the_list_is_closed(void) {
  EACH_WAY(way) {
    only(8);
    for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
    TABLE(way, -1, 0);
    TABLE(way, -1, 5, 6);
    const int none = 0;
    check_table(&none, 0, way, -1);
  }
}

static void duplicates_and_holes(void) {
  EACH_WAY(way) {
    only(8);
    TABLE(way, -1, 5, 5, 5);
    TABLE(way, -1, 1, 1, 1, -1, 1);
    TABLE(way, -1, 2, -1, 2, 0, 0, 7, -1, -1, 1);
  }
}

static void unnamed_stay_as_they_are(void) {
  EACH_WAY(way) {
    only(12);
    NEED(fcntl(11, F_SETFD, 0) == 0);
    TABLE(way, 11, 1, 2, 0);
    TABLE(way, 11, 8, 9, 10, 0, 1);
  }
}

static void null_leaves_all(void) {
  EACH_WAY(way) {
    only(9);
    NEED(fcntl(1, F_SETFD, 0) == 0 && fcntl(7, F_SETFD, 0) == 0);
    fe_attr attr = FE_ATTR_INIT;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "fds"), 2);
    CHECK_STR(value(seen, "fd.1"), identity(1));
    CHECK_STR(value(seen, "fd.7"), identity(7));
    free(seen);
  }
}

static void to_the_limit(void) {
  /* Sources and targets at RLIMIT_NOFILE - 1, where the seed had no room left. */
  enum { LIMIT = 64 };
  EACH_WAY(way) {
    only(0);
    struct rlimit limit;
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    int files[LIMIT];
    for (int i = 0; i < LIMIT; i++) {
      open_at(i, true);
      files[i] = LIMIT - 1 - i; /* all swaps */
    }
    /* A cycle needs one free number; so does the scratch file of the test. The piped way needs a number
     * beyond the table. */
    int room = way == FE_WAY_PIPED ? 4 : 1;
    struct rlimit low = {LIMIT + (rlim_t)room, limit.rlim_max};
    fe_attr attr = FE_ATTR_INIT;
    attr.files = files;
    attr.nfiles = LIMIT;
    char *argv[] = {(char *)"probe", (char *)scratch_path("limit"), NULL};
    attr.argv = argv;
    attr.path = probe_path();
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    fe_child child;
    bool good = spawn(&attr, way, &child);
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (good) {
      int status;
      CHECK_INT(fe_wait(&child, -1, &status), 0);
      /* With room for one more the probe can open its report. */
      CHECK_INT(status, 0);
    }
  }
}

static void beyond_the_limit(void) {
  EACH_WAY(way) {
    only(3);
    struct rlimit limit, low;
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = limit;
    low.rlim_cur = 32;
    int files[33];
    for (int i = 0; i < 33; i++) files[i] = i == 32 ? 0 : -1;
    fe_attr attr = FE_ATTR_INIT;
    char *argv[] = {(char *)"probe", NULL};
    attr.argv = argv;
    attr.files = files;
    attr.nfiles = 33;
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    if (way == FE_WAY_PIPED)
      spawn_fails(&attr, way, EMFILE, FE_STEP_PIPE, -1);
    else
      spawn_fails(&attr, way, EBADF, FE_STEP_FILES, 32);
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

static void full_table(void) {
  /* No number is free: shared and copy need none, unless there is a cycle. */
  EACH_WAY(way) {
    only(3);
    /* Opened by the probe below the lowered limit: it must close some first; so a program that needs none. */
    char *argv[] = {(char *)"true", NULL};
    struct rlimit limit, low;
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = limit;
    low.rlim_cur = 40;
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
    NEED(errno == EMFILE);
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = argv;
    attr.path = "/bin/true";
    const int straight[] = {3, 4, 5, -1, 0};
    const int cycle[] = {1, 0, 2};
    const int *tables[] = {straight, cycle};
    for (int t = 0; t < 2; t++) {
      attr.files = tables[t];
      attr.nfiles = t == 0 ? 5 : 3;
      if (way == FE_WAY_PIPED)
        spawn_fails(&attr, way, EMFILE, FE_STEP_PIPE, -1);
      else if (t == 0)
        spawn_exits(&attr, way, 0);
      else
        spawn_fails(&attr, way, EMFILE, FE_STEP_FILES, 0);
    }
    attr.files = NULL;
    attr.nfiles = 0;
    if (way != FE_WAY_PIPED) {
      spawn_exits(&attr, way, 0);
      attr.flags = FE_PIDFD;
      spawn_fails(&attr, way, EMFILE, FE_STEP_PIDFD, -1);
    }
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

static void close_others(void) {
  EACH_WAY(way) {
    only(20);
    for (int fd = 0; fd < 20; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
    open_at(600, false);
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_CLOSE_OTHERS;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "fds"), 3);
    CHECK_STR(value(seen, "fd.2"), identity(2));
    free(seen);
    const int files[] = {15, 14, -1, 600};
    attr.files = files;
    attr.nfiles = 4;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "fds"), 3);
    CHECK_STR(value(seen, "fd.3"), identity(600));
    CHECK_STR(value(seen, "fd.0"), identity(15));
    free(seen);
  }
}

static void not_open(void) {
  EACH_WAY(way) {
    only(3);
    const int files[] = {0, 1, 2, 40};
    fe_attr attr = FE_ATTR_INIT;
    char *argv[] = {(char *)"probe", NULL};
    attr.argv = argv;
    attr.files = files;
    attr.nfiles = 4;
    spawn_fails(&attr, way, EBADF, FE_STEP_FILES, 3);
    /* The numbers that the pipes of the piped way would get. */
    const int pipes[] = {0, 1, 2, 3};
    attr.files = pipes;
    spawn_fails(&attr, way, EBADF, FE_STEP_FILES, 3);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"a descriptor that stays loses close-on-exec", identity_clears_cloexec},
      {"-1 closes", minus_one_closes},
      {"0, 1 and 2 beyond the list are closed", stdio_beyond_the_list_is_closed},
      {"duplicates and holes", duplicates_and_holes},
      {"what is not named stays as it is", unnamed_stay_as_they_are},
      {"NULL leaves all as they are", null_leaves_all},
      {"swaps up to RLIMIT_NOFILE - 1", to_the_limit},
      {"a target beyond the limit", beyond_the_limit},
      {"a full descriptor table", full_table},
      {"close others", close_others},
      {"a source that is not open", not_open},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
