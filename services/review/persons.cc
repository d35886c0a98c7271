#include "services/review/persons.h"

#include "services/common/status/reason.h"

namespace comity::review {
namespace {

absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kSignatureInvalid, cause); }

}  // namespace

absl::StatusOr<const RosterPerson*> FindCaller(const Authorization& authorization,
                                               const Site& site) {
  const RosterPerson* person = site.roster->FindByKey(authorization.caller().key.id());
  if (person == nullptr) return Refuse(Reason::kCallerUnknown, "not in the roster");
  return person;
}

absl::Status CheckPersonStatement(const Statement& statement, const Envelope& envelope,
                                  const RosterPerson& person, std::string_view subject,
                                  const Site& site) {
  if (envelope.deployment != site.topology->deployment() || envelope.region != site.region.name() ||
      envelope.subject != subject) {
    return Invalid("for another deployment, region or case");
  }
  const UnixMillis now = site.Now();
  if (envelope.time > now + kAllowedClockSkew) return Invalid("its time has not come");
  if (envelope.expiry != 0 && envelope.expiry <= now) return Invalid("expired");
  for (const std::string& spki : person.keys) {
    const absl::StatusOr<PublicKey> key = PublicKey::FromSpki(spki);
    if (key.ok() && key->id() == envelope.issuer) return VerifySignedBy(statement, *key);
  }
  return Invalid("signed by another than the caller");
}

}  // namespace comity::review
