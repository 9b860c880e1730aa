/* SPDX-License-Identifier: BSD-3-Clause */
/* forkexec.hpp: who owns what, what is told, and that nothing is left, whatever is moved, thrown or forgotten. */
#include "wrapper.h"

#include <new>
#include <poll.h>
#include <stdexcept>
#include <sys/time.h>

using namespace std::chrono_literals;

/* The allocation with that number fails, in this thread. */
static thread_local long fail_at = -1;

static void *allocate(std::size_t size) {
  if (fail_at >= 0 && fail_at-- == 0) throw std::bad_alloc();
  void *block = std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
void *operator new(std::size_t size) { return allocate(size); }
void *operator new[](std::size_t size) { return allocate(size); }
void operator delete(void *block) noexcept { std::free(block); }
void operator delete[](void *block) noexcept { std::free(block); }
void operator delete(void *block, std::size_t) noexcept { std::free(block); }
void operator delete[](void *block, std::size_t) noexcept { std::free(block); }

/* Nothing is left of what comes between its construction and its end. */
class unchanged {
 public:
  unchanged() : before_(snapshot()) {}
  unchanged(const unchanged &) = delete;
  unchanged &operator=(const unchanged &) = delete;
  ~unchanged() {
    char *after = snapshot();
    CHECK_STR(after, before_);
    std::free(after);
    std::free(before_);
    check_no_child();
  }

 private:
  char *before_;
};

static forkexec::command piped(const char *script) {
  forkexec::command sh = shell(script);
  sh.files = {FE_FROM_PIPE, FE_TO_PIPE, 2};
  return sh;
}

static std::string read_all(const forkexec::descriptor &from) {
  std::string all;
  char buffer[4096];
  for (ssize_t n; (n = read(from.get(), buffer, sizeof buffer)) > 0;) all.append(buffer, static_cast<std::size_t>(n));
  return all;
}

static bool lives(pid_t pid) { return kill(pid, 0) == 0; }

/* ---- ownership ---- */

static_assert(!std::is_copy_constructible_v<forkexec::child> && !std::is_copy_assignable_v<forkexec::child>);
static_assert(std::is_nothrow_move_constructible_v<forkexec::child> && std::is_nothrow_move_assignable_v<forkexec::child>);
static_assert(!std::is_copy_constructible_v<forkexec::descriptor>);
static_assert(std::is_nothrow_move_assignable_v<forkexec::descriptor>);
static_assert(std::is_nothrow_swappable_v<forkexec::child>);

static void moves() {
  need(HAS_PIDFD);
  const unchanged nothing;
  forkexec::command cat = piped("cat >&2");
  cat.raw.flags = FE_PIDFD;
  forkexec::child a = forkexec::spawn(cat), b;
  const pid_t first = a.pid();
  const int end = a.end_of(0), pidfd = a.pidfd();
  CHECK(a && !b && first > 0 && end >= 0 && pidfd >= 0);
  b = std::move(a);
  CHECK(!a && b.pid() == first && b.end_of(0) == end && b.pidfd() == pidfd);
  CHECK(a.pid() == -1 && a.pidfd() == -1 && a.end_of(0) == -1 && a.end_of(1) == -1);
  forkexec::child c(std::move(b));
  CHECK(!b && c.pid() == first && c.end_of(0) == end);
  forkexec::child &itself = c;
  c = std::move(itself);
  CHECK(c.pid() == first && c.end_of(0) == end);
  /* The one that is assigned to goes as its destructor has it. */
  forkexec::child other = forkexec::spawn(shell("exec sleep 100"));
  const pid_t second = other.pid();
  other.at_end(forkexec::ending::stop, 0ms);
  other = std::move(c);
  CHECK(!lives(second));
  CHECK(other.pid() == first && lives(first));
  swap(other, c);
  CHECK(!other && c.pid() == first);
  c.take_end(0);
  CHECK(c.wait().success());
  std::vector<forkexec::child> many;
  for (int i = 0; i < 20; i++) many.push_back(forkexec::spawn(shell("exit 3")));
  for (forkexec::child &one : many) CHECK_INT(one.wait().code(), 3);
}

static void descriptors() {
  const unchanged nothing;
  const int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
  forkexec::descriptor a(fd), b;
  CHECK(a && !b && a.get() == fd && b.get() == -1);
  b = std::move(a);
  CHECK(!a && b.get() == fd);
  forkexec::descriptor &itself = b;
  b = std::move(itself);
  CHECK(b.get() == fd && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  CHECK_INT(b.release(), fd);
  CHECK(!b && fcntl(fd, F_GETFD) == FD_CLOEXEC);
  b.reset(fd);
  b.reset();
  CHECK(!b && fcntl(fd, F_GETFD) == -1);
}

/* How long it took a child to be gone is how long the scope took. */
static void destructors() {
  const unchanged nothing;
  /* By default nobody is killed and nobody waits; what the child had of ours is closed. */
  pid_t pid;
  {
    forkexec::child left = forkexec::spawn(piped("cat; exec sleep 0.3"));
    pid = left.pid();
  }
  CHECK(lives(pid));
  int status = -1;
  CHECK_INT(waitpid(pid, &status, 0), pid);
  CHECK_INT(status, 0);
  /* One that has ended is reaped. */
  {
    forkexec::child ended = forkexec::spawn(shell("exit 3"));
    siginfo_t info;
    NEED(waitid(P_PID, static_cast<id_t>(ended.pid()), &info, WEXITED | WNOWAIT) == 0);
  }
  check_no_child();
  {
    forkexec::child waited = forkexec::spawn(piped("cat; sleep 0.2"));
    waited.at_end(forkexec::ending::wait);
  }
  check_no_child();
  {
    forkexec::child stopped = forkexec::spawn(shell("trap '' TERM; sleep 100 & wait; sleep 100"));
    stopped.at_end(forkexec::ending::stop, 100ms, FE_STOP_TREE);
  }
  check_no_child();
  /* An exception on its way is no other end. */
  try {
    forkexec::child stopped = forkexec::spawn(shell("exec sleep 100"));
    stopped.at_end(forkexec::ending::stop);
    throw std::runtime_error("x");
  } catch (const std::runtime_error &) {
  }
  check_no_child();
}

static void released() {
  const unchanged nothing;
  forkexec::child child = forkexec::spawn(piped("exit 4"));
  fe_child raw = child.release();
  CHECK(!child && raw.pid > 0 && raw.ends[1] >= 0);
  int status = -1;
  CHECK_INT(fe_wait(&raw, -1, &status), 0);
  CHECK_INT(status, 4 << 8);
  fe_child_close(&raw);
  /* And the other way round. */
  const forkexec::command sh = piped("exit 5");
  const forkexec::prepared ready(sh);
  NEED(fe_spawn(&ready.attr(), &raw, nullptr) == 0);
  forkexec::child owner(raw);
  CHECK_INT(owner.wait().code(), 5);
  /* One that is all zero is empty. */
  forkexec::child zero{fe_child()};
  CHECK(!zero && zero.end_of(0) == -1 && zero.pty() == -1 && zero.pidfd() == -1);
}

/* ---- errors ---- */

template <typename Call>
static std::string thrown(Call call) {
  try {
    call();
  } catch (const std::system_error &error) {
    return error.what();
  }
  return "nothing is thrown";
}

static void errors() {
  const unchanged nothing;
  std::error_code code(7, std::generic_category());
  fe_error error;
  forkexec::child child = forkexec::spawn({"/nonexistent"}, code);
  CHECK(!child && code == std::errc::no_such_file_or_directory);
  check_text(code.message(), "exec: No such file or directory");
  check_text(code.category().name(), "forkexec");
  check_text(thrown([] { (void)forkexec::run({"/nonexistent"}); }), "exec: No such file or directory");
  check_text(thrown([] { (void)forkexec::spawn({"/nonexistent"}); }), "exec: No such file or directory");
  try {
    (void)forkexec::spawn({"/nonexistent"});
  } catch (const std::system_error &failure) {
    CHECK(failure.code() == code);
    CHECK_INT(forkexec::details(failure.code()).step, FE_STEP_EXEC);
  }
  /* The index is part of it. */
  forkexec::command sh = shell("exit 0");
  sh.files = {0, 1, 2, 999};
  child = forkexec::spawn(sh, code);
  check_text(code.message(), "files 3: Bad file descriptor");
  child = forkexec::spawn(sh, error);
  CHECK(error.errnum == EBADF && error.step == FE_STEP_FILES && error.index == 3);
  CHECK(forkexec::make_code(error) == code);
  sh.files.reset();
  sh.directory = "/nonexistent";
  check_text(thrown([&] { (void)forkexec::spawn(sh); }), "chdir: No such file or directory");
  /* Success clears. */
  child = forkexec::spawn(shell("exit 0"), code);
  CHECK(child && !code);
  check_text(forkexec::make_code(FE_ERROR_INIT).message(), "success");
  CHECK(child.wait(code).success() && !code);
  /* What comes after the start has its own name and errno. */
  CHECK_INT(child.wait(code).raw(), -1);
  CHECK(code == std::errc::no_child_process && !child.wait(code).success());
  check_text(thrown([&] { child.wait(); }), "wait: No child processes");
  check_text(thrown([&] { child.kill(0); }), "kill: No such process");
  check_text(thrown([&] { child.kill_group(0); }), "kill_group: No such process");
  check_text(thrown([&] { child.kill_tree(0); }), "kill_tree: No such process");
  check_text(thrown([&] { child.stop(0ms); }), "stop: No child processes");
  check_text(thrown([&] { child.communicate(); }), "communicate: No child processes");
  check_text(thrown([&] { child.finish(); }), "args: Invalid argument");
  check_text(thrown([&] { child.finish_for(0ms); }), "args: Invalid argument");
  CHECK(failed_elsewhere() == std::errc::no_such_file_or_directory);
  CHECK(&forkexec::category() == category_elsewhere());
}

/* All that an error has fits in a code. */
static void codes() {
  static const int errnos[] = {1, ENOENT, EINVAL, EHWPOISON, 4095};
  static const int indexes[] = {-1, 0, 1, 30, 1000, 4094};
  for (const int errnum : errnos)
    for (int step = 0; step < 128; step++)
      for (const int index : indexes) {
        fe_error error = FE_ERROR_INIT;
        error.errnum = errnum;
        error.step = step;
        error.index = index;
        const fe_error back = forkexec::details(forkexec::make_code(error));
        NEED(memcmp(&back, &error, sizeof back) == 0);
      }
  for (int index = -1; index <= 30; index++)
    for (int sig = 0; sig <= 64; sig++) {
      fe_error error = FE_ERROR_INIT;
      error.errnum = ECANCELED;
      error.step = FE_STEP_ACTION_OPEN;
      error.index = index;
      error.signal = sig;
      const fe_error back = forkexec::details(forkexec::make_code(error));
      NEED(memcmp(&back, &error, sizeof back) == 0);
    }
  /* One that does not fit is left out, and is not another one. */
  fe_error error = FE_ERROR_INIT;
  error.errnum = EBADF;
  error.step = FE_STEP_FILES;
  for (const int index : {4095, 4096, 8192, INT_MAX}) {
    error.index = index;
    check_text(forkexec::make_code(error).message(), "files: Bad file descriptor");
  }
  CHECK_INT(forkexec::details(std::make_error_code(std::errc::timed_out)).errnum, ETIMEDOUT);
}

/* A string is taken whole or not at all. */
static void embedded_nuls() {
  const unchanged nothing;
  const std::string cut("true\0no", 7);
  fe_error error;
  const auto refused = [&](const forkexec::command &what, int index) {
    CHECK(!forkexec::spawn(what, error));
    CHECK(error.errnum == EINVAL && error.step == FE_STEP_ARGS);
    CHECK_INT(error.index, index);
    std::error_code code;
    CHECK_INT(forkexec::run(what, code).status.raw(), -1);
    CHECK(code == std::errc::invalid_argument);
  };
  refused({"true", "x", cut}, 2);
  forkexec::command sh = shell("exit 0");
  sh.path = cut;
  refused(sh, -1);
  sh = shell("exit 0");
  sh.environment = {cut};
  refused(sh, -1);
  sh = shell("exit 0");
  sh.directory = std::string("/\0x", 3);
  refused(sh, -1);
  sh = shell("exit 0");
  sh.files = {sh.open(std::string("/dev/null\0x", 11), O_RDONLY), 1, 2};
  refused(sh, -1);
  sh = shell("exit 0");
  sh.actions.emplace_back(fe_file_action FE_CHDIR("/"));
  sh.actions[0].path = std::string("/\0x", 3);
  refused(sh, -1);
}

/* ---- what is started ---- */

static void commands() {
  need(HAS_MEMFD);
  const unchanged nothing;
  /* What is made of it goes before it is used: all is copied. */
  forkexec::command sh;
  {
    const std::string script = "echo $A $0 $1 $PWD; cat 0<&3; cat <&4; echo more >&5", log = scratch_path("log");
    sh.arguments = {"sh", "-c", script, "name", "one word"};
    sh.search_path = "/nonexistent:/bin";
    sh.environment = {"A=a value"};
    sh.directory = "/proc";
    std::string text("text\0 and more", 14);
    sh.files = {FE_NULL, FE_TO_PIPE, FE_SAME_AS(1), sh.data(text), sh.data("\nsecond\n"), sh.open(log, O_WRONLY | O_CREAT, 0600)};
    text.assign(100, 'x');
  }
  sh.raw.flags = FE_SEARCH_PATH;
  const forkexec::command copy = sh;
  sh = forkexec::command{"false"};
  const forkexec::result done = forkexec::run(copy);
  CHECK(done.status.success());
  CHECK(done.output == std::string("a value name one word /proc\ntext\0 and more\nsecond\n", 50));
  const forkexec::descriptor log(open(scratch_path("log"), O_RDONLY | O_CLOEXEC));
  check_text(read_all(log), "more\n");
  /* Actions, in their order; an empty environment and an empty list of files are not none. */
  forkexec::command acts = shell("pwd >/dev/null; echo \"$X\"; read line <&7; echo $line");
  acts.actions = {forkexec::action(FE_CHDIR("/etc")), forkexec::action(FE_OPEN(7, "passwd", O_RDONLY, 0)),
                  forkexec::action(FE_CHDIR("/"))};
  acts.raw.actions = nullptr;
  CHECK(forkexec::run(acts).output.rfind("\nroot:", 0) == 0);
  setenv("X", "from the caller", 1);
  forkexec::command env{"/usr/bin/env"};
  CHECK(forkexec::run(env).output.find("X=from the caller\n") != std::string::npos);
  env.environment.emplace();
  check_text(forkexec::run(env).output, "");
  unsetenv("X");
  forkexec::command none = shell("[ ! -e /proc/self/fd/1 ] || exit 1; exit 7");
  none.files.emplace();
  std::error_code code;
  CHECK_INT(forkexec::run(none).status.code(), 7);
  /* What is not owned is the raw attr's. */
  char *raw_arguments[] = {const_cast<char *>("sh"), const_cast<char *>("-c"), const_cast<char *>("exit 9"), nullptr};
  forkexec::command raw;
  raw.raw.argv = raw_arguments;
  raw.raw.path = "/bin/sh";
  CHECK_INT(forkexec::run(raw).status.code(), 9);
  /* And nothing at all is refused. */
  CHECK_INT(forkexec::run({}, code).status.raw(), -1);
  check_text(code.message(), "args: Invalid argument");
  raw = forkexec::command(std::vector<std::string>{"sh", "-c", "exit 6"});
  raw.raw.flags = FE_SEARCH_PATH;
  CHECK_INT(forkexec::run(raw).status.code(), 6);
}

static void pipes() {
  const unchanged nothing;
  forkexec::command sh = piped("cat; cat <&3 >&4");
  sh.files = {FE_FROM_PIPE, FE_TO_PIPE, 2, FE_FROM_PIPE, FE_TO_PIPE};
  forkexec::child child = forkexec::spawn(sh);
  for (int n = 0; n < 5; n++) CHECK_INT(child.end_of(n) >= 0, n != 2);
  CHECK(child.end_of(-1) == -1 && child.end_of(5) == -1 && !child.take_end(2) && !child.take_end(77));
  forkexec::descriptor in = child.take_end(0), also = child.take_end(3);
  CHECK(!child.take_end(0) && !child.take_end(3) && child.end_of(0) == -1 && child.end_of(3) == -1);
  CHECK_INT(fcntl(also.get(), F_GETFD), FD_CLOEXEC);
  CHECK_INT(write(in.get(), "first", 5), 5);
  CHECK_INT(write(also.get(), "second", 6), 6);
  in.reset();
  also.reset();
  check_text(read_all(child.take_end(1)), "first");
  check_text(read_all(child.take_end(4)), "second");
  CHECK(child.wait().success());
  /* One whose ends nobody has taken keeps none, wherever it is. */
  forkexec::child again = forkexec::spawn(sh);
  again.at_end(forkexec::ending::wait);
  /* Nor does one that has failed. */
  std::error_code code;
  CHECK_INT(forkexec::run(sh, code).status.raw(), -1);
  check_text(code.message(), "args 3: Invalid argument");
  sh.path = "/nonexistent";
  CHECK(!forkexec::spawn(sh, code) && code);
  forkexec::child moved = std::move(again);
  CHECK(moved.end_of(4) >= 0 && again.end_of(4) == -1);
}

/* ---- what is done with it ---- */

static void ends() {
  const unchanged nothing;
  std::error_code code;
  forkexec::child child = started_elsewhere(shell("exec sleep 100"));
  CHECK(!child.wait_for(0ms) && !child.wait_for(50ms, code) && !code && !child.wait_for(-7ms));
  child.kill(0);
  child.kill(SIGINT);
  const std::optional<forkexec::exit_status> status = child.wait_for(1h);
  CHECK(status && status->signaled() && status->signal() == SIGINT && !status->exited() && !status->success());
  CHECK_INT(status->code(), -1);
  forkexec::command sh = shell("sleep 100 & wait");
  sh.raw.flags = FE_SETSID;
  child = forkexec::spawn(sh);
  child.kill_group(0, code);
  CHECK(!code);
  CHECK_INT(child.kill_tree(0), FE_TREE_SWEEP);
  CHECK_INT(child.stop(10s, FE_STOP_TREE).signal(), SIGTERM);
  child = forkexec::spawn(shell("trap '' TERM; while :; do sleep 0.05; done"));
  CHECK_INT(child.stop(0ms, 0, code).signal(), SIGKILL);
  CHECK(!code);
  constexpr forkexec::exit_status unknown;
  CHECK(!unknown.exited() && !unknown.signaled() && !unknown.success() && unknown.raw() == -1);
  CHECK(forkexec::exit_status(3 << 8).code() == 3 && forkexec::exit_status(0).success());
}

static void without_waiting() {
  const unchanged nothing;
  forkexec::command sh = piped("echo said");
  sh.raw.flags = FE_ASYNC;
  std::error_code code;
  forkexec::child child = forkexec::spawn(sh);
  child.finish();
  check_text(read_all(child.take_end(1)), "said\n");
  CHECK(child.wait().success());
  sh.path = "/nonexistent";
  child = forkexec::spawn(sh, code);
  CHECK(child && !code);
  child.finish(code);
  check_text(code.message(), "exec: No such file or directory");
  CHECK(!child && child.end_of(0) == -1);
  /* One that cannot go on yet. */
  const char *fifo = kept_path("fifo");
  NEED(mkfifo(fifo, 0600) == 0);
  forkexec::command held = shell("exit 0");
  held.actions = {forkexec::action(FE_OPEN(3, fifo, O_RDONLY, 0))};
  held.raw.flags = FE_ASYNC;
  for (const forkexec::ending how : {forkexec::ending::stop, forkexec::ending::wait}) {
    forkexec::child pending = forkexec::spawn(held);
    CHECK(!pending.finish_for(20ms) && !pending.finish_for(0ms, code) && !code && pending);
    pending.at_end(how);
    if (how == forkexec::ending::wait) pending.kill(SIGKILL);
  }
  check_no_child();
  const unchanged all;
  forkexec::child pending = forkexec::spawn(held);
  pending.finish_for(0ms, code);
  const forkexec::descriptor writer(open(fifo, O_WRONLY | O_CLOEXEC));
  CHECK(pending.finish_for(30s));
  /* A call too many does no harm. */
  pending.finish(code);
  CHECK(code == std::errc::invalid_argument && pending);
  pending.resume(code);
  CHECK(code == std::errc::invalid_argument && pending);
  CHECK(pending.wait().success());
}

static void before_the_exec() {
  const unchanged nothing;
  forkexec::command sh = piped("ulimit -n");
  sh.raw.flags = FE_SUSPEND;
  forkexec::child child = forkexec::spawn(sh);
  const rlimit limit = {77, 77};
  NEED(prlimit(child.pid(), RLIMIT_NOFILE, &limit, nullptr) == 0);
  child.resume();
  check_text(read_all(child.take_end(1)), "77\n");
  CHECK(child.wait().success());
  std::error_code code;
  child.resume(code);
  CHECK(code == std::errc::invalid_argument);
  check_text(thrown([&] { child.resume(); }), "args: Invalid argument");
  /* One that is not let go has never run, whatever is to be done at its end. */
  for (const forkexec::ending how : {forkexec::ending::leave, forkexec::ending::wait, forkexec::ending::stop}) {
    forkexec::command touch = shell("touch \"$0\"");
    touch.arguments.push_back(scratch_path("touched"));
    touch.raw.flags = FE_SUSPEND;
    forkexec::child stands = forkexec::spawn(touch);
    stands.at_end(how);
    forkexec::child moved = std::move(stands);
  }
  check_no_child();
  CHECK(access(scratch_path("touched"), F_OK) == -1);
  sh.raw.flags = FE_SUSPEND;
  sh.path = "/nonexistent";
  child = forkexec::spawn(sh);
  child.resume(code);
  check_text(code.message(), "exec: No such file or directory");
  CHECK(!child);
}

static void terminals() {
  const unchanged nothing;
  forkexec::command sh = shell("tty >/dev/null && stty size && exec sleep 100");
  sh.raw.flags = FE_PTY;
  sh.raw.winsize.ws_row = 33;
  sh.raw.winsize.ws_col = 44;
  forkexec::child child = forkexec::spawn(sh);
  char line[40] = "";
  CHECK(child.pty() >= 0 && read(child.pty(), line, sizeof line - 1) > 0);
  CHECK_STR(line, "33 44\r\n");
  const int number = child.pty();
  forkexec::descriptor terminal = child.take_pty();
  CHECK(terminal.get() == number && child.pty() == -1 && !child.take_pty());
  terminal.reset();
  CHECK_INT(child.wait().signal(), SIGHUP);
  /* One that goes hangs up, and then waits. */
  forkexec::child another = forkexec::spawn(sh);
  another.at_end(forkexec::ending::wait);
}

static void captures() {
  const unchanged nothing;
  forkexec::io io;
  const std::string input(300000, 'x');
  io.input = input;
  forkexec::result done = forkexec::run(shell("cat; echo wrong >&2; exit 3"), io);
  CHECK(done.output == input && done.errors == "wrong\n" && done.status.code() == 3);
  CHECK(!done.timed_out() && !done.cut() && done.elapsed > 0ns && done.usage.ru_maxrss > 0);
  io.raw.max_output = 10;
  done = forkexec::run(shell("cat"), io);
  CHECK(done.output == "xxxxxxxxxx" && done.cut());
  io = forkexec::io();
  io.raw.timeout_ms = 100;
  done = forkexec::run(shell("printf 'a\\0b'; exec sleep 100"), io);
  CHECK(done.timed_out() && done.status.signal() == SIGKILL && done.output == std::string("a\0b", 3));
  /* With a child that is there already; a result can be kept. */
  io = forkexec::io();
  io.input = "fed";
  forkexec::child child = forkexec::spawn(piped("cat"));
  const forkexec::result kept = child.communicate(io);
  CHECK(kept.output == "fed" && kept.errors.empty() && kept.status.success());
  /* Somebody else has waited: the output is there, the status is not, and does not look like a good one. */
  child = forkexec::spawn(piped("echo out"));
  NEED(waitpid(child.pid(), nullptr, 0) == child.pid());
  std::error_code code;
  done = child.communicate({}, code);
  CHECK(code == std::errc::no_child_process && done.output == "out\n");
  CHECK(!done.status.success() && done.status.raw() == -1);
  fe_error error;
  done = forkexec::run({"/nonexistent"}, {}, error);
  CHECK(error.step == FE_STEP_EXEC && !done.status.success());
}

static void sinks() {
  const unchanged nothing;
  forkexec::io io;
  std::size_t heard[3] = {};
  io.sink = [&](int fd, std::string_view data) {
    heard[fd] += data.size();
    return true;
  };
  const forkexec::result done = forkexec::run(shell("head -c 300000 /dev/zero; echo x >&2"), io);
  CHECK(done.output.empty() && heard[1] == 300000 && heard[2] == 2);
  /* Enough. */
  const forkexec::command endless = shell("while :; do echo again; done");
  std::error_code code;
  io.sink = [](int, std::string_view) { return false; };
  const forkexec::result stopped = forkexec::run(endless, io, code);
  check_text(code.message(), "communicate: Operation canceled");
  CHECK_INT(stopped.status.signal(), SIGKILL);
  /* An exception gets through, behind the child's end. */
  io.sink = [](int, std::string_view) -> bool { throw std::runtime_error("of the sink"); };
  for (int i = 0; i < 2; i++) {
    std::string what;
    try {
      if (i == 0)
        (void)forkexec::run(endless, io, code);
      else
        forkexec::spawn(piped("while :; do echo again; done")).communicate(io);
    } catch (const std::runtime_error &caught) {
      what = caught.what();
    }
    check_text(what, "of the sink");
    check_no_child();
  }
}

/* Wherever memory fails, nothing has been started, or what was has ended. */
static void no_memory() {
  const unchanged nothing;
  forkexec::command sh = piped("exit 0");
  sh.files = {FE_FROM_PIPE, FE_TO_PIPE, 2, FE_TO_PIPE};
  sh.environment = {"A=B"};
  sh.actions = {forkexec::action(FE_CHDIR("/"))};
  const forkexec::command text = shell("head -c 100000 /dev/zero; head -c 1000 /dev/zero >&2");
  for (int kind = 0; kind < 2; kind++) {
    int failed = 0;
    for (bool done = false; !done;) {
      fail_at = failed;
      try {
        if (kind == 0) {
          forkexec::child child = forkexec::spawn(sh);
          fail_at = -1;
          child.at_end(forkexec::ending::wait);
        } else {
          (void)forkexec::run(text);
          fail_at = -1;
        }
        done = true;
      } catch (const std::bad_alloc &) {
        fail_at = -1;
        failed++;
        check_no_child();
      }
      NEED(failed < 100);
    }
    CHECK(failed >= 3);
  }
}

int main(int argc, char **argv) {
  static const test_case cases[] = {
      {"moves", moves},
      {"descriptors", descriptors},
      {"destructors", destructors},
      {"released", released},
      {"errors", errors},
      {"codes", codes},
      {"embedded NULs", embedded_nuls},
      {"commands", commands},
      {"pipes", pipes},
      {"ends", ends},
      {"without waiting", without_waiting},
      {"before the exec", before_the_exec},
      {"terminals", terminals},
      {"captures", captures},
      {"sinks", sinks},
      {"no memory", no_memory},
      {nullptr, nullptr},
  };
  return run(argc, argv, cases);
}
