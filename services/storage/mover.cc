#include "services/storage/mover.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/storage/account_rules.h"

namespace comity::storage {
namespace {

using MaybeEdit = absl::StatusOr<std::optional<AccountEdit>>;

// What the destination needs to open the account: the record and what defines it now. The rest of
// the history follows when it is served there.
std::vector<Statement> StatementsForPrepare(const AccountSnapshot& account) {
  std::vector<Statement> statements;
  std::optional<Statement> territory;
  for (const Statement& statement : account.history) {
    const absl::StatusOr<Envelope> envelope = PeekEnvelope(statement);
    if (!envelope.ok()) continue;
    if (envelope->type == AccountRecord::kType || envelope->type == MetadataKey::kType) {
      statements.push_back(statement);
    } else if (envelope->type == TerritoryChange::kType) {
      territory = statement;
    }
  }
  if (territory.has_value()) statements.push_back(*std::move(territory));
  return statements;
}

// What the next pass will find was written while this one ran: little if it was short, and, where
// comparing alone takes long, probably if this one found little.
bool LeavesLittle(const PassResult& pass, int64_t took_ms) {
  constexpr int64_t kShortMs = 200;
  constexpr uint64_t kFewChanges = 16;
  constexpr uint64_t kFewBytes = 16 << 20;
  return took_ms <= kShortMs || (pass.changes() <= kFewChanges && pass.bytes <= kFewBytes);
}

}  // namespace

bool IsTransient(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kInvalidArgument:
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kNotFound:
    case absl::StatusCode::kAlreadyExists:
      return false;
    case absl::StatusCode::kFailedPrecondition:
      return ReasonOf(status) == Reason::kTopologyStale;
    default:
      return true;
  }
}

Mover::Mover(Site site, AccountStore* accounts, ObjectStore* objects, BlobStore* blobs,
             Eraser* eraser, PeerStorage* peer, OwnCustody* custody)
    : site_(std::move(site)),
      accounts_(accounts),
      objects_(objects),
      blobs_(blobs),
      eraser_(eraser),
      peer_(peer),
      custody_(custody) {}

absl::StatusOr<bool> Mover::Enrol(const AccountId& account, const RequestId& migration) {
  bool enrolled = false;
  const auto enrol = [&](const AccountSnapshot* known) -> MaybeEdit {
    enrolled = false;
    if (known == nullptr || known->info.state != AccountState::kActive) {
      return std::optional<AccountEdit>();
    }
    if (known->move.has_value() && !known->move->finished) return std::optional<AccountEdit>();
    const UnixMillis now = site_.Now();
    if (StandingOf(*site_.topology, site_.region, *known, now).standing != Standing::kEligible ||
        !PlaceOf(site_.region, *known).resident()) {
      return std::optional<AccountEdit>();
    }
    const ConsentEntry& consent = *known->view.consent();
    AccountEdit edit(*known);
    edit.move = MoveRecord{};
    edit.move->migration = migration;
    // Epochs of called-off moves are used up: custody decides each only once.
    edit.move->epoch = std::max(known->info.epoch, known->info.aborted_epoch) + 1;
    edit.move->destination = consent.consent.destination;
    edit.move->consent = consent.statement.digest();
    edit.move->create_time = now;
    enrolled = true;
    return std::optional<AccountEdit>(std::move(edit));
  };
  RETURN_IF_ERROR(accounts_->Update(account, enrol).status());
  return enrolled;
}

Progress Mover::Advance(const AccountId& account) {
  for (;;) {
    absl::StatusOr<SnapshotPtr> loaded = accounts_->Load(account);
    if (!loaded.ok()) return Progress::kRetry;
    const SnapshotPtr snapshot = *std::move(loaded);
    if (snapshot == nullptr || !snapshot->move.has_value() || snapshot->move->finished) {
      return Progress::kDone;
    }
    const absl::StatusOr<Step> step = TakeStep(*snapshot);
    if (!step.ok()) {
      RecordFailure(*snapshot, step.status());
      return snapshot->fence.has_value() ? Progress::kRetrySoon : Progress::kRetry;
    }
    switch (*step) {
      case Step::kNext:
        break;
      case Step::kWait:
        return Progress::kWait;
      case Step::kDone:
        return Progress::kDone;
    }
  }
}

absl::StatusOr<Mover::Step> Mover::TakeStep(const AccountSnapshot& account) {
  switch (account.move->step) {
    case MoveStep::kQueued:
      RETURN_IF_ERROR(Prepare(account));
      return Step::kNext;
    case MoveStep::kPrepared:
      RETURN_IF_ERROR(Copy(account));
      return Step::kNext;
    case MoveStep::kDataCopied:
      RETURN_IF_ERROR(SetFence(account));
      return Step::kNext;
    case MoveStep::kFenced:
    case MoveStep::kKeysMoved:
      RETURN_IF_ERROR(Decide(account));
      return Step::kNext;
    case MoveStep::kCutOver:
      return Conclude(account);
    case MoveStep::kDestroyed:
      RETURN_IF_ERROR(Tell(account));
      return Step::kNext;
    case MoveStep::kAborted:
      RETURN_IF_ERROR(TellCalledOff(account));
      return Step::kNext;
    case MoveStep::kTold:
      return Step::kDone;
  }
  return Refuse(Reason::kInternal, "no such step");
}

absl::Status Mover::Prepare(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  const absl::Status may = CheckMayMove(*site_.topology, site_.region, account, move, site_.Now());
  if (!may.ok()) return CallOff(account, ReasonOf(may));
  PrepareCommand command{account.account, move.epoch, account.chain_entries,
                         StatementsForPrepare(account), account.view.consent()->statement};
  const absl::Status prepared = peer_->Prepare(move.destination, command);
  if (!prepared.ok()) {
    return IsTransient(prepared) ? prepared : CallOff(account, ReasonOf(prepared));
  }
  return UpdateMove(account,
                    [](const AccountSnapshot&, AccountEdit& edit) {
                      edit.move->step = MoveStep::kPrepared;
                      edit.move->failure = Reason::kUnspecified;
                      return absl::OkStatus();
                    })
      .status();
}

absl::StatusOr<PassResult> Mover::RunPass(const AccountSnapshot& account) {
  const MoveRecord& move = *account.move;
  const bool fenced = account.fence.has_value();
  // Before the fence a withdrawal stops the copying; after it custody decides.
  const auto go_on = [&]() -> absl::Status {
    if (fenced) return absl::OkStatus();
    ASSIGN_OR_RETURN(const SnapshotPtr now, accounts_->Load(account.account));
    if (now == nullptr) return Refuse(Reason::kAccountNotHere);
    return CheckMayMove(*site_.topology, site_.region, *now, move, site_.Now());
  };
  ASSIGN_OR_RETURN(const std::unique_ptr<CopyStream> stream,
                   peer_->Copy(move.destination, account.account, move.epoch, fenced));
  ASSIGN_OR_RETURN(const PassResult pass,
                   CopyPass(*objects_, *blobs_, account, *stream, go_on, site_.tasks));
  RETURN_IF_ERROR(UpdateMove(account, [&](const AccountSnapshot&, AccountEdit& edit) {
                    edit.move->objects += pass.objects;
                    edit.move->bytes += pass.bytes;
                    edit.move->failure = Reason::kUnspecified;
                    return absl::OkStatus();
                  }).status());
  return pass;
}

absl::Status Mover::Copy(const AccountSnapshot& account) {
  // Writes go on meanwhile: passes until what is left fits into a short pause.
  constexpr int kPasses = 8;
  for (int i = 0; i < kPasses; ++i) {
    const UnixMillis begun = site_.Now();
    ASSIGN_OR_RETURN(const SnapshotPtr now, accounts_->Load(account.account));
    if (now == nullptr || !now->move.has_value()) return Refuse(Reason::kAccountNotHere);
    const absl::Status may =
        CheckMayMove(*site_.topology, site_.region, *now, *account.move, site_.Now());
    if (!may.ok()) return CallOff(account, ReasonOf(may));
    const absl::StatusOr<PassResult> pass = RunPass(*now);
    if (!pass.ok()) {
      return IsTransient(pass.status()) ? pass.status() : CallOff(account, ReasonOf(pass.status()));
    }
    if (LeavesLittle(*pass, site_.Now() - begun)) break;
  }
  return UpdateMove(account,
                    [](const AccountSnapshot&, AccountEdit& edit) {
                      edit.move->step = MoveStep::kDataCopied;
                      return absl::OkStatus();
                    })
      .status();
}

absl::Status Mover::SetFence(const AccountSnapshot& account) {
  // With custody out of reach, or of another mind about the consent, a fence would only be a pause.
  if (account.view.consent().has_value()) {
    const absl::Status custody =
        custody_->Deliver(account.account, {account.view.consent()->statement}).status();
    if (!custody.ok()) {
      return IsTransient(custody) ? custody : CallOff(account, ReasonOf(custody));
    }
  }
  Reason refused = Reason::kUnspecified;
  const absl::StatusOr<SnapshotPtr> fenced =
      UpdateMove(account, [&](const AccountSnapshot& now, AccountEdit& edit) -> absl::Status {
        absl::Status may = CheckMayMove(*site_.topology, site_.region, now, *now.move, site_.Now());
        if (!may.ok()) {
          refused = ReasonOf(may);
          return may;
        }
        RETURN_IF_ERROR(site_.leaves->Append("data.fence", now.account, now.move->consent, edit));
        edit.fence = Fence{now.move->epoch, site_.Now()};
        edit.move->fence_time = edit.fence->time;
        edit.move->step = MoveStep::kFenced;
        edit.move->failure = Reason::kUnspecified;
        return absl::OkStatus();
      });
  if (refused != Reason::kUnspecified) return CallOff(account, refused);
  return fenced.status();
}

absl::Status Mover::CallOff(const AccountSnapshot& account, Reason reason) {
  return UpdateMove(account,
                    [&](const AccountSnapshot& now, AccountEdit& edit) -> absl::Status {
                      RETURN_IF_ERROR(site_.leaves->Append("account.move-ended", now.account,
                                                           now.move->consent, edit));
                      edit.move->step = MoveStep::kAborted;
                      edit.move->failure = reason;
                      return absl::OkStatus();
                    })
      .status();
}

void Mover::RecordFailure(const AccountSnapshot& account, const absl::Status& status) {
  const Reason reason = ReasonOf(status);
  UpdateMove(account, [&](const AccountSnapshot&, AccountEdit& edit) {
    // The reason of an abort is not overwritten by what its telling meets.
    if (edit.move->step != MoveStep::kAborted) edit.move->failure = reason;
    return absl::OkStatus();
  }).IgnoreError();
}

absl::StatusOr<SnapshotPtr> Mover::UpdateMove(
    const AccountSnapshot& account,
    const std::function<absl::Status(const AccountSnapshot&, AccountEdit&)>& change) {
  return accounts_->Update(account.account, [&](const AccountSnapshot* now) -> MaybeEdit {
    if (now == nullptr || !now->move.has_value() || now->move->epoch != account.move->epoch ||
        now->move->consent != account.move->consent) {
      return Refuse(Reason::kConflict, "the account has another move by now");
    }
    AccountEdit edit(*now);
    RETURN_IF_ERROR(change(*now, edit));
    const bool same = edit.move == now->move && edit.info == now->info &&
                      edit.fence == now->fence && edit.new_statements.empty();
    return same ? std::optional<AccountEdit>() : std::optional<AccountEdit>(std::move(edit));
  });
}

}  // namespace comity::storage
