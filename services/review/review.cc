#include "services/review/review.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/persons.h"

namespace comity::review {
namespace {

constexpr size_t kDueAtOnce = 100;
constexpr int64_t kRetryAfter = kMinuteMs;
// A page ends early when the requests in it would make too large a message.
constexpr size_t kMaxPageBytes = 1 << 20;

// What a case takes on the wire, without cores and events: its targets stand there twice.
size_t WireSize(const Case& c) { return 1'024 + 2 * c.request_statement.body.size(); }

bool MaySee(const RosterPerson& person, const Case& c) {
  return !HasRole(person, PersonRole::kAgent) || person.name == c.agent;
}

}  // namespace

Review::Review(Site site, const Ports& ports)
    : site_(std::move(site)),
      ports_(ports),
      notices_(&site_, ports_.notices, ports_.storage),
      cases_(&site_, ports_.cases, ports_.log, &notices_, &agenda_),
      bulk_(&site_, ports_.cases, ports_.index),
      intake_(&site_, &cases_, ports_.index, &bulk_, ports_.storage),
      decisions_(&site_, &cases_, &bulk_, ports_.storage),
      execution_(&site_, &cases_, ports_.storage, ports_.custody, ports_.results),
      objections_(&site_, &cases_, &notices_) {}

absl::Status Review::Start() {
  ASSIGN_OR_RETURN(const auto due, ports_.cases->ListDue());
  for (const auto& [time, case_id] : due) agenda_.Set(case_id, time);
  return absl::OkStatus();
}

void Review::Tick(const std::function<bool()>& stopping) {
  if (!ports_.keys->Get().ok()) return;
  const UnixMillis now = site_.Now();
  for (const std::string& case_id : agenda_.TakeDue(now, kDueAtOnce)) {
    // Whatever fails here is tried again: a timer may be late, but not lost.
    if (stopping() || !execution_.Finish(case_id).ok()) agenda_.Set(case_id, now + kRetryAfter);
  }
}

absl::StatusOr<CaseView> Review::GetCase(const Authorization& person, std::string_view case_id) {
  ASSIGN_OR_RETURN(const RosterPerson* viewer, FindCaller(person, site_));
  ASSIGN_OR_RETURN(const Case found, cases_.Find(case_id));
  if (!MaySee(*viewer, found)) return Refuse(Reason::kCaseNotFound, "another agent's case");
  ASSIGN_OR_RETURN(Case c, cases_.Settle(case_id));
  return CaseView{std::move(c), !HasRole(*viewer, PersonRole::kAgent)};
}

absl::StatusOr<CasePage> Review::ListCases(const Authorization& person,
                                           std::optional<CaseState> state, std::string_view cursor,
                                           size_t limit) {
  ASSIGN_OR_RETURN(const RosterPerson* viewer, FindCaller(person, site_));
  // Not even that there are no cases is said while none could be read.
  RETURN_IF_ERROR(ports_.keys->Get().status());
  CasePage page;
  page.inside = !HasRole(*viewer, PersonRole::kAgent);
  std::string next(cursor);
  size_t bytes = 0;
  for (;;) {
    ASSIGN_OR_RETURN(const std::vector<ListingEntry> entries, ports_.index->List(next, limit));
    for (const ListingEntry& entry : entries) {
      next = entry.cursor;
      ASSIGN_OR_RETURN(std::optional<StoredCase> stored, ports_.cases->Find(entry.case_id));
      if (!stored.has_value() || !MaySee(*viewer, stored->value)) continue;
      if (state.has_value() && stored->value.state != *state) continue;
      bytes += WireSize(stored->value);
      page.cases.push_back(std::move(stored->value));
      if (page.cases.size() == limit || bytes >= kMaxPageBytes) {
        page.next_cursor = next;
        return page;
      }
    }
    if (entries.size() < limit) return page;
  }
}

}  // namespace comity::review
