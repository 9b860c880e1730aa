/* SPDX-License-Identifier: BSD-3-Clause */
/* New namespaces, and the maps of a user namespace. */
#include "test.h"

#include "filter.h"
#include "namespaces.h"

#include <grp.h>
#include <sys/mount.h>
#include <sys/prctl.h>

static char *name_only[] = {(char *)"true", NULL};

static void refused(fe_attr attr, unsigned way, int errnum, int step) {
  if (!attr.path) attr.path = "/bin/true";
  attr.argv = name_only;
  spawn_fails(&attr, way, errnum, step, -1);
}

static char *probe_in(fe_attr *attr, unsigned way) {
  char *before = snapshot();
  char *seen = probe(attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_links(seen, attr->cloneflags);
  return seen;
}

static void each_kind(void) {
  need_root();
  const uint64_t own_memory = CLONE_NEWUSER | CLONE_NEWTIME;
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    uint64_t all = 0;
    for (int i = 0; i < KINDS; i++) {
      if (way == FE_WAY_SHARED && kinds[i].flag & own_memory) continue;
      if (!is_there(i)) continue;
      attr.cloneflags = kinds[i].flag;
      free(probe_in(&attr, way));
      if (kinds[i].flag != CLONE_NEWUSER) all |= kinds[i].flag;
    }
    attr.cloneflags = all;
    free(probe_in(&attr, way));
  }
  if (expected_way(FE_WAY_SHARED) == 0) return;
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = name_only;
  attr.path = "/bin/true";
  attr.cloneflags = CLONE_NEWUSER;
  refused(attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS);
  auto_takes(&attr, FE_WAY_COPY);
  attr.cloneflags = CLONE_NEWTIME;
  refused(attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS);
  if (is_there(TIME)) auto_takes(&attr, FE_WAY_COPY);
  attr.cloneflags = CLONE_NEWUTS | CLONE_NEWNS | CLONE_NEWPID;
  auto_takes(&attr, FE_WAY_SHARED);
}

static void pid_1(void) {
  need_root();
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.cloneflags = CLONE_NEWPID;
    char *seen = probe_in(&attr, way);
    CHECK_INT(number(seen, "pid"), 1);
    CHECK_INT(number(seen, "ppid"), 0);
    free(seen);
    attr.flags = FE_SETSID | FE_PIDFD;
    seen = probe_in(&attr, way);
    CHECK_INT(number(seen, "sid"), 1);
    free(seen);
    attr.path = "/nowhere";
    refused(attr, way, ENOENT, FE_STEP_EXEC);
  }
}

static void without_privilege(void) {
  need_root();
  become_unprivileged();
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    for (int i = 0; i < KINDS; i++) {
      if (kinds[i].flag & (CLONE_NEWUSER | CLONE_NEWTIME) || !is_there(i)) continue;
      attr.cloneflags = kinds[i].flag;
      refused(attr, way, EPERM, FE_STEP_CLONE);
      refused(attr, FE_WAY_AUTO, EPERM, FE_STEP_CLONE);
    }
  }
}

/* ---- mounts ---- */

static int shared_mounts(void) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  NEED(mounts != NULL);
  char line[4096];
  int count = 0;
  while (fgets(line, sizeof line, mounts)) count += strstr(line, " shared:") != NULL;
  fclose(mounts);
  return count;
}

/* In a mount namespace of the case's own every mount is shared, as systemd has it. */
static void share_mounts(void) {
  need_root();
  NEED(unshare(CLONE_NEWNS) == 0);
  NEED(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  NEED(mount("none", "/", NULL, MS_REC | MS_SHARED, NULL) == 0);
  NEED(shared_mounts() > 0);
}

static void mounts(void) {
  need(HAS_NAMESPACES);
  share_mounts();
  const char *place = kept_path("mount");
  NEED(mkdir(place, 0777) == 0);
  char variable[400];
  snprintf(variable, sizeof variable, "PROBE_MOUNT=%s", place);
  char *envp[] = {variable, NULL};
  struct stat before, after;
  NEED(stat(place, &before) == 0);
  EACH_WAY(way) {
    int outside = shared_mounts();
    fe_attr attr = FE_ATTR_INIT;
    attr.envp = envp;
    attr.cloneflags = CLONE_NEWNS;
    char *seen = probe_in(&attr, way);
    CHECK_INT(number(seen, "shared_mounts"), 0);
    CHECK_STR(value(seen, "mounted"), "0");
    free(seen);
    NEED(stat(place, &after) == 0);
    CHECK_INT(after.st_dev, before.st_dev);
    CHECK_INT(shared_mounts(), outside);

    attr.flags = FE_KEEP_PROPAGATION;
    seen = probe_in(&attr, way);
    CHECK_INT(number(seen, "shared_mounts"), outside + 1);
    CHECK_STR(value(seen, "mounted"), "0");
    free(seen);
    NEED(stat(place, &after) == 0);
    CHECK(after.st_dev != before.st_dev);
    umount2(place, MNT_DETACH);

    attr.cloneflags = 0;
    refused(attr, way, EINVAL, FE_STEP_ARGS);
  }
}

/* ---- maps ---- */

static fe_attr mapped(const fe_id_map *uids, size_t nuids, const fe_id_map *gids, size_t ngids) {
  fe_attr attr = FE_ATTR_INIT;
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = uids;
  attr.nuid_mappings = nuids;
  attr.gid_mappings = gids;
  attr.ngid_mappings = ngids;
  return attr;
}

static void becomes(fe_attr *attr, const char *uids, const char *gids, const char *groups,
                    const char *setgroups_file) {
  char *seen = probe_in(attr, FE_WAY_PIPED);
  CHECK_STR(value(seen, "uid"), uids);
  CHECK_STR(value(seen, "gid"), gids);
  CHECK_STR(value(seen, "groups"), groups);
  CHECK_STR(value(seen, "setgroups"), setgroups_file);
  free(seen);
}

static const fe_id_map several[] = {{100, 1000, 10}, {7, 0, 1}, {4294967290u, 4294967200u, 2}};

static void ids_inside(void) {
  need_root();
  const fe_id_map root = {0, 0, 1};
  fe_attr attr = mapped(&root, 1, &root, 1);
  becomes(&attr, "0 0 0", "0 0 0", "", "deny");
  attr = mapped(several, 3, several, 3);
  becomes(&attr, "7 7 7", "7 7 7", "", "deny");
  attr = mapped(several, 3, NULL, 0);
  becomes(&attr, "7 7 7", "65534 65534 65534", "", "allow");
  attr = mapped(NULL, 0, several, 3);
  becomes(&attr, "65534 65534 65534", "7 7 7", "", "deny");
}

static void credential_inside(void) {
  need_root();
  const gid_t outside[] = {1003, 1004}, inside[] = {105, 106};
  NEED(setgroups(2, outside) == 0);
  fe_credential credential = FE_CREDENTIAL_INIT;
  credential.uid = 101;
  credential.gid = 102;
  fe_attr attr = mapped(several, 3, several, 3);
  attr.credential = &credential;
  becomes(&attr, "101 101 101", "102 102 102", "103 104", "deny");
  /* Denied: an empty list is skipped, any other refused. */
  credential.groups = inside;
  becomes(&attr, "101 101 101", "102 102 102", "103 104", "deny");
  credential.ngroups = 2;
  refused(attr, FE_WAY_PIPED, EINVAL, FE_STEP_ARGS);
  attr.flags = FE_ALLOW_SETGROUPS;
  becomes(&attr, "101 101 101", "102 102 102", "105 106", "allow");
  credential.ngroups = 0;
  becomes(&attr, "101 101 101", "102 102 102", "", "allow");
  /* Ids that are not in the map. */
  credential.uid = 1000;
  refused(attr, FE_WAY_PIPED, EINVAL, FE_STEP_SETUID);
  credential.gid = 1000;
  refused(attr, FE_WAY_PIPED, EINVAL, FE_STEP_SETGID);
}

static void the_way_with_maps(void) {
  need_root();
  fe_attr attr = mapped(several, 3, several, 3);
  attr.argv = name_only;
  attr.path = "/bin/true";
  auto_takes(&attr, FE_WAY_PIPED);
  if (expected_way(FE_WAY_SHARED) == 0) return;
  refused(attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS);
  refused(attr, FE_WAY_COPY, EINVAL, FE_STEP_ARGS);
}

static void maps_the_kernel_refuses(void) {
  need_root();
  const fe_id_map good = {0, 0, 1}, overlap[] = {{0, 0, 10}, {5, 20, 10}};
  const fe_id_map beyond = {0, 4294967295u, 1};
  fe_id_map many[341];
  for (unsigned i = 0; i < 341; i++) many[i] = (fe_id_map){2 * i, 2 * i, 1};
  const struct {
    const fe_id_map *map;
    size_t count;
  } bad[] = {{overlap, 2}, {&beyond, 1}, {many, 341}};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    fe_attr attr = mapped(bad[i].map, bad[i].count, &good, 1);
    refused(attr, FE_WAY_PIPED, EINVAL, FE_STEP_UID_MAP);
    attr = mapped(&good, 1, bad[i].map, bad[i].count);
    attr.flags = FE_PIDFD;
    refused(attr, FE_WAY_PIPED, EINVAL, FE_STEP_GID_MAP);
  }
  fe_attr attr = mapped(many, 340, many, 340);
  becomes(&attr, "0 0 0", "0 0 0", "", "deny");
}

static void maps_without_privilege(void) {
  need_root();
  become_unprivileged();
  need_user_namespaces();
  const fe_id_map own = {0, UNPRIVILEGED, 1}, other = {0, 0, 1}, range = {0, UNPRIVILEGED, 2};
  fe_attr attr = mapped(&own, 1, &own, 1);
  becomes(&attr, "0 0 0", "0 0 0", "", "deny");
  attr.cloneflags |= CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC |
                     (world_has(HAS_CGROUP_NAMESPACES) ? CLONE_NEWCGROUP : 0);
  becomes(&attr, "0 0 0", "0 0 0", "", "deny");
  attr = mapped(NULL, 0, NULL, 0);
  EACH_WAY_BUT_SHARED(way) free(probe_in(&attr, way));

  const fe_id_map *bad[] = {&other, &range};
  for (int i = 0; i < 2; i++) {
    attr = mapped(bad[i], 1, &own, 1);
    refused(attr, FE_WAY_PIPED, EPERM, FE_STEP_UID_MAP);
    attr = mapped(&own, 1, bad[i], 1);
    refused(attr, FE_WAY_PIPED, EPERM, FE_STEP_GID_MAP);
  }
  attr = mapped(&own, 1, &own, 1);
  attr.flags = FE_ALLOW_SETGROUPS;
  refused(attr, FE_WAY_PIPED, EPERM, FE_STEP_GID_MAP);
}

/* Each thread's child inherits the pipe on which the other's waits for its maps. */
static void *refused_again_and_again(void *unused) {
  (void)unused;
  static char *argv[] = {(char *)"true", NULL};
  const fe_id_map overlap[] = {{0, 0, 2}, {1, 5, 1}};
  fe_attr attr = mapped(overlap, 2, NULL, 0);
  attr.path = "/bin/true";
  attr.argv = argv;
  for (int i = 0; i < 2000; i++) {
    fe_child child;
    fe_error error;
    CHECK_INT(fe_spawn(&attr, &child, &error), -1);
    CHECK_INT(error.errnum, EINVAL);
    CHECK_INT(error.step, FE_STEP_UID_MAP);
  }
  return NULL;
}

static void refused_in_two_threads(void) {
  need(HAS_NAMESPACES);
  need(HAS_CLONE_FLAGS);
  need_root();
  pthread_t other;
  NEED(pthread_create(&other, NULL, refused_again_and_again, NULL) == 0);
  refused_again_and_again(NULL);
  NEED(pthread_join(other, NULL) == 0);
  check_no_child();
}

/* Both pipes are there when the clone is refused. */
static void no_clone_for_maps(void) {
  const fe_id_map own = {0, 0, 1};
  refuse(SYS_clone3, ENOSYS);
  refuse(SYS_clone, EPERM);
  refused(mapped(&own, 1, &own, 1), FE_WAY_PIPED, EPERM, FE_STEP_CLONE);
}

static void until_the_child_is_dead(pid_t parent) {
  (void)parent;
  usleep(20000);
}

/* A child that is dead when its parent tells it that the maps are written: no reason for SIGPIPE. */
static void dead_before_its_maps(void) {
  need_root();
  const fe_id_map own = {0, 0, 1};
  only(3);
  static struct watcher watcher = {until_the_child_is_dead, 0, 0, -1};
  watch_if(&watcher, SYS_openat, 2, ~0U, O_WRONLY | O_CLOEXEC); /* of the maps */
  /* The two numbers that are free first are the error pipe's; from the third the parent never reads. */
  int free = dup(0);
  close(free);
  refuse_if(SYS_read, KILL, 0, ~0U, (uint32_t)free + 2);
  for (int i = 0; i < 5; i++) {
    fe_attr attr = mapped(&own, 1, &own, 1);
    attr.path = "/bin/true";
    attr.argv = name_only;
    spawn_killed(&attr, FE_WAY_PIPED, SIGSYS, FE_STEP_MAPS_WAIT, -1);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"each kind of namespace, and its way", each_kind},
      {"CLONE_NEWPID: pid 1 inside", pid_1},
      {"EPERM without privilege", without_privilege},
      {"propagation of mounts", mounts},
      {"ids inside", ids_inside},
      {"credential and groups inside", credential_inside},
      {"maps take the piped way", the_way_with_maps},
      {"maps that the kernel refuses", maps_the_kernel_refuses},
      {"maps without privilege", maps_without_privilege},
      {"maps refused in two threads at once", refused_in_two_threads},
      {"no clone for a child with maps", no_clone_for_maps},
      {"dead before its maps are written", dead_before_its_maps},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
