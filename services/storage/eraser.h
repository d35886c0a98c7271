#ifndef COMITY_STORAGE_ERASER_H_
#define COMITY_STORAGE_ERASER_H_

#include "absl/status/statusor.h"

#include "services/common/store/blob_store.h"
#include "services/storage/account_store.h"
#include "services/storage/object_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// Erases an account's objects. Whether that may happen is decided by who calls it. Every step may
// be repeated after a crash: the leaf and the count first, then records and bytes, the certificate
// last. Thread-safe. What earlier copies of the disks hold it cannot reach.
class Eraser final {
 public:
  // What is given outlives this.
  Eraser(Site site, AccountStore* accounts, ObjectStore* objects, BlobStore* blobs)
      : site_(std::move(site)), accounts_(accounts), objects_(objects), blobs_(blobs) {}

  // Erases and signs data.destruction for `epoch`, which is then in the account's history. The
  // account is not served any more: its state says so.
  absl::StatusOr<SnapshotPtr> EraseWithCertificate(const AccountId& account, AccountEpoch epoch);

  // Erases what a called-off move brought here, without a certificate: it was never served.
  absl::Status EraseArrivals(const AccountSnapshot& account, AccountEpoch epoch);

 private:
  absl::Status Clear(const AccountSnapshot& account, AccountEpoch epoch);

  const Site site_;
  AccountStore* const accounts_;
  ObjectStore* const objects_;
  BlobStore* const blobs_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ERASER_H_
