#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/incoming.h"

namespace comity::storage {

using MaybeEdit = absl::StatusOr<std::optional<AccountEdit>>;

namespace {

// Versions that are made durable at a time: each waits for several syncs, which they share.
constexpr size_t kAtOnce = 16;

}  // namespace

CopyReceiver::CopyReceiver(Incoming* incoming, SnapshotPtr account)
    : incoming_(incoming),
      account_(account->account),
      epoch_(account->incoming->epoch),
      held_(incoming->objects_, *account),
      listed_(account->buckets),
      opened_(account->buckets) {}

CopyReceiver::~CopyReceiver() {
  for (const auto& applying : under_way_) applying->Wait();  // they use this object
}

absl::StatusOr<std::optional<HeldVersion>> CopyReceiver::NextHeld() {
  ASSIGN_OR_RETURN(const std::optional<StoredObject> object, held_.Next());
  if (!object.has_value()) return std::optional<HeldVersion>();
  return std::optional<HeldVersion>(HeldVersion{object->record.object, object->record.version,
                                                ObjectRecordDigest(object->record)});
}

absl::Status CopyReceiver::Begin(ObjectRecord record) {
  record_ = std::move(record);
  writer_ = std::make_shared<ContentWriter>(incoming_->blobs_, account_, incoming_->site_.tasks);
  return absl::OkStatus();
}

absl::Status CopyReceiver::Write(std::string_view chunk) {
  if (!record_.has_value()) return Refuse(Reason::kFieldInvalid, "bytes before their record");
  return writer_->Write(chunk);
}

absl::Status CopyReceiver::End() {
  if (!record_.has_value()) return Refuse(Reason::kFieldInvalid, "no version was begun");
  const std::shared_ptr<ContentWriter> writer = std::move(writer_);
  const ObjectRecord record = *std::move(record_);
  writer_.reset();
  record_.reset();
  std::optional<WrittenContent> written;
  if (writer->segments() > 0) {
    // Waits for its segments, which a task must not do.
    ASSIGN_OR_RETURN(written, writer->Finish());
  }
  return BeginApply([this, writer, record, written] { return Keep(*writer, written, record); });
}

absl::Status CopyReceiver::Delete(const ObjectId& object) {
  return BeginApply([this, object] { return Apply(object, std::nullopt); });
}

absl::StatusOr<uint64_t> CopyReceiver::Finish() {
  RETURN_IF_ERROR(Await(0));
  return done_;
}

absl::Status CopyReceiver::BeginApply(std::function<absl::Status()> work) {
  under_way_.push_back(Applying::Start(incoming_->site_.tasks, std::move(work)));
  return Await(incoming_->site_.tasks == nullptr ? 0 : kAtOnce - 1);
}

absl::Status CopyReceiver::Await(size_t left) {
  while (under_way_.size() > left) {
    const std::shared_ptr<Applying> oldest = std::move(under_way_.front());
    under_way_.pop_front();
    RETURN_IF_ERROR(oldest->Wait());
    ++done_;
  }
  return absl::OkStatus();
}

absl::Status CopyReceiver::Keep(ContentWriter& writer, std::optional<WrittenContent> written,
                                const ObjectRecord& record) {
  if (!written.has_value()) {
    ASSIGN_OR_RETURN(written, writer.Finish());
  }
  const WrittenContent& content = *written;
  if (content.size != record.size || content.digest != record.digest) {
    return Refuse(Reason::kDataCorrupt, "the bytes are not those of the record");
  }
  absl::Status applied = Apply(record.object, StoredObject{record, content.tree});
  // Unknown: it may have been applied. If it was not, the sweeper finds the blobs.
  if (applied.ok() || ReasonOf(applied) == Reason::kStoreUnavailable) writer.Keep();
  return applied;
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

absl::Status CopyReceiver::UpdateBuckets(const std::set<uint8_t>& more) {
  return incoming_->accounts_
      ->Update(account_,
               [&](const AccountSnapshot* known) -> MaybeEdit {
                 RETURN_IF_ERROR(CheckOpen(known));
                 AccountEdit edit(*known);
                 for (const uint8_t bucket : more) {
                   if (!known->buckets.contains(bucket)) edit.new_buckets.push_back(bucket);
                 }
                 if (edit.new_buckets.empty()) return std::optional<AccountEdit>();
                 return std::optional<AccountEdit>(std::move(edit));
               })
      .status();
}

absl::Status CopyReceiver::ListBucket(uint8_t bucket) {
  absl::MutexLock lock(&mutex_);
  to_list_.insert(bucket);
  while (!listed_.contains(bucket)) {
    if (listing_) {
      listed_changed_.Wait(&mutex_);
      continue;
    }
    // One lists for all who wait by now: one commit for them instead of one for each.
    listing_ = true;
    to_list_.insert(bucket);
    const std::set<uint8_t> more = std::exchange(to_list_, {});
    mutex_.Unlock();
    const absl::Status updated = UpdateBuckets(more);
    mutex_.Lock();
    listing_ = false;
    if (updated.ok()) listed_.insert(more.begin(), more.end());
    listed_changed_.SignalAll();
    RETURN_IF_ERROR(updated);
  }
  return absl::OkStatus();
}

bool CopyReceiver::IsOpened(uint8_t bucket) {
  absl::MutexLock lock(&mutex_);
  return opened_.contains(bucket);
}

absl::Status CopyReceiver::Apply(const ObjectId& object, const std::optional<StoredObject>& put) {
  constexpr int kTries = 32;
  const Gate gate{GateKind::kIncoming, epoch_};
  const uint8_t bucket = BucketOf(object);
  RETURN_IF_ERROR(ListBucket(bucket));
  for (int i = 0; i < kTries; ++i) {
    const bool opened = IsOpened(bucket);  // before the read, which must see the open gate then
    ASSIGN_OR_RETURN(const BucketView view,
                     incoming_->objects_->Read(account_, object, std::nullopt));
    // After the read: a move that is called off from now on changes the bucket, so that the write
    // below fails.
    ASSIGN_OR_RETURN(const SnapshotPtr known, incoming_->accounts_->Load(account_));
    RETURN_IF_ERROR(CheckOpen(known.get()));
    BucketChange change;
    if (view.gate != gate) {
      // A bucket that this stream has just listed is opened by it; one that was sealed is not.
      if (opened || (view.gate.has_value() && view.gate->kind != GateKind::kFenced &&
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
    absl::MutexLock lock(&mutex_);
    opened_.insert(bucket);
    return absl::OkStatus();
  }
  return Refuse(Reason::kConflict, "the bucket changes too often");
}

}  // namespace comity::storage
