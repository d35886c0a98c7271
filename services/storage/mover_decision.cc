// The second half of a move: from the fence on, everything follows what custody signs.
#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_rules.h"
#include "services/storage/gates.h"
#include "services/storage/mover.h"
#include "services/storage/service_statements.h"

namespace comity::storage {
namespace {

// How many statements go into one delivery, besides endorsements; 64 are taken.
constexpr size_t kBatch = 40;
constexpr size_t kEndorsements = 16;

Reason FailureOf(AbortReason reason) {
  switch (reason) {
    case AbortReason::kWithdrawn:
      return Reason::kConsentVoid;
    case AbortReason::kDestinationRefused:
      return Reason::kRulesForbid;
    case AbortReason::kTimeout:
      return Reason::kDeadline;
    case AbortReason::kRulesChanged:
      return Reason::kRulesForbid;
  }
  return Reason::kInternal;
}

uint32_t PauseSince(UnixMillis fence_time, UnixMillis now) {
  return static_cast<uint32_t>(std::clamp<int64_t>(now - fence_time, 0, UINT32_MAX));
}

std::vector<Statement> DeviceStatements(const AccountSnapshot& account, uint64_t after) {
  std::vector<Statement> later;
  for (const Statement& statement : account.history) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    if (envelope.ok() && IsNumberedDeviceType(envelope->type) && envelope->number > after) {
      later.push_back(statement);
    }
  }
  return later;
}

const Statement* FindKept(const AccountSnapshot& account, const Digest& digest) {
  const auto it = std::ranges::find_if(
      account.history, [&](const Statement& statement) { return statement.digest() == digest; });
  return it == account.history.end() ? nullptr : &*it;
}

absl::StatusOr<Parsed<Consent>> ConsentOfMove(const AccountSnapshot& account) {
  const Statement* statement = FindKept(account, account.move->consent);
  if (statement == nullptr) return Refuse(Reason::kInternal, "the consent of a move is not kept");
  return ParseStatement<Consent>(*statement);
}

// What device statements custody and destination must not miss: those after the consent.
absl::StatusOr<std::vector<Statement>> StatementsAfterConsent(const AccountSnapshot& account) {
  ASSIGN_OR_RETURN(const auto consent, ConsentOfMove(account));
  return DeviceStatements(account, consent.envelope.number);
}

}  // namespace

absl::Status Mover::Decide(const AccountSnapshot& account) {
  ASSIGN_OR_RETURN(SnapshotPtr now, SignFence(account));
  MoveDecision decision = FindDecision(site_, *now, {});
  if (!decision.abort.has_value() && !decision.activation.has_value()) {
    // Whatever the destination answers, custody must learn of the fence: its clock ends it.
    absl::Status confirmed = decision.release.has_value() ? absl::OkStatus() : ConfirmThere(*now);
    ASSIGN_OR_RETURN(now, accounts_->Load(account.account));
    absl::StatusOr<MoveDecision> asked = AskCustody(*now);
    if (!asked.ok()) return asked.status();
    decision = *std::move(asked);
    const bool decided = decision.abort.has_value() || decision.release.has_value();
    if (!decided && !confirmed.ok()) return confirmed;
  }
  if (decision.abort.has_value()) return Unfence(*now, decision);
  if (decision.activation.has_value()) return CutOver(*now, decision);
  if (decision.release.has_value() && now->move->step != MoveStep::kKeysMoved) {
    RETURN_IF_ERROR(UpdateMove(*now, [](const AccountSnapshot&, AccountEdit& edit) {
                      edit.move->step = MoveStep::kKeysMoved;
                      return absl::OkStatus();
                    }).status());
  }
  return Refuse(Reason::kPeerUnavailable, decision.release.has_value()
                                              ? "released, not activated yet"
                                              : "custody has not decided yet");
}

absl::StatusOr<SnapshotPtr> Mover::SignFence(const AccountSnapshot& account) {
  if (account.move->source_manifest.has_value()) return accounts_->Load(account.account);
  const AccountEpoch epoch = account.move->epoch;
  // Every commit that a bucket took before this is seen by the manifest below; none comes after.
  RETURN_IF_ERROR(SetAllGates(site_.tasks, *objects_, account, Gate{GateKind::kFenced, epoch}));
  ASSIGN_OR_RETURN(const Manifest manifest, ComputeManifest(*objects_, account));
  return UpdateMove(account, [&](const AccountSnapshot& now, AccountEdit& edit) -> absl::Status {
    const MoveRecord& move = *now.move;
    ASSIGN_OR_RETURN(
        edit.move->fence,
        site_.Sign(now.account, DataFence{epoch, move.destination, move.consent, manifest.root}));
    ASSIGN_OR_RETURN(edit.move->source_manifest,
                     site_.Sign(now.account, DataManifest{epoch, manifest.root, manifest.versions,
                                                          manifest.bytes}));
    edit.move->versions = manifest.versions;
    return absl::OkStatus();
  });
}

absl::Status Mover::ConfirmThere(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  if (move.destination_manifest.has_value()) return absl::OkStatus();
  RETURN_IF_ERROR(RunPass(account).status());
  ASSIGN_OR_RETURN(const ConfirmedManifest confirmed,
                   peer_->Confirm(move.destination, account.account, move.epoch,
                                  *move.source_manifest, site_.endorsement()));
  ServiceStatements services(*site_.topology, site_.Now());
  services.Offer(confirmed.endorsement);
  ASSIGN_OR_RETURN(const auto theirs,
                   services.Verify<DataManifest>(confirmed.manifest, move.destination,
                                                 ServiceKind::kStorage, account.account));
  ASSIGN_OR_RETURN(const auto ours, ParseStatement<DataManifest>(*move.source_manifest));
  if (theirs.body.epoch != move.epoch || theirs.body.root != ours.body.root) {
    return Refuse(Reason::kConflict, "the destination signed another manifest");
  }
  return UpdateMove(account,
                    [&](const AccountSnapshot&, AccountEdit& edit) {
                      edit.move->destination_manifest = confirmed.manifest;
                      edit.move->destination_endorsement = confirmed.endorsement;
                      return absl::OkStatus();
                    })
      .status();
}

absl::StatusOr<MoveDecision> Mover::AskCustody(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  std::vector<Statement> evidence = {*move.fence, *move.source_manifest, site_.endorsement()};
  if (move.destination_manifest.has_value()) {
    evidence.push_back(*move.destination_manifest);
    evidence.push_back(*move.destination_endorsement);
  }
  // Custody heard of the consent before the fence. What the device has told only storage since, a
  // withdrawal for instance, it hears of here; what it refuses of that is its right.
  ASSIGN_OR_RETURN(const std::vector<Statement> later, StatementsAfterConsent(account));
  for (const Statement& statement : later) {
    custody_->Deliver(account.account, {statement}).IgnoreError();
  }
  ASSIGN_OR_RETURN(const std::vector<Statement> answer,
                   custody_->Deliver(account.account, evidence));
  MoveDecision decision = FindDecision(site_, account, answer);
  if (!decision.statements.empty()) {
    RETURN_IF_ERROR(UpdateMove(account, [&](const AccountSnapshot& now, AccountEdit& edit) {
                      for (const Statement& s : decision.statements) edit.Keep(&now, s);
                      return absl::OkStatus();
                    }).status());
  }
  return decision;
}

absl::Status Mover::CutOver(const AccountSnapshot& account, const MoveDecision& decision) {
  const RegionId destination = account.move->destination;
  // The destination first: until it serves, the account is fenced here rather than nowhere.
  const absl::Status told = TellDestination(account, decision.statements);
  return UpdateMove(account,
                    [&](const AccountSnapshot& now, AccountEdit& edit) -> absl::Status {
                      RETURN_IF_ERROR(site_.leaves->Append("account.moved", now.account,
                                                           now.move->consent, edit));
                      for (const Statement& s : decision.statements) edit.Keep(&now, s);
                      edit.Keep(&now, *now.move->source_manifest);
                      edit.Keep(&now, site_.endorsement());
                      if (now.move->destination_manifest.has_value()) {
                        edit.Keep(&now, *now.move->destination_manifest);
                        edit.Keep(&now, *now.move->destination_endorsement);
                      }
                      edit.info.state = AccountState::kMoved;
                      edit.info.epoch = now.move->epoch;
                      edit.info.serving = destination;
                      edit.info.destroy_time =
                          decision.activation->envelope.time + kReadBackPeriodMs;
                      edit.fence.reset();
                      edit.move->step = MoveStep::kCutOver;
                      edit.move->pause_ms = PauseSince(now.move->fence_time, site_.Now());
                      edit.move->failure = told.ok() ? Reason::kUnspecified : ReasonOf(told);
                      return absl::OkStatus();
                    })
      .status();
}

absl::Status Mover::Unfence(const AccountSnapshot& account, const MoveDecision& decision) {
  const AccountEpoch epoch = account.move->epoch;
  RETURN_IF_ERROR(SetAllGates(site_.tasks, *objects_, account,
                              Gate{GateKind::kOpen, account.info.epoch},
                              Gate{GateKind::kFenced, epoch}));
  return UpdateMove(account,
                    [&](const AccountSnapshot& now, AccountEdit& edit) -> absl::Status {
                      RETURN_IF_ERROR(site_.leaves->Append("account.move-ended", now.account,
                                                           now.move->consent, edit));
                      for (const Statement& s : decision.statements) edit.Keep(&now, s);
                      edit.fence.reset();
                      edit.info.aborted_epoch = std::max(edit.info.aborted_epoch, epoch);
                      edit.move->step = MoveStep::kAborted;
                      edit.move->failure = FailureOf(decision.abort->body.reason);
                      edit.move->pause_ms = PauseSince(now.move->fence_time, site_.Now());
                      return absl::OkStatus();
                    })
      .status();
}

absl::StatusOr<Mover::Step> Mover::Conclude(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  if (!move.destination_told) {
    const absl::Status told = TellOutcome(account);
    // A device that has read its data back proves more than an answer would.
    if (!told.ok() && !IsReadBack(account)) return told;
    if (told.ok()) {
      RETURN_IF_ERROR(UpdateMove(account, [](const AccountSnapshot&, AccountEdit& edit) {
                        edit.move->destination_told = true;
                        edit.move->failure = Reason::kUnspecified;
                        return absl::OkStatus();
                      }).status());
      return Step::kNext;
    }
  }
  if (!IsReadBack(account) && site_.Now() < account.info.destroy_time) return Step::kWait;
  ASSIGN_OR_RETURN(const auto consent, ConsentOfMove(account));
  RETURN_IF_ERROR(eraser_->EraseWithCertificate(account.account, consent.body.from_epoch).status());
  RETURN_IF_ERROR(UpdateMove(account, [](const AccountSnapshot&, AccountEdit& edit) {
                    edit.move->step = MoveStep::kDestroyed;
                    edit.move->failure = Reason::kUnspecified;
                    return absl::OkStatus();
                  }).status());
  return Step::kNext;
}

absl::Status Mover::TellOutcome(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  RETURN_IF_ERROR(TellDestination(account, FindDecision(site_, account, {}).statements));
  std::vector<Statement> history = DeviceStatements(account, 0);
  history.push_back(*move.source_manifest);
  history.push_back(site_.endorsement());
  return TellDestination(account, history);
}

absl::Status Mover::Tell(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  if (!move.destination_told) {
    // The read-back came first; it may even have been signed without looking.
    RETURN_IF_ERROR(TellOutcome(account));
  }
  std::vector<Statement> carried;
  if (const auto& readback = account.view.readback(); readback.has_value()) {
    const Digest* digest = account.view.FindNumber(readback->envelope.number);
    if (const Statement* statement = FindKept(account, *digest)) carried.push_back(*statement);
  }
  ASSIGN_OR_RETURN(const std::vector<Statement> answer,
                   custody_->Deliver(account.account, carried));
  ServiceStatements services(*site_.topology, site_.Now());
  services.Offer(answer);
  std::vector<Statement> news = {site_.endorsement()};
  bool destroyed = false;
  for (const Statement& statement : answer) {
    const auto certificate = services.Verify<KeyDestruction>(
        statement, site_.region, ServiceKind::kCustody, account.account);
    if (!certificate.ok() || certificate->body.epoch >= move.epoch) continue;
    destroyed = true;
    news.push_back(statement);
    if (const Statement* vouches = services.EndorsementOf(certificate->envelope.issuer)) {
      news.push_back(*vouches);
    }
  }
  if (!destroyed) return Refuse(Reason::kPeerUnavailable, "custody has not destroyed its copy yet");
  ASSIGN_OR_RETURN(const SnapshotPtr now,
                   UpdateMove(account, [&](const AccountSnapshot& before, AccountEdit& edit) {
                     for (const Statement& s : news) edit.Keep(&before, s);
                     return absl::OkStatus();
                   }));
  for (const Statement& statement : now->history) {
    if (ParseStatement<DataDestruction>(statement).ok()) news.push_back(statement);
  }
  RETURN_IF_ERROR(TellDestination(*now, news));
  return UpdateMove(*now,
                    [](const AccountSnapshot&, AccountEdit& edit) {
                      edit.move->step = MoveStep::kTold;
                      edit.move->failure = Reason::kUnspecified;
                      edit.move->destination_told = true;
                      edit.move->finished = true;
                      return absl::OkStatus();
                    })
      .status();
}

absl::Status Mover::TellCalledOff(const AccountSnapshot& account) {
  const MoveDecision decision = FindDecision(site_, account, {});
  std::vector<Statement> statements = decision.statements;
  if (!decision.abort.has_value()) {
    // Called off before the fence: the device's own later statement, if there is one, says why.
    // Without one the destination drops what it has when the consent ends.
    ASSIGN_OR_RETURN(statements, StatementsAfterConsent(account));
  }
  absl::Status told = statements.empty() ? absl::OkStatus() : TellDestination(account, statements);
  // A refusal for good means that there is nothing of this move there.
  if (!told.ok() && IsTransient(told)) return told;
  return UpdateMove(account,
                    [&](const AccountSnapshot&, AccountEdit& edit) {
                      edit.move->destination_told = told.ok();
                      edit.move->finished = true;
                      return absl::OkStatus();
                    })
      .status();
}

absl::Status Mover::TellDestination(const AccountSnapshot& account,
                                    const std::vector<Statement>& statements) {
  // Whatever verifies something is in every batch; new devices come before what they have signed.
  std::vector<Statement> endorsements;
  std::vector<Statement> others(account.chain_entries.begin() + 1, account.chain_entries.end());
  for (const Statement& statement : statements) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    const bool vouches = envelope.ok() && envelope->type == Endorsement::kType;
    (vouches && endorsements.size() < kEndorsements ? endorsements : others).push_back(statement);
  }
  for (auto it = others.begin(); it != others.end();) {
    const auto end = it + std::min<ptrdiff_t>(others.end() - it, kBatch);
    std::vector<Statement> batch = endorsements;
    batch.insert(batch.end(), it, end);
    RETURN_IF_ERROR(peer_->Deliver(account.move->destination, account.account, batch).status());
    it = end;
  }
  return absl::OkStatus();
}

}  // namespace comity::storage
