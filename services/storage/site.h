#ifndef COMITY_STORAGE_SITE_H_
#define COMITY_STORAGE_SITE_H_

#include <string>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/service_signer.h"
#include "services/common/ids/ids.h"
#include "services/common/tasks/task_pool.h"
#include "services/common/topology/topology.h"
#include "services/storage/account_leaves.h"

namespace comity::storage {

// This storage: where it is, what time it is, and how it signs and logs. Borrows everything; a
// copyable handle.
struct Site {
  const Topology* topology = nullptr;
  RegionId region;
  const Clock* clock = nullptr;
  ServiceSigner* signer = nullptr;
  const AccountLeaves* leaves = nullptr;
  TaskPool* tasks = nullptr;  // for writes and reads side by side; null: one after the other

  UnixMillis Now() const { return clock->Now(); }
  template <typename Body>
  absl::StatusOr<Statement> Sign(const AccountId& account, const Body& body) const {
    return signer->Sign(std::string(account.bytes()), body);
  }
  const Statement& endorsement() const { return signer->endorsement(); }
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_SITE_H_
