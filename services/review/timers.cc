#include "services/review/timers.h"

#include <algorithm>

namespace comity::review {
namespace {

// The timer of the state that the case is in.
std::optional<UnixMillis> StateTimer(const Case& c) {
  switch (c.state) {
    case CaseState::kWaiting:
      return c.waiting_until;
    case CaseState::kNoticeRunning:
      return c.notice_end;
    case CaseState::kApprovedOnce:
      return c.approvals.at(0).time + kApprovalLifetime;
    case CaseState::kAuthorised:
      return c.expiry;
    case CaseState::kExecuted:
      return c.history.back().time + kDeliveryTime;
    case CaseState::kReceived:
    case CaseState::kUnderReview:
    case CaseState::kHeld:
    case CaseState::kReady:
    case CaseState::kClosed:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<UnixMillis> NextDue(const Case& c) {
  std::optional<UnixMillis> due = StateTimer(c);
  if (c.notice_due != 0) due = std::min(due.value_or(c.notice_due), c.notice_due);
  return due;
}

std::optional<Event> DueEvent(const Case& c, UnixMillis now) {
  using Kind = Event::Kind;
  if (c.notice_due != 0 && now >= c.notice_due) {
    return Event{Kind::kGiveNotice, now, "The bar on notice has ended: the users are told."};
  }
  const std::optional<UnixMillis> due = StateTimer(c);
  if (!due.has_value() || now < *due) return std::nullopt;
  switch (c.state) {
    case CaseState::kWaiting: {
      Event event{Kind::kReject, now, "The authority did not answer in time."};
      event.rejections = {Rejection::kIncomplete};
      return event;
    }
    case CaseState::kNoticeRunning:
      return Event{Kind::kNoticeOver, now, "The notice period has ended without objection."};
    case CaseState::kApprovedOnce:
      return Event{Kind::kApprovalLapsed, now, "No second approval came in time."};
    case CaseState::kAuthorised:
      if (c.executing) return std::nullopt;
      return Event{Kind::kExpire, now, "The authorisations were not used in time."};
    case CaseState::kExecuted:
      return Event{Kind::kAnswered, now, "The time for delivery is over."};
    case CaseState::kReceived:
    case CaseState::kUnderReview:
    case CaseState::kHeld:
    case CaseState::kReady:
    case CaseState::kClosed:
      return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace comity::review
