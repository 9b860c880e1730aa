/* SPDX-License-Identifier: BSD-3-Clause */
/* Many commands at once, in one loop and without threads: their lines are shown as they come, each with its number.
 *
 *   event_loop 'make -C a' 'make -C b' 'sleep 1; date'
 *
 * A child is two descriptors to poll(2): the pipe that it writes to, and its pidfd, which becomes readable when it has
 * ended. Both fit into an event loop that is there already (epoll, libuv, GLib). No SIGCHLD is needed. */
#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 100, LINE = 1000 };

struct job {
  fe_child child;
  char line[LINE]; /* what has come of one that has not ended */
  size_t length;
};
static struct job jobs[MOST];

static int start(struct job *job, char *command) {
  char *const argv[] = {(char *)"sh", (char *)"-c", command, NULL};
  /* Both streams in one pipe, so that they stay in order. */
  const int files[] = {FE_NULL, FE_TO_PIPE, FE_SAME_AS(1)};
  char message[200];
  fe_attr attr = FE_ATTR_INIT;
  fe_error error;
  attr.path = "/bin/sh";
  attr.argv = argv;
  attr.files = files;
  attr.nfiles = 3;
  attr.flags = FE_PIDFD;
  if (fe_spawn(&attr, &job->child, &error) != 0) {
    fe_error_message(&error, message, sizeof message);
    fprintf(stderr, "event_loop: %s: %s\n", command, message);
    return -1;
  }
  /* Ours alone: the child's end is an open file of its own. */
  return fcntl(job->child.ends[1], F_SETFL, O_NONBLOCK);
}

static void show(struct job *job, size_t n) {
  printf("[%d] %.*s\n", (int)(job - jobs) + 1, (int)n, job->line);
  fflush(stdout);
}

/* Takes what is in the pipe, and closes it at its end; `ended`: the child will write no more. */
static void take(struct job *job, int ended) {
  int *end = &job->child.ends[1];
  ssize_t n;
  while (*end >= 0 && (n = read(*end, job->line + job->length, LINE - job->length)) > 0) {
    char *rest = job->line, *newline;
    job->length += (size_t)n;
    while ((newline = memchr(rest, '\n', job->length)) != NULL) {
      size_t length = (size_t)(newline - rest);
      memmove(job->line, rest, job->length);
      show(job, length);
      rest = job->line + length + 1;
      job->length -= length + 1;
    }
    memmove(job->line, rest, job->length);
    if (job->length == LINE) {
      show(job, LINE);
      job->length = 0;
    }
  }
  /* A process that it has left behind may hold the pipe: that is no reason to wait for it. */
  if (*end >= 0 && (ended || n == 0 || errno != EAGAIN)) {
    close(*end);
    *end = -1; /* as the header says, who closes one sets it to -1 */
    if (job->length > 0) show(job, job->length);
    job->length = 0;
  }
}

int main(int argc, char **argv) {
  struct pollfd fds[2 * MOST];
  int count = argc - 1, left = 0, failed = 0;
  if (count < 1 || count > MOST) {
    fprintf(stderr, "usage: event_loop COMMAND...    (%d at most)\n", MOST);
    return 125;
  }
  for (int i = 0; i < count; i++) {
    if (start(&jobs[i], argv[i + 1]) == 0)
      left++;
    else
      failed = 1;
  }
  while (left > 0) {
    /* poll passes over what is -1: an end that was closed, the pidfd of a child that was waited for. */
    for (int i = 0; i < count; i++) {
      fds[2 * i] = (struct pollfd){jobs[i].child.ends[1], POLLIN, 0};
      fds[2 * i + 1] = (struct pollfd){jobs[i].child.pidfd, POLLIN, 0};
    }
    if (poll(fds, (nfds_t)(2 * count), -1) < 0 && errno != EINTR) {
      perror("event_loop: poll");
      return 1;
    }
    for (int i = 0; i < count; i++) {
      int status;
      if (fds[2 * i].revents != 0) take(&jobs[i], 0);
      if (fds[2 * i + 1].revents == 0 || fe_wait(&jobs[i].child, 0, &status) != 0) continue;
      take(&jobs[i], 1);
      fe_child_close(&jobs[i].child);
      left--;
      if (status != 0) {
        printf("[%d] %s %d\n", i + 1, WIFEXITED(status) ? "exit status" : "killed by signal",
               WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
        failed = 1;
      }
    }
  }
  return failed;
}
