#include "services/custody/ledger.h"

#include <utility>

#include "services/common/encoding/canonical.h"
#include "services/common/log/merkle.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/custody/account_rules.h"
#include "services/custody/key_versions.h"
#include "services/custody/leaves.h"

namespace comity::custody {
namespace {

constexpr int kAttempts = 16;
constexpr size_t kListPage = 1'000;

}  // namespace

std::optional<UnixMillis> Ledger::DueOf(const Account& account) const {
  return NextDue(account, *site_->topology, site_->region, site_->Now());
}

absl::StatusOr<std::vector<LeafOpening>> Ledger::WriteLeaves(const std::vector<LeafPlan>& leaves,
                                                             Account& account) {
  std::vector<LeafOpening> openings;
  std::vector<std::string> bytes;
  for (const LeafPlan& leaf : leaves) {
    openings.push_back(MakeLifecycleLeaf(*site_, account, leaf.type, leaf.about));
    bytes.push_back(openings.back().leaf);
    account.leaves = openings.back().number;
    account.last_leaf = merkle::LeafHash(openings.back().leaf);
  }
  if (bytes.empty()) {
    return openings;
  }
  ASSIGN_OR_RETURN(const std::vector<LogReceipt> receipts, log_->Append(bytes));
  for (size_t i = 0; i < openings.size(); ++i) {
    openings[i].log_index = receipts[i].index;
  }
  return openings;
}

absl::StatusOr<Account> Ledger::Perform(const Account& before, Plan plan) {
  CommitExtras extras;
  extras.use = std::move(plan.use);
  ASSIGN_OR_RETURN(extras.openings, WriteLeaves(plan.leaves, plan.after));
  absl::StatusOr<uint64_t> version = store_->Commit(before, plan.after, extras);
  // Also after an error: the commit may have happened all the same.
  cache_->Forget(plan.after.id);
  if (!version.ok()) {
    return version.status();
  }
  plan.after.version = *version;
  agenda_->Note(before, plan.after, DueOf(plan.after));
  return std::move(plan.after);
}

absl::StatusOr<Account> Ledger::Update(const AccountId& id, const Decide& decide) {
  absl::Status conflict;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(Account before, store_->Load(id));
    Plan plan(before);
    RETURN_IF_ERROR(decide(plan));
    if (!plan.changed) {
      return before;
    }
    absl::StatusOr<Account> after = Perform(before, std::move(plan));
    if (after.ok() || ReasonOf(after.status()) != Reason::kConflict) {
      return after;
    }
    conflict = after.status();
  }
  return conflict;
}

absl::Status Ledger::Recount() {
  AccountId cursor;
  while (true) {
    ASSIGN_OR_RETURN(const std::vector<AccountId> page, store_->List(cursor, kListPage));
    for (const AccountId& id : page) {
      ASSIGN_OR_RETURN(const Account account, store_->Skim(id));
      agenda_->Note(Account{.id = id}, account, DueOf(account));
      if (account.released() && HoldsKeysOf(account, account.epoch)) {
        // Whether a device has read its data back stands in the history, which is not read here.
        agenda_->Hasten(id, site_->Now());
      }
      if (account.presence == Presence::kActive && account.rotation_days != 0 &&
          !NextRotationTime(account, *site_->topology, site_->region, site_->Now()).has_value()) {
        // So does the consent that keeps an account from being suspended.
        agenda_->Hasten(id, site_->Now());
      }
      if (account.presence == Presence::kActive && account.data_region.has_value() &&
          !DecideStanding(*site_->topology, FactsOf(account, site_->region), site_->Now())
               .scheduled_region.name()
               .empty()) {
        // As does a consent to move the keys to where the data is; none is taken before such a move
        // is announced.
        agenda_->Hasten(id, site_->Now());
      }
    }
    if (page.size() < kListPage) {
      return absl::OkStatus();
    }
    cursor = page.back();
  }
}

}  // namespace comity::custody
