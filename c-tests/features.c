/* SPDX-License-Identifier: BSD-3-Clause */
/* What docs/features.list promises and no other program shows as directly. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <poll.h>
#include <sys/uio.h>

static char *sleep_argv[] = {(char *)"sleep", (char *)"60", NULL};
static char *name_only[] = {(char *)"true", NULL};

/* ---- whose memory a child has until exec ---- */

/* Changed after the clone, and then read in the child: a copy, also one that the kernel puts off, has the old value. */
static volatile int since_the_clone;
static volatile int seen_in_the_child;

static void look_into(pid_t child) {
  since_the_clone++;
  int copy = -1;
  struct iovec mine = {&copy, sizeof copy}, its = {(void *)(uintptr_t)&since_the_clone, sizeof copy};
  seen_in_the_child = process_vm_readv(child, &mine, 1, &its, 1, 0) == (ssize_t)sizeof copy ? copy : -errno;
}

static void memory_seen(fe_attr *attr, unsigned way, bool shared) {
  fe_child child;
  attr->path = "/bin/true";
  attr->argv = name_only;
  attr->dir = "/"; /* where the child is held */
  int before = since_the_clone;
  seen_in_the_child = -1;
  if (!spawn(attr, way, &child)) return;
  CHECK_INT(since_the_clone, before + 1);
  if (seen_in_the_child == -EPERM || seen_in_the_child == -ENOSYS)
    skip("needs the right to look into a child's memory");
  CHECK_INT(seen_in_the_child, shared ? before + 1 : before);
  ends(&child, 0);
}

static void whose_memory(void) {
  static struct watcher watcher = {look_into, 0, 0, -1};
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  fe_attr plain = FE_ATTR_INIT;
  EACH_WAY(way) memory_seen(&plain, way, way == FE_WAY_SHARED);
  fe_attr timed = FE_ATTR_INIT;
  timed.timeout_ms = 20000;
  EACH_WAY_BESIDE(way) memory_seen(&timed, way, expected_way(way) == FE_WAY_CONCURRENT);
}

/* ---- the pidfd ---- */

static void check_pidfd(const fe_child *child, long long wanted) {
  char path[60], line[100];
  long long pid = -77;
  snprintf(path, sizeof path, "/proc/self/fdinfo/%d", child->pidfd);
  FILE *file = fopen(path, "re");
  NEED(file != NULL);
  while (fgets(line, sizeof line, file))
    if (sscanf(line, "Pid: %lld", &pid) == 1) break;
  fclose(file);
  CHECK_INT(pid, wanted);
}

static void it_is_the_childs(fe_attr *attr, unsigned way) {
  fe_child child;
  if (!spawn(attr, way, &child)) return;
  struct pollfd poll_it = {child.pidfd, POLLIN, 0};
  check_pidfd(&child, child.pid);
  CHECK_INT(fcntl(child.pidfd, F_GETFD), FD_CLOEXEC);
  CHECK_INT(poll(&poll_it, 1, 0), 0);
  CHECK_INT(kill(child.pid, SIGTERM), 0);
  CHECK_INT(poll(&poll_it, 1, 20000), 1);
  siginfo_t info;
  CHECK_INT(waitid((idtype_t)3 /* P_PIDFD */, (id_t)child.pidfd, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(info.si_pid, child.pid);
  CHECK_INT(info.si_status, SIGTERM);
  int status = -1;
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, SIGTERM);
  fe_child_close(&child);
}

static void pidfd(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/sleep";
  attr.argv = sleep_argv;
  attr.flags = FE_PIDFD;
  EACH_WAY(way) it_is_the_childs(&attr, way);
  attr.timeout_ms = 20000;
  EACH_WAY_BESIDE(way) it_is_the_childs(&attr, way);
}

/* One that was opened by its number could be another's by then, or fail. */
static void pidfd_of_the_reaped(void) {
  NEED(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
  EACH_WAY(way) {
    for (int i = 0; i < 20; i++) {
      fe_attr attr = FE_ATTR_INIT;
      fe_child child;
      attr.path = "/bin/true";
      attr.argv = name_only;
      attr.flags = FE_PIDFD;
      if (!spawn(&attr, way, &child)) return;
      struct pollfd poll_it = {child.pidfd, POLLIN, 0};
      CHECK_INT(poll(&poll_it, 1, 20000), 1);
      while (kill(child.pid, 0) == 0) usleep(1000);
      check_pidfd(&child, -1);
      fe_child_close(&child);
    }
  }
}

/* ---- the environment ---- */

/* As some set a variable of the caller for the search, which its other threads see. */
static void no_trace_in_the_caller(void) {
  NEED(setenv("OF_THE_CALLER", "1", 1) == 0);
  char *envp[] = {(char *)"PATH=/nowhere", (char *)"ONLY=this", NULL};
  EACH_WAY(way) {
    char *before = snapshot();
    fe_attr attr = FE_ATTR_INIT;
    attr.envp = envp;
    attr.search_path = "/nowhere:/bin";
    attr.flags = FE_SEARCH_PATH;
    static char *argv[] = {(char *)"sh", (char *)"-c", (char *)"test \"$ONLY\" = this -a -z \"$OF_THE_CALLER\"", NULL};
    attr.argv = argv;
    spawn_exits(&attr, way, 0);
    char *after = snapshot();
    CHECK_STR(after, before);
    CHECK_STR(getenv("OF_THE_CALLER"), "1");
    free(before);
    free(after);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"whose memory a child has until exec", whose_memory},
      {"a pidfd is the child's from its first moment", pidfd},
      {"a pidfd of one that is reaped at once", pidfd_of_the_reaped},
      {"the caller's environment is only read", no_trace_in_the_caller},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
