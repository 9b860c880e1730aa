/* SPDX-License-Identifier: BSD-3-Clause */
/* What is spawned under faults: one attribute, or a few that belong together, each. In a process of its own; what a subject
 * points to is static. Needs test.h. */
#ifndef FAULT_SUBJECTS_H
#define FAULT_SUBJECTS_H

#include "actions.h"
#include "cgroup.h"
#include "fault.h"
#include "pty.h"

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#endif

enum {
  AUTO = 1 << FE_WAY_AUTO,
  SHARED = 1 << FE_WAY_SHARED,
  COPY = 1 << FE_WAY_COPY,
  PIPED = 1 << FE_WAY_PIPED,
  CONCURRENT = 1 << FE_WAY_CONCURRENT,
  WAITED = SHARED | COPY | PIPED,
  ALL = WAITED | CONCURRENT,
  ALONE = COPY | PIPED, /* not in the caller's memory */
};

/* ---- the program ---- */

static void plain(fe_attr *attr) { (void)attr; }

/* The child resets the handlers itself. */
static void without_clone3(fe_attr *attr) {
  (void)attr;
  refuse(SYS_clone3, ENOSYS);
}

static void pidfd(fe_attr *attr) { attr->flags = FE_PIDFD; }

static void candidates(fe_attr *attr) {
  static char path[4200];
  snprintf(path, sizeof path, "/nowhere:/etc/passwd:%s", probe_path());
  *strrchr(path, '/') = 0;
  attr->flags = FE_SEARCH_PATH;
  attr->search_path = path;
  attr->path = "probe";
}

/* A script without an interpreter of its own. */
static void by_the_shell(fe_attr *attr) {
  const char *path = kept_path("script");
  FILE *file = fopen(path, "we");
  NEED(file != NULL && fprintf(file, "exec %s %s\n", probe_path(), report) > 0 && fclose(file) == 0 && chmod(path, 0755) == 0);
  attr->path = path;
  attr->flags = FE_SHELL_FALLBACK;
}

static void by_descriptor(fe_attr *attr) {
  static const int files[] = {0, 1, 2, 0, 0, 0, 0, 0, 0, 0};
  attr->execfd = open(probe_path(), O_RDONLY | O_CLOEXEC);
  attr->flags = FE_FEXECVE;
  attr->path = NULL;
  /* Its number is taken from it. */
  attr->files = files;
  attr->nfiles = 10;
}

static void in_a_directory(fe_attr *attr) {
  char *dir = strdup(probe_path());
  *strrchr(dir, '/') = 0;
  attr->execfd = open(dir, O_PATH | O_CLOEXEC);
  free(dir);
  attr->flags = FE_EXECVEAT;
  attr->path = "probe";
}

static void traced(fe_attr *attr) { attr->flags = FE_PTRACE; }

static void asynchronous(fe_attr *attr) { attr->flags = FE_ASYNC; }

static void suspended(fe_attr *attr) { attr->flags = FE_SUSPEND; }

/* ---- descriptors ---- */

/* A swap, one that stays, one that is closed. */
static void table(fe_attr *attr) {
  static const int files[] = {1, 0, 2, -1};
  attr->files = files;
  attr->nfiles = 4;
}

static void without_others(fe_attr *attr) { attr->flags = FE_CLOSE_OTHERS; }

/* It is copied above those that are closed, or fetched from there. */
static void high_ones(fe_attr *attr) {
  static const int files[] = {0, 1, 2, 800};
  int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  NEED(dup3(fd, 800, O_CLOEXEC) == 800 && close(fd) == 0);
  attr->files = files;
  attr->nfiles = 4;
  attr->flags = FE_CLOSE_OTHERS;
}

static void kept(fe_attr *attr) {
  static int keep[1];
  keep[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
  attr->keep = keep;
  attr->nkeep = 1;
}

static void redirections(fe_attr *attr) {
  static const fe_redirect redirects[] = {FE_OPEN_FILE("/dev/null", O_RDWR, 0), FE_DATA("text", 4)};
  static const int files[] = {FE_NULL, FE_REDIRECT(0), FE_SAME_AS(1), FE_REDIRECT(1)};
  attr->files = files;
  attr->nfiles = 4;
  attr->redirects = redirects;
  attr->nredirects = 2;
}

static void actions(fe_attr *attr) {
  static fe_file_action list[6];
  static int root;
  root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  const fe_file_action all[] = {FE_OPEN(9, "/dev/null", O_RDONLY, 0), FE_DUP2(9, 8), FE_CLOSE(9), FE_CHDIR("/tmp"),
                                FE_FCHDIR(root), FE_CLOSEFROM(12)};
  memcpy(list, all, sizeof list);
  attr->actions = list;
  attr->nactions = 6;
}

/* ---- session and signals ---- */

static void session(fe_attr *attr) {
  struct pty pty = new_pty();
  attr->flags = FE_SETSID | FE_SETCTTY;
  attr->ctty = pty.slave;
}

static void group(fe_attr *attr) { attr->flags = FE_SETPGID; }

static void foreground(fe_attr *attr) {
  struct pty pty = own_terminal();
  attr->flags = FE_FOREGROUND;
  attr->ctty = pty.slave;
}

static void no_terminal(fe_attr *attr) {
  own_terminal();
  attr->flags = FE_NOCTTY;
}

static void terminal(fe_attr *attr) { attr->flags = FE_PTY; }

static void dispositions(fe_attr *attr) {
  static sigset_t ignored, mask;
  sigemptyset(&ignored);
  sigaddset(&ignored, SIGPIPE);
  sigemptyset(&mask);
  sigaddset(&mask, SIGUSR1);
  attr->sigignore = &ignored;
  attr->sigmask = &mask;
}

static void death_signal(fe_attr *attr) { attr->pdeathsig = SIGTERM; }

/* ---- identity and limits ---- */

static void directory(fe_attr *attr) { attr->dir = "/tmp"; }

static void root_directory(fe_attr *attr) { attr->chroot = "/"; }

static void credentials(fe_attr *attr) {
  static fe_credential nobody = FE_CREDENTIAL_INIT;
  static const gid_t groups[] = {5, 6};
  nobody.uid = nobody.gid = UNPRIVILEGED;
  nobody.groups = groups;
  nobody.ngroups = 2;
  attr->credential = &nobody;
}

static void reset_ids(fe_attr *attr) { attr->flags = FE_RESETIDS; }

static void limits(fe_attr *attr) {
  static const fe_rlimit list[] = {FE_RLIMIT(RLIMIT_CORE, 0, 0), FE_RLIMIT(RLIMIT_NOFILE, 20, 20)};
  static fe_limits all = FE_LIMITS_INIT;
  all.rlimits = list;
  all.nrlimits = 2;
  all.flags = FE_LIMIT_UMASK | FE_LIMIT_PERSONALITY;
  all.umask = 0777;
  all.personality = ADDR_NO_RANDOMIZE;
  attr->limits = &all;
}

static void score(fe_attr *attr) {
  static fe_limits all = FE_LIMITS_INIT;
  all.flags = FE_LIMIT_OOM_SCORE_ADJ;
  all.oom_score_adj = 900;
  attr->limits = &all;
}

static void scheduling(fe_attr *attr) {
  static fe_scheduling all = FE_SCHEDULING_INIT;
  static cpu_set_t cpus;
  static const unsigned long nodes = 1;
  NEED(sched_getaffinity(0, sizeof cpus, &cpus) == 0);
  all.flags = FE_SCHED_NICE | FE_SCHED_IOPRIO | FE_SCHED_POLICY | FE_SCHED_MEMPOLICY;
  all.policy = SCHED_BATCH;
  all.nice = 19;
  all.ioprio = 3 << 13;
  all.timer_slack_ns = 77777;
  all.affinity = &cpus;
  all.affinity_size = sizeof cpus;
  all.mempolicy = 1;
  all.nodemask = &nodes;
  all.maxnode = 2;
  attr->scheduling = &all;
}

/* ---- privileges and sandbox ---- */

static void privileges(fe_attr *attr) {
  static fe_privileges all = FE_PRIVILEGES_INIT;
  credentials(attr);
  all.flags = FE_PRIVILEGES_BOUNDING | FE_PRIVILEGES_INHERITABLE | FE_PRIVILEGES_PERMITTED | FE_PRIVILEGES_AMBIENT |
              FE_PRIVILEGES_SECUREBITS;
  all.bounding = all.inheritable = all.permitted = FE_CAPABILITY(CAP_NET_BIND_SERVICE) | FE_CAPABILITY(CAP_CHOWN);
  all.ambient = FE_CAPABILITY(CAP_NET_BIND_SERVICE);
  all.securebits = 1; /* SECBIT_NOROOT */
  attr->privileges = &all;
}

static void sandbox(fe_attr *attr) {
  static const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  static fe_sandbox all = FE_SANDBOX_INIT;
  const uint64_t handled[] = {1 << 12}; /* LANDLOCK_ACCESS_FS_MAKE_SYM */
  all.filter = &allow;
  all.nfilter = 1;
  int ruleset = (int)syscall(SYS_landlock_create_ruleset, handled, sizeof handled, 0);
  if (ruleset >= 0) {
    all.landlock = ruleset;
    all.flags = FE_SANDBOX_LANDLOCK;
  }
  attr->sandbox = &all;
  attr->flags = FE_NO_NEW_PRIVS;
}

/* ---- namespaces and cgroups ---- */

static void new_namespaces(fe_attr *attr) {
  static fe_namespaces all = FE_NAMESPACES_INIT;
  all.unshare = CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWIPC;
  attr->namespaces = &all;
  attr->cloneflags = CLONE_NEWNET;
}

static void other_clock(fe_attr *attr) {
  static fe_namespaces all = FE_NAMESPACES_INIT;
  static const struct timespec offset = {100, 0};
  all.unshare = CLONE_NEWTIME;
  all.monotonic_offset = &offset;
  attr->namespaces = &all;
}

/* Those of the caller itself, which changes nothing but for the call. */
static void joins(fe_attr *attr) {
  static fe_namespaces all = FE_NAMESPACES_INIT;
  static fe_join list[2];
  list[0] = (fe_join){open("/proc/self/ns/uts", O_RDONLY | O_CLOEXEC), CLONE_NEWUTS};
  list[1] = (fe_join){open("/proc/self/ns/pid", O_RDONLY | O_CLOEXEC), CLONE_NEWPID};
  all.joins = list;
  all.njoins = 2;
  attr->namespaces = &all;
}

static void user_namespace(fe_attr *attr) {
  static const fe_id_map map = {0, 0, 1};
  attr->cloneflags = CLONE_NEWUSER;
  attr->uid_mappings = attr->gid_mappings = &map;
  attr->nuid_mappings = attr->ngid_mappings = 1;
}

static void new_root(fe_attr *attr) {
  const char *root = kept_path("root");
  char path[300];
  mkdir(root, 0755);
  snprintf(path, sizeof path, "%s/probe", root);
  install_probe(path);
  static char *argv[] = {(char *)"probe", (char *)"/report", NULL};
  attr->argv = argv;
  attr->cloneflags = CLONE_NEWNS;
  attr->flags = FE_PIVOT_ROOT;
  attr->chroot = root;
  attr->path = "/probe";
}

static void cgroup(fe_attr *attr) {
  char mount[300], path[400];
  find_mount(mount, sizeof mount);
  snprintf(path, sizeof path, "%s/fe-fault-%d", mount, (int)getppid());
  mkdir(path, 0755);
  attr->cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  NEED(attr->cgroup >= 0);
  attr->flags = FE_CGROUP;
}

static const struct subject subjects[] = {
    {"plain", AUTO | ALL, plain, 0},
    {"without clone3", WAITED, without_clone3, 0},
    {"pidfd", ALL, pidfd, 0},
    {"candidates", ALL, candidates, 0},
    {"by the shell", ALL, by_the_shell, 0},
    {"by descriptor", ALL, by_descriptor, 0},
    {"in a directory", ALL, in_a_directory, 0},
    {"traced", WAITED, traced, SIGKILL},
    {"asynchronous", PIPED | CONCURRENT, asynchronous, 0},
    {"suspended", PIPED, suspended, 0},
    {"table", ALL, table, 0},
    {"without others", AUTO | ALL, without_others, 0},
    {"high ones", AUTO | ALL, high_ones, 0},
    {"kept", ALL, kept, 0},
    {"redirections", ALL, redirections, 0},
    {"actions", ALL, actions, 0},
    {"session", ALL, session, 0},
    {"group", ALL, group, 0},
    {"foreground", ALL, foreground, 0},
    {"no terminal", ALL, no_terminal, 0},
    {"terminal", ALL, terminal, 0},
    {"dispositions", ALL, dispositions, 0},
    {"death signal", ALL, death_signal, 0},
    {"directory", ALL, directory, 0},
    {"root directory", ALL, root_directory, 0},
    {"credentials", AUTO | ALONE, credentials, 0},
    {"reset ids", ALL, reset_ids, 0},
    {"limits", ALL, limits, 0},
    {"score", WAITED, score, 0},
    {"scheduling", ALL, scheduling, 0},
    {"privileges", ALONE, privileges, 0},
    {"sandbox", ALL, sandbox, 0},
    {"new namespaces", ALL, new_namespaces, 0},
    {"other clock", ALONE, other_clock, 0},
    {"joins", ALL, joins, 0},
    {"user namespace", PIPED, user_namespace, 0},
    {"new root", ALL, new_root, 0},
    {"cgroup", AUTO | WAITED, cgroup, 0},
};
enum { SUBJECTS = sizeof subjects / sizeof *subjects };

#endif
