#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/cli/command_tree.h"
#include "client/cli/completion_values.h"
#include "client/cli/context.h"
#include "client/manual/shell_scripts.h"
#include "services/common/status/end_process.h"

namespace {

int RunProgram(int argc, char** argv) {
  // What goes wrong with a connection is told by the command that needed it, in its own words.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  comity::cli::Context context;
  CLI::App app;
  comity::cli::DeclareCommands(app, context);

  const std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == comity::manual::kCompletionRequest) {
    std::cout << comity::cli::AnswerCompletion(app, {words.begin() + 1, words.end()});
    return comity::cli::kOk;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? comity::cli::kOk : comity::cli::kUsage;
  }
  return comity::cli::Run(context);
}

}  // namespace

int main(int argc, char** argv) { comity::EndProcess(RunProgram(argc, argv)); }
