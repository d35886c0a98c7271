#include "services/custody/messenger.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/leaves.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

// Statements of devices, and closing.
class MessengerTest : public testing::Test {
 protected:
  absl::StatusOr<std::vector<Statement>> Deliver(const std::vector<Statement>& statements) {
    return world_.DeliverAsDevice(world_.us, statements);
  }
  template <typename Body>
  Statement Sign(const Body& body) {
    return world_.account.Sign(body, world_.now());
  }
  template <typename Body>
  Statement SignNumber(const Body& body, uint64_t number, UnixMillis expiry = 0) {
    Envelope envelope;
    envelope.deployment = world_.topology().deployment();
    envelope.subject = std::string(world_.account.id().bytes());
    envelope.number = number;
    envelope.time = world_.now();
    envelope.expiry = expiry;
    return SignStatement(envelope, body, world_.account.device().key);
  }
  void DeliverWithdrawals(uint64_t first, uint64_t last) {
    while (first <= last) {
      std::vector<Statement> some;
      for (; first <= last && some.size() < 64; ++first) {
        some.push_back(SignNumber(Withdrawal{}, first));
      }
      ASSERT_THAT(Deliver(some), IsOk());
    }
  }
  Account Stored() { return world_.us.LoadAccount(world_.account.id()); }

  CustodyWorld world_;
};

TEST_F(MessengerTest, ConsentIsKeptAndTold) {
  const Statement consent = world_.SignConsent();
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver({consent}));
  EXPECT_THAT(answer, Contains(consent));
  EXPECT_EQ(Stored().statements.at(2), consent);
}

TEST_F(MessengerTest, SameStatementAgainIsFine) {
  const Statement consent = world_.SignConsent();
  ASSERT_THAT(Deliver({consent}), IsOk());
  const uint64_t version = Stored().version;
  EXPECT_THAT(Deliver({consent}), IsOk());
  EXPECT_EQ(Stored().version, version);
}

TEST_F(MessengerTest, OfTwoWithOneNumberTheFirstWins) {
  ASSERT_THAT(Deliver({SignNumber(TerritoryChange{"HK"}, 2)}), IsOk());
  EXPECT_THAT(Deliver({SignNumber(TerritoryChange{"MO"}, 2)}),
              RefusedWith(Reason::kStatementSuperseded));
  EXPECT_EQ(Stored().territory, "HK");
}

TEST_F(MessengerTest, LowerNumberIsSuperseded) {
  ASSERT_THAT(Deliver({SignNumber(TerritoryChange{"HK"}, 5)}), IsOk());
  EXPECT_THAT(Deliver({SignNumber(TerritoryChange{"MO"}, 4)}),
              RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(MessengerTest, AccountRecordComesOnlyOnce) {
  EXPECT_THAT(Deliver({world_.account.SignRecord(world_.topology(), "HK", world_.now())}),
              RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(MessengerTest, RefusedDeliveryKeepsNothing) {
  EXPECT_THAT(Deliver({SignNumber(TerritoryChange{"HK"}, 2), SignNumber(CancelClose{1}, 3)}),
              RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(Stored().territory, "CN");
  EXPECT_EQ(Stored().statements.size(), 1u);
}

TEST_F(MessengerTest, StrangersMayNotCarry) {
  const Statement consent = world_.SignConsent();
  const TestDevice stranger = MakeTestDevice();
  EXPECT_THAT(world_.us.custody().messenger().Deliver(CustodyNode::Device(stranger),
                                                      world_.account.id(), {consent}),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(world_.us.custody().messenger().Deliver(CustodyNode::Device(stranger),
                                                      RandomId<AccountId>(), {}),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(MessengerTest, ServiceLearnsThatAnAccountIsNotHere) {
  EXPECT_THAT(
      world_.us.custody().messenger().Deliver(world_.us.Storage(), RandomId<AccountId>(), {}),
      RefusedWith(Reason::kAccountNotHere));
}

TEST_F(MessengerTest, StatementsAboutSomethingElseAreRefused) {
  TestAccount other = world_.deployment().NewAccount();
  EXPECT_THAT(Deliver({other.Sign(Close{}, world_.now())}), RefusedWith(Reason::kFieldInvalid));
  Envelope envelope;
  envelope.deployment = "elsewhere.test";
  envelope.subject = std::string(world_.account.id().bytes());
  envelope.number = 2;
  EXPECT_THAT(Deliver({SignStatement(envelope, Close{}, world_.account.device().key)}),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(MessengerTest, TypesThatAreNotForCustodyAreRefused) {
  EXPECT_THAT(Deliver({Sign(Objection{"case", "ground"})}),
              RefusedWith(Reason::kStatementMalformed));
}

TEST_F(MessengerTest, SignatureOfAnotherKeyIsRefused) {
  Envelope envelope;
  envelope.deployment = world_.topology().deployment();
  envelope.subject = std::string(world_.account.id().bytes());
  envelope.number = 2;
  const TestDevice stranger = MakeTestDevice();
  EXPECT_THAT(Deliver({SignStatement(envelope, Close{}, stranger.key)}),
              RefusedWith(Reason::kSignatureInvalid));
  EXPECT_FALSE(Stored().closing.has_value());
}

TEST_F(MessengerTest, ExpiredStatementIsRefused) {
  EXPECT_THAT(Deliver({SignNumber(Close{}, 2, world_.now())}), RefusedWith(Reason::kFieldInvalid));
  const Statement consent = world_.SignConsent();
  world_.clock.Advance(91 * kDayMs);
  EXPECT_THAT(Deliver({consent}), RefusedWith(Reason::kConsentVoid));
}

TEST_F(MessengerTest, ConsentThatSaysSomethingElseIsVoid) {
  Consent body = ParseStatement<Consent>(world_.SignConsent()).value().body;
  const auto sign = [&](const Consent& changed) {
    return world_.account.Sign(changed, world_.now(), world_.now() + kDayMs);
  };
  Consent changed = body;
  changed.can_compel_after = {"US"};
  EXPECT_THAT(Deliver({sign(changed)}), RefusedWith(Reason::kConsentVoid));
  changed = body;
  changed.from_epoch = 2;
  EXPECT_THAT(Deliver({sign(changed)}), RefusedWith(Reason::kConsentVoid));
  changed = body;
  changed.source = TestDeployment::Region("cn");
  EXPECT_THAT(Deliver({sign(changed)}), RefusedWith(Reason::kConsentVoid));
  changed = body;
  changed.chain_hash = RandomId<Digest>();
  EXPECT_THAT(Deliver({sign(changed)}), RefusedWith(Reason::kChainBehind));
}

TEST(ConsentTest, ConsentIsTakenFromTheAnnouncementOn) {
  CustodyWorld early(TestDeployment::kAnnounced);
  EXPECT_THAT(early.DeliverAsDevice(early.us, {early.SignConsent()}), IsOk());
}

TEST_F(MessengerTest, TerritoryMustBeACode) {
  EXPECT_THAT(Deliver({SignNumber(TerritoryChange{"Hong Kong"}, 2)}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Deliver({SignNumber(TerritoryChange{""}, 2)}), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(MessengerTest, MetadataKeyMustBeTheAccounts) {
  EXPECT_THAT(Deliver({SignNumber(MetadataKey{std::string(32, 'x')}, 2)}),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Deliver({SignNumber(MetadataKey{Stored().metadata_public_key}, 2)}), IsOk());
}

TEST_F(MessengerTest, ForkedChainIsKeptAsEvidenceAndStopsChanges) {
  world_.account.AddDevice();
  ASSERT_THAT(Deliver(world_.account.entries()), IsOk());
  const std::string wrapped = world_.Generate(world_.us, world_.account);
  ChainEntry other;
  const TestDevice device = MakeTestDevice();
  other.device_key = device.key.public_key().spki();
  other.sealing_key = device.sealing.public_key;
  other.previous = world_.account.entries().front().digest();
  const Statement fork = world_.account.SignEntry(other, world_.account.device().key, 1);
  EXPECT_THAT(Deliver({fork}), RefusedWith(Reason::kChainForked));
  EXPECT_EQ(Stored().fork, fork);
  EXPECT_THAT(Deliver({world_.SignConsent()}), RefusedWith(Reason::kChainForked));
  world_.account.AddDevice();
  EXPECT_THAT(Deliver(world_.account.entries()), RefusedWith(Reason::kChainForked));
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, wrapped));
}

TEST_F(MessengerTest, ForgedForkIsNoEvidence) {
  world_.account.AddDevice();
  ASSERT_THAT(Deliver(world_.account.entries()), IsOk());
  const TestDevice stranger = MakeTestDevice();
  ChainEntry other;
  other.device_key = stranger.key.public_key().spki();
  other.sealing_key = stranger.sealing.public_key;
  other.previous = world_.account.entries().front().digest();
  EXPECT_THAT(Deliver({world_.account.SignEntry(other, stranger.key, 1)}),
              RefusedWith(Reason::kSignatureInvalid));
  EXPECT_FALSE(Stored().fork.has_value());
}

TEST_F(MessengerTest, EntriesWithAGapAreBehind) {
  world_.account.AddDevice();
  world_.account.AddDevice();
  EXPECT_THAT(Deliver({world_.account.entries().back()}), RefusedWith(Reason::kChainBehind));
}

TEST_F(MessengerTest, NewDeviceCarriesItsOwnEntry) {
  world_.account.AddDevice();
  EXPECT_THAT(
      world_.us.custody().messenger().Deliver(CustodyNode::Device(world_.account.device(1)),
                                              world_.account.id(), world_.account.entries()),
      IsOk());
}

TEST_F(MessengerTest, CloseIsScheduledOnceAndLogged) {
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver({Sign(Close{})}));
  const auto closing = FindBody<KeyClosing>(answer, "us");
  ASSERT_TRUE(closing.has_value());
  EXPECT_EQ(closing->body.destroy_time, world_.now() + 30 * kDayMs);
  EXPECT_EQ(closing->body.close_number, 2u);
  world_.clock.Advance(kDayMs);
  ASSERT_OK_AND_ASSIGN(const auto again, Deliver({Sign(Close{})}));
  EXPECT_EQ(FindBody<KeyClosing>(again, "us")->body.destroy_time, closing->body.destroy_time);
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafClosing)), 1u);
}

TEST_F(MessengerTest, CancelUndoesTheClose) {
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  EXPECT_THAT(world_.Generate(world_.us, world_.account), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver({Sign(CancelClose{2})}));
  EXPECT_EQ(FindType(answer, KeyClosing::kType), nullptr);
  EXPECT_THAT(world_.Generate(world_.us, world_.account), Not(IsEmpty()));
  world_.clock.Advance(31 * kDayMs);
  world_.us.Tick();
  EXPECT_EQ(Stored().presence, Presence::kActive);
  EXPECT_THAT(world_.us.log().types(), Contains(kLeafCancelled));
}

TEST_F(MessengerTest, CancelWantsAClose) {
  EXPECT_THAT(Deliver({Sign(CancelClose{1})}), RefusedWith(Reason::kStateNotReady));
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  EXPECT_THAT(Deliver({SignNumber(CancelClose{1}, 9)}), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(MessengerTest, NoConsentWhileClosing) {
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  EXPECT_THAT(Deliver({world_.SignConsent()}), RefusedWith(Reason::kAccountClosing));
}

TEST_F(MessengerTest, KeysAreDestroyedWhenTheClosingIsDue) {
  const std::string wrapped = world_.Generate(world_.us, world_.account);
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  world_.clock.Advance(30 * kDayMs - 1);
  world_.us.Tick();
  EXPECT_TRUE(world_.Opens(world_.us, world_.account, wrapped));
  world_.clock.Advance(1);
  world_.us.Tick();
  const Account account = Stored();
  EXPECT_EQ(account.presence, Presence::kClosed);
  EXPECT_TRUE(account.keys.front().sealed.empty());
  EXPECT_TRUE(account.metadata_keys.empty());
  EXPECT_THAT(world_.us.custody().data_keys().Unwrap(CustodyNode::Device(world_.account.device()),
                                                     world_.account.id(), UseReason::kAccess,
                                                     {{CustodyWorld::Context(), wrapped}}),
              RefusedWith(Reason::kKeyDestroyed));
  EXPECT_EQ(world_.us.log().Count(std::string(kLeafDestruction)), 1u);
  EXPECT_EQ(world_.us.custody().known_accounts(), 0u);
}

TEST_F(MessengerTest, StorageLearnsOfTheDestructionByAsking) {
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  world_.clock.Advance(30 * kDayMs);
  ASSERT_OK_AND_ASSIGN(const auto answer, world_.DeliverAsStorage(world_.us, {}));
  const auto destruction = FindBody<KeyDestruction>(answer, "us");
  ASSERT_TRUE(destruction.has_value());
  EXPECT_EQ(destruction->body.epoch, 1u);
  EXPECT_EQ(destruction->body.erased, world_.now());
  EXPECT_EQ(destruction->body.unreadable_after, 0);
  EXPECT_EQ(destruction->body.versions, std::vector<std::string>{std::string("\0\0\0\1", 4)});
}

TEST_F(MessengerTest, DestroyedAccountTakesNothingMore) {
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  world_.clock.Advance(30 * kDayMs);
  world_.us.Tick();
  EXPECT_THAT(Deliver({Sign(CancelClose{2})}), RefusedWith(Reason::kKeyDestroyed));
}

TEST_F(MessengerTest, NothingIsDestroyedWithoutItsLeaf) {
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  world_.clock.Advance(30 * kDayMs);
  world_.us.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  world_.us.Tick();
  EXPECT_EQ(Stored().presence, Presence::kActive);
  world_.clock.Advance(kSecondMs);
  world_.us.Tick();
  EXPECT_EQ(Stored().presence, Presence::kClosed);
}

TEST_F(MessengerTest, ClosingThatFellDueWhileDownIsDoneAfterTheStart) {
  ASSERT_THAT(Deliver({Sign(Close{})}), IsOk());
  world_.clock.Advance(40 * kDayMs);
  world_.us.Start();
  EXPECT_EQ(world_.us.custody().known_accounts(), 1u);
  world_.us.Tick();
  EXPECT_EQ(Stored().presence, Presence::kClosed);
}

TEST_F(MessengerTest, SequenceHasAnEndButNotForAClose) {
  DeliverWithdrawals(2, kMaxDeviceStatements);
  EXPECT_THAT(Deliver({SignNumber(Withdrawal{}, 1'000)}), RefusedWith(Reason::kOverloaded));
  EXPECT_THAT(Deliver({SignNumber(Close{}, 1'000)}), IsOk());
}

TEST_F(MessengerTest, AnswerFitsIntoADelivery) {
  DeliverWithdrawals(2, 100);
  ASSERT_OK_AND_ASSIGN(const auto answer, Deliver({}));
  EXPECT_LE(answer.size(), 64u);
}

}  // namespace
}  // namespace comity::custody
