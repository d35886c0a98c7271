#include <chrono>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "client/deployment/supervisor.h"
#include "services/common/files/files.h"
#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

// The audit log of a custody as its operator meets it: real processes, killed and started again,
// and files that somebody has meddled with.
namespace comity::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;

class AuditTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(WriteFileDurably(home() + "/letter", "a letter", FileMode::kPublic).ok());
    Run({"up", "icloud-cn-2018", "--dir", world()});
  }
  void TearDown() override { RunComity(home(), {"down"}); }

  std::string home() const { return dir_.path(); }
  std::string world() const { return home() + "/world"; }
  std::string Run(std::vector<std::string> arguments, int exit_code = 0) {
    const ProgramResult result = RunComity(home(), arguments);
    EXPECT_EQ(result.exit_code, exit_code) << result.output;
    return result.output;
  }
  std::vector<json> Audit(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments = {"--json", "--as", "us/ops-evans", "custody", "audit"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    std::istringstream lines(Run(arguments));
    std::vector<json> records;
    for (std::string line; std::getline(lines, line);) records.push_back(json::parse(line));
    return records;
  }
  static std::vector<std::string> Texts(const std::vector<json>& records, const char* field) {
    std::vector<std::string> texts;
    for (const json& record : records) texts.push_back(record.value(field, ""));
    return texts;
  }
  std::vector<fs::path> Files() const {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(world() + "/us/custody/audit")) {
      files.push_back(entry.path());
    }
    std::ranges::sort(files);
    return files;
  }

  const TempDir dir_;
};

TEST_F(AuditTest, TellsWhatWasAskedThroughDeathsAndShowsWhatIsMissing) {
  const std::string account =
      json::parse(Run({"--json", "account", "create", "--territory", "US"}))["account"];
  Run({"put", home() + "/letter"});
  Run({"get", "letter", "--output", home() + "/back"});

  const std::vector<json> records = Audit();
  ASSERT_GE(records.size(), 4u);
  EXPECT_EQ(records.front()["event"], "start");
  EXPECT_THAT(Texts(records, "method"), Contains("CreateAccount"));
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(records[i]["number"], i + 1);
  const std::vector<json> uses = Audit({"--account", account, "--method", "BatchUnwrapDataKeys"});
  ASSERT_FALSE(uses.empty());
  EXPECT_EQ(uses[0]["caller"], "device");
  EXPECT_EQ(uses[0]["use"], "access");
  EXPECT_EQ(uses[0]["outcome"], "OK");

  // The look itself was confirmed to nobody; what was before it is on disk by now.
  absl::StatusOr<Supervisor> supervisor = Supervisor::Open(world());
  ASSERT_TRUE(supervisor.ok());
  ASSERT_TRUE(supervisor->Kill("us", ServiceKind::kCustody).ok());
  ASSERT_TRUE(supervisor->Start().ok());
  const std::vector<json> after = Audit();
  ASSERT_GT(after.size(), records.size());
  for (size_t i = 0; i < records.size(); ++i) EXPECT_EQ(after[i], records[i]);
  EXPECT_THAT(Texts(after, "event"), ::testing::Not(Contains("stop")));
  EXPECT_EQ(::testing::Value(Texts(after, "event"), Contains("start")), true);

  Run({"down"});
  Run({"check"});
  // The newest records are taken away with their file, as if they had never been.
  ASSERT_GE(Files().size(), 2u);
  fs::rename(Files().back(), home() + "/kept");
  const json cut = json::parse(Run({"--json", "check"}, 3), nullptr, false);
  ASSERT_EQ(cut["violations"].size(), 1u) << cut;
  EXPECT_EQ(cut["violations"][0]["rule"], "audit");
  EXPECT_EQ(cut["violations"][0]["service"], "us/custody");
}

TEST_F(AuditTest, RecordsAreKeptForAsLongAsTheServiceSaysAndNoLonger) {
  Run({"account", "create", "--territory", "US"});
  Run({"put", home() + "/letter"});
  Run({"test", "clock", "advance", "2d"});
  Run({"get", "letter", "--output", home() + "/back"});
  Run({"test", "clock", "advance", "60d"});
  Audit();
  EXPECT_EQ(Audit({"--since", "400d"}).front()["number"], 1);
  Run({"test", "clock", "advance", "40d"});
  // By maintenance, which runs every now and then.
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (Audit({"--since", "400d"}).front()["number"] == 1) {
    ASSERT_LT(std::chrono::steady_clock::now(), end);
  }
  Run({"down"});
  // What need not be kept any more is not missed.
  Run({"check"});
}

}  // namespace
}  // namespace comity::testing
