/* SPDX-License-Identifier: BSD-3-Clause */
/* A memory cgroup that has too little: for a child to exec, and for its caller. */
#include "test.h"

#include "cgroup.h"
#include "staged.h"

#include <sys/mman.h>

static char *const quits[] = {(char *)"true", NULL};

static fe_attr runs_true(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = quits;
  return attr;
}

/* ---- a cgroup of version 1 or 2 ---- */

struct memory_cgroup {
  const char *path;
  int limit, usage;
};

static int of_cgroup(const char *cgroup, const char *first, const char *second, int flags) {
  char path[400];
  snprintf(path, sizeof path, "%s/%s", cgroup, first);
  int fd = open(path, flags | O_CLOEXEC);
  snprintf(path, sizeof path, "%s/%s", cgroup, second);
  return fd >= 0 ? fd : open(path, flags | O_CLOEXEC);
}

static struct memory_cgroup open_cgroup(const char *path) {
  struct memory_cgroup cgroup = {path, of_cgroup(path, "memory.limit_in_bytes", "memory.max", O_RDWR),
                                 of_cgroup(path, "memory.usage_in_bytes", "memory.current", O_RDONLY)};
  NEED(cgroup.limit >= 0 && cgroup.usage >= 0);
  return cgroup;
}

static void take_in(const struct memory_cgroup *cgroup, pid_t pid) {
  char path[400], text[20];
  snprintf(path, sizeof path, "%s/cgroup.procs", cgroup->path);
  snprintf(text, sizeof text, "%d", (int)pid);
  write_to(path, text);
}

/* So many pages more than it has; -1: as many as it likes. */
static void allow(const struct memory_cgroup *cgroup, long pages) {
  char text[40] = "";
  long long used = 0;
  if (pages >= 0)
    NEED(pread(cgroup->usage, text, sizeof text - 1, 0) > 0 && sscanf(text, "%lld", &used) == 1);
  int length = snprintf(text, sizeof text, "%lld", pages < 0 ? 1LL << 40 : used + pages * 4096);
  NEED(pwrite(cgroup->limit, text, (size_t)length, 0) == length);
}

static const char *new_memory_cgroup(void) { return controlled_cgroup("memory", "needs the memory controller"); }

/* ---- a child alone ---- */

/* Which is killed in its exec, with nobody else to be taken for it, or comes to its end. */
static void too_small_to_exec(void) {
  need_root();
  if (world() != WORLD_KERNEL) skip("an emulator's memory is not the program's alone");
  const struct memory_cgroup cgroup = open_cgroup(new_memory_cgroup());
  int killed = 0, refused = 0, killed_later = 0;
  bool went = false;
  for (long pages = 0; pages < 4096 && !went; pages = pages < 32 ? pages + 1 : pages * 2) {
    fe_attr attr = runs_true();
    fe_child child;
    fe_error error;
    int status = -1;
    allow(&cgroup, -1);
    attr.flags = FE_SUSPEND;
    char *before = snapshot();
    attr.way = FE_WAY_PIPED;
    NEED(fe_spawn(&attr, &child, &error) == 0);
    take_in(&cgroup, child.pid);
    allow(&cgroup, pages);
    if (fe_resume(&child, -1, &error) != 0) {
      bool was_killed = error.errnum == ECANCELED;
      CHECK(is_empty(&child));
      CHECK_STR(fe_step_name(error.step), "exec");
      CHECK_INT(error.signal, was_killed ? SIGKILL : 0);
      CHECK(was_killed || error.errnum == ENOMEM || error.errnum == E2BIG);
      killed += was_killed;
      refused += !was_killed;
    } else {
      CHECK_INT(fe_wait(&child, -1, &status), 0);
      fe_child_close(&child);
      went = status == 0;
      if (!went) CHECK_INT(status, SIGKILL);
      killed_later += !went;
    }
    char *after = snapshot();
    CHECK_STR(after, before);
    check_no_child();
    free(before);
    free(after);
  }
  CHECK(went);
  CHECK(killed > 0);
  note("%d killed before exec, %d refused, %d killed after it", killed, refused, killed_later);
  CHECK(rmdir(cgroup.path) == 0);
}

/* ---- the caller in it ---- */

/* Of a cgroup whose processes are not killed: system calls say ENOMEM, and who touches a new page waits until there is one.
 * So someone outside makes room when a spawn takes its time. */
static void make_room(const struct memory_cgroup *cgroup, const int *spawns, int *waited, pid_t caller) {
  for (int last = 0; getppid() == caller; usleep(100000)) {
    int now = __atomic_load_n(spawns, __ATOMIC_ACQUIRE);
    if (now != 0 && now == last) {
      allow(cgroup, -1);
      ++*waited;
    }
    last = now;
  }
  _exit(0);
}

static int *failures;

/* What a spawn may come to: exec says E2BIG of arguments that it finds no page for; by SIGSEGV the kernel kills what cannot go back
 * any more. A program of which there is half is none of the library's. */
static bool is_the_truth(int result, const fe_error *error, int status) {
  bool in_exec = error->step == FE_STEP_EXEC || error->step == FE_STEP_STAGE;
  if (result == 0) return status == 0 || status == SIGSEGV || status == 127 << 8;
  if (error->errnum == ECANCELED) return error->signal == SIGSEGV;
  return error->signal == 0 && (error->errnum == ENOMEM || (in_exec && error->errnum == E2BIG));
}

/* From no page more to enough of them. */
static void of_the_caller(unsigned way, const void *path) {
  const struct memory_cgroup cgroup = open_cgroup(path);
  int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), counts[3] = {0};
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  NEED(shared != MAP_FAILED);
  NEED(null >= 0 && dup2(null, 2) == 2); /* for what the loader says */
  pid_t caller = getpid(), outside = fork();
  NEED(outside >= 0);
  if (outside == 0) make_room(&cgroup, &shared[0], &shared[1], caller);
  take_in(&cgroup, 0);
  bool went = false;
  for (int pages = 0; pages < 4096; pages = pages < 64 ? pages + 2 : pages * 2) {
    fe_attr attr = runs_true();
    fe_child child;
    fe_error error;
    int status = -1;
    attr.way = way;
    if (way == FE_WAY_CONCURRENT) attr.timeout_ms = 20000;
    if (way == FE_WAY_STAGED) attr.credential = as_nobody().credential;
    char *before = snapshot();
    allow(&cgroup, pages);
    __atomic_store_n(&shared[0], pages + 1, __ATOMIC_RELEASE);
    int result = fe_spawn(&attr, &child, &error);
    if (result == 0) CHECK_INT(fe_wait(&child, -1, &status), 0);
    __atomic_store_n(&shared[0], 0, __ATOMIC_RELEASE);
    allow(&cgroup, -1);
    if (!CHECK(is_the_truth(result, &error, status)))
      note("way %u: %s at %s, signal %d, status %#x", way, errno_name(error.errnum), fe_step_name(error.step), error.signal,
           (unsigned)status);
    if (result == 0)
      fe_child_close(&child);
    else
      CHECK(is_empty(&child));
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
    went = result == 0 && status == 0;
    counts[result != 0 ? 0 : status != 0 ? 1 : 2]++;
  }
  CHECK(went);
  *failures += counts[0];
  note("way %u: %d failed, %d died in exec, %d went well, of which %d had to wait for a page", way, counts[0], counts[1], counts[2],
       shared[1]);
  NEED(kill(outside, SIGKILL) == 0 && waitpid(outside, NULL, 0) == outside);
  check_no_child();
}

static void too_small_for_the_caller(void) {
  need_stage();
  const char *cgroup = new_memory_cgroup();
  char path[400];
  snprintf(path, sizeof path, "%s/memory.oom_control", cgroup);
  bool spares = access(path, W_OK) == 0;
  failures = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(failures != MAP_FAILED);
  if (spares) {
    write_to(path, "1");
    for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_STAGED; way++) apart(of_the_caller, way, cgroup);
    CHECK(*failures > 0);
  }
  CHECK(rmdir(cgroup) == 0);
  if (!spares) skip("needs a memory controller of version 1, which can be told to kill nobody");
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"too small for the child to exec", too_small_to_exec},
      {"too small for the caller", too_small_for_the_caller},
      {NULL, NULL},
  };
  /* After a fork the kernel's word in the C library's area for restartable sequences (rseq(2)) needs a page; without one it kills
   * the caller. */
  const char *const tunables = "GLIBC_TUNABLES";
  if (world() == WORLD_KERNEL && !getenv(tunables) && setenv(tunables, "glibc.pthread.rseq=0", 1) == 0)
    execv("/proc/self/exe", argv);
  return run(argc, argv, cases);
}
