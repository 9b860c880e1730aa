/* SPDX-License-Identifier: BSD-3-Clause */
/* What every header since the first has, spawned and waited for; it prints what became of it. With LATER also what the first
 * library cannot know. abi_dump.sh compiles it against one header and runs it on another's library. */
#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void spawn(const char *name, const fe_attr *attr) {
  fe_child child = FE_CHILD_INIT;
  fe_error error = FE_ERROR_INIT;
  char message[200];
  int status = -1;
  if (fe_spawn(attr, &child, &error) != 0) {
    fe_error_message(&error, message, sizeof message);
    printf("%s: %s\n", name, message);
    return;
  }
  const int owned = child.pidfd >= 0 && (fcntl(child.pidfd, F_GETFD) & FD_CLOEXEC);
  const int waited = fe_wait(&child, -1, &status);
  fe_child_close(&child);
  printf("%s: wait %d, status %d%s%s\n", name, waited, status, owned ? ", pidfd" : "",
         child.pid == -1 && child.pidfd == -1 ? ", closed" : "");
}

int main(void) {
  char *argv[] = {"sh", "-c", "test \"$PWD $A\" = '/usr 7' && echo child >&3 && exit 5", NULL};
  char *envp[] = {"A=7", NULL};
  const int32_t files[] = {0, 1, 2, 2};
  setvbuf(stdout, NULL, _IONBF, 0);
  printf("versions are numbers: %d\n", fe_version()[0] >= '0' && fe_version()[0] <= '9');

  fe_attr attr = FE_ATTR_INIT;
  attr.argv = argv;
  attr.envp = envp;
  attr.path = "/bin/sh";
  attr.dir = "/usr";
  attr.files = files;
  attr.nfiles = 4;
  attr.flags = FE_PIDFD | FE_SETSID | FE_CLOSE_OTHERS;
  spawn("all of the first", &attr);
  attr.dir = "/no/such";
  spawn("a failure", &attr);
  attr.dir = "/usr";
  attr.flags = UINT64_C(1) << 62;
  spawn("a flag of nobody's", &attr);
#ifdef LATER
  const int32_t keep[] = {9};
  if (dup2(2, 9) != 9) return 1;
  attr.flags = FE_CLOSE_OTHERS;
  attr.keep = keep;
  attr.nkeep = 1;
  spawn("a later field", &attr);
  attr.keep = NULL;
  attr.nkeep = 0;
  attr.flags = FE_PTY;
  attr.files = NULL;
  attr.nfiles = 0;
  argv[2] = "exit 5";
  spawn("a later flag", &attr);
#endif
  return 0;
}
