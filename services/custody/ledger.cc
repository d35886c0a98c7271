#include "services/custody/ledger.h"

#include <algorithm>
#include <utility>

#include "services/common/encoding/canonical.h"
#include "services/common/log/merkle.h"
#include "services/common/status/macros.h"
#include "services/common/status/reason.h"
#include "services/common/topology/standing.h"
#include "services/custody/account_rules.h"
#include "services/custody/chain_entries.h"
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

absl::StatusOr<Account> Ledger::Load(const AccountId& account) const {
  return store_->Load(account, OpenKeys().get());
}

Vault::Keys Ledger::OpenKeys() const {
  absl::StatusOr<Vault::Keys> keys = vault_->Open();
  return keys.ok() ? *std::move(keys) : nullptr;
}

bool Ledger::Vouch(const Vault::Keys& keys, const Account& before, Account& after) {
  if (!after.chain.has_value()) return false;
  if (keys != nullptr) {
    after.chain_vouch = keys->Vouch(after.id, EncodeChain(after));
  } else if (!before.chain.has_value() || before.chain->head() != after.chain->head()) {
    // Sealed, and the chain is another one: whoever reads it next verifies it.
    after.chain_vouch.clear();
  }
  return after.chain_vouch != before.chain_vouch;
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
  // Those that it was planned with, also if custody was sealed since; kept until the commit.
  const Vault::Keys keys = plan.keys != nullptr ? plan.keys : OpenKeys();
  Vouch(keys, before, plan.after);
  agenda_->Begin(plan.after.id);
  absl::StatusOr<uint64_t> version = store_->Commit(before, plan.after, extras);
  // Also after an error: the commit may have happened all the same.
  cache_->Forget(plan.after.id);
  if (!version.ok()) {
    agenda_->Leave(plan.after.id);
    return version.status();
  }
  plan.after.version = *version;
  agenda_->Note(before, plan.after, DueOf(plan.after));
  return std::move(plan.after);
}

absl::StatusOr<Account> Ledger::Update(const AccountId& id, const Decide& decide) {
  absl::Status conflict;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    ASSIGN_OR_RETURN(Account before, Load(id));
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

absl::Status Ledger::Reseal(const AccountId& id, const Vault::Keys& keys,
                            const std::function<bool(Account& account)>& reseal) {
  int conflicts = 0;
  while (true) {
    ASSIGN_OR_RETURN(const Account before, Load(id));
    Account after = before;
    if (!before.exists()) return absl::OkStatus();
    const bool resealed = reseal(after);
    // Also for an account that has no keys: what the root before vouched for is nothing afterwards.
    if (!Vouch(keys, before, after) && !resealed) return absl::OkStatus();
    const absl::StatusOr<uint64_t> version = store_->Commit(before, after, {});
    if (version.ok()) continue;
    if (ReasonOf(version.status()) != Reason::kConflict || ++conflicts == kAttempts) {
      return version.status();
    }
  }
}

absl::StatusOr<Agenda::Counted> Ledger::Count(const AccountId& id) const {
  ASSIGN_OR_RETURN(const Account account, store_->Skim(id));
  Agenda::Counted counted{.account = id, .known = CountsAsKnown(account), .due = DueOf(account)};
  // What stands in the history is not read here: such accounts are looked at whole, at once.
  // Whether a device has read its data back;
  const bool is_read_back = account.released() && HoldsKeysOf(account, account.epoch);
  // the consent that keeps an account from being suspended;
  const bool is_suspended =
      account.presence == Presence::kActive && account.rotation_days != 0 &&
      !NextRotationTime(account, *site_->topology, site_->region, site_->Now()).has_value();
  // a consent to move the keys to where the data is, of which none is taken before such a move is
  // announced.
  const bool moves_keys =
      account.presence == Presence::kActive && account.data_region.has_value() &&
      !DecideStanding(*site_->topology, FactsOf(account, site_->region), site_->Now())
           .scheduled_region.name()
           .empty();
  if (is_read_back || is_suspended || moves_keys) {
    counted.due = std::min(counted.due.value_or(site_->Now()), site_->Now());
  }
  return counted;
}

absl::Status Ledger::CountSome() {
  const Agenda::Page page = agenda_->BeginPage(kListPage);
  std::vector<AccountId> accounts = page.again;
  if (accounts.empty()) {
    ASSIGN_OR_RETURN(accounts, store_->List(page.cursor, kListPage));
  }
  std::vector<Agenda::Counted> counted;
  counted.reserve(accounts.size());
  for (const AccountId& id : accounts) {
    absl::StatusOr<Agenda::Counted> account = Count(id);
    if (account.ok()) {
      counted.push_back(*std::move(account));
    } else if (ReasonOf(account.status()) == Reason::kDataCorrupt) {
      if (site_->report) site_->report("an account cannot be read", account.status());
    } else {
      return account.status();
    }
  }
  agenda_->EndPage(page, accounts, counted, accounts.size() < kListPage);
  return absl::OkStatus();
}

}  // namespace comity::custody
