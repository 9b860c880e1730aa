/* SPDX-License-Identifier: BSD-3-Clause */
/* Every system call of a spawn, in each way and of each attribute, fails with each error that it may have; before every one the
 * child is killed, and stopped. What is to be blamed is told by fe_explain; what was done, by the program itself. */
#include "test.h"

#include "fault_calls.h"
#include "fault_subjects.h"
#include "fault_judge.h"

static unsigned way;

/* ---- what a spawn does, and who is to blame ---- */

/* Blames the steps of the plan for the calls that were seen of the child, from the last one on backwards, in `made`: what is left
 * over at the beginning is its own affair. Calls after the exec are the program's. */
static size_t blame(size_t nplan) {
  size_t last = 0, n = 0, execs = 0;
  const struct blamed *before = NULL;
  for (size_t i = 0; i < nplan; i++) execs += is_exec(plan[i].place.nr);
  /* A script makes one of its own. */
  for (size_t i = 0; i < record.count && execs > 0; i++)
    if (record.places[i].child == 1 && is_exec(record.places[i].nr)) last = i, execs--;
  for (size_t i = last + 1; i-- > 0;) {
    const struct place *place = &record.places[i];
    if (place->child != 1) continue;
    struct blamed *blamed = &made[n++];
    *blamed = (struct blamed){*place, FE_STEP_NONE, -1};
    size_t at = nplan;
    while (at > 0 && plan[at - 1].place.nr != place->nr && may_be_left_out(plan[at - 1].place.nr)) at--;
    if (at > 0 && plan[at - 1].place.nr == place->nr) {
      nplan = at - 1;
      before = &plan[nplan];
    } else if (nplan > 0 && plan[nplan - 1].step == FE_STEP_SUSPEND) {
      /* It tells, and reads what it is told. */
      before = &plan[nplan - 1];
      if (place->nr == SYS_write) nplan--;
    } else if (!(before && way > FE_WAY_SHARED && place->nr == SYS_close_range && before->place.nr == SYS_close_range)) {
      before = NULL; /* but a range in two parts, around the child's own descriptor */
    }
    if (before) {
      blamed->step = before->step;
      blamed->index = before->index;
    }
  }
  while (nplan > 0 && may_be_left_out(plan[nplan - 1].place.nr)) nplan--;
  CHECK_INT(nplan, 0);
  return n;
}

/* ---- what is right ---- */

struct right {
  int errnum, step, index, signal; /* errnum 0: success */
  bool otherwise; /* and what the program sees is of no use: the fault is not the kernel's own */
};

static struct right success(void) { return (struct right){0, FE_STEP_NONE, -1, 0, false}; }

/* As execvp(3): which goes on to the next, and remembers that one was denied. */
static struct right of_candidates(const struct blamed *blamed, int errnum) {
  bool not_here = errnum == EACCES || errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG || errnum == ENODEV;
  if (not_here && blamed->index < 2) return success();
  return (struct right){errnum, FE_STEP_EXEC, not_here && errnum != EACCES ? -1 : blamed->index, 0, false};
}

/* What the child does before its plan, or because of the part of the table that it has. */
static void of_its_own(const struct blamed *blamed, struct right *right) {
  int nr = blamed->place.nr, nth = blamed->place.nth;
  right->step = FE_STEP_CLONE;
  if (nr == SYS_rt_sigaction) {
    right->step = FE_STEP_SIGACTION;
  } else if (way <= FE_WAY_SHARED) {
    /* The pidfd is at 64, what it fetches at 800. */
    right->step = FE_STEP_UNSHARE_FILES;
    if (nr != SYS_close_range) right->index = nr == SYS_pidfd_getfd || nth > 0 ? 800 : 64;
  } else if (nth > 0 || nr == SYS_read) {
    right->step = FE_STEP_MAPS_WAIT;
  }
}

static struct right of_error(const struct blamed *blamed, int errnum) {
  int nr = blamed->place.nr, step = blamed->step;
  struct right right = {errnum, step, blamed->index, 0, false};
  if (step == FE_STEP_NONE) {
    /* In its own table it takes the whole, then. */
    if (nr != SYS_rt_sigaction && (way <= FE_WAY_SHARED || (nr == SYS_read && errnum == EINTR))) return success();
    /* Taken for a refusal of the cgroup at the clone: it enters that by itself, then. */
    if (subject->fill == cgroup && (errnum == EPERM || errnum == EINVAL)) return success();
    of_its_own(blamed, &right);
    return right;
  }
  if (nr == SYS_close && (errnum == EBADF || errnum == EINTR || errnum == EIO || errnum == ENOSPC || errnum == EDQUOT)) {
    right = success();
    right.otherwise = true; /* a kernel that says so has closed it */
    return right;
  }
  /* There are other ways to close them. */
  if (nr == SYS_close_range) return success();
  if (step == FE_STEP_SUSPEND && nr == SYS_read && errnum == EINTR) return success();
  if (step == FE_STEP_NOCTTY && nr == SYS_openat && errnum == ENXIO) {
    right = success();
    right.otherwise = true; /* it was told that it has no terminal */
    return right;
  }
  if (subject->fill == candidates && is_exec(nr)) return of_candidates(blamed, errnum);
  if (subject->fill == by_the_shell && step == FE_STEP_EXEC && errnum == ENOEXEC) return success();
  return right;
}

/* ---- the faults ---- */

/* Of all cases. Distinct are they by way, subject, call, and what becomes of it. */
static struct {
  long faults, distinct;
  unsigned char had[FE_WAY_STAGED + 1][SUBJECTS][512][160];
} *all_cases;

static void count(const struct fault *fault) {
  int what = fault->action <= FAIL_ALWAYS ? fault->errnum : 150 + (fault->action == DIE ? fault->errnum % 8 : 4 + (int)fault->action);
  unsigned char *place = &all_cases->had[way][subject - subjects][fault->place.nr][what];
  all_cases->faults++;
  all_cases->distinct += !*place;
  *place = 1;
}

static void complain(const struct fault *fault, const struct blamed *blamed, const char *what) {
  static const char *const actions_as_text[] = {"", "always ", "died of ", "stopped ", "stands "};
  note("%s, way %u: %s %d of %s (%s %d) %s%s: %s", subject->name, way, call_of(fault->place.nr)->name, fault->place.nth,
       fault->place.child ? "the child" : "the caller", blamed ? fe_step_name(blamed->step) : "-",
       blamed ? blamed->index : -1, actions_as_text[fault->action],
       fault->action <= FAIL_ALWAYS ? errno_name(fault->errnum) : "", what);
  note("  %d, %s, \"%s\" %d, signal %d, way %u, status %#x", outcome->result, errno_name(outcome->saved),
       fe_step_name(outcome->error.step), outcome->error.index, outcome->error.signal, outcome->way, (unsigned)outcome->status);
  CHECK(!"right");
}

/* A deadline that a loaded machine keeps, and a test can wait for. */
enum { SOON_MS = 1000 };

static void strike_the_child(const struct blamed *blamed, enum action action, int errnum, struct right right) {
  struct fault fault = {blamed->place, action, errnum};
  bool struck = strike(subject, way, action == STAND ? SOON_MS : 0, &fault, NULL, outcome);
  count(&fault);
  if (!struck) complain(&fault, blamed, "it did not come to that");
  if (outcome->said[0]) complain(&fault, blamed, outcome->said);
  if (right.errnum == 0) {
    if (outcome->result != 0 || outcome->status != subject->status) complain(&fault, blamed, "should have done no harm");
    else if (subject->status == 0 && !right.otherwise && !is_as_it_should_be()) complain(&fault, blamed, "another program");
    return;
  }
  const fe_error *error = &outcome->error;
  if (outcome->result != -1 || outcome->saved != right.errnum || error->errnum != right.errnum || error->step != right.step ||
      error->index != right.index || error->signal != right.signal || !outcome->empty)
    complain(&fault, blamed, "should have failed so");
}

/* Makes a record of one without faults. */
static size_t look(void) {
  memset(&record, 0, sizeof record);
  strike(subject, way, 0, NULL, &record, outcome);
  bool good = !outcome->said[0] && outcome->result == 0 && outcome->status == subject->status;
  if (!good) note("%s, way %u: %s, %s, status %#x %s", subject->name, way, fe_step_name(outcome->error.step), errno_name(outcome->saved), (unsigned)outcome->status, outcome->said);
  NEED(good);
  free(as_it_should_be);
  as_it_should_be = seen_by_the_program();
  if (subject->status == 0) CHECK(as_it_should_be[0] != 0);
  return blame(read_plan(outcome->plan));
}

/* The signal mask and the exec are the same in all: those of the first subjects are enough. */
static bool is_of_another(const struct blamed *blamed) {
  return (subject->fill != plain && blamed->step == FE_STEP_SIGMASK) ||
         (subject->fill != candidates && subject->fill != by_the_shell && subject->fill != by_descriptor &&
          subject->fill != in_a_directory && subject->fill != plain && blamed->step == FE_STEP_EXEC);
}

/* Where a step makes the same call several times, one error is enough for all but the first. */
static bool is_enough(int errnum) { return errnum == EPERM; }

static void each_error(void) {
  size_t n = look();
  for (size_t i = n; i-- > 0;) {
    const struct named_call *call = call_of(made[i].place.nr);
    NEED(call != NULL);
    if (is_of_another(&made[i])) continue;
    bool first = true;
    for (size_t j = i + 1; j < n; j++)
      first = first && (made[j].place.nr != made[i].place.nr || made[j].step != made[i].step);
    for (int e = 0, errnum; (errnum = errnum_of(call, e)) != 0; e++)
      if (first || is_enough(errnum)) strike_the_child(&made[i], FAIL, errnum, of_error(&made[i], errnum));
  }
}

static void each_end(void) {
  static const int signals[] = {SIGKILL, SIGSEGV, SIGSYS};
  size_t n = look();
  for (size_t i = n; i-- > 0;) {
    struct blamed *blamed = &made[i];
    NEED(call_of(blamed->place.nr) != NULL);
    if (is_of_another(blamed)) continue;
    struct right right = {ECANCELED, blamed->step, blamed->index, 0, false};
    if (blamed->step == FE_STEP_NONE) of_its_own(blamed, &right);
    for (int s = 0; s < 3; s++) {
      right.signal = signals[s];
      strike_the_child(blamed, DIE, signals[s], right);
    }
    strike_the_child(blamed, STOP, 0, success());
    if ((way != FE_WAY_PIPED && way != FE_WAY_CONCURRENT) || (subject->fill != plain && subject->fill != session)) continue;
    right = (struct right){ETIMEDOUT, right.step, right.index, 0, false};
    strike_the_child(blamed, STAND, 0, right);
  }
}

/* The caller's: the truth, whatever it is. The program ran as it should, or the error is told and nothing is left. */
static void strike_the_caller(const struct place *place, enum action action, int errnum) {
  struct fault fault = {*place, action, errnum};
  bool struck = strike(subject, way, 0, &fault, NULL, outcome);
  /* It need not wait for a child beside it that is quicker, nor for the stop of one that is traced. */
  bool may_be_spared = way == FE_WAY_CONCURRENT || way == FE_WAY_PIPED || subject->fill == traced;
  if (!struck && !may_be_spared) complain(&fault, NULL, "it did not come to that");
  if (!struck) return;
  count(&fault);
  /* A close that is refused closes nothing. */
  if (outcome->said[0] && place->nr != SYS_close) complain(&fault, NULL, outcome->said);
  if (outcome->result == 0) {
    if (outcome->status != subject->status) complain(&fault, NULL, "should have done no harm");
    /* The kernel's own word that it has no such capability, or file in /proc. */
    bool otherwise = (subject->fill == privileges && place->nr == SYS_prctl && errnum == EINVAL) ||
                     (subject->fill == user_namespace && place->nr == SYS_openat && errnum == ENOENT);
    if (subject->status == 0 && !otherwise && !is_as_it_should_be()) complain(&fault, NULL, "another program");
    return;
  }
  int step = outcome->error.step;
  /* One of a child that it had to give up, or could not let go. */
  bool given_up = outcome->saved == ECANCELED || (outcome->saved == EPIPE && step == FE_STEP_SUSPEND);
  /* No number is left for a duplicate that is to be above the others. */
  given_up = given_up || (outcome->saved == EMFILE && place->nr == SYS_fcntl && errnum == EINVAL);
  if ((outcome->saved != errnum && !given_up) || outcome->error.errnum != outcome->saved || step <= FE_STEP_ARGS || !outcome->empty)
    complain(&fault, NULL, "should have failed so");
  if (access(report, F_OK) == 0) complain(&fault, NULL, "the program ran");
}

/* Some cannot fail; and who forbids the mask of before after it has let all be blocked is beyond help. */
static bool is_beyond_help(const struct place *place) {
  static const int never[] = {SYS_getpid, SYS_gettid, SYS_getresuid, SYS_getresgid, SYS_setfsuid, SYS_setfsgid};
  for (size_t i = 0; i < sizeof never / sizeof *never; i++)
    if (place->nr == never[i]) return true;
  return place->nr == SYS_rt_sigprocmask && place->nth > 0;
}

/* What this one does beyond the plain one, which is recorded first. */
static void each_error_of_the_caller(void) {
  static struct record others;
  const struct subject *this = subject;
  if (others.count == 0) {
    subject = &subjects[0];
    look();
    others = record;
    subject = this;
  }
  look();
  struct record mine = record;
  for (size_t i = 0; i < mine.count; i++) {
    struct place *place = &mine.places[i];
    const struct named_call *call = call_of(place->nr);
    bool known = false;
    for (size_t j = 0; subject->fill != plain && j < others.count; j++)
      known = known || memcmp(&others.places[j], place, sizeof *place) == 0;
    if (place->child != 0 || known || is_beyond_help(place)) continue;
    NEED(call != NULL);
    for (int e = 0, errnum; (errnum = errnum_of(call, e)) != 0; e++) {
      if (place->nth > 0 && !is_enough(errnum)) continue;
      strike_the_caller(place, FAIL, errnum);
      if (place->nth == 0 && (errnum == ENOSYS || errnum == EPERM)) strike_the_caller(place, FAIL_ALWAYS, errnum);
    }
  }
}

static void prepare(void) {
  need_root();
  need(HAS_SECCOMP | HAS_PIDFD | HAS_CLONE3);
  /* What is mounted for nobody else. */
  NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  outcome = mmap(NULL, 2 * sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(outcome != MAP_FAILED);
  /* The program looks at them all. */
  struct rlimit few = {1024, 1024};
  NEED(setrlimit(RLIMIT_NOFILE, &few) == 0);
  report = kept_path("report");
}

/* With each third subject, if this way is open to it, in two processes side by side. */
static void with_each(void (*what)(void), unsigned of_way, int third) {
  prepare();
  way = of_way;
  long faults = all_cases->faults, distinct = all_cases->distinct;
  for (int half = 0; half < 2; half++) {
    pid_t pid = fork();
    NEED(pid >= 0);
    if (pid != 0) continue;
    outcome += half;
    report = kept_path(half ? "report" : "report2");
    for (int s = third + 3 * half; s < SUBJECTS; s += 6) {
      subject = &subjects[s];
      if (subject->ways >> way & 1) what();
    }
    exit(0);
  }
  for (int status; wait(&status) > 0;) CHECK_INT(status, 0);
  note("%ld faults, %ld of them distinct by way, attribute, call and error", all_cases->faults - faults,
       all_cases->distinct - distinct);
}

#define CASES(way, number, third)                                                                  \
  static void errors_of_child_##way##third(void) { with_each(each_error, number, third); }         \
  static void ends_of_child_##way##third(void) { with_each(each_end, number, third); }             \
  static void errors_of_caller_##way##third(void) { with_each(each_error_of_the_caller, number, third); }
#define THIRDS(way, number) CASES(way, number, 0) CASES(way, number, 1) CASES(way, number, 2)
THIRDS(auto, FE_WAY_AUTO)
THIRDS(shared, FE_WAY_SHARED)
THIRDS(copy, FE_WAY_COPY)
THIRDS(piped, FE_WAY_PIPED)
THIRDS(concurrent, FE_WAY_CONCURRENT)

static void all(void) {
  need_root();
  need(HAS_SECCOMP | HAS_PIDFD | HAS_CLONE3);
  note("%ld faults, %ld of them distinct", all_cases->faults, all_cases->distinct);
  CHECK(all_cases->distinct >= 3000);
}

int main(int argc, char **argv) {
#define THIS(way, third)                                                                           \
  {"errors of the child, " #way " " #third, errors_of_child_##way##third},                         \
      {"ends of the child, " #way " " #third, ends_of_child_##way##third}, {                       \
    "errors of the caller, " #way " " #third, errors_of_caller_##way##third                        \
  }
#define THESE(way) THIS(way, 0), THIS(way, 1), THIS(way, 2)
  static const struct test_case cases[] = {
      THESE(auto), THESE(shared), THESE(copy), THESE(piped), THESE(concurrent), {"all", all}, {NULL, NULL},
  };
  all_cases = mmap(NULL, sizeof *all_cases, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all_cases == MAP_FAILED) abort();
  return run(argc, argv, cases);
}
