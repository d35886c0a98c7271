#include "services/common/log/transparency_log.h"

#include <set>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/log/log_store.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

class TransparencyLogTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<TransparencyLog>> Open() {
    return OpenTestLog(&records_, &blobs_);
  }

  // Appends in batches of `step` and remembers what was acknowledged.
  void Append(TransparencyLog& log, const std::vector<std::string>& leaves, size_t step) {
    for (size_t i = 0; i < leaves.size(); i += step) {
      const std::vector<std::string> batch(
          leaves.begin() + static_cast<std::ptrdiff_t>(i),
          leaves.begin() + static_cast<std::ptrdiff_t>(std::min(i + step, leaves.size())));
      ASSERT_OK_AND_ASSIGN(const std::vector<LogReceipt> receipts, log.AppendAll(batch));
      ASSERT_EQ(receipts.size(), batch.size());
      for (size_t k = 0; k < batch.size(); ++k) {
        acknowledged_.push_back({batch[k], receipts[k]});
      }
    }
  }

  std::set<std::string> BlobNames() {
    std::set<std::string> names;
    const auto entries = blobs_.List("log/custody/", "", 10'000);
    for (const BlobStore::Entry& entry : *entries) {
      names.insert(entry.name);
    }
    return names;
  }

  FakeRecordStore records_;
  FakeBlobStore blobs_;
  std::vector<Acknowledged> acknowledged_;
};

TEST_F(TransparencyLogTest, ANewLogIsEmptyAndSigned) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  EXPECT_EQ(log->size(), 0u);
  EXPECT_EQ(log->origin(), kTestOrigin);
  ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint,
                       VerifyCheckpoint(log->checkpoint(), kTestOrigin, log->public_key()));
  EXPECT_EQ(checkpoint.size, 0u);
  EXPECT_EQ(checkpoint.root, merkle::EmptyRoot());
  ExpectHolds(*log, {});
}

TEST_F(TransparencyLogTest, AppendGivesAReceiptThatVerifiesOffline) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  ASSERT_OK_AND_ASSIGN(const LogReceipt first, log->Append("first"));
  ASSERT_OK_AND_ASSIGN(const LogReceipt second, log->Append("second"));
  EXPECT_EQ(first.index, 0u);
  EXPECT_EQ(second.index, 1u);
  EXPECT_EQ(second.checkpoint, log->checkpoint());
  ASSERT_OK_AND_ASSIGN(const LogReceipt parsed, ParseReceipt(FormatReceipt(second)));
  EXPECT_THAT(VerifyReceipt(parsed, "second", kTestOrigin, log->public_key()), IsOk());
  ExpectHolds(*log, {{"first", first}, {"second", second}});
}

TEST_F(TransparencyLogTest, AppendAllKeepsItsLeavesTogetherInOrder) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, TestLeaves("a", 10), 10);
  for (size_t i = 0; i < acknowledged_.size(); ++i) {
    EXPECT_EQ(acknowledged_[i].receipt.index, i);
    EXPECT_EQ(acknowledged_[i].receipt.checkpoint, log->checkpoint());
  }
  ExpectHolds(*log, acknowledged_);
}

TEST_F(TransparencyLogTest, AppendAllOfNothingChangesNothing) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  const uint64_t commits = records_.applied();
  EXPECT_THAT(log->AppendAll({}), IsOkAndHolds(testing::IsEmpty()));
  EXPECT_EQ(records_.applied(), commits);
}

TEST_F(TransparencyLogTest, EveryBatchSizeAcrossTileBordersGivesTheSameTree) {
  const std::vector<std::string> leaves = TestLeaves("leaf", 600);
  for (const size_t step : {1ul, 3ul, 100ul, 255ul, 256ul}) {
    FakeRecordStore records;
    FakeBlobStore blobs;
    acknowledged_.clear();
    ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records, &blobs));
    Append(*log, leaves, step);
    ExpectHolds(*log, acknowledged_);
    ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint,
                         VerifyCheckpoint(log->checkpoint(), kTestOrigin, log->public_key()));
    EXPECT_EQ(checkpoint.root, RootOf(leaves, leaves.size())) << step;
  }
}

TEST_F(TransparencyLogTest, ALogWithSecondLevelTilesHoldsAndReopens) {
  const std::vector<std::string> leaves = TestLeaves("leaf", 66'000);
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    for (size_t i = 0; i < leaves.size(); i += 250) {
      const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(i);
      ASSERT_THAT(log->AppendAll({begin, begin + 250}), IsOk());
    }
  }
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, {"after"}, 1);
  ExpectHolds(*log, acknowledged_);
  EXPECT_THAT(log->ReadFile("tile/1/000"), IsOk());
  EXPECT_THAT(log->ReadFile("tile/2/000.p/1"), IsOk());
}

TEST_F(TransparencyLogTest, AppendFailsForAnEmptyLeafAndTheLogGoesOn) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  EXPECT_THAT(log->Append(""), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(log->AppendAll({"a", ""}), RefusedWith(Reason::kFieldInvalid));
  EXPECT_EQ(log->size(), 0u);
  EXPECT_THAT(log->Append("a"), IsOk());
}

TEST_F(TransparencyLogTest, AppendFailsForALeafAboveTheLimit) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  EXPECT_THAT(log->Append(std::string(kMaxLeafBytes + 1, 'a')),
              RefusedWith(Reason::kMessageTooLarge));
  Append(*log, {std::string(kMaxLeafBytes, 'a')}, 1);
  ExpectHolds(*log, acknowledged_);
}

TEST_F(TransparencyLogTest, AppendFailsForMoreThanOneBatch) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  EXPECT_THAT(log->AppendAll(TestLeaves("a", kMaxBatchLeaves + 1)),
              RefusedWith(Reason::kMessageTooLarge));
  EXPECT_THAT(log->AppendAll(std::vector<std::string>(15, std::string(kMaxLeafBytes, 'a'))),
              RefusedWith(Reason::kMessageTooLarge));
  Append(*log, std::vector<std::string>(14, std::string(kMaxLeafBytes, 'a')), 14);
  Append(*log, TestLeaves("b", kMaxBatchLeaves), kMaxBatchLeaves);
  ExpectHolds(*log, acknowledged_);
}

TEST_F(TransparencyLogTest, BundlesLargerThanABlobAreKeptWhole) {
  // 256 leaves of the largest size are 16 MiB; a blob holds 4.
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    Append(*log, std::vector<std::string>(130, std::string(kMaxLeafBytes, 'a')), 13);
  }
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, std::vector<std::string>(130, std::string(kMaxLeafBytes, 'b')), 13);
  EXPECT_EQ(log->ReadFile("tile/entries/000")->size(), 256 * (2 + kMaxLeafBytes));
  EXPECT_EQ(log->ReadFile("tile/entries/000.p/100")->size(), 100 * (2 + kMaxLeafBytes));
  ExpectHolds(*log, acknowledged_);
}

TEST_F(TransparencyLogTest, BundlesThatFillABlobExactlyAreKeptWhole) {
  // 64 leaves of 65,534 bytes with their lengths are 4 MiB to the byte.
  const std::vector<std::string> leaves(64, std::string(65'534, 'a'));
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    Append(*log, leaves, 8);
    EXPECT_EQ(log->ReadFile("tile/entries/000.p/64")->size(), kMaxBlobBytes);
  }
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  ExpectHolds(*log, acknowledged_);
}

TEST_F(TransparencyLogTest, AReopenedLogGoesOnWhereItWas) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    EXPECT_EQ(log->size(), acknowledged_.size());
    Append(*log, TestLeaves("round " + std::to_string(i), 37), 20);
    ExpectHolds(*log, acknowledged_);
  }
}

TEST_F(TransparencyLogTest, AReopenedLogSignsTheSameCheckpoint) {
  std::string before;
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    Append(*log, TestLeaves("a", 5), 5);
    before = log->checkpoint();
  }
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  EXPECT_EQ(log->checkpoint(), before);
}

TEST_F(TransparencyLogTest, OpenFailsForAKeyThatIsNotEd25519) {
  EXPECT_THAT(TransparencyLog::Open({kTestOrigin, kTestPartition},
                                    PrivateKey::Generate(SignatureAlgorithm::kEcdsaP256), &records_,
                                    &blobs_),
              RefusedWith(Reason::kFieldInvalid));
}

TEST_F(TransparencyLogTest, OpenFailsForAnOriginThatIsNoKeyName) {
  for (const char* origin : {"", "a b", "a+b", "a\nb"}) {
    EXPECT_THAT(TransparencyLog::Open({origin, kTestPartition}, TestLogKey(), &records_, &blobs_),
                RefusedWith(Reason::kFieldInvalid));
  }
}

TEST_F(TransparencyLogTest, OpenFailsForTheLogOfAnotherOrigin) {
  { ASSERT_THAT(Open(), IsOk()); }
  EXPECT_THAT(TransparencyLog::Open({"example.comity/cn/custody", kTestPartition}, TestLogKey(),
                                    &records_, &blobs_),
              RefusedWith(Reason::kDataCorrupt));
}

TEST_F(TransparencyLogTest, AppendFailsForEverAfterAnotherOpenedTheLog) {
  ASSERT_OK_AND_ASSIGN(const auto old_log, Open());
  Append(*old_log, {"a"}, 1);
  ASSERT_OK_AND_ASSIGN(const auto new_log, Open());
  EXPECT_THAT(old_log->Append("lost"), RefusedWith(Reason::kLogUnavailable));
  EXPECT_THAT(old_log->Append("lost"), RefusedWith(Reason::kLogUnavailable));
  Append(*new_log, {"b"}, 1);
  ExpectHolds(*new_log, acknowledged_);
  EXPECT_EQ(new_log->size(), 2u);
}

TEST_F(TransparencyLogTest, ConcurrentAppendsAllGetReceiptsThatHold) {
  constexpr size_t kThreads = 16;
  constexpr size_t kLeaves = 40;
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  std::vector<std::vector<Acknowledged>> told(kThreads);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (const std::string& leaf : TestLeaves("thread " + std::to_string(t), kLeaves)) {
        const absl::StatusOr<LogReceipt> receipt = log->Append(leaf);
        if (receipt.ok()) {
          told[t].push_back({leaf, *receipt});
        }
        (void)log->ReadFile("tile/entries/000");
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  std::set<uint64_t> indices;
  for (const std::vector<Acknowledged>& of_thread : told) {
    ASSERT_EQ(of_thread.size(), kLeaves);
    for (const Acknowledged& one : of_thread) {
      indices.insert(one.receipt.index);
      acknowledged_.push_back(one);
    }
  }
  EXPECT_EQ(indices.size(), kThreads * kLeaves);
  EXPECT_EQ(log->size(), kThreads * kLeaves);
  ExpectHolds(*log, acknowledged_);
}

TEST_F(TransparencyLogTest, FilesAreThoseOfTheCurrentCheckpoint) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, TestLeaves("a", 259), 100);
  EXPECT_THAT(log->ReadFile("checkpoint"), IsOkAndHolds(log->checkpoint()));
  ASSERT_OK_AND_ASSIGN(const std::string bundle, log->ReadFile("tile/entries/001.p/3"));
  EXPECT_THAT(DecodeBundle(bundle, 3),
              IsOkAndHolds(testing::ElementsAre("a 256", "a 257", "a 258")));
  ASSERT_OK_AND_ASSIGN(const std::string tile, log->ReadFile("tile/0/001.p/3"));
  EXPECT_EQ(tile.substr(64), merkle::LeafHash("a 258").bytes());
  EXPECT_EQ(log->ReadFile("tile/0/000")->size(), 8192u);
  EXPECT_EQ(log->ReadFile("tile/1/000.p/1")->size(), 32u);
}

TEST_F(TransparencyLogTest, PartialFilesOfEarlierCheckpointsAreServedFromLaterOnes) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, TestLeaves("a", 259), 7);
  ASSERT_OK_AND_ASSIGN(const std::string early, log->ReadFile("tile/entries/000.p/7"));
  EXPECT_THAT(DecodeBundle(early, 7), IsOkAndHolds(TestLeaves("a", 7)));
  EXPECT_EQ(log->ReadFile("tile/0/000.p/7").value(), log->ReadFile("tile/0/000")->substr(0, 224));
  EXPECT_EQ(log->ReadFile("tile/0/001.p/1").value(), merkle::LeafHash("a 256").bytes());
  ASSERT_OK_AND_ASSIGN(const std::string edge, log->ReadFile("tile/entries/001.p/2"));
  EXPECT_THAT(DecodeBundle(edge, 2), IsOkAndHolds(testing::ElementsAre("a 256", "a 257")));
}

TEST_F(TransparencyLogTest, ReadFileFailsForWhatTheCheckpointDoesNotCover) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, TestLeaves("a", 259), 259 / 7);
  for (const char* path :
       {"tile/0/001", "tile/0/001.p/4", "tile/0/002", "tile/0/002.p/1", "tile/1/000",
        "tile/1/000.p/2", "tile/1/001.p/1", "tile/2/000.p/1", "tile/7/000", "tile/entries/001",
        "tile/entries/001.p/4", "tile/entries/002.p/1", "", "/", "tile", "Checkpoint", "head",
        "../custody/tile/0/000", "tile/0/000.more/1"}) {
    EXPECT_THAT(log->ReadFile(path), RefusedWith(Reason::kObjectNotFound)) << path;
  }
}

TEST_F(TransparencyLogTest, ReadFileFailsWithCorruptWhenTheStoreLostOrDamagedATile) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, TestLeaves("a", 256), 256);
  blobs_.Overwrite("log/custody/tile/0/000", "short");
  EXPECT_THAT(log->ReadFile("tile/0/000.p/5"), RefusedWith(Reason::kDataCorrupt));
  blobs_.Overwrite("log/custody/tile/entries/000", "short");
  EXPECT_THAT(log->ReadFile("tile/entries/000.p/5"), RefusedWith(Reason::kDataCorrupt));
  ASSERT_THAT(blobs_.Delete("log/custody/tile/0/000"), IsOk());
  EXPECT_THAT(log->ReadFile("tile/0/000"), RefusedWith(Reason::kDataCorrupt));
  blobs_.SetUnavailable(true);
  EXPECT_THAT(log->ReadFile("tile/entries/000"), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(TransparencyLogTest, TheStoreKeepsFullFilesAndOnlyTheNewestPartialOnes) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  Append(*log, TestLeaves("a", 259), 37);
  EXPECT_EQ(BlobNames(),
            (std::set<std::string>{"log/custody/tile/0/000", "log/custody/tile/0/001.p/3",
                                   "log/custody/tile/1/000.p/1", "log/custody/tile/entries/000",
                                   "log/custody/tile/entries/001.p/3"}));
}

TEST_F(TransparencyLogTest, ALogOverTheEmbeddedStoresHoldsAndReopens) {
  const TempDir directory;
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const auto records, OpenRocksRecordStore(directory.path()));
    ASSERT_OK_AND_ASSIGN(const auto blobs, OpenFileBlobStore(directory.path()));
    ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(records.get(), blobs.get()));
    Append(*log, TestLeaves("round " + std::to_string(i), 130), 65);
    Append(*log, TestLeaves("single " + std::to_string(i), 3), 1);
    ExpectHolds(*log, acknowledged_);
  }
}

}  // namespace
}  // namespace comity
