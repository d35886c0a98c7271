#include "client/report/report.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "services/common/statement/leaf.h"
#include "services/common/statement/report_fields.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity {
namespace {

namespace rf = report_fields;

using Column = uint64_t ReportRow::*;

struct Outcome {
  Column column = &ReportRow::pending;
  std::string reasons;
  uint64_t accounts = 0;
  UnixMillis day = 0;
};

struct Request {
  std::string country;
  std::string instrument;
  std::string classes;
  uint64_t identifiers = 0;
  UnixMillis day = 0;
  std::optional<Outcome> outcome;
  std::vector<std::string> notices;
};

// Where a request with this outcome is counted; none for a name that is no outcome.
std::optional<Column> ColumnOf(const std::string& outcome) {
  if (outcome == "FULL") return &ReportRow::full;
  if (outcome == "PARTIAL") return &ReportRow::partial;
  if (outcome == "NO_DATA") return &ReportRow::no_data;
  if (outcome == "REJECTED") return &ReportRow::rejected;
  if (outcome == "WITHDRAWN") return &ReportRow::withdrawn;
  if (outcome == "EXPIRED") return &ReportRow::expired;
  return std::nullopt;
}

std::vector<std::string> SplitByComma(const std::string& text) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(',', begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

// Reads fields of one leaf; a missing or malformed one is the leaf's fault.
class LeafReader final {
 public:
  LeafReader(const Leaf& leaf, size_t index) : leaf_(leaf), index_(index) {}

  absl::StatusOr<std::string> Text(std::string_view field) const {
    const auto it = leaf_.clear.find(std::string(field));
    if (it == leaf_.clear.end()) return Bad(field);
    return it->second;
  }

  // An outcome that nobody counts would make the columns not add up.
  absl::StatusOr<Column> OutcomeColumn() const {
    ASSIGN_OR_RETURN(const std::string name, Text(rf::kOutcomeField));
    const std::optional<Column> column = ColumnOf(name);
    if (!column.has_value()) return Bad(rf::kOutcomeField);
    return *column;
  }

  absl::StatusOr<uint64_t> Number(std::string_view field) const {
    ASSIGN_OR_RETURN(const std::string text, Text(field));
    uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) return Bad(field);
    return value;
  }

 private:
  absl::Status Bad(std::string_view field) const {
    return Refuse(Reason::kDataCorrupt, "leaf " + std::to_string(index_) + " (" + leaf_.type +
                                            "): field " + std::string(field));
  }
  const Leaf& leaf_;
  const size_t index_;
};

// Requests in order of receipt, by case tag.
class Collector final {
 public:
  absl::Status Add(const Leaf& leaf, size_t index) {
    const LeafReader read(leaf, index);
    if (leaf.type == rf::kReceived) return AddReceived(leaf, read);
    if (leaf.type == rf::kOutcome) return AddOutcome(leaf, read);
    if (leaf.type == rf::kNotice) return AddNotice(read);
    return absl::OkStatus();
  }
  const std::map<std::string, Request>& requests() const { return requests_; }

 private:
  absl::Status AddReceived(const Leaf& leaf, const LeafReader& read) {
    ASSIGN_OR_RETURN(const std::string tag, read.Text(rf::kCaseTag));
    Request request;
    ASSIGN_OR_RETURN(request.country, read.Text(rf::kCountry));
    ASSIGN_OR_RETURN(request.instrument, read.Text(rf::kInstrument));
    ASSIGN_OR_RETURN(request.classes, read.Text(rf::kClasses));
    ASSIGN_OR_RETURN(request.identifiers, read.Number(rf::kIdentifiers));
    request.day = leaf.day;
    requests_.emplace(tag, std::move(request));
    return absl::OkStatus();
  }

  absl::Status AddOutcome(const Leaf& leaf, const LeafReader& read) {
    ASSIGN_OR_RETURN(const std::string tag, read.Text(rf::kCaseTag));
    Outcome outcome;
    ASSIGN_OR_RETURN(outcome.column, read.OutcomeColumn());
    ASSIGN_OR_RETURN(outcome.reasons, read.Text(rf::kReasons));
    ASSIGN_OR_RETURN(outcome.accounts, read.Number(rf::kAccounts));
    outcome.day = leaf.day;
    if (const auto it = requests_.find(tag); it != requests_.end()) it->second.outcome = outcome;
    return absl::OkStatus();
  }

  absl::Status AddNotice(const LeafReader& read) {
    ASSIGN_OR_RETURN(const std::string tag, read.Text(rf::kCaseTag));
    ASSIGN_OR_RETURN(const std::string kind, read.Text(rf::kKind));
    if (const auto it = requests_.find(tag); it != requests_.end()) {
      it->second.notices.push_back(kind);
    }
    return absl::OkStatus();
  }

  std::map<std::string, Request> requests_;
};

void Count(const Request& request, ReportRow& row) {
  ++row.requests;
  row.identifiers += request.identifiers;
  if (!request.outcome.has_value()) {
    ++row.pending;
    return;
  }
  row.accounts += request.outcome->accounts;
  ++(row.*request.outcome->column);
}

uint32_t Median(std::vector<uint32_t> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[(values.size() - 1) / 2];
}

}  // namespace

absl::StatusOr<ReportPeriod> ParseReportPeriod(std::string_view name) {
  const bool well_formed =
      name.size() == 6 && name[4] == 'H' && (name[5] == '1' || name[5] == '2') &&
      std::all_of(name.begin(), name.begin() + 4, [](char c) { return c >= '0' && c <= '9'; });
  if (!well_formed) {
    return Refuse(Reason::kFieldInvalid, "period: a half-year such as 2018H1 is expected");
  }
  const std::string year(name.substr(0, 4));
  const bool first = name[5] == '1';
  const std::string next_year = std::to_string(std::stoi(year) + 1);
  ReportPeriod period{std::string(name), 0, 0};
  ASSIGN_OR_RETURN(period.begin, ParseTime(year + (first ? "-01-01" : "-07-01")));
  ASSIGN_OR_RETURN(period.end, ParseTime(first ? year + "-07-01" : next_year + "-01-01"));
  return period;
}

uint32_t ReportRow::PercentProvided() const {
  if (requests == 0) return 0;
  return static_cast<uint32_t>((200 * (full + partial) + requests) / (2 * requests));
}

absl::StatusOr<TransparencyReport> ComputeReport(const std::vector<std::string>& leaves,
                                                 std::string_view region,
                                                 const ReportPeriod& period) {
  Collector collector;
  for (size_t i = 0; i < leaves.size(); ++i) {
    ASSIGN_OR_RETURN(const Leaf leaf, DecodeLeaf(leaves[i]));
    RETURN_IF_ERROR(collector.Add(leaf, i));
  }
  TransparencyReport report;
  report.region = std::string(region);
  report.period = period;
  std::map<std::pair<std::string, std::string>, ReportRow> rows;
  std::vector<uint32_t> days;
  for (const auto& [tag, request] : collector.requests()) {
    if (request.day < period.begin || request.day >= period.end) continue;
    ReportRow& row = rows[{request.country, request.instrument}];
    row.country = request.country;
    row.instrument = request.instrument;
    Count(request, row);
    Count(request, report.total);
    report.largest_request = std::max(report.largest_request, request.identifiers);
    const std::vector<std::string> classes = SplitByComma(request.classes);
    if (std::find(classes.begin(), classes.end(), "C5") != classes.end()) {
      ++report.content_requests;
    }
    if (request.outcome.has_value()) {
      days.push_back(static_cast<uint32_t>((request.outcome->day - request.day) / kDayMs));
      for (const std::string& reason : SplitByComma(request.outcome->reasons)) {
        ++report.refusals[reason];
      }
    }
    for (const std::string& kind : request.notices) {
      if (kind == "given") ++report.notices_given;
      if (kind == "after") ++report.notices_after;
      if (kind == "barred") ++report.notices_barred;
    }
  }
  for (auto& [key, row] : rows) report.rows.push_back(std::move(row));
  report.median_days = Median(std::move(days));
  return report;
}

}  // namespace comity
