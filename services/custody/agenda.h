#ifndef COMITY_CUSTODY_AGENDA_H_
#define COMITY_CUSTODY_AGENDA_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/common/topology/topology.h"
#include "services/custody/account.h"

namespace comity::custody {

// When something has to be done about the account without being asked: a closing that falls due, a
// move to be decided, an answer to be carried, a released copy to be destroyed. nullopt: never.
std::optional<UnixMillis> NextDue(const Account& account, const Topology& topology,
                                  const RegionId& region, UnixMillis now);

// Does it count as known here? Destroyed ones do not.
bool CountsAsKnown(const Account& account);

// Which accounts fall due when, in memory: rebuilt from the store at start, kept up by the ledger.
// Thread-safe.
class Agenda final {
 public:
  // After every commit. `due` is NextDue() of `after`.
  void Note(const Account& before, const Account& after, std::optional<UnixMillis> due);
  // Tries again later what did not work now.
  void Postpone(const AccountId& account, UnixMillis due);
  // Is due then at the latest.
  void Hasten(const AccountId& account, UnixMillis due);
  // At most `limit` accounts that are due, earliest first, taken off.
  std::vector<AccountId> TakeDue(UnixMillis now, size_t limit);
  uint64_t known_accounts() const;

 private:
  void Set(const AccountId& account, std::optional<UnixMillis> due)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<AccountId, UnixMillis> due_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<UnixMillis, AccountId>> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t known_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_AGENDA_H_
