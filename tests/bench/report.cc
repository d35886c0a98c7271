#include "tests/bench/report.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <utility>

#include <nlohmann/json.hpp>

namespace comity::bench {
namespace {

struct Totals {
  std::vector<double> rates;
  std::vector<uint32_t> latency_us;
  double operations = 0;
  double cpu_seconds = 0;
  double CpuPerOperation() const { return operations > 0 ? 1e6 * cpu_seconds / operations : 0; }
};

Totals Add(const std::vector<Sample>& samples) {
  Totals totals;
  for (const Sample& sample : samples) {
    totals.rates.push_back(sample.Rate());
    totals.latency_us.insert(totals.latency_us.end(), sample.latency_us.begin(),
                             sample.latency_us.end());
    totals.operations += sample.operations;
    totals.cpu_seconds += sample.cpu_seconds;
  }
  return totals;
}

// Three digits are more than a shared machine is good for.
double Rounded(double value) {
  if (value == 0 || !std::isfinite(value)) return 0;
  const double unit = std::pow(10, std::floor(std::log10(std::abs(value))) - 3);
  return std::round(value / unit) * unit;
}

nlohmann::ordered_json Number(std::optional<double> value) {
  if (!value.has_value()) return nullptr;
  const double rounded = Rounded(*value);
  if (std::abs(rounded) >= 1000) return std::llround(rounded);
  return std::round(rounded * 10'000) / 10'000;
}

std::string Text(std::optional<double> value, int decimals) {
  if (!value.has_value()) return "-";
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f", decimals, *value);
  return text;
}

}  // namespace

double Percentile(std::vector<uint32_t> values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(values.size())));
  const auto nth = values.begin() + static_cast<std::ptrdiff_t>(std::max<size_t>(rank, 1) - 1);
  std::nth_element(values.begin(), nth, values.end());
  return *nth;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

Report Summarise(std::string bench, std::string unit, const std::vector<Sample>& samples,
                 const std::vector<Sample>& baselines, double scale) {
  const Totals ours = Add(samples);
  Report report;
  report.bench = std::move(bench);
  report.unit = std::move(unit);
  report.rounds = samples.size();
  report.value = Median(ours.rates) * scale;
  report.p50_us = Percentile(ours.latency_us, 0.5);
  report.p99_us = Percentile(ours.latency_us, 0.99);
  report.server_cpu_us_per_op = ours.CpuPerOperation() / scale;
  if (baselines.empty()) return report;
  const Totals bare = Add(baselines);
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(samples.size(), baselines.size()); ++i) {
    if (bare.rates[i] > 0) ratios.push_back(ours.rates[i] / bare.rates[i]);
  }
  report.baseline = Median(bare.rates) * scale;
  report.ratio = Median(ratios);
  report.baseline_p50_us = Percentile(bare.latency_us, 0.5);
  report.baseline_p99_us = Percentile(bare.latency_us, 0.99);
  report.baseline_cpu_us_per_op = bare.CpuPerOperation() / scale;
  return report;
}

std::string ToJson(const Report& report) {
  nlohmann::ordered_json json = {{"bench", report.bench},
                                 {"value", Number(report.value)},
                                 {"unit", report.unit},
                                 {"baseline", Number(report.baseline)},
                                 {"ratio", Number(report.ratio)},
                                 {"p50_us", Number(report.p50_us)},
                                 {"p99_us", Number(report.p99_us)},
                                 {"server_cpu_us_per_op", Number(report.server_cpu_us_per_op)},
                                 {"baseline_p50_us", Number(report.baseline_p50_us)},
                                 {"baseline_p99_us", Number(report.baseline_p99_us)},
                                 {"baseline_cpu_us_per_op", Number(report.baseline_cpu_us_per_op)},
                                 {"rounds", report.rounds}};
  if (report.pause_p99_ms.has_value()) json["pause_p99_ms"] = Number(report.pause_p99_ms);
  return json.dump();
}

std::string TableHead() {
  char line[160];
  std::snprintf(line, sizeof(line), "%-16s %12s %-12s %12s %6s %10s %10s %10s %9s", "bench",
                "value", "unit", "baseline", "ratio", "p50 us", "p99 us", "base p99", "cpu us/op");
  return line;
}

std::string ToTableRow(const Report& report) {
  char line[200];
  std::snprintf(
      line, sizeof(line), "%-16s %12s %-12s %12s %6s %10s %10s %10s %9s", report.bench.c_str(),
      Text(report.value, 0).c_str(), report.unit.c_str(), Text(report.baseline, 0).c_str(),
      Text(report.ratio, 2).c_str(), Text(report.p50_us, 0).c_str(), Text(report.p99_us, 0).c_str(),
      Text(report.baseline_p99_us, 0).c_str(), Text(report.server_cpu_us_per_op, 2).c_str());
  std::string row = line;
  if (report.pause_p99_ms.has_value()) {
    row += "  write pause p99 " + Text(report.pause_p99_ms, 0) + " ms";
  }
  return row;
}

}  // namespace comity::bench
