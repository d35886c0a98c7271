#include "services/common/status/macros.h"

#include <memory>

#include <gtest/gtest.h>

#include "services/common/status/check.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

absl::Status PassOn(const absl::Status& status, bool& reached_end) {
  RETURN_IF_ERROR(status);
  reached_end = true;
  return absl::OkStatus();
}

absl::StatusOr<int> Increment(absl::StatusOr<std::unique_ptr<int>> number) {
  ASSIGN_OR_RETURN(const std::unique_ptr<int> value, std::move(number));
  return *value + 1;
}

TEST(ReturnIfErrorTest, ErrorLeavesTheFunction) {
  bool reached_end = false;
  EXPECT_THAT(PassOn(Refuse(Reason::kConflict), reached_end), RefusedWith(Reason::kConflict));
  EXPECT_FALSE(reached_end);
}

TEST(ReturnIfErrorTest, OkContinues) {
  bool reached_end = false;
  EXPECT_THAT(PassOn(absl::OkStatus(), reached_end), IsOk());
  EXPECT_TRUE(reached_end);
}

TEST(AssignOrReturnTest, MoveOnlyValueIsAssigned) {
  EXPECT_THAT(Increment(std::make_unique<int>(41)), IsOkAndHolds(42));
}

TEST(AssignOrReturnTest, ErrorIsReturnedWithItsReason) {
  EXPECT_THAT(Increment(Refuse(Reason::kSealed)), RefusedWith(Reason::kSealed));
}

TEST(CheckDeathTest, FalseConditionEndsTheProcess) {
  EXPECT_DEATH(COMITY_CHECK(1 + 1 == 3), "check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace comity
