/* SPDX-License-Identifier: BSD-3-Clause */
/* What /proc says of a process. Needs test.h. */
#ifndef STATUS_H
#define STATUS_H

#include "test.h"

/* All of /proc/PID/status but what changes by itself: counters, and what memory and tables grow to. Free it. */
static inline char *status_of(pid_t pid) {
  static const char *const by_itself[] = {"Vm", "Rss", "State", "SigQ", "FDSize", "voluntary", "nonvoluntary"};
  char path[64], line[1024], *text = NULL;
  size_t length = 0;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *status = fopen(path, "re"), *out = open_memstream(&text, &length);
  NEED(status != NULL && out != NULL);
  while (fgets(line, sizeof line, status)) {
    bool stays = true;
    for (size_t i = 0; i < sizeof by_itself / sizeof *by_itself; i++)
      stays = stays && strncmp(line, by_itself[i], strlen(by_itself[i])) != 0;
    if (stays) fputs(line, out);
  }
  fclose(status);
  NEED(fclose(out) == 0);
  return text;
}

/* A set of capabilities as `key` says. */
static inline uint64_t set_of(pid_t pid, const char *key) {
  char *status = status_of(pid);
  const char *line = strstr(status, key);
  NEED(line != NULL);
  uint64_t set = strtoull(line + strlen(key) + 1, NULL, 16);
  free(status);
  return set;
}

/* The probe as `attr` says, and the caller is afterwards what it was before. */
static inline char *probe_unchanged(fe_attr *attr, unsigned way) {
  char *before = status_of(getpid()), *before2 = snapshot();
  char *seen = probe(attr, way);
  char *after = status_of(getpid()), *after2 = snapshot();
  CHECK_STR(after, before);
  CHECK_STR(after2, before2);
  free(before);
  free(before2);
  free(after);
  free(after2);
  return seen;
}

#endif
