/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_PTRACE. */
#include "test.h"

#include <sys/ptrace.h>
#include <time.h>

#include "filter.h"

static char *name_only[] = {(char *)"true", NULL};
static char *sleep_argv[] = {(char *)"sleep", (char *)"60", NULL};

static fe_attr traced(const char *path, char **argv) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = path;
  attr.argv = argv;
  attr.flags = FE_PTRACE;
  return attr;
}

static long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void stops(fe_child *child, int timeout_ms, int sig) {
  int status = -1;
  if (!CHECK_INT(fe_wait(child, timeout_ms, &status), 0)) return;
  CHECK(WIFSTOPPED(status));
  CHECK_INT(WSTOPSIG(status), sig);
}

static void resume(fe_child *child, int sig) {
  CHECK_INT(ptrace(PTRACE_CONT, child->pid, NULL, sig), 0);
}

static void ends(fe_child *child, int wanted) {
  int status = -1;
  CHECK_INT(fe_wait(child, 10000, &status), 0);
  CHECK_INT(status, wanted);
  errno = 0;
  CHECK_INT(fe_wait(child, 0, &status), -1);
  CHECK_INT(errno, ECHILD);
  CHECK_INT(fe_kill(child, 0), -1);
  fe_child_close(child);
  check_no_child();
}

static void kill_it(fe_child *child) {
  CHECK_INT(fe_kill(child, SIGKILL), 0);
  ends(child, SIGKILL);
}

static void stops_and_runs_to_its_end(void) {
  EACH_WAY(way) {
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      fe_attr attr = FE_ATTR_INIT;
      attr.flags = FE_PTRACE | (pidfd ? FE_PIDFD : 0);
      fe_child child;
      if (!probe_start(&attr, way, &child)) return;
      stops(&child, -1, SIGTRAP);
      char link[64], exe[4096] = "";
      snprintf(link, sizeof link, "/proc/%d/exe", (int)child.pid);
      CHECK(readlink(link, exe, sizeof exe - 1) > 0);
      CHECK_STR(exe, probe_path());
      /* A stop is told once. */
      errno = 0;
      CHECK_INT(fe_wait(&child, 0, NULL), -1);
      CHECK_INT(errno, ETIMEDOUT);
      resume(&child, 0);
      ends(&child, 0);
      char *seen = probe_report();
      CHECK_INT(number(seen, "tracer"), getpid());
      free(seen);
    }
  }
}

static void stands_in_its_stop_at_once(void) {
  EACH_WAY(way) {
    for (int i = 0; i < 200; i++) {
      fe_attr attr = traced(probe_path(), name_only);
      fe_child child;
      if (!spawn(&attr, way, &child)) return;
      int status = 0;
      bool at_once = fe_wait(&child, 0, &status) == 0;
      CHECK(at_once && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
      if (!at_once) stops(&child, -1, SIGTRAP);
      resume(&child, 0);
      ends(&child, 64 << 8);
      if (!at_once) break;
    }
  }
}

static void by_waitpid(void) {
  EACH_WAY(way) {
    fe_attr attr = traced("/bin/true", name_only);
    fe_child child;
    int status = -1;
    if (!spawn(&attr, way, &child)) return;
    CHECK_INT(waitpid(child.pid, &status, 0), child.pid);
    CHECK_INT(status, SIGTRAP << 8 | 0x7f);
    resume(&child, 0);
    CHECK_INT(waitpid(child.pid, &status, 0), child.pid);
    CHECK_INT(status, 0);
    errno = 0;
    CHECK_INT(fe_wait(&child, -1, NULL), -1);
    CHECK_INT(errno, ECHILD);
    fe_child_close(&child);
  }
}

/* The steps before exec are not traced, whatever signal comes. */
static void only_the_exec_is_traced(void) {
  need_root();
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = credential.gid = 1000;
    fe_attr attr = FE_ATTR_INIT;
    attr.credential = &credential;
    attr.dir = scratch();
    attr.flags = FE_PTRACE | FE_SETSID | FE_CLOSE_OTHERS;
    attr.pdeathsig = SIGKILL;
    fe_child child;
    if (!probe_start(&attr, way, &child)) return;
    stops(&child, -1, SIGTRAP);
    resume(&child, 0);
    ends(&child, 0);
    char *seen = probe_report();
    CHECK_STR(value(seen, "uid"), "1000 1000 1000");
    CHECK_STR(value(seen, "cwd"), scratch());
    CHECK_INT(number(seen, "pdeathsig"), SIGKILL);
    CHECK_INT(number(seen, "tracer"), getpid());
    free(seen);
  }
}

static void a_failing_spawn(void) {
  EACH_WAY(way) {
    fe_attr attr = traced("/nowhere/at/all", name_only);
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    attr.flags |= FE_PIDFD;
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    attr.path = "/etc/passwd";
    spawn_fails(&attr, way, EACCES, FE_STEP_EXEC, -1);
    attr.dir = "/nowhere/at/all";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
  }
}

static void killed_in_exec(void) {
  refuse(SYS_execve, KILL);
  EACH_WAY(way) {
    fe_attr attr = traced("/bin/true", name_only);
    spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
  }
}

static void ptrace_refused(void) {
  refuse(SYS_ptrace, EACCES);
  EACH_WAY(way) {
    fe_attr attr = traced("/bin/true", name_only);
    spawn_fails(&attr, way, EACCES, FE_STEP_PTRACE, -1);
  }
}

static void terminate(pid_t child) { kill(child, SIGTERM); }

static void a_signal_before_exec(void) {
  /* It would stop a child that is traced already, for a tracer that sleeps: it is held until the stop. */
  static struct watcher watcher = {terminate, 0, 0, -1};
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  EACH_WAY(way) {
    fe_attr attr = traced("/bin/true", name_only);
    fe_child child;
    attr.dir = "/";
    if (!spawn(&attr, way, &child)) continue;
    stops(&child, 0, SIGTRAP);
    resume(&child, 0);
    stops(&child, -1, SIGTERM);
    resume(&child, SIGTERM);
    ends(&child, SIGTERM);
  }
}

static volatile int over;

/* As a handler of SIGCHLD or a supervisor does it: it takes the first stops of others' children. */
static void *wait_for_all(void *taken) {
  int status;
  while (!over)
    if (waitpid(-1, &status, WNOHANG) > 0) ++*(volatile int *)taken;
  return NULL;
}

/* Even a signal that is ignored stops a traced process. */
static void *flood(void *unused) {
  (void)unused;
  while (!over) kill(0, SIGURG);
  return NULL;
}

static void among_thieves_and_floods(void) {
  EACH_WAY(way) {
    pthread_t thief, flooder;
    int taken = 0;
    over = 0;
    NEED(setpgid(0, 0) == 0);
    NEED(pthread_create(&thief, NULL, wait_for_all, &taken) == 0);
    NEED(pthread_create(&flooder, NULL, flood, NULL) == 0);
    for (int i = 0; i < 300; i++) {
      fe_attr attr = traced("/bin/true", name_only);
      fe_child child;
      if (!spawn(&attr, way, &child)) break;
      CHECK_INT(fe_kill(&child, SIGKILL), 0);
      int status;
      while (fe_wait(&child, -1, &status) == 0 && WIFSTOPPED(status)) {
      }
    }
    over = 1;
    pthread_join(thief, NULL);
    pthread_join(flooder, NULL);
    CHECK(taken > 0); /* else nothing was shown */
  }
}

/* The first spawn finds out what kind of kernel this is; a child that is not in its stop yet is no sign of one that does
 * not suspend the parent. */
static void as_the_first_spawn(void) {
  fe_attr plain = FE_ATTR_INIT;
  plain.path = "/bin/true";
  plain.argv = name_only;
  for (int i = 0; i < 100; i++) {
    pid_t pid = fork_apart();
    NEED(pid >= 0);
    if (pid == 0) {
      fe_attr attr = traced("/bin/true", name_only);
      fe_child child;
      spawn(&attr, FE_WAY_AUTO, &child);
      fe_kill(&child, SIGKILL);
      spawn_exits(&plain, FE_WAY_AUTO, 0); /* checks that it is shared */
      _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
  }
}

static void a_dying_tracee(void) {
  EACH_WAY(way) {
    fe_attr attr = traced("/bin/sleep", sleep_argv);
    fe_child child;
    /* In its stop. */
    if (!spawn(&attr, way, &child)) return;
    stops(&child, -1, SIGTRAP);
    kill_it(&child);
    /* With the stop not waited for. */
    if (!spawn(&attr, way, &child)) return;
    CHECK_INT(fe_kill(&child, SIGKILL), 0);
    int status = -1;
    CHECK_INT(fe_wait(&child, 10000, &status), 0);
    if (WIFSTOPPED(status)) CHECK_INT(fe_wait(&child, 10000, &status), 0);
    CHECK_INT(status, SIGKILL);
    fe_child_close(&child);
    /* Running, by a signal that its tracer hands on. */
    if (!spawn(&attr, way, &child)) return;
    stops(&child, -1, SIGTRAP);
    resume(&child, 0);
    CHECK_INT(fe_kill(&child, SIGTERM), 0);
    stops(&child, -1, SIGTERM);
    resume(&child, SIGTERM);
    ends(&child, SIGTERM);
  }
}

static void a_wait_with_a_time_out(void) {
  EACH_WAY(way) {
    for (int pidfd = 0; pidfd < 2; pidfd++) {
      fe_attr attr = traced("/bin/sleep", sleep_argv);
      if (pidfd) attr.flags |= FE_PIDFD;
      fe_child child;
      if (!spawn(&attr, way, &child)) return;
      long begun = now_ms();
      stops(&child, 10000, SIGTRAP);
      CHECK(now_ms() - begun < 1000);
      resume(&child, 0);
      begun = now_ms();
      errno = 0;
      CHECK_INT(fe_wait(&child, 60, NULL), -1);
      CHECK_INT(errno, ETIMEDOUT);
      CHECK(now_ms() - begun >= 60);
      /* Sent while the caller waits. */
      pid_t sender = fork_apart();
      NEED(sender >= 0);
      if (sender == 0) {
        usleep(30000);
        _exit(kill(child.pid, SIGUSR1) != 0);
      }
      begun = now_ms();
      stops(&child, 10000, SIGUSR1);
      CHECK(now_ms() - begun < 2000);
      CHECK_INT(waitpid(sender, NULL, 0), sender);
      kill_it(&child);
    }
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"stops at exec and runs to its end", stops_and_runs_to_its_end},
      {"fe_spawn returns when it stands in its stop", stands_in_its_stop_at_once},
      {"waitpid sees the same", by_waitpid},
      {"only the exec is traced", only_the_exec_is_traced},
      {"a failing spawn leaves nothing", a_failing_spawn},
      {"killed in exec", killed_in_exec},
      {"ptrace refused", ptrace_refused},
      {"a signal before exec waits for the stop", a_signal_before_exec},
      {"among thieves and floods", among_thieves_and_floods},
      {"as the first spawn", as_the_first_spawn},
      {"a dying tracee", a_dying_tracee},
      {"a wait with a time-out sees the stop", a_wait_with_a_time_out},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
