#include "services/custody/mover.h"

#include <algorithm>
#include <utility>

#include "services/common/crypto/digest.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/custody/account_rules.h"
#include "services/custody/grant_rules.h"
#include "services/custody/key_export.h"
#include "services/custody/key_versions.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

// A move takes five steps; what comes after so many has to wait for the next occasion.
constexpr int kMaxSteps = 16;
// How many callers' threads may wait for other custodies at once. If all of them did, and all of
// the other side's waited for this one, neither would ever be served.
constexpr int kMaxAsking = 4;

// Did the other side say no, for good? Everything else may be different the next time. That its
// certificate is not the one of that custody says nothing about the custody, and a seal is opened
// again.
bool IsRefusal(const absl::Status& status) {
  const Reason reason = ReasonOf(status);
  if (reason == Reason::kCertificateInvalid || reason == Reason::kSealed) {
    return false;
  }
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kFailedPrecondition:
    case absl::StatusCode::kUnauthenticated:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
    case absl::StatusCode::kDataLoss:
      return true;
    default:
      return false;
  }
}

}  // namespace

// One run for an account at a time, so that two carriers do not write the same leaves twice.
class Mover::Turn final {
 public:
  Turn(Mover* mover, const AccountId& account, Scope scope) : mover_(mover), account_(account) {
    absl::MutexLock lock(&mover_->mutex_);
    everywhere_ = scope == Scope::kUnlessBusy;
    if (scope == Scope::kEverywhere && mover_->asking_ < kMaxAsking) {
      everywhere_ = true;
      asking_ = true;
      ++mover_->asking_;
      const auto free = [this]() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mover_->mutex_) { return Free(); };
      mover_->mutex_.Await(absl::Condition(&free));
    }
    taken_ = mover_->running_.insert(account_).second;
  }
  ~Turn() {
    absl::MutexLock lock(&mover_->mutex_);
    mover_->asking_ -= asking_ ? 1 : 0;
    if (taken_) {
      mover_->running_.erase(account_);
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  bool taken() const { return taken_; }
  bool everywhere() const { return everywhere_; }

 private:
  bool Free() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mover_->mutex_) {
    return !mover_->running_.contains(account_);
  }
  Mover* const mover_;
  const AccountId account_;
  bool everywhere_ = false;
  bool asking_ = false;
  bool taken_ = false;
};

absl::Status Mover::Drive(const AccountId& id, Scope scope) {
  const Turn turn(this, id, scope);
  if (!turn.taken()) {
    return absl::OkStatus();
  }
  absl::Status stopped = Run(id, turn.everywhere());
  if (!stopped.ok() && site_->report) {
    site_->report("account step postponed", stopped);
  }
  return stopped;
}

absl::Status Mover::Run(const AccountId& id, bool everywhere) {
  for (int i = 0; i < kMaxSteps; ++i) {
    ASSIGN_OR_RETURN(const Account account, ledger_->Load(id));
    const MoveStep step = DecideNextStep(account, *site_->topology, site_->region, site_->Now());
    if (step.kind == MoveStep::Kind::kNothing || (!everywhere && NeedsPeer(step.kind))) {
      return absl::OkStatus();
    }
    if (step.kind == MoveStep::Kind::kRotate && !vault_->CheckOpen().ok()) {
      return absl::OkStatus();  // waits, for as long as that takes, without complaint
    }
    absl::Status taken = TakeStep(account, step);
    // Somebody else was faster: what is next now is seen anew.
    if (!taken.ok() && ReasonOf(taken) != Reason::kConflict) {
      return taken;
    }
  }
  return absl::OkStatus();
}

absl::Status Mover::TakeStep(const Account& account, const MoveStep& step) {
  switch (step.kind) {
    case MoveStep::Kind::kNothing:
      return absl::OkStatus();
    case MoveStep::Kind::kBeginKeyMove:
      return BeginKeyMove(account);
    case MoveStep::Kind::kExport:
      return Export(account);
    case MoveStep::Kind::kImport:
      return Import(account);
    case MoveStep::Kind::kTellAbort:
      return TellAbort(account);
    case MoveStep::Kind::kTellRelease:
      return TellRelease(account);
    case MoveStep::Kind::kRelease:
      // Whoever seals wants keys to stay where they are; the move is called off when its time is
      // over.
      RETURN_IF_ERROR(vault_->CheckOpen());
      return PerformStep(account.id, step.kind);
    case MoveStep::Kind::kAbort:
    case MoveStep::Kind::kDestroySource:
    case MoveStep::Kind::kDestroyClosed:
    case MoveStep::Kind::kDestroyVersions:
    case MoveStep::Kind::kRotate:
      return PerformStep(account.id, step.kind);
  }
  return Refuse(Reason::kInternal, "no such step");
}

absl::Status Mover::PerformStep(const AccountId& id, MoveStep::Kind kind) {
  return ledger_
      ->Update(id,
               [&](Plan& plan) -> absl::Status {
                 const MoveStep step =
                     DecideNextStep(plan.after, *site_->topology, site_->region, site_->Now());
                 if (step.kind != kind) {
                   return absl::OkStatus();
                 }
                 plan.changed = true;
                 switch (kind) {
                   case MoveStep::Kind::kAbort:
                     return FillAbort(step.reason, plan);
                   case MoveStep::Kind::kRelease:
                     return FillRelease(plan);
                   case MoveStep::Kind::kDestroyVersions:
                     return ApplyVersionDestructions(*site_, plan);
                   case MoveStep::Kind::kRotate: {
                     ASSIGN_OR_RETURN(const Vault::Keys sealer, vault_->Open());
                     plan.keys = sealer;
                     return ApplyRotation(*site_, *sealer, RequestId(), plan).status();
                   }
                   default:
                     return FillDestruction(kind, plan);
                 }
               })
      .status();
}

absl::Status Mover::FillAbort(AbortReason reason, Plan& plan) const {
  Outgoing& move = *plan.after.outgoing;
  ASSIGN_OR_RETURN(Statement abort,
                   site_->Sign(plan.after.id, Abort{move.epoch, reason, move.consent}));
  plan.leaves.push_back({std::string(kLeafAbort), abort.digest()});
  if (move.sent.has_value()) {
    // Keys may be there, inactive: they have to go.
    plan.after.untold_aborts.push_back({move.destination, abort});
  }
  move.decision = Decision{DecisionKind::kAborted, std::move(abort)};
  move.sent.reset();
  plan.after.last_decided = move.epoch;
  return absl::OkStatus();
}

absl::Status Mover::FillRelease(Plan& plan) const {
  Outgoing& move = *plan.after.outgoing;
  Release release;
  release.epoch = move.epoch;
  release.destination = move.destination;
  release.consent = move.consent;
  release.receipt = move.receipt->statement.digest();
  release.manifest_root = move.manifest_root;
  ASSIGN_OR_RETURN(Statement statement, site_->Sign(plan.after.id, release));
  plan.leaves.push_back({std::string(kLeafRelease), statement.digest()});
  move.decision = Decision{DecisionKind::kReleased, std::move(statement)};
  move.sent.reset();
  plan.after.last_decided = move.epoch;
  plan.after.presence = Presence::kReleased;
  EndGrants(plan.after);
  for (KeyRecord& key : plan.after.keys) {
    if (key.state == KeyState::kActive) {
      key.state = KeyState::kReleased;
    }
  }
  return absl::OkStatus();
}

absl::Status Mover::FillDestruction(MoveStep::Kind kind, Plan& plan) const {
  Account& account = plan.after;
  const UnixMillis now = site_->Now();
  const std::vector<std::string> erased = EraseKeys(account, account.epoch, now);
  KeyDestruction body{account.epoch, erased, now, 0, std::nullopt};
  if (kind == MoveStep::Kind::kDestroySource) {
    body.release = account.outgoing->decision->statement.digest();
  }
  ASSIGN_OR_RETURN(Statement destruction, site_->Sign(account.id, body));
  plan.leaves.push_back({std::string(kLeafDestruction), destruction.digest()});
  KeepDestruction(account, account.epoch, std::move(destruction));
  if (kind == MoveStep::Kind::kDestroyClosed) {
    account.presence = Presence::kClosed;
    for (const KeyRecord& key : std::vector<KeyRecord>(account.keys)) {
      EraseKeys(account, key.epoch, now);
    }
  }
  return absl::OkStatus();
}

absl::Status Mover::AbortRefused(const AccountId& id, AccountEpoch epoch) {
  return ledger_
      ->Update(id,
               [&](Plan& plan) -> absl::Status {
                 if (!plan.after.deciding() || plan.after.outgoing->epoch != epoch) {
                   return absl::OkStatus();
                 }
                 plan.changed = true;
                 return FillAbort(AbortReason::kDestinationRefused, plan);
               })
      .status();
}

// The move is recorded together with the sealed keys: a destination that cannot be reached, or does
// not want them, leaves nothing behind, and its 30 s begin when they are ready to go.
absl::Status Mover::BeginKeyMove(const Account& account) {
  Account begun = account;
  Outgoing& move = begun.outgoing.emplace();
  move.epoch = std::max(account.epoch, account.last_decided) + 1;
  move.destination = PlaceOf(account, site_->region).home;
  move.consent = ConsentInForce(account)->statement.digest();
  move.fenced_at = site_->Now();
  return SealKeys(account, std::move(begun));
}

absl::Status Mover::Export(const Account& account) { return SealKeys(account, account); }

absl::Status Mover::SealKeys(const Account& before, Account account) {
  const Outgoing& move = *account.outgoing;
  RETURN_IF_ERROR(vault_->CheckOpen());
  absl::StatusOr<Endorsed> offer =
      peers_->GetTransportKey(move.destination, account.id, move.epoch);
  if (!offer.ok()) {
    return IsRefusal(offer.status()) && before.deciding() ? AbortRefused(account.id, move.epoch)
                                                          : offer.status();
  }
  ASSIGN_OR_RETURN(const auto transport, VerifyFromService<TransportKey>(
                                             offer->statement, {offer->endorsement}, *site_,
                                             move.destination, ServiceKind::kCustody, account.id));
  if (transport.body.epoch != move.epoch || transport.envelope.expiry <= site_->Now()) {
    return Refuse(Reason::kSignatureInvalid, "a transport key of another move");
  }

  // After the wait for the other side, in which somebody may have sealed.
  ASSIGN_OR_RETURN(const Vault::Keys sealer, vault_->Open());
  ExportedKeys keys;
  for (const KeyRecord& record : account.keys) {
    // What its owner has said opens nothing any more stays, and ends with this copy.
    if (record.state == KeyState::kActive && record.version >= account.min_unwrap_version) {
      ASSIGN_OR_RETURN(SecretBytes key, sealer->OpenAccountKey(account.id, record.epoch,
                                                               record.version, record.sealed));
      keys.versions.push_back({record.version, record.created, std::move(key), record.word});
    }
  }
  keys.min_unwrap_version = account.min_unwrap_version;
  keys.rotation_days = account.rotation_days;
  const auto metadata = account.metadata_keys.find(account.epoch);
  if (metadata == account.metadata_keys.end()) {
    return Refuse(Reason::kDataCorrupt, "the metadata key is gone");
  }
  ASSIGN_OR_RETURN(keys.metadata_private_key,
                   sealer->OpenMetadataKey(account.id, account.epoch, metadata->second));
  keys.metadata_public_key = account.metadata_public_key;
  const ExportPlace place{site_->topology->deployment(),
                          site_->region,
                          move.destination,
                          account.id,
                          move.epoch,
                          move.consent};
  ASSIGN_OR_RETURN(std::string sealed, SealExport(transport.body.public_key, place, keys));

  KeyExport body;
  body.epoch = move.epoch;
  body.destination = move.destination;
  body.consent = move.consent;
  body.transport_key = offer->statement.digest();
  body.sealed_keys = Sha256Digest(sealed);
  ASSIGN_OR_RETURN(Statement statement, site_->Sign(account.id, body));
  Plan plan(std::move(account));
  plan.leaves.push_back({std::string(kLeafExport), statement.digest()});
  plan.after.outgoing->sent = SentExport{std::move(statement), std::move(sealed)};
  return ledger_->Perform(before, std::move(plan)).status();
}

absl::Status Mover::Import(const Account& account) {
  RETURN_IF_ERROR(vault_->CheckOpen());
  const Outgoing& move = *account.outgoing;
  ImportCommand command;
  command.account = account.id;
  command.epoch = move.epoch;
  command.chain = account.chain->entries();
  for (const auto& [number, statement] : account.statements) {
    command.account_statements.push_back(statement);
  }
  command.consent = *FindStatement(account, move.consent);
  command.key_export = move.sent->statement;
  command.endorsement = site_->endorsement();
  command.sealed_keys = move.sent->sealed_keys;

  absl::StatusOr<Endorsed> receipt = peers_->ImportKeys(move.destination, command);
  Plan plan(account);
  if (!receipt.ok() && ReasonOf(receipt.status()) == Reason::kStateNotReady) {
    // The transport key is gone there (a restart, or ten minutes): seal anew to another one. The
    // old message opens nowhere any more.
    plan.after.outgoing->sent.reset();
    RETURN_IF_ERROR(ledger_->Perform(account, std::move(plan)).status());
    return Refuse(Reason::kPeerUnavailable, "the destination has lost its transport key");
  }
  if (!receipt.ok()) {
    return IsRefusal(receipt.status()) ? AbortRefused(account.id, move.epoch) : receipt.status();
  }
  ASSIGN_OR_RETURN(const auto parsed, VerifyFromService<KeyReceipt>(
                                          receipt->statement, {receipt->endorsement}, *site_,
                                          move.destination, ServiceKind::kCustody, account.id));
  if (parsed.body.epoch != move.epoch || parsed.body.source != site_->region ||
      parsed.body.key_export != move.sent->statement.digest() ||
      parsed.body.newest_version != NewestVersion(account)) {
    return Refuse(Reason::kSignatureInvalid, "a receipt for other keys");
  }
  plan.after.outgoing->receipt = *std::move(receipt);
  return ledger_->Perform(account, std::move(plan)).status();
}

absl::Status Mover::TellAbort(const Account& account) {
  const UntoldAbort& untold = account.untold_aborts.front();
  RETURN_IF_ERROR(
      peers_->DeliverStatement(untold.destination, account.id, {untold.abort, site_->endorsement()})
          .status());
  Plan plan(account);
  plan.after.untold_aborts.erase(plan.after.untold_aborts.begin());
  return ledger_->Perform(account, std::move(plan)).status();
}

absl::Status Mover::TellRelease(const Account& account) {
  const Outgoing& move = *account.outgoing;
  ASSIGN_OR_RETURN(const std::vector<Statement> answer,
                   peers_->DeliverStatement(move.destination, account.id,
                                            {move.decision->statement, site_->endorsement()}));
  ASSIGN_OR_RETURN(const Delivery delivery,
                   SortDelivery(account.id, site_->topology->deployment(), answer));
  Plan plan(account);
  for (const ReadStatement& activation : delivery.activations) {
    RETURN_IF_ERROR(ApplyPeerActivation(*site_, delivery.endorsements, activation.statement, plan));
  }
  if (!plan.changed) {
    return Refuse(Reason::kPeerUnavailable, "the destination has not activated the key");
  }
  return ledger_->Perform(account, std::move(plan)).status();
}

}  // namespace comity::custody
