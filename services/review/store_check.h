#ifndef COMITY_REVIEW_STORE_CHECK_H_
#define COMITY_REVIEW_STORE_CHECK_H_

#include "services/common/check/store_check.h"

namespace comity::review {

// Looks at everything that a stopped review keeps, as far as it shows without the record key, which
// custody opens for a running review alone: each case has its record, revision and places in the
// indexes, each result its case, and no case of which the log tells is missing. The facts are what
// `comity check` compares with other services (docs/check.md). Not for a running review.
absl::Status CheckReviewStore(const StoreCheck& check);

}  // namespace comity::review

#endif  // COMITY_REVIEW_STORE_CHECK_H_
