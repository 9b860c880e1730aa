/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_kill_group and fe_stop: a child and its process group. Trees are in tree.c. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <dirent.h>
#include <limits.h>
#include <sys/time.h>

static bool start_shell(const char *script, uint64_t flags, pid_t pgid, fe_child *child) {
  char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.path = "/bin/sh";
  attr.flags = flags;
  attr.pgid = pgid;
  return spawn(&attr, FE_WAY_SHARED, child);
}

/* Returns when a script has said that it is so far: by a file that it makes. */
static void until_there(const char *path) {
  while (access(path, F_OK) != 0) usleep(1000);
}

static const char *script_with(const char *format) {
  static char scripts[4][600];
  static unsigned next;
  char *script = scripts[next++ % 4];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
  snprintf(script, sizeof scripts[0], format, scratch_path("there"));
#pragma GCC diagnostic pop
  unlink(scratch_path("there"));
  return script;
}

/* Whether anybody of that group lives: a zombie does not. */
static bool group_lives(pid_t group) {
  DIR *all = opendir("/proc");
  bool lives = false;
  NEED(all != NULL);
  for (struct dirent *entry; !lives && (entry = readdir(all)) != NULL;) {
    char path[300], state = 'Z';
    int its_group = 0;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
    FILE *stat = fopen(path, "re");
    if (stat == NULL) continue; /* gone */
    lives = fscanf(stat, "%*d (%*[^)]) %c %*d %d", &state, &its_group) == 2 && its_group == (int)group && state != 'Z';
    fclose(stat);
  }
  closedir(all);
  return lives;
}

static void until_gone(pid_t group) {
  for (int i = 0; i < 500 && group_lives(group); i++) usleep(10000);
  CHECK(!group_lives(group));
}

static void check_group(fe_child *child, int sig, int errnum) {
  errno = 0;
  CHECK_INT(fe_kill_group(child, sig), errnum ? -1 : 0);
  CHECK_STR(errno_name(errno), errno_name(errnum));
}

static void check_stop(fe_child *child, int sig, int grace, uint32_t flags, int errnum, int wanted) {
  int status = -77;
  errno = 0;
  CHECK_INT(fe_stop(child, sig, grace, flags, &status), errnum ? -1 : 0);
  CHECK_STR(errno_name(errno), errno_name(errnum));
  CHECK_INT(status, errnum ? -77 : wanted);
}

static void end(fe_child *child) {
  check_stop(child, 0, 0, 0, 0, SIGKILL);
  fe_child_close(child);
}

/* ---- fe_kill_group ---- */

static const char family[] = "sleep 100 & (sleep 100 & sleep 100) & : > %s; wait";

static void groups(unsigned pidfd, const void *unused) {
  (void)unused;
  static const uint64_t leaders[] = {FE_SETSID, FE_SETPGID};
  for (int i = 0; i < 2; i++) {
    fe_child child;
    if (!start_shell(script_with(family), leaders[i] | pidfd, 0, &child)) return;
    until_there(scratch_path("there"));
    pid_t group = child.pid;
    check_group(&child, 0, 0);
    CHECK(group_lives(group));
    check_group(&child, SIGTERM, 0);
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    until_gone(group);
    check_group(&child, SIGTERM, ESRCH);
    fe_child_close(&child);
    check_group(&child, SIGTERM, ESRCH);
  }
}

static void group_of_each(void) {
  EACH_PIDFD(pidfd) groups(pidfd, NULL);
}

static void with_a_refusal(unsigned pidfd, const void *number) {
  int which = *(const int *)number;
  if (which == 0) refuse(SYS_pidfd_send_signal, ENOSYS);
  if (which == 1) refuse_if(SYS_pidfd_send_signal, EINVAL, 3, UINT32_MAX, 4); /* before Linux 6.9 */
  if (which == 2) refuse(SYS_waitid, EPERM);
  groups(pidfd, NULL);
}

static void group_without(void) {
  for (int which = 0; which < 3; which++) apart(with_a_refusal, which == 2 ? 0 : FE_PIDFD, &which);
}

static void no_leader(void) {
  fe_child child, other, empty = FE_CHILD_INIT;
  CHECK(fe_kill_group(NULL, SIGTERM) == -1 && errno == EINVAL);
  check_group(&empty, SIGTERM, ESRCH);
  memset(&empty, 0, sizeof empty);
  check_group(&empty, SIGTERM, ESRCH);
  EACH_PIDFD(pidfd) {
    NEED(start_shell("exec sleep 100", pidfd, 0, &child));
    NEED(setpgid(child.pid, child.pid) == -1 && errno == EACCES); /* it has execed */
    /* Else it would be the caller's. */
    check_group(&child, SIGTERM, EINVAL);
    CHECK_INT(fe_kill(&child, 0), 0);
    end(&child);
    NEED(start_shell("exec sleep 100", FE_SETPGID | pidfd, 0, &child));
    NEED(start_shell("exec sleep 100", FE_SETPGID | pidfd, child.pid, &other));
    check_group(&other, SIGTERM, EINVAL);
    static const int wrong[] = {-1, 65, INT_MAX, INT_MIN};
    for (int i = 0; i < 4; i++) check_group(&child, wrong[i], EINVAL);
    /* Who was added to it belongs to it. */
    check_group(&child, SIGUSR1, 0);
    int status = 0;
    CHECK(fe_wait(&other, -1, &status) == 0 && status == SIGUSR1);
    fe_child_close(&other);
    /* Its number is taken while it is a zombie: nobody else is hit. */
    check_group(&child, SIGUSR1, 0);
    CHECK(fe_wait(&child, -1, &status) == 0 && status == SIGUSR1);
    fe_child_close(&child);
  }
  check_no_child();
}

static void waited_for_by_others(void) {
  fe_child child;
  NEED(start_shell(script_with("sleep 100 & : > %s; wait"), FE_SETSID, 0, &child));
  until_there(scratch_path("there"));
  pid_t group = child.pid;
  NEED(kill(child.pid, SIGKILL) == 0 && waitpid(child.pid, NULL, 0) == child.pid);
  CHECK(group_lives(group));
  check_group(&child, SIGTERM, ESRCH);
  CHECK(group_lives(group));
  check_stop(&child, 0, 100, FE_STOP_GROUP, ECHILD, 0);
  CHECK(kill(-group, SIGKILL) == 0);
  until_gone(group);
  fe_child_close(&child);
}

/* ---- fe_stop ---- */

static void obedient(void) {
  EACH_PIDFD(pidfd) {
    fe_child child;
    NEED(start_shell("exec sleep 100", pidfd, 0, &child));
    int64_t began = now_ns();
    check_stop(&child, 0, 20000, 0, 0, SIGTERM);
    CHECK(now_ns() - began < INT64_C(5000000000));
    check_stop(&child, 0, 20000, 0, ECHILD, 0);
    fe_child_close(&child);
    NEED(start_shell("exec sleep 100", pidfd, 0, &child));
    check_stop(&child, SIGHUP, INT_MAX, 0, 0, SIGHUP);
    fe_child_close(&child);
    /* No other signal without grace. */
    NEED(start_shell(script_with("trap 'exit 7' TERM; : > %s; while :; do sleep 0.01; done"), pidfd, 0, &child));
    until_there(scratch_path("there"));
    check_stop(&child, SIGTERM, 0, 0, 0, SIGKILL);
    fe_child_close(&child);
    NEED(start_shell("exit 9", pidfd, 0, &child));
    siginfo_t info;
    NEED(waitid(P_PID, (id_t)child.pid, &info, WEXITED | WNOWAIT) == 0);
    check_stop(&child, 0, pidfd ? 0 : 1000, 0, 0, 9 << 8);
    fe_child_close(&child);
    check_no_child();
  }
}

static const char deaf[] = "trap '' TERM; : > %s; while :; do sleep 0.01; done";

static void alarmed(int sig) { (void)sig; }

/* Never killed early, also under signals. */
static void stubborn(void) {
  static const struct itimerval storm = {{0, 300}, {0, 300}}, none;
  alarm(0); /* of the harness: it is the same timer */
  NEED(signal(SIGALRM, alarmed) != SIG_ERR);
  EACH_PIDFD(pidfd) {
    for (int grace = 50; grace <= 250; grace += 100) {
      fe_child child;
      NEED(start_shell(script_with(deaf), pidfd, 0, &child));
      until_there(scratch_path("there"));
      if (grace == 150) NEED(setitimer(ITIMER_REAL, &storm, NULL) == 0);
      int64_t began = now_ns();
      check_stop(&child, 0, grace, 0, 0, SIGKILL);
      int64_t took = now_ns() - began;
      NEED(setitimer(ITIMER_REAL, &none, NULL) == 0);
      CHECK(took >= grace * INT64_C(1000000) && took < (grace + 2000) * INT64_C(1000000));
      fe_child_close(&child);
    }
  }
}

static void stop_without(unsigned pidfd, const void *number) {
  refuse(*(const long *)number, EPERM);
  fe_child child;
  NEED(start_shell(script_with(deaf), FE_SETSID | pidfd, 0, &child));
  until_there(scratch_path("there"));
  check_stop(&child, 0, 100, FE_STOP_GROUP, 0, SIGKILL);
  fe_child_close(&child);
  NEED(start_shell("exec sleep 100", pidfd, 0, &child));
  check_stop(&child, 0, 300, 0, 0, SIGTERM);
  fe_child_close(&child);
}

static void refused(void) {
  need(HAS_CLONE3);
  static const long calls[] = {SYS_pidfd_open, SYS_pidfd_send_signal, SYS_waitid};
  for (size_t i = 0; i < sizeof calls / sizeof *calls; i++) {
    apart(stop_without, 0, &calls[i]);
    apart(stop_without, FE_PIDFD, &calls[i]);
  }
}

/* Its leader goes by SIGTERM, one of them does not. */
static void what_is_left_of_the_group(void) {
  EACH_PIDFD(pidfd) {
    fe_child child;
    NEED(start_shell(script_with("(trap '' TERM; : > %s; while :; do sleep 0.01; done) & wait"),
                     FE_SETPGID | pidfd, 0, &child));
    until_there(scratch_path("there"));
    pid_t group = child.pid;
    CHECK(group_lives(group));
    check_stop(&child, 0, 10000, FE_STOP_GROUP, 0, SIGTERM);
    until_gone(group);
    fe_child_close(&child);
  }
}

static void misuse(void) {
  fe_child child, empty = FE_CHILD_INIT;
  int status;
  CHECK(fe_stop(NULL, 0, 0, 0, &status) == -1 && errno == EINVAL);
  check_stop(&empty, 0, 0, 0, ECHILD, 0);
  fe_child again = FE_CHILD_INIT;
  CHECK(memcmp(&empty, &again, sizeof empty) == 0);
  memset(&empty, 0, sizeof empty);
  check_stop(&empty, 0, 0, FE_STOP_TREE, ECHILD, 0);
  NEED(start_shell("exec sleep 100", 0, 0, &child));
  check_stop(&child, 0, -1, 0, EINVAL, 0);
  check_stop(&child, 0, INT_MIN, 0, EINVAL, 0);
  check_stop(&child, 65, 0, 0, EINVAL, 0);
  check_stop(&child, -1, 10, 0, EINVAL, 0);
  check_stop(&child, 0, 0, FE_STOP_GROUP | FE_STOP_TREE, EINVAL, 0);
  check_stop(&child, 0, 0, 4, EINVAL, 0);
  check_stop(&child, 0, 0, FE_STOP_GROUP, EINVAL, 0); /* it leads none */
  CHECK_INT(fe_kill(&child, 0), 0);
  CHECK_INT(fe_stop(&child, 0, 0, 0, NULL), 0);
  fe_child_close(&child);
  char *argv[] = {(char *)"sleep", (char *)"30", NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.path = "/bin/sleep";
  attr.flags = FE_ASYNC | FE_SETSID;
  NEED(spawn(&attr, FE_WAY_PIPED, &child));
  check_stop(&child, 0, 0, 0, EINPROGRESS, 0);
  NEED(finishes(&child));
  check_stop(&child, 0, 0, FE_STOP_GROUP, 0, SIGKILL);
  fe_child_close(&child);
  check_no_child();
}

static void a_tracee(void) {
  fe_child child;
  int status;
  char *argv[] = {(char *)"sleep", (char *)"30", NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.path = "/bin/sleep";
  attr.flags = FE_PTRACE;
  NEED(spawn(&attr, FE_WAY_SHARED, &child));
  NEED(fe_wait(&child, -1, &status) == 0 && WIFSTOPPED(status));
  check_stop(&child, 0, 100, 0, EINVAL, 0);
  NEED(fe_kill(&child, SIGKILL) == 0 && fe_wait(&child, -1, &status) == 0);
  fe_child_close(&child);
  check_no_child();
}

/* A child of somebody else's rights is neither stopped nor taken for stopped. */
static void not_permitted(void) {
  need_root();
  fe_child child;
  NEED(start_shell("exec sleep 2", 0, 0, &child));
  become_unprivileged();
  int64_t began = now_ns();
  check_stop(&child, 0, 500, 0, EPERM, 0);
  check_stop(&child, 0, 0, 0, EPERM, 0);
  CHECK(now_ns() - began < INT64_C(1000000000));
  int status = -1;
  CHECK(fe_wait(&child, -1, &status) == 0 && status == 0);
  fe_child_close(&child);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the group of a leader", group_of_each},
      {"the group without its system calls", group_without},
      {"no leader", no_leader},
      {"a group whose leader is gone", waited_for_by_others},
      {"who stops when asked", obedient},
      {"who does not", stubborn},
      {"system calls refused", refused},
      {"what is left of a group", what_is_left_of_the_group},
      {"misuse", misuse},
      {"a child that is traced", a_tracee},
      {"not permitted", not_permitted},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
