#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/digest.h"
#include "services/common/log/merkle.h"
#include "services/common/log/root_builder.h"
#include "services/common/statement/custody.h"
#include "services/common/statement/object_record.h"
#include "services/common/status/macros.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"
#include "tests/testing/unsafe_authorization.h"

// The destination's own checks, against a source that may say anything.
namespace comity::storage {
namespace {

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

class IncomingTest : public ::testing::Test {
 protected:
  IncomingTest() {
    command_.account = account_.id();
    command_.epoch = 2;
    command_.chain = account_.entries();
    command_.statements = {record_};
    command_.consent = consent_;
  }

  Incoming& incoming() { return world_.cn.node->incoming(); }
  absl::Status Prepare() { return incoming().Prepare(source_, command_); }
  // Streams one object in.
  absl::Status Copy(const ObjectId& id, std::string_view bytes, std::string_view sent) {
    ASSIGN_OR_RETURN(const auto receiver, incoming().BeginCopy(source_, account_.id(), 2));
    RETURN_IF_ERROR(receiver->Begin(MakeRecord(id, bytes)));
    RETURN_IF_ERROR(receiver->Write(sent));
    return receiver->End();
  }
  static ObjectRecord MakeRecord(const ObjectId& id, std::string_view bytes) {
    ObjectRecord record;
    record.object = id;
    record.version = 1;
    record.size = bytes.size();
    record.digest = Sha256Digest(bytes);
    record.wrapped_content_key = "c";
    record.wrapped_attributes_key = "a";
    record.sealed_attributes = "s";
    return record;
  }
  // The source's manifest over these records.
  Statement SignManifest(const std::vector<ObjectRecord>& records, AccountEpoch epoch = 2) {
    DataManifest body;
    body.epoch = epoch;
    merkle::RootBuilder root;
    for (const ObjectRecord& record : records) {
      root.Add(ObjectRecordLeafHash(record));
      body.versions += 1;
      body.bytes += record.size;
    }
    body.root = root.Root();
    return SignAsStorage(body);
  }
  template <typename Body>
  Statement SignAsStorage(const Body& body) {
    Envelope envelope;
    envelope.deployment = Deployment().topology().deployment();
    envelope.region = "us";
    envelope.subject = std::string(account_.id().bytes());
    envelope.number = 1;
    envelope.time = world_.clock.Now();
    return SignStatement(envelope, body,
                         Deployment().service("us", ServiceKind::kStorage).statement_key);
  }
  absl::StatusOr<ConfirmedManifest> Confirm(const Statement& manifest) {
    return incoming().Confirm(source_, account_.id(), 2, manifest,
                              Deployment().service("us", ServiceKind::kStorage).endorsement);
  }
  std::vector<Statement> SignRelease(const Digest& root, AccountEpoch epoch = 2) {
    Release release{epoch, TestDeployment::Region("cn"), consent_.digest(), Digest(), root};
    const Statement released = world_.custody.Sign("us", account_.id(), release);
    Activation activation;
    activation.epoch = epoch;
    activation.newest_version = 1;
    activation.metadata_public_key = std::string(32, 'm');
    activation.release = released.digest();
    return {released, world_.custody.endorsement("us"),
            world_.custody.Sign("cn", account_.id(), activation), world_.custody.endorsement("cn")};
  }
  absl::Status Deliver(const std::vector<Statement>& statements) {
    return world_.cn.node->deliveries().Deliver(source_, account_.id(), statements).status();
  }
  void ExpectNothingHere() {
    EXPECT_EQ(world_.Account(world_.cn, account_), nullptr);
    EXPECT_TRUE(world_.cn.blobs.List(BlobFolder(account_.id()), "", 10).value().empty());
  }

  StorageWorld world_{Deployment(), TestDeployment::kHandover + kDayMs};
  const Authorization source_ =
      UnsafeAuthorizationForTest::Service("us", ServiceKind::kStorage, "apple");
  TestAccount account_ = Deployment().NewAccount();
  Statement record_ = account_.SignRecord(Deployment().topology(), "CN", TestDeployment::kStart);
  Statement consent_ = account_.SignConsent(Deployment().topology(), "CN",
                                            TestDeployment::Region("us"), 1, world_.clock.Now());
  PrepareCommand command_;
};

TEST_F(IncomingTest, PreparedMoveTakesCopiesAndServesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
  EXPECT_THAT(world_.Get(world_.cn, account_, ObjectInBucket(3)).status(),
              RefusedWith(Reason::kAccountNotHere));
  EXPECT_EQ(world_.cn.log.Count("account.incoming"), 1u);
}

TEST_F(IncomingTest, RepeatedPrepareChangesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto receiver, incoming().BeginCopy(source_, account_.id(), 2));
  ASSERT_OK_AND_ASSIGN(const auto held, receiver->NextHeld());
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->object, ObjectInBucket(3));
  EXPECT_EQ(world_.cn.log.Count("account.incoming"), 1u);
}

TEST_F(IncomingTest, PrepareWithoutConsentIsRefused) {
  command_.consent.reset();
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kConsentMissing));
  ExpectNothingHere();
}

TEST_F(IncomingTest, CopyWithoutPrepareIsRefused) {
  EXPECT_THAT(Copy(ObjectInBucket(3), "x", "x"), RefusedWith(Reason::kConsentMissing));
}

TEST_F(IncomingTest, CopyOfAnotherEpochIsRefused) {
  ASSERT_THAT(Prepare(), IsOk());
  EXPECT_THAT(incoming().BeginCopy(source_, account_.id(), 3).status(),
              RefusedWith(Reason::kConsentMissing));
}

TEST_F(IncomingTest, ConfirmWithoutPrepareIsRefused) {
  EXPECT_THAT(Confirm(SignManifest({})).status(), RefusedWith(Reason::kConsentMissing));
}

TEST_F(IncomingTest, ReleaseWithoutPrepareFindsNoAccount) {
  EXPECT_THAT(Deliver(SignRelease(merkle::EmptyRoot())), RefusedWith(Reason::kAccountNotHere));
}

TEST_F(IncomingTest, ConsentThatWasTakenBackIsVoid) {
  command_.statements.push_back(
      account_.Sign(Withdrawal{account_.last_number()}, world_.clock.Now()));
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kConsentVoid));
  ExpectNothingHere();
}

TEST_F(IncomingTest, ConsentBeforeAChangeOfTerritoryIsVoid) {
  command_.statements.push_back(account_.Sign(TerritoryChange{"CN"}, world_.clock.Now()));
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kConsentVoid));
}

TEST_F(IncomingTest, ExpiredConsentIsVoid) {
  world_.clock.Advance(91 * kDayMs);
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kConsentVoid));
}

TEST_F(IncomingTest, ConsentOfALaterEpochIsVoid) {
  command_.epoch = 1;
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kConsentVoid));
}

TEST_F(IncomingTest, ConsentSignedByAnotherAccountIsRefused) {
  TestAccount other = Deployment().NewAccount();
  command_.consent = other.SignConsent(Deployment().topology(), "CN", TestDeployment::Region("us"),
                                       1, world_.clock.Now());
  EXPECT_FALSE(Prepare().ok());
  ExpectNothingHere();
}

TEST_F(IncomingTest, TerritoryWhoseHomeIsElsewhereIsRefused) {
  TestAccount other = Deployment().NewAccount();
  command_.account = other.id();
  command_.chain = other.entries();
  command_.statements = {other.SignRecord(Deployment().topology(), "HK", TestDeployment::kStart)};
  command_.consent = other.SignConsent(Deployment().topology(), "CN", TestDeployment::Region("us"),
                                       1, world_.clock.Now());
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kConsentVoid));
}

TEST_F(IncomingTest, ChainOlderThanTheConsentIsBehind) {
  account_.AddDevice();
  const std::vector<Statement> old(account_.entries().begin(), account_.entries().end() - 1);
  command_.consent = account_.SignConsent(Deployment().topology(), "CN",
                                          TestDeployment::Region("us"), 1, world_.clock.Now());
  command_.chain = old;
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kChainBehind));
}

TEST_F(IncomingTest, MissingRecordIsRefused) {
  command_.statements.clear();
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(IncomingTest, ServiceStatementsAreNoPartOfAPrepare) {
  command_.statements.push_back(world_.custody.endorsement("us"));
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(IncomingTest, SourceThatTheConsentDoesNotNameIsRefused) {
  const Authorization other =
      UnsafeAuthorizationForTest::Service("cn", ServiceKind::kStorage, "gcbd");
  EXPECT_THAT(incoming().Prepare(other, command_), RefusedWith(Reason::kBorderClosed));
}

TEST_F(IncomingTest, BorderThatTheTopologyDoesNotDeclareIsClosed) {
  std::string text = ReadTopologyTemplate();
  const std::string edge =
      "borders { from: \"us\" to: \"cn\" kinds: SERVICE_KIND_STORAGE kinds: "
      "SERVICE_KIND_CUSTODY }";
  ASSERT_NE(text.find(edge), std::string::npos);
  text.replace(text.find(edge), edge.size(),
               "borders { from: \"us\" to: \"cn\" kinds: SERVICE_KIND_CUSTODY }");
  const TestDeployment closed(text);
  StorageWorld world(closed, TestDeployment::kHandover + kDayMs);
  TestAccount account = closed.NewAccount();
  PrepareCommand command;
  command.account = account.id();
  command.epoch = 2;
  command.chain = account.entries();
  command.statements = {account.SignRecord(closed.topology(), "CN", TestDeployment::kStart)};
  command.consent = account.SignConsent(closed.topology(), "CN", TestDeployment::Region("us"), 1,
                                        world.clock.Now());
  EXPECT_THAT(world.cn.node->incoming().Prepare(source_, command),
              RefusedWith(Reason::kBorderClosed));
}

TEST_F(IncomingTest, BytesThatAreNotThoseOfTheRecordAreRefused) {
  ASSERT_THAT(Prepare(), IsOk());
  EXPECT_THAT(Copy(ObjectInBucket(3), "bytes", "bytez"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(Copy(ObjectInBucket(3), "bytes", "byte"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_TRUE(world_.cn.blobs.List(BlobFolder(account_.id()), "", 10).value().empty());
}

TEST_F(IncomingTest, DifferentManifestIsAConflict) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  EXPECT_THAT(Confirm(SignManifest({})).status(), RefusedWith(Reason::kConflict));
  EXPECT_THAT(Confirm(SignManifest({MakeRecord(ObjectInBucket(3), "other")})).status(),
              RefusedWith(Reason::kConflict));
}

TEST_F(IncomingTest, EqualManifestIsSignedTheSameAgain) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  const Statement manifest = SignManifest({MakeRecord(ObjectInBucket(3), "bytes")});
  ASSERT_OK_AND_ASSIGN(const ConfirmedManifest first, Confirm(manifest));
  ASSERT_OK_AND_ASSIGN(const ConfirmedManifest second, Confirm(manifest));
  EXPECT_EQ(first.manifest, second.manifest);
}

TEST_F(IncomingTest, ManifestOfAnotherEpochIsRefused) {
  ASSERT_THAT(Prepare(), IsOk());
  EXPECT_THAT(Confirm(SignManifest({}, 3)).status(), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(IncomingTest, ManifestWithoutEndorsementIsRefused) {
  ASSERT_THAT(Prepare(), IsOk());
  EXPECT_THAT(incoming()
                  .Confirm(source_, account_.id(), 2, SignManifest({}),
                           Deployment().service("us", ServiceKind::kCustody).endorsement)
                  .status(),
              RefusedWith(Reason::kEndorsementMissing));
}

TEST_F(IncomingTest, VersionsThatAreMadeDurableTogetherAreAllThereAtTheEnd) {
  world_.task_threads = 8;
  world_.Restart(world_.cn);
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto receiver, incoming().BeginCopy(source_, account_.id(), 2));
  std::vector<ObjectRecord> records;
  for (uint8_t i = 0; i < 60; ++i) {
    // Some alone in their bucket, some not.
    records.push_back(MakeRecord(ObjectInBucket(i / 2 * 3, i % 2), "bytes " + std::to_string(i)));
  }
  for (size_t i = 0; i < records.size(); ++i) {
    ASSERT_THAT(receiver->Begin(records[i]), IsOk());
    ASSERT_THAT(receiver->Write("bytes " + std::to_string(i)), IsOk());
    ASSERT_THAT(receiver->End(), IsOk());
  }
  EXPECT_THAT(receiver->Finish(), IsOkAndHolds(records.size()));
  EXPECT_THAT(Confirm(SignManifest(records)).status(), IsOk());
}

TEST_F(IncomingTest, BytesThatAreNotTheRecordsAreFoundAmongOthersUnderWay) {
  world_.task_threads = 4;
  world_.Restart(world_.cn);
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto receiver, incoming().BeginCopy(source_, account_.id(), 2));
  for (const char* sent : {"bytes", "other"}) {
    ASSERT_THAT(receiver->Begin(MakeRecord(ObjectInBucket(3, sent[0] == 'o'), "bytes")), IsOk());
    ASSERT_THAT(receiver->Write(sent), IsOk());
    ASSERT_THAT(receiver->End(), IsOk());
  }
  EXPECT_THAT(receiver->Finish().status(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(IncomingTest, DeletionCountsLikeAVersion) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto receiver, incoming().BeginCopy(source_, account_.id(), 2));
  ASSERT_THAT(receiver->Delete(ObjectInBucket(3)), IsOk());
  EXPECT_THAT(receiver->Finish(), IsOkAndHolds(1u));
  EXPECT_THAT(Confirm(SignManifest({})).status(), IsOk());
}

TEST_F(IncomingTest, StragglingCopyFindsNoGateAfterTheManifest) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto straggler, incoming().BeginCopy(source_, account_.id(), 2));
  ASSERT_THAT(Confirm(SignManifest({MakeRecord(ObjectInBucket(3), "bytes")})).status(), IsOk());
  for (const uint8_t bucket : {3, 4}) {
    ASSERT_THAT(straggler->Begin(MakeRecord(ObjectInBucket(bucket, 9), "late")), IsOk());
    ASSERT_THAT(straggler->Write("late"), IsOk());
    EXPECT_THAT(straggler->End(), RefusedWith(Reason::kConflict)) << int{bucket};
  }
  EXPECT_THAT(straggler->Delete(ObjectInBucket(3)), RefusedWith(Reason::kConflict));
}

TEST_F(IncomingTest, ReleaseOfWhatIsHereActivates) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  const std::vector<ObjectRecord> records = {MakeRecord(ObjectInBucket(3), "bytes")};
  ASSERT_OK_AND_ASSIGN(const ConfirmedManifest confirmed, Confirm(SignManifest(records)));
  ASSERT_OK_AND_ASSIGN(const auto manifest, ParseStatement<DataManifest>(confirmed.manifest));
  ASSERT_THAT(Deliver(SignRelease(manifest.body.root)), IsOk());
  EXPECT_THAT(world_.Get(world_.cn, account_, ObjectInBucket(3)),
              IsOkAndHolds(std::string("bytes")));
  EXPECT_THAT(world_.TryPut(world_.cn, account_, ObjectInBucket(3, 1), "new").status(), IsOk());
  EXPECT_THAT(world_.TryPut(world_.cn, account_, ObjectInBucket(70), "new").status(), IsOk());
}

TEST_F(IncomingTest, ReleaseOfOtherDataActivatesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  EXPECT_THAT(Deliver(SignRelease(merkle::EmptyRoot())), RefusedWith(Reason::kStateNotReady));
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
}

TEST_F(IncomingTest, ReleaseWithoutActivationActivatesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  std::vector<Statement> statements = SignRelease(merkle::EmptyRoot());
  statements.resize(2);
  EXPECT_THAT(Deliver(statements), IsOk());
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
}

TEST_F(IncomingTest, ActivationWithoutReleaseActivatesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  std::vector<Statement> statements = SignRelease(merkle::EmptyRoot());
  statements.erase(statements.begin(), statements.begin() + 2);
  EXPECT_THAT(Deliver(statements), IsOk());
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
}

TEST_F(IncomingTest, ReleaseByACustodyWithoutEndorsementIsRefused) {
  ASSERT_THAT(Prepare(), IsOk());
  std::vector<Statement> statements = SignRelease(merkle::EmptyRoot());
  statements.erase(statements.begin() + 1);
  EXPECT_THAT(Deliver(statements), RefusedWith(Reason::kEndorsementMissing));
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
}

TEST_F(IncomingTest, WithdrawalBeforeTheManifestErases) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto straggler, incoming().BeginCopy(source_, account_.id(), 2));
  ASSERT_THAT(Deliver({account_.Sign(Withdrawal{account_.last_number()}, world_.clock.Now())}),
              IsOk());
  ExpectNothingHere();
  ASSERT_THAT(straggler->Begin(MakeRecord(ObjectInBucket(3), "late")), IsOk());
  ASSERT_THAT(straggler->Write("late"), IsOk());
  EXPECT_THAT(straggler->End(), RefusedWith(Reason::kConsentMissing));
}

TEST_F(IncomingTest, WithdrawalAfterTheManifestErasesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  const std::vector<ObjectRecord> records = {MakeRecord(ObjectInBucket(3), "bytes")};
  ASSERT_OK_AND_ASSIGN(const ConfirmedManifest confirmed, Confirm(SignManifest(records)));
  ASSERT_THAT(Deliver({account_.Sign(Withdrawal{account_.last_number()}, world_.clock.Now())}),
              IsOk());
  // Custody may have released before it saw the withdrawal: then this copy is the account.
  ASSERT_OK_AND_ASSIGN(const auto manifest, ParseStatement<DataManifest>(confirmed.manifest));
  ASSERT_THAT(Deliver(SignRelease(manifest.body.root)), IsOk());
  EXPECT_TRUE(world_.Serves(world_.cn, account_));
}

TEST_F(IncomingTest, AbortErasesAlsoAfterTheManifest) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  ASSERT_THAT(Confirm(SignManifest({MakeRecord(ObjectInBucket(3), "bytes")})).status(), IsOk());
  const Statement abort =
      world_.custody.Sign("us", account_.id(), Abort{2, AbortReason::kTimeout, consent_.digest()});
  ASSERT_THAT(Deliver({abort, world_.custody.endorsement("us")}), IsOk());
  ExpectNothingHere();
}

TEST_F(IncomingTest, AbortOfAnotherEpochErasesNothing) {
  ASSERT_THAT(Prepare(), IsOk());
  const Statement abort =
      world_.custody.Sign("us", account_.id(), Abort{7, AbortReason::kTimeout, consent_.digest()});
  ASSERT_THAT(Deliver({abort, world_.custody.endorsement("us")}), IsOk());
  EXPECT_NE(world_.Account(world_.cn, account_), nullptr);
}

TEST_F(IncomingTest, LaterEpochReplacesAnUnconfirmedMove) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  command_.epoch = 3;
  ASSERT_THAT(Prepare(), IsOk());
  EXPECT_TRUE(world_.cn.blobs.List(BlobFolder(account_.id()), "", 10).value().empty());
  EXPECT_THAT(incoming().BeginCopy(source_, account_.id(), 2).status(),
              RefusedWith(Reason::kConsentMissing));
  EXPECT_THAT(incoming().BeginCopy(source_, account_.id(), 3).status(), IsOk());
}

TEST_F(IncomingTest, ConfirmedMoveIsNotReplacedWithoutADecision) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Confirm(SignManifest({})).status(), IsOk());
  command_.epoch = 3;
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kStateNotReady));
}

TEST_F(IncomingTest, EarlierEpochDoesNotReplaceALaterOne) {
  command_.epoch = 3;
  ASSERT_THAT(Prepare(), IsOk());
  command_.epoch = 2;
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kStateNotReady));
}

TEST_F(IncomingTest, AccountThatIsServedHereIsNotPreparedAgain) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Confirm(SignManifest({})).status(), IsOk());
  ASSERT_THAT(Deliver(SignRelease(merkle::EmptyRoot())), IsOk());
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(Deliver(SignRelease(merkle::EmptyRoot())), IsOk())
      << "a repeat of the release is fine";
}

TEST_F(IncomingTest, ExpiryOfTheConsentErasesWhatWasNotConfirmed) {
  ASSERT_THAT(Prepare(), IsOk());
  ASSERT_THAT(Copy(ObjectInBucket(3), "bytes", "bytes"), IsOk());
  world_.clock.Advance(91 * kDayMs);
  world_.cn.node->Maintain([] { return false; });
  ExpectNothingHere();
}

TEST_F(IncomingTest, NothingIsPreparedWhenTheLogTakesNoLeaf) {
  world_.cn.log.SetUnavailable(true);
  EXPECT_THAT(Prepare(), RefusedWith(Reason::kLogUnavailable));
  ExpectNothingHere();
}

}  // namespace
}  // namespace comity::storage
