// SPDX-License-Identifier: BSD-3-Clause
#include <cstdio>
#include <forkexec.hpp>

int main(int, char **argv) {
  forkexec::command command{argv[1]};
  command.raw.flags = FE_SEARCH_PATH;
  std::printf("C++, %s, status %d\n", fe_version(), forkexec::run(command).status.raw());
}
