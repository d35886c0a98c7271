#include "services/common/files/files.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  FilesTest() {
    std::string name = ::testing::TempDir() + "comity-files-XXXXXX";
    dir_ = mkdtemp(name.data());
  }
  ~FilesTest() override { std::filesystem::remove_all(dir_); }
  std::string Path(const std::string& name) const { return dir_ + "/" + name; }
  static mode_t ModeOf(const std::string& path) {
    struct stat info {};
    EXPECT_EQ(stat(path.c_str(), &info), 0);
    return info.st_mode & 0777;
  }
  std::string dir_;
};

TEST_F(FilesTest, ReadFileGivesWhatWasWritten) {
  const std::string bytes("a\0b", 3);
  ASSERT_TRUE(WriteFileDurably(Path("f"), bytes, FileMode::kPublic).ok());
  EXPECT_EQ(*ReadFile(Path("f")), bytes);
}

TEST_F(FilesTest, WriteFileDurablyReplacesAndLeavesNoTemporaryFile) {
  ASSERT_TRUE(WriteFileDurably(Path("f"), "old", FileMode::kPublic).ok());
  ASSERT_TRUE(WriteFileDurably(Path("f"), "new", FileMode::kPublic).ok());
  EXPECT_EQ(*ReadFile(Path("f")), "new");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir_), {}), 1);
}

TEST_F(FilesTest, PrivateFileIsReadableByItsOwnerOnly) {
  ASSERT_TRUE(WritePrivateFile(Path("key"), SecretBytes::CopyOf("secret")).ok());
  EXPECT_EQ(ModeOf(Path("key")), 0600u);
  EXPECT_EQ(ReadPrivateFile(Path("key"))->RevealView(RevealKey::ForTest()), "secret");
}

TEST_F(FilesTest, ReadPrivateFileRefusesWhenOthersMayRead) {
  ASSERT_TRUE(WriteFileDurably(Path("key"), "secret", FileMode::kPublic).ok());
  EXPECT_EQ(ReasonOf(ReadPrivateFile(Path("key")).status()), Reason::kStateNotReady);
}

TEST_F(FilesTest, OwnPrivateFileIsNobodyElses) {
  EXPECT_EQ(ReasonOf(ReadOwnPrivateFile(Path("key")).status()), Reason::kStoreUnavailable);
  ASSERT_TRUE(WritePrivateFile(Path("key"), SecretBytes::CopyOf("secret")).ok());
  EXPECT_EQ(ReadOwnPrivateFile(Path("key"))->RevealView(RevealKey::ForTest()), "secret");
  ASSERT_EQ(chmod(Path("key").c_str(), 0640), 0);
  EXPECT_EQ(ReasonOf(ReadOwnPrivateFile(Path("key")).status()), Reason::kStateNotReady);
  ASSERT_EQ(chmod(Path("key").c_str(), 0400), 0);
  EXPECT_TRUE(ReadOwnPrivateFile(Path("key")).ok());
  // Only root can give a file away.
  if (chown(Path("key").c_str(), geteuid() + 1, getegid()) == 0) {
    EXPECT_EQ(ReasonOf(ReadOwnPrivateFile(Path("key")).status()), Reason::kStateNotReady);
    EXPECT_TRUE(ReadPrivateFile(Path("key")).ok());
  }
}

TEST_F(FilesTest, ReadFileRefusesWhenThereIsNone) {
  EXPECT_EQ(ReasonOf(ReadFile(Path("none")).status()), Reason::kStoreUnavailable);
}

TEST_F(FilesTest, ReadFileRefusesFolder) {
  EXPECT_EQ(ReasonOf(ReadFile(dir_).status()), Reason::kStoreUnavailable);
}

TEST_F(FilesTest, WriteFileDurablyFailsCleanlyWhenFolderIsMissing) {
  EXPECT_EQ(ReasonOf(WriteFileDurably(Path("no/f"), "x", FileMode::kPublic)),
            Reason::kStoreUnavailable);
}

TEST_F(FilesTest, MakePrivateFoldersMakesEachOf0700AndMayBeRepeated) {
  ASSERT_TRUE(MakePrivateFolders(Path("a/b/c")).ok());
  ASSERT_TRUE(MakePrivateFolders(Path("a/b/c")).ok());
  EXPECT_EQ(ModeOf(Path("a")), 0700u);
  EXPECT_EQ(ModeOf(Path("a/b/c")), 0700u);
}

TEST_F(FilesTest, MakePrivateFoldersRefusesWhenAFileIsInTheWay) {
  ASSERT_TRUE(WriteFileDurably(Path("f"), "x", FileMode::kPublic).ok());
  EXPECT_EQ(ReasonOf(MakePrivateFolders(Path("f/g"))), Reason::kStoreUnavailable);
}

}  // namespace
}  // namespace comity
