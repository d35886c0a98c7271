#ifndef COMITY_CLIENT_LOGS_LOGS_H_
#define COMITY_CLIENT_LOGS_LOGS_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/log/log_http.h"
#include "services/common/topology/topology.h"

namespace comity {

// Verifies one service's log from its public files: signature, every bundle and tile, and that it
// extends what this user saw before. `memory` is a private folder where the last checkpoint and its
// leaves' root are kept per log; empty = remember nothing. SIGNATURE_INVALID, DATA_CORRUPT (names
// what disagrees), PEER_UNAVAILABLE.
absl::StatusOr<VerifiedLog> VerifyServiceLog(
    const Topology& topology, const RegionId& region, ServiceKind kind, const std::string& memory,
    const std::function<void(uint64_t, uint64_t)>& progress = nullptr);

}  // namespace comity

#endif  // COMITY_CLIENT_LOGS_LOGS_H_
