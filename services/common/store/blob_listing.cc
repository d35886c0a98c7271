#include "services/common/store/blob_listing.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/stat.h>

#include "services/common/clock/clock.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace fs = std::filesystem;

absl::Status Failed(const std::error_code& error) {
  return Refuse(Reason::kStoreUnavailable, "listing blobs: " + error.message());
}

// One folder's blobs by name and folders by name and slash, in the order of the names that they
// are or contain.
absl::StatusOr<std::vector<std::string>> ReadFolder(const std::string& path,
                                                    std::string_view prefix) {
  std::vector<std::string> children;
  std::error_code error;
  fs::directory_iterator it(path, error);
  if (error == std::errc::no_such_file_or_directory) return children;
  for (; !error && it != fs::directory_iterator(); it.increment(error)) {
    std::string name = std::string(prefix) + it->path().filename().string();
    if (name.back() == kBlobFileMark) {
      name.pop_back();
    } else if (it->is_directory(error)) {
      name.push_back('/');
    } else {
      continue;
    }
    children.push_back(std::move(name));
  }
  if (error) return Failed(error);
  std::sort(children.begin(), children.end());
  return children;
}

class Listing final {
 public:
  Listing(std::string data, std::string_view cursor, size_t limit)
      : data_(std::move(data)), cursor_(cursor), limit_(limit) {}

  absl::Status Walk(std::string_view prefix) {
    ASSIGN_OR_RETURN(std::vector<std::string> children,
                     ReadFolder(data_ + "/" + std::string(prefix), prefix));
    for (const std::string& child : children) {
      if (entries_.size() == limit_) break;
      if (child.back() != '/') {
        if (child > cursor_) RETURN_IF_ERROR(Add(child));
      } else if (child > cursor_ || cursor_.starts_with(child)) {
        RETURN_IF_ERROR(Walk(child));
      }
    }
    return absl::OkStatus();
  }

  std::vector<BlobStore::Entry> Take() && { return std::move(entries_); }

 private:
  absl::Status Add(const std::string& name) {
    struct stat info;
    if (lstat((data_ + "/" + name + kBlobFileMark).c_str(), &info) != 0) {
      if (errno == ENOENT) return absl::OkStatus();
      return Failed(std::error_code(errno, std::generic_category()));
    }
    const UnixMillis modified = info.st_mtim.tv_sec * kSecondMs + info.st_mtim.tv_nsec / 1'000'000;
    entries_.push_back({name, modified, static_cast<uint64_t>(info.st_size)});
    return absl::OkStatus();
  }

  const std::string data_;
  const std::string_view cursor_;
  const size_t limit_;
  std::vector<BlobStore::Entry> entries_;
};

}  // namespace

absl::StatusOr<std::vector<BlobStore::Entry>> ListBlobFiles(const std::string& data,
                                                            std::string_view prefix,
                                                            std::string_view cursor, size_t limit) {
  Listing listing(data, cursor, limit);
  RETURN_IF_ERROR(listing.Walk(prefix));
  return std::move(listing).Take();
}

}  // namespace comity
