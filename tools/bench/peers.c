/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a spawn takes: ours, the C library's, fork, vfork, and the floor, which is the least that a program could do by
 * hand. Peers take turns within a round, on one processor, so that what disturbs one disturbs all; a ratio is that of
 * two medians, and with it come the quartiles of the ratios within the rounds. Where those lie on both sides of 1,
 * the difference is hidden and no ratio is printed.
 *
 *   peers [ROUNDS [CSV]]    PROGRAM in the environment: what is started (a tiny static program) */

#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum { MOST_PEERS = 8, MOST_ROUNDS = 1001, SPAWNS = 20 };

static const char *program;
static char *arguments[2];
static FILE *csv;
static int rounds = 41;

static void need(bool good, const char *what) {
  if (!good) {
    perror(what);
    exit(1);
  }
}

static double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

/* ---- peers: each starts the program, and waits for it unless it is missing ---- */

static void wait_for(pid_t pid) {
  if (pid > 0) need(waitpid(pid, NULL, 0) == pid, "waitpid");
}

static volatile int floor_errno;

/* What the child does, and nothing that it calls, must go through libc's cancellation or errno. */
static __attribute__((noinline)) pid_t floor_clone(uint64_t flags, int *pidfd) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } args = {flags | CLONE_VM | CLONE_VFORK, (uint64_t)(uintptr_t)pidfd, 0, 0, SIGCHLD, 0, 0, 0};
  floor_errno = 0;
#if defined(__x86_64__)
  /* The child goes on with this very frame, which its parent, suspended, does not use. */
  long pid;
  __asm__ volatile("syscall" : "=a"(pid) : "a"(SYS_clone3), "D"(&args), "S"(sizeof args) : "rcx", "r11", "memory");
  if (pid == 0) {
    long result;
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(SYS_execve), "D"(program), "S"(arguments), "d"(environ)
                     : "rcx", "r11", "memory");
    floor_errno = (int)-result;
    for (;;) __asm__ volatile("syscall" ::"a"(SYS_exit), "D"(127) : "rcx", "r11", "memory");
  }
#else
  long pid = vfork();
  if (pid == 0) {
    execve(program, arguments, environ);
    _exit(127);
  }
#endif
  need(pid > 0, "clone3");
  return (pid_t)pid;
}

static void by_floor(void) { wait_for(floor_clone(0, NULL)); }

static void by_floor_pidfd(void) {
  int pidfd = -1;
  pid_t pid = floor_clone(CLONE_PIDFD, &pidfd);
  wait_for(pid);
  close(pidfd);
}

static void by_fork(void) {
  pid_t pid = fork();
  if (pid == 0) {
    execve(program, arguments, environ);
    _exit(127);
  }
  wait_for(pid);
}

static void by_posix_spawn(void) {
  pid_t pid = 0;
  if (posix_spawn(&pid, program, NULL, NULL, arguments, environ) == 0) wait_for(pid);
}

static void ours(uint64_t flags, const int *files, size_t nfiles) {
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  attr.path = program;
  attr.argv = arguments;
  attr.flags = flags;
  attr.files = files;
  attr.nfiles = nfiles;
  if (fe_spawn(&attr, &child, NULL) != 0) return;
  need(fe_wait(&child, -1, NULL) == 0, "fe_wait");
  fe_child_close(&child);
}

static void by_forkexec(void) { ours(0, NULL, 0); }
static void by_forkexec_pidfd(void) { ours(FE_PIDFD, NULL, 0); }

static int high_source = 1;
static void by_forkexec_closing(void) {
  int files[] = {0, 1, 2};
  ours(FE_CLOSE_OTHERS, files, 3);
}
static void by_forkexec_closing_high(void) {
  int files[] = {0, high_source, 2};
  ours(FE_CLOSE_OTHERS, files, 3);
}

static void by_posix_spawn_closing(void) {
  posix_spawn_file_actions_t actions;
  pid_t pid = 0;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  if (posix_spawn(&pid, program, &actions, NULL, arguments, environ) == 0) wait_for(pid);
  posix_spawn_file_actions_destroy(&actions);
}

/* ---- calls that return before the program runs: the call alone is measured ---- */

static double call_us;

static void by_async_call(void) {
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  attr.path = program;
  attr.argv = arguments;
  attr.flags = FE_ASYNC;
  double begun = now_us();
  need(fe_spawn(&attr, &child, NULL) == 0, "fe_spawn");
  call_us += now_us() - begun;
  need(fe_spawn_finish(&child, -1, NULL) == 0, "fe_spawn_finish");
  need(fe_wait(&child, -1, NULL) == 0, "fe_wait");
  fe_child_close(&child);
}

static void by_posix_spawn_call(void) {
  pid_t pid = 0;
  double begun = now_us();
  need(posix_spawn(&pid, program, NULL, NULL, arguments, environ) == 0, "posix_spawn");
  call_us += now_us() - begun;
  wait_for(pid);
}

/* ---- batches of 64 ---- */

enum { BATCH = 64 };

static void batch_many(void) {
  static fe_child children[BATCH];
  static const fe_attr *attrs[BATCH];
  static fe_attr attr;
  attr = (fe_attr)FE_ATTR_INIT;
  attr.path = program;
  attr.argv = arguments;
  for (int i = 0; i < BATCH; i++) attrs[i] = &attr;
  need(fe_spawn_many(attrs, BATCH, children, NULL) == 0, "fe_spawn_many");
  for (int i = 0; i < BATCH; i++) {
    need(fe_wait(&children[i], -1, NULL) == 0, "fe_wait");
    fe_child_close(&children[i]);
  }
}

static void batch_one_by_one(void) {
  static fe_child children[BATCH];
  fe_attr attr = FE_ATTR_INIT;
  attr.path = program;
  attr.argv = arguments;
  for (int i = 0; i < BATCH; i++) need(fe_spawn(&attr, &children[i], NULL) == 0, "fe_spawn");
  for (int i = 0; i < BATCH; i++) {
    need(fe_wait(&children[i], -1, NULL) == 0, "fe_wait");
    fe_child_close(&children[i]);
  }
}

static void batch_posix_spawn(void) {
  for (int i = 0; i < BATCH; i++) by_posix_spawn();
}

/* ---- two threads ---- */

static void *spawn_in_thread(void *unused) {
  (void)unused;
  for (int i = 0; i < SPAWNS; i++) by_forkexec();
  return NULL;
}

static void one_thread(void) {
  for (int i = 0; i < 2; i++) spawn_in_thread(NULL);
}

static void two_threads(void) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) need(pthread_create(&threads[i], NULL, spawn_in_thread, NULL) == 0, "pthread_create");
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
}

/* ---- measuring ---- */

struct peer {
  const char *name;
  void (*run)(void);
  double us[MOST_ROUNDS]; /* of one spawn, a round each */
};

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static double quantile(const double *values, double q) {
  double sorted[MOST_ROUNDS];
  memcpy(sorted, values, (size_t)rounds * sizeof *values);
  qsort(sorted, (size_t)rounds, sizeof *sorted, ascending);
  return sorted[(size_t)(q * (rounds - 1) + 0.5)];
}

/* The ratio to another peer, unless the quartiles of the ratios within the rounds hide it. */
static void print_ratio(const char *row, const struct peer *peer, const struct peer *to) {
  double ratios[MOST_ROUNDS];
  if (peer == to) return;
  for (int i = 0; i < rounds; i++) ratios[i] = peer->us[i] / to->us[i];
  double low = quantile(ratios, 0.25), high = quantile(ratios, 0.75), median = quantile(ratios, 0.5);
  if (low <= 1 && high >= 1)
    printf("  / %s: no difference to be seen (%.2f to %.2f)", to->name, low, high);
  else
    printf("  / %s: %.2f (%.2f to %.2f)", to->name, median, low, high);
  if (csv) fprintf(csv, "%s,%s / %s,%.3f,%.3f,%.3f\n", row, peer->name, to->name, median, low, high);
}

/* The peers in turn; `own_time`: they add up their times in call_us. The last two of `peers` are what the others are
 * compared with. */
static void measure(const char *row, struct peer *peers, int count, int spawns, bool own_time) {
  for (int p = 0; p < count; p++) peers[p].run(); /* what is done once in a process */
  for (int round = 0; round < rounds; round++)
    for (int p = 0; p < count; p++) {
      call_us = 0;
      double begun = now_us();
      for (int i = 0; i < spawns; i++) peers[p].run();
      double took = own_time ? call_us : now_us() - begun;
      peers[p].us[round] = took / spawns;
    }
  printf("%s\n", row);
  for (int p = 0; p < count; p++) {
    const double *us = peers[p].us;
    printf("  %-34s %8.1f us (%.1f to %.1f)", peers[p].name, quantile(us, 0.5), quantile(us, 0.25), quantile(us, 0.75));
    if (csv)
      fprintf(csv, "%s,%s,%.2f,%.2f,%.2f\n", row, peers[p].name, quantile(us, 0.5), quantile(us, 0.25), quantile(us, 0.75));
    for (int to = count > 2 ? count - 2 : count - 1; to < count; to++)
      if (p < count - 1) print_ratio(row, &peers[p], &peers[to]);
    printf("\n");
  }
  fflush(stdout);
}

#define MEASURE(row, spawns, own_time, ...)                                                         \
  do {                                                                                             \
    static struct peer peers_[] = {__VA_ARGS__};                                                   \
    measure(row, peers_, (int)(sizeof peers_ / sizeof *peers_), spawns, own_time);                 \
  } while (0)
#define PEER(name, run) {name, run, {0}}

/* ---- the rows ---- */

static void pin(bool to_one) {
  cpu_set_t set;
  CPU_ZERO(&set);
  long count = sysconf(_SC_NPROCESSORS_ONLN);
  for (long cpu = 0; cpu < (to_one ? 1 : count); cpu++) CPU_SET((size_t)cpu, &set);
  need(sched_setaffinity(0, sizeof set, &set) == 0, "sched_setaffinity");
}

static void *idle(void *unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static void small_parent(const char *row) {
  MEASURE(row, SPAWNS, false, PEER("forkexec", by_forkexec), PEER("fork", by_fork), PEER("floor", by_floor),
          PEER("posix_spawn", by_posix_spawn));
}

static void with_memory(size_t bytes) {
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  need(memory != MAP_FAILED, "mmap");
  for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
  MEASURE("parent of 1 GiB", 5, false, PEER("forkexec", by_forkexec), PEER("fork", by_fork), PEER("floor", by_floor),
          PEER("posix_spawn", by_posix_spawn));
  munmap(memory, bytes);
}

static void with_descriptors(int count) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  struct rlimit more = {limit.rlim_max, limit.rlim_max};
  need(setrlimit(RLIMIT_NOFILE, &more) == 0, "setrlimit");
  if ((rlim_t)count + 64 > more.rlim_cur) count = (int)more.rlim_cur - 64;
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = null + 1; fd < count; fd++) need(dup3(null, fd, O_CLOEXEC) == fd, "dup3");
  high_source = count - 1;
  char row[80];
  snprintf(row, sizeof row, "%d open descriptors, the others closed in the child", count);
  MEASURE(row, 5, false, PEER("forkexec, low sources", by_forkexec_closing),
          PEER("forkexec, a high source", by_forkexec_closing_high), PEER("floor (closes nothing)", by_floor),
          PEER("posix_spawn, closefrom", by_posix_spawn_closing));
  for (int fd = null; fd < count; fd++) close(fd);
  setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int argc, char **argv) {
  struct utsname system;
  program = getenv("PROGRAM");
  need(program != NULL, "PROGRAM");
  if (argc > 1) rounds = atoi(argv[1]);
  if (rounds < 5 || rounds > MOST_ROUNDS) rounds = 41;
  if (argc > 2) need((csv = fopen(argv[2], "we")) != NULL, argv[2]);
  arguments[0] = (char *)(uintptr_t)program;
  uname(&system);
  printf("%s %s %s, libforkexec %s, %d rounds; medians (quartiles); pinned to one processor but where said\n", system.sysname,
         system.release, system.machine, fe_version(), rounds);
  if (csv) fprintf(csv, "row,peer,median,quartile1,quartile3\n");

  pin(true);
  small_parent("spawn and wait");
  MEASURE("with a pidfd", SPAWNS, false, PEER("forkexec", by_forkexec_pidfd), PEER("floor", by_floor_pidfd));
  const char *present = program;
  program = "/nonexistent/program";
  MEASURE("a missing program", SPAWNS, false, PEER("forkexec", by_forkexec), PEER("fork", by_fork), PEER("floor", by_floor),
          PEER("posix_spawn", by_posix_spawn));
  program = present;
  MEASURE("the call alone, the program still on its way", SPAWNS, true, PEER("forkexec, FE_ASYNC", by_async_call),
          PEER("posix_spawn", by_posix_spawn_call));
  with_memory((size_t)1 << 30);
  with_descriptors(19000);
  pthread_t thread;
  for (int i = 0; i < 64; i++) need(pthread_create(&thread, NULL, idle, NULL) == 0, "pthread_create");
  small_parent("64 idle threads");
  pin(false);
  MEASURE("64 programs, all processors", 1, false, PEER("fe_spawn_many", batch_many), PEER("fe_spawn one by one", batch_one_by_one),
          PEER("posix_spawn and wait one by one", batch_posix_spawn));
  MEASURE("two threads, all processors (of 40 spawns)", 1, false, PEER("two threads", two_threads), PEER("one thread", one_thread));
  if (csv) fclose(csv);
  return 0;
}
