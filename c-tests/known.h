/* SPDX-License-Identifier: BSD-3-Clause */
/* The library, for programs with more privileges than their user (AT_SECURE of getauxval(3)). Needs test.h. */
#ifndef KNOWN_H
#define KNOWN_H

#include "test.h"

#include <sys/mount.h>

static inline bool directory_of_library(char *path, size_t size) {
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[4400];
  path[0] = 0;
  while (maps && !path[0] && fgets(line, sizeof line, maps)) {
    char *name = strchr(line, '/');
    char *last = name ? strrchr(name, '/') : NULL;
    if (last && strncmp(last, "/libforkexec.so", 15) == 0)
      snprintf(path, size, "%.*s", (int)(last - name), name);
  }
  if (maps) fclose(maps);
  return path[0] != 0;
}

/* The loader does not look for libraries of such a program where the environment or $ORIGIN say, but in
 * its cache: so for this case there is a cache that knows ours. */
static inline void make_the_library_known(void) {
  char directory[400], command[1200];
  NEED(directory_of_library(directory, sizeof directory));
  const char *list = kept_path("ld.so.conf"), *cache = kept_path("ld.so.cache");
  FILE *file = fopen(list, "we");
  NEED(file != NULL && fprintf(file, "%s\n", directory) > 0 && fclose(file) == 0);
  snprintf(command, sizeof command, "PATH=/sbin:/usr/sbin:$PATH ldconfig -X -f '%s' -C '%s' 2>/dev/null",
           list, cache);
  if (system(command) != 0) skip("no ldconfig that makes a cache");
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
      mount(cache, "/etc/ld.so.cache", NULL, MS_BIND, NULL) != 0)
    skip("no mount namespace with another ld.so.cache");
}

#endif
