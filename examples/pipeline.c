/* SPDX-License-Identifier: BSD-3-Clause */
/* A pipeline of four programs over a file: the words of FILE that are used most, with their counts.
 *
 *   tr -cs A-Za-z '\n' < FILE | tr A-Z a-z | sort | uniq -c   (and the ten first by number)
 *
 * Each program gets its end of a pipe as descriptor 0 and 1 by the list of files; no descriptor of ours needs
 * to be moved or closed in between, and none leaks: all are close-on-exec but those in the list. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <forkexec.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static int start(char *const argv[], int in, int out, fe_child *child) {
  const int files[] = {in, out, 2};
  fe_attr attr = FE_ATTR_INIT;
  fe_error error;
  attr.argv = argv;
  attr.flags = FE_SEARCH_PATH | FE_PIDFD;
  attr.files = files;
  attr.nfiles = 3;
  if (fe_spawn(&attr, child, &error) == 0) return 0;
  char message[200];
  fe_error_message(&error, message, sizeof message);
  fprintf(stderr, "pipeline: %s: %s\n", argv[0], message);
  return -1;
}

int main(int argc, char **argv) {
  static char *const programs[][5] = {
      {"tr", "-cs", "A-Za-z", "\n", NULL}, {"tr", "A-Z", "a-z", NULL}, {"sort", NULL},
      {"uniq", "-c", NULL},                {"sort", "-rn", NULL},      {"head", "-n", "10", NULL},
  };
  enum { COUNT = sizeof programs / sizeof *programs };
  fe_child children[COUNT];
  if (argc != 2) {
    fprintf(stderr, "usage: pipeline FILE\n");
    return 125;
  }
  int in = open(argv[1], O_RDONLY | O_CLOEXEC);
  if (in < 0) {
    perror(argv[1]);
    return 1;
  }
  int started = 0, failed = 0;
  for (int i = 0; i < COUNT && !failed; i++) {
    int ends[2] = {-1, 1};
    if (i + 1 < COUNT && pipe2(ends, O_CLOEXEC) != 0) {
      perror("pipe2");
      return 1;
    }
    failed = start(programs[i], in, ends[1], &children[i]) != 0;
    started += !failed;
    close(in);
    if (ends[1] != 1) close(ends[1]);
    in = ends[0];
  }
  if (in >= 0) close(in);
  for (int i = 0; i < started; i++) {
    int status = 0;
    if (fe_wait(&children[i], 10000, &status) != 0) {
      perror(programs[i][0]);
      fe_kill(&children[i], 9);
      failed = 1;
    }
    fe_child_close(&children[i]);
    /* head may be gone before its neighbour has written all. */
    failed |= WIFEXITED(status) ? WEXITSTATUS(status) != 0 : WTERMSIG(status) != 13;
  }
  return failed;
}
