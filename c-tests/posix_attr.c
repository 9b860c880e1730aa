/* SPDX-License-Identifier: BSD-3-Clause */
/* posix_spawnattr_t: the functions that make, set and get. What the flags do is in posix_flags.c. */
#include "test.h"

#include "posix.h"

enum { ALL_FLAGS = 0x1ff };

static sigset_t some_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGRTMAX);
  return set;
}

/* Every getter, and what it must find. */
static void holds(const posix_spawnattr_t *attr, short flags, pid_t pgroup, int policy, int priority,
                  const sigset_t *sigdefault, const sigset_t *sigmask, int cgroup) {
  short got_flags = 77;
  pid_t got_pgroup = 77;
  int got_policy = 77, got_cgroup = 77;
  struct sched_param param;
  sigset_t set;
  memset(&param, 0xff, sizeof param);
  CHECK_ERR(posix_spawnattr_getflags(attr, &got_flags), 0);
  CHECK_INT(got_flags, flags);
  CHECK_ERR(posix_spawnattr_getpgroup(attr, &got_pgroup), 0);
  CHECK_INT(got_pgroup, pgroup);
  CHECK_ERR(posix_spawnattr_getschedpolicy(attr, &got_policy), 0);
  CHECK_INT(got_policy, policy);
  CHECK_ERR(posix_spawnattr_getschedparam(attr, &param), 0);
  CHECK_INT(param.sched_priority, priority);
  sigfillset(&set);
  CHECK_ERR(posix_spawnattr_getsigdefault(attr, &set), 0);
  CHECK_STR(hex(bits_of(&set)), hex(bits_of(sigdefault)));
  sigfillset(&set);
  CHECK_ERR(posix_spawnattr_getsigmask(attr, &set), 0);
  CHECK_STR(hex(bits_of(&set)), hex(bits_of(sigmask)));
  CHECK_ERR(posix_spawnattr_getcgroup_np(attr, &got_cgroup), 0);
  CHECK_INT(got_cgroup, cgroup);
}

static void holds_defaults(const posix_spawnattr_t *attr) {
  sigset_t empty;
  sigemptyset(&empty);
  holds(attr, 0, 0, SCHED_OTHER, 0, &empty, &empty, 0);
}

/* Every setter, each with a value of its own. */
static void set_all(posix_spawnattr_t *attr) {
  sigset_t set = some_signals(), full;
  struct sched_param param = {.sched_priority = 7};
  sigfillset(&full);
  CHECK_ERR(posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_USEVFORK), 0);
  CHECK_ERR(posix_spawnattr_setpgroup(attr, 1234), 0);
  CHECK_ERR(posix_spawnattr_setschedpolicy(attr, SCHED_RR), 0);
  CHECK_ERR(posix_spawnattr_setschedparam(attr, &param), 0);
  CHECK_ERR(posix_spawnattr_setsigdefault(attr, &set), 0);
  CHECK_ERR(posix_spawnattr_setsigmask(attr, &full), 0);
  CHECK_ERR(posix_spawnattr_setcgroup_np(attr, 42), 0);
}

static void holds_all(const posix_spawnattr_t *attr) {
  sigset_t set = some_signals(), full;
  sigfillset(&full);
  holds(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_USEVFORK, 1234, SCHED_RR, 7, &set, &full, 42);
}

static void defaults(void) {
  posix_spawnattr_t attr;
  memset(&attr, 0xa5, sizeof attr);
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  holds_defaults(&attr);
  CHECK_ERR(spawn_true(NULL, &attr), 0);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
}

static void set_then_get(void) {
  posix_spawnattr_t attr;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  set_all(&attr);
  holds_all(&attr);
  /* Made anew, it is as before. */
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  holds_defaults(&attr);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
}

static void errno_is_left_alone(void) {
  posix_spawnattr_t attr;
  errno = 4321;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  set_all(&attr);
  holds_all(&attr);
  CHECK_ERR(posix_spawnattr_setflags(&attr, 0x4000), EINVAL);
  CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, -1), EINVAL);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
  CHECK_INT(errno, 4321);
}

static void flags_known_and_unknown(void) {
  posix_spawnattr_t attr;
  short got;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  for (int shift = 0; shift < 16; shift++) {
    short flag = (short)(1U << shift), before = shift % 2 ? POSIX_SPAWN_SETSID : 0;
    bool known = (flag & ~ALL_FLAGS) == 0;
    CHECK_ERR(posix_spawnattr_setflags(&attr, before), 0);
    if (!CHECK_INT(posix_spawnattr_setflags(&attr, flag), known ? 0 : EINVAL)) note("flag %d", flag);
    CHECK_ERR(posix_spawnattr_getflags(&attr, &got), 0);
    CHECK_INT(got, known ? flag : before);
  }
  CHECK_ERR(posix_spawnattr_setflags(&attr, ALL_FLAGS), 0);
  CHECK_ERR(posix_spawnattr_setflags(&attr, -1), EINVAL);
  CHECK_ERR(posix_spawnattr_getflags(&attr, &got), 0);
  CHECK_INT(got, ALL_FLAGS);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
}

static void policies_known_and_unknown(void) {
  static const int known[] = {SCHED_OTHER, SCHED_FIFO, SCHED_RR, SCHED_BATCH, SCHED_IDLE};
  static const int unknown[] = {-1, 4 /* once SCHED_ISO */, 6 /* SCHED_DEADLINE */, 1000};
  posix_spawnattr_t attr;
  int got;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, known[i]), 0);
    CHECK_ERR(posix_spawnattr_getschedpolicy(&attr, &got), 0);
    CHECK_INT(got, known[i]);
  }
  for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
    CHECK_ERR(posix_spawnattr_setschedpolicy(&attr, unknown[i]), EINVAL);
    CHECK_ERR(posix_spawnattr_getschedpolicy(&attr, &got), 0);
    CHECK_INT(got, SCHED_IDLE);
  }
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
}

/* ---- objects that are none ---- */

static void all_refuse(const posix_spawnattr_t *object) {
  posix_spawnattr_t *attr = hide(object);
  struct sched_param param = {0};
  sigset_t set;
  short flags;
  pid_t pgroup;
  int number;
  sigemptyset(&set);
  CHECK_ERR(posix_spawnattr_setflags(attr, 0), EINVAL);
  CHECK_ERR(posix_spawnattr_getflags(attr, &flags), EINVAL);
  CHECK_ERR(posix_spawnattr_setpgroup(attr, 0), EINVAL);
  CHECK_ERR(posix_spawnattr_getpgroup(attr, &pgroup), EINVAL);
  CHECK_ERR(posix_spawnattr_setsigdefault(attr, &set), EINVAL);
  CHECK_ERR(posix_spawnattr_getsigdefault(attr, &set), EINVAL);
  CHECK_ERR(posix_spawnattr_setsigmask(attr, &set), EINVAL);
  CHECK_ERR(posix_spawnattr_getsigmask(attr, &set), EINVAL);
  CHECK_ERR(posix_spawnattr_setschedpolicy(attr, SCHED_OTHER), EINVAL);
  CHECK_ERR(posix_spawnattr_getschedpolicy(attr, &number), EINVAL);
  CHECK_ERR(posix_spawnattr_setschedparam(attr, &param), EINVAL);
  CHECK_ERR(posix_spawnattr_getschedparam(attr, &param), EINVAL);
  CHECK_ERR(posix_spawnattr_setcgroup_np(attr, 0), EINVAL);
  CHECK_ERR(posix_spawnattr_getcgroup_np(attr, &number), EINVAL);
  CHECK_ERR(posix_spawnattr_destroy(attr), EINVAL);
}

/* Every way to spawn. */
static void not_spawned_with(const posix_spawnattr_t *object) {
  const posix_spawnattr_t *attr = hide(object);
  char *argv[] = {(char *)"true", NULL};
  pid_t pid = 77;
  int pidfd = 77;
  CHECK_ERR(posix_spawn(&pid, "/bin/true", NULL, attr, argv, environ), EINVAL);
  CHECK_ERR(posix_spawnp(&pid, "true", NULL, attr, argv, environ), EINVAL);
  CHECK_ERR(pidfd_spawn(&pidfd, "/bin/true", NULL, attr, argv, environ), EINVAL);
  CHECK_ERR(pidfd_spawnp(&pidfd, "true", NULL, attr, argv, environ), EINVAL);
  CHECK_INT(pid, 77);
  CHECK_INT(pidfd, 77);
  check_no_child();
}

static void null_object(void) {
  CHECK_ERR(posix_spawnattr_init(hide(NULL)), EINVAL);
  all_refuse(NULL);
}

static void null_value(void) {
  posix_spawnattr_t attr;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  set_all(&attr);
  CHECK_ERR(posix_spawnattr_getflags(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_getpgroup(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_getschedpolicy(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_getcgroup_np(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_setsigdefault(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_getsigdefault(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_setsigmask(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_getsigmask(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_setschedparam(&attr, hide(NULL)), EINVAL);
  CHECK_ERR(posix_spawnattr_getschedparam(&attr, hide(NULL)), EINVAL);
  holds_all(&attr);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
}

/* A static object that nobody has initialised. */
static void zeroed(void) {
  static posix_spawnattr_t read_only, attr, destroyed;
  holds_defaults(&read_only);
  CHECK_ERR(spawn_true(NULL, &read_only), 0);
  set_all(&attr);
  holds_all(&attr);
  CHECK_ERR(posix_spawnattr_setflags(&attr, 0), 0);
  CHECK_ERR(spawn_true(NULL, &attr), 0);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
  CHECK_ERR(posix_spawnattr_destroy(&destroyed), 0);
  all_refuse(&destroyed);
}

static void garbage(void) {
  posix_spawnattr_t attr, before;
  static const int bytes[] = {0xa5, 0xff, 0x01, 0x7f, 0x80};
  for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
    memset(&attr, bytes[i], sizeof attr);
    before = attr;
    all_refuse(&attr);
    not_spawned_with(&attr);
    CHECK_INT(memcmp(&attr, &before, sizeof attr), 0);
  }
  /* Zero but for one byte, which can be anywhere. */
  for (size_t i = 0; i < 64; i++) {
    memset(&attr, 0, sizeof attr);
    ((unsigned char *)&attr)[i] = 0x5a;
    short flags;
    int result = posix_spawnattr_getflags(&attr, &flags);
    CHECK(result == EINVAL || (result == 0 && flags == 0));
  }
  /* And it can be made a good one. */
  memset(&attr, 0xa5, sizeof attr);
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  holds_defaults(&attr);
}

/* The other kind of object, by mistake. */
static void of_another_kind(void) {
  union {
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t actions;
  } object;
  CHECK_ERR(posix_spawn_file_actions_init(&object.actions), 0);
  all_refuse(&object.attr);
  not_spawned_with(&object.attr);
  CHECK_ERR(posix_spawn_file_actions_destroy(&object.actions), 0);
}

static void destroyed(void) {
  posix_spawnattr_t attr;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  set_all(&attr);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
  all_refuse(&attr);
  not_spawned_with(&attr);
}

static void copied(void) {
  posix_spawnattr_t attr, copy;
  CHECK_ERR(posix_spawnattr_init(&attr), 0);
  set_all(&attr);
  copy = attr;
  holds_all(&copy);
  /* Each is its own. */
  CHECK_ERR(posix_spawnattr_setpgroup(&attr, 5), 0);
  holds_all(&copy);
  CHECK_ERR(posix_spawnattr_destroy(&attr), 0);
  holds_all(&copy);
  CHECK_ERR(posix_spawnattr_setpgroup(&copy, 0), 0);
  char *seen = posix_probe(NULL, &copy);
  CHECK(number(seen, "pid") > 0);
  CHECK_INT(number(seen, "pgid"), number(seen, "pid"));
  free(seen);
  CHECK_ERR(posix_spawnattr_destroy(&copy), 0);
}

/* ---- the way ---- */

static int do_traced(void) {
  char *argv[] = {(char *)"true", NULL};
  posix_spawnattr_t attr;
  sigset_t set = some_signals();
  pid_t pid;
  int result = posix_spawnattr_init(&attr);
  result |= posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                                POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSCHEDULER);
  result |= posix_spawnattr_setsigmask(&attr, &set) | posix_spawnattr_setsigdefault(&attr, &set);
  result |= posix_spawn(&pid, "/bin/true", NULL, &attr, argv, environ) || waitpid(pid, NULL, 0) != pid;
  result |= posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ) || waitpid(pid, NULL, 0) != pid;
  return result;
}

static void traced(void) {
  need(HAS_OWN_PROGRAMS);
  check_trace(2);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"defaults", defaults},
      {"set, then get", set_then_get},
      {"errno is left alone", errno_is_left_alone},
      {"flags, known and unknown", flags_known_and_unknown},
      {"policies, known and unknown", policies_known_and_unknown},
      {"NULL for the object", null_object},
      {"NULL for the value", null_value},
      {"zeroed, not initialised", zeroed},
      {"garbage, not initialised", garbage},
      {"an object of another kind", of_another_kind},
      {"destroyed", destroyed},
      {"copied", copied},
      {"by the shared way", traced},
      {NULL, NULL},
  };
  return is_traced_copy(argc, argv) ? do_traced() : run(argc, argv, cases);
}
