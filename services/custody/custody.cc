#include "services/custody/custody.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "services/common/status/macros.h"

namespace comity::custody {
namespace {

using Steady = std::chrono::steady_clock;

constexpr size_t kDueAtOnce = 256;
// How long what did not work waits for the next try.
constexpr int64_t kRetryMs = kSecondMs;
constexpr int64_t kSealedRetryMs = kMinuteMs;

}  // namespace

Custody::Custody(Site site, Seal* seal, AccountStore* store, LeafLog* log, PeerCustody* peers,
                 size_t cached_accounts)
    : site_(std::move(site)),
      cache_(cached_accounts),
      vault_(&site_, seal, log,
             [this] {
               cache_.Clear();
               importer_.DropAll();
             }),
      ledger_(&site_, store, log, &vault_, &cache_, &agenda_),
      custodian_(&site_, &ledger_, &vault_),
      key_versions_(&site_, &ledger_, &vault_),
      key_grants_(&site_, &ledger_),
      data_keys_(&site_, &ledger_, &vault_, &cache_),
      mover_(&site_, &ledger_, &vault_, peers),
      messenger_(&site_, &ledger_, &mover_, peers),
      importer_(&site_, &ledger_, &vault_),
      legal_uses_(&site_, store, &ledger_, log, &vault_),
      root_rotation_(&site_, store, &ledger_, &vault_) {}

absl::Status Custody::Start(std::chrono::milliseconds counting) {
  RETURN_IF_ERROR(vault_.Start());
  agenda_.BeginCount();
  const Steady::time_point end = Steady::now() + counting;
  while (agenda_.counting() && Steady::now() < end) RETURN_IF_ERROR(ledger_.CountSome());
  return absl::OkStatus();
}

void Custody::Tick(const std::function<bool()>& stopping) {
  while (true) {
    // Nothing of this waits until all accounts are counted.
    vault_.CheckLease();
    vault_.Tick();
    importer_.DropExpired();
    root_rotation_.Tick(stopping);
    DriveDue(stopping);
    if (!agenda_.counting() || stopping()) return;
    if (const absl::Status counted = ledger_.CountSome(); !counted.ok()) {
      if (site_.report) site_.report("counting accounts postponed", counted);
      return;
    }
  }
}

void Custody::DriveDue(const std::function<bool()>& stopping) {
  const std::vector<AccountId> due = agenda_.TakeDue(site_.Now(), kDueAtOnce);
  for (const AccountId& id : due) {
    if (stopping()) {
      // Not done, so still due.
      agenda_.Postpone(id, site_.Now());
      continue;
    }
    // Whoever does not answer must not keep keys in memory for longer than he can be waited for.
    vault_.CheckLease();
    const absl::Status driven = mover_.Drive(id, Mover::Scope::kUnlessBusy);
    const UnixMillis now = site_.Now();
    const absl::StatusOr<Account> account = ledger_.Load(id);
    if (!driven.ok() || !account.ok()) {
      agenda_.Postpone(id, now + kRetryMs);
    } else if (const auto next = NextDue(*account, *site_.topology, site_.region, now);
               next.has_value()) {
      // Due at once and yet nothing was done: somebody else is at it, or it waits for custody to be
      // opened, which accounts that can get on must not wait for.
      const int64_t wait = vault_.CheckOpen().ok() ? 1 : kSealedRetryMs;
      agenda_.Postpone(id, *next > now ? *next : now + wait);
    }
  }
}

}  // namespace comity::custody
