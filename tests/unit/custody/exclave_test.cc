#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/custody/account_rules.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/unsafe_authorization.h"

// Keys of accounts whose data is in another region, in the deployment icloud-2017: "us" keeps the
// keys, "eu" has the data, and its custody carries what its storage has to say.
namespace comity::custody {
namespace {

constexpr UnixMillis kNow = 1'488'412'800'000;  // 2017-03-02

const TestDeployment& Deployment() {
  static const auto* const kDeployment = new TestDeployment(ReadTopologyTemplate("icloud-2017"));
  return *kDeployment;
}

class ExclaveCustodyTest : public testing::Test {
 protected:
  Authorization Device() const { return CustodyNode::Device(owner_.device()); }
  absl::StatusOr<Statement> Create(CustodyNode& node, const Statement& record) {
    return node.custody().custodian().Create(Device(), owner_.entries(), record);
  }
  // The account record with one thing changed.
  Statement Record(const std::function<void(AccountRecord&)>& change) {
    AccountRecord body = ParseStatement<AccountRecord>(record_)->body;
    change(body);
    Envelope envelope = PeekEnvelope(record_).value();
    return SignStatement(envelope, body, owner_.device().key);
  }
  Statement SignClose() {
    Envelope envelope = PeekEnvelope(record_).value();
    envelope.number = 2;
    envelope.time = kNow;
    return SignStatement(envelope, Close{}, owner_.device().key);
  }

  ManualClock clock_{kNow};
  CustodyNetwork network_;
  CustodyNode us_{Deployment(), "us", &clock_, &network_};
  CustodyNode eu_{Deployment(), "eu", &clock_, &network_};
  TestAccount owner_ = Deployment().NewAccount(kNow);
  const Statement record_ = owner_.SignRecord(Deployment().topology(), "DE", kNow);
};

TEST_F(ExclaveCustodyTest, KeysAreMadeWhereTheRulesSayAndWork) {
  ASSERT_THAT(Create(us_, record_), IsOk());
  DataKeys& keys = us_.custody().data_keys();
  ASSERT_OK_AND_ASSIGN(const auto made, keys.Generate(Device(), owner_.id(), UseReason::kAccess,
                                                      {CustodyWorld::Context()}));
  EXPECT_THAT(keys.Unwrap(Device(), owner_.id(), UseReason::kAccess,
                          {{CustodyWorld::Context(), made.front().wrapped}}),
              IsOk());
}

TEST_F(ExclaveCustodyTest, LocationSaysWhereTheDataIs) {
  ASSERT_THAT(Create(us_, record_), IsOk());
  ASSERT_OK_AND_ASSIGN(const Statement statement,
                       us_.custody().custodian().GetLocation(Device(), owner_.id(), ""));
  ASSERT_OK_AND_ASSIGN(const auto location, ParseStatement<KeyLocation>(statement));
  EXPECT_EQ(location.envelope.region, "us");
  EXPECT_EQ(location.body.mode, CustodyMode::kExclave);
  EXPECT_EQ(location.body.data_region, eu_.region());
  EXPECT_THAT(location.body.can_compel, testing::ElementsAre("US"));
  EXPECT_TRUE(location.body.scheduled_region.empty());
}

TEST_F(ExclaveCustodyTest, KeysOfResidentAccountsSayNothingOfAnotherRegion) {
  TestAccount resident = Deployment().NewAccount(kNow);
  const Authorization device = CustodyNode::Device(resident.device());
  ASSERT_THAT(
      us_.custody().custodian().Create(device, resident.entries(),
                                       resident.SignRecord(Deployment().topology(), "US", kNow)),
      IsOk());
  ASSERT_OK_AND_ASSIGN(const Statement statement,
                       us_.custody().custodian().GetLocation(device, resident.id(), ""));
  ASSERT_OK_AND_ASSIGN(const auto location, ParseStatement<KeyLocation>(statement));
  EXPECT_EQ(location.body.mode, CustodyMode::kResident);
  EXPECT_EQ(location.body.data_region, std::nullopt);
}

TEST_F(ExclaveCustodyTest, CustodyOfTheHomeTakesNoKeyThatBelongsElsewhere) {
  EXPECT_THAT(Create(eu_, record_), RefusedWith(Reason::kFieldInvalid));
  const Statement resident = Record([](AccountRecord& record) {
    record.policy = {{CustodyMode::kResident, {"eu"}, {}}};
  });
  EXPECT_THAT(Create(eu_, resident), RefusedWith(Reason::kRulesForbid));
}

TEST_F(ExclaveCustodyTest, PolicyThatContradictsItselfIsRefused) {
  EXPECT_THAT(Create(us_, Record([](AccountRecord& record) {
                       record.policy = {{CustodyMode::kResident, {"us"}, {}}};
                     })),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Create(us_, Record([](AccountRecord& record) {
                       record.home_region = TestDeployment::Region("us");
                     })),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Create(us_, Record([](AccountRecord& record) {
                       record.policy[0].regions = {"us", "eu"};
                     })),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(ExclaveCustodyTest, HomeThatIsNotTheTerritorysIsForbidden) {
  EXPECT_THAT(Create(us_, Record([](AccountRecord& record) { record.territory = "US"; })),
              RefusedWith(Reason::kRulesForbid));
}

TEST_F(ExclaveCustodyTest, StorageOfTheHomeLearnsThroughItsOwnCustodyWhatBecameOfTheKey) {
  ASSERT_THAT(Create(us_, record_), IsOk());
  const Statement close = SignClose();
  ASSERT_OK_AND_ASSIGN(
      const std::vector<Statement> answer,
      eu_.custody().messenger().Deliver(eu_.Storage(), owner_.id(), {record_, close}));
  const auto closing = FindBody<KeyClosing>(answer, "us");
  ASSERT_TRUE(closing.has_value());
  clock_.Advance(31 * kDayMs);
  us_.Tick();
  ASSERT_OK_AND_ASSIGN(const std::vector<Statement> later,
                       eu_.custody().messenger().Deliver(eu_.Storage(), owner_.id(), {record_}));
  EXPECT_TRUE(FindBody<KeyDestruction>(later, "us").has_value());
  EXPECT_FALSE(HoldsKeys(us_.LoadAccount(owner_.id())));
}

TEST_F(ExclaveCustodyTest, NothingIsCarriedForAnybodyElse) {
  ASSERT_THAT(Create(us_, record_), IsOk());
  for (const Authorization& caller : {eu_.Review(), eu_.ForeignCustody(us_.region())}) {
    EXPECT_THAT(eu_.custody().messenger().Deliver(caller, owner_.id(), {record_}),
                RefusedWith(Reason::kAccountNotHere));
  }
  EXPECT_THAT(eu_.custody().messenger().Deliver(Device(), owner_.id(), {record_}),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(ExclaveCustodyTest, NothingIsCarriedOverABorderThatIsClosed) {
  std::string text = ReadTopologyTemplate("icloud-2017");
  const std::string_view border = "borders { from: \"eu\" to: \"us\"";
  text.replace(text.find(border), border.size(), "borders { from: \"us\" to: \"eu\"");
  const std::string_view twice = "borders { from: \"us\" to: \"eu\" kinds: SERVICE_KIND_CUSTODY }";
  text.erase(text.rfind(twice), twice.size());
  const TestDeployment closed(text);
  CustodyNetwork network;
  CustodyNode us(closed, "us", &clock_, &network);
  CustodyNode eu(closed, "eu", &clock_, &network);
  EXPECT_THAT(eu.custody().messenger().Deliver(eu.Storage(), owner_.id(), {record_}),
              RefusedWith(Reason::kBorderClosed));
}

TEST_F(ExclaveCustodyTest, KeeperThatDoesNotAnswerIsAskedAgainLater) {
  network_.fate = [] { return CallFate::kLoseRequest; };
  EXPECT_THAT(eu_.custody().messenger().Deliver(eu_.Storage(), owner_.id(), {record_}),
              RefusedWith(Reason::kPeerUnavailable));
}

}  // namespace
}  // namespace comity::custody
