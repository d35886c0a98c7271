#include "services/custody/custody.h"

#include <algorithm>
#include <utility>

namespace comity::custody {
namespace {

constexpr size_t kDueAtOnce = 256;
// How long what did not work waits for the next try.
constexpr int64_t kRetryMs = kSecondMs;

}  // namespace

Custody::Custody(Site site, const RootKey& root, AccountStore* store, LeafLog* log,
                 PeerCustody* peers, size_t cached_accounts)
    : site_(std::move(site)),
      sealer_(root, site_.topology->deployment(), site_.region),
      cache_(cached_accounts),
      ledger_(&site_, store, log, &cache_, &agenda_),
      custodian_(&site_, &ledger_, &sealer_),
      data_keys_(&site_, &ledger_, &sealer_, &cache_),
      mover_(&site_, &ledger_, &sealer_, peers),
      messenger_(&site_, &ledger_, &mover_),
      importer_(&site_, &ledger_, &sealer_),
      legal_uses_(&site_, store, &ledger_, log, &sealer_) {}

void Custody::Tick(const std::function<bool()>& stopping) {
  importer_.DropExpired();
  const std::vector<AccountId> due = agenda_.TakeDue(site_.Now(), kDueAtOnce);
  for (const AccountId& id : due) {
    if (stopping()) {
      // Not done, so still due.
      agenda_.Postpone(id, site_.Now());
      continue;
    }
    const absl::Status driven = mover_.Drive(id, Mover::Scope::kUnlessBusy);
    const UnixMillis now = site_.Now();
    const absl::StatusOr<Account> account = ledger_.Load(id);
    if (!driven.ok() || !account.ok()) {
      agenda_.Postpone(id, now + kRetryMs);
    } else if (const auto next = NextDue(*account, now); next.has_value()) {
      // Due at once and yet nothing was done: somebody else is at it.
      agenda_.Postpone(id, std::max(*next, now + 1));
    }
  }
}

}  // namespace comity::custody
