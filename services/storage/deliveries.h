#ifndef COMITY_STORAGE_DELIVERIES_H_
#define COMITY_STORAGE_DELIVERIES_H_

#include <functional>
#include <vector>

#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/storage/account_store.h"
#include "services/storage/eraser.h"
#include "services/storage/incoming.h"
#include "services/storage/own_custody.h"
#include "services/storage/site.h"

namespace comity::storage {

// DeliverStatement: takes statements about an account from any carrier, verifies each, keeps what
// is new, and does what follows: opens an account that arrived, ends a move, erases a closed
// account. A carrier that lost its memory delivers again. Thread-safe.
class Deliveries final {
 public:
  // Told of an account whose move may get on now.
  using Wake = std::function<void(const AccountId&)>;

  // What is given outlives this.
  Deliveries(Site site, AccountStore* accounts, Incoming* incoming, Eraser* eraser,
             OwnCustody* custody, Wake wake);

  // Answers with the newest statements held or made here.
  //   ACCOUNT_NOT_YOURS     a device that is none of the account, or no such account.
  //   ACCOUNT_NOT_HERE      another carrier and no such account; a device statement for an account
  //                         that has moved.
  //   SIGNATURE_INVALID, ENDORSEMENT_MISSING, STATEMENT_MALFORMED, CHAIN_FORKED, CHAIN_BEHIND
  //   STATEMENT_SUPERSEDED  another statement with this number is known.
  //   CONSENT_VOID          a consent that the rules do not allow.
  //   FIELD_INVALID         a statement about another account, or a read-back of something else.
  //   OVERLOADED            the account has too many statements.
  //   STATE_NOT_READY       a release of other data than arrived here.
  absl::StatusOr<std::vector<Statement>> Deliver(const Authorization& authorization,
                                                 const AccountId& account,
                                                 const std::vector<Statement>& statements);

  // Maintenance: what time alone brings about for this account. Asks the region's custody for the
  // certificate of a closing account that is due, and whether keys that were in another region have
  // come to here; ends what was prepared under an expired consent; finishes what a crash
  // interrupted.
  absl::Status Attend(const AccountId& account);

 private:
  // What follows from what is known of the account now.
  absl::Status Follow(const SnapshotPtr& taken);
  absl::Status FollowArrival(const AccountSnapshot& account);
  // The keys have come to where the data is: from now on the account is resident here. Returns the
  // account as it is then.
  absl::StatusOr<SnapshotPtr> FollowKeys(const SnapshotPtr& account);
  // What the region's custody, or the one that it carries to, says to the account's own words;
  // returns the account as it is with that.
  absl::StatusOr<SnapshotPtr> AskCustody(const AccountSnapshot& account,
                                         const std::vector<Statement>& words);
  // The keys are destroyed: closes and erases.
  absl::Status CloseIfDestroyed(const AccountSnapshot& account);

  const Site site_;
  AccountStore* const accounts_;
  Incoming* const incoming_;
  Eraser* const eraser_;
  OwnCustody* const custody_;
  const Wake wake_;
};

}  // namespace comity::storage

#endif  // COMITY_STORAGE_DELIVERIES_H_
