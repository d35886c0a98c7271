#include "tests/bench/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace comity::bench {
namespace {

using ::testing::HasSubstr;

Sample Of(double operations, double seconds, std::vector<uint32_t> latency_us = {}) {
  Sample sample;
  sample.operations = operations;
  sample.seconds = seconds;
  sample.latency_us = std::move(latency_us);
  return sample;
}

TEST(PercentileTest, IsTheSmallestValueThatCoversTheShare) {
  EXPECT_EQ(Percentile({5, 1, 4, 2, 3}, 0.5), 3);
  EXPECT_EQ(Percentile({5, 1, 4, 2, 3}, 0.99), 5);
  EXPECT_EQ(Percentile({7}, 0.01), 7);
}

TEST(PercentileTest, IsZeroWithoutValues) { EXPECT_EQ(Percentile({}, 0.99), 0); }

TEST(MedianTest, IsBetweenTheMiddleTwoOfAnEvenNumber) {
  EXPECT_EQ(Median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(Median({9, 1, 3}), 3);
}

TEST(SummariseTest, ComparesNeighbouringRoundsSoThatASlowSpellCountsForBothSides) {
  // The machine was ten times as slow in the second round.
  const Report report = Summarise("b", "calls/s", {Of(900, 1), Of(90, 1), Of(900, 1)},
                                  {Of(1000, 1), Of(100, 1), Of(1000, 1)});
  EXPECT_DOUBLE_EQ(*report.ratio, 0.9);
  EXPECT_EQ(report.value, 900);
  EXPECT_EQ(*report.baseline, 1000);
  EXPECT_EQ(report.rounds, 3u);
}

TEST(SummariseTest, TakesPercentilesOverAllRounds) {
  const Report report = Summarise("b", "calls/s", {Of(2, 1, {10, 20}), Of(2, 1, {30, 40})},
                                  {Of(1, 1, {7}), Of(1, 1, {9})});
  EXPECT_EQ(report.p50_us, 20);
  EXPECT_EQ(report.p99_us, 40);
  EXPECT_EQ(*report.baseline_p99_us, 9);
}

TEST(SummariseTest, SpreadsCpuTimeOverUnitsAndScalesRates) {
  Sample sample = Of(10, 2);
  sample.cpu_seconds = 1;
  const Report report = Summarise("b", "keys/s", {sample}, {}, 256);
  EXPECT_DOUBLE_EQ(report.value, 5 * 256);
  EXPECT_DOUBLE_EQ(report.server_cpu_us_per_op, 1e5 / 256);
}

TEST(SummariseTest, HasNeitherBaselineNorRatioWhenNothingWasCompared) {
  const Report report = Summarise("b", "calls/s", {Of(1, 1)}, {});
  EXPECT_FALSE(report.baseline.has_value());
  EXPECT_FALSE(report.ratio.has_value());
}

TEST(ToJsonTest, IsOneLineWithEveryField) {
  const std::string line = ToJson(Summarise("b", "calls/s", {Of(50'123.4, 1, {3})}, {Of(1e5, 1)}));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  const nlohmann::json json = nlohmann::json::parse(line);
  EXPECT_EQ(json.at("bench"), "b");
  EXPECT_EQ(json.at("unit"), "calls/s");
  EXPECT_EQ(json.at("value"), 50'120);
  EXPECT_EQ(json.at("baseline"), 100'000);
  EXPECT_NEAR(json.at("ratio").get<double>(), 0.5012, 1e-9);
  EXPECT_EQ(json.at("p50_us"), 3);
  EXPECT_EQ(json.at("rounds"), 1);
  EXPECT_FALSE(json.contains("pause_p99_ms"));
}

TEST(ToJsonTest, WritesNullForWhatWasNotMeasured) {
  const nlohmann::json json = nlohmann::json::parse(ToJson(Summarise("b", "u", {Of(1, 1)}, {})));
  EXPECT_TRUE(json.at("baseline").is_null());
  EXPECT_TRUE(json.at("ratio").is_null());
}

TEST(ToTableRowTest, HasTheNameAndTheRatio) {
  const std::string row = ToTableRow(Summarise("b", "calls/s", {Of(90, 1)}, {Of(100, 1)}));
  EXPECT_THAT(row, HasSubstr("b "));
  EXPECT_THAT(row, HasSubstr("0.90"));
}

}  // namespace
}  // namespace comity::bench
