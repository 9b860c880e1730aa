/* SPDX-License-Identifier: BSD-3-Clause */
/* All that /proc shows of the caller is the same after a spawn as before, whatever the child gets, whether it
 * succeeds, and in every way. */
#include "test.h"

#include "beside.h"
#include "cgroup.h"
#include "filter.h"
#include "namespaces.h"
#include "staged.h"
#include "standing.h"

#include <linux/capability.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

/* A child that gets nearly all that there is. */
struct all {
  fe_attr attr;
  fe_credential credential;
  fe_limits limits;
  fe_rlimit rlimits[3];
  fe_scheduling scheduling;
  fe_namespaces namespaces;
  fe_privileges privileges;
  fe_sandbox sandbox;
  struct sock_filter filter[1];
  cpu_set_t cpus;
  sigset_t mask, some;
  int files[5];
};

static void make(struct all *all, unsigned way, bool privileged) {
  memset(all, 0, sizeof *all);
  fe_attr *attr = &all->attr;
  *attr = nothing();
  attr->flags = FE_SETSID | FE_NOCTTY | FE_CLOSE_OTHERS | FE_NO_NEW_PRIVS | FE_SEARCH_PATH;
  attr->path = "true";
  attr->search_path = "/nowhere:/bin";
  attr->dir = "/tmp";
  attr->pdeathsig = SIGKILL;
  const int files[] = {FE_NULL, 2, 1, 0, 2};
  memcpy(all->files, files, sizeof files);
  attr->files = all->files;
  attr->nfiles = 5;
  sigfillset(&all->mask);
  sigemptyset(&all->some);
  sigaddset(&all->some, SIGUSR1);
  attr->sigmask = &all->mask;
  attr->sigignore = &all->some;
  all->limits = (fe_limits)FE_LIMITS_INIT;
  all->rlimits[0] = (fe_rlimit)FE_RLIMIT(RLIMIT_CORE, 0, 0);
  all->rlimits[1] = (fe_rlimit)FE_RLIMIT(RLIMIT_NOFILE, 20, 20);
  all->limits.rlimits = all->rlimits;
  all->limits.nrlimits = 2;
  all->limits.flags = FE_LIMIT_UMASK | FE_LIMIT_PERSONALITY | FE_LIMIT_OOM_SCORE_ADJ;
  all->limits.umask = 0777;
  all->limits.personality = ADDR_NO_RANDOMIZE;
  all->limits.oom_score_adj = 900;
  attr->limits = &all->limits;
  all->scheduling = (fe_scheduling)FE_SCHEDULING_INIT;
  all->scheduling.flags = FE_SCHED_NICE | FE_SCHED_IOPRIO | FE_SCHED_POLICY;
  all->scheduling.policy = SCHED_BATCH;
  all->scheduling.nice = 19;
  all->scheduling.ioprio = 3 << 13;
  all->scheduling.timer_slack_ns = 77777;
  NEED(sched_getaffinity(0, sizeof all->cpus, &all->cpus) == 0);
  for (size_t i = 0, found = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &all->cpus) && found++) CPU_CLR(i, &all->cpus);
  all->scheduling.affinity = &all->cpus;
  all->scheduling.affinity_size = sizeof all->cpus;
  attr->scheduling = &all->scheduling;
  all->filter[0] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  all->sandbox = (fe_sandbox)FE_SANDBOX_INIT;
  all->sandbox.filter = all->filter;
  all->sandbox.nfilter = 1;
  attr->sandbox = &all->sandbox;
  if (!privileged) return;
  all->namespaces = (fe_namespaces)FE_NAMESPACES_INIT;
  all->namespaces.unshare = CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC;
  attr->namespaces = &all->namespaces;
  attr->cloneflags = CLONE_NEWNET;
  attr->chroot = "/";
  all->privileges = (fe_privileges)FE_PRIVILEGES_INIT;
  all->privileges.flags = FE_PRIVILEGES_BOUNDING;
  all->privileges.bounding = 1;
  attr->privileges = &all->privileges;
  if (way == FE_WAY_SHARED || way == FE_WAY_CONCURRENT) return;
  all->credential = (fe_credential)FE_CREDENTIAL_INIT;
  all->credential.uid = all->credential.gid = UNPRIVILEGED;
  static const gid_t groups[] = {5, 6};
  all->credential.groups = groups;
  all->credential.ngroups = 2;
  attr->credential = &all->credential;
}

static void same_after(unsigned way, bool privileged) {
  struct all all;
  for (int i = 0; i < 4; i++) {
    make(&all, way, privileged);
    fe_attr *attr = &all.attr;
    attr->way = way;
    /* oom_score_adj is the memory's: not beside its caller. */
    if (way == FE_WAY_CONCURRENT) all.limits.flags &= ~FE_LIMIT_OOM_SCORE_ADJ, all.limits.oom_score_adj = 0;
    if (i == 1) attr->dir = "/nonexistent";
    if (i == 2) attr->path = "/nonexistent";
    if (i == 3) attr->flags |= world_has(HAS_PIDFD) ? FE_PIDFD : 0;
    char *before = standing();
    fe_child child;
    fe_error error;
    int result = fe_spawn(attr, &child, &error);
    if (i == 0 || i == 3) {
      if (!CHECK_INT(result, 0)) note("%s %d: %s", fe_step_name(error.step), error.index, errno_name(error.errnum));
      int status = -1;
      CHECK_INT(fe_wait(&child, -1, &status), 0);
      CHECK_INT(status, 0);
    } else {
      CHECK_INT(result, -1);
      CHECK_INT(error.step, i == 1 ? FE_STEP_CHDIR : FE_STEP_EXEC);
    }
    fe_child_close(&child);
    char *after = standing();
    CHECK_STR(after, before);
    free(before);
    free(after);
  }
}

static void as_root(void) {
  need(HAS_SECCOMP | HAS_PIDFD | HAS_CLONE_FLAGS | HAS_NAMESPACES);
  need_root();
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++)
    if (expected_way(way) != 0) same_after(way, true);
}

static void with_a_stage(void) {
  need_stage();
  same_after(FE_WAY_STAGED, true);
}

static void as_anybody(void) {
  need(HAS_SECCOMP | HAS_PIDFD);
  need_root();
  become_unprivileged();
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++)
    if (expected_way(way) != 0) same_after(way, false);
}

/* Without a right it is EPERM, or EACCES, at the step that needs it. */
static void each_right_by_its_step(void) {
  need_root();
  become_unprivileged();
  for (int i = 0; i < 8; i++) {
    fe_attr attr = nothing();
    fe_namespaces namespaces = FE_NAMESPACES_INIT;
    fe_limits limits = FE_LIMITS_INIT;
    fe_scheduling scheduling = FE_SCHEDULING_INIT;
    fe_privileges privileges = FE_PRIVILEGES_INIT;
    fe_credential credential = FE_CREDENTIAL_INIT;
    const fe_rlimit rlimit = FE_RLIMIT(RLIMIT_NOFILE, RLIM_INFINITY, RLIM_INFINITY);
    int errnum = EPERM, step = 0, index = -1;
    unsigned way = FE_WAY_PIPED;
    switch (i) {
      case 0: attr.namespaces = &namespaces, namespaces.unshare = CLONE_NEWNET, step = FE_STEP_UNSHARE; break;
      case 1: attr.limits = &limits, limits.rlimits = &rlimit, limits.nrlimits = 1, step = FE_STEP_RLIMITS, index = 0; break;
      case 2: attr.scheduling = &scheduling, scheduling.flags = FE_SCHED_NICE, scheduling.nice = -20,
              step = FE_STEP_NICE, errnum = EACCES; break;
      case 3: attr.scheduling = &scheduling, scheduling.flags = FE_SCHED_POLICY, scheduling.policy = SCHED_FIFO,
              scheduling.priority = 9, step = FE_STEP_SCHEDULING; break;
      case 4: attr.privileges = &privileges, privileges.flags = FE_PRIVILEGES_BOUNDING, step = FE_STEP_BOUNDING, index = 0; break;
      case 5: attr.credential = &credential, credential.uid = 0, credential.gid = UNPRIVILEGED, step = FE_STEP_SETUID; break;
      case 6: attr.chroot = "/", step = FE_STEP_CHROOT; break;
      default: attr.limits = &limits, limits.flags = FE_LIMIT_OOM_SCORE_ADJ, limits.oom_score_adj = -1000,
               step = FE_STEP_OOM_SCORE_ADJ, errnum = EACCES; break;
    }
    spawn_fails(&attr, way, errnum, step, index);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"as root", as_root},
      {"with a stage", with_a_stage},
      {"as anybody", as_anybody},
      {"each right by its step", each_right_by_its_step},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
