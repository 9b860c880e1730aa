/* SPDX-License-Identifier: BSD-3-Clause */
/* FE_ASYNC: what attr points to need not stay. Here it is overwritten while the child is held at its first
 * step, and the program is still what was asked for. */
#include "test.h"

#include "beside.h"
#include "filter.h"

#include <semaphore.h>

static sem_t go;

static void hold_back(pid_t caller) {
  (void)caller;
  while (sem_wait(&go) != 0) {
  }
}

/* What fe_spawn has had there is no more either. */
static void __attribute__((noinline)) overwrite_stack(void) {
  volatile char gone[1 << 15];
  for (size_t i = 0; i < sizeof gone; i++) gone[i] = 0x5a;
}

static char pool[1 << 14];
static size_t pooled;

static void *pooled_bytes(const void *bytes, size_t size) {
  void *at = pool + pooled;
  NEED(pooled + size <= sizeof pool);
  if (bytes) memcpy(at, bytes, size);
  pooled += (size + 15) & ~(size_t)15;
  return at;
}

static char *pooled_text(const char *text) { return pooled_bytes(text, strlen(text) + 1); }

#define POOLED(...) pooled_bytes(&(__VA_ARGS__), sizeof(__VA_ARGS__))

static void check_overwritten(unsigned way, const void *with) {
  bool with_credential = *(const bool *)with;
  static struct watcher watcher = {hold_back, 0, 0, -1};
  NEED(sem_init(&go, 0, 0) == 0);
  NEED(mkdir(scratch_path("bin"), 0755) == 0 && mkdir(scratch_path("a"), 0755) == 0);
  NEED(mkdir(scratch_path("a/b"), 0755) == 0);
  install_probe(scratch_path("bin/probe"));
  int report = open(scratch_path("report"), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  NEED(report >= 0 && fchmod(report, 0666) == 0);
  only(3);
  /* Held at its very first step. */
  watch_if(&watcher, SYS_setsid, 0, 0, 0);

  fe_attr *attr = POOLED((fe_attr)FE_ATTR_INIT);
  sigset_t set;
  attr->flags = FE_SETSID | FE_SEARCH_PATH | FE_CLOSE_OTHERS | FE_ASYNC;
  attr->way = way;
  attr->path = pooled_text("probe");
  attr->search_path = pooled_text("/nonexistent:/bin:/a");
  char *argv[] = {pooled_text("name"), pooled_text("/report"), pooled_text("one two"),
                  pooled_text(""), NULL};
  attr->argv = POOLED(argv);
  char *envp[] = {pooled_text("A=1"), pooled_text("B=two"), NULL};
  attr->envp = POOLED(envp);
  attr->chroot = pooled_text(scratch());
  attr->dir = pooled_text("/a");
  int files[] = {1, 0, -1, 2};
  attr->files = POOLED(files);
  attr->nfiles = 4;
  fe_file_action actions[] = {FE_OPEN(7, pooled_text("/bin/probe"), O_RDONLY, 0),
                              FE_CHDIR(pooled_text("b")), FE_DUP2(0, 5)};
  attr->actions = POOLED(actions);
  attr->nactions = 3;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  attr->sigmask = POOLED(set);
  sigemptyset(&set);
  sigaddset(&set, SIGHUP);
  attr->sigdefault = POOLED(set);
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  attr->sigignore = POOLED(set);
  fe_scheduling scheduling = FE_SCHEDULING_INIT;
  scheduling.flags = FE_SCHED_POLICY;
  scheduling.policy = SCHED_RR;
  scheduling.priority = 7;
  cpu_set_t processors;
  NEED(sched_getaffinity(0, sizeof processors, &processors) == 0);
  scheduling.affinity = POOLED(processors);
  scheduling.affinity_size = sizeof processors;
  attr->scheduling = POOLED(scheduling);
  fe_rlimit rlimits[] = {FE_RLIMIT(RLIMIT_CPU, 1000, 2000), FE_RLIMIT(RLIMIT_STACK, 1 << 20, 1 << 21)};
  fe_limits limits = FE_LIMITS_INIT;
  limits.rlimits = POOLED(rlimits);
  limits.nrlimits = 2;
  if (way == FE_WAY_PIPED) { /* a score is not for shared memory */
    limits.flags = FE_LIMIT_OOM_SCORE_ADJ;
    limits.oom_score_adj = 999;
  }
  attr->limits = POOLED(limits);
  fe_privileges privileges = FE_PRIVILEGES_INIT;
  privileges.flags = FE_PRIVILEGES_BOUNDING | FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_SECUREBITS;
  privileges.bounding = privileges.ambient = FE_CAPABILITY(18 /* CAP_SYS_CHROOT */);
  privileges.securebits = 0x40 /* SECBIT_NO_CAP_AMBIENT_RAISE */;
  attr->privileges = POOLED(privileges);
  /* umask(2) is answered with 0. */
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_umask, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  fe_sandbox sandbox = FE_SANDBOX_INIT;
  sandbox.filter = POOLED(code);
  sandbox.nfilter = 4;
  attr->sandbox = POOLED(sandbox);
  attr->flags |= FE_NO_NEW_PRIVS;
  umask(077);
  if (with_credential) {
    gid_t groups[] = {77, 88, 99};
    fe_credential credential = FE_CREDENTIAL_INIT;
    credential.uid = way == FE_WAY_PIPED ? 1234 : 0; /* a change would not be for shared memory */
    credential.gid = way == FE_WAY_PIPED ? 1235 : 0;
    credential.groups = POOLED(groups);
    credential.ngroups = 3;
    attr->credential = POOLED(credential);
  }
  signal(SIGHUP, SIG_IGN);
  fe_child child;
  fe_error error;
  char wanted_files[2][60], program[60];
  struct stat st;
  for (int i = 0; i < 2; i++) snprintf(wanted_files[i], sizeof *wanted_files, "%s", identity(i));
  NEED(stat(scratch_path("bin/probe"), &st) == 0);
  snprintf(program, sizeof program, "%llu:%llu", (unsigned long long)st.st_dev,
           (unsigned long long)st.st_ino);
  NEED(fe_spawn(attr, &child, &error) == 0);
  memset(pool, 0x5a, sizeof pool);
  overwrite_stack();
  CHECK_INT(child.way, way);
  sem_post(&go);
  finishes(&child);
  ends(&child, 0);
  CHECK_INT(watcher.calls, 1);

  char *seen = calloc(1, 1 << 16);
  report = open(scratch_path("report"), O_RDONLY | O_CLOEXEC);
  NEED(seen != NULL && report >= 0 && read(report, seen, (1 << 16) - 1) > 0);
  CHECK_STR(value(seen, "execfn"), "/bin/probe");
  CHECK_INT(number(seen, "argc"), 4);
  CHECK_STR(value(seen, "argv.0"), "name");
  CHECK_STR(value(seen, "argv.2"), "one two");
  CHECK_STR(value(seen, "argv.3"), "");
  CHECK_INT(number(seen, "envs"), 2);
  CHECK(strstr(seen, "\nenv.A=1\n") && strstr(seen, "\nenv.B=two\n"));
  CHECK_STR(value(seen, "cwd"), "/a/b");
  CHECK_INT(number(seen, "fds"), 5);
  CHECK_STR(seen_fd(seen, 0), wanted_files[1]);
  CHECK_STR(seen_fd(seen, 1), wanted_files[0]);
  CHECK_STR(seen_fd(seen, 5), wanted_files[1]);
  CHECK_STR(seen_fd(seen, 7), program);
  CHECK_STR(value(seen, "mask"), "0000000000000200");
  /* But for what whoever has started this has left ignored, which may be the two that libc keeps for itself. */
  unsigned long long ignored = strtoull(value(seen, "ignored"), NULL, 16), inherited = 3ULL << 31;
  for (int signal = 1; signal < 32; signal++) {
    struct sigaction action;
    if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN) inherited |= 1ULL << (signal - 1);
  }
  CHECK_INT(ignored & ~inherited, 1ULL << (SIGUSR2 - 1));
  CHECK_INT(number(seen, "policy"), SCHED_RR);
  CHECK_INT(number(seen, "priority"), 7);
  CHECK_STR(value(seen, "rlimit.0"), "1000 2000");
  CHECK_STR(value(seen, "rlimit.3"), "1048576 2097152");
  CHECK_STR(value(seen, "umask"), "000");
  CHECK_INT(number(seen, "securebits"), 0x40);
  bool changed = with_credential && way == FE_WAY_PIPED;
  CHECK_STR(value(seen, "uid"), changed ? "1234 1234 1234" : "0 0 0");
  CHECK_STR(value(seen, "gid"), changed ? "1235 1235 1235" : "0 0 0");
  if (with_credential) CHECK_STR(value(seen, "groups"), "77 88 99");
  free(seen);
}

static void overwritten(void) {
  need(HAS_CLONE3);
  need_root();
  static const bool no = false, yes = true;
  EACH_WAY_BESIDE(way) {
    for (int credential = 0; credential < 2; credential++) {
      apart(check_overwritten, way, credential ? &yes : &no);
      char command[400];
      snprintf(command, sizeof command, "cd '%s' && rm -rf bin a report", scratch());
      NEED(system(command) == 0);
    }
  }
}

static void check_overwritten_shell(unsigned way, const void *unused) {
  (void)unused;
  static struct watcher watcher = {hold_back, 0, 0, -1};
  NEED(sem_init(&go, 0, 0) == 0);
  watch_if(&watcher, SYS_setsid, 0, 0, 0);
  const char *script = kept_path("script"), *out = kept_path("out");
  unlink(script);
  FILE *file = fopen(script, "w");
  NEED(file != NULL);
  fprintf(file, "echo \"$#|$0|$1|$2|$X\" > '%s'\n", out);
  fclose(file);
  NEED(chmod(script, 0755) == 0);
  fe_attr *attr = POOLED((fe_attr)FE_ATTR_INIT);
  attr->flags = FE_SETSID | FE_SHELL_FALLBACK | FE_ASYNC;
  attr->way = way;
  attr->path = pooled_text(script);
  char *argv[] = {pooled_text("name"), pooled_text("one two"), pooled_text("3"), NULL};
  attr->argv = POOLED(argv);
  char *envp[] = {pooled_text("X=y"), NULL};
  attr->envp = POOLED(envp);
  fe_child child;
  fe_error error;
  NEED(fe_spawn(attr, &child, &error) == 0);
  memset(pool, 0x5a, sizeof pool);
  overwrite_stack();
  CHECK_INT(child.way, way);
  sem_post(&go);
  finishes(&child);
  ends(&child, 0);
  char seen[600] = "", wanted[600];
  file = fopen(out, "re");
  NEED(file != NULL && fgets(seen, sizeof seen, file) != NULL);
  fclose(file);
  snprintf(wanted, sizeof wanted, "2|%s|one two|3|y\n", script);
  CHECK_STR(seen, wanted);
}

static void overwritten_shell(void) {
  need(HAS_CLONE3);
  EACH_WAY_BESIDE(way) apart(check_overwritten_shell, way, NULL);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"attr is overwritten", overwritten},
      {"attr is overwritten, and the shell runs it", overwritten_shell},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
