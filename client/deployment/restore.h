#ifndef COMITY_CLIENT_DEPLOYMENT_RESTORE_H_
#define COMITY_CLIENT_DEPLOYMENT_RESTORE_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "client/deployment/supervisor.h"
#include "services/common/ids/ids.h"

namespace comity {

// What is to be restored of which backup, and what opens it. What is left empty is found in the
// deployment's folder.
struct RestoreOptions {
  RegionId region;
  bool test = false;                // into a folder of its own, which is checked and removed
  std::string backup;               // folder of the region's backup
  std::vector<std::string> shares;  // files; else those of the holders on this machine
  std::string root_key;             // file, for a custody with a key file
  // Of the token, where one guards the root key.
  std::string pkcs11_module;
  std::string pkcs11_pin_file;
  std::vector<std::string> checkpoints;  // files
};

// Runs the custody's own program (--restore), which must not be running, and hands on what it says,
// line by line. Whether everything is right: a test may find that it is not. STATE_NOT_READY when
// it runs, and with what the program said when it refused.
absl::StatusOr<bool> RestoreCustody(const Supervisor& supervisor, const RestoreOptions& options,
                                    const std::function<void(const std::string&)>& line);

}  // namespace comity

#endif  // COMITY_CLIENT_DEPLOYMENT_RESTORE_H_
