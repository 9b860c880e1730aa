/* SPDX-License-Identifier: BSD-3-Clause */
/* Namespaces, as the probe and /proc name them. Needs test.h. */
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include "test.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct {
  const char *link;
  uint64_t flag;
} kinds[] = {
    {"cgroup", CLONE_NEWCGROUP}, {"ipc", CLONE_NEWIPC},   {"mnt", CLONE_NEWNS},
    {"net", CLONE_NEWNET},       {"pid", CLONE_NEWPID},   {"time", CLONE_NEWTIME},
    {"user", CLONE_NEWUSER},     {"uts", CLONE_NEWUTS},
};
enum { TIME = 5, KINDS = sizeof kinds / sizeof *kinds };

static inline bool is_there(int kind) {
  char path[64];
  snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[kind].link);
  bool there = access(path, F_OK) == 0;
  if (kinds[kind].flag == CLONE_NEWTIME) there = there && world_has(HAS_ANY_CLONE3 | HAS_TIME_NAMESPACES);
  if (kinds[kind].flag == CLONE_NEWCGROUP) there = there && world_has(HAS_CGROUP_NAMESPACES);
  if (!there) note("this kernel has no %s namespaces", kinds[kind].link);
  return there;
}

/* skip() unless this user may have user namespaces. */
static inline void need_user_namespaces(void) {
  pid_t pid = fork_apart();
  if (pid == 0) _exit(unshare(CLONE_NEWUSER) != 0);
  int status;
  NEED(pid > 0 && waitpid(pid, &status, 0) == pid);
  if (status != 0) skip("no user namespaces for the unprivileged");
}

/* The namespaces of `flags` are other ones than the caller's, all others are the caller's. */
static inline void check_links(const char *seen, uint64_t flags) {
  for (int i = 0; i < KINDS; i++) {
    char path[64], key[16], own[64] = "";
    snprintf(path, sizeof path, "/proc/self/ns/%s", kinds[i].link);
    snprintf(key, sizeof key, "ns.%s", kinds[i].link);
    if (readlink(path, own, sizeof own - 1) < 0) continue;
    const char *inside = value(seen, key);
    CHECK(inside[0] != 0);
    if (flags & kinds[i].flag)
      check(__FILE__, __LINE__, strcmp(inside, own) != 0, "another namespace", key);
    else
      CHECK_STR(inside, own);
  }
}

#endif
