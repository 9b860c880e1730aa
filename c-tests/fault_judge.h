/* SPDX-License-Identifier: BSD-3-Clause */
/* What a fault is judged by: the plan, as fe_explain tells it, and what the program saw of itself. Needs fault_subjects.h. */
#ifndef FAULT_JUDGE_H
#define FAULT_JUDGE_H

#include "fault_calls.h"
#include "fault_subjects.h"

static struct outcome *outcome;
static const struct subject *subject;

struct blamed {
  struct place place;
  int step, index;
};
static struct blamed plan[200], made[600];
static struct record record;

static int step_of_name(const char *name, size_t length) {
  for (int step = 0; fe_step_name(step)[0]; step++)
    if (strlen(fe_step_name(step)) == length && strncmp(fe_step_name(step), name, length) == 0) return step;
  return -1;
}

/* The lines "step index: call(...)" of the child's, as calls without their place. What is done by somebody is none, but the stage,
 * which stands for calls that are not told. */
static size_t read_plan(const char *text) {
  size_t n = 0;
  for (const char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n')) {
    const char *name = line + 1, *colon = strchr(name, ':');
    NEED(colon != NULL && n < sizeof plan / sizeof *plan);
    const char *call = colon + 2;
    if (strncmp(call, "by ", 3) == 0 && strncmp(name, "stage:", 6) != 0) continue;
    struct blamed *blamed = &plan[n++];
    size_t length = strcspn(name, " :"), of_call = strcspn(call, "(");
    blamed->step = step_of_name(name, length);
    NEED(blamed->step >= 0);
    blamed->index = name[length] == ' ' ? atoi(name + length + 1) : -1;
    blamed->place.nr = -1;
    for (int i = 0; i < CALLS; i++)
      if (strlen(calls[i].name) == of_call && strncmp(calls[i].name, call, of_call) == 0) blamed->place.nr = calls[i].nr;
  }
  return n;
}

static bool is_exec(int nr) { return nr == SYS_execve || nr == SYS_execveat; }

/* A call of the plan that is not made when a descriptor has its number already, or has none. */
static bool may_be_left_out(int nr) { return nr == SYS_close || nr == SYS_dup3; }

/* Without what is another in each process. */
static char *seen_by_the_program(void) {
  static const char *const others[] = {"pid=", "ppid=", "pgid=", "sid=", "foreground=", "tracer=", "tty_nr=", "fd.", "ns."};
  char *text = NULL, line[5000];
  size_t length = 0;
  FILE *out = open_memstream(&text, &length), *file;
  const char *path = subject->fill == new_root ? scratch_path("root/report") : report;
  file = fopen(path, "re");
  NEED(out != NULL);
  while (file && fgets(line, sizeof line, file)) {
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
      if (strncmp(line, others[i], strlen(others[i])) == 0) line[strcspn(line, "=")] = 0;
    fprintf(out, "%s\n", line);
  }
  if (file) fclose(file);
  fclose(out);
  unlink(path);
  return text;
}

static char *as_it_should_be;

static bool is_as_it_should_be(void) {
  char *seen = seen_by_the_program();
  bool good = strcmp(seen, as_it_should_be) == 0;
  if (!good) {
    size_t at = 0;
    while (seen[at] && seen[at] == as_it_should_be[at]) at++;
    while (at > 0 && seen[at - 1] != '\n') at--;
    note("the program saw %.60s", seen + at);
  }
  free(seen);
  return good;
}

#endif
