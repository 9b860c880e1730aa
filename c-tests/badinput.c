/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad input gets its errno, and no clone: a filter kills whoever tries. */
#include "test.h"

#include <limits.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "filter.h"

static char *arguments[] = {(char *)"true", NULL};

static fe_attr plain(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = arguments;
  return attr;
}

/* Whatever makes a process kills this one from here on. */
static void no_clone(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
#ifdef SYS_fork
  refuse(SYS_fork, KILL);
  refuse(SYS_vfork, KILL);
#endif
}

static void refused(fe_attr *attr, int errnum) {
  spawn_fails(attr, FE_WAY_AUTO, errnum, FE_STEP_ARGS, -1);
}

static void the_filter_kills(void) {
  need(HAS_SECCOMP);
  pid_t pid = fork_apart();
  if (pid == 0) {
    no_clone();
    fe_attr attr = plain();
    fe_child child;
    fe_spawn(&attr, &child, NULL);
    _exit(0);
  }
  int status;
  CHECK(waitpid(pid, &status, 0) == pid);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
}

static void null_pointers(void) {
  no_clone();
  fe_child child;
  fe_error error;
  errno = 0;
  CHECK_INT(fe_spawn(NULL, &child, &error), -1);
  CHECK_INT(errno, EINVAL);
  CHECK_INT(error.step, FE_STEP_ARGS);
  CHECK_INT(child.pid, -1);
  CHECK_INT(child.pidfd, -1);
  fe_attr attr = plain();
  CHECK_INT(fe_spawn(&attr, NULL, &error), -1);
  CHECK_INT(errno, EINVAL);
  CHECK_INT(error.errnum, EINVAL);
  CHECK_INT(fe_spawn(NULL, NULL, NULL), -1);
  CHECK_INT(errno, EINVAL);
  attr.argv = NULL;
  refused(&attr, EINVAL);
  char *none[] = {NULL};
  attr.argv = none;
  refused(&attr, EINVAL);
  attr.path = NULL;
  refused(&attr, EINVAL);
}

static void sizes(void) {
  fe_attr attr = plain();
  struct {
    fe_attr attr;
    unsigned char tail[200];
  } future;
  memset(&future, 0, sizeof future);
  future.attr = plain();
  future.attr.size = sizeof future;
  CHECK_INT(sizeof(fe_attr), 288);
  /* Of the first header, which had nothing of what lies beyond: it is not looked at. */
  attr.size = 136;
  memset((char *)&attr + 136, 0xa5, sizeof attr - 136);
  EACH_WAY(way) spawn_exits(&attr, way, 0);
  attr = plain();
  /* Of a future header: fine as long as it asks for nothing that is unknown. */
  EACH_WAY(way) spawn_exits(&future.attr, way, 0);
  no_clone();
  for (size_t at = 0; at < sizeof future.tail; at++) {
    future.tail[at] = 1;
    refused(&future.attr, E2BIG);
    future.tail[at] = 0;
  }
  for (size_t size = 0; size < 136; size++) {
    attr.size = size;
    refused(&attr, EINVAL);
  }
  attr.size = 4097;
  refused(&attr, E2BIG);
  attr.size = SIZE_MAX;
  refused(&attr, E2BIG);
}

static void flags(void) {
  no_clone();
  const uint64_t known = FE_SETSID | FE_SETPGID | FE_SETCTTY | FE_NOCTTY | FE_FOREGROUND |
                         FE_PTRACE | FE_CLOSE_OTHERS | FE_SEARCH_PATH | FE_PIDFD |
                         FE_ALLOW_SETGROUPS | FE_CHROOT_KEEP_CWD | FE_KEEP_PROPAGATION |
                         FE_RESETIDS | FE_FEXECVE | FE_EXECVEAT | FE_SHELL_FALLBACK | FE_CGROUP |
                         FE_ASYNC | FE_OWN_CGROUP | FE_SUSPEND | FE_PTY |
                         FE_PIVOT_ROOT | FE_NEWIDMAP | FE_NO_NEW_PRIVS;
  fe_attr attr = plain();
  for (int bit = 0; bit < 64; bit++) {
    attr.flags = UINT64_C(1) << bit;
    if (!(attr.flags & known)) refused(&attr, EINVAL);
  }
  /* In 64 bits: the upper half survives. */
  attr.flags = FE_DETACH | FE_SETSID;
  attr.flags &= ~FE_SETSID;
  CHECK(attr.flags == FE_DETACH);
  /* Which cgroup? */
  attr.flags = FE_OWN_CGROUP;
  refused(&attr, EINVAL);
  attr = plain();
  attr.way = FE_WAY_STAGED + 1;
  fe_child child;
  CHECK_INT(fe_spawn(&attr, &child, NULL), -1);
  CHECK_INT(errno, EINVAL);
}

static void session_and_terminal(void) {
  no_clone();
  static const uint64_t contradictions[] = {
      FE_SETCTTY,
      FE_SETSID | FE_SETPGID,
      FE_SETSID | FE_SETCTTY | FE_FOREGROUND,
      FE_SETCTTY | FE_FOREGROUND,
      FE_SETSID | FE_FOREGROUND,
      FE_SETPGID | FE_SETCTTY,
      FE_NOCTTY | FE_FOREGROUND,
  };
  for (size_t i = 0; i < sizeof contradictions / sizeof *contradictions; i++) {
    fe_attr attr = plain();
    attr.flags = contradictions[i];
    refused(&attr, EINVAL);
  }
  const int files[] = {0, 1, -1};
  fe_attr attr = plain();
  attr.flags = FE_SETSID | FE_SETCTTY;
  attr.files = files;
  attr.nfiles = 3;
  static const int outside[] = {3, 2, 1000, -1, INT_MIN, INT_MAX};
  for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
    attr.ctty = outside[i];
    refused(&attr, EINVAL);
  }
  attr.flags = FE_FOREGROUND;
  attr.ctty = 3;
  refused(&attr, EINVAL);
  /* Without a list it is the caller's own. */
  attr.files = NULL;
  attr.nfiles = 0;
  attr.ctty = 800;
  spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_FOREGROUND, -1);
  attr.flags = FE_SETSID | FE_SETCTTY;
  spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_SETCTTY, -1);
  /* Nor need a process be made to see that a source is not open. */
  static const int closed[] = {0, 1, 800, 801};
  attr = plain();
  attr.files = closed;
  attr.nfiles = 4;
  spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_FILES, 2);
  attr = plain();
  attr.flags = FE_SETSID | FE_SETCTTY;
  attr.ctty = -1;
  refused(&attr, EINVAL);
  /* A number whose flag was forgotten. */
  attr = plain();
  attr.ctty = 1;
  refused(&attr, EINVAL);
  attr = plain();
  attr.pgid = 1;
  refused(&attr, EINVAL);
  attr.flags = FE_SETSID;
  refused(&attr, EINVAL);
  attr.flags = FE_SETPGID;
  attr.pgid = -1;
  refused(&attr, EINVAL);
}

static void files(void) {
  no_clone();
  const int list[] = {0, 1, -5, INT_MIN};
  fe_attr attr = plain();
  attr.nfiles = 1;
  refused(&attr, EINVAL);
  attr.files = list;
  attr.nfiles = (size_t)INT_MAX + 1;
  refused(&attr, EINVAL);
  attr.nfiles = SIZE_MAX;
  refused(&attr, EINVAL);
  attr.nfiles = 3;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, 2);
  attr.files = list + 3;
  attr.nfiles = 1;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, 0);
  attr.files = (const int *)(const void *)((const char *)list + 1);
  refused(&attr, EINVAL);
}

/* The list of files alone, with `n` elements and the index of the wrong one. */
static void wrong(fe_attr *attr, const int *list, size_t n, int index) {
  attr->files = list;
  attr->nfiles = n;
  spawn_fails(attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, index);
}
#define WRONG(attr, index, ...)                                                                    \
  do {                                                                                             \
    const int list_[] = {__VA_ARGS__};                                                             \
    wrong(attr, list_, sizeof list_ / sizeof *list_, index);                                       \
  } while (0)

static void what_stands_for_a_file(void) {
  no_clone();
  fe_attr attr = plain();
  WRONG(&attr, 0, -5);
  WRONG(&attr, 1, 0, FE_SAME_AS(-1));
  WRONG(&attr, 1, 0, FE_SAME_AS(1));
  WRONG(&attr, 1, 0, FE_SAME_AS(3), 2);
  WRONG(&attr, 0, FE_SAME_AS(1), -1);
  WRONG(&attr, 0, FE_SAME_AS(1), FE_SAME_AS(2), FE_SAME_AS(0));
  WRONG(&attr, 1, 0, FE_SAME_AS(2), FE_SAME_AS(3), FE_SAME_AS(2));
  WRONG(&attr, 2, 0, 1, FE_REDIRECT(0));
  WRONG(&attr, 1, 0, FE_REDIRECT(0x10000000));
  WRONG(&attr, 1, 0, FE_REDIRECT(-1));
  /* No place for the end of the fourth pipe. */
  WRONG(&attr, 3, FE_TO_PIPE, FE_FROM_PIPE, FE_TO_PIPE, FE_TO_PIPE);
  /* Whatever fails, there are no ends. */
  int32_t room[6] = {7, 7, 7, 7, 7, 7};
  attr.ends = room;
  WRONG(&attr, 4, 0, 1, 2, FE_TO_PIPE, -5);
  for (int i = 0; i < 6; i++) CHECK_INT(room[i], i < 5 ? -1 : 7);
  memset(room, 0, sizeof room);
  attr.nfiles = 2;
  attr.flags = FE_DETACH;
  refused(&attr, EINVAL);
  CHECK(room[0] == -1 && room[1] == -1 && room[2] == 0);
  attr.flags = 0;
  attr.ends = (int32_t *)(void *)((char *)room + 1);
  refused(&attr, EINVAL);
  attr = plain();
  attr.nredirects = 1;
  refused(&attr, EINVAL);
  static const fe_redirect good = FE_OPEN_FILE("/dev/null", O_RDONLY, 0);
  static const fe_redirect bad[] = {
      {0, 0, 0, 0, NULL, NULL, 0, {0, 0, 0}},
      {3, 0, 0, 0, NULL, NULL, 0, {0, 0, 0}},
      FE_OPEN_FILE(NULL, O_RDONLY, 0),
      {FE_REDIRECT_OPEN, 0, 0, 0, "/", "", 0, {0, 0, 0}},
      {FE_REDIRECT_OPEN, 0, 0, 0, "/", NULL, 1, {0, 0, 0}},
      {FE_REDIRECT_OPEN, 0, 0, 1, "/", NULL, 0, {0, 0, 0}},
      {FE_REDIRECT_OPEN, 0, 0, 0, "/", NULL, 0, {0, 0, 1}},
      FE_DATA(NULL, 1),
      FE_DATA("", SIZE_MAX),
      {FE_REDIRECT_DATA, 0, 0, 0, "/", "", 0, {0, 0, 0}},
      {FE_REDIRECT_DATA, 1, 0, 0, NULL, "", 0, {0, 0, 0}},
      {FE_REDIRECT_DATA, 0, 1, 0, NULL, "", 0, {0, 0, 0}},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    const fe_redirect both[] = {good, bad[i]};
    attr.redirects = both;
    attr.nredirects = 2;
    WRONG(&attr, 2, 0, FE_REDIRECT(0), FE_REDIRECT(1));
    WRONG(&attr, -1, 0, FE_REDIRECT(0));
  }
}

static void credentials(void) {
  no_clone();
  fe_attr attr = plain();
  fe_credential who = FE_CREDENTIAL_INIT;
  const gid_t groups[] = {1, (gid_t)-1};
  attr.credential = &who;
  who.uid = (uid_t)-1;
  refused(&attr, EINVAL);
  who.uid = 0;
  who.gid = (gid_t)-1;
  refused(&attr, EINVAL);
  who.gid = 0;
  who.ngroups = 1;
  refused(&attr, EINVAL);
  who.groups = groups;
  who.ngroups = 2;
  refused(&attr, EINVAL);
  who.ngroups = 65537;
  refused(&attr, EINVAL);
  who.ngroups = SIZE_MAX;
  refused(&attr, EINVAL);
  who.ngroups = 1;
  who.size = 31;
  refused(&attr, EINVAL);
  who.size = 0;
  refused(&attr, EINVAL);
}

static void namespaces(void) {
  no_clone();
  const fe_id_map one = {0, 0, 1}, nothing = {0, 0, 0};
  fe_attr attr = plain();
  attr.uid_mappings = &one;
  attr.nuid_mappings = 1;
  refused(&attr, EINVAL); /* no CLONE_NEWUSER */
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = &nothing;
  refused(&attr, EINVAL);
  attr.uid_mappings = &one;
  attr.nuid_mappings = 0;
  refused(&attr, EINVAL);
  attr.uid_mappings = NULL;
  attr.nuid_mappings = 1;
  refused(&attr, EINVAL);
  attr.nuid_mappings = 0;
  attr.ngid_mappings = 1;
  refused(&attr, EINVAL);
  attr.ngid_mappings = 0;
  attr.flags = FE_ALLOW_SETGROUPS;
  refused(&attr, EINVAL); /* without gid mappings */
  attr.flags = 0;
  /* Maps are written by the parent: only the piped way can wait for them. */
  attr.uid_mappings = &one;
  attr.nuid_mappings = 1;
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  spawn_fails(&attr, FE_WAY_COPY, EINVAL, FE_STEP_ARGS, -1);
  /* Only what makes namespaces: CLONE_VM and the like are the library's business. */
  const uint64_t allowed = 0x80 | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                           CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  for (int bit = 0; bit < 64; bit++) {
    attr = plain();
    attr.cloneflags = UINT64_C(1) << bit;
    if (!(attr.cloneflags & allowed)) refused(&attr, EINVAL);
  }
  attr = plain();
  attr.flags = FE_KEEP_PROPAGATION;
  refused(&attr, EINVAL);
  attr.flags = FE_CHROOT_KEEP_CWD;
  refused(&attr, EINVAL);
  attr.flags = 0;
  attr.pdeathsig = 65;
  refused(&attr, EINVAL);
  attr.pdeathsig = -1;
  refused(&attr, EINVAL);
}

static void privileges_refused(fe_privileges privileges) {
  fe_attr attr = plain();
  attr.privileges = &privileges;
  refused(&attr, EINVAL);
}

static void privileges(void) {
  no_clone();
  static const fe_privileges init = FE_PRIVILEGES_INIT;
  fe_privileges given = init;
  for (int bit = 6; bit < 64; bit++) {
    given.flags = UINT64_C(1) << bit;
    privileges_refused(given);
  }
  /* A set whose flag was forgotten, though all others are there. */
  static const size_t sets[] = {offsetof(fe_privileges, bounding), offsetof(fe_privileges, inheritable),
                                offsetof(fe_privileges, permitted), offsetof(fe_privileges, effective),
                                offsetof(fe_privileges, ambient), offsetof(fe_privileges, securebits)};
  for (int i = 0; i < 6; i++) {
    given = init;
    given.flags = 0x3f & ~(UINT64_C(1) << i);
    *((unsigned char *)&given + sets[i]) = 1;
    privileges_refused(given);
  }
  /* The kernel would leave out in silence what it does not know. */
  for (int i = 1; i < 5; i++) {
    given = init;
    given.flags = UINT64_C(1) << i;
    *(uint64_t *)(void *)((char *)&given + sets[i]) = FE_CAPABILITY(63);
    privileges_refused(given);
  }
  given = init;
  given.flags = FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_INHERITABLE;
  given.ambient = 3;
  given.inheritable = 2;
  privileges_refused(given);
  given.flags = FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_PERMITTED;
  given.inheritable = 0;
  given.permitted = 2;
  privileges_refused(given);
  given = init;
  given.flags = FE_PRIVILEGES_EFFECTIVE | FE_PRIVILEGES_PERMITTED;
  given.effective = 1;
  privileges_refused(given);
  given = init;
  given.reserved = 1;
  privileges_refused(given);
  for (size_t size = 0; size < 64; size++) {
    given = init;
    given.size = size;
    privileges_refused(given);
  }
  struct {
    fe_privileges known;
    uint64_t unknown;
  } later = {init, 1};
  later.known.size = sizeof later;
  fe_attr attr = plain();
  attr.privileges = &later.known;
  refused(&attr, E2BIG);
}

static void sandbox_refused(fe_sandbox sandbox) {
  fe_attr attr = plain();
  attr.sandbox = &sandbox;
  refused(&attr, EINVAL);
}

static void sandbox(void) {
  no_clone();
  static const fe_sandbox init = FE_SANDBOX_INIT;
  static struct sock_filter code[4097];
  fe_sandbox given = init;
  for (int bit = 1; bit < 64; bit++) {
    given.flags = UINT64_C(1) << bit;
    sandbox_refused(given);
  }
  given = init;
  given.filter = code;
  static const size_t lengths[] = {0, 4097, 65536, 65537, SIZE_MAX};
  for (int i = 0; i < 5; i++) {
    given.nfilter = lengths[i];
    sandbox_refused(given);
  }
  given.nfilter = 1;
  /* All but LOG and SPEC_ALLOW: there is no other thread, and nobody to take a listener. */
  for (int bit = 0; bit < 32; bit++) {
    given.filter_flags = 1U << bit;
    if (bit != 1 && bit != 2) sandbox_refused(given);
  }
  given.filter_flags = 0;
  given.filter = (const struct sock_filter *)(const void *)((const char *)code + 1);
  sandbox_refused(given);
  given.filter = NULL;
  sandbox_refused(given);
  given.nfilter = 0;
  given.filter_flags = 2;
  sandbox_refused(given);
  given = init;
  given.landlock = 3;
  sandbox_refused(given);
  given.landlock = 0;
  given.landlock_flags = 1;
  sandbox_refused(given);
  given.flags = FE_SANDBOX_LANDLOCK;
  for (int bit = 3; bit < 32; bit++) {
    given.landlock_flags = 1U << bit;
    sandbox_refused(given);
  }
  given = init;
  given.reserved = 1;
  sandbox_refused(given);
  for (size_t size = 0; size < 48; size++) {
    given = init;
    given.size = size;
    sandbox_refused(given);
  }
  struct {
    fe_sandbox known;
    uint64_t unknown;
  } later = {init, 1};
  later.known.size = sizeof later;
  fe_attr attr = plain();
  attr.sandbox = &later.known;
  refused(&attr, E2BIG);
  static const int closed[] = {800, -1, INT_MIN};
  for (int i = 0; i < 3; i++) {
    given = init;
    given.flags = FE_SANDBOX_LANDLOCK;
    given.landlock = closed[i];
    attr.sandbox = &given;
    spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_LANDLOCK, -1);
  }
}

static void paths(void) {
  no_clone();
  char *path = malloc(PATH_MAX + 1);
  NEED(path != NULL);
  memset(path, 'x', PATH_MAX);
  path[PATH_MAX] = 0;
  fe_attr attr = plain();
  attr.dir = path;
  spawn_fails(&attr, FE_WAY_AUTO, ENAMETOOLONG, FE_STEP_CHDIR, -1);
  attr.dir = NULL;
  attr.chroot = path;
  spawn_fails(&attr, FE_WAY_AUTO, ENAMETOOLONG, FE_STEP_CHROOT, -1);
  attr.chroot = NULL;
  attr.path = path;
  spawn_fails(&attr, FE_WAY_AUTO, ENAMETOOLONG, FE_STEP_EXEC, -1);
  free(path);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the filter kills whoever clones", the_filter_kills},
      {"NULL where a value is needed", null_pointers},
      {"sizes of older and newer headers", sizes},
      {"unknown flags and ways", flags},
      {"session, group and terminal", session_and_terminal},
      {"files", files},
      {"what stands for a file", what_stands_for_a_file},
      {"credentials", credentials},
      {"namespaces, maps and lone flags", namespaces},
      {"privileges", privileges},
      {"sandbox", sandbox},
      {"paths that are too long", paths},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
