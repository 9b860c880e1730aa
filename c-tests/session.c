/* SPDX-License-Identifier: BSD-3-Clause */
/* Sessions and process groups. */
#include "test.h"

static char *sleep_argv[] = {(char *)"sleep", (char *)"60", NULL};
static char *name_only[] = {(char *)"true", NULL};

static fe_attr sleeper(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/sleep";
  attr.argv = sleep_argv;
  return attr;
}

static void end(fe_child *child) {
  int status = 0;
  CHECK_INT(fe_kill(child, SIGKILL), 0);
  CHECK_INT(fe_wait(child, -1, &status), 0);
  CHECK_INT(status, SIGKILL);
  fe_child_close(child);
}

static void inherited(void) {
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "pgid"), getpgid(0));
    CHECK_INT(number(seen, "sid"), getsid(0));
    free(seen);
  }
}

static void new_session(void) {
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_SETSID;
    char *seen = probe(&attr, way);
    CHECK(number(seen, "pid") > 0);
    CHECK_INT(number(seen, "sid"), number(seen, "pid"));
    CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
    CHECK_INT(number(seen, "tty"), 0);
    free(seen);
  }
}

static void own_group(void) {
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_SETPGID;
    char *seen = probe(&attr, way);
    CHECK(number(seen, "pid") > 0);
    CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
    CHECK_INT(number(seen, "sid"), getsid(0));
    free(seen);
  }
}

static void seen_at_once(void) {
  EACH_WAY(way) {
    for (int i = 0; i < 20; i++) {
      fe_attr attr = sleeper();
      fe_child child;
      attr.flags = FE_SETPGID;
      if (!spawn(&attr, way, &child)) return;
      CHECK_INT(getpgid(child.pid), child.pid);
      CHECK_INT(kill(-child.pid, SIGKILL), 0);
      CHECK_INT(fe_wait(&child, -1, NULL), 0);
      attr.flags = FE_SETSID;
      if (!spawn(&attr, way, &child)) return;
      CHECK_INT(getsid(child.pid), child.pid);
      end(&child);
    }
  }
}

static void joined(void) {
  EACH_WAY(way) {
    fe_attr attr = sleeper();
    fe_child leader;
    attr.flags = FE_SETPGID;
    if (!spawn(&attr, way, &leader)) return;
    fe_attr member = FE_ATTR_INIT;
    member.flags = FE_SETPGID;
    member.pgid = leader.pid;
    char *seen = probe(&member, way);
    CHECK_INT(number(seen, "pgid"), leader.pid);
    CHECK(number(seen, "pid") != leader.pid);
    free(seen);
    /* A leader that is dead but not waited for still holds its group. */
    CHECK_INT(fe_kill(&leader, SIGKILL), 0);
    siginfo_t info;
    CHECK_INT(waitid(P_PID, (id_t)leader.pid, &info, WEXITED | WNOWAIT), 0);
    seen = probe(&member, way);
    CHECK_INT(number(seen, "pgid"), leader.pid);
    free(seen);
    CHECK_INT(fe_wait(&leader, -1, NULL), 0);
    member.path = "/bin/true";
    member.argv = name_only;
    spawn_fails(&member, way, EPERM, FE_STEP_SETPGID, -1);
  }
}

static void of_a_foreign_session(void) {
  EACH_WAY(way) {
    /* Found by its number: the leader must not be a child when spawn_fails looks for any. */
    int ready[2], done[2];
    NEED(pipe2(ready, O_CLOEXEC) == 0 && pipe2(done, O_CLOEXEC) == 0);
    pid_t middle = fork_apart();
    NEED(middle >= 0);
    if (middle == 0) {
      pid_t leader = fork_apart();
      if (leader > 0) _exit(0);
      close(done[1]);
      setsid();
      pid_t me = getpid();
      if (write(ready[1], &me, sizeof me) < 0 || read(done[0], &me, 1) < 0) _exit(1);
      _exit(0);
    }
    NEED(waitpid(middle, NULL, 0) == middle);
    pid_t leader = 0;
    NEED(read(ready[0], &leader, sizeof leader) == (ssize_t)sizeof leader);
    NEED(getsid(leader) == leader);
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "/bin/true";
    attr.argv = name_only;
    attr.flags = FE_SETPGID;
    attr.pgid = leader;
    spawn_fails(&attr, way, EPERM, FE_STEP_SETPGID, -1);
    close(done[1]);
    close(done[0]);
    close(ready[0]);
    close(ready[1]);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the caller's session and group", inherited},
      {"FE_SETSID", new_session},
      {"FE_SETPGID: a group of its own", own_group},
      {"the parent sees group and session at once", seen_at_once},
      {"FE_SETPGID: joins a group", joined},
      {"FE_SETPGID: not one of another session", of_a_foreign_session},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
