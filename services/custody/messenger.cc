#include "services/custody/messenger.h"

#include <optional>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/account_rules.h"
#include "services/custody/device_statements.h"
#include "services/custody/move_rules.h"

namespace comity::custody {
namespace {

// May this caller carry statements about this account?
absl::Status CheckCarrier(const Authorization& authorization, const Account& account) {
  if (authorization.IsDevice()) {
    const bool active = account.chain.has_value() &&
                        account.chain->FindActive(authorization.caller().key.id()) != nullptr;
    return active ? absl::OkStatus() : Refuse(Reason::kAccountNotYours);
  }
  return absl::OkStatus();
}

// The other region whose custody keeps the keys, if an account record says so. It is not verified:
// whoever is asked there believes nothing but what is signed.
std::optional<RegionId> KeeperElsewhere(const Delivery& delivery, const RegionId& here) {
  for (const ReadStatement& read : delivery.device) {
    const absl::StatusOr<Parsed<AccountRecord>> record =
        ParseStatement<AccountRecord>(read.statement);
    const std::optional<Placement> place = record.ok() ? PlacementOf(record->body) : std::nullopt;
    if (place.has_value() && place->home == here && place->keys != here) {
      return place->keys;
    }
  }
  return std::nullopt;
}

}  // namespace

absl::Status Messenger::ApplyRest(const Delivery& delivery, Plan& plan) const {
  for (const ReadStatement& statement : delivery.device) {
    RETURN_IF_ERROR(ApplyDeviceStatement(*site_, statement, plan));
  }
  for (const ReadStatement& manifest : delivery.manifests) {
    RETURN_IF_ERROR(ApplyManifest(*site_, delivery, manifest, plan));
  }
  for (const ReadStatement& release : delivery.releases) {
    RETURN_IF_ERROR(ApplyRelease(*site_, delivery, release, plan));
  }
  for (const ReadStatement& activation : delivery.activations) {
    RETURN_IF_ERROR(ApplyPeerActivation(*site_, delivery.endorsements, activation.statement, plan));
  }
  if (plan.after.deciding() && !delivery.fences.empty() &&
      FindStatement(plan.after, plan.after.outgoing->consent) == nullptr) {
    return Refuse(Reason::kConsentMissing);
  }
  return absl::OkStatus();
}

absl::Status Messenger::ApplyAll(const Authorization& authorization, const Delivery& delivery,
                                 Plan& plan) const {
  // The chain first: it may be what makes the caller a device of the account.
  const absl::Status chain = ApplyChain(delivery.chain, plan);
  RETURN_IF_ERROR(CheckCarrier(authorization, plan.after));
  RETURN_IF_ERROR(chain);
  // The one thing that a custody may have to remember about an account that it does not know: that
  // a move to it is off.
  for (const ReadStatement& abort : delivery.aborts) {
    RETURN_IF_ERROR(ApplyAbort(*site_, delivery, abort, plan));
  }
  if (plan.after.presence == Presence::kNone && !plan.after.incoming.has_value()) {
    return delivery.aborts.empty() ? Refuse(Reason::kAccountNotHere) : absl::OkStatus();
  }
  for (const ReadStatement& fence : delivery.fences) {
    RETURN_IF_ERROR(ApplyFence(*site_, delivery, fence, plan));
  }
  return ApplyRest(delivery, plan);
}

absl::Status Messenger::Apply(const Authorization& authorization, const Delivery& delivery,
                              Plan& plan) const {
  Plan whole = plan;
  absl::Status refusal = ApplyAll(authorization, delivery, whole);
  if (refusal.ok()) {
    plan = std::move(whole);
    return refusal;
  }
  if (whole.after.fork.has_value() && !plan.after.fork.has_value()) {
    plan.after.fork = whole.after.fork;
    plan.changed = true;
  }
  for (const ReadStatement& fence : delivery.fences) {
    ApplyFence(*site_, delivery, fence, plan).IgnoreError();  // `refusal` is what is answered
  }
  return refusal;
}

absl::StatusOr<std::vector<Statement>> Messenger::Deliver(
    const Authorization& authorization, const AccountId& id,
    const std::vector<Statement>& statements) {
  ASSIGN_OR_RETURN(const Delivery delivery,
                   SortDelivery(id, site_->topology->deployment(), statements));
  if (authorization.IsService(ServiceKind::kStorage, site_->region)) {
    const std::optional<RegionId> keeper = KeeperElsewhere(delivery, site_->region);
    if (keeper.has_value()) {
      ASSIGN_OR_RETURN(const Account known, ledger_->Load(id));
      if (known.presence == Presence::kNone && !known.incoming.has_value()) {
        return site_->topology->BorderAllows(site_->region, *keeper, ServiceKind::kCustody)
                   ? peers_->DeliverStatement(*keeper, id, statements)
                   : Refuse(Reason::kBorderClosed, "no edge to " + keeper->name());
      }
    }
  }
  absl::Status refusal;
  absl::StatusOr<Account> account = ledger_->Update(id, [&](Plan& plan) {
    refusal = Apply(authorization, delivery, plan);
    return refusal.ok() || plan.changed ? absl::OkStatus() : refusal;
  });
  if (!account.ok()) {
    return account.status();
  }
  // What did not work out now is on the agenda; the carrier gets what there is to say.
  const bool own_storage = authorization.IsService(ServiceKind::kStorage, site_->region);
  mover_->Drive(id, own_storage ? Mover::Scope::kEverywhere : Mover::Scope::kHere).IgnoreError();
  RETURN_IF_ERROR(refusal);
  ASSIGN_OR_RETURN(const Account now, ledger_->Load(id));
  // What devices signed is for the account's own regions' services and its devices.
  const bool foreign = authorization.caller().kind == Caller::Kind::kService &&
                       authorization.caller().region != site_->region;
  return NewestStatements(now, *site_, foreign ? Audience::kForeignCustody : Audience::kOwn);
}

}  // namespace comity::custody
