#ifndef COMITY_CLIENT_CLI_ACCOUNT_COMMANDS_H_
#define COMITY_CLIENT_CLI_ACCOUNT_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// comity account create|show|list|notices|accept-terms|withdraw-consent|opt-out|close|cancel-close|
// set-territory|confirm-move
void AddAccountCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_ACCOUNT_COMMANDS_H_
