/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_spawn_many: each as by fe_spawn, each error in its place, and nothing lost when there is not enough of
 * something for all at once. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <sys/prctl.h>
#include <sys/resource.h>

enum { MOST = 200 };

static fe_attr each[MOST];
static const fe_attr *attrs[MOST];
static fe_child children[MOST];
static fe_error errors[MOST];

/* All do nothing, in that way. */
static void prepare(unsigned way) {
  for (int i = 0; i < MOST; i++) {
    each[i] = nothing();
    each[i].way = way;
    attrs[i] = &each[i];
  }
  memset(children, 0xa5, sizeof children);
  memset(errors, 0xa5, sizeof errors);
}

/* The first `n`: errors[i] is clear and children[i] ends with 0, or it fails with wanted[i]. The errno of
 * all is that of the first. */
static void check_many(size_t n, unsigned way, const int *wanted, const int *steps) {
  int first = 0;
  for (size_t i = 0; i < n && first == 0; i++) first = wanted ? wanted[i] : 0;
  errno = 0;
  int result = fe_spawn_many(attrs, n, children, errors), saved = errno;
  CHECK_INT(result, first ? -1 : 0);
  CHECK_STR(errno_name(saved), errno_name(first));
  for (size_t i = 0; i < n; i++) {
    if (wanted && wanted[i]) {
      CHECK(is_empty(&children[i]));
      CHECK_STR(errno_name(errors[i].errnum), errno_name(wanted[i]));
      CHECK_STR(fe_step_name(errors[i].step), fe_step_name(steps[i]));
      continue;
    }
    CHECK(is_clear(&errors[i]));
    CHECK_INT(children[i].way, expected_way(way));
    CHECK_INT(children[i].ready, -1);
    for (size_t k = 0; k < i; k++) CHECK(children[k].pid != children[i].pid);
  }
  for (size_t i = 0; i < n; i++)
    if (!wanted || !wanted[i]) ends(&children[i], 0);
  check_no_child();
}

static void numbers(void) {
  static const size_t counts[] = {0, 1, 2, 63, 64, 65, 200};
  EACH_WAY_BESIDE(way) {
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
      if (world() != WORLD_KERNEL && counts[i] > 2) continue;
      prepare(way);
      char *before = snapshot();
      check_many(counts[i], way, NULL, NULL);
      char *after = snapshot();
      CHECK_STR(after, before);
      free(before);
      free(after);
      /* Nothing else is written. */
      for (size_t k = counts[i]; k < MOST; k++) {
        CHECK_INT(children[k].pid, (int)0xa5a5a5a5);
        CHECK_INT(errors[k].errnum, (int)0xa5a5a5a5);
      }
    }
  }
  prepare(FE_WAY_AUTO);
  check_many(2, FE_WAY_CONCURRENT, NULL, NULL);
}

static void nothing_given(void) {
  prepare(FE_WAY_AUTO);
  errno = 0;
  CHECK_INT(fe_spawn_many(NULL, 0, NULL, NULL), 0);
  CHECK_INT(fe_spawn_many(attrs, 0, children, errors), 0);
  CHECK_INT(errno, 0);
  for (int i = 0; i < 3; i++) {
    errno = 0;
    CHECK_INT(fe_spawn_many(i == 1 ? attrs : NULL, 1, i == 0 ? children : NULL, NULL), -1);
    CHECK_STR(errno_name(errno), "EINVAL");
  }
  errno = 0;
  CHECK_INT(fe_spawn_many(attrs, SIZE_MAX, children, errors), -1);
  CHECK_STR(errno_name(errno), "EINVAL");
  check_no_child();
  /* Errors that nobody wants to know. */
  each[1].path = "/nonexistent";
  errno = 0;
  CHECK_INT(fe_spawn_many(attrs, 3, children, NULL), -1);
  CHECK_STR(errno_name(errno), "ENOENT");
  ends(&children[0], 0);
  CHECK(is_empty(&children[1]));
  ends(&children[2], 0);
  check_no_child();
}

static void mixed(void) {
  static const fe_file_action absent[] = {FE_OPEN(4, "/nonexistent", O_RDONLY, 0)};
  static const int not_open[] = {800};
  static int wanted[MOST], steps[MOST];
  EACH_WAY_BESIDE(way) {
    /* One after the other is the first, also where a later one is refused before it is made. */
    for (size_t begin = 0; begin < 10; begin++) {
      prepare(way);
      char *before = snapshot();
      size_t n = world() == WORLD_KERNEL ? 70 : 12;
      for (size_t i = 0; i < n; i++) {
        wanted[i] = steps[i] = 0;
#define FAILS_WITH(errnum, step) (wanted[i] = (errnum), steps[i] = (step))
        switch ((i + begin) % 10) {
          case 0: each[i].path = "/nonexistent", FAILS_WITH(ENOENT, FE_STEP_EXEC); break;
          case 1: each[i].dir = "/dev/null", FAILS_WITH(ENOTDIR, FE_STEP_CHDIR); break;
          case 2: each[i].actions = absent, each[i].nactions = 1;
            FAILS_WITH(ENOENT, FE_STEP_ACTION_OPEN);
            break;
          case 3: each[i].flags = i % 2 ? FE_ASYNC : FE_SUSPEND, FAILS_WITH(EINVAL, FE_STEP_ARGS); break;
          case 4: attrs[i] = NULL, FAILS_WITH(EINVAL, FE_STEP_ARGS); break;
          case 5: each[i].files = not_open, each[i].nfiles = 1;
            FAILS_WITH(EBADF, FE_STEP_FILES);
            break;
          case 6: each[i].way = FE_WAY_SHARED, FAILS_WITH(EINVAL, FE_STEP_ARGS); break;
          case 7: each[i].path = "/", FAILS_WITH(EACCES, FE_STEP_EXEC); break;
          default: break;
        }
#undef FAILS_WITH
      }
      check_many(n, way, wanted, steps);
      char *after = snapshot();
      CHECK_STR(after, before);
      free(before);
      free(after);
    }
  }
}

static void first_of_all(void) {
  /* The first in the list, not the first that is known: a child fails later than a bad argument. */
  static const int wanted[] = {0, ENOENT, EINVAL, ENOTDIR};
  static const int steps[] = {0, FE_STEP_EXEC, FE_STEP_ARGS, FE_STEP_CHDIR};
  EACH_WAY_BESIDE(way) {
    prepare(way);
    each[1].path = "/nonexistent";
    each[2].pgid = 5;
    each[3].dir = "/dev/null";
    check_many(4, way, wanted, steps);
  }
}

static void few_descriptors(void) {
  if (world() != WORLD_KERNEL) skip("valgrind and qemu-user have descriptors of their own");
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  EACH_WAY_BESIDE(way) {
    /* As few as one alone needs: a pipe of the piped way; a pidfd each is kept. */
    for (int pidfd = 0; pidfd < (world_has(HAS_PIDFD) ? 2 : 1); pidfd++) {
      enum { N = 100 };
      prepare(way);
      only(3);
      int needed = expected_way(way) == FE_WAY_PIPED ? 2 : 0;
      limit.rlim_cur = (rlim_t)(3 + needed + (pidfd ? N + 1 : 0));
      for (int i = 0; i < N; i++) each[i].flags = pidfd ? FE_PIDFD : 0;
      NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
      check_many(N, way, NULL, NULL);
      limit.rlim_cur = limit.rlim_max;
      NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
    if (!world_has(HAS_PIDFD)) continue;
    /* For some there is no number: these fail, and the rest is started. */
    enum { FIT = 5, ALL = 8 };
    prepare(way);
    only(3);
    int needed = expected_way(way) == FE_WAY_PIPED ? 2 : 0;
    limit.rlim_cur = (rlim_t)(3 + needed + FIT);
    for (int i = 0; i < ALL; i++) each[i].flags = FE_PIDFD;
    static int wanted[ALL], steps[ALL];
    for (int i = FIT; i < ALL; i++) {
      wanted[i] = EMFILE;
      steps[i] = FE_STEP_PIDFD;
    }
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    check_many(ALL, way, wanted, steps);
    limit.rlim_cur = limit.rlim_max;
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

static void no_pidfd_left(void) {
  need(HAS_CLONE3);
  need(HAS_PIDFD);
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  only(3);
  limit.rlim_cur = 3;
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  fe_attr attr = nothing();
  attr.flags = FE_PIDFD;
  spawn_fails(&attr, FE_WAY_SHARED, EMFILE, FE_STEP_PIDFD, -1);
  spawn_fails(&attr, FE_WAY_CONCURRENT, EMFILE, FE_STEP_PIDFD, -1);
}

static void few_processes(void) {
  if (world() != WORLD_KERNEL) skip("counts the processes of a user");
  need_root();
  enum { FIT = 3, ALL = 10 };
  static char *forever[] = {(char *)"sleep", (char *)"1000", NULL};
  /* A user who has no other process. */
  uid_t alone = 1000000000U + (uid_t)getpid();
  NEED(setresgid(alone, alone, alone) == 0 && setresuid(alone, alone, alone) == 0);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  EACH_WAY_BESIDE(way) {
    struct rlimit limit = {FIT + 1, FIT + 1};
    fe_attr first = nothing();
    spawn_exits(&first, FE_WAY_SHARED, 0);
    NEED(setrlimit(RLIMIT_NPROC, &limit) == 0);
    prepare(way);
    for (int i = 0; i < ALL; i++) {
      each[i].path = "/bin/sleep";
      each[i].argv = forever;
    }
    errno = 0;
    CHECK_INT(fe_spawn_many(attrs, ALL, children, errors), -1);
    CHECK_STR(errno_name(errno), "EAGAIN");
    for (int i = 0; i < ALL; i++) {
      if (i < FIT) {
        int status = -1;
        CHECK(is_clear(&errors[i]));
        CHECK_INT(fe_kill(&children[i], SIGKILL), 0);
        CHECK_INT(fe_wait(&children[i], -1, &status), 0);
        CHECK_INT(status, SIGKILL);
        fe_child_close(&children[i]);
      } else {
        CHECK_INT(errors[i].errnum, EAGAIN);
        CHECK_INT(errors[i].step, FE_STEP_CLONE);
        CHECK(is_empty(&children[i]));
      }
    }
    /* Children that fail make room for others: all have their turn. */
    static int wanted[ALL], steps[ALL];
    prepare(way);
    for (int i = 0; i < ALL; i++) {
      each[i].path = "/nonexistent";
      wanted[i] = ENOENT;
      steps[i] = FE_STEP_EXEC;
    }
    check_many(ALL, way, wanted, steps);
  }
}

static void masks(void) {
  sigset_t set, own;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  NEED(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
  sigemptyset(&own);
  sigaddset(&own, SIGUSR2);
  EACH_WAY_BESIDE(way) {
    prepare(way);
    static char reports[3][300];
    for (int i = 0; i < 3; i++) {
      snprintf(reports[i], sizeof reports[i], "%s/mask-%d", scratch(), i);
      unlink(reports[i]);
    }
    static char *argv[3][3];
    for (int i = 0; i < 3; i++) {
      argv[i][0] = (char *)"probe";
      argv[i][1] = reports[i];
      each[i].argv = argv[i];
      each[i].path = probe_path();
    }
    each[1].sigmask = &own;
    check_many(3, way, NULL, NULL);
    for (int i = 0; i < 3; i++) {
      static char text[1 << 16];
      FILE *file = fopen(reports[i], "re");
      NEED(file != NULL);
      text[fread(text, 1, sizeof text - 1, file)] = 0;
      fclose(file);
      CHECK_STR(value(text, "mask"), i == 1 ? "0000000000000800" : "0000000000000200");
    }
    sigset_t now;
    NEED(sigprocmask(SIG_SETMASK, NULL, &now) == 0);
    CHECK(memcmp(&now, &set, 8) == 0);
  }
}

static void beside_each_other(void) {
  /* The first is let go by what the last one does: it is not waited for before that is on its way. */
  EACH_WAY_BESIDE(way) {
    const char *fifo = new_fifo();
    const fe_file_action reads[] = {FE_OPEN(0, fifo, O_RDONLY, 0)};
    const fe_file_action writes[] = {FE_OPEN(1, fifo, O_WRONLY, 0)};
    prepare(way);
    each[0].actions = reads;
    each[1].actions = writes;
    each[0].nactions = each[1].nactions = 1;
    check_many(2, way, NULL, NULL);
    prepare(way);
    each[63].actions = reads;
    each[0].actions = writes;
    each[0].nactions = each[63].nactions = 1;
    check_many(64, way, NULL, NULL);
  }
}

static const char *held_by;

static void let_the_first_go(pid_t caller) {
  (void)caller;
  static int kills;
  if (kills++ == 0) close(let_go(held_by));
}

static void overdue_behind(unsigned way, const void *with) {
  (void)with;
  static struct watcher watcher = {let_the_first_go, 0, 0, -1};
  static const int wanted[3] = {0, 0, ETIMEDOUT};
  static const int steps[3] = {0, 0, FE_STEP_ACTION_OPEN};
  held_by = new_fifo();
  const fe_file_action first[] = {FE_OPEN(0, held_by, O_RDONLY, 0)};
  const fe_file_action never[] = {FE_OPEN(0, new_fifo(), O_RDONLY, 0)};
  prepare(way);
  watch_if(&watcher, SYS_kill, 0, 0, 0);
  each[0].actions = first;
  each[2].actions = never;
  each[0].nactions = each[2].nactions = 1;
  each[2].timeout_ms = 250;
  check_many(3, way, wanted, steps);
  CHECK_INT(watcher.calls, 1);
}

static void a_deadline_behind_one_that_hangs(void) {
  /* Nothing but the kill of the last one lets the first one go. */
  EACH_WAY_BESIDE(way) apart(overdue_behind, way, NULL);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"numbers", numbers},
      {"nothing given", nothing_given},
      {"mixed", mixed},
      {"the errno is that of the first", first_of_all},
      {"few descriptors", few_descriptors},
      {"no pidfd left", no_pidfd_left},
      {"few processes", few_processes},
      {"masks", masks},
      {"beside each other", beside_each_other},
      {"a deadline behind one that hangs", a_deadline_behind_one_that_hangs},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
