/* SPDX-License-Identifier: BSD-3-Clause */
/* When the staged way is taken: by a large caller that an exec leaves as it is, if the kernel lets it; else the copy way. */
#include "test.h"

#include "filter.h"
#include "staged.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static void *be_large(void) {
  char *memory = mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  NEED(memory != MAP_FAILED);
  memset(memory, 1, LARGE);
  return memory;
}

static void by_a_large_caller(void) {
  need_stage();
  fe_attr attr = as_nobody(), plain = nothing();
  auto_takes(&attr, FE_WAY_COPY);
  void *memory = be_large();
  auto_takes(&attr, FE_WAY_STAGED);
  auto_takes(&plain, FE_WAY_SHARED);
  attr.flags = FE_PTRACE;
  attr.way = FE_WAY_STAGED;
  spawn_fails(&attr, FE_WAY_STAGED, EINVAL, FE_STEP_ARGS, -1);
  attr.flags = 0;
  attr.timeout_ms = 10000;
  spawn_fails(&attr, FE_WAY_STAGED, EINVAL, FE_STEP_ARGS, -1);
  auto_takes(&attr, FE_WAY_PIPED);
  attr.timeout_ms = 0;
  attr.flags = FE_SETSID;
  auto_takes(&attr, FE_WAY_STAGED);
  CHECK(munmap(memory, LARGE) == 0);
  auto_takes(&attr, FE_WAY_COPY);
}

static void not_with(fe_attr attr) {
  spawn_fails(&attr, FE_WAY_STAGED, EINVAL, FE_STEP_ARGS, -1);
  auto_takes(&attr, FE_WAY_COPY);
}

/* What needs a descriptor that would not outlive the first exec. */
static void not_with_all(void) {
  need_stage();
  be_large();
  NEED(dup2(open("/bin/true", O_RDONLY | O_CLOEXEC), 20) == 20);
  NEED(dup2(open("/", O_RDONLY | O_DIRECTORY), 21) == 21);
  const fe_file_action from[] = {FE_DUP2(20, 22)}, dir[] = {FE_FCHDIR(21)};
  const int files[] = {0, 1, 2};
  fe_attr attr = as_nobody();
  attr.nactions = 1;
  for (int with_files = 0; with_files < 2; with_files++) {
    attr.files = with_files ? files : NULL;
    attr.nfiles = with_files ? 3 : 0;
    attr.actions = from;
    not_with(attr);
    attr.actions = dir;
    not_with(attr);
  }
  attr = as_nobody();
  attr.path = NULL;
  attr.execfd = 20;
  attr.flags = FE_FEXECVE;
  not_with(attr);
  attr = as_nobody();
  attr.cloneflags = CLONE_NEWUSER;
  spawn_fails(&attr, FE_WAY_STAGED, EINVAL, FE_STEP_ARGS, -1);
}

/* An exec would change the caller's own rights: no stage. */
static void impossible(unsigned way, const void *with) {
  (void)way;
  void (*const *change)(void) = with;
  (*change)();
  be_large();
  fe_attr attr = as_nobody();
  spawn_fails(&attr, FE_WAY_STAGED, EPERM, FE_STEP_STAGE, -1);
  auto_takes(&attr, FE_WAY_COPY);
}

static void other_ids(void) { NEED(setresuid((uid_t)-1, (uid_t)-1, 7) == 0); }
static void other_group(void) { NEED(setresgid((gid_t)-1, (gid_t)-1, 7) == 0); }
static void fewer_bounds(void) { NEED(prctl(PR_CAPBSET_DROP, 21, 0, 0, 0) == 0); }
static void securebits(void) { NEED(prctl(PR_SET_SECUREBITS, 1, 0, 0, 0) == 0); }
static void a_filter(void) { NEED(install(SYS_acct, SECCOMP_RET_ALLOW, 0, 0, 0, 1) == 0); }
static void no_zombies(void) {
  struct sigaction action = {.sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT};
  NEED(sigaction(SIGCHLD, &action, NULL) == 0);
}

static void not_for_every_caller(void) {
  need_stage();
  static void (*const changes[])(void) = {other_ids, other_group, fewer_bounds, securebits, a_filter};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) apart(impossible, 0, &changes[i]);
  /* Its children could not be waited for. */
  fe_attr attr = as_nobody();
  no_zombies();
  attr.way = FE_WAY_STAGED;
  fe_child child;
  fe_error error;
  CHECK_INT(fe_spawn(&attr, &child, &error), -1);
  CHECK_INT(error.errnum, EPERM);
  CHECK_INT(error.step, FE_STEP_STAGE);
}

/* The file of the stage would be longer than the caller's may be: no SIGXFSZ. */
static void file_size_limit(void) {
  need_stage();
  be_large();
  fe_attr attr = as_nobody();
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_FSIZE, &limit) == 0);
  rlim_t before = limit.rlim_cur;
  limit.rlim_cur = 100000;
  NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  spawn_fails(&attr, FE_WAY_STAGED, EFBIG, FE_STEP_STAGE, -1);
  auto_takes(&attr, FE_WAY_COPY);
  limit.rlim_cur = before;
  NEED(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  auto_takes(&attr, FE_WAY_STAGED);
}

/* The copy way needs no descriptors. */
static void full_table(void) {
  need_stage();
  be_large();
  only(3);
  fe_attr attr = as_nobody();
  auto_takes(&attr, FE_WAY_STAGED);
  struct rlimit limit = {0, 0};
  int last = -1;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0 && fd < 60;) last = fd;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  rlim_t before = limit.rlim_cur;
  /* None, the pipe's two, and those with the file. */
  for (rlim_t free = 0; free <= 3; free++) {
    limit.rlim_cur = (rlim_t)last + 2 + free;
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    auto_takes(&attr, free < 3 ? FE_WAY_COPY : FE_WAY_STAGED);
  }
  limit.rlim_cur = before;
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* vm.memfd_noexec of a pid namespace. */
static void files_in_memory_forbidden(void) {
  need_stage();
  NEED(unshare(CLONE_NEWPID) == 0);
  pid_t init = fork_apart();
  if (init == 0) {
    int fd = open("/proc/sys/vm/memfd_noexec", O_WRONLY | O_CLOEXEC);
    if (fd < 0 || write(fd, "2", 1) != 1) exit(77);
    be_large();
    fe_attr attr = as_nobody();
    fe_child child;
    fe_error error;
    attr.way = FE_WAY_STAGED;
    CHECK_INT(fe_spawn(&attr, &child, &error), -1);
    CHECK_INT(error.errnum, EACCES);
    CHECK_INT(error.step, FE_STEP_STAGE);
    for (int i = 0; i < 2; i++) auto_takes(&attr, FE_WAY_COPY);
    exit(0);
  }
  int status = -1;
  NEED(waitpid(init, &status, 0) == init);
  if (status == 77 << 8) skip("needs Linux 6.3's vm.memfd_noexec");
  CHECK_INT(status, 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"for a large caller", by_a_large_caller},
      {"not with every attribute", not_with_all},
      {"not for every caller", not_for_every_caller},
      {"limit of file size", file_size_limit},
      {"full table", full_table},
      {"no files in memory", files_in_memory_forbidden},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
