/* SPDX-License-Identifier: BSD-3-Clause */
/* A command with a deadline, as timeout(1) has it, but for all that it has started too.
 *
 *   timeout_tree 1.5 make -j8
 *
 * The exit status is the command's own; 124 when its time was up, 126 when it could not be started. */
#define _GNU_SOURCE
#include <errno.h>
#include <forkexec.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static const char *means(int how) {
  switch (how) {
    case FE_TREE_CGROUP: return "its cgroup";
    case FE_TREE_PIDNS: return "its pid namespace";
    case FE_TREE_SWEEP: return "a sweep of /proc";
    case FE_TREE_GROUP: return "its process group";
    default: return "no means at all";
  }
}

int main(int argc, char **argv) {
  char message[200];
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  fe_error error;
  int status = 0, how = 0;
  double seconds = argc > 2 ? atof(argv[1]) : 0;
  if (seconds <= 0 || seconds > 1e6) {
    fprintf(stderr, "usage: timeout_tree SECONDS COMMAND [ARGUMENT]...\n");
    return 125;
  }
  attr.argv = argv + 2;
  /* A session of its own: those whose parents have ended are found by it. It costs the command its terminal. */
  attr.flags = FE_SEARCH_PATH | FE_PIDFD | FE_SETSID;
  if (fe_spawn(&attr, &child, &error) != 0) {
    fe_error_message(&error, message, sizeof message);
    fprintf(stderr, "timeout_tree: %s: %s\n", argv[2], message);
    return 126;
  }
  int late = fe_wait(&child, (int)(seconds * 1000), &status) != 0;
  if (late && errno == ETIMEDOUT) {
    /* Signal 0 only looks, and says by which means the tree would be reached. */
    fe_kill_tree(&child, 0, &how);
    /* SIGTERM for all of it, a second to end in order, then SIGKILL for whoever is left. And the child is waited for. */
    if (fe_stop(&child, SIGTERM, 1000, FE_STOP_TREE, &status) == 0)
      fprintf(stderr, "timeout_tree: stopped by %s: %s\n", means(how),
              WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "it has exited");
    else
      perror("timeout_tree: fe_stop");
  }
  fe_child_close(&child);
  if (late) return 124;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
