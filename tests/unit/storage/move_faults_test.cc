#include <memory>
#include <optional>
#include <string>
#include <tuple>
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
    world.clock.Advance(2 * kDayMs);
    world.Consent(account);
    world.StartMigration();
  }

  void CheckSafety() {
    const bool here = world.Serves(world.us, account);
    const bool there = world.Serves(world.cn, account);
    EXPECT_FALSE(here && there) << "both sides serve";
    EXPECT_TRUE(!there || world.custody.Released(account.id(), 2)) << "served without a release";
    if (here) CheckObjects(world.us);
    if (there) CheckObjects(world.cn);
  }

  void CheckObjects(StorageWorld::Side& side) {
    for (const auto& [id, bytes] : kObjects) {
      EXPECT_THAT(world.Get(side, account, id), IsOkAndHolds(bytes)) << side.region;
    }
  }

  // When the source says that the account has moved, its device signs the read-back, without even
  // looking.
  absl::Status ReadBackIfMoved() {
    if (world.us.node == nullptr) return Refuse(Reason::kPeerUnavailable);
    const absl::StatusOr<SnapshotPtr> here = world.us.node->Load(account.id());
    if (!here.ok()) return here.status();
    if ((*here)->info.state != AccountState::kMoved) return absl::OkStatus();
    if (!readback_.has_value()) {
      Digest root;
      for (const Statement& statement : (*here)->history) {
        const auto release = ParseStatement<Release>(statement);
        if (release.ok()) root = release->body.manifest_root;
      }
      readback_ = account.Sign(ReadBack{2, TestDeployment::Region("cn"), root}, world.clock.Now());
    }
    return world.Deliver(world.us, account, {*readback_}).status();
  }

  // Without faults from here on, the move ends, and the source of a moved account is destroyed.
  void Finish() {
    for (int i = 0; i < 3; ++i) {
      world.Advance(account);
      CheckSafety();
    }
    ASSERT_THAT(ReadBackIfMoved(), IsOk());
    EXPECT_EQ(world.Advance(account), Progress::kDone);
    CheckSafety();
    const MoveRecord move = world.Move(account);
    const size_t blobs_here =
        world.us.blobs.List(BlobFolder(account.id()), "", 1000).value().size();
    if (move.step == MoveStep::kAborted) {
      EXPECT_TRUE(world.Serves(world.us, account));
      EXPECT_TRUE(world.cn.blobs.List(BlobFolder(account.id()), "", 1000).value().empty());
      return;
    }
    EXPECT_EQ(move.step, MoveStep::kTold);
    EXPECT_TRUE(world.Serves(world.cn, account));
    EXPECT_EQ(blobs_here, 0u);
  }

  StorageWorld world{Deployment(), TestDeployment::kHandover - kDayMs};
  TestAccount& account = world.Open("CN");

 private:
  std::optional<Statement> readback_;
};

// The machine of one side dies at call n of its stores, having done it or not, and starts again.
class MachineDeathTest : public ::testing::TestWithParam<std::tuple<bool, FailurePlan::Fate>> {};

TEST_P(MachineDeathTest, MoveEndsRightWhereverTheMachineDies) {
  const auto [source, fate] = GetParam();
  uint64_t n = 0;
  for (bool died = true; died && !HasFailure(); ++n) {
    SCOPED_TRACE("dies at call " + std::to_string(n));
    FaultRun run;
    StorageWorld::Side& side = source ? run.world.us : run.world.cn;
    run.world.Restart(side, std::make_unique<FailurePlan>(n, fate));
    run.world.Advance(run.account, 2);
    run.ReadBackIfMoved().IgnoreError();
    run.world.Advance(run.account, 2);
    died = side.plan->fired();
    run.world.Restart(side);
    run.CheckSafety();
    run.Finish();
  }
  EXPECT_GT(n, 50u) << "the plan reaches through the whole move";
}

INSTANTIATE_TEST_SUITE_P(Sides, MachineDeathTest,
                         ::testing::Combine(::testing::Bool(),
                                            ::testing::Values(FailurePlan::Fate::kApplied,
                                                              FailurePlan::Fate::kNotApplied)),
                         [](const auto& param) {
                           return std::string(std::get<0>(param.param) ? "Source" : "Destination") +
                                  (std::get<1>(param.param) == FailurePlan::Fate::kApplied
                                       ? "AfterTheCall"
                                       : "BeforeTheCall");
                         });

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
