/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits and scheduling in each way, and how the caller stands. Needs test.h. */
#ifndef LIMITS_H
#define LIMITS_H

#include "staged.h"
#include "standing.h"

#include <inttypes.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif
#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

/* linux/ioprio.h, which not every libc goes with. */
enum { IO_REAL_TIME = 1 << 13, IO_BEST_EFFORT = 2 << 13, IO_IDLE = 3 << 13 };
/* linux/mempolicy.h. */
enum { PREFERRED = 1, BIND = 2 };

static inline int nice_of(pid_t pid) {
  return 20 - (int)syscall(SYS_getpriority, PRIO_PROCESS, pid);
}

static inline int policy_of(pid_t pid) { return (int)syscall(SYS_sched_getscheduler, pid); }

static inline uint64_t soft_of(pid_t pid, int resource) {
  uint64_t limit[2] = {0, 0};
  syscall(SYS_prlimit64, pid, resource, NULL, limit);
  return limit[0];
}

static inline int oom_score_adj(void) {
  FILE *file = fopen("/proc/self/oom_score_adj", "re");
  int score = -9999;
  NEED(file != NULL && fscanf(file, "%d", &score) == 1);
  fclose(file);
  return score;
}

static inline void be_nice(int nice) {
  if (syscall(SYS_setpriority, PRIO_PROCESS, 0, nice) != 0) skip("needs CAP_SYS_NICE");
}

static inline void limit_to(int resource, uint64_t soft, uint64_t hard) {
  const uint64_t limit[2] = {soft, hard};
  if (syscall(SYS_prlimit64, 0, resource, limit, NULL) != 0) skip("needs CAP_SYS_RESOURCE");
}

/* Raises a hard limit in a process of its own, to see whether it may. */
static inline bool may_raise(void) {
  pid_t pid = fork_apart();
  if (pid == 0) {
    const uint64_t low[2] = {1, 1}, high[2] = {1, 2};
    syscall(SYS_prlimit64, 0, RLIMIT_CORE, low, NULL);
    _exit(syscall(SYS_prlimit64, 0, RLIMIT_CORE, high, NULL) == 0 ? 0 : 1);
  }
  int status = -1;
  NEED(waitpid(pid, &status, 0) == pid);
  return status == 0;
}

/* What the probe sees of itself in that way, also one that does not suspend its caller. Free it. */
static inline char *seen_in(fe_attr attr, unsigned way) {
  if (way != FE_WAY_CONCURRENT) return probe(&attr, way);
  fe_child child;
  attr.flags |= FE_ASYNC;
  if (!probe_start(&attr, way, &child)) return NULL;
  if (!finishes(&child)) return NULL;
  ends(&child, 0);
  return probe_report();
}

/* The ways that are open to it. */
static inline unsigned last_way(void) {
  static unsigned last;
  if (last != 0) return last;
  last = FE_WAY_CONCURRENT;
  fe_attr attr = nothing();
  fe_child child;
  attr.way = FE_WAY_STAGED;
  if (world() == WORLD_KERNEL && fe_spawn(&attr, &child, NULL) == 0) {
    last = FE_WAY_STAGED;
    fe_wait(&child, -1, NULL);
    fe_child_close(&child);
  } else {
    note("the staged way is not open here");
  }
  return last;
}

/* The probe sees that; the caller stands as it did. */
static inline void sees_in(const fe_attr *attr, unsigned way, const char *key, const char *wanted) {
  char *before = standing(), *seen = seen_in(*attr, way), *after = standing();
  if (!CHECK_STR(value(seen, key), wanted)) note("%s, way %u", key, way);
  CHECK_STR(after, before);
  free(before);
  free(seen);
  free(after);
}

/* In each of them. */
static inline void sees(const fe_attr *attr, const char *key, const char *wanted) {
  for (unsigned way = FE_WAY_SHARED; way <= last_way(); way++) sees_in(attr, way, key, wanted);
}

static inline fe_attr with_limits(const fe_limits *limits) {
  fe_attr attr = FE_ATTR_INIT;
  attr.limits = limits;
  return attr;
}

static inline fe_attr with_scheduling(const fe_scheduling *scheduling) {
  fe_attr attr = FE_ATTR_INIT;
  attr.scheduling = scheduling;
  return attr;
}

static inline fe_limits rlimits_of(const fe_rlimit *rlimits, size_t count) {
  fe_limits limits = FE_LIMITS_INIT;
  limits.rlimits = rlimits;
  limits.nrlimits = count;
  return limits;
}

static inline fe_scheduling deadline_of(uint64_t runtime, uint64_t deadline, uint64_t period) {
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  wanted.flags = FE_SCHED_POLICY;
  wanted.policy = SCHED_DEADLINE;
  wanted.runtime_ns = runtime;
  wanted.deadline_ns = deadline;
  wanted.period_ns = period;
  return wanted;
}

#endif
