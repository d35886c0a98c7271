#include <cstdio>

#include <nlohmann/json.hpp>

#include "client/report/report.h"

namespace comity {
namespace {

std::string Line(const ReportRow& row, const std::string& label) {
  char text[256];
  std::snprintf(
      text, sizeof(text),
      "%-22s %8llu %11llu %8llu %5llu %7llu %7llu %8llu %9llu %7llu %7llu %5u %%\n", label.c_str(),
      static_cast<unsigned long long>(row.requests),
      static_cast<unsigned long long>(row.identifiers),
      static_cast<unsigned long long>(row.accounts), static_cast<unsigned long long>(row.full),
      static_cast<unsigned long long>(row.partial), static_cast<unsigned long long>(row.no_data),
      static_cast<unsigned long long>(row.rejected), static_cast<unsigned long long>(row.withdrawn),
      static_cast<unsigned long long>(row.expired), static_cast<unsigned long long>(row.pending),
      row.PercentProvided());
  return text;
}

std::string Plural(uint64_t n, const std::string& noun) {
  return std::to_string(n) + " " + noun + (n == 1 ? "" : "s");
}

nlohmann::json ToJson(const ReportRow& row) {
  return {{"country", row.country},
          {"instrument", row.instrument},
          {"requests", row.requests},
          {"identifiers", row.identifiers},
          {"accounts", row.accounts},
          {"full", row.full},
          {"partial", row.partial},
          {"no_data", row.no_data},
          {"rejected", row.rejected},
          {"withdrawn", row.withdrawn},
          {"expired", row.expired},
          {"pending", row.pending},
          {"percent_provided", row.PercentProvided()}};
}

}  // namespace

std::string FormatReport(const TransparencyReport& report) {
  std::string out = "Transparency report of region " + report.region + ", " + report.period.name +
                    " (" + FormatDay(report.period.begin) + " to " +
                    FormatDay(report.period.end - kDayMs) + ", by day of receipt)\n\n";
  if (report.total.requests == 0) return out + "No request was received.\n";
  out +=
      "requests by            received identifiers accounts  full partial no data rejected "
      "withdrawn expired pending provided\n";
  for (const ReportRow& row : report.rows) out += Line(row, row.country + " " + row.instrument);
  out += Line(report.total, "all");
  const uint32_t provided = report.total.PercentProvided();
  out += "\n" + Plural(report.total.requests, "request") + " covering " +
         Plural(report.total.identifiers, "identifier") + ": data was provided for " +
         std::to_string(provided) + " %, all but " + std::to_string(100 - provided) + " %.\n";
  out += Plural(report.content_requests, "request") + " for content; the largest named " +
         Plural(report.largest_request, "identifier") + "; median time to the outcome " +
         Plural(report.median_days, "day") + ".\n";
  out += "Notices: " + std::to_string(report.notices_given) + " before production, " +
         std::to_string(report.notices_after) + " after the fact, " +
         std::to_string(report.notices_barred) + " barred.\n";
  if (!report.refusals.empty()) {
    out += "Refusals by reason (a request may count under several):\n";
    for (const auto& [reason, count] : report.refusals) {
      out += "  " + reason + " " + std::to_string(count) + "\n";
    }
  }
  return out;
}

std::string FormatReportJson(const TransparencyReport& report) {
  nlohmann::json json = {{"region", report.region},
                         {"period", report.period.name},
                         {"rows", nlohmann::json::array()},
                         {"total", ToJson(report.total)},
                         {"all_but_percent", 100 - report.total.PercentProvided()},
                         {"refusals", report.refusals},
                         {"content_requests", report.content_requests},
                         {"largest_request", report.largest_request},
                         {"median_days", report.median_days},
                         {"notices",
                          {{"given", report.notices_given},
                           {"after", report.notices_after},
                           {"barred", report.notices_barred}}}};
  json["total"].erase("country");
  json["total"].erase("instrument");
  for (const ReportRow& row : report.rows) json["rows"].push_back(ToJson(row));
  return json.dump();
}

}  // namespace comity
