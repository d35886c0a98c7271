#include "services/common/limits/rate_limiter.h"

#include <algorithm>
#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "tests/testing/matchers.h"

namespace comity {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using testing::Optional;

constexpr RateLimiter::Time kStart{std::chrono::hours(1)};

TEST(RateLimiterTest, BurstIsTakenAtOnceAndThenOneByOne) {
  RateLimiter limiter({10, 3});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(limiter.Take("key", 1, kStart), std::nullopt);
  }
  EXPECT_THAT(limiter.Take("key", 1, kStart), Optional(milliseconds(100)));
  EXPECT_THAT(limiter.Take("key", 2, kStart), Optional(milliseconds(200)));
  EXPECT_THAT(limiter.Take("key", 1, kStart + milliseconds(99)), Optional(milliseconds(1)));
  EXPECT_EQ(limiter.Take("key", 1, kStart + milliseconds(100)), std::nullopt);
  EXPECT_EQ(limiter.Take("key", 3, kStart + milliseconds(400)), std::nullopt);
}

TEST(RateLimiterTest, KeysTakeNothingFromEachOther) {
  RateLimiter limiter({1, 1});
  EXPECT_EQ(limiter.Take("one", 1, kStart), std::nullopt);
  EXPECT_EQ(limiter.Take("two", 1, kStart), std::nullopt);
  EXPECT_THAT(limiter.Take("one", 1, kStart), Optional(milliseconds(1'000)));
}

TEST(RateLimiterTest, MoreThanABurstIsTakenByWhoHasTakenNothingAndPaidForAfterwards) {
  RateLimiter limiter({10, 4});
  EXPECT_EQ(limiter.Take("key", 10, kStart), std::nullopt);
  EXPECT_THAT(limiter.Take("key", 4, kStart), Optional(milliseconds(1'000)));
  EXPECT_THAT(limiter.Take("key", 1, kStart), Optional(milliseconds(700)));
  EXPECT_THAT(limiter.Take("key", 10, kStart + milliseconds(999)), Optional(milliseconds(1)));
  EXPECT_EQ(limiter.Take("key", 10, kStart + milliseconds(1'000)), std::nullopt);
}

TEST(RateLimiterTest, WithoutARateNothingIsRefusedAndNothingRemembered) {
  RateLimiter limiter({});
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(limiter.Take("key", kMaxRate, kStart), std::nullopt);
  }
  limiter.GiveBack("key", 1);
  EXPECT_EQ(limiter.size(), 0U);
}

TEST(RateLimiterTest, WhatIsGivenBackWasNeverTaken) {
  RateLimiter limiter({1, 5});
  ASSERT_EQ(limiter.Take("key", 2, kStart), std::nullopt);
  ASSERT_EQ(limiter.Take("key", 3, kStart), std::nullopt);
  limiter.GiveBack("key", 3);
  EXPECT_THAT(limiter.Take("key", 4, kStart), Optional(milliseconds(1'000)));
  EXPECT_EQ(limiter.Take("key", 3, kStart), std::nullopt);
  limiter.GiveBack("key", 100);
  limiter.GiveBack("nobody", 100);
  EXPECT_EQ(limiter.Take("key", 5, kStart), std::nullopt);
  EXPECT_THAT(limiter.Take("key", 1, kStart), Optional(milliseconds(1'000)));
}

TEST(RateLimiterTest, TimeThatStepsBackWinsNothing) {
  RateLimiter limiter({10, 1});
  ASSERT_EQ(limiter.Take("key", 1, kStart), std::nullopt);
  EXPECT_THAT(limiter.Take("key", 1, kStart - milliseconds(50)), Optional(milliseconds(150)));
  EXPECT_EQ(limiter.Take("key", 1, kStart + milliseconds(100)), std::nullopt);
}

TEST(RateLimiterTest, GreatestNumbersDoNotOverflow) {
  RateLimiter limiter({kMaxRate, kMaxRate});
  EXPECT_EQ(limiter.Take("key", ~uint64_t{0}, kStart), std::nullopt);
  EXPECT_THAT(limiter.Take("key", ~uint64_t{0}, kStart), Optional(milliseconds(1'000)));
  EXPECT_EQ(limiter.Take("key", ~uint64_t{0}, kStart + std::chrono::hours(100'000)), std::nullopt);
}

TEST(RateLimiterTest, KeysThatAreSilentAreForgotten) {
  RateLimiter limiter({1'000, 10});
  RateLimiter::Time now = kStart;
  size_t most = 0;
  for (int i = 0; i < 50'000; ++i) {
    ASSERT_EQ(limiter.Take(std::to_string(i), 1, now), std::nullopt);
    now += milliseconds(1);
    if (i % 1'000 == 0) most = std::max(most, limiter.size());
  }
  EXPECT_LE(most, 2'000U);
}

TEST(RateLimiterTest, KeysThatOweAreNotForgotten) {
  RateLimiter limiter({1, 1});
  constexpr int kKeys = 5'000;
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_EQ(limiter.Take(std::to_string(i), 1, kStart), std::nullopt);
  }
  for (int i = 0; i < kKeys; ++i) {
    ASSERT_THAT(limiter.Take(std::to_string(i), 1, kStart), Optional(milliseconds(1'000)));
  }
}

TEST(RateLimiterTest, ThreadsTogetherTakeNoMoreThanThereIs) {
  RateLimiter limiter({1, 1'000});
  std::atomic<int> taken{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 1'000; ++i) {
        if (!limiter.Take("shared", 1, kStart).has_value()) ++taken;
        limiter.Take("own" + std::to_string(t * 1'000 + i), 1, kStart);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(taken, 1'000);
  EXPECT_EQ(limiter.size(), 4'001U);
}

// The algorithm as the book has it, in fractions of a nanosecond: a time at which the next one is
// due in theory, and a tolerance.
class Reference final {
 public:
  explicit Reference(Rate rate) : rate_(rate) {}
  bool Take(uint64_t count, RateLimiter::Time now) {
    const auto time = static_cast<int64_t>(nanoseconds(now - kStart).count() *
                                           static_cast<int64_t>(rate_.per_second));
    const auto cost = static_cast<int64_t>(count) * kNanos;
    const int64_t due = std::max(due_, time) + cost;
    const int64_t tolerance = static_cast<int64_t>(std::max(rate_.burst, count)) * kNanos;
    if (due - tolerance > time) return false;
    due_ = due;
    return true;
  }

 private:
  static constexpr int64_t kNanos = 1'000'000'000;
  const Rate rate_;
  int64_t due_ = 0;
};

TEST(RateLimiterPropertyTest, TakesWhatTheBookTakesAndTellsTheExactDelay) {
  rc::check([] {
    const Rate rate{*rc::gen::inRange<uint64_t>(1, 5'000), *rc::gen::inRange<uint64_t>(1, 50)};
    RateLimiter limiter(rate);
    Reference reference(rate);
    RateLimiter::Time now = kStart;
    for (int i = 0; i < 100; ++i) {
      now += nanoseconds(*rc::gen::inRange<int64_t>(0, 3'000'000'000 / (1 + rate.per_second)));
      const auto count = *rc::gen::inRange<uint64_t>(1, 80);
      const std::optional<milliseconds> wait = limiter.Take("key", count, now);
      RC_ASSERT(reference.Take(count, now) == !wait.has_value());
      if (!wait.has_value()) continue;
      RC_ASSERT(wait->count() >= 1);
      RC_ASSERT(limiter.Take("key", count, now + *wait - milliseconds(1)).has_value());
      now += *wait;
      RC_ASSERT(!limiter.Take("key", count, now).has_value());
      RC_ASSERT(reference.Take(count, now));
    }
  });
}

}  // namespace
}  // namespace comity
