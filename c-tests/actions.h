/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists of file actions. Needs test.h. */
#ifndef ACTIONS_H
#define ACTIONS_H

#include "test.h"

#define GIVE(attr, list, ...)                                                                      \
  const fe_file_action list[] = {__VA_ARGS__};                                                     \
  (attr)->actions = list;                                                                          \
  (attr)->nactions = sizeof list / sizeof *list
/* Those actions; the list lives as long as the function's block. */
#define ACT(attr, ...) GIVE(attr, act_, __VA_ARGS__)

/* The same for one spawn after the other. */
#define PROBE(way, seen, ...)                                                                      \
  do {                                                                                             \
    fe_attr attr_ = FE_ATTR_INIT;                                                                  \
    GIVE(&attr_, one_, __VA_ARGS__);                                                               \
    seen = probe(&attr_, way);                                                                     \
  } while (0)
#define FAILS(way, errnum, step, index, ...)                                                       \
  do {                                                                                             \
    fe_attr attr_ = nothing();                                                                     \
    GIVE(&attr_, one_, __VA_ARGS__);                                                               \
    spawn_fails(&attr_, way, errnum, step, index);                                                 \
  } while (0)

/* A program that does nothing. */
static inline fe_attr nothing(void) {
  static char *argv[] = {(char *)"true", NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = argv;
  return attr;
}

/* The shell with that script. */
static inline fe_attr shell(const char *script) {
  static char *argv[4];
  fe_attr attr = FE_ATTR_INIT;
  argv[0] = (char *)"sh";
  argv[1] = (char *)"-c";
  argv[2] = (char *)(uintptr_t)script;
  attr.path = "/bin/sh";
  attr.argv = argv;
  return attr;
}

static inline int step_of(const fe_file_action *action) {
  switch (action->action) {
    case FE_ACTION_OPEN: return FE_STEP_ACTION_OPEN;
    case FE_ACTION_DUP2: return FE_STEP_ACTION_DUP2;
    case FE_ACTION_CLOSE: return FE_STEP_ACTION_CLOSE;
    case FE_ACTION_CHDIR: return FE_STEP_ACTION_CHDIR;
    case FE_ACTION_FCHDIR: return FE_STEP_ACTION_FCHDIR;
    case FE_ACTION_CLOSEFROM: return FE_STEP_ACTION_CLOSEFROM;
    default: return FE_STEP_ACTION_TCSETPGRP;
  }
}

/* What the probe sees as descriptor `fd`: an identity, or "". */
static inline const char *seen_fd(const char *seen, int fd) {
  char key[20];
  snprintf(key, sizeof key, "fd.%d", fd);
  return value(seen, key);
}

#endif
