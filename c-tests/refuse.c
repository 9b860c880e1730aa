/* SPDX-License-Identifier: BSD-3-Clause */
/* refuse [VERSION[=ERRNO]]... [NAME[=ERRNO]]... -- PROGRAM [ARGUMENT]...: runs a program for which system calls are refused:
 * all that are younger than that version of Linux, and those that are named. Without an errno they fail as the kernel that lacks
 * them fails; a filter of a container says EPERM to whatever it does not know.
 *
 * What filters cannot imitate: clone(2) of an old kernel takes flags that it does not know, and ignores them; what clone3(2) is given
 * lies in memory. seccomp(2), of 3.17, stays: the tests have filters of their own. */
#include "test.h"

#include "filter.h"

#include <sys/syscall.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define VERSION(major, minor) ((major)*1000 + (minor))

/* A call is refused if (argument & mask) == value: with a mask of 0 always. */
static const struct call {
  const char *name;
  long nr;
  int since;
  int errnum;
  int argument;
  uint32_t mask, value;
} calls[] = {
    /* Of no version: what a container's filter refuses to who has no CAP_SYS_ADMIN, CAP_SYS_NICE and CAP_SYS_PTRACE. */
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x2000000, 0x2000000},
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x4000000, 0x4000000},
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x8000000, 0x8000000},
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x10000000, 0x10000000},
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x20000000, 0x20000000},
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x40000000, 0x40000000},
    {"namespaces", SYS_clone, 0, EPERM, 0, 0x20000, 0x20000},
    {"namespaces", SYS_unshare, 0, EPERM, 0, 0, 0},
    {"namespaces", SYS_setns, 0, EPERM, 0, 0, 0},
    {"mounts", SYS_mount, 0, EPERM, 0, 0, 0},
    {"mounts", SYS_umount2, 0, EPERM, 0, 0, 0},
    {"mounts", SYS_pivot_root, 0, EPERM, 0, 0, 0},
    {"set_mempolicy", SYS_set_mempolicy, 0, EPERM, 0, 0, 0},
    {"memfd_create", SYS_memfd_create, VERSION(3, 17), ENOSYS, 0, 0, 0},
    {"execveat", SYS_execveat, VERSION(3, 19), ENOSYS, 0, 0, 0},
    {"PR_CAP_AMBIENT", SYS_prctl, VERSION(4, 3), EINVAL, 0, ~0u, 47},
    {"CLONE_NEWCGROUP", SYS_unshare, VERSION(4, 6), EINVAL, 0, 0x2000000, 0x2000000},
    {"CLONE_NEWCGROUP", SYS_clone, VERSION(4, 6), EINVAL, 0, 0x2000000, 0x2000000},
    {"pwritev2", SYS_pwritev2, VERSION(4, 6), ENOSYS, 0, 0, 0},
    {"statx", SYS_statx, VERSION(4, 11), ENOSYS, 0, 0, 0},
    {"pidfd_send_signal", SYS_pidfd_send_signal, VERSION(5, 1), ENOSYS, 0, 0, 0},
    {"pidfd_open", SYS_pidfd_open, VERSION(5, 3), ENOSYS, 0, 0, 0},
    {"clone3", SYS_clone3, VERSION(5, 3), ENOSYS, 0, 0, 0},
    {"P_PIDFD", SYS_waitid, VERSION(5, 4), EINVAL, 0, ~0u, 3},
    /* The library's clone3, which has it, is known by the size of its arguments. */
    {"CLONE_CLEAR_SIGHAND", SYS_clone3, VERSION(5, 5), EINVAL, 1, ~0u, 64},
    {"openat2", SYS_openat2, VERSION(5, 6), ENOSYS, 0, 0, 0},
    {"pidfd_getfd", SYS_pidfd_getfd, VERSION(5, 6), ENOSYS, 0, 0, 0},
    {"CLONE_NEWTIME", SYS_unshare, VERSION(5, 6), EINVAL, 0, 0x80, 0x80},
    {"faccessat2", SYS_faccessat2, VERSION(5, 8), ENOSYS, 0, 0, 0},
    {"close_range", SYS_close_range, VERSION(5, 9), ENOSYS, 0, 0, 0},
    {"CLOSE_RANGE_CLOEXEC", SYS_close_range, VERSION(5, 11), EINVAL, 2, 4, 4},
    {"landlock", SYS_landlock_create_ruleset, VERSION(5, 13), ENOSYS, 0, 0, 0},
    {"landlock", SYS_landlock_add_rule, VERSION(5, 13), ENOSYS, 0, 0, 0},
    {"landlock", SYS_landlock_restrict_self, VERSION(5, 13), ENOSYS, 0, 0, 0},
    {"PR_SCHED_CORE", SYS_prctl, VERSION(5, 14), EINVAL, 0, ~0u, 62},
    {"MFD_NOEXEC_SEAL", SYS_memfd_create, VERSION(6, 3), EINVAL, 1, 8, 8},
    {"MFD_EXEC", SYS_memfd_create, VERSION(6, 3), EINVAL, 1, 0x10, 0x10},
    {"PIDFD_SIGNAL_PROCESS_GROUP", SYS_pidfd_send_signal, VERSION(6, 9), EINVAL, 3, 4, 4},
    {"PIDFD_GET_INFO", SYS_ioctl, VERSION(6, 15), ENOTTY, 1, ~0u, 0xc040ff0b},
    /* Of any kernel, for filters that forbid them. */
    {"waitid", SYS_waitid, 0, ENOSYS, 0, 0, 0},
    {"ptrace", SYS_ptrace, 0, EPERM, 0, 0, 0},
    {"unshare", SYS_unshare, 0, EPERM, 0, 0, 0},
    {"setns", SYS_setns, 0, EPERM, 0, 0, 0},
    {"mount", SYS_mount, 0, EPERM, 0, 0, 0},
};

static int errno_named(const char *name) {
  for (int errnum = 1; errnum < 134; errnum++)
    if (strcmp(errno_name(errnum), name) == 0) return errnum;
  fprintf(stderr, "refuse: %s is no errno that is known here\n", name);
  exit(125);
}

/* For those whose absence looks like that of something else: the names, each between spaces. */
static void remember(const char *name) {
  char names[4000];
  snprintf(names, sizeof names, "%s%s ", getenv("FE_TEST_REFUSED"), name);
  setenv("FE_TEST_REFUSED", names, 1);
}

/* All that `what` stands for. */
static void refuse_all(const char *what, const char *errnum) {
  int major, minor, found = 0;
  bool version = sscanf(what, "%d.%d", &major, &minor) == 2;
  /* Of several filters that refuse the same call the last one's errno counts: the oldest kernel's. */
  for (size_t i = sizeof calls / sizeof *calls; i-- > 0;) {
    const struct call *call = &calls[i];
    if (version ? call->since <= VERSION(major, minor) : strcmp(call->name, what) != 0) continue;
    remember(call->name);
    refuse_if(call->nr, errnum ? errno_named(errnum) : call->errnum, call->argument, call->mask, call->value);
    found++;
  }
  if (found) return;
  fprintf(stderr, "refuse: %s stands for no call\n", what);
  exit(125);
}

int main(int argc, char **argv) {
  int i = 1;
  setenv("FE_TEST_REFUSED", " ", 1);
  for (; i < argc && strcmp(argv[i], "--") != 0; i++) {
    char *errnum = strchr(argv[i], '=');
    if (errnum) *errnum++ = 0;
    refuse_all(argv[i], errnum);
  }
  if (i + 1 >= argc) return 125;
  execvp(argv[i + 1], argv + i + 1);
  perror(argv[i + 1]);
  return 126;
}
