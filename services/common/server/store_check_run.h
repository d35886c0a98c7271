#ifndef COMITY_COMMON_SERVER_STORE_CHECK_RUN_H_
#define COMITY_COMMON_SERVER_STORE_CHECK_RUN_H_

#include "absl/status/statusor.h"

#include "services/common/check/store_check.h"
#include "services/common/statement/operator.h"

namespace comity {

// What --check-store knows of the service before its store is opened.
struct StoreCheckTarget {
  const Topology& topology;
  const RegionId region;
  const ServiceKind kind = ServiceKind::kStorage;
  const std::string directory;  // of the service
  const UnixMillis now = 0;
  const int64_t audit_keep_ms = 0;  // how long audit records are kept
};

// Opens the store of a stopped service only to be read, verifies its log, and lets `checker` look
// at the rest; findings, facts and at last a summary go to standard output as lines of JSON, and
// violations to standard error in words (docs/check.md). Returns how many violations there were.
// STORE_UNAVAILABLE when there is no store or the service has it open.
enum class StoreCheckOutput {
  kLines,           // as above
  kViolationsOnly,  // to standard error alone
};
absl::StatusOr<uint64_t> RunStoreCheck(const StoreCheckTarget& target, const StoreChecker& checker,
                                       StoreCheckOutput output = StoreCheckOutput::kLines);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_STORE_CHECK_RUN_H_
