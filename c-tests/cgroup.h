/* SPDX-License-Identifier: BSD-3-Clause */
/* Where cgroups (version 2) can be made. Needs test.h. */
#ifndef CGROUP_H
#define CGROUP_H

#include "test.h"

#include <sys/mount.h>

static inline void write_to(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && close(fd) == 0);
}

/* Where version 2 is mounted; else for this case. */
static inline void find_mount(char *at, size_t size) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char line[4096], path[300];
  at[0] = 0;
  while (mounts && !at[0] && fgets(line, sizeof line, mounts))
    if (strstr(line, " - cgroup2 ") && sscanf(line, "%*d %*d %*s %*s %299s", path) == 1 &&
        access(path, W_OK) == 0)
      snprintf(at, size, "%s", path);
  if (mounts) fclose(mounts);
  if (at[0]) return;
  snprintf(at, size, "%s", scratch_path("cgroup"));
  if (mkdir(at, 0755) != 0 || unshare(CLONE_NEWNS) != 0 ||
      mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount("none", at, "cgroup2", 0, NULL) != 0)
    skip("no cgroup2 that can be written to");
}

/* A cgroup below the one where the controller's are, of version 1 or 2, or the case is skipped. */
static inline const char *controlled_cgroup(const char *controller, const char *reason) {
  char line[4096], path[300], kind[400], seen[300];
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  const char *made = NULL;
  while (mounts && !made && fgets(line, sizeof line, mounts)) {
    const char *type = strstr(line, " - cgroup");
    if (!type || sscanf(line, "%*d %*d %*s %*s %299s", path) != 1) continue;
    snprintf(kind, sizeof kind, "%s/cgroup.subtree_control", path);
    FILE *file = fopen(kind, "re");
    if (!file || !fgets(seen, sizeof seen, file)) seen[0] = 0;
    if (file) fclose(file);
    if (!strstr(strrchr(line, ' '), controller) && !strstr(seen, controller)) continue;
    snprintf(line, sizeof line, "%s/forkexec-test-%d", path, (int)getpid());
    if (mkdir(line, 0755) == 0) made = strdup(line);
  }
  if (mounts) fclose(mounts);
  if (!made) skip(reason);
  return made;
}

#endif
