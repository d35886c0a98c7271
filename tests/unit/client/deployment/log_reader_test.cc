#include "client/deployment/log_reader.h"

#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/server/service_log.h"
#include "tests/testing/temp_dir.h"

namespace comity {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr char kTime[] = "2026-11-24T10:57:23.123Z";

TEST(ParseLogLineTest, WhatServicesWriteIsReadBackInBothForms) {
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    const std::string written = FormatLogLine(
        format, kTime, "warn", "service manager not told",
        {{"reason", "STORE_UNAVAILABLE"}, {"cause", "a \"quoted\" = cause"}, {"x", ""}});
    const LogLine line = ParseLogLine(written, "");
    EXPECT_EQ(line.time, kTime);
    EXPECT_EQ(line.level, "warn");
    EXPECT_EQ(line.event, "service manager not told");
    EXPECT_THAT(line.fields, ElementsAre(Pair("reason", "STORE_UNAVAILABLE"),
                                         Pair("cause", "a \"quoted\" = cause"), Pair("x", "")));
    EXPECT_EQ(line.text, written);
  }
}

TEST(ParseLogLineTest, EventWithoutFieldsIsAllThereIs) {
  const LogLine line = ParseLogLine(std::string(kTime) + " info stopped", "");
  EXPECT_EQ(line.event, "stopped");
  EXPECT_THAT(line.fields, IsEmpty());
}

TEST(ParseLogLineTest, AnythingElseIsAnEventAtTheTimeBefore) {
  for (const char* text : {"cannot start: no.", "", "{\"not\": \"ours\"}", "{broken",
                           "2026-11-24T10:57:23.123Z loud hello"}) {
    const LogLine line = ParseLogLine(text, kTime);
    EXPECT_EQ(line.time, kTime) << text;
    EXPECT_EQ(line.level, "") << text;
    EXPECT_EQ(line.event, text);
  }
}

TEST(ParseLogLineTest, UnfinishedFieldsAreReadAsFarAsTheyGo) {
  const LogLine line = ParseLogLine(std::string(kTime) + " info call cause=\"no end", "");
  EXPECT_EQ(line.event, "call");
  EXPECT_THAT(line.fields, ElementsAre(Pair("cause", "\"no end")));
}

TEST(LogLevelTest, LinesWithoutALevelAreSeenWithWarnings) {
  const LogLine info{.level = "info"};
  const LogLine foreign;
  EXPECT_TRUE(IsAtLeast(info, "info"));
  EXPECT_FALSE(IsAtLeast(info, "warn"));
  EXPECT_TRUE(IsAtLeast(foreign, "warn"));
  EXPECT_FALSE(IsAtLeast(foreign, "error"));
  EXPECT_FALSE(IsAtLeast(info, "loud"));
}

class LogReaderTest : public testing::Test {
 protected:
  std::string File(const std::string& name) const { return dir_.path() + "/" + name; }
  void Append(const std::string& name, const std::string& text) const {
    std::ofstream(File(name), std::ios::app) << text;
  }
  static std::string Line(int second, const std::string& event) {
    return "2026-11-24T10:57:" + std::to_string(second) + ".000Z info " + event + "\n";
  }
  std::vector<std::string> Events() {
    std::vector<std::string> events;
    for (const LogLine& line : reader_.Poll()) events.push_back(line.service + " " + line.event);
    return events;
  }

  const TempDir dir_;
  LogReader reader_{{{"cn", "custody", dir_.path() + "/a"}, {"cn", "storage", dir_.path() + "/b"}}};
};

TEST_F(LogReaderTest, FilesAreMergedByTime) {
  Append("a", Line(11, "first") + Line(13, "third"));
  Append("b", Line(12, "second"));
  EXPECT_THAT(Events(), ElementsAre("custody first", "storage second", "custody third"));
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(LogReaderTest, OnlyWhatIsNewIsReadAndOnlyWholeLines) {
  EXPECT_THAT(Events(), IsEmpty()) << "no file is there yet";
  Append("a", Line(11, "first") + "2026-11-24T10:57:12.000Z in");
  EXPECT_THAT(Events(), ElementsAre("custody first"));
  Append("a", "fo second\n");
  EXPECT_THAT(Events(), ElementsAre("custody second"));
}

TEST_F(LogReaderTest, ForeignLineStaysBehindTheLineBeforeIt) {
  Append("a", Line(11, "first") + "cannot go on\n" + Line(13, "third"));
  Append("b", Line(12, "second"));
  EXPECT_THAT(Events(), ElementsAre("custody first", "custody cannot go on", "storage second",
                                    "custody third"));
}

TEST_F(LogReaderTest, FileThatBeganAnewIsReadAnew) {
  Append("a", Line(11, "first") + Line(12, "second"));
  EXPECT_THAT(Events(), ElementsAre("custody first", "custody second"));
  std::ofstream(File("a"), std::ios::trunc) << Line(14, "new");
  EXPECT_THAT(Events(), ElementsAre("custody new"));
}

}  // namespace
}  // namespace comity
