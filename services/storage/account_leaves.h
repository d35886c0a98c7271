#ifndef COMITY_STORAGE_ACCOUNT_LEAVES_H_
#define COMITY_STORAGE_ACCOUNT_LEAVES_H_

#include <string_view>

#include "absl/status/status.h"

#include "services/common/clock/clock.h"
#include "services/common/ids/ids.h"
#include "services/storage/account_record.h"
#include "services/storage/account_store.h"
#include "services/storage/event_log.h"

namespace comity::storage {

// What a lifecycle leaf of an account hides: who it is about and which leaf came before, so that a
// holder of the openings sees a gap.
struct AccountEvent {
  AccountId account;
  uint64_t number = 0;  // from 0
  Digest previous;      // SHA-256 of the leaf before; zero for the first
  Digest about;         // digest of the statement that it tells of; zero if none
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.account), io(17, b.number), io(18, b.previous), io(19, b.about);
  }
};

// Writes lifecycle leaves: first into the log, then, with what they tell of, into the account. A
// crash in between leaves a leaf that tells of something that then happened later or not at all;
// nothing ever happens without its leaf.
class AccountLeaves final {
 public:
  // `log` and `clock` outlive this.
  AccountLeaves(RegionId region, EventLog* log, const Clock* clock)
      : region_(std::move(region)), log_(log), clock_(clock) {}

  // Logs `type` ("account.created") and adds the opening to `edit`. LOG_UNAVAILABLE.
  absl::Status Append(std::string_view type, const AccountId& account, const Digest& about,
                      AccountEdit& edit) const;

 private:
  const RegionId region_;
  EventLog* const log_;
  const Clock* const clock_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNT_LEAVES_H_
