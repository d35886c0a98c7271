#include "services/storage/account_store.h"

#include <algorithm>
#include <utility>

#include "services/common/status/macros.h"
#include "services/common/status/reason.h"

namespace comity::storage {

AccountSnapshot::~AccountSnapshot() = default;

const DeviceChain* AccountSnapshot::chain() const {
  absl::MutexLock lock(&chain_mutex_);
  if (chain_ == nullptr) {
    absl::StatusOr<DeviceChain> verified = DeviceChain::Verify(account, chain_entries);
    if (!verified.ok()) return nullptr;
    chain_ = std::make_unique<const DeviceChain>(*std::move(verified));
  }
  return chain_.get();
}

void AccountEdit::Keep(const AccountSnapshot* from, const Statement& statement) {
  if (from != nullptr && from->view.Has(statement.digest())) return;
  if (std::ranges::find(new_statements, statement) != new_statements.end()) return;
  new_statements.push_back(statement);
}

absl::StatusOr<SnapshotPtr> AccountStore::Update(const AccountId& account, const Decide& decide) {
  constexpr int kTries = 16;
  absl::MutexLock lock(&stripes_[static_cast<uint8_t>(account.bytes()[0]) % stripes_.size()]);
  for (int i = 0; i < kTries; ++i) {
    ASSIGN_OR_RETURN(const SnapshotPtr before, Load(account));
    ASSIGN_OR_RETURN(const std::optional<AccountEdit> edit, decide(before.get()));
    if (!edit.has_value()) return before;
    const absl::Status committed = Commit(account, before.get(), *edit);
    if (ReasonOf(committed) == Reason::kConflict) continue;
    RETURN_IF_ERROR(committed);
    ASSIGN_OR_RETURN(SnapshotPtr after, Load(account));
    if (observer_ != nullptr) observer_(account, after);
    return after;
  }
  return Refuse(Reason::kConflict, "the account changes too often");
}

absl::Status AccountStore::Erase(const AccountSnapshot& from) {
  absl::MutexLock lock(&stripes_[static_cast<uint8_t>(from.account.bytes()[0]) % stripes_.size()]);
  RETURN_IF_ERROR(Forget(from.account, from));
  if (observer_ != nullptr) observer_(from.account, nullptr);
  return absl::OkStatus();
}

}  // namespace comity::storage
