#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <stdlib.h>
#include <unistd.h>

#include "services/common/clock/clock.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

constexpr UnixMillis kStart = 1'519'819'200'000;  // 2018-02-28T12:00:00Z

// These tests read the machine's clock, which runs on: times are compared with this much room.
constexpr int64_t kRoomMs = 30 * kSecondMs;

class FileClockTest : public ::testing::Test {
 protected:
  FileClockTest() {
    std::string pattern = ::testing::TempDir() + "/clock.XXXXXX";
    folder_ = mkdtemp(pattern.data());
    path_ = folder_ + "/clock";
  }
  ~FileClockTest() override { std::filesystem::remove_all(folder_); }

  void Write(const std::string& text) const { std::ofstream(path_) << text; }

  // Reads `clock` until it has looked at its file again, and returns its time then.
  static UnixMillis NowAfterNextCheck(const FileClock& clock) {
    const auto begin = std::chrono::steady_clock::now();
    while (std::chrono::steady_clock::now() - begin <= std::chrono::milliseconds(50)) {
      clock.Now();
    }
    return clock.Now();
  }

  std::string folder_;
  std::string path_;
};

TEST_F(FileClockTest, TimeBeginsAtTheStartAndRunsOn) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  const UnixMillis first = clock->Now();
  EXPECT_GE(first, kStart);
  EXPECT_LT(first, kStart + kRoomMs);
  UnixMillis later = first;
  while (later == first) {  // ends only when the time runs on
    later = clock->Now();
  }
  EXPECT_GT(later, first);
}

TEST_F(FileClockTest, FileHoldsOneLineOfThreeNumbers) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  std::ifstream file(path_);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  EXPECT_THAT(text, ::testing::MatchesRegex("1519819200000 0 [0-9]+\n"));
}

TEST_F(FileClockTest, TimeElapsedSinceTheFileWasWrittenCounts) {
  const UnixMillis real = SystemClock().Now();
  Write(std::to_string(kStart) + " 5000 " + std::to_string(real - kHourMs) + "\n");
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  EXPECT_GE(clock->Now(), kStart + 5000 + kHourMs);
  EXPECT_LT(clock->Now(), kStart + 5000 + kHourMs + kRoomMs);
}

TEST_F(FileClockTest, AdvanceReachesAnOpenClock) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  EXPECT_LT(clock->Now(), kStart + kRoomMs);
  ASSERT_THAT(FileClock::Advance(path_, 72 * kHourMs), IsOk());
  const UnixMillis now = NowAfterNextCheck(*clock);
  EXPECT_GE(now, kStart + 72 * kHourMs);
  EXPECT_LT(now, kStart + 72 * kHourMs + kRoomMs);
}

TEST_F(FileClockTest, AdvancesAddUp) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_THAT(FileClock::Advance(path_, kDayMs), IsOk());
  ASSERT_THAT(FileClock::Advance(path_, 0), IsOk());
  ASSERT_THAT(FileClock::Advance(path_, kDayMs), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  EXPECT_GE(clock->Now(), kStart + 2 * kDayMs);
  EXPECT_LT(clock->Now(), kStart + 2 * kDayMs + kRoomMs);
}

TEST_F(FileClockTest, AdvancesOfManyThreadsAddUp) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([this] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_THAT(FileClock::Advance(path_, kDayMs), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  EXPECT_GE(clock->Now(), kStart + 40 * kDayMs);
  EXPECT_LT(clock->Now(), kStart + 40 * kDayMs + kRoomMs);
}

TEST_F(FileClockTest, FileThatGoesBackIsIgnored) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  const UnixMillis before = clock->Now();
  ASSERT_THAT(FileClock::Create(path_, kStart - kDayMs), IsOk());
  EXPECT_GE(NowAfterNextCheck(*clock), before);
  // And a later file that goes forward is followed again.
  ASSERT_THAT(FileClock::Advance(path_, 2 * kDayMs), IsOk());
  EXPECT_GE(NowAfterNextCheck(*clock), kStart + kDayMs);
}

TEST_F(FileClockTest, DamagedFileIsIgnoredByAnOpenClock) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  const UnixMillis before = clock->Now();
  Write("not a clock\n");
  const UnixMillis now = NowAfterNextCheck(*clock);
  EXPECT_GE(now, before);
  EXPECT_LT(now, before + kRoomMs);
}

TEST_F(FileClockTest, RemovedFileIsIgnoredByAnOpenClock) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto clock, FileClock::Open(path_));
  const UnixMillis before = clock->Now();
  std::filesystem::remove(path_);
  EXPECT_GE(NowAfterNextCheck(*clock), before);
}

TEST_F(FileClockTest, OpenFailsWhenFileIsMissing) {
  EXPECT_THAT(FileClock::Open(path_).status(), RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(FileClockTest, OpenFailsWhenFileIsMalformed) {
  for (const char* text :
       {"", "\n", "1 2\n", "1 2 3", "1 2 3\n\n", "1 2 3 4\n", " 1 2 3\n", "1  2 3\n", "-1 2 3\n",
        "1 -2 3\n", "1 2 -3\n", "x 2 3\n", "1 2 3x\n", "253402300800000 0 3\n",
        "253402300799999 1 3\n", "99999999999999999999 0 3\n"}) {
    Write(text);
    EXPECT_THAT(FileClock::Open(path_).status(), RefusedWith(Reason::kDataCorrupt)) << text;
  }
}

TEST_F(FileClockTest, CreateFailsForATimeOutsideTheRange) {
  EXPECT_THAT(FileClock::Create(path_, -1), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(FileClock::Create(path_, 253'402'300'800'000), RefusedWith(Reason::kFieldInvalid));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(FileClockTest, CreateFailsWhenTheFolderIsMissing) {
  EXPECT_THAT(FileClock::Create(folder_ + "/none/clock", kStart),
              RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(FileClockTest, AdvanceFailsForANegativeStep) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  EXPECT_THAT(FileClock::Advance(path_, -1), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(FileClockTest, AdvanceFailsBeyondTheLastYear) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  EXPECT_THAT(FileClock::Advance(path_, INT64_MAX), RefusedWith(Reason::kFieldInvalid));
}

TEST_F(FileClockTest, AdvanceFailsWhenFileIsMissing) {
  EXPECT_THAT(FileClock::Advance(path_, 1), RefusedWith(Reason::kStoreUnavailable));
  EXPECT_THAT(FileClock::Advance(folder_ + "/none/clock", 1),
              RefusedWith(Reason::kStoreUnavailable));
}

TEST_F(FileClockTest, NoTemporaryFilesAreLeftBehind) {
  ASSERT_THAT(FileClock::Create(path_, kStart), IsOk());
  ASSERT_THAT(FileClock::Advance(path_, 1), IsOk());
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) {
    ++files;
  }
  EXPECT_EQ(files, 1);
}

}  // namespace
}  // namespace comity
