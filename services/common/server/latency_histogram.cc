#include "services/common/server/latency_histogram.h"

#include <algorithm>

namespace comity {

size_t ThreadShard(size_t shards) {
  static std::atomic<size_t> next{0};
  static thread_local const size_t number = next.fetch_add(1, std::memory_order_relaxed);
  return number % shards;
}

void LatencyHistogram::Observe(std::chrono::nanoseconds took) {
  const int64_t nanoseconds = std::max<int64_t>(took.count(), 0);
  const auto bound = std::ranges::lower_bound(kBounds, (nanoseconds + 999) / 1'000);
  Shard& shard = shards_[ThreadShard(kShards)];
  shard.counts[static_cast<size_t>(bound - kBounds.begin())].fetch_add(1,
                                                                       std::memory_order_relaxed);
  shard.nanoseconds.fetch_add(static_cast<uint64_t>(nanoseconds), std::memory_order_relaxed);
}

LatencyHistogram::Totals LatencyHistogram::Sum() const {
  Totals totals;
  for (const Shard& shard : shards_) {
    for (size_t i = 0; i < totals.counts.size(); ++i) {
      const uint64_t count = shard.counts[i].load(std::memory_order_relaxed);
      totals.counts[i] += count;
      totals.count += count;
    }
    totals.seconds += static_cast<double>(shard.nanoseconds.load(std::memory_order_relaxed)) / 1e9;
  }
  return totals;
}

}  // namespace comity
