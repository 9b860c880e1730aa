/* SPDX-License-Identifier: BSD-3-Clause */
/* As with env(1) and timeout(1), what is sent to the command is for the program. */

#include "signals.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static const int passed_on[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2};
#define COUNT (sizeof passed_on / sizeof *passed_on)

static fe_child *volatile target;
static volatile sig_atomic_t to_group, pending, heard;

static void send(fe_child *child, int sig) {
  if (to_group)
    fe_kill_group(child, sig);
  else
    fe_kill(child, sig);
}

/* One that comes before there is a child is kept for it. It cannot be blocked until then: the child
 * would inherit the mask. */
static void pass_on(int sig, siginfo_t *info, void *context) {
  int saved = errno;
  fe_child *child = target;
  (void)context;
  heard = 1;
  if (child == NULL) {
    pending |= 1 << sig;
  } else {
    /* A terminal's, as of Ctrl-C, goes to all of a group: a program in the command's own has it
     * already. */
    bool has_it = info->si_code == SI_KERNEL && getpgid(child->pid) == getpgrp();
    if (!has_it) send(child, sig);
  }
  errno = saved;
}

void catch_signals(void) {
  struct sigaction action = {.sa_sigaction = pass_on, .sa_flags = SA_RESTART | SA_SIGINFO}, old;
  for (size_t i = 0; i < COUNT; i++) sigaddset(&action.sa_mask, passed_on[i]);
  /* Caught, a signal is default in the program, where SIG_IGN would stay. One that is ignored
   * already, by nohup(1) or so, is meant to. */
  for (size_t i = 0; i < COUNT; i++)
    if (sigaction(passed_on[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
      sigaction(passed_on[i], &action, NULL);
  /* Ignored, there would be no exit status to wait for. */
  signal(SIGCHLD, SIG_DFL);
}

static void hear(int sig) {
  (void)sig;
  heard = 1;
}

/* It is blocked meanwhile, so that none comes between the look and the sleep. What is passed on
 * ends the wait too: the child, whose signals are blocked as it stands there, is to feel it. */
void wait_for_signal(void) {
  struct sigaction action = {.sa_handler = hear, .sa_flags = SA_NOCLDSTOP};
  sigset_t all, old;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &old);
  sigaction(SIGCONT, &action, NULL);
  sigaction(SIGCHLD, &action, NULL);
  while (!heard) sigsuspend(&old);
  signal(SIGCONT, SIG_DFL);
  signal(SIGCHLD, SIG_DFL);
  sigprocmask(SIG_SETMASK, &old, NULL);
}

void pass_on_to(fe_child *child, bool group) {
  /* In this order: what comes in between is passed on by its handler. A terminal's that came while
   * the child was made may reach it twice, which is better than not at all. */
  to_group = group;
  target = child;
  for (size_t i = 0; i < COUNT; i++)
    if ((pending & 1 << passed_on[i]) != 0) send(child, passed_on[i]);
}
