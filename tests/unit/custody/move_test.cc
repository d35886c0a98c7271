#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "services/custody/leaves.h"
#include "services/custody/move_rules.h"
#include "services/custody/mover.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

// The move of a key from "us" to "cn", as the source sees it. The coordinator is played by the
// test.
class MoveTest : public testing::Test {
 protected:
  MoveTest() : wrapped_(world_.Generate(world_.us, world_.account)) {}

  void Consent() {
    consent_ = world_.SignConsent();
    ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent_}), IsOk());
  }
  MoveEvidence Evidence(AccountEpoch epoch = 2, std::string_view root = "root") {
    return SignMoveEvidence(world_.deployment(), world_.account.id(), epoch, consent_.digest(),
                            world_.now(), root);
  }
  absl::StatusOr<std::vector<Statement>> Deliver(const std::vector<Statement>& statements) {
    return world_.DeliverAsStorage(world_.us, statements);
  }
  // Fence alone: the move is known and nothing else can happen yet.
  void Fence() {
    const MoveEvidence evidence = Evidence();
    ASSERT_THAT(Deliver({evidence.fence, evidence.source_endorsement}), IsOk());
  }
  Account AtSource() { return world_.us.LoadAccount(world_.account.id()); }
  Account AtDestination() { return world_.cn.LoadAccount(world_.account.id()); }
  std::optional<AbortReason> Aborted(const std::vector<Statement>& answer) {
    const auto abort = FindBody<Abort>(answer, "us");
    return abort.has_value() ? std::make_optional(abort->body.reason) : std::nullopt;
  }
  template <typename Body>
  Statement FromStorage(const Body& body, std::string_view region = "us") {
    return SignAs(world_.deployment(), region, ServiceKind::kStorage, world_.account.id(), body,
                  world_.now());
  }

  CustodyWorld world_;
  Statement consent_;
  const std::string wrapped_;
};

TEST_F(MoveTest, KeyMovesAndTheWrapOpensThereOnly) {
  Consent();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  const auto release = FindBody<Release>(answer, "us");
  const auto activation = FindBody<Activation>(answer, "cn");
  ASSERT_TRUE(release.has_value());
  ASSERT_TRUE(activation.has_value());
  EXPECT_EQ(release->body.epoch, 2u);
  EXPECT_EQ(release->body.consent, consent_.digest());
  EXPECT_EQ(release->body.manifest_root, Sha256Digest("root"));
  EXPECT_EQ(activation->body.epoch, 2u);
  EXPECT_EQ(activation->body.release, FindType(answer, Release::kType)->digest());
  EXPECT_FALSE(world_.Opens(world_.us, world_.account, wrapped_));
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
  EXPECT_THAT(world_.us.custody().data_keys().Unwrap(CustodyNode::Device(world_.account.device()),
                                                     world_.account.id(), UseReason::kAccess,
                                                     {{CustodyWorld::Context(), wrapped_}}),
              RefusedWith(Reason::kAccountNotHere));
}

TEST_F(MoveTest, EveryActHasItsLeafBefore) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  EXPECT_THAT(world_.us.log().types(), ElementsAre(kLeafCreated, kLeafExport, kLeafRelease));
  EXPECT_THAT(world_.cn.log().types(), ElementsAre(kLeafImport, kLeafActivation));
}

TEST_F(MoveTest, RepeatedDeliveryGetsTheSameDecision) {
  Consent();
  const MoveEvidence evidence = Evidence();
  ASSERT_OK_AND_ASSIGN(const auto first, Deliver(evidence.All()));
  ASSERT_OK_AND_ASSIGN(const auto second, Deliver(evidence.All()));
  EXPECT_EQ(*FindType(first, Release::kType), *FindType(second, Release::kType));
  EXPECT_EQ(*FindType(first, Activation::kType, "cn"), *FindType(second, Activation::kType, "cn"));
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafRelease)), 1u);
}

TEST_F(MoveTest, FenceWithoutKnownConsentIsRefusedAndTimesOut) {
  consent_ = world_.SignConsent();
  const MoveEvidence evidence = Evidence();
  EXPECT_THAT(Deliver(evidence.All()), RefusedWith(Reason::kConsentMissing));
  EXPECT_TRUE(AtSource().deciding());
  EXPECT_THAT(world_.cn.log().types(), IsEmpty());
  world_.clock.Advance(30 * kSecondMs);
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(evidence.All()));
  EXPECT_EQ(Aborted(answer), AbortReason::kTimeout);
}

TEST_F(MoveTest, ConsentMayComeAlongWithTheFence) {
  consent_ = world_.SignConsent();
  std::vector<Statement> all = Evidence().All();
  all.push_back(consent_);
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(all));
  EXPECT_NE(FindType(answer, Release::kType), nullptr);
}

TEST_F(MoveTest, NothingMovesBeforeBothManifestsAreThere) {
  Consent();
  const MoveEvidence evidence = Evidence();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver({evidence.fence, evidence.source_manifest,
                                                   evidence.source_endorsement}));
  EXPECT_EQ(FindType(answer, Release::kType), nullptr);
  EXPECT_THAT(world_.us.log().types(), Not(Contains(kLeafExport)));
  ASSERT_THAT(Deliver({evidence.destination_manifest, evidence.destination_endorsement}), IsOk());
  EXPECT_EQ(AtSource().presence, Presence::kReleased);
}

TEST_F(MoveTest, UnequalManifestsMoveNothing) {
  Consent();
  MoveEvidence evidence = Evidence();
  evidence.destination_manifest =
      FromStorage(DataManifest{2, Sha256Digest("other"), 3, 4'096}, "cn");
  EXPECT_THAT(Deliver(evidence.All()), RefusedWith(Reason::kStateNotReady));
  evidence.destination_manifest =
      FromStorage(DataManifest{2, Sha256Digest("root"), 2, 4'096}, "cn");
  EXPECT_THAT(Deliver(evidence.All()), RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(AtSource().presence, Presence::kActive);
}

TEST_F(MoveTest, EvidenceWithoutEndorsementIsRefused) {
  Consent();
  const MoveEvidence evidence = Evidence();
  EXPECT_THAT(Deliver({evidence.fence}), RefusedWith(Reason::kEndorsementMissing));
  EXPECT_THAT(Deliver({evidence.fence, evidence.destination_endorsement}),
              RefusedWith(Reason::kEndorsementMissing));
  EXPECT_THAT(Deliver({evidence.fence, evidence.source_manifest, evidence.source_endorsement,
                       evidence.destination_manifest}),
              RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(MoveTest, EvidenceSignedByAnotherKeyIsRefused) {
  Consent();
  MoveEvidence evidence = Evidence();
  evidence.fence.signatures[0].signature[0] ^= 1;
  EXPECT_THAT(Deliver(evidence.All()), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_FALSE(AtSource().outgoing.has_value());
}

TEST_F(MoveTest, FenceOfAnEpochThatIsOverIsRefused) {
  Consent();
  EXPECT_THAT(Deliver(Evidence(1).All()), RefusedWith(Reason::kStatementSuperseded));
  EXPECT_THAT(Deliver(Evidence(9'999).All()), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(MoveTest, SecondMoveWaitsForTheFirst) {
  Consent();
  Fence();
  EXPECT_THAT(Deliver(Evidence(3).All()), RefusedWith(Reason::kStateNotReady));
}

TEST_F(MoveTest, FenceOverNewDataVoidsTheOldManifests) {
  Consent();
  const MoveEvidence old = Evidence();
  ASSERT_THAT(Deliver({old.fence, old.source_manifest, old.source_endorsement}), IsOk());
  const MoveEvidence fresh = Evidence(2, "new root");
  ASSERT_THAT(Deliver({fresh.fence, fresh.source_endorsement}), IsOk());
  EXPECT_FALSE(AtSource().outgoing->source_manifest.has_value());
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(fresh.All()));
  EXPECT_EQ(FindBody<Release>(answer, "us")->body.manifest_root, Sha256Digest("new root"));
}

TEST_F(MoveTest, ManifestOfAThirdRegionIsRefused) {
  Consent();
  Fence();
  Envelope envelope;
  envelope.deployment = world_.topology().deployment();
  envelope.region = "eu";
  envelope.subject = std::string(world_.account.id().bytes());
  EXPECT_THAT(Deliver({SignStatement(envelope, DataManifest{2, Sha256Digest("root"), 3, 4'096},
                                     PrivateKey::Generate(SignatureAlgorithm::kEd25519))}),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(MoveTest, WithdrawalBeforeTheDecisionAborts) {
  Consent();
  Fence();
  ASSERT_OK_AND_ASSIGN(
      const auto answer,
      world_.DeliverAsDevice(world_.us, {world_.account.Sign(Withdrawal{2}, world_.now())}));
  EXPECT_EQ(Aborted(answer), AbortReason::kWithdrawn);
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, wrapped_));
  ASSERT_OK_AND_ASSIGN(const auto late, Deliver(Evidence().All()));
  EXPECT_EQ(Aborted(late), AbortReason::kWithdrawn);
  EXPECT_THAT(world_.cn.log().types(), IsEmpty());
}

TEST_F(MoveTest, TerritoryChangeAndCloseEndTheConsentToo) {
  Consent();
  Fence();
  ASSERT_OK_AND_ASSIGN(const auto answer,
                       world_.DeliverAsDevice(
                           world_.us, {world_.account.Sign(TerritoryChange{"HK"}, world_.now())}));
  EXPECT_EQ(Aborted(answer), AbortReason::kWithdrawn);
}

TEST_F(MoveTest, CloseBeforeTheDecisionAborts) {
  Consent();
  Fence();
  ASSERT_OK_AND_ASSIGN(
      const auto answer,
      world_.DeliverAsDevice(world_.us, {world_.account.Sign(Close{}, world_.now())}));
  EXPECT_EQ(Aborted(answer), AbortReason::kWithdrawn);
}

TEST_F(MoveTest, WithdrawalAfterTheReleaseComesTooLate) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  EXPECT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Withdrawal{2}, world_.now())}),
              RefusedWith(Reason::kAccountNotHere));
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
}

TEST_F(MoveTest, ConsentOfARevokedDeviceAborts) {
  world_.account.AddDevice();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  const Statement template_consent = world_.SignConsent();
  const auto body = ParseStatement<comity::Consent>(template_consent).value().body;
  consent_ = world_.account.Sign(body, world_.now(), world_.now() + kDayMs, 1);
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent_}), IsOk());
  world_.account.RevokeDevice(1);
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, world_.account.entries()), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  EXPECT_EQ(Aborted(answer), AbortReason::kRulesChanged);
}

TEST_F(MoveTest, ExpiredConsentAborts) {
  Consent();
  world_.clock.Advance(91 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  EXPECT_EQ(Aborted(answer), AbortReason::kRulesChanged);
}

TEST(MoveDateTest, NothingMovesBeforeTheDate) {
  CustodyWorld early(TestDeployment::kAnnounced);
  const Statement consent = early.SignConsent();
  ASSERT_THAT(early.DeliverAsDevice(early.us, {consent}), IsOk());
  const MoveEvidence evidence =
      SignMoveEvidence(early.deployment(), early.account.id(), 2, consent.digest(), early.now());
  ASSERT_OK_AND_ASSIGN(const auto answer, early.DeliverAsStorage(early.us, evidence.All()));
  EXPECT_EQ(FindBody<Abort>(answer, "us")->body.reason, AbortReason::kRulesChanged);
}

TEST_F(MoveTest, UndecidedMoveEndsAfterThirtySeconds) {
  Consent();
  Fence();
  world_.clock.Advance(30 * kSecondMs - 1);
  world_.us.Tick();
  EXPECT_TRUE(AtSource().deciding());
  world_.clock.Advance(1);
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver({}));
  EXPECT_EQ(Aborted(answer), AbortReason::kTimeout);
}

TEST_F(MoveTest, TimeOfTheFenceSurvivesARestart) {
  Consent();
  Fence();
  world_.clock.Advance(30 * kSecondMs);
  world_.us.Start();
  world_.us.Tick();
  EXPECT_FALSE(AtSource().deciding());
}

TEST_F(MoveTest, NextAttemptTakesTheNextEpoch) {
  Consent();
  Fence();
  world_.clock.Advance(30 * kSecondMs);
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const auto same, Deliver(Evidence(2).All()));
  EXPECT_EQ(Aborted(same), AbortReason::kTimeout);
  ASSERT_OK_AND_ASSIGN(const auto next, Deliver(Evidence(3).All()));
  EXPECT_EQ(FindBody<Activation>(next, "cn")->body.epoch, 3u);
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
}

TEST_F(MoveTest, DestinationThatIsDownIsTriedUntilTheTimeIsOver) {
  Consent();
  world_.network.fate = [] { return CallFate::kLoseRequest; };
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  EXPECT_EQ(FindType(answer, Release::kType), nullptr);
  EXPECT_TRUE(AtSource().deciding());
  world_.network.fate = nullptr;
  world_.clock.Advance(2 * kSecondMs);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
}

TEST_F(MoveTest, DestinationThatRefusesAborts) {
  Consent();
  // The destination already serves this account.
  Account there = AtDestination();
  Account serving = AtSource();
  serving.statements.clear();
  serving.keys.clear();
  serving.metadata_keys.clear();
  ASSERT_THAT(world_.cn.store().Commit(there, serving, {}), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  EXPECT_EQ(Aborted(answer), AbortReason::kDestinationRefused);
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, wrapped_));
}

TEST_F(MoveTest, AbortErasesTheInactiveKeysAtTheDestination) {
  Consent();
  int calls = 0;
  // The keys arrive; the receipt does not come back, and nothing after it.
  world_.network.fate = [&] { return ++calls == 2 ? CallFate::kLoseAnswer : CallFate::kFine; };
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  ASSERT_TRUE(AtDestination().incoming.has_value());
  EXPECT_FALSE(world_.Opens(world_.cn, world_.account, wrapped_));
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Withdrawal{2}, world_.now())}),
              IsOk());
  EXPECT_EQ(AtSource().untold_aborts.size(), 1u);
  world_.us.Tick();
  EXPECT_TRUE(AtSource().untold_aborts.empty());
  const Account there = AtDestination();
  EXPECT_FALSE(there.incoming.has_value());
  EXPECT_TRUE(there.keys.empty());
  EXPECT_TRUE(there.metadata_keys.empty());
  EXPECT_FALSE(there.chain.has_value());
  EXPECT_EQ(there.destructions.count(2), 1u);
  EXPECT_THAT(world_.cn.log().types(), ElementsAre(kLeafImport, kLeafDestruction));
}

TEST_F(MoveTest, LostTransportKeyIsReplaced) {
  Consent();
  int calls = 0;
  world_.network.fate = [&] { return ++calls == 2 ? CallFate::kLoseRequest : CallFate::kFine; };
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  ASSERT_TRUE(AtSource().outgoing->sent.has_value());
  world_.cn.Start();  // forgets its transport keys
  for (int i = 0; i < 3; ++i) {
    world_.clock.Advance(2 * kSecondMs);
    world_.us.Tick();
  }
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafExport)), 2u);
}

TEST_F(MoveTest, LostReleaseIsCarriedByTheTicker) {
  Consent();
  int calls = 0;
  world_.network.fate = [&] { return ++calls == 3 ? CallFate::kLoseRequest : CallFate::kFine; };
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  EXPECT_NE(FindType(answer, Release::kType), nullptr);
  EXPECT_EQ(FindType(answer, Activation::kType, "cn"), nullptr);
  EXPECT_FALSE(world_.Opens(world_.us, world_.account, wrapped_));
  EXPECT_FALSE(world_.Opens(world_.cn, world_.account, wrapped_));
  world_.us.Start();
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
  ASSERT_OK_AND_ASSIGN(const auto later, Deliver({}));
  EXPECT_NE(FindType(later, Activation::kType, "cn"), nullptr);
}

TEST_F(MoveTest, DeviceMayCarryReleaseAndActivation) {
  Consent();
  int calls = 0;
  world_.network.fate = [&] { return ++calls >= 3 ? CallFate::kLoseRequest : CallFate::kFine; };
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver(Evidence().All()));
  ASSERT_OK_AND_ASSIGN(const auto there, world_.DeliverAsDevice(world_.cn, answer));
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, there), IsOk());
  EXPECT_TRUE(AtSource().outgoing->activation.has_value());
}

TEST_F(MoveTest, ReadBackDestroysTheSourceCopy) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  const Statement read = world_.account.Sign(
      ReadBack{2, TestDeployment::Region("cn"), Sha256Digest("root")}, world_.now());
  ASSERT_THAT(world_.DeliverAsDevice(world_.cn, {read}), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.DeliverAsDevice(world_.us, {read}));
  const auto destruction = FindBody<KeyDestruction>(answer, "us");
  ASSERT_TRUE(destruction.has_value());
  EXPECT_EQ(destruction->body.epoch, 1u);
  EXPECT_EQ(destruction->body.release, FindType(answer, Release::kType)->digest());
  const Account account = AtSource();
  EXPECT_TRUE(account.keys.front().sealed.empty());
  EXPECT_TRUE(account.metadata_keys.empty());
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
  EXPECT_EQ(world_.us.custody().known_accounts(), 0u);
}

TEST_F(MoveTest, ReadBackBeforeARestartIsNotForgotten) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  const Statement read = world_.account.Sign(
      ReadBack{2, TestDeployment::Region("cn"), Sha256Digest("root")}, world_.now());
  // The statement is kept, and the leaf of the destruction cannot be written.
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {read}), IsOk());
  EXPECT_FALSE(AtSource().keys.front().sealed.empty());
  world_.us.Start();
  world_.us.Tick();
  EXPECT_TRUE(AtSource().keys.front().sealed.empty());
}

TEST_F(MoveTest, ReadBackOfOtherDataDestroysNothing) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  const RegionId cn = TestDeployment::Region("cn");
  EXPECT_THAT(
      world_.DeliverAsDevice(
          world_.us, {world_.account.Sign(ReadBack{2, cn, Sha256Digest("other")}, world_.now())}),
      RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(
      world_.DeliverAsDevice(
          world_.us, {world_.account.Sign(ReadBack{3, cn, Sha256Digest("root")}, world_.now())}),
      RefusedWith(Reason::kFieldInvalid));
  EXPECT_FALSE(AtSource().keys.front().sealed.empty());
}

TEST_F(MoveTest, NothingIsDestroyedBeforeTheOtherSideIsActive) {
  Consent();
  int calls = 0;
  world_.network.fate = [&] { return ++calls >= 3 ? CallFate::kLoseRequest : CallFate::kFine; };
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  ASSERT_THAT(world_.DeliverAsDevice(
                  world_.us, {world_.account.Sign(
                                 ReadBack{2, TestDeployment::Region("cn"), Sha256Digest("root")},
                                 world_.now())}),
              IsOk());
  world_.clock.Advance(60 * kDayMs);
  world_.us.Tick();
  EXPECT_FALSE(AtSource().keys.front().sealed.empty());
  world_.network.fate = nullptr;
  world_.clock.Advance(kMinuteMs);
  world_.us.Tick();
  world_.us.Tick();
  EXPECT_TRUE(AtSource().keys.front().sealed.empty());
}

TEST_F(MoveTest, SourceCopyGoesAfterThirtyDaysWithoutReadBack) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  world_.clock.Advance(30 * kDayMs - 1);
  world_.us.Tick();
  EXPECT_FALSE(AtSource().keys.front().sealed.empty());
  world_.clock.Advance(1);
  world_.us.Tick();
  EXPECT_TRUE(AtSource().keys.front().sealed.empty());
}

TEST_F(MoveTest, ReadBackWithoutAMoveIsNotReady) {
  EXPECT_THAT(world_.DeliverAsDevice(
                  world_.us, {world_.account.Sign(
                                 ReadBack{2, TestDeployment::Region("cn"), Sha256Digest("root")},
                                 world_.now())}),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(MoveTest, ActivationOfAnotherReleaseCountsForNothing) {
  Consent();
  int calls = 0;
  world_.network.fate = [&] { return ++calls >= 3 ? CallFate::kLoseRequest : CallFate::kFine; };
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  Activation forged;
  forged.epoch = 2;
  forged.release = RandomId<Digest>();
  const Statement statement = SignAs(world_.deployment(), "cn", ServiceKind::kCustody,
                                     world_.account.id(), forged, world_.now());
  EXPECT_THAT(Deliver({statement, world_.cn.site().endorsement()}),
              RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(Deliver({statement}), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(MoveTest, AfterTheMoveTheNewCustodyKeepsTheSequence) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  EXPECT_THAT(world_.DeliverAsDevice(world_.cn, {world_.account.Sign(Close{}, world_.now())}),
              IsOk());
  EXPECT_TRUE(AtDestination().closing.has_value());
}

TEST_F(MoveTest, KeyLocationSaysWhereItIsActive) {
  Consent();
  ASSERT_THAT(Deliver(Evidence().All()), IsOk());
  const Authorization device = CustodyNode::Device(world_.account.device());
  ASSERT_OK_AND_ASSIGN(const Statement here, world_.us.custody().custodian().GetLocation(
                                                 device, world_.account.id(), ""));
  EXPECT_EQ(ParseStatement<KeyLocation>(here)->body.active, 0);
  EXPECT_EQ(ParseStatement<KeyLocation>(here)->body.scheduled_region, "");
  ASSERT_OK_AND_ASSIGN(const Statement there, world_.cn.custody().custodian().GetLocation(
                                                  device, world_.account.id(), ""));
  const auto location = ParseStatement<KeyLocation>(there)->body;
  EXPECT_EQ(location.active, 1);
  EXPECT_THAT(location.can_compel, ElementsAre("CN", "US"));
}

TEST_F(MoveTest, ForeignCustodyIsNotToldWhatDevicesSigned) {
  Consent();
  ASSERT_OK_AND_ASSIGN(
      const auto answer,
      world_.us.custody().messenger().Deliver(
          world_.us.ForeignCustody(TestDeployment::Region("cn")), world_.account.id(), {}));
  EXPECT_EQ(FindType(answer, comity::Consent::kType), nullptr);
  EXPECT_NE(FindType(answer, Activation::kType), nullptr);
}

}  // namespace
}  // namespace comity::custody
