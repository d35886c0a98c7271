#ifndef COMITY_TESTS_FAKES_MANUAL_CLOCK_H_
#define COMITY_TESTS_FAKES_MANUAL_CLOCK_H_

#include <atomic>

#include "services/common/clock/clock.h"

namespace comity {

// A clock that moves only when told. Thread-safe.
class ManualClock final : public Clock {
 public:
  static constexpr UnixMillis kStart = 1'515'542'400'000;  // 2018-01-10

  explicit ManualClock(UnixMillis now = kStart) : now_(now) {}
  UnixMillis Now() const override { return now_.load(); }
  void Advance(int64_t milliseconds) { now_.fetch_add(milliseconds); }

 private:
  std::atomic<UnixMillis> now_;
};

}  // namespace comity

#endif  // COMITY_TESTS_FAKES_MANUAL_CLOCK_H_
