/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_kill_tree and FE_STOP_TREE: all that a child has brought about, and nobody else. By its cgroup:
 * tree_cgroup.c. */
#include "test.h"

#include "tree.h"

#include "filter.h"
#include "stranger.h"

#include <poll.h>
#include <sys/mount.h>

static const long refused_calls[] = {SYS_pidfd_open, SYS_pidfd_send_signal, SYS_pidfd_open};

static void by_sweep(unsigned flags, const void *number) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = flags;
  if (number) refuse(*(const long *)number, number == &refused_calls[2] ? EPERM : ENOSYS);
  kills_family(&attr, FE_TREE_SWEEP);
}

static void sweeps(void) {
  EACH_PIDFD(pidfd) by_sweep(pidfd, NULL);
  by_sweep(FE_SETSID, NULL);
  by_sweep(FE_SETPGID, NULL);
}

static void sweeps_without(void) {
  need(HAS_CLONE3);
  for (int i = 0; i < 3; i++) apart(by_sweep, FE_PIDFD, &refused_calls[i]);
}

/* Their parents have ended, and so has the child: its session is still its own. */
static void orphans(void) {
  need(HAS_SUBREAPER);
  static const char script[] = "(sleep 60 & (sleep 60 &)); exit 5";
  for (int subreaper = 0; subreaper < 2; subreaper++) {
    fe_attr attr = FE_ATTR_INIT;
    fe_child child;
    siginfo_t info;
    NEED(prctl(PR_SET_CHILD_SUBREAPER, subreaper) == 0);
    attr.flags = FE_SETSID;
    NEED(start_tree(&attr, script, &child));
    NEED(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT) == 0);
    until(2);
    check_tree(&child, SIGKILL, 0, FE_TREE_SWEEP);
    until(0);
    int status = 0;
    CHECK(fe_wait(&child, -1, &status) == 0 && status == 5 << 8);
    fe_child_close(&child);
    /* Without one nothing shows whose they are. */
    attr.flags = FE_SETPGID;
    NEED(start_tree(&attr, script, &child));
    NEED(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT) == 0);
    until(2);
    check_tree(&child, SIGKILL, 0, FE_TREE_SWEEP);
    CHECK_INT(alive(), 2);
    CHECK_INT(fe_kill_group(&child, SIGKILL), 0);
    until(0);
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    fe_child_close(&child);
    while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  }
}

/* It makes others while it is killed, as fast as it can: none slips away. */
static void growing(void) {
  static const char *const scripts[] = {
      "i=0; while [ $i -lt 1500 ]; do sleep 60 & i=$((i+1)); done; wait",
      "while :; do setsid sh -c 'sh -c \"sleep 0.05; :\"; :' & sleep 0.004; done",
  };
  for (int round = 0; round < 6; round++) {
    fe_attr attr = FE_ATTR_INIT;
    fe_child child;
    NEED(start_tree(&attr, scripts[round % 2], &child));
    while (alive() < 20) usleep(1000);
    check_tree(&child, SIGKILL, 0, FE_TREE_SWEEP);
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    until(0);
    /* Nor later. */
    usleep(50000);
    CHECK_INT(alive(), 0);
    fe_child_close(&child);
  }
}

static void nobody_else(void) {
  fe_attr plain = FE_ATTR_INIT, leader = FE_ATTR_INIT;
  fe_child before, child, in_its_group, after;
  NEED(start_tree(&plain, "exec sleep 60", &before));
  leader.flags = FE_SETPGID;
  NEED(start_tree(&leader, family, &child));
  until(FAMILY);
  char family_mark[sizeof mark];
  strcpy(family_mark, mark);
  leader.pgid = child.pid;
  NEED(start_tree(&leader, "sleep 60 & wait", &in_its_group));
  NEED(start_tree(&plain, "exec sleep 60", &after));
  check_tree(&child, SIGKILL, 0, FE_TREE_SWEEP);
  NEED(fe_wait(&child, -1, NULL) == 0);
  strcpy(mark, family_mark);
  until(0);
  CHECK(lives(&before) && lives(&in_its_group) && lives(&after));
  fe_child *others[] = {&before, &in_its_group, &after};
  for (int i = 0; i < 3; i++) {
    check_tree(others[i], SIGKILL, 0, FE_TREE_SWEEP);
    NEED(fe_wait(others[i], -1, NULL) == 0);
    fe_child_close(others[i]);
  }
  fe_child_close(&child);
  check_no_child();
}

static void a_pid_namespace(void) {
  need_root();
  fe_attr attr = FE_ATTR_INIT;
  attr.cloneflags = CLONE_NEWPID;
  EACH_PIDFD(pidfd) {
    attr.flags = pidfd;
    kills_family(&attr, FE_TREE_PIDNS);
  }
}

/* ---- without /proc ---- */

static void the_group_alone(void) {
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  NEED(start_tree(&attr, "exec sleep 60", &child));
  check_tree(&child, SIGKILL, ENOSYS, 0);
  check_tree(&child, SIGTERM, ENOSYS, 0);
  CHECK(lives(&child));
  CHECK_INT(fe_stop(&child, 0, 0, 0, NULL), 0);
  fe_child_close(&child);
  for (int kills = 0; kills < 2; kills++) {
    attr.flags = FE_SETPGID;
    NEED(start_tree(&attr, "sleep 60 & exec sleep 60", &child));
    int status = 0;
    check_tree(&child, kills ? SIGKILL : SIGTERM, 0, FE_TREE_GROUP);
    CHECK(fe_wait(&child, -1, &status) == 0 && status == (kills ? SIGKILL : SIGTERM));
    pid_t group = child.pid;
    fe_child_close(&child);
    for (int i = 0; i < 500 && kill(-group, 0) == 0; i++) {
      while (waitpid(-1, NULL, WNOHANG) > 0) continue;
      usleep(10000);
    }
    CHECK(kill(-group, 0) == -1 && errno == ESRCH);
  }
}

static void without_proc(unsigned unused, const void *how) {
  (void)unused;
  if (!how) {
    NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    NEED(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
    NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
    the_group_alone();
    return;
  }
  /* That of another pid namespace, where the same numbers are other processes. */
  NEED(unshare(CLONE_NEWPID) == 0);
  pid_t pid = fork();
  NEED(pid >= 0);
  if (pid == 0) {
    alarm(20);
    the_group_alone();
    exit(0);
  }
  reaped(pid, 0);
}

static void no_proc(void) {
  need(HAS_SUBREAPER | HAS_NAMESPACES);
  need_root();
  apart(without_proc, 0, NULL);
  apart(without_proc, 0, "another");
}

/* ---- fe_stop ---- */

/* The child ends at once; those that do not hear are remembered, and have their time. */
static void stopped_as_one(void) {
  EACH_PIDFD(pidfd) {
    fe_attr attr = FE_ATTR_INIT;
    fe_child child;
    int status = 0;
    attr.flags = pidfd;
    NEED(start_tree(&attr, family, &child));
    until(FAMILY);
    int64_t began = now_ns();
    CHECK_INT(fe_stop(&child, 0, 300, FE_STOP_TREE, &status), 0);
    CHECK(now_ns() - began >= INT64_C(300000000));
    CHECK_INT(status, SIGTERM);
    until(0);
    fe_child_close(&child);
    /* With time enough nobody is killed. */
    char script[600];
    const char *done = kept_path("done"), *ready = kept_path("ready");
    snprintf(script, sizeof script,
             "setsid sh -c 'trap \"sleep 0.3; : > %s; exit\" TERM; : > %s; while :; do sleep 0.01; done' & wait",
             done, ready);
    NEED(start_tree(&attr, script, &child));
    while (access(ready, F_OK) != 0) usleep(1000);
    began = now_ns();
    CHECK_INT(fe_stop(&child, 0, 20000, FE_STOP_TREE, &status), 0);
    CHECK(now_ns() - began < INT64_C(10000000000));
    CHECK_INT(status, SIGTERM);
    CHECK(access(done, F_OK) == 0);
    unlink(done);
    unlink(ready);
    until(0);
    fe_child_close(&child);
    NEED(start_tree(&attr, family, &child));
    until(FAMILY);
    CHECK_INT(fe_stop(&child, 0, 0, FE_STOP_TREE, &status), 0);
    CHECK_INT(status, SIGKILL);
    until(0);
    fe_child_close(&child);
  }
}

static fe_child stopped;

static void *stop_it(void *unused) {
  (void)unused;
  CHECK_INT(fe_stop(&stopped, 0, 1000, FE_STOP_TREE, NULL), 0);
  return NULL;
}

/* One of them ends in the time of grace, and somebody else gets its number. */
static void a_recycled_pid(void) {
  need(HAS_CLONE3);
  need_root();
  static const char deaf[] = "trap '' TERM; (while :; do sleep 0.01; done) & echo $! > %s; wait; "
                             "while :; do sleep 0.01; done";
  char script[300];
  const char *number = kept_path("number");
  snprintf(script, sizeof script, deaf, number);
  fe_attr attr = FE_ATTR_INIT;
  pthread_t thread;
  NEED(start_tree(&attr, script, &stopped));
  FILE *file = NULL;
  int pid = 0;
  while (!file || fscanf(file, "%d", &pid) != 1) {
    if (file) fclose(file);
    usleep(1000);
    file = fopen(number, "re");
  }
  fclose(file);
  NEED(pthread_create(&thread, NULL, stop_it, NULL) == 0);
  usleep(200000);
  NEED(kill(pid, SIGKILL) == 0);
  while (kill(pid, 0) == 0) usleep(1000); /* its parent sees to it */
  int end = stranger(pid);
  NEED(pthread_join(thread, NULL) == 0);
  struct pollfd entry = {end, POLLIN, 0};
  CHECK_INT(poll(&entry, 1, 50), 0);
  CHECK_INT(kill(pid, SIGKILL), 0);
  close(end);
  fe_child_close(&stopped);
  until(0);
}

static void misuse(void) {
  fe_child child, empty = FE_CHILD_INIT;
  fe_attr attr = FE_ATTR_INIT;
  int how = -77;
  CHECK(fe_kill_tree(NULL, SIGTERM, &how) == -1 && errno == EINVAL && how == 0);
  CHECK(fe_kill_tree(NULL, SIGTERM, NULL) == -1 && errno == EINVAL);
  check_tree(&empty, SIGTERM, ESRCH, 0);
  memset(&empty, 0, sizeof empty);
  check_tree(&empty, SIGKILL, ESRCH, 0);
  NEED(start_tree(&attr, "exec sleep 60", &child));
  check_tree(&child, -1, EINVAL, 0);
  check_tree(&child, 65, EINVAL, 0);
  CHECK(lives(&child));
  CHECK_INT(fe_kill_tree(&child, SIGKILL, NULL), 0);
  NEED(waitpid(child.pid, NULL, 0) == child.pid);
  check_tree(&child, SIGKILL, ESRCH, 0);
  fe_child_close(&child);
}

static void not_permitted(void) {
  need_root();
  fe_child child;
  fe_attr attr = FE_ATTR_INIT;
  NEED(start_tree(&attr, "sleep 2 & wait", &child));
  until(2);
  become_unprivileged();
  check_tree(&child, SIGTERM, EPERM, 0);
  check_tree(&child, SIGKILL, EPERM, 0);
  CHECK(lives(&child));
  int status = -1;
  CHECK(fe_stop(&child, 0, 100, FE_STOP_TREE, &status) == -1 && errno == EPERM);
  CHECK(fe_wait(&child, -1, &status) == 0 && status == 0);
  fe_child_close(&child);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"by a sweep", sweeps},
      {"by a sweep without pidfds", sweeps_without},
      {"orphans of its session", orphans},
      {"while it grows", growing},
      {"nobody else", nobody_else},
      {"a pid namespace", a_pid_namespace},
      {"without /proc", no_proc},
      {"stopped as one", stopped_as_one},
      {"a recycled pid", a_recycled_pid},
      {"misuse", misuse},
      {"not permitted", not_permitted},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
