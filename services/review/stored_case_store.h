#ifndef COMITY_REVIEW_STORED_CASE_STORE_H_
#define COMITY_REVIEW_STORED_CASE_STORE_H_

#include "services/common/store/record_store.h"
#include "services/review/case_keys.h"
#include "services/review/case_store.h"

namespace comity::review {

// Cases in partitions "review/<yyyymm>/<2 hex bucket>": keys "case/<id>" (sealed), "rev/<id>" (its
// revision) and "due/<time>/<id>", all in one commit. What it is given outlives it.
class StoredCaseStore final : public CaseStore {
 public:
  StoredCaseStore(RegionId region, RecordStore* records, CaseKeys* keys)
      : region_(std::move(region)), records_(records), keys_(keys) {}

  absl::StatusOr<std::optional<StoredCase>> Find(std::string_view case_id) override;
  absl::StatusOr<StoredCase> Write(const StoredCase& before, Case after) override;
  absl::StatusOr<std::vector<std::pair<UnixMillis, std::string>>> ListDue() override;

 private:
  const RegionId region_;
  RecordStore* const records_;
  CaseKeys* const keys_;
};

// The wrap of the record key: key "record-key" of partition "service/review-key".
class StoredWrappedKeyStore final : public WrappedKeyStore {
 public:
  explicit StoredWrappedKeyStore(RecordStore* records) : records_(records) {}
  absl::StatusOr<std::optional<std::string>> Load() override;
  absl::Status Keep(const std::string& wrapped) override;

 private:
  RecordStore* const records_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_STORED_CASE_STORE_H_
