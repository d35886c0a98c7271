#include "services/common/faults/faulty_stores.h"

#include <csignal>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

class FaultyStoresTest : public ::testing::Test {
 protected:
  FaultyStoresTest() { Start(); }

  // As a new process over the same disks.
  void Start() {
    auto file = FaultFile::Open(path_);
    ASSERT_THAT(file, IsOk());
    faults_ = std::make_shared<StoreFaults>(*std::move(file), "us/custody");
    records_ = std::make_unique<FaultyRecordStore>(disk_, faults_);
    blobs_ = std::make_unique<FaultyBlobStore>(std::make_shared<FakeBlobStore>(), faults_);
  }

  void Have(const FaultPlan& plan) { ASSERT_THAT(FaultFile::Write(path_, plan), IsOk()); }

  absl::Status Put(const std::string& partition, const std::string& key) {
    return records_->Commit(partition, RandomId<RequestId>(), {}, {Mutation::Put(key, "value")})
        .status();
  }
  bool Has(const std::string& partition, const std::string& key) {
    const absl::StatusOr<Snapshot> snapshot = disk_->Get(partition, {key});
    return snapshot.ok() && snapshot->Find(key) != nullptr;
  }

  const TempDir dir_;
  const std::string path_ = dir_.path() + "/faults";
  const std::shared_ptr<FakeRecordStore> disk_ = std::make_shared<FakeRecordStore>();
  std::shared_ptr<StoreFaults> faults_;
  std::unique_ptr<FaultyRecordStore> records_;
  std::unique_ptr<FaultyBlobStore> blobs_;
};

TEST_F(FaultyStoresTest, EverythingPassesWithoutFaults) {
  EXPECT_THAT(Put("custody/a", "key"), IsOk());
  EXPECT_THAT(blobs_->PutIfAbsentOrEqual("a", "bytes"), IsOk());
  EXPECT_THAT(blobs_->Get("a"), IsOk());
  EXPECT_THAT(records_->Partitions("custody/", "", 10), IsOk());
  EXPECT_THAT(records_->Scan("custody/a", "", "", 10, std::nullopt), IsOk());
}

TEST_F(FaultyStoresTest, AFullDiskRefusesWritesUntilItIsWellAndGoesOnReading) {
  ASSERT_THAT(Put("custody/a", "key"), IsOk());
  Have({.borders = {}, .deaths = {}, .disks = {{"us/custody", DiskState::kFull}}});
  EXPECT_THAT(Put("custody/a", "other"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(blobs_->PutIfAbsentOrEqual("a", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(blobs_->Delete("a"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(records_->Get("custody/a", {"key"}), IsOk());
  Have({});
  EXPECT_THAT(Put("custody/a", "other"), IsOk());
}

TEST_F(FaultyStoresTest, ABrokenDiskRefusesWritesUntilTheProcessStartsAnew) {
  Have({.borders = {}, .deaths = {}, .disks = {{"us/custody", DiskState::kBroken}}});
  EXPECT_THAT(Put("custody/a", "key"), RefusedWith(Reason::kStoreUnavailable));
  Have({});
  EXPECT_THAT(Put("custody/a", "key"), RefusedWith(Reason::kStoreUnavailable));
  Start();
  EXPECT_THAT(Put("custody/a", "key"), IsOk());
}

TEST_F(FaultyStoresTest, FaultsOfOtherServicesAreNotOurs) {
  Have({.borders = {}, .deaths = {}, .disks = {{"cn/custody", DiskState::kFull}}});
  EXPECT_THAT(Put("custody/a", "key"), IsOk());
}

TEST_F(FaultyStoresTest, OnlyCommitsOfThatPartitionAndKeyAreCounted) {
  Have({.borders = {}, .deaths = {{"us/custody", true, "custody/", "decision/", 2}}, .disks = {}});
  const std::vector<Mutation> decision = {Mutation::Put("decision/1", "x")};
  EXPECT_EQ(faults_->Count("log/custody", decision), StoreFaults::Fate::kLive);
  EXPECT_EQ(faults_->Count("custody/a", {Mutation::Put("record", "x")}), StoreFaults::Fate::kLive);
  EXPECT_EQ(faults_->Count("custody/a", decision), StoreFaults::Fate::kLive);
  EXPECT_EQ(faults_->Count("custody/b", decision), StoreFaults::Fate::kDieBefore);
  EXPECT_EQ(faults_->Count("custody/b", decision), StoreFaults::Fate::kLive);
}

TEST_F(FaultyStoresTest, AnotherDeathCountsAnew) {
  Have({.borders = {}, .deaths = {{"us/custody", true, "custody/", "", 2}}, .disks = {}});
  const std::vector<Mutation> any = {Mutation::Delete("x")};
  EXPECT_EQ(faults_->Count("custody/a", any), StoreFaults::Fate::kLive);
  Have({.borders = {}, .deaths = {{"us/custody", false, "custody/", "", 2}}, .disks = {}});
  EXPECT_EQ(faults_->Count("custody/a", any), StoreFaults::Fate::kLive);
  EXPECT_EQ(faults_->Count("custody/a", any), StoreFaults::Fate::kDieAfter);
}

using FaultyStoresDeathTest = FaultyStoresTest;

TEST_F(FaultyStoresDeathTest, DyingBeforeACommitLeavesNothing) {
  Have({.borders = {}, .deaths = {{"us/custody", true, "custody/", "", 1}}, .disks = {}});
  EXPECT_EXIT(Put("custody/a", "key").IgnoreError(), ::testing::KilledBySignal(SIGKILL), "");
  EXPECT_FALSE(Has("custody/a", "key"));
}

TEST_F(FaultyStoresDeathTest, DyingAfterACommitTellsNobody) {
  Have({.borders = {}, .deaths = {{"us/custody", false, "custody/", "", 1}}, .disks = {}});
  EXPECT_EXIT(
      {
        const absl::Status told = Put("custody/a", "key");
        std::fprintf(stderr, "told: %d", told.ok());
      },
      ::testing::KilledBySignal(SIGKILL), "^$");
}

}  // namespace
}  // namespace comity
