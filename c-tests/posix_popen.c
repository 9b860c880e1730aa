/* SPDX-License-Identifier: BSD-3-Clause */
/* popen(3), pclose(3), and fclose(3) of its streams. */
#include "test.h"

#include "posix.h"

#include "filter.h"

/* All that comes until the end. Free it. */
static char *rest(FILE *file) {
  char *text = calloc(1, 1 << 16);
  NEED(text != NULL);
  size_t length = fread(text, 1, (1 << 16) - 1, file);
  text[length] = 0;
  return text;
}

static char *contents(const char *path) {
  FILE *file = fopen(path, "re");
  NEED(file != NULL);
  char *text = rest(file);
  fclose(file);
  return text;
}

static bool is_cloexec(FILE *file) { return fcntl(fileno(file), F_GETFD) & FD_CLOEXEC; }

/* ---- modes ---- */

static void modes_that_read(void) {
  static const char *const modes[] = {"r", "re", "er"};
  char *before = snapshot();
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    FILE *file = popen("echo some text; exit 3", modes[i]);
    NEED(file != NULL);
    CHECK_INT(is_cloexec(file), strchr(modes[i], 'e') != NULL);
    char *text = rest(file);
    CHECK_STR(text, "some text\n");
    free(text);
    CHECK_INT(pclose(file), 3 << 8);
    check_no_child();
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void modes_that_write(void) {
  static const char *const modes[] = {"w", "we", "ew"};
  char command[400];
  const char *path = kept_path("written");
  snprintf(command, sizeof command, "cat >%s; exit 4", path);
  char *before = snapshot();
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    FILE *file = popen(command, modes[i]);
    NEED(file != NULL);
    CHECK_INT(is_cloexec(file), strchr(modes[i], 'e') != NULL);
    CHECK(fprintf(file, "text %zu\n", i) > 0);
    CHECK_INT(pclose(file), 4 << 8);
    char *text = contents(path), wanted[20];
    snprintf(wanted, sizeof wanted, "text %zu\n", i);
    CHECK_STR(text, wanted);
    free(text);
    check_no_child();
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void bad_modes(void) {
  static const char *const modes[] = {"", "e", "rw", "wr", "rwe", "a", "r+", "rb", "x", " r", "R", "r "};
  char *before = snapshot();
  for (size_t i = 0; i < sizeof modes / sizeof *modes; i++) {
    errno = 0;
    if (!CHECK(popen("exit 0", modes[i]) == NULL)) note("mode \"%s\"", modes[i]);
    CHECK_ERR(errno, EINVAL);
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void null_mode(void) {
  errno = 0;
  CHECK(popen("exit 0", hide(NULL)) == NULL);
  CHECK_ERR(errno, EINVAL);
}

static void null_command(void) {
  errno = 0;
  CHECK(popen(hide(NULL), "r") == NULL);
  CHECK_ERR(errno, EINVAL);
}

/* ---- the command and its end ---- */

static void much_data(void) {
  enum { LINES = 200000 };
  long count = -1;
  char command[400];
  const char *path = kept_path("count");
  FILE *file = popen("i=0; while [ $i -lt 20000 ]; do echo 0123456789; i=$((i+1)); done", "r");
  NEED(file != NULL);
  size_t length = 0;
  static char buffer[10000];
  for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) length += n;
  CHECK_INT(length, 20000 * 11);
  CHECK_INT(pclose(file), 0);
  snprintf(command, sizeof command, "wc -l >%s", path);
  file = popen(command, "w");
  NEED(file != NULL);
  for (int i = 0; i < LINES; i++) fputs("line\n", file);
  CHECK_INT(pclose(file), 0);
  char *text = contents(path);
  count = strtol(text, NULL, 10);
  CHECK_INT(count, LINES);
  free(text);
}

static void killed(void) {
  FILE *file = popen("kill -9 $$", "r");
  NEED(file != NULL);
  CHECK_INT(pclose(file), 9);
}

static void a_command_that_begins_with_a_dash(void) {
  FILE *file = popen("-n 2>&-", "r");
  NEED(file != NULL);
  CHECK_INT(pclose(file), 127 << 8);
}

/* In glibc fclose waits too, and programs rely on it. */
static void fclose_waits_as_well(void) {
  char command[400];
  const char *path = kept_path("after");
  snprintf(command, sizeof command, "cat >/dev/null; echo done >%s; exit 5", path);
  FILE *file = popen(command, "w");
  NEED(file != NULL);
  CHECK_INT(fclose(hide(file)), 5 << 8);
  check_no_child();
  char *text = contents(path);
  CHECK_STR(text, "done\n");
  free(text);
}

static void pclose_of_another_stream(void) {
  FILE *file = fopen("/dev/null", "re");
  NEED(file != NULL);
  CHECK_INT(pclose(hide(file)), 0);
  /* And while there are some of popen's. */
  FILE *reads = popen("exit 6", "r");
  file = fopen("/dev/null", "re");
  NEED(file != NULL && reads != NULL);
  CHECK_INT(pclose(hide(file)), 0);
  file = fopen("/dev/null", "re");
  NEED(file != NULL);
  CHECK_INT(fclose(file), 0);
  CHECK_INT(pclose(reads), 6 << 8);
  check_no_child();
}

static void waited_for_by_another(void) {
  FILE *file = popen("exit 6", "r");
  int status = -1;
  NEED(file != NULL);
  CHECK(waitpid(-1, &status, 0) > 0);
  CHECK_INT(status, 6 << 8);
  errno = 0;
  CHECK_INT(pclose(file), -1);
  CHECK_ERR(errno, ECHILD);
}

/* ---- descriptors ---- */

/* POSIX: the streams of earlier calls are closed in the new child. Otherwise the first would not see the
 * end of its input, and wait for ever. */
static void later_ones_do_not_hold_earlier_ones(void) {
  char command[8192];
  FILE *first = popen("cat >/dev/null", "w"), *second = popen("cat >/dev/null; read x", "w");
  NEED(first != NULL && second != NULL);
  CHECK(!is_cloexec(first));
  CHECK_INT(pclose(first), 0);
  CHECK_INT(pclose(second), 1 << 8);
  only(0);
  for (int fd = 0; fd < 3; fd++) open_at(fd, false);
  FILE *streams[4];
  for (int i = 0; i < 4; i++) streams[i] = popen("cat", i % 2 ? "w" : "r");
  snprintf(command, sizeof command, "exec '%s' '%s'", probe_path(), new_report());
  FILE *file = popen(command, "r");
  NEED(file != NULL);
  char end[60];
  snprintf(end, sizeof end, "%s", identity(fileno(file)));
  CHECK_INT(pclose(file), 0);
  char *seen = read_report();
  CHECK_INT(number(seen, "fds"), 3);
  CHECK_STR(value(seen, "fd.0"), identity(0));
  CHECK_STR(value(seen, "fd.1"), end);
  free(seen);
  /* Those that wait for an input have none: it ends. */
  close(0);
  for (int i = 0; i < 4; i++) CHECK_INT(pclose(streams[i]), 0);
  check_no_child();
}

static void many_streams(void) {
  enum { STREAMS = 60 };
  FILE *streams[STREAMS];
  char command[40];
  char *before = snapshot();
  for (int i = 0; i < STREAMS; i++) {
    snprintf(command, sizeof command, i % 2 ? "read x; exit $x" : "echo %d; exit %d", i, i);
    streams[i] = popen(command, i % 2 ? "w" : "r");
    NEED(streams[i] != NULL);
  }
  /* Closed neither in the order in which they were opened nor in the other. */
  for (int n = 0; n < STREAMS; n++) {
    int i = n * 7 % STREAMS;
    if (i % 2) {
      fprintf(streams[i], "%d\n", i);
    } else {
      int got = -1;
      CHECK_INT(fscanf(streams[i], "%d", &got), 1);
      CHECK_INT(got, i);
    }
    CHECK_INT(n % 3 ? pclose(streams[i]) : fclose(hide(streams[i])), i << 8);
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void without_some_of_stdio(unsigned closed, const void *with) {
  (void)with;
  char command[400];
  const char *path = kept_path("stdio");
  snprintf(command, sizeof command, "cat >%s; exit 8", path);
  only(0);
  for (int fd = 0; fd < 3; fd++) {
    open_at(fd, false);
    if (closed & 1U << fd) close(fd);
  }
  char *before = snapshot();
  for (int turn = 0; turn < 2; turn++) {
    FILE *reads = popen("echo text; exit 7", turn ? "re" : "r"), *writes = popen(command, turn ? "we" : "w");
    NEED(reads != NULL && writes != NULL);
    fprintf(writes, "text");
    CHECK_INT(pclose(writes), 8 << 8);
    char *text = rest(reads);
    CHECK_STR(text, "text\n");
    free(text);
    CHECK_INT(pclose(reads), 7 << 8);
    text = contents(path);
    CHECK_STR(text, "text");
    free(text);
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void any_of_stdio_closed(void) {
  for (unsigned closed = 0; closed < 8; closed++) apart(without_some_of_stdio, closed, NULL);
}

/* ---- failures ---- */

static void fails(int errnum) {
  char *before = snapshot();
  for (int i = 0; i < 2; i++) {
    errno = 0;
    CHECK(popen("exit 0", i ? "w" : "re") == NULL);
    CHECK_ERR(errno, errnum);
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void no_process(void) {
  refuse(SYS_clone3, EAGAIN);
  refuse(SYS_clone, EAGAIN);
#ifdef SYS_vfork
  refuse(SYS_vfork, EAGAIN);
#endif
  fails(EAGAIN);
}

static void no_descriptors(void) {
  need(HAS_VFORK);
  struct rlimit limit = {64, 64};
  only(64);
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  fails(EMFILE);
  close(20);
  fails(EMFILE);
  close(21);
  FILE *file = popen("exit 3", "r");
  NEED(file != NULL);
  CHECK_INT(pclose(file), 3 << 8);
}

/* POSIX: pclose tells of a shell that cannot be executed as if it had exited with 127. */
static void no_shell(void) {
  need_root();
  const char *empty = kept_path("empty");
  NEED(mkdir(empty, 0755) == 0 && chroot(empty) == 0);
  FILE *file = popen("exit 0", "r");
  if (CHECK(file != NULL)) CHECK_INT(pclose(file), 127 << 8);
  check_no_child();
}

/* As posix_spawn has it: it was a process like any other. */
static void killed_early(void) {
  refuse(SYS_execve, KILL);
  FILE *file = popen("exit 0", "r");
  if (CHECK(file != NULL)) CHECK_INT(pclose(file), SIGSYS);
  check_no_child();
}

/* ---- threads and processes ---- */

/* A thread that is cancelled within would leave a child, two descriptors and a locked list. */
static void *opens_cancelled(void *state) {
  pthread_cancel(pthread_self());
  *(int *)state = 1;
  FILE *file = popen("cat", "w");
  *(int *)state = 2;
  int status = file != NULL ? pclose(file) : -1;
  *(int *)state = status == 0 ? 3 : 4;
  pthread_testcancel();
  return NULL;
}

static void cancellation(void) {
  pthread_t thread;
  int state = 0;
  char *before = snapshot();
  NEED(pthread_create(&thread, NULL, opens_cancelled, &state) == 0 && pthread_join(thread, NULL) == 0);
  NEED(CHECK_INT(state, 3));
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void *opens(void *unused) {
  for (int i = 0; i < 40; i++) {
    FILE *file = popen("read x; exit $x", i % 2 ? "w" : "we");
    if (!CHECK(file != NULL)) break;
    fprintf(file, "%d\n", i);
    CHECK_INT(i % 3 ? pclose(file) : fclose(hide(file)), i << 8);
  }
  return unused;
}

static void many_threads(void) {
  pthread_t threads[8];
  char *before = snapshot();
  for (int i = 0; i < 8; i++) NEED(pthread_create(&threads[i], NULL, opens, NULL) == 0);
  for (int i = 0; i < 8; i++) NEED(pthread_join(threads[i], NULL) == 0);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void in_a_forked_child(void) {
  FILE *file = popen("cat >/dev/null; exit 9", "w");
  NEED(file != NULL);
  pid_t pid = fork();
  NEED(pid >= 0);
  if (pid == 0) {
    errno = 0;
    bool not_mine = pclose(file) == -1 && errno == ECHILD;
    FILE *own = popen("exit 2", "r");
    _exit(own != NULL && pclose(own) == 2 << 8 && not_mine ? 0 : 1);
  }
  CHECK_INT(wait_status(pid), 0);
  CHECK_INT(pclose(file), 9 << 8);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"modes that read", modes_that_read},
      {"modes that write", modes_that_write},
      {"bad modes", bad_modes},
      {"NULL for the mode", null_mode},
      {"NULL for the command", null_command},
      {"much data", much_data},
      {"killed", killed},
      {"a command that begins with a dash", a_command_that_begins_with_a_dash},
      {"fclose waits as well", fclose_waits_as_well},
      {"pclose of another stream", pclose_of_another_stream},
      {"waited for by another", waited_for_by_another},
      {"later ones do not hold earlier ones", later_ones_do_not_hold_earlier_ones},
      {"many streams", many_streams},
      {"any of 0, 1, 2 closed", any_of_stdio_closed},
      {"no process", no_process},
      {"no descriptors", no_descriptors},
      {"no shell", no_shell},
      {"killed before exec", killed_early},
      {"cancellation", cancellation},
      {"many threads", many_threads},
      {"in a forked child", in_a_forked_child},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
