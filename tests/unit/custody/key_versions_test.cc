#include "services/custody/key_versions.h"

#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/statement/account.h"
#include "services/common/status/retry_after.h"
#include "services/custody/delivery.h"
#include "services/custody/key_export.h"
#include "services/custody/leaves.h"
#include "services/custody/wrapped_key.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/numbered_request.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

using testing::ElementsAre;

// An account with two key versions at "us", and a wrap under each.
class KeyVersionsTest : public testing::Test {
 protected:
  KeyVersionsTest() : first_(world_.Generate(world_.us, world_.account)) {
    EXPECT_THAT(Rotate(), IsOk());
    second_ = world_.Generate(world_.us, world_.account);
  }

  Authorization Device() { return CustodyNode::Device(world_.account.device()); }
  absl::StatusOr<Statement> Rotate() {
    return world_.us.custody().key_versions().Rotate(Device(), world_.account.id(),
                                                     NumberedRequest(++request_));
  }
  absl::StatusOr<Statement> Order(KeyChangeKind kind, KeyVersion version, uint32_t days,
                                  uint64_t request, CustodyNode& node) {
    return node.custody().key_versions().Change(
        Device(), {world_.account.id(), NumberedRequest(request), kind, version, days});
  }
  absl::StatusOr<Statement> Change(KeyChangeKind kind, KeyVersion version, uint32_t days = 0) {
    return Order(kind, version, days, ++request_, world_.us);
  }
  Reason WhyNotOpened(const std::string& wrapped, CustodyNode& node) {
    return ReasonOf(node.custody()
                        .data_keys()
                        .Unwrap(Device(), world_.account.id(), UseReason::kAccess,
                                {{CustodyWorld::Context(), wrapped}})
                        .status());
  }
  Reason WhyNotOpened(const std::string& wrapped) { return WhyNotOpened(wrapped, world_.us); }
  bool Wraps() { return !world_.Generate(world_.us, world_.account).empty(); }
  Account Stored() { return world_.us.LoadAccount(world_.account.id()); }
  AccountKeyView View() {
    return *world_.us.custody().custodian().GetKey(Device(), world_.account.id());
  }
  KeyVersionView::State StateOf(KeyVersion version) {
    return View().versions.at(version - 1).state;
  }

  using Kind = KeyChangeKind;
  using State = KeyVersionView::State;
  static constexpr Reason kOpens = Reason::kUnspecified;
  uint64_t request_ = 0;
  CustodyWorld world_;
  const std::string first_;
  std::string second_;
};

TEST_F(KeyVersionsTest, DisabledVersionOpensNothingUntilItIsEnabled) {
  ASSERT_OK_AND_ASSIGN(const Statement change, Change(Kind::kDisable, 1));
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<KeyChange>(change));
  EXPECT_EQ(parsed.body.kind, Kind::kDisable);
  EXPECT_EQ(parsed.body.version, 1u);
  EXPECT_EQ(parsed.body.epoch, 1u);
  EXPECT_EQ(parsed.body.request, NumberedRequest(request_));
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDisabled);
  EXPECT_EQ(WhyNotOpened(second_), kOpens);
  EXPECT_TRUE(Wraps());
  EXPECT_EQ(StateOf(1), State::kDisabled);
  ASSERT_THAT(Change(Kind::kEnable, 1), IsOk());
  EXPECT_EQ(WhyNotOpened(first_), kOpens);
  EXPECT_EQ(StateOf(1), State::kEnabled);
}

TEST_F(KeyVersionsTest, NothingIsWrappedWhileTheNewestVersionIsDisabled) {
  ASSERT_THAT(Change(Kind::kDisable, 2), IsOk());
  EXPECT_FALSE(Wraps());
  EXPECT_EQ(WhyNotOpened(first_), kOpens);
  ASSERT_THAT(Rotate(), IsOk());
  EXPECT_TRUE(Wraps());
  EXPECT_EQ(WhyNotOpened(second_), Reason::kKeyDisabled);
}

TEST_F(KeyVersionsTest, WordSurvivesADeath) {
  ASSERT_THAT(Change(Kind::kDisable, 1), IsOk());
  world_.us.Start();
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDisabled);
}

TEST_F(KeyVersionsTest, VersionThatIsGivenUpIsDisabledAtOnceAndDestroyedOnTheDay) {
  ASSERT_OK_AND_ASSIGN(const Statement change, Change(Kind::kScheduleDestruction, 1, 7));
  const UnixMillis time = world_.now() + 7 * kDayMs;
  EXPECT_EQ(ParseStatement<KeyChange>(change)->body.destroy_time, time);
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDisabled);
  EXPECT_EQ(StateOf(1), State::kDestroyScheduled);
  EXPECT_EQ(View().versions.front().destroy_time, time);
  world_.clock.Advance(7 * kDayMs - 1);
  world_.us.Tick();
  EXPECT_TRUE(Stored().keys.front().exists());
  world_.clock.Advance(1);
  world_.us.Tick();
  EXPECT_EQ(StateOf(1), State::kDestroyed);
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDestroyed);
  EXPECT_EQ(WhyNotOpened(second_), kOpens) << "the account lives on";
  EXPECT_TRUE(Stored().keys.front().sealed.empty());
  ASSERT_OK_AND_ASSIGN(const auto certificate,
                       ParseStatement<KeyVersionDestruction>(Stored().version_destructions.at(0)));
  EXPECT_EQ(certificate.body.version, 1u);
  EXPECT_EQ(certificate.body.epoch, 1u);
  EXPECT_EQ(certificate.body.erased, time);
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafVersionDestruction)), 1u);
  EXPECT_NE(FindType(View().statements, KeyVersionDestruction::kType), nullptr);
}

TEST_F(KeyVersionsTest, DestructionThatFellDueWhileCustodyWasDownHappensAfterwards) {
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 30), IsOk());
  world_.clock.Advance(31 * kDayMs);
  world_.us.Start();
  world_.us.Tick();
  EXPECT_EQ(StateOf(1), State::kDestroyed);
}

TEST_F(KeyVersionsTest, CancelledDestructionLeavesTheVersionDisabled) {
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  EXPECT_THAT(Change(Kind::kEnable, 1), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(Change(Kind::kScheduleDestruction, 1, 30), RefusedWith(Reason::kStateNotReady));
  ASSERT_THAT(Change(Kind::kCancelDestruction, 1), IsOk());
  EXPECT_EQ(StateOf(1), State::kDisabled);
  ASSERT_THAT(Change(Kind::kEnable, 1), IsOk());
  world_.clock.Advance(40 * kDayMs);
  world_.us.Tick();
  EXPECT_EQ(WhyNotOpened(first_), kOpens);
  EXPECT_THAT(Change(Kind::kCancelDestruction, 1), RefusedWith(Reason::kStateNotReady));
}

TEST_F(KeyVersionsTest, NewestVersionIsNotGivenUp) {
  EXPECT_THAT(Change(Kind::kScheduleDestruction, 2, 7), RefusedWith(Reason::kStateNotReady));
  EXPECT_TRUE(Wraps());
}

TEST_F(KeyVersionsTest, DaysHaveTheirBounds) {
  EXPECT_THAT(Change(Kind::kScheduleDestruction, 1, 6), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Change(Kind::kScheduleDestruction, 1, 31), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Change(Kind::kSetRotation, 0, 3'651), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Change(Kind::kScheduleDestruction, 1, 30), IsOk());
  EXPECT_THAT(Change(Kind::kSetRotation, 0, 3'650), IsOk());
  EXPECT_THAT(Change(Kind::kSetRotation, 0, 1), IsOk());
}

TEST_F(KeyVersionsTest, UnknownAndDestroyedVersionsSayWhich) {
  for (const Kind kind : {Kind::kDisable, Kind::kEnable, Kind::kScheduleDestruction,
                          Kind::kCancelDestruction, Kind::kSetMinUnwrapVersion}) {
    EXPECT_THAT(Change(kind, 3, 7), RefusedWith(Reason::kFieldInvalid));
    EXPECT_THAT(Change(kind, 0, 7), RefusedWith(Reason::kFieldInvalid));
  }
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs);
  world_.us.Tick();
  EXPECT_THAT(Change(Kind::kEnable, 1), RefusedWith(Reason::kKeyDestroyed));
}

TEST_F(KeyVersionsTest, OlderVersionsThanTheLeastOpenNothing) {
  ASSERT_THAT(Change(Kind::kSetMinUnwrapVersion, 2), IsOk());
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDisabled);
  EXPECT_EQ(WhyNotOpened(second_), kOpens);
  EXPECT_EQ(View().min_unwrap_version, 2u);
  ASSERT_THAT(Change(Kind::kSetMinUnwrapVersion, 1), IsOk());
  EXPECT_EQ(WhyNotOpened(first_), kOpens);
}

TEST_F(KeyVersionsTest, LeastVersionIsLoweredBelowOneThatIsDestroyed) {
  ASSERT_THAT(Change(Kind::kSetMinUnwrapVersion, 2), IsOk());
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs);
  world_.us.Tick();
  EXPECT_THAT(Change(Kind::kSetMinUnwrapVersion, 1), IsOk());
  EXPECT_THAT(Change(Kind::kSetMinUnwrapVersion, 3), RefusedWith(Reason::kFieldInvalid));
}

// The certificate is the owner's; another service would not know what to do with it.
TEST_F(KeyVersionsTest, StatementsGoOnToOtherServicesAfterADestruction) {
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs);
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.DeliverAsDevice(world_.us, {}));
  EXPECT_EQ(FindType(answer, KeyVersionDestruction::kType), nullptr);
  EXPECT_THAT(SortDelivery(world_.account.id(), world_.topology().deployment(),
                           {Stored().version_destructions.at(0)}),
              IsOk());
  world_.MoveAccount();
  EXPECT_EQ(WhyNotOpened(first_, world_.cn), Reason::kKeyDestroyed);
  EXPECT_EQ(WhyNotOpened(second_, world_.cn), kOpens);
}

TEST_F(KeyVersionsTest, DeviceThatIsRevokedTakesNothingFromTheOthers) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  KeyVersions& versions = world_.us.custody().key_versions();
  const Authorization second = CustodyNode::Device(world_.account.device(1));
  for (size_t i = 0; i < kMaxChangesOfDevice; ++i) {
    ASSERT_THAT(versions.Change(second, {world_.account.id(), NumberedRequest(1'000 + i),
                                         i % 2 == 0 ? Kind::kDisable : Kind::kEnable, 1, 0}),
                IsOk());
  }
  EXPECT_THAT(
      versions.Change(second, {world_.account.id(), NumberedRequest(2'000), Kind::kDisable, 1, 0}),
      RefusedWith(Reason::kRateLimited));
  EXPECT_THAT(Change(Kind::kDisable, 1), IsOk()) << "another device";
  world_.account.RevokeDevice(1);
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  ASSERT_THAT(Change(Kind::kEnable, 1), IsOk());
  EXPECT_EQ(Stored().changes.size(), 3u) << "of the revoked one nothing is kept";
}

TEST_F(KeyVersionsTest, NoVersionMakesItselfWhileTheNewestIsOutOfUse) {
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 1), IsOk());
  ASSERT_THAT(Change(Kind::kDisable, 2), IsOk());
  world_.clock.Advance(2 * kDayMs);
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 2u);
  EXPECT_FALSE(Wraps());
  ASSERT_THAT(Change(Kind::kEnable, 2), IsOk());
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 3u);
}

// What keeps it from being suspended is read only when it is looked at.
TEST_F(KeyVersionsTest, RotationOfAnAccountThatConsentedLateIsNotForgottenByARestart) {
  world_.clock.Advance(TestDeployment::kWindowEnd - 5 * kDayMs - world_.now());
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.SignConsent()}), IsOk());
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 1), IsOk());
  world_.us.Tick();
  const size_t before = View().versions.size();
  world_.clock.Advance(10 * kDayMs);
  world_.us.Start();
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), before + 1);
}

TEST_F(KeyVersionsTest, OnlyTheNewestCertificatesAreKept) {
  for (int i = 0; i < 20; ++i) ASSERT_THAT(Rotate(), IsOk());
  for (KeyVersion version = 20; version > 1; --version) {
    ASSERT_THAT(Change(Kind::kScheduleDestruction, version, 7), IsOk());
  }
  world_.clock.Advance(7 * kDayMs);
  world_.us.Tick();
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs);
  world_.us.Tick();
  EXPECT_EQ(
      ParseStatement<KeyVersionDestruction>(Stored().version_destructions.back())->body.version,
      1u);
  ASSERT_THAT(Rotate(), IsOk());
  EXPECT_EQ(ParseWrappedKey(world_.Generate(world_.us, world_.account))->version, 23u);
}

TEST_F(KeyVersionsTest, NextVersionMakesItselfWhenTheNewestIsOldEnough) {
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 90), IsOk());
  EXPECT_EQ(View().next_rotation, world_.now() + 90 * kDayMs);
  world_.clock.Advance(90 * kDayMs - 1);
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 2u);
  world_.us.Start();
  world_.clock.Advance(1);
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 3u);
  EXPECT_EQ(ParseWrappedKey(world_.Generate(world_.us, world_.account))->version, 3u);
  EXPECT_EQ(WhyNotOpened(first_), kOpens);
  EXPECT_EQ(View().next_rotation, world_.now() + 90 * kDayMs);
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 0), IsOk());
  world_.clock.Advance(100 * kDayMs);
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 3u);
}

TEST_F(KeyVersionsTest, VersionsStopMakingThemselvesWhenNoMoreCanMove) {
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 1), IsOk());
  for (size_t i = 0; i < kMaxExportedVersions + 5; ++i) {
    world_.clock.Advance(kDayMs);
    world_.us.Tick();
  }
  EXPECT_EQ(View().versions.size(), kMaxExportedVersions);
  EXPECT_EQ(View().next_rotation, 0);
}

TEST_F(KeyVersionsTest, RepeatedRequestChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const Statement disabled, Order(Kind::kDisable, 1, 0, 50, world_.us));
  ASSERT_OK_AND_ASSIGN(const Statement enabled, Order(Kind::kEnable, 1, 0, 51, world_.us));
  EXPECT_THAT(Order(Kind::kDisable, 1, 0, 50, world_.us), IsOkAndHolds(disabled));
  EXPECT_EQ(WhyNotOpened(first_), kOpens) << "a late repeat";
  EXPECT_THAT(Order(Kind::kDisable, 2, 0, 50, world_.us), RefusedWith(Reason::kRequestIdReused));
  EXPECT_THAT(Order(Kind::kEnable, 1, 0, 50, world_.us), RefusedWith(Reason::kRequestIdReused));
  EXPECT_THAT(
      world_.us.custody().key_versions().Rotate(Device(), world_.account.id(), NumberedRequest(50)),
      RefusedWith(Reason::kRequestIdReused));
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafChange)), 2u);
}

TEST_F(KeyVersionsTest, TooManyChangesWithinADayAreRefused) {
  absl::Status last;
  size_t taken = 0;
  while (last.ok() && taken < 2 * kMaxChangesRemembered) {
    last = Change(taken % 2 == 0 ? Kind::kDisable : Kind::kEnable, 1).status();
    taken += last.ok() ? 1 : 0;
  }
  EXPECT_THAT(last, RefusedWith(Reason::kRateLimited));
  EXPECT_EQ(RetryAfterOf(last), std::chrono::milliseconds(kChangeMemoryMs));
  EXPECT_EQ(taken, kMaxChangesOfDevice - 1) << "one was the rotation";
  world_.clock.Advance(kChangeMemoryMs - kHourMs);
  last = Change(Kind::kDisable, 1).status();
  EXPECT_EQ(RetryAfterOf(last), std::chrono::milliseconds(kHourMs));
  world_.clock.Advance(RetryAfterOf(last).count());
  EXPECT_THAT(Change(Kind::kDisable, 1), IsOk());
}

TEST_F(KeyVersionsTest, NobodyElseChangesAnything) {
  const ChangeCommand command{world_.account.id(), NumberedRequest(9), Kind::kDisable, 1, 0};
  KeyVersions& versions = world_.us.custody().key_versions();
  EXPECT_THAT(versions.Change(CustodyNode::Device(MakeTestDevice()), command),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(versions.Change(world_.us.Storage(), command), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(versions.Change(world_.us.Review(), command), RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(Order(Kind::kDisable, 1, 0, 9, world_.cn), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(KeyVersionsTest, NothingChangesWhileAMoveIsBeingDecided) {
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs - kSecondMs);
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  const MoveEvidence evidence =
      SignMoveEvidence(world_.deployment(), world_.account.id(), 2, consent.digest(), world_.now());
  ASSERT_THAT(world_.DeliverAsStorage(world_.us, {evidence.fence, evidence.source_endorsement}),
              IsOk());
  EXPECT_THAT(Change(Kind::kDisable, 2), RefusedWith(Reason::kAccountFenced));
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  EXPECT_TRUE(Stored().keys.front().exists()) << "it may have been sent already";
  world_.clock.Advance(kDecisionPeriodMs);
  world_.us.Tick();
  world_.us.Tick();
  EXPECT_FALSE(Stored().keys.front().exists()) << "after the move was called off";
}

TEST_F(KeyVersionsTest, ClosingAccountIsNotChanged) {
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Close{}, world_.now())}),
              IsOk());
  EXPECT_THAT(Change(Kind::kDisable, 1), RefusedWith(Reason::kAccountClosing));
}

TEST_F(KeyVersionsTest, SuspendedAccountCanStillGiveUpItsKeys) {
  world_.clock.Advance(TestDeployment::kWindowEnd - world_.now());
  EXPECT_THAT(Change(Kind::kDisable, 1), IsOk());
  EXPECT_THAT(Change(Kind::kSetRotation, 0, 1), IsOk());
  EXPECT_EQ(View().next_rotation, 0) << "nothing new is wrapped here";
}

TEST_F(KeyVersionsTest, WordsGoAlongWithAMove) {
  ASSERT_THAT(Rotate(), IsOk());
  const std::string third = world_.Generate(world_.us, world_.account);
  ASSERT_THAT(Rotate(), IsOk());
  ASSERT_THAT(Change(Kind::kDisable, 2), IsOk());
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 3, 30), IsOk());
  ASSERT_THAT(Change(Kind::kSetMinUnwrapVersion, 2), IsOk());
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 90), IsOk());
  world_.MoveAccount();
  EXPECT_EQ(WhyNotOpened(first_, world_.cn), Reason::kKeyDestroyed) << "it was left behind";
  EXPECT_EQ(WhyNotOpened(second_, world_.cn), Reason::kKeyDisabled);
  EXPECT_EQ(WhyNotOpened(third, world_.cn), Reason::kKeyDisabled);
  ASSERT_THAT(Order(Kind::kEnable, 2, 0, 70, world_.cn), IsOk());
  EXPECT_EQ(WhyNotOpened(second_, world_.cn), kOpens);
  const Account there = world_.cn.LoadAccount(world_.account.id());
  EXPECT_EQ(there.rotation_days, 90u);
  std::vector<KeyVersion> versions;
  for (const KeyRecord& key : there.keys) versions.push_back(key.version);
  EXPECT_THAT(versions, ElementsAre(2, 3, 4));
  world_.clock.Advance(30 * kDayMs);
  world_.cn.Tick();
  EXPECT_EQ(WhyNotOpened(third, world_.cn), Reason::kKeyDestroyed);
}

TEST_F(KeyVersionsTest, SourcesCopyIsDestroyedWhateverWasSaidAboutIt) {
  ASSERT_THAT(Change(Kind::kDisable, 1), IsOk());
  world_.MoveAccount();
  world_.clock.Advance(kReadBackPeriodMs);
  world_.us.Tick();
  for (const KeyRecord& key : Stored().keys) EXPECT_FALSE(key.exists()) << key.version;
}

TEST_F(KeyVersionsTest, SealedCustodyTakesWordsAndMakesNoVersions) {
  ASSERT_THAT(Change(Kind::kSetRotation, 0, 1), IsOk());
  ASSERT_THAT(world_.us.custody().vault().Close(UnsafeAuthorizationForTest::OperatorPerson(
                  "us", "apple", "ops-evans", MakeTestDevice().key.public_key())),
              IsOk());
  EXPECT_THAT(Change(Kind::kDisable, 1), IsOk());
  EXPECT_THAT(Rotate(), RefusedWith(Reason::kSealed));
  world_.clock.Advance(2 * kDayMs);
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 2u);
  world_.us.Start();  // its seal opens by itself
  world_.us.Tick();
  EXPECT_EQ(View().versions.size(), 3u);
}

// What a device does about versions, killed between any two steps, is done once or not at all.
TEST_F(KeyVersionsTest, DeathAtAnyStepLeavesAllOfAChangeOrNothing) {
  uint64_t request = 100;
  for (const DeathPoints::Moment moment :
       {DeathPoints::Moment::kBefore, DeathPoints::Moment::kAfter}) {
    for (uint64_t contact = 1; contact <= 2; ++contact) {
      for (const Kind kind : {Kind::kDisable, Kind::kEnable}) {
        ++request;
        world_.deaths.Arm(contact, moment);
        EXPECT_FALSE(Order(kind, 1, 0, request, world_.us).ok()) << "the death did not come";
        world_.us.Start();
        EXPECT_THAT(Order(kind, 1, 0, request, world_.us), IsOk());
        EXPECT_EQ(WhyNotOpened(first_), kind == Kind::kEnable ? kOpens : Reason::kKeyDisabled);
      }
    }
  }
}

TEST_F(KeyVersionsTest, DeathWhileDestroyingIsFollowedByTheDestruction) {
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs);
  world_.deaths.Arm(1, DeathPoints::Moment::kAfter);
  world_.us.Tick();
  world_.us.Start();
  EXPECT_TRUE(Stored().keys.front().exists()) << "the leaf is written, the act is not";
  world_.us.Tick();
  EXPECT_FALSE(Stored().keys.front().exists());
}

class RewrapTest : public KeyVersionsTest {
 protected:
  absl::StatusOr<DataKeys::Rewrapped> Rewrap(const std::vector<WrappedKey>& keys) {
    return world_.us.custody().data_keys().Rewrap(Device(), world_.account.id(), UseReason::kRewrap,
                                                  keys);
  }
  static WrappedKey Under(const std::string& wrapped) { return {CustodyWorld::Context(), wrapped}; }
  std::optional<std::string> Plain(const std::string& wrapped) {
    auto opened = world_.us.custody().data_keys().Unwrap(Device(), world_.account.id(),
                                                         UseReason::kAccess, {Under(wrapped)});
    if (!opened.ok()) return std::nullopt;
    return std::string(opened->front().RevealView(RevealKey::ForTest()));
  }
};

TEST_F(RewrapTest, OldWrapIsMadeAnewUnderTheNewestVersion) {
  ASSERT_OK_AND_ASSIGN(const auto results, Rewrap({Under(first_), Under(second_)}));
  ASSERT_EQ(results.size(), 2u);
  ASSERT_OK_AND_ASSIGN(const std::string fresh, results[0]);
  EXPECT_EQ(ParseWrappedKey(fresh)->version, 2u);
  EXPECT_EQ(Plain(fresh), Plain(first_));
  EXPECT_THAT(results[1], IsOkAndHolds(second_)) << "it is under the newest already";
  ASSERT_THAT(Change(Kind::kDisable, 1), IsOk());
  EXPECT_TRUE(Plain(fresh).has_value());
}

TEST_F(RewrapTest, EachHasAnOutcomeOfItsOwn) {
  ASSERT_THAT(Change(Kind::kDisable, 1), IsOk());
  std::string broken = second_;
  broken.back() ^= 1;
  ASSERT_OK_AND_ASSIGN(const auto results, Rewrap({Under(first_),
                                                   Under(broken),
                                                   {CustodyWorld::Context("other"), second_},
                                                   Under(second_)}));
  EXPECT_THAT(results[0], RefusedWith(Reason::kKeyDisabled));
  EXPECT_THAT(results[1], RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(results[2], RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(results[3], IsOk());
}

// What comes late is saved until the end.
TEST_F(RewrapTest, WhatIsOnItsWayOutIsOpenedForRewrappingAlone) {
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDisabled);
  ASSERT_OK_AND_ASSIGN(const auto given_up, Rewrap({Under(first_)}));
  ASSERT_OK_AND_ASSIGN(const std::string saved, given_up[0]);
  EXPECT_EQ(ParseWrappedKey(saved)->version, 2u);
  EXPECT_TRUE(Plain(saved).has_value());
  ASSERT_THAT(Change(Kind::kCancelDestruction, 1), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto disabled, Rewrap({Under(first_)}));
  EXPECT_THAT(disabled[0], RefusedWith(Reason::kKeyDisabled));
  ASSERT_THAT(Change(Kind::kEnable, 1), IsOk());
  ASSERT_THAT(Change(Kind::kSetMinUnwrapVersion, 2), IsOk());
  EXPECT_EQ(WhyNotOpened(first_), Reason::kKeyDisabled);
  ASSERT_OK_AND_ASSIGN(const auto below, Rewrap({Under(first_)}));
  EXPECT_THAT(below[0], IsOk());
  ASSERT_THAT(Change(Kind::kScheduleDestruction, 1, 7), IsOk());
  world_.clock.Advance(7 * kDayMs);
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const auto gone, Rewrap({Under(first_)}));
  EXPECT_THAT(gone[0], RefusedWith(Reason::kKeyDestroyed));
}

TEST_F(RewrapTest, NothingIsRewrappedWhereNothingIsWrapped) {
  ASSERT_THAT(Change(Kind::kDisable, 2), IsOk());
  EXPECT_THAT(Rewrap({Under(first_)}), RefusedWith(Reason::kKeyDisabled));
  ASSERT_THAT(Change(Kind::kEnable, 2), IsOk());
  EXPECT_THAT(world_.us.custody().data_keys().Rewrap(CustodyNode::Device(MakeTestDevice()),
                                                     world_.account.id(), UseReason::kRewrap,
                                                     {Under(first_)}),
              RefusedWith(Reason::kAccountNotYours));
  world_.clock.Advance(TestDeployment::kWindowEnd - world_.now());
  EXPECT_THAT(Rewrap({Under(first_)}), RefusedWith(Reason::kAccountSuspended));
}

}  // namespace
}  // namespace comity::custody
