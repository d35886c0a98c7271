#ifndef COMITY_CUSTODY_DELIVERY_H_
#define COMITY_CUSTODY_DELIVERY_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"
#include "services/common/statement/statement.h"
#include "services/common/topology/topology.h"
#include "services/custody/site.h"

namespace comity::custody {

struct ReadStatement {
  Envelope envelope;
  Statement statement;
};

// The statements of one DeliverStatement, sorted. Nothing is verified yet.
struct Delivery {
  std::vector<Statement> chain;         // account.chain, by number
  std::vector<ReadStatement> device;    // numbered device statements, by number
  std::vector<Statement> endorsements;  // whoever they are of
  std::vector<ReadStatement> fences;
  std::vector<ReadStatement> manifests;
  std::vector<ReadStatement> releases;
  std::vector<ReadStatement> aborts;
  std::vector<ReadStatement> activations;
};

// STATEMENT_MALFORMED for a type that no custody takes, FIELD_INVALID for a statement about another
// account or deployment. Types that only tell of what a custody knows itself are left out: carriers
// send back what they were given.
absl::StatusOr<Delivery> SortDelivery(const AccountId& account, const std::string& deployment,
                                      const std::vector<Statement>& statements);

// Verifies a statement about `account` of the service `kind` of `region`: its key must be endorsed,
// now, by one of `endorsements`. ENDORSEMENT_MISSING, SIGNATURE_INVALID, STATEMENT_MALFORMED.
template <typename Body>
absl::StatusOr<Parsed<Body>> VerifyFromService(const Statement& statement,
                                               const std::vector<Statement>& endorsements,
                                               const Site& site, const RegionId& region,
                                               ServiceKind kind, const AccountId& account) {
  absl::Status refusal = Refuse(Reason::kEndorsementMissing, "no endorsement came along");
  for (const Statement& endorsement : endorsements) {
    absl::StatusOr<PublicKey> key =
        site.topology->VerifyEndorsement(endorsement, region, kind, site.Now());
    if (!key.ok()) {
      continue;
    }
    absl::StatusOr<Parsed<Body>> parsed = VerifyStatement<Body>(statement, *key);
    if (!parsed.ok()) {
      refusal = parsed.status();
      continue;
    }
    if (parsed->envelope.subject != account.bytes() || parsed->envelope.region != region.name() ||
        parsed->envelope.deployment != site.topology->deployment()) {
      return Refuse(Reason::kSignatureInvalid, "signed about something else");
    }
    return parsed;
  }
  return refusal;
}

// The endorsement that makes `statement` count, to be carried along with it.
const Statement* FindEndorsementOf(const Statement& statement,
                                   const std::vector<Statement>& endorsements, const Site& site,
                                   const RegionId& region, ServiceKind kind);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_DELIVERY_H_
