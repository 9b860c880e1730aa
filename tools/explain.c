/* SPDX-License-Identifier: BSD-3-Clause */
/* --explain: what would be done, in place of doing it. */

#include "outcome.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

int explain(const struct job *job) {
  fe_attr attr = attr_to_spawn(job);
  fe_error error;
  char *text = NULL;
  size_t size = 0;
  uint32_t form = (uint32_t)job->explain;
  ssize_t length;
  while ((length = fe_explain(&attr, form, text, size, &error)) >= (ssize_t)size) {
    free(text);
    size = (size_t)length + 1;
    text = allocate(size, 1);
  }
  if (length < 0) {
    report(&attr, &error);
    return FAILED;
  }
  /* The object is no line by itself. */
  if (job->explain == FE_EXPLAIN_JSON) text[length++] = '\n';
  if (!write_all(STDOUT_FILENO, text, (size_t)length)) DIE("standard output: %s", strerror(errno));
  free(text);
  return 0;
}
