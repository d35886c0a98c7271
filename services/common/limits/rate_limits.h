#ifndef COMITY_COMMON_LIMITS_RATE_LIMITS_H_
#define COMITY_COMMON_LIMITS_RATE_LIMITS_H_

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "services/common/limits/rate_limiter.h"

namespace comity {

// What is held to a rate: closed, named on command lines and in metrics (docs/limits.md says what
// each of them counts, and for whom). All of them are custody's.
enum class Limit : uint8_t {
  kAccountKeys,
  kAccountCalls,
  kCreations,
  kOperatorCalls,
  kUseAccess,
  kUseExport,
  kUseVerify,
  kUseRewrap,
  kUseGrant,
  kUseLegal,
};
inline constexpr size_t kLimits = 10;

struct LimitInfo {
  Limit limit;
  std::string_view name;  // "account-keys"
  Rate rate;              // unless the operator says otherwise
};
// In order of number.
std::span<const LimitInfo> AllLimits();
std::string_view Name(Limit limit);

// By number; of a default one nothing is limited.
using Rates = std::array<Rate, kLimits>;
Rates DefaultRates();
// "NAME=RATE", "NAME=RATE/BURST" or "NAME=none": sets one of `rates`. Without a burst it is what
// may be taken in a second. FIELD_INVALID says which names and defaults there are.
absl::Status SetRate(std::string_view text, Rates& rates);
// "20000/200000", "none".
std::string FormatRate(const Rate& rate);
// "account-keys=20000/200000, account-calls=...": all, with what they are by default.
std::string DescribeLimits();

// All limits of one service, and how often each refused. Thread-safe.
class RateLimits final {
 public:
  // Rates are about load, so they go by the machine's steady time, whatever clock the deployment
  // has.
  using Now = std::function<RateLimiter::Time()>;
  explicit RateLimits(const Rates& rates, Now now = std::chrono::steady_clock::now);

  // RATE_LIMITED, with the delay after which it could be taken.
  absl::Status Take(Limit limit, std::string_view key, uint64_t count = 1);
  void GiveBack(Limit limit, std::string_view key, uint64_t count = 1);

  uint64_t refused(Limit limit) const {
    return refused_[static_cast<size_t>(limit)].load(std::memory_order_relaxed);
  }

 private:
  RateLimiter& Of(Limit limit) { return *limiters_[static_cast<size_t>(limit)]; }

  const Now now_;
  std::array<std::unique_ptr<RateLimiter>, kLimits> limiters_;
  std::array<std::atomic<uint64_t>, kLimits> refused_{};
};

}  // namespace comity

#endif  // COMITY_COMMON_LIMITS_RATE_LIMITS_H_
