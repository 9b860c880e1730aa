/* SPDX-License-Identifier: BSD-3-Clause */
/* spawner WAY|limits|ended|session|long PROGRAM: what the scripts look at. Spawns it twice and says how it went. Calls of umask(2) mark
 * the spawns; with "ended" and "session" the asking for the outcome of one whose program has ended by then, the latter in a session of
 * its own. "long" has more for the child to do than there is room for without memory. */
#include <errno.h>
#include <forkexec.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
  static const char *const ways[] = {"auto", "shared", "copy", "piped", "concurrent"};
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  fe_error error;
  int status = -1;
  if (argc != 3) return 2;
  for (unsigned way = 0; way < 5; way++)
    if (strcmp(argv[1], ways[way]) == 0) attr.way = way;
  attr.argv = argv + 2;
  cpu_set_t own;
  sched_getaffinity(0, sizeof own, &own);
  const fe_rlimit core = FE_RLIMIT(RLIMIT_CORE, 0, 0);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  fe_limits limits = FE_LIMITS_INIT;
  if (strcmp(argv[1], "limits") == 0) { /* ten of them */
    scheduling.flags = FE_SCHED_POLICY | FE_SCHED_NICE | FE_SCHED_IOPRIO | FE_SCHED_MEMPOLICY;
    scheduling.policy = SCHED_BATCH;
    scheduling.nice = 10;
    scheduling.ioprio = 3 << 13; /* IOPRIO_CLASS_IDLE */
    scheduling.affinity = &own;
    scheduling.affinity_size = sizeof own;
    scheduling.timer_slack_ns = 60000;
    limits.flags = FE_LIMIT_UMASK | FE_LIMIT_OOM_SCORE_ADJ | FE_LIMIT_PERSONALITY;
    limits.oom_score_adj = 1000;
    limits.rlimits = &core;
    limits.nrlimits = 1;
    attr.scheduling = &scheduling;
    attr.limits = &limits;
  }
  bool session = strcmp(argv[1], "session") == 0, ended = session || strcmp(argv[1], "ended") == 0;
  const fe_file_action actions[] = {FE_CLOSE(9),  FE_CLOSE(10), FE_CLOSE(11), FE_CLOSE(12), FE_CLOSE(13), FE_CLOSE(14),
                                    FE_CLOSE(15), FE_CLOSE(16), FE_CLOSE(17), FE_CLOSE(18), FE_CLOSE(19), FE_CLOSE(20),
                                    FE_CLOSE(21), FE_CLOSE(22), FE_CLOSE(23), FE_CLOSE(24), FE_CLOSE(25), FE_CLOSE(26)};
  if (strcmp(argv[1], "long") == 0) {
    attr.actions = actions;
    attr.nactions = sizeof actions / sizeof *actions;
  }
  if (ended) attr.flags |= FE_ASYNC;
  if (session) attr.flags |= FE_SETSID;
  for (int i = 0; i < 2; i++) {
    siginfo_t info;
    int failed = ended ? fe_spawn(&attr, &child, &error) || waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT) : 0;
    umask(0111);
    if (!failed) failed = ended ? fe_spawn_finish(&child, -1, &error) : fe_spawn(&attr, &child, &error);
    umask(0122);
    if (failed)
      printf("%s at %s by %s\n", error.errnum == ENOENT ? "ENOENT" : "other",
             fe_step_name(error.step), ways[error.way]);
    else if (fe_wait(&child, -1, &status) != 0)
      printf("not waited for\n");
    else
      printf("status %d by %s\n", status, ways[child.way]);
    fe_child_close(&child);
    fflush(stdout); /* valgrind ends the child of a failed spawn as if it had called exit(3) */
  }
  return 0;
}
