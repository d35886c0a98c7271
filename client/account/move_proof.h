#ifndef COMITY_CLIENT_ACCOUNT_MOVE_PROOF_H_
#define COMITY_CLIENT_ACCOUNT_MOVE_PROOF_H_

#include <vector>

#include "absl/status/statusor.h"

#include "services/common/statement/custody.h"
#include "services/common/topology/topology.h"

namespace comity {

// A move whose whole evidence was checked.
struct VerifiedMove {
  RegionId source;
  RegionId destination;
  AccountEpoch epoch = 0;
  Statement release;
  Statement activation;
};

// Does `evidence` (in any order, other statements ignored) prove that the account moved as
// `consent`, which this device signed, allows? Needs the release of the source custody for this
// consent, the activation of the destination custody for that release, and both custodies'
// endorsements, all by the topology. CONSENT_VOID (another consent or region), SIGNATURE_INVALID or
// ENDORSEMENT_MISSING with what is missing as the cause.
absl::StatusOr<VerifiedMove> VerifyMove(const Topology& topology, const AccountId& account,
                                        const Statement& consent,
                                        const std::vector<Statement>& evidence, UnixMillis now);

}  // namespace comity

#endif  // COMITY_CLIENT_ACCOUNT_MOVE_PROOF_H_
