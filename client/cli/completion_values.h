#ifndef COMITY_CLIENT_CLI_COMPLETION_VALUES_H_
#define COMITY_CLIENT_CLI_COMPLETION_VALUES_H_

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "client/manual/completion.h"

namespace comity::cli {

// The values that a deployment and this user's profiles give to the last word of a command line:
//   REGION, SERVICE, TERRITORY, TERMS  from the topology
//   PROFILE, ACCOUNT, TARGET           from the profiles on this machine
//   PERSON                             from the deployment's folder
//   TEMPLATE, SCENARIO, COMMAND        from what ships
//   OBJECT, CASE                       asked of the services, as the profile or person of the line
// Whatever cannot be found has no values; nothing is printed and nothing is changed.
std::vector<manual::Candidate> CompletionValues(const std::string& kind,
                                                const manual::GivenOptions& given);

// The whole answer to a shell. Ends the process without one when services take longer than a
// person waits for a completion.
std::string AnswerCompletion(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_COMPLETION_VALUES_H_
