#include "services/common/store/private_directory.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

absl::Status Failed(const std::string& path, int error) {
  return Refuse(Reason::kStoreUnavailable, path + ": " + std::generic_category().message(error));
}

absl::Status SyncFolder(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return Failed(path, errno);
  const int error = fsync(fd) == 0 ? 0 : errno;
  close(fd);
  return error == 0 ? absl::OkStatus() : Failed(path, error);
}

}  // namespace

absl::Status MakePrivateDirectory(const std::string& path) {
  struct stat info;
  if (stat(path.c_str(), &info) == 0) {
    return S_ISDIR(info.st_mode) ? absl::OkStatus() : Failed(path, ENOTDIR);
  }
  if (errno != ENOENT) return Failed(path, errno);
  std::string parent = std::filesystem::path(path).parent_path().string();
  if (parent.empty()) parent = ".";
  RETURN_IF_ERROR(MakePrivateDirectory(parent));
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return Failed(path, errno);
  return SyncFolder(parent);
}

}  // namespace comity
