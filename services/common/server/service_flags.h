#ifndef COMITY_COMMON_SERVER_SERVICE_FLAGS_H_
#define COMITY_COMMON_SERVER_SERVICE_FLAGS_H_

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "services/common/limits/rate_limits.h"
#include "services/common/server/service_log.h"
#include "services/common/statement/operator.h"

namespace CLI {
class App;
}

namespace comity {

// The command line of a service.
struct ServiceFlags {
  std::string topology;
  std::string region;
  std::string directory;
  std::string test_clock;  // empty = real time
  std::string faults;      // empty = none
  bool check_config = false;
  bool check_store = false;
  std::string backup;         // custody only, as all of these: folder; empty: none is kept
  std::string restore;        // folder of a backup to make `directory` of, and exit
  bool restore_test = false;  // with `restore`: look at what came of it, and remove that again
  std::vector<std::string> shares;       // files with shares that open the backup
  std::string root_key;                  // file that opens it, in development
  std::vector<std::string> checkpoints;  // files: the restored log has to go on from these
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;
  uint32_t drain_seconds = 10;
  uint32_t metrics_port = 0;  // 0 = metrics are not served
  uint32_t audit_days = 90;   // custody only
  std::string pkcs11_module;  // custody only, both or neither; see TokenAccess
  std::string pkcs11_pin_file;
  Rates rates = DefaultRates();
};

// The flags, or the exit code of a command line that was answered at once (--help, --version: 0;
// wrong flags: 2), with its answer printed.
std::variant<ServiceFlags, int> ParseServiceFlags(int argc, const char* const* argv,
                                                  ServiceKind kind);

// Declares the flags of that service on `app`, to be read into `flags`: what ParseServiceFlags()
// reads and what the manual page shows.
void DeclareServiceFlags(CLI::App& app, ServiceFlags& flags, ServiceKind kind);

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_SERVICE_FLAGS_H_
