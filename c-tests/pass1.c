/* SPDX-License-Identifier: BSD-3-Clause */
/* The seed's pass 1: sources that a target would overwrite before they are needed. Here they are ordered, and
 * moved only to break a cycle; see src/remap.rs. */
#include "test.h"

static void swap(void) {
  EACH_WAY(way) {
    only(6);
    TABLE(way, -1, 1, 0);
    TABLE(way, -1, 1, 0, 2);
    TABLE(way, -1, 1, 0, 3, 2, 5, 4);
  }
}

static void rotate(void) {
  EACH_WAY(way) {
    only(6);
    TABLE(way, -1, 1, 2, 0);
    TABLE(way, -1, 2, 0, 1);
    TABLE(way, -1, 5, 0, 1, 2, 3, 4);
    TABLE(way, -1, 1, 2, 0, 4, 5, 3);
  }
}

static void sources_below_their_targets(void) {
  EACH_WAY(way) {
    only(6);
    TABLE(way, -1, 0, 0, 0, 0, 0, 0);
    TABLE(way, -1, -1, 0, 1, 2, 3, 4, 5);
    TABLE(way, -1, 5, 0, 0, 1, 1, 2, 2);
  }
}

static void a_cycle_with_a_tail_and_a_copy(void) {
  EACH_WAY(way) {
    only(8);
    TABLE(way, -1, 1, 2, 0, 0, 1, 3);
    TABLE(way, -1, 1, 0, 0, 1, 7, -1, 6);
  }
}

static void cycle_of_64(void) {
  EACH_WAY(way) {
    only(64);
    int files[64];
    for (int i = 0; i < 64; i++) files[i] = (i + 1) % 64;
    check_table(files, 64, way, -1);
    for (int i = 0; i < 64; i++) files[i] = (i + 63) % 64;
    check_table(files, 64, way, -1);
  }
}

/* The seed moved sources to the numbers above the highest that it knew, and whatever was there was gone. */
static void what_lies_above_is_not_clobbered(void) {
  EACH_WAY(way) {
    for (int above = 3; above < 8; above++) {
      only(3);
      open_at(above, false);
      TABLE(way, above, 1, 2, 0);
      TABLE(way, above, 2, 1, 0);
    }
  }
}

/* Any number below the targets may be closed in the caller: the temporary must not take one that a
 * later move fills. */
static void with_holes_in_the_caller(void) {
  EACH_WAY(way) {
    for (int hole = 0; hole < 6; hole++) {
      only(6);
      close(hole);
      int files[6];
      for (int i = 0; i < 6; i++) files[i] = i == hole ? 5 - (hole == 5) : (i + 1) % 6;
      for (int i = 0; i < 6; i++)
        if (files[i] == hole) files[i] = i == hole ? -1 : (hole + 1) % 6;
      check_table(files, 6, way, -1);
    }
  }
}

static unsigned random_state;

static int below(int n) {
  random_state = random_state * 1103515245U + 12345U;
  return (int)(random_state >> 16) % n;
}

static void random_tables(void) {
  EACH_WAY(way) {
    for (unsigned seed = 1; seed <= 100; seed++) {
      random_state = seed * 2654435761U;
      int open = 3 + below(20), files[40];
      only(open);
      int n = below(40);
      for (int i = 0; i < n; i++) files[i] = below(5) == 0 ? -1 : below(open);
      check_table(files, (size_t)n, way, -1);
    }
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"swaps", swap},
      {"rotations", rotate},
      {"sources below their targets", sources_below_their_targets},
      {"a cycle with a tail and a copy", a_cycle_with_a_tail_and_a_copy},
      {"a cycle of 64", cycle_of_64},
      {"what lies above is not clobbered", what_lies_above_is_not_clobbered},
      {"with holes in the caller", with_holes_in_the_caller},
      {"random tables", random_tables},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
