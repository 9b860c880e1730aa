/* SPDX-License-Identifier: BSD-3-Clause */
/* From --fd to the list of files; from --cgroup, --fexecve and --enter to a descriptor. */

#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define TO_WRITE (O_WRONLY | O_CREAT | O_TRUNC)

int open_flags(int target, const char **path) {
  static const struct {
    const char *prefix;
    int flags;
  } modes[] = {
      {"<>", O_RDWR | O_CREAT},
      {">>", O_WRONLY | O_CREAT | O_APPEND},
      {"<", O_RDONLY},
      {">", TO_WRITE},
  };
  int flags = target == STDIN_FILENO ? O_RDONLY : TO_WRITE;
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    size_t length = strlen(modes[i].prefix);
    if (strncmp(*path, modes[i].prefix, length) != 0) continue;
    flags = modes[i].flags;
    *path += length;
    break;
  }
  /* A session leader without a terminal would get it. */
  return flags | O_NOCTTY;
}

/* Out of the way of 0, 1 and 2: where the caller has closed one of them, what this process says
 * would get into the file. */
static int opened(const char *path, int fd) {
  if (fd >= 0 && fd <= STDERR_FILENO) {
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    fd = higher;
  }
  if (fd < 0) DIE("open \"%s\": %s", path, strerror(errno));
  return fd;
}

int open_source(const char *path, int flags) {
  return opened(path, open(path, flags | O_CLOEXEC | O_NOCTTY, 0666));
}

int open_own(const char *option, const char *source, int flags) {
  unsigned long number;
  if (!is_number(source, INT_MAX, &number)) return open_source(source, flags);
  int fd = (int)number;
  if (!is_callers(fd)) DIE("--%s: descriptor %d is not open", option, fd);
  if (fd > STDERR_FILENO) fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

/* For --explain: nothing is made, emptied or waited for. */
static int look_at(const char *path, int flags) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  if (fd < 0 && errno == ENOENT && (flags & O_CREAT) != 0) fd = open("/", O_PATH | O_CLOEXEC);
  return opened(path, fd);
}

/* What is behind `kind` in `source`, or NULL. */
static const char *after(const char *kind, const char *source) {
  size_t length = strlen(kind);
  return strncmp(source, kind, length) == 0 ? source + length : NULL;
}

/* INT_MAX is never open, and the library says so: this process may have the number by now. */
static int32_t callers(unsigned long fd) { return is_callers((int)fd) ? (int32_t)fd : INT_MAX; }

static int32_t source_of(const struct job *job, const struct descriptor *wanted,
                         fe_redirect *redirects, size_t *count) {
  const char *source = wanted->source, *rest;
  unsigned long fd;
  if (strcmp(source, "-") == 0) return -1;
  if (strcmp(source, "null:") == 0) return FE_NULL;
  if (strcmp(source, "terminal:") == 0) return FE_TERMINAL;
  if (is_number(source, INT_MAX, &fd)) return callers(fd);
  if ((rest = after("same:", source)) != NULL)
    return FE_SAME_AS((int32_t)number("fd", rest, FD_MAX));
  if ((rest = after("data:", source)) != NULL) {
    redirects[*count] = (fe_redirect)FE_DATA(rest, strlen(rest));
    return FE_REDIRECT((int32_t)(*count)++);
  }
  if ((rest = after("child:", source)) != NULL) {
    int flags = open_flags(wanted->number, &rest);
    redirects[*count] = (fe_redirect)FE_OPEN_FILE(rest, flags, 0666);
    return FE_REDIRECT((int32_t)(*count)++);
  }
  /* Relative to this process's directory, and with its rights. */
  int flags = open_flags(wanted->number, &source);
  return job->explain >= 0 ? look_at(source, flags) : open_source(source, flags);
}

/* --fd only adds. So the list begins with what is there, since fe_spawn closes what it leaves out
 * of 0, 1 and 2. */
void plan_files(struct job *job) {
  fe_attr *attr = &job->attr;
  if (job->ndescriptors == 0 && !job->capture) return;
  bool pty = (attr->flags & FE_PTY) != 0;
  int32_t count = STDERR_FILENO + 1;
  if (attr->ctty >= count) count = attr->ctty + 1;
  for (size_t i = 0; i < job->ndescriptors; i++)
    if (job->descriptors[i].number >= count) count = job->descriptors[i].number + 1;

  int32_t *files = allocate((size_t)count, sizeof *files);
  for (int32_t i = 0; i < count; i++) {
    bool close_it = i > STDERR_FILENO && (attr->flags & FE_CLOSE_OTHERS) != 0;
    files[i] = !close_it && is_callers(i) ? i : -1;
    if (pty && i <= STDERR_FILENO) files[i] = FE_TERMINAL;
  }
  if (job->capture) files[STDOUT_FILENO] = files[STDERR_FILENO] = FE_TO_PIPE;
  fe_redirect *redirects = allocate(job->ndescriptors + 1, sizeof *redirects);
  for (size_t i = 0; i < job->ndescriptors; i++)
    files[job->descriptors[i].number] =
        source_of(job, &job->descriptors[i], redirects, &attr->nredirects);
  if (attr->nredirects > 0) attr->redirects = redirects;
  attr->files = files;
  attr->nfiles = (size_t)count;
}

void close_sources(const fe_attr *attr) {
  for (size_t i = 0; i < attr->nfiles; i++) {
    int fd = attr->files[i];
    bool kept = (attr->flags & FE_FOREGROUND) != 0 && fd == attr->files[attr->ctty];
    if (fd > STDERR_FILENO && !kept && !is_callers(fd)) close(fd);
  }
}

void plan_execfd(struct job *job) {
  fe_attr *attr = &job->attr;
  if ((attr->flags & (FE_FEXECVE | FE_EXECVEAT)) != 0)
    attr->execfd = callers((unsigned long)attr->execfd);
}

/* Those of a process by its pidfd (Linux 5.8), else the one that a file stands for. */
static int open_namespaces(const char *source) {
  unsigned long pid;
  if (!is_number(source, INT_MAX, &pid)) return open_source(source, O_RDONLY);
  return opened(source, (int)syscall(SYS_pidfd_open, pid, 0));
}

void plan_namespaces(struct job *job) {
  fe_namespaces *wanted = &job->namespaces;
  bool offsets = wanted->monotonic_offset != NULL || wanted->boottime_offset != NULL;
  if (job->nentered == 0 && wanted->unshare == 0 && !offsets) return;
  fe_join *joins = allocate(job->nentered + 1, sizeof *joins);
  for (size_t i = 0; i < job->nentered; i++)
    joins[i] = (fe_join){open_namespaces(job->entered[i].source), job->entered[i].kinds};
  wanted->size = sizeof *wanted;
  wanted->njoins = job->nentered;
  if (wanted->njoins > 0) wanted->joins = joins;
  job->attr.namespaces = wanted;
}

void plan_cgroup(struct job *job) {
  if (job->cgroup == NULL) return;
  bool own = (job->attr.flags & FE_OWN_CGROUP) != 0;
  if (own && job->explain >= 0) {
    job->attr.cgroup = look_at(job->cgroup, O_CREAT);
    return;
  }
  /* One that is there may have others in it, who would be killed with the tree. */
  if (own && mkdir(job->cgroup, 0755) != 0) DIE("mkdir \"%s\": %s", job->cgroup, strerror(errno));
  int fd = open(job->cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0 && own) rmdir(job->cgroup);
  job->attr.cgroup = opened(job->cgroup, fd);
}

void remove_cgroup(const struct job *job) {
  if (job->cgroup == NULL || (job->attr.flags & FE_OWN_CGROUP) == 0) return;
  if (rmdir(job->cgroup) != 0) say("rmdir \"%s\": %s", job->cgroup, strerror(errno));
}
