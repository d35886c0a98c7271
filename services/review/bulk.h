#ifndef COMITY_REVIEW_BULK_H_
#define COMITY_REVIEW_BULK_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/review/case.h"
#include "services/review/case_index.h"
#include "services/review/case_store.h"
#include "services/review/request_check.h"
#include "services/review/site.h"

// Bulk requests that come in parts (docs/review.md, "Bulk"): distinct targets are summed over the
// sliding window by what the parts have in common.
namespace comity::review {

// What is compared: the docket of one authority, the instrument's hash, the ground's text without
// regard to case and spacing, the authority.
std::string TraitValue(SharedTrait trait, const LegalRequest& request);

struct Siblings {
  SiblingSums sums;                   // this request's own targets included
  std::vector<std::string> together;  // undecided cases with the same docket, instrument or ground
  bool instrument_seen = false;       // another case has this instrument
};

// Thread-safe. What it is given outlives it.
class Bulk final {
 public:
  Bulk(const Site* site, CaseStore* cases, CaseIndex* index)
      : site_(site), cases_(cases), index_(index) {}

  // Of all cases but `own_case` that are open or were answered. Counted are those that ask for data
  // at least as sensitive (under a cap not larger) as `request`.
  absl::StatusOr<Siblings> Find(const LegalRequest& request, std::string_view own_case) const;

  // From now on the case is found. Before the case itself is written.
  absl::Status Note(const Case& c) const;

 private:
  const Site* const site_;
  CaseStore* const cases_;
  CaseIndex* const index_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_BULK_H_
