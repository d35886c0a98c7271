#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/program.h"
#include "tests/e2e/staged_world.h"

// What a user is told when a service is down, a disk is full or a clock is set, by the real
// programs: what happened, why, and what to do next; and afterwards nothing is lost.
namespace comity::testing {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

class OutageTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new StagedWorld();
    world_->Do(R"({"do": "create-accounts", "check": "x", "people": {"a": "CN", "b": "HK"}})");
    world_->Do(R"({"do": "store-files", "check": "x", "who": ["a", "b"]})");
  }
  static void TearDownTestSuite() {
    delete world_;
    world_ = nullptr;
  }

  static ProgramResult Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(),
                     {"--json", "--deployment", world_->directory(), "--profile", "a"});
    return RunComity(world_->home(), arguments);
  }
  static json ErrorOf(const ProgramResult& result) {
    const json answer = json::parse(result.output, nullptr, /*allow_exceptions=*/false);
    return answer.is_object() ? answer.value("error", json::object()) : json::object();
  }

  // Each command fails, names the service that is down and says what to do.
  static void ExpectTold(ServiceKind down, const std::vector<std::vector<std::string>>& commands) {
    ASSERT_TRUE(world_->supervisor().Kill("us", down).ok());
    for (const std::vector<std::string>& command : commands) {
      SCOPED_TRACE(command[0] + " " + (command.size() > 1 ? command[1] : ""));
      const ProgramResult result = Run(command);
      const json error = ErrorOf(result);
      EXPECT_EQ(result.exit_code, 1) << result.output;
      EXPECT_EQ(error.value("reason", ""), "PEER_UNAVAILABLE") << result.output;
      EXPECT_THAT(error.value("cause", ""), HasSubstr(std::string(Name(down)) + " of region us"));
      EXPECT_FALSE(error.value("remedy", "").empty());
    }
    ASSERT_EQ(world_->supervisor().Start(), absl::OkStatus());
  }

  static StagedWorld* world_;
};
StagedWorld* OutageTest::world_ = nullptr;

TEST_F(OutageTest, EveryCommandSaysWhichServiceIsDownAndWhatToDo) {
  const std::string file = world_->directory() + "/letter";
  std::ofstream(file) << "a letter";
  ExpectTold(ServiceKind::kStorage, {{"put", file},
                                     {"get", "0", "-o", file + ".back"},
                                     {"ls"},
                                     {"rm", "0"},
                                     {"account", "show"},
                                     {"account", "accept-terms"},
                                     {"--as", "us/ops-evans", "migrate", "plan"},
                                     {"--as", "us/ops-evans", "migrate", "run"}});
  ExpectTold(ServiceKind::kCustody,
             {{"put", file}, {"get", "0", "-o", file + ".back"}, {"key", "where"}});
  ExpectTold(ServiceKind::kReview,
             {{"--as", "us/reviewer-adams", "legal", "list"}, {"account", "notices"}});
  world_->ExpectNothingLost(/*settled=*/true);
}

TEST_F(OutageTest, AFullDiskRefusesWhatIsToBeWrittenAndLosesNothing) {
  world_->SetFaults({.borders = {}, .deaths = {}, .disks = {{"us/storage", DiskState::kFull}}});
  const std::string file = world_->directory() + "/letter";
  std::ofstream(file) << "another letter";
  const ProgramResult put = Run({"put", file});
  EXPECT_EQ(put.exit_code, 1) << put.output;
  EXPECT_EQ(ErrorOf(put).value("reason", ""), "STORE_UNAVAILABLE");
  EXPECT_FALSE(ErrorOf(put).value("remedy", "").empty());
  world_->Do(R"({"do": "read-back", "check": "x", "region": "us", "who": ["a"]})");
  world_->SetFaults({});
  world_->Do(R"({"do": "store-files", "check": "x", "who": ["b"]})");
  world_->ExpectNothingLost(/*settled=*/true);
}

TEST_F(OutageTest, AFailedSyncMakesAStoreReadOnlyUntilItsServiceStartsAnew) {
  world_->SetFaults({.borders = {}, .deaths = {}, .disks = {{"us/storage", DiskState::kBroken}}});
  EXPECT_FALSE(world_->Try(R"({"do": "store-files", "check": "x", "who": ["b"]})").ok());
  world_->SetFaults({});
  EXPECT_FALSE(world_->Try(R"({"do": "store-files", "check": "x", "who": ["b"]})").ok());
  world_->Do(R"({"do": "read-back", "check": "x", "region": "us", "who": ["a"]})");
  ASSERT_TRUE(world_->supervisor().Kill("us", ServiceKind::kStorage).ok());
  ASSERT_EQ(world_->supervisor().Start(), absl::OkStatus());
  world_->Do(R"({"do": "store-files", "check": "x", "who": ["b"]})");
  world_->ExpectNothingLost(/*settled=*/true);
}

// Last: it moves the clock, and with it what the others may do.
TEST_F(OutageTest, ClockJumpsDuringAMoveEndItOnOneSideAndNoClockGoesBack) {
  world_->Do(R"({"do": "clock-to", "check": "x", "date": "2018-01-10"})");
  world_->Do(R"({"do": "expect-account", "check": "x", "standing": "waiting for terms",
                 "who": ["a"]})");
  world_->Do(R"({"do": "clock-to", "check": "x", "date": "2018-02-28"})");
  const ProgramResult back = Run({"test", "clock", "advance", "2018-01-01"});
  EXPECT_EQ(back.exit_code, 1) << back.output;
  EXPECT_EQ(ErrorOf(back).value("reason", ""), "FIELD_INVALID");
  EXPECT_THAT(ErrorOf(back).value("cause", ""), HasSubstr("only forward"));

  world_->Do(R"({"do": "accept-terms", "check": "x", "who": ["a"]})");
  world_->Do(R"({"do": "expect-account", "check": "x", "standing": "eligible", "who": ["a"]})");
  const RequestId id = world_->StartMigration();
  // Each jump is longer than a fence may last: whatever is undecided then is called off.
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(world_->supervisor().AdvanceClock(kMinuteMs).ok());
  }
  StagedWorld::Await("the migration ends", [&] {
    const absl::StatusOr<MigrationView> view = world_->Migration(id);
    return view.ok() && view->done;
  });
  world_->MoveAll({"a"});
  world_->Do(R"({"do": "read-back", "check": "x", "region": "cn", "who": ["a"]})");
  StagedWorld::Await("everything is settled", [] { return world_->Check(/*settled=*/true).ok(); });
  world_->ExpectNothingLost(/*settled=*/true);
}

}  // namespace
}  // namespace comity::testing
