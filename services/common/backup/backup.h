#ifndef COMITY_COMMON_BACKUP_BACKUP_H_
#define COMITY_COMMON_BACKUP_BACKUP_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/audit/audit_log.h"
#include "services/common/backup/backup_archive.h"
#include "services/common/backup/backup_cipher.h"
#include "services/common/backup/backup_head.h"
#include "services/common/backup/mirrored_stores.h"
#include "services/common/clock/clock.h"
#include "services/common/secret/secret.h"
#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"

namespace comity {

struct BackupOptions {
  std::string folder;  // of the backup alone; made if it is absent
  std::string deployment;
  RegionId region;
  ServiceKind kind = ServiceKind::kCustody;
  std::string identity;  // the service's folder of that name
  // Of its files: what is needed to open the backup, and so rests in it as it is; what never goes
  // into one.
  std::vector<std::string> opening_files;
  std::vector<std::string> left_out;
  std::string audit;             // the folder of its audit log; empty: it keeps none
  const Clock* clock = nullptr;  // outlives the backup
  // Told now and then how many partitions are in step, while Open() brings them there. May be null.
  std::function<void(uint64_t done)> progress;
};

// A second copy of everything that a service keeps, in another folder (another disk), encrypted,
// and never behind: what the service acknowledges is in it first (docs/operations.md). Its key
// rests in the service's own store, which holds the same in the clear, and in the backup itself
// sealed by whatever the service guards its secrets with. Thread-safe.
class Backup final : public AuditCopy {
 public:
  // Begins one in an empty folder, or goes on with this service's own; brings it to the state of
  // the stores and files as they are now, which nobody else has open. Refusals:
  //   STATE_NOT_READY    the folder holds a backup that this store is not the origin of.
  //   DATA_CORRUPT       the backup is newer than the store, or damaged.
  //   STORE_UNAVAILABLE
  static absl::StatusOr<std::unique_ptr<Backup>> Open(BackupOptions options,
                                                      std::shared_ptr<RecordStore> records,
                                                      std::shared_ptr<BlobStore> blobs);
  ~Backup() override;

  // The service has ended in good order, and changes nothing any more: both remember that they are
  // in step, so that the next start need not compare them. To be called once, if at all.
  absl::Status Close();
  // To be called by a service that starts without its backup: what it changes, the backup does not
  // have. STORE_UNAVAILABLE.
  static absl::Status LeaveBehind(RecordStore& records);

  // What the service uses in the place of its own stores. They live as long as the backup.
  RecordStore& records() { return *mirrored_records_; }
  BlobStore& blobs() { return *mirrored_blobs_; }
  bool in_step() const { return mirrored_records_->in_step(); }

  // The key that opens it.
  const SecretBytes& key() const { return key_; }
  // By whom it can be opened: without one of these nobody can. Durable.
  absl::StatusOr<BackupHead> head() const;
  absl::Status PutKey(uint32_t generation, const std::string& sealed);
  absl::Status DropKeysBefore(uint32_t generation);
  // The opening files as they are now.
  absl::Status FollowOpeningFiles();

  absl::Status Keep(const AuditBlock& block, std::string_view frame) override;
  absl::Status Drop(uint64_t first) override;

 private:
  explicit Backup(BackupOptions options) : options_(std::move(options)) {}
  absl::StatusOr<PartitionVersion> TakeKey();
  // Whether both say that they are in step.
  absl::StatusOr<bool> Begin(const Snapshot& own);
  Mutation KeyRecord() const;
  // By the beginnings of their places in the backup, so that a million of them are small.
  using Versions = std::unordered_map<uint64_t, PartitionVersion>;
  absl::StatusOr<Versions> VersionsHere() const;
  absl::Status ForEachPartition(const std::function<absl::Status(const std::string&)>& act) const;
  absl::Status CatchUpRecords(PartitionVersion newest);
  absl::Status CatchUpPartition(const BackupArchive::Partition& there, PartitionVersion newest);
  absl::Status AddMissing(const Versions& missing);
  absl::Status Copy(const std::string& partition);
  absl::Status CatchUpBlobs();
  absl::Status CatchUpAudit();
  absl::StatusOr<bool> HasAudit() const;
  absl::Status CatchUpIdentity();
  void Tell(uint64_t done) const;

  const BackupOptions options_;
  std::shared_ptr<RecordStore> records_;
  std::shared_ptr<BlobStore> blobs_;
  std::unique_ptr<BlobStore> backup_blobs_;  // holds the folder
  std::unique_ptr<RecordStore> backup_records_;
  SecretBytes key_;
  std::unique_ptr<const BackupCipher> cipher_;
  std::unique_ptr<BackupArchive> archive_;
  std::unique_ptr<MirroredRecordStore> mirrored_records_;
  std::unique_ptr<MirroredBlobStore> mirrored_blobs_;
  bool was_in_step_ = false;
};

}  // namespace comity

#endif  // COMITY_COMMON_BACKUP_BACKUP_H_
