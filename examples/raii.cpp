/* SPDX-License-Identifier: BSD-3-Clause */
/* What a build tool does at its start, by forkexec.hpp: are the programs there, and which versions are they?
 *
 *   raii cc ld make
 *
 * All run at once. Nothing is closed, killed or waited for by hand: what goes out of scope does that. */
#include <forkexec.hpp>

#include <iostream>

using namespace std::chrono_literals;

int main(int argc, char **argv) {
  struct running {
    std::string name;
    forkexec::child child;
  };
  std::vector<running> programs;
  bool missing = false;

  for (int i = 1; i < argc; i++) {
    forkexec::command ask{argv[i], "--version"};
    ask.raw.flags = FE_SEARCH_PATH | FE_PIDFD;
    ask.files = {FE_NULL, FE_TO_PIPE, FE_SAME_AS(1)};
    /* A program that is not there is to be expected: no exception for it. */
    std::error_code error;
    forkexec::child child = forkexec::spawn(ask, error);
    if (error == std::errc::no_such_file_or_directory) {
      std::cout << argv[i] << ": missing\n";
      missing = true;
      continue;
    }
    if (error) {
      std::cerr << "raii: " << argv[i] << ": " << error.message() << '\n'; /* with the step that failed */
      return 1;
    }
    /* If we leave before we have waited for it, whether by return or by an exception, it is ended then. */
    child.at_end(forkexec::ending::stop, 100ms);
    programs.push_back({argv[i], std::move(child)});
  }

  try {
    forkexec::io io;
    io.raw.timeout_ms = 5000;
    io.raw.max_output = 4096;
    for (running &program : programs) {
      const forkexec::result said = program.child.communicate(io);
      if (said.timed_out()) throw std::runtime_error(program.name + " does not answer");
      const bool knows = said.status.success();
      std::cout << program.name << ": " << (knows ? said.output.substr(0, said.output.find('\n')) : "of no version") << '\n';
    }
  } catch (const std::exception &failure) { /* std::system_error, if the library has it to tell */
    std::cerr << "raii: " << failure.what() << '\n';
    return 1;
  }
  return missing;
}
