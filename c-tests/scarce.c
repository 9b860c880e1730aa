/* SPDX-License-Identifier: BSD-3-Clause */
/* A caller for whom something is scarce or not there: /proc, a file system that can be written to, memory, processes,
 * descriptors, bytes of files. In each way a spawn succeeds or says what it was that it lacked, and leaves nothing. */
#include "test.h"

#include "cgroup.h"
#include "filter.h"
#include "staged.h"

#include <sys/mount.h>

static char *const quits[] = {(char *)"true", NULL};

#define EVERY_WAY(way) for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_STAGED; way++)

static fe_attr runs(const char *path) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = path;
  attr.argv = quits;
  return attr;
}

static void limit(__rlimit_resource_t what, rlim_t value) {
  struct rlimit both;
  NEED(getrlimit(what, &both) == 0);
  both.rlim_cur = value;
  NEED(setrlimit(what, &both) == 0);
}

/* How a spawn went: how its program has ended, or "ERRNO at STEP". Nothing is left but what the program has done. */
static const char *told(const fe_attr *attr, unsigned way) {
  static char text[100];
  fe_attr mine = *attr;
  fe_child child;
  fe_error error;
  int status = -1;
  mine.way = way;
  if (way == FE_WAY_CONCURRENT) mine.timeout_ms = 20000;
  if (way == FE_WAY_STAGED) mine.credential = as_nobody().credential;
  char *before = snapshot();
  if (fe_spawn(&mine, &child, &error) == 0) {
    CHECK_INT(child.way, way);
    CHECK_INT(fe_wait(&child, -1, &status), 0);
    fe_child_close(&child);
    snprintf(text, sizeof text, WIFEXITED(status) ? "exit %d" : "signal %d",
             WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
  } else {
    CHECK(is_empty(&child));
    snprintf(text, sizeof text, "%s at %s", errno_name(error.errnum), fe_step_name(error.step));
    if (error.signal) snprintf(text, sizeof text, "signal %d at %s", error.signal, fe_step_name(error.step));
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  check_no_child();
  sigset_t pending;
  NEED(sigpending(&pending) == 0);
  for (int sig = 1; sig < 32; sig++) CHECK(!sigismember(&pending, sig));
  free(before);
  free(after);
  return text;
}

/* The staged way is for those whom /proc shows to be permitted all, and to have no filter. */
#define NOT_STAGED "EPERM at stage"

/* A program that ends well, one that is missing, and a directory that is missing. */
static void goes_well(unsigned way, const void *flags) {
  bool open = way != FE_WAY_STAGED || access("/proc/self", F_OK) == 0;
  fe_attr attr = runs("/bin/true");
  attr.flags = *(const uint64_t *)flags;
  CHECK_STR(told(&attr, way), open ? "exit 0" : NOT_STAGED);
  attr.path = "/nonexistent";
  CHECK_STR(told(&attr, way), open ? "ENOENT at exec" : NOT_STAGED);
  attr.dir = "/nonexistent";
  CHECK_STR(told(&attr, way), open ? "ENOENT at chdir" : NOT_STAGED);
}

static void each_goes_well(void) {
  static const uint64_t flags[] = {0, FE_PIDFD, FE_CLOSE_OTHERS, FE_CLOSE_OTHERS | FE_PIDFD};
  EVERY_WAY(way)
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) apart(goes_well, way, &flags[i]);
}

/* ---- mounts ---- */

/* From here on nothing that is mounted is seen by anybody else. */
static void own_mounts(void) {
  need_root();
  if (unshare(CLONE_NEWNS) != 0) skip("needs a mount namespace");
  NEED(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
}

static void no_proc(void) {
  need_stage();
  own_mounts();
  NEED(mount("none", "/proc", "tmpfs", 0, NULL) == 0);
  NEED(access("/proc/self", F_OK) != 0);
  each_goes_well();
}

static void read_only(void) {
  need_stage();
  own_mounts();
  const char *here = kept_path("new");
  NEED(mount(scratch(), scratch(), NULL, MS_BIND, NULL) == 0);
  NEED(mount(NULL, scratch(), NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
  NEED(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL) == 0);
  NEED(open("/forkexec-test", O_WRONLY | O_CREAT, 0600) < 0 && errno == EROFS);
  each_goes_well();
  const fe_redirect redirects[] = {FE_OPEN_FILE(here, O_WRONLY | O_CREAT, 0600)};
  const int files[] = {FE_NULL, FE_REDIRECT(0), 2};
  fe_attr attr = runs("/bin/true");
  attr.files = files;
  attr.nfiles = 3;
  attr.redirects = redirects;
  attr.nredirects = 1;
  EVERY_WAY(way) CHECK_STR(told(&attr, way), "EROFS at files");
}

/* ---- descriptors ---- */

/* No number is free for the first `count`; the program has room for its libraries. */
static void few_descriptors(unsigned way, const void *number) {
  static const struct {
    uint64_t flags;
    const char *told[FE_WAY_STAGED];
  } rows[] = {
      {0, {"exit 0", "exit 0", "EMFILE at pipe", "exit 0", NOT_STAGED}},
      {FE_PIDFD, {"EMFILE at pidfd", "EMFILE at pidfd", "EMFILE at pipe", "EMFILE at pidfd", NOT_STAGED}},
      {FE_CLOSE_OTHERS, {"exit 0", "exit 0", "EMFILE at pipe", "exit 0", NOT_STAGED}},
  };
  static const fe_rlimit enough[] = {FE_RLIMIT(RLIMIT_NOFILE, 100, 100)};
  fe_limits limits = FE_LIMITS_INIT;
  limits.rlimits = enough;
  limits.nrlimits = 1;
  only(3);
  limit(RLIMIT_NOFILE, *(const rlim_t *)number);
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    fe_attr attr = runs("/bin/true");
    attr.flags = rows[i].flags;
    attr.limits = &limits;
    if (!CHECK_STR(told(&attr, way), rows[i].told[way - 1]))
      note("%d descriptors, way %u, row %zu", (int)*(const rlim_t *)number, way, i);
  }
}

static void no_numbers(void) {
  static const rlim_t numbers[] = {0, 1, 2, 3};
  need_stage();
  EVERY_WAY(way)
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) apart(few_descriptors, way, &numbers[i]);
}

/* The machine has no more of them, whatever makes one. */
struct full {
  long nr[2];
  uint64_t flags;
  const char *told[FE_WAY_CONCURRENT];
};

static void in_a_full_machine(unsigned way, const void *with) {
  const struct full *row = with;
  fe_attr attr = runs("/bin/true");
  CHECK_STR(told(&attr, way), "exit 0");
  for (int i = 0; i < 2; i++) refuse(row->nr[i], ENFILE);
  attr.flags = row->flags;
  if (!CHECK_STR(told(&attr, way), row->told[way - 1])) note("call %ld, way %u", row->nr[0], way);
}

static void full_machine(void) {
  need(HAS_SECCOMP | HAS_VFORK | HAS_CLONE3);
  static const struct full rows[] = {
      {{SYS_pipe2, SYS_pipe2}, 0, {"exit 0", "exit 0", "ENFILE at pipe", "exit 0"}},
      {{SYS_clone3, SYS_clone},
       FE_PIDFD,
       {"ENFILE at pidfd", "ENFILE at pidfd", "ENFILE at pidfd", "ENFILE at pidfd"}},
  };
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++)
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) apart(in_a_full_machine, way, &rows[i]);
}

/* ---- memory, bytes of files ---- */

static rlim_t mapped(void) {
  unsigned long pages = 0;
  FILE *file = fopen("/proc/self/statm", "re");
  NEED(file && fscanf(file, "%lu", &pages) == 1);
  fclose(file);
  return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* From no page more to enough of them: it never succeeds by half. */
static void little_memory(unsigned way, const void *unused) {
  static const fe_rlimit all[] = {FE_RLIMIT(RLIMIT_AS, RLIM_INFINITY, RLIM_INFINITY)};
  fe_limits limits = FE_LIMITS_INIT;
  limits.rlimits = all;
  limits.nrlimits = 1;
  (void)unused;
  fe_attr attr = runs("/bin/true");
  attr.limits = &limits;
  bool went = false;
  int failures = 0;
  for (rlim_t more = 0; more < 256; more = more < 16 ? more + 1 : more * 2) {
    /* What snapshot() takes is given back to the heap: it is there already. */
    free(snapshot());
    limit(RLIMIT_AS, mapped() + more * 4096);
    const char *how = told(&attr, way);
    limit(RLIMIT_AS, RLIM_INFINITY);
    if (strcmp(how, "exit 0") == 0) went = true;
    else {
      CHECK_STR(how, way == FE_WAY_STAGED ? "ENOMEM at stage" : "ENOMEM at memory");
      CHECK(!went);
      failures++;
    }
  }
  CHECK(went);
  note("way %u: %d without memory", way, failures);
}

static void no_memory(void) {
  need_stage();
  EVERY_WAY(way) apart(little_memory, way, NULL);
}

static void no_bytes(unsigned way, const void *unused) {
  (void)unused;
  limit(RLIMIT_FSIZE, 0);
  fe_attr attr = runs("/bin/true");
  CHECK_STR(told(&attr, way), way == FE_WAY_STAGED ? "EFBIG at stage" : "exit 0");
}

static void no_file_size(void) {
  need_stage();
  EVERY_WAY(way) apart(no_bytes, way, NULL);
}

/* ---- processes ---- */

static void alone_in(unsigned way, const void *cgroup) {
  char path[400];
  snprintf(path, sizeof path, "%s/pids.max", (const char *)cgroup);
  write_to(path, "1");
  snprintf(path, sizeof path, "%s/cgroup.procs", (const char *)cgroup);
  write_to(path, "0");
  fe_attr attr = runs("/bin/true");
  CHECK_STR(told(&attr, way), "EAGAIN at clone");
  attr.flags = FE_PIDFD;
  CHECK_STR(told(&attr, way), "EAGAIN at clone");
  attr.flags = 0;
  snprintf(path, sizeof path, "%s/pids.max", (const char *)cgroup);
  write_to(path, "2");
  /* It was no answer to what kind of kernel this is. */
  CHECK_STR(told(&attr, way), "exit 0");
}

static void full_cgroup(void) {
  need_stage();
  const char *cgroup = controlled_cgroup("pids", "needs a cgroup that counts processes");
  EVERY_WAY(way) apart(alone_in, way, cgroup);
  CHECK(rmdir(cgroup) == 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"no /proc", no_proc},
      {"nothing can be written to", read_only},
      {"no number for a descriptor", no_numbers},
      {"no file in the whole machine", full_machine},
      {"no memory", no_memory},
      {"no byte in any file", no_file_size},
      {"no process in the cgroup", full_cgroup},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
