/* SPDX-License-Identifier: BSD-3-Clause */
/* A program of somebody else's: it starts what its arguments say. */
#include <forkexec.h>
#include <stdio.h>

int main(int argc, char **argv) {
  fe_attr attr = FE_ATTR_INIT;
  fe_child child = FE_CHILD_INIT;
  int status = -1;
  (void)argc;
  attr.argv = argv + 1;
  attr.flags = FE_SEARCH_PATH;
  if (fe_spawn(&attr, &child, NULL) != 0 || fe_wait(&child, -1, &status) != 0) return 2;
  fe_child_close(&child);
  printf("C, %s, status %d\n", fe_version(), status);
  return 0;
}
