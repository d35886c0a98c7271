#ifndef COMITY_CUSTODY_ROOT_ROTATION_H_
#define COMITY_CUSTODY_ROOT_ROTATION_H_

#include <functional>

#include "absl/status/status.h"

#include "services/custody/account_store.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// How many accounts are done between two marks.
inline constexpr size_t kResealPage = 128;

// Seals the keys of all accounts anew under a new root key, a bounded number at a time while
// custody serves, and has the root before destroyed when none is left. Where it was is on disk, so
// that a death or a sealing costs a page. Of one thread. What it is given outlives it.
class RootRotation final {
 public:
  RootRotation(const Site* site, AccountStore* store, Ledger* ledger, Vault* vault)
      : site_(site), store_(store), ledger_(ledger), vault_(vault) {}

  // Gets on with it, if there is anything to do; leaves off when `stopping` says so. From the
  // maintenance thread.
  void Tick(const std::function<bool()>& stopping);

 private:
  absl::Status Step(const Vault::Keys& keys, const std::function<bool()>& stopping);
  absl::Status Resume(uint32_t generation);
  absl::Status Advance(const ResealMark& mark);
  // Whether the account could be read.
  absl::StatusOr<bool> Reseal(const AccountId& id, const Vault::Keys& keys);
  absl::Status Finish(const Vault::Keys& keys);
  void Report(std::string_view event, const absl::Status& status) const;

  const Site* const site_;
  AccountStore* const store_;
  Ledger* const ledger_;
  Vault* const vault_;
  ResealMark mark_;
  UnixMillis not_before_ = 0;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_ROOT_ROTATION_H_
