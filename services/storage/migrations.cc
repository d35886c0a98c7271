#include "services/storage/migrations.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {
namespace {

constexpr size_t kReportedMoves = 1000;

size_t LimitOf(const Migration& migration) {
  return migration.max_accounts == 0 ? std::numeric_limits<size_t>::max()
                                     : static_cast<size_t>(migration.max_accounts);
}

bool HasMoved(const MoveRecord& move) {
  return move.step >= MoveStep::kCutOver && move.step != MoveStep::kAborted;
}

}  // namespace

Migrations::Migrations(Site site, MigrationStore* store, AccountIndex* index, Mover* mover,
                       Enqueue enqueue)
    : site_(std::move(site)),
      store_(store),
      index_(index),
      mover_(mover),
      enqueue_(std::move(enqueue)) {}

absl::StatusOr<Migration> Migrations::Start(const RequestId& id,
                                            const std::optional<RegionId>& destination,
                                            uint64_t max_accounts) {
  if (destination.has_value() && site_.topology->FindRegion(*destination) == nullptr) {
    return Refuse(Reason::kFieldInvalid, "no such region");
  }
  absl::MutexLock lock(&start_mutex_);
  ASSIGN_OR_RETURN(const std::vector<Migration> known, store_->List());
  for (const Migration& migration : known) {
    if (migration.id != id) continue;
    if (migration.destination != destination || migration.max_accounts != max_accounts) {
      return Refuse(Reason::kRequestIdReused);
    }
    return migration;
  }
  Migration migration{id, site_.Now(), destination, max_accounts, 0, false};
  migration.accounts = index_->Having(Standing::kEligible, destination, LimitOf(migration)).size();
  RETURN_IF_ERROR(store_->Put(migration));
  return migration;
}

absl::StatusOr<MigrationReport> Migrations::Get(const std::optional<RequestId>& id) {
  ASSIGN_OR_RETURN(const std::vector<Migration> known, store_->List());
  const auto it = id.has_value() ? std::ranges::find(known, *id, &Migration::id)
                                 : (known.empty() ? known.end() : known.end() - 1);
  if (it == known.end()) return Refuse(Reason::kStateNotReady, "no such migration");
  MigrationReport report;
  report.migration = *it;
  report.moves = index_->OfMigration(it->id);
  uint64_t open = 0;
  for (const MoveStatus& status : report.moves) {
    if (HasMoved(status.move)) {
      ++report.moved;
    } else if (status.move.step == MoveStep::kAborted) {
      ++report.failed;
    } else {
      ++open;
    }
  }
  if (it->enrolled) report.migration.accounts = report.moves.size();
  report.done = it->enrolled && open == 0;
  const auto fails = [](const MoveStatus& s) { return s.move.failure == Reason::kUnspecified; };
  std::ranges::stable_sort(report.moves, {}, fails);
  if (report.moves.size() > kReportedMoves) report.moves.resize(kReportedMoves);
  return report;
}

absl::Status Migrations::EnrolAll() {
  ASSIGN_OR_RETURN(std::vector<Migration> known, store_->List());
  for (Migration& migration : known) {
    if (!migration.enrolled) RETURN_IF_ERROR(EnrolOne(std::move(migration)));
  }
  return absl::OkStatus();
}

absl::Status Migrations::EnrolOne(Migration migration) {
  // Those that a crash left enrolled count towards the number asked for.
  size_t enrolled = index_->OfMigration(migration.id).size();
  const size_t limit = LimitOf(migration);
  for (const AccountId& account : index_->Having(Standing::kEligible, migration.destination,
                                                 limit - std::min(limit, enrolled))) {
    ASSIGN_OR_RETURN(const bool is_new, mover_->Enrol(account, migration.id));
    if (!is_new) continue;
    ++enrolled;
    enqueue_(account);
  }
  migration.accounts = enrolled;
  migration.enrolled = true;
  return store_->Put(migration);
}

}  // namespace comity::storage
