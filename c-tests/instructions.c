/* SPDX-License-Identifier: BSD-3-Clause */
/* What fe_spawn may cost in instructions of its caller: of a process that is traced and stepped through the call, which is
 * the same number each time. The child's are not counted, nor the kernel's; a kernel's work shows in the system
 * calls (worlds.sh). */
#include "test.h"

#include <sys/ptrace.h>

extern char **environ;

static char *const argv_of_true[] = {(char *)"true", NULL};
static const int ten_files[] = {0, 1, 2, 2, 1, 0, 0, 1, 2, 2};

/* ---- what is counted ---- */

static fe_child child = FE_CHILD_INIT;

static void by_us(fe_attr *attr) {
  attr->path = "/bin/true";
  attr->argv = argv_of_true;
  if (fe_spawn(attr, &child, NULL) != 0) _exit(1);
}

static void nothing(void) {}

/* The least that a program could do by hand. */
static void by_the_floor(void) {
  child.pid = vfork();
  if (child.pid == 0) {
    execve("/bin/true", argv_of_true, environ);
    _exit(127);
  }
}

static void by_default(void) {
  fe_attr attr = FE_ATTR_INIT;
  by_us(&attr);
}

static void with_a_pidfd(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_PIDFD;
  by_us(&attr);
}

static void with_ten_files(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.files = ten_files;
  attr.nfiles = 10;
  by_us(&attr);
}

static void with_a_search(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SEARCH_PATH;
  attr.search_path = "/nowhere:/bin";
  by_us(&attr);
}

static void by_copy(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.way = FE_WAY_COPY;
  by_us(&attr);
}

/* ---- counting ---- */

enum { ROUNDS = 3 };

/* Each round lies between two stops. What is done for the first time only is behind us by the last. */
static void traced(void (*what)(void)) {
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) _exit(SIGTRAP);
  for (int i = 0; i < ROUNDS; i++) {
    raise(SIGSTOP);
    what();
    raise(SIGSTOP);
    if (what != nothing && waitpid(child.pid, NULL, 0) != child.pid) _exit(1);
    fe_child_close(&child);
  }
  _exit(0);
}

/* Of the last round, with what raise(3) takes. */
static long steps(void (*what)(void)) {
  long count = 0;
  int status = -1, stops = 0;
  pid_t pid = fork_apart();
  NEED(pid >= 0);
  if (pid == 0) traced(what);
  for (;;) {
    NEED(waitpid(pid, &status, 0) == pid);
    if (!WIFSTOPPED(status)) break;
    int signal = WSTOPSIG(status);
    if (signal == SIGSTOP) {
      stops++;
      if (stops % 2 == 1) count = 0;
    }
    count += signal == SIGTRAP && stops % 2 == 1;
    if (signal == SIGSTOP || signal == SIGTRAP) signal = 0;
    errno = 0;
    ptrace(stops % 2 == 1 ? PTRACE_SINGLESTEP : PTRACE_CONT, pid, NULL, (long)signal);
    NEED(errno == 0);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == SIGTRAP) skip("needs ptrace");
  CHECK_INT(status, 0);
  CHECK_INT(stops, 2 * ROUNDS);
  return count;
}

static long instructions(void (*what)(void)) { return steps(what) - steps(nothing); }

static void costs(void (*what)(void), long most) {
  if (world() != WORLD_KERNEL) skip("an emulator steps its own way");
  long count = instructions(what), least = instructions(by_the_floor);
  CHECK(least > 0);
  note("%ld instructions, %.1f times those of vfork and execve", count, (double)count / (double)least);
#ifdef __x86_64__
  CHECK(count <= most);
#else
  (void)most;
#endif
}

/* A tenth above what was measured: another libc's strlen and memcpy are not the same. */
static void default_spawn(void) { costs(by_default, 3100); }
static void pidfd(void) {
  need(HAS_PIDFD);
  costs(with_a_pidfd, 3100);
}
static void files(void) { costs(with_ten_files, 6500); }
static void search(void) { costs(with_a_search, 3150); }
static void copy(void) { costs(by_copy, 3000); }

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"instructions of a default spawn", default_spawn},
      {"instructions with a pidfd", pidfd},
      {"instructions with ten files", files},
      {"instructions with a search", search},
      {"instructions in the copy way", copy},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
