#include "tests/bench/bare_process.h"

#include <array>
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/status/reason.h"

extern char** environ;

namespace comity::bench {
namespace {

std::string ProgramPath() {
  return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "bench_bare_server")
      .string();
}

std::string ReadLine(int fd) {
  std::string line;
  char c = 0;
  while (read(fd, &c, 1) == 1 && c != '\n') line.push_back(c);
  return line;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BareProcess>> BareProcess::Start(const std::string& service_folder,
                                                                const std::string& copies) {
  std::array<int, 2> input{};
  std::array<int, 2> output{};
  if (pipe2(input.data(), O_CLOEXEC) != 0 || pipe2(output.data(), O_CLOEXEC) != 0) {
    return Refuse(Reason::kStoreUnavailable, "no pipe");
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, input[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  // A session of its own, as the services have: schedulers may share out the cores by session.
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  std::string program = ProgramPath();
  std::string folder = service_folder;
  std::string target = copies;
  const std::array<char*, 4> arguments = {program.data(), folder.data(), target.data(), nullptr};
  pid_t pid = 0;
  const int error =
      posix_spawn(&pid, program.c_str(), &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  close(input[0]);
  close(output[1]);
  std::unique_ptr<BareProcess> process;
  if (error == 0) process.reset(new BareProcess(pid, input[1]));
  const std::string port = error == 0 ? ReadLine(output[0]) : std::string();
  close(output[0]);
  if (port.empty()) return Refuse(Reason::kStoreUnavailable, program + " does not start");
  process->address_ = "127.0.0.1:" + port;
  return process;
}

BareProcess::~BareProcess() {
  close(input_);
  waitpid(pid_, nullptr, 0);
}

}  // namespace comity::bench
