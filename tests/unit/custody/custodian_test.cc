#include "services/custody/custodian.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/custody/leaves.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"

namespace comity::custody {
namespace {

using testing::ElementsAre;

class CreateTest : public testing::Test {
 protected:
  absl::StatusOr<Statement> Create(CustodyNode& node, const Statement& record) {
    return node.custody().custodian().Create(CustodyNode::Device(owner_.device()), owner_.entries(),
                                             record);
  }
  // A record of the owner with something changed.
  template <typename Change>
  Statement Record(const Change& change) {
    const Statement statement = owner_.SignRecord(topology(), "CN", clock_.Now());
    AccountRecord body = ParseStatement<AccountRecord>(statement).value().body;
    change(body);
    Envelope envelope = PeekEnvelope(statement).value();
    return SignStatement(envelope, body, owner_.device().key);
  }
  Statement Record() {
    return Record([](AccountRecord&) {});
  }
  const Topology& topology() { return deployment_.topology(); }

  const TestDeployment& deployment_ = SharedDeployment();
  ManualClock clock_{TestDeployment::kStart};
  CustodyNetwork network_;
  CustodyNode us_{deployment_, "us", &clock_, &network_};
  CustodyNode cn_{deployment_, "cn", &clock_, &network_};
  TestAccount owner_ = deployment_.NewAccount();
};

TEST_F(CreateTest, ActivationIsSignedAndLogged) {
  ASSERT_OK_AND_ASSIGN(const Statement activation, Create(us_, Record()));
  ASSERT_OK_AND_ASSIGN(const PublicKey key,
                       topology().VerifyEndorsement(us_.site().endorsement(), us_.region(),
                                                    ServiceKind::kCustody, clock_.Now()));
  ASSERT_OK_AND_ASSIGN(const auto parsed, VerifyStatement<Activation>(activation, key));
  EXPECT_EQ(parsed.envelope.subject, owner_.id().bytes());
  EXPECT_EQ(parsed.body.epoch, 1u);
  EXPECT_EQ(parsed.body.newest_version, 1u);
  EXPECT_EQ(parsed.body.chain_hash, owner_.chain().head().hash);
  EXPECT_EQ(parsed.body.metadata_public_key.size(), 32u);
  EXPECT_TRUE(parsed.body.release.IsZero());
  EXPECT_THAT(us_.log().types(), ElementsAre(kLeafCreated));
  EXPECT_EQ(us_.custody().known_accounts(), 1u);
}

TEST_F(CreateTest, RepeatGetsTheSameActivation) {
  const Statement record = Record();
  ASSERT_OK_AND_ASSIGN(const Statement first, Create(us_, record));
  ASSERT_OK_AND_ASSIGN(const Statement second, Create(us_, record));
  EXPECT_EQ(first, second);
  us_.Start();
  ASSERT_OK_AND_ASSIGN(const Statement third, Create(us_, record));
  EXPECT_EQ(first, third);
  EXPECT_EQ(us_.custody().known_accounts(), 1u);
}

TEST_F(CreateTest, OtherRecordForTheAccountIsSuperseded) {
  ASSERT_THAT(Create(us_, Record()), IsOk());
  EXPECT_THAT(Create(us_, Record([](AccountRecord& r) { r.territory = "HK"; })),
              RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(CreateTest, CallerOutsideTheChainIsRefused) {
  const TestDevice stranger = MakeTestDevice();
  const Statement record = Record();
  const auto create_as_stranger = [&] {
    return us_.custody().custodian().Create(CustodyNode::Device(stranger), owner_.entries(),
                                            record);
  };
  EXPECT_THAT(create_as_stranger(), RefusedWith(Reason::kAccountNotYours));
  ASSERT_THAT(Create(us_, record), IsOk());
  EXPECT_THAT(create_as_stranger(), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(CreateTest, RevokedDeviceGetsNothingFromARepeat) {
  owner_.AddDevice();
  const Statement record = Record();
  ASSERT_THAT(Create(us_, record), IsOk());
  const std::vector<Statement> old_chain = owner_.entries();
  owner_.RevokeDevice(1);
  ASSERT_THAT(us_.custody().messenger().Deliver(CustodyNode::Device(owner_.device()), owner_.id(),
                                                owner_.entries()),
              IsOk());
  EXPECT_THAT(
      us_.custody().custodian().Create(CustodyNode::Device(owner_.device(1)), old_chain, record),
      RefusedWith(Reason::kAccountNotYours));
}

TEST_F(CreateTest, EmptyOrForeignChainIsRefused) {
  EXPECT_THAT(us_.custody().custodian().Create(CustodyNode::Device(owner_.device()), {}, Record()),
              RefusedWith(Reason::kFieldInvalid));
  TestAccount foreign("elsewhere.test", clock_.Now());
  EXPECT_THAT(us_.custody().custodian().Create(CustodyNode::Device(foreign.device()),
                                               foreign.entries(), Record()),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CreateTest, RecordSignedBySomebodyElseIsRefused) {
  TestAccount other = deployment_.NewAccount();
  EXPECT_THAT(Create(us_, other.SignRecord(topology(), "CN", clock_.Now())),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(CreateTest, RecordMustBeForThisCustody) {
  EXPECT_THAT(Create(cn_, Record()), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Create(us_, Record([](AccountRecord& r) { r.policy.clear(); })),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Create(us_, Record([](AccountRecord& r) { r.policy[0].regions = {"cn"}; })),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Create(us_, Record([](AccountRecord& r) { r.policy[0].refuge_regions = {"moon"}; })),
              RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(Create(us_, Record([](AccountRecord& r) { r.chain_hash = Digest(); })),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CreateTest, RecordMustBeNumberOne) {
  Record();
  const Statement second = owner_.SignRecord(topology(), "CN", clock_.Now());
  ASSERT_EQ(PeekEnvelope(second)->number, 2u);
  EXPECT_THAT(Create(us_, second), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(CreateTest, HomeIsTheOneOfTheDay) {
  clock_.Advance(TestDeployment::kHandover - clock_.Now());
  EXPECT_THAT(Create(us_, Record([](AccountRecord& r) {
                       r.home_region = TestDeployment::Region("us");
                       r.policy[0].regions = {"us"};
                     })),
              RefusedWith(Reason::kRulesForbid));
  EXPECT_THAT(Create(cn_, owner_.SignRecord(topology(), "CN", clock_.Now())),
              RefusedWith(Reason::kFieldInvalid));  // number 2
}

TEST_F(CreateTest, HomeWithTermsWantsThemAccepted) {
  clock_.Advance(TestDeployment::kHandover - clock_.Now());
  EXPECT_THAT(Create(cn_, Record([](AccountRecord& r) { r.accepted_terms.reset(); })),
              RefusedWith(Reason::kConsentMissing));
  TestAccount other = deployment_.NewAccount();
  EXPECT_THAT(cn_.custody().custodian().Create(CustodyNode::Device(other.device()), other.entries(),
                                               other.SignRecord(topology(), "CN", clock_.Now())),
              IsOk());
}

TEST_F(CreateTest, NothingIsMadeWithoutItsLeaf) {
  us_.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  const Statement record = Record();
  EXPECT_THAT(Create(us_, record), RefusedWith(Reason::kLogUnavailable));
  EXPECT_FALSE(us_.LoadAccount(owner_.id()).exists());
  EXPECT_THAT(Create(us_, record), IsOk());
}

TEST_F(CreateTest, LostCommitIsMadeGoodByTheNextTry) {
  const Statement record = Record();
  us_.records().FailNextCommit(FakeRecordStore::Fate::kApplied);
  EXPECT_THAT(Create(us_, record), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_OK_AND_ASSIGN(const Statement activation, Create(us_, record));
  EXPECT_EQ(us_.LoadAccount(owner_.id()).activation, activation);
}

class AccountKeyTest : public testing::Test {
 protected:
  Custodian& custodian() { return world_.us.custody().custodian(); }
  Authorization Device() { return CustodyNode::Device(world_.account.device()); }
  CustodyWorld world_;
};

TEST_F(AccountKeyTest, VersionsAndEpochAreShown) {
  ASSERT_OK_AND_ASSIGN(const AccountKeyView view,
                       custodian().GetKey(Device(), world_.account.id()));
  ASSERT_EQ(view.versions.size(), 1u);
  EXPECT_EQ(view.versions[0].version, 1u);
  EXPECT_EQ(view.versions[0].state, KeyVersionView::State::kEnabled);
  EXPECT_EQ(view.versions[0].create_time, TestDeployment::kStart);
  EXPECT_EQ(view.epoch, 1u);
  EXPECT_NE(FindType(view.statements, Activation::kType), nullptr);
  EXPECT_NE(FindType(view.statements, "operator.endorsement"), nullptr);
  EXPECT_NE(FindType(view.statements, AccountRecord::kType), nullptr);
}

TEST_F(AccountKeyTest, StrangersSeeNothing) {
  const TestDevice stranger = MakeTestDevice();
  EXPECT_THAT(custodian().GetKey(CustodyNode::Device(stranger), world_.account.id()),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(custodian().GetKey(Device(), RandomId<AccountId>()),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(custodian().GetLocation(world_.us.Storage(), world_.account.id(), ""),
              RefusedWith(Reason::kAccountNotYours));
}

TEST_F(AccountKeyTest, LocationSaysWhoCanCompelAndWhatIsScheduled) {
  const std::string nonce(16, 'n');
  ASSERT_OK_AND_ASSIGN(const Statement statement,
                       custodian().GetLocation(Device(), world_.account.id(), nonce));
  ASSERT_OK_AND_ASSIGN(const auto parsed, ParseStatement<KeyLocation>(statement));
  const KeyLocation& location = parsed.body;
  EXPECT_EQ(location.epoch, 1u);
  EXPECT_EQ(location.operator_name, "apple");
  EXPECT_EQ(location.seal, "keyfile (development seal)");
  EXPECT_TRUE(location.development());
  EXPECT_THAT(location.can_compel, ElementsAre("US"));
  EXPECT_EQ(location.scheduled_region, "cn");
  EXPECT_EQ(location.scheduled_time, TestDeployment::kHandover);
  EXPECT_EQ(location.nonce, nonce);
  EXPECT_EQ(location.active, 1);
}

TEST_F(AccountKeyTest, ClosingIsShownAsScheduled) {
  ASSERT_THAT(world_.DeliverAsDevice(world_.us, {world_.account.Sign(Close{}, world_.now())}),
              IsOk());
  ASSERT_OK_AND_ASSIGN(const AccountKeyView view,
                       custodian().GetKey(Device(), world_.account.id()));
  EXPECT_EQ(view.versions[0].state, KeyVersionView::State::kDestroyScheduled);
  EXPECT_EQ(view.versions[0].destroy_time, world_.now() + 30 * kDayMs);
}

}  // namespace
}  // namespace comity::custody
