#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/e2e/program.h"
#include "tests/testing/temp_dir.h"

// Every bench runs against real services, and says what the tools that read its lines expect. How
// fast anything is, is not looked at.
namespace comity::bench {
namespace {

using testing::ProgramResult;
using testing::RunProgram;

class BenchTest : public ::testing::TestWithParam<std::string> {};

TEST_P(BenchTest, PrintsOneJsonObjectWithEveryField) {
  const TempDir dir;
  const ProgramResult result =
      RunProgram(dir.path(), {COMITY_BENCH, GetParam(), "--json", "--smoke", "--dir", dir.path()});
  ASSERT_EQ(result.exit_code, 0);
  const nlohmann::json json = nlohmann::json::parse(result.output, nullptr, false);
  ASSERT_TRUE(json.is_object()) << result.output;
  EXPECT_EQ(json.at("bench"), GetParam());
  EXPECT_TRUE(json.at("unit").is_string());
  EXPECT_GT(json.at("value").get<double>(), 0);
  EXPECT_GT(json.at("p50_us").get<double>(), 0);
  EXPECT_GE(json.at("p99_us").get<double>(), json.at("p50_us").get<double>());
  EXPECT_TRUE(json.at("server_cpu_us_per_op").is_number());
  const bool compared = !GetParam().starts_with("store_") && GetParam() != "blob_put" &&
                        !GetParam().starts_with("custody_") && GetParam() != "revocation_bound";
  EXPECT_EQ(json.at("baseline").is_number(), compared);
  EXPECT_EQ(json.at("ratio").is_number(), compared);
  EXPECT_EQ(json.contains("pause_p99_ms"), GetParam() == "migrate_account");
}

INSTANTIATE_TEST_SUITE_P(All, BenchTest,
                         ::testing::Values("unwrap_unary", "unwrap_batch", "rewrap_batch",
                                           "key_create", "overload", "object_put", "object_get",
                                           "store_commit", "store_get", "blob_put",
                                           "revocation_bound", "custody_start_1m",
                                           "custody_memory_1m", "unwrap_cold_1m",
                                           "migrate_account"),
                         [](const auto& test) { return test.param; });

TEST(BenchProgramTest, ListsTheBenches) {
  const TempDir dir;
  const ProgramResult result = RunProgram(dir.path(), {COMITY_BENCH, "--list"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.output,
            "unwrap_unary\nunwrap_batch\nrewrap_batch\nkey_create\noverload\nobject_put\n"
            "object_get\nstore_commit\nstore_get\nblob_put\nrevocation_bound\n"
            "custody_start_1m\ncustody_memory_1m\nunwrap_cold_1m\nmigrate_account\n");
}

TEST(BenchProgramTest, RefusesABenchThatThereIsNot) {
  const TempDir dir;
  EXPECT_NE(RunProgram(dir.path(), {COMITY_BENCH, "no_such_bench"}).exit_code, 0);
}

}  // namespace
}  // namespace comity::bench
