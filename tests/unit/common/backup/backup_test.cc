#include "services/common/backup/backup.h"

#include <filesystem>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/audit/audit_files.h"
#include "services/common/crypto/random.h"
#include "services/common/files/files.h"
#include "tests/fakes/failing_stores.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/backup/backup_world.h"

namespace comity {
namespace {

using testing::HasSubstr;

class BackupTest : public testing::Test {
 protected:
  // Nothing that was there is missing in what comes of the backup, and nothing else is in it.
  void ExpectRestored() {
    world_.Stop();
    const Contents own = world_.Own();
    ASSERT_OK_AND_ASSIGN(const BackupReader::Totals totals, world_.Restore());
    EXPECT_EQ(totals.unended, 0u);
    EXPECT_EQ(world_.StoredIn(world_.Restored()), own);
  }
  void Write(const std::string& file, const std::string& bytes) {
    ASSERT_THAT(
        WriteFileDurably(world_.directory() + "/identity/" + file, bytes, FileMode::kPrivate),
        IsOk());
  }
  std::string InRestored(const std::string& path) {
    return ReadFile(world_.Restored() + "/" + path).value_or("none");
  }

  BackupWorld world_;
};

TEST_F(BackupTest, WhatIsAcknowledgedIsInItAtOnce) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "record", "1"), IsOk());
  ASSERT_THAT(world_.Put("custody/b", "record", "2"), IsOk());
  ASSERT_THAT(world_.Change("custody/a", {Mutation::Erase("record"), Mutation::Put("key", "3")}),
              IsOk());
  ASSERT_THAT(world_.blobs().PutIfAbsentOrEqual("log/tile/0", "tile"), IsOk());
  ExpectRestored();
  EXPECT_EQ(InRestored("store/blobs/data/log/tile/0@"), "tile");
}

TEST_F(BackupTest, APartitionWithoutRecordsComesBackToo) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("p", "a", "1"), IsOk());
  ASSERT_THAT(world_.Change("p", {Mutation::Delete("a")}), IsOk());
  ExpectRestored();
  EXPECT_TRUE(world_.StoredIn(world_.Restored()).contains("p"));
}

TEST_F(BackupTest, WhatWasThereBeforeItBeganIsInItToo) {
  world_.StartAlone();
  for (int i = 0; i < 300; ++i) {
    ASSERT_THAT(world_.Put("custody/" + std::to_string(i), "record", std::string(100, 'v')),
                IsOk());
  }
  ASSERT_THAT(world_.blobs().PutIfAbsentOrEqual("log/tile/0", "tile"), IsOk());
  ASSERT_THAT(world_.Start(), IsOk());
  EXPECT_NE(world_.backup().head().value().complete, 0);
  ExpectRestored();
}

TEST_F(BackupTest, WhatHappenedWithoutItIsCaughtUpWith) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("changed", "a", "1"), IsOk());
  ASSERT_THAT(world_.Put("changed", "gone", "1"), IsOk());
  ASSERT_THAT(world_.Put("deleted", "a", "1"), IsOk());
  ASSERT_THAT(world_.Put("same", "a", "1"), IsOk());
  ASSERT_THAT(world_.blobs().PutIfAbsentOrEqual("old", "bytes"), IsOk());
  world_.StartAlone();
  ASSERT_THAT(world_.Change("changed", {Mutation::Put("a", "2"), Mutation::Delete("gone")}),
              IsOk());
  ASSERT_THAT(world_.Change("deleted", {Mutation::DeletePartition()}), IsOk());
  ASSERT_THAT(world_.Put("new", "a", "1"), IsOk());
  ASSERT_THAT(world_.blobs().PutIfAbsentOrEqual("new", "bytes"), IsOk());
  ASSERT_THAT(world_.Start(), IsOk());
  ExpectRestored();
  EXPECT_EQ(InRestored("store/blobs/data/new@"), "bytes");
}

// A disk that lost its blobs: the backup's are the only ones.
TEST_F(BackupTest, BlobsThatAreLostStayInTheBackup) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.blobs().PutIfAbsentOrEqual("log/tile/0", "tile"), IsOk());
  world_.Stop();
  std::filesystem::remove_all(world_.directory() + "/store/blobs");
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Restore(), IsOk());
  EXPECT_EQ(InRestored("store/blobs/data/log/tile/0@"), "tile");
}

TEST_F(BackupTest, AfterAGoodEndNothingIsCompared) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("p", "a", "1"), IsOk());
  world_.Close();
  world_.told = 0;
  ASSERT_THAT(world_.Start(), IsOk());
  EXPECT_EQ(world_.told, 0);
  ASSERT_THAT(world_.Put("p", "a", "2"), IsOk());
  ExpectRestored();
  // That was none: the next start compares.
  ASSERT_THAT(world_.Start(), IsOk());
  EXPECT_GT(world_.told, 0);
  ExpectRestored();
}

TEST_F(BackupTest, WhatHappenedAfterAGoodEndIsCaughtUpWith) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("p", "a", "1"), IsOk());
  world_.Close();
  world_.StartAlone();
  ASSERT_THAT(world_.Put("p", "a", "2"), IsOk());
  world_.Stop();
  ASSERT_THAT(world_.Start(), IsOk());
  ExpectRestored();
}

// Of the store or of the backup, made at another good end.
TEST_F(BackupTest, AnOlderCopyOfEitherIsNotTakenForOneInStep) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("p", "a", "1"), IsOk());
  world_.Close();
  const auto all = std::filesystem::copy_options::recursive;
  std::filesystem::copy(world_.folder(), world_.folder() + ".older", all);
  std::filesystem::copy(world_.directory() + "/store", world_.directory() + "/older", all);
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("p", "a", "2"), IsOk());
  world_.Close();
  std::filesystem::rename(world_.folder(), world_.folder() + ".newer");
  std::filesystem::rename(world_.folder() + ".older", world_.folder());
  ASSERT_THAT(world_.Start(), IsOk()) << "it is caught up with";
  ExpectRestored();
  std::filesystem::remove_all(world_.folder());
  std::filesystem::rename(world_.folder() + ".newer", world_.folder());
  std::filesystem::remove_all(world_.directory() + "/store");
  std::filesystem::rename(world_.directory() + "/older", world_.directory() + "/store");
  EXPECT_THAT(world_.Start(), RefusedWith(Reason::kDataCorrupt));
}

// In the backup's own files as in the service's (rocksdb_eraser_test.cc looks at the bytes).
TEST_F(BackupTest, WhatIsErasedIsOwedByBothAndLeavesBoth) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "key", "1"), IsOk());
  ASSERT_THAT(world_.Change("custody/a", {Mutation::Erase("key")}), IsOk());
  EXPECT_EQ(world_.records().owed_erasures(), 2u);
}

// What a lost disk leaves: an empty store beside the only copy of everything.
TEST_F(BackupTest, AnEmptyStoreDoesNotWriteOverTheBackupOfAnother) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "record", "1"), IsOk());
  world_.Stop();
  const Contents own = world_.Own();
  std::filesystem::remove_all(world_.directory() + "/store");
  ASSERT_THAT(MakePrivateFolders(world_.directory() + "/store"), IsOk());
  const absl::Status refused = world_.Start();
  EXPECT_THAT(refused, RefusedWith(Reason::kStateNotReady));
  EXPECT_THAT(CauseOf(refused), HasSubstr("--restore"));
  ASSERT_THAT(world_.Restore(), IsOk());
  EXPECT_EQ(world_.StoredIn(world_.Restored()), own);
}

TEST_F(BackupTest, AStoreThatWasPutBackDoesNotTakeItsBackupBack) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "record", "1"), IsOk());
  world_.Stop();
  const std::string older = world_.directory() + "/older";
  std::filesystem::copy(world_.directory() + "/store", older,
                        std::filesystem::copy_options::recursive);
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Change("custody/a", {Mutation::Erase("record"), Mutation::Put("b", "2")}),
              IsOk());
  world_.Stop();
  const Contents own = world_.Own();
  std::filesystem::remove_all(world_.directory() + "/store");
  std::filesystem::rename(older, world_.directory() + "/store");
  const absl::Status refused = world_.Start();
  EXPECT_THAT(refused, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(refused), HasSubstr("restore from the backup"));
  ASSERT_THAT(world_.Restore(), IsOk());
  EXPECT_EQ(WithoutOpening(world_.StoredIn(world_.Restored())), WithoutOpening(own));
}

TEST_F(BackupTest, TheBackupOfAnotherServiceIsRefused) {
  ASSERT_THAT(world_.Start(), IsOk());
  world_.Stop();
  BackupOptions options = world_.options();
  options.region = *RegionId::Create("cn");
  const auto open = [&]() -> absl::Status {
    world_.StartAlone();
    struct NotOwned {
      void operator()(RecordStore*) const {}
      void operator()(BlobStore*) const {}
    };
    return Backup::Open(options, std::shared_ptr<RecordStore>(&world_.records(), NotOwned()),
                        std::shared_ptr<BlobStore>(&world_.blobs(), NotOwned()))
        .status();
  };
  EXPECT_THAT(open(), RefusedWith(Reason::kStateNotReady));
  options.region = *RegionId::Create("us");
  EXPECT_THAT(open(), IsOk());
}

// The restored store goes on with the same backup.
TEST_F(BackupTest, ARestoredStoreGoesOnWithItsBackup) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "record", "1"), IsOk());
  ASSERT_THAT(world_.Restore(), IsOk());
  std::filesystem::remove_all(world_.directory() + "/store");
  std::filesystem::rename(world_.Restored() + "/store", world_.directory() + "/store");
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "more", "2"), IsOk());
  ExpectRestored();
  EXPECT_EQ(world_.StoredIn(world_.Restored())["custody/a"],
            (std::map<std::string, std::string>{{"record", "1"}, {"more", "2"}}));
}

TEST_F(BackupTest, AnotherFolderIsANewBackup) {
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Put("custody/a", "record", "1"), IsOk());
  world_.Stop();
  std::filesystem::rename(world_.folder(), world_.folder() + ".away");
  ASSERT_THAT(world_.Start(), IsOk());
  ExpectRestored();
}

TEST_F(BackupTest, FilesOfTheIdentityAreInItButForWhatIsLeftOut) {
  Write("log.key", "a private key");
  Write("seal", "who holds shares");
  Write("root.key", "the root key");
  ASSERT_THAT(world_.Start(), IsOk());
  EXPECT_EQ(world_.backup().head().value().files,
            (std::map<std::string, std::string>{{"seal", "who holds shares"}}));
  Write("seal", "others");
  ASSERT_THAT(world_.backup().FollowOpeningFiles(), IsOk());
  EXPECT_EQ(world_.backup().head().value().files["seal"], "others");
  ASSERT_THAT(world_.Restore(), IsOk());
  EXPECT_EQ(InRestored("identity/log.key"), "a private key");
  EXPECT_EQ(InRestored("identity/root.key"), "none");

  Write("log.key", "another one");
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Restore(), IsOk());
  EXPECT_EQ(InRestored("identity/log.key"), "another one");
}

TEST_F(BackupTest, OnlyItsOwnKeyOpensIt) {
  ASSERT_THAT(world_.Start(), IsOk());
  world_.Stop();
  ASSERT_OK_AND_ASSIGN(const auto reader, BackupReader::Open(world_.folder()));
  EXPECT_THAT(reader->Restore(RandomSecret(kBackupKeySize), world_.Restored(), nullptr),
              RefusedWith(Reason::kDataCorrupt));
  EXPECT_FALSE(FileExists(world_.Restored() + "/store"));
}

TEST_F(BackupTest, WhileTheServiceHasItNobodyReadsIt) {
  ASSERT_THAT(world_.Start(), IsOk());
  EXPECT_THAT(BackupReader::Open(world_.folder()), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(BackupTest, AFolderWithoutABackupIsNone) {
  EXPECT_THAT(BackupReader::Open(world_.folder()), RefusedWith(Reason::kStoreUnavailable));
}

// A death in the first copy: there is nothing to restore from yet, and the next start ends it.
TEST_F(BackupTest, AFirstCopyThatDidNotEndIsNoBackup) {
  world_.StartAlone();
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(world_.Put("custody/" + std::to_string(i), "record", "1"), IsOk());
  }
  FailurePlan plan(25, FailurePlan::Fate::kNotApplied);
  std::unique_ptr<FailingRecordStore> failing;
  std::shared_ptr<RecordStore> behind;
  EXPECT_FALSE(world_
                   .Start([&](std::shared_ptr<RecordStore> own) {
                     behind = std::move(own);
                     failing = std::make_unique<FailingRecordStore>(behind.get(), &plan);
                     return std::shared_ptr<RecordStore>(behind, failing.get());
                   })
                   .ok());
  ASSERT_TRUE(plan.fired());
  behind.reset();
  world_.Stop();
  EXPECT_THAT(BackupReader::Open(world_.folder()), RefusedWith(Reason::kStateNotReady));
  ASSERT_THAT(world_.Start(), IsOk());
  ExpectRestored();
}

// Blocks of the audit log: before it began, while it is kept, after what was dropped.
TEST_F(BackupTest, TheAuditLogIsInIt) {
  const std::string folder = world_.directory() + "/audit";
  const auto open_log = [&](AuditCopy* copy) {
    return AuditLog::Open({.directory = folder, .clock = &world_.clock, .copy = copy}).value();
  };
  const auto ends_alike = [&] {
    const AuditEnd own = FindAuditEnd(folder).value();
    const AuditEnd restored = FindAuditEnd(world_.Restored() + "/audit").value();
    return own.next == restored.next && own.hash == restored.hash;
  };
  open_log(nullptr).reset();
  open_log(nullptr).reset();
  ASSERT_THAT(world_.Start(), IsOk());
  {
    const auto log = open_log(&world_.backup());
    for (int i = 0; i < 20; ++i) {
      ASSERT_THAT(log->AppendDurably({.method = "/service/Method"}), IsOk());
    }
  }
  ASSERT_OK_AND_ASSIGN(const BackupReader::Totals totals, world_.Restore());
  EXPECT_TRUE(ends_alike());
  EXPECT_EQ(totals.audit_records + 1, FindAuditEnd(folder).value().next);
  EXPECT_THAT(
      ReadAuditBlocks(world_.Restored() + "/audit", 1, [](const ReadAuditBlock&) { return true; }),
      IsOk());

  // A folder that was lost is not begun anew over it.
  std::filesystem::rename(folder, folder + ".away");
  EXPECT_THAT(world_.Start(), RefusedWith(Reason::kDataCorrupt));
  std::filesystem::rename(folder + ".away", folder);
  // What happened without it.
  open_log(nullptr).reset();
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Restore(), IsOk());
  EXPECT_TRUE(ends_alike());
}

// Without its backup the service kept its records for so long that none that it has follows on
// those in there.
TEST_F(BackupTest, AuditRecordsBetweenWhichSomeAreMissingAreNotKeptTogether) {
  const std::string folder = world_.directory() + "/audit";
  const auto open_log = [&](AuditCopy* copy) {
    return AuditLog::Open({.directory = folder, .clock = &world_.clock, .copy = copy}).value();
  };
  ASSERT_THAT(world_.Start(), IsOk());
  open_log(&world_.backup()).reset();
  world_.Stop();
  for (int i = 0; i < 3; ++i) open_log(nullptr).reset();
  const std::vector<AuditFile> files = ListAuditFiles(folder).value();
  ASSERT_EQ(files.size(), 4u);
  for (int i = 0; i < 3; ++i) std::filesystem::remove(files[static_cast<size_t>(i)].path);
  ASSERT_THAT(world_.Start(), IsOk());
  ASSERT_THAT(world_.Restore(), IsOk());
  uint64_t first = 0;
  EXPECT_THAT(ReadAuditBlocks(world_.Restored() + "/audit", 1,
                              [&](const ReadAuditBlock& read) {
                                if (first == 0) first = read.block.first;
                                return true;
                              }),
              IsOk());
  EXPECT_EQ(first, files[3].first);
}

TEST_F(BackupTest, AuditRecordsThatAreDroppedLeaveIt) {
  ASSERT_THAT(world_.Start(), IsOk());
  Backup& backup = world_.backup();
  AuditBlock block;
  block.time = 1;
  block.records.resize(1);
  for (const uint64_t first : {1, 65'536, 131'072}) {
    block.first = first;
    ASSERT_THAT(backup.Keep(block, FrameAuditBlock(block).bytes), IsOk());
  }
  ASSERT_THAT(backup.Drop(131'072), IsOk());
  ASSERT_OK_AND_ASSIGN(const BackupReader::Totals totals, world_.Restore());
  EXPECT_EQ(totals.audit_records, 1u);
}

// One that was not acknowledged and is written again, with others, takes its place.
TEST_F(BackupTest, ABlockThatIsWrittenAgainCountsOnce) {
  ASSERT_THAT(world_.Start(), IsOk());
  AuditBlock block;
  block.time = 1;
  block.records.resize(1);
  ASSERT_THAT(world_.backup().Keep(block, FrameAuditBlock(block).bytes), IsOk());
  block.records.resize(3);
  ASSERT_THAT(world_.backup().Keep(block, FrameAuditBlock(block).bytes), IsOk());
  ASSERT_OK_AND_ASSIGN(const BackupReader::Totals totals, world_.Restore());
  EXPECT_EQ(totals.audit_records, 3u);
}

// Ends that come between the store and the backup, at every commit of a random history: what was
// acknowledged comes back, and nothing else but the one that was under way.
TEST_F(BackupTest, AnEndAtAnyCommitLosesNothing) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 15; ++round) {
    SCOPED_TRACE(round);
    const auto fate =
        random() % 2 == 0 ? FailurePlan::Fate::kApplied : FailurePlan::Fate::kNotApplied;
    FailurePlan plan(10 + random() % 60, fate);
    std::unique_ptr<FailingRecordStore> failing;
    std::shared_ptr<RecordStore> behind;
    const absl::Status started = world_.Start([&](std::shared_ptr<RecordStore> own) {
      behind = std::move(own);
      failing = std::make_unique<FailingRecordStore>(behind.get(), &plan);
      return std::shared_ptr<RecordStore>(behind, failing.get());
    });
    Contents acknowledged;
    Contents with_last;
    if (started.ok()) {
      acknowledged = ContentsOf(*behind);
      bool alive = true;
      while (alive) {
        const std::string partition = "p" + std::to_string(random() % 4);
        const std::string key = "k" + std::to_string(random() % 4);
        std::vector<Mutation> change;
        with_last = acknowledged;
        switch (random() % 5) {
          case 0:
            change = {Mutation::Erase(key)};
            if (with_last.contains(partition)) with_last[partition].erase(key);
            break;
          case 1:
            change = {Mutation::DeletePartition()};
            with_last.erase(partition);
            break;
          default:
            change = {Mutation::Put(key, std::to_string(random() % 1'000))};
            with_last[partition][key] = change[0].value;
            break;
        }
        alive = world_.Change(partition, change).ok();
        if (alive) acknowledged = with_last;
      }
    }
    ASSERT_TRUE(plan.fired());
    behind.reset();
    if (started.ok()) {
      ASSERT_THAT(world_.Restore(), IsOk());
      const Contents restored = WithoutOpening(world_.StoredIn(world_.Restored()));
      EXPECT_TRUE(restored == WithoutOpening(acknowledged) ||
                  restored == WithoutOpening(with_last));
    }
    world_.Stop();
    // And with its own store it goes on.
    ASSERT_THAT(world_.Start(), IsOk());
    ExpectRestored();
  }
}

}  // namespace
}  // namespace comity
