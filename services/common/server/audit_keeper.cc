#include "services/common/server/audit_keeper.h"

#include "services/common/audit/audit_head.h"
#include "services/common/statement/leaf.h"
#include "services/common/status/macros.h"

namespace comity {

absl::Status AuditKeeper::Tick() {
  const UnixMillis now = clock_->Now();
  // Further away it is only for a clock that has been set back.
  if (now < next_ && next_ - now <= kAnchorEveryMs) return absl::OkStatus();
  next_ = now + kMinuteMs;
  RETURN_IF_ERROR(Anchor());
  RETURN_IF_ERROR(audit_->DropBefore(now - keep_ms_));
  next_ = now + kAnchorEveryMs;
  return absl::OkStatus();
}

absl::Status AuditKeeper::Anchor() {
  Leaf leaf;
  leaf.type = kAuditHeadLeaf;
  leaf.day = clock_->Now() - clock_->Now() % kDayMs;
  leaf.region = region_;
  leaf.clear = {{kAuditHeadField, audit_->end().hash.ToString()}};
  return log_->Append(EncodeLeaf(leaf)).status();
}

}  // namespace comity
