/* SPDX-License-Identifier: BSD-3-Clause */
/* Capabilities and securebits of the child: what its program has of them, and what it had before. */
#include "test.h"

#include "filter.h"
#include "staged.h"
#include "status.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/prctl.h>
#include <sys/xattr.h>

enum { USER = 1000 };

static const fe_privileges none = FE_PRIVILEGES_INIT;
static uint64_t permitted; /* to the caller */

static void look(void) { permitted = set_of(getpid(), "CapPrm"); }

/* Root with at least what the cases take away. */
static void need_capabilities(void) {
  need_root();
  look();
  const uint64_t needed = FE_CAPABILITY(CAP_SETPCAP) | FE_CAPABILITY(CAP_NET_BIND_SERVICE) |
                          FE_CAPABILITY(CAP_SYS_CHROOT) | FE_CAPABILITY(CAP_DAC_OVERRIDE) |
                          FE_CAPABILITY(CAP_SETUID) | FE_CAPABILITY(CAP_SETGID);
  if ((permitted & needed) != needed) skip("needs more capabilities than this root has");
}

static const uint64_t bind = FE_CAPABILITY(CAP_NET_BIND_SERVICE), chroot_too = FE_CAPABILITY(CAP_SYS_CHROOT);

static fe_credential user;

static fe_attr with(const fe_privileges *privileges, bool as_user) {
  static const gid_t group = USER;
  user = (fe_credential)FE_CREDENTIAL_INIT;
  user.uid = user.gid = USER;
  user.groups = &group;
  user.ngroups = 1;
  fe_attr attr = FE_ATTR_INIT;
  attr.privileges = privileges;
  if (as_user) attr.credential = &user;
  return attr;
}

static uint64_t seen_set(const char *report, const char *key) { return strtoull(value(report, key), NULL, 16); }

#define CHECK_SET(report, key, wanted) CHECK_INT(seen_set(report, key), wanted)

/* Inheritable, permitted, effective, bounding, ambient. */
static void check_sets(const char *seen, uint64_t inh, uint64_t prm, uint64_t eff, uint64_t bnd, uint64_t amb) {
  CHECK_SET(seen, "CapInh", inh);
  CHECK_SET(seen, "CapPrm", prm);
  CHECK_SET(seen, "CapEff", eff);
  CHECK_SET(seen, "CapBnd", bnd);
  CHECK_SET(seen, "CapAmb", amb);
}

/* ---- the ordinary user ---- */

static fe_privileges only_bind(void) {
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_BOUNDING;
  wanted.ambient = wanted.bounding = bind;
  return wanted;
}

static void has_bind_alone(unsigned way) {
  fe_privileges wanted = only_bind();
  fe_attr attr = with(&wanted, true);
  attr.flags = FE_NO_NEW_PRIVS;
  char *seen = probe_unchanged(&attr, way);
  check_sets(seen, bind, bind, bind, bind, bind);
  CHECK_INT(number(seen, "NoNewPrivs"), 1);
  CHECK_INT(number(seen, "securebits"), 0);
  CHECK_STR(value(seen, "uid"), "1000 1000 1000");
  CHECK_STR(value(seen, "groups"), "1000");
  CHECK_INT(number(seen, "dumpable"), 1);
  free(seen);
}

static void a_user_with_one_capability(void) {
  need_capabilities();
  EACH_WAY_BUT_SHARED(way) has_bind_alone(way);
}

static void a_user_with_one_capability_staged(void) {
  need_stage();
  need_capabilities();
  has_bind_alone(FE_WAY_STAGED);
}

/* What the program is permitted follows from the sets; before, the child has had no more. */
static void all_sets_of_a_user(void) {
  need(HAS_NEW_PRIVS);
  need_capabilities();
  EACH_WAY_BUT_SHARED(way) {
    fe_privileges wanted = none;
    wanted.flags = 0x3f;
    wanted.bounding = bind | chroot_too;
    wanted.inheritable = bind | chroot_too;
    wanted.permitted = bind;
    wanted.ambient = bind;
    wanted.securebits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
                        SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED | SECBIT_KEEP_CAPS_LOCKED;
    fe_attr attr = with(&wanted, true);
    char *seen = probe_unchanged(&attr, way);
    check_sets(seen, bind | chroot_too, bind, bind, bind | chroot_too, bind);
    CHECK_INT(number(seen, "securebits"), wanted.securebits);
    CHECK_INT(number(seen, "NoNewPrivs"), 0);
    free(seen);
    /* Of one that is given but empty nothing is left. */
    wanted = none;
    wanted.flags = 0x1f;
    attr.privileges = &wanted;
    seen = probe_unchanged(&attr, way);
    check_sets(seen, 0, 0, 0, 0, 0);
    free(seen);
  }
}

/* Only the sets that are named change, and a change of user does what it always does. */
static void bounding_of_a_user(void) {
  need_capabilities();
  uint64_t bounding = set_of(getpid(), "CapBnd");
  EACH_WAY_BUT_SHARED(way) {
    fe_privileges wanted = none;
    wanted.flags = FE_PRIVILEGES_BOUNDING;
    wanted.bounding = ~(bind | chroot_too);
    fe_attr attr = with(&wanted, true);
    char *seen = probe_unchanged(&attr, way);
    check_sets(seen, 0, 0, 0, bounding & ~(bind | chroot_too), 0);
    free(seen);
  }
}

/* ---- root itself: memory can be shared as long as the permitted set stays ---- */

static void root_loses_one(void) {
  need_capabilities();
  uint64_t bounding = set_of(getpid(), "CapBnd");
  EACH_WAY(way) {
    fe_privileges wanted = none;
    wanted.flags = FE_PRIVILEGES_BOUNDING;
    wanted.bounding = ~bind;
    fe_attr attr = with(&wanted, false);
    char *seen = probe_unchanged(&attr, way);
    check_sets(seen, 0, bounding & ~bind, bounding & ~bind, bounding & ~bind, 0);
    CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
    free(seen);
    /* Inheritable is what user 0 has all the same. */
    wanted.flags |= FE_PRIVILEGES_INHERITABLE;
    wanted.inheritable = chroot_too;
    wanted.bounding = bind | chroot_too;
    seen = probe_unchanged(&attr, way);
    check_sets(seen, chroot_too, bind | chroot_too, bind | chroot_too, bind | chroot_too, 0);
    CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
    free(seen);
  }
}

static void ambient_and_securebits_of_root(void) {
  need_capabilities();
  uint64_t bounding = set_of(getpid(), "CapBnd");
  EACH_WAY(way) {
    fe_privileges wanted = none;
    wanted.flags = FE_PRIVILEGES_AMBIENT;
    wanted.ambient = bind;
    fe_attr attr = with(&wanted, false);
    char *seen = probe_unchanged(&attr, way);
    check_sets(seen, bind, bounding, bounding, bounding, bind);
    free(seen);
    wanted.flags |= FE_PRIVILEGES_SECUREBITS;
    wanted.securebits = SECBIT_NOROOT | SECBIT_NO_CAP_AMBIENT_RAISE;
    seen = probe_unchanged(&attr, way);
    check_sets(seen, bind, bind, bind, bounding, bind);
    CHECK_INT(number(seen, "securebits"), wanted.securebits);
    CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
    free(seen);
  }
}

static void permitted_of_root(void) {
  need(HAS_NEW_PRIVS);
  need_capabilities();
  if (expected_way(FE_WAY_SHARED) == 0) skip("no shared way here");
  uint64_t bounding = set_of(getpid(), "CapBnd");
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_PERMITTED;
  wanted.permitted = bind;
  fe_attr attr = with(&wanted, false);
  EACH_WAY_BUT_SHARED(way) {
    attr.flags = FE_NO_NEW_PRIVS;
    char *seen = probe_unchanged(&attr, way);
    check_sets(seen, 0, bind, bind, bounding, 0);
    CHECK_INT(number(seen, "dumpable"), 1);
    free(seen);
    /* Exec by root gives all back that is in the bounding set; the kernel makes who gains so undumpable. */
    attr.flags = 0;
    seen = probe_unchanged(&attr, way);
    check_sets(seen, 0, bounding, bounding, bounding, 0);
    CHECK_INT(number(seen, "dumpable"), 0);
    free(seen);
  }
  /* Whoever has no more than that might trace it. */
  attr = nothing();
  attr.privileges = &wanted;
  auto_takes(&attr, FE_WAY_COPY);
  spawn_fails(&attr, FE_WAY_SHARED, EINVAL, FE_STEP_ARGS, -1);
  wanted.permitted = permitted;
  auto_takes(&attr, FE_WAY_SHARED);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  wanted.flags = FE_PRIVILEGES_EFFECTIVE;
  wanted.permitted = 0;
  auto_takes(&attr, FE_WAY_SHARED);
  CHECK_INT(prctl(PR_GET_DUMPABLE), 1);
  wanted.effective = permitted;
  auto_takes(&attr, FE_WAY_SHARED);
}

/* A file of another user's, opened by the child. */
static fe_attr that_opens(const char *path, fe_privileges *privileges, bool as_user) {
  static fe_file_action action[1];
  action[0] = (fe_file_action)FE_OPEN(8, path, O_RDONLY, 0);
  fe_attr attr = nothing();
  attr.privileges = privileges;
  attr.credential = as_user ? with(NULL, true).credential : NULL;
  attr.actions = action;
  attr.nactions = 1;
  return attr;
}

static void effective_until_exec(void) {
  need_capabilities();
  const char *path = kept_path("others");
  int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  NEED(fd >= 0 && fchown(fd, 77, 77) == 0 && close(fd) == 0);
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_EFFECTIVE;
  fe_attr attr = that_opens(path, &wanted, false);
  EACH_WAY(way) {
    wanted.effective = 0;
    spawn_fails(&attr, way, EACCES, FE_STEP_ACTION_OPEN, 0);
    wanted.effective = FE_CAPABILITY(CAP_DAC_OVERRIDE);
    spawn_exits(&attr, way, 0);
  }
  attr = that_opens(path, &wanted, true);
  EACH_WAY_BUT_SHARED(way) {
    wanted.effective = FE_CAPABILITY(CAP_DAC_OVERRIDE);
    spawn_exits(&attr, way, 0);
    wanted.effective = 0;
    spawn_fails(&attr, way, EACCES, FE_STEP_ACTION_OPEN, 0);
    /* Nor does what is kept for the ambient set give a right to the user. */
    fe_privileges ambient = only_bind();
    attr.privileges = &ambient;
    spawn_fails(&attr, way, EACCES, FE_STEP_ACTION_OPEN, 0);
    attr.privileges = &wanted;
  }
}

/* ---- the child, while it waits in an action, with all that was kept for a moment gone ---- */

static void nothing_is_left_over(void) {
  need_capabilities();
  const char *fifo = new_fifo();
  fe_privileges wanted = only_bind();
  wanted.flags |= FE_PRIVILEGES_SECUREBITS;
  wanted.securebits = SECBIT_NOROOT;
  fe_attr attr = that_opens(fifo, &wanted, true);
  fe_child child;
  if (!start(&attr, FE_WAY_PIPED, &child)) return;
  wait_until_in(&child, FE_STEP_ACTION_OPEN);
  CHECK_INT(set_of(child.pid, "CapInh"), bind);
  CHECK_INT(set_of(child.pid, "CapPrm"), bind);
  CHECK_INT(set_of(child.pid, "CapEff"), 0);
  CHECK_INT(set_of(child.pid, "CapAmb"), bind);
  CHECK_INT(set_of(child.pid, "CapBnd"), bind);
  int writer = let_go(fifo);
  finishes(&child);
  ends(&child, 0);
  close(writer);
}

/* With no_new_privs exec adds nothing to the permitted set, which is why nothing may be left over in it. */
static void a_file_with_capabilities(void) {
  need_capabilities();
  const char *path = kept_path("with-capabilities");
  install_probe(path);
  struct vfs_cap_data file;
  memset(&file, 0, sizeof file);
  file.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  file.data[0].permitted = (uint32_t)chroot_too;
  if (setxattr(path, "security.capability", &file, sizeof file, 0) != 0) skip("no capabilities of files here");
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_AMBIENT;
  wanted.ambient = bind;
  EACH_WAY_BUT_SHARED(way) {
    fe_attr attr = with(&wanted, true);
    attr.path = path;
    char *seen = probe_unchanged(&attr, way);
    if (seen_set(seen, "CapPrm") != chroot_too) skip("capabilities of files do not count here");
    free(seen);
    attr.flags = FE_NO_NEW_PRIVS;
    seen = probe_unchanged(&attr, way);
    CHECK_SET(seen, "CapPrm", 0);
    free(seen);
  }
}

/* Whether user 0 without any capability may read its memory. */
static bool can_be_read(pid_t pid) {
  pid_t reader = fork();
  NEED(reader >= 0);
  if (reader == 0) {
    char path[64];
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    snprintf(path, sizeof path, "/proc/%d/mem", (int)pid);
    if (syscall(SYS_capset, &header, data) != 0) _exit(2);
    _exit(open(path, O_RDONLY) >= 0);
  }
  int status = -1;
  NEED(waitpid(reader, &status, 0) == reader);
  NEED(WIFEXITED(status) && WEXITSTATUS(status) < 2);
  return WEXITSTATUS(status) != 0;
}

static void who_has_less_cannot_trace_it(void) {
  need_capabilities();
  const char *fifo = new_fifo();
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_PERMITTED;
  fe_attr attr = that_opens(fifo, &wanted, false);
  fe_child child;
  /* Else it would show nothing. */
  pid_t harmless = fork();
  NEED(harmless >= 0);
  if (harmless == 0) {
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2];
    memset(data, 0, sizeof data);
    syscall(SYS_capset, &header, data);
    for (;;) pause();
  }
  while (set_of(harmless, "CapPrm") != 0) sched_yield();
  bool shows = can_be_read(harmless);
  kill(harmless, SIGKILL);
  waitpid(harmless, NULL, 0);
  if (!shows) skip("here nobody may trace another's child");
  CHECK(!can_be_read(getpid()));
  if (!start(&attr, FE_WAY_PIPED, &child)) return;
  wait_until_in(&child, FE_STEP_ACTION_OPEN);
  CHECK_INT(set_of(child.pid, "CapPrm"), 0);
  CHECK(!can_be_read(child.pid));
  int writer = let_go(fifo);
  finishes(&child);
  ends(&child, 0);
  close(writer);
}

/* ---- without waiting, and by a stage ---- */

static void beside(void) {
  need_capabilities();
  EACH_WAY_BESIDE(way) {
    fe_privileges wanted = none;
    wanted.flags = FE_PRIVILEGES_BOUNDING | FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_INHERITABLE;
    wanted.bounding = wanted.inheritable = bind | chroot_too;
    wanted.ambient = chroot_too;
    fe_attr attr = with(&wanted, way == FE_WAY_PIPED);
    attr.timeout_ms = 20000;
    char *seen = probe_unchanged(&attr, way);
    uint64_t has = way == FE_WAY_PIPED ? chroot_too : bind | chroot_too;
    check_sets(seen, bind | chroot_too, has, has, bind | chroot_too, chroot_too);
    free(seen);
    wanted.ambient = 0;
    wanted.inheritable = FE_CAPABILITY(CAP_SYSLOG);
    attr = nothing();
    attr.privileges = &wanted;
    fe_child child;
    if (!start(&attr, way, &child)) continue;
    finish_fails(&child, -1, EPERM, FE_STEP_INHERITABLE, -1, 0);
  }
  /* Less permitted: not in shared memory. */
  fe_privileges less = none;
  less.flags = FE_PRIVILEGES_PERMITTED;
  fe_attr attr = nothing();
  attr.privileges = &less;
  attr.timeout_ms = 20000;
  auto_takes(&attr, FE_WAY_PIPED);
  spawn_fails(&attr, FE_WAY_CONCURRENT, EINVAL, FE_STEP_ARGS, -1);
}

static void by_a_stage(void) {
  need_stage();
  need_capabilities();
  /* What exec clears, securebits and the kept set, comes after the stage's own. */
  fe_privileges wanted = none;
  wanted.flags = 0x3f & ~(unsigned)FE_PRIVILEGES_EFFECTIVE;
  wanted.bounding = wanted.inheritable = bind | chroot_too;
  wanted.permitted = wanted.ambient = chroot_too;
  wanted.securebits = SECBIT_NOROOT | SECBIT_NO_SETUID_FIXUP;
  fe_attr attr = with(&wanted, true);
  char *seen = probe_unchanged(&attr, FE_WAY_STAGED);
  check_sets(seen, bind | chroot_too, chroot_too, chroot_too, bind | chroot_too, chroot_too);
  CHECK_INT(number(seen, "securebits"), wanted.securebits);
  CHECK_STR(value(seen, "uid"), "1000 1000 1000");
  free(seen);
  attr = with(&wanted, false);
  attr.flags = FE_NO_NEW_PRIVS;
  seen = probe_unchanged(&attr, FE_WAY_STAGED);
  check_sets(seen, bind | chroot_too, chroot_too, chroot_too, bind | chroot_too, chroot_too);
  CHECK_INT(number(seen, "NoNewPrivs"), 1);
  free(seen);
  attr.path = "/bin/true";
  attr.argv = nothing().argv;
  wanted.inheritable |= FE_CAPABILITY(CAP_SYSLOG);
  spawn_fails(&attr, FE_WAY_STAGED, EPERM, FE_STEP_INHERITABLE, -1);
}

/* ---- who may not ---- */

static void without_privilege(void) {
  need_root();
  become_unprivileged();
  uint64_t bounding = set_of(getpid(), "CapBnd");
  EACH_WAY(way) {
    fe_privileges wanted = none;
    fe_attr attr = nothing();
    attr.privileges = &wanted;
    wanted.flags = FE_PRIVILEGES_BOUNDING;
    wanted.bounding = 7;
    spawn_fails(&attr, way, EPERM, FE_STEP_BOUNDING, 3);
    wanted = none;
    wanted.flags = FE_PRIVILEGES_INHERITABLE;
    wanted.inheritable = bind;
    spawn_fails(&attr, way, EPERM, FE_STEP_INHERITABLE, -1);
    wanted = none;
    wanted.flags = FE_PRIVILEGES_PERMITTED;
    wanted.permitted = bind;
    spawn_fails(&attr, way, EPERM, FE_STEP_PERMITTED, -1);
    wanted = none;
    wanted.flags = FE_PRIVILEGES_EFFECTIVE;
    wanted.effective = bind;
    spawn_fails(&attr, way, EPERM, FE_STEP_PERMITTED, -1);
    wanted = none;
    wanted.flags = FE_PRIVILEGES_AMBIENT;
    wanted.ambient = bind;
    spawn_fails(&attr, way, EPERM, FE_STEP_AMBIENT, -1);
    wanted = none;
    wanted.flags = FE_PRIVILEGES_SECUREBITS;
    wanted.securebits = SECBIT_NOROOT;
    spawn_fails(&attr, way, EPERM, FE_STEP_SECUREBITS, -1);
    /* What takes nothing that it has. */
    wanted = none;
    wanted.flags = 0x1f;
    wanted.bounding = ~UINT64_C(0);
    attr = with(&wanted, false);
    attr.flags = FE_NO_NEW_PRIVS;
    char *seen = probe_unchanged(&attr, way);
    check_sets(seen, 0, 0, 0, bounding, 0);
    CHECK_INT(number(seen, "NoNewPrivs"), 1);
    free(seen);
  }
}

/* The kernel's own refusals, each at its step. */
static void refused_by_the_kernel(void) {
  need_capabilities();
  NEED(prctl(PR_CAPBSET_DROP, CAP_SYSLOG, 0, 0, 0) == 0);
  EACH_WAY(way) {
    fe_privileges wanted = none;
    fe_attr attr = nothing();
    attr.privileges = &wanted;
    wanted.flags = FE_PRIVILEGES_SECUREBITS;
    wanted.securebits = 1U << 31;
    spawn_fails(&attr, way, EPERM, FE_STEP_SECUREBITS, -1);
    /* Outside of the bounding set nothing becomes inheritable, even as this same call drops it. */
    wanted = none;
    wanted.flags = FE_PRIVILEGES_INHERITABLE;
    wanted.inheritable = FE_CAPABILITY(CAP_SYSLOG);
    spawn_fails(&attr, way, EPERM, FE_STEP_INHERITABLE, -1);
    wanted.flags = FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_BOUNDING;
    wanted.inheritable = 0;
    wanted.ambient = bind;
    wanted.bounding = chroot_too;
    spawn_fails(&attr, way, EPERM, FE_STEP_AMBIENT, -1);
  }
}

static void no_raise_for(unsigned way, const void *unused) {
  (void)unused;
  NEED(prctl(PR_SET_SECUREBITS, SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_KEEP_CAPS_LOCKED, 0, 0, 0) == 0);
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_AMBIENT;
  wanted.ambient = bind;
  fe_attr attr = nothing();
  attr.privileges = &wanted;
  spawn_fails(&attr, way, EPERM, FE_STEP_AMBIENT, CAP_NET_BIND_SERVICE);
  if (way == FE_WAY_SHARED) return;
  attr.credential = with(NULL, true).credential;
  spawn_fails(&attr, way, EPERM, FE_STEP_KEEPCAPS, -1);
}

static void locked_securebits(void) {
  need_capabilities();
  EACH_WAY(way) apart(no_raise_for, way, NULL);
}

struct refusal {
  long nr;
  int argument;
  uint32_t value;
  int step, index;
};

static void refused_by_a_filter(unsigned way, const void *with_refusal) {
  const struct refusal *refusal = with_refusal;
  refuse_if(refusal->nr, ENOMEM, refusal->argument, ~0U, refusal->value);
  fe_privileges wanted = none;
  wanted.flags = 0x3f;
  wanted.bounding = ~bind;
  wanted.inheritable = wanted.ambient = wanted.permitted = chroot_too;
  fe_attr attr = nothing();
  attr.privileges = &wanted;
  attr.credential = with(NULL, true).credential;
  attr.flags = FE_NO_NEW_PRIVS;
  if (refusal->step == FE_STEP_PERMITTED) {
    wanted = none;
    wanted.flags = FE_PRIVILEGES_PERMITTED;
  }
  spawn_fails(&attr, way, ENOMEM, refusal->step, refusal->index);
}

static void each_call_is_checked(void) {
  need_capabilities();
  static const struct refusal refusals[] = {
      {SYS_prctl, 0, PR_CAPBSET_DROP, FE_STEP_BOUNDING, CAP_NET_BIND_SERVICE},
      {SYS_prctl, 0, PR_SET_KEEPCAPS, FE_STEP_KEEPCAPS, -1},
      {SYS_capset, 2, _LINUX_CAPABILITY_VERSION_3, FE_STEP_INHERITABLE, -1},
      {SYS_prctl, 1, PR_CAP_AMBIENT_CLEAR_ALL, FE_STEP_AMBIENT, -1},
      {SYS_prctl, 1, PR_CAP_AMBIENT_RAISE, FE_STEP_AMBIENT, CAP_SYS_CHROOT},
      {SYS_prctl, 0, PR_SET_SECUREBITS, FE_STEP_SECUREBITS, -1},
      {SYS_capset, 2, _LINUX_CAPABILITY_VERSION_3, FE_STEP_PERMITTED, -1},
      {SYS_prctl, 0, PR_SET_DUMPABLE, FE_STEP_PERMITTED, -1},
      {SYS_prctl, 0, PR_SET_NO_NEW_PRIVS, FE_STEP_NO_NEW_PRIVS, -1},
  };
  EACH_WAY_BUT_SHARED(way) {
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
      apart(refused_by_a_filter, way, &refusals[i]);
  }
}

/* ---- namespaces ---- */

static void root_of_a_namespace(void) {
  need_root();
  become_unprivileged();
  const fe_id_map map = {0, UNPRIVILEGED, 1};
  fe_privileges wanted = none;
  wanted.flags = FE_PRIVILEGES_BOUNDING | FE_PRIVILEGES_AMBIENT | FE_PRIVILEGES_PERMITTED;
  wanted.bounding = wanted.permitted = bind | chroot_too;
  wanted.ambient = bind;
  fe_attr attr = with(&wanted, false);
  attr.cloneflags = CLONE_NEWUSER;
  attr.uid_mappings = attr.gid_mappings = &map;
  attr.nuid_mappings = attr.ngid_mappings = 1;
  attr.path = "/bin/true";
  attr.argv = nothing().argv;
  attr.way = FE_WAY_PIPED;
  fe_child child;
  fe_error error;
  if (fe_spawn(&attr, &child, &error) != 0 && error.step == FE_STEP_CLONE)
    skip("needs user namespaces for ordinary users");
  fe_wait(&child, -1, NULL);
  fe_child_close(&child);
  attr.path = NULL;
  attr.argv = NULL;
  char *seen = probe_unchanged(&attr, FE_WAY_PIPED);
  check_sets(seen, bind, bind | chroot_too, bind | chroot_too, bind | chroot_too, bind);
  free(seen);
}

static void sizes(void) {
  need_capabilities();
  struct {
    fe_privileges known;
    unsigned char unknown[5000];
  } later;
  memset(&later, 0, sizeof later);
  EACH_WAY(way) {
    later.known.flags = FE_PRIVILEGES_BOUNDING;
    later.known.bounding = bind;
    const size_t good[] = {sizeof(fe_privileges), sizeof(fe_privileges) + 1, 4096};
    for (size_t i = 0; i < 3; i++) {
      later.known.size = good[i];
      fe_attr attr = with(&later.known, false);
      char *seen = probe_unchanged(&attr, way);
      CHECK_SET(seen, "CapBnd", bind);
      free(seen);
    }
  }
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"a user with one capability", a_user_with_one_capability},
      {"the same by a stage", a_user_with_one_capability_staged},
      {"all sets of a user", all_sets_of_a_user},
      {"the bounding set alone, of a user", bounding_of_a_user},
      {"root loses one", root_loses_one},
      {"ambient set and securebits of root", ambient_and_securebits_of_root},
      {"less permitted: not in shared memory", permitted_of_root},
      {"effective until exec", effective_until_exec},
      {"nothing is left over", nothing_is_left_over},
      {"a file with capabilities", a_file_with_capabilities},
      {"who has less cannot trace it", who_has_less_cannot_trace_it},
      {"without waiting", beside},
      {"by a stage", by_a_stage},
      {"EPERM and its step", without_privilege},
      {"refused by the kernel", refused_by_the_kernel},
      {"locked securebits", locked_securebits},
      {"each call is checked", each_call_is_checked},
      {"root of a namespace", root_of_a_namespace},
      {"newer structs", sizes},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
