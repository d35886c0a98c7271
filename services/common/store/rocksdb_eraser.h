#ifndef COMITY_COMMON_STORE_ROCKSDB_ERASER_H_
#define COMITY_COMMON_STORE_ROCKSDB_ERASER_H_

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
}  // namespace rocksdb

namespace comity {

// Takes values that were erased out of every file of a RocksDB database. Deleting one only writes
// that it is gone: the value itself stays in the write-ahead log until that is dropped, and in its
// table file until a compaction happens to meet both. What is owed is a record of the database,
// written with the deletion itself, so that a crash forgets none of it (docs/formats-store.md).
// Its own thread works off what is owed, a while after it is told, so that erasures which come
// together are done together; what fails is tried again. Thread-safe.
class RocksEraser final {
 public:
  struct Families {
    rocksdb::ColumnFamilyHandle* meta = nullptr;
    rocksdb::ColumnFamilyHandle* records = nullptr;
    std::vector<rocksdb::ColumnFamilyHandle*> all;  // these two among them
  };
  // All of it outlives this.
  RocksEraser(rocksdb::DB* db, Families families, std::chrono::milliseconds wait,
              std::chrono::milliseconds patience);
  // Breaks off what is under way; it stays owed.
  ~RocksEraser();
  RocksEraser(const RocksEraser&) = delete;
  RocksEraser& operator=(const RocksEraser&) = delete;

  // Reads what is owed, and begins its thread. Once.
  absl::Status Start();
  // `keys` more are owed, durably.
  void Note(size_t keys);
  // Keys whose values may still be in some file.
  uint64_t owed() const { return owed_.load(std::memory_order_relaxed); }

  // Works off what is owed now, and returns when it is done. Only then are values gone from all
  // files that bear a name; what the file system and the disk keep of deleted files is theirs.
  // STORE_UNAVAILABLE: it stays owed.
  absl::Status Erase() ABSL_LOCKS_EXCLUDED(erasing_);

 private:
  void Run();
  bool Wait(std::chrono::milliseconds at_most, bool for_work);
  // Keys of column family `meta`.
  absl::StatusOr<std::vector<std::string>> ReadOwed();
  absl::Status DropLogs(const std::string& owed_key);
  absl::Status FlushAll(const std::string& owed_key);
  absl::Status AwaitReaders();
  absl::Status Rewrite(const std::vector<std::string>& owed);
  struct Range;
  static std::vector<Range> RangesOf(const std::vector<std::string>& owed);
  absl::Status Compact(const std::vector<Range>& ranges);  // none: everything
  // The table files in use that may hold a record of these ranges.
  std::set<std::string> FilesOf(const std::vector<Range>& ranges);
  // Table files in the folder that are not in use, or not yet.
  absl::StatusOr<std::set<std::string>> FilesNotInUse();
  absl::Status LookForUnneededFiles();
  absl::Status Forget(const std::vector<std::string>& owed);
  // Asks every few milliseconds, a bounded time.
  template <typename Ask>
  absl::Status Await(const char* what, const Ask& is_so);

  rocksdb::DB* const db_;
  const Families families_;
  const std::chrono::milliseconds wait_;
  const std::chrono::milliseconds patience_;
  std::atomic<uint64_t> owed_{0};
  std::atomic<bool> stops_{false};
  absl::Mutex erasing_;  // one erasing at a time
  absl::Mutex mutex_;
  bool has_work_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_ROCKSDB_ERASER_H_
