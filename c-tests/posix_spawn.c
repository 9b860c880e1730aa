/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawn(3): its arguments and its answer. posix_spawnp's search is in posix_path.c, what a child
 * that dies early and other threads see in posix_child.c. */
#include "test.h"

#include "posix.h"

#include <pthread.h>
#include <sys/resource.h>

static char *name_only[] = {(char *)"true", NULL};

/* ---- what is returned ---- */

static void the_error_number_is_returned(void) {
  char *argv[] = {(char *)"x", NULL};
  const char *file = kept_path("plain"), *directory = kept_path("directory");
  pid_t pid = 77;
  int fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  NEED(fd >= 0 && mkdir(directory, 0755) == 0);
  close(fd);
  char *before = snapshot();
  const struct {
    const char *path;
    int errnum;
  } failing[] = {{"/nonexistent/x", ENOENT}, {file, EACCES}, {directory, EACCES}, {"", ENOENT},
                 {"/dev/null/x", ENOTDIR},   {"true", ENOENT}};
  for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
    errno = 4321;
    int result = posix_spawn(&pid, failing[i].path, NULL, NULL, argv, environ);
    /* POSIX has the number as the value, and errno is for others. */
    CHECK_INT(errno, 4321);
    CHECK_ERR(result, failing[i].errnum);
    CHECK_INT(pid, 77);
    errno = 4321;
    CHECK_ERR(posix_spawn(NULL, failing[i].path, NULL, NULL, argv, environ), failing[i].errnum);
    CHECK_INT(errno, 4321);
  }
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void success_leaves_errno_alone(void) {
  pid_t pid = -1;
  errno = 4321;
  CHECK_ERR(posix_spawn(&pid, "/bin/true", NULL, NULL, name_only, environ), 0);
  CHECK_INT(errno, 4321);
  CHECK(pid > 0);
  CHECK_INT(wait_status(pid), 0);
  errno = 4321;
  CHECK_ERR(posix_spawnp(&pid, "true", NULL, NULL, name_only, environ), 0);
  CHECK_INT(errno, 4321);
  CHECK_INT(wait_status(pid), 0);
}

static void pid_may_be_null(void) {
  int status = -1;
  CHECK_ERR(posix_spawn(NULL, "/bin/true", NULL, NULL, name_only, environ), 0);
  CHECK(waitpid(-1, &status, 0) > 0);
  CHECK_INT(status, 0);
  CHECK_ERR(posix_spawnp(NULL, "true", NULL, NULL, name_only, environ), 0);
  CHECK(waitpid(-1, &status, 0) > 0);
  CHECK_INT(status, 0);
  check_no_child();
}

static void null_path(void) {
  pid_t pid = 77;
  CHECK_ERR(posix_spawn(&pid, hide(NULL), NULL, NULL, name_only, environ), EINVAL);
  CHECK_ERR(posix_spawnp(&pid, hide(NULL), NULL, NULL, name_only, environ), EINVAL);
  CHECK_INT(pid, 77);
  check_no_child();
}

/* ---- arguments and environment ---- */

static int runs(const char *path, char *const argv[], char *const envp[]) {
  pid_t pid = -1;
  int result = posix_spawn(&pid, path, NULL, NULL, argv, envp);
  return result != 0 ? result : wait_status(pid);
}

/* The program cannot be the probe, which wants arguments: it is this program itself, with the
 * environment for its only way to know that it is to look. */
static int counted_arguments(int argc, char **argv) {
  return argc == 1 && argv[0][0] == 0 && argv[1] == NULL ? 42 : 43;
}

static void no_arguments(void) {
  need(HAS_OWN_PROGRAMS);
  char self[4096], *none[] = {NULL}, *told[] = {(char *)"COUNT_ARGUMENTS=1", NULL};
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  NEED(length > 0);
  self[length] = 0;
  CHECK_INT(runs(self, NULL, told), 42 << 8);
  CHECK_INT(runs(self, none, told), 42 << 8);
}

static void environment(void) {
  char report[300], *argv[] = {(char *)"probe", report, (char *)"a b", (char *)"", NULL};
  char *some[] = {(char *)"A=1", (char *)"B=", (char *)"odd", NULL}, *none[] = {NULL};
  NEED(setenv("MINE", "1", 1) == 0);
  snprintf(report, sizeof report, "%s", new_report());
  CHECK_INT(runs(probe_path(), argv, some), 0);
  char *seen = read_report();
  CHECK_INT(number(seen, "envs"), 3);
  CHECK_STR(value(seen, "env.A"), "1");
  CHECK(strstr(seen, "env.B=\n") && strstr(seen, "env.odd\n"));
  CHECK_INT(number(seen, "argc"), 4);
  CHECK_STR(value(seen, "argv.2"), "a b");
  CHECK(strstr(seen, "argv.3=\n") != NULL);
  free(seen);
  /* NULL is an empty one, as execve(2) has it on Linux, and not the caller's. */
  for (int i = 0; i < 2; i++) {
    new_report();
    CHECK_INT(runs(probe_path(), argv, i ? none : NULL), 0);
    seen = read_report();
    CHECK_INT(number(seen, "envs"), 0);
    free(seen);
  }
}

static void too_many_arguments(void) {
  enum { LENGTH = 1 << 20, COUNT = 64 };
  static char text[LENGTH], *argv[COUNT + 1];
  memset(text, 'x', LENGTH - 1);
  for (int i = 0; i < COUNT; i++) argv[i] = text;
  CHECK_ERR(runs("/bin/true", argv, NULL), E2BIG);
  check_no_child();
}

/* ---- attributes first, then the actions in their order ---- */

static void attributes_come_first(void) {
  need_root();
  const char *secret = kept_path("secret");
  int fd = open(secret, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  NEED(fd >= 0);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  NEED(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attr) == 0);
  NEED(posix_spawn_file_actions_addopen(&actions, 5, secret, O_RDONLY, 0) == 0);
  NEED(posix_spawnattr_setflags(&attr, POSIX_SPAWN_RESETIDS) == 0);
  /* A file that only root may read: root by its effective id is not root any more by then. */
  NEED(setresuid(UNPRIVILEGED, 0, 0) == 0);
  CHECK_ERR(spawn_true(&actions, &attr), EACCES);
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  /* And one that only the real user may read, to whom the other rights do not help. */
  NEED(fchown(fd, UNPRIVILEGED, UNPRIVILEGED) == 0 && setresuid(0, UNPRIVILEGED, 0) == 0);
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  NEED(setresuid(0, 0, 0) == 0 && fchown(fd, 1, 1) == 0 && setresuid(0, UNPRIVILEGED, 0) == 0);
  CHECK_ERR(spawn_true(&actions, NULL), EACCES);
  CHECK_ERR(spawn_true(&actions, &attr), 0);
}

/* It is new when the actions are done. */
static void a_session_comes_before_its_terminal(void) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  NEED(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
  const char *name = ptsname(master);
  /* Without O_NOCTTY: it becomes the terminal of the new session. */
  NEED(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attr) == 0);
  NEED(posix_spawn_file_actions_addopen(&actions, 7, name, O_RDWR, 0) == 0);
  NEED(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSID) == 0);
  char *seen = posix_probe(&actions, &attr);
  CHECK_INT(number(seen, "tty"), 1);
  CHECK_INT(number(seen, "sid"), number(seen, "pid"));
  CHECK_INT(number(seen, "foreground"), number(seen, "pid"));
  free(seen);
}

/* ---- descriptors ---- */

static void without_some_of_stdio(unsigned closed, const void *with) {
  (void)with;
  char report[300], key[20], *argv[] = {(char *)"probe", report, NULL};
  posix_spawn_file_actions_t actions;
  NEED(posix_spawn_file_actions_init(&actions) == 0);
  const char *file = kept_path("stdio-file");
  only(0);
  for (int fd = 0; fd < 3; fd++) open_at(fd, false);
  open_at(3, true);
  snprintf(report, sizeof report, "%s", new_report());
  for (int fd = 0; fd < 3; fd++)
    if (closed & 1U << fd) close(fd);
  char *before = snapshot();
  pid_t pid = -1;
  CHECK_ERR(posix_spawn(&pid, probe_path(), NULL, NULL, argv, environ), 0);
  CHECK_INT(wait_status(pid), 0);
  char *after = snapshot();
  CHECK_STR(after, before);
  char *seen = read_report();
  for (int fd = 0; fd < 3; fd++) {
    snprintf(key, sizeof key, "fd.%d", fd);
    CHECK_STR(value(seen, key), identity(fd));
  }
  CHECK_INT(number(seen, "fds"), 3 - __builtin_popcount(closed));
  free(seen);
  /* The actions fill the gaps. */
  NEED(posix_spawn_file_actions_addopen(&actions, 0, file, O_RDWR | O_CREAT, 0666) == 0);
  NEED(posix_spawn_file_actions_adddup2(&actions, 3, 1) == 0);
  NEED(posix_spawn_file_actions_adddup2(&actions, 1, 2) == 0);
  new_report();
  CHECK_ERR(posix_spawn(&pid, probe_path(), &actions, NULL, argv, environ), 0);
  CHECK_INT(wait_status(pid), 0);
  seen = read_report();
  CHECK_STR(value(seen, "fd.1"), identity(3));
  CHECK_STR(value(seen, "fd.2"), identity(3));
  CHECK_INT(number(seen, "fds"), 3);
  free(seen);
  /* And a failure is told. */
  CHECK_ERR(posix_spawn(&pid, "/nonexistent", NULL, NULL, argv, environ), ENOENT);
  free(before);
  free(after);
}

static void any_of_stdio_closed(void) {
  for (unsigned closed = 0; closed < 8; closed++) apart(without_some_of_stdio, closed, NULL);
}

static void a_full_table(void) {
  need(HAS_VFORK);
  struct rlimit limit = {64, 64};
  only(64);
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK_INT(open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
  CHECK_INT(errno, EMFILE);
  CHECK_ERR(spawn_true(NULL, NULL), 0);
  CHECK_ERR(runs("/nonexistent", name_only, environ), ENOENT);
}

/* ---- cancellation ---- */

static void *spawns_cancelled(void *result) {
  pthread_cancel(pthread_self());
  *(int *)result = 1;
  pid_t pid = -1;
  int spawned = posix_spawn(&pid, "/bin/true", NULL, NULL, name_only, environ);
  int failed = posix_spawn(NULL, "/nonexistent", NULL, NULL, name_only, environ);
  *(int *)result = spawned == 0 && failed == ENOENT ? 2 : 3;
  /* A cancellation point. */
  waitpid(pid, NULL, 0);
  *(int *)result = 4;
  return NULL;
}

static void no_cancellation_point(void) {
  pthread_t thread;
  int state = 0;
  void *result = NULL;
  NEED(pthread_create(&thread, NULL, spawns_cancelled, &state) == 0);
  NEED(pthread_join(thread, &result) == 0);
  CHECK_INT(state, 2);
  CHECK(result == PTHREAD_CANCELED);
  CHECK(waitpid(-1, NULL, 0) > 0);
  check_no_child();
}

/* ---- the way ---- */

static int do_traced(void) {
  pid_t pid;
  int result = posix_spawn(&pid, "/bin/true", NULL, NULL, name_only, environ);
  result |= waitpid(pid, NULL, 0) != pid;
  result |= posix_spawnp(&pid, "true", NULL, NULL, name_only, environ) || waitpid(pid, NULL, 0) != pid;
  result |= posix_spawnp(&pid, "no such program", NULL, NULL, name_only, environ) != ENOENT;
  return result;
}

static void traced(void) {
  need(HAS_OWN_PROGRAMS);
  check_trace(3);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the error number is returned", the_error_number_is_returned},
      {"success leaves errno alone", success_leaves_errno_alone},
      {"pid may be NULL", pid_may_be_null},
      {"the path may not", null_path},
      {"no arguments", no_arguments},
      {"environment", environment},
      {"too many arguments", too_many_arguments},
      {"attributes come first", attributes_come_first},
      {"a session comes before its terminal", a_session_comes_before_its_terminal},
      {"any of 0, 1, 2 closed", any_of_stdio_closed},
      {"a full descriptor table", a_full_table},
      {"no cancellation point", no_cancellation_point},
      {"by the shared way", traced},
      {NULL, NULL},
  };
  if (getenv("COUNT_ARGUMENTS") != NULL) return counted_arguments(argc, argv);
  /* Directories that anybody may search; else what is not found is EACCES to some. */
  setenv("PATH", "/usr/bin:/bin", 1);
  return is_traced_copy(argc, argv) ? do_traced() : run(argc, argv, cases);
}
