/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawnattr_init(3) and all that sets and gets. */

#include "objects.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#define MARK UINT64_C(0xfe5ba3a77291e401)
#define DESTROYED UINT64_C(0xfe5ba3a7dead0001)

static const struct attributes zero;

const struct attributes *attributes_of(const posix_spawnattr_t *object) {
  const struct attributes *attributes = (const void *)object;
  if (missing(attributes)) return NULL;
  if (attributes->mark == MARK) return attributes;
  return memcmp(attributes, &zero, sizeof zero) == 0 ? &zero : NULL;
}

static struct attributes *writable(posix_spawnattr_t *object) {
  if (attributes_of(object) == NULL) return NULL;
  struct attributes *attributes = (void *)object;
  attributes->mark = MARK;
  return attributes;
}

int posix_spawnattr_init(posix_spawnattr_t *object) {
  if (missing(object)) return EINVAL;
  struct attributes *attributes = memset((void *)object, 0, sizeof *object);
  attributes->mark = MARK;
  return 0;
}

int posix_spawnattr_destroy(posix_spawnattr_t *object) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL) return EINVAL;
  attributes->mark = DESTROYED;
  return 0;
}

int posix_spawnattr_setflags(posix_spawnattr_t *object, short flags) {
  const int known = POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF |
                    POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSCHEDPARAM | POSIX_SPAWN_SETSCHEDULER |
                    POSIX_SPAWN_USEVFORK | POSIX_SPAWN_SETSID | POSIX_SPAWN_SETCGROUP;
  struct attributes *attributes = writable(object);
  if (attributes == NULL || (flags & ~known) != 0) return EINVAL;
  attributes->flags = flags;
  return 0;
}

int posix_spawnattr_getflags(const posix_spawnattr_t *object, short *flags) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(flags)) return EINVAL;
  *flags = (short)attributes->flags;
  return 0;
}

int posix_spawnattr_setpgroup(posix_spawnattr_t *object, pid_t pgroup) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL) return EINVAL;
  attributes->pgroup = pgroup;
  return 0;
}

int posix_spawnattr_getpgroup(const posix_spawnattr_t *object, pid_t *pgroup) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(pgroup)) return EINVAL;
  *pgroup = attributes->pgroup;
  return 0;
}

int posix_spawnattr_setsigdefault(posix_spawnattr_t *object, const sigset_t *set) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL || missing(set)) return EINVAL;
  attributes->sigdefault = *set;
  return 0;
}

int posix_spawnattr_getsigdefault(const posix_spawnattr_t *object, sigset_t *set) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(set)) return EINVAL;
  *set = attributes->sigdefault;
  return 0;
}

int posix_spawnattr_setsigmask(posix_spawnattr_t *object, const sigset_t *set) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL || missing(set)) return EINVAL;
  attributes->sigmask = *set;
  return 0;
}

int posix_spawnattr_getsigmask(const posix_spawnattr_t *object, sigset_t *set) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(set)) return EINVAL;
  *set = attributes->sigmask;
  return 0;
}

int posix_spawnattr_setschedpolicy(posix_spawnattr_t *object, int policy) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL) return EINVAL;
  switch (policy) {
    case SCHED_OTHER:
    case SCHED_FIFO:
    case SCHED_RR:
    case SCHED_BATCH:
    case SCHED_IDLE: attributes->policy = policy; return 0;
    default: return EINVAL;
  }
}

int posix_spawnattr_getschedpolicy(const posix_spawnattr_t *object, int *policy) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(policy)) return EINVAL;
  *policy = attributes->policy;
  return 0;
}

int posix_spawnattr_setschedparam(posix_spawnattr_t *object, const struct sched_param *param) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL || missing(param)) return EINVAL;
  attributes->priority = param->sched_priority;
  return 0;
}

int posix_spawnattr_getschedparam(const posix_spawnattr_t *object, struct sched_param *param) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(param)) return EINVAL;
  memset(param, 0, sizeof *param);
  param->sched_priority = attributes->priority;
  return 0;
}

/* glibc's since 2.39. */
int posix_spawnattr_setcgroup_np(posix_spawnattr_t *object, int cgroup);
int posix_spawnattr_setcgroup_np(posix_spawnattr_t *object, int cgroup) {
  struct attributes *attributes = writable(object);
  if (attributes == NULL) return EINVAL;
  attributes->cgroup = cgroup;
  return 0;
}

int posix_spawnattr_getcgroup_np(const posix_spawnattr_t *object, int *cgroup);
int posix_spawnattr_getcgroup_np(const posix_spawnattr_t *object, int *cgroup) {
  const struct attributes *attributes = attributes_of(object);
  if (attributes == NULL || missing(cgroup)) return EINVAL;
  *cgroup = attributes->cgroup;
  return 0;
}
