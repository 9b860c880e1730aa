/* SPDX-License-Identifier: BSD-3-Clause */
/* system(3). */

#include "missing.h"
#include "shell.h"
#include "stand_in.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* The actions of SIGINT and SIGQUIT belong to the process: the first of several threads that are in
 * system() takes them away, and the last gives them back. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned users;
static struct sigaction interrupt, quit;

struct run {
  sigset_t mask; /* of before */
  fe_child child;
};

static void begin(struct run *run, sigset_t *sigdefault) {
  struct sigaction ignore = {.sa_handler = SIG_IGN};
  sigset_t chld;
  sigemptyset(&chld);
  sigaddset(&chld, SIGCHLD);
  sigemptyset(sigdefault);
  pthread_mutex_lock(&lock);
  if (users++ == 0) {
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
  }
  /* What the caller ignores, the command ignores too. */
  if (interrupt.sa_handler != SIG_IGN) sigaddset(sigdefault, SIGINT);
  if (quit.sa_handler != SIG_IGN) sigaddset(sigdefault, SIGQUIT);
  pthread_mutex_unlock(&lock);
  pthread_sigmask(SIG_BLOCK, &chld, &run->mask);
}

static void end(const struct run *run) {
  pthread_mutex_lock(&lock);
  if (--users == 0) {
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
  }
  pthread_mutex_unlock(&lock);
  pthread_sigmask(SIG_SETMASK, &run->mask, NULL);
}

/* The thread was cancelled while it waited: the command does not outlive it. */
static void cancelled(void *argument) {
  struct run *run = argument;
  fe_kill(&run->child, SIGKILL);
  fe_wait(&run->child, -1, NULL);
  end(run);
}

/* waitpid(2), and not fe_wait: system() is a cancellation point. */
static int wait_for(struct run *run, int *status) {
  pid_t pid;
  pthread_cleanup_push(cancelled, run);
  do pid = waitpid(run->child.pid, status, 0);
  while (pid < 0 && errno == EINTR);
  pthread_cleanup_pop(0);
  return pid < 0 ? -1 : 0;
}

static int run_command(const char *command) {
  struct run run;
  sigset_t sigdefault;
  fe_error error;
  int status = -1, saved = errno;
  char *argv[] = SHELL_ARGV(command);
  fe_attr attr = FE_ATTR_INIT;
  begin(&run, &sigdefault);
  attr.path = SHELL_PATH;
  attr.argv = argv;
  attr.sigmask = &run.mask;
  attr.sigdefault = &sigdefault;
  if (fe_spawn(&attr, &run.child, &error) == 0) {
    if (wait_for(&run, &status) != 0) {
      saved = errno;
      status = -1;
    }
  } else if (was_killed(&error)) {
    status = error.signal;
  } else {
    saved = error.errnum;
    /* POSIX: a shell that cannot be executed is one that has exited with 127, but -1 is for when there
     * was no child. */
    if (error.step == FE_STEP_EXEC) status = 127 << 8;
  }
  end(&run);
  errno = saved;
  return status;
}

int system(const char *command) {
  if (missing(command)) return run_command("exit 0") == 0;
  return run_command(command);
}
