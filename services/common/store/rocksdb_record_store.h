#ifndef COMITY_COMMON_STORE_ROCKSDB_RECORD_STORE_H_
#define COMITY_COMMON_STORE_ROCKSDB_RECORD_STORE_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/store/record_limits.h"
#include "services/common/store/record_store.h"
#include "services/common/store/rocksdb_eraser.h"

namespace rocksdb {
class Env;
class WriteBatch;
}  // namespace rocksdb

namespace comity {

// For open.cc and tests; all others use OpenRocksRecordStore.
struct RocksRecordStoreOptions {
  rocksdb::Env* env = nullptr;   // the machine's when null; must outlive the store
  const Clock* clock = nullptr;  // ages outcomes; the system's when null; must outlive the store
  size_t write_buffer_bytes = 16 << 20;
  uint64_t version_block = 1 << 20;  // versions set aside with one synced write
  // How long what was erased waits for more, to leave the files together with it.
  std::chrono::milliseconds erase_after{5'000};
  // How long that waits at most for readers, and for files to go.
  std::chrono::milliseconds erase_patience{30'000};
  // Changes nothing on disk, not even what a crash left to be recovered; commits are refused. The
  // caller makes sure that nobody else has the store open.
  bool read_only = false;
  RecordRoom room;
  // Versions given out from now on are no smaller: for a store that takes the place of another one.
  PartitionVersion first_version = 1;
};

// RecordStore over one RocksDB database. Commits to one partition exclude each other through one of
// kStripes locks, held across the synced write; nothing else is, so that RocksDB joins concurrent
// commits into one sync. After any failed write it refuses further commits until it is opened
// again, because only the log on disk then knows what happened; reads go on.
class RocksRecordStore final : public RecordStore {
 public:
  // STORE_UNAVAILABLE, also when another opener holds the directory or its format is unknown;
  // DATA_CORRUPT when the files contradict each other.
  static absl::StatusOr<std::unique_ptr<RocksRecordStore>> Open(
      const std::string& directory, const RocksRecordStoreOptions& options);
  ~RocksRecordStore() override;

  absl::StatusOr<Snapshot> Get(std::string_view partition,
                               const std::vector<std::string>& keys) override;
  absl::StatusOr<ScanPage> Scan(std::string_view partition, std::string_view begin,
                                std::string_view end, size_t limit,
                                std::optional<PartitionVersion> at) override;
  absl::StatusOr<std::vector<std::string>> Partitions(std::string_view prefix,
                                                      std::string_view cursor,
                                                      size_t limit) override;
  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;

  uint64_t owed_erasures() const override;
  // Works off what is owed of erasures now. STORE_UNAVAILABLE.
  absl::Status EraseNow();

  // Removes expired outcomes from disk now rather than with a later compaction.
  absl::Status DropExpiredOutcomes();

 private:
  static constexpr size_t kStripes = 1024;
  struct Database;
  struct CommitView;

  RocksRecordStore(std::unique_ptr<Database> database, const RocksRecordStoreOptions& options);
  absl::Status Start(const RocksRecordStoreOptions& options);  // reads or writes its own records
  absl::Status ReadFormat();

  absl::Mutex& StripeOf(std::string_view partition);
  absl::StatusOr<CommitView> ReadForCommit(std::string_view partition, const RequestId& request_id,
                                           const std::vector<std::string>& keys);
  absl::Status ClearPartition(std::string_view partition, uint32_t keys,
                              rocksdb::WriteBatch& batch);
  absl::StatusOr<PartitionVersion> NextVersion() ABSL_LOCKS_EXCLUDED(version_mutex_);
  absl::Status Write(rocksdb::WriteBatch& batch);

  const std::unique_ptr<Database> database_;
  const Clock& clock_;
  const uint64_t version_block_;
  const bool read_only_;
  const RecordRoom room_;
  std::array<absl::Mutex, kStripes> stripes_;
  std::atomic<bool> failed_ = false;
  std::unique_ptr<RocksEraser> eraser_;  // null when it is only read

  absl::Mutex version_mutex_;
  // The next version to give out, and the durable bound below which versions may have been.
  PartitionVersion next_version_ ABSL_GUARDED_BY(version_mutex_) = 1;
  PartitionVersion version_limit_ ABSL_GUARDED_BY(version_mutex_) = 1;
};

}  // namespace comity

#endif  // COMITY_COMMON_STORE_ROCKSDB_RECORD_STORE_H_
