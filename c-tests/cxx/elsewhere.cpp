/* SPDX-License-Identifier: BSD-3-Clause */
#include "wrapper.h"

forkexec::child started_elsewhere(const forkexec::command &what) { return forkexec::spawn(what); }

std::error_code failed_elsewhere() {
  std::error_code error;
  const forkexec::child none = forkexec::spawn({"/nonexistent"}, error);
  CHECK(!none);
  return error;
}

const std::error_category *category_elsewhere() { return &forkexec::category(); }
