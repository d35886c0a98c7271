#ifndef COMITY_CLIENT_DEPLOYMENT_TOKEN_ACCESS_H_
#define COMITY_CLIENT_DEPLOYMENT_TOKEN_ACCESS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "client/deployment/paths.h"
#include "services/common/ids/ids.h"
#include "services/common/topology/topology.h"

// How the custodies of a deployment on this machine reach the tokens that guard their root keys. It
// is this machine's, and in no topology.
namespace comity {

// Keeps it for every custody whose root key a token guards, in the place of what was kept before.
// FIELD_INVALID when there is no such custody.
absl::Status KeepTokenAccess(const DeploymentPaths& paths, const Topology& topology,
                             const std::string& module, const std::string& pin_file);

// The flags of that custody; none when nothing was kept.
std::vector<std::string> TokenFlags(const DeploymentPaths& paths, const RegionId& region);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_TOKEN_ACCESS_H_
