#ifndef COMITY_REVIEW_PERSONS_H_
#define COMITY_REVIEW_PERSONS_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/statement/statement.h"
#include "services/review/site.h"

// Who a caller is, and what that person signed. One natural person is one roster entry, however
// many certificates and keys: everything that compares persons compares the entry's name.
namespace comity::review {

// The roster entry of the caller's key. CALLER_UNKNOWN.
absl::StatusOr<const RosterPerson*> FindCaller(const Authorization& authorization,
                                               const Site& site);

// Is `statement`, whose envelope is given, of this deployment and region, about `subject`, of no
// later time than now, not expired, and signed with a key of `person`? SIGNATURE_INVALID.
absl::Status CheckPersonStatement(const Statement& statement, const Envelope& envelope,
                                  const RosterPerson& person, std::string_view subject,
                                  const Site& site);

template <typename Body>
absl::StatusOr<Parsed<Body>> VerifyPersonStatement(const Statement& statement,
                                                   const RosterPerson& person,
                                                   std::string_view subject, const Site& site) {
  absl::StatusOr<Parsed<Body>> parsed = ParseStatement<Body>(statement);
  if (!parsed.ok()) return parsed.status();
  absl::Status checked = CheckPersonStatement(statement, parsed->envelope, person, subject, site);
  if (!checked.ok()) return checked;
  return parsed;
}

}  // namespace comity::review

#endif  // COMITY_REVIEW_PERSONS_H_
