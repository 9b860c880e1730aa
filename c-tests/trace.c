/* SPDX-License-Identifier: BSD-3-Clause */
/* FORKEXEC_TRACE. The library reads it when it is loaded, so a case starts this program again, as a
 * helper that spawns. */
#include "test.h"

#include "known.h"

#include <sys/auxv.h>

/* ---- the helper ---- */

enum { SPAWNS = 200 };

static char *const no_argv[] = {NULL};

/* Its standard output tells what the trace must say: "CALLER CHILD\n" for each. */
static int spawn_once(fe_attr *attr) {
  fe_child child;
  fe_error error;
  int errnum = 0;
  errno = 0;
  if (fe_spawn(attr, &child, &error) == 0) {
    printf("%d %d\n", (int)getpid(), (int)child.pid);
    fe_wait(&child, -1, NULL);
  } else {
    errnum = errno;
    if (errnum != error.errnum) return 99;
    printf("%d 0\n", (int)getpid());
  }
  fflush(stdout);
  return 0;
}

static int helper(const char *what, unsigned way, char **words) {
  fe_attr attr = FE_ATTR_INIT;
  char *argv[] = {words[1], (char *)"second", NULL};
  attr.way = way;
  attr.path = words[0];
  attr.argv = argv;
  if (strcmp(what, "secure") == 0) {
    printf("%d\n", getauxval(AT_SECURE) != 0);
    return spawn_once(&attr);
  }
  if (strcmp(what, "late") == 0) {
    setenv("FORKEXEC_TRACE", "1", 1);
    return spawn_once(&attr);
  }
  if (strcmp(what, "fd") == 0) {
    attr.flags = FE_FEXECVE;
    attr.execfd = open(attr.path, O_PATH | O_CLOEXEC);
    attr.path = NULL;
    return spawn_once(&attr);
  }
  if (strcmp(what, "search") == 0) attr.flags = FE_SEARCH_PATH;
  if (strcmp(what, "chdir") == 0) attr.dir = "/nonexistent";
  if (strcmp(what, "no path") == 0) attr.path = NULL;
  if (strcmp(what, "no argv") == 0) attr.argv = NULL;
  if (strcmp(what, "empty argv") == 0) attr.argv = no_argv;
  if (strcmp(what, "no attr") == 0) return spawn_once(NULL);
  if (strcmp(what, "no stderr") == 0) close(2);
  if (strcmp(what, "broken stderr") == 0) {
    int ends[2];
    if (pipe(ends) != 0 || dup2(ends[1], 2) < 0 || close(ends[0]) != 0) return 98;
  }
  for (int i = 0; i < (strcmp(what, "many") == 0 ? SPAWNS : 1); i++)
    if (spawn_once(&attr) != 0) return 99;
  return 0;
}

/* ---- the cases ---- */

static const char *out, *err; /* of the helper */

static const char *content(const char *path) {
  static char texts[4][1 << 16];
  static unsigned next;
  char *text = texts[next++ % 4];
  FILE *file = fopen(path, "re");
  text[0] = 0;
  if (!file) return text;
  text[fread(text, 1, sizeof texts[0] - 1, file)] = 0;
  fclose(file);
  return text;
}

static pid_t start_helper(const char *trace, const char *program, const char *what, unsigned way,
                          const char *path, const char *argv0) {
  char number_of_way[4];
  snprintf(number_of_way, sizeof number_of_way, "%u", way);
  pid_t pid = fork_apart();
  NEED(pid >= 0);
  if (pid != 0) return pid;
  int to = open(out, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  int errors = open(err, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (dup2(to, 1) < 0 || dup2(errors, 2) < 0) _exit(98);
  unsetenv("FORKEXEC_TRACE");
  if (trace) setenv("FORKEXEC_TRACE", trace, 1);
  execl(program, "trace", "--spawn", what, number_of_way, path, argv0, (char *)NULL);
  _exit(97);
}

/* A new helper with new files. */
static void help(const char *trace, const char *what, unsigned way, const char *path,
                 const char *argv0) {
  int status = -1;
  out = kept_path("out");
  err = kept_path("err");
  unlink(out);
  unlink(err);
  pid_t pid = start_helper(trace, "/proc/self/exe", what, way, path, argv0);
  NEED(waitpid(pid, &status, 0) == pid);
  CHECK_INT(status, 0);
}

static const char *const way_names[] = {"none", "shared", "copy", "piped"};

/* The line, but for its time, which must be a number and no more than a minute. */
static void line_is(const char *line, const char *before, const char *after) {
  size_t length = strlen(before);
  if (!CHECK(strncmp(line, before, length) == 0)) {
    note("got %s", line);
    note("wanted %s", before);
    return;
  }
  char *end;
  CHECK(line[length] >= '0' && line[length] <= '9');
  long took = strtol(line + length, &end, 10);
  CHECK(took >= 0 && took < 60000000);
  CHECK_STR(end, after);
}

static void traced_success(const char *text, unsigned way, const char *after) {
  int caller, child;
  char before[200];
  NEED(sscanf(content(out), "%d %d", &caller, &child) == 2);
  CHECK(child > 0);
  snprintf(before, sizeof before, "forkexec: caller=%d pid=%d way=%s us=", caller, child,
           way_names[way]);
  line_is(text, before, after);
}

static void traced_failure(const char *text, unsigned way, const char *failure, const char *after) {
  int caller;
  char before[200];
  NEED(sscanf(content(out), "%d", &caller) == 1);
  snprintf(before, sizeof before, "forkexec: caller=%d failed=%s signal=0 way=%s us=", caller,
           failure, way_names[way]);
  line_is(text, before, after);
}

static void to_standard_error(void) {
  need(HAS_OWN_PROGRAMS);
  EACH_WAY(way) {
    help("1", "plain", way, "/bin/true", "its name");
    traced_success(content(err), way, " path=\"/bin/true\" argv=\"its name\"\n");
    help("1", "no path", way, "", "/bin/true");
    traced_success(content(err), way, " argv=\"/bin/true\"\n");
    need(HAS_EXECVEAT);
    help("1", "fd", way, "/bin/true", "x");
    int caller, child, fd;
    NEED(sscanf(content(err), "forkexec: caller=%d pid=%d way=%*s us=%*d execfd=%d", &caller, &child,
                &fd) == 3);
    char after[60];
    CHECK(fd > 2);
    snprintf(after, sizeof after, " execfd=%d argv=\"x\"\n", fd);
    traced_success(content(err), way, after);
  }
}

static void failures(void) {
  need(HAS_OWN_PROGRAMS);
  EACH_WAY(way) {
    help("1", "plain", way, "/nonexistent", "x");
    traced_failure(content(err), way, "exec index=-1 errno=2", " path=\"/nonexistent\" argv=\"x\"\n");
    help("1", "chdir", way, "/bin/true", "x");
    traced_failure(content(err), way, "chdir index=-1 errno=2", " path=\"/bin/true\" argv=\"x\"\n");
    NEED(mkdir(scratch_path("d"), 0755) == 0 || errno == EEXIST);
    int made = open(scratch_path("d/plain"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    NEED(made >= 0);
    close(made);
    char path[400];
    snprintf(path, sizeof path, "/nonexistent:%s", scratch_path("d"));
    NEED(setenv("PATH", path, 1) == 0);
    help("1", "search", way, "plain", "x");
    traced_failure(content(err), way, "exec index=1 errno=13", " path=\"plain\" argv=\"x\"\n");
    NEED(setenv("PATH", "/bin:/usr/bin", 1) == 0);
  }
  /* Before there was a way. */
  help("1", "no argv", FE_WAY_AUTO, "/bin/true", "x");
  traced_failure(content(err), 0, "args index=-1 errno=22", " path=\"/bin/true\"\n");
  help("1", "empty argv", FE_WAY_AUTO, "/bin/true", "x");
  traced_failure(content(err), 0, "args index=-1 errno=22", " path=\"/bin/true\"\n");
  help("1", "no attr", FE_WAY_AUTO, "/bin/true", "x");
  traced_failure(content(err), 0, "args index=-1 errno=22", "\n");
}

static int lines(const char *text) {
  int count = 0;
  for (; *text; text++) count += *text == '\n';
  return count;
}

static void one_line_whatever_is_in_it(void) {
  need(HAS_OWN_PROGRAMS);
  char name[256], wanted[600];
  for (int i = 1; i < 128; i++) name[i - 1] = (char)i;
  name[127] = 0;
  help("1", "plain", FE_WAY_AUTO, "/bin/true", name);
  CHECK_INT(lines(content(err)), 1);
  for (int i = 0; name[i]; i++)
    if (name[i] < 32 || name[i] > 126 || name[i] == '"' || name[i] == '\\') name[i] = '?';
  snprintf(wanted, sizeof wanted, " path=\"/bin/true\" argv=\"%s\"\n", name);
  unsigned way = expected_way(FE_WAY_AUTO);
  traced_success(content(err), way, wanted);

  for (int i = 0; i < 120; i++) name[i] = (char)(i + 128);
  name[120] = 0;
  help("1", "plain", FE_WAY_AUTO, "/bin/true", name);
  memset(name, '?', 120);
  snprintf(wanted, sizeof wanted, " path=\"/bin/true\" argv=\"%s\"\n", name);
  traced_success(content(err), way, wanted);

  /* Long ones are cut, each by itself. */
  char path[3000], half[201];
  memset(path, '/', sizeof path);
  strcpy(path + sizeof path - 9, "bin/true");
  help("1", "plain", FE_WAY_AUTO, path, path);
  memset(half, '/', 200);
  half[200] = 0;
  snprintf(wanted, sizeof wanted, " path=\"%s\" argv=\"%s\"\n", half, half);
  traced_success(content(err), way, wanted);
}

static void to_the_end_of_a_file(void) {
  need(HAS_OWN_PROGRAMS);
  const char *file = kept_path("log");
  EACH_WAY(way) {
    unlink(file);
    help(file, "plain", way, "/bin/true", "first");
    traced_success(content(file), way, " path=\"/bin/true\" argv=\"first\"\n");
    size_t length = strlen(content(file));
    struct stat st;
    NEED(stat(file, &st) == 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    help(file, "plain", way, "/nonexistent", "second");
    CHECK_INT(lines(content(file)), 2);
    traced_failure(content(file) + length, way, "exec index=-1 errno=2",
                   " path=\"/nonexistent\" argv=\"second\"\n");
    CHECK_STR(content(err), "");
  }
  /* The longest path that is taken, and one that is too long. */
  char path[600];
  for (int too_long = 0; too_long < 2; too_long++) {
    memset(path, '/', sizeof path);
    strcpy(path + 511 - strlen(file) + (size_t)too_long, file);
    CHECK_INT(strlen(path), 511 + too_long);
    unlink(file);
    help(path, "plain", FE_WAY_AUTO, "/bin/true", "x");
    CHECK_INT(lines(content(file)), !too_long);
    CHECK_STR(content(err), "");
  }
}

/* Each in one write: lines of many do not mix. */
static void by_many_at_once(void) {
  need(HAS_OWN_PROGRAMS);
  enum { HELPERS = 4 };
  const char *file = kept_path("log");
  pid_t pids[HELPERS];
  out = kept_path("out");
  err = kept_path("err");
  unlink(file);
  for (int i = 0; i < HELPERS; i++)
    pids[i] = start_helper(file, "/proc/self/exe", "many", FE_WAY_AUTO, "/bin/true", "x");
  for (int i = 0; i < HELPERS; i++) {
    int status = -1;
    NEED(waitpid(pids[i], &status, 0) == pids[i]);
    CHECK_INT(status, 0);
  }
  FILE *stream = fopen(file, "re");
  NEED(stream != NULL);
  char line[1000];
  int count = 0, whole = 0;
  for (; fgets(line, sizeof line, stream); count++) {
    int end = 0;
    sscanf(line, "forkexec: caller=%*d pid=%*d way=%*[a-z] us=%*d path=\"/bin/true\" argv=\"x\"%n", &end);
    whole += end > 0 && strcmp(line + end, "\n") == 0;
  }
  fclose(stream);
  CHECK_INT(count, HELPERS * SPAWNS);
  CHECK_INT(whole, count);
}

static void other_values(void) {
  need(HAS_OWN_PROGRAMS);
  NEED(chdir(scratch()) == 0);
  static const char *const values[] = {NULL, "", "0", "2", "11", "1 ", " 1", "yes", "other", "./other"};
  for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
    help(values[i], "plain", FE_WAY_AUTO, "/bin/true", "x");
    CHECK_STR(content(err), "");
    CHECK(access("other", F_OK) != 0);
  }
  /* What is set later is too late. */
  help(NULL, "late", FE_WAY_AUTO, "/bin/true", "x");
  CHECK_STR(content(err), "");
}

/* What cannot be written is lost; the spawn is as ever, and errno that of the spawn. */
static void nowhere_to_write(void) {
  need(HAS_OWN_PROGRAMS);
  static const char *const values[] = {"/nonexistent/log", "/", "/dev/full"};
  EACH_WAY(way) {
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
      int caller, child = -1;
      help(values[i], "plain", way, "/bin/true", "x");
      CHECK(sscanf(content(out), "%d %d", &caller, &child) == 2 && child > 0);
      help(values[i], "plain", way, "/nonexistent", "x");
      CHECK(sscanf(content(out), "%d %d", &caller, &child) == 2 && child == 0);
      CHECK_STR(content(err), "");
    }
    help("1", "no stderr", way, "/bin/true", "x");
    help("1", "no stderr", way, "/nonexistent", "x");
    CHECK_STR(content(err), "");
  }
}

/* A pipe that nobody reads from any more, or ever: neither kills the caller nor holds it. */
static void nobody_reads(void) {
  need(HAS_OWN_PROGRAMS);
  const char *fifo = kept_path("fifo");
  NEED(mkfifo(fifo, 0600) == 0);
  EACH_WAY(way) {
    static const char *const programs[] = {"/bin/true", "/nonexistent"};
    for (int i = 0; i < 2; i++) {
      help("1", "broken stderr", way, programs[i], "x");
      pid_t pid = start_helper(fifo, "/proc/self/exe", "plain", way, programs[i], "x");
      int status = -1;
      /* All signals are blocked while it hangs: so it is ended here. */
      for (int waited = 0; waitpid(pid, &status, WNOHANG) == 0; waited++) {
        if (waited == 5000) kill(pid, SIGKILL);
        usleep(1000);
      }
      if (!CHECK_INT(status, 0)) return;
    }
  }
}

/* ---- set-user-ID ---- */

static void copy(const char *from, const char *to) {
  char command[800];
  snprintf(command, sizeof command, "cp '%s' '%s' && chmod 755 '%s'", from, to, to);
  NEED(system(command) == 0);
}

/* The helper, by its copy `program`: whether it is secure, and what it has written. */
static void by_copy(const char *program, int secure, const char *trace, const char *file, int wanted) {
  int status = -1, is_secure = -1;
  unlink(out);
  unlink(err);
  unlink(file);
  pid_t pid = start_helper(trace, program, "secure", FE_WAY_AUTO, "/bin/true", "x");
  NEED(waitpid(pid, &status, 0) == pid);
  CHECK_INT(status, 0);
  NEED(sscanf(content(out), "%d", &is_secure) == 1);
  if (secure && !is_secure) skip("set-user-ID has no effect in the scratch directory");
  CHECK_INT(is_secure, secure);
  CHECK_INT(lines(content(file)), wanted);
}

static void ignored_with_privileges(void) {
  need(HAS_OWN_PROGRAMS);
  need_root();
  char self[400] = "";
  NEED(readlink("/proc/self/exe", self, sizeof self - 1) > 0);
  const char *plain = kept_path("plain"), *setuid_root = kept_path("setuid");
  const char *file = kept_path("log");
  copy(self, plain);
  copy(self, setuid_root);
  NEED(chmod(setuid_root, 04755) == 0);
  make_the_library_known();
  out = kept_path("out");
  err = kept_path("err");
  become_unprivileged();
  by_copy(plain, 0, "1", err, 1);
  by_copy(plain, 0, file, file, 1);
  by_copy(setuid_root, 1, "1", err, 0);
  by_copy(setuid_root, 1, file, file, 0);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"=1: a line on standard error", to_standard_error},
      {"a line for a failure", failures},
      {"one line, whatever is in it", one_line_whatever_is_in_it},
      {"=/path: to the end of the file", to_the_end_of_a_file},
      {"by many at once", by_many_at_once},
      {"other values, and what is set later", other_values},
      {"nowhere to write", nowhere_to_write},
      {"nobody reads", nobody_reads},
      {"ignored in a set-user-ID program", ignored_with_privileges},
      {NULL, NULL},
  };
  if (argc == 6 && strcmp(argv[1], "--spawn") == 0)
    return helper(argv[2], (unsigned)atoi(argv[3]), argv + 4);
  return run(argc, argv, cases);
}
