#ifndef COMITY_STORAGE_ACCOUNT_STORE_H_
#define COMITY_STORAGE_ACCOUNT_STORE_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

#include "services/common/ids/ids.h"
#include "services/common/statement/device_chain.h"
#include "services/storage/account_record.h"
#include "services/storage/account_view.h"

namespace comity::storage {

// One consistent view of an account's partition. Immutable; shared.
struct AccountSnapshot {
  uint64_t version = 0;
  AccountId account;
  AccountInfo info;
  std::vector<Statement> history;  // verified when kept, oldest first
  AccountView view;
  std::optional<Fence> fence;
  std::optional<MoveRecord> move;
  std::optional<IncomingRecord> incoming;
  std::set<uint8_t> buckets;  // where objects may be

  // Verified on first use and then kept. Null only when the store was tampered with.
  const DeviceChain* chain() const;
  std::vector<Statement> chain_entries;

  AccountSnapshot() = default;
  ~AccountSnapshot();
  AccountSnapshot(const AccountSnapshot&) = delete;
  AccountSnapshot& operator=(const AccountSnapshot&) = delete;

 private:
  mutable absl::Mutex chain_mutex_;
  mutable std::unique_ptr<const DeviceChain> chain_;
};
using SnapshotPtr = std::shared_ptr<const AccountSnapshot>;

// What becomes of an account in one commit: starts as it is, and is changed field by field.
struct AccountEdit {
  AccountEdit() = default;
  explicit AccountEdit(const AccountSnapshot& from)
      : info(from.info), fence(from.fence), move(from.move), incoming(from.incoming) {}

  AccountInfo info;
  std::optional<Fence> fence;
  std::optional<MoveRecord> move;
  std::optional<IncomingRecord> incoming;
  std::optional<std::vector<Statement>> chain_entries;  // the whole chain, when it changes
  std::vector<Statement> new_statements;                // appended to the history
  std::vector<uint8_t> new_buckets;
  std::vector<LeafOpening> new_leaves;
  // Adds a statement to the history unless `from` or this edit has it.
  void Keep(const AccountSnapshot* from, const Statement& statement);
};

// Where accounts are kept. Thread-safe; calls block. STORE_UNAVAILABLE, DATA_CORRUPT.
class AccountStore {
 public:
  virtual ~AccountStore() = default;

  // Null when this storage knows nothing of the account.
  virtual absl::StatusOr<SnapshotPtr> Load(const AccountId& account) = 0;
  // Only whether the account is served here, from one small record: what a caller learns nothing
  // from the duration of.
  virtual absl::StatusOr<std::optional<AccountInfo>> Peek(const AccountId& account) = 0;
  // Applies `edit` if the account is still as in `from` (null: absent), else CONFLICT.
  virtual absl::Status Commit(const AccountId& account, const AccountSnapshot* from,
                              const AccountEdit& edit) = 0;
  // Forgets the account, its history and the openings of its leaves, if it is still as in `from`.
  virtual absl::Status Forget(const AccountId& account, const AccountSnapshot& from) = 0;
  // Every known account once, in no order, without caching: at start and for maintenance.
  virtual absl::Status ForEach(const std::function<void(const SnapshotPtr&)>& visit) = 0;

  // Reads, decides and commits as one step: `decide` is called again when somebody else came in
  // between. It returns nothing when there is nothing to change. The account as it is afterwards is
  // returned. `decide` may log and sign, but must not call Update itself.
  using Decide =
      std::function<absl::StatusOr<std::optional<AccountEdit>>(const AccountSnapshot* account)>;
  absl::StatusOr<SnapshotPtr> Update(const AccountId& account, const Decide& decide);
  // Forget() as a step of its own, told to the observer.
  absl::Status Erase(const AccountSnapshot& from);

  // Told of each account that this process changed; null when it was forgotten.
  using Observer = std::function<void(const AccountId& account, const SnapshotPtr&)>;
  void SetObserver(Observer observer) { observer_ = std::move(observer); }

 private:
  // One at a time per account in this process, so that CONFLICT, which would cost a second leaf in
  // the log, is left to other processes.
  std::array<absl::Mutex, 64> stripes_;
  Observer observer_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_STORE_H_
