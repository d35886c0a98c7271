#ifndef COMITY_CLIENT_CLI_SHELL_EXPORTS_H_
#define COMITY_CLIENT_CLI_SHELL_EXPORTS_H_

#include <map>
#include <string>

#include "services/common/topology/topology.h"

namespace comity::cli {

// What other programs need to speak to a deployment: COMITY_DEPLOYMENT, COMITY_BUNDLE, for each
// service COMITY_<REGION>_<SERVICE> = host:port, and COMITY_HOME if `home` is not empty.
std::map<std::string, std::string> DeploymentVariables(const Topology& topology,
                                                       const std::string& directory,
                                                       const std::string& home);

// One line "export NAME='value'" each, for `eval` in any POSIX shell, whatever the values hold.
std::string ShellExports(const std::map<std::string, std::string>& variables);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_SHELL_EXPORTS_H_
