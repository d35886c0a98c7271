#include "services/common/server/service_flags.h"

#include <string>
#include <tuple>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace comity {
namespace {

using testing::HasSubstr;

constexpr int kWrongFlags = 2;

std::variant<ServiceFlags, int> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "comity-custody");
  return ParseServiceFlags(static_cast<int>(arguments.size()), arguments.data(),
                           ServiceKind::kCustody);
}

// The exit code of a command line that is answered at once, and what it printed.
std::pair<int, std::string> Answer(const std::vector<const char*>& arguments) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  const std::variant<ServiceFlags, int> parsed = Parse(arguments);
  std::string printed = testing::internal::GetCapturedStdout();
  printed += testing::internal::GetCapturedStderr();
  return {std::holds_alternative<int>(parsed) ? std::get<int>(parsed) : -1, printed};
}

TEST(ServiceFlagsTest, RequiredFlagsAreEnough) {
  const auto parsed = Parse({"--topology", "t", "--region", "cn", "--dir", "d"});
  ASSERT_TRUE(std::holds_alternative<ServiceFlags>(parsed));
  const auto& flags = std::get<ServiceFlags>(parsed);
  EXPECT_EQ(flags.topology, "t");
  EXPECT_EQ(flags.region, "cn");
  EXPECT_EQ(flags.directory, "d");
  EXPECT_EQ(flags.test_clock, "");
  EXPECT_FALSE(flags.check_config);
  EXPECT_EQ(flags.log_level, LogLevel::kInfo);
  EXPECT_EQ(flags.log_format, LogFormat::kText);
}

TEST(ServiceFlagsTest, AllFlagsAreRead) {
  const auto parsed = Parse({"--topology", "t", "--region", "cn", "--dir", "d", "--test-clock", "c",
                             "--check-config", "--log-level", "warn", "--log-format", "json",
                             "--drain-seconds", "3"});
  ASSERT_TRUE(std::holds_alternative<ServiceFlags>(parsed));
  const auto& flags = std::get<ServiceFlags>(parsed);
  EXPECT_EQ(flags.test_clock, "c");
  EXPECT_TRUE(flags.check_config);
  EXPECT_EQ(flags.log_level, LogLevel::kWarn);
  EXPECT_EQ(flags.log_format, LogFormat::kJson);
  EXPECT_EQ(flags.drain_seconds, 3U);
}

TEST(ServiceFlagsTest, EachMissingRequiredFlagIsNamed) {
  for (const std::string missing : {"--topology", "--region", "--dir"}) {
    std::vector<const char*> arguments;
    for (const char* flag : {"--topology", "--region", "--dir"}) {
      if (flag != missing) {
        arguments.insert(arguments.end(), {flag, "x"});
      }
    }
    const auto [exit_code, printed] = Answer(arguments);
    EXPECT_EQ(exit_code, kWrongFlags);
    EXPECT_THAT(printed, HasSubstr(missing));
  }
}

TEST(ServiceFlagsTest, TokenNeedsAModuleByItsWholePathAndAFileWithItsPin) {
  const std::vector<const char*> required = {"--topology", "t", "--region", "cn", "--dir", "d"};
  const auto with = [&](std::vector<const char*> more) {
    more.insert(more.begin(), required.begin(), required.end());
    return more;
  };
  const auto parsed = Parse(with({"--pkcs11-module", "/lib/m.so", "--pkcs11-pin-file", "pin"}));
  ASSERT_TRUE(std::holds_alternative<ServiceFlags>(parsed));
  EXPECT_EQ(std::get<ServiceFlags>(parsed).pkcs11_module, "/lib/m.so");
  EXPECT_EQ(std::get<ServiceFlags>(parsed).pkcs11_pin_file, "pin");
  auto [exit_code, printed] = Answer(with({"--pkcs11-module", "/lib/m.so"}));
  EXPECT_EQ(exit_code, kWrongFlags);
  EXPECT_THAT(printed, HasSubstr("--pkcs11-pin-file"));
  std::tie(exit_code, printed) = Answer(with({"--pkcs11-pin-file", "pin"}));
  EXPECT_EQ(exit_code, kWrongFlags);
  EXPECT_THAT(printed, HasSubstr("--pkcs11-module"));
  std::tie(exit_code, printed) =
      Answer(with({"--pkcs11-module", "m.so", "--pkcs11-pin-file", "pin"}));
  EXPECT_EQ(exit_code, kWrongFlags);
  EXPECT_THAT(printed, HasSubstr("it is not an absolute path: m.so"));
}

TEST(ServiceFlagsTest, UnknownFlagIsWrong) {
  EXPECT_EQ(Answer({"--topology", "t", "--region", "cn", "--dir", "d", "--port", "1"}).first,
            kWrongFlags);
}

TEST(ServiceFlagsTest, UnknownLogLevelIsWrong) {
  EXPECT_EQ(
      Answer({"--topology", "t", "--region", "cn", "--dir", "d", "--log-level", "loud"}).first,
      kWrongFlags);
}

TEST(ServiceFlagsTest, LimitsAreReadEachOnceOrSeveral) {
  const auto parsed = Parse({"--topology", "t", "--region", "cn", "--dir", "d", "--limit",
                             "account-keys=7/9", "--limit", "use-legal=none"});
  ASSERT_TRUE(std::holds_alternative<ServiceFlags>(parsed));
  Rates expected = DefaultRates();
  ASSERT_TRUE(SetRate("account-keys=7/9", expected).ok());
  ASSERT_TRUE(SetRate("use-legal=none", expected).ok());
  EXPECT_EQ(std::get<ServiceFlags>(parsed).rates, expected);
}

TEST(ServiceFlagsTest, LimitThatIsNoneIsWrongAndNamesWhatThereIs) {
  const auto [exit_code, printed] =
      Answer({"--topology", "t", "--region", "cn", "--dir", "d", "--limit", "account-kees=7"});
  EXPECT_EQ(exit_code, kWrongFlags);
  EXPECT_THAT(printed, HasSubstr("account-kees=7"));
  EXPECT_THAT(printed, HasSubstr(DescribeLimits()));
}

TEST(ServiceFlagsTest, ServiceWithoutLimitsTakesNone) {
  const std::vector<const char*> arguments = {
      "comity-storage", "--topology", "t",       "--region",      "cn",
      "--dir",          "d",          "--limit", "account-keys=7"};
  testing::internal::CaptureStderr();
  const auto parsed = ParseServiceFlags(static_cast<int>(arguments.size()), arguments.data(),
                                        ServiceKind::kStorage);
  testing::internal::GetCapturedStderr();
  ASSERT_TRUE(std::holds_alternative<int>(parsed));
  EXPECT_EQ(std::get<int>(parsed), kWrongFlags);
}

TEST(ServiceFlagsTest, HelpExplainsEveryFlag) {
  const auto [exit_code, printed] = Answer({"--help"});
  EXPECT_EQ(exit_code, 0);
  for (const char* flag :
       {"--topology", "--region", "--dir", "--test-clock", "--check-config", "--log-level",
        "--log-format", "--drain-seconds", "--limit", "--version", "Example"}) {
    EXPECT_THAT(printed, HasSubstr(flag));
  }
}

TEST(ServiceFlagsTest, VersionIsPrinted) {
  const auto [exit_code, printed] = Answer({"--version"});
  EXPECT_EQ(exit_code, 0);
  EXPECT_THAT(printed, testing::StartsWith("comity-custody "));
}

}  // namespace
}  // namespace comity
