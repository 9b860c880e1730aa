/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_wait_any, fe_wait_usage, and the status of a child that somebody else has waited for. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <limits.h>
#include <poll.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/time.h>

enum { MANY = 40 };

static fe_child children[MANY];
static fe_child *list[MANY];

/* In the places from `first` on. */
static void start_at(size_t first, size_t count, const char *script, unsigned flags) {
  for (size_t i = first; i < first + count; i++) {
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = argv;
    attr.path = "/bin/sh";
    attr.flags = flags;
    NEED(spawn(&attr, FE_WAY_SHARED, &children[i]));
    list[i] = &children[i];
  }
}

static void check_any(size_t n, int timeout, int errnum, size_t at, int wanted) {
  size_t index = 777;
  int status = -77;
  errno = 0;
  CHECK_INT(fe_wait_any(list, n, timeout, &index, &status), errnum ? -1 : 0);
  CHECK_STR(errno_name(errno), errno_name(errnum));
  CHECK_INT(index, at);
  CHECK_INT(status, errnum ? -77 : wanted);
}

static void until_dead(const fe_child *child) {
  siginfo_t info;
  NEED(waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOWAIT) == 0);
}

static void end_one(size_t i) {
  NEED(fe_kill(&children[i], SIGKILL) == 0 && fe_wait(&children[i], -1, NULL) == 0);
  fe_child_close(&children[i]);
}

static int open_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 2048; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

/* The rest of `n` ends, and is told in the order of the list; then there is none left. */
static void end_all(size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (!list[i] || fe_kill(list[i], SIGKILL) != 0) continue;
    until_dead(list[i]);
  }
  for (size_t i = 0; i < n; i++)
    if (list[i] && fe_kill(list[i], 0) == 0) check_any(n, -1, 0, i, SIGKILL);
  check_any(n, -1, ECHILD, n, 0);
  check_any(n, 100, ECHILD, n, 0);
  for (size_t i = 0; i < n; i++) fe_child_close(&children[i]);
  check_no_child();
}

static void the_first_that_ends(void) {
  int before = open_descriptors();
  EACH_PIDFD(flags) {
    for (int timeout = -1; timeout < 20000; timeout += 10000) {
      start_at(0, 4, "exec sleep 30", flags);
      /* One that has a pidfd among others that have none, and the other way round. */
      end_one(2);
      start_at(2, 1, "sleep 0.1; exit 4", !world_has(HAS_PIDFD) ? 0 : flags ^ (timeout > 0 ? FE_PIDFD : 0));
      check_any(4, timeout, 0, 2, 4 << 8);
      check_any(4, 0, ETIMEDOUT, 4, 0);
      end_all(4);
    }
  }
  CHECK_INT(open_descriptors(), before);
}

static void places_without_a_child(void) {
  static const fe_child empty = FE_CHILD_INIT;
  EACH_PIDFD(flags) {
    start_at(0, 5, "exec sleep 30", flags);
    end_one(0);
    fe_child zeroed, none = empty;
    memset(&zeroed, 0, sizeof zeroed);
    fe_child *first = list[1], *second = list[2];
    list[1] = NULL;
    list[2] = &none;
    list[3] = &zeroed;
    check_any(5, 50, ETIMEDOUT, 5, 0);
    CHECK(memcmp(&none, &empty, sizeof none) == 0);
    NEED(fe_kill(&children[4], SIGKILL) == 0);
    check_any(5, -1, 0, 4, SIGKILL);
    check_any(5, -1, ECHILD, 5, 0);
    check_any(0, -1, ECHILD, 0, 0);
    /* The same one twice. */
    list[0] = first, list[1] = second, list[2] = first;
    end_one(3);
    end_all(3);
    for (int i = 2; i < 5; i++) fe_child_close(&children[i]);
  }
}

static void misuse(void) {
  size_t index = 777;
  int status;
  start_at(0, 1, "exec sleep 30", 0);
  CHECK(fe_wait_any(NULL, 1, 0, &index, &status) == -1 && errno == EINVAL);
  CHECK(fe_wait_any(list, 1, 0, NULL, &status) == -1 && errno == EINVAL);
  CHECK(fe_wait_any(list, 1, -2, &index, &status) == -1 && errno == EINVAL);
  CHECK(fe_wait_any(list, 1, INT_MIN, &index, &status) == -1 && errno == EINVAL);
  CHECK(fe_wait_any(list, SIZE_MAX, 0, &index, &status) == -1 && errno == EINVAL);
  CHECK_INT(index, 777);
  CHECK(fe_wait_any(NULL, 0, -1, &index, NULL) == -1 && errno == ECHILD);
  CHECK_INT(index, 0);
  struct rusage usage;
  CHECK(fe_wait_usage(NULL, 0, &status, &usage) == -1 && errno == EINVAL);
  CHECK(fe_wait_usage(list[0], -2, &status, &usage) == -1 && errno == EINVAL);
  CHECK(fe_wait_usage(list[0], 0, NULL, NULL) == -1 && errno == ETIMEDOUT);
  /* One whose outcome is not known. */
  char *argv[] = {(char *)"sleep", (char *)"30", NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.path = "/bin/sleep";
  attr.flags = FE_ASYNC;
  list[1] = &children[1];
  NEED(spawn(&attr, FE_WAY_PIPED, list[1]));
  check_any(2, -1, EINPROGRESS, 1, 0);
  NEED(finishes(list[1]));
  end_all(2);
}

static volatile sig_atomic_t alarms;
static void on_alarm(int sig) {
  (void)sig;
  alarms++;
}

/* Not a moment early, nor late by a second, also under signals. */
static void time_outs(void) {
  alarm(0); /* of the harness: it is the same timer */
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  EACH_PIDFD(flags) {
    static const struct itimerval storm = {{0, 300}, {0, 300}}, none;
    start_at(0, 3, "exec sleep 30", flags);
    for (int with = 0; with < 2; with++) {
      if (with) NEED(setitimer(ITIMER_REAL, &storm, NULL) == 0);
      for (int timeout = 0; timeout <= 150; timeout += 30) {
        int64_t began = now_ns();
        check_any(3, timeout, ETIMEDOUT, 3, 0);
        int64_t took = now_ns() - began;
        CHECK(took >= timeout * (int64_t)1000000);
        CHECK(took < (timeout + 1000) * (int64_t)1000000);
      }
    }
    start_at(3, 1, "sleep 0.2; exit 6", flags);
    check_any(4, -1, 0, 3, 6 << 8);
    fe_child_close(&children[3]);
    NEED(setitimer(ITIMER_REAL, &none, NULL) == 0);
    CHECK(alarms > 100);
    alarms = 0;
    end_all(3);
  }
}

static void *reap_second(void *unused) {
  (void)unused;
  usleep(100000);
  NEED(kill(children[1].pid, SIGKILL) == 0);
  /* Unless the other is faster. */
  NEED(waitpid(children[1].pid, NULL, 0) == children[1].pid || errno == ECHILD);
  return NULL;
}

static void reaped_by_another_thread(void) {
  static const int timeouts[] = {-1, 0, 10000};
  EACH_PIDFD(flags) {
    bool told = flags && kernel_remembers();
    for (int i = 0; i < 3; i++) {
      pthread_t thread;
      start_at(0, 3, "exec sleep 30", flags);
      NEED(pthread_create(&thread, NULL, reap_second, NULL) == 0);
      if (timeouts[i] == 0) {
        NEED(pthread_join(thread, NULL) == 0);
        check_any(3, 0, told ? 0 : ECHILD, 1, SIGKILL);
      } else {
        size_t index = 777;
        int status = -77;
        int result = fe_wait_any(list, 3, timeouts[i], &index, &status);
        CHECK(result == 0 || (errno == ECHILD && !told));
        CHECK_INT(index, 1);
        if (result == 0) CHECK_INT(status, SIGKILL);
        NEED(pthread_join(thread, NULL) == 0);
      }
      errno = 0;
      CHECK(fe_kill(&children[1], SIGKILL) == -1 && errno == ESRCH);
      check_any(3, 0, ETIMEDOUT, 3, 0);
      end_all(3);
    }
  }
}

static void reap_all(int sig) {
  int saved = errno;
  (void)sig;
  while (waitpid(-1, NULL, WNOHANG) > 0) continue;
  errno = saved;
}

/* A program that reaps whatever ends: each child is told once, and nothing hangs. */
static void a_loop_of_the_programs_own(void) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = reap_all;
  EACH_PIDFD(flags) {
    bool told = flags && kernel_remembers(), seen[5] = {false};
    NEED(sigaction(SIGCHLD, &action, NULL) == 0);
    start_at(0, 5, "sleep 0.1; exit 6", flags);
    for (int i = 0; i < 5; i++) {
      size_t index = 777;
      int status = -77;
      errno = 0;
      int result = fe_wait_any(list, 5, -1, &index, &status);
      /* It may be faster than the handler. */
      CHECK(result == 0 || (!told && errno == ECHILD));
      if (result == 0) CHECK_INT(status, 6 << 8);
      if (CHECK(index < 5)) CHECK(!seen[index]), seen[index] = true;
    }
    check_any(5, -1, ECHILD, 5, 0);
    NEED(signal(SIGCHLD, SIG_DFL) != SIG_ERR);
    for (int i = 0; i < 5; i++) fe_child_close(&children[i]);
  }
}

/* Nobody is kept for the wait; the kernel may still know, but not by a request that a filter refuses. */
static void sigchld_ignored(void) {
  bool remembers = kernel_remembers();
  if (!remembers) note("skipped: the status by PIDFD_GET_INFO (Linux 6.15)");
  NEED(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
  for (int round = 0; round < 8; round++) {
    if (round == 6) refuse_if(SYS_ioctl, ENOTTY, 1, UINT32_MAX, 0xc040ff0b);
    bool pidfd = round % 2, told = pidfd && remembers && round < 6;
    int status = -77, timeout = round % 3 == 0 ? -1 : 5000;
    struct rusage usage;
    memset(&usage, 0xa5, sizeof usage);
    start_at(0, 1, round % 4 == 3 ? "kill -9 $$" : "exit 9", pidfd ? FE_PIDFD : 0);
    int wanted = round % 4 == 3 ? SIGKILL : 9 << 8;
    errno = 0;
    CHECK_INT(fe_wait_usage(&children[0], timeout, &status, &usage), told ? 0 : -1);
    CHECK_STR(errno_name(errno), told ? "0" : "ECHILD");
    CHECK_INT(status, told ? wanted : -77);
    if (told) CHECK(usage.ru_utime.tv_sec == 0 && usage.ru_maxrss == 0);
    CHECK(fe_wait(&children[0], -1, &status) == -1 && errno == ECHILD);
    fe_child_close(&children[0]);
  }
}

static const char busy[] = "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; exit 3";

static void check_usage(unsigned flags) {
  struct rusage usage;
  int status = -77;
  memset(&usage, 0xa5, sizeof usage);
  start_at(0, 1, busy, flags);
  CHECK_INT(fe_wait_usage(&children[0], -1, &status, &usage), 0);
  CHECK_INT(status, 3 << 8);
  CHECK(usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec + usage.ru_stime.tv_usec > 1000);
  CHECK(usage.ru_maxrss > 100 && usage.ru_maxrss < 1 << 20);
  CHECK(fe_wait_usage(&children[0], -1, &status, &usage) == -1 && errno == ECHILD);
  fe_child_close(&children[0]);
}

static void usages(void) {
  struct rusage usage, untouched;
  EACH_PIDFD(flags) check_usage(flags);
  memset(&usage, 0xa5, sizeof usage);
  untouched = usage;
  start_at(0, 1, "exec sleep 30", 0);
  CHECK(fe_wait_usage(&children[0], 20, NULL, &usage) == -1 && errno == ETIMEDOUT);
  CHECK(memcmp(&usage, &untouched, sizeof usage) == 0);
  NEED(fe_kill(&children[0], SIGKILL) == 0 && fe_wait_usage(&children[0], -1, NULL, NULL) == 0);
  fe_child_close(&children[0]);
}

static void usages_by_wait4(void) {
  refuse(SYS_waitid, EPERM);
  EACH_PIDFD(flags) check_usage(flags);
}

static void *can_open(void *good) {
  usleep(200000);
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  *(bool *)good = fd >= 0;
  if (fd >= 0) close(fd);
  return NULL;
}

/* As many as cannot have a pidfd each, nor be polled. */
static void more_than_descriptors(void) {
  EACH_PIDFD(flags) {
    struct rlimit limit, low;
    pthread_t thread;
    bool good = false;
    NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    low = limit;
    start_at(0, MANY, "exec sleep 30", flags);
    low.rlim_cur = flags ? 30 : (rlim_t)open_descriptors() + 8;
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    if (!flags) NEED(pthread_create(&thread, NULL, can_open, &good) == 0);
    check_any(MANY, 500, ETIMEDOUT, MANY, 0);
    if (!flags) NEED(pthread_join(thread, NULL) == 0);
    if (!flags) CHECK(good);
    NEED(fe_kill(&children[MANY - 1], SIGKILL) == 0);
    check_any(MANY, -1, 0, MANY - 1, SIGKILL);
    end_all(MANY);
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

static void without(unsigned unused, const void *number) {
  (void)unused;
  start_at(0, 3, "exec sleep 30", 0);
  refuse(*(const long *)number, EPERM);
  struct timespec began, ended;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
  check_any(3, 300, ETIMEDOUT, 3, 0);
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
  /* It sleeps. */
  CHECK((ended.tv_sec - began.tv_sec) * 1000 + (ended.tv_nsec - began.tv_nsec) / 1000000 < 40);
  NEED(fe_kill(&children[1], SIGKILL) == 0);
  check_any(3, -1, 0, 1, SIGKILL);
  end_all(3);
}

static void refused(void) {
  static const long calls[] = {SYS_pidfd_open, SYS_ppoll};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) apart(without, 0, &calls[i]);
}

/* ---- kept by a tracer ---- */

/* The child is dead, and its pidfd tells, but it is its tracer's until that lets it go. */
static void kept_by_a_tracer(void) {
  need(HAS_PTRACE | HAS_PIDFD);
  need_root();
  int told[2], status;
  struct rusage before, after;
  char byte;
  NEED(pipe(told) == 0);
  fe_attr attr = shell("read line");
  static const int files[] = {FE_FROM_PIPE, 1, 2};
  attr.files = files;
  attr.nfiles = 3;
  attr.flags = FE_PIDFD;
  NEED(spawn(&attr, FE_WAY_SHARED, &children[0]));
  list[0] = &children[0];
  pid_t tracer = fork_apart();
  NEED(tracer >= 0);
  if (tracer == 0) {
    close(children[0].ends[0]);
    bool good = ptrace(PTRACE_SEIZE, children[0].pid, 0, 0) == 0 && write(told[1], "", 1) == 1;
    if (good) pause();
    _exit(1);
  }
  NEED(read(told[0], &byte, 1) == 1);
  close(children[0].ends[0]);
  struct pollfd ready = {children[0].pidfd, POLLIN, 0};
  CHECK_INT(poll(&ready, 1, 10000), 1);
  NEED(getrusage(RUSAGE_SELF, &before) == 0);
  check_any(1, 500, ETIMEDOUT, 1, 0);
  NEED(getrusage(RUSAGE_SELF, &after) == 0);
  /* Which it did not do by asking again and again. */
  struct timeval used;
  timersub(&after.ru_utime, &before.ru_utime, &used);
  timersub(&after.ru_stime, &before.ru_stime, &after.ru_stime);
  timeradd(&used, &after.ru_stime, &used);
  CHECK(used.tv_sec == 0 && used.tv_usec < 100000);
  NEED(kill(tracer, SIGKILL) == 0 && waitpid(tracer, &status, 0) == tracer);
  check_any(1, -1, 0, 0, 1 << 8);
  fe_child_close(&children[0]);
  check_no_child();
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the first that ends", the_first_that_ends},
      {"places without a child", places_without_a_child},
      {"misuse", misuse},
      {"time-outs", time_outs},
      {"reaped by another thread", reaped_by_another_thread},
      {"a SIGCHLD loop of the program's own", a_loop_of_the_programs_own},
      {"SIGCHLD ignored", sigchld_ignored},
      {"what it has used", usages},
      {"what it has used, by wait4", usages_by_wait4},
      {"more than there are descriptors", more_than_descriptors},
      {"pidfds and ppoll refused", refused},
      {"kept by a tracer", kept_by_a_tracer},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
