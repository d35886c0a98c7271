#ifndef COMITY_CUSTODY_DEVICE_STATEMENTS_H_
#define COMITY_CUSTODY_DEVICE_STATEMENTS_H_

#include <vector>

#include "absl/status/status.h"

#include "services/custody/delivery.h"
#include "services/custody/ledger.h"
#include "services/custody/site.h"

// What an account's devices sign, applied to a plan. Nothing here touches store or log.
namespace comity::custody {

// Extends the chain of an account that has one. CHAIN_FORKED: the second entry is in the plan as
// evidence, which is to be performed all the same; the other refusals of DeviceChain::Extend change
// nothing.
absl::Status ApplyChain(const std::vector<Statement>& entries, Plan& plan);

// Takes one numbered statement. The custody of record keeps one strictly increasing sequence: what
// is known already, byte for byte, is fine; another statement with a known number, or one with a
// lower number than the highest, is STATEMENT_SUPERSEDED.
//   CHAIN_FORKED        the chain is forked: no further changes.
//   SIGNATURE_INVALID   not signed by an active device.
//   CONSENT_VOID        the consent is not what the topology computes, expired, or of another
//   epoch. CHAIN_BEHIND        the consent names a chain head that is not known here.
//   ACCOUNT_CLOSING     a consent while closing.
//   ACCOUNT_NOT_HERE, KEY_DESTROYED   this custody does not keep the account's sequence any more.
//   STATE_NOT_READY     a cancel without a close; a read-back of a move that is not done.
//   FIELD_INVALID       it is expired, or says what is not the case.
//   OVERLOADED          the account has too many statements.
absl::Status ApplyDeviceStatement(const Site& site, const ReadStatement& read, Plan& plan);

}  // namespace comity::custody

#endif  // COMITY_CUSTODY_DEVICE_STATEMENTS_H_
