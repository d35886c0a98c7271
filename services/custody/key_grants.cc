#include "services/custody/key_grants.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/status/retry_after.h"
#include "services/custody/account_rules.h"
#include "services/custody/budgets.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

// Signed by a device of the account, and by the one that brings it: what one device has signed and
// not sent is not for another one to send.
absl::Status CheckSignedByCaller(const Authorization& authorization, const Account& account,
                                 const Statement& statement) {
  ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
  if (envelope.issuer != authorization.caller().key.id()) {
    return Refuse(Reason::kSignatureInvalid, "signed by another device than the one that calls");
  }
  return account.chain->VerifyDeviceStatement(statement);
}

// Is there room for one more?
absl::Status CheckRoom(const Account& account, UnixMillis now) {
  size_t alive = 0;
  UnixMillis soonest = now + kGrantMemoryMs;
  for (const auto& [id, grant] : account.grants) {
    const GrantState state = StateOf(grant, account, now);
    if (state == GrantState::kInForce || state == GrantState::kNotBegun) {
      ++alive;
    } else {
      soonest =
          std::min(soonest, (grant.revoked != 0 ? grant.revoked : grant.end) + kGrantMemoryMs);
    }
  }
  if (alive >= kMaxGrants) {
    return Refuse(Reason::kStateNotReady, "as many grants as an account may have");
  }
  return account.grants.size() < kMaxGrantsKept
             ? absl::OkStatus()
             : RefuseFor(Reason::kRateLimited, std::chrono::milliseconds(soonest - now),
                         "too many grants have ended lately");
}

}  // namespace

absl::StatusOr<Statement> KeyGrants::Give(const Statement& statement, Plan& plan) const {
  Account& account = plan.after;
  const UnixMillis now = site_->Now();
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<KeyGrant>(statement));
  const KeyGrant& body = parsed.body;
  if (const auto known = account.grants.find(body.grant); known != account.grants.end()) {
    if (known->second.statement.body != statement.body) {
      return Refuse(Reason::kRequestIdReused, "another grant has this id");
    }
    // Who hears "given" believes that it is.
    return known->second.revoked == 0 ? absl::StatusOr<Statement>(known->second.receipt)
                                      : Refuse(Reason::kGrantNotInForce);
  }
  RETURN_IF_ERROR(CheckChangeable(account));
  RETURN_IF_ERROR(CheckGrant(parsed.envelope, body, account, now));
  ForgetEndedGrants(account, now);
  RETURN_IF_ERROR(CheckRoom(account, now));
  ASSIGN_OR_RETURN(
      Statement receipt,
      site_->Sign(account.id, KeyGrantReceipt{account.epoch, body.grant, KeyGrantAct::kGiven,
                                              statement.digest()}));
  plan.leaves.push_back({std::string(kLeafGrant), statement.digest()});
  plan.changed = true;
  account.grants.emplace(body.grant, GrantRecord{.taken = now,
                                                 .revoked = 0,
                                                 .statement = statement,
                                                 .receipt = receipt,
                                                 .revocation = std::nullopt,
                                                 .revocation_receipt = std::nullopt,
                                                 .device = parsed.envelope.issuer,
                                                 .end = parsed.envelope.expiry,
                                                 .body = body});
  return receipt;
}

absl::StatusOr<Statement> KeyGrants::Revoke(const Statement& statement, Plan& plan) const {
  Account& account = plan.after;
  ASSIGN_OR_RETURN(const auto parsed, ParseStatement<KeyGrantRevocation>(statement));
  // Also while a move is being decided or the account is closing, and when its chain is forked:
  // nothing of it is left behind, and less access is never refused.
  RETURN_IF_ERROR(CheckServed(account.presence));
  const auto found = account.grants.find(parsed.body.grant);
  if (found == account.grants.end()) {
    return Refuse(Reason::kFieldInvalid, "there is no such grant");
  }
  GrantRecord& grant = found->second;
  if (grant.revocation_receipt.has_value()) return *grant.revocation_receipt;
  ASSIGN_OR_RETURN(
      grant.revocation_receipt,
      site_->Sign(account.id, KeyGrantReceipt{account.epoch, parsed.body.grant,
                                              KeyGrantAct::kRevoked, statement.digest()}));
  grant.revocation = statement;
  grant.revoked = site_->Now();
  plan.leaves.push_back({std::string(kLeafGrantRevocation), statement.digest()});
  plan.changed = true;
  return *grant.revocation_receipt;
}

absl::StatusOr<Statement> KeyGrants::Change(const Authorization& authorization, const AccountId& id,
                                            const Statement& statement) {
  Statement receipt;
  const auto decide = [&](Plan& plan) -> absl::Status {
    RETURN_IF_ERROR(CheckOwner(authorization, plan.after));
    RETURN_IF_ERROR(CheckSignedByCaller(authorization, plan.after, statement));
    ASSIGN_OR_RETURN(const Envelope envelope, PeekEnvelope(statement));
    if (envelope.type == KeyGrantRevocation::kType) {
      ASSIGN_OR_RETURN(receipt, Revoke(statement, plan));
    } else {
      ASSIGN_OR_RETURN(receipt, Give(statement, plan));
    }
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(ledger_->Update(id, decide).status());
  return receipt;
}

absl::StatusOr<std::vector<GrantView>> KeyGrants::List(const Authorization& authorization,
                                                       const AccountId& id) const {
  ASSIGN_OR_RETURN(const Account account, ledger_->Load(id));
  RETURN_IF_ERROR(CheckOwner(authorization, account));
  RETURN_IF_ERROR(TakeQuestion(*site_, id));
  std::vector<GrantView> views;
  for (const auto& [grant, record] : account.grants) {
    views.push_back({StateOf(record, account, site_->Now()), record});
  }
  std::ranges::stable_sort(views, {}, [](const GrantView& view) { return view.record.taken; });
  return views;
}

}  // namespace comity::custody
