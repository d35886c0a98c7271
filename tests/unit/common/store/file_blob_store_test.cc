#include "services/common/store/file_blob_store.h"

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "services/common/status/reason.h"
#include "services/common/store/open.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

class FileBlobStoreTest : public ::testing::Test {
 protected:
  absl::StatusOr<std::unique_ptr<BlobStore>> Open() { return OpenFileBlobStore(directory_.path()); }
  std::string blobs() const { return directory_.path() + "/blobs"; }
  static unsigned ModeOf(const std::string& path) {
    struct stat info;
    EXPECT_EQ(stat(path.c_str(), &info), 0) << path;
    return info.st_mode & 0777;
  }

  TempDir directory_;
};

TEST_F(FileBlobStoreTest, BlobOutlivesTheStore) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  ASSERT_THAT(store->PutIfAbsentOrEqual("a/b", "bytes"), IsOk());
  store.reset();
  ASSERT_OK_AND_ASSIGN(store, Open());
  EXPECT_THAT(store->Get("a/b"), IsOkAndHolds(std::string("bytes")));
}

TEST_F(FileBlobStoreTest, OpenIsRefusedWhileAnotherHoldsTheDirectory) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
  store.reset();
  EXPECT_THAT(Open(), IsOk());
}

TEST_F(FileBlobStoreTest, OpenIsRefusedWhenSomethingElseHasTheName) {
  std::ofstream(blobs()) << "a file";
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(FileBlobStoreTest, OpenIsRefusedWhenTheLockCannotBeOpened) {
  std::filesystem::create_directories(blobs() + "/lock");
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(FileBlobStoreTest, UnfinishedBlobsAreRemovedOnOpen) {
  std::filesystem::create_directories(blobs() + "/temp");
  std::ofstream(blobs() + "/temp/0") << "half a bl";
  std::ofstream(blobs() + "/temp/7") << "half a bl";
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  EXPECT_TRUE(std::filesystem::is_empty(blobs() + "/temp"));
  EXPECT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), IsOk());
}

TEST_F(FileBlobStoreTest, OpenIsRefusedWhenUnfinishedBlobsCannotBeRemoved) {
  std::filesystem::create_directories(blobs() + "/temp/0/full");
  EXPECT_THAT(Open(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(FileBlobStoreTest, FilesAndFoldersAreTheOwnersAlone) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  ASSERT_THAT(store->PutIfAbsentOrEqual("a/b", "bytes"), IsOk());
  for (const char* folder : {"", "/data", "/data/a", "/temp"}) {
    EXPECT_EQ(ModeOf(blobs() + folder), 0700u) << folder;
  }
  for (const char* file : {"/lock", "/data/a/b@"}) EXPECT_EQ(ModeOf(blobs() + file), 0600u) << file;
}

TEST_F(FileBlobStoreTest, NothingTemporaryIsLeftAfterAPut) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  ASSERT_THAT(store->PutIfAbsentOrEqual("a", "bytes"), IsOk());
  ASSERT_THAT(store->PutIfAbsentOrEqual("a", "other"), RefusedWith(Reason::kConflict));
  EXPECT_TRUE(std::filesystem::is_empty(blobs() + "/temp"));
}

TEST_F(FileBlobStoreTest, ForeignFileIsNotListed) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  ASSERT_THAT(store->PutIfAbsentOrEqual("a/b", "bytes"), IsOk());
  std::ofstream(blobs() + "/data/a/c") << "no blob";
  ASSERT_OK_AND_ASSIGN(std::vector<BlobStore::Entry> entries, store->List("", "", 10));
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].name, "a/b");
}

TEST_F(FileBlobStoreTest, GetIsRefusedWhenTheFileCannotHaveBeenWritten) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  std::ofstream(blobs() + "/data/empty@") << "";
  std::ofstream(blobs() + "/data/large@") << std::string(kMaxBlobBytes + 1, 'b');
  EXPECT_THAT(store->Get("empty"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store->Get("large"), RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(store->PutIfAbsentOrEqual("large", "b"), RefusedWith(Reason::kConflict));
}

TEST_F(FileBlobStoreTest, NoLinkIsFollowed) {
  ASSERT_OK_AND_ASSIGN(std::unique_ptr<BlobStore> store, Open());
  std::ofstream(directory_.path() + "/outside") << "bytes";
  std::filesystem::create_symlink(directory_.path() + "/outside", blobs() + "/data/a@");
  EXPECT_THAT(store->Get("a"), RefusedWith(Reason::kStoreUnavailable));
}

}  // namespace
}  // namespace comity
