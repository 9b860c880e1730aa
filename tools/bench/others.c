/* SPDX-License-Identifier: BSD-3-Clause */
/* Other runtimes, each a program of its own beside us on the same processor. They wait for their turn in read(2): a
 * line "COUNT PROGRAM" asks for as many spawns, one after the other, and the answer is "NANOSECONDS FAILURES", by their
 * own clock. The first line that they write is their version. They end at the end of file. */

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct other {
  const char *name, *file;
  pid_t pid; /* 0: does not run */
  int to, from;
};

static struct other others[] = {
    {.name = "musl posix_spawn", .file = "peer-musl"}, {.name = "libuv", .file = "peer-libuv"},
    {.name = "GLib", .file = "peer-glib"},             {.name = "Go", .file = "peer-go"},
    {.name = "Rust std", .file = "peer-rust"},         {.name = "Python subprocess", .file = "peer-python"},
};
enum { OTHERS = sizeof others / sizeof *others };

/* A line without its end; false at the end of file. */
static bool read_line(int fd, char *line, size_t size) {
  for (size_t n = 0; n + 1 < size && read(fd, line + n, 1) == 1; n++)
    if (line[n] == '\n') {
      line[n] = '\0';
      return true;
    }
  return false;
}

static void stop(struct other *other) {
  if (other->pid == 0) return;
  close(other->to);
  close(other->from);
  need(waitpid(other->pid, NULL, 0) == other->pid, other->name);
  other->pid = 0;
}

void stop_others(void) {
  for (int i = 0; i < OTHERS; i++) stop(&others[i]);
}

/* Its version into `says`; false if it is not there or says nothing. */
static bool start(struct other *other, char *says, size_t size) {
  static const char *directory; /* asked once: a row may have another environment */
  static bool asked;
  char path[4096];
  int in[2], out[2];
  if (!asked) directory = getenv("OTHERS");
  asked = true;
  snprintf(path, sizeof path, "%s/%s", directory != NULL ? directory : "", other->file);
  if (directory == NULL || access(path, X_OK) != 0) return false;
  signal(SIGPIPE, SIG_IGN); /* one that has ended is told by its silence */
  need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe2");
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  errno = posix_spawn(&other->pid, path, &actions, &attributes, (char *[]){path, NULL}, environ);
  need(errno == 0, path);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  close(in[0]);
  close(out[1]);
  other->to = in[1];
  other->from = out[0];
  if (read_line(other->from, says, size)) return true;
  stop(other);
  printf("# skipped: %s (%s does not start)\n", other->name, path);
  return false;
}

void describe_others(void) {
  char says[256];
  for (int i = 0; i < OTHERS; i++)
    if (start(&others[i], says, sizeof says)) {
      printf("# %s: %s\n", others[i].name, says);
      if (csv) fprintf(csv, "# %s: %s\n", others[i].name, says);
    }
  stop_others();
}

int start_others(struct peer *list) {
  char says[256];
  int count = 0;
  for (int i = 0; i < OTHERS; i++)
    if (start(&others[i], says, sizeof says)) {
      list[count++] = (struct peer){.name = others[i].name, .other = &others[i]};
    }
  return count;
}

double other_us(struct other *other, int spawns, bool fails) {
  char line[256];
  double nanoseconds;
  int failures;
  dprintf(other->to, "%d %s\n", spawns, program);
  bool answered = read_line(other->from, line, sizeof line) && sscanf(line, "%lf %d", &nanoseconds, &failures) == 2;
  if (!answered || failures != (fails ? spawns : 0)) {
    fprintf(stderr, "bench: %s: %s\n", other->name, answered ? "the program did not run, or was there" : "no answer");
    exit(1);
  }
  return nanoseconds / 1e3;
}
