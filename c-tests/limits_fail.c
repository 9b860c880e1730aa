/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits and scheduling that are refused: by the library before anything is cloned, by the kernel at their step. */
#include "test.h"

#include "limits.h"

#include "filter.h"

/* ---- before the clone ---- */

static void refused(const fe_scheduling *scheduling, const fe_limits *limits, int errnum, int index) {
  fe_attr attr = nothing();
  attr.scheduling = scheduling;
  attr.limits = limits;
  spawn_fails(&attr, FE_WAY_AUTO, errnum, FE_STEP_ARGS, index);
}

static void no_clone(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
}

static void bad_scheduling(void) {
  no_clone();
  static const unsigned char none[200] = {0}, some[200] = {1};
  static const unsigned long nodes[2] = {1, 0};
#define REFUSED(...)                                                                               \
  do {                                                                                             \
    fe_scheduling wanted = FE_SCHEDULING_INIT;                                                     \
    __VA_ARGS__;                                                                                   \
    refused(&wanted, NULL, EINVAL, -1);                                                            \
  } while (0)
  REFUSED();
  REFUSED(wanted.flags = 0x40);
  REFUSED(wanted.flags = FE_SCHED_NICE | UINT64_C(1) << 63);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.reserved = 1);
  /* Out of range. */
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.nice = -21);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.nice = 20);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.nice = INT32_MIN);
  REFUSED(wanted.flags = FE_SCHED_IOPRIO, wanted.ioprio = 4 << 13);
  REFUSED(wanted.flags = FE_SCHED_IOPRIO, wanted.ioprio = 1);
  REFUSED(wanted.flags = FE_SCHED_IOPRIO, wanted.ioprio = -1);
  REFUSED(wanted.flags = FE_SCHED_IOPRIO, wanted.ioprio = 1 << 16 | IO_IDLE);
  /* A value without its flag. */
  REFUSED(wanted.flags = FE_SCHED_IOPRIO, wanted.nice = 1);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.ioprio = IO_IDLE);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.mempolicy = BIND);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.nodemask = nodes);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.maxnode = 1);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.runtime_ns = 1);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.deadline_ns = 1);
  REFUSED(wanted.flags = FE_SCHED_NICE, wanted.period_ns = 1);
  REFUSED(wanted.flags = FE_SCHED_POLICY, wanted.policy = SCHED_BATCH, wanted.runtime_ns = 5000);
  /* Nowhere to run, no size, no mask, too large. */
  REFUSED(wanted.affinity = none, wanted.affinity_size = sizeof none);
  REFUSED(wanted.affinity = some, wanted.affinity_size = 0);
  REFUSED(wanted.affinity_size = 8);
  REFUSED(wanted.affinity = some, wanted.affinity_size = SIZE_MAX);
  static unsigned char large[65536] = {1};
  REFUSED(wanted.affinity = large, wanted.affinity_size = sizeof large);
  REFUSED(wanted.flags = FE_SCHED_MEMPOLICY, wanted.mempolicy = BIND, wanted.nodemask = nodes);
  REFUSED(wanted.flags = FE_SCHED_MEMPOLICY, wanted.mempolicy = BIND, wanted.maxnode = 64);
  REFUSED(wanted.flags = FE_SCHED_MEMPOLICY, wanted.nodemask = nodes, wanted.maxnode = 32770);
  REFUSED(wanted.flags = FE_SCHED_MEMPOLICY, wanted.nodemask = nodes, wanted.maxnode = SIZE_MAX);
  /* Not aligned. */
  const char *odd = (const char *)nodes + 1;
  REFUSED(wanted.flags = FE_SCHED_MEMPOLICY,
          wanted.nodemask = (const unsigned long *)(const void *)odd, wanted.maxnode = 2);
#undef REFUSED
}

static void bad_deadlines(void) {
  no_clone();
  static const uint64_t rows[][3] = {
      {0, 0, 0},
      {1023, 10000, 10000},
      {10001, 10000, 20000},
      {10000, 20000, 19999},
      {10000, UINT64_C(1) << 63, 0},
      {10000, 20000, UINT64_C(1) << 63},
      {10000, 0, 20000},
      {UINT64_MAX, UINT64_MAX, UINT64_MAX},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fe_scheduling wanted = deadline_of(rows[i][0], rows[i][1], rows[i][2]);
    refused(&wanted, NULL, EINVAL, -1);
    wanted.policy |= SCHED_RESET_ON_FORK;
    refused(&wanted, NULL, EINVAL, -1);
  }
  fe_scheduling wanted = deadline_of(10000, 20000, 0);
  wanted.priority = 1;
  refused(&wanted, NULL, EINVAL, -1);
  wanted.priority = 0;
  wanted.flags = FE_SCHED_PRIORITY;
  refused(&wanted, NULL, EINVAL, -1);
}

static void bad_limits(void) {
  no_clone();
#define REFUSED(...)                                                                               \
  do {                                                                                             \
    fe_limits limits = FE_LIMITS_INIT;                                                             \
    __VA_ARGS__;                                                                                   \
    refused(NULL, &limits, EINVAL, -1);                                                            \
  } while (0)
  REFUSED(limits.size = 47);
  REFUSED(limits.size = 0);
  REFUSED(limits.flags = 8);
  REFUSED(limits.flags = UINT64_C(1) << 63);
  REFUSED(limits.reserved = 1);
  REFUSED(limits.flags = FE_LIMIT_UMASK, limits.umask = 01000);
  REFUSED(limits.flags = FE_LIMIT_OOM_SCORE_ADJ, limits.oom_score_adj = 1001);
  REFUSED(limits.flags = FE_LIMIT_OOM_SCORE_ADJ, limits.oom_score_adj = -1001);
  REFUSED(limits.flags = FE_LIMIT_OOM_SCORE_ADJ, limits.oom_score_adj = INT32_MIN);
  REFUSED(limits.flags = FE_LIMIT_PERSONALITY, limits.personality = UINT32_MAX);
  REFUSED(limits.umask = 1);
  REFUSED(limits.oom_score_adj = 1);
  REFUSED(limits.personality = ADDR_NO_RANDOMIZE);
  REFUSED(limits.nrlimits = 1);
  static const fe_rlimit list[2] = {FE_RLIMIT(RLIMIT_CORE, 0, 0), FE_RLIMIT(RLIMIT_CPU, 1, 1)};
  REFUSED(limits.rlimits = (const fe_rlimit *)(const void *)((const char *)list + 4), limits.nrlimits = 1);
  REFUSED(limits.rlimits = list, limits.nrlimits = SIZE_MAX / 2);
#undef REFUSED
  static const fe_rlimit wrong[] = {
      FE_RLIMIT(16, 0, 0),
      FE_RLIMIT(-1, 0, 0),
      FE_RLIMIT(INT32_MAX, 0, 0),
      FE_RLIMIT(RLIMIT_CPU, 2, 1),
      FE_RLIMIT(RLIMIT_CPU, RLIM_INFINITY, 1),
      FE_RLIMIT(RLIMIT_CORE, 0, 0) /* there already */,
      {RLIMIT_CPU, 1, 0, 0},
  };
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    for (int at = 1; at < 3; at++) {
      fe_rlimit three[3] = {list[0], FE_RLIMIT(RLIMIT_DATA, 1, 1), wrong[i]};
      fe_rlimit last = three[2];
      three[2] = three[1];
      three[at] = last;
      fe_limits limits = rlimits_of(three, 3);
      refused(NULL, &limits, EINVAL, at);
    }
  }
}

static void newer_structs(void) {
  struct {
    fe_limits known;
    unsigned char unknown[200];
  } later;
  memset(&later, 0, sizeof later);
  later.known.size = sizeof later;
  later.known.flags = FE_LIMIT_UMASK;
  later.known.umask = 022;
  fe_attr attr = nothing();
  attr.limits = &later.known;
  EACH_WAY(way) spawn_exits(&attr, way, 0);
  no_clone();
  later.unknown[100] = 1;
  refused(NULL, &later.known, E2BIG, -1);
  later.known.size = 5000;
  refused(NULL, &later.known, E2BIG, -1);
}

/* ---- by the kernel ---- */

/* In each way that suspends the caller, and beside it. */
static void fails(const fe_scheduling *scheduling, const fe_limits *limits, int errnum, int step,
                  int index) {
  fe_attr attr = nothing();
  attr.scheduling = scheduling;
  attr.limits = limits;
  EACH_WAY(way) spawn_fails(&attr, way, errnum, step, index);
  attr.timeout_ms = 60000;
  bool scores = limits && limits->flags & FE_LIMIT_OOM_SCORE_ADJ;
  spawn_fails(&attr, scores ? FE_WAY_PIPED : FE_WAY_CONCURRENT, errnum, step, index);
}

static void without_privilege(void) {
  need_root();
  limit_to(RLIMIT_CPU, 1000, 2000);
  limit_to(RLIMIT_NICE, 0, 0);
  become_unprivileged();
  char *before = standing();
  const fe_rlimit list[] = {FE_RLIMIT(RLIMIT_CORE, 0, 0), FE_RLIMIT(RLIMIT_CPU, 1500, 2001)};
  fe_limits limits = rlimits_of(list, 2);
  fails(NULL, &limits, EPERM, FE_STEP_RLIMITS, 1);
  limits = rlimits_of(list + 1, 1);
  fails(NULL, &limits, EPERM, FE_STEP_RLIMITS, 0);
  fe_limits score = FE_LIMITS_INIT;
  score.flags = FE_LIMIT_OOM_SCORE_ADJ;
  score.oom_score_adj = -1000;
  fails(NULL, &score, EACCES, FE_STEP_OOM_SCORE_ADJ, -1);
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  wanted.flags = FE_SCHED_NICE;
  wanted.nice = -1;
  fails(&wanted, NULL, EACCES, FE_STEP_NICE, -1);
  wanted.nice = 0;
  wanted.flags = FE_SCHED_IOPRIO;
  wanted.ioprio = IO_REAL_TIME;
  fails(&wanted, NULL, EPERM, FE_STEP_IOPRIO, -1);
  wanted = deadline_of(10000000, 20000000, 30000000);
  fails(&wanted, NULL, EPERM, FE_STEP_SCHEDULING, -1);
  char *after = standing();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void what_is_not_there(void) {
  need(HAS_MEMPOLICY);
  /* The last processor that there may be. */
  static unsigned char last[1024];
  last[sizeof last - 1] = 0x80;
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  wanted.affinity = last;
  wanted.affinity_size = sizeof last;
  fails(&wanted, NULL, EINVAL, FE_STEP_AFFINITY, -1);
  static const unsigned long nodes[16] = {[15] = 1};
  wanted = (fe_scheduling)FE_SCHEDULING_INIT;
  wanted.flags = FE_SCHED_MEMPOLICY;
  wanted.mempolicy = BIND;
  wanted.nodemask = nodes;
  wanted.maxnode = 1024;
  int mode;
  if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) != 0) {
    fails(&wanted, NULL, ENOSYS, FE_STEP_MEMPOLICY, -1);
    return;
  }
  fails(&wanted, NULL, EINVAL, FE_STEP_MEMPOLICY, -1);
  wanted.mempolicy = 0x7777;
  fails(&wanted, NULL, EINVAL, FE_STEP_MEMPOLICY, -1);
}

/* Each alone, with its system call refused; the caller makes none of them itself. */
static void by_a_filter(unsigned which, const void *unused) {
  (void)unused;
  static const unsigned char one = 1;
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  fe_limits limits = FE_LIMITS_INIT;
  static const fe_rlimit core = FE_RLIMIT(RLIMIT_CPU, 1000, 2000);
  enum { TIMER_SLACK = 29, SCHED_CORE = 62 };
  switch (which) {
    case 0:
      refuse(SYS_umask, ENOTTY);
      limits.flags = FE_LIMIT_UMASK;
      fails(NULL, &limits, ENOTTY, FE_STEP_UMASK, -1);
      break;
    case 1:
      refuse(SYS_personality, ENOTTY);
      limits.flags = FE_LIMIT_PERSONALITY;
      fails(NULL, &limits, ENOTTY, FE_STEP_PERSONALITY, -1);
      break;
    case 2:
      refuse_if(SYS_prctl, ENOTTY, 0, ~UINT32_C(0), TIMER_SLACK);
      wanted.timer_slack_ns = 1;
      fails(&wanted, NULL, ENOTTY, FE_STEP_TIMER_SLACK, -1);
      break;
    case 3:
      refuse_if(SYS_prctl, ENOTTY, 0, ~UINT32_C(0), SCHED_CORE);
      wanted.flags = FE_SCHED_CORE;
      fails(&wanted, NULL, ENOTTY, FE_STEP_CORE_SCHED, -1);
      break;
    case 4:
      refuse(SYS_setpriority, ENOTTY);
      wanted.flags = FE_SCHED_NICE;
      fails(&wanted, NULL, ENOTTY, FE_STEP_NICE, -1);
      break;
    case 5:
      refuse(SYS_sched_setattr, ENOTTY);
      wanted = deadline_of(10000, 20000, 0);
      fails(&wanted, NULL, ENOTTY, FE_STEP_SCHEDULING, -1);
      break;
    case 6:
      refuse(SYS_sched_setaffinity, ENOTTY);
      wanted.affinity = &one;
      wanted.affinity_size = 1;
      fails(&wanted, NULL, ENOTTY, FE_STEP_AFFINITY, -1);
      break;
    case 7:
      refuse(SYS_ioprio_set, ENOTTY);
      wanted.flags = FE_SCHED_IOPRIO;
      fails(&wanted, NULL, ENOTTY, FE_STEP_IOPRIO, -1);
      break;
    case 8:
      refuse(SYS_set_mempolicy, ENOTTY);
      wanted.flags = FE_SCHED_MEMPOLICY;
      fails(&wanted, NULL, ENOTTY, FE_STEP_MEMPOLICY, -1);
      break;
    case 9: /* The caller's own look. */
      refuse_if(SYS_prlimit64, ENOTTY, 1, ~UINT32_C(0), RLIMIT_CPU);
      limits = rlimits_of(&core, 1);
      fe_attr attr = nothing();
      attr.limits = &limits;
      spawn_fails(&attr, FE_WAY_AUTO, ENOTTY, FE_STEP_RLIMITS, 0);
      break;
    default: /* And again. */
      refuse(SYS_getpriority, ENOTTY);
      wanted.flags = FE_SCHED_NICE;
      attr = nothing();
      attr.scheduling = &wanted;
      spawn_fails(&attr, FE_WAY_AUTO, ENOTTY, FE_STEP_NICE, -1);
  }
}

static void each_by_a_filter(void) {
  for (unsigned which = 0; which < 11; which++) apart(by_a_filter, which, NULL);
}

/* Where cores have threads it is another's cookie; elsewhere the kernel says so. */
static void a_core_of_its_own(void) {
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  wanted.flags = FE_SCHED_CORE;
  fe_attr attr = nothing();
  attr.scheduling = &wanted;
  pid_t pid = fork_apart();
  if (pid == 0) _exit(prctl(62, 1, 0, 0, 0) == 0 ? 0 : errno);
  int status = -1;
  NEED(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
  int errnum = WEXITSTATUS(status);
  note("PR_SCHED_CORE: %s", errnum ? errno_name(errnum) : "there");
  if (errnum) {
    fails(&wanted, NULL, errnum, FE_STEP_CORE_SCHED, -1);
    return;
  }
  EACH_WAY(way) spawn_exits(&attr, way, 0);
}

/* What it asks for is a new cookie. */
static void the_core_is_asked_for(void) {
  need(HAS_CORE_SCHED);
  static struct watcher watcher = {NULL, EALREADY, 0, -1};
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  wanted.flags = FE_SCHED_CORE;
  fe_attr attr = nothing();
  attr.scheduling = &wanted;
  watch_if(&watcher, SYS_prctl, 1, ~UINT32_C(0), 1 /* PR_SCHED_CORE_CREATE */);
  spawn_fails(&attr, FE_WAY_SHARED, EALREADY, FE_STEP_CORE_SCHED, -1);
  spawn_fails(&attr, FE_WAY_PIPED, EALREADY, FE_STEP_CORE_SCHED, -1);
  CHECK_INT(watcher.calls, 2);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"bad scheduling", bad_scheduling},
      {"bad times", bad_deadlines},
      {"bad limits", bad_limits},
      {"newer structs", newer_structs},
      {"without privilege", without_privilege},
      {"what is not there", what_is_not_there},
      {"each by a filter", each_by_a_filter},
      {"a core of its own", a_core_of_its_own},
      {"the core is asked for", the_core_is_asked_for},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
