#include "services/common/server/measured_record_store.h"

#include <chrono>

#include "services/common/status/reason.h"

namespace comity {

absl::StatusOr<PartitionVersion> MeasuredRecordStore::Commit(
    std::string_view partition, const RequestId& request_id,
    const std::vector<Precondition>& preconditions, const std::vector<Mutation>& mutations) {
  const auto start = std::chrono::steady_clock::now();
  absl::StatusOr<PartitionVersion> outcome =
      behind_->Commit(partition, request_id, preconditions, mutations);
  commits_.Observe(std::chrono::steady_clock::now() - start);
  if (!outcome.ok()) {
    std::atomic<uint64_t>& count =
        ReasonOf(outcome.status()) == Reason::kConflict ? conflicts_ : failures_;
    count.fetch_add(1, std::memory_order_relaxed);
  }
  return outcome;
}

}  // namespace comity
