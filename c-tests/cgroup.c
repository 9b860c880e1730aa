/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_CGROUP: a child that is born in another cgroup. */
#include "test.h"

#include "cgroup.h"
#include "filter.h"

static char *name_only[] = {(char *)"true", NULL};

static char top[400]; /* of this case, in a mounted cgroup2 */

static const char *below(const char *name) {
  static char paths[4][500];
  static unsigned next;
  char *path = paths[next++ % 4];
  snprintf(path, sizeof paths[0], "%s%s%s", top, name[0] ? "/" : "", name);
  return path;
}

static pid_t maker;

/* Not by a part of the case. */
static void remove_cgroups(void) {
  if (getpid() != maker) return;
  static const char *const names[] = {"threads", "domain", ""};
  /* The zombies are waited for, so they are empty. */
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) rmdir(below(names[i]));
}

static int new_cgroup(int oflag) {
  char mount_point[300];
  need_root();
  find_mount(mount_point, sizeof mount_point);
  snprintf(top, sizeof top, "%s/forkexec-test-%d", mount_point, (int)getpid());
  if (mkdir(top, 0755) != 0) skip("no cgroup can be made");
  maker = getpid();
  atexit(remove_cgroups);
  int fd = open(top, O_DIRECTORY | O_CLOEXEC | oflag);
  NEED(fd >= 0);
  return fd;
}

static fe_attr into(int cgroup) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_CGROUP;
  attr.cgroup = cgroup;
  return attr;
}

static fe_attr nothing(int cgroup) {
  fe_attr attr = into(cgroup);
  attr.path = "/bin/true";
  attr.argv = name_only;
  return attr;
}

static bool ends_with_name(const char *path) {
  const char *name = strrchr(top, '/');
  size_t length = strlen(path), wanted = strlen(name);
  return length >= wanted && strcmp(path + length - wanted, name) == 0;
}

static void own_cgroup(char *line, size_t size) {
  FILE *file = fopen("/proc/self/cgroup", "re");
  NEED(file != NULL);
  while (fgets(line, (int)size, file) && strncmp(line, "0::", 3) != 0) continue;
  fclose(file);
}

static void born_there(void) {
  static const int oflags[] = {O_RDONLY, O_PATH};
  char before[4096], after[4096];
  own_cgroup(before, sizeof before);
  int first = new_cgroup(O_RDONLY);
  EACH_WAY(way) {
    for (int i = 0; i < 2; i++) {
      int cgroup = open(top, O_DIRECTORY | O_CLOEXEC | oflags[i]);
      static const uint64_t flags[] = {0, FE_PIDFD, FE_SETSID, FE_CLOSE_OTHERS};
      for (size_t j = 0; j < sizeof flags / sizeof *flags; j++) {
        fe_attr attr = into(cgroup);
        attr.flags |= flags[j];
        char *seen = probe(&attr, way);
        CHECK(ends_with_name(value(seen, "cgroup")));
        free(seen);
      }
      fe_attr outside = FE_ATTR_INIT;
      char *seen = probe(&outside, way);
      CHECK(!ends_with_name(value(seen, "cgroup")));
      free(seen);
      close(cgroup);
    }
  }
  /* As any number of a descriptor. */
  NEED(dup3(first, 0, O_CLOEXEC) == 0);
  fe_attr attr = nothing(0);
  auto_takes(&attr, FE_WAY_SHARED);
  own_cgroup(after, sizeof after);
  CHECK_STR(after, before);
}

/* It is the caller's descriptor: the child may lose it, and have no right to it. */
static void whatever_becomes_of_the_child(void) {
  int cgroup = new_cgroup(O_RDONLY);
  NEED(dup3(cgroup, 5, O_CLOEXEC) == 5);
  const gid_t none = 0;
  fe_credential other = FE_CREDENTIAL_INIT;
  other.uid = other.gid = UNPRIVILEGED;
  other.groups = &none;
  const int files[] = {0, 1, 2, 0, 0, 0};
  EACH_WAY_BUT_SHARED(way) {
    fe_attr attr = into(5);
    attr.files = files;
    attr.nfiles = 6;
    attr.cloneflags = CLONE_NEWNET | CLONE_NEWUSER;
    char *seen = probe(&attr, way);
    CHECK(ends_with_name(value(seen, "cgroup")));
    free(seen);
    attr.cloneflags = 0;
    attr.credential = &other;
    seen = probe(&attr, way);
    CHECK(ends_with_name(value(seen, "cgroup")));
    CHECK_STR(value(seen, "uid"), "65534 65534 65534");
    free(seen);
  }
}

/* Which errno a cgroup has that was removed depends on the kernel. */
static int errno_of_removed(int cgroup) {
  const uint64_t args[11] = {UINT64_C(0x200000000) /* CLONE_INTO_CGROUP */, 0, 0, 0, SIGCHLD, 0, 0, 0,
                             0, 0, (uint64_t)cgroup};
  long pid = syscall(SYS_clone3, args, sizeof args);
  if (pid == 0) _exit(0);
  NEED(pid < 0);
  return errno;
}

static void not_permitted(unsigned way, const void *cgroup) {
  become_unprivileged();
  fe_attr attr = nothing(*(const int *)cgroup);
  spawn_fails(&attr, way, EACCES, FE_STEP_CGROUP, -1);
}

static void refused_by_the_kernel(void) {
  need(HAS_CLONE3);
  int cgroup = new_cgroup(O_RDONLY);
  NEED(mkdir(below("threads"), 0755) == 0 && mkdir(below("domain"), 0755) == 0);
  int domain = open(below("domain"), O_PATH | O_DIRECTORY | O_CLOEXEC);
  int plain = open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  int file = open(below("cgroup.procs"), O_RDONLY | O_CLOEXEC);
  NEED(domain >= 0 && plain >= 0 && file >= 0);
  EACH_WAY(way) {
    fe_attr attr = nothing(plain);
    spawn_fails(&attr, way, EBADF, FE_STEP_CGROUP, -1);
    attr.cgroup = file;
    spawn_fails(&attr, way, EBADF, FE_STEP_CGROUP, -1);
    attr.cgroup = domain;
    spawn_exits(&attr, way, 0);
  }
  /* Beside a threaded one it cannot have processes. */
  write_to(below("threads/cgroup.type"), "threaded");
  EACH_WAY(way) {
    fe_attr attr = nothing(domain);
    spawn_fails(&attr, way, EOPNOTSUPP, FE_STEP_CGROUP, -1);
  }
  NEED(rmdir(below("threads")) == 0);
  EACH_WAY(way) {
    /* What fails later is another matter. */
    fe_attr attr = nothing(cgroup);
    attr.dir = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
  }
  /* Apart, since it could not remove its cgroups. */
  EACH_WAY(way) apart(not_permitted, way, &cgroup);
}

static void removed(void) {
  need(HAS_CLONE3);
  new_cgroup(O_RDONLY);
  NEED(mkdir(below("domain"), 0755) == 0);
  int domain = open(below("domain"), O_PATH | O_DIRECTORY | O_CLOEXEC);
  NEED(domain >= 0 && rmdir(below("domain")) == 0);
  int errnum = errno_of_removed(domain);
  EACH_WAY(way) {
    fe_attr attr = nothing(domain);
    spawn_fails(&attr, way, errnum, FE_STEP_CGROUP, -1);
  }
}

static void not_open(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  static const int numbers[] = {800, -1, AT_FDCWD, INT32_MAX, INT32_MIN};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
    fe_attr attr = nothing(numbers[i]);
    spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_CGROUP, -1);
    /* A number whose flag was forgotten. */
    attr.flags = 0;
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
}

/* clone knows no cgroups: so the child enters it before all else. */
static void enters(unsigned way, int cgroup, const char *domain, int plain) {
  fe_attr attr = into(cgroup);
  attr.flags |= FE_CLOSE_OTHERS | FE_SETSID;
  char *seen = probe(&attr, way);
  CHECK(ends_with_name(value(seen, "cgroup")));
  CHECK_INT(number(seen, "fds"), 3);
  free(seen);
  /* What it says of it then is the same step. */
  attr = nothing(plain);
  spawn_fails(&attr, way, ENOENT, FE_STEP_CGROUP, -1);
  attr = nothing(cgroup);
  attr.dir = "/nonexistent";
  spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
  attr = nothing(open(domain, O_PATH | O_DIRECTORY | O_CLOEXEC));
  spawn_exits(&attr, way, 0);
  if (way != FE_WAY_PIPED) return;
  attr.flags |= FE_ASYNC;
  attr.way = FE_WAY_AUTO;
  fe_child child;
  fe_error error;
  NEED(fe_spawn(&attr, &child, &error) == 0 && fe_spawn_finish(&child, -1, &error) == 0);
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  fe_child_close(&child);
}

struct refusal {
  int errnum, cgroup, plain;
  const char *domain;
};

static void no_clone3(unsigned way, const void *with) {
  const struct refusal *refusal = with;
  refuse(SYS_clone3, refusal->errnum);
  enters(way, refusal->cgroup, refusal->domain, refusal->plain);
  fe_attr without = nothing(0);
  without.flags = 0;
  spawn_exits(&without, way, 0);
  enters(way, refusal->cgroup, refusal->domain, refusal->plain);
}

/* A kernel that is too old for cgroups alone is not taken for one without clone3. */
static void too_old(unsigned way, const void *with) {
  const struct refusal *refusal = with;
  static struct watcher watcher = {NULL, 0, 0, -1};
  watch_if(&watcher, SYS_clone3, 1, UINT32_MAX, 64); /* its thread may be made by the other */
  refuse_if(SYS_clone3, refusal->errnum, 1, UINT32_MAX, 88);
  fe_attr attr = nothing(refusal->cgroup);
  spawn_exits(&attr, way, 0);
  CHECK_INT(watcher.calls, 1);
  attr.flags = 0;
  attr.cgroup = 0;
  spawn_exits(&attr, way, 0);
  CHECK_INT(watcher.calls, 2);
  enters(way, refusal->cgroup, refusal->domain, refusal->plain);
}

static void each_refusal(void (*part)(unsigned way, const void *with), const int *errnums, size_t n) {
  struct refusal refusal = {0, new_cgroup(O_RDONLY), open(scratch(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), ""};
  NEED(refusal.plain >= 0 && mkdir(below("domain"), 0755) == 0);
  refusal.domain = below("domain");
  for (size_t i = 0; i < n; i++) {
    refusal.errnum = errnums[i];
    EACH_WAY(way) apart(part, way, &refusal);
  }
}

static void clone3_refused(void) {
  static const int errnums[] = {ENOSYS, E2BIG, EPERM};
  each_refusal(no_clone3, errnums, 3);
}

static void cgroups_refused(void) {
  need(HAS_CLONE3);
  static const int errnums[] = {E2BIG, EINVAL};
  each_refusal(too_old, errnums, 2);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"born in its cgroup", born_there},
      {"whatever becomes of the child", whatever_becomes_of_the_child},
      {"what the kernel refuses", refused_by_the_kernel},
      {"one that was removed", removed},
      {"not open, and without its flag", not_open},
      {"clone3 refused", clone3_refused},
      {"clone3 too old for cgroups", cgroups_refused},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
