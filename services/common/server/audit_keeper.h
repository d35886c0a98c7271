#ifndef COMITY_COMMON_SERVER_AUDIT_KEEPER_H_
#define COMITY_COMMON_SERVER_AUDIT_KEEPER_H_

#include <cstdint>
#include <utility>

#include "absl/status/status.h"

#include "services/common/audit/audit_log.h"
#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/log/transparency_log.h"

namespace comity {

// How an audit log is held to what it once said: once an hour the hash of its newest block becomes
// a public leaf, so that nobody, its keeper included, can shorten it or write it anew before that
// place. The leaf tells nothing else. For one thread; what it is given outlives it.
class AuditKeeper final {
 public:
  static constexpr int64_t kAnchorEveryMs = kHourMs;

  AuditKeeper(AuditLog* audit, TransparencyLog* log, const Clock* clock, RegionId region,
              int64_t keep_ms)
      : audit_(audit),
        log_(log),
        clock_(clock),
        region_(std::move(region)),
        keep_ms_(keep_ms),
        next_(clock->Now() + kAnchorEveryMs) {}

  // Once an hour: the leaf, also when there is nothing new, which nobody is to learn; then removes
  // what was kept long enough. LOG_UNAVAILABLE, STORE_UNAVAILABLE: tried again a minute later.
  absl::Status Tick();

 private:
  absl::Status Anchor();

  AuditLog* const audit_;
  TransparencyLog* const log_;
  const Clock* const clock_;
  const RegionId region_;
  const int64_t keep_ms_;
  UnixMillis next_;
};

}  // namespace comity

#endif  // COMITY_COMMON_SERVER_AUDIT_KEEPER_H_
