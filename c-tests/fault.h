/* SPDX-License-Identifier: BSD-3-Clause */
/* One fault in one spawn. A subject is spawned in a process of its own (the caller) under a filter that holds each call of
 * the kind in question until this process, which watches, says what becomes of it; a recording holds them all.
 * Seccomp's user notification (Linux 5.0). Needs test.h. */
#ifndef FAULT_H
#define FAULT_H

#include "filter.h"
#include "standing.h"

#include <elf.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <time.h>

/* What is spawned. */
struct subject {
  const char *name;
  unsigned ways; /* a bit for each way */
  void (*fill)(fe_attr *attr);
  int status; /* of the program */
};

enum action {
  FAIL,        /* with `errnum` */
  FAIL_ALWAYS, /* from there on */
  DIE,         /* before it, of the signal `errnum` */
  STOP,        /* before it, for a moment */
  STAND,       /* for good */
};

/* A call of the caller (child 0) or of the nth child that it makes: the nth with that number. */
struct place {
  int child, nr, nth;
};

struct fault {
  struct place place;
  enum action action;
  int errnum;
};

/* What a recording has seen, in its order. */
struct record {
  struct place places[600];
  size_t count;
};

/* What became of it, in memory that both share. */
struct outcome {
  int listener, taken, active, ended;
  int result, saved, status;
  fe_error error;
  unsigned way;
  bool empty;      /* the child of a failure */
  char plan[8000]; /* as fe_explain tells it */
  char said[1000]; /* what is wrong whatever the fault was; "" for nothing */
};

static inline int load(const int *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }
static inline void store(int *place, int value) { __atomic_store_n(place, value, __ATOMIC_RELEASE); }

/* No system call has it; whoever makes it dies of SIGSYS. */
enum { FORBIDDEN = 511 };

/* Holds each call with that number, or with any if it is -1. */
static inline int hold_calls(int nr) {
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, FORBIDDEN, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, nr < 0 ? 0 : 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  if (geteuid() != 0) NEED(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
}

static inline void differ(struct outcome *outcome, const char *what, const char *before, const char *after) {
  size_t at = 0;
  while (before[at] && before[at] == after[at]) at++;
  while (at > 0 && before[at - 1] != '\n') at--;
  snprintf(outcome->said, sizeof outcome->said, "%s: %.60s ... was %.60s", what, after + at, before + at);
}

/* The spawn itself, with the outcome of one that is not waited for. */
static inline int start_and_finish(const fe_attr *attr, fe_child *child, fe_error *error) {
  int result = fe_spawn(attr, child, error);
  if (result == 0 && attr->flags & FE_SUSPEND) return fe_resume(child, -1, error);
  if (result == 0 && attr->flags & FE_ASYNC) return fe_spawn_finish(child, -1, error);
  return result;
}

/* What the program tells, of a success. */
static const char *report;

/* Held by who watches, then. */
static inline void be_held(struct outcome *outcome, int nr) {
  int listener = hold_calls(nr);
  NEED(listener >= 0);
  store(&outcome->listener, listener);
  while (!load(&outcome->taken)) sched_yield();
  close(listener);
}

/* Nothing: for a watcher that traces. */
enum { NOT_HELD = -2 };

/* In the caller: everything that is to be seen from inside. `nr`: what is held, -1 for all. */
static inline void be_the_caller(const struct subject *subject, unsigned way, int nr, int timeout_ms,
                                 struct outcome *outcome) {
  fe_attr attr = FE_ATTR_INIT;
  fe_child child = FE_CHILD_INIT;
  char *argv[] = {(char *)"probe", (char *)(uintptr_t)report, NULL};
  /* The killed would dump core. */
  struct rlimit none = {0, 0};
  NEED(setrlimit(RLIMIT_CORE, &none) == 0);
  attr.path = probe_path();
  attr.argv = argv;
  attr.way = way;
  subject->fill(&attr);
  if (way == FE_WAY_CONCURRENT && !(attr.flags & FE_ASYNC)) attr.timeout_ms = 20000;
  if (timeout_ms) attr.timeout_ms = timeout_ms;
  sigset_t quiet, pending;
  /* What is looked up or made once in a process is there by then. The program ends at once, without a report. */
  char *short_argv[] = {(char *)"probe", NULL};
  char *const *long_argv = attr.argv;
  attr.argv = short_argv;
  if (start_and_finish(&attr, &child, &outcome->error) == 0) {
    if (attr.flags & FE_PTRACE) fe_kill(&child, SIGKILL);
    fe_wait(&child, -1, NULL);
  }
  fe_child_close(&child);
  attr.argv = long_argv;
  unlink(report); /* but a script's */
  sigemptyset(&quiet);
  sigaddset(&quiet, SIGCHLD);
  NEED(sigprocmask(SIG_BLOCK, &quiet, NULL) == 0);
  if (nr < 0) fe_explain(&attr, FE_EXPLAIN_TEXT, outcome->plan, sizeof outcome->plan, NULL);
  if (nr != NOT_HELD) be_held(outcome, nr);
  char *before = standing();
  memset(&outcome->error, 0xa5, sizeof outcome->error);
  store(&outcome->active, 1);
  errno = 0;
  outcome->result = start_and_finish(&attr, &child, &outcome->error);
  outcome->saved = errno;
  store(&outcome->active, 0);
  static const fe_child empty = FE_CHILD_INIT;
  outcome->empty = memcmp(&child, &empty, sizeof empty) == 0;
  outcome->way = outcome->result == 0 ? child.way : outcome->error.way;
  if (outcome->result == 0) {
    if (child.pid > 0 && attr.flags & FE_PTRACE) fe_kill(&child, SIGKILL);
    if (child.pid <= 0 || fe_wait(&child, 10000, &outcome->status) != 0)
      snprintf(outcome->said, sizeof outcome->said, "no child to wait for: errno %d", errno);
  }
  fe_child_close(&child);
  if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
    snprintf(outcome->said, sizeof outcome->said, "a child is left");
  sigpending(&pending);
  /* Beside its parent the end of a child that failed sends it too. */
  bool beside = outcome->way >= FE_WAY_PIPED;
  if (outcome->result != 0 && !beside && sigismember(&pending, SIGCHLD))
    snprintf(outcome->said, sizeof outcome->said, "SIGCHLD of a child that failed");
  if (sigismember(&pending, SIGCHLD)) sigwaitinfo(&quiet, NULL);
  char *after = standing();
  if (!outcome->said[0] && strcmp(before, after) != 0) differ(outcome, "the caller is another", before, after);
  store(&outcome->ended, 1);
  _exit(0);
}

/* Death by a fault of its own, which no mask holds back: the next instruction is at an address that nothing is at, or the
 * call is one that the filter kills for. */
static inline bool crash(pid_t pid, bool by_filter) {
  struct user_regs_struct registers;
  struct iovec set = {&registers, sizeof registers};
  int status;
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return false;
  bool good = ptrace(PTRACE_INTERRUPT, pid, 0, 0) == 0 && waitpid(pid, &status, __WALL) == pid && WIFSTOPPED(status) &&
              ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set) == 0;
#if defined(__x86_64__)
  registers.rip = by_filter ? registers.rip - 2 : 8;
  registers.rax = FORBIDDEN;
  registers.orig_rax = (unsigned long)-1; /* the interrupted call is not made again */
#else
  registers.pc = by_filter ? registers.pc - 4 : 8;
  registers.regs[8] = FORBIDDEN;
#endif
  good = good && ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set) == 0;
  return ptrace(PTRACE_DETACH, pid, 0, 0) == 0 && good;
}

struct watch {
  const struct fault *fault; /* or NULL */
  struct record *record;     /* or NULL */
  const struct outcome *outcome;
  pid_t caller, children[8], struck;
  int nchildren, counts[9][512];
  bool done;
};

/* Whose call it is: 0 for the caller, n for the nth child; 8 for all beyond. */
static inline int whose(struct watch *watch, pid_t pid) {
  if (pid == watch->caller) return 0;
  for (int i = 0; i < watch->nchildren; i++)
    if (watch->children[i] == pid) return i + 1;
  if (watch->nchildren < 8) watch->children[watch->nchildren++] = pid;
  return watch->nchildren;
}

static inline void answer(int listener, uint64_t id, int errnum) {
  struct seccomp_notif_resp reply;
  memset(&reply, 0, sizeof reply);
  reply.id = id;
  reply.error = -errnum;
  if (!errnum) reply.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &reply);
}

static inline void on_call(struct watch *watch, int listener) {
  struct seccomp_notif call;
  memset(&call, 0, sizeof call);
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return;
  pid_t pid = (pid_t)call.pid;
  int nr = call.data.nr;
  if (!load(&watch->outcome->active) || nr >= 512) {
    answer(listener, call.id, 0);
    return;
  }
  struct place here = {whose(watch, pid), nr, 0};
  here.nth = watch->counts[here.child][nr]++;
  if (watch->record && watch->record->count < sizeof watch->record->places / sizeof here)
    watch->record->places[watch->record->count++] = here;
  const struct fault *fault = watch->fault;
  bool struck = fault && here.child == fault->place.child && nr == fault->place.nr && !watch->done &&
                (here.nth == fault->place.nth || (fault->action == FAIL_ALWAYS && here.nth > fault->place.nth));
  if (!struck) {
    answer(listener, call.id, 0);
    return;
  }
  watch->struck = pid;
  watch->done = fault->action != FAIL_ALWAYS;
  switch (fault->action) {
    case FAIL:
    case FAIL_ALWAYS: answer(listener, call.id, fault->errnum); break;
    case DIE:
      if (fault->errnum == SIGKILL)
        kill(pid, SIGKILL);
      else
        CHECK(crash(pid, fault->errnum == SIGSYS));
      break;
    case STOP:
      /* Which takes it out of its wait: the call comes again when it goes on. */
      kill(pid, SIGSTOP);
      usleep(500);
      kill(pid, SIGCONT);
      break;
    case STAND: kill(pid, SIGSTOP); break;
  }
}

/* Whether the fault came about and the caller came to its end within its time. */
static inline bool strike(const struct subject *subject, unsigned way, int timeout_ms, const struct fault *fault,
                          struct record *record, struct outcome *outcome) {
  static struct watch watch;
  memset(&watch, 0, sizeof watch);
  memset(outcome, 0, sizeof *outcome);
  unlink(report);
  watch.fault = fault;
  watch.record = record;
  watch.outcome = outcome;
  outcome->listener = -1;
  watch.caller = fork();
  NEED(watch.caller >= 0);
  if (watch.caller == 0) be_the_caller(subject, way, fault ? fault->place.nr : -1, timeout_ms, outcome);
  int status = -1, listener = -1, pidfd = (int)syscall(SYS_pidfd_open, watch.caller, 0);
  NEED(pidfd >= 0);
  while (load(&outcome->listener) < 0 && waitpid(watch.caller, &status, WNOHANG) == 0) sched_yield();
  listener = (int)syscall(SYS_pidfd_getfd, pidfd, load(&outcome->listener), 0);
  store(&outcome->taken, 1);
  struct pollfd entries[] = {{pidfd, POLLIN, 0}, {listener, POLLIN, 0}};
  bool in_time = true;
  if (listener < 0) entries[0].revents = POLLIN;
  struct timespec begun, now;
  clock_gettime(CLOCK_MONOTONIC, &begun);
  while (in_time && !(entries[0].revents & POLLIN)) {
    int ready = poll(entries, 2, 1000);
    clock_gettime(CLOCK_MONOTONIC, &now);
    in_time = now.tv_sec - begun.tv_sec < 20;
    if (ready > 0 && entries[1].revents & POLLIN) on_call(&watch, listener);
    if (ready > 0 && entries[1].revents & POLLHUP) entries[1].fd = -1;
  }
  if (!in_time) {
    kill(watch.caller, SIGKILL);
    for (int i = 0; i < watch.nchildren; i++) kill(watch.children[i], SIGKILL);
    snprintf(outcome->said, sizeof outcome->said, "it hangs");
  }
  close(listener);
  close(pidfd);
  if (status == -1) NEED(waitpid(watch.caller, &status, 0) == watch.caller);
  if (in_time && (status != 0 || !outcome->ended))
    snprintf(outcome->said, sizeof outcome->said, "the caller ended with %#x", (unsigned)status);
  return watch.struck != 0 || fault == NULL;
}

#endif
