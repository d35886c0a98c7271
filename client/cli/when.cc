#include "client/cli/when.h"

#include "services/common/status/reason.h"

namespace comity::cli {

absl::StatusOr<UnixMillis> ParseWhen(const std::string& option, const std::string& text,
                                     UnixMillis now) {
  if (const absl::StatusOr<UnixMillis> time = ParseTime(text); time.ok()) return *time;
  const std::string units = "smhd";
  constexpr int64_t kUnitMs[] = {kSecondMs, kMinuteMs, kHourMs, kDayMs};
  constexpr size_t kMostDigits = 6;
  const size_t unit = text.empty() ? std::string::npos : units.find(text.back());
  const std::string digits = text.substr(0, text.empty() ? 0 : text.size() - 1);
  if (unit == std::string::npos || digits.empty() || digits.size() > kMostDigits ||
      digits.find_first_not_of("0123456789") != std::string::npos) {
    return Refuse(Reason::kFieldInvalid,
                  option + ": \"" + text + "\"; say how long ago (45s, 30m, 12h, 7d) or a time");
  }
  return now - std::stoll(digits) * kUnitMs[unit];
}

}  // namespace comity::cli
