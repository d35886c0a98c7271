#include "services/storage/notifier.h"

#include <optional>
#include <utility>

#include "services/common/status/macros.h"
#include "services/storage/account_rules.h"

namespace comity::storage {

absl::Status Notifier::Tick(const std::function<bool()>& stop) {
  constexpr size_t kBatch = 256;
  uint64_t changes = seen_changes_;
  UnixMillis time = seen_time_;
  if (!index_->MayHaveChanged(changes, time)) return absl::OkStatus();
  for (;;) {
    const std::vector<AccountId> accounts =
        index_->Having(Standing::kToBeNotified, std::nullopt, kBatch);
    bool progress = false;
    for (const AccountId& account : accounts) {
      if (stop()) return absl::OkStatus();
      const auto notify =
          [&](const AccountSnapshot* known) -> absl::StatusOr<std::optional<AccountEdit>> {
        const UnixMillis now = site_.Now();
        if (known == nullptr || StandingOf(*site_.topology, site_.region, *known, now).standing !=
                                    Standing::kToBeNotified) {
          return std::optional<AccountEdit>();
        }
        AccountEdit edit(*known);
        RETURN_IF_ERROR(site_.leaves->Append("account.notified", account, Digest(), edit));
        edit.info.notified_time = now;
        progress = true;
        return std::optional<AccountEdit>(std::move(edit));
      };
      RETURN_IF_ERROR(accounts_->Update(account, notify).status());
    }
    if (accounts.size() < kBatch || !progress) break;
  }
  // Only a sweep that came to its end counts as seen.
  seen_changes_ = changes;
  seen_time_ = time;
  return absl::OkStatus();
}

}  // namespace comity::storage
