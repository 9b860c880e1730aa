/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits and scheduling as the child sees them, in each way; and the caller stands as before. When they are
 * set is for limits_order.c, what fails for limits_fail.c. */
#include "test.h"

#include "limits.h"

static void umasks(void) {
  fe_limits limits = FE_LIMITS_INIT;
  fe_attr attr = with_limits(&limits);
  limits.flags = FE_LIMIT_UMASK;
  static const char *const wanted[] = {"000", "077", "777"};
  for (int i = 0; i < 3; i++) {
    limits.umask = (mode_t)strtoul(wanted[i], NULL, 8);
    sees(&attr, "umask", wanted[i]);
  }
  limits.flags = 0;
  limits.umask = 0;
  umask(031);
  sees(&attr, "umask", "031");
}

/* A hard limit that any user may ask for, of each; and all at once. */
static void each_resource(void) {
  need(HAS_MEMORY_LIMITS);
  fe_rlimit list[16];
  char key[20], wanted[60];
  for (int resource = 0; resource < 16; resource++) {
    uint64_t own[2];
    NEED(syscall(SYS_prlimit64, 0, resource, NULL, own) == 0);
    uint64_t hard = own[1] == RLIM_INFINITY ? UINT64_C(1) << 40 : own[1];
    const fe_rlimit one = FE_RLIMIT(resource, hard / 2, hard);
    list[resource] = one;
    /* The probe has to live. */
    if (resource == RLIMIT_NPROC) list[resource].soft = hard;
  }
  fe_limits limits = rlimits_of(list, 16);
  fe_attr attr = with_limits(&limits);
  for (unsigned way = FE_WAY_SHARED; way <= last_way(); way++) {
    char *before = standing(), *seen = seen_in(attr, way), *after = standing();
    for (int resource = 0; resource < 16; resource++) {
      snprintf(key, sizeof key, "rlimit.%d", resource);
      snprintf(wanted, sizeof wanted, "%" PRIu64 " %" PRIu64, list[resource].soft,
               list[resource].hard);
      CHECK_STR(value(seen, key), wanted);
    }
    CHECK_STR(after, before);
    free(before);
    free(seen);
    free(after);
  }
}

/* 64 bits, and no limit. */
static void large_and_infinite(void) {
  uint64_t own[2] = {0, 0};
  syscall(SYS_prlimit64, 0, RLIMIT_CORE, NULL, own);
  if (own[1] != RLIM_INFINITY) skip("needs a caller without a hard limit");
  limit_to(RLIMIT_CORE, 7, RLIM_INFINITY);
  limit_to(RLIMIT_FSIZE, UINT64_C(1) << 41, RLIM_INFINITY);
  const fe_rlimit list[] = {FE_RLIMIT(RLIMIT_CORE, UINT64_C(0x123456789a), RLIM_INFINITY),
                            FE_RLIMIT(RLIMIT_FSIZE, RLIM_INFINITY, RLIM_INFINITY)};
  fe_limits limits = rlimits_of(list, 2);
  fe_attr attr = with_limits(&limits);
  sees(&attr, "rlimit.4", "78187493530 18446744073709551615");
  sees(&attr, "rlimit.1", "18446744073709551615 18446744073709551615");
}

/* Down, up, and both; and what the caller has already. */
static void from_what_the_caller_has(void) {
  bool privileged = may_raise();
  if (!privileged) note("without CAP_SYS_RESOURCE: no hard limit is raised");
  limit_to(RLIMIT_CORE, 100, 200);
  static const uint64_t rows[][2] = {{100, 200}, {50, 200},  {50, 60},   {150, 200}, {300, 300},
                                     {0, 300},   {150, 150}, {100, 300}, {100, 100}, {0, 0}};
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    if (rows[i][1] > 200 && !privileged) continue;
    const fe_rlimit one = FE_RLIMIT(RLIMIT_CORE, rows[i][0], rows[i][1]);
    fe_limits limits = rlimits_of(&one, 1);
    fe_attr attr = with_limits(&limits);
    char wanted[60];
    snprintf(wanted, sizeof wanted, "%" PRIu64 " %" PRIu64, rows[i][0], rows[i][1]);
    sees(&attr, "rlimit.4", wanted);
  }
}

static void nice_values(void) {
  need(HAS_PRIORITIES);
  need_root();
  be_nice(3);
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  fe_attr attr = with_scheduling(&wanted);
  wanted.flags = FE_SCHED_NICE;
  static const char *const values[] = {"-20", "-1", "0", "3", "4", "19"};
  for (int i = 0; i < 6; i++) {
    wanted.nice = atoi(values[i]);
    sees(&attr, "nice", values[i]);
  }
}

static void io_priorities(void) {
  need(HAS_PRIORITIES);
  need_root();
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  fe_attr attr = with_scheduling(&wanted);
  wanted.flags = FE_SCHED_IOPRIO;
  static const int values[] = {IO_REAL_TIME | 3, IO_BEST_EFFORT | 7, IO_BEST_EFFORT, IO_IDLE};
  for (int i = 0; i < 4; i++) {
    char text[20];
    snprintf(text, sizeof text, "%d", values[i]);
    wanted.ioprio = values[i];
    sees(&attr, "ioprio", text);
  }
  /* Back to none. */
  NEED(syscall(SYS_ioprio_set, 1, 0, IO_BEST_EFFORT | 6) == 0);
  wanted.ioprio = 0;
  char *seen = seen_in(attr, FE_WAY_PIPED);
  CHECK(number(seen, "ioprio") != (IO_BEST_EFFORT | 6));
  free(seen);
}

static void processors(void) {
  need(HAS_AFFINITY);
  cpu_set_t own, one;
  NEED(sched_getaffinity(0, sizeof own, &own) == 0);
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  fe_attr attr = with_scheduling(&wanted);
  wanted.affinity = &one;
  int left = 2;
  for (size_t cpu = 0; cpu < CPU_SETSIZE && left > 0; cpu++) {
    if (!CPU_ISSET(cpu, &own)) continue;
    left--;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    char text[20];
    snprintf(text, sizeof text, "%zu ", cpu);
    wanted.affinity_size = sizeof one;
    sees(&attr, "affinity", text);
    /* As many bytes as are needed. */
    wanted.affinity_size = cpu / 8 + 1;
    sees_in(&attr, FE_WAY_SHARED, "affinity", text);
  }
  /* Of the largest size. */
  static unsigned char large[65535];
  memcpy(large, &one, sizeof one);
  wanted.affinity = large;
  wanted.affinity_size = sizeof large;
  char *seen = seen_in(attr, FE_WAY_CONCURRENT);
  CHECK(value(seen, "affinity")[0] != 0);
  free(seen);
}

static void memory_policies(void) {
  need(HAS_MEMPOLICY);
  unsigned long nodes[512] = {1};
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  fe_attr attr = with_scheduling(&wanted);
  wanted.flags = FE_SCHED_MEMPOLICY;
  int mode;
  if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) != 0) skip("needs a kernel with NUMA");
  wanted.mempolicy = BIND;
  wanted.nodemask = nodes;
  static const size_t sizes[] = {2, 65, 32769};
  for (int i = 0; i < 3; i++) {
    wanted.maxnode = sizes[i];
    sees(&attr, "mempolicy", "2 1");
  }
  wanted.mempolicy = PREFERRED;
  wanted.nodemask = NULL;
  wanted.maxnode = 0;
  char *seen = seen_in(attr, FE_WAY_SHARED);
  CHECK(strcmp(value(seen, "mempolicy"), "0 0") != 0);
  free(seen);
  /* The default, of a caller that has another. */
  NEED(syscall(SYS_set_mempolicy, BIND, nodes, 64) == 0);
  wanted.mempolicy = 0;
  sees(&attr, "mempolicy", "0 0");
}

static void timer_slacks(void) {
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  fe_attr attr = with_scheduling(&wanted);
  wanted.timer_slack_ns = 1;
  sees(&attr, "timer_slack", "1");
  wanted.timer_slack_ns = 123456789;
  sees(&attr, "timer_slack", "123456789");
}

static void personalities(void) {
  fe_limits limits = FE_LIMITS_INIT;
  fe_attr attr = with_limits(&limits);
  limits.flags = FE_LIMIT_PERSONALITY;
  limits.personality = ADDR_NO_RANDOMIZE;
  sees(&attr, "personality", "40000");
  limits.personality = 0;
  NEED(personality(ADDR_NO_RANDOMIZE) >= 0);
  sees(&attr, "personality", "0");
}

static void deadlines(void) {
  need_root();
  fe_scheduling wanted = deadline_of(4000000, 20000000, 40000000);
  fe_attr attr = nothing();
  attr.scheduling = &wanted;
  fe_child child;
  fe_error error;
  if (fe_spawn(&attr, &child, &error) != 0) {
    CHECK_INT(error.step, FE_STEP_SCHEDULING);
    skip("needs SCHED_DEADLINE in its cgroup");
  }
  ends(&child, 0);
  attr = with_scheduling(&wanted);
  sees(&attr, "policy", "6");
  sees(&attr, "deadline", "4000000 20000000 40000000");
  sees(&attr, "reset_on_fork", "0");
  wanted.period_ns = 0;
  wanted.policy |= SCHED_RESET_ON_FORK;
  sees(&attr, "deadline", "4000000 20000000 20000000");
  sees(&attr, "reset_on_fork", "1");
}

/* The score is of all who share memory, but for a child in vfork: never in the concurrent way. */
static void scores(void) {
  int own = oom_score_adj();
  fe_limits limits = FE_LIMITS_INIT;
  fe_attr attr = with_limits(&limits);
  limits.flags = FE_LIMIT_OOM_SCORE_ADJ;
  const int values[] = {own, own + 1, own < 500 ? own + 37 : own, 1000};
  char text[20];
  for (int i = 0; i < 4; i++) {
    limits.oom_score_adj = values[i];
    snprintf(text, sizeof text, "%d", values[i]);
    for (unsigned way = FE_WAY_SHARED; way <= last_way(); way++) {
      if (way == FE_WAY_CONCURRENT) continue;
      sees_in(&attr, way, "oom_score_adj", text);
    }
  }
  fe_attr beside = nothing();
  beside.limits = &limits;
  beside.flags = FE_ASYNC;
  spawn_fails(&beside, FE_WAY_CONCURRENT, EINVAL, FE_STEP_ARGS, -1);
  attr.flags = FE_ASYNC;
  fe_child child;
  NEED(probe_start(&attr, FE_WAY_PIPED, &child));
  if (finishes(&child)) ends(&child, 0);
  char *seen = probe_report();
  CHECK_STR(value(seen, "oom_score_adj"), "1000");
  free(seen);
  beside.way = FE_WAY_AUTO;
  fe_error error;
  NEED(fe_spawn(&beside, &child, &error) == 0);
  CHECK_INT(child.way, FE_WAY_PIPED);
  if (finishes(&child)) ends(&child, 0);
  /* Nor may a deadline lead there. */
  beside.flags = 0;
  beside.timeout_ms = 60000;
  spawn_exits(&beside, FE_WAY_PIPED, 0);
  CHECK_INT(oom_score_adj(), own);
}

/* Everything at once, as somebody else where that can be. */
static void all_of_them(void) {
  need(HAS_MEMORY_LIMITS | HAS_PRIORITIES | HAS_MEMPOLICY);
  need_root();
  cpu_set_t own;
  NEED(sched_getaffinity(0, sizeof own, &own) == 0);
  unsigned long node = 1;
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_POLICY | FE_SCHED_NICE | FE_SCHED_IOPRIO | FE_SCHED_MEMPOLICY;
  scheduling.policy = SCHED_BATCH;
  scheduling.nice = -3;
  scheduling.ioprio = IO_BEST_EFFORT | 2;
  scheduling.affinity = &own;
  scheduling.affinity_size = sizeof own;
  scheduling.nodemask = &node;
  scheduling.maxnode = 64;
  scheduling.mempolicy = BIND;
  scheduling.timer_slack_ns = 777;
  const fe_rlimit list[] = {FE_RLIMIT(RLIMIT_CORE, 1, 2), FE_RLIMIT(RLIMIT_CPU, 1000, 2000)};
  fe_limits limits = rlimits_of(list, 2);
  limits.flags = FE_LIMIT_UMASK | FE_LIMIT_OOM_SCORE_ADJ | FE_LIMIT_PERSONALITY;
  limits.umask = 027;
  limits.oom_score_adj = 55;
  limits.personality = ADDR_NO_RANDOMIZE;
  static const char *const wanted[][2] = {
      {"policy", "3"},          {"nice", "-3"},          {"ioprio", "16386"},
      {"timer_slack", "777"},   {"umask", "027"},        {"oom_score_adj", "55"},
      {"personality", "40000"}, {"rlimit.4", "1 2"},     {"rlimit.0", "1000 2000"},
      {"mempolicy", "2 1"},
  };
  fe_credential other = FE_CREDENTIAL_INIT;
  other.uid = other.gid = UNPRIVILEGED;
  for (unsigned way = FE_WAY_SHARED; way <= last_way(); way++) {
    if (way == FE_WAY_CONCURRENT) continue;
    fe_attr attr = with_limits(&limits);
    attr.scheduling = &scheduling;
    if (way != FE_WAY_SHARED) attr.credential = &other;
    char *before = standing(), *seen = seen_in(attr, way), *after = standing();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
      CHECK_STR(value(seen, wanted[i][0]), wanted[i][1]);
    CHECK_STR(value(seen, "uid"), way == FE_WAY_SHARED ? "0 0 0" : "65534 65534 65534");
    CHECK_STR(after, before);
    free(before);
    free(seen);
    free(after);
  }
}

/* A struct that asks for no limits is fine. */
static void nothing_asked_for(void) {
  fe_limits limits = FE_LIMITS_INIT;
  fe_attr attr = with_limits(&limits);
  char *own = standing();
  EACH_WAY(way) free(seen_in(attr, way));
  char *after = standing();
  CHECK_STR(after, own);
  free(own);
  free(after);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"umask", umasks},
      {"each resource limit", each_resource},
      {"large and infinite limits", large_and_infinite},
      {"limits from what the caller has", from_what_the_caller_has},
      {"nice", nice_values},
      {"I/O priority", io_priorities},
      {"affinity", processors},
      {"memory policy", memory_policies},
      {"timer slack", timer_slacks},
      {"personality", personalities},
      {"SCHED_DEADLINE", deadlines},
      {"oom_score_adj", scores},
      {"all at once", all_of_them},
      {"nothing", nothing_asked_for},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
