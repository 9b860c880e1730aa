/* SPDX-License-Identifier: BSD-3-Clause */
/* popen(3), pclose(3), and fclose(3) of a stream of popen's, which in glibc is the same: programs that
 * have it so would else leave zombies. */

#include "missing.h"
#include "shell.h"
#include "stand_in.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct stream {
  FILE *file;
  int fd;
  fe_child child;
  struct stream *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct stream *streams;

/* The C library's own. */
static int (*libc_fclose)(FILE *), (*libc_pclose)(FILE *);

static void before_fork(void) { pthread_mutex_lock(&lock); }
static void after_fork(void) { pthread_mutex_unlock(&lock); }

static void find_libc(void) {
  /* By way of an object pointer, as POSIX has it for dlsym(3). */
  *(void **)&libc_fclose = dlsym(RTLD_NEXT, "fclose");
  *(void **)&libc_pclose = dlsym(RTLD_NEXT, "pclose");
  if (libc_fclose == NULL || libc_pclose == NULL) abort();
  /* A forked child may close its streams, whatever another thread was doing. */
  pthread_atfork(before_fork, after_fork, after_fork);
}

static void need_libc(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, find_libc);
}

struct mode {
  bool reads, writes, cloexec;
};

/* "r" or "w", and "e" for close-on-exec, in any order. */
static bool parse(const char *text, struct mode *mode) {
  *mode = (struct mode){false, false, false};
  if (missing(text)) return false;
  for (; *text != '\0'; text++) switch (*text) {
      case 'r': mode->reads = true; break;
      case 'w': mode->writes = true; break;
      case 'e': mode->cloexec = true; break;
      default: return false;
    }
  return mode->reads != mode->writes;
}

/* The shell with `end` as its descriptor `at`, and without the streams of before (POSIX). The list is
 * locked. */
static int start(const char *command, int end, int at, fe_child *child) {
  char *argv[] = SHELL_ARGV(command);
  fe_attr attr = FE_ATTR_INIT;
  size_t count = 1;
  for (const struct stream *other = streams; other != NULL; other = other->next) count++;
  fe_file_action *actions = calloc(count, sizeof *actions);
  if (actions == NULL) return -1;
  actions[attr.nactions++] = (fe_file_action)FE_DUP2(end, at);
  for (const struct stream *other = streams; other != NULL; other = other->next)
    if (other->fd != at) actions[attr.nactions++] = (fe_file_action)FE_CLOSE(other->fd);
  attr.path = SHELL_PATH;
  attr.argv = argv;
  attr.actions = actions;
  fe_error error;
  int result = fe_spawn(&attr, child, &error), saved = errno;
  /* POSIX has a command that is killed, or a shell that cannot be executed (127), told by pclose. */
  if (result != 0 && (was_killed(&error) || error.step == FE_STEP_EXEC)) {
    saved = stand_in(&attr, &error, child);
    result = saved == 0 ? 0 : -1;
  }
  free(actions);
  errno = saved;
  return result;
}

static struct stream *open_stream(const char *command, struct mode mode) {
  struct stream *stream = malloc(sizeof *stream);
  int ends[2], ours = mode.reads ? 0 : 1, saved;
  if (stream == NULL) return NULL;
  if (pipe2(ends, O_CLOEXEC) != 0) goto no_pipe;
  stream->fd = ends[ours];
  stream->file = fdopen(stream->fd, mode.reads ? "r" : "w");
  if (stream->file == NULL) goto no_file;
  pthread_mutex_lock(&lock);
  if (start(command, ends[!ours], mode.reads ? STDOUT_FILENO : STDIN_FILENO, &stream->child) != 0)
    goto no_child;
  close(ends[!ours]);
  if (!mode.cloexec) fcntl(stream->fd, F_SETFD, 0);
  stream->next = streams;
  __atomic_store_n(&streams, stream, __ATOMIC_RELEASE);
  pthread_mutex_unlock(&lock);
  return stream;

no_child:
  saved = errno;
  pthread_mutex_unlock(&lock);
  libc_fclose(stream->file);
  ends[ours] = -1;
  errno = saved;
no_file:
  saved = errno;
  if (ends[ours] >= 0) close(ends[ours]);
  close(ends[!ours]);
  errno = saved;
no_pipe:
  saved = errno;
  free(stream);
  errno = saved;
  return NULL;
}

FILE *popen(const char *command, const char *mode_text) {
  struct mode mode;
  if (missing(command) || !parse(mode_text, &mode)) {
    errno = EINVAL;
    return NULL;
  }
  need_libc();
  /* close(2) and what fclose(3) flushes are cancellation points: neither the lock nor a child is to be
   * left behind. */
  int state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  struct stream *stream = open_stream(command, mode);
  pthread_setcancelstate(state, NULL);
  return stream != NULL ? stream->file : NULL;
}

/* Takes the stream out of the list; NULL for one that is not in it. */
static struct stream *taken(const FILE *file) {
  struct stream *found = NULL;
  /* Nearly every fclose of a program: without the lock. A stream that the caller may close was put in
   * before. */
  if (__atomic_load_n(&streams, __ATOMIC_ACQUIRE) == NULL) return NULL;
  pthread_mutex_lock(&lock);
  for (struct stream **at = &streams; *at != NULL; at = &(*at)->next)
    if ((*at)->file == file) {
      found = *at;
      __atomic_store_n(at, found->next, __ATOMIC_RELEASE);
      break;
    }
  pthread_mutex_unlock(&lock);
  return found;
}

/* The wait(2) status. What could not be written is lost, as in the C library. */
static int close_stream(struct stream *stream) {
  int status = -1, state;
  pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
  libc_fclose(stream->file);
  pthread_setcancelstate(state, NULL);
  int result = fe_wait(&stream->child, -1, &status), saved = errno;
  fe_child_close(&stream->child);
  free(stream);
  errno = saved;
  return result == 0 ? status : -1;
}

int pclose(FILE *file) {
  need_libc();
  struct stream *stream = taken(file);
  return stream != NULL ? close_stream(stream) : libc_pclose(file);
}

int fclose(FILE *file) {
  need_libc();
  struct stream *stream = taken(file);
  return stream != NULL ? close_stream(stream) : libc_fclose(file);
}
