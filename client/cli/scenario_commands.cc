#include "client/cli/scenario_commands.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/deployment/supervisor.h"
#include "client/deployment/templates.h"
#include "client/scenario/runner.h"
#include "services/common/files/files.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::cli {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

struct RunOptions {
  std::string scenario;
  std::string files;
  std::string directory;
  bool keep = false;
};

// The deployment that a scenario runs in.
struct Stage {
  std::string directory;
  bool own = false;        // made for this run
  bool temporary = false;  // and nobody asked for its folder
};

absl::StatusOr<Stage> PrepareStage(const Context& context, const RunOptions& options) {
  Stage stage;
  if (!context.deployment.empty()) {
    if (!options.directory.empty()) {
      return Refuse(Reason::kFieldInvalid,
                    "--deployment runs it in one that is there, --dir in a new one: choose");
    }
    stage.directory = fs::absolute(context.deployment).lexically_normal().string();
    return stage;
  }
  stage.own = true;
  if (options.directory.empty()) {
    stage.temporary = true;
    std::string name = (fs::temp_directory_path() / "comity-scenario.XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) {
      return Refuse(Reason::kStoreUnavailable, "cannot make a folder " + name);
    }
    stage.directory = name;
    return stage;
  }
  stage.directory = fs::absolute(options.directory).lexically_normal().string();
  std::error_code error;
  if (fs::exists(stage.directory, error) && !fs::is_empty(stage.directory, error)) {
    return Refuse(Reason::kFieldInvalid, "the folder " + stage.directory +
                                             " is not empty: a scenario begins with a deployment "
                                             "of its own");
  }
  return stage;
}

// The project's own documents, when the user names no files.
absl::StatusOr<std::string> FilesFolder(const RunOptions& options, const std::string& scenario) {
  if (!options.files.empty()) return options.files;
  const fs::path tree = fs::absolute(scenario).parent_path().parent_path().parent_path();
  const std::string docs = (tree / "docs").string();
  if (std::error_code error; fs::is_directory(docs, error)) return docs;
  return Refuse(Reason::kFieldInvalid, "say with --files DIR which files to store");
}

// `text` with a hanging indent, broken between words at a width that fits most terminals.
std::string Wrapped(const std::string& text, size_t indent) {
  constexpr size_t kWidth = 98;
  std::string out;
  size_t column = indent;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (column > indent && column + 1 + end - begin > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    }
    if (column > indent) {
      out += ' ';
      ++column;
    }
    out.append(text, begin, end - begin);
    column += end - begin;
    begin = end + 1;
  }
  return out;
}

scenario::Listener ListenerFor(const Context& context) {
  scenario::Listener listener;
  listener.heading = [&context](const std::string& text) {
    context.EndProgress();
    if (!context.json) std::cout << "\n" << text << "\n" << std::flush;
  };
  listener.result = [&context](const scenario::CheckResult& result) {
    context.EndProgress();
    if (context.json) return;
    if (result.ok) {
      std::cout << "  ok  " << Wrapped(result.detail, 6) << "\n" << std::flush;
    } else {
      std::cout << "  FAILED  " << result.name << ": " << Wrapped(result.detail, 10) << "\n"
                << std::flush;
    }
  };
  return listener;
}

void ShowIndented(const Context& context, const std::string& text) {
  context.EndProgress();
  if (context.json) return;
  std::string indented = "\n      | ";
  for (const char c : text) {
    indented += c;
    if (c == '\n') indented += "      | ";
  }
  indented.resize(indented.find_last_not_of(" |\n") + 1);
  std::cout << indented << "\n\n" << std::flush;
}

absl::StatusOr<bool> RunIn(const Context& context, const scenario::Scenario& scenario,
                           const std::vector<scenario::SourceFile>& files, const Stage& stage,
                           std::vector<scenario::CheckResult>& results) {
  if (stage.own) {
    RETURN_IF_ERROR(
        MakeFromTemplate(scenario.topology, stage.directory,
                         [&](const std::string& step) { context.Progress("making " + step); }));
  }
  ASSIGN_OR_RETURN(Supervisor supervisor, Supervisor::Open(stage.directory));
  RETURN_IF_ERROR(
      supervisor.Start([&](const std::string& step) { context.Progress("starting: " + step); }));
  context.EndProgress();
  scenario::World world({.supervisor = &supervisor,
                         .home = stage.directory + "/home",
                         .files = files,
                         .show = [&](const std::string& text) { ShowIndented(context, text); },
                         .progress = [&](const std::string& text) { context.Progress(text); }});
  results = scenario::RunScenario(scenario, world, ListenerFor(context));
  context.EndProgress();
  bool ok = true;
  for (const scenario::CheckResult& result : results) ok = ok && result.ok;
  return ok;
}

// What is left behind, and what was said about it. A run that failed is kept, for its logs.
absl::Status Leave(const Context& context, const RunOptions& options, const Stage& stage, bool ok) {
  if (!stage.own || options.keep) {
    context.Note("\nThe deployment goes on running in " + stage.directory + ".");
    return absl::OkStatus();
  }
  if (absl::StatusOr<Supervisor> supervisor = Supervisor::Open(stage.directory); supervisor.ok()) {
    RETURN_IF_ERROR(supervisor->Stop());
  }
  if (stage.temporary && ok) {
    std::error_code error;
    fs::remove_all(stage.directory, error);
  } else {
    context.Note("\nThe deployment was stopped; it is kept in " + stage.directory +
                 ", each service with its log.txt.");
  }
  return absl::OkStatus();
}

absl::Status RunScenarioFile(Context& context, const RunOptions& options) {
  ASSIGN_OR_RETURN(const std::string file, FindShipped("scenarios", options.scenario, ""));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  absl::StatusOr<scenario::Scenario> parsed = scenario::ParseScenario(text);
  if (!parsed.ok()) {
    return Refuse(Reason::kFieldInvalid, file + ", " + CauseOf(parsed.status()));
  }
  ASSIGN_OR_RETURN(const std::string folder, FilesFolder(options, file));
  ASSIGN_OR_RETURN(const std::vector<scenario::SourceFile> files, scenario::ListFiles(folder));
  ASSIGN_OR_RETURN(const Stage stage, PrepareStage(context, options));
  if (!context.json) std::cout << parsed->title << "\n" << std::flush;
  std::vector<scenario::CheckResult> results;
  const absl::StatusOr<bool> ok = RunIn(context, *parsed, files, stage, results);
  RETURN_IF_ERROR(Leave(context, options, stage, ok.ok() && *ok));
  if (!ok.ok()) return ok.status();
  json value = {{"ok", *ok}, {"checks", json::array()}};
  for (const scenario::CheckResult& result : results) {
    value["checks"].push_back(
        {{"name", result.name}, {"ok", result.ok}, {"detail", result.detail}});
  }
  if (context.json) value["directory"] = stage.directory;
  context.Print(*ok ? "\nAll " + std::to_string(results.size()) + " checks hold.\n"
                    : "\nA check does not hold; what follows it was not tried.\n",
                value);
  if (!*ok) context.exit_code = kPromise;
  return absl::OkStatus();
}

}  // namespace

void AddScenarioCommands(CLI::App& app, Context& context) {
  CLI::App* scenario = app.add_subcommand("scenario", "Stories that prove what a deployment does");
  scenario->require_subcommand(1);
  scenario->footer("Example: comity scenario run icloud-cn-2018");
  CLI::App* run = scenario->add_subcommand(
      "run", "Carry one out through real services and check everything that it promises");
  auto options = std::make_shared<RunOptions>();
  run->add_option("file", options->scenario, "A scenario file, or the name of one that ships")
      ->required()
      ->type_name("SCENARIO");
  run->add_option("--files", options->files,
                  "Folder of the files that its people store; default: the project's documents")
      ->type_name("DIR");
  run->add_option("--dir", options->directory,
                  "Make its deployment in this new folder; default: a temporary one")
      ->type_name("DIR");
  run->add_flag("--keep", options->keep, "Leave the deployment running");
  run->footer(
      "Example: comity scenario run icloud-cn-2018 --files ~/Documents\n"
      "Without --deployment, a fresh deployment is made and stopped in the end. Exits with 3 when\n"
      "a check does not hold.");
  run->callback([&context, options] {
    context.command = [&context, options] { return RunScenarioFile(context, *options); };
  });
}

}  // namespace comity::cli
