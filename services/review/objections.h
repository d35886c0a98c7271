#ifndef COMITY_REVIEW_OBJECTIONS_H_
#define COMITY_REVIEW_OBJECTIONS_H_

#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/review/cases.h"
#include "services/review/notices.h"
#include "services/review/site.h"

namespace comity::review {

inline constexpr size_t kMaxObjectionText = 4'096;

// Statements about an account, carried by anybody. Of these, review takes objections: while the
// notice period runs, one sends the case back to review and voids what was decided. Everything else
// is passed over. Thread-safe. What it is given outlives it.
class Objections final {
 public:
  Objections(const Site* site, Cases* cases, Notices* notices)
      : site_(site), cases_(cases), notices_(notices) {}

  // Answers a device with its notices, a service with nothing.
  //   ACCOUNT_NOT_YOURS   no chain is known, or the device is not in it.
  //   SIGNATURE_INVALID   the objection is of no device of the account, or of another case's.
  //   STATE_NOT_READY     no notice period of that case runs.
  absl::StatusOr<std::vector<Statement>> Deliver(const Authorization& carrier,
                                                 const AccountId& account,
                                                 const std::vector<Statement>& statements);

 private:
  absl::Status Take(const AccountId& account, const Statement& objection,
                    const std::vector<Statement>& chain);

  const Site* const site_;
  Cases* const cases_;
  Notices* const notices_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_OBJECTIONS_H_
