#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/incoming.h"

namespace comity::storage {

using MaybeEdit = absl::StatusOr<std::optional<AccountEdit>>;

CopyReceiver::CopyReceiver(Incoming* incoming, SnapshotPtr account)
    : incoming_(incoming),
      account_(account->account),
      epoch_(account->incoming->epoch),
      buckets_(account->buckets),
      held_(incoming->objects_, *account) {}

absl::StatusOr<std::optional<HeldVersion>> CopyReceiver::NextHeld() {
  ASSIGN_OR_RETURN(const std::optional<StoredObject> object, held_.Next());
  if (!object.has_value()) return std::optional<HeldVersion>();
  return std::optional<HeldVersion>(HeldVersion{object->record.object, object->record.version,
                                                ObjectRecordDigest(object->record)});
}

absl::Status CopyReceiver::Begin(ObjectRecord record) {
  record_ = std::move(record);
  writer_ = std::make_unique<ContentWriter>(incoming_->blobs_, account_);
  return absl::OkStatus();
}

absl::Status CopyReceiver::Write(std::string_view chunk) {
  if (!record_.has_value()) return Refuse(Reason::kFieldInvalid, "bytes before their record");
  return writer_->Write(chunk);
}

absl::StatusOr<HeldVersion> CopyReceiver::End() {
  if (!record_.has_value()) return Refuse(Reason::kFieldInvalid, "no version was begun");
  ASSIGN_OR_RETURN(const WrittenContent content, writer_->Finish());
  if (content.size != record_->size || content.digest != record_->digest) {
    return Refuse(Reason::kDataCorrupt, "the bytes are not those of the record");
  }
  const absl::Status applied = Apply(record_->object, StoredObject{*record_, content.tree});
  // Unknown: it may have been applied. If it was not, the sweeper finds the blobs.
  if (applied.ok() || ReasonOf(applied) == Reason::kStoreUnavailable) writer_->Keep();
  RETURN_IF_ERROR(applied);
  const HeldVersion done{record_->object, record_->version, ObjectRecordDigest(*record_)};
  writer_.reset();
  record_.reset();
  return done;
}

absl::StatusOr<HeldVersion> CopyReceiver::Delete(const ObjectId& object) {
  RETURN_IF_ERROR(Apply(object, std::nullopt));
  return HeldVersion{object, 0, Digest()};
}

absl::Status CopyReceiver::CheckOpen(const AccountSnapshot* known) const {
  if (known == nullptr || !known->incoming.has_value() || known->incoming->epoch != epoch_) {
    return Refuse(Reason::kConsentMissing, "the move has ended");
  }
  if (known->incoming->void_consent) return Refuse(Reason::kConsentVoid, "taken back");
  if (known->incoming->confirmed_root.has_value()) {
    return Refuse(Reason::kConflict, "the manifest is confirmed");
  }
  return absl::OkStatus();
}

absl::Status CopyReceiver::ListBucket(uint8_t bucket) {
  return incoming_->accounts_
      ->Update(account_,
               [&](const AccountSnapshot* known) -> MaybeEdit {
                 RETURN_IF_ERROR(CheckOpen(known));
                 if (known->buckets.contains(bucket)) return std::optional<AccountEdit>();
                 AccountEdit edit(*known);
                 edit.new_buckets.push_back(bucket);
                 return std::optional<AccountEdit>(std::move(edit));
               })
      .status();
}

absl::Status CopyReceiver::Apply(const ObjectId& object, const std::optional<StoredObject>& put) {
  constexpr int kTries = 32;
  const Gate gate{GateKind::kIncoming, epoch_};
  const uint8_t bucket = BucketOf(object);
  if (!buckets_.contains(bucket)) RETURN_IF_ERROR(ListBucket(bucket));
  for (int i = 0; i < kTries; ++i) {
    ASSIGN_OR_RETURN(const BucketView view,
                     incoming_->objects_->Read(account_, object, std::nullopt));
    // After the read: a move that is called off from now on changes the bucket, so that the write
    // below fails.
    ASSIGN_OR_RETURN(const SnapshotPtr known, incoming_->accounts_->Load(account_));
    RETURN_IF_ERROR(CheckOpen(known.get()));
    BucketChange change;
    if (view.gate != gate) {
      // A bucket that this stream has just listed is opened by it; one that was sealed is not.
      if (buckets_.contains(bucket) ||
          (view.gate.has_value() && view.gate->kind != GateKind::kFenced &&
           view.gate->kind != GateKind::kIncoming)) {
        return Refuse(Reason::kConflict, "the move has gone on");
      }
      change.gate = gate;
    }
    if (!put.has_value() && !view.object.has_value()) return absl::OkStatus();
    change.now = incoming_->site_.Now();
    change.put = put;
    change.erase = !put.has_value();
    const absl::Status written = incoming_->objects_->Write(account_, object, view, change);
    if (ReasonOf(written) == Reason::kConflict) continue;
    RETURN_IF_ERROR(written);
    buckets_.insert(bucket);
    return absl::OkStatus();
  }
  return Refuse(Reason::kConflict, "the bucket changes too often");
}

}  // namespace comity::storage
