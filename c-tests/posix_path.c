/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawnp(3): where it looks, and that it runs no shell. */
#include "test.h"

#include "posix.h"

static char *argv_of_program[] = {(char *)"program", NULL};

/* A script: it needs no more than a shell, and exits with what it is told. */
static void put(const char *path, const char *text, mode_t mode) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
  NEED(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) && fchmod(fd, mode) == 0);
  close(fd);
}

/* Directories a, b, c in a new working directory; PATH is set. */
static void scene(const char *name, const char *path_variable) {
  NEED(chdir(scratch()) == 0 && mkdir(name, 0755) == 0 && chdir(name) == 0);
  NEED(mkdir("a", 0755) == 0 && mkdir("b", 0755) == 0 && mkdir("c", 0755) == 0);
  NEED(setenv("PATH", path_variable, 1) == 0);
}

/* The exit status, or the negative error number. */
static int runs_with(const char *file, const posix_spawn_file_actions_t *actions, char *const envp[]) {
  pid_t pid = 77;
  int result = posix_spawnp(&pid, file, actions, NULL, argv_of_program, envp);
  if (result == 0) {
    int status = wait_status(pid);
    CHECK(WIFEXITED(status));
    return WEXITSTATUS(status);
  }
  CHECK_INT(pid, 77);
  check_no_child();
  return -result;
}

static int runs(const char *file) { return runs_with(file, NULL, environ); }

static void the_first_that_is_found(void) {
  scene("first", "/nonexistent:a:b:c");
  put("b/program", "#!/bin/sh\nexit 2\n", 0755);
  put("c/program", "#!/bin/sh\nexit 3\n", 0755);
  CHECK_INT(runs("program"), 2);
  put("a/program", "#!/bin/sh\nexit 1\n", 0755);
  CHECK_INT(runs("program"), 1);
  CHECK_INT(runs("other"), -ENOENT);
  CHECK_INT(runs(""), -ENOENT);
  /* An element that is no directory. */
  put("file", "", 0644);
  NEED(setenv("PATH", "file:b", 1) == 0);
  CHECK_INT(runs("program"), 2);
}

static void a_slash_in_the_name(void) {
  scene("slash", "a:b");
  NEED(mkdir("a/sub", 0755) == 0);
  put("a/sub/program", "#!/bin/sh\nexit 1\n", 0755);
  CHECK_INT(runs("sub/program"), -ENOENT);
  CHECK_INT(runs("a/sub/program"), 1);
  CHECK_INT(runs("./a/sub/program"), 1);
  CHECK_INT(runs("./program"), -ENOENT);
  CHECK_INT(runs("/bin/true"), 0);
}

static void an_empty_element(void) {
  scene("empty", "a");
  put("program", "#!/bin/sh\nexit 9\n", 0755);
  CHECK_INT(runs("program"), -ENOENT);
  const char *const with[] = {"", ":", ":a", "a:", "a::b", "b::"};
  for (size_t i = 0; i < sizeof with / sizeof *with; i++) {
    NEED(setenv("PATH", with[i], 1) == 0);
    CHECK_INT(runs("program"), 9);
  }
  put("b/program", "#!/bin/sh\nexit 2\n", 0755);
  CHECK_INT(runs("program"), 2);
}

/* Relative elements are those of the new working directory, as they are to execvp(3) in the child. */
static void after_a_chdir_action(void) {
  scene("chdir", "a:");
  NEED(mkdir("c/a", 0755) == 0);
  put("a/program", "#!/bin/sh\nexit 1\n", 0755);
  put("c/a/program", "#!/bin/sh\nexit 3\n", 0755);
  put("c/only-here", "#!/bin/sh\nexit 4\n", 0755);
  posix_spawn_file_actions_t actions;
  NEED(posix_spawn_file_actions_init(&actions) == 0);
  NEED(posix_spawn_file_actions_addchdir_np(&actions, "c") == 0);
  CHECK_INT(runs_with("program", &actions, environ), 3);
  CHECK_INT(runs_with("only-here", &actions, environ), 4);
  CHECK_INT(runs("program"), 1);
  posix_spawn_file_actions_destroy(&actions);
}

static void without_path(void) {
  scene("unset", "a");
  put("true", "#!/bin/sh\nexit 9\n", 0755);
  NEED(unsetenv("PATH") == 0);
  CHECK_INT(runs("true"), 0);
  CHECK_INT(runs("no-such-program"), -ENOENT);
}

static void the_path_of_the_caller(void) {
  scene("envp", "a");
  put("a/program", "#!/bin/sh\nexit 1\n", 0755);
  put("b/program", "#!/bin/sh\nexit 2\n", 0755);
  char *envp[] = {(char *)"PATH=b", NULL};
  CHECK_INT(runs_with("program", NULL, envp), 1);
  CHECK_INT(runs_with("program", NULL, NULL), 1);
}

static void eacces_is_remembered(void) {
  scene("eacces", "a:b:c");
  put("a/program", "#!/bin/sh\nexit 1\n", 0644);
  CHECK_INT(runs("program"), -EACCES);
  put("c/program", "#!/bin/sh\nexit 3\n", 0755);
  CHECK_INT(runs("program"), 3);
  put("b/program", "#!/bin/sh\nexit 2\n", 0644);
  CHECK_INT(runs("program"), 3);
  CHECK_INT(runs("other"), -ENOENT);
  /* A directory of that name may not be executed either. */
  NEED(mkdir("a/directory", 0755) == 0);
  CHECK_INT(runs("directory"), -EACCES);
  put("b/directory", "#!/bin/sh\nexit 2\n", 0755);
  CHECK_INT(runs("directory"), 2);
}

/* A directory that may not be searched. */
static void eacces_of_a_directory(void) {
  need_root();
  scene("locked", "a:b");
  put("b/program", "#!/bin/sh\nexit 2\n", 0755);
  NEED(chmod("a", 0) == 0);
  become_unprivileged();
  CHECK_INT(runs("program"), 2);
  CHECK_INT(runs("other"), -EACCES);
}

/* What is found but cannot be run ends the search; a script without #! is not for a shell. */
static void no_shell(void) {
  scene("enoexec", "a:b");
  put("a/program", "exit 0\n", 0755);
  put("b/program", "#!/bin/sh\nexit 2\n", 0755);
  CHECK_INT(runs("program"), -ENOEXEC);
  CHECK_INT(runs("a/program"), -ENOEXEC);
  pid_t pid = 77;
  CHECK_ERR(posix_spawn(&pid, "a/program", NULL, NULL, argv_of_program, environ), ENOEXEC);
  CHECK_INT(pid, 77);
  put("a/empty", "", 0755);
  CHECK_INT(runs("empty"), -ENOEXEC);
  check_no_child();
}

static void names_that_are_too_long(void) {
  static char name[6000];
  scene("long", "a:b");
  memset(name, 'x', sizeof name - 1);
  CHECK_INT(runs(name), -ENAMETOOLONG);
  name[0] = '/';
  CHECK_INT(runs(name), -ENAMETOOLONG);
  name[256] = 0;
  name[0] = 'x';
  CHECK_INT(runs(name), -ENAMETOOLONG);
}

static void no_search_in_posix_spawn(void) {
  scene("plain", "a");
  put("a/program", "#!/bin/sh\nexit 1\n", 0755);
  put("here", "#!/bin/sh\nexit 5\n", 0755);
  pid_t pid = 77;
  CHECK_ERR(posix_spawn(&pid, "program", NULL, NULL, argv_of_program, environ), ENOENT);
  CHECK_INT(pid, 77);
  CHECK_ERR(posix_spawn(&pid, "here", NULL, NULL, argv_of_program, environ), 0);
  CHECK_INT(wait_status(pid), 5 << 8);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the first that is found", the_first_that_is_found},
      {"a slash in the name", a_slash_in_the_name},
      {"an empty element", an_empty_element},
      {"after a chdir action", after_a_chdir_action},
      {"without PATH", without_path},
      {"the PATH of the caller", the_path_of_the_caller},
      {"EACCES is remembered", eacces_is_remembered},
      {"EACCES of a directory", eacces_of_a_directory},
      {"no shell", no_shell},
      {"names that are too long", names_that_are_too_long},
      {"no search in posix_spawn", no_search_in_posix_spawn},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
