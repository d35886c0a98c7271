#include "services/review/decisions.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/leaves.h"
#include "services/review/notices.h"
#include "services/review/persons.h"
#include "services/review/scope.h"
#include "services/review/timers.h"

namespace comity::review {
namespace {

absl::Status CheckGeneration(const Case& c, uint64_t seen) {
  return c.generation == seen ? absl::OkStatus()
                              : Refuse(Reason::kConflict, "the case has changed since");
}

std::vector<Digest> DigestsOf(const std::vector<std::string>& cores) {
  std::vector<Digest> digests;
  digests.reserve(cores.size());
  for (const std::string& core : cores) digests.push_back(Sha256Digest(core));
  std::ranges::sort(digests);
  return digests;
}

// Same docket, instrument or ground: what adds up to more than the cap is one bulk request. The sum
// over all requests of an authority holds a case for review, and review has now taken place.
bool IsSplitBulk(const SiblingSums& sums, uint32_t cap) {
  return std::max({sums.by_reference, sums.by_instrument, sums.by_ground}) > cap;
}

}  // namespace

absl::StatusOr<Case> Decisions::Assign(const Authorization& reviewer,
                                       const AssignCommand& command) {
  ASSIGN_OR_RETURN(const RosterPerson* person, FindCaller(reviewer, *site_));
  if (!HasRole(*person, PersonRole::kReviewer)) {
    return Refuse(Reason::kCallerNotAllowed, "only reviewers assign");
  }
  return cases_->Change(command.case_id,
                        MakeMutationKey(reviewer, command.request_id, command.digest),
                        [&](const Case& c) { return AssignEvents(c, command); });
}

Decisions::Events Decisions::AssignEvents(const Case& c, const AssignCommand& command) const {
  RETURN_IF_ERROR(CheckGeneration(c, command.generation));
  const std::vector<RosterPerson>& persons = site_->roster->persons();
  const auto assignee = std::ranges::find(persons, command.reviewer, &RosterPerson::name);
  if (assignee == persons.end() || !HasRole(*assignee, PersonRole::kReviewer)) {
    return Refuse(Reason::kFieldInvalid, "reviewer: nobody of that name reviews in this region");
  }
  if (c.assignee == assignee->name) return std::vector<Event>{};
  // The history is shown to the authority, too: names stay out of it.
  Event event{Event::Kind::kAssign, site_->Now(),
              c.assignee.empty() ? "The case is given to a reviewer."
                                 : "The case is given to another reviewer."};
  event.assignee = assignee->name;
  return std::vector<Event>{std::move(event)};
}

absl::StatusOr<Case> Decisions::Decide(const Authorization& reviewer,
                                       const DecideCommand& command) {
  ASSIGN_OR_RETURN(const RosterPerson* person, FindCaller(reviewer, *site_));
  if (!HasRole(*person, PersonRole::kReviewer)) {
    return Refuse(Reason::kCallerNotAllowed, "only reviewers decide");
  }
  return cases_->Change(command.case_id,
                        MakeMutationKey(reviewer, command.request_id, command.digest),
                        [&](const Case& c) { return DecideEvents(c, *person, command); });
}

Decisions::Events Decisions::DecideEvents(const Case& c, const RosterPerson& reviewer,
                                          const DecideCommand& command) {
  RETURN_IF_ERROR(CheckGeneration(c, command.generation));
  // Rule 8: a fresh declaration for the case as it stands.
  ASSIGN_OR_RETURN(const Parsed<NoConflict> declared,
                   VerifyPersonStatement<NoConflict>(command.no_conflict, reviewer, c.id, *site_));
  if (declared.body.generation != c.generation) {
    return Refuse(Reason::kConflictOfInterest, "the declaration is of another generation");
  }
  if (c.state != CaseState::kUnderReview && c.state != CaseState::kHeld) {
    return Refuse(Reason::kStateNotReady, "the case is " + std::string(Name(c.state)));
  }
  if (!c.assignee.empty() && c.assignee != reviewer.name) {
    return Refuse(Reason::kStateNotReady, "the case is given to another reviewer");
  }
  const UnixMillis now = site_->Now();
  std::vector<Event> events;
  if (const auto* accept = std::get_if<AcceptDecision>(&command.decision)) {
    ASSIGN_OR_RETURN(events, Accept(c, *accept));
  } else if (const auto* ask = std::get_if<ClarifyDecision>(&command.decision)) {
    if (c.state == CaseState::kHeld) {
      events.push_back({Event::Kind::kRelease, now, "The hold has ended."});
    }
    Event event{Event::Kind::kAsk, now, "The authority is asked: " + ask->question};
    event.until = now + static_cast<int64_t>(site_->rules().clarification_days) * kDayMs;
    events.push_back(std::move(event));
  } else if (const auto* hold = std::get_if<HoldDecision>(&command.decision)) {
    events.push_back({Event::Kind::kHold, now, "Held: " + hold->reason});
  } else {
    const auto& reject = std::get<RejectDecision>(command.decision);
    if (std::ranges::any_of(reject.reasons, NeedsLawyer) &&
        !HasRole(reviewer, PersonRole::kLawyer)) {
      return Refuse(Reason::kCallerNotAllowed, "this reason needs a lawyer");
    }
    Event event{Event::Kind::kReject, now, "A reviewer has refused the request."};
    event.rejections = reject.reasons;
    events.push_back(std::move(event));
  }
  events.back().decider = reviewer.name;
  return events;
}

Decisions::Events Decisions::Accept(const Case& c, const AcceptDecision& decision) {
  ASSIGN_OR_RETURN(const Siblings siblings, bulk_->Find(c.request, c.id));
  if (IsSplitBulk(siblings.sums, site_->rules().CapFor(c.request.classes))) {
    return Refuse(Reason::kRulesForbid, "with its siblings it is over the cap");
  }
  ASSIGN_OR_RETURN(DecidedScope scope, DecideScope(*site_, *storage_, c, decision.only));
  const UnixMillis now = site_->Now();
  std::vector<Event> events;
  if (c.state == CaseState::kHeld) {
    events.push_back({Event::Kind::kRelease, now, "The hold has ended."});
  }
  const bool nobody = std::ranges::none_of(
      scope.targets, [](const CaseTarget& target) { return target.rejections.empty(); });
  if (nobody) {
    Event event{Event::Kind::kReject, now, "No account that was named is held here any more."};
    event.rejections = {Rejection::kDataNotHeld};
    events.push_back(std::move(event));
    return events;
  }
  const UnixMillis bar = BarredUntil(c, now);
  Event event;
  event.time = now;
  event.cores = std::move(scope.cores);
  event.targets = std::move(scope.targets);
  if (bar != 0) {
    event.kind = Event::Kind::kAcceptBarred;
    event.text = "The scope is decided. Notice is barred until " + FormatDay(bar) + ".";
  } else {
    event.kind = Event::Kind::kAcceptWithNotice;
    event.until = now + static_cast<int64_t>(site_->rules().notice_days) * kDayMs;
    event.text = "The scope is decided. The users are told and may object until " +
                 FormatTime(event.until) + ".";
  }
  events.push_back(std::move(event));
  return events;
}

absl::StatusOr<Case> Decisions::Approve(const Authorization& approver,
                                        const ApproveCommand& command) {
  ASSIGN_OR_RETURN(const RosterPerson* person, FindCaller(approver, *site_));
  if (!HasRole(*person, PersonRole::kApprover)) {
    return Refuse(Reason::kCallerNotAllowed, "only approvers approve");
  }
  return cases_->Change(command.case_id,
                        MakeMutationKey(approver, command.request_id, command.digest),
                        [&](const Case& c) { return ApproveEvents(c, *person, command); });
}

Decisions::Events Decisions::ApproveEvents(const Case& c, const RosterPerson& approver,
                                           const ApproveCommand& command) {
  RETURN_IF_ERROR(CheckGeneration(c, command.generation));
  ASSIGN_OR_RETURN(const Parsed<Approval> approval,
                   VerifyPersonStatement<Approval>(command.approval, approver, c.id, *site_));
  if (approval.body.generation != c.generation) {
    return Refuse(Reason::kConflict, "the approval is of another generation");
  }
  if (approval.body.no_conflict != 1) {
    return Refuse(Reason::kConflictOfInterest, "no declaration");
  }
  const UnixMillis now = site_->Now();
  if (approval.body.approve != 1) {
    return std::vector<Event>{{Event::Kind::kDisagree, now, "An approver disagrees."}};
  }
  if (approval.body.authorisations != DigestsOf(c.cores)) {
    return Refuse(Reason::kAuthorisationInvalid, "not the authorisations of the case");
  }
  CaseApproval taken{approver.name, approver.enrolled_by, command.approval, now};
  if (c.state == CaseState::kApprovedOnce) {
    ASSIGN_OR_RETURN(Event event, Authorise(c, std::move(taken), approval.envelope.time));
    return std::vector<Event>{std::move(event)};
  }
  Event event{Event::Kind::kApprove, now, "The first approver has signed."};
  event.approval = {std::move(taken)};
  return std::vector<Event>{std::move(event)};
}

absl::StatusOr<Event> Decisions::Authorise(const Case& c, CaseApproval approval,
                                           UnixMillis signed_at) {
  const CaseApproval& first = c.approvals.at(0);
  // Rule 11, where the topology asks for it; custody and storage check it again.
  const std::string& custody =
      site_->topology->FindRegion(site_->region)->service(ServiceKind::kCustody).operator_name;
  if (site_->rules().custody_operator_approves && first.enrolled_by != custody &&
      approval.enrolled_by != custody) {
    return Refuse(Reason::kFourEyes, "one of the two must be enrolled by custody's operator");
  }
  Event event{Event::Kind::kApprove, site_->Now(), "The second approver has signed."};
  // The signed lifetime runs from the later approval, by its own time; ours may be behind.
  ASSIGN_OR_RETURN(const Envelope first_envelope, PeekEnvelope(first.statement));
  const UnixMillis from = std::min(event.time, std::max(first_envelope.time, signed_at));
  event.until = from + static_cast<int64_t>(site_->rules().authorisation_hours) * kHourMs;
  std::vector<Digest> approvals = {first.statement.digest(), approval.statement.digest()};
  std::ranges::sort(approvals);
  for (const std::string& core : c.cores) {
    const Digest digest = Sha256Digest(core);
    CaseGrant grant;
    ASSIGN_OR_RETURN(grant.statement, site_->Sign(c.id, Grant{digest, approvals}, event.until));
    grant.leaf = GrantLeaf(*site_, c, digest, grant.statement);
    event.grants.push_back(std::move(grant));
  }
  event.approval = {std::move(approval)};
  return event;
}

absl::StatusOr<Case> Decisions::Answer(const Authorization& agent, const AnswerCommand& command) {
  ASSIGN_OR_RETURN(const RosterPerson* person, FindCaller(agent, *site_));
  return cases_->Change(
      command.case_id, MakeMutationKey(agent, command.request_id, command.digest),
      [&](const Case& c) -> Events {
        if (c.agent != person->name) return Refuse(Reason::kCaseNotFound, "another agent's case");
        ASSIGN_OR_RETURN(const Parsed<CaseAnswer> answer,
                         VerifyPersonStatement<CaseAnswer>(command.answer, *person, c.id, *site_));
        const UnixMillis now = site_->Now();
        if (answer.body.withdraw == 1) {
          return std::vector<Event>{{Event::Kind::kWithdraw, now, "The authority has withdrawn."}};
        }
        // An answer is to the question that was asked last, not to one before it.
        if (answer.envelope.time + kAllowedClockSkew < c.history.back().time) {
          return Refuse(Reason::kConflict, "the answer is older than the question");
        }
        return std::vector<Event>{
            {Event::Kind::kAnswer, now, "The authority answers: " + answer.body.text}};
      });
}

}  // namespace comity::review
