/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the drop-in for posix_spawn(3) share. Needs test.h. */
#ifndef POSIX_H
#define POSIX_H

#include "test.h"

#include <spawn.h>
#include <stdint.h>

/* Newer than the headers of glibc 2.36. */
#ifndef POSIX_SPAWN_SETCGROUP
#define POSIX_SPAWN_SETCGROUP 0x100
#endif
int pidfd_spawn(int *pidfd, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int pidfd_spawnp(int *pidfd, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int posix_spawnattr_setcgroup_np(posix_spawnattr_t *attributes, int cgroup);
int posix_spawnattr_getcgroup_np(const posix_spawnattr_t *attributes, int *cgroup);
int posix_spawn_file_actions_addchdir(posix_spawn_file_actions_t *actions, const char *path);
int posix_spawn_file_actions_addfchdir(posix_spawn_file_actions_t *actions, int fd);

extern char **environ;

#define CHECK_ERR(got, wanted) CHECK_STR(errno_name(got), errno_name(wanted))

/* As a program that knows neither the type nor nonnull would call it: with these, compilers warn of
 * NULL and of objects that were never initialised. */
static inline void *hide(const void *pointer) {
  void *volatile hidden = (void *)(uintptr_t)pointer;
  return hidden;
}

static inline const char *hex(uint64_t bits) {
  static char texts[8][20];
  static unsigned next;
  char *text = texts[next++ % 8];
  snprintf(text, sizeof texts[0], "%016llx", (unsigned long long)bits);
  return text;
}

static inline uint64_t bit(int sig) { return UINT64_C(1) << (sig - 1); }

/* As probe.c prints them. */
static inline uint64_t bits_of(const sigset_t *set) {
  uint64_t bits;
  memcpy(&bits, set, sizeof bits);
  return bits;
}

/* An empty file that anybody may write to, and its path for the probe. */
static inline const char *new_report(void) {
  const char *path = scratch_path("posix-report");
  unlink(path);
  int made = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  NEED(made >= 0 && fchmod(made, 0666) == 0);
  close(made);
  return path;
}

/* What the probe has written there. Free it. */
static inline char *read_report(void) {
  FILE *file = fopen(scratch_path("posix-report"), "re");
  NEED(file != NULL);
  char *text = calloc(1, 1 << 16);
  NEED(text != NULL);
  size_t length = fread(text, 1, (1 << 16) - 1, file);
  fclose(file);
  CHECK(length > 0);
  return text;
}

static inline int wait_status(pid_t pid) {
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  return status;
}

static inline char *posix_probe(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr) {
  char report[300];
  snprintf(report, sizeof report, "%s", new_report());
  char *argv[] = {(char *)"probe", report, NULL};
  pid_t pid = -1;
  int result = posix_spawn(&pid, probe_path(), actions, attr, argv, environ);
  CHECK_ERR(result, 0);
  if (result == 0) CHECK_INT(wait_status(pid), 0);
  return read_report();
}

/* Of a program that would do nothing. */
static inline int spawn_true(const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attr) {
  char *argv[] = {(char *)"true", NULL};
  pid_t pid = -1;
  int result = posix_spawn(&pid, "/bin/true", actions, attr, argv, environ);
  if (result == 0) {
    CHECK_INT(wait_status(pid), 0);
  } else {
    CHECK_INT(pid, -1);
    check_no_child();
  }
  return result;
}

/* The way that a spawn took is not to be seen by its caller, but in a trace, which is asked for when
 * the library is loaded. So a copy of this program, started as `program traced`, makes the spawns;
 * `wanted` of them must be there, all by the shared way. */
static inline void check_trace(int wanted) {
  char self[4096], *argv[] = {self, (char *)"traced", NULL}, line[1000];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  NEED(length > 0);
  self[length] = 0;
  const char *path = kept_path("trace");
  NEED(setenv("FORKEXEC_TRACE", path, 1) == 0);
  pid_t pid = -1;
  CHECK_ERR(posix_spawn(&pid, self, NULL, NULL, argv, environ), 0);
  CHECK_INT(wait_status(pid), 0);
  FILE *file = fopen(path, "re");
  int lines = 0;
  if (!CHECK(file != NULL)) return;
  while (fgets(line, sizeof line, file)) {
    lines++;
    if (!CHECK(strstr(line, " way=shared ") != NULL)) note("%s", line);
  }
  fclose(file);
  CHECK_INT(lines, wanted);
}

/* main of such a copy. No CHECK in `traced`: there is nobody to count them. */
static inline bool is_traced_copy(int argc, char **argv) {
  return argc == 2 && strcmp(argv[1], "traced") == 0;
}

#endif
