/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawn_file_actions_t: what is refused when it is added, and what each action does. Pairs of
 * actions are in posix_pairs.c. */
#include "test.h"

#include "posix.h"

#include <sys/resource.h>

static posix_spawn_file_actions_t new_actions(void) {
  posix_spawn_file_actions_t actions;
  NEED(posix_spawn_file_actions_init(&actions) == 0);
  return actions;
}

static void destroy(posix_spawn_file_actions_t *actions) {
  CHECK_ERR(posix_spawn_file_actions_destroy(actions), 0);
}

/* What is at that descriptor of the probe, by its identity; "" for nothing. */
static const char *seen_at(const char *report, int fd) {
  char key[20];
  snprintf(key, sizeof key, "fd.%d", fd);
  return value(report, key);
}

static bool seen_cloexec(const char *report, int fd) {
  char key[20];
  snprintf(key, sizeof key, "cloexec.%d", fd);
  return number(report, key) == 1;
}

static const char *identity_of(const char *path) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  NEED(fd >= 0);
  const char *text = identity(fd);
  close(fd);
  return text;
}

static const char *new_file(const char *name) {
  const char *path = kept_path(name);
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  NEED(fd >= 0);
  close(fd);
  return path;
}

/* Nothing but 0, 1 and 2. */
static void only_stdio(void) {
  only(0);
  for (int fd = 0; fd < 3; fd++) open_at(fd, false);
}

/* ---- what is refused at once ---- */

/* Calls every function but init and destroy. */
static void all_give(posix_spawn_file_actions_t *object, int fd, int wanted) {
  posix_spawn_file_actions_t *actions = hide(object);
  CHECK_ERR(posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDONLY, 0), wanted);
  CHECK_ERR(posix_spawn_file_actions_addclose(actions, fd), wanted);
  CHECK_ERR(posix_spawn_file_actions_adddup2(actions, fd, 1), wanted);
  CHECK_ERR(posix_spawn_file_actions_adddup2(actions, 1, fd), wanted);
  CHECK_ERR(posix_spawn_file_actions_addfchdir(actions, fd), wanted);
  CHECK_ERR(posix_spawn_file_actions_addfchdir_np(actions, fd), wanted);
  CHECK_ERR(posix_spawn_file_actions_addclosefrom_np(actions, fd), wanted);
  CHECK_ERR(posix_spawn_file_actions_addtcsetpgrp_np(actions, fd), wanted);
}

static void all_refuse(posix_spawn_file_actions_t *object) {
  posix_spawn_file_actions_t *actions = hide(object);
  all_give(actions, 5, EINVAL);
  CHECK_ERR(posix_spawn_file_actions_addchdir(actions, "/"), EINVAL);
  CHECK_ERR(posix_spawn_file_actions_addchdir_np(actions, "/"), EINVAL);
  CHECK_ERR(posix_spawn_file_actions_destroy(actions), EINVAL);
}

static void not_spawned_with(posix_spawn_file_actions_t *object) {
  const posix_spawn_file_actions_t *actions = hide(object);
  char *argv[] = {(char *)"true", NULL};
  pid_t pid = 77;
  int pidfd = 77;
  CHECK_ERR(posix_spawn(&pid, "/bin/true", actions, NULL, argv, environ), EINVAL);
  CHECK_ERR(posix_spawnp(&pid, "true", actions, NULL, argv, environ), EINVAL);
  CHECK_ERR(pidfd_spawn(&pidfd, "/bin/true", actions, NULL, argv, environ), EINVAL);
  CHECK_ERR(pidfd_spawnp(&pidfd, "true", actions, NULL, argv, environ), EINVAL);
  CHECK_INT(pid, 77);
  CHECK_INT(pidfd, 77);
  check_no_child();
}

static void impossible_descriptors(void) {
  posix_spawn_file_actions_t actions = new_actions();
  struct rlimit limit = {100, 100};
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  const int impossible[] = {-1, -2, INT32_MIN, 100, 101, INT32_MAX};
  errno = 4321;
  for (size_t i = 0; i < sizeof impossible / sizeof *impossible; i++) all_give(&actions, impossible[i], EBADF);
  CHECK_INT(errno, 4321);
  /* Nothing was added. */
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  /* And the last that is possible. */
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 99, "/dev/null", O_RDONLY, 0), 0);
  CHECK_ERR(posix_spawn_file_actions_adddup2(&actions, 99, 98), 0);
  CHECK_ERR(posix_spawn_file_actions_addclosefrom_np(&actions, 99), 0);
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  destroy(&actions);
}

static void null(void) {
  posix_spawn_file_actions_t actions = new_actions();
  CHECK_ERR(posix_spawn_file_actions_init(hide(NULL)), EINVAL);
  all_refuse(NULL);
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 5, hide(NULL), O_RDONLY, 0), EINVAL);
  CHECK_ERR(posix_spawn_file_actions_addchdir(&actions, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawn_file_actions_addchdir_np(&actions, hide(NULL)), EINVAL);
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  destroy(&actions);
}

static void zeroed(void) {
  static posix_spawn_file_actions_t never_used, used, destroyed;
  CHECK_ERR(spawn_true(&never_used, NULL), 0);
  CHECK_ERR(posix_spawn_file_actions_addchdir(&used, scratch()), 0);
  char *seen = posix_probe(&used, NULL);
  CHECK_STR(value(seen, "cwd"), scratch());
  free(seen);
  destroy(&used);
  destroy(&destroyed);
  all_refuse(&destroyed);
}

static void garbage(void) {
  posix_spawn_file_actions_t actions, before;
  static const int bytes[] = {0xa5, 0xff, 0x01, 0x7f, 0x80};
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
    memset(&actions, bytes[i], sizeof actions);
    before = actions;
    all_refuse(&actions);
    not_spawned_with(&actions);
    CHECK_INT(memcmp(&actions, &before, sizeof actions), 0);
  }
  /* Zero but for one byte: a count without a list, a list of nowhere. */
  for (size_t i = 0; i < 32; i++) {
    memset(&actions, 0, sizeof actions);
    ((unsigned char *)&actions)[i] = 0x5a;
    all_refuse(&actions);
    not_spawned_with(&actions);
  }
  CHECK_ERR(posix_spawn_file_actions_init(&actions), 0);
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  destroy(&actions);
}

static void destroyed(void) {
  posix_spawn_file_actions_t actions = new_actions();
  CHECK_ERR(posix_spawn_file_actions_addchdir(&actions, "/"), 0);
  destroy(&actions);
  all_refuse(&actions);
  not_spawned_with(&actions);
  CHECK_ERR(posix_spawn_file_actions_init(&actions), 0);
  CHECK_ERR(spawn_true(&actions, NULL), 0);
  destroy(&actions);
}

/* ---- what they do ---- */

static void open_and_its_flags(void) {
  posix_spawn_file_actions_t actions = new_actions();
  const char *file = new_file("file"), *made = kept_path("made"), *exclusive = kept_path("exclusive");
  only_stdio();
  umask(0);
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 7, file, O_RDONLY, 0), 0);
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 1, made, O_WRONLY | O_CREAT, 0640), 0);
  /* A mode is no harm where nothing is made. */
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 20, file, O_RDWR | O_APPEND, 07777), 0);
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 2, exclusive, O_RDWR | O_CREAT | O_EXCL, 0600), 0);
  char *seen = posix_probe(&actions, NULL);
  CHECK_STR(seen_at(seen, 7), identity_of(file));
  CHECK_STR(seen_at(seen, 1), identity_of(made));
  CHECK_STR(seen_at(seen, 20), identity_of(file));
  CHECK_STR(seen_at(seen, 2), identity_of(exclusive));
  CHECK_STR(seen_at(seen, 0), identity(0));
  CHECK_INT(number(seen, "fds"), 5);
  free(seen);
  struct stat st;
  CHECK_INT(stat(made, &st), 0);
  CHECK_INT(st.st_mode & 07777, 0640);
  /* Now it is there. */
  CHECK_ERR(spawn_true(&actions, NULL), EEXIST);
  destroy(&actions);
}

/* POSIX: as if open(path, oflag, mode) had been called, whatever number it gave. */
static void open_with_cloexec(void) {
  only_stdio();
  for (int fd = 3; fd < 6; fd += 2) {
    posix_spawn_file_actions_t actions = new_actions();
    CHECK_ERR(posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDONLY | O_CLOEXEC, 0), 0);
    char *seen = posix_probe(&actions, NULL);
    CHECK_STR(seen_at(seen, fd), "");
    CHECK_INT(number(seen, "fds"), 3);
    free(seen);
    destroy(&actions);
  }
}

/* The descriptor that is opened to is closed first, so that one more is not needed. */
static void open_in_a_full_table(void) {
  need(HAS_VFORK);
  posix_spawn_file_actions_t actions = new_actions();
  struct rlimit limit = {64, 64};
  const char *file = new_file("file");
  only_stdio();
  for (int fd = 3; fd < 64; fd++) open_at(fd, true);
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 40, file, O_RDONLY, 0), 0);
  const char *report = kept_path("posix-report");
  close(63);
  new_report();
  open_at(63, true);
  NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  CHECK_INT(open("/dev/null", O_RDONLY | O_CLOEXEC), -1);
  CHECK_INT(errno, EMFILE);
  char *argv[] = {(char *)"probe", (char *)(uintptr_t)report, NULL};
  pid_t pid = -1;
  CHECK_ERR(posix_spawn(&pid, probe_path(), &actions, NULL, argv, environ), 0);
  CHECK_INT(wait_status(pid), 0);
  close(63);
  char *seen = read_report();
  CHECK_STR(seen_at(seen, 40), identity_of(file));
  CHECK_INT(number(seen, "fds"), 4);
  free(seen);
  destroy(&actions);
}

/* The buffer belongs to the caller again. */
static void paths_are_copied(void) {
  posix_spawn_file_actions_t actions = new_actions();
  const char *file = new_file("file");
  char open_path[300], chdir_path[300];
  only_stdio();
  snprintf(open_path, sizeof open_path, "%s", file);
  snprintf(chdir_path, sizeof chdir_path, "%s", scratch());
  CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 3, open_path, O_RDONLY, 0), 0);
  CHECK_ERR(posix_spawn_file_actions_addchdir(&actions, chdir_path), 0);
  memset(open_path, 'x', sizeof open_path - 1);
  memset(chdir_path, 'x', sizeof chdir_path - 1);
  char *seen = posix_probe(&actions, NULL);
  CHECK_STR(seen_at(seen, 3), identity_of(file));
  CHECK_STR(value(seen, "cwd"), scratch());
  free(seen);
  destroy(&actions);
}

static void dup2_of_equal(void) {
  posix_spawn_file_actions_t actions = new_actions();
  only_stdio();
  open_at(5, true);
  open_at(6, true);
  open_at(7, false);
  CHECK_ERR(posix_spawn_file_actions_adddup2(&actions, 5, 5), 0);
  CHECK_ERR(posix_spawn_file_actions_adddup2(&actions, 7, 7), 0);
  char *seen = posix_probe(&actions, NULL);
  CHECK_STR(seen_at(seen, 5), identity(5));
  CHECK(!seen_cloexec(seen, 5));
  CHECK_STR(seen_at(seen, 6), "");
  CHECK_STR(seen_at(seen, 7), identity(7));
  CHECK_INT(number(seen, "fds"), 5);
  free(seen);
  /* It is the child's flag that is cleared. */
  CHECK_INT(fcntl(5, F_GETFD), FD_CLOEXEC);
  CHECK_ERR(posix_spawn_file_actions_adddup2(&actions, 8, 8), 0);
  CHECK_ERR(spawn_true(&actions, NULL), EBADF);
  destroy(&actions);
}

static void close_of_what_is_not_open(void) {
  posix_spawn_file_actions_t actions = new_actions();
  only_stdio();
  CHECK_ERR(posix_spawn_file_actions_addclose(&actions, 9), 0);
  CHECK_ERR(posix_spawn_file_actions_addclose(&actions, 1), 0);
  CHECK_ERR(posix_spawn_file_actions_addclose(&actions, 1), 0);
  char *seen = posix_probe(&actions, NULL);
  CHECK_STR(seen_at(seen, 1), "");
  CHECK_INT(number(seen, "fds"), 2);
  free(seen);
  destroy(&actions);
}

static void both_names_of_chdir(void) {
  const char *sub = kept_path("sub");
  NEED(mkdir(sub, 0755) == 0);
  int fd = open(sub, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  NEED(fd >= 0);
  char before[4096], after[4096];
  NEED(getcwd(before, sizeof before) != NULL);
  for (int i = 0; i < 4; i++) {
    posix_spawn_file_actions_t actions = new_actions();
    CHECK_ERR(i == 0   ? posix_spawn_file_actions_addchdir(&actions, sub)
              : i == 1 ? posix_spawn_file_actions_addchdir_np(&actions, sub)
              : i == 2 ? posix_spawn_file_actions_addfchdir(&actions, fd)
                       : posix_spawn_file_actions_addfchdir_np(&actions, fd),
              0);
    char *seen = posix_probe(&actions, NULL);
    CHECK_STR(value(seen, "cwd"), sub);
    free(seen);
    destroy(&actions);
  }
  NEED(getcwd(after, sizeof after) != NULL);
  CHECK_STR(after, before);
}

static void close_from(void) {
  posix_spawn_file_actions_t actions = new_actions();
  only_stdio();
  for (int fd = 3; fd < 40; fd++) open_at(fd, false);
  CHECK_ERR(posix_spawn_file_actions_addclosefrom_np(&actions, 5), 0);
  char *seen = posix_probe(&actions, NULL);
  CHECK_INT(number(seen, "fds"), 5);
  CHECK_STR(seen_at(seen, 4), identity(4));
  free(seen);
  destroy(&actions);
}

/* ---- errors when its turn comes ---- */

static void fails_in_its_turn(posix_spawn_file_actions_t actions, int added, int wanted) {
  CHECK_ERR(added, 0);
  char *before = snapshot();
  CHECK_ERR(spawn_true(&actions, NULL), wanted);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  destroy(&actions);
}

#define FAILS(wanted, function, ...)                                                               \
  do {                                                                                             \
    posix_spawn_file_actions_t actions_ = new_actions();                                           \
    int added_ = posix_spawn_file_actions_##function(&actions_, __VA_ARGS__);                      \
    fails_in_its_turn(actions_, added_, wanted);                                                   \
  } while (0)

static void errors(void) {
  static char too_long[5000];
  memset(too_long, 'x', sizeof too_long - 1);
  const char *file = new_file("file");
  only_stdio();
  FAILS(EBADF, adddup2, 9, 1);
  FAILS(EBADF, adddup2, 9, 9);
  FAILS(ENOENT, addopen, 1, "/nope", O_RDONLY, 0);
  FAILS(EISDIR, addopen, 1, "/", O_WRONLY, 0);
  FAILS(ENOENT, addopen, 1, "", O_RDONLY, 0);
  FAILS(ENAMETOOLONG, addopen, 1, too_long, O_RDONLY, 0);
  FAILS(ENOTDIR, addchdir, file);
  FAILS(ENOENT, addchdir, "");
  FAILS(ENAMETOOLONG, addchdir, too_long);
  FAILS(EBADF, addfchdir, 9);
  FAILS(ENOTDIR, addfchdir, 1);
  FAILS(ENOTTY, addtcsetpgrp_np, 1);
  FAILS(EBADF, addtcsetpgrp_np, 9);
}

static void a_thousand(void) {
  posix_spawn_file_actions_t actions = new_actions();
  only_stdio();
  open_at(500, false);
  /* A chain: each takes from the one before. */
  for (int i = 0; i < 250; i++) {
    int from = i == 0 ? 500 : 3 + (i - 1) % 100, to = 3 + i % 100;
    CHECK_ERR(posix_spawn_file_actions_adddup2(&actions, from, to), 0);
    CHECK_ERR(posix_spawn_file_actions_addopen(&actions, 200, "/dev/null", O_RDONLY, 0), 0);
    CHECK_ERR(posix_spawn_file_actions_addchdir(&actions, i % 2 ? "/" : scratch()), 0);
    CHECK_ERR(posix_spawn_file_actions_addclose(&actions, 200), 0);
  }
  char *seen = posix_probe(&actions, NULL);
  CHECK_STR(value(seen, "cwd"), "/");
  CHECK_STR(seen_at(seen, 3), identity(500));
  CHECK_STR(seen_at(seen, 102), identity(500));
  CHECK_INT(number(seen, "fds"), 3 + 100 + 1);
  free(seen);
  destroy(&actions);
}

/* ---- the way ---- */

static int do_traced(void) {
  char *argv[] = {(char *)"true", NULL};
  posix_spawn_file_actions_t actions;
  pid_t pid;
  int result = posix_spawn_file_actions_init(&actions);
  result |= posix_spawn_file_actions_addopen(&actions, 5, "/dev/null", O_RDWR, 0);
  result |= posix_spawn_file_actions_adddup2(&actions, 5, 6) | posix_spawn_file_actions_addclose(&actions, 5);
  result |= posix_spawn_file_actions_addchdir_np(&actions, "/");
  result |= posix_spawn_file_actions_addfchdir_np(&actions, 3);
  /* Descriptor 3 is not open: a failure is traced as well. */
  close(3);
  result |= posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ) != EBADF;
  result |= dup2(open("/", O_RDONLY | O_CLOEXEC), 3) != 3;
  result |= posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  result |= posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ) || waitpid(pid, NULL, 0) != pid;
  return result;
}

static void traced(void) {
  need(HAS_OWN_PROGRAMS);
  check_trace(2);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"impossible descriptors", impossible_descriptors},
      {"NULL", null},
      {"zeroed, not initialised", zeroed},
      {"garbage, not initialised", garbage},
      {"destroyed", destroyed},
      {"open and its flags", open_and_its_flags},
      {"open with O_CLOEXEC", open_with_cloexec},
      {"open in a full table", open_in_a_full_table},
      {"paths are copied", paths_are_copied},
      {"dup2 of equal descriptors", dup2_of_equal},
      {"close of what is not open", close_of_what_is_not_open},
      {"both names of chdir and fchdir", both_names_of_chdir},
      {"closefrom", close_from},
      {"errors when its turn comes", errors},
      {"a thousand actions", a_thousand},
      {"by the shared way", traced},
      {NULL, NULL},
  };
  return is_traced_copy(argc, argv) ? do_traced() : run(argc, argv, cases);
}
