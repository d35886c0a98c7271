#include "client/account/move_proof.h"

#include <optional>
#include <utility>

#include "services/common/statement/account.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

// The first statement of the evidence that is of this type, about this account, by this region's
// custody with an endorsed key, and that `fits`.
template <typename Body, typename Fits>
absl::StatusOr<std::pair<Statement, Parsed<Body>>> FindByCustody(
    const Topology& topology, const RegionId& region, const AccountId& account,
    const std::vector<Statement>& evidence, UnixMillis now, Fits fits) {
  const std::string what = std::string(Body::kType) + " of custody in " + region.name();
  absl::Status last =
      Refuse(Reason::kEndorsementMissing, "there is no endorsement for the " + what);
  bool endorsed = false;
  for (const Statement& endorsement : evidence) {
    const absl::StatusOr<PublicKey> key =
        topology.VerifyEndorsement(endorsement, region, ServiceKind::kCustody, now);
    if (!key.ok()) continue;
    if (!std::exchange(endorsed, true)) {
      last = Refuse(Reason::kSignatureInvalid, "there is no " + what);
    }
    for (const Statement& candidate : evidence) {
      absl::StatusOr<Parsed<Body>> parsed = VerifyStatement<Body>(candidate, *key);
      if (!parsed.ok() || parsed->envelope.subject != account.bytes() ||
          parsed->envelope.region != region.name() ||
          parsed->envelope.deployment != topology.deployment()) {
        continue;
      }
      if (absl::Status s = fits(parsed->body); !s.ok()) {
        last = s;
        continue;
      }
      return std::make_pair(candidate, *std::move(parsed));
    }
  }
  return last;
}

}  // namespace

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
            if (a.release != release.first.digest() || a.epoch != release.second.body.epoch) {
              return Refuse(Reason::kSignatureInvalid, "the activation is not for that release");
            }
            return absl::OkStatus();
          })));
  return VerifiedMove{own.source, own.destination, release.second.body.epoch, release.first,
                      activation.first};
}

}  // namespace comity
