/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints what it sees of itself as key=value into the file that its argument names. It is the program
 * that the tests start; it is linked statically, so that it runs in an empty root. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

/* All is gathered before the report is opened, since that takes a descriptor. */
static char text[1 << 20];
static size_t length;

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...) {
  va_list list;
  va_start(list, format);
  int n = vsnprintf(text + length, sizeof text - length, format, list);
  va_end(list);
  if (n > 0) length += (size_t)n;
  if (length >= sizeof text) abort();
}

static void descriptors(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  /* They may lie above a soft limit. */
  rlim_t most = limit.rlim_max < 70000 ? limit.rlim_max : 70000;
  int count = 0;
  for (int fd = 0; fd < (int)most; fd++) {
    struct stat st;
    if (fstat(fd, &st) != 0) continue;
    int flags = fcntl(fd, F_GETFD);
    say("fd.%d=%llu:%llu\n", fd, (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
    say("cloexec.%d=%d\n", fd, flags & FD_CLOEXEC ? 1 : 0);
    count++;
  }
  say("fds=%d\n", count);
}

static void signals(void) {
  uint64_t mask = 0, ignored = 0, caught = 0, pending = 0;
  syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
  syscall(SYS_rt_sigpending, &pending, 8);
  for (int sig = 1; sig <= 64; sig++) {
    struct { /* the kernel's: libc hides two signals */
      uintptr_t handler;
      unsigned long rest[3];
    } action = {0, {0, 0, 0}};
    if (syscall(SYS_rt_sigaction, sig, NULL, &action, 8) != 0) continue;
    if (action.handler == 1) ignored |= UINT64_C(1) << (sig - 1);
    if (action.handler > 1) caught |= UINT64_C(1) << (sig - 1);
  }
  say("mask=%016llx\nignored=%016llx\ncaught=%016llx\npending=%016llx\n", (unsigned long long)mask,
      (unsigned long long)ignored, (unsigned long long)caught, (unsigned long long)pending);
}

static void ids(void) {
  uid_t r, e, s;
  gid_t gr, ge, gs;
  getresuid(&r, &e, &s);
  getresgid(&gr, &ge, &gs);
  say("uid=%d %d %d\ngid=%d %d %d\n", (int)r, (int)e, (int)s, (int)gr, (int)ge, (int)gs);
  gid_t groups[100];
  int n = getgroups(100, groups);
  say("groups=");
  for (int i = 0; i < n; i++) say("%s%d", i ? " " : "", (int)groups[i]);
  say("\n");
}

/* By the raw calls: not every libc has them. */
static void scheduling(void) {
  int priority = -1;
  long policy = syscall(SYS_sched_getscheduler, 0);
  syscall(SYS_sched_getparam, 0, &priority);
  say("policy=%ld\npriority=%d\n", policy, priority);
  struct { /* the kernel's first struct sched_attr */
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
  } attr;
  memset(&attr, 0, sizeof attr);
  if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) == 0)
    say("deadline=%llu %llu %llu\nreset_on_fork=%d\n", (unsigned long long)attr.runtime,
        (unsigned long long)attr.deadline, (unsigned long long)attr.period, (int)(attr.flags & 1));
  say("nice=%ld\n", 20 - syscall(SYS_getpriority, PRIO_PROCESS, 0));
  say("ioprio=%ld\n", syscall(SYS_ioprio_get, 1 /* of this thread */, 0));
  uint64_t processors[1024];
  long bytes = syscall(SYS_sched_getaffinity, 0, sizeof processors, processors);
  say("affinity=");
  for (int cpu = 0; cpu < bytes * 8; cpu++)
    if (processors[cpu / 64] >> cpu % 64 & 1) say("%d ", cpu);
  say("\n");
  int mode = -1;
  uint64_t nodes[512] = {0};
  if (syscall(SYS_get_mempolicy, &mode, nodes, sizeof nodes * 8, NULL, 0) == 0)
    say("mempolicy=%d %llx\n", mode, (unsigned long long)nodes[0]);
  say("timer_slack=%d\n", prctl(PR_GET_TIMERSLACK));
}

/* By the raw call: 64 bits, and no libc's idea of infinity. */
static void limits(void) {
  for (int resource = 0; resource < 16; resource++) {
    uint64_t limit[2] = {0, 0};
    syscall(SYS_prlimit64, 0, resource, NULL, limit);
    say("rlimit.%d=%llu %llu\n", resource, (unsigned long long)limit[0],
        (unsigned long long)limit[1]);
  }
  FILE *file = fopen("/proc/self/oom_score_adj", "re");
  int score = -9999;
  if (file && fscanf(file, "%d", &score) == 1) say("oom_score_adj=%d\n", score);
  if (file) fclose(file);
  say("personality=%lx\n", (unsigned long)syscall(SYS_personality, 0xffffffffUL));
}

static void terminal(void) {
  int tty = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
  struct stat st;
  if (tty >= 0 && fstat(tty, &st) == 0) {
    say("tty=1\nforeground=%d\n", (int)tcgetpgrp(tty));
    close(tty);
  } else {
    say("tty=0\n");
  }
}

static void from_proc(void) {
  static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user", "uts"};
  char path[64], link[256];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
    ssize_t n = readlink(path, link, sizeof link - 1);
    if (n >= 0) say("ns.%s=%.*s\n", names[i], (int)n, link);
  }
  FILE *status = fopen("/proc/self/status", "re");
  char line[256];
  while (status && fgets(line, sizeof line, status)) {
    int value;
    if (sscanf(line, "TracerPid: %d", &value) == 1) say("tracer=%d\n", value);
    if (sscanf(line, "Threads: %d", &value) == 1) say("threads=%d\n", value);
    /* CapInh and the other sets, NoNewPrivs, Seccomp: as they stand there. */
    char key[20], text_of[40];
    if (sscanf(line, "%19[A-Za-z]:%39s", key, text_of) == 2 &&
        (strncmp(key, "Cap", 3) == 0 || strcmp(key, "NoNewPrivs") == 0 || strcmp(key, "Seccomp") == 0))
      say("%s=%s\n", key, text_of);
  }
  if (status) fclose(status);
  FILE *stat = fopen("/proc/self/stat", "re");
  int tty;
  if (stat && fscanf(stat, "%*d (%*[^)]) %*c %*d %*d %*d %d", &tty) == 1) say("tty_nr=%d\n", tty);
  if (stat) fclose(stat);
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  int shared = 0;
  char mount[4096];
  while (mounts && fgets(mount, sizeof mount, mounts)) shared += strstr(mount, " shared:") != NULL;
  if (mounts) fclose(mounts);
  say("shared_mounts=%d\n", shared);
  FILE *setgroups_file = fopen("/proc/self/setgroups", "re");
  char answer[16];
  if (setgroups_file && fscanf(setgroups_file, "%15s", answer) == 1) say("setgroups=%s\n", answer);
  if (setgroups_file) fclose(setgroups_file);
  /* Of version 2, which has no number of its own and no controllers. */
  FILE *cgroups = fopen("/proc/self/cgroup", "re");
  while (cgroups && fgets(mount, sizeof mount, cgroups))
    if (strncmp(mount, "0::", 3) == 0) say("cgroup=%s", mount + 3);
  if (cgroups) fclose(cgroups);
}

int main(int argc, char **argv) {
  if (argc < 2) return 64;
  const char *mount_at = getenv("PROBE_MOUNT");
  if (mount_at) say("mounted=%d\n", mount("none", mount_at, "tmpfs", 0, NULL) == 0 ? 0 : errno);
  const char *directory = getenv("PROBE_READ_DIR");
  if (directory) {
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    say("read_dir=%d\n", fd >= 0 ? 0 : errno);
    if (fd >= 0) close(fd);
  }
  descriptors();
  signals();
  ids();
  scheduling();
  limits();
  terminal();
  from_proc();
  say("pid=%d\nppid=%d\npgid=%d\nsid=%d\n", (int)getpid(), (int)getppid(), (int)getpgid(0),
      (int)getsid(0));
  char cwd[4096], exe[4096];
  ssize_t exe_length = readlink("/proc/self/exe", exe, sizeof exe);
  say("exe=%.*s\n", exe_length > 0 ? (int)exe_length : 0, exe);
  /* The path as it was given to execve. */
  say("execfn=%s\n", (const char *)getauxval(AT_EXECFN));
  struct stat root;
  say("cwd=%s\n", getcwd(cwd, sizeof cwd) ? cwd : strerror(errno));
  if (stat("/", &root) == 0)
    say("root=%llu:%llu\n", (unsigned long long)root.st_dev, (unsigned long long)root.st_ino);
  /* Outside of the root a working directory has no name. */
  if (stat(".", &root) == 0)
    say("cwd_id=%llu:%llu\n", (unsigned long long)root.st_dev, (unsigned long long)root.st_ino);
  int death = -1;
  prctl(PR_GET_PDEATHSIG, &death);
  say("pdeathsig=%d\ndumpable=%d\nsecurebits=%d\n", death, prctl(PR_GET_DUMPABLE),
      prctl(PR_GET_SECUREBITS));
  mode_t mask = umask(0);
  umask(mask);
  say("umask=%03o\n", (unsigned)mask);
  say("argc=%d\n", argc);
  for (int i = 0; i < argc; i++) say("argv.%d=%s\n", i, argv[i]);
  int n = 0;
  for (; environ[n]; n++) say("env.%s\n", environ[n]);
  say("envs=%d\n", n);

  /* For the report's. */
  struct rlimit descriptors_allowed;
  getrlimit(RLIMIT_NOFILE, &descriptors_allowed);
  descriptors_allowed.rlim_cur = descriptors_allowed.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors_allowed);
  int out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (out < 0) return 65;
  if (write(out, text, length) != (ssize_t)length) return 66;
  return 0;
}
