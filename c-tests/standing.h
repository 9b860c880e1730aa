/* SPDX-License-Identifier: BSD-3-Clause */
/* How the calling process stands: all that /proc and the kernel tell of it but for time and memory in use. Needs test.h. */
#ifndef STANDING_H
#define STANDING_H

#include "test.h"

#include <dirent.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* Lines that tell of memory in use, and of time: they change by themselves. */
static inline bool is_of_use(const char *text) {
  static const char *const others[] = {"Vm", "Rss", "Hugetlb", "voluntary_", "nonvoluntary_", "SigQ:", "State:"};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (strncmp(text, others[i], strlen(others[i])) == 0) return false;
  return true;
}

static inline void add_file(FILE *out, const char *dir, const char *name) {
  char path[300], text[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  FILE *file = fopen(path, "re");
  if (file == NULL) return;
  fprintf(out, "== %s\n", path);
  while (fgets(text, sizeof text, file))
    if (is_of_use(text)) fputs(text, out);
  fclose(file);
}

static inline void add_link(FILE *out, const char *path) {
  char to[4096];
  ssize_t n = readlink(path, to, sizeof to);
  fprintf(out, "== %s -> %.*s\n", path, n > 0 ? (int)n : 0, to);
}

static inline int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Each with where it leads, and its flags. */
static inline void add_links_in(FILE *out, const char *dir) {
  char *paths[600];
  size_t n = 0;
  DIR *stream = opendir(dir);
  NEED(stream != NULL);
  for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(stream)) continue;
    NEED(n < 600 && asprintf(&paths[n], "%s/%s", dir, entry->d_name) > 0);
    n++;
  }
  closedir(stream);
  qsort(paths, n, sizeof *paths, compare);
  for (size_t i = 0; i < n; i++) {
    add_link(out, paths[i]);
    if (strstr(dir, "/fd") != NULL) fprintf(out, "flags %d\n", fcntl(atoi(strrchr(paths[i], '/') + 1), F_GETFD));
    free(paths[i]);
  }
}

/* Free it. */
static inline char *standing(void) {
  static const char *const files[] = {
      "status", "limits",  "cgroup", "oom_score_adj", "timerslack_ns", "mountinfo", "personality", "coredump_filter", "uid_map",
      "gid_map", "setgroups", "autogroup", "comm", "cmdline", "loginuid", "timens_offsets", "attr/current", "wchan"};
  static const char *const links[] = {"cwd", "root", "exe"};
  char path[100];
  char *seen = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&seen, &length);
  NEED(out != NULL);
  /* Those who ask have one thread. */
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) add_file(out, "/proc/self", files[i]);
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    snprintf(path, sizeof path, "/proc/self/%s", links[i]);
    add_link(out, path);
  }
  add_links_in(out, "/proc/self/ns");
  add_links_in(out, "/proc/self/fd");
  struct {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attr;
  memset(&attr, 0, sizeof attr);
  syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0);
  fprintf(out, "sched %u %llu %d %u\n", attr.policy, (unsigned long long)attr.flags, attr.nice, attr.priority);
  fprintf(out, "ioprio %ld\n", syscall(SYS_ioprio_get, 1, 0));
  int mode = -1;
  unsigned long nodes[16] = {0};
  if (syscall(SYS_get_mempolicy, &mode, nodes, 16 * 64, NULL, 0) == 0) fprintf(out, "mempolicy %d %lu\n", mode, nodes[0]);
  static const int asked[] = {PR_GET_DUMPABLE, PR_GET_KEEPCAPS, PR_GET_SECUREBITS, PR_GET_NO_NEW_PRIVS, PR_GET_SECCOMP,
                              PR_GET_TIMERSLACK, PR_GET_CHILD_SUBREAPER, PR_GET_TSC};
  for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
    int value = 0;
    long result = asked[i] == PR_GET_CHILD_SUBREAPER || asked[i] == PR_GET_TSC
                      ? prctl(asked[i], &value)
                      : prctl(asked[i], 0, 0, 0, 0);
    fprintf(out, "prctl %d: %ld %d\n", asked[i], result, value);
  }
  int death = 0;
  prctl(PR_GET_PDEATHSIG, &death);
  fprintf(out, "pdeathsig %d\n", death);
  fclose(out);
  return seen;
}

#endif
