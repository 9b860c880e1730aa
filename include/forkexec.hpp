/* SPDX-License-Identifier: BSD-3-Clause */
/* libforkexec for C++17 and later: the calls of forkexec.h with types that own what they hold. There is nothing
 * to be linked but libforkexec itself. What a field or a call means is said in forkexec.h.
 *
 *   forkexec::command ls{"ls", "-l"};
 *   ls.raw.flags = FE_SEARCH_PATH;
 *   ls.directory = "/srv";
 *   forkexec::result done = forkexec::run(ls); // or throws: "chdir: No such file or directory"
 *   std::cout << done.output;
 *
 * What can fail comes in two forms: with a std::error_code, which is cleared on success, and without, which
 * throws a std::system_error (and is not there with -fno-exceptions). As in <filesystem>, std::bad_alloc is thrown
 * in both; by then nothing has been started, or what was has ended and been waited for. A deadline that passes is no
 * failure. One object must not be used from two threads at once; different ones may. */
#ifndef FORKEXEC_HPP
#define FORKEXEC_HPP

#include <forkexec.h>

#include <cerrno>
#include <chrono>
#include <climits>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fcntl.h>
#include <functional>
#include <initializer_list>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <system_error>
#include <type_traits>
#include <unistd.h>
#include <utility>
#include <vector>

namespace forkexec {
/* So that files of the two kinds in one program do not share inline functions that differ. */
#if defined(__cpp_exceptions)
inline namespace v0 {
#else
inline namespace v0_without_exceptions {
#endif

/* ---- errors ---- */

namespace detail {

inline constexpr int errno_bits = 12, step_bits = 7, signal_bits = 7;

/* What a std::error_code has room for: errno, step, index and signal in one int that is not negative. */
inline int pack(const fe_error &error) noexcept {
  const bool killed = error.errnum == ECANCELED;
  const int room = killed ? 5 : 12;
  const int index = error.index >= 0 && error.index < (1 << room) - 1 ? error.index + 1 : 0;
  const int rest = killed ? index << signal_bits | (error.signal & ((1 << signal_bits) - 1)) : index;
  return rest << (errno_bits + step_bits) | (error.step & ((1 << step_bits) - 1)) << errno_bits |
         (error.errnum & ((1 << errno_bits) - 1));
}

inline fe_error unpack(int value) noexcept {
  fe_error error = FE_ERROR_INIT;
  error.errnum = value & ((1 << errno_bits) - 1);
  error.step = value >> errno_bits & ((1 << step_bits) - 1);
  const int rest = value >> (errno_bits + step_bits);
  const bool killed = error.errnum == ECANCELED;
  error.signal = killed ? rest & ((1 << signal_bits) - 1) : 0;
  error.index = (killed ? rest >> signal_bits : rest) - 1;
  return error;
}

class category_type final : public std::error_category {
 public:
  const char *name() const noexcept override { return "forkexec"; }
  std::string message(int value) const override {
    const fe_error error = unpack(value);
    std::string text(fe_error_message(&error, nullptr, 0), '\0');
    fe_error_message(&error, text.data(), text.size() + 1);
    return text;
  }
  std::error_condition default_error_condition(int value) const noexcept override {
    return {unpack(value).errnum, std::generic_category()};
  }
};

}  // namespace detail

/* Of what fails in a spawn or a run. A code of it has errno, step, index and signal: its message is that of
 * fe_error_message, as in "files 3: Bad file descriptor", and it compares with std::errc by its errno. */
inline const std::error_category &category() noexcept {
  /* Never destroyed: what ends the program may still have an error to tell. */
  alignas(detail::category_type) static unsigned char place[sizeof(detail::category_type)];
  static const detail::category_type *const one = ::new (static_cast<void *>(place)) detail::category_type;
  return *one;
}

/* An index above 4094 (with a signal: 30) does not fit in; the fe_error itself has it. */
inline std::error_code make_code(const fe_error &error) noexcept { return {detail::pack(error), category()}; }

/* What a code says, with its step. One of another category has only an errno, if that. */
inline fe_error details(const std::error_code &code) noexcept {
  if (code.category() == category()) return detail::unpack(code.value());
  fe_error error = FE_ERROR_INIT;
  error.errnum = code.default_error_condition().value();
  return error;
}

namespace detail {

inline void tell(std::error_code &error, int result) noexcept {
  if (result == 0)
    error.clear();
  else
    error.assign(errno, std::system_category());
}

#if defined(__cpp_exceptions)
inline void raise(const std::error_code &error, const char *what) {
  if (!error) return;
  /* A code of ours names its step itself. */
  if (error.category() == category()) throw std::system_error(error);
  throw std::system_error(error, what);
}

/* The form that throws, from that with an error_code. */
template <typename Call>
auto or_throw(const char *what, Call call) {
  std::error_code error;
  if constexpr (std::is_void_v<decltype(call(error))>) {
    call(error);
    raise(error, what);
  } else {
    auto value = call(error);
    raise(error, what);
    return value;
  }
}
#endif

inline int milliseconds(std::chrono::milliseconds time) noexcept {
  return time.count() < 0 ? 0 : time.count() > INT_MAX ? INT_MAX : static_cast<int>(time.count());
}

}  // namespace detail

/* ---- what is owned ---- */

/* A descriptor that is closed in the end. */
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor &&other) noexcept : fd_(other.release()) {}
  descriptor &operator=(descriptor &&other) noexcept {
    if (this != &other) reset(other.release());
    return *this;
  }
  ~descriptor() { reset(); }

  /* -1 when there is none. */
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }
  /* It is the caller's from now on. */
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }
  void reset(int fd = -1) noexcept {
    const int before = std::exchange(fd_, fd);
    if (before >= 0) ::close(before);
  }

 private:
  int fd_ = -1;
};

/* How a process ended: a status of wait(2). One that is not known, as after a failure, is none of all that can be asked. */
class exit_status {
 public:
  constexpr exit_status() noexcept = default;
  constexpr explicit exit_status(int raw) noexcept : raw_(raw) {}
  /* -1 when it is not known. */
  constexpr int raw() const noexcept { return raw_; }
  /* It has exited with 0. */
  constexpr bool success() const noexcept { return raw_ == 0; }
  bool exited() const noexcept { return WIFEXITED(raw_); }
  bool signaled() const noexcept { return WIFSIGNALED(raw_); }
  /* -1 when it has not exited. */
  int code() const noexcept { return exited() ? WEXITSTATUS(raw_) : -1; }
  /* 0 when it was not killed. */
  int signal() const noexcept { return signaled() ? WTERMSIG(raw_) : 0; }

 private:
  int raw_ = -1; /* neither WIFEXITED nor WIFSIGNALED */
};

/* ---- what to start ---- */

/* One of the ordered actions, with its path: forkexec::action(FE_OPEN(3, "log", O_WRONLY, 0)). */
struct action {
  action(const fe_file_action &from) : raw(from) {
    if (from.path != nullptr) path = from.path;
  }
  fe_file_action raw;
  std::optional<std::string> path; /* instead of raw.path */
};

/* What FE_REDIRECT makes of a descriptor: a file that is opened, or one that holds `text`. */
struct redirect {
  int kind;
  std::string text; /* its path, or its contents */
  int oflag;
  mode_t mode;
};

/* An fe_attr that owns its strings and lists. What is set here comes before what `raw` says of the same; what is not,
 * and all that has no place here (flags, numbers, credential, namespaces, signals), is taken from `raw`, where
 * pointers are the caller's to keep. A string with a NUL in it is EINVAL at "args": it is never cut. */
struct command {
  command() = default;
  /* The arguments, the program's name first. */
  command(std::initializer_list<std::string> list) : arguments(list) {}
  explicit command(std::vector<std::string> list) : arguments(std::move(list)) {}

  fe_attr raw = FE_ATTR_INIT;
  std::vector<std::string> arguments;
  std::optional<std::string> path;
  std::optional<std::vector<std::string>> environment; /* none: the caller's */
  std::optional<std::string> directory;
  std::optional<std::string> root; /* chroot */
  std::optional<std::string> search_path;
  /* Borrowed descriptors, FE_FROM_PIPE and so on. None leaves all as they are; empty is a list too. Pipes may be at any
   * place: child::take_end has the other end. */
  std::optional<std::vector<int>> files;
  std::vector<redirect> redirects;
  std::vector<action> actions;

  /* For `files`, as in ls.files = {FE_NULL, ls.open("log", O_WRONLY | O_CREAT), FE_SAME_AS(1)}: a file that the child
   * opens. */
  int open(std::string name, int oflag, mode_t mode = 0666) {
    return add({FE_REDIRECT_OPEN, std::move(name), oflag, mode});
  }
  /* For `files`: a file that holds that. */
  int data(std::string contents) { return add({FE_REDIRECT_DATA, std::move(contents), 0, 0}); }

 private:
  int add(redirect one) {
    redirects.push_back(std::move(one));
    return FE_REDIRECT(static_cast<int>(redirects.size()) - 1);
  }
};

/* The fe_attr of a command, for the calls of forkexec.h: good while both live and the command is not changed. */
class prepared {
 public:
  explicit prepared(const command &from) : attr_(from.raw) {
    strings(from.arguments, argv_, &attr_.argv);
    if (from.environment) {
      strings(*from.environment, envp_, &attr_.envp);
      attr_.envp = envp_.data();
    }
    string(from.path, &attr_.path);
    string(from.directory, &attr_.dir);
    string(from.root, &attr_.chroot);
    string(from.search_path, &attr_.search_path);
    redirections(from.redirects);
    in_order(from.actions);
    table(from);
  }
  prepared(const prepared &) = delete;
  prepared &operator=(const prepared &) = delete;

  /* EINVAL at "args" when a string has a NUL in it, with its index if it is an argument; then `attr` says something
   * else than the command. */
  const fe_error &error() const noexcept { return error_; }
  const fe_attr &attr() const noexcept { return attr_; }
  /* The caller's ends of pipes that are the child's 3 and up, after fe_spawn; by number. */
  const std::vector<int32_t> &ends() const noexcept { return ends_; }

 private:
  void check(const std::string &text, int index = -1) noexcept {
    if (error_.errnum != 0 || text.find('\0') == std::string::npos) return;
    error_.errnum = EINVAL;
    error_.step = FE_STEP_ARGS;
    error_.index = index;
  }
  void string(const std::optional<std::string> &text, const char **into) noexcept {
    if (!text) return;
    check(*text);
    *into = text->c_str();
  }
  void strings(const std::vector<std::string> &list, std::vector<char *> &pointers, char *const **into) {
    pointers.reserve(list.size() + 1);
    for (std::size_t i = 0; i < list.size(); i++) {
      check(list[i], &pointers == &argv_ ? static_cast<int>(i) : -1);
      pointers.push_back(const_cast<char *>(list[i].c_str())); /* nobody writes to them */
    }
    pointers.push_back(nullptr);
    if (!list.empty()) *into = pointers.data();
  }
  void redirections(const std::vector<redirect> &list) {
    for (const redirect &one : list) {
      fe_redirect raw = {};
      raw.kind = one.kind;
      if (one.kind == FE_REDIRECT_DATA) {
        raw.data = one.text.data();
        raw.size = one.text.size();
      } else {
        check(one.text);
        raw.path = one.text.c_str();
        raw.oflag = one.oflag;
        raw.mode = one.mode;
      }
      redirects_.push_back(raw);
    }
    if (list.empty()) return;
    attr_.redirects = redirects_.data();
    attr_.nredirects = redirects_.size();
  }
  void in_order(const std::vector<action> &list) {
    for (const action &one : list) {
      actions_.push_back(one.raw);
      actions_.back().path = nullptr;
      string(one.path, &actions_.back().path);
    }
    if (list.empty()) return;
    attr_.actions = actions_.data();
    attr_.nactions = actions_.size();
  }
  void table(const command &from) {
    if (!from.files) return;
    static constexpr int32_t nothing = -1;
    attr_.files = from.files->empty() ? &nothing : from.files->data();
    attr_.nfiles = from.files->size();
    if (attr_.ends != nullptr || attr_.nfiles <= 3) return;
    ends_.assign(attr_.nfiles, -1);
    attr_.ends = ends_.data();
  }

  fe_attr attr_;
  fe_error error_ = FE_ERROR_INIT;
  std::vector<char *> argv_, envp_;
  std::vector<fe_redirect> redirects_;
  std::vector<fe_file_action> actions_;
  std::vector<int32_t> ends_;
};

/* ---- what it says ---- */

/* What communicate and run do: an fe_io (deadline, limits) with the input and the sink as C++ has them. */
struct io {
  fe_io raw = FE_IO_INIT;
  std::string_view input; /* read during the call; empty: that of `raw` */
  /* All that comes, as it comes, and whether it is 1 or 2. With false, and with an exception, it is not called again and
   * the child is stopped: ECANCELED, or the exception, when it has been waited for. Empty: that of `raw`. */
  std::function<bool(int fd, std::string_view data)> sink;
};

/* What has come of it: an fe_result that needs no giving back. */
struct result {
  exit_status status;
  uint32_t flags = 0; /* FE_RESULT_... */
  std::string output, errors;
  std::chrono::nanoseconds elapsed{0};
  rusage usage = {};

  bool timed_out() const noexcept { return (flags & FE_RESULT_TIMED_OUT) != 0; }
  /* There was more than max_output. */
  bool cut() const noexcept { return (flags & (FE_RESULT_OUTPUT_CUT | FE_RESULT_ERRORS_CUT)) != 0; }
};

namespace detail {

/* An fe_io and an fe_result for one call. */
class conversation {
 public:
  explicit conversation(const io &from) noexcept : sink_(from.sink), io_(from.raw) {
    if (!from.input.empty()) {
      io_.input = from.input.data();
      io_.ninput = from.input.size();
    }
    if (!sink_) return;
    io_.sink = hear;
    io_.context = this;
  }
  conversation(const conversation &) = delete;
  conversation &operator=(const conversation &) = delete;
  ~conversation() { fe_result_free(&raw); }

  const fe_io *how() const noexcept { return &io_; }
  /* Or what the sink has thrown. */
  result take(int errnum) {
#if defined(__cpp_exceptions)
    if (thrown_) std::rethrow_exception(thrown_);
#endif
    result all;
    if (errnum != ECHILD && raw.elapsed_ns != 0) all.status = exit_status(raw.status);
    all.flags = raw.flags;
    if (raw.output != nullptr) all.output.assign(raw.output, raw.noutput);
    if (raw.errors != nullptr) all.errors.assign(raw.errors, raw.nerrors);
    all.elapsed = std::chrono::nanoseconds(static_cast<std::chrono::nanoseconds::rep>(raw.elapsed_ns));
    all.usage = raw.usage;
    return all;
  }
  fe_result raw = {};

 private:
  /* Nothing may be thrown through the library. */
  static int hear(void *context, int fd, const void *data, std::size_t n) noexcept {
    auto *self = static_cast<conversation *>(context);
    const std::string_view heard(static_cast<const char *>(data), n);
#if defined(__cpp_exceptions)
    try {
      return self->sink_(fd, heard) ? 0 : 1;
    } catch (...) {
      self->thrown_ = std::current_exception();
      return 1;
    }
#else
    return self->sink_(fd, heard) ? 0 : 1;
#endif
  }

  const std::function<bool(int, std::string_view)> &sink_;
  fe_io io_;
  std::exception_ptr thrown_;
};

}  // namespace detail

/* ---- children ---- */

/* What becomes of a child that has not been waited for when its object goes, or is assigned to. Its ends of pipes, and of
 * its terminal, are closed in any case, and before anything is waited for. */
enum class ending {
  leave, /* the default: it goes on. If it has ended it is reaped; if not, it is a zombie from its end to the caller's */
  wait,  /* the destructor waits for it, however long that takes */
  stop   /* the destructor ends it by fe_stop (which is not for FE_PTRACE) */
};

/* A process that was started, and what is held of it. Moved, never copied; empty when default-constructed or moved
 * from, and when it could not be started. The destructor neither kills nor blocks unless at_end says so. */
class child {
 public:
  child() noexcept = default;
  /* Owns what fe_spawn has filled in. */
  explicit child(const fe_child &started) noexcept {
    if (started.pid > 0) raw_ = started; /* one that is all zero does not own descriptor 0 */
  }
  child(child &&other) noexcept { swap(other); }
  child &operator=(child &&other) noexcept {
    child(std::move(other)).swap(*this);
    return *this;
  }
  ~child() { end(); }

  void swap(child &other) noexcept {
    std::swap(raw_, other.raw_);
    more_.swap(other.more_);
    std::swap(ending_, other.ending_);
    std::swap(grace_ms_, other.grace_ms_);
    std::swap(stop_flags_, other.stop_flags_);
  }

  explicit operator bool() const noexcept { return raw_.pid > 0; }
  pid_t pid() const noexcept { return raw_.pid; }
  /* With FE_PIDFD, else -1; still the child's. */
  int pidfd() const noexcept { return raw_.pidfd; }
  /* For the calls of forkexec.h. */
  fe_child *raw() noexcept { return &raw_; }
  /* It is the caller's from now on, to be given back with fe_child_close; ends at 3 and up are closed. */
  [[nodiscard]] fe_child release() noexcept {
    more_.clear();
    fe_child mine = FE_CHILD_INIT;
    std::swap(mine, raw_);
    return mine;
  }

  /* What the destructor does. For ending::stop: the grace after SIGTERM (0: SIGKILL at once), and FE_STOP_GROUP or
   * FE_STOP_TREE. */
  void at_end(ending how, std::chrono::milliseconds grace = std::chrono::seconds(1), uint32_t flags = 0) noexcept {
    ending_ = how;
    grace_ms_ = detail::milliseconds(grace);
    stop_flags_ = flags;
  }

  /* The other end of the pipe that is the child's descriptor n: -1 when there is none, or it was taken. */
  int end_of(int n) const noexcept {
    if (n < 0) return -1;
    const auto at = static_cast<std::size_t>(n);
    return at < 3 ? raw_.ends[at] : at - 3 < more_.size() ? more_[at - 3].get() : -1;
  }
  /* The same as the caller's own. To close one: take_end(0). */
  descriptor take_end(int n) noexcept {
    if (end_of(n) < 0) return {};
    const auto at = static_cast<std::size_t>(n);
    return at < 3 ? descriptor(std::exchange(raw_.ends[at], -1)) : std::move(more_[at - 3]);
  }

  /* With FE_PTY, else -1: our end of its terminal, which hangs up when it is closed; still the child's. */
  int pty() const noexcept { return raw_.pty; }
  descriptor take_pty() noexcept { return descriptor(std::exchange(raw_.pty, -1)); }

  /* With FE_SUSPEND: it goes to its exec, and this is finish. One that is not let go is cancelled by the destructor. */
  void resume(std::error_code &error) noexcept {
    fe_error why;
    const bool done = fe_resume(&raw_, -1, &why) == 0;
    if (!*this) more_.clear();
    error = done ? std::error_code() : make_code(why);
  }
  /* With FE_ASYNC: false when the time is up and the outcome still not known. */
  bool finish_for(std::chrono::milliseconds time, std::error_code &error) noexcept {
    return finish(detail::milliseconds(time), error);
  }
  void finish(std::error_code &error) noexcept { finish(-1, error); }

  exit_status wait(std::error_code &error) noexcept {
    int status = -1;
    detail::tell(error, fe_wait(&raw_, -1, &status));
    return exit_status(status);
  }
  /* Nothing when the time is up. */
  std::optional<exit_status> wait_for(std::chrono::milliseconds time, std::error_code &error) noexcept {
    int status = -1;
    const int done = fe_wait(&raw_, detail::milliseconds(time), &status);
    const bool late = done != 0 && errno == ETIMEDOUT;
    detail::tell(error, late ? 0 : done);
    return done == 0 ? std::optional<exit_status>(exit_status(status)) : std::nullopt;
  }
  void kill(int sig, std::error_code &error) noexcept { detail::tell(error, fe_kill(&raw_, sig)); }
  void kill_group(int sig, std::error_code &error) noexcept { detail::tell(error, fe_kill_group(&raw_, sig)); }
  /* By which means: FE_TREE_... */
  int kill_tree(int sig, std::error_code &error) noexcept {
    int how = 0;
    detail::tell(error, fe_kill_tree(&raw_, sig, &how));
    return how;
  }
  exit_status stop(std::chrono::milliseconds grace, uint32_t flags, std::error_code &error) noexcept {
    int status = -1;
    detail::tell(error, fe_stop(&raw_, SIGTERM, detail::milliseconds(grace), flags, &status));
    return exit_status(status);
  }
  /* When it fails, the result has what was collected by then. */
  result communicate(const io &how, std::error_code &error) {
    detail::conversation talk(how);
    detail::tell(error, fe_communicate(&raw_, talk.how(), &talk.raw));
    return talk.take(error.value());
  }

#if defined(__cpp_exceptions)
  void resume() {
    detail::or_throw("resume", [&](std::error_code &error) { return resume(error); });
  }
  bool finish_for(std::chrono::milliseconds time) {
    return detail::or_throw("finish", [&](std::error_code &error) { return finish_for(time, error); });
  }
  void finish() {
    detail::or_throw("finish", [&](std::error_code &error) { return finish(-1, error); });
  }
  exit_status wait() {
    return detail::or_throw("wait", [&](std::error_code &error) { return wait(error); });
  }
  std::optional<exit_status> wait_for(std::chrono::milliseconds time) {
    return detail::or_throw("wait", [&](std::error_code &error) { return wait_for(time, error); });
  }
  void kill(int sig) {
    detail::or_throw("kill", [&](std::error_code &error) { kill(sig, error); });
  }
  void kill_group(int sig) {
    detail::or_throw("kill_group", [&](std::error_code &error) { kill_group(sig, error); });
  }
  int kill_tree(int sig) {
    return detail::or_throw("kill_tree", [&](std::error_code &error) { return kill_tree(sig, error); });
  }
  exit_status stop(std::chrono::milliseconds grace, uint32_t flags = 0) {
    return detail::or_throw("stop", [&](std::error_code &error) { return stop(grace, flags, error); });
  }
  result communicate(const io &how = {}) {
    return detail::or_throw("communicate", [&](std::error_code &error) { return communicate(how, error); });
  }
#endif

 private:
  friend child spawn(const command &, fe_error &);

  bool finish(int timeout_ms, std::error_code &error) noexcept {
    fe_error why;
    if (fe_spawn_finish(&raw_, timeout_ms, &why) == 0) {
      error.clear();
      return true;
    }
    if (!*this) more_.clear();
    error = why.errnum == EINPROGRESS ? std::error_code() : make_code(why);
    return false;
  }

  void end() noexcept {
    if (raw_.pid > 0) {
      for (int n = 0; n < 3; n++) take_end(n);
      take_pty();
      more_.clear();
      /* It may be on its way still, and fail. One that stands before its exec is no matter for any of these calls: it goes
       * with fe_child_close. */
      if (raw_.ready >= 0 && ending_ != ending::leave) {
        if (ending_ == ending::stop) fe_kill(&raw_, SIGKILL);
        fe_spawn_finish(&raw_, -1, nullptr);
      }
      if (ending_ == ending::stop)
        fe_stop(&raw_, SIGTERM, grace_ms_, stop_flags_, nullptr);
      else
        fe_wait(&raw_, ending_ == ending::wait ? -1 : 0, nullptr);
    }
    fe_child_close(&raw_);
  }

  fe_child raw_ = FE_CHILD_INIT;
  std::vector<descriptor> more_;
  ending ending_ = ending::leave;
  int grace_ms_ = 0;
  uint32_t stop_flags_ = 0;
};

inline void swap(child &a, child &b) noexcept { a.swap(b); }

/* ---- starting ---- */

/* An empty child, and all that there is to say, when it fails. */
[[nodiscard]] inline child spawn(const command &what, fe_error &error) {
  const prepared ready(what);
  child started;
  error = ready.error();
  if (error.errnum != 0) return started;
  /* All that may throw comes before there is a process. */
  if (!ready.ends().empty()) started.more_.resize(ready.ends().size() - 3);
  fe_spawn(&ready.attr(), &started.raw_, &error);
  for (std::size_t i = 0; i < started.more_.size(); i++) started.more_[i].reset(ready.ends()[i + 3]);
  return started;
}

[[nodiscard]] inline child spawn(const command &what, std::error_code &error) {
  fe_error why;
  child started = spawn(what, why);
  error = make_code(why);
  return started;
}

/* When it fails the result has what was collected by then, if it was started at all. A pipe that is the child's 3 or above,
 * whose other end nobody would have until it is over, is EINVAL at "args": take spawn and communicate. */
[[nodiscard]] inline result run(const command &what, const io &how, fe_error &error) {
  const prepared ready(what);
  error = ready.error();
  if (error.errnum != 0) return {};
  fe_attr attr = ready.attr();
  attr.ends = what.raw.ends;
  detail::conversation talk(how);
  fe_run(&attr, talk.how(), &talk.raw, &error);
  return talk.take(error.errnum);
}

[[nodiscard]] inline result run(const command &what, const io &how, std::error_code &error) {
  fe_error why;
  result all = run(what, how, why);
  error = make_code(why);
  return all;
}

[[nodiscard]] inline result run(const command &what, std::error_code &error) { return run(what, io(), error); }

#if defined(__cpp_exceptions)
[[nodiscard]] inline child spawn(const command &what) {
  return detail::or_throw("spawn", [&](std::error_code &error) { return spawn(what, error); });
}

[[nodiscard]] inline result run(const command &what, const io &how = {}) {
  return detail::or_throw("run", [&](std::error_code &error) { return run(what, how, error); });
}
#endif

}  // inline namespace
}  // namespace forkexec

#endif /* FORKEXEC_HPP */
