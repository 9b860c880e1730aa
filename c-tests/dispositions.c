/* SPDX-License-Identifier: BSD-3-Clause */
/* What the attributes say of signals: sigmask, sigdefault and sigignore; with clone3, and with clone3
 * refused. */
#include "test.h"

#include "filter.h"

#include <stdint.h>
#include <sys/ptrace.h>

static char *name_only[] = {(char *)"true", NULL};

static uint64_t bit(int sig) { return UINT64_C(1) << (sig - 1); }
static const uint64_t never = UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);

/* libc's functions leave two signals out. */
static sigset_t set_of(uint64_t bits) {
  sigset_t set;
  memset(&set, 0, sizeof set);
  memcpy(&set, &bits, sizeof bits);
  return set;
}

static uint64_t set_mask(uint64_t mask) {
  uint64_t before;
  NEED(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, 8) == 0);
  return before;
}

static void set_action(int sig, void (*handler)(int)) {
  struct {
    void (*handler)(int);
    unsigned long rest[3];
  } action = {handler, {0, 0, 0}};
  NEED(syscall(SYS_rt_sigaction, sig, &action, NULL, 8) == 0);
}

static const char *hex(uint64_t bits) {
  static char texts[8][20];
  static unsigned next;
  char *text = texts[next++ % 8];
  snprintf(text, sizeof texts[0], "%016llx", (unsigned long long)bits);
  return text;
}

#define AND_WITHOUT_CLONE3(name)                                                                   \
  static void name##_enosys(void) {                                                                \
    refuse(SYS_clone3, ENOSYS);                                                                    \
    name();                                                                                        \
  }
#define CASES(text, name) {text, name}, {text ", clone3 refused", name##_enosys}

/* The probe, and the caller is as it was: looked at closely now and then, since that takes longer. */
static char *seen_by(fe_attr *attr, unsigned way) {
  static unsigned turn;
  if (turn++ % 8) return probe(attr, way);
  char *before = snapshot();
  char *seen = probe(attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  return seen;
}

/* ---- the mask ---- */

static void mask_sees(unsigned way, const uint64_t *asked, uint64_t callers) {
  sigset_t set = set_of(asked ? *asked : 0);
  fe_attr attr = FE_ATTR_INIT;
  attr.sigmask = asked ? &set : NULL;
  uint64_t before = set_mask(callers);
  char *seen = seen_by(&attr, way);
  CHECK_STR(hex(set_mask(before)), hex(callers & ~never));
  CHECK_STR(value(seen, "mask"), hex((asked ? *asked : callers) & ~never));
  free(seen);
}

static void mask(void) {
  need(HAS_SIGNALS);
  const uint64_t callers[] = {0, UINT64_MAX, bit(SIGINT) | bit(33)};
  EACH_WAY(way) {
    for (size_t i = 0; i < 3; i++) {
      mask_sees(way, NULL, callers[i]);
      for (size_t j = 0; j < 3; j++) mask_sees(way, &callers[j], callers[i]);
    }
    for (int sig = 1; sig <= 64; sig++) {
      const uint64_t one = bit(sig);
      mask_sees(way, &one, ~bit(65 - sig));
    }
  }
}
AND_WITHOUT_CLONE3(mask)

/* A traced child gets it from its tracer, when it stands in its stop. */
static void mask_of_a_traced_child(void) {
  const uint64_t masks[] = {0, UINT64_MAX, bit(SIGTRAP), bit(SIGHUP) | bit(32) | bit(64)};
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
      sigset_t set = set_of(masks[i]);
      fe_attr attr = FE_ATTR_INIT;
      fe_child child;
      int status = -1;
      attr.flags = FE_PTRACE;
      attr.sigmask = &set;
      uint64_t before = set_mask(bit(SIGUSR1));
      bool good = probe_start(&attr, way, &child);
      CHECK_STR(hex(set_mask(before)), hex(bit(SIGUSR1)));
      if (!good) return;
      CHECK_INT(fe_wait(&child, -1, &status), 0);
      CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
      CHECK_INT(ptrace(PTRACE_CONT, child.pid, NULL, 0), 0);
      CHECK_INT(fe_wait(&child, -1, &status), 0);
      CHECK_INT(status, 0);
      char *seen = probe_report();
      CHECK_STR(value(seen, "mask"), hex(masks[i] & ~never));
      free(seen);
    }
  }
}
AND_WITHOUT_CLONE3(mask_of_a_traced_child)

/* ---- dispositions ---- */

static void never_called(int sig) {
  (void)sig;
  abort();
}

/* A third of all signals is default, ignored and caught each; which, differs by the turn. Returns those
 * that are ignored. */
static uint64_t mixed_actions(int turn) {
  uint64_t ignored = 0;
  for (int sig = 1; sig <= 64; sig++) {
    /* The first two cannot be set, the others are needed. */
    if (sig == SIGKILL || sig == SIGSTOP || sig == SIGCHLD || sig == SIGALRM) continue;
    int kind = (sig + turn) % 3;
    set_action(sig, kind == 0 ? SIG_DFL : kind == 1 ? SIG_IGN : never_called);
    if (kind == 1) ignored |= bit(sig);
  }
  return ignored;
}

static void ignores(unsigned way, uint64_t defaults, uint64_t ignore, uint64_t wanted) {
  sigset_t default_set = set_of(defaults), ignore_set = set_of(ignore);
  fe_attr attr = FE_ATTR_INIT;
  attr.sigdefault = &default_set;
  attr.sigignore = &ignore_set;
  char *seen = seen_by(&attr, way);
  CHECK_STR(value(seen, "ignored"), hex(wanted));
  CHECK_STR(value(seen, "caught"), hex(0));
  CHECK_STR(value(seen, "pending"), hex(0));
  free(seen);
}

static void defaults_and_ignored(void) {
  need(HAS_SIGNALS);
  const uint64_t some = UINT64_C(0xaaaaaaaaaaaaaaaa), others = UINT64_C(0x5555555555555555);
  EACH_WAY(way) {
    for (int turn = 0; turn < 3; turn++) {
      const uint64_t now = mixed_actions(turn);
      ignores(way, 0, 0, now);
      ignores(way, UINT64_MAX, 0, 0); /* SIGKILL and SIGSTOP do no harm */
      ignores(way, some, 0, now & ~some);
      ignores(way, 0, UINT64_MAX & ~never, UINT64_MAX & ~never);
      ignores(way, some, others & ~never, (now & ~some) | (others & ~never));
      ignores(way, others, some & ~never, (now & ~others) | (some & ~never));
    }
    for (int sig = 1; sig <= 64; sig++) {
      /* One that is ignored, and the next, which is caught. */
      const int next = sig % 64 + 1;
      const uint64_t now = mixed_actions((64 * 3 + 1 - sig) % 3), ignored = bit(next) & ~never;
      ignores(way, bit(sig), ignored, (now & ~bit(sig)) | ignored);
    }
  }
}
AND_WITHOUT_CLONE3(defaults_and_ignored)

static void contradictions(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  const uint64_t bad[][2] = {
      {bit(SIGINT), bit(SIGINT)}, {UINT64_MAX, bit(64)},     {bit(1), UINT64_MAX & ~never},
      {0, bit(SIGKILL)},          {0, bit(SIGSTOP)},         {0, UINT64_MAX},
      {0, bit(1) | bit(SIGKILL)}, {UINT64_MAX, bit(SIGKILL)},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    sigset_t default_set = set_of(bad[i][0]), ignore_set = set_of(bad[i][1]);
    attr.sigdefault = bad[i][0] ? &default_set : NULL;
    attr.sigignore = &ignore_set;
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
}

/* By the number of the signal. */
static void sigaction_that_fails(unsigned way, const void *unused) {
  (void)unused;
  refuse_if(SYS_rt_sigaction, EPERM, 0, UINT32_MAX, SIGUSR2);
  sigset_t set = set_of(bit(SIGHUP) | bit(SIGUSR2) | bit(64));
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  /* Not spawn_fails, whose own sigaction would fail. */
  for (int ignore = 0; ignore < 2; ignore++) {
    attr.sigignore = ignore ? &set : NULL;
    attr.sigdefault = ignore ? NULL : &set;
    fe_child child;
    fe_error error;
    attr.way = way;
    CHECK_INT(fe_spawn(&attr, &child, &error), -1);
    CHECK_INT(error.errnum, EPERM);
    CHECK_STR(fe_step_name(error.step), "sigaction");
    /* Where the child resets the handlers itself it comes to that first. */
    CHECK_INT(error.index, world_has(HAS_CLONE3) || world() != WORLD_KERNEL ? SIGUSR2 : -1);
    CHECK_INT(error.way, expected_way(way));
    check_no_child();
  }
}

static void by_its_number(void) {
  EACH_WAY(way) apart(sigaction_that_fails, way, NULL);
}

/* ---- a signal that comes before exec ---- */

static int signal_to_send;

static void send_to_child(pid_t child) { kill(child, signal_to_send); }

/* It is sent while the child is held in chdir, which only the child calls: all is blocked by then, so
 * that it is pending. */
static fe_attr struck(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  attr.dir = "/";
  return attr;
}

static void pending_signal(void) {
  static struct watcher watcher = {send_to_child, 0, 0, -1};
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  const int all[] = {SIGTERM, SIGINT, 33, 64};
  /* A shell starts what is in its background with two of them ignored. */
  for (int sig = 1; sig <= 64; sig++)
    if (!(bit(sig) & never)) set_action(sig, SIG_DFL);
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
      signal_to_send = all[i];
      sigset_t set = set_of(bit(all[i]));
      fe_attr attr = struck();
      spawn_killed(&attr, way, all[i], FE_STEP_SIGMASK, -1);
      /* Thrown away. */
      attr.sigignore = &set;
      spawn_exits(&attr, way, 0);
      fe_attr probed = FE_ATTR_INIT;
      probed.dir = "/";
      probed.sigignore = &set;
      probed.sigmask = &set;
      char *seen = probe(&probed, way);
      CHECK_STR(value(seen, "pending"), hex(0));
      CHECK_STR(value(seen, "ignored"), hex(bit(all[i])));
      free(seen);
      /* Kept for the program. */
      probed.sigignore = NULL;
      seen = probe(&probed, way);
      CHECK_STR(value(seen, "pending"), hex(bit(all[i])));
      free(seen);
      /* The caller ignores it, the child not. */
      set_action(all[i], SIG_IGN);
      attr.sigignore = NULL;
      attr.sigdefault = &set;
      spawn_killed(&attr, way, all[i], FE_STEP_SIGMASK, -1);
      /* The caller blocks it, the child not. */
      set_action(all[i], SIG_DFL);
      sigset_t none = set_of(0);
      attr.sigdefault = NULL;
      attr.sigmask = &none;
      uint64_t before = set_mask(bit(all[i]));
      spawn_killed(&attr, way, all[i], FE_STEP_SIGMASK, -1);
      set_mask(before);
    }
  }
}
AND_WITHOUT_CLONE3(pending_signal)

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      CASES("sigmask, each signal; NULL keeps the caller's", mask),
      CASES("sigmask of a traced child", mask_of_a_traced_child),
      CASES("sigdefault and sigignore, each signal", defaults_and_ignored),
      {"in both, and what cannot be ignored", contradictions},
      {"sigaction that fails, by its number", by_its_number},
      CASES("a pending signal that is ignored, kept or strikes", pending_signal),
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
