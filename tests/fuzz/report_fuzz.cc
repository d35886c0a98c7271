#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "client/report/report.h"
#include "services/common/log/tiles.h"
#include "services/common/status/check.h"
#include "services/common/status/reason.h"

// Leaves of a log that proves what it says, and may still say anything: a bundle of up to eight.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace comity;  // NOLINT
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  (void)ParseReportPeriod(input);
  static const ReportPeriod period = ParseReportPeriod("2018H1").value();
  for (uint64_t count = 1; count <= 8; ++count) {
    const absl::StatusOr<std::vector<std::string>> leaves = DecodeBundle(input, count);
    if (!leaves.ok()) continue;
    const absl::StatusOr<TransparencyReport> report = ComputeReport(*leaves, "cn", period);
    COMITY_CHECK(report.ok() || ReasonOf(report.status()) == Reason::kDataCorrupt ||
                 ReasonOf(report.status()) == Reason::kStatementMalformed);
    if (!report.ok()) continue;
    COMITY_CHECK(!FormatReport(*report).empty());
    COMITY_CHECK(!FormatReportJson(*report).empty());
  }
  return 0;
}
