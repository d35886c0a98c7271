#ifndef COMITY_CLIENT_CLI_CUSTODY_COMMANDS_H_
#define COMITY_CLIENT_CLI_CUSTODY_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// `comity custody ...`
void AddCustodyCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_CUSTODY_COMMANDS_H_
