/* SPDX-License-Identifier: BSD-3-Clause */
/* The program, its arguments and its environment, and the search in PATH. */
#include "test.h"

extern char **environ;

static char *name_only[] = {(char *)"prog", NULL};

static void file(const char *path, const char *content, mode_t mode) {
  FILE *out = fopen(path, "we");
  NEED(out != NULL && fputs(content, out) >= 0 && fclose(out) == 0 && chmod(path, mode) == 0);
}

static void program_apart_from_name(void) {
  EACH_WAY(way) {
    char *names[] = {(char *)"another name", NULL}, *empty[] = {(char *)"", NULL};
    fe_attr attr = FE_ATTR_INIT;
    attr.path = probe_path();
    attr.argv = names;
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "argv.0"), "another name");
    CHECK_STR(value(seen, "exe"), probe_path());
    CHECK_STR(value(seen, "execfn"), probe_path());
    free(seen);
    attr.argv = empty;
    seen = probe(&attr, way);
    CHECK_INT(number(seen, "argc"), 2);
    CHECK_STR(value(seen, "argv.0"), "");
    free(seen);
  }
}

static void no_path(void) {
  EACH_WAY(way) {
    char *names[] = {(char *)probe_path(), NULL};
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = names;
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "argv.0"), probe_path());
    CHECK_STR(value(seen, "execfn"), probe_path());
    free(seen);
    names[0] = (char *)"";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
}

static void arguments(void) {
  char *names[] = {(char *)"p",   (char *)"",   (char *)"a b", (char *)"\"'$*\\",
                   (char *)"-x=", (char *)"\xff\x01", NULL};
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.path = probe_path();
    attr.argv = names;
    char *seen = probe(&attr, way);
    CHECK_INT(number(seen, "argc"), 7);
    for (int i = 1; names[i]; i++) {
      char key[20];
      snprintf(key, sizeof key, "argv.%d", i + 1);
      CHECK_STR(value(seen, key), names[i]);
    }
    free(seen);
  }
}

/* What the probe sees while `environ` is that. */
static char *with_environ(fe_attr *attr, unsigned way, char **other) {
  char **before = environ;
  fe_child child;
  environ = other;
  bool good = probe_start(attr, way, &child);
  environ = before;
  if (!good) return NULL;
  CHECK_INT(fe_wait(&child, -1, NULL), 0);
  return probe_report();
}

static void environment(void) {
  char *some[] = {(char *)"A=1", (char *)"B=", (char *)"A=2", (char *)"C=x=y", NULL};
  char *none[] = {NULL}, *own[] = {(char *)"OWN=yes", NULL};
  probe_path();
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.envp = some;
    char *seen = with_environ(&attr, way, own);
    CHECK(seen && strstr(seen, "\nenv.A=1\nenv.B=\nenv.A=2\nenv.C=x=y\nenvs=4\n"));
    free(seen);
    attr.envp = none;
    seen = with_environ(&attr, way, own);
    CHECK_STR(value(seen, "envs"), "0");
    free(seen);
    attr.envp = NULL;
    seen = with_environ(&attr, way, own);
    CHECK_STR(value(seen, "envs"), "1");
    CHECK_STR(value(seen, "env.OWN"), "yes");
    free(seen);
    /* As after clearenv(3). */
    seen = with_environ(&attr, way, NULL);
    CHECK_STR(value(seen, "envs"), "0");
    free(seen);
    NEED(setenv("LATER", "set", 1) == 0);
    seen = probe(&attr, way);
    CHECK_STR(value(seen, "env.LATER"), "set");
    free(seen);
    NEED(unsetenv("LATER") == 0);
  }
}

static void what_cannot_be_executed(void) {
  const char *text = kept_path("text"), *plain = kept_path("plain"), *loop = kept_path("loop");
  const char *orphan = kept_path("orphan"), *empty = kept_path("empty");
  const char *below_plain = kept_path("plain/x");
  file(text, "touch ran\n", 0755);
  file(empty, "", 0755);
  file(plain, "", 0644);
  file(orphan, "#!/nowhere/at/all\n", 0755);
  NEED(symlink(loop, loop) == 0 && chdir(scratch()) == 0);
  const struct {
    const char *path;
    int errnum;
  } rows[] = {
      {"", ENOENT},           {"/nowhere/at/all", ENOENT}, {"nowhere", ENOENT},
      {text, ENOEXEC},        {empty, ENOEXEC},            {plain, EACCES},
      {scratch(), EACCES},    {below_plain, ENOTDIR},      {loop, ELOOP},
      {orphan, ENOENT},
  };
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = name_only;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
      attr.path = rows[i].path;
      spawn_fails(&attr, way, rows[i].errnum, FE_STEP_EXEC, -1);
    }
    char *huge = malloc(1 << 18);
    NEED(huge != NULL);
    memset(huge, 'x', 1 << 18);
    huge[(1 << 18) - 1] = 0;
    char *names[] = {(char *)"true", huge, NULL};
    attr.path = "/bin/true";
    attr.argv = names;
    spawn_fails(&attr, way, E2BIG, FE_STEP_EXEC, -1);
    free(huge);
  }
  CHECK(access("ran", F_OK) != 0);
}

/* ---- the search ---- */

/* Directories below the scratch directory, which is the working directory from then on. "prog" can
 * be executed in a and b, not in c (no x) and d (a directory), is text in e, and not there in "none".
 * "file" is no directory. */
static void directories(void) {
  NEED(chdir(scratch()) == 0);
  const char *const names[] = {"a", "b", "c", "d", "e", "none", "b/rel", "d/prog"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    NEED((mkdir(names[i], 0777) == 0 || errno == EEXIST) && chmod(names[i], 0777) == 0);
  install_probe("a/prog");
  install_probe("b/prog");
  install_probe("b/rel/prog");
  file("c/prog", "", 0644);
  file("e/prog", "touch ran\n", 0755);
  file("file", "", 0755);
}

static fe_attr searching(void) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SEARCH_PATH;
  attr.path = "prog";
  attr.argv = name_only;
  return attr;
}

static void finds_in(fe_attr *attr, unsigned way, const char *path, const char *execfn) {
  NEED(setenv("PATH", path, 1) == 0);
  char *seen = probe(attr, way);
  CHECK_STR(value(seen, "execfn"), execfn);
  CHECK_STR(value(seen, "argv.0"), "prog");
  free(seen);
}

static void fails_in(fe_attr *attr, unsigned way, const char *path, int errnum, int index) {
  NEED(setenv("PATH", path, 1) == 0);
  spawn_fails(attr, way, errnum, FE_STEP_EXEC, index);
}

static void in_order(void) {
  directories();
  fe_attr attr = searching(), by_name = searching();
  by_name.path = NULL;
  EACH_WAY(way) {
    finds_in(&attr, way, "a:b", "a/prog");
    finds_in(&attr, way, "b:a", "b/prog");
    finds_in(&attr, way, "none:/nowhere:b:a", "b/prog");
    finds_in(&by_name, way, "b", "b/prog");
    NEED(setenv("PATH", scratch(), 1) == 0);
    fails_in(&attr, way, scratch(), ENOENT, -1);
  }
}

static void by_the_childs_directory(void) {
  directories();
  EACH_WAY(way) {
    fe_attr attr = searching();
    attr.dir = "b";
    finds_in(&attr, way, "rel", "rel/prog");
    finds_in(&attr, way, "a:../a:rel", "../a/prog");
    finds_in(&attr, way, ":rel", "prog");
    finds_in(&attr, way, "none::rel", "prog");
    finds_in(&attr, way, "none:", "prog");
    finds_in(&attr, way, "", "prog");
    attr.dir = NULL;
    fails_in(&attr, way, "rel", ENOENT, -1);
    fails_in(&attr, way, "", ENOENT, -1);
  }
}

static void in_the_new_root(void) {
  need_root();
  directories();
  EACH_WAY(way) {
    fe_attr attr = searching();
    attr.chroot = scratch();
    finds_in(&attr, way, "/none:/a", "/a/prog");
    finds_in(&attr, way, "b", "b/prog");
  }
}

static void the_callers_path(void) {
  directories();
  char *others[] = {(char *)"PATH=b", (char *)"PATHS=b", NULL};
  EACH_WAY(way) {
    fe_attr attr = searching();
    attr.envp = others;
    finds_in(&attr, way, "a", "a/prog");
    attr.envp = NULL;
    NEED(unsetenv("PATH") == 0);
    attr.path = "true";
    spawn_exits(&attr, way, 0);
    install_probe("prog");
    attr.path = "prog";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    NEED(unlink("prog") == 0);
  }
}

static void not_allowed_is_remembered(void) {
  directories();
  fe_attr attr = searching();
  EACH_WAY(way) {
    finds_in(&attr, way, "c:a", "a/prog");
    finds_in(&attr, way, "none:d:c:b", "b/prog");
    fails_in(&attr, way, "c", EACCES, 0);
    fails_in(&attr, way, "none:none:c:d:none", EACCES, 2);
    fails_in(&attr, way, "none:d:file", EACCES, 1);
  }
  need_root();
  NEED(chmod("a", 0) == 0);
  become_unprivileged();
  EACH_WAY(way) fails_in(&attr, way, "none:a:none", EACCES, 1);
}

static void not_there(void) {
  directories();
  fe_attr attr = searching();
  EACH_WAY(way) {
    fails_in(&attr, way, "none", ENOENT, -1);
    fails_in(&attr, way, "none:/nowhere::none", ENOENT, -1);
    fails_in(&attr, way, "file:none", ENOENT, -1);
    finds_in(&attr, way, "file:a", "a/prog");
    finds_in(&attr, way, "none:file:b", "b/prog");
  }
}

static void an_element_that_is_too_long(void) {
  /* execvp(3) passes over it: it can hold no program. */
  directories();
  char path[6000];
  memset(path, 'x', sizeof path);
  path[0] = '/';
  strcpy(path + 5000, ":a");
  fe_attr attr = searching();
  EACH_WAY(way) finds_in(&attr, way, path, "a/prog");
}

static void never_a_shell(void) {
  directories();
  EACH_WAY(way) {
    fe_attr attr = searching();
    fails_in(&attr, way, "e", ENOEXEC, 0);
    /* And the search ends: it is there. */
    fails_in(&attr, way, "none:e:a", ENOEXEC, 1);
    fails_in(&attr, way, "c:e:a", ENOEXEC, 1);
    attr.path = "e/prog";
    fails_in(&attr, way, "a", ENOEXEC, -1);
    CHECK(access("ran", F_OK) != 0);
  }
}

static void a_slash_is_no_search(void) {
  directories();
  EACH_WAY(way) {
    fe_attr attr = searching();
    attr.path = "./prog";
    fails_in(&attr, way, "a", ENOENT, -1);
    attr.path = "rel/prog";
    fails_in(&attr, way, "b", ENOENT, -1);
    attr.path = "a/prog";
    finds_in(&attr, way, "b", "a/prog");
    attr.path = "";
    fails_in(&attr, way, "a", ENOENT, -1);
    attr.path = "prog";
    attr.flags = 0;
    fails_in(&attr, way, "a", ENOENT, -1);
  }
}

/* Whatever kind of kernel the first spawn finds: no environment turns a failure into a success. */
static void by_the_librarys_own_choice(void) {
  static char *missing[] = {(char *)"/no/such", NULL}, *found[] = {(char *)"/bin/true", NULL};
  for (int first = 0; first < 2; first++) {
    pid_t pid = fork_apart();
    NEED(pid >= 0);
    if (pid == 0) {
      for (int i = 0; i < 4; i++) {
        fe_attr attr = FE_ATTR_INIT;
        attr.argv = (i + first) % 2 ? missing : found;
        if (attr.argv == missing)
          spawn_fails(&attr, FE_WAY_AUTO, ENOENT, FE_STEP_EXEC, -1);
        else
          spawn_exits(&attr, FE_WAY_AUTO, 0);
      }
      _exit(0);
    }
    CHECK(waitpid(pid, NULL, 0) == pid);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"path apart from argv[0]", program_apart_from_name},
      {"path NULL is argv[0]", no_path},
      {"the arguments, exactly", arguments},
      {"the environment, exactly", environment},
      {"what cannot be executed", what_cannot_be_executed},
      {"PATH in its order", in_order},
      {"relative and empty elements", by_the_childs_directory},
      {"PATH in the new root", in_the_new_root},
      {"the caller's PATH, or the default", the_callers_path},
      {"EACCES is remembered", not_allowed_is_remembered},
      {"ENOENT and ENOTDIR are passed over", not_there},
      {"an element that is too long", an_element_that_is_too_long},
      {"never a shell", never_a_shell},
      {"no search with a slash", a_slash_is_no_search},
      {"by the library's own choice", by_the_librarys_own_choice},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
