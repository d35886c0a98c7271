#ifndef COMITY_CLIENT_CLI_GRANT_COMMANDS_H_
#define COMITY_CLIENT_CLI_GRANT_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// `comity key grant`, `grants`, `revoke-grant`, `ticket`, `open`: who else may use a key.
void AddGrantCommands(CLI::App& key, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_GRANT_COMMANDS_H_
