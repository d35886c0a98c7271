#ifndef COMITY_STORAGE_ACCOUNTS_H_
#define COMITY_STORAGE_ACCOUNTS_H_

#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/common/topology/standing.h"
#include "services/storage/account_store.h"
#include "services/storage/object_store.h"
#include "services/storage/site.h"

namespace comity::storage {

struct CreateCommand {
  std::vector<Statement> chain;
  Statement record;
  std::vector<Statement> activations;
  std::vector<Statement> endorsements;
  Statement metadata_key;
};

struct AccountReport {
  SnapshotPtr account;
  StandingResult standing;
  BucketSum sum;
};

// What an owner wants with an account.
enum class Access : uint8_t {
  kLook,   // its record and history: in every state
  kRead,   // its objects
  kWrite,  // new, changed or deleted objects
};

// Proof that a caller is an active device of an account that may be accessed so now. Only Accounts
// makes one; it holds for the moment in which it was made (Accounts::Recheck).
class OwnerAccess final {
 public:
  const AccountId& account() const { return snapshot_->account; }
  const AccountSnapshot& snapshot() const { return *snapshot_; }
  const SigningKeyId& device() const { return device_; }

 private:
  friend class Accounts;
  OwnerAccess(SnapshotPtr snapshot, SigningKeyId device, Access access)
      : snapshot_(std::move(snapshot)), device_(device), access_(access) {}

  SnapshotPtr snapshot_;
  SigningKeyId device_;
  Access access_;
};

// Accounts as their devices see them. Thread-safe.
class Accounts final {
 public:
  // The stores outlive this.
  Accounts(Site site, AccountStore* accounts, ObjectStore* objects)
      : site_(std::move(site)), accounts_(accounts), objects_(objects) {}

  // Opens an account whose custody has activated it, or gives it back when the same one exists.
  // Nothing but the topology and the statements themselves is believed.
  //   ACCOUNT_NOT_YOURS        the caller's key is no device of the chain.
  //   SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED
  //                            chain, record, activation or metadata key do not verify.
  //   CHAIN_BEHIND             the activation is about an older chain.
  //   RULES_FORBID             this region is not the home of the territory, or terms are missing.
  //   STATEMENT_SUPERSEDED     another record of the account is known.
  //   LOG_UNAVAILABLE, STORE_UNAVAILABLE
  absl::StatusOr<AccountReport> Create(const Authorization& authorization,
                                       const CreateCommand& command);

  // ACCOUNT_NOT_YOURS, also when there is none.
  absl::StatusOr<AccountReport> Get(const Authorization& authorization, const AccountId& account);

  // ACCOUNT_NOT_YOURS; for kRead and kWrite ACCOUNT_NOT_HERE, ACCOUNT_FENCED, ACCOUNT_CLOSING
  // (kRead: only closed); for kWrite ACCOUNT_SUSPENDED.
  absl::StatusOr<OwnerAccess> Owner(const Authorization& authorization, const AccountId& account,
                                    Access access);
  // The same question again, for work that takes long: devices are revoked, accounts are fenced.
  absl::StatusOr<OwnerAccess> Recheck(const OwnerAccess& access);

 private:
  absl::StatusOr<OwnerAccess> OwnerByKey(const SigningKeyId& key, const AccountId& account,
                                         Access access);
  absl::StatusOr<AccountReport> Report(SnapshotPtr account);

  const Site site_;
  AccountStore* const accounts_;
  ObjectStore* const objects_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_ACCOUNTS_H_
