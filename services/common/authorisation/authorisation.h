#ifndef COMITY_COMMON_AUTHORISATION_AUTHORISATION_H_
#define COMITY_COMMON_AUTHORISATION_AUTHORISATION_H_

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/statement/legal.h"
#include "services/common/topology/roster.h"
#include "services/common/topology/topology.h"

namespace comity {

// An authorisation whose four signatures and log proof were verified by this process. Only
// VerifyAuthorisation makes one, so that a legal use without it does not compile.
class VerifiedAuthorisation final {
 public:
  const AuthorisationCore& core() const { return core_; }
  const Digest& digest() const { return digest_; }
  const LegalRequest& request() const { return request_; }
  UnixMillis expiry() const { return expiry_; }

 private:
  friend absl::StatusOr<VerifiedAuthorisation> VerifyAuthorisation(const Authorisation&,
                                                                   ServiceKind, const RegionId&,
                                                                   const Topology&, const Roster&,
                                                                   UnixMillis);
  VerifiedAuthorisation() = default;
  AuthorisationCore core_;
  Digest digest_;
  LegalRequest request_;
  UnixMillis expiry_ = 0;
};

// Rule 12 of docs/review.md, for one audience in `region`: the request is signed by an agent of the
// roster and names this recipient key and target; two approvals by two different persons with the
// approver role, both over the same list that contains this digest, both with no-conflict, none of
// them the agent, one enrolled by custody's operator where the topology asks for it; review's grant
// by its endorsed statement key, not before its time, not expired, within the signed lifetime after
// the later approval; the grant's leaf (type "legal.grant", clear fields empty of persons,
// commitment "grant" to the grant's digest opened by a salt that is the SHA-256 of the core) proven
// in review's log by the topology's log key (of clear fields only "case_tag" may stand in the
// leaf); purpose content needs class C5 and purpose attributes class C4; classes, instrument, time
// range and caps within the topology's rules. AUTHORISATION_INVALID, FOUR_EYES,
// ENDORSEMENT_MISSING, RULES_FORBID with the cause in the log.
absl::StatusOr<VerifiedAuthorisation> VerifyAuthorisation(const Authorisation& authorisation,
                                                          ServiceKind audience,
                                                          const RegionId& region,
                                                          const Topology& topology,
                                                          const Roster& roster, UnixMillis now);

}  // namespace comity

#endif  // COMITY_COMMON_AUTHORISATION_AUTHORISATION_H_
