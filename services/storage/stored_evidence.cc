#include "services/storage/stored_evidence.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "comity/storage/store/v1/store.pb.h"
#include "services/common/check/store_check.h"
#include "services/common/status/macros.h"
#include "services/storage/stored_codec.h"
#include "services/storage/stored_commit.h"

namespace comity::storage {
namespace {

namespace pb = comity::storage::store::v1;

LeafOpening OpeningOf(const pb::LeafEntry& entry) {
  return LeafOpening{entry.leaf(), entry.salt(), entry.index()};
}

bool TakeOpening(std::string_view hex, const std::string& value, StoredEvidence& evidence) {
  uint64_t number = 0;
  const char* const end = hex.data() + hex.size();
  const auto [stopped, error] = std::from_chars(hex.data(), end, number, 16);
  pb::LeafEntry entry;
  if (error != std::errc() || stopped != end || !entry.ParseFromString(value)) return false;
  evidence.openings[number] = OpeningOf(entry);
  return true;
}

bool TakeUse(std::string_view authorisation, const std::string& value, StoredEvidence& evidence) {
  pb::LegalUseEntry entry;
  if (!entry.ParseFromString(value) || entry.format() != 1) return false;
  evidence.uses.push_back({std::string(authorisation), entry.answer_blob(), entry.answer_digest(),
                           OpeningOf(entry.leaf())});
  return true;
}

bool TakeAccountKey(std::string_view key, const std::string& value, StoredEvidence& evidence) {
  constexpr std::string_view kLeaf = "leaf/";
  constexpr std::string_view kUsed = "used/";
  if (key.starts_with(kLeaf)) return TakeOpening(key.substr(kLeaf.size()), value, evidence);
  if (key.starts_with(kUsed)) return TakeUse(key.substr(kUsed.size()), value, evidence);
  for (const std::string_view own : {"account", "chain", "fence", "move", "incoming"}) {
    if (key == own) return true;
  }
  return key.starts_with("s/") || key.starts_with("bucket/");
}

bool TakeBucketKey(std::string_view key, const std::string& value, StoredBucket& bucket) {
  if (key == "gate") {
    absl::StatusOr<Gate> gate = DecodeGate(value);
    if (gate.ok()) bucket.gate = *gate;
    return gate.ok();
  }
  if (key == "sum") {
    absl::StatusOr<BucketSum> sum = DecodeSum(value);
    if (sum.ok()) bucket.sum = *sum;
    return sum.ok();
  }
  if (key.starts_with("o/")) {
    absl::StatusOr<StoredObject> object = DecodeObject(value);
    if (!object.ok() || object->record.object.bytes() != key.substr(2)) return false;
    bucket.objects.push_back(*std::move(object));
    return true;
  }
  if (key.starts_with("g/")) {
    absl::StatusOr<GoneUpload> gone = DecodeGone(UploadId{std::string(key.substr(2))}, value);
    if (gone.ok()) bucket.gone.push_back(gone->extent);
    return gone.ok();
  }
  return key.starts_with("m/") && DecodeMemo(value).ok();
}

}  // namespace

absl::StatusOr<StoredEvidence> ReadEvidence(RecordStore& records, const AccountId& account) {
  StoredEvidence evidence;
  RETURN_IF_ERROR(ForEachRecord(records, AccountPartition(account), "", "",
                                [&](const std::string& key, const std::string& value) {
                                  if (!TakeAccountKey(key, value, evidence)) {
                                    evidence.unreadable.push_back(key);
                                  }
                                }));
  return evidence;
}

absl::StatusOr<StoredBucket> ReadBucket(RecordStore& records, const std::string& partition) {
  StoredBucket bucket;
  RETURN_IF_ERROR(ForEachRecord(records, partition, "", "",
                                [&](const std::string& key, const std::string& value) {
                                  bucket.exists = true;
                                  if (!TakeBucketKey(key, value, bucket)) {
                                    bucket.unreadable.push_back(key.substr(0, 2));
                                  }
                                }));
  return bucket;
}

}  // namespace comity::storage
