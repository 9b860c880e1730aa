/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_ASYNC: which way is taken, where the concurrent one is not permitted, and that the program cannot tell. */
#include "test.h"

#include "beside.h"
#include "filter.h"
#include "word.h"

/* From the first spawn of a process on. */
static void first_by_auto(unsigned way, const void *unused) {
  (void)unused;
  fe_attr attr = nothing();
  fe_child child;
  attr.flags = FE_ASYNC;
  fe_error error;
  CHECK_INT(fe_spawn(&attr, &child, &error), 0);
  CHECK_INT(child.way, expected_way(way));
  finishes(&child);
  ends(&child, 0);
  check_no_child();
}

static void chosen(void) { apart(first_by_auto, FE_WAY_CONCURRENT, NULL); }

static void ways_that_suspend(void) {
  static const unsigned ways[] = {FE_WAY_SHARED, FE_WAY_COPY};
  for (int i = 0; i < 2; i++) {
    fe_attr attr = nothing();
    attr.flags = FE_ASYNC;
    spawn_fails(&attr, ways[i], EINVAL, FE_STEP_ARGS, -1);
  }
}

static void goes_piped(fe_attr *attr) {
  fe_child child;
  fe_error error;
  attr->way = FE_WAY_AUTO;
  attr->flags |= FE_ASYNC;
  CHECK_INT(fe_spawn(attr, &child, &error), 0);
  CHECK_INT(child.way, FE_WAY_PIPED);
  if (finishes(&child) && attr->flags & FE_PTRACE) CHECK_INT(fe_kill(&child, SIGKILL), 0);
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  if (attr->flags & FE_PTRACE) fe_wait(&child, -1, NULL);
  fe_child_close(&child);
  spawn_fails(attr, FE_WAY_CONCURRENT, EINVAL, FE_STEP_ARGS, -1);
}

static void attributes_go_piped(void) {
  need(HAS_CLONE3);
  need_root();
  static const fe_id_map map = {0, 0, 1};
  static const gid_t groups[] = {1};
  fe_attr attr = nothing();
  spawn_exits(&attr, FE_WAY_AUTO, 0);
  fe_credential credential = FE_CREDENTIAL_INIT;
  credential.uid = credential.gid = UNPRIVILEGED;
  credential.groups = groups;
  credential.ngroups = 1;
  attr.credential = &credential;
  goes_piped(&attr);
  attr = nothing();
  attr.flags = FE_PTRACE;
  goes_piped(&attr);
  attr = nothing();
  attr.cloneflags = CLONE_NEWUSER;
  goes_piped(&attr);
  attr.uid_mappings = attr.gid_mappings = &map;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  goes_piped(&attr);
  attr = nothing();
  attr.cloneflags = CLONE_NEWTIME;
  goes_piped(&attr);
  /* A directory that is no cgroup: how far it came is seen by the error. */
  attr = nothing();
  fe_child child;
  fe_error error;
  attr.cgroup = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  attr.flags = FE_ASYNC | FE_CGROUP;
  CHECK_INT(fe_spawn(&attr, &child, &error), -1);
  CHECK_INT(error.errnum, EBADF);
  CHECK_INT(error.step, FE_STEP_CGROUP);
  CHECK_INT(error.way, FE_WAY_PIPED);
  spawn_fails(&attr, FE_WAY_CONCURRENT, EINVAL, FE_STEP_ARGS, -1);
  check_no_child();
}

static void other_namespaces(void) {
  need_root();
  static const uint64_t flags[] = {CLONE_NEWPID, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWUTS};
  EACH_WAY_BESIDE(way) {
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
      fe_attr attr = nothing();
      fe_child child;
      attr.cloneflags = flags[i];
      if (!start(&attr, way, &child)) continue;
      finishes(&child);
      ends(&child, 0);
    }
    /* Whose mounts the child makes its own, by a call with two strings. */
    fe_attr attr = nothing();
    fe_namespaces own = FE_NAMESPACES_INIT;
    fe_child child;
    own.unshare = CLONE_NEWNS;
    attr.namespaces = &own;
    if (!start(&attr, way, &child)) continue;
    finishes(&child);
    ends(&child, 0);
  }
}

static void clone3_refused(unsigned way, const void *with) {
  int errnum = *(const int *)with;
  bool after_first = errnum < 0;
  fe_attr attr = nothing();
  fe_child child;
  fe_error error;
  if (after_first) spawn_exits(&attr, FE_WAY_SHARED, 0);
  refuse(SYS_clone3, after_first ? -errnum : errnum);
  attr.way = way;
  attr.flags = FE_ASYNC;
  for (int i = 0; i < 3; i++) {
    if (CHECK_INT(fe_spawn(&attr, &child, &error), 0)) {
      CHECK_INT(child.way, FE_WAY_PIPED);
      finishes(&child);
      ends(&child, 0);
    } else {
      note("%s: %s", fe_step_name(error.step), errno_name(error.errnum));
    }
  }
  check_no_child();
}

static void without_clone3(void) {
  static const int errnums[] = {ENOSYS, EPERM, -ENOSYS, -EPERM}; /* negative: after a first spawn */
  static const unsigned ways[] = {FE_WAY_AUTO, FE_WAY_CONCURRENT};
  for (int w = 0; w < 2; w++)
    for (int i = 0; i < 4; i++) apart(clone3_refused, ways[w], &errnums[i]);
}

/* ---- signals ---- */

static void handler(int sig) { (void)sig; }

static void signals(void) {
  sigset_t set;
  static const int caught[] = {SIGUSR1, SIGTERM, SIGPIPE};
  for (int i = 0; i < 3; i++) signal(caught[i], handler);
  signal(SIGUSR2, SIG_IGN);
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGRTMIN + 3);
  NEED(sigprocmask(SIG_SETMASK, &set, NULL) == 0);
  fe_attr attr = FE_ATTR_INIT;
  char *wanted = probe(&attr, FE_WAY_COPY == expected_way(FE_WAY_COPY) ? FE_WAY_COPY : FE_WAY_PIPED);
  if (!wanted) return;
  EACH_WAY_BESIDE(way) {
    fe_child child;
    fe_attr async = FE_ATTR_INIT;
    async.flags = FE_ASYNC;
    char *before = snapshot();
    if (!probe_start(&async, way, &child)) continue;
    char *after = snapshot();
    finishes(&child);
    ends(&child, 0);
    char *seen = probe_report();
    static const char *const keys[] = {"mask", "ignored", "caught", "pending"};
    for (int i = 0; seen && i < 4; i++) CHECK_STR(value(seen, keys[i]), value(wanted, keys[i]));
    /* The caller's own are as they were; the rest has `ready` in it, and the record. */
    char *ends[] = {strstr(before, "shared mappings"), strstr(after, "shared mappings")};
    NEED(ends[0] && ends[1]);
    *ends[0] = *ends[1] = 0;
    CHECK_STR(strstr(after, "\nmask "), strstr(before, "\nmask "));
    free(seen);
    free(before);
    free(after);
  }
  free(wanted);
}

/* ---- in the midst of exec ---- */

/* Holds the child at its execve until it may go on, and, once that is asked for, the second wait of the caller's until the child,
 * let go by it, has run its program and is dead. */
static struct {
  pid_t child;
  int listener, until_held, may_exec;
} held;

static bool is_zombie(pid_t pid) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  FILE *stat = fopen(path, "re");
  NEED(stat != NULL && fscanf(stat, "%*d (%*[^)]) %c", &state) == 1);
  fclose(stat);
  return state == 'Z';
}

static void *holds(void *unused) {
  for (;;) {
    struct seccomp_notif call;
    struct seccomp_notif_resp answer;
    memset(&call, 0, sizeof call);
    memset(&answer, 0, sizeof answer);
    if (ioctl(held.listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
      if (errno == EINTR || errno == ENOENT) continue;
      return unused;
    }
    if (call.data.nr != SYS_waitid) {
      while (!__atomic_load_n(&held.may_exec, __ATOMIC_ACQUIRE)) usleep(1000);
    } else if (__atomic_load_n(&held.until_held, __ATOMIC_ACQUIRE) > 0 &&
               __atomic_sub_fetch(&held.until_held, 1, __ATOMIC_ACQ_REL) == 0) {
      __atomic_store_n(&held.may_exec, 1, __ATOMIC_RELEASE);
      while (!is_zombie(held.child)) usleep(1000);
    }
    answer.id = call.id;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
    ioctl(held.listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
}

static void between_two_looks(void) {
  /* The kernel says that the memory was let go before exec has taken the flag away by which /proc says that a process has not
   * execed. A program that ends before the caller's next question was started all the same. Here the word is the test's. */
  if (world() != WORLD_KERNEL) skip("only the kernel has the way that needs it");
  need(HAS_CLONE3 | HAS_PIDFD);
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_waitid, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof code / sizeof *code, code};
  need_root();
  held.listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  NEED(held.listener >= 0);
  for (int i = 0; i < 2; i++) {
    pthread_t thread; /* it makes neither call */
    NEED(pthread_create(&thread, NULL, holds, NULL) == 0);
  }
  fe_child child;
  fe_attr attr = shell("exit 7");
  if (!start(&attr, FE_WAY_CONCURRENT, &child)) return;
  wait_until_in(&child, FE_STEP_EXEC);
  held.child = child.pid;
  uint32_t *word = (uint32_t *)slept_on(&child);
  __atomic_store_n(&held.until_held, 2, __ATOMIC_RELEASE);
  __atomic_store_n(word, 0, __ATOMIC_RELEASE);
  if (finishes(&child)) ends(&child, 7);
  CHECK_INT(held.until_held, 0);
  check_no_child();
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the library's choice", chosen},
      {"ways that suspend the caller are refused", ways_that_suspend},
      {"attributes that go piped", attributes_go_piped},
      {"other namespaces", other_namespaces},
      {"clone3 refused", without_clone3},
      {"the program's signals", signals},
      {"dead between two looks", between_two_looks},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
