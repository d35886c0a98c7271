#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/statement/account.h"
#include "services/custody/key_export.h"
#include "services/custody/key_versions.h"
#include "services/custody/leaves.h"
#include "services/custody/wrapped_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"

namespace comity::custody {
namespace {

using testing::ElementsAre;

class RotationTest : public testing::Test {
 protected:
  RotationTest() : old_(world_.Generate(world_.us, world_.account)) {}

  absl::StatusOr<Statement> RotateAt(CustodyNode& node, uint64_t request) {
    return node.custody().key_versions().Rotate(CustodyNode::Device(world_.account.device()),
                                                world_.account.id(), NumberedRequest(request));
  }
  absl::StatusOr<Statement> Rotate(uint64_t request = 1) { return RotateAt(world_.us, request); }
  static KeyVersion VersionIn(const Statement& rotation) {
    return ParseStatement<KeyRotation>(rotation)->body.version;
  }
  KeyVersion WrappedUnder(CustodyNode& node) {
    return ParseWrappedKey(world_.Generate(node, world_.account))->version;
  }
  std::vector<KeyVersion> Versions(CustodyNode& node) {
    std::vector<KeyVersion> versions;
    for (const KeyRecord& key : node.LoadAccount(world_.account.id()).keys) {
      versions.push_back(key.version);
    }
    return versions;
  }

  CustodyWorld world_;
  const std::string old_;  // a wrap under version 1
};

TEST_F(RotationTest, NewVersionWrapsAndTheOldOneStillOpens) {
  ASSERT_OK_AND_ASSIGN(const Statement rotation, Rotate());
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<KeyRotation>(rotation));
  EXPECT_EQ(parsed.body.version, 2u);
  EXPECT_EQ(parsed.body.epoch, 1u);
  EXPECT_EQ(parsed.body.request, NumberedRequest(1));
  const std::string fresh = world_.Generate(world_.us, world_.account);
  EXPECT_EQ(ParseWrappedKey(fresh)->version, 2u);
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, fresh));
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, old_));
}

TEST_F(RotationTest, VersionsAreDifferentKeys) {
  ASSERT_THAT(Rotate(), IsOk());
  std::string renamed = world_.Generate(world_.us, world_.account);
  renamed[kWrappedKeyPrefixSize - 1] = 1;  // "wrapped under version 1"
  EXPECT_THAT(world_.us.custody().data_keys().Unwrap(CustodyNode::Device(world_.account.device()),
                                                     world_.account.id(), UseReason::kAccess,
                                                     {{CustodyWorld::Context(), renamed}}),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(RotationTest, RepeatedRequestMakesNoSecondVersion) {
  ASSERT_OK_AND_ASSIGN(const Statement first, Rotate());
  ASSERT_OK_AND_ASSIGN(const Statement repeated, Rotate());
  EXPECT_EQ(first, repeated);
  world_.us.Start();
  ASSERT_OK_AND_ASSIGN(const Statement after_restart, Rotate());
  EXPECT_EQ(first, after_restart);
  EXPECT_THAT(Versions(world_.us), ElementsAre(1, 2));
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafRotation)), 1u);
}

TEST_F(RotationTest, AnotherRequestMakesAnotherVersion) {
  ASSERT_OK_AND_ASSIGN(const Statement first, Rotate(1));
  ASSERT_OK_AND_ASSIGN(const Statement second, Rotate(2));
  EXPECT_EQ(VersionIn(first), 2u);
  EXPECT_EQ(VersionIn(second), 3u);
  EXPECT_EQ(WrappedUnder(world_.us), 3u);
}

TEST_F(RotationTest, RepeatIsForgottenAfterADay) {
  ASSERT_THAT(Rotate(1), IsOk());
  world_.clock.Advance(kChangeMemoryMs);
  ASSERT_THAT(Rotate(2), IsOk());
  EXPECT_EQ(world_.us.LoadAccount(world_.account.id()).changes.size(), 1u);
  ASSERT_OK_AND_ASSIGN(const Statement again, Rotate(1));
  EXPECT_EQ(VersionIn(again), 4u);
}

TEST_F(RotationTest, NothingIsMadeWithoutItsLeaf) {
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  EXPECT_THAT(Rotate(), RefusedWith(Reason::kLogUnavailable));
  EXPECT_THAT(Versions(world_.us), ElementsAre(1));
  EXPECT_EQ(WrappedUnder(world_.us), 1u);
  EXPECT_THAT(Rotate(), IsOk());
}

TEST_F(RotationTest, LostCommitIsFoundByTheRepeat) {
  world_.us.records().FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(Rotate(), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_OK_AND_ASSIGN(const Statement rotation, Rotate());
  EXPECT_EQ(VersionIn(rotation), 2u);
  EXPECT_THAT(Versions(world_.us), ElementsAre(1, 2));
}

TEST_F(RotationTest, MoveCarriesEveryVersionAndRotationGoesOnThere) {
  ASSERT_THAT(Rotate(1), IsOk());
  const std::string second = world_.Generate(world_.us, world_.account);
  ASSERT_THAT(Rotate(2), IsOk());
  world_.MoveAccount();
  EXPECT_THAT(Rotate(3), RefusedWith(Reason::kAccountNotHere));
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, old_));
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, second));
  EXPECT_EQ(WrappedUnder(world_.cn), 3u);
  ASSERT_OK_AND_ASSIGN(const Statement there, RotateAt(world_.cn, 3));
  EXPECT_EQ(VersionIn(there), 4u);
  EXPECT_EQ(ParseStatement<KeyRotation>(there)->body.epoch, 2u);
  EXPECT_EQ(WrappedUnder(world_.cn), 4u);
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, old_));
}

TEST_F(RotationTest, RepeatAfterTheMoveIsStillAnswered) {
  ASSERT_OK_AND_ASSIGN(const Statement rotation, Rotate());
  world_.MoveAccount();
  EXPECT_THAT(Rotate(), IsOkAndHolds(rotation));
}

TEST_F(RotationTest, NoRotationWhileAMoveIsBeingDecided) {
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  const MoveEvidence evidence =
      SignMoveEvidence(world_.deployment(), world_.account.id(), 2, consent.digest(), world_.now());
  ASSERT_THAT(world_.DeliverAsStorage(world_.us, {evidence.fence, evidence.source_endorsement}),
              IsOk());
  EXPECT_THAT(Rotate(), RefusedWith(Reason::kAccountFenced));
  world_.clock.Advance(kDecisionPeriodMs);
  world_.us.Tick();
  EXPECT_THAT(Rotate(), IsOk()) << "after the move was called off";
}

TEST_F(RotationTest, DestructionCoversEveryVersion) {
  ASSERT_THAT(Rotate(), IsOk());
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Close{}, world_.now())}),
              IsOk());
  EXPECT_THAT(Rotate(2), RefusedWith(Reason::kAccountClosing));
  world_.clock.Advance(kClosingPeriodMs);
  world_.us.Tick();
  const Account account = world_.us.LoadAccount(world_.account.id());
  for (const KeyRecord& key : account.keys) {
    EXPECT_FALSE(key.exists()) << key.version;
  }
  EXPECT_EQ(ParseStatement<KeyDestruction>(account.destructions.at(1))->body.versions.size(), 2u);
  EXPECT_THAT(Rotate(2), RefusedWith(Reason::kKeyDestroyed));
}

TEST_F(RotationTest, SuspendedAccountIsRefused) {
  world_.clock.Advance(TestDeployment::kWindowEnd - world_.now());
  EXPECT_THAT(Rotate(), RefusedWith(Reason::kAccountSuspended));
}

TEST_F(RotationTest, OnlyADeviceOfTheAccountMayRotate) {
  KeyVersions& versions = world_.us.custody().key_versions();
  EXPECT_THAT(versions.Rotate(CustodyNode::Device(MakeTestDevice()), world_.account.id(),
                              NumberedRequest(1)),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(versions.Rotate(world_.us.Storage(), world_.account.id(), NumberedRequest(1)),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(RotateAt(world_.cn, 1), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(RotationTest, ForkedChainIsRefused) {
  const Account before = world_.us.LoadAccount(world_.account.id());
  Account forked = before;
  forked.fork = world_.account.entries().front();
  ASSERT_THAT(world_.us.store().Commit(before, forked, {}), IsOk());
  EXPECT_THAT(Rotate(), RefusedWith(Reason::kChainForked));
}

TEST_F(RotationTest, NoMoreVersionsThanCanMove) {
  for (size_t version = 2; version <= kMaxExportedVersions; ++version) {
    ASSERT_THAT(Rotate(version), IsOk());
  }
  EXPECT_THAT(Rotate(1'000), RefusedWith(Reason::kStateNotReady));
  world_.MoveAccount();
  EXPECT_EQ(WrappedUnder(world_.cn), kMaxExportedVersions);
}

TEST_F(RotationTest, DeathAtAnyStepLeavesOneVersionForOneRequest) {
  for (const DeathPoints::Moment moment :
       {DeathPoints::Moment::kBefore, DeathPoints::Moment::kAfter}) {
    for (uint64_t contact = 1; contact <= 2; ++contact) {
      const uint64_t request = 10 * contact + (moment == DeathPoints::Moment::kAfter ? 1 : 0);
      const size_t versions = Versions(world_.us).size();
      world_.deaths.Arm(contact, moment);
      EXPECT_FALSE(Rotate(request).ok()) << "the death did not come";
      world_.us.Start();
      ASSERT_OK_AND_ASSIGN(const Statement rotation, Rotate(request));
      EXPECT_EQ(VersionIn(rotation), versions + 1);
      EXPECT_EQ(WrappedUnder(world_.us), versions + 1);
      EXPECT_TRUE(world_.Opens(world_.us, world_.account, old_));
    }
  }
}

}  // namespace
}  // namespace comity::custody
