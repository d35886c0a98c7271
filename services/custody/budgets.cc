#include "services/custody/budgets.h"

#include <string_view>

#include "services/common/limits/rate_limits.h"
#include "services/common/status/macros.h"

namespace comity::custody {
namespace {

// Of a limit that holds for the whole service.
constexpr std::string_view kEverybody;

absl::Status Take(const Site& site, Limit limit, std::string_view key, uint64_t count = 1) {
  return site.limits == nullptr ? absl::OkStatus() : site.limits->Take(limit, key, count);
}

Limit LimitOf(UseReason reason) {
  switch (reason) {
    case UseReason::kAccess:
      return Limit::kUseAccess;
    case UseReason::kExport:
      return Limit::kUseExport;
    case UseReason::kVerify:
      return Limit::kUseVerify;
    case UseReason::kRewrap:
      return Limit::kUseRewrap;
    case UseReason::kGrant:
      return Limit::kUseGrant;
  }
  return Limit::kUseAccess;
}

// One limit holds ids of keys and of accounts, or names of operators: none can be another's.
absl::Status TakeCall(const Site& site, Limit limit, const Authorization& authorization) {
  return Take(site, limit, authorization.caller().key.id().bytes());
}

}  // namespace

absl::Status TakeArrival(const Site& site, const Authorization& authorization, bool counts_keys) {
  if (site.limits == nullptr) return absl::OkStatus();
  const Caller& caller = authorization.caller();
  switch (caller.kind) {
    case Caller::Kind::kService:
      return caller.region == site.region ? absl::OkStatus()
                                          : Take(site, Limit::kOperatorCalls, caller.operator_name);
    case Caller::Kind::kOperatorPerson:
      return TakeCall(site, Limit::kOperatorCalls, authorization);
    case Caller::Kind::kDevice:
    case Caller::Kind::kAgent:
    case Caller::Kind::kReviewer:
      return counts_keys ? absl::OkStatus() : TakeCall(site, Limit::kAccountCalls, authorization);
  }
  return absl::OkStatus();
}

absl::Status TakeColdUse(const Site& site, const Authorization& authorization) {
  return TakeCall(site, Limit::kAccountCalls, authorization);
}

absl::Status TakeKeys(const Site& site, const AccountId& account, const KeyUse& use,
                      const AccountId* grantee) {
  RETURN_IF_ERROR(Take(site, Limit::kAccountKeys, account.bytes(), use.count));
  // Who is given much by many still takes it as one.
  absl::Status rest = grantee == nullptr
                          ? absl::OkStatus()
                          : Take(site, Limit::kAccountKeys, grantee->bytes(), use.count);
  if (rest.ok()) {
    rest = Take(site, LimitOf(use.reason), kEverybody, use.count);
    if (!rest.ok() && grantee != nullptr) {
      site.limits->GiveBack(Limit::kAccountKeys, grantee->bytes(), use.count);
    }
  }
  if (!rest.ok()) site.limits->GiveBack(Limit::kAccountKeys, account.bytes(), use.count);
  return rest;
}

absl::Status TakeQuestion(const Site& site, const AccountId& account) {
  return Take(site, Limit::kAccountCalls, account.bytes());
}

absl::Status TakeCreation(const Site& site) { return Take(site, Limit::kCreations, kEverybody); }

LegalKeys::~LegalKeys() {
  if (count_ != 0 && site_->limits != nullptr) {
    site_->limits->GiveBack(Limit::kUseLegal, kEverybody, count_);
  }
}

absl::Status LegalKeys::Take(uint64_t count) {
  RETURN_IF_ERROR(custody::Take(*site_, Limit::kUseLegal, kEverybody, count));
  count_ = count;
  return absl::OkStatus();
}

}  // namespace comity::custody
