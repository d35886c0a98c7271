#include "services/review/scope.h"

#include <algorithm>
#include <set>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/review/notices.h"
#include "services/review/request_check.h"

namespace comity::review {
namespace {

bool Asks(const LegalRequest& request, DataClass data_class) {
  return std::ranges::find(request.classes, data_class) != request.classes.end();
}

std::string ReasonCode(InstrumentType instrument) {
  switch (instrument) {
    case InstrumentType::kSubpoena:
      return "legal.subpoena";
    case InstrumentType::kCourtOrder:
      return "legal.court-order";
    case InstrumentType::kWarrant:
      return "legal.warrant";
  }
  return "legal.subpoena";
}

AuthorisationCore CoreOf(const Site& site, const Case& c, const AccountId& account,
                         std::vector<ContentId> contents) {
  AuthorisationCore core;
  core.deployment = site.topology->deployment();
  core.region = site.region;
  core.case_id = c.id;
  core.account = account;
  core.request = c.request_statement.digest();
  core.agent = c.agent;
  core.recipient_key = c.request.recipient_key;
  core.audiences = {"storage", "custody"};
  for (const DataClass data_class : {DataClass::kC4, DataClass::kC5}) {
    if (Asks(c.request, data_class)) core.classes.push_back(data_class);
  }
  core.purposes = PurposesOf(c.request.classes);
  core.contents = std::move(contents);
  core.lifetime_seconds = uint64_t{site.rules().authorisation_hours} * 3'600;
  core.notice_not_before = BarredUntil(c, site.Now());
  core.reason_code = ReasonCode(c.request.instrument);
  return core;
}

}  // namespace

std::vector<KeyPurpose> PurposesOf(const std::vector<DataClass>& classes) {
  std::vector<KeyPurpose> purposes;
  for (const DataClass data_class : classes) {
    if (data_class == DataClass::kC5) purposes.push_back(KeyPurpose::kContent);
    if (data_class == DataClass::kC4) purposes.push_back(KeyPurpose::kAttributes);
  }
  return purposes;
}

absl::StatusOr<DecidedScope> DecideScope(const Site& site, OwnStorage& storage, const Case& c,
                                         const std::vector<ContentId>& only) {
  DecidedScope decided;
  decided.targets = c.targets;
  std::set<ContentId> wanted(only.begin(), only.end());
  std::set<ContentId> missing = wanted;
  size_t room = kMaxScopeOfCase;
  const bool ranged = !PurposesOf(c.request.classes).empty();
  for (CaseTarget& target : decided.targets) {
    if (!target.rejections.empty()) continue;
    const std::optional<AccountId> account = ParseTarget(target.text).account;
    if (!account.has_value()) return Refuse(Reason::kInternal, "a target that names no account");
    ASSIGN_OR_RETURN(AccountScope scope,
                     storage.GetScope(c.id, *account, ranged ? c.request.begin_time : 0,
                                      ranged ? c.request.end_time : 0));
    if (!scope.held) {
      target.rejections.push_back(Rejection::kDataNotHeld);  // moved away since it was received
      continue;
    }
    std::vector<ContentId> contents;
    target.truncated = scope.truncated;
    for (const ContentId& content : scope.contents) {
      missing.erase(content);
      const bool is_wanted = wanted.empty() || wanted.contains(content);
      if (is_wanted && contents.size() < std::min(kMaxScopeOfAccount, room)) {
        contents.push_back(content);
      } else {
        target.truncated = true;
      }
    }
    target.objects = contents.size();
    room -= contents.size();
    if (!ranged || contents.empty()) continue;
    decided.cores.push_back(EncodeRecord(CoreOf(site, c, *account, std::move(contents))));
  }
  if (!missing.empty()) return Refuse(Reason::kFieldInvalid, "content_ids: not in the scope");
  return decided;
}

}  // namespace comity::review
