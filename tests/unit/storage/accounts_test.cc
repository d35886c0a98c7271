#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"

namespace comity::storage {
namespace {

class AccountsTest : public ::testing::Test {
 protected:
  static const TestDeployment& Deployment() {
    static const TestDeployment deployment;
    return deployment;
  }
  absl::Status Create(const TestAccount& account, const CreateCommand& command) {
    return world_.us.node->accounts().Create(StorageWorld::DeviceOf(account), command).status();
  }
  // An activation that custody of `region` signs.
  Statement Activated(std::string_view region, const TestAccount& account,
                      const std::string& metadata_key, AccountEpoch epoch = 1) {
    Activation body;
    body.epoch = epoch;
    body.chain_number = account.chain().head().number;
    body.chain_hash = account.chain().head().hash;
    body.newest_version = 1;
    body.metadata_public_key = metadata_key;
    return world_.custody.Sign(region, account.id(), body);
  }

  StorageWorld world_{Deployment()};
  TestAccount account_ = Deployment().NewAccount();
  CreateCommand command_ = world_.MakeOpening(account_, "CN");
};

TEST_F(AccountsTest, OpensAndReportsTheAccount) {
  ASSERT_OK_AND_ASSIGN(const AccountReport report, world_.us.node->accounts().Create(
                                                       StorageWorld::DeviceOf(account_), command_));
  EXPECT_EQ(report.account->info.state, AccountState::kActive);
  EXPECT_EQ(report.account->info.epoch, 1u);
  EXPECT_EQ(report.standing.standing, Standing::kStays);
  EXPECT_EQ(report.sum.objects, 0u);
  EXPECT_EQ(world_.us.log.Count("account.created"), 1u);
}

TEST_F(AccountsTest, RepeatGivesTheSameAccountAndNoSecondLeaf) {
  ASSERT_THAT(Create(account_, command_), IsOk());
  ASSERT_THAT(Create(account_, command_), IsOk());
  EXPECT_EQ(world_.us.log.Count("account.created"), 1u);
}

TEST_F(AccountsTest, AnotherRecordOfTheSameAccountIsSuperseded) {
  ASSERT_THAT(Create(account_, command_), IsOk());
  TestAccount other = Deployment().NewAccount();
  AccountRecord record;
  ASSERT_OK_AND_ASSIGN(record, [&]() -> absl::StatusOr<AccountRecord> {
    auto parsed = ParseStatement<AccountRecord>(command_.record);
    if (!parsed.ok()) return parsed.status();
    return parsed->body;
  }());
  record.territory = "HK";
  Envelope envelope;
  envelope.deployment = Deployment().topology().deployment();
  envelope.subject = std::string(account_.id().bytes());
  envelope.number = 1;
  envelope.time = TestDeployment::kStart;
  command_.record = SignStatement(envelope, record, account_.device().key);
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(AccountsTest, ForeignDeviceIsRefused) {
  const TestAccount other = Deployment().NewAccount();
  EXPECT_THAT(Create(other, command_), RefusedWith(Reason::kAccountNotYours));
}

TEST_F(AccountsTest, MissingChainIsRefused) {
  command_.chain.clear();
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(AccountsTest, ChainOfAnotherAccountIsRefused) {
  command_.chain = Deployment().NewAccount().entries();
  EXPECT_THAT(Create(account_, command_).code(), absl::StatusCode::kPermissionDenied);
}

TEST_F(AccountsTest, RecordSignedByNoDeviceIsRefused) {
  TestAccount other = Deployment().NewAccount();
  command_.record = other.SignRecord(Deployment().topology(), "CN", TestDeployment::kStart);
  EXPECT_FALSE(Create(account_, command_).ok());
}

TEST_F(AccountsTest, HomeElsewhereIsForbidden) {
  world_.clock.Advance(TestDeployment::kHandover - TestDeployment::kStart);
  // Since the handover the home of mainland accounts is another region.
  TestAccount late = Deployment().NewAccount();
  const CreateCommand command = world_.MakeOpening(late, "CN");
  EXPECT_THAT(Create(late, command), RefusedWith(Reason::kRulesForbid));
}

TEST_F(AccountsTest, ActivationOfAnotherRegionIsRefused) {
  command_.activations = {Activated("cn", account_, "k")};
  command_.endorsements = {world_.custody.endorsement("cn")};
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(AccountsTest, ActivationWithoutEndorsementIsRefused) {
  command_.endorsements.clear();
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(AccountsTest, EndorsementOfAnotherOperatorIsRefused) {
  const TestService& custody = Deployment().service("us", ServiceKind::kCustody);
  command_.endorsements = {Deployment().Endorse("us", ServiceKind::kCustody,
                                                custody.statement_key.public_key(), "gcbd")};
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(AccountsTest, MissingActivationIsRefused) {
  command_.activations.clear();
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(AccountsTest, ActivationOfALaterEpochIsRefused) {
  ASSERT_OK_AND_ASSIGN(const auto metadata, ParseStatement<MetadataKey>(command_.metadata_key));
  command_.activations = {Activated("us", account_, metadata.body.public_key, 2)};
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(AccountsTest, MetadataKeyThatCustodyDidNotMakeIsRefused) {
  command_.metadata_key = account_.Sign(MetadataKey{std::string(32, 'x')}, TestDeployment::kStart);
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(AccountsTest, NothingIsStoredWhenTheLogTakesNoLeaf) {
  world_.us.log.SetUnavailable(true);
  EXPECT_THAT(Create(account_, command_), RefusedWith(Reason::kLogUnavailable));
  EXPECT_EQ(world_.Account(world_.us, account_), nullptr);
}

TEST_F(AccountsTest, UnknownAndForeignAccountsAreRefusedAlike) {
  ASSERT_THAT(Create(account_, command_), IsOk());
  const TestAccount other = Deployment().NewAccount();
  const auto foreign = world_.us.node->accounts().Get(StorageWorld::DeviceOf(other), account_.id());
  const auto unknown = world_.us.node->accounts().Get(StorageWorld::DeviceOf(other), other.id());
  EXPECT_THAT(foreign.status(), RefusedWith(Reason::kAccountNotYours));
  EXPECT_EQ(foreign.status().message(), unknown.status().message());
}

TEST_F(AccountsTest, RevokedDeviceLosesAccessAtOnce) {
  ASSERT_THAT(Create(account_, command_), IsOk());
  account_.AddDevice();
  ASSERT_THAT(world_.Deliver(world_.us, account_, {account_.entries().back()}).status(), IsOk());
  const Authorization second = StorageWorld::DeviceOf(account_, 1);
  ASSERT_OK_AND_ASSIGN(const OwnerAccess access,
                       world_.us.node->accounts().Owner(second, account_.id(), Access::kWrite));
  account_.RevokeDevice(1);
  ASSERT_THAT(world_.Deliver(world_.us, account_, {account_.entries().back()}).status(), IsOk());
  EXPECT_THAT(world_.us.node->accounts().Recheck(access).status(),
              RefusedWith(Reason::kAccountNotYours));
  EXPECT_THAT(world_.us.node->accounts().Get(second, account_.id()).status(),
              RefusedWith(Reason::kAccountNotYours));
}

}  // namespace
}  // namespace comity::storage
