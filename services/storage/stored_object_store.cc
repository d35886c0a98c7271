#include "services/storage/stored_object_store.h"

#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/stored_codec.h"
#include "services/storage/stored_commit.h"

namespace comity::storage {
namespace {

constexpr char kGate[] = "gate";
constexpr char kSum[] = "sum";
constexpr size_t kSweepPage = 64;

// Raw bytes: they sort as the ids do, which their base32 form does not.
std::string ObjectKey(const ObjectId& object) { return "o/" + std::string(object.bytes()); }

std::string KeyOf(const MemoKey& memo) {
  std::string key = "m/";
  key.append(memo.caller.bytes());
  key.push_back(static_cast<char>(memo.method));
  key.append(memo.request.bytes());
  return key;
}

std::string GoneKey(const UploadId& upload) { return "g/" + upload.text; }

Mutation PutSum(const BucketSum& sum) {
  return sum.objects == 0 ? Mutation::Delete(kSum) : Mutation::Put(kSum, EncodeSum(sum));
}

}  // namespace

absl::StatusOr<BucketView> StoredObjectStore::Read(const AccountId& account, const ObjectId& object,
                                                   const std::optional<MemoKey>& memo) {
  std::vector<std::string> keys = {kGate, kSum, ObjectKey(object)};
  if (memo.has_value()) keys.push_back(KeyOf(*memo));
  ASSIGN_OR_RETURN(const Snapshot snapshot,
                   records_->Get(BucketPartition(account, BucketOf(object)), keys));
  BucketView view;
  view.version = snapshot.version;
  if (const std::string* value = snapshot.Find(kGate)) {
    ASSIGN_OR_RETURN(view.gate, DecodeGate(*value));
  }
  if (const std::string* value = snapshot.Find(kSum)) {
    ASSIGN_OR_RETURN(view.sum, DecodeSum(*value));
  }
  if (const std::string* value = snapshot.Find(keys[2])) {
    ASSIGN_OR_RETURN(view.object, DecodeObject(*value));
  }
  if (memo.has_value()) {
    if (const std::string* value = snapshot.Find(keys[3])) {
      ASSIGN_OR_RETURN(view.memo, DecodeMemo(*value));
    }
  }
  return view;
}

absl::Status StoredObjectStore::Write(const AccountId& account, const ObjectId& object,
                                      const BucketView& view, const BucketChange& change) {
  std::vector<Mutation> mutations;
  if (change.gate.has_value()) mutations.push_back(Mutation::Put(kGate, EncodeGate(*change.gate)));
  BucketSum sum = view.sum;
  if ((change.put.has_value() || change.erase) && view.object.has_value()) {
    sum.objects -= 1;
    sum.bytes -= view.object->record.size;
    const UploadExtent& extent = view.object->tree.extent;
    if (!change.put.has_value() || change.put->tree.extent.upload != extent.upload) {
      mutations.push_back(Mutation::Put(GoneKey(extent.upload), EncodeGone(extent, change.now)));
    }
  }
  if (change.put.has_value()) {
    sum.objects += 1;
    sum.bytes += change.put->record.size;
    mutations.push_back(Mutation::Put(ObjectKey(object), EncodeObject(*change.put)));
  } else if (change.erase) {
    mutations.push_back(Mutation::Delete(ObjectKey(object)));
  }
  mutations.push_back(PutSum(sum));
  if (change.memo.has_value()) {
    mutations.push_back(Mutation::Put(KeyOf(change.memo->first), EncodeMemo(change.memo->second)));
  }
  return CommitRecords(*records_, BucketPartition(account, BucketOf(object)),
                       {AsBefore(view.version)}, mutations);
}

absl::StatusOr<ObjectPage> StoredObjectStore::List(const AccountId& account, uint8_t bucket,
                                                   const std::optional<ObjectId>& after,
                                                   size_t limit) {
  std::string begin = "o/";
  if (after.has_value()) begin = ObjectKey(*after) + '\0';
  ASSIGN_OR_RETURN(ScanPage page,
                   records_->Scan(BucketPartition(account, bucket), begin, "o0", limit));
  ObjectPage result;
  result.more = page.more;
  result.objects.reserve(page.items.size());
  for (const auto& item : page.items) {
    ASSIGN_OR_RETURN(StoredObject object, DecodeObject(item.second));
    result.objects.push_back(std::move(object));
  }
  return result;
}

absl::StatusOr<BucketSum> StoredObjectStore::Sum(const AccountId& account, uint8_t bucket) {
  ASSIGN_OR_RETURN(const Snapshot snapshot,
                   records_->Get(BucketPartition(account, bucket), {kSum}));
  const std::string* value = snapshot.Find(kSum);
  if (value == nullptr) return BucketSum{};
  return DecodeSum(*value);
}

absl::StatusOr<std::optional<Gate>> StoredObjectStore::GetGate(const AccountId& account,
                                                               uint8_t bucket) {
  ASSIGN_OR_RETURN(const Snapshot snapshot,
                   records_->Get(BucketPartition(account, bucket), {kGate}));
  const std::string* value = snapshot.Find(kGate);
  if (value == nullptr) return std::optional<Gate>();
  ASSIGN_OR_RETURN(const Gate gate, DecodeGate(*value));
  return std::optional<Gate>(gate);
}

absl::Status StoredObjectStore::SetGate(const AccountId& account, uint8_t bucket,
                                        const std::optional<Gate>& from, const Gate& to) {
  return CommitRecords(*records_, BucketPartition(account, bucket),
                       {from.has_value() ? Precondition::ValueIs(kGate, EncodeGate(*from))
                                         : Precondition::PartitionAbsent()},
                       {Mutation::Put(kGate, EncodeGate(to))});
}

absl::Status StoredObjectStore::Clear(const AccountId& account, uint8_t bucket, const Gate& gate) {
  return CommitRecords(*records_, BucketPartition(account, bucket), {},
                       {Mutation::DeletePartition(), Mutation::Put(kGate, EncodeGate(gate))});
}

absl::StatusOr<std::vector<GoneUpload>> StoredObjectStore::Gone(
    const AccountId& account, uint8_t bucket, const std::optional<UploadId>& after) {
  const std::string begin = after.has_value() ? GoneKey(*after) + '\0' : "g/";
  ASSIGN_OR_RETURN(const ScanPage page,
                   records_->Scan(BucketPartition(account, bucket), begin, "g0", kSweepPage));
  std::vector<GoneUpload> gone;
  gone.reserve(page.items.size());
  for (const auto& [key, value] : page.items) {
    ASSIGN_OR_RETURN(GoneUpload upload, DecodeGone(UploadId{key.substr(2)}, value));
    gone.push_back(std::move(upload));
  }
  return gone;
}

absl::Status StoredObjectStore::ForgetGone(const AccountId& account, uint8_t bucket,
                                           const std::vector<UploadId>& uploads) {
  std::vector<Mutation> mutations;
  mutations.reserve(uploads.size());
  for (const UploadId& upload : uploads) mutations.push_back(Mutation::Delete(GoneKey(upload)));
  if (mutations.empty()) return absl::OkStatus();
  return CommitRecords(*records_, BucketPartition(account, bucket),
                       {Precondition::KeyPresent(kGate)}, mutations);
}

absl::StatusOr<bool> StoredObjectStore::ForgetMemos(const AccountId& account, uint8_t bucket,
                                                    UnixMillis before) {
  const std::string partition = BucketPartition(account, bucket);
  std::vector<Mutation> mutations;
  std::string begin = "m/";
  bool more = true;
  while (more && mutations.size() < kSweepPage) {
    ASSIGN_OR_RETURN(const ScanPage page, records_->Scan(partition, begin, "m0", kSweepPage));
    for (const auto& [key, value] : page.items) {
      ASSIGN_OR_RETURN(const Memo memo, DecodeMemo(value));
      if (memo.time < before) mutations.push_back(Mutation::Delete(key));
    }
    more = page.more;
    if (!page.items.empty()) begin = page.items.back().first + '\0';
  }
  if (mutations.empty()) return false;
  RETURN_IF_ERROR(
      CommitRecords(*records_, partition, {Precondition::KeyPresent(kGate)}, mutations));
  return more;
}

}  // namespace comity::storage
