/* SPDX-License-Identifier: BSD-3-Clause */
/* The outcome is never a lie: a child that is killed or refused at any step, other threads and settings
 * that take the child away, and callers that are short of something. */
#include "test.h"

#include "filter.h"

#include <termios.h>

static char *const missing[] = {(char *)"/nonexistent", NULL};
static char *const quits[] = {(char *)"probe", NULL}; /* at once, with 64 */

static fe_attr fails_at_exec(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = missing;
  return attr;
}

static fe_attr quits_at_once(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = quits;
  attr.path = probe_path();
  return attr;
}

/* ---- every step ---- */

/* What a case has open: 4 is a terminal that is nobody's. */
static void open_terminal(void) {
  only(4);
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(master == 4 && grantpt(master) == 0 && unlockpt(master) == 0);
  int slave = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(slave == 5);
}

/* A child with all steps that go together, each of which succeeds. */
enum variant { SESSION, GROUP, TRACED, MAPPED, OLD_CLONE, NO_FALLBACK };
static const int files[] = {1, 0, 2, -1, 5};
static fe_credential same;

static fe_attr with_all_steps(enum variant variant) {
  fe_attr attr = quits_at_once();
  if (variant == MAPPED) {
    static const fe_id_map map = {0, 0, 1};
    attr.cloneflags = CLONE_NEWUSER;
    attr.uid_mappings = attr.gid_mappings = &map;
    attr.nuid_mappings = attr.ngid_mappings = 1;
    return attr;
  }
  static gid_t group;
  group = getegid();
  same = (fe_credential){sizeof same, geteuid(), getegid(), &group, 1};
  attr.flags = FE_CLOSE_OTHERS | FE_PIDFD;
  attr.flags |= variant == GROUP ? FE_FOREGROUND : FE_NOCTTY | FE_SETSID | FE_SETCTTY;
  attr.flags |= variant == TRACED ? FE_PTRACE : 0;
  attr.cloneflags = CLONE_NEWNS;
  attr.ctty = 4;
  attr.chroot = "/";
  attr.dir = "/tmp";
  attr.credential = &same;
  attr.files = files;
  attr.nfiles = sizeof files / sizeof *files;
  attr.pdeathsig = SIGTERM;
  return attr;
}

static const struct row {
  int step, index;
  enum variant variant;
  long nr;
  /* Which argument must be what, if any. */
  int argument;
  uint32_t mask, value;
} rows[] = {
    {FE_STEP_MAPS_WAIT, -1, MAPPED, SYS_read, 0, ~0U, 8}, /* 6 and 7 are the error pipe */
    {FE_STEP_SIGACTION, -1, OLD_CLONE, SYS_rt_sigaction, 0, ~0U, 32}, /* which libc doesn't touch */
    {FE_STEP_PROPAGATION, -1, SESSION, SYS_mount, 0, 0, 0},
    {FE_STEP_NOCTTY, -1, SESSION, SYS_openat, 2, ~0U, O_RDWR | O_NOCTTY | O_CLOEXEC},
    {FE_STEP_SETSID, -1, SESSION, SYS_setsid, 0, 0, 0},
    {FE_STEP_SETPGID, -1, GROUP, SYS_setpgid, 0, 0, 0},
    {FE_STEP_CHROOT, -1, SESSION, SYS_chroot, 0, 0, 0},
    {FE_STEP_CHROOT_CHDIR, -1, SESSION, SYS_chdir, 0, 0, 0},
    {FE_STEP_SETGROUPS, -1, SESSION, SYS_setgroups, 0, 0, 0},
    {FE_STEP_SETGID, -1, SESSION, SYS_setresgid, 0, 0, 0},
    {FE_STEP_SETUID, -1, SESSION, SYS_setresuid, 0, 0, 0},
    {FE_STEP_FILES, 2, SESSION, SYS_fcntl, 1, ~0U, F_SETFD},
    {FE_STEP_FILES, 4, SESSION, SYS_dup3, 0, ~0U, 5},
    {FE_STEP_FILES, 0, SESSION, SYS_fcntl, 1, ~0U, F_DUPFD_CLOEXEC},
    {FE_STEP_FILES, 0, SESSION, SYS_dup3, 0, ~0U, 1},
    {FE_STEP_FILES, 3, SESSION, SYS_close, 0, ~0U, 3},
    {FE_STEP_CLOSE_OTHERS, -1, NO_FALLBACK, SYS_close_range, 0, 0, 0},
    {FE_STEP_SETCTTY, -1, SESSION, SYS_ioctl, 1, ~0U, TIOCSCTTY},
    {FE_STEP_FOREGROUND, -1, GROUP, SYS_ioctl, 1, ~0U, TIOCSPGRP},
    {FE_STEP_PDEATHSIG, -1, SESSION, SYS_prctl, 0, ~0U, PR_SET_PDEATHSIG},
    {FE_STEP_PARENT_ALIVE, -1, SESSION, SYS_getppid, 0, 0, 0},
    {FE_STEP_PTRACE, -1, TRACED, SYS_ptrace, 0, 0, 0},
    {FE_STEP_EXEC, -1, SESSION, SYS_execve, 0, 0, 0},
    {FE_STEP_EXEC, -1, TRACED, SYS_execve, 0, 0, 0},
};

static void prepare(const struct row *row) {
  open_terminal();
  if (row->variant == OLD_CLONE) refuse(SYS_clone3, ENOSYS);
}

static void killed_at(unsigned way, const void *with) {
  const struct row *row = with;
  prepare(row);
  refuse_if(row->nr, KILL, row->argument, row->mask, row->value);
  fe_attr attr = with_all_steps(row->variant);
  spawn_killed(&attr, way, SIGSYS, row->step, row->index);
}

static void refused_at(unsigned way, const void *with) {
  const struct row *row = with;
  prepare(row);
  refuse_if(row->nr, EBUSY, row->argument, row->mask, row->value);
  if (row->variant == NO_FALLBACK) {
    refuse_if(SYS_openat, EBUSY, 2, O_DIRECTORY, O_DIRECTORY);
    refuse(SYS_prlimit64, EBUSY);
  }
  fe_attr attr = with_all_steps(row->variant);
  spawn_fails(&attr, way, EBUSY, row->step, row->index);
}

static void at_every_step(void (*part)(unsigned, const void *)) {
  need_root();
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    EACH_WAY(way) {
      if (rows[i].variant != MAPPED || way == FE_WAY_PIPED) apart(part, way, &rows[i]);
    }
  }
}

static void killed_at_every_step(void) { at_every_step(killed_at); }
static void refused_at_every_step(void) { at_every_step(refused_at); }

/* ---- SIGCHLD ignored ---- */

static void unwaited(unsigned way, const void *with) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = *(const int *)with ? SIG_DFL : SIG_IGN;
  action.sa_flags = *(const int *)with;
  NEED(sigaction(SIGCHLD, &action, NULL) == 0);
  fe_attr attr = fails_at_exec();
  for (int i = 0; i < 50; i++) spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  fe_child child;
  attr = quits_at_once();
  for (int i = 0; i < 50; i++) {
    if (!spawn(&attr, way, &child)) return;
    CHECK_INT(fe_wait(&child, -1, NULL), -1);
    CHECK_INT(errno, ECHILD);
  }
  attr.dir = "/nonexistent";
  for (int i = 0; i < 50; i++) spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
  refuse(SYS_chdir, KILL);
  /* In the piped way nobody can know the signal. */
  int known = way == FE_WAY_PIPED ? 0 : SIGSYS;
  for (int i = 0; i < 50; i++) spawn_killed(&attr, way, known, FE_STEP_CHDIR, -1);
}

static void unwaited_and_killed_in_exec(unsigned way, const void *with) {
  signal(SIGCHLD, SIG_IGN);
  refuse(SYS_execve, KILL);
  fe_attr attr = *(const fe_attr *)with;
  for (int i = 0; i < 50; i++) spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
}

static void sigchld_ignored(void) {
  static const int flags[] = {0, SA_NOCLDWAIT};
  EACH_WAY(way) {
    for (int i = 0; i < 2; i++) apart(unwaited, way, &flags[i]);
  }
}

static void sigchld_ignored_and_killed_in_exec(void) {
  fe_attr attr = quits_at_once();
  EACH_WAY(way) {
    /* FE_WAY_PIPED says that it cannot know. */
    if (way != FE_WAY_PIPED) apart(unwaited_and_killed_in_exec, way, &attr);
  }
}

/* ---- another thread that waits for whatever there is ---- */

static int stop, stolen;

static void *steal(void *flags) {
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    if (waitpid(-1, NULL, *(int *)flags) > 0) __atomic_add_fetch(&stolen, 1, __ATOMIC_RELAXED);
    sched_yield(); /* there may be one processor */
  }
  return NULL;
}

static void with_thief(int flags, void (*what)(unsigned way), unsigned way) {
  pthread_t thief;
  __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
  stolen = 0;
  NEED(pthread_create(&thief, NULL, steal, &flags) == 0);
  what(way);
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  NEED(pthread_join(thief, NULL) == 0);
}

/* The cheapest way shows most per second. */
static int times(unsigned way, int most) { return way == FE_WAY_SHARED ? most : most / 4; }

static void fail(unsigned way) {
  fe_attr attr = fails_at_exec();
  for (int i = times(way, 2000); i > 0; i--) {
    if (!spawn_fails_fast(&attr, way, ENOENT, FE_STEP_EXEC)) return;
  }
}

static void fail_often(unsigned way) {
  for (int i = 0; i < 5; i++) fail(way);
}

static void succeed(unsigned way) {
  fe_attr attr = quits_at_once();
  for (int i = times(way, 2000); i > 0; i--) {
    fe_child child;
    int status = 0;
    if (!spawn(&attr, way, &child)) return;
    if (fe_wait(&child, -1, &status) == 0)
      CHECK_INT(status, 64 << 8);
    else
      CHECK_INT(errno, ECHILD);
  }
}

static void be_killed(unsigned way) {
  fe_attr attr = quits_at_once();
  attr.dir = "/";
  for (int i = times(way, 2000); i > 0; i--) {
    if (!spawn_fails_fast(&attr, way, ECANCELED, FE_STEP_CHDIR)) return;
  }
}

static void others_never_see_a_failure(void) {
  EACH_WAY(way) {
    with_thief(WNOHANG, fail, way);
    if (way != FE_WAY_PIPED) CHECK_INT(stolen, 0);
  }
}

static void with_wall(void (*what)(unsigned way)) {
  EACH_WAY(way) {
    with_thief(WNOHANG | __WALL, what, way);
    CHECK(stolen > 0); /* or it shows nothing */
  }
}

static void failures_with_wall(void) { with_wall(fail_often); }
static void successes_with_wall(void) { with_wall(succeed); }
static void killed_with_wall(void) {
  refuse(SYS_chdir, KILL);
  with_wall(be_killed);
}

/* ---- callers that are short of something ---- */

static rlim_t mapped(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  NEED(file && fscanf(file, "%lu", &pages) == 1);
  fclose(file);
  return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void limit(__rlimit_resource_t what, rlim_t value) {
  struct rlimit both;
  NEED(getrlimit(what, &both) == 0);
  both.rlim_cur = value;
  NEED(setrlimit(what, &both) == 0);
}

static void no_memory(void) {
  need(HAS_MEMORY_LIMITS);
  fe_attr attr = fails_at_exec();
  EACH_WAY(way) {
    limit(RLIMIT_AS, RLIM_INFINITY);
    /* The heap and the library know what they need. */
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    limit(RLIMIT_AS, mapped());
    if (way == FE_WAY_SHARED)
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    else
      spawn_fails(&attr, way, ENOMEM, FE_STEP_MEMORY, -1);
  }
}

static void no_process(void) {
  need_root();
  become_unprivileged();
  limit(RLIMIT_NPROC, 0);
  fe_attr attr = fails_at_exec();
  EACH_WAY(way) spawn_fails(&attr, way, EAGAIN, FE_STEP_CLONE, -1);
}

static void low_stack_limit(void) {
  fe_attr good = quits_at_once(), bad = fails_at_exec();
  fe_child child;
  limit(RLIMIT_STACK, 16 << 10);
  EACH_WAY(way) {
    spawn_fails(&bad, way, ENOENT, FE_STEP_EXEC, -1);
    /* The program inherits the limit, and may itself find it too low. */
    if (spawn(&good, way, &child)) CHECK_INT(fe_wait(&child, -1, NULL), 0);
  }
}

static void dumpable_is_untouched(void) {
  need_root();
  fe_credential nobody = FE_CREDENTIAL_INIT;
  nobody.uid = nobody.gid = UNPRIVILEGED;
  for (int dumpable = 0; dumpable < 2; dumpable++) {
    NEED(prctl(PR_SET_DUMPABLE, dumpable) == 0);
    EACH_WAY(way) {
      fe_attr attr = fails_at_exec();
      for (int other = 0; other < 2; other++) {
        if (other && way == FE_WAY_SHARED) continue;
        attr.credential = other ? &nobody : NULL;
        spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
        attr.argv = quits;
        attr.path = probe_path();
        spawn_exits(&attr, way, 64);
        CHECK_INT(prctl(PR_GET_DUMPABLE), dumpable);
        attr = fails_at_exec();
      }
    }
    /* What auto takes for another user. */
    fe_attr attr = quits_at_once();
    attr.argv = (char *const[]){(char *)"true", NULL};
    attr.path = "/bin/true";
    attr.credential = &nobody;
    auto_takes(&attr, FE_WAY_COPY);
    CHECK_INT(prctl(PR_GET_DUMPABLE), dumpable);
  }
}

/* ---- threads ---- */

static void *spawn_200_times(void *way) {
  fe_attr good = quits_at_once(), bad = fails_at_exec();
  for (int i = 0; i < 100; i++) {
    spawn_exits(&good, *(unsigned *)way, 64);
    spawn_fails_fast(&bad, *(unsigned *)way, ENOENT, FE_STEP_EXEC);
  }
  return NULL;
}

/* A long plan, an asynchronous call, and what root alone may ask for: the stage, and maps by helpers or not. */
static void *spawn_with_much(void *unused) {
  static const fe_credential nobody = {.size = sizeof(fe_credential), .uid = UNPRIVILEGED, .gid = UNPRIVILEGED};
  static const fe_id_map map = {0, 0, 1};
  int forty[40];
  for (int i = 0; i < 40; i++) forty[i] = i < 3 ? i : i % 3;
  const fe_file_action actions[] = {FE_CLOSE(39), FE_DUP2(1, 8), FE_CHDIR("/")};
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_STAGED; way++) {
    fe_attr attr = quits_at_once();
    attr.files = forty;
    attr.nfiles = 40;
    attr.actions = actions;
    attr.nactions = 3;
    attr.flags = FE_SETSID;
    if (geteuid() == 0 && way != FE_WAY_SHARED && way != FE_WAY_CONCURRENT) attr.credential = &nobody;
    if (way == FE_WAY_STAGED) {
      fe_child child;
      attr.way = way;
      if (fe_spawn(&attr, &child, NULL) != 0)
        CHECK_INT(errno, EPERM); /* not for every caller */
      else
        CHECK_INT(fe_wait(&child, -1, NULL), 0);
      fe_child_close(&child);
      continue;
    }
    spawn_exits(&attr, way, 64);
    if (way == FE_WAY_CONCURRENT || way == FE_WAY_PIPED) {
      fe_child child;
      attr.way = expected_way(way);
      attr.flags |= FE_ASYNC;
      NEED(fe_spawn(&attr, &child, NULL) == 0 && fe_spawn_finish(&child, -1, NULL) == 0);
      CHECK_INT(fe_wait(&child, -1, NULL), 0);
      fe_child_close(&child);
    }
    if (way == FE_WAY_PIPED && geteuid() == 0) {
      attr = quits_at_once();
      attr.cloneflags = CLONE_NEWUSER;
      attr.uid_mappings = attr.gid_mappings = &map;
      attr.nuid_mappings = attr.ngid_mappings = 1;
      spawn_exits(&attr, way, 64);
    }
  }
  return unused;
}

static void a_small_stack(void) {
  need(HAS_SMALL_STACKS | HAS_NAMESPACES);
  pthread_attr_t small;
  pthread_t thread;
  NEED(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 16 << 10) == 0);
  NEED(pthread_create(&thread, &small, spawn_with_much, NULL) == 0);
  NEED(pthread_join(thread, NULL) == 0);
}

static void small_stacks(void) {
  need(HAS_SMALL_STACKS);
  pthread_attr_t small;
  NEED(pthread_attr_init(&small) == 0 && pthread_attr_setstacksize(&small, 16 << 10) == 0);
  EACH_WAY(way) {
    pthread_t threads[16];
    for (int i = 0; i < 16; i++)
      NEED(pthread_create(&threads[i], &small, spawn_200_times, &way) == 0);
    for (int i = 0; i < 16; i++) NEED(pthread_join(threads[i], NULL) == 0);
  }
}

static int went_on;

static void *spawn_when_cancelled(void *unused) {
  fe_attr good = quits_at_once(), bad = fails_at_exec();
  fe_child child;
  (void)unused;
  pthread_cancel(pthread_self());
  EACH_WAY(way) {
    good.way = bad.way = way;
    good.flags ^= FE_PIDFD;
    CHECK_INT(fe_spawn(&bad, &child, NULL), -1);
    CHECK_INT(fe_spawn(&good, &child, NULL), 0);
    CHECK_INT(fe_wait(&child, 10000, NULL), 0);
    fe_child_close(&child);
    went_on++;
  }
  pthread_testcancel();
  went_on = 0;
  return NULL;
}

static void cancellation(void) {
  need(HAS_PIDFD);
  pthread_t thread;
  void *result = NULL;
  NEED(pthread_create(&thread, NULL, spawn_when_cancelled, NULL) == 0);
  NEED(pthread_join(thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK_INT(went_on, world() == WORLD_QEMU ? 1 : 3);
}

/* Processes that hold for a while all that is open just now. */
static void *fork_often(void *unused) {
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    pid_t pid = fork_apart();
    if (pid == 0) {
      usleep(100000);
      _exit(0);
    }
    usleep(2000);
    while (waitpid(-getpgid(0), NULL, WNOHANG) > 0) {
    }
  }
  return unused;
}

static void beside_forks(void) {
  fe_attr good = quits_at_once(), bad = fails_at_exec();
  pthread_t thread;
  good.flags = FE_SETSID; /* out of the reach of the other's waitpid */
  NEED(pthread_create(&thread, NULL, fork_often, NULL) == 0);
  EACH_WAY(way) {
    for (int i = 0; i < 50; i++) {
      spawn_exits(&good, way, 64);
      spawn_fails_fast(&bad, way, ENOENT, FE_STEP_EXEC);
    }
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  NEED(pthread_join(thread, NULL) == 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"killed at every step", killed_at_every_step},
      {"refused at every step", refused_at_every_step},
      {"SIGCHLD ignored, and SA_NOCLDWAIT", sigchld_ignored},
      {"SIGCHLD ignored and killed in exec", sigchld_ignored_and_killed_in_exec},
      {"another thread's waitpid(-1) never sees a failed spawn", others_never_see_a_failure},
      {"another thread's waitpid(-1, __WALL): failures", failures_with_wall},
      {"another thread's waitpid(-1, __WALL): successes", successes_with_wall},
      {"another thread's waitpid(-1, __WALL): killed", killed_with_wall},
      {"no memory", no_memory},
      {"no process", no_process},
      {"a lowered stack limit", low_stack_limit},
      {"the caller's dumpable flag", dumpable_is_untouched},
      {"16 threads with stacks of 16 KiB", small_stacks},
      {"all ways and a long plan on 16 KiB", a_small_stack},
      {"no cancellation point", cancellation},
      {"beside another thread's forks", beside_forks},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
