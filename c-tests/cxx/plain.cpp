/* SPDX-License-Identifier: BSD-3-Clause */
/* All that there is without exceptions, in a program of two files that both include the header. */
#include <forkexec.hpp>

#include <cstdio>

std::string plain_too();

int main() {
  std::error_code error;
  forkexec::io io;
  std::string heard;
  io.sink = [&](int, std::string_view data) {
    heard += data;
    return true;
  };
  forkexec::command sh{"sh", "-c", "cat; echo said"};
  sh.raw.flags = FE_SEARCH_PATH;
  sh.files = {FE_FROM_PIPE, FE_TO_PIPE, 2};
  forkexec::child child = forkexec::spawn(sh, error);
  if (!child || error || child.wait_for(std::chrono::seconds(0), error)) return 1;
  child.kill(0, error);
  child.kill_tree(0, error);
  if (error) return 2;
  if (!child.communicate(io, error).status.success()) return 3;
  std::printf("%s%s\n", heard.c_str(), plain_too().c_str());
  child = forkexec::spawn(sh, error);
  child.at_end(forkexec::ending::stop);
  if (child.stop(std::chrono::seconds(0), 0, error).signal() != SIGKILL) return 4;
  child.kill_group(0, error);
  child.finish(error);
  child.resume(error);
  if (!error || child.wait(error).success()) return 5;
  fe_error why;
  sh.files = {0, 1, 2, 999};
  if (forkexec::run(sh, io, why).status.success()) return 6;
  std::printf("%s\n", forkexec::make_code(why).message().c_str());
  return 0;
}
