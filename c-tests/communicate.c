/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_communicate: any amount both ways, and nobody can hold it up. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/times.h>

enum { MIB = 1 << 20 };
static const int all_pipes[] = {FE_FROM_PIPE, FE_TO_PIPE, FE_TO_PIPE};

/* "sh -c script" with those files. */
static bool start_shell(const char *script, uint64_t flags, const int *files, fe_child *child) {
  char *argv[] = {(char *)"sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/sh";
  attr.argv = argv;
  attr.flags = flags;
  attr.files = files;
  attr.nfiles = 3;
  return spawn(&attr, FE_WAY_SHARED, child);
}

static fe_io input_of(const void *data, size_t n) {
  fe_io io = FE_IO_INIT;
  io.input = data;
  io.ninput = n;
  return io;
}

/* The child has ended with that status of wait(2), the flags are these, and nothing is left. */
static void check_done(int done, fe_child *child, const fe_result *result, int status, unsigned flags) {
  CHECK_INT(done, 0);
  CHECK_INT(result->status, status);
  CHECK_INT(result->flags, flags);
  CHECK(result->elapsed_ns > 0);
  for (int i = 0; i < 3; i++) CHECK_INT(child->ends[i], -1);
  CHECK_INT(fe_wait(child, 0, NULL), -1);
  CHECK_STR(errno_name(errno), "ECHILD");
  fe_child_close(child);
  check_no_child();
}

static void check_fails(int done, const char *wanted) {
  int saved = errno;
  CHECK_INT(done, -1);
  CHECK_STR(errno_name(saved), wanted);
}

static void both_streams(void) {
  for (int pidfd = 0; pidfd < 2; pidfd++) {
    if (pidfd && !world_has(HAS_PIDFD)) continue;
    char *before = snapshot();
    fe_child child;
    fe_result result;
    fe_io io = input_of("one\ntwo\n", 8);
    memset(&result, 0xa5, sizeof result);
    NEED(start_shell("cat; echo wrong >&2; exit 3", pidfd ? FE_PIDFD : 0, all_pipes, &child));
    check_done(fe_communicate(&child, &io, &result), &child, &result, 3 << 8, 0);
    CHECK_STR(result.output, "one\ntwo\n");
    CHECK_INT(result.noutput, 8);
    CHECK_STR(result.errors, "wrong\n");
    CHECK_INT(result.nerrors, 6);
    CHECK(result.usage.ru_maxrss > 0);
    fe_result_free(&result);
    CHECK(result.output == NULL && result.errors == NULL && result.noutput == 0);
    fe_result_free(&result);
    fe_result_free(NULL);
    /* Nothing is said, and there is no pipe at all. */
    const int one[] = {FE_NULL, FE_NULL, FE_TO_PIPE};
    NEED(start_shell("true", 0, one, &child));
    check_done(fe_communicate(&child, NULL, &result), &child, &result, 0, 0);
    CHECK(result.output == NULL && result.errors != NULL && result.nerrors == 0);
    CHECK_STR(result.errors, "");
    fe_result_free(&result);
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
  }
}

static unsigned char *noise(size_t n) {
  unsigned char *data = malloc(n);
  NEED(data != NULL);
  unsigned state = 1;
  for (size_t i = 0; i < n; i++) data[i] = (unsigned char)((state = state * 1103515245U + 12345U) >> 16);
  return data;
}

static void much_both_ways(void) {
  size_t n = world() == WORLD_KERNEL ? (size_t)100 * MIB : MIB;
  unsigned char *data = noise(n);
  fe_io io = input_of(data, n);
  fe_child child;
  fe_result result;
  NEED(start_shell("exec cat", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, 0);
  CHECK_INT(result.noutput, n);
  CHECK(result.noutput == n && memcmp(result.output, data, n) == 0);
  fe_result_free(&result);
  /* A child that writes before it reads. */
  io.ninput = MIB;
  NEED(start_shell("head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2; wc -c", 0, all_pipes,
                   &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, 0);
  CHECK_INT(result.noutput, MIB + 8);
  CHECK(result.noutput > MIB && strcmp(result.output + MIB, "1048576\n") == 0);
  CHECK_INT(result.nerrors, MIB);
  fe_result_free(&result);
  free(data);
}

static long long peak_kib(void) {
  char line[200];
  long long peak = -1;
  FILE *status = fopen("/proc/self/status", "re");
  while (status && fgets(line, sizeof line, status)) sscanf(line, "VmHWM: %lld", &peak);
  if (status) fclose(status);
  return peak;
}

static void output_beyond_the_limit(void) {
  fe_io io = FE_IO_INIT;
  fe_child child;
  fe_result result;
  io.max_output = 1000;
  NEED(start_shell("head -c 1000 /dev/zero; echo abc >&2", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, 0);
  CHECK(result.noutput == 1000 && result.nerrors == 4);
  fe_result_free(&result);
  NEED(start_shell("head -c 1001 /dev/zero >&2", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, FE_RESULT_ERRORS_CUT);
  CHECK(result.noutput == 0 && result.nerrors == 1000);
  fe_result_free(&result);
  if (world() != WORLD_KERNEL) return;
  long long before = peak_kib();
  NEED(start_shell("exec head -c 1073741824 /dev/zero", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, FE_RESULT_OUTPUT_CUT);
  CHECK_INT(result.noutput, 1000);
  CHECK(before > 0 && peak_kib() - before < 512);
  fe_result_free(&result);
}

/* Of both streams there comes sixteen times as much as is kept. */
static void memory_within_the_limits(void) {
  if (world() != WORLD_KERNEL) skip("counts memory");
  enum { MOST = 8 * MIB };
  fe_io io = FE_IO_INIT;
  fe_child child;
  fe_result result;
  io.max_output = MOST;
  long long before = peak_kib();
  NEED(start_shell("head -c 134217728 /dev/zero & head -c 134217728 /dev/zero >&2; wait", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, FE_RESULT_OUTPUT_CUT | FE_RESULT_ERRORS_CUT);
  CHECK_INT(result.noutput, MOST);
  CHECK_INT(result.nerrors, MOST);
  /* A block that grows may be there twice for a moment. */
  CHECK(before > 0 && peak_kib() - before < (3 * MOST + MIB) / 1024);
  fe_result_free(&result);
}

static volatile sig_atomic_t sigpipes;
static void on_sigpipe(int sig) {
  (void)sig;
  sigpipes++;
}

static void a_child_that_does_not_read(void) {
  static char data[MIB];
  fe_io io = input_of(data, sizeof data);
  fe_child child;
  fe_result result;
  NEED(signal(SIGPIPE, on_sigpipe) != SIG_ERR);
  static const char *const scripts[] = {"exec <&-; echo on", "true; echo on", "sleep 0.3; echo on",
                                        "head -c 10 | wc -c >&2; echo on"};
  for (size_t i = 0; i < 4; i++) {
    NEED(start_shell(scripts[i], 0, all_pipes, &child));
    check_done(fe_communicate(&child, &io, &result), &child, &result, 0, FE_RESULT_INPUT_CUT);
    CHECK_STR(result.output, "on\n");
    fe_result_free(&result);
  }
  CHECK_INT(sigpipes, 0);
  /* The caller's own is not eaten up. */
  sigset_t set, pending;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  NEED(sigprocmask(SIG_BLOCK, &set, NULL) == 0 && raise(SIGPIPE) == 0);
  NEED(start_shell("exec <&-; echo on", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, FE_RESULT_INPUT_CUT);
  fe_result_free(&result);
  NEED(sigpending(&pending) == 0);
  CHECK_INT(sigismember(&pending, SIGPIPE), 1);
  NEED(sigprocmask(SIG_UNBLOCK, &set, NULL) == 0);
  CHECK_INT(sigpipes, 1);
}

/* The kernel is older than that flag of pwritev2(2), or a filter forbids the call. */
static void without_nosignal(unsigned errnum, const void *unused) {
  (void)unused;
  refuse(SYS_pwritev2, (int)errnum);
  both_streams();
  a_child_that_does_not_read();
}

static void a_signal_that_must_be_blocked(void) {
  if (world() != WORLD_KERNEL) skip("needs a filter");
  static const unsigned errnums[] = {EOPNOTSUPP, ENOSYS, EPERM};
  for (int i = 0; i < 3; i++) apart(without_nosignal, errnums[i], NULL);
}

static int64_t cpu_ms(void) {
  struct rusage usage;
  NEED(getrusage(RUSAGE_SELF, &usage) == 0);
  return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000 +
         (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000;
}

/* While the child sleeps with its ends in whatever state. */
static void no_busy_wait(void) {
  if (world() != WORLD_KERNEL) skip("counts processor time");
  static char data[MIB];
  static const char *const scripts[] = {
      "exec >&- 2>&-; sleep 0.5",        "exec <&-; sleep 0.5", "exec <&- >&- 2>&-; sleep 0.5",
      "cat >/dev/null; exec >&-; sleep 0.5", "sleep 0.5; cat >/dev/null"};
  for (size_t i = 0; i < 2 * sizeof scripts / sizeof *scripts; i++) {
    fe_io io = input_of(data, sizeof data);
    fe_child child;
    fe_result result;
    NEED(start_shell(scripts[i / 2], i % 2 ? FE_PIDFD : 0, all_pipes, &child));
    int64_t before = cpu_ms();
    CHECK_INT(fe_communicate(&child, &io, &result), 0);
    CHECK(cpu_ms() - before < 60);
    CHECK(result.elapsed_ns >= 450 * INT64_C(1000000));
    fe_child_close(&child);
    fe_result_free(&result);
  }
}

static void timeouts(void) {
  static const struct {
    const char *script;
    int timeout_ms, grace_ms, stop_signal, status;
    const char *output;
  } tries[] = {
      {"echo here; exec sleep 100", 200, 0, 0, SIGKILL, "here\n"},
      {"echo here; exec sleep 100", 200, 10000, 0, SIGTERM, "here\n"},
      {"exec sleep 100", 1, 10000, SIGINT, SIGINT, ""},
      {"trap 'echo bye; exit 7' TERM; sleep 100 >&- 2>&- & wait", 600, 10000, 0, 7 << 8, "bye\n"},
      {"trap '' TERM; echo deaf; sleep 1 & sleep 1; sleep 1; sleep 100", 600, 200, 0, SIGKILL, "deaf\n"},
  };
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
    fe_io io = FE_IO_INIT;
    fe_child child;
    fe_result result;
    io.timeout_ms = tries[i].timeout_ms;
    io.grace_ms = tries[i].grace_ms;
    io.stop_signal = tries[i].stop_signal;
    io.flags = FE_IO_GROUP;
    int64_t before = now_ns();
    NEED(start_shell(tries[i].script, FE_SETPGID, all_pipes, &child));
    int done = fe_communicate(&child, &io, &result);
    int64_t least = tries[i].timeout_ms + (tries[i].status == SIGKILL ? tries[i].grace_ms : 0);
    CHECK(now_ns() - before >= least * 1000000);
    CHECK(now_ns() - before < (least + 5000) * 1000000);
    unsigned held = result.flags & FE_RESULT_HELD;
    check_done(done, &child, &result, tries[i].status, FE_RESULT_TIMED_OUT | held);
    CHECK_STR(result.output, tries[i].output);
    fe_result_free(&result);
  }
}

static void a_group_is_stopped_as_one(void) {
  need(HAS_SUBREAPER);
  fe_io io = FE_IO_INIT;
  fe_child child;
  fe_result result;
  io.flags = FE_IO_GROUP;
  io.timeout_ms = 300;
  io.grace_ms = 300;
  /* One of the group does not end by SIGTERM, its leader does. */
  NEED(start_shell("(trap '' TERM; sleep 100; sleep 100) & exec sleep 100", FE_SETPGID, all_pipes, &child));
  pid_t group = child.pid;
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  int done = fe_communicate(&child, &io, &result);
  CHECK_INT(done, 0);
  CHECK_INT(result.status, SIGTERM);
  fe_child_close(&child);
  fe_result_free(&result);
  while (waitpid(-group, NULL, 0) > 0) {}
  CHECK_STR(errno_name(errno), "ECHILD");
  /* A child that leads none. */
  NEED(start_shell("exec sleep 100", 0, all_pipes, &child));
  check_fails(fe_communicate(&child, &io, &result), "EINVAL");
  CHECK_INT(fe_kill(&child, SIGKILL), 0);
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  fe_child_close(&child);
}

/* Slower than whoever writes. */
static int hear_slowly(void *context, int fd, const void *data, size_t n) {
  (void)context, (void)fd, (void)data, (void)n;
  usleep(3000);
  return 0;
}

static void a_grandchild_that_holds_the_pipe(void) {
  need(HAS_SUBREAPER);
  NEED(prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  static const int lingers[] = {0, 300};
  for (int i = 0; i < 4; i++) {
    fe_io io = FE_IO_INIT;
    fe_child child;
    fe_result result;
    io.linger_ms = lingers[i % 2];
    if (i >= 2) io.sink = hear_slowly;
    int64_t before = now_ns();
    /* One that is silent, and one that never is. */
    NEED(start_shell(i < 2 ? "echo $$; sleep 3600 & echo $!" : "yes & sleep 0.1",
                     FE_SETSID | (i % 2 && world_has(HAS_PIDFD) ? FE_PIDFD : 0), all_pipes, &child));
    int done = fe_communicate(&child, &io, &result);
    CHECK(now_ns() - before >= lingers[i % 2] * INT64_C(1000000));
    CHECK(now_ns() - before < INT64_C(5000000000));
    CHECK_INT(done, 0);
    CHECK_INT(result.status, 0);
    CHECK_INT(result.flags, FE_RESULT_HELD);
    if (i < 2) CHECK_INT(atoi(result.output), child.pid);
    NEED(kill(-child.pid, SIGKILL) == 0);
    while (waitpid(-child.pid, NULL, 0) > 0) {}
    fe_result_free(&result);
    fe_child_close(&child);
    check_no_child();
  }
}

struct heard {
  size_t bytes[3];
  size_t most;
};

static int hear(void *context, int fd, const void *data, size_t n) {
  struct heard *heard = context;
  CHECK((fd == 1 || fd == 2) && data != NULL && n > 0);
  heard->bytes[fd] += n;
  return heard->bytes[1] + heard->bytes[2] >= heard->most;
}

static int filled_end, times_heard;

/* When the child has ended, and there is more in the pipe each time that it is asked. */
static int fills_the_pipe(void *child, int fd, const void *data, size_t n) {
  (void)fd, (void)data, (void)n;
  siginfo_t info;
  if (times_heard == 0)
    CHECK_INT(waitid(P_PID, (id_t)((fe_child *)child)->pid, &info, WEXITED | WNOWAIT), 0);
  CHECK_INT(write(filled_end, "more", 4), 4);
  return ++times_heard > 1000;
}

static void a_pipe_that_is_never_empty(void) {
  char path[64];
  fe_io io = FE_IO_INIT;
  fe_child child;
  fe_result result;
  NEED(start_shell("echo once", 0, all_pipes, &child));
  snprintf(path, sizeof path, "/proc/self/fd/%d", child.ends[1]);
  filled_end = open(path, O_WRONLY | O_CLOEXEC);
  NEED(filled_end >= 0);
  io.sink = fills_the_pipe;
  io.context = &child;
  CHECK_INT(fe_communicate(&child, &io, &result), 0);
  CHECK_INT(result.flags, FE_RESULT_HELD);
  CHECK(times_heard < 10);
  close(filled_end);
  fe_result_free(&result);
  fe_child_close(&child);
}

static void sinks(void) {
  struct heard heard = {{0, 0, 0}, SIZE_MAX};
  fe_io io = FE_IO_INIT;
  fe_child child;
  fe_result result;
  io.sink = hear;
  io.context = &heard;
  io.max_output = 10;
  NEED(start_shell("head -c 300000 /dev/zero; head -c 200000 /dev/zero >&2", 0, all_pipes, &child));
  check_done(fe_communicate(&child, &io, &result), &child, &result, 0, 0);
  CHECK(result.output == NULL && result.errors == NULL);
  CHECK_INT(heard.bytes[1], 300000);
  CHECK_INT(heard.bytes[2], 200000);
  /* It has had enough. */
  heard = (struct heard){{0, 0, 0}, 100000};
  io.grace_ms = 10000;
  NEED(start_shell("trap 'head -c 300000 /dev/zero; exit 9' TERM; while :; do echo again; done", 0, all_pipes, &child));
  check_fails(fe_communicate(&child, &io, &result), "ECANCELED");
  CHECK_INT(result.status, 9 << 8);
  CHECK_INT(result.flags, FE_RESULT_OUTPUT_CUT);
  CHECK(heard.bytes[1] >= 100000 && heard.bytes[1] < 100000 + 65536);
  fe_result_free(&result);
  fe_child_close(&child);
  check_no_child();
}

static void waited_for_by_others(void) {
  fe_child child;
  fe_result result;
  for (int i = 0; i < 3; i++) {
    if (i == 2) NEED(signal(SIGCHLD, SIG_IGN) != SIG_ERR);
    NEED(start_shell("echo out; echo err >&2", 0, all_pipes, &child));
    if (i == 0) NEED(waitpid(child.pid, NULL, 0) == child.pid);
    if (i == 1) CHECK_INT(fe_wait(&child, -1, NULL), 0);
    check_fails(fe_communicate(&child, NULL, &result), "ECHILD");
    CHECK_STR(result.output, "out\n");
    CHECK_STR(result.errors, "err\n");
    CHECK_INT(result.flags, 0);
    fe_result_free(&result);
    fe_child_close(&child);
    check_no_child();
  }
}

static void misuse(void) {
  fe_child child, none = FE_CHILD_INIT;
  fe_result result;
  const int silent[] = {0, 1, 2};
  check_fails(fe_communicate(NULL, NULL, &result), "EINVAL");
  check_fails(fe_communicate(&none, NULL, NULL), "EINVAL");
  check_fails(fe_communicate(&none, NULL, &result), "ECHILD");
  memset(&none, 0, sizeof none);
  check_fails(fe_communicate(&none, NULL, &result), "ECHILD");
  NEED(start_shell("exec sleep 100", 0, silent, &child));
#define BAD(what)                                                                                  \
  do {                                                                                             \
    fe_io io = FE_IO_INIT;                                                                         \
    memset(&result, 0xa5, sizeof result);                                                          \
    what;                                                                                          \
    check_fails(fe_communicate(&child, &io, &result), "EINVAL");                                   \
    CHECK(result.output == NULL && result.errors == NULL && result.status == 0);                   \
  } while (0)
  BAD(io.size = 71);
  BAD(io.flags = 2);
  BAD(io.ninput = 1);
  BAD((io.input = "x", io.ninput = 1));
  BAD((io.input = "x", io.ninput = SIZE_MAX));
  BAD(io.timeout_ms = -1);
  BAD((io.grace_ms = 1, io.stop_signal = 65));
  BAD((io.grace_ms = 1, io.stop_signal = -1));
  BAD(io.stop_signal = SIGINT);
  BAD(io.grace_ms = -1);
  BAD(io.linger_ms = -1);
  BAD(io.context = &child);
  BAD(io.flags = FE_IO_GROUP);
  /* Nothing has been done to it. */
  CHECK_INT(fe_wait(&child, 0, NULL), -1);
  CHECK_STR(errno_name(errno), "ETIMEDOUT");
  CHECK_INT(fe_kill(&child, SIGKILL), 0);
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  fe_child_close(&child);
  fe_attr attr = nothing();
  NEED(start(&attr, FE_WAY_CONCURRENT, &child));
  check_fails(fe_communicate(&child, NULL, &result), "EINPROGRESS");
  NEED(finishes(&child));
  ends(&child, 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"input, output and errors", both_streams},
      {"much both ways", much_both_ways},
      {"output beyond the limit", output_beyond_the_limit},
      {"memory within the limits", memory_within_the_limits},
      {"a child that does not read", a_child_that_does_not_read},
      {"a signal that must be blocked", a_signal_that_must_be_blocked},
      {"no busy wait", no_busy_wait},
      {"timeouts", timeouts},
      {"a group is stopped as one", a_group_is_stopped_as_one},
      {"a grandchild that holds the pipe", a_grandchild_that_holds_the_pipe},
      {"a pipe that is never empty", a_pipe_that_is_never_empty},
      {"sinks", sinks},
      {"waited for by others", waited_for_by_others},
      {"misuse", misuse},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
