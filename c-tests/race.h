/* SPDX-License-Identifier: BSD-3-Clause */
/* Randomness by a seed that is printed, and c-tests/verify.c to be started. Needs test.h. */
#ifndef RACE_H
#define RACE_H

#include "test.h"

#include <stdint.h>
#include <sys/mman.h>
#include <time.h>

/* splitmix64 */
struct random {
  uint64_t state;
};

static inline uint64_t draw(struct random *random) {
  uint64_t z = random->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

/* That of the environment, else another one each time. */
static inline struct random random_seed(void) {
  const char *given = getenv("SEED");
  struct timespec time;
  clock_gettime(CLOCK_REALTIME, &time);
  struct random random = {given && *given ? strtoull(given, NULL, 10) : (uint64_t)time.tv_nsec};
  note("SEED=%llu", (unsigned long long)random.state);
  return random;
}

/* What verify calls a descriptor. */
static inline const char *known(int fd) {
  static __thread char texts[8][40];
  static __thread unsigned next;
  char *text = texts[next++ % 8];
  struct stat st;
  NEED(fstat(fd, &st) == 0);
  snprintf(text, sizeof texts[0], "%llx.%llx", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
  return text;
}

/* A copy that any user can start. */
static inline void install_verify(char *path, size_t size) {
  static char buffer[1 << 16];
  char from[4096];
  snprintf(from, sizeof from, "%.*s/verify", (int)(strrchr(probe_path(), '/') - probe_path()), probe_path());
  snprintf(path, size, "%s/verify", scratch());
  unlink(path); /* a child of the case before may still run it */
  int in = open(from, O_RDONLY | O_CLOEXEC), out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  NEED(in >= 0 && out >= 0 && fchmod(out, 0755) == 0);
  for (ssize_t n; (n = read(in, buffer, sizeof buffer)) != 0;) NEED(n > 0 && write(out, buffer, (size_t)n) == n);
  close(in);
  close(out);
}

/* Whether a user can be had by a stage here. */
static inline bool can_stage(void) {
  static char *argv[] = {(char *)"true", NULL};
  fe_credential credential = FE_CREDENTIAL_INIT;
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  credential.uid = credential.gid = UNPRIVILEGED;
  attr.path = "/bin/true";
  attr.argv = argv;
  attr.credential = &credential;
  attr.way = FE_WAY_STAGED;
  if (fe_spawn(&attr, &child, NULL) != 0) return false;
  fe_wait(&child, -1, NULL);
  fe_child_close(&child);
  return true;
}

static inline int threads_now(void) {
  FILE *status = fopen("/proc/self/status", "re");
  char line[256];
  int threads = -1;
  while (status && fgets(line, sizeof line, status)) sscanf(line, "Threads: %d", &threads);
  if (status) fclose(status);
  return threads;
}

#endif
