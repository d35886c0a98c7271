#include "services/common/server/service_log.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "services/common/crypto/random.h"
#include "services/common/ids/ids.h"
#include "services/common/server/grpc_log.h"
#include "tests/testing/matchers.h"

namespace comity {
namespace {

std::string Line(LogFormat format, ServiceLog::Fields fields) {
  return FormatLogLine(format, "2018-01-10T00:00:00.000Z", "info", "call", fields);
}

TEST(ServiceLogTest, TextLineHasBareAndQuotedValues) {
  EXPECT_EQ(Line(LogFormat::kText, {{"reason", "OK"}, {"cause", "disk full"}, {"empty", ""}}),
            "2018-01-10T00:00:00.000Z info call reason=OK cause=\"disk full\" empty=\"\"");
}

TEST(ServiceLogTest, ValueCannotBreakItsLine) {
  EXPECT_EQ(Line(LogFormat::kText, {{"cause", "a\nb\"c=\x1b"}}),
            "2018-01-10T00:00:00.000Z info call cause=\"a\\nb\\\"c=\\u001b\"");
}

TEST(ServiceLogTest, JsonLineIsOneObject) {
  EXPECT_EQ(Line(LogFormat::kJson, {{"cause", "a\n\"b\""}}),
            "{\"time\":\"2018-01-10T00:00:00.000Z\",\"level\":\"info\",\"event\":\"call\","
            "\"cause\":\"a\\n\\\"b\\\"\"}");
}

TEST(ServiceLogTest, ValueThatIsNotUtf8StaysPrintable) {
  const std::string line = Line(LogFormat::kJson, {{"cause", "\xff\xfe"}});
  for (const char c : line) {
    EXPECT_GE(c, 0x20);
  }
}

TEST(ServiceLogTest, IdsAreHidden) {
  const std::string account = RandomId<AccountId>().ToString();
  const std::string object = RandomId<ObjectId>().ToString();
  EXPECT_EQ(HideIds("partition objects/" + account + "/07: " + object),
            "partition objects/<id>/07: <id>");
  EXPECT_EQ(HideIds("a disk that is full"), "a disk that is full");
  EXPECT_EQ(HideIds(""), "");
}

TEST(ServiceLogTest, LevelsAreRead) {
  EXPECT_THAT(ParseLogLevel("debug"), IsOkAndHolds(LogLevel::kDebug));
  EXPECT_THAT(ParseLogLevel("error"), IsOkAndHolds(LogLevel::kError));
  EXPECT_THAT(ParseLogLevel("off"), IsOkAndHolds(LogLevel::kOff));
  EXPECT_THAT(ParseLogLevel("loud"), RefusedWith(Reason::kFieldInvalid));
}

TEST(ServiceLogTest, FormatsAreRead) {
  EXPECT_THAT(ParseLogFormat("text"), IsOkAndHolds(LogFormat::kText));
  EXPECT_THAT(ParseLogFormat("json"), IsOkAndHolds(LogFormat::kJson));
  EXPECT_THAT(ParseLogFormat("xml"), RefusedWith(Reason::kFieldInvalid));
}

TEST(ServiceLogTest, LinesBelowTheLevelAreNotWritten) {
  testing::internal::CaptureStderr();
  ServiceLog log(LogLevel::kWarn, LogFormat::kText);
  log.Info("quiet");
  log.Warn("loud", {{"key", "value"}});
  log.Flush();
  const std::string written = testing::internal::GetCapturedStderr();
  EXPECT_THAT(written, testing::HasSubstr(" warn loud key=value\n"));
  EXPECT_THAT(written, testing::Not(testing::HasSubstr("quiet")));
}

TEST(ServiceLogTest, NothingIsWrittenWhenOff) {
  testing::internal::CaptureStderr();
  ServiceLog log(LogLevel::kOff, LogFormat::kText);
  log.Error("event");
  log.Flush();
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(GrpcLogTest, OnlyWhatStrangersCauseIsDropped) {
  EXPECT_TRUE(IsGrpcNoise("No match found for server name: 127.0.0.1."));
  EXPECT_TRUE(IsGrpcNoise("Handshake failed with fatal error SSL_ERROR_SSL"));
  EXPECT_FALSE(IsGrpcNoise("Failed accept4: Too many open files"));
}

TEST(ServiceLogTest, RefusalIsWrittenWithReasonAndHiddenIds) {
  testing::internal::CaptureStderr();
  ServiceLog log(LogLevel::kInfo, LogFormat::kText);
  const std::string account = RandomId<AccountId>().ToString();
  log.Error("sweep", Refuse(Reason::kDataCorrupt, "storage/" + account));
  log.Flush();
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              testing::HasSubstr(" error sweep reason=DATA_CORRUPT cause=storage/<id>\n"));
}

}  // namespace
}  // namespace comity
