/* SPDX-License-Identifier: BSD-3-Clause */
/* The ABI as C sees it. What this file says is frozen: a mismatch is a broken library, never a test to be
 * brought up to date. Fields may be appended to fe_attr and fe_credential. */
#include "test.h"

#include <stddef.h>

#define OFFSET(type, field, wanted) CHECK_INT(offsetof(type, field), wanted)

static void attr(void) {
  CHECK(sizeof(fe_attr) >= 136);
  OFFSET(fe_attr, size, 0);
  OFFSET(fe_attr, flags, 8);
  OFFSET(fe_attr, path, 16);
  OFFSET(fe_attr, argv, 24);
  OFFSET(fe_attr, envp, 32);
  OFFSET(fe_attr, dir, 40);
  OFFSET(fe_attr, chroot, 48);
  OFFSET(fe_attr, files, 56);
  OFFSET(fe_attr, nfiles, 64);
  OFFSET(fe_attr, credential, 72);
  OFFSET(fe_attr, pgid, 80);
  OFFSET(fe_attr, ctty, 84);
  OFFSET(fe_attr, pdeathsig, 88);
  OFFSET(fe_attr, way, 92);
  OFFSET(fe_attr, cloneflags, 96);
  OFFSET(fe_attr, uid_mappings, 104);
  OFFSET(fe_attr, nuid_mappings, 112);
  OFFSET(fe_attr, gid_mappings, 120);
  OFFSET(fe_attr, ngid_mappings, 128);
  CHECK(sizeof(fe_attr) >= 200);
  OFFSET(fe_attr, sigmask, 136);
  OFFSET(fe_attr, sigdefault, 144);
  OFFSET(fe_attr, sigignore, 152);
  OFFSET(fe_attr, scheduling, 160);
  OFFSET(fe_attr, actions, 168);
  OFFSET(fe_attr, nactions, 176);
  OFFSET(fe_attr, search_path, 184);
  OFFSET(fe_attr, execfd, 192);
  OFFSET(fe_attr, cgroup, 196);
  CHECK(sizeof(fe_attr) >= 208);
  OFFSET(fe_attr, timeout_ms, 200);
  OFFSET(fe_attr, reserved, 204);
  CHECK(sizeof(fe_attr) >= 232);
  OFFSET(fe_attr, redirects, 208);
  OFFSET(fe_attr, nredirects, 216);
  OFFSET(fe_attr, ends, 224);
  CHECK(sizeof(fe_attr) >= 240);
  OFFSET(fe_attr, winsize, 232);
  OFFSET(fe_attr, namespaces, 240);
  CHECK(sizeof(fe_attr) >= 256);
  OFFSET(fe_attr, limits, 248);
  CHECK(sizeof(fe_attr) >= 272);
  OFFSET(fe_attr, privileges, 256);
  OFFSET(fe_attr, sandbox, 264);
  CHECK(sizeof(fe_attr) >= 288);
  OFFSET(fe_attr, keep, 272);
  OFFSET(fe_attr, nkeep, 280);
  fe_attr clear, init = FE_ATTR_INIT;
  memset(&clear, 0, sizeof clear);
  clear.size = sizeof clear;
  CHECK(memcmp(&clear, &init, sizeof init) == 0);
}

static void others(void) {
  CHECK(sizeof(fe_credential) >= 32);
  OFFSET(fe_credential, size, 0);
  OFFSET(fe_credential, uid, 8);
  OFFSET(fe_credential, gid, 12);
  OFFSET(fe_credential, groups, 16);
  OFFSET(fe_credential, ngroups, 24);
  CHECK(sizeof(fe_namespaces) >= 48);
  OFFSET(fe_namespaces, size, 0);
  OFFSET(fe_namespaces, joins, 8);
  OFFSET(fe_namespaces, njoins, 16);
  OFFSET(fe_namespaces, unshare, 24);
  OFFSET(fe_namespaces, monotonic_offset, 32);
  OFFSET(fe_namespaces, boottime_offset, 40);
  CHECK_INT(sizeof(fe_join), 8);
  OFFSET(fe_join, fd, 0);
  OFFSET(fe_join, nstype, 4);
  CHECK(sizeof(fe_scheduling) >= 24);
  OFFSET(fe_scheduling, size, 0);
  OFFSET(fe_scheduling, flags, 8);
  OFFSET(fe_scheduling, policy, 16);
  OFFSET(fe_scheduling, priority, 20);
  CHECK(sizeof(fe_scheduling) >= 104);
  OFFSET(fe_scheduling, runtime_ns, 24);
  OFFSET(fe_scheduling, deadline_ns, 32);
  OFFSET(fe_scheduling, period_ns, 40);
  OFFSET(fe_scheduling, nice, 48);
  OFFSET(fe_scheduling, ioprio, 52);
  OFFSET(fe_scheduling, affinity, 56);
  OFFSET(fe_scheduling, affinity_size, 64);
  OFFSET(fe_scheduling, nodemask, 72);
  OFFSET(fe_scheduling, maxnode, 80);
  OFFSET(fe_scheduling, mempolicy, 88);
  OFFSET(fe_scheduling, reserved, 92);
  OFFSET(fe_scheduling, timer_slack_ns, 96);
  CHECK(sizeof(fe_limits) >= 48);
  OFFSET(fe_limits, size, 0);
  OFFSET(fe_limits, flags, 8);
  OFFSET(fe_limits, rlimits, 16);
  OFFSET(fe_limits, nrlimits, 24);
  OFFSET(fe_limits, umask, 32);
  OFFSET(fe_limits, oom_score_adj, 36);
  OFFSET(fe_limits, personality, 40);
  OFFSET(fe_limits, reserved, 44);
  CHECK_INT(sizeof(fe_rlimit), 24);
  OFFSET(fe_rlimit, resource, 0);
  OFFSET(fe_rlimit, reserved, 4);
  OFFSET(fe_rlimit, soft, 8);
  OFFSET(fe_rlimit, hard, 16);
  CHECK(sizeof(fe_privileges) >= 64);
  OFFSET(fe_privileges, size, 0);
  OFFSET(fe_privileges, flags, 8);
  OFFSET(fe_privileges, bounding, 16);
  OFFSET(fe_privileges, inheritable, 24);
  OFFSET(fe_privileges, permitted, 32);
  OFFSET(fe_privileges, effective, 40);
  OFFSET(fe_privileges, ambient, 48);
  OFFSET(fe_privileges, securebits, 56);
  OFFSET(fe_privileges, reserved, 60);
  fe_privileges no_privileges, privileges_init = FE_PRIVILEGES_INIT;
  memset(&no_privileges, 0, sizeof no_privileges);
  no_privileges.size = sizeof no_privileges;
  CHECK(memcmp(&no_privileges, &privileges_init, sizeof privileges_init) == 0);
  CHECK(sizeof(fe_sandbox) >= 48);
  OFFSET(fe_sandbox, size, 0);
  OFFSET(fe_sandbox, flags, 8);
  OFFSET(fe_sandbox, filter, 16);
  OFFSET(fe_sandbox, nfilter, 24);
  OFFSET(fe_sandbox, filter_flags, 32);
  OFFSET(fe_sandbox, landlock, 36);
  OFFSET(fe_sandbox, landlock_flags, 40);
  OFFSET(fe_sandbox, reserved, 44);
  fe_sandbox no_sandbox, sandbox_init = FE_SANDBOX_INIT;
  memset(&no_sandbox, 0, sizeof no_sandbox);
  no_sandbox.size = sizeof no_sandbox;
  CHECK(memcmp(&no_sandbox, &sandbox_init, sizeof sandbox_init) == 0);
  CHECK_INT(sizeof(fe_file_action), 48);
  OFFSET(fe_file_action, action, 0);
  OFFSET(fe_file_action, fd, 4);
  OFFSET(fe_file_action, from, 8);
  OFFSET(fe_file_action, oflag, 12);
  OFFSET(fe_file_action, mode, 16);
  OFFSET(fe_file_action, reserved, 20);
  OFFSET(fe_file_action, path, 24);
  OFFSET(fe_file_action, reserved2, 32);
  CHECK(sizeof(fe_io) >= 72);
  OFFSET(fe_io, size, 0);
  OFFSET(fe_io, flags, 8);
  OFFSET(fe_io, input, 16);
  OFFSET(fe_io, ninput, 24);
  OFFSET(fe_io, sink, 32);
  OFFSET(fe_io, context, 40);
  OFFSET(fe_io, max_output, 48);
  OFFSET(fe_io, timeout_ms, 56);
  OFFSET(fe_io, stop_signal, 60);
  OFFSET(fe_io, grace_ms, 64);
  OFFSET(fe_io, linger_ms, 68);
  CHECK_INT(sizeof(fe_result), 80 + sizeof(struct rusage));
  OFFSET(fe_result, status, 0);
  OFFSET(fe_result, flags, 4);
  OFFSET(fe_result, output, 8);
  OFFSET(fe_result, noutput, 16);
  OFFSET(fe_result, errors, 24);
  OFFSET(fe_result, nerrors, 32);
  OFFSET(fe_result, elapsed_ns, 40);
  OFFSET(fe_result, usage, 48);
  OFFSET(fe_result, reserved, 48 + sizeof(struct rusage));
  CHECK_INT(sizeof(fe_redirect), 64);
  OFFSET(fe_redirect, kind, 0);
  OFFSET(fe_redirect, oflag, 4);
  OFFSET(fe_redirect, mode, 8);
  OFFSET(fe_redirect, reserved, 12);
  OFFSET(fe_redirect, path, 16);
  OFFSET(fe_redirect, data, 24);
  OFFSET(fe_redirect, size, 32);
  OFFSET(fe_redirect, reserved2, 40);
  CHECK_INT(sizeof(fe_id_map), 12);
  OFFSET(fe_id_map, container_id, 0);
  OFFSET(fe_id_map, host_id, 4);
  OFFSET(fe_id_map, size, 8);
  CHECK_INT(sizeof(fe_child), 64);
  OFFSET(fe_child, pid, 0);
  OFFSET(fe_child, pidfd, 4);
  OFFSET(fe_child, way, 8);
  OFFSET(fe_child, state, 12);
  OFFSET(fe_child, ready, 16);
  OFFSET(fe_child, pty, 20);
  OFFSET(fe_child, pending, 24);
  OFFSET(fe_child, ends, 32);
  OFFSET(fe_child, cgroup, 44);
  OFFSET(fe_child, reserved2, 48);
  CHECK_INT(sizeof(fe_error), 64);
  OFFSET(fe_error, errnum, 0);
  OFFSET(fe_error, step, 4);
  OFFSET(fe_error, index, 8);
  OFFSET(fe_error, signal, 12);
  OFFSET(fe_error, way, 16);
  OFFSET(fe_error, reserved, 20);
  OFFSET(fe_error, reserved2, 32);
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
      {"fe_attr", attr},
      {"the other structs", others},
      {"flags and ways", numbers},
      {"step names", step_names},
      {"error messages", messages},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
