#include "client/cli/report_commands.h"

#include <memory>

#include "client/logs/logs.h"
#include "client/report/report.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

constexpr ServiceKind kKinds[] = {ServiceKind::kStorage, ServiceKind::kCustody,
                                  ServiceKind::kReview};

absl::StatusOr<Topology> OpenTopology(const Context& context) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  return Topology::Load(where + "/topology.txtpb");
}

absl::StatusOr<std::string> MemoryFolder(const Topology& topology) {
  ASSIGN_OR_RETURN(const std::string home, ComityHome());
  return home + "/checkpoints/" + topology.deployment();
}

absl::StatusOr<VerifiedLog> VerifyOne(const Context& context, const Topology& topology,
                                      const RegionId& region, ServiceKind kind) {
  ASSIGN_OR_RETURN(const std::string memory, MemoryFolder(topology));
  return VerifyServiceLog(topology, region, kind, memory, [&](uint64_t done, uint64_t total) {
    context.Progress(topology.LogOrigin(region, kind) + "  " + std::to_string(done) + " of " +
                     std::to_string(total) + " leaves");
  });
}

struct ReportOptions {
  std::string region;
  std::string period;
};

absl::Status Report(const Context& context, const ReportOptions& options) {
  ASSIGN_OR_RETURN(const Topology topology, OpenTopology(context));
  ASSIGN_OR_RETURN(const ReportPeriod period, ParseReportPeriod(options.period));
  const RegionInfo* region = topology.FindRegion(options.region);
  if (region == nullptr) {
    return Refuse(Reason::kFieldInvalid, "there is no region \"" + options.region + "\"");
  }
  ASSIGN_OR_RETURN(const VerifiedLog log,
                   VerifyOne(context, topology, region->id, ServiceKind::kReview));
  context.EndProgress();
  ASSIGN_OR_RETURN(const TransparencyReport report,
                   ComputeReport(log.leaves, region->id.name(), period));
  context.Print(FormatReport(report) + "\nComputed from the " +
                    std::to_string(log.checkpoint.size) + " verified leaves of " +
                    log.checkpoint.origin + ".\n",
                json::parse(FormatReportJson(report)));
  return absl::OkStatus();
}

struct VerifyOptions {
  std::string region;
  std::string service;
};

absl::Status VerifyLogs(Context& context, const VerifyOptions& options) {
  ASSIGN_OR_RETURN(const Topology topology, OpenTopology(context));
  json value = json::array();
  std::string text;
  for (const auto& [id, region] : topology.regions()) {
    if (!options.region.empty() && options.region != id.name()) continue;
    for (const ServiceKind kind : kKinds) {
      if (!options.service.empty() && options.service != Name(kind)) continue;
      const std::string origin = topology.LogOrigin(id, kind);
      const absl::StatusOr<VerifiedLog> log = VerifyOne(context, topology, id, kind);
      context.EndProgress();
      if (log.ok()) {
        value.push_back({{"origin", origin}, {"ok", true}, {"size", log->checkpoint.size}});
        text += "ok      " + origin + "  " + std::to_string(log->checkpoint.size) + " leaves\n";
      } else {
        value.push_back({{"origin", origin},
                         {"ok", false},
                         {"reason", Describe(ReasonOf(log.status())).name},
                         {"detail", CauseOf(log.status())}});
        text += "FAILED  " + origin + "  " + CauseOf(log.status()) + "\n";
        context.exit_code = kPromise;
      }
    }
  }
  if (value.empty()) return Refuse(Reason::kFieldInvalid, "no log fits --region and --service");
  context.Print(text, value);
  return absl::OkStatus();
}

absl::Status CheckTopology(const Context& context, const std::string& file, bool as_template) {
  absl::StatusOr<Topology> topology = Refuse(Reason::kInternal);
  if (as_template) {
    ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
    topology = Topology::Parse(text, /*as_template=*/true);
  } else {
    topology = Topology::Load(file);
  }
  if (!topology.ok()) return topology.status();
  const std::string digest = Base32Encode(topology->digest().bytes());
  context.Print("ok  " + topology->deployment() + ", serial " + std::to_string(topology->serial()) +
                    ", " + std::to_string(topology->regions().size()) + " regions, digest " +
                    digest + (topology->development() ? ", development" : "") +
                    (as_template ? ", template" : ", signed by all its operators") + "\n",
                json({{"ok", true},
                      {"deployment", topology->deployment()},
                      {"serial", topology->serial()},
                      {"digest", digest},
                      {"development", topology->development()}}));
  return absl::OkStatus();
}

}  // namespace

void AddReportCommands(CLI::App& app, Context& context) {
  CLI::App* report = app.add_subcommand("report", "Reports that anybody can recompute");
  report->require_subcommand(1);
  report->footer("Example: comity report transparency --region cn --period 2018H1");
  CLI::App* transparency = report->add_subcommand(
      "transparency", "The transparency report of a region, from its verified public log");
  auto report_options = std::make_shared<ReportOptions>();
  transparency->add_option("--region", report_options->region, "Whose report")
      ->required()
      ->type_name("REGION");
  transparency->add_option("--period", report_options->period, "Half-year, for instance 2018H1")
      ->required();
  transparency->footer(
      "Example: comity report transparency --region cn --period 2018H1\n"
      "Computed on this machine from the log of the region's review, which is fetched and "
      "verified\n"
      "first: nobody's word has to be taken for it.");
  transparency->callback([&context, report_options] {
    context.command = [&context, report_options] { return Report(context, *report_options); };
  });

  CLI::App* log = app.add_subcommand("log", "The services' public, tamper-evident logs");
  log->require_subcommand(1);
  log->footer("Example: comity log verify --region cn");
  CLI::App* verify = log->add_subcommand(
      "verify", "Check signatures, every leaf and tile, and that nothing seen before has changed");
  auto verify_options = std::make_shared<VerifyOptions>();
  verify->add_option("--region", verify_options->region, "Only this region")->type_name("REGION");
  verify->add_option("--service", verify_options->service, "Only storage, custody or review")
      ->check(CLI::IsMember({"storage", "custody", "review"}));
  verify->footer(
      "Example: comity log verify --region cn --service custody\n"
      "Fetches whole logs over HTTP and remembers their checkpoints, so that the next run notices\n"
      "a log that was rewritten. Exits with 3 when one does not verify: keep its file and tell.");
  verify->callback([&context, verify_options] {
    context.command = [&context, verify_options] { return VerifyLogs(context, *verify_options); };
  });

  CLI::App* topology = app.add_subcommand("topology", "The file that says what may cross a border");
  topology->require_subcommand(1);
  topology->footer("Example: comity topology check world/topology.txtpb");
  CLI::App* check = topology->add_subcommand(
      "check", "Check every rule and signature; says the line and why when one does not hold");
  auto file = std::make_shared<std::string>();
  auto as_template = std::make_shared<bool>(false);
  check->add_option("file", *file, "Topology file; its signatures are in FILE.sig")
      ->required()
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  check->add_flag("--template", *as_template, "A template: keys and addresses may be absent");
  check->footer(
      "Examples:\n"
      "  comity topology check world/topology.txtpb\n"
      "  comity topology check --template deploy/topologies/icloud-cn-2018.txtpb\n"
      "Every service makes the same checks before it starts, and refuses a file that fails one.");
  check->callback([&context, file, as_template] {
    context.command = [&context, file, as_template] {
      return CheckTopology(context, *file, *as_template);
    };
  });
}

}  // namespace comity::cli
