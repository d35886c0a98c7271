#include "services/review/event_log.h"

#include "services/common/status/macros.h"

namespace comity::review {

absl::StatusOr<std::vector<LoggedLeaf>> TransparencyEventLog::Append(
    const std::vector<std::string>& leaves) {
  ASSIGN_OR_RETURN(const std::vector<LogReceipt> receipts, log_->AppendAll(leaves));
  std::vector<LoggedLeaf> logged;
  logged.reserve(receipts.size());
  for (const LogReceipt& receipt : receipts)
    logged.push_back({receipt.index, FormatReceipt(receipt)});
  return logged;
}

}  // namespace comity::review
