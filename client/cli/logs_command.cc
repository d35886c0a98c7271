#include "client/cli/logs_command.h"

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include "client/cli/when.h"
#include "client/deployment/log_reader.h"
#include "client/deployment/paths.h"
#include "services/common/clock/clock.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/topology.h"

namespace comity::cli {
namespace {

using nlohmann::ordered_json;

constexpr auto kLookInterval = std::chrono::milliseconds(200);
constexpr size_t kDefaultLines = 50;
constexpr char kReset[] = "\033[0m";
constexpr char kDim[] = "\033[2m";
constexpr char kYellow[] = "\033[33m";
constexpr char kRed[] = "\033[31m";

struct LogsOptions {
  std::vector<std::string> services;
  std::string since;
  std::string level = "debug";
  size_t lines = kDefaultLines;
  bool follow = false;
};

// "custody", "cn" or "cn/custody" names a source; nothing names all.
bool IsNamed(const LogReader::Source& source, const std::vector<std::string>& names) {
  if (names.empty()) return true;
  for (const std::string& name : names) {
    if (name == source.region || name == source.service ||
        name == source.region + "/" + source.service) {
      return true;
    }
  }
  return false;
}

absl::StatusOr<std::vector<LogReader::Source>> SourcesOf(const std::string& folder,
                                                         const LogsOptions& options) {
  const DeploymentPaths paths(folder);
  ASSIGN_OR_RETURN(const Topology topology, Topology::Load(paths.Topology()));
  std::vector<LogReader::Source> all;
  for (const auto& [id, region] : topology.regions()) {
    for (const ServiceKind kind :
         {ServiceKind::kCustody, ServiceKind::kStorage, ServiceKind::kReview}) {
      all.push_back(
          {id.name(), std::string(Name(kind)), paths.Service(id.name(), kind) + "/log.txt"});
    }
  }
  for (const std::string& name : options.services) {
    bool known = false;
    for (const LogReader::Source& source : all) known = known || IsNamed(source, {name});
    if (!known) {
      return Refuse(Reason::kFieldInvalid, "there is no \"" + name +
                                               "\"; name a region, a service (custody, storage, "
                                               "review) or both (cn/custody)");
    }
  }
  std::erase_if(all, [&](const auto& source) { return !IsNamed(source, options.services); });
  return all;
}

// "10m" ago, or a time -> as lines have it. Lines are of real time, whatever the test clock says.
absl::StatusOr<std::string> SinceText(const std::string& since) {
  if (since.empty()) return std::string();
  ASSIGN_OR_RETURN(const UnixMillis time, ParseWhen("--since", since, SystemClock().Now()));
  return FormatTime(time);
}

bool UseColours() {
  const char* no_colour = std::getenv("NO_COLOR");
  return isatty(STDOUT_FILENO) != 0 && (no_colour == nullptr || *no_colour == '\0');
}

std::string ToText(const LogLine& line, bool colours) {
  constexpr size_t kSourceWidth = 12;
  std::string source = line.region + "/" + line.service;
  source.resize(std::max(source.size(), kSourceWidth), ' ');
  if (!colours) return source + "  " + line.text;
  const char* colour = line.level == "error" || line.level.empty() ? kRed
                       : line.level == "warn"                      ? kYellow
                                                                   : "";
  return kDim + source + kReset + "  " + colour + line.text + (*colour != '\0' ? kReset : "");
}

ordered_json ToJson(const LogLine& line) {
  ordered_json out = {{"region", line.region},
                      {"service", line.service},
                      {"time", line.time},
                      {"level", line.level},
                      {"event", line.event}};
  out["fields"] = ordered_json::object();
  for (const auto& [key, value] : line.fields) out["fields"][key] = value;
  return out;
}

absl::Status Logs(const Context& context, const LogsOptions& options) {
  ASSIGN_OR_RETURN(const std::string folder, context.DeploymentFolder());
  ASSIGN_OR_RETURN(std::vector<LogReader::Source> sources, SourcesOf(folder, options));
  ASSIGN_OR_RETURN(const std::string since, SinceText(options.since));
  LogReader reader(std::move(sources));
  const bool colours = !context.json && UseColours();
  const auto wanted = [&](const LogLine& line) {
    return line.time >= since && IsAtLeast(line, options.level);
  };
  const auto print = [&](const LogLine& line) {
    std::cout << (context.json ? OneLine(ToJson(line)) : ToText(line, colours)) << '\n';
  };
  std::vector<LogLine> lines = reader.Poll();
  std::erase_if(lines, [&](const LogLine& line) { return !wanted(line); });
  // With --since all of that time; else the newest.
  const size_t first =
      since.empty() && lines.size() > options.lines ? lines.size() - options.lines : 0;
  for (size_t i = first; i < lines.size(); ++i) print(lines[i]);
  std::cout << std::flush;
  while (options.follow && std::cout) {
    std::this_thread::sleep_for(kLookInterval);
    for (const LogLine& line : reader.Poll()) {
      if (wanted(line)) print(line);
    }
    std::cout << std::flush;
  }
  return absl::OkStatus();
}

}  // namespace

void AddLogsCommand(CLI::App& app, Context& context) {
  CLI::App* logs = app.add_subcommand(
      "logs", "What the deployment's services wrote, in order of time (not the public logs)");
  auto options = std::make_shared<LogsOptions>();
  logs->add_option(
          "service", options->services,
          "Which: a region, a service, or both (cn/custody); may be repeated; default: all")
      ->type_name("SERVICE");
  logs->add_flag("-f,--follow", options->follow, "Go on as they write; end it with Ctrl-C");
  logs->add_option("--since", options->since,
                   "All of that time: how long ago (45s, 30m, 12h, 7d), or a time; real time")
      ->type_name("WHEN");
  logs->add_option("-n,--lines", options->lines, "Without --since: how many of the newest")
      ->type_name("N")
      ->capture_default_str();
  logs->add_option("--level", options->level, "Nothing below it: debug, info, warn, error")
      ->check(CLI::IsMember({"debug", "info", "warn", "error"}))
      ->type_name("LEVEL")
      ->capture_default_str();
  logs->footer(
      "Examples:\n"
      "  comity logs --level warn                   what somebody should look at\n"
      "  comity logs cn/custody -f\n"
      "  comity --json logs --since 10m | jq 'select(.event == \"call\") | .fields.reason'\n"
      "Lines say who called what and how it ended; never an account, an object or a message.\n"
      "`comity log verify` is about the public, tamper-evident logs.");
  logs->callback([&context, options] {
    context.command = [&context, options] { return Logs(context, *options); };
  });
}

}  // namespace comity::cli
