#ifndef COMITY_TESTS_FAULT_UNSTEADY_FILE_SYSTEM_H_
#define COMITY_TESTS_FAULT_UNSTEADY_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace comity {

enum class FailureKind {
  kOnce,     // one call fails
  kForGood,  // that call and all after it fail, as when the power goes
};

// The machine's file system for RocksDB, of which a chosen call that changes something fails, and
// which can then lose what was not synced: the tail of a file since its last sync, and names made,
// changed or removed since their folder's last sync (in order, as journaling file systems do).
// RocksDB's own log of messages is let through uncounted.
class UnsteadyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  UnsteadyFileSystem();
  ~UnsteadyFileSystem() override;
  const char* Name() const override { return "UnsteadyFileSystem"; }

  // The `call`-th changing call from now fails; 1 is the next.
  void FailAt(uint64_t call, FailureKind kind);
  // The `sync`-th sync of a file from now fails; 1 is the next.
  void FailSyncAt(uint64_t sync, FailureKind kind);
  // Whether a call has failed since FailAt or FailSyncAt.
  bool failed() const;
  // Loses a part of what was not synced, chosen by `random`. Nothing may be open any more.
  void LoseUnsynced(std::mt19937_64& random);

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus LinkFile(const std::string& from, const std::string& to,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, size_t size,
                             const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class Directory;
  struct Extent {
    uint64_t size = 0;
    uint64_t synced = 0;
  };
  struct NameChange {
    std::string path;                         // now there, or removed
    std::optional<std::string> renamed_from;  // where it was before
    std::optional<std::string> old_content;   // what stood under `path` before
  };

  rocksdb::IOStatus Admit(bool sync = false);
  void RecordChange(const std::string& path, std::optional<std::string> renamed_from,
                    std::optional<std::string> old_content);
  void Undo(const NameChange& change);

  mutable absl::Mutex mutex_;
  uint64_t calls_to_failure_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: none planned
  uint64_t syncs_to_failure_ ABSL_GUARDED_BY(mutex_) = 0;
  FailureKind kind_ ABSL_GUARDED_BY(mutex_) = FailureKind::kOnce;
  bool failed_ ABSL_GUARDED_BY(mutex_) = false;
  std::map<std::string, std::shared_ptr<Extent>> extents_ ABSL_GUARDED_BY(mutex_);
  std::vector<NameChange> changes_ ABSL_GUARDED_BY(mutex_);
};

// RocksDB's view of a machine with that disk, on which nothing waits by the clock.
std::unique_ptr<rocksdb::Env> NewUnsteadyEnv(std::shared_ptr<UnsteadyFileSystem> disk);

}  // namespace comity

#endif  // COMITY_TESTS_FAULT_UNSTEADY_FILE_SYSTEM_H_
