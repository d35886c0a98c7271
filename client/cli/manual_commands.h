#ifndef COMITY_CLIENT_CLI_MANUAL_COMMANDS_H_
#define COMITY_CLIENT_CLI_MANUAL_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// `man` and `completion`: what the command says about itself. `app` is the root.
void AddManualCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_MANUAL_COMMANDS_H_
