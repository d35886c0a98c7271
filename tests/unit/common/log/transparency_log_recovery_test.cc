#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/log/log_growth.h"
#include "services/common/log/log_store.h"
#include "services/common/log/transparency_log.h"
#include "services/common/status/reason.h"
#include "tests/fakes/failing_stores.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/log/log_testing.h"

// What a log does after crashes, full disks, restored backups and damage.
namespace comity {
namespace {

// What callers ask of a log before the crash; crosses the border of a tile.
std::vector<std::vector<std::string>> Batches() {
  return {TestLeaves("a", 1), TestLeaves("b", 250), TestLeaves("c", 3),
          TestLeaves("d", 4), TestLeaves("e", 254), TestLeaves("f", 1)};
}

class LogRecoveryTest : public testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<TransparencyLog>> Open() {
    return OpenTestLog(&records_, &blobs_);
  }

  // Appends each batch until one is refused. False if opening or a batch failed.
  bool Run(RecordStore* records, BlobStore* blobs,
           const std::vector<std::vector<std::string>>& batches) {
    const auto log = OpenTestLog(records, blobs);
    if (!log.ok()) {
      return false;
    }
    for (const std::vector<std::string>& batch : batches) {
      const absl::StatusOr<std::vector<LogReceipt>> receipts = (*log)->AppendAll(batch);
      if (!receipts.ok()) {
        EXPECT_EQ(ReasonOf(receipts.status()), Reason::kLogUnavailable);
        // It stays refused, also when the disk would answer again.
        EXPECT_THAT((*log)->Append("late"), RefusedWith(Reason::kLogUnavailable));
        return false;
      }
      acknowledged_.push_back({batch.front(), receipts->front()});
      acknowledged_.push_back({batch.back(), receipts->back()});
    }
    return true;
  }

  void AppendInSteps(TransparencyLog& log, const std::vector<std::string>& leaves) {
    for (size_t i = 0; i < leaves.size(); i += 50) {
      const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(i);
      const auto count = static_cast<std::ptrdiff_t>(std::min<size_t>(50, leaves.size() - i));
      ASSERT_THAT(log.AppendAll({begin, begin + count}), IsOk());
    }
  }

  // Fails call number n of either store and everything after it, for every n; then the machine
  // comes back with what the stores hold.
  void FailEveryCall(FailurePlan::Fate fate) {
    size_t failures = 0;
    for (uint64_t n = 0;; ++n) {
      FakeRecordStore records;
      FakeBlobStore blobs;
      acknowledged_.clear();
      FailurePlan plan(n, fate);
      FailingRecordStore faulty_records(&records, &plan);
      FailingBlobStore faulty_blobs(&blobs, &plan);
      const bool all = Run(&faulty_records, &faulty_blobs, Batches());
      const std::vector<Acknowledged> before = acknowledged_;
      ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records, &blobs));
      ExpectHolds(*log, before);
      // Whatever the crash left behind, other leaves can take the places of the lost ones.
      ASSERT_OK_AND_ASSIGN(const std::vector<LogReceipt> receipts,
                           log->AppendAll(TestLeaves("after", 256)));
      ASSERT_OK_AND_ASSIGN(const LogReceipt last, log->Append("the last"));
      std::vector<Acknowledged> after = before;
      after.push_back({"after 255", receipts.back()});
      after.push_back({"the last", last});
      ExpectHolds(*log, after);
      if (testing::Test::HasFailure()) {
        FAIL() << "with call " << n;
      }
      failures += all ? 0 : 1;
      if (!plan.fired()) {
        break;
      }
    }
    EXPECT_GT(failures, 20u);
  }

  FakeRecordStore records_;
  FakeBlobStore blobs_;
  std::vector<Acknowledged> acknowledged_;
};

TEST_F(LogRecoveryTest, NothingAcknowledgedIsLostWhereverACallFailsWithoutEffect) {
  FailEveryCall(FailurePlan::Fate::kNotApplied);
}

TEST_F(LogRecoveryTest, NothingAcknowledgedIsLostWhereverACallFailsAfterItsEffect) {
  FailEveryCall(FailurePlan::Fate::kApplied);
}

TEST_F(LogRecoveryTest, ACrashDuringRecoveryIsRecoveredFrom) {
  // The first process dies between the pending batch and its head, after some of the files; the
  // second one at every call of its opening.
  for (uint64_t first = 3; first < 8; ++first) {
    for (uint64_t n = 0;; ++n) {
      FakeRecordStore records;
      FakeBlobStore blobs;
      acknowledged_.clear();
      FailurePlan plan(first, FailurePlan::Fate::kApplied);
      FailingRecordStore faulty_records(&records, &plan);
      FailingBlobStore faulty_blobs(&blobs, &plan);
      Run(&faulty_records, &faulty_blobs, {TestLeaves("a", 256), TestLeaves("b", 10)});
      FailurePlan again(n, FailurePlan::Fate::kApplied);
      FailingRecordStore again_records(&records, &again);
      FailingBlobStore again_blobs(&blobs, &again);
      const bool opened = OpenTestLog(&again_records, &again_blobs).ok();
      ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records, &blobs));
      ASSERT_THAT(log->AppendAll(TestLeaves("after", 200)), IsOk());
      ExpectHolds(*log, acknowledged_);
      if (testing::Test::HasFailure()) {
        FAIL() << "with calls " << first << " and " << n;
      }
      if (opened) {
        break;
      }
    }
  }
}

TEST_F(LogRecoveryTest, ABatchWhoseFilesAreTornIsWrittenAgainFromItsPendingRecord) {
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->AppendAll(TestLeaves("a", 10)), IsOk());
    blobs_.FailNextPut(FakeBlobStore::Fate::kApplied);
    ASSERT_THAT(log->AppendAll(TestLeaves("b", 5)), RefusedWith(Reason::kLogUnavailable));
    EXPECT_EQ(log->size(), 10u);
  }
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  EXPECT_EQ(log->size(), 15u);
  ExpectHolds(*log, {});
}

TEST_F(LogRecoveryTest, AppendersThatWaitedForAFailedBatchAreRefusedToo) {
  ASSERT_OK_AND_ASSIGN(const auto log, Open());
  records_.FailNextCommit(FakeRecordStore::Fate::kNotApplied);
  ASSERT_THAT(log->Append("a"), RefusedWith(Reason::kLogUnavailable));
  EXPECT_THAT(log->Append("b"), RefusedWith(Reason::kLogUnavailable));
  EXPECT_EQ(log->size(), 0u);
  // What is signed can still be read.
  EXPECT_THAT(log->ReadFile("checkpoint"), IsOkAndHolds(log->checkpoint()));
}

TEST_F(LogRecoveryTest, OpenFailsWithUnavailableWhenAStoreDoesNotAnswer) {
  records_.SetUnavailable(true);
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
  records_.SetUnavailable(false);
  blobs_.SetUnavailable(true);
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(LogRecoveryTest, OpenFailsWhenTheRecordsWereRolledBack) {
  // Whatever the log wrote since the backup, the blobs tell.
  for (const size_t base : {0ul, 5ul, 255ul, 256ul, 300ul}) {
    for (const size_t since : {1ul, 2ul, 200ul, 256ul, 600ul}) {
      FakeRecordStore records;
      FakeBlobStore blobs;
      FakeRecordStore backup;
      {
        ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records, &blobs));
        AppendInSteps(*log, TestLeaves("a", base));
        CopyRecords(records, backup);
        AppendInSteps(*log, TestLeaves("b", since));
      }
      EXPECT_THAT(OpenTestLog(&backup, &blobs), RefusedWith(Reason::kDataCorrupt))
          << base << " and " << since;
    }
  }
}

TEST_F(LogRecoveryTest, OpenFailsWhenTheRecordsWereRolledBackAndTheOldPartialFilesAreStillThere) {
  // As if deleting what the later batches replaced had failed each time.
  for (const size_t since : {1ul, 100ul, 251ul, 400ul}) {
    FakeRecordStore records;
    FakeBlobStore blobs;
    FakeRecordStore backup;
    {
      ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records, &blobs));
      ASSERT_THAT(log->AppendAll(TestLeaves("a", 5)), IsOk());
      CopyRecords(records, backup);
      for (const std::string& leaf : TestLeaves("b", since)) {
        ASSERT_THAT(log->Append(leaf), IsOk());
      }
    }
    LogStore store(kTestPartition, &records, &blobs);
    for (const auto& [id, bytes] : GrowLog({}, TestLeaves("a", 5)).files) {
      ASSERT_THAT(store.Put(id, bytes), IsOk());
    }
    const absl::Status status = OpenTestLog(&backup, &blobs).status();
    EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt)) << since;
    EXPECT_THAT(CauseOf(status), testing::HasSubstr("beyond the last signed checkpoint")) << since;
  }
}

TEST_F(LogRecoveryTest, OpenFailsWhenTheRecordsWereRolledBackIntoABatch) {
  FakeRecordStore backup;
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->Append("a"), IsOk());
    blobs_.FailNextPut(FakeBlobStore::Fate::kNotApplied);
    ASSERT_THAT(log->Append("b"), RefusedWith(Reason::kLogUnavailable));
    CopyRecords(records_, backup);  // with its pending batch
  }
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->Append("c"), IsOk());
  }
  EXPECT_THAT(OpenTestLog(&backup, &blobs_), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecoveryTest, OpenFailsWhenTheRecordsAreGone) {
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->Append("a"), IsOk());
  }
  FakeRecordStore empty;
  EXPECT_THAT(OpenTestLog(&empty, &blobs_), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecoveryTest, OpenFailsWhenTheBlobsWereRolledBack) {
  FakeBlobStore backup;
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->AppendAll(TestLeaves("a", 5)), IsOk());
    CopyBlobs(blobs_, backup);
    ASSERT_THAT(log->Append("b"), IsOk());
  }
  EXPECT_THAT(OpenTestLog(&records_, &backup), RefusedWith(Reason::kDataCorrupt));
  FakeBlobStore empty;
  EXPECT_THAT(OpenTestLog(&records_, &empty), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecoveryTest, OpenFailsWhenARightmostFileIsDamaged) {
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->AppendAll(TestLeaves("a", 250)), IsOk());
    ASSERT_THAT(log->AppendAll(TestLeaves("b", 10)), IsOk());
  }
  for (const std::string name : {"log/custody/tile/0/001.p/4", "log/custody/tile/1/000.p/1",
                                 "log/custody/tile/entries/001.p/4"}) {
    ASSERT_OK_AND_ASSIGN(const std::string good, blobs_.Get(name));
    std::string flipped = good;
    flipped[9] = static_cast<char>(flipped[9] ^ 4);
    blobs_.Overwrite(name, flipped);
    EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt)) << name;
    blobs_.Overwrite(name, good.substr(1));
    EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt)) << name;
    ASSERT_THAT(blobs_.Delete(name), IsOk());
    EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt)) << name;
    ASSERT_THAT(blobs_.PutIfAbsentOrEqual(name, good), IsOk());
    EXPECT_THAT(Open(), IsOk()) << name;
  }
}

TEST_F(LogRecoveryTest, OpenFailsWhenAFileOfTheInterruptedBatchHoldsOtherBytes) {
  {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    blobs_.FailNextPut(FakeBlobStore::Fate::kNotApplied);
    ASSERT_THAT(log->Append("a"), RefusedWith(Reason::kLogUnavailable));
  }
  ASSERT_THAT(blobs_.PutIfAbsentOrEqual("log/custody/tile/0/000.p/1", "other"), IsOk());
  EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt));
}

// Puts a record under the log's feet.
class LogRecordsTest : public LogRecoveryTest {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(const auto log, Open());
    ASSERT_THAT(log->AppendAll(TestLeaves("a", 3)), IsOk());
  }
  void Put(const std::string& key, const std::string& value) {
    ASSERT_THAT(
        records_.Commit(kTestPartition, RandomId<RequestId>(), {}, {Mutation::Put(key, value)}),
        IsOk());
  }
};

TEST_F(LogRecordsTest, OpenFailsWhenTheHeadCannotBeRead) {
  Put("head", "nonsense");
  EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecordsTest, OpenFailsWhenThePendingBatchCannotBeRead) {
  Put("pending", "nonsense");
  EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecordsTest, OpenFailsWhenThePendingBatchDoesNotFollowTheHead) {
  LogStore store(kTestPartition, &records_, &blobs_);
  ASSERT_THAT(store.Load(), IsOk());
  ASSERT_THAT(store.CommitPending({2, {"b"}}), IsOk());
  EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecordsTest, OpenFailsWhenThereIsAPendingBatchWithoutAHead) {
  FakeRecordStore records;
  FakeBlobStore blobs;
  LogStore store(kTestPartition, &records, &blobs);
  ASSERT_THAT(store.Load(), IsOk());
  ASSERT_THAT(store.CommitPending({0, {"b"}}), IsOk());
  EXPECT_THAT(OpenTestLog(&records, &blobs), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecordsTest, OpenFailsWhenTheHeadHasAnotherRoot) {
  LogStore store(kTestPartition, &records_, &blobs_);
  ASSERT_OK_AND_ASSIGN(const LogStore::Loaded loaded, store.Load());
  LogHead head = *loaded.head;
  EXPECT_EQ(head.size, 3u);
  EXPECT_EQ(head.log_epoch, 1u);
  head.root = Digest();
  ASSERT_THAT(store.CommitHead(head), IsOk());
  EXPECT_THAT(Open(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogRecordsTest, EachOpeningTakesTheNextLogEpoch) {
  for (uint64_t epoch = 2; epoch < 5; ++epoch) {
    ASSERT_THAT(Open(), IsOk());
    LogStore store(kTestPartition, &records_, &blobs_);
    ASSERT_OK_AND_ASSIGN(const LogStore::Loaded loaded, store.Load());
    EXPECT_EQ(loaded.head->log_epoch, epoch);
  }
}

TEST_F(LogRecordsTest, OpenRemovesThePartialFilesThatACrashLeft) {
  const LogGrowth old = GrowLog({}, TestLeaves("a", 2));
  LogStore store(kTestPartition, &records_, &blobs_);
  for (const auto& [id, bytes] : old.files) {
    ASSERT_THAT(store.Put(id, bytes), IsOk());
  }
  ASSERT_THAT(store.Get({0, 0, 2}), IsOk());
  ASSERT_THAT(Open(), IsOk());
  for (const auto& [id, bytes] : old.files) {
    EXPECT_THAT(store.Get(id), RefusedWith(Reason::kObjectNotFound));
  }
  EXPECT_THAT(store.Get({0, 0, 3}), IsOk());
}

}  // namespace
}  // namespace comity
