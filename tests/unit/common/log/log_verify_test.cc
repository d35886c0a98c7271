#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "services/common/log/log_growth.h"
#include "services/common/log/log_http.h"
#include "services/common/log/merkle.h"
#include "services/common/log/tiles.h"
#include "services/common/status/reason.h"
#include "tests/testing/matchers.h"
#include "tests/unit/common/log/log_testing.h"

namespace comity {
namespace {

constexpr size_t kSize = 600;

using Files = std::map<std::string, std::string>;

// A log's files, as a mirror would hold them.
Files FilesOf(const std::vector<std::string>& leaves) {
  Files files;
  LogState state;
  for (size_t i = 0; i < leaves.size(); i += 200) {
    const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(i);
    const LogGrowth growth = GrowLog(state, {begin, begin + 200});
    for (const auto& [id, bytes] : growth.files) {
      files[FormatTilePath(id)] = bytes;
    }
    for (const auto& [id, size] : growth.superseded) {
      EXPECT_EQ(files[FormatTilePath(id)].size(), size);
      files.erase(FormatTilePath(id));
    }
    state = growth.state;
  }
  files["checkpoint"] =
      SignCheckpoint({kTestOrigin, state.size(), state.edge.Root()}, TestLogKey());
  return files;
}

class LogVerifyTest : public testing::Test {
 protected:
  absl::StatusOr<VerifiedLog> Verify(const PrivateKey& key = TestLogKey(),
                                     std::string_view origin = kTestOrigin) {
    const LogFetcher fetch = [this](const std::string& path) -> absl::StatusOr<std::string> {
      const auto it = files_.find(path);
      if (it == files_.end()) {
        return Refuse(Reason::kObjectNotFound, path);
      }
      return it->second;
    };
    return FetchAndVerifyLog(fetch, origin, key.public_key(), progress_);
  }

  void Flip(const std::string& path, size_t at) {
    std::string& bytes = files_.at(path);
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
  }

  // Expects a refusal that names `path`.
  void ExpectNamed(const std::string& path) {
    const absl::Status status = Verify().status();
    EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt));
    EXPECT_EQ(CauseOf(status).substr(0, CauseOf(status).find_first_of(",: ")), path);
  }

  std::vector<std::string> leaves_ = TestLeaves("leaf", kSize);
  Files files_ = FilesOf(leaves_);
  std::function<void(uint64_t, uint64_t)> progress_;
};

TEST_F(LogVerifyTest, AWholeLogVerifiesAndGivesItsLeaves) {
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, Verify());
  EXPECT_EQ(log.checkpoint.size, kSize);
  EXPECT_EQ(log.leaves, leaves_);
}

TEST_F(LogVerifyTest, ProgressIsToldUpToTheWhole) {
  std::vector<uint64_t> done;
  progress_ = [&done](uint64_t leaves, uint64_t total) {
    EXPECT_EQ(total, kSize);
    done.push_back(leaves);
  };
  ASSERT_THAT(Verify(), IsOk());
  EXPECT_EQ(done, (std::vector<uint64_t>{256, 512, 600}));
}

TEST_F(LogVerifyTest, AnEmptyLogVerifies) {
  files_ = {{"checkpoint", SignCheckpoint({kTestOrigin, 0, merkle::EmptyRoot()}, TestLogKey())}};
  ASSERT_OK_AND_ASSIGN(const VerifiedLog log, Verify());
  EXPECT_TRUE(log.leaves.empty());
}

TEST_F(LogVerifyTest, FailsForAnEmptyLogWithAnotherRoot) {
  files_ = {{"checkpoint", SignCheckpoint({kTestOrigin, 0, Digest()}, TestLogKey())}};
  EXPECT_THAT(Verify(), RefusedWith(Reason::kDataCorrupt));
}

TEST_F(LogVerifyTest, AByteFlippedInAnyTileIsNamed) {
  for (const std::string path : {"tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"}) {
    for (const size_t at : {size_t{0}, size_t{33}, files_.at(path).size() - 1}) {
      Flip(path, at);
      ExpectNamed(path);
      Flip(path, at);
    }
  }
}

TEST_F(LogVerifyTest, AByteFlippedInAnyLeafNamesItsBundle) {
  for (const std::string path : {"tile/entries/000", "tile/entries/001", "tile/entries/002.p/88"}) {
    Flip(path, 4);
    ExpectNamed(path);
    Flip(path, 4);
  }
}

TEST_F(LogVerifyTest, ABundleWhoseLengthsAreBrokenIsNamed) {
  Flip("tile/entries/001", 0);
  ExpectNamed("tile/entries/001");
}

TEST_F(LogVerifyTest, EachMissingFileIsNamed) {
  for (const auto& [path, bytes] : FilesOf(leaves_)) {
    if (path == "checkpoint") {
      continue;
    }
    files_.erase(path);
    ExpectNamed(path);
    files_[path] = bytes;
  }
}

TEST_F(LogVerifyTest, EachFileOfAnotherWidthIsNamed) {
  for (const auto& [path, bytes] : FilesOf(leaves_)) {
    if (path == "checkpoint") {
      continue;
    }
    files_[path] = bytes + bytes.substr(0, 32);
    ExpectNamed(path);
    files_[path] = bytes;
  }
}

TEST_F(LogVerifyTest, FailsWhenLeavesAndTilesAgreeButTheCheckpointDoesNot) {
  files_["checkpoint"] = SignCheckpoint({kTestOrigin, kSize, Digest()}, TestLogKey());
  const absl::Status status = Verify().status();
  EXPECT_THAT(status, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(status), testing::HasSubstr("another root than the checkpoint"));
}

TEST_F(LogVerifyTest, FailsForAnotherKey) {
  EXPECT_THAT(Verify(TestLogKey(1)), RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(LogVerifyTest, FailsForAnotherOrigin) {
  EXPECT_THAT(Verify(TestLogKey(), "example.comity/cn/custody"),
              RefusedWith(Reason::kSignatureInvalid));
}

TEST_F(LogVerifyTest, FailsWithTheFetchersErrorWhenThereIsNoCheckpoint) {
  files_.erase("checkpoint");
  EXPECT_THAT(Verify(), RefusedWith(Reason::kObjectNotFound));
}

TEST_F(LogVerifyTest, FailsWithTheFetchersErrorWhenThePeerGoesAway) {
  int calls = 0;
  const LogFetcher fetch = [&](const std::string& path) -> absl::StatusOr<std::string> {
    if (++calls == 3) {
      return Refuse(Reason::kPeerUnavailable, path);
    }
    return files_.at(path);
  };
  EXPECT_THAT(FetchAndVerifyLog(fetch, kTestOrigin, TestLogKey().public_key()),
              RefusedWith(Reason::kPeerUnavailable));
}

}  // namespace
}  // namespace comity
