#ifndef COMITY_COMMON_LIMITS_RATE_LIMITER_H_
#define COMITY_COMMON_LIMITS_RATE_LIMITER_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace comity {

// The greatest number in a Rate.
inline constexpr uint64_t kMaxRate = 1'000'000'000;

// So many a second in the long run, and `burst` of them at once by whoever has taken none lately.
struct Rate {
  uint64_t per_second = 0;  // 0: as many as anybody likes
  uint64_t burst = 0;
  bool unlimited() const { return per_second == 0; }
  bool operator==(const Rate&) const = default;
};

// Holds every key to one rate: the generic cell rate algorithm, in whole numbers, so that nothing
// is lost or won by rounding. Time is told by the caller. A key that has not taken anything for
// long costs no memory. Thread-safe; keys share no lock unless their hashes do.
class RateLimiter final {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateLimiter(Rate rate);
  ~RateLimiter();

  // Takes all of `count` or nothing: nullopt, or how long it is until they could be taken if nobody
  // else took any, rounded up. More than a burst are taken by whoever could take a whole one, who
  // then waits until they are paid for. Whoever is refused pays nothing.
  std::optional<std::chrono::milliseconds> Take(std::string_view key, uint64_t count, Time now);
  // What was taken and came to nothing.
  void GiveBack(std::string_view key, uint64_t count);

  const Rate& rate() const { return rate_; }
  // How many keys are remembered.
  size_t size() const;

 private:
  struct Shard;
  Shard& ShardOf(std::string_view key) const;

  const Rate rate_;
  const std::unique_ptr<Shard[]> shards_;
};

}  // namespace comity

#endif  // COMITY_COMMON_LIMITS_RATE_LIMITER_H_
