#include "services/storage/service_statements.h"

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

void ServiceStatements::Offer(const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) Offer(statement);
}

void ServiceStatements::Offer(const Statement& statement) {
  absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
  if (!envelope.ok() || envelope->type != Endorsement::kType) return;
  absl::StatusOr<Parsed<Endorsement>> parsed = ParseStatement<Endorsement>(statement);
  if (!parsed.ok()) return;
  candidates_.push_back({statement, *std::move(envelope),
                         *SigningKeyId::FromBytes(Sha256(parsed->body.statement_key))});
}

absl::Status ServiceStatements::Check(const Statement& statement, const Envelope& envelope,
                                      const RegionId& region, ServiceKind kind,
                                      const AccountId& account) const {
  if (envelope.deployment != topology_.deployment() || envelope.region != region.name() ||
      envelope.subject != account.bytes()) {
    return Refuse(Reason::kSignatureInvalid, envelope.type + " is about something else");
  }
  // The newest endorsement is the likely one; an expired one of the same key does no harm.
  absl::Status refusal = Refuse(Reason::kEndorsementMissing, "no endorsement of the signer");
  for (auto it = candidates_.rbegin(); it != candidates_.rend(); ++it) {
    if (it->key != envelope.issuer) continue;
    absl::StatusOr<PublicKey> key = topology_.VerifyEndorsement(it->statement, region, kind, now_);
    if (key.ok() && key->id() == envelope.issuer) return VerifySignedBy(statement, *key);
    if (!key.ok()) refusal = key.status();
  }
  return refusal;
}

const Statement* ServiceStatements::EndorsementOf(const SigningKeyId& issuer) const {
  for (auto it = candidates_.rbegin(); it != candidates_.rend(); ++it) {
    if (it->key == issuer) return &it->statement;
  }
  return nullptr;
}

}  // namespace comity::storage
