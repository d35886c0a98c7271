#include "services/review/cases.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/leaves.h"
#include "services/review/timers.h"

namespace comity::review {
namespace {

constexpr int64_t kMemoLifetime = kDayMs;
constexpr size_t kMostMemos = 64;

void Remember(Case& c, const MutationKey& mutation, UnixMillis now) {
  std::erase_if(c.memos, [&](const CaseMemo& memo) { return memo.time + kMemoLifetime <= now; });
  if (c.memos.size() >= kMostMemos) c.memos.erase(c.memos.begin());
  c.memos.push_back({mutation.key, mutation.request, now});
}

// The leaves of one step, and where their answers belong.
struct StepLeaves {
  std::vector<std::string> leaves;
  std::vector<size_t> events;  // index among `leaves` of each event's own leaf
  size_t grants = 0;           // index of the first grant's leaf
  bool has_grants = false;
};

void AddLeaves(const Site& site, const Case& before, const Case& after, const NoticePlan& notice,
               StepLeaves& step) {
  const bool outcome = before.outcome == CaseOutcome::kNone && after.outcome != CaseOutcome::kNone;
  step.events.push_back(step.leaves.size());
  step.leaves.push_back(ChangeLeaf(site, after, outcome));
  if (!notice.leaf_kind.empty()) step.leaves.push_back(NoticeLeaf(site, after, notice.leaf_kind));
  if (before.grants.empty() && !after.grants.empty()) {
    step.grants = step.leaves.size();
    step.has_grants = true;
    for (const CaseGrant& grant : after.grants) step.leaves.push_back(grant.leaf);
  }
}

}  // namespace

MutationKey MakeMutationKey(const Authorization& caller, const RequestId& id,
                            const Digest& request) {
  std::string name(caller.caller().key.id().bytes());
  name.append(id.bytes()).append(caller.method());
  return {Sha256Digest(name), request};
}

absl::Mutex& Cases::LockOf(std::string_view case_id) {
  return locks_[std::hash<std::string_view>()(case_id) % locks_.size()];
}

absl::StatusOr<Case> Cases::Create(Case fresh, const std::vector<Event>& events) {
  absl::MutexLock lock(&LockOf(fresh.id));
  fresh.history = {{fresh.received, CaseState::kReceived, "The request was received.", 0}};
  ASSIGN_OR_RETURN(StoredCase stored, Commit({std::move(fresh), 0}, events, std::nullopt));
  return std::move(stored.value);
}

absl::StatusOr<StoredCase> Cases::Commit(const StoredCase& before, const std::vector<Event>& events,
                                         const std::optional<MutationKey>& mutation) {
  Case value = before.value;
  const bool fresh = before.revision == 0;
  StepLeaves step;
  if (fresh) {
    step.events.push_back(0);
    step.leaves.push_back(ReceivedLeaf(*site_, value));
  }
  const size_t first = fresh ? 0 : value.history.size();
  std::vector<NoticePlan> notices;
  for (const Event& event : events) {
    ASSIGN_OR_RETURN(Case after, Apply(value, event));
    notices.push_back(PlanNotice(value, event, after));
    AddLeaves(*site_, value, after, notices.back(), step);
    value = std::move(after);
  }
  ASSIGN_OR_RETURN(const std::vector<LoggedLeaf> logged, log_->Append(step.leaves));
  for (size_t i = 0; i < step.events.size(); ++i) {
    value.history.at(first + i).leaf_index = logged.at(step.events[i]).index;
  }
  if (step.has_grants) {
    for (size_t i = 0; i < value.grants.size(); ++i) {
      value.grants[i].receipt = logged.at(step.grants + i).receipt;
    }
  }
  if (mutation.has_value()) Remember(value, *mutation, site_->Now());
  // Before the record: a notice of a change that is then lost is given again with the repeat, in
  // the same place; a change without its notice would never be told.
  for (const NoticePlan& notice : notices) RETURN_IF_ERROR(notices_->Give(value, notice));
  ASSIGN_OR_RETURN(StoredCase after, store_->Write(before, std::move(value)));
  agenda_->Set(after.value.id, NextDue(after.value));
  return after;
}

absl::StatusOr<Case> Cases::Find(std::string_view case_id) {
  ASSIGN_OR_RETURN(std::optional<StoredCase> stored, store_->Find(case_id));
  if (!stored.has_value()) return Refuse(Reason::kCaseNotFound);
  return std::move(stored->value);
}

absl::StatusOr<StoredCase> Cases::SettleStored(StoredCase stored) {
  while (const std::optional<Event> event = DueEvent(stored.value, site_->Now())) {
    ASSIGN_OR_RETURN(stored, Commit(stored, {*event}, std::nullopt));
  }
  return stored;
}

absl::StatusOr<Case> Cases::Settle(std::string_view case_id) {
  return Change(case_id, std::nullopt, [](const Case&) { return std::vector<Event>(); });
}

absl::StatusOr<Case> Cases::Change(std::string_view case_id,
                                   const std::optional<MutationKey>& mutation,
                                   const Decide& decide) {
  absl::MutexLock lock(&LockOf(case_id));
  ASSIGN_OR_RETURN(std::optional<StoredCase> found, store_->Find(case_id));
  if (!found.has_value()) return Refuse(Reason::kCaseNotFound);
  ASSIGN_OR_RETURN(StoredCase stored, SettleStored(*std::move(found)));
  if (mutation.has_value()) {
    for (const CaseMemo& memo : stored.value.memos) {
      if (memo.key != mutation->key) continue;
      if (memo.request != mutation->request) return Refuse(Reason::kRequestIdReused);
      return std::move(stored.value);
    }
  }
  ASSIGN_OR_RETURN(const std::vector<Event> events, decide(stored.value));
  if (events.empty()) return std::move(stored.value);
  ASSIGN_OR_RETURN(StoredCase after, Commit(stored, events, mutation));
  return std::move(after.value);
}

}  // namespace comity::review
