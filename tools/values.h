/* SPDX-License-Identifier: BSD-3-Clause */
/* What the rooms of the command share: how it says no, and how a value is read and named. */
#ifndef VALUES_H
#define VALUES_H

#include <forkexec.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

/* Exit statuses that are not the program's. */
enum { TIMED_OUT = 124, FAILED = 125, CANNOT_EXECUTE = 126, NOT_FOUND = 127 };

/* A line on standard error. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
#define DIE(...) (say(__VA_ARGS__), exit(FAILED))

/* Zeroed, and never NULL. */
void *allocate(size_t count, size_t size);

/* All of it, or false with errno. */
bool write_all(int fd, const void *data, size_t size);

/* Whether the whole text is a decimal number of at most `most`. */
bool is_number(const char *text, unsigned long most, unsigned long *value);
/* Or, behind 0x, a hexadecimal one. */
bool is_bits(const char *text, unsigned long most, unsigned long *value);

/* Whether the caller has handed down `fd`. What this process has opened itself is close-on-exec. */
bool is_callers(int fd);

#define ID_MAX (UINT32_MAX - 1UL)  /* the last uid or gid stands for "none" */
#define FD_MAX ((1UL << 20) - 1)   /* the kernel's default for fs.nr_open */

/* ---- readers of an option's value, which end the process with a line ---- */

struct name {
  const char *name;
  int value;
};

unsigned long number(const char *option, const char *text, unsigned long most);
/* `names` ends with a NULL. */
int value_of(const char *option, const struct name *names, const char *name);
/* Those of several names with commas between them, or-ed. */
uint32_t bits_of(const char *option, const struct name *names, char *list);
int signal_number(const char *option, const char *text);
/* Signals with commas between them; none is fine. */
sigset_t *signal_set(const char *option, char *list);
/* In milliseconds, rounded up and above 0: "5", "1.5s", "250ms", "2m", "1h". */
int duration(const char *option, const char *text);
/* "100", "64K", "2M", "1G": powers of 1024; not 0. */
size_t byte_count(const char *option, const char *text);

/* ---- names ---- */

/* "TERM", "RTMIN+2"; or NULL. The second one stays until the next call. */
const char *signal_name(int sig);
/* "ENOENT", or NULL. */
const char *errno_name(int number);
const char *way_name(uint32_t way);
extern const struct name way_names[];

#endif
