#ifndef COMITY_CUSTODY_PEER_CUSTODY_H_
#define COMITY_CUSTODY_PEER_CUSTODY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/custody/account.h"

namespace comity::custody {

// Keys of one account on their way, as ImportKeys carries them.
struct ImportCommand {
  AccountId account;
  AccountEpoch epoch = 0;
  std::vector<Statement> chain;
  std::vector<Statement> account_statements;  // the account record, then the numbered ones
  Statement consent;
  Statement key_export;
  Statement endorsement;  // of the exporting custody
  std::string sealed_keys;
};

// The custody of another region. Nothing that it answers is trusted: callers verify each statement.
// Refusals come back with the reason that it gave; PEER_UNAVAILABLE and DEADLINE when it did not
// answer. Thread-safe; calls block.
class PeerCustody {
 public:
  virtual ~PeerCustody() = default;
  virtual absl::StatusOr<Endorsed> GetTransportKey(const RegionId& region, const AccountId& account,
                                                   AccountEpoch epoch) = 0;
  virtual absl::StatusOr<Endorsed> ImportKeys(const RegionId& region,
                                              const ImportCommand& command) = 0;
  virtual absl::StatusOr<std::vector<Statement>> DeliverStatement(
      const RegionId& region, const AccountId& account,
      const std::vector<Statement>& statements) = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_PEER_CUSTODY_H_
