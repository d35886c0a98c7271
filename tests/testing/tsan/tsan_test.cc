#include <cstdlib>
#include <thread>

#include <gmock/gmock.h>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

#include "tests/testing/sanitizers.h"

// That the thread sanitizer still sees a race, and takes none of these orders for one.
namespace comity {
namespace {

constexpr int kRaceWasSeen = 66;  // the sanitizer's exit code, unless it is told another

class TsanTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!kThreadSanitized) GTEST_SKIP() << "for builds under the thread sanitizer";
    GTEST_FLAG_SET(death_test_style, "threadsafe");
  }
};

// Runs both at the same time, and ends the process as a test does that passed.
template <typename First, typename Second>
void RunBoth(First first, Second second) {
  std::thread other(second);
  first();
  other.join();
  std::exit(0);
}

TEST_F(TsanTest, RaceIsSeen) {
  int value = 0;
  const auto raise = [&] { ++value; };
  EXPECT_EXIT(RunBoth(raise, raise), ::testing::ExitedWithCode(kRaceWasSeen), "data race");
}

TEST_F(TsanTest, RaceBesideAMutexIsSeen) {
  absl::Mutex ours;
  absl::Mutex theirs;
  int value = 0;
  const auto raise = [&](absl::Mutex* mutex) {
    absl::MutexLock lock(mutex);
    ++value;
  };
  EXPECT_EXIT(RunBoth([&] { raise(&ours); }, [&] { raise(&theirs); }),
              ::testing::ExitedWithCode(kRaceWasSeen), "data race");
}

TEST_F(TsanTest, MutexOrders) {
  absl::Mutex mutex;
  int value = 0;
  const auto raise = [&] {
    for (int i = 0; i < 1'000; ++i) {
      absl::MutexLock lock(&mutex);
      ++value;
    }
  };
  EXPECT_EXIT(RunBoth(raise, raise), ::testing::ExitedWithCode(0), "");
}

TEST_F(TsanTest, ConditionThatAnotherThreadEvaluatesIsNoRace) {
  absl::Mutex mutex;
  int value = 0;
  // In turn: each waits for what the other does, and whoever unlocks looks for it.
  const auto turns = [&](int parity) {
    for (int i = 0; i < 1'000; ++i) {
      absl::MutexLock lock(&mutex);
      const auto mine = [&value, parity] { return value % 2 == parity; };
      mutex.Await(absl::Condition(&mine));
      ++value;
    }
  };
  EXPECT_EXIT(RunBoth([&] { turns(0); }, [&] { turns(1); }), ::testing::ExitedWithCode(0), "");
}

TEST_F(TsanTest, NotificationOrders) {
  absl::Notification written;
  int value = 0;
  EXPECT_EXIT(RunBoth(
                  [&] {
                    value = 1;
                    written.Notify();
                  },
                  [&] {
                    written.WaitForNotification();
                    ++value;
                  }),
              ::testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace comity
