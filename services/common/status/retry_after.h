#ifndef COMITY_COMMON_STATUS_RETRY_AFTER_H_
#define COMITY_COMMON_STATUS_RETRY_AFTER_H_

#include <chrono>
#include <string_view>

#include "absl/status/status.h"

#include "services/common/status/reason.h"

namespace comity {

// Nobody is told to wait for longer.
inline constexpr std::chrono::milliseconds kMaxRetryAfter = std::chrono::hours(24);

// Refuse(), by whoever knows when the same call need not be refused for this any more: after 1 ms
// to kMaxRetryAfter.
absl::Status RefuseFor(Reason reason, std::chrono::milliseconds retry_after,
                       std::string_view cause = {});

// What RefuseFor() was given; 0 if the status says nothing of it.
std::chrono::milliseconds RetryAfterOf(const absl::Status& status);

}  // namespace comity

#endif  // COMITY_COMMON_STATUS_RETRY_AFTER_H_
