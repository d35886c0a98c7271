#ifndef COMITY_CLIENT_CLI_LEGAL_COMMANDS_H_
#define COMITY_CLIENT_CLI_LEGAL_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// comity legal submit|list|show|decide|approve|execute|open|answer|withdraw
void AddLegalCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_LEGAL_COMMANDS_H_
