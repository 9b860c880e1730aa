/* SPDX-License-Identifier: BSD-3-Clause */
/* From the command line to a struct job. Nothing is looked up, opened or done here. */

#include "option_list.h"
#include "options.h"

#include <errno.h>
#include <sched.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <unistd.h>

#define GRACE_MS 1000 /* from the signal of --timeout to SIGKILL */

/* Above all that a char can be. */
enum {
  NO_OPTION = 255,
#define O(constant, name, value) constant,
  OPTION_LIST(O)
#undef O
};

static const struct option options[] = {
#define O(constant, name, value) {name, value, NULL, constant},
    OPTION_LIST(O)
#undef O
    {"env-clear", no_argument, NULL, 'i'},
    {NULL, 0, NULL, 0},
};

static const struct name forms[] = {
    {"text", FE_EXPLAIN_TEXT}, {"json", FE_EXPLAIN_JSON}, {NULL, 0},
};

static void end_printed(void) {
  if (fflush(stdout) != 0) DIE("standard output: %s", strerror(errno));
  exit(0);
}

/* ---- the environment: a list apart, since PATH is looked up in the caller's own ---- */

static void unset(struct job *job, const char *name, size_t length) {
  size_t kept = 0;
  for (size_t i = 0; i < job->nenvironment; i++) {
    char *entry = job->environment[i];
    if (strncmp(entry, name, length) != 0 || entry[length] != '=') job->environment[kept++] = entry;
  }
  job->nenvironment = kept;
}

static void set(struct job *job, char *entry) {
  size_t length = strcspn(entry, "=");
  if (length == 0 || entry[length] == '\0') DIE("--env: \"%s\" is not NAME=VALUE", entry);
  unset(job, entry, length);
  job->environment[job->nenvironment++] = entry;
}

/* ---- the options ---- */

/* Room for `most` of what an option can add. */
static void prepare(struct job *job, size_t most) {
  while (environ[job->nenvironment] != NULL) job->nenvironment++;
  job->environment = allocate(job->nenvironment + most + 1, sizeof *job->environment);
  memcpy(job->environment, environ, job->nenvironment * sizeof *environ);
  job->descriptors = allocate(most, sizeof *job->descriptors);
  job->uid_map = allocate(most, sizeof *job->uid_map);
  job->gid_map = allocate(most, sizeof *job->gid_map);
  job->actions = allocate(most, sizeof *job->actions);
  job->rlimits = allocate(most, sizeof *job->rlimits);
  job->scheduling.size = sizeof job->scheduling;
  job->limits.size = sizeof job->limits;
  job->entered = allocate(most, sizeof *job->entered);
  job->allowed = allocate(most, sizeof *job->allowed);
  job->privileges.size = sizeof job->privileges;
  job->timeout_ms = -1;
  job->explain = -1;
}

/* clang-format off */
static void take_option(struct job *job, int option) {
  fe_attr *attr = &job->attr;
  switch (option) {
    case DIR_: attr->dir = optarg; break;
    case CHROOT: attr->chroot = optarg; break;
    case CHROOT_KEEP_CWD: attr->flags |= FE_CHROOT_KEEP_CWD; break;
    case FD: job->descriptors[job->ndescriptors++] = descriptor(optarg); break;
    case CLOSE_OTHERS: attr->flags |= FE_CLOSE_OTHERS; break;
    case USER: job->user = optarg; break;
    case GROUPS: job->groups = optarg; break;
    case KEEP_GROUPS: job->keep_groups = true; break;
    case SETSID: attr->flags |= FE_SETSID; break;
    case SETPGID:
      attr->flags |= FE_SETPGID;
      if (optarg != NULL) attr->pgid = (pid_t)number("setpgid", optarg, INT_MAX);
      break;
    case SETCTTY:
      attr->flags |= FE_SETCTTY;
      if (optarg != NULL) attr->ctty = (int32_t)number("setctty", optarg, FD_MAX);
      break;
    case NOCTTY: attr->flags |= FE_NOCTTY; break;
    case FOREGROUND:
      attr->flags |= FE_FOREGROUND;
      if (optarg != NULL) attr->ctty = (int32_t)number("foreground", optarg, FD_MAX);
      break;
    case PDEATHSIG: attr->pdeathsig = signal_number("pdeathsig", optarg); break;
    case UNSHARE: attr->cloneflags |= namespaces("unshare", optarg); break;
    case PIVOT_ROOT:
      attr->flags |= FE_PIVOT_ROOT;
      attr->chroot = optarg;
      break;
    case ENTER: job->entered[job->nentered++] = entered(optarg); break;
    case UNSHARE_INSIDE:
      job->namespaces.unshare |= namespaces("unshare-inside", optarg);
      break;
    case MONOTONIC_OFFSET:
      job->namespaces.monotonic_offset = offset("monotonic-offset", optarg);
      break;
    case BOOTTIME_OFFSET:
      job->namespaces.boottime_offset = offset("boottime-offset", optarg);
      break;
    case NEWIDMAP: attr->flags |= FE_NEWIDMAP; break;
    case MAP_ROOT:
      job->uid_map[attr->nuid_mappings++] = (fe_id_map){0, geteuid(), 1};
      job->gid_map[attr->ngid_mappings++] = (fe_id_map){0, getegid(), 1};
      break;
    case UID_MAP: job->uid_map[attr->nuid_mappings++] = id_map("uid-map", optarg); break;
    case GID_MAP: job->gid_map[attr->ngid_mappings++] = id_map("gid-map", optarg); break;
    case ALLOW_SETGROUPS: attr->flags |= FE_ALLOW_SETGROUPS; break;
    case KEEP_PROPAGATION: attr->flags |= FE_KEEP_PROPAGATION; break;
    case PTY: attr->flags |= FE_PTY; break;
    case SUSPEND: job->suspend = true; break;
    case PTRACE: attr->flags |= FE_PTRACE; break;
    case CGROUP:
    case OWN_CGROUP:
      if (job->cgroup != NULL) DIE("--cgroup and --own-cgroup: one is enough");
      job->cgroup = optarg;
      attr->flags |= FE_CGROUP | (option == OWN_CGROUP ? FE_OWN_CGROUP : 0);
      break;
    case ACTION: job->actions[attr->nactions++] = action(optarg); break;
    case RESET_IDS: attr->flags |= FE_RESETIDS; break;
    case NO_NEW_PRIVS: attr->flags |= FE_NO_NEW_PRIVS; break;
    case BOUNDING: capabilities(&job->privileges, "bounding", optarg); break;
    case INHERITABLE: capabilities(&job->privileges, "inheritable", optarg); break;
    case PERMITTED: capabilities(&job->privileges, "permitted", optarg); break;
    case EFFECTIVE: capabilities(&job->privileges, "effective", optarg); break;
    case AMBIENT: capabilities(&job->privileges, "ambient", optarg); break;
    case SECUREBITS: securebits(&job->privileges, optarg); break;
    case SECCOMP: job->seccomp = optarg; break;
    case SECCOMP_FLAGS: job->sandbox.filter_flags = seccomp_flags(optarg); break;
    case LANDLOCK: job->allowed[job->nallowed++] = allowed(optarg); break;
    case LANDLOCK_FLAGS: job->sandbox.landlock_flags = landlock_flags(optarg); break;
    case SIGMASK: attr->sigmask = signal_set("sigmask", optarg); break;
    case SIGDEFAULT: attr->sigdefault = signal_set("sigdefault", optarg); break;
    case SIGIGNORE: attr->sigignore = signal_set("sigignore", optarg); break;
    case SEARCH_PATH: attr->search_path = optarg; break;
    case SHELL_FALLBACK: attr->flags |= FE_SHELL_FALLBACK; break;
    case FEXECVE:
      attr->flags |= FE_FEXECVE;
      attr->execfd = (int32_t)number("fexecve", optarg, FD_MAX);
      break;
    case EXECVEAT:
      attr->flags |= FE_EXECVEAT;
      attr->execfd = (int32_t)number("execveat", optarg, FD_MAX);
      break;
    case SCHEDULING: policy(&job->scheduling, optarg); break;
    case DEADLINE: deadline(&job->scheduling, optarg); break;
    case RESET_ON_FORK: job->scheduling.policy |= SCHED_RESET_ON_FORK; break;
    case NICE:
      job->scheduling.flags |= FE_SCHED_NICE;
      job->scheduling.nice = (int32_t)between("nice", optarg, -20, 19);
      break;
    case CPUS: processors(&job->scheduling, optarg); break;
    case IOPRIO: io_priority(&job->scheduling, optarg); break;
    case OWN_CORE: job->scheduling.flags |= FE_SCHED_CORE; break;
    case MEMPOLICY: memory_policy(&job->scheduling, optarg); break;
    case TIMER_SLACK:
      job->scheduling.timer_slack_ns = number("timer-slack", optarg, LONG_MAX);
      break;
    case LIMIT: job->rlimits[job->limits.nrlimits++] = resource_limit(optarg); break;
    case UMASK:
      job->limits.flags |= FE_LIMIT_UMASK;
      job->limits.umask = file_mask(optarg);
      break;
    case OOM_SCORE_ADJ:
      job->limits.flags |= FE_LIMIT_OOM_SCORE_ADJ;
      job->limits.oom_score_adj = (int32_t)between("oom-score-adj", optarg, -1000, 1000);
      break;
    case NO_RANDOMIZE:
    case PERSONALITY:
      job->limits.flags |= FE_LIMIT_PERSONALITY;
      job->limits.personality |= option == PERSONALITY ? personality_bits(optarg)
                                                       : ADDR_NO_RANDOMIZE;
      break;
    case 'i': job->nenvironment = 0; break;
    case ENV: set(job, optarg); break;
    case UNSETENV:
      if (strchr(optarg, '=') != NULL) DIE("--unsetenv: \"%s\" is no name", optarg);
      unset(job, optarg, strlen(optarg));
      break;
    case WAY: attr->way = (uint32_t)value_of("way", way_names, optarg); break;
    case VERBOSE: job->verbose = true; break;
    case ASYNC: attr->flags |= FE_ASYNC; break;
    case TIMEOUT: job->timeout_ms = duration("timeout", optarg); break;
    case SIGNAL: job->stop_signal = signal_number("signal", optarg); break;
    case KILL_AFTER: job->kill_after_ms = duration("kill-after", optarg); break;
    case GROUP: job->stop |= FE_STOP_GROUP; break;
    case TREE: job->stop |= FE_STOP_TREE; break;
    case SPAWN_TIMEOUT: attr->timeout_ms = duration("spawn-timeout", optarg); break;
    case CAPTURE: job->capture = true; break;
    case MAX_OUTPUT: job->max_output = byte_count("max-output", optarg); break;
    case LINGER: job->linger_ms = duration("linger", optarg); break;
    case JSON: job->json = optarg != NULL ? optarg : ""; break;
    case EXPLAIN:
      job->explain = optarg != NULL ? value_of("explain", forms, optarg) : FE_EXPLAIN_TEXT;
      break;
    case HELP:
      print_help(optarg);
      end_printed();
      break;
    case VERSION:
      printf("forkexec %s\n", fe_version());
      end_printed();
      break;
    default: exit(FAILED); /* getopt has said why */
  }
}
/* clang-format on */

/* What the library does not know of, or would say less plainly. */
static void check(struct job *job) {
  const fe_attr *attr = &job->attr;
  bool timeout = job->timeout_ms >= 0, ptrace = (attr->flags & FE_PTRACE) != 0;
  bool leads = (attr->flags & (FE_SETSID | FE_PTY)) != 0 ||
               ((attr->flags & (FE_SETPGID | FE_FOREGROUND)) != 0 && attr->pgid == 0);
  if (job->groups != NULL && job->keep_groups)
    DIE("--groups and --keep-groups contradict each other");
  if (!timeout && job->stop_signal != 0) DIE("--signal is for --timeout");
  if (!timeout && job->kill_after_ms != 0) DIE("--kill-after is for --timeout");
  if (!timeout && (job->stop & FE_STOP_TREE) != 0) DIE("--tree is for --timeout");
  if (job->stop == (FE_STOP_GROUP | FE_STOP_TREE)) DIE("--group and --tree contradict each other");
  if (job->stop == FE_STOP_GROUP && !leads)
    DIE("--group: it leads none without --setsid, --pty, --setpgid or --foreground");
  if (job->capture && (job->stop & FE_STOP_TREE) != 0)
    DIE("--capture and --tree contradict each other");
  if (!job->capture && job->max_output != 0) DIE("--max-output is for --capture");
  if (!job->capture && job->linger_ms != 0) DIE("--linger is for --capture");
  if (job->capture && (attr->flags & FE_PTY) != 0)
    DIE("--capture and --pty contradict each other");
  if (ptrace && job->capture) DIE("--ptrace and --capture contradict each other");
  if (ptrace && job->stop != 0) DIE("--ptrace and --group or --tree contradict each other");

  if (job->stop_signal == 0) job->stop_signal = SIGTERM;
  if (job->kill_after_ms == 0) job->kill_after_ms = GRACE_MS;
}

void parse_options(struct job *job, int argc, char **argv) {
  static char name[] = "forkexec"; /* getopt's messages begin with it */
  char *argv0 = NULL;
  int option;
  prepare(job, (size_t)argc + 1);
  if (argc > 0) argv[0] = name;
  /* "+": what follows the command is the command's. */
  while ((option = getopt_long(argc, argv, "+i", options, NULL)) != -1)
    if (option == ARGV0)
      argv0 = optarg;
    else
      take_option(job, option);
  if (optind >= argc) DIE("no command; see forkexec --help");
  check(job);

  fe_attr *attr = &job->attr;
  if ((attr->flags & (FE_FEXECVE | FE_EXECVEAT)) == 0) attr->flags |= FE_SEARCH_PATH;
  if ((attr->flags & FE_FEXECVE) == 0) attr->path = argv[optind];
  if (argv0 != NULL) argv[optind] = argv0;
  attr->argv = argv + optind;
  job->environment[job->nenvironment] = NULL;
  attr->envp = job->environment;
  fe_scheduling *scheduling = &job->scheduling;
  if (scheduling->flags != 0 || scheduling->policy != 0 || scheduling->affinity != NULL ||
      scheduling->timer_slack_ns != 0)
    attr->scheduling = scheduling;
  if (job->limits.nrlimits > 0) job->limits.rlimits = job->rlimits;
  if (job->limits.flags != 0 || job->limits.nrlimits > 0) attr->limits = &job->limits;
  if (job->privileges.flags != 0) attr->privileges = &job->privileges;
  if (attr->nactions > 0) attr->actions = job->actions;
  if (attr->nuid_mappings > 0) attr->uid_mappings = job->uid_map;
  if (attr->ngid_mappings > 0) attr->gid_mappings = job->gid_map;
  /* A map is of a user namespace. */
  if (attr->nuid_mappings + attr->ngid_mappings > 0) attr->cloneflags |= CLONE_NEWUSER;
}
