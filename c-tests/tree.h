/* SPDX-License-Identifier: BSD-3-Clause */
/* Trees of processes. Who of them lives is proven from /proc, by a variable that all of a tree have in their
 * environment. Needs test.h. */
#ifndef TREE_H
#define TREE_H

#include "beside.h"

#include <dirent.h>
#include <sys/prctl.h>

static char mark[60];

/* How many live that have the mark (a zombie has no environment), and get the signal. */
static inline int each_marked(int sig) {
  static char environment[1 << 16];
  int count = 0;
  DIR *list = opendir("/proc");
  NEED(list != NULL);
  for (struct dirent *entry; (entry = readdir(list));) {
    char path[300];
    snprintf(path, sizeof path, "/proc/%s/environ", entry->d_name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd < 0 ? -1 : read(fd, environment, sizeof environment);
    if (fd >= 0) close(fd);
    if (length <= 0 || !memmem(environment, (size_t)length, mark, strlen(mark) + 1)) continue;
    count++;
    kill((pid_t)atoi(entry->d_name), sig);
  }
  closedir(list);
  return count;
}

static inline int alive(void) { return each_marked(0); }

static inline void kill_marked(void) {
  while (each_marked(SIGKILL) != 0) usleep(1000);
}

/* Twice in a row: in the middle of an exec a process has no environment. */
static inline void until(int count) {
  int last = -1, seen = -1;
  for (int i = 0; i < 2000 && (last != count || seen != count); i++) {
    usleep(5000);
    last = seen;
    seen = alive();
  }
  CHECK_INT(seen, count);
}

static inline bool start_tree(fe_attr *attr, const char *script, fe_child *child) {
  static unsigned serial;
  static char variable[80];
  snprintf(mark, sizeof mark, "FE_TREE=%d.%u", (int)getpid(), serial++);
  strcpy(variable, mark);
  static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  static char *envp[] = {variable, path, NULL};
  /* Without what shells say of the killed. */
  char quiet[1600];
  snprintf(quiet, sizeof quiet, "exec 2>/dev/null; %s", script);
  char *argv[] = {(char *)"sh", (char *)"-c", quiet, NULL};
  attr->argv = argv;
  attr->path = "/bin/sh";
  attr->envp = envp;
  return spawn(attr, FE_WAY_SHARED, child);
}

static inline void check_tree(fe_child *child, int sig, int errnum, int wanted) {
  int how = -77;
  errno = 0;
  CHECK_INT(fe_kill_tree(child, sig, &how), errnum ? -1 : 0);
  CHECK_STR(errno_name(errno), errno_name(errnum));
  CHECK_INT(how, wanted);
}

/* Nine processes on three levels, in three sessions; two do not hear SIGTERM. */
static const char family[] =
    "sleep 60 & (trap '' TERM; sleep 60; :) & "
    "setsid sh -c 'sleep 60 & (setsid sh -c \"sleep 60 & wait\"; :) & wait' & wait";
enum { FAMILY = 9, DEAF = 2 };

/* All of the family go. Those that are not the caller's children stay zombies until init sees to them. */
static inline void kills_family(fe_attr *attr, int how) {
  fe_child child;
  if (!start_tree(attr, family, &child)) return;
  until(FAMILY);
  check_tree(&child, 0, 0, how == FE_TREE_PIDNS ? FE_TREE_SWEEP : how);
  CHECK_INT(alive(), FAMILY);
  if (how != FE_TREE_PIDNS) {
    check_tree(&child, SIGTERM, 0, how);
    until(DEAF);
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    check_tree(&child, SIGKILL, ESRCH, 0);
    fe_child_close(&child);
    kill_marked();
    if (!start_tree(attr, family, &child)) return;
    until(FAMILY);
  }
  check_tree(&child, SIGKILL, 0, how);
  int status = 0;
  CHECK(fe_wait(&child, -1, &status) == 0 && status == SIGKILL);
  until(0);
  fe_child_close(&child);
}

static inline bool lives(fe_child *child) { return fe_wait(child, 0, NULL) == -1 && errno == ETIMEDOUT; }

#endif
