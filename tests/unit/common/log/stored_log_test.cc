#include "services/common/log/stored_log.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/fakes/fake_blob_store.h"
#include "tests/fakes/fake_record_store.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

using ::testing::HasSubstr;

class StoredLogTest : public ::testing::Test {
 protected:
  void Append(size_t count) {
    ASSERT_OK_AND_ASSIGN(const auto log, OpenTestLog(&records_, &blobs_));
    for (const std::string& leaf : TestLeaves("leaf", count))
      ASSERT_THAT(log->Append(leaf), IsOk());
    checkpoint_ = log->checkpoint();
  }
  absl::StatusOr<VerifiedLog> Read(const std::string& origin = kTestOrigin) {
    return ReadStoredLog(origin, kTestPartition, &records_, &blobs_);
  }
  std::string AnyBlob(std::string_view with) {
    const auto entries = blobs_.List("log/custody/", "", 10'000);
    for (const BlobStore::Entry& entry : *entries) {
      if (entry.name.find(with) != std::string::npos) return entry.name;
    }
    ADD_FAILURE() << "no blob like " << with;
    return "";
  }

  FakeRecordStore records_;
  FakeBlobStore blobs_;
  std::string checkpoint_;
};

TEST_F(StoredLogTest, ALogThatWasNeverOpenedIsEmpty) {
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, Read());
  EXPECT_EQ(log.checkpoint.size, 0U);
  EXPECT_TRUE(log.leaves.empty());
}

TEST_F(StoredLogTest, EveryLeafIsReadAndTheRootIsThatOfTheCheckpoint) {
  Append(300);
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, Read());
  EXPECT_EQ(log.leaves, TestLeaves("leaf", 300));
  ASSERT_OK_AND_ASSIGN(const Checkpoint signed_one,
                       VerifyCheckpoint(checkpoint_, kTestOrigin, TestLogKey().public_key()));
  EXPECT_EQ(log.checkpoint.root, signed_one.root);
}

TEST_F(StoredLogTest, ReadingChangesNothing) {
  Append(3);
  ASSERT_OK_AND_ASSIGN(const Snapshot before, records_.Get(kTestPartition, {"head"}));
  ASSERT_THAT(Read(), IsOk());
  ASSERT_OK_AND_ASSIGN(const Snapshot after, records_.Get(kTestPartition, {"head"}));
  EXPECT_EQ(before.version, after.version);
}

TEST_F(StoredLogTest, ALostBundleIsNamed) {
  Append(3);
  const std::string bundle = AnyBlob("tile/entries/");
  ASSERT_THAT(blobs_.Delete(bundle), IsOk());
  const auto log = Read();
  EXPECT_THAT(log, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(log.status()), HasSubstr("tile/entries/000"));
}

TEST_F(StoredLogTest, AChangedTileIsNamed) {
  Append(3);
  const std::string tile = AnyBlob("tile/0/");
  ASSERT_OK_AND_ASSIGN(std::string bytes, blobs_.Get(tile));
  bytes[0] = static_cast<char>(bytes[0] ^ 1);
  blobs_.Overwrite(tile, bytes);
  const auto log = Read();
  EXPECT_THAT(log, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(log.status()), HasSubstr("tile/0/000"));
}

TEST_F(StoredLogTest, RecordsOlderThanTheBlobsAreFound) {
  Append(3);
  FakeRecordStore old;
  CopyRecords(records_, old);
  Append(1);
  const auto log = ReadStoredLog(kTestOrigin, kTestPartition, &old, &blobs_);
  EXPECT_THAT(log, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(log.status()), HasSubstr("beyond the last signed checkpoint"));
}

TEST_F(StoredLogTest, TheLogOfSomebodyElseIsRefused) {
  Append(1);
  EXPECT_THAT(Read("example.comity/cn/custody"), RefusedWith(Reason::kDataCorrupt));
}

}  // namespace
}  // namespace comity
