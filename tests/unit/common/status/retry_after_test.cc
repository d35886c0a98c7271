#include "services/common/status/retry_after.h"

#include <gtest/gtest.h>

#include "tests/testing/matchers.h"

namespace comity {
namespace {

using std::chrono::milliseconds;

TEST(RetryAfterTest, DelayGoesWithTheRefusal) {
  const absl::Status status = RefuseFor(Reason::kRateLimited, milliseconds(1'234), "cause");
  EXPECT_THAT(status, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(CauseOf(status), "cause");
  EXPECT_EQ(status.message(), Refuse(Reason::kRateLimited).message());
  EXPECT_EQ(RetryAfterOf(status), milliseconds(1'234));
}

TEST(RetryAfterTest, DelayIsBounded) {
  EXPECT_EQ(RetryAfterOf(RefuseFor(Reason::kRateLimited, milliseconds(0))), milliseconds(1));
  EXPECT_EQ(RetryAfterOf(RefuseFor(Reason::kRateLimited, milliseconds(-5))), milliseconds(1));
  EXPECT_EQ(RetryAfterOf(RefuseFor(Reason::kRateLimited, std::chrono::hours(1'000))),
            kMaxRetryAfter);
}

TEST(RetryAfterTest, OtherStatusesSayNothing) {
  EXPECT_EQ(RetryAfterOf(absl::OkStatus()), milliseconds(0));
  EXPECT_EQ(RetryAfterOf(Refuse(Reason::kRateLimited)), milliseconds(0));
  EXPECT_EQ(RetryAfterOf(absl::NotFoundError("elsewhere")), milliseconds(0));
}

}  // namespace
}  // namespace comity
