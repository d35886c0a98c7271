#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

RequestId AnyRequest() { return RandomId<RequestId>(); }

class ReadOnlyStoresTest : public ::testing::Test {
 protected:
  // A store that a service used and left.
  void Fill() {
    ASSERT_OK_AND_ASSIGN(const auto records, OpenRocksRecordStore(dir_.path()));
    ASSERT_OK_AND_ASSIGN(const auto blobs, OpenFileBlobStore(dir_.path()));
    ASSERT_THAT(records->Commit("partition", AnyRequest(), {}, {Mutation::Put("key", "value")}),
                IsOk());
    ASSERT_THAT(blobs->PutIfAbsentOrEqual("folder/blob", "bytes"), IsOk());
  }
  // Every file below the store with its size and time.
  std::map<std::string, std::string> Files() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_.path())) {
      if (!entry.is_regular_file()) continue;
      files[entry.path().string()] =
          std::to_string(entry.file_size()) + " " +
          std::to_string(entry.last_write_time().time_since_epoch().count());
    }
    return files;
  }

  const TempDir dir_;
};

TEST_F(ReadOnlyStoresTest, WhatWasWrittenIsRead) {
  Fill();
  ASSERT_OK_AND_ASSIGN(const ReadOnlyStores stores, OpenStoresReadOnly(dir_.path()));
  ASSERT_OK_AND_ASSIGN(const Snapshot snapshot, stores.records->Get("partition", {"key"}));
  ASSERT_NE(snapshot.Find("key"), nullptr);
  EXPECT_EQ(*snapshot.Find("key"), "value");
  EXPECT_THAT(stores.records->Partitions("", "", 10), IsOk());
  ASSERT_OK_AND_ASSIGN(const ScanPage page, stores.records->Scan("partition", "", "", 10));
  EXPECT_EQ(page.items.size(), 1U);
  ASSERT_OK_AND_ASSIGN(const std::string bytes, stores.blobs->Get("folder/blob"));
  EXPECT_EQ(bytes, "bytes");
}

TEST_F(ReadOnlyStoresTest, NothingOnDiskChanges) {
  Fill();
  std::filesystem::path unfinished(dir_.path() + "/blobs/temp/17");
  std::filesystem::create_directories(unfinished);
  const auto before = Files();
  {
    ASSERT_OK_AND_ASSIGN(const ReadOnlyStores stores, OpenStoresReadOnly(dir_.path()));
    EXPECT_THAT(stores.records->Commit("partition", AnyRequest(), {}, {Mutation::Put("k", "v")}),
                RefusedWith(Reason::kStoreUnavailable));
    EXPECT_THAT(stores.blobs->PutIfAbsentOrEqual("other", "bytes"),
                RefusedWith(Reason::kStoreUnavailable));
    EXPECT_THAT(stores.blobs->Delete("folder/blob"), RefusedWith(Reason::kStoreUnavailable));
  }
  EXPECT_EQ(Files(), before);
  EXPECT_TRUE(std::filesystem::exists(unfinished));
}

TEST_F(ReadOnlyStoresTest, AStoreInUseIsRefused) {
  Fill();
  ASSERT_OK_AND_ASSIGN(const auto blobs, OpenFileBlobStore(dir_.path()));
  EXPECT_THAT(OpenStoresReadOnly(dir_.path()), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(ReadOnlyStoresTest, NobodyOpensTheStoreMeanwhile) {
  Fill();
  ASSERT_OK_AND_ASSIGN(const ReadOnlyStores stores, OpenStoresReadOnly(dir_.path()));
  EXPECT_THAT(OpenFileBlobStore(dir_.path()), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(ReadOnlyStoresTest, AStoreThatIsNotThereIsRefusedAndNotMade) {
  EXPECT_THAT(OpenStoresReadOnly(dir_.path()), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_TRUE(std::filesystem::is_empty(dir_.path()));
}

}  // namespace
}  // namespace comity
