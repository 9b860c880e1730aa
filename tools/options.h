/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command line asks for. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include "values.h"

/* One --fd: the program's descriptor `number` is what `source` says. */
struct descriptor {
  int32_t number;
  const char *source;
};

/* One --enter: the namespaces `kinds` of what `source` says. */
struct entered {
  int32_t kinds;
  const char *source;
};

/* One --landlock: what is beneath `path` may be read and executed, or anything. */
struct allowed {
  bool writes;
  const char *path;
};

/* The options. `attr` is complete but for what has to be looked up or opened: its files, its
 * credential, its cgroup, the descriptor that it execs, the namespaces that it enters, its filter
 * and its ruleset. */
struct job {
  fe_attr attr;
  struct descriptor *descriptors;
  size_t ndescriptors;
  fe_id_map *uid_map, *gid_map;
  fe_file_action *actions;
  struct entered *entered;
  size_t nentered;
  fe_namespaces namespaces;
  fe_scheduling scheduling;
  fe_limits limits;
  fe_rlimit *rlimits;
  fe_privileges privileges;
  fe_sandbox sandbox;
  const char *seccomp; /* where its filter is; NULL: none */
  struct allowed *allowed;
  size_t nallowed;
  char **environment;
  size_t nenvironment;
  char *user, *groups; /* NULL: not asked for */
  bool keep_groups;
  const char *cgroup; /* its directory, which with FE_OWN_CGROUP is made; NULL: none */
  bool verbose;
  bool suspend;
  int explain; /* FE_EXPLAIN_..., in place of doing it; -1: it is done */

  int timeout_ms; /* -1: none */
  int kill_after_ms;
  int stop_signal;
  uint32_t stop; /* FE_STOP_... */

  bool capture;
  size_t max_output; /* 0: no limit */
  int linger_ms;
  const char *json; /* where to: "" is the usual place; NULL: none */
};

/* Reads them, or ends the process: wrong ones, --help, --version. */
void parse_options(struct job *job, int argc, char **argv);

/* ---- readers of a value: `option` is for what they say; the text is taken apart, and pieces of it
 * are kept ---- */

uint64_t namespaces(const char *option, char *list);
struct entered entered(char *text);
struct timespec *offset(const char *option, const char *text);
fe_id_map id_map(const char *option, char *text);
struct descriptor descriptor(char *text);
fe_file_action action(char *text);

long between(const char *option, const char *text, long least, long most);
fe_rlimit resource_limit(char *text);
mode_t file_mask(const char *text);
void policy(fe_scheduling *scheduling, char *text);
void io_priority(fe_scheduling *scheduling, char *text);
void processors(fe_scheduling *scheduling, char *list);
void deadline(fe_scheduling *scheduling, char *text);
void memory_policy(fe_scheduling *scheduling, char *text);
uint32_t personality_bits(const char *text);

/* The set that `option` is named after. */
void capabilities(fe_privileges *privileges, const char *option, char *list);
void securebits(fe_privileges *privileges, char *list);
uint32_t seccomp_flags(char *list);
uint32_t landlock_flags(char *list);
struct allowed allowed(char *text);

/* How --fd and --action begin a path: how the file is opened. `path` goes on behind it. */
int open_flags(int target, const char **path);

/* NULL: a summary; "all" or the name of a group: those options. */
void print_help(const char *of);

#endif
