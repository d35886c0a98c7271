#ifndef COMITY_STORAGE_TRANSPARENCY_EVENT_LOG_H_
#define COMITY_STORAGE_TRANSPARENCY_EVENT_LOG_H_

#include "services/common/log/transparency_log.h"
#include "services/common/status/macros.h"
#include "services/storage/event_log.h"

namespace comity::storage {

// The service's own log. `log` outlives it.
class TransparencyEventLog final : public EventLog {
 public:
  explicit TransparencyEventLog(TransparencyLog* log) : log_(log) {}

  absl::StatusOr<LoggedLeaf> Append(const std::string& leaf) override {
    ASSIGN_OR_RETURN(const LogReceipt receipt, log_->Append(leaf));
    return LoggedLeaf{leaf, FormatReceipt(receipt), receipt.index};
  }

 private:
  TransparencyLog* const log_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_TRANSPARENCY_EVENT_LOG_H_
