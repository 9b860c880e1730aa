/* SPDX-License-Identifier: BSD-3-Clause */
/* The staged way: whom it is for. Needs test.h. */
#ifndef STAGED_H
#define STAGED_H

#include "beside.h"

enum { NOBODY = 65534, LARGE = 64 << 20 };

static fe_credential nobody = FE_CREDENTIAL_INIT;

static inline fe_attr as_nobody(void) {
  nobody.uid = nobody.gid = NOBODY;
  fe_attr attr = nothing();
  attr.credential = &nobody;
  return attr;
}

/* Root with all that it may have, and a kernel; and the way's own conditions hold. */
static inline void need_stage(void) {
  need_root();
  if (world() != WORLD_KERNEL) skip("memory is not shared here");
  fe_attr attr = as_nobody();
  attr.way = FE_WAY_STAGED;
  fe_child child;
  fe_error error;
  if (fe_spawn(&attr, &child, &error) != 0 && error.step == FE_STEP_STAGE)
    skip("needs all capabilities of the bounding set, and executable files in memory");
  fe_wait(&child, -1, NULL);
  fe_child_close(&child);
}

#endif
