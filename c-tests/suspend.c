/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_SUSPEND and fe_resume. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <pthread.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static fe_attr suspended(const char *script) {
  fe_attr attr = shell(script);
  attr.flags = FE_SUSPEND;
  return attr;
}

static const char *name_of(pid_t pid) {
  static char name[64];
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
  FILE *file = fopen(path, "re");
  NEED(file != NULL && fgets(name, sizeof name, file) != NULL);
  fclose(file);
  return name;
}

static int resume(fe_child *child, int timeout_ms, fe_error *error) {
  memset(error, 0xa5, sizeof *error);
  errno = 0;
  return fe_resume(child, timeout_ms, error);
}

static void check_not_there(fe_child *child) {
  check_no_child();
  CHECK(is_empty(child));
}

/* It has done all that it is to do, and has not execed; what is set from outside is then its. */
static void set_from_outside(void) {
  for (int pidfd = 0; pidfd < (world_has(HAS_PIDFD) ? 2 : 1); pidfd++) {
    char *before = snapshot();
    fe_attr attr = suspended("test \"$(ulimit -n)\" = 77 && test \"$(ulimit -c)\" = 0 && "
                         "test \"$(nice)\" = 7 && test \"$PWD\" = /tmp");
    fe_child child;
    fe_error error;
    int status;
    char own[64], path[64], dir[64] = "";
    attr.flags |= pidfd ? FE_PIDFD : 0;
    attr.dir = "/tmp";
    NEED(spawn(&attr, FE_WAY_PIPED, &child));
    snprintf(own, sizeof own, "%s", name_of(getpid()));
    CHECK_STR(name_of(child.pid), own);
    snprintf(path, sizeof path, "/proc/%d/cwd", (int)child.pid);
    CHECK(readlink(path, dir, sizeof dir - 1) > 0);
    CHECK_STR(dir, "/tmp");
    struct pollfd entry = {child.ready, POLLIN, 0};
    CHECK_INT(fcntl(child.ready, F_GETFD), FD_CLOEXEC);
    CHECK_INT(poll(&entry, 1, 30), 0);
    CHECK_INT(fe_wait(&child, 0, &status), -1);
    CHECK_STR(errno_name(errno), "EINPROGRESS");
    const struct rlimit files = {77, 77}, core = {0, 0};
    NEED(prlimit(child.pid, RLIMIT_NOFILE, &files, NULL) == 0);
    NEED(prlimit(child.pid, RLIMIT_CORE, &core, NULL) == 0);
    NEED(setpriority(PRIO_PROCESS, (id_t)child.pid, 7) == 0);
    CHECK_INT(resume(&child, -1, &error), 0);
    CHECK(is_clear(&error));
    CHECK_INT(child.ready, -1);
    CHECK_INT(child.pidfd >= 0, pidfd);
    /* Once is enough. */
    CHECK_INT(resume(&child, -1, &error), -1);
    CHECK(error.errnum == EINVAL && error.step == FE_STEP_ARGS);
    ends(&child, 0);
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
  }
}

/* What fails before it stands there is told at once, what fails later by fe_resume. */
static void failures(void) {
  fe_attr attr = suspended("exit");
  fe_child child;
  fe_error error;
  attr.dir = "/nonexistent";
  spawn_fails(&attr, FE_WAY_PIPED, ENOENT, FE_STEP_CHDIR, -1);
  attr.dir = NULL;
  attr.path = "/nonexistent";
  char *before = snapshot();
  NEED(spawn(&attr, FE_WAY_PIPED, &child));
  int result = resume(&child, -1, &error), saved = errno;
  check_failed(result, saved, &child, &error, ENOENT, FE_STEP_EXEC, -1, 0);
  CHECK_INT(error.way, FE_WAY_PIPED);
  check_no_child();
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void killed_while_it_stands(void) {
  static const int signals[] = {SIGKILL, SIGTERM};
  for (int i = 0; i < 2; i++) {
    fe_attr attr = suspended("exit");
    fe_child child;
    fe_error error;
    NEED(spawn(&attr, FE_WAY_PIPED, &child));
    CHECK_INT(fe_kill(&child, signals[i]), 0);
    struct pollfd entry = {child.ready, POLLIN, 0};
    /* It notices the first at once, the other when its signals are unblocked. */
    CHECK_INT(poll(&entry, 1, i == 0 ? 20000 : 50), i == 0);
    int result = resume(&child, -1, &error), saved = errno;
    int step = i == 0 ? FE_STEP_SUSPEND : FE_STEP_SIGMASK;
    check_failed(result, saved, &child, &error, ECANCELED, step, -1, signals[i]);
    check_not_there(&child);
  }
}

/* Before it stands there, in an action that waits. */
static void killed_on_its_way(void) {
  const char *fifo = new_fifo();
  fe_attr attr = suspended("exit");
  GIVE(&attr, act, FE_OPEN(5, fifo, O_RDONLY, 0));
  attr.timeout_ms = 200;
  spawn_fails(&attr, FE_WAY_PIPED, ETIMEDOUT, FE_STEP_ACTION_OPEN, 0);
}

static void time_does_not_count(void) {
  fe_attr attr = suspended("exit 3");
  fe_child child;
  fe_error error;
  attr.timeout_ms = 2000;
  NEED(spawn(&attr, FE_WAY_PIPED, &child));
  usleep(2300000);
  /* So that it has not execed before anybody looks at the time. */
  CHECK_INT(fe_kill(&child, SIGSTOP), 0);
  pid_t other = fork_apart();
  if (other == 0) {
    usleep(300000);
    _exit(kill(child.pid, SIGCONT) == 0 ? 0 : 1);
  }
  CHECK_INT(resume(&child, -1, &error), 0);
  reaped(other, 0);
  ends(&child, 3);
}

/* Afterwards fe_spawn_finish is as with FE_ASYNC; before, it is a mistake. */
static void without_waiting(void) {
  fe_attr attr = suspended("exit 4");
  fe_child child;
  fe_error error;
  NEED(spawn(&attr, FE_WAY_PIPED, &child));
  CHECK_INT(fe_spawn_finish(&child, -1, &error), -1);
  CHECK(errno == EINVAL && error.step == FE_STEP_ARGS);
  CHECK_INT(resume(&child, -2, &error), -1);
  CHECK(errno == EINVAL);
  if (resume(&child, 0, &error) != 0) {
    CHECK_INT(error.errnum, EINPROGRESS);
    CHECK_INT(resume(&child, 0, &error), -1);
    CHECK_INT(error.errnum, EINVAL);
    struct pollfd entry = {child.ready, POLLIN, 0};
    CHECK_INT(poll(&entry, 1, 20000), 1);
    CHECK_INT(fe_spawn_finish(&child, -1, &error), 0);
  }
  ends(&child, 4);
  /* With others: NULL, empty, not suspended. */
  CHECK_INT(fe_resume(NULL, -1, &error), -1);
  CHECK(errno == EINVAL && error.errnum == EINVAL);
  CHECK_INT(resume(&child, -1, &error), -1);
  CHECK(errno == EINVAL);
  attr.flags = 0;
  NEED(start(&attr, FE_WAY_PIPED, &child));
  CHECK_INT(resume(&child, -1, &error), -1);
  CHECK(errno == EINVAL);
  CHECK(finishes(&child));
  ends(&child, 4);
}

static void closed(void) {
  fe_attr attr = suspended("touch ran");
  attr.dir = scratch();
  fe_child child;
  char *before = snapshot();
  NEED(spawn(&attr, FE_WAY_PIPED, &child));
  fe_child_close(&child);
  check_not_there(&child);
  char *after = snapshot();
  CHECK_STR(after, before);
  CHECK(access(scratch_path("ran"), F_OK) != 0);
  free(before);
  free(after);
}

/* A process that was forked meanwhile has a copy, which neither lets it go nor kills it. */
static void a_copy_of_it(void) {
  fe_attr attr = suspended("exit 5");
  fe_child child;
  if (world_has(HAS_PIDFD)) attr.flags |= FE_PIDFD;
  fe_error error;
  NEED(spawn(&attr, FE_WAY_PIPED, &child));
  pid_t pid = fork_apart();
  if (pid == 0) {
    bool good = resume(&child, 0, &error) == -1 && errno == ECHILD;
    _exit(good ? 0 : 1);
  }
  reaped(pid, 0);
  pid = fork_apart();
  if (pid == 0) {
    fe_child_close(&child);
    _exit(0);
  }
  reaped(pid, 0);
  CHECK_INT(waitpid(child.pid, NULL, WNOHANG), 0);
  struct pollfd entry = {child.ready, POLLIN, 0};
  CHECK_INT(poll(&entry, 1, 100), 0);
  CHECK_INT(resume(&child, -1, &error), 0);
  ends(&child, 5);
}

/* When the caller ends it ends, and its program never runs. */
static void the_caller_ends(void) {
  int to_read[2];
  /* The program would have it too. */
  NEED(pipe(to_read) == 0);
  pid_t pid = fork_apart();
  if (pid == 0) {
    fe_attr attr = suspended("touch ran");
    attr.dir = scratch();
    fe_child child;
    fe_error error;
    _exit(fe_spawn(&attr, &child, &error) == 0 ? 0 : 1);
  }
  close(to_read[1]);
  reaped(pid, 0);
  /* It has the pipe's end until then. */
  char byte;
  CHECK_INT(read(to_read[0], &byte, 1), 0);
  CHECK(access(scratch_path("ran"), F_OK) != 0);
}

/* The socket is out of the way of all that the child does to its descriptors, and not left to the program. */
static void descriptors(void) {
  only(8);
  static const int files[] = {7, 6, 5, 4, 3, 2, 1, 0, -1, 0, 1};
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SUSPEND | FE_CLOSE_OTHERS;
  attr.files = files;
  attr.nfiles = sizeof files / sizeof *files;
  GIVE(&attr, act, FE_DUP2(0, 20), FE_CLOSEFROM(9));
  fe_child child;
  fe_error error;
  NEED(probe_start(&attr, FE_WAY_PIPED, &child));
  CHECK_INT(resume(&child, -1, &error), 0);
  ends(&child, 0);
  char *seen = probe_report();
  for (int i = 0; i < 8; i++) {
    char key[20];
    snprintf(key, sizeof key, "fd.%d", i);
    CHECK_STR(value(seen, key), identity(7 - i));
  }
  CHECK_INT(number(seen, "fds"), 8);
  free(seen);
}

static void *suspends(void *argument) {
  int *failures = argument;
  for (int i = 0; i < 60; i++) {
    fe_attr attr = FE_ATTR_INIT;
    static char *argv[] = {(char *)"true", NULL};
    attr.path = "/bin/true";
    attr.argv = argv;
    attr.flags = FE_SUSPEND;
    fe_child child;
    fe_error error;
    int status = -1;
    if (fe_spawn(&attr, &child, &error) != 0 || fe_resume(&child, -1, &error) != 0 ||
        fe_wait(&child, -1, &status) != 0 || status != 0)
      ++*failures;
    fe_child_close(&child);
  }
  return NULL;
}

static void threads(void) {
  enum { THREADS = 6 };
  /* Once in a hundred runs a child stands in a lock of qemu's that another thread had at the fork. */
  if (world() == WORLD_QEMU) skip("a fork beside threads may hang in qemu-user itself");
  pthread_t thread[THREADS];
  int failures[THREADS] = {0};
  for (int i = 0; i < THREADS; i++)
    NEED(pthread_create(&thread[i], NULL, suspends, &failures[i]) == 0);
  for (int i = 0; i < THREADS; i++) {
    NEED(pthread_join(thread[i], NULL) == 0);
    CHECK_INT(failures[i], 0);
  }
}

static void other_ways_and_refusals(void) {
  fe_attr attr = suspended("exit");
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_STAGED; way++)
    if (way != FE_WAY_PIPED) spawn_fails(&attr, way, EINVAL, FE_STEP_ARGS, -1);
  attr.flags |= FE_ASYNC;
  spawn_fails(&attr, FE_WAY_PIPED, EINVAL, FE_STEP_ARGS, -1);
  attr.flags = FE_SUSPEND;
  fe_child child;
  NEED(fe_spawn(&attr, &child, NULL) == 0);
  CHECK_INT(child.way, FE_WAY_PIPED);
  fe_child_close(&child);
  refuse(SYS_socketpair, EMFILE);
  spawn_fails(&attr, FE_WAY_PIPED, EMFILE, FE_STEP_SUSPEND, -1);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"set from outside", set_from_outside},
      {"failures", failures},
      {"killed while it stands", killed_while_it_stands},
      {"killed on its way", killed_on_its_way},
      {"time does not count", time_does_not_count},
      {"without waiting", without_waiting},
      {"closed", closed},
      {"a copy of it", a_copy_of_it},
      {"the caller ends", the_caller_ends},
      {"descriptors", descriptors},
      {"threads", threads},
      {"other ways, and refusals", other_ways_and_refusals},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
