/* SPDX-License-Identifier: BSD-3-Clause */
/* A list of directories of one's own, and the shell for what is found but is no program. */
#include "test.h"

#include "filter.h"

#include <limits.h>

static char *name_only[] = {(char *)"prog", NULL};
static const char *out; /* where the script says with which arguments its shell was started */

static void file(const char *path, const char *content, mode_t mode) {
  FILE *stream = fopen(path, "we");
  NEED(stream != NULL && fputs(content, stream) >= 0 && fclose(stream) == 0 && chmod(path, mode) == 0);
}

/* Below the scratch directory, which is the working directory from then on. "prog" can be executed in a
 * and b, may not in c (no x) and d (a directory), is text in e, and not there in "none". */
static void directories(void) {
  NEED(chdir(scratch()) == 0);
  const char *const names[] = {"a", "b", "c", "d", "e", "none", "b/rel", "d/prog"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    NEED((mkdir(names[i], 0777) == 0 || errno == EEXIST) && chmod(names[i], 0777) == 0);
  install_probe("a/prog");
  install_probe("b/prog");
  install_probe("b/rel/prog");
  file("c/prog", "", 0644);
  out = kept_path("out");
  char text[400];
  snprintf(text, sizeof text, "cat /proc/$$/cmdline >'%s'\nexit 5\n", out);
  file("e/prog", text, 0755);
  /* Whoever looks into PATH finds this one. */
  NEED(setenv("PATH", "a:/bin:/usr/bin", 1) == 0);
}

static fe_attr searching(const char *list) {
  fe_attr attr = FE_ATTR_INIT;
  attr.flags = FE_SEARCH_PATH;
  attr.path = "prog";
  attr.argv = name_only;
  attr.search_path = list;
  return attr;
}

static void finds(unsigned way, const char *list, const char *execfn) {
  fe_attr attr = searching(list);
  char *seen = probe(&attr, way);
  CHECK_STR(value(seen, "execfn"), execfn);
  CHECK_STR(value(seen, "argv.0"), "prog");
  /* The program's own PATH is another matter. */
  CHECK_STR(value(seen, "env.PATH"), getenv("PATH") ? getenv("PATH") : "");
  free(seen);
}

static void fails(unsigned way, const char *list, int errnum, int index) {
  fe_attr attr = searching(list);
  spawn_fails(&attr, way, errnum, FE_STEP_EXEC, index);
}

static void instead_of_path(void) {
  directories();
  EACH_WAY(way) {
    finds(way, "b", "b/prog");
    finds(way, "b:a", "b/prog");
    finds(way, "none:/nowhere:b/rel:a", "b/rel/prog");
    finds(way, NULL, "a/prog");
    fails(way, "none", ENOENT, -1);
    fails(way, "none:/nowhere", ENOENT, -1);
    /* The working directory. */
    fails(way, "", ENOENT, -1);
    NEED(chdir("b") == 0);
    finds(way, "", "prog");
    finds(way, "/nowhere:", "prog");
    finds(way, "rel", "rel/prog");
    NEED(chdir("..") == 0);
    /* With no variable at all. */
    NEED(unsetenv("PATH") == 0);
    finds(way, "b", "b/prog");
    NEED(setenv("PATH", "a:/bin:/usr/bin", 1) == 0);
  }
}

static void a_long_list(void) {
  directories();
  enum { ELEMENTS = 3000 };
  char *list = malloc(ELEMENTS * 5 + 3);
  NEED(list != NULL);
  for (int i = 0; i < ELEMENTS; i++) memcpy(list + (size_t)i * 5, "none:", 5);
  EACH_WAY(way) {
    strcpy(list + ELEMENTS * 5, "c");
    fails(way, list, EACCES, ELEMENTS);
    strcpy(list + ELEMENTS * 5, "b");
    finds(way, list, "b/prog");
  }
  free(list);
}

static void not_allowed_is_remembered(void) {
  directories();
  EACH_WAY(way) {
    finds(way, "c:b", "b/prog");
    finds(way, "none:d:c:b", "b/prog");
    fails(way, "c", EACCES, 0);
    fails(way, "none:c:d:none", EACCES, 1);
    fails(way, "none:none:d", EACCES, 2);
  }
}

static void in_the_childs_world(void) {
  directories();
  EACH_WAY(way) {
    fe_attr attr = searching("rel");
    attr.dir = "b";
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "execfn"), "rel/prog");
    free(seen);
    const fe_file_action to_b = {FE_ACTION_CHDIR, 0, 0, 0, 0, 0, "b", {0, 0}};
    attr.dir = NULL;
    attr.actions = &to_b;
    attr.nactions = 1;
    seen = probe(&attr, way);
    CHECK_STR(value(seen, "execfn"), "rel/prog");
    free(seen);
  }
  need_root();
  EACH_WAY(way) {
    fe_attr attr = searching("/none:/b");
    attr.chroot = scratch();
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "execfn"), "/b/prog");
    free(seen);
  }
}

static void only_with_the_flag(void) {
  directories();
  fe_attr attr = searching("b");
  EACH_WAY(way) {
    attr.path = "a/prog"; /* a slash: no search */
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "execfn"), "a/prog");
    free(seen);
    attr.path = "./prog";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
  refuse(SYS_clone3, KILL);
  refuse(SYS_clone, KILL);
  static const uint64_t flags[] = {0, FE_SHELL_FALLBACK, FE_FEXECVE, FE_EXECVEAT,
                                   FE_SEARCH_PATH | FE_EXECVEAT, FE_SEARCH_PATH | FE_FEXECVE};
  for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
    attr = searching("b");
    attr.flags = flags[i];
    attr.path = flags[i] & FE_FEXECVE ? NULL : "prog";
    spawn_fails(&attr, FE_WAY_AUTO, EINVAL, FE_STEP_ARGS, -1);
  }
}

/* ---- the shell ---- */

/* The arguments of the shell, as /proc/PID/cmdline has them. */
static void shell_got(const char *const *wanted, size_t count) {
  static char got[1 << 20];
  FILE *stream = fopen(out, "re");
  if (!CHECK(stream != NULL)) return;
  size_t length = fread(got, 1, sizeof got - 1, stream);
  got[length] = 0;
  fclose(stream);
  unlink(out);
  const char *next = got;
  for (size_t i = 0; i < count && next < got + length; i++) {
    CHECK_STR(next, wanted[i]);
    next += strlen(next) + 1;
  }
  CHECK_INT(next - got, length);
}

static void without_fallback(void) {
  directories();
  EACH_WAY(way) {
    fails(way, "e", ENOEXEC, 0);
    fails(way, "none:e:a", ENOEXEC, 1);
    fails(way, "c:e:a", ENOEXEC, 1);
    CHECK(access(out, F_OK) != 0);
  }
}

static void by_path_or_by_search(void) {
  directories();
  char *one[] = {(char *)"name", NULL};
  char *two[] = {(char *)"", (char *)"-c", NULL};
  char *many[] = {(char *)"name", (char *)"", (char *)"a b", (char *)"\"'$*\\", (char *)"-x", NULL};
  char **const argvs[] = {one, two, many};
  static const size_t counts[] = {1, 2, 5};
  const char *absolute = kept_path("e/prog");
  const struct {
    const char *path, *list, *found;
  } rows[] = {
      {"e/prog", NULL, "e/prog"},
      {absolute, NULL, absolute},
      {"prog", "e", "e/prog"},
      {"prog", "none:c:e:a", "e/prog"}, /* and the search ends there */
      {"prog", scratch(), NULL},
  };
  EACH_WAY(way) {
    for (size_t i = 0; i < 3; i++) {
      for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        fe_attr attr = FE_ATTR_INIT;
        attr.path = rows[row].path;
        attr.search_path = rows[row].list;
        attr.flags = FE_SHELL_FALLBACK | (rows[row].list ? FE_SEARCH_PATH : 0);
        attr.argv = argvs[i];
        if (!rows[row].found) {
          spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
          continue;
        }
        spawn_exits(&attr, way, 5);
        const char *wanted[8] = {argvs[i][0], rows[row].found};
        for (size_t word = 1; word < counts[i]; word++) wanted[word + 1] = argvs[i][word];
        shell_got(wanted, counts[i] + 1);
      }
    }
    /* Without a path it is argv[0]. */
    char *itself[] = {(char *)"e/prog", (char *)"x", NULL};
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = itself;
    attr.flags = FE_SHELL_FALLBACK;
    spawn_exits(&attr, way, 5);
    shell_got((const char *[]){"e/prog", "e/prog", "x"}, 3);
  }
}

static void a_thousand_arguments(void) {
  enum { MANY = 1000 };
  directories();
  char *argv[MANY + 1];
  const char *wanted[MANY + 1];
  for (int i = 0; i < MANY; i++) {
    char word[20];
    snprintf(word, sizeof word, "word-%d", i);
    argv[i] = strdup(word);
    NEED(argv[i] != NULL);
    wanted[i ? i + 1 : 0] = argv[i];
  }
  argv[MANY] = NULL;
  wanted[1] = "e/prog";
  EACH_WAY(way) {
    fe_attr attr = searching("e");
    attr.flags |= FE_SHELL_FALLBACK;
    attr.argv = argv;
    spawn_exits(&attr, way, 5);
    shell_got(wanted, MANY + 1);
  }
}

/* It changes nothing for what is a program, or is not there. */
static void not_needed(void) {
  directories();
  EACH_WAY(way) {
    fe_attr attr = searching("none:b:e");
    attr.flags |= FE_SHELL_FALLBACK;
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "execfn"), "b/prog");
    CHECK_STR(value(seen, "argv.0"), "prog");
    free(seen);
    attr.search_path = "none:c:d";
    spawn_fails(&attr, way, EACCES, FE_STEP_EXEC, 1);
    attr.search_path = "none:none";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
    attr.search_path = NULL;
    attr.flags = FE_SHELL_FALLBACK;
    attr.path = "c/prog";
    spawn_fails(&attr, way, EACCES, FE_STEP_EXEC, -1);
    attr.path = "none/prog";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
}

/* By the program's environment. */
static void its_environment(void) {
  directories();
  file("e/env", "exit $STATUS\n", 0755);
  EACH_WAY(way) {
    char *env[] = {(char *)"STATUS=9", NULL};
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "e/env";
    attr.argv = name_only;
    attr.envp = env;
    attr.flags = FE_SHELL_FALLBACK;
    spawn_exits(&attr, way, 9);
  }
}

static void shell_that_cannot_be_run(void) {
  need_root();
  directories();
  NEED(mkdir("bin", 0755) == 0);
  EACH_WAY(way) {
    fe_attr attr = searching("/none:/e:/a");
    attr.flags |= FE_SHELL_FALLBACK;
    attr.chroot = scratch();
    unlink("bin/sh");
    spawn_fails(&attr, way, ENOENT, FE_STEP_SHELL, -1);
    file("bin/sh", "", 0644);
    spawn_fails(&attr, way, EACCES, FE_STEP_SHELL, -1);
    /* And not by itself. */
    file("bin/sh", "exit 0\n", 0755);
    spawn_fails(&attr, way, ENOEXEC, FE_STEP_SHELL, -1);
    attr.flags = FE_SHELL_FALLBACK;
    attr.search_path = NULL;
    attr.path = "/e/prog";
    spawn_fails(&attr, way, ENOEXEC, FE_STEP_SHELL, -1);
  }
}

static struct watcher execs = {NULL, 0, 0, -1};

static void kill_the_second(pid_t child) {
  if (execs.calls % 2 == 0) kill(child, SIGKILL);
}

static void killed_at_the_shell(void) {
  directories();
  execs.meanwhile = kill_the_second;
  watch_if(&execs, SYS_execve, 0, 0, 0);
  EACH_WAY(way) {
    fe_attr attr = searching("e");
    attr.flags |= FE_SHELL_FALLBACK;
    spawn_killed(&attr, way, SIGKILL, FE_STEP_SHELL, -1);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"search_path instead of PATH", instead_of_path},
      {"a long list", a_long_list},
      {"EACCES is remembered", not_allowed_is_remembered},
      {"relative and in a new root", in_the_childs_world},
      {"only with FE_SEARCH_PATH", only_with_the_flag},
      {"ENOEXEC without the fallback", without_fallback},
      {"the shell's arguments, by path and by search", by_path_or_by_search},
      {"a thousand arguments", a_thousand_arguments},
      {"the fallback where it is not needed", not_needed},
      {"the shell's environment", its_environment},
      {"a shell that cannot be run", shell_that_cannot_be_run},
      {"killed when the shell is to be run", killed_at_the_shell},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
