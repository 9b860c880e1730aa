/* SPDX-License-Identifier: BSD-3-Clause */
/* The files, directories and descriptors that the cases use, and what this machine can do. */
#include "soak.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct world world;

static void need(bool good, const char *what) {
  if (good) return;
  perror(what);
  exit(2);
}

void identify(int fd, char *identity) {
  struct stat st;
  if (fstat(fd, &st) != 0)
    identity[0] = 0;
  else
    snprintf(identity, IDENTITY, "%jx.%jx", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
}

static char *path_of(const char *format, int number) {
  char name[100], *path;
  snprintf(name, sizeof name, format, number);
  need(asprintf(&path, "%s/%s", world.scratch, name) > 0, "asprintf");
  return path;
}

static const char *make_file(const char *format, int number, mode_t mode, const char *text) {
  const char *path = path_of(format, number);
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  need(fd >= 0 && fchmod(fd, mode) == 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), path);
  close(fd);
  return path;
}

static void place(struct place *where, const char *path) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  need(fd >= 0, path);
  where->path = path;
  identify(fd, where->identity);
  close(fd);
}

static void copy_program(const char *from, const char *to) {
  static char buffer[1 << 16];
  int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
  need(in >= 0 && out >= 0 && fchmod(out, 0755) == 0, from);
  for (ssize_t n; (n = read(in, buffer, sizeof buffer)) != 0;) need(n > 0 && write(out, buffer, (size_t)n) == n, to);
  close(in);
  close(out);
}

static bool works(const fe_attr *attr) {
  fe_child child;
  int status = -1;
  if (fe_spawn(attr, &child, NULL) != 0) return false;
  fe_wait(&child, -1, &status);
  fe_child_close(&child);
  return status == 0;
}

static void find_cgroup(void) {
  FILE *mounts = fopen("/proc/self/mountinfo", "re");
  char line[4096], at[300], path[400];
  world.cgroup = -1;
  while (mounts && world.cgroup < 0 && fgets(line, sizeof line, mounts)) {
    if (!strstr(line, " - cgroup2 ") || sscanf(line, "%*d %*d %*s %*s %299s", at) != 1) continue;
    snprintf(path, sizeof path, "%s/forkexec-soak-%d", at, (int)getpid());
    if (mkdir(path, 0755) == 0) world.cgroup = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  }
  if (mounts) fclose(mounts);
  world.cgroup_name = strdup(path);
}

static void look_what_there_is(void) {
  char *argv[] = {(char *)"verify", NULL};
  fe_attr attr = FE_ATTR_INIT;
  fe_id_map uid = {0, geteuid(), 1}, gid = {0, getegid(), 1};
  fe_credential credential = FE_CREDENTIAL_INIT;
  world.is_root = geteuid() == 0;
  world.has_children = access("/proc/thread-self/children", R_OK) == 0;
  attr.path = world.program;
  attr.argv = argv;
  need(works(&attr), "no program can be started");
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = &uid;
  attr.gid_mappings = &gid;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  world.has_users = works(&attr);
  credential.uid = credential.gid = 1;
  attr = (fe_attr)FE_ATTR_INIT;
  attr.path = world.program;
  attr.argv = argv;
  attr.credential = &credential;
  attr.way = FE_WAY_STAGED;
  world.has_stage = works(&attr);
  world.program_fd = -1;
  if (fe_features() & FE_HAS_EXECVEAT) world.program_fd = open(world.program, O_PATH | O_CLOEXEC);
}

void make_world(const char *program) {
  umask(022);
  strcpy(world.scratch, "/tmp/forkexec-soak-XXXXXX");
  need(mkdtemp(world.scratch) && chmod(world.scratch, 0755) == 0, world.scratch);
  world.environment = environ;
  world.session = getsid(0);
  world.group = getpgid(0);
  for (int sig = 1; sig <= 64; sig++) {
    struct { /* the kernel's: libc hides two signals */
      uintptr_t handler;
      unsigned long rest[3];
    } action = {0, {0, 0, 0}};
    /* glibc handles them from the first thread on; until then they are as the parent has left them, which may be ignored. */
    if (sig == 32 || sig == 33) syscall(SYS_rt_sigaction, sig, &action, NULL, 8);
    if (syscall(SYS_rt_sigaction, sig, NULL, &action, 8) == 0 && action.handler == 1)
      world.ignored |= UINT64_C(1) << (sig - 1);
  }
  /* The library's own descriptors, and those of other threads, come to lie around the pool. */
  for (int fd = 3; fd < NOT_OPEN + 24; fd++) close(fd);
  for (int fd = 0; fd < 3; fd++) identify(fd, world.identity[fd]);
  for (int fd = POOL_FIRST; fd < POOL_END; fd++) {
    int made = open(make_file("pool-%d", fd, 0644, ""), O_RDWR | O_CLOEXEC);
    need(made >= 0 && dup3(made, fd, fd % 2 ? O_CLOEXEC : 0) == fd, "dup3");
    close(made);
    identify(fd, world.identity[fd]);
  }
  place(&world.null, "/dev/null");
  for (int i = 0; i < 4; i++) {
    place(&world.files[i], make_file("file-%d", i, 0644, "some"));
    char *directory = path_of("directory-%d", i);
    need(mkdir(directory, 0755) == 0, directory);
    place(&world.directories[i], directory);
  }
  world.bin = world.directories[3].path;
  world.program = path_of("directory-3/verify", 0);
  copy_program(program, world.program);
  world.missing = path_of("missing", 0);
  world.data = make_file("data", 0, 0644, "not executable");
  world.text = make_file("text", 0, 0755, "no program");
  world.runs = make_file("runs", 0, 0666, "");
  world.report = make_file("report", 0, 0666, "");
  world.fifo = path_of("fifo", 0);
  need(mkfifo(world.fifo, 0666) == 0 && chmod(world.fifo, 0666) == 0, world.fifo);
  look_what_there_is();
  find_cgroup();
}

void print_wanting(void) {
  if (!world.is_root) puts("without: users, namespaces, privileges (needs root)");
  if (!world.has_users) puts("without: user namespaces (refused here)");
  if (!world.has_stage) puts("without: the staged way (needs root with all of its bounding set)");
  if (!world.has_children) puts("without: kills in the midst of fe_spawn (needs /proc/PID/task/TID/children)");
  if (world.cgroup < 0) puts("without: cgroups (needs a cgroup2 that can be written to)");
  if (world.program_fd < 0) puts("without: FE_FEXECVE (needs execveat)");
}

void remove_world(void) {
  if (world.cgroup >= 0) {
    close(world.cgroup);
    rmdir(world.cgroup_name);
  }
  char command[200];
  snprintf(command, sizeof command, "rm -rf %s", world.scratch);
  if (system(command) != 0) perror(world.scratch);
}
