/* SPDX-License-Identifier: BSD-3-Clause */
/* The program as an open descriptor, or by a path below one: FE_FEXECVE and FE_EXECVEAT. */
#include "test.h"

#include "actions.h"
#include "filter.h"

#include <sys/mman.h>
#include <sys/prctl.h>

static char *name_only[] = {(char *)"prog", NULL};
static const char *script; /* ends with 7 */

static void scripts(void) {
  script = kept_path("script");
  FILE *out = fopen(script, "we");
  NEED(out != NULL && fputs("#!/bin/sh\nexit 7\n", out) >= 0 && fclose(out) == 0);
  NEED(chmod(script, 0755) == 0);
}

/* At that number, which is far from those that tests use. */
static void open_exec(const char *path, int at, int oflag) {
  int fd = open(path, oflag | O_CLOEXEC);
  NEED(fd >= 0);
  if (fd != at) NEED(dup3(fd, at, O_CLOEXEC) == at && close(fd) == 0);
  if (!(oflag & O_CLOEXEC)) NEED(fcntl(at, F_SETFD, 0) == 0);
}

static fe_attr by_fd(int fd) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_FEXECVE;
  attr.execfd = fd;
  attr.argv = name_only;
  return attr;
}

/* It runs, and has the `count` descriptors only. */
static char *runs(fe_attr *attr, unsigned way, int count) {
  char *seen = probe(attr, way);
  CHECK_STR(value(seen, "exe"), probe_path());
  CHECK_STR(value(seen, "argv.0"), "prog");
  CHECK_INT(number(seen, "fds"), count);
  return seen;
}

static void open_files(void) {
  probe_path();
  EACH_WAY(way) {
    static const int oflags[] = {O_RDONLY, O_PATH, O_RDONLY | O_CLOEXEC, O_PATH | O_CLOEXEC};
    static const int numbers[] = {0, 2, 3, 5, 700};
    for (int i = 0; i < 4; i++) {
      for (int n = 0; n < 5; n++) {
        only(3);
        const int fd = numbers[n];
        open_exec(probe_path(), fd, oflags[i]);
        fe_attr attr = by_fd(fd);
        const bool inherited = !(oflags[i] & O_CLOEXEC);
        char *seen = runs(&attr, way, inherited);
        CHECK_STR(seen_fd(seen, fd), inherited ? identity(fd) : "");
        free(seen);
        close(fd);
      }
    }
  }
}

static void memory_file(void) {
  need(HAS_MEMFD);
  char buffer[1 << 16];
  EACH_WAY(way) {
    only(3);
    int from = open(probe_path(), O_RDONLY | O_CLOEXEC);
    int to = memfd_create("prog", MFD_CLOEXEC);
    NEED(from >= 0 && to >= 0);
    for (ssize_t n; (n = read(from, buffer, sizeof buffer)) != 0;)
      NEED(n > 0 && write(to, buffer, (size_t)n) == n);
    /* With the offset at its end. */
    fe_attr attr = by_fd(to);
    char *seen = probe(&attr, way);
    CHECK(strncmp(value(seen, "exe"), "/memfd:prog", 11) == 0);
    CHECK_INT(number(seen, "fds"), 0);
    free(seen);
  }
}

/* ---- its number is taken from it ---- */

enum { AT = 5 };

static void clobbered_by(unsigned way, const void *errnum) {
  static const int oflags[] = {O_RDONLY, O_PATH | O_CLOEXEC};
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);
  for (int i = 0; i < 2; i++) {
    only(4);
    open_exec(probe_path(), AT, oflags[i]);
    const char *program = identity(AT);
    /* It comes to another number then, and stays there if it was inheritable. */
    const int inherited = !(oflags[i] & O_CLOEXEC);
    fe_attr attr = by_fd(AT);

    static const int over[] = {0, 1, 2, 3, 3, 3}, closed[] = {0, 1, 2, -1, -1, -1};
    attr.files = over;
    attr.nfiles = 6;
    char *seen = runs(&attr, way, 6 + inherited);
    CHECK_STR(seen_fd(seen, AT), identity(3));
    int moved = 6;
    while (moved < 30 && strcmp(seen_fd(seen, moved), program) != 0) moved++;
    CHECK_INT(moved < 30, inherited);
    free(seen);
    attr.files = closed;
    seen = runs(&attr, way, 3 + inherited);
    CHECK_STR(seen_fd(seen, AT), "");
    free(seen);
    /* It is one of the files: to be inherited under another number. */
    static const int itself[] = {0, AT, 2};
    attr.files = itself;
    attr.nfiles = 3;
    seen = runs(&attr, way, 3 + inherited);
    CHECK_STR(seen_fd(seen, 1), program);
    free(seen);

    attr.files = NULL;
    attr.nfiles = 0;
    const struct {
      fe_file_action action[2];
      int count; /* but the program's own */
    } rows[] = {
        {{FE_DUP2(3, AT), FE_CLOSE(50)}, 1},
        {{FE_CLOSE(AT), FE_DUP2(0, 6)}, 1},
        {{FE_OPEN(AT, "/", O_RDONLY, 0), FE_CLOSE(4)}, 1},
        {{FE_CLOSEFROM(AT), FE_CLOSE(4)}, 0},
        {{FE_CLOSEFROM(0), FE_CLOSEFROM(3)}, 0},
        {{FE_CLOSEFROM(4), FE_DUP2(0, 20)}, 1},
    };
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
      attr.actions = rows[row].action;
      attr.nactions = 2;
      free(runs(&attr, way, rows[row].count + inherited));
    }
    /* Until an action takes it, its number is good for the actions too. */
    const fe_file_action copied[] = {FE_DUP2(AT, 9), FE_CLOSE(AT)};
    attr.actions = copied;
    seen = runs(&attr, way, 1 + inherited);
    CHECK_STR(seen_fd(seen, 9), program);
    free(seen);

    attr.actions = NULL;
    attr.nactions = 0;
    attr.flags |= FE_CLOSE_OTHERS;
    free(runs(&attr, way, 0));
    attr.files = over;
    attr.nfiles = 6;
    free(runs(&attr, way, 6));
    attr.argv = nothing().argv;
    attr.files = closed;
    attr.nfiles = 3;
    attr.actions = (const fe_file_action[]){FE_CLOSEFROM(0), FE_FCHDIR(AT)};
    attr.nactions = 2;
    spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_FCHDIR, 1);
  }
}

static void clobbered(void) {
  static const int errnums[] = {0, ENOSYS, EPERM};
  for (size_t i = 0; i < sizeof errnums / sizeof *errnums; i++) {
    EACH_WAY(way) apart(clobbered_by, way, &errnums[i]);
  }
}

static void nowhere_to_move(void) {
  struct rlimit limit, low;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  low = limit;
  low.rlim_cur = 40;
  EACH_WAY(way) {
    only(3);
    open_exec(probe_path(), AT, O_CLOEXEC);
    fe_attr attr = by_fd(AT);
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    /* The last number of all is named too: there is none above it. */
    attr.actions = (const fe_file_action[]){FE_CLOSE(AT), FE_CLOSE(39)};
    attr.nactions = 2;
    spawn_fails(&attr, way, EINVAL, FE_STEP_EXECFD, -1);
    int fd;
    while ((fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) continue;
    if (way == FE_WAY_PIPED) NEED(close(30) == 0 && close(31) == 0);
    attr.actions = (const fe_file_action[]){FE_CLOSE(AT), FE_CLOSE(32)};
    spawn_fails(&attr, way, EMFILE, FE_STEP_EXECFD, -1);
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

/* ---- scripts ---- */

static void script_that_is_inherited(void) {
  scripts();
  EACH_WAY(way) {
    only(3);
    open_exec(script, AT, 0);
    fe_attr attr = by_fd(AT);
    spawn_exits(&attr, way, 7);
    attr.actions = (const fe_file_action[]){FE_CLOSE(AT), FE_CLOSE(30)};
    attr.nactions = 2;
    spawn_exits(&attr, way, 7);
    attr.actions = (const fe_file_action[]){FE_CLOSEFROM(3)};
    attr.nactions = 1;
    spawn_exits(&attr, way, 7);
  }
}

static void message_is(int step, const char *wanted) {
  char message[200];
  fe_error error = FE_ERROR_INIT;
  error.errnum = ENOENT;
  error.step = step;
  fe_error_message(&error, message, sizeof message);
  CHECK_STR(message, wanted);
}

static void script_that_is_closed(void) {
  scripts();
  EACH_WAY(way) {
    only(3);
    static const int oflags[] = {O_RDONLY | O_CLOEXEC, O_RDONLY};
    for (int i = 0; i < 2; i++) {
      open_exec(script, AT, oflags[i]);
      fe_attr attr = by_fd(AT);
      attr.flags |= i ? FE_CLOSE_OTHERS : 0;
      spawn_fails(&attr, way, ENOENT, FE_STEP_SCRIPT_FD, -1);
      static const int files[] = {0, 1, 2, 1, 1, 1};
      attr.files = files;
      attr.nfiles = 6;
      spawn_fails(&attr, way, ENOENT, FE_STEP_SCRIPT_FD, -1);
      close(AT);
    }
    message_is(FE_STEP_SCRIPT_FD,
               "script_fd: The script's interpreter cannot open its close-on-exec descriptor");
  }
}

/* One that can be executed only, or that is open for that only, is a script too. */
static void script_that_cannot_be_read(void) {
  scripts();
  EACH_WAY(way) {
    only(3);
    open_exec(script, AT, O_PATH | O_CLOEXEC);
    fe_attr attr = by_fd(AT);
    spawn_fails(&attr, way, ENOENT, FE_STEP_SCRIPT_FD, -1);
  }
}

/* Another's ENOENT: an interpreter that is not there. */
static void interpreter_that_is_missing(void) {
  const char *orphan = kept_path("orphan");
  FILE *out = fopen(orphan, "we");
  NEED(out != NULL && fputs("#!/nonexistent\n", out) >= 0 && fclose(out) == 0);
  NEED(chmod(orphan, 0755) == 0);
  EACH_WAY(way) {
    only(3);
    open_exec(orphan, AT, 0);
    fe_attr attr = by_fd(AT);
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
}

/* And one of a program, which is no script: its loader. */
static void loader_that_is_missing(void) {
  static char start[4096];
  const char *orphan = kept_path("no-loader");
  int from = open("/bin/true", O_RDONLY | O_CLOEXEC);
  int to = open(orphan, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  NEED(from >= 0 && to >= 0);
  ssize_t length = read(from, start, sizeof start);
  NEED(length > 0);
  char *loader = memmem(start, (size_t)length, "/ld-", 4);
  if (!loader) skip("/bin/true has no loader");
  loader[1] = 'X';
  do NEED(write(to, start, (size_t)length) == length);
  while ((length = read(from, start, sizeof start)) > 0);
  close(from);
  close(to);
  EACH_WAY(way) {
    only(3);
    open_exec(orphan, AT, O_CLOEXEC);
    fe_attr attr = by_fd(AT);
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
}

static void what_cannot_be_executed(void) {
  const char *plain = kept_path("plain"), *text = kept_path("text");
  close(open(plain, O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  close(open(text, O_CREAT | O_WRONLY | O_CLOEXEC, 0755));
  EACH_WAY(way) {
    only(3);
    const struct {
      const char *path;
      int errnum;
    } rows[] = {{plain, EACCES}, {scratch(), EACCES}, {text, ENOEXEC}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      open_exec(rows[i].path, AT, O_RDONLY);
      fe_attr attr = by_fd(AT);
      spawn_fails(&attr, way, rows[i].errnum, FE_STEP_EXEC, -1);
      close(AT);
    }
  }
}

/* ---- refused ---- */

static void contradictions(void) {
  only(3);
  open_exec(probe_path(), AT, 0);
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  static const uint64_t others[] = {FE_SEARCH_PATH, FE_SHELL_FALLBACK, FE_EXECVEAT};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
    fe_attr attr = by_fd(AT);
    attr.flags |= others[i];
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
    if (others[i] == FE_EXECVEAT) continue;
    attr.flags = FE_EXECVEAT | others[i];
    attr.path = "x";
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
  fe_attr attr = by_fd(AT);
  attr.path = probe_path();
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.path = "";
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  /* A number whose flag was forgotten. */
  attr.flags = 0;
  attr.path = probe_path();
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  static const int not_open[] = {AT + 1, 700, -1, AT_FDCWD, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof not_open / sizeof *not_open; i++) {
    attr = by_fd(not_open[i]);
    spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_EXECFD, -1);
    attr.flags = FE_EXECVEAT;
    attr.path = probe_path();
    spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_EXECFD, -1);
  }
}

/* As on a kernel before 3.19. */
static void no_execveat(unsigned way, const void *unused) {
  (void)unused;
  only(3);
  open_exec(probe_path(), AT, O_CLOEXEC);
  refuse(SYS_execveat, ENOSYS);
  fe_attr attr = by_fd(AT);
  spawn_fails(&attr, way, ENOSYS, FE_STEP_EXEC, -1);
}

static void execveat_refused(void) {
  EACH_WAY(way) apart(no_execveat, way, NULL);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"open or O_PATH, close-on-exec or not, at any number", open_files},
      {"a file in memory", memory_file},
      {"its number is taken, with close_range and without", clobbered},
      {"no number to move it to", nowhere_to_move},
      {"a script whose descriptor is inherited", script_that_is_inherited},
      {"a script whose descriptor is closed", script_that_is_closed},
      {"the same, by O_PATH", script_that_cannot_be_read},
      {"an interpreter that is missing", interpreter_that_is_missing},
      {"a loader that is missing", loader_that_is_missing},
      {"what cannot be executed", what_cannot_be_executed},
      {"contradictions, and what is not open", contradictions},
      {"execveat refused", execveat_refused},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
