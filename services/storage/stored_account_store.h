#ifndef COMITY_STORAGE_STORED_ACCOUNT_STORE_H_
#define COMITY_STORAGE_STORED_ACCOUNT_STORE_H_

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/store/record_store.h"
#include "services/storage/account_store.h"

namespace comity::storage {

// AccountStore over partitions "storage/<account>". Keys: "account"; "chain"; "s/<number>" (the
// history); "leaf/<number>"; "fence"; "move"; "incoming"; "bucket/<two hex digits>"; and what
// legal uses keep there (stored_legal_store.h). Snapshots are cached: a load reads one small record
// and, when the partition's version is that of the cached snapshot, nothing more.
class StoredAccountStore final : public AccountStore {
 public:
  // `records` outlives the store.
  explicit StoredAccountStore(RecordStore* records, size_t cached_accounts = 16'384)
      : records_(records), capacity_(cached_accounts) {}

  absl::StatusOr<SnapshotPtr> Load(const AccountId& account) override;
  absl::StatusOr<std::optional<AccountInfo>> Peek(const AccountId& account) override;
  absl::Status Commit(const AccountId& account, const AccountSnapshot* from,
                      const AccountEdit& edit) override;
  absl::Status Forget(const AccountId& account, const AccountSnapshot& from) override;
  absl::Status ForEach(const std::function<void(const SnapshotPtr&)>& visit) override;

 private:
  absl::StatusOr<SnapshotPtr> Read(const AccountId& account);
  SnapshotPtr FindCached(const AccountId& account, uint64_t version);
  void Cache(const SnapshotPtr& snapshot);

  RecordStore* const records_;
  const size_t capacity_;
  absl::Mutex mutex_;
  std::list<SnapshotPtr> recent_ ABSL_GUARDED_BY(mutex_);  // newest first
  std::map<AccountId, std::list<SnapshotPtr>::iterator> cache_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_STORED_ACCOUNT_STORE_H_
