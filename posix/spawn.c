/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawn(3), posix_spawnp(3), and glibc's pidfd_spawn and pidfd_spawnp (2.39), by fe_spawn. */

#include "objects.h"
#include "stand_in.h"

#include <errno.h>
#include <stdlib.h>

int pidfd_spawn(int *restrict pidfd, const char *restrict path,
                const posix_spawn_file_actions_t *restrict file_actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                char *const envp[restrict]);
int pidfd_spawnp(int *restrict pidfd, const char *restrict file,
                 const posix_spawn_file_actions_t *restrict file_actions,
                 const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                 char *const envp[restrict]);

/* What the attributes become; they stay as long as `attr` is used. */
static int translate(fe_attr *attr, fe_scheduling *scheduling, const struct attributes *from) {
  int flags = from->flags;
  if (flags & POSIX_SPAWN_RESETIDS) attr->flags |= FE_RESETIDS;
  if (flags & POSIX_SPAWN_SETSID) attr->flags |= FE_SETSID;
  if (flags & POSIX_SPAWN_SETPGROUP) {
    /* A session leader cannot change its group. */
    if (flags & POSIX_SPAWN_SETSID) return EPERM;
    attr->flags |= FE_SETPGID;
    attr->pgid = from->pgroup;
  }
  if (flags & POSIX_SPAWN_SETSIGDEF) attr->sigdefault = &from->sigdefault;
  if (flags & POSIX_SPAWN_SETSIGMASK) attr->sigmask = &from->sigmask;
  if (flags & (POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSCHEDPARAM)) {
    bool policy = (flags & POSIX_SPAWN_SETSCHEDULER) != 0;
    scheduling->flags = policy ? FE_SCHED_POLICY : FE_SCHED_PRIORITY;
    if (policy) scheduling->policy = from->policy;
    scheduling->priority = from->priority;
    attr->scheduling = scheduling;
  }
  if (flags & POSIX_SPAWN_SETCGROUP) {
    attr->flags |= FE_CGROUP;
    attr->cgroup = from->cgroup;
  }
  return 0;
}

struct wanted {
  const char *path;
  const posix_spawn_file_actions_t *file_actions;
  const posix_spawnattr_t *attributes;
  char *const *argv, *const *envp;
  uint64_t flags;
};

/* 0, or the error number. */
static int spawn(const struct wanted *wanted, fe_child *child) {
  static char empty[] = "";
  static char *const no_arguments[] = {empty, NULL}, *const nothing[] = {NULL};
  fe_attr attr = FE_ATTR_INIT;
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  fe_error error;
  if (missing(wanted->path)) return EINVAL;
  attr.flags = wanted->flags;
  attr.path = wanted->path;
  /* As the kernel has it for execve(2): no argv is {""}, no envp is empty. */
  attr.argv = wanted->argv != NULL && wanted->argv[0] != NULL ? wanted->argv : no_arguments;
  attr.envp = wanted->envp != NULL ? wanted->envp : nothing;
  if (wanted->attributes != NULL) {
    const struct attributes *attributes = attributes_of(wanted->attributes);
    if (attributes == NULL) return EINVAL;
    int result = translate(&attr, &scheduling, attributes);
    if (result != 0) return result;
  }
  if (wanted->file_actions != NULL) {
    const struct actions *actions = actions_of(wanted->file_actions);
    if (actions == NULL) return EINVAL;
    attr.actions = actions->list;
    attr.nactions = actions->used;
  }
  if (fe_spawn(&attr, child, &error) == 0) return 0;
  if (!was_killed(&error)) return error.errnum;
  return stand_in(&attr, &error, child);
}

static int spawn_pid(pid_t *pid, const struct wanted *wanted) {
  fe_child child;
  int saved = errno, result = spawn(wanted, &child);
  /* POSIX leaves errno alone. Nothing but the pid is in the child. */
  errno = saved;
  if (result == 0 && pid != NULL) *pid = child.pid;
  return result;
}

static int spawn_pidfd(int *pidfd, const struct wanted *wanted) {
  fe_child child;
  if (missing(pidfd)) return EINVAL;
  int saved = errno, result = spawn(wanted, &child);
  errno = saved;
  if (result == 0) *pidfd = child.pidfd;
  return result;
}

int posix_spawn(pid_t *restrict pid, const char *restrict path,
                const posix_spawn_file_actions_t *restrict file_actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                char *const envp[restrict]) {
  struct wanted wanted = {path, file_actions, attributes, argv, envp, 0};
  return spawn_pid(pid, &wanted);
}

int posix_spawnp(pid_t *restrict pid, const char *restrict file,
                 const posix_spawn_file_actions_t *restrict file_actions,
                 const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                 char *const envp[restrict]) {
  struct wanted wanted = {file, file_actions, attributes, argv, envp, FE_SEARCH_PATH};
  return spawn_pid(pid, &wanted);
}

int pidfd_spawn(int *restrict pidfd, const char *restrict path,
                const posix_spawn_file_actions_t *restrict file_actions,
                const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                char *const envp[restrict]) {
  struct wanted wanted = {path, file_actions, attributes, argv, envp, FE_PIDFD};
  return spawn_pidfd(pidfd, &wanted);
}

int pidfd_spawnp(int *restrict pidfd, const char *restrict file,
                 const posix_spawn_file_actions_t *restrict file_actions,
                 const posix_spawnattr_t *restrict attributes, char *const argv[restrict],
                 char *const envp[restrict]) {
  struct wanted wanted = {file, file_actions, attributes, argv, envp, FE_SEARCH_PATH | FE_PIDFD};
  return spawn_pidfd(pidfd, &wanted);
}
