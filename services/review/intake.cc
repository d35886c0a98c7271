#include "services/review/intake.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "services/common/crypto/random.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/case_id.h"
#include "services/review/persons.h"
#include "services/review/request_check.h"

namespace comity::review {
namespace {

constexpr size_t kSaltSize = 32;

bool IsNotHeld(const TargetFinding& target) {
  return std::ranges::find(target.rejections, Rejection::kDataNotHeld) != target.rejections.end();
}

std::vector<Event> EventsOf(const Finding& finding, UnixMillis now) {
  if (finding.refused()) {
    Event event{Event::Kind::kReject, now, "The request was refused at once."};
    event.rejections = finding.rejections;
    return {event};
  }
  std::vector<Event> events = {
      {Event::Kind::kPassIntake, now, "The request is complete; a reviewer decides."}};
  if (finding.hold_as_split) {
    events.push_back({Event::Kind::kHoldTogether, now,
                      "Together with its siblings the request is over the cap: to be reviewed as "
                      "one."});
  }
  return events;
}

}  // namespace

const RosterPerson* Intake::FindSigner(const Statement& request, const Envelope& envelope,
                                       const RosterPerson& caller) const {
  const absl::Status checked = CheckPersonStatement(request, envelope, caller, "request", *site_);
  return checked.ok() ? &caller : nullptr;
}

bool Intake::IsOfOwnRegion(const Target& target) const {
  return target.account.has_value() && target.region == site_->region.name();
}

absl::StatusOr<RequestFacts> Intake::AskStorage(const Case& c, RequestFacts facts) const {
  std::map<std::string, bool> held;
  for (const std::string& text : c.request.targets) {
    const Target target = ParseTarget(text);
    if (!IsOfOwnRegion(target)) continue;
    ASSIGN_OR_RETURN(const AccountScope scope, storage_->GetScope(c.id, *target.account, 0, 0));
    held[text] = scope.held;
  }
  facts.held = std::move(held);
  return facts;
}

absl::Status Intake::HoldTogether(const std::vector<std::string>& siblings) {
  for (const std::string& id : siblings) {
    absl::Status held =
        cases_
            ->Change(id, std::nullopt,
                     [&](const Case& c) -> absl::StatusOr<std::vector<Event>> {
                       if (c.state == CaseState::kHeld) return std::vector<Event>();
                       return std::vector<Event>{
                           {Event::Kind::kHoldTogether, site_->Now(),
                            "Together with a later request it is over the cap: to be reviewed as "
                            "one."}};
                     })
            .status();
    // Authorised or closed meanwhile: it still counts, and there is nothing left to hold.
    if (!held.ok() && ReasonOf(held) != Reason::kStateNotReady) return held;
  }
  return absl::OkStatus();
}

absl::StatusOr<Case> Intake::Submit(const Authorization& agent, const Statement& request) {
  ASSIGN_OR_RETURN(const RosterPerson* caller, FindCaller(agent, *site_));
  ASSIGN_OR_RETURN(Parsed<LegalRequest> parsed, ParseStatement<LegalRequest>(request));
  Case c;
  c.received = site_->Now();
  c.authority = caller->organisation;
  c.agent = caller->name;
  c.request_statement = request;
  c.request = std::move(parsed.body);
  c.due = c.received + static_cast<int64_t>(site_->rules().standard_days) * kDayMs;

  absl::MutexLock lock(&mutex_);
  ASSIGN_OR_RETURN(const Claim claim,
                   index_->MakeClaim(request.digest(), {NewCaseId(site_->region, c.received),
                                                        RandomBytes(kSaltSize)}));
  c.id = claim.case_id;
  c.salt = claim.salt;
  absl::StatusOr<Case> known = cases_->Settle(c.id);
  if (known.ok() && known->agent != caller->name) {
    return Refuse(Reason::kCallerNotAllowed, "another agent's request");
  }
  if (known.ok() || ReasonOf(known.status()) != Reason::kCaseNotFound) return known;

  RequestFacts facts;
  facts.region = site_->region;
  facts.now = c.received;
  facts.rules = &site_->rules();
  facts.signer = FindSigner(request, parsed.envelope, *caller);
  ASSIGN_OR_RETURN(const Siblings siblings, bulk_->Find(c.request, c.id));
  facts.sums = siblings.sums;
  facts.instrument_seen = siblings.instrument_seen;
  Finding finding = CheckRequest(c.request, facts);
  if (!finding.refused()) {
    ASSIGN_OR_RETURN(facts, AskStorage(c, std::move(facts)));
    finding = CheckRequest(c.request, facts);
  }
  for (const TargetFinding& target : finding.targets) {
    CaseTarget& added = c.targets.emplace_back();
    added.text = target.target.text;
    added.rejections = target.rejections;
    added.concerned = IsOfOwnRegion(target.target) && !IsNotHeld(target);
  }
  // A request that was refused at once has used up nothing: mended, its instrument may come again.
  if (!finding.refused()) {
    RETURN_IF_ERROR(bulk_->Note(c));
    // Before the case is there: a repeat after a crash finds the siblings held already.
    if (finding.hold_as_split) RETURN_IF_ERROR(HoldTogether(siblings.together));
  }
  RETURN_IF_ERROR(index_->AddListing(c.id, c.received));
  const UnixMillis now = c.received;
  return cases_->Create(std::move(c), EventsOf(finding, now));
}

}  // namespace comity::review
