#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/leaves.h"
#include "services/custody/move_rules.h"
#include "tests/testing/exclave_world.h"
#include "tests/testing/matchers.h"

// Keys move alone, from "us" to "eu", where the data is. Nobody coordinates: the custody that has
// the keys begins on the day, and decides.
namespace comity::custody {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class KeyMoveTest : public testing::Test {
 protected:
  KeyMoveTest() : wrapped_(world_.Generate(world_.us)) {}

  // From the second call between the custodies on, answers are lost: the keys arrive, and nobody
  // hears of it.
  void LoseAnswersOfImports() {
    world_.network.fate = [this] {
      return ++calls_ >= 2 ? CallFate::kLoseAnswer : CallFate::kFine;
    };
  }
  std::optional<AbortReason> Aborted() {
    const std::optional<Outgoing>& move = world_.AtSource().outgoing;
    if (!move.has_value() || !move->decision.has_value()) {
      return std::nullopt;
    }
    const auto abort = ParseStatement<Abort>(move->decision->statement);
    return abort.ok() ? std::make_optional(abort->body.reason) : std::nullopt;
  }
  Statement SignReadBack() {
    return world_.account.Sign(ReadBack{2, world_.eu.region(), Digest()}, world_.now());
  }

  ExclaveWorld world_;
  const std::string wrapped_;
  int calls_ = 0;
};

TEST_F(KeyMoveTest, KeyMovesToItsDataAndTheWrapOpensThereOnly) {
  const Statement consent = world_.Consent();
  world_.us.Tick();
  EXPECT_FALSE(world_.Opens(world_.us, wrapped_));
  EXPECT_TRUE(world_.Opens(world_.eu, wrapped_));
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.DeliverToCustody(world_.us, {}));
  const auto release = FindBody<Release>(answer, "us");
  ASSERT_TRUE(release.has_value());
  EXPECT_EQ(release->body.epoch, 2u);
  EXPECT_EQ(release->body.destination, world_.eu.region());
  EXPECT_EQ(release->body.consent, consent.digest());
  EXPECT_TRUE(release->body.manifest_root.IsZero());
  const auto activation = FindBody<Activation>(answer, "eu");
  ASSERT_TRUE(activation.has_value());
  EXPECT_EQ(activation->body.epoch, 2u);
  EXPECT_EQ(activation->body.release, FindType(answer, Release::kType)->digest());
}

TEST_F(KeyMoveTest, EveryActHasItsLeafBefore) {
  world_.Consent();
  world_.us.Tick();
  EXPECT_THAT(world_.us.log().types(), ElementsAre(kLeafCreated, kLeafExport, kLeafRelease));
  EXPECT_THAT(world_.eu.log().types(), ElementsAre(kLeafImport, kLeafActivation));
}

TEST_F(KeyMoveTest, AllVersionsMove) {
  ASSERT_THAT(world_.us.custody().key_versions().Rotate(world_.Device(), world_.account.id(),
                                                        RandomId<RequestId>()),
              IsOk());
  const std::string newer = world_.Generate(world_.us);
  world_.Consent();
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.eu, wrapped_));
  EXPECT_TRUE(world_.Opens(world_.eu, newer));
  EXPECT_NE(world_.Generate(world_.eu), "");
}

TEST_F(KeyMoveTest, NothingMovesWithoutConsent) {
  world_.us.Tick();
  world_.clock.Advance(kDayMs);
  world_.us.Tick();
  EXPECT_THAT(world_.us.log().types(), ElementsAre(kLeafCreated));
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
}

TEST(KeyMoveDateTest, KeyMovesOnItsDayWithoutACarrier) {
  ExclaveWorld world(ExclaveWorld::kMoves - 2 * kDayMs);
  const std::string wrapped = world.Generate(world.us);
  world.Consent();
  world.us.Tick();
  EXPECT_TRUE(world.Opens(world.us, wrapped));
  EXPECT_FALSE(world.AtSource().outgoing.has_value());
  world.clock.Advance(2 * kDayMs);
  world.us.Tick();
  EXPECT_TRUE(world.Opens(world.eu, wrapped));
}

TEST(KeyMoveDateTest, DayIsNotForgottenByARestart) {
  ExclaveWorld world(ExclaveWorld::kMoves - 2 * kDayMs);
  const std::string wrapped = world.Generate(world.us);
  world.Consent();
  world.us.Start();
  world.us.Tick();
  world.clock.Advance(2 * kDayMs);
  world.us.Tick();
  EXPECT_TRUE(world.Opens(world.eu, wrapped));
}

TEST(KeyMoveDateTest, ConsentBeforeTheAnnouncementIsVoid) {
  ExclaveWorld world(ExclaveWorld::kAnnounced);
  const Statement consent = world.SignConsent();
  world.clock.Advance(-kDayMs);
  EXPECT_THAT(world.DeliverToCustody(world.us, {consent}), RefusedWith(Reason::kConsentVoid));
}

TEST(KeyMoveDateTest, AccountsOfATerritoryThatStaysDoNotMove) {
  ExclaveWorld world(ExclaveWorld::kMoves + kDayMs, "FR");
  EXPECT_THAT(world.DeliverToCustody(world.us, {world.SignConsent()}),
              RefusedWith(Reason::kConsentVoid));
}

TEST_F(KeyMoveTest, WithdrawnConsentMovesNothing) {
  LoseAnswersOfImports();
  const Statement consent = world_.Consent();
  world_.us.Tick();
  EXPECT_TRUE(world_.AtDestination().incoming.has_value());
  EXPECT_FALSE(world_.Opens(world_.eu, wrapped_));
  const uint64_t number = PeekEnvelope(consent)->number;
  ASSERT_THAT(
      world_.DeliverToCustody(world_.us, {world_.account.Sign(Withdrawal{number}, world_.now())}),
      IsOk());
  EXPECT_EQ(Aborted(), AbortReason::kWithdrawn);
  world_.network.fate = nullptr;
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  EXPECT_THAT(world_.AtDestination().keys, IsEmpty());
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
  world_.clock.Advance(kDayMs);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
}

TEST_F(KeyMoveTest, DestinationThatCannotBeReachedLeavesNothingBehind) {
  world_.network.fate = [] { return CallFate::kLoseRequest; };
  world_.Consent();
  world_.us.Tick();
  EXPECT_FALSE(world_.AtSource().outgoing.has_value());
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
  world_.network.fate = nullptr;
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.eu, wrapped_));
  EXPECT_EQ(world_.AtDestination().epoch, 2u);
}

TEST_F(KeyMoveTest, UndecidedMoveEndsAfterThirtySecondsAndBeginsAgainLater) {
  LoseAnswersOfImports();
  world_.Consent();
  world_.us.Tick();
  world_.clock.Advance(kDecisionPeriodMs);
  world_.us.Tick();
  EXPECT_EQ(Aborted(), AbortReason::kTimeout);
  world_.network.fate = nullptr;
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  EXPECT_THAT(world_.AtDestination().keys, IsEmpty());
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
  world_.clock.Advance(kKeyMoveRetryMs - kDecisionPeriodMs - 2 * kSecondMs);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.eu, wrapped_));
  EXPECT_EQ(world_.AtDestination().epoch, 3u);  // the attempt before used one up
}

TEST_F(KeyMoveTest, NoVersionIsMadeWhileTheMoveIsDecided) {
  LoseAnswersOfImports();
  world_.Consent();
  world_.us.Tick();
  EXPECT_THAT(world_.us.custody().key_versions().Rotate(world_.Device(), world_.account.id(),
                                                        RandomId<RequestId>()),
              RefusedWith(Reason::kAccountFenced));
  // The owner goes on reading and writing: no data is fenced.
  EXPECT_TRUE(world_.Opens(world_.us, wrapped_));
  EXPECT_NE(world_.Generate(world_.us), "");
}

TEST_F(KeyMoveTest, DeviceMayCarryTheRelease) {
  // The destination is cut off in the moment of the release.
  world_.network.fate = [this] { return ++calls_ >= 3 ? CallFate::kLoseRequest : CallFate::kFine; };
  world_.Consent();
  world_.us.Tick();
  EXPECT_FALSE(world_.Opens(world_.us, wrapped_));
  EXPECT_FALSE(world_.Opens(world_.eu, wrapped_));
  ASSERT_OK_AND_ASSIGN(const auto decision, world_.DeliverToCustody(world_.us, {}));
  const std::vector<Statement> carried = {
      *FindType(decision, Release::kType, "us"),
      ExclaveWorld::Deployment().service("us", ServiceKind::kCustody).endorsement};
  ASSERT_THAT(world_.DeliverToCustody(world_.eu, carried), IsOk());
  EXPECT_TRUE(world_.Opens(world_.eu, wrapped_));
}

TEST_F(KeyMoveTest, ReadBackDestroysTheCopyThatIsLeftBehind) {
  world_.Consent();
  world_.us.Tick();
  const Statement read = SignReadBack();
  ASSERT_THAT(world_.DeliverToCustody(world_.eu, {read}), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.DeliverToCustody(world_.us, {read}));
  const auto destruction = FindBody<KeyDestruction>(answer, "us");
  ASSERT_TRUE(destruction.has_value());
  EXPECT_EQ(destruction->body.release, FindType(answer, Release::kType)->digest());
  EXPECT_TRUE(world_.AtSource().keys.front().sealed.empty());
  EXPECT_TRUE(world_.Opens(world_.eu, wrapped_));
}

TEST_F(KeyMoveTest, CopyThatIsLeftBehindGoesAfterThirtyDays) {
  world_.Consent();
  world_.us.Tick();
  world_.clock.Advance(kReadBackPeriodMs - 1);
  world_.us.Tick();
  EXPECT_FALSE(world_.AtSource().keys.front().sealed.empty());
  world_.clock.Advance(1);
  world_.us.Tick();
  EXPECT_TRUE(world_.AtSource().keys.front().sealed.empty());
}

TEST_F(KeyMoveTest, LocationSaysResidentAfterwards) {
  world_.Consent();
  ASSERT_OK_AND_ASSIGN(const Statement before, world_.us.custody().custodian().GetLocation(
                                                   world_.Device(), world_.account.id(), ""));
  EXPECT_EQ(ParseStatement<KeyLocation>(before)->body.scheduled_region, "eu");
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const Statement after, world_.eu.custody().custodian().GetLocation(
                                                  world_.Device(), world_.account.id(), ""));
  ASSERT_OK_AND_ASSIGN(const auto location, ParseStatement<KeyLocation>(after));
  EXPECT_EQ(location.body.mode, CustodyMode::kResident);
  EXPECT_EQ(location.body.data_region, std::nullopt);
  EXPECT_THAT(location.body.can_compel, ElementsAre("EU"));
  EXPECT_EQ(location.body.active, 1);
}

TEST_F(KeyMoveTest, StorageOfTheKeysRegionCannotFenceWhatItDoesNotHave) {
  const Statement consent = world_.Consent();
  const Statement fence =
      SignAs(ExclaveWorld::Deployment(), "us", ServiceKind::kStorage, world_.account.id(),
             DataFence{2, world_.eu.region(), consent.digest(), Digest()}, world_.now());
  EXPECT_THAT(
      world_.us.custody().messenger().Deliver(
          world_.us.Storage(), world_.account.id(),
          {fence, ExclaveWorld::Deployment().service("us", ServiceKind::kStorage).endorsement}),
      RefusedWith(Reason::kRulesForbid));
}

TEST_F(KeyMoveTest, ConsentOfAnExclaveAccountMovesNoResidentKeys) {
  // The device of an account that lives in "us" claims that its data is in "eu".
  TestAccount resident = ExclaveWorld::Deployment().NewAccount(ExclaveWorld::kBegin);
  const Authorization device = CustodyNode::Device(resident.device());
  const Topology& topology = ExclaveWorld::Deployment().topology();
  ASSERT_THAT(world_.us.custody().custodian().Create(
                  device, resident.entries(), resident.SignRecord(topology, "US", world_.now())),
              IsOk());
  const Statement change = resident.Sign(TerritoryChange{"DE"}, world_.now());
  const Statement consent = resident.SignConsent(topology, "DE", world_.Place(), 1, world_.now());
  EXPECT_THAT(world_.us.custody().messenger().Deliver(device, resident.id(), {change, consent}),
              RefusedWith(Reason::kConsentVoid));
}

TEST_F(KeyMoveTest, DestinationTakesNoKeysThatWereMadeForDataElsewhere) {
  // Custody of "us" sends keys whose account record says that its data is in "us".
  TestAccount owner = ExclaveWorld::Deployment().NewAccount(ExclaveWorld::kBegin);
  const Topology& topology = ExclaveWorld::Deployment().topology();
  AccountRecord record;
  record.territory = "DE";
  record.home_region = world_.us.region();
  record.policy = {PolicyOf(ResidentIn(world_.us.region()))};
  record.chain_number = owner.chain().head().number;
  record.chain_hash = owner.chain().head().hash;
  ImportCommand command;
  command.account = owner.id();
  command.epoch = 2;
  command.chain = owner.entries();
  command.account_statements = {owner.Sign(record, world_.now())};
  command.consent = owner.SignConsent(topology, "DE", world_.Place(), 1, world_.now());
  command.account_statements.push_back(command.consent);
  EXPECT_THAT(
      world_.eu.custody().importer().Import(world_.eu.ForeignCustody(world_.us.region()), command),
      RefusedWith(Reason::kConsentVoid));
}

TEST_F(KeyMoveTest, CustodyThatHasTheKeysTellsStorageOfItsRegionItself) {
  const Statement consent = world_.Consent();
  world_.us.Tick();
  const std::vector<Statement> words = {
      *FindType(world_.AtStorage()->history, AccountRecord::kType), consent};
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.eu.custody().messenger().Deliver(
                                              world_.eu.Storage(), world_.account.id(), words));
  EXPECT_TRUE(FindBody<Activation>(answer, "eu").has_value());
}

TEST_F(KeyMoveTest, StorageIsCarriedForAsLongAsTheKeysHaveNotArrived) {
  LoseAnswersOfImports();
  const Statement consent = world_.Consent();
  world_.us.Tick();
  world_.clock.Advance(kDecisionPeriodMs);
  world_.us.Tick();
  world_.network.fate = nullptr;
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  // It knows of a move that was called off, and has no key: the custody of "us" answers.
  ASSERT_TRUE(world_.AtDestination().exists());
  const Statement record = *FindType(world_.AtStorage()->history, AccountRecord::kType);
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.eu.custody().messenger().Deliver(
                                              world_.eu.Storage(), world_.account.id(), {record}));
  EXPECT_TRUE(FindBody<Abort>(answer, "us").has_value());
}

}  // namespace
}  // namespace comity::custody
