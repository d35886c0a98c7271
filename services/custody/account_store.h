#ifndef COMITY_CUSTODY_ACCOUNT_STORE_H_
#define COMITY_CUSTODY_ACCOUNT_STORE_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/ids/ids.h"
#include "services/custody/account.h"
#include "services/custody/key_sealer.h"

namespace comity::custody {

// What a commit adds beside the account itself. Written once, read on its own or never.
struct CommitExtras {
  std::vector<LeafOpening> openings;
  std::optional<LegalUse> use;
};

// How far the accounts have been gone through whose keys are sealed anew under a new root key.
struct ResealMark {
  uint32_t generation = 0;  // of that root key; of another one it says nothing
  AccountId after;          // accounts up to this one, in the order of List(), are done
  uint64_t accounts = 0;    // how many these are
  uint64_t unreadable = 0;  // how many of them could not be read
  template <class Io, class Self>
  static void Fields(Io& io, Self& b) {
    io(16, b.generation), io(17, b.after), io(18, b.accounts), io(19, b.unreadable);
  }
};

// Where accounts are kept. Implementations are thread-safe; calls block. STORE_UNAVAILABLE,
// DATA_CORRUPT.
class AccountStore {
 public:
  virtual ~AccountStore() = default;

  // An account that was never stored comes back with its id and version 0. Where `keys` vouch for
  // the device chain its signatures are not verified once more; null: they always are.
  virtual absl::StatusOr<Account> Load(const AccountId& account, const KeySealer* keys) = 0;

  // The account without its history and without sealed bytes, for looking at all of them at start:
  // nothing of it may be committed.
  virtual absl::StatusOr<Account> Skim(const AccountId& account) = 0;

  // Replaces `before`, as it was loaded, by `after`, all or nothing and durably, and returns the
  // new version. Sealed keys that `after` lacks are deleted. CONFLICT, and nothing changed, when
  // something else was committed since, when a decision for that epoch or a use for that
  // authorisation is already there.
  // After STORE_UNAVAILABLE it is unknown whether it happened: load again.
  virtual absl::StatusOr<uint64_t> Commit(const Account& before, const Account& after,
                                          const CommitExtras& extras) = 0;

  virtual absl::StatusOr<std::optional<LegalUse>> FindUse(const AccountId& account,
                                                          const Digest& authorisation) = 0;

  // At most `limit` accounts that come after `cursor` (a zero id is before all) in the order of
  // their texts, for the start.
  virtual absl::StatusOr<std::vector<AccountId>> List(const AccountId& cursor, size_t limit) = 0;

  // The mark kept last; of generation 0 if there is none.
  virtual absl::StatusOr<ResealMark> LoadMark() = 0;
  virtual absl::Status KeepMark(const ResealMark& mark) = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ACCOUNT_STORE_H_
