/* SPDX-License-Identifier: BSD-3-Clause */
/* The command forkexec: fe_spawn, with its attributes as options. Of its own it says nothing but
 * why it failed, in one line, and its exit status is as env(1) and timeout(1) have it. */

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif

#define GRACE_MS 1000 /* from SIGTERM to SIGKILL */

/* ---- descriptors ---- */

/* Whether the caller has handed down `fd`. What this process has opened itself is close-on-exec,
 * and naming it in the list would leak it. */
static bool is_callers(int fd) {
  int flags = fcntl(fd, F_GETFD);
  return flags != -1 && (flags & FD_CLOEXEC) == 0;
}

#define TO_WRITE (O_WRONLY | O_CREAT | O_TRUNC)

/* Opened by this process: relative to its directory, and with its rights. */
static int open_source(int target, const char *path) {
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
    if (strncmp(path, modes[i].prefix, length) != 0) continue;
    flags = modes[i].flags;
    path += length;
    break;
  }
  /* O_NOCTTY: a session leader without a terminal would get it. */
  int fd = open(path, flags | O_CLOEXEC | O_NOCTTY, 0666);
  if (fd >= 0 && fd <= STDERR_FILENO) {
    /* The caller has closed it, so that what this process says would get into the file. */
    int higher = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    close(fd);
    fd = higher;
  }
  if (fd < 0) DIE("open \"%s\": %s", path, strerror(errno));
  return fd;
}

static int32_t source_of(const struct descriptor *wanted) {
  const char *source = wanted->source;
  unsigned long number;
  if (strcmp(source, "-") == 0) return -1;
  if (!is_number(source, INT_MAX, &number)) return open_source(wanted->number, source);
  /* INT_MAX is never open, and the library says so: this process may have the number by now. */
  return is_callers((int)number) ? (int32_t)number : INT_MAX;
}

/* --fd only adds. So the list begins with what is there, since fe_spawn closes what it leaves out
 * of 0, 1 and 2. */
static void plan_files(struct job *job) {
  fe_attr *attr = &job->attr;
  if (job->ndescriptors == 0) return;
  int32_t count = STDERR_FILENO + 1;
  if (attr->ctty >= count) count = attr->ctty + 1;
  for (size_t i = 0; i < job->ndescriptors; i++)
    if (job->descriptors[i].number >= count) count = job->descriptors[i].number + 1;

  int32_t *files = allocate((size_t)count, sizeof *files);
  for (int32_t i = 0; i < count; i++) {
    bool close_it = i > STDERR_FILENO && (attr->flags & FE_CLOSE_OTHERS) != 0;
    files[i] = !close_it && is_callers(i) ? i : -1;
  }
  for (size_t i = 0; i < job->ndescriptors; i++)
    files[job->descriptors[i].number] = source_of(&job->descriptors[i]);
  attr->files = files;
  attr->nfiles = (size_t)count;
}

/* The program has its own by now. Held open here, an end of a pipe would keep the other waiting. */
static void close_sources(const fe_attr *attr, int terminal) {
  for (size_t i = 0; i < attr->nfiles; i++) {
    int fd = attr->files[i];
    if (fd > STDERR_FILENO && fd != terminal && !is_callers(fd)) close(fd);
  }
}

/* ---- identity ---- */

static gid_t group_id(const char *option, const char *text) {
  unsigned long id;
  const struct group *group = getgrnam(text);
  if (group != NULL) return group->gr_gid;
  if (!is_number(text, ID_MAX, &id)) DIE("--%s: there is no group \"%s\"", option, text);
  return (gid_t)id;
}

static void groups_of_user(const struct passwd *entry, fe_credential *credential) {
  for (int room = 64;; room *= 2) {
    int count = room;
    gid_t *groups = allocate((size_t)room, sizeof *groups);
    if (getgrouplist(entry->pw_name, credential->gid, groups, &count) >= 0) {
      credential->groups = groups;
      credential->ngroups = (size_t)count;
      return;
    }
    free(groups);
  }
}

static void groups_listed(char *list, fe_credential *credential) {
  gid_t *groups = allocate(strlen(list) + 1, sizeof *groups);
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
    groups[credential->ngroups++] = group_id("groups", name);
  credential->groups = groups;
}

static void plan_identity(struct job *job) {
  static fe_credential credential = FE_CREDENTIAL_INIT;
  static const gid_t none;
  const struct passwd *entry = NULL;
  if (job->user == NULL && job->groups == NULL) return;
  credential.uid = geteuid();
  credential.gid = getegid();
  if (job->user != NULL) {
    unsigned long id;
    char *group = job->user, *user = strsep(&group, ":");
    /* The name first, as POSIX has it: it may be one of digits. */
    entry = getpwnam(user);
    if (entry == NULL) {
      if (!is_number(user, ID_MAX, &id)) DIE("--user: there is no user \"%s\"", user);
      entry = getpwuid((uid_t)id);
      credential.uid = (uid_t)id;
      credential.gid = (gid_t)id;
    }
    if (entry != NULL) {
      credential.uid = entry->pw_uid;
      credential.gid = entry->pw_gid;
    }
    if (group != NULL) credential.gid = group_id("user", group);
  }
  /* In a user namespace where setgroups is denied the kernel keeps them; a list is refused. */
  bool denied = job->attr.ngid_mappings > 0 && (job->attr.flags & FE_ALLOW_SETGROUPS) == 0;
  if (job->groups != NULL)
    groups_listed(job->groups, &credential);
  else if (job->keep_groups || denied)
    credential.groups = NULL;
  else if (entry != NULL)
    groups_of_user(entry, &credential);
  else
    credential.groups = &none;
  job->attr.credential = &credential;
}

/* ---- signals ---- */

static fe_child child = FE_CHILD_INIT;
static volatile sig_atomic_t started, pending;

/* One that comes before there is a child is kept for it. It cannot be blocked until then: the child
 * would inherit the mask. */
static void forward(int sig) {
  int saved = errno;
  if (started)
    fe_kill(&child, sig);
  else
    pending |= 1 << sig;
  errno = saved;
}

static void do_nothing(int sig) { (void)sig; }

/* Caught, a signal is default in the program, where SIG_IGN would stay. One that is ignored
 * already, by nohup(1) or so, is meant to. */
static void catch(int sig, void (*handler)(int)) {
  struct sigaction action;
  if (sigaction(sig, NULL, &action) != 0 || action.sa_handler == SIG_IGN) return;
  action = (struct sigaction){.sa_handler = handler, .sa_flags = SA_RESTART};
  sigaddset(&action.sa_mask, SIGTERM);
  sigaddset(&action.sa_mask, SIGHUP);
  sigaction(sig, &action, NULL);
}

static void catch_signals(void) {
  catch(SIGINT, do_nothing);
  catch(SIGQUIT, do_nothing);
  catch(SIGTERM, forward);
  catch(SIGHUP, forward);
  /* Ignored, there would be no exit status to wait for. */
  signal(SIGCHLD, SIG_DFL);
}

/* ---- the program's life ---- */

/* A line of the step, what it was given, and why not; and the exit status. */
static int report(const fe_attr *attr, const fe_error *error) {
  const char *text = NULL;
  long long number = error->index;
  char item[PATH_MAX + 8] = "", reason[128];
  switch (error->step) {
    case FE_STEP_CHDIR: text = attr->dir; break;
    case FE_STEP_CHROOT:
    case FE_STEP_CHROOT_CHDIR: text = attr->chroot; break;
    case FE_STEP_EXEC: text = attr->path; break;
    case FE_STEP_SETUID: number = attr->credential->uid; break;
    case FE_STEP_SETGID: number = attr->credential->gid; break;
    default: break;
  }
  if (text != NULL)
    snprintf(item, sizeof item, " \"%s\"", text);
  else if (number >= 0)
    snprintf(item, sizeof item, " %lld", number);

  if (error->errnum != ECANCELED)
    snprintf(reason, sizeof reason, "%s", strerror(error->errnum));
  else if (error->signal > 0)
    snprintf(reason, sizeof reason, "killed by signal %d (%s)", (int)error->signal,
             strsignal(error->signal));
  else
    snprintf(reason, sizeof reason, "killed");
  say("%s%s: %s", fe_step_name(error->step), item, reason);
  if (error->step != FE_STEP_EXEC) return FAILED;
  return error->errnum == ENOENT ? NOT_FOUND : CANNOT_EXECUTE;
}

/* Whether there is a pidfd to be had here: on Linux 5.3, unless a filter or a full table of
 * descriptors forbids. Asked beforehand, not by a second fe_spawn: where the first has found out
 * too late, the program would run twice. */
static bool has_pidfd(void) {
  int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

/* 0, or the exit status. */
static int start(const struct job *job) {
  static const char *const ways[] = {
      [FE_WAY_SHARED] = "shared",         [FE_WAY_COPY] = "copy",
      [FE_WAY_PIPED] = "piped",           [FE_WAY_CONCURRENT] = "concurrent",
      [FE_WAY_STAGED] = "staged"};
  fe_attr attr = job->attr;
  fe_error error;
  if (has_pidfd()) attr.flags |= FE_PIDFD;
  if (fe_spawn(&attr, &child, &error) != 0) return report(&attr, &error);

  /* In this order: what comes in between is forwarded by its handler. */
  started = 1;
  for (int sig = 1; sig <= SIGTERM; sig++)
    if ((pending & 1 << sig) != 0) fe_kill(&child, sig);
  if (job->verbose) say("way %s, pid %d", ways[child.way], (int)child.pid);
  return 0;
}

static int exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int stop(void) {
  int status;
  if (fe_kill(&child, SIGTERM) == 0 && fe_wait(&child, GRACE_MS, &status) == 0) return TIMED_OUT;
  /* A set-user-ID program may not be ours to kill. To wait for it would be no time-out. */
  if (fe_kill(&child, SIGKILL) != 0)
    say("kill %d: %s", (int)child.pid, strerror(errno));
  else
    fe_wait(&child, -1, &status);
  return TIMED_OUT;
}

static int finish(const struct job *job) {
  int status;
  if ((job->attr.flags & FE_PTRACE) != 0) {
    if (fe_wait(&child, -1, &status) != 0) DIE("wait: %s", strerror(errno));
    if (!WIFSTOPPED(status)) return exit_status(status);
    /* The stop at exec is its tracer's alone, and ends here: SIGSTOP is one that lasts. */
    ptrace(PTRACE_DETACH, child.pid, NULL, SIGSTOP);
    say("%d is stopped at exec", (int)child.pid);
  }
  if (fe_wait(&child, job->timeout_ms, &status) == 0) return exit_status(status);
  if (errno != ETIMEDOUT) DIE("wait: %s", strerror(errno));
  return stop();
}

int main(int argc, char **argv) {
  static struct job job = {.attr = FE_ATTR_INIT};
  const fe_attr *attr = &job.attr;
  parse_options(&job, argc, argv);
  plan_files(&job);
  plan_identity(&job);

  int terminal = -1;
  if ((attr->flags & FE_FOREGROUND) != 0)
    terminal = attr->files != NULL ? attr->files[attr->ctty] : attr->ctty;
  pid_t foreground = terminal >= 0 ? tcgetpgrp(terminal) : -1;
  catch_signals();
  int status = start(&job);
  close_sources(attr, terminal);
  if (status == 0) status = finish(&job);
  if (foreground > 0) {
    /* The program's group has gone with it: none can read from a terminal that is left to it. */
    signal(SIGTTOU, SIG_IGN);
    tcsetpgrp(terminal, foreground);
  }
  fe_child_close(&child);
  return status;
}
