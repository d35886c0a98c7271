#include "tests/e2e/program.h"

#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

namespace comity::testing {
namespace {

std::vector<std::string> Environment(const std::string& home) {
  std::vector<std::string> environment = {"COMITY_HOME=" + home};
  for (const char* name : {"PATH", "TMPDIR", "COMITY_BIN_DIR", "SOFTHSM2_CONF"}) {
    if (const char* value = std::getenv(name); value != nullptr) {
      environment.push_back(std::string(name) + "=" + value);
    }
  }
  return environment;
}

std::vector<char*> Pointers(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (std::string& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

std::string ComityProgram() {
  const char* folder = std::getenv("COMITY_BIN_DIR");
  return std::string(folder == nullptr ? "." : folder) + "/comity";
}

ProgramResult RunComity(const std::string& home, const std::vector<std::string>& arguments) {
  std::vector<std::string> argv = {ComityProgram()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  return RunProgram(home, std::move(argv));
}

ProgramResult RunProgram(const std::string& home, std::vector<std::string> arguments) {
  std::vector<std::string> environment = Environment(home);
  ProgramResult result;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return result;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments.front().c_str(), &actions, nullptr,
                                Pointers(arguments).data(), Pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  char buffer[4096];
  for (ssize_t n = 0; error == 0 && (n = read(ends[0], buffer, sizeof(buffer))) > 0;) {
    result.output.append(buffer, static_cast<size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  if (error == 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status)) {
    result.exit_code = WEXITSTATUS(status);
  }
  return result;
}

}  // namespace comity::testing
