#ifndef COMITY_CLIENT_DEPLOYMENT_MAKER_H_
#define COMITY_CLIENT_DEPLOYMENT_MAKER_H_

#include <functional>
#include <string>

#include "absl/status/status.h"

namespace comity {

struct MakeOptions {
  std::string template_text;  // a topology without keys, certificates and addresses
  std::string directory;      // of the deployment; made when missing
  // Told each step, in words, when it is done; may be null.
  std::function<void(const std::string&)> progress;
};

// The birth of a development deployment on this machine, the steps of docs/deployment.md in order:
// region roots, operator keys, service identities, persons, ports, signed topology, endorsements,
// rosters, clock, client bundle. Each step finds its earlier result and repeats nothing, so that a
// call after a crash, or a second `up`, completes what is missing and never replaces a key.
// Afterwards each folder holds only what its holder may have. Refuses (RULES_FORBID) a topology not
// marked development: there every holder runs these steps in a place of its own.
absl::Status MakeDeployment(const MakeOptions& options);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_MAKER_H_
