/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_ASYNC and fe_spawn_finish: what is told and when, and what is left. In async_ways.c: which way; in
 * async_copies.c: what attr points to; in async_caller.c: what the caller does meanwhile. */
#include "test.h"

#include "beside.h"
#include "filter.h"
#include "word.h"

#include <poll.h>
#include <sys/mman.h>

static bool readable(const fe_child *child, int timeout_ms) {
  struct pollfd entry = {child->ready, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

static void started(void) {
  EACH_WAY_BESIDE(way) {
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      if (pidfd && !world_has(HAS_PIDFD)) continue;
      fe_attr attr = nothing();
      fe_child child;
      attr.flags = pidfd ? FE_PIDFD : 0;
      char *before = snapshot();
      if (!start(&attr, way, &child)) continue;
      CHECK(readable(&child, -1));
      /* Known is known: without waiting. */
      fe_error error;
      CHECK_INT(fe_spawn_finish(&child, 0, &error), 0);
      CHECK(is_clear(&error));
      CHECK_INT(child.ready, -1);
      CHECK_INT(child.way, expected_way(way));
      if (pidfd) {
        struct pollfd ended = {child.pidfd, POLLIN, 0};
        CHECK_INT(fcntl(child.pidfd, F_GETFD), FD_CLOEXEC);
        CHECK_INT(poll(&ended, 1, -1), 1);
      }
      ends(&child, 0);
      char *after = snapshot();
      CHECK_STR(after, before);
      check_no_child();
      free(before);
      free(after);
    }
  }
}

/* What does not fail before the child is made. */
static void fails_later(fe_attr *attr, unsigned way, int errnum, int step, int index) {
  fe_child child;
  char *before = snapshot();
  if (start(attr, way, &child)) {
    CHECK(readable(&child, -1));
    finish_fails(&child, -1, errnum, step, index, 0);
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  check_no_child();
  free(before);
  free(after);
}

static void failed(void) {
  EACH_WAY_BESIDE(way) {
    fe_attr attr = nothing();
    attr.flags = world_has(HAS_PIDFD) ? FE_PIDFD : 0;
    attr.path = "/nonexistent";
    fails_later(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    attr = nothing();
    attr.dir = "/nonexistent";
    fails_later(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
    attr = nothing();
    ACT(&attr, FE_CHDIR("/"), FE_OPEN(5, "/nonexistent", O_RDONLY, 0));
    fails_later(&attr, way, ENOENT, FE_STEP_ACTION_OPEN, 1);
    attr = nothing();
    attr.path = "x";
    attr.flags = FE_SEARCH_PATH;
    attr.search_path = "/nonexistent:/";
    fails_later(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    /* What is refused before is refused at once. */
    static const int not_open[] = {0, 1, 800};
    attr = nothing();
    attr.flags = FE_ASYNC;
    attr.files = not_open;
    attr.nfiles = 3;
    spawn_fails(&attr, way, EBADF, FE_STEP_FILES, 2);
    attr.files = NULL;
    spawn_fails(&attr, way, EINVAL, FE_STEP_ARGS, -1);
  }
}

static void known_when_readable(void) {
  /* A child that has failed says so before it ends: who looks then, with no time to wait, is told. */
  EACH_WAY_BESIDE(way) {
    for (int i = 0; i < (world() == WORLD_KERNEL ? 500 : 20); i++) {
      fe_attr attr = nothing();
      fe_child child;
      attr.dir = "/nonexistent";
      if (!start(&attr, way, &child)) return;
      while (!readable(&child, 0)) sched_yield();
      fe_error error;
      bool good = CHECK_INT(fe_spawn_finish(&child, 0, &error), -1) &&
                  CHECK_STR(errno_name(error.errnum), "ENOENT") &&
                  CHECK_INT(error.step, FE_STEP_CHDIR) && CHECK(is_empty(&child));
      if (good) continue;
      fe_spawn_finish(&child, -1, NULL);
      break;
    }
  }
}

static void linger(pid_t caller) {
  (void)caller;
  usleep(50000);
}

/* Here it stands between the two for a while. */
static void known_before_its_end(unsigned way, const void *unused) {
  static struct watcher watcher = {linger, 0, 0, -1};
  fe_attr attr = nothing();
  fe_child child;
  fe_error error;
  (void)unused;
  attr.dir = "/nonexistent";
  watch_if(&watcher, SYS_exit, 0, ~0U, 127);
  if (!start(&attr, way, &child)) return;
  while (!readable(&child, 0)) sched_yield();
  CHECK_INT(fe_spawn_finish(&child, 0, &error), -1);
  CHECK_STR(errno_name(error.errnum), "ENOENT");
  CHECK(is_empty(&child));
  CHECK(watcher.calls > 0);
}

static void known_though_it_lingers(void) {
  need(HAS_SECCOMP);
  EACH_WAY_BESIDE(way) apart(known_before_its_end, way, NULL);
}

static void in_between(void) {
  EACH_WAY_BESIDE(way) {
    fe_child child;
    fe_attr attr = nothing();
    const char *fifo = new_fifo();
    ACT(&attr, FE_CHDIR("/"), FE_OPEN(0, fifo, O_RDONLY, 0));
    if (!start(&attr, way, &child)) continue;
    wait_until_in(&child, FE_STEP_ACTION_OPEN);
    in_progress(&child, 0, FE_STEP_ACTION_OPEN, 1);
    for (int ms = 1; ms < 8; ms++) {
      int64_t begun = now_ns();
      in_progress(&child, ms, FE_STEP_ACTION_OPEN, 1);
      CHECK(now_ns() - begun >= (int64_t)ms * 1000000);
    }
    CHECK(!readable(&child, 0));
    errno = 0;
    int status = 77;
    CHECK_INT(fe_wait(&child, -1, &status), -1);
    CHECK_STR(errno_name(errno), "EINPROGRESS");
    CHECK_INT(status, 77);
    CHECK_INT(fe_kill(&child, 0), 0);
    static const int too_negative[] = {-2, INT32_MIN};
    for (int i = 0; i < 2; i++) {
      fe_error error;
      errno = 0;
      CHECK_INT(fe_spawn_finish(&child, too_negative[i], &error), -1);
      CHECK_STR(errno_name(errno), "EINVAL");
      CHECK_INT(error.errnum, EINVAL);
      CHECK_INT(error.step, FE_STEP_ARGS);
      CHECK(child.ready >= 0);
    }
    int writer = let_go(fifo);
    CHECK(readable(&child, -1));
    finishes(&child);
    ends(&child, 0);
    close(writer);
  }
}

static void check_not_pending(fe_child *child) {
  fe_error error;
  fe_child before;
  if (child) before = *child;
  memset(&error, 0xa5, sizeof error);
  errno = 0;
  CHECK_INT(fe_spawn_finish(child, -1, &error), -1);
  CHECK_STR(errno_name(errno), "EINVAL");
  CHECK_INT(error.errnum, EINVAL);
  CHECK_INT(error.step, FE_STEP_ARGS);
  CHECK_INT(error.index, -1);
  CHECK_INT(error.way, 0);
  if (child) CHECK(memcmp(&before, child, sizeof before) == 0);
}

static void not_pending(void) {
  fe_child child = FE_CHILD_INIT, zeroed;
  memset(&zeroed, 0, sizeof zeroed);
  check_not_pending(NULL);
  check_not_pending(&child);
  check_not_pending(&zeroed);
  fe_attr attr = nothing();
  if (spawn(&attr, FE_WAY_AUTO, &child)) {
    CHECK_INT(child.ready, -1);
    check_not_pending(&child);
    ends(&child, 0);
  }
  EACH_WAY_BESIDE(way) {
    if (!start(&attr, way, &child)) continue;
    CHECK_INT(fe_spawn_finish(&child, -1, NULL), 0); /* nor is `error` needed */
    check_not_pending(&child);
    ends(&child, 0);
    check_not_pending(&child);
    attr.dir = "/nonexistent";
    if (!start(&attr, way, &child)) continue;
    errno = 0;
    CHECK_INT(fe_spawn_finish(&child, -1, NULL), -1);
    CHECK_STR(errno_name(errno), "ENOENT");
    check_not_pending(&child);
    attr.dir = NULL;
  }
  errno = 0;
  CHECK_INT(fe_spawn_finish(NULL, 0, NULL), -1);
  CHECK_STR(errno_name(errno), "EINVAL");
}

static void cancelled(void) {
  EACH_WAY_BESIDE(way) {
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      if (pidfd && !world_has(HAS_PIDFD)) continue;
      fe_child child;
      fe_attr attr = nothing();
      const char *fifo = new_fifo();
      ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
      attr.flags = pidfd ? FE_PIDFD : 0;
      char *before = snapshot();
      if (!start(&attr, way, &child)) continue;
      wait_until_in(&child, FE_STEP_ACTION_OPEN);
      CHECK_INT(fe_kill(&child, SIGKILL), 0);
      CHECK(readable(&child, -1));
      finish_fails(&child, -1, ECANCELED, FE_STEP_ACTION_OPEN, 0, SIGKILL);
      /* One that can be blocked strikes when the program's mask is set. */
      if (!start(&attr, way, &child)) continue;
      wait_until_in(&child, FE_STEP_ACTION_OPEN);
      CHECK_INT(fe_kill(&child, SIGTERM), 0);
      in_progress(&child, 0, FE_STEP_ACTION_OPEN, 0);
      close(let_go(fifo));
      finish_fails(&child, -1, ECANCELED, FE_STEP_SIGMASK, -1, SIGTERM);
      char *after = snapshot();
      CHECK_STR(after, before);
      check_no_child();
      free(before);
      free(after);
    }
  }
}

static fe_attr exiting(int status, char *text, size_t size) {
  static char *argv[] = {(char *)"sh", (char *)"-c", NULL, NULL};
  fe_attr attr = FE_ATTR_INIT;
  snprintf(text, size, "exit %d", status);
  argv[2] = text;
  attr.path = "/bin/sh";
  attr.argv = argv;
  return attr;
}

static void closed(void) {
  EACH_WAY_BESIDE(way) {
    char text[20];
    fe_child child;
    const char *fifo = new_fifo();
    char *before = snapshot();
    fe_attr attr = exiting(7, text, sizeof text);
    if (world_has(HAS_PIDFD)) attr.flags = FE_PIDFD; /* which goes too */
    ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
    /* Whether the program is there, and whether it fails while the signals are blocked, or later. */
    for (int i = 0; i < 3; i++) {
      static const char *const paths[] = {"/bin/sh", "/nonexistent", "/bin/sh"};
      attr.path = paths[i];
      const fe_file_action fails[] = {FE_OPEN(0, fifo, O_RDONLY, 0), FE_CHDIR("/nonexistent")};
      attr.actions = i == 2 ? fails : act_;
      attr.nactions = i == 2 ? 2 : 1;
      if (!start(&attr, way, &child)) continue;
      wait_until_in(&child, FE_STEP_ACTION_OPEN);
      pid_t pid = child.pid;
      fe_child_close(&child);
      CHECK(is_empty(&child));
      fe_child_close(&child);
      close(let_go(fifo));
      reaped(pid, (i == 0 ? 7 : 127) << 8);
    }
    char *after = snapshot();
    CHECK_STR(after, before);
    check_no_child();
    free(before);
    free(after);
  }
}

static void closed_many(void) {
  /* What their children still use is not given to the next ones, nor to malloc. */
  enum { MANY = 60 };
  EACH_WAY_BESIDE(way) {
    const char *fifo = new_fifo();
    pid_t pids[MANY];
    char text[20];
    for (int i = 0; i < MANY; i++) {
      fe_child child;
      fe_attr attr = exiting(100 + i, text, sizeof text);
      ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
      pids[i] = -1;
      if (!start(&attr, way, &child)) continue;
      pids[i] = child.pid;
      fe_child_close(&child);
      attr = exiting(3, text, sizeof text);
      if (!start(&attr, way, &child)) continue;
      finishes(&child);
      ends(&child, 3);
      for (size_t size = 16; size < 4096; size += 16) {
        char *taken = malloc(size);
        NEED(taken != NULL);
        memset(taken, 0x5a, size);
        free(taken);
      }
    }
    int writer = let_go(fifo);
    for (int i = 0; i < MANY; i++) reaped(pids[i], (100 + i) << 8);
    close(writer);
    check_no_child();
  }
}

/* ---- what the kernel fails to say ---- */

static int may_exec;

static void until_it_may(pid_t child) {
  (void)child;
  while (!__atomic_load_n(&may_exec, __ATOMIC_ACQUIRE)) usleep(1000);
}

static bool has_its_memory(pid_t pid) {
  char path[64], exe[300], ours[300];
  snprintf(path, sizeof path, "/proc/%d/exe", (int)pid);
  ssize_t n = readlink(path, exe, sizeof exe), m = readlink("/proc/self/exe", ours, sizeof ours);
  return n == m && memcmp(exe, ours, (size_t)n) == 0;
}

static void lost_word(void) {
  need(HAS_CLONE3);
  /* That the child has let go of the memory the kernel says by a word there, and does not look whether that could be
   * written: for want of memory it cannot, nor when SIGKILL comes during exec. Here the page is read-only. */
  if (world() != WORLD_KERNEL) skip("only the kernel has the way that needs it");
  static struct watcher watcher = {until_it_may, 0, 0, -1};
  watch_if(&watcher, SYS_execve, 0, 0, 0);
  for (int killed = 0; killed < 2; killed++) {
    static const int files[] = {FE_FROM_PIPE, 1, 2};
    fe_child child;
    fe_attr attr = shell("read line");
    attr.files = files;
    attr.nfiles = 3;
    may_exec = 0;
    if (!start(&attr, FE_WAY_CONCURRENT, &child)) return;
    wait_until_in(&child, FE_STEP_EXEC);
    void *page = (void *)(slept_on(&child) & ~(uintptr_t)4095);
    if (killed) CHECK_INT(fe_kill(&child, SIGKILL), 0);
    NEED(mprotect(page, 4096, PROT_READ) == 0);
    __atomic_store_n(&may_exec, 1, __ATOMIC_RELEASE);
    while (has_its_memory(child.pid)) usleep(1000);
    NEED(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    if (killed) {
      finish_fails(&child, 10000, ECANCELED, FE_STEP_EXEC, -1, SIGKILL);
      continue;
    }
    fe_error error;
    CHECK_INT(fe_spawn_finish(&child, 10000, &error), 0);
    close(child.ends[0]);
    child.ends[0] = -1;
    ends(&child, 1);
  }
  check_no_child();
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"started", started},
      {"failed", failed},
      {"known when readable", known_when_readable},
      {"known when readable, before its end", known_though_it_lingers},
      {"in between", in_between},
      {"nothing to finish", not_pending},
      {"cancelled", cancelled},
      {"closed before the end", closed},
      {"closed before the end, many", closed_many},
      {"a word that is lost", lost_word},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
