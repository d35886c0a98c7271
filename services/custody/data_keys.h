#ifndef COMITY_CUSTODY_DATA_KEYS_H_
#define COMITY_CUSTODY_DATA_KEYS_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/custody/budgets.h"
#include "services/custody/key_cache.h"
#include "services/custody/key_context.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

inline constexpr size_t kMaxBatch = 1'024;
inline constexpr size_t kMaxRewrapBatch = 10'000;

struct GeneratedKey {
  SecretBytes plaintext;
  std::string wrapped;
};
struct PlainKey {
  KeyContext context;
  SecretBytes plaintext;  // kDataKeySize bytes
};
struct WrappedKey {
  KeyContext context;
  std::string wrapped;
};

// Makes, wraps and opens the data keys of one account for its devices. Nothing is stored. A call
// for an account in the cache touches no store; the first one after a change loads it.
// All calls: ACCOUNT_NOT_YOURS unless the caller is an active device of the account, also when
// there is no such account; ACCOUNT_NOT_HERE after a move; KEY_DESTROYED after closing. SEALED, to
// everybody; what is under way when custody is sealed is refused at its end. RATE_LIMITED, for the
// account, for the reason it is used for, and for a caller who has accounts loaded too often.
// Thread-safe. What it is given outlives it.
class DataKeys final {
 public:
  DataKeys(const Site* site, const Ledger* ledger, const Vault* vault, KeyCache* cache)
      : site_(site), ledger_(ledger), vault_(vault), cache_(cache) {}

  // May a call for this account run where blocking is not allowed?
  bool IsCached(const AccountId& account) const { return cache_->Find(account) != nullptr; }

  // Generate and Wrap also: ACCOUNT_CLOSING, ACCOUNT_SUSPENDED; KEY_DISABLED when no version wraps.
  absl::StatusOr<std::vector<GeneratedKey>> Generate(const Authorization& authorization,
                                                     const AccountId& account, UseReason reason,
                                                     const std::vector<KeyContext>& contexts);
  absl::StatusOr<std::vector<std::string>> Wrap(const Authorization& authorization,
                                                const AccountId& account, UseReason reason,
                                                const std::vector<PlainKey>& keys);
  // All or nothing: DATA_CORRUPT for every way in which a wrap fails to open, KEY_DISABLED and
  // KEY_DESTROYED for one under a version that was here.
  absl::StatusOr<std::vector<SecretBytes>> Unwrap(const Authorization& authorization,
                                                  const AccountId& account, UseReason reason,
                                                  const std::vector<WrappedKey>& keys);
  // As Wrap, for what is wrapped already: under the newest version, if it is not. One outcome for
  // each: DATA_CORRUPT, KEY_DISABLED, KEY_DESTROYED as of Unwrap.
  using Rewrapped = std::vector<absl::StatusOr<std::string>>;
  absl::StatusOr<Rewrapped> Rewrap(const Authorization& authorization, const AccountId& account,
                                   UseReason reason, const std::vector<WrappedKey>& keys);

 private:
  using Opened = std::shared_ptr<const OpenAccount>;
  // Taken from the cache or loaded, which counts as a call of the caller's, once.
  absl::StatusOr<Opened> Open(const Authorization& authorization, const AccountId& account,
                              bool& is_loaded);
  // Runs `use` on a view of the account that is still true when the use is over. `taken` is taken
  // once, and of its devices alone: no stranger uses up what an account may.
  template <typename Result, typename Use>
  absl::StatusOr<Result> WithAccount(const Authorization& authorization, const AccountId& account,
                                     const KeyUse& taken, const Use& use);

  const Site* const site_;
  const Ledger* const ledger_;
  const Vault* const vault_;
  KeyCache* const cache_;
};

// Opens those keys of a stored account that may be used. DATA_CORRUPT.
absl::StatusOr<std::shared_ptr<const OpenAccount>> OpenStoredAccount(const Account& account,
                                                                     const KeySealer& sealer,
                                                                     const RegionId& region);
// Opens one wrap with the keys of the account. DATA_CORRUPT, KEY_DISABLED, KEY_DESTROYED.
absl::StatusOr<SecretBytes> OpenDataKey(const OpenAccount& account, const KeyContext& context,
                                        const std::string& wrapped);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_DATA_KEYS_H_
