/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_PTY: the terminal that a child gets, from both of its ends. */
#include "test.h"

#include "beside.h"
#include "filter.h"
#include "pty.h"
#include "staged.h"

#include <poll.h>
#include <sys/resource.h>

#define EVERY_WAY(way)                                                                             \
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++)                              \
    if (expected_way(way) != 0)

static fe_attr in_terminal(const char *script) {
  fe_attr attr = shell(script);
  attr.flags = FE_PTY;
  return attr;
}

/* What it shows until `wanted` is the end of it, or its end when that is NULL; or for 20 s. */
static const char *shown(int pty, const char *wanted) {
  static char text[1 << 14];
  size_t length = 0;
  text[0] = 0;
  for (;;) {
    size_t end = wanted != NULL ? strlen(wanted) : 0;
    if (end != 0 && length >= end && strcmp(text + length - end, wanted) == 0) return text;
    struct pollfd entry = {pty, POLLIN, 0};
    if (!CHECK_INT(poll(&entry, 1, 20000), 1)) return text;
    ssize_t n = read(pty, text + length, sizeof text - 1 - length);
    if (n < 0) {
      CHECK_INT(errno, EIO);
      CHECK(wanted == NULL);
      return text;
    }
    length += (size_t)n;
    text[length] = 0;
  }
}

static void type(int pty, const char *text) {
  CHECK_INT(write(pty, text, strlen(text)), strlen(text));
}

static void check_open_as_before(const char *before) {
  char *after = snapshot();
  CHECK_STR(after, before);
  free(after);
}

static void standard_descriptors(void) {
  EVERY_WAY(way) {
    char *before = snapshot();
    fe_attr attr = in_terminal("test -t 0 && test -t 1 && test -t 2 && stty size && "
                         "read -r _ _ _ _ _ _ _ front _ </proc/$$/stat && "
                         "test \"$front\" = $$ && echo in front");
    fe_child child;
    attr.winsize.ws_row = 41;
    attr.winsize.ws_col = 123;
    NEED(spawn(&attr, way, &child));
    CHECK_INT(fcntl(child.pty, F_GETFD), FD_CLOEXEC);
    CHECK_INT(child.ends[0] & child.ends[1] & child.ends[2], -1);
    const char *text = shown(child.pty, NULL);
    CHECK_STR(text, "41 123\r\nin front\r\n");
    ends(&child, 0);
    CHECK(is_empty(&child));
    check_open_as_before(before);
    free(before);
  }
}

/* Nothing of it but what is asked for: seen from inside. */
static void no_more_than_that(void) {
  EVERY_WAY(way) {
    only(6);
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_PTY;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 1);
    CHECK(number(seen, "tty_nr") > 0);
    CHECK_INT(number(seen, "sid"), number(seen, "pid"));
    CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
    CHECK_STR(value(seen, "fd.0"), value(seen, "fd.1"));
    CHECK_STR(value(seen, "fd.0"), value(seen, "fd.2"));
    CHECK_INT(number(seen, "fds"), 3);
    free(seen);
    /* Where it is asked for; the first that is the terminal is the controlling one. */
    static const int files[] = {4, 5, -1, FE_TERMINAL, FE_SAME_AS(3), FE_TERMINAL};
    attr.files = files;
    attr.nfiles = 6;
    attr.flags |= FE_CLOSE_OTHERS;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 1);
    CHECK_STR(value(seen, "fd.0"), identity(4));
    CHECK_STR(value(seen, "fd.1"), identity(5));
    CHECK_STR(value(seen, "fd.3"), value(seen, "fd.4"));
    CHECK_STR(value(seen, "fd.3"), value(seen, "fd.5"));
    CHECK_INT(number(seen, "fds"), 5);
    free(seen);
    /* It is the child's own by then, whatever an action puts in its place. */
    const fe_file_action actions[] = {FE_OPEN(3, "/dev/null", O_RDWR, 0), FE_CLOSE(4), FE_TCSETPGRP(5)};
    attr.actions = actions;
    attr.nactions = 3;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "tty"), 1);
    CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
    CHECK(strcmp(value(seen, "fd.3"), value(seen, "fd.5")) != 0);
    CHECK_INT(number(seen, "fds"), 4);
    free(seen);
  }
}

static void errors_apart(void) {
  EVERY_WAY(way) {
    fe_attr attr = in_terminal("echo shown; echo apart >&2");
    static const int files[] = {FE_TERMINAL, FE_SAME_AS(0), FE_TO_PIPE};
    attr.files = files;
    attr.nfiles = 3;
    fe_child child;
    char text[20] = "";
    NEED(spawn(&attr, way, &child));
    CHECK_INT(read(child.ends[2], text, sizeof text - 1), 6);
    CHECK_STR(text, "apart\n");
    CHECK_STR(shown(child.pty, NULL), "shown\r\n");
    ends(&child, 0);
  }
}

/* A shell that is at home: no complaint, Ctrl-C for the job in front, Ctrl-Z, bg, fg, Ctrl-D. */
static void job_control(void) {
  fe_attr attr = in_terminal(NULL);
  static char *argv[] = {(char *)"sh", (char *)"-i", NULL};
  static char *envp[] = {(char *)"PS1=% ", (char *)"PATH=/bin:/usr/bin", (char *)"ENV=", NULL};
  attr.argv = argv;
  attr.envp = envp;
  fe_child child;
  NEED(spawn(&attr, FE_WAY_SHARED, &child));
  struct termios modes;
  NEED(tcgetattr(child.pty, &modes) == 0);
  modes.c_lflag &= (tcflag_t)~ECHO;
  NEED(tcsetattr(child.pty, TCSANOW, &modes) == 0);
  /* Whatever the shell complains of comes before its prompt. */
  CHECK_STR(shown(child.pty, "% "), "% ");
  type(child.pty, "sh -c 'echo go; exec sleep 60'\n");
  CHECK_STR(shown(child.pty, "go\r\n"), "go\r\n");
  type(child.pty, "\003");
  shown(child.pty, "% ");
  type(child.pty, "echo status $?\n");
  CHECK_STR(shown(child.pty, "% "), "status 130\r\n% ");
  type(child.pty, "sh -c 'echo go; exec sleep 60'\n");
  shown(child.pty, "go\r\n");
  type(child.pty, "\032");
  CHECK(strstr(shown(child.pty, "% "), "Stopped") != NULL);
  type(child.pty, "kill %1; fg >/dev/null; echo status $?\n");
  const char *text = shown(child.pty, "% ");
  CHECK(strstr(text, "status 143") != NULL);
  /* A new size is told. */
  type(child.pty, "trap 'stty size' WINCH; echo set\n");
  shown(child.pty, "set\r\n% ");
  struct winsize size = {7, 70, 0, 0};
  NEED(ioctl(child.pty, TIOCSWINSZ, &size) == 0);
  type(child.pty, "\n");
  while (strstr(shown(child.pty, "% "), "7 70") == NULL) type(child.pty, "\n");
  type(child.pty, "\004");
  shown(child.pty, NULL);
  int status;
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK(WIFEXITED(status));
  fe_child_close(&child);
}

/* Its end is that of its terminal: SIGHUP. */
static void closed_by_the_caller(void) {
  EVERY_WAY(way) {
    fe_attr attr = in_terminal("echo there; exec sleep 60");
    fe_child child;
    int status = 0;
    NEED(spawn(&attr, way, &child));
    CHECK_STR(shown(child.pty, "there\r\n"), "there\r\n");
    CHECK_INT(close(child.pty), 0);
    child.pty = -1;
    CHECK_INT(fe_wait(&child, -1, &status), 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    fe_child_close(&child);
  }
}

static void owner(void) {
  need_root();
  for (unsigned way = FE_WAY_COPY; way <= FE_WAY_STAGED; way++) {
    if (way == FE_WAY_CONCURRENT || expected_way(way) == 0) continue;
    if (way == FE_WAY_STAGED) need_stage();
    fe_attr attr = in_terminal("exec 3<>\"$(tty)\" && test -t 3 && stat -c '%u %a' \"$(tty)\"");
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = credential.gid = UNPRIVILEGED;
    attr.credential = &credential;
    fe_child child;
    NEED(spawn(&attr, way, &child));
    const char *text = shown(child.pty, NULL);
    CHECK(strncmp(text, "65534 6", 7) == 0);
    ends(&child, 0);
  }
}

static void nothing_is_left(void) {
  EVERY_WAY(way) {
    fe_attr attr = in_terminal("exit");
    attr.dir = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
    attr.dir = NULL;
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
  /* With what is started later it comes at once, and goes when that fails. */
  for (int fails = 0; fails < 2; fails++) {
    fe_attr attr = in_terminal("echo done");
    attr.dir = fails ? "/nonexistent" : NULL;
    fe_child child;
    fe_error error;
    char *before = snapshot();
    NEED(start(&attr, FE_WAY_PIPED, &child));
    CHECK(child.pty >= 0);
    CHECK_INT(fe_spawn_finish(&child, -1, &error), -fails);
    if (fails) CHECK(is_empty(&child));
    else {
      CHECK_STR(shown(child.pty, NULL), "done\r\n");
      ends(&child, 0);
    }
    check_open_as_before(before);
    free(before);
  }
}

/* Not one child has the other end of its own terminal or of another's, and none keeps any alive. */
static void many_at_once(void) {
  enum { MANY = 40 };
  static fe_attr each[MANY];
  static const fe_attr *attrs[MANY];
  static fe_child children[MANY];
  static fe_error errors[MANY];
  for (int i = 0; i < MANY; i++) {
    each[i] = in_terminal("ls -l /proc/self/fd | grep -c ptmx; read line; echo \"got $line\"");
    attrs[i] = &each[i];
  }
  NEED(fe_spawn_many(attrs, MANY, children, errors) == 0);
  for (int i = 0; i < MANY; i++) {
    CHECK_STR(shown(children[i].pty, "\r\n"), "0\r\n");
    type(children[i].pty, "word\n");
    CHECK_STR(shown(children[i].pty, NULL), "word\r\ngot word\r\n");
    ends(&children[i], 0);
  }
}

static void refused(void) {
  fe_attr attr = in_terminal("exit");
  static const uint64_t others[] = {FE_SETPGID, FE_FOREGROUND, FE_SETCTTY, FE_SETSID | FE_SETCTTY};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    attr.flags = FE_PTY | others[i];
    spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  }
  attr.flags = FE_PTY | FE_SETSID;
  fe_child child;
  NEED(spawn(&attr, FE_WAY_SHARED, &child));
  ends(&child, 0);
  attr.flags = FE_PTY;
  attr.ctty = 1;
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  attr.ctty = 0;
  attr.pgid = 1;
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  attr.pgid = 0;
  /* No terminal in the list, and one that nobody makes. */
  static const int none[] = {0, 1, 2}, third[] = {0, 1, 2, FE_TERMINAL};
  attr.files = none;
  attr.nfiles = 3;
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  attr.flags = 0;
  attr.files = third;
  attr.nfiles = 4;
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, 3);
  attr = in_terminal("exit");
  attr.flags = 0;
  attr.winsize.ws_ypixel = 1;
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
}

static void no_descriptors_left(void) {
  fe_attr attr = in_terminal("exit");
  struct rlimit limit, low;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  int first = dup(0);
  close(first);
  for (int free_ones = 0; free_ones < 2; free_ones++) {
    low = limit;
    low.rlim_cur = (rlim_t)(first + free_ones);
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    fe_child child;
    fe_error error;
    errno = 0;
    CHECK(fe_spawn(&attr, &child, &error) == -1 && errno == EMFILE);
    CHECK(error.step == FE_STEP_PTY && error.index == -1 && is_empty(&child));
    CHECK_INT(fcntl(first, F_GETFD), -1);
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"as the standard descriptors", standard_descriptors},
      {"no more than that", no_more_than_that},
      {"errors apart", errors_apart},
      {"job control", job_control},
      {"closed by the caller", closed_by_the_caller},
      {"it belongs to the user", owner},
      {"nothing is left", nothing_is_left},
      {"many at once", many_at_once},
      {"refused", refused},
      {"no descriptors left", no_descriptors_left},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
