#ifndef COMITY_REVIEW_EVENT_LOG_H_
#define COMITY_REVIEW_EVENT_LOG_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/log/transparency_log.h"

namespace comity::review {

struct LoggedLeaf {
  uint64_t index = 0;
  std::string receipt;  // C2SP tlog-proof@v1 text
};

// The log as the domain needs it. Durable when it returns. LOG_UNAVAILABLE: then what the leaves
// tell of must not happen. Thread-safe.
class EventLog {
 public:
  virtual ~EventLog() = default;
  // All leaves in one batch, in order; one answer for each.
  virtual absl::StatusOr<std::vector<LoggedLeaf>> Append(
      const std::vector<std::string>& leaves) = 0;
};

// `log` outlives it.
class TransparencyEventLog final : public EventLog {
 public:
  explicit TransparencyEventLog(TransparencyLog* log) : log_(log) {}
  absl::StatusOr<std::vector<LoggedLeaf>> Append(const std::vector<std::string>& leaves) override;

 private:
  TransparencyLog* const log_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_EVENT_LOG_H_
