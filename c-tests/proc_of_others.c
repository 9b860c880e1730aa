/* SPDX-License-Identifier: BSD-3-Clause */
/* A caller in a pid namespace of its own, with the /proc of another one: the number of its child is a stranger's
 * there. */
#include "test.h"

#include "stranger.h"

static pid_t free_number(void) {
  for (pid_t pid = 60; pid < 2000; pid++) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d", (int)pid);
    if (access(path, F_OK) != 0 && kill(pid, 0) != 0) return pid;
  }
  skip("needs a free pid below 2000");
}

/* Ends when a child of this process would get that number next. */
static void up_to(pid_t next) {
  for (pid_t last = 1; last < next - 1;) {
    last = fork();
    NEED(last >= 0);
    if (last == 0) _exit(0);
    NEED(waitpid(last, NULL, 0) == last && last < next);
  }
}

/* The first process of a new pid namespace, whose next child has the number of a stranger in /proc, which looks like a
 * child of process 1 too. */
static void inside(void (*what)(pid_t stranger), uint64_t namespaces) {
  need_root();
  need(HAS_CLONE3);
  pid_t number = free_number();
  int end = stranger_with(number, namespaces), parent = -1, status = -1;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/stat", (int)number);
  FILE *stat = fopen(path, "re");
  NEED(stat != NULL && fscanf(stat, "%*d (%*[^)]) %*c %d", &parent) == 1);
  fclose(stat);
  if (parent != 1) skip("orphans do not become children of process 1 here");
  NEED(unshare(CLONE_NEWPID) == 0);
  pid_t init = fork();
  NEED(init >= 0);
  if (init == 0) {
    NEED(getpid() == 1);
    alarm(20);
    up_to(number);
    what(number);
    exit(0);
  }
  NEED(waitpid(init, &status, 0) == init);
  CHECK_INT(status, 0);
  kill(number, SIGKILL);
  close(end);
}

static char *const argv[] = {(char *)"sleep", (char *)"3", NULL};

/* The stranger has not execed, but the child has. */
static void starts(pid_t number) {
  fe_child child;
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.flags = FE_SEARCH_PATH | FE_SETSID; /* in the caller's session /proc is not asked */
  if (!spawn(&attr, FE_WAY_PIPED, &child)) return;
  CHECK_INT(child.pid, number);
  CHECK_INT(fe_wait(&child, 0, NULL), -1);
  CHECK_INT(errno, ETIMEDOUT);
  CHECK_INT(fe_kill(&child, SIGKILL), 0);
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
}

static void proof_of_exec(void) { inside(starts, 0); }

static const fe_id_map map = {0, 5, 1};

static void maps(pid_t number) {
  char path[64], line[64] = "";
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.flags = FE_SEARCH_PATH;
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = attr.gid_mappings = &map;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  spawn_fails(&attr, FE_WAY_PIPED, ENOENT, FE_STEP_UID_MAP, -1);
  snprintf(path, sizeof path, "/proc/%d/uid_map", (int)number);
  FILE *file = fopen(path, "re");
  NEED(file != NULL);
  CHECK(fgets(line, sizeof line, file) == NULL);
  CHECK_STR(line, "");
  fclose(file);
  snprintf(path, sizeof path, "/proc/%d/setgroups", (int)number);
  file = fopen(path, "re");
  NEED(file != NULL && fgets(line, sizeof line, file) != NULL);
  CHECK_STR(line, "allow\n");
  fclose(file);
}

/* A stranger that waits for its maps, from somebody else. */
static void maps_of_a_stranger(void) { inside(maps, CLONE_NEWUSER); }

int main(int argc, char **args) {
  static const struct test_case cases[] = {
      {"proof of exec", proof_of_exec},
      {"the maps of a stranger", maps_of_a_stranger},
      {NULL, NULL},
  };
  return run(argc, args, cases);
}
