/* SPDX-License-Identifier: BSD-3-Clause */
/* The working directory and the root. */
#include "test.h"

#include <limits.h>

static char *name_only[] = {(char *)"true", NULL};

/* A fresh directory below the scratch directory. */
static const char *directory(const char *name) {
  const char *path = kept_path(name);
  NEED((mkdir(path, 0777) == 0 || errno == EEXIST) && chmod(path, 0777) == 0);
  return path;
}

static const char *identity_of(const char *path) {
  int fd = open(path, O_PATH | O_CLOEXEC);
  NEED(fd >= 0);
  const char *text = identity(fd);
  close(fd);
  return text;
}

/* A root that holds the probe and a directory "sub". */
static const char *new_root(void) {
  const char *root = directory("root");
  directory("root/sub");
  install_probe(kept_path("root/probe"));
  return root;
}

static void inside(fe_attr *attr, unsigned way, const char *root, const char *dir) {
  char *before = snapshot();
  char *seen = probe(attr, way);
  char *after = snapshot();
  CHECK_STR(after, before);
  CHECK_STR(value(seen, "root"), identity_of(root));
  CHECK_STR(value(seen, "cwd_id"), identity_of(dir));
  free(before);
  free(after);
  free(seen);
}

static void absolute_dir(void) {
  const char *sub = directory("sub");
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.dir = sub;
    char *seen = probe(&attr, way);
    CHECK_STR(value(seen, "cwd"), sub);
    free(seen);
    inside(&attr, way, "/", sub);
  }
}

static void none(void) {
  NEED(chdir(directory("sub")) == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    inside(&attr, way, "/", ".");
  }
}

static void relative_dir(void) {
  NEED(chdir(directory("sub")) == 0);
  const char *deep = directory("sub/deep");
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.dir = "deep";
    inside(&attr, way, "/", deep);
    attr.dir = "..";
    inside(&attr, way, "/", scratch());
  }
}

static void path_relative_to_dir(void) {
  const char *sub = directory("sub");
  install_probe(kept_path("sub/here"));
  NEED(chdir("/") == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.dir = sub;
    attr.path = "./here";
    inside(&attr, way, "/", sub);
    attr.path = "here";
    inside(&attr, way, "/", sub);
    attr.dir = "/";
    attr.argv = name_only;
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
}

static void failing_dir(void) {
  const char *loop = kept_path("loop"), *file = kept_path("plain");
  NEED(symlink(loop, loop) == 0);
  NEED(close(open(file, O_CREAT | O_CLOEXEC, 0666)) == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.argv = name_only;
    attr.path = "/bin/true";
    attr.dir = "/nowhere/at/all";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
    attr.dir = "";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
    attr.dir = file;
    spawn_fails(&attr, way, ENOTDIR, FE_STEP_CHDIR, -1);
    attr.dir = loop;
    spawn_fails(&attr, way, ELOOP, FE_STEP_CHDIR, -1);
    /* Not mistaken for a missing program, nor the other way round. */
    attr.dir = scratch();
    attr.path = "/nowhere/at/all";
    spawn_fails(&attr, way, ENOENT, FE_STEP_EXEC, -1);
  }
}

static void dir_with_the_rights_of_the_new_user(void) {
  need_root();
  const char *closed = directory("closed"), *own = directory("own");
  NEED(chmod(closed, 0700) == 0 && chmod(own, 0700) == 0 && chown(own, 1000, 1000) == 0);
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = credential.gid = 1000;
    fe_attr attr = FE_ATTR_INIT;
    attr.credential = &credential;
    attr.dir = own;
    inside(&attr, way, "/", own);
    attr.argv = name_only;
    attr.dir = closed;
    spawn_fails(&attr, way, EACCES, FE_STEP_CHDIR, -1);
  }
}

static void new_root_and_cwd(void) {
  need_root();
  const char *root = new_root();
  NEED(chdir("/tmp") == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "/probe";
    attr.chroot = root;
    inside(&attr, way, root, root);
    attr.path = "probe";
    inside(&attr, way, root, root);
    /* Relative to the caller's working directory. */
    NEED(chdir(scratch()) == 0);
    attr.chroot = "root";
    inside(&attr, way, root, root);
    attr.chroot = ".";
    attr.path = "/root/probe";
    inside(&attr, way, scratch(), scratch());
  }
}

static void dir_in_the_new_root(void) {
  need_root();
  const char *root = new_root(), *sub = kept_path("root/sub");
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.chroot = root;
    attr.path = "/probe";
    const char *const dirs[] = {"/sub", "sub", "../../sub", "/../sub/."};
    for (size_t i = 0; i < sizeof dirs / sizeof *dirs; i++) {
      attr.dir = dirs[i];
      inside(&attr, way, root, sub);
    }
    attr.dir = "sub";
    attr.path = "../probe";
    inside(&attr, way, root, sub);
    /* There outside, not inside. */
    attr.argv = name_only;
    attr.path = "/probe";
    attr.dir = "/proc/self";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHDIR, -1);
  }
}

static void before_the_user_changes(void) {
  need_root();
  const char *root = new_root();
  EACH_WAY_BUT_SHARED(way) {
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = credential.gid = 1000;
    fe_attr attr = FE_ATTR_INIT;
    attr.chroot = root;
    attr.path = "/probe";
    attr.credential = &credential;
    inside(&attr, way, root, root);
  }
}

static void keep_cwd(void) {
  need_root();
  const char *root = new_root(), *outside = directory("outside"), *sub = kept_path("root/sub");
  install_probe(kept_path("outside/probe"));
  NEED(chdir(outside) == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.chroot = root;
    attr.path = "/probe";
    attr.flags = FE_CHROOT_KEEP_CWD;
    inside(&attr, way, root, outside);
    attr.path = "./probe";
    inside(&attr, way, root, outside);
    attr.dir = "..";
    attr.path = "root/probe";
    inside(&attr, way, root, scratch());
    attr.dir = "/sub";
    attr.path = "/probe";
    inside(&attr, way, root, sub);
    attr.chroot = NULL;
    attr.argv = name_only;
    spawn_fails(&attr, way, EINVAL, FE_STEP_ARGS, -1);
  }
}

static void failing_chroot(void) {
  need_root();
  const char *file = kept_path("plain-file");
  NEED(close(open(file, O_CREAT | O_CLOEXEC, 0666)) == 0);
  fe_attr attr = FE_ATTR_INIT;
  attr.argv = name_only;
  attr.dir = "/nowhere/either";
  EACH_WAY(way) {
    attr.chroot = "/nowhere/at/all";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHROOT, -1);
    attr.chroot = file;
    spawn_fails(&attr, way, ENOTDIR, FE_STEP_CHROOT, -1);
    attr.chroot = "";
    spawn_fails(&attr, way, ENOENT, FE_STEP_CHROOT, -1);
  }
  become_unprivileged();
  attr.chroot = scratch();
  EACH_WAY(way) spawn_fails(&attr, way, EPERM, FE_STEP_CHROOT, -1);
}

/* Refused before there is a child. */
static void too_long(fe_attr *attr, unsigned way, int step) {
  fe_child child;
  fe_error error;
  spawn_fails(attr, way, ENAMETOOLONG, step, -1);
  CHECK_INT(fe_spawn(attr, &child, &error), -1);
  CHECK_INT(error.way, 0);
}

static void long_paths(void) {
  need_root();
  char fits[PATH_MAX], path[PATH_MAX + 1];
  for (size_t i = 0; i < sizeof path - 1; i++) path[i] = i % 2 ? '/' : '.';
  path[PATH_MAX] = 0;
  memcpy(fits, path, PATH_MAX - 1);
  fits[PATH_MAX - 1] = 0;
  NEED(chdir(new_root()) == 0);
  EACH_WAY(way) {
    fe_attr attr = FE_ATTR_INIT;
    attr.path = "probe";
    attr.dir = fits;
    inside(&attr, way, "/", ".");
    attr.dir = NULL;
    attr.path = "/bin/true";
    attr.argv = name_only;
    attr.dir = path;
    too_long(&attr, way, FE_STEP_CHDIR);
    attr.dir = NULL;
    attr.chroot = path;
    too_long(&attr, way, FE_STEP_CHROOT);
    attr.chroot = NULL;
    attr.path = path;
    too_long(&attr, way, FE_STEP_EXEC);
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"no dir: the caller's", none},
      {"an absolute dir", absolute_dir},
      {"a relative dir", relative_dir},
      {"path is relative to dir", path_relative_to_dir},
      {"a dir that cannot be entered", failing_dir},
      {"dir is entered with the rights of the new user", dir_with_the_rights_of_the_new_user},
      {"chroot, and the working directory is the new root", new_root_and_cwd},
      {"dir is within the new root", dir_in_the_new_root},
      {"chroot before the user changes", before_the_user_changes},
      {"FE_CHROOT_KEEP_CWD", keep_cwd},
      {"a failing chroot", failing_chroot},
      {"a path of PATH_MAX bytes", long_paths},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
