#ifndef COMITY_STORAGE_STORE_CHECK_H_
#define COMITY_STORAGE_STORE_CHECK_H_

#include "services/common/check/store_check.h"

namespace comity::storage {

// Looks at everything that a stopped storage keeps: each account decodes and obeys its own rules,
// each object's bytes are those of its record, each act that has to be in the log is there, each
// leaf that a record claims is what the record says, and nobody may write where the account is not
// served. The facts are what `comity check` compares with other services (docs/check.md). Not for a
// running storage. Reads every byte that is stored.
absl::Status CheckStorageStore(const StoreCheck& check);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORE_CHECK_H_
