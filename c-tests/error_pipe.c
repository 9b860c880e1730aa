/* SPDX-License-Identifier: BSD-3-Clause */
/* The piped way's own traps: its pipes among the numbers that the child's table uses, no number left for
 * them, another thread's fork that holds them open, and what proves that the child has execed, with /proc and without. */
#include "test.h"

#include "filter.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>

static char *const missing[] = {(char *)"/nonexistent", NULL};
static char *const quits[] = {(char *)"probe", NULL}; /* at once, with 64 */

/* With maps there are two pipes. */
static fe_attr attr_with(bool maps) {
  static const fe_id_map map = {0, 0, 1};
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = missing;
  if (maps) {
    attr.cloneflags = CLONE_NEWUSER;
    attr.uid_mappings = attr.gid_mappings = &map;
    attr.nuid_mappings = attr.ngid_mappings = 1;
  }
  return attr;
}

#define WITH_AND_WITHOUT_MAPS(maps)                                                                \
  for (int maps = 0; maps < (geteuid() == 0 && world() != WORLD_QEMU ? 2 : 1); maps++)

/* ---- numbers ---- */

/* What the probe must see: `count` targets of which `open` are open, all the same file, and no more. */
static void check_seen(const char *seen, int count, const char *file) {
  char key[40];
  int open = 0;
  if (!seen) return;
  for (int fd = 0; fd < count; fd++) {
    snprintf(key, sizeof key, "fd.%d", fd);
    if (*value(seen, key)) CHECK_STR(value(seen, key), file);
    open += *value(seen, key) != 0;
  }
  CHECK_INT(number(seen, "fds"), open);
}

static void the_pipe_is_a_target(void) {
  /* The pipes get the lowest numbers that are free: 3 to 6, or the holes below; out of the way of the
   * table they go beyond it. Every length of table that ends below, at or above them, filled and
   * closed, and with FE_CLOSE_OTHERS. */
  EACH_WAY(way) {
    WITH_AND_WITHOUT_MAPS(maps) {
      if (maps && way != FE_WAY_PIPED) continue;
      for (int hole = 0; hole < 4; hole++) {
        only(3);
        open_at(7, true); /* and something in between */
        if (hole < 3) close(hole);
        int source = hole == 0 ? 1 : 0;
        for (int count = 1; count < 12; count++) {
          for (int kind = 0; kind < 3; kind++) {
            int files[12];
            for (int i = 0; i < count; i++) files[i] = kind == 2 || (kind == 1 && i % 2) ? -1 : source;
            fe_attr attr = attr_with(maps);
            attr.files = files;
            attr.nfiles = (size_t)count;
            attr.flags = count % 2 ? FE_CLOSE_OTHERS : 0;
            spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
            if (way != FE_WAY_PIPED || kind == 2) continue;
            attr.argv = NULL;
            char *seen = probe(&attr, way);
            check_seen(seen, count, identity(source));
            free(seen);
          }
        }
      }
    }
  }
}

static void closed_stdio(void) {
  EACH_WAY(way) {
    WITH_AND_WITHOUT_MAPS(maps) {
      if (maps && way != FE_WAY_PIPED) continue;
      for (int set = 0; set < 8; set++) {
        only(3);
        for (int fd = 0; fd < 3; fd++) {
          NEED(fcntl(fd, F_SETFD, 0) == 0);
          if (set & 1 << fd) close(fd);
        }
        fe_attr attr = attr_with(maps);
        spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
        attr.dir = "/nonexistent";
        spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
        attr.dir = NULL;
        attr.argv = NULL;
        /* Left alone, and then set up by a table. */
        static const int all[] = {0, 1, 2};
        int files[3], open = 0;
        for (int fd = 0; fd < 3; fd++) {
          files[fd] = set & 1 << fd ? -1 : all[fd];
          open += files[fd] >= 0;
        }
        for (int table = 0; table < 2; table++) {
          attr.files = table ? files : NULL;
          attr.nfiles = table ? 3 : 0;
          char *seen = probe(&attr, way);
          if (!seen) continue;
          CHECK_INT(number(seen, "fds"), open);
          for (int fd = 0; fd < 3; fd++) {
            static const char *const keys[] = {"fd.0", "fd.1", "fd.2"};
            CHECK_STR(value(seen, keys[fd]), identity(fd));
          }
          free(seen);
        }
      }
    }
  }
}

static void no_number_left(void) {
  need(HAS_CLONE_FLAGS);
  need_root();
  struct rlimit limit, low;
  NEED(getrlimit(RLIMIT_NOFILE, &limit) == 0);
  low = limit;
  low.rlim_cur = 40;
  static const int files[] = {0, 1, 2};
  int beyond[40];
  for (int i = 0; i < 40; i++) beyond[i] = i % 3;
  for (int maps = 0; maps < 2; maps++) {
    int needed = maps ? 4 : 2;
    for (int left = 0; left <= needed; left++) {
      only(3);
      NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
      while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
      }
      for (int i = 0; i < left; i++) close(10 + i);
      fe_attr attr = attr_with(maps);
      attr.files = files;
      attr.nfiles = 3;
      if (left < needed)
        spawn_fails(&attr, FE_WAY_PIPED, EMFILE, FE_STEP_PIPE, -1);
      else
        /* The uid map's own descriptor takes the number that the error pipe's write end had. */
        spawn_fails(&attr, FE_WAY_PIPED, ENOENT, FE_STEP_EXEC, -1);
      /* No number beyond the table for the write end. */
      attr.files = beyond;
      attr.nfiles = 40;
      spawn_fails(&attr, FE_WAY_PIPED, EMFILE, FE_STEP_PIPE, -1);
      NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    }
  }
}

/* ---- held open by another's fork ---- */

/* A thread forks while the spawning thread stands in its clone, when the pipes are open, and nobody waits
 * for it (so it is the grandchild). What it holds is looked up in its /proc/PID/fd. */
static struct shared {
  pid_t holder;
  int pipes;
} *held;
static int pipes_before;

static int count_pipes(pid_t pid) {
  int count = 0;
  for (int fd = 0; fd < 64; fd++) {
    char path[64], link[64];
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)pid, fd);
    ssize_t n = readlink(path, link, sizeof link - 1);
    count += n > 5 && memcmp(link, "pipe:", 5) == 0;
  }
  return count;
}

static void hold(pid_t caller) {
  (void)caller;
  pid_t child = fork_apart();
  if (child == 0) {
    pid_t holder = fork_apart();
    if (holder > 0) held->holder = holder;
    if (holder != 0) _exit(0);
    alarm(20); /* if the case dies first */
    for (;;) pause();
  }
  waitpid(child, NULL, 0);
  held->pipes = count_pipes(held->holder);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void beside_a_holder(unsigned way, const void *with) {
  const fe_attr *given = with;
  static struct watcher watcher = {hold, 0, 0, -1};
  held = mmap(NULL, sizeof *held, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(held != MAP_FAILED);
  pipes_before = count_pipes(getpid());
  /* clone3's flags cannot be seen by a filter; those of fork(3) are others. */
  refuse(SYS_clone3, ENOSYS);
  watch_if(&watcher, SYS_clone, 0, ~0U, (uint32_t)given->cloneflags | SIGCHLD);
  fe_attr attr = *given;
  double start = now();
  if (attr.path) {
    fe_child child;
    if (spawn(&attr, way, &child)) {
      CHECK(now() - start < 1);
      CHECK_INT(fe_kill(&child, SIGKILL), 0);
      CHECK_INT(fe_wait(&child, -1, NULL), 0);
    }
  } else {
    spawn_fails(&attr, way, ENOENT, attr.dir ? FE_STEP_CHDIR : FE_STEP_EXEC, -1);
    CHECK(now() - start < 1);
  }
  CHECK_INT(watcher.calls, 1);
  /* It held them, read and write end each, and does so still. */
  CHECK_INT(held->pipes - pipes_before, given->cloneflags ? 4 : 2);
  CHECK(held->holder > 0 && kill(held->holder, SIGKILL) == 0);
}

static void held_open(void) {
  need(HAS_SECCOMP);
  static const char *const dirs[] = {NULL, "/nonexistent"};
  only(3);
  WITH_AND_WITHOUT_MAPS(maps) {
    fe_attr attr = attr_with(maps);
    for (int i = 0; i < 2; i++) {
      attr.dir = dirs[i];
      apart(beside_a_holder, FE_WAY_PIPED, &attr);
    }
    attr.dir = NULL;
    attr.argv = quits;
    attr.path = probe_path();
    apart(beside_a_holder, FE_WAY_PIPED, &attr);
    /* One that goes on. */
    attr.argv = (char *const[]){(char *)"sleep", (char *)"20", NULL};
    attr.path = "/bin/sleep";
    apart(beside_a_holder, FE_WAY_PIPED, &attr);
  }
}

static void killed_beside_a_holder(unsigned way, const void *with) {
  static struct watcher watcher = {hold, 0, 0, -1};
  held = mmap(NULL, sizeof *held, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(held != MAP_FAILED);
  refuse(SYS_clone3, ENOSYS);
  refuse(*(const int *)with == FE_STEP_EXEC ? SYS_execve : SYS_chdir, KILL);
  watch_if(&watcher, SYS_clone, 0, ~0U, SIGCHLD);
  fe_attr attr = attr_with(false);
  attr.dir = *(const int *)with == FE_STEP_EXEC ? NULL : "/";
  double start = now();
  spawn_killed(&attr, way, SIGSYS, *(const int *)with, -1);
  CHECK(now() - start < 1);
  CHECK_INT(watcher.calls, 1);
  CHECK(held->holder > 0 && kill(held->holder, SIGKILL) == 0);
}

static void held_open_and_killed(void) {
  need(HAS_SECCOMP);
  static const int steps[] = {FE_STEP_CHDIR, FE_STEP_EXEC};
  for (int i = 0; i < 2; i++) apart(killed_beside_a_holder, FE_WAY_PIPED, &steps[i]);
}

/* ---- no /proc ---- */

static void without_proc(void) {
  need_root();
  install_probe(scratch_path("probe"));
  NEED(chroot(scratch()) == 0 && chdir("/") == 0);
  NEED(access("/proc", F_OK) != 0);
  EACH_WAY(way) {
    fe_attr attr = attr_with(false);
    for (int i = 0; i < 20; i++) {
      attr.argv = missing;
      attr.path = NULL;
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
      attr.dir = "/nonexistent";
      spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
      attr.dir = NULL;
      attr.argv = quits;
      attr.path = "/probe";
      spawn_exits(&attr, way, 64);
    }
  }
}

static void maps_without_proc(void) {
  need(HAS_CLONE_FLAGS | HAS_NAMESPACES);
  need_root();
  /* No user namespace can be made in a chroot. */
  NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  NEED(umount2("/proc", MNT_DETACH) == 0 && access("/proc/self", F_OK) != 0);
  fe_attr attr = attr_with(true);
  spawn_fails(&attr, FE_WAY_PIPED, ENOENT, FE_STEP_UID_MAP, -1);
}

static void killed_without_proc(void) {
  need_root();
  install_probe(scratch_path("probe"));
  NEED(chroot(scratch()) == 0 && chdir("/") == 0);
  fe_attr attr = attr_with(false);
  attr.argv = quits;
  attr.path = "/probe";
  spawn_exits(&attr, FE_WAY_SHARED, 64); /* so that the concurrent way is open */
  refuse(SYS_chdir, KILL);
  refuse(SYS_execve, KILL);
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++) {
    attr.dir = NULL;
    spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
    attr.dir = "/";
    spawn_killed(&attr, way, SIGSYS, FE_STEP_CHDIR, -1);
  }
}

static void sessions_without_proc(void) {
  /* Here nothing says that a child which has called exec was killed in it. */
  need_root();
  install_probe(scratch_path("probe"));
  NEED(chroot(scratch()) == 0 && chdir("/") == 0);
  fe_attr attr = attr_with(false);
  attr.flags = FE_SETSID;
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_CONCURRENT; way++) {
    attr.argv = missing;
    attr.path = NULL;
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    attr.argv = quits;
    attr.path = "/probe";
    spawn_exits(&attr, way, 64);
  }
  refuse(SYS_execve, KILL);
  for (unsigned way = FE_WAY_SHARED; way <= FE_WAY_COPY; way++)
    spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
  EACH_WAY_BESIDE(way) {
    fe_child child;
    int status = -1;
    if (!spawn(&attr, way, &child)) continue;
    CHECK_INT(fe_wait(&child, -1, &status), 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
  }
}

/* ---- the proof of exec ---- */

/* By setpgid(2) in the caller's session, else by /proc. A filter may answer in the place of the former. */
static void proves(unsigned way, const void *unused) {
  static char *const sleeps[] = {(char *)"sleep", (char *)"20", NULL};
  fe_attr attr = attr_with(false);
  (void)unused;
  for (int session = 0; session < 2; session++) {
    attr.flags = session ? FE_SETSID : 0;
    attr.argv = quits;
    attr.path = probe_path();
    spawn_exits(&attr, way, 64);
    fe_child child;
    attr.argv = sleeps;
    attr.path = "/bin/sleep";
    if (spawn(&attr, way, &child)) {
      CHECK_INT(fe_kill(&child, SIGKILL), 0);
      CHECK_INT(fe_wait(&child, -1, NULL), 0);
    }
    attr.argv = missing;
    attr.path = NULL;
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
  refuse(SYS_execve, KILL);
  for (int session = 0; session < 2; session++) {
    attr.flags = session ? FE_SETSID : 0;
    spawn_killed(&attr, way, SIGSYS, FE_STEP_EXEC, -1);
  }
}

static void proves_without_setpgid(unsigned way, const void *errnum) {
  refuse(SYS_setpgid, *(const int *)errnum);
  proves(way, NULL);
}

static void proof(void) {
  need(HAS_SECCOMP);
  static const int errnums[] = {EPERM, EACCES, ENOSYS, EINVAL};
  EACH_WAY_BESIDE(way) {
    apart(proves, way, NULL);
    for (int i = 0; i < 4; i++) apart(proves_without_setpgid, way, &errnums[i]);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the table covers the pipe's numbers", the_pipe_is_a_target},
      {"0, 1 and 2 closed in the caller", closed_stdio},
      {"no number left", no_number_left},
      {"held open by another's fork", held_open},
      {"held open by another's fork, and killed", held_open_and_killed},
      {"without /proc", without_proc},
      {"maps without /proc", maps_without_proc},
      {"without /proc, and killed", killed_without_proc},
      {"without /proc, in a session of its own", sessions_without_proc},
      {"proof of exec", proof},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
