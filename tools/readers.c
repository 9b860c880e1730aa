/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of several parts, from text to the library's own structs. */

#include "options.h"

#include <sched.h>
#include <string.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const struct name spaces[] = {
    {"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID},       {"mount", CLONE_NEWNS},
    {"net", CLONE_NEWNET},   {"uts", CLONE_NEWUTS},       {"ipc", CLONE_NEWIPC},
    {"time", CLONE_NEWTIME}, {"cgroup", CLONE_NEWCGROUP}, {NULL, 0},
};

static const struct name actions[] = {
    {"open", FE_ACTION_OPEN},           {"dup2", FE_ACTION_DUP2},
    {"close", FE_ACTION_CLOSE},         {"chdir", FE_ACTION_CHDIR},
    {"fchdir", FE_ACTION_FCHDIR},       {"closefrom", FE_ACTION_CLOSEFROM},
    {"tcsetpgrp", FE_ACTION_TCSETPGRP}, {NULL, 0},
};

uint64_t namespaces(const char *option, char *list) {
  return bits_of(option, spaces, list);
}

struct entered entered(char *text) {
  char *list = strsep(&text, "=");
  if (text == NULL) DIE("--enter: \"%s\" is not SPACE,...=PID or SPACE=FILE", list);
  return (struct entered){(int32_t)namespaces("enter", list), text};
}

struct timespec *offset(const char *option, const char *text) {
  struct timespec *time = allocate(1, sizeof *time);
  bool is_negative = *text == '-';
  long seconds = (long)number(option, text + is_negative, INT32_MAX);
  time->tv_sec = is_negative ? -seconds : seconds;
  return time;
}

fe_id_map id_map(const char *option, char *text) {
  uint32_t field[3];
  for (int i = 0; i < 3; i++) {
    char *part = strsep(&text, ":");
    if (part == NULL || (i == 2 && text != NULL))
      DIE("--%s: wanted are three numbers with colons between them", option);
    field[i] = (uint32_t)number(option, part, UINT32_MAX);
  }
  return (fe_id_map){field[0], field[1], field[2]};
}

struct descriptor descriptor(char *text) {
  char *number_text = strsep(&text, "=");
  if (text == NULL) DIE("--fd: \"%s\" is not N=SRC", number_text);
  return (struct descriptor){(int32_t)number("fd", number_text, FD_MAX), text};
}

fe_file_action action(char *text) {
  char *name = strsep(&text, ":");
  fe_file_action wanted = {.action = value_of("action", actions, name)};
  bool two = wanted.action == FE_ACTION_OPEN || wanted.action == FE_ACTION_DUP2;
  char *first = two ? strsep(&text, ":") : text;
  if (first == NULL || (two && text == NULL)) DIE("--action: \"%s\" wants more", name);
  if (wanted.action == FE_ACTION_CHDIR) {
    wanted.path = first;
    return wanted;
  }
  wanted.fd = (int32_t)number("action", first, FD_MAX);
  if (wanted.action == FE_ACTION_DUP2) {
    wanted.from = wanted.fd;
    wanted.fd = (int32_t)number("action", text, FD_MAX);
  } else if (wanted.action == FE_ACTION_OPEN) {
    wanted.path = text;
    wanted.oflag = open_flags(wanted.fd, &wanted.path);
    wanted.mode = 0666;
  }
  return wanted;
}
