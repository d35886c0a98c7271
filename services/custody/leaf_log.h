#ifndef COMITY_CUSTODY_LEAF_LOG_H_
#define COMITY_CUSTODY_LEAF_LOG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/log/transparency_log.h"

namespace comity::custody {

// The log as the domain needs it. Durable when it returns. LOG_UNAVAILABLE: then the act that the
// leaves tell of must not happen. Thread-safe.
class LeafLog {
 public:
  virtual ~LeafLog() = default;
  virtual absl::StatusOr<std::vector<LogReceipt>> Append(
      const std::vector<std::string>& leaves) = 0;
};

// `log` outlives it.
class TransparencyLeafLog final : public LeafLog {
 public:
  explicit TransparencyLeafLog(TransparencyLog* log) : log_(log) {}
  absl::StatusOr<std::vector<LogReceipt>> Append(const std::vector<std::string>& leaves) override {
    return log_->AppendAll(leaves);
  }

 private:
  TransparencyLog* const log_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_LEAF_LOG_H_
