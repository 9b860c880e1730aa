/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_OWN_CGROUP: a child whose tree is reached by its cgroup. */
#include "test.h"

#include "tree.h"

#include "cgroup.h"
#include "filter.h"

static char own_cgroup[400];
/* As before Linux 5.14. */
static bool without_kill;

static void remove_cgroups(void) {
  char below[sizeof own_cgroup + 10], file[sizeof own_cgroup + 20];
  snprintf(below, sizeof below, "%s/below", own_cgroup);
  snprintf(file, sizeof file, "%s/cgroup.kill", own_cgroup);
  umount2(file, MNT_DETACH);
  for (int i = 0; i < 100 && (rmdir(below), rmdir(own_cgroup)) != 0; i++) usleep(10000);
}

/* A new one each time: Linux 6.18 kills whoever is born in a cgroup that was killed. */
static fe_attr in_a_cgroup(void) {
  static char mount_point[300];
  fe_attr attr = FE_ATTR_INIT;
  char below[sizeof own_cgroup + 10], file[sizeof own_cgroup + 20];
  need_root();
  if (!own_cgroup[0]) {
    NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
    find_mount(mount_point, sizeof mount_point);
    atexit(remove_cgroups);
  } else {
    remove_cgroups();
  }
  snprintf(own_cgroup, sizeof own_cgroup, "%s/forkexec-tree-%d", mount_point, (int)getpid());
  snprintf(below, sizeof below, "%s/below", own_cgroup);
  if (mkdir(own_cgroup, 0755) != 0 || mkdir(below, 0755) != 0) skip("no cgroup can be made");
  snprintf(file, sizeof file, "%s/cgroup.kill", own_cgroup);
  if (without_kill && access(file, F_OK) == 0)
    NEED(mount("/proc/version", file, NULL, MS_BIND, NULL) == 0);
  attr.flags = FE_CGROUP | FE_OWN_CGROUP;
  attr.cgroup = open(own_cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC);
  NEED(attr.cgroup >= 0);
  return attr;
}

/* An orphan of a session of its own, and one in a cgroup below, are reached too; and nobody else. */
static void cgroup_of_its_own(uint64_t pidfd) {
  static const int signals[] = {SIGTERM, SIGKILL};
  fe_child child, other;
  fe_attr plain = FE_ATTR_INIT;
  NEED(start_tree(&plain, "exec sleep 60", &other));
  for (int i = 0; i < 2; i++) {
    char script[1000];
    fe_attr attr = in_a_cgroup();
    attr.flags |= pidfd;
    snprintf(script, sizeof script,
             "(setsid sleep 60 & (trap '' TERM; setsid sleep 60 &)); "
             "sh -c 'echo $$ > %s/below/cgroup.procs; exec sleep 60' & exec sleep 60",
             own_cgroup);
    NEED(start_tree(&attr, script, &child));
    until(4);
    usleep(20000);
    check_tree(&child, 0, 0, FE_TREE_CGROUP);
    CHECK_INT(alive(), 4);
    check_tree(&child, signals[i], 0, FE_TREE_CGROUP);
    until(signals[i] == SIGTERM);
    int status = 0;
    CHECK(fe_wait(&child, -1, &status) == 0 && status == signals[i]);
    fe_child_close(&child);
    kill_marked();
    close(attr.cgroup);
  }
  fe_attr attr = in_a_cgroup();
  attr.flags |= pidfd;
  kills_family(&attr, FE_TREE_CGROUP);
  close(attr.cgroup);
  CHECK(lives(&other));
  CHECK_INT(fe_stop(&other, 0, 0, 0, NULL), 0);
  fe_child_close(&other);
}

static void cgroups(void) {
  need(HAS_NAMESPACES);
  cgroup_of_its_own(0);
  cgroup_of_its_own(FE_PIDFD);
  without_kill = true;
  cgroup_of_its_own(0);
  cgroup_of_its_own(FE_PIDFD);
}

static int open_descriptors(void) {
  int count = 0;
  for (int fd = 0; fd < 2048; fd++) count += fcntl(fd, F_GETFD) >= 0;
  return count;
}

static void descriptor_of_a_cgroup(void) {
  need(HAS_NAMESPACES);
  fe_attr attr = in_a_cgroup();
  fe_child child;
  int before = open_descriptors();
  NEED(start_tree(&attr, "exec sleep 60", &child));
  CHECK(child.cgroup >= 0 && child.cgroup != attr.cgroup);
  CHECK_INT(fcntl(child.cgroup, F_GETFD), FD_CLOEXEC);
  CHECK_INT(fe_stop(&child, 0, 5000, FE_STOP_TREE, NULL), 0);
  close(attr.cgroup);
  attr = in_a_cgroup();
  fe_child_close(&child);
  CHECK_INT(child.cgroup, -1);
  CHECK_INT(open_descriptors(), before);
  /* It keeps it over fe_spawn_finish, and gives it back when that fails. */
  attr.flags |= FE_ASYNC;
  for (int fails = 0; fails < 2; fails++) {
    fe_error error;
    attr.dir = fails ? "/nonexistent" : NULL;
    attr.way = FE_WAY_PIPED;
    static char *argv[] = {(char *)"sleep", (char *)"60", NULL};
    attr.argv = argv;
    attr.path = "/bin/sleep";
    NEED(fe_spawn(&attr, &child, &error) == 0);
    int number = child.cgroup;
    CHECK(number >= 0);
    CHECK_INT(fe_spawn_finish(&child, -1, &error), -fails);
    CHECK_INT(child.cgroup, fails ? -1 : number);
    if (!fails) check_tree(&child, SIGTERM, 0, FE_TREE_CGROUP);
    if (!fails) CHECK_INT(fe_wait(&child, -1, NULL), 0);
    fe_child_close(&child);
    CHECK_INT(open_descriptors(), before);
  }
  attr.flags &= ~FE_ASYNC;
  attr.dir = "/nonexistent";
  spawn_fails(&attr, FE_WAY_SHARED, ENOENT, FE_STEP_CHDIR, -1);
  attr.dir = NULL;
  /* Where the caller has nothing open, an action finds nothing. */
  int free_one = dup(0);
  close(free_one);
  fe_file_action action = FE_DUP2(0, 1);
  action.from = free_one;
  attr.actions = &action;
  attr.nactions = 1;
  spawn_fails(&attr, FE_WAY_SHARED, EBADF, FE_STEP_ACTION_DUP2, 0);
  attr.nactions = 0;
  struct rlimit limit, low;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  low = limit;
  low.rlim_cur = (rlim_t)free_one;
  NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
  fe_error error;
  attr.way = FE_WAY_SHARED;
  CHECK(fe_spawn(&attr, &child, &error) == -1 && errno == EMFILE);
  CHECK(error.step == FE_STEP_CGROUP && is_empty(&child));
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"a cgroup of its own", cgroups},
      {"the descriptor of the cgroup", descriptor_of_a_cgroup},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
