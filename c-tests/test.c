/* SPDX-License-Identifier: BSD-3-Clause */
#include "test.h"

#include <dirent.h>
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

extern char **environ;

/* What a case and its processes add up, in memory that they share. */
static struct counts {
  int failures;
  char skipped[200];
  unsigned long ways[FE_WAY_STAGED + 1];
} *counts;
static char scratch_directory[64];
static const char *program;

/* ---- checks ---- */

bool check(const char *file, int line, bool good, const char *what, const char *detail) {
  if (!good) {
    int saved = errno;
    __atomic_add_fetch(&counts->failures, 1, __ATOMIC_RELAXED);
    note("%s:%d: %s%s%s (errno %s)", file, line, what, detail ? ": " : "", detail ? detail : "",
         errno_name(saved));
  }
  return good;
}

bool check_int(const char *file, int line, const char *what, long long got, const char *wanted_text,
               long long wanted) {
  char detail[200];
  snprintf(detail, sizeof detail, "got %lld, wanted %s = %lld", got, wanted_text, wanted);
  return check(file, line, got == wanted, what, detail);
}

bool check_str(const char *file, int line, const char *what, const char *got,
               const char *wanted_text, const char *wanted) {
  char detail[1000];
  snprintf(detail, sizeof detail, "got \"%s\", wanted %s = \"%s\"", got, wanted_text, wanted);
  return check(file, line, strcmp(got, wanted) == 0, what, detail);
}

const char *errno_name(int errnum) {
  static char other[20];
#define NAME(e)                                                                                    \
  case e: return #e
  switch (errnum) {
    NAME(E2BIG);
    NAME(EACCES);
    NAME(EAGAIN);
    NAME(EBADF);
    NAME(EBUSY);
    NAME(EEXIST);
    NAME(EFBIG);
    NAME(ECANCELED);
    NAME(ECHILD);
    NAME(EFAULT);
    NAME(EINPROGRESS);
    NAME(EINTR);
    NAME(EINVAL);
    NAME(EMFILE);
    NAME(ENAMETOOLONG);
    NAME(ENFILE);
    NAME(ENOENT);
    NAME(ENOEXEC);
    NAME(ENOMEM);
    NAME(ENOSYS);
    NAME(ENOTDIR);
    NAME(ENOTTY);
    NAME(ENXIO);
    NAME(EPERM);
    NAME(EPIPE);
    NAME(EROFS);
    NAME(ESRCH);
    NAME(ETIMEDOUT);
    default: snprintf(other, sizeof other, "%d", errnum); return other;
  }
}

/* One write, to descriptor 1 or wherever it was moved: cases close and redirect 0 to 2. */
static int output = 1;

void note(const char *format, ...) {
  char line[4096] = "# ";
  va_list list;
  va_start(list, format);
  vsnprintf(line + 2, sizeof line - 3, format, list);
  va_end(list);
  strcat(line, "\n");
  if (write(output, line, strlen(line)) < 0) abort();
}

/* ---- running ---- */

enum { SKIPPED = 77 };

/* The reason needs no descriptor: a case may have none left. */
void skip(const char *reason) {
  snprintf(counts->skipped, sizeof counts->skipped, "%s", reason);
  exit(SKIPPED);
}

void need_root(void) {
  if (geteuid() != 0) skip("needs root");
}

void become_unprivileged(void) {
  NEED(setgroups(0, NULL) == 0);
  NEED(setresgid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) == 0);
  NEED(setresuid(UNPRIVILEGED, UNPRIVILEGED, UNPRIVILEGED) == 0);
  /* As after an exec; else not even its own /proc files are its own. */
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
}

/* Seconds for a case. FE_TEST_PATIENCE is for a machine that is slow: an emulated one, say. */
static unsigned patience(void) {
  static unsigned seconds; /* once: cases change the environment */
  if (!seconds) {
    const char *given = getenv("FE_TEST_PATIENCE");
    seconds = given ? (unsigned)atoi(given) : world() == WORLD_KERNEL ? 30 : 120;
  }
  return seconds;
}

void apart(void (*part)(unsigned way, const void *with), unsigned way, const void *with) {
  int status = -1;
  pid_t pid = fork_apart();
  NEED(pid >= 0);
  if (pid == 0) {
    alarm(patience());
    part(way, with);
    exit(0);
  }
  CHECK_INT(waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) exit(SKIPPED);
  CHECK_INT(status, 0);
}

static void result(int number, const struct test_case *test, int status, bool failed) {
  char line[600];
  bool good = !failed && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  bool skipped = !failed && WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED;
  if (!skipped && WIFSIGNALED(status)) {
    note("%s: killed by signal %d%s", test->name, WTERMSIG(status),
         WTERMSIG(status) == SIGALRM ? ": it took too long" : "");
  }
  snprintf(line, sizeof line, "%s %d - %s%s%s\n", good || skipped ? "ok" : "not ok", number,
           test->name, skipped ? " # SKIP " : "", skipped ? counts->skipped : "");
  if (write(output, line, strlen(line)) < 0) abort();
}

static void remove_scratch(void) {
  char command[100];
  snprintf(command, sizeof command, "rm -rf '%s'", scratch_directory);
  if (system(command) != 0) note("cannot remove %s", scratch_directory);
}

/* glibc's fork never comes back in the child under qemu-aarch64 7.2; the system call does. */
pid_t fork_apart(void) {
  if (world() == WORLD_QEMU) return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  return fork();
}

/* Not for the alarm alone: a case that hangs in fe_spawn has all signals blocked. `first`: it ends with its first
 * failure. */
static int wait_for_case(pid_t pid, unsigned milliseconds, bool first) {
  int status;
  for (unsigned waited = 0; waitpid(pid, &status, WNOHANG) != pid; waited++) {
    if (waited == milliseconds || (first && counts->failures != 0)) kill(pid, SIGKILL);
    usleep(1000);
  }
  return status;
}

static void find_features(void);

int run(int argc, char **argv, const struct test_case *cases) {
  /* Of a shell that has started this in the background they are ignored. */
  signal(SIGINT, SIG_DFL);
  signal(SIGQUIT, SIG_DFL);
  signal(SIGHUP, SIG_DFL);
  /* Out of the way of the descriptors that cases use. */
  output = fcntl(1, F_DUPFD_CLOEXEC, 900);
  if (output < 0) output = 1;
  program = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
  counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (counts == MAP_FAILED) abort();
  strcpy(scratch_directory, "/tmp/forkexec-test-XXXXXX");
  if (!mkdtemp(scratch_directory) || chmod(scratch_directory, 0777) != 0) abort();
  find_features();
  int number = 0, failed = 0;
  const char *only_first = getenv("FE_TEST_FIRST");
  bool first = only_first && *only_first;
  for (; cases->name && !(first && failed); cases++) {
    bool chosen = argc < 2;
    for (int i = 1; i < argc; i++) chosen = chosen || strcmp(argv[i], cases->name) == 0;
    if (!chosen) continue;
    counts->failures = 0;
    unsigned seconds = patience();
    pid_t pid = fork_apart();
    if (pid < 0) abort();
    if (pid == 0) {
      alarm(seconds);
      cases->function();
      exit(0);
    }
    int status = wait_for_case(pid, (seconds + 10) * 1000, first);
    bool bad = counts->failures != 0;
    failed += bad || !WIFEXITED(status) || (WEXITSTATUS(status) && WEXITSTATUS(status) != SKIPPED);
    result(++number, cases, status, bad);
  }
  /* Where there are any. */
  char concurrent[40] = "", staged[40] = "";
  if (counts->ways[FE_WAY_CONCURRENT] != 0)
    snprintf(concurrent, sizeof concurrent, " concurrent=%lu", counts->ways[FE_WAY_CONCURRENT]);
  if (counts->ways[FE_WAY_STAGED] != 0)
    snprintf(staged, sizeof staged, " staged=%lu", counts->ways[FE_WAY_STAGED]);
  note("ways %s shared=%lu copy=%lu piped=%lu%s%s", program, counts->ways[FE_WAY_SHARED],
       counts->ways[FE_WAY_COPY], counts->ways[FE_WAY_PIPED], concurrent, staged);
  char plan[40];
  snprintf(plan, sizeof plan, "1..%d\n", number);
  if (write(output, plan, strlen(plan)) < 0) abort();
  remove_scratch();
  if (number == 0) fprintf(stderr, "%s: no such case\n", program);
  return failed != 0 || number == 0;
}

/* ---- worlds and ways ---- */

enum world world(void) {
  /* Once: cases change the environment. */
  static const char *name;
  if (!name) name = getenv("FE_TEST_WORLD") ? strdup(getenv("FE_TEST_WORLD")) : "";
  if (strcmp(name, "valgrind") == 0) return WORLD_VALGRIND;
  if (strcmp(name, "qemu") == 0) return WORLD_QEMU;
  return WORLD_KERNEL;
}

unsigned expected_way(unsigned way) {
  switch (world()) {
    case WORLD_VALGRIND:
      if (way == FE_WAY_CONCURRENT) return FE_WAY_PIPED;
      return way == FE_WAY_SHARED || way == FE_WAY_AUTO ? FE_WAY_COPY : way;
    case WORLD_QEMU: return way == FE_WAY_SHARED || way == FE_WAY_COPY ? 0 : FE_WAY_PIPED;
    default:
      if (way == FE_WAY_CONCURRENT && !world_has(HAS_CLONE3)) return FE_WAY_PIPED;
      return way == FE_WAY_AUTO ? FE_WAY_SHARED : way;
  }
}

/* Where the way that is asked for is not open there is still the piped one. */
static unsigned open_way(unsigned way) { return expected_way(way) ? way : FE_WAY_PIPED; }

static unsigned taken_way(unsigned way) { return expected_way(open_way(way)); }

/* With the memory of how it is told, before a case changes what the answer depends on. */
static unsigned features;

static bool has_clone3(void) {
  struct {
    uint64_t flags, unused[3], exit_signal, more[3];
  } args = {0x100000000 /* CLONE_CLEAR_SIGHAND */, {0}, SIGCHLD, {0}};
  int status = -1;
  if (world() != WORLD_KERNEL) return false;
  pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof args);
  if (pid == 0) _exit(0);
  return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

/* As root, or in a user namespace. */
static bool may_unshare(int flags) {
  int status = -1;
  pid_t pid = fork_apart();
  if (pid < 0) abort();
  if (pid == 0) _exit(unshare(flags | (geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0);
  return waitpid(pid, &status, 0) == pid && status == 0;
}

/* By t/refuse, which says so: what a kernel without it says may be the same. */
static bool is_refused(const char *what) {
  char name[100];
  const char *refused = getenv("FE_TEST_REFUSED");
  snprintf(name, sizeof name, " %s ", what);
  return refused && strstr(refused, name);
}

static void find_features(void) {
  static char *const name_only[] = {(char *)"", NULL};
  siginfo_t info;
  int memory = (int)syscall(SYS_memfd_create, "", 1);
  int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
  bool emulated = world() == WORLD_QEMU;
  const struct {
    unsigned feature;
    bool there;
  } found[] = {
      {HAS_CLONE3, has_clone3()},
      /* valgrind's clone has none. */
      {HAS_PIDFD, self >= 0 && world() != WORLD_VALGRIND},
      {HAS_EXECVEAT, syscall(SYS_execveat, -1, "", name_only, NULL, -1) != 0 && errno == EINVAL},
      {HAS_CLOSE_RANGE, syscall(SYS_close_range, ~0u, ~0u, 0) == 0},
      {HAS_MEMFD, memory >= 0},
      {HAS_P_PIDFD, waitid((idtype_t)3, (id_t)self, &info, WEXITED | WNOHANG) != 0 && errno == ECHILD},
      {HAS_SECCOMP, !emulated && world() != WORLD_VALGRIND},
      {HAS_PTRACE | HAS_CLONE_FLAGS | HAS_SIGNALS | HAS_MEMORY_LIMITS | HAS_AFFINITY | HAS_VFORK | HAS_ONE_THREAD |
           HAS_OWN_PROGRAMS | HAS_GSID,
       !emulated},
      {HAS_ANY_CLONE3, syscall(SYS_clone3, NULL, 0) != 0 && errno == EINVAL},
      {HAS_PIDFD_GETFD, syscall(SYS_pidfd_getfd, -1, -1, 0) != 0 && errno == EBADF},
      {HAS_NAMESPACES, may_unshare(CLONE_NEWUTS | CLONE_NEWNS)},
      {HAS_TIME_NAMESPACES, may_unshare(CLONE_NEWTIME)},
      {HAS_CGROUP_NAMESPACES, may_unshare(CLONE_NEWCGROUP)},
      {HAS_NO_FILTER, prctl(PR_GET_SECCOMP) <= 0},
      {HAS_NEW_PRIVS, prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1},
      {HAS_AMBIENT, emulated || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 0, 0) >= 0},
      {HAS_PRIORITIES, geteuid() != 0 || prctl(PR_CAPBSET_READ, 23 /* CAP_SYS_NICE */) == 1},
      {HAS_MEMPOLICY, !is_refused("set_mempolicy")},
      {HAS_CORE_SCHED, !is_refused("PR_SCHED_CORE")},
      {HAS_SMALL_STACKS, sysconf(_SC_THREAD_STACK_MIN) <= 16 << 10},
      {HAS_SUBREAPER, prctl(PR_SET_CHILD_SUBREAPER, 0) == 0},
  };
  for (size_t i = 0; i < sizeof found / sizeof *found; i++)
    if (found[i].there) features |= found[i].feature;
  close(memory);
  close(self);
}

bool world_has(unsigned what) { return (features & what) == what; }

void need(unsigned what) {
  static const struct {
    unsigned feature;
    const char *reason;
  } reasons[] = {
      {HAS_CLONE3, "needs clone3 with CLONE_CLEAR_SIGHAND (Linux 5.5)"},
      {HAS_PIDFD, "needs pidfds (Linux 5.3)"},
      {HAS_EXECVEAT, "needs execveat (Linux 3.19)"},
      {HAS_CLOSE_RANGE, "needs close_range (Linux 5.9)"},
      {HAS_MEMFD, "needs memfd_create (Linux 3.17)"},
      {HAS_P_PIDFD, "needs waitid with P_PIDFD (Linux 5.4)"},
      {HAS_SECCOMP, "emulators have no seccomp"},
      {HAS_PTRACE, "needs ptrace, which qemu-user has not"},
      {HAS_CLONE_FLAGS, "needs a clone with namespaces, which qemu-user has not"},
      {HAS_SUBREAPER, "needs PR_SET_CHILD_SUBREAPER"},
      {HAS_SIGNALS, "qemu-user numbers some signals otherwise, and keeps some"},
      {HAS_MEMORY_LIMITS, "qemu-user does not pass on limits of memory"},
      {HAS_AFFINITY, "qemu-user takes masks of whole words only"},
      {HAS_VFORK, "without a way that suspends the caller a spawn needs descriptors, and failures are seen"},
      {HAS_ONE_THREAD, "a process of qemu-user has a thread more, with which setns makes no time namespace its own"},
      {HAS_OWN_PROGRAMS, "needs a handler for programs of this machine"},
      {HAS_SMALL_STACKS, "threads of this C library need larger stacks"},
      {HAS_GSID, "qemu-user does not give back what TIOCGSID says"},
      {HAS_ANY_CLONE3, "needs clone3 (Linux 5.3)"},
      {HAS_PIDFD_GETFD, "needs pidfd_getfd (Linux 5.6)"},
      {HAS_NAMESPACES, "needs the right to make namespaces"},
      {HAS_TIME_NAMESPACES, "needs time namespaces (Linux 5.6)"},
      {HAS_CGROUP_NAMESPACES, "needs cgroup namespaces (Linux 4.6)"},
      {HAS_NO_FILTER, "needs a caller without a filter"},
      {HAS_NEW_PRIVS, "needs a caller without no_new_privs"},
      {HAS_AMBIENT, "needs ambient capabilities (Linux 4.3)"},
      {HAS_PRIORITIES, "needs CAP_SYS_NICE"},
      {HAS_MEMPOLICY, "needs set_mempolicy"},
      {HAS_CORE_SCHED, "needs PR_SCHED_CORE (Linux 5.14)"},
  };
  for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
    if (what & reasons[i].feature && !world_has(reasons[i].feature)) skip(reasons[i].reason);
}

/* What a spawn with these attributes takes. */
static void need_for(const fe_attr *attr) {
  need((attr->flags & FE_PIDFD ? HAS_PIDFD : 0) | (attr->flags & FE_PTRACE ? HAS_PTRACE : 0) |
       (attr->flags & (FE_FEXECVE | FE_EXECVEAT) ? HAS_EXECVEAT : 0) | (attr->cloneflags ? HAS_CLONE_FLAGS | HAS_NAMESPACES : 0) |
       (attr->cloneflags & CLONE_NEWTIME ? HAS_ANY_CLONE3 | HAS_TIME_NAMESPACES : 0));
  if (attr->size < sizeof *attr) return;
  need((attr->namespaces ? HAS_NAMESPACES : 0) |
       (attr->privileges && attr->privileges->flags & FE_PRIVILEGES_AMBIENT ? HAS_AMBIENT : 0));
}

static void count_way(unsigned way) {
  if (way <= FE_WAY_STAGED) __atomic_add_fetch(&counts->ways[way], 1, __ATOMIC_RELAXED);
}

/* ---- spawning ---- */

static bool error_is_clear(const fe_error *error) {
  static const fe_error clear = FE_ERROR_INIT;
  return memcmp(error, &clear, sizeof clear) == 0;
}

static bool spawn_by(fe_attr *attr, unsigned way, unsigned expected, fe_child *child) {
  fe_error error;
  memset(&error, 0xa5, sizeof error);
  memset(child, 0xa5, sizeof *child);
  need_for(attr);
  attr->way = open_way(way);
  errno = 0;
  if (!check_int(__FILE__, __LINE__, "fe_spawn", fe_spawn(attr, child, &error), "success", 0)) {
    char message[300];
    fe_error_message(&error, message, sizeof message);
    note("%s", message);
    return false;
  }
  CHECK(error_is_clear(&error));
  CHECK_INT(child->way, expected);
  CHECK(child->pid > 0);
  CHECK_INT(child->pidfd >= 0, (attr->flags & FE_PIDFD) != 0);
  count_way(child->way);
  return true;
}

bool spawn(fe_attr *attr, unsigned way, fe_child *child) {
  return spawn_by(attr, way, taken_way(way), child);
}

void auto_takes(fe_attr *attr, unsigned way) {
  fe_child child;
  int status = -1;
  if (!spawn_by(attr, FE_WAY_AUTO, taken_way(way), &child)) return;
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, 0);
  fe_child_close(&child);
}

void spawn_exits(fe_attr *attr, unsigned way, int wanted) {
  fe_child child;
  int status = -1;
  if (!spawn(attr, way, &child)) return;
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK(WIFEXITED(status));
  CHECK_INT(WEXITSTATUS(status), wanted);
  fe_child_close(&child);
}

static volatile sig_atomic_t sigchlds;

static void on_sigchld(int sig) {
  (void)sig;
  sigchlds++;
}

void check_no_child(void) {
  errno = 0;
  CHECK_INT(waitpid(-1, NULL, WNOHANG), -1);
  CHECK_INT(errno, ECHILD);
  errno = 0;
  CHECK_INT(waitpid(-1, NULL, WNOHANG | __WALL), -1);
  CHECK_INT(errno, ECHILD);
}

static void fails(fe_attr *attr, unsigned way, const fe_error *wanted) {
  fe_child child, empty = FE_CHILD_INIT;
  fe_error error;
  memset(&error, 0xa5, sizeof error);
  memset(&child, 0xa5, sizeof child);
  /* Refused arguments take nothing, and no other way. */
  if (wanted->step == FE_STEP_ARGS) {
    attr->way = way;
  } else {
    need_for(attr);
    attr->way = open_way(way);
  }

  /* Only with a handler can SIGCHLD be seen; a case that ignores it, or its zombies,
   * keeps it so. */
  struct sigaction action, before_action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_sigchld;
  action.sa_flags = SA_RESTART;
  sigaction(SIGCHLD, NULL, &before_action);
  bool unseen = before_action.sa_handler == SIG_IGN || before_action.sa_flags & SA_NOCLDWAIT;
  if (!unseen) sigaction(SIGCHLD, &action, NULL);
  sigchlds = 0;

  char *before = snapshot();
  errno = 0;
  int status = fe_spawn(attr, &child, &error);
  int saved = errno;
  char *after = snapshot();
  sigaction(SIGCHLD, &before_action, NULL);

  CHECK_INT(status, -1);
  CHECK_STR(errno_name(saved), errno_name(wanted->errnum));
  CHECK_INT(error.errnum, saved);
  CHECK_STR(fe_step_name(error.step), fe_step_name(wanted->step));
  CHECK_INT(error.index, wanted->index);
  CHECK_INT(error.signal, wanted->signal);
  CHECK(memcmp(&child, &empty, sizeof child) == 0);
  CHECK_STR(after, before);
  check_no_child();
  /* A way is named when there was a clone, or one was tried. */
  bool cloned = wanted->step > FE_STEP_PIDFD && wanted->step != FE_STEP_CGROUP;
  if (cloned && error.way) CHECK_INT(error.way, taken_way(way));
  if (error.way < FE_WAY_PIPED) CHECK_INT(sigchlds, 0);
  count_way(error.way);
  free(before);
  free(after);
}

void spawn_fails(fe_attr *attr, unsigned way, int errnum, int step, int index) {
  fe_error wanted = FE_ERROR_INIT;
  wanted.errnum = errnum;
  wanted.step = step;
  wanted.index = index;
  fails(attr, way, &wanted);
}

void spawn_killed(fe_attr *attr, unsigned way, int signal, int step, int index) {
  fe_error wanted = FE_ERROR_INIT;
  wanted.errnum = ECANCELED;
  wanted.step = step;
  wanted.index = index;
  wanted.signal = signal;
  fails(attr, way, &wanted);
}

bool spawn_fails_fast(fe_attr *attr, unsigned way, int errnum, int step) {
  static const fe_child empty = FE_CHILD_INIT;
  fe_child child;
  fe_error error;
  fe_attr mine = *attr;
  need_for(attr);
  mine.way = open_way(way);
  errno = 0;
  int status = fe_spawn(&mine, &child, &error);
  int saved = errno;
  bool good = CHECK_INT(status, -1) && CHECK_STR(errno_name(saved), errno_name(errnum)) &&
              CHECK_INT(error.errnum, saved) && CHECK_INT(error.step, step) &&
              CHECK_INT(error.way, taken_way(way)) &&
              CHECK(memcmp(&child, &empty, sizeof child) == 0);
  count_way(error.way);
  return good;
}

/* A program built on an older system has no header for it. */
bool kernel_remembers(void) {
  struct {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t exit_code;
  } info = {8 /* PIDFD_INFO_EXIT */, 0, {0}, 0};
  /* Once, and before a case has SIGCHLD ignored. */
  static int known = -1;
  if (known >= 0) return known != 0;
  pid_t pid = fork_apart();
  NEED(pid >= 0);
  if (pid == 0) _exit(0);
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  NEED(waitpid(pid, NULL, 0) == pid || errno == ECHILD);
  bool good = pidfd >= 0 && ioctl(pidfd, 0xc040ff0b /* PIDFD_GET_INFO */, &info) == 0 && (info.mask & 8);
  if (pidfd >= 0) close(pidfd);
  known = good;
  return good;
}

/* ---- what the caller looks like ---- */

char *snapshot(void) {
  char *text = NULL;
  size_t length = 0;
  FILE *out = open_memstream(&text, &length);
  if (!out) abort();
  for (int fd = 0; fd < 2048; fd++) {
    struct stat st;
    if (fstat(fd, &st) != 0) continue;
    fprintf(out, "fd %d %llu:%llu %d %x\n", fd, (unsigned long long)st.st_dev,
            (unsigned long long)st.st_ino, fcntl(fd, F_GETFD), (unsigned)fcntl(fd, F_GETFL));
  }
  unsigned long long mask = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
  fprintf(out, "mask %llx\n", mask);
  for (int sig = 1; sig <= SIGRTMAX; sig++) {
    struct sigaction action;
    if (sigaction(sig, NULL, &action) != 0) continue;
    fprintf(out, "signal %d %p\n", sig, *(void **)&action.sa_handler);
  }
  char cwd[4096];
  fprintf(out, "cwd %s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
  mode_t old = umask(0);
  umask(old);
  fprintf(out, "umask %o\n", (unsigned)old);
  fprintf(out, "dumpable %d pdeathsig %d\n", prctl(PR_GET_DUMPABLE), 0);
  fprintf(out, "ids %d %d pgid %d sid %d\n", (int)geteuid(), (int)getegid(), (int)getpgid(0),
          (int)getsid(0));
  /* Memory that could be shared with a child. Without /proc nobody can tell. */
  FILE *maps = fopen("/proc/self/maps", "re");
  char line[4400];
  int shared = 0;
  while (maps && fgets(line, sizeof line, maps)) shared += strstr(line, "rw-s ") != NULL;
  if (maps) fclose(maps);
  fprintf(out, "shared mappings %d\n", shared);
  for (char **e = environ; e && *e; e++) fprintf(out, "env %s\n", *e);
  if (fclose(out) != 0) abort();
  return text;
}

/* ---- the probe ---- */

static char paths[8][300];
static unsigned next_path;

const char *probe_path(void) {
  static char path[4096];
  if (path[0]) return path;
  const char *given = getenv("FE_TEST_PROBE");
  if (!given || !realpath(given, path)) {
    note("FE_TEST_PROBE must name the probe");
    abort();
  }
  return path;
}

void install_probe(const char *path) {
  char buffer[1 << 16];
  int from = open(probe_path(), O_RDONLY | O_CLOEXEC);
  int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  NEED(from >= 0 && to >= 0);
  for (ssize_t n; (n = read(from, buffer, sizeof buffer)) != 0;)
    NEED(n > 0 && write(to, buffer, (size_t)n) == n);
  NEED(fchmod(to, 0755) == 0);
  close(from);
  close(to);
}

const char *scratch(void) { return scratch_directory; }

const char *scratch_path(const char *name) {
  char *path = paths[next_path++ % 8];
  snprintf(path, sizeof paths[0], "%s/%s", scratch_directory, name);
  return path;
}

const char *kept_path(const char *name) {
  char *path = strdup(scratch_path(name));
  NEED(path != NULL);
  return path;
}

static char report_path[300];

bool probe_start(fe_attr *attr, unsigned way, fe_child *child) {
  /* Whoever the probe will be, it can write to it. */
  snprintf(report_path, sizeof report_path, "%s/report",
           attr->chroot ? attr->chroot : scratch_directory);
  unlink(report_path);
  int made = open(report_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  NEED(made >= 0 && fchmod(made, 0666) == 0);
  close(made);
  char *argv[16] = {(char *)"probe", attr->chroot ? (char *)"/report" : report_path};
  if (attr->argv) argv[0] = attr->argv[0];
  for (int i = 1; attr->argv && attr->argv[i]; i++) {
    NEED(i < 14);
    argv[i + 1] = attr->argv[i];
  }
  fe_attr started = *attr;
  started.argv = argv;
  if (!started.path && !attr->argv) started.path = probe_path();
  return spawn(&started, way, child);
}

char *probe(fe_attr *attr, unsigned way) {
  fe_child child;
  int status = -1;
  if (!probe_start(attr, way, &child)) return NULL;
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK_INT(status, 0);
  fe_child_close(&child);
  return probe_report();
}

char *probe_report(void) {
  FILE *file = fopen(report_path, "re");
  NEED(file != NULL);
  char *text = calloc(1, 1 << 20);
  NEED(text != NULL);
  size_t length = fread(text, 1, (1 << 20) - 1, file);
  fclose(file);
  if (length == 0) {
    check(__FILE__, __LINE__, false, "the probe's report is empty", NULL);
    free(text);
    return NULL;
  }
  return text;
}

const char *value(const char *report, const char *key) {
  static char values[8][1000];
  static unsigned next;
  char *copy = values[next++ % 8];
  copy[0] = 0;
  size_t n = strlen(key);
  for (const char *line = report; line && *line;) {
    const char *end = strchr(line, '\n');
    size_t length = end ? (size_t)(end - line) : strlen(line);
    if (length > n && strncmp(line, key, n) == 0 && line[n] == '=')
      snprintf(copy, sizeof values[0], "%.*s", (int)(length - n - 1), line + n + 1);
    line = end ? end + 1 : NULL;
  }
  return copy;
}

long long number(const char *report, const char *key) { return strtoll(value(report, key), NULL, 10); }

/* ---- descriptors ---- */

void open_at(int at, bool cloexec) {
  static int serial;
  char name[40];
  snprintf(name, sizeof name, "file-%d-%d", (int)getpid(), serial++);
  int fd = open(scratch_path(name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  NEED(fd >= 0);
  if (fd != at) {
    NEED(dup3(fd, at, O_CLOEXEC) == at);
    close(fd);
  }
  if (!cloexec) NEED(fcntl(at, F_SETFD, 0) == 0);
}

const char *identity(int fd) {
  static char texts[8][60];
  static unsigned next;
  char *text = texts[next++ % 8];
  struct stat st;
  text[0] = 0;
  if (fstat(fd, &st) == 0)
    snprintf(text, sizeof texts[0], "%llu:%llu", (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
  return text;
}

void only(int count) {
  for (int fd = 0; fd < 700; fd++) close(fd);
  for (int fd = 0; fd < count; fd++) open_at(fd, true);
}

void check_table(const int *files, size_t nfiles, unsigned way, int inherited) {
  char key[40];
  fe_attr attr = FE_ATTR_INIT;
  attr.files = files;
  attr.nfiles = nfiles;
  char *before = snapshot();
  char *seen = probe(&attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  if (!seen) return;
  long long count = 0;
  for (size_t i = 0; i < nfiles; i++) {
    snprintf(key, sizeof key, "fd.%zu", i);
    const char *wanted = files[i] >= 0 ? identity(files[i]) : "";
    CHECK_STR(value(seen, key), wanted);
    count += files[i] >= 0;
  }
  if (inherited >= 0 && (size_t)inherited >= nfiles && inherited > 2) {
    snprintf(key, sizeof key, "fd.%d", inherited);
    CHECK_STR(value(seen, key), identity(inherited));
    count++;
  }
  CHECK_INT(number(seen, "fds"), count);
  free(seen);
}
