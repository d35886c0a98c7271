#ifndef COMITY_COMMON_STORE_FILE_BLOB_STORE_H_
#define COMITY_COMMON_STORE_FILE_BLOB_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/store/blob_store.h"
#include "services/common/store/file_calls.h"

namespace comity {

// BlobStore over files (docs/formats-store.md): the blob "a/b" is the file data/a/b@ (the sign,
// which no name can hold, keeps blobs and folders of one name apart). A blob is written and synced
// under temp/, then linked to its name, then the folder is synced, so that no name ever shows part
// of a blob. Folders stay when their last blob goes. After a failed sync puts and deletes are
// refused until it is opened again; a full disk refuses only the put that met it.
class FileBlobStore final : public BlobStore {
 public:
  // For open.cc and tests; all others use OpenFileBlobStore. `calls` must outlive the store.
  static absl::StatusOr<std::unique_ptr<FileBlobStore>> Open(const std::string& directory,
                                                             FileCalls& calls);
  // Changes nothing on disk, also not what a process left behind that was still writing; puts and
  // deletes are refused. Holds the directory like any other opener. STORE_UNAVAILABLE when there
  // is no store.
  static absl::StatusOr<std::unique_ptr<FileBlobStore>> OpenReadOnly(const std::string& directory,
                                                                     FileCalls& calls);
  ~FileBlobStore() override;

  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override;
  absl::StatusOr<std::string> Get(std::string_view name) override;
  absl::Status Delete(std::string_view name) override;
  absl::StatusOr<std::vector<Entry>> List(std::string_view prefix, std::string_view cursor,
                                          size_t limit) override;

 private:
  FileBlobStore(std::string root, int lock_fd, FileCalls& calls, bool read_only);
  static absl::StatusOr<std::unique_ptr<FileBlobStore>> Lock(const std::string& root, int flags,
                                                             FileCalls& calls, bool read_only);

  std::string PathOf(std::string_view name) const;
  absl::Status CheckWritable() const;
  absl::Status SyncFolder(const std::string& path);
  // Makes the folders of `name` durable and gives the innermost one.
  absl::StatusOr<std::string> PrepareFolder(std::string_view name);
  absl::Status WriteTemp(const std::string& path, std::string_view bytes);
  // True: `name` holds these bytes; false: it holds nothing; CONFLICT: it holds others.
  absl::StatusOr<bool> Holds(std::string_view name, std::string_view bytes);

  const std::string root_;  // "<directory>/blobs"
  const int lock_fd_;
  FileCalls& calls_;
  const bool read_only_;
  std::atomic<bool> failed_ = false;
  std::atomic<uint64_t> next_temp_ = 0;

  absl::Mutex folders_mutex_;
  std::set<std::string> folders_ ABSL_GUARDED_BY(folders_mutex_);  // known to be durable
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_FILE_BLOB_STORE_H_
