/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_features: what it says is there works, and what a filter takes away is not there. */
#include "test.h"

#include "beside.h"
#include "filter.h"
#include "namespaces.h"

#include <sys/syscall.h>

static bool has(uint64_t feature) { return (fe_features() & feature) != 0; }

/* 0, or the errno of a spawn with it. */
static int errno_with(const fe_attr *attr) {
  fe_child child;
  fe_error error;
  if (fe_spawn(attr, &child, &error) != 0) return error.errnum;
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  fe_child_close(&child);
  return 0;
}

static void as_a_spawn_says(void) {
  /* An imitation of Linux 5.3 or 5.4 has more of clone3 than they had. */
  if (world_has(HAS_ANY_CLONE3)) need(HAS_CLONE3);
  need(HAS_CLONE_FLAGS);
  need_root();
  char *before = snapshot();
  uint64_t all = fe_features();
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  CHECK((all & ~UINT64_C(0x3ff)) == 0);
  CHECK(all == fe_features());
  fe_attr attr = nothing();
  attr.flags = FE_PIDFD;
  CHECK_INT(errno_with(&attr) == 0, has(FE_HAS_PIDFD));
  attr.flags = FE_PTY;
  CHECK_INT(errno_with(&attr) == 0, has(FE_HAS_PTY));
  attr.flags = FE_FEXECVE;
  attr.path = NULL;
  attr.execfd = open("/bin/true", O_PATH | O_CLOEXEC);
  CHECK_INT(errno_with(&attr) == 0, has(FE_HAS_EXECVEAT));
  attr = nothing();
  /* There is another way to have one than by clone3. */
  attr.cloneflags = CLONE_NEWTIME;
  if (world_has(HAS_ANY_CLONE3 | HAS_NAMESPACES)) CHECK_INT(errno_with(&attr) == 0, has(FE_HAS_TIME_NAMESPACES));
  attr.cloneflags = CLONE_NEWUSER;
  /* Whether a filter forbids them is not asked: the question would be the deed. */
  if (world_has(HAS_NAMESPACES)) CHECK_INT(errno_with(&attr) == 0, has(FE_HAS_USER_NAMESPACES));
  attr = nothing();
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_CORE;
  attr.scheduling = &scheduling;
  int errnum = errno_with(&attr);
  CHECK_INT(errnum == 0 || errnum == ENODEV, has(FE_HAS_CORE_SCHED));
  attr = nothing();
  struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  fe_sandbox sandbox = FE_SANDBOX_INIT;
  sandbox.filter = &allow;
  sandbox.nfilter = 1;
  attr.sandbox = &sandbox;
  CHECK_INT(errno_with(&attr) == 0, has(FE_HAS_SECCOMP));
  CHECK_INT(syscall(SYS_close_range, 3000, 3000, 0) == 0, has(FE_HAS_CLOSE_RANGE));
#ifdef SYS_landlock_create_ruleset
  CHECK_INT(syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0, has(FE_HAS_LANDLOCK));
#endif
  fe_child child;
  fe_error error;
  attr = nothing();
  attr.flags = FE_CGROUP;
  attr.cgroup = open("/", O_PATH | O_CLOEXEC);
  CHECK_INT(fe_spawn(&attr, &child, &error), -1);
  /* Born there it is no cgroup; entered, it has no such file. */
  CHECK_INT(error.errnum == EBADF, has(FE_HAS_CGROUP));
}

struct refusal {
  long nr;
  uint64_t feature;
};

static void without(unsigned errnum, const void *with) {
  const struct refusal *refusal = with;
  refuse(refusal->nr, (int)errnum);
  CHECK(!has(refusal->feature));
  /* Nothing else is missed. */
  CHECK_INT(has(FE_HAS_PTY), access("/dev/ptmx", F_OK) == 0);
}

static void what_a_filter_takes_away(void) {
  static const struct refusal refusals[] = {
      {SYS_pidfd_open, FE_HAS_PIDFD},    {SYS_close_range, FE_HAS_CLOSE_RANGE},
      {SYS_clone3, FE_HAS_CGROUP},       {SYS_execveat, FE_HAS_EXECVEAT},
      {SYS_prctl, FE_HAS_CORE_SCHED},
#ifdef SYS_landlock_create_ruleset
      {SYS_landlock_create_ruleset, FE_HAS_LANDLOCK},
#endif
  };
  static const unsigned errnums[] = {ENOSYS, EPERM};
  for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
    for (int j = 0; j < 2; j++) apart(without, errnums[j], &refusals[i]);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"as a spawn says", as_a_spawn_says},
      {"what a filter takes away", what_a_filter_takes_away},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
