#include <cerrno>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/file_blob_store.h"
#include "tests/fault/unsteady_file_calls.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using Call = UnsteadyFileCalls::Call;

// A blob store on an unsteady disk, with what it must hold: every put and delete that was
// acknowledged, and the blob of the one that failed whole or not at all.
class BlobHistory final {
 public:
  explicit BlobHistory(uint64_t seed) : random_(seed) {}

  absl::Status Open() {
    store_.reset();
    ASSIGN_OR_RETURN(store_, FileBlobStore::Open(directory_.path(), disk_));
    return absl::OkStatus();
  }
  void CutPower() {
    store_.reset();
    disk_.LoseUnsynced(random_);
    disk_.Heal();
  }

  absl::Status Step() {
    const std::string name = "f" + std::to_string(random_() % 3) + "/g" +
                             std::to_string(random_() % 2) + "/" + std::to_string(random_() % 4);
    auto blob = blobs_.find(name);
    const bool remove = blob != blobs_.end() && random_() % 2 == 0;
    // An equal put of what is there must make it last as well.
    const std::string bytes =
        blob != blobs_.end() ? blob->second : name + ":" + std::string(random_() % 20'000, 'b');
    const absl::Status status =
        remove ? store_->Delete(name) : store_->PutIfAbsentOrEqual(name, bytes);
    if (!status.ok()) {
      // The store may not show a blob that was never put nor hide one that was never deleted.
      unsure_ = name;
      unsure_bytes_ = bytes;
    } else if (remove) {
      blobs_.erase(blob);
    } else {
      blobs_[name] = bytes;
    }
    return status;
  }

  void Verify() {
    std::map<std::string, std::string> found;
    ASSERT_OK_AND_ASSIGN(std::vector<BlobStore::Entry> entries, store_->List("", "", 10'000));
    for (const BlobStore::Entry& entry : entries) {
      ASSERT_OK_AND_ASSIGN(found[entry.name], store_->Get(entry.name));
    }
    if (unsure_.has_value()) {
      auto blob = found.find(*unsure_);
      if (blob != found.end()) {
        EXPECT_EQ(blob->second, unsure_bytes_) << "half a blob";
        blobs_[*unsure_] = unsure_bytes_;
      } else {
        blobs_.erase(*unsure_);
      }
    }
    EXPECT_EQ(found, blobs_);
    EXPECT_TRUE(std::filesystem::is_empty(directory_.path() + "/blobs/temp"));
    unsure_.reset();
  }

  FileBlobStore& store() { return *store_; }
  UnsteadyFileCalls& disk() { return disk_; }
  std::mt19937_64& random() { return random_; }

 private:
  TempDir directory_;
  UnsteadyFileCalls disk_;
  std::mt19937_64 random_;
  std::unique_ptr<FileBlobStore> store_;
  std::map<std::string, std::string> blobs_;
  std::optional<std::string> unsure_;
  std::string unsure_bytes_;
};

class BlobStoreFault : public ::testing::TestWithParam<bool> {};

TEST_P(BlobStoreFault, NothingAcknowledgedIsLostWhicheverCallFails) {
  bool reached_the_end = false;
  for (uint64_t call = 1; !reached_the_end; ++call) {
    SCOPED_TRACE("call " + std::to_string(call));
    BlobHistory history(call);
    ASSERT_THAT(history.Open(), IsOk());
    history.disk().FailAt(Call::kAny, call, EIO, /*for_good=*/GetParam());
    for (int step = 0; step < 30; ++step) {
      const absl::Status status = history.Step();
      if (status.ok()) continue;
      ASSERT_TRUE(history.disk().failed()) << status;
      EXPECT_THAT(status, RefusedWith(Reason::kStoreUnavailable));
      break;
    }
    reached_the_end = !history.disk().failed();
    history.CutPower();
    ASSERT_THAT(history.Open(), IsOk());
    history.Verify();
    for (int step = 0; step < 5; ++step) ASSERT_THAT(history.Step(), IsOk());
    history.Verify();
    if (HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, BlobStoreFault, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool>& for_good) {
                           return for_good.param ? "ForGood" : "Once";
                         });

TEST(BlobStoreFaultTest, NothingAcknowledgedIsLostWhenThePowerGoesAgainAndAgain) {
  BlobHistory history(7);
  for (int life = 0; life < 100; ++life) {
    SCOPED_TRACE("life " + std::to_string(life));
    ASSERT_THAT(history.Open(), IsOk());
    history.Verify();
    history.disk().FailAt(Call::kAny, history.random()() % 80 + 1, EIO, /*for_good=*/true);
    for (int step = 0; step < 20 && history.Step().ok(); ++step) {
    }
    history.CutPower();
    if (HasFailure()) return;
  }
}

class BlobStoreFullDisk : public ::testing::TestWithParam<Call> {};

TEST_P(BlobStoreFullDisk, RefusesThePutAndShowsNoPartOfIt) {
  TempDir directory;
  UnsteadyFileCalls disk;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileBlobStore> store,
                       FileBlobStore::Open(directory.path(), disk));
  disk.FailAt(GetParam(), 1, ENOSPC);
  EXPECT_THAT(store->PutIfAbsentOrEqual("a/b", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_TRUE(disk.failed());
  EXPECT_THAT(store->Get("a/b"), RefusedWith(Reason::kObjectNotFound));
  EXPECT_THAT(store->List("", "", 10), IsOkAndHolds(::testing::IsEmpty()));
  EXPECT_TRUE(std::filesystem::is_empty(directory.path() + "/blobs/temp"));
  // Space was made: no harm was done that would keep the store from going on.
  EXPECT_THAT(store->PutIfAbsentOrEqual("a/b", "bytes"), IsOk());
  EXPECT_THAT(store->Get("a/b"), IsOkAndHolds(std::string("bytes")));
}

INSTANTIATE_TEST_SUITE_P(Calls, BlobStoreFullDisk,
                         ::testing::Values(Call::kCreate, Call::kWrite, Call::kLink,
                                           Call::kMakeDirectory));

class BlobStoreFailedSync : public ::testing::TestWithParam<Call> {};

TEST_P(BlobStoreFailedSync, RefusesChangesUntilOpenedAgain) {
  TempDir directory;
  UnsteadyFileCalls disk;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileBlobStore> store,
                       FileBlobStore::Open(directory.path(), disk));
  ASSERT_THAT(store->PutIfAbsentOrEqual("old", "bytes"), IsOk());
  disk.FailAt(GetParam(), 1, EIO);
  EXPECT_THAT(store->PutIfAbsentOrEqual("new", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  ASSERT_TRUE(disk.failed());
  EXPECT_THAT(store->PutIfAbsentOrEqual("new", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store->PutIfAbsentOrEqual("old", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store->Delete("old"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store->Get("old"), IsOkAndHolds(std::string("bytes")));

  store.reset();
  ASSERT_OK_AND_ASSIGN(store, FileBlobStore::Open(directory.path(), disk));
  EXPECT_THAT(store->PutIfAbsentOrEqual("new", "bytes"), IsOk());
  EXPECT_THAT(store->Delete("old"), IsOk());
}

INSTANTIATE_TEST_SUITE_P(Calls, BlobStoreFailedSync,
                         ::testing::Values(Call::kSync, Call::kSyncDirectory));

TEST(BlobStoreFaultTest, RefusesTheDeleteThatTheDiskRefuses) {
  TempDir directory;
  UnsteadyFileCalls disk;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileBlobStore> store,
                       FileBlobStore::Open(directory.path(), disk));
  ASSERT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), IsOk());
  disk.FailAt(Call::kRemove, 1, EIO);
  EXPECT_THAT(store->Delete("a"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(store->Get("a"), IsOkAndHolds(std::string("bytes")));
}

TEST(BlobStoreFaultTest, RefusesTheReadThatTheDiskRefuses) {
  TempDir directory;
  UnsteadyFileCalls disk;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileBlobStore> store,
                       FileBlobStore::Open(directory.path(), disk));
  ASSERT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), IsOk());
  disk.FailAt(Call::kRead, 1, EIO);
  EXPECT_THAT(store->Get("a"), RefusedWith(Reason::kStoreUnavailable));
  disk.FailAt(Call::kRead, 1, EIO);
  EXPECT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), RefusedWith(Reason::kStoreUnavailable));
}

TEST(BlobStoreFaultTest, EqualPutSyncsTheFolderThatAnotherLeftUnsynced) {
  TempDir directory;
  UnsteadyFileCalls disk;
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<FileBlobStore> store,
                       FileBlobStore::Open(directory.path(), disk));
  // The name is on disk, but its folder's sync fails, as if the process had ended before it.
  disk.FailAt(Call::kSyncDirectory, 1, EIO);
  ASSERT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  store.reset();
  ASSERT_OK_AND_ASSIGN(store, FileBlobStore::Open(directory.path(), disk));
  ASSERT_THAT(store->Get("a"), IsOk());
  disk.FailAt(Call::kSyncDirectory, 1, EIO);
  EXPECT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_TRUE(disk.failed()) << "the put was acknowledged without a sync";
}

}  // namespace
}  // namespace comity
