/* SPDX-License-Identifier: BSD-3-Clause */
/* system(3). */
#include "test.h"

#include "posix.h"

#include "filter.h"

/* ---- what is returned ---- */

static void statuses(void) {
  const struct {
    const char *command;
    int status;
  } of[] = {{"exit 0", 0},         {"exit 7", 7 << 8},      {"exit 255", 255 << 8}, {"", 0},
            {"kill -9 $$", 9},     {"kill -TERM $$", 15},   {"no-such-command 2>&-", 127 << 8},
            {"(exit 3)", 3 << 8},  {"exit 127", 127 << 8}};
  for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
    char *before = snapshot();
    errno = 4321;
    if (!CHECK_INT(system(of[i].command), of[i].status)) note("%s", of[i].command);
    CHECK_INT(errno, 4321);
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
    check_no_child();
  }
  CHECK(system(NULL) != 0);
}

/* It is no option of the shell. */
static void a_command_that_begins_with_a_dash(void) {
  const char *path = kept_path("-program");
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  NEED(fd >= 0 && write(fd, "#!/bin/sh\nexit 5\n", 17) == 17);
  close(fd);
  NEED(setenv("PATH", scratch(), 1) == 0);
  CHECK_INT(system("-program"), 5 << 8);
  CHECK_INT(system("-n 2>&-"), 127 << 8);
}

static void no_shell(void) {
  need_root();
  const char *empty = kept_path("empty");
  NEED(mkdir(empty, 0755) == 0 && chroot(empty) == 0);
  char *before = snapshot();
  CHECK_INT(system("exit 0"), 127 << 8);
  CHECK_INT(system(NULL), 0);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void fails(int errnum) {
  char *before = snapshot();
  errno = 0;
  CHECK_INT(system("exit 0"), -1);
  CHECK_ERR(errno, errnum);
  CHECK_INT(system(NULL), 0);
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

static void no_more_processes(void) {
  need_root();
  struct rlimit none = {0, 0};
  become_unprivileged();
  NEED(setrlimit(RLIMIT_NPROC, &none) == 0);
  fails(EAGAIN);
}

/* The shell that was killed before it was one is the command's end all the same. */
static void killed_early(void) {
  refuse(SYS_execve, KILL);
  CHECK_INT(system("exit 0"), SIGSYS);
  check_no_child();
}

static void exec_gives_ecanceled(void) {
  refuse(SYS_execve, ECANCELED);
  CHECK_INT(system("exit 0"), 127 << 8);
  check_no_child();
}

/* ---- signals ---- */

static volatile sig_atomic_t calls;

static void on_signal(int sig) {
  (void)sig;
  calls++;
}

/* With a mask and a flag of their own, which must come back too. */
static void catch_both(struct sigaction *action) {
  memset(action, 0, sizeof *action);
  action->sa_handler = on_signal;
  action->sa_flags = SA_NODEFER;
  sigaddset(&action->sa_mask, SIGUSR2);
  NEED(sigaction(SIGINT, action, NULL) == 0 && sigaction(SIGQUIT, action, NULL) == 0);
}

static void is_caught(int sig, const struct sigaction *wanted) {
  struct sigaction action;
  CHECK_INT(sigaction(sig, NULL, &action), 0);
  CHECK(action.sa_handler == wanted->sa_handler);
  CHECK_INT(action.sa_flags & SA_NODEFER, SA_NODEFER);
  CHECK_INT(sigismember(&action.sa_mask, SIGUSR2), 1);
}

static void ignored_in_the_caller(void) {
  /* Unless they are ignored, the first two kill. */
  CHECK_INT(system("kill -INT $PPID; kill -QUIT $PPID; exit 3"), 3 << 8);
  struct sigaction action;
  catch_both(&action);
  CHECK_INT(system("kill -INT $PPID; kill -QUIT $PPID; exit 3"), 3 << 8);
  CHECK_INT(calls, 0);
  is_caught(SIGINT, &action);
  is_caught(SIGQUIT, &action);
  raise(SIGINT);
  raise(SIGQUIT);
  CHECK_INT(calls, 2);
}

static uint64_t of_status(const char *text, const char *key) {
  const char *line = strstr(text, key);
  return line ? strtoull(line + strlen(key), NULL, 16) : 0;
}

static void blocked_in_the_caller(void) {
  char command[500], text[8192] = "";
  const char *path = kept_path("status");
  uint64_t before;
  NEED(syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &before, 8) == 0 && !(before & bit(SIGCHLD)));
  snprintf(command, sizeof command, "cat /proc/$PPID/status >%s", path);
  CHECK_INT(system(command), 0);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  NEED(fd >= 0 && read(fd, text, sizeof text - 1) > 0);
  close(fd);
  CHECK((of_status(text, "SigBlk:") & bit(SIGCHLD)) != 0);
  CHECK_STR(hex(of_status(text, "SigIgn:") & (bit(SIGINT) | bit(SIGQUIT))), hex(bit(SIGINT) | bit(SIGQUIT)));
}

static char *probe_by_system(void) {
  char command[8192];
  snprintf(command, sizeof command, "exec '%s' '%s'", probe_path(), new_report());
  CHECK_INT(system(command), 0);
  return read_report();
}

static void default_in_the_command(void) {
  struct sigaction action;
  catch_both(&action);
  signal(SIGUSR1, SIG_IGN);
  uint64_t mask = bit(SIGUSR2) | bit(SIGTERM), after;
  NEED(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, 8) == 0);
  char *seen = probe_by_system();
  CHECK_INT(strtoull(value(seen, "ignored"), NULL, 16) & (bit(SIGINT) | bit(SIGQUIT)), 0);
  CHECK((strtoull(value(seen, "ignored"), NULL, 16) & bit(SIGUSR1)) != 0);
  CHECK_STR(value(seen, "mask"), hex(mask));
  free(seen);
  NEED(syscall(SYS_rt_sigprocmask, SIG_SETMASK, NULL, &after, 8) == 0);
  CHECK_STR(hex(after), hex(mask));
  /* What the caller ignores itself, the command ignores too: as it would after a fork and an exec. */
  signal(SIGINT, SIG_IGN);
  seen = probe_by_system();
  CHECK_STR(hex(strtoull(value(seen, "ignored"), NULL, 16) & (bit(SIGINT) | bit(SIGQUIT))), hex(bit(SIGINT)));
  free(seen);
  signal(SIGQUIT, SIG_IGN);
  seen = probe_by_system();
  CHECK_STR(hex(strtoull(value(seen, "ignored"), NULL, 16) & (bit(SIGINT) | bit(SIGQUIT))),
            hex(bit(SIGINT) | bit(SIGQUIT)));
  free(seen);
  CHECK(signal(SIGINT, SIG_DFL) == SIG_IGN);
}

static void interrupted_by_a_handler(void) {
  struct sigaction action = {.sa_handler = on_signal};
  NEED(sigaction(SIGUSR1, &action, NULL) == 0);
  CHECK_INT(system("kill -USR1 $PPID; exit 4"), 4 << 8);
  CHECK_INT(calls, 1);
}

static void other_children_are_left_alone(void) {
  pid_t pid = -1;
  char *argv[] = {(char *)"false", NULL};
  siginfo_t info;
  CHECK_ERR(posix_spawn(&pid, "/bin/false", NULL, NULL, argv, environ), 0);
  CHECK_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(system("exit 2"), 2 << 8);
  CHECK_INT(wait_status(pid), 1 << 8);
}

static void with_sigchld_ignored(void) {
  signal(SIGCHLD, SIG_IGN);
  errno = 0;
  CHECK_INT(system("exit 2"), -1);
  CHECK_ERR(errno, ECHILD);
}

/* ---- threads ---- */

/* A command that says when it runs, by its process id, and ends when it is let go. */
struct command {
  int said[2], go[2];
  char text[200];
  int status;
  pthread_t thread;
  bool masked; /* SIGCHLD, after all is over */
};

static void after_cancellation(void *argument) {
  sigset_t now;
  pthread_sigmask(SIG_SETMASK, NULL, &now);
  ((struct command *)argument)->masked = sigismember(&now, SIGCHLD);
}

static void *runs_command(void *argument) {
  struct command *command = argument;
  pthread_cleanup_push(after_cancellation, command);
  command->status = system(command->text);
  pthread_cleanup_pop(1);
  return NULL;
}

static pid_t start(struct command *command) {
  pid_t pid = 0;
  command->status = -2;
  command->masked = true;
  NEED(pipe(command->said) == 0 && pipe(command->go) == 0);
  snprintf(command->text, sizeof command->text, "echo $$ >/proc/self/fd/%d; read x </proc/self/fd/%d; exit 6", command->said[1],
           command->go[0]);
  NEED(pthread_create(&command->thread, NULL, runs_command, command) == 0);
  for (char digit; read(command->said[0], &digit, 1) == 1 && digit != '\n';) pid = 10 * pid + digit - '0';
  return pid;
}

static void ends(struct command *command) {
  NEED(write(command->go[1], "\n", 1) == 1 && pthread_join(command->thread, NULL) == 0);
  CHECK_INT(command->status, 6 << 8);
  CHECK(!command->masked);
}

static bool ignored(int sig) {
  struct sigaction action;
  CHECK_INT(sigaction(sig, NULL, &action), 0);
  return action.sa_handler == SIG_IGN;
}

/* The last that comes back restores what the first has found. */
static void two_threads(void) {
  for (int first = 0; first < 2; first++) {
    struct command commands[2];
    struct sigaction action;
    catch_both(&action);
    start(&commands[0]);
    CHECK(ignored(SIGINT) && ignored(SIGQUIT));
    start(&commands[1]);
    ends(&commands[first]);
    CHECK(ignored(SIGINT) && ignored(SIGQUIT));
    ends(&commands[!first]);
    is_caught(SIGINT, &action);
    is_caught(SIGQUIT, &action);
  }
  check_no_child();
}

static void *a_hundred(void *unused) {
  for (int i = 0; i < 100; i++)
    if (!CHECK_INT(system("exit 5"), 5 << 8)) break;
  return unused;
}

static void many_at_once(void) {
  struct sigaction action;
  pthread_t threads[4];
  catch_both(&action);
  for (int i = 0; i < 4; i++) NEED(pthread_create(&threads[i], NULL, a_hundred, NULL) == 0);
  for (int i = 0; i < 4; i++) NEED(pthread_join(threads[i], NULL) == 0);
  is_caught(SIGINT, &action);
  is_caught(SIGQUIT, &action);
  check_no_child();
}

static void cancelled_while_it_waits(void) {
  struct command command;
  struct sigaction action;
  void *result = NULL;
  catch_both(&action);
  pid_t pid = start(&command);
  CHECK_INT(kill(pid, 0), 0);
  NEED(pthread_cancel(command.thread) == 0 && pthread_join(command.thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK_INT(command.status, -2);
  CHECK(!command.masked);
  errno = 0;
  CHECK_INT(kill(pid, 0), -1);
  CHECK_ERR(errno, ESRCH);
  is_caught(SIGINT, &action);
  is_caught(SIGQUIT, &action);
  check_no_child();
  CHECK_INT(system("exit 1"), 1 << 8);
}

static void *cancels_itself(void *argument) {
  pthread_cancel(pthread_self());
  return runs_command(argument);
}

static void cancelled_before(void) {
  struct command command = {.text = "read x", .status = -2, .masked = true};
  struct sigaction action;
  void *result = NULL;
  /* The command waits for what never comes. */
  NEED(pipe2(command.go, O_CLOEXEC) == 0 && dup2(command.go[0], 0) == 0);
  catch_both(&action);
  NEED(pthread_create(&command.thread, NULL, cancels_itself, &command) == 0);
  NEED(pthread_join(command.thread, &result) == 0);
  CHECK(result == PTHREAD_CANCELED);
  CHECK_INT(command.status, -2);
  CHECK(!command.masked);
  is_caught(SIGINT, &action);
  is_caught(SIGQUIT, &action);
  check_no_child();
}

/* ---- the way ---- */

static void traced(void) {
  need(HAS_OWN_PROGRAMS);
  check_trace(3);
}

static int do_traced(void) {
  FILE *file = popen("exit 3", "r");
  return system("exit 2") != 2 << 8 || system(NULL) == 0 || file == NULL || pclose(file) != 3 << 8;
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"statuses", statuses},
      {"a command that begins with a dash", a_command_that_begins_with_a_dash},
      {"no shell", no_shell},
      {"no process", no_process},
      {"no more processes", no_more_processes},
      {"killed before exec", killed_early},
      {"exec gives ECANCELED", exec_gives_ecanceled},
      {"SIGINT and SIGQUIT ignored in the caller", ignored_in_the_caller},
      {"SIGCHLD blocked in the caller", blocked_in_the_caller},
      {"default in the command", default_in_the_command},
      {"interrupted by a handler", interrupted_by_a_handler},
      {"other children are left alone", other_children_are_left_alone},
      {"SIGCHLD ignored", with_sigchld_ignored},
      {"two threads", two_threads},
      {"many at once", many_at_once},
      {"cancelled while it waits", cancelled_while_it_waits},
      {"cancelled before", cancelled_before},
      {"by the shared way", traced},
      {NULL, NULL},
  };
  return is_traced_copy(argc, argv) ? do_traced() : run(argc, argv, cases);
}
