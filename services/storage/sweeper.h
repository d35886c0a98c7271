#ifndef COMITY_STORAGE_SWEEPER_H_
#define COMITY_STORAGE_SWEEPER_H_

#include <cstdint>
#include <set>

#include "absl/status/status.h"

#include "services/common/store/blob_store.h"
#include "services/storage/account_store.h"
#include "services/storage/legal_store.h"
#include "services/storage/object_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// Deletes bytes that nothing refers to: replaced and deleted versions after a while, in which
// reads that were under way can end, and what uploads left behind that a crash ended. What an
// executed authorisation pins stays until its pin ends. Thread-safe.
class Sweeper final {
 public:
  static constexpr int64_t kGoneMs = kHourMs;       // of the service's clock
  static constexpr int64_t kMemoMs = kDayMs;        // how long request ids are remembered
  static constexpr int64_t kOrphanMs = 4 * kDayMs;  // real time; longer than an upload may take

  // What is given outlives this. `real_time`: what blobs are dated by.
  Sweeper(Site site, AccountStore* accounts, ObjectStore* objects, LegalStore* legal,
          BlobStore* blobs, const Clock* real_time)
      : site_(std::move(site)),
        accounts_(accounts),
        objects_(objects),
        legal_(legal),
        blobs_(blobs),
        real_time_(real_time) {}

  // Replaced and deleted versions, and forgotten request ids, of one account.
  absl::Status Sweep(const AccountId& account);
  // Blobs of one account that nothing has ever referred to. Reads everything about the account.
  absl::Status SweepOrphans(const AccountId& account);

 private:
  absl::StatusOr<std::set<UploadId>> Pinned(const AccountId& account);

  const Site site_;
  AccountStore* const accounts_;
  ObjectStore* const objects_;
  LegalStore* const legal_;
  BlobStore* const blobs_;
  const Clock* const real_time_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_SWEEPER_H_
