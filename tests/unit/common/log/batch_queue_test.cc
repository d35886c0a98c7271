#include "services/common/log/batch_queue.h"

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

using Batch = std::vector<BatchQueue::Waiter*>;

// Answers a batch with receipts numbered from `index`.
void Answer(BatchQueue& queue, const Batch& batch, uint64_t index) {
  std::vector<LogReceipt> receipts;
  for (const BatchQueue::Waiter* waiter : batch) {
    for (size_t i = 0; i < waiter->leaves.size(); ++i) {
      receipts.push_back({index++, {}, "checkpoint"});
    }
  }
  queue.Finish(batch, std::move(receipts));
}

// Callers on threads of their own that joined, in order, while somebody else was writing.
class Followers final {
 public:
  explicit Followers(BatchQueue& queue) : queue_(queue) {}
  ~Followers() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }

  void Add(std::vector<std::string> leaves) {
    leaves_.push_back(std::make_unique<std::vector<std::string>>(std::move(leaves)));
    waiters_.push_back(std::make_unique<BatchQueue::Waiter>(*leaves_.back()));
    batches_.push_back(std::make_unique<Batch>());
    BatchQueue::Waiter& waiter = *waiters_.back();
    Batch& batch = *batches_.back();
    const size_t before = queue_.waiting();
    threads_.emplace_back([this, &waiter, &batch] {
      if (queue_.Join(waiter)) {
        batch = queue_.Take();
        Answer(queue_, batch, 100);
      }
    });
    while (queue_.waiting() == before) {
      std::this_thread::yield();
    }
  }

  // Waits for all, then gives what each one wrote (empty: was answered by another).
  std::vector<size_t> BatchSizes() {
    for (std::thread& thread : threads_) {
      thread.join();
    }
    threads_.clear();
    std::vector<size_t> sizes;
    for (const auto& batch : batches_) {
      sizes.push_back(batch->size());
    }
    return sizes;
  }
  const BatchQueue::Waiter& waiter(size_t i) const { return *waiters_[i]; }

 private:
  BatchQueue& queue_;
  std::vector<std::unique_ptr<std::vector<std::string>>> leaves_;
  std::vector<std::unique_ptr<BatchQueue::Waiter>> waiters_;
  std::vector<std::unique_ptr<Batch>> batches_;
  std::vector<std::thread> threads_;
};

// The test's own thread as the writer of a first batch of one leaf.
class BatchQueueTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(queue_.Join(first_));
    batch_ = queue_.Take();
    ASSERT_EQ(batch_, Batch{&first_});
  }

  const std::vector<std::string> leaves_ = {"first"};
  BatchQueue queue_;
  BatchQueue::Waiter first_{leaves_};
  Batch batch_;
};

TEST_F(BatchQueueTest, ThoseWhoWaitedTogetherAreOneBatchAndEachGetsItsOwnReceipts) {
  Followers followers(queue_);
  followers.Add({"a"});
  followers.Add({"b", "c"});
  followers.Add({"d"});
  Answer(queue_, batch_, 0);
  EXPECT_EQ(followers.BatchSizes(), (std::vector<size_t>{3, 0, 0}));
  ASSERT_THAT(first_.answer, IsOk());
  EXPECT_EQ(first_.answer->front().index, 0u);
  ASSERT_THAT(followers.waiter(1).answer, IsOk());
  ASSERT_EQ(followers.waiter(1).answer->size(), 2u);
  EXPECT_EQ((*followers.waiter(1).answer)[0].index, 101u);
  EXPECT_EQ((*followers.waiter(1).answer)[1].index, 102u);
  ASSERT_THAT(followers.waiter(2).answer, IsOk());
  EXPECT_EQ(followers.waiter(2).answer->front().index, 103u);
}

TEST_F(BatchQueueTest, ABatchClosesAtTheLimitOfLeaves) {
  Followers followers(queue_);
  followers.Add(TestLeaves("a", 200));
  followers.Add(TestLeaves("b", 56));
  followers.Add({"one too many"});
  Answer(queue_, batch_, 0);
  EXPECT_EQ(followers.BatchSizes(), (std::vector<size_t>{2, 0, 1}));
}

TEST_F(BatchQueueTest, ABatchClosesAtTheLimitOfBytes) {
  Followers followers(queue_);
  followers.Add(std::vector<std::string>(14, std::string(kMaxLeafBytes, 'a')));
  followers.Add({std::string(kMaxLeafBytes, 'b')});
  followers.Add({"small"});
  Answer(queue_, batch_, 0);
  EXPECT_EQ(followers.BatchSizes(), (std::vector<size_t>{1, 2, 0}));
}

TEST_F(BatchQueueTest, AllOfABatchGetTheErrorAndTheNextBatchIsWritten) {
  queue_.Finish(batch_, Refuse(Reason::kLogUnavailable, "disk"));
  EXPECT_THAT(first_.answer, RefusedWith(Reason::kLogUnavailable));
  const std::vector<std::string> leaves = {"next"};
  BatchQueue::Waiter next(leaves);
  ASSERT_TRUE(queue_.Join(next));
  Answer(queue_, queue_.Take(), 1);
  EXPECT_THAT(next.answer, IsOk());
  EXPECT_EQ(queue_.waiting(), 0u);
}

}  // namespace
}  // namespace comity
