/* SPDX-License-Identifier: BSD-3-Clause */
/* Carries a case out, in one of many forms, and compares what comes of it with what was to come. */
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct tally *tally;
static __thread uint64_t current_seed, current_case;
static bool is_filtered; /* in a process of its own */

#define ADD(what, n) __atomic_add_fetch(&tally->what, n, __ATOMIC_RELAXED)

void complain(const char *format, ...) {
  char line[9000];
  int n = snprintf(line, sizeof line, "case %llu%s: ", (unsigned long long)current_case,
                   is_filtered ? " under a filter" : "");
  va_list list;
  va_start(list, format);
  n += vsnprintf(line + n, sizeof line - (size_t)n - 200, format, list);
  va_end(list);
  if (n > (int)sizeof line - 200) n = (int)sizeof line - 200;
  n += snprintf(line + n, sizeof line - (size_t)n, "\n  again: make soak SEED=%llu FIRST=%llu SPAWNS=1\n",
                (unsigned long long)current_seed, (unsigned long long)current_case);
  if (write(1, line, (size_t)n) < 0) abort();
  ADD(wrong, 1);
}

/* Half of the time that the deadlines leave which are not to be reached: some event was lost. */
#define SLOW_NS (30 * UINT64_C(1000000000))

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t mask_now(void) {
  uint64_t mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
  return mask;
}

static void explain(const struct trial *trial) {
  char plan[7000];
  fe_error error;
  if (fe_explain(&trial->attr, FE_EXPLAIN_TEXT, plan, sizeof plan, &error) > 0) complain("its plan:\n%s", plan);
}

/* ---- what has come of it ---- */

/* When a child may have been killed, either may be. */
/* A spawn that did not wait has given the caller the ends of its pipes. */
static bool outcome(const struct trial *t, int result, int saved, const fe_error *error, const fe_child *child,
                    uint64_t began, bool killed) {
  static const fe_error clear = FE_ERROR_INIT;
  static const fe_child empty = FE_CHILD_INIT;
  char message[300];
  ADD(spawns, 1);
  if (now_ns() - began > SLOW_NS) {
    complain("took %.1f s, way %u", (double)(now_ns() - began) / 1e9, result == 0 ? child->way : error->way);
    explain(t);
  }
  if (result == 0) {
    if (memcmp(error, &clear, sizeof clear) != 0) complain("a success with an error");
    /* clone3 may be refused. */
    if (t->attr.way && child->way && child->way != t->attr.way && !(is_filtered && t->attr.way == FE_WAY_CONCURRENT))
      complain("way %u, not %u", child->way, t->attr.way);
    ADD(perhaps, 1);
    /* That it was started is not known of one that was killed on its way; else there is a byte of it. */
    if (!killed) ADD(sure, 1);
    if (t->errnum == 0 || (killed && t->errnum == ETIMEDOUT)) return true;
    complain("success, not errno %d at %s %d", t->errnum, fe_step_name(t->step), t->index);
    explain(t);
    return true;
  }
  ADD(failures, 1);
  if (memcmp(child, &empty, sizeof empty) != 0) complain("a failure with a child");
  for (size_t i = 0; i < t->attr.nfiles; i++)
    if (t->attr.ends && t->ends[i] != -1 && !(t->attr.flags & (FE_ASYNC | FE_SUSPEND)))
      complain("a failure with an end of a pipe");
  if (saved != error->errnum) complain("errno %d, told as %d", saved, error->errnum);
  /* Where waitid is refused the signal may not be known. */
  if (killed && error->errnum == ECANCELED && (error->signal == SIGKILL || (is_filtered && error->signal == 0))) {
    ADD(kills, 1);
    return false;
  }
  bool late = t->errnum == ETIMEDOUT && error->errnum == ETIMEDOUT;
  if (late && now_ns() - began < (uint64_t)t->attr.timeout_ms * 1000000) complain("timed out too early");
  /* On a busy machine the time may be up before it has come to its FIFO. */
  if (late || (error->errnum == t->errnum && error->step == t->step && error->index == t->index && error->signal == 0))
    return false;
  fe_error_message(error, message, sizeof message);
  complain("%s (signal %d, way %u%s); wanted: errno %d at %s %d", message, error->signal, error->way,
           killed ? ", was killed" : "", t->errnum,
           t->errnum ? fe_step_name(t->step) : "none", t->index);
  explain(t);
  return false;
}

static void close_ends(struct trial *t) {
  for (size_t i = 0; i < t->attr.nfiles; i++)
    if (t->attr.ends && t->ends[i] >= 0) close(t->ends[i]);
}

static void check_status(const struct trial *t, int status, bool killed) {
  if (status == t->status || (killed && status == SIGKILL)) return;
  complain("status %x, not %x", (unsigned)status, (unsigned)t->status);
  explain(t);
}

/* Waits by one of the calls that do. */
static void ends(struct trial *t, struct dice *dice, fe_child *child, bool killed) {
  int status = -1, result = 0;
  size_t index = 9;
  fe_child nobody = FE_CHILD_INIT, *list[] = {NULL, &nobody, child};
  switch (below(dice, t->sleeps && !killed ? 5 : 3)) {
    case 0: result = fe_wait(child, -1, &status); break;
    case 1: result = fe_wait_usage(child, -1, &status, NULL); break;
    case 2:
      result = fe_wait_any(list, 3, -1, &index, &status);
      if (result == 0 && index != 2) complain("fe_wait_any: %zu", index);
      break;
    case 3:
      /* It may not have come to tell of itself. */
      __atomic_sub_fetch(&tally->sure, 1, __ATOMIC_RELAXED);
      killed = true;
      result = fe_stop(child, 0, 0, FE_STOP_TREE, &status);
      break;
    default:
      result = fe_wait(child, 0, &status);
      if (result != 0 && errno == ETIMEDOUT) result = fe_wait(child, -1, &status);
  }
  if (result != 0)
    complain("waiting: errno %d", errno);
  else
    check_status(t, status, killed);
  fe_child_close(child);
  close_ends(t);
}

/* ---- forms ---- */

static void poison(fe_child *child, fe_error *error) {
  memset(child, 0xa5, sizeof *child);
  memset(error, 0xa5, sizeof *error);
}

/* Who kills is told whose children, and when. One thread at a time. */
static struct {
  sem_t free, armed, done;
  pid_t thread;
  uint64_t at;
} killer;

static int children_of(pid_t thread, pid_t *pids, int most) {
  char path[64], text[2000], *at = text;
  snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)thread);
  int fd = open(path, O_RDONLY | O_CLOEXEC), n = 0;
  ssize_t length = fd >= 0 ? read(fd, text, sizeof text - 1) : 0;
  if (fd >= 0) close(fd);
  text[length > 0 ? length : 0] = 0;
  while (n < most && (pids[n] = (pid_t)strtol(at, &at, 10)) > 0) n++;
  return n;
}

void *kill_children(void *unused) {
  sem_init(&killer.free, 0, 1);
  sem_init(&killer.armed, 0, 0);
  sem_init(&killer.done, 0, 0);
  for (;;) {
    pid_t pids[16], again[16];
    while (sem_wait(&killer.armed) != 0) continue;
    uint64_t now = now_ns();
    if (killer.at > now) nanosleep(&(struct timespec){0, (long)(killer.at - now)}, NULL);
    int n = children_of(killer.thread, pids, 16);
    for (int i = 0; i < n; i++) {
      int pidfd = (int)syscall(SYS_pidfd_open, pids[i], 0);
      /* It is that child still, and not another by its number. */
      int m = pidfd >= 0 ? children_of(killer.thread, again, 16) : 0;
      for (int k = 0; k < m; k++)
        if (again[k] == pids[i]) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
      if (pidfd >= 0) close(pidfd);
    }
    sem_post(&killer.done);
  }
  return unused;
}

static void plain(struct trial *t, struct dice *dice, bool killed) {
  fe_child child;
  fe_error error;
  poison(&child, &error);
  if (killed) {
    while (sem_wait(&killer.free) != 0) continue;
    killer.thread = (pid_t)syscall(SYS_gettid);
    killer.at = now_ns() + below(dice, 500000);
    sem_post(&killer.armed);
  }
  uint64_t began = now_ns();
  errno = 0;
  int result = fe_spawn(&t->attr, &child, &error), saved = errno;
  if (killed) {
    while (sem_wait(&killer.done) != 0) continue;
    sem_post(&killer.free);
  }
  if (outcome(t, result, saved, &error, &child, began, killed)) ends(t, dice, &child, killed);
}

static void pause_up_to(struct dice *dice, unsigned ns) {
  if (one_in(dice, 2)) nanosleep(&(struct timespec){0, (long)below(dice, ns)}, NULL);
}

/* One that nobody waits to know of: it is the program's status, or 127. */
static void closed(struct trial *t, fe_child *child, bool killed) {
  pid_t pid = child->pid;
  int status = -1;
  bool fails = t->errnum != 0;
  fe_child_close(child);
  close_ends(t);
  pid_t waited = waitpid(pid, &status, 0);
  ADD(spawns, 1);
  ADD(perhaps, 1);
  /* One that had failed by then left nothing. */
  if (waited < 0 && errno == ECHILD && (fails || killed)) return;
  if (waited != pid) complain("closed: no child %d, errno %d", (int)pid, errno);
  if (fails && status == 127 << 8) return;
  if (fails && !(killed && status == SIGKILL)) complain("closed: status %x, not 127", (unsigned)status);
  if (fails) return;
  if (!killed) ADD(sure, 1);
  check_status(t, status, killed);
}

static void asynchronous(struct trial *t, struct dice *dice) {
  fe_child child;
  fe_error error;
  poison(&child, &error);
  t->attr.flags |= FE_ASYNC;
  uint64_t began = now_ns();
  errno = 0;
  int result = fe_spawn(&t->attr, &child, &error), saved = errno;
  bool killed = one_in(dice, 4);
  if (result != 0) {
    outcome(t, result, saved, &error, &child, began, false);
    close_ends(t);
    return;
  }
  if (killed) {
    pause_up_to(dice, 500000);
    fe_kill(&child, SIGKILL);
  }
  /* Not one that hangs; and a terminal that is closed kills. */
  if (t->errnum != ETIMEDOUT && !(t->attr.flags & FE_PTY) && one_in(dice, 6)) {
    closed(t, &child, killed);
    return;
  }
  if (one_in(dice, 2)) {
    struct pollfd ready = {child.ready, POLLIN, 0};
    poll(&ready, 1, 1000);
  }
  for (int first = one_in(dice, 3);; first = 0) {
    poison(&(fe_child){0}, &error);
    result = fe_spawn_finish(&child, first ? 0 : -1, &error);
    saved = errno;
    if (result == 0 || saved != EINPROGRESS) break;
    if (!first) {
      complain("fe_spawn_finish: EINPROGRESS");
      break;
    }
  }
  if (outcome(t, result, saved, &error, &child, began, killed))
    ends(t, dice, &child, killed);
  else
    close_ends(t);
}

static void suspended(struct trial *t, struct dice *dice) {
  fe_child child;
  fe_error error;
  poison(&child, &error);
  uint64_t began = now_ns();
  errno = 0;
  int result = fe_spawn(&t->attr, &child, &error), saved = errno;
  if (result != 0) {
    outcome(t, result, saved, &error, &child, began, false);
    return;
  }
  if (one_in(dice, 5)) { /* not let go */
    pid_t pid = child.pid;
    fe_child_close(&child);
    close_ends(t);
    ADD(spawns, 1);
    if (waitpid(pid, NULL, WNOHANG) != -1 || errno != ECHILD) complain("a suspended child is left");
    return;
  }
  bool killed = one_in(dice, 5), earlier = one_in(dice, 2), waits = one_in(dice, 2);
  if (killed && earlier) fe_kill(&child, SIGKILL);
  memset(&error, 0xa5, sizeof error);
  result = fe_resume(&child, waits ? -1 : 0, &error);
  saved = errno;
  if (killed && !earlier && child.pid > 0) {
    pause_up_to(dice, 500000);
    fe_kill(&child, SIGKILL);
  }
  if (result != 0 && saved == EINPROGRESS) {
    memset(&error, 0xa5, sizeof error);
    result = fe_spawn_finish(&child, -1, &error);
    saved = errno;
  }
  if (outcome(t, result, saved, &error, &child, began, killed))
    ends(t, dice, &child, killed);
  else
    close_ends(t);
}

enum { MANY = 6 };

static void many(struct dice *dice) {
  struct trial *trials[MANY];
  const fe_attr *attrs[MANY];
  fe_child children[MANY];
  fe_error errors[MANY];
  size_t n = 2 + below(dice, MANY - 1);
  int first = 0;
  for (size_t i = 0; i < n; i++) {
    if (!(trials[i] = malloc(sizeof *trials[i]))) abort();
    make_trial(trials[i], dice, BESIDE, false);
    attrs[i] = &trials[i]->attr;
    poison(&children[i], &errors[i]);
  }
  uint64_t began = now_ns();
  errno = 0;
  int result = fe_spawn_many(attrs, n, children, errors), saved = errno;
  for (size_t i = 0; i < n; i++)
    if (errors[i].errnum && !first) first = errors[i].errnum;
  if ((result == 0) != (first == 0) || (first && saved != first))
    complain("fe_spawn_many: %d, errno %d, first %d", result, saved, first);
  for (size_t i = 0; i < n; i++) {
    bool started = errors[i].errnum == 0;
    if (outcome(trials[i], started ? 0 : -1, errors[i].errnum, &errors[i], &children[i], began, false))
      ends(trials[i], dice, &children[i], false);
    free(trials[i]);
  }
}

static void captured(struct trial *t, struct dice *dice) {
  static const char input[200000] = {'x'};
  fe_io io = FE_IO_INIT;
  fe_result result;
  fe_error error;
  memset(&result, 0xa5, sizeof result);
  memset(&error, 0xa5, sizeof error);
  io.input = input;
  io.ninput = 1 + below(dice, one_in(dice, 10) ? sizeof input : 100);
  io.timeout_ms = 60000;
  if (one_in(dice, 3)) io.max_output = 1 + below(dice, 1000);
  uint64_t began = now_ns();
  errno = 0;
  int done = fe_run(&t->attr, &io, &result, &error), saved = errno;
  fe_child child = FE_CHILD_INIT; /* that fe_run keeps for itself */
  if (outcome(t, done, saved, &error, &child, began, false)) {
    size_t wanted = io.max_output && io.max_output < io.ninput ? io.max_output : io.ninput;
    check_status(t, result.status, false);
    if (result.noutput != wanted || memcmp(result.output, input, wanted) != 0 || result.nerrors != 0)
      complain("output of %zu bytes, not %zu; errors: %s", result.noutput, wanted, result.errors);
    /* Another process may have been forked meanwhile. */
    if ((result.flags & ~(uint32_t)FE_RESULT_HELD) != (wanted < io.ninput ? FE_RESULT_OUTPUT_CUT : 0u))
      complain("flags %x", result.flags);
  }
  fe_result_free(&result);
}

/* ---- under a filter ---- */

#if defined(__x86_64__)
#define FILTER_ARCH AUDIT_ARCH_X86_64
#else
#define FILTER_ARCH AUDIT_ARCH_AARCH64
#endif

static void refuse(long nr, int errnum) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FILTER_ARCH, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)errnum),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) return;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) != 0)
    abort();
}

static void one(struct dice *dice);

static void filtered(struct dice *dice) {
  static const struct {
    long nr;
    int errnum;
  } refused[] = {
      {SYS_clone3, ENOSYS},     {SYS_clone3, EPERM},      {SYS_close_range, ENOSYS}, {SYS_close_range, EPERM},
      {SYS_waitid, ENOSYS},     {SYS_pidfd_getfd, EPERM}, {SYS_pidfd_open, ENOSYS},  {SYS_pidfd_send_signal, ENOSYS},
      {SYS_memfd_create, EPERM},
  };
  pid_t pid = fork();
  if (pid < 0) {
    complain("fork: errno %d", errno);
    return;
  }
  if (pid == 0) {
    uint64_t before = __atomic_load_n(&tally->wrong, __ATOMIC_RELAXED);
    is_filtered = true;
    /* That there are pidfds it learns from either clone3 or pidfd_open, so not both. */
    unsigned which = below(dice, 7);
    refuse(refused[which].nr, refused[which].errnum);
    if (one_in(dice, 2)) refuse(which < 2 || which == 6 ? SYS_close_range : SYS_clone3, ENOSYS);
    for (int i = 0; i < 8; i++) one(dice);
    if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD) complain("a child is left");
    _exit(__atomic_load_n(&tally->wrong, __ATOMIC_RELAXED) == before ? 0 : 1);
  }
  int status = -1;
  while (waitpid(pid, &status, 0) != pid) continue;
  if (!WIFEXITED(status)) complain("a process with a filter ended with %x", (unsigned)status);
}

/* ---- */

static void one(struct dice *dice) {
  struct trial *t = malloc(sizeof *t);
  if (!t) abort();
  uint64_t before = mask_now();
  unsigned kind = below(dice, 20);
  if (kind < 10) {
    make_trial(t, dice, PLAIN, is_filtered);
    plain(t, dice, false);
  } else if (kind < 12) {
    bool killed = !is_filtered && world.has_children;
    make_trial(t, dice, PLAIN, is_filtered);
    if (t->errnum == ETIMEDOUT) killed = false;
    plain(t, dice, killed);
  } else if (kind < 16) {
    make_trial(t, dice, BESIDE, is_filtered);
    asynchronous(t, dice);
  } else if (kind < 18) {
    make_trial(t, dice, SUSPENDED, is_filtered);
    suspended(t, dice);
  } else {
    make_trial(t, dice, CAPTURED, is_filtered);
    captured(t, dice);
  }
  if (mask_now() != before) complain("another signal mask");
  free(t);
}

void run_case(uint64_t seed, uint64_t number) {
  /* Two throws apart from those of its neighbours. */
  struct dice dice = {seed ^ number * UINT64_C(0xd1342543de82ef95)};
  dice.state = throw(&dice);
  current_seed = seed;
  current_case = number;
  switch (below(&dice, 40)) {
    case 0: filtered(&dice); break;
    case 1:
    case 2: many(&dice); break;
    default: one(&dice);
  }
  ADD(cases, 1);
}
