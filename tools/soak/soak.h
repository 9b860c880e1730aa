/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the soak share. A case is all that follows from the seed and the case's number: the same two give the
 * same case again, whatever else has run. A case has one trial or some, each a spawn. */
#ifndef SOAK_H
#define SOAK_H

#include <forkexec.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

/* ---- randomness: splitmix64 ---- */

struct dice {
  uint64_t state;
};
uint64_t throw(struct dice *dice);
/* 0 to n - 1. */
unsigned below(struct dice *dice, unsigned n);
bool one_in(struct dice *dice, unsigned n);

/* ---- what there is: made once, before any thread ---- */

enum {
  POOL_FIRST = 10, /* the caller's descriptors that cases use; the even ones are inheritable */
  POOL_END = 34,
  TABLE = 64,      /* no case names a descriptor from here on, but for NOT_OPEN */
  NOT_OPEN = 1000,
  IDENTITY = 40,
};

struct place {
  const char *path;
  char identity[IDENTITY];
};

struct world {
  char scratch[64];
  char identity[POOL_END][IDENTITY]; /* of 0, 1, 2 and the pool */
  struct place null, files[4], directories[4];
  const char *program, *bin, *missing, *data, *text, *fifo, *runs, *report;
  char **environment;
  int program_fd; /* -1: none */
  int cgroup;     /* -1: none */
  const char *cgroup_name;
  uint64_t ignored;
  bool is_root, has_users, has_stage, has_children;
  pid_t session, group;
};
extern struct world world;
void make_world(const char *program);
void remove_world(void);
/* What the world could not have, for the output. */
void print_wanting(void);
void identify(int fd, char *identity);

/* ---- a trial ---- */

enum { FILES = 40, ACTIONS = 8, ARGUMENTS = 40 };

enum form {
  PLAIN,
  BESIDE,  /* FE_ASYNC, or of many: those ways only that run beside */
  SUSPENDED,
  CAPTURED, /* fe_run */
};

struct trial {
  fe_attr attr;
  /* What is to come of it: 0, or the failure. */
  int errnum, step, index;
  int status; /* its wait(2) status */
  bool sleeps; /* for some milliseconds */
  /* What attr points to. */
  char *argv[ARGUMENTS], *envp[8], text[16384];
  size_t used, nargv;
  int32_t files[FILES], ends[FILES], keep[4];
  fe_redirect redirects[FILES];
  fe_file_action actions[ACTIONS];
  fe_credential credential;
  gid_t groups[4];
  fe_scheduling scheduling;
  fe_limits limits;
  fe_rlimit rlimits[4];
  fe_privileges privileges;
  fe_sandbox sandbox;
  fe_id_map uid_map, gid_map;
  sigset_t mask, defaults, ignores;
};

/* `filtered`: system calls are refused to the caller, which has no stages then. */
void make_trial(struct trial *trial, struct dice *dice, enum form form, bool filtered);

/* ---- a case ---- */

struct tally { /* shared with processes that are forked */
  uint64_t cases, spawns, failures, kills, sure, perhaps, wrong;
};
extern struct tally *tally;

/* Says what was wrong with the case that the calling thread is in. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
void run_case(uint64_t seed, uint64_t number);
/* For the thread that kills the children of others in the midst of fe_spawn. */
void *kill_children(void *unused);

#endif
