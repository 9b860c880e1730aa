/* SPDX-License-Identifier: BSD-3-Clause */
/* Makes up a trial: attributes, at most one fault, and what is to come of it. The table of descriptors that the program
 * will have is worked out beside it, by the words of forkexec.h. */
#include "soak.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

uint64_t throw(struct dice *dice) {
  uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

unsigned below(struct dice *dice, unsigned n) { return (unsigned)(throw(dice) % n); }

bool one_in(struct dice *dice, unsigned n) { return below(dice, n) == 0; }

/* What the program will have at each number; NULL: nothing. */
struct entry {
  const char *what;
  bool cloexec, named;
};

struct maker {
  struct trial *trial;
  struct dice *dice;
  struct entry table[TABLE];
  bool copies;   /* memory must not be shared */
  bool unstaged; /* a stage cannot do it */
  bool alone;    /* the way that is concurrent cannot */
  bool filtered;
  enum form form;
};

static const char *say(struct maker *m, const char *format, ...) {
  struct trial *t = m->trial;
  char *at = t->text + t->used;
  va_list list;
  va_start(list, format);
  int n = vsnprintf(at, sizeof t->text - t->used, format, list);
  va_end(list);
  t->used += (size_t)n + 1;
  if (n < 0 || t->used > sizeof t->text) abort();
  return at;
}

/* Something for the program to see. */
#define EXPECT(m, ...)                                                                             \
  do {                                                                                             \
    if ((m)->trial->nargv >= ARGUMENTS - 1) abort();                                               \
    (m)->trial->argv[(m)->trial->nargv++] = (char *)say(m, __VA_ARGS__);                           \
  } while (0)

static void fails(struct maker *m, int errnum, int step, int index) {
  m->trial->errnum = errnum;
  m->trial->step = step;
  m->trial->index = index;
}

static int pool(struct maker *m) { return POOL_FIRST + (int)below(m->dice, POOL_END - POOL_FIRST); }

/* ---- descriptors ---- */

static void inherit(struct maker *m) {
  for (int fd = 0; fd < POOL_END; fd++)
    if (world.identity[fd][0]) m->table[fd] = (struct entry){world.identity[fd], fd >= 3 && fd % 2, fd < 3};
}

static const char *an_element(struct maker *m, int at, const struct entry *before) {
  struct trial *t = m->trial;
  int32_t *file = &t->files[at];
  unsigned kind = below(m->dice, 20);
  if (kind < 2) {
    *file = -1;
    return NULL;
  }
  if (kind == 2) {
    *file = FE_NULL;
    return world.null.identity;
  }
  if (kind == 3) {
    *file = one_in(m->dice, 2) ? FE_TO_PIPE : FE_FROM_PIPE;
    t->attr.ends = t->ends;
    return "p";
  }
  if (kind == 4 && m->form != CAPTURED) {
    size_t k = t->attr.nredirects++;
    const struct place *place = &world.files[below(m->dice, 4)];
    t->redirects[k] = (fe_redirect)FE_OPEN_FILE(place->path, O_RDONLY, 0);
    t->attr.redirects = t->redirects;
    *file = FE_REDIRECT((int)k);
    return place->identity;
  }
  if (kind == 5) {
    size_t k = t->attr.nredirects++;
    t->redirects[k] = (fe_redirect)FE_DATA("some data", 9);
    t->attr.redirects = t->redirects;
    *file = FE_REDIRECT((int)k);
    return "m";
  }
  if (kind == 6 && t->attr.flags & FE_PTY) {
    *file = FE_TERMINAL;
    return "t";
  }
  if (kind == 7 && at > 0 && t->files[at - 1] != -1) {
    *file = FE_SAME_AS(at - 1);
    return m->table[at - 1].what;
  }
  int source = one_in(m->dice, 8) ? (int)below(m->dice, 3) : pool(m);
  *file = before[source].what ? source : -1;
  return before[source].what;
}

static void some_files(struct maker *m) {
  struct trial *t = m->trial;
  struct entry before[TABLE];
  size_t n = below(m->dice, one_in(m->dice, 4) ? FILES : 8);
  memcpy(before, m->table, sizeof before);
  for (size_t i = 0; i < n; i++) m->table[i] = (struct entry){an_element(m, (int)i, before), false, true};
  if (t->attr.flags & FE_PTY) {
    if (n == 0) n = 1;
    t->files[0] = FE_TERMINAL;
    m->table[0].what = "t";
    /* One that was to be as that is so still. */
    for (size_t i = 1; i < n && t->files[i] == FE_SAME_AS((int)i - 1); i++) m->table[i].what = "t";
  }
  for (size_t i = n; i < 3; i++) m->table[i].what = NULL;
  for (int fd = 0; fd < TABLE; fd++) m->table[fd].named = fd < (int)n;
  t->attr.files = t->files;
  t->attr.nfiles = n;
}

static void kept(struct maker *m) {
  struct trial *t = m->trial;
  for (unsigned i = 0; i < 3; i++) {
    int fd = pool(m);
    if (fd < (int)t->attr.nfiles) continue;
    t->keep[t->attr.nkeep++] = fd;
    m->table[fd].cloexec = false;
    m->table[fd].named = true;
  }
  if (t->attr.nkeep) t->attr.keep = t->keep;
}

static void an_action(struct maker *m, fe_file_action *action) {
  struct entry *table = m->table;
  int fd = (int)below(m->dice, 60);
  const struct place *place = &world.files[below(m->dice, 4)];
  switch (below(m->dice, 6)) {
    case 0:
    case 1:
      *action = (fe_file_action)FE_OPEN(fd, place->path, O_RDONLY, 0);
      table[fd] = (struct entry){place->identity, false, true};
      return;
    case 2: {
      int from = pool(m);
      if (!table[from].what) break;
      *action = (fe_file_action)FE_DUP2(from, fd);
      table[fd] = (struct entry){table[from].what, false, true};
      if (!(from < (int)m->trial->attr.nfiles && m->trial->files[from] >= 0)) m->unstaged = true;
      return;
    }
    case 3:
      if (!one_in(m->dice, 6)) break;
      fd = 3 + fd / 2;
      *action = (fe_file_action)FE_CLOSEFROM(fd);
      for (; fd < TABLE; fd++) table[fd].what = NULL;
      return;
    default: break;
  }
  *action = (fe_file_action)FE_CLOSE(fd);
  table[fd].what = NULL;
}

static void tell_table(struct maker *m) {
  char list[4096];
  size_t n = 0;
  list[0] = 0;
  bool closes = m->trial->attr.flags & FE_CLOSE_OTHERS;
  for (int fd = 0; fd < TABLE; fd++) {
    const struct entry *entry = &m->table[fd];
    if (!entry->what || entry->cloexec || (closes && !entry->named)) continue;
    n += (size_t)snprintf(list + n, sizeof list - n, "%s%d:%s", n ? "," : "", fd, entry->what);
  }
  EXPECT(m, "fds=%s", list);
}

/* ---- the other attributes ---- */

static void set_of(sigset_t *set, uint64_t bits) {
  sigemptyset(set);
  memcpy(set, &bits, sizeof bits);
}

static void signals(struct maker *m) {
  fe_attr *attr = &m->trial->attr;
  const uint64_t never = UINT64_C(1) << (SIGKILL - 1) | UINT64_C(1) << (SIGSTOP - 1);
  uint64_t mask, defaults = 0, ignores = 0;
  if (one_in(m->dice, 2)) {
    mask = throw(m->dice);
    set_of(&m->trial->mask, mask);
    attr->sigmask = &m->trial->mask;
    EXPECT(m, "mask=%llx", (unsigned long long)(mask & ~never));
  } else {
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8);
    EXPECT(m, "mask=%llx", (unsigned long long)mask);
  }
  if (one_in(m->dice, 3)) {
    defaults = throw(m->dice);
    set_of(&m->trial->defaults, defaults);
    attr->sigdefault = &m->trial->defaults;
  }
  if (one_in(m->dice, 3)) {
    ignores = throw(m->dice) & throw(m->dice) & ~defaults & ~never;
    set_of(&m->trial->ignores, ignores);
    attr->sigignore = &m->trial->ignores;
  }
  EXPECT(m, "ignored=%llx", (unsigned long long)((world.ignored & ~defaults) | ignores));
  if (one_in(m->dice, 6)) {
    attr->pdeathsig = SIGUSR1;
    EXPECT(m, "pdeathsig=%d", SIGUSR1);
  }
}

static void place_among_processes(struct maker *m) {
  fe_attr *attr = &m->trial->attr;
  bool new_pids = attr->cloneflags & CLONE_NEWPID;
  if (attr->flags & FE_PTY || one_in(m->dice, 5)) {
    if (!(attr->flags & FE_PTY)) attr->flags |= FE_SETSID;
    EXPECT(m, "sid=own");
    EXPECT(m, "pgid=own");
    EXPECT(m, "tty=%d", attr->flags & FE_PTY ? 1 : 0);
  } else if (one_in(m->dice, 4)) {
    attr->flags |= FE_SETPGID;
    EXPECT(m, "pgid=own");
  } else if (!new_pids) {
    EXPECT(m, "sid=%d", (int)world.session);
    EXPECT(m, "pgid=%d", (int)world.group);
  }
  if (new_pids) EXPECT(m, "pid=1");
}

static void limits(struct maker *m) {
  static const struct {
    int resource;
    uint64_t soft, hard;
  } some[] = {
      {RLIMIT_NOFILE, TABLE, 900}, {RLIMIT_CORE, 0, 0},      {RLIMIT_CPU, 100, 200},
      {RLIMIT_STACK, 1 << 20, 1 << 22}, {RLIMIT_AS, 1 << 28, 1 << 28}, {RLIMIT_MEMLOCK, 0, 0},
  };
  struct trial *t = m->trial;
  t->limits = (fe_limits)FE_LIMITS_INIT;
  if (one_in(m->dice, 2)) {
    t->limits.flags |= FE_LIMIT_UMASK;
    t->limits.umask = below(m->dice, 0777 + 1);
    EXPECT(m, "umask=%o", (unsigned)t->limits.umask);
  }
  if (one_in(m->dice, 8) && !(t->attr.cloneflags & CLONE_NEWPID)) {
    t->limits.flags |= FE_LIMIT_OOM_SCORE_ADJ;
    t->limits.oom_score_adj = 900;
    m->alone = true;
  }
  size_t first = below(m->dice, 6), n = 1 + below(m->dice, 3);
  for (size_t i = 0; i < n; i++) {
    t->rlimits[i] = (fe_rlimit)FE_RLIMIT(some[(first + i) % 6].resource, some[(first + i) % 6].soft, some[(first + i) % 6].hard);
    EXPECT(m, "limit.%d=%llu,%llu", t->rlimits[i].resource, (unsigned long long)t->rlimits[i].soft,
           (unsigned long long)t->rlimits[i].hard);
  }
  t->limits.rlimits = t->rlimits;
  t->limits.nrlimits = n;
  t->attr.limits = &t->limits;
}

static void scheduling(struct maker *m) {
  struct trial *t = m->trial;
  t->scheduling = (fe_scheduling)FE_SCHEDULING_INIT;
  t->scheduling.flags = FE_SCHED_NICE;
  t->scheduling.nice = 10 + (int)below(m->dice, 10);
  EXPECT(m, "nice=%d", t->scheduling.nice);
  if (one_in(m->dice, 2)) {
    t->scheduling.flags |= FE_SCHED_POLICY;
    t->scheduling.policy = SCHED_BATCH;
    EXPECT(m, "policy=%d", SCHED_BATCH);
  }
  if (one_in(m->dice, 2)) {
    t->scheduling.timer_slack_ns = 70000;
    EXPECT(m, "slack=70000");
  }
  t->attr.scheduling = &t->scheduling;
}

static void credential(struct maker *m) {
  struct trial *t = m->trial;
  unsigned uid = 1000 + below(m->dice, 5), gid = 2000 + below(m->dice, 5), n = below(m->dice, 4);
  t->credential = (fe_credential)FE_CREDENTIAL_INIT;
  t->credential.uid = uid;
  t->credential.gid = gid;
  EXPECT(m, "uid=%u,%u,%u", uid, uid, uid);
  EXPECT(m, "gid=%u,%u,%u", gid, gid, gid);
  if (one_in(m->dice, 2)) {
    static const char *const lists[] = {"", "3000", "3000,3001", "3000,3001,3002"};
    for (unsigned i = 0; i < n; i++) t->groups[i] = 3000 + i;
    t->credential.groups = t->groups;
    t->credential.ngroups = n;
    EXPECT(m, "groups=%s", lists[n]);
  }
  t->attr.credential = &t->credential;
  m->copies = true;
}

static void namespaces(struct maker *m) {
  struct trial *t = m->trial;
  switch (below(m->dice, 8)) {
    case 0: t->attr.cloneflags = CLONE_NEWUTS; break;
    case 1: t->attr.cloneflags = CLONE_NEWIPC; break;
    case 2: t->attr.cloneflags = CLONE_NEWPID | CLONE_NEWUTS; break;
    case 3: t->attr.cloneflags = CLONE_NEWNS; break;
    case 4: t->attr.cloneflags = CLONE_NEWCGROUP; break;
    case 5: t->attr.cloneflags = one_in(m->dice, 10) ? CLONE_NEWNET : CLONE_NEWPID; break;
    default:
      if (!world.has_users) return;
      t->uid_map = (fe_id_map){0, geteuid(), 1};
      t->gid_map = (fe_id_map){0, getegid(), 1};
      t->attr.cloneflags = CLONE_NEWUSER;
      t->attr.uid_mappings = &t->uid_map;
      t->attr.gid_mappings = &t->gid_map;
      t->attr.nuid_mappings = t->attr.ngid_mappings = 1;
      EXPECT(m, "uid=0,0,0");
      EXPECT(m, "gid=0,0,0");
      m->copies = true;
  }
}

static void restrictions(struct maker *m) {
  static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  struct trial *t = m->trial;
  t->attr.flags |= FE_NO_NEW_PRIVS;
  EXPECT(m, "nnp=1");
  if (one_in(m->dice, 2)) {
    t->sandbox = (fe_sandbox)FE_SANDBOX_INIT;
    t->sandbox.filter = allow;
    t->sandbox.nfilter = 1;
    t->attr.sandbox = &t->sandbox;
  }
  if (world.is_root && one_in(m->dice, 2) && !(t->attr.cloneflags & CLONE_NEWUSER)) {
    unsigned capability = below(m->dice, 8);
    t->privileges = (fe_privileges)FE_PRIVILEGES_INIT;
    t->privileges.flags = FE_PRIVILEGES_BOUNDING;
    t->privileges.bounding = ~FE_CAPABILITY(capability);
    t->attr.privileges = &t->privileges;
    EXPECT(m, "bounding.%u=0", capability);
  }
}

static void environment(struct maker *m) {
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  char **list = world.environment;
  if (one_in(m->dice, 2)) {
    unsigned n = below(m->dice, 7);
    for (unsigned i = 0; i < n; i++)
      m->trial->envp[i] = (char *)say(m, "VARIABLE_%u=%llx", i, (unsigned long long)throw(m->dice));
    m->trial->attr.envp = list = m->trial->envp;
  }
  for (; *list; list++)
    for (const char *c = *list;; c++) {
      hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
      if (!*c) break;
    }
  EXPECT(m, "env=%llx", (unsigned long long)hash);
}

static void program(struct maker *m) {
  fe_attr *attr = &m->trial->attr;
  attr->path = world.program;
  if (one_in(m->dice, 6)) {
    attr->flags |= FE_SEARCH_PATH;
    attr->path = "verify";
    attr->search_path = say(m, "%s:%s:/", world.directories[0].path, world.bin);
  } else if (world.program_fd >= 0 && one_in(m->dice, 6)) {
    attr->flags |= FE_FEXECVE;
    attr->path = NULL;
    attr->execfd = world.program_fd;
    m->unstaged = true;
  }
}

/* ---- faults ---- */

/* One that can be, or none. What is done before it is there to be undone. */
static void a_fault(struct maker *m) {
  struct trial *t = m->trial;
  fe_attr *attr = &t->attr;
  size_t last = attr->nactions;
  bool has_group = attr->flags & (FE_SETSID | FE_SETPGID | FE_PTY), has_program = !(attr->flags & FE_FEXECVE);
  switch (below(m->dice, 14)) {
    case 0:
    case 1:
      if (!has_program) return;
      attr->path = attr->flags & FE_SEARCH_PATH ? "missing" : world.missing;
      fails(m, ENOENT, FE_STEP_EXEC, -1);
      return;
    case 2:
      if (!has_program || attr->flags & FE_SEARCH_PATH) return;
      attr->path = world.data;
      fails(m, EACCES, FE_STEP_EXEC, -1);
      return;
    case 3:
      if (!has_program || attr->flags & FE_SEARCH_PATH) return;
      attr->path = world.text;
      fails(m, ENOEXEC, FE_STEP_EXEC, -1);
      return;
    case 4:
      attr->dir = world.missing;
      fails(m, ENOENT, FE_STEP_CHDIR, -1);
      return;
    case 5:
    case 6: {
      if (!attr->files || attr->nfiles < 2) return;
      size_t at = 1 + below(m->dice, (unsigned)attr->nfiles - 1);
      t->files[at] = NOT_OPEN;
      fails(m, EBADF, FE_STEP_FILES, (int)at);
      return;
    }
    case 7:
      t->actions[last] = (fe_file_action)FE_OPEN(50, world.missing, O_RDONLY, 0);
      fails(m, ENOENT, FE_STEP_ACTION_OPEN, (int)last);
      break;
    case 8:
      t->actions[last] = (fe_file_action)FE_DUP2(NOT_OPEN, 50);
      m->unstaged = true;
      fails(m, EBADF, FE_STEP_ACTION_DUP2, (int)last);
      break;
    case 9:
      if (has_group) return;
      attr->flags |= FE_SETPGID;
      attr->pgid = 0x7ffffff0;
      fails(m, EPERM, FE_STEP_SETPGID, -1);
      return;
    case 10:
      if (attr->flags & (FE_PTY | FE_SETPGID | FE_CLOSE_OTHERS) || attr->files || attr->actions || m->form == CAPTURED) return;
      attr->flags |= FE_SETSID | FE_SETCTTY;
      attr->ctty = POOL_FIRST;
      m->unstaged = true;
      fails(m, ENOTTY, FE_STEP_SETCTTY, -1);
      return;
    case 11:
      t->keep[attr->nkeep++] = NOT_OPEN;
      attr->keep = t->keep;
      fails(m, EBADF, FE_STEP_KEEP, (int)attr->nkeep - 1);
      return;
    case 12:
      attr->flags |= FE_SETCTTY;
      attr->flags &= ~FE_SETSID;
      fails(m, EINVAL, FE_STEP_ARGS, -1);
      return;
    default:
      /* Nobody writes to it. */
      if (!one_in(m->dice, 4)) return;
      t->actions[last] = (fe_file_action)FE_OPEN(50, world.fifo, O_RDONLY, 0);
      attr->timeout_ms = 1 + (int)below(m->dice, 20);
      fails(m, ETIMEDOUT, FE_STEP_ACTION_OPEN, (int)last);
      break;
  }
  attr->nactions++;
  attr->actions = t->actions;
}

static void choose_way(struct maker *m) {
  fe_attr *attr = &m->trial->attr;
  bool maps = attr->uid_mappings != NULL, beside = m->form == BESIDE || attr->timeout_ms != 0;
  if (attr->cgroup != 0) m->alone = true;
  switch (below(m->dice, 6)) {
    case 0:
      if (!m->copies && !beside && m->form != SUSPENDED) attr->way = FE_WAY_SHARED;
      break;
    case 1:
      if (!maps && !beside && m->form != SUSPENDED) attr->way = FE_WAY_COPY;
      break;
    case 2: attr->way = FE_WAY_PIPED; break;
    case 3:
      if (!m->copies && !m->alone && beside && m->form != SUSPENDED) attr->way = FE_WAY_CONCURRENT;
      break;
    case 4:
      if (attr->credential && world.has_stage && !m->filtered && !m->unstaged && !maps && !beside &&
          m->form != SUSPENDED && !(attr->flags & FE_PTY))
        attr->way = FE_WAY_STAGED;
      break;
    default: break;
  }
}

void make_trial(struct trial *t, struct dice *dice, enum form form, bool filtered) {
  struct maker m = {t, dice, {{NULL, false, false}}, false, false, false, filtered, form};
  memset(t, 0, offsetof(struct trial, text));
  t->used = t->nargv = 0;
  t->attr = (fe_attr)FE_ATTR_INIT;
  t->argv[t->nargv++] = (char *)"verify";
  for (size_t i = 0; i < FILES; i++) t->ends[i] = -1;
  if (form == SUSPENDED) t->attr.flags |= FE_SUSPEND;
  if (form != CAPTURED && one_in(dice, 30)) t->attr.flags |= FE_PTY;
  if (one_in(dice, 3)) t->attr.flags |= FE_PIDFD;
  if (one_in(dice, 2)) t->attr.flags |= FE_CLOSE_OTHERS;
  if (world.is_root && one_in(dice, 12)) namespaces(&m);
  if (world.is_root && one_in(dice, 5) && !(t->attr.cloneflags & CLONE_NEWUSER)) credential(&m);
  inherit(&m);
  if (form == CAPTURED) {
    m.table[0].what = m.table[1].what = m.table[2].what = "p";
  } else if (one_in(dice, 3)) {
    some_files(&m);
  } else if (t->attr.flags & FE_PTY) {
    m.table[0].what = m.table[1].what = m.table[2].what = "t";
  }
  if (t->attr.flags & FE_PTY || form == CAPTURED)
    for (int fd = 0; fd < 3; fd++) m.table[fd].named = true;
  if (one_in(dice, 5)) kept(&m);
  if (form != CAPTURED && one_in(dice, 3)) {
    unsigned n = 1 + below(dice, ACTIONS - 2);
    for (unsigned i = 0; i < n; i++) an_action(&m, &t->actions[i]);
    t->attr.actions = t->actions;
    t->attr.nactions = n;
  }
  tell_table(&m);
  signals(&m);
  place_among_processes(&m);
  environment(&m);
  program(&m);
  if (one_in(dice, 4)) {
    const struct place *place = &world.directories[below(dice, 4)];
    t->attr.dir = place->path;
    EXPECT(&m, "cwd=%s", place->identity);
  }
  if (one_in(dice, 5)) limits(&m);
  if (one_in(dice, 6)) scheduling(&m);
  if (one_in(dice, 8)) restrictions(&m);
  if (world.cgroup >= 0 && one_in(dice, 10)) {
    t->attr.flags |= FE_CGROUP;
    t->attr.cgroup = world.cgroup;
    if (!(t->attr.cloneflags & (CLONE_NEWCGROUP | CLONE_NEWPID | CLONE_NEWNS)))
      EXPECT(&m, "cgroup=/%s", strrchr(world.cgroup_name, '/') + 1);
  }
  if (one_in(dice, 8)) t->attr.timeout_ms = 60000;
  if (one_in(dice, 3)) a_fault(&m);
  choose_way(&m);
  t->status = (int)below(dice, 100) << 8;
  EXPECT(&m, "exit=%d", t->status >> 8);
  EXPECT(&m, "report=%s", world.report);
  EXPECT(&m, "runs=%s", world.runs);
  if (one_in(dice, 20)) {
    EXPECT(&m, "sleep=%u", below(dice, 10));
    t->sleeps = true;
  }
  if (form == CAPTURED) EXPECT(&m, "copy=");
  t->attr.argv = t->argv;
}
