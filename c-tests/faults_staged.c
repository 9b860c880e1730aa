/* SPDX-License-Identifier: BSD-3-Clause */
/* Every system call of a staged child, before and after the exec of its stage, fails with each error that it may have; before each it
 * is killed, and stopped. The way is not for a caller under a filter, so the calls are those of a tracer (ptrace(2)); what is to be
 * blamed is told by fe_explain. The caller's own calls are those of the other ways (faults.c). */
#include "test.h"

#if defined(__x86_64__)

#include "fault_judge.h"
#include "staged.h"

/* ---- one spawn, traced ---- */

/* A tracer's: any attribute with another user. */
static void as_another_user(fe_attr *attr) {
  static fe_credential who = FE_CREDENTIAL_INIT;
  subject->fill(attr);
  who.uid = who.gid = UNPRIVILEGED;
  if (!attr->credential) attr->credential = &who;
}

static pid_t caller;

static void it_hangs(int sig) {
  (void)sig;
  kill(caller, SIGKILL);
}

struct traced {
  pid_t pid; /* 0: there is none yet */
  bool inside, struck, done;
  int execs, counts[512];
};

/* At the entry of a call. */
static void on_entry(struct traced *child, const struct fault *fault, struct record *seen, struct user_regs_struct *registers) {
  int nr = (int)registers->orig_rax;
  if (nr < 0 || nr >= 512) return;
  struct place here = {1, nr, child->counts[nr]++};
  if (seen && seen->count < sizeof seen->places / sizeof here) seen->places[seen->count++] = here;
  if (!fault || child->done || here.nr != fault->place.nr || here.nth != fault->place.nth) return;
  child->done = true;
  if (fault->action == STOP) {
    usleep(2000);
  } else if (fault->action == DIE && fault->errnum == SIGKILL) {
    kill(child->pid, SIGKILL);
  } else {
    /* Not made. */
    child->struck = true;
    registers->orig_rax = (unsigned long)-1;
    NEED(ptrace(PTRACE_SETREGS, child->pid, 0, registers) == 0);
  }
}

static void on_return(struct traced *child, const struct fault *fault, struct user_regs_struct *registers) {
  if (!child->struck) return;
  child->struck = false;
  if (fault->action == DIE)
    registers->rip = 8; /* where nothing is */
  else
    registers->rax = -(unsigned long)fault->errnum;
  NEED(ptrace(PTRACE_SETREGS, child->pid, 0, registers) == 0);
}

/* A stop of the child's. Its program goes its own way. */
static void go_on(struct traced *child, const struct fault *fault, struct record *seen, int status) {
  int sig = WSTOPSIG(status), event = status >> 16;
  struct user_regs_struct registers;
  if (event == PTRACE_EVENT_EXEC && ++child->execs == 2) {
    ptrace(PTRACE_DETACH, child->pid, 0, 0);
    return;
  }
  if (sig == (SIGTRAP | 0x80) && ptrace(PTRACE_GETREGS, child->pid, 0, &registers) == 0) {
    child->inside = !child->inside;
    if (child->inside) on_entry(child, fault, seen, &registers);
    else on_return(child, fault, &registers);
  }
  bool mine = event != 0 || sig == SIGSTOP || (sig & ~0x80) == SIGTRAP;
  ptrace(PTRACE_SYSCALL, child->pid, 0, mine ? 0L : (long)sig);
}

/* Whether the fault came about. */
static bool strike_staged(const struct fault *fault, struct record *seen) {
  static struct traced child;
  static const struct sigaction on_alarm = {.sa_handler = it_hangs};
  const struct subject another = {subject->name, subject->ways, as_another_user, subject->status};
  const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
                       PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  int status = -1;
  memset(&child, 0, sizeof child);
  memset(outcome, 0, sizeof *outcome);
  unlink(report);
  NEED(sigaction(SIGALRM, &on_alarm, NULL) == 0);
  caller = fork();
  NEED(caller >= 0);
  if (caller == 0) {
    signal(SIGALRM, SIG_DFL);
    alarm(0);
    NEED(ptrace(PTRACE_TRACEME, 0, 0, 0) == 0 && raise(SIGSTOP) == 0);
    be_the_caller(&another, FE_WAY_STAGED, NOT_HELD, 0, outcome);
  }
  NEED(waitpid(caller, &status, 0) == caller && WIFSTOPPED(status));
  NEED(ptrace(PTRACE_SETOPTIONS, caller, 0, options) == 0 && ptrace(PTRACE_CONT, caller, 0, 0) == 0);
  alarm(20);
  for (pid_t pid; (pid = waitpid(-1, &status, __WALL)) > 0;) {
    if (!WIFSTOPPED(status)) {
      if (pid == caller) break;
      continue;
    }
    if (pid == caller) {
      int sig = WSTOPSIG(status);
      ptrace(PTRACE_CONT, pid, 0, status >> 16 != 0 || sig == SIGTRAP || sig == SIGSTOP ? 0L : (long)sig);
    } else if (load(&outcome->active) && (child.pid == 0 || child.pid == pid)) {
      child.pid = pid;
      go_on(&child, fault, seen, status);
    } else {
      ptrace(PTRACE_DETACH, pid, 0, 0);
    }
  }
  alarm(0);
  if (WIFSIGNALED(status)) snprintf(outcome->said, sizeof outcome->said, "it hangs");
  else if (status != 0 || !outcome->ended)
    snprintf(outcome->said, sizeof outcome->said, "the caller ended with %#x", (unsigned)status);
  return child.done || !fault;
}

/* ---- who is to blame ---- */

/* From its last exec on backwards; before all else it lets go of the caller's end of its pipe. What the stage stands for: two
 * descriptors outlive the exec, the exec, and what it begins with: it maps its record, closes its file, takes its name, and has its pipe
 * close-on-exec again. */
static size_t blame(size_t nplan) {
  static const int stage[] = {SYS_fcntl, SYS_fcntl, SYS_execveat, SYS_mmap, SYS_close, SYS_prctl, SYS_fcntl};
  size_t last = 0, n = 0, execs = 1, of_stage = 0; /* the stage's */
  for (size_t i = 0; i < nplan; i++) execs += is_exec(plan[i].place.nr);
  for (size_t i = 0; i < record.count && execs > 0; i++)
    if (is_exec(record.places[i].nr)) last = i, execs--;
  for (size_t i = last + 1; i-- > 0;) {
    struct blamed *blamed = &made[n++];
    *blamed = (struct blamed){record.places[i], FE_STEP_CLONE, -1};
    int nr = blamed->place.nr;
    while (of_stage == 0 && nplan > 0 && plan[nplan - 1].place.nr != nr && may_be_left_out(plan[nplan - 1].place.nr)) nplan--;
    if (of_stage == 0 && nplan > 0 && plan[nplan - 1].place.nr < 0) of_stage = sizeof stage / sizeof *stage;
    if (of_stage > 0) {
      CHECK_INT(nr, stage[--of_stage]);
      blamed->step = FE_STEP_STAGE;
      nplan -= of_stage == 0;
    } else if (nplan > 0 && plan[nplan - 1].place.nr == nr) {
      blamed->step = plan[--nplan].step;
      blamed->index = plan[nplan].index;
    } else if (nr == SYS_close_range && n > 1 && made[n - 2].place.nr == SYS_close_range) {
      blamed->step = made[n - 2].step; /* one range in parts, around its own descriptors */
      blamed->index = made[n - 2].index;
    } else if (!CHECK(i == 0 && nr == SYS_close)) {
      note("%s: call %zu, %s", subject->name, i, call_of(nr) ? call_of(nr)->name : "?");
      return 0;
    }
  }
  while (nplan > 0 && may_be_left_out(plan[nplan - 1].place.nr)) nplan--;
  CHECK_INT(nplan, 0);
  return n;
}

/* ---- what is right ---- */

struct right {
  int errnum, step, index, signal; /* errnum 0: success */
  bool otherwise;                  /* the descriptor stays open, which no kernel does */
};

static struct right of_error(const struct blamed *blamed, int errnum) {
  struct right success = {0, FE_STEP_NONE, -1, 0, false};
  int nr = blamed->place.nr, step = blamed->step;
  struct right right = {errnum, step, blamed->index, 0, false};
  /* A kernel that says so has closed it. */
  bool closed = errnum == EBADF || errnum == EINTR || errnum == EIO || errnum == ENOSPC || errnum == EDQUOT;
  if (nr == SYS_close && closed && step != FE_STEP_CLONE) {
    success.otherwise = true;
    return success;
  }
  if (nr == SYS_close_range) return success; /* there are other ways */
  bool not_here = errnum == EACCES || errnum == ENOENT || errnum == ENOTDIR || errnum == ENAMETOOLONG || errnum == ENODEV;
  if (subject->fill == candidates && step == FE_STEP_EXEC && not_here) {
    if (blamed->index < 2) return success;
    if (errnum != EACCES) right.index = -1;
  }
  if (subject->fill == by_the_shell && step == FE_STEP_EXEC && errnum == ENOEXEC) return success;
  return right;
}

/* ---- the faults ---- */

static struct {
  long faults, distinct;
  unsigned char had[SUBJECTS][2][512][160];
} *all_cases;

static void strike_and_judge(const struct blamed *blamed, enum action action, int errnum, struct right right) {
  struct fault fault = {blamed->place, action, errnum};
  bool struck = strike_staged(&fault, NULL);
  const fe_error *error = &outcome->error;
  int what = action == FAIL ? errnum : 150 + (int)action + (errnum == SIGKILL);
  unsigned char *had = &all_cases->had[subject - subjects][blamed->step == FE_STEP_STAGE][fault.place.nr][what];
  all_cases->faults++;
  all_cases->distinct += !*had;
  *had = 1;
  bool good = struck && !outcome->said[0];
  if (right.errnum == 0)
    good = good && outcome->result == 0 && outcome->way == FE_WAY_STAGED && outcome->status == subject->status &&
           (right.otherwise || is_as_it_should_be());
  else
    good = good && outcome->result == -1 && outcome->saved == right.errnum && error->errnum == right.errnum &&
           error->step == right.step && error->index == right.index && error->signal == right.signal && outcome->empty &&
           access(report, F_OK) != 0;
  if (CHECK(good)) return;
  note("%s: %s %d (%s %d), action %d, %s: %s", subject->name, call_of(fault.place.nr)->name, fault.place.nth,
       fe_step_name(blamed->step), blamed->index, action, action == FAIL ? errno_name(errnum) : "", struck ? outcome->said : "not struck");
  note("  %d, %s, \"%s\" %d, signal %d, way %u, status %#x; wanted %s, \"%s\" %d", outcome->result, errno_name(outcome->saved),
       fe_step_name(error->step), error->index, error->signal, outcome->way, (unsigned)outcome->status, errno_name(right.errnum),
       fe_step_name(right.step), right.index);
}

/* The mask and the exec are the same in all. */
static bool is_of_another(const struct blamed *blamed) {
  bool first = subject->fill == plain;
  if (blamed->step == FE_STEP_EXEC) return !first && subject->fill != candidates && subject->fill != by_the_shell;
  return !first && (blamed->step == FE_STEP_SIGMASK || blamed->step == FE_STEP_STAGE || blamed->step == FE_STEP_CLONE);
}

static void each_fault(void) {
  memset(&record, 0, sizeof record);
  strike_staged(NULL, &record);
  if (!CHECK(!outcome->said[0] && outcome->result == 0 && outcome->way == FE_WAY_STAGED && outcome->status == subject->status)) {
    note("%s: %s, %s, status %#x %s", subject->name, fe_step_name(outcome->error.step), errno_name(outcome->saved),
         (unsigned)outcome->status, outcome->said);
    return;
  }
  free(as_it_should_be);
  as_it_should_be = seen_by_the_program();
  CHECK(as_it_should_be[0] != 0);
  size_t n = blame(read_plan(outcome->plan));
  for (size_t i = n; i-- > 0;) {
    const struct blamed *blamed = &made[i];
    const struct named_call *call = call_of(blamed->place.nr);
    NEED(call != NULL);
    if (is_of_another(blamed)) continue;
    bool first = true;
    for (size_t j = i + 1; j < n; j++) first = first && (made[j].place.nr != blamed->place.nr || made[j].step != blamed->step);
    for (int e = 0, errnum; (errnum = errnum_of(call, e)) != 0; e++)
      if (first || errnum == EPERM) strike_and_judge(blamed, FAIL, errnum, of_error(blamed, errnum));
    struct right right = {ECANCELED, blamed->step, blamed->index, SIGKILL, false};
    strike_and_judge(blamed, DIE, SIGKILL, right);
    right.signal = SIGSEGV;
    strike_and_judge(blamed, DIE, SIGSEGV, right);
    strike_and_judge(blamed, STOP, 0, (struct right){0, FE_STEP_NONE, -1, 0, false});
  }
}

/* Those that are open to it: no descriptor of the caller's that the program does not have. */
static bool is_open_to_it(void) {
  static void (*const fills[])(fe_attr *attr) = {
      plain,        pidfd,     candidates,   by_the_shell,   table,       without_others, kept,   redirections,
      group,        directory, dispositions, root_directory, credentials, death_signal,   limits, scheduling,
  };
  for (size_t i = 0; i < sizeof fills / sizeof *fills; i++)
    if (subject->fill == fills[i]) return true;
  return false;
}

/* With each sixth subject, in two processes side by side. */
static void with_each(int sixth) {
  need_stage();
  need(HAS_PTRACE);
  NEED(unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  outcome = mmap(NULL, 2 * sizeof *outcome, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  NEED(outcome != MAP_FAILED);
  struct rlimit few = {1024, 1024};
  NEED(setrlimit(RLIMIT_NOFILE, &few) == 0);
  long faults = all_cases->faults, distinct = all_cases->distinct;
  int nth = 0;
  for (int half = 0; half < 2; half++) {
    pid_t pid = fork();
    NEED(pid >= 0);
    if (pid != 0) continue;
    outcome += half;
    report = kept_path(half ? "report" : "report2");
    for (int s = 0; s < SUBJECTS; s++) {
      subject = &subjects[s];
      if (!is_open_to_it()) continue;
      if (nth++ % 6 != sixth) continue;
      if (nth / 6 % 2 == half) each_fault();
    }
    exit(0);
  }
  for (int status; wait(&status) > 0;) CHECK_INT(status, 0);
  note("%ld faults, %ld of them distinct by attribute, half, call and error", all_cases->faults - faults, all_cases->distinct - distinct);
}

static void first(void) { with_each(0); }
static void second(void) { with_each(1); }
static void third(void) { with_each(2); }
static void fourth(void) { with_each(3); }
static void fifth(void) { with_each(4); }
static void sixth(void) { with_each(5); }

static void all(void) {
  need_stage();
  note("%ld faults, %ld of them distinct", all_cases->faults, all_cases->distinct);
  CHECK(all_cases->distinct >= 700);
}

#else

static void first(void) { skip("written for the registers of x86_64"); }

#endif

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"faults 0", first},
#if defined(__x86_64__)
      {"faults 1", second}, {"faults 2", third}, {"faults 3", fourth}, {"faults 4", fifth}, {"faults 5", sixth}, {"all", all},
#endif
      {NULL, NULL},
  };
#if defined(__x86_64__)
  all_cases = mmap(NULL, sizeof *all_cases, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (all_cases == MAP_FAILED) abort();
#endif
  return run(argc, argv, cases);
}
