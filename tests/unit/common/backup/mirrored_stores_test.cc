#include "services/common/backup/mirrored_stores.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "tests/fakes/failing_stores.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/fakes/manual_clock.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

class MirroredStoresTest : public testing::Test {
 protected:
  BackupArchive::Records Kept(const std::string& partition) {
    return archive_.Read(archive_.PartitionOf(BackupKind::kRecords, partition)).value();
  }

  ManualClock clock_;
  FakeRecordStore own_{&clock_};
  FakeRecordStore copy_{&clock_};
  BackupCipher cipher_ =
      BackupCipher::Create(SecretBytes::CopyOf(std::string(kBackupKeySize, 'k'))).value();
  BackupArchive archive_{&copy_, &cipher_};
};

TEST_F(MirroredStoresTest, ACommitIsInBothWhenItReturns) {
  MirroredRecordStore store(&own_, &archive_, 0);
  ASSERT_OK_AND_ASSIGN(const PartitionVersion version,
                       store.Commit("p", RandomId<RequestId>(), {}, {Mutation::Put("a", "1")}));
  EXPECT_EQ(Kept("p"), (BackupArchive::Records{{"a", "1"}}));
  EXPECT_EQ(archive_.VersionOf(BackupKind::kRecords, "p").value(), version);
}

TEST_F(MirroredStoresTest, WhatIsRefusedChangesNothingThere) {
  MirroredRecordStore store(&own_, &archive_, 0);
  EXPECT_THAT(store.Commit("p", RandomId<RequestId>(), {Precondition::KeyPresent("a")},
                           {Mutation::Put("a", "1")}),
              RefusedWith(Reason::kConflict));
  EXPECT_TRUE(Kept("p").empty());
  EXPECT_TRUE(store.in_step());
}

TEST_F(MirroredStoresTest, WhatIsDeletedInAPartitionThatIsNotThereMakesNone) {
  MirroredRecordStore store(&own_, &archive_, 0);
  ASSERT_THAT(store.Commit("p", RandomId<RequestId>(), {}, {Mutation::Erase("a")}), IsOk());
  EXPECT_TRUE(archive_.List("", 10).value().empty());
  ASSERT_THAT(store.Commit("p", RandomId<RequestId>(), {},
                           {Mutation::Put("a", "1"), Mutation::DeletePartition()}),
              IsOk());
  EXPECT_TRUE(archive_.List("", 10).value().empty());
}

// The outcome that is told again is not what the partition is now.
TEST_F(MirroredStoresTest, ARepeatedCommitIsNotMadeAgain) {
  MirroredRecordStore store(&own_, &archive_, 0);
  const auto request = RandomId<RequestId>();
  ASSERT_OK_AND_ASSIGN(const PartitionVersion first,
                       store.Commit("p", request, {}, {Mutation::Put("a", "1")}));
  ASSERT_THAT(store.Commit("p", RandomId<RequestId>(), {}, {Mutation::Put("a", "2")}), IsOk());
  EXPECT_THAT(store.Commit("p", request, {}, {Mutation::Put("a", "1")}), IsOkAndHolds(first));
  EXPECT_EQ(Kept("p"), (BackupArchive::Records{{"a", "2"}}));
  // Also not when the service was started again in between.
  MirroredRecordStore again(&own_, &archive_, own_.Get("p", {}).value().version);
  EXPECT_THAT(again.Commit("p", request, {}, {Mutation::Put("a", "1")}), IsOkAndHolds(first));
  EXPECT_EQ(Kept("p"), (BackupArchive::Records{{"a", "2"}}));
}

TEST_F(MirroredStoresTest, WithoutItsBackupNothingMoreIsTakenAndReadingGoesOn) {
  for (const auto fate : {FailurePlan::Fate::kNotApplied, FailurePlan::Fate::kApplied}) {
    FailurePlan plan(1, fate);
    FailingRecordStore failing(&copy_, &plan);
    BackupArchive archive(&failing, &cipher_);
    MirroredRecordStore store(&own_, &archive, 0);
    ASSERT_THAT(store.Commit("p", RandomId<RequestId>(), {}, {Mutation::Put("a", "1")}), IsOk());
    EXPECT_THAT(store.Commit("p", RandomId<RequestId>(), {}, {Mutation::Put("a", "2")}),
                RefusedWith(Reason::kStoreUnavailable));
    EXPECT_FALSE(store.in_step());
    EXPECT_THAT(store.Commit("q", RandomId<RequestId>(), {}, {Mutation::Put("a", "1")}),
                RefusedWith(Reason::kStoreUnavailable));
    EXPECT_EQ(own_.Get("q", {}).value().version, 0u);
    EXPECT_THAT(store.Get("p", {"a"}), IsOk());
    EXPECT_THAT(store.Scan("p", "", "", 10, std::nullopt), IsOk());
  }
}

// Many at a time, on few partitions: in the end both hold the same.
TEST_F(MirroredStoresTest, ThoseWhoCommitAtOnceLeaveBothAlike) {
  MirroredRecordStore store(&own_, &archive_, 0);
  std::vector<std::thread> writers;
  std::atomic<int> failures = 0;
  for (int w = 0; w < 8; ++w) {
    writers.emplace_back([&, w] {
      for (int i = 0; i < 200; ++i) {
        const std::string partition = "p" + std::to_string(i % 3);
        const auto committed =
            store.Commit(partition, RandomId<RequestId>(), {},
                         {Mutation::Put("k" + std::to_string(i % 5), std::to_string(w * 1000 + i)),
                          Mutation::Delete("k" + std::to_string((i + 1) % 5))});
        if (!committed.ok()) ++failures;
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(failures, 0);
  for (int p = 0; p < 3; ++p) {
    const std::string partition = "p" + std::to_string(p);
    const ScanPage page = own_.Scan(partition, "", "", 100, std::nullopt).value();
    EXPECT_EQ(Kept(partition), BackupArchive::Records(page.items.begin(), page.items.end()));
    EXPECT_EQ(archive_.VersionOf(BackupKind::kRecords, partition).value(), page.version);
  }
}

TEST_F(MirroredStoresTest, BlobsAreInBoth) {
  FakeBlobStore own(&clock_);
  FakeBlobStore copy(&clock_);
  MirroredBlobStore store(&own, &copy);
  ASSERT_THAT(store.PutIfAbsentOrEqual("a/b", "bytes"), IsOk());
  EXPECT_THAT(copy.Get("a/b"), IsOkAndHolds("bytes"));
  EXPECT_THAT(store.PutIfAbsentOrEqual("a/b", "others"), RefusedWith(Reason::kConflict));
  EXPECT_THAT(copy.Get("a/b"), IsOkAndHolds("bytes"));
  ASSERT_THAT(store.Delete("a/b"), IsOk());
  EXPECT_THAT(copy.Get("a/b"), RefusedWith(Reason::kObjectNotFound));
}

}  // namespace
}  // namespace comity
