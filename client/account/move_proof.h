#ifndef COMITY_CLIENT_ACCOUNT_MOVE_PROOF_H_
#define COMITY_CLIENT_ACCOUNT_MOVE_PROOF_H_

#include <utility>
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

// Is `statement` the device's read-back of the move that began `epoch`? Those of earlier moves are
// kept beside it and say nothing of this one.
bool IsReadBackOf(const Statement& statement, AccountEpoch epoch);

// The statements of one type in `evidence` that this service of `region` signed about `account`
// with a key endorsed in the evidence, in the order of the evidence.
template <typename Body>
struct ServiceStatement {
  Statement statement;
  Body body;
};
template <typename Body>
struct ServiceStatements {
  bool endorsed = false;  // the evidence holds an endorsement of that service
  std::vector<ServiceStatement<Body>> found;
};
template <typename Body>
ServiceStatements<Body> FindServiceStatements(const Topology& topology, const RegionId& region,
                                              ServiceKind kind, const AccountId& account,
                                              const std::vector<Statement>& evidence,
                                              UnixMillis now) {
  ServiceStatements<Body> result;
  for (const Statement& endorsement : evidence) {
    const absl::StatusOr<PublicKey> key =
        topology.VerifyEndorsement(endorsement, region, kind, now);
    if (!key.ok()) continue;
    result.endorsed = true;
    for (const Statement& candidate : evidence) {
      absl::StatusOr<Parsed<Body>> parsed = VerifyStatement<Body>(candidate, *key);
      if (parsed.ok() && parsed->envelope.subject == account.bytes() &&
          parsed->envelope.region == region.name() &&
          parsed->envelope.deployment == topology.deployment()) {
        result.found.push_back({candidate, std::move(parsed->body)});
      }
    }
  }
  return result;
}

}  // namespace comity

#endif  // COMITY_CLIENT_ACCOUNT_MOVE_PROOF_H_
