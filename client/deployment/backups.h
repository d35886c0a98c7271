#ifndef COMITY_CLIENT_DEPLOYMENT_BACKUPS_H_
#define COMITY_CLIENT_DEPLOYMENT_BACKUPS_H_

#include <string>

#include "absl/status/status.h"

#include "client/deployment/paths.h"
#include "services/common/ids/ids.h"

// Where the custodies of a deployment on this machine keep their backups: in a folder for each
// region in one that the operator named.
namespace comity {

// From the next start on, in the place of what was kept before.
absl::Status KeepBackups(const DeploymentPaths& paths, const std::string& folder);

// Of that custody; empty when none are kept.
std::string BackupFolder(const DeploymentPaths& paths, const RegionId& region);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_BACKUPS_H_
