#include "services/common/server/worker_pool.h"

#include <atomic>

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

namespace comity {
namespace {

TEST(WorkerPoolTest, SubmittedWorkRuns) {
  WorkerPool pool(2, 4);
  absl::Notification ran;
  EXPECT_TRUE(pool.Submit([&] { ran.Notify(); }));
  ran.WaitForNotification();
}

TEST(WorkerPoolTest, WorkBeyondTheQueueIsRefused) {
  absl::Notification started;
  absl::Notification release;
  std::atomic<int> ran{0};
  {
    WorkerPool pool(1, 2);
    ASSERT_TRUE(pool.Submit([&] {
      started.Notify();
      release.WaitForNotification();
    }));
    started.WaitForNotification();
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_TRUE(pool.Submit([&] { ++ran; }));
    EXPECT_FALSE(pool.Submit([&] { ++ran; }));
    release.Notify();
  }
  EXPECT_EQ(ran, 2);
}

TEST(WorkerPoolTest, DestructionFinishesWhatWasSubmitted) {
  std::atomic<int> ran{0};
  {
    WorkerPool pool(2, 100);
    for (int i = 0; i < 50; ++i) {
      ASSERT_TRUE(pool.Submit([&] { ++ran; }));
    }
  }
  EXPECT_EQ(ran, 50);
}

}  // namespace
}  // namespace comity
