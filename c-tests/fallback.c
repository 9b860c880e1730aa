/* SPDX-License-Identifier: BSD-3-Clause */
/* What an old kernel lacks or a sandbox forbids: each has its fallback, which is really taken, is
 * remembered if it is to be, and gives the same results. */
#include "test.h"

#include "filter.h"

#include <dirent.h>
#include <time.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static char *const missing[] = {(char *)"/nonexistent", NULL};
static char *const quits[] = {(char *)"true", NULL};
static char *const sleeps[] = {(char *)"sleep", (char *)"20", NULL};

static fe_attr fails_at_exec(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = missing;
  return attr;
}

static fe_attr runs(char *const *argv) {
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.path = argv == quits ? "/bin/true" : "/bin/sleep";
  return attr;
}

/* One that succeeds and two that fail. */
static void check_spawns(unsigned way) {
  fe_attr attr = runs(quits);
  spawn_exits(&attr, way, 0);
  attr = fails_at_exec();
  spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  attr.dir = "/nonexistent";
  spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
}

/* Each part with each of these, and each way. */
static void with_each(void (*part)(unsigned, const void *), const int *errnums, size_t count) {
  for (size_t i = 0; i < count; i++) {
    EACH_WAY(way) apart(part, way, &errnums[i]);
  }
}
#define WITH_EACH(part, ...)                                                                       \
  do {                                                                                             \
    static const int errnums_[] = {__VA_ARGS__};                                                   \
    with_each(part, errnums_, sizeof errnums_ / sizeof *errnums_);                                 \
  } while (0)

/* ---- clone3 ---- */

static void no_clone3(unsigned way, const void *errnum) {
  refuse(SYS_clone3, *(const int *)errnum);
  check_spawns(way);
  /* Remembered: it would be the caller that is killed. */
  refuse(SYS_clone3, KILL);
  check_spawns(way);
  fe_attr attr = runs(quits);
  attr.flags = FE_PIDFD;
  spawn_exits(&attr, way, 0);
}

static void clone3_refused(void) { WITH_EACH(no_clone3, ENOSYS, EPERM, EINVAL, E2BIG); }

static void asked_once(unsigned way, const void *unused) {
  static struct watcher watcher = {NULL, ENOSYS, 0, -1};
  (void)unused;
  watch_if(&watcher, SYS_clone3, 0, 0, 0);
  for (int i = 0; i < 3; i++) check_spawns(way);
  CHECK_INT(watcher.calls, 1);
}

static void clone3_is_tried_once(void) {
  need(HAS_CLONE3);
  EACH_WAY(way) apart(asked_once, way, NULL);
}

static void not_for_want_of_a_child(unsigned way, const void *unused) {
  static struct watcher watcher = {NULL, ENOMEM, 0, -1};
  (void)unused;
  watch_if(&watcher, SYS_clone3, 0, 0, 0);
  fe_attr attr = fails_at_exec();
  spawn_fails(&attr, way, ENOMEM, FE_STEP_CLONE, -1);
  watcher.errnum = EAGAIN;
  spawn_fails(&attr, way, EAGAIN, FE_STEP_CLONE, -1);
  watcher.errnum = 0;
  check_spawns(way);
  CHECK_INT(watcher.calls, 5);
}

static void clone3_short_of_memory(void) {
  need(HAS_CLONE3);
  EACH_WAY(way) apart(not_for_want_of_a_child, way, NULL);
}

static void new_time(unsigned way, const void *unused) {
  (void)unused;
  fe_attr attr = runs(quits);
  attr.cloneflags = CLONE_NEWTIME;
  spawn_exits(&attr, way, 0);
  refuse(SYS_clone3, ENOSYS);
  /* Not known yet, and known. */
  spawn_fails(&attr, way, ENOSYS, FE_STEP_CLONE, -1);
  check_spawns(way);
  spawn_fails(&attr, way, ENOSYS, FE_STEP_CLONE, -1);
}

static void new_time_namespace(void) {
  need(HAS_ANY_CLONE3 | HAS_NAMESPACES | HAS_TIME_NAMESPACES);
  need_root();
  EACH_WAY_BUT_SHARED(way) apart(new_time, way, NULL);
}

/* ---- flags of clone ---- */

static const struct {
  uint32_t flag;
  int errnum;
  unsigned taken;
} flags[] = {
    {CLONE_VM, EPERM, FE_WAY_COPY},     {CLONE_VM, EINVAL, FE_WAY_COPY},
    {CLONE_VM, ENOSYS, FE_WAY_COPY},    {CLONE_VFORK, EPERM, FE_WAY_PIPED},
    {CLONE_VFORK, EINVAL, FE_WAY_PIPED}, {CLONE_VFORK, ENOSYS, FE_WAY_PIPED},
};

static void no_flag(unsigned way, const void *which) {
  static struct watcher watcher = {NULL, 0, 0, -1};
  size_t i = *(const size_t *)which;
  refuse(SYS_clone3, ENOSYS);
  watcher.errnum = flags[i].errnum;
  watch_if(&watcher, SYS_clone, 0, flags[i].flag, flags[i].flag);
  fe_attr attr = fails_at_exec();
  if (way != FE_WAY_AUTO) {
    /* A way that is forced has no other. */
    if (way < flags[i].taken)
      spawn_fails(&attr, way, flags[i].errnum, FE_STEP_CLONE, -1);
    else
      check_spawns(way);
    return;
  }
  fe_child child;
  fe_error error;
  CHECK_INT(fe_spawn(&attr, &child, &error), -1);
  CHECK_INT(error.errnum, ENOENT);
  CHECK_INT(error.step, FE_STEP_EXEC);
  CHECK_INT(error.way, flags[i].taken);
  int once = watcher.calls;
  CHECK_INT(once, flags[i].taken == FE_WAY_PIPED ? 2 : 1);
  attr = runs(quits);
  auto_takes(&attr, flags[i].taken);
  auto_takes(&attr, flags[i].taken);
  CHECK_INT(watcher.calls, flags[i].errnum == EPERM ? 3 * once : once);
  /* When it was for want of a privilege it may go another time. */
  watcher.errnum = 0;
  auto_takes(&attr, flags[i].errnum == EPERM ? FE_WAY_SHARED : flags[i].taken);
}

static void clone_flags_refused(void) {
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    apart(no_flag, FE_WAY_AUTO, &i);
    EACH_WAY(way) apart(no_flag, way, &i);
  }
}

static void no_privilege(void) {
  need_root();
  become_unprivileged();
  fe_attr attr = runs(quits);
  attr.cloneflags = CLONE_NEWNET;
  spawn_fails(&attr, FE_WAY_AUTO, EPERM, FE_STEP_CLONE, -1);
  EACH_WAY(way) spawn_fails(&attr, way, EPERM, FE_STEP_CLONE, -1);
  attr.cloneflags = 0;
  auto_takes(&attr, FE_WAY_SHARED);
}

/* Only a child like fork's may be made, and not now. */
static void shortage(unsigned unused, const void *with) {
  static struct watcher watcher = {NULL, EINVAL, 0, -1};
  const int *errnum = with;
  (void)unused;
  fe_attr attr = runs(quits);
  refuse(SYS_clone3, ENOSYS);
  watch_if(&watcher, SYS_clone, 0, 0xff, 0);
  if (*errnum == EMFILE) refuse(SYS_pipe2, EMFILE);
  else refuse_if(SYS_clone, *errnum, 0, 0xff, SIGCHLD);
  for (int i = 0; i < 2; i++)
    spawn_fails(&attr, FE_WAY_AUTO, *errnum, *errnum == EMFILE ? FE_STEP_PIPE : FE_STEP_CLONE, -1);
  /* Nothing was learned of a way that has not made a child. */
  watcher.errnum = 0;
  auto_takes(&attr, FE_WAY_SHARED);
}

static void shortage_behind_a_refusal(void) {
  static const int errnums[] = {EAGAIN, ENOMEM, EMFILE};
  for (int i = 0; i < 3; i++) apart(shortage, FE_WAY_AUTO, &errnums[i]);
}

/* ---- close_range ---- */

static void limit_files(rlim_t soft, rlim_t hard) {
  struct rlimit limit = {soft, hard};
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* How many descriptors a child has. It is traced: it stands still, and whatever its limits and its root
 * are, here they can be seen. */
static int descriptors(fe_attr *attr, unsigned way) {
  fe_child child;
  char path[40];
  int status, count = 0;
  attr->flags |= FE_PTRACE;
  if (!spawn(attr, way, &child)) return -1;
  snprintf(path, sizeof path, "/proc/%d/fd", (int)child.pid);
  DIR *list = opendir(path);
  NEED(list != NULL);
  while (readdir(list)) count++;
  closedir(list);
  CHECK_INT(fe_kill(&child, SIGKILL), 0);
  do {
    if (!CHECK_INT(fe_wait(&child, -1, &status), 0)) break;
  } while (!WIFSIGNALED(status));
  return count - 2;
}

static void open_many(void) {
  only(3);
  for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
  for (int fd = 5; fd < 700; fd += 5) open_at(fd, false);
}

static void check_closed(fe_attr *attr, unsigned way) {
  static const int files[] = {2, 1, 0, -1, 600};
  attr->flags = FE_CLOSE_OTHERS;
  attr->files = NULL;
  attr->nfiles = 0;
  CHECK_INT(descriptors(attr, way), 3);
  attr->files = files;
  attr->nfiles = 5;
  CHECK_INT(descriptors(attr, way), 4);
  fe_attr bad = fails_at_exec();
  bad.flags = FE_CLOSE_OTHERS;
  spawn_fails(&bad, way, ENOENT, FE_STEP_EXEC, -1);
}

static void no_close_range(unsigned way, const void *errnum) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = probe_path();
  attr.argv = quits;
  open_many();
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);
  check_closed(&attr, way);
  limit_files(64, 2048); /* most lie beyond a limit that was lowered */
  check_closed(&attr, way);
  /* And beyond a hard one: only /proc can tell. The piped way's pipe needs a number below. */
  limit_files(64, 100);
  check_closed(&attr, way);
}

static void no_close_range_nor_proc(unsigned way, const void *errnum) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/probe";
  attr.argv = quits;
  open_many();
  refuse(SYS_close_range, *(const int *)errnum);
  attr.chroot = scratch();
  limit_files(64, 2048);
  check_closed(&attr, way);
}

static void close_range_refused(void) { WITH_EACH(no_close_range, 0, ENOSYS, EPERM, EINVAL); }

static void close_range_refused_without_proc(void) {
  need_root();
  install_probe(scratch_path("probe"));
  WITH_EACH(no_close_range_nor_proc, ENOSYS, EPERM);
  /* One of that name that is a plain directory lists nothing of the child's. */
  NEED(mkdir(scratch_path("proc"), 0755) == 0 && mkdir(scratch_path("proc/self"), 0755) == 0 &&
       mkdir(scratch_path("proc/self/fd"), 0755) == 0);
  WITH_EACH(no_close_range_nor_proc, ENOSYS);
}

/* ---- waitid ---- */

static void no_waitid(unsigned way, const void *errnum) {
  refuse(SYS_waitid, *(const int *)errnum);
  check_spawns(way);
  fe_child child;
  for (int pidfd = 0; pidfd < 2; pidfd++) {
    fe_attr attr = runs(sleeps);
    attr.flags = pidfd ? FE_PIDFD : 0;
    int status = 0;
    if (!spawn(&attr, way, &child)) return;
    CHECK_INT(fe_wait(&child, 0, &status), -1);
    CHECK_INT(errno, ETIMEDOUT);
    CHECK_INT(fe_wait(&child, 30, &status), -1);
    CHECK_INT(errno, ETIMEDOUT);
    CHECK_INT(fe_kill(&child, 0), 0);
    CHECK_INT(fe_kill(&child, SIGTERM), 0);
    CHECK_INT(fe_wait(&child, pidfd ? 5000 : -1, &status), 0);
    CHECK_INT(status, SIGTERM);
    CHECK_INT(fe_kill(&child, 0), -1);
    CHECK_INT(errno, ESRCH);
    fe_child_close(&child);
  }
  check_no_child();
  refuse(SYS_execve, KILL);
  fe_attr attr = runs(quits);
  spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
  refuse(SYS_chdir, KILL);
  attr.dir = "/";
  spawn_killed(&attr, way, SIGSYS, FE_STEP_CHDIR, -1);
}

static void waitid_refused(void) { WITH_EACH(no_waitid, ENOSYS, EPERM); }

/* The child is dead and its pipe is not at an end: another process has it. */
static void hold_and_kill(pid_t pid) {
  int held[64], pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  for (int fd = 0; fd < 64; fd++) held[fd] = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
  kill(pid, SIGKILL);
  usleep(300000);
  for (int fd = 0; fd < 64; fd++) close(held[fd]);
  close(pidfd);
}

static void killed_without_waitid(unsigned way, const void *unused) {
  static struct watcher watcher = {hold_and_kill, 0, 0, -1};
  (void)unused;
  fe_attr attr = runs(quits);
  fe_child child;
  fe_error error;
  attr.way = way;
  refuse(SYS_waitid, ENOSYS);
  watch_if(&watcher, SYS_execve, 0, 0, 0);
  CHECK_INT(fe_spawn(&attr, &child, &error), -1);
  CHECK_STR(errno_name(error.errnum), "ECANCELED");
  CHECK_STR(fe_step_name(error.step), "exec");
  CHECK_INT(error.signal, SIGKILL);
  check_no_child();
}

static void dead_before_its_pipe(void) { apart(killed_without_waitid, FE_WAY_PIPED, NULL); }

/* ---- pidfds ---- */

/* As on a kernel before 5.3. A child without a pidfd must not even begin. */
/* Whoever refuses it: a kernel without pidfds would ignore the flag and run the program. */
static void no_pidfd(unsigned way, const void *errnum) {
  refuse(SYS_clone3, *(const int *)errnum);
  refuse(SYS_pidfd_open, *(const int *)errnum);
  fe_attr attr = runs(quits);
  attr.flags = FE_PIDFD;
  attr.dir = scratch();
  attr.path = "/bin/touch";
  attr.argv = (char *const[]){(char *)"touch", (char *)"started", NULL};
  spawn_fails(&attr, way, ENOSYS, FE_STEP_PIDFD, -1);
  spawn_fails(&attr, way, ENOSYS, FE_STEP_PIDFD, -1);
  CHECK(access(scratch_path("started"), F_OK) != 0);
  check_spawns(way);
}

static void pidfd_refused(void) { WITH_EACH(no_pidfd, ENOSYS, EPERM); }

static void no_pidfd_open(unsigned way, const void *errnum) {
  refuse(SYS_pidfd_open, *(const int *)errnum);
  fe_attr attr = runs(sleeps);
  fe_child child;
  int status = 0;
  struct timespec start, end;
  if (!spawn(&attr, way, &child)) return;
  clock_gettime(CLOCK_MONOTONIC, &start);
  CHECK_INT(fe_wait(&child, 50, &status), -1);
  CHECK_INT(errno, ETIMEDOUT);
  clock_gettime(CLOCK_MONOTONIC, &end);
  long took = (end.tv_sec - start.tv_sec) * 1000 + (end.tv_nsec - start.tv_nsec) / 1000000;
  CHECK(took >= 49 && took < 1000);
  CHECK_INT(fe_kill(&child, SIGTERM), 0);
  CHECK_INT(fe_wait(&child, 5000, &status), 0);
  CHECK_INT(status, SIGTERM);
}

static void pidfd_open_refused(void) { WITH_EACH(no_pidfd_open, ENOSYS, EPERM); }

static void no_pidfd_send_signal(unsigned way, const void *errnum) {
  refuse(SYS_pidfd_send_signal, *(const int *)errnum);
  fe_attr attr = runs(sleeps);
  fe_child child;
  int status = 0;
  attr.flags = FE_PIDFD;
  if (!spawn(&attr, way, &child)) return;
  CHECK_INT(fe_kill(&child, 0), 0);
  CHECK_INT(fe_kill(&child, SIGTERM), 0);
  kill(child.pid, SIGKILL);
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, SIGTERM);
  CHECK_INT(fe_kill(&child, SIGTERM), -1);
  CHECK_INT(errno, ESRCH);
  fe_child_close(&child);
}

static void pidfd_send_signal_refused(void) { WITH_EACH(no_pidfd_send_signal, ENOSYS, EPERM); }

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"clone3 refused", clone3_refused},
      {"clone3 is tried once", clone3_is_tried_once},
      {"clone3 short of memory is no refusal", clone3_short_of_memory},
      {"CLONE_NEWTIME without clone3", new_time_namespace},
      {"flags of clone refused", clone_flags_refused},
      {"a privilege that is missing is not remembered", no_privilege},
      {"a shortage behind a refusal is told", shortage_behind_a_refusal},
      {"close_range refused", close_range_refused},
      {"close_range refused, without /proc", close_range_refused_without_proc},
      {"waitid refused", waitid_refused},
      {"waitid refused, and dead before its pipe is", dead_before_its_pipe},
      {"pidfds refused", pidfd_refused},
      {"pidfd_open refused: fe_wait with a time-out", pidfd_open_refused},
      {"pidfd_send_signal refused", pidfd_send_signal_refused},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
