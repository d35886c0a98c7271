#ifndef COMITY_STORAGE_LEGAL_STORE_H_
#define COMITY_STORAGE_LEGAL_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/storage/account_store.h"
#include "services/storage/object_store.h"

namespace comity::storage {

// What was answered to an authorisation, once and for all.
struct StoredAnswer {
  std::vector<StoredObject> objects;  // in the order of the authorisation's scope
  Statement manifest;                 // legal.manifest
  std::string leaf;                   // "about to use"
  std::string receipt;
  bool contents_allowed = false;  // the authorisation covers contents, not attributes alone
};

struct LegalUse {
  StoredAnswer answer;
  UnixMillis pin_end = 0;  // until then the contents are kept and may be read
};

// Legal uses, in the account's partition. Thread-safe; calls block. STORE_UNAVAILABLE,
// DATA_CORRUPT.
class LegalStore {
 public:
  virtual ~LegalStore() = default;
  virtual absl::StatusOr<std::optional<LegalUse>> Find(const AccountId& account,
                                                       const Digest& authorisation) = 0;
  // One commit: marks the authorisation used, with its answer, if the account is still as in
  // `served` (CONFLICT otherwise). MESSAGE_TOO_LARGE when the answer is larger than a blob.
  virtual absl::Status Put(const AccountSnapshot& served, const Digest& authorisation,
                           const LegalUse& use, const LeafOpening& opening) = 0;
  virtual absl::StatusOr<std::vector<LegalUse>> List(const AccountId& account) = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_LEGAL_STORE_H_
