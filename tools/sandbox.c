/* SPDX-License-Identifier: BSD-3-Clause */
/* From --seccomp to a filter, and from --landlock to a ruleset. */

#include "plan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the filter ---- */

static void read_filter(const char *source, fe_sandbox *sandbox) {
  static struct sock_filter code[BPF_MAXINSNS + 1];
  int fd = open_own("seccomp", source, O_RDONLY);
  size_t size = 0;
  ssize_t n;
  while ((n = read(fd, (char *)code + size, sizeof code - size)) != 0) {
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) DIE("read \"%s\": %s", source, strerror(errno));
    size += (size_t)n;
  }
  close(fd);
  if (size == 0 || size == sizeof code || size % sizeof *code != 0)
    DIE("--seccomp: \"%s\" is no array of 1 to %d struct sock_filter", source, BPF_MAXINSNS);
  sandbox->filter = code;
  sandbox->nfilter = size / sizeof *code;
}

/* ---- the ruleset: landlock(7), by numbers, since headers are older than kernels ---- */

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#endif

enum { ASK_VERSION = 1, PATH_BENEATH = 1 };
enum {
  EXECUTE = 1 << 0,
  WRITE_FILE = 1 << 1,
  READ_FILE = 1 << 2,
  READ_DIR = 1 << 3,
  TRUNCATE = 1 << 14,
  IOCTL_DEV = 1 << 15,
  TO_READ = EXECUTE | READ_FILE | READ_DIR,
  OF_A_FILE = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV
};

struct rule {
  uint64_t rights;
  int32_t beneath;
} __attribute__((packed));

/* A ruleset with a right that the kernel does not know is refused. */
static uint64_t known_rights(void) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, ASK_VERSION);
  bool none = version < 0 && (errno == ENOSYS || errno == EOPNOTSUPP);
  if (version < 0) DIE("--landlock: %s", none ? "this kernel has none" : strerror(errno));
  if (version >= 5) return 0xffff; /* ioctl on devices, Linux 6.10 */
  if (version >= 3) return 0x7fff; /* truncate, Linux 6.2 */
  if (version == 2) return 0x3fff; /* between directories, Linux 5.19 */
  return 0x1fff;
}

static void allow(int ruleset, uint64_t rights, const struct allowed *allowed) {
  struct stat file;
  int fd = open_source(allowed->path, O_PATH);
  if (!allowed->writes) rights &= TO_READ;
  /* What is of a directory is refused for any other. */
  if (fstat(fd, &file) == 0 && !S_ISDIR(file.st_mode)) rights &= OF_A_FILE;
  struct rule rule = {rights, fd};
  if (syscall(SYS_landlock_add_rule, ruleset, PATH_BENEATH, &rule, 0) != 0)
    DIE("--landlock: \"%s\": %s", allowed->path, strerror(errno));
  close(fd);
}

static void make_ruleset(const struct job *job, fe_sandbox *sandbox) {
  uint64_t rights = known_rights();
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, &rights, sizeof rights, 0);
  if (ruleset < 0) DIE("--landlock: %s", strerror(errno));
  for (size_t i = 0; i < job->nallowed; i++) allow(ruleset, rights, &job->allowed[i]);
  sandbox->flags |= FE_SANDBOX_LANDLOCK;
  sandbox->landlock = ruleset;
}

void plan_sandbox(struct job *job) {
  fe_sandbox *sandbox = &job->sandbox;
  if (job->seccomp != NULL) read_filter(job->seccomp, sandbox);
  if (job->nallowed > 0) make_ruleset(job, sandbox);
  bool flags = sandbox->filter_flags != 0 || sandbox->landlock_flags != 0;
  if (job->seccomp == NULL && job->nallowed == 0 && !flags) return;
  sandbox->size = sizeof *sandbox;
  job->attr.sandbox = sandbox;
}
