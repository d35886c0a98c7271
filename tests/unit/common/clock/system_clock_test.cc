#include <algorithm>
#include <chrono>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/clock/clock.h"

namespace comity {
namespace {

UnixMillis MachineNow() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

TEST(SystemClockTest, TimeIsThatOfTheMachine) {
  const UnixMillis before = MachineNow();
  const UnixMillis now = SystemClock().Now();
  EXPECT_GE(now, before);
  EXPECT_LE(now, before + kMinuteMs);
}

TEST(SystemClockTest, TimeNeverGoesBackInAnyThread) {
  const SystemClock clock;
  std::vector<std::thread> threads;
  std::vector<char> ascending(4, 0);
  for (char& sorted : ascending) {
    threads.emplace_back([&clock, &sorted] {
      std::vector<UnixMillis> seen(5000);
      std::ranges::generate(seen, [&clock] { return clock.Now(); });
      sorted = std::ranges::is_sorted(seen) ? 1 : 0;
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(ascending, std::vector<char>(4, 1));
}

}  // namespace
}  // namespace comity
