#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

constexpr UnixMillis kLatest = 253'402'300'799'999;  // the end of the year 9999
constexpr auto kCheckInterval = std::chrono::milliseconds(50);
constexpr size_t kMaxFileSize = 128;

class Descriptor final {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

// What the file says: the time is start + offset + (real now - written).
struct Setting {
  UnixMillis start = 0;
  int64_t offset = 0;
  UnixMillis written = 0;
};

// Tells one written version of the file from the next: each is a new inode or a later change.
struct Version {
  ino_t inode = 0;
  int64_t changed_s = 0;
  int64_t changed_ns = 0;
  friend bool operator==(const Version&, const Version&) = default;
};

Version VersionOf(const struct stat& info) {
  return {info.st_ino, info.st_ctim.tv_sec, info.st_ctim.tv_nsec};
}

UnixMillis RealNow() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

UnixMillis TimeAt(const Setting& setting, UnixMillis real_now) {
  return setting.start + setting.offset + std::max<int64_t>(real_now - setting.written, 0);
}

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status IoError(const std::string& path) {
  return Refuse(Reason::kStoreUnavailable,
                "the clock file " + path + " cannot be used: " + std::strerror(errno));
}

std::optional<int64_t> TakeNumber(std::string_view& text, char end) {
  int64_t number = 0;
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const size_t used = static_cast<size_t>(rest - text.data());
  if (error != std::errc() || used == text.size() || *rest != end || number < 0 ||
      number > kLatest) {
    return std::nullopt;
  }
  text.remove_prefix(used + 1);
  return number;
}

std::optional<Setting> ParseSetting(std::string_view text) {
  const std::optional<int64_t> start = TakeNumber(text, ' ');
  const std::optional<int64_t> offset = start.has_value() ? TakeNumber(text, ' ') : std::nullopt;
  const std::optional<int64_t> written = offset.has_value() ? TakeNumber(text, '\n') : std::nullopt;
  if (!written.has_value() || !text.empty() || *start + *offset > kLatest) {
    return std::nullopt;
  }
  return Setting{*start, *offset, *written};
}

absl::StatusOr<Setting> ReadSetting(const std::string& path, Version& version) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (file.get() < 0 || fstat(file.get(), &info) != 0) {
    return IoError(path);
  }
  char buffer[kMaxFileSize];
  const ssize_t size = read(file.get(), buffer, sizeof(buffer));
  if (size < 0) {
    return IoError(path);
  }
  version = VersionOf(info);
  const std::optional<Setting> setting =
      ParseSetting(std::string_view(buffer, static_cast<size_t>(size)));
  if (!setting.has_value()) {
    return Refuse(Reason::kDataCorrupt, "the clock file " + path + " is not valid");
  }
  return *setting;
}

// Readers see either the old file or the new one: a rename replaces it.
absl::Status WriteSetting(const std::string& path, const Setting& setting) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) {
    return IoError(path);
  }
  const std::string line = std::to_string(setting.start) + " " + std::to_string(setting.offset) +
                           " " + std::to_string(setting.written) + "\n";
  if (write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
      fchmod(file.get(), 0644) != 0 || fsync(file.get()) != 0 ||
      rename(temporary.c_str(), path.c_str()) != 0) {
    absl::Status error = IoError(path);
    unlink(temporary.c_str());
    return error;
  }
  return absl::OkStatus();
}

}  // namespace

struct FileClock::Impl {
  void MaybeReload(UnixMillis real_now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex) {
    const auto now = std::chrono::steady_clock::now();
    if (now - checked < kCheckInterval) {
      return;
    }
    checked = now;
    struct stat info;
    if (stat(path.c_str(), &info) != 0 || VersionOf(info) == version) {
      return;
    }
    // A bad file is read once and then left alone until it changes again.
    version = VersionOf(info);
    const absl::StatusOr<Setting> read = ReadSetting(path, version);
    if (read.ok() && TimeAt(*read, real_now) >= std::max(latest, TimeAt(setting, real_now))) {
      setting = *read;
    }
  }

  std::string path;
  absl::Mutex mutex;
  Setting setting ABSL_GUARDED_BY(mutex);
  Version version ABSL_GUARDED_BY(mutex);
  std::chrono::steady_clock::time_point checked ABSL_GUARDED_BY(mutex);
  UnixMillis latest ABSL_GUARDED_BY(mutex) = 0;
};

FileClock::FileClock() : impl_(std::make_unique<Impl>()) {}
FileClock::~FileClock() = default;

absl::StatusOr<std::unique_ptr<FileClock>> FileClock::Open(const std::string& path) {
  Version version;
  ASSIGN_OR_RETURN(const Setting setting, ReadSetting(path, version));
  std::unique_ptr<FileClock> clock(new FileClock);
  clock->impl_->path = path;
  absl::MutexLock lock(&clock->impl_->mutex);
  clock->impl_->setting = setting;
  clock->impl_->version = version;
  clock->impl_->checked = std::chrono::steady_clock::now();
  return clock;
}

UnixMillis FileClock::Now() const {
  absl::MutexLock lock(&impl_->mutex);
  const UnixMillis real_now = RealNow();
  impl_->MaybeReload(real_now);
  impl_->latest = std::max(impl_->latest, TimeAt(impl_->setting, real_now));
  return impl_->latest;
}

absl::Status FileClock::Create(const std::string& path, UnixMillis start) {
  if (start < 0 || start > kLatest) {
    return Refuse(Reason::kFieldInvalid, "a clock starts between the years 1970 and 9999");
  }
  return WriteSetting(path, {start, 0, RealNow()});
}

absl::Status FileClock::Advance(const std::string& path, int64_t delta_ms) {
  if (delta_ms < 0) {
    return Refuse(Reason::kFieldInvalid, "a clock can only be moved forward");
  }
  // Two processes that advance at once must add up. The directory is locked, not the file, since
  // the file is another one after each rename.
  const Descriptor directory(open(DirectoryOf(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || flock(directory.get(), LOCK_EX) != 0) {
    return IoError(path);
  }
  Version version;
  ASSIGN_OR_RETURN(Setting setting, ReadSetting(path, version));
  if (delta_ms > kLatest - setting.start - setting.offset) {
    return Refuse(Reason::kFieldInvalid, "a clock cannot be moved beyond the year 9999");
  }
  setting.offset += delta_ms;
  return WriteSetting(path, setting);
}

}  // namespace comity
