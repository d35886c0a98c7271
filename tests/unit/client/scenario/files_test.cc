#include "client/scenario/files.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"

namespace comity::scenario {
namespace {

class FilesTest : public ::testing::Test {
 protected:
  std::string Make(const std::string& name, const std::string& bytes) {
    const std::filesystem::path path = dir_.path() + "/" + name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << bytes;
    return path.string();
  }
  bool SameAs(const std::string& path, const std::string& written) {
    ComparingStream out(path);
    out << written;
    EXPECT_EQ(out.bytes(), written.size());
    return out.Equal();
  }
  TempDir dir_;
};

TEST_F(FilesTest, ListHoldsRegularFilesBelowTheFolderByName) {
  Make("b", "22");
  Make("a/c", "1");
  Make(".hidden", "x");
  Make(".git/inside", "x");
  ASSERT_OK_AND_ASSIGN(const std::vector<SourceFile> files, ListFiles(dir_.path()));
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[0].name, "a/c");
  EXPECT_EQ(files[1].name, "b");
  EXPECT_EQ(files[1].size, 2U);
}

TEST_F(FilesTest, FolderWithoutFilesIsRefused) {
  Make(".hidden", "x");
  EXPECT_THAT(ListFiles(dir_.path()), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ListFiles(dir_.path() + "/absent"), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(FilesTest, EqualBytesCompareEqualAlsoOverSeveralBuffers) {
  const std::string large(100'000, 'x');
  EXPECT_TRUE(SameAs(Make("large", large), large));
  EXPECT_TRUE(SameAs(Make("empty", ""), ""));
}

TEST_F(FilesTest, AnyDifferenceIsSeen) {
  std::string large(100'000, 'x');
  const std::string path = Make("large", large);
  EXPECT_FALSE(SameAs(path, large + "x"));
  large.pop_back();
  EXPECT_FALSE(SameAs(path, large));
  large.push_back('y');
  EXPECT_FALSE(SameAs(path, large));
  EXPECT_FALSE(SameAs(dir_.path() + "/absent", ""));
}

}  // namespace
}  // namespace comity::scenario
