/* SPDX-License-Identifier: BSD-3-Clause */
/* soak VERIFY: spawns of all kinds, at random by a seed, by several threads, with failures among them; each outcome is
 * compared with what was to come, and at the end nothing may be left. In the environment: SPAWNS (cases), SEED, FIRST (the
 * number of the first), THREADS, SECONDS (at most). SEED and FIRST with SPAWNS=1 repeat a case. */
#include "soak.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST_THREADS = 64, STUCK_SECONDS = 120, LINE_SECONDS = 5 };

static uint64_t seed, first, spawns, next; /* the number of the next case, counted from `first` */
static bool over;
static uint64_t at[MOST_THREADS]; /* the case that each is in, and one more; 0: none */

static uint64_t setting(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text && *text ? strtoull(text, NULL, 10) : otherwise;
}

static void *work(void *argument) {
  uint64_t *mine = argument;
  for (;;) {
    uint64_t number = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
    if (number >= spawns || __atomic_load_n(&over, __ATOMIC_RELAXED)) break;
    __atomic_store_n(mine, first + number + 1, __ATOMIC_RELAXED);
    run_case(seed, first + number);
    __atomic_store_n(mine, 0, __ATOMIC_RELAXED);
  }
  return NULL;
}

/* ---- what must not grow ---- */

struct size {
  long rss, data, threads, fds, bytes;
};

static struct size look(void) {
  struct size size = {0, 0, 0, 0, 0};
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 33)
  size.bytes = (long)mallinfo2().uordblks;
#endif
  FILE *status = fopen("/proc/self/status", "re");
  char line[256];
  while (status && fgets(line, sizeof line, status)) {
    sscanf(line, "VmRSS: %ld", &size.rss);
    sscanf(line, "VmData: %ld", &size.data);
    sscanf(line, "Threads: %ld", &size.threads);
  }
  if (status) fclose(status);
  for (int fd = 0; fd < 20000; fd++) {
    struct stat st;
    size.fds += fstat(fd, &st) == 0;
  }
  return size;
}

static uint64_t of_tally(const uint64_t *what) { return __atomic_load_n(what, __ATOMIC_RELAXED); }

static void print_progress(time_t began) {
  struct size size = look();
  double seconds = difftime(time(NULL), began);
  printf("%" PRIu64 " of %" PRIu64 " cases, %" PRIu64 " spawns (%.0f/s), of which %" PRIu64 " failed as they should, %" PRIu64
         " killed; %" PRIu64 " wrong; VmRSS %ld KiB, VmData %ld KiB\n",
         of_tally(&tally->cases), spawns, of_tally(&tally->spawns),
         (double)of_tally(&tally->spawns) / (seconds > 0 ? seconds : 1), of_tally(&tally->failures), of_tally(&tally->kills),
         of_tally(&tally->wrong), size.rss, size.data);
  fflush(stdout);
}

/* Until all cases are done. What a stuck thread holds nobody can mend: it ends the program. */
static void watch(time_t began, uint64_t seconds, struct size *warm) {
  uint64_t seen[MOST_THREADS] = {0};
  time_t since[MOST_THREADS], line = began;
  for (int i = 0; i < MOST_THREADS; i++) since[i] = began;
  while (of_tally(&tally->cases) < spawns) {
    nanosleep(&(struct timespec){0, 20000000}, NULL);
    time_t now = time(NULL);
    if (warm->rss == 0 && of_tally(&tally->cases) > spawns / 5) *warm = look();
    if (seconds && now - began >= (time_t)seconds) break;
    for (int i = 0; i < MOST_THREADS; i++) {
      uint64_t number = of_tally(&at[i]);
      if (number != seen[i]) seen[i] = number, since[i] = now;
      if (number == 0 || now - since[i] < STUCK_SECONDS) continue;
      printf("case %" PRIu64 " has not ended for %d seconds: SEED=%" PRIu64 " FIRST=%" PRIu64 " SPAWNS=1\n", number - 1,
             STUCK_SECONDS, seed, number - 1);
      fflush(stdout);
      abort();
    }
    if (now - line >= LINE_SECONDS) print_progress(began), line = now;
  }
  __atomic_store_n(&over, true, __ATOMIC_RELAXED);
}

static void must(bool good, const char *what, long before, long after) {
  if (good) return;
  printf("%s: %ld before, %ld after\n", what, before, after);
  tally->wrong++;
}

static void check_the_end(struct size before, struct size warm) {
  /* What malloc(3) keeps for each thread comes and goes; of what is in use it has a few KiB for each itself. */
  enum { SLACK_KIB = 1024, SLACK_DATA_KIB = 4096, SLACK_BYTES = 65536 };
  /* A thread that was joined may not be gone from /proc yet. */
  for (int i = 0; i < 2000 && look().threads != before.threads; i++) nanosleep(&(struct timespec){0, 1000000}, NULL);
  struct size after = look();
  struct stat st;
  errno = 0;
  must(waitpid(-1, NULL, WNOHANG | __WALL) == -1 && errno == ECHILD, "children", 0, 1);
  must(after.fds == before.fds, "descriptors", before.fds, after.fds);
  must(after.threads == before.threads, "threads", before.threads, after.threads);
  must(after.bytes <= before.bytes + SLACK_BYTES, "bytes of malloc in use", before.bytes, after.bytes);
  if (warm.rss) {
    must(after.rss <= warm.rss + SLACK_KIB, "VmRSS in KiB", warm.rss, after.rss);
    must(after.data <= warm.data + SLACK_DATA_KIB, "VmData in KiB", warm.data, after.data);
  }
  for (int fd = 0; fd < POOL_END; fd++) {
    char identity[IDENTITY];
    if (!world.identity[fd][0]) continue;
    identify(fd, identity);
    must(strcmp(identity, world.identity[fd]) == 0, "a descriptor is another", fd, fd);
  }
  /* Whoever was to run has, and nobody else. */
  if (stat(world.runs, &st) == 0)
    must((uint64_t)st.st_size >= tally->sure && (uint64_t)st.st_size <= tally->perhaps, "programs that have run",
         (long)tally->sure, (long)st.st_size);
  if (stat(world.report, &st) == 0 && st.st_size != 0) {
    char command[300];
    snprintf(command, sizeof command, "head -c 20000 %s", world.report);
    fflush(stdout);
    must(system(command) != 0, "bytes that programs have complained", 0, (long)st.st_size);
  }
  printf("VmRSS %ld, %ld, %ld KiB and VmData %ld, %ld, %ld KiB: before, after a fifth, at the end; %ld bytes of "
         "malloc more in use; %ld descriptors\n",
         before.rss, warm.rss, after.rss, before.data, warm.data, after.data, after.bytes - before.bytes, after.fds);
}

int main(int argc, char **argv) {
  pthread_t killer, threads[MOST_THREADS];
  uint64_t nthreads = setting("THREADS", 4), seconds = setting("SECONDS", 0);
  /* What its cases ask for would be a favour then, which is not done in a user namespace. */
  if (getpriority(PRIO_PROCESS, 0) > 0) {
    fprintf(stderr, "soak: some of its programs are to be nicer than it is; so it must not be nice itself\n");
    return 64;
  }
  if (argc != 2 || nthreads < 1 || nthreads > MOST_THREADS) return 64;
  if (getrandom(&seed, sizeof seed, 0) != sizeof seed) return 2;
  seed = setting("SEED", seed >> 32);
  first = setting("FIRST", 0);
  spawns = setting("SPAWNS", 1000000);
  tally = mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (tally == MAP_FAILED) return 2;
  make_world(argv[1]);
  printf("SEED=%" PRIu64 " FIRST=%" PRIu64 " SPAWNS=%" PRIu64 " THREADS=%" PRIu64 "\n", seed, first, spawns, nthreads);
  print_wanting();
  fflush(stdout);
  time_t began = time(NULL);
  if (pthread_create(&killer, NULL, kill_children, NULL) != 0) return 2;
  struct size before = look(), warm = {0, 0, 0, 0, 0};
  for (uint64_t i = 0; i < nthreads; i++)
    if (pthread_create(&threads[i], NULL, work, &at[i]) != 0) return 2;
  watch(began, seconds, &warm);
  for (uint64_t i = 0; i < nthreads; i++) pthread_join(threads[i], NULL);
  print_progress(began);
  check_the_end(before, warm);
  printf("%" PRIu64 " spawns in %.0f s, %" PRIu64 " wrong\n", tally->spawns, difftime(time(NULL), began), tally->wrong);
  remove_world();
  return tally->wrong != 0;
}
