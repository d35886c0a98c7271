#ifndef COMITY_CLIENT_MANUAL_HELP_FORMATTER_H_
#define COMITY_CLIENT_MANUAL_HELP_FORMATTER_H_

#include <string>

#include <CLI/CLI.hpp>

#include "client/manual/command_page.h"

namespace comity::manual {

// What `--help` prints: purpose, usage, arguments and options with their values in words, and the
// command's own footer. Lines are broken between words at 100 columns.
std::string RenderHelp(const CommandPage& page);

// Give it to the root before commands are added: they inherit it.
class HelpFormatter final : public CLI::FormatterBase {
 public:
  std::string make_help(const CLI::App* app, std::string name,
                        CLI::AppFormatMode mode) const override;
};

}  // namespace comity::manual

#endif  // COMITY_CLIENT_MANUAL_HELP_FORMATTER_H_
