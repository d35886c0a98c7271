#ifndef COMITY_CUSTODY_KEY_VERSIONS_H_
#define COMITY_CUSTODY_KEY_VERSIONS_H_

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "services/common/clock/clock.h"
#include "services/common/identity/authorization.h"
#include "services/common/ids/ids.h"
#include "services/common/statement/custody.h"
#include "services/common/topology/topology.h"
#include "services/custody/account.h"
#include "services/custody/key_sealer.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"
#include "services/custody/vault.h"

namespace comity::custody {

// What a device asks to be changed about the versions of its key.
struct ChangeCommand {
  AccountId account;
  RequestId request;
  KeyChangeKind kind = KeyChangeKind::kDisable;
  KeyVersion version = 0;  // not for kSetRotation
  uint32_t days = 0;       // until the destruction; from one version to the next, 0 = never
};

// The owner's side of an account's key: another version, and what becomes of those there are.
// Thread-safe. What it is given outlives it.
class KeyVersions final {
 public:
  KeyVersions(const Site* site, Ledger* ledger, const Vault* vault)
      : site_(site), ledger_(ledger), vault_(vault) {}

  // Both are durable when they return, and in force: whoever used the key meanwhile looks again
  // before it answers. A repeat of the device's request within a day returns the same statement;
  // the same request for something else is REQUEST_ID_REUSED.
  //   ACCOUNT_NOT_YOURS      the caller is no active device of an account known here.
  //   ACCOUNT_NOT_HERE, KEY_DESTROYED   the key is used nowhere, or elsewhere.
  //   ACCOUNT_CLOSING        all of it is going to be destroyed.
  //   ACCOUNT_FENCED         a move is being decided: what was exported has to stay all there is.
  //   CHAIN_FORKED           two devices claim one place in the chain.
  //   RATE_LIMITED           too many changes within a day.

  // Makes another key version, which wraps from now on; returns the signed key.rotation.
  //   ACCOUNT_SUSPENDED      nothing new is wrapped here.
  //   STATE_NOT_READY        it has as many versions as can move.
  //   SEALED
  absl::StatusOr<Statement> Rotate(const Authorization& authorization, const AccountId& id,
                                   const RequestId& request);
  // Returns the signed key.change.
  //   FIELD_INVALID          no such version; days out of their bounds.
  //   KEY_DESTROYED          of that version.
  //   STATE_NOT_READY        the version is to be destroyed (cancel that first), or is not; the
  //                          newest one cannot be destroyed (rotate first).
  absl::StatusOr<Statement> Change(const Authorization& authorization,
                                   const ChangeCommand& command);

 private:
  const Site* const site_;
  Ledger* const ledger_;
  const Vault* const vault_;
};

// Adds a version, its statement and its leaf to the plan. `request` is zero where nobody asked.
// Refusals as of KeyVersions::Rotate.
absl::StatusOr<Statement> ApplyRotation(const Site& site, const KeySealer& sealer,
                                        const RequestId& request, Plan& plan);
// When the account's key is to get another version by itself, if it is.
std::optional<UnixMillis> NextRotationTime(const Account& account, const Topology& topology,
                                           const RegionId& region, UnixMillis now);

// When the first of the versions that its owner has given up is to be destroyed, if any is.
std::optional<UnixMillis> NextVersionDestruction(const Account& account);
// Erases the versions whose time is over; their certificates and leaves are in the plan.
absl::Status ApplyVersionDestructions(const Site& site, Plan& plan);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_KEY_VERSIONS_H_
