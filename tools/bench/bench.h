/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the benchmark share. rows.c says what is measured, peers.c and attributes.c start programs from
 * this process, capture.c feeds and drains one, others.c lets other runtimes start them from processes of their own, measure.c takes the turns and
 * prints, machine.c knows where all this runs. */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

enum { MOST_PEERS = 16, MOST_ROUNDS = 1001, LEAST_ROUNDS = 21, BATCH = 64, PATH_LENGTH = 10, MOST_FILES = 256 };

extern char **environ;
extern const char *program; /* what is started; a name without a slash is searched for */
extern char *arguments[2];
extern int rounds;
extern FILE *csv; /* or NULL */

/* Who starts programs: a function of this process, which says whether the program ran and ended well; or another
 * process. */
struct peer {
  const char *name;
  bool (*run)(void);
  bool reference;      /* the others are compared with it */
  int spawns;          /* a round; 0: as many as the row has */
  struct other *other; /* instead of run */
};

struct row {
  const char *name;
  int spawns;        /* a round */
  const char *chart; /* of which it is a point, or NULL */
  long at;           /* where on the chart's axis */
  int programs;      /* that one run starts, if not one */
  bool fails;        /* there is no such program: to be told so is what is measured */
  bool own_time;     /* what counts is what the peers add to call_us */
  bool others;       /* the other runtimes take part */
};

/* measure.c */
void need(bool good, const char *what);
double now_us(void);
extern double call_us;
void measure(struct row row, const struct peer *peers, int count);
#define ROW(...) ((struct row){__VA_ARGS__})
#define PEER(who, how) {.name = who, .run = how}
#define REFERENCE(who, how) {.name = who, .run = how, .reference = true}
#define MEASURE(row, ...)                                   \
  measure(row, (const struct peer[]){__VA_ARGS__},          \
          (int)(sizeof((const struct peer[]){__VA_ARGS__}) / sizeof(struct peer)))

/* machine.c */
void describe_machine(void);
void pin(bool to_one);
long free_mib(void);

/* others.c */
void describe_others(void);
int start_others(struct peer *list);
void stop_others(void);
double other_us(struct other *other, int spawns, bool fails);

/* peers.c */
struct raw_call {
  long number;
  long arguments[5];
  bool must; /* succeed */
};
pid_t by_hand(unsigned long long flags, int *pidfd, const struct raw_call *calls, size_t count);
bool ended_well(pid_t pid);
struct fe_attr;
bool forkexec(const struct fe_attr *attr);
bool by_floor(void), by_floor_guarded(void), by_floor_pidfd(void), by_fork(void), by_vfork(void), by_posix_spawn(void), by_forkexec(void),
    by_forkexec_pidfd(void);
bool by_floor_path(void), by_fork_path(void), by_vfork_path(void), by_posix_spawnp(void), by_forkexec_path(void);
extern char candidates[PATH_LENGTH][4096]; /* what by_floor_path tries */
bool by_async_call(void), by_floor_call(void), by_floor_call_guarded(void), by_posix_spawn_call(void);
bool many_at_once(void), many_then_wait(void), one_by_one_forkexec(void), many_by_posix_spawn(void), one_by_one(void);

/* attributes.c */
extern int high_source, remapped;
extern int sources[MOST_FILES];
bool by_forkexec_closing(void), by_forkexec_closing_high(void), by_posix_spawn_closing(void);
bool by_forkexec_files(void), by_posix_spawn_files(void), by_floor_files(void);
bool by_forkexec_ten(void), by_posix_spawn_ten(void), by_floor_ten(void);
bool by_forkexec_ten_more(void), by_floor_ten_more(void);
bool by_forkexec_user(void), by_forkexec_user_copy(void), by_fork_user(void);
const char *prepare_ten_more(void); /* why it cannot be, or NULL */

/* capture.c */
void prepare_capture(size_t bytes); /* what goes through cat; 0 gives the memory back */
bool capture_by_forkexec(void), capture_by_hand(void);

#endif
