/* SPDX-License-Identifier: BSD-3-Clause */
/* A child that was killed before its program ran is a failed spawn to fe_spawn, which has reaped it. To
 * POSIX it is a process like any other: posix_spawn has succeeded, and wait(2) tells what became of it. A
 * stand-in gives the caller that: a child that dies in the same way. */
#ifndef STAND_IN_H
#define STAND_IN_H

#include <forkexec.h>
#include <stdbool.h>

/* Whether the child was killed before exec. */
bool was_killed(const fe_error *error);

/* Makes the child that ends as `error` says, in the session and process group of `attr`, with a pidfd if
 * it asks for one. 0, or the error number. */
int stand_in(const fe_attr *attr, const fe_error *error, fe_child *child);

#endif
