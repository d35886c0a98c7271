#ifndef COMITY_CUSTODY_STORED_EVIDENCE_H_
#define COMITY_CUSTODY_STORED_EVIDENCE_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/store/record_store.h"
#include "services/custody/account.h"

namespace comity::custody {

// What lies in an account's partition beside the account itself, which the running service never
// reads: read to be checked.
struct StoredEvidence {
  std::map<uint64_t, LeafOpening> openings;    // by number
  std::map<AccountEpoch, Decision> decisions;  // by the epoch that was decided
  std::vector<LegalUse> uses;
  std::vector<std::string> unreadable;  // keys of records that do not decode, or belong to nothing
};

// STORE_UNAVAILABLE, DATA_CORRUPT from the store alone.
absl::StatusOr<StoredEvidence> ReadEvidence(RecordStore& records, const AccountId& account);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_STORED_EVIDENCE_H_
