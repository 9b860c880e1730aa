/* SPDX-License-Identifier: BSD-3-Clause */
/* Readers of what the program may use and of how it is scheduled. Each adds to one struct. */

#include "options.h"

#include <sched.h>
#include <string.h>
#include <sys/resource.h>

#ifndef SCHED_DEADLINE
#define SCHED_DEADLINE 6
#endif

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

/* The kernel's numbers (set_mempolicy(2)): <numaif.h> is of a library of its own. */
static const struct name memory_policies[] = {
    {"default", 0}, {"preferred", 1}, {"bind", 2}, {"interleave", 3}, {"local", 4},
    {"preferred_many", 5}, {"weighted_interleave", 6}, {NULL, 0},
};
static const struct name memory_modes[] = {
    {"static", 1 << 15}, {"relative", 1 << 14}, {"balancing", 1 << 13}, {NULL, 0},
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

uint32_t personality_bits(const char *text) {
  unsigned long value;
  if (!is_bits(text, UINT32_MAX, &value))
    DIE("--personality: \"%s\" is not a number of 32 bits, as 8 or 0x40000", text);
  return (uint32_t)value;
}

/* --reset-on-fork may have come before. */
static void set_policy(fe_scheduling *scheduling, int value) {
  scheduling->flags |= FE_SCHED_POLICY;
  scheduling->policy = value | (scheduling->policy & SCHED_RESET_ON_FORK);
}

void policy(fe_scheduling *scheduling, char *text) {
  char *name = strsep(&text, ":");
  if (*name != '\0')
    set_policy(scheduling, value_of("scheduling", policies, name));
  else
    scheduling->flags |= FE_SCHED_PRIORITY;
  if (text != NULL) scheduling->priority = (int32_t)number("scheduling", text, 99);
}

void io_priority(fe_scheduling *scheduling, char *text) {
  int turn = value_of("ioprio", turns, strsep(&text, ":"));
  unsigned long level = text != NULL ? number("ioprio", text, 7) : turn == 1 || turn == 2 ? 4 : 0;
  scheduling->flags |= FE_SCHED_IOPRIO;
  scheduling->ioprio = turn << 13 | (int)level;
}

void deadline(fe_scheduling *scheduling, char *text) {
  uint64_t *const times[] = {&scheduling->runtime_ns, &scheduling->deadline_ns,
                             &scheduling->period_ns};
  set_policy(scheduling, SCHED_DEADLINE);
  for (int i = 0; i < 3; i++) {
    char *part = strsep(&text, ",");
    if (part == NULL || (i == 2 && text != NULL))
      DIE("--deadline: wanted are three numbers of nanoseconds with commas between them");
    *times[i] = number("deadline", part, INT64_MAX);
  }
}

/* Processors and nodes: a mask in unsigned longs, as the kernel has it. */
enum { MASK_BITS = 1024, WORD_BITS = 8 * sizeof(unsigned long) };
typedef unsigned long mask[MASK_BITS / WORD_BITS];

static void set_ranges(const char *option, char *list, mask set) {
  for (char *range = strtok(list, ","); range != NULL; range = strtok(NULL, ",")) {
    char *first = strsep(&range, "-"), *last = range != NULL ? range : first;
    unsigned long n = number(option, first, MASK_BITS - 1);
    unsigned long end = number(option, last, MASK_BITS - 1);
    for (; n <= end; n++) set[n / WORD_BITS] |= 1UL << n % WORD_BITS;
  }
}

void processors(fe_scheduling *scheduling, char *list) {
  static mask set;
  set_ranges("cpus", list, set);
  scheduling->affinity = set;
  scheduling->affinity_size = sizeof set;
}

void memory_policy(fe_scheduling *scheduling, char *text) {
  static mask nodes;
  char *mode = strsep(&text, ":"), *name = strsep(&mode, "=");
  scheduling->flags |= FE_SCHED_MEMPOLICY;
  scheduling->mempolicy = value_of("mempolicy", memory_policies, name);
  if (mode != NULL) scheduling->mempolicy |= value_of("mempolicy", memory_modes, mode);
  if (text == NULL) return;
  set_ranges("mempolicy", text, nodes);
  scheduling->nodemask = nodes;
  scheduling->maxnode = MASK_BITS + 1;
}
