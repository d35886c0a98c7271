#ifndef COMITY_CLIENT_DEPLOYMENT_EPHEMERAL_H_
#define COMITY_CLIENT_DEPLOYMENT_EPHEMERAL_H_

#include <string>

#include <sys/types.h>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Deployments that go when they are not needed any more: in a temporary folder, stopped and removed
// by `down`, or when the process that they were made for has ended.
namespace comity {

// A new private folder under $TMPDIR, else /tmp, marked as ephemeral.
absl::StatusOr<std::string> MakeEphemeralFolder();
bool IsEphemeral(const std::string& directory);

// Starts `program` (the comity command) so that it takes the deployment down once process `owner`
// has ended, whatever becomes of whoever calls. A second call changes nothing while the first one's
// process waits.
absl::Status GuardEphemeral(const std::string& directory, const std::string& program, pid_t owner);

// Ends the guard, unless it is this process, and removes the folder with all that is in it. Nothing
// may run in it any more. STATE_NOT_READY for a folder that is not marked.
absl::Status RemoveEphemeral(const std::string& directory);

// Returns when that process has ended, at once if there is none.
void AwaitEndOf(pid_t process);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_EPHEMERAL_H_
