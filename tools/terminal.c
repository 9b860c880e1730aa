/* SPDX-License-Identifier: BSD-3-Clause */
/* What is typed and shown goes through a thread of its own, so that the command waits for a program
 * in a terminal as for any other. It knows nothing of the child but the terminal's other end. */

#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* More than the kernel keeps for a terminal: what others write when the child has ended may have no
 * end. */
#define LAST_BYTES (1 << 20)

static int sized = -1;                /* the user's terminal; -1: none */
static volatile sig_atomic_t pty = -1; /* the other end of the program's */
static fe_child *owner;
static bool is_raw;
static struct termios users_modes;
static pthread_t server;
static bool is_served;
static int ended[2]; /* a pipe whose writing end is closed when the child has ended */

/* ---- size and modes ---- */

static void follow_size(int sig) {
  struct winsize size;
  int saved = errno;
  (void)sig;
  if (pty >= 0 && ioctl(sized, TIOCGWINSZ, &size) == 0) ioctl(pty, TIOCSWINSZ, &size);
  errno = saved;
}

void plan_terminal(struct job *job) {
  struct sigaction action = {.sa_handler = follow_size, .sa_flags = SA_RESTART};
  if ((job->attr.flags & FE_PTY) == 0) return;
  /* Where the caller has closed one, the new terminal would get its number. Of this there is
   * nothing to be read, and it is not to be written to. */
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDONLY | O_CLOEXEC) != fd)
      DIE("open \"/dev/null\": %s", strerror(errno));
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO && sized < 0; fd++)
    if (ioctl(fd, TIOCGWINSZ, &job->attr.winsize) == 0) sized = fd;
  if (sized >= 0) sigaction(SIGWINCH, &action, NULL);
}

void terminal_restore(void) {
  if (!is_raw) return;
  is_raw = false;
  /* In the background it would stop us. */
  signal(SIGTTOU, SIG_IGN);
  tcsetattr(STDIN_FILENO, TCSANOW, &users_modes);
}

void terminal_prepare(fe_child *child) {
  struct termios modes;
  owner = child;
  pty = child->pty;
  if (tcgetattr(STDIN_FILENO, &users_modes) == 0) {
    tcsetattr(pty, TCSANOW, &users_modes);
    modes = users_modes;
    cfmakeraw(&modes);
    is_raw = true;
    atexit(terminal_restore);
    tcsetattr(STDIN_FILENO, TCSANOW, &modes);
  } else if (tcgetattr(pty, &modes) == 0) {
    /* Nobody types: what is read from a file or a pipe would be among the output. */
    modes.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(pty, TCSANOW, &modes);
  }
  /* The size may have changed since it was asked for. */
  if (sized >= 0) follow_size(SIGWINCH);
}

/* ---- the two directions ---- */

struct input {
  char bytes[4096];
  size_t begin, end;
  bool is_open, is_line; /* whether the last one was a newline */
};

/* As a user would say it: the end-of-file character, twice where a line has begun, which the first
 * one ends. */
static void type_end(struct input *input) {
  struct termios modes;
  char end = 4;
  if (tcgetattr(pty, &modes) == 0) end = (char)modes.c_cc[VEOF];
  input->is_open = false;
  input->begin = 0;
  input->end = input->is_line ? 1 : 2;
  memset(input->bytes, end, input->end);
}

static void read_input(struct input *input) {
  ssize_t n = read(STDIN_FILENO, input->bytes, sizeof input->bytes);
  if (n < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (n <= 0) {
    type_end(input);
    return;
  }
  input->begin = 0;
  input->end = (size_t)n;
  input->is_line = input->bytes[n - 1] == '\n';
}

static void type_input(struct input *input) {
  ssize_t n = write(pty, input->bytes + input->begin, input->end - input->begin);
  if (n > 0) input->begin += (size_t)n;
}

/* How many bytes; 0 when there is nothing for now, -1 when there never will be again. */
static ssize_t show_output(void) {
  char bytes[4096];
  ssize_t n = read(pty, bytes, sizeof bytes);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  /* EIO: nobody has the terminal open any more. */
  if (n <= 0) return -1;
  if (write_all(STDOUT_FILENO, bytes, (size_t)n)) return n;
  /* Where SIGPIPE would end a program that writes by itself, this one's terminal is hung up. */
  int fd = pty;
  pty = -1;
  owner->pty = -1;
  close(fd);
  return -1;
}

static void *serve(void *unused) {
  struct input input = {.is_open = true, .is_line = true};
  (void)unused;
  for (;;) {
    bool typing = input.begin < input.end;
    struct pollfd fds[] = {{ended[0], POLLIN, 0},
                           {pty, (short)(POLLIN | (typing ? POLLOUT : 0)), 0},
                           {!typing && input.is_open ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(fds, 3, -1) < 0) continue;
    if (fds[0].revents != 0) break;
    if ((fds[1].revents & POLLOUT) != 0) type_input(&input);
    if ((fds[1].revents & ~POLLOUT) != 0 && show_output() < 0) return NULL;
    if (fds[2].revents != 0) read_input(&input);
  }
  ssize_t n;
  for (size_t shown = 0; shown < LAST_BYTES && (n = show_output()) > 0;) shown += (size_t)n;
  return NULL;
}

void terminal_serve(void) {
  sigset_t all, old;
  fcntl(pty, F_SETFL, O_RDWR | O_NONBLOCK);
  /* Signals are the waiting thread's; and SIGPIPE is nobody's. */
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  int failed = pipe2(ended, O_CLOEXEC) != 0 ? errno : pthread_create(&server, NULL, serve, NULL);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  /* The program is hung up on by our end. */
  if (failed != 0) DIE("--pty: %s", strerror(failed));
  is_served = true;
}

void terminal_end(void) {
  if (!is_served) return;
  close(ended[1]);
  pthread_join(server, NULL);
  terminal_restore();
}
