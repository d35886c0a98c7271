#ifndef COMITY_COMMON_SERVER_TOPOLOGY_PIN_H_
#define COMITY_COMMON_SERVER_TOPOLOGY_PIN_H_

#include <string_view>

#include "absl/status/status.h"

#include "services/common/statement/statement.h"
#include "services/common/store/record_store.h"
#include "services/common/topology/topology.h"

namespace comity {

// Holds a service to the topologies that it has been started with (partition "service/topology"):
// the first one is pinned; the same again is fine; one of a higher serial must rightly follow the
// pinned one (topology/succession.h) and is pinned in its place, durably, before this returns.
//   TOPOLOGY_STALE    a lower serial.
//   TOPOLOGY_INVALID  another file of the same serial.
//   The refusals of CheckSuccession(). STORE_UNAVAILABLE, DATA_CORRUPT.
// `text` is the exact content of the file that `topology` was read from, `signature` that of its
// .sig file.
absl::Status PinTopology(RecordStore& records, const Topology& topology, std::string_view text,
                         const Statement& signature);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_TOPOLOGY_PIN_H_
