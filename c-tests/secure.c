/* SPDX-License-Identifier: BSD-3-Clause */
/* Whoever may trace the child before its exec has what it has: a copy of the caller's memory, or the
 * memory itself, and all of the caller's descriptors. So nobody may who may not trace the caller. */
#include "test.h"

#include "beside.h"
#include "namespaces.h"

#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

/* By what a process can get at another. */
enum { MEM = 1, SEIZE = 2, ATTACH = 4, READ = 8, FETCH = 16, ENVIRON = 32, FDS = 64, ALL = 127 };

enum { USER = 1000 };

/* Namespaces of a container with a root of its own. */
struct container {
  pid_t pid;
  int user, pids, let_go;
};

/* Who attacks: user USER without capabilities, or the root of a container. */
struct attacker {
  const struct container *container;
};

static char secret[] = "secret";

static unsigned reach(pid_t pid, pid_t listed) {
  unsigned got = 0;
  char path[64], byte;
  struct iovec mine = {&byte, 1}, its = {secret, 1};
  snprintf(path, sizeof path, "/proc/%d/mem", (int)listed);
  if (open(path, O_RDWR | O_CLOEXEC) >= 0) got |= MEM;
  snprintf(path, sizeof path, "/proc/%d/environ", (int)listed);
  int environment = open(path, O_RDONLY | O_CLOEXEC);
  if (environment >= 0 && read(environment, &byte, 1) == 1) got |= ENVIRON;
  snprintf(path, sizeof path, "/proc/%d/fd/2", (int)listed);
  if (readlink(path, &byte, 1) == 1) got |= FDS;
  if (process_vm_readv(pid, &mine, 1, &its, 1, 0) == 1 && byte == secret[0]) got |= READ;
  int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
  if (pidfd >= 0 && syscall(SYS_pidfd_getfd, pidfd, 2, 0) >= 0) got |= FETCH;
  if (ptrace(PTRACE_SEIZE, pid, NULL, NULL) == 0) {
    got |= SEIZE;
    if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) == 0 && waitpid(pid, NULL, __WALL) == pid)
      ptrace(PTRACE_DETACH, pid, NULL, NULL);
  }
  if (ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0) {
    got |= ATTACH;
    if (waitpid(pid, NULL, __WALL) == pid) ptrace(PTRACE_DETACH, pid, NULL, NULL);
  }
  return got;
}

/* The last of its numbers: that in its own pid namespace. */
static pid_t number_inside(pid_t pid) {
  char path[64], line[256], *last = NULL;
  snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
  FILE *status = fopen(path, "re");
  while (status && fgets(line, sizeof line, status))
    if (strncmp(line, "NSpid:", 6) == 0 && (last = strrchr(line, '\t')) != NULL) break;
  pid_t inside = last ? atoi(last) : -1;
  if (status) fclose(status);
  return inside;
}

static void become(const struct attacker *who) {
  if (who->container) {
    NEED(setns(who->container->user, CLONE_NEWUSER) == 0 && setns(who->container->pids, CLONE_NEWPID) == 0);
    NEED(setresgid(0, 0, 0) == 0 && setresuid(0, 0, 0) == 0);
  } else {
    NEED(setgroups(0, NULL) == 0 && setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0);
  }
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
}

/* In a process of its own, and in one more: that is in the pid namespace. */
static unsigned attack(const struct attacker *who, pid_t pid) {
  pid_t inside = who->container ? number_inside(pid) : pid, attacker = fork();
  int status = -1;
  NEED(attacker >= 0);
  if (attacker == 0) {
    become(who);
    pid_t inner = fork();
    if (inner == 0) _exit((int)reach(inside, pid));
    _exit(waitpid(inner, &status, 0) == inner && WIFEXITED(status) ? WEXITSTATUS(status) : 128);
  }
  NEED(waitpid(attacker, &status, 0) == attacker && WIFEXITED(status) && WEXITSTATUS(status) <= ALL);
  return (unsigned)WEXITSTATUS(status);
}

/* What the attacker can do to one of its own: else the test would show nothing. */
static unsigned attack_its_own(const struct attacker *who) {
  int ready[2], to_tell[2];
  char byte;
  pid_t inner = -1;
  NEED(pipe2(ready, O_CLOEXEC) == 0 && pipe2(to_tell, O_CLOEXEC) == 0);
  pid_t victim = fork();
  NEED(victim >= 0);
  if (victim == 0) {
    become(who);
    close(to_tell[1]);
    pid_t last = fork();
    if (last == 0) {
      byte = write(ready[1], "", 1) != 1;
      _exit(read(to_tell[0], &byte, 1) != 0);
    }
    _exit(waitpid(last, NULL, 0) != last);
  }
  close(ready[1]);
  close(to_tell[0]);
  NEED(read(ready[0], &byte, 1) == 1);
  char path[80];
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)victim, (int)victim);
  FILE *children = fopen(path, "re");
  NEED(children != NULL && fscanf(children, "%d", &inner) == 1);
  fclose(children);
  unsigned got = attack(who, inner);
  close(to_tell[1]);
  close(ready[0]);
  waitpid(victim, NULL, 0);
  return got;
}

/* The child of `parent` that waits in openat(2). */
static pid_t held_child(pid_t parent) {
  char path[80];
  for (int i = 0; i < 10000; i++, usleep(1000)) {
    int pid;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)parent, (int)parent);
    FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%d", &pid) == 1) {
      int call = -1;
      snprintf(path, sizeof path, "/proc/%d/syscall", pid);
      FILE *in = pid == getpid() ? NULL : fopen(path, "re");
      bool found = in && fscanf(in, "%d", &call) == 1 && call == SYS_openat;
      if (in) fclose(in);
      if (found) {
        fclose(children);
        return pid;
      }
    }
    if (children) fclose(children);
  }
  return -1;
}

struct change {
  const char *what;
  void (*caller)(void);
  void (*attributes)(fe_attr *attr);
  unsigned ways;
  bool from_container;
};

static struct container container = {-1, -1, -1, -1};
static fe_credential credential = FE_CREDENTIAL_INIT;
static const fe_id_map map = {0, USER, 1};
static fe_join joins[2];
static fe_namespaces namespaces = FE_NAMESPACES_INIT;

static void as_root(void) {}

static void with_ids(uid_t real, uid_t effective, uid_t saved) {
  NEED(setresuid(real, effective, saved) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0);
}
static void real_root(void) {
  NEED(setgroups(0, NULL) == 0 && setresgid(USER, USER, USER) == 0);
  with_ids(0, USER, USER);
}
static void saved_root(void) {
  NEED(setgroups(0, NULL) == 0 && setresgid(USER, USER, USER) == 0);
  with_ids(USER, USER, 0);
}
static void files_of_root(void) {
  saved_root();
  setfsuid(0);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
}
/* An ordinary user with a capability, as a service may have one. */
static void privileged_user(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[2];
  memset(data, 0, sizeof data);
  data[0].permitted = data[0].effective = 1U << CAP_SYS_CHROOT;
  NEED(setgroups(0, NULL) == 0 && setresgid(USER, USER, USER) == 0 && prctl(PR_SET_KEEPCAPS, 1) == 0);
  with_ids(USER, USER, USER);
  NEED(syscall(SYS_capset, &header, data) == 0);
}

static void other_user(fe_attr *attr) {
  credential.uid = credential.gid = USER;
  attr->credential = &credential;
}
static void reset(fe_attr *attr) { attr->flags |= FE_RESETIDS; }
static void new_user(fe_attr *attr) { attr->cloneflags = CLONE_NEWUSER; }
static void new_user_with_maps(fe_attr *attr) {
  attr->cloneflags = CLONE_NEWUSER;
  attr->uid_mappings = attr->gid_mappings = &map;
  attr->nuid_mappings = attr->ngid_mappings = 1;
}
static void less(fe_attr *attr) {
  static fe_privileges privileges = FE_PRIVILEGES_INIT;
  privileges.flags = FE_PRIVILEGES_PERMITTED;
  attr->privileges = &privileges;
}
static void join(fe_attr *attr) {
  joins[0] = (fe_join){container.user, CLONE_NEWUSER};
  joins[1] = (fe_join){container.pids, CLONE_NEWPID};
  namespaces.joins = joins;
  namespaces.njoins = 2;
  attr->namespaces = &namespaces;
}

static void one(unsigned way, const void *with) {
  const struct change *change = with;
  const struct attacker who = {change->from_container ? &container : NULL};
  const char *fifo = new_fifo();
  pid_t me = getpid(), watcher = fork();
  NEED(watcher >= 0);
  if (watcher == 0) {
    pid_t child = held_child(me);
    unsigned of_child = child > 0 ? attack(&who, child) : 128, of_caller = attack(&who, me);
    if (of_child | of_caller) note("%s: 0x%x of the child, 0x%x of the caller", change->what, of_child, of_caller);
    close(let_go(fifo));
    _exit((of_child | of_caller) != 0);
  }
  change->caller();
  static char *argv[] = {(char *)"true", NULL};
  const fe_file_action actions[] = {FE_OPEN(8, fifo, O_RDONLY, 0)};
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = argv;
  attr.actions = actions;
  attr.nactions = 1;
  change->attributes(&attr);
  spawn_exits(&attr, way, 0);
  int status = -1;
  NEED(waitpid(watcher, &status, 0) == watcher);
  check(__FILE__, __LINE__, status == 0, "nobody else gets at it", change->what);
}

static void each(const struct change *change) {
  const struct attacker who = {change->from_container ? &container : NULL};
  need_root();
  unsigned can = attack_its_own(&who);
  if (can != ALL) {
    note("an attacker can do 0x%x to its own", can);
    skip("needs a kernel that lets a user trace its own processes");
  }
  for (; change->what; change++)
    for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_STAGED; way++)
      if (change->ways & 1U << way) apart(one, way, change);
}

enum { COPIES = 1 << FE_WAY_COPY | 1 << FE_WAY_PIPED, PIPED = 1 << FE_WAY_PIPED };

static void changes_of_user(void) {
  need(HAS_NO_FILTER);
  static const struct change changes[] = {
      {"another user", as_root, other_user, COPIES | 1 << FE_WAY_STAGED, false},
      {"the real user", real_root, other_user, COPIES, false},
      {"the saved user", saved_root, other_user, COPIES, false},
      {"the saved user, by FE_RESETIDS", files_of_root, reset, COPIES, false},
      {"less permitted", privileged_user, less, COPIES, false},
      {NULL, NULL, NULL, 0, false},
  };
  each(changes);
}

static void user_namespaces(void) {
  static const struct change changes[] = {
      {"a user namespace", privileged_user, new_user, COPIES, false},
      {"a user namespace with maps", privileged_user, new_user_with_maps, PIPED, false},
      {NULL, NULL, NULL, 0, false},
  };
  need_user_namespaces();
  each(changes);
}

static int file_of(pid_t pid, const char *file, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
  int fd = open(path, flags | O_CLOEXEC);
  NEED(fd >= 0);
  return fd;
}

static void make_container(void) {
  int ready[2], end[2];
  char byte;
  NEED(pipe2(ready, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0);
  container.pid = fork();
  NEED(container.pid >= 0);
  if (container.pid == 0) {
    close(end[1]);
    if (unshare(CLONE_NEWUSER | CLONE_NEWPID) != 0) _exit(1);
    pid_t init = fork();
    if (init == 0) {
      byte = write(ready[1], "", 1) != 1;
      _exit(read(end[0], &byte, 1) != 0);
    }
    _exit(waitpid(init, NULL, 0) != init);
  }
  close(ready[1]);
  close(end[0]);
  NEED(read(ready[0], &byte, 1) == 1);
  static const char line[] = "0 100000 1000";
  static const char *const files[] = {"uid_map", "gid_map"};
  for (int i = 0; i < 2; i++) {
    int file = file_of(container.pid, files[i], O_WRONLY);
    NEED(write(file, line, sizeof line - 1) == (ssize_t)sizeof line - 1);
    close(file);
  }
  container.user = file_of(container.pid, "ns/user", O_RDONLY);
  container.pids = file_of(container.pid, "ns/pid_for_children", O_RDONLY);
  container.let_go = end[1];
}

/* What a child without maps is suspended for: it must not be hidden from the writer of its maps. */
static void maps_from_outside(void) {
  need_root();
  need_user_namespaces();
  become_unprivileged();
  fe_attr attr = FE_ATTR_INIT;
  fe_child child;
  fe_error error;
  attr.cloneflags = CLONE_NEWUSER;
  attr.flags = FE_SUSPEND;
  if (!probe_start(&attr, FE_WAY_PIPED, &child)) return;
  static const char line[] = "7 65534 1";
  int file = file_of(child.pid, "uid_map", O_WRONLY);
  CHECK_INT(write(file, line, sizeof line - 1), sizeof line - 1);
  close(file);
  CHECK_INT(fe_resume(&child, -1, &error), 0);
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  char *seen = probe_report();
  CHECK_STR(value(seen, "uid"), "7 7 7");
  free(seen);
}

/* And not from itself, before it has written to its files in /proc. */
static void time_of_its_own(void) {
  need(HAS_TIME_NAMESPACES);
  need_root();
  need_user_namespaces();
  if (!is_there(TIME)) skip("needs time namespaces");
  become_unprivileged();
  const struct timespec later = {1000, 0};
  static char *argv[] = {(char *)"grep", (char *)"-q", (char *)"^monotonic *1000 *0$",
                         (char *)"/proc/self/timens_offsets", NULL};
  fe_namespaces own = FE_NAMESPACES_INIT;
  own.unshare = CLONE_NEWTIME;
  own.monotonic_offset = &later;
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.flags = FE_SEARCH_PATH;
  attr.namespaces = &own;
  new_user(&attr);
  EACH_WAY_BUT_SHARED(way) spawn_exits(&attr, way, 0);
}

/* Its root may trace whoever comes into it, and it sees all that are born in it. */
static void a_container(void) {
  static const struct change changes[] = {
      {"a container that is entered", as_root, join, COPIES, true},
      {NULL, NULL, NULL, 0, false},
  };
  need_root();
  need(HAS_CLONE3);
  make_container();
  each(changes);
  close(container.let_go);
  waitpid(container.pid, NULL, 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"changes of the user", changes_of_user},
      {"user namespaces", user_namespaces},
      {"a container with a root of its own", a_container},
      {"maps from outside", maps_from_outside},
      {"time offsets in a user namespace", time_of_its_own},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
