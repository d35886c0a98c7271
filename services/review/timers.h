#ifndef COMITY_REVIEW_TIMERS_H_
#define COMITY_REVIEW_TIMERS_H_

#include <optional>

#include "services/common/clock/clock.h"
#include "services/review/case.h"

// What time alone brings about, as pure functions of a case: so a timer is never lost, whatever was
// running when it came.
namespace comity::review {

inline constexpr int64_t kApprovalLifetime = 72 * kHourMs;
// How long an answered case is kept open for delivery; storage keeps the contents as long.
inline constexpr int64_t kDeliveryTime = 30 * kDayMs;

// When something is next to be done without being asked; nullopt: never.
std::optional<UnixMillis> NextDue(const Case& c);

// What is due at `now`; apply it and ask again. An authorised case that was begun does not expire
// by itself: whether it was used is for storage and custody to say (execution.h).
std::optional<Event> DueEvent(const Case& c, UnixMillis now);

}  // namespace comity::review

#endif  // COMITY_REVIEW_TIMERS_H_
