/* SPDX-License-Identifier: BSD-3-Clause */
/* What each flag of posix_spawnattr_setflags(3) does, as the started program sees it. */
#include "test.h"

#include "posix.h"

#include <sys/statfs.h>
#include <sys/syscall.h>

static posix_spawnattr_t with_flags(short flags) {
  posix_spawnattr_t attr;
  NEED(posix_spawnattr_init(&attr) == 0);
  NEED(posix_spawnattr_setflags(&attr, flags) == 0);
  return attr;
}

static uint64_t set_mask(uint64_t mask) {
  uint64_t before;
  NEED(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &mask, &before, 8) == 0);
  return before;
}

static void never_called(int sig) {
  (void)sig;
  abort();
}

/* By the raw call: the C library keeps 32 and 33 for itself. */
static void set_action(int sig, void (*handler)(int)) {
  struct {
    void (*handler)(int);
    unsigned long rest[3];
  } action = {handler, {0, 0, 0}};
  NEED(syscall(SYS_rt_sigaction, sig, &action, NULL, 8) == 0);
}

/* All that can be ignored; returns them. SIGCHLD would make waiting impossible, SIGALRM is the case's. */
static uint64_t ignore_all(void) {
  uint64_t ignored = 0;
  for (int sig = 1; sig <= 64; sig++) {
    if (sig == SIGKILL || sig == SIGSTOP || sig == SIGCHLD || sig == SIGALRM) continue;
    set_action(sig, SIG_IGN);
    ignored |= bit(sig);
  }
  return ignored;
}

/* ---- none ---- */

/* Values of an object count with their flag only. */
static void values_without_flags(void) {
  need(HAS_SIGNALS);
  posix_spawnattr_t attr = with_flags(0);
  struct sched_param param = {.sched_priority = 9};
  sigset_t full;
  sigfillset(&full);
  uint64_t ignored = ignore_all(), mask = bit(SIGUSR1) | bit(40);
  CHECK_ERR(posix_spawnattr_setpgroup(&attr, -1), 0);
  CHECK_ERR(posix_spawnattr_setsigdefault(&attr, &full), 0);
  CHECK_ERR(posix_spawnattr_setsigmask(&attr, &full), 0);
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_FIFO), 0);
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, &param), 0);
  CHECK_ERR(posix_spawnattr_setcgroup_np(&attr, -1), 0);
  set_mask(mask);
  char *seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "mask"), hex(mask));
  CHECK_STR(value(seen, "ignored"), hex(ignored));
  CHECK_STR(value(seen, "caught"), hex(0));
  CHECK_INT(number(seen, "pgid"), getpgid(0));
  CHECK_INT(number(seen, "sid"), getsid(0));
  free(seen);
}

static void usevfork(void) {
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_USEVFORK);
  char *seen = posix_probe(NULL, &attr);
  CHECK_INT(number(seen, "pgid"), getpgid(0));
  CHECK_INT(number(seen, "sid"), getsid(0));
  CHECK_INT(number(seen, "ppid"), getpid());
  free(seen);
}

/* ---- signals ---- */

static void handlers_become_default(void) {
  need(HAS_SIGNALS);
  uint64_t ignored = 0;
  for (int sig = 1; sig <= 64; sig++) {
    if (sig == SIGKILL || sig == SIGSTOP || sig == SIGCHLD || sig == SIGALRM) continue;
    set_action(sig, sig % 2 ? never_called : SIG_IGN);
    if (sig % 2 == 0) ignored |= bit(sig);
  }
  posix_spawnattr_t attr = with_flags(0);
  for (int turn = 0; turn < 2; turn++) {
    char *seen = posix_probe(NULL, turn ? &attr : NULL);
    CHECK_STR(value(seen, "caught"), hex(0));
    CHECK_STR(value(seen, "ignored"), hex(ignored));
    free(seen);
  }
}

static void setsigdef(void) {
  need(HAS_SIGNALS);
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSIGDEF);
  uint64_t ignored = ignore_all();
  sigset_t set;
  /* The set is empty. */
  char *seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "ignored"), hex(ignored));
  free(seen);
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGPIPE);
  sigaddset(&set, SIGRTMAX);
  CHECK_ERR(posix_spawnattr_setsigdefault(&attr, &set), 0);
  seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "ignored"), hex(ignored & ~(bit(SIGINT) | bit(SIGPIPE) | bit(SIGRTMAX))));
  free(seen);
  /* The caller's actions stay. */
  struct sigaction action;
  CHECK_INT(sigaction(SIGINT, NULL, &action), 0);
  CHECK(action.sa_handler == SIG_IGN);
}

/* SIGKILL and SIGSTOP are in a full set, though their action cannot be set. */
static void setsigdef_full(void) {
  need(HAS_SIGNALS);
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSIGDEF);
  uint64_t ignored = ignore_all();
  sigset_t set;
  sigfillset(&set);
  CHECK_ERR(posix_spawnattr_setsigdefault(&attr, &set), 0);
  char *seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "ignored"), hex(ignored & ~bits_of(&set)));
  free(seen);
  /* Also those that sigfillset(3) leaves out since the C library uses them. */
  memset(&set, 0xff, sizeof set);
  CHECK_ERR(posix_spawnattr_setsigdefault(&attr, &set), 0);
  seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "ignored"), hex(0));
  free(seen);
}

static void setsigmask(void) {
  need(HAS_SIGNALS);
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSIGMASK);
  uint64_t before = bit(SIGUSR1) | bit(SIGTERM) | bit(SIGRTMIN);
  sigset_t set;
  set_mask(before);
  char *seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "mask"), hex(0));
  free(seen);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  sigaddset(&set, SIGRTMAX);
  sigaddset(&set, SIGKILL);
  CHECK_ERR(posix_spawnattr_setsigmask(&attr, &set), 0);
  seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "mask"), hex(bit(SIGUSR2) | bit(SIGRTMAX)));
  free(seen);
  sigfillset(&set);
  CHECK_ERR(posix_spawnattr_setsigmask(&attr, &set), 0);
  seen = posix_probe(NULL, &attr);
  CHECK_STR(value(seen, "mask"), hex(bits_of(&set) & ~(bit(SIGKILL) | bit(SIGSTOP))));
  free(seen);
  CHECK_STR(hex(set_mask(0)), hex(before));
}

/* ---- groups and sessions ---- */

static void setpgroup(void) {
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETPGROUP);
  char *sleeper[] = {(char *)"cat", NULL};
  int ends[2];
  char *seen = posix_probe(NULL, &attr);
  CHECK(number(seen, "pid") > 0);
  CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
  CHECK_INT(number(seen, "sid"), getsid(0));
  free(seen);

  NEED(pipe2(ends, O_CLOEXEC) == 0);
  NEED(dup2(ends[0], 0) == 0);
  pid_t leader = -1;
  NEED(posix_spawn(&leader, "/bin/cat", NULL, &attr, sleeper, environ) == 0);
  CHECK_INT(getpgid(leader), leader);
  CHECK_ERR(posix_spawnattr_setpgroup(&attr, leader), 0);
  seen = posix_probe(NULL, &attr);
  CHECK_INT(number(seen, "pgid"), leader);
  free(seen);
  close(ends[1]);
  CHECK_INT(wait_status(leader), 0);
  /* There is no such group any more. */
  CHECK_ERR(spawn_true(NULL, &attr), EPERM);
  CHECK_ERR(posix_spawnattr_setpgroup(&attr, -1), 0);
  CHECK_ERR(spawn_true(NULL, &attr), EINVAL);
}

static void new_session(void) {
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSID);
  char *seen = posix_probe(NULL, &attr);
  CHECK(number(seen, "pid") > 0);
  CHECK_INT(number(seen, "sid"), number(seen, "pid"));
  CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
  CHECK_INT(number(seen, "tty"), 0);
  free(seen);
}

static void session_and_group(void) {
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSID | POSIX_SPAWN_SETPGROUP);
  CHECK_ERR(spawn_true(NULL, &attr), EPERM);
  CHECK_ERR(posix_spawnattr_setpgroup(&attr, getpgid(0)), 0);
  CHECK_ERR(spawn_true(NULL, &attr), EPERM);
}

/* ---- scheduling ---- */

/* Starts a program that lives until its standard input ends, and looks at it meanwhile. */
static void is_scheduled(const posix_spawnattr_t *attr, int policy, int priority) {
  char *argv[] = {(char *)"cat", NULL};
  struct sched_param param = {.sched_priority = -1};
  int ends[2];
  pid_t pid = -1;
  NEED(pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[0], 0) == 0);
  close(ends[0]);
  int result = posix_spawn(&pid, "/bin/cat", NULL, attr, argv, environ);
  if (CHECK_ERR(result, 0)) {
    CHECK_INT(sched_getscheduler(pid), policy);
    CHECK_INT(sched_getparam(pid, &param), 0);
    CHECK_INT(param.sched_priority, priority);
  }
  close(ends[1]);
  if (result == 0) CHECK_INT(wait_status(pid), 0);
}

static void need_real_time(void) {
  struct sched_param param = {.sched_priority = 1}, ordinary = {0};
  if (sched_setscheduler(0, SCHED_FIFO, &param) != 0) skip("needs the right to real-time scheduling");
  NEED(sched_setscheduler(0, SCHED_OTHER, &ordinary) == 0);
}

static void setscheduler(void) {
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSCHEDULER);
  struct sched_param param = {.sched_priority = 1}, ordinary = {0};
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_BATCH), 0);
  is_scheduled(&attr, SCHED_BATCH, 0);
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_IDLE), 0);
  is_scheduled(&attr, SCHED_IDLE, 0);
  CHECK_INT(sched_getscheduler(0), SCHED_OTHER);
  /* A priority that the policy does not have. */
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, &param), 0);
  CHECK_ERR(spawn_true(NULL, &attr), EINVAL);
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_FIFO), 0);
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, &ordinary), 0);
  CHECK_ERR(spawn_true(NULL, &attr), EINVAL);
}

static void setscheduler_real_time(void) {
  need_real_time();
  /* POSIX: the parameters go with the policy, whether SETSCHEDPARAM is set too or not. */
  static const short both[] = {POSIX_SPAWN_SETSCHEDULER,
                               POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_SETSCHEDPARAM};
  struct sched_param param = {.sched_priority = 3};
  for (int i = 0; i < 2; i++) {
    posix_spawnattr_t attr = with_flags(both[i]);
    CHECK_ERR(posix_spawnattr_setschedparam(&attr, &param), 0);
    CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_FIFO), 0);
    is_scheduled(&attr, SCHED_FIFO, 3);
    CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_RR), 0);
    is_scheduled(&attr, SCHED_RR, 3);
  }
}

static void setschedparam(void) {
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSCHEDPARAM);
  struct sched_param param = {.sched_priority = 5};
  /* The policy of the object does not count. */
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_RR), 0);
  is_scheduled(&attr, SCHED_OTHER, 0);
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, &param), 0);
  CHECK_ERR(spawn_true(NULL, &attr), EINVAL);
  need_real_time();
  struct sched_param mine = {.sched_priority = 2};
  NEED(sched_setscheduler(0, SCHED_FIFO, &mine) == 0);
  is_scheduled(&attr, SCHED_FIFO, 5);
  is_scheduled(NULL, SCHED_FIFO, 2);
}

static void no_right_to_real_time(void) {
  need_root();
  become_unprivileged();
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETSCHEDULER);
  struct sched_param param = {.sched_priority = 3};
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, &param), 0);
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_FIFO), 0);
  CHECK_ERR(spawn_true(NULL, &attr), EPERM);
}

/* ---- ids ---- */

static char *ids_of_probe(const posix_spawnattr_t *attr) {
  char *argv[] = {(char *)"probe", (char *)(uintptr_t)new_report(), NULL};
  pid_t pid = -1;
  if (CHECK_ERR(posix_spawn(&pid, scratch_path("probe"), NULL, attr, argv, environ), 0))
    CHECK_INT(wait_status(pid), 0);
  return read_report();
}

static void resetids(void) {
  need_root();
  install_probe(scratch_path("probe"));
  NEED(setresgid(UNPRIVILEGED, 0, 0) == 0 && setresuid(UNPRIVILEGED, 0, 0) == 0);
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_RESETIDS), plain = with_flags(0);
  char *seen = ids_of_probe(&attr);
  CHECK_STR(value(seen, "uid"), "65534 65534 65534");
  CHECK_STR(value(seen, "gid"), "65534 65534 65534");
  free(seen);
  seen = ids_of_probe(&plain);
  CHECK_STR(value(seen, "uid"), "65534 0 0");
  CHECK_STR(value(seen, "gid"), "65534 0 0");
  free(seen);
  CHECK_INT(geteuid(), 0);
  CHECK_INT(getegid(), 0);
}

/* Where there is nothing to reset. */
static void resetids_of_nobody(void) {
  need_root();
  install_probe(scratch_path("probe"));
  become_unprivileged();
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_RESETIDS);
  char *seen = ids_of_probe(&attr);
  CHECK_STR(value(seen, "uid"), "65534 65534 65534");
  CHECK_STR(value(seen, "gid"), "65534 65534 65534");
  free(seen);
}

/* With the rights of before: scheduling that only root may ask for. */
static void resetids_and_scheduling(void) {
  need_root();
  need_real_time();
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_RESETIDS | POSIX_SPAWN_SETSCHEDULER);
  struct sched_param param = {.sched_priority = 4};
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, &param), 0);
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, SCHED_FIFO), 0);
  NEED(setresgid(UNPRIVILEGED, 0, 0) == 0 && setresuid(UNPRIVILEGED, 0, 0) == 0);
  is_scheduled(&attr, SCHED_FIFO, 4);
}

/* ---- cgroups ---- */

static const char *cgroup_root(void) {
  static const char *const places[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
  for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
    struct statfs fs;
    if (statfs(places[i], &fs) == 0 && fs.f_type == 0x63677270 /* CGROUP2_SUPER_MAGIC */) return places[i];
  }
  skip("needs cgroup v2");
}

static void setcgroup(void) {
  char path[200], name[60], *argv[] = {(char *)"cat", (char *)"/proc/self/cgroup", NULL}, text[4096];
  snprintf(name, sizeof name, "/forkexec-test-%d", (int)getpid());
  snprintf(path, sizeof path, "%s%s", cgroup_root(), name);
  if (mkdir(path, 0755) != 0) skip("needs the right to make a cgroup");
  int cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ends[2];
  NEED(cgroup >= 0 && pipe2(ends, O_CLOEXEC) == 0 && dup2(ends[1], 1) == 1);
  close(ends[1]);
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETCGROUP);
  CHECK_ERR(posix_spawnattr_setcgroup_np(&attr, cgroup), 0);
  pid_t pid = -1;
  CHECK_ERR(posix_spawn(&pid, "/bin/cat", NULL, &attr, argv, environ), 0);
  close(1);
  size_t length = 0;
  for (ssize_t n; (n = read(ends[0], text + length, sizeof text - 1 - length)) > 0;) length += (size_t)n;
  text[length] = 0;
  CHECK_INT(wait_status(pid), 0);
  char *line = strstr(text, "0::");
  if (CHECK(line != NULL)) {
    line[strcspn(line, "\n")] = 0;
    CHECK_STR(line + 3, name);
  }
  CHECK_INT(rmdir(path), 0);
}

static void setcgroup_of_no_cgroup(void) {
  need(HAS_CLONE3);
  posix_spawnattr_t attr = with_flags(POSIX_SPAWN_SETCGROUP);
  int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  NEED(null >= 0);
  const int wrong[] = {null, 777, -1};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    CHECK_ERR(posix_spawnattr_setcgroup_np(&attr, wrong[i]), 0);
    CHECK_ERR(spawn_true(NULL, &attr), EBADF);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"values without their flags", values_without_flags},
      {"USEVFORK", usevfork},
      {"handlers become default, ignored stays ignored", handlers_become_default},
      {"SETSIGDEF", setsigdef},
      {"SETSIGDEF, all signals", setsigdef_full},
      {"SETSIGMASK", setsigmask},
      {"SETPGROUP", setpgroup},
      {"SETSID", new_session},
      {"SETSID and SETPGROUP", session_and_group},
      {"SETSCHEDULER", setscheduler},
      {"SETSCHEDULER, real-time", setscheduler_real_time},
      {"SETSCHEDPARAM", setschedparam},
      {"no right to real-time", no_right_to_real_time},
      {"RESETIDS", resetids},
      {"RESETIDS, the same ids", resetids_of_nobody},
      {"RESETIDS and SETSCHEDULER", resetids_and_scheduling},
      {"SETCGROUP", setcgroup},
      {"SETCGROUP, no cgroup", setcgroup_of_no_cgroup},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
