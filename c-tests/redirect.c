/* SPDX-License-Identifier: BSD-3-Clause */
/* What may stand for a descriptor in the list of files: seen from inside the child, in each way; and that
 * nothing is left of it, in the caller or in another child. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <limits.h>
#include <sys/resource.h>

/* In all four ways, of which the last takes the concurrent one or the piped one. */
#define EVERY_WAY(way)                                                                             \
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++)                              \
    if (expected_way(way) != 0)

#define LIST(attr, ...)                                                                            \
  const int list_[] = {__VA_ARGS__};                                                               \
  (attr)->files = list_;                                                                           \
  (attr)->nfiles = sizeof list_ / sizeof *list_

/* Reads to the end. */
static const char *all_of(int fd) {
  static char text[1 << 16];
  size_t length = 0;
  ssize_t n;
  while ((n = read(fd, text + length, sizeof text - 1 - length)) > 0) length += (size_t)n;
  CHECK_INT(n, 0);
  text[length] = 0;
  return text;
}

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "we");
  NEED(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void check_open_as_before(const char *before) {
  char *after = snapshot();
  CHECK_STR(after, before);
  free(after);
}

static void pipes(void) {
  EVERY_WAY(way) {
    char *before = snapshot();
    fe_attr attr = shell("read line; echo \"to 1: $line\"; echo 'to 2' >&2");
    fe_child child;
    LIST(&attr, FE_FROM_PIPE, FE_TO_PIPE, FE_TO_PIPE);
    NEED(spawn(&attr, way, &child));
    for (int i = 0; i < 3; i++) {
      CHECK_INT(fcntl(child.ends[i], F_GETFD), FD_CLOEXEC);
      /* The end is the caller's alone: an open file of its own. */
      CHECK_INT(fcntl(child.ends[i], F_GETFL), i == 0 ? O_WRONLY : O_RDONLY);
    }
    CHECK_INT(write(child.ends[0], "word\n", 5), 5);
    CHECK_INT(close(child.ends[0]), 0);
    child.ends[0] = -1;
    CHECK_STR(all_of(child.ends[1]), "to 1: word\n");
    CHECK_STR(all_of(child.ends[2]), "to 2\n");
    ends(&child, 0);
    CHECK(is_empty(&child));
    check_open_as_before(before);
    free(before);
  }
}

static void from_the_fourth_on(void) {
  EVERY_WAY(way) {
    char *before = snapshot();
    int32_t mine[6] = {9, 9, 9, 9, 9, 9};
    fe_attr attr = shell("cat <&3 >&4");
    fe_child child;
    LIST(&attr, FE_TO_PIPE, FE_NULL, FE_NULL, FE_FROM_PIPE, FE_TO_PIPE);
    attr.ends = mine;
    NEED(spawn(&attr, way, &child));
    CHECK(mine[0] == -1 && mine[1] == -1 && mine[2] == -1 && mine[5] == 9);
    CHECK(child.ends[0] >= 0 && child.ends[1] == -1 && child.ends[2] == -1);
    CHECK_INT(write(mine[3], "through", 7), 7);
    close(mine[3]);
    CHECK_STR(all_of(mine[4]), "through");
    close(mine[4]);
    ends(&child, 0);
    check_open_as_before(before);
    /* Nothing is left of one that fails, and nothing is said to be there. */
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    for (int i = 0; i < 5; i++) CHECK_INT(mine[i], -1);
    free(before);
  }
}

static void null_and_same(void) {
  struct stat null;
  char wanted[60];
  NEED(stat("/dev/null", &null) == 0);
  snprintf(wanted, sizeof wanted, "%llu:%llu", (unsigned long long)null.st_dev,
           (unsigned long long)null.st_ino);
  EVERY_WAY(way) {
    only(6);
    fe_attr attr = FE_ATTR_INIT;
    LIST(&attr, FE_SAME_AS(3), FE_SAME_AS(0), FE_NULL, 5, FE_SAME_AS(2), -1, FE_SAME_AS(7), 0);
    char *seen = probe(&attr, way);
    CHECK_STR(seen_fd(seen, 0), identity(5));
    CHECK_STR(seen_fd(seen, 1), identity(5));
    CHECK_STR(seen_fd(seen, 2), wanted);
    CHECK_STR(seen_fd(seen, 3), identity(5));
    CHECK_STR(seen_fd(seen, 4), wanted);
    CHECK_STR(seen_fd(seen, 6), identity(0));
    CHECK_STR(seen_fd(seen, 7), identity(0));
    CHECK_INT(number(seen, "fds"), 7);
    free(seen);
  }
  EVERY_WAY(way) {
    fe_attr attr = shell("echo one; echo two >&2; cat; echo lost >&3");
    fe_child child;
    LIST(&attr, FE_NULL, FE_TO_PIPE, FE_SAME_AS(1), FE_SAME_AS(0));
    NEED(spawn(&attr, way, &child));
    CHECK_INT(child.ends[2], -1);
    CHECK_STR(all_of(child.ends[1]), "one\ntwo\n");
    ends(&child, 0);
  }
}

static void files_that_the_child_opens(void) {
  const char *in = kept_path("in"), *out = kept_path("out");
  put(in, "some text\n");
  EVERY_WAY(way) {
    unlink(out);
    umask(026);
    const fe_redirect redirects[] = {
        FE_OPEN_FILE(out, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666), FE_OPEN_FILE("in", O_RDONLY, 0)};
    fe_attr attr = shell("cat; echo more >&2; echo most >&4");
    LIST(&attr, FE_REDIRECT(1), FE_SAME_AS(4), FE_SAME_AS(1), -1, FE_REDIRECT(0));
    attr.redirects = redirects;
    attr.nredirects = 2;
    attr.dir = scratch();
    spawn_exits(&attr, way, 0);
    FILE *file = fopen(out, "re");
    struct stat st;
    NEED(file != NULL && fstat(fileno(file), &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0640);
    CHECK_STR(all_of(fileno(file)), "some text\nmore\nmost\n");
    fclose(file);
    /* The second time it is there already: whose descriptor it was to be. */
    spawn_fails(&attr, way, EEXIST, FE_STEP_FILES, 4);
  }
}

static void with_the_rights_of_the_user(void) {
  need(HAS_NO_FILTER);
  need_root();
  const char *secret = kept_path("secret");
  put(secret, "");
  NEED(chmod(secret, 0600) == 0);
  const fe_redirect redirects[] = {FE_OPEN_FILE(secret, O_RDONLY, 0)};
  fe_credential who = FE_CREDENTIAL_INIT;
  who.uid = who.gid = UNPRIVILEGED;
  EACH_WAY_BUT_SHARED(way) {
    fe_attr attr = nothing();
    LIST(&attr, 0, 1, 2, FE_NULL, FE_REDIRECT(0));
    attr.redirects = redirects;
    attr.nredirects = 1;
    spawn_exits(&attr, way, 0);
    attr.credential = &who;
    spawn_fails(&attr, way, EACCES, FE_STEP_FILES, 4);
  }
  if (world() != WORLD_KERNEL) return;
  /* In two stages: the pipes outlive the exec between, and it is the second that opens. */
  const fe_redirect both[] = {FE_OPEN_FILE(secret, O_RDONLY, 0), FE_OPEN_FILE("/dev/null", O_RDWR, 0)};
  fe_attr attr = shell("cat; echo $(id -u) >&3");
  fe_child child;
  int files[] = {FE_FROM_PIPE, FE_TO_PIPE, FE_REDIRECT(1), FE_SAME_AS(1), FE_SAME_AS(2)};
  attr.files = files;
  attr.nfiles = 5;
  attr.redirects = both;
  attr.nredirects = 2;
  attr.credential = &who;
  NEED(spawn(&attr, FE_WAY_STAGED, &child));
  CHECK_INT(write(child.ends[0], "in ", 3), 3);
  close(child.ends[0]);
  child.ends[0] = -1;
  CHECK_STR(all_of(child.ends[1]), "in 65534\n");
  ends(&child, 0);
  files[2] = FE_REDIRECT(0);
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_FILES, 2);
}

static void a_fifo_and_the_deadline(void) {
  const char *fifo = new_fifo();
  const fe_redirect redirects[] = {FE_OPEN_FILE(fifo, O_RDONLY, 0)};
  EACH_WAY_BESIDE(way) {
    fe_attr attr = nothing();
    fe_child child;
    LIST(&attr, FE_TO_PIPE, FE_REDIRECT(0), 2);
    attr.redirects = redirects;
    attr.nredirects = 1;
    attr.timeout_ms = 200;
    spawn_fails(&attr, way, ETIMEDOUT, FE_STEP_FILES, 1);
    /* Nor does it hold up who does not wait. */
    attr.timeout_ms = 0;
    char *before = snapshot();
    NEED(start(&attr, way, &child));
    CHECK(child.ends[0] >= 0);
    wait_until_in(&child, FE_STEP_FILES);
    fe_child other = child;
    close(let_go(fifo));
    NEED(finishes(&child));
    CHECK_INT(child.ends[0], other.ends[0]);
    CHECK_STR(all_of(child.ends[0]), "");
    ends(&child, 0);
    /* A failure takes the ends with it. */
    attr.path = "/nonexistent";
    NEED(start(&attr, way, &child));
    close(let_go(fifo));
    finish_fails(&child, -1, ENOENT, FE_STEP_EXEC, -1, 0);
    check_open_as_before(before);
    free(before);
  }
}

static void data(void) {
  need(HAS_MEMFD);
  static char big[3 << 20];
  memset(big, 'x', sizeof big);
  EVERY_WAY(way) {
    char count[20];
    const fe_redirect redirects[] = {FE_DATA("a few words", 11), FE_DATA(NULL, 0),
                                     FE_DATA(big, sizeof big)};
    fe_attr attr = shell("cat; cat <&3; wc -c <&4; echo no >&5 || echo sealed");
    fe_child child;
    LIST(&attr, FE_REDIRECT(0), FE_TO_PIPE, FE_NULL, FE_REDIRECT(1), FE_REDIRECT(2), FE_REDIRECT(0));
    attr.redirects = redirects;
    attr.nredirects = 3;
    NEED(spawn(&attr, way, &child));
    snprintf(count, sizeof count, "a few words%zu\n", sizeof big);
    const char *said = all_of(child.ends[1]);
    CHECK(strncmp(said, count, strlen(count)) == 0);
    CHECK_STR(said + strlen(said) - 7, "sealed\n");
    ends(&child, 0);
  }
}

static void too_much_data(void) {
  need(HAS_MEMFD);
  if (world() != WORLD_KERNEL) skip("a limit of file sizes is the kernel's business");
  struct rlimit limit = {1000, 1000};
  static char much[2000];
  const fe_redirect redirects[] = {FE_DATA(much, sizeof much)};
  NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  EACH_WAY(way) {
    fe_attr attr = nothing();
    LIST(&attr, 0, FE_TO_PIPE, FE_REDIRECT(0));
    attr.redirects = redirects;
    attr.nredirects = 1;
    /* And not SIGXFSZ. */
    spawn_fails(&attr, way, EFBIG, FE_STEP_FILES, 2);
  }
}

/* With `count` descriptors of the caller's and few more. What was made before the one that failed is closed. */
static void no_descriptors_left(void) {
  if (world() != WORLD_KERNEL) skip("valgrind and qemu-user have descriptors of their own");
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  int32_t room[6];
  EVERY_WAY(way) {
    only(3);
    for (rlim_t more = 0; more < 7; more++) {
      static const int fails_at[] = {0, 0, 1, 2, 2, 3, 3};
      fe_attr attr = nothing();
      const fe_redirect redirects[] = {FE_DATA("x", 1)};
      LIST(&attr, FE_FROM_PIPE, FE_NULL, FE_TO_PIPE, FE_TO_PIPE, FE_REDIRECT(0));
      attr.redirects = redirects;
      attr.nredirects = 1;
      attr.ends = room;
      /* The third to the fifth are the list's own: what is made must not lie there. */
      limit.rlim_cur = 5 + more;
      NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
      spawn_fails(&attr, way, EMFILE, FE_STEP_FILES, fails_at[more]);
      limit.rlim_cur = limit.rlim_max;
      NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
  }
}

/* A descriptor that is not open is not found open because something was made at its number. */
static void closed_in_the_caller(void) {
  EVERY_WAY(way) {
    only(0);
    fe_attr attr = nothing();
    LIST(&attr, FE_FROM_PIPE, FE_TO_PIPE, 0);
    spawn_fails(&attr, way, EBADF, FE_STEP_FILES, 2);
    static const int pipes_and_null[] = {FE_FROM_PIPE, FE_TO_PIPE, FE_NULL};
    for (int fd = 3; fd < 12; fd++) {
      fe_attr acting = nothing();
      acting.files = pipes_and_null;
      acting.nfiles = 3;
      ACT(&acting, FE_DUP2(fd, 20));
      spawn_fails(&acting, way, EBADF, FE_STEP_ACTION_DUP2, 0);
    }
    static const int one_pipe[] = {FE_FROM_PIPE, FE_TO_PIPE, FE_SAME_AS(1)};
    fe_child child;
    fe_attr echo = shell("cat; echo done >&2");
    echo.files = one_pipe;
    echo.nfiles = 3;
    NEED(spawn(&echo, way, &child));
    CHECK_INT(write(child.ends[0], "in, ", 4), 4);
    close(child.ends[0]);
    child.ends[0] = -1;
    CHECK_STR(all_of(child.ends[1]), "in, done\n");
    ends(&child, 0);
  }
}

static void beside_others(void) {
  static const uint64_t flags[] = {FE_CLOSE_OTHERS, FE_CLOSE_OTHERS | FE_PIDFD};
  EVERY_WAY(way) {
    for (int i = 0; i < 2; i++) {
      if (!world_has(HAS_PIDFD) && flags[i] & FE_PIDFD) continue;
      only(8);
      open_at(200, false);
      const fe_redirect redirects[] = {FE_OPEN_FILE(scratch(), O_RDONLY, 0)};
      fe_attr attr = FE_ATTR_INIT;
      int32_t mine[8];
      LIST(&attr, 200, FE_TO_PIPE, FE_REDIRECT(0), FE_FROM_PIPE, -1, FE_SAME_AS(2), FE_NULL, 7);
      attr.redirects = redirects;
      attr.nredirects = 1;
      attr.ends = mine;
      attr.flags = flags[i];
      fe_child child;
      NEED(probe_start(&attr, way, &child));
      CHECK(child.ends[1] >= 0 && mine[3] >= 0);
      close(mine[3]);
      ends(&child, 0);
      char *seen = probe_report();
      CHECK_INT(number(seen, "fds"), 7);
      CHECK_STR(seen_fd(seen, 0), identity(200));
      CHECK_STR(seen_fd(seen, 7), identity(7));
      CHECK_STR(seen_fd(seen, 5), seen_fd(seen, 2));
      free(seen);
    }
  }
}

static void many_at_once(void) {
  enum { MANY = 100 };
  static fe_attr each[MANY];
  static const fe_attr *attrs[MANY];
  static fe_child children[MANY];
  static int files[3] = {FE_NULL, FE_TO_PIPE, 2};
  char *before = snapshot();
  for (int i = 0; i < MANY; i++) {
    each[i] = shell("echo $PPID");
    each[i].files = files;
    each[i].nfiles = 3;
    if (i % 10 == 9) each[i].path = "/nonexistent";
    attrs[i] = &each[i];
  }
  CHECK_INT(fe_spawn_many(attrs, MANY, children, NULL), -1);
  char wanted[20];
  snprintf(wanted, sizeof wanted, "%d\n", (int)getpid());
  for (int i = 0; i < MANY; i++) {
    if (i % 10 == 9) {
      CHECK(is_empty(&children[i]));
      continue;
    }
    /* Were the child's end of one pipe another child's too, there would be no end. */
    CHECK_STR(all_of(children[i].ends[1]), wanted);
    ends(&children[i], 0);
  }
  check_open_as_before(before);
  free(before);
  fe_child zero;
  memset(&zero, 0, sizeof zero);
  fe_child_close(&zero);
  CHECK(fcntl(0, F_GETFD) >= 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"pipes", pipes},
      {"pipes from the fourth descriptor on", from_the_fourth_on},
      {"/dev/null and duplicates", null_and_same},
      {"files that the child opens", files_that_the_child_opens},
      {"with the rights of the user", with_the_rights_of_the_user},
      {"a FIFO and the deadline", a_fifo_and_the_deadline},
      {"data", data},
      {"too much data", too_much_data},
      {"no descriptors left", no_descriptors_left},
      {"descriptors that are closed in the caller", closed_in_the_caller},
      {"beside the closing of others", beside_others},
      {"many at once", many_at_once},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
