/* SPDX-License-Identifier: BSD-3-Clause */
/* examples/terminal.c, from its user's side: the user's terminal is one of FE_PTY too. */
#include "test.h"

#include "pty.h"

#include <poll.h>

static struct termios before;
static int kept = -1;

/* "terminal sh -c script" in a terminal of 33 lines, which is kept open. */
static bool user(const char *script, fe_child *child) {
  static char path[4096];
  char *argv[] = {(char *)"terminal", (char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
  fe_attr attr = FE_ATTR_INIT;
  /* Beside the tests: build/t/probe, build/terminal. */
  snprintf(path, sizeof path, "%.*s/../terminal", (int)(strrchr(probe_path(), '/') - probe_path()), probe_path());
  attr.path = path;
  attr.argv = argv;
  attr.flags = FE_PTY | FE_SUSPEND;
  attr.winsize = (struct winsize){33, 44, 0, 0};
  if (!spawn(&attr, FE_WAY_PIPED, child)) return false;
  kept = open(ptsname(child->pty), O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(kept >= 0 && tcgetattr(kept, &before) == 0);
  return CHECK_INT(fe_resume(child, -1, NULL), 0);
}

/* What the user sees, until it ends with that. */
static const char *see(fe_child *child, const char *wanted) {
  static char text[1 << 16];
  size_t length = 0, end = strlen(wanted);
  text[0] = 0;
  while (length < end || strcmp(text + length - end, wanted) != 0) {
    struct pollfd entry = {child->pty, POLLIN, 0};
    if (!CHECK_INT(poll(&entry, 1, 15000), 1)) break;
    ssize_t n = read(child->pty, text + length, sizeof text - 1 - length);
    if (!CHECK(n > 0)) break;
    length += (size_t)n;
    text[length] = 0;
  }
  return text;
}

static void type(fe_child *child, const char *text) {
  CHECK_INT(write(child->pty, text, strlen(text)), strlen(text));
}

static bool is_raw(void) {
  struct termios now;
  NEED(tcgetattr(kept, &now) == 0);
  return (now.c_lflag & (ICANON | ECHO | ISIG)) == 0;
}

/* The user has the terminal as it was. */
static void ends(fe_child *child, int wanted) {
  struct termios now;
  int status = -1;
  CHECK_INT(fe_wait(child, 20000, &status), 0);
  CHECK_INT(status, wanted << 8);
  NEED(tcgetattr(kept, &now) == 0);
  CHECK(now.c_lflag == before.c_lflag && now.c_iflag == before.c_iflag && now.c_oflag == before.c_oflag);
  close(kept);
  fe_child_close(child);
  check_no_child();
}

static void a_conversation(void) {
  need(HAS_PIDFD);
  fe_child child;
  NEED(user("stty size; read a; echo \"got $a\"; exit 5", &child));
  CHECK_STR(see(&child, "33 44\r\n"), "33 44\r\n");
  while (!is_raw()) usleep(1000);
  type(&child, "word\r");
  /* Once: it is the new terminal that echoes. */
  CHECK_STR(see(&child, "got word\r\n"), "word\r\ngot word\r\n");
  ends(&child, 5);
}

static void another_size_and_control_c(void) {
  need(HAS_PIDFD);
  fe_child child;
  struct winsize size = {50, 60, 0, 0};
  NEED(user("trap 'stty size' WINCH; echo ready; while :; do sleep 0.05; done", &child));
  CHECK_STR(see(&child, "ready\r\n"), "ready\r\n");
  NEED(ioctl(child.pty, TIOCSWINSZ, &size) == 0);
  CHECK_STR(see(&child, "50 60\r\n"), "50 60\r\n");
  while (!is_raw()) usleep(1000);
  type(&child, "\003");
  see(&child, "^C");
  ends(&child, 128 + SIGINT);
}

static void much_output(void) {
  need(HAS_PIDFD);
  fe_child child;
  NEED(user("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done; echo the end", &child));
  const char *text = see(&child, "the end\r\n");
  size_t lines = 0;
  for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++) lines++;
  CHECK_INT(lines, 2001);
  ends(&child, 0);
}

/* Neither what it has left behind nor its own end holds it up, or leaves the user's terminal as it must not be. */
static void other_ends(void) {
  need(HAS_PIDFD);
  fe_child child;
  NEED(user("trap '' HUP; sleep 30 & echo $!; exit 3", &child));
  pid_t left = atoi(see(&child, "\r\n"));
  ends(&child, 3);
  CHECK(left > 0 && kill(left, SIGKILL) == 0);
  NEED(user("echo $$; exec sleep 100", &child));
  pid_t sleeper = atoi(see(&child, "\r\n"));
  while (!is_raw()) usleep(1000);
  CHECK_INT(fe_kill(&child, SIGTERM), 0);
  ends(&child, 128 + SIGTERM);
  CHECK(sleeper > 0 && kill(sleeper, 0) == -1);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"a conversation", a_conversation},
      {"another size, and Ctrl-C", another_size_and_control_c},
      {"much output", much_output},
      {"other ends", other_ends},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
