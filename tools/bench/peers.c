/* SPDX-License-Identifier: BSD-3-Clause */
/* Those who start the program from this process, without attributes, and wait for it: ours, the C library's, fork,
 * vfork, and the floor, which is the least that a program could do by hand. */

#include "bench.h"

#include <fcntl.h>
#include <forkexec.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

const char *program;
char *arguments[2];
char candidates[PATH_LENGTH][4096];

bool ended_well(pid_t pid) {
  int status;
  need(waitpid(pid, &status, 0) == pid, "waitpid");
  return status == 0;
}

/* ---- the floor ---- */

/* Not through libc, whose errno and cancellation are the parent's. */
static inline __attribute__((always_inline)) long raw(long number, long a, long b, long c, long d, long e) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4) : "memory");
  return x0;
#else
#error "the floor's system calls for this machine"
#endif
}

/* As clone(2) has it, the exit signal is in the low byte of the flags. The child goes on with this very frame: its parent, suspended, uses nothing of it afterwards but the pid, which it
 * gets in a register. Hence not inlined. */
__attribute__((noinline)) pid_t by_hand(unsigned long long flags, int *pidfd, const struct raw_call *calls,
                                        size_t count) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
  } args = {(flags & ~0xffULL) | CLONE_VM | CLONE_VFORK, (uint64_t)(uintptr_t)pidfd, 0, 0, flags & 0xff, 0, 0, 0};
  long pid = raw(SYS_clone3, (long)&args, sizeof args, 0, 0, 0);
  if (pid == 0) {
    for (const struct raw_call *call = calls; call < calls + count; call++) {
      const long *a = call->arguments;
      if (raw(call->number, a[0], a[1], a[2], a[3], a[4]) < 0 && call->must) break;
    }
    for (;;) raw(SYS_exit, 127, 0, 0, 0, 0);
  }
  need(pid > 0, "clone3");
  return (pid_t)pid;
}

bool by_floor(void) {
  struct raw_call exec = {SYS_execve, {(long)program, (long)arguments, (long)environ}, true};
  return ended_well(by_hand(SIGCHLD, NULL, &exec, 1));
}

/* The least of what does not lie: no handler runs in the child, no SIGCHLD and no zombie of a failure is seen. */
bool by_floor_guarded(void) {
  uint64_t all = UINT64_MAX, before;
  siginfo_t info;
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all, 0);
  struct raw_call calls[] = {{SYS_rt_sigprocmask, {SIG_SETMASK, (long)&before, 0, sizeof before}, true},
                             {SYS_execve, {(long)program, (long)arguments, (long)environ}, true}};
  pid_t pid = by_hand(UINT64_C(0x100000000) /* CLONE_CLEAR_SIGHAND */, NULL, calls, 2);
  need(waitid(P_PID, (id_t)pid, &info, WEXITED | __WALL) == 0, "waitid");
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);
  return info.si_code == CLD_EXITED && info.si_status == 0;
}

bool by_floor_pidfd(void) {
  struct raw_call exec = {SYS_execve, {(long)program, (long)arguments, (long)environ}, true};
  int pidfd = -1;
  bool well = ended_well(by_hand(CLONE_PIDFD | SIGCHLD, &pidfd, &exec, 1));
  close(pidfd);
  return well;
}

bool by_floor_path(void) {
  struct raw_call execs[PATH_LENGTH];
  for (int i = 0; i < PATH_LENGTH; i++)
    execs[i] = (struct raw_call){SYS_execve, {(long)candidates[i], (long)arguments, (long)environ}, false};
  return ended_well(by_hand(SIGCHLD, NULL, execs, PATH_LENGTH));
}

/* ---- the C library ---- */

bool by_fork(void) {
  pid_t pid = fork();
  if (pid == 0) {
    execve(program, arguments, environ);
    _exit(127);
  }
  need(pid > 0, "fork");
  return ended_well(pid);
}

bool by_vfork(void) {
  pid_t pid = vfork();
  if (pid == 0) {
    execve(program, arguments, environ);
    _exit(127);
  }
  need(pid > 0, "vfork");
  return ended_well(pid);
}

bool by_fork_path(void) {
  pid_t pid = fork();
  if (pid == 0) {
    execvp(program, arguments);
    _exit(127);
  }
  need(pid > 0, "fork");
  return ended_well(pid);
}

bool by_vfork_path(void) {
  pid_t pid = vfork();
  if (pid == 0) {
    execvp(program, arguments);
    _exit(127);
  }
  need(pid > 0, "vfork");
  return ended_well(pid);
}

bool by_posix_spawn(void) {
  pid_t pid;
  return posix_spawn(&pid, program, NULL, NULL, arguments, environ) == 0 && ended_well(pid);
}

bool by_posix_spawnp(void) {
  pid_t pid;
  return posix_spawnp(&pid, program, NULL, NULL, arguments, environ) == 0 && ended_well(pid);
}

/* ---- ours ---- */

bool forkexec(const fe_attr *attr) {
  fe_child child;
  int status;
  if (fe_spawn(attr, &child, NULL) != 0) return false;
  need(fe_wait(&child, -1, &status) == 0, "fe_wait");
  fe_child_close(&child);
  return status == 0;
}

static fe_attr plain(uint64_t flags) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = program;
  attr.argv = arguments;
  attr.flags = flags;
  return attr;
}

bool by_forkexec(void) {
  fe_attr attr = plain(0);
  return forkexec(&attr);
}

bool by_forkexec_pidfd(void) {
  fe_attr attr = plain(FE_PIDFD);
  return forkexec(&attr);
}

bool by_forkexec_path(void) {
  fe_attr attr = plain(FE_SEARCH_PATH);
  return forkexec(&attr);
}

/* ---- calls that return before the program runs: the call alone is measured ---- */

static bool ended(fe_child *child) {
  int status;
  need(fe_wait(child, -1, &status) == 0, "fe_wait");
  fe_child_close(child);
  return status == 0;
}

bool by_async_call(void) {
  fe_attr attr = plain(FE_ASYNC);
  fe_child child;
  double begun = now_us();
  need(fe_spawn(&attr, &child, NULL) == 0, "fe_spawn");
  call_us += now_us() - begun;
  need(fe_spawn_finish(&child, -1, NULL) == 0, "fe_spawn_finish");
  return ended(&child);
}

static int just_exec(void *mask) {
  if (mask != NULL) raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)mask, 0, sizeof(uint64_t), 0);
  raw(SYS_execve, (long)program, (long)arguments, (long)environ, 0, 0);
  return 127;
}

static char stack[16384] __attribute__((aligned(16)));

/* The least of what does not lie: no handler runs in the child, and a pipe says when the outcome is known. */
bool by_floor_call_guarded(void) {
  static uint64_t before;
  uint64_t all = UINT64_MAX;
  int ends[2];
  double begun = now_us();
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&all, (long)&before, sizeof all, 0);
  need(pipe2(ends, O_CLOEXEC) == 0, "pipe2");
  pid_t pid = clone(just_exec, stack + sizeof stack, CLONE_VM | SIGCHLD, &before);
  close(ends[1]);
  raw(SYS_rt_sigprocmask, SIG_SETMASK, (long)&before, 0, sizeof before, 0);
  call_us += now_us() - begun;
  need(pid > 0, "clone");
  close(ends[0]);
  return ended_well(pid);
}

/* Nothing but a child in this memory, of whose outcome nobody is told. */
bool by_floor_call(void) {
  double begun = now_us();
  pid_t pid = clone(just_exec, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL);
  call_us += now_us() - begun;
  need(pid > 0, "clone");
  return ended_well(pid);
}

bool by_posix_spawn_call(void) {
  pid_t pid;
  double begun = now_us();
  need(posix_spawn(&pid, program, NULL, NULL, arguments, environ) == 0, "posix_spawn");
  call_us += now_us() - begun;
  return ended_well(pid);
}

/* ---- batches ---- */

static fe_child children[BATCH];

static bool all_ended(void) {
  bool well = true;
  for (int i = 0; i < BATCH; i++) well = ended(&children[i]) && well;
  return well;
}

bool many_at_once(void) {
  const fe_attr *attrs[BATCH], attr = plain(0);
  for (int i = 0; i < BATCH; i++) attrs[i] = &attr;
  need(fe_spawn_many(attrs, BATCH, children, NULL) == 0, "fe_spawn_many");
  return all_ended();
}

bool many_then_wait(void) {
  fe_attr attr = plain(0);
  for (int i = 0; i < BATCH; i++) need(fe_spawn(&attr, &children[i], NULL) == 0, "fe_spawn");
  return all_ended();
}

bool many_by_posix_spawn(void) {
  pid_t pids[BATCH];
  bool well = true;
  for (int i = 0; i < BATCH; i++)
    need(posix_spawn(&pids[i], program, NULL, NULL, arguments, environ) == 0, "posix_spawn");
  for (int i = 0; i < BATCH; i++) well = ended_well(pids[i]) && well;
  return well;
}

bool one_by_one_forkexec(void) {
  bool well = true;
  for (int i = 0; i < BATCH; i++) well = by_forkexec() && well;
  return well;
}

bool one_by_one(void) {
  bool well = true;
  for (int i = 0; i < BATCH; i++) well = by_posix_spawn() && well;
  return well;
}
