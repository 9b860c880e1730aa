/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_EXECVEAT: the program by a path that is relative to an open directory. */
#include "test.h"

#include "actions.h"
#include "filter.h"

static char *name_only[] = {(char *)"prog", NULL};

enum { AT = 5 };

/* "below/prog" is the probe, "below/script" ends with 7 and "below/text" is no program. The working
 * directory is another. */
static void directory(bool cloexec) {
  static const char *const texts[][2] = {{"below/script", "#!/bin/sh\nexit 7\n"}, {"below/text", "x"}};
  NEED(chdir(scratch()) == 0 && (mkdir("below", 0777) == 0 || errno == EEXIST));
  if (access("below/prog", F_OK) != 0) install_probe("below/prog");
  for (size_t i = 0; i < 2; i++) {
    FILE *out = fopen(texts[i][0], "we");
    NEED(out != NULL && fputs(texts[i][1], out) >= 0 && fclose(out) == 0);
    NEED(chmod(texts[i][0], 0755) == 0);
  }
  only(3);
  int fd = open("below", O_PATH | O_DIRECTORY | O_CLOEXEC);
  NEED(fd >= 0 && dup3(fd, AT, O_CLOEXEC) == AT && close(fd) == 0);
  if (!cloexec) NEED(fcntl(AT, F_SETFD, 0) == 0);
  NEED(chdir("/") == 0);
}

static fe_attr below(const char *path) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_EXECVEAT;
  attr.execfd = AT;
  attr.path = path;
  attr.argv = name_only;
  return attr;
}

static void relative_to_it(void) {
  char wanted[300];
  snprintf(wanted, sizeof wanted, "%s/below/prog", scratch());
  EACH_WAY(way) {
    for (int cloexec = 0; cloexec < 2; cloexec++) {
      directory(cloexec);
      static const char *const paths[] = {"prog", "./prog", "../below/prog"};
      for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        fe_attr attr = below(paths[i]);
        char *seen = probe(&attr, way);
        CHECK_STR(value(seen, "exe"), wanted);
        CHECK_STR(value(seen, "argv.0"), "prog");
        CHECK_STR(value(seen, "cwd"), "/");
        CHECK_INT(number(seen, "fds"), !cloexec);
        free(seen);
      }
      /* Without a path, argv[0] is one. */
      fe_attr attr = below(NULL);
      char *seen = probe(&attr, way);
      CHECK_STR(value(seen, "exe"), wanted);
      free(seen);
      /* Not the child's directory counts. */
      attr.dir = "/tmp";
      seen = probe(&attr, way);
      CHECK_STR(value(seen, "exe"), wanted);
      CHECK_STR(value(seen, "cwd"), "/tmp");
      free(seen);
    }
  }
}

static void absolute_path(void) {
  EACH_WAY(way) {
    directory(true);
    fe_attr attr = below(probe_path());
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "exe"), probe_path());
    free(seen);
    /* Whatever the descriptor is. */
    attr.execfd = 0;
    seen = probe(&attr, way);
    CHECK_STR(value(seen, "exe"), probe_path());
    free(seen);
    attr.path = "/nonexistent";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    /* Its interpreter finds it by its own path. */
    attr.execfd = AT;
    attr.path = kept_path("below/script");
    spawn_exits(&attr, way, 7);
  }
}

static void not_there(void) {
  EACH_WAY(way) {
    directory(true);
    const struct {
      const char *path;
      int errnum;
    } rows[] = {{"", ENOENT}, {"nonexistent", ENOENT}, {"prog/x", ENOTDIR}, {".", EACCES}, {"text", ENOEXEC}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      fe_attr attr = below(rows[i].path);
      spawn_fails(&attr, way, rows[i].errnum, FE_STEP_EXEC, -1);
    }
    fe_attr attr = below("prog");
    attr.execfd = 0; /* no directory */
    spawn_fails(&attr, way, ENOTDIR, FE_STEP_EXEC, -1);
  }
}

static void script_below_it(void) {
  EACH_WAY(way) {
    directory(true);
    fe_attr attr = below("script");
    spawn_fails(&attr, way, ENOENT, FE_STEP_SCRIPT_FD, -1);
    attr.flags |= FE_CLOSE_OTHERS;
    NEED(fcntl(AT, F_SETFD, 0) == 0);
    spawn_fails(&attr, way, ENOENT, FE_STEP_SCRIPT_FD, -1);
    attr.flags &= ~FE_CLOSE_OTHERS;
    spawn_exits(&attr, way, 7);
    attr.actions = (const fe_file_action[]){FE_CLOSE(AT)};
    attr.nactions = 1;
    spawn_exits(&attr, way, 7);
  }
}

static void clobbered_by(unsigned way, const void *errnum) {
  directory(true);
  if (*(const int *)errnum) refuse(SYS_close_range, *(const int *)errnum);
  fe_attr attr = below("prog");
  const fe_file_action each[] = {FE_CLOSE(AT), FE_DUP2(0, AT), FE_CLOSEFROM(0), FE_CLOSEFROM(AT),
                                 FE_OPEN(AT, "/", O_RDONLY, 0)};
  static const int counts[] = {0, 1, 0, 0, 1};
  for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
    attr.actions = &each[i];
    attr.nactions = 1;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "fds"), counts[i]);
    free(seen);
  }
  static const int files[] = {2, 1, 0, 1, 1, 1, 1};
  attr.nactions = 0;
  attr.flags |= FE_CLOSE_OTHERS;
  attr.files = files;
  for (size_t count = 0; count <= 7; count++) {
    attr.nfiles = count;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "fds"), count);
    free(seen);
  }
}

static void clobbered(void) {
  static const int errnums[] = {0, ENOSYS};
  for (size_t i = 0; i < sizeof errnums / sizeof *errnums; i++) {
    EACH_WAY(way) apart(clobbered_by, way, &errnums[i]);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"relative to the directory", relative_to_it},
      {"an absolute path", absolute_path},
      {"what is not there", not_there},
      {"a script", script_below_it},
      {"the directory's number is taken", clobbered},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
