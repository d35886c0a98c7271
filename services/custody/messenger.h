#ifndef COMITY_CUSTODY_MESSENGER_H_
#define COMITY_CUSTODY_MESSENGER_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/statement.h"
#include "services/custody/delivery.h"
#include "services/custody/ledger.h"
#include "services/custody/mover.h"
#include "services/custody/peer_custody.h"
#include "services/custody/site.h"

namespace comity::custody {

// DeliverStatement: takes what carriers bring, and lets the mover do what follows from it.
// Thread-safe. What it is given outlives it.
class Messenger final {
 public:
  Messenger(const Site* site, Ledger* ledger, Mover* mover, PeerCustody* peers)
      : site_(site), ledger_(ledger), mover_(mover), peers_(peers) {}

  // Verifies each statement, keeps what is new in one commit, does what this custody is entitled to
  // and returns the newest statements about the account. A refusal keeps nothing, with two
  // exceptions: evidence of a forked chain, and storage's fence, whose time runs from the moment
  // it is known here. Statements may be delivered any number of times.
  //   ACCOUNT_NOT_YOURS  a device that is not active in the account's chain, extended by the
  //                      entries that came along; also when there is no such account.
  //   ACCOUNT_NOT_HERE   a service, about an account that is not known here.
  //   CONSENT_MISSING    a fence for a consent that is not known here.
  //   BORDER_CLOSED, PEER_UNAVAILABLE   as below.
  // and the refusals of ApplyChain, ApplyDeviceStatement and the functions of move_rules.h.
  //
  // What storage of this region brings about an account whose keys are kept in another region, as
  // the account record that comes along says, is carried there, and its answer back. The record is
  // not verified: whoever is asked there believes nothing but what is signed.
  absl::StatusOr<std::vector<Statement>> Deliver(const Authorization& authorization,
                                                 const AccountId& id,
                                                 const std::vector<Statement>& statements);

 private:
  // On a refusal the plan holds what is to be kept all the same.
  absl::Status Apply(const Authorization& authorization, const Delivery& delivery,
                     Plan& plan) const;
  absl::Status ApplyAll(const Authorization& authorization, const Delivery& delivery,
                        Plan& plan) const;
  absl::Status ApplyRest(const Delivery& delivery, Plan& plan) const;

  const Site* const site_;
  Ledger* const ledger_;
  Mover* const mover_;
  PeerCustody* const peers_;
};

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_MESSENGER_H_
