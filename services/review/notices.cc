#include "services/review/notices.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/leaves.h"
#include "services/review/request_check.h"

namespace comity::review {
namespace {

constexpr std::string_view kDecided = "decided";
constexpr std::string_view kEnded = "ended";
constexpr std::string_view kGiven = "given";
constexpr std::string_view kAfter = "after";
constexpr std::string_view kBarred = "barred";
// A request that names more accounts is refused; its first targets are told.
constexpr size_t kMostTold = 250;

std::string OutcomeText(const Case& c) {
  switch (c.outcome) {
    case CaseOutcome::kNone:
      return "";
    case CaseOutcome::kRejected:
      return "rejected: " + ReasonsText(c, ", ");
    case CaseOutcome::kFull:
    case CaseOutcome::kPartial:
    case CaseOutcome::kNoData:
      return "executed: " + std::string(Name(c.outcome));
    case CaseOutcome::kWithdrawn:
      return "withdrawn by the authority";
    case CaseOutcome::kExpired:
      return "expired without being carried out";
  }
  return "";
}

Notice BodyOf(const Case& c) {
  Notice body;
  body.case_id = c.id;
  body.authority = c.authority;
  body.instrument = c.request.instrument;
  body.classes = c.request.classes;
  body.received = c.received;
  body.outcome = OutcomeText(c);
  return body;
}

// Who did not send what it claims says nothing about anybody.
bool IsAuthentic(const Case& c) {
  return std::ranges::find(c.rejections, Rejection::kAuthenticityFailed) == c.rejections.end();
}

NoticePlan PlanEnd(const Case& before, UnixMillis now, Case& after) {
  if (!IsAuthentic(after)) return {};
  if (after.notice_given) return {kEnded, BodyOf(after), {}};
  if (const UnixMillis bar = BarredUntil(after, now); bar != 0) {
    after.notice_due = bar;
    return {{}, {}, before.notice_due == 0 ? kBarred : std::string_view()};
  }
  after.notice_given = true;
  after.notice_due = 0;
  return {kEnded, BodyOf(after), IsAnswered(after) ? kAfter : kGiven};
}

}  // namespace

UnixMillis BarredUntil(const Case& c, UnixMillis now) {
  const UnixMillis until = std::min(c.request.notice_barred_until, c.received + kLongestBar);
  return until > now ? until : 0;
}

std::vector<AccountId> ConcernedAccounts(const Case& c) {
  std::vector<AccountId> accounts;
  for (const CaseTarget& target : c.targets) {
    const std::optional<AccountId> account = ParseTarget(target.text).account;
    if (!target.concerned || !account.has_value()) continue;
    accounts.push_back(*account);
    if (accounts.size() == kMostTold) break;
  }
  return accounts;
}

NoticePlan PlanNotice(const Case& before, const Event& event, Case& after) {
  using Kind = Event::Kind;
  if (ConcernedAccounts(after).empty()) return {};
  if (event.kind == Kind::kAcceptWithNotice) {
    Notice body = BodyOf(after);
    body.objection_end = after.notice_end;
    after.notice_given = true;
    return {kDecided, std::move(body), before.notice_given ? std::string_view() : kGiven};
  }
  if (event.kind == Kind::kAcceptBarred) {
    after.notice_due = BarredUntil(after, event.time);
    return {{}, {}, before.notice_due == 0 ? kBarred : std::string_view()};
  }
  if (event.kind == Kind::kGiveNotice) {
    after.notice_due = 0;
    after.notice_given = true;
    return {after.outcome == CaseOutcome::kNone ? kDecided : kEnded, BodyOf(after),
            IsAnswered(after) ? kAfter : kGiven};
  }
  if (before.outcome == CaseOutcome::kNone && after.outcome != CaseOutcome::kNone) {
    return PlanEnd(before, event.time, after);
  }
  return {};
}

absl::Status Notices::Give(const Case& c, const NoticePlan& plan) {
  if (plan.slot.empty()) return absl::OkStatus();
  for (const AccountId& account : ConcernedAccounts(c)) {
    ASSIGN_OR_RETURN(const Statement notice, site_->Sign(std::string(account.bytes()), plan.body));
    RETURN_IF_ERROR(store_->Put(account, c.id, plan.slot, notice));
  }
  return absl::OkStatus();
}

absl::StatusOr<DeviceChain> Notices::FindChain(const AccountId& account,
                                               const std::vector<Statement>& presented,
                                               std::string_view case_id) {
  ASSIGN_OR_RETURN(const AccountScope known, storage_->GetScope(case_id, account, 0, 0));
  const std::vector<Statement>& first = known.held ? known.chain : presented;
  if (first.empty()) return Refuse(Reason::kAccountNotYours, "no device chain is known");
  absl::StatusOr<DeviceChain> chain = DeviceChain::Verify(account, first);
  if (chain.ok() && known.held && !presented.empty()) chain = chain->Extend(presented);
  if (!chain.ok()) return chain;
  if (chain->deployment() != site_->topology->deployment()) {
    return Refuse(Reason::kAccountNotYours, "a chain of another deployment");
  }
  return chain;
}

absl::StatusOr<std::vector<Statement>> Notices::List(const Authorization& device,
                                                     const AccountId& account,
                                                     const std::vector<Statement>& chain) {
  if (!device.IsDevice()) return Refuse(Reason::kCallerNotAllowed);
  const SigningKeyId caller = device.caller().key.id();
  ASSIGN_OR_RETURN(std::vector<Statement> notices, store_->List(account));
  std::string case_id;
  std::vector<std::pair<UnixMillis, Statement>> ordered;
  for (Statement& notice : notices) {
    const absl::StatusOr<Parsed<Notice>> parsed = ParseStatement<Notice>(notice);
    if (!parsed.ok()) return Refuse(Reason::kDataCorrupt, "a kept notice does not parse");
    case_id = parsed->body.case_id;
    ordered.emplace_back(parsed->envelope.time, std::move(notice));
  }
  if (ordered.empty()) {
    // Nothing to show and no case to name at storage: the chain that was presented must do.
    ASSIGN_OR_RETURN(const DeviceChain own, DeviceChain::Verify(account, chain));
    if (own.FindActive(caller) == nullptr) return Refuse(Reason::kAccountNotYours);
    return std::vector<Statement>();
  }
  ASSIGN_OR_RETURN(const DeviceChain known, FindChain(account, chain, case_id));
  if (known.FindActive(caller) == nullptr) return Refuse(Reason::kAccountNotYours);
  std::ranges::stable_sort(ordered, {}, [](const auto& entry) { return entry.first; });
  std::vector<Statement> result;
  result.reserve(ordered.size());
  for (auto& [time, notice] : ordered) result.push_back(std::move(notice));
  return result;
}

}  // namespace comity::review
