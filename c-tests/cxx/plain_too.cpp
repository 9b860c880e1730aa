/* SPDX-License-Identifier: BSD-3-Clause */
#include <forkexec.hpp>

std::string plain_too();

std::string plain_too() {
  std::error_code error;
  (void)forkexec::run({"/nonexistent"}, error);
  return error.message();
}
