#include "services/common/server/store_check_run.h"

#include <cstdio>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

#include "services/common/log/stored_log.h"
#include "services/common/server/topology_mark.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/store/open.h"

namespace comity {
namespace {

using nlohmann::json;

void PrintLine(const json& line) {
  std::puts(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace).c_str());
}

void PrintViolation(const json& line) {
  if (line.at("type") != "violation") return;
  std::fprintf(stderr, "violation (%s): %s: %s.\n", line.at("rule").get<std::string>().c_str(),
               line.at("where").get<std::string>().c_str(),
               line.at("what").get<std::string>().c_str());
}

// What cannot be read because it is damaged is a finding; everything else ends the check.
absl::Status ReportIfCorrupt(const absl::Status& status, std::string_view rule,
                             std::string_view where, CheckReport& report) {
  if (ReasonOf(status) != Reason::kDataCorrupt) return status;
  report.Violation(rule, where, CauseOf(status));
  return absl::OkStatus();
}

absl::StatusOr<std::optional<VerifiedLog>> ReadLog(const std::string& origin, ServiceKind kind,
                                                   ReadOnlyStores& stores, CheckReport& report) {
  absl::StatusOr<VerifiedLog> log = ReadStoredLog(origin, "log/" + std::string(Name(kind)),
                                                  stores.records.get(), stores.blobs.get());
  RETURN_IF_ERROR(ReportIfCorrupt(log.status(), "log", "log " + origin, report));
  if (!log.ok()) return std::optional<VerifiedLog>();
  return std::optional<VerifiedLog>(*std::move(log));
}

void TellStore(const StoreCheckTarget& target, const std::optional<VerifiedLog>& log,
               CheckReport& report) {
  const TopologyMark mark = MarkOf(target.topology);
  json fact = {{"deployment", target.topology.deployment()},
               {"region", target.region.name()},
               {"service", Name(target.kind)},
               {"time", FormatTime(target.now)},
               {"topology_serial", mark.serial},
               {"topology_digest", mark.digest_hex}};
  if (log.has_value()) {
    fact["log"] = {{"size", log->checkpoint.size}, {"root", log->checkpoint.root.ToString()}};
  }
  report.Fact("store", std::move(fact));
}

absl::Status CheckOpened(const StoreCheckTarget& target, const StoreChecker& checker,
                         ReadOnlyStores& stores, CheckReport& report) {
  const std::string origin = target.topology.LogOrigin(target.region, target.kind);
  ASSIGN_OR_RETURN(const std::optional<VerifiedLog> log,
                   ReadLog(origin, target.kind, stores, report));
  TellStore(target, log, report);
  const ServiceInfo& info = target.topology.FindRegion(target.region)->service(target.kind);
  const StoreCheck check{.topology = target.topology,
                         .region = target.region,
                         .directory = target.directory,
                         .now = target.now,
                         .audit_keep_ms = target.audit_keep_ms,
                         .records = *stores.records,
                         .blobs = *stores.blobs,
                         .log = log.has_value() ? &*log : nullptr,
                         .log_key = *info.log_key,
                         .log_origin = origin,
                         .report = report};
  return ReportIfCorrupt(checker(check), "store", "records", report);
}

}  // namespace

absl::StatusOr<uint64_t> RunStoreCheck(const StoreCheckTarget& target, const StoreChecker& checker,
                                       StoreCheckOutput output) {
  const auto print = [output](const json& line) {
    if (output == StoreCheckOutput::kLines) PrintLine(line);
    PrintViolation(line);
  };
  CheckReport report(print);
  absl::StatusOr<ReadOnlyStores> stores = OpenStoresReadOnly(target.directory + "/store");
  RETURN_IF_ERROR(ReportIfCorrupt(stores.status(), "store", "records", report));
  if (stores.ok()) RETURN_IF_ERROR(CheckOpened(target, checker, *stores, report));
  print({{"type", "summary"},
         {"region", target.region.name()},
         {"service", Name(target.kind)},
         {"violations", report.violations()},
         {"notes", report.notes()}});
  return report.violations();
}

}  // namespace comity
