#ifndef COMITY_REVIEW_STORED_CASE_INDEX_H_
#define COMITY_REVIEW_STORED_CASE_INDEX_H_

#include <utility>

#include "services/common/store/record_store.h"
#include "services/review/case_index.h"
#include "services/review/case_keys.h"

namespace comity::review {

// The index in partitions of its own. Names of entries are keyed hashes: the disk alone tells
// neither dockets nor grounds. What it is given outlives it.
//   "review/requests/<2>"  "<name>" -> sealed claim
//   "review/shared/<2>"    "<name>/<time>/<case id>"
//   "review/list/<yyyymm>" "<time, newest first>/<case id>"
// <2> are the first two characters of the name.
class StoredCaseIndex final : public CaseIndex {
 public:
  StoredCaseIndex(RecordStore* records, CaseKeys* keys) : records_(records), keys_(keys) {}

  absl::StatusOr<std::optional<Claim>> FindClaim(const Digest& request) override;
  absl::StatusOr<Claim> MakeClaim(const Digest& request, const Claim& proposed) override;
  absl::StatusOr<std::vector<std::string>> FindShared(SharedTrait trait, std::string_view value,
                                                      UnixMillis since) override;
  absl::Status AddShared(SharedTrait trait, std::string_view value, UnixMillis received,
                         std::string_view case_id) override;
  absl::Status AddListing(std::string_view case_id, UnixMillis received) override;
  absl::StatusOr<std::vector<ListingEntry>> List(std::string_view cursor, size_t limit) override;

 private:
  // Months that have cases, newest first.
  absl::StatusOr<std::vector<std::string>> ListMonths();

  RecordStore* const records_;
  CaseKeys* const keys_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_STORED_CASE_INDEX_H_
