#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/log/root_builder.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_check.h"
#include "services/storage/content_reader.h"
#include "services/storage/stored_commit.h"

namespace comity::storage {
namespace {

class BucketCheck final {
 public:
  BucketCheck(const StoreCheck& check, const AccountSnapshot& account, uint8_t number)
      : check_(check),
        account_(account),
        number_(number),
        partition_(BucketPartition(account.account, number)),
        where_("account " + account.account.ToString() + ", bucket " +
               partition_.substr(partition_.size() - 2)) {}

  absl::Status Run(CheckedObjects& out) {
    ASSIGN_OR_RETURN(StoredBucket bucket, ReadBucket(check_.records, partition_));
    if (!bucket.exists) return absl::OkStatus();  // listed before its first use
    for (const std::string& key : bucket.unreadable) {
      Wrong("record", "a record \"" + key + "…\" does not decode, or belongs to nothing");
    }
    CheckGate(bucket);
    CheckSum(bucket);
    for (const UploadExtent& extent : bucket.gone) out.uploads.insert(extent.upload.text);
    for (StoredObject& object : bucket.objects) {
      RETURN_IF_ERROR(CheckContent(object));
      out.uploads.insert(object.tree.extent.upload.text);
      out.records.push_back(std::move(object.record));
    }
    return absl::OkStatus();
  }

 private:
  void Wrong(std::string_view rule, std::string_view what) const {
    check_.report.Violation(rule, where_, what);
  }

  void CheckGate(const StoredBucket& bucket) const {
    if (!bucket.gate.has_value()) {
      Wrong("gate", "nothing says who may write here");
      return;
    }
    const bool served = account_.info.state == AccountState::kActive;
    const GateKind kind = bucket.gate->kind;
    if (!served && kind == GateKind::kOpen) {
      Wrong("gate", "devices may write though the account is not served here");
    }
    const bool closed = kind == GateKind::kFenced || kind == GateKind::kIncoming ||
                        (kind == GateKind::kSealed && bucket.gate->epoch != account_.info.epoch) ||
                        bucket.gate->epoch > account_.info.epoch;
    if (served && !account_.fence.has_value() && closed) {
      Wrong("gate", "devices may not write though the account is served here");
    }
  }

  void CheckSum(const StoredBucket& bucket) const {
    uint64_t bytes = 0;
    for (const StoredObject& object : bucket.objects) bytes += object.record.size;
    if (bucket.sum.objects != bucket.objects.size() || bucket.sum.bytes != bytes) {
      Wrong("lost", "it counts " + std::to_string(bucket.sum.objects) + " objects of " +
                        std::to_string(bucket.sum.bytes) + " bytes and holds " +
                        std::to_string(bucket.objects.size()) + " of " + std::to_string(bytes));
    }
    const bool misplaced = std::ranges::any_of(bucket.objects, [this](const StoredObject& object) {
      return BucketOf(object.record.object) != number_;
    });
    if (misplaced) Wrong("record", "an object lies in a bucket that is not its own");
  }

  absl::Status CheckContent(const StoredObject& object) const {
    // An erasure that was begun takes blobs before it is told to be over.
    if (account_.info.erasing.has_value()) return absl::OkStatus();
    const std::string where = where_ + ", object " + object.record.object.ToString();
    ContentReader reader(&check_.blobs, account_.account, object.tree, object.record.size);
    Sha256Hasher hash;
    uint64_t size = 0;
    for (;;) {
      const absl::StatusOr<std::string> bytes = reader.Next();
      if (ReasonOf(bytes.status()) == Reason::kDataCorrupt) {
        check_.report.Violation("blob", where, CauseOf(bytes.status()));
        return absl::OkStatus();
      }
      RETURN_IF_ERROR(bytes.status());
      if (bytes->empty()) break;
      hash.Update(*bytes);
      size += bytes->size();
    }
    if (size != object.record.size || std::move(hash).Finish() != object.record.digest) {
      check_.report.Violation("blob", where, "its bytes are not those of its record");
    }
    return absl::OkStatus();
  }

  const StoreCheck& check_;
  const AccountSnapshot& account_;
  const uint8_t number_;
  const std::string partition_;
  const std::string where_;
};

}  // namespace

absl::StatusOr<CheckedObjects> CheckObjects(const StoreCheck& check,
                                            const AccountSnapshot& account) {
  CheckedObjects objects;
  // Ascending, so that the records come in order of object id.
  for (const uint8_t number : account.buckets) {
    RETURN_IF_ERROR(BucketCheck(check, account, number).Run(objects));
  }
  merkle::RootBuilder root;
  for (const ObjectRecord& record : objects.records) root.Add(ObjectRecordLeafHash(record));
  objects.root = root.Root();
  return objects;
}

}  // namespace comity::storage
