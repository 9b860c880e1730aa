/* SPDX-License-Identifier: BSD-3-Clause */
/* What is in a posix_spawnattr_t and a posix_spawn_file_actions_t. Programs allocate them with the C
 * library's sizes and look at nothing in them.
 *
 * An object that was never initialised must not crash anybody. One that is all zero, as static ones
 * are and many C libraries let pass, is taken for a fresh one; of any other the mark is missing, and it is
 * EINVAL, as is one that was destroyed. */
#ifndef OBJECTS_H
#define OBJECTS_H

#include "missing.h"

#include <forkexec.h>
#include <signal.h>
#include <spawn.h>

struct attributes {
  uint64_t mark;
  int flags;
  pid_t pgroup;
  int policy;
  int priority;
  int cgroup;
  sigset_t sigdefault;
  sigset_t sigmask;
};

struct actions {
  uint64_t mark;
  size_t used, allocated;
  fe_file_action *list; /* the paths in it are copies of its own */
};

_Static_assert(sizeof(struct attributes) <= sizeof(posix_spawnattr_t), "it must fit");
_Static_assert(sizeof(struct actions) <= sizeof(posix_spawn_file_actions_t), "it must fit");
_Static_assert(_Alignof(struct attributes) <= _Alignof(posix_spawnattr_t), "and be aligned");
_Static_assert(_Alignof(struct actions) <= _Alignof(posix_spawn_file_actions_t), "and be aligned");

/* glibc's since 2.39, on older headers. */
#ifndef POSIX_SPAWN_SETCGROUP
#define POSIX_SPAWN_SETCGROUP 0x100
#endif

/* What is in the object; NULL for one that was never initialised, or was destroyed. */
const struct attributes *attributes_of(const posix_spawnattr_t *object);
const struct actions *actions_of(const posix_spawn_file_actions_t *object);

#endif
