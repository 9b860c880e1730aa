/* SPDX-License-Identifier: BSD-3-Clause */
/* Children of posix_spawn(3) as their caller sees them: those killed before their program runs, pidfds,
 * SIGCHLD, and many threads at once. */
#include "test.h"

#include "posix.h"

#include "filter.h"

/* Linux 5.4; newer than some headers. */
#define PIDFD ((idtype_t)3)

static char *name_only[] = {(char *)"true", NULL};

/* ---- killed before exec ---- */

/* To POSIX it is a process like any other. */
static void dies_early(int signal) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attr;
  NEED(posix_spawn_file_actions_init(&actions) == 0 && posix_spawnattr_init(&attr) == 0);
  NEED(posix_spawn_file_actions_addchdir_np(&actions, "/") == 0);
  char *before = snapshot();
  pid_t pid = -1;
  errno = 4321;
  CHECK_ERR(posix_spawn(&pid, "/bin/true", &actions, NULL, name_only, environ), 0);
  CHECK_INT(errno, 4321);
  int status = wait_status(pid);
  CHECK(WIFSIGNALED(status));
  CHECK_INT(WTERMSIG(status), signal);
  check_no_child();

  CHECK_ERR(posix_spawnp(&pid, "true", &actions, NULL, name_only, environ), 0);
  CHECK_INT(WTERMSIG(wait_status(pid)), signal);

  /* Its group can be waited for as soon as it is started: many times, since it must not be so by luck. */
  NEED(posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP) == 0);
  for (int i = 0; i < 300; i++) {
    CHECK_ERR(posix_spawn(&pid, "/bin/true", &actions, &attr, name_only, environ), 0);
    status = -1;
    if (!CHECK_INT(waitpid(-pid, &status, 0), pid)) {
      waitpid(pid, NULL, 0);
      break;
    }
    CHECK_INT(WTERMSIG(status), signal);
  }
  /* As is one that is there already. */
  NEED(posix_spawnattr_setpgroup(&attr, getpgid(0)) == 0);
  CHECK_ERR(posix_spawn(&pid, "/bin/true", &actions, &attr, name_only, environ), 0);
  CHECK_INT(waitpid(0, &status, 0), pid);

  need(HAS_PIDFD | HAS_P_PIDFD);
  int pidfd = -1;
  siginfo_t info;
  memset(&info, 0, sizeof info);
  CHECK_ERR(pidfd_spawn(&pidfd, "/bin/true", &actions, NULL, name_only, environ), 0);
  CHECK_INT(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
  CHECK_INT(waitid(PIDFD, (id_t)pidfd, &info, WEXITED), 0);
  CHECK(info.si_code == CLD_KILLED || info.si_code == CLD_DUMPED);
  CHECK_INT(info.si_status, signal);
  close(pidfd);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void killed_by_a_filter(void) {
  refuse(SYS_chdir, KILL);
  dies_early(SIGSYS);
}

/* By others, too: whoever can kill it may do so early. */
static void kill_it(pid_t caller) { kill(caller, SIGKILL); }

static void killed_by_somebody(void) {
  static struct watcher watcher = {kill_it, 0, 0, -1};
  watch_if(&watcher, SYS_chdir, 0, 0, 0);
  dies_early(SIGKILL);
}

/* An errno is an errno, whatever its number. */
static void not_killed_but_ecanceled(void) {
  posix_spawn_file_actions_t actions;
  NEED(posix_spawn_file_actions_init(&actions) == 0);
  NEED(posix_spawn_file_actions_addchdir_np(&actions, "/") == 0);
  refuse(SYS_chdir, ECANCELED);
  pid_t pid = 77;
  CHECK_ERR(posix_spawn(&pid, "/bin/true", &actions, NULL, name_only, environ), ECANCELED);
  CHECK_INT(pid, 77);
  check_no_child();
}

/* ---- pidfd_spawn ---- */

static void a_pidfd(void) {
  need(HAS_PIDFD | HAS_P_PIDFD);
  char *fails[] = {(char *)"false", NULL};
  for (int with_search = 0; with_search < 2; with_search++) {
    int pidfd = -1;
    siginfo_t info;
    memset(&info, 0, sizeof info);
    errno = 4321;
    CHECK_ERR(with_search ? pidfd_spawnp(&pidfd, "false", NULL, NULL, fails, environ)
                          : pidfd_spawn(&pidfd, "/bin/false", NULL, NULL, fails, environ),
              0);
    CHECK_INT(errno, 4321);
    CHECK(pidfd >= 0);
    CHECK_INT(fcntl(pidfd, F_GETFD), FD_CLOEXEC);
    CHECK_INT(waitid(PIDFD, (id_t)pidfd, &info, WEXITED), 0);
    CHECK_INT(info.si_code, CLD_EXITED);
    CHECK_INT(info.si_status, 1);
    close(pidfd);
  }
  check_no_child();
}

static void no_pidfd(void) {
  need(HAS_PIDFD);
  int pidfd = 77;
  char *before = snapshot();
  CHECK_ERR(pidfd_spawn(hide(NULL), "/bin/true", NULL, NULL, name_only, environ), EINVAL);
  CHECK_ERR(pidfd_spawnp(hide(NULL), "true", NULL, NULL, name_only, environ), EINVAL);
  errno = 4321;
  CHECK_ERR(pidfd_spawn(&pidfd, "/nonexistent", NULL, NULL, name_only, environ), ENOENT);
  CHECK_ERR(pidfd_spawn(&pidfd, "true", NULL, NULL, name_only, environ), ENOENT);
  CHECK_ERR(pidfd_spawnp(&pidfd, "no-such-program", NULL, NULL, name_only, environ), ENOENT);
  CHECK_INT(errno, 4321);
  CHECK_INT(pidfd, 77);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

/* ---- SIGCHLD ---- */

static volatile sig_atomic_t sigchlds;

static void on_sigchld(int sig) {
  (void)sig;
  sigchlds++;
}

/* One thread: it is delivered by the time that waitpid returns. */
static void sigchld_once(void) {
  need(HAS_VFORK);
  posix_spawn_file_actions_t actions;
  struct sigaction action = {.sa_handler = on_sigchld, .sa_flags = SA_RESTART};
  NEED(sigaction(SIGCHLD, &action, NULL) == 0);
  for (int i = 1; i <= 20; i++) {
    pid_t pid = -1;
    CHECK_ERR(posix_spawn(&pid, "/bin/true", NULL, NULL, name_only, environ), 0);
    CHECK_INT(wait_status(pid), 0);
    CHECK_INT(sigchlds, i);
    CHECK_ERR(posix_spawn(&pid, "/nonexistent", NULL, NULL, name_only, environ), ENOENT);
    CHECK_INT(sigchlds, i);
  }
  /* Nor twice for the one that is killed early. */
  NEED(posix_spawn_file_actions_init(&actions) == 0);
  NEED(posix_spawn_file_actions_addchdir_np(&actions, "/") == 0);
  refuse(SYS_chdir, KILL);
  pid_t pid = -1;
  CHECK_ERR(posix_spawn(&pid, "/bin/true", &actions, NULL, name_only, environ), 0);
  CHECK_INT(WTERMSIG(wait_status(pid)), SIGSYS);
  CHECK_INT(sigchlds, 21);
}

/* ---- many threads ---- */

enum { THREADS = 16, ROUNDS = 40, TOKEN_AT = 20 };
static char self[4096];

/* In the child: its token is its argument and in the file that it was given, and there is no other
 * descriptor. */
static int verify(const char *token) {
  char text[64] = "";
  if (pread(TOKEN_AT, text, sizeof text - 1, 0) <= 0 || strcmp(text, token) != 0) return 1;
  for (int fd = 0; fd < 2048; fd++)
    if (fd != TOKEN_AT && fcntl(fd, F_GETFD) >= 0) return 2;
  return 0;
}

static void *spawns(void *argument) {
  int me = *(int *)argument;
  char token[64], *argv[] = {self, (char *)"verify", token, NULL};
  for (int i = 0; i < ROUNDS; i++) {
    posix_spawn_file_actions_t actions;
    int fd = open(scratch(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), status = -1;
    pid_t pid = -1;
    snprintf(token, sizeof token, "thread %d round %d", me, i);
    if (!CHECK(fd >= 0 && write(fd, token, strlen(token)) == (ssize_t)strlen(token))) return NULL;
    CHECK_ERR(posix_spawn_file_actions_init(&actions), 0);
    CHECK_ERR(posix_spawn_file_actions_adddup2(&actions, fd, TOKEN_AT), 0);
    bool good = CHECK_ERR(posix_spawn(&pid, self, &actions, NULL, argv, environ), 0) &&
                CHECK_INT(waitpid(pid, &status, 0), pid) && CHECK_INT(status, 0);
    pid = 77;
    good = CHECK_ERR(posix_spawnp(&pid, "no-such-program", &actions, NULL, argv, environ), ENOENT) && good;
    CHECK_ERR(posix_spawn_file_actions_addchdir_np(&actions, "/nonexistent"), 0);
    good = CHECK_ERR(posix_spawn(&pid, self, &actions, NULL, argv, environ), ENOENT) && good;
    CHECK_INT(pid, 77);
    CHECK_ERR(posix_spawn_file_actions_destroy(&actions), 0);
    close(fd);
    if (!good) break;
  }
  return NULL;
}

static void many_threads(void) {
  need(HAS_OWN_PROGRAMS);
  pthread_t threads[THREADS];
  int numbers[THREADS];
  ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
  NEED(length > 0);
  self[length] = 0;
  /* So that the first that a thread opens is above the number that the child has it at. */
  only(TOKEN_AT + 1);
  char *before = snapshot();
  for (int i = 0; i < THREADS; i++) {
    numbers[i] = i;
    NEED(pthread_create(&threads[i], NULL, spawns, &numbers[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) NEED(pthread_join(threads[i], NULL) == 0);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

/* ---- the way ---- */

static int do_traced(void) {
  int pidfd;
  siginfo_t info;
  int result = pidfd_spawn(&pidfd, "/bin/true", NULL, NULL, name_only, environ);
  result |= waitid(PIDFD, (id_t)pidfd, &info, WEXITED);
  result |= pidfd_spawnp(&pidfd, "true", NULL, NULL, name_only, environ);
  return result | waitid(PIDFD, (id_t)pidfd, &info, WEXITED);
}

static void traced(void) {
  need(HAS_OWN_PROGRAMS | HAS_PIDFD);
  check_trace(2);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"killed before exec by a filter", killed_by_a_filter},
      {"killed before exec by somebody", killed_by_somebody},
      {"ECANCELED of a system call", not_killed_but_ecanceled},
      {"a pidfd", a_pidfd},
      {"no pidfd", no_pidfd},
      {"SIGCHLD once", sigchld_once},
      {"many threads", many_threads},
      {"by the shared way", traced},
      {NULL, NULL},
  };
  if (argc == 3 && strcmp(argv[1], "verify") == 0) return verify(argv[2]);
  /* Directories that anybody may search; else what is not found is EACCES to some. */
  setenv("PATH", "/usr/bin:/bin", 1);
  return is_traced_copy(argc, argv) ? do_traced() : run(argc, argv, cases);
}
