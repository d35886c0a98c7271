#ifndef COMITY_STORAGE_ACCOUNT_OPENING_H_
#define COMITY_STORAGE_ACCOUNT_OPENING_H_

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/statement/device_chain.h"
#include "services/common/topology/topology.h"
#include "services/storage/accounts.h"

namespace comity::storage {

// A request to open an account whose every statement verified.
struct VerifiedOpening {
  DeviceChain chain;
  AccountRecord record;
  // In the order in which the history keeps them.
  std::vector<Statement> history;
};

// All of Accounts::Create's checks but the caller's, from the topology alone. Pure.
absl::StatusOr<VerifiedOpening> VerifyOpening(const Topology& topology, const RegionId& region,
                                              const CreateCommand& command, UnixMillis now);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_OPENING_H_
