#include "services/common/statement/device_chain.h"

#include "services/common/crypto/digest.h"
#include "tests/testing/account.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

constexpr char kDeployment[] = "chain.test";

class DeviceChainTest : public ::testing::Test {
 protected:
  static PrivateKey NewKey(SignatureAlgorithm algorithm = SignatureAlgorithm::kEcdsaP256) {
    return PrivateKey::Generate(algorithm);
  }
  // An entry that follows the account's newest one.
  ChainEntry Next(ChainAction action) const {
    ChainEntry entry;
    entry.action = action;
    entry.previous = account_.entries().back().digest();
    return entry;
  }
  ChainEntry NextAdd(const PublicKey& key) const {
    ChainEntry entry = Next(ChainAction::kAdd);
    entry.device_key = key.spki();
    entry.sealing_key = std::string(32, 's');
    return entry;
  }
  Statement Sign(const ChainEntry& entry, const PrivateKey& signer) const {
    return account_.SignEntry(entry, signer, account_.entries().size());
  }
  // What the chain says to one more entry.
  void ExpectRefused(const Statement& entry, Reason reason, const std::string& cause) const {
    const absl::StatusOr<DeviceChain> chain = account_.chain().Extend({entry});
    EXPECT_THAT(chain, RefusedWith(reason));
    EXPECT_THAT(CauseOf(chain.status()), HasSubstr(cause));
  }

  TestAccount account_{kDeployment, 1};
};

TEST_F(DeviceChainTest, IdIsTheHashOfTheFirstKey) {
  const std::string spki = account_.device().key.public_key().spki();
  EXPECT_EQ(AccountIdOf(spki).bytes(), Sha256("comity account v1" + spki).substr(0, 20));
  EXPECT_EQ(account_.chain().account(), AccountIdOf(spki));
}

TEST_F(DeviceChainTest, AddedDevicesSpeakForTheAccountAndRevokedOnesDoNot) {
  account_.AddDevice();
  account_.AddDevice();
  account_.RevokeDevice(1);
  const DeviceChain chain = account_.chain();
  EXPECT_EQ(chain.devices().size(), 3U);
  EXPECT_NE(chain.FindActive(account_.device(0).key.public_key().id()), nullptr);
  EXPECT_EQ(chain.FindActive(account_.device(1).key.public_key().id()), nullptr);
  EXPECT_NE(chain.FindActive(account_.device(2).key.public_key().id()), nullptr);
  EXPECT_EQ(chain.FindActive(account_.recovery_key().public_key().id()), nullptr);
  EXPECT_EQ(chain.head(), (ChainHead{3, account_.entries()[3].digest()}));
  EXPECT_EQ(chain.deployment(), kDeployment);
}

TEST_F(DeviceChainTest, ContainsItsEntriesOnly) {
  account_.AddDevice();
  const DeviceChain chain = account_.chain();
  EXPECT_TRUE(chain.Contains({0, account_.entries()[0].digest()}));
  EXPECT_TRUE(chain.Contains(chain.head()));
  EXPECT_FALSE(chain.Contains({0, account_.entries()[1].digest()}));
  EXPECT_FALSE(chain.Contains({2, account_.entries()[1].digest()}));
}

TEST_F(DeviceChainTest, RecoveryKeyMayAddADevice) {
  const PrivateKey key = NewKey();
  ASSERT_OK_AND_ASSIGN(
      const DeviceChain chain,
      account_.chain().Extend({Sign(NextAdd(key.public_key()), account_.recovery_key())}));
  EXPECT_NE(chain.FindActive(key.public_key().id()), nullptr);
}

TEST_F(DeviceChainTest, ReplacedRecoveryKeyLosesItsPower) {
  const PrivateKey recovery = NewKey();
  ChainEntry replace = Next(ChainAction::kReplaceRecovery);
  replace.recovery_key = recovery.public_key().spki();
  const Statement replaced = Sign(replace, account_.device().key);
  ASSERT_OK_AND_ASSIGN(const DeviceChain chain, account_.chain().Extend({replaced}));
  EXPECT_EQ(chain.recovery_key().id(), recovery.public_key().id());

  ChainEntry add = NextAdd(NewKey().public_key());
  add.previous = replaced.digest();
  EXPECT_THAT(chain.Extend({account_.SignEntry(add, account_.recovery_key(), 2)}),
              RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(chain.Extend({account_.SignEntry(add, recovery, 2)}), IsOk());
}

// ---- Verify ----

TEST_F(DeviceChainTest, VerifyFailsWithoutEntries) {
  EXPECT_THAT(DeviceChain::Verify(account_.id(), {}), RefusedWith(Reason::kStatementMalformed));
}

TEST_F(DeviceChainTest, VerifyFailsForMoreEntriesThanTheLimit) {
  EXPECT_THAT(
      DeviceChain::Verify(account_.id(), std::vector<Statement>(257, account_.entries()[0])),
      RefusedWith(Reason::kStatementMalformed));
}

TEST_F(DeviceChainTest, VerifyFailsForAnotherAccountsId) {
  const TestAccount other(kDeployment, 1);
  EXPECT_THAT(DeviceChain::Verify(other.id(), account_.entries()),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, VerifyFailsWhenTheFirstKeyMakesAnotherAccount) {
  // A stranger signs a first entry of his own that names the account.
  const PrivateKey stranger = NewKey();
  ChainEntry entry;
  entry.device_key = stranger.public_key().spki();
  entry.sealing_key = std::string(32, 's');
  entry.recovery_key = NewKey().public_key().spki();
  const absl::StatusOr<DeviceChain> chain =
      DeviceChain::Verify(account_.id(), {account_.SignEntry(entry, stranger, 0)});
  EXPECT_THAT(chain, RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(CauseOf(chain.status()), HasSubstr("another account"));
}

TEST_F(DeviceChainTest, VerifyFailsWhenEntryZeroIsSignedByAnother) {
  ChainEntry entry;
  entry.device_key = account_.device().key.public_key().spki();
  entry.sealing_key = std::string(32, 's');
  entry.recovery_key = NewKey().public_key().spki();
  EXPECT_THAT(DeviceChain::Verify(account_.id(), {account_.SignEntry(entry, NewKey(), 0)}),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, VerifyFailsWhenAnEntryIsLeftOut) {
  account_.AddDevice();
  account_.AddDevice();
  std::vector<Statement> entries = account_.entries();
  entries.erase(entries.begin() + 1);
  EXPECT_THAT(DeviceChain::Verify(account_.id(), entries), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(DeviceChain::Verify(account_.id(), {account_.entries()[1]}),
              RefusedWith(Reason::kStatementMalformed));
}

TEST_F(DeviceChainTest, VerifyFailsWhenASignatureIsFlipped) {
  account_.AddDevice();
  for (size_t i = 0; i < 2; ++i) {
    std::vector<Statement> entries = account_.entries();
    entries[i].signatures[0].signature[5] ^= 1;
    EXPECT_THAT(DeviceChain::Verify(account_.id(), entries),
                RefusedWith(Reason::kSignatureInvalid));
  }
}

TEST_F(DeviceChainTest, VerifyFailsForAnotherKindOfStatement) {
  EXPECT_THAT(DeviceChain::Verify(account_.id(), {account_.Sign(Close{}, 1)}),
              RefusedWith(Reason::kStatementMalformed));
}

// ---- Restore ----

TEST_F(DeviceChainTest, RestoreIsVerifyWithoutTheSignatures) {
  account_.AddDevice();
  account_.RevokeDevice(0);
  std::vector<Statement> entries = account_.entries();
  ASSERT_OK_AND_ASSIGN(const DeviceChain restored, DeviceChain::Restore(account_.id(), entries));
  EXPECT_EQ(restored.head(), account_.chain().head());
  EXPECT_EQ(restored.devices().size(), 2U);
  EXPECT_EQ(restored.FindActive(account_.device(0).key.public_key().id()), nullptr);
  EXPECT_EQ(restored.recovery_key().id(), account_.recovery_key().public_key().id());
  entries[1].signatures[0].signature[5] ^= 1;
  EXPECT_THAT(DeviceChain::Restore(account_.id(), entries), IsOk());
  EXPECT_THAT(DeviceChain::Verify(account_.id(), entries), RefusedWith(Reason::kSignatureInvalid));
  // What is added later is verified.
  EXPECT_THAT(restored.Extend({Sign(NextAdd(NewKey().public_key()), NewKey())}),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, RestoreFailsForEverythingElseThatVerifyRefuses) {
  account_.AddDevice();
  account_.AddDevice();
  std::vector<Statement> entries = account_.entries();
  const TestAccount other(kDeployment, 1);
  EXPECT_THAT(DeviceChain::Restore(other.id(), entries), RefusedWith(Reason::kSignatureInvalid));
  EXPECT_THAT(DeviceChain::Restore(account_.id(), {}), RefusedWith(Reason::kStatementMalformed));
  entries.erase(entries.begin() + 1);
  EXPECT_THAT(DeviceChain::Restore(account_.id(), entries), RefusedWith(Reason::kSignatureInvalid));
}

// ---- Extend ----

TEST_F(DeviceChainTest, ExtendSkipsWhatItKnows) {
  const DeviceChain before = account_.chain();
  account_.AddDevice();
  ASSERT_OK_AND_ASSIGN(const DeviceChain after, before.Extend(account_.entries()));
  EXPECT_EQ(after.head(), account_.chain().head());
  ASSERT_OK_AND_ASSIGN(const DeviceChain again, after.Extend(account_.entries()));
  EXPECT_EQ(again.head(), after.head());
  EXPECT_EQ(before.head().number, 0U);
}

TEST_F(DeviceChainTest, ExtendFailsWhenEntriesBetweenAreMissing) {
  const DeviceChain before = account_.chain();
  account_.AddDevice();
  account_.AddDevice();
  EXPECT_THAT(before.Extend({account_.entries()[2]}), RefusedWith(Reason::kChainBehind));
}

TEST_F(DeviceChainTest, ExtendFindsAForkThatADeviceSigned) {
  const Statement fork = Sign(NextAdd(NewKey().public_key()), account_.device().key);
  account_.AddDevice();
  EXPECT_THAT(account_.chain().Extend({fork}), RefusedWith(Reason::kChainForked));
}

TEST_F(DeviceChainTest, ExtendFindsAForkAtTheFirstEntry) {
  ChainEntry first;
  first.device_key = account_.device().key.public_key().spki();
  first.sealing_key = std::string(32, 'x');
  first.recovery_key = NewKey().public_key().spki();
  EXPECT_THAT(account_.chain().Extend({account_.SignEntry(first, account_.device().key, 0)}),
              RefusedWith(Reason::kChainForked));
}

TEST_F(DeviceChainTest, AStrangerCannotMakeAFork) {
  const Statement forged = Sign(NextAdd(NewKey().public_key()), NewKey());
  account_.AddDevice();
  EXPECT_THAT(account_.chain().Extend({forged}), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, ADeviceAddedLaterCannotMakeAForkBeforeItself) {
  const ChainEntry other = NextAdd(NewKey().public_key());
  account_.AddDevice();
  EXPECT_THAT(account_.chain().Extend({account_.SignEntry(other, account_.device(1).key, 1)}),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, ExtendFailsWhenTheHashLinkIsBroken) {
  ChainEntry entry = NextAdd(NewKey().public_key());
  entry.previous = Sha256Digest("other");
  ExpectRefused(Sign(entry, account_.device().key), Reason::kSignatureInvalid, "hash");
}

TEST_F(DeviceChainTest, ExtendFailsWhenARevokedDeviceSigns) {
  account_.AddDevice();
  account_.RevokeDevice(1);
  ExpectRefused(Sign(NextAdd(NewKey().public_key()), account_.device(1).key),
                Reason::kSignatureInvalid, "not valid before");
}

TEST_F(DeviceChainTest, ExtendFailsWhenTheAddedDeviceSignsForItself) {
  const PrivateKey key = NewKey();
  ExpectRefused(Sign(NextAdd(key.public_key()), key), Reason::kSignatureInvalid,
                "not valid before");
}

TEST_F(DeviceChainTest, ExtendFailsWhenARevokedKeyComesBack) {
  account_.AddDevice();
  account_.RevokeDevice(1);
  ExpectRefused(Sign(NextAdd(account_.device(1).key.public_key()), account_.device().key),
                Reason::kSignatureInvalid, "already in the chain");
}

TEST_F(DeviceChainTest, ExtendFailsWhenTheRecoveryKeyBecomesADevice) {
  ExpectRefused(Sign(NextAdd(account_.recovery_key().public_key()), account_.device().key),
                Reason::kSignatureInvalid, "already in the chain");
}

TEST_F(DeviceChainTest, ExtendFailsWhenADeviceBecomesTheRecoveryKey) {
  ChainEntry entry = Next(ChainAction::kReplaceRecovery);
  entry.recovery_key = account_.device().key.public_key().spki();
  ExpectRefused(Sign(entry, account_.device().key), Reason::kSignatureInvalid,
                "already in the chain");
}

TEST_F(DeviceChainTest, ExtendFailsWhenTheLastDeviceIsRevoked) {
  ChainEntry entry = Next(ChainAction::kRevoke);
  entry.revoked = account_.device().key.public_key().id();
  ExpectRefused(Sign(entry, account_.recovery_key()), Reason::kSignatureInvalid, "last device");
}

TEST_F(DeviceChainTest, ExtendFailsWhenAnUnknownDeviceIsRevoked) {
  ChainEntry entry = Next(ChainAction::kRevoke);
  entry.revoked = NewKey().public_key().id();
  ExpectRefused(Sign(entry, account_.device().key), Reason::kSignatureInvalid, "no active device");
}

TEST_F(DeviceChainTest, ExtendFailsWhenFieldsDoNotFitTheAction) {
  const auto refused = [&](const ChainEntry& entry) {
    ExpectRefused(Sign(entry, account_.device().key), Reason::kStatementMalformed,
                  "fields that its action has not");
  };
  refused(Next(ChainAction::kAdd));
  refused(Next(ChainAction::kRevoke));
  refused(Next(ChainAction::kReplaceRecovery));
  ChainEntry with_recovery = NextAdd(NewKey().public_key());
  with_recovery.recovery_key = NewKey().public_key().spki();
  refused(with_recovery);
  ChainEntry with_revoked = NextAdd(NewKey().public_key());
  with_revoked.revoked = account_.device().key.public_key().id();
  refused(with_revoked);
}

TEST_F(DeviceChainTest, ExtendFailsWhenKeysAreOfAWrongKind) {
  const PrivateKey ed25519 = NewKey(SignatureAlgorithm::kEd25519);
  ExpectRefused(Sign(NextAdd(ed25519.public_key()), account_.device().key),
                Reason::kStatementMalformed, "not a P-256 key");
  ChainEntry short_sealing = NextAdd(NewKey().public_key());
  short_sealing.sealing_key = std::string(31, 's');
  ExpectRefused(Sign(short_sealing, account_.device().key), Reason::kStatementMalformed,
                "32 bytes");
}

TEST_F(DeviceChainTest, ExtendFailsWhenAnEntryHasTwoSignatures) {
  Statement entry = Sign(NextAdd(NewKey().public_key()), account_.device().key);
  AddSignature(entry, NewKey());
  ExpectRefused(entry, Reason::kSignatureInvalid, "one signature");
}

TEST_F(DeviceChainTest, ExtendFailsForAnotherDeploymentOrRegion) {
  Envelope envelope;
  envelope.deployment = "other.test";
  envelope.subject = std::string(account_.id().bytes());
  envelope.number = 1;
  const ChainEntry entry = NextAdd(NewKey().public_key());
  ExpectRefused(SignStatement(envelope, entry, account_.device().key), Reason::kSignatureInvalid,
                "another deployment");
  envelope.deployment = kDeployment;
  envelope.region = "cn";
  ExpectRefused(SignStatement(envelope, entry, account_.device().key), Reason::kSignatureInvalid,
                "no region");
}

// ---- statements of devices ----

TEST_F(DeviceChainTest, StatementOfAnActiveDeviceIsTaken) {
  account_.AddDevice();
  EXPECT_THAT(account_.chain().VerifyDeviceStatement(account_.Sign(Close{}, 1, 0, 1)), IsOk());
}

TEST_F(DeviceChainTest, StatementOfARevokedDeviceIsRefused) {
  account_.AddDevice();
  const Statement statement = account_.Sign(Close{}, 1, 0, 1);
  account_.RevokeDevice(1);
  EXPECT_THAT(account_.chain().VerifyDeviceStatement(statement),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, StatementAboutAnotherAccountIsRefused) {
  const TestAccount other(kDeployment, 1);
  EXPECT_THAT(other.chain().VerifyDeviceStatement(account_.Sign(Close{}, 1)),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, StatementForAnotherDeploymentOrRegionIsRefused) {
  Envelope envelope = account_.NextEnvelope(1);
  envelope.deployment = "other.test";
  EXPECT_THAT(account_.chain().VerifyDeviceStatement(
                  SignStatement(envelope, Close{}, account_.device().key)),
              RefusedWith(Reason::kSignatureInvalid));
  envelope = account_.NextEnvelope(1);
  envelope.region = "cn";
  EXPECT_THAT(account_.chain().VerifyDeviceStatement(
                  SignStatement(envelope, Close{}, account_.device().key)),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, StatementThatOnlyNamesADeviceIsRefused) {
  Statement statement = account_.Sign(Close{}, 1);
  statement.signatures.clear();
  AddSignature(statement, NewKey());
  EXPECT_THAT(account_.chain().VerifyDeviceStatement(statement),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, StatementOfTheRecoveryKeyIsRefused) {
  EXPECT_THAT(account_.chain().VerifyDeviceStatement(
                  SignStatement(account_.NextEnvelope(1), Close{}, account_.recovery_key())),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(DeviceChainTest, StatementThatDoesNotParseIsRefused) {
  EXPECT_THAT(account_.chain().VerifyDeviceStatement({"x", {}}),
              RefusedWith(Reason::kStatementMalformed));
}

}  // namespace
}  // namespace comity
