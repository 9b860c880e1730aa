/* SPDX-License-Identifier: BSD-3-Clause */
/* The signal on the death of the calling thread. */
#include "test.h"

#include <pthread.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

static char *sleep_argv[] = {(char *)"sleep", (char *)"60", NULL};

static void sees(fe_attr *attr, unsigned way, int sig) {
  attr->pdeathsig = sig;
  char *seen = probe(attr, way);
  CHECK_INT(number(seen, "pdeathsig"), sig);
  CHECK_INT(prctl(PR_SET_PDEATHSIG, 0), 0);
  free(seen);
}

static void value_inside(void) {
  need(HAS_SIGNALS);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    sees(&attr, way, 0);
    sees(&attr, way, SIGTERM);
    sees(&attr, way, SIGKILL);
    sees(&attr, way, 64);
  }
}

static void with_a_credential(void) {
  /* A change of user clears it. */
  need_root();
  const gid_t none = 0;
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = 1000;
    credential.gid = 1001;
    credential.groups = &none;
    fe_attr attr = FE_ATTR_INIT;
    attr.credential = &credential;
    sees(&attr, way, SIGTERM);
  }
  if (expected_way(FE_WAY_PIPED) == 0) return;
  const fe_id_map map = {0, 0, 2000};
  fe_credential credential = FE_CREDENTIAL_INIT;
  credential.uid = credential.gid = 1000;
  fe_attr attr = FE_ATTR_INIT;
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = attr.gid_mappings = &map;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  attr.credential = &credential;
  sees(&attr, FE_WAY_PIPED, SIGTERM);
}

static void the_caller_is_pid_1(void) {
  need(HAS_NAMESPACES);
  need_root();
  NEED(unshare(CLONE_NEWPID) == 0);
  pid_t init = fork_apart();
  NEED(init >= 0);
  if (init == 0) {
    CHECK_INT(getpid(), 1);
    EACH_WAY(way) {
      fe_attr attr = FE_ATTR_INIT;
      sees(&attr, way, SIGTERM);
    }
    exit(0);
  }
  int status = -1;
  CHECK_INT(waitpid(init, &status, 0), init);
  CHECK_INT(status, 0);
}

static void the_caller_is_a_subreaper(void) {
  need(HAS_SUBREAPER);
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    sees(&attr, way, SIGTERM);
  }
}

static void in_a_new_pid_namespace(void) {
  /* Its parent has no number there, so that it cannot be told from a dead one. */
  need_root();
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.cloneflags = CLONE_NEWPID;
    sees(&attr, way, SIGTERM);
  }
  /* Pid 1 would survive its own signal, the others would not. */
  NEED(unshare(CLONE_NEWPID) == 0);
  pid_t init = fork_apart();
  NEED(init >= 0);
  if (init == 0)
    for (;;) pause();
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.pdeathsig = SIGTERM;
    char *seen = probe(&attr, way);
    CHECK(number(seen, "pid") > 1);
    CHECK_INT(number(seen, "ppid"), 0);
    CHECK_INT(number(seen, "pdeathsig"), SIGTERM);
    free(seen);
  }
  NEED(kill(init, SIGKILL) == 0);
  CHECK_INT(waitpid(init, NULL, 0), init);
}

/* ---- delivery ---- */

static fe_attr sleeper(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/sleep";
  attr.argv = sleep_argv;
  attr.pdeathsig = SIGTERM;
  return attr;
}

struct job {
  unsigned way;
  fe_child child;
  pthread_barrier_t barrier;
};

static void *spawn_and_end(void *argument) {
  struct job *job = argument;
  fe_attr attr = sleeper();
  spawn(&attr, job->way, &job->child);
  pthread_barrier_wait(&job->barrier);
  pthread_barrier_wait(&job->barrier);
  return NULL;
}

static void the_thread_ends(void) {
  EACH_WAY(way) {
    struct job job;
    pthread_t thread;
    job.way = way;
    NEED(pthread_barrier_init(&job.barrier, NULL, 2) == 0);
    NEED(pthread_create(&thread, NULL, spawn_and_end, &job) == 0);
    pthread_barrier_wait(&job.barrier);
    int status = -1;
    CHECK_INT(fe_wait(&job.child, 50, &status), -1);
    CHECK_INT(errno, ETIMEDOUT);
    pthread_barrier_wait(&job.barrier);
    NEED(pthread_join(thread, NULL) == 0);
    CHECK_INT(fe_wait(&job.child, 10000, &status), 0);
    CHECK_INT(status, SIGTERM);
    CHECK_INT(kill(getpid(), 0), 0);
  }
}

static void the_process_ends(void) {
  need(HAS_SUBREAPER);
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  EACH_WAY(way) {
    pid_t middle = fork_apart();
    NEED(middle >= 0);
    if (middle == 0) {
      fe_attr attr = sleeper();
      fe_child child;
      spawn(&attr, way, &child);
      _exit(0);
    }
    int status = -1;
    CHECK_INT(waitpid(middle, &status, 0), middle);
    CHECK_INT(status, 0);
    CHECK(waitpid(-1, &status, 0) > 0);
    CHECK_INT(status, SIGTERM);
  }
}

/* ---- a parent that dies before it is asked for ---- */

/* Kills a process that is inside fe_spawn, while its child is held at its very first instruction,
 * and lets the child go on. Returns the child's wait status. */
static int kill_the_parent(unsigned way, fe_attr *attr) {
  int go[2];
  char byte = 0;
  NEED(pipe2(go, O_CLOEXEC) == 0);
  pid_t middle = fork_apart();
  NEED(middle >= 0);
  if (middle == 0) {
    fe_child child;
    if (read(go[0], &byte, 1) != 1) _exit(1);
    attr->way = way;
    fe_spawn(attr, &child, NULL);
    for (;;) pause();
  }
  NEED(ptrace(PTRACE_SEIZE, middle, NULL,
              PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE) == 0);
  NEED(write(go[1], &byte, 1) == 1);
  close(go[0]);
  close(go[1]);
  /* The clone is reported by the parent and by the child, in any order. */
  pid_t child = 0;
  bool stopped = false;
  while (!child || !stopped) {
    int status = 0;
    pid_t pid = waitpid(-1, &status, __WALL);
    NEED(pid > 0 && WIFSTOPPED(status));
    unsigned long made = 0;
    if (pid != middle) {
      stopped = true;
    } else if (status >> 16) {
      NEED(ptrace(PTRACE_GETEVENTMSG, middle, NULL, &made) == 0);
      child = (pid_t)made;
      NEED(ptrace(PTRACE_CONT, middle, NULL, NULL) == 0);
    } else {
      NEED(ptrace(PTRACE_CONT, middle, NULL, WSTOPSIG(status)) == 0);
    }
  }
  int status = 0;
  NEED(kill(middle, SIGKILL) == 0);
  CHECK_INT(waitpid(middle, &status, __WALL), middle);
  CHECK_INT(status, SIGKILL);
  NEED(ptrace(PTRACE_DETACH, child, NULL, NULL) == 0);
  CHECK_INT(waitpid(child, &status, __WALL), child);
  return status;
}

static void the_parent_is_dead_already(void) {
  need(HAS_SUBREAPER);
  /* The case inherits the orphan: its number is not 1. */
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const char *ran = kept_path("ran");
  char *touch[] = {(char *)"touch", (char *)ran, NULL};
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "/bin/touch";
    attr.argv = touch;
    attr.pdeathsig = SIGUSR1;
    CHECK_INT(kill_the_parent(way, &attr), SIGUSR1);
    CHECK(access(ran, F_OK) != 0);
    attr.pdeathsig = SIGKILL;
    CHECK_INT(kill_the_parent(way, &attr), SIGKILL);
    CHECK(access(ran, F_OK) != 0);
    /* Without it the orphan lives, as the control. */
    attr.pdeathsig = 0;
    CHECK_INT(kill_the_parent(way, &attr), 0);
    CHECK(access(ran, F_OK) == 0);
    NEED(unlink(ran) == 0);
    check_no_child();
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the value inside", value_inside},
      {"set after the credential", with_a_credential},
      {"the caller is pid 1", the_caller_is_pid_1},
      {"the caller is a subreaper", the_caller_is_a_subreaper},
      {"the child is in a new pid namespace", in_a_new_pid_namespace},
      {"it comes when the thread ends", the_thread_ends},
      {"it comes when the process ends", the_process_ends},
      {"the parent is dead already", the_parent_is_dead_already},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
