/* SPDX-License-Identifier: BSD-3-Clause */
/* Children that run beside their caller (FE_ASYNC, timeout_ms), and what holds them back: an action that
 * opens a FIFO for reading waits for a writer. Needs test.h. */
#ifndef BESIDE_H
#define BESIDE_H

#include "actions.h"

#include <time.h>

/* A FIFO, of anybody's. */
static inline const char *new_fifo(void) {
  static int serial;
  char name[40];
  snprintf(name, sizeof name, "fifo-%d-%d", (int)getpid(), serial++);
  const char *path = kept_path(name);
  NEED(mkfifo(path, 0666) == 0 && chmod(path, 0666) == 0);
  return path;
}

/* Whoever opens it for reading, now or while the descriptor is open, goes on. Returns when one does. */
static inline int let_go(const char *fifo) {
  int writer = open(fifo, O_WRONLY | O_CLOEXEC);
  NEED(writer >= 0);
  return writer;
}

static inline int64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static inline bool is_clear(const fe_error *error) {
  static const fe_error clear = FE_ERROR_INIT;
  return memcmp(error, &clear, sizeof clear) == 0;
}

static inline bool is_empty(const fe_child *child) {
  static const fe_child empty = FE_CHILD_INIT;
  return memcmp(child, &empty, sizeof empty) == 0;
}

/* Starts it with FE_ASYNC. */
static inline bool start(const fe_attr *attr, unsigned way, fe_child *child) {
  fe_attr mine = *attr;
  mine.flags |= FE_ASYNC;
  if (!spawn(&mine, way, child)) return false;
  return CHECK(child->ready >= 0) && CHECK_INT(fcntl(child->ready, F_GETFD), FD_CLOEXEC);
}

/* Waits for the outcome, a success. */
static inline bool finishes(fe_child *child) {
  fe_error error;
  fe_child before = *child;
  memset(&error, 0xa5, sizeof error);
  bool good = CHECK_INT(fe_spawn_finish(child, -1, &error), 0) && CHECK(is_clear(&error)) &&
              CHECK_INT(child->ready, -1) && CHECK_INT(child->pid, before.pid) &&
              CHECK_INT(child->pidfd, before.pidfd) && CHECK_INT(child->way, before.way);
  if (!good) note("%s, errno %s", fe_step_name(error.step), errno_name(error.errnum));
  return good;
}

static inline void ends(fe_child *child, int wanted) {
  int status = -1;
  CHECK_INT(fe_wait(child, -1, &status), 0);
  CHECK(WIFEXITED(status));
  CHECK_INT(WEXITSTATUS(status), wanted);
  fe_child_close(child);
}

static inline void check_failed(int result, int saved, const fe_child *child, const fe_error *error,
                                int errnum, int step, int index, int signal) {
  CHECK_INT(result, -1);
  CHECK_STR(errno_name(saved), errno_name(errnum));
  CHECK_INT(error->errnum, saved);
  CHECK_STR(fe_step_name(error->step), fe_step_name(step));
  CHECK_INT(error->index, index);
  CHECK_INT(error->signal, signal);
  CHECK(is_empty(child));
}

/* Waits for the outcome, a failure. */
static inline void finish_fails(fe_child *child, int timeout_ms, int errnum, int step, int index,
                                int signal) {
  fe_error error;
  unsigned way = child->way;
  memset(&error, 0xa5, sizeof error);
  errno = 0;
  int result = fe_spawn_finish(child, timeout_ms, &error), saved = errno;
  check_failed(result, saved, child, &error, errnum, step, index, signal);
  CHECK_INT(error.way, way);
}

/* It is on its way still, in that step. */
static inline bool in_progress(fe_child *child, int timeout_ms, int step, int index) {
  fe_error error;
  fe_child before = *child;
  memset(&error, 0xa5, sizeof error);
  errno = 0;
  int result = fe_spawn_finish(child, timeout_ms, &error), saved = errno;
  return CHECK_INT(result, -1) && CHECK_STR(errno_name(saved), "EINPROGRESS") &&
         CHECK_INT(error.errnum, EINPROGRESS) && CHECK_INT(error.way, child->way) &&
         CHECK_STR(fe_step_name(error.step), fe_step_name(step)) && CHECK_INT(error.index, index) &&
         CHECK_INT(error.signal, 0) && CHECK(memcmp(&before, child, sizeof before) == 0);
}

/* Looks until it is there, which it must come to. */
static inline void wait_until_in(fe_child *child, int step) {
  fe_error error;
  do {
    NEED(fe_spawn_finish(child, 0, &error) == -1);
    NEED(error.errnum == EINPROGRESS);
    sched_yield();
  } while (error.step != step);
}

/* Children of no `fe_child` that is still to be waited for. */
static inline void reaped(pid_t pid, int wanted) {
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, wanted);
}

#endif
