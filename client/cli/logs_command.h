#ifndef COMITY_CLIENT_CLI_LOGS_COMMAND_H_
#define COMITY_CLIENT_CLI_LOGS_COMMAND_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// comity logs
void AddLogsCommand(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_LOGS_COMMAND_H_
