#include "services/storage/objects.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/encoding/canonical.h"
#include "services/common/statement/wrapped_key_name.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_rules.h"

namespace comity::storage {
namespace {

constexpr int kCommitTries = 32;
constexpr size_t kListBytes = 1 << 20;

MemoKey MemoOf(const OwnerAccess& access, Mutator method, const RequestId& request) {
  return {access.device(), method, request};
}

// What makes two puts with one request id the same put.
Digest DigestOf(const PutCommand& command, uint64_t size, const Digest& content) {
  CanonicalWriter writer(1);
  writer.Bytes(16, command.object.bytes());
  writer.Bytes(17, command.content.bytes());
  writer.U64(18, command.expected_version);
  writer.Bytes(19, command.wrapped_content_key);
  writer.Bytes(20, command.wrapped_attributes_key);
  writer.Bytes(21, command.sealed_attributes);
  writer.U64(22, size);
  writer.Bytes(23, content.bytes());
  return Sha256Digest(std::move(writer).Finish());
}

Digest DigestOf(const ObjectId& object, uint64_t expected_version) {
  CanonicalWriter writer(1);
  writer.Bytes(16, object.bytes());
  writer.U64(18, expected_version);
  return Sha256Digest(std::move(writer).Finish());
}

Digest DigestOf(const ReplaceKeysCommand& command) {
  CanonicalWriter writer(1);
  writer.Bytes(16, command.object.bytes());
  writer.Bytes(17, command.content.bytes());
  writer.U64(18, command.version);
  writer.Bytes(19, command.wrapped_content_key);
  writer.Bytes(20, command.wrapped_attributes_key);
  return Sha256Digest(std::move(writer).Finish());
}

// Is this wrap under an earlier key version than that one, as far as they can be read?
bool IsOlder(std::string_view wrap, std::string_view than) {
  const absl::StatusOr<WrappedKeyName> a = ParseWrappedKey(wrap);
  const absl::StatusOr<WrappedKeyName> b = ParseWrappedKey(than);
  return a.ok() && b.ok() && a->version < b->version;
}

ObjectRecord MakeRecord(const PutCommand& command, uint64_t version, uint64_t size,
                        const Digest& digest, UnixMillis time) {
  return {command.object,
          version,
          command.content,
          size,
          digest,
          command.wrapped_content_key,
          command.wrapped_attributes_key,
          command.sealed_attributes,
          time};
}

absl::Status CheckExpected(const BucketView& view, uint64_t expected) {
  if (expected == 0) {
    return view.object.has_value() ? Refuse(Reason::kObjectExists) : absl::OkStatus();
  }
  if (!view.object.has_value()) return Refuse(Reason::kObjectNotFound);
  if (view.object->record.version != expected) {
    return Refuse(Reason::kConflict, "the object has another version by now");
  }
  return absl::OkStatus();
}

}  // namespace

Objects::Objects(Site site, Accounts* accounts, AccountStore* account_store, ObjectStore* objects,
                 BlobStore* blobs)
    : site_(std::move(site)),
      accounts_(accounts),
      account_store_(account_store),
      objects_(objects),
      blobs_(blobs) {}

absl::StatusOr<std::unique_ptr<Upload>> Objects::BeginPut(const OwnerAccess& access,
                                                          PutCommand command) {
  ASSIGN_OR_RETURN(const BucketView view,
                   objects_->Read(access.account(), command.object,
                                  MemoOf(access, Mutator::kPut, command.request)));
  const bool repeated = view.memo.has_value();
  // Before the bytes are sent; it is decided again when they are here.
  if (!repeated) RETURN_IF_ERROR(CheckExpected(view, command.expected_version));
  return std::unique_ptr<Upload>(new Upload(this, access, std::move(command), repeated));
}

absl::StatusOr<std::optional<Gate>> Objects::PassGate(const OwnerAccess& access,
                                                      const ObjectId& object,
                                                      const BucketView& view) {
  const AccountEpoch epoch = access.snapshot().info.epoch;
  // An earlier epoch is of before the keys alone came here: what moves data fences every gate.
  if (view.gate.has_value() && view.gate->kind == GateKind::kOpen && view.gate->epoch <= epoch) {
    return std::optional<Gate>();
  }
  // Confirmed by the move that brought the account here, or left over from an earlier stay.
  const bool mine = !view.gate.has_value() || *view.gate == Gate{GateKind::kSealed, epoch} ||
                    (view.gate->kind == GateKind::kFenced && view.gate->epoch <= epoch);
  if (!mine) return Refuse(Reason::kAccountFenced, "the bucket is fenced");
  const uint8_t bucket = BucketOf(object);
  if (!access.snapshot().buckets.contains(bucket)) {
    // Listed before its first use, which a fence forbids: so a fence knows every bucket.
    const auto list =
        [&](const AccountSnapshot* account) -> absl::StatusOr<std::optional<AccountEdit>> {
      if (account == nullptr) return Refuse(Reason::kAccountNotYours);
      RETURN_IF_ERROR(CheckServed(*account));
      if (account->info.epoch != epoch) return Refuse(Reason::kAccountNotHere);
      if (account->buckets.contains(bucket)) return std::optional<AccountEdit>();
      AccountEdit edit(*account);
      edit.new_buckets.push_back(bucket);
      return std::optional<AccountEdit>(std::move(edit));
    };
    RETURN_IF_ERROR(account_store_->Update(access.account(), list).status());
  }
  return std::optional<Gate>({GateKind::kOpen, epoch});
}

absl::StatusOr<ObjectRecord> Objects::Commit(const OwnerAccess& access, const PutCommand& command,
                                             const WrittenContent& content, Fate& fate) {
  const MemoKey memo_key = MemoOf(access, Mutator::kPut, command.request);
  const Digest request_digest = DigestOf(command, content.size, content.digest);
  for (int i = 0; i < kCommitTries; ++i) {
    ASSIGN_OR_RETURN(const OwnerAccess now, accounts_->Recheck(access));
    ASSIGN_OR_RETURN(const BucketView view,
                     objects_->Read(access.account(), command.object, memo_key));
    if (view.memo.has_value()) {
      if (view.memo->request_digest != request_digest) return Refuse(Reason::kRequestIdReused);
      return MakeRecord(command, view.memo->version, content.size, content.digest, view.memo->time);
    }
    RETURN_IF_ERROR(CheckExpected(view, command.expected_version));
    BucketChange change;
    ASSIGN_OR_RETURN(change.gate, PassGate(now, command.object, view));
    change.now = site_.Now();
    const uint64_t version = command.expected_version + 1;
    ObjectRecord record = MakeRecord(command, version, content.size, content.digest, change.now);
    change.put = StoredObject{record, content.tree};
    change.memo = {memo_key, Memo{request_digest, version, change.now}};
    const absl::Status written = objects_->Write(access.account(), command.object, view, change);
    if (ReasonOf(written) == Reason::kConflict) continue;
    if (written.ok()) {
      fate = Fate::kStored;
      return record;
    }
    if (ReasonOf(written) == Reason::kStoreUnavailable) fate = Fate::kUnknown;
    return written;
  }
  return Refuse(Reason::kConflict, "the bucket changes too often");
}

absl::StatusOr<std::unique_ptr<Download>> Objects::Open(const OwnerAccess& access,
                                                        const ObjectId& object, uint64_t version,
                                                        uint64_t offset) {
  ASSIGN_OR_RETURN(BucketView view, objects_->Read(access.account(), object, std::nullopt));
  if (!view.object.has_value() || (version != 0 && view.object->record.version != version)) {
    return Refuse(Reason::kObjectNotFound);
  }
  std::unique_ptr<Download> download(new Download(this, access, *std::move(view.object)));
  RETURN_IF_ERROR(download->reader_.Seek(offset));
  return download;
}

absl::StatusOr<ListedObjects> Objects::List(const OwnerAccess& access,
                                            const std::optional<ObjectId>& after, size_t limit) {
  ListedObjects listed;
  size_t bytes = 0;
  const std::set<uint8_t>& buckets = access.snapshot().buckets;
  const uint8_t first = after.has_value() ? BucketOf(*after) : 0;
  for (auto bucket = buckets.lower_bound(first); bucket != buckets.end(); ++bucket) {
    std::optional<ObjectId> from;
    if (after.has_value() && *bucket == first) from = after;
    for (bool more = true; more;) {
      if (listed.objects.size() == limit || bytes >= kListBytes) {
        listed.more = true;
        return listed;
      }
      ASSIGN_OR_RETURN(const ObjectPage page,
                       objects_->List(access.account(), *bucket, from,
                                      std::min<size_t>(limit - listed.objects.size(), 64)));
      for (const StoredObject& object : page.objects) {
        if (bytes >= kListBytes) {
          listed.more = true;
          return listed;
        }
        bytes += EncodeObjectRecord(object.record).size();
        from = object.record.object;
        listed.objects.push_back(object.record);
      }
      more = page.more;
    }
  }
  return listed;
}

absl::Status Objects::EditOnce(const OwnerAccess& access, const ObjectId& object,
                               const MemoKey& memo, const Digest& request_digest,
                               const Edit& edit) {
  for (int i = 0; i < kCommitTries; ++i) {
    ASSIGN_OR_RETURN(const OwnerAccess now, accounts_->Recheck(access));
    ASSIGN_OR_RETURN(const BucketView view, objects_->Read(access.account(), object, memo));
    if (view.memo.has_value()) {
      return view.memo->request_digest == request_digest ? absl::OkStatus()
                                                         : Refuse(Reason::kRequestIdReused);
    }
    if (!view.object.has_value()) return Refuse(Reason::kObjectNotFound);
    BucketChange change;
    RETURN_IF_ERROR(edit(view, change));
    ASSIGN_OR_RETURN(change.gate, PassGate(now, object, view));
    change.now = site_.Now();
    const uint64_t version = change.put.has_value() ? change.put->record.version : 0;
    change.memo = {memo, Memo{request_digest, version, change.now}};
    absl::Status written = objects_->Write(access.account(), object, view, change);
    if (ReasonOf(written) != Reason::kConflict) return written;
  }
  return Refuse(Reason::kConflict, "the bucket changes too often");
}

absl::Status Objects::ReplaceKeys(const OwnerAccess& access, const ReplaceKeysCommand& command) {
  return EditOnce(access, command.object, MemoOf(access, Mutator::kReplaceKeys, command.request),
                  DigestOf(command), [&](const BucketView& view, BucketChange& change) {
                    RETURN_IF_ERROR(CheckExpected(view, command.version));
                    change.put = view.object;
                    ObjectRecord& record = change.put->record;
                    if (record.content != command.content) {
                      return Refuse(Reason::kConflict, "the object has another content by now");
                    }
                    if (IsOlder(command.wrapped_content_key, record.wrapped_content_key) ||
                        IsOlder(command.wrapped_attributes_key, record.wrapped_attributes_key)) {
                      return Refuse(Reason::kConflict, "a newer key version wraps it by now");
                    }
                    record.wrapped_content_key = command.wrapped_content_key;
                    record.wrapped_attributes_key = command.wrapped_attributes_key;
                    return absl::OkStatus();
                  });
}

absl::Status Objects::Delete(const OwnerAccess& access, const RequestId& request,
                             const ObjectId& object, uint64_t expected_version) {
  return EditOnce(
      access, object, MemoOf(access, Mutator::kDelete, request), DigestOf(object, expected_version),
      [expected_version](const BucketView& view, BucketChange& change) {
        change.erase = true;
        return expected_version == 0 ? absl::OkStatus() : CheckExpected(view, expected_version);
      });
}

Upload::Upload(Objects* objects, OwnerAccess access, PutCommand command, bool repeated)
    : objects_(objects), access_(std::move(access)), command_(std::move(command)) {
  if (!repeated) {
    writer_.emplace(objects_->blobs_, access_.account(), objects_->site_.tasks);
  }
}

absl::Status Upload::Write(std::string_view chunk) {
  if (writer_.has_value()) return writer_->Write(chunk);
  repeated_hasher_.Update(chunk);
  repeated_size_ += chunk.size();
  return absl::OkStatus();
}

absl::StatusOr<ObjectRecord> Upload::Finish() {
  Objects::Fate fate = Objects::Fate::kNotStored;
  if (!writer_.has_value()) {
    const WrittenContent content{{}, repeated_size_, std::move(repeated_hasher_).Finish()};
    ASSIGN_OR_RETURN(const BucketView view,
                     objects_->objects_->Read(access_.account(), command_.object,
                                              MemoOf(access_, Mutator::kPut, command_.request)));
    // It is kept for a day. Forgotten since the stream began: there are no bytes to store now.
    if (!view.memo.has_value()) return Refuse(Reason::kConflict, "the request is forgotten");
    return objects_->Commit(access_, command_, content, fate);
  }
  ASSIGN_OR_RETURN(const WrittenContent content, writer_->Finish());
  absl::StatusOr<ObjectRecord> record = objects_->Commit(access_, command_, content, fate);
  // Unknown: the commit may have happened. If it did not, the sweeper finds the blobs. A repeat
  // that overtook this one stored its own.
  if (fate != Objects::Fate::kNotStored) writer_->Keep();
  return record;
}

Download::Download(Objects* objects, OwnerAccess access, StoredObject object)
    : objects_(objects),
      access_(std::move(access)),
      record_(std::move(object.record)),
      reader_(objects_->blobs_, access_.account(), std::move(object.tree), record_.size,
              objects_->site_.tasks) {}

absl::StatusOr<std::string> Download::Next() {
  if (started_) RETURN_IF_ERROR(objects_->accounts_->Recheck(access_).status());
  started_ = true;
  return reader_.Next();
}

}  // namespace comity::storage
