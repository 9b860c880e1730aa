/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_explain: that it tells what fe_spawn would do, and does nothing. */
#include "test.h"

#include "beside.h"
#include "filter.h"
#include "namespaces.h"

#include <sys/resource.h>

static char text[1 << 16];

static const char *explained(const fe_attr *attr, unsigned form) {
  fe_error error;
  memset(&error, 0xa5, sizeof error);
  memset(text, 'x', sizeof text);
  ssize_t length = fe_explain(attr, form, text, sizeof text, &error);
  CHECK(is_clear(&error));
  CHECK_INT(length, strlen(text));
  return text;
}

static bool has(const char *line) {
  bool there = strstr(text, line) != NULL;
  if (!there) note("no \"%s\" in %s", line, text);
  return there;
}

static fe_attr program(void) {
  static char *argv[] = {(char *)"true", (char *)"a \"b\"\\\n\001", (char *)"\xc3\xa4", (char *)"\xff", NULL};
  static char *envp[] = {(char *)"SECRET=1", (char *)"B=2", NULL};
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = argv;
  attr.envp = envp;
  return attr;
}

static void the_least(void) {
  fe_attr attr = program();
  CHECK_STR(explained(&attr, FE_EXPLAIN_TEXT),
            "way: shared, since nothing forbids to share memory\n"
            "sigmask: rt_sigprocmask(2, <mask>, NULL, 8)\n"
            "exec: execve(\"/bin/true\", [\"true\",\"a \\\"b\\\"\\\\\\n\\u0001\",\"\xc3\xa4\",\"\\u00ff\"], "
            "\"2 variables\")\n");
  CHECK_STR(explained(&attr, FE_EXPLAIN_JSON),
            "{\"way\":\"shared\",\"why\":\"nothing forbids to share memory\",\"steps\":["
            "{\"step\":\"sigmask\",\"call\":\"rt_sigprocmask\",\"args\":[2,\"<mask>\",null,8]},"
            "{\"step\":\"exec\",\"call\":\"execve\",\"args\":[\"/bin/true\",[\"true\","
            "\"a \\\"b\\\"\\\\\\n\\u0001\",\"\xc3\xa4\",\"\\u00ff\"],\"2 variables\"]}]}");
  /* As snprintf. */
  size_t whole = strlen(text);
  char small[20];
  memset(small, 'x', sizeof small);
  CHECK_INT(fe_explain(&attr, FE_EXPLAIN_JSON, small, 8, NULL), whole);
  CHECK_STR(small, "{\"way\":");
  CHECK_INT(small[8], 'x');
  CHECK_INT(fe_explain(&attr, FE_EXPLAIN_JSON, small, 0, NULL), whole);
  CHECK_INT(small[0], '{');
  CHECK_INT(fe_explain(&attr, FE_EXPLAIN_JSON, NULL, 0, NULL), whole);
  CHECK_INT(fe_explain(&attr, FE_EXPLAIN_JSON, NULL, 99, NULL), whole);
}

/* Whatever is asked for: in its order, by its name, with its values. */
static void the_most(void) {
  static const int files[] = {1, 0, FE_NULL, FE_TO_PIPE, -1, FE_SAME_AS(3)};
  int32_t mine[6] = {50, 51, 52, 53, 54, 55}; /* of an earlier spawn */
  fe_attr attr = program();
  fe_credential credential = FE_CREDENTIAL_INIT;
  const gid_t groups[] = {7, 8};
  credential.uid = 5;
  credential.gid = 6;
  credential.groups = groups;
  credential.ngroups = 2;
  fe_limits limits = FE_LIMITS_INIT;
  const fe_rlimit rlimit = {RLIMIT_CORE, 0, 0, 0};
  limits.rlimits = &rlimit;
  limits.nrlimits = 1;
  limits.flags = FE_LIMIT_UMASK | FE_LIMIT_OOM_SCORE_ADJ | FE_LIMIT_PERSONALITY;
  limits.umask = 63;
  limits.oom_score_adj = 99;
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  const unsigned char cpus[8] = {1};
  scheduling.flags = FE_SCHED_NICE | FE_SCHED_IOPRIO | FE_SCHED_POLICY | FE_SCHED_MEMPOLICY;
  scheduling.nice = 19;
  scheduling.affinity = cpus;
  scheduling.affinity_size = sizeof cpus;
  scheduling.timer_slack_ns = 5000;
  fe_namespaces namespaces = FE_NAMESPACES_INIT;
  const fe_join join = {open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), CLONE_NEWUTS};
  namespaces.joins = &join;
  namespaces.njoins = 1;
  namespaces.unshare = CLONE_NEWIPC;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGPIPE);
  GIVE(&attr, act, FE_OPEN(9, "/dev/null", O_RDONLY, 0), FE_DUP2(9, 8), FE_CLOSE(9), FE_CHDIR("/"), FE_CLOSEFROM(20));
  attr.flags = FE_SETSID | FE_NOCTTY | FE_CLOSE_OTHERS | FE_SHELL_FALLBACK | FE_SEARCH_PATH;
  attr.path = "true";
  attr.search_path = "/one:/two";
  attr.dir = "/some/dir";
  attr.chroot = "/some/root";
  attr.files = files;
  attr.nfiles = 6;
  attr.ends = mine;
  attr.credential = &credential;
  attr.limits = &limits;
  attr.scheduling = &scheduling;
  fe_privileges privileges = FE_PRIVILEGES_INIT;
  privileges.flags = FE_PRIVILEGES_INHERITABLE;
  attr.privileges = &privileges;
  static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  fe_sandbox sandbox = FE_SANDBOX_INIT;
  sandbox.filter = &allow;
  sandbox.nfilter = 1;
  sandbox.filter_flags = SECCOMP_FILTER_FLAG_LOG;
  attr.sandbox = &sandbox;
  attr.namespaces = &namespaces;
  attr.cloneflags = CLONE_NEWNS;
  attr.pdeathsig = SIGKILL;
  attr.sigignore = &set;
  char *before = snapshot();
  explained(&attr, FE_EXPLAIN_TEXT);
  static const char *const lines[] = {
      "way: copy, since its credentials change",
      "\nsetns 0: setns(",
      "\nunshare: unshare(134217728)\n",
      "\npropagation: mount(\"none\", \"/\", NULL, 278528, NULL)\n",
      "\nnoctty: openat(-100, \"/dev/tty\", ",
      " = <fd>\nnoctty: ioctl(<fd>, ",
      "\nsetsid: setsid()\n",
      "\noom_score_adj: openat(-100, \"/proc/self/oom_score_adj\", ",
      "\nchroot: chroot(\"/some/root\")\n",
      "\nchroot_chdir: chdir(\"/\")\n",
      "\nsetgroups: setgroups(2, [7,8])\n",
      "\nsetgid: setresgid(6, 6, 6)\n",
      "\nsetuid: setresuid(5, 5, 5)\n",
      "\ninheritable: capset({...}, {...})\n",
      "\nchdir: chdir(\"/some/dir\")\n",
      "\nfiles 0: dup3(",
      "\naction_open 0: ",
      "\naction_dup2 1: dup3(9, 8, 0)\n",
      "\nclose_others: close_range(6, 7, 0)\n",
      "\nrlimits 0: prlimit64(0, 4, [0,0], NULL)\n",
      "\npdeathsig: prctl(1, 9, 0, 0, 0)\n",
      "\nparent_alive: getppid()\n",
      "\nsigaction 13: rt_sigaction(13, {...}, NULL, 8)\n",
      "\nsigmask: rt_sigprocmask(2, <mask>, NULL, 8)\n",
      "\nseccomp: seccomp(1, 2, {...})\n",
      "\nexec 0: execve(\"/one/true\", ",
      "\nexec 1: execve(\"/two/true\", ",
      "\nshell: execve(\"/bin/sh\", ",
      " if ENOEXEC\n",
  };
  const char *at = text;
  for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
    const char *found = strstr(at, lines[i]);
    if (!check(__FILE__, __LINE__, found != NULL, "there, and behind what comes before", lines[i])) {
      note("%s", at);
      break;
    }
    at = found + 1;
  }
  /* None is without its name. */
  CHECK(strstr(text, "syscall(") == NULL);
  for (int i = 0; i < 6; i++) CHECK_INT(mine[i], 50 + i);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

/* The way is the one that is taken. */
static void the_way(void) {
  fe_attr attr = program();
  attr.way = FE_WAY_PIPED;
  explained(&attr, 0);
  CHECK(has("way: piped, since it is asked for\n"));
  attr.way = FE_WAY_AUTO;
  attr.flags = FE_SUSPEND;
  explained(&attr, 0);
  CHECK(has("way: piped, since it stands before its exec"));
  CHECK(has("\nsuspend: wait()\nsigmask: "));
  attr.flags = FE_ASYNC;
  explained(&attr, 0);
  CHECK(has("way: concurrent, since the caller does not wait"));
  attr.flags = 0;
  attr.timeout_ms = 1;
  explained(&attr, 0);
  CHECK(has("way: concurrent, since"));
  attr.timeout_ms = 0;
  fe_limits limits = FE_LIMITS_INIT;
  limits.flags = FE_LIMIT_OOM_SCORE_ADJ; /* of all who share the memory */
  attr.limits = &limits;
  attr.flags = FE_ASYNC;
  explained(&attr, 0);
  CHECK(has("way: piped, since memory cannot be shared with a caller that goes on"));
  attr.flags = 0;
  attr.limits = NULL;
  attr.cloneflags = CLONE_NEWUSER;
  explained(&attr, 0);
  CHECK(has("way: copy, since it gets a user or time namespace"));
  const fe_id_map map = {0, 0, 1};
  attr.uid_mappings = attr.gid_mappings = &map;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  explained(&attr, 0);
  CHECK(has("way: piped, since the caller writes the maps"));
  CHECK(has("\nuid_map: by the caller\nsetgroups_deny: by the caller\ngid_map: by the caller\n"));
  explained(&attr, 1);
  CHECK(has("{\"step\":\"gid_map\",\"by\":\"the caller\"},{\"step\""));
}

/* What the stage does is behind it, with the numbers of the items in both forms. */
static void the_stage(void) {
  need(HAS_NO_FILTER);
  need_root();
  fe_attr attr = program();
  fe_credential credential = FE_CREDENTIAL_INIT;
  const fe_rlimit rlimit = {RLIMIT_CORE, 0, 0, 0};
  fe_limits limits = FE_LIMITS_INIT;
  limits.rlimits = &rlimit;
  limits.nrlimits = 1;
  credential.uid = credential.gid = UNPRIVILEGED;
  attr.credential = &credential;
  attr.limits = &limits;
  attr.way = FE_WAY_STAGED;
  explained(&attr, FE_EXPLAIN_TEXT);
  CHECK(has("way: staged, since it is asked for\n"));
  CHECK(has("stage: by the program between\n"));
  const char *stage = strstr(text, "stage: by"), *user = strstr(text, "setuid: ");
  CHECK(stage && user && stage < user);
  explained(&attr, FE_EXPLAIN_JSON);
  CHECK(has("{\"step\":\"stage\",\"by\":\"the program between\"}"));
  CHECK(has("{\"step\":\"rlimits\",\"index\":0,\"call\":\"prlimit64\""));
}

/* As fe_spawn, before there is a child. */
static void refused(void) {
  fe_attr attr = program();
  fe_error error;
  char small[4] = "xxx";
  attr.flags = FE_SETSID | FE_SETPGID;
  CHECK_INT(fe_explain(&attr, 0, small, sizeof small, &error), -1);
  CHECK(errno == EINVAL && error.errnum == EINVAL && error.step == FE_STEP_ARGS && error.index == -1);
  CHECK_STR(small, "xxx");
  attr.flags = 0;
  static const int files[] = {0, 1, 800};
  attr.files = files;
  attr.nfiles = 3;
  CHECK_INT(fe_explain(&attr, 0, NULL, 0, &error), -1);
  CHECK(errno == EBADF && error.step == FE_STEP_FILES && error.index == 2);
  attr = program();
  CHECK_INT(fe_explain(&attr, 2, NULL, 0, &error), -1);
  CHECK(errno == EINVAL && error.step == FE_STEP_ARGS);
  CHECK_INT(fe_explain(NULL, 0, NULL, 0, NULL), -1);
  CHECK_INT(errno, EINVAL);
  struct rlimit limit, low;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  low = limit;
  low.rlim_cur = 3;
  static const int pipes[] = {FE_FROM_PIPE};
  attr.files = pipes;
  attr.nfiles = 1;
  NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
  CHECK_INT(fe_explain(&attr, 0, NULL, 0, &error), -1);
  CHECK(errno == EMFILE && error.step == FE_STEP_FILES && error.index == 0);
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

/* Not even the first of a process makes a child, which shows what kind of kernel this is. */
static void no_child(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  refuse(SYS_chdir, KILL);
  the_least();
  the_most();
  the_way();
  refused();
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the least", the_least}, {"the most", the_most}, {"the way", the_way},
      {"a stage", the_stage},   {"refused", refused},   {"no child", no_child},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
