#include "services/common/tasks/task_pool.h"

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "absl/synchronization/notification.h"

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

TEST(TaskPoolTest, FinishesWhatWasSubmittedBeforeItGoes) {
  std::atomic<int> done = 0;
  {
    TaskPool pool(2);
    for (int i = 0; i < 100; ++i) pool.Submit([&done] { ++done; });
  }
  EXPECT_EQ(done, 100);
}

TEST(TaskTest, RunsBesideItsCallerAndGivesItsResult) {
  TaskPool pool(1);
  absl::Notification go;
  const auto task = Task<std::string>::Start(&pool, [&go] {
    go.WaitForNotification();
    return std::string("result");
  });
  EXPECT_FALSE(task->IsDone());
  go.Notify();
  EXPECT_EQ(task->Wait(), "result");
  EXPECT_TRUE(task->IsDone());
}

TEST(TaskTest, IsDoneAtOnceWithoutAPool) {
  const auto task = Task<int>::Start(nullptr, [] { return 7; });
  EXPECT_TRUE(task->IsDone());
  EXPECT_EQ(task->Wait(), 7);
}

TEST(RunAllTest, DoesEveryIndexOnce) {
  TaskPool pool(4);
  std::vector<std::atomic<int>> done(50);
  EXPECT_THAT(RunAll(&pool, 8, done.size(),
                     [&](size_t i) {
                       ++done[i];
                       return absl::OkStatus();
                     }),
              IsOk());
  for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
}

TEST(RunAllTest, KeepsOrderWithoutAPool) {
  std::vector<size_t> order;
  EXPECT_THAT(RunAll(nullptr, 8, 4,
                     [&](size_t i) {
                       order.push_back(i);
                       return absl::OkStatus();
                     }),
              IsOk());
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 3}));
}

TEST(RunAllTest, HasNoMoreUnderWayThanAllowed) {
  TaskPool pool(8);
  std::atomic<int> running = 0;
  std::atomic<int> most = 0;
  EXPECT_THAT(RunAll(&pool, 3, 60,
                     [&](size_t) {
                       const int now = ++running;
                       for (int seen = most;
                            seen < now && !most.compare_exchange_weak(seen, now);) {
                       }
                       --running;
                       return absl::OkStatus();
                     }),
              IsOk());
  EXPECT_LE(most, 3);
}

TEST(RunAllTest, AnswersWithTheFirstRefusalAndBeginsNothingMore) {
  TaskPool pool(2);
  std::atomic<int> begun = 0;
  EXPECT_THAT(RunAll(&pool, 2, 1000,
                     [&](size_t i) -> absl::Status {
                       ++begun;
                       return i == 5 ? Refuse(Reason::kStoreUnavailable) : absl::OkStatus();
                     }),
              RefusedWith(Reason::kStoreUnavailable));
  EXPECT_LE(begun, 8);
}

TEST(RunAllTest, StopsAtARefusalWithoutAPool) {
  int begun = 0;
  EXPECT_THAT(RunAll(nullptr, 4, 10,
                     [&](size_t i) -> absl::Status {
                       ++begun;
                       return i == 2 ? Refuse(Reason::kConflict) : absl::OkStatus();
                     }),
              RefusedWith(Reason::kConflict));
  EXPECT_EQ(begun, 3);
}

}  // namespace
}  // namespace comity
