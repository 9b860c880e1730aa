/* SPDX-License-Identifier: BSD-3-Clause */
/* How long it takes to start a program and to wait for it, by several ways and from several kinds of parents.
 *
 *   bench [ROUNDS [CSV]]    in the environment: PROGRAM, what is started (a tiny static program), OTHERS, the
 *                           directory of the peers that are programs of their own (none without), and ONLY, part of
 *                           the names of the rows that are wanted (without: all) */

#include "bench.h"

#include <fcntl.h>
#include <forkexec.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

int rounds = 41;
FILE *csv;

static void plain_row(struct row row) {
  /* Fewer forks where a fork takes long. */
  int forks = row.spawns < 5 ? 1 : row.spawns;
  MEASURE(row, PEER("forkexec", by_forkexec), REFERENCE("floor", by_floor),
          REFERENCE("posix_spawn", by_posix_spawn), PEER("vfork", by_vfork),
          {.name = "fork", .run = by_fork, .spawns = forks});
}

static const char *named(const char *format, long n) {
  static char name[80];
  snprintf(name, sizeof name, format, n);
  return name;
}

static void skip(const char *what, const char *why) { printf("\n# skipped: %s (%s)\n", what, why); }

static void with_variables(void) {
  enum { VARIABLES = 1000 };
  static char text[VARIABLES][40], *many[VARIABLES + 1];
  for (int i = 0; i < VARIABLES; i++) {
    snprintf(text[i], sizeof text[i], "VARIABLE_%03d=a value as they are long", i);
    many[i] = text[i];
  }
  char **before = environ;
  environ = many;
  plain_row(ROW(.name = "1000 variables", .spawns = 20, .others = true));
  environ = before;
}

/* The program is in the last directory. */
static void with_path(void) {
  static const char name[] = "forkexec-bench";
  char directory[] = "/tmp/forkexec-bench.XXXXXX", path[PATH_LENGTH * 64] = "", *before = getenv("PATH");
  before = strdup(before != NULL ? before : "");
  need(mkdtemp(directory) != NULL, directory);
  for (int i = 0; i < PATH_LENGTH; i++) {
    size_t length = strlen(path);
    snprintf(path + length, sizeof path - length, "%s%s/%d", i > 0 ? ":" : "", directory, i);
    snprintf(candidates[i], sizeof candidates[i], "%s/%d", directory, i);
    need(mkdir(candidates[i], 0755) == 0, candidates[i]);
    strcat(candidates[i], "/forkexec-bench");
  }
  need(symlink(program, candidates[PATH_LENGTH - 1]) == 0, "symlink");
  setenv("PATH", path, 1);
  const char *present = program;
  program = name;
  MEASURE(ROW(.name = "the last of ten directories", .spawns = 20, .others = true),
          PEER("forkexec", by_forkexec_path), REFERENCE("floor", by_floor_path),
          REFERENCE("posix_spawnp", by_posix_spawnp),
          PEER("vfork, execvp", by_vfork_path), PEER("fork, execvp", by_fork_path));
  program = present;
  setenv("PATH", before, 1);
  free(before);
  need(unlink(candidates[PATH_LENGTH - 1]) == 0, "unlink");
  for (int i = 0; i < PATH_LENGTH; i++) {
    *strrchr(candidates[i], '/') = '\0';
    need(rmdir(candidates[i]) == 0, candidates[i]);
  }
  need(rmdir(directory) == 0, directory);
}

static void remapping(int count) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  need(null >= 0, "/dev/null");
  for (int i = 0; i < count; i++) need((sources[i] = fcntl(null, F_DUPFD_CLOEXEC, MOST_FILES)) >= 0, "F_DUPFD_CLOEXEC");
  remapped = count;
  MEASURE(ROW(.name = named("%ld descriptors remapped", count), .spawns = 20),
          PEER("forkexec, a table", by_forkexec_files), REFERENCE("floor, dup3", by_floor_files),
          REFERENCE("posix_spawn, adddup2", by_posix_spawn_files));
  for (int i = 0; i < count; i++) close(sources[i]);
  close(null);
}

static void with_attributes(void) {
  MEASURE(ROW(.name = "ten attributes", .spawns = 20), PEER("forkexec", by_forkexec_ten),
          REFERENCE("floor", by_floor_ten),
          REFERENCE("posix_spawn", by_posix_spawn_ten));
  const char *why = prepare_ten_more();
  if (why != NULL)
    skip("ten that posix_spawn lacks", why);
  else
    MEASURE(ROW(.name = "ten that posix_spawn lacks", .spawns = 20),
            PEER("forkexec", by_forkexec_ten_more), REFERENCE("floor", by_floor_ten_more));
}

/* Both run and wait; what is measured is almost all of it the pipes. */
static void with_input_and_output(void) {
  static const int sizes[] = {1, 100};
  for (int i = 0; i < 2; i++) {
    if (free_mib() < 4 * sizes[i] + 256) {
      skip(named("%ld MiB both ways through cat", sizes[i]), "not enough memory");
      continue;
    }
    prepare_capture((size_t)sizes[i] << 20);
    MEASURE(ROW(.name = named("%ld MiB both ways through cat", sizes[i]), .spawns = sizes[i] < 10 ? 10 : 1),
            PEER("fe_communicate", capture_by_forkexec), REFERENCE("posix_spawn, poll by hand", capture_by_hand));
  }
  prepare_capture(0);
}

static void with_memory(long mib) {
  const char *name = named("parent of %ld MiB", mib);
  size_t bytes = (size_t)mib << 20;
  if (free_mib() < mib + mib / 8 + 256) {
    skip(name, "not enough memory");
    return;
  }
  char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    skip(name, "mmap fails");
    return;
  }
  for (size_t at = 0; at < bytes; at += 4096) memory[at] = 1;
  plain_row(ROW(.name = name, .spawns = mib < 1024 ? 5 : 4, .chart = "resident", .at = mib));
  name = named("another user, from %ld MiB", mib);
  if (geteuid() == 0)
    MEASURE(ROW(.name = name, .spawns = mib < 1024 ? 5 : 2), PEER("forkexec", by_forkexec_user),
            PEER("forkexec, FE_WAY_COPY", by_forkexec_user_copy), REFERENCE("fork, setresuid", by_fork_user));
  else
    skip(name, "not root");
  munmap(memory, bytes);
}

static void with_descriptors(int count) {
  const char *name = named("%ld descriptors, others closed", count);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  struct rlimit more = {limit.rlim_max, limit.rlim_max};
  if ((rlim_t)count + 64 > limit.rlim_max) {
    skip(name, "beyond the hard limit");
    return;
  }
  need(setrlimit(RLIMIT_NOFILE, &more) == 0, "setrlimit");
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  need(null >= 0, "/dev/null");
  for (int fd = null + 1; fd < count; fd++) need(dup3(null, fd, O_CLOEXEC) == fd, "dup3");
  high_source = count - 1;
  MEASURE(ROW(.name = name, .spawns = 5, .chart = "descriptors", .at = count),
          PEER("forkexec, low sources", by_forkexec_closing),
          PEER("forkexec, a high source", by_forkexec_closing_high),
          REFERENCE("floor (closes nothing)", by_floor),
          REFERENCE("posix_spawn, closefrom", by_posix_spawn_closing),
          PEER("fork (closes nothing)", by_fork));
  for (int fd = null; fd < count; fd++) close(fd);
  setrlimit(RLIMIT_NOFILE, &limit);
}

static void *until_closed(void *fd) {
  char byte;
  while (read(*(const int *)fd, &byte, 1) > 0) continue;
  return NULL;
}

static void with_idle_threads(int count) {
  pthread_t threads[64];
  int ends[2];
  need(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  for (int i = 0; i < count; i++)
    need(pthread_create(&threads[i], NULL, until_closed, &ends[0]) == 0, "pthread_create");
  const char *name = named(count == 1 ? "%ld idle thread" : "%ld idle threads", count);
  plain_row(ROW(.name = name, .spawns = 20, .chart = "idle", .at = count));
  close(ends[1]);
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  close(ends[0]);
}

/* ---- threads that spawn: as many programs in all, however many threads. Making the threads is part of it. ---- */

enum { IN_THREADS = 128 };
static int threads_now;
static bool (*in_thread)(void);

static void *share(void *well) {
  for (int i = 0; i < IN_THREADS / threads_now; i++)
    if (!in_thread()) *(bool *)well = false;
  return NULL;
}

static bool in_threads(bool (*run)(void)) {
  pthread_t threads[64];
  bool well[64], all = true;
  in_thread = run;
  for (int i = 0; i < threads_now; i++) {
    well[i] = true;
    need(pthread_create(&threads[i], NULL, share, &well[i]) == 0, "pthread_create");
  }
  for (int i = 0; i < threads_now; i++) {
    pthread_join(threads[i], NULL);
    all = all && well[i];
  }
  return all;
}

static bool threads_forkexec(void) { return in_threads(by_forkexec); }
static bool threads_floor(void) { return in_threads(by_floor); }
static bool threads_posix_spawn(void) { return in_threads(by_posix_spawn); }
static bool threads_fork(void) { return in_threads(by_fork); }
static bool one_thread(void) { return threads_now = 1, threads_forkexec(); }
static bool two_threads(void) { return threads_now = 2, threads_forkexec(); }

static void spawning_threads(int count) {
  threads_now = count;
  const char *name = named(count == 1 ? "%ld thread spawns" : "%ld threads spawn", count);
  MEASURE(ROW(.name = name, .spawns = 1, .chart = "spawning", .at = count, .programs = IN_THREADS),
          PEER("forkexec", threads_forkexec), REFERENCE("floor", threads_floor),
          REFERENCE("posix_spawn", threads_posix_spawn), PEER("fork", threads_fork));
}

int main(int argc, char **argv) {
  static const int files[] = {3, 16, 256}, mebibytes[] = {10, 256, 1024, 4096}, threads[] = {1, 2, 4, 16, 64},
                   descriptors[] = {10, 1000, 5000, 19000};
  program = getenv("PROGRAM");
  need(program != NULL, "PROGRAM");
  arguments[0] = (char *)(uintptr_t)program;
  if (argc > 1) rounds = atoi(argv[1]);
  if (rounds < LEAST_ROUNDS || rounds > MOST_ROUNDS) {
    fprintf(stderr, "bench: %d rounds: fewer than %d say nothing, more than %d are not kept\n", rounds,
            LEAST_ROUNDS, MOST_ROUNDS);
    return 2;
  }
  if (argc > 2) need((csv = fopen(argv[2], "we")) != NULL, argv[2]);

  pin(true);
  describe_machine();
  describe_others();
  printf("# %d rounds, in which the peers take turns; microseconds a program and ratios within the rounds: medians\n"
         "# (quartiles), \"none seen\" where those of a ratio lie on both sides of 1. Pinned to one processor\n",
         rounds);
  if (csv) fprintf(csv, "# rounds: %d\nrow,chart,at,peer,to,median,quartile1,quartile3\n", rounds);

  /* By itself: processes of other runtimes, with threads of their own, disturb by more than what is looked for here. */
  plain_row(ROW(.name = "spawn and wait", .spawns = 20));
  plain_row(ROW(.name = "a tiny program, all peers", .spawns = 20, .others = true));
  const char *present = program;
  program = "/bin/true";
  plain_row(ROW(.name = "/bin/true", .spawns = 10, .others = true));
  program = "/nonexistent/program";
  plain_row(ROW(.name = "a missing program", .spawns = 20, .fails = true, .others = true));
  MEASURE(ROW(.name = "a missing program, no lies", .spawns = 40, .fails = true), PEER("forkexec", by_forkexec),
          REFERENCE("floor, guarded", by_floor_guarded), REFERENCE("floor", by_floor));
  program = present;
  MEASURE(ROW(.name = "with a pidfd", .spawns = 20), PEER("forkexec", by_forkexec_pidfd),
          REFERENCE("floor", by_floor_pidfd));
  MEASURE(ROW(.name = "the call alone", .spawns = 20, .own_time = true),
          PEER("forkexec, FE_ASYNC", by_async_call), REFERENCE("floor, guarded", by_floor_call_guarded),
          REFERENCE("floor", by_floor_call),
          REFERENCE("posix_spawn", by_posix_spawn_call));
  with_variables();
  with_path();
  for (int i = 0; i < 3; i++) remapping(files[i]);
  with_attributes();
  with_input_and_output();
  for (int i = 0; i < 4; i++) with_memory(mebibytes[i]);
  for (int i = 0; i < 4; i++) with_descriptors(descriptors[i]);
  for (int i = 0; i < 5; i++) with_idle_threads(threads[i]);

  pin(false);
  printf("\n# From here on all processors\n");
  MEASURE(ROW(.name = "batches of 64", .spawns = 1, .programs = BATCH), PEER("fe_spawn_many", many_at_once),
          REFERENCE("fe_spawn one by one", one_by_one_forkexec), REFERENCE("fe_spawn, then wait", many_then_wait),
          REFERENCE("posix_spawn, then wait", many_by_posix_spawn), REFERENCE("posix_spawn one by one", one_by_one));
  for (int i = 0; i < 5; i++) spawning_threads(threads[i]);
  MEASURE(ROW(.name = "two threads against one", .spawns = 1, .programs = IN_THREADS),
          PEER("forkexec, two threads", two_threads), REFERENCE("forkexec, one thread", one_thread));
  if (csv) need(fclose(csv) == 0, argv[2]);
  return 0;
}
