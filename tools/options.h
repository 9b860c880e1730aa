/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for, and how the command says no. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <forkexec.h>
#include <stdbool.h>
#include <stdlib.h>

/* Exit statuses that are not the program's. */
enum { TIMED_OUT = 124, FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* One --fd: the program's descriptor `number` is what `source` says. */
struct descriptor {
  int32_t number;
  const char *source;
};

/* The options. `attr` is complete but for what has to be looked up or opened: its files and its
 * credential. */
struct job {
  fe_attr attr;
  struct descriptor *descriptors;
  size_t ndescriptors;
  fe_id_map *uid_map, *gid_map;
  char **environment;
  size_t nenvironment;
  char *user, *groups; /* NULL: not asked for */
  bool keep_groups;
  bool verbose;
  int timeout_ms; /* -1: none */
};

/* Reads them, or ends the process: wrong ones, --help, --version. */
void parse_options(struct job *job, int argc, char **argv);

/* A line on standard error. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define DIE(...) (say(__VA_ARGS__), exit(FAILED))

/* Zeroed, and never NULL. */
void *allocate(size_t count, size_t size);

/* Whether the whole text is a decimal number of at most `most`. */
bool is_number(const char *text, unsigned long most, unsigned long *value);

#define ID_MAX (UINT32_MAX - 1UL) /* the last uid or gid stands for "none" */

#endif
