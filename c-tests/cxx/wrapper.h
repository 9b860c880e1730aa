/* SPDX-License-Identifier: BSD-3-Clause */
/* What the two files of the test of forkexec.hpp share: both include it, and pass its types to each other. */
#ifndef WRAPPER_H
#define WRAPPER_H

#include <forkexec.hpp>

#include "../test.h"

/* "sh -c script". */
inline forkexec::command shell(const char *script) {
  forkexec::command sh{"sh", "-c", script};
  sh.path = "/bin/sh";
  return sh;
}

inline void check_text(const std::string &got, const char *wanted) { CHECK_STR(got.c_str(), wanted); }

/* The second file: a child and an error made in its copy of the inline functions. */
forkexec::child started_elsewhere(const forkexec::command &what);
std::error_code failed_elsewhere();
const std::error_category *category_elsewhere();

#endif
