#ifndef COMITY_STORAGE_OWN_CUSTODY_H_
#define COMITY_STORAGE_OWN_CUSTODY_H_

#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"

namespace comity::storage {

// The custody of this region: storage hands it statements and learns what it has decided.
// Thread-safe; calls block. PEER_UNAVAILABLE and the like may be retried.
class OwnCustody {
 public:
  virtual ~OwnCustody() = default;
  virtual absl::StatusOr<std::vector<Statement>> Deliver(
      const AccountId& account, const std::vector<Statement>& statements) = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_OWN_CUSTODY_H_
