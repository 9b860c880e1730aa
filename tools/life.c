/* SPDX-License-Identifier: BSD-3-Clause */
/* The program's life: started, waited for, ended when its time is up. */

#include "outcome.h"
#include "plan.h"
#include "signals.h"
#include "terminal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

static fe_child child = FE_CHILD_INIT;

/* ---- its start ---- */

void failed_item(const fe_attr *attr, const fe_error *error, char *text, size_t size) {
  const char *name = NULL;
  long long item = error->index;
  switch (error->step) {
    case FE_STEP_CHDIR: name = attr->dir; break;
    case FE_STEP_CHROOT:
    case FE_STEP_CHROOT_CHDIR: name = attr->chroot; break;
    case FE_STEP_EXEC: name = attr->path; break;
    case FE_STEP_SETUID: item = attr->credential->uid; break;
    case FE_STEP_SETGID: item = attr->credential->gid; break;
    default: break;
  }
  *text = '\0';
  if (name != NULL)
    snprintf(text, size, " \"%s\"", name);
  else if (item >= 0)
    snprintf(text, size, " %lld", item);
}

void failed_reason(const fe_error *error, char *text, size_t size) {
  if (error->errnum != ECANCELED)
    snprintf(text, size, "%s", strerror(error->errnum));
  else if (error->signal > 0)
    snprintf(text, size, "killed by signal %d (%s)", (int)error->signal, strsignal(error->signal));
  else
    snprintf(text, size, "killed");
}

void report(const fe_attr *attr, const fe_error *error) {
  char item[PATH_MAX + 8], reason[128];
  failed_item(attr, error, item, sizeof item);
  failed_reason(error, reason, sizeof reason);
  say("%s%s: %s", fe_step_name(error->step), item, reason);
}

/* Whether there is a pidfd to be had here: on Linux 5.3, unless a filter or a full table of
 * descriptors forbids. Asked beforehand, not by a second fe_spawn: where the first has found out
 * too late, the program would run twice. */
static bool has_pidfd(void) {
  int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

fe_attr attr_to_spawn(const struct job *job) {
  fe_attr attr = job->attr;
  /* So that the new terminal is as the user's before anything is written to it. */
  if (job->suspend || (attr.flags & FE_PTY) != 0) attr.flags |= FE_SUSPEND;
  if (has_pidfd()) attr.flags |= FE_PIDFD;
  return attr;
}

static void start(const struct job *job, struct outcome *outcome) {
  fe_attr attr = attr_to_spawn(job);
  bool group = (job->stop & FE_STOP_GROUP) != 0, pty = (attr.flags & FE_PTY) != 0;
  int failed = fe_spawn(&attr, &child, &outcome->error);
  if (failed == 0) pass_on_to(&child, group);
  if (failed == 0 && job->suspend) {
    say("%d stands before its exec, until %d gets SIGCONT", (int)child.pid, (int)getpid());
    wait_for_signal();
  }
  if (failed == 0 && pty) terminal_prepare(&child);
  if (failed == 0 && (attr.flags & FE_SUSPEND) != 0)
    failed = fe_resume(&child, -1, &outcome->error);
  else if (failed == 0 && (attr.flags & FE_ASYNC) != 0)
    failed = fe_spawn_finish(&child, -1, &outcome->error);
  if (failed != 0) {
    terminal_restore();
    outcome->way = outcome->error.way;
    /* Where the object goes, a line would be in its way, and it tells the same. */
    bool is_told = job->json != NULL && *job->json == '\0' && !job->capture;
    if (!is_told) report(&attr, &outcome->error);
    return;
  }
  outcome->started = true;
  outcome->way = child.way;
  outcome->pid = child.pid;
  if (job->verbose) say("way %s, pid %d", way_name(child.way), (int)child.pid);
  if (pty) terminal_serve();
}

/* ---- its end ---- */

static uint64_t nanoseconds_since(const struct timespec *begun) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)(now.tv_sec - begun->tv_sec) * UINT64_C(1000000000) + (uint64_t)now.tv_nsec -
         (uint64_t)begun->tv_nsec;
}

/* fe_stop tells no usage, so it is what all children have used, less what they had: exec hands that
 * down. Of the memory the kernel keeps the largest alone, which must have grown to be this
 * one's. */
static void usage_since(const struct rusage *before, struct outcome *outcome) {
  getrusage(RUSAGE_CHILDREN, &outcome->usage);
  outcome->has_rss = outcome->usage.ru_maxrss > before->ru_maxrss;
  timersub(&outcome->usage.ru_utime, &before->ru_utime, &outcome->usage.ru_utime);
  timersub(&outcome->usage.ru_stime, &before->ru_stime, &outcome->usage.ru_stime);
}

static void say_stop(const struct job *job, int means) {
  static const char *const by[] = {
      [0] = "",
      [FE_TREE_CGROUP] = ", by its cgroup",
      [FE_TREE_PIDNS] = ", by its pid namespace",
      [FE_TREE_SWEEP] = ", by a look at /proc",
      [FE_TREE_GROUP] = ", by its group"};
  const char *whom = job->stop == FE_STOP_TREE    ? " and its tree"
                     : job->stop == FE_STOP_GROUP ? " and its group"
                                                  : "";
  const char *name = signal_name(job->stop_signal);
  say("timed out: SIG%s for %d%s%s", name != NULL ? name : "?", (int)child.pid, whom, by[means]);
}

/* fe_stop has nothing to do with a child that its caller traces, though this one no longer is. */
static int stop_traced(const struct job *job, int *status) {
  if (fe_kill(&child, job->stop_signal) == 0 && fe_wait(&child, job->kill_after_ms, status) == 0)
    return 0;
  return fe_kill(&child, SIGKILL) != 0 ? -1 : fe_wait(&child, -1, status);
}

static void stop(const struct job *job, struct outcome *outcome) {
  struct rusage before;
  getrusage(RUSAGE_CHILDREN, &before);
  outcome->timed_out = true;
  if ((job->stop & FE_STOP_TREE) != 0) fe_kill_tree(&child, 0, &outcome->means);
  if (job->verbose) say_stop(job, outcome->means);
  int *status = &outcome->status;
  int failed = (job->attr.flags & FE_PTRACE) != 0
                   ? stop_traced(job, status)
                   : fe_stop(&child, job->stop_signal, job->kill_after_ms, job->stop, status);
  outcome->ended = failed == 0;
  /* A set-user-ID program may not be ours to kill. To wait for it would be no time-out. */
  if (failed != 0) say("kill %d: %s", (int)child.pid, strerror(errno));
  usage_since(&before, outcome);
}

static void wait_for_end(const struct job *job, struct outcome *outcome) {
  if ((job->attr.flags & FE_PTRACE) != 0) {
    if (fe_wait_usage(&child, -1, &outcome->status, &outcome->usage) != 0)
      DIE("wait: %s", strerror(errno));
    outcome->ended = outcome->has_rss = !WIFSTOPPED(outcome->status);
    if (outcome->ended) return;
    /* The stop at exec is its tracer's alone, and ends here: SIGSTOP is one that lasts. */
    ptrace(PTRACE_DETACH, child.pid, NULL, SIGSTOP);
    say("%d is stopped at exec", (int)child.pid);
  }
  if (fe_wait_usage(&child, job->timeout_ms, &outcome->status, &outcome->usage) == 0) {
    outcome->ended = outcome->has_rss = true;
    return;
  }
  if (errno != ETIMEDOUT) DIE("wait: %s", strerror(errno));
  stop(job, outcome);
}

static void capture(const struct job *job, struct outcome *outcome) {
  fe_io io = FE_IO_INIT;
  fe_result *result = &outcome->result;
  io.max_output = job->max_output;
  io.linger_ms = job->linger_ms;
  if (job->timeout_ms > 0) {
    io.timeout_ms = job->timeout_ms;
    io.stop_signal = job->stop_signal;
    io.grace_ms = job->kill_after_ms;
    if (job->stop == FE_STOP_GROUP) io.flags = FE_IO_GROUP;
  }
  outcome->ended = fe_communicate(&child, &io, result) == 0;
  if (!outcome->ended && errno != EPERM && errno != ETIMEDOUT)
    DIE("communicate: %s", strerror(errno));
  if (!outcome->ended) say("kill %d: %s", (int)child.pid, strerror(errno));
  outcome->captured = true;
  outcome->status = result->status;
  outcome->usage = result->usage;
  outcome->has_rss = outcome->ended;
  outcome->timed_out = !outcome->ended || (result->flags & FE_RESULT_TIMED_OUT) != 0;
  if (outcome->timed_out && job->verbose) say_stop(job, 0);
}

void run(const struct job *job, struct outcome *outcome) {
  clock_gettime(CLOCK_MONOTONIC, &outcome->begun);
  start(job, outcome);
  close_sources(&job->attr);
  if (outcome->started) {
    if (job->capture)
      capture(job, outcome);
    else
      wait_for_end(job, outcome);
    terminal_end();
    if (job->verbose && outcome->timed_out && WIFSIGNALED(outcome->status) &&
        WTERMSIG(outcome->status) == SIGKILL && job->stop_signal != SIGKILL)
      say("killed %d ms later", job->kill_after_ms);
  }
  outcome->wall_ns = nanoseconds_since(&outcome->begun);
  fe_child_close(&child);
}

int exit_status(const struct outcome *outcome) {
  int status = outcome->status;
  if (!outcome->started) {
    if (outcome->error.step != FE_STEP_EXEC) return FAILED;
    return outcome->error.errnum == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
  }
  if (outcome->timed_out) return TIMED_OUT;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
