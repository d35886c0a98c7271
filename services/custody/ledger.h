#ifndef COMITY_CUSTODY_LEDGER_H_
#define COMITY_CUSTODY_LEDGER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/custody/account.h"
#include "services/custody/account_store.h"
#include "services/custody/agenda.h"
#include "services/custody/key_cache.h"
#include "services/custody/leaf_log.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// A leaf to be written before an act: its type, and the statement that the act makes.
struct LeafPlan {
  std::string type;
  Digest about;
};

// A change of one account, decided and not yet done.
struct Plan {
  explicit Plan(Account account) : after(std::move(account)) {}
  Account after;
  std::vector<LeafPlan> leaves;
  std::optional<LegalUse> use;
  // What it seals with, kept until it is committed: a root key that is being replaced is not
  // destroyed before (Vault::KeysBeforeInUse), so that nothing comes to rest under one that is
  // gone.
  Vault::Keys keys;
  bool changed = false;  // false: there is nothing to do
};

// The one way in which accounts change: leaves first, then one commit, then the cache and the
// agenda learn of it; only then may anybody be told. A crash in between leaves a leaf that says
// what was about to happen, and the account as it was: the carrier comes again.
// Thread-safe. What it is given outlives it.
class Ledger final {
 public:
  Ledger(const Site* site, AccountStore* store, LeafLog* log, const Vault* vault, KeyCache* cache,
         Agenda* agenda)
      : site_(site), store_(store), log_(log), vault_(vault), cache_(cache), agenda_(agenda) {}

  // While custody is sealed every signature of the device chain is verified again.
  absl::StatusOr<Account> Load(const AccountId& account) const;

  // Returns the account as it is after the plan. CONFLICT, and nothing done but the leaves, when it
  // changed since `before` was loaded; LOG_UNAVAILABLE and STORE_UNAVAILABLE.
  absl::StatusOr<Account> Perform(const Account& before, Plan plan);

  // Loads, lets `decide` fill in the plan, performs it; again from the start on CONFLICT, a bounded
  // number of times. `decide` sees the loaded account in plan.after.
  using Decide = std::function<absl::Status(Plan& plan)>;
  absl::StatusOr<Account> Update(const AccountId& id, const Decide& decide);

  // Lets `reseal` seal the keys of an account anew, until it says that there is nothing more to do;
  // each time one commit. Nobody is told and what is opened stays so, for the keys are the same.
  // What `keys`, under which it seals, vouch for comes with it, also if custody is sealed
  // meanwhile. STORE_UNAVAILABLE, DATA_CORRUPT, CONFLICT.
  absl::Status Reseal(const AccountId& id, const Vault::Keys& keys,
                      const std::function<bool(Account& account)>& reseal);

  // Puts some more of the stored accounts on the agenda, once each, until it has all
  // (Agenda::counting). An account that cannot be read is reported and left out: whoever asks for
  // it is refused, and nobody else. STORE_UNAVAILABLE: nothing was counted, to be called again. One
  // thread at a time.
  absl::Status CountSome();

 private:
  // Vouches for the device chain of what is about to be committed, with these keys; null: sealed.
  // Whether that changed anything.
  static bool Vouch(const Vault::Keys& keys, const Account& before, Account& after);
  Vault::Keys OpenKeys() const;  // null while sealed
  std::optional<UnixMillis> DueOf(const Account& account) const;
  absl::StatusOr<Agenda::Counted> Count(const AccountId& id) const;
  absl::StatusOr<std::vector<LeafOpening>> WriteLeaves(const std::vector<LeafPlan>& leaves,
                                                       Account& account);

  const Site* const site_;
  AccountStore* const store_;
  LeafLog* const log_;
  const Vault* const vault_;
  KeyCache* const cache_;
  Agenda* const agenda_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_LEDGER_H_
