#include "services/common/store/file_blob_store.h"

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/blob_listing.h"
#include "services/common/store/blob_names.h"
#include "services/common/store/private_directory.h"

namespace comity {
namespace {

// Past this the set of known folders starts again, at the cost of a sync for each.
constexpr size_t kMaxKnownFolders = 65'536;
// A put whose name others keep creating and deleting gives up.
constexpr int kMaxLinkAttempts = 8;

absl::Status Failed(std::string_view what, int error) {
  return Refuse(Reason::kStoreUnavailable,
                std::string(what) + ": " + std::generic_category().message(error));
}

// Blobs that a process which ended was still writing.
absl::Status RemoveChildren(const std::string& path) {
  std::error_code error;
  std::filesystem::directory_iterator it(path, error);
  for (; !error && it != std::filesystem::directory_iterator(); it.increment(error)) {
    std::filesystem::remove(it->path(), error);
    if (error) break;
  }
  if (error) return Failed("clearing unfinished blobs", error.value());
  return absl::OkStatus();
}

// Removes the temporary name, whatever became of the blob.
class TempName final {
 public:
  TempName(FileCalls& calls, std::string path) : calls_(calls), path_(std::move(path)) {}
  TempName(const TempName&) = delete;
  TempName& operator=(const TempName&) = delete;
  // One that stays after an error is cleared when the store is next opened.
  ~TempName() { calls_.Remove(path_); }
  const std::string& path() const { return path_; }

 private:
  FileCalls& calls_;
  const std::string path_;
};

}  // namespace

FileBlobStore::FileBlobStore(std::string root, int lock_fd, FileCalls& calls, bool read_only)
    : root_(std::move(root)), lock_fd_(lock_fd), calls_(calls), read_only_(read_only) {}

FileBlobStore::~FileBlobStore() { close(lock_fd_); }

absl::StatusOr<std::unique_ptr<FileBlobStore>> FileBlobStore::Lock(const std::string& root,
                                                                   int flags, FileCalls& calls,
                                                                   bool read_only) {
  const int lock_fd = open((root + "/lock").c_str(), flags | O_CLOEXEC, 0600);
  if (lock_fd < 0) return Failed("opening the lock file", errno);
  auto store = std::unique_ptr<FileBlobStore>(new FileBlobStore(root, lock_fd, calls, read_only));
  if (flock(lock_fd, LOCK_EX | LOCK_NB) != 0) return Failed("the store is in use", errno);
  return store;
}

absl::StatusOr<std::unique_ptr<FileBlobStore>> FileBlobStore::Open(const std::string& directory,
                                                                   FileCalls& calls) {
  const std::string root = (std::filesystem::path(directory) / "blobs").string();
  RETURN_IF_ERROR(MakePrivateDirectory(root + "/data"));
  RETURN_IF_ERROR(MakePrivateDirectory(root + "/temp"));
  ASSIGN_OR_RETURN(std::unique_ptr<FileBlobStore> store,
                   Lock(root, O_RDWR | O_CREAT, calls, /*read_only=*/false));
  RETURN_IF_ERROR(RemoveChildren(root + "/temp"));
  return store;
}

absl::StatusOr<std::unique_ptr<FileBlobStore>> FileBlobStore::OpenReadOnly(
    const std::string& directory, FileCalls& calls) {
  return Lock((std::filesystem::path(directory) / "blobs").string(), O_RDONLY, calls,
              /*read_only=*/true);
}

std::string FileBlobStore::PathOf(std::string_view name) const {
  return (root_ + "/data/").append(name) + kBlobFileMark;
}

absl::Status FileBlobStore::CheckWritable() const {
  if (read_only_) return Refuse(Reason::kStoreUnavailable, "opened only to be read");
  if (!failed_.load()) return absl::OkStatus();
  return Refuse(Reason::kStoreUnavailable, "read-only since a sync failed; open the store again");
}

absl::Status FileBlobStore::SyncFolder(const std::string& path) {
  // A sync that fails may have dropped what it was to write, so that a second one would lie.
  const int error = calls_.SyncDirectory(path);
  if (error == 0) return absl::OkStatus();
  failed_.store(true);
  return Failed("syncing a folder", error);
}

absl::StatusOr<std::string> FileBlobStore::PrepareFolder(std::string_view name) {
  std::string parent = root_ + "/data";
  while (true) {
    const size_t slash = name.find('/');
    if (slash == std::string_view::npos) return parent;
    const std::string folder = (parent + "/").append(name.substr(0, slash));
    name.remove_prefix(slash + 1);

    bool known;
    {
      absl::MutexLock lock(&folders_mutex_);
      known = folders_.contains(folder);
    }
    if (!known) {
      const int error = calls_.MakeDirectory(folder);
      if (error != 0 && error != EEXIST) return Failed("making a folder", error);
      // Also when it was there: the process that made it may have ended before its sync.
      RETURN_IF_ERROR(SyncFolder(parent));
      absl::MutexLock lock(&folders_mutex_);
      if (folders_.size() >= kMaxKnownFolders) folders_.clear();
      folders_.insert(folder);
    }
    parent = folder;
  }
}

absl::Status FileBlobStore::WriteTemp(const std::string& path, std::string_view bytes) {
  int fd = -1;
  if (int error = calls_.Create(path, fd); error != 0) return Failed("creating a blob", error);
  const int write_error = calls_.Write(fd, bytes);
  const int sync_error = write_error == 0 ? calls_.Sync(fd) : 0;
  calls_.Close(fd);
  if (write_error != 0) return Failed("writing a blob", write_error);
  if (sync_error == 0) return absl::OkStatus();
  failed_.store(true);
  return Failed("syncing a blob", sync_error);
}

absl::StatusOr<bool> FileBlobStore::Holds(std::string_view name, std::string_view bytes) {
  std::string existing;
  const int error = calls_.Read(PathOf(name), kMaxBlobBytes, existing);
  if (error == ENOENT) return false;
  if (error == 0 && existing == bytes) return true;
  if (error == 0 || error == EFBIG) return Refuse(Reason::kConflict, "the blob has other bytes");
  return Failed("reading a blob", error);
}

absl::Status FileBlobStore::PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) {
  RETURN_IF_ERROR(CheckBlobName(name));
  RETURN_IF_ERROR(CheckBlobBytes(bytes));
  RETURN_IF_ERROR(CheckWritable());
  ASSIGN_OR_RETURN(bool held, Holds(name, bytes));
  ASSIGN_OR_RETURN(std::string folder, PrepareFolder(name));
  // Whoever put the equal blob may not have synced the folder yet, or never will.
  if (held) return SyncFolder(folder);

  const TempName temp(calls_, root_ + "/temp/" + std::to_string(next_temp_.fetch_add(1)));
  RETURN_IF_ERROR(WriteTemp(temp.path(), bytes));
  for (int attempt = 0; attempt < kMaxLinkAttempts; ++attempt) {
    const int error = calls_.Link(temp.path(), PathOf(name));
    if (error == 0) return SyncFolder(folder);
    if (error != EEXIST) return Failed("naming a blob", error);
    ASSIGN_OR_RETURN(held, Holds(name, bytes));
    if (held) return SyncFolder(folder);
  }
  return Refuse(Reason::kStoreUnavailable, "the blob keeps being created and deleted");
}

absl::StatusOr<std::string> FileBlobStore::Get(std::string_view name) {
  RETURN_IF_ERROR(CheckBlobName(name));
  std::string bytes;
  const int error = calls_.Read(PathOf(name), kMaxBlobBytes, bytes);
  if (error == ENOENT) return Refuse(Reason::kObjectNotFound, "there is no such blob");
  if (error == EFBIG || (error == 0 && bytes.empty())) {
    return Refuse(Reason::kDataCorrupt, "a blob has a size that was never written");
  }
  if (error != 0) return Failed("reading a blob", error);
  return bytes;
}

absl::Status FileBlobStore::Delete(std::string_view name) {
  RETURN_IF_ERROR(CheckBlobName(name));
  RETURN_IF_ERROR(CheckWritable());
  const std::string path = PathOf(name);
  const int error = calls_.Remove(path);
  if (error != 0 && error != ENOENT) return Failed("removing a blob", error);
  const std::string folder = path.substr(0, path.rfind('/'));
  // Also when it was gone: whoever removed it may have ended before the sync.
  if (error == ENOENT && !std::filesystem::exists(folder)) return absl::OkStatus();
  return SyncFolder(folder);
}

absl::StatusOr<std::vector<BlobStore::Entry>> FileBlobStore::List(std::string_view prefix,
                                                                  std::string_view cursor,
                                                                  size_t limit) {
  RETURN_IF_ERROR(CheckBlobList(prefix, cursor, limit));
  return ListBlobFiles(root_ + "/data", prefix, cursor, limit);
}

}  // namespace comity
