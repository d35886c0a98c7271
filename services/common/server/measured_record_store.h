#ifndef COMITY_COMMON_SERVER_MEASURED_RECORD_STORE_H_
#define COMITY_COMMON_SERVER_MEASURED_RECORD_STORE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "services/common/server/latency_histogram.h"
#include "services/common/store/forwarding_stores.h"

namespace comity {

// A record store that counts how its commits end and how long they take. Thread-safe.
class MeasuredRecordStore final : public ForwardingRecordStore {
 public:
  explicit MeasuredRecordStore(std::shared_ptr<RecordStore> store)
      : ForwardingRecordStore(store.get()), store_(std::move(store)) {}

  absl::StatusOr<PartitionVersion> Commit(std::string_view partition, const RequestId& request_id,
                                          const std::vector<Precondition>& preconditions,
                                          const std::vector<Mutation>& mutations) override;

  const LatencyHistogram& commits() const { return commits_; }  // all, however they ended
  uint64_t conflicts() const { return conflicts_.load(std::memory_order_relaxed); }
  uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }

 private:
  const std::shared_ptr<RecordStore> store_;
  LatencyHistogram commits_;
  std::atomic<uint64_t> conflicts_{0};
  std::atomic<uint64_t> failures_{0};
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_MEASURED_RECORD_STORE_H_
