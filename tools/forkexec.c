/* SPDX-License-Identifier: BSD-3-Clause */
/* The command forkexec: what the library does, as options. Of its own it says nothing but why it
 * failed, in one line, and its exit status is as env(1) and timeout(1) have it. */

#include "outcome.h"
#include "plan.h"
#include "signals.h"
#include "terminal.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void print(int fd, const char *name, const char *data, size_t size, unsigned cut) {
  if (!write_all(fd, data, size)) DIE("standard %s: %s", name, strerror(errno));
  if (cut != 0) say("standard %s: cut after %zu bytes", name, size);
}

static void print_captured(const fe_result *result, bool verbose) {
  unsigned flags = result->flags;
  print(STDOUT_FILENO, "output", result->output, result->noutput, flags & FE_RESULT_OUTPUT_CUT);
  print(STDERR_FILENO, "error", result->errors, result->nerrors, flags & FE_RESULT_ERRORS_CUT);
  if (verbose && (flags & FE_RESULT_HELD) != 0)
    say("another process holds its output open still");
}

int main(int argc, char **argv) {
  static struct job job = {.attr = FE_ATTR_INIT};
  static struct outcome outcome;
  const fe_attr *attr = &job.attr;
  parse_options(&job, argc, argv);
  int json = open_json(&job);
  plan_sandbox(&job);
  plan_files(&job);
  plan_execfd(&job);
  plan_namespaces(&job);
  plan_identity(&job);
  plan_cgroup(&job);
  plan_terminal(&job);
  if (job.explain >= 0) return explain(&job);

  int terminal = -1;
  if ((attr->flags & FE_FOREGROUND) != 0)
    terminal = attr->files != NULL ? attr->files[attr->ctty] : attr->ctty;
  pid_t foreground = terminal >= 0 ? tcgetpgrp(terminal) : -1;
  catch_signals();
  run(&job, &outcome);
  if (foreground > 0) {
    /* The program's group has gone with it: none can read from a terminal that is left to it. */
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(terminal, foreground);
  }
  remove_cgroup(&job);
  if (json >= 0)
    write_json(json, &job, &outcome);
  else if (outcome.captured)
    print_captured(&outcome.result, job.verbose);
  return exit_status(&outcome);
}
