#ifndef COMITY_COMMON_SERVER_RESTORE_RUN_H_
#define COMITY_COMMON_SERVER_RESTORE_RUN_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/server/service_environment.h"
#include "services/common/server/store_check_run.h"

namespace comity {

// What --restore is to make.
struct RestoreOrder {
  StoreCheckTarget target;  // its directory is not there, empty, or what a restore left unfinished
  std::string backup;       // folder
  bool test = false;        // look at what came of it, then remove it
  std::vector<std::string> shares;  // files
  std::string root_key;             // file; empty: none
  TokenAccess token;
  std::vector<std::string> checkpoints;  // files: what the restored log has to go on from
};

// Makes a service's folder of its backup, tells on standard output what it does, and with `test`
// checks the result and removes it. Returns how many violations the check found; 0 without one.
// Refusals leave nothing behind that a service would start on: STATE_NOT_READY when the directory
// is in use, what the backup, its opening and the checkpoints refuse, and STORE_UNAVAILABLE.
absl::StatusOr<uint64_t> RunRestore(const RestoreOrder& order, const ServiceDefinition& definition);

// STATE_NOT_READY when `directory` is what a restore has left unfinished.
absl::Status CheckNotUnfinished(const std::string& directory);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_RESTORE_RUN_H_
