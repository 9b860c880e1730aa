/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done with a child: fe_wait, fe_kill, fe_child_close. Never to a process that is not it. */
#include "test.h"

#include "stranger.h"

#include <limits.h>
#include <poll.h>
#include <sys/time.h>
#include <time.h>

static char *const sleeps[] = {(char *)"sleep", (char *)"30", NULL};

/* Whether there is a pidfd, in each way. */
#define EACH_CHILD(way, flags)                                                                     \
  EACH_WAY(way)                                                                                    \
  for (unsigned flags = 0; flags <= FE_PIDFD; flags += FE_PIDFD)

static bool start(char *const *argv, const char *path, unsigned way, unsigned flags,
                  fe_child *child) {
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.path = path;
  attr.flags = flags;
  return spawn(&attr, way, child);
}

static bool start_sleep(unsigned way, unsigned flags, fe_child *child) {
  return start(sleeps, "/bin/sleep", way, flags, child);
}

static bool start_shell(const char *script, unsigned way, unsigned flags, fe_child *child) {
  char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
  return start(argv, "/bin/sh", way, flags, child);
}

static void check_wait(fe_child *child, int timeout, int errnum, int wanted) {
  int status = -77;
  errno = 0;
  CHECK_INT(fe_wait(child, timeout, &status), errnum ? -1 : 0);
  CHECK_STR(errno_name(errno), errno_name(errnum));
  CHECK_INT(status, errnum ? -77 : wanted);
}

/* After somebody else's wait: by its pidfd the status can be had once. */
static void check_lost(fe_child *child, int timeout, int wanted) {
  if (child->pidfd >= 0 && kernel_remembers()) check_wait(child, timeout, 0, wanted);
  check_wait(child, timeout, ECHILD, 0);
}

static void check_kill(fe_child *child, int sig, int errnum) {
  errno = 0;
  CHECK_INT(fe_kill(child, sig), errnum ? -1 : 0);
  CHECK_STR(errno_name(errno), errno_name(errnum));
}

static void end(fe_child *child) {
  check_kill(child, SIGKILL, 0);
  check_wait(child, -1, 0, SIGKILL);
  check_wait(child, -1, ECHILD, 0);
  fe_child_close(child);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Until it is a zombie. */
static void until_dead(fe_child *child) {
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) == 0);
}

/* ---- fe_wait ---- */

static void statuses(void) {
  EACH_CHILD(way, flags) {
    fe_child child;
    for (int timeout = -1; timeout < 10000; timeout += 5000) {
      if (!start_shell("exit 255", way, flags, &child)) return;
      check_wait(&child, timeout, 0, 255 << 8);
      check_wait(&child, timeout, ECHILD, 0);
      fe_child_close(&child);
      if (!start_shell("kill -TERM $$", way, flags, &child)) return;
      check_wait(&child, timeout, 0, SIGTERM);
      fe_child_close(&child);
    }
    /* A core: in a directory that goes away. */
    NEED(chdir(scratch()) == 0);
    if (!start_shell("ulimit -c unlimited; kill -SEGV $$", way, flags, &child)) return;
    int status = 0;
    CHECK_INT(fe_wait(&child, -1, &status), 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    fe_child_close(&child);
    /* The same with what wait(2) says. */
    if (!start_shell("ulimit -c unlimited; kill -SEGV $$", way, flags, &child)) return;
    int same = 0;
    CHECK_INT(waitpid(child.pid, &same, 0), child.pid);
    CHECK_INT(status, same);
    check_lost(&child, -1, same);
    fe_child_close(&child);
    if (!start_shell("exit 3", way, flags, &child)) return;
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    fe_child_close(&child);
    check_no_child();
  }
}

static void time_outs(void) {
  EACH_CHILD(way, flags) {
    fe_child child;
    if (!start_sleep(way, flags, &child)) return;
    double start = now();
    check_wait(&child, 0, ETIMEDOUT, 0);
    CHECK(now() - start < 1);
    start = now();
    check_wait(&child, 100, ETIMEDOUT, 0);
    CHECK(now() - start >= 0.099);
    CHECK(now() - start < 5);
    /* A stop is not the end. */
    check_kill(&child, SIGSTOP, 0);
    check_wait(&child, 50, ETIMEDOUT, 0);
    end(&child);
    if (!start_shell("sleep 0.1; exit 7", way, flags, &child)) return;
    start = now();
    check_wait(&child, INT_MAX, 0, 7 << 8);
    CHECK(now() - start < 10);
    fe_child_close(&child);
    if (!start_sleep(way, flags, &child)) return;
    check_kill(&child, SIGKILL, 0);
    until_dead(&child);
    check_wait(&child, 0, 0, SIGKILL);
    fe_child_close(&child);
  }
}

static void no_such_child(void) {
  int status;
  CHECK_INT(fe_wait(NULL, 0, &status), -1);
  CHECK_INT(errno, EINVAL);
  EACH_CHILD(way, flags) {
    fe_child child, zeroed, empty = FE_CHILD_INIT;
    memset(&zeroed, 0, sizeof zeroed);
    for (int timeout = -1; timeout < 100; timeout += 50) {
      check_wait(&zeroed, timeout, ECHILD, 0);
      check_wait(&empty, timeout, ECHILD, 0);
    }
    if (!start_sleep(way, flags, &child)) return;
    check_wait(&child, -2, EINVAL, 0);
    check_wait(&child, INT_MIN, EINVAL, 0);
    check_kill(&child, SIGKILL, 0);
    /* Somebody else's wait. */
    CHECK_INT(waitpid(-1, &status, 0), child.pid);
    check_kill(&child, SIGTERM, ESRCH);
    check_lost(&child, 50, SIGKILL);
    for (int timeout = -1; timeout < 100; timeout += 50) check_wait(&child, timeout, ECHILD, 0);
    check_kill(&child, SIGTERM, ESRCH);
    fe_child_close(&child);

    if (!start_sleep(way, flags, &child)) return;
    signal(SIGCHLD, SIG_IGN);
    check_kill(&child, SIGKILL, 0);
    check_lost(&child, flags ? 5000 : -1, SIGKILL);
    check_kill(&child, SIGTERM, ESRCH);
    signal(SIGCHLD, SIG_DFL);
    fe_child_close(&child);
  }
}

static volatile sig_atomic_t alarms;
static void on_alarm(int sig) {
  (void)sig;
  alarms++;
}

static void never_eintr(void) {
  alarm(0); /* of the harness: it is the same timer */
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  EACH_CHILD(way, flags) {
    static const struct itimerval storm = {{0, 200}, {0, 200}}, none;
    fe_child child;
    NEED(setitimer(ITIMER_REAL, &storm, NULL) == 0);
    bool good = start_sleep(way, flags, &child);
    double start = now();
    if (good) check_wait(&child, 200, ETIMEDOUT, 0);
    CHECK(now() - start >= 0.199);
    if (good) end(&child);
    fe_attr attr = FE_ATTR_INIT;
    char *const missing[] = {(char *)"/nonexistent", NULL};
    attr.argv = missing;
    for (int i = 0; i < 20; i++) spawn_fails_fast(&attr, way, ENOENT, FE_STEP_EXEC);
    if (start_shell("sleep 0.2; exit 9", way, flags, &child)) check_wait(&child, -1, 0, 9 << 8);
    fe_child_close(&child);
    NEED(setitimer(ITIMER_REAL, &none, NULL) == 0);
    CHECK(alarms > 100);
    alarms = 0;
  }
}

/* ---- fe_kill ---- */

static void kills(void) {
  EACH_CHILD(way, flags) {
    fe_child child;
    if (!start_sleep(way, flags, &child)) return;
    check_kill(&child, 0, 0);
    check_kill(&child, -1, EINVAL);
    check_kill(&child, 65, EINVAL);
    check_kill(&child, INT_MAX, EINVAL);
    check_kill(&child, INT_MIN, EINVAL);
    check_kill(&child, SIGUSR1, 0);
    until_dead(&child);
    /* A zombie takes any signal. */
    check_kill(&child, 0, 0);
    check_kill(&child, SIGTERM, 0);
    check_wait(&child, -1, 0, SIGUSR1);
    check_kill(&child, 0, ESRCH);
    check_kill(&child, SIGTERM, ESRCH);
    fe_child_close(&child);
    check_kill(&child, SIGTERM, ESRCH);
  }
}

/* Neither the group nor, as kill(-1) would, all of the user's. */
static void never_the_group(void) {
  need_root();
  become_unprivileged(); /* a wrong kill(-1) must not end the machine */
  NEED(setpgid(0, 0) == 0);
  pid_t canary = fork_apart();
  NEED(canary >= 0);
  if (canary == 0) {
    alarm(20);
    for (;;) pause();
  }
  CHECK_INT(fe_kill(NULL, SIGTERM), -1);
  CHECK_INT(errno, EINVAL);
  fe_child child = FE_CHILD_INIT;
  check_kill(&child, SIGTERM, ESRCH);
  memset(&child, 0, sizeof child);
  check_kill(&child, SIGTERM, ESRCH);
  EACH_CHILD(way, flags) {
    fe_attr attr = FE_ATTR_INIT;
    char *const missing[] = {(char *)"/nonexistent", NULL};
    attr.argv = missing;
    attr.way = way;
    attr.flags = flags;
    CHECK_INT(fe_spawn(&attr, &child, NULL), -1);
    check_kill(&child, SIGTERM, ESRCH);
    if (!start_sleep(way, flags, &child)) return;
    fe_child copy = child;
    end(&child);
    check_kill(&child, SIGTERM, ESRCH);
    /* A copy that has not heard of it; its pidfd is closed, and the number may be another's. */
    if (!flags) check_kill(&copy, SIGTERM, ESRCH);
  }
  CHECK_INT(waitpid(canary, NULL, WNOHANG), 0);
  CHECK_INT(kill(canary, SIGKILL), 0);
  CHECK_INT(waitpid(canary, NULL, 0), canary);
}

static void reaped_by_another(void) {
  EACH_CHILD(way, flags) {
    fe_child child;
    int status;
    if (!start_sleep(way, flags, &child)) return;
    check_kill(&child, SIGKILL, 0);
    CHECK_INT(waitpid(-1, &status, 0), child.pid);
    check_kill(&child, 0, ESRCH);
    check_kill(&child, SIGTERM, ESRCH);
    check_kill(&child, SIGTERM, ESRCH);
    check_lost(&child, 100, SIGKILL);
    fe_child_close(&child);
  }
}

static void a_recycled_pid(void) {
  need(HAS_ANY_CLONE3);
  need_root();
  if (world() != WORLD_KERNEL) skip("the emulator has no clone3");
  EACH_CHILD(way, flags) {
    fe_child child;
    if (!start_sleep(way, flags, &child)) return;
    check_kill(&child, SIGKILL, 0);
    CHECK_INT(waitpid(child.pid, NULL, 0), child.pid);
    struct pollfd entry = {stranger(child.pid), POLLIN, 0};
    check_kill(&child, 0, ESRCH);
    check_kill(&child, SIGKILL, ESRCH);
    check_lost(&child, -1, SIGKILL);
    CHECK_INT(poll(&entry, 1, 50), 0);
    CHECK_INT(kill(child.pid, SIGKILL), 0);
    close(entry.fd);
    fe_child_close(&child);
  }
}

/* ---- fe_child_close ---- */

static void closes(void) {
  fe_child_close(NULL);
  only(3);
  fe_child child, empty = FE_CHILD_INIT;
  memset(&child, 0, sizeof child);
  fe_child_close(&child);
  CHECK(memcmp(&child, &empty, sizeof empty) == 0);
  fe_child_close(&child);
  CHECK(fcntl(0, F_GETFD) >= 0);
  EACH_CHILD(way, flags) {
    char *before = snapshot();
    if (!start_sleep(way, flags, &child)) return;
    pid_t pid = child.pid;
    int pidfd = child.pidfd;
    if (flags) CHECK_INT(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    fe_child_close(&child);
    CHECK(memcmp(&child, &empty, sizeof empty) == 0);
    /* Now another's number: a second close must leave it alone. */
    open_at(3, true);
    fe_child_close(&child);
    CHECK(fcntl(3, F_GETFD) >= 0);
    close(3);
    char *after = snapshot();
    CHECK_STR(after, before);
    /* Neither killed nor reaped. */
    CHECK_INT(waitpid(pid, NULL, WNOHANG), 0);
    CHECK_INT(kill(pid, SIGKILL), 0);
    CHECK_INT(waitpid(pid, NULL, 0), pid);
    free(before);
    free(after);
  }
}

static void pidfd_is_not_inherited(void) {
  EACH_WAY(way) {
    only(3);
    fe_child child;
    if (!start_sleep(way, FE_PIDFD, &child)) return;
    CHECK_INT(fcntl(child.pidfd, F_GETFD), FD_CLOEXEC);
    int pidfd = child.pidfd;
    for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
    EACH_WAY(second) {
      fe_attr attr = FE_ATTR_INIT;
      char *seen = probe(&attr, second);
      CHECK_INT(number(seen, "fds"), 3);
      free(seen);
    }
    end(&child);
    CHECK(fcntl(pidfd, F_GETFD) < 0);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"wait statuses", statuses},
      {"time-outs", time_outs},
      {"no such child", no_such_child},
      {"never EINTR", never_eintr},
      {"signals", kills},
      {"never a group", never_the_group},
      {"waited for by another", reaped_by_another},
      {"a recycled pid", a_recycled_pid},
      {"close", closes},
      {"a pidfd is not inherited", pidfd_is_not_inherited},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
