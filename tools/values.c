/* SPDX-License-Identifier: BSD-3-Clause */
/* The command's lines on standard error, and how the value of an option is read. */

#include "values.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

/* ---- what it says ---- */

/* In one write, since the program may be writing to the same place, and in one line, whatever the
 * names and paths have in them. */
void say(const char *format, ...) {
  char line[PATH_MAX + 256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  struct termios modes;
  /* Raw, as with --pty, a terminal would go on where the line has ended. */
  bool is_raw = tcgetattr(STDERR_FILENO, &modes) == 0 && (modes.c_oflag & OPOST) == 0;
  for (char *c = line; *c != '\0'; c++)
    if (iscntrl((unsigned char)*c)) *c = '?';
  dprintf(STDERR_FILENO, "forkexec: %s%s\n", line, is_raw ? "\r" : "");
}

bool write_all(int fd, const void *data, size_t size) {
  const char *next = data;
  while (size > 0) {
    ssize_t n = write(fd, next, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    next += n;
    size -= (size_t)n;
  }
  return true;
}

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) DIE("%s", strerror(ENOMEM));
  return memory;
}

bool is_callers(int fd) {
  int flags = fcntl(fd, F_GETFD);
  return flags != -1 && (flags & FD_CLOEXEC) == 0;
}

/* ---- readers of a value ---- */

static bool is_in_base(int base, const char *text, unsigned long most, unsigned long *value) {
  char *end;
  errno = 0;
  *value = strtoul(text, &end, base);
  /* It would take blanks, signs and a prefix. */
  bool is_plain = *text != '\0' && strspn(text, "0123456789abcdefABCDEF") == strlen(text);
  return is_plain && *end == '\0' && errno == 0 && *value <= most;
}

bool is_number(const char *text, unsigned long most, unsigned long *value) {
  return is_in_base(10, text, most, value);
}

bool is_bits(const char *text, unsigned long most, unsigned long *value) {
  return strncmp(text, "0x", 2) == 0 ? is_in_base(16, text + 2, most, value)
                                     : is_number(text, most, value);
}

unsigned long number(const char *option, const char *text, unsigned long most) {
  unsigned long value;
  if (!is_number(text, most, &value))
    DIE("--%s: \"%s\" is not a number from 0 to %lu", option, text, most);
  return value;
}

int value_of(const char *option, const struct name *names, const char *name) {
  for (; names->name != NULL; names++)
    if (strcasecmp(names->name, name) == 0) return names->value;
  DIE("--%s: \"%s\" is none of its values", option, name);
}

uint32_t bits_of(const char *option, const struct name *names, char *list) {
  uint32_t bits = 0;
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
    bits |= (uint32_t)value_of(option, names, name);
  return bits;
}

sigset_t *signal_set(const char *option, char *list) {
  sigset_t *set = allocate(1, sizeof *set);
  sigemptyset(set);
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ",")) {
    int sig = signal_number(option, name);
    if (sigaddset(set, sig) != 0) DIE("--%s: signal %d is the C library's own", option, sig);
  }
  return set;
}

/* Not 0, which to some programs is "for ever" and to others "at once". */
int duration(const char *option, const char *text) {
  static const struct {
    const char *name;
    double ms;
  } units[] = {{"", 1e3}, {"s", 1e3}, {"ms", 1}, {"m", 6e4}, {"h", 36e5}, {"d", 864e5}};
  char *end = NULL;
  double ms = 0;
  size_t length = strspn(text, "0123456789.");
  double value = strtod(text, &end);
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (strcmp(text + length, units[i].name) == 0 && end == text + length) ms = value * units[i].ms;
  if (!(ms > 0 && ms < INT_MAX))
    DIE("--%s: \"%s\" is no time, such as 5, 1.5s, 250ms, 2m, above 0 and below 24 days", option,
        text);
  int whole = (int)ms;
  return whole < ms ? whole + 1 : whole;
}

size_t byte_count(const char *option, const char *text) {
  char digits[24], *end = digits;
  unsigned long value = 0, unit = 1;
  snprintf(digits, sizeof digits, "%s", text);
  end += strspn(digits, "0123456789");
  switch (*end) {
    case 'K': unit = 1UL << 10; break;
    case 'M': unit = 1UL << 20; break;
    case 'G': unit = 1UL << 30; break;
    default: break;
  }
  if (unit > 1 && end[1] == '\0') *end = '\0';
  if (!is_number(digits, SIZE_MAX / 2 / unit, &value) || value == 0)
    DIE("--%s: \"%s\" is no size, such as 100, 64K, 2M, 1G, above 0", option, text);
  return value * unit;
}
