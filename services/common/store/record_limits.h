#ifndef COMITY_COMMON_STORE_RECORD_LIMITS_H_
#define COMITY_COMMON_STORE_RECORD_LIMITS_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

#include "services/common/store/record_store.h"

// The limits of the RecordStore interface, checked by every driver before it does anything, so that
// all refuse alike. Each returns OK or FIELD_INVALID with the cause.
namespace comity {

// A page of a scan ends once its keys and values hold this much.
inline constexpr size_t kMaxScanPageBytes = 4 << 20;

// What one commit may be, and a partition. A store that stands behind another one, which adds to
// each commit, takes more.
struct RecordRoom {
  size_t operations = kMaxCommitOperations;
  size_t bytes = kMaxCommitBytes;
  size_t keys = kMaxPartitionKeys;
};

absl::Status CheckGet(std::string_view partition, const std::vector<std::string>& keys);
absl::Status CheckScan(std::string_view partition, std::string_view begin, std::string_view end,
                       size_t limit);
absl::Status CheckPartitions(std::string_view prefix, std::string_view cursor, size_t limit);
absl::Status CheckCommit(std::string_view partition, const RequestId& request_id,
                         const std::vector<Precondition>& preconditions,
                         const std::vector<Mutation>& mutations, const RecordRoom& room = {});

}  // namespace comity

#endif  // COMITY_COMMON_STORE_RECORD_LIMITS_H_
