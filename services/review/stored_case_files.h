#ifndef COMITY_REVIEW_STORED_CASE_FILES_H_
#define COMITY_REVIEW_STORED_CASE_FILES_H_

#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "services/review/case_keys.h"
#include "services/review/notice_store.h"
#include "services/review/result_store.h"

namespace comity::review {

// Notices in partitions "review/notices/<account>", sealed. What it is given outlives it.
class StoredNoticeStore final : public NoticeStore {
 public:
  StoredNoticeStore(RecordStore* records, CaseKeys* keys) : records_(records), keys_(keys) {}
  absl::Status Put(const AccountId& account, std::string_view case_id, std::string_view slot,
                   const Statement& notice) override;
  absl::StatusOr<std::vector<Statement>> List(const AccountId& account) override;

 private:
  RecordStore* const records_;
  CaseKeys* const keys_;
};

// Results as blobs "review/results/<case id>/<authorisation digest>", sealed. What it is given
// outlives it.
class StoredResultStore final : public ResultStore {
 public:
  StoredResultStore(BlobStore* blobs, CaseKeys* keys) : blobs_(blobs), keys_(keys) {}
  absl::StatusOr<std::optional<AccountResult>> Find(std::string_view case_id,
                                                    const Digest& authorisation) override;
  absl::Status Keep(std::string_view case_id, const Digest& authorisation,
                    const AccountResult& result) override;

 private:
  BlobStore* const blobs_;
  CaseKeys* const keys_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_STORED_CASE_FILES_H_
