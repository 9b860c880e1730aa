/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_RESETIDS: as in a set-user-ID program, whose child is to be its user's. */
#include "test.h"

#include "filter.h"

#include <sys/fsuid.h>
#include <sys/prctl.h>

static char *name_only[] = {(char *)"true", NULL};

static fe_attr nothing(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  attr.flags = FE_RESETIDS;
  return attr;
}

/* As after an exec of that program; the groups first, which the user may not change. */
static void be(uid_t real, uid_t effective, gid_t real_group, gid_t effective_group) {
  NEED(setresgid(real_group, effective_group, effective_group) == 0);
  NEED(setresuid(real, effective, effective) == 0);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void becomes(fe_attr attr, unsigned way, const char *uids, const char *gids) {
  attr.flags |= FE_RESETIDS;
  char *before = snapshot();
  char *seen = probe(&attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  CHECK_STR(value(seen, "uid"), uids);
  CHECK_STR(value(seen, "gid"), gids);
  free(before);
  free(after);
  free(seen);
}

static const fe_attr plain = FE_ATTR_INIT;

/* Shared memory would be in the hands of the user. */
static void not_in_shared_memory(void) {
  fe_attr attr = nothing();
  if (expected_way(FE_WAY_SHARED) != 0) spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  auto_takes(&attr, FE_WAY_COPY);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
}

static void root_for_its_user(void) {
  need_root();
  be(1000, 0, 1001, 0);
  EACH_WAY_BUT_SHARED(way) {
    becomes(plain, way, "1000 1000 1000", "1001 1001 1001");
    fe_attr without = FE_ATTR_INIT;
    char *seen = probe(&without, way);
    CHECK_STR(value(seen, "uid"), "1000 0 0");
    free(seen);
  }
  not_in_shared_memory();
}

static void the_user_alone(void) {
  need_root();
  be(1000, 0, 0, 0);
  EACH_WAY_BUT_SHARED(way) becomes(plain, way, "1000 1000 1000", "0 0 0");
  not_in_shared_memory();
}

static void the_group_alone(void) {
  need_root();
  be(0, 0, 1001, 0);
  EACH_WAY_BUT_SHARED(way) becomes(plain, way, "0 0 0", "1001 1001 1001");
  not_in_shared_memory();
}

/* The real ids come from the caller, not from root. */
static void root_in_disguise(void) {
  need_root();
  be(0, 1000, 0, 1001);
  EACH_WAY_BUT_SHARED(way) becomes(plain, way, "0 0 0", "0 0 0");
  not_in_shared_memory();
}

/* A set-user-ID program of an ordinary user: no privilege is needed to become one's own user. */
static void without_privilege(void) {
  need_root();
  be(1000, 1001, 1002, 1003);
  EACH_WAY_BUT_SHARED(way) becomes(plain, way, "1000 1000 1000", "1002 1002 1002");
  not_in_shared_memory();
}

static void without_privilege_group_alone(void) {
  need_root();
  be(1000, 1000, 1002, 1003);
  EACH_WAY_BUT_SHARED(way) becomes(plain, way, "1000 1000 1000", "1002 1002 1002");
}

static void nothing_to_reset(void) {
  EACH_WAY(way) {
    fe_attr attr = nothing();
    spawn_exits(&attr, way, 0);
  }
  fe_attr attr = nothing();
  auto_takes(&attr, FE_WAY_SHARED);
  need_root();
  become_unprivileged();
  EACH_WAY(way) becomes(plain, way, "65534 65534 65534", "65534 65534 65534");
  auto_takes(&attr, FE_WAY_SHARED);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
}

/* The ids for files are changed too, which the kernel looks at. */
static void file_ids(void) {
  need_root();
  fe_attr attr = nothing();
  setfsuid(1000);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  auto_takes(&attr, FE_WAY_COPY);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  setfsuid(0);
  setfsgid(1000);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  auto_takes(&attr, FE_WAY_COPY);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
}

/* What comes after it is done with the rights of the user, what comes before with the caller's. */
static void its_place(void) {
  need(HAS_PRIORITIES);
  need_root();
  const char *closed = kept_path("closed");
  NEED(mkdir(closed, 0700) == 0);
  be(1000, 0, 1001, 0);
  EACH_WAY_BUT_SHARED(way) {
    fe_attr attr = nothing();
    attr.dir = closed;
    spawn_fails(&attr, way, EACCES, FE_STEP_CHDIR, -1);
    const fe_file_action open_it = {FE_ACTION_OPEN, 0, 0, O_RDONLY, 0, 0, closed, {0, 0}};
    attr.dir = NULL;
    attr.actions = &open_it;
    attr.nactions = 1;
    spawn_fails(&attr, way, EACCES, FE_STEP_ACTION_OPEN, 0);
    attr.nactions = 0;
    attr.chroot = scratch();
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    fe_scheduling scheduling = FE_SCHEDULING_INIT;
    scheduling.flags = FE_SCHED_POLICY;
    scheduling.policy = SCHED_FIFO;
    scheduling.priority = 1;
    attr = nothing();
    attr.scheduling = &scheduling;
    spawn_exits(&attr, way, 0);
    /* Which a change of ids would clear. */
    attr = plain;
    attr.flags = FE_RESETIDS;
    attr.pdeathsig = SIGTERM;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "pdeathsig"), SIGTERM);
    free(seen);
  }
}

static void with_a_credential(void) {
  fe_credential same = FE_CREDENTIAL_INIT;
  same.uid = geteuid();
  same.gid = getegid();
  fe_attr attr = nothing();
  attr.credential = &same;
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
}

/* In its new user namespace they have other numbers. */
static void as_the_new_namespace_has_them(void) {
  need_root();
  if (expected_way(FE_WAY_PIPED) == 0) skip("no piped way here");
  static const fe_id_map maps[] = {{5, 1000, 1}, {6, 0, 1}};
  fe_attr attr = FE_ATTR_INIT;
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = attr.gid_mappings = maps;
  attr.nuid_mappings = attr.ngid_mappings = 2;
  be(1000, 0, 1000, 0);
  becomes(attr, FE_WAY_PIPED, "5 5 5", "5 5 5");
}

static void fails_by(unsigned way, const void *call) {
  refuse(*(const long *)call, EPERM);
  fe_attr attr = nothing();
  spawn_fails(&attr, way, EPERM, FE_STEP_RESETIDS, -1);
}

static void by_its_step(void) {
  static const long calls[] = {SYS_setresuid, SYS_setresgid};
  EACH_WAY(way) {
    for (size_t i = 0; i < 2; i++) apart(fails_by, way, &calls[i]);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"root for its user", root_for_its_user},
      {"the user alone", the_user_alone},
      {"the group alone", the_group_alone},
      {"root in disguise", root_in_disguise},
      {"without privilege", without_privilege},
      {"without privilege, the group alone", without_privilege_group_alone},
      {"nothing to reset", nothing_to_reset},
      {"the ids for files", file_ids},
      {"its place among the steps", its_place},
      {"with a credential", with_a_credential},
      {"as the new user namespace has them", as_the_new_namespace_has_them},
      {"its step", by_its_step},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
