/* SPDX-License-Identifier: BSD-3-Clause */
/* Peers take turns within a round, so that what disturbs one disturbs all. A ratio is the median of the ratios within
 * the rounds, and with it come their quartiles; where those lie on both sides of 1, which of the two is faster cannot
 * be told, and no ratio is given. */

#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

double call_us;
static double us[MOST_PEERS][MOST_ROUNDS];

void need(bool good, const char *what) {
  if (!good) {
    fflush(stdout);
    perror(what);
    exit(1);
  }
}

double now_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int ascending(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

struct spread {
  double median, low, high;
};

static struct spread spread_of(const double *values) {
  double sorted[MOST_ROUNDS];
  memcpy(sorted, values, (size_t)rounds * sizeof *values);
  qsort(sorted, (size_t)rounds, sizeof *sorted, ascending);
  double last = rounds - 1;
  return (struct spread){sorted[(size_t)(0.5 * last + 0.5)], sorted[(size_t)(0.25 * last + 0.5)],
                         sorted[(size_t)(0.75 * last + 0.5)]};
}

/* Microseconds of one program. */
static double take_turn(const struct row *row, const struct peer *peer, int spawns) {
  if (peer->other != NULL) return other_us(peer->other, spawns, row->fails) / spawns;
  call_us = 0;
  double begun = now_us();
  for (int i = 0; i < spawns; i++)
    if (peer->run() == row->fails) {
      fprintf(stderr, "bench: %s, %s: the program %s\n", row->name, peer->name,
              row->fails ? "was there" : "did not run well");
      exit(1);
    }
  double took = row->own_time ? call_us : now_us() - begun;
  return took / spawns / (row->programs > 0 ? row->programs : 1);
}

static void to_csv(const struct row *row, const char *peer, const char *to, struct spread s, bool hidden) {
  if (csv == NULL) return;
  fprintf(csv, "\"%s\",%s,", row->name, row->chart != NULL ? row->chart : "");
  if (row->chart != NULL) fprintf(csv, "%ld", row->at);
  fprintf(csv, ",\"%s\",\"%s\",", peer, to);
  if (!hidden) fprintf(csv, "%.3f", s.median);
  fprintf(csv, ",%.3f,%.3f\n", s.low, s.high);
}

static void print_ratio(const struct row *row, const struct peer *peers, int peer, int to) {
  double ratios[MOST_ROUNDS];
  char text[64];
  for (int i = 0; i < rounds; i++) ratios[i] = us[peer][i] / us[to][i];
  struct spread s = spread_of(ratios);
  bool hidden = s.low <= 1 && s.high >= 1;
  if (hidden)
    snprintf(text, sizeof text, "none seen (%.2f to %.2f)", s.low, s.high);
  else
    snprintf(text, sizeof text, "%.2f (%.2f to %.2f)", s.median, s.low, s.high);
  printf("%28s", peer == to ? "1" : text);
  if (peer != to) to_csv(row, peers[peer].name, peers[to].name, s, hidden);
}

static void print_row(const struct row *row, const struct peer *peers, int count) {
  char text[80];
  printf("\n%-31s%28s", row->name, "us");
  for (int to = 0; to < count; to++) {
    if (!peers[to].reference) continue;
    snprintf(text, sizeof text, "/ %s", peers[to].name);
    printf("%28s", text);
  }
  printf("\n");
  for (int p = 0; p < count; p++) {
    struct spread s = spread_of(us[p]);
    snprintf(text, sizeof text, "%.1f (%.1f to %.1f)", s.median, s.low, s.high);
    printf("  %-29s%28s", peers[p].name, text);
    to_csv(row, peers[p].name, "", s, false);
    for (int to = 0; to < count; to++)
      if (peers[to].reference) print_ratio(row, peers, p, to);
    printf("\n");
  }
  fflush(stdout);
}

void measure(struct row row, const struct peer *peers, int count) {
  struct peer all[MOST_PEERS];
  static const char *only; /* asked once: a row may have another environment */
  static bool asked;
  if (!asked) only = getenv("ONLY");
  asked = true;
  if (only != NULL && strstr(row.name, only) == NULL) return;
  memcpy(all, peers, (size_t)count * sizeof *peers);
  if (row.others) count += start_others(all + count);
  for (int p = 0; p < count; p++) take_turn(&row, &all[p], 1); /* what is done once in a process */
  for (int round = 0; round < rounds; round++)
    for (int turn = 0; turn < count; turn++) {
      /* One before the time is taken, lest a peer pay for the cache as the one before it left it: a fork of 4 GiB leaves
       * nothing in it, and who came next paid for it. */
      int p = (turn + round) % count;
      take_turn(&row, &all[p], 1);
      us[p][round] = take_turn(&row, &all[p], all[p].spawns > 0 ? all[p].spawns : row.spawns);
    }
  print_row(&row, all, count);
  if (row.others) stop_others();
}
