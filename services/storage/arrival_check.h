#ifndef COMITY_STORAGE_ARRIVAL_CHECK_H_
#define COMITY_STORAGE_ARRIVAL_CHECK_H_

#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/statement/device_chain.h"
#include "services/common/topology/topology.h"
#include "services/storage/account_view.h"
#include "services/storage/incoming.h"

namespace comity::storage {

// A PrepareMove whose statements verified.
struct VerifiedArrival {
  DeviceChain chain;
  ConsentEntry consent;
  std::vector<Statement> history;
};

// All checks of Incoming::Prepare that need no state: border, chain, device signatures, consent
// and rules. Pure.
absl::StatusOr<VerifiedArrival> VerifyArrival(const Topology& topology, const RegionId& region,
                                              const RegionId& source, const PrepareCommand& command,
                                              UnixMillis now);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ARRIVAL_CHECK_H_
