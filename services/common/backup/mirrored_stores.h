#ifndef COMITY_COMMON_BACKUP_MIRRORED_STORES_H_
#define COMITY_COMMON_BACKUP_MIRRORED_STORES_H_

#include <array>
#include <atomic>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/backup/backup_archive.h"
#include "services/common/store/forwarding_stores.h"

namespace comity {

// A record store whose every commit is in a backup as well before it is acknowledged, and before
// anybody reads it. When one could not be written there, no more are taken until the service starts
// again and brings both to the same state; reads go on. Thread-safe.
class MirroredRecordStore final : public ForwardingRecordStore {
 public:
  // Both are in the same state, and no version after `newest` has been given out. They outlive it.
  MirroredRecordStore(RecordStore* store, BackupArchive* archive, PartitionVersion newest);

  absl::StatusOr<Snapshot> Get(std::string_view partition,
                               const std::vector<std::string>& keys) override;
  absl::StatusOr<ScanPage> Scan(std::string_view partition, std::string_view begin,
                                std::string_view end, size_t limit,
                                std::optional<PartitionVersion> at) override;
  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;

  uint64_t owed_erasures() const override {
    return behind_->owed_erasures() + archive_->owed_erasures();
  }

  // Whether everything that was acknowledged is in the backup, and commits are taken.
  bool in_step() const { return !failed_.load(); }

 private:
  // A commit of a partition holds its stripe until it is in both, and readers wait for that: the
  // store behind has as many, so that commits which do not wait there do not wait here.
  struct alignas(64) Stripe {
    absl::Mutex mutex;
    PartitionVersion newest ABSL_GUARDED_BY(mutex) = 0;  // that was given out to one of it
  };
  Stripe& StripeOf(std::string_view partition);
  absl::Status Keep(std::string_view partition, const std::vector<Mutation>& mutations,
                    PartitionVersion version);

  BackupArchive* const archive_;
  std::array<Stripe, 1024> stripes_;
  std::atomic<bool> failed_ = false;
};

// The same for blobs, which are as public in the backup as they are here: files of a log.
class MirroredBlobStore final : public ForwardingBlobStore {
 public:
  MirroredBlobStore(BlobStore* store, BlobStore* backup)
      : ForwardingBlobStore(store), backup_(backup) {}

  absl::Status PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) override;
  absl::Status Delete(std::string_view name) override;

 private:
  BlobStore* const backup_;
};

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_MIRRORED_STORES_H_
