#include "tests/testing/killed_process.h"

#include <algorithm>
#include <array>
#include <sstream>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/status/check.h"

namespace comity {

KilledProcess::KilledProcess(const std::string& program,
                             const std::vector<std::string>& arguments) {
  std::array<int, 2> ends;
  COMITY_CHECK(pipe2(ends.data(), O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  std::vector<std::string> words = arguments;
  words.insert(words.begin(), program);
  std::vector<char*> argv;
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  COMITY_CHECK(posix_spawn(&pid_, program.c_str(), &actions, nullptr, argv.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  out_ = ends[0];
}

KilledProcess::~KilledProcess() { close(out_); }

std::vector<std::string> KilledProcess::KillAfter(size_t lines) {
  std::string reported;
  std::array<char, 4096> buffer;
  bool killed = false;
  for (ssize_t n; (n = read(out_, buffer.data(), buffer.size())) > 0;) {
    reported.append(buffer.data(), static_cast<size_t>(n));
    if (!killed &&
        static_cast<size_t>(std::count(reported.begin(), reported.end(), '\n')) >= lines) {
      COMITY_CHECK(kill(pid_, SIGKILL) == 0);
      killed = true;
    }
  }
  int status = 0;
  COMITY_CHECK(waitpid(pid_, &status, 0) == pid_);
  COMITY_CHECK(killed && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  std::vector<std::string> out;
  std::istringstream in(reported.substr(0, reported.rfind('\n') + 1));
  for (std::string line; std::getline(in, line);) {
    out.push_back(line);
  }
  return out;
}

}  // namespace comity
