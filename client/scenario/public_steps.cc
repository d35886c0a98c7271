#include <utility>

#include "client/logs/logs.h"
#include "client/report/report.h"
#include "client/scenario/world.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

// The clock, and what anybody can check: logs and reports.
namespace comity::scenario {
namespace {

constexpr ServiceKind kKinds[] = {ServiceKind::kStorage, ServiceKind::kCustody,
                                  ServiceKind::kReview};

absl::StatusOr<std::string> Advance(World& world, int64_t delta) {
  RETURN_IF_ERROR(world.supervisor().AdvanceClock(delta));
  return "every service shows " + FormatDay(world.supervisor().Now());
}

absl::StatusOr<std::string> ClockTo(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(const UnixMillis date, ParseTime(fields.Text("date")));
  const UnixMillis now = world.supervisor().Now();
  if (date < now) return Unmet("it is " + FormatDay(now) + " already");
  return Advance(world, date - now);
}

absl::StatusOr<std::string> ClockAdvance(World& world, const Fields& fields) {
  return Advance(world, static_cast<int64_t>(fields.Number("days")) * kDayMs);
}

absl::StatusOr<std::string> VerifyLogs(World& world) {
  const Topology& topology = world.supervisor().topology();
  uint64_t leaves = 0;
  size_t logs = 0;
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind : kKinds) {
      ASSIGN_OR_RETURN(const VerifiedLog log, VerifyServiceLog(topology, id, kind, {}));
      leaves += log.checkpoint.size;
      ++logs;
    }
  }
  return "the checkpoints of " + Count(logs, "log") + " verify, and every one of their " +
         std::to_string(leaves) + " leaves and all tiles agree with them";
}

absl::Status CheckCount(const std::string& what, uint64_t expected, uint64_t found) {
  if (expected == found) return absl::OkStatus();
  return Unmet("the report counts " + std::to_string(found) + " of \"" + what + "\", not " +
               std::to_string(expected));
}

absl::Status CheckReport(const TransparencyReport& report, const Fields& fields) {
  const ReportRow& total = report.total;
  const std::map<std::string, uint64_t> found = {
      {"requests", total.requests},         {"identifiers", total.identifiers},
      {"accounts", total.accounts},         {"full", total.full},
      {"partial", total.partial},           {"no-data", total.no_data},
      {"rejected", total.rejected},         {"pending", total.pending},
      {"percent", total.PercentProvided()}, {"content-requests", report.content_requests},
      {"notices", report.notices_given}};
  for (const auto& [name, expected] : fields.Numbers("counts")) {
    const auto count = found.find(name);
    if (count == found.end()) {
      return Refuse(Reason::kFieldInvalid, "a report counts no \"" + name + "\"");
    }
    RETURN_IF_ERROR(CheckCount(name, expected, count->second));
  }
  if (fields.Has("refusals") && report.refusals != fields.Numbers("refusals")) {
    std::string text;
    for (const auto& [reason, count] : report.refusals) {
      text += " " + reason + " " + std::to_string(count);
    }
    return Unmet("the report counts these refusals:" + text);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Report(World& world, const Fields& fields) {
  ASSIGN_OR_RETURN(const RegionId region, world.FindRegion(fields.Text("region")));
  ASSIGN_OR_RETURN(const ReportPeriod period, ParseReportPeriod(fields.Text("period")));
  ASSIGN_OR_RETURN(const VerifiedLog log, VerifyServiceLog(world.supervisor().topology(), region,
                                                           ServiceKind::kReview, {}));
  ASSIGN_OR_RETURN(const TransparencyReport report,
                   ComputeReport(log.leaves, region.name(), period));
  world.Show("$ comity report transparency --region " + region.name() + " --period " + period.name +
             "\n" + FormatReport(report));
  RETURN_IF_ERROR(CheckReport(report, fields));
  return "the report of region " + region.name() + " for " + period.name +
         ", computed from its verified public log alone, agrees with what was done here";
}

}  // namespace

Outcome PerformPublicStep(World& world, const Step& step) {
  if (step.verb == "clock-to") return ClockTo(world, step.fields);
  if (step.verb == "clock-advance") return ClockAdvance(world, step.fields);
  if (step.verb == "report") return Report(world, step.fields);
  if (step.verb == "verify-logs") return VerifyLogs(world);
  return std::nullopt;
}

}  // namespace comity::scenario
