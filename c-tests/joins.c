/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_namespaces: what a child enters, and what it makes of its own; FE_PIVOT_ROOT. */
#include "test.h"

#include "beside.h"
#include "cgroup.h"
#include "filter.h"
#include "namespaces.h"

#include <pthread.h>
#include <sys/mount.h>
#include <sys/syscall.h>

#define OWN_MEMORY ((uint64_t)(CLONE_NEWUSER | CLONE_NEWTIME))

/* A process that has namespaces of its own, until it is let go. */
struct holder {
  pid_t pid;
  int pidfd, let_go;
};

static struct holder hold(uint64_t flags) {
  int ready[2], end[2];
  char byte = 0;
  NEED(pipe2(ready, O_CLOEXEC) == 0 && pipe2(end, O_CLOEXEC) == 0);
  struct holder holder = {fork_apart(), -1, end[1]};
  if (holder.pid == 0) {
    close(end[1]);
    if (unshare((int)(flags & ~(uint64_t)CLONE_NEWTIME)) != 0) _exit(1);
    if (flags & CLONE_NEWTIME && unshare(CLONE_NEWTIME) != 0) _exit(1);
    /* Whose children are in the new ones: they are of use when there is one. */
    pid_t inner = fork();
    if (inner == 0) {
      byte = write(ready[1], "", 1) != 1;
      while (read(end[0], &byte, 1) > 0) continue;
      _exit(0);
    }
    _exit(waitpid(inner, NULL, 0) != inner);
  }
  close(ready[1]);
  close(end[0]);
  NEED(read(ready[0], &byte, 1) == 1);
  close(ready[0]);
  return holder;
}

/* The process inside. */
static pid_t inner_of(const struct holder *holder) {
  char path[80];
  int pid = -1;
  snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)holder->pid, (int)holder->pid);
  FILE *file = fopen(path, "re");
  NEED(file != NULL && fscanf(file, "%d", &pid) == 1);
  fclose(file);
  return pid;
}

static void release(struct holder *holder) {
  close(holder->let_go);
  int status;
  NEED(waitpid(holder->pid, &status, 0) == holder->pid);
  CHECK_INT(status, 0);
}

static int open_link(pid_t pid, const char *link) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, link);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  NEED(fd >= 0);
  return fd;
}

static void check_same(const char *seen, pid_t pid, uint64_t flags) {
  check_links(seen, flags);
  for (int i = 0; i < KINDS; i++) {
    char path[64], key[16], theirs[64] = "";
    if (!(flags & kinds[i].flag)) continue;
    snprintf(path, sizeof path, "/proc/%d/ns/%s", (int)pid, kinds[i].link);
    snprintf(key, sizeof key, "ns.%s", kinds[i].link);
    NEED(readlink(path, theirs, sizeof theirs - 1) > 0);
    CHECK_STR(value(seen, key), theirs);
  }
}

static fe_attr with(const fe_namespaces *namespaces) {
  fe_attr attr = FE_ATTR_INIT;
  attr.namespaces = namespaces;
  return attr;
}

static fe_attr nothing_with(const fe_namespaces *namespaces) {
  fe_attr attr = nothing();
  attr.namespaces = namespaces;
  return attr;
}

static uint64_t all_kinds(void) {
  uint64_t all = 0;
  for (int i = 0; i < KINDS; i++)
    if (kinds[i].flag != CLONE_NEWUSER && is_there(i)) all |= kinds[i].flag;
  return all;
}

static void not_by_sharing(fe_attr attr) {
  fe_child child;
  fe_error error;
  attr.way = FE_WAY_SHARED;
  CHECK(fe_spawn(&attr, &child, &error) == -1 && errno == EINVAL && error.step == FE_STEP_ARGS);
}

static char *probe_unharmed(fe_attr *attr, unsigned way) {
  char *before = snapshot();
  char *seen = probe(attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  /* Nor is a child that comes later elsewhere. */
  fe_attr plain = FE_ATTR_INIT;
  char *later = probe(&plain, way);
  check_links(later, 0);
  free(later);
  return seen;
}

static void each_by_its_file(void) {
  need(HAS_ONE_THREAD | HAS_NAMESPACES | HAS_TIME_NAMESPACES);
  need_root();
  uint64_t all = all_kinds();
  struct holder holder = hold(all);
  pid_t inner = inner_of(&holder);
  EACH_WAY(way) {
    for (int i = 0; i < KINDS; i++) {
      if (!(all & kinds[i].flag) || (way == FE_WAY_SHARED && kinds[i].flag & OWN_MEMORY)) continue;
      /* Where no file is: the child takes over that far. */
      int fd = open_link(inner, kinds[i].link);
      fe_join join = {fcntl(fd, F_DUPFD_CLOEXEC, 900), (int)kinds[i].flag};
      close(fd);
      fe_namespaces namespaces = FE_NAMESPACES_INIT;
      namespaces.joins = &join;
      namespaces.njoins = 1;
      fe_attr attr = with(&namespaces);
      attr.flags = FE_CLOSE_OTHERS;
      char *seen = probe_unharmed(&attr, way);
      check_same(seen, inner, kinds[i].flag);
      CHECK_INT(number(seen, "fds"), 3);
      free(seen);
      close(join.fd);
    }
  }
  release(&holder);
}

static void all_by_a_pidfd(void) {
  need(HAS_ONE_THREAD | HAS_PIDFD | HAS_NAMESPACES | HAS_TIME_NAMESPACES);
  need_root();
  uint64_t all = all_kinds();
  struct holder holder = hold(all);
  pid_t inner = inner_of(&holder);
  fe_join joins[] = {{(int)syscall(SYS_pidfd_open, inner, 0), (int)(all & ~OWN_MEMORY)}, {0, CLONE_NEWTIME}};
  NEED(joins[0].fd >= 0);
  joins[1].fd = joins[0].fd;
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++) {
    if (expected_way(way) == 0) continue;
    fe_namespaces namespaces = FE_NAMESPACES_INIT;
    bool own_memory = all & CLONE_NEWTIME && way != FE_WAY_SHARED && way != FE_WAY_CONCURRENT;
    namespaces.joins = joins;
    namespaces.njoins = own_memory ? 2 : 1;
    fe_attr attr = with(&namespaces);
    char *seen = probe_unharmed(&attr, way);
    check_same(seen, inner, own_memory ? all : all & ~OWN_MEMORY);
    /* A process like any other of that pid namespace: not its init. */
    CHECK(number(seen, "pid") > 1);
    CHECK_INT(number(seen, "ppid"), 0);
    free(seen);
    if (!own_memory) continue;
    attr = nothing_with(&namespaces);
    not_by_sharing(attr);
    auto_takes(&attr, FE_WAY_COPY);
  }
  release(&holder);
}

/* One's own user namespace first gives the right to enter what belongs to it. */
static void in_a_user_namespace(void) {
  need_root();
  become_unprivileged();
  need_user_namespaces();
  struct holder holder = hold(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS);
  fe_join joins[] = {{open_link(inner_of(&holder), "user"), CLONE_NEWUSER},
                     {open_link(inner_of(&holder), "net"), CLONE_NEWNET}};
  fe_namespaces namespaces = FE_NAMESPACES_INIT;
  namespaces.joins = joins;
  namespaces.njoins = 2;
  namespaces.unshare = CLONE_NEWUTS;
  EACH_WAY_BUT_SHARED(way) {
    fe_attr attr = with(&namespaces);
    char *seen = probe(&attr, way);
    check_links(seen, CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWUTS);
    free(seen);
    fe_namespaces wrong = namespaces;
    const fe_join turned[] = {joins[1], joins[0]};
    wrong.joins = turned;
    attr = nothing_with(&wrong);
    spawn_fails_fast(&attr, way, EPERM, FE_STEP_SETNS);
    wrong.njoins = 0;
    wrong.joins = NULL;
    attr = nothing_with(&wrong);
    spawn_fails_fast(&attr, way, EPERM, FE_STEP_UNSHARE);
  }
  fe_attr attr = nothing_with(&namespaces);
  not_by_sharing(attr);
  auto_takes(&attr, FE_WAY_COPY);
  release(&holder);
}

static void *in_its_own_thread(void *argument) {
  fe_attr *attr = argument;
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_PIPED; way++) {
    fe_child child;
    fe_error error;
    int status = -1;
    fe_attr mine = *attr;
    mine.way = way;
    for (int i = 0; i < 20; i++) {
      CHECK(fe_spawn(&mine, &child, &error) == 0 && fe_wait(&child, -1, &status) == 0);
      CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
      fe_child_close(&child);
    }
  }
  return NULL;
}

/* It is a matter of the calling thread: others start their children where they belong, meanwhile too. */
static void beside_others(void) {
  need(HAS_NAMESPACES);
  need_root();
  if (world() != WORLD_KERNEL) skip("in two ways");
  struct holder holder = hold(CLONE_NEWPID);
  fe_join join = {open_link(inner_of(&holder), "pid"), CLONE_NEWPID};
  fe_namespaces namespaces = FE_NAMESPACES_INIT;
  namespaces.joins = &join;
  namespaces.njoins = 1;
  static char *argv[] = {(char *)"sh", (char *)"-c", (char *)"exec test $PPID -ne 0", NULL};
  static char *argv_inside[] = {(char *)"sh", (char *)"-c", (char *)"exec test $PPID -eq 0", NULL};
  fe_attr outside = FE_ATTR_INIT, inside = FE_ATTR_INIT;
  outside.path = inside.path = "/bin/sh";
  outside.argv = argv;
  inside.argv = argv_inside;
  inside.namespaces = &namespaces;
  pthread_t thread[4];
  for (int i = 0; i < 4; i++)
    NEED(pthread_create(&thread[i], NULL, in_its_own_thread, i % 2 ? &inside : &outside) == 0);
  for (int i = 0; i < 4; i++) NEED(pthread_join(thread[i], NULL) == 0);
  release(&holder);
}

static void made_by_the_child(void) {
  need(HAS_NAMESPACES | HAS_CGROUP_NAMESPACES);
  need_root();
  EACH_WAY(way) {
    for (int i = 0; i < KINDS; i++) {
      /* These two are the children's, and the program's own from exec on. */
      if (kinds[i].flag & (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWTIME)) continue;
      if (!is_there(i)) continue;
      fe_namespaces namespaces = FE_NAMESPACES_INIT;
      namespaces.unshare = kinds[i].flag;
      fe_attr attr = with(&namespaces);
      char *seen = probe_unharmed(&attr, way);
      check_links(seen, kinds[i].flag);
      if (kinds[i].flag == CLONE_NEWNS) CHECK_INT(number(seen, "shared_mounts"), 0);
      free(seen);
    }
    static char *argv[] = {(char *)"sh", (char *)"-c", (char *)"test \"$(sh -c 'echo $$')\" = 1", NULL};
    fe_namespaces namespaces = FE_NAMESPACES_INIT;
    namespaces.unshare = CLONE_NEWPID;
    fe_attr attr = with(&namespaces);
    attr.path = "/bin/sh";
    attr.argv = argv;
    spawn_exits(&attr, way, 0);
  }
}

/* Its root is the cgroup that the child is in by then. */
static void a_cgroup_namespace(void) {
  need(HAS_NAMESPACES | HAS_CGROUP_NAMESPACES);
  need_root();
  char mount_point[300], dir[400];
  find_mount(mount_point, sizeof mount_point);
  snprintf(dir, sizeof dir, "%s/forkexec-joins-%d", mount_point, (int)getpid());
  if (mkdir(dir, 0755) != 0) skip("no cgroup can be made");
  fe_namespaces namespaces = FE_NAMESPACES_INIT;
  namespaces.unshare = CLONE_NEWCGROUP;
  EACH_WAY(way) {
    fe_attr attr = with(&namespaces);
    attr.flags = FE_CGROUP;
    attr.cgroup = open(dir, O_DIRECTORY | O_CLOEXEC);
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "cgroup"), "/");
    free(seen);
    close(attr.cgroup);
  }
  CHECK_INT(rmdir(dir), 0);
}

static void time_offsets(void) {
  need(HAS_NAMESPACES | HAS_TIME_NAMESPACES);
  need_root();
  if (!is_there(TIME)) skip("no time namespaces");
  const struct timespec later = {100000, 5}, earlier = {-1, 0};
  static char *argv[] = {(char *)"sh", (char *)"-c",
                         (char *)"read -r up _ </proc/uptime; test \"${up%.*}\" -ge 100000 && "
                                 "grep -q '^monotonic *-1 *0$' /proc/self/timens_offsets", NULL};
  EACH_WAY(way) {
    fe_namespaces namespaces = FE_NAMESPACES_INIT;
    namespaces.unshare = CLONE_NEWTIME;
    namespaces.monotonic_offset = &earlier;
    namespaces.boottime_offset = &later;
    fe_attr attr = with(&namespaces);
    attr.path = "/bin/sh";
    attr.argv = argv;
    spawn_exits(&attr, way, 0);
    /* Before the start of the machine. */
    const struct timespec never = {-2000000000, 0};
    namespaces.boottime_offset = &never;
    spawn_fails(&attr, way, ERANGE, FE_STEP_TIME_OFFSETS, -1);
  }
}

static int mounts_of(pid_t pid) {
  char path[64], line[4096];
  int count = 0;
  snprintf(path, sizeof path, "/proc/%d/mountinfo", (int)pid);
  FILE *file = fopen(path, "re");
  NEED(file != NULL);
  while (fgets(line, sizeof line, file)) count++;
  fclose(file);
  return count;
}

static void a_root_of_its_own(void) {
  need_root();
  char root[400], old[400];
  snprintf(root, sizeof root, "%s/root", scratch());
  snprintf(old, sizeof old, "%s/root/probe", scratch());
  NEED(mkdir(root, 0755) == 0);
  install_probe(old);
  for (int i = 0; i < 2; i++) {
    EACH_WAY(way) {
      fe_namespaces namespaces = FE_NAMESPACES_INIT;
      static char *argv[] = {(char *)"/probe", NULL};
      namespaces.unshare = i ? CLONE_NEWNS : 0;
      fe_attr attr = with(&namespaces);
      attr.cloneflags = i ? 0 : CLONE_NEWNS;
      attr.flags = FE_PIVOT_ROOT;
      attr.chroot = i ? "root" : root;
      if (i) NEED(chdir(scratch()) == 0);
      attr.path = "/probe";
      attr.argv = argv;
      char *before = snapshot();
      char *seen = probe(&attr, way);
      CHECK_STR(value(seen, "cwd"), "/");
      free(seen);
      /* The old one is not there, by no way: one mount, this. */
      if (way == FE_WAY_PIPED) {
        fe_child child;
        attr.flags |= FE_SUSPEND;
        attr.argv = argv;
        NEED(spawn(&attr, way, &child));
        CHECK_INT(mounts_of(child.pid), 1);
        fe_child_close(&child);
        attr.flags &= ~FE_SUSPEND;
      }
      static char *list[] = {(char *)"sh", NULL};
      fe_attr missing = attr;
      missing.path = "/bin/sh";
      missing.argv = list;
      spawn_fails(&missing, way, ENOENT, FE_STEP_EXEC, -1);
      missing.chroot = "/nonexistent";
      spawn_fails(&missing, way, ENOENT, FE_STEP_PIVOT_ROOT, 0);
      char *after = snapshot();
      CHECK_STR(after, before);
      free(before);
      free(after);
    }
  }
  CHECK(access("/bin/sh", X_OK) == 0);
}

/* Each of its calls, by its index. */
static void refused_root(unsigned way, const void *with) {
  static const long calls[] = {SYS_mount, SYS_chdir, SYS_pivot_root, SYS_umount2};
  const int *index = with;
  fe_attr attr = nothing();
  attr.cloneflags = CLONE_NEWNS;
  attr.flags = FE_PIVOT_ROOT;
  attr.chroot = scratch();
  /* Of the mounts that which binds: another makes them private first, lest they come out. */
  if (*index == 0) refuse_if(SYS_mount, EXDEV, 3, UINT32_MAX, MS_BIND | MS_REC);
  else refuse(calls[*index], EXDEV);
  spawn_fails(&attr, way, EXDEV, FE_STEP_PIVOT_ROOT, *index);
}

static void each_call_for_a_root(void) {
  need_root();
  static const int indices[] = {0, 1, 2, 3};
  for (int i = 0; i < 4; i++) EACH_WAY(way) apart(refused_root, way, &indices[i]);
  /* The root that is there already. */
  fe_attr attr = nothing();
  attr.cloneflags = CLONE_NEWNS;
  attr.flags = FE_PIVOT_ROOT;
  attr.chroot = "/";
  EACH_WAY(way) spawn_fails(&attr, way, EBUSY, FE_STEP_PIVOT_ROOT, 2);
}

static void refusals(void) {
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
  NEED(net >= 0);
  static const int bad[] = {0, -1, 1, CLONE_NEWNET | 1, CLONE_VM};
  fe_namespaces namespaces = FE_NAMESPACES_INIT;
  fe_join joins[3] = {{net, CLONE_NEWNET}, {net, CLONE_NEWNET}, {net, CLONE_NEWNET}};
  namespaces.joins = joins;
  namespaces.njoins = 3;
  fe_attr attr = nothing_with(&namespaces);
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    joins[1].nstype = bad[i];
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, 1);
  }
  joins[0].nstype = joins[1].nstype = CLONE_NEWPID;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, 1);
  joins[0].nstype = joins[1].nstype = CLONE_NEWNET;
  joins[2].fd = 800;
  spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_SETNS, 2);
  joins[2].fd = -1;
  spawn_fails(&attr, FE_WAY_AUTO, EBADF, FE_STEP_SETNS, 2);
  namespaces.joins = NULL;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  namespaces.njoins = 0;
  static const uint64_t flags[] = {CLONE_NEWUSER, CLONE_VM, CLONE_FILES, 1, UINT64_C(1) << 40};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    namespaces.unshare = flags[i];
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
  struct timespec offset = {1, 0};
  namespaces.unshare = CLONE_NEWNET;
  namespaces.boottime_offset = &offset;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  namespaces.unshare = CLONE_NEWTIME;
  offset.tv_nsec = 1000000000;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  offset.tv_nsec = -1;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  namespaces.boottime_offset = NULL;
  namespaces.unshare = 0;
  namespaces.size = 40;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.namespaces = NULL;
  attr.flags = FE_PIVOT_ROOT;
  attr.cloneflags = CLONE_NEWNS;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.chroot = "/";
  attr.cloneflags = 0;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr.cloneflags = CLONE_NEWNS;
  attr.flags |= FE_CHROOT_KEEP_CWD;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  attr = nothing();
  attr.flags = FE_NEWIDMAP;
  spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
}

static void what_the_kernel_refuses(void) {
  need_root();
  int net = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), file = open("/dev/null", O_RDONLY | O_CLOEXEC);
  NEED(net >= 0 && file >= 0);
  fe_join joins[2] = {{net, CLONE_NEWNET}, {net, CLONE_NEWUTS}};
  fe_namespaces namespaces = FE_NAMESPACES_INIT;
  namespaces.joins = joins;
  namespaces.njoins = 2;
  EACH_WAY(way) {
    fe_attr attr = nothing_with(&namespaces);
    joins[1].fd = net;
    joins[1].nstype = CLONE_NEWUTS;
    spawn_fails(&attr, way, EINVAL, FE_STEP_SETNS, 1);
    joins[1].nstype = CLONE_NEWPID;
    spawn_fails(&attr, way, EINVAL, FE_STEP_SETNS, 1);
    joins[1].fd = file;
    spawn_fails(&attr, way, EINVAL, FE_STEP_SETNS, 1);
    check_no_child();
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"each by its file", each_by_its_file},
      {"all by a pidfd", all_by_a_pidfd},
      {"in a user namespace", in_a_user_namespace},
      {"beside other threads", beside_others},
      {"made by the child", made_by_the_child},
      {"a cgroup namespace", a_cgroup_namespace},
      {"time offsets", time_offsets},
      {"a root of its own", a_root_of_its_own},
      {"each call for a root", each_call_for_a_root},
      {"refusals", refusals},
      {"what the kernel refuses", what_the_kernel_refuses},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
