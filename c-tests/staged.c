/* SPDX-License-Identifier: BSD-3-Clause */
/* The staged way: a change of credentials without a copy of the caller's memory and without sharing it. */
#include "test.h"

#include "pty.h"
#include "staged.h"

#include <grp.h>
#include <pthread.h>
#include <sys/prctl.h>


static void identity_changes(void) {
  need_stage();
  const gid_t groups[] = {5, 6, 77777};
  nobody.groups = groups;
  nobody.ngroups = 3;
  fe_attr attr = as_nobody();
  attr.argv = NULL;
  attr.path = NULL;
  attr.flags = FE_PIDFD;
  const int files[] = {0, 1, 2};
  only(3);
  attr.files = files;
  attr.nfiles = 3;
  char *before = snapshot();
  char *seen = probe(&attr, FE_WAY_STAGED);
  char *after = snapshot();
  CHECK_STR(after, before);
  CHECK_STR(value(seen, "uid"), "65534 65534 65534");
  CHECK_STR(value(seen, "gid"), "65534 65534 65534");
  CHECK_STR(value(seen, "groups"), "5 6 77777");
  CHECK_INT(number(seen, "fds"), 3); /* none of the stage's */
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  free(before);
  free(after);
  free(seen);
}

/* All of them at once, and the program sees of the stage nothing. */
static void attributes_work(void) {
  need_stage();
  only(8);
  struct pty pty = new_pty();
  const int files[] = {3, 1, 2, -1, 0, pty.slave};
  sigset_t mask, defaults, ignored;
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGUSR2);
  signal(SIGPIPE, SIG_IGN);
  fe_scheduling idle = FE_SCHEDULING_INIT;
  idle.flags = FE_SCHED_POLICY;
  idle.policy = SCHED_IDLE;
  char *envp[] = {(char *)"STAGE=", NULL};
  char *argv[] = {(char *)"probe", NULL};
  const fe_file_action actions[] = {FE_OPEN(7, "/etc/passwd", O_RDONLY, 0), FE_DUP2(4, 9)};
  fe_attr attr = as_nobody();
  attr.path = probe_path();
  attr.argv = argv;
  attr.envp = envp;
  attr.dir = "/usr";
  attr.files = files;
  attr.nfiles = 6;
  attr.actions = actions;
  attr.nactions = 2;
  attr.flags = FE_SETSID | FE_SETCTTY | FE_CLOSE_OTHERS | FE_PIDFD;
  attr.ctty = 5;
  attr.pdeathsig = SIGTERM;
  attr.sigmask = &mask;
  attr.sigdefault = &defaults;
  attr.sigignore = &ignored;
  attr.scheduling = &idle;
  char wanted0[64], wanted4[64], wanted9[64];
  snprintf(wanted0, sizeof wanted0, "%s", identity(3));
  snprintf(wanted4, sizeof wanted4, "%s", identity(0));
  snprintf(wanted9, sizeof wanted9, "%s", identity(0));
  char *seen = probe(&attr, FE_WAY_STAGED);
  CHECK_STR(value(seen, "fd.0"), wanted0);
  CHECK_STR(value(seen, "fd.4"), wanted4);
  CHECK_STR(value(seen, "fd.9"), wanted9);
  CHECK_STR(value(seen, "fd.3"), "");
  CHECK(strcmp(value(seen, "fd.7"), "") != 0);
  CHECK_INT(number(seen, "fds"), 7);
  CHECK_STR(value(seen, "cwd"), "/usr");
  CHECK_STR(value(seen, "mask"), "0000000000000200");
  CHECK_INT(number(seen, "policy"), SCHED_IDLE);
  CHECK_INT(number(seen, "pdeathsig"), SIGTERM);
  CHECK_INT(number(seen, "tty"), 1);
  CHECK_STR(value(seen, "uid"), "65534 65534 65534");
  uint64_t seen_ignored = strtoull(value(seen, "ignored"), NULL, 16);
  CHECK((seen_ignored & UINT64_C(1) << (SIGUSR2 - 1)) != 0);
  CHECK((seen_ignored & UINT64_C(1) << (SIGPIPE - 1)) == 0);
  free(seen);
}

/* A file that the user may read, opened by the stage; a pipe, made by the caller. */
static void redirections(void) {
  need_stage();
  fe_redirect passwd;
  memset(&passwd, 0, sizeof passwd);
  passwd.kind = FE_REDIRECT_OPEN;
  passwd.path = "/etc/passwd";
  const int files[] = {FE_REDIRECT(0), FE_TO_PIPE, FE_SAME_AS(1)};
  char *argv[] = {(char *)"head", (char *)"-c4", NULL};
  fe_attr attr = as_nobody();
  attr.path = NULL;
  attr.argv = argv;
  attr.flags = FE_SEARCH_PATH;
  attr.files = files;
  attr.nfiles = 3;
  attr.redirects = &passwd;
  attr.nredirects = 1;
  fe_child child;
  if (!spawn(&attr, FE_WAY_STAGED, &child)) return;
  char seen[8] = "";
  CHECK_INT(read(child.ends[1], seen, 7), 4);
  CHECK_STR(seen, "root");
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  fe_child_close(&child);
  passwd.path = "/etc/shadow";
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_FILES, 0);
}

static void finds_its_program(void) {
  need_stage();
  fe_attr attr = as_nobody();
  const char *script = scratch_path("script");
  int fd = open(script, O_WRONLY | O_CREAT | O_CLOEXEC, 0777);
  NEED(fd >= 0 && fchmod(fd, 0755) == 0 && write(fd, "exit 7\n", 7) == 7 && close(fd) == 0);
  char *argv[] = {(char *)"script", NULL};
  attr.path = NULL;
  attr.argv = argv;
  attr.search_path = scratch();
  attr.flags = FE_SEARCH_PATH | FE_SHELL_FALLBACK;
  spawn_exits(&attr, FE_WAY_STAGED, 7);
  argv[0] = (char *)"missing";
  spawn_fails(&attr, FE_WAY_STAGED, ENOENT, FE_STEP_EXEC, -1);
}

/* In each half, and nothing is left. */
static void failures_are_told(void) {
  need_stage();
  fe_attr attr = as_nobody();
  attr.path = "/nonexistent";
  spawn_fails(&attr, FE_WAY_STAGED, ENOENT, FE_STEP_EXEC, -1);
  attr = as_nobody();
  attr.chroot = "/nonexistent";
  spawn_fails(&attr, FE_WAY_STAGED, ENOENT, FE_STEP_CHROOT, -1);
  /* With the rights of the user. */
  const char *mine = scratch_path("mine");
  NEED(mkdir(mine, 0700) == 0);
  attr = as_nobody();
  attr.dir = mine;
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_CHDIR, -1);
  attr = as_nobody();
  const fe_file_action actions[] = {FE_CLOSE(0), FE_OPEN(0, "/etc/shadow", O_RDONLY, 0)};
  attr.actions = actions;
  attr.nactions = 2;
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_ACTION_OPEN, 1);
  attr = as_nobody();
  attr.path = "/etc";
  attr.sigmask = NULL;
  attr.flags = FE_PIDFD;
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_EXEC, -1);
}

/* ---- in the middle of it: the stage waits in open(2) of a FIFO ---- */

struct held {
  const char *fifo;
  pid_t pid;
  void (*then)(pid_t stage);
};

/* The child that waits, by its name. */
static pid_t stage_of_mine(void) {
  char path[64], name[32], state;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
  for (int i = 0; i < 5000; i++, usleep(2000)) {
    FILE *children = fopen(path, "re");
    int pid;
    NEED(children);
    while (fscanf(children, "%d", &pid) == 1) {
      char stat_path[64];
      snprintf(stat_path, sizeof stat_path, "/proc/%d/stat", pid);
      FILE *stat = fopen(stat_path, "re");
      int got = stat ? fscanf(stat, "%*d (%31[^)]) %c", name, &state) : 0;
      if (stat) fclose(stat);
      if (got == 2 && name[0] == '/' && state == 'S') {
        fclose(children);
        return pid;
      }
    }
    fclose(children);
  }
  return -1;
}

static void *meanwhile(void *with) {
  struct held *held = with;
  held->pid = stage_of_mine();
  CHECK(held->pid > 0);
  if (held->pid > 0) held->then(held->pid);
  return NULL;
}

static void while_held(fe_attr *attr, struct held *held, int signal) {
  fe_file_action actions[] = {FE_OPEN(8, held->fifo, O_RDONLY, 0)};
  attr->actions = actions;
  attr->nactions = 1;
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, meanwhile, held) == 0);
  fe_child child;
  fe_error error;
  attr->way = FE_WAY_STAGED;
  if (signal) {
    CHECK_INT(fe_spawn(attr, &child, &error), -1);
    CHECK_INT(error.errnum, ECANCELED);
    CHECK_INT(error.signal, signal);
    CHECK_INT(error.step, FE_STEP_ACTION_OPEN);
    CHECK_INT(error.way, FE_WAY_STAGED);
    check_no_child();
  } else if (CHECK_INT(fe_spawn(attr, &child, &error), 0)) {
    int status = -1;
    CHECK_INT(fe_wait(&child, -1, &status), 0);
    CHECK_INT(status, 0);
  }
  NEED(pthread_join(thread, NULL) == 0);
}

static void kill_it(pid_t stage) { CHECK_INT(kill(stage, SIGKILL), 0); }

static void killed_in_the_stage(void) {
  need_stage();
  struct held held = {new_fifo(), 0, kill_it};
  fe_attr attr = as_nobody();
  while_held(&attr, &held, SIGKILL);
}

static char secret[] = "TheSecretOfTheCaller-0123456789";

/* Whether the process has the secret in its memory. */
static bool knows_secret(pid_t pid) {
  char path[64], line[256];
  snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
  FILE *maps = fopen(path, "re");
  snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
  int mem = open(path, O_RDONLY | O_CLOEXEC);
  NEED(maps && mem >= 0);
  bool knows = false;
  while (fgets(line, sizeof line, maps)) {
    unsigned long from, to;
    if (sscanf(line, "%lx-%lx r", &from, &to) != 2 || strstr(line, "[v")) continue;
    if (to - from > LARGE) continue;
    char *copy = malloc(to - from);
    ssize_t n = copy ? pread(mem, copy, to - from, (off_t)from) : -1;
    if (n > 0 && memmem(copy, (size_t)n, secret, sizeof secret)) knows = true;
    free(copy);
  }
  fclose(maps);
  close(mem);
  return knows;
}

static const char *fifo_to_open;

/* A process of the user, while the stage is the user's: neither it nor the caller can be read. */
static void look_at_it(pid_t stage) {
  CHECK(knows_secret(getpid()));
  CHECK(!knows_secret(stage));
  pid_t caller = getpid(), user = fork();
  NEED(user >= 0);
  if (user == 0) {
    char path[64];
    bool read = setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 ||
                setresuid(NOBODY, NOBODY, NOBODY) != 0;
    const pid_t pids[] = {stage, caller};
    for (int i = 0; i < 2; i++) {
      snprintf(path, sizeof path, "/proc/%d/mem", (int)pids[i]);
      read = read || open(path, O_RDONLY) >= 0;
      read = read || open(path, O_RDWR) >= 0;
    }
    _exit(read);
  }
  int status = -1;
  CHECK_INT(waitpid(user, &status, 0), user);
  CHECK_INT(status, 0);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  char path[64], line[128];
  int uid = -1;
  snprintf(path, sizeof path, "/proc/%d/status", (int)stage);
  FILE *file = fopen(path, "re");
  while (file && fgets(line, sizeof line, file)) sscanf(line, "Uid: %d", &uid);
  if (file) fclose(file);
  CHECK_INT(uid, NOBODY);
  close(let_go(fifo_to_open));
}

static void nothing_to_be_read(void) {
  need_stage();
  fifo_to_open = new_fifo();
  struct held held = {fifo_to_open, 0, look_at_it};
  fe_attr attr = as_nobody();
  while_held(&attr, &held, 0);
}

enum { THREADS = 8, EACH = 40 };

static void *spawns(void *with) {
  fe_attr good = as_nobody(), bad = as_nobody();
  bad.path = "/nonexistent";
  for (int i = 0; i < EACH; i++) {
    spawn_exits(&good, FE_WAY_STAGED, 0);
    CHECK(spawn_fails_fast(&bad, FE_WAY_STAGED, ENOENT, FE_STEP_EXEC));
  }
  return with;
}

static void many_threads(void) {
  need_stage();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) NEED(pthread_create(&threads[i], NULL, spawns, NULL) == 0);
  for (int i = 0; i < THREADS; i++) NEED(pthread_join(threads[i], NULL) == 0);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  check_no_child();
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"user, group, groups", identity_changes},
      {"attributes", attributes_work},
      {"redirections", redirections},
      {"search and shell", finds_its_program},
      {"failures", failures_are_told},
      {"killed in the stage", killed_in_the_stage},
      {"nothing to be read", nothing_to_be_read},
      {"many threads", many_threads},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
