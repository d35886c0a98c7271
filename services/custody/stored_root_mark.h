#ifndef COMITY_CUSTODY_STORED_ROOT_MARK_H_
#define COMITY_CUSTODY_STORED_ROOT_MARK_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/store/record_store.h"
#include "services/custody/pkcs11_seal.h"

namespace comity::custody {

// RootMark as a record of custody's own store: partition `custody-root`, key `wrapped`. An account
// is a mark as well. `records` outlives it.
class StoredRootMark final : public RootMark {
 public:
  explicit StoredRootMark(RecordStore* records) : records_(records) {}
  absl::StatusOr<bool> IsSet() override;
  absl::Status Set() override;

 private:
  RecordStore* const records_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_STORED_ROOT_MARK_H_
