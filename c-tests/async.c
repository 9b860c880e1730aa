/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_ASYNC and fe_spawn_finish: what is told and when, what is copied, and what is left. What becomes of
 * it when the caller forks, ends or has many of them is in async_caller.c. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <poll.h>
#include <semaphore.h>

static bool readable(const fe_child *child, int timeout_ms) {
  struct pollfd entry = {child->ready, POLLIN, 0};
  return poll(&entry, 1, timeout_ms) == 1;
}

static void started(void) {
  EACH_WAY_BESIDE(way) {
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      if (pidfd && world() != WORLD_KERNEL) continue;
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

/* From the first spawn of a process on. */
static void first_by_auto(unsigned way, const void *unused) {
  (void)unused;
  fe_attr attr = nothing();
  fe_child child;
  attr.flags = FE_ASYNC;
  fe_error error;
  CHECK_INT(fe_spawn(&attr, &child, &error), 0);
  CHECK_INT(child.way, expected_way(way));
  finishes(&child);
  ends(&child, 0);
  check_no_child();
}

static void chosen(void) { apart(first_by_auto, FE_WAY_CONCURRENT, NULL); }

static void ways_that_suspend(void) {
  static const unsigned ways[] = {FE_WAY_SHARED, FE_WAY_COPY};
  for (int i = 0; i < 2; i++) {
    fe_attr attr = nothing();
    attr.flags = FE_ASYNC;
    spawn_fails(&attr, ways[i], EINVAL, FE_STEP_ARGS, -1);
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
    attr.flags = world() == WORLD_KERNEL ? FE_PIDFD : 0;
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
      if (pidfd && world() != WORLD_KERNEL) continue;
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
    if (world() == WORLD_KERNEL) attr.flags = FE_PIDFD; /* which goes too */
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

/* ---- what attr points to ---- */

static sem_t go;

static void hold_back(pid_t caller) {
  (void)caller;
  while (sem_wait(&go) != 0) {
  }
}

static char pool[1 << 14];
static size_t pooled;

static void *pooled_bytes(const void *bytes, size_t size) {
  void *at = pool + pooled;
  NEED(pooled + size <= sizeof pool);
  if (bytes) memcpy(at, bytes, size);
  pooled += (size + 15) & ~(size_t)15;
  return at;
}

static char *pooled_text(const char *text) { return pooled_bytes(text, strlen(text) + 1); }

#define POOLED(...) pooled_bytes(&(__VA_ARGS__), sizeof(__VA_ARGS__))

static void check_overwritten(unsigned way, const void *with) {
  bool with_credential = *(const bool *)with;
  static struct watcher watcher = {hold_back, 0, 0, -1};
  NEED(sem_init(&go, 0, 0) == 0);
  NEED(mkdir(scratch_path("bin"), 0755) == 0 && mkdir(scratch_path("a"), 0755) == 0);
  NEED(mkdir(scratch_path("a/b"), 0755) == 0);
  install_probe(scratch_path("bin/probe"));
  int report = open(scratch_path("report"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  NEED(report >= 0 && fchmod(report, 0666) == 0);
  only(3);
  /* Held at its very first step. */
  watch_if(&watcher, SYS_setsid, 0, 0, 0);

  fe_attr *attr = POOLED((fe_attr)FE_ATTR_INIT);
  sigset_t set;
  attr->flags = FE_SETSID | FE_SEARCH_PATH | FE_CLOSE_OTHERS | FE_ASYNC;
  attr->way = way;
  attr->path = pooled_text("probe");
  attr->search_path = pooled_text("/nonexistent:/bin:/a");
  char *argv[] = {pooled_text("name"), pooled_text("/report"), pooled_text("one two"),
                  pooled_text(""), NULL};
  attr->argv = POOLED(argv);
  char *envp[] = {pooled_text("A=1"), pooled_text("B=two"), NULL};
  attr->envp = POOLED(envp);
  attr->chroot = pooled_text(scratch());
  attr->dir = pooled_text("/a");
  int files[] = {1, 0, -1, 2};
  attr->files = POOLED(files);
  attr->nfiles = 4;
  fe_file_action actions[] = {FE_OPEN(7, pooled_text("/bin/probe"), O_RDONLY, 0),
                              FE_CHDIR(pooled_text("b")), FE_DUP2(0, 5)};
  attr->actions = POOLED(actions);
  attr->nactions = 3;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  attr->sigmask = POOLED(set);
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  attr->sigdefault = POOLED(set);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  attr->sigignore = POOLED(set);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_POLICY;
  scheduling.policy = SCHED_BATCH;
  attr->scheduling = POOLED(scheduling);
  if (with_credential) {
    gid_t groups[] = {77, 88, 99};
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = way == FE_WAY_PIPED ? 1234 : 0; /* a change would not be for shared memory */
    credential.gid = way == FE_WAY_PIPED ? 1235 : 0;
    credential.groups = POOLED(groups);
    credential.ngroups = 3;
    attr->credential = POOLED(credential);
  }
  signal(SIGHUP, SIG_IGN);
  fe_child child;
  fe_error error;
  char wanted_files[2][60], program[60];
  struct stat st;
  for (int i = 0; i < 2; i++) snprintf(wanted_files[i], sizeof *wanted_files, "%s", identity(i));
  NEED(stat(scratch_path("bin/probe"), &st) == 0);
  snprintf(program, sizeof program, "%llu:%llu", (unsigned long long)st.st_dev,
           (unsigned long long)st.st_ino);
  NEED(fe_spawn(attr, &child, &error) == 0);
  memset(pool, 0x5a, sizeof pool);
  CHECK_INT(child.way, way);
  sem_post(&go);
  finishes(&child);
  ends(&child, 0);
  CHECK_INT(watcher.calls, 1);

  char *seen = calloc(1, 1 << 16);
  report = open(scratch_path("report"), O_RDONLY | O_CLOEXEC);
  NEED(seen != NULL && report >= 0 && read(report, seen, (1 << 16) - 1) > 0);
  CHECK_STR(value(seen, "execfn"), "/bin/probe");
  CHECK_INT(number(seen, "argc"), 4);
  CHECK_STR(value(seen, "argv.0"), "name");
  CHECK_STR(value(seen, "argv.2"), "one two");
  CHECK_STR(value(seen, "argv.3"), "");
  CHECK_INT(number(seen, "envs"), 2);
  CHECK(strstr(seen, "\nenv.A=1\n") && strstr(seen, "\nenv.B=two\n"));
  CHECK_STR(value(seen, "cwd"), "/a/b");
  CHECK_INT(number(seen, "fds"), 5);
  CHECK_STR(seen_fd(seen, 0), wanted_files[1]);
  CHECK_STR(seen_fd(seen, 1), wanted_files[0]);
  CHECK_STR(seen_fd(seen, 5), wanted_files[1]);
  CHECK_STR(seen_fd(seen, 7), program);
  CHECK_STR(value(seen, "mask"), "0000000000000200");
  /* But for the two that libc keeps for itself: whoever has started this may have left them ignored. */
  unsigned long long ignored = strtoull(value(seen, "ignored"), NULL, 16);
  CHECK_INT(ignored & ~(3ULL << 31), 1ULL << (SIGUSR2 - 1));
  CHECK_INT(number(seen, "policy"), SCHED_BATCH);
  bool changed = with_credential && way == FE_WAY_PIPED;
  CHECK_STR(value(seen, "uid"), changed ? "1234 1234 1234" : "0 0 0");
  CHECK_STR(value(seen, "gid"), changed ? "1235 1235 1235" : "0 0 0");
  if (with_credential) CHECK_STR(value(seen, "groups"), "77 88 99");
  free(seen);
}

static void overwritten(void) {
  need_root();
  static const bool no = false, yes = true;
  EACH_WAY_BESIDE(way) {
    for (int credential = 0; credential < 2; credential++) {
      apart(check_overwritten, way, credential ? &yes : &no);
      char command[400];
      snprintf(command, sizeof command, "cd '%s' && rm -rf bin a report", scratch());
      NEED(system(command) == 0);
    }
  }
}

static void check_overwritten_shell(unsigned way, const void *unused) {
  (void)unused;
  static struct watcher watcher = {hold_back, 0, 0, -1};
  NEED(sem_init(&go, 0, 0) == 0);
  watch_if(&watcher, SYS_setsid, 0, 0, 0);
  const char *script = kept_path("script"), *out = kept_path("out");
  unlink(script);
  FILE *file = fopen(script, "w");
  NEED(file != NULL);
  fprintf(file, "echo \"$#|$0|$1|$2|$X\" > '%s'\n", out);
  fclose(file);
  NEED(chmod(script, 0755) == 0);
  fe_attr *attr = POOLED((fe_attr)FE_ATTR_INIT);
  attr->flags = FE_SETSID | FE_SHELL_FALLBACK | FE_ASYNC;
  attr->way = way;
  attr->path = pooled_text(script);
  char *argv[] = {pooled_text("name"), pooled_text("one two"), pooled_text("3"), NULL};
  attr->argv = POOLED(argv);
  char *envp[] = {pooled_text("X=y"), NULL};
  attr->envp = POOLED(envp);
  fe_child child;
  fe_error error;
  NEED(fe_spawn(attr, &child, &error) == 0);
  memset(pool, 0x5a, sizeof pool);
  CHECK_INT(child.way, way);
  sem_post(&go);
  finishes(&child);
  ends(&child, 0);
  char seen[600] = "", wanted[600];
  file = fopen(out, "re");
  NEED(file != NULL && fgets(seen, sizeof seen, file) != NULL);
  fclose(file);
  snprintf(wanted, sizeof wanted, "2|%s|one two|3|y\n", script);
  CHECK_STR(seen, wanted);
}

static void overwritten_shell(void) {
  EACH_WAY_BESIDE(way) apart(check_overwritten_shell, way, NULL);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"started", started},
      {"the library's choice", chosen},
      {"ways that suspend the caller are refused", ways_that_suspend},
      {"failed", failed},
      {"known when readable", known_when_readable},
      {"in between", in_between},
      {"nothing to finish", not_pending},
      {"cancelled", cancelled},
      {"closed before the end", closed},
      {"closed before the end, many", closed_many},
      {"attr is overwritten", overwritten},
      {"attr is overwritten, and the shell runs it", overwritten_shell},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
