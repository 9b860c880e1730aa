/* SPDX-License-Identifier: BSD-3-Clause */
/* The child's scheduling: what it sees of it, and when in its life it gets it. */
#include "test.h"

#include "filter.h"

#include <grp.h>
#include <pthread.h>

#ifndef SCHED_RESET_ON_FORK
#define SCHED_RESET_ON_FORK 0x40000000
#endif
#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

static char *name_only[] = {(char *)"true", NULL};

/* By the raw calls: not every libc has them. */
static int policy_of(pid_t pid) { return (int)syscall(SYS_sched_getscheduler, pid); }

static int priority_of(pid_t pid) {
  int priority = -1;
  syscall(SYS_sched_getparam, pid, &priority);
  return priority;
}

static void be(int policy, int priority) {
  if (syscall(SYS_sched_setscheduler, 0, policy, &priority) == 0) return;
  if (errno == EPERM) skip("needs CAP_SYS_NICE, and real-time in its cgroup");
  NEED(false);
}

static fe_scheduling by_policy(int policy, int priority) {
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_POLICY;
  scheduling.policy = policy;
  scheduling.priority = priority;
  return scheduling;
}

static fe_scheduling by_priority(int priority) {
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_PRIORITY;
  scheduling.priority = priority;
  return scheduling;
}

/* The probe so, and the caller as it was. */
static void sees(fe_attr attr, const fe_scheduling *scheduling, unsigned way, int policy,
                 int priority) {
  const int own_policy = policy_of(0), own_priority = priority_of(0);
  attr.scheduling = scheduling;
  char *seen = probe(&attr, way);
  CHECK_INT(number(seen, "policy"), policy);
  CHECK_INT(number(seen, "priority"), priority);
  CHECK_INT(policy_of(0), own_policy);
  CHECK_INT(priority_of(0), own_priority);
  free(seen);
}

static const fe_attr plain = FE_ATTR_INIT;

static fe_attr nothing(const fe_scheduling *scheduling) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  attr.scheduling = scheduling;
  return attr;
}

static const int policies[][2] = {
    {SCHED_OTHER, 0}, {SCHED_BATCH, 0}, {SCHED_IDLE, 0}, {SCHED_FIFO, 1},
    {SCHED_FIFO, 99}, {SCHED_RR, 1},    {SCHED_RR, 42},
};
enum { POLICIES = sizeof policies / sizeof *policies };

static void each_policy_from_each(void) {
  need(HAS_PRIORITIES);
  need_root();
  EACH_WAY(way) {
    for (int from = 0; from < POLICIES; from++) {
      be(policies[from][0], policies[from][1]);
      sees(plain, NULL, way, policies[from][0], policies[from][1]);
      for (int to = 0; to < POLICIES; to++) {
        fe_scheduling wanted = by_policy(policies[to][0], policies[to][1]);
        sees(plain, &wanted, way, policies[to][0], policies[to][1]);
        wanted.policy |= SCHED_RESET_ON_FORK;
        sees(plain, &wanted, way, policies[to][0] | SCHED_RESET_ON_FORK, policies[to][1]);
        /* With the policy, the flag for the priority alone says nothing. */
        wanted = by_policy(policies[to][0], policies[to][1]);
        wanted.flags |= FE_SCHED_PRIORITY;
        sees(plain, &wanted, way, policies[to][0], policies[to][1]);
      }
    }
    be(SCHED_OTHER, 0);
  }
}

static void priority_alone(void) {
  need_root();
  EACH_WAY(way) {
    static const int real_time[] = {SCHED_FIFO, SCHED_RR};
    for (int i = 0; i < 2; i++) {
      static const int priorities[] = {1, 10, 50, 99};
      be(real_time[i], 10);
      for (int j = 0; j < 4; j++) {
        fe_scheduling wanted = by_priority(priorities[j]);
        sees(plain, &wanted, way, real_time[i], priorities[j]);
      }
      /* The kernel knows which priorities the policy has. */
      fe_scheduling none = by_priority(0);
      fe_attr attr = nothing(&none);
      spawn_fails(&attr, way, EINVAL, FE_STEP_SCHEDULING, -1);
    }
    be(SCHED_BATCH, 0);
    fe_scheduling wanted = by_priority(0);
    sees(plain, &wanted, way, SCHED_BATCH, 0);
    wanted = by_priority(5);
    fe_attr attr = nothing(&wanted);
    spawn_fails(&attr, way, EINVAL, FE_STEP_SCHEDULING, -1);
    be(SCHED_OTHER, 0);
  }
}

static void refused(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  static const struct {
    uint64_t flags;
    int policy, priority;
  } rows[] = {
      {0, 0, 0},
      {0, SCHED_FIFO, 1},
      {0, 0, 1},
      {0x40, 0, 0},
      {FE_SCHED_POLICY | UINT64_C(1) << 63, SCHED_OTHER, 0},
      {FE_SCHED_POLICY, SCHED_FIFO, 0},
      {FE_SCHED_POLICY, SCHED_FIFO, 100},
      {FE_SCHED_POLICY, SCHED_RR, -1},
      {FE_SCHED_POLICY, SCHED_OTHER, 1},
      {FE_SCHED_POLICY, SCHED_BATCH, 1},
      {FE_SCHED_POLICY, SCHED_IDLE, -1},
      {FE_SCHED_POLICY, 4, 0},
      {FE_SCHED_POLICY, SCHED_DEADLINE /* without its times */, 0},
      {FE_SCHED_POLICY, -1, 0},
      {FE_SCHED_POLICY, SCHED_FIFO | SCHED_RESET_ON_FORK, 0},
      {FE_SCHED_PRIORITY, 0, -1},
      {FE_SCHED_PRIORITY, 0, 100},
      {FE_SCHED_PRIORITY, SCHED_FIFO, 1},
      {FE_SCHED_NICE, SCHED_BATCH, 0},
      {FE_SCHED_NICE, 0, 1},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fe_scheduling wanted = FE_SCHEDULING_INIT;
    wanted.flags = rows[i].flags;
    wanted.policy = rows[i].policy;
    wanted.priority = rows[i].priority;
    fe_attr attr = nothing(&wanted);
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
  /* Below the first that there was. */
  fe_scheduling wanted = by_policy(SCHED_OTHER, 0);
  fe_attr attr = nothing(&wanted);
  static const size_t sizes[] = {0, 23};
  for (size_t i = 0; i < 2; i++) {
    wanted.size = sizes[i];
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
}

static void sizes(void) {
  struct {
    fe_scheduling known;
    unsigned char unknown[5000];
  } later;
  memset(&later, 0, sizeof later);
  later.known = by_policy(SCHED_BATCH, 0);
  EACH_WAY(way) {
    /* Of the first header, which had nothing but policy and priority; this; later ones. */
    const size_t good[] = {24, sizeof(fe_scheduling), sizeof(fe_scheduling) + 1, 4096};
    for (size_t i = 0; i < 4; i++) {
      later.known.size = good[i];
      sees(plain, &later.known, way, SCHED_BATCH, 0);
    }
    fe_attr attr = nothing(&later.known);
    later.unknown[9] = 1;
    spawn_fails(&attr, way, E2BIG, FE_STEP_ARGS, -1);
    later.unknown[9] = 0;
    later.known.size = 4097;
    spawn_fails(&attr, way, E2BIG, FE_STEP_ARGS, -1);
  }
}

/* ---- when ---- */

static void before_privileges_go(void) {
  need(HAS_PRIORITIES);
  need_root();
  const gid_t none = 0;
  fe_credential other = FE_CREDENTIAL_INIT;
  other.uid = other.gid = UNPRIVILEGED;
  other.groups = &none;
  fe_attr attr = FE_ATTR_INIT;
  attr.credential = &other;
  EACH_WAY_BUT_SHARED(way) {
    fe_scheduling wanted = by_policy(SCHED_FIFO, 7);
    be(SCHED_OTHER, 0);
    sees(attr, &wanted, way, SCHED_FIFO, 7);
    wanted = by_policy(SCHED_IDLE, 0);
    sees(attr, &wanted, way, SCHED_IDLE, 0);
    be(SCHED_RR, 3);
    wanted = by_priority(4);
    sees(attr, &wanted, way, SCHED_RR, 4);
    wanted = by_policy(SCHED_OTHER, 0);
    sees(attr, &wanted, way, SCHED_OTHER, 0);
    /* Nor may an unprivileged process cease to be idle, unless its RLIMIT_NICE permits it. */
    be(SCHED_IDLE, 0);
    sees(attr, &wanted, way, SCHED_OTHER, 0);
    be(SCHED_OTHER, 0);
  }
}

static int policy_at_chdir;

static void look(pid_t child) { policy_at_chdir = policy_of(child); }

/* Seen while it stands in its chdir, which comes after the credentials and before the actions. */
static void raised_early_lowered_late(void) {
  need(HAS_PRIORITIES);
  need_root();
  static struct watcher watcher = {look, 0, 0, -1};
  be(SCHED_OTHER, 0);
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  static const int rows[][4] = {
      /* caller's, wanted, its priority, at chdir */
      {SCHED_OTHER, SCHED_FIFO, 1, SCHED_FIFO},
      {SCHED_OTHER, SCHED_IDLE, 0, SCHED_OTHER},
      {SCHED_OTHER, SCHED_BATCH, 0, SCHED_OTHER},
      {SCHED_IDLE, SCHED_BATCH, 0, SCHED_BATCH},
      {SCHED_FIFO, SCHED_OTHER, 0, SCHED_FIFO},
      {SCHED_FIFO, SCHED_RR, 1, SCHED_RR},
  };
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      be(rows[i][0], rows[i][0] == SCHED_FIFO ? 1 : 0);
      fe_scheduling wanted = by_policy(rows[i][1], rows[i][2]);
      fe_attr attr = FE_ATTR_INIT;
      attr.dir = "/";
      policy_at_chdir = -1;
      sees(attr, &wanted, way, rows[i][1], rows[i][2]);
      CHECK_INT(policy_at_chdir, rows[i][3]);
    }
  }
}

static void which_fails_first(void) {
  need_root();
  become_unprivileged();
  EACH_WAY(way) {
    fe_scheduling raised = by_policy(SCHED_FIFO, 1), lowered = by_priority(5);
    const fe_file_action bad = {FE_ACTION_FCHDIR, 800, 0, 0, 0, 0, NULL, {0, 0}};
    fe_attr attr = nothing(&raised);
    spawn_fails(&attr, way, EPERM, FE_STEP_SCHEDULING, -1);
    attr.actions = &bad;
    attr.nactions = 1;
    spawn_fails(&attr, way, EPERM, FE_STEP_SCHEDULING, -1);
    attr.scheduling = &lowered; /* which the kernel refuses */
    spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_FCHDIR, 0);
    attr.nactions = 0;
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, EINVAL, FE_STEP_SCHEDULING, -1);
  }
}

static void without_privilege(void) {
  need_root();
  become_unprivileged();
  EACH_WAY(way) {
    static const int allowed[] = {SCHED_OTHER, SCHED_BATCH, SCHED_IDLE};
    for (int i = 0; i < 3; i++) {
      fe_scheduling wanted = by_policy(allowed[i], 0);
      sees(plain, &wanted, way, allowed[i], 0);
    }
    fe_scheduling wanted = by_policy(SCHED_RR, 1);
    fe_attr attr = nothing(&wanted);
    spawn_fails(&attr, way, EPERM, FE_STEP_SCHEDULING, -1);
  }
}

/* ---- whose ---- */

static void *from_a_thread(void *unused) {
  (void)unused;
  be(SCHED_BATCH, 0);
  EACH_WAY(way) {
    sees(plain, NULL, way, SCHED_BATCH, 0);
    fe_scheduling wanted = by_priority(0);
    sees(plain, &wanted, way, SCHED_BATCH, 0);
    wanted = by_policy(SCHED_IDLE, 0);
    sees(plain, &wanted, way, SCHED_IDLE, 0);
  }
  return NULL;
}

static void the_calling_threads(void) {
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, from_a_thread, NULL) == 0);
  NEED(pthread_join(thread, NULL) == 0);
  CHECK_INT(policy_of(0), SCHED_OTHER);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"each policy, from each", each_policy_from_each},
      {"the priority alone", priority_alone},
      {"what is refused", refused},
      {"older and newer structs", sizes},
      {"before privileges go", before_privileges_go},
      {"raised early, lowered late", raised_early_lowered_late},
      {"which step fails first", which_fails_first},
      {"EPERM without privilege", without_privilege},
      {"the calling thread's", the_calling_threads},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
