#ifndef COMITY_COMMON_TOPOLOGY_SUCCESSION_H_
#define COMITY_COMMON_TOPOLOGY_SUCCESSION_H_

#include "absl/status/status.h"

#include "services/common/statement/statement.h"
#include "services/common/topology/topology.h"

namespace comity {

// Does `signature` sign exactly this topology, and did every operator in it sign? TOPOLOGY_INVALID
// names whose signature is missing.
absl::Status CheckTopologySignature(const Topology& topology, const Statement& signature);

// May `after` follow `before`, with the signature that stands beside it? Its serial is higher and
// its signature names the digest of `before`. All operators of both must have signed, so that
// nobody is left out by a neighbour. Without a signature of an operator of `before`, `after` may
// only take away, so that nobody can veto being cut off: border edges; regions where that operator
// runs a service, with what is said of them alone (their review rules, people, and homes of
// territories); terms, jurisdictions and that operator, when nothing names them any more.
// TOPOLOGY_INVALID says what and whose signature is missing.
absl::Status CheckSuccession(const Topology& before, const Topology& after,
                             const Statement& signature);

}  // namespace comity

#endif  // COMITY_COMMON_TOPOLOGY_SUCCESSION_H_
