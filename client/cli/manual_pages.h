#ifndef COMITY_CLIENT_CLI_MANUAL_PAGES_H_
#define COMITY_CLIENT_CLI_MANUAL_PAGES_H_

#include <string>
#include <vector>

#include "client/manual/command_page.h"
#include "client/manual/man_page.h"

namespace comity::cli {

// The manual: comity(1), a page for each command or group of commands ("comity-account"), and one
// for each service ("comity-custody", section 8). `root` is the described `comity` command.
std::vector<manual::ManPage> ManPages(const manual::CommandPage& root);

// By what name `comity man` knows each of them: "account" and "comity-account".
std::vector<std::string> ManPageNames(const manual::CommandPage& root);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_MANUAL_PAGES_H_
