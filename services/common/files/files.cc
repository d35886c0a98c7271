#include "services/common/files/files.h"

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

constexpr off_t kMaxFileBytes = 16 << 20;

absl::Status Failed(std::string_view what, const std::string& path, int error) {
  return Refuse(Reason::kStoreUnavailable,
                std::string(what) + " " + path + ": " + std::generic_category().message(error));
}

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

absl::Status ReadAll(int fd, const std::string& path, char* out, size_t size) {
  size_t done = 0;
  while (done < size) {
    const ssize_t n = read(fd, out + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("cannot read", path, errno);
    if (n == 0) return Refuse(Reason::kStoreUnavailable, path + " changed while it was read");
    done += static_cast<size_t>(n);
  }
  return absl::OkStatus();
}

absl::StatusOr<struct stat> OpenedSize(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return Failed("cannot stat", path, errno);
  if (!S_ISREG(info.st_mode) || info.st_size > kMaxFileBytes) {
    return Refuse(Reason::kStoreUnavailable, path + " is not a file of at most 16 MiB");
  }
  return info;
}

absl::Status SyncFolderOf(const std::string& path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const Descriptor fd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0 || fsync(fd.get()) != 0) return Failed("cannot sync", folder, errno);
  return absl::OkStatus();
}

absl::Status WriteNew(const std::string& path, std::string_view bytes, mode_t mode) {
  const Descriptor fd(
      open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
  if (fd.get() < 0) return Failed("cannot create", path, errno);
  if (fchmod(fd.get(), mode) != 0) return Failed("cannot set the mode of", path, errno);
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = write(fd.get(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Failed("cannot write", path, errno);
    done += static_cast<size_t>(n);
  }
  if (fsync(fd.get()) != 0) return Failed("cannot sync", path, errno);
  return absl::OkStatus();
}

enum class Owner { kAnybody, kThisUser };

absl::StatusOr<SecretBytes> ReadPrivate(const std::string& path, Owner owner) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return Failed("cannot open", path, errno);
  ASSIGN_OR_RETURN(const struct stat info, OpenedSize(fd.get(), path));
  if ((info.st_mode & 077) != 0) {
    return Refuse(Reason::kStateNotReady, path + " can be read by others; run: chmod 600 " + path);
  }
  if (owner == Owner::kThisUser && info.st_uid != geteuid()) {
    return Refuse(Reason::kStateNotReady, path + " belongs to another user; run: chown " +
                                              std::to_string(geteuid()) + " " + path);
  }
  SecretBytes bytes(static_cast<size_t>(info.st_size));
  const std::span<uint8_t> out = bytes.RevealMutable(RevealKey::ForKeyFile());
  RETURN_IF_ERROR(ReadAll(fd.get(), path, reinterpret_cast<char*>(out.data()), out.size()));
  return bytes;
}

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  const Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return Failed("cannot open", path, errno);
  ASSIGN_OR_RETURN(const struct stat info, OpenedSize(fd.get(), path));
  std::string bytes(static_cast<size_t>(info.st_size), '\0');
  RETURN_IF_ERROR(ReadAll(fd.get(), path, bytes.data(), bytes.size()));
  return bytes;
}

absl::StatusOr<SecretBytes> ReadPrivateFile(const std::string& path) {
  return ReadPrivate(path, Owner::kAnybody);
}

absl::StatusOr<SecretBytes> ReadOwnPrivateFile(const std::string& path) {
  return ReadPrivate(path, Owner::kThisUser);
}

absl::Status WriteFileDurably(const std::string& path, std::string_view bytes, FileMode mode) {
  // The process id keeps two writers of one path from sharing a temporary file.
  const std::string temporary = path + ".new." + std::to_string(getpid());
  if (absl::Status s = WriteNew(temporary, bytes, mode == FileMode::kPrivate ? 0600 : 0644);
      !s.ok()) {
    unlink(temporary.c_str());
    return s;
  }
  if (rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    unlink(temporary.c_str());
    return Failed("cannot replace", path, error);
  }
  return SyncFolderOf(path);
}

absl::Status WritePrivateFile(const std::string& path, const SecretBytes& bytes) {
  return WriteFileDurably(path, bytes.RevealView(RevealKey::ForKeyFile()), FileMode::kPrivate);
}

absl::Status MakePrivateFolders(const std::string& path) {
  std::filesystem::path made;
  for (const std::filesystem::path& part : std::filesystem::path(path)) {
    made /= part;
    if (mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) {
      return Failed("cannot make folder", made.string(), errno);
    }
  }
  std::error_code error;
  if (!std::filesystem::is_directory(path, error)) {
    return Refuse(Reason::kStoreUnavailable, path + " is not a folder");
  }
  return absl::OkStatus();
}

bool FileExists(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

}  // namespace comity
