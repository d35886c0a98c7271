#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/legal.h"
#include "services/storage/delivery_check.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::storage {
namespace {

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

class DeliveriesTest : public ::testing::Test {
 protected:
  absl::Status Deliver(const std::vector<Statement>& statements) {
    return world_.Deliver(world_.us, account_, statements).status();
  }
  absl::Status DeliverAs(const Authorization& carrier, const std::vector<Statement>& statements) {
    return world_.us.node->deliveries().Deliver(carrier, account_.id(), statements).status();
  }
  SnapshotPtr Now() { return world_.Account(world_.us, account_); }
  Statement Territory(std::string territory) {
    return account_.Sign(TerritoryChange{std::move(territory)}, world_.clock.Now());
  }
  const Authorization custody_ =
      UnsafeAuthorizationForTest::Service("us", ServiceKind::kCustody, "apple");

  StorageWorld world_{Deployment(), TestDeployment::kAnnounced + kDayMs};
  TestAccount& account_ = world_.Open("CN");
};

TEST_F(DeliveriesTest, TerritoryChangeCountsAtOnceAndIsLogged) {
  ASSERT_THAT(Deliver({Territory("HK")}), IsOk());
  EXPECT_EQ(Now()->view.territory(), "HK");
  EXPECT_EQ(world_.us.log.Count("account.territory"), 1u);
}

TEST_F(DeliveriesTest, RepeatIsFineAndLogsNothing) {
  const Statement change = Territory("HK");
  ASSERT_THAT(Deliver({change}), IsOk());
  ASSERT_THAT(Deliver({change}), IsOk());
  EXPECT_EQ(world_.us.log.Count("account.territory"), 1u);
}

TEST_F(DeliveriesTest, AnotherStatementWithAKnownNumberIsSuperseded) {
  TestAccount twin = Deployment().NewAccount();
  Envelope envelope = account_.NextEnvelope(world_.clock.Now());
  ASSERT_THAT(Deliver({SignStatement(envelope, TerritoryChange{"HK"}, account_.device().key)}),
              IsOk());
  EXPECT_THAT(Deliver({SignStatement(envelope, TerritoryChange{"MO"}, account_.device().key)}),
              RefusedWith(Reason::kStatementSuperseded));
  EXPECT_EQ(Now()->view.territory(), "HK");
}

TEST_F(DeliveriesTest, OfTwoWithOneNumberInOneDeliveryNeitherIsTaken) {
  const Envelope envelope = account_.NextEnvelope(world_.clock.Now());
  EXPECT_THAT(Deliver({SignStatement(envelope, TerritoryChange{"HK"}, account_.device().key),
                       SignStatement(envelope, TerritoryChange{"MO"}, account_.device().key)}),
              RefusedWith(Reason::kStatementSuperseded));
  EXPECT_EQ(Now()->view.territory(), "CN");
}

TEST_F(DeliveriesTest, LateStatementIsKeptAndTheHigherNumberCounts) {
  const Statement first = Territory("HK");
  const Statement second = Territory("MO");
  ASSERT_THAT(Deliver({second}), IsOk());
  ASSERT_THAT(Deliver({first}), IsOk());
  EXPECT_EQ(Now()->view.territory(), "MO");
}

TEST_F(DeliveriesTest, ForeignDeviceIsRefusedWhateverItBrings) {
  const TestAccount other = Deployment().NewAccount();
  EXPECT_THAT(DeliverAs(StorageWorld::DeviceOf(other), {Territory("HK")}),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(DeliverAs(StorageWorld::DeviceOf(other), {}), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(DeliveriesTest, NewDeviceBringsTheEntryThatIntroducesIt) {
  account_.AddDevice();
  EXPECT_THAT(DeliverAs(StorageWorld::DeviceOf(account_, 1), {}),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(DeliverAs(StorageWorld::DeviceOf(account_, 1), {account_.entries().back()}), IsOk());
  EXPECT_THAT(DeliverAs(StorageWorld::DeviceOf(account_, 1), {}), IsOk());
}

TEST_F(DeliveriesTest, ForkedChainIsRefused) {
  account_.AddDevice();
  ASSERT_THAT(Deliver({account_.entries().back()}), IsOk());
  TestDevice device = MakeTestDevice();
  ChainEntry entry;
  entry.device_key = device.key.public_key().spki();
  entry.sealing_key = device.sealing.public_key;
  entry.previous = account_.entries().front().digest();
  EXPECT_THAT(Deliver({account_.SignEntry(entry, account_.device().key, 1)}),
              RefusedWith(Reason::kChainForked));
}

TEST_F(DeliveriesTest, ChainWithAGapIsBehind) {
  account_.AddDevice();
  account_.AddDevice();
  EXPECT_THAT(Deliver({account_.entries().back()}), RefusedWith(Reason::kChainBehind));
}

TEST_F(DeliveriesTest, UnknownAccountIsNotHereForServices) {
  const AccountId unknown = Deployment().NewAccount().id();
  EXPECT_THAT(world_.us.node->deliveries().Deliver(custody_, unknown, {}).status(),
              RefusedWith(Reason::kAccountNotHere));
}

TEST_F(DeliveriesTest, StatementAboutAnotherAccountIsRefused) {
  TestAccount other = Deployment().NewAccount();
  EXPECT_THAT(Deliver({other.Sign(TerritoryChange{"HK"}, world_.clock.Now())}),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(DeliveriesTest, StatementSignedByNoDeviceIsRefused) {
  const Envelope envelope = account_.NextEnvelope(world_.clock.Now());
  const PrivateKey stranger = PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256);
  EXPECT_THAT(Deliver({SignStatement(envelope, TerritoryChange{"HK"}, stranger)}),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeliveriesTest, TypeThatNoStorageTakesIsRefused) {
  EXPECT_THAT(Deliver({account_.Sign(Objection{"case", "ground"}, world_.clock.Now())}),
              RefusedWith(Reason::kStatementMalformed));
}

TEST_F(DeliveriesTest, WhatConcernsOnlyCustodyIsLeftOut) {
  const size_t before = Now()->history.size();
  EXPECT_THAT(Deliver({world_.custody.Sign("us", account_.id(), KeyReceipt{})}), IsOk());
  EXPECT_EQ(Now()->history.size(), before);
}

TEST_F(DeliveriesTest, ServiceStatementWithoutEndorsementIsRefused) {
  // The endorsement that came with the account counts; of another key there is none.
  Envelope envelope;
  envelope.deployment = Deployment().topology().deployment();
  envelope.region = "us";
  envelope.subject = std::string(account_.id().bytes());
  envelope.number = 1;
  envelope.time = world_.clock.Now();
  const PrivateKey key = PrivateKey::Generate(SignatureAlgorithm::kEd25519);
  EXPECT_THAT(Deliver({SignStatement(envelope, KeyClosing{1, 5}, key)}),
              RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(DeliveriesTest, ConsentOfAnotherEpochIsVoid) {
  EXPECT_THAT(Deliver({account_.SignConsent(Deployment().topology(), "CN",
                                            TestDeployment::Region("us"), 2, world_.clock.Now())}),
              RefusedWith(Reason::kConsentVoid));
}

TEST_F(DeliveriesTest, ConsentThatTheRulesDoNotMakeIsVoid) {
  ASSERT_THAT(Deliver({Territory("HK")}), IsOk());
  EXPECT_THAT(Deliver({account_.SignConsent(Deployment().topology(), "CN",
                                            TestDeployment::Region("us"), 1, world_.clock.Now())}),
              RefusedWith(Reason::kConsentVoid));
}

TEST_F(DeliveriesTest, ConsentOfAChainThatIsNotKnownIsBehind) {
  account_.AddDevice();
  EXPECT_THAT(Deliver({account_.SignConsent(Deployment().topology(), "CN",
                                            TestDeployment::Region("us"), 1, world_.clock.Now())}),
              RefusedWith(Reason::kChainBehind));
}

TEST_F(DeliveriesTest, HistoryThatComesAlongNeedNotMakeSenseAnyMore) {
  // Custody's answer, which a device hands on, holds a consent that storage missed and that has
  // expired since.
  const Statement consent = account_.SignConsent(
      Deployment().topology(), "CN", TestDeployment::Region("us"), 1, world_.clock.Now());
  world_.clock.Advance(100 * kDayMs);
  EXPECT_THAT(Deliver({consent}), RefusedWith(Reason::kConsentVoid));
  EXPECT_THAT(Deliver({consent, Territory("HK")}), IsOk());
  EXPECT_EQ(Now()->view.territory(), "HK");
  EXPECT_FALSE(Now()->view.consent().has_value());
}

TEST_F(DeliveriesTest, ConsentAfterAChangeOfTerritoryInOneDeliveryCounts) {
  const Statement away = Territory("HK");
  const Statement back = Territory("CN");
  EXPECT_THAT(Deliver({account_.SignConsent(Deployment().topology(), "CN",
                                            TestDeployment::Region("us"), 1, world_.clock.Now()),
                       back, away}),
              IsOk());
  EXPECT_TRUE(Now()->view.consent().has_value());
}

TEST_F(DeliveriesTest, ConsentWhileClosingIsRefused) {
  ASSERT_THAT(Deliver({account_.Sign(Close{}, world_.clock.Now())}), IsOk());
  EXPECT_THAT(Deliver({account_.SignConsent(Deployment().topology(), "CN",
                                            TestDeployment::Region("us"), 1, world_.clock.Now())}),
              RefusedWith(Reason::kAccountClosing));
}

TEST_F(DeliveriesTest, LongStatementIsRefused) {
  EXPECT_THAT(Deliver({Territory(std::string(kMaxDeviceStatementBytes, 'x'))}),
              RefusedWith(Reason::kMessageTooLarge));
}

TEST_F(DeliveriesTest, TooManyStatementsAreRefused) {
  absl::Status last;
  size_t taken = 0;
  while (last.ok() && taken < 2 * kMaxDeviceStatements) {
    std::vector<Statement> batch;
    for (int i = 0; i < 50; ++i) batch.push_back(Territory("CN"));
    last = Deliver(batch);
    taken += 50;
  }
  EXPECT_THAT(last, RefusedWith(Reason::kOverloaded));
  EXPECT_LE(Now()->history.size(), kMaxDeviceStatements + 8);
}

TEST_F(DeliveriesTest, NothingIsKeptWhenTheLogTakesNoLeaf) {
  world_.us.log.SetUnavailable(true);
  EXPECT_THAT(Deliver({Territory("HK")}), RefusedWith(Reason::kLogUnavailable));
  EXPECT_EQ(Now()->view.territory(), "CN");
}

TEST_F(DeliveriesTest, AnswerHoldsTheNewestStatements) {
  const Statement change = Territory("HK");
  ASSERT_OK_AND_ASSIGN(const std::vector<Statement> answer,
                       world_.Deliver(world_.us, account_, {change}));
  EXPECT_THAT(answer, ::testing::Contains(change));
  EXPECT_THAT(answer,
              ::testing::Contains(Deployment().service("us", ServiceKind::kStorage).endorsement));
  EXPECT_LE(answer.size(), 64u);
}

TEST_F(DeliveriesTest, CancelOpensTheAccountAgain) {
  const Statement close = account_.Sign(Close{}, world_.clock.Now());
  ASSERT_THAT(Deliver({close}), IsOk());
  EXPECT_TRUE(Now()->view.open_close().has_value());
  ASSERT_THAT(Deliver({account_.Sign(CancelClose{account_.last_number()}, world_.clock.Now())}),
              IsOk());
  EXPECT_FALSE(Now()->view.open_close().has_value());
  EXPECT_THAT(world_.TryPut(world_.us, account_, ObjectInBucket(1), "x").status(), IsOk());
}

TEST_F(DeliveriesTest, ClosedAccountIsErasedWhenCustodyHasDestroyedTheKeys) {
  world_.Put(world_.us, account_, ObjectInBucket(1), "x");
  ASSERT_THAT(Deliver({account_.Sign(Close{}, world_.clock.Now())}), IsOk());
  // Maintenance learns from custody when the keys go.
  world_.us.node->Maintain([] { return false; });
  EXPECT_EQ(Now()->view.close_destroy_time(), world_.clock.Now() + 30 * kDayMs);
  EXPECT_EQ(Now()->info.state, AccountState::kActive);
  world_.clock.Advance(30 * kDayMs + 1);
  ASSERT_THAT(world_.us.node->deliveries().Attend(account_.id()), IsOk());
  EXPECT_EQ(Now()->info.state, AccountState::kClosed);
  EXPECT_TRUE(world_.us.blobs.List(BlobFolder(account_.id()), "", 10).value().empty());
  bool certified = false;
  for (const Statement& statement : Now()->history) {
    const auto certificate = ParseStatement<DataDestruction>(statement);
    if (!certificate.ok()) continue;
    certified = true;
    EXPECT_EQ(certificate->body.versions, 1u);
  }
  EXPECT_TRUE(certified);
  EXPECT_EQ(world_.us.log.Count("account.closed"), 1u);
  EXPECT_EQ(world_.us.log.Count("data.destruction"), 1u);
  EXPECT_THAT(world_.Get(world_.us, account_, ObjectInBucket(1)).status(),
              RefusedWith(Reason::kAccountClosing));
  EXPECT_THAT(Deliver({Territory("HK")}), RefusedWith(Reason::kAccountClosing));
}

TEST_F(DeliveriesTest, DestructionOfAnotherEpochClosesNothing) {
  ASSERT_THAT(DeliverAs(custody_, {world_.custody.Sign("us", account_.id(),
                                                       KeyDestruction{7, {}, 1, 0, std::nullopt}),
                                   world_.custody.endorsement("us")}),
              IsOk());
  EXPECT_EQ(Now()->info.state, AccountState::kActive);
}

TEST_F(DeliveriesTest, DestructionOfTheCopyThatAMoveLeftBehindClosesNothing) {
  const KeyDestruction left{1, {}, 1, 0, RandomId<Digest>()};
  ASSERT_THAT(DeliverAs(custody_, {world_.custody.Sign("us", account_.id(), left),
                                   world_.custody.endorsement("us")}),
              IsOk());
  EXPECT_EQ(Now()->info.state, AccountState::kActive);
  const KeyDestruction whole{1, {}, 2, 0, std::nullopt};
  ASSERT_THAT(DeliverAs(custody_, {world_.custody.Sign("us", account_.id(), whole),
                                   world_.custody.endorsement("us")}),
              IsOk());
  EXPECT_EQ(Now()->info.state, AccountState::kClosed);
}

TEST_F(DeliveriesTest, DestructionSignedElsewhereClosesNothing) {
  ASSERT_THAT(DeliverAs(custody_, {world_.custody.Sign("cn", account_.id(),
                                                       KeyDestruction{1, {}, 1, 0, std::nullopt}),
                                   world_.custody.endorsement("cn")}),
              IsOk());
  EXPECT_EQ(Now()->info.state, AccountState::kActive);
}

TEST_F(DeliveriesTest, ErasureThatACrashInterruptedIsFinished) {
  world_.Put(world_.us, account_, ObjectInBucket(1), "x");
  ASSERT_THAT(Deliver({account_.Sign(Close{}, world_.clock.Now())}), IsOk());
  world_.us.node->Maintain([] { return false; });
  world_.clock.Advance(30 * kDayMs + 1);
  world_.us.blobs.SetUnavailable(true);
  EXPECT_FALSE(world_.us.node->deliveries().Attend(account_.id()).ok());
  EXPECT_EQ(Now()->info.state, AccountState::kClosed);
  world_.us.blobs.SetUnavailable(false);
  world_.Restart(world_.us);
  world_.us.node->Maintain([] { return false; });
  EXPECT_FALSE(Now()->info.data_here);
  EXPECT_TRUE(world_.us.blobs.List(BlobFolder(account_.id()), "", 10).value().empty());
}

}  // namespace
}  // namespace comity::storage
