#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

// Scenarios through the real programs, over mTLS, each in a deployment of its own.
namespace comity::testing {
namespace {

using nlohmann::json;

void WriteFile(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Files of every kind of size: none, one segment less and more, several segments, odd names.
std::string MakeFiles(const std::string& folder) {
  std::filesystem::create_directories(folder + "/letters");
  std::string megabyte(1 << 20, '\0');
  for (size_t i = 0; i < megabyte.size(); ++i) megabyte[i] = static_cast<char>(i * 31 >> 3);
  WriteFile(folder + "/empty", "");
  WriteFile(folder + "/letters/one byte", "x");
  WriteFile(folder + "/letters/\xE4\xBF\xA1.txt", "\xE4\xBD\xA0\xE5\xA5\xBD\n");
  WriteFile(folder + "/segment-1", megabyte.substr(1));
  WriteFile(folder + "/segment", megabyte);
  WriteFile(folder + "/segment+1", megabyte + "x");
  WriteFile(folder + "/large", megabyte + megabyte + megabyte + megabyte + "the end");
  for (int i = 0; i < 5; ++i)
    WriteFile(folder + "/note-" + std::to_string(i), megabyte.substr(i, 999));
  return folder;
}

std::vector<std::string> LinesOf(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The names of the checks, all of which hold; adds a failure for each that does not.
std::vector<std::string> RunAndNameChecks(const TempDir& dir, const std::string& scenario) {
  const std::string files = MakeFiles(dir.path() + "/files");
  const ProgramResult result = RunComity(
      dir.path() + "/home",
      {"--json", "scenario", "run", scenario, "--files", files, "--dir", dir.path() + "/world"});
  EXPECT_EQ(result.exit_code, 0);
  const json value = json::parse(result.output, nullptr, /*allow_exceptions=*/false);
  std::vector<std::string> names;
  if (!value.is_object() || !value.contains("checks")) {
    ADD_FAILURE() << "no JSON object with checks: " << result.output;
    return names;
  }
  EXPECT_EQ(value["ok"], true);
  for (const json& check : value["checks"]) {
    EXPECT_EQ(check["ok"], true) << check["name"] << ": " << check["detail"];
    EXPECT_FALSE(check["detail"].get<std::string>().empty());
    names.push_back(check["name"].get<std::string>());
  }
  return names;
}

TEST(ScenarioTest, EverythingThatTheMainJobPromisesHolds) {
  const ::comity::TempDir dir;
  EXPECT_EQ(RunAndNameChecks(dir, COMITY_SOURCE_DIR "/deploy/scenarios/icloud-cn-2018"),
            LinesOf(COMITY_SOURCE_DIR "/tests/e2e/icloud-cn-2018.checks"));
}

TEST(ScenarioTest, DataAndKeysInTwoRegionsAreUsedAndEndedTogether) {
  const ::comity::TempDir dir;
  EXPECT_EQ(RunAndNameChecks(dir, COMITY_SOURCE_DIR "/deploy/scenarios/icloud-2017"),
            LinesOf(COMITY_SOURCE_DIR "/tests/e2e/icloud-2017.checks"));
}

TEST(ScenarioTest, AccountsMoveWholeWhenEveryServiceIsKilledOnTheWay) {
  const ::comity::TempDir dir;
  EXPECT_EQ(RunAndNameChecks(dir, COMITY_SOURCE_DIR "/tests/e2e/kill-during-move"),
            LinesOf(COMITY_SOURCE_DIR "/tests/e2e/kill-during-move.checks"));
}

TEST(ScenarioTest, RunExitsWithThreeWhenACheckDoesNotHold) {
  const ::comity::TempDir dir;
  WriteFile(dir.path() + "/wrong", R"({
    "title": "a promise that does not hold", "topology": "icloud-cn-2018",
    "steps": [
      {"do": "expect-counts", "check": "holds", "region": "us", "storage": 0, "custody": 0},
      {"do": "expect-counts", "check": "does-not", "region": "us", "storage": 1, "custody": 0},
      {"do": "expect-counts", "check": "not-tried", "region": "us", "storage": 0, "custody": 0}
    ]})");
  const ProgramResult result = RunComity(
      dir.path() + "/home", {"--json", "scenario", "run", dir.path() + "/wrong", "--files",
                             MakeFiles(dir.path() + "/files"), "--dir", dir.path() + "/world"});
  EXPECT_EQ(result.exit_code, 3);
  const json value = json::parse(result.output, nullptr, /*allow_exceptions=*/false);
  ASSERT_TRUE(value.is_object()) << result.output;
  EXPECT_EQ(value["ok"], false);
  ASSERT_EQ(value["checks"].size(), 2U);
  EXPECT_EQ(value["checks"][0]["ok"], true);
  EXPECT_EQ(value["checks"][1]["name"], "does-not");
  EXPECT_EQ(value["checks"][1]["ok"], false);
}

}  // namespace
}  // namespace comity::testing
