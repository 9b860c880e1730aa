/* SPDX-License-Identifier: BSD-3-Clause */
/* From the command line to a struct job. Nothing is looked up, opened or done here. */

#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define FD_MAX ((1UL << 20) - 1) /* the kernel's default for fs.nr_open */

static const char help[] =
    "Usage: forkexec [options] [--] command [args...]\n"
    "Place     --dir D  --chroot D  --chroot-keep-cwd\n"
    "Files     --fd N=SRC      its descriptor N is SRC: a number (the caller's own),\n"
    "                          - (closed) or a path (<P >P >>P <>P: opened that way)\n"
    "          --close-others  those above 2 that no --fd names are closed\n"
    "Identity  --user USER[:GROUP]  --groups G,G...  --keep-groups\n"
    "Terminal  --setsid  --setpgid[=PGID]\n"
    "          --setctty[=FD]  --noctty  --foreground[=FD]\n"
    "Spaces    --unshare user,pid,mount,net,uts,ipc,cgroup,time  --keep-propagation\n"
    "          --map-root  --uid-map IN:OUT:COUNT  --gid-map IN:OUT:COUNT\n"
    "          --allow-setgroups\n"
    "Program   -i, --env-clear  --env NAME=VALUE  --unsetenv NAME  --argv0 NAME\n"
    "Life      --timeout SECONDS  then SIGTERM, and SIGKILL a second later\n"
    "          --pdeathsig SIG    what it gets when forkexec dies\n"
    "          --ptrace           it stops at exec, for a debugger to attach\n"
    "Other     --way auto|shared|copy|piped|staged  --verbose  --help  --version\n"
    "Exit status: that of the command; 128+N: signal N killed it; 124: timed out;\n"
    "125: forkexec failed; 126: it cannot be executed; 127: it is not found.\n";

enum {
  DIR_ = 256,
  CHROOT,
  CHROOT_KEEP_CWD,
  FD,
  CLOSE_OTHERS,
  USER,
  GROUPS,
  KEEP_GROUPS,
  SETSID,
  SETPGID,
  SETCTTY,
  NOCTTY,
  FOREGROUND,
  PDEATHSIG,
  UNSHARE,
  MAP_ROOT,
  UID_MAP,
  GID_MAP,
  ALLOW_SETGROUPS,
  KEEP_PROPAGATION,
  PTRACE,
  ENV,
  UNSETENV,
  ARGV0,
  WAY,
  VERBOSE,
  TIMEOUT,
  HELP,
  VERSION
};

static const struct option options[] = {
    {"dir", required_argument, NULL, DIR_},
    {"chroot", required_argument, NULL, CHROOT},
    {"chroot-keep-cwd", no_argument, NULL, CHROOT_KEEP_CWD},
    {"fd", required_argument, NULL, FD},
    {"close-others", no_argument, NULL, CLOSE_OTHERS},
    {"user", required_argument, NULL, USER},
    {"groups", required_argument, NULL, GROUPS},
    {"keep-groups", no_argument, NULL, KEEP_GROUPS},
    {"setsid", no_argument, NULL, SETSID},
    {"setpgid", optional_argument, NULL, SETPGID},
    {"setctty", optional_argument, NULL, SETCTTY},
    {"noctty", no_argument, NULL, NOCTTY},
    {"foreground", optional_argument, NULL, FOREGROUND},
    {"pdeathsig", required_argument, NULL, PDEATHSIG},
    {"unshare", required_argument, NULL, UNSHARE},
    {"map-root", no_argument, NULL, MAP_ROOT},
    {"uid-map", required_argument, NULL, UID_MAP},
    {"gid-map", required_argument, NULL, GID_MAP},
    {"allow-setgroups", no_argument, NULL, ALLOW_SETGROUPS},
    {"keep-propagation", no_argument, NULL, KEEP_PROPAGATION},
    {"ptrace", no_argument, NULL, PTRACE},
    {"env-clear", no_argument, NULL, 'i'},
    {"env", required_argument, NULL, ENV},
    {"unsetenv", required_argument, NULL, UNSETENV},
    {"argv0", required_argument, NULL, ARGV0},
    {"way", required_argument, NULL, WAY},
    {"verbose", no_argument, NULL, VERBOSE},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"help", no_argument, NULL, HELP},
    {"version", no_argument, NULL, VERSION},
    {NULL, 0, NULL, 0},
};

struct name {
  const char *name;
  int value;
};

static const struct name ways[] = {
    {"auto", FE_WAY_AUTO},
    {"shared", FE_WAY_SHARED},
    {"copy", FE_WAY_COPY},
    {"piped", FE_WAY_PIPED},
    {"staged", FE_WAY_STAGED},
    {NULL, 0},
};

static const struct name spaces[] = {
    {"user", CLONE_NEWUSER}, {"pid", CLONE_NEWPID},       {"mount", CLONE_NEWNS},
    {"net", CLONE_NEWNET},   {"uts", CLONE_NEWUTS},       {"ipc", CLONE_NEWIPC},
    {"time", CLONE_NEWTIME}, {"cgroup", CLONE_NEWCGROUP}, {NULL, 0},
};

#define S(name) {#name, SIG##name}
static const struct name signals[] = {
    S(HUP),  S(INT),  S(QUIT),   S(ILL),  S(TRAP), S(ABRT), S(BUS),  S(FPE),  S(KILL), S(USR1),
    S(SEGV), S(USR2), S(PIPE),   S(ALRM), S(TERM), S(CHLD), S(CONT), S(STOP), S(TSTP), S(TTIN),
    S(TTOU), S(URG),  S(XCPU),   S(XFSZ), S(PROF), S(IO),   S(POLL), S(PWR),  S(SYS),  S(WINCH),
    {NULL, 0},
};
#undef S

/* ---- what it says ---- */

/* In one write, since the program may be writing to the same place, and in one line, whatever the
 * names and paths have in them. */
void say(const char *format, ...) {
  char line[PATH_MAX + 256];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(line, sizeof line, format, arguments);
  va_end(arguments);
  for (char *c = line; *c != '\0'; c++)
    if (iscntrl((unsigned char)*c)) *c = '?';
  dprintf(STDERR_FILENO, "forkexec: %s\n", line);
}

static void print(const char *what, const char *more) {
  printf("%s%s", what, more);
  if (fflush(stdout) != 0) DIE("standard output: %s", strerror(errno));
  exit(0);
}

/* ---- readers of a value ---- */

void *allocate(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) DIE("%s", strerror(ENOMEM));
  return memory;
}

bool is_number(const char *text, unsigned long most, unsigned long *value) {
  char *end;
  errno = 0;
  *value = strtoul(text, &end, 10);
  /* It would take blanks and signs. */
  return isdigit((unsigned char)*text) && *end == '\0' && errno == 0 && *value <= most;
}

static unsigned long number(const char *option, const char *text, unsigned long most) {
  unsigned long value;
  if (!is_number(text, most, &value))
    DIE("--%s: \"%s\" is not a number from 0 to %lu", option, text, most);
  return value;
}

static int value_of(const char *option, const struct name *names, const char *name) {
  for (; names->name != NULL; names++)
    if (strcasecmp(names->name, name) == 0) return names->value;
  DIE("--%s: \"%s\" is none of its values", option, name);
}

static int signal_number(const char *text) {
  unsigned long value;
  const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
  if (is_number(name, 64, &value) && value > 0) return (int)value;
  if (strcasecmp(name, "RTMIN") == 0) return SIGRTMIN;
  if (strncasecmp(name, "RTMIN+", 6) == 0 &&
      is_number(name + 6, (unsigned long)(SIGRTMAX - SIGRTMIN), &value))
    return SIGRTMIN + (int)value;
  return value_of("pdeathsig", signals, name);
}

static uint64_t namespaces(char *list) {
  uint64_t flags = 0;
  for (char *name = strtok(list, ","); name != NULL; name = strtok(NULL, ","))
    flags |= (uint32_t)value_of("unshare", spaces, name);
  return flags;
}

static fe_id_map id_map(const char *option, char *text) {
  uint32_t field[3];
  for (int i = 0; i < 3; i++) {
    char *part = strsep(&text, ":");
    if (part == NULL || (i == 2 && text != NULL))
      DIE("--%s: wanted are three numbers with colons between them", option);
    field[i] = (uint32_t)number(option, part, UINT32_MAX);
  }
  return (fe_id_map){field[0], field[1], field[2]};
}

static struct descriptor descriptor(char *text) {
  char *number_text = strsep(&text, "=");
  if (text == NULL) DIE("--fd: \"%s\" is not N=SRC", number_text);
  return (struct descriptor){(int32_t)number("fd", number_text, FD_MAX), text};
}

/* In milliseconds, rounded up. Not 0, which to some programs is "for ever" and to others "at
 * once". */
static int timeout(const char *text) {
  char *end;
  double seconds = strtod(text, &end);
  bool decimal = strspn(text, "0123456789.") == strlen(text) && end != text && *end == '\0';
  if (!decimal || !(seconds > 0 && seconds < INT_MAX / 1000))
    DIE("--timeout: \"%s\" is not a number of seconds above 0 and below %d", text, INT_MAX / 1000);
  return (int)(seconds * 1000 + 0.999);
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
  job->timeout_ms = -1;
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
    case PDEATHSIG: attr->pdeathsig = signal_number(optarg); break;
    case UNSHARE: attr->cloneflags |= namespaces(optarg); break;
    case MAP_ROOT:
      job->uid_map[attr->nuid_mappings++] = (fe_id_map){0, geteuid(), 1};
      job->gid_map[attr->ngid_mappings++] = (fe_id_map){0, getegid(), 1};
      break;
    case UID_MAP: job->uid_map[attr->nuid_mappings++] = id_map("uid-map", optarg); break;
    case GID_MAP: job->gid_map[attr->ngid_mappings++] = id_map("gid-map", optarg); break;
    case ALLOW_SETGROUPS: attr->flags |= FE_ALLOW_SETGROUPS; break;
    case KEEP_PROPAGATION: attr->flags |= FE_KEEP_PROPAGATION; break;
    case PTRACE: attr->flags |= FE_PTRACE; break;
    case 'i': job->nenvironment = 0; break;
    case ENV: set(job, optarg); break;
    case UNSETENV:
      if (strchr(optarg, '=') != NULL) DIE("--unsetenv: \"%s\" is no name", optarg);
      unset(job, optarg, strlen(optarg));
      break;
    case WAY: attr->way = (uint32_t)value_of("way", ways, optarg); break;
    case VERBOSE: job->verbose = true; break;
    case TIMEOUT: job->timeout_ms = timeout(optarg); break;
    case HELP: print(help, ""); break;
    case VERSION: print("forkexec ", fe_version()); break;
    default: exit(FAILED); /* getopt has said why */
  }
}
/* clang-format on */

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
  if (job->groups != NULL && job->keep_groups)
    DIE("--groups and --keep-groups contradict each other");

  fe_attr *attr = &job->attr;
  attr->flags |= FE_SEARCH_PATH;
  attr->path = argv[optind];
  if (argv0 != NULL) argv[optind] = argv0;
  attr->argv = argv + optind;
  job->environment[job->nenvironment] = NULL;
  attr->envp = job->environment;
  if (attr->nuid_mappings > 0) attr->uid_mappings = job->uid_map;
  if (attr->ngid_mappings > 0) attr->gid_mappings = job->gid_map;
  /* A map is of a user namespace. */
  if (attr->nuid_mappings + attr->ngid_mappings > 0) attr->cloneflags |= CLONE_NEWUSER;
}
