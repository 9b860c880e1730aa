/* SPDX-License-Identifier: BSD-3-Clause */
/* An interactive program in a terminal of its own, with ours as its screen and keyboard, as script(1) and ssh(1) have it.
 *
 *   terminal vi README.md
 *
 * Ours is raw meanwhile, so that Ctrl-C and the like go through as bytes and the new terminal makes signals of them. The
 * exit status is the program's own; ours is as it was, however it ends. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static volatile sig_atomic_t resized, ended_by;

static void on_signal(int sig) {
  if (sig == SIGWINCH)
    resized = 1;
  else
    ended_by = sig;
}

/* The signals are blocked but for the time of ppoll: none can come between a look and the sleep. */
static sigset_t catch_signals(void) {
  static const int signals[] = {SIGWINCH, SIGHUP, SIGINT, SIGTERM};
  struct sigaction action = {.sa_handler = on_signal};
  sigset_t set, before;
  sigemptyset(&set);
  for (int i = 0; i < 4; i++) {
    sigaction(signals[i], &action, NULL);
    sigaddset(&set, signals[i]);
  }
  sigprocmask(SIG_BLOCK, &set, &before);
  return before;
}

static int copy_out(int pty) {
  char text[4096], *at = text;
  ssize_t n = read(pty, text, sizeof text), done;
  if (n <= 0) return n < 0 && errno == EAGAIN ? 0 : -1; /* EIO: nobody has the terminal open any more */
  for (ssize_t left = n; left > 0; left -= done, at += done)
    if ((done = write(1, at, (size_t)left)) < 0) return -1;
  return 1;
}

/* Until the child has ended, or we are to end. */
static void proxy(fe_child *child, const sigset_t *unblocked) {
  char typed[512];
  size_t from = 0, to = 0; /* what of it the terminal has not taken yet */
  int keyboard = 0;
  while (!ended_by) {
    struct winsize size;
    if (resized && ioctl(0, TIOCGWINSZ, &size) == 0) ioctl(child->pty, TIOCSWINSZ, &size);
    resized = 0;
    /* What is typed waits until it is taken: a program that does not read must not keep us from its output. */
    struct pollfd fds[] = {{from == to ? keyboard : -1, POLLIN, 0},
                           {child->pty, (short)(from < to ? POLLIN | POLLOUT : POLLIN), 0},
                           {child->pidfd, POLLIN, 0}};
    if (ppoll(fds, 3, NULL, unblocked) < 0) continue; /* by a signal */
    if (fds[0].revents != 0) {
      ssize_t n = read(0, typed, sizeof typed);
      if (n <= 0) { /* no more of it: Ctrl-D, for a program that reads on */
        typed[0] = 4;
        keyboard = -1;
      }
      from = 0;
      to = n > 0 ? (size_t)n : 1;
    }
    if (from < to) {
      ssize_t n = write(child->pty, typed + from, to - from);
      if (n > 0) from += (size_t)n;
    }
    if (fds[1].revents != 0 && copy_out(child->pty) < 0) break;
    if (fds[2].revents != 0) break;
  }
  /* The last of its output may be on its way still. Somebody whom it has left behind can hold the terminal: no longer than
   * there is something to show. */
  struct pollfd rest = {child->pty, POLLIN, 0};
  while (!ended_by && poll(&rest, 1, 100) > 0 && copy_out(child->pty) > 0) continue;
}

int main(int argc, char **argv) {
  char message[200];
  struct termios before, raw;
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  fe_error error;
  int status = 0, have_terminal = tcgetattr(0, &before) == 0;
  if (argc < 2) {
    fprintf(stderr, "usage: terminal COMMAND [ARGUMENT]...\n");
    return 125;
  }
  sigset_t mask = catch_signals();
  attr.argv = argv + 1;
  attr.flags = FE_PTY | FE_PIDFD | FE_SEARCH_PATH;
  attr.sigmask = &mask; /* not with our signals blocked */
  if (ioctl(0, TIOCGWINSZ, &attr.winsize) != 0) attr.winsize = (struct winsize){24, 80, 0, 0};
  if (fe_spawn(&attr, &child, &error) != 0) {
    fe_error_message(&error, message, sizeof message);
    fprintf(stderr, "terminal: %s: %s\n", argv[1], message);
    return 126;
  }
  if (have_terminal) {
    raw = before;
    cfmakeraw(&raw);
    tcsetattr(0, TCSADRAIN, &raw);
  }
  fcntl(child.pty, F_SETFL, O_NONBLOCK);
  proxy(&child, &mask);
  if (have_terminal) tcsetattr(0, TCSADRAIN, &before);
  /* Hangs up, in case that it lives: SIGHUP for the program. One that stays is ended after a while. */
  close(child.pty);
  child.pty = -1;
  if (fe_wait(&child, 1000, &status) != 0) fe_stop(&child, SIGTERM, 1000, 0, &status);
  fe_child_close(&child);
  if (ended_by) return 128 + ended_by;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
