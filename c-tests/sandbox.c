/* SPDX-License-Identifier: BSD-3-Clause */
/* A seccomp filter and a landlock ruleset: in force for the program and not before, from whatever descriptor, and a
 * failure of exec is told in spite of them. */
#include "test.h"

#include "filter.h"
#include "staged.h"
#include "status.h"

#include <linux/landlock.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static const fe_sandbox none = FE_SANDBOX_INIT;

/* ---- filters ---- */

/* The probe prints it. */
enum { UMASK = 077 };

#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, action)
#define LOAD BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
/* The next line for that call, else the one behind. */
#define IF(nr) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(nr), 0, 1)
#define ERRNO(e) (SECCOMP_RET_ERRNO | (e))

/* umask(2) is answered with 0 and not made. */
static const struct sock_filter no_umask[] = {LOAD, IF(SYS_umask), ANSWER(ERRNO(0)), ALLOW};
/* Nothing but exec. */
static const struct sock_filter exec_only[] = {
    LOAD, IF(SYS_execve), ALLOW, IF(SYS_execveat), ALLOW, ANSWER(SECCOMP_RET_KILL_PROCESS)};
/* Not even that; whoever does anything else is killed. */
static const struct sock_filter no_exec[] = {
    LOAD, IF(SYS_execve), ANSWER(ERRNO(EDQUOT)), IF(SYS_execveat), ANSWER(ERRNO(EDQUOT)),
    ANSWER(SECCOMP_RET_KILL_PROCESS)};
/* Nothing at all, and the end of a process neither. */
static const struct sock_filter nothing_at_all[] = {ANSWER(ERRNO(EDQUOT))};
static const struct sock_filter killed_by_exec[] = {
    LOAD, IF(SYS_execve), ANSWER(SECCOMP_RET_KILL_PROCESS), ALLOW};

#define FILTER(code)                                                                               \
  { sizeof(fe_sandbox), 0, code, sizeof code / sizeof *code, 0, 0, 0, 0 }

static const fe_sandbox by_no_umask = FILTER(no_umask), by_exec_only = FILTER(exec_only),
                        by_no_exec = FILTER(no_exec), by_nothing = FILTER(nothing_at_all),
                        by_death = FILTER(killed_by_exec);

static fe_attr in(const fe_sandbox *sandbox, uint64_t flags) {
  need(HAS_SECCOMP);
  fe_attr attr = FE_ATTR_INIT;
  attr.sandbox = sandbox;
  attr.flags = flags;
  return attr;
}

static fe_attr nothing_in(const fe_sandbox *sandbox, uint64_t flags) {
  fe_attr attr = in(sandbox, flags);
  attr.path = nothing().path;
  attr.argv = nothing().argv;
  return attr;
}

/* The killed would dump core. */
static void no_core(void) {
  struct rlimit limit = {0, 0};
  NEED(setrlimit(RLIMIT_CORE, &limit) == 0);
}

/* 0, 1 and 2, which the child inherits, and no other. */
static void three(void) {
  only(3);
  for (int fd = 0; fd < 3; fd++) NEED(fcntl(fd, F_SETFD, 0) == 0);
}

/* ---- rulesets ---- */

static int ruleset(uint64_t handled) {
  struct landlock_ruleset_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.handled_access_fs = handled;
  int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr.handled_access_fs, 0);
  if (fd < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) skip("this kernel has no landlock");
  NEED(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  return fd;
}

static fe_sandbox by_ruleset(int fd) {
  fe_sandbox sandbox = none;
  sandbox.flags = FE_SANDBOX_LANDLOCK;
  sandbox.landlock = fd;
  return sandbox;
}

/* The probe tells whether it may read the directory "/". */
static char *readers_environment[] = {(char *)"PROBE_READ_DIR=/", NULL};

/* Not where it stands already. */
static fe_sandbox no_directories(int at) {
  int fd = ruleset(LANDLOCK_ACCESS_FS_READ_DIR);
  if (at >= 0 && fd != at) {
    NEED(dup3(fd, at, O_CLOEXEC) == at);
    close(fd);
    fd = at;
  }
  return by_ruleset(fd);
}

/* ---- the filter ---- */

static void sees_its_filter(unsigned way, uint64_t flags) {
  umask(UMASK);
  fe_attr attr = in(&by_no_umask, flags);
  char *seen = probe_unchanged(&attr, way);
  CHECK_STR(value(seen, "umask"), "000");
  CHECK_INT(number(seen, "Seccomp"), 2);
  CHECK_INT(number(seen, "NoNewPrivs"), flags != 0);
  free(seen);
  attr.sandbox = &none;
  seen = probe_unchanged(&attr, way);
  CHECK_STR(value(seen, "umask"), "077");
  CHECK_INT(number(seen, "NoNewPrivs"), flags != 0);
  free(seen);
}

static void a_filter(void) {
  EACH_WAY(way) sees_its_filter(way, FE_NO_NEW_PRIVS);
}

/* With CAP_SYS_ADMIN the one can be had without the other. */
static void by_privilege(void) {
  need(HAS_NEW_PRIVS);
  need_root();
  EACH_WAY(way) sees_its_filter(way, 0);
}

static void without_privilege(void) {
  need(HAS_NEW_PRIVS);
  need_root();
  become_unprivileged();
  fe_sandbox locked = no_directories(-1);
  EACH_WAY(way) {
    fe_attr attr = nothing_in(&by_no_umask, 0);
    spawn_fails(&attr, way, EACCES, FE_STEP_SECCOMP, -1);
    attr.sandbox = &locked;
    spawn_fails(&attr, way, EPERM, FE_STEP_LANDLOCK, -1);
    sees_its_filter(way, FE_NO_NEW_PRIVS);
  }
}

/* The library makes no call between the filter and exec: it is the program's first that kills. */
static void dies_of_its_first_call(fe_attr *attr, unsigned way) {
  fe_child child;
  int status = -1;
  if (!spawn(attr, way, &child)) return;
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  fe_child_close(&child);
}

static void nothing_but_exec(void) {
  no_core();
  EACH_WAY(way) {
    fe_attr attr = nothing_in(&by_exec_only, FE_NO_NEW_PRIVS | FE_CLOSE_OTHERS | FE_SETSID);
    attr.pdeathsig = SIGTERM;
    dies_of_its_first_call(&attr, way);
    attr.path = "true";
    attr.search_path = "/nonexistent:/bin";
    attr.flags |= FE_SEARCH_PATH | FE_SHELL_FALLBACK;
    dies_of_its_first_call(&attr, way);
    attr = nothing_in(&by_exec_only, FE_NO_NEW_PRIVS | FE_FEXECVE);
    attr.path = NULL;
    attr.execfd = open("/bin/true", O_RDONLY | O_CLOEXEC);
    dies_of_its_first_call(&attr, way);
    close(attr.execfd);
  }
}

/* One that is suspended still has to write and to read: it comes to the filter when it goes on. */
static void suspended_before_it(void) {
  need(HAS_NO_FILTER);
  no_core();
  fe_attr attr = nothing_in(&by_exec_only, FE_NO_NEW_PRIVS | FE_SUSPEND);
  fe_child child;
  fe_error error;
  int status = -1;
  if (!spawn(&attr, FE_WAY_PIPED, &child)) return;
  char *status_text = status_of(child.pid);
  CHECK(strstr(status_text, "Seccomp:\t0") != NULL);
  free(status_text);
  CHECK_INT(fe_resume(&child, -1, &error), 0);
  CHECK_INT(fe_wait(&child, -1, &status), 0);
  CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  fe_child_close(&child);
  attr.sandbox = &by_no_exec;
  if (!spawn(&attr, FE_WAY_PIPED, &child)) return;
  CHECK_INT(fe_resume(&child, -1, &error), -1);
  CHECK_INT(error.errnum, EDQUOT);
  CHECK_INT(error.step, FE_STEP_EXEC);
  check_no_child();
}

/* The record needs no call to be read by the parent. */
static void a_refused_exec_is_told(void) {
  no_core();
  EACH_WAY(way) {
    fe_attr attr = nothing_in(&by_no_exec, FE_NO_NEW_PRIVS);
    spawn_fails(&attr, way, EDQUOT, FE_STEP_EXEC, -1);
    attr.sandbox = &by_nothing;
    spawn_fails(&attr, way, EDQUOT, FE_STEP_EXEC, -1);
    attr.sandbox = &by_exec_only;
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    attr.flags |= FE_FEXECVE;
    attr.path = NULL;
    attr.execfd = open("/bin/true", O_RDONLY | O_CLOEXEC);
    attr.sandbox = &by_no_exec;
    spawn_fails(&attr, way, EDQUOT, FE_STEP_EXEC, -1);
    close(attr.execfd);
    attr = nothing_in(&by_death, FE_NO_NEW_PRIVS);
    spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
  }
}

static void not_a_program(void) {
  static const struct sock_filter endless[] = {LOAD}, no_such[] = {{0xffff, 0, 0, 0}};
  const fe_sandbox bad[] = {FILTER(endless), FILTER(no_such)};
  EACH_WAY(way) {
    for (int i = 0; i < 2; i++) {
      fe_attr attr = nothing_in(&bad[i], FE_NO_NEW_PRIVS);
      spawn_fails(&attr, way, EINVAL, FE_STEP_SECCOMP, -1);
    }
  }
}

static void the_longest_and_its_flags(void) {
  static struct sock_filter code[4096];
  for (int i = 0; i < 4095; i++) code[i] = (struct sock_filter)LOAD;
  code[4095] = (struct sock_filter)ALLOW;
  fe_sandbox longest = FILTER(code);
  EACH_WAY(way) {
    static const uint32_t flags[] = {0, SECCOMP_FILTER_FLAG_LOG, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
                                     SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW};
    for (int i = 0; i < 4; i++) {
      longest.filter_flags = flags[i];
      fe_attr attr = nothing_in(&longest, FE_NO_NEW_PRIVS);
      spawn_exits(&attr, way, 0);
    }
  }
}

/* ---- the ruleset ---- */

static void sees_its_ruleset(fe_attr attr, const fe_sandbox *sandbox, unsigned way, int fds) {
  attr.sandbox = sandbox;
  attr.envp = readers_environment;
  attr.flags |= FE_NO_NEW_PRIVS;
  char *seen = probe_unchanged(&attr, way);
  CHECK_INT(number(seen, "read_dir"), sandbox ? EACCES : 0);
  CHECK_INT(number(seen, "NoNewPrivs"), 1);
  if (fds >= 0) CHECK_INT(number(seen, "fds"), fds);
  free(seen);
}

/* Made once, for all. */
static void a_ruleset(void) {
  fe_attr attr = in(NULL, 0);
  three();
  fe_sandbox locked = no_directories(-1);
  EACH_WAY(way) {
    sees_its_ruleset(attr, &locked, way, 3);
    sees_its_ruleset(attr, NULL, way, 3);
    sees_its_ruleset(attr, &locked, way, 3);
  }
  int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CHECK(fd >= 0); /* not for the caller */
  close(fd);
}

static void both_at_once(void) {
  umask(UMASK);
  fe_sandbox sandbox = no_directories(-1);
  sandbox.filter = no_umask;
  sandbox.nfilter = 4;
  fe_attr attr = in(&sandbox, FE_NO_NEW_PRIVS);
  attr.envp = readers_environment;
  EACH_WAY(way) {
    char *seen = probe_unchanged(&attr, way);
    CHECK_INT(number(seen, "read_dir"), EACCES);
    CHECK_STR(value(seen, "umask"), "000");
    free(seen);
  }
  /* The filter would not allow the ruleset. */
  no_core();
  sandbox.filter = exec_only;
  sandbox.nfilter = sizeof exec_only / sizeof *exec_only;
  attr = nothing_in(&sandbox, FE_NO_NEW_PRIVS);
  EACH_WAY(way) dies_of_its_first_call(&attr, way);
}

/* In all the ways in which the child may lose the number. */
static void with_its_number_taken(unsigned way) {
  fe_attr attr = in(NULL, 0);
  const int many[] = {0, 1, 2, 0, 1, 2, 0, 1}, gone[] = {0, 1, 2, -1, -1, -1};
  three();
  fe_sandbox locked = no_directories(5);
  attr.files = many;
  attr.nfiles = 8;
  sees_its_ruleset(attr, &locked, way, 8);
  attr.flags = FE_CLOSE_OTHERS;
  sees_its_ruleset(attr, &locked, way, 8);
  attr.files = gone;
  attr.nfiles = 6;
  sees_its_ruleset(attr, &locked, way, 3);
  attr.files = NULL;
  attr.nfiles = 0;
  sees_its_ruleset(attr, &locked, way, 3);
  attr.flags = 0;
  {
    GIVE(&attr, actions, FE_CLOSEFROM(3), FE_OPEN(3, "/dev/null", O_RDONLY, 0),
         FE_OPEN(4, "/dev/null", O_RDONLY, 0));
    sees_its_ruleset(attr, &locked, way, 5);
    attr.flags = FE_CLOSE_OTHERS;
    sees_its_ruleset(attr, &locked, way, 5);
    attr.flags = 0;
  }
  {
    GIVE(&attr, actions, FE_OPEN(5, "/dev/null", O_RDONLY, 0), FE_OPEN(6, "/dev/null", O_RDONLY, 0));
    sees_its_ruleset(attr, &locked, way, 5);
  }
  {
    GIVE(&attr, actions, FE_CLOSE(5), FE_CLOSEFROM(4));
    sees_its_ruleset(attr, &locked, way, 3);
  }
  /* It is out of the way of what an action would name. */
  {
    GIVE(&attr, actions, FE_DUP2(6, 7));
    attr.path = nothing().path;
    attr.argv = nothing().argv;
    attr.sandbox = &locked;
    attr.flags = FE_CLOSE_OTHERS | FE_NO_NEW_PRIVS;
    if (way != FE_WAY_STAGED) spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_DUP2, 0);
  }
  /* High up, where the child does not get all of the table. */
  attr = in(NULL, 0);
  close(5);
  attr.flags = FE_CLOSE_OTHERS;
  for (int fd = 3; fd < 200; fd++) open_at(fd, true);
  locked = no_directories(300);
  sees_its_ruleset(attr, &locked, way, 3);
  attr.files = many;
  attr.nfiles = 8;
  sees_its_ruleset(attr, &locked, way, 8);
  attr.actions = NULL;
  GIVE(&attr, actions, FE_CLOSEFROM(7));
  sees_its_ruleset(attr, &locked, way, 7);
}

static void whatever_becomes_of_its_number(void) {
  EACH_WAY(way) with_its_number_taken(way);
}

/* The number is the caller's to pass on. */
static void passed_on(void) {
  fe_attr attr = in(NULL, 0);
  three();
  fe_sandbox locked = no_directories(6);
  NEED(fcntl(6, F_SETFD, 0) == 0);
  EACH_WAY(way) {
    sees_its_ruleset(attr, &locked, way, 4);
    attr.flags = FE_CLOSE_OTHERS;
    sees_its_ruleset(attr, &locked, way, 3);
    attr.flags = 0;
  }
}

static void a_full_table(void) {
  fe_attr attr = in(NULL, 0);
  three();
  fe_sandbox locked = no_directories(3);
  attr = nothing_in(&locked, FE_NO_NEW_PRIVS);
  struct rlimit limit;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  limit.rlim_cur = 4;
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  if (expected_way(FE_WAY_SHARED) == FE_WAY_SHARED) spawn_exits(&attr, FE_WAY_SHARED, 0);
  attr.flags |= FE_CLOSE_OTHERS;
  EACH_WAY(way) spawn_fails(&attr, way, EMFILE, FE_STEP_LANDLOCK, -1);
}

static void not_a_ruleset(void) {
  three();
  fe_sandbox wrong = by_ruleset(2);
  ruleset(LANDLOCK_ACCESS_FS_READ_DIR);
  EACH_WAY(way) {
    fe_attr attr = nothing_in(&wrong, FE_NO_NEW_PRIVS);
    spawn_fails(&attr, way, EBADFD, FE_STEP_LANDLOCK, -1);
    attr.flags |= FE_CLOSE_OTHERS;
    spawn_fails(&attr, way, EBADFD, FE_STEP_LANDLOCK, -1);
  }
}

static void exec_refused_by_it(void) {
  fe_sandbox locked = by_ruleset(ruleset(LANDLOCK_ACCESS_FS_EXECUTE));
  EACH_WAY(way) {
    fe_attr attr = nothing_in(&locked, FE_NO_NEW_PRIVS);
    spawn_fails(&attr, way, EACCES, FE_STEP_EXEC, -1);
    attr.path = "true";
    attr.search_path = "/nonexistent:/bin";
    attr.flags |= FE_SEARCH_PATH;
    spawn_fails(&attr, way, EACCES, FE_STEP_EXEC, 1);
  }
}

/* In force not before exec: what is opened for the program comes first. */
static void the_child_still_can(void) {
  fe_sandbox locked = by_ruleset(ruleset(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR));
  EACH_WAY(way) {
    fe_attr attr = nothing_in(&locked, FE_NO_NEW_PRIVS);
    GIVE(&attr, actions, FE_OPEN(3, "/dev/null", O_WRONLY, 0), FE_OPEN(4, "/", O_RDONLY | O_DIRECTORY, 0));
    spawn_exits(&attr, way, 0);
  }
}

static void its_flags(void) {
  fe_sandbox locked = no_directories(-1);
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
  EACH_WAY(way) {
    for (uint32_t flags = 1; flags < 8; flags++) {
      locked.landlock_flags = flags;
      fe_attr attr = nothing_in(&locked, FE_NO_NEW_PRIVS);
      if (version >= 7)
        spawn_exits(&attr, way, 0);
      else
        spawn_fails(&attr, way, EINVAL, FE_STEP_LANDLOCK, -1);
    }
  }
}

/* ---- without waiting, by a stage, by many ---- */

static void fails_beside(fe_attr *attr, unsigned way, int errnum, int signal) {
  fe_child child;
  if (start(attr, way, &child)) finish_fails(&child, -1, errnum, FE_STEP_EXEC, -1, signal);
}

static void beside(void) {
  no_core();
  fe_sandbox locked = by_ruleset(ruleset(LANDLOCK_ACCESS_FS_EXECUTE)), closed = no_directories(-1);
  EACH_WAY_BESIDE(way) {
    fe_attr attr = nothing_in(&by_no_exec, FE_NO_NEW_PRIVS);
    fails_beside(&attr, way, EDQUOT, 0);
    attr.sandbox = &by_nothing;
    fails_beside(&attr, way, EDQUOT, 0);
    attr.sandbox = &by_death;
    fails_beside(&attr, way, ECANCELED, SIGSYS);
    attr.sandbox = &locked;
    fails_beside(&attr, way, EACCES, 0);
    attr.flags |= FE_CLOSE_OTHERS;
    fails_beside(&attr, way, EACCES, 0);
    attr.sandbox = &by_exec_only;
    attr.timeout_ms = 20000;
    dies_of_its_first_call(&attr, way);
    attr = in(NULL, FE_CLOSE_OTHERS);
    attr.timeout_ms = 20000;
    sees_its_ruleset(attr, &closed, way, 3);
  }
}

static void by_a_stage(void) {
  need_stage();
  no_core();
  with_its_number_taken(FE_WAY_STAGED);
  fe_sandbox locked = by_ruleset(ruleset(LANDLOCK_ACCESS_FS_EXECUTE));
  sees_its_filter(FE_WAY_STAGED, FE_NO_NEW_PRIVS);
  fe_attr attr = as_nobody();
  attr.sandbox = &by_no_umask;
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_SECCOMP, -1);
  attr.sandbox = &locked;
  spawn_fails(&attr, FE_WAY_STAGED, EPERM, FE_STEP_LANDLOCK, -1);
  attr.flags = FE_NO_NEW_PRIVS;
  spawn_fails(&attr, FE_WAY_STAGED, EACCES, FE_STEP_EXEC, -1);
  attr.sandbox = &by_no_exec;
  spawn_fails(&attr, FE_WAY_STAGED, EDQUOT, FE_STEP_EXEC, -1);
  attr.sandbox = &by_nothing;
  spawn_fails(&attr, FE_WAY_STAGED, EDQUOT, FE_STEP_EXEC, -1);
  attr.sandbox = &by_death;
  spawn_killed(&attr, FE_WAY_STAGED, SIGSYS, FE_STEP_EXEC, -1);
  attr.sandbox = &by_exec_only;
  dies_of_its_first_call(&attr, FE_WAY_STAGED);
}

enum { THREADS = 8, EACH = 30 };

static void *spawns(void *with) {
  const fe_sandbox *both = with;
  for (int i = 0; i < EACH; i++) {
    unsigned way = FE_WAY_SHARED + (unsigned)i % 3;
    if (expected_way(way) == 0) continue;
    fe_attr attr = nothing_in(both, FE_NO_NEW_PRIVS | (i % 2 ? FE_CLOSE_OTHERS : 0));
    CHECK(spawn_fails_fast(&attr, way, EACCES, FE_STEP_EXEC));
    attr.sandbox = &by_no_umask;
    spawn_exits(&attr, way, 0);
  }
  return NULL;
}

static void one_for_many_threads(void) {
  fe_sandbox both = by_ruleset(ruleset(LANDLOCK_ACCESS_FS_EXECUTE));
  both.filter = no_umask;
  both.nfilter = 4;
  char *before = snapshot();
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) NEED(pthread_create(&threads[i], NULL, spawns, &both) == 0);
  for (int i = 0; i < THREADS; i++) NEED(pthread_join(threads[i], NULL) == 0);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void sizes(void) {
  struct {
    fe_sandbox known;
    unsigned char unknown[5000];
  } later;
  memset(&later, 0, sizeof later);
  umask(UMASK);
  EACH_WAY(way) {
    const size_t good[] = {sizeof(fe_sandbox), sizeof(fe_sandbox) + 1, 4096};
    for (size_t i = 0; i < 3; i++) {
      later.known = by_no_umask;
      later.known.size = good[i];
      fe_attr attr = in(&later.known, FE_NO_NEW_PRIVS);
      char *seen = probe_unchanged(&attr, way);
      CHECK_STR(value(seen, "umask"), "000");
      free(seen);
    }
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"a filter", a_filter},
      {"by privilege", by_privilege},
      {"without privilege", without_privilege},
      {"nothing but exec", nothing_but_exec},
      {"suspended before it", suspended_before_it},
      {"a refused exec is told", a_refused_exec_is_told},
      {"no filter", not_a_program},
      {"the longest filter, and flags", the_longest_and_its_flags},
      {"a ruleset", a_ruleset},
      {"both at once", both_at_once},
      {"whatever becomes of its number", whatever_becomes_of_its_number},
      {"a ruleset that is inherited", passed_on},
      {"a full table", a_full_table},
      {"no ruleset", not_a_ruleset},
      {"exec refused by a ruleset", exec_refused_by_it},
      {"files are opened before", the_child_still_can},
      {"flags of a ruleset", its_flags},
      {"without waiting", beside},
      {"by a stage", by_a_stage},
      {"one for many threads", one_for_many_threads},
      {"newer structs", sizes},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
