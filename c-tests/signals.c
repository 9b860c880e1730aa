/* SPDX-License-Identifier: BSD-3-Clause */
/* Signal mask and actions, in the caller and in the child; with clone3, and with clone3 refused. */
#include "test.h"

#include <stdint.h>
#include <sys/mman.h>
#include <sys/time.h>

#include "filter.h"

static char *name_only[] = {(char *)"true", NULL};

static uint64_t bit(int sig) { return UINT64_C(1) << (sig - 1); }

static uint64_t set_mask(uint64_t mask) {
  uint64_t before;
  NEED(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, 8) == 0);
  return before;
}

static const char *hex(uint64_t bits) {
  static char texts[8][20];
  static unsigned next;
  char *text = texts[next++ % 8];
  snprintf(text, sizeof texts[0], "%016llx", (unsigned long long)bits);
  return text;
}

static void without_clone3(int errnum) {
  refuse(SYS_clone3, errnum);
  CHECK_INT(syscall(SYS_clone3, NULL, 0), -1);
  CHECK_INT(errno, errnum);
}

/* Each case once more where clone3 is not known. */
#define AND_WITHOUT_CLONE3(name)                                                                   \
  static void name##_enosys(void) {                                                                \
    without_clone3(ENOSYS);                                                                        \
    name();                                                                                        \
  }
#define CASES(text, name) {text, name}, {text ", clone3 refused", name##_enosys}

static void mask_arrives(void) {
  need(HAS_SIGNALS);
  const uint64_t never = bit(SIGKILL) | bit(SIGSTOP);
  const uint64_t masks[] = {0, UINT64_MAX, bit(32) | bit(33), UINT64_C(0xaaaaaaaaaaaaaaaa),
                            UINT64_C(0x5555555555555555), bit(SIGINT) | bit(64)};
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
      fe_attr attr = FE_ATTR_INIT;
      uint64_t before = set_mask(masks[i]);
      char *seen = probe(&attr, way);
      CHECK_STR(hex(set_mask(before)), hex(masks[i] & ~never));
      CHECK_STR(value(seen, "mask"), hex(masks[i] & ~never));
      free(seen);
    }
  }
}
AND_WITHOUT_CLONE3(mask_arrives)

/* ---- actions ---- */

static void never_called(int sig) {
  (void)sig;
  abort();
}

/* By the raw call: libc keeps 32 and 33 for itself. */
static void set_action(int sig, void (*handler)(int)) {
  struct {
    void (*handler)(int);
    unsigned long rest[3];
  } action = {handler, {0, 0, 0}};
  NEED(syscall(SYS_rt_sigaction, sig, &action, NULL, 8) == 0);
}

static void caught_and_ignored(void) {
  need(HAS_SIGNALS);
  EACH_WAY(way) {
    for (int turn = 0; turn < 3; turn++) {
      uint64_t ignored = 0;
      for (int sig = 1; sig <= 64; sig++) {
        /* The first two cannot be set, the others are needed. */
        if (sig == SIGKILL || sig == SIGSTOP || sig == SIGCHLD || sig == SIGALRM) continue;
        int kind = (sig + turn) % 3;
        set_action(sig, kind == 0 ? SIG_DFL : kind == 1 ? SIG_IGN : never_called);
        if (kind == 1) ignored |= bit(sig);
      }
      fe_attr attr = FE_ATTR_INIT;
      char *before = snapshot();
      char *seen = probe(&attr, way);
      char *after = snapshot();
      CHECK_STR(after, before);
      CHECK_STR(value(seen, "caught"), hex(0));
      CHECK_STR(value(seen, "ignored"), hex(ignored));
      CHECK_STR(value(seen, "pending"), hex(0));
      free(before);
      free(after);
      free(seen);
    }
  }
}
AND_WITHOUT_CLONE3(caught_and_ignored)

/* As in the filters of some containers. */
static void clone3_forbidden(void) {
  without_clone3(EPERM);
  mask_arrives();
  caught_and_ignored();
}

/* ---- handlers ---- */

/* Shared even with a child that has its own memory. */
static struct {
  int caller;
  int elsewhere;
  int calls;
  int stop;
} *seen_by_handler;

static void on_signal(int sig) {
  (void)sig;
  if ((int)syscall(SYS_getpid) != seen_by_handler->caller)
    __atomic_add_fetch(&seen_by_handler->elsewhere, 1, __ATOMIC_RELAXED);
  __atomic_add_fetch(&seen_by_handler->calls, 1, __ATOMIC_RELAXED);
}

static void catch(int sig) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  NEED(sigaction(sig, &action, NULL) == 0);
}

static void watch_handlers(void) {
  void *place = mmap(NULL, sizeof *seen_by_handler, PROT_READ | PROT_WRITE,
                     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(place != MAP_FAILED);
  seen_by_handler = place;
  seen_by_handler->caller = getpid();
  /* Signals to the group are the case's own business. */
  NEED(setpgid(0, 0) == 0);
}

static void *spam(void *caller) {
  set_mask(UINT64_MAX);
  while (!__atomic_load_n(&seen_by_handler->stop, __ATOMIC_RELAXED)) {
    pthread_kill(*(pthread_t *)caller, SIGUSR1);
    kill(getpid(), SIGUSR2);
    /* The child too; its default does nothing. */
    kill(0, SIGWINCH);
    usleep(20);
  }
  return NULL;
}

static void handlers_run_in_the_caller_only(void) {
  enum { SPAWNS = 700 };
  watch_handlers();
  catch(SIGUSR1);
  catch(SIGUSR2);
  catch(SIGWINCH);
  catch(SIGPROF);
  pthread_t caller = pthread_self(), spammer;
  NEED(pthread_create(&spammer, NULL, spam, &caller) == 0);
  struct itimerval often = {{0, 100}, {0, 100}}, never = {{0, 0}, {0, 0}};
  NEED(setitimer(ITIMER_PROF, &often, NULL) == 0);
  EACH_WAY(way) {
    int before = seen_by_handler->calls;
    for (int i = 0; i < SPAWNS; i++) {
      fe_attr attr = FE_ATTR_INIT;
      attr.argv = name_only;
      attr.path = probe_path();
      spawn_exits(&attr, way, 64);
    }
    CHECK(seen_by_handler->calls - before > SPAWNS);
  }
  NEED(setitimer(ITIMER_PROF, &never, NULL) == 0);
  seen_by_handler->stop = 1;
  NEED(pthread_join(spammer, NULL) == 0);
  CHECK_INT(seen_by_handler->elsewhere, 0);
}
AND_WITHOUT_CLONE3(handlers_run_in_the_caller_only)

/* ---- a signal that comes before exec ---- */

static int signal_to_send;

static void send_to_child(pid_t child) { kill(child, signal_to_send); }
static void send_to_group(pid_t child) {
  (void)child;
  kill(0, signal_to_send);
}

/* It is sent while the child is held in chdir, which only the child calls. */
static void send_before_exec(void (*sender)(pid_t)) {
  static struct watcher watcher;
  watcher.meanwhile = sender;
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
}

static fe_attr with_chdir(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  attr.dir = "/";
  return attr;
}

static void pending_kills(void) {
  watch_handlers();
  catch(SIGUSR1);
  send_before_exec(send_to_child);
  EACH_WAY(way) {
    fe_attr attr = with_chdir();
    const int all[] = {SIGTERM, SIGHUP, SIGUSR1, 33, 64};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
      signal_to_send = all[i];
      spawn_killed(&attr, way, all[i], FE_STEP_SIGMASK, -1);
    }
    signal_to_send = SIGKILL;
    spawn_killed(&attr, way, SIGKILL, FE_STEP_CHDIR, -1);
  }
  CHECK_INT(seen_by_handler->calls, 0);
}
AND_WITHOUT_CLONE3(pending_kills)

static void interrupt_to_the_group(void) {
  watch_handlers();
  catch(SIGINT);
  send_before_exec(send_to_group);
  signal_to_send = SIGINT;
  int wanted = 0;
  EACH_WAY(way) {
    fe_attr attr = with_chdir();
    spawn_killed(&attr, way, SIGINT, FE_STEP_SIGMASK, -1);
    CHECK_INT(seen_by_handler->calls, ++wanted);
  }
  CHECK_INT(seen_by_handler->elsewhere, 0);
}
AND_WITHOUT_CLONE3(interrupt_to_the_group)

static void ignored_or_blocked_does_not(void) {
  send_before_exec(send_to_child);
  EACH_WAY(way) {
    fe_attr attr = with_chdir();
    signal_to_send = SIGHUP;
    NEED(signal(SIGHUP, SIG_IGN) != SIG_ERR);
    spawn_exits(&attr, way, 0);
    NEED(signal(SIGHUP, SIG_DFL) != SIG_ERR);
    /* It stays pending for the program. */
    signal_to_send = SIGTERM;
    uint64_t before = set_mask(bit(SIGTERM));
    fe_attr probed = FE_ATTR_INIT;
    probed.dir = "/";
    char *seen = probe(&probed, way);
    set_mask(before);
    CHECK_STR(value(seen, "pending"), hex(bit(SIGTERM)));
    free(seen);
  }
}

static void sigpipe_is_left_alone(void) {
  void (*const actions[])(int) = {SIG_DFL, SIG_IGN, never_called};
  EACH_WAY(way) {
    for (int i = 0; i < 3; i++) {
      NEED(signal(SIGPIPE, actions[i]) != SIG_ERR);
      fe_attr attr = FE_ATTR_INIT;
      char *before = snapshot();
      char *seen = probe(&attr, way);
      char *after = snapshot();
      CHECK_STR(after, before);
      uint64_t ignored = strtoull(value(seen, "ignored"), NULL, 16);
      CHECK_INT((ignored & bit(SIGPIPE)) != 0, actions[i] == SIG_IGN);
      sigset_t pending;
      CHECK(sigpending(&pending) == 0 && !sigismember(&pending, SIGPIPE));
      free(before);
      free(after);
      free(seen);
      attr = with_chdir();
      attr.dir = "/nowhere";
      spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
    }
  }
}

static fe_child in_hand;
static volatile pid_t found_by_handler;
static pthread_t spawner;

static void look_at_the_child(int sig) {
  (void)sig;
  found_by_handler = in_hand.pid;
}

static void strike_the_spawner(pid_t child) {
  (void)child;
  pthread_kill(spawner, SIGUSR2);
}

/* A handler that passes a signal on must find the child, even if the signal came during the spawn. */
static void a_handler_finds_the_child(void) {
  static struct watcher watcher = {strike_the_spawner, 0, 0, -1};
  spawner = pthread_self();
  signal(SIGUSR2, look_at_the_child);
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    char *argv[] = {(char *)"true", NULL};
    attr.path = "/bin/true";
    attr.argv = argv;
    attr.dir = "/";
    found_by_handler = 0;
    if (!spawn(&attr, way, &in_hand)) continue;
    CHECK(found_by_handler > 0);
    CHECK_INT(found_by_handler, in_hand.pid);
    CHECK_INT(fe_wait(&in_hand, -1, NULL), 0);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      CASES("the mask arrives", mask_arrives),
      CASES("caught become default, ignored stay ignored", caught_and_ignored),
      {"the same, clone3 forbidden with EPERM", clone3_forbidden},
      CASES("handlers run in the caller only", handlers_run_in_the_caller_only),
      CASES("a pending signal kills before exec", pending_kills),
      CASES("an interrupt to the group kills the child only", interrupt_to_the_group),
      {"an ignored or blocked signal does not kill", ignored_or_blocked_does_not},
      {"SIGPIPE is left alone", sigpipe_is_left_alone},
      {"a handler finds the child", a_handler_finds_the_child},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
