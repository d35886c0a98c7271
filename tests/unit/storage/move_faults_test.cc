#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/statement/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"

// Moves while machines die and messages get lost. Whatever happens: at most one side serves, what
// was acknowledged is readable, nothing is destroyed before the other side is active, and in the
// end the account is on exactly one side.
namespace comity::storage {
namespace {

const std::vector<std::pair<ObjectId, std::string>> kObjects = {
    {ObjectInBucket(1), "first"}, {ObjectInBucket(1, 1), "second"}, {ObjectInBucket(99), "third"}};

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

class FaultRun final {
 public:
  FaultRun() {
    for (const auto& [id, bytes] : kObjects) world.Put(world.us, account, id, bytes);
    world.Consent(account);
    world.StartMigration();
  }

  void CheckSafety() {
    const bool here = world.Serves(world.us, account);
    const bool there = world.Serves(world.cn, account);
    EXPECT_FALSE(here && there) << "both sides serve";
    if (there) EXPECT_TRUE(world.custody.Released(account.id(), 2)) << "served without a release";
    if (here) CheckObjects(world.us);
    if (there) CheckObjects(world.cn);
  }

  void CheckObjects(StorageWorld::Side& side) {
    for (const auto& [id, bytes] : kObjects) {
      EXPECT_THAT(world.Get(side, account, id), IsOkAndHolds(bytes)) << side.region;
    }
  }

  // Without faults from here on, the move ends; a device reads back and the source is destroyed.
  void Finish() {
    for (int i = 0; i < 3; ++i) {
      world.Advance(account);
      CheckSafety();
    }
    const MoveRecord move = world.Move(account);
    ASSERT_TRUE(move.step == MoveStep::kCutOver || move.step == MoveStep::kAborted)
        << static_cast<int>(move.step);
    if (move.step == MoveStep::kAborted) {
      EXPECT_TRUE(world.Serves(world.us, account));
      return;
    }
    ASSERT_TRUE(world.Serves(world.cn, account));
    Digest root;
    for (const Statement& statement : world.Account(world.us, account)->history) {
      const auto release = ParseStatement<Release>(statement);
      if (release.ok()) root = release->body.manifest_root;
    }
    ASSERT_THAT(world
                    .Deliver(world.us, account,
                             {account.Sign(ReadBack{2, TestDeployment::Region("cn"), root},
                                           world.clock.Now())})
                    .status(),
                IsOk());
    EXPECT_EQ(world.Advance(account), Progress::kDone);
    EXPECT_EQ(world.Move(account).step, MoveStep::kTold);
    CheckSafety();
  }

  StorageWorld world{Deployment(), TestDeployment::kHandover + kDayMs};
  TestAccount& account = world.Open("CN");
};

// The machine of one side dies at call n of its stores, having done it or not, and starts again.
class MachineDeathTest : public ::testing::TestWithParam<bool> {};

TEST_P(MachineDeathTest, MoveEndsRightWhereverTheMachineDies) {
  const bool source = GetParam();
  uint64_t calls = 0;
  for (uint64_t n = 0;; ++n) {
    FaultRun run;
    StorageWorld::Side& side = source ? run.world.us : run.world.cn;
    const auto fate = n % 2 == 0 ? FaultPlan::Fate::kApplied : FaultPlan::Fate::kNotApplied;
    run.world.Restart(side, std::make_unique<FaultPlan>(n, fate));
    run.world.Advance(run.account, 2);
    const bool died = side.plan->fired();
    run.world.Restart(side);
    SCOPED_TRACE("dies at call " + std::to_string(n));
    run.CheckSafety();
    run.Finish();
    if (::testing::Test::HasFailure() || !died) {
      calls = n;
      break;
    }
  }
  EXPECT_GT(calls, 50u) << "the plan reaches through the whole move";
}

INSTANTIATE_TEST_SUITE_P(Sides, MachineDeathTest, ::testing::Bool(),
                         [](const auto& info) { return info.param ? "Source" : "Destination"; });

// The line loses requests and answers and delivers twice; now and then a side starts again.
class LossyLineTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(LossyLineTest, MoveEndsRightOverABadLine) {
  const uint32_t seed = GetParam();
  SCOPED_TRACE("seed " + std::to_string(seed));
  FaultRun run;
  std::minstd_rand random(seed);
  run.world.us.peer->SetFaults(25, seed);
  for (int i = 0; i < 30; ++i) {
    run.world.Advance(run.account, 1);
    run.CheckSafety();
    if (random() % 4 == 0) run.world.Restart(random() % 2 == 0 ? run.world.us : run.world.cn);
    run.world.custody.SetUnavailable(random() % 5 == 0);
    run.world.clock.Advance(static_cast<int64_t>(random() % 3000));
  }
  run.world.us.peer->SetFaults(0, 0);
  run.world.custody.SetUnavailable(false);
  run.Finish();
}

INSTANTIATE_TEST_SUITE_P(Seeds, LossyLineTest, ::testing::Range(1u, 41u));

}  // namespace
}  // namespace comity::storage
