#include <algorithm>
#include <atomic>
#include <chrono>

#include "services/common/clock/clock.h"

namespace comity {
namespace {

// The machine's clock is one for the whole process, and so is the guard: two SystemClocks must not
// disagree about what has already been seen.
constinit std::atomic<UnixMillis> latest{0};

}  // namespace

UnixMillis SystemClock::Now() const {
  const UnixMillis now = std::chrono::duration_cast<std::chrono::milliseconds>(
                             std::chrono::system_clock::now().time_since_epoch())
                             .count();
  UnixMillis seen = latest.load(std::memory_order_relaxed);
  while (seen < now && !latest.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
  }
  return std::max(seen, now);
}

}  // namespace comity
