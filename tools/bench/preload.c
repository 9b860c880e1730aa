/* SPDX-License-Identifier: BSD-3-Clause */
/* spawn COUNT MIB PROGRAM: posix_spawns the program and waits for it, COUNT times, with MIB mebibytes of
 * touched memory; prints the microseconds that one took. The same binary is run with and without the preload. */
#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

int main(int argc, char **argv) {
  static char *const environment[] = {NULL};
  if (argc != 4) return 2;
  long count = atol(argv[1]);
  size_t size = (size_t)atol(argv[2]) << 20;
  char *memory = size != 0 ? malloc(size) : NULL;
  if (size != 0 && memory == NULL) return 1;
  /* Not zeroes: what is malloced and cleared need not be there. */
  if (memory != NULL) memset(memory, 1, size);
  double start = now();
  for (long i = 0; i < count; i++) {
    pid_t pid;
    int status, result = posix_spawn(&pid, argv[3], NULL, NULL, argv + 3, environment);
    if (result == ENOENT) continue;
    if (result != 0 || waitpid(pid, &status, 0) != pid || status != 0) {
      fprintf(stderr, "spawn: %s: error %d\n", argv[3], result);
      return 1;
    }
  }
  printf("%.3f\n", (now() - start) / (double)count);
  /* The compiler may not leave the memory out. */
  return memory != NULL && memory[size - 1] != 1;
}
