#ifndef COMITY_CLIENT_CLI_CHECK_COMMANDS_H_
#define COMITY_CLIENT_CLI_CHECK_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// check.
void AddCheckCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_CHECK_COMMANDS_H_
