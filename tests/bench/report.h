#ifndef COMITY_TESTS_BENCH_REPORT_H_
#define COMITY_TESTS_BENCH_REPORT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace comity::bench {

// What one round of one side came to.
struct Sample {
  double operations = 0;
  double seconds = 0;
  double cpu_seconds = 0;            // of the server process
  std::vector<uint32_t> latency_us;  // of each operation; may be empty
  double Rate() const { return seconds > 0 ? operations / seconds : 0; }
};

// A bench's outcome. Rates are medians over the rounds; the ratio is the median of the ratios of
// neighbouring rounds, so that what disturbs the machine for a while disturbs both sides of it.
struct Report {
  std::string bench;
  std::string unit;
  double value = 0;
  std::optional<double> baseline;
  std::optional<double> ratio;
  double p50_us = 0;
  double p99_us = 0;
  double server_cpu_us_per_op = 0;
  std::optional<double> baseline_p50_us;
  std::optional<double> baseline_p99_us;
  std::optional<double> baseline_cpu_us_per_op;
  std::optional<double> pause_p99_ms;  // of writes to an account that moves
  size_t rounds = 0;
};

// `scale` turns operations into units: 256 keys in one call, MiB in one object. Baselines may be
// empty; else there is one for each sample.
Report Summarise(std::string bench, std::string unit, const std::vector<Sample>& samples,
                 const std::vector<Sample>& baselines, double scale = 1);

// 0 < `share` <= 1; 0 for no values.
double Percentile(std::vector<uint32_t> values, double share);
double Median(std::vector<double> values);

std::string ToJson(const Report& report);  // one line
std::string TableHead();
std::string ToTableRow(const Report& report);

}  // namespace comity::bench

#endif  // COMITY_TESTS_BENCH_REPORT_H_
