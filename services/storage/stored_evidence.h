#ifndef COMITY_STORAGE_STORED_EVIDENCE_H_
#define COMITY_STORAGE_STORED_EVIDENCE_H_

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/store/record_store.h"
#include "services/storage/account_record.h"
#include "services/storage/object_store.h"

namespace comity::storage {

// One executed authorisation, as the record says; its answer is in the blob.
struct StoredUse {
  std::string authorisation;  // digest, base32
  std::string answer_blob;
  std::string answer_digest;  // 32 bytes
  LeafOpening opening;
};

// What lies in an account's partition beside the account itself and is not read while the service
// runs: read to be checked.
struct StoredEvidence {
  std::map<uint64_t, LeafOpening> openings;  // by number, from 0
  std::vector<StoredUse> uses;
  std::vector<std::string> unreadable;  // keys of records that do not decode, or belong to nothing
};
absl::StatusOr<StoredEvidence> ReadEvidence(RecordStore& records, const AccountId& account);

// One bucket of objects, record by record.
struct StoredBucket {
  bool exists = false;
  std::optional<Gate> gate;
  BucketSum sum;  // as recorded
  std::vector<StoredObject> objects;
  std::vector<UploadExtent> gone;
  std::vector<std::string> unreadable;
};
absl::StatusOr<StoredBucket> ReadBucket(RecordStore& records, const std::string& partition);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_EVIDENCE_H_
