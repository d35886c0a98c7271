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

// Which accounts fall due when, and how many there are, in memory: counted anew from the store
// while custody serves already, kept up by the ledger. Thread-safe.
//
// The count goes through the store in the order of the ids' texts, a page at a time. Whoever
// commits says so before and after. An account that somebody commits while its page is being read
// may have been read as it was before or as it is after, which nobody can tell: it is put back and
// read again when all others are counted. A commit changes the number of accounts only if its
// account is counted.
class Agenda final {
 public:
  // Around each commit: Begin() before anything of it can be seen, then Note() when it is done, or
  // Leave() when it failed or nobody knows. `due` is NextDue() of `after`.
  void Begin(const AccountId& account);
  void Note(const Account& before, const Account& after, std::optional<UnixMillis> due);
  void Leave(const AccountId& account);

  // One account of a page, as it was read.
  struct Counted {
    AccountId account;
    bool known = false;
    std::optional<UnixMillis> due;
  };
  // Begins a count, once. Until then every account that is noted counts as counted.
  void BeginCount();
  bool counting() const;
  // What to read next: accounts that were put back, or, if that is empty, those of the store that
  // come after `cursor`. One page at a time.
  struct Page {
    std::vector<AccountId> again;
    AccountId cursor;
  };
  Page BeginPage(size_t limit);
  // What was read of the page; `last`: nothing of the store comes after it. Accounts that could not
  // be read are left out.
  void EndPage(const Page& page, const std::vector<AccountId>& accounts,
               const std::vector<Counted>& counted, bool last);

  // Tries again later what did not work now.
  void Postpone(const AccountId& account, UnixMillis due);
  // At most `limit` accounts that are due, earliest first, taken off.
  std::vector<AccountId> TakeDue(UnixMillis now, size_t limit);
  uint64_t known_accounts() const;

 private:
  void Set(const AccountId& account, std::optional<UnixMillis> due)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  bool IsCounted(const AccountId& account) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void End(const AccountId& account) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  mutable absl::Mutex mutex_;
  std::map<AccountId, UnixMillis> due_ ABSL_GUARDED_BY(mutex_);
  std::set<std::pair<UnixMillis, AccountId>> queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t known_ ABSL_GUARDED_BY(mutex_) = 0;

  // A count under way; all empty without one.
  bool counting_ ABSL_GUARDED_BY(mutex_) = false;
  bool all_read_ ABSL_GUARDED_BY(mutex_) = false;  // but for those put back
  AccountId cursor_ ABSL_GUARDED_BY(mutex_);       // the last account of the pages so far
  std::set<AccountId> again_ ABSL_GUARDED_BY(mutex_);
  std::map<AccountId, int> commits_ ABSL_GUARDED_BY(mutex_);  // that have begun and not ended
  std::set<AccountId> touched_ ABSL_GUARDED_BY(mutex_);       // since the page began
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_AGENDA_H_
