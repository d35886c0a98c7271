#ifndef COMITY_STORAGE_ACCOUNT_CHECK_H_
#define COMITY_STORAGE_ACCOUNT_CHECK_H_

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "services/common/check/store_check.h"
#include "services/storage/account_store.h"
#include "services/storage/stored_evidence.h"

namespace comity::storage {

// What an account's buckets hold, in order of object id.
struct CheckedObjects {
  std::vector<ObjectRecord> records;
  std::set<std::string> uploads;  // referred to by an object, or known to be gone
  Digest root;                    // as of data.manifest
};

// Reads all buckets of the account and reports what is wrong with them: gates, sums, and bytes that
// are not those of their record. An error only when the store cannot be read on.
absl::StatusOr<CheckedObjects> CheckObjects(const StoreCheck& check,
                                            const AccountSnapshot& account);

// Reports what is wrong with the account's own records, its leaves, its move and its legal uses.
absl::Status CheckAccount(const StoreCheck& check, const AccountSnapshot& account,
                          const StoredEvidence& evidence, const CheckedObjects& objects);

// Tells what this storage believes of it.
void TellAccount(const StoreCheck& check, const AccountSnapshot& account,
                 const StoredEvidence& evidence, const CheckedObjects& objects);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_CHECK_H_
