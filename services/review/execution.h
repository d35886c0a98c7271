#ifndef COMITY_REVIEW_EXECUTION_H_
#define COMITY_REVIEW_EXECUTION_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/review/cases.h"
#include "services/review/own_custody.h"
#include "services/review/own_storage.h"
#include "services/review/result_store.h"
#include "services/review/site.h"

namespace comity::review {

// Takes a package, part by part: per account its head, then its contents, each followed by its
// chunks. An error ends the delivery.
class PackageSink {
 public:
  virtual ~PackageSink() = default;
  virtual absl::Status TakeAccount(const Authorisation& authorisation,
                                   const AccountResult& result) = 0;
  virtual absl::Status TakeContent(const ContentId& content) = 0;
  virtual absl::Status TakeChunk(std::string chunk) = 0;
};

// Carries authorised cases out. Thread-safe. What it is given outlives it.
//
// The case is marked as begun before storage or custody is asked: from then on it cannot be
// withdrawn. Both answer a repeated authorisation with what they answered first, so a crash
// anywhere in between is mended by carrying out again. Per account storage comes first, then
// custody with the wraps that storage gave; both answers are kept before the next account.
class Execution final {
 public:
  Execution(const Site* site, Cases* cases, OwnStorage* storage, OwnCustody* custody,
            ResultStore* results)
      : site_(site), cases_(cases), storage_(storage), custody_(custody), results_(results) {}

  // The case with its outcome. For its agent, or a reviewer or approver. A repeat gives the same.
  //   CASE_NOT_FOUND, STATE_NOT_READY
  //   and what storage or custody refuses, when a later try or time may mend it.
  absl::StatusOr<Case> Execute(const Authorization& caller, std::string_view case_id);

  // Ends a case that was begun and whose grants have expired: by what storage and custody say, it
  // was carried out or it was not.
  absl::Status Finish(std::string_view case_id);

  // To the case's agent, as often as wanted. CASE_NOT_FOUND, STATE_NOT_READY before there is an
  // answer.
  absl::Status Deliver(const Authorization& agent, std::string_view case_id, PackageSink& sink);

 private:
  absl::StatusOr<Case> Run(const Case& c);
  // `keys_elsewhere`: why nothing came of it is that custody here has no key of the account.
  absl::StatusOr<AccountResult> RunAccount(const Case& c, size_t index,
                                           const AuthorisationCore& core, bool& keys_elsewhere);
  Authorisation Assemble(const Case& c, size_t index) const;

  const Site* const site_;
  Cases* const cases_;
  OwnStorage* const storage_;
  OwnCustody* const custody_;
  ResultStore* const results_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_EXECUTION_H_
