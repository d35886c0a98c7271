#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/custody.h"
#include "services/common/status/macros.h"
#include "services/storage/account_opening.h"
#include "services/storage/account_rules.h"
#include "services/storage/account_view.h"
#include "tests/testing/deployment.h"
#include "tests/testing/exclave_world.h"
#include "tests/testing/matchers.h"

// Storage opens an account whose keys another region's custody has made, and no other, in the
// deployment icloud-2017.
namespace comity::storage {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr UnixMillis kNow = 1'488'412'800'000;  // 2017-03-02

const TestDeployment& Deployment() {
  static const auto* const kDeployment = new TestDeployment(ReadTopologyTemplate("icloud-2017"));
  return *kDeployment;
}

class ExclaveOpeningTest : public ::testing::Test {
 protected:
  ExclaveOpeningTest() { Activate("us"); }

  // Signed by the custody of that region.
  void Activate(std::string_view region) {
    Activation body;
    body.epoch = 1;
    body.chain_number = owner_.chain().head().number;
    body.chain_hash = owner_.chain().head().hash;
    body.newest_version = 1;
    body.metadata_public_key = std::string(32, 'm');
    const TestService& custody = Deployment().service(region, ServiceKind::kCustody);
    Envelope envelope;
    envelope.deployment = Deployment().topology().deployment();
    envelope.region = region;
    envelope.subject = std::string(owner_.id().bytes());
    envelope.number = 1;
    envelope.time = kNow;
    command_.activations = {SignStatement(envelope, body, custody.statement_key)};
    command_.endorsements = {custody.endorsement};
    command_.chain = owner_.entries();
    command_.record = record_;
    command_.metadata_key = Signed(2, MetadataKey{body.metadata_public_key});
  }
  template <typename Body>
  Statement Signed(uint64_t number, const Body& body) {
    Envelope envelope = PeekEnvelope(record_).value();
    envelope.number = number;
    return SignStatement(envelope, body, owner_.device().key);
  }
  absl::StatusOr<VerifiedOpening> Open(std::string_view region = "eu") {
    return VerifyOpening(Deployment().topology(), TestDeployment::Region(region), command_, kNow);
  }
  void ChangeRecord(const std::function<void(AccountRecord&)>& change) {
    AccountRecord body = ParseStatement<AccountRecord>(record_)->body;
    change(body);
    command_.record = Signed(1, body);
  }

  TestAccount owner_ = Deployment().NewAccount(kNow);
  const Statement record_ = owner_.SignRecord(Deployment().topology(), "DE", kNow);
  CreateCommand command_;
};

TEST_F(ExclaveOpeningTest, ActivationOfTheCustodyThatThePolicyNamesOpens) {
  ASSERT_OK_AND_ASSIGN(const VerifiedOpening opening, Open());
  EXPECT_EQ(opening.record.home_region, TestDeployment::Region("eu"));
}

TEST_F(ExclaveOpeningTest, KeptHistorySaysWhereTheKeysAre) {
  ASSERT_OK_AND_ASSIGN(const VerifiedOpening opening, Open());
  ASSERT_OK_AND_ASSIGN(const AccountView view, AccountView::Build(opening.history));
  EXPECT_EQ(view.keys_elsewhere(), TestDeployment::Region("us"));
}

TEST_F(ExclaveOpeningTest, ActivationOfTheHomesOwnCustodyIsRefused) {
  Activate("eu");
  EXPECT_THAT(Open(), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(ExclaveOpeningTest, KeysInTheHomeAreForbiddenWhereTheRulesKeepThemElsewhere) {
  ChangeRecord([](AccountRecord& record) {
    record.policy = {{CustodyMode::kResident, {"eu"}, {}}};
  });
  EXPECT_THAT(Open(), RefusedWith(Reason::kRulesForbid));
}

TEST_F(ExclaveOpeningTest, PolicyThatContradictsItselfIsRefused) {
  ChangeRecord([](AccountRecord& record) { record.policy[0].mode = CustodyMode::kResident; });
  EXPECT_THAT(Open(), RefusedWith(Reason::kFieldInvalid));
  ChangeRecord([](AccountRecord& record) { record.policy[0].regions = {"eu"}; });
  EXPECT_THAT(Open(), RefusedWith(Reason::kFieldInvalid));
  ChangeRecord([](AccountRecord& record) { record.policy[0].regions = {"us", "eu"}; });
  EXPECT_THAT(Open(), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(ExclaveOpeningTest, RegionOfTheKeysOpensNoData) {
  EXPECT_THAT(Open("us"), RefusedWith(Reason::kRulesForbid));
}

// The keys come to where the data is; storage learns of it.
class KeysArriveTest : public ::testing::Test {
 protected:
  AccountEpoch Epoch() { return world_.AtStorage()->info.epoch; }
  absl::Status Put(const ObjectId& object, uint64_t expected_version) {
    ASSIGN_OR_RETURN(
        const OwnerAccess access,
        world_.storage->accounts().Owner(world_.Device(), world_.account.id(), Access::kWrite));
    PutCommand command;
    command.request = RandomId<RequestId>();
    command.object = object;
    command.content = RandomId<ContentId>();
    command.expected_version = expected_version;
    command.wrapped_content_key = "content key";
    command.wrapped_attributes_key = "attributes key";
    command.sealed_attributes = "attributes";
    ASSIGN_OR_RETURN(const std::unique_ptr<Upload> upload,
                     world_.storage->objects().BeginPut(access, std::move(command)));
    RETURN_IF_ERROR(upload->Write("ciphertext"));
    return upload->Finish().status();
  }
  ExclaveWorld world_;
};

TEST_F(KeysArriveTest, StorageAsksItsOwnCustodyFromTheDayOn) {
  world_.Consent();
  ASSERT_THAT(world_.Attend(), IsOk());
  EXPECT_EQ(Epoch(), 1u);
  EXPECT_FALSE(PlaceOf(world_.eu.region(), *world_.AtStorage()).resident());
  world_.us.Tick();
  ASSERT_THAT(world_.Attend(), IsOk());
  EXPECT_EQ(Epoch(), 2u);
  EXPECT_TRUE(PlaceOf(world_.eu.region(), *world_.AtStorage()).resident());
  EXPECT_EQ(world_.storage_log.Count("account.activated"), 1u);
  EXPECT_EQ(StandingOf(ExclaveWorld::Deployment().topology(), world_.eu.region(),
                       *world_.AtStorage(), world_.now())
                .standing,
            Standing::kMoved);
}

TEST_F(KeysArriveTest, MaintenanceFindsTheAccountDue) {
  EXPECT_THAT(world_.storage->index().Due(world_.now()), IsEmpty());
  world_.Consent();
  EXPECT_THAT(world_.storage->index().Due(world_.now()), ElementsAre(world_.account.id()));
  world_.us.Tick();
  world_.storage->Maintain([] { return false; });
  EXPECT_EQ(Epoch(), 2u);
  EXPECT_THAT(world_.storage->index().Due(world_.now()), IsEmpty());
}

TEST_F(KeysArriveTest, OwnersWriteOnWhereTheyWroteBefore) {
  const auto object = RandomId<ObjectId>();
  ASSERT_THAT(Put(object, 0), IsOk());
  world_.Consent();
  world_.us.Tick();
  ASSERT_THAT(world_.Attend(), IsOk());
  ASSERT_EQ(Epoch(), 2u);
  EXPECT_THAT(Put(object, 1), IsOk());
  world_.RestartStorage();
  EXPECT_THAT(Put(object, 2), IsOk());
  EXPECT_THAT(Put(RandomId<ObjectId>(), 0), IsOk());
}

TEST_F(KeysArriveTest, DeviceMayBringTheProofs) {
  world_.Consent();
  world_.us.Tick();
  ASSERT_OK_AND_ASSIGN(const std::vector<Statement> proofs, world_.DeliverToCustody(world_.us, {}));
  ASSERT_THAT(world_.DeliverToStorage(proofs), IsOk());
  EXPECT_EQ(Epoch(), 2u);
  // And again, which changes nothing.
  ASSERT_THAT(world_.DeliverToStorage(proofs), IsOk());
  EXPECT_EQ(world_.storage_log.Count("account.activated"), 1u);
}

TEST_F(KeysArriveTest, CertificateOfTheOldCopyIsNoEndOfTheAccount) {
  world_.Consent();
  world_.us.Tick();
  const Statement read =
      world_.account.Sign(ReadBack{2, world_.eu.region(), Digest()}, world_.now());
  ASSERT_OK_AND_ASSIGN(std::vector<Statement> answer, world_.DeliverToCustody(world_.us, {read}));
  // Somebody brings the certificate alone, before storage knows that the keys have moved.
  std::erase_if(answer, [](const Statement& statement) {
    const std::string type = PeekEnvelope(statement)->type;
    return type != KeyDestruction::kType && type != "operator.endorsement";
  });
  ASSERT_TRUE(custody::FindBody<KeyDestruction>(answer, "us").has_value());
  ASSERT_THAT(world_.DeliverToStorage(answer), IsOk());
  EXPECT_EQ(world_.AtStorage()->info.state, AccountState::kActive);
  ASSERT_THAT(world_.Attend(), IsOk());
  EXPECT_EQ(Epoch(), 2u);
  EXPECT_EQ(world_.AtStorage()->info.state, AccountState::kActive);
}

TEST_F(KeysArriveTest, NoDataMovesWithTheKeys) {
  world_.Consent();
  EXPECT_EQ(StandingOf(ExclaveWorld::Deployment().topology(), world_.eu.region(),
                       *world_.AtStorage(), world_.now())
                .standing,
            Standing::kEligible);
  ASSERT_OK_AND_ASSIGN(const Migration migration,
                       world_.storage->migrations().Start(RandomId<RequestId>(), std::nullopt, 0));
  EXPECT_EQ(migration.accounts, 0u);
  ASSERT_THAT(world_.storage->migrations().EnrolAll(), IsOk());
  EXPECT_FALSE(world_.AtStorage()->move.has_value());
}

TEST_F(KeysArriveTest, ConsentToAnotherPlaceIsVoid) {
  Consent consent =
      DraftConsent(ExclaveWorld::Deployment().topology(), "DE", world_.Place(), world_.now())
          .value();
  consent.from_epoch = 1;
  consent.chain_number = world_.account.chain().head().number;
  consent.chain_hash = world_.account.chain().head().hash;
  consent.policy_before = {PolicyOf(ResidentIn(world_.us.region()))};
  const Statement statement = world_.account.Sign(consent, world_.now(), world_.now() + kDayMs);
  EXPECT_THAT(world_.DeliverToStorage({statement}), RefusedWith(Reason::kConsentVoid));
}

TEST_F(KeysArriveTest, ClosingAfterTheArrivalIsDecidedHere) {
  world_.Consent();
  world_.us.Tick();
  ASSERT_THAT(world_.Attend(), IsOk());
  const Statement close = world_.account.Sign(Close{}, world_.now());
  ASSERT_OK_AND_ASSIGN(std::vector<Statement> words, world_.DeliverToCustody(world_.eu, {close}));
  words.insert(words.begin(), close);
  ASSERT_THAT(world_.DeliverToStorage(words), IsOk());
  world_.clock.Advance(31 * kDayMs);
  world_.us.Tick();  // the copy that was left behind goes
  world_.eu.Tick();
  ASSERT_THAT(world_.Attend(), IsOk());
  EXPECT_EQ(world_.AtStorage()->info.state, AccountState::kClosed);
}

TEST_F(KeysArriveTest, ClosingBeforeTheArrivalEndsTheAccountInBothRegions) {
  const Statement close = world_.account.Sign(Close{}, world_.now());
  ASSERT_THAT(world_.DeliverToCustody(world_.us, {close}), IsOk());
  ASSERT_THAT(world_.DeliverToStorage({close}), IsOk());
  ASSERT_THAT(world_.Attend(), IsOk());
  EXPECT_EQ(world_.AtStorage()->view.close_destroy_time(), world_.now() + 30 * kDayMs);
  world_.clock.Advance(31 * kDayMs);
  world_.us.Tick();
  ASSERT_THAT(world_.Attend(), IsOk());
  EXPECT_EQ(world_.AtStorage()->info.state, AccountState::kClosed);
}

}  // namespace
}  // namespace comity::storage
