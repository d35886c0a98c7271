#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"

namespace comity::storage {
namespace {

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

class MigrationsTest : public ::testing::Test {
 protected:
  std::map<std::pair<Standing, std::string>, uint64_t> Counts() {
    std::map<std::pair<Standing, std::string>, uint64_t> counts;
    for (const StandingCount& count : world_.us.node->index().Counts()) {
      counts[{count.standing, count.territory}] = count.accounts;
    }
    return counts;
  }
  Standing StandingOf(const TestAccount& account) {
    return world_.us.node->accounts()
        .Get(StorageWorld::DeviceOf(account), account.id())
        .value()
        .standing.standing;
  }
  void Maintain() {
    world_.us.node->Maintain([] { return false; });
  }
  void GoTo(UnixMillis time) { world_.clock.Advance(time - world_.clock.Now()); }

  StorageWorld world_{Deployment()};
  TestAccount& mainland_ = world_.Open("CN");
  TestAccount& hong_kong_ = world_.Open("HK");
};

TEST_F(MigrationsTest, NobodyIsNotifiedBeforeTheAnnouncement) {
  Maintain();
  EXPECT_EQ(StandingOf(mainland_), Standing::kStays);
  EXPECT_EQ(world_.us.log.Count("account.notified"), 0u);
}

TEST_F(MigrationsTest, AnnouncementNotifiesThoseConcernedOnce) {
  Maintain();
  GoTo(TestDeployment::kAnnounced);
  EXPECT_EQ(StandingOf(mainland_), Standing::kToBeNotified);
  Maintain();
  Maintain();
  EXPECT_EQ(StandingOf(mainland_), Standing::kWaitingForTerms);
  EXPECT_EQ(StandingOf(hong_kong_), Standing::kStays);
  EXPECT_EQ(world_.us.log.Count("account.notified"), 1u);
  EXPECT_EQ(world_.Account(world_.us, mainland_)->info.notified_time, world_.clock.Now());
}

TEST_F(MigrationsTest, AccountThatBecomesConcernedLaterIsNotifiedToo) {
  GoTo(TestDeployment::kAnnounced);
  Maintain();
  ASSERT_THAT(world_
                  .Deliver(world_.us, hong_kong_,
                           {hong_kong_.Sign(TerritoryChange{"CN"}, world_.clock.Now())})
                  .status(),
              IsOk());
  Maintain();
  EXPECT_EQ(StandingOf(hong_kong_), Standing::kWaitingForTerms);
}

TEST_F(MigrationsTest, NoticeThatCannotBeLoggedIsGivenLater) {
  GoTo(TestDeployment::kAnnounced);
  world_.us.log.SetUnavailable(true);
  Maintain();
  EXPECT_EQ(StandingOf(mainland_), Standing::kToBeNotified);
  world_.us.log.SetUnavailable(false);
  Maintain();
  EXPECT_EQ(StandingOf(mainland_), Standing::kWaitingForTerms);
}

TEST_F(MigrationsTest, CountsFollowStandings) {
  GoTo(TestDeployment::kAnnounced);
  Maintain();
  EXPECT_EQ((Counts()[{Standing::kWaitingForTerms, "CN"}]), 1u);
  EXPECT_EQ((Counts()[{Standing::kStays, "HK"}]), 1u);
  world_.Consent(mainland_);
  EXPECT_EQ((Counts()[{Standing::kAccepted, "CN"}]), 1u);
  GoTo(TestDeployment::kHandover);
  EXPECT_EQ((Counts()[{Standing::kEligible, "CN"}]), 1u);
  // A consent lives 90 days; without one the window runs on.
  world_.clock.Advance(91 * kDayMs);
  EXPECT_EQ((Counts()[{Standing::kWaitingForTerms, "CN"}]), 1u);
  GoTo(TestDeployment::kWindowEnd);
  EXPECT_EQ((Counts()[{Standing::kSuspended, "CN"}]), 1u);
}

TEST_F(MigrationsTest, IndexIsTheSameAfterARestart) {
  GoTo(TestDeployment::kAnnounced);
  Maintain();
  world_.Consent(mainland_);
  const auto before = Counts();
  world_.Restart(world_.us);
  EXPECT_EQ(Counts(), before);
}

TEST_F(MigrationsTest, PagesHoldEveryAccountOnceById) {
  for (int i = 0; i < 5; ++i) world_.Open("MO");
  std::vector<AccountId> all;
  std::optional<AccountId> after;
  for (;;) {
    const std::vector<PlannedAccount> page = world_.us.node->index().Page(after, 3);
    if (page.empty()) break;
    for (const PlannedAccount& planned : page) all.push_back(planned.account);
    after = all.back();
  }
  EXPECT_EQ(all.size(), 7u);
  EXPECT_TRUE(std::ranges::is_sorted(all));
}

class StartTest : public MigrationsTest {
 protected:
  StartTest() {
    GoTo(TestDeployment::kAnnounced);
    world_.Consent(mainland_);
    world_.Consent(other_);
    GoTo(TestDeployment::kHandover + kHourMs);
  }
  TestAccount& other_ = world_.Open("CN");
};

TEST_F(StartTest, MigrationTriesThoseWhoAreEligible) {
  const RequestId id = world_.StartMigration();
  ASSERT_OK_AND_ASSIGN(const MigrationReport report, world_.us.node->migrations().Get(id));
  EXPECT_EQ(report.migration.accounts, 2u);
  EXPECT_FALSE(report.done);
  EXPECT_EQ(StandingOf(mainland_), Standing::kInMigration);
}

TEST_F(StartTest, MaximumLimitsTheNumber) {
  const auto id = RandomId<RequestId>();
  ASSERT_OK_AND_ASSIGN(const Migration started,
                       world_.us.node->migrations().Start(id, std::nullopt, 1));
  EXPECT_EQ(started.accounts, 1u);
  ASSERT_THAT(world_.us.node->migrations().EnrolAll(), IsOk());
  EXPECT_EQ(world_.us.node->migrations().Get(id)->migration.accounts, 1u);
}

TEST_F(StartTest, DestinationFilters) {
  const auto id = RandomId<RequestId>();
  ASSERT_OK_AND_ASSIGN(const Migration started,
                       world_.us.node->migrations().Start(id, TestDeployment::Region("us"), 0));
  EXPECT_EQ(started.accounts, 0u);
}

TEST_F(StartTest, UnknownDestinationIsRefused) {
  EXPECT_THAT(world_.us.node->migrations()
                  .Start(RandomId<RequestId>(), TestDeployment::Region("mars"), 0)
                  .status(),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(StartTest, RepeatGivesTheSameMigrationAndOtherParametersAreRefused) {
  const RequestId id = world_.StartMigration();
  ASSERT_OK_AND_ASSIGN(const Migration again,
                       world_.us.node->migrations().Start(id, std::nullopt, 0));
  EXPECT_EQ(again.accounts, 2u);
  EXPECT_THAT(world_.us.node->migrations().Start(id, std::nullopt, 1).status(),
              RefusedWith(Reason::kRequestIdReused));
}

TEST_F(StartTest, EnrolmentGoesOnAfterARestart) {
  const auto id = RandomId<RequestId>();
  ASSERT_THAT(world_.us.node->migrations().Start(id, std::nullopt, 0).status(), IsOk());
  world_.Restart(world_.us);
  Maintain();
  EXPECT_EQ(world_.us.node->migrations().Get(id)->migration.accounts, 2u);
  EXPECT_EQ(world_.us.node->index().Moving().size(), 2u);
}

TEST_F(StartTest, AccountInAMigrationIsNotPutIntoAnother) {
  world_.StartMigration();
  const RequestId second = world_.StartMigration();
  EXPECT_EQ(world_.us.node->migrations().Get(second)->migration.accounts, 0u);
  EXPECT_TRUE(world_.us.node->migrations().Get(second)->done);
}

TEST_F(StartTest, NewestMigrationIsTheDefault) {
  world_.StartMigration();
  world_.clock.Advance(1000);
  const RequestId second = world_.StartMigration();
  EXPECT_EQ(world_.us.node->migrations().Get(std::nullopt)->migration.id, second);
}

TEST_F(MigrationsTest, NoMigrationIsNotReady) {
  EXPECT_THAT(world_.us.node->migrations().Get(std::nullopt).status(),
              RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(world_.us.node->migrations().Get(RandomId<RequestId>()).status(),
              RefusedWith(Reason::kStateNotReady));
}

TEST_F(StartTest, MovedAccountIsCountedAsMoved) {
  world_.StartMigration();
  world_.Advance(mainland_);
  EXPECT_EQ((Counts()[{Standing::kMoved, "CN"}]), 1u);
  EXPECT_EQ(world_.cn.node->index().size(), 1u);
}

}  // namespace
}  // namespace comity::storage
