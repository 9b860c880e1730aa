/* SPDX-License-Identifier: BSD-3-Clause */
/* What a command says, in three seconds at most: its standard input is ours, read to its end before.
 *
 *   echo 3 2 1 | capture tr ' ' '\n'
 *
 * A child of its own that lives on is no reason to wait, and nothing of it is left when the time is up. */
#include <forkexec.h>
#include <stdio.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
  static char input[1 << 20];
  char message[200];
  fe_attr attr = FE_ATTR_INIT;
  fe_io io = FE_IO_INIT;
  fe_result result;
  fe_error error;
  if (argc < 2) {
    fprintf(stderr, "usage: capture COMMAND [ARGUMENT]...\n");
    return 125;
  }
  attr.argv = argv + 1;
  attr.flags = FE_SEARCH_PATH | FE_SETSID;
  io.input = input;
  io.ninput = fread(input, 1, sizeof input, stdin);
  io.max_output = 16 << 20;
  io.timeout_ms = 3000;
  io.grace_ms = 500; /* between SIGTERM and SIGKILL, which the whole group gets */
  io.flags = FE_IO_GROUP;
  if (fe_run(&attr, &io, &result, &error) != 0) {
    fe_error_message(&error, message, sizeof message);
    fprintf(stderr, "capture: %s: %s\n", argv[1], message);
    fe_result_free(&result);
    return 126;
  }
  printf("status %d, %.3f s%s\n%zu bytes of output%s:\n%s\n%zu bytes of errors:\n%s\n", result.status,
         (double)result.elapsed_ns / 1e9, result.flags & FE_RESULT_TIMED_OUT ? ", stopped" : "",
         result.noutput, result.flags & FE_RESULT_OUTPUT_CUT ? " (and more)" : "", result.output,
         result.nerrors, result.errors);
  int failed = !WIFEXITED(result.status) || WEXITSTATUS(result.status) != 0;
  fe_result_free(&result);
  return failed;
}
