#ifndef COMITY_STORAGE_ACCOUNT_INDEX_H_
#define COMITY_STORAGE_ACCOUNT_INDEX_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/topology/standing.h"
#include "services/storage/account_store.h"
#include "services/storage/site.h"

namespace comity::storage {

// One account of a plan.
struct PlannedAccount {
  AccountId account;
  std::string territory;
  UnixMillis notified_time = 0;
  StandingResult standing;
};

struct StandingCount {
  Standing standing = Standing::kStays;
  std::string territory;
  uint64_t accounts = 0;
};

// How one account of a migration stands.
struct MoveStatus {
  AccountId account;
  MoveRecord move;
};

// What maintenance and operators ask about all accounts, answered from memory: filled from the
// store at start and kept up by AccountStore's observer. Nothing that a request of an owner or a
// review depends on. Thread-safe. About 200 bytes an account.
class AccountIndex final {
 public:
  explicit AccountIndex(Site site) : site_(std::move(site)) {}

  absl::Status Load(AccountStore& accounts);
  // Null: forgotten.
  void Update(const AccountId& account, const SnapshotPtr& snapshot);

  // Accounts known here, closed ones not counted.
  uint64_t size() const;
  std::vector<StandingCount> Counts() const;
  // By id after `after`, at most `limit`.
  std::vector<PlannedAccount> Page(const std::optional<AccountId>& after, size_t limit) const;
  // Served accounts with this standing, by id; at most `limit`. Those whose keys alone move, to
  // where the data is, are never eligible here: custody moves them.
  std::vector<AccountId> Having(Standing standing, const std::optional<RegionId>& destination,
                                size_t limit) const;
  std::vector<AccountId> After(const std::optional<AccountId>& after, size_t limit) const;

  // Whether Having() may answer otherwise than it did at the last call with this: an account has
  // changed, or a date of the rules has come.
  bool MayHaveChanged(uint64_t& seen_changes, UnixMillis& seen_time) const;

  // Accounts that maintenance is to look at by now.
  std::vector<AccountId> Due(UnixMillis now) const;
  // Accounts with a move that is not finished.
  std::vector<AccountId> Moving() const;
  // Accounts of one migration, with their newest move.
  std::vector<MoveStatus> OfMigration(const RequestId& migration) const;

 private:
  struct Entry {
    AccountFacts facts;  // without the consent
    // Accounts of one territory sign the same words: shared.
    std::shared_ptr<const Consent> consent;
    UnixMillis consent_expiry = 0;
    UnixMillis notified_time = 0;
    AccountState state = AccountState::kActive;
    std::optional<UnixMillis> due;
    std::shared_ptr<const MoveRecord> move;
  };

  // Accounts of which the same is known have the same standing.
  using Alike =
      std::tuple<std::string, std::string, std::string, bool, bool, bool, bool, const Consent*>;
  static Alike KeyOf(const Entry& entry, UnixMillis now);
  // Decides each kind of account once.
  class Standings final {
   public:
    Standings(const Topology& topology, UnixMillis now) : topology_(topology), now_(now) {}
    const StandingResult& Of(const Entry& entry);

   private:
    const Topology& topology_;
    const UnixMillis now_;
    std::map<Alike, StandingResult> decided_;
  };
  void Remove(const AccountId& account) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  std::shared_ptr<const Consent> Share(const Consent& consent)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const Site site_;
  mutable absl::Mutex mutex_;
  std::map<AccountId, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<UnixMillis, AccountId>> due_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, std::shared_ptr<const Consent>> consents_ ABSL_GUARDED_BY(mutex_);
  uint64_t changes_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t closed_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_INDEX_H_
