/* SPDX-License-Identifier: BSD-3-Clause */
/* Those who start the program with attributes. What describes them is made anew for each spawn, as programs do; the
 * floor makes the same system calls by hand. */

#include "bench.h"

#include <fcntl.h>
#include <forkexec.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef CLONE_NEWCGROUP
#define CLONE_NEWCGROUP 0x02000000
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif

/* The kernel's own struct sigaction begins with the handler, and the rest is zero here. */
struct kernel_sigaction {
  void (*handler)(int);
  unsigned long rest[3];
};
enum { KERNEL_SIGSET = 8 };

/* ---- descriptors that are closed ---- */

int high_source = 1;

static bool closing(int source) {
  int32_t files[] = {0, source, 2};
  fe_attr attr = FE_ATTR_INIT;
  attr.path = program;
  attr.argv = arguments;
  attr.flags = FE_CLOSE_OTHERS;
  attr.files = files;
  attr.nfiles = 3;
  return forkexec(&attr);
}

bool by_forkexec_closing(void) { return closing(1); }
bool by_forkexec_closing_high(void) { return closing(high_source); }

bool by_posix_spawn_closing(void) {
  posix_spawn_file_actions_t actions;
  pid_t pid;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  bool well = posix_spawn(&pid, program, &actions, NULL, arguments, environ) == 0 && ended_well(pid);
  posix_spawn_file_actions_destroy(&actions);
  return well;
}

/* ---- the first `remapped` descriptors, from sources that lie above them ---- */

int remapped, sources[MOST_FILES];

bool by_forkexec_files(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = program;
  attr.argv = arguments;
  attr.files = sources;
  attr.nfiles = (size_t)remapped;
  return forkexec(&attr);
}

bool by_posix_spawn_files(void) {
  posix_spawn_file_actions_t actions;
  pid_t pid;
  posix_spawn_file_actions_init(&actions);
  for (int i = 0; i < remapped; i++)
    need(posix_spawn_file_actions_adddup2(&actions, sources[i], i) == 0, "posix_spawn_file_actions_adddup2");
  bool well = posix_spawn(&pid, program, &actions, NULL, arguments, environ) == 0 && ended_well(pid);
  posix_spawn_file_actions_destroy(&actions);
  return well;
}

bool by_floor_files(void) {
  struct raw_call calls[MOST_FILES + 1];
  size_t n = 0;
  for (int i = 0; i < remapped; i++) calls[n++] = (struct raw_call){SYS_dup3, {sources[i], i, 0}, true};
  calls[n++] = (struct raw_call){SYS_execve, {(long)program, (long)arguments, (long)environ}, true};
  return ended_well(by_hand(SIGCHLD, NULL, calls, n));
}

/* ---- ten that posix_spawn has: signal mask, a signal's default, process group, scheduling, real ids, working
 * directory, open, dup2, close, an environment of its own ---- */

static char *const little[] = {"LANG=C", NULL};

bool by_forkexec_ten(void) {
  sigset_t mask, defaults;
  sigemptyset(&mask);
  sigemptyset(&defaults);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&defaults, SIGPIPE);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_POLICY;
  scheduling.policy = SCHED_OTHER;
  fe_file_action actions[] = {FE_OPEN(0, "/dev/null", O_RDONLY, 0), FE_DUP2(0, 1), FE_CLOSE(2)};
  fe_attr attr = FE_ATTR_INIT;
  attr.path = program;
  attr.argv = arguments;
  attr.envp = little;
  attr.dir = "/";
  attr.flags = FE_SETPGID | FE_RESETIDS;
  attr.sigmask = &mask;
  attr.sigdefault = &defaults;
  attr.scheduling = &scheduling;
  attr.actions = actions;
  attr.nactions = 3;
  return forkexec(&attr);
}

bool by_posix_spawn_ten(void) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  struct sched_param parameters = {0};
  sigset_t mask, defaults;
  pid_t pid;
  sigemptyset(&mask);
  sigemptyset(&defaults);
  sigaddset(&mask, SIGUSR1);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &mask);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setschedpolicy(&attributes, SCHED_OTHER);
  posix_spawnattr_setschedparam(&attributes, &parameters);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP |
                                            POSIX_SPAWN_SETSCHEDULER | POSIX_SPAWN_RESETIDS);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addchdir_np(&actions, "/");
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, 0, 1);
  posix_spawn_file_actions_addclose(&actions, 2);
  bool well = posix_spawn(&pid, program, &actions, &attributes, arguments, little) == 0 && ended_well(pid);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return well;
}

bool by_floor_ten(void) {
  unsigned long mask = 1UL << (SIGUSR1 - 1);
  struct kernel_sigaction by_default = {SIG_DFL, {0}};
  struct sched_param parameters = {0};
  const struct raw_call calls[] = {
      {SYS_rt_sigaction, {SIGPIPE, (long)&by_default, 0, KERNEL_SIGSET}, true},
      {SYS_setpgid, {0, 0}, true},
      {SYS_sched_setscheduler, {0, SCHED_OTHER, (long)&parameters}, true},
      {SYS_setresgid, {-1, (long)getgid(), -1}, true},
      {SYS_setresuid, {-1, (long)getuid(), -1}, true},
      {SYS_chdir, {(long)"/"}, true},
      {SYS_close, {0}, false},
      {SYS_openat, {AT_FDCWD, (long)"/dev/null", O_RDONLY, 0}, true},
      {SYS_dup3, {0, 1, 0}, true},
      {SYS_close, {2}, true},
      {SYS_rt_sigprocmask, {SIG_SETMASK, (long)&mask, 0, KERNEL_SIGSET}, true},
      {SYS_execve, {(long)program, (long)arguments, (long)little}, true},
  };
  return ended_well(by_hand(SIGCHLD, NULL, calls, sizeof calls / sizeof *calls));
}

/* ---- ten that posix_spawn does not have: a pidfd, the program as a descriptor, the parent's death as a signal, an
 * ignored signal, a table of files, the others closed wherever they lie, a root, user and groups, a namespace of names
 * and one of cgroups ---- */

static int program_fd = -1;
enum { NEW_SPACES = CLONE_NEWUTS | CLONE_NEWCGROUP };

static bool forkexec_ten_more(fe_error *error) {
  int32_t files[] = {0, 1, 2};
  sigset_t ignored;
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGUSR2);
  fe_credential credential = FE_CREDENTIAL_INIT;
  credential.uid = getuid();
  credential.gid = getgid();
  gid_t groups[] = {getgid()};
  credential.groups = groups;
  credential.ngroups = 1;
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  int status;
  attr.argv = arguments;
  attr.flags = FE_PIDFD | FE_FEXECVE | FE_CLOSE_OTHERS;
  attr.execfd = program_fd;
  attr.files = files;
  attr.nfiles = 3;
  attr.chroot = "/";
  attr.credential = &credential;
  attr.pdeathsig = SIGTERM;
  attr.sigignore = &ignored;
  attr.cloneflags = NEW_SPACES;
  if (fe_spawn(&attr, &child, error) != 0) return false;
  need(fe_wait(&child, -1, &status) == 0, "fe_wait");
  fe_child_close(&child);
  return status == 0;
}

bool by_forkexec_ten_more(void) { return forkexec_ten_more(NULL); }

bool by_floor_ten_more(void) {
  static const char empty[] = "";
  struct kernel_sigaction ignore = {SIG_IGN, {0}};
  gid_t groups[] = {getgid()};
  long uid = (long)getuid(), gid = (long)getgid();
  int pidfd = -1;
  const struct raw_call calls[] = {
      {SYS_rt_sigaction, {SIGUSR2, (long)&ignore, 0, KERNEL_SIGSET}, true},
      {SYS_chroot, {(long)"/"}, true},
      {SYS_chdir, {(long)"/"}, true},
      {SYS_setgroups, {1, (long)groups}, true},
      {SYS_setresgid, {gid, gid, gid}, true},
      {SYS_setresuid, {uid, uid, uid}, true},
      {SYS_prctl, {PR_SET_PDEATHSIG, SIGTERM}, true},
      {SYS_fcntl, {0, F_SETFD, 0}, true},
      {SYS_fcntl, {1, F_SETFD, 0}, true},
      {SYS_fcntl, {2, F_SETFD, 0}, true},
      {SYS_close_range, {3, program_fd - 1, 0}, false},
      {SYS_close_range, {program_fd + 1, 0xffffffffL, 0}, true},
      {SYS_execveat, {program_fd, (long)empty, (long)arguments, (long)environ, AT_EMPTY_PATH}, true},
  };
  bool well = ended_well(by_hand(CLONE_PIDFD | NEW_SPACES, &pidfd, calls, sizeof calls / sizeof *calls));
  close(pidfd);
  return well;
}

const char *prepare_ten_more(void) {
  static char message[200];
  fe_error error = FE_ERROR_INIT;
  if (program_fd < 0) program_fd = open(program, O_PATH | O_CLOEXEC);
  need(program_fd >= 0, program);
  if (forkexec_ten_more(&error)) return NULL;
  fe_error_message(&error, message, sizeof message);
  return message;
}

/* ---- another user ---- */

enum { ANOTHER = 65534 };

static bool forkexec_user(uint32_t way) {
  fe_credential credential = FE_CREDENTIAL_INIT;
  credential.uid = credential.gid = ANOTHER;
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = arguments;
  attr.credential = &credential;
  attr.way = way;
  return forkexec(&attr);
}

bool by_forkexec_user(void) { return forkexec_user(FE_WAY_AUTO); }
bool by_forkexec_user_copy(void) { return forkexec_user(FE_WAY_COPY); }

bool by_fork_user(void) {
  pid_t pid = fork();
  if (pid == 0) {
    if (setresgid(ANOTHER, ANOTHER, ANOTHER) == 0 && setresuid(ANOTHER, ANOTHER, ANOTHER) == 0)
      execve(program, arguments, environ);
    _exit(127);
  }
  need(pid > 0, "fork");
  return ended_well(pid);
}
