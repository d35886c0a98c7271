#include "services/custody/vault.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/account_rules.h"
#include "services/custody/leaves.h"
#include "services/custody/shamir_seal.h"
#include "tests/fakes/fake_seal.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

const std::vector<std::string> kPersons = {"ops-evans", "ops-fox", "ops-grant"};

Authorization Person(std::string_view name) {
  return UnsafeAuthorizationForTest::OperatorPerson(
      "us", "apple", name, PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256).public_key());
}

// The custody "us", with an account made before its root key was split among three persons.
class SealedCustodyTest : public testing::Test {
 protected:
  SealedCustodyTest()
      : wrapped_(world_.Generate(world_.us, world_.account)),
        split_(SplitRoot(SecretBytes::CopyOf(std::string(kRootKeySize, 'u')),
                         world_.topology().deployment(), world_.us.region(), 2, kPersons)
                   .value()) {
    world_.us.UseSeal([this] { return std::make_unique<ShamirSeal>(split_.record); });
  }

  Vault& vault() { return world_.us.custody().vault(); }
  absl::StatusOr<SealState> Enter(size_t i) {
    return vault().Enter(Person(kPersons[i]), EncodeSealShare(split_.shares[i]));
  }
  void Unseal() {
    ASSERT_THAT(Enter(0), IsOk());
    ASSERT_OK_AND_ASSIGN(const SealState state, Enter(1));
    ASSERT_FALSE(state.sealed);
  }
  void SealAgain() { ASSERT_THAT(vault().Close(Person("ops-grant")), IsOk()); }
  Authorization Device() { return CustodyNode::Device(world_.account.device()); }
  absl::Status Unwrap() {
    return world_.us.custody()
        .data_keys()
        .Unwrap(Device(), world_.account.id(), UseReason::kAccess,
                {{CustodyWorld::Context(), wrapped_}})
        .status();
  }
  size_t Leaves(std::string_view type) { return world_.us.log().Count(std::string(type)); }

  CustodyWorld world_;
  const std::string wrapped_;
  const NewSeal split_;
};

TEST_F(SealedCustodyTest, StartsSealedAndSaysHowManySharesItNeeds) {
  const SealState state = vault().state();
  EXPECT_TRUE(state.sealed);
  EXPECT_EQ(state.description, "shamir 2 of 3");
  EXPECT_EQ(state.needed, 2u);
  EXPECT_EQ(state.entered(), 0u);
  EXPECT_EQ(state.holders.size(), 3u);
}

TEST_F(SealedCustodyTest, EveryUseOfAKeyIsRefused) {
  Custody& custody = world_.us.custody();
  const AccountId& id = world_.account.id();
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
  EXPECT_THAT(
      custody.data_keys().Generate(Device(), id, UseReason::kAccess, {CustodyWorld::Context()}),
      RefusedWith(Reason::kSealed));
  std::vector<PlainKey> keys;
  keys.push_back({CustodyWorld::Context(), RandomSecret(32)});
  EXPECT_THAT(custody.data_keys().Wrap(Device(), id, UseReason::kAccess, keys),
              RefusedWith(Reason::kSealed));
  EXPECT_THAT(custody.key_versions().Rotate(Device(), id, RandomId<RequestId>()),
              RefusedWith(Reason::kSealed));
  TestAccount other = world_.deployment().NewAccount();
  EXPECT_THAT(custody.custodian().Create(CustodyNode::Device(other.device()), other.entries(),
                                         other.SignRecord(world_.topology(), "US", world_.now())),
              RefusedWith(Reason::kSealed));
  EXPECT_THAT(custody.legal_uses().Execute(world_.us.Review(), Authorisation(), {}),
              RefusedWith(Reason::kSealed));
}

TEST_F(SealedCustodyTest, ASealedCustodySaysWhereTheKeyIsAndUnderWhichSeal) {
  ASSERT_OK_AND_ASSIGN(const Statement statement, world_.us.custody().custodian().GetLocation(
                                                      Device(), world_.account.id(), ""));
  ASSERT_OK_AND_ASSIGN(const auto location, ParseStatement<KeyLocation>(statement));
  EXPECT_EQ(location.body.seal, "shamir 2 of 3");
  EXPECT_EQ(location.body.active, 1);
}

TEST_F(SealedCustodyTest, TwoOfThreePersonsOpenItAndOldWrapsOpen) {
  ASSERT_OK_AND_ASSIGN(const SealState one, Enter(2));
  EXPECT_TRUE(one.sealed);
  EXPECT_EQ(one.entered(), 1u);
  EXPECT_TRUE(one.holders[2].entered);
  ASSERT_OK_AND_ASSIGN(const SealState two, Enter(0));
  EXPECT_FALSE(two.sealed);
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, wrapped_));
}

TEST_F(SealedCustodyTest, OpenedCustodyKeepsNoShares) {
  Unseal();
  EXPECT_EQ(vault().state().entered(), 0u);
  ASSERT_OK_AND_ASSIGN(const SealState state, Enter(2));
  EXPECT_FALSE(state.sealed);
  EXPECT_EQ(state.entered(), 0u);
}

TEST_F(SealedCustodyTest, WrongShareIsRefusedAndNotCounted) {
  ASSERT_THAT(Enter(0), IsOk());
  EXPECT_THAT(vault().Enter(Person("ops-fox"), EncodeSealShare(split_.shares[2])),
              RefusedWith(Reason::kShareInvalid));
  EXPECT_EQ(vault().state().entered(), 1u);
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
}

TEST_F(SealedCustodyTest, RestartIsSealedAgain) {
  Unseal();
  world_.us.Start();
  EXPECT_TRUE(vault().state().sealed);
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
}

TEST_F(SealedCustodyTest, OnePersonSealsAndCachedKeysAreGone) {
  Unseal();
  ASSERT_THAT(Unwrap(), IsOk());
  ASSERT_TRUE(world_.us.custody().data_keys().IsCached(world_.account.id()));
  SealAgain();
  EXPECT_FALSE(world_.us.custody().data_keys().IsCached(world_.account.id()));
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
  Unseal();
  EXPECT_THAT(Unwrap(), IsOk());
}

TEST_F(SealedCustodyTest, SealingForgetsSharesEnteredSoFar) {
  ASSERT_THAT(Enter(0), IsOk());
  SealAgain();
  EXPECT_EQ(vault().state().entered(), 0u);
  ASSERT_OK_AND_ASSIGN(const SealState state, Enter(1));
  EXPECT_TRUE(state.sealed);
}

TEST_F(SealedCustodyTest, NobodyButOperatorPersonsHasASayInIt) {
  const SecretBytes share = EncodeSealShare(split_.shares[0]);
  for (const Authorization& caller : {Device(), world_.us.Storage(), world_.us.Review(),
                                      world_.us.ForeignCustody(world_.cn.region())}) {
    EXPECT_THAT(vault().GetState(caller), RefusedWith(Reason::kCallerNotAllowed));
    EXPECT_THAT(vault().Enter(caller, share), RefusedWith(Reason::kCallerNotAllowed));
    EXPECT_THAT(vault().Close(caller), RefusedWith(Reason::kCallerNotAllowed));
  }
}

TEST_F(SealedCustodyTest, OpeningHasItsLeafBefore) {
  ASSERT_THAT(Enter(0), IsOk());
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  EXPECT_THAT(Enter(1), RefusedWith(Reason::kLogUnavailable));
  EXPECT_TRUE(vault().state().sealed);
  EXPECT_EQ(Leaves(kLeafUnsealed), 0u);
  ASSERT_OK_AND_ASSIGN(const SealState state, Enter(1));
  EXPECT_FALSE(state.sealed);
  EXPECT_EQ(Leaves(kLeafUnsealed), 1u);
  const Leaf leaf = DecodeLeaf(world_.us.log().leaves().back()).value();
  EXPECT_EQ(leaf.clear.at("seal"), "shamir 2 of 3");
}

TEST_F(SealedCustodyTest, SealingWaitsForNoLogAndItsLeafFollows) {
  Unseal();
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  SealAgain();
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
  EXPECT_EQ(Leaves(kLeafSealed), 0u);
  world_.us.Tick();  // fails
  EXPECT_EQ(Leaves(kLeafSealed), 0u);
  world_.us.Tick();
  EXPECT_EQ(Leaves(kLeafSealed), 1u);
  world_.us.Tick();
  EXPECT_EQ(Leaves(kLeafSealed), 1u);
}

TEST_F(SealedCustodyTest, LeafOfASealingIsWrittenBeforeTheNextOpening) {
  Unseal();
  SealAgain();
  Unseal();
  EXPECT_THAT(world_.us.log().types(),
              testing::ElementsAre(kLeafCreated, kLeafUnsealed, kLeafSealed, kLeafUnsealed));
}

TEST_F(SealedCustodyTest, SealingASealedCustodyHasNoLeaf) {
  SealAgain();
  world_.us.Tick();
  EXPECT_EQ(Leaves(kLeafSealed), 0u);
}

TEST_F(SealedCustodyTest, StatementsAreTakenWhileSealed) {
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  EXPECT_NE(FindStatement(world_.us.LoadAccount(world_.account.id()), consent.digest()), nullptr);
}

TEST_F(SealedCustodyTest, SealedSourceMovesNothingAndCallsOffInTime) {
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  const MoveEvidence evidence =
      SignMoveEvidence(world_.deployment(), world_.account.id(), 2, consent.digest(), world_.now());
  EXPECT_THAT(world_.DeliverAsStorage(world_.us, evidence.All()), IsOk());
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafExport)), 0u);
  world_.clock.Advance(30 * kSecondMs);
  world_.us.Tick();
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafAbort)), 1u);
  EXPECT_EQ(world_.us.LoadAccount(world_.account.id()).presence, Presence::kActive);
}

// Sealed between export and decision: keys stay where they are.
TEST_F(SealedCustodyTest, SealedSourceReleasesNothing) {
  Unseal();
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  const MoveEvidence evidence =
      SignMoveEvidence(world_.deployment(), world_.account.id(), 2, consent.digest(), world_.now());
  int calls = 0;
  world_.network.fate = [&] {
    if (++calls == 2) SealAgain();  // while the destination imports
    return CallFate::kFine;
  };
  EXPECT_THAT(world_.DeliverAsStorage(world_.us, evidence.All()), IsOk());
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafExport)), 1u);
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafRelease)), 0u);
  world_.clock.Advance(30 * kSecondMs);
  world_.us.Tick();
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafAbort)), 1u);
  EXPECT_FALSE(HoldsKeys(world_.cn.LoadAccount(world_.account.id())));
}

// A destination that is sealed for a moment has not said no.
TEST_F(SealedCustodyTest, MoveGoesOnWhenTheDestinationIsOpenedAgain) {
  Unseal();
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {consent}), IsOk());
  const NewSeal split =
      SplitRoot(SecretBytes::CopyOf(std::string(kRootKeySize, 'c')), world_.topology().deployment(),
                world_.cn.region(), 2, {"ops-kelly", "ops-lane"})
          .value();
  world_.cn.UseSeal([&] { return std::make_unique<ShamirSeal>(split.record); });
  const MoveEvidence evidence =
      SignMoveEvidence(world_.deployment(), world_.account.id(), 2, consent.digest(), world_.now());
  EXPECT_THAT(world_.DeliverAsStorage(world_.us, evidence.All()), IsOk());
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafAbort)), 0u);
  EXPECT_FALSE(HoldsKeys(world_.cn.LoadAccount(world_.account.id())));
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_THAT(world_.cn.custody().vault().Enter(Person(split.record.holders[i].person),
                                                  EncodeSealShare(split.shares[i])),
                IsOk());
  }
  world_.clock.Advance(2 * kSecondMs);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.cn, world_.account, wrapped_));
}

TEST_F(SealedCustodyTest, TransportKeysGoWithTheSealing) {
  Unseal();
  Importer& importer = world_.us.custody().importer();
  // "us" is asked as the destination of a move from nowhere: only the offer matters here.
  EXPECT_THAT(importer.OfferTransportKey(world_.us.ForeignCustody(world_.cn.region()),
                                         world_.account.id(), 2),
              RefusedWith(Reason::kBorderClosed));
  Importer& at_cn = world_.cn.custody().importer();
  const Authorization from_us = world_.cn.ForeignCustody(world_.us.region());
  ASSERT_THAT(at_cn.OfferTransportKey(from_us, world_.account.id(), 2), IsOk());
  ASSERT_EQ(at_cn.offered(), 1u);
  ASSERT_THAT(world_.cn.custody().vault().Close(Person("ops-kelly")), IsOk());
  EXPECT_EQ(at_cn.offered(), 0u);
  EXPECT_THAT(at_cn.OfferTransportKey(from_us, world_.account.id(), 2),
              RefusedWith(Reason::kSealed));
}

// Runs something in the middle of whatever asks for the time.
class InterruptingClock final : public Clock {
 public:
  UnixMillis Now() const override {
    if (interrupt) std::exchange(interrupt, nullptr)();
    return TestDeployment::kStart;
  }
  mutable std::function<void()> interrupt;
};

TEST(VaultTest, UseThatIsUnderWayWhenCustodyIsSealedIsRefused) {
  const TestDeployment& deployment = SharedDeployment();
  InterruptingClock clock;
  CustodyNetwork network;
  CustodyNode node(deployment, "us", &clock, &network);
  TestAccount owner = deployment.NewAccount();
  const Authorization device = CustodyNode::Device(owner.device());
  ASSERT_THAT(node.custody().custodian().Create(
                  device, owner.entries(),
                  owner.SignRecord(deployment.topology(), "US", TestDeployment::kStart)),
              IsOk());
  DataKeys& keys = node.custody().data_keys();
  ASSERT_THAT(keys.Generate(device, owner.id(), UseReason::kAccess, {CustodyWorld::Context()}),
              IsOk());
  // The use has its opened keys in hand when it looks at the clock.
  clock.interrupt = [&] { EXPECT_THAT(node.custody().vault().Close(Person("ops-evans")), IsOk()); };
  EXPECT_THAT(keys.Generate(device, owner.id(), UseReason::kAccess, {CustodyWorld::Context()}),
              RefusedWith(Reason::kSealed));
  EXPECT_EQ(clock.interrupt, nullptr);
}

// A log in which something else happens.
class InterruptingLog final : public LeafLog {
 public:
  absl::StatusOr<std::vector<LogReceipt>> Append(const std::vector<std::string>& leaves) override {
    if (interrupt) std::exchange(interrupt, nullptr)();
    return std::vector<LogReceipt>(leaves.size());
  }
  std::function<void()> interrupt;
};

class LoneVaultTest : public testing::Test {
 protected:
  LoneVaultTest() {
    site_.topology = &SharedDeployment().topology();
    site_.clock = &clock_;
    site_.region = TestDeployment::Region("us");
  }
  const InterruptingClock clock_;
  Site site_;
  InterruptingLog log_;
  int wiped_ = 0;
};

TEST_F(LoneVaultTest, SealingDuringTheLeafOfAnOpeningWins) {
  FakeSeal seal;
  Vault vault(&site_, &seal, &log_, [this] { ++wiped_; });
  ASSERT_THAT(vault.Start(), IsOk());
  ASSERT_THAT(vault.Close(Person("ops-evans")), IsOk());
  log_.interrupt = [&] { EXPECT_THAT(vault.Close(Person("ops-fox")), IsOk()); };
  EXPECT_THAT(vault.Enter(Person("ops-evans"), SecretBytes()), RefusedWith(Reason::kSealed));
  EXPECT_THAT(vault.Open(), RefusedWith(Reason::kSealed));
  EXPECT_EQ(wiped_, 2);
}

TEST_F(LoneVaultTest, KeyFileIsReadAgainWhenOnePersonSaysSo) {
  FakeSeal seal;
  Vault vault(&site_, &seal, &log_, [this] { ++wiped_; });
  ASSERT_THAT(vault.Start(), IsOk());
  EXPECT_THAT(vault.Open(), IsOk());
  ASSERT_THAT(vault.Close(Person("ops-evans")), IsOk());
  EXPECT_THAT(vault.Open(), RefusedWith(Reason::kSealed));
  EXPECT_THAT(vault.Enter(Person("ops-evans"), RandomSecret(50)),
              RefusedWith(Reason::kShareInvalid));
  ASSERT_OK_AND_ASSIGN(const SealState state, vault.Enter(Person("ops-evans"), SecretBytes()));
  EXPECT_FALSE(state.sealed);
  EXPECT_THAT(vault.Open(), IsOk());
}

TEST_F(LoneVaultTest, SealThatDoesNotOpenByItselfAndHasNoPeopleStartsNothing) {
  class BrokenSeal final : public Seal {
   public:
    std::string description() const override { return "broken"; }
    absl::StatusOr<SecretBytes> OpenRoot() override { return Refuse(Reason::kSealed); }
  } seal;
  Vault vault(&site_, &seal, &log_, [] {});
  EXPECT_THAT(vault.Start(), RefusedWith(Reason::kSealed));
}

// The same, under a seal with a lease of eight days.
class LeasedCustodyTest : public SealedCustodyTest {
 protected:
  static constexpr int64_t kLease = 8 * kDayMs;
  LeasedCustodyTest() {
    world_.us.UseSeal([this] { return std::make_unique<ShamirSeal>(split_.record); }, kLease);
    Unseal();
  }
};

TEST_F(LeasedCustodyTest, SealsItselfWhenNobodyRenews) {
  EXPECT_EQ(vault().state().lease_end, world_.now() + kLease);
  world_.clock.Advance(kLease - 1);
  world_.us.Tick();
  EXPECT_THAT(Unwrap(), IsOk());
  world_.clock.Advance(1);
  EXPECT_THAT(vault().CheckOpen(), RefusedWith(Reason::kSealed)) << "before anybody looked";
  ASSERT_TRUE(world_.us.custody().data_keys().IsCached(world_.account.id()));
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
  world_.us.Tick();
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
  EXPECT_TRUE(vault().state().sealed);
  EXPECT_EQ(vault().state().lease_end, 0);
  EXPECT_EQ(Leaves(kLeafSealed), 1u);
  Unseal();
  EXPECT_THAT(Unwrap(), IsOk());
  EXPECT_EQ(vault().state().lease_end, world_.now() + kLease);
}

TEST_F(LeasedCustodyTest, AsManyHoldersAsOpenItRenewIt) {
  world_.clock.Advance(kLease / 2);
  ASSERT_OK_AND_ASSIGN(const SealState one, Enter(0));
  EXPECT_EQ(one.entered(), 1u);
  EXPECT_EQ(one.lease_end, world_.now() + kLease / 2) << "one is not enough";
  EXPECT_EQ(Leaves(kLeafRenewed), 0u);
  ASSERT_OK_AND_ASSIGN(const SealState again, Enter(0));
  EXPECT_EQ(again.entered(), 1u) << "the same person twice is one person";
  ASSERT_OK_AND_ASSIGN(const SealState two, Enter(2));
  EXPECT_EQ(two.entered(), 0u) << "the next renewal begins anew";
  EXPECT_EQ(two.lease_end, world_.now() + kLease);
  EXPECT_EQ(Leaves(kLeafRenewed), 1u);
  world_.clock.Advance(kLease - 1);
  world_.us.Tick();
  EXPECT_THAT(Unwrap(), IsOk());
}

TEST_F(LeasedCustodyTest, WrongShareRenewsNothing) {
  ASSERT_THAT(Enter(0), IsOk());
  EXPECT_THAT(vault().Enter(Person("ops-fox"), EncodeSealShare(split_.shares[2])),
              RefusedWith(Reason::kShareInvalid));
  EXPECT_EQ(vault().state().entered(), 1u);
}

TEST_F(LeasedCustodyTest, NothingIsRenewedWithoutItsLeaf) {
  ASSERT_THAT(Enter(0), IsOk());
  world_.clock.Advance(kDayMs);
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  EXPECT_THAT(Enter(1), RefusedWith(Reason::kLogUnavailable));
  EXPECT_EQ(vault().state().lease_end, world_.now() + kLease - kDayMs);
  ASSERT_OK_AND_ASSIGN(const SealState state, Enter(1));
  EXPECT_EQ(state.lease_end, world_.now() + kLease);
}

TEST_F(LeasedCustodyTest, ClockThatJumpsAheadSealsAndOneThatStandsDoesNot) {
  for (int i = 0; i < 100; ++i) world_.us.Tick();
  EXPECT_THAT(Unwrap(), IsOk());
  world_.clock.Advance(100 * kLease);
  world_.us.Tick();
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
}

TEST_F(LeasedCustodyTest, RenewalBegunBeforeASealingDoesNotCountAfterIt) {
  ASSERT_THAT(Enter(0), IsOk());
  SealAgain();
  EXPECT_EQ(vault().state().entered(), 0u);
  Unseal();
  ASSERT_OK_AND_ASSIGN(const SealState state, Enter(1));
  EXPECT_EQ(state.entered(), 1u);
  EXPECT_EQ(Leaves(kLeafRenewed), 0u);
}

TEST_F(LeasedCustodyTest, OneShareDoesNotReviveALeaseThatIsOver) {
  ASSERT_THAT(Enter(0), IsOk());
  world_.clock.Advance(kLease);
  ASSERT_OK_AND_ASSIGN(const SealState state, Enter(1));
  EXPECT_TRUE(state.sealed);
  EXPECT_EQ(state.entered(), 1u) << "one for opening";
  EXPECT_THAT(Unwrap(), RefusedWith(Reason::kSealed));
  ASSERT_OK_AND_ASSIGN(const SealState opened, Enter(2));
  EXPECT_FALSE(opened.sealed);
  EXPECT_EQ(Leaves(kLeafRenewed), 0u);
  EXPECT_THAT(world_.us.log().types(),
              testing::ElementsAre(kLeafCreated, kLeafUnsealed, kLeafSealed, kLeafUnsealed));
}

TEST_F(LeasedCustodyTest, StatusSaysSealedFromTheVeryEndOn) {
  world_.clock.Advance(kLease);
  EXPECT_TRUE(vault().state().sealed);
  EXPECT_EQ(vault().state().lease_end, 0);
}

TEST_F(LeasedCustodyTest, RestartIsSealedWhateverTheLeaseSays) {
  world_.us.Start();
  EXPECT_TRUE(vault().state().sealed);
  EXPECT_EQ(vault().state().lease_end, 0);
}

}  // namespace
}  // namespace comity::custody
