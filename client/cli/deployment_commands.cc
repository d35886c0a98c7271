#include "client/cli/deployment_commands.h"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "client/cli/bundle_commands.h"
#include "client/cli/logs_command.h"
#include "client/cli/shell_exports.h"
#include "client/deployment/backups.h"
#include "client/deployment/ephemeral.h"
#include "client/deployment/supervisor.h"
#include "client/deployment/templates.h"
#include "client/deployment/token_access.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr char kDefaultTemplate[] = "icloud-cn-2018";

json ToJson(const ServiceReport& report) {
  json out = {{"region", report.region},
              {"service", Name(report.kind)},
              {"operator", report.operator_name},
              {"address", report.address},
              {"log_url", report.log_url},
              {"metrics_url", report.metrics_url},
              {"pid", report.pid},
              {"answers", report.answers}};
  if (!report.answers) {
    out["problem"] = report.problem;
    return out;
  }
  out.update({{"accounts", report.accounts},
              {"log_size", report.log_size},
              {"log_quorum", report.log_quorum},
              {"time", FormatTime(report.time)},
              {"topology_serial", report.topology_serial},
              {"development", report.development},
              {"version", report.version},
              {"uptime_seconds", report.uptime_seconds}});
  if (!report.seal.empty()) {
    out.update({{"seal", report.seal}, {"sealed", report.sealed}});
    if (report.shares_needed > 0) {
      out.update(
          {{"shares_entered", report.shares_entered}, {"shares_needed", report.shares_needed}});
    }
  }
  return out;
}

json ToJson(const Supervisor& supervisor, const std::vector<ServiceReport>& reports) {
  json out = {{"deployment", supervisor.topology().deployment()},
              {"directory", supervisor.paths().directory()},
              {"topology", supervisor.paths().Topology()},
              {"development", supervisor.topology().development()},
              {"time", FormatTime(supervisor.Now())},
              {"services", json::array()}};
  for (const ServiceReport& report : reports) out["services"].push_back(ToJson(report));
  return out;
}

std::string Row(const std::vector<std::string>& cells) {
  constexpr int kWidths[] = {7, 9, 9, 12, 9, 8, 21, 8};
  std::string row = " ";
  for (size_t i = 0; i < cells.size(); ++i) {
    std::string cell = cells[i];
    if (i < std::size(kWidths) && cell.size() < static_cast<size_t>(kWidths[i])) {
      cell.resize(static_cast<size_t>(kWidths[i]), ' ');
    }
    row += " " + cell;
  }
  row.resize(row.find_last_not_of(' ') + 1);
  return row + "\n";
}

// ":20017" of this machine; empty if it serves none.
std::string MetricsPort(const ServiceReport& report) {
  const size_t colon = report.metrics_url.rfind(':');
  if (colon == std::string::npos) return {};
  return report.metrics_url.substr(colon, report.metrics_url.find('/', colon) - colon);
}

// "sealed 1/2": so many of the shares that are needed have been entered.
std::string State(const ServiceReport& report) {
  if (!report.sealed) return "serving";
  if (report.shares_needed == 0) return "sealed";
  return "sealed " + std::to_string(report.shares_entered) + "/" +
         std::to_string(report.shares_needed);
}

std::string ToText(const Supervisor& supervisor, const std::vector<ServiceReport>& reports) {
  const Topology& topology = supervisor.topology();
  std::string text = topology.title() + "\n";
  text += "  deployment  " + topology.deployment() + " in " + supervisor.paths().directory() + "\n";
  text += "  time        " + FormatTime(supervisor.Now());
  if (topology.test_clock_start().has_value()) text += " (test clock)";
  text += "\n  log quorum  " + topology.log_quorum();
  if (topology.log_quorum() == "none") text += " (a leaf counts once it is durable)";
  text += "\n";
  if (topology.development()) {
    text += "  development: test clock, keys of all holders on one machine. Not for real data.\n";
  }
  text += "\n" + Row({"region", "service", "operator", "state", "accounts", "leaves", "address",
                      "metrics", "seal"});
  for (const ServiceReport& report : reports) {
    if (!report.answers) {
      text += Row(
          {report.region, std::string(Name(report.kind)), report.operator_name, report.problem});
      continue;
    }
    text += Row({report.region, std::string(Name(report.kind)), report.operator_name, State(report),
                 std::to_string(report.accounts), std::to_string(report.log_size), report.address,
                 MetricsPort(report), report.seal});
  }
  return text;
}

bool AllAnswer(const std::vector<ServiceReport>& reports) {
  for (const ServiceReport& report : reports) {
    if (!report.answers) return false;
  }
  return true;
}

struct UpOptions {
  std::string what;
  std::string directory;
  bool env = false;
  bool ephemeral = false;
  pid_t owner = 0;  // 0 = the process that started this one
  bool sealed = false;
  std::string pkcs11_module;
  std::string pkcs11_pin_file;
  std::string backup;
};

// Which deployment, and the template to make it of if it is not there.
struct UpPlan {
  std::string directory;
  std::string template_name;
};

absl::StatusOr<UpPlan> PlanUp(const Context& context, const UpOptions& options) {
  UpPlan plan;
  if (options.ephemeral) {
    plan.template_name = options.what.empty() ? kDefaultTemplate : options.what;
    ASSIGN_OR_RETURN(plan.directory, MakeEphemeralFolder());
    return plan;
  }
  plan.directory = options.directory.empty() ? context.deployment : options.directory;
  plan.template_name = options.what.empty() ? kDefaultTemplate : options.what;
  if (std::error_code error; fs::is_directory(plan.template_name, error)) {
    if (!plan.directory.empty()) {
      return Refuse(Reason::kFieldInvalid, "name the folder once, not again with --dir");
    }
    plan.directory = plan.template_name;
    plan.template_name = kDefaultTemplate;
  }
  if (plan.directory.empty() && options.what.empty()) {
    // The one that was last up, if it is still there.
    const absl::StatusOr<std::string> known = context.DeploymentFolder();
    if (known.ok() && FileExists(DeploymentPaths(*known).Topology())) plan.directory = *known;
  }
  if (plan.directory.empty()) {
    ASSIGN_OR_RETURN(const std::string home, ComityHome());
    plan.directory = home + "/deployments/" + fs::path(plan.template_name).stem().string();
  }
  plan.directory = fs::absolute(plan.directory).lexically_normal().string();
  return plan;
}

// From here on the guard removes whatever there is, however far it comes.
absl::Status GuardedUp(const UpPlan& plan, const UpOptions& options) {
  std::error_code error;
  const std::string self = fs::read_symlink("/proc/self/exe", error).string();
  return GuardEphemeral(plan.directory, self, options.owner != 0 ? options.owner : getppid());
}

absl::Status Up(const Context& context, const UpOptions& options) {
  ASSIGN_OR_RETURN(const UpPlan plan, PlanUp(context, options));
  if (options.ephemeral) {
    if (absl::Status guarded = GuardedUp(plan, options); !guarded.ok()) {
      RemoveEphemeral(plan.directory).IgnoreError();
      return guarded;
    }
  }
  RETURN_IF_ERROR(
      MakeFromTemplate(plan.template_name, plan.directory,
                       [&](const std::string& step) { context.Progress("making " + step); }));
  context.EndProgress();
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(plan.directory));
  if (!options.pkcs11_module.empty()) {
    RETURN_IF_ERROR(KeepTokenAccess(supervisor.paths(), supervisor.topology(),
                                    options.pkcs11_module, options.pkcs11_pin_file));
  }
  if (!options.backup.empty()) {
    RETURN_IF_ERROR(KeepBackups(supervisor.paths(), options.backup));
  }
  RETURN_IF_ERROR(
      supervisor.Start([&](const std::string& step) { context.Progress("starting: " + step); },
                       options.sealed ? Supervisor::Seals::kLeave : Supervisor::Seals::kOpen));
  context.EndProgress();
  if (options.env) {
    // Its accounts go with it.
    const std::string home = options.ephemeral ? plan.directory + "/home" : "";
    const auto variables = DeploymentVariables(supervisor.topology(), plan.directory, home);
    context.Print(ShellExports(variables), json(variables));
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(context.RememberDeployment(plan.directory));
  const std::vector<ServiceReport> reports = supervisor.Report();
  context.Print(ToText(supervisor, reports), ToJson(supervisor, reports));
  return absl::OkStatus();
}

absl::Status DownEphemeral(const Context& context, const std::string& where) {
  // One that was never finished has nothing that runs.
  if (FileExists(DeploymentPaths(where).Topology())) {
    ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
    RETURN_IF_ERROR(supervisor.Stop([&](const std::string& what) { context.Note(what); }));
  }
  RETURN_IF_ERROR(RemoveEphemeral(where));
  context.Print("Stopped, and " + where + " is removed.\n",
                {{"directory", where}, {"removed", true}});
  return absl::OkStatus();
}

absl::Status Down(const Context& context, pid_t after) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  if (after != 0) AwaitEndOf(after);
  if (IsEphemeral(where)) return DownEphemeral(context, where);
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  RETURN_IF_ERROR(supervisor.Stop([&](const std::string& what) { context.Note(what); }));
  context.Print("Stopped " + supervisor.topology().deployment() +
                    ". Everything is kept; `comity up " + supervisor.paths().directory() +
                    "` starts it again.\n",
                {{"deployment", supervisor.topology().deployment()},
                 {"directory", supervisor.paths().directory()}});
  return absl::OkStatus();
}

absl::Status Status(Context& context) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  const std::vector<ServiceReport> reports = supervisor.Report();
  context.Print(ToText(supervisor, reports), ToJson(supervisor, reports));
  if (!AllAnswer(reports)) {
    context.Note("\nNot everything answers. Start what is missing: comity up " +
                 supervisor.paths().directory());
    context.exit_code = kPromise;
  }
  return absl::OkStatus();
}

void PrintTime(const Context& context, const Supervisor& supervisor) {
  const std::string now = FormatTime(supervisor.Now());
  context.Print(now + "\n", {{"time", now}});
}

absl::Status ShowClock(const Context& context) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  PrintTime(context, supervisor);
  return absl::OkStatus();
}

// "7d", "12h", "30m", "45s" -> milliseconds; "2018-02-28" -> until then.
absl::StatusOr<int64_t> ParseAdvance(const std::string& text, UnixMillis now) {
  if (const absl::StatusOr<UnixMillis> date = ParseTime(text); date.ok()) {
    if (*date < now) {
      return Refuse(Reason::kFieldInvalid,
                    "it is " + FormatTime(now) + " already, and a clock goes only forward");
    }
    return *date - now;
  }
  const std::string units = "smhd";
  constexpr int64_t kUnitMs[] = {kSecondMs, kMinuteMs, kHourMs, kDayMs};
  const size_t unit = text.empty() ? std::string::npos : units.find(text.back());
  const std::string digits = text.substr(0, text.empty() ? 0 : text.size() - 1);
  constexpr size_t kMostDigits = 6;
  if (unit == std::string::npos || digits.empty() || digits.size() > kMostDigits ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    return Refuse(Reason::kFieldInvalid,
                  "\"" + text + "\": say how far (45s, 30m, 12h, 7d) or until when (2018-02-28)");
  }
  return std::stoll(digits) * kUnitMs[unit];
}

absl::Status AdvanceClock(const Context& context, const std::string& how_far) {
  ASSIGN_OR_RETURN(const std::string where, context.DeploymentFolder());
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(where));
  ASSIGN_OR_RETURN(const int64_t delta, ParseAdvance(how_far, supervisor.Now()));
  RETURN_IF_ERROR(supervisor.AdvanceClock(delta));
  PrintTime(context, supervisor);
  return absl::OkStatus();
}

void AddClock(CLI::App& app, Context& context) {
  CLI::App* test = app.add_subcommand("test", "Only for deployments marked development");
  test->require_subcommand(1);
  test->footer("Example: comity test clock advance 7d");
  CLI::App* clock = test->add_subcommand("clock", "The test clock of the deployment");
  clock->require_subcommand(1);
  clock->footer("Example: comity test clock advance 2018-02-28");
  clock->add_subcommand("show", "What time it is in the deployment")
      ->footer("Example: comity test clock show")
      ->callback([&context] { context.command = [&context] { return ShowClock(context); }; });
  CLI::App* advance = clock->add_subcommand(
      "advance", "Move it forward and wait until every service shows it; it never goes back");
  auto how_far = std::make_shared<std::string>();
  advance->add_option("how-far", *how_far, "45s, 30m, 12h, 7d, or a date such as 2018-02-28")
      ->required();
  advance->footer(
      "Examples:\n"
      "  comity test clock advance 7d\n"
      "  comity test clock advance 2018-02-28       until that day\n"
      "What falls due on the way (announcements, notice periods, destructions) is done.");
  advance->callback([&context, how_far] {
    context.command = [&context, how_far] { return AdvanceClock(context, *how_far); };
  });
}

}  // namespace

void AddDeploymentCommands(CLI::App& app, Context& context) {
  CLI::App* up = app.add_subcommand(
      "up", "Make a deployment on this machine, or complete it, and start what does not run");
  auto options = std::make_shared<UpOptions>();
  up->add_option(
        "what", options->what,
        "A topology template, by name or path, or the folder of a deployment; default: the "
        "deployment that was last up, else icloud-cn-2018")
      ->type_name("TEMPLATE");
  up->add_option("--dir", options->directory,
                 "Folder of the deployment; default: under the user's comity folder")
      ->type_name("DIR");
  up->add_flag("--env", options->env,
               "Print shell exports instead, for eval: where it is, its services and its bundle");
  CLI::Option* ephemeral = up->add_flag(
      "--ephemeral", options->ephemeral,
      "A new deployment in a temporary folder, removed by `down`, or when the shell or program "
      "that runs this ends");
  up->add_option("--owner", options->owner, "With --ephemeral: when this process ends, instead")
      ->needs(ephemeral)
      ->type_name("PID");
  up->get_option("--dir")->excludes(ephemeral);
  up->add_flag("--sealed", options->sealed,
               "Leave custodies sealed whose root key is split among persons; without it their "
               "shares, which lie on this machine, are entered");
  CLI::Option* const module =
      up->add_option("--pkcs11-module", options->pkcs11_module,
                     "PKCS#11 module of the tokens that guard root keys, for every custody with a "
                     "pkcs11_seal in the topology; kept for later starts")
          ->type_name("FILE");
  module->needs(up->add_option("--pkcs11-pin-file", options->pkcs11_pin_file,
                               "File with the PIN of their user, of mode 0600")
                    ->needs(module)
                    ->type_name("FILE"));
  up->add_option("--backup", options->backup,
                 "Have each custody keep an encrypted backup, never behind, in a folder of its "
                 "region in this one, from its next start on; kept for later starts")
      ->type_name("DIR");
  up->footer(
      "Example: comity up icloud-cn-2018 --dir world\n"
      "Makes keys, certificates and a signed topology (a second `up` repeats none of it), starts\n"
      "storage, custody and review of each region on loopback, and waits until all answer.\n"
      "Later commands speak to this deployment unless told otherwise.");
  up->callback([&context, options] {
    context.command = [&context, options] { return Up(context, *options); };
  });
  CLI::App* down = app.add_subcommand("down", "Stop the deployment's services; nothing is lost");
  auto after = std::make_shared<pid_t>(0);
  down->add_option("--after", *after, "Wait until this process has ended")->type_name("PID");
  down->footer(
      "Example: comity down\n"
      "Running calls are finished first. `comity up` starts everything again, unless it was made\n"
      "with --ephemeral: then it is removed.");
  down->callback(
      [&context, after] { context.command = [&context, after] { return Down(context, *after); }; });
  CLI::App* status = app.add_subcommand("status", "What runs, who operates it, how it is sealed");
  status->footer(
      "Examples:\n"
      "  comity status\n"
      "  comity --json status | jq -r '.services[].address'\n"
      "Exits with 3 when a service does not answer; `comity up` starts it, and its own log.txt in\n"
      "the deployment's folder says why it stopped.");
  status->callback([&context] { context.command = [&context] { return Status(context); }; });
  AddClock(app, context);
  AddBundleCommands(app, context);
  AddLogsCommand(app, context);
}

}  // namespace comity::cli
