#ifndef COMITY_CLIENT_CLI_FAULT_COMMANDS_H_
#define COMITY_CLIENT_CLI_FAULT_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// test border, test disk, test death: beside the clock under `test`, which must be there already.
void AddFaultCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_FAULT_COMMANDS_H_
