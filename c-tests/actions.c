/* SPDX-License-Identifier: BSD-3-Clause */
/* The ordered actions: each alone, each pair, and lists by chance, against a process that makes the same
 * system calls itself; and what is promised of single ones. */
#include "test.h"

#include "actions.h"
#include "filter.h"
#include "pty.h"

#include <sys/mman.h>

/* ---- the same, by hand ---- */

enum { NUMBERS_SEEN = 32 };

/* What a process has become by doing it itself. */
static struct model {
  int errnum, index;
  char fd[NUMBERS_SEEN][60];
  char cwd[60];
  int in_foreground;
} *model;

/* Like the promise: the target is closed first, and the file then comes to that number. */
static int open_to(const fe_file_action *a) {
  close(a->fd);
  int fd = open(a->path, a->oflag, a->mode);
  if (fd < 0 || fd == a->fd) return fd;
  int moved = dup3(fd, a->fd, a->oflag & O_CLOEXEC);
  int errnum = errno;
  close(fd);
  errno = errnum;
  return moved;
}

static int by_hand(const fe_file_action *a) {
  switch (a->action) {
    case FE_ACTION_OPEN: return open_to(a);
    case FE_ACTION_DUP2:
      return a->from == a->fd ? fcntl(a->fd, F_SETFD, 0) : dup2(a->from, a->fd);
    case FE_ACTION_CLOSE: close(a->fd); return 0;
    case FE_ACTION_CHDIR: return chdir(a->path);
    case FE_ACTION_FCHDIR: return fchdir(a->fd);
    case FE_ACTION_CLOSEFROM:
      for (int fd = a->fd; fd < 700; fd++) close(fd);
      return 0;
    default: return tcsetpgrp(a->fd, getpgid(0));
  }
}

static void be_the_model(const fe_file_action *list, size_t count, int tty) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  NEED(setpgid(0, 0) == 0);
  for (size_t i = 0; i < count; i++) {
    if (by_hand(&list[i]) >= 0) continue;
    model->errnum = errno;
    model->index = (int)i;
    return;
  }
  for (int fd = 0; fd < NUMBERS_SEEN; fd++)
    if (fcntl(fd, F_GETFD) == 0) strcpy(model->fd[fd], identity(fd));
  int here = open(".", O_PATH | O_CLOEXEC);
  strcpy(model->cwd, identity(here));
  model->in_foreground = tcgetpgrp(tty) == getpgid(0);
}

/* `tty` is a descriptor of the terminal that no action names; in the child it is not there. */
static void same_as_by_hand(const fe_file_action *list, size_t count, unsigned way, int tty) {
  memset(model, 0, sizeof *model);
  pid_t pid = fork_apart();
  NEED(pid >= 0);
  if (pid == 0) {
    be_the_model(list, count, tty);
    _exit(0);
  }
  NEED(waitpid(pid, NULL, 0) == pid);
  restore(tty);
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SETPGID;
  attr.actions = list;
  attr.nactions = count;
  if (model->errnum) {
    fe_attr failing = nothing();
    failing.flags = FE_SETPGID;
    failing.actions = list;
    failing.nactions = count;
    spawn_fails(&failing, way, model->errnum, step_of(&list[model->index]), model->index);
  } else {
    char *seen = probe(&attr, way);
    for (int fd = 0; fd < NUMBERS_SEEN; fd++) CHECK_STR(seen_fd(seen, fd), model->fd[fd]);
    CHECK_STR(value(seen, "cwd_id"), model->cwd);
    CHECK_INT(number(seen, "foreground") == number(seen, "pid"), model->in_foreground);
    free(seen);
  }
  /* The started program has the foreground for good, the failed one gives it back. */
  if (model->errnum) CHECK_INT(tcgetpgrp(tty), getpgid(0));
  restore(tty);
}

/* Where all of them differ: 5 is a directory, 6 a terminal; "mark" and "sub" are there at first and,
 * another "mark" only, in "sub" and in the directory 5. */
enum { FAR = 800 };
static void prepare(void) {
  void *place =
      mmap(NULL, sizeof *model, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(place != MAP_FAILED);
  model = place;
  NEED(chdir(scratch()) == 0);
  const char *const names[] = {"sub", "other"};
  for (size_t i = 0; i < 2; i++) NEED(mkdir(names[i], 0777) == 0 || errno == EEXIST);
  const char *const files[] = {"mark", "sub/mark", "other/mark"};
  for (size_t i = 0; i < 3; i++) {
    int fd = open(files[i], O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    NEED(fd >= 0);
    close(fd);
  }
  struct pty pty = own_terminal();
  NEED(dup3(pty.slave, FAR, O_CLOEXEC) == FAR && dup3(pty.master, FAR + 1, O_CLOEXEC) == FAR + 1);
  only(3);
  int directory = open("other", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  NEED(directory >= 0 && dup3(directory, 5, O_CLOEXEC) == 5 && close(directory) == 0);
  NEED(dup2(FAR, 6) == 6);
}

static const fe_file_action kinds[] = {
    FE_OPEN(5, "mark", O_RDWR, 0),
    FE_OPEN(6, "mark", O_RDWR | O_CLOEXEC, 0),
    FE_OPEN(3, "sub", O_RDONLY | O_DIRECTORY, 0),
    FE_DUP2(5, 6),
    FE_DUP2(6, 5),
    FE_DUP2(5, 5),
    FE_DUP2(3, 8),
    FE_CLOSE(5),
    FE_CLOSE(6),
    FE_CHDIR("sub"),
    FE_CHDIR("/"),
    FE_FCHDIR(5),
    FE_FCHDIR(3),
    FE_CLOSEFROM(5),
    FE_CLOSEFROM(6),
    FE_CLOSEFROM(0),
    FE_TCSETPGRP(6),
    FE_TCSETPGRP(5),
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void each_alone(void) {
  prepare();
  EACH_WAY(way) {
    for (int i = 0; i < KINDS; i++) same_as_by_hand(&kinds[i], 1, way, FAR);
  }
}

static void each_pair(void) {
  prepare();
  EACH_WAY(way) {
    for (int i = 0; i < KINDS; i++) {
      for (int j = 0; j < KINDS; j++) {
        const fe_file_action pair[] = {kinds[i], kinds[j]};
        same_as_by_hand(pair, 2, way, FAR);
      }
    }
  }
}

static void by_chance(void) {
  prepare();
  EACH_WAY(way) {
    unsigned state = 1;
    for (int turn = 0; turn < 100; turn++) {
      fe_file_action list[12];
      size_t count = 3 + (size_t)turn % 10;
      for (size_t i = 0; i < count; i++) {
        state = state * 1103515245U + 12345U;
        list[i] = kinds[(state >> 16) % KINDS];
      }
      same_as_by_hand(list, count, way, FAR);
    }
  }
}

/* ---- what is promised of single ones ---- */

static void after_files(void) {
  EACH_WAY(way) {
    only(6);
    static const int files[] = {3, 4, 5, -1, 0};
    fe_attr attr = FE_ATTR_INIT;
    attr.files = files;
    attr.nfiles = 5;
    /* The child's numbers: its 4 is the caller's 0, and its 3 is closed. */
    ACT(&attr, FE_DUP2(4, 3), FE_DUP2(0, 7), FE_CLOSE(1));
    char *seen = probe(&attr, way);
    CHECK_STR(seen_fd(seen, 3), identity(0));
    CHECK_STR(seen_fd(seen, 7), identity(3));
    CHECK_STR(seen_fd(seen, 0), identity(3));
    CHECK_STR(seen_fd(seen, 1), "");
    CHECK_STR(seen_fd(seen, 2), identity(5));
    CHECK_STR(seen_fd(seen, 4), identity(0));
    CHECK_INT(number(seen, "fds"), 5);
    free(seen);
    fe_attr closed = nothing();
    closed.files = files;
    closed.nfiles = 5;
    closed.actions = (const fe_file_action[]){FE_DUP2(3, 9)};
    closed.nactions = 1;
    spawn_fails(&closed, way, EBADF, FE_STEP_ACTION_DUP2, 0);
  }
}

static void order_matters(void) {
  EACH_WAY(way) {
    only(6);
    char *seen;
    PROBE(way, seen, FE_DUP2(4, 9), FE_DUP2(5, 4), FE_DUP2(9, 5), FE_CLOSE(9));
    CHECK_STR(seen_fd(seen, 4), identity(5));
    CHECK_STR(seen_fd(seen, 5), identity(4));
    CHECK_INT(number(seen, "fds"), 2);
    free(seen);
    PROBE(way, seen, FE_DUP2(5, 4), FE_DUP2(4, 9), FE_DUP2(9, 5));
    CHECK_STR(seen_fd(seen, 4), identity(5));
    CHECK_STR(seen_fd(seen, 5), identity(5));
    free(seen);
  }
}

/* The lowest number that is free, another that is free, and one that is open; with and without
 * close-on-exec. */
static void open_to_any_number(void) {
  const char *path = kept_path("opened");
  close(open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  struct stat st;
  NEED(stat(path, &st) == 0);
  char wanted[60];
  snprintf(wanted, sizeof wanted, "%llu:%llu", (unsigned long long)st.st_dev,
           (unsigned long long)st.st_ino);
  EACH_WAY(way) {
    only(3);
    open_at(5, true);
    for (int fd = 0; fd < 12; fd++) {
      char *seen;
      PROBE(way, seen, FE_OPEN(fd, path, O_RDONLY, 0));
      CHECK_STR(seen_fd(seen, fd), wanted);
      CHECK_INT(number(seen, "fds"), 1);
      free(seen);
      PROBE(way, seen, FE_OPEN(fd, path, O_RDONLY | O_CLOEXEC, 0));
      CHECK_INT(number(seen, "fds"), 0);
      free(seen);
    }
  }
}

static void open_makes_a_file(void) {
  NEED(chdir(scratch()) == 0);
  EACH_WAY(way) {
    const mode_t masks[] = {0, 027};
    for (int i = 0; i < 2; i++) {
      only(3);
      unlink("made");
      mode_t before = umask(masks[i]);
      fe_attr attr = nothing();
      ACT(&attr, FE_OPEN(1, "made", O_WRONLY | O_CREAT | O_EXCL, 0765));
      spawn_exits(&attr, way, 0);
      umask(before);
      struct stat st;
      NEED(stat("made", &st) == 0);
      CHECK_INT(st.st_mode & 07777, 0765 & ~masks[i]);
      spawn_fails(&attr, way, EEXIST, FE_STEP_ACTION_OPEN, 0);
    }
  }
}

/* With an open descriptor as its target there is always a number. */
static void open_in_a_full_table(void) {
  struct rlimit limit, low;
  NEED(chdir(scratch()) == 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
  low = limit;
  low.rlim_cur = 40;
  EACH_WAY(way) {
    only(3);
    unlink("made");
    NEED(setrlimit(RLIMIT_NOFILE, &low) == 0);
    while (open("/dev/null", O_RDONLY | O_CLOEXEC) >= 0) {
    }
    NEED(errno == EMFILE);
    /* The piped way needs two for itself. */
    int free = way == FE_WAY_PIPED ? 2 : 0;
    for (int i = 0; i < free; i++) close(39 - i);
    static const int targets[] = {0, 2, 7, 20};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
      fe_attr attr = nothing();
      ACT(&attr, FE_OPEN(targets[i], "made", O_WRONLY | O_CREAT | O_EXCL, 0600));
      spawn_exits(&attr, way, 0);
      CHECK_INT(unlink("made"), 0);
    }
    if (way != FE_WAY_PIPED) FAILS(way, EMFILE, FE_STEP_ACTION_OPEN, 0, FE_OPEN(40, "made", O_CREAT, 0));
    FAILS(way, EBADF, FE_STEP_ACTION_OPEN, 1, FE_CLOSE(5), FE_OPEN(40, "/", O_RDONLY, 0));
    NEED(setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
}

static void onto_itself(void) {
  EACH_WAY(way) {
    only(6);
    char *seen;
    PROBE(way, seen, FE_DUP2(4, 4));
    CHECK_INT(number(seen, "fds"), 1);
    CHECK_STR(seen_fd(seen, 4), identity(4));
    free(seen);
    /* And in the caller it is what it was. */
    CHECK_INT(fcntl(4, F_GETFD), FD_CLOEXEC);
    FAILS(way, EBADF, FE_STEP_ACTION_DUP2, 0, FE_DUP2(7, 7));
  }
}

static void close_of_what_is_not_open(void) {
  EACH_WAY(way) {
    only(3);
    char *seen;
    PROBE(way, seen, FE_CLOSE(3), FE_CLOSE(4), FE_CLOSE(1), FE_CLOSE(1), FE_CLOSE(1000000),
          FE_CLOSE(INT32_MAX));
    CHECK_INT(number(seen, "fds"), 0);
    free(seen);
  }
}

static void closefrom_then_open(void) {
  EACH_WAY(way) {
    only(3);
    for (int fd = 5; fd < 30; fd++) open_at(fd, false);
    char *seen;
    PROBE(way, seen, FE_CLOSEFROM(8), FE_DUP2(6, 20), FE_OPEN(9, "/", O_RDONLY, 0));
    CHECK_INT(number(seen, "fds"), 5);
    CHECK_STR(seen_fd(seen, 7), identity(7));
    CHECK_STR(seen_fd(seen, 8), "");
    CHECK_STR(seen_fd(seen, 20), identity(6));
    CHECK(*seen_fd(seen, 9) != 0);
    free(seen);
    PROBE(way, seen, FE_CLOSEFROM(INT32_MAX));
    CHECK_INT(number(seen, "fds"), 25);
    free(seen);
  }
}

/* There and, by a descriptor, back again; the program's own path is relative to where it ends. */
static void about_directories(void) {
  NEED(chdir(scratch()) == 0 && (mkdir("place", 0777) == 0 || errno == EEXIST));
  install_probe("place/here");
  close(open("place/only-here", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  EACH_WAY(way) {
    only(3);
    int back = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    NEED(back == 3);
    char *seen;
    PROBE(way, seen, FE_CHDIR("place"), FE_OPEN(7, "only-here", O_RDONLY, 0), FE_FCHDIR(3));
    CHECK_STR(value(seen, "cwd"), "/");
    CHECK_INT(number(seen, "fds"), 1);
    free(seen);
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "./here";
    attr.dir = "/";
    ACT(&attr, FE_CHDIR(scratch()), FE_CHDIR("place"));
    seen = probe(&attr, way);
    CHECK_STR(value(seen, "execfn"), "./here");
    free(seen);
  }
}

static void a_thousand(void) {
  enum { MANY = 1000 };
  static fe_file_action list[MANY + 1];
  EACH_WAY(way) {
    only(3);
    for (int i = 0; i < MANY; i++) {
      const fe_file_action links[] = {FE_DUP2(i / 4 % 2 + 3, 4 - i / 4 % 2), FE_CLOSE(i / 4 % 2 + 3),
                                      FE_OPEN(6, "/dev/null", O_RDONLY, 0), FE_CHDIR("/")};
      list[i] = links[i % 4];
    }
    fe_attr attr = FE_ATTR_INIT;
    attr.actions = list;
    attr.nactions = MANY;
    open_at(3, true);
    char *seen = probe(&attr, way);
    /* Passed from 3 to 4 and back. */
    CHECK_STR(seen_fd(seen, 3), identity(3));
    CHECK_STR(seen_fd(seen, 4), "");
    CHECK_STR(value(seen, "cwd"), "/");
    free(seen);
    const fe_file_action last = FE_FCHDIR(4);
    list[MANY] = last;
    fe_attr failing = nothing();
    failing.actions = list;
    failing.nactions = MANY + 1;
    spawn_fails(&failing, way, EBADF, FE_STEP_ACTION_FCHDIR, MANY);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"each alone, as by hand", each_alone},
      {"each ordered pair, as by hand", each_pair},
      {"lists by chance, as by hand", by_chance},
      {"after files, by the child's numbers", after_files},
      {"their order matters", order_matters},
      {"open to any number, close-on-exec or not", open_to_any_number},
      {"open makes a file, with its mode", open_makes_a_file},
      {"open in a full table", open_in_a_full_table},
      {"dup2 onto itself clears close-on-exec", onto_itself},
      {"close of what is not open", close_of_what_is_not_open},
      {"closefrom, then open", closefrom_then_open},
      {"chdir, open, fchdir, and the program's path", about_directories},
      {"a thousand actions", a_thousand},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
