#ifndef COMITY_CUSTODY_CUSTODIAN_H_
#define COMITY_CUSTODY_CUSTODIAN_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/custody/account.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

struct KeyVersionView {
  enum class State { kEnabled, kDisabled, kDestroyScheduled, kDestroyed, kInactive };
  KeyVersion version = 0;
  State state = State::kEnabled;
  UnixMillis create_time = 0;
  UnixMillis destroy_time = 0;  // scheduled or done; 0 if neither
};

struct AccountKeyView {
  std::vector<KeyVersionView> versions;  // ascending
  AccountEpoch epoch = 0;
  KeyVersion min_unwrap_version = 1;
  uint32_t rotation_days = 0;    // 0: no version makes itself
  UnixMillis next_rotation = 0;  // 0: none is to come
  std::vector<Statement> statements;
};

// Accounts from their creation on: what a device asks about its key. Thread-safe. What it is given
// outlives it.
class Custodian final {
 public:
  Custodian(const Site* site, Ledger* ledger, const Vault* vault)
      : site_(site), ledger_(ledger), vault_(vault) {}

  // Makes the first key version and the metadata key pair; returns the signed activation. A repeat
  // for an account that is active here returns the same one.
  //   STATEMENT_MALFORMED, SIGNATURE_INVALID   chain or record.
  //   ACCOUNT_NOT_YOURS      the caller's key is no active device of the chain.
  //   FIELD_INVALID          the record is not number 1, of this deployment, with one policy that
  //                          names this custody alone, resident for its own region or exclave for
  //                          another, and refuge regions that exist.
  //   RULES_FORBID           the territory's home, or where its keys are kept, is another region
  //                          today.
  //   CONSENT_MISSING        the home asks for terms that the record does not accept.
  //   STATEMENT_SUPERSEDED   the account exists with another record.
  //   ACCOUNT_NOT_HERE, KEY_DESTROYED   it existed here.
  //   RATE_LIMITED           more accounts are being made than custody takes.
  //   SEALED                 to everybody.
  absl::StatusOr<Statement> Create(const Authorization& authorization,
                                   const std::vector<Statement>& entries, const Statement& record);

  // Both: ACCOUNT_NOT_YOURS unless the caller is an active device of an account known here;
  // RATE_LIMITED.
  absl::StatusOr<AccountKeyView> GetKey(const Authorization& authorization,
                                        const AccountId& id) const;
  // The signed attestation "active here" (or not), with who can compel this custody and what change
  // is scheduled.
  absl::StatusOr<Statement> GetLocation(const Authorization& authorization, const AccountId& id,
                                        const std::string& nonce) const;

 private:
  absl::StatusOr<Account> LoadForDevice(const Authorization& authorization,
                                        const AccountId& id) const;
  absl::Status CheckRecord(const Statement& record, const DeviceChain& chain) const;
  absl::Status FillNewAccount(const DeviceChain& chain, const Statement& record, Plan& plan) const;

  const Site* const site_;
  Ledger* const ledger_;
  const Vault* const vault_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_CUSTODIAN_H_
