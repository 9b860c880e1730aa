/* SPDX-License-Identifier: BSD-3-Clause */
/* What has come of the program. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include "options.h"

struct outcome {
  bool started, ended; /* one that could not be killed has not ended */
  fe_error error;      /* why it was not started */
  pid_t pid;
  uint32_t way;
  int status; /* wait(2)'s */
  bool timed_out;
  int means; /* FE_TREE_... that its tree was found by; 0 for none */
  struct timespec begun;
  uint64_t wall_ns; /* from before the spawn until its end was seen */
  struct rusage usage;
  bool has_rss;
  bool captured;
  fe_result result; /* if it was */
};

/* What fe_spawn gets. */
fe_attr attr_to_spawn(const struct job *job);

/* Prints what that would do; returns the command's exit status. */
int explain(const struct job *job);

/* Starts the program and stays with it to its end. */
void run(const struct job *job, struct outcome *outcome);

/* The command's exit status. */
int exit_status(const struct outcome *outcome);

/* A line of the step, what it was given, and why not. */
void report(const fe_attr *attr, const fe_error *error);
/* What the step that has failed was given: " \"/nope\"", " 3", or "". */
void failed_item(const fe_attr *attr, const fe_error *error, char *text, size_t size);
/* Why: strerror's text, or the signal. */
void failed_reason(const fe_error *error, char *text, size_t size);

/* Where --json goes; opened before the program runs, so that a place that cannot be written to is
 * found out in time. */
int open_json(const struct job *job);
void write_json(int fd, const struct job *job, const struct outcome *outcome);

#endif
