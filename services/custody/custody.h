#ifndef COMITY_CUSTODY_CUSTODY_H_
#define COMITY_CUSTODY_CUSTODY_H_

#include <chrono>
#include <functional>
#include <string>

#include "absl/status/status.h"

#include "services/custody/account_store.h"
#include "services/custody/agenda.h"
#include "services/custody/custodian.h"
#include "services/custody/data_keys.h"
#include "services/custody/importer.h"
#include "services/custody/key_cache.h"
#include "services/custody/key_grants.h"
#include "services/custody/key_versions.h"
#include "services/custody/leaf_log.h"
#include "services/custody/ledger.h"
#include "services/custody/legal_use.h"
#include "services/custody/messenger.h"
#include "services/custody/mover.h"
#include "services/custody/peer_custody.h"
#include "services/custody/root_rotation.h"
#include "services/custody/seal.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// How many accounts keep their keys opened in memory.
inline constexpr size_t kCachedAccounts = 16'384;
// How long a start counts accounts before anything is served. Where there are few, all are counted
// before anybody asks how many there are; many are counted beside the calls.
inline constexpr std::chrono::milliseconds kCountAtStart{500};

// One custody, put together from its parts; runs without a server. Everything that it is given
// outlives it. Thread-safe after Start().
class Custody final {
 public:
  Custody(Site site, Seal* seal, AccountStore* store, LeafLog* log, PeerCustody* peers,
          size_t cached_accounts = kCachedAccounts);
  Custody(const Custody&) = delete;
  Custody& operator=(const Custody&) = delete;

  // Opens the seal if it opens by itself, and begins to count the stored accounts, for as long as
  // `counting`, or until it has all; Tick() goes on. Before the first call.
  absl::Status Start(std::chrono::milliseconds counting = kCountAtStart);

  // What falls due without being asked, a bounded number of accounts; from the maintenance thread.
  // After a start it goes on until all accounts are counted. Leaves off when `stopping` says so.
  void Tick(const std::function<bool()>& stopping);

  const Site& site() const { return site_; }
  Vault& vault() { return vault_; }
  const Vault& vault() const { return vault_; }
  Custodian& custodian() { return custodian_; }
  KeyVersions& key_versions() { return key_versions_; }
  KeyGrants& key_grants() { return key_grants_; }
  DataKeys& data_keys() { return data_keys_; }
  Messenger& messenger() { return messenger_; }
  Importer& importer() { return importer_; }
  LegalUses& legal_uses() { return legal_uses_; }
  // Counted so far, after a start.
  uint64_t known_accounts() const { return agenda_.known_accounts(); }
  bool counting_accounts() const { return agenda_.counting(); }
  const KeyCache& cache() const { return cache_; }

 private:
  void DriveDue(const std::function<bool()>& stopping);

  const Site site_;
  KeyCache cache_;
  Vault vault_;
  Agenda agenda_;
  Ledger ledger_;
  Custodian custodian_;
  KeyVersions key_versions_;
  KeyGrants key_grants_;
  DataKeys data_keys_;
  Mover mover_;
  Messenger messenger_;
  Importer importer_;
  LegalUses legal_uses_;
  RootRotation root_rotation_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CUSTODY_H_
