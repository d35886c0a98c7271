#ifndef COMITY_CLIENT_CLI_COMMAND_TREE_H_
#define COMITY_CLIENT_CLI_COMMAND_TREE_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// Declares the whole `comity` command on `app`: global options and every command. What a command
// line chooses is put into `context`, which outlives `app`.
void DeclareCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_COMMAND_TREE_H_
