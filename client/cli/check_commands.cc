#include "client/cli/check_commands.h"

#include <memory>
#include <string>
#include <vector>

#include "client/check/deployment_check.h"
#include "client/cli/counted.h"
#include "client/deployment/supervisor.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

using nlohmann::json;

struct Options {
  std::string expect;
  bool settled = false;
  bool restart = false;
};

json ToJson(const Finding& finding) {
  return {{"service", finding.service},
          {"rule", finding.rule},
          {"where", finding.where},
          {"what", finding.what}};
}

json ToJson(const DeploymentCheck& check) {
  json out = {
      {"ok", check.ok()},         {"services", check.services},  {"accounts", check.accounts},
      {"objects", check.objects}, {"cases", check.cases},        {"log_entries", check.log_entries},
      {"acts", check.acts},       {"violations", json::array()}, {"notes", json::array()}};
  for (const Finding& finding : check.findings) {
    out[finding.violation ? "violations" : "notes"].push_back(ToJson(finding));
  }
  return out;
}

std::string ToText(const DeploymentCheck& check) {
  std::string text =
      "Looked at everything that " + Counted(check.services, "service") +
      (check.services == 1 ? " keeps: " : " keep: ") + Counted(check.accounts, "account") + ", " +
      Counted(check.objects, "object") + ", " + Counted(check.cases, "case") + ", " +
      std::to_string(check.log_entries) + (check.log_entries == 1 ? " log entry" : " log entries") +
      (check.acts == 0 ? "" : "; and for " + Counted(check.acts, "act")) + ".\n";
  for (const Finding& finding : check.findings) {
    text += finding.violation ? "WRONG  " : "note   ";
    text += (finding.service.empty() ? "" : finding.service + ": ") + finding.where + ": " +
            finding.what + " (" + finding.rule + ")\n";
  }
  if (check.ok())
    return text + "Nothing that was acknowledged is lost, and nothing is half done.\n";
  return text + Counted(check.violations, "thing") + (check.violations == 1 ? " is" : " are") +
         " wrong. Keep the stores as they are; docs/check.md says what each rule means "
         "and what to do.\n";
}

absl::StatusOr<DeploymentCheck> RunCheck(Supervisor& supervisor, const CheckOptions& options,
                                         bool restart) {
  if (!restart) return CheckDeployment(supervisor, options);
  RETURN_IF_ERROR(supervisor.Stop());
  absl::StatusOr<DeploymentCheck> check = CheckDeployment(supervisor, options);
  RETURN_IF_ERROR(supervisor.Start());
  return check;
}

absl::Status Check(Context& context, const Options& options) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  CheckOptions check_options{.acts = {}, .settled = options.settled};
  if (!options.expect.empty()) {
    ASSIGN_OR_RETURN(const std::string lines, ReadFile(options.expect));
    ASSIGN_OR_RETURN(check_options.acts, ParseActs(lines));
  }
  ASSIGN_OR_RETURN(const DeploymentCheck check,
                   RunCheck(supervisor, check_options, options.restart));
  context.Print(ToText(check), ToJson(check));
  if (!check.ok()) context.exit_code = kPromise;
  return absl::OkStatus();
}

}  // namespace

void AddCheckCommands(CLI::App& app, Context& context) {
  CLI::App* check = app.add_subcommand(
      "check", "Prove that a stopped deployment has lost nothing and left nothing half done");
  auto options = std::make_shared<Options>();
  check
      ->add_option("--expect", options->expect,
                   "Acts that were acknowledged, one JSON object a line; each must be there")
      ->type_name("FILE");
  check->add_flag("--settled", options->settled,
                  "Nothing may be under way: a move that has not ended is wrong too");
  check->add_flag("--restart", options->restart,
                  "Stop the deployment for the check, and start it again");
  check->footer(
      "Examples:\n"
      "  comity check                              of a deployment that is down\n"
      "  comity check --restart --expect acts.jsonl\n"
      "Each service looks at its own store, byte by byte, and changes nothing; then what they say\n"
      "is compared. Exits with 3 when something is wrong, and says what and where.");
  check->callback([&context, options] {
    context.command = [&context, options] { return Check(context, *options); };
  });
}

}  // namespace comity::cli
