#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/statement/custody.h"
#include "tests/testing/matchers.h"
#include "tests/testing/storage_world.h"

// The way of an account from `us` to `cn`, both storages in one process.
namespace comity::storage {
namespace {

using Mood = FakeMoveCustody::Mood;

const ObjectId kFirst = ObjectInBucket(1);
const ObjectId kSecond = ObjectInBucket(200);

const TestDeployment& Deployment() {
  static const TestDeployment deployment;
  return deployment;
}

class MoveTest : public ::testing::Test {
 protected:
  MoveTest() {
    world_.Put(world_.us, account_, kFirst, "first");
    world_.Put(world_.us, account_, kSecond, "second");
  }
  void ConsentAndStart() {
    world_.Consent(account_);
    migration_ = world_.StartMigration();
  }
  MigrationReport Report() { return world_.us.node->migrations().Get(migration_).value(); }
  Statement SignReadBack() {
    const auto& history = world_.Account(world_.us, account_)->history;
    Digest root;
    for (const Statement& statement : history) {
      const auto release = ParseStatement<Release>(statement);
      if (release.ok()) root = release->body.manifest_root;
    }
    return account_.Sign(ReadBack{2, TestDeployment::Region("cn"), root}, world_.clock.Now());
  }
  void ExpectOnlyHereServes() {
    EXPECT_TRUE(world_.Serves(world_.us, account_));
    EXPECT_FALSE(world_.Serves(world_.cn, account_));
    EXPECT_THAT(world_.Get(world_.us, account_, kFirst), IsOkAndHolds(std::string("first")));
    EXPECT_THAT(world_.Get(world_.us, account_, kSecond), IsOkAndHolds(std::string("second")));
  }
  void ExpectOnlyThereServes() {
    EXPECT_FALSE(world_.Serves(world_.us, account_));
    EXPECT_TRUE(world_.Serves(world_.cn, account_));
    EXPECT_THAT(world_.Get(world_.cn, account_, kFirst), IsOkAndHolds(std::string("first")));
    EXPECT_THAT(world_.Get(world_.cn, account_, kSecond), IsOkAndHolds(std::string("second")));
  }
  // Blobs of objects, not of the log.
  size_t Blobs(StorageWorld::Side& side) {
    return side.blobs.List(BlobFolder(account_.id()), "", 1000).value().size();
  }
  bool Kept(StorageWorld::Side& side, std::string_view type) {
    for (const Statement& statement : world_.Account(side, account_)->history) {
      if (PeekEnvelope(statement)->type == type) return true;
    }
    return false;
  }

  StorageWorld world_{Deployment(), TestDeployment::kHandover - kDayMs};
  TestAccount& account_ = world_.Open("CN");
  RequestId migration_;

  void PassTheDate() { world_.clock.Advance(2 * kDayMs); }

  // Counts the passes that copy, each of which takes so long. `passes` outlives them.
  void CountPasses(int& passes, UnixMillis takes) {
    world_.us.peer->SetHook([&passes, takes, this](std::string_view call) {
      if (call != "Copy") return;
      ++passes;
      world_.clock.Advance(takes);
    });
  }
};

TEST_F(MoveTest, EligibleAccountMovesWholeAndIsServedThereAlone) {
  PassTheDate();
  ConsentAndStart();
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  ExpectOnlyThereServes();
  const MoveRecord move = world_.Move(account_);
  EXPECT_EQ(move.step, MoveStep::kCutOver);
  EXPECT_EQ(move.objects, 2u);
  EXPECT_EQ(move.bytes, 11u);
  EXPECT_TRUE(Report().done);
  EXPECT_EQ(Report().moved, 1u);
  EXPECT_EQ(Report().failed, 0u);
  EXPECT_EQ(world_.Account(world_.cn, account_)->info.epoch, 2u);
  EXPECT_EQ(world_.us.log.Count("data.fence"), 1u);
  EXPECT_EQ(world_.us.log.Count("account.moved"), 1u);
  EXPECT_EQ(world_.cn.log.Count("account.activated"), 1u);
}

TEST_F(MoveTest, MovedAccountRecordsSurviveAsTheyWere) {
  ASSERT_OK_AND_ASSIGN(const OwnerAccess before,
                       world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                        account_.id(), Access::kRead));
  ASSERT_OK_AND_ASSIGN(const ListedObjects here, world_.us.node->objects().List(before, {}, 10));
  PassTheDate();
  ConsentAndStart();
  world_.Advance(account_);
  ASSERT_OK_AND_ASSIGN(const OwnerAccess after,
                       world_.cn.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                        account_.id(), Access::kRead));
  ASSERT_OK_AND_ASSIGN(const ListedObjects there, world_.cn.node->objects().List(after, {}, 10));
  EXPECT_EQ(here.objects, there.objects);
}

TEST_F(MoveTest, NobodyMovesBeforeTheDate) {
  ConsentAndStart();
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(Report().migration.accounts, 0u);
  ExpectOnlyHereServes();
}

TEST_F(MoveTest, NobodyMovesWithoutConsent) {
  PassTheDate();
  migration_ = world_.StartMigration();
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(Report().migration.accounts, 0u);
  ExpectOnlyHereServes();
}

TEST_F(MoveTest, ReadBackDestroysTheSourceAndTellsBothSides) {
  PassTheDate();
  ConsentAndStart();
  ASSERT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_GT(Blobs(world_.us), 0u) << "nothing is destroyed before the read-back";
  const Statement readback = SignReadBack();
  ASSERT_THAT(world_.Deliver(world_.cn, account_, {readback}).status(), IsOk());
  ASSERT_THAT(world_.Deliver(world_.us, account_, {readback}).status(), IsOk());
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kTold);
  EXPECT_EQ(Blobs(world_.us), 0u);
  EXPECT_EQ(world_.us.log.Count("data.destruction"), 1u);
  for (StorageWorld::Side* side : {&world_.us, &world_.cn}) {
    EXPECT_TRUE(Kept(*side, Release::kType)) << side->region;
    EXPECT_TRUE(Kept(*side, Activation::kType)) << side->region;
    EXPECT_TRUE(Kept(*side, DataDestruction::kType)) << side->region;
    EXPECT_TRUE(Kept(*side, KeyDestruction::kType)) << side->region;
  }
  ExpectOnlyThereServes();
}

TEST_F(MoveTest, AnswerToTheReadBackHoldsTheCertificate) {
  PassTheDate();
  ConsentAndStart();
  ASSERT_EQ(world_.Advance(account_), Progress::kWait);
  const Statement readback = SignReadBack();
  ASSERT_OK_AND_ASSIGN(const std::vector<Statement> answer,
                       world_.Deliver(world_.us, account_, {readback}));
  bool certified = false;
  for (const Statement& statement : answer) {
    const auto certificate = ParseStatement<DataDestruction>(statement);
    if (!certificate.ok()) continue;
    certified = true;
    EXPECT_EQ(certificate->body.versions, 2u);
    EXPECT_EQ(certificate->body.epoch, 1u);
  }
  EXPECT_TRUE(certified);
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.us.log.Count("data.destruction"), 1u);
}

TEST_F(MoveTest, ReadBackOfOtherDataDestroysNothing) {
  PassTheDate();
  ConsentAndStart();
  world_.Advance(account_);
  const Statement readback = account_.Sign(
      ReadBack{2, TestDeployment::Region("cn"), *Digest::FromBytes(std::string(32, 'x'))},
      world_.clock.Now());
  EXPECT_THAT(world_.Deliver(world_.us, account_, {readback}).status(),
              RefusedWith(Reason::kFieldInvalid));
  world_.Advance(account_);
  EXPECT_GT(Blobs(world_.us), 0u);
}

TEST_F(MoveTest, SourceCopyGoesAfterThirtyDaysWithoutReadBack) {
  PassTheDate();
  ConsentAndStart();
  ASSERT_EQ(world_.Advance(account_), Progress::kWait);
  world_.clock.Advance(30 * kDayMs - kHourMs);
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_GT(Blobs(world_.us), 0u);
  world_.clock.Advance(2 * kHourMs);
  world_.Advance(account_);
  EXPECT_EQ(Blobs(world_.us), 0u);
  EXPECT_GE(world_.Move(account_).step, MoveStep::kDestroyed);
}

TEST_F(MoveTest, WritesDuringTheCopyAreCarriedOver) {
  PassTheDate();
  ConsentAndStart();
  bool written = false;
  world_.us.peer->SetHook([&](std::string_view call) {
    if (call != "Copy" || written) return;
    written = true;
    // After the pass has looked, in the buckets that it has seen and in a new one.
    world_.Put(world_.us, account_, kFirst, "first, again", 1);
    world_.Put(world_.us, account_, ObjectInBucket(50), "new");
    const auto access = world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                         account_.id(), Access::kWrite);
    ASSERT_THAT(world_.us.node->objects().Delete(*access, RandomId<RequestId>(), kSecond, 0),
                IsOk());
  });
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_TRUE(written);
  EXPECT_THAT(world_.Get(world_.cn, account_, kFirst), IsOkAndHolds(std::string("first, again")));
  EXPECT_THAT(world_.Get(world_.cn, account_, ObjectInBucket(50)),
              IsOkAndHolds(std::string("new")));
  EXPECT_THAT(world_.Get(world_.cn, account_, kSecond).status(),
              RefusedWith(Reason::kObjectNotFound));
}

TEST_F(MoveTest, WrapsReplacedDuringTheCopyAreCarriedOver) {
  PassTheDate();
  ConsentAndStart();
  bool replaced = false;
  world_.us.peer->SetHook([&](std::string_view call) {
    if (call != "Copy" || replaced) return;
    replaced = true;
    const auto access = world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                         account_.id(), Access::kWrite);
    const auto listed = world_.us.node->objects().List(*access, std::nullopt, 10);
    for (const ObjectRecord& record : listed->objects) {
      ASSERT_THAT(world_.us.node->objects().ReplaceKeys(
                      *access, {RandomId<RequestId>(), record.object, record.version,
                                record.content, "new content key", "new attributes key"}),
                  IsOk());
    }
  });
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  ASSERT_TRUE(replaced);
  ExpectOnlyThereServes();
  const auto access = world_.cn.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                       account_.id(), Access::kRead);
  ASSERT_OK_AND_ASSIGN(const ListedObjects there,
                       world_.cn.node->objects().List(*access, std::nullopt, 10));
  ASSERT_EQ(there.objects.size(), 2u);
  for (const ObjectRecord& record : there.objects) {
    EXPECT_EQ(record.wrapped_content_key, "new content key");
    EXPECT_EQ(record.wrapped_attributes_key, "new attributes key");
  }
}

TEST_F(MoveTest, ObjectStoredAnewAfterItsDeletionIsTheNewOne) {
  PassTheDate();
  ConsentAndStart();
  int passes = 0;
  world_.us.peer->SetHook([&](std::string_view call) {
    if (call != "Copy") return;
    ++passes;
    // A pass that takes long and finds much is followed by another before the fence.
    if (passes == 1) world_.clock.Advance(kSecondMs);
    if (passes != 2) return;
    // The first pass carried version 1; this is version 1 too, of other bytes.
    const auto access = world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                         account_.id(), Access::kWrite);
    ASSERT_THAT(access.status(), IsOk());
    ASSERT_THAT(world_.us.node->objects().Delete(*access, RandomId<RequestId>(), kFirst, 0),
                IsOk());
    world_.Put(world_.us, account_, kFirst, "other bytes");
  });
  for (uint8_t i = 0; i < 20; ++i) world_.Put(world_.us, account_, ObjectInBucket(60, i), "x");
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_EQ(passes, 3);
  EXPECT_THAT(world_.Get(world_.cn, account_, kFirst), IsOkAndHolds(std::string("other bytes")));
}

TEST_F(MoveTest, ShortPassIsTheLastBeforeTheFence) {
  PassTheDate();
  ConsentAndStart();
  int passes = 0;
  CountPasses(passes, 0);
  for (uint8_t i = 0; i < 20; ++i) world_.Put(world_.us, account_, ObjectInBucket(60, i), "x");
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_EQ(passes, 2);
}

TEST_F(MoveTest, LongPassIsTheLastOnlyIfItFoundLittle) {
  PassTheDate();
  ConsentAndStart();
  int passes = 0;
  CountPasses(passes, kSecondMs);
  // Few objects, many bytes.
  world_.Put(world_.us, account_, ObjectInBucket(61), std::string(17 << 20, 'x'));
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  // The large one; then nothing, at length; then inside the fence.
  EXPECT_EQ(passes, 3);
}

TEST_F(MoveTest, FencedAccountNeitherReadsNorWrites) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kWaits);
  EXPECT_EQ(world_.Advance(account_, 3), Progress::kRetrySoon);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kFenced);
  EXPECT_THAT(world_.TryPut(world_.us, account_, ObjectInBucket(9), "x").status(),
              RefusedWith(Reason::kAccountFenced));
  EXPECT_THAT(world_.Get(world_.us, account_, kFirst).status(),
              RefusedWith(Reason::kAccountFenced));
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
}

TEST_F(MoveTest, UploadThatEndsInsideTheFenceIsNotTaken) {
  PassTheDate();
  const auto access = world_.us.node->accounts().Owner(StorageWorld::DeviceOf(account_),
                                                       account_.id(), Access::kWrite);
  PutCommand command;
  command.request = RandomId<RequestId>();
  command.object = kFirst;
  command.expected_version = 1;
  ASSERT_OK_AND_ASSIGN(const auto upload, world_.us.node->objects().BeginPut(*access, command));
  ASSERT_THAT(upload->Write("late"), IsOk());
  ConsentAndStart();
  world_.custody.SetMood(Mood::kWaits);
  world_.Advance(account_, 3);
  EXPECT_THAT(upload->Finish().status(), RefusedWith(Reason::kAccountFenced));
}

TEST_F(MoveTest, UndecidedFenceEndsAfterThirtySecondsAndTheAccountStays) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kWaits);
  world_.Advance(account_, 3);
  world_.clock.Advance(31 * kSecondMs);
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kAborted);
  EXPECT_EQ(Report().failed, 1u);
  EXPECT_TRUE(Report().done);
  ExpectOnlyHereServes();
  EXPECT_EQ(Blobs(world_.cn), 0u) << "the destination has erased what it received";
  EXPECT_EQ(world_.Account(world_.cn, account_), nullptr);
  EXPECT_THAT(world_.TryPut(world_.us, account_, ObjectInBucket(9), "x").status(), IsOk());
}

TEST_F(MoveTest, AccountMovesByANewTryAfterAnAbort) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kRefusesDestination);
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kAborted);
  ExpectOnlyHereServes();
  world_.custody.SetMood(Mood::kDecides);
  migration_ = world_.StartMigration();
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_EQ(world_.Move(account_).epoch, 3u) << "the epoch of the aborted move is used up";
  ExpectOnlyThereServes();
}

TEST_F(MoveTest, WithdrawalBeforeAnythingWasCopiedStopsTheMove) {
  PassTheDate();
  ConsentAndStart();
  const uint64_t consent = account_.last_number();
  ASSERT_THAT(
      world_.Deliver(world_.us, account_, {account_.Sign(Withdrawal{consent}, world_.clock.Now())})
          .status(),
      IsOk());
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).failure, Reason::kConsentMissing);
  EXPECT_EQ(world_.Account(world_.cn, account_), nullptr);
  ExpectOnlyHereServes();
}

TEST_F(MoveTest, WithdrawalDuringTheCopyErasesWhatTheDestinationHas) {
  PassTheDate();
  ConsentAndStart();
  const Statement withdrawal =
      account_.Sign(Withdrawal{account_.last_number()}, world_.clock.Now());
  int passes = 0;
  world_.us.peer->SetHook([&](std::string_view call) {
    if (call == "Copy" && ++passes == 1) {
      ASSERT_THAT(world_.Deliver(world_.us, account_, {withdrawal}).status(), IsOk());
    }
  });
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kAborted);
  EXPECT_EQ(Blobs(world_.cn), 0u);
  EXPECT_EQ(world_.Account(world_.cn, account_), nullptr);
  ExpectOnlyHereServes();
}

TEST_F(MoveTest, WithdrawalInsideTheFenceIsCarriedToCustodyWhichAborts) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kWaits);
  world_.Advance(account_, 2);
  ASSERT_EQ(world_.Move(account_).step, MoveStep::kFenced);
  // The device has told storage alone.
  ASSERT_THAT(world_
                  .Deliver(world_.us, account_,
                           {account_.Sign(Withdrawal{account_.last_number()}, world_.clock.Now())})
                  .status(),
              IsOk());
  world_.custody.SetMood(Mood::kDecides);
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).failure, Reason::kConsentVoid);
  EXPECT_EQ(Blobs(world_.cn), 0u);
  ExpectOnlyHereServes();
}

TEST_F(MoveTest, WithdrawalAfterTheReleaseComesTooLate) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kReleasesOnly);
  world_.Advance(account_, 3);
  ASSERT_EQ(world_.Move(account_).step, MoveStep::kKeysMoved);
  const Statement withdrawal =
      account_.Sign(Withdrawal{account_.last_number()}, world_.clock.Now());
  ASSERT_THAT(world_.Deliver(world_.us, account_, {withdrawal}).status(), IsOk());
  world_.custody.SetMood(Mood::kDecides);
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  ExpectOnlyThereServes();
}

TEST_F(MoveTest, ReleaseWithoutActivationServesNowhere) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kReleasesOnly);
  EXPECT_EQ(world_.Advance(account_, 3), Progress::kRetrySoon);
  EXPECT_FALSE(world_.Serves(world_.us, account_));
  EXPECT_FALSE(world_.Serves(world_.cn, account_));
  // However long it takes.
  world_.clock.Advance(90 * kDayMs);
  world_.Advance(account_, 3);
  EXPECT_FALSE(world_.Serves(world_.us, account_));
  EXPECT_GT(Blobs(world_.us), 0u);
  EXPECT_GT(Blobs(world_.cn), 0u);
}

TEST_F(MoveTest, DeviceBringsTheReleaseWhenTheBorderIsCut) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kReleasesOnly);
  world_.Advance(account_, 3);
  world_.us.peer->SetCut(true);
  world_.custody.SetMood(Mood::kDecides);
  ASSERT_THAT(world_.custody.Deliver(account_.id(), {}).status(), IsOk());
  const std::vector<Statement> decision = world_.custody.Decision(account_.id(), 2);
  ASSERT_THAT(world_.Deliver(world_.cn, account_, decision).status(), IsOk());
  EXPECT_TRUE(world_.Serves(world_.cn, account_));
  EXPECT_FALSE(world_.Serves(world_.us, account_));
  // And to the source, which learns that it has to forward.
  ASSERT_THAT(world_.Deliver(world_.us, account_, decision).status(), IsOk());
  world_.Advance(account_, 3);
  EXPECT_EQ(world_.Account(world_.us, account_)->info.state, AccountState::kMoved);
}

TEST_F(MoveTest, DestinationDownIsAFailureThatIsRetried) {
  PassTheDate();
  ConsentAndStart();
  world_.Kill(world_.cn);
  EXPECT_EQ(world_.Advance(account_, 3), Progress::kRetry);
  EXPECT_EQ(world_.Move(account_).failure, Reason::kPeerUnavailable);
  EXPECT_FALSE(Report().done);
  ExpectOnlyHereServes();
  world_.Restart(world_.cn);
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  EXPECT_EQ(world_.Move(account_).failure, Reason::kUnspecified);
  ExpectOnlyThereServes();
}

TEST_F(MoveTest, CustodyDownMeansNoFence) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetUnavailable(true);
  EXPECT_EQ(world_.Advance(account_, 3), Progress::kRetry);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kDataCopied);
  ExpectOnlyHereServes();
}

TEST_F(MoveTest, DestinationDownInsideTheFenceEndsWithTheAbort) {
  PassTheDate();
  ConsentAndStart();
  world_.us.peer->SetHook([&](std::string_view call) {
    if (call == "Confirm") world_.Kill(world_.cn);
  });
  EXPECT_EQ(world_.Advance(account_, 3), Progress::kRetrySoon);
  ASSERT_EQ(world_.Move(account_).step, MoveStep::kFenced);
  world_.us.peer->SetHook(nullptr);
  world_.clock.Advance(31 * kSecondMs);
  world_.Advance(account_, 3);
  EXPECT_TRUE(world_.Serves(world_.us, account_));
  // What the destination has, it erases when the abort reaches it.
  world_.Restart(world_.cn);
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(Blobs(world_.cn), 0u);
}

TEST_F(MoveTest, RestartedSourceDeliversItsFenceAgainAndObeys) {
  PassTheDate();
  ConsentAndStart();
  world_.custody.SetMood(Mood::kWaits);
  world_.Advance(account_, 3);
  world_.Restart(world_.us);
  EXPECT_THAT(world_.Get(world_.us, account_, kFirst).status(),
              RefusedWith(Reason::kAccountFenced));
  world_.custody.SetMood(Mood::kDecides);
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  ExpectOnlyThereServes();
}

TEST_F(MoveTest, ClosingAccountIsNotMoved) {
  PassTheDate();
  ConsentAndStart();
  ASSERT_THAT(
      world_.Deliver(world_.us, account_, {account_.Sign(Close{}, world_.clock.Now())}).status(),
      IsOk());
  EXPECT_EQ(world_.Advance(account_), Progress::kDone);
  EXPECT_EQ(world_.Move(account_).step, MoveStep::kAborted);
  EXPECT_TRUE(world_.Serves(world_.us, account_));
}

TEST_F(MoveTest, HistoryOfTheAccountFollowsIt) {
  ASSERT_THAT(
      world_
          .Deliver(world_.us, account_, {account_.Sign(TerritoryChange{"HK"}, world_.clock.Now())})
          .status(),
      IsOk());
  ASSERT_THAT(
      world_
          .Deliver(world_.us, account_, {account_.Sign(TerritoryChange{"CN"}, world_.clock.Now())})
          .status(),
      IsOk());
  PassTheDate();
  ConsentAndStart();
  world_.Advance(account_);
  ExpectOnlyThereServes();
  EXPECT_EQ(world_.Account(world_.cn, account_)->view.newest_number(), account_.last_number());
  EXPECT_EQ(world_.Account(world_.cn, account_)->view.territory(), "CN");
}

TEST_F(MoveTest, StatementsOfARevokedDeviceFollowTheAccount) {
  account_.AddDevice();
  ASSERT_THAT(world_.Deliver(world_.us, account_, {account_.entries().back()}).status(), IsOk());
  const auto change = [&](std::string territory) {
    return account_.Sign(TerritoryChange{std::move(territory)}, world_.clock.Now(), 0, 1);
  };
  const Authorization second = StorageWorld::DeviceOf(account_, 1);
  ASSERT_THAT(world_.us.node->deliveries()
                  .Deliver(second, account_.id(), {change("HK"), change("CN")})
                  .status(),
              IsOk());
  account_.RevokeDevice(1);
  ASSERT_THAT(world_.Deliver(world_.us, account_, {account_.entries().back()}).status(), IsOk());
  PassTheDate();
  ConsentAndStart();
  EXPECT_EQ(world_.Advance(account_), Progress::kWait);
  ExpectOnlyThereServes();
  EXPECT_TRUE(world_.Move(account_).destination_told);
  EXPECT_EQ(world_.Account(world_.cn, account_)->view.newest_number(), account_.last_number());
}

TEST_F(MoveTest, AccountsMoveIndependently) {
  TestAccount& other = world_.Open("CN");
  world_.Put(world_.us, other, kFirst, "other");
  PassTheDate();
  world_.Consent(other);
  ConsentAndStart();
  EXPECT_EQ(Report().migration.accounts, 2u);
  // Custody aborts the first; the second is not concerned.
  world_.custody.SetMood(Mood::kRefusesDestination);
  world_.Advance(account_);
  world_.custody.SetMood(Mood::kDecides);
  EXPECT_EQ(world_.Advance(other), Progress::kWait);
  EXPECT_EQ(Report().moved, 1u);
  EXPECT_EQ(Report().failed, 1u);
  EXPECT_TRUE(Report().done);
  EXPECT_EQ(Report().moves.front().account, account_.id()) << "failures come first";
}

}  // namespace
}  // namespace comity::storage
