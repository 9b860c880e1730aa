/* SPDX-License-Identifier: BSD-3-Clause */
/* What a spawn may cost in blocks of memory, which the caller's allocator is asked for. Its system calls are counted in
 * worlds.sh, its instructions in instructions.c, the library's bytes and relocations in artefact.sh. */
#include "test.h"

#include <stddef.h>

/* The allocator of this program, as the library sees it: glibc's, counted. */
void *__libc_malloc(size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
static unsigned long blocks, given_back;
static size_t largest;
static long refused = -1; /* counts down; from 0 on all are */

static bool is_refused(void) {
  if (refused > 0) refused--;
  return refused == 0;
}

void *realloc(void *block, size_t size) { return is_refused() ? NULL : __libc_realloc(block, size); }

void *malloc(size_t size) {
  if (is_refused()) return NULL;
  blocks++;
  if (size > largest) largest = size;
  return __libc_malloc(size);
}

void free(void *block) {
  given_back += block != NULL;
  __libc_free(block);
}

static char *argv_of_true[] = {(char *)"true", NULL};

/* Of the second spawn, when nothing is done for the first time any more. */
static void costs(fe_attr *attr, unsigned way, unsigned long most, size_t most_bytes) {
  for (int i = 0; i < 2; i++) {
    fe_child child;
    attr->way = way;
    blocks = given_back = 0;
    largest = 0;
    int result = fe_spawn(attr, &child, NULL);
    unsigned long took = blocks, gave = given_back;
    size_t size = largest;
    NEED(result == 0);
    CHECK_INT(child.way, expected_way(way));
    CHECK_INT(gave, took);
    if (i > 0) {
      CHECK(took <= most);
      CHECK(size <= most_bytes);
      if (took > most || size > most_bytes) note("%lu blocks, the largest of %zu bytes", took, size);
    }
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    fe_child_close(&child);
  }
}

static void a_default_spawn(void) {
  if (world() == WORLD_VALGRIND) skip("valgrind has an allocator of its own");
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "/bin/true";
    attr.argv = argv_of_true;
    costs(&attr, way, 0, 0);
  }
}

static void with_attributes(void) {
  if (world() == WORLD_VALGRIND) skip("valgrind has an allocator of its own");
  int files[256];
  for (int i = 0; i < 256; i++) files[i] = i < 3 ? i : 1;
  const fe_rlimit none = FE_RLIMIT(4 /* RLIMIT_CORE */, 0, 0);
  fe_limits limits = FE_LIMITS_INIT;
  limits.rlimits = &none;
  limits.nrlimits = 1;
  fe_file_action actions[] = {FE_CLOSE(9), FE_DUP2(1, 8), FE_CHDIR("/")};
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "true";
    attr.argv = argv_of_true;
    attr.flags = FE_SEARCH_PATH | FE_SETSID;
    attr.search_path = "/nowhere:/bin";
    /* The candidates. */
    costs(&attr, way, 1, 64);
    attr.actions = actions;
    attr.nactions = 3;
    costs(&attr, way, 2, 128);
    /* And what is to be raised. */
    attr.limits = &limits;
    costs(&attr, way, 3, 128);
    attr.limits = NULL;
    attr.files = files;
    attr.nfiles = 256;
    /* The moves, what the shuffle keeps in mind, and a plan that is longer than most. */
    costs(&attr, way, 5, 8192);
  }
}

/* Each block in turn cannot be had, nor those after it: the spawn fails, or did without. Nothing is left out in silence. */
static void without_blocks(void) {
  if (world() == WORLD_VALGRIND) skip("valgrind has an allocator of its own");
  int files[100];
  for (int i = 0; i < 100; i++) files[i] = i < 3 ? i : 1;
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++) {
    if (world() != WORLD_KERNEL && way != FE_WAY_PIPED) continue;
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "/bin/true";
    attr.argv = argv_of_true;
    attr.way = way;
    attr.files = files;
    attr.nfiles = 100;
    attr.dir = "/nonexistent"; /* among the first calls */
    int failed = 0;
    for (long n = 1;; n++) {
      fe_child child;
      fe_error error;
      refused = n;
      int result = fe_spawn(&attr, &child, &error);
      bool went_out = refused == 0;
      refused = -1;
      NEED(result == -1 && n < 50);
      if (!went_out) {
        CHECK_STR(fe_step_name(error.step), "chdir");
        CHECK_INT(error.way, way);
        break;
      }
      CHECK_INT(error.errnum, ENOMEM);
      CHECK_INT(error.step, FE_STEP_MEMORY);
      failed++;
    }
    CHECK(failed >= 4); /* two of the shuffle, the plan, and its growth */
    check_no_child();
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"blocks of a default spawn", a_default_spawn},
      {"blocks of attributes", with_attributes},
      {"blocks that cannot be had", without_blocks},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
