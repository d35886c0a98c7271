#include "services/common/status/retry_after.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/string_view.h"

namespace comity {
namespace {

constexpr absl::string_view kRetryPayload = "comity.retry_after_ms";

}  // namespace

absl::Status RefuseFor(Reason reason, std::chrono::milliseconds retry_after,
                       std::string_view cause) {
  const std::chrono::milliseconds told =
      std::clamp(retry_after, std::chrono::milliseconds(1), kMaxRetryAfter);
  absl::Status status = Refuse(reason, cause);
  status.SetPayload(kRetryPayload, absl::Cord(std::to_string(told.count())));
  return status;
}

std::chrono::milliseconds RetryAfterOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kRetryPayload);
  int64_t told = 0;
  if (payload.has_value()) {
    const std::string digits(*payload);
    std::from_chars(digits.data(), digits.data() + digits.size(), told);
  }
  return std::chrono::milliseconds(told);
}

}  // namespace comity
