#include "services/storage/incoming.h"

#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_rules.h"
#include "services/storage/arrival_check.h"
#include "services/storage/gates.h"
#include "services/storage/service_statements.h"

namespace comity::storage {
namespace {

using MaybeEdit = absl::StatusOr<std::optional<AccountEdit>>;

// May a move with this epoch and consent begin on what is known here?
absl::Status CheckRoom(const AccountSnapshot& known, const PrepareCommand& command) {
  switch (known.info.state) {
    case AccountState::kActive:
      return Refuse(Reason::kStateNotReady, "the account is served here");
    case AccountState::kClosed:
      return Refuse(Reason::kAccountClosing, "closed");
    case AccountState::kMoved:
      if (known.info.data_here && !known.incoming.has_value()) {
        return Refuse(Reason::kStateNotReady, "the copy of an earlier stay is not destroyed yet");
      }
      if (known.info.epoch >= command.epoch) {
        return Refuse(Reason::kStateNotReady, "a later epoch is known");
      }
      break;
    case AccountState::kIncoming:
      break;
  }
  if (!known.incoming.has_value()) return absl::OkStatus();
  const IncomingRecord& incoming = *known.incoming;
  if (incoming.epoch > command.epoch) {
    return Refuse(Reason::kStateNotReady, "a later move is on its way");
  }
  // Both storages signed for it: only custody's decision ends it.
  if (incoming.confirmed_root.has_value()) {
    return Refuse(Reason::kStateNotReady, "an earlier move is not decided yet");
  }
  return absl::OkStatus();
}

// The chain that arrives must continue the one that is known.
absl::Status CheckChain(const AccountSnapshot& known, const DeviceChain& arriving) {
  const DeviceChain* chain = known.chain();
  if (chain == nullptr) return Refuse(Reason::kDataCorrupt, "the kept chain does not verify");
  if (arriving.head().number < chain->head().number) return Refuse(Reason::kChainBehind);
  return chain->Extend(arriving.entries()).status();
}

}  // namespace

Incoming::Incoming(Site site, AccountStore* accounts, ObjectStore* objects, BlobStore* blobs,
                   Eraser* eraser)
    : site_(std::move(site)),
      accounts_(accounts),
      objects_(objects),
      blobs_(blobs),
      eraser_(eraser) {}

absl::Status Incoming::Prepare(const Authorization& authorization, const PrepareCommand& command) {
  const RegionId& source = authorization.caller().region;
  ASSIGN_OR_RETURN(const VerifiedArrival arrival,
                   VerifyArrival(*site_.topology, site_.region, source, command, site_.Now()));
  const Digest consent = arrival.consent.statement.digest();

  ASSIGN_OR_RETURN(SnapshotPtr known, accounts_->Load(command.account));
  if (known != nullptr && known->incoming.has_value()) {
    const IncomingRecord& incoming = *known->incoming;
    const bool same =
        incoming.epoch == command.epoch && incoming.consent == consent && incoming.source == source;
    if (same && incoming.void_consent) return Refuse(Reason::kConsentVoid, "taken back");
    if (same) return absl::OkStatus();
    RETURN_IF_ERROR(CheckRoom(*known, command));
    RETURN_IF_ERROR(CallOff(command.account, false));
  }
  const auto open = [&](const AccountSnapshot* before) -> MaybeEdit {
    AccountEdit edit;
    if (before != nullptr) {
      RETURN_IF_ERROR(CheckRoom(*before, command));
      RETURN_IF_ERROR(CheckChain(*before, arrival.chain));
      if (before->incoming.has_value()) {
        return Refuse(Reason::kConflict, "another move to here was prepared");
      }
      edit = AccountEdit(*before);
    } else {
      edit.info.state = AccountState::kIncoming;
      edit.info.create_time = site_.Now();
    }
    edit.info.serving = source;
    edit.info.data_here = true;
    edit.chain_entries = arrival.chain.entries();
    for (const Statement& statement : arrival.history) edit.Keep(before, statement);
    IncomingRecord incoming;
    incoming.epoch = command.epoch;
    incoming.source = source;
    incoming.consent = consent;
    incoming.consent_expiry = arrival.consent.envelope.expiry;
    edit.incoming = std::move(incoming);
    RETURN_IF_ERROR(site_.leaves->Append("account.incoming", command.account, consent, edit));
    return std::optional<AccountEdit>(std::move(edit));
  };
  return accounts_->Update(command.account, open).status();
}

absl::StatusOr<SnapshotPtr> Incoming::Open(const Authorization& authorization,
                                           const AccountId& account, AccountEpoch epoch) {
  const RegionId& source = authorization.caller().region;
  if (!site_.topology->BorderAllows(source, site_.region, ServiceKind::kStorage)) {
    return Refuse(Reason::kBorderClosed, "no edge from " + source.name());
  }
  ASSIGN_OR_RETURN(SnapshotPtr known, accounts_->Load(account));
  if (known == nullptr || !known->incoming.has_value() || known->incoming->source != source ||
      known->incoming->epoch != epoch) {
    return Refuse(Reason::kConsentMissing, "no such move was prepared");
  }
  if (known->incoming->void_consent) return Refuse(Reason::kConsentVoid, "taken back");
  return known;
}

absl::StatusOr<std::unique_ptr<CopyReceiver>> Incoming::BeginCopy(
    const Authorization& authorization, const AccountId& account, AccountEpoch epoch) {
  absl::MutexLock lock(&StripeOf(account));
  RETURN_IF_ERROR(Open(authorization, account, epoch).status());
  // The copies that follow may differ from what was confirmed: both must be signed for again.
  ASSIGN_OR_RETURN(
      SnapshotPtr opened,
      accounts_->Update(account, [&](const AccountSnapshot* known) -> MaybeEdit {
        if (known == nullptr || !known->incoming.has_value() || known->incoming->epoch != epoch) {
          return Refuse(Reason::kConsentMissing, "no such move was prepared");
        }
        if (!known->incoming->confirmed_root.has_value()) return std::optional<AccountEdit>();
        AccountEdit edit(*known);
        edit.incoming->confirmed_root.reset();
        edit.incoming->manifest.reset();
        return std::optional<AccountEdit>(std::move(edit));
      }));
  RETURN_IF_ERROR(SetAllGates(site_.tasks, *objects_, *opened, Gate{GateKind::kIncoming, epoch}));
  return std::unique_ptr<CopyReceiver>(new CopyReceiver(this, std::move(opened)));
}

absl::StatusOr<ConfirmedManifest> Incoming::Confirm(const Authorization& authorization,
                                                    const AccountId& account, AccountEpoch epoch,
                                                    const Statement& manifest,
                                                    const Statement& endorsement) {
  absl::MutexLock lock(&StripeOf(account));
  ASSIGN_OR_RETURN(const SnapshotPtr known, Open(authorization, account, epoch));
  ServiceStatements services(*site_.topology, site_.Now());
  services.Offer(endorsement);
  ASSIGN_OR_RETURN(const auto theirs,
                   services.Verify<DataManifest>(manifest, authorization.caller().region,
                                                 ServiceKind::kStorage, account));
  if (theirs.body.epoch != epoch) return Refuse(Reason::kFieldInvalid, "manifest of another epoch");

  // From here on a straggling copy finds no open gate: what is signed for stays what it is.
  RETURN_IF_ERROR(SetAllGates(site_.tasks, *objects_, *known, Gate{GateKind::kSealed, epoch}));
  ASSIGN_OR_RETURN(const Manifest ours, ComputeManifest(*objects_, *known));
  if (ours.root != theirs.body.root || ours.versions != theirs.body.versions ||
      ours.bytes != theirs.body.bytes) {
    return Refuse(Reason::kConflict, "the manifests differ");
  }
  if (known->incoming->confirmed_root == ours.root) {
    return ConfirmedManifest{*known->incoming->manifest, site_.endorsement()};
  }
  ASSIGN_OR_RETURN(const Statement signed_manifest,
                   site_.Sign(account, DataManifest{epoch, ours.root, ours.versions, ours.bytes}));
  const auto confirm = [&](const AccountSnapshot* before) -> MaybeEdit {
    if (before == nullptr || !before->incoming.has_value() || before->incoming->epoch != epoch) {
      return Refuse(Reason::kConsentMissing, "the move has ended");
    }
    if (before->incoming->void_consent) return Refuse(Reason::kConsentVoid, "taken back");
    if (before->buckets != known->buckets) {
      return Refuse(Reason::kConflict, "a copy came in between");
    }
    AccountEdit edit(*before);
    edit.incoming->confirmed_root = ours.root;
    edit.incoming->manifest = signed_manifest;
    return std::optional<AccountEdit>(std::move(edit));
  };
  RETURN_IF_ERROR(accounts_->Update(account, confirm).status());
  return ConfirmedManifest{signed_manifest, site_.endorsement()};
}

absl::Status Incoming::Activate(const AccountId& account, const Parsed<Release>& release,
                                const std::vector<Statement>& kept) {
  absl::MutexLock lock(&StripeOf(account));
  ASSIGN_OR_RETURN(const SnapshotPtr known, accounts_->Load(account));
  const AccountEpoch epoch = release.body.epoch;
  if (known == nullptr) return Refuse(Reason::kAccountNotHere);
  if (known->info.state == AccountState::kActive && known->info.epoch == epoch) {
    return absl::OkStatus();
  }
  if (!known->incoming.has_value() || known->incoming->epoch != epoch ||
      known->incoming->consent != release.body.consent ||
      release.body.destination != site_.region) {
    return Refuse(Reason::kStateNotReady, "the release is about another move");
  }
  // Compared again, not remembered: what is served is what was released, or nothing is.
  RETURN_IF_ERROR(SetAllGates(site_.tasks, *objects_, *known, Gate{GateKind::kSealed, epoch}));
  ASSIGN_OR_RETURN(const Manifest manifest, ComputeManifest(*objects_, *known));
  if (manifest.root != release.body.manifest_root) {
    return Refuse(Reason::kStateNotReady, "what is here is not what was released");
  }
  const auto activate = [&](const AccountSnapshot* before) -> MaybeEdit {
    if (before == nullptr || !before->incoming.has_value() || before->incoming->epoch != epoch) {
      return Refuse(Reason::kStateNotReady, "the move was called off");
    }
    if (before->buckets != known->buckets) {
      return Refuse(Reason::kConflict, "a copy came in between");
    }
    AccountEdit edit(*before);
    edit.info.state = AccountState::kActive;
    edit.info.epoch = epoch;
    edit.info.serving = site_.region;
    edit.info.notified_time = 0;
    edit.info.destroy_time = 0;
    edit.incoming.reset();
    edit.move.reset();  // of an earlier stay; its statements are in the history
    for (const Statement& statement : kept) edit.Keep(before, statement);
    RETURN_IF_ERROR(site_.leaves->Append("account.activated", account, release.body.consent, edit));
    return std::optional<AccountEdit>(std::move(edit));
  };
  return accounts_->Update(account, activate).status();
}

absl::Status Incoming::CallOff(const AccountId& account, bool aborted) {
  absl::MutexLock lock(&StripeOf(account));
  const auto end = [&](const AccountSnapshot* before) -> MaybeEdit {
    if (before == nullptr || !before->incoming.has_value() || before->incoming->void_consent) {
      return std::optional<AccountEdit>();
    }
    if (before->incoming->confirmed_root.has_value() && !aborted) {
      return std::optional<AccountEdit>();  // too late: the decision is custody's
    }
    AccountEdit edit(*before);
    edit.incoming->void_consent = true;
    RETURN_IF_ERROR(
        site_.leaves->Append("account.incoming-ended", account, before->incoming->consent, edit));
    return std::optional<AccountEdit>(std::move(edit));
  };
  ASSIGN_OR_RETURN(const SnapshotPtr known, accounts_->Update(account, end));
  if (known == nullptr || !known->incoming.has_value() || !known->incoming->void_consent) {
    return absl::OkStatus();
  }
  return EraseCalledOff(*known);
}

absl::Status Incoming::EraseCalledOff(const AccountSnapshot& account) {
  RETURN_IF_ERROR(eraser_->EraseArrivals(account, account.incoming->epoch));
  if (account.info.state == AccountState::kIncoming) return accounts_->Erase(account);
  return accounts_
      ->Update(account.account,
               [&](const AccountSnapshot* before) -> MaybeEdit {
                 if (before == nullptr || !before->incoming.has_value()) {
                   return std::optional<AccountEdit>();
                 }
                 AccountEdit edit(*before);
                 edit.incoming.reset();
                 edit.info.data_here = false;
                 return std::optional<AccountEdit>(std::move(edit));
               })
      .status();
}

}  // namespace comity::storage
