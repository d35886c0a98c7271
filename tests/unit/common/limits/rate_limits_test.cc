#include "services/common/limits/rate_limits.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using testing::HasSubstr;

Rate Of(const Rates& rates, Limit limit) { return rates.at(static_cast<size_t>(limit)); }

TEST(RateLimitsTest, EveryLimitHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (const LimitInfo& info : AllLimits()) {
    EXPECT_TRUE(names.insert(info.name).second) << info.name;
    EXPECT_EQ(Name(info.limit), info.name);
    EXPECT_EQ(Of(DefaultRates(), info.limit), info.rate);
    EXPECT_THAT(DescribeLimits(), HasSubstr(std::string(info.name) + "=" + FormatRate(info.rate)));
  }
  EXPECT_EQ(names.size(), kLimits);
}

TEST(RateLimitsTest, RatesAreReadAsTheyAreWritten) {
  Rates rates = DefaultRates();
  EXPECT_THAT(SetRate("account-keys=5", rates), IsOk());
  EXPECT_EQ(Of(rates, Limit::kAccountKeys), (Rate{5, 5}));
  EXPECT_THAT(SetRate("creations=7/1000000000", rates), IsOk());
  EXPECT_EQ(Of(rates, Limit::kCreations), (Rate{7, kMaxRate}));
  EXPECT_EQ(FormatRate(Of(rates, Limit::kCreations)), "7/1000000000");
  EXPECT_THAT(SetRate("account-keys=none", rates), IsOk());
  EXPECT_TRUE(Of(rates, Limit::kAccountKeys).unlimited());
  EXPECT_EQ(FormatRate(Of(rates, Limit::kAccountKeys)), "none");
  EXPECT_EQ(Of(rates, Limit::kUseLegal), Of(DefaultRates(), Limit::kUseLegal));
}

TEST(RateLimitsTest, WhatIsNoRateIsRefusedAndChangesNothing) {
  Rates rates = DefaultRates();
  for (const char* text :
       {"", "account-keys", "account-keys=", "=5", "keys=5", "account-keys=0", "account-keys=-1",
        "account-keys=5/", "account-keys=5/0", "account-keys=/5", "account-keys=5/5/5",
        "account-keys= 5", "account-keys=5x", "account-keys=1000000001", "account-keys=none/5",
        "Account-Keys=5", "account-keys=99999999999999999999"}) {
    const absl::Status set = SetRate(text, rates);
    EXPECT_THAT(set, RefusedWith(Reason::kFieldInvalid)) << text;
    EXPECT_THAT(CauseOf(set), HasSubstr(DescribeLimits())) << text;
  }
  EXPECT_EQ(rates, DefaultRates());
}

TEST(RateLimitsTest, RefusalsSayWhenToComeBackAndAreCounted) {
  RateLimiter::Time now{};
  Rates rates{};
  ASSERT_THAT(SetRate("account-keys=10/2", rates), IsOk());
  RateLimits limits(rates, [&] { return now; });
  EXPECT_THAT(limits.Take(Limit::kAccountKeys, "key", 2), IsOk());
  const absl::Status refused = limits.Take(Limit::kAccountKeys, "key");
  EXPECT_THAT(refused, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(refused), std::chrono::milliseconds(100));
  EXPECT_EQ(limits.refused(Limit::kAccountKeys), 1U);
  EXPECT_THAT(limits.Take(Limit::kAccountCalls, "key", 1'000'000), IsOk()) << "another limit";
  EXPECT_EQ(limits.refused(Limit::kAccountCalls), 0U);
  now += RetryAfterOf(refused);
  EXPECT_THAT(limits.Take(Limit::kAccountKeys, "key"), IsOk());
  limits.GiveBack(Limit::kAccountKeys, "key");
  EXPECT_THAT(limits.Take(Limit::kAccountKeys, "key"), IsOk());
}

TEST(RateLimitsTest, TimeIsTheMachinesWithoutAnother) {
  Rates rates{};
  ASSERT_THAT(SetRate("account-keys=1000000000/1", rates), IsOk());
  RateLimits limits(rates);
  for (int i = 0; i < 3; ++i) {
    while (!limits.Take(Limit::kAccountKeys, "key").ok()) {
    }
  }
}

}  // namespace
}  // namespace comity
