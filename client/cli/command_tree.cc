#include "client/cli/command_tree.h"

#include <memory>
#include <string>

#include "client/cli/account_commands.h"
#include "client/cli/check_commands.h"
#include "client/cli/custody_commands.h"
#include "client/cli/deployment_commands.h"
#include "client/cli/fault_commands.h"
#include "client/cli/key_commands.h"
#include "client/cli/legal_commands.h"
#include "client/cli/manual_commands.h"
#include "client/cli/migrate_commands.h"
#include "client/cli/object_commands.h"
#include "client/cli/report_commands.h"
#include "client/cli/scenario_commands.h"
#include "client/manual/help_formatter.h"

namespace comity::cli {
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
    "Options stand before or after the command. Each command explains itself: `comity put "
    "--help`,\n"
    "or, with more, `comity man put`.\n\n"
    "Exit codes: 0 done; 1 refused or failed (stderr says why and what to do next);\n"
    "2 wrong command line; 3 ran, and something that it checks does not hold.";

}  // namespace

void DeclareCommands(CLI::App& app, Context& context) {
  app.name("comity");
  app.description(kAbout);
  app.formatter(std::make_shared<manual::HelpFormatter>());
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();  // global options may stand after the command
  app.set_version_flag("--version", std::string(COMITY_VERSION), "Print the version and exit");

  app.add_flag("--json", context.json, "One JSON value on standard output, for programs");
  app.add_option("--deployment", context.deployment,
                 "Folder of the deployment; default: $COMITY_DEPLOYMENT, else the newest `up`")
      ->type_name("DIR");
  app.add_option("--profile", context.profile, "Which of your device profiles acts")
      ->type_name("PROFILE")
      ->capture_default_str();
  app.add_option("--as", context.as,
                 "Which person acts, as <region>/<name> (legal, migrate, custody)")
      ->type_name("PERSON");

  AddDeploymentCommands(app, context);
  AddFaultCommands(app, context);
  AddCheckCommands(app, context);
  AddAccountCommands(app, context);
  AddObjectCommands(app, context);
  AddKeyCommands(app, context);
  AddMigrateCommands(app, context);
  AddCustodyCommands(app, context);
  AddLegalCommands(app, context);
  AddReportCommands(app, context);
  AddScenarioCommands(app, context);
  AddManualCommands(app, context);
}

}  // namespace comity::cli
