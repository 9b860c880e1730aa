/* SPDX-License-Identifier: BSD-3-Clause */
/* timeout_ms: a child that does not come to its exec in time is killed and reaped, whatever holds it. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <sys/mount.h>
#include <sys/ptrace.h>

/* Short is enough for a child to come to where it is held, on a busy machine too; no more depends on it. */
enum { SHORT_MS = 250, LONG_MS = 1000000 };

static fe_attr in_time_attr(void) {
  fe_attr attr = nothing();
  attr.timeout_ms = LONG_MS;
  return attr;
}

static void in_time(void) {
  static const int32_t times[] = {LONG_MS, INT32_MAX};
  EACH_WAY_BESIDE(way) {
    for (int i = 0; i < 2; i++) {
      fe_attr attr = nothing();
      attr.timeout_ms = times[i];
      spawn_exits(&attr, way, 0);
      attr.dir = "/nonexistent";
      spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
      attr.dir = NULL;
      attr.path = "/nonexistent";
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    }
  }
  fe_attr attr = in_time_attr();
  auto_takes(&attr, FE_WAY_CONCURRENT);
}

static void refused(void) {
  static const int32_t negative[] = {-1, INT32_MIN};
  static const unsigned ways[] = {FE_WAY_AUTO, FE_WAY_SHARED, FE_WAY_COPY, FE_WAY_PIPED,
                                  FE_WAY_CONCURRENT};
  for (int w = 0; w < 5; w++) {
    fe_attr attr = nothing();
    for (int i = 0; i < 2; i++) {
      for (int async = 0; async < 2; async++) {
        attr.timeout_ms = negative[i];
        attr.flags = async ? FE_ASYNC : 0;
        spawn_fails(&attr, ways[w], EINVAL, FE_STEP_ARGS, -1);
      }
    }
    attr = in_time_attr();
    if (ways[w] == FE_WAY_SHARED || ways[w] == FE_WAY_COPY)
      spawn_fails(&attr, ways[w], EINVAL, FE_STEP_ARGS, -1);
  }
}

static void works_after(unsigned way) {
  fe_attr attr = in_time_attr();
  spawn_exits(&attr, way, 0);
  attr.timeout_ms = 0;
  spawn_exits(&attr, way, 0);
  if (expected_way(FE_WAY_SHARED)) spawn_exits(&attr, FE_WAY_SHARED, 0);
  attr.path = "/nonexistent";
  spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
}

static void in_open(void) {
  EACH_WAY_BESIDE(way) {
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      if (pidfd && !world_has(HAS_PIDFD)) continue;
      fe_attr attr = nothing();
      const char *fifo = new_fifo();
      ACT(&attr, FE_CHDIR("/"), FE_CLOSE(9), FE_OPEN(0, fifo, O_RDONLY, 0));
      attr.flags = pidfd ? FE_PIDFD : 0;
      attr.timeout_ms = SHORT_MS;
      spawn_fails(&attr, way, ETIMEDOUT, FE_STEP_ACTION_OPEN, 2);
      spawn_fails(&attr, way, ETIMEDOUT, FE_STEP_ACTION_OPEN, 2);
      works_after(way);
    }
  }
}

static void never_early(void) {
  /* From call to failure, by the clock in all its digits. */
  EACH_WAY_BESIDE(way) {
    fe_attr attr = nothing();
    const char *fifo = new_fifo();
    ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
    for (int i = 0; i < 60; i++) {
      attr.timeout_ms = 1 + i % 5;
      fe_child child;
      fe_error error;
      attr.way = way;
      attr.flags = i % 2 ? FE_ASYNC : 0;
      int64_t begun = now_ns();
      int result = fe_spawn(&attr, &child, &error);
      if (i % 2) result = fe_spawn_finish(&child, -1, &error);
      int64_t taken = now_ns() - begun;
      CHECK_INT(result, -1);
      CHECK_STR(errno_name(error.errnum), "ETIMEDOUT");
      if (!CHECK(taken >= (int64_t)attr.timeout_ms * 1000000)) {
        note("%d us of %d ms", (int)(taken / 1000), attr.timeout_ms);
        break;
      }
    }
    check_no_child();
  }
}

/* ---- stuck otherwise ---- */

static void stop(pid_t caller) {
  siginfo_t info;
  kill(caller, SIGSTOP);
  /* Until it is: else the call might still be made. */
  waitid(P_PID, (id_t)caller, &info, WSTOPPED | WEXITED | WNOWAIT);
}

static void stay(pid_t caller) {
  (void)caller;
  for (;;) pause();
}

struct stuck {
  long nr;
  int step;
  bool stopped; /* or held in the call */
};

static void stuck_in(unsigned way, const void *with) {
  const struct stuck *this = with;
  static struct watcher stopper = {stop, 0, 0, -1}, holder = {stay, 0, 0, -1};
  struct watcher *watcher = this->stopped ? &stopper : &holder;
  watch_if(watcher, this->nr, 0, 0, 0);
  fe_attr attr = nothing();
  attr.flags = FE_SETSID;
  attr.dir = "/";
  /* Long enough to get as far as that on a busy machine. */
  attr.timeout_ms = 4 * SHORT_MS;
  spawn_fails(&attr, way, ETIMEDOUT, this->step, -1);
  CHECK(watcher->calls > 0);
}

static void stuck(void) {
  static const struct stuck all[] = {
      {SYS_setsid, FE_STEP_SETSID, true},  {SYS_chdir, FE_STEP_CHDIR, true},
      {SYS_execve, FE_STEP_EXEC, true},    {SYS_setsid, FE_STEP_SETSID, false},
      {SYS_execve, FE_STEP_EXEC, false},
  };
  EACH_WAY_BESIDE(way) {
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) apart(stuck_in, way, &all[i]);
  }
}

/* ---- there in the moment of the kill ---- */

static const char *held_by, *says_so;

static void get_there(pid_t caller) {
  char byte;
  (void)caller;
  close(let_go(held_by));
  int from = open(says_so, O_RDONLY | O_CLOEXEC);
  /* The program runs by now. */
  if (from < 0 || read(from, &byte, 1) != 1) abort();
  close(from);
}

static void there_at_the_kill(unsigned way, const void *with) {
  (void)with;
  static struct watcher watcher = {get_there, 0, 0, -1};
  static char command[700];
  char *argv[] = {(char *)"sh", (char *)"-c", command, NULL};
  fe_child child;
  int status = -1;
  held_by = new_fifo();
  says_so = new_fifo();
  snprintf(command, sizeof command, "echo > '%s'; read line < '%s'", says_so, says_so);
  watch_if(&watcher, SYS_kill, 0, 0, 0);
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/sh";
  attr.argv = argv;
  attr.timeout_ms = SHORT_MS;
  ACT(&attr, FE_OPEN(0, held_by, O_RDONLY, 0));
  /* The kernel has accepted its exec: that must not be told as a failure. */
  if (!spawn(&attr, way, &child)) return;
  CHECK(watcher.calls > 0);
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, SIGKILL);
  fe_child_close(&child);
  check_no_child();
}

static void late_but_there(void) { EACH_WAY_BESIDE(way) apart(there_at_the_kill, way, NULL); }

/* Not by spawn_fails, which expects the shared way of FE_WAY_AUTO. */
static void overdue_by_auto(const fe_attr *given, unsigned way, int step, int index) {
  fe_attr attr = *given;
  fe_child child;
  fe_error error;
  attr.way = FE_WAY_AUTO;
  errno = 0;
  int result = fe_spawn(&attr, &child, &error), saved = errno;
  check_failed(result, saved, &child, &error, ETIMEDOUT, step, index, 0);
  CHECK_INT(error.way, way);
  check_no_child();
}

static void of_another_user(void) {
  need_root();
  fe_attr attr = nothing();
  fe_credential credential = FE_CREDENTIAL_INIT;
  const char *fifo = new_fifo();
  credential.uid = credential.gid = UNPRIVILEGED;
  attr.credential = &credential;
  attr.timeout_ms = SHORT_MS;
  ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
  spawn_fails(&attr, FE_WAY_PIPED, ETIMEDOUT, FE_STEP_ACTION_OPEN, 0);
  attr.credential = NULL;
  attr.flags = FE_PTRACE;
  spawn_fails(&attr, FE_WAY_PIPED, ETIMEDOUT, FE_STEP_ACTION_OPEN, 0);
  overdue_by_auto(&attr, FE_WAY_PIPED, FE_STEP_ACTION_OPEN, 0);
  attr.flags = 0;
  overdue_by_auto(&attr, expected_way(FE_WAY_CONCURRENT), FE_STEP_ACTION_OPEN, 0);
  works_after(FE_WAY_PIPED);
}

/* ---- with FE_ASYNC ---- */

static void finish_sees_to_it(void) {
  EACH_WAY_BESIDE(way) {
    fe_child child;
    const char *fifo = new_fifo();
    fe_attr attr = nothing();
    ACT(&attr, FE_CHDIR("/"), FE_OPEN(0, fifo, O_RDONLY, 0));
    attr.timeout_ms = SHORT_MS;
    char *before = snapshot();
    /* Whether it waits for ever, for longer than that, or looks when the time is up. */
    static const int waits[] = {-1, LONG_MS, 0};
    for (int i = 0; i < 3; i++) {
      int64_t begun = now_ns();
      if (!start(&attr, way, &child)) continue;
      if (waits[i] == 0)
        while (now_ns() - begun < 2000000LL * SHORT_MS) sched_yield();
      finish_fails(&child, waits[i], ETIMEDOUT, FE_STEP_ACTION_OPEN, 1, 0);
      CHECK(now_ns() - begun >= 1000000LL * SHORT_MS);
    }
    char *after = snapshot();
    CHECK_STR(after, before);
    check_no_child();
    free(before);
    free(after);
    /* Not yet. */
    attr.timeout_ms = LONG_MS;
    if (!start(&attr, way, &child)) continue;
    wait_until_in(&child, FE_STEP_ACTION_OPEN);
    in_progress(&child, 0, FE_STEP_ACTION_OPEN, 1);
    in_progress(&child, 2, FE_STEP_ACTION_OPEN, 1);
    close(let_go(fifo));
    finishes(&child);
    ends(&child, 0);
  }
}

static void closed_without_a_deadline(void) {
  EACH_WAY_BESIDE(way) {
    fe_child child;
    const char *fifo = new_fifo();
    fe_attr attr = nothing();
    ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
    attr.timeout_ms = 1;
    int64_t begun = now_ns();
    if (!start(&attr, way, &child)) continue;
    pid_t pid = child.pid;
    while (now_ns() - begun < 3000000) sched_yield();
    fe_child_close(&child);
    close(let_go(fifo));
    reaped(pid, 0);
  }
}

static void one_of_many(void) {
  /* The others are started all the same. */
  EACH_WAY_BESIDE(way) {
    fe_attr each[5];
    const fe_attr *attrs[5];
    fe_child children[5];
    fe_error errors[5];
    const char *fifo = new_fifo();
    const fe_file_action opens[] = {FE_OPEN(0, fifo, O_RDONLY, 0)};
    for (int i = 0; i < 5; i++) {
      each[i] = in_time_attr();
      each[i].way = way;
      attrs[i] = &each[i];
    }
    for (int i = 1; i < 5; i += 2) {
      each[i].actions = opens;
      each[i].nactions = 1;
      each[i].timeout_ms = SHORT_MS * i;
    }
    CHECK_INT(fe_spawn_many(attrs, 5, children, errors), -1);
    CHECK_STR(errno_name(errno), "ETIMEDOUT");
    for (int i = 0; i < 5; i++) {
      CHECK_INT(errors[i].errnum, i % 2 ? ETIMEDOUT : 0);
      CHECK_INT(errors[i].step, i % 2 ? FE_STEP_ACTION_OPEN : 0);
      if (i % 2)
        CHECK(is_empty(&children[i]));
      else
        ends(&children[i], 0);
    }
    check_no_child();
  }
}

/* ---- what SIGKILL alone does not end ---- */

static void cannot_be_reaped(void) {
  /* A zombie that another process traces is not its parent's until that one lets go. */
  if (world() != WORLD_KERNEL) skip("only a kernel traces");
  EACH_WAY_BESIDE(way) {
    fe_child child;
    int told[2];
    char byte = 0;
    const char *fifo = new_fifo();
    fe_attr attr = nothing();
    ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
    attr.timeout_ms = 500;
    NEED(pipe(told) == 0);
    if (!start(&attr, way, &child)) continue;
    pid_t pid = child.pid, tracer = fork_apart();
    NEED(tracer >= 0);
    if (tracer == 0) {
      alarm(20); /* if the case dies first */
      bool good = ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0;
      byte = good ? 'y' : 'n';
      if (write(told[1], &byte, 1) != 1) _exit(1);
      for (;;) pause();
    }
    NEED(read(told[0], &byte, 1) == 1);
    if (byte == 'n') {
      NEED(kill(tracer, SIGKILL) == 0);
      skip("ptrace is not permitted");
    }
    finish_fails(&child, -1, ETIMEDOUT, FE_STEP_ACTION_OPEN, 0, 0);
    /* It is left alone, to the caller's own wait. */
    CHECK_INT(waitpid(pid, NULL, WNOHANG), 0);
    fe_attr later = in_time_attr();
    spawn_exits(&later, way, 0);
    NEED(kill(tracer, SIGKILL) == 0);
    reaped(tracer, SIGKILL);
    reaped(pid, SIGKILL);
    close(told[0]);
    close(told[1]);
    check_no_child();
  }
}

static char frozen[400];

static void remove_frozen(void) {
  if (*frozen) rmdir(frozen);
}

static void in_a_frozen_cgroup(void) {
  need(HAS_CLONE3);
  need_root();
  char path[500], at[300] = "";
  /* One's own mount: wherever the system has it, or not. */
  NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  snprintf(at, sizeof at, "%s", scratch_path("cgroup2"));
  if (mkdir(at, 0755) != 0 || mount("none", at, "cgroup2", 0, NULL) != 0)
    skip("no cgroup2 can be mounted");
  snprintf(frozen, sizeof frozen, "%s/forkexec-frozen-%d", at, (int)getpid());
  if (mkdir(frozen, 0755) != 0) skip("no cgroup2 that can be written to");
  atexit(remove_frozen);
  snprintf(path, sizeof path, "%s/cgroup.freeze", frozen);
  int freeze = open(path, O_WRONLY | O_CLOEXEC);
  if (freeze < 0) skip("no cgroup.freeze (Linux 5.2)");
  NEED(write(freeze, "1", 1) == 1);
  fe_attr attr = nothing();
  attr.flags = FE_CGROUP;
  attr.cgroup = open(frozen, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  attr.timeout_ms = SHORT_MS;
  NEED(attr.cgroup >= 0);
  /* It has not done a single step. */
  spawn_fails(&attr, FE_WAY_PIPED, ETIMEDOUT, FE_STEP_CLONE, -1);
  overdue_by_auto(&attr, FE_WAY_PIPED, FE_STEP_CLONE, -1);
  fe_child child;
  if (start(&attr, FE_WAY_PIPED, &child))
    finish_fails(&child, -1, ETIMEDOUT, FE_STEP_CLONE, -1, 0);
  attr.timeout_ms = 0;
  if (start(&attr, FE_WAY_PIPED, &child)) {
    in_progress(&child, 20, FE_STEP_CLONE, -1);
    NEED(write(freeze, "0", 1) == 1);
    finishes(&child);
    ends(&child, 0);
  }
  check_no_child();
  /* A moment later the cgroup knows too that it is empty. */
  while (rmdir(frozen) != 0) sched_yield();
  *frozen = 0;
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"in time", in_time},
      {"refused", refused},
      {"in open", in_open},
      {"never early", never_early},
      {"stopped, or held in a call", stuck},
      {"there in the moment of the kill", late_but_there},
      {"of another user, and traced", of_another_user},
      {"fe_spawn_finish sees to it", finish_sees_to_it},
      {"closed: without a deadline", closed_without_a_deadline},
      {"one of many", one_of_many},
      {"cannot be reaped", cannot_be_reaped},
      {"in a frozen cgroup", in_a_frozen_cgroup},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
