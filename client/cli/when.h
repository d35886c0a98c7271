#ifndef COMITY_CLIENT_CLI_WHEN_H_
#define COMITY_CLIENT_CLI_WHEN_H_

#include <string>

#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"

namespace comity::cli {

// A time as people say it: how long before `now` (45s, 30m, 12h, 7d), or a date or time (RFC 3339).
// FIELD_INVALID names the option.
absl::StatusOr<UnixMillis> ParseWhen(const std::string& option, const std::string& text,
                                     UnixMillis now);

}  // namespace comity::cli

#endif  // COMITY_CLIENT_CLI_WHEN_H_
