#ifndef COMITY_CLIENT_REPORT_REPORT_H_
#define COMITY_CLIENT_REPORT_REPORT_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"

// The transparency report: a pure function of a review's log leaves, so that everybody who verifies
// the log gets the same bytes (docs/review.md).
namespace comity {

// A half-year, [begin, end).
struct ReportPeriod {
  std::string name;  // "2018H1"
  UnixMillis begin = 0;
  UnixMillis end = 0;
};
// "2018H1" or "2018H2". FIELD_INVALID otherwise.
absl::StatusOr<ReportPeriod> ParseReportPeriod(std::string_view name);

// Counts of one requesting country and instrument, or of all. Outcomes are exclusive and add up to
// `requests`.
struct ReportRow {
  std::string country;
  std::string instrument;
  uint64_t requests = 0;
  uint64_t identifiers = 0;
  uint64_t accounts = 0;  // of which data was provided
  uint64_t full = 0;
  uint64_t partial = 0;
  uint64_t no_data = 0;
  uint64_t rejected = 0;
  uint64_t withdrawn = 0;
  uint64_t expired = 0;
  uint64_t pending = 0;
  // (full + partial) / requests in percent, half up; 0 when there are none.
  uint32_t PercentProvided() const;
};

struct TransparencyReport {
  std::string region;
  ReportPeriod period;
  std::vector<ReportRow> rows;  // by country, then instrument
  ReportRow total;
  std::map<std::string, uint64_t> refusals;  // by reason; a request may count under several
  uint64_t content_requests = 0;             // asked for C5
  uint64_t largest_request = 0;              // identifiers
  uint32_t median_days = 0;                  // receipt to outcome, of those that have one
  uint64_t notices_given = 0;
  uint64_t notices_after = 0;
  uint64_t notices_barred = 0;
};

// Counts the requests received in the period, with what became of them by the end of the log.
// Leaves of other types are passed over; a review leaf that lacks a field or
// names an outcome that is none of the columns is DATA_CORRUPT, with its index.
absl::StatusOr<TransparencyReport> ComputeReport(const std::vector<std::string>& leaves,
                                                 std::string_view region,
                                                 const ReportPeriod& period);

// For people, fixed width, ends with LF. Says the percentage and "all but N %".
std::string FormatReport(const TransparencyReport& report);
// One JSON object.
std::string FormatReportJson(const TransparencyReport& report);

}  // namespace comity

#endif  // COMITY_CLIENT_REPORT_REPORT_H_
