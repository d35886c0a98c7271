#ifndef COMITY_CLIENT_CLI_BUNDLE_COMMANDS_H_
#define COMITY_CLIENT_CLI_BUNDLE_COMMANDS_H_

#include <CLI/CLI.hpp>

#include "client/cli/context.h"

namespace comity::cli {

// comity bundle
void AddBundleCommands(CLI::App& app, Context& context);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_BUNDLE_COMMANDS_H_
