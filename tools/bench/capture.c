/* SPDX-License-Identifier: BSD-3-Clause */
/* Much both ways through cat: by fe_communicate, and by posix_spawn with a loop around poll as one writes it by hand. The
 * buffer of both begins with 4 KiB, grows to twice as much when it is full, and is read into as far as there is room. */

#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <forkexec.h>
#include <poll.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FIRST = 4096 };
static char *input, *const cat[] = {(char *)"/bin/cat", NULL};
static size_t ninput;

void prepare_capture(size_t bytes) {
  input = realloc(input, bytes);
  need(input != NULL || bytes == 0, "realloc");
  for (size_t i = 0; i < bytes; i++) input[i] = (char)(i * 31 >> 3);
  ninput = bytes;
}

static bool same(const char *output, size_t noutput) {
  return noutput == ninput && memcmp(output, input, ninput) == 0;
}

bool capture_by_forkexec(void) {
  const int files[] = {FE_FROM_PIPE, FE_TO_PIPE, 2};
  fe_attr attr = FE_ATTR_INIT;
  fe_io io = FE_IO_INIT;
  fe_result result;
  fe_child child;
  attr.path = cat[0];
  attr.argv = cat;
  attr.files = files;
  attr.nfiles = 3;
  io.input = input;
  io.ninput = ninput;
  if (fe_spawn(&attr, &child, NULL) != 0) return false;
  need(fe_communicate(&child, &io, &result) == 0, "fe_communicate");
  fe_child_close(&child);
  bool well = result.status == 0 && same(result.output, result.noutput);
  fe_result_free(&result);
  return well;
}

bool capture_by_hand(void) {
  posix_spawn_file_actions_t actions;
  int in[2], out[2];
  pid_t pid;
  need(pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0, "pipe2");
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], 0);
  posix_spawn_file_actions_adddup2(&actions, out[1], 1);
  if (posix_spawn(&pid, cat[0], &actions, NULL, cat, environ) != 0) return false;
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  need(fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0, "fcntl");

  size_t written = 0, length = 0, room = FIRST;
  char *output = malloc(room);
  struct pollfd fds[] = {{in[1], POLLOUT, 0}, {out[0], POLLIN, 0}};
  need(output != NULL, "malloc");
  while (fds[1].fd >= 0) {
    need(poll(fds, 2, -1) > 0, "poll");
    if (fds[0].fd >= 0 && fds[0].revents != 0) {
      ssize_t n = write(in[1], input + written, ninput - written);
      need(n >= 0 || errno == EAGAIN, "write");
      if (n > 0) written += (size_t)n;
      if (written == ninput) {
        close(in[1]);
        fds[0].fd = -1;
      }
    }
    if (fds[1].revents != 0) {
      if (length + 1 == room) need((output = realloc(output, room *= 2)) != NULL, "realloc");
      ssize_t n = read(out[0], output + length, room - length - 1);
      need(n >= 0 || errno == EAGAIN, "read");
      if (n > 0) length += (size_t)n;
      if (n == 0) {
        close(out[0]);
        fds[1].fd = -1;
      }
    }
  }
  output[length] = '\0';
  bool well = ended_well(pid) && same(output, length);
  free(output);
  return well;
}
