/* SPDX-License-Identifier: BSD-3-Clause */
/* Each ordered pair of file actions, compared with the same plain system calls in a forked child: the
 * error number, or the program's descriptors, working directory and foreground group. */
#include "test.h"

#include "posix.h"

#include <sys/ioctl.h>

/* What the pairs work on, at these numbers. One is close-on-exec, one not open. */
enum { DIRECTORY = 10, TERMINAL, FILE_HERE, CLOEXEC_FILE, NOTHING, LAST };

enum kind { OPEN, DUP2, CLOSE, CHDIR, FCHDIR, CLOSEFROM, TCSETPGRP, KINDS };

struct action {
  enum kind kind;
  int fd, from, oflag;
  const char *path;
};

/* So chosen that the second of a pair sees what the first has done. */
static const struct action actions[] = {
    {OPEN, DIRECTORY, 0, O_RDONLY | O_DIRECTORY, "."},
    {OPEN, NOTHING, 0, O_RDWR | O_CREAT, "made"},
    {OPEN, CLOEXEC_FILE, 0, O_RDONLY, "only-in-sub"},
    {OPEN, 0, 0, O_RDONLY | O_CLOEXEC, "file"},
    {OPEN, FILE_HERE, 0, O_RDONLY, "/nonexistent/file"},
    {DUP2, TERMINAL, DIRECTORY, 0, NULL},
    {DUP2, DIRECTORY, FILE_HERE, 0, NULL},
    {DUP2, CLOEXEC_FILE, CLOEXEC_FILE, 0, NULL},
    {DUP2, NOTHING, CLOEXEC_FILE, 0, NULL},
    {DUP2, FILE_HERE, NOTHING, 0, NULL},
    {CLOSE, DIRECTORY, 0, 0, NULL},
    {CLOSE, TERMINAL, 0, 0, NULL},
    {CLOSE, NOTHING, 0, 0, NULL},
    {CHDIR, 0, 0, 0, "sub"},
    {CHDIR, 0, 0, 0, "only-in-sub"},
    {CHDIR, 0, 0, 0, ".."},
    {FCHDIR, DIRECTORY, 0, 0, NULL},
    {FCHDIR, FILE_HERE, 0, 0, NULL},
    {FCHDIR, NOTHING, 0, 0, NULL},
    {CLOSEFROM, DIRECTORY, 0, 0, NULL},
    {CLOSEFROM, FILE_HERE, 0, 0, NULL},
    {CLOSEFROM, LAST, 0, 0, NULL},
    {TCSETPGRP, TERMINAL, 0, 0, NULL},
    {TCSETPGRP, DIRECTORY, 0, 0, NULL},
    {TCSETPGRP, NOTHING, 0, 0, NULL},
};
enum { ACTIONS = sizeof actions / sizeof *actions };

static const char *text_of(const struct action *action) {
  static const char *const names[] = {"open", "dup2", "close", "chdir", "fchdir", "closefrom", "tcsetpgrp"};
  static char texts[4][80];
  static unsigned next;
  char *text = texts[next++ % 4];
  snprintf(text, sizeof texts[0], "%s(fd %d, from %d, %s)", names[action->kind], action->fd, action->from,
           action->path ? action->path : "");
  return text;
}

static void add(posix_spawn_file_actions_t *list, const struct action *action) {
  int result = -1;
  switch (action->kind) {
    case OPEN:
      result = posix_spawn_file_actions_addopen(list, action->fd, action->path, action->oflag, 0644);
      break;
    case DUP2: result = posix_spawn_file_actions_adddup2(list, action->from, action->fd); break;
    case CLOSE: result = posix_spawn_file_actions_addclose(list, action->fd); break;
    case CHDIR: result = posix_spawn_file_actions_addchdir(list, action->path); break;
    case FCHDIR: result = posix_spawn_file_actions_addfchdir(list, action->fd); break;
    case CLOSEFROM: result = posix_spawn_file_actions_addclosefrom_np(list, action->fd); break;
    case TCSETPGRP: result = posix_spawn_file_actions_addtcsetpgrp_np(list, action->fd); break;
    case KINDS: break;
  }
  CHECK_ERR(result, 0);
}

/* As POSIX describes the action: 0, or errno. */
static int do_plainly(const struct action *action) {
  int fd = action->fd, opened;
  switch (action->kind) {
    case OPEN:
      close(fd);
      opened = open(action->path, action->oflag, 0644);
      if (opened < 0) return errno;
      if (opened == fd) return 0;
      if (dup3(opened, fd, action->oflag & O_CLOEXEC) < 0) return errno;
      close(opened);
      return 0;
    case DUP2:
      /* When they are equal the descriptor becomes inheritable. */
      if (action->from == fd) return fcntl(fd, F_SETFD, 0) < 0 ? errno : 0;
      return dup2(action->from, fd) < 0 ? errno : 0;
    case CLOSE:
      close(fd);
      return 0;
    case CHDIR: return chdir(action->path) < 0 ? errno : 0;
    case FCHDIR: return fchdir(fd) < 0 ? errno : 0;
    case CLOSEFROM:
      for (int each = fd; each < 1024; each++) close(each);
      return 0;
    case TCSETPGRP: return tcsetpgrp(fd, getpgid(0)) < 0 ? errno : 0;
    case KINDS: break;
  }
  abort();
}

/* 0 or the error number, which the child that has not started anything ends with. */
static int plainly(const struct action *pair, char *report) {
  char *argv[] = {(char *)"probe", report, NULL};
  pid_t pid = fork();
  NEED(pid >= 0);
  if (pid == 0) {
    sigset_t set, before;
    int errnum = 0;
    sigemptyset(&set);
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, &before);
    setpgid(0, 0);
    for (int i = 0; i < 2 && errnum == 0; i++) errnum = do_plainly(&pair[i]);
    sigprocmask(SIG_SETMASK, &before, NULL);
    if (errnum != 0) _exit(errnum);
    execve(probe_path(), argv, environ);
    _exit(errno);
  }
  int status = wait_status(pid);
  CHECK(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int by_posix_spawn(const struct action *pair, char *report) {
  char *argv[] = {(char *)"probe", report, NULL};
  posix_spawn_file_actions_t list;
  posix_spawnattr_t attr;
  pid_t pid = -1;
  NEED(posix_spawnattr_init(&attr) == 0);
  NEED(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP) == 0);
  NEED(posix_spawn_file_actions_init(&list) == 0);
  add(&list, &pair[0]);
  add(&list, &pair[1]);
  int errnum = posix_spawn(&pid, probe_path(), &list, &attr, argv, environ);
  NEED(posix_spawn_file_actions_destroy(&list) == 0);
  if (errnum == 0) CHECK_INT(wait_status(pid), 0);
  return errnum;
}

/* What of a report must be the same: files by their identity, flags, directory, and whether the program
 * is in the foreground. Free it. */
static char *essence(void) {
  char *report = read_report(), *text = calloc(1, 1 << 16);
  NEED(text != NULL);
  bool front = number(report, "foreground") == number(report, "pid");
  size_t length = (size_t)sprintf(text, "mask %s foreground %d\n", value(report, "mask"), front);
  for (char *line = strtok(report, "\n"); line != NULL; line = strtok(NULL, "\n"))
    if (strncmp(line, "fd.", 3) == 0 || strncmp(line, "cloexec.", 8) == 0 || strncmp(line, "cwd", 3) == 0)
      length += (size_t)snprintf(text + length, (1 << 16) - length, "%s\n", line);
  free(report);
  return text;
}

static void back_to_the_foreground(void) {
  sigset_t set, before;
  sigemptyset(&set);
  sigaddset(&set, SIGTTOU);
  NEED(sigprocmask(SIG_BLOCK, &set, &before) == 0);
  NEED(tcsetpgrp(TERMINAL, getpgid(0)) == 0);
  NEED(sigprocmask(SIG_SETMASK, &before, NULL) == 0);
}

static void compare(const struct action *pair) {
  char report[300], *wanted_text = NULL, *got_text = NULL;
  snprintf(report, sizeof report, "%s", new_report());
  int wanted = plainly(pair, report);
  if (wanted == 0) wanted_text = essence();
  back_to_the_foreground();
  /* What was made stays for the other: a new one would have another identity. */
  new_report();
  char *before = snapshot();
  int got = by_posix_spawn(pair, report);
  char *after = snapshot();
  CHECK_STR(after, before);
  /* A group that is no more is not left in the foreground. */
  if (got != 0) CHECK_INT(tcgetpgrp(TERMINAL), getpgid(0));
  back_to_the_foreground();
  unlink("made");
  unlink("sub/made");
  bool good = CHECK_ERR(got, wanted);
  if (good && got == 0) {
    got_text = essence();
    good = CHECK_STR(got_text, wanted_text);
  }
  if (!good) note("%s, then %s", text_of(&pair[0]), text_of(&pair[1]));
  check_no_child();
  free(wanted_text);
  free(got_text);
  free(before);
  free(after);
}

static void touch(const char *path) {
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  NEED(fd >= 0);
  close(fd);
}

/* The case leads a session in the foreground of a terminal. */
static void scene(const char *name) {
  NEED(chdir(scratch()) == 0 && mkdir(name, 0755) == 0 && chdir(name) == 0);
  NEED(mkdir("sub", 0755) == 0);
  touch("file");
  touch("sub/file");
  touch("sub/only-in-sub");
  only(0);
  for (int fd = 0; fd < 3; fd++) open_at(fd, false);
  open_at(FILE_HERE, false);
  open_at(CLOEXEC_FILE, true);
  NEED(open("sub", O_RDONLY | O_DIRECTORY) == 3 && dup2(3, DIRECTORY) == DIRECTORY);
  close(3);
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(master == 3 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
  NEED(slave == 4 && dup2(slave, TERMINAL) == TERMINAL);
  close(slave);
  NEED(setsid() == getpid() && ioctl(TERMINAL, TIOCSCTTY, 0) == 0);
  NEED(tcgetpgrp(TERMINAL) == getpgid(0));
}

/* All pairs that begin with this kind. */
static void pairs_of(enum kind kind, const char *name) {
  scene(name);
  bool seen[KINDS] = {false};
  for (int first = 0; first < ACTIONS; first++) {
    if (actions[first].kind != kind) continue;
    for (int second = 0; second < ACTIONS; second++) {
      const struct action pair[] = {actions[first], actions[second]};
      compare(pair);
      seen[actions[second].kind] = true;
    }
  }
  for (int i = 0; i < KINDS; i++) CHECK(seen[i]);
}

static void open_first(void) { pairs_of(OPEN, "open"); }
static void dup2_first(void) { pairs_of(DUP2, "dup2"); }
static void close_first(void) { pairs_of(CLOSE, "close"); }
static void chdir_first(void) { pairs_of(CHDIR, "chdir"); }
static void fchdir_first(void) { pairs_of(FCHDIR, "fchdir"); }
static void closefrom_first(void) { pairs_of(CLOSEFROM, "closefrom"); }
static void tcsetpgrp_first(void) { pairs_of(TCSETPGRP, "tcsetpgrp"); }

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"open, then each", open_first},         {"dup2, then each", dup2_first},
      {"close, then each", close_first},       {"chdir, then each", chdir_first},
      {"fchdir, then each", fchdir_first},     {"closefrom, then each", closefrom_first},
      {"tcsetpgrp, then each", tcsetpgrp_first}, {NULL, NULL},
  };
  return run(argc, argv, cases);
}
