#include "client/account/move_proof.h"

#include <string>

#include "services/common/statement/account.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// The first statement of custody in `region` that `fits`; what was wrong with the last one if none.
template <typename Body, typename Fits>
absl::StatusOr<ServiceStatement<Body>> FindByCustody(const Topology& topology,
                                                     const RegionId& region,
                                                     const AccountId& account,
                                                     const std::vector<Statement>& evidence,
                                                     UnixMillis now, Fits fits) {
  const std::string what = std::string(Body::kType) + " of custody in " + region.name();
  const ServiceStatements<Body> statements =
      FindServiceStatements<Body>(topology, region, ServiceKind::kCustody, account, evidence, now);
  absl::Status last = statements.endorsed ? Refuse(Reason::kSignatureInvalid, "there is no " + what)
                                          : Refuse(Reason::kEndorsementMissing,
                                                   "there is no endorsement for the " + what);
  for (const ServiceStatement<Body>& statement : statements.found) {
    last = fits(statement.body);
    if (last.ok()) return statement;
  }
  return last;
}

}  // namespace

bool IsReadBackOf(const Statement& statement, AccountEpoch epoch) {
  const absl::StatusOr<Parsed<ReadBack>> parsed = ParseStatement<ReadBack>(statement);
  return parsed.ok() && parsed->body.epoch == epoch;
}

absl::StatusOr<VerifiedMove> VerifyMove(const Topology& topology, const AccountId& account,
                                        const Statement& consent,
                                        const std::vector<Statement>& evidence, UnixMillis now) {
  ASSIGN_OR_RETURN(const Parsed<Consent> signed_consent, ParseStatement<Consent>(consent));
  const Consent& own = signed_consent.body;
  // Attempts that were called off use up epochs, so that the new one is later, not the next.
  ASSIGN_OR_RETURN(
      const auto release,
      (FindByCustody<Release>(
          topology, own.source, account, evidence, now, [&](const Release& r) -> absl::Status {
            if (r.consent != consent.digest() || r.destination != own.destination ||
                r.epoch <= own.from_epoch) {
              return Refuse(Reason::kConsentVoid,
                            "the release is not for the consent of this device");
            }
            return absl::OkStatus();
          })));
  ASSIGN_OR_RETURN(
      const auto activation,
      (FindByCustody<Activation>(
          topology, own.destination, account, evidence, now, [&](const Activation& a) {
            if (a.release != release.statement.digest() || a.epoch != release.body.epoch) {
              return Refuse(Reason::kSignatureInvalid, "the activation is not for that release");
            }
            return absl::OkStatus();
          })));
  return VerifiedMove{own.source, own.destination, release.body.epoch, release.statement,
                      activation.statement};
}

}  // namespace comity
