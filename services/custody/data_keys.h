#ifndef COMITY_CUSTODY_DATA_KEYS_H_
#define COMITY_CUSTODY_DATA_KEYS_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/secret/secret.h"
#include "services/common/statement/key_grant.h"
#include "services/custody/budgets.h"
#include "services/custody/key_cache.h"
#include "services/custody/key_context.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

inline constexpr size_t kMaxBatch = 1'024;
inline constexpr size_t kMaxRewrapBatch = 10'000;

// What comes back of a data key that is made. Numbers as in the proto.
enum class DataKeyForm : uint8_t { kPlaintextAndWrap = 1, kWrapAlone = 2 };

struct GeneratedKey {
  SecretBytes plaintext;  // empty for kWrapAlone
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
inline const KeyContext& ContextOf(const KeyContext& context) { return context; }
inline const KeyContext& ContextOf(const PlainKey& key) { return key.context; }
inline const KeyContext& ContextOf(const WrappedKey& key) { return key.context; }

// A grant that the caller names; empty: the caller is a device of the account itself.
using NamedGrant = std::optional<GrantId>;

// Makes, wraps and opens the data keys of one account for its devices, and for those of another one
// under a grant of its owner. Nothing is stored. A call for accounts in the cache touches no store;
// the first one after a change loads them.
// All calls: ACCOUNT_NOT_YOURS unless the caller is an active device of the account, or, with a
// grant, of the one that it names and that is active here: also when there is no such account or
// grant. ACCOUNT_NOT_HERE after a move; KEY_DESTROYED after closing. SEALED, to everybody; what is
// under way when custody is sealed is refused at its end. RATE_LIMITED, for the account, for the
// grantee's, for the reason it is used for, and for a caller who has accounts loaded too often. To
// the grantee alone: GRANT_NOT_IN_FORCE; GRANT_EXCEEDED when it does not cover all that is asked.
// Thread-safe. What it is given outlives it.
class DataKeys final {
 public:
  DataKeys(const Site* site, const Ledger* ledger, const Vault* vault, KeyCache* cache)
      : site_(site), ledger_(ledger), vault_(vault), cache_(cache) {}

  // May a call for this account run where blocking is not allowed?
  bool IsCached(const AccountId& account) const { return cache_->Find(account) != nullptr; }
  // The same under a grant: for the grantee's account as well.
  bool IsCached(const AccountId& account, const GrantId& grant) const;

  // Generate and Wrap also: ACCOUNT_CLOSING, ACCOUNT_SUSPENDED; KEY_DISABLED when no version wraps.
  absl::StatusOr<std::vector<GeneratedKey>> Generate(
      const Authorization& authorization, const AccountId& account, UseReason reason,
      const std::vector<KeyContext>& contexts, const NamedGrant& grant = std::nullopt,
      DataKeyForm form = DataKeyForm::kPlaintextAndWrap);
  absl::StatusOr<std::vector<std::string>> Wrap(const Authorization& authorization,
                                                const AccountId& account, UseReason reason,
                                                const std::vector<PlainKey>& keys,
                                                const NamedGrant& grant = std::nullopt);
  // All or nothing: DATA_CORRUPT for every way in which a wrap fails to open, KEY_DISABLED and
  // KEY_DESTROYED for one under a version that was here.
  absl::StatusOr<std::vector<SecretBytes>> Unwrap(const Authorization& authorization,
                                                  const AccountId& account, UseReason reason,
                                                  const std::vector<WrappedKey>& keys,
                                                  const NamedGrant& grant = std::nullopt);
  // As Wrap, for what is wrapped already: under the newest version, if it is not. One outcome for
  // each: DATA_CORRUPT, KEY_DISABLED, KEY_DESTROYED as of Unwrap.
  using Rewrapped = std::vector<absl::StatusOr<std::string>>;
  absl::StatusOr<Rewrapped> Rewrap(const Authorization& authorization, const AccountId& account,
                                   UseReason reason, const std::vector<WrappedKey>& keys,
                                   const NamedGrant& grant = std::nullopt);

 private:
  using Opened = std::shared_ptr<const OpenAccount>;
  // Taken from the cache or loaded, which counts as a call of the caller's, once.
  absl::StatusOr<Opened> Open(const Authorization& authorization, const AccountId& account,
                              bool& is_loaded);
  // What a call asks for.
  struct Request {
    KeyOperation operation;
    UseReason reason;
    const NamedGrant& grant;
  };
  // The account whose devices the grant lets in, opened. ACCOUNT_NOT_YOURS when there is no such
  // grant, or the caller is none of them.
  absl::StatusOr<Opened> OpenGrantee(const Authorization& authorization, const OpenAccount& owner,
                                     const GrantId& grant, bool& is_loaded);
  // Runs `use` on a view of the account that is still true when the use is over. What `items` take
  // is taken once, and of those alone who may use the key: no stranger uses up what an account may.
  template <typename Result, typename Item, typename Use>
  absl::StatusOr<Result> WithAccount(const Authorization& authorization, const AccountId& account,
                                     const Request& request, const std::vector<Item>& items,
                                     const Use& use);

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
