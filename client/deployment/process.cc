#include "client/deployment/process.h"

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

extern char** environ;

namespace comity {
namespace {

// "<boot id> <start time in ticks since boot>" of a process; empty if it is gone or a zombie.
std::string BirthOf(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(stat)), std::istreambuf_iterator<char>());
  // The second field is the program's name in brackets and may hold anything.
  const size_t end = text.rfind(')');
  if (end == std::string::npos) return {};
  std::istringstream rest(text.substr(end + 1));
  std::string state;
  std::string field;
  rest >> state;
  constexpr int kStartTime = 22;  // proc(5)
  for (int i = 4; i <= kStartTime; ++i) rest >> field;
  if (state == "Z" || state == "X" || field.empty()) return {};
  std::string boot;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> boot;
  return boot + " " + field;
}

class SpawnSettings final {
 public:
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

}  // namespace

std::optional<pid_t> DetachedProcess::Running() const {
  const absl::StatusOr<std::string> text = ReadFile(pid_file_);
  if (!text.ok()) return std::nullopt;
  std::istringstream in(*text);
  pid_t pid = 0;
  std::string boot;
  std::string ticks;
  if (!(in >> pid >> boot >> ticks) || pid <= 1) return std::nullopt;
  // Collects it when it was a child of this process and is dead.
  waitpid(pid, nullptr, WNOHANG);
  if (BirthOf(pid) != boot + " " + ticks) return std::nullopt;
  return pid;
}

absl::Status DetachedProcess::Start(const std::vector<std::string>& arguments,
                                    const std::string& log_file) const {
  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&settings.actions, STDOUT_FILENO, log_file.c_str(),
                                   O_WRONLY | O_CREAT | O_APPEND, 0600);
  posix_spawn_file_actions_adddup2(&settings.actions, STDOUT_FILENO, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&settings.actions, STDERR_FILENO + 1);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) {
    argv.push_back(const_cast<char*>(argument.c_str()));  // NOLINT: the C interface does not write
  }
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, arguments.front().c_str(), &settings.actions,
                                &settings.attributes, argv.data(), environ);
  if (error != 0) {
    return Refuse(Reason::kStoreUnavailable,
                  "cannot start " + arguments.front() + ": " + std::strerror(error));
  }
  absl::Status written = WriteFileDurably(
      pid_file_, std::to_string(pid) + " " + BirthOf(pid) + "\n", FileMode::kPrivate);
  // One that cannot be found again must not run on.
  if (!written.ok()) kill(pid, SIGKILL);
  return written;
}

void DetachedProcess::Signal(int signal) const {
  if (const std::optional<pid_t> pid = Running(); pid.has_value()) kill(*pid, signal);
}

void DetachedProcess::Forget() const {
  if (!Running().has_value()) unlink(pid_file_.c_str());
}

}  // namespace comity
