#ifndef COMITY_CLIENT_CLI_RESTORE_COMMAND_H_
#define COMITY_CLIENT_CLI_RESTORE_COMMAND_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// comity custody restore
void AddRestoreCommand(CLI::App& custody, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_RESTORE_COMMAND_H_
