#include "client/deployment/ephemeral.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "client/deployment/process.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr char kMarkText[] = "This deployment and this folder are removed by `comity down`.\n";

std::string Mark(const std::string& directory) { return directory + "/ephemeral"; }
DetachedProcess Guard(const std::string& directory) {
  return DetachedProcess(directory + "/guard.pid");
}

}  // namespace

absl::StatusOr<std::string> MakeEphemeralFolder() {
  const char* parent = std::getenv("TMPDIR");
  std::string folder =
      std::string(parent != nullptr && *parent != '\0' ? parent : "/tmp") + "/comity-XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) {
    return Refuse(Reason::kStoreUnavailable,
                  "cannot make a folder " + folder + ": " + std::strerror(errno));
  }
  RETURN_IF_ERROR(WriteFileDurably(Mark(folder), kMarkText, FileMode::kPrivate));
  return folder;
}

bool IsEphemeral(const std::string& directory) { return FileExists(Mark(directory)); }

absl::Status GuardEphemeral(const std::string& directory, const std::string& program, pid_t owner) {
  const DetachedProcess guard = Guard(directory);
  if (guard.Running().has_value()) return absl::OkStatus();
  return guard.Start({program, "--deployment", directory, "down", "--after", std::to_string(owner)},
                     directory + "/guard.txt");
}

absl::Status RemoveEphemeral(const std::string& directory) {
  if (!IsEphemeral(directory)) {
    return Refuse(Reason::kStateNotReady, directory + " was not made to be removed");
  }
  if (const auto guard = Guard(directory).Running(); guard.has_value() && *guard != getpid()) {
    Guard(directory).Signal(SIGTERM);
  }
  std::error_code error;
  std::filesystem::remove_all(directory, error);
  return error ? Refuse(Reason::kStoreUnavailable,
                        "cannot remove " + directory + ": " + error.message())
               : absl::OkStatus();
}

void AwaitEndOf(pid_t process) {
  // By descriptor: the number may be another process's by the time it is looked at again.
  const auto fd = static_cast<int>(syscall(SYS_pidfd_open, process, 0U));
  if (fd < 0) return;
  pollfd ended{fd, POLLIN, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  close(fd);
}

}  // namespace comity
