/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_CLOSE_OTHERS and the caller: its table and its locks stay whatever the spawn comes to, and its threads
 * may have tables of their own, or change theirs all the time. See table.c. */
#include "test.h"

#include "actions.h"
#include "filter.h"

#include <pthread.h>

enum { OPEN = 300 };

static void open_all(void) {
  only(3);
  for (int fd = 0; fd < OPEN; fd++) open_at(fd, false);
}

static fe_attr with_files(const int *files, size_t nfiles) {
  fe_attr attr = nothing();
  attr.flags = FE_CLOSE_OTHERS;
  attr.files = files;
  attr.nfiles = nfiles;
  return attr;
}

static void failing(void) {
  /* spawn_fails compares the table before and after. */
  static const int low[] = {0, 1, 2}, high[] = {299, 1, 150, -1, 64};
  open_all();
  fe_attr first = nothing();
  spawn_exits(&first, FE_WAY_AUTO, 0);
  EACH_WAY(way) {
    for (int i = 0; i < 3; i++) {
      const int *files = i == 0 ? NULL : i == 1 ? low : high;
      size_t nfiles = i == 0 ? 0 : i == 1 ? 3 : 5;
      fe_attr attr = with_files(files, nfiles);
      attr.flags |= FE_SETPGID;
      attr.pgid = 0x7ffffff0;
      spawn_fails(&attr, way, EPERM, FE_STEP_SETPGID, -1);
      attr = with_files(files, nfiles);
      attr.dir = "/nonexistent";
      spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
      attr = with_files(files, nfiles);
      ACT(&attr, FE_CLOSE(1), FE_DUP2(2, 70), FE_CLOSEFROM(71), FE_DUP2(400, 3));
      spawn_fails(&attr, way, EBADF, FE_STEP_ACTION_DUP2, 3);
      attr = with_files(files, nfiles);
      attr.flags |= FE_SETSID | FE_SETCTTY;
      spawn_fails(&attr, way, ENOTTY, FE_STEP_SETCTTY, -1);
      attr = with_files(files, nfiles);
      attr.path = "/nonexistent";
      spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
      attr.path = "/";
      spawn_fails(&attr, way, EACCES, FE_STEP_EXEC, -1);
    }
  }
}

static void killed_in(unsigned way, const void *with) {
  static const int high[] = {299, 1, 150, -1, 64};
  open_all();
  fe_attr attr = nothing();
  spawn_exits(&attr, way, 0);
  attr = with_files(high, 5);
  attr.dir = "/";
  refuse(*(const long *)with, KILL);
  spawn_killed(&attr, way, SIGSYS, *(const long *)with == SYS_chdir ? FE_STEP_CHDIR : FE_STEP_EXEC, -1);
}

static void killed(void) {
  static const long calls[] = {SYS_chdir, SYS_execve};
  if (world() != WORLD_KERNEL) skip("only a kernel has filters");
  for (int i = 0; i < 2; i++) apart(killed_in, FE_WAY_SHARED, &calls[i]);
}

/* ---- locks ---- */

static bool locked(const char *path) {
  int status = -1;
  pid_t pid = fork_apart();
  NEED(pid >= 0);
  if (pid == 0) {
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    _exit(fd >= 0 && fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 1 : 0);
  }
  NEED(waitpid(pid, &status, 0) == pid);
  return status == 1 << 8;
}

static void locks(void) {
  /* A lock of fcntl(2) goes when its process closes any descriptor of the file: the child has its own
   * table when it closes them. */
  only(3);
  static const int places[] = {10, 200};
  for (int i = 0; i < 2; i++) {
    const char *path = kept_path(i ? "locked-high" : "locked-low");
    struct flock lock;
    memset(&lock, 0, sizeof lock);
    lock.l_type = F_WRLCK;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    NEED(fd >= 0 && dup3(fd, places[i], 0) == places[i]);
    NEED(fcntl(places[i], F_SETLK, &lock) == 0);
    CHECK(locked(path));
    fe_attr first = nothing();
    spawn_exits(&first, FE_WAY_AUTO, 0);
    EACH_WAY(way) {
      const int named[] = {0, 1, 2, places[i]};
      for (size_t n = 3; n <= 4; n++) {
        fe_attr attr = with_files(named, n);
        spawn_exits(&attr, way, 0);
        CHECK(locked(path));
        attr.dir = "/nonexistent";
        spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
        CHECK(locked(path));
        attr.dir = NULL;
        ACT(&attr, FE_CLOSE(places[i]), FE_CLOSEFROM(3));
        spawn_exits(&attr, way, 0);
        CHECK(locked(path));
      }
    }
    close(places[i]);
    close(fd);
    CHECK(!locked(path));
  }
}

/* ---- namespaces and threads ---- */

static void new_pids(void) {
  /* The caller has no number there, by which a descriptor could be had from it. */
  need_root();
  if (world() != WORLD_KERNEL) skip("only a kernel has pid namespaces");
  static const int files[] = {299, 1, -1, 150};
  open_all();
  fe_attr first = nothing();
  spawn_exits(&first, FE_WAY_AUTO, 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_CLOSE_OTHERS;
    attr.cloneflags = CLONE_NEWPID;
    attr.files = files;
    attr.nfiles = 4;
    char *before = snapshot();
    char *seen = probe(&attr, way);
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
    if (!seen) continue;
    CHECK_INT(number(seen, "pid"), 1);
    for (int i = 0; i < 4; i++)
      CHECK_STR(seen_fd(seen, i), files[i] < 0 ? "" : identity(files[i]));
    CHECK_INT(number(seen, "fds"), 3);
    free(seen);
  }
}

static void *with_own_table(void *unused) {
  (void)unused;
  static const int files[] = {299, 1, 20};
  char others[2][60];
  snprintf(others[0], sizeof *others, "%s", identity(299));
  snprintf(others[1], sizeof *others, "%s", identity(20));
  NEED(unshare(CLONE_FILES) == 0);
  open_at(299, false);
  open_at(20, false);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.flags = FE_CLOSE_OTHERS;
    attr.files = files;
    attr.nfiles = 3;
    char *before = snapshot();
    char *seen = probe(&attr, way);
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
    if (!seen) continue;
    for (int i = 0; i < 3; i++) CHECK_STR(seen_fd(seen, i), identity(files[i]));
    CHECK(strcmp(seen_fd(seen, 0), others[0]) != 0);
    CHECK(strcmp(seen_fd(seen, 2), others[1]) != 0);
    CHECK_INT(number(seen, "fds"), 3);
    free(seen);
  }
  return NULL;
}

static void a_thread_with_its_own(void) {
  need(HAS_NAMESPACES);
  if (world() != WORLD_KERNEL) skip("an emulator has no thread with a table of its own");
  open_all();
  fe_attr first = nothing();
  spawn_exits(&first, FE_WAY_AUTO, 0);
  char *before = snapshot();
  pthread_t thread;
  NEED(pthread_create(&thread, NULL, with_own_table, NULL) == 0);
  NEED(pthread_join(thread, NULL) == 0);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  /* And the first thread, which is the one that descriptors are fetched from. */
  with_own_table(NULL);
}

static int stop_churning;

static void *churn(void *unused) {
  (void)unused;
  while (!__atomic_load_n(&stop_churning, __ATOMIC_ACQUIRE)) {
    int fds[20];
    for (int i = 0; i < 20; i++) fds[i] = open("/dev/null", O_RDONLY); /* to be inherited */
    for (int i = 0; i < 20; i++)
      if (fds[i] >= 0) close(fds[i]);
  }
  return NULL;
}

struct spawner {
  int number;
  unsigned way;
};

static void *spawn_all_the_time(void *argument) {
  const struct spawner *this = argument;
  char report[300], wanted[4][80];
  static char text[4][1 << 16];
  char *argv[] = {(char *)"probe", report, NULL};
  int own = 600 + this->number, files[] = {own, -1, 2, own};
  snprintf(report, sizeof report, "%s/seen-%d", scratch(), this->number);
  for (int i = 0; i < 4; i++) {
    struct stat st;
    if (files[i] < 0) continue;
    NEED(fstat(files[i], &st) == 0);
    snprintf(wanted[i], sizeof *wanted, "fd.%d=%llu:%llu\n", i, (unsigned long long)st.st_dev,
             (unsigned long long)st.st_ino);
  }
  for (int n = 0; n < 30; n++) {
    fe_attr attr = with_files(files, 4);
    fe_child child;
    int status = -1;
    attr.path = probe_path();
    attr.argv = argv;
    attr.flags |= n % 2 ? FE_PIDFD : 0;
    if (!spawn(&attr, this->way, &child)) break;
    CHECK_INT(fe_wait(&child, -1, &status), 0);
    CHECK_INT(status, 0);
    fe_child_close(&child);
    char *seen = text[this->number];
    int fd = open(report, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, seen, sizeof text[0] - 1);
    close(fd);
    NEED(length > 0);
    seen[length] = 0;
    for (int i = 0; i < 4; i++) CHECK(files[i] < 0 || strstr(seen, wanted[i]) != NULL);
    CHECK(strstr(seen, "fds=3\n") != NULL);
    attr.dir = "/nonexistent";
    if (!spawn_fails_fast(&attr, this->way, ENOENT, FE_STEP_CHDIR)) break;
  }
  return NULL;
}

static void changing_tables(void) {
  enum { SPAWNERS = 4, CHURNERS = 4 };
  if (world() != WORLD_KERNEL) skip("threads take too long there");
  only(3);
  probe_path(); /* looked up once */
  for (int i = 0; i < SPAWNERS; i++) open_at(600 + i, true);
  fe_attr first = nothing();
  spawn_exits(&first, FE_WAY_AUTO, 0);
  EACH_WAY(way) {
    pthread_t churners[CHURNERS], spawners[SPAWNERS];
    struct spawner each[SPAWNERS];
    char *before = snapshot();
    stop_churning = 0;
    for (int i = 0; i < CHURNERS; i++) NEED(pthread_create(&churners[i], NULL, churn, NULL) == 0);
    for (int i = 0; i < SPAWNERS; i++) each[i] = (struct spawner){i, way};
    for (int i = 1; i < SPAWNERS; i++)
      NEED(pthread_create(&spawners[i], NULL, spawn_all_the_time, &each[i]) == 0);
    spawn_all_the_time(&each[0]); /* the first thread is one of them */
    for (int i = 1; i < SPAWNERS; i++) NEED(pthread_join(spawners[i], NULL) == 0);
    __atomic_store_n(&stop_churning, 1, __ATOMIC_RELEASE);
    for (int i = 0; i < CHURNERS; i++) NEED(pthread_join(churners[i], NULL) == 0);
    char *after = snapshot();
    CHECK_STR(after, before);
    free(before);
    free(after);
    check_no_child();
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"failing later", failing},
      {"killed later", killed},
      {"record locks", locks},
      {"a new pid namespace", new_pids},
      {"a thread with its own table", a_thread_with_its_own},
      {"tables that change", changing_tables},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
