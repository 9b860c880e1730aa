/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_ASYNC and what the caller does meanwhile: it forks, its thread ends, it ends itself, it has a thousand
 * on their way. See async.c. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/time.h>

/* ---- is interrupted ---- */

static fe_child *volatile target;
static volatile sig_atomic_t interrupted, missed;

static void look(int sig) {
  (void)sig;
  int saved = errno;
  if (target != NULL) {
    interrupted++;
    if (fe_kill(target, 0) != 0) missed++;
  }
  errno = saved;
}

/* A handler that passes signals on finds the child from fe_spawn on, also while its outcome is told. */
static void a_handler_meanwhile(void) {
  struct sigaction action = {.sa_handler = look};
  NEED(sigaction(SIGALRM, &action, NULL) == 0);
  for (unsigned kind = 0; kind < 3; kind++) {
    interrupted = missed = 0;
    for (int i = 0; i < 4000 && (i < 400 || interrupted < 4000); i++) {
      static fe_child child;
      fe_error error;
      fe_attr attr = nothing();
      attr.flags = kind == 2 ? FE_SUSPEND : FE_ASYNC;
      attr.way = kind == 1 ? FE_WAY_CONCURRENT : FE_WAY_PIPED;
      NEED(fe_spawn(&attr, &child, &error) == 0);
      target = &child;
      const struct itimerval often = {{0, 30}, {0, 30}}, never = {{0, 0}, {0, 0}};
      setitimer(ITIMER_REAL, &often, NULL);
      int result = kind == 2 ? fe_resume(&child, -1, &error) : fe_spawn_finish(&child, -1, &error);
      setitimer(ITIMER_REAL, &never, NULL);
      target = NULL;
      NEED(result == 0 && fe_wait(&child, -1, NULL) == 0);
      fe_child_close(&child);
    }
    note("%d times interrupted", (int)interrupted);
    CHECK(interrupted > 400);
    CHECK_INT(missed, 0);
  }
}

/* ---- forks ---- */

static void finished_elsewhere(void) {
  /* A copy of the memory of whoever called fe_spawn knows nothing, and says so at once. */
  EACH_WAY_BESIDE(way) {
    fe_child child;
    fe_attr attr = nothing();
    const char *fifo = new_fifo();
    ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
    if (!start(&attr, way, &child)) continue;
    wait_until_in(&child, FE_STEP_ACTION_OPEN);
    for (int i = 0; i < 3; i++) {
      pid_t pid = fork_apart();
      NEED(pid >= 0);
      if (pid == 0) {
        fe_error error;
        errno = 0;
        if (i == 2) {
          fe_child_close(&child);
        } else {
          CHECK_INT(fe_spawn_finish(&child, i - 1, &error), -1);
          CHECK_STR(errno_name(errno), "ECHILD");
          CHECK_INT(error.errnum, ECHILD);
        }
        CHECK(is_empty(&child));
        /* There is nothing of it that would be in the way of another. */
        attr.actions = NULL;
        attr.nactions = 0;
        for (int n = 0; n < 3; n++) {
          if (!start(&attr, way, &child)) break;
          finishes(&child);
          ends(&child, 0);
        }
        exit(0);
      }
      reaped(pid, 0);
    }
    in_progress(&child, 0, FE_STEP_ACTION_OPEN, 0);
    close(let_go(fifo));
    finishes(&child);
    ends(&child, 0);
    check_no_child();
  }
}

/* A process that another thread forks while the spawning one stands in its clone, and that stays. */
static struct shared {
  pid_t holder;
} *held;

static void hold(pid_t caller) {
  (void)caller;
  pid_t child = fork_apart();
  if (child == 0) {
    pid_t holder = fork_apart();
    if (holder > 0) held->holder = holder;
    if (holder != 0) _exit(0);
    alarm(20); /* if the case dies first */
    for (;;) pause();
  }
  waitpid(child, NULL, 0);
}

static void beside_a_holder(unsigned way, const void *with) {
  const fe_attr *attr = with;
  static struct watcher watcher = {hold, 0, 0, -1};
  held = mmap(NULL, sizeof *held, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(held != MAP_FAILED);
  fe_attr first = nothing();
  spawn_exits(&first, FE_WAY_SHARED, 0);
  /* Not that of fork(3), which is clone. */
  watch_if(&watcher, SYS_clone3, 0, 0, 0);
  fe_child child;
  if (start(attr, way, &child)) {
    if (attr->dir) {
      finish_fails(&child, -1, ENOENT, FE_STEP_CHDIR, -1, 0);
    } else {
      finishes(&child);
      ends(&child, 0);
    }
  }
  CHECK_INT(watcher.calls, 1);
  CHECK(held->holder > 0 && kill(held->holder, SIGKILL) == 0);
  check_no_child();
}

static void forked_meanwhile(void) {
  need(HAS_CLONE3);
  EACH_WAY_BESIDE(way) {
    for (int fails = 0; fails < 2; fails++) {
      fe_attr attr = nothing();
      attr.dir = fails ? "/nonexistent" : NULL;
      apart(beside_a_holder, way, &attr);
    }
  }
}

/* ---- threads ---- */

struct by_thread {
  fe_attr attr;
  unsigned way;
  fe_child child;
  bool good;
};

static void *start_in_thread(void *argument) {
  struct by_thread *this = argument;
  this->good = start(&this->attr, this->way, &this->child);
  return NULL;
}

static void thread_ends(void) {
  EACH_WAY_BESIDE(way) {
    for (int i = 0; i < 3; i++) {
      const char *fifo = new_fifo();
      struct by_thread this = {nothing(), way, FE_CHILD_INIT, false};
      ACT(&this.attr, FE_OPEN(0, fifo, O_RDONLY, 0));
      if (i == 1) this.attr.path = "/nonexistent";
      pthread_t thread;
      NEED(pthread_create(&thread, NULL, start_in_thread, &this) == 0);
      NEED(pthread_join(thread, NULL) == 0);
      if (!this.good) continue;
      wait_until_in(&this.child, FE_STEP_ACTION_OPEN);
      if (i == 2) {
        CHECK_INT(fe_kill(&this.child, SIGKILL), 0);
        finish_fails(&this.child, -1, ECANCELED, FE_STEP_ACTION_OPEN, 0, SIGKILL);
        continue;
      }
      close(let_go(fifo));
      if (i == 1) {
        finish_fails(&this.child, -1, ENOENT, FE_STEP_EXEC, -1, 0);
      } else {
        finishes(&this.child);
        ends(&this.child, 0);
      }
    }
    check_no_child();
  }
}

static void *start_and_finish(void *argument) {
  const struct by_thread *given = argument;
  for (int i = 0; i < 50; i++) {
    fe_child children[3];
    for (int k = 0; k < 3; k++) {
      fe_attr attr = given->attr;
      if (k == 1) attr.path = "/nonexistent";
      if (k == 2) attr.dir = "/nonexistent";
      attr.flags = i % 2 ? FE_CLOSE_OTHERS : 0;
      NEED(start(&attr, given->way, &children[k]));
    }
    /* In turns from the first and from the last. */
    for (int n = 0; n < 3; n++) {
      int k = i % 2 ? 2 - n : n;
      if (k == 0) {
        finishes(&children[k]);
        ends(&children[k], 0);
      } else {
        finish_fails(&children[k], -1, ENOENT, k == 1 ? FE_STEP_EXEC : FE_STEP_CHDIR, -1, 0);
      }
    }
  }
  return NULL;
}

static void threads(void) {
  enum { THREADS = 8 };
  if (world() != WORLD_KERNEL) skip("threads take too long there");
  EACH_WAY_BESIDE(way) {
    pthread_t all[THREADS];
    struct by_thread this = {nothing(), way, FE_CHILD_INIT, false};
    char *before = snapshot();
    for (int i = 0; i < THREADS; i++)
      NEED(pthread_create(&all[i], NULL, start_and_finish, &this) == 0);
    for (int i = 0; i < THREADS; i++) NEED(pthread_join(all[i], NULL) == 0);
    char *after = snapshot();
    CHECK_STR(after, before);
    check_no_child();
    free(before);
    free(after);
  }
}

static fe_attr traced_attr(void) {
  fe_attr attr = nothing();
  attr.flags = FE_PTRACE;
  return attr;
}

static void traced(void) {
  fe_child child;
  fe_attr attr = traced_attr();
  int status = -1;
  if (!start(&attr, FE_WAY_PIPED, &child)) return;
  finishes(&child);
  /* It stands in its first stop. */
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, 0x7f | SIGTRAP << 8);
  CHECK_INT(fe_kill(&child, SIGKILL), 0);
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, SIGKILL);
  check_no_child();
}

static void *finish_in_thread(void *argument) {
  struct by_thread *this = argument;
  static const int waits[] = {-1, 0};
  for (int i = 0; i < 2; i++) {
    fe_error error;
    errno = 0;
    CHECK_INT(fe_spawn_finish(&this->child, waits[i], &error), -1);
    CHECK_STR(errno_name(errno), "EINVAL");
    CHECK_INT(error.step, FE_STEP_ARGS);
    CHECK(this->child.ready >= 0);
  }
  if (!this->good) fe_child_close(&this->child);
  return NULL;
}

static void traced_by_another(void) {
  /* The stop is for the calling thread alone: another is refused, and does not look for it for ever. */
  for (int closes = 0; closes < 2; closes++) {
    struct by_thread this = {traced_attr(), FE_WAY_PIPED, FE_CHILD_INIT, !closes};
    if (!start(&this.attr, this.way, &this.child)) return;
    pid_t pid = this.child.pid;
    CHECK(poll(&(struct pollfd){this.child.ready, POLLIN, 0}, 1, -1) == 1);
    pthread_t thread;
    NEED(pthread_create(&thread, NULL, finish_in_thread, &this) == 0);
    NEED(pthread_join(thread, NULL) == 0);
    if (!closes) finishes(&this.child);
    fe_child_close(&this.child);
    reaped(pid, 0x7f | SIGTRAP << 8);
    NEED(kill(pid, SIGKILL) == 0);
    reaped(pid, SIGKILL);
  }
  check_no_child();
}

static void waited_for_by_another(void) {
  EACH_WAY_BESIDE(way) {
    for (int i = 0; i < 3; i++) {
      fe_child child;
      const char *fifo = new_fifo();
      fe_attr attr = nothing();
      ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
      if (i == 1) attr.path = "/nonexistent";
      if (!start(&attr, way, &child)) continue;
      wait_until_in(&child, FE_STEP_ACTION_OPEN);
      if (i == 2) {
        /* How it died, nobody can tell any more. */
        CHECK_INT(fe_kill(&child, SIGKILL), 0);
        reaped(child.pid, SIGKILL);
        errno = 0;
        CHECK_INT(fe_kill(&child, SIGKILL), -1);
        CHECK_STR(errno_name(errno), "ESRCH");
        finish_fails(&child, -1, ECANCELED, FE_STEP_ACTION_OPEN, 0, 0);
        continue;
      }
      close(let_go(fifo));
      reaped(child.pid, i == 0 ? 0 : 127 << 8);
      if (i == 1) {
        finish_fails(&child, -1, ENOENT, FE_STEP_EXEC, -1, 0);
        continue;
      }
      finishes(&child);
      errno = 0;
      CHECK_INT(fe_wait(&child, -1, NULL), -1);
      CHECK_STR(errno_name(errno), "ECHILD");
      fe_child_close(&child);
    }
    check_no_child();
  }
}

/* ---- the caller's end ---- */

static void caller_ends(void) {
  need(HAS_SUBREAPER);
  if (world() == WORLD_VALGRIND) skip("valgrind reports at the end of the caller");
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  EACH_WAY_BESIDE(way) {
    for (int fails = 0; fails < 2; fails++) {
      const char *fifo = new_fifo();
      pid_t *grandchild = mmap(NULL, sizeof *grandchild, PROT_READ | PROT_WRITE,
                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
      NEED(grandchild != MAP_FAILED);
      pid_t caller = fork_apart();
      NEED(caller >= 0);
      if (caller == 0) {
        static char *argv[] = {(char *)"sh", (char *)"-c", (char *)"exit 7", NULL};
        fe_child child;
        fe_attr attr = nothing();
        attr.path = fails ? "/nonexistent" : "/bin/sh";
        attr.argv = argv;
        ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
        NEED(start(&attr, way, &child));
        *grandchild = child.pid;
        _exit(0);
      }
      reaped(caller, 0);
      /* It goes on in what was the caller's memory, and alone. */
      close(let_go(fifo));
      int status = -1;
      CHECK_INT(waitpid(*grandchild, &status, 0), *grandchild);
      if (!fails) CHECK_INT(status, 7 << 8);
      CHECK(status != 0);
      NEED(munmap(grandchild, sizeof *grandchild) == 0);
    }
  }
}

/* ---- many at once ---- */

static void a_thousand(void) {
  enum { MANY = 1000, TAKES = MANY + 100 };
  if (world() != WORLD_KERNEL) skip("a thousand take too long there");
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (limit.rlim_max < TAKES) skip("the hard limit of open descriptors is too low");
  limit.rlim_cur = TAKES;
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  static fe_child children[MANY];
  EACH_WAY_BESIDE(way) {
    const char *fifo = new_fifo();
    fe_attr attr = nothing();
    ACT(&attr, FE_OPEN(0, fifo, O_RDONLY, 0));
    char *before = snapshot();
    for (int i = 0; i < MANY; i++) {
      attr.path = i % 3 == 2 ? "/nonexistent" : "/bin/true";
      NEED(start(&attr, way, &children[i]));
    }
    int writer = let_go(fifo);
    for (int i = MANY - 1; i >= 0; i--) {
      if (i % 3 == 2) {
        finish_fails(&children[i], -1, ENOENT, FE_STEP_EXEC, -1, 0);
      } else {
        finishes(&children[i]);
        ends(&children[i], 0);
      }
    }
    close(writer);
    char *after = snapshot();
    CHECK_STR(after, before);
    check_no_child();
    free(before);
    free(after);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"a handler meanwhile", a_handler_meanwhile},
      {"finished in another process", finished_elsewhere},
      {"another thread forks meanwhile", forked_meanwhile},
      {"the calling thread ends", thread_ends},
      {"8 threads", threads},
      {"traced", traced},
      {"traced by another thread", traced_by_another},
      {"waited for by another", waited_for_by_another},
      {"the caller ends", caller_ends},
      {"a thousand at once", a_thousand},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
