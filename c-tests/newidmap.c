/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_NEWIDMAP: maps that newuidmap(1) and newgidmap(1) write for a user who may not. */
#include "test.h"

#include "beside.h"
#include "known.h"
#include "namespaces.h"

#include <grp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

static const fe_id_map maps[] = {{0, UNPRIVILEGED, 1}, {1, 300000, 1000}};

static void put(const char *path, const char *text, mode_t mode) {
  FILE *file = fopen(path, "we");
  NEED(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0 && chmod(path, mode) == 0);
}

static void in_place_of(const char *path) {
  const char *ours = kept_path(path + 5);
  put(ours, "nobody:300000:1000\n", 0644);
  NEED(mount(ours, path, NULL, MS_BIND, NULL) == 0);
}

/* The case is an unprivileged user, to whom a range is given for its time. */
static void need_helpers(void) {
  need_root();
  if (access("/usr/bin/newuidmap", X_OK) != 0) skip("needs newuidmap (Debian: uidmap)");
  NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  in_place_of("/etc/subuid");
  in_place_of("/etc/subgid");
  become_unprivileged();
  need_user_namespaces();
}

static fe_attr mapped(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.cloneflags = CLONE_NEWUSER;
  attr.flags = FE_NEWIDMAP | FE_ALLOW_SETGROUPS;
  attr.uid_mappings = attr.gid_mappings = maps;
  attr.nuid_mappings = attr.ngid_mappings = 2;
  return attr;
}

static fe_credential other = FE_CREDENTIAL_INIT;

static void a_range(void) {
  need(HAS_NAMESPACES | HAS_PIDFD);
  need_helpers();
  const gid_t group = 9;
  other.uid = other.gid = 7;
  other.groups = &group;
  other.ngroups = 1;
  fe_attr attr = mapped();
  attr.credential = &other;
  /* In its time of their own: with SIGCHLD ignored their status is not there, and a reaper may have it. */
  for (int ignored = 0; ignored < 2; ignored++) {
    signal(SIGCHLD, ignored ? SIG_IGN : SIG_DFL);
    for (int async = 0; async < 2; async++) {
      attr.timeout_ms = async ? 60000 : 0;
      char *seen = ignored ? NULL : probe(&attr, FE_WAY_PIPED);
      if (seen != NULL) {
        CHECK_STR(value(seen, "uid"), "7 7 7");
        CHECK_STR(value(seen, "gid"), "7 7 7");
        CHECK_STR(value(seen, "groups"), "9");
        free(seen);
        check_no_child();
        continue;
      }
      fe_attr plain = nothing();
      plain.cloneflags = attr.cloneflags;
      plain.flags = attr.flags | FE_PIDFD;
      plain.uid_mappings = plain.gid_mappings = maps;
      plain.nuid_mappings = plain.ngid_mappings = 2;
      fe_child child;
      fe_error error;
      CHECK_INT(fe_spawn(&plain, &child, &error), 0);
      fe_wait(&child, -1, NULL);
      fe_child_close(&child);
    }
  }
}

/* Nobody is asked for what the caller may write. */
static void no_need(void) {
  need(HAS_NAMESPACES);
  need_helpers();
  NEED(setenv("PATH", "/nonexistent", 1) == 0);
  fe_attr attr = mapped();
  attr.flags = FE_NEWIDMAP;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  char *seen = probe(&attr, FE_WAY_PIPED);
  CHECK_STR(value(seen, "uid"), "0 0 0");
  free(seen);
}

static void fails(fe_attr attr, int errnum, int step) {
  static char *argv[] = {(char *)"true", NULL};
  attr.path = "/bin/true";
  attr.argv = argv;
  spawn_fails(&attr, FE_WAY_PIPED, errnum, step, -1);
}

static void refused(void) {
  need(HAS_NAMESPACES);
  need_helpers();
  static const fe_id_map beyond[] = {{0, UNPRIVILEGED, 1}, {1, 300000, 1001}};
  fe_attr attr = mapped();
  attr.uid_mappings = beyond;
  fails(attr, EPERM, FE_STEP_UID_MAP);
  attr = mapped();
  attr.gid_mappings = beyond;
  fails(attr, EPERM, FE_STEP_GID_MAP);
  attr = mapped();
  attr.flags = FE_ALLOW_SETGROUPS;
  fails(attr, EPERM, FE_STEP_UID_MAP);
  /* Those of the caller's PATH, whatever they say. */
  char *bin = strdup(scratch_path("bin"));
  NEED(bin != NULL && mkdir(bin, 0755) == 0 && setenv("PATH", bin, 1) == 0);
  attr = mapped();
  fails(attr, ENOENT, FE_STEP_UID_MAP);
  char path[500];
  snprintf(path, sizeof path, "%s/newuidmap", bin);
  put(path, "#!/bin/sh\necho no; echo no >&2; exit 0\n", 0755);
  fails(attr, EPERM, FE_STEP_UID_MAP);
  free(bin);
}

/* ---- a caller with more privileges than its user ---- */

enum { OTHER = 1000 };

/* Started again with an effective user that is not the real one, which makes it so. */
static int secure(void) {
  fe_attr attr = mapped();
  fe_child child;
  fe_error error;
  attr.argv = (char *[]){(char *)"true", NULL};
  attr.path = "/bin/true";
  /* Else the maps of its children are root's, and no helper could write them. */
  NEED(prctl(PR_SET_DUMPABLE, 1) == 0);
  if (fe_spawn(&attr, &child, &error) == 0) return 2;
  return error.step == FE_STEP_UID_MAP && getauxval(AT_SECURE) != 0 ? 0 : 3;
}

/* Whether what stands in PATH was run. */
static bool runs_what_is_in_path(uid_t real) {
  const char *ran = kept_path("ran"), *bin = kept_path("evil"), *helper = kept_path("evil/newuidmap");
  char text[600];
  int status = -1;
  snprintf(text, sizeof text, "#!/bin/sh\n: >'%s'\n", ran);
  unlink(ran);
  NEED(mkdir(bin, 0755) == 0 || errno == EEXIST);
  put(helper, text, 0755);
  pid_t pid = fork();
  NEED(pid >= 0);
  if (pid == 0) {
    NEED(setenv("PATH", bin, 1) == 0 && setgroups(0, NULL) == 0);
    NEED(setresgid(OTHER, OTHER, OTHER) == 0 && setresuid(real, OTHER, OTHER) == 0);
    execl("/proc/self/exe", "newidmap", "--secure", (char *)NULL);
    _exit(9);
  }
  NEED(waitpid(pid, &status, 0) == pid);
  /* Without it the caller is no such program. */
  CHECK_INT(status, real == OTHER ? 3 << 8 : 0);
  return access(ran, F_OK) == 0;
}

static void with_privileges(void) {
  need_root();
  need(HAS_OWN_PROGRAMS);
  make_the_library_known();
  CHECK(runs_what_is_in_path(OTHER));
  CHECK(!runs_what_is_in_path(UNPRIVILEGED));
}

int main(int argc, char **argv) {
  if (argc == 2 && strcmp(argv[1], "--secure") == 0) return secure();
  static const struct test_case cases[] = {
      {"a range of subuid", a_range},
      {"no need of them", no_need},
      {"refused", refused},
      {"not from PATH, with privileges of its own", with_privileges},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
