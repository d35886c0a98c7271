#include "services/common/audit/audit_files.h"

#include <filesystem>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/testing/matchers.h"
#include "tests/testing/temp_dir.h"
#include "tests/unit/common/audit/audit_testing.h"

namespace comity {
namespace {

class AuditFilesTest : public testing::Test {
 protected:
  std::string Path(uint64_t first) const { return directory_.path() + "/" + AuditFileName(first); }
  // Numbers of the records from `from` on; what the reading ends with is in status_.
  std::vector<uint64_t> NumbersFrom(uint64_t from) {
    std::vector<uint64_t> numbers;
    status_ = ReadAuditBlocks(directory_.path(), from, [&](const ReadAuditBlock& read) {
      for (size_t i = 0; i < read.block.records.size(); ++i) {
        numbers.push_back(read.block.first + i);
      }
      return true;
    });
    return numbers;
  }

  TempDir directory_;
  absl::Status status_;
};

TEST_F(AuditFilesTest, NothingIsAnEmptyLog) {
  EXPECT_THAT(NumbersFrom(1), testing::IsEmpty());
  EXPECT_THAT(status_, IsOk());
  ASSERT_OK_AND_ASSIGN(const AuditEnd end, FindAuditEnd(directory_.path() + "/absent"));
  EXPECT_EQ(end.next, 1u);
  EXPECT_TRUE(end.hash.IsZero());
}

TEST_F(AuditFilesTest, FilesAreReadInOrderAndFromAnyRecord) {
  AuditEnd end;
  for (int file = 0; file < 3; ++file) end = WriteAuditFile(directory_.path(), end, 4);
  WriteBytes(directory_.path() + "/note.txt", "somebody else's");
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12));
  EXPECT_THAT(status_, IsOk());
  EXPECT_THAT(NumbersFrom(7), testing::ElementsAre(7, 8, 9, 10, 11, 12));
  EXPECT_THAT(NumbersFrom(13), testing::IsEmpty());
  EXPECT_THAT(status_, IsOk());
  ASSERT_OK_AND_ASSIGN(const AuditEnd found, FindAuditEnd(directory_.path()));
  EXPECT_EQ(found.next, 13u);
  EXPECT_EQ(found.hash, end.hash);
}

TEST_F(AuditFilesTest, OldFilesMayBeGoneAndNoneInBetween) {
  AuditEnd end;
  for (int file = 0; file < 4; ++file) end = WriteAuditFile(directory_.path(), end, 2);
  std::filesystem::remove(Path(1));
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(3, 4, 5, 6, 7, 8));
  EXPECT_THAT(status_, IsOk());
  std::filesystem::remove(Path(5));
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(3, 4));
  EXPECT_THAT(status_, RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AuditFilesTest, AnAlteredRecordShows) {
  AuditEnd end = WriteAuditFile(directory_.path(), {}, 3);
  WriteAuditFile(directory_.path(), end, 1);
  std::string bytes = ReadBytes(Path(1));
  bytes[bytes.size() / 2] ^= 1;
  WriteBytes(Path(1), bytes);
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1));
  EXPECT_THAT(status_, RefusedWith(Reason::kDataCorrupt));
  EXPECT_THAT(CauseOf(status_), testing::HasSubstr(Path(1) + " at byte "));
}

// Somebody who can write all hashes anew cannot make them those that others have noted.
TEST_F(AuditFilesTest, ABlockPutInAnothersPlaceShows) {
  const AuditEnd first = WriteAuditFile(directory_.path(), {}, 1);
  const AuditEnd second = WriteAuditFile(directory_.path(), first, 1);
  WriteAuditFile(directory_.path(), second, 1);
  AuditEnd forged = first;
  forged.time += kMinuteMs;
  WriteAuditFile(directory_.path(), forged, 1);
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1, 2));
  EXPECT_THAT(status_, RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AuditFilesTest, BlocksOutOfTheOrderOfTimeShow) {
  AuditEnd end = WriteAuditFile(directory_.path(), {}, 1);
  WriteAuditFile(directory_.path(), end, 1, -1);
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1));
  EXPECT_THAT(status_, RefusedWith(Reason::kDataCorrupt));
}

TEST_F(AuditFilesTest, WhatAnInterruptedWriteLeavesIsPassedOver) {
  WriteAuditFile(directory_.path(), {}, 2);
  WriteBytes(Path(1), ReadBytes(Path(1)) + std::string(100, 'x'));
  ASSERT_OK_AND_ASSIGN(const AuditEnd found, FindAuditEnd(directory_.path()));
  EXPECT_EQ(found.next, 3u);
  WriteAuditFile(directory_.path(), found, 2);
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(status_, IsOk());
}

// Blocks whose sync failed are written again, into the next file.
TEST_F(AuditFilesTest, WhatTheNextFileHasAgainCountsThere) {
  const AuditEnd end = WriteAuditFile(directory_.path(), {}, 2);
  const std::string two = ReadBytes(Path(1));
  WriteAuditFile(directory_.path(), {}, 4);
  WriteAuditFile(directory_.path(), end, 3, 5'000);
  EXPECT_NE(ReadBytes(Path(1)), two);
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1, 2, 3, 4, 5));
  EXPECT_THAT(status_, IsOk());
}

TEST_F(AuditFilesTest, AFileWithoutABlockIsNotTheEnd) {
  const AuditEnd end = WriteAuditFile(directory_.path(), {}, 2);
  WriteBytes(Path(3), "torn");
  ASSERT_OK_AND_ASSIGN(const AuditEnd found, FindAuditEnd(directory_.path()));
  EXPECT_EQ(found.next, 3u);
  EXPECT_EQ(found.hash, end.hash);
}

// The process died while it wrote again what could not be synced: what is in the older file does
// not count, since a newer one was to hold it.
TEST_F(AuditFilesTest, WhatWasToBeWrittenAgainIsNotTheEnd) {
  const AuditEnd end = WriteAuditFile(directory_.path(), {}, 2);
  WriteAuditFile(directory_.path(), {}, 4);
  WriteBytes(Path(3), "torn");
  ASSERT_OK_AND_ASSIGN(const AuditEnd found, FindAuditEnd(directory_.path()));
  EXPECT_EQ(found.next, 3u);
  EXPECT_EQ(found.hash, end.hash);
  WriteAuditFile(directory_.path(), found, 2, 7'000);
  EXPECT_THAT(NumbersFrom(1), testing::ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(status_, IsOk());
}

// Going on after it would hide what was altered.
TEST_F(AuditFilesTest, NothingIsWrittenAfterALogThatIsDamaged) {
  WriteAuditFile(directory_.path(), {}, 3);
  const std::string whole = ReadBytes(Path(1));
  std::string altered = whole;
  altered[whole.size() / 2] ^= 1;
  WriteBytes(Path(1), altered);
  EXPECT_THAT(FindAuditEnd(directory_.path()), RefusedWith(Reason::kDataCorrupt));
  WriteBytes(Path(1), whole + std::string(kMaxAuditBlock + kAuditFrame + 1, 'x'));
  EXPECT_THAT(FindAuditEnd(directory_.path()), RefusedWith(Reason::kDataCorrupt));
}

// What is before what is asked for costs little, and need not be whole.
TEST_F(AuditFilesTest, BlocksBeforeAreNotLookedInto) {
  WriteAuditFile(directory_.path(), {}, 100);
  std::string bytes = ReadBytes(Path(1));
  bytes[60] ^= 1;
  WriteBytes(Path(1), bytes);
  EXPECT_THAT(NumbersFrom(98), testing::ElementsAre(98, 99, 100));
  EXPECT_THAT(status_, IsOk());
}

TEST_F(AuditFilesTest, TimesAreFound) {
  AuditEnd end;
  // Files begin at 0, 4, 8, ... seconds.
  for (int file = 0; file < 10; ++file) end = WriteAuditFile(directory_.path(), end, 4);
  const auto first_from = [&](int64_t ms) {
    const absl::StatusOr<uint64_t> from = FindAuditTime(directory_.path(), kAuditTime + ms);
    EXPECT_THAT(from.status(), IsOk());
    return from.value_or(0);
  };
  EXPECT_EQ(first_from(-5), 1u);
  EXPECT_EQ(first_from(0), 1u);
  EXPECT_EQ(first_from(4'000), 1u);  // what was written at that very time may stand before, too
  EXPECT_EQ(first_from(4'001), 5u);
  EXPECT_EQ(first_from(38'000), 37u);
  EXPECT_EQ(first_from(10'000'000), 37u);
  WriteBytes(Path(21), "");
  EXPECT_EQ(first_from(23'000), 17u);
  EXPECT_EQ(first_from(38'000), 37u);
}

TEST_F(AuditFilesTest, OldFilesAreTold) {
  AuditEnd end;
  for (int file = 0; file < 4; ++file) end = WriteAuditFile(directory_.path(), end, 2);
  const auto old = [&](int64_t ms) {
    const auto files = FindAuditFilesBefore(directory_.path(), kAuditTime + ms);
    EXPECT_THAT(files.status(), IsOk());
    return files.ok() ? files->size() : 99;
  };
  EXPECT_EQ(old(0), 0u);
  EXPECT_EQ(old(2'000), 0u);
  EXPECT_EQ(old(2'001), 1u);
  EXPECT_EQ(old(1'000'000), 3u);  // never the newest
}

}  // namespace
}  // namespace comity
