#include "services/common/backup/mirrored_stores.h"

#include <functional>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {

MirroredRecordStore::MirroredRecordStore(RecordStore* store, BackupArchive* archive,
                                         PartitionVersion newest)
    : ForwardingRecordStore(store), archive_(archive) {
  for (Stripe& stripe : stripes_) {
    absl::MutexLock lock(&stripe.mutex);
    stripe.newest = newest;
  }
}

MirroredRecordStore::Stripe& MirroredRecordStore::StripeOf(std::string_view partition) {
  return stripes_[std::hash<std::string_view>()(partition) % stripes_.size()];
}

absl::StatusOr<Snapshot> MirroredRecordStore::Get(std::string_view partition,
                                                  const std::vector<std::string>& keys) {
  absl::ReaderMutexLock lock(&StripeOf(partition).mutex);
  return behind_->Get(partition, keys);
}

absl::StatusOr<ScanPage> MirroredRecordStore::Scan(std::string_view partition,
                                                   std::string_view begin, std::string_view end,
                                                   size_t limit,
                                                   std::optional<PartitionVersion> at) {
  absl::ReaderMutexLock lock(&StripeOf(partition).mutex);
  return behind_->Scan(partition, begin, end, limit, at);
}

absl::StatusOr<PartitionVersion> MirroredRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  if (failed_.load()) {
    return Refuse(Reason::kStoreUnavailable,
                  "read-only since its backup could not be written; start the service again");
  }
  Stripe& stripe = StripeOf(partition);
  absl::MutexLock lock(&stripe.mutex);
  ASSIGN_OR_RETURN(const PartitionVersion version,
                   behind_->Commit(partition, request_id, preconditions, mutations));
  // No greater than before: the first outcome of a commit that was repeated.
  if (version <= stripe.newest) return version;
  if (const absl::Status kept = Keep(partition, mutations, version); !kept.ok()) {
    failed_.store(true);
    return Refuse(Reason::kStoreUnavailable, "its backup: " + CauseOf(kept));
  }
  stripe.newest = version;
  return version;
}

absl::Status MirroredRecordStore::Keep(std::string_view partition,
                                       const std::vector<Mutation>& mutations,
                                       PartitionVersion version) {
  // Whoever puts last leaves a partition; else it may be gone, or never have been.
  if (mutations.empty() || mutations.back().kind != Mutation::Kind::kPut) {
    ASSIGN_OR_RETURN(const Snapshot after, behind_->Get(partition, {}));
    version = after.version;
  }
  return archive_->Commit(BackupKind::kRecords, partition, mutations, version);
}

absl::Status MirroredBlobStore::PutIfAbsentOrEqual(std::string_view name, std::string_view bytes) {
  RETURN_IF_ERROR(behind_->PutIfAbsentOrEqual(name, bytes));
  return backup_->PutIfAbsentOrEqual(name, bytes);
}

absl::Status MirroredBlobStore::Delete(std::string_view name) {
  RETURN_IF_ERROR(behind_->Delete(name));
  return backup_->Delete(name);
}

}  // namespace comity
