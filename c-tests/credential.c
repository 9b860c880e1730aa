/* SPDX-License-Identifier: BSD-3-Clause */
/* User, group and supplementary groups. */
#include "test.h"

#include <grp.h>
#include <stdint.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

static char *name_only[] = {(char *)"true", NULL};

static fe_attr plain(const fe_credential *credential) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/true";
  attr.argv = name_only;
  attr.credential = credential;
  return attr;
}

static fe_credential who(uid_t uid, gid_t gid) {
  fe_credential credential = FE_CREDENTIAL_INIT;
  credential.uid = uid;
  credential.gid = gid;
  return credential;
}

/* The probe as `credential` sees these ids, and the caller is as it was. */
static void becomes(const fe_credential *credential, unsigned way, const char *uids,
                    const char *gids, const char *groups) {
  fe_attr attr = FE_ATTR_INIT;
  attr.credential = credential;
  char *before = snapshot();
  char *seen = probe(&attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  CHECK_STR(value(seen, "uid"), uids);
  CHECK_STR(value(seen, "gid"), gids);
  CHECK_STR(value(seen, "groups"), groups);
  free(before);
  free(after);
  free(seen);
}

static void fails(const fe_credential *credential, unsigned way, int errnum, int step) {
  fe_attr attr = plain(credential);
  spawn_fails(&attr, way, errnum, step, -1);
}

static void have_groups(void) {
  need_root();
  const gid_t groups[] = {11, 12};
  NEED(setgroups(2, groups) == 0);
}

static void real_effective_saved(void) {
  have_groups();
  const gid_t groups[] = {5, 6, 77777};
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = who(1000, 1001);
    credential.groups = groups;
    credential.ngroups = 3;
    becomes(&credential, way, "1000 1000 1000", "1001 1001 1001", "5 6 77777");
    credential = who(1000, 0);
    becomes(&credential, way, "1000 1000 1000", "0 0 0", "11 12");
    credential = who(0, 1001);
    becomes(&credential, way, "0 0 0", "1001 1001 1001", "11 12");
  }
}

static void null_keeps(void) {
  have_groups();
  EACH_WAY(way) {
    fe_credential same = who(0, 0);
    becomes(&same, way, "0 0 0", "0 0 0", "11 12");
    becomes(NULL, way, "0 0 0", "0 0 0", "11 12");
  }
}

static void empty_drops(void) {
  have_groups();
  const gid_t unused = 99;
  EACH_WAY(way) {
    fe_credential credential = who(0, 0);
    credential.groups = &unused;
    becomes(&credential, way, "0 0 0", "0 0 0", "");
  }
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = who(1000, 1000);
    credential.groups = &unused;
    becomes(&credential, way, "1000 1000 1000", "1000 1000 1000", "");
  }
}

static void list_sets(void) {
  have_groups();
  gid_t groups[64];
  char wanted[400] = "";
  for (unsigned i = 0; i < 64; i++) {
    groups[i] = 100 + i;
    snprintf(wanted + strlen(wanted), 8, "%s%u", i ? " " : "", groups[i]);
  }
  EACH_WAY(way) {
    fe_credential credential = who(0, 0);
    credential.groups = groups;
    credential.ngroups = 64;
    becomes(&credential, way, "0 0 0", "0 0 0", wanted);
  }
  /* As many as the kernel takes, and one more. */
  gid_t *many = calloc(65537, sizeof *many);
  NEED(many != NULL);
  EACH_WAY(way) {
    fe_credential credential = who(0, 0);
    credential.groups = many;
    credential.ngroups = 65536;
    fe_attr attr = plain(&credential);
    spawn_exits(&attr, way, 0);
    credential.ngroups = 65537;
    fails(&credential, way, EINVAL, FE_STEP_ARGS);
  }
  free(many);
}

static void shared_cannot_be_forced(void) {
  need_root();
  if (expected_way(FE_WAY_SHARED) == 0) skip("no shared way here");
  fe_credential credential = who(1000, 0);
  fails(&credential, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS);
  credential = who(0, 1000);
  fails(&credential, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS);
  credential = who(0, 0);
  becomes(&credential, FE_WAY_SHARED, "0 0 0", "0 0 0", "");
}

static void the_library_takes_a_copy(void) {
  need_root();
  const gid_t group = 7;
  fe_credential credential = who(0, 0);
  fe_attr attr = plain(&credential);
  auto_takes(&attr, FE_WAY_SHARED);
  credential.groups = &group;
  credential.ngroups = 1;
  auto_takes(&attr, FE_WAY_SHARED);
  credential = who(1000, 0);
  auto_takes(&attr, FE_WAY_COPY);
  credential = who(0, 1000);
  auto_takes(&attr, FE_WAY_COPY);
  /* Each id that the caller has counts: it may go back to that, and who has those of the child may trace it. */
  static const struct {
    uid_t uid[3], new_uid;
    gid_t gid[3], new_gid;
  } callers[] = {
      {{1000, 0, 0}, 0, {0, 0, 0}, 0},       {{0, 0, 1000}, 0, {0, 0, 0}, 0},
      {{0, 1000, 0}, 1000, {0, 0, 0}, 0},    {{0, 1000, 1000}, 1000, {0, 0, 0}, 0},
      {{1000, 1000, 0}, 1000, {0, 0, 0}, 0}, {{0, 0, 0}, 0, {1000, 0, 0}, 0},
      {{0, 0, 0}, 0, {0, 0, 1000}, 0},       {{0, 0, 0}, 0, {0, 1000, 0}, 1000},
  };
  for (size_t i = 0; i < sizeof callers / sizeof *callers; i++) {
    const uid_t *uid = callers[i].uid;
    const gid_t *gid = callers[i].gid;
    NEED(setresgid(gid[0], gid[1], gid[2]) == 0 && setresuid(uid[0], uid[1], uid[2]) == 0);
    NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
    credential = who(callers[i].new_uid, callers[i].new_gid);
    auto_takes(&attr, FE_WAY_COPY);
    CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
    NEED(setresuid(0, 0, 0) == 0 && setresgid(0, 0, 0) == 0);
  }
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  credential = who(0, 0);
  auto_takes(&attr, FE_WAY_SHARED);
  setfsgid(1000);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  credential = who(0, 0);
  auto_takes(&attr, FE_WAY_COPY);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  setfsgid(0);
  setfsuid(1000);
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  auto_takes(&attr, FE_WAY_COPY);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
}

static void the_caller_stays_dumpable(void) {
  need_root();
  for (int dumpable = 1; dumpable >= 0; dumpable--) {
    NEED(prctl(PR_SET_DUMPABLE, dumpable) == 0);
    EACH_WAY(way) {
      fe_credential same = who(0, 0);
      becomes(&same, way, "0 0 0", "0 0 0", "");
      CHECK_INT(prctl(PR_GET_DUMPABLE), dumpable);
    }
    EACH_WAY_BUT_SHARED(way) {
      fe_credential other = who(1000, 1000);
      becomes(&other, way, "1000 1000 1000", "1000 1000 1000", "");
      CHECK_INT(prctl(PR_GET_DUMPABLE), dumpable);
      fe_attr attr = plain(&other);
      attr.path = "/nowhere";
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    }
    fe_credential other = who(0, 1000);
    fe_attr attr = plain(&other);
    auto_takes(&attr, FE_WAY_COPY);
    CHECK_INT(prctl(PR_GET_DUMPABLE), dumpable);
  }
}

static void without_privilege(void) {
  need_root();
  become_unprivileged();
  const gid_t group = UNPRIVILEGED;
  EACH_WAY(way) {
    fe_credential credential = who(UNPRIVILEGED, UNPRIVILEGED);
    becomes(&credential, way, "65534 65534 65534", "65534 65534 65534", "");
    /* Not even what changes nothing. */
    credential.groups = &group;
    fails(&credential, way, EPERM, FE_STEP_SETGROUPS);
    credential.ngroups = 1;
    fails(&credential, way, EPERM, FE_STEP_SETGROUPS);
  }
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = who(0, 0);
    fails(&credential, way, EPERM, FE_STEP_SETGID);
    credential.groups = &group;
    fails(&credential, way, EPERM, FE_STEP_SETGROUPS);
    credential = who(0, UNPRIVILEGED);
    fails(&credential, way, EPERM, FE_STEP_SETUID);
    credential = who(UNPRIVILEGED, 0);
    fails(&credential, way, EPERM, FE_STEP_SETGID);
  }
}

static void real_and_effective_differ(void) {
  /* As in a set-user-ID program: any of its three ids may be had, and becomes all three. */
  need_root();
  NEED(setresgid(1000, 1001, 1002) == 0 && setresuid(1000, 1001, 1002) == 0);
  EACH_WAY(way) becomes(NULL, way, "1000 1001 1001", "1000 1001 1001", "");
  EACH_WAY_BUT_SHARED(way) {
    fe_credential effective = who(1001, 1001);
    becomes(&effective, way, "1001 1001 1001", "1001 1001 1001", "");
    fe_credential credential = who(1000, 1000);
    becomes(&credential, way, "1000 1000 1000", "1000 1000 1000", "");
    credential = who(1002, 1002);
    becomes(&credential, way, "1002 1002 1002", "1002 1002 1002", "");
    credential = who(1003, 1000);
    fails(&credential, way, EPERM, FE_STEP_SETUID);
  }
}

static void sizes(void) {
  need_root();
  struct {
    fe_credential known;
    char unknown[5000];
  } later;
  EACH_WAY_BUT_SHARED(way) {
    memset(&later, 0, sizeof later);
    later.known = who(1000, 1000);
    const size_t good[] = {32, sizeof(fe_credential), sizeof(fe_credential) + 1,
                           sizeof(fe_credential) + 8, 4096};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
      later.known.size = good[i];
      becomes(&later.known, way, "1000 1000 1000", "1000 1000 1000", "");
    }
    later.unknown[0] = 1;
    fails(&later.known, way, E2BIG, FE_STEP_ARGS);
    later.unknown[0] = 0;
    later.unknown[4095 - sizeof(fe_credential)] = 1;
    fails(&later.known, way, E2BIG, FE_STEP_ARGS);
    later.unknown[4095 - sizeof(fe_credential)] = 0;
    later.known.size = 4097;
    fails(&later.known, way, E2BIG, FE_STEP_ARGS);
    later.known.size = SIZE_MAX;
    fails(&later.known, way, E2BIG, FE_STEP_ARGS);
    later.known.size = 31;
    fails(&later.known, way, EINVAL, FE_STEP_ARGS);
    later.known.size = 0;
    fails(&later.known, way, EINVAL, FE_STEP_ARGS);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"real, effective and saved; groups before the user", real_effective_saved},
      {"groups NULL keeps them", null_keeps},
      {"an empty list drops them", empty_drops},
      {"a list sets them", list_sets},
      {"FE_WAY_SHARED for other ids is refused", shared_cannot_be_forced},
      {"the library takes a copy for other ids", the_library_takes_a_copy},
      {"the caller's dumpable flag", the_caller_stays_dumpable},
      {"EPERM and its step", without_privilege},
      {"a caller whose ids differ", real_and_effective_differ},
      {"older and newer credentials", sizes},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
