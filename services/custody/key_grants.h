#ifndef COMITY_CUSTODY_KEY_GRANTS_H_
#define COMITY_CUSTODY_KEY_GRANTS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/key_grant.h"
#include "services/common/statement/statement.h"
#include "services/custody/account.h"
#include "services/custody/grant_rules.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"

namespace comity::custody {

struct GrantView {
  GrantState state = GrantState::kInForce;
  GrantRecord record;
};

// What the owner of a key says about who else may use it. Who uses a key under a grant is the
// affair of DataKeys. Thread-safe. What it is given outlives it.
class KeyGrants final {
 public:
  KeyGrants(const Site* site, Ledger* ledger) : site_(site), ledger_(ledger) {}

  // Takes a key.grant or a key.grant-revocation that the calling device has signed; returns the
  // signed key.grant-receipt. Durable and in force when it returns: whoever used the key meanwhile
  // looks again before it answers. A repeat returns the same receipt. Whether the grantee exists is
  // not looked at, and so not told.
  //   ACCOUNT_NOT_YOURS      the caller is no active device of an account known here.
  //   STATEMENT_MALFORMED    neither of the two.
  //   SIGNATURE_INVALID      not signed by the caller about this account.
  //   ACCOUNT_NOT_HERE, KEY_DESTROYED   the key is used nowhere, or elsewhere.
  // A grant also:
  //   FIELD_INVALID, CONTEXT_INVALID    as of CheckGrant().
  //   REQUEST_ID_REUSED      another grant has this id.
  //   GRANT_NOT_IN_FORCE     it was given before, and was revoked.
  //   ACCOUNT_CLOSING, ACCOUNT_FENCED, CHAIN_FORKED   as of KeyVersions.
  //   STATE_NOT_READY        as many grants as an account may have.
  //   RATE_LIMITED           too many have ended lately.
  // A revocation also:
  //   FIELD_INVALID          there is no such grant.
  absl::StatusOr<Statement> Change(const Authorization& authorization, const AccountId& id,
                                   const Statement& statement);

  // In the order in which they were given. ACCOUNT_NOT_YOURS, RATE_LIMITED.
  absl::StatusOr<std::vector<GrantView>> List(const Authorization& authorization,
                                              const AccountId& id) const;

 private:
  absl::StatusOr<Statement> Give(const Statement& statement, Plan& plan) const;
  absl::StatusOr<Statement> Revoke(const Statement& statement, Plan& plan) const;

  const Site* const site_;
  Ledger* const ledger_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_GRANTS_H_
