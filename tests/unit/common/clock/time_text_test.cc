#include <cstdint>
#include <string>

#include "services/common/clock/clock.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

TEST(ParseTimeTest, DayIsItsFirstMillisecond) {
  EXPECT_THAT(ParseTime("1970-01-01"), IsOkAndHolds(0));
  EXPECT_THAT(ParseTime("2018-02-28"), IsOkAndHolds(1'519'776'000'000));
  EXPECT_THAT(ParseTime("9999-12-31"), IsOkAndHolds(253'402'214'400'000));
}

TEST(ParseTimeTest, TimeOfDayIsRead) {
  EXPECT_THAT(ParseTime("2018-02-28T12:00:00Z"), IsOkAndHolds(1'519'819'200'000));
  EXPECT_THAT(ParseTime("2018-02-28T23:59:59Z"), IsOkAndHolds(1'519'862'399'000));
}

TEST(ParseTimeTest, LeapDayExistsOnlyInLeapYears) {
  EXPECT_THAT(ParseTime("2000-02-29"), IsOkAndHolds(951'782'400'000));
  EXPECT_THAT(ParseTime("2024-02-29"), IsOkAndHolds(1'709'164'800'000));
  EXPECT_THAT(ParseTime("2018-02-29"), RefusedWith(Reason::kFieldInvalid));
  EXPECT_THAT(ParseTime("2100-02-29"), RefusedWith(Reason::kFieldInvalid));
}

TEST(ParseTimeTest, OtherTextsAreRefused) {
  for (const char* text : {"",
                           "2018",
                           "2018-2-28",
                           "2018-02-28 ",
                           " 2018-02-28",
                           "2018/02/28",
                           "2018-13-01",
                           "2018-00-01",
                           "2018-01-00",
                           "2018-04-31",
                           "1969-12-31",
                           "+018-02-28",
                           "2018-02-28T12:00Z",
                           "2018-02-28T12:00:00",
                           "2018-02-28t12:00:00z",
                           "2018-02-28 12:00:00Z",
                           "2018-02-28T24:00:00Z",
                           "2018-02-28T12:60:00Z",
                           "2018-02-28T12:00:60Z",
                           "2018-02-28T12:00:00.000Z",
                           "2018-02-28T12:00:00+00:00",
                           "yesterday"}) {
    EXPECT_THAT(ParseTime(text), RefusedWith(Reason::kFieldInvalid)) << text;
  }
  EXPECT_THAT(ParseTime(std::string("2018-02-28\0", 11)), RefusedWith(Reason::kFieldInvalid));
}

TEST(FormatTimeTest, SecondsAreWrittenAndMillisecondsDropped) {
  EXPECT_EQ(FormatTime(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(FormatTime(1'519'819'200'999), "2018-02-28T12:00:00Z");
  EXPECT_EQ(FormatTime(253'402'300'799'999), "9999-12-31T23:59:59Z");
}

TEST(FormatTimeTest, TimeBefore1970RoundsDown) {
  EXPECT_EQ(FormatTime(-1), "1969-12-31T23:59:59Z");
  EXPECT_EQ(FormatDay(-1), "1969-12-31");
}

TEST(FormatTimeTest, ParseReadsWhatFormatWrites) {
  for (int64_t ms = 0; ms < 253'402'300'800'000; ms += 1'234'567'891'000) {
    EXPECT_THAT(ParseTime(FormatTime(ms)), IsOkAndHolds(ms));
  }
}

TEST(FormatDayTest, DayIsWritten) {
  EXPECT_EQ(FormatDay(1'519'819'200'999), "2018-02-28");
  EXPECT_EQ(FormatDay(1'519'775'999'999), "2018-02-27");
}

}  // namespace
}  // namespace comity
