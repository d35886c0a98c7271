#include "services/custody/importer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/crypto/random.h"
#include "tests/testing/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/unsafe_authorization.h"

namespace comity::custody {
namespace {

// The destination of a move, with a source that may say anything that its keys can sign.
class ImporterTest : public testing::Test {
 protected:
  ImporterTest() : consent_(world_.SignConsent()) {
    keys_.versions.push_back({1, world_.now(), RandomSecret(32)});
    X25519KeyPair metadata = GenerateX25519();
    keys_.metadata_private_key = std::move(metadata.private_key);
    keys_.metadata_public_key = metadata.public_key;
  }

  Authorization Us() { return world_.cn.ForeignCustody(world_.us.region()); }
  Importer& importer() { return world_.cn.custody().importer(); }
  absl::StatusOr<Statement> Import(const ImportCommand& command) {
    return importer().Import(Us(), command);
  }

  // A whole, valid import.
  ImportCommand Command(AccountEpoch epoch = 2) {
    const Statement transport =
        importer().OfferTransportKey(Us(), world_.account.id(), epoch).value();
    const auto body = ParseStatement<TransportKey>(transport)->body;
    ImportCommand command;
    command.account = world_.account.id();
    command.epoch = epoch;
    command.chain = world_.account.entries();
    const Account account = world_.us.LoadAccount(world_.account.id());
    command.account_statements = {account.statements.at(1), consent_};
    command.consent = consent_;
    const ExportPlace place{world_.topology().deployment(),
                            world_.us.region(),
                            world_.cn.region(),
                            command.account,
                            epoch,
                            consent_.digest()};
    command.sealed_keys = SealExport(body.public_key, place, keys_).value();
    command.endorsement = world_.us.site().endorsement();
    Reseal(command, transport.digest());
    return command;
  }
  // Signs the export statement anew, over what the command holds now.
  void Reseal(ImportCommand& command, const Digest& transport) {
    KeyExport body;
    body.epoch = command.epoch;
    body.destination = world_.cn.region();
    body.consent = command.consent.digest();
    body.transport_key = transport;
    body.sealed_keys = Sha256Digest(command.sealed_keys);
    command.key_export = SignAs(world_.deployment(), "us", ServiceKind::kCustody, command.account,
                                body, world_.now());
  }
  Account AtDestination() { return world_.cn.LoadAccount(world_.account.id()); }
  Statement SignedRelease(const Statement& receipt) {
    Release release;
    release.epoch = 2;
    release.destination = world_.cn.region();
    release.consent = consent_.digest();
    release.receipt = receipt.digest();
    return SignAs(world_.deployment(), "us", ServiceKind::kCustody, world_.account.id(), release,
                  world_.now());
  }
  absl::StatusOr<std::vector<Statement>> DeliverFromUs(const std::vector<Statement>& statements) {
    return world_.cn.custody().messenger().Deliver(Us(), world_.account.id(), statements);
  }

  CustodyWorld world_;
  Statement consent_;
  ExportedKeys keys_;
};

TEST_F(ImporterTest, KeysAreStoredInactiveAndReceiptIsSigned) {
  const ImportCommand command = Command();
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Import(command));
  const auto body = ParseStatement<KeyReceipt>(receipt)->body;
  EXPECT_EQ(body.epoch, 2u);
  EXPECT_EQ(body.source, world_.us.region());
  EXPECT_EQ(body.key_export, command.key_export.digest());
  EXPECT_EQ(body.newest_version, 1u);
  const Account account = AtDestination();
  EXPECT_EQ(account.presence, Presence::kNone);
  EXPECT_EQ(account.keys.front().state, KeyState::kInactive);
  EXPECT_THAT(world_.cn.custody().data_keys().Generate(CustodyNode::Device(world_.account.device()),
                                                       world_.account.id(), UseReason::kAccess,
                                                       {CustodyWorld::Context()}),
              RefusedWith(Reason::kAccountNotHere));
}

TEST_F(ImporterTest, RepeatGetsTheSameReceiptAlsoAfterARestart) {
  const ImportCommand command = Command();
  ASSERT_OK_AND_ASSIGN(const Statement first, Import(command));
  world_.cn.Start();
  ASSERT_OK_AND_ASSIGN(const Statement second, Import(command));
  EXPECT_EQ(first, second);
}

TEST_F(ImporterTest, OtherKeysForTheSameEpochAreSuperseded) {
  ASSERT_THAT(Import(Command()), IsOk());
  EXPECT_THAT(Import(Command()), RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(ImporterTest, NextAttemptReplacesTheOneBefore) {
  ASSERT_THAT(Import(Command(2)), IsOk());
  ASSERT_THAT(Import(Command(3)), IsOk());
  const Account account = AtDestination();
  ASSERT_EQ(account.keys.size(), 1u);
  EXPECT_EQ(account.keys.front().epoch, 3u);
  EXPECT_THAT(Import(Command(2)), RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(ImporterTest, BorderThatIsNotDeclaredIsClosed) {
  // Accounts leave "us" for "cn", never the other way round.
  const Authorization cn = world_.us.ForeignCustody(world_.cn.region());
  EXPECT_THAT(world_.us.custody().importer().OfferTransportKey(cn, world_.account.id(), 2),
              RefusedWith(Reason::kBorderClosed));
  EXPECT_THAT(world_.us.custody().importer().Import(cn, Command()),
              RefusedWith(Reason::kBorderClosed));
}

TEST_F(ImporterTest, UnknownTransportKeyIsNotReady) {
  ImportCommand command = Command();
  world_.cn.Start();
  EXPECT_THAT(Import(command), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ImporterTest, TransportKeyLivesTenMinutes) {
  const ImportCommand command = Command();
  world_.clock.Advance(kTransportKeyLifetimeMs);
  EXPECT_THAT(Import(command), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ImporterTest, ExpiredTransportKeysAreForgottenAndOthersKept) {
  ImportCommand early = Command();
  world_.clock.Advance(kMinuteMs);
  ImportCommand later = Command();
  world_.clock.Advance(kTransportKeyLifetimeMs - kMinuteMs);
  world_.cn.Tick();
  EXPECT_THAT(Import(early), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(Import(later), IsOk());
}

TEST_F(ImporterTest, TransportKeyOfAnotherAccountIsNotReady) {
  const Statement transport = importer().OfferTransportKey(Us(), RandomId<AccountId>(), 2).value();
  ImportCommand command = Command();
  Reseal(command, transport.digest());
  EXPECT_THAT(Import(command), RefusedWith(Reason::kStateNotReady));
}

TEST_F(ImporterTest, ConsentMustBeAmongTheStatements) {
  ImportCommand command = Command();
  command.account_statements.pop_back();
  EXPECT_THAT(Import(command), RefusedWith(Reason::kConsentMissing));
}

TEST_F(ImporterTest, ConsentThatWasWithdrawnIsVoid) {
  ImportCommand command = Command();
  command.account_statements.push_back(world_.account.Sign(Withdrawal{2}, world_.now()));
  EXPECT_THAT(Import(command), RefusedWith(Reason::kConsentVoid));
}

TEST_F(ImporterTest, ConsentToAnotherMoveIsVoid) {
  auto body = ParseStatement<Consent>(consent_)->body;
  body.destination = world_.us.region();
  consent_ = world_.account.Sign(body, world_.now(), world_.now() + kDayMs);
  EXPECT_THAT(Import(Command()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(ImporterTest, ConsentThatTheTopologyDoesNotComputeIsVoid) {
  auto body = ParseStatement<Consent>(consent_)->body;
  body.can_compel_after = {"US"};
  consent_ = world_.account.Sign(body, world_.now(), world_.now() + kDayMs);
  EXPECT_THAT(Import(Command()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(ImporterTest, ConsentFromALaterEpochIsVoid) {
  auto body = ParseStatement<Consent>(consent_)->body;
  body.from_epoch = 2;
  consent_ = world_.account.Sign(body, world_.now(), world_.now() + kDayMs);
  EXPECT_THAT(Import(Command()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(ImporterTest, ConsentOfARevokedDeviceIsVoid) {
  world_.account.AddDevice();
  const auto body = ParseStatement<Consent>(world_.SignConsent())->body;
  consent_ = world_.account.Sign(body, world_.now(), world_.now() + kDayMs, 1);
  world_.account.RevokeDevice(1);
  EXPECT_THAT(Import(Command()), RefusedWith(Reason::kConsentVoid));
}

TEST_F(ImporterTest, StatementOfARevokedDeviceStillCountsInTheHistory) {
  world_.account.AddDevice();
  const Statement old = world_.account.Sign(TerritoryChange{"CN"}, world_.now(), 0, 1);
  world_.account.RevokeDevice(1);
  consent_ = world_.SignConsent();
  ImportCommand command = Command();
  command.account_statements = {command.account_statements[0], old, consent_};
  EXPECT_THAT(Import(command), IsOk());
}

TEST_F(ImporterTest, HistoryMustBeginWithTheRecordAndAscend) {
  ImportCommand command = Command();
  std::swap(command.account_statements[0], command.account_statements[1]);
  EXPECT_THAT(Import(command), RefusedWith(Reason::kFieldInvalid));
  command.account_statements.clear();
  EXPECT_THAT(Import(command), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(ImporterTest, HistoryOfSomebodyElseIsRefused) {
  TestAccount other = world_.deployment().NewAccount();
  ImportCommand command = Command();
  command.account_statements[0] = other.SignRecord(world_.topology(), "CN", world_.now());
  EXPECT_THAT(Import(command), RefusedWith(Reason::kSignatureInvalid));
  command = Command();
  command.chain = other.entries();
  EXPECT_THAT(Import(command), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(ImporterTest, ExportMustBeEndorsedAndAboutTheseKeys) {
  ImportCommand command = Command();
  command.endorsement = world_.cn.site().endorsement();
  EXPECT_THAT(Import(command), RefusedWith(Reason::kEndorsementMissing));
  command = Command();
  command.key_export.signatures[0].signature[3] ^= 1;
  EXPECT_THAT(Import(command), RefusedWith(Reason::kSignatureInvalid));
  command = Command();
  command.sealed_keys.back() ^= 1;
  EXPECT_THAT(Import(command), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(ImporterTest, KeysThatDoNotOpenAreCorrupt) {
  ImportCommand command = Command();
  command.sealed_keys.back() ^= 1;
  Reseal(command, ParseStatement<KeyExport>(command.key_export)->body.transport_key);
  EXPECT_THAT(Import(command), RefusedWith(Reason::kDataCorrupt));
  EXPECT_FALSE(AtDestination().exists());
}

TEST_F(ImporterTest, AccountThatIsServedHereIsNotImported) {
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Import(Command()));
  ASSERT_THAT(DeliverFromUs({SignedRelease(receipt), world_.us.site().endorsement()}), IsOk());
  EXPECT_THAT(Import(Command(3)), RefusedWith(Reason::kStatementSuperseded));
}

TEST_F(ImporterTest, AbortBeforeTheImportForbidsIt) {
  ImportCommand command = Command();
  const Statement abort =
      SignAs(world_.deployment(), "us", ServiceKind::kCustody, world_.account.id(),
             Abort{2, AbortReason::kTimeout, consent_.digest()}, world_.now());
  ASSERT_THAT(DeliverFromUs({abort, world_.us.site().endorsement()}), IsOk());
  EXPECT_THAT(Import(command), RefusedWith(Reason::kStatementSuperseded));
  EXPECT_THAT(Import(Command(3)), IsOk());
}

TEST_F(ImporterTest, AbortWithoutEndorsementIsRefused) {
  const Statement abort =
      SignAs(world_.deployment(), "us", ServiceKind::kCustody, world_.account.id(),
             Abort{2, AbortReason::kTimeout, consent_.digest()}, world_.now());
  EXPECT_THAT(DeliverFromUs({abort}), RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(ImporterTest, ReleaseOfOtherKeysActivatesNothing) {
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Import(Command()));
  Statement other = receipt;
  other.body.back() ^= 1;
  EXPECT_THAT(DeliverFromUs({SignedRelease(other), world_.us.site().endorsement()}),
              RefusedWith(Reason::kStateNotReady));
  EXPECT_EQ(AtDestination().presence, Presence::kNone);
}

TEST_F(ImporterTest, ReleaseWithoutEndorsementActivatesNothing) {
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Import(Command()));
  EXPECT_THAT(DeliverFromUs({SignedRelease(receipt)}), RefusedWith(Reason::kEndorsementMissing));
  EXPECT_THAT(DeliverFromUs({SignedRelease(receipt), world_.cn.site().endorsement()}),
              RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(ImporterTest, ReleaseBeforeTheImportIsNotReady) {
  EXPECT_THAT(DeliverFromUs({SignedRelease(consent_), world_.us.site().endorsement()}),
              RefusedWith(Reason::kAccountNotHere));
}

TEST_F(ImporterTest, NothingIsActivatedWithoutItsLeaf) {
  ASSERT_OK_AND_ASSIGN(const Statement receipt, Import(Command()));
  const std::vector<Statement> release = {SignedRelease(receipt), world_.us.site().endorsement()};
  world_.cn.log().FailNext(FakeLeafLog::Fate::kNotWritten);
  EXPECT_THAT(DeliverFromUs(release), RefusedWith(Reason::kLogUnavailable));
  EXPECT_EQ(AtDestination().presence, Presence::kNone);
  ASSERT_OK_AND_ASSIGN(const auto answer, DeliverFromUs(release));
  EXPECT_TRUE(FindBody<Activation>(answer, "cn").has_value());
}

TEST_F(ImporterTest, ArrivingAccountCannotBeCreated) {
  ASSERT_THAT(Import(Command()), IsOk());
  TestAccount& owner = world_.account;
  EXPECT_THAT(world_.cn.custody().custodian().Create(CustodyNode::Device(owner.device()),
                                                     owner.entries(), consent_),
              RefusedWith(Reason::kAccountNotHere));
}

}  // namespace
}  // namespace comity::custody
