/* SPDX-License-Identifier: BSD-3-Clause */
/* Everything at once: sixteen threads spawn, fail, wait and capture in each way, while others take descriptors, memory and
 * limits and give them back, raise signals, fork, call posix_spawn(3), are cancelled and change all threads' credentials.
 * Each child compares its whole table, its mask, ids and environment with what they are to be (c-tests/verify.c). */
#include "test.h"

#include "race.h"

#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <time.h>

/* A sanitizer's run-time takes its time, may have a thread of its own, opens files that are inheritable, and knows nothing of cancelled threads' stacks. */
#ifdef SANITIZED
enum { SPAWNERS = 16, EACH = 24, OWN = 600, LEAST = 1, THREADS_MORE = 1 };
#else
enum { SPAWNERS = 16, EACH = 300, OWN = 600, LEAST = 3, THREADS_MORE = 0 };
#endif

/* The caller's descriptors: 0, 1, 2, one that is inherited, and one of each spawner. */
enum { INHERITED = 9 };

static bool closes; /* all with FE_CLOSE_OTHERS */
static bool stages;
static char program[300];
static struct spawner {
  int number;
  pid_t tid;
  uint64_t mask;
  struct random random;
} spawners[SPAWNERS];

/* ---- a child that looks ---- */

struct look {
  fe_attr attr;
  int files[5], status;
  fe_credential credential;
  char fds[400], mask[40], environment[40], exit_with[20], variable[60], ids[2][40];
  char *argv[12], *envp[2];
};

static uint64_t hash(const char *text) {
  uint64_t value = UINT64_C(0xcbf29ce484222325);
  for (;; text++) {
    value = (value ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    if (!*text) return value;
  }
}

/* `captures`: 0, 1 and 2 are pipes that fe_run makes. */
static void make_look(struct look *look, struct spawner *this, unsigned way, bool captures) {
  size_t n = 0, argc = 0;
  int own = OWN + this->number;
  memset(look, 0, sizeof *look);
  look->attr = (fe_attr)FE_ATTR_INIT;
  look->attr.path = program;
  look->attr.argv = look->argv;
  look->attr.envp = look->envp;
  look->attr.flags = closes ? FE_CLOSE_OTHERS : 0;
  const int files[] = {0, own, -1, INHERITED, own};
  memcpy(look->files, files, sizeof files);
  if (captures) {
    n += (size_t)sprintf(look->fds, "fds=0:p,1:p,2:p");
  } else {
    look->attr.files = look->files;
    look->attr.nfiles = 5;
    n += (size_t)sprintf(look->fds, "fds=0:%s,1:%s,3:%s,4:%s", known(0), known(own), known(INHERITED), known(own));
  }
  if (!closes) n += (size_t)sprintf(look->fds + n, ",%d:%s", INHERITED, known(INHERITED));
  sprintf(look->mask, "mask=%llx", (unsigned long long)this->mask);
  sprintf(look->variable, "SPAWNER=%d %llx", this->number, (unsigned long long)draw(&this->random));
  sprintf(look->environment, "env=%llx", (unsigned long long)hash(look->variable));
  look->status = (int)(draw(&this->random) % 100) << 8;
  sprintf(look->exit_with, "exit=%d", look->status >> 8);
  look->envp[0] = look->variable;
  if (way == FE_WAY_STAGED) {
    look->credential = (fe_credential)FE_CREDENTIAL_INIT;
    look->credential.uid = 1000 + (uid_t)this->number;
    look->credential.gid = 2000;
    look->attr.credential = &look->credential;
  }
  unsigned uid = way == FE_WAY_STAGED ? look->credential.uid : geteuid(), gid = way == FE_WAY_STAGED ? 2000 : getegid();
  sprintf(look->ids[0], "uid=%u,%u,%u", uid, uid, uid);
  sprintf(look->ids[1], "gid=%u,%u,%u", gid, gid, gid);
  char *const words[] = {(char *)"verify", look->fds, look->mask, (char *)"ignored=0", look->environment, look->ids[0],
                         look->ids[1], look->exit_with, captures ? (char *)"copy=" : NULL};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (words[i]) look->argv[argc++] = words[i];
}

/* ---- what the spawners do ---- */

static void check_status(const struct look *look, int status) {
  if (!CHECK_INT(status, look->status))
    for (size_t i = 0; look->argv[i]; i++) note("%s", look->argv[i]);
}

static void ends(const struct look *look, struct random *random, fe_child *child) {
  fe_child *list[] = {NULL, child};
  size_t index = 0;
  int status = -1;
  if (draw(random) % 2)
    CHECK_INT(fe_wait(child, -1, &status), 0);
  else
    CHECK_INT(fe_wait_any(list, 2, -1, &index, &status), 0);
  check_status(look, status);
  fe_child_close(child);
}

static void started_and_waited_for(struct spawner *this, unsigned way, uint64_t flags) {
  struct look look;
  fe_child child;
  make_look(&look, this, way, false);
  look.attr.flags |= flags;
  if (way == FE_WAY_CONCURRENT && !(flags & FE_ASYNC)) look.attr.timeout_ms = 60000;
  if (!spawn(&look.attr, way, &child)) return;
  if (flags & FE_ASYNC) {
    struct pollfd ready = {child.ready, POLLIN, 0};
    /* Who was forked meanwhile may hold it back. */
    if (draw(&this->random) % 2) poll(&ready, 1, 20);
    CHECK_INT(fe_spawn_finish(&child, -1, NULL), 0);
  }
  ends(&look, &this->random, &child);
}

static void failed(struct spawner *this, unsigned way) {
  struct look look;
  make_look(&look, this, way, false);
  if (way == FE_WAY_CONCURRENT) look.attr.timeout_ms = 60000;
  switch (draw(&this->random) % 3) {
    case 0:
      look.attr.path = "/nonexistent";
      spawn_fails_fast(&look.attr, way, ENOENT, FE_STEP_EXEC);
      break;
    case 1:
      look.attr.dir = "/nonexistent";
      spawn_fails_fast(&look.attr, way, ENOENT, FE_STEP_CHDIR);
      break;
    default:
      look.attr.flags |= FE_SETPGID;
      look.attr.pgid = 0x7ffffff0;
      spawn_fails_fast(&look.attr, way, EPERM, FE_STEP_SETPGID);
  }
}

static void captured(struct spawner *this) {
  struct look look;
  char word[60];
  fe_io io = FE_IO_INIT;
  fe_result result;
  fe_error error;
  make_look(&look, this, FE_WAY_AUTO, true);
  io.input = word;
  io.ninput = (size_t)sprintf(word, "%d says %llx", this->number, (unsigned long long)draw(&this->random));
  if (!CHECK_INT(fe_run(&look.attr, &io, &result, &error), 0)) return;
  check_status(&look, result.status);
  CHECK_STR(result.output, word);
  CHECK_STR(result.errors, "");
  fe_result_free(&result);
}

/* On a loaded machine a thread may not have had its turn before all is over. */
static bool others_are_at_work(void);

static void *spawns(void *argument) {
  struct spawner *this = argument;
  sigset_t mine;
  uint64_t before = 0, after = 0;
  /* Of its own, for its children to have. */
  sigemptyset(&mine);
  sigaddset(&mine, SIGRTMIN + 3 + this->number % 8);
  sigaddset(&mine, SIGWINCH);
  NEED(pthread_sigmask(SIG_SETMASK, &mine, NULL) == 0);
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &before, 8);
  this->mask = before;
  __atomic_store_n(&this->tid, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
  for (int n = 0; n < EACH; n++) {
    while (n == EACH / 2 && !others_are_at_work()) usleep(1000);
    switch (n % 12) {
      case 0: started_and_waited_for(this, FE_WAY_SHARED, 0); break;
      case 1: failed(this, FE_WAY_SHARED); break;
      case 2: started_and_waited_for(this, FE_WAY_SHARED, FE_PIDFD | FE_SETSID); break;
      case 3: started_and_waited_for(this, FE_WAY_COPY, 0); break;
      case 4: failed(this, FE_WAY_COPY); break;
      case 5: started_and_waited_for(this, FE_WAY_PIPED, 0); break;
      case 6: failed(this, FE_WAY_PIPED); break;
      case 7: started_and_waited_for(this, FE_WAY_CONCURRENT, 0); break;
      case 8: failed(this, FE_WAY_CONCURRENT); break;
      case 9: started_and_waited_for(this, n / 12 % 2 ? FE_WAY_PIPED : FE_WAY_CONCURRENT, FE_ASYNC); break;
      case 10: captured(this); break;
      default:
        if (stages) started_and_waited_for(this, FE_WAY_STAGED, 0);
    }
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &after, 8);
#ifdef __SANITIZE_THREAD__
    /* Before LLVM 21 its handling of a signal that comes while another is handled leaves all blocked but 32 and 33, which the
     * library blocks too. */
    if (after == ~(UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1) | UINT64_C(3) << 31)) {
      syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, 8);
      after = before;
    }
#endif
    if (!CHECK_INT(after, before)) break;
  }
  __atomic_store_n(&this->tid, 0, __ATOMIC_RELEASE);
  return NULL;
}

/* ---- what the others do ---- */

static int over;
static pid_t caller;
static int *in_children; /* handlers that ran in a child: in memory that all share */
static unsigned long handled;

static void on_signal(int sig) {
  (void)sig;
  if (syscall(SYS_getpid) != caller)
    __atomic_add_fetch(in_children, 1, __ATOMIC_RELAXED);
  else
    __atomic_add_fetch(&handled, 1, __ATOMIC_RELAXED);
}

static void nap(struct random *random) {
  nanosleep(&(struct timespec){0, (long)(draw(random) % 400000)}, NULL);
}

static void raises(struct random *random) {
  pid_t tid = __atomic_load_n(&spawners[draw(random) % SPAWNERS].tid, __ATOMIC_ACQUIRE);
  if (tid) syscall(SYS_tgkill, caller, tid, draw(random) % 2 ? SIGUSR2 : SIGRTMIN + 1);
  kill(caller, SIGUSR1);
}

/* With numbers that a child could get hold of, where it closes what it is not to have. */
static void tables(struct random *random) {
  int cloexec = closes ? 0 : O_CLOEXEC, fds[12];
  for (int i = 0; i < 12; i += 3) {
    fds[i] = open("/dev/null", O_RDONLY | cloexec);
    fds[i + 1] = fcntl(fds[i], cloexec ? F_DUPFD_CLOEXEC : F_DUPFD, (int)(draw(random) % 200) + 100);
    fds[i + 2] = dup3(fds[i], 300 + (int)(draw(random) % 200), cloexec);
  }
  for (int i = 0; i < 12; i++) close(fds[i]);
}

static void memory(struct random *random) {
  size_t size = 4096 * (1 + draw(random) % 64);
  char *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  char *taken = malloc(size);
  if (mapped == MAP_FAILED || !taken) abort();
  memset(mapped, 1, size);
  memset(taken, 1, size);
  munmap(mapped, size);
  free(taken);
}

static void limits(struct random *random) {
  struct rlimit limit;
  static const int harmless[] = {RLIMIT_CORE, RLIMIT_NOFILE, RLIMIT_MEMLOCK};
  int which = harmless[draw(random) % 3];
  getrlimit(which, &limit);
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = which == RLIMIT_NOFILE ? before - 10 : 0;
  setrlimit(which, &limit);
  limit.rlim_cur = before;
  setrlimit(which, &limit);
}

/* No change; but libc sends every thread a signal for it, and waits until each has done it too. */
static void credentials(struct random *random) {
  if (setresuid((uid_t)-1, (uid_t)-1, (uid_t)-1) != 0) abort();
  nap(random);
}

/* It may live for a while, and holds all that was open meanwhile. */
static void forks(struct random *random) {
  long pause = (long)(draw(random) % 3000000);
  long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) {
    struct timespec time = {0, pause};
    syscall(SYS_nanosleep, &time, NULL);
    syscall(SYS_exit_group, 0);
  }
  int status = -1;
  while (waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR) continue;
  CHECK_INT(status, 0);
}

static void others_spawn(struct random *random) {
  (void)random;
  char *argv[] = {(char *)"verify", (char *)"exit=3", NULL};
  pid_t pid;
  int status = -1;
  if (!CHECK_INT(posix_spawn(&pid, program, NULL, NULL, argv, argv + 2), 0)) return;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
  CHECK_INT(status, 3 << 8);
}

/* No call of the library's is a cancellation point, so nothing is left of what the thread was about. (A thread that can
 * be cancelled at any moment may not call it: it allocates memory.) */
static void *spawns_until_cancelled(void *argument) {
  struct spawner *this = argument;
  for (;;) {
    struct look look;
    fe_child child;
    make_look(&look, this, FE_WAY_AUTO, false);
    if (draw(&this->random) % 2) {
      look.attr.path = "/nonexistent";
      CHECK_INT(fe_spawn(&look.attr, &child, NULL), -1);
    } else if (CHECK_INT(fe_spawn(&look.attr, &child, NULL), 0)) {
      ends(&look, &this->random, &child);
    }
    captured(this);
    pthread_testcancel();
  }
  return NULL;
}

static void cancels(struct random *random) {
  pthread_t thread;
  void *result = NULL;
#ifdef SANITIZED
  return;
#endif
  /* The descriptors of the first, and nothing else of it. */
  struct spawner this = {0, 0, 0, {draw(random)}};
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &this.mask, 8);
  NEED(pthread_create(&thread, NULL, spawns_until_cancelled, &this) == 0);
  nap(random);
  pthread_cancel(thread);
  NEED(pthread_join(thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
}

static struct other {
  void (*does)(struct random *random);
  struct random random;
  unsigned long rounds;
} others[] = {
    {raises, {0}, 0},      {tables, {0}, 0},       {memory, {0}, 0},  {limits, {0}, 0},
    {credentials, {0}, 0}, {forks, {0}, 0},  {others_spawn, {0}, 0}, {cancels, {0}, 0},
};
enum { OTHERS = sizeof others / sizeof *others };

static bool others_are_at_work(void) {
  bool all = true;
  for (int i = 0; i < OTHERS; i++) all = all && __atomic_load_n(&others[i].rounds, __ATOMIC_RELAXED) >= LEAST;
  return all;
}

static void *disturbs(void *argument) {
  struct other *this = argument;
  while (!__atomic_load_n(&over, __ATOMIC_ACQUIRE)) {
    this->does(&this->random);
    __atomic_add_fetch(&this->rounds, 1, __ATOMIC_RELAXED);
    nap(&this->random);
  }
  return NULL;
}

/* ---- all of them ---- */

static void everything(bool closing) {
  if (world() != WORLD_KERNEL) skip("threads take too long there");
  pthread_t threads[SPAWNERS + OTHERS];
  struct random seed = random_seed();
  closes = closing;
  stages = geteuid() == 0 && can_stage();
  caller = getpid();
  install_verify(program, sizeof program);
  only(3);
  open_at(INHERITED, false);
  for (int i = 0; i < SPAWNERS; i++) open_at(OWN + i, true);
  in_children = mmap(NULL, sizeof *in_children, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(in_children != MAP_FAILED);
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  NEED(sigaction(SIGUSR1, &action, NULL) == 0 && sigaction(SIGUSR2, &action, NULL) == 0);
  NEED(sigaction(SIGRTMIN + 1, &action, NULL) == 0);
  int nthreads = threads_now();
  char *before = snapshot();
  for (int i = 0; i < SPAWNERS; i++) {
    spawners[i] = (struct spawner){i, 0, 0, {draw(&seed)}};
    NEED(pthread_create(&threads[i], NULL, spawns, &spawners[i]) == 0);
  }
  for (int i = 0; i < OTHERS; i++) {
    others[i].random.state = draw(&seed);
    NEED(pthread_create(&threads[SPAWNERS + i], NULL, disturbs, &others[i]) == 0);
  }
  for (int i = 0; i < SPAWNERS; i++) NEED(pthread_join(threads[i], NULL) == 0);
  __atomic_store_n(&over, 1, __ATOMIC_RELEASE);
  for (int i = 0; i < OTHERS; i++) {
    NEED(pthread_join(threads[SPAWNERS + i], NULL) == 0);
  }
  note("%lu signals, %lu forks, %lu posix_spawn, %lu cancelled", handled, others[5].rounds, others[6].rounds,
       others[7].rounds);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
  CHECK(handled > 10);
  CHECK_INT(*in_children, 0);
  /* One that was joined may not be gone from /proc yet. */
  for (int i = 0; i < 2000 && threads_now() > nthreads + THREADS_MORE; i++) usleep(1000);
  CHECK(threads_now() <= nthreads + THREADS_MORE);
}

static void nothing_that_is_inheritable(void) { everything(false); }
static void others_closed(void) { everything(true); }

/* What whoever has started this has left ignored, which may be the two that libc keeps for itself. */
static void ignore_nothing(void) {
  for (int signal = 1; signal <= 64; signal++) {
    struct { /* the kernel's */
      uintptr_t handler;
      unsigned long rest[3];
    } action = {0, {0, 0, 0}}, by_default = {0, {0, 0, 0}};
    if (syscall(SYS_rt_sigaction, signal, NULL, &action, 8) == 0 && action.handler == 1)
      syscall(SYS_rt_sigaction, signal, &by_default, NULL, 8);
  }
}

int main(int argc, char **argv) {
  ignore_nothing();
  static const struct test_case cases[] = {
      {"everything at once", nothing_that_is_inheritable},
      {"everything at once, others closed", others_closed},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
