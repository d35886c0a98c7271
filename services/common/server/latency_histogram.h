#ifndef COMITY_COMMON_SERVER_LATENCY_HISTOGRAM_H_
#define COMITY_COMMON_SERVER_LATENCY_HISTOGRAM_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace comity {

// How long something took, counted in fixed buckets. Observing costs two additions to memory that
// few other threads write. Thread-safe.
class LatencyHistogram final {
 public:
  // Upper bounds in microseconds; what is longer goes into one bucket more.
  static constexpr std::array<int64_t, 18> kBounds = {
      50,     100,     250,     500,     1'000,     2'500,     5'000,     10'000,     25'000,
      50'000, 100'000, 250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 60'000'000};

  void Observe(std::chrono::nanoseconds took);

  struct Totals {
    std::array<uint64_t, kBounds.size() + 1> counts{};  // per bucket, not cumulative
    uint64_t count = 0;
    double seconds = 0;
  };
  Totals Sum() const;

 private:
  static constexpr size_t kShards = 4;
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kBounds.size() + 1> counts{};
    std::atomic<uint64_t> nanoseconds{0};
  };
  std::array<Shard, kShards> shards_;
};

// The shard of the calling thread: threads are dealt to shards in turn.
size_t ThreadShard(size_t shards);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_LATENCY_HISTOGRAM_H_
