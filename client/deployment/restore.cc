#include "client/deployment/restore.h"

#include <cerrno>
#include <cstdio>
#include <utility>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client/deployment/backups.h"
#include "client/deployment/process.h"
#include "client/deployment/programs.h"
#include "client/deployment/token_access.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

extern char** environ;

namespace comity {
namespace {

// Of --restore-test (services/common/server/service_main.h).
constexpr int kRight = 0;
constexpr int kViolations = 3;

absl::StatusOr<std::vector<std::string>> SharesOf(const Supervisor& supervisor,
                                                  const RestoreOptions& options) {
  const RegionInfo* region = supervisor.topology().FindRegion(options.region);
  const auto& seal = region->service(ServiceKind::kCustody).shamir_seal;
  if (!seal.has_value() || !options.shares.empty()) return options.shares;
  std::vector<std::string> shares;
  for (const SealHolderInfo& holder : seal->holders) {
    const std::string path = supervisor.paths().SealShare(options.region.name(), holder.person);
    if (shares.size() < seal->threshold && FileExists(path)) shares.push_back(path);
  }
  return shares;
}

absl::StatusOr<std::vector<std::string>> ArgumentsOf(const Supervisor& supervisor,
                                                     const RestoreOptions& options) {
  const DeploymentPaths& paths = supervisor.paths();
  const std::string own = paths.Service(options.region.name(), ServiceKind::kCustody);
  const std::string backup =
      options.backup.empty() ? BackupFolder(paths, options.region) : options.backup;
  if (backup.empty()) {
    return Refuse(Reason::kStateNotReady,
                  "no backups are kept here (`comity up --backup DIR`); name one with --from");
  }
  std::vector<std::string> arguments = {ProgramFolder() + "/comity-custody",
                                        "--topology",
                                        paths.Topology(),
                                        "--region",
                                        options.region.name(),
                                        "--dir",
                                        options.test ? own + ".restore-test" : own,
                                        "--restore",
                                        backup};
  const auto add = [&arguments](const std::string& flag, const std::vector<std::string>& values) {
    for (const std::string& value : values) arguments.insert(arguments.end(), {flag, value});
  };
  if (options.test) arguments.push_back("--restore-test");
  if (FileExists(paths.Clock())) add("--test-clock", {paths.Clock()});
  ASSIGN_OR_RETURN(const std::vector<std::string> shares, SharesOf(supervisor, options));
  add("--share", shares);
  add("--checkpoint", options.checkpoints);
  if (!options.root_key.empty()) add("--root-key", {options.root_key});
  const RegionInfo* region = supervisor.topology().FindRegion(options.region);
  if (!options.pkcs11_module.empty()) {
    arguments.insert(arguments.end(), {"--pkcs11-module", options.pkcs11_module,
                                       "--pkcs11-pin-file", options.pkcs11_pin_file});
  } else if (region->service(ServiceKind::kCustody).pkcs11_seal.has_value()) {
    const std::vector<std::string> token = TokenFlags(paths, options.region);
    arguments.insert(arguments.end(), token.begin(), token.end());
  }
  return arguments;
}

// What a pipe gives until its end, line by line.
void ReadLines(int fd, const std::function<void(const std::string&)>& line) {
  std::string rest;
  char buffer[4096];
  while (true) {
    const ssize_t n = read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    rest.append(buffer, static_cast<size_t>(n));
    for (size_t end = rest.find('\n'); end != std::string::npos; end = rest.find('\n')) {
      line(rest.substr(0, end));
      rest.erase(0, end + 1);
    }
  }
}

struct Ended {
  int code = -1;
  std::string refusal;  // the last line that is a refusal
};

absl::StatusOr<Ended> RunToEnd(std::vector<std::string> arguments,
                               const std::function<void(const std::string&)>& line) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Refuse(Reason::kStoreUnavailable, "no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDERR_FILENO);
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  pid_t pid = 0;
  const int error = posix_spawn(&pid, argv.front(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (error != 0) {
    close(ends[0]);
    return Refuse(Reason::kStoreUnavailable, "the program " + arguments.front() +
                                                 " cannot be run; build it, or set COMITY_BIN_DIR");
  }
  constexpr std::string_view kRefusal = "cannot restore: ";
  constexpr std::string_view kCause = ". Cause: ";
  Ended ended;
  ReadLines(ends[0], [&](const std::string& text) {
    if (text.starts_with(kRefusal)) {
      const size_t cause = text.find(kCause);
      ended.refusal =
          text.substr(cause == std::string::npos ? kRefusal.size() : cause + kCause.size());
    } else if (line) {
      line(text);
    }
  });
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  ended.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ended;
}

}  // namespace

absl::StatusOr<bool> RestoreCustody(const Supervisor& supervisor, const RestoreOptions& options,
                                    const std::function<void(const std::string&)>& line) {
  if (supervisor.topology().FindRegion(options.region) == nullptr) {
    return Refuse(Reason::kFieldInvalid, "there is no region \"" + options.region.name() + "\"");
  }
  const std::string own = supervisor.paths().Service(options.region.name(), ServiceKind::kCustody);
  if (DetachedProcess(own + "/pid").Running().has_value()) {
    return Refuse(Reason::kStateNotReady,
                  "custody of region " + options.region.name() +
                      " is running: `comity down`, or with --test --restart");
  }
  ASSIGN_OR_RETURN(const std::vector<std::string> arguments, ArgumentsOf(supervisor, options));
  ASSIGN_OR_RETURN(const Ended ended, RunToEnd(arguments, line));
  if (ended.code == kRight) return true;
  if (ended.code == kViolations && options.test) return false;
  return Refuse(Reason::kStateNotReady, ended.refusal.empty()
                                            ? "the program ended with " + std::to_string(ended.code)
                                            : ended.refusal);
}

}  // namespace comity
