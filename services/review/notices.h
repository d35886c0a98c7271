#ifndef COMITY_REVIEW_NOTICES_H_
#define COMITY_REVIEW_NOTICES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/statement/device_chain.h"
#include "services/review/case.h"
#include "services/review/notice_store.h"
#include "services/review/own_storage.h"
#include "services/review/site.h"

// Telling users (docs/review.md, "Notice"). Notice is the rule and comes before anything is
// produced; only an instrument with an end date delays it.
namespace comity::review {

// Rule 16: a bar counts for a year at most.
inline constexpr int64_t kLongestBar = 365 * kDayMs;
// Until when the request bars notice; 0: it does not, at `now`.
UnixMillis BarredUntil(const Case& c, UnixMillis now);

// The accounts whose users a case concerns. One that moves away later is still told, here.
std::vector<AccountId> ConcernedAccounts(const Case& c);

// What one change means for the users.
struct NoticePlan {
  std::string_view slot;       // empty: no notice now
  Notice body;                 // the same for each concerned account
  std::string_view leaf_kind;  // empty: no leaf
};
// Decides what `event`, which led from `before` to `after`, means, and notes in `after` whether the
// users know and when a bar ends. Where nobody is concerned nothing is told. Pure.
NoticePlan PlanNotice(const Case& before, const Event& event, Case& after);

// Thread-safe. What it is given outlives it.
class Notices final {
 public:
  Notices(const Site* site, NoticeStore* store, OwnStorage* storage)
      : site_(site), store_(store), storage_(storage) {}

  // Signs and keeps the plan's notice for each account that the case concerns.
  absl::Status Give(const Case& c, const NoticePlan& plan);

  // To a device of the account: its notices, oldest first. `chain` may be empty only when storage
  // knows the account. ACCOUNT_NOT_YOURS, CHAIN_FORKED.
  absl::StatusOr<std::vector<Statement>> List(const Authorization& device, const AccountId& account,
                                              const std::vector<Statement>& chain);

  // The account's devices, by the longest chain known: an older one would let a device speak that
  // has been revoked since. ACCOUNT_NOT_YOURS when there is none.
  absl::StatusOr<DeviceChain> FindChain(const AccountId& account,
                                        const std::vector<Statement>& presented,
                                        std::string_view case_id);

 private:
  const Site* const site_;
  NoticeStore* const store_;
  OwnStorage* const storage_;
};

}  // namespace comity::review

#endif  // COMITY_REVIEW_NOTICES_H_
