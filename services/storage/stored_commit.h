#ifndef COMITY_STORAGE_STORED_COMMIT_H_
#define COMITY_STORAGE_STORED_COMMIT_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "services/common/ids/ids.h"
#include "services/common/store/record_store.h"

namespace comity::storage {

// "storage/<account>" and "objects/<account>/<bucket as two hex digits>".
inline constexpr std::string_view kAccountPartitions = "storage/";
std::string AccountPartition(const AccountId& account);
std::string BucketPartition(const AccountId& account, uint8_t bucket);

// The version of a partition as a precondition; 0 means that it must not exist.
Precondition AsBefore(PartitionVersion version);

// One commit under a fresh request id. An outcome that is not known is asked for once more under
// the same id. OVERLOADED when the partition is full.
absl::Status CommitRecords(RecordStore& records, std::string_view partition,
                           const std::vector<Precondition>& preconditions,
                           const std::vector<Mutation>& mutations);

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_COMMIT_H_
