#include "services/common/store/file_calls.h"

#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace comity {
namespace {

int ErrnoUnless(bool ok) { return ok ? 0 : errno; }

int ReadOpen(int fd, size_t max, std::string& bytes) {
  struct stat info;
  if (fstat(fd, &info) != 0) return errno;
  if (!S_ISREG(info.st_mode)) return EISDIR;
  if (static_cast<size_t>(info.st_size) > max) return EFBIG;
  bytes.resize(static_cast<size_t>(info.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t n = read(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  bytes.resize(done);
  return 0;
}

}  // namespace

int PosixFileCalls::Create(const std::string& path, int& fd) {
  fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  return ErrnoUnless(fd >= 0);
}

int PosixFileCalls::Write(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return 0;
}

int PosixFileCalls::Sync(int fd) { return ErrnoUnless(fsync(fd) == 0); }

void PosixFileCalls::Close(int fd) { close(fd); }

int PosixFileCalls::Link(const std::string& from, const std::string& to) {
  return ErrnoUnless(link(from.c_str(), to.c_str()) == 0);
}

int PosixFileCalls::Remove(const std::string& path) {
  return ErrnoUnless(unlink(path.c_str()) == 0);
}

int PosixFileCalls::MakeDirectory(const std::string& path) {
  return ErrnoUnless(mkdir(path.c_str(), 0700) == 0);
}

int PosixFileCalls::SyncDirectory(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = ErrnoUnless(fsync(fd) == 0);
  close(fd);
  return error;
}

int PosixFileCalls::Read(const std::string& path, size_t max, std::string& bytes) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return errno;
  const int error = ReadOpen(fd, max, bytes);
  close(fd);
  return error;
}

}  // namespace comity
