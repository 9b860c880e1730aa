/* SPDX-License-Identifier: BSD-3-Clause */
/* When limits and scheduling are set: what takes a privilege while there is one, what would hinder the rest when
 * all the rest is done. */
#include "test.h"

#include "limits.h"

#include "filter.h"

/* ---- with descriptors ---- */

enum { MANY = 40, FEW = 8 };

static int many[MANY];

static void many_files(fe_attr *attr) {
  only(3);
  for (int i = 0; i < MANY; i++) many[i] = i % 3;
  attr->files = many;
  attr->nfiles = MANY;
}

static void fewer_than_there_are(void) {
  const fe_rlimit few[] = {FE_RLIMIT(RLIMIT_CORE, 0, 0), FE_RLIMIT(RLIMIT_NOFILE, FEW, 1000)};
  fe_limits limits = rlimits_of(few, 2);
  fe_attr attr = FE_ATTR_INIT;
  attr.limits = &limits;
  many_files(&attr);
  const fe_file_action actions[] = {FE_DUP2(1, 50), FE_OPEN(51, "/", O_RDONLY, 0), FE_CLOSE(2)};
  const unsigned last = last_way();
  /* So are the actions done, and the others closed. */
  for (int more = 0; more < 2; more++) {
    for (unsigned way = FE_WAY_SHARED; way <= last; way++) {
      attr.flags = more ? FE_CLOSE_OTHERS : 0;
      char *seen = seen_in(attr, way);
      CHECK_INT(number(seen, "fds"), more ? MANY + 1 : MANY);
      CHECK_STR(value(seen, "rlimit.7"), "8 1000");
      free(seen);
    }
    attr.actions = actions;
    attr.nactions = 3;
  }
  /* In the hard limit too: without a report, for which a descriptor must be had. */
  const fe_rlimit none = FE_RLIMIT(RLIMIT_NOFILE, FEW, FEW);
  limits = rlimits_of(&none, 1);
  char *argv[] = {(char *)"probe", NULL};
  attr.path = probe_path();
  attr.argv = argv;
  EACH_WAY(way) spawn_exits(&attr, way, 64);
}

static void as_many_as_are_allowed_then(void) {
  need(HAS_VFORK);
  const fe_rlimit more = FE_RLIMIT(RLIMIT_NOFILE, 100, 1000);
  fe_limits limits = rlimits_of(&more, 1);
  fe_attr attr = FE_ATTR_INIT;
  many_files(&attr);
  limit_to(RLIMIT_NOFILE, 20, 1000);
  fe_attr without = attr;
  without.path = "/bin/true";
  char *argv[] = {(char *)"true", NULL};
  without.argv = argv;
  /* The other ways have descriptors of their own, which are above all that are named. */
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_COPY; way++)
    spawn_fails(&without, way, EBADF, FE_STEP_FILES, 20);
  attr.limits = &limits;
  for (int others = 0; others < 2; others++) {
    attr.flags = others ? FE_CLOSE_OTHERS : 0;
    for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_COPY; way++) {
      char *seen = seen_in(attr, way);
      CHECK_INT(number(seen, "fds"), MANY);
      CHECK_STR(value(seen, "rlimit.7"), "100 1000");
      free(seen);
    }
  }
  CHECK_INT(soft_of(0, RLIMIT_NOFILE), 20);
}

/* A full table: nothing of what is limited needs a descriptor but oom_score_adj, which says so. */
static void in_a_full_table(void) {
  need(HAS_VFORK);
  fe_limits limits = FE_LIMITS_INIT;
  fe_attr attr = nothing();
  attr.limits = &limits;
  limits.flags = FE_LIMIT_OOM_SCORE_ADJ;
  limits.oom_score_adj = 1000;
  /* Which is closed then: an action does not find it. */
  only(3);
  const fe_file_action finds = FE_DUP2(3, 9);
  attr.actions = &finds;
  attr.nactions = 1;
  EACH_WAY(way) spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_DUP2, 0);
  attr.nactions = 0;
  limit_to(RLIMIT_NOFILE, 100, 100);
  static const unsigned ways[] = {FE_WAY_SHARED, FE_WAY_COPY};
  for (int fd = 0; fd < 100; fd++)
    if (fcntl(fd, F_GETFD) < 0) NEED(dup2(1, fd) == fd);
  for (int i = 0; i < 2; i++)
    spawn_fails(&attr, ways[i], EMFILE, FE_STEP_OOM_SCORE_ADJ, -1);
  close(99);
  for (int i = 0; i < 2; i++) spawn_exits(&attr, ways[i], 0);
}

/* ---- with credentials and a root ---- */

static void before_privileges_go(void) {
  need(HAS_PRIORITIES);
  need_root();
  fe_credential other = FE_CREDENTIAL_INIT;
  other.uid = other.gid = UNPRIVILEGED;
  bool privileged = may_raise();
  if (!privileged) note("without CAP_SYS_RESOURCE: no hard limit is raised");
  limit_to(RLIMIT_CORE, 100, 200);
  be_nice(5);
  const fe_rlimit up = FE_RLIMIT(RLIMIT_CORE, privileged ? 250 : 150, privileged ? 300 : 200);
  fe_limits limits = rlimits_of(&up, 1);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_NICE | FE_SCHED_IOPRIO;
  scheduling.nice = 4;
  scheduling.ioprio = IO_REAL_TIME | 4;
  for (unsigned way = FE_WAY_COPY; way <= last_way(); way++) {
    if (way == FE_WAY_CONCURRENT) continue;
    fe_attr attr = with_limits(&limits);
    attr.credential = &other;
    sees_in(&attr, way, "rlimit.4", privileged ? "250 300" : "150 200");
    attr = with_scheduling(&scheduling);
    attr.credential = &other;
    sees_in(&attr, way, "nice", "4");
    sees_in(&attr, way, "ioprio", "8196");
  }
}

/* A caller whose children start at 0. */
static void from_a_caller_that_resets(void) {
  need_root();
  be_nice(-10);
  const int priority = 0;
  NEED(syscall(SYS_sched_setscheduler, 0, SCHED_OTHER | SCHED_RESET_ON_FORK, &priority) == 0);
  fe_credential other = FE_CREDENTIAL_INIT;
  other.uid = other.gid = UNPRIVILEGED;
  fe_scheduling wanted = FE_SCHEDULING_INIT;
  wanted.flags = FE_SCHED_NICE;
  wanted.nice = -5;
  fe_attr attr = with_scheduling(&wanted);
  attr.credential = &other;
  sees_in(&attr, FE_WAY_COPY, "nice", "-5");
  sees_in(&attr, FE_WAY_PIPED, "nice", "-5");
}

/* /proc is the caller's, not that of a root without any. */
static void before_the_root_changes(void) {
  need_root();
  fe_limits limits = FE_LIMITS_INIT;
  limits.flags = FE_LIMIT_OOM_SCORE_ADJ;
  limits.oom_score_adj = 999;
  install_probe(scratch_path("probe"));
  fe_attr attr = with_limits(&limits);
  attr.chroot = scratch();
  attr.path = "/probe";
  EACH_WAY(way) {
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "pid") > 0, 1);
    free(seen);
  }
}

/* ---- seen while it stands in its chdir, which comes after the credentials and before the actions ---- */

static struct {
  int nice, policy, cpus;
  uint64_t cpu, stack;
  long ioprio;
} at_chdir;

static void look(pid_t child) {
  at_chdir.nice = nice_of(child);
  at_chdir.policy = policy_of(child);
  at_chdir.cpu = soft_of(child, RLIMIT_CPU);
  at_chdir.stack = soft_of(child, RLIMIT_STACK);
  at_chdir.ioprio = syscall(SYS_ioprio_get, 1, child);
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(child, sizeof set, &set);
  at_chdir.cpus = CPU_COUNT(&set);
}

static void raised_early_lowered_late(void) {
  need(HAS_PRIORITIES);
  need_root();
  static struct watcher watcher = {look, 0, 0, -1};
  be_nice(5);
  limit_to(RLIMIT_CPU, 1000, 2000);
  limit_to(RLIMIT_STACK, 1 << 22, 1 << 23);
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  cpu_set_t one, own;
  NEED(sched_getaffinity(0, sizeof own, &own) == 0);
  CPU_ZERO(&one);
  for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++)
    if (CPU_ISSET(cpu, &own)) CPU_SET(cpu, &one);
  const fe_rlimit list[] = {FE_RLIMIT(RLIMIT_CPU, 1500, 1600),
                            FE_RLIMIT(RLIMIT_STACK, 1 << 20, 1 << 20)};
  fe_limits limits = rlimits_of(list, 2);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  fe_attr attr = with_limits(&limits);
  attr.scheduling = &scheduling;
  attr.dir = "/";
  scheduling.flags = FE_SCHED_NICE | FE_SCHED_IOPRIO;
  scheduling.affinity = &one;
  scheduling.affinity_size = sizeof one;
  static const struct {
    int nice, ioprio, nice_then, ioprio_then;
  } rows[] = {
      {4, IO_REAL_TIME | 1, 4, IO_REAL_TIME | 1},
      {6, IO_BEST_EFFORT | 1, 5, -1},
      {-1, IO_IDLE, -1, -1},
      {5, IO_BEST_EFFORT | 7, 5, -1},
  };
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      scheduling.nice = rows[i].nice;
      scheduling.ioprio = rows[i].ioprio;
      char wanted[20];
      snprintf(wanted, sizeof wanted, "%d", rows[i].nice);
      sees_in(&attr, way, "nice", wanted);
      CHECK_INT(at_chdir.nice, rows[i].nice_then);
      if (rows[i].ioprio_then >= 0) {
        CHECK_INT(at_chdir.ioprio, rows[i].ioprio_then);
      } else {
        CHECK(at_chdir.ioprio != rows[i].ioprio);
      }
      CHECK_INT(at_chdir.cpus, 1);
      /* The soft limit is up, the hard one to come down. */
      CHECK_INT(at_chdir.cpu, 1500);
      CHECK_INT(at_chdir.stack, 1 << 22);
    }
    sees_in(&attr, way, "rlimit.0", "1500 1600");
    sees_in(&attr, way, "rlimit.3", "1048576 1048576");
  }
}

/* The limit that allows it comes first. */
static void limit_before_what_it_allows(void) {
  need_root();
  limit_to(RLIMIT_NICE, 0, 30);
  limit_to(RLIMIT_RTPRIO, 0, 10);
  become_unprivileged();
  const fe_rlimit list[] = {FE_RLIMIT(RLIMIT_NICE, 30, 30), FE_RLIMIT(RLIMIT_RTPRIO, 10, 10)};
  fe_limits limits = rlimits_of(list, 2);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_NICE;
  scheduling.nice = -10;
  fe_attr attr = with_scheduling(&scheduling), fails = nothing();
  fails.scheduling = &scheduling;
  EACH_WAY(way) spawn_fails(&fails, way, EACCES, FE_STEP_NICE, -1);
  attr.limits = &limits;
  EACH_WAY(way) sees_in(&attr, way, "nice", "-10");
  scheduling.flags = FE_SCHED_POLICY;
  scheduling.nice = 0;
  scheduling.policy = SCHED_FIFO;
  scheduling.priority = 10;
  EACH_WAY(way) sees_in(&attr, way, "priority", "10");
}

/* Files that are opened before get the caller's umask. */
static void umask_is_for_the_program(void) {
  fe_limits limits = FE_LIMITS_INIT;
  limits.flags = FE_LIMIT_UMASK;
  limits.umask = 077;
  umask(002);
  fe_attr attr = with_limits(&limits);
  const char *made = kept_path("made");
  const fe_file_action open_it = FE_OPEN(9, made, O_WRONLY | O_CREAT, 0666);
  attr.actions = &open_it;
  attr.nactions = 1;
  for (unsigned way = FE_WAY_SHARED; way <= last_way(); way++) {
    struct stat st;
    unlink(made);
    sees_in(&attr, way, "umask", "077");
    NEED(stat(made, &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0664);
  }
}

/* Its stack is the caller's in the shared way: a limit below what is in use must not end it. */
static void smaller_than_the_stack(void) {
  const fe_rlimit small = FE_RLIMIT(RLIMIT_STACK, 128 << 10, 1 << 20);
  fe_limits limits = rlimits_of(&small, 1);
  volatile char deep[1 << 19];
  for (size_t i = 0; i < sizeof deep; i += 4096) deep[i] = 1;
  fe_attr attr = nothing();
  attr.limits = &limits;
  EACH_WAY(way) spawn_exits(&attr, way, 0);
  CHECK_INT(deep[4096], 1);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"fewer descriptors than there are", fewer_than_there_are},
      {"as many descriptors as are allowed then", as_many_as_are_allowed_then},
      {"in a full table", in_a_full_table},
      {"before privileges go", before_privileges_go},
      {"from a caller that resets", from_a_caller_that_resets},
      {"before the root changes", before_the_root_changes},
      {"raised early, lowered late", raised_early_lowered_late},
      {"a limit before what it allows", limit_before_what_it_allows},
      {"the umask is for the program", umask_is_for_the_program},
      {"a stack limit below the stack", smaller_than_the_stack},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
