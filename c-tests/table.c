/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_CLOSE_OTHERS takes over no more of the caller's table of descriptors than it needs: in the shared way
 * the child shares the table at first, asks for a part of it as its own, and fetches single descriptors
 * that lie higher. All that must not be seen, neither by the program nor by the caller. */
#include "test.h"

#include "actions.h"
#include "filter.h"

enum { OPEN = 300, UNSHARE = 2 /* CLOSE_RANGE_UNSHARE */ };

/* Each a file of its own, that a program would inherit. */
static void open_all(void) {
  only(3);
  for (int fd = 0; fd < OPEN; fd++) open_at(fd, false);
}

static void need_filters(void) {
  if (world() != WORLD_KERNEL) skip("the table is only shared on a kernel");
}

/* After that it is known that memory is shared. */
static void first_spawn(void) {
  fe_attr attr = nothing();
  spawn_exits(&attr, FE_WAY_SHARED, 0);
}

/* With `attr` and FE_CLOSE_OTHERS the program sees `files` and nothing else but `more`, which is the file that
 * is `as` here. */
static void check_sees(const fe_attr *given, unsigned way, const int *files, size_t nfiles, int more,
                       int as) {
  fe_attr attr = *given;
  attr.flags |= FE_CLOSE_OTHERS;
  attr.files = files;
  attr.nfiles = nfiles;
  char *before = snapshot();
  char *seen = probe(&attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  if (!seen) return;
  int count = 0;
  for (int fd = 0; fd < (files ? (int)nfiles : 3); fd++) {
    int source = files ? files[fd] : fd;
    const char *wanted = source >= 0 ? identity(source) : "";
    CHECK_STR(seen_fd(seen, fd), fd == more ? identity(as) : wanted);
    count += source >= 0 || fd == more;
  }
  if (more >= (files ? (int)nfiles : 3)) {
    CHECK_STR(seen_fd(seen, more), identity(as));
    count++;
  }
  CHECK_INT(number(seen, "fds"), count);
  free(seen);
}

#define SEES(attr, way, ...)                                                                       \
  do {                                                                                             \
    const int table_[] = {__VA_ARGS__};                                                            \
    check_sees(attr, way, table_, sizeof table_ / sizeof *table_, -1, -1);                         \
  } while (0)

/* Low and high, twice and crosswise, with holes, and where the part ends. */
static void all_tables(const fe_attr *attr, unsigned way) {
  check_sees(attr, way, NULL, 0, -1, -1);
  SEES(attr, way, 0, 1, 2);
  SEES(attr, way, 2, 0, 1);
  SEES(attr, way, 63, 62, 61);
  SEES(attr, way, 64, 65, 66);
  SEES(attr, way, 66, 65, 64, 63, 67, 128, 127);
  SEES(attr, way, 299, 1, 299, -1, 150, 150, 4);
  SEES(attr, way, -1, -1, -1, -1, 298);
  SEES(attr, way, 250);
  int files[OPEN];
  for (int i = 0; i < 62; i++) files[i] = 299 - i;
  check_sees(attr, way, files, 62, -1, -1);
  for (int i = 0; i < 130; i++) files[i] = i % 5 == 4 ? -1 : (i * 7) % OPEN;
  check_sees(attr, way, files, 64, -1, -1);
  check_sees(attr, way, files, 65, -1, -1);
  check_sees(attr, way, files, 130, -1, -1);
  for (int i = 0; i < OPEN; i++) files[i] = OPEN - 1 - i;
  check_sees(attr, way, files, OPEN, -1, -1);
}

static void tables(void) {
  open_all();
  first_spawn();
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    all_tables(&attr, way);
  }
}

static void with_actions(void) {
  open_all();
  EACH_WAY(way) {
    static const int files[] = {200, 1, 2, 70};
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      if (pidfd && !world_has(HAS_PIDFD)) continue;
      fe_attr attr = FE_ATTR_INIT;
      attr.flags = pidfd ? FE_PIDFD : 0;
      /* An action can name any of the caller's; those below are then taken over, and closed. */
      ACT(&attr, FE_DUP2(3, 100), FE_CLOSE(3), FE_CLOSE(250));
      const int closed[] = {200, 1, 2, -1};
      fe_attr plain = attr;
      plain.flags |= FE_CLOSE_OTHERS;
      plain.files = files;
      plain.nfiles = 4;
      char *before = snapshot();
      char *seen = probe(&plain, way);
      char *after = snapshot();
      CHECK_STR(after, before);
      for (int i = 0; seen && i < 4; i++)
        CHECK_STR(seen_fd(seen, i), closed[i] < 0 ? "" : identity(closed[i]));
      if (seen) {
        CHECK_STR(seen_fd(seen, 100), identity(70));
        CHECK_INT(number(seen, "fds"), 4);
      }
      free(seen);
      free(before);
      free(after);
      /* Also a source that `files` do not have. */
      const fe_file_action high[] = {FE_DUP2(299, 5)};
      attr.actions = high;
      attr.nactions = 1;
      check_sees(&attr, way, files, 4, 5, 299);
      /* The pidfd, at the lowest free number, is not the child's. */
      const fe_file_action none[] = {FE_DUP2(OPEN, 5)};
      plain.path = "/bin/true";
      plain.argv = (char *const[]){(char *)"true", NULL};
      plain.actions = none;
      plain.nactions = 1;
      spawn_fails(&plain, way, EBADF, FE_STEP_ACTION_DUP2, 0);
    }
    fe_attr attr = FE_ATTR_INIT;
    if (world() != WORLD_KERNEL) continue;
    attr.flags = FE_PIDFD;
    all_tables(&attr, way);
  }
}

static void by_descriptor(void) {
  static const int places[] = {3, 63, 64, 299, 305};
  open_all();
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
      fe_attr attr = FE_ATTR_INIT;
      int fd = open(probe_path(), O_RDONLY | O_CLOEXEC);
      NEED(fd >= 0 && dup3(fd, places[i], O_CLOEXEC) == places[i]);
      close(fd);
      attr.flags = FE_FEXECVE;
      attr.execfd = places[i];
      attr.argv = (char *const[]){(char *)"probe", NULL};
      all_tables(&attr, way);
      if (places[i] < OPEN)
        open_at(places[i], false);
      else
        close(places[i]);
    }
  }
}

/* ---- that it is so ---- */

static void killed_at_unsharing(unsigned way, const void *unused) {
  (void)unused;
  static const int files[] = {0, 1, 2};
  open_all();
  fe_attr attr = nothing();
  refuse_if(SYS_close_range, KILL, 2, ~0U, UNSHARE);
  attr.files = files;
  attr.nfiles = 3;
  attr.flags = FE_CLOSE_OTHERS;
  /* Not before it is known that memory is shared. */
  spawn_exits(&attr, way, 0);
  spawn_killed(&attr, way, SIGSYS, FE_STEP_UNSHARE_FILES, -1);
  attr.files = NULL;
  attr.nfiles = 0;
  spawn_killed(&attr, way, SIGSYS, FE_STEP_UNSHARE_FILES, -1);
  attr.flags |= FE_PIDFD;
  spawn_killed(&attr, way, SIGSYS, FE_STEP_UNSHARE_FILES, -1);
  /* An action could see the pidfd. */
  ACT(&attr, FE_CLOSE(5));
  spawn_exits(&attr, way, 0);
  attr.flags = FE_CLOSE_OTHERS;
  spawn_killed(&attr, way, SIGSYS, FE_STEP_UNSHARE_FILES, -1);
  attr.flags = 0;
  spawn_exits(&attr, way, 0);
  attr.flags = FE_CLOSE_OTHERS;
  spawn_exits(&attr, FE_WAY_COPY, 0);
  spawn_exits(&attr, FE_WAY_PIPED, 0);
  spawn_exits(&attr, FE_WAY_CONCURRENT, 0);
}

static void killed_at_fetching(unsigned way, const void *unused) {
  (void)unused;
  static const int files[] = {0, 1, 2, 200};
  open_all();
  first_spawn();
  fe_attr attr = nothing();
  refuse(SYS_pidfd_getfd, KILL);
  attr.files = files;
  attr.flags = FE_CLOSE_OTHERS;
  attr.nfiles = 3;
  spawn_exits(&attr, way, 0);
  attr.nfiles = 4;
  spawn_killed(&attr, way, SIGSYS, FE_STEP_UNSHARE_FILES, 200);
  ACT(&attr, FE_CLOSE(250)); /* so much is taken over that there is none to fetch */
  spawn_exits(&attr, way, 0);
}

static void shown(void) {
  need(HAS_CLOSE_RANGE);
  need_filters();
  apart(killed_at_unsharing, FE_WAY_SHARED, NULL);
  apart(killed_at_fetching, FE_WAY_SHARED, NULL);
}

/* ---- refused ---- */

struct refusal {
  long nr;
  int errnum;
  bool remembered;
};

static void refused_once(unsigned way, const void *with) {
  const struct refusal *this = with;
  static struct watcher watcher = {NULL, 0, 0, -1};
  static const int files[] = {299, 1, 2};
  open_all();
  first_spawn();
  watcher.errnum = this->errnum;
  bool unsharing = this->nr == SYS_close_range;
  watch_if(&watcher, this->nr, unsharing ? 2 : 0, unsharing ? ~0U : 0, unsharing ? UNSHARE : 0);
  fe_attr attr = FE_ATTR_INIT;
  for (int i = 1; i <= 3; i++) {
    check_sees(&attr, way, files, 3, -1, -1);
    CHECK_INT(watcher.calls, this->remembered ? 1 : i);
  }
  all_tables(&attr, way);
  attr = nothing();
  attr.flags = FE_CLOSE_OTHERS;
  attr.files = files;
  attr.nfiles = 3;
  attr.dir = "/nonexistent";
  spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
}

static void refused(void) {
  need(HAS_CLOSE_RANGE | HAS_PIDFD_GETFD);
  static const struct refusal all[] = {
      {SYS_close_range, ENOSYS, true},  {SYS_close_range, EPERM, true},
      {SYS_close_range, EINVAL, true},  {SYS_close_range, ENOMEM, false},
      {SYS_pidfd_getfd, ENOSYS, true},  {SYS_pidfd_getfd, EPERM, true},
      {SYS_pidfd_getfd, EMFILE, false}, {SYS_pidfd_open, ENOSYS, true},
      {SYS_pidfd_open, EPERM, true},    {SYS_pidfd_open, ENOMEM, false},
  };
  need_filters();
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) apart(refused_once, FE_WAY_SHARED, &all[i]);
}

/* Without the one, the other is still there. */
static void without_fetching(unsigned way, const void *unused) {
  (void)unused;
  static const int files[] = {299, 1, 2};
  open_all();
  first_spawn();
  refuse(SYS_pidfd_getfd, EPERM);
  fe_attr attr = nothing();
  attr.flags = FE_CLOSE_OTHERS;
  attr.files = files;
  attr.nfiles = 3;
  spawn_exits(&attr, way, 0);
  refuse_if(SYS_close_range, KILL, 2, ~0U, UNSHARE);
  spawn_killed(&attr, way, SIGSYS, FE_STEP_UNSHARE_FILES, -1);
}

static void one_refused(void) {
  need(HAS_CLOSE_RANGE | HAS_PIDFD_GETFD);
  need_filters();
  apart(without_fetching, FE_WAY_SHARED, NULL);
}

static void a_low_limit(void) {
  /* No number left for what is fetched, or for its part. */
  struct rlimit limit;
  open_all();
  first_spawn();
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  EACH_WAY(way) {
    static const rlim_t limits[] = {10, 64, 65, 66, 67};
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
      struct rlimit low = {limits[i], limit.rlim_max};
      static const int files[] = {299, 1, 298};
      fe_attr attr = nothing();
      attr.flags = FE_CLOSE_OTHERS;
      attr.files = files;
      attr.nfiles = 3;
      NEED(way == FE_WAY_PIPED || setrlimit(RLIMIT_NOFILE, &low) == 0);
      spawn_exits(&attr, way, 0);
      attr.path = "/nonexistent";
      spawn_fails_fast(&attr, way, ENOENT, FE_STEP_EXEC);
      NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"what is named and no more", tables},
      {"with actions and a pidfd", with_actions},
      {"the program by descriptor", by_descriptor},
      {"shown by its calls", shown},
      {"refused", refused},
      {"one of two refused", one_refused},
      {"a low limit", a_low_limit},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
