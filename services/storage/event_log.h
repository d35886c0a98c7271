#ifndef COMITY_STORAGE_EVENT_LOG_H_
#define COMITY_STORAGE_EVENT_LOG_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"

namespace comity::storage {

// A leaf that is durable in this service's log.
struct LoggedLeaf {
  std::string leaf;
  std::string receipt;  // C2SP tlog-proof@v1 text
  uint64_t index = 0;
};

// The log as storage needs it. Thread-safe; blocks until the leaf is durable. LOG_UNAVAILABLE: the
// act that the leaf would tell of must not happen.
class EventLog {
 public:
  virtual ~EventLog() = default;
  virtual absl::StatusOr<LoggedLeaf> Append(const std::string& leaf) = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_EVENT_LOG_H_
