/* SPDX-License-Identifier: BSD-3-Clause */
/* fe_run: one call; nothing is left of it whatever fails, and nothing of it is seen by what other threads start. */
#include "test.h"

#include "beside.h"

#include <pthread.h>
#include <sys/resource.h>

/* The allocator of this program, as the library sees it: glibc's, which fails when it is told to. */
void *__libc_malloc(size_t size);
void *__libc_realloc(void *block, size_t size);
void __libc_free(void *block);
static __thread long blocks;
static __thread long fail_after = -1;
static __thread size_t fail_from;

static bool fails(size_t size) {
  if (size < fail_from || fail_after < 0 || fail_after-- > 0) return false;
  fail_after = 0; /* from there on all */
  errno = ENOMEM;
  return true;
}

void *malloc(size_t size) {
  if (fails(size)) return NULL;
  blocks++;
  return __libc_malloc(size);
}

void *realloc(void *block, size_t size) {
  if (fails(size)) return NULL;
  blocks += block == NULL;
  return __libc_realloc(block, size);
}

void free(void *block) {
  blocks -= block != NULL;
  __libc_free(block);
}

static fe_attr with_words(char *const argv[4]) {
  fe_attr attr = FE_ATTR_INIT;
  attr.path = "/bin/sh";
  attr.argv = argv;
  return attr;
}
#define SHELL(script) with_words((char *const[]){(char *)"sh", (char *)"-c", (char *)(uintptr_t)(script), NULL})

static void check_error(int done, const fe_error *error, int errnum, int step) {
  int saved = errno;
  CHECK_INT(done, -1);
  CHECK_STR(errno_name(saved), errno_name(errnum));
  CHECK_INT(error->errnum, saved);
  CHECK_STR(fe_step_name(error->step), fe_step_name(step));
  check_no_child();
}

static void the_defaults(void) {
  char *before = snapshot();
  fe_attr attr = SHELL("cat; echo $? $# >&2; exit 5");
  fe_io io = FE_IO_INIT;
  fe_result result;
  fe_error error;
  memset(&error, 0xa5, sizeof error);
  /* Without input there is nothing to be read. */
  CHECK_INT(fe_run(&attr, NULL, &result, &error), 0);
  CHECK(is_clear(&error));
  CHECK_INT(result.status, 5 << 8);
  CHECK_STR(result.output, "");
  CHECK_STR(result.errors, "0 0\n");
  CHECK_INT(result.flags, 0);
  fe_result_free(&result);
  io.input = "fed";
  io.ninput = 3;
  CHECK_INT(fe_run(&attr, &io, &result, NULL), 0);
  CHECK_STR(result.output, "fed");
  fe_result_free(&result);
  /* A list is used as it is. */
  const int files[] = {FE_FROM_PIPE, FE_TO_PIPE, FE_SAME_AS(1)};
  attr.files = files;
  attr.nfiles = 3;
  CHECK_INT(fe_run(&attr, &io, &result, &error), 0);
  CHECK_STR(result.output, "fed0 0\n");
  CHECK(result.errors == NULL);
  fe_result_free(&result);
  check_no_child();
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void times(void) {
  fe_attr attr = SHELL("echo before; exec sleep 100");
  fe_io io = FE_IO_INIT;
  fe_result result;
  io.timeout_ms = 200;
  io.grace_ms = 10000;
  io.flags = FE_IO_GROUP;
  attr.flags = FE_SETSID;
  attr.timeout_ms = 10000;
  CHECK_INT(fe_run(&attr, &io, &result, NULL), 0);
  CHECK_INT(result.status, SIGTERM);
  CHECK_INT(result.flags, FE_RESULT_TIMED_OUT);
  CHECK_STR(result.output, "before\n");
  CHECK(result.elapsed_ns >= 200000000 && result.elapsed_ns < 5000000000);
  fe_result_free(&result);
  check_no_child();
  attr = SHELL("i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done");
  CHECK_INT(fe_run(&attr, NULL, &result, NULL), 0);
  CHECK(result.usage.ru_utime.tv_sec > 0 || result.usage.ru_utime.tv_usec > 0);
  CHECK(result.elapsed_ns > 0);
  fe_result_free(&result);
}

static int enough(void *context, int fd, const void *data, size_t n) {
  (void)context, (void)fd, (void)data, (void)n;
  return 1;
}

static void failures(void) {
  fe_attr attr = nothing();
  fe_io io = FE_IO_INIT;
  fe_result result;
  fe_error error;
  char message[100], *before = snapshot();
  check_error(fe_run(NULL, NULL, &result, &error), &error, EINVAL, FE_STEP_ARGS);
  check_error(fe_run(&attr, NULL, NULL, &error), &error, EINVAL, FE_STEP_ARGS);
  CHECK_INT(fe_run(NULL, NULL, NULL, NULL), -1);
  io.timeout_ms = -1;
  check_error(fe_run(&attr, &io, &result, &error), &error, EINVAL, FE_STEP_ARGS);
  io = (fe_io)FE_IO_INIT;
  io.flags = FE_IO_GROUP;
  check_error(fe_run(&attr, &io, &result, &error), &error, EINVAL, FE_STEP_ARGS);
  static const uint64_t flags[] = {FE_ASYNC, FE_PTRACE, FE_SUSPEND, FE_PTY, FE_DETACH};
  for (int i = 0; i < 3; i++) {
    attr.flags = flags[i];
    check_error(fe_run(&attr, NULL, &result, &error), &error, EINVAL, FE_STEP_ARGS);
  }
  attr.flags = 0;
  const int files[] = {FE_NULL, FE_TO_PIPE, 2};
  attr.files = files;
  attr.nfiles = 3;
  io = (fe_io)FE_IO_INIT;
  io.input = "x";
  io.ninput = 1;
  check_error(fe_run(&attr, &io, &result, &error), &error, EINVAL, FE_STEP_ARGS);
  attr.path = "/nonexistent";
  check_error(fe_run(&attr, NULL, &result, &error), &error, ENOENT, FE_STEP_EXEC);
  CHECK(result.output == NULL && result.errors == NULL);
  /* It was started, and is stopped. */
  io = (fe_io)FE_IO_INIT;
  io.sink = enough;
  attr = SHELL("while :; do echo again; done");
  check_error(fe_run(&attr, &io, &result, &error), &error, ECANCELED, FE_STEP_COMMUNICATE);
  CHECK_INT(result.status, SIGKILL);
  fe_error_message(&error, message, sizeof message);
  CHECK_STR(message, "communicate: Operation canceled");
  fe_result_free(&result);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

static void no_memory(void) {
  if (world() == WORLD_VALGRIND) skip("valgrind has an allocator of its own");
  char *before = snapshot();
  fe_result result;
  fe_error error;
  int failed = 0, done = -1;
  for (long after = 0; done != 0; after++) {
    fe_attr attr = SHELL("head -c 100000 /dev/zero; echo x >&2; exec sleep 0.1");
    long held = blocks;
    fail_after = after;
    done = fe_run(&attr, NULL, &result, &error);
    int saved = errno;
    fail_after = -1;
    NEED(after < 100);
    errno = saved;
    if (done != 0) {
      int step = error.step == FE_STEP_COMMUNICATE ? error.step : FE_STEP_MEMORY;
      check_error(done, &error, ENOMEM, step);
      failed++;
    } else {
      CHECK_INT(result.noutput, 100000);
    }
    fe_result_free(&result);
    CHECK_INT(blocks, held);
  }
  CHECK(failed > 5);
  /* What has come by then is there. */
  fe_attr attr = SHELL("head -c 1000000 /dev/zero; exec sleep 100");
  fail_from = 100000;
  fail_after = 1;
  done = fe_run(&attr, NULL, &result, &error);
  fail_after = -1;
  errno = ENOMEM;
  check_error(done, &error, ENOMEM, FE_STEP_COMMUNICATE);
  CHECK_INT(result.status, SIGKILL);
  CHECK(result.noutput >= 100000 && result.noutput < 1000000);
  for (size_t i = 0; i <= result.noutput; i++) NEED(result.output[i] == 0);
  fe_result_free(&result);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
}

/* ---- many threads ---- */

enum { THREADS = 8, SECONDS = 3, CAPTURES = 500 };
static volatile int over;
static unsigned long rounds;

/* The child lists what it has, and says what it was told. */
static void *captures(void *argument) {
  unsigned id = (unsigned)(uintptr_t)argument, n = 0;
  while (!over) {
    char word[40], wanted[100];
    fe_io io = FE_IO_INIT;
    fe_result result;
    fe_error error;
    size_t length = (size_t)snprintf(word, sizeof word, "thread %u round %u", id, n++);
    /* Descriptor 3 is the directory that ls reads; before it there is nothing but the pipes. */
    fe_attr attr = SHELL("cat; ls /proc/self/fd | tr '\\n' ' '; echo >&2");
    io.input = word;
    io.ninput = length;
    /* What another thread forks has all pipes until its exec. */
    io.linger_ms = 10000;
    if (id % 2) attr.way = 1 + n % 4;
    if (!CHECK_INT(fe_run(&attr, &io, &result, &error), 0)) {
      fe_error_message(&error, wanted, sizeof wanted);
      note("%s", wanted);
      break;
    }
    snprintf(wanted, sizeof wanted, "%s0 1 2 3 ", word);
    CHECK_STR(result.output, wanted);
    CHECK_STR(result.errors, "\n");
    CHECK_INT(result.status, 0);
    /* Nobody else has had the end of a pipe in hand. */
    CHECK_INT(result.flags, 0);
    fe_result_free(&result);
    __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

/* Meanwhile numbers are taken and given back, and programs started that live for a while. */
static void *disturbs(void *argument) {
  (void)argument;
  static const int files[] = {FE_TO_PIPE, FE_NULL, FE_SAME_AS(1)};
  while (!over) {
    int fds[8];
    for (int i = 0; i < 8; i++) fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
    fe_attr attr = SHELL("exec sleep 0.05");
    fe_child child;
    attr.files = files;
    attr.nfiles = 3;
    CHECK_INT(fe_spawn(&attr, &child, NULL), 0);
    for (int i = 0; i < 8; i++) close(fds[i]);
    CHECK_INT(fe_wait(&child, -1, NULL), 0);
    fe_child_close(&child);
  }
  return NULL;
}

/* As many as are to be; a child that had another one's end in hand would wait for ever, or be held. */
static void *many_captures(void *argument) {
  unsigned id = (unsigned)(uintptr_t)argument;
  char *argv[] = {(char *)"cat", NULL};
  for (unsigned n = 0; n < CAPTURES; n++) {
    char word[40];
    fe_attr attr = FE_ATTR_INIT;
    fe_io io = FE_IO_INIT;
    fe_result result;
    attr.path = "/bin/cat";
    attr.argv = argv;
    io.input = word;
    io.ninput = (size_t)snprintf(word, sizeof word, "thread %u capture %u", id, n);
    io.linger_ms = 10000;
    if (!CHECK_INT(fe_run(&attr, &io, &result, NULL), 0)) break;
    CHECK_STR(result.output, word);
    CHECK_STR(result.errors, "");
    CHECK_INT(result.status, 0);
    CHECK_INT(result.flags, 0);
    fe_result_free(&result);
    __atomic_add_fetch(&rounds, 1, __ATOMIC_RELAXED);
  }
  return NULL;
}

static void in_threads(void *(*what)(void *), unsigned seconds) {
  if (world() != WORLD_KERNEL) skip("takes too long there");
  pthread_t threads[THREADS + 2];
  for (int fd = 3; fd < 800; fd++) close(fd);
  char *before = snapshot();
  for (uintptr_t i = 0; i < THREADS + 2; i++)
    NEED(pthread_create(&threads[i], NULL, i < THREADS ? what : disturbs, (void *)i) == 0);
  sleep(seconds);
  if (seconds > 0) over = 1;
  for (int i = 0; i < THREADS + 2; i++) {
    if (i == THREADS) over = 1;
    pthread_join(threads[i], NULL);
  }
  note("%lu captures", rounds);
  char *after = snapshot();
  CHECK_STR(after, before);
  free(before);
  free(after);
  check_no_child();
}

static void beside_other_threads(void) {
  in_threads(captures, SECONDS);
  CHECK(rounds > 50);
}

static void many_in_each_thread(void) {
  in_threads(many_captures, 0);
  CHECK_INT(rounds, THREADS * CAPTURES);
}

int main(int argc, char **argv) {
  static const struct test_case cases[] = {
      {"the defaults", the_defaults},
      {"times", times},
      {"failures", failures},
      {"no memory", no_memory},
      {"beside other threads", beside_other_threads},
      {"many in each thread", many_in_each_thread},
      {NULL, NULL},
  };
  return run(argc, argv, cases);
}
