#include "services/custody/grant_rules.h"

#include <algorithm>
#include <functional>
#include <string>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::custody {
namespace {

absl::Status Invalid(std::string_view cause) { return Refuse(Reason::kFieldInvalid, cause); }

template <typename T>
bool AscendsWithoutRepeats(const std::vector<T>& items) {
  return std::ranges::is_sorted(items, std::ranges::less_equal{});
}

absl::Status CheckTimes(const Envelope& envelope, const KeyGrant& grant, UnixMillis now) {
  // An older one may be one that was revoked and is forgotten.
  if (envelope.time > now + kAllowedClockSkew || envelope.time <= now - kGrantFreshMs) {
    return Invalid("a grant is signed not more than an hour before it is given");
  }
  if (envelope.expiry <= now || envelope.expiry > now + kMaxGrantMs) {
    return Invalid("a grant ends, at most 366 days from now");
  }
  return grant.not_before < envelope.expiry ? absl::OkStatus()
                                            : Invalid("a grant that ends before it begins");
}

absl::Status CheckScope(const KeyGrant& grant) {
  if (grant.operations.empty() || !AscendsWithoutRepeats(grant.operations)) {
    return Invalid("operations: one or more, ascending");
  }
  if (grant.purposes.empty() || !AscendsWithoutRepeats(grant.purposes)) {
    return Invalid("purposes: one or more, ascending");
  }
  if (grant.objects.size() > kMaxGrantObjects || !AscendsWithoutRepeats(grant.objects)) {
    return Invalid("objects: at most 64, ascending");
  }
  size_t bytes = 0;
  for (const auto& [name, value] : grant.pairs) bytes += name.size() + value.size();
  if (grant.pairs.size() > kMaxGrantPairs || bytes > kMaxGrantPairBytes) {
    return Invalid("at most 8 pairs with 1,024 bytes in all");
  }
  // What no context can have would make a grant that covers nothing.
  return KeyContext::Create({}, {}, KeyPurpose::kContent, grant.pairs).status();
}

}  // namespace

GrantState StateOf(const GrantRecord& grant, const Account& account, UnixMillis now) {
  if (EndedEarly(grant, account)) {
    return grant.revoked != 0 ? GrantState::kRevoked : GrantState::kDeviceRevoked;
  }
  if (grant.end <= now) return GrantState::kExpired;
  return now < grant.body.not_before ? GrantState::kNotBegun : GrantState::kInForce;
}

bool EndedEarly(const GrantRecord& grant, const Account& account) {
  return grant.revoked != 0 || !account.chain.has_value() ||
         account.chain->FindActive(grant.device) == nullptr;
}

absl::Status CheckGrant(const Envelope& envelope, const KeyGrant& grant, const Account& account,
                        UnixMillis now) {
  if (envelope.number != 0) return Invalid("a grant has no number");
  if (grant.grant.IsZero()) return Invalid("the grant's id is zero");
  if (grant.epoch != account.epoch) return Invalid("it is about another account epoch");
  if (grant.grantee == account.id) return Invalid("nobody needs a grant of his own");
  RETURN_IF_ERROR(CheckTimes(envelope, grant, now));
  return CheckScope(grant);
}

bool Covers(const KeyGrant& grant, KeyOperation operation, const KeyContext& context) {
  const auto has_pair = [&](const auto& pair) {
    const auto found = context.pairs().find(pair.first);
    return found != context.pairs().end() && found->second == pair.second;
  };
  return std::ranges::binary_search(grant.operations, operation) &&
         std::ranges::binary_search(grant.purposes, context.purpose()) &&
         (grant.objects.empty() || std::ranges::binary_search(grant.objects, context.object())) &&
         std::ranges::all_of(grant.pairs, has_pair);
}

void ForgetEndedGrants(Account& account, UnixMillis now) {
  std::erase_if(account.grants, [&](const auto& entry) {
    const GrantRecord& grant = entry.second;
    const UnixMillis end = grant.revoked != 0 ? grant.revoked : grant.end;
    return end + kGrantMemoryMs <= now || account.chain->FindActive(grant.device) == nullptr;
  });
}

void EndGrants(Account& account) { account.grants.clear(); }

}  // namespace comity::custody
