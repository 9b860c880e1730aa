/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers of what the program may use and of how it is scheduled. Each adds to one struct. */

#include "options.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#define L(name, resource) {name, (int)(resource)}
static const struct name resources[] = {
    L("as", RLIMIT_AS),           L("core", RLIMIT_CORE),         L("cpu", RLIMIT_CPU),
    L("data", RLIMIT_DATA),       L("fsize", RLIMIT_FSIZE),       L("locks", RLIMIT_LOCKS),
    L("memlock", RLIMIT_MEMLOCK), L("msgqueue", RLIMIT_MSGQUEUE), L("nice", RLIMIT_NICE),
    L("nofile", RLIMIT_NOFILE),   L("nproc", RLIMIT_NPROC),       L("rss", RLIMIT_RSS),
    L("rtprio", RLIMIT_RTPRIO),   L("rttime", RLIMIT_RTTIME),
    L("sigpending", RLIMIT_SIGPENDING), L("stack", RLIMIT_STACK), {NULL, 0},
};
#undef L

static const struct name policies[] = {
    {"other", SCHED_OTHER}, {"batch", SCHED_BATCH}, {"idle", SCHED_IDLE},
    {"fifo", SCHED_FIFO},   {"rr", SCHED_RR},       {NULL, 0},
};

/* The kernel's numbers (ioprio_set(2)), for which no libc has names. */
static const struct name turns[] = {
    {"none", 0}, {"realtime", 1}, {"best-effort", 2}, {"idle", 3}, {NULL, 0},
};

long between(const char *option, const char *text, long least, long most) {
  bool is_negative = *text == '-';
  unsigned long value;
  if (!is_number(text + is_negative, (unsigned long)most + 1000, &value) ||
      (is_negative ? -(long)value : (long)value) < least ||
      (is_negative ? -(long)value : (long)value) > most)
    DIE("--%s: \"%s\" is not a number from %ld to %ld", option, text, least, most);
  return is_negative ? -(long)value : (long)value;
}

static uint64_t limit(const char *text) {
  if (strcmp(text, "unlimited") == 0) return RLIM_INFINITY;
  return number("limit", text, INT64_MAX);
}

fe_rlimit resource_limit(char *text) {
  char *name = strsep(&text, "="), *soft = strsep(&text, ":");
  if (soft == NULL) DIE("--limit: \"%s\" is not NAME=SOFT[:HARD]", name);
  fe_rlimit wanted = {value_of("limit", resources, name), 0, limit(soft), 0};
  wanted.hard = text != NULL ? limit(text) : wanted.soft;
  return wanted;
}

mode_t file_mask(const char *text) {
  char *end;
  unsigned long mask = strtoul(text, &end, 8);
  if (strspn(text, "01234567") != strlen(text) || *text == '\0' || mask > 0777)
    DIE("--umask: \"%s\" is not octal from 0 to 777", text);
  return (mode_t)mask;
}

void policy(fe_scheduling *scheduling, char *text) {
  char *name = strsep(&text, ":");
  scheduling->flags |= *name != '\0' ? FE_SCHED_POLICY : FE_SCHED_PRIORITY;
  if (*name != '\0') scheduling->policy = value_of("scheduling", policies, name);
  if (text != NULL) scheduling->priority = (int32_t)number("scheduling", text, 99);
}

void io_priority(fe_scheduling *scheduling, char *text) {
  int turn = value_of("ioprio", turns, strsep(&text, ":"));
  unsigned long level = text != NULL ? number("ioprio", text, 7) : turn == 1 || turn == 2 ? 4 : 0;
  scheduling->flags |= FE_SCHED_IOPRIO;
  scheduling->ioprio = turn << 13 | (int)level;
}

void processors(fe_scheduling *scheduling, char *list) {
  static cpu_set_t set;
  for (char *range = strtok(list, ","); range != NULL; range = strtok(NULL, ",")) {
    char *first = strsep(&range, "-"), *last = range != NULL ? range : first;
    unsigned long n = number("cpus", first, CPU_SETSIZE - 1);
    unsigned long end = number("cpus", last, CPU_SETSIZE - 1);
    for (; n <= end; n++) CPU_SET(n, &set);
  }
  scheduling->affinity = &set;
  scheduling->affinity_size = sizeof set;
}
