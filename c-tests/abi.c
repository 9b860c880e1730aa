/* SPDX-License-Identifier: BSD-3-Clause */
/* The ABI as C sees it. What this file says is frozen: a mismatch is a broken library, never a test to be
 * brought up to date. What may be appended: packaging/abi/layout.h. */
#include "test.h"

#include <stddef.h>

#define SIZE(type, bytes) CHECK_INT(sizeof(type), bytes);
#define FIELD(type, field, offset, bytes) \
  CHECK_INT(offsetof(type, field), offset); \
  CHECK_INT(sizeof(((type *)NULL)->field), bytes);

static void layout(void) {
#include "../packaging/abi/layout.h"
}

static void initial(void) {
  fe_attr clear, init = FE_ATTR_INIT;
  memset(&clear, 0, sizeof clear);
  clear.size = sizeof clear;
  CHECK(memcmp(&clear, &init, sizeof init) == 0);
  fe_privileges no_privileges, privileges_init = FE_PRIVILEGES_INIT;
  memset(&no_privileges, 0, sizeof no_privileges);
  no_privileges.size = sizeof no_privileges;
  CHECK(memcmp(&no_privileges, &privileges_init, sizeof privileges_init) == 0);
  fe_sandbox no_sandbox, sandbox_init = FE_SANDBOX_INIT;
  memset(&no_sandbox, 0, sizeof no_sandbox);
  no_sandbox.size = sizeof no_sandbox;
  CHECK(memcmp(&no_sandbox, &sandbox_init, sizeof sandbox_init) == 0);
  fe_child child = FE_CHILD_INIT;
  CHECK(child.pid == -1 && child.pidfd == -1 && child.way == 0 && child.state == 0);
  CHECK(child.ready == -1 && child.pending == 0);
  CHECK_INT(child.cgroup, -1);
  CHECK(child.ends[0] == -1 && child.ends[1] == -1 && child.ends[2] == -1);
  fe_error error = FE_ERROR_INIT;
  CHECK(error.errnum == 0 && error.step == 0 && error.index == -1 && error.signal == 0);
}

static void numbers(void) {
  static const struct {
    uint64_t got, wanted;
  } flags[] = {
      {FE_SETSID, 1},          {FE_SETPGID, 2},          {FE_SETCTTY, 4},
      {FE_NOCTTY, 8},          {FE_FOREGROUND, 0x10},    {FE_PTRACE, 0x20},
      {FE_CLOSE_OTHERS, 0x40}, {FE_SEARCH_PATH, 0x80},   {FE_PIDFD, 0x100},
      {FE_ALLOW_SETGROUPS, 0x200}, {FE_CHROOT_KEEP_CWD, 0x400}, {FE_KEEP_PROPAGATION, 0x800},
      {FE_RESETIDS, 0x1000},   {FE_FEXECVE, 0x2000},     {FE_EXECVEAT, 0x4000},
      {FE_SHELL_FALLBACK, 0x8000}, {FE_CGROUP, 0x10000},    {FE_ASYNC, 0x20000},
      {FE_OWN_CGROUP, 0x40000}, {FE_SUSPEND, 0x80000}, {FE_PTY, 0x100000},
      {FE_PIVOT_ROOT, 0x200000}, {FE_NEWIDMAP, 0x400000},
      {FE_NO_NEW_PRIVS, 0x1000000},
      {FE_PRIVILEGES_BOUNDING, 1}, {FE_PRIVILEGES_INHERITABLE, 2}, {FE_PRIVILEGES_PERMITTED, 4},
      {FE_PRIVILEGES_EFFECTIVE, 8}, {FE_PRIVILEGES_AMBIENT, 16}, {FE_PRIVILEGES_SECUREBITS, 32},
      {FE_SANDBOX_LANDLOCK, 1}, {FE_CAPABILITY(40), UINT64_C(1) << 40},
      {FE_WAY_CONCURRENT, 4},  {FE_WAY_STAGED, 5},
      {FE_TREE_CGROUP, 1},     {FE_TREE_PIDNS, 2},       {FE_TREE_SWEEP, 3},
      {FE_TREE_GROUP, 4},      {FE_STOP_GROUP, 1},       {FE_STOP_TREE, 2},
      {FE_DETACH, UINT64_C(1) << 63},
      {FE_SCHED_POLICY, 1},    {FE_SCHED_PRIORITY, 2},   {FE_SCHED_NICE, 4},
      {FE_SCHED_IOPRIO, 8},    {FE_SCHED_MEMPOLICY, 0x10}, {FE_SCHED_CORE, 0x20},
      {FE_LIMIT_UMASK, 1},     {FE_LIMIT_OOM_SCORE_ADJ, 2}, {FE_LIMIT_PERSONALITY, 4},
      {FE_ACTION_OPEN, 1},     {FE_ACTION_DUP2, 2},      {FE_ACTION_CLOSE, 3},
      {FE_ACTION_CHDIR, 4},    {FE_ACTION_FCHDIR, 5},    {FE_ACTION_CLOSEFROM, 6},
      {FE_ACTION_TCSETPGRP, 7},
      {FE_WAY_AUTO, 0},        {FE_WAY_SHARED, 1},       {FE_WAY_COPY, 2},
      {FE_WAY_PIPED, 3},
  };
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
    CHECK(flags[i].got == flags[i].wanted);
  CHECK_INT(sizeof FE_SETSID, 8);
  CHECK_INT(FE_FROM_PIPE, -2);
  CHECK_INT(FE_TO_PIPE, -3);
  CHECK_INT(FE_NULL, -4);
  CHECK_INT(FE_TERMINAL, -5);
  CHECK_INT(FE_SAME_AS(0), -0x10000000);
  CHECK_INT(FE_SAME_AS(7), -0x10000007);
  CHECK_INT(FE_REDIRECT(0), -0x20000000);
  CHECK_INT(FE_REDIRECT(7), -0x20000007);
  CHECK_INT(FE_IO_GROUP, 1);
  CHECK_INT(FE_RESULT_TIMED_OUT, 1);
  CHECK_INT(FE_RESULT_OUTPUT_CUT, 2);
  CHECK_INT(FE_RESULT_ERRORS_CUT, 4);
  CHECK_INT(FE_RESULT_INPUT_CUT, 8);
  CHECK_INT(FE_RESULT_HELD, 16);
  CHECK_INT(FE_REDIRECT_OPEN, 1);
  CHECK_INT(FE_REDIRECT_DATA, 2);
  int parts[3], length = 0;
  CHECK(sscanf(fe_version(), "%d.%d.%d%n", parts, parts + 1, parts + 2, &length) == 3);
  CHECK_INT(length, strlen(fe_version()));
}

static void step_names(void) {
  static const char *const names[] = {
      "none",     "args",    "memory",         "pipe",        "clone",        "pidfd",
      "uid_map",  "setgroups_deny", "gid_map", "maps_wait",   "sigaction",    "propagation",
      "noctty",   "setsid",  "setpgid",        "chroot",      "chroot_chdir", "setgroups",
      "setgid",   "setuid",  "chdir",          "files",       "close_others", "setctty",
      "foreground", "pdeathsig", "parent_alive", "sigmask",   "ptrace",       "exec",
      "action_open", "action_dup2", "action_close", "action_chdir", "action_fchdir",
      "action_closefrom", "action_tcsetpgrp", "scheduling", "resetids", "cgroup", "execfd",
      "script_fd", "shell",    "unshare_files", "stage", "communicate", "suspend", "pty",
      "setns", "unshare", "time_offsets", "pivot_root",
      "umask",    "rlimits", "nice", "affinity", "mempolicy", "ioprio", "oom_score_adj",
      "timer_slack", "core_sched", "personality",
      "keepcaps", "bounding", "inheritable", "ambient", "securebits", "permitted", "no_new_privs",
      "landlock", "seccomp", "keep",
  };
  const int count = sizeof names / sizeof *names;
  for (int step = 0; step < count; step++) CHECK_STR(fe_step_name(step), names[step]);
  CHECK_INT(FE_STEP_KEEPCAPS, 62);
  CHECK_INT(FE_STEP_BOUNDING, 63);
  CHECK_INT(FE_STEP_INHERITABLE, 64);
  CHECK_INT(FE_STEP_AMBIENT, 65);
  CHECK_INT(FE_STEP_SECUREBITS, 66);
  CHECK_INT(FE_STEP_PERMITTED, 67);
  CHECK_INT(FE_STEP_NO_NEW_PRIVS, 68);
  CHECK_INT(FE_STEP_LANDLOCK, 69);
  CHECK_INT(FE_STEP_SECCOMP, 70);
  CHECK_INT(FE_STEP_KEEP, 71);
  CHECK_INT(FE_STEP_CHDIR, 20);
  CHECK_INT(FE_STEP_EXEC, 29);
  CHECK_INT(FE_STEP_ACTION_OPEN, 30);
  CHECK_INT(FE_STEP_SHELL, 42);
  CHECK_INT(FE_STEP_UNSHARE_FILES, 43);
  CHECK_INT(FE_STEP_STAGE, 44);
  CHECK_INT(FE_STEP_COMMUNICATE, 45);
  CHECK_INT(FE_STEP_SUSPEND, 46);
  CHECK_INT(FE_STEP_PTY, 47);
  CHECK_INT(FE_STEP_SETNS, 48);
  CHECK_INT(FE_STEP_PIVOT_ROOT, 51);
  CHECK_INT(FE_STEP_UMASK, 52);
  CHECK_INT(FE_STEP_PERSONALITY, 61);
  CHECK_STR(fe_step_name(count), "unknown");
  CHECK_STR(fe_step_name(-1), "unknown");
  CHECK_STR(fe_step_name(0x7fffffff), "unknown");
}

static void messages(void) {
  char text[200];
  fe_error error = FE_ERROR_INIT;
  error.errnum = ENOENT;
  error.step = FE_STEP_CHDIR;
  size_t length = fe_error_message(&error, text, sizeof text);
  CHECK_STR(text, "chdir: No such file or directory");
  CHECK_INT(length, strlen(text));
  memset(text, 'x', sizeof text);
  CHECK_INT(fe_error_message(&error, text, 6), length);
  CHECK_STR(text, "chdir");
  CHECK_INT(text[6], 'x');
  CHECK_INT(fe_error_message(&error, NULL, 0), length);
  error.errnum = EBADF;
  error.step = FE_STEP_FILES;
  error.index = 3;
  fe_error_message(&error, text, sizeof text);
  CHECK_STR(text, "files 3: Bad file descriptor");
  error.errnum = ECANCELED;
  error.step = FE_STEP_SETSID;
  error.index = -1;
  error.signal = SIGKILL;
  fe_error_message(&error, text, sizeof text);
  CHECK_STR(text, "setsid: killed by signal 9");
  fe_error_message(NULL, text, sizeof text);
  CHECK_STR(text, "success");
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the layout of the structs", layout},
      {"what the initializers say", initial},
      {"flags and ways", numbers},
      {"step names", step_names},
      {"error messages", messages},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
