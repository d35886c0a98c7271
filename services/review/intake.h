#ifndef COMITY_REVIEW_INTAKE_H_
#define COMITY_REVIEW_INTAKE_H_

#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/identity/authorization.h"
#include "services/review/bulk.h"
#include "services/review/case_index.h"
#include "services/review/cases.h"
#include "services/review/own_storage.h"
#include "services/review/site.h"

namespace comity::review {

// Takes requests. Thread-safe. What it is given outlives it.
class Intake final {
 public:
  Intake(const Site* site, Cases* cases, CaseIndex* index, const Bulk* bulk, OwnStorage* storage)
      : site_(site), cases_(cases), index_(index), bulk_(bulk), storage_(storage) {}

  // The case that `request` is: under review, held as a part of a split bulk request, or closed
  // with every reason that applies. A request that was taken before gets its case and nothing
  // happens. STATEMENT_MALFORMED, CALLER_UNKNOWN; CALLER_NOT_ALLOWED for another agent's request
  // that was taken before.
  absl::StatusOr<Case> Submit(const Authorization& agent, const Statement& request);

 private:
  // The signer if this deployment's and region's request carries a valid signature of the caller.
  const RosterPerson* FindSigner(const Statement& request, const Envelope& envelope,
                                 const RosterPerson& caller) const;
  bool IsOfOwnRegion(const Target& target) const;
  absl::StatusOr<RequestFacts> AskStorage(const Case& c, RequestFacts facts) const;
  absl::Status HoldTogether(const std::vector<std::string>& siblings);

  const Site* const site_;
  Cases* const cases_;
  CaseIndex* const index_;
  const Bulk* const bulk_;
  OwnStorage* const storage_;
  // One request at a time is compared with those before it and becomes one of them.
  absl::Mutex mutex_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_INTAKE_H_
