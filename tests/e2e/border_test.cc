#include <string>

#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/e2e/staged_world.h"

// What goes on and what stops when us and cn cannot speak (docs/border.md).
namespace comity::testing {
namespace {

// One world for all: each test moves an account of its own.
class BorderTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    world_ = new StagedWorld();
    world_->Do(R"({"do": "create-accounts", "check": "x", "people": {"a": "CN", "b": "CN",
                   "c": "CN", "d": "CN", "stays": "HK"}})");
    world_->Do(R"({"do": "store-files", "check": "x", "who": ["a", "b", "c", "d", "stays"]})");
    world_->Do(R"({"do": "clock-to", "check": "x", "date": "2018-01-10"})");
    world_->Do(R"({"do": "expect-account", "check": "x", "standing": "waiting for terms",
                   "who": ["a", "b", "c", "d"]})");
    world_->Do(R"({"do": "clock-to", "check": "x", "date": "2018-02-28"})");
  }
  static void TearDownTestSuite() {
    delete world_;
    world_ = nullptr;
  }
  void TearDown() override { world_->SetBorder(BorderState::kOpen); }

  static void Accept(const std::string& who) {
    world_->Do(R"({"do": "accept-terms", "check": "x", "who": [")" + who + "\"]}");
    world_->Do(R"({"do": "expect-account", "check": "x", "standing": "eligible", "who": [")" + who +
               "\"]}");
  }
  static void ReadBack(const std::string& who, const std::string& region) {
    world_->Do(R"({"do": "read-back", "check": "x", "region": ")" + region + R"(", "who": [")" +
               who + "\"]}");
  }
  static void Store(const std::string& who) {
    world_->Do(R"({"do": "store-files", "check": "x", "who": [")" + who + "\"]}");
  }
  static void ExpectKeyIn(const std::string& who, const std::string& region,
                          const std::string& compel) {
    world_->Do(R"({"do": "expect-key", "check": "x", "operator": "apple", "region": ")" + region +
               R"(", "can-compel": )" + compel + R"(, "who": [")" + who + "\"]}");
  }
  // Everything that one region does alone.
  static void ExpectLocalWorkGoesOn() {
    ReadBack("stays", "us");
    Store("stays");
    ExpectKeyIn("stays", "us", R"(["US"])");
    for (const std::string region : {"us", "cn"}) {
      const std::string agent = region == "us" ? "us/agent-miller" : "cn/agent-lin";
      world_->Do(R"({"do": "submit", "check": "x", "as": ")" + agent + R"(", "case": ")" + region +
                 std::to_string(++cases_) + R"(", "targets": [")" + region +
                 R"(/*"], "classes": ["content"], "instrument": "warrant", "basis": "a law",
                 "ground": "everybody", "from": "2017-12-01", "to": "2018-03-01",
                 "state": "CLOSED", "outcome": "REJECTED", "rejections": ["BULK"]})");
    }
    world_->Do(R"({"do": "verify-logs", "check": "x"})");
  }
  // The move of this account is under way, and does not get on for want of the other side.
  static void AwaitStuck(const RequestId& id, const std::string& who) {
    StagedWorld::Await(who + "'s move is stuck", [&] {
      const absl::StatusOr<MoveView> move = world_->MoveOf(id, who);
      return move.ok() &&
             (move->failure == Reason::kPeerUnavailable || move->failure == Reason::kDeadline);
    });
  }
  static void AwaitMoved(const RequestId& id) {
    StagedWorld::Await("the migration ends", [&] {
      const absl::StatusOr<MigrationView> view = world_->Migration(id);
      return view.ok() && view->done;
    });
  }

  static StagedWorld* world_;
  static int cases_;
};
StagedWorld* BorderTest::world_ = nullptr;
int BorderTest::cases_ = 0;

TEST_F(BorderTest, AMoveWaitsWhileTheBorderIsCutAndEndsWhenItIsHealed) {
  Accept("a");
  world_->SetBorder(BorderState::kCut);
  const RequestId id = world_->StartMigration();
  AwaitStuck(id, "a");
  // Served where it was, key and all: a cut border takes nothing from anybody.
  ReadBack("a", "us");
  Store("a");
  ExpectKeyIn("a", "us", R"(["US"])");
  ExpectLocalWorkGoesOn();
  EXPECT_TRUE(world_->Check(/*settled=*/false).ok());

  world_->SetBorder(BorderState::kOpen);
  AwaitMoved(id);
  world_->MoveAll({"a"});
  ReadBack("a", "cn");
  ExpectKeyIn("a", "cn", R"(["CN", "US"])");
}

TEST_F(BorderTest, ASealedBorderIsToldAtOnceAndChangesNothing) {
  Accept("b");
  world_->SetBorder(BorderState::kSealed);
  const RequestId id = world_->StartMigration();
  AwaitStuck(id, "b");
  ReadBack("b", "us");
  ExpectLocalWorkGoesOn();
  world_->SetBorder(BorderState::kOpen);
  AwaitMoved(id);
  world_->MoveAll({"b"});
  ReadBack("b", "cn");
}

TEST_F(BorderTest, ConnectionsThatAreDroppedDuringAMoveCostOnlyTime) {
  Accept("c");
  const RequestId id = world_->StartMigration();
  for (int i = 0; i < 5; ++i) world_->SetBorder(BorderState::kOpen, /*kill=*/true);
  AwaitMoved(id);
  world_->MoveAll({"c"});
  ReadBack("c", "cn");
}

// The one moment in which nobody serves the account: its key is released, and the release has not
// arrived. It is unreadable then, and never served twice.
TEST_F(BorderTest, BetweenReleaseAndActivationNobodyServesUntilTheBorderIsHealed) {
  Accept("d");
  FaultPlan plan;
  plan.deaths = {{"us/custody", false, "custody/", "decision/", 1}};
  world_->SetFaults(plan);
  const RequestId id = world_->StartMigration();
  StagedWorld::Await("the custody has decided, and died",
                     [] { return !world_->Runs("us", ServiceKind::kCustody); });
  plan.deaths.clear();
  plan.borders = {{"cn", "us", BorderState::kCut, 0}};
  world_->SetFaults(plan);
  ASSERT_EQ(world_->supervisor().Start(), absl::OkStatus());

  EXPECT_FALSE(
      world_->Try(R"({"do": "read-back", "check": "x", "region": "us", "who": ["d"]})").ok());
  const DeploymentCheck during = world_->Check(/*settled=*/false);
  EXPECT_TRUE(during.ok());
  bool told = false;
  for (const Finding& finding : during.findings) {
    told |= finding.what == "the release of us is on its way";
  }
  EXPECT_TRUE(told);

  world_->SetBorder(BorderState::kOpen);
  AwaitMoved(id);
  ReadBack("d", "cn");
  ExpectKeyIn("d", "cn", R"(["CN", "US"])");
  StagedWorld::Await("everything is settled", [] { return world_->Check(/*settled=*/true).ok(); });
  world_->ExpectNothingLost(/*settled=*/true);
}

}  // namespace
}  // namespace comity::testing
