#include <cstdlib>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "client/cli/account_commands.h"
#include "client/cli/context.h"
#include "client/cli/deployment_commands.h"
#include "client/cli/key_commands.h"
#include "client/cli/legal_commands.h"
#include "client/cli/migrate_commands.h"
#include "client/cli/object_commands.h"
#include "client/cli/report_commands.h"
#include "client/cli/scenario_commands.h"

namespace {

constexpr char kAbout[] =
    "comity: a key service for data that lives under more than one law\n\n"
    "Files are encrypted here; storage keeps ciphertext, custody keeps keys, review answers legal\n"
    "requests, each region has its own three, and nothing crosses a border without your signature.";

constexpr char kFooter[] =
    "First steps:\n"
    "  comity up                                start the deployment icloud-cn-2018 on this "
    "machine\n"
    "  comity account create --territory CN     make a device key and an account\n"
    "  comity put letter.pdf                    encrypt and store\n"
    "  comity key where                         who holds the key, and who can compel it\n"
    "  comity down                              stop it\n\n"
    "Exit codes: 0 done; 1 refused or failed (stderr says why and what to do next);\n"
    "2 wrong command line; 3 ran, and something that it checks does not hold.";

}  // namespace

int main(int argc, char** argv) {
  // What goes wrong with a connection is told by the command that needed it, in its own words.
  setenv("GRPC_VERBOSITY", "NONE", /*overwrite=*/0);
  CLI::App app{kAbout, "comity"};
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand after the command
  app.set_version_flag("--version", std::string(COMITY_VERSION));

  comity::cli::Context context;
  app.add_flag("--json", context.json, "One JSON value on standard output");
  app.add_option("--deployment", context.deployment,
                 "Folder of the deployment; default: $COMITY_DEPLOYMENT, else the newest `up`");
  app.add_option("--profile", context.profile, "Which of your device profiles acts")
      ->capture_default_str();
  app.add_option("--as", context.as, "Which person acts, as <region>/<name> (legal, migrate)");

  comity::cli::AddDeploymentCommands(app, context);
  comity::cli::AddAccountCommands(app, context);
  comity::cli::AddObjectCommands(app, context);
  comity::cli::AddKeyCommands(app, context);
  comity::cli::AddMigrateCommands(app, context);
  comity::cli::AddLegalCommands(app, context);
  comity::cli::AddReportCommands(app, context);
  comity::cli::AddScenarioCommands(app, context);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? comity::cli::kOk : comity::cli::kUsage;
  }
  return comity::cli::Run(context);
}
