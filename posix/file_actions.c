/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawn_file_actions_init(3) and all that adds. An action is stored as fe_spawn takes it. */

#include "objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK UINT64_C(0xfe5ba3acc71005f1)
#define DESTROYED UINT64_C(0xfe5ba3acdead00f1)

static const struct actions zero;

const struct actions *actions_of(const posix_spawn_file_actions_t *object) {
  const struct actions *actions = (const void *)object;
  if (missing(actions)) return NULL;
  if (actions->mark == MARK) return actions;
  return memcmp(actions, &zero, sizeof zero) == 0 ? &zero : NULL;
}

static struct actions *writable(posix_spawn_file_actions_t *object) {
  if (actions_of(object) == NULL) return NULL;
  struct actions *actions = (void *)object;
  actions->mark = MARK;
  return actions;
}

int posix_spawn_file_actions_init(posix_spawn_file_actions_t *object) {
  if (missing(object)) return EINVAL;
  struct actions *actions = memset((void *)object, 0, sizeof *object);
  actions->mark = MARK;
  return 0;
}

int posix_spawn_file_actions_destroy(posix_spawn_file_actions_t *object) {
  struct actions *actions = writable(object);
  if (actions == NULL) return EINVAL;
  int saved = errno;
  for (size_t i = 0; i < actions->used; i++) free((char *)(uintptr_t)actions->list[i].path);
  free(actions->list);
  memset(actions, 0, sizeof *actions);
  actions->mark = DESTROYED;
  errno = saved;
  return 0;
}

/* POSIX: EBADF for a number that is negative or not below OPEN_MAX. Whether it is open is seen when the
 * action's turn comes. */
static int is_possible(int fd) {
  long limit = sysconf(_SC_OPEN_MAX);
  return fd >= 0 && (limit < 0 || fd < limit);
}

/* Takes over the path. */
static int append(posix_spawn_file_actions_t *object, fe_file_action action) {
  struct actions *actions = writable(object);
  if (actions == NULL) return EINVAL;
  if (actions->used == actions->allocated) {
    size_t more = actions->allocated == 0 ? 8 : actions->allocated * 2;
    fe_file_action *list = reallocarray(actions->list, more, sizeof *list);
    if (list == NULL) return ENOMEM;
    actions->list = list;
    actions->allocated = more;
  }
  actions->list[actions->used++] = action;
  return 0;
}

static int add(posix_spawn_file_actions_t *object, fe_file_action action) {
  int saved = errno;
  int result = append(object, action);
  errno = saved;
  return result;
}

static int add_with_path(posix_spawn_file_actions_t *object, fe_file_action action) {
  int saved = errno, result = EINVAL;
  if (!missing(action.path)) {
    char *copy = strdup(action.path);
    action.path = copy;
    result = copy == NULL ? ENOMEM : append(object, action);
    if (result != 0) free(copy);
  }
  errno = saved;
  return result;
}

int posix_spawn_file_actions_addopen(posix_spawn_file_actions_t *restrict object, int fd,
                                     const char *restrict path, int oflag, mode_t mode) {
  fe_file_action action = FE_OPEN(fd, path, oflag, mode);
  return is_possible(fd) ? add_with_path(object, action) : EBADF;
}

int posix_spawn_file_actions_adddup2(posix_spawn_file_actions_t *object, int from, int fd) {
  fe_file_action action = FE_DUP2(from, fd);
  return is_possible(from) && is_possible(fd) ? add(object, action) : EBADF;
}

int posix_spawn_file_actions_addclose(posix_spawn_file_actions_t *object, int fd) {
  fe_file_action action = FE_CLOSE(fd);
  return is_possible(fd) ? add(object, action) : EBADF;
}

int posix_spawn_file_actions_addclosefrom_np(posix_spawn_file_actions_t *object, int from) {
  fe_file_action action = FE_CLOSEFROM(from);
  return is_possible(from) ? add(object, action) : EBADF;
}

int posix_spawn_file_actions_addtcsetpgrp_np(posix_spawn_file_actions_t *object, int terminal) {
  fe_file_action action = FE_TCSETPGRP(terminal);
  return is_possible(terminal) ? add(object, action) : EBADF;
}

/* The names of POSIX.1-2024, and those of before. */
int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t *restrict object,
                                      const char *restrict path);
int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t *restrict object,
                                      const char *restrict path) {
  fe_file_action action = FE_CHDIR(path);
  return add_with_path(object, action);
}

int posix_spawn_file_actions_addchdir_np(posix_spawn_file_actions_t *restrict object,
                                         const char *restrict path) {
  return posix_spawn_file_actions_addchdir(object, path);
}

int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *object, int fd);
int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *object, int fd) {
  fe_file_action action = FE_FCHDIR(fd);
  return is_possible(fd) ? add(object, action) : EBADF;
}

int posix_spawn_file_actions_addfchdir_np(posix_spawn_file_actions_t *object, int fd) {
  return posix_spawn_file_actions_addfchdir(object, fd);
}
