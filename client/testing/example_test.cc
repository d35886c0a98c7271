// How somebody else's tests use a deployment (docs/client-library.md). Built and run with ours.

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "client/key/key.h"
#include "client/migrate/migrate.h"
#include "client/testing/deployment_test.h"
#include "services/common/status/reason.h"

namespace {

class LetterTest : public comity::testing::DeploymentTest {};

TEST_F(LetterTest, ComesBackAsItWasAlsoAfterASuddenDeath) {
  absl::StatusOr<comity::testing::TestUser> user = deployment().CreateUser("HK");
  ASSERT_TRUE(user.ok()) << user.status();
  std::istringstream letter("Dear Mei,");
  comity::ObjectAttributes attributes;
  attributes.name = "letter";
  attributes.size = comity::kUnknownSize;
  ASSERT_TRUE(user->objects->Put(letter, attributes).ok());

  ASSERT_TRUE(deployment().Kill("us", comity::ServiceKind::kStorage).ok());
  ASSERT_TRUE(deployment().Restart().ok());

  std::ostringstream back;
  const auto got = user->objects->Get("letter", back);
  ASSERT_TRUE(got.ok()) << got.status();
  EXPECT_EQ(back.str(), "Dear Mei,");
}

TEST_F(LetterTest, KeyIsWhereTheRulesSay) {
  absl::StatusOr<comity::testing::TestUser> user = deployment().CreateUser("HK");
  ASSERT_TRUE(user.ok()) << user.status();
  const auto where = comity::AskKeyLocation(*user->session, *user->profile);
  ASSERT_TRUE(where.ok()) << where.status();
  EXPECT_EQ(where->region, "us");
}

TEST_F(LetterTest, TimePassesOnlyWhenTheTestSaysSo) {
  const comity::UnixMillis before = deployment().Now();
  ASSERT_TRUE(deployment().AdvanceClock(3 * comity::kDayMs).ok());
  EXPECT_GE(deployment().Now(), before + 3 * comity::kDayMs);
  EXPECT_EQ(comity::ReasonOf(deployment().AdvanceClockTo(before)), comity::Reason::kFieldInvalid);
}

TEST_F(LetterTest, OperatorsSeeStandingsAndNoNames) {
  absl::StatusOr<comity::testing::TestUser> user = deployment().CreateUser("CN");
  ASSERT_TRUE(user.ok()) << user.status();
  auto session = deployment().OpenAs("us/ops-evans");
  ASSERT_TRUE(session.ok()) << session.status();
  const auto us = (*session)->FindRegion("us");
  ASSERT_TRUE(us.ok());
  const auto plan = comity::PlanMigration(**session, *us);
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_FALSE(plan->accounts.empty());
}

TEST(RunningDeploymentTest, TopologyThatIsNotThereIsRefusedAndLeavesNothing) {
  const auto started = comity::testing::RunningDeployment::Start("no-such-topology");
  EXPECT_EQ(comity::ReasonOf(started.status()), comity::Reason::kStoreUnavailable);
}

}  // namespace
