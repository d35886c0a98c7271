#include "services/review/case.h"

#include <algorithm>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::review {
namespace {

bool IsOneOf(CaseState state, std::initializer_list<CaseState> states) {
  return std::find(states.begin(), states.end(), state) != states.end();
}

absl::Status Require(const Case& c, std::initializer_list<CaseState> states) {
  if (IsOneOf(c.state, states)) return absl::OkStatus();
  return Refuse(Reason::kStateNotReady, "the case is " + std::string(Name(c.state)));
}

constexpr std::initializer_list<CaseState> kBeforeExecuted = {
    CaseState::kReceived,     CaseState::kUnderReview,   CaseState::kWaiting,
    CaseState::kHeld,         CaseState::kNoticeRunning, CaseState::kReady,
    CaseState::kApprovedOnce, CaseState::kAuthorised};

// Rule 1: an edit voids what was given.
void BackToReview(Case& c) {
  c.state = CaseState::kUnderReview;
  c.cores.clear();
  c.approvals.clear();
  c.grants.clear();
  c.notice_end = 0;
  c.waiting_until = 0;
  for (CaseTarget& target : c.targets) {
    target.objects = 0;
    target.truncated = false;
  }
}

// What may have been asked of storage and custody cannot be taken back.
absl::Status RequireNotBegun(const Case& c) {
  return c.executing ? Refuse(Reason::kStateNotReady, "the case is being carried out")
                     : absl::OkStatus();
}

void Close(Case& c, CaseOutcome outcome) {
  c.state = CaseState::kClosed;
  c.outcome = outcome;
}

void Accept(Case& c, const Event& event) {
  c.cores = event.cores;
  c.targets = event.targets;
  c.approvals.clear();
}

absl::Status Approve(Case& c, const Event& event) {
  RETURN_IF_ERROR(Require(c, {CaseState::kReady, CaseState::kApprovedOnce}));
  const CaseApproval& approval = event.approval.at(0);
  const bool decided_it =
      std::find(c.deciders.begin(), c.deciders.end(), approval.person) != c.deciders.end();
  const bool approved_it =
      std::any_of(c.approvals.begin(), c.approvals.end(),
                  [&](const CaseApproval& other) { return other.person == approval.person; });
  if (decided_it || approved_it || approval.person == c.agent) {
    return Refuse(Reason::kFourEyes, "this person already took part in the case");
  }
  c.approvals.push_back(approval);
  if (c.approvals.size() == 1) {
    c.state = CaseState::kApprovedOnce;
    return absl::OkStatus();
  }
  if (event.grants.size() != c.cores.size()) {
    return Refuse(Reason::kInternal, "an authorised case needs one grant per core");
  }
  c.state = CaseState::kAuthorised;
  c.grants = event.grants;
  c.expiry = event.until;
  return absl::OkStatus();
}

absl::Status Step(Case& c, const Event& event) {
  using Kind = Event::Kind;
  switch (event.kind) {
    case Kind::kPassIntake:
      RETURN_IF_ERROR(Require(c, {CaseState::kReceived}));
      c.state = CaseState::kUnderReview;
      return absl::OkStatus();
    case Kind::kReject:
      RETURN_IF_ERROR(Require(c, kBeforeExecuted));
      RETURN_IF_ERROR(RequireNotBegun(c));
      c.rejections = event.rejections;
      Close(c, CaseOutcome::kRejected);
      return absl::OkStatus();
    case Kind::kAsk:
      RETURN_IF_ERROR(Require(c, {CaseState::kUnderReview}));
      c.state = CaseState::kWaiting;
      c.waiting_until = event.until;
      return absl::OkStatus();
    case Kind::kAnswer:
      RETURN_IF_ERROR(Require(c, {CaseState::kWaiting}));
      BackToReview(c);
      return absl::OkStatus();
    case Kind::kHold:
      RETURN_IF_ERROR(Require(c, {CaseState::kUnderReview}));
      c.state = CaseState::kHeld;
      return absl::OkStatus();
    case Kind::kHoldTogether:
      RETURN_IF_ERROR(
          Require(c, {CaseState::kUnderReview, CaseState::kWaiting, CaseState::kNoticeRunning,
                      CaseState::kReady, CaseState::kApprovedOnce}));
      BackToReview(c);
      c.state = CaseState::kHeld;
      return absl::OkStatus();
    case Kind::kRelease:
      RETURN_IF_ERROR(Require(c, {CaseState::kHeld}));
      BackToReview(c);
      return absl::OkStatus();
    case Kind::kAcceptWithNotice:
      RETURN_IF_ERROR(Require(c, {CaseState::kUnderReview}));
      Accept(c, event);
      c.state = CaseState::kNoticeRunning;
      c.notice_end = event.until;
      c.due += event.until - event.time;  // rule 18: due dates exclude notice time
      return absl::OkStatus();
    case Kind::kAcceptBarred:
      RETURN_IF_ERROR(Require(c, {CaseState::kUnderReview}));
      Accept(c, event);
      c.state = CaseState::kReady;
      return absl::OkStatus();
    case Kind::kObject:
      RETURN_IF_ERROR(Require(c, {CaseState::kNoticeRunning}));
      BackToReview(c);
      if (event.objection.has_value()) c.objections.push_back(*event.objection);
      return absl::OkStatus();
    case Kind::kNoticeOver:
      RETURN_IF_ERROR(Require(c, {CaseState::kNoticeRunning}));
      c.state = CaseState::kReady;
      return absl::OkStatus();
    case Kind::kApprove:
      return Approve(c, event);
    case Kind::kDisagree:
      RETURN_IF_ERROR(Require(c, {CaseState::kReady, CaseState::kApprovedOnce}));
      BackToReview(c);
      return absl::OkStatus();
    case Kind::kApprovalLapsed:
      RETURN_IF_ERROR(Require(c, {CaseState::kApprovedOnce}));
      c.state = CaseState::kReady;
      c.approvals.clear();
      return absl::OkStatus();
    case Kind::kBegin:
      RETURN_IF_ERROR(Require(c, {CaseState::kAuthorised}));
      RETURN_IF_ERROR(RequireNotBegun(c));
      c.executing = true;
      return absl::OkStatus();
    case Kind::kExecute:
      RETURN_IF_ERROR(Require(c, {CaseState::kAuthorised}));
      if (!c.executing) return Refuse(Reason::kStateNotReady, "the case was not begun");
      c.executing = false;
      c.state = CaseState::kExecuted;
      c.outcome = event.outcome;
      c.targets = event.targets;
      return absl::OkStatus();
    case Kind::kWithdraw:
      RETURN_IF_ERROR(Require(c, kBeforeExecuted));
      RETURN_IF_ERROR(RequireNotBegun(c));
      Close(c, CaseOutcome::kWithdrawn);
      return absl::OkStatus();
    case Kind::kExpire:
      RETURN_IF_ERROR(Require(c, {CaseState::kAuthorised}));
      c.executing = false;
      Close(c, CaseOutcome::kExpired);
      return absl::OkStatus();
    case Kind::kAnswered:
      RETURN_IF_ERROR(Require(c, {CaseState::kExecuted}));
      c.state = CaseState::kClosed;
      return absl::OkStatus();
    case Kind::kGiveNotice:
      if (c.notice_due == 0) return Refuse(Reason::kStateNotReady, "no notice is barred");
      return absl::OkStatus();
    case Kind::kAssign:
      // From READY on nobody decides any more, and an approval must find the case as it was.
      RETURN_IF_ERROR(Require(c, {CaseState::kUnderReview, CaseState::kWaiting, CaseState::kHeld,
                                  CaseState::kNoticeRunning}));
      c.assignee = event.assignee;
      return absl::OkStatus();
  }
  return Refuse(Reason::kInternal, "unknown event");
}

}  // namespace

std::string_view Name(CaseState state) {
  switch (state) {
    case CaseState::kReceived:
      return "RECEIVED";
    case CaseState::kUnderReview:
      return "UNDER_REVIEW";
    case CaseState::kWaiting:
      return "WAITING";
    case CaseState::kHeld:
      return "HELD";
    case CaseState::kNoticeRunning:
      return "NOTICE_RUNNING";
    case CaseState::kReady:
      return "READY";
    case CaseState::kApprovedOnce:
      return "APPROVED_ONCE";
    case CaseState::kAuthorised:
      return "AUTHORISED";
    case CaseState::kExecuted:
      return "EXECUTED";
    case CaseState::kClosed:
      return "CLOSED";
  }
  return "UNSPECIFIED";
}

std::string_view Name(CaseOutcome outcome) {
  switch (outcome) {
    case CaseOutcome::kNone:
      return "NONE";
    case CaseOutcome::kFull:
      return "FULL";
    case CaseOutcome::kPartial:
      return "PARTIAL";
    case CaseOutcome::kNoData:
      return "NO_DATA";
    case CaseOutcome::kRejected:
      return "REJECTED";
    case CaseOutcome::kWithdrawn:
      return "WITHDRAWN";
    case CaseOutcome::kExpired:
      return "EXPIRED";
  }
  return "UNSPECIFIED";
}

bool IsAnswered(const Case& c) {
  return c.outcome == CaseOutcome::kFull || c.outcome == CaseOutcome::kPartial ||
         c.outcome == CaseOutcome::kNoData;
}

bool CountsForSums(const Case& c) { return c.state != CaseState::kClosed || IsAnswered(c); }

absl::StatusOr<Case> Apply(const Case& before, const Event& event) {
  Case after = before;
  RETURN_IF_ERROR(Step(after, event));
  if (!event.decider.empty() && std::find(after.deciders.begin(), after.deciders.end(),
                                          event.decider) == after.deciders.end()) {
    after.deciders.push_back(event.decider);
  }
  // Both approvals are given to the same generation: the second one sees what the first one saw.
  if (event.kind != Event::Kind::kApprove) ++after.generation;
  after.history.push_back({event.time, after.state, event.text, 0});
  return after;
}

}  // namespace comity::review
