#ifndef COMITY_STORAGE_STORED_LEGAL_STORE_H_
#define COMITY_STORAGE_STORED_LEGAL_STORE_H_

#include <optional>
#include <vector>

#include "services/common/store/blob_store.h"
#include "services/common/store/record_store.h"
#include "services/storage/legal_store.h"

namespace comity::storage {

// LegalStore: keys "used/<authorisation digest>" of the account's partition; answers are blobs
// "objects/<account>/answer-<authorisation digest>-<random>", which go when the account's data
// goes.
class StoredLegalStore final : public LegalStore {
 public:
  // Both outlive the store.
  StoredLegalStore(RecordStore* records, BlobStore* blobs) : records_(records), blobs_(blobs) {}

  absl::StatusOr<std::optional<LegalUse>> Find(const AccountId& account,
                                               const Digest& authorisation) override;
  absl::Status Put(const AccountSnapshot& served, const Digest& authorisation, const LegalUse& use,
                   const LeafOpening& opening) override;
  absl::StatusOr<std::vector<LegalUse>> List(const AccountId& account) override;

 private:
  absl::StatusOr<LegalUse> Read(const std::string& entry);

  RecordStore* const records_;
  BlobStore* const blobs_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_LEGAL_STORE_H_
