#ifndef COMITY_STORAGE_SERVICE_STATEMENTS_H_
#define COMITY_STORAGE_SERVICE_STATEMENTS_H_

#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/operator.h"
#include "services/common/statement/statement.h"
#include "services/common/topology/topology.h"

namespace comity::storage {

// Verifies statements of services with the endorsements that travel along. Nothing of a service
// counts without its operator's endorsement. Borrows what it is given.
class ServiceStatements final {
 public:
  ServiceStatements(const Topology& topology, UnixMillis now) : topology_(topology), now_(now) {}

  // Endorsements among these may vouch for what is verified later.
  void Offer(const std::vector<Statement>& statements);
  void Offer(const Statement& statement);

  // Body says what it says, and the endorsed service `kind` of `region` signed it about `account`.
  // STATEMENT_MALFORMED, SIGNATURE_INVALID, ENDORSEMENT_MISSING.
  template <typename Body>
  absl::StatusOr<Parsed<Body>> Verify(const Statement& statement, const RegionId& region,
                                      ServiceKind kind, const AccountId& account) {
    absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
    if (!parsed.ok()) return parsed;
    if (absl::Status s = Check(statement, parsed->envelope, region, kind, account); !s.ok()) {
      return s;
    }
    return parsed;
  }

  // The endorsement that made Verify() accept this signer; kept with the statement, so that others
  // can verify it too. Null if none was used.
  const Statement* EndorsementOf(const SigningKeyId& issuer) const;

 private:
  struct Candidate {
    Statement statement;
    Envelope envelope;
    SigningKeyId key;
  };
  absl::Status Check(const Statement& statement, const Envelope& envelope, const RegionId& region,
                     ServiceKind kind, const AccountId& account) const;

  const Topology& topology_;
  const UnixMillis now_;
  std::vector<Candidate> candidates_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_SERVICE_STATEMENTS_H_
