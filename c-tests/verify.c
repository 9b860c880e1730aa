/* SPDX-License-Identifier: BSD-3-Clause */
/* Compares itself with what its arguments say, key=value: for the many, where c-tests/probe.c would take too long. It is
 * linked statically. Its exit status is that of "exit=", or 200 if something is not as it is said, which "report=" names a
 * file for. All descriptors below MOST are looked at. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1024, WRONG = 200 };

extern char **environ;

static char seen[1 << 16];

/* Of each descriptor its number and what it is: device and inode, or, where these cannot be known before, p (a pipe),
 * t (a terminal), m (a file that has no name). With a ! if it is still close-on-exec. */
static void descriptors(const char *wanted) {
  size_t n = 0;
  for (int fd = 0; fd < MOST; fd++) {
    struct stat st;
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fstat(fd, &st) != 0) continue;
    char key[16];
    snprintf(key, sizeof key, "%d:", fd);
    /* Whether it is known is what the wanted list says. */
    const char *at = strncmp(wanted, key, strlen(key)) == 0 ? wanted : NULL;
    snprintf(key, sizeof key, ",%d:", fd);
    if (!at && (at = strstr(wanted, key)) != NULL) at++;
    char kind = at ? strchr(at, ':')[1] : 'x';
    bool is_kind = (kind == 'p' && S_ISFIFO(st.st_mode)) || (kind == 't' && isatty(fd)) ||
                   (kind == 'm' && S_ISREG(st.st_mode) && st.st_nlink == 0);
    n += (size_t)snprintf(seen + n, sizeof seen - n, "%s%d:", n ? "," : "", fd);
    if (is_kind)
      n += (size_t)snprintf(seen + n, sizeof seen - n, "%c", kind);
    else
      n += (size_t)snprintf(seen + n, sizeof seen - n, "%jx.%jx", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
    if (flags & FD_CLOEXEC) n += (size_t)snprintf(seen + n, sizeof seen - n, "!");
    if (n >= sizeof seen - 100) break;
  }
}

/* Those that are ignored. */
static uint64_t ignored(void) {
  uint64_t set = 0;
  for (int sig = 1; sig <= 64; sig++) {
    struct { /* the kernel's: libc hides two signals */
      uintptr_t handler;
      unsigned long rest[3];
    } action = {0, {0, 0, 0}};
    if (syscall(SYS_rt_sigaction, sig, NULL, &action, 8) == 0 && action.handler == 1) set |= UINT64_C(1) << (sig - 1);
  }
  return set;
}

/* FNV-1a of all strings with their ends. */
static uint64_t environment(void) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (char **each = environ; *each; each++)
    for (const char *c = *each;; c++) {
      hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
      if (!*c) break;
    }
  return hash;
}

static void look(const char *key, const char *wanted) {
  unsigned a[3];
  uint64_t set = 0;
  struct stat st;
  unsigned number;
  seen[0] = 0;
  if (strcmp(key, "fds") == 0) {
    descriptors(wanted);
  } else if (strcmp(key, "mask") == 0) {
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &set, 8);
    sprintf(seen, "%" PRIx64, set);
  } else if (strcmp(key, "ignored") == 0) {
    sprintf(seen, "%" PRIx64, ignored());
  } else if (strcmp(key, "uid") == 0) {
    getresuid(&a[0], &a[1], &a[2]);
    sprintf(seen, "%u,%u,%u", a[0], a[1], a[2]);
  } else if (strcmp(key, "gid") == 0) {
    getresgid(&a[0], &a[1], &a[2]);
    sprintf(seen, "%u,%u,%u", a[0], a[1], a[2]);
  } else if (strcmp(key, "groups") == 0) {
    gid_t groups[100];
    int n = getgroups(100, groups);
    for (int i = 0; i < n; i++) sprintf(seen + strlen(seen), "%s%u", i ? "," : "", groups[i]);
  } else if (strcmp(key, "cwd") == 0) {
    if (stat(".", &st) == 0) sprintf(seen, "%jx.%jx", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
  } else if (strcmp(key, "umask") == 0) {
    sprintf(seen, "%o", (unsigned)umask(0));
  } else if (strcmp(key, "sid") == 0 || strcmp(key, "pgid") == 0) {
    pid_t id = *key == 's' ? getsid(0) : getpgid(0);
    if (id == getpid())
      strcpy(seen, "own");
    else
      sprintf(seen, "%d", (int)id);
  } else if (sscanf(key, "limit.%u", &number) == 1) {
    uint64_t limit[2] = {0, 0};
    syscall(SYS_prlimit64, 0, number, NULL, limit);
    sprintf(seen, "%" PRIu64 ",%" PRIu64, limit[0], limit[1]);
  } else if (strcmp(key, "nice") == 0) {
    sprintf(seen, "%ld", 20 - syscall(SYS_getpriority, PRIO_PROCESS, 0));
  } else if (strcmp(key, "policy") == 0) {
    sprintf(seen, "%ld", syscall(SYS_sched_getscheduler, 0));
  } else if (strcmp(key, "slack") == 0) {
    sprintf(seen, "%d", prctl(PR_GET_TIMERSLACK));
  } else if (strcmp(key, "pdeathsig") == 0) {
    int sig = -1;
    prctl(PR_GET_PDEATHSIG, &sig);
    sprintf(seen, "%d", sig);
  } else if (strcmp(key, "nnp") == 0) {
    sprintf(seen, "%d", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
  } else if (sscanf(key, "bounding.%u", &number) == 1) {
    sprintf(seen, "%d", prctl(PR_CAPBSET_READ, number));
  } else if (strcmp(key, "pid") == 0) {
    sprintf(seen, "%d", (int)getpid());
  } else if (strcmp(key, "tty") == 0) {
    int fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC);
    sprintf(seen, "%d", fd >= 0);
    if (fd >= 0) close(fd);
  } else if (strcmp(key, "env") == 0) {
    sprintf(seen, "%" PRIx64, environment());
  } else if (strcmp(key, "cgroup") == 0) {
    static char text[8192];
    int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    char *line = n > 0 ? strstr(text, "0::") : NULL;
    if (line) snprintf(seen, sizeof seen, "%.*s", (int)strcspn(line + 3, "\n"), line + 3);
  } else {
    strcpy(seen, "no such key");
  }
}

/* What is asked for rather than looked at. */
static const char *report;
static int status;

static bool does(const char *key, const char *value) {
  if (strcmp(key, "exit") == 0) {
    status = atoi(value);
  } else if (strcmp(key, "report") == 0) {
    report = value;
  } else if (strcmp(key, "runs") == 0) { /* a byte for each program that was started */
    int fd = open(value, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (fd < 0 || write(fd, "", 1) != 1) _exit(WRONG + 1);
    close(fd);
  } else if (strcmp(key, "sleep") == 0) {
    struct timespec time = {0, atol(value) * 1000000};
    nanosleep(&time, NULL);
  } else if (strcmp(key, "copy") == 0) { /* 0 to 1, to the end */
    static char buffer[1 << 16];
    for (ssize_t n; (n = read(0, buffer, sizeof buffer)) > 0;)
      for (ssize_t done = 0, w; done < n; done += w)
        if ((w = write(1, buffer + done, (size_t)(n - done))) <= 0) _exit(WRONG + 2);
  } else {
    return false;
  }
  return true;
}

int main(int argc, char **argv) {
  /* The descriptors are the first argument, if they are one: all else opens some. */
  for (int i = 1; i < argc; i++) {
    char *equals = strchr(argv[i], '=');
    if (!equals) return WRONG + 3;
    *equals = 0;
    if (does(argv[i], equals + 1)) continue;
    look(argv[i], equals + 1);
    if (strcmp(seen, equals + 1) == 0) continue;
    int fd = report ? open(report, O_WRONLY | O_APPEND | O_CLOEXEC) : 2;
    dprintf(fd, "%s: %s: seen %s, wanted %s\n", argv[0], argv[i], seen, equals + 1);
    return WRONG;
  }
  return status;
}
